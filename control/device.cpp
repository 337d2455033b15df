#include "control/device.hpp"

#include <rte_errno.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <string_view>
#include <thread>

#include "control/device_name.hpp"
#include "control/endless_capture.hpp"
#include "control/interface.hpp"
#include "control/log.hpp"
#include "dataplane/packet/port_io.hpp"

namespace strata {
namespace {

// Ethernet with two VLAN tags.
constexpr unsigned kLinkHeader = 14 + 2 * 4;
// What outbound packets grow by at their front, beyond a driver's headroom: 16 segments, IPv6, ESP, UDP and IPv4.
constexpr unsigned kGrowth = 384;
// NICs count the size of buffers in units of this.
constexpr unsigned kRoomUnit = 1024;

// net_af_packet shares a ring of frames with the kernel: these are larger than the packets by the kernel's headers
// before each (TPACKET_V2), and a buffer must hold as much as a frame.
constexpr unsigned kUsualRingFrame = 2048;
constexpr unsigned kRingFrameHead = 80;
// More frames than such a ring has: a flood is to keep no port from starting.
constexpr std::size_t kMostOfRing = std::size_t{1} << 22;

// Each a millisecond: the kernel has sent by then what it was given.
constexpr unsigned kTakeBackRounds = 10;

constexpr std::uint64_t kRssFields = RTE_ETH_RSS_IP | RTE_ETH_RSS_UDP | RTE_ETH_RSS_ESP;

rte_ether_addr to_dpdk(const wire::MacAddress& mac) {
  rte_ether_addr address{};
  std::ranges::copy(mac.octets, std::begin(address.addr_bytes));
  return address;
}

bool is(const rte_eth_dev_info& info, std::string_view driver) { return info.driver_name == driver; }

unsigned ring_frame(const config::Port& port) {
  return number_of_device(port.device, "framesz").value_or(kUsualRingFrame);
}

}  // namespace

Device::Device(Device&& other) noexcept
    : port_(std::move(other.port_)),
      id_(other.id_),
      info_(other.info_),
      queues_(other.queues_),
      tx_queues_(other.tx_queues_),
      room_(other.room_),
      rx_descriptors_(other.rx_descriptors_),
      tx_descriptors_(other.tx_descriptors_),
      endless_packets_(other.endless_packets_),
      keeps_(other.keeps_),
      link_(other.link_),
      sockets_(std::move(other.sockets_)),
      open_(std::exchange(other.open_, false)) {}

Device::~Device() {
  if (!open_) return;
  if (keeps_ != 0) take_back_sent();
  rte_eth_dev_stop(id_);
  rte_eth_dev_close(id_);
}

// vmxnet3 has two rings for each queue to receive by.
unsigned Device::buffers() const {
  const unsigned rings = is(info_, "net_vmxnet3") ? 2 : 1;
  return queues_ * rings * rx_descriptors_ + tx_buffers() + endless_packets_;
}

// net_tap's driver would add up by itself, and all of the packet at that.
bool Device::sums_headers() const {
  return port_.offloads && (info_.rx_offload_capa & RTE_ETH_RX_OFFLOAD_IPV4_CKSUM) != 0 && !is(info_, "net_tap");
}

// net_af_xdp gives back the buffers that the kernel has sent when it is next told to send, and none when it is closed.
void Device::take_back_sent() {
  for (unsigned i = 0; i < kTakeBackRounds; ++i) {
    rte_eth_tx_burst(id_, 0, nullptr, 0);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

tl::unexpected<std::string> Device::fault(const std::string& what, int rc) const {
  const std::string why = rc == 0 ? "" : std::string(": ") + rte_strerror(-rc);
  return tl::unexpected("port " + port_.name + " (" + port_.device + "): " + what + why);
}

tl::expected<Device, std::string> Device::open(const config::Port& port, unsigned workers) {
  const std::string name = name_of_device(port.device);
  std::uint16_t id = 0;
  if (rte_eth_dev_get_port_by_name(name.c_str(), &id) != 0) {
    return tl::unexpected("port " + port.name + ": DPDK found no driver that takes the device " + name);
  }
  Device device(port, id);
  if (auto judged = device.judge(workers); !judged) return tl::unexpected(judged.error());
  return device;
}

// What the device offers against what the configuration wants.
Device::Status Device::judge(unsigned workers) {
  if (const int rc = rte_eth_dev_info_get(id_, &info_); rc != 0) return fault("the device says nothing of itself", rc);
  queues_ = port_.queues;
  tx_queues_ = std::min(std::max(queues_, static_cast<std::uint16_t>(workers)), info_.max_tx_queues);
  const bool spreads = is(info_, "net_af_packet");  // over all its sockets, whether somebody reads them or not
  if (queues_ > info_.max_rx_queues || (spreads && queues_ != info_.max_rx_queues)) {
    return fault("the device has " + std::to_string(info_.max_rx_queues) + " receive queues, the configuration says " +
                     std::to_string(queues_) + (spreads ? "; give the device qpairs=" + std::to_string(queues_) : ""),
                 0);
  }
  const auto endless = endless_packets(port_.device);
  if (!endless) return fault(endless.error(), 0);
  endless_packets_ = *endless;
  if (port_.mtu < info_.min_mtu || port_.mtu > info_.max_mtu) {
    return fault("the device takes an MTU of " + std::to_string(info_.min_mtu) + " to " +
                     std::to_string(info_.max_mtu) + ", not " + std::to_string(port_.mtu),
                 0);
  }
  // What it receives may be longer, but what it sends it holds against the 1500 that DPDK believes in.
  if (is(info_, "net_tap") && port_.mtu > RTE_ETHER_MTU)
    return fault("net_tap sends an MTU of 1500 at the most, not " + std::to_string(port_.mtu), 0);
  // The driver reads what it can of it: its frames would be of another size than we have buffers for.
  if (is(info_, "net_af_packet") && argument_of_device(port_.device, "framesz") &&
      !number_of_device(port_.device, "framesz"))
    return fault("framesz is no number; give it one in decimal digits", 0);
  if (is(info_, "net_af_packet") && ring_frame(port_) < port_.mtu + kRingFrameHead) {
    return fault("an MTU of " + std::to_string(port_.mtu) +
                     " wants larger frames in the ring that is shared with the " +
                     "kernel; give the device framesz=16384,blocksz=65536",
                 0);
  }
  unsigned room = std::max(port_.mtu + kLinkHeader + kGrowth, std::min(info_.min_rx_bufsize, 16384U));
  if (is(info_, "net_af_packet")) room = std::max(room, ring_frame(port_));
  // Its NICs fill buffers of 2, 4, 8 or 16 KiB; of one in between they use the lesser size, and cut what is longer.
  if (is(info_, "net_e1000_em")) room = std::max(room, std::bit_ceil(port_.mtu + kLinkHeader));
  room = std::max(2 * kRoomUnit, RTE_ALIGN_CEIL(room, kRoomUnit));
  if (room > Pool::kMostRoom) {
    return fault("a packet buffer holds " + std::to_string(Pool::kMostRoom) +
                     " octets at the most, the device's frames want " + std::to_string(room) +
                     "; lower the port's mtu, or the device's framesz",
                 0);
  }
  room_ = static_cast<std::uint16_t>(room);
  rx_descriptors_ = port_.rx_descriptors;
  tx_descriptors_ = port_.tx_descriptors;
  return {};
}

Device::Status Device::configure(bool interrupts) {
  rte_eth_conf conf{};
  conf.intr_conf.rxq = interrupts ? 1 : 0;
  if (queues_ > 1 && (info_.flow_type_rss_offloads & kRssFields) != 0) {
    conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
    conf.rx_adv_conf.rss_conf.rss_hf = info_.flow_type_rss_offloads & kRssFields;
  }
  if (sums_headers()) conf.rxmode.offloads |= RTE_ETH_RX_OFFLOAD_IPV4_CKSUM;
  if (const int rc = rte_eth_dev_configure(id_, queues_, tx_queues_, &conf); rc != 0)
    return fault("the device refuses " + std::to_string(queues_) + " queues", rc);
  if (const int rc = rte_eth_dev_adjust_nb_rx_tx_desc(id_, &rx_descriptors_, &tx_descriptors_); rc != 0)
    return fault("the device takes no number of descriptors", rc);
  return set_mtu();
}

Device::Status Device::set_mtu() {
  const std::string refusal = "an MTU of " + std::to_string(port_.mtu) + " is refused";
  // It tells DPDK of 1500 at the most, whatever the kernel's interface takes that it is made of.
  if (is(info_, "net_af_packet")) {
    const auto done = set_interface_mtu(info_.if_index, port_.mtu);
    return done ? Status() : fault(refusal + ": " + done.error(), 0);
  }
  const int rc = rte_eth_dev_set_mtu(id_, port_.mtu);
  if (rc == 0 || rc == -ENOTSUP) return {};
  return fault(refusal + "; the device says that it takes " + std::to_string(info_.min_mtu) + " to " +
                   std::to_string(info_.max_mtu),
               rc);
}

wire::MacAddress Device::mac() const {
  if (port_.mac) return *port_.mac;
  rte_ether_addr address{};
  rte_eth_macaddr_get(id_, &address);
  wire::MacAddress mac{};
  std::ranges::copy(address.addr_bytes, mac.octets.begin());
  if (is_beside_the_kernel()) mac.octets[5] ^= 1;
  return mac;
}

// The address of a TAP is the kernel's, at the other end of it, and all that the kernel sends arrives. A port towards
// another host, as the kernel is one here, has an address of its own.
bool Device::is_beside_the_kernel() const { return is(info_, "net_tap") && !port_.host; }

Device::Status Device::set_mac() {
  bool promiscuous = port_.promiscuous;
  if (port_.mac && !is_beside_the_kernel()) {
    rte_ether_addr address = to_dpdk(*port_.mac);
    if (const int rc = rte_eth_dev_default_mac_addr_set(id_, &address); rc != 0 && !promiscuous) {
      log_line("port " + port_.name + ": the device keeps its own MAC address (" + rte_strerror(-rc) +
               "); it is made promiscuous, to receive what is for " + wire::to_string(*port_.mac));
      promiscuous = true;
    }
  }
  const int rc = promiscuous ? rte_eth_promiscuous_enable(id_) : rte_eth_promiscuous_disable(id_);
  // A device without such a mode takes all there is.
  if (rc != 0 && rc != -ENOTSUP && promiscuous) return fault("the device cannot be made promiscuous", rc);
  return {};
}

Device::Status Device::set_up(const Pool& pool, bool interrupts) {
  if (auto done = configure(interrupts); !done) return done;
  const auto socket = static_cast<unsigned>(rte_eth_dev_socket_id(id_));
  for (std::uint16_t queue = 0; queue < queues_; ++queue) {
    if (const int rc = rte_eth_rx_queue_setup(id_, queue, rx_descriptors_, socket, nullptr, pool.mempool()); rc != 0)
      return fault("receive queue " + std::to_string(queue) + " cannot be made", rc);
  }
  for (std::uint16_t queue = 0; queue < tx_queues_; ++queue) {
    if (const int rc = rte_eth_tx_queue_setup(id_, queue, tx_descriptors_, socket, nullptr); rc != 0)
      return fault("transmit queue " + std::to_string(queue) + " cannot be made", rc);
  }
  if (const int rc = rte_eth_dev_start(id_); rc != 0) return fault("the device does not start", rc);
  return {};
}

// Whether a device can interrupt for each of its receive queues shows only when it starts. One that plays a capture
// cannot, and finds the capture at its end when it is asked a second time. And some drivers know pairs only: as many
// queues to send by as to receive by.
Device::Status Device::set_up_as_it_can(const Pool& pool) {
  const bool asked_once = endless_packets_ != 0;
  const std::uint16_t pairs = std::min(queues_, info_.max_tx_queues);
  const bool pairs_only = asked_once || is(info_, "net_tap");
  if (!pairs_only && tx_queues_ != pairs && (set_up(pool, true) || set_up(pool, false))) return {};
  tx_queues_ = pairs;
  if (!asked_once && set_up(pool, true)) return {};
  return set_up(pool, false);
}

Device::Status Device::start(const Pool& pool) {
  const unsigned before = pool.in_use();
  if (auto done = set_up_as_it_can(pool); !done) return done;
  if (rx_descriptors_ != port_.rx_descriptors || tx_descriptors_ != port_.tx_descriptors) {
    log_line("port " + port_.name + ": the device takes " + std::to_string(rx_descriptors_) +
             " descriptors to receive, " + std::to_string(tx_descriptors_) + " to send");
  }
  // Its ring shared with the kernel is filled once, and what fills it is never given back.
  if (is(info_, "net_af_xdp")) keeps_ = pool.in_use() - before;
  if (is(info_, "net_af_packet")) {
    sockets_ = PacketSockets::of(info_.if_index);
    if (sockets_.put_fragments_together()) {
      return fault(
          "the kernel would put fragments of all interfaces together, so that those of one side complete packets of "
          "the other: the driver was not given this program's setsockopt; use another device, and report the build",
          0);
    }
    leave_what_came_before();
  }
  return set_mac();
}

// A packet socket takes what arrives at all interfaces until it is bound to its own, and then what its port's other
// sockets take as well until it shares with them. The driver has had its ring filled meanwhile: with frames of the
// unprotected side for the protected one, and with some twice. They are the first of the ring.
void Device::leave_what_came_before() {
  for (std::uint16_t queue = 0; queue < queues_; ++queue) {
    for (std::size_t gone = 0, n = 1; n != 0 && gone < kMostOfRing; gone += n) n = PortIo::throw_away(id_, queue);
  }
  rte_eth_stats_reset(id_);
  sockets_.forget_dropped();
}

std::string Device::text() const {
  return driver() + ", MAC " + wire::to_string(mac()) + ", MTU " + std::to_string(port_.mtu) + ", " +
         std::to_string(queues_) + (queues_ == 1 ? " queue" : " queues") +
         (sums_headers() ? ", checks IPv4 headers" : "");
}

bool Device::link_changed() {
  rte_eth_link now{};
  if (rte_eth_link_get_nowait(id_, &now) != 0) return false;
  // These two say 10 Gbit/s and up at all times, whatever the kernel's interface is that they are made of.
  if (is(info_, "net_af_packet") || is(info_, "net_af_xdp")) {
    now.link_status = interface_is_up(info_.if_index) ? RTE_ETH_LINK_UP : RTE_ETH_LINK_DOWN;
    now.link_speed = RTE_ETH_SPEED_NUM_UNKNOWN;
  }
  const rte_eth_link before = std::exchange(link_, now);
  return now.link_status != before.link_status ||
         (is_up() && (now.link_speed != before.link_speed || now.link_duplex != before.link_duplex));
}

std::string Device::link_text() const {
  if (!is_up()) return "down";
  const std::string duplex = link_.link_duplex == RTE_ETH_LINK_FULL_DUPLEX ? "full duplex" : "half duplex";
  if (link_.link_speed == RTE_ETH_SPEED_NUM_NONE || link_.link_speed == RTE_ETH_SPEED_NUM_UNKNOWN) return "up";
  return "up, " + std::to_string(link_.link_speed) + " Mbit/s, " + duplex;
}

DeviceCount Device::count() {
  rte_eth_stats stats{};
  rte_eth_stats_get(id_, &stats);
  return {.port = port_.name,
          .device = port_.device,
          .received = stats.ipackets,
          .received_octets = stats.ibytes,
          .missed = stats.imissed + sockets_.dropped(),
          .no_buffers = stats.rx_nombuf,
          .bad = stats.ierrors,
          .sent = stats.opackets,
          .sent_octets = stats.obytes,
          .not_sent = stats.oerrors};
}

}  // namespace strata
