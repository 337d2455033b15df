// The AEAD algorithms of ESP by OpenSSL: who seals for the hostile peer, and opens what strata has sealed, is not the
// library that strata works with.
#pragma once

#include <cstdint>
#include <optional>

#include "config/config.hpp"
#include "tests/fuzz/script.hpp"

namespace strata::fuzz {

struct EspNumber {
  std::uint32_t spi;
  std::uint64_t sequence;  // all 64 bits; without ESN the low 32 are used
  bool esn;
};

// key: the cipher's, then 4 octets of salt (RFC 4106 section 8.1, RFC 7634 section 2).
// The ESP packet: SPI, sequence number, IV (the sequence number), ciphertext, ICV.
Octets seal(config::Algorithm algorithm, Bytes key, const EspNumber& number, Bytes text);

// esp: from the SPI; number.sequence gives the high half. The text between IV and ICV; nothing: the ICV is wrong.
std::optional<Octets> open(config::Algorithm algorithm, Bytes key, const EspNumber& number, Bytes esp);

}  // namespace strata::fuzz
