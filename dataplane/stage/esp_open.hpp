// Opens ESP (RFC 4303 section 3.4), a packet at a time: what is wrong on its face goes, then the ICV decides.
#pragma once

#include "dataplane/ipsec/audit.hpp"
#include "dataplane/ipsec/security_association.hpp"
#include "dataplane/packet/ends.hpp"
#include "dataplane/packet/gate.hpp"
#include "dataplane/packet/straight.hpp"
#include "dataplane/wire/esp.hpp"

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

// Judges and decrypts an ESP packet of at least its header, in place. The window moves only for what is authentic; a
// text that is not is wiped: nobody is to see it.
Opening open_in_place(std::span<std::uint8_t> packet, InboundSa& sa, Aead& aead);

template <LeadsTo<stage::Ip6> ToIp6>
struct EspOpenStep {
  using stage_type = stage::EspIn;

  SaTable& sas;
  Aead& aead;
  Audit& audit;
  ToIp6& ip6;
  EspOpenEnds ends;

  Done input(Packet<stage::EspIn> packet, const Row<stage::EspIn>& row) const {
    InboundSa& sa = sas[row.from.sa.index()];
    Opening opening = open_in_place(packet.bytes(), sa, aead);
    if (opening.refused) [[unlikely]]
      return refuse(std::move(packet), row, sa, opening);
    return Gate::opened(std::move(packet), row, std::move(*opening.authentic), {kEspTextOffset, opening.payload_length},
                        ip6);
  }

  // With thousands of SAs nothing of the next one is in a near cache.
  void ask(const Row<stage::EspIn>& row, std::span<const std::uint8_t> bytes) const {
    const InboundSa& sa = sas[row.from.sa.index()];
    sa.key.prefetch(bytes.size());
    sa.window.prefetch(wire::load_be32(bytes.data() + 4));
  }

 private:
  // RFC 4303 section 4 asks for SPI, time, addresses and number of what is not authentic.
  [[gnu::noinline]] Done refuse(Packet<stage::EspIn> packet, const Row<stage::EspIn>& row, const InboundSa& sa,
                                const Opening& opening) const {
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
