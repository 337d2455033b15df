#include "dataplane/stage/esp_open.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

#include "tests/unit/dataplane_env.hpp"
#include "tests/unit/frames.hpp"
#include "tests/unit/naive_window.hpp"

namespace strata {
namespace {

using stage::EspIn;
using stage::Frame;
using stage::Host;
using stage::Ip6;
using test::kWan;
using test::NaiveWindow;
using test::Octets;
using test::pick;
using test::Random;
using test::random_octets;
using test::Source;

// An ESP packet as it comes, and what the test knows of it.
struct Arriving {
  std::uint32_t sa;
  Octets packet;
  std::uint64_t sealed_as;   // all 64 bits of its number
  bool altered;              // since it was sealed
  std::optional<Cause> end;  // where it ends though it is authentic
  Octets inside;             // what goes on if it does not
};

// What became of a burst: of each packet the octets that went on, and the count of each end.
struct Became {
  std::vector<std::optional<Octets>> opened;
  std::array<std::uint64_t, kCauseCount> ends{};
  bool operator==(const Became&) const = default;
};

struct SaKind {
  AeadAlgorithm algorithm;
  bool esn;
  std::uint32_t window;
};
constexpr SaKind kKinds[] = {{AeadAlgorithm::aes_128_gcm, false, 64},       {AeadAlgorithm::aes_256_gcm, true, 64},
                             {AeadAlgorithm::chacha20_poly1305, true, 100}, {AeadAlgorithm::aes_192_gcm, true, 0},
                             {AeadAlgorithm::chacha20_poly1305, false, 0},  {AeadAlgorithm::aes_128_gcm, true, 1024}};

// Opens packets as the worker does.
class Opener {
 public:
  Opener() {
    std::uint32_t spi = 0x1000;
    for (const SaKind& kind : kKinds) {
      Random random(spi);
      sas.push_back(
          InboundSa{.key = AeadKey(kind.algorithm, random_octets(random, key_length(kind.algorithm) + kSaltLength)),
                    .esn = kind.esn,
                    .protocol = kAnyProtocol,
                    .window = ReplayWindow(kind.window),
                    .selectors = {},
                    .spi = spi++,
                    .destination = {}});
    }
  }

  Octets seal(std::uint32_t sa, std::uint64_t sequence, const Octets& text) {
    return test::seal(aead, sas[sa].key, sas[sa].spi, sequence, sas[sa].esn, text);
  }

  // All of them as one burst: at most 64.
  Became open(std::span<const Arriving> packets) {
    Burst<EspIn> esp;
    arrive(packets, esp);
    Became became{std::vector<std::optional<Octets>>(packets.size()), {}};
    Burst<Ip6> ip6;
    Ends ends;
    esp_open(esp, sas, aead, audit, ip6, EspOpenEnds(ends));
    for (std::size_t i = 0; i < kCauseCount; ++i) became.ends[i] = ends.count(static_cast<Cause>(i));
    std::size_t last = 0;
    ip6.drain([&](Packet<Ip6> p, const Row<Ip6>& row) -> Done {
      const auto place = static_cast<std::size_t>(row.from.place());
      EXPECT_GE(place, last) << "what is opened stays in the order it came";
      last = place;
      became.opened[place].emplace(std::as_const(p).bytes().begin(), std::as_const(p).bytes().end());
      return ends.end(std::move(p), Cause::ip4_no_route);
    });
    return became;
  }

  SaTable sas;
  Aead aead = *Aead::create();
  Audit audit;

 private:
  void arrive(std::span<const Arriving> packets, Burst<EspIn>& esp) {
    for (const Arriving& arriving : packets) source_.feed(arriving.packet);
    Burst<Frame> frames;
    Burst<Host> host;
    EXPECT_EQ(source_.receive(frames, kWan), packets.size());
    frames.drain([&](Packet<Frame> p, const Row<Frame>& row) -> Done {
      return Gate::host(std::move(p), row, static_cast<LinkLength>(0), host);
    });
    host.drain([&](Packet<Host> p, const Row<Host>& row, std::size_t i) -> Done {
      return Gate::esp(std::move(p), row, {0, packets[i].packet.size()}, SaId(packets[i].sa),
                       wire::Ipv4Address{0xc0000202}, wire::Ecn::not_ect, esp);
    });
  }

  Source source_;
};

// --- what should become of them, packet by packet --------------------------------------------------------------------

class NaivePeer {
 public:
  explicit NaivePeer(const SaKind& kind) : kind_(kind), window_(kind.window) {}

