// DPDK for tests, and where their packets come from: frames fed to a port of rings, received as the dataplane does it.
#pragma once

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "control/eal.hpp"
#include "dataplane/packet/pool.hpp"
#include "dataplane/packet/port_io.hpp"
#include "tests/unit/hex.hpp"

namespace strata::test {

#if defined(__SANITIZE_ADDRESS__)
inline constexpr bool kSanitized = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif
#else
inline constexpr bool kSanitized = false;
#endif

// How often a random test runs: a tenth where each step is that much slower.
constexpr std::uint64_t rounds(std::uint64_t in_release) { return kSanitized ? in_release / 10 : in_release; }

// EAL is started once for a process, and never again.
inline void start_dataplane() {
  static const auto started = start_eal_offline(512);
  if (started) return;
  std::fprintf(stderr, "%s\n", started.error().c_str());
  std::abort();
}

// DPDK finds what it made by name: each gets its own.
inline std::string unique_name(const std::string& what) {
  static unsigned serial = 0;
  return what + std::to_string(serial++);
}

// buffers: at least 96, as DPDK wants more of them than its cache holds. room: octets of packet.
inline Pool make_pool(unsigned buffers, std::uint16_t room = 2048) {
  start_dataplane();
  auto pool = Pool::create(unique_name("pool"), buffers, room);
  if (!pool) std::abort();
  return std::move(*pool);
}

inline RingPort make_port(const Pool& pool, const std::string& name = unique_name("port")) {
  auto port = RingPort::create(name, pool);
  if (!port) std::abort();
  return std::move(*port);
}

// A pool, a port and a ledger. Goes only when each buffer has come back.
class Source {
 public:
  explicit Source(unsigned buffers = 255, std::uint16_t room = 2048)
      : pool_(make_pool(buffers, room)), ring_name_(unique_name("source")), port_(make_port(pool_, ring_name_)) {}
  ~Source() {
    ends_.flush();
    EXPECT_EQ(pool_.in_use(), 0u) << "buffers were lost";
  }
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  // The buffer of the next frame that receive() will find.
  const void* feed(const Octets& frame, std::optional<Poison> poison = std::nullopt) {
    const void* buffer = port_.feed(pool_, frame, poison);
    EXPECT_NE(buffer, nullptr);
    return buffer;
  }
  std::size_t receive(Burst<stage::Frame>& out, const Origin& from) { return receive(kBurstSize, out, from); }
  template <LeadsTo<stage::Frame> ToFrames>
  std::size_t receive(std::size_t most, ToFrames& out, const Origin& from) {
    PortIo::Polled polled;
    const std::size_t n = PortIo::poll(port_.device(), 0, most, polled);
    PortIo::receive(polled, from, Maker(pool_), out, PortIo::RxEnds(ends_));
    return n;
  }

  Ends& ends() { return ends_; }
  Pool& pool() { return pool_; }
  RingPort& port() { return port_; }
  std::string rx_ring() const { return ring_name_ + "_rx"; }

 private:
  Pool pool_;
  std::string ring_name_;
  RingPort port_;
  Ends ends_;
};

inline constexpr Origin kWan(SaId::none(), PortId(3), Side::unprotected_side, static_cast<Arrival>(0));

// Octets that tell their own place: first, first + 1, ..
inline Octets counted(std::size_t length, std::uint8_t first = 0) {
  Octets octets(length);
  for (std::size_t i = 0; i < length; ++i) octets[i] = static_cast<std::uint8_t>(first + i);
  return octets;
}

using Random = std::mt19937_64;

// 0 .. below - 1. The same on every machine, which the standard's distributions are not.
inline std::uint64_t pick(Random& random, std::uint64_t below) { return random() % below; }

inline Octets random_octets(Random& random, std::size_t length) {
  Octets octets(length);
  for (std::uint8_t& octet : octets) octet = static_cast<std::uint8_t>(random());
  return octets;
}

}  // namespace strata::test
