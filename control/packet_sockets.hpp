// The AF_PACKET sockets that net_af_packet has made of an interface: it counts what it takes from their rings, but not
// what the kernel could not put there.
#pragma once

#include <cstdint>
#include <vector>

namespace strata {

class PacketSockets {
 public:
  // Those of this process that are bound to the interface.
  static PacketSockets of(unsigned interface);

  // Whether the kernel puts fragments together for them, of whatever interface.
  bool put_fragments_together() const;

  // Packets that came while the ring had no free frame, since the sockets were made, or since they were forgotten.
  std::uint64_t dropped();
  void forget_dropped() {
    dropped();
    dropped_ = 0;
  }

 private:
  std::vector<int> sockets_;
  std::uint64_t dropped_ = 0;
};

}  // namespace strata