  // Nothing: it is opened.
  std::optional<Cause> judge(const Arriving& arriving) {
    const std::size_t size = arriving.packet.size();
    if (size < 8 + 8 + 2 + 16) return Cause::esp_truncated;
    if (size % 4 != 0) return Cause::esp_bad_length;
    const std::uint32_t low = wire::load_be32(arriving.packet.data() + 4);
    const std::uint64_t sequence = sequence_of(low);
    if (sequence == 0 && kind_.window != 0) return Cause::esp_seq_zero;
    switch (window_.check(sequence)) {
      case Freshness::replayed: return Cause::esp_replayed;
      case Freshness::too_old: return Cause::esp_replay_too_old;
      case Freshness::fresh: break;
    }
    if (arriving.altered || (kind_.esn && sequence != arriving.sealed_as)) return Cause::esp_auth_failed;
    accept(sequence);
    return arriving.end;
  }
  void accept(std::uint64_t sequence) {
    top_ = std::max(top_, sequence);
    if (kind_.window != 0) window_.accept(sequence);
  }
  std::uint64_t top() const { return top_; }

 private:
  std::uint64_t sequence_of(std::uint32_t low) const {
    if (!kind_.esn) return low;
    if (kind_.window == 0) return extended_sequence(top_, 0, low);  // a model of its own in window_test.cpp
    return test::appendix_a2_1(top_, kind_.window, low);
  }

