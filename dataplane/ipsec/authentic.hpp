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

// The proof that a packet was sealed: no other IPv6 packet leaves for the unprotected side (RFC 4301 section 5.1).
class Sealed {
  Sealed() = default;
  friend class Aead;
};

}  // namespace strata
