// Every view of dataplane/wire over octets that end where their memory ends: the first octet picks the view. What a
// view says is held against the same fields as octets.hpp reads them; what is rewritten has to sum up right afterwards.
#include <array>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/wire/arp.hpp"
#include "dataplane/wire/ecn.hpp"
#include "dataplane/wire/esp.hpp"
#include "dataplane/wire/esp_in_udp.hpp"
#include "dataplane/wire/ethernet.hpp"
#include "dataplane/wire/icmp.hpp"
#include "dataplane/wire/icmpv6.hpp"
#include "dataplane/wire/ipv4.hpp"
#include "dataplane/wire/ipv4_in_ipv6.hpp"
#include "dataplane/wire/ipv6.hpp"
#include "dataplane/wire/srh.hpp"
#include "dataplane/wire/tcp.hpp"
#include "dataplane/wire/udp.hpp"
#include "tests/fuzz/fail.hpp"
#include "tests/fuzz/octets.hpp"

namespace strata::fuzz {
namespace {

// A piece of memory of exactly that size, so that AddressSanitizer sees one octet too far on both sides.
class Exactly {
 public:
  explicit Exactly(Bytes octets) : octets_(new std::uint8_t[octets.size()]), size_(octets.size()) {
    std::ranges::copy(octets, octets_.get());
  }
  std::span<std::uint8_t> span() { return {octets_.get(), size_}; }

