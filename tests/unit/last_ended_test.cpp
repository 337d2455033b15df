#include "dataplane/packet/last_ended.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace strata {
namespace {

using Octets = std::array<std::uint8_t, 40>;

void note(LastEnded& last, Cause cause, std::uint8_t filled) {
  Octets octets;
  octets.fill(filled);
  last.note(cause, &kStageFacts<stage::Ip4>, {.time_ns = filled}, octets);
}

TEST(LastEnded, keeps_the_newest_of_each_cause) {
  LastEnded last;
  EXPECT_TRUE(last.of(Cause::ip4_no_route).empty());
  for (std::uint8_t i = 1; i <= 6; ++i) note(last, Cause::ip4_no_route, i);
  note(last, Cause::ip4_ttl_exceeded, 9);
  const auto found = last.of(Cause::ip4_no_route);
  ASSERT_EQ(found.size(), LastEnded::kKept);
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(found[i].time_ns, 6 - i);
    EXPECT_EQ(found[i].kept, sizeof(Octets));
    EXPECT_EQ(found[i].octets[39], 6 - i);
  }
  EXPECT_EQ(last.of(Cause::ip4_ttl_exceeded).size(), 1);
}

// Who looks in the middle of a flood sees packets, each whole. One may be missing: the worker may lose its core while
// it writes it.
TEST(LastEnded, a_flood_hides_nothing) {
  LastEnded last;
  std::atomic<bool> flows{false};
  const std::jthread worker([&](const std::stop_token& stop) {
    for (std::uint8_t i = 0; !stop.stop_requested(); flows = ++i >= LastEnded::kKept || flows)
      note(last, Cause::ip4_no_route, i);
  });
  while (!flows) std::this_thread::yield();
  for (int look = 0; look < 2000; ++look) {
    const auto found = last.of(Cause::ip4_no_route);
    ASSERT_GE(found.size(), LastEnded::kKept - 1) << "look " << look;
    for (const auto& packet : found)
      for (std::size_t i = 0; i < packet.kept; ++i) ASSERT_EQ(packet.octets[i], packet.time_ns);
  }
}

}  // namespace
}  // namespace strata
