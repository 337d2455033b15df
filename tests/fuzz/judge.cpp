#include "tests/fuzz/judge.hpp"

#include <algorithm>
#include <map>
#include <optional>

#include "tests/fuzz/cipher.hpp"
#include "tests/fuzz/octets.hpp"
#include "tests/fuzz/origin.hpp"

namespace strata::fuzz {
namespace {

using config::Side;

constexpr std::size_t kEthernet = 14;
constexpr std::size_t kArp = 28;

bool contains(const wire::Ipv4Prefix& prefix, std::uint64_t address) {
  return prefix.length == 0 || (prefix.address.value ^ address) >> (32 - prefix.length) == 0;
}
bool contains(const wire::Ipv6Prefix& prefix, Bytes address) {
  for (unsigned bit = 0; bit < prefix.length; ++bit)
    if (((prefix.address.octets[bit / 8] ^ address[bit / 8]) >> (7 - bit % 8) & 1) != 0) return false;
  return true;
}
bool same(Bytes a, Bytes b) { return std::ranges::equal(a, b); }

class Judge {
 public:
  Judge(const config::Config& config, const Arrivals& arrivals, const Outcome& outcome)
      : config_(config), origins_(arrivals), outcome_(outcome) {}

  void run() {
    for (const Sent& sent : outcome_.sent) judge_frame(sent);
    judge_counters();
  }

 private:
  [[noreturn]] void bad(const std::string& why) const;
  void must(bool good, const char* why) const {
    if (!good) bad(why);
  }
  const config::Port& port() const { return config_.ports[sent_->port]; }
  // On the port to the kernel the configured one is the kernel's, and strata's the one beside it.
  wire::MacAddress mac() const {
    wire::MacAddress mine = port().mac.value();
    if (port().host) mine.octets[5] ^= 1;
    return mine;
  }
  bool is_own(std::uint64_t address) const;
  bool is_broadcast(std::uint64_t address) const;

  void judge_frame(const Sent& sent);
  void judge_arp(Bytes arp) const;
  void judge_ip(Bytes ip);
  void judge_header(Bytes ip) const;
  const config::SecurityAssociation* sealed_by(Bytes ip, Octets& text);
  void judge_sealed(const config::SecurityAssociation& sa, Bytes ip, Bytes text);
  void judge_outer(const config::SecurityAssociation& sa, Bytes ip, Bytes inner) const;
  Bytes without_trailer(Bytes text) const;
  Bytes judge_ip6(const config::SecurityAssociation& sa, Bytes ip6) const;
  const config::Policy& policy_of(Bytes ip6, Bytes ip4) const;
  void judge_clear(Bytes ip) const;
  void judge_own(Bytes ip) const;
  void judge_icmp(Bytes ip) const;
  void judge_echo(Bytes ip) const;
  void judge_quote(Bytes quote) const;
  bool is_let_through(Bytes ip) const;
  bool is_from_clear_sid() const;
  void judge_counters() const;

