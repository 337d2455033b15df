// Duty 22: selectors keep the peers apart, or the configuration is refused. The fast search against the plain one.
#include "config/overlap.hpp"

#include <gtest/gtest.h>

#include <ctime>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "config/problem.hpp"

namespace strata::config {
namespace {

wire::Ipv6Prefix prefix(const std::string& text) { return *wire::parse_ipv6_prefix(text); }

bool overlaps(const Selectors& a, const Selectors& b) {
  return wire::overlap(a.source, b.source) && wire::overlap(a.destination, b.destination) &&
         (!a.protocol || !b.protocol || *a.protocol == *b.protocol);
}

std::vector<std::pair<std::size_t, std::size_t>> find(const std::vector<Selectors>& all) {
  std::vector<const Selectors*> pointers;
  pointers.reserve(all.size());
  for (const Selectors& s : all) pointers.push_back(&s);
  return find_overlaps(pointers);
}

TEST(Overlap, duty_22_NestedEitherWayAndByProtocol) {
  const Selectors a{prefix("fc00:1::/32"), prefix("fc00:2::1/128"), std::nullopt};
  const Selectors b{prefix("fc00:1:2::/48"), prefix("fc00:2::/32"), std::uint8_t{4}};
  const Selectors c{prefix("fc00:1:2::/48"), prefix("fc00:3::/32"), std::uint8_t{4}};
  const Selectors d{prefix("fc00:1:2::/64"), prefix("fc00:3::/64"), std::uint8_t{58}};
  EXPECT_EQ(find({a, b, c, d}), (std::vector<std::pair<std::size_t, std::size_t>>{{0, 1}}));
  EXPECT_TRUE(find({a, c, d}).empty());
}

// Small address space, so that much overlaps: each pair must be true, and of two that overlap one must be in a pair.
TEST(Overlap, AgreesWithThePlainSearch) {
  std::mt19937 random(22);
  const auto number = [&random](unsigned limit) { return static_cast<unsigned>(random() % limit); };
  const auto any_prefix = [&] {
    wire::Ipv6Prefix p{.address = {}, .length = static_cast<std::uint8_t>(number(9))};
    p.address.octets[0] = static_cast<std::uint8_t>(number(256));
    return wire::network_of(p);
  };
  for (int round = 0; round < 3000; ++round) {
    std::vector<Selectors> all(number(12));
    for (Selectors& s : all) {
      s = {any_prefix(), any_prefix(), std::nullopt};
      if (number(2) == 0) s.protocol = static_cast<std::uint8_t>(number(3));
    }
    std::set<std::size_t> found;
    for (const auto& [i, j] : find(all)) {
      ASSERT_LT(i, j);
      ASSERT_TRUE(overlaps(all[i], all[j]));
      found.insert({i, j});
    }
    for (std::size_t i = 0; i < all.size(); ++i) {
      for (std::size_t j = i + 1; j < all.size(); ++j) {
        if (overlaps(all[i], all[j])) {
          ASSERT_TRUE(found.contains(i) || found.contains(j)) << "round " << round;
        }
      }
    }
  }
}

TEST(Overlap, AHundredThousandTakeNoLongTime) {
  std::vector<Selectors> all;
  for (std::uint32_t i = 0; i < 100000; ++i) {
    Selectors s{prefix("fc00::/16"), {.address = {}, .length = 64}, std::nullopt};
    for (int k = 0; k < 4; ++k)
      s.destination.address.octets[static_cast<std::size_t>(k)] = static_cast<std::uint8_t>(i >> (8 * k));
    all.push_back(s);
  }
  const std::clock_t start = std::clock();  // of this process: others do not count
  EXPECT_TRUE(find(all).empty());
  EXPECT_LT(std::clock() - start, 20 * CLOCKS_PER_SEC);  // with sanitizers and to spare
}

TEST(Nearest, IsWhatWasMeant) {
  const std::vector<std::string_view> words{"replay_window", "spi", "selectors", "source", "udp_encap"};
  EXPECT_EQ(nearest("reply_window", words), "replay_window");
  EXPECT_EQ(nearest("replaywindow", words), "replay_window");
  EXPECT_EQ(nearest("sip", words), "spi");
  EXPECT_EQ(nearest("Selector", words), "selectors");
  EXPECT_EQ(nearest("soruce", words), "source");
  EXPECT_EQ(nearest("nothing_like_it", words), "");
  EXPECT_EQ(nearest("", words), "");
  EXPECT_EQ(nearest(std::string(10000, 'x'), words), "");
}

}  // namespace
}  // namespace strata::config
