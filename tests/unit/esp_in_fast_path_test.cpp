// What becomes of a frame on the fast path is what becomes of it alone.
#include "dataplane/stage/esp_in_fast_path.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "dataplane/stage/classify.hpp"
#include "dataplane/stage/host_input.hpp"
#include "tests/unit/frames.hpp"
#include "tests/unit/guard_page.hpp"
#include "tests/unit/packets.hpp"

namespace strata {
namespace {

using test::Octets;

constexpr std::uint16_t kEspPort = 4500;
constexpr std::uint16_t kOtherPort = 4501;
constexpr std::size_t kIp = 20;
constexpr std::size_t kUdp = 8;

// From one peer to one of our addresses, with an SPI and a number.
Octets esp_in_udp(std::uint32_t spi, std::uint32_t sequence, std::uint16_t port = kEspPort, std::size_t text = 40) {
  Octets esp(16 + text, 0x5a);
  test::put16(esp, 0, spi >> 16);
  test::put16(esp, 2, spi & 0xffff);
  test::put16(esp, 4, sequence >> 16);
  test::put16(esp, 6, sequence & 0xffff);
  return test::ipv4({"c0000202", "c0000201", 17, 0xb8, 64, static_cast<std::uint16_t>(7 * sequence)},
                    test::udp(kEspPort, port, esp, static_cast<std::uint16_t>(sequence)));
}

// So many octets behind a header without. They add up to nothing, so that the sum of the first 20 octets is right too.
Octets with_options(Octets packet, std::size_t octets) {
  packet[0] = static_cast<std::uint8_t>(0x45 + octets / 4);
  for (std::size_t i = 0; i < octets; i += 4) {
    const Octets word = test::from_hex("0101 fefe");
    packet.insert(packet.begin() + kIp, word.begin(), word.end());
  }
  test::put16(packet, 2, packet.size());
  return test::with_ipv4_sum(packet, 0, kIp + octets);
}

constexpr std::size_t kLink = 14;

Octets framed(const Octets& packet) { return test::ethernet("020000000101", 0x0800, packet); }
Octets esp_frame(std::uint32_t spi, std::uint32_t sequence, std::uint16_t port = kEspPort, std::size_t text = 40) {
  return framed(esp_in_udp(spi, sequence, port, text));
}

static_assert(LooksAhead<Straight<EspInFastPathStep<Straight<ClassifyStep<Burst<stage::Host>>>>>>);
static_assert(!LooksAhead<Straight<ClassifyStep<Burst<stage::Host>>>>);

class EspInFastPath : public testing::TestWithParam<wire::HeaderSum> {
 protected:
  EspInFastPath() {
    const wire::Ipv4Address here{0xc0000201};
    const wire::Ipv4Address also_here{0xc0000211};
    tables_.own4 = OwnIpv4({{here, {OwnKind::own, PortId(0)}}, {also_here, {OwnKind::own, PortId(0)}}});
    // SPIs that are one bit apart, so that a changed one may be another SA's.
    tables_.spis = SpiTable({{{0x1001, here}, {SaId(1), kEspPort}},
                             {{0x1000, here}, {SaId(2), kEspPort}},
                             {{0x1003, here}, {SaId(3), kOtherPort}},
                             {{0x1005, here}, {SaId(4), 0}},
                             {{0x1001, also_here}, {SaId(5), kEspPort}}});
    tables_.esp_ports.insert(kEspPort);
    tables_.esp_ports.insert(kOtherPort);
    tables_.reassembly.enabled = true;
  }

  // Lets frames through both steps behind it; before each, between(its place).
  template <class Between>
  void play(const std::vector<Octets>& frames, Between&& between) {
    for (const Octets& frame : frames) source_.feed(frame, static_cast<Poison>(0x45));
    Burst<stage::Frame> received;
    EXPECT_EQ(source_.receive(received, test::kWan), frames.size());
    Straight host(HostInputStep({tables_, audit_, esp_, fragments_, local_, HostInputEnds(source_.ends())}));
    Straight classify(
        ClassifyStep<decltype(host)>({tables_, mac_, arp_, ip4_, ip6_, ClassifyEnds(source_.ends())}, host));
    const EspInFastPathStep<decltype(classify)> step(tables_, classify, esp_);
    received.drain([&](Packet<stage::Frame> frame, const Row<stage::Frame>& row, std::size_t i) -> Done {
      between(i);
      return step.input(std::move(frame), {.from = row.from, .sum = GetParam()});
    });
    fast_ = frames.size() - classify.size();
  }

