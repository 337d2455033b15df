#include <algorithm>
#include <array>
#include <charconv>

#include "control/device_name.hpp"
#include "control/doctor/hugepages.hpp"
#include "control/doctor/network.hpp"
#include "control/doctor/parts.hpp"

namespace strata::doctor {
namespace {

constexpr std::string_view kDevices = "sys/bus/pci/devices/";
constexpr const char* kNoIommuMode = "sys/module/vfio/parameters/enable_unsafe_noiommu_mode";

// DPDK drives these beside the kernel's driver, not instead of it.
constexpr std::array<std::string_view, 3> kShared{"mlx4_core", "mlx5_core", "mana"};
constexpr std::array<std::string_view, 3> kForUserSpace{"vfio-pci", "igb_uio", "uio_pci_generic"};

class PciPort {
 public:
  PciPort(const Machine& machine, const config::Config& config, const config::Port& port, Findings& findings)
      : machine_(machine),
        eal_(config.eal),
        workers_(config.workers),
        findings_(findings),
        about_("port " + port.name),
        address_(name_of_device(port.device)),
        folder_(std::string(kDevices) + address_ + "/"),
        driver_(machine.link_end(folder_ + "driver")) {}

  void examine();

 private:
  void add(Grade grade, const std::string& sentence, std::vector<std::string> mend) {
    findings_.push_back({grade, about_, address_ + " " + sentence, std::move(mend)});
  }
  void examine_driver();
  void examine_vfio();
  void examine_no_iommu();
  void examine_group();
  void examine_lock_limit();
  void examine_node();
  std::vector<std::string> interfaces() const;
  std::vector<std::string> binding() const;
  bool has_group() const { return !machine_.link_end(folder_ + "iommu_group").empty(); }
  bool no_iommu_is_allowed() const {
    const std::string mode = machine_.text(kNoIommuMode).value_or("");
    return mode == "Y" || mode == "1";
  }

