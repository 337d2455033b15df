// Opens ESP (RFC 4303 section 3.4), a packet at a time: what is wrong on its face goes, then the ICV decides.
#pragma once

#include <cstring>

#include "dataplane/ipsec/audit.hpp"
#include "dataplane/ipsec/security_association.hpp"
#include "dataplane/packet/ends.hpp"
#include "dataplane/packet/gate.hpp"
#include "dataplane/packet/straight.hpp"
#include "dataplane/wire/esp.hpp"
#include "dataplane/wire/protocol.hpp"

namespace strata {

using EspOpenEnds = EndsOf<Cause::esp_truncated, Cause::esp_bad_length, Cause::esp_seq_zero, Cause::esp_replayed,
                           Cause::esp_replay_too_old, Cause::esp_auth_failed, Cause::esp_bad_pad, Cause::esp_dummy,
                           Cause::esp_next_header>;

//  0        4          8      16                      size-16   size
//  | SPI    | sequence | IV   | ciphertext            | ICV     |
//                             | payload | pad | P | N |
inline constexpr std::size_t kEspTextOffset = wire::kEspHeaderLength + kIvLength;

// What became of a packet that was to be opened.
struct Opening {
  std::optional<EspOpenEnds::cause_type> refused;
  std::optional<Authentic> authentic;  // also where what was inside is refused
  std::size_t payload_length = 0;      // octets from kEspTextOffset on
};

namespace detail {

using EspCause = EspOpenEnds::cause_type;

inline constexpr std::size_t kLeast = kEspTextOffset + wire::kEspTrailerLength + kIcvLength;

inline std::optional<EspCause> cause_of(Freshness freshness) {
  switch (freshness) {
    case Freshness::fresh: break;
    case Freshness::replayed: return EspCause(Cause::esp_replayed);
    case Freshness::too_old: return EspCause(Cause::esp_replay_too_old);
  }
  return std::nullopt;
}

inline std::uint64_t sequence_of(const InboundSa& sa, std::uint32_t low) {
  return sa.esn ? extended_sequence(sa.window.top(), sa.window.size(), low) : low;
}

// RFC 4303 sections 2, 2.2 and 3.4.3, as far as they can be checked before the ICV.
inline std::optional<EspCause> refuse_on_sight(const InboundSa& sa, std::size_t size, std::uint64_t sequence) {
  if (size < kLeast) [[unlikely]]
    return EspCause(Cause::esp_truncated);
  if ((size - kEspTextOffset - kIcvLength) % 4 != 0) [[unlikely]]
    return EspCause(Cause::esp_bad_length);
  // With the window off a sender may cycle, and then 0 comes by.
  if (sequence == 0 && sa.window.size() != 0) [[unlikely]]
    return EspCause(Cause::esp_seq_zero);
  return cause_of(sa.window.check(sequence));
}

template <class Word>
Word as_it_lies(const std::uint8_t* from) {
  Word word;
  std::memcpy(&word, from, sizeof word);
  return word;
}

// RFC 4106 section 5: with ESN the AAD has all 64 bits of the sequence number, of which the packet carries the low
// half.
inline AeadBlock aad_of(const InboundSa& sa, const std::uint8_t* esp, std::uint64_t sequence) {
  const auto spi = as_it_lies<std::uint32_t>(esp);
  return sa.esn ? AeadBlock(spi, __builtin_bswap64(sequence)) : AeadBlock(spi, as_it_lies<std::uint32_t>(esp + 4));
}

inline std::optional<Authentic> decrypt(std::span<std::uint8_t> packet, const InboundSa& sa, std::uint64_t sequence,
                                        Aead& aead) {
  const AeadBlock nonce(sa.key.salt(), as_it_lies<std::uint64_t>(packet.data() + wire::kEspHeaderLength));
  const AeadBlock aad = aad_of(sa, packet.data(), sequence);
  std::uint8_t* text = packet.data() + kEspTextOffset;
  const std::size_t length = packet.size() - kEspTextOffset - kIcvLength;
  alignas(16) std::uint8_t icv[kIcvLength];
  aead.open({.key = &sa.key,
             .data = text,
             .length = length,
             .nonce = nonce.octets,
             .aad = aad.octets,
             .aad_length = sa.esn ? 12U : 8U},
            icv);
  std::optional<Authentic> authentic = AeadVerdict::compare(icv, text + length);
  if (!authentic) [[unlikely]]
    std::memset(text, 0, length);
  return authentic;
}

// Takes the trailer off and says what is inside (RFC 4303 sections 2.4 to 2.6).
inline void unwrap(std::span<const std::uint8_t> text, Opening& opening) {
  // RFC 4303 section 2.6: of a dummy packet nothing but the next header has to be right.
  if (text.back() == wire::kProtocolNone) [[unlikely]] {
    opening.refused = EspCause(Cause::esp_dummy);
    return;
  }
  const wire::EspTrailer trailer = wire::check_trailer(text);
  if (trailer.fault != wire::TrailerFault::none) [[unlikely]]
    opening.refused = trailer.fault == wire::TrailerFault::bad_length ? EspCause(Cause::esp_bad_length)
                                                                      : EspCause(Cause::esp_bad_pad);
  else if (trailer.next_header != wire::kProtocolIpv6) [[unlikely]]
    opening.refused = EspCause(Cause::esp_next_header);
  opening.payload_length = trailer.payload_length;
}

}  // namespace detail

// Judges and decrypts an ESP packet of at least its header, in place. The window moves only for what is authentic; a
// text that is not is wiped: nobody is to see it.
inline Opening open_in_place(std::span<std::uint8_t> packet, InboundSa& sa, Aead& aead) {
  Opening opening;
  const std::uint64_t sequence = detail::sequence_of(sa, wire::load_be32(packet.data() + 4));
  opening.refused = detail::refuse_on_sight(sa, packet.size(), sequence);
  if (opening.refused) [[unlikely]]
    return opening;
  opening.authentic = detail::decrypt(packet, sa, sequence, aead);
  if (!opening.authentic) [[unlikely]] {
    opening.refused = detail::EspCause(Cause::esp_auth_failed);
    return opening;
  }
  sa.window.accept(sequence);
  detail::unwrap(packet.subspan(kEspTextOffset, packet.size() - kEspTextOffset - kIcvLength), opening);
  if (!opening.refused) [[likely]] {
    ++sa.packets;
    sa.octets += opening.payload_length;
  }
  return opening;
}

template <LeadsTo<stage::Ip6> ToIp6>
struct EspOpenStep {
  using stage_type = stage::EspIn;

