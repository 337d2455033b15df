#include "tests/fuzz/layers.hpp"

#include <algorithm>

#include "tests/fuzz/octets.hpp"

namespace strata::fuzz {
namespace {

constexpr unsigned kDeepest = 12;  // headers in each other

// One header after the other, each told to `Visitor`: its beginning, and the end of what is in it.
struct Header {
  enum class Is : std::uint8_t { ethernet, arp, ip4, ip6, srh, options, fragment6, udp, tcp, esp, icmp, icmp6 } kind;
  std::size_t at;
  std::size_t length;  // of the header
};

class Walk {
 public:
  explicit Walk(Bytes octets) : octets_(octets) {}

  std::vector<Header> run(Layer first) {
    if (first == Layer::ethernet) ethernet();
    if (first == Layer::ip4) ip4(0);
    if (first == Layer::ip6) ip6(0);
    return std::move(found_);
  }

 private:
  bool has(std::size_t at, std::size_t length) const { return at + length <= octets_.size(); }
  bool note(Header::Is kind, std::size_t at, std::size_t length) {
    if (!has(at, length) || found_.size() == kDeepest) return false;
    found_.push_back({kind, at, length});
    return true;
  }

  void ethernet() {
    std::size_t length = 14;
    while (length <= 22 && has(0, length) &&
           (be16(octets_, length - 2) == 0x8100 || be16(octets_, length - 2) == 0x88a8))
      length += 4;
    if (!note(Header::Is::ethernet, 0, length)) return;
    switch (be16(octets_, length - 2)) {
      case 0x0806: note(Header::Is::arp, length, 28); break;
      case 0x86dd: ip6(length); break;
      default: ip4(length);
    }
  }
  void ip4(std::size_t at) {
    if (!has(at, 20)) return;
    const std::size_t length = std::max<std::size_t>((octets_[at] & 0x0fU) * 4U, 20);
    if (!note(Header::Is::ip4, at, std::min(length, octets_.size() - at))) return;
    if ((be16(octets_, at + 6) & 0x1fff) == 0) upper(octets_[at + 9], at + length);
  }
  void ip6(std::size_t at) {
    if (note(Header::Is::ip6, at, 40)) upper(octets_[at + 6], at + 40);
  }
  void upper(std::uint8_t protocol, std::size_t at) {
    switch (protocol) {
      case 0:
      case 60: return extension(Header::Is::options, at);
      case 43: return extension(Header::Is::srh, at);
      case 44:
        if (note(Header::Is::fragment6, at, 8)) upper(octets_[at], at + 8);
        return;
      case 1: note(Header::Is::icmp, at, 8) ? ip4(at + 8) : void(); return;
      case 58: note(Header::Is::icmp6, at, 8) ? ip6(at + 8) : void(); return;
      case 4: return ip4(at);
      case 41: return ip6(at);
      case 6: note(Header::Is::tcp, at, 20); return;
      case 17:
        if (note(Header::Is::udp, at, 8)) note(Header::Is::esp, at + 8, 8);
        return;
      case 50: note(Header::Is::esp, at, 8); return;
      default: return;
    }
  }
  void extension(Header::Is kind, std::size_t at) {
    if (!has(at, 8)) return;
    const std::size_t length = 8 + std::size_t{octets_[at + 1]} * 8;
    const std::uint8_t next = octets_[at];
    if (note(kind, at, length)) upper(next, at + length);
  }

