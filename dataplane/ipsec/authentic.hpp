#pragma once

namespace strata {

// The proof that an ICV was right. Only the comparison makes one, and only with one does a packet leave EspIn opened
// (RFC 4303 section 3.4.4).
class Authentic {
  Authentic() = default;
  friend class AeadVerdict;
};

}  // namespace strata