  // What became of each of them, in words, by their places. At most one of them may end here.
  std::map<unsigned, std::string> became(const std::vector<Octets>& frames) {
    std::map<Cause, std::uint64_t> before;
    for (const CauseText& text : kCauses) before[text.cause] = source_.ends().count(text.cause);
    play(frames, [](std::size_t) {});
    std::map<unsigned, std::string> found;
    for (std::size_t i = 0; i < esp_.size(); ++i) {
      const Row<stage::EspIn>& row = esp_.row(i);
      note(found, esp_, i,
           "SA " + std::to_string(row.from.sa().index()) + " of " +
               std::to_string(wire::Ipv4Address(row.source).value) + " ECN " +
               std::to_string(static_cast<int>(row.carried)));
    }
    for (std::size_t i = 0; i < fragments_.size(); ++i) note(found, fragments_, i, "fragment");
    for (std::size_t i = 0; i < local_.size(); ++i) note(found, local_, i, "local");
    for (std::size_t i = 0; i < arp_.size(); ++i) note(found, arp_, i, "ARP");
    for (std::size_t i = 0; i < ip4_.size(); ++i) note(found, ip4_, i, "IPv4");
    for (std::size_t i = 0; i < ip6_.size(); ++i) note(found, ip6_, i, "IPv6");
    for (const auto& [cause, count] : before)
      for (unsigned place = 0; source_.ends().count(cause) != count && place < frames.size(); ++place)
        if (!found.contains(place)) found[place] = std::string(text_of(cause).name);
    end_all();
    return found;
  }

  void end_all() {
    test::end_all(esp_, source_.ends());
    test::end_all(fragments_, source_.ends());
    test::end_all(local_, source_.ends());
    test::end_all(arp_, source_.ends());
    test::end_all(ip4_, source_.ends());
    test::end_all(ip6_, source_.ends());
    source_.ends().flush();
  }

  // Behind a train of SA 1, and before its next packet, the same becomes of it as alone. How many of six were fast.
  std::size_t expect_as_alone(const Octets& frame, const std::string& what) {
    const std::string alone = became({frame}).at(0);
    EXPECT_EQ(fast_, 0u) << what;
    const auto found = became({esp_frame(0x1001, 1), esp_frame(0x1001, 2), esp_frame(0x1001, 3), frame,
                               esp_frame(0x1001, 5), esp_frame(0x1001, 6)});
    const std::size_t fast = fast_;
    EXPECT_EQ(found.size(), 6u) << what;
    EXPECT_EQ(found.at(3), alone) << what;
    for (const unsigned place : {0U, 1U, 2U, 4U, 5U})
      EXPECT_EQ(found.at(place), train_.at(place)) << what << ", the " << place;
    return fast;
  }

  template <class Stage>
  static void note(std::map<unsigned, std::string>& found, Burst<Stage>& burst, std::size_t i,
                   const std::string& what) {
    std::string octets;
    for (const std::uint8_t octet : burst.bytes(i)) octets += " " + std::to_string(octet);
    found[static_cast<unsigned>(burst.row(i).from.place())] = what + ":" + octets;
  }

  void SetUp() override {
    std::vector<Octets> packets;
    for (unsigned i = 1; i <= 6; ++i) packets.push_back(esp_frame(0x1001, i));
    for (unsigned i = 0; i < packets.size(); ++i) train_[i] = became({packets[i]}).at(0);
    ASSERT_EQ(became(packets), train_) << "each is as alone";
    ASSERT_EQ(fast_, 4u) << "behind two of a peer";
    ASSERT_TRUE(train_.at(0).starts_with("SA 1 of " + std::to_string(0xc0000202) + " ECN 0: 0 0 16 1 0 0 0 1 90"))
        << train_.at(0);
  }

