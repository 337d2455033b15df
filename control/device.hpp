// One device of DPDK as a port of the gateway.
#pragma once

#include <rte_ethdev.h>

#include <cstdint>
#include <string>
#include <tl/expected.hpp>
#include <utility>

#include "config/config.hpp"
#include "dataplane/packet/pool.hpp"

namespace strata {

class Device {
 public:
  // The device of a port, found and configured; it is closed when this goes. port: outlives it.
  static tl::expected<Device, std::string> open(const config::Port& port);
  Device(Device&& other) noexcept;
  Device& operator=(Device&&) = delete;
  ~Device();

  std::uint16_t id() const { return id_; }
  const config::Port& port() const { return *port_; }
  const std::string& driver() const { return driver_; }
  wire::MacAddress mac() const;

  // What its buffers must hold, and how many of them its queues keep.
  std::uint16_t room() const { return room_; }
  unsigned buffers() const { return rx_descriptors_ + tx_descriptors_; }

  // pool: outlives the device.
  tl::expected<void, std::string> start(const Pool& pool);
  void stop();

 private:
  Device(const config::Port& port, std::uint16_t id) : port_(&port), id_(id) {}
  tl::expected<void, std::string> configure();
  tl::expected<void, std::string> set_mac();
  std::string fault(const std::string& what, int rc) const;

  const config::Port* port_;
  std::uint16_t id_;
  std::string driver_;
  std::uint16_t room_ = 0;
  std::uint16_t rx_descriptors_ = 0;
  std::uint16_t tx_descriptors_ = 0;
  bool open_ = true;
  bool started_ = false;
};

}  // namespace strata