 private:
  std::unique_ptr<std::uint8_t[]> octets_;
  std::size_t size_;
};

void must(bool good, const char* what) {
  if (!good) fail(what);
}

void must_be_in(Bytes part, Bytes whole, const char* what) {
  must(part.empty() || (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size()), what);
  must(ones_sum(part) <= 0xffff, "each octet can be read");
}
std::uint64_t number(const wire::MacAddress& mac) { return read(mac.octets, 0, 6); }
bool same(const wire::Ipv6Address& address, Bytes in, std::size_t at) {
  return std::ranges::equal(address.octets, in.subspan(at, 16));
}

void ethernet(std::span<std::uint8_t> frame) {
  const auto [view, fault] = wire::EthernetView::check(frame);
  wire::MacAddress to;
  if (frame.size() >= 6) std::copy_n(frame.begin(), 6, to.octets.begin());
  const bool plain = wire::EthernetView::is_plain(frame, to, 0x0800);
  must(plain == (frame.size() >= 14 && be16(frame, 12) == 0x0800), "is_plain");
  if (fault != wire::EthernetFault::none) return;
  must(view.header_length() <= frame.size(), "a link header longer than the frame");
  must(view.header_length() == 14U + 4U * static_cast<unsigned>(view.vlan_count()), "the number of tags");
  must(number(view.destination()) == read(frame, 0, 6) && number(view.source()) == read(frame, 6, 6), "MAC addresses");
  must(view.is_to(to), "is_to");
  must(view.ethertype() == be16(frame, view.header_length() - 2), "EtherType");
  must(view.ethertype() != 0x8100 && view.ethertype() != 0x88a8, "an EtherType that is a tag's");
  for (int i = -1; i < 4; ++i) {
    const bool is_there = i >= 0 && i < view.vlan_count();
    const std::size_t vid = is_there ? be16(frame, 14U + 4U * static_cast<unsigned>(i)) & 0x0fff : 0;
    must(view.vlan_id(i) == vid, "VLAN");
  }
}

void arp(std::span<std::uint8_t> packet) {
  const auto [view, fault] = wire::ArpView::check(packet);
  const bool good = packet.size() >= 28 && read(packet, 0, 6) == 0x0001'0800'0604;
  must((fault == wire::ArpFault::none) == good, "ARP");
  if (!good) return;
  Exactly again(Bytes(packet).first(28));
  std::ranges::fill(again.span(), std::uint8_t{0x5a});
  wire::write_arp(again.span().data(), view.operation(), view.sender_mac(), view.sender_ip(), view.target_mac(),
                  view.target_ip());
  must(std::ranges::equal(again.span(), packet.first(28)), "ARP written again is another");
}

// RFC 1812 section 5.2.2.
bool is_good_ip4(Bytes packet) {
  if (packet.size() < 20 || packet[0] >> 4 != 4) return false;
  const std::size_t header = (packet[0] & 0x0fU) * 4U;
  const std::size_t total = be16(packet, 2);
  return header >= 20 && total >= header && total <= packet.size() && ones_sum(packet.first(header)) == 0xffff;
}

void rewrite_ip4(std::span<std::uint8_t> packet, std::size_t header) {
  Exactly was(packet);
  const auto ecn = static_cast<std::uint8_t>(packet[4] & 3);
  wire::ipv4_set_ecn(packet.data(), ecn);
  must((packet[1] & 3) == ecn && (packet[1] ^ was.span()[1]) <= 3, "ECN as set");
  must(ones_sum(packet.first(header)) == 0xffff, "the checksum after ECN was set");
  if (packet[8] == 0) return;
  wire::ipv4_decrement_ttl(packet.data());
  must(packet[8] + 1 == was.span()[8], "TTL less one");
  must(ones_sum(packet.first(header)) == 0xffff, "the checksum after TTL less one");
  for (std::size_t i = 0; i < packet.size(); ++i)
    must(i == 1 || i == 8 || i == 10 || i == 11 || packet[i] == was.span()[i], "another octet was rewritten");
}

// A good IPv4 packet in a frame beside itself: what it has of ESP is what IPv4 and UDP say, when UDP fills it.
void esp_in_udp(Bytes packet) {
  std::vector<std::uint8_t> frame(wire::kEthernetHeaderLength, 0x02);
  frame.insert(frame.end(), packet.begin(), packet.end());
  if (frame.size() < wire::EspInUdpHead::kLength) return;
  const std::size_t esp = wire::EspInUdpHead(frame.data()).esp_in(frame, wire::HeaderSum::unknown);
  const std::size_t total = be16(packet, 2);
  const bool good = total >= 36 && be16(packet, 24) + 20 == total;
  if (packet[0] == 0x45) must((esp != 0) == good && (!good || esp == total - 28), "ESP in UDP");
}

void ip4(std::span<std::uint8_t> packet) {
  const auto [view, fault] = wire::Ipv4View::check(packet);
  must((fault == wire::Ipv4Fault::none) == is_good_ip4(packet), "what is a good IPv4 header");
  const auto believed = wire::Ipv4View::check(packet, wire::HeaderSum::right).fault;
  must(believed == fault || (fault == wire::Ipv4Fault::bad_checksum && believed == wire::Ipv4Fault::none),
       "a checksum that is believed");
  if (fault != wire::Ipv4Fault::none) return;
  must(view.header_length() == (packet[0] & 0x0fU) * 4U && view.total_length() == be16(packet, 2), "lengths");
  must(view.tos() == packet[1] && view.dscp() == packet[1] >> 2 && view.ecn() == (packet[1] & 3), "TOS");
  must(view.id() == be16(packet, 4) && view.ttl() == packet[8] && view.protocol() == packet[9], "ID, TTL, protocol");
  const std::size_t flags = be16(packet, 6);
  must(view.dont_fragment() == ((flags & 0x4000) != 0) && view.more_fragments() == ((flags & 0x2000) != 0), "flags");
  must(view.fragment_offset() == (flags & 0x1fff) * 8 && view.is_fragment() == ((flags & 0x3fff) != 0), "offset");
  must(view.checksum() == be16(packet, 10), "checksum");
  must(view.source().value == read(packet, 12, 4) && view.destination().value == read(packet, 16, 4), "addresses");
  must_be_in(view.payload(), packet, "an IPv4 payload outside of its packet");
  must(view.payload().size() + view.header_length() == view.total_length(), "payload");
  esp_in_udp(packet);
  rewrite_ip4(packet, view.header_length());
}

struct Upper {
  std::uint8_t protocol;
  std::size_t at;
};

// RFC 8200 section 4: what the walk says of the upper layer is what each header's own fields lead to.
void chain(Bytes packet) {
  const wire::Ipv6Chain chain = wire::walk_extension_headers(packet);
  must(chain.fault_offset < packet.size() || chain.fault == wire::ChainFault::none ||
           chain.fault == wire::ChainFault::truncated || chain.fault == wire::ChainFault::limit,
       "a pointer beyond the packet");
  if (chain.fault != wire::ChainFault::none) return;
  must(chain.upper_offset >= 40 && chain.upper_offset <= packet.size(), "an upper layer outside of the packet");
  Upper upper{packet[6], 40};
  while (upper.at != chain.upper_offset) {
    must(upper.at + 8 <= packet.size(), "an upper layer that no header leads to");
    const std::size_t length = upper.protocol == 44 ? 8 : 8 + std::size_t{packet[upper.at + 1]} * 8;
    must(upper.protocol == 0 || upper.protocol == 43 || upper.protocol == 44 || upper.protocol == 60,
         "the walk went on behind an upper layer");
    upper = {packet[upper.at], upper.at + length};
    must(upper.at <= chain.upper_offset, "an upper layer within a header");
  }
  must(upper.protocol == chain.upper_layer, "the protocol of the upper layer");
  if (chain.segments_left != 0) must(chain.upper_layer == 43 && packet[chain.srh_offset + 3U] != 0, "segments left");
  if (chain.srh_offset != 0) must(packet[chain.srh_offset + 2U] == 4, "an SRH of another routing type");
}

// Beside what is good of either header. is_ipv6: the first one is.
void ip4_in_ip6(Bytes packet, bool is_ipv6) {
  for (std::uint8_t ecn = 0; ecn < 4; ++ecn) {
    const auto view = wire::Ipv4InIpv6View::check(packet, static_cast<wire::Ecn>(ecn));
    bool good = is_ipv6 && packet[6] == 4 && (packet[1] >> 4 & 3) == ecn;
    if (good) {
      const Bytes inner = packet.subspan(40, be16(packet, 4));
      good = is_good_ip4(inner) && inner[0] == 0x45 && (ecn == 0 || (inner[1] & 3) == ecn);
    }
    must((view && view->ipv4_sum_is_right()) == good, "what is good of IPv4 in IPv6");
    if (!good) continue;
    must(view->ipv6_addresses() == &packet[8], "IPv6 addresses");
    must(view->ipv6_total_length() == be16(packet, 4) + 40U && view->ipv4_total_length() == be16(packet, 42),
         "lengths");
    must(view->ttl() == packet[48] && view->ipv4_addresses() == read(packet, 52, 8), "what is inside");
  }
}

void ip6(std::span<std::uint8_t> packet) {
  const auto [view, fault] = wire::Ipv6View::check(packet);
  const bool good = packet.size() >= 40 && packet[0] >> 4 == 6 && be16(packet, 4) + 40 <= packet.size();
  must((fault == wire::Ipv6Fault::none) == good, "what is a good IPv6 header");
  ip4_in_ip6(packet, good);
  if (!good) return;
  const std::uint64_t first = read(packet, 0, 4);
  must(view.traffic_class() == (first >> 20 & 0xff) && view.flow_label() == (first & 0xfffff), "class, label");
  must(view.dscp() == (first >> 22 & 0x3f) && view.ecn() == (first >> 20 & 3), "DSCP, ECN");
  must(view.payload_length() == be16(packet, 4) && view.total_length() == view.payload_length() + 40, "lengths");
  must(view.next_header() == packet[6] && view.hop_limit() == packet[7], "next header, hop limit");
  must(same(view.source(), packet, 8) && same(view.destination(), packet, 24), "IPv6 addresses");
  Exactly whole(Bytes(packet).first(view.total_length()));
  chain(whole.span());
  wire::ipv6_set_ecn(packet.data(), packet[39]);
  must((read(packet, 0, 4) ^ first) == (((packet[39] & 3U) ^ (first >> 20 & 3)) << 20), "ECN of IPv6 as set");
}

void srh(std::span<std::uint8_t> header) {
  const auto [view, fault] = wire::SrhView::check(header);
  if (fault != wire::SrhFault::none) return;
  must(header[2] == 4 && view.header_length() <= header.size(), "an SRH");
  must(8 + (view.last_entry() + 1U) * 16 <= view.header_length(), "a segment list longer than the SRH");
  must(view.segments_left() <= view.last_entry() + 1, "segments left");
  must(view.next_header() == header[0] && view.flags() == header[5] && view.tag() == be16(header, 6), "SRH fields");
  for (std::size_t i = 0; i <= view.last_entry(); ++i) must(same(view.segment(i), header, 8 + 16 * i), "segment");
  must(view.segment(view.last_entry() + 1U) == wire::Ipv6Address{}, "a segment beyond the list");
  must_be_in(view.tlvs(), header.first(view.header_length()), "TLVs outside of the SRH");
}

void esp(std::span<std::uint8_t> packet) {
  const auto [view, fault] = wire::EspView::check(packet);
  must((fault == wire::EspFault::none) == (packet.size() >= 8), "ESP");
  if (fault == wire::EspFault::none)
    must(view.spi() == read(packet, 0, 4) && view.sequence() == read(packet, 4, 4), "SPI, sequence number");
  const wire::EspTrailer trailer = wire::check_trailer(packet);
  bool good = packet.size() >= 2 && packet[packet.size() - 2] + 2U <= packet.size();
  for (std::size_t i = 0; good && i < packet[packet.size() - 2]; ++i)
    good = packet[packet.size() - 3 - i] == packet[packet.size() - 2] - i;
  must((trailer.fault == wire::TrailerFault::none) == good, "what is a good ESP trailer");
  if (good)
    must(
        trailer.next_header == packet.back() && trailer.payload_length + packet[packet.size() - 2] + 2 == packet.size(),
        "ESP trailer");
  const std::size_t payload = wire::payload_before_short_padding(packet, packet.empty() ? 0 : packet.back());
  const bool is_short = good && packet.size() >= 9 && packet[packet.size() - 2] < 8;
  must(payload == (is_short ? trailer.payload_length : 0), "a short ESP trailer");
}

void udp(std::span<std::uint8_t> payload) {
  const auto [view, fault] = wire::UdpView::check(payload);
  const bool good = payload.size() >= 8 && be16(payload, 4) >= 8 && be16(payload, 4) <= payload.size();
  must((fault == wire::UdpFault::none) == good, "what is good UDP");
  if (!good) return;
  must(view.source_port() == be16(payload, 0) && view.destination_port() == be16(payload, 2), "ports");
  must(view.length() == be16(payload, 4) && view.checksum() == be16(payload, 6), "UDP length, checksum");
  must_be_in(view.payload(), payload, "a UDP payload outside of its packet");
  must(view.payload().size() + 8 == view.length(), "UDP payload");
}

void quote(Bytes quoted) {
  const auto [view, fault] = wire::QuotedIpv4View::check(quoted);
  if (fault != wire::QuoteFault::none) return;
  must(view.total_length() == be16(quoted, 2) && view.protocol() == quoted[9], "quoted length, protocol");
  must(view.dont_fragment() == ((quoted[6] & 0x40) != 0), "quoted DF");
  must(view.source().value == read(quoted, 12, 4) && view.destination().value == read(quoted, 16, 4),
       "quoted addresses");
  must_be_in(view.payload(), quoted, "a quoted payload outside of the quote");
}

void icmp(std::span<std::uint8_t> message) {
  const auto [view, fault] = wire::IcmpView::check(message);
  must((fault == wire::IcmpFault::none) == (message.size() >= 8 && ones_sum(message) == 0xffff), "what is good ICMP");
  if (fault == wire::IcmpFault::none) {
    must(view.type() == message[0] && view.code() == message[1] && view.checksum() == be16(message, 2), "ICMP");
    must(view.next_hop_mtu() == be16(message, 6), "next hop MTU");
    must_be_in(view.data(), message, "ICMP data outside of the message");
    quote(view.data());
  }
  quote(message);
}

void icmp6(std::span<std::uint8_t> packet) {
  const auto [ip, fault] = wire::Ipv6View::check(packet);
  if (fault != wire::Ipv6Fault::none) return;
  const Bytes message = Bytes(packet).first(ip.total_length()).subspan(40);
  const auto [view, wrong] = wire::Icmpv6View::check(ip, message);
  Octets pseudo(packet.begin() + 8, packet.begin() + 40);
  put(pseudo, message.size(), 4);
  put(pseudo, 58, 4);
  const bool good = message.size() >= 8 && ones_sum(message, ones_sum(pseudo)) == 0xffff;
  must((wrong == wire::Icmpv6Fault::none) == good, "what is good ICMPv6");
  if (!good) return;
  must(view.type() == message[0] && view.code() == message[1] && view.mtu() == read(message, 4, 4), "ICMPv6");
  must_be_in(view.data(), message, "ICMPv6 data outside of the message");
}

// Of a TCP SYN the MSS and its checksum change, and nothing else; a sum that was right is right.
void tcp(std::span<std::uint8_t> packet) {
  if (packet.size() < 2) return;
  const auto most = static_cast<std::uint16_t>(be16(packet, 0));
  packet = packet.subspan(2);
  if (!is_good_ip4(packet)) return;
  packet = packet.first(be16(packet, 2));
  const std::size_t at = (packet[0] & 0x0fU) * 4U;
  Exactly was(packet);
  Exactly exact(packet);
  wire::clamp_tcp_mss(exact.span(), most);
  const std::span<std::uint8_t> is = exact.span();
  std::size_t changed = 0;
  for (std::size_t i = 0; i < is.size(); ++i) changed += is[i] == was.span()[i] || i == at + 16 || i == at + 17 ? 0 : 1;
  must(changed <= 2, "clamping the MSS changed more than the MSS");
  if (changed == 0) return;
  const std::size_t before = ones_sum(Bytes(was.span()).subspan(at));
  const std::size_t after = ones_sum(Bytes(is).subspan(at));
  must(before % 0xffff == after % 0xffff, "the TCP checksum after the MSS was clamped");
}

void sums(std::span<std::uint8_t> octets) {
  must(wire::checksum(octets) == (~ones_sum(octets) & 0xffff), "checksum");
  if (octets.size() < 8) return;
  const std::size_t even = octets.size() & ~std::size_t{1};
  const std::size_t at = 2 + be16(octets, 0) % (even - 2) / 2 * 2;
  set16(octets, 0, 0x1234);  // not all of it is 0: RFC 1624 section 3 excepts that
  const std::uint16_t old_sum = wire::checksum(octets);
  const auto was = static_cast<std::uint16_t>(be16(octets, at));
  const auto is = static_cast<std::uint16_t>(~was ^ 0x0f0f);
  set16(octets, at, is);
  must(wire::checksum_update(old_sum, was, is) == wire::checksum(octets), "the checksum by what changed");
}

// RFC 6040 section 4.2, figure 4.
void ecn(std::span<std::uint8_t> octets) {
  if (octets.empty()) return;
  const auto outer = static_cast<std::size_t>(octets[0] & 3);
  const auto inner = static_cast<std::size_t>(octets[0] >> 2 & 3);
  const wire::EcnDecap is = wire::ecn_decapsulate(static_cast<wire::Ecn>(outer), static_cast<wire::Ecn>(inner));
  must(is.drop == (outer == 3 && inner == 0), "which ECN marks are dropped");
  if (is.drop) return;
  std::size_t result = inner;
  if (outer == 3) result = 3;
  if (outer == 1 && inner == 2) result = 1;
  must(static_cast<std::size_t>(is.result) == result, "ECN of what is forwarded");
}

template <class Parse>
void text_twice(std::string_view text, Parse parse) {
  const auto once = parse(text);
  if (!once) return;
  const std::string printed = to_string(*once);
  const auto twice = parse(printed);
  must(twice && *twice == *once && to_string(*twice) == printed, "an address that is another once it was printed");
}

template <class Prefix>
void prefix(const std::optional<Prefix>& of) {
  if (!of) return;
  const Prefix network = wire::network_of(*of);
  must(wire::contains(*of, of->address) && wire::contains(network, of->address), "a prefix without its own address");
  must(wire::network_of(network) == network && wire::overlap(*of, network), "the network of a network");
}

void addresses(std::span<std::uint8_t> octets) {
  const std::string_view text(reinterpret_cast<const char*>(octets.data()), octets.size());
  text_twice(text, wire::parse_mac);
  text_twice(text, wire::parse_ipv4);
  text_twice(text, wire::parse_ipv6);
  text_twice(text, wire::parse_ipv4_prefix);
  text_twice(text, wire::parse_ipv6_prefix);
  prefix(wire::parse_ipv4_prefix(text));
  prefix(wire::parse_ipv6_prefix(text));
}

constexpr std::array kViews{ethernet, arp, ip4, ip6, srh, esp, udp, icmp, icmp6, tcp, sums, ecn, addresses};

}  // namespace
}  // namespace strata::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace strata::fuzz;
  if (size == 0) return 0;
  Exactly octets(Bytes(data + 1, size - 1));
  kViews[data[0] % kViews.size()](octets.span());
  return 0;
}
