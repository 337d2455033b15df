// A packet at a place of the journey: the handle, and the proof that something became of it.
#pragma once

#include <rte_mbuf.h>

#include <cassert>
#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>

#include "dataplane/packet/stage.hpp"

namespace strata {

class Access;

// What a callback returns to say that its packet has an owner again. Only push, the ends and parking make one.
// Move only: one that was kept could be returned again for another packet.
class [[nodiscard]] Done {
 public:
  Done(const Done&) = delete;
  Done& operator=(const Done&) = delete;
  Done(Done&&) = default;
  Done& operator=(Done&&) = delete;
  ~Done() = default;

 private:
  Done() = default;
  friend class Access;
};

// The one owner of a buffer, at one stage. Move only; in a release build a pointer in a register.
// The bytes begin at the stage's own header: what stood before is out of reach.
template <class Stage>
class [[nodiscard]] Packet {
 public:
  Packet(const Packet&) = delete;
  Packet& operator=(const Packet&) = delete;
  Packet& operator=(Packet&&) = delete;  // what stood there would be lost
#ifdef NDEBUG
  Packet(Packet&&) = default;
#else
  Packet(Packet&& other) noexcept : buffer_(std::exchange(other.buffer_, nullptr)) {}
  ~Packet() { assert(buffer_ == nullptr && "a packet was lost"); }
#endif

  std::span<const std::uint8_t> bytes() const {
    return {rte_pktmbuf_mtod(buffer_, const std::uint8_t*), rte_pktmbuf_data_len(buffer_)};
  }
  std::span<std::uint8_t> bytes() { return {rte_pktmbuf_mtod(buffer_, std::uint8_t*), rte_pktmbuf_data_len(buffer_)}; }

 private:
  explicit Packet(rte_mbuf* buffer) : buffer_(buffer) {}
  rte_mbuf* buffer_;
  friend class Access;
  friend class Gate;
};

#ifdef NDEBUG
static_assert(sizeof(Packet<stage::Ip4>) == sizeof(void*) && std::is_trivially_copyable_v<Packet<stage::Ip4>> &&
              std::is_trivially_destructible_v<Packet<stage::Ip4>>);
#endif

template <class Stage>
class Burst;
class Ends;
class Gate;
class Parking;
class Parked;
class PortIo;
class Maker;
class Handoff;
class Reassembly;

// The key to the buffer inside a handle. Its holders are the friends named here, all of them in this folder.
class Access {
  template <class Stage>
  static Packet<Stage> adopt(rte_mbuf* buffer) {
    return Packet<Stage>(buffer);
  }
  template <class Stage>
  static rte_mbuf* release(Packet<Stage>&& packet) {
    rte_mbuf* buffer = packet.buffer_;
#ifndef NDEBUG
    assert(buffer != nullptr && "a packet was used after it was moved");
    packet.buffer_ = nullptr;
#endif
    return buffer;
  }
  template <class Stage>
  static const void* identity(const Packet<Stage>& packet) {
    return packet.buffer_;
  }
  static Done done() { return {}; }

  template <class Stage>
  friend class Burst;
  friend class Ends;
  friend class Gate;
  friend class Parking;
  friend class Parked;
  friend class PortIo;
  friend class Maker;
  friend class Handoff;
  friend class Reassembly;
};

}  // namespace strata