  test::Source source_;
  Tables tables_;
  wire::MacAddress mac_{{0x02, 0, 0, 0, 0x01, 0x01}};
  Audit audit_;
  Burst<stage::EspIn> esp_;
  Burst<stage::Fragment> fragments_;
  Burst<stage::Local> local_;
  Burst<stage::Arp> arp_;
  Burst<stage::Ip4> ip4_;
  Burst<stage::Ip6> ip6_;
  std::size_t fast_ = 0;  // of those that were played last
  std::map<unsigned, std::string> train_;
};

TEST_P(EspInFastPath, EachBitOfTheHead) {
  const Octets frame = esp_frame(0x1001, 4);
  for (std::size_t bit = 0; bit < 8 * (kLink + 40); ++bit) {
    Octets changed = frame;
    changed[bit / 8] = static_cast<std::uint8_t>(changed[bit / 8] ^ 1U << (bit % 8));
    const std::string what = "octet " + std::to_string(bit / 8) + ", bit " + std::to_string(bit % 8);
    expect_as_alone(changed, what);
    expect_as_alone(test::with_ipv4_sum(changed, kLink), what + ", sum right");
  }
}

TEST_P(EspInFastPath, EachLength) {
  const Octets frame = esp_frame(0x1001, 4);
  for (std::size_t length = 0; length <= frame.size(); ++length) {
    const std::string what = std::to_string(length) + " octets";
    const Octets cut(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(length));
    if (length != 0) expect_as_alone(cut, what + " there");
    if (length < kLink + kIp) continue;
    Octets said = frame;
    test::put16(said, kLink + 2, length - kLink);
    expect_as_alone(test::with_ipv4_sum(said, kLink), what + " said by IPv4");
    if (length < kLink + kIp + kUdp) continue;
    said = frame;
    test::put16(said, kLink + 24, length - kLink - kIp);
    expect_as_alone(said, what + " said by UDP");
    test::put16(said, kLink + 2, length - kLink);
    expect_as_alone(test::with_ipv4_sum(said, kLink), what + " said by both");
  }
  EXPECT_EQ(expect_as_alone(test::join(frame, Octets(18, 0)), "with padding of Ethernet's"), 4u);
}

// An SPI is what the SAs of one peer differ in: each leads to its own.
TEST_P(EspInFastPath, OtherSasOfThePeer) {
  EXPECT_EQ(expect_as_alone(esp_frame(0x1000, 4), "another SA"), 4u);
  EXPECT_EQ(expect_as_alone(esp_frame(0x1002, 4), "no SA"), 3u);
  EXPECT_EQ(expect_as_alone(esp_frame(0x1003, 4), "an SA of another port"), 3u);
  EXPECT_EQ(expect_as_alone(esp_frame(0x1005, 4), "an SA without UDP"), 3u);
  EXPECT_EQ(expect_as_alone(esp_frame(0, 4), "IKE"), 3u);
  std::vector<Octets> frames;
  std::map<unsigned, std::string> alone;
  for (unsigned i = 0; i < 12; ++i) {
    frames.push_back(esp_frame(0x1000 + i % 2, i));
    alone[i] = became({frames[i]}).at(0);
  }
  EXPECT_EQ(became(frames), alone);
  EXPECT_EQ(fast_, 10u);
}

// What one peer's packets have taught tells nothing of another one's; of many none teaches anything.
TEST_P(EspInFastPath, PeersInTurns) {
  for (const unsigned peers : {2U, 3U, 5U})
    for (const unsigned in_a_row : {1U, 2U, 3U}) {
      std::vector<Octets> frames;
      std::map<unsigned, std::string> alone;
      for (unsigned i = 0; i < 30; ++i) {
        Octets frame = esp_frame(0x1001, i);
        frame[kLink + 15] = static_cast<std::uint8_t>(2 + i / in_a_row % peers);
        frame[kLink + 1] = static_cast<std::uint8_t>(i / in_a_row % peers);
        frames.push_back(test::with_ipv4_sum(frame, kLink));
        alone[i] = became({frames[i]}).at(0);
      }
      EXPECT_EQ(became(frames), alone) << peers << " peers, " << in_a_row << " in a row";
      EXPECT_EQ(fast_, in_a_row == 3 ? 10u : 0u);
    }
}

TEST_P(EspInFastPath, PacketsOfOtherKinds) {
  const Octets esp = test::from_hex("00001005 00000004 0000000000000004 5a5a5a5a 5a5a5a5a 5a5a5a5a 5a5a5a5a 5a5a5a5a");
  const Octets bare = test::udp(4500, 4500, test::from_hex("00001001 00000004"));
  const Octets wanted = esp_in_udp(0x1001, 4);
  expect_as_alone(esp_frame(0x1001, 4, kOtherPort), "by another SA's port");
  expect_as_alone(esp_frame(0x1003, 4, kOtherPort), "of an SA of another port");
  expect_as_alone(framed(test::ipv4({"c0000202", "c0000201", 50}, esp)), "ESP without UDP");
  expect_as_alone(framed(test::ipv4({"c0000202", "c0000211", 17}, bare)), "to another address of ours");
  expect_as_alone(framed(test::ipv4({"c0000211", "c0000201", 17}, bare)), "from an address of ours");
  expect_as_alone(framed(test::ipv4({"c0000202", "c0000201", 17}, test::udp(4500, 4500, {0xff}))), "a NAT keepalive");
  expect_as_alone(framed(with_options(wanted, 4)), "with IPv4 options");
  expect_as_alone(test::ethernet("020000000101", 0x8100, test::join(test::from_hex("0001 0800"), wanted)), "tagged");
  expect_as_alone(test::ethernet("020000000102", 0x0800, wanted), "to another station");
  expect_as_alone(test::ethernet("ffffffffffff", 0x0800, wanted), "to all stations");
  expect_as_alone(test::ethernet("020000000101", 0x86dd, wanted), "of another type");
}

// Frames that are none to go by: their heads are longer, or no UDP is in them. Octets of options stand where UDP would,
// and say what its length would have to be.
TEST_P(EspInFastPath, BehindPacketsWithOptions) {
  for (const bool in_udp : {true, false})
    for (const std::size_t octets : {4U, 8U, 12U, 40U}) {
      std::vector<Octets> frames;
      std::map<unsigned, std::string> alone;
      for (unsigned i = 0; i < 5; ++i) {
        const std::size_t text = kIp + 0x0101 - (kIp + octets + 16 + (in_udp ? kUdp : 0));
        const Octets esp = test::join(test::from_hex("00001005 00000000"), Octets(8 + text, 0x5a));
        const Octets packet =
            in_udp ? esp_in_udp(0x1001, i, kEspPort, text) : test::ipv4({"c0000202", "c0000201", 50}, esp);
        frames.push_back(framed(with_options(packet, octets)));
        alone[i] = became({frames.back()}).at(0);
        ASSERT_TRUE(alone[i].starts_with(in_udp ? "SA 1 " : "SA 4 ")) << alone[i];
      }
      // Wrong within the options alone.
      frames.push_back(frames.back());
      frames.back()[kLink + kIp + octets - 1] ^= 1;
      alone[5] = became({frames.back()}).at(0);
      ASSERT_EQ(alone[5] == text_of(Cause::ip4_bad_checksum).name, GetParam() == wire::HeaderSum::unknown);
      EXPECT_EQ(became(frames), alone) << octets << " octets";
      EXPECT_EQ(fast_, 0u);
    }
}

// Plain ESP behind 8 octets of options stands where it does in UDP without any. These say no port and the right length,
// and add up to nothing.
TEST_P(EspInFastPath, BehindPlainEspWithOptions) {
  const auto make = [&](std::uint32_t sequence) {
    Octets esp(kIp + 0x0101 - (kIp + 8), 0x5a);
    test::put16(esp, 0, 0);
    test::put16(esp, 2, 0x1005);
    test::put16(esp, 6, sequence);
    const Octets options = test::from_hex("0101 0000 0101 fdfd");
    Octets packet = test::ipv4({"c0000202", "c0000201", 50}, test::join(options, esp));
    packet[0] = 0x47;
    return framed(test::with_ipv4_sum(packet, 0, kIp + 8));
  };
  std::vector<Octets> frames{make(1), make(2), make(3)};
  std::map<unsigned, std::string> alone;
  for (unsigned i = 0; i < 3; ++i) alone[i] = became({frames[i]}).at(0);
  ASSERT_TRUE(alone[2].starts_with("SA 4 ")) << alone[2];
  EXPECT_EQ(became(frames), alone);
  EXPECT_EQ(fast_, 0u);
}

// Behind 4 octets of options a port of UDP's says a length, and its length and sum another SA's SPI.
TEST_P(EspInFastPath, BehindUdpWithOptions) {
  const wire::Ipv4Address here{0xc0000201};
  tables_.spis = SpiTable({{{0x1001, here}, {SaId(1), kEspPort}}, {{0x0040'1001, here}, {SaId(7), 0}}});
  const auto make = [&](std::uint32_t sequence) {
    Octets esp(56, 0x5a);
    test::put16(esp, 0, 0);
    test::put16(esp, 2, 0x1001);
    test::put16(esp, 6, sequence);
    const Octets datagram = test::udp(4 + 64, kEspPort, esp, 0x1001);
    Octets packet = test::ipv4({"c0000202", "c0000201", 17}, test::join(test::from_hex("ffff 0000"), datagram));
    packet[0] = 0x46;
    return framed(test::with_ipv4_sum(packet, 0, kIp + 4));
  };
  const std::vector<Octets> frames{make(1), make(2), make(3)};
  std::map<unsigned, std::string> alone;
  for (unsigned i = 0; i < 3; ++i) alone[i] = became({frames[i]}).at(0);
  ASSERT_TRUE(alone[2].starts_with("SA 1 ")) << alone[2];
  EXPECT_EQ(became(frames), alone);
  EXPECT_EQ(fast_, 0u);
}

// An SPI that says a port, a number that says a length, an IV that says another SA's SPI.
TEST_P(EspInFastPath, BehindPlainEsp) {
  const wire::Ipv4Address here{0xc0000201};
  tables_.spis = SpiTable({{{0x1001, here}, {SaId(1), kEspPort}}, {{kEspPort, here}, {SaId(6), 0}}});
  const auto make = [&](std::uint16_t length) {
    Octets esp(80, 0x5a);
    test::put16(esp, 0, 0);
    test::put16(esp, 2, kEspPort);
    test::put16(esp, 4, length);
    test::put16(esp, 8, 0);
    test::put16(esp, 10, 0x1001);
    return framed(test::ipv4({"c0000202", "c0000201", 50}, esp));
  };
  const std::vector<Octets> frames{make(1), make(2), make(80)};
  std::map<unsigned, std::string> alone;
  for (unsigned i = 0; i < 3; ++i) alone[i] = became({frames[i]}).at(0);
  ASSERT_TRUE(alone[2].starts_with("SA 6 ")) << alone[2];
  EXPECT_EQ(became(frames), alone);
  EXPECT_EQ(fast_, 0u);
}

// Tags stand where IPv4 would begin.
TEST_P(EspInFastPath, BehindTaggedFrames) {
  std::vector<Octets> frames;
  for (unsigned i = 0; i < 4; ++i)
    frames.push_back(
        test::ethernet("020000000101", 0x8100, test::join(test::from_hex("0001 0800"), esp_in_udp(0x1001, i))));
  frames.push_back(esp_frame(0x1001, 4));
  std::map<unsigned, std::string> alone;
  for (unsigned i = 0; i < frames.size(); ++i) alone[i] = became({frames[i]}).at(0);
  EXPECT_EQ(became(frames), alone);
  EXPECT_EQ(fast_, 0u);
}

// Plain ESP behind two tags, or behind a tag and options, stands where it would in UDP without either. What it teaches
// is nonsense of the sender's choice: an own address out of TTL, protocol and sum, a port out of its source.
TEST_P(EspInFastPath, BehindTagsThatLookLikeIpv4) {
  const wire::Ipv4Address here{0xc0000201};
  const wire::Ipv4Address mine{0x0a320001};  // TTL 10, protocol 50, sum 1
  tables_.own4 = OwnIpv4({{here, {OwnKind::own, PortId(0)}}, {mine, {OwnKind::own, PortId(0)}}});
  tables_.spis = SpiTable({{{0x1001, here}, {SaId(1), kEspPort}},
                           {{0x1005, mine}, {SaId(4), 0}},
                           {{0x1006, mine}, {SaId(5), SpiEntry::kExpired}},
                           {{0x1007, mine}, {SaId(6), 0}}});
  const auto esp = [](std::uint32_t spi) {
    Octets octets(56, 0x5a);
    test::put16(octets, 0, spi >> 16);
    test::put16(octets, 2, spi & 0xffff);
    return octets;
  };
  const auto twice_tagged = [&](std::uint32_t spi, const char* source) {
    Octets packet;
    for (unsigned id = 0; packet.empty() || packet[10] != 0 || packet[11] != 1; ++id)
      packet = test::ipv4({source, "0a320001", 50, 0x11, 10, static_cast<std::uint16_t>(id)}, esp(spi));
    return test::ethernet("020000000101", 0x8100, test::join(test::from_hex("4511 8100 0001 0800"), packet));
  };
  const auto tagged = [&](std::uint32_t spi, const char* source) {
    const Octets packet = test::ipv4({source, "0a320001", 50, 0, 64, 0x0011}, esp(spi));
    return test::ethernet("020000000101", 0x8100, test::join(test::from_hex("4511 0800"), with_options(packet, 4)));
  };
  // As IPv4 from the first tag on, right in length and sum.
  const auto disguised = [](Octets frame) {
    test::put16(frame, kLink + 2, frame.size() - kLink);
    test::put16(frame, kLink + 24, frame.size() - kLink - kIp);
    return test::with_ipv4_sum(frame, kLink);
  };
  // The low half of the source comes to stand in the place of a port: none, and that of a lifetime that is over.
  const std::pair<const char*, std::uint32_t> kinds[] = {{"cb000000", 0x1007}, {"cb0001f4", 0x1006}};
  for (const auto& kind : kinds)
    for (const bool twice : {true, false}) {
      const auto make = [&](std::uint32_t of) { return twice ? twice_tagged(of, kind.first) : tagged(of, kind.first); };
      const std::vector<Octets> frames{make(0x1005), make(0x1005), disguised(make(kind.second))};
      std::map<unsigned, std::string> alone;
      for (unsigned i = 0; i < frames.size(); ++i) alone[i] = became({frames[i]}).at(0);
      ASSERT_TRUE(alone[0].starts_with("SA 4 ")) << alone[0];
      EXPECT_EQ(became(frames), alone) << kind.first << (twice ? ", two tags" : ", a tag and options");
      EXPECT_EQ(fast_, 0u);
    }
}

// RFC 4303 section 3.4.2 is for each packet: a lifetime may be over in the middle of a train.
TEST_P(EspInFastPath, AnSaWhoseLifetimeEndsMeanwhile) {
  std::vector<Octets> frames;
  for (unsigned i = 1; i <= 5; ++i) frames.push_back(esp_frame(0x1001, i));
  play(frames, [&](std::size_t i) {
    if (i == 3) tables_.spis.find({0x1001, {0xc0000201}})->udp_port = SpiEntry::kExpired;
  });
  EXPECT_EQ(fast_, 1u);
  EXPECT_EQ(esp_.size(), 3u);
  EXPECT_EQ(source_.ends().count(Cause::esp_expired), 2u);
  end_all();
  // Also of one that is come to, or come back to, behind another one.
  frames.clear();
  for (const std::uint32_t spi : {0x1000, 0x1000, 0x1001, 0x1000, 0x1000}) frames.push_back(esp_frame(spi, 1));
  play(frames, [&](std::size_t i) {
    if (i == 3) tables_.spis.find({0x1000, {0xc0000201}})->udp_port = SpiEntry::kExpired;
  });
  EXPECT_EQ(esp_.size(), 2u);
  EXPECT_EQ(source_.ends().count(Cause::esp_expired), 5u);
  end_all();
}

// What the device has said of the header's sum.
INSTANTIATE_TEST_SUITE_P(Sums, EspInFastPath, testing::Values(wire::HeaderSum::unknown, wire::HeaderSum::right));

// --- what is looked at of a frame before its turn -------------------------------------------------------------------

class EspInAsk : public testing::Test {
 protected:
  // use: gets the step.
  template <class Use>
  void with_sas(std::uint32_t sas, Use use) {
    std::vector<std::pair<SpiKey, SpiEntry>> entries;
    for (std::uint32_t i = 0; i < sas; ++i) entries.push_back({{0x1000 + i, {0xc0000201}}, {SaId(i), kEspPort}});
    Tables tables;
    tables.spis = SpiTable(entries);
    tables.esp_ports.insert(kEspPort);
    Burst<stage::Frame> frames;
    Burst<stage::EspIn> esp;
    use(EspInFastPathStep<Burst<stage::Frame>>(tables, frames, esp));
  }
};

TEST_F(EspInAsk, OnlyWhereTheTableIsInNoNearCache) {
  with_sas(16, [](const auto& step) { EXPECT_FALSE(step.asks()); });
  with_sas(20'000, [](const auto& step) { EXPECT_TRUE(step.asks()); });
}

TEST_F(EspInAsk, NoOctetBeyondTheFrame) {
  with_sas(20'000, [](const auto& step) {
    test::at_every_length(esp_frame(0x1001, 1), [&](std::span<const std::uint8_t> octets) { step.ask(octets); });
  });
}

}  // namespace
}  // namespace strata
