#include "dataplane/wire/checksum.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>

#include "dataplane/wire/ipv4.hpp"
#include "tests/unit/hex.hpp"

namespace strata::wire {
namespace {

using test::from_hex;
using test::Octets;

// RFC 1071 section 4.1 in its plainest form, one word after the other.
std::uint16_t naive_checksum(const Octets& octets) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < octets.size(); i += 2) {
    sum += static_cast<std::uint32_t>(octets[i] << 8);
    if (i + 1 < octets.size()) sum += octets[i + 1];
    sum = (sum & 0xffff) + (sum >> 16);
  }
  return static_cast<std::uint16_t>(~sum);
}

std::uint16_t header_checksum(Octets header) {
  header[10] = header[11] = 0;
  return naive_checksum(header);
}

TEST(WireChecksum, Rfc1071Example) {
  EXPECT_EQ(checksum(from_hex("0001 f203 f4f5 f6f7")), 0x220d);  // section 3: the sum is ddf2
}

TEST(WireChecksum, SameAsNaiveAtEveryLengthAndAlignment) {
  std::mt19937 random(1071);
  Octets octets(1600);
  for (auto& o : octets) o = static_cast<std::uint8_t>(random());
  for (std::size_t length = 0; length < 130; ++length)
    for (std::size_t from = 0; from < 8; ++from) {
      const auto begin = octets.begin() + static_cast<std::ptrdiff_t>(from);
      const Octets part(begin, begin + static_cast<std::ptrdiff_t>(length));
      ASSERT_EQ(checksum(Bytes(octets).subspan(from, length)), naive_checksum(part)) << length << " from " << from;
    }
  EXPECT_EQ(checksum(octets), naive_checksum(octets));
  const Octets ones(65535, 0xff);
  EXPECT_EQ(checksum(ones), naive_checksum(ones));
  EXPECT_EQ(checksum({}), 0xffff);
}

TEST(WireChecksum, Duty61_Rfc1624Examples) {
  // Section 4: equation 3 gives 0000 here, where equation 2 of RFC 1141 gave ffff.
  EXPECT_EQ(checksum_update(0xdd2f, 0x5555, 0x3285), 0x0000);
  static_assert(checksum_update(0xdd2f, 0x5555, 0x3285) == 0);
}

TEST(WireChecksum, Duty61_UpdateEqualsRecomputationForAllChecksums) {
  constexpr std::array<std::uint16_t, 8> kWords{0x0000, 0x0001, 0x00ff, 0x7fff, 0x8000, 0xff00, 0xfffe, 0xffff};
  for (std::uint32_t other = 0; other < 0x10000; ++other)
    for (const std::uint16_t before : kWords)
      for (const std::uint16_t after : kWords) {
        if (other == 0 && after == 0) continue;  // all zero: see checksum_update
        Octets words(4);
        store_be16(&words[0], static_cast<std::uint16_t>(other));
        store_be16(&words[2], before);
        const std::uint16_t old_checksum = naive_checksum(words);
        store_be16(&words[2], after);
        ASSERT_EQ(checksum_update(old_checksum, before, after), naive_checksum(words)) << other << ' ' << before;
      }
}

// Calls use(header) with valid headers of every checksum, and with the ffff that is as valid as 0000.
template <class Use>
void for_all_checksums(Use use) {
  Octets header = from_hex("4500 0014 0000 4000 4011 0000 c000 0202 c000 0201");
  std::array<bool, 0x10000> seen{};
  for (std::uint32_t id = 0; id < 0x10000; ++id) {
    store_be16(&header[4], static_cast<std::uint16_t>(id));
    const std::uint16_t right = header_checksum(header);
    store_be16(&header[10], right);
    seen[right] = true;
    use(header);
    if (right != 0) continue;
    store_be16(&header[10], 0xffff);
    seen[0xffff] = true;
    use(header);
  }
  EXPECT_EQ(std::count(seen.begin(), seen.end(), true), 0x10000);
}

TEST(WireChecksum, Duty61_DecrementedTtlForAllChecksums) {
  for_all_checksums([](Octets header) {
    ASSERT_TRUE(Ipv4View::check(header));
    Octets expected = header;
    expected[8] = 0x3f;
    store_be16(&expected[10], header_checksum(expected));
    ipv4_decrement_ttl(header.data());
    ASSERT_EQ(header, expected);
  });
}

TEST(WireChecksum, Duty61_DecrementedTtlForAllTtlsAndProtocols) {
  Octets header = from_hex("4500 0014 1234 0000 0000 0000 0a01 0001 0a02 0002");
  for (unsigned ttl = 1; ttl < 256; ++ttl)
    for (unsigned protocol = 0; protocol < 256; ++protocol) {
      header[8] = static_cast<std::uint8_t>(ttl);
      header[9] = static_cast<std::uint8_t>(protocol);
      store_be16(&header[10], header_checksum(header));
      ipv4_decrement_ttl(header.data());
      ASSERT_EQ(header[8], ttl - 1);
      ASSERT_EQ(header[9], protocol);
      ASSERT_EQ(load_be16(&header[10]), header_checksum(header)) << ttl << ' ' << protocol;
    }
}

TEST(WireChecksum, Duty72_SetEcnForAllChecksums) {
  for_all_checksums([](const Octets& original) {
    for (unsigned from = 0; from < 4; ++from)
      for (unsigned to = 0; to < 4; ++to) {
        Octets header = original;
        header[1] = static_cast<std::uint8_t>(0xb8 | from);  // DSCP EF must survive
        store_be16(&header[10], header_checksum(header));
        ipv4_set_ecn(header.data(), static_cast<std::uint8_t>(to));
        ASSERT_EQ(header[0], 0x45);
        ASSERT_EQ(header[1], 0xb8 | to);
        ASSERT_EQ(load_be16(&header[10]), header_checksum(header));
      }
  });
}

TEST(WireChecksum, Duty60_HeaderSumOfEveryLength) {
  std::mt19937 random(791);
  for (std::size_t length = 20; length <= 60; length += 4) {
    Octets header(length);
    for (auto& o : header) o = static_cast<std::uint8_t>(random());
    header[0] = 0x45;
    store_be16(&header[10], header_checksum(header));
    EXPECT_TRUE(ipv4_header_sum_is_right(header.data(), length));
    for (std::size_t i = 0; i < length; ++i)
      for (unsigned bit = 0; bit < 8; ++bit) {
        header[i] ^= static_cast<std::uint8_t>(1U << bit);
        EXPECT_FALSE(ipv4_header_sum_is_right(header.data(), length)) << length << ' ' << i;
        header[i] ^= static_cast<std::uint8_t>(1U << bit);
      }
  }
}

// Carries out of 64 bits go back in at the bottom, one after the other.
TEST(WireChecksum, Duty60_HeaderSumsWithCarries) {
  std::mt19937 random(1071);
  for (unsigned i = 0; i < 200'000; ++i) {
    Octets header(20);
    for (auto& o : header) o = random() % 4 == 0 ? static_cast<std::uint8_t>(random()) : 0xff;
    if (i % 2 == 0) store_be16(&header[10], header_checksum(header));
    // A header of zeros alone has a sum of 0, and no version.
    const std::uint16_t sum = naive_checksum(header);
    ASSERT_EQ(ipv4_header_sum_is_right(header.data(), 20), sum == 0) << i;
  }
}

}  // namespace
}  // namespace strata::wire
