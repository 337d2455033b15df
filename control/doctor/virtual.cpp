#include <algorithm>
#include <array>

#include "control/device_name.hpp"
#include "control/doctor/network.hpp"
#include "control/doctor/parts.hpp"

namespace strata::doctor {
namespace {

// The interface that must be there before: net_tap makes its own, and iface of net_vhost is a socket.
std::string interface_of(const config::Port& port) {
  const std::string driver = driver_of_device(port.device);
  const bool opens = driver == "net_af_packet" || driver == "net_af_xdp" || driver == "net_pcap";
  if (!opens && driver != "net_tap") return {};
  return argument_of_device(port.device, opens ? "iface" : "remote").value_or("");
}

// net_pcap that reads and writes files opens none.
bool opens_interfaces(const std::string& driver, const config::Port& port) {
  if (driver != "net_pcap") return driver == "net_af_packet";
  return std::ranges::any_of(std::array{"iface", "rx_iface", "rx_iface_in", "tx_iface"},
                             [&](const char* key) { return argument_of_device(port.device, key).has_value(); });
}

void examine_rights(const Machine& machine, const config::Port& port, const std::string& about, Findings& findings) {
  const std::string driver = driver_of_device(port.device);
  if (opens_interfaces(driver, port))
    want_capabilities(machine, about, "open interfaces", {Capability::net_raw, Capability::net_admin}, findings);
  if (driver == "net_af_xdp") {
    want_capabilities(machine, about, "load XDP programs", {Capability::net_raw, Capability::net_admin}, findings);
    if (!has(machine, Capability::bpf))
      want_capabilities(machine, about, "load XDP programs", {Capability::sys_admin}, findings);
  }
  if (driver != "net_tap") return;
  want_capabilities(machine, about, "make interfaces", {Capability::net_admin}, findings);
  if (!machine.is_open_to_us("dev/net/tun"))
    findings.push_back({Grade::stops,
                        about,
                        "/dev/net/tun is not there, or not for this user",
                        {"modprobe tun", "ls -l /dev/net/tun"}});
}

// A packet that this machine itself sends into the other end goes unfinished: its checksum, and its division into
// segments, are left to a device that there is none.
void examine_other_end(const Machine& machine, const std::string& about, const std::string& name, Findings& findings) {
  const std::string other = other_end(machine, name);
  if (other.empty()) return;
  const bool elsewhere = other.find(' ') != std::string::npos;
  findings.push_back({Grade::hint,
                      about,
                      name +
                          " is a virtual interface; if its other end is a veth on which programs send, their TCP and "
                          "UDP come with wrong checksums and too large",
                      {"ethtool -K " + (elsewhere ? "OTHER-END" : other) + " tx off" +
                       (elsewhere ? "   # where the other end is: ip netns exec NAME ..." : "")}});
}

void examine_interface(const Machine& machine, const std::string& about, const std::string& name, Findings& findings) {
  if (!has_interface(machine, name)) {
    findings.push_back({Grade::stops,
                        about,
                        "there is no interface " + name + " in this network namespace",
                        {"ip -br link lists what there is"}});
    return;
  }
  if (!is_up(machine, name))
    findings.push_back({Grade::warning, about, name + " is down", {"ip link set dev " + name + " up"}});
  if (has_address(machine, name)) {
    findings.push_back({Grade::warning,
                        about,
                        name + " has an address of the kernel's, which will answer beside strata (ARP, TCP resets)",
                        {"ip address flush dev " + name}});
  }
  examine_other_end(machine, about, name, findings);
}

}  // namespace

void examine_virtual(const Machine& machine, const config::Port& port, Findings& findings) {
  const std::string about = "port " + port.name;
  const std::size_t before = findings.size();
  const std::string driver = driver_of_device(port.device);
  if (!driver.starts_with("net_") && !driver.starts_with("eth_")) {
    findings.push_back(
        {Grade::stops,
         about,
         port.device + " is no device of DPDK's",
         {"device: \"net_af_packet0,iface=" + port.device + "\"   # if it is an interface of the kernel"}});
    return;
  }
  examine_rights(machine, port, about, findings);
  if (const std::string name = interface_of(port); !name.empty()) examine_interface(machine, about, name, findings);
  if (findings.size() == before)
    findings.push_back({Grade::fine, about, "nothing is in the way of " + port.device, {}});
}

}  // namespace strata::doctor
