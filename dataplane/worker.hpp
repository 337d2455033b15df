// One worker: its tables, its bursts, its ledger, and the whole journey.
#pragma once

#include <cstdint>
#include <memory>
#include <tl/expected.hpp>

#include "dataplane/packet/port_io.hpp"
#include "dataplane/stage/classify.hpp"
#include "dataplane/stage/end_dx4.hpp"
#include "dataplane/stage/esp_open.hpp"
#include "dataplane/stage/esp_seal.hpp"
#include "dataplane/stage/h_encaps.hpp"
#include "dataplane/stage/host_input.hpp"
#include "dataplane/stage/ip4_forward.hpp"
#include "dataplane/stage/local_sid.hpp"

namespace strata {

// Looks at the bursts between two steps. This one does not look, and costs nothing.
struct NoEye {
  template <class... Stages>
  void after(const char*, const Burst<Stages>&...) {}
};

class Worker {
 public:
  // devices: DPDK's port numbers, by PortId. tables: outlives the worker.
  static tl::expected<std::unique_ptr<Worker>, std::string> create(Tables& tables,
                                                                   std::array<std::uint16_t, kMaxPorts> devices);

  // Takes up to `most` frames of a port through the whole journey. Returns how many were received.
  // now_ns: for what is logged of them.
  template <class Eye>
  std::size_t turn(PortId port, std::size_t most, std::uint64_t now_ns, Eye& eye);

  const Ends& ends() const { return ends_; }
  Audit& audit() { return audit_; }
  const SidCounters& sid_counters() const { return sid_counters_; }
  std::uint64_t received(PortId port) const { return received_[port.index()]; }
  std::uint64_t sent(PortId port) const { return sent_[port.index()]; }

 private:
  Worker(Tables& tables, std::array<std::uint16_t, kMaxPorts> devices, Aead aead);

  Tables& tables_;
  Aead aead_;
  Ends ends_;
  Audit audit_;
  EspOpenScratch esp_scratch_;
  SidCounters sid_counters_;
  std::array<std::uint16_t, kMaxPorts> devices_;
  std::array<std::uint64_t, kMaxPorts> received_{};
  std::array<std::uint64_t, kMaxPorts> sent_{};

  Burst<stage::Frame> frames_;
  Burst<stage::Host> host_;
  Burst<stage::EspIn> esp_;
  Burst<stage::Ip6> ip6_;
  Burst<stage::Sr6> end_dx4_;
  Burst<stage::Ip4> ip4_;
  Burst<stage::Steered> steered_;
  Burst<stage::Sr6Out> sr6_out_;
  Burst<stage::Out> out_;
};

// The journey. A step's first burst is where its packets come from, the others are where they can go; all else of them
// is in its ends. Where packets of one burst come together by two ways, they go on in the order they came.
template <class Eye>
std::size_t Worker::turn(PortId port, std::size_t most, std::uint64_t now_ns, Eye& eye) {
  audit_.set_time(now_ns);
  const Origin here{SaId::none(), port, tables_.ports[port.index()].side, Arrival{}};
  const std::size_t n = PortIo::receive(devices_[port.index()], 0, most, here, frames_, PortIo::RxEnds(ends_));
  received_[port.index()] += n;
  if (n == 0) return 0;
  eye.after("rx", frames_);

  classify(frames_, tables_, host_, ip4_, ip6_, ClassifyEnds(ends_));
  eye.after("classify", host_, ip4_, ip6_);
  if (!host_.empty()) {
    host_input(host_, tables_, audit_, esp_, HostInputEnds(ends_));
    eye.after("host_input", esp_);
    const bool mixed = !ip6_.empty();
    esp_open(esp_, tables_.sas, aead_, esp_scratch_, audit_, ip6_, EspOpenEnds(ends_));
    if (mixed) ip6_.restore_arrival_order();
    eye.after("esp_open", ip6_);
  }
  if (!ip6_.empty()) {
    local_sid(ip6_, tables_, audit_, end_dx4_, LocalSidEnds(ends_));
    eye.after("local_sid", end_dx4_);
    const bool mixed = !ip4_.empty();
    end_dx4(end_dx4_, tables_.sids, sid_counters_, ip4_, EndDx4Ends(ends_));
    if (mixed) ip4_.restore_arrival_order();
    eye.after("end_dx4", ip4_);
  }
  ip4_forward(ip4_, tables_, audit_, steered_, out_, Ip4ForwardEnds(ends_));
  eye.after("ip4_forward", steered_, out_);
  if (!steered_.empty()) {
    h_encaps(steered_, tables_.policies, sr6_out_, HEncapsEnds(ends_));
    eye.after("h_encaps", sr6_out_);
    const bool mixed = !out_.empty();
    esp_seal(sr6_out_, tables_.out_sas, tables_.adjacencies, aead_, esp_scratch_.batch, out_, EspSealEnds(ends_));
    if (mixed) out_.restore_arrival_order();
    eye.after("esp_seal", out_);
  }
  PortIo::transmit(out_, devices_.data(), 0, sent_.data(), PortIo::TxEnds(ends_));
  ends_.flush();
  return n;
}

}  // namespace strata
