// Reading and writing fields of any alignment, and what every checked view is built from.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "dataplane/wire/address.hpp"

namespace strata::wire {

using Bytes = std::span<const std::uint8_t>;

namespace detail {

inline constexpr bool kSwap = std::endian::native == std::endian::little;

constexpr std::uint16_t be(std::uint16_t v) { return kSwap ? __builtin_bswap16(v) : v; }
constexpr std::uint32_t be(std::uint32_t v) { return kSwap ? __builtin_bswap32(v) : v; }
constexpr std::uint64_t be(std::uint64_t v) { return kSwap ? __builtin_bswap64(v) : v; }

template <class T>
T load_native(const std::uint8_t* p) {
  T v;
  std::memcpy(&v, p, sizeof v);
  return v;
}

}  // namespace detail

// The value that stands at p in network byte order, in host byte order. p needs no alignment.
inline std::uint16_t load_be16(const std::uint8_t* p) { return detail::be(detail::load_native<std::uint16_t>(p)); }
inline std::uint32_t load_be32(const std::uint8_t* p) { return detail::be(detail::load_native<std::uint32_t>(p)); }
inline std::uint64_t load_be64(const std::uint8_t* p) { return detail::be(detail::load_native<std::uint64_t>(p)); }

// Writes a host order value to p in network byte order. p needs no alignment.
inline void store_be16(std::uint8_t* p, std::uint16_t value) {
  value = detail::be(value);
  std::memcpy(p, &value, sizeof value);
}
inline void store_be32(std::uint8_t* p, std::uint32_t value) {
  value = detail::be(value);
  std::memcpy(p, &value, sizeof value);
}
inline void store_be64(std::uint8_t* p, std::uint64_t value) {
  value = detail::be(value);
  std::memcpy(p, &value, sizeof value);
}

// The address whose first octet is at p; all of its 4, 16 or 6 octets must be there.
inline Ipv4Address read_ipv4(const std::uint8_t* p) { return Ipv4Address{load_be32(p)}; }

inline Ipv6Address read_ipv6(const std::uint8_t* p) {
  Ipv6Address a;
  std::memcpy(a.octets.data(), p, a.octets.size());
  return a;
}

inline MacAddress read_mac(const std::uint8_t* p) {
  MacAddress a;
  std::memcpy(a.octets.data(), p, a.octets.size());
  return a;
}

// What a view's check answers: the view may be used only where there is no fault. Of two registers, where the fault has
// room behind the view.
template <class View, class Fault>
struct Checked {
  [[no_unique_address]] View view;
  Fault fault;
  explicit operator bool() const { return fault == Fault::none; }
};

}  // namespace strata::wire
