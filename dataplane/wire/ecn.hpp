// What becomes of the ECN field when a layer is taken off (RFC 6040 section 4.2).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace strata::wire {

// As on the wire (RFC 3168 section 5).
enum class Ecn : std::uint8_t { not_ect = 0, ect1 = 1, ect0 = 2, ce = 3 };

struct EcnDecap {
  bool drop;
  Ecn result;      // the field to be forwarded; meaningless with drop
  bool anomalous;  // worth a log line: what RFC 6040 figure 4 marks (!!!) and (!)
};

namespace detail {

// RFC 6040 figure 4: the column is outer, the row inner, both in the order of the wire values.
// clang-format off
inline constexpr std::array<std::array<EcnDecap, 4>, 4> kEcnDecap{{
    //  Not-ECT                       ECT(1)                       ECT(0)                       CE
    {{{false, Ecn::not_ect, false}, {false, Ecn::not_ect, true}, {false, Ecn::not_ect, true}, {true, Ecn::not_ect, true}}},
    {{{false, Ecn::ect1, false},    {false, Ecn::ect1, false},   {false, Ecn::ect1, true},    {false, Ecn::ce, false}}},
    {{{false, Ecn::ect0, false},    {false, Ecn::ect1, false},   {false, Ecn::ect0, false},   {false, Ecn::ce, false}}},
    {{{false, Ecn::ce, false},      {false, Ecn::ce, true},      {false, Ecn::ce, false},     {false, Ecn::ce, false}}},
}};
// clang-format on

}  // namespace detail

// outer: of the header that is removed; inner: of the one that stays. RFC 6040 section 4.2.
constexpr EcnDecap ecn_decapsulate(Ecn outer, Ecn inner) {
  // The first column, and the usual one.
  if (outer == Ecn::not_ect) [[likely]]
    return {false, inner, false};
  return detail::kEcnDecap[static_cast<std::size_t>(inner) & 3][static_cast<std::size_t>(outer) & 3];
}

}  // namespace strata::wire
