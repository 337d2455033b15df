#include "dataplane/table/tables.hpp"

#include <gtest/gtest.h>
#include <nmmintrin.h>

#include <cstring>
#include <map>

#include "tests/unit/dataplane_env.hpp"
#include "tests/unit/frames.hpp"

namespace strata {
namespace {

using test::Octets;
using test::pick;
using test::Random;
using test::rounds;

TEST(FixedDeathTest, AnIndexBeyondItEndsTheProgram) {
  const Fixed<int> rows(std::vector<int>{1, 2, 3});
  EXPECT_EQ(rows[2], 3);
  EXPECT_DEATH((void)rows[3], "");
}

// --- FlatHash --------------------------------------------------------------------------------------------------------

template <class Word, std::size_t kWords>
struct KeyOf {
  std::array<Word, kWords> words{};
  bool operator==(const KeyOf&) const = default;
  bool operator<(const KeyOf& other) const { return words < other.words; }
};
using Key4 = KeyOf<std::uint32_t, 1>;
using Key8 = KeyOf<std::uint32_t, 2>;
using Key16 = KeyOf<std::uint64_t, 2>;

template <class Key>
Key key_of(std::uint64_t x) {
  if constexpr (sizeof(Key) == 4) {
    return {{static_cast<std::uint32_t>(x)}};
  } else if constexpr (sizeof(Key) == 8) {
    return {{static_cast<std::uint32_t>(x), static_cast<std::uint32_t>(x >> 32)}};
  } else {
    return {{x * 3, ~x}};
  }
}

template <class Key>
class FlatHashOf : public testing::Test {};
using Keys = testing::Types<Key4, Key8, Key16>;
TYPED_TEST_SUITE(FlatHashOf, Keys);

// entries may hold a key twice.
template <class Key>
void compare(const std::vector<std::pair<Key, std::uint32_t>>& entries, const std::vector<Key>& others) {
  const FlatHash<Key, std::uint32_t> table(entries);
  std::map<Key, std::uint32_t> map;
  for (const auto& [key, value] : entries) map.emplace(key, value);
  for (const auto& [key, value] : map) {
    const std::uint32_t* found = table.find(key);
    ASSERT_NE(found, nullptr);
    ASSERT_EQ(*found, value);
  }
  for (const Key& key : others) {
    ASSERT_EQ(table.find(key) != nullptr, map.contains(key));
  }
}

TYPED_TEST(FlatHashOf, ManyEntriesAsAMapHasThem) {
  Random random(sizeof(TypeParam));
  for (const std::uint64_t n :
       {std::uint64_t{1}, std::uint64_t{2}, std::uint64_t{3}, std::uint64_t{1000}, rounds(100'000)}) {
    std::vector<std::pair<TypeParam, std::uint32_t>> entries;
    std::vector<TypeParam> others;
    for (std::uint32_t i = 0; i < n; ++i) {
      // Few values, so that some keys come twice; in some of the octets only, as configurations have them.
      entries.push_back({key_of<TypeParam>(pick(random, 4 * n) << pick(random, 20)), i});
      others.push_back(key_of<TypeParam>(random()));
      others.push_back(key_of<TypeParam>(pick(random, 4 * n)));
    }
    compare(entries, others);
  }
}

TYPED_TEST(FlatHashOf, NeighboringKeysAndZero) {
  std::vector<std::pair<TypeParam, std::uint32_t>> entries;
  std::vector<TypeParam> others;
  for (std::uint32_t i = 0; i < 5000; ++i) {
    entries.push_back({key_of<TypeParam>(i * 2), i});
    others.push_back(key_of<TypeParam>(i * 2 + 1));
  }
  compare(entries, others);
}

TYPED_TEST(FlatHashOf, WhatWasFoundLastIsWhatTheTableSays) {
  const auto key = [](std::uint64_t i) { return i == 0 ? TypeParam{} : key_of<TypeParam>(i); };
  for (const std::size_t without : {0, 1}) {  // the key of zeros is there, and is not
    std::vector<std::pair<TypeParam, std::uint32_t>> entries{{key(0), 0}, {key(2), 2}, {key(3), 3}, {key(7), 7}};
    entries.erase(entries.begin(), entries.begin() + static_cast<std::ptrdiff_t>(without));
    FlatHash<TypeParam, std::uint32_t> table(entries);
    LastFound<TypeParam, std::uint32_t> last(table);
    for (const std::uint64_t i : {0, 0, 1, 1, 2, 2, 3, 0, 4, 7, 7, 1, 0})
      EXPECT_EQ(last.find(key(i)), std::as_const(table).find(key(i))) << i;
    ASSERT_NE(last.find(key(7)), nullptr);
    *table.find(key(7)) = 77;
    EXPECT_EQ(*last.find(key(7)), 77u) << "a value that is changed in its place";
  }
}

TYPED_TEST(FlatHashOf, EmptyHasNothing) {
  const FlatHash<TypeParam, std::uint32_t> table;
  const FlatHash<TypeParam, std::uint32_t> of_nothing(std::vector<std::pair<TypeParam, std::uint32_t>>{});
  for (std::uint64_t i = 0; i < 100; ++i) {
    EXPECT_EQ(table.find(key_of<TypeParam>(i)), nullptr);
    EXPECT_EQ(of_nothing.find(key_of<TypeParam>(i)), nullptr);
  }
}

TYPED_TEST(FlatHashOf, OfTwoEntriesWithOneKeyTheFirstStays) {
  const FlatHash<TypeParam, std::uint32_t> table({{key_of<TypeParam>(9), 1}, {key_of<TypeParam>(9), 2}});
  EXPECT_EQ(*table.find(key_of<TypeParam>(9)), 1u);
}

// The worst a configuration can do: all keys want one slot, whichever bits of the hash are taken, and the run of them
// goes over the table's end. CRC-32C of two words is f(f(first) ^ second).
TEST(FlatHashRun, KeysThatCollideAreAllFound) {
  constexpr std::uint32_t kEntries = 200;
  constexpr std::uint32_t kSlots = 512;
  const auto f = [](std::uint32_t word) { return _mm_crc32_u32(0, word); };
  for (const std::uint32_t slot : {0U, 100U, kSlots - 1}) {
    std::uint32_t hashed = 0;
    while (f(hashed) % kSlots != slot) ++hashed;
    std::vector<std::pair<Key8, std::uint32_t>> entries;
    std::vector<Key8> others;
    for (std::uint32_t i = 0; i < 2 * kEntries; ++i) {
      const Key8 key{{i, f(i) ^ hashed}};
      if (i % 2 == 0)
        entries.push_back({key, i});
      else
        others.push_back(key);
    }
    const FlatHash<Key8, std::uint32_t> table(entries);
    EXPECT_EQ(table.displaced(), kEntries - 1);
    compare(entries, others);
  }
}

// As people number SAs, tunnels and sites: one by one, here or there in the key.
TEST(FlatHashRun, KeysThatAreCountedUpAreFoundAtOnce) {
  constexpr std::size_t kLongestRun = 16;
  for (const std::uint32_t n : {10U, 200U, 256U, 1000U, 20000U}) {
    for (unsigned place = 0; place < 8; ++place) {
      std::vector<std::pair<Key16, std::uint32_t>> sids;
      std::vector<std::pair<Key8, std::uint32_t>> spis;
      for (std::uint32_t i = 0; i < n; ++i) {
        wire::Ipv6Address address{};
        wire::store_be32(address.octets.data(), 0xfc000000);
        wire::store_be16(address.octets.data() + 14, 0xd4);
        const std::size_t at = 2 + place * 3 / 2;
        const std::uint32_t there = wire::load_be32(address.octets.data() + at);
        wire::store_be32(address.octets.data() + at, there ^ (i + 1));
        Key16 sid;
        std::memcpy(sid.words.data(), address.octets.data(), sizeof sid.words);
        sids.push_back({sid, i});
        spis.push_back({{{0x1000U * place + (i + 1), 0xc0000200U + place}}, i});
      }
      const FlatHash<Key16, std::uint32_t> by_sid(sids);
      const FlatHash<Key8, std::uint32_t> by_spi(spis);
      EXPECT_EQ(by_sid.displaced(), 0u) << n << " at octet " << 2 + place * 3 / 2;
      EXPECT_EQ(by_spi.displaced(), 0u) << n << " from " << 0x1000 * place;
      // What is not there is searched for no longer than among keys at random.
      EXPECT_LE(by_sid.longest_run(), kLongestRun) << n << " at octet " << 2 + place * 3 / 2;
      EXPECT_LE(by_spi.longest_run(), kLongestRun) << n << " from " << 0x1000 * place;
    }
  }
}

TEST(FlatHashRun, HalfOfTheSlotsStayFree) {
  for (std::uint32_t n = 0; n < 300; ++n) {
    std::vector<std::pair<Key4, std::uint32_t>> entries;
    for (std::uint32_t i = 0; i < n; ++i) entries.push_back({key_of<Key4>(i), i});
    const FlatHash<Key4, std::uint32_t> table(entries);
    EXPECT_GE(table.bytes(), 2 * n * 3 * sizeof(std::uint32_t));
  }
}

// --- SIDs ------------------------------------------------------------------------------------------------------------

wire::Ipv6Address random_ipv6(Random& random) {
  wire::Ipv6Address address;
  for (std::uint8_t& octet : address.octets) octet = static_cast<std::uint8_t>(random());
  return address;
}

// Near: differs from `from` in one bit, or in none.
wire::Ipv6Address near(Random& random, wire::Ipv6Address from) {
  const std::uint64_t bit = pick(random, 129);
  if (bit < 128) from.octets[bit / 8] ^= static_cast<std::uint8_t>(0x80U >> (bit % 8));
  return from;
}

SidId naive_find(const std::vector<LocalSid>& sids, const wire::Ipv6Address& address) {
  SidId best = SidId::none();
  for (std::size_t i = 0; i < sids.size(); ++i) {
    if (!wire::contains(sids[i].prefix, address)) continue;
    if (best.is_none() || sids[i].prefix.length > sids[best.index()].prefix.length)
      best = SidId(static_cast<std::uint32_t>(i));
  }
  return best;
}

TEST(Sids, Duty50_LongestPrefixAsTheNaiveSearchFindsIt) {
  Random random(50);
  for (int round = 0; round < 60; ++round) {
    const wire::Ipv6Address block = random_ipv6(random);
    std::vector<LocalSid> sids;
    for (std::uint64_t n = pick(random, 60); n > 0; --n) {
      // Host bits are left in: the table has to take them away.
      const auto length = static_cast<std::uint8_t>(pick(random, 129));
      sids.push_back({.prefix = {near(random, near(random, block)), length},
                      .behavior = SidBehavior::end_dx4,
                      .takes_clear = pick(random, 2) == 0,
                      .adj = AdjId<V4>(static_cast<std::uint32_t>(n))});
    }
    const SidTable table(sids);
    EXPECT_EQ(table.size(), sids.size());
    for (std::uint64_t i = 0; i < rounds(3000); ++i) {
      const wire::Ipv6Address address = pick(random, 8) == 0 ? random_ipv6(random) : near(random, near(random, block));
      ASSERT_EQ(table.find(address.octets.data()), naive_find(sids, address)) << wire::to_string(address);
    }
    for (std::uint32_t i = 0; i < sids.size(); ++i) {
      EXPECT_EQ(table[SidId(i)].adj, sids[i].adj);
      EXPECT_EQ(table[SidId(i)].takes_clear, sids[i].takes_clear);
    }
  }
}

TEST(Sids, EveryLengthOfPrefixAtOnce) {
  Random random(128);
  const wire::Ipv6Address block = random_ipv6(random);
  std::vector<LocalSid> sids;
  for (int length = 128; length >= 0; --length)
    sids.push_back({{block, static_cast<std::uint8_t>(length)}, SidBehavior::end_dx4, false, AdjId<V4>(0)});
  const SidTable table(sids);
  EXPECT_EQ(table.find(block.octets.data()), SidId(0));
  for (std::size_t bit = 0; bit < 128; ++bit) {
    wire::Ipv6Address address = block;
    address.octets[bit / 8] ^= static_cast<std::uint8_t>(0x80U >> (bit % 8));
    // The first `bit` bits agree, so the prefix of that length is the longest: place 128 - bit.
    EXPECT_EQ(table.find(address.octets.data()), SidId(static_cast<std::uint32_t>(128 - bit)));
  }
}

TEST(Sids, NoneAtAll) {
  const SidTable table;
  EXPECT_TRUE(table.find(wire::Ipv6Address{}.octets.data()).is_none());
}

// --- routes ----------------------------------------------------------------------------------------------------------

class Routes : public testing::Test {
 protected:
  static void SetUpTestSuite() { test::start_dataplane(); }

  static Route find(const RouteTable& table, std::uint32_t address) {
    const wire::Ipv4Address destination{address};
    Route route{};
    table.find(&destination, &route, 1);
    return route;
  }
};

std::uint32_t random_ipv4(Random& random) { return static_cast<std::uint32_t>(random()); }

Route naive_find(const std::vector<RouteEntry>& entries, std::uint32_t address) {
  Route best{RouteKind::none, 0};
  int length = -1;
  for (const RouteEntry& entry : entries) {
    // Of two entries with one prefix the later one stays.
    if (!wire::contains(entry.prefix, {address}) || entry.prefix.length < length) continue;
    best = entry.route;
    length = entry.prefix.length;
  }
  return best;
}

TEST_F(Routes, LongestPrefixAsTheNaiveSearchFindsIt) {
  Random random(32);
  for (int round = 0; round < 20; ++round) {
    const std::uint32_t base = random_ipv4(random);
    const auto around = [&] {
      return pick(random, 4) == 0 ? random_ipv4(random) : base ^ (random_ipv4(random) >> pick(random, 32));
    };
    std::vector<RouteEntry> entries;
    for (std::uint64_t n = pick(random, 200); n > 0; --n) {
      const auto kind = static_cast<RouteKind>(1 + pick(random, 3));
      const auto length = static_cast<std::uint8_t>(pick(random, 3) == 0 ? 25 + pick(random, 8) : pick(random, 33));
      entries.push_back({{{around()}, length}, {kind, static_cast<std::uint32_t>(pick(random, 1U << 28))}});
      // A prefix twice: the later one stays.
      if (pick(random, 8) == 0) entries.push_back({entries.back().prefix, {RouteKind::adjacency, 5}});
    }
    const auto table = RouteTable::create(entries);
    ASSERT_TRUE(table) << table.error();
    for (std::uint64_t i = 0; i < rounds(20'000); i += kBurstSize) {
      std::array<wire::Ipv4Address, kBurstSize> destinations;
      std::array<Route, kBurstSize> routes;
      for (wire::Ipv4Address& destination : destinations) {
        destination.value = around();
        if (!entries.empty() && pick(random, 2) == 0) {
          const wire::Ipv4Prefix& prefix = entries[pick(random, entries.size())].prefix;
          destination.value = wire::network_of(prefix).address.value - 1 + static_cast<std::uint32_t>(pick(random, 3));
        }
      }
      const std::size_t n = 1 + pick(random, kBurstSize);
      table->find(destinations.data(), routes.data(), n);
      for (std::size_t k = 0; k < n; ++k) {
        const Route expected = naive_find(entries, destinations[k].value);
        ASSERT_EQ(routes[k].kind, expected.kind) << wire::to_string(destinations[k]);
        ASSERT_EQ(routes[k].index, expected.index) << wire::to_string(destinations[k]);
      }
    }
  }
}

TEST_F(Routes, DefaultRouteAndHostRoute) {
  const auto table = RouteTable::create({{{{0}, 0}, {RouteKind::adjacency, 1}},
                                         {{{0x0a010002}, 32}, {RouteKind::adjacency, 2}},
                                         {{{0x0a010080}, 25}, {RouteKind::connected, 3}},
                                         {{{0xffffffff}, 32}, {RouteKind::policy, 4}}});
  ASSERT_TRUE(table) << table.error();
  EXPECT_EQ(find(*table, 0).index, 1u);
  EXPECT_EQ(find(*table, 0x0a010001).index, 1u);
  EXPECT_EQ(find(*table, 0x0a010002).index, 2u);
  EXPECT_EQ(find(*table, 0x0a010003).index, 1u);
  EXPECT_EQ(find(*table, 0x0a01007f).index, 1u);
  EXPECT_EQ(find(*table, 0x0a010080).index, 3u);
  EXPECT_EQ(find(*table, 0x0a0100ff).kind, RouteKind::connected);
  EXPECT_EQ(find(*table, 0xfffffffe).index, 1u);
  EXPECT_EQ(find(*table, 0xffffffff).kind, RouteKind::policy);
}

// rte_fib loses its way when these are added in this order.
TEST_F(Routes, ShorterPrefixesAfterLongerOnesThatReachTheEnd) {
  const auto halves = RouteTable::create({{{{0}, 1}, {RouteKind::adjacency, 1}},
                                          {{{0x80000000}, 1}, {RouteKind::adjacency, 2}},
                                          {{{0}, 0}, {RouteKind::adjacency, 3}}});
  ASSERT_TRUE(halves) << halves.error();
  EXPECT_EQ(find(*halves, 0x01020304).index, 1u);
  EXPECT_EQ(find(*halves, 0xc0000201).index, 2u);
  const auto eighths = RouteTable::create({{{{0xc0000000}, 3}, {RouteKind::adjacency, 1}},
                                           {{{0xe0000000}, 3}, {RouteKind::adjacency, 2}},
                                           {{{0x80000000}, 1}, {RouteKind::adjacency, 3}}});
  ASSERT_TRUE(eighths) << eighths.error();
  EXPECT_EQ(find(*eighths, 0x90000000).index, 3u);
  EXPECT_EQ(find(*eighths, 0xd1a2d680).index, 1u);
  EXPECT_EQ(find(*eighths, 0xe0000001).index, 2u);
}

TEST_F(Routes, NoRoutes) {
  const RouteTable none;
  EXPECT_EQ(find(none, 0x0a000001).kind, RouteKind::none);
  const auto empty = RouteTable::create({});
  ASSERT_TRUE(empty) << empty.error();
  EXPECT_EQ(find(*empty, 0x0a000001).kind, RouteKind::none);
}

TEST_F(Routes, ManyLongPrefixesFindRoom) {
  std::vector<RouteEntry> entries;
  for (std::uint32_t i = 0; i < 2000; ++i) entries.push_back({{{i << 12}, 30}, {RouteKind::adjacency, i}});
  const auto table = RouteTable::create(entries);
  ASSERT_TRUE(table) << table.error();
  for (std::uint32_t i = 0; i < 2000; ++i) {
    EXPECT_EQ(find(*table, (i << 12) + 3).index, i);
    EXPECT_EQ(find(*table, (i << 12) + 4).kind, RouteKind::none);
  }
}

// --- bypass ----------------------------------------------------------------------------------------------------------

// 10.1.0.5 -> 192.0.2.9; the ports are the first four octets of the payload.
Octets ipv4(std::uint8_t protocol, std::uint16_t source_port, std::uint16_t destination_port,
            std::uint16_t fragment = 0, std::size_t payload = 8) {
  Octets octets = test::udp(source_port, destination_port, {});
  octets.resize(payload);
  return test::ipv4({"0a010005", "c0000209", protocol, 0, 64, 0, fragment}, octets);
}

bool allowed(const std::vector<BypassRule>& rules, const Octets& packet) {
  const auto checked = wire::Ipv4View::check(packet);
  EXPECT_TRUE(checked);
  return bypass_allows(rules, checked.view);
}

constexpr wire::Ipv4Prefix kAny{{0}, 0};
constexpr std::uint8_t kTcp = 6;
constexpr std::uint8_t kUdp = 17;

TEST(BypassRules, NoRuleAllowsNothing) { EXPECT_FALSE(allowed({}, ipv4(kUdp, 1, 2))); }

TEST(BypassRules, AddressesAndProtocol) {
  const wire::Ipv4Prefix lan{{0x0a010000}, 24};
  const wire::Ipv4Prefix wan{{0xc0000200}, 24};
  const wire::Ipv4Prefix other{{0x0a020000}, 24};
  EXPECT_TRUE(allowed({{.source = lan, .destination = wan}}, ipv4(kUdp, 1, 2)));
  EXPECT_TRUE(allowed({{.source = kAny, .destination = kAny}}, ipv4(1, 0, 0, 0, 0)));
  EXPECT_FALSE(allowed({{.source = other, .destination = wan}}, ipv4(kUdp, 1, 2)));
  EXPECT_FALSE(allowed({{.source = lan, .destination = other}}, ipv4(kUdp, 1, 2)));
  EXPECT_FALSE(allowed({{.source = wan, .destination = lan}}, ipv4(kUdp, 1, 2))) << "a rule has one direction";
  EXPECT_TRUE(allowed({{.source = lan, .destination = wan, .protocol = kUdp}}, ipv4(kUdp, 1, 2)));
  EXPECT_FALSE(allowed({{.source = lan, .destination = wan, .protocol = kTcp}}, ipv4(kUdp, 1, 2)));
  EXPECT_FALSE(allowed({{.source = lan, .destination = wan, .protocol = 0}}, ipv4(kUdp, 1, 2)));
  EXPECT_TRUE(allowed({{.source = other, .destination = wan}, {.source = lan, .destination = wan}}, ipv4(kUdp, 1, 2)))
      << "one rule that allows is enough";
}

TEST(BypassRules, PortsWithTheirEnds) {
  const BypassRule to{
      .source = kAny, .destination = kAny, .protocol = kUdp, .destination_first = 53, .destination_last = 55};
  EXPECT_FALSE(allowed({to}, ipv4(kUdp, 53, 52)));
  EXPECT_TRUE(allowed({to}, ipv4(kUdp, 1, 53)));
  EXPECT_TRUE(allowed({to}, ipv4(kUdp, 1, 55)));
  EXPECT_FALSE(allowed({to}, ipv4(kUdp, 54, 56)));
  const BypassRule from{.source = kAny, .destination = kAny, .protocol = kUdp, .source_first = 65535};
  EXPECT_TRUE(allowed({from}, ipv4(kUdp, 65535, 1)));
  EXPECT_FALSE(allowed({from}, ipv4(kUdp, 65534, 65535)));
  const BypassRule zero{.source = kAny, .destination = kAny, .protocol = kUdp, .source_last = 0};
  EXPECT_TRUE(zero.names_ports());
  EXPECT_TRUE(allowed({zero}, ipv4(kUdp, 0, 9)));
  EXPECT_FALSE(allowed({zero}, ipv4(kUdp, 1, 9)));
}

TEST(BypassRules, Duty30_FragmentsWithoutPortsMatchNoRuleThatNamesThem) {
  const BypassRule ports{
      .source = kAny, .destination = kAny, .protocol = kUdp, .destination_first = 53, .destination_last = 53};
  const BypassRule addresses{.source = kAny, .destination = kAny, .protocol = kUdp};
  const Octets first = ipv4(kUdp, 1, 53, 0x2000);
  const Octets later = ipv4(kUdp, 1, 53, 0x2001);
  const Octets last = ipv4(kUdp, 1, 53, 0x0001);
  const Octets tiny = ipv4(kUdp, 1, 53, 0, 3);
  EXPECT_TRUE(allowed({ports}, first));
  EXPECT_FALSE(allowed({ports}, later));
  EXPECT_FALSE(allowed({ports}, last));
  EXPECT_FALSE(allowed({ports}, tiny));
  for (const Octets& packet : {first, later, last, tiny}) EXPECT_TRUE(allowed({addresses}, packet));
  EXPECT_TRUE(allowed({ports, addresses}, later));
}

// --- the small ones --------------------------------------------------------------------------------------------------

TEST(UdpPorts, HoldsWhatWasPutIn) {
  UdpPortSet set;
  for (unsigned port = 0; port < 65536; ++port) ASSERT_FALSE(set.contains(static_cast<std::uint16_t>(port)));
  for (unsigned port = 0; port < 65536; port += 63) set.insert(static_cast<std::uint16_t>(port));
  set.insert(65535);
  for (unsigned port = 0; port < 65536; ++port)
    ASSERT_EQ(set.contains(static_cast<std::uint16_t>(port)), port % 63 == 0 || port == 65535) << port;
}

TEST(Selectors, Duty24_MatchWhatThePrefixesContain) {
  Random random(24);
  for (std::uint64_t i = 0; i < rounds(200'000); ++i) {
    const auto prefix = [&] {
      return wire::Ipv6Prefix{random_ipv6(random), static_cast<std::uint8_t>(pick(random, 129))};
    };
    const wire::Ipv6Prefix from = prefix();
    const wire::Ipv6Prefix to = prefix();
    const Ipv6Selectors selectors = Ipv6Selectors::of(from, to);
    const wire::Ipv6Address source = near(random, from.address);
    const wire::Ipv6Address destination = near(random, to.address);
    ASSERT_EQ(selectors.match(source.octets.data(), destination.octets.data()),
              wire::contains(from, source) && wire::contains(to, destination))
        << wire::to_string(from) << ' ' << wire::to_string(source) << ' ' << wire::to_string(to) << ' '
        << wire::to_string(destination);
  }
}

}  // namespace
}  // namespace strata