  SaKind kind_;
  NaiveWindow window_;
  std::uint64_t top_ = 0;
};

// --- streams of packets ----------------------------------------------------------------------------------------------

// A number near the top, as senders use them, or where forgers and epochs have theirs.
std::uint64_t next_number(Random& random, std::uint64_t top, std::uint64_t window) {
  const auto back = [top](std::uint64_t by) { return top > by ? top - by : 1; };
  switch (pick(random, 16)) {
    case 0: return back(pick(random, window + 3));
    case 1: return back(pick(random, 2 * window + 3));
    case 2: return top;
    case 3: return top + pick(random, 2 * window + 3);
    case 4: return (std::uint64_t{1} << 32) - 8 + pick(random, 16);
    case 5: return pick(random, 8) == 0 ? top + (std::uint64_t{1} << 32) - pick(random, 3 * window + 3) : top + 1;
    case 6: return pick(random, 8) == 0 ? top + (std::uint64_t{1} << 31) - 2 + pick(random, 4) : top + 2;
    case 7: return pick(random, 4) == 0 ? pick(random, 3) : top + 3;
    default: return top + 1;
  }
}

Arriving next_packet(Random& random, Opener& opener, std::uint32_t sa, std::uint64_t top) {
  Arriving made{.sa = sa,
                .packet = {},
                .sealed_as = next_number(random, top, kKinds[sa].window),
                .altered = false,
                .end = {},
                .inside = {}};
  const Octets payload = random_octets(random, pick(random, 100));
  Octets text = test::with_trailer(payload, 41, pick(random, 4) == 0 ? pick(random, 30) : 0, pick(random, 3));
  switch (pick(random, 24)) {
    case 0:
      text.back() = 59;
      made.end = Cause::esp_dummy;
      break;
    case 1:
      text.back() = 4;
      made.end = Cause::esp_next_header;
      break;
    case 2:
      text = test::from_hex("aabbcc 010204 0329");
      made.end = Cause::esp_bad_pad;
      break;
    case 3:
      text = test::from_hex("aabbccdd 0102ff29");
      made.end = Cause::esp_bad_length;
      break;
    default: break;
  }
  made.packet = opener.seal(sa, made.sealed_as, text);
  if (!made.end) made.inside.assign(text.begin(), text.end() - 2 - text[text.size() - 2]);
  switch (pick(random, 24)) {
    case 0:
      made.packet.resize(8 + pick(random, made.packet.size() - 8));
      made.altered = true;
      break;
    case 1:
    case 2:
    case 3:
      // Anywhere but in the sequence number: another number is another packet, and that is made on purpose.
      made.packet[8 + pick(random, made.packet.size() - 8)] ^= static_cast<std::uint8_t>(1U << pick(random, 8));
      made.altered = true;
      break;
    case 4:
      test::put16(made.packet, 4, pick(random, 65536));
      made.altered = true;
      break;
    default: break;
  }
  return made;
}

// Everything anew, with windows that stand just before an epoch's end, just behind it, or at the start.
void restart(Random& random, Opener& opener, std::vector<NaivePeer>& peers) {
  peers.clear();
  for (std::size_t i = 0; i < std::size(kKinds); ++i) {
    peers.emplace_back(kKinds[i]);
    opener.sas[i].window = ReplayWindow(kKinds[i].window);
    const std::uint64_t tops[] = {0, (std::uint64_t{1} << 32) - 40, (std::uint64_t{3} << 32) - 3,
                                  std::uint64_t{5} << 32};
    const std::uint64_t top = kKinds[i].esn ? tops[pick(random, 4)] : pick(random, 2) * 0xffffff00;
    if (top == 0) continue;
    peers.back().accept(top);
    opener.sas[i].window.accept(top);
  }
}

class EspOpening : public testing::TestWithParam<std::size_t> {};
INSTANTIATE_TEST_SUITE_P(BurstsUpTo, EspOpening, testing::Values(1, 2, 8, 32, 64));

// Duties 5 and 7: however packets are grouped, each is judged as if it had come alone.
TEST_P(EspOpening, Duty05_EachPacketAsIfItHadComeAlone) {
  Random random(GetParam());
  Opener opener;
  std::vector<NaivePeer> peers;
  std::uint64_t opened = 0;
  for (std::uint64_t round = 0; round < test::rounds(20'000); ++round) {
    if (round % 50 == 0) restart(random, opener, peers);
    std::vector<Arriving> burst;
    Became expected;
    for (std::uint64_t n = 1 + pick(random, GetParam()); n > 0; --n) {
      const auto sa = static_cast<std::uint32_t>(pick(random, 4) == 0 ? pick(random, std::size(kKinds)) : round % 6);
      burst.push_back(next_packet(random, opener, sa, peers[sa].top()));
      if (burst.size() > 1 && pick(random, 16) == 0) burst.back() = burst[pick(random, burst.size() - 1)];
      const std::optional<Cause> end = peers[burst.back().sa].judge(burst.back());
      expected.opened.push_back(end ? std::nullopt : std::optional(burst.back().inside));
      if (end) ++expected.ends[static_cast<std::size_t>(*end)];
      opened += end ? 0 : 1;
    }
    const Became became = opener.open(burst);
    for (std::size_t i = 0; i < kCauseCount; ++i)
      ASSERT_EQ(became.ends[i], expected.ends[i]) << kCauses[i].name << " in round " << round;
    ASSERT_EQ(became.opened, expected.opened) << round;
    for (std::size_t i = 0; i < peers.size(); ++i) ASSERT_EQ(opener.sas[i].window.top(), peers[i].top()) << round;
  }
  EXPECT_GT(opened, test::rounds(20'000) / 4);
}

// Duty 13: what a cipher has made of a text that is not authentic is there for nobody.
TEST(DecryptInPlace, Duty13_NothingIsLeftOfATextThatIsNotAuthentic) {
  Opener opener;
  Random random(13);
  for (std::uint32_t i = 0; i < std::size(kKinds); ++i) {
    Octets packet = opener.seal(i, 7, random_octets(random, 100));
    packet.back() ^= 1;
    const Decryption opening = decrypt_in_place(packet, opener.sas[i], opener.aead);
    ASSERT_TRUE(opening.refused && !opening.authentic) << i;
    EXPECT_EQ(opening.refused->value(), Cause::esp_auth_failed);
    const auto text = std::span(packet).subspan(kEspTextOffset, 100);
    EXPECT_TRUE(std::ranges::all_of(text, [](std::uint8_t octet) { return octet == 0; })) << i;
    EXPECT_EQ(opener.sas[i].window.top(), 0U) << i;
  }
}

// Duty 77: the library refuses to work, here for want of a key, and writes no ICV. That which lay there before decides
// nothing, the window does not move, and the next packet is opened.
TEST(EspOpen, Duty77_WhatTheCipherRefusesIsNotOpened) {
  for (const std::uint32_t sa : {0U, 2U}) {
    Opener opener;
    std::vector<Arriving> packets;
    for (std::uint64_t number = 1; number <= 3; ++number)
      packets.push_back({.sa = sa,
                         .packet = opener.seal(sa, number, test::with_trailer(Octets(16), 41)),
                         .sealed_as = number,
                         .altered = false,
                         .end = {},
                         .inside = {}});
    AeadKey taken = std::move(opener.sas[sa].key);
    const Became refused = opener.open(packets);
    EXPECT_EQ(refused.ends[static_cast<std::size_t>(Cause::esp_open_failed)], 3u) << sa;
    EXPECT_EQ(refused.ends[static_cast<std::size_t>(Cause::esp_auth_failed)], 0u) << sa;
    EXPECT_EQ(opener.sas[sa].packets, 0u);
    opener.sas[sa].key = std::move(taken);
    packets[1].packet.back() ^= 1;
    const Became opened = opener.open(packets);
    EXPECT_EQ(opened.ends[static_cast<std::size_t>(Cause::esp_auth_failed)], 1u) << "an error of before is forgotten";
    EXPECT_TRUE(opened.opened[0] && !opened.opened[1] && opened.opened[2]) << sa;
  }
}

TEST(EspOpen, Duty77_AnIcvThatIsNotWrittenIsWrong) {
  const Octets received = test::from_hex("000102030405060708090a0b0c0d0e0f");
  Octets left = received;  // as if the packet before had had the same
  AeadVerdict::expect_none(left.data(), received.data());
  EXPECT_FALSE(AeadVerdict::compare(left.data(), received.data()));
}

}  // namespace
}  // namespace strata
