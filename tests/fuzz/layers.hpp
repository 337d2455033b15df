// Where the fields of a packet are, as far as it can be read; and putting its lengths and checksums right.
#pragma once

#include <vector>

#include "tests/fuzz/script.hpp"

namespace strata::fuzz {

enum class Layer : std::uint8_t { ethernet, ip4, ip6 };

enum class FieldKind : std::uint8_t {
  any,
  length,
  protocol,
  ether_type,
  mac,
  address4,
  address6,
  port,
  spi,
  sequence,
  fragment,
  small,  // counts, types, codes: the small numbers matter
};

struct Field {
  FieldKind kind;
  std::size_t at;
  unsigned size;  // octets
};

// first: what the octets begin with.
std::vector<Field> fields_of(Bytes octets, Layer first);

// Where an extension header may be put in: right behind a Next Header field's header. Nothing found: empty.
struct Gap {
  std::size_t named_at;  // of the Next Header field that says what follows
  std::size_t at;
};
std::vector<Gap> gaps_of(Bytes octets, Layer first);

// From the inside out: lengths to what is there, checksums to what is summed.
void repair(Octets& octets, Layer first);

}  // namespace strata::fuzz