  const config::Config& config_;
  const Origins origins_;
  const Outcome& outcome_;
  const Sent* sent_ = nullptr;
  std::map<std::uint32_t, std::uint64_t> sealed_;  // packets that left and opened, by SPI
};

void Judge::bad(const std::string& why) const {
  std::string text = why;
  if (sent_ != nullptr) {
    text += "; sent by " + port().name + ":";
    for (std::size_t i = 0; i < sent_->frame.size() && i < 160; ++i) {
      char hex[4];
      std::snprintf(hex, sizeof hex, " %02x", sent_->frame[i]);
      text += hex;
    }
  }
  fail(text);
}

bool Judge::is_own(std::uint64_t address) const {
  for (const config::Port& of : config_.ports)
    for (const wire::Ipv4Prefix& own : of.addresses)
      if (own.address.value == address) return true;
  return false;
}

bool Judge::is_broadcast(std::uint64_t address) const {
  for (const config::Port& of : config_.ports)
    for (const wire::Ipv4Prefix& own : of.addresses)
      if (own.length < 31 && contains(own, address)) {
        const std::uint64_t host = (std::uint64_t{1} << (32 - own.length)) - 1;
        if ((address & host) == host || (address & host) == 0) return true;
      }
  return false;
}

void Judge::judge_frame(const Sent& sent) {
  sent_ = &sent;
  const Bytes frame(sent.frame);
  must(frame.size() >= kEthernet, "a frame without an Ethernet header");
  must(same(frame.subspan(6, 6), mac().octets), "another source MAC address than the port's");
  const std::size_t type = be16(frame, 12);
  const bool to_group = (frame[0] & 1) != 0;
  if (type == 0x0806) return judge_arp(frame.subspan(kEthernet));
  must(type == 0x0800, "neither ARP nor IPv4");
  must(!to_group, "an IPv4 packet to a group of stations");
  judge_ip(frame.subspan(kEthernet));
}

// RFC 826, RFC 5227.
void Judge::judge_arp(Bytes arp) const {
  must(arp.size() == kArp, "an ARP packet of another length than 28");
  must(read(arp, 0, 6) == 0x0001'0800'0604, "ARP about something else than IPv4 over Ethernet");
  must(same(arp.subspan(8, 6), mac().octets), "ARP from another MAC address than the port's");
  const std::size_t operation = be16(arp, 6);
  const Bytes to(Bytes(sent_->frame).first(6));
  if (operation == 2) return must(same(to, arp.subspan(18, 6)), "an ARP reply whose frame goes to somebody else");
  must(operation == 1, "ARP that is neither request nor reply");
  must(is_own(read(arp, 14, 4)), "an ARP request from an address that is not ours");
  must(!is_own(read(arp, 24, 4)), "an ARP request for an address of ours");
  must(read(arp, 18, 6) == 0, "an ARP request that names the MAC address that it asks for");
}

void Judge::judge_ip(Bytes ip) {
  judge_header(ip);
  Octets text;
  if (const auto* sa = sealed_by(ip, text)) return judge_sealed(*sa, ip, text);
  judge_clear(ip);
}

// RFC 791 section 3.1, RFC 1812 sections 5.3.7 and 5.3.1.
void Judge::judge_header(Bytes ip) const {
  must(ip.size() >= 20 && ip[0] >> 4 == 4, "no IPv4 packet");
  const std::size_t header = (ip[0] & 0x0fU) * 4U;
  must(header >= 20 && header <= ip.size(), "an impossible IPv4 header length");
  must(be16(ip, 2) == ip.size(), "an IPv4 total length that is not what is there");
  must(ones_sum(ip.first(header)) == 0xffff, "a wrong IPv4 header checksum");
  must(ip.size() <= port().mtu, "an IPv4 packet larger than the link's MTU");
  must(port().host || ip[8] != 0 || origins_.of_kernel(ip), "a TTL of 0");
  const std::uint64_t source = read(ip, 12, 4) >> 24;
  must(source != 0 && source != 127 && source < 224, "a source that is no host's");
  if (port().host) return;
  const std::uint64_t destination = read(ip, 16, 4);
  must(destination >> 24 != 0 && destination >> 24 != 127 && destination >> 24 < 224,
       "a destination that is no host's");
  must(!is_own(destination), "sent to an address of its own");
  must(!is_broadcast(destination), "sent to a broadcast address of its own subnets");
}

// nullptr: it is no ESP packet of ours. The port of the kernel lets it send what looks like one.
const config::SecurityAssociation* Judge::sealed_by(Bytes ip, Octets& text) {
  if (port().side != Side::unprotected_side || (be16(ip, 6) & 0x3fff) != 0 || (ip[0] & 0x0f) != 5) return nullptr;
  const std::size_t esp = ip[9] == 17 ? 28 : 20;
  if ((ip[9] != 17 && ip[9] != 50) || ip.size() < esp + 16) return nullptr;
  for (const config::SecurityAssociation& sa : config_.security_associations) {
    if (sa.direction != config::Direction::out || sa.spi != read(ip, esp, 4)) continue;
    if (sa.source.value != read(ip, 12, 4) || sa.destination.value != read(ip, 16, 4)) continue;
    if (sa.udp_encap.has_value() != (ip[9] == 17)) continue;
    const std::uint64_t sequence = sealed_[sa.spi] + 1;
    auto opened = open(sa.algorithm, sa.key.bytes(), {sa.spi, sequence, sa.esn}, ip.subspan(esp));
    if (!opened) continue;
    must(read(ip, esp + 4, 4) == (sequence & 0xffffffff), "a sequence number that is not the next one");
    must(read(ip, esp + 8, 8) == sequence, "an IV that is not the sequence number");
    sealed_[sa.spi] = sequence;
    text = std::move(*opened);
    return &sa;
  }
  return nullptr;
}

// RFC 4303 section 2.4: 1, 2, 3, ..; the text is whole words of 4 octets.
Bytes Judge::without_trailer(Bytes text) const {
  must(text.size() >= 2 && text.size() % 4 == 0, "ESP whose text is not whole words");
  const std::size_t padding = text[text.size() - 2];
  must(text.back() == 41, "an ESP next header that is not IPv6");
  must(padding + 2 <= text.size(), "a pad length beyond the text");
  const Bytes inner = text.first(text.size() - 2 - padding);
  for (std::size_t i = 0; i < padding; ++i) must(text[inner.size() + i] == i + 1, "padding that does not count up");
  return inner;
}

void Judge::judge_sealed(const config::SecurityAssociation& sa, Bytes ip, Bytes text) {
  const Bytes ip6 = without_trailer(text);
  const Bytes ip4 = judge_ip6(sa, ip6);
  must(ip4.size() >= 20 && ip4[0] >> 4 == 4 && (ip4[0] & 0x0f) >= 5, "no IPv4 packet inside");
  must(be16(ip4, 2) == ip4.size(), "an inner IPv4 total length that is not what is there");
  const std::size_t header = (ip4[0] & 0x0fU) * 4U;
  must(header <= ip4.size() && ones_sum(ip4.first(header)) == 0xffff, "a wrong inner IPv4 checksum");
  const config::Policy& policy = policy_of(ip6, ip4);
  const std::size_t traffic_class = be16(ip6, 0) >> 4 & 0xff;
  must(traffic_class >> 2 == policy.dscp.value_or(ip4[1] >> 2), "DSCP of the IPv6 header");
  must((traffic_class & 3U) == (ip4[1] & 3U), "ECN of the IPv6 header (RFC 6040 section 4.1)");
  must(ip6[7] == policy.hop_limit, "hop limit of the IPv6 header");
  judge_outer(sa, ip, ip6);
  if (is_own(read(ip4, 12, 4))) return;
  must(origins_.has(ip4, Side::protected_side) || is_let_through(ip4),
       "sealed was what had not come to the protected side");
}

// RFC 4301 section 5.1.2.1, RFC 3948 section 2.1, RFC 6040 section 4.1.
void Judge::judge_outer(const config::SecurityAssociation& sa, Bytes ip, Bytes inner) const {
  const std::size_t traffic_class = be16(inner, 0) >> 4 & 0xff;
  must((ip[1] & 3U) == (traffic_class & 3U), "ECN of the outer header (RFC 6040 section 4.1)");
  must(ip[1] >> 2 == sa.dscp.value_or(static_cast<std::uint8_t>(traffic_class >> 2)), "DSCP of the outer header");
  must(ip[8] == sa.ttl, "TTL of the outer header");
  const bool df = (ip[6] & 0x40) != 0;
  if (sa.df != config::DfMode::copy) must(df == (sa.df == config::DfMode::set), "DF of the outer header");
  if (df) must(be16(ip, 4) == 0, "an ID where nothing is fragmented (RFC 6864 section 4.1)");
  if (!sa.udp_encap) return;
  must(be16(ip, 20) == sa.udp_encap->source_port && be16(ip, 22) == sa.udp_encap->destination_port, "UDP ports");
  must(be16(ip, 24) == ip.size() - 20, "UDP length");
  must(be16(ip, 26) == 0, "a UDP checksum (RFC 3948 section 2.1)");
}

// RFC 8200 section 3, RFC 8754 section 2, RFC 8986 section 5. The IPv4 packet in it.
Bytes Judge::judge_ip6(const config::SecurityAssociation& sa, Bytes ip6) const {
  must(ip6.size() >= 40 && ip6[0] >> 4 == 6, "no IPv6 packet inside");
  must(be16(ip6, 4) == ip6.size() - 40, "an IPv6 payload length that is not what is there");
  must(same(ip6.subspan(8, 16), config_.srv6_source->octets), "another IPv6 source than configured");
  must(contains(sa.selectors.destination, ip6.subspan(24, 16)), "sealed by an SA whose selectors do not fit");
  if (ip6[6] == 4) return ip6.subspan(40);
  must(ip6[6] == 43 && ip6.size() >= 48, "an IPv6 next header that is neither IPv4 nor routing");
  const Bytes srh = ip6.subspan(40);
  const std::size_t length = 8 + std::size_t{srh[1]} * 8;
  must(srh[0] == 4 && srh[2] == 4 && length <= srh.size(), "no SRH");
  must(length == 8 + 16 * (std::size_t{srh[4]} + 1), "an SRH whose Last Entry does not fit its length");
  must(srh[3] <= srh[4] + 1, "Segments Left beyond the list");
  must(read(srh, 5, 3) == 0, "flags or a tag in the SRH");
  return srh.subspan(length);
}

// The policy by whose segments it was sent, which must be the one that has its destination.
const config::Policy& Judge::policy_of(Bytes ip6, Bytes ip4) const {
  for (const config::Policy& policy : config_.policies) {
    const bool takes = std::ranges::any_of(
        policy.prefixes, [&](const wire::Ipv4Prefix& prefix) { return contains(prefix, read(ip4, 16, 4)); });
    if (!takes) continue;
    const auto& segments = policy.segments;
    must(same(ip6.subspan(24, 16), segments.front().octets), "the IPv6 destination is not the first segment");
    const bool reduced = policy.mode == config::EncapMode::encaps_red;
    const std::size_t listed = segments.size() - (reduced ? 1 : 0);
    if (listed == 0) {
      must(ip6[6] == 4, "an SRH where none is needed");
      return policy;
    }
    must(ip6[6] == 43 && ip6[44] + 1U == listed && ip6[43] + 1U == segments.size(), "an SRH of another size");
    for (std::size_t i = 0; i < listed; ++i)
      must(same(ip6.subspan(48 + 16 * i, 16), segments[segments.size() - 1 - i].octets), "another segment in the SRH");
    return policy;
  }
  bad("no policy takes the packet that was sealed");
}

void Judge::judge_clear(Bytes ip) const {
  if (port().host) {
    must(is_own(read(ip, 16, 4)) || is_broadcast(read(ip, 16, 4)) || read(ip, 16, 4) == 0xffffffff,
         "given to the kernel what is not to this gateway");
    return;
  }
  if (is_own(read(ip, 12, 4))) return judge_own(ip);
  if (origins_.has(ip, port().side) || is_let_through(ip) || is_from_clear_sid()) return;
  bad(origins_.has(ip, Side::protected_side) || origins_.has(ip, Side::unprotected_side)
          ? "crossed the IPsec boundary in clear"
          : "forwarded was what had not come in");
}

// The only rule of gateway.yaml, read anew.
bool Judge::is_let_through(Bytes ip) const {
  const std::size_t header = (ip[0] & 0x0fU) * 4U;
  return std::ranges::any_of(config_.bypass, [&](const config::Bypass& rule) {
    return contains(rule.source, read(ip, 12, 4)) && contains(rule.destination, read(ip, 16, 4)) &&
           ip[9] == rule.protocol && (be16(ip, 6) & 0x1fff) == 0 &&
           be16(ip, header + 2) == rule.destination_ports->first;
  });
}

// Such a SID has a next hop of its own in gateway.yaml.
bool Judge::is_from_clear_sid() const {
  for (const config::LocalSid& sid : config_.local_sids) {
    if (!sid.clear || sid.port != port().name) continue;
    for (const config::Neighbor& neighbor : config_.neighbors)
      if (neighbor.address == sid.next_hop && same(Bytes(sent_->frame).first(6), neighbor.mac.octets)) return true;
  }
  return false;
}

// What the gateway says itself is ICMP; all else with its addresses comes from its kernel.
void Judge::judge_own(Bytes ip) const {
  if (origins_.of_kernel(ip)) return;
  must((be16(ip, 6) & 0x3fff) == 0 || config_.icmp.echo, "a fragment of its own");
  must(ip[9] == 1, "a packet of its own that is no ICMP");
  if ((be16(ip, 6) & 0x3fff) == 0) judge_icmp(ip);
}

void Judge::judge_icmp(Bytes ip) const {
  must((ip[0] & 0x0f) == 5, "ICMP of its own with IPv4 options");
  const Bytes icmp = ip.subspan(20);
  must(icmp.size() >= 8, "ICMP shorter than its header");
  must(ones_sum(icmp) == 0xffff, "a wrong ICMP checksum");
  if (icmp[0] == 0) return judge_echo(ip);
  must((icmp[0] == 3 && icmp[1] <= 4) || (icmp[0] == 11 && icmp[1] == 0), "an ICMP message that nobody asked for");
  must(ip.size() <= 576, "an ICMP error longer than 576 octets (RFC 1812 section 4.3.2.3)");
  must(icmp[0] == 3 && icmp[1] == 4 ? be16(icmp, 6) >= 68 : be16(icmp, 6) == 0, "the MTU of an ICMP error");
  judge_quote(icmp.subspan(8));
}

// RFC 1122 section 3.2.2.6: the same octets come back.
void Judge::judge_echo(Bytes ip) const {
  must(config_.icmp.echo, "an echo reply where none is to be sent");
  if (outcome_.joined == 0)
    must(origins_.has_octets(ip.subspan(24), port().side), "an echo reply to what nobody on this side has sent");
}

// RFC 1812 section 4.3.2: to who has sent it, about what it has sent, and not about another error.
void Judge::judge_quote(Bytes quote) const {
  const Bytes ip = Bytes(sent_->frame).subspan(kEthernet);
  must(quote.size() >= 20 && quote[0] >> 4 == 4, "an ICMP error that quotes no IPv4 packet");
  must(read(quote, 12, 4) == read(ip, 16, 4), "an ICMP error to somebody else than the sender");
  must((be16(quote, 6) & 0x1fff) == 0, "an ICMP error about a fragment that is not the first");
  const std::size_t header = (quote[0] & 0x0fU) * 4U;
  if (quote[9] == 1 && quote.size() > header) {
    const std::uint8_t type = quote[header];
    must(type != 3 && type != 4 && type != 5 && type != 11 && type != 12, "an ICMP error about an ICMP error");
  }
  if (outcome_.joined == 0)
    must(origins_.has_octets(quote.subspan(12), port().side) || is_let_through(quote),
         "an ICMP error quotes what nobody on this side has sent");
}

void Judge::judge_counters() const {
  std::size_t i = 0;
  for (const config::SecurityAssociation& sa : config_.security_associations) {
    if (sa.direction != config::Direction::out) continue;
    const auto left = sealed_.find(sa.spi);
    if (outcome_.sealed.at(i++) != (left == sealed_.end() ? 0 : left->second))
      fail("SA " + sa.name + " counts " + std::to_string(outcome_.sealed[i - 1]) + " packets; " +
           std::to_string(left == sealed_.end() ? 0 : left->second) + " left and opened");
  }
}

}  // namespace

void judge(const config::Config& config, const Arrivals& arrivals, const Outcome& outcome) {
  Judge(config, arrivals, outcome).run();
}

}  // namespace strata::fuzz
