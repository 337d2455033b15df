// The fast path of what a peer sends to an SA: an untagged frame of ESP in UDP without IPv4 options whose head says
// what that of one before it in the burst said, which became ESP. What classify and host_input do with it (RFC 1812
// section 5.2, RFC 3948 section 2, RFC 4301 section 5.2) is done in one look at the head; its SPI leads to its SA.
//
// A shortcut, and no step of the journey: it never decides otherwise than those two, which
// tests/unit/esp_in_fast_path_test.cpp and the fuzzer hold it against, and it ends no packet. What is unusual goes to
// classify as it came, and it is found out there why.
#pragma once

#include <optional>
#include <utility>

#include "dataplane/packet/gate.hpp"
#include "dataplane/packet/straight.hpp"
#include "dataplane/table/tables.hpp"
#include "dataplane/wire/esp_in_udp.hpp"
#include "dataplane/wire/protocol.hpp"

namespace strata {

template <LeadsTo<stage::Frame> ToClassify>
class EspInFastPathStep {
 public:
  using stage_type = stage::Frame;

  // out: where host_input puts what is ESP, too.
  EspInFastPathStep(const Tables& tables, ToClassify& classify, Burst<stage::EspIn>& out)
      : tables_(tables), classify_(classify), out_(out), is_far_(tables.spis.bytes() > kNear) {}

  // Frames of one port.
  [[gnu::always_inline]] Done input(Packet<stage::Frame> frame, const Row<stage::Frame>& row) const {
    const wire::Bytes bytes = std::as_const(frame).bytes();
    if (like_) {
      const std::size_t esp = like_->head.esp_in(bytes, row.sum);
      if (esp != 0) [[likely]] {
        const SpiEntry* entry = entry_of(bytes);
        // The port that a lifetime has ended at is none that a packet comes to.
        if (entry != nullptr && entry->udp_port == like_->port) [[likely]]
          return Gate::esp_like(std::move(frame), row, {Head::kEspOffset, esp}, entry->sa, like_->row, out_);
      }
    }
    const std::size_t before = out_.size();
    Done done = classify_.push(std::move(frame), row);
    if (out_.size() != before) learn(bytes);
    return done;
  }

  // Whether ask() does something. Where ESP comes by a port of the protected side nobody asks.
  bool asks() const { return is_far_; }
  // The slot of the SPI, if this looks like ESP in UDP. Nothing of it is believed.
  void ask(wire::Bytes frame) const {
    if (frame.size() < Head::kLength || is_asked_already(frame)) return;
    const std::uint8_t* ip = frame.data() + Head::kIpv4Offset;
    if (ip[9] != wire::kProtocolUdp || !tables_.esp_ports.contains(port_in(frame))) return;
    tables_.spis.prefetch({spi_in(frame), wire::read_ipv4(ip + 16)});
  }

 private:
  using Head = wire::EspInUdpHead;

  static constexpr std::size_t kNear = std::size_t{1} << 17;  // octets, of a second-level cache

  // A frame that became ESP, and what those that say the same have in common with it.
  struct Like {
    Head head;
    Row<stage::EspIn> row;
    wire::Ipv4Address destination;
    std::uint16_t port;
    std::uint32_t spi;  // of the last one
    const SpiEntry* entry;
  };

  static std::uint32_t spi_in(wire::Bytes frame) { return wire::load_be32(frame.data() + Head::kEspOffset); }
  static std::uint16_t port_in(wire::Bytes frame) { return wire::load_be16(frame.data() + Head::kUdpOffset + 2); }

  bool is_asked_already(wire::Bytes frame) const { return like_ && like_->spi == spi_in(frame); }

  // Of a frame that says the same.
  const SpiEntry* entry_of(wire::Bytes frame) const {
    const std::uint32_t spi = spi_in(frame);
    if (spi != like_->spi) {
      like_->spi = spi;
      like_->entry = tables_.spis.find({spi, like_->destination});
    }
    return like_->entry;
  }

  // Of the second one that a peer sends in a row, as of very many peers each packet is another one's. bytes: the frame
  // of the ESP packet that stands last in the burst, all of it still there.
  void learn(wire::Bytes bytes) const {
    const Row<stage::EspIn>& row = out_.row(out_.size() - 1);
    if (row.source != std::exchange(source_, row.source)) return;
    // Behind tags or options plain ESP may stand where it does in UDP without either.
    const std::uint8_t* ip = bytes.data() + Head::kIpv4Offset;
    if (wire::load_be16(ip - 2) != wire::kEtherIpv4 || ip[0] != 0x45 || ip[9] != wire::kProtocolUdp) return;
    const SpiKey key{spi_in(bytes), wire::read_ipv4(ip + 16)};
    like_ = Like{.head = Head(bytes.data()),
                 .row = row,
                 .destination = key.destination,
                 .port = port_in(bytes),
                 .spi = key.spi,
                 .entry = tables_.spis.find(key)};
  }

  const Tables& tables_;
  ToClassify& classify_;
  Burst<stage::EspIn>& out_;
  bool is_far_;
  mutable wire::Ipv4Address source_{};  // of the last one that classify had
  mutable std::optional<Like> like_;
};

}  // namespace strata
