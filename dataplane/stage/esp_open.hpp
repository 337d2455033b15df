// Opens ESP (RFC 4303 section 3.4): what is wrong on its face goes, then the ICV decides; then what was inside is
// judged.
#pragma once

#include <algorithm>
#include <cassert>
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
                           Cause::esp_replay_too_old, Cause::esp_auth_failed, Cause::esp_open_failed,
                           Cause::esp_bad_pad, Cause::esp_dummy, Cause::esp_next_header>;

//  0        4          8      16                      size-16   size
//  | SPI    | sequence | IV   | ciphertext            | ICV     |
//                             | payload | pad | P | N |
inline constexpr std::size_t kEspTextOffset = wire::kEspHeaderLength + kIvLength;

// One of the two.
struct Decryption {
  std::optional<EspOpenEnds::cause_type> refused;
  std::optional<Authentic> authentic;
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

// RFC 4303 sections 2.4 and 2.5.
inline EspCause cause_of(wire::TrailerFault fault) {
  if (fault == wire::TrailerFault::bad_length) return Cause::esp_bad_length;
  return Cause::esp_bad_pad;
}

inline std::uint64_t sequence_of(const InboundSa& sa, std::uint32_t low) {
  return sa.esn ? extended_sequence(sa.window.top(), sa.window.size(), low) : low;
}

// RFC 4303 sections 2 and 2.4.
inline std::optional<EspCause> refuse_size(std::size_t size) {
  if (size < kLeast) [[unlikely]]
    return EspCause(Cause::esp_truncated);
  if ((size - kEspTextOffset - kIcvLength) % 4 != 0) [[unlikely]]
    return EspCause(Cause::esp_bad_length);
  return std::nullopt;
}

// RFC 4303 sections 2.2 and 3.4.3, as far as they can be checked before the ICV.
inline std::optional<EspCause> refuse_number(const InboundSa& sa, std::uint64_t sequence) {
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

// Of a text that is not authentic the caller lets nobody see what came out.
inline std::optional<Authentic> decrypt(std::span<std::uint8_t> packet, const InboundSa& sa, std::uint64_t sequence,
                                        Aead& aead) {
  const AeadBlock nonce(sa.key.salt(), as_it_lies<std::uint64_t>(packet.data() + wire::kEspHeaderLength));
  const AeadBlock aad = aad_of(sa, packet.data(), sequence);
  std::uint8_t* text = packet.data() + kEspTextOffset;
  const std::size_t length = packet.size() - kEspTextOffset - kIcvLength;
  alignas(16) std::uint8_t icv[kIcvLength];
  AeadVerdict::expect_none(icv, text + length);
  aead.open({.key = &sa.key,
             .data = text,
             .length = length,
             .nonce = nonce.octets,
             .aad = aad.octets,
             .aad_length = sa.esn ? 12U : 8U},
            icv);
  return AeadVerdict::compare(icv, text + length);
}

}  // namespace detail

// Judges and decrypts an ESP packet of at least its header, in place. The window moves only for what is authentic; a
// text that is not is wiped: nobody is to see it.
inline Decryption decrypt_in_place(std::span<std::uint8_t> packet, InboundSa& sa, Aead& aead) {
  Decryption done;
  done.refused = detail::refuse_size(packet.size());
  if (done.refused) [[unlikely]]
    return done;
  const std::uint32_t low = wire::load_be32(packet.data() + 4);
  std::uint64_t sequence = sequence_ahead(sa.window.top(), low, sa.esn);
  if (sequence == 0) [[unlikely]] {
    sequence = detail::sequence_of(sa, low);
    done.refused = detail::refuse_number(sa, sequence);
    if (done.refused) return done;
  }
  done.authentic = detail::decrypt(packet, sa, sequence, aead);
  if (!done.authentic) [[unlikely]] {
    std::memset(packet.data() + kEspTextOffset, 0, packet.size() - kEspTextOffset - kIcvLength);
    // An error of the library is no fault of the peer's.
    done.refused =
        aead.has_failed() ? detail::EspCause(Cause::esp_open_failed) : detail::EspCause(Cause::esp_auth_failed);
    return done;
  }
  sa.window.accept(sequence);
  return done;
}

// All packets of a burst are decrypted before any is looked into: what a cipher has just written is read back at once
// only after it has arrived in the cache, and meanwhile the next packet's text can be worked on.
struct EspDecryptStep {
  using stage_type = stage::EspIn;

  SaTable& sas;
  Aead& aead;
  Audit& audit;
  Burst<stage::Decrypted>& out;
  EspOpenEnds ends;

