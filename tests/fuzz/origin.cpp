#include "tests/fuzz/origin.hpp"

#include <algorithm>

#include "tests/fuzz/octets.hpp"

namespace strata::fuzz {
namespace {

constexpr std::size_t kAddresses = 12;  // where they are in an IPv4 header
constexpr std::size_t kAddressesLength = 8;

bool is_syn(Bytes ip) {
  const std::size_t tcp = (ip[0] & 0x0fU) * 4U;
  return ip[9] == 6 && ip.size() > tcp + 13 && (ip[tcp + 13] & 2) != 0;
}

// Payloads of the same TCP SYN, but for MSS and checksum: sequence numbers, ports, and that a sum that was right is.
bool same_syn(Bytes was, Bytes is) {
  return was.size() == is.size() && was.size() >= 16 && std::ranges::equal(was.first(16), is.first(16));
}

// was: from the version octet of a packet that had come; at least 20 octets. is: what left.
bool is_of(Bytes was, Bytes is, std::size_t less) {
  if (was[8] != is[8] + less || was[9] != is[9] || ((was[1] ^ is[1]) & 0xfc) != 0) return false;
  if (be16(was, 4) != be16(is, 4)) return false;
  const std::size_t total = std::min(be16(was, 2), was.size());
  const std::size_t was_header = (was[0] & 0x0fU) * 4U;
  const std::size_t is_header = (is[0] & 0x0fU) * 4U;
  if (total < was_header || was_header < 20) return false;
  const Bytes payload = was.first(total).subspan(was_header);
  const Bytes left = is.subspan(is_header);
  if (be16(was, 2) == is.size() && be16(was, 6) == be16(is, 6) && was_header == is_header)
    return std::ranges::equal(was.subspan(20, was_header - 20), is.subspan(20, is_header - 20)) &&
           (std::ranges::equal(payload, left) || (is_syn(is) && same_syn(payload, left)));
  const std::size_t begin = (be16(was, 6) & 0x1fff) * 8;
  const std::size_t at = (be16(is, 6) & 0x1fff) * 8;
  if (at < begin || at - begin + left.size() > payload.size()) return false;
  const bool is_last = at - begin + left.size() == payload.size();
  const bool more = !is_last || (be16(was, 6) & 0x2000) != 0;
  if (((be16(is, 6) & 0x2000) != 0) != more) return false;
  const Bytes piece = payload.subspan(at - begin, left.size());
  return std::ranges::equal(piece, left) || (at == 0 && is_syn(is) && left.size() >= 16);
}

bool found_in(Bytes in, Bytes ip, std::size_t less) {
  const Bytes addresses = ip.subspan(kAddresses, kAddressesLength);
  auto from = in.begin();
  for (;;) {
    from = std::search(from, in.end(), addresses.begin(), addresses.end());
    if (from == in.end()) return false;
    const auto at = static_cast<std::size_t>(from - in.begin());
    if (at >= kAddresses && in[at - kAddresses] >> 4 == 4 && is_of(in.subspan(at - kAddresses), ip, less)) return true;
    ++from;
  }
}

}  // namespace

bool Origins::has(Bytes ip, config::Side side) const {
  return std::ranges::any_of(known_, [&](const Known& known) {
    return known.side == side && !known.of_kernel && found_in(known.octets, ip, 1);
  });
}

bool Origins::of_kernel(Bytes ip) const {
  return std::ranges::any_of(known_,
                             [&](const Known& known) { return known.of_kernel && found_in(known.octets, ip, 0); });
}

bool Origins::has_octets(Bytes octets, config::Side side) const {
  return std::ranges::any_of(known_, [&](const Known& known) {
    if (known.side != side) return false;
    const auto end = known.octets.end();
    return std::search(known.octets.begin(), end, octets.begin(), octets.end()) != end;
  });
}

}  // namespace strata::fuzz
