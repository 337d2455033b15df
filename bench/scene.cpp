#include "bench/scene.hpp"

#include <random>

#include "dataplane/wire/checksum.hpp"
#include "dataplane/wire/ethernet.hpp"
#include "dataplane/wire/ipv4.hpp"
#include "dataplane/wire/ipv6.hpp"
#include "dataplane/wire/udp.hpp"

namespace strata::bench {
namespace {

using wire::Ipv4Address;
using wire::Ipv6Address;

constexpr wire::MacAddress kHostMac{{2, 0, 0, 0, 0, 0x10}};
constexpr wire::MacAddress kSenderLan{{2, 0, 0, 0, 0, 0x11}};
constexpr wire::MacAddress kSenderWan{{2, 0, 0, 0, 0, 0x12}};
constexpr wire::MacAddress kReceiverWan{{2, 0, 0, 0, 0, 0x21}};
constexpr wire::MacAddress kReceiverLan{{2, 0, 0, 0, 0, 0x22}};
constexpr wire::MacAddress kReceiverHostMac{{2, 0, 0, 0, 0, 0x20}};

constexpr Ipv4Address kSenderAddress{0xc0000201};     // 192.0.2.1
constexpr Ipv4Address kReceiverAddress{0xc0000202};   // 192.0.2.2
constexpr Ipv4Address kLanGateway{0xc6336401};        // 198.51.100.1
constexpr Ipv4Address kLanHost{0xc6336402};           // 198.51.100.2
constexpr std::uint32_t kInnerNetworks = 0x0a000000;  // 10.0.0.0/8
constexpr std::uint32_t kOtherNetworks = 0x0b000000;  // from 11.0.0.0 up
constexpr std::uint32_t kFirstSpi = 0x1000;
constexpr std::size_t kKeyLength = 36;  // of the longest; the others take less of it
constexpr std::uint16_t kMtu = 1600;    // 1400 octets and all that goes around them

Ipv6Address address6(std::uint16_t network, std::uint32_t number, std::uint16_t last) {
  Ipv6Address made{};
  wire::store_be32(made.octets.data(), 0xfc000000U | network);
  wire::store_be32(made.octets.data() + 8, number);
  wire::store_be16(made.octets.data() + 14, last);
  return made;
}

Ipv6Address sid_of(unsigned sa) { return address6(2, sa, 0xd4); }

config::Port port(const char* name, const wire::MacAddress& mac, Ipv4Address address, config::Side side) {
  config::Port made;
  made.name = name;
  made.mac = mac;
  made.addresses = {{address, 24}};
  made.side = side;
  made.mtu = kMtu;
  return made;
}

config::SecurityAssociation security_association(const Scene& scene, unsigned i, config::Direction direction) {
  config::SecurityAssociation made;
  made.name = "sa" + std::to_string(i);
  made.direction = direction;
  made.spi = kFirstSpi + i;
  made.source = kSenderAddress;
  made.destination = kReceiverAddress;
  made.udp_encap = config::UdpEncap{};
  made.algorithm = scene.algorithm;
  made.key = config::Secret(key_of(i));
  made.esn = scene.esn;
  made.replay_window = scene.window;
  made.selectors = {{address6(1, 0, 1), 128}, {sid_of(i), 128}, {}};
  return made;
}

config::Config gateway(const Scene& scene, config::Direction direction) {
  config::Config made;
  made.file = "bench";
  for (unsigned i = 0; i < scene.sas; ++i)
    made.security_associations.push_back(security_association(scene, i, direction));
  for (unsigned i = 0; i < scene.routes; ++i)
    made.routes.push_back({{Ipv4Address{kOtherNetworks + (i << 8)}, 24}, kLanHost, "lan", {}});
  return made;
}

}  // namespace

std::vector<unsigned> sizes_of(const std::string& size) {
  if (size == "imix") return {64, 570, 64, 64, 570, 64, 1400, 64, 570, 64, 64, 570};
  return {static_cast<unsigned>(std::stoul(size))};
}

config::Config sender(const Scene& scene) {
  config::Config made = gateway(scene, config::Direction::out);
  made.ports = {port("lan", kSenderLan, kLanGateway, config::Side::protected_side),
                port("wan", kSenderWan, kSenderAddress, config::Side::unprotected_side)};
  made.neighbors = {{"lan", kLanHost, kHostMac, {}}, {"wan", kReceiverAddress, kReceiverWan, {}}};
  made.srv6_source = address6(1, 0, 1);
  for (unsigned i = 0; i < scene.sas; ++i) {
    config::Policy policy;
    policy.name = "policy" + std::to_string(i);
    policy.prefixes = {{Ipv4Address{kInnerNetworks + (i << 8)}, 24}};
    policy.segments = {sid_of(i)};
    made.policies.push_back(std::move(policy));
  }
  return made;
}

config::Config receiver(const Scene& scene) {
  config::Config made = gateway(scene, config::Direction::in);
  made.ports = {port("lan", kReceiverLan, kLanGateway, config::Side::protected_side),
                port("wan", kReceiverWan, kReceiverAddress, config::Side::unprotected_side)};
  made.neighbors = {{"lan", kLanHost, kReceiverHostMac, {}}, {"wan", kSenderAddress, kSenderWan, {}}};
  for (unsigned i = 0; i < scene.sas; ++i) {
    config::LocalSid sid;
    sid.sid = {sid_of(i), 128};
    sid.next_hop = kLanHost;
    sid.port = "lan";
    made.local_sids.push_back(sid);
  }
  return made;
}

std::vector<std::uint8_t> frame(unsigned size) {
  std::vector<std::uint8_t> made(wire::kEthernetHeaderLength + size);
  for (std::size_t i = 0; i < made.size(); ++i) made[i] = static_cast<std::uint8_t>(i);
  wire::write_ethernet(made.data(), kSenderLan, kHostMac, wire::kEtherIpv4);
  std::uint8_t* ip = made.data() + wire::kEthernetHeaderLength;
  wire::store_be32(ip, 0x45000000U | size);
  wire::store_be32(ip + 4, 0x00004000U);  // don't fragment
  wire::store_be32(ip + 8, 0x40110000U);  // TTL 64, UDP, no checksum yet
  wire::store_be32(ip + 12, kLanHost.value);
  std::uint8_t* udp = ip + wire::kIpv4MinHeaderLength;
  wire::store_be32(udp, 0x10001000U);
  wire::store_be32(udp + 4, static_cast<std::uint32_t>(size - wire::kIpv4MinHeaderLength) << 16);
  address(made, 0);
  return made;
}

unsigned sa_of(Direction direction, std::span<const std::uint8_t> frame) {
  const std::uint8_t* ip = frame.data() + wire::kEthernetHeaderLength;
  if (direction == Direction::out) return (wire::load_be32(ip + 16) - kInnerNetworks) >> 8;
  return wire::load_be32(ip + wire::kIpv4MinHeaderLength + wire::kUdpHeaderLength) - kFirstSpi;
}

void address(std::vector<std::uint8_t>& frame, unsigned sa) {
  std::uint8_t* ip = frame.data() + wire::kEthernetHeaderLength;
  wire::store_be32(ip + 16, kInnerNetworks + (sa << 8) + 2);
  wire::store_be16(ip + 10, 0);
  wire::store_be16(ip + 10, wire::checksum({ip, wire::kIpv4MinHeaderLength}));
}

secret::Octets key_of(unsigned sa) {
  secret::Octets octets(kKeyLength);
  std::mt19937 random(sa + 1);
  for (std::uint8_t& octet : octets) octet = static_cast<std::uint8_t>(random());
  return octets;
}

}  // namespace strata::bench