  Done input(Packet<stage::EspIn> packet, const Row<stage::EspIn>& row) const {
    InboundSa& sa = sas[row.from.sa().index()];
    Decryption done = decrypt_in_place(packet.bytes(), sa, aead);
    if (done.refused) [[unlikely]]
      return refuse(std::move(packet), row, sa, *done.refused);
    return Gate::decrypted(std::move(packet), row, std::move(*done.authentic), out);
  }

  static SaId sa_of(const Row<stage::EspIn>& row) { return row.from.sa(); }
  // With thousands of SAs nothing of the next one is in a near cache.
  void ask(const Row<stage::EspIn>& row, std::span<const std::uint8_t> bytes) const {
    const InboundSa& sa = sas[row.from.sa().index()];
    sa.key.prefetch(bytes.size() - std::min(bytes.size(), kEspTextOffset + kIcvLength));
    sa.window.prefetch(wire::load_be32(bytes.data() + 4));
  }

 private:
  // RFC 4303 section 4 asks for SPI, time, addresses and number of what is not authentic.
  [[gnu::noinline]] Done refuse(Packet<stage::EspIn> packet, Row<stage::EspIn> row, const InboundSa& sa,
                                EspOpenEnds::cause_type cause) const {
    audit.note({.cause = cause.value(),
                .from = row.from,
                .spi = sa.spi,
                .sequence = wire::load_be32(std::as_const(packet).bytes().data() + 4),
                .source = row.source,
                .destination = sa.destination});
    return ends.end(std::move(packet), cause);
  }
};

// Takes the trailer off a text that is authentic, and sees what is inside (RFC 4303 sections 2.4 to 2.6).
template <LeadsTo<stage::Ip6> ToIp6>
struct EspUnwrapStep {
  using stage_type = stage::Decrypted;

  SaTable& sas;
  ToIp6& ip6;
  EspOpenEnds ends;

  Done input(Packet<stage::Decrypted> packet, const Row<stage::Decrypted>& row) const {
    const wire::Bytes esp = std::as_const(packet).bytes();
    assert(esp.size() >= detail::kLeast);  // what was decrypted is no less
    const wire::Bytes text(esp.data() + kEspTextOffset, esp.size() - kEspTextOffset - kIcvLength);
    // RFC 4303 section 2.6: of a dummy packet nothing but the next header has to be right.
    if (text.data()[text.size() - 1] == wire::kProtocolNone) [[unlikely]]
      return ends.end(std::move(packet), Cause::esp_dummy);
    const wire::EspTrailer trailer = wire::check_trailer(text);
    if (trailer.fault != wire::TrailerFault::none) [[unlikely]]
      return ends.end(std::move(packet), detail::cause_of(trailer.fault));
    if (trailer.next_header != wire::kProtocolIpv6) [[unlikely]]
      return ends.end(std::move(packet), Cause::esp_next_header);
    InboundSa& sa = sas[row.from.sa().index()];
    ++sa.packets;
    sa.octets += trailer.payload_length;
    return Gate::opened(std::move(packet), row, {kEspTextOffset, trailer.payload_length}, ip6);
  }
};

// Of thousands of SAs none is in a near cache. Asked for here and no sooner: who received the packet may not hold its
// SA.
inline void ask_for_sas(const Burst<stage::EspIn>& in, const SaTable& sas, bool of_one_sa) {
  SaId asked = SaId::none();
  const std::size_t n = of_one_sa ? std::min<std::size_t>(in.size(), 1) : in.size();
  for (std::size_t i = 0; i < n; ++i) {
    const SaId id = in.row(i).from.sa();
    if (id == asked) continue;
    asked = id;
    sas[id.index()].prefetch();
  }
}

// What will look something up for packets that are decrypted, and says so before it gets them.
template <class To>
concept LooksAheadOfDecrypted = requires(const To& to, const Burst<stage::Decrypted>& coming) {
  to.ask(coming);
};

// to: unwraps them.
template <LeadsTo<stage::Decrypted> ToUnwrap>
void open_esp(Burst<stage::EspIn>& in, SaTable& sas, Aead& aead, Audit& audit, ToUnwrap& to, EspOpenEnds ends) {
  const bool of_one_sa = is_of_one_sa<EspDecryptStep>(in);
  ask_for_sas(in, sas, of_one_sa);
  Burst<stage::Decrypted> decrypted;
  drain_asking(in, EspDecryptStep{sas, aead, audit, decrypted, ends}, of_one_sa);
  if constexpr (LooksAheadOfDecrypted<ToUnwrap>) {
    if (!of_one_sa) to.ask(decrypted);
  }
  decrypted.drain([&](Packet<stage::Decrypted> packet, const Row<stage::Decrypted>& row) -> Done {
    return to.push(std::move(packet), row);
  });
}

void esp_open(Burst<stage::EspIn>& in, SaTable& sas, Aead& aead, Audit& audit, Burst<stage::Ip6>& ip6,
              EspOpenEnds ends);

}  // namespace strata