  const Machine& machine_;
  const config::Eal& eal_;
  const config::Workers& workers_;
  Findings& findings_;
  const std::string about_;
  const std::string address_;
  const std::string folder_;
  const std::string driver_;  // empty: none is bound
};

// The kernel's interfaces of the device; virtio's stand one folder deeper.
std::vector<std::string> PciPort::interfaces() const {
  std::vector<std::string> found = machine_.names(folder_ + "net");
  for (const std::string& name : machine_.names(folder_.substr(0, folder_.size() - 1))) {
    if (!name.starts_with("virtio")) continue;
    const std::vector<std::string> more = machine_.names(folder_ + name + "/net");
    found.insert(found.end(), more.begin(), more.end());
  }
  return found;
}

std::vector<std::string> PciPort::binding() const {
  std::vector<std::string> commands;
  if (!machine_.exists("sys/bus/pci/drivers/vfio-pci")) commands.emplace_back("modprobe vfio-pci");
  if (!has_group() && !no_iommu_is_allowed())
    commands.push_back("echo 1 > /" + std::string(kNoIommuMode) + "   # there is no IOMMU here");
  commands.push_back("dpdk-devbind.py -b vfio-pci " + address_ + "   # or, to last: driverctl set-override " +
                     address_ + " vfio-pci");
  return commands;
}

void PciPort::examine() {
  if (!machine_.exists(folder_)) {
    add(Grade::stops, "is not on this machine's PCI bus", {"lspci -D lists what is"});
    return;
  }
  // A wrong digit must not cost anybody his disk.
  if (const auto code = machine_.text(folder_ + "class"); code && !code->starts_with("0x02")) {
    add(Grade::stops, "is no network device (PCI class " + *code + ")", {"lspci -D lists what is"});
    return;
  }
  const std::size_t before = findings_.size();
  examine_driver();
  examine_node();
  if (findings_.size() == before) add(Grade::fine, "is bound to " + driver_, {});
}

void PciPort::examine_driver() {
  if (std::ranges::find(kShared, driver_) != kShared.end()) return;
  if (driver_ == "vfio-pci") return examine_vfio();
  if (std::ranges::find(kForUserSpace, driver_) != kForUserSpace.end()) {
    return want_capabilities(machine_, about_, "drive " + address_ + " by " + driver_,
                             {Capability::sys_rawio, Capability::sys_admin}, findings_);
  }
  if (driver_.empty()) return add(Grade::stops, "has no driver", binding());
  std::string names;
  for (const std::string& interface : interfaces()) names += " " + interface;
  add(Grade::stops,
      "still belongs to the kernel (driver " + driver_ + (names.empty() ? "" : ", interface" + names) + ")", binding());
  for (const std::string& interface : interfaces()) {
    if (!is_up(machine_, interface) || !has_address(machine_, interface)) continue;
    add(Grade::warning,
        "is " + interface + ", which is UP AND HAS AN ADDRESS: once it is bound, whoever came in by it is cut off",
        {"ip address show dev " + interface});
  }
}

void PciPort::examine_vfio() {
  const std::string group = machine_.link_end(folder_ + "iommu_group");
  const std::string node = "dev/vfio/" + group;
  const std::string bare_node = "dev/vfio/noiommu-" + group;
  if (group.empty() || machine_.exists(bare_node)) return examine_no_iommu();
  if (!machine_.is_open_to_us(node)) {
    add(Grade::stops, "is behind /" + node + ", which this user may not open",
        {"chown " + std::string("$USER") + " /" + node + "   # as root; or run as root"});
  }
  examine_group();
  examine_lock_limit();
}

// Without an IOMMU a device is told physical addresses: of huge pages alone, as ordinary memory moves.
void PciPort::examine_no_iommu() {
  if (!no_iommu_is_allowed()) {
    add(Grade::stops, "is bound to vfio-pci, but there is no IOMMU, and vfio is not allowed to do without",
        {"on the kernel's command line: intel_iommu=on or amd_iommu=on, where the machine has one; else",
         "echo 1 > /" + std::string(kNoIommuMode), "dpdk-devbind.py -u " + address_,
         "dpdk-devbind.py -b vfio-pci " + address_});
    return;
  }
  want_capabilities(machine_, about_, "drive " + address_ + " without an IOMMU",
                    {Capability::sys_rawio, Capability::sys_admin}, findings_);
  if (eal_.hugepages == config::Hugepages::never || allowed_mib(hugepage_sizes(machine_)) < eal_.memory) {
    add(Grade::stops, "has no IOMMU before it, and so works with huge pages only",
        {hugepage_lack(machine_, eal_.memory).mend});
  }
}

void PciPort::examine_group() {
  constexpr std::uint64_t kBridge = 0x0604;
  for (const std::string& other : machine_.names(folder_ + "iommu_group/devices")) {
    const std::string folder = std::string(kDevices) + other + "/";
    const std::string driver = machine_.link_end(folder + "driver");
    const std::string code = machine_.text(folder + "class").value_or("0x0");
    std::uint64_t kind = 0;
    if (code.starts_with("0x")) std::from_chars(code.data() + 2, code.data() + code.size(), kind, 16);
    if (other == address_ || driver.empty() || driver == "vfio-pci" || kind >> 8 == kBridge) continue;
    std::string finding = "shares its IOMMU group with " + other;
    finding.append(", which belongs to the kernel (driver ").append(driver).append(")");
    add(Grade::stops, finding, {"dpdk-devbind.py -u " + other});
  }
}

// What a device may write into has to stay where it is.
void PciPort::examine_lock_limit() {
  if (has(machine_, Capability::ipc_lock)) return;
  for (const std::string& line : machine_.lines("proc/self/limits")) {
    constexpr std::string_view kName = "Max locked memory";
    if (!line.starts_with(kName)) continue;
    const std::size_t digit = line.find_first_of("0123456789");
    if (line.find("unlimited") < digit) return;
    std::uint64_t octets = 0;
    if (digit != std::string::npos) std::from_chars(&line[digit], line.data() + line.size(), octets);
    if (octets >= std::uint64_t{eal_.memory} * 1024 * 1024) return;
    add(Grade::stops,
        "needs " + std::to_string(eal_.memory) + " MiB locked in memory, this user may lock " +
            std::to_string(octets / 1024) + " KiB",
        {"ulimit -l unlimited   # as root; for a service: LimitMEMLOCK=infinity"});
    return;
  }
}

void PciPort::examine_node() {
  const auto node = machine_.number(folder_ + "numa_node");  // -1, where there is but one, is no number to us
  if (!node) return;
  const std::string list = "sys/devices/system/node/node" + std::to_string(*node) + "/cpulist";
  const auto near = machine_.cpus(list);
  for (const std::uint32_t cpu : workers_.cpus) {
    if (near.empty() || near.contains(cpu)) continue;
    add(Grade::hint,
        "hangs on NUMA node " + std::to_string(*node) + ", CPU " + std::to_string(cpu) + " (workers.cpus) does not",
        {"set workers.cpus to CPUs of /" + list});
  }
}

}  // namespace

void examine_pci(const Machine& machine, const config::Config& config, const config::Port& port, Findings& findings) {
  PciPort(machine, config, port, findings).examine();
}

}  // namespace strata::doctor
