#include "dataplane/stage/esp_open.hpp"

#include <algorithm>
#include <cstring>

#include "dataplane/wire/esp.hpp"
#include "dataplane/wire/protocol.hpp"

namespace strata {
namespace {

using stage::EspIn;
using EspCause = EspOpenEnds::cause_type;

//  0        4          8      16                      size-16   size
//  | SPI    | sequence | IV   | ciphertext            | ICV     |
//                             | payload | pad | P | N |
constexpr std::size_t kTextOffset = wire::kEspHeaderLength + kIvLength;
constexpr std::size_t kLeast = kTextOffset + wire::kEspTrailerLength + kIcvLength;

// What became of each packet of the burst; nothing: its ICV was right.
struct Verdict {
  std::optional<EspCause> refused;
  std::optional<Authentic> authentic;
};
using Verdicts = std::array<Verdict, kBurstSize>;

std::optional<EspCause> cause_of(Freshness freshness) {
  switch (freshness) {
    case Freshness::fresh: break;
    case Freshness::replayed: return EspCause(Cause::esp_replayed);
    case Freshness::too_old: return EspCause(Cause::esp_replay_too_old);
  }
  return std::nullopt;
}

std::uint64_t sequence_of(const InboundSa& sa, std::uint32_t low) {
  return sa.esn ? extended_sequence(sa.window.top(), sa.window.size(), low) : low;
}

// Whether a packet's 64-bit number may depend on packets of this burst that are not judged yet. If so they are judged
// first, and it is as if each packet had come alone. The number grows with the window's top: where it is the same for
// the lowest and for the highest top that there may be by then, it is the same for all between.
bool depends_on_burst(const InboundSa& sa, std::uint32_t low, std::uint64_t sequence) {
  if (!sa.esn || sa.guess <= sa.window.top()) return false;
  return extended_sequence(sa.guess, sa.window.size(), low) != sequence;
}

// RFC 4303 sections 2, 2.2 and 3.4.3, as far as they can be checked before the ICV.
std::optional<EspCause> refuse_on_sight(const InboundSa& sa, std::size_t size, std::uint64_t sequence) {
  if (size < kLeast) return EspCause(Cause::esp_truncated);
  if ((size - kTextOffset - kIcvLength) % 4 != 0) return EspCause(Cause::esp_bad_length);
  // With the window off a sender may cycle, and then 0 comes by.
  if (sequence == 0 && sa.window.size() != 0) return EspCause(Cause::esp_seq_zero);
  return cause_of(sa.window.check(sequence));
}

void lay_out(AeadBatch& batch, std::size_t k, InboundSa& sa, std::span<std::uint8_t> packet, std::uint64_t sequence) {
  sa.window.prefetch(sequence);
  batch.items[k] = {.key = &sa.key,
                    .data = packet.data() + kTextOffset,
                    .length = packet.size() - kTextOffset - kIcvLength,
                    .aad_length = sa.esn ? 12U : 8U};
  const std::uint32_t salt = sa.key.salt();
  std::memcpy(batch.nonces[k].octets, &salt, sizeof salt);
  std::memcpy(batch.nonces[k].octets + sizeof salt, packet.data() + wire::kEspHeaderLength, kIvLength);
  std::uint8_t* aad = batch.aads[k].octets;
  std::memcpy(aad, packet.data(), wire::kEspHeaderLength);  // SPI | sequence
  if (!sa.esn) return;
  wire::store_be64(aad + 4, sequence);  // SPI | high | low, RFC 4106 section 5
  if (sequence > sa.guess) sa.guess = sequence;
}

// RFC 4303 sections 3.4.3 and 3.4.4 for one packet of the batch. The window is asked again, since this burst may hold a
// number twice, and is moved only for what is authentic. A text that is not is wiped: nobody is to see it.
void judge(InboundSa& sa, const AeadBatch::Item& item, const std::uint8_t* icv, std::uint64_t sequence,
           Verdict& verdict) {
  verdict.refused = cause_of(sa.window.check(sequence));
  if (!verdict.refused) [[likely]] {
    verdict.authentic = AeadVerdict::compare(icv, item.data + item.length);
    if (verdict.authentic) [[likely]] {
      sa.window.accept(sequence);
      return;
    }
    verdict.refused = EspCause(Cause::esp_auth_failed);
  }
  std::memset(item.data, 0, item.length);
}

// Decrypts the batch, which has those of the packets `from` to `to` that nothing has refused yet, and judges all of
// them in the order they came, as if each had come alone.
void settle(const Burst<EspIn>& in, std::size_t from, std::size_t to, SaTable& sas, Aead& aead, EspOpenScratch& scratch,
            Verdicts& verdicts) {
  AeadBatch& batch = scratch.batch;
  aead.open(batch);
  std::size_t k = 0;
  for (std::size_t i = from; i < to; ++i) {
    InboundSa& sa = sas[in.row(i).from.sa.index()];
    if (!verdicts[i].refused) [[likely]] {
      judge(sa, batch.items[k], batch.icvs[k].octets, scratch.sequences[i], verdicts[i]);
      ++k;
    } else if (verdicts[i].refused->value() == Cause::esp_replayed) {
      // By now the window may have left the number behind.
      verdicts[i].refused = cause_of(sa.window.check(scratch.sequences[i]));
    }
    if (sa.esn) sa.guess = sa.window.top();
  }
}

// Takes the trailer off and says what is inside (RFC 4303 sections 2.4 to 2.6).
Done unwrap(Packet<EspIn> packet, const Row<EspIn>& row, Authentic authentic, InboundSa& sa, Burst<stage::Ip6>& ip6,
            EspOpenEnds ends) {
  const wire::Bytes bytes = std::as_const(packet).bytes();
  // RFC 4303 section 2.6: of a dummy packet nothing but the next header has to be right.
  if (bytes[bytes.size() - kIcvLength - 1] == wire::kProtocolNone) [[unlikely]]
    return ends.end(std::move(packet), Cause::esp_dummy);
  const wire::EspTrailer trailer =
      wire::check_trailer(bytes.subspan(kTextOffset, bytes.size() - kTextOffset - kIcvLength));
  if (trailer.fault != wire::TrailerFault::none) [[unlikely]] {
    if (trailer.fault == wire::TrailerFault::bad_length) return ends.end(std::move(packet), Cause::esp_bad_length);
    return ends.end(std::move(packet), Cause::esp_bad_pad);
  }
  if (trailer.next_header != wire::kProtocolIpv6) [[unlikely]]
    return ends.end(std::move(packet), Cause::esp_next_header);
  ++sa.packets;
  sa.octets += trailer.payload_length;
  return Gate::opened(std::move(packet), row, std::move(authentic), {kTextOffset, trailer.payload_length}, ip6);
}

// RFC 4303 section 4 asks for SPI, time, addresses and number of what fails here.
void note(Audit& audit, const Row<EspIn>& row, const InboundSa& sa, wire::Bytes packet, Cause cause) {
  audit.note({.cause = cause,
              .from = row.from,
              .spi = sa.spi,
              .sequence = wire::load_be32(packet.data() + 4),
              .source = row.source,
              .destination = sa.destination});
}

}  // namespace

void esp_open(Burst<EspIn>& in, SaTable& sas, Aead& aead, EspOpenScratch& scratch, Audit& audit, Burst<stage::Ip6>& ip6,
              EspOpenEnds ends) {
  Verdicts verdicts;
  std::size_t k = 0;  // of them in the batch
  std::size_t settled = 0;
  const std::size_t n = in.size();
  for (std::size_t i = 0; i < n; ++i) {
    InboundSa& sa = sas[in.row(i).from.sa.index()];
    const std::span<std::uint8_t> packet = in.bytes(i);
    const std::uint32_t low = wire::load_be32(packet.data() + 4);
    std::uint64_t sequence = sequence_of(sa, low);
    if (depends_on_burst(sa, low, sequence)) [[unlikely]] {
      scratch.batch.size = std::exchange(k, 0);
      settle(in, settled, i, sas, aead, scratch, verdicts);
      settled = i;
      sequence = sequence_of(sa, low);
    }
    scratch.sequences[i] = sequence;
    verdicts[i].refused = refuse_on_sight(sa, packet.size(), sequence);
    if (!verdicts[i].refused) [[likely]]
      lay_out(scratch.batch, k++, sa, packet, sequence);
  }
  scratch.batch.size = k;
  settle(in, settled, in.size(), sas, aead, scratch, verdicts);

  in.drain([&](Packet<EspIn> packet, const Row<EspIn>& row, std::size_t i) -> Done {
    InboundSa& sa = sas[row.from.sa.index()];
    Verdict& verdict = verdicts[i];
    if (verdict.authentic) [[likely]]
      return unwrap(std::move(packet), row, std::move(*verdict.authentic), sa, ip6, ends);
    note(audit, row, sa, std::as_const(packet).bytes(), verdict.refused->value());
    return ends.end(std::move(packet), *verdict.refused);
  });
}

}  // namespace strata
