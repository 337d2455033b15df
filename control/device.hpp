// One device of DPDK as a port of the gateway.
#pragma once

#include <rte_ethdev.h>

#include <cstdint>
#include <string>
#include <tl/expected.hpp>
#include <utility>

#include "config/config.hpp"
#include "control/packet_sockets.hpp"
#include "control/run_report.hpp"
#include "dataplane/packet/pool.hpp"

namespace strata {

class Device {
 public:
  using Status = tl::expected<void, std::string>;

  // The device of a port, found and judged; it is closed when this goes. port: outlives it.
  // workers: so many queues to send by are wanted.
  static tl::expected<Device, std::string> open(const config::Port& port, unsigned workers);
  Device(Device&& other) noexcept;
  Device& operator=(Device&&) = delete;
  ~Device();

  std::uint16_t id() const { return id_; }
  std::uint16_t queues() const { return queues_; }
  std::uint16_t tx_queues() const { return tx_queues_; }
  wire::MacAddress mac() const;

  // Octets of a frame that one buffer must hold, with what is put before it on the way; and how many buffers the queues
  // keep.
  std::uint16_t room() const { return room_; }
  unsigned buffers() const;
  unsigned tx_buffers() const { return tx_queues_ * (0U + tx_descriptors_); }

  // pool: outlives the device.
  Status start(const Pool& pool);

  // Buffers that the driver took at its start and does not give back when it is closed.
  unsigned keeps() const { return keeps_; }

  // Whether it looks at the checksums of the IPv4 headers that it receives.
  bool sums_headers() const;

  // "net_af_packet, MAC 02:00:00:00:01:01, MTU 1500, 1 queue"
  std::string text() const;

  // Asks the device. True when it is not as it was the last time.
  bool link_changed();
  bool is_up() const { return link_.link_status == RTE_ETH_LINK_UP; }
  // "up, 10000 Mbit/s, full duplex"
  std::string link_text() const;

  // DPDK's, as in "net_af_packet".
  std::string driver() const { return info_.driver_name; }

  DeviceCount count();

 private:
  Device(const config::Port& port, std::uint16_t id) : port_(port), id_(id) {}
  Status judge(unsigned workers);
  Status set_mtu();
  Status set_mac();
  void leave_what_came_before();
  bool is_beside_the_kernel() const;
  void take_back_sent();
  Status configure(bool interrupts);
  Status set_up(const Pool& pool, bool interrupts);
  Status set_up_as_it_can(const Pool& pool);
  tl::unexpected<std::string> fault(const std::string& what, int rc) const;

  config::Port port_;
  std::uint16_t id_;
  rte_eth_dev_info info_{};
  std::uint16_t queues_ = 1;
  std::uint16_t tx_queues_ = 1;
  std::uint16_t room_ = 0;
  std::uint16_t rx_descriptors_ = 0;
  std::uint16_t tx_descriptors_ = 0;
  unsigned endless_packets_ = 0;
  unsigned keeps_ = 0;
  rte_eth_link link_{};
  PacketSockets sockets_;
  bool open_ = true;
};

}  // namespace strata