  SaTable& sas;
  Aead& aead;
  Audit& audit;
  ToIp6& ip6;
  EspOpenEnds ends;

  Done input(Packet<stage::EspIn> packet, const Row<stage::EspIn>& row) const {
    InboundSa& sa = sas[row.from.sa().index()];
    Opening opening = open_in_place(packet.bytes(), sa, aead);
    if (opening.refused) [[unlikely]]
      return refuse(std::move(packet), row, sa, std::move(opening));
    return Gate::opened(std::move(packet), row, std::move(*opening.authentic), {kEspTextOffset, opening.payload_length},
                        ip6);
  }

  static SaId sa_of(const Row<stage::EspIn>& row) { return row.from.sa(); }
  // With thousands of SAs nothing of the next one is in a near cache.
  void ask(const Row<stage::EspIn>& row, std::span<const std::uint8_t> bytes) const {
    const InboundSa& sa = sas[row.from.sa().index()];
    sa.key.prefetch(bytes.size());
    sa.window.prefetch(wire::load_be32(bytes.data() + 4));
  }

 private:
  // RFC 4303 section 4 asks for SPI, time, addresses and number of what is not authentic.
  [[gnu::noinline]] Done refuse(Packet<stage::EspIn> packet, const Row<stage::EspIn>& row, const InboundSa& sa,
                                Opening opening) const {
    if (!opening.authentic)
      audit.note({.cause = opening.refused->value(),
                  .from = row.from,
                  .spi = sa.spi,
                  .sequence = wire::load_be32(std::as_const(packet).bytes().data() + 4),
                  .source = row.source,
                  .destination = sa.destination});
    return ends.end(std::move(packet), *opening.refused);
  }
};

void esp_open(Burst<stage::EspIn>& in, SaTable& sas, Aead& aead, Audit& audit, Burst<stage::Ip6>& ip6,
              EspOpenEnds ends);

}  // namespace strata
