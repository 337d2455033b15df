// Packets made by hand, layer by layer, for tests of the dataplane. Nothing here is shared with the code under test but
// the cipher, which has published vectors to answer to.
#pragma once

#include <algorithm>

#include "dataplane/ipsec/aead.hpp"
#include "tests/unit/ipv4_sum.hpp"

namespace strata::test {

inline Octets ethernet(const char* destination, std::uint16_t type, const Octets& payload) {
  Octets header = join(from_hex(destination), from_hex("0200000000fe 0000"));
  put16(header, 12, type);
  return join(header, payload);
}

struct Ipv4Fields {
  const char* source;
  const char* destination;
  std::uint8_t protocol;
  std::uint8_t tos = 0;
  std::uint8_t ttl = 64;
  std::uint16_t id = 0;
  std::uint16_t fragment = 0;  // flags and offset
};

// Addresses are 8 digits of hex, payload is what follows the header; the checksum is right.
inline Octets ipv4(const Ipv4Fields& fields, const Octets& payload) {
  Octets packet =
      join(from_hex("4500 0000 0000 0000 0000 0000"), from_hex(fields.source), from_hex(fields.destination));
  packet[1] = fields.tos;
  put16(packet, 2, packet.size() + payload.size());
  put16(packet, 4, fields.id);
  put16(packet, 6, fields.fragment);
  packet[8] = fields.ttl;
  packet[9] = fields.protocol;
  return join(with_ipv4_sum(packet), payload);
}

inline Octets udp(std::uint16_t source, std::uint16_t destination, const Octets& payload, std::uint16_t checksum = 0) {
  Octets header(8);
  put16(header, 0, source);
  put16(header, 2, destination);
  put16(header, 4, 8 + payload.size());
  put16(header, 6, checksum);
  return join(header, payload);
}

// first: version, traffic class and flow label. Addresses are 32 digits of hex.
inline Octets ipv6(const char* source, const char* destination, std::uint8_t next_header, const Octets& payload,
                   std::uint32_t first = 0x60000000, std::uint8_t hop_limit = 64) {
  Octets header(8);
  put16(header, 0, first >> 16);
  put16(header, 2, first & 0xffff);
  put16(header, 4, payload.size());
  header[6] = next_header;
  header[7] = hop_limit;
  return join(header, from_hex(source), from_hex(destination), payload);
}

// payload, `tfc` octets of traffic flow padding (RFC 4303 section 2.7), then the trailer with the padding it needs.
inline Octets with_trailer(const Octets& payload, std::uint8_t next_header, std::size_t tfc = 0,
                           std::size_t extra = 0) {
  Octets text = join(payload, Octets(tfc, 0x5c));
  const std::size_t pad = (4 - (text.size() + 2) % 4) % 4 + 4 * extra;
  for (std::size_t i = 1; i <= pad; ++i) text.push_back(static_cast<std::uint8_t>(i));
  text.push_back(static_cast<std::uint8_t>(pad));
  text.push_back(next_header);
  return text;
}

// An ESP packet: SPI, the low half of the sequence number, IV, ciphertext of `text`, ICV. The ciphers are stream
// ciphers, so opening the text seals it, and opening that once more gives the ICV.
inline Octets seal(Aead& aead, const AeadKey& key, std::uint32_t spi, std::uint64_t sequence, bool esn,
                   const Octets& text) {
  Octets packet(16);
  put16(packet, 0, spi >> 16);
  put16(packet, 2, spi & 0xffff);
  put16(packet, 4, (sequence >> 16) & 0xffff);
  put16(packet, 6, sequence & 0xffff);
  put16(packet, 12, (sequence >> 16) & 0xffff);  // the IV: a counter, RFC 4106 section 3.1
  put16(packet, 14, sequence & 0xffff);
  Octets aad(packet.begin(), packet.begin() + 8);
  if (esn) {
    aad.insert(aad.begin() + 4, 4, 0);
    put16(aad, 4, (sequence >> 48) & 0xffff);
    put16(aad, 6, (sequence >> 32) & 0xffff);
  }
  std::uint64_t iv = 0;
  std::memcpy(&iv, &packet[8], sizeof iv);
  const AeadBlock nonce(key.salt(), iv);
  Octets sealed = text;
  std::array<std::uint8_t, kIcvLength> icv;
  // Counter mode: what opens a text seals it too; the ICV is that of the sealed text.
  const auto run = [&](Octets& octets) {
    aead.open({.key = &key,
               .data = octets.data(),
               .length = octets.size(),
               .nonce = nonce.octets,
               .aad = aad.data(),
               .aad_length = aad.size()},
              icv.data());
  };
  run(sealed);
  Octets opened = sealed;
  run(opened);
  return join(packet, sealed, Octets(icv.begin(), icv.end()));
}

}  // namespace strata::test
