#pragma once

namespace strata {

// The proof that an ICV was right. Only the comparison makes one, and only with one does a packet leave EspIn opened
// (RFC 4303 section 3.4.4).
// Move only: one proof opens one packet.
class Authentic {
 public:
  Authentic(const Authentic&) = delete;
  Authentic& operator=(const Authentic&) = delete;
  Authentic(Authentic&&) = default;
  Authentic& operator=(Authentic&&) = default;
  ~Authentic() = default;

 private:
  Authentic() = default;
  friend class AeadVerdict;
};

}  // namespace strata