  Bytes octets_;
  std::vector<Header> found_;
};

using Is = Header::Is;

void add_fields(std::vector<Field>& fields, const Header& header) {
  const auto add = [&](FieldKind kind, std::size_t at, unsigned size) {
    fields.push_back({kind, header.at + at, size});
  };
  switch (header.kind) {
    case Is::ethernet:
      add(FieldKind::mac, 0, 6), add(FieldKind::mac, 6, 6), add(FieldKind::ether_type, header.length - 2, 2);
      break;
    case Is::arp:
      add(FieldKind::any, 0, 6), add(FieldKind::small, 6, 2), add(FieldKind::mac, 8, 6);
      add(FieldKind::address4, 14, 4), add(FieldKind::mac, 18, 6), add(FieldKind::address4, 24, 4);
      break;
    case Is::ip4:
      add(FieldKind::any, 0, 1), add(FieldKind::any, 1, 1), add(FieldKind::length, 2, 2), add(FieldKind::any, 4, 2);
      add(FieldKind::fragment, 6, 2), add(FieldKind::small, 8, 1), add(FieldKind::protocol, 9, 1);
      add(FieldKind::any, 10, 2), add(FieldKind::address4, 12, 4), add(FieldKind::address4, 16, 4);
      break;
    case Is::ip6:
      add(FieldKind::any, 0, 1), add(FieldKind::any, 1, 1), add(FieldKind::length, 4, 2);
      add(FieldKind::protocol, 6, 1), add(FieldKind::small, 7, 1), add(FieldKind::address6, 8, 16);
      add(FieldKind::address6, 24, 16);
      break;
    case Is::srh:
      add(FieldKind::protocol, 0, 1), add(FieldKind::small, 1, 1), add(FieldKind::small, 2, 1);
      add(FieldKind::small, 3, 1), add(FieldKind::small, 4, 1), add(FieldKind::any, 5, 3);
      for (std::size_t at = 8; at + 16 <= header.length; at += 16) add(FieldKind::address6, at, 16);
      break;
    case Is::options:
      add(FieldKind::protocol, 0, 1), add(FieldKind::small, 1, 1), add(FieldKind::any, 2, 1),
          add(FieldKind::small, 3, 1);
      break;
    case Is::fragment6:
      add(FieldKind::protocol, 0, 1), add(FieldKind::fragment, 2, 2), add(FieldKind::any, 4, 4);
      break;
    case Is::udp: add(FieldKind::port, 0, 2), add(FieldKind::port, 2, 2), add(FieldKind::length, 4, 2); break;
    case Is::tcp: add(FieldKind::port, 0, 2), add(FieldKind::port, 2, 2), add(FieldKind::any, 12, 2); break;
    case Is::esp: add(FieldKind::spi, 0, 4), add(FieldKind::sequence, 4, 4); break;
    case Is::icmp:
    case Is::icmp6: add(FieldKind::small, 0, 1), add(FieldKind::small, 1, 1), add(FieldKind::length, 6, 2); break;
  }
}

void repair_icmp6(Octets& octets, const Header& ip6, const Header& icmp) {
  Octets pseudo(octets.begin() + static_cast<std::ptrdiff_t>(ip6.at + 8),
                octets.begin() + static_cast<std::ptrdiff_t>(ip6.at + 40));
  put(pseudo, octets.size() - icmp.at, 4);
  put(pseudo, 58, 4);
  set16(octets, icmp.at + 2, 0);
  set16(octets, icmp.at + 2, ~ones_sum(Bytes(octets).subspan(icmp.at), ones_sum(pseudo)));
}

// RFC 8754 section 2: as many entries as there is room for, no more segments left than entries.
void repair_srh(Octets& octets, const Header& header) {
  if (octets[header.at + 2] != 4 || header.length < 24) return;
  octets[header.at + 4] = static_cast<std::uint8_t>((header.length - 8) / 16 - 1);
  octets[header.at + 3] = std::min<std::uint8_t>(octets[header.at + 3], octets[header.at + 4]);
}

}  // namespace

std::vector<Field> fields_of(Bytes octets, Layer first) {
  std::vector<Field> fields;
  for (const Header& header : Walk(octets).run(first)) add_fields(fields, header);
  return fields;
}

std::vector<Gap> gaps_of(Bytes octets, Layer first) {
  std::vector<Gap> gaps;
  for (const Header& header : Walk(octets).run(first)) {
    if (header.kind == Is::ip6) gaps.push_back({header.at + 6, header.at + 40});
    if (header.kind == Is::srh || header.kind == Is::options || header.kind == Is::fragment6)
      gaps.push_back({header.at, header.at + header.length});
  }
  return gaps;
}

// What an ICMP error quotes stays as it is: it is the beginning of a packet.
void repair(Octets& octets, Layer first) {
  std::vector<Header> headers = Walk(octets).run(first);
  const auto quote = std::ranges::find_if(
      headers, [](const Header& header) { return header.kind == Is::icmp || header.kind == Is::icmp6; });
  if (quote != headers.end()) headers.erase(quote + 1, headers.end());
  const Header* ip6 = nullptr;
  for (const Header& header : headers)
    if (header.kind == Is::ip6) ip6 = &header;
  for (auto header = headers.rbegin(); header != headers.rend(); ++header) {
    const std::size_t rest = octets.size() - header->at;
    if (header->kind == Is::udp) set16(octets, header->at + 4, rest);
    if (header->kind == Is::srh) repair_srh(octets, *header);
    if (header->kind == Is::icmp) {
      set16(octets, header->at + 2, 0);
      set16(octets, header->at + 2, ~ones_sum(Bytes(octets).subspan(header->at)));
    }
    if (header->kind == Is::icmp6 && ip6 != nullptr) repair_icmp6(octets, *ip6, *header);
    if (header->kind == Is::ip6) {
      octets[header->at] = static_cast<std::uint8_t>(0x60 | (octets[header->at] & 0x0f));
      set16(octets, header->at + 4, rest - 40);
    }
    if (header->kind == Is::ip4) {
      octets[header->at] = static_cast<std::uint8_t>(0x40 | std::max(octets[header->at] & 0x0f, 5));
      set16(octets, header->at + 2, rest);
      set_header_sum(octets, header->at);
    }
  }
}

}  // namespace strata::fuzz
