// Between a DPDK port and the bursts: the first and the last step of the journey.
#pragma once

#include <rte_ethdev.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "dataplane/packet/ends.hpp"
#include "dataplane/packet/gate.hpp"

namespace strata {

class PortIo {
 public:
  using RxEnds = EndsOf<Cause::rx_multi_segment, Cause::rx_shared>;
  using TxEnds = EndsOf<Cause::tx_full>;

  // At most `most` frames of one queue. `from` is what all of them share; each gets its own place.
  // Returns how many were received; frames in several segments, or of shared memory, are among them and end here.
  static std::size_t receive(std::uint16_t device, std::uint16_t queue, std::size_t most, const Origin& from,
                             Burst<stage::Frame>& out, RxEnds ends) {
    rte_mbuf* buffers[kBurstSize];
    const auto want = static_cast<std::uint16_t>(std::min(most, kBurstSize));
    const std::uint16_t n = rte_eth_rx_burst(device, queue, buffers, want);
    for (std::uint16_t i = 0; i < n; ++i) {
      Gate::forget(buffers[i]);
      Packet<stage::Frame> frame = Access::adopt<stage::Frame>(buffers[i]);
      if (buffers[i]->nb_segs != 1) [[unlikely]] {
        (void)ends.end(std::move(frame), Cause::rx_multi_segment);
        continue;
      }
      // Packets are decrypted and given new headers in place: nobody else may be looking.
      if (rte_mbuf_refcnt_read(buffers[i]) != 1 || RTE_MBUF_CLONED(buffers[i])) [[unlikely]] {
        (void)ends.end(std::move(frame), Cause::rx_shared);
        continue;
      }
      const Origin mine{.sa = from.sa, .port = from.port, .side = from.side, .place = static_cast<Arrival>(i)};
      (void)out.push(std::move(frame), Row<stage::Frame>{.from = mine});
    }
    return n;
  }

  // Sends each packet out of its port (devices and sent are indexed by PortId); what a queue does not take is dropped.
  static void transmit(Burst<stage::Out>& in, const std::uint16_t* devices, std::uint16_t queue, std::uint64_t* sent,
                       TxEnds ends) {
    const std::size_t n = in.size();
    for (std::size_t i = 0; i < n;) {
      const PortId port = in.row(i).port;
      std::size_t end = i + 1;
      while (end < n && in.row(end).port == port) ++end;
      const auto want = static_cast<std::uint16_t>(end - i);
      const std::uint16_t took = rte_eth_tx_burst(devices[port.index()], queue, &in.buffers_[i], want);
      sent[port.index()] += took;
      for (std::size_t k = i + took; k < end; ++k)
        (void)ends.end(Access::adopt<stage::Out>(in.buffers_[k]), Cause::tx_full);
      i = end;
    }
    in.size_ = 0;
  }
};

}  // namespace strata
