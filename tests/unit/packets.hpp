// Packets at a stage, in bursts: how tests get there, look at them, and get rid of them.
#pragma once

#include "dataplane/packet/gate.hpp"
#include "tests/unit/dataplane_env.hpp"

namespace strata::test {

inline constexpr Cause kAnyCause = Cause::ip4_no_route;
inline constexpr LinkLength kNoLink{0};

template <class Stage>
Octets octets_of(const Burst<Stage>& burst, std::size_t i) {
  return {burst.bytes(i).begin(), burst.bytes(i).end()};
}

template <class Stage>
void end_all(Burst<Stage>& burst, Ends& ends) {
  burst.drain([&](Packet<Stage> p, const Row<Stage>&) -> Done { return ends.end(std::move(p), kAnyCause); });
}

inline void expect_origin(const Origin& is, const Origin& should_be) {
  EXPECT_EQ(is.sa(), should_be.sa());
  EXPECT_EQ(is.port(), should_be.port());
  EXPECT_EQ(is.side(), should_be.side());
  EXPECT_EQ(is.place(), should_be.place());
}

// Frames whose first octet is their place in arrival.
inline void receive_numbered(Source& source, std::size_t n, Burst<stage::Frame>& out) {
  for (std::size_t i = 0; i < n; ++i) source.feed(Octets{static_cast<std::uint8_t>(i), 0x55});
  ASSERT_EQ(source.receive(out, kWan), n);
}

// IPv4 packets at Ip4, as they came in clear; without link headers.
inline void receive_ip4(Source& source, std::span<const Octets> packets, Burst<stage::Ip4>& out,
                        const Origin& from = kWan, std::optional<Poison> poison = std::nullopt) {
  Burst<stage::Frame> frames;
  for (const Octets& packet : packets) source.feed(packet, poison);
  ASSERT_EQ(source.receive(frames, from), packets.size());
  frames.drain([&](Packet<stage::Frame> p, const Row<stage::Frame>& row) -> Done {
    return Gate::ip4(std::move(p), row, kNoLink, out);
  });
}

}  // namespace strata::test
