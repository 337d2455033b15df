// What comes behind packets of the same SA is judged as if it had come alone.
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "dataplane/stage/host_input.hpp"
#include "tests/unit/frames.hpp"
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

class HostInputTrain : public testing::TestWithParam<wire::HeaderSum> {
 protected:
  HostInputTrain() {
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

  // What became of each of them, in words, by their places. At most one of them may end here.
  std::map<unsigned, std::string> became(const std::vector<Octets>& packets) {
    for (const Octets& packet : packets) source_.feed(packet, static_cast<Poison>(0x45));
    Burst<stage::Frame> frames;
    EXPECT_EQ(source_.receive(frames, test::kWan), packets.size());
    Burst<stage::Host> hosts;
    frames.drain([&](Packet<stage::Frame> frame, const Row<stage::Frame>& row) -> Done {
      return Gate::host(std::move(frame), {.from = row.from, .sum = GetParam()}, test::kNoLink, hosts);
    });
    std::map<Cause, std::uint64_t> before;
    for (const Cause cause : HostInputEnds::kListed) before[cause] = source_.ends().count(cause);
    host_input(hosts, tables_, audit_, esp_, fragments_, local_, HostInputEnds(source_.ends()));
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
    for (const auto& [cause, count] : before)
      for (unsigned place = 0; source_.ends().count(cause) != count && place < packets.size(); ++place)
        if (!found.contains(place)) found[place] = std::string(text_of(cause).name);
    test::end_all(esp_, source_.ends());
    test::end_all(fragments_, source_.ends());
    test::end_all(local_, source_.ends());
    source_.ends().flush();
    return found;
  }

  // Behind a train of SA 1, and before its next packet, the same becomes of it as alone.
  void expect_as_alone(const Octets& packet, const std::string& what) {
    const std::string alone = became({packet}).at(0);
    const auto found = became({esp_in_udp(0x1001, 1), esp_in_udp(0x1001, 2), esp_in_udp(0x1001, 3), packet,
                               esp_in_udp(0x1001, 5), esp_in_udp(0x1001, 6)});
    ASSERT_EQ(found.size(), 6u) << what;
    EXPECT_EQ(found.at(3), alone) << what;
    for (const unsigned place : {0U, 1U, 2U, 4U, 5U})
      EXPECT_EQ(found.at(place), train_.at(place)) << what << ", the " << place;
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
    for (unsigned i = 1; i <= 6; ++i) packets.push_back(esp_in_udp(0x1001, i));
    for (unsigned i = 0; i < packets.size(); ++i) train_[i] = became({packets[i]}).at(0);
    ASSERT_EQ(became(packets), train_) << "each is as alone";
    ASSERT_TRUE(train_.at(0).starts_with("SA 1 of " + std::to_string(0xc0000202) + " ECN 0: 0 0 16 1 0 0 0 1 90"))
        << train_.at(0);
  }

  test::Source source_;
  Tables tables_;
  Audit audit_;
  Burst<stage::EspIn> esp_;
  Burst<stage::Fragment> fragments_;
  Burst<stage::Local> local_;
  std::map<unsigned, std::string> train_;
};

TEST_P(HostInputTrain, EachBitOfTheHead) {
  const Octets packet = esp_in_udp(0x1001, 4);
  for (std::size_t bit = 0; bit < 8 * 40; ++bit) {
    Octets changed = packet;
    changed[bit / 8] = static_cast<std::uint8_t>(changed[bit / 8] ^ 1U << (bit % 8));
    const std::string what = "octet " + std::to_string(bit / 8) + ", bit " + std::to_string(bit % 8);
    expect_as_alone(changed, what);
    expect_as_alone(test::with_ipv4_sum(changed), what + ", sum right");
  }
}

TEST_P(HostInputTrain, EachLength) {
  const Octets packet = esp_in_udp(0x1001, 4);
  for (std::size_t length = 0; length <= packet.size(); ++length) {
    const std::string what = std::to_string(length) + " octets";
    const Octets cut(packet.begin(), packet.begin() + static_cast<std::ptrdiff_t>(length));
    if (length != 0) expect_as_alone(cut, what + " there");
    if (length < kIp) continue;
    Octets said = packet;
    test::put16(said, 2, length);
    expect_as_alone(test::with_ipv4_sum(said), what + " said by IPv4");
    if (length < kIp + kUdp) continue;
    said = packet;
    test::put16(said, 24, length - kIp);
    expect_as_alone(said, what + " said by UDP");
    test::put16(said, 2, length);
    expect_as_alone(test::with_ipv4_sum(said), what + " said by both");
  }
  expect_as_alone(test::join(packet, Octets(18, 0)), "with padding of Ethernet's");
}

TEST_P(HostInputTrain, PacketsOfOtherKinds) {
  const Octets esp = test::from_hex("00001005 00000004 0000000000000004 5a5a5a5a 5a5a5a5a 5a5a5a5a 5a5a5a5a 5a5a5a5a");
  expect_as_alone(esp_in_udp(0x1000, 4), "of another SA");
  expect_as_alone(esp_in_udp(0x1001, 4, kOtherPort), "by another SA's port");
  expect_as_alone(esp_in_udp(0x1003, 4, kOtherPort), "of an SA of another port");
  expect_as_alone(test::ipv4({"c0000202", "c0000201", 50}, esp), "ESP without UDP");
  expect_as_alone(test::ipv4({"c0000202", "c0000211", 17}, test::udp(4500, 4500, test::from_hex("00001001 00000004"))),
                  "to another address of ours");
  expect_as_alone(test::ipv4({"c0000211", "c0000201", 17}, test::udp(4500, 4500, test::from_hex("00001001 00000004"))),
                  "from an address of ours");
  expect_as_alone(test::ipv4({"c0000202", "c0000201", 17}, test::udp(4500, 4500, {0xff})), "a keepalive of NAT's");
  expect_as_alone(with_options(esp_in_udp(0x1001, 4), 4), "with IPv4 options");
}

// Trains that are none to go by: their heads are longer, or no UDP is in them. Octets of options stand where UDP would,
// and say what its length would have to be.
TEST_P(HostInputTrain, OfPacketsWithOptions) {
  for (const bool in_udp : {true, false})
    for (const std::size_t octets : {4U, 8U, 12U, 40U}) {
      std::vector<Octets> packets;
      std::map<unsigned, std::string> alone;
      for (unsigned i = 0; i < 5; ++i) {
        const std::size_t text = kIp + 0x0101 - (kIp + octets + 16 + (in_udp ? kUdp : 0));
        const Octets esp = test::join(test::from_hex("00001005 00000000"), Octets(8 + text, 0x5a));
        const Octets packet =
            in_udp ? esp_in_udp(0x1001, i, kEspPort, text) : test::ipv4({"c0000202", "c0000201", 50}, esp);
        packets.push_back(with_options(packet, octets));
        alone[i] = became({packets.back()}).at(0);
        ASSERT_TRUE(alone[i].starts_with(in_udp ? "SA 1 " : "SA 4 ")) << alone[i];
      }
      // Wrong within the options alone.
      packets.push_back(packets.back());
      packets.back()[kIp + octets - 1] ^= 1;
      alone[5] = became({packets.back()}).at(0);
      ASSERT_EQ(alone[5] == text_of(Cause::ip4_bad_checksum).name, GetParam() == wire::HeaderSum::unknown);
      EXPECT_EQ(became(packets), alone) << octets << " octets";
    }
}

// RFC 4303 section 3.4.2 is for each packet: a lifetime may be over in the middle of a train.
TEST_P(HostInputTrain, AnSaWhoseLifetimeEndsMeanwhile) {
  for (unsigned i = 1; i <= 5; ++i) source_.feed(esp_in_udp(0x1001, i));
  Burst<stage::Frame> frames;
  ASSERT_EQ(source_.receive(frames, test::kWan), 5u);
  Burst<stage::Host> hosts;
  frames.drain([&](Packet<stage::Frame> frame, const Row<stage::Frame>& row) -> Done {
    return Gate::host(std::move(frame), row, test::kNoLink, hosts);
  });
  const HostInputStep step({tables_, audit_, esp_, fragments_, local_, HostInputEnds(source_.ends())});
  hosts.drain([&](Packet<stage::Host> packet, const Row<stage::Host>& row, std::size_t i) -> Done {
    if (i == 3) tables_.spis.find({0x1001, {0xc0000201}})->udp_port = SpiEntry::kExpired;
    return step.input(std::move(packet), row);
  });
  EXPECT_EQ(esp_.size(), 3u);
  EXPECT_EQ(source_.ends().count(Cause::esp_expired), 2u);
  test::end_all(esp_, source_.ends());
}

// What the device has said of the header's sum.
INSTANTIATE_TEST_SUITE_P(Sums, HostInputTrain, testing::Values(wire::HeaderSum::unknown, wire::HeaderSum::right));

}  // namespace
}  // namespace strata
