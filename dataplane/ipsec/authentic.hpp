#pragma once

#include "dataplane/packet/id.hpp"

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

// The proof that a packet has the addresses of one that its SA has let in before, and the SID which that one came to
// (RFC 4301 section 5.2 step 4). Only the comparison with it gives one, and only with one does a packet leave Decrypted
// past local_sid.
class LetIn {
 public:
  SidId sid() const { return sid_; }
  AdjId<V4> cross_connect() const { return cross_connect_; }  // of an End.DX4; else none()

 private:
  LetIn(SidId sid, AdjId<V4> cross_connect) : sid_(sid), cross_connect_(cross_connect) {}
  friend class LastSid;

  SidId sid_;
  AdjId<V4> cross_connect_;
};

// The proof that a packet was sealed: no other IPv6 packet leaves for the unprotected side (RFC 4301 section 5.1).
class Sealed {
  Sealed() = default;
  friend class Aead;
};

}  // namespace strata
