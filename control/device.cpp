#include "control/device.hpp"

#include <rte_errno.h>

#include <algorithm>
#include <cerrno>

#include "control/log.hpp"
#include "control/machine.hpp"

namespace strata {
namespace {

// Ethernet with a VLAN tag.
constexpr std::uint16_t kLinkHeader = 14 + 4;
// net_af_packet wants a buffer as large as its ring's frames; others, one of the usual size.
constexpr std::uint16_t kLeastRoom = 2048;
// Outbound packets grow at the front beyond the usual headroom: 16 segments, IPv6, ESP, UDP and IPv4.
constexpr std::uint16_t kGrowth = 384;

rte_ether_addr to_dpdk(const wire::MacAddress& mac) {
  rte_ether_addr address{};
  std::copy(mac.octets.begin(), mac.octets.end(), std::begin(address.addr_bytes));
  return address;
}

}  // namespace

Device::Device(Device&& other) noexcept
    : port_(other.port_),
      id_(other.id_),
      driver_(std::move(other.driver_)),
      room_(other.room_),
      rx_descriptors_(other.rx_descriptors_),
      tx_descriptors_(other.tx_descriptors_),
      open_(std::exchange(other.open_, false)),
      started_(std::exchange(other.started_, false)) {}

Device::~Device() {
  if (!open_) return;
  stop();
  rte_eth_dev_close(id_);
}

std::string Device::fault(const std::string& what, int rc) const {
  return "port " + port_->name + " (" + port_->device + "): " + what + ": " + rte_strerror(-rc);
}

tl::expected<Device, std::string> Device::open(const config::Port& port) {
  std::uint16_t id = 0;
  if (rte_eth_dev_get_port_by_name(name_of_device(port.device).c_str(), &id) != 0) {
    return tl::unexpected("port " + port.name + ": DPDK has no device " + name_of_device(port.device) +
                          "; `strata doctor` says what it needs");
  }
  Device device(port, id);
  if (auto done = device.configure(); !done) return tl::unexpected(done.error());
  if (auto done = device.set_mac(); !done) return tl::unexpected(done.error());
  return device;
}

tl::expected<void, std::string> Device::configure() {
  rte_eth_dev_info info{};
  if (const int rc = rte_eth_dev_info_get(id_, &info); rc != 0)
    return tl::unexpected(fault("says nothing of itself", rc));
  driver_ = info.driver_name;
  rte_eth_conf conf{};
  if (const int rc = rte_eth_dev_configure(id_, 1, 1, &conf); rc != 0)
    return tl::unexpected(fault("cannot be configured", rc));
  rx_descriptors_ = port_->rx_descriptors;
  tx_descriptors_ = port_->tx_descriptors;
  if (const int rc = rte_eth_dev_adjust_nb_rx_tx_desc(id_, &rx_descriptors_, &tx_descriptors_); rc != 0)
    return tl::unexpected(fault("takes no number of descriptors", rc));
  const int rc = rte_eth_dev_set_mtu(id_, port_->mtu);
  if (rc != 0 && rc != -ENOTSUP) {
    return tl::unexpected(fault("refuses an MTU of " + std::to_string(port_->mtu) + "; it allows " +
                                    std::to_string(info.min_mtu) + " to " + std::to_string(info.max_mtu),
                                rc));
  }
  room_ = std::max<std::uint16_t>({kLeastRoom, static_cast<std::uint16_t>(port_->mtu + kLinkHeader + kGrowth),
                                   static_cast<std::uint16_t>(std::min<std::uint32_t>(info.min_rx_bufsize, 16384))});
  return {};
}

wire::MacAddress Device::mac() const {
  rte_ether_addr address{};
  rte_eth_macaddr_get(id_, &address);
  wire::MacAddress mac{};
  std::copy(std::begin(address.addr_bytes), std::end(address.addr_bytes), mac.octets.begin());
  return port_->mac.value_or(mac);
}

tl::expected<void, std::string> Device::set_mac() {
  bool promiscuous = port_->promiscuous;
  if (port_->mac) {
    rte_ether_addr address = to_dpdk(*port_->mac);
    if (const int rc = rte_eth_dev_default_mac_addr_set(id_, &address); rc != 0 && !promiscuous) {
      log_line("port " + port_->name + ": the device keeps its own MAC address (" + rte_strerror(-rc) +
               "), so it is made promiscuous to receive for " + wire::to_string(*port_->mac));
      promiscuous = true;
    }
  }
  const int rc = promiscuous ? rte_eth_promiscuous_enable(id_) : rte_eth_promiscuous_disable(id_);
  if (rc != 0 && promiscuous) return tl::unexpected(fault("cannot be made promiscuous", rc));
  return {};
}

tl::expected<void, std::string> Device::start(const Pool& pool) {
  const int socket = rte_eth_dev_socket_id(id_);
  const auto on = static_cast<unsigned>(socket);
  if (const int rc = rte_eth_rx_queue_setup(id_, 0, rx_descriptors_, on, nullptr, pool.mempool()); rc != 0)
    return tl::unexpected(fault("cannot make its receive queue", rc));
  if (const int rc = rte_eth_tx_queue_setup(id_, 0, tx_descriptors_, on, nullptr); rc != 0)
    return tl::unexpected(fault("cannot make its transmit queue", rc));
  if (const int rc = rte_eth_dev_start(id_); rc != 0) return tl::unexpected(fault("does not start", rc));
  started_ = true;
  return {};
}

void Device::stop() {
  if (std::exchange(started_, false)) rte_eth_dev_stop(id_);
}

}  // namespace strata
