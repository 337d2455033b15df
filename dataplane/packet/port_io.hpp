// Between a DPDK port and the stages: the first and the last step of the journey.
#pragma once

#include <rte_ethdev.h>

#include <algorithm>
#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#include "dataplane/packet/ends.hpp"
#include "dataplane/packet/gate.hpp"
#include "dataplane/packet/maker.hpp"
#include "dataplane/prefetch.hpp"
#include "dataplane/relaxed.hpp"
#include "dataplane/wire/ethernet.hpp"
#include "dataplane/wire/ipv6.hpp"

namespace strata {

// Of the checksums of IPv4 headers that a port receives.
enum class DeviceSums : std::uint8_t { none, believed };

// What the one who receives will read of most frames: all of them, or their headers, and others open or seal them.
enum class Reads : std::uint8_t { headers, all };

// What may look something up for a frame, and then says so some turns before it gets it.
template <class To>
concept LooksAhead = requires(const To& to, wire::Bytes frame) {
  { to.asks() } -> std::same_as<bool>;
  to.ask(frame);
};

class PortIo {
 public:
  using RxEnds = EndsOf<Cause::rx_multi_segment, Cause::rx_shared>;
  using TxEnds = EndsOf<Cause::tx_full>;

  // Frames as a driver gave them. All of them are received next, or buffers are lost.
  class Polled {
   public:
    std::size_t size() const { return n_; }

   private:
    friend class PortIo;
    rte_mbuf* buffers_[kBurstSize];
    std::size_t n_ = 0;
  };

  // At most `most` frames of one queue. Returns how many came.
  static std::size_t poll(std::uint16_t device, std::uint16_t queue, std::size_t most, Polled& polled) {
    polled.n_ =
        rte_eth_rx_burst(device, queue, polled.buffers_, static_cast<std::uint16_t>(std::min(most, kBurstSize)));
    return polled.n_;
  }

  // `from` is what all of them share; each gets its own place. Those that cannot be one whole buffer of our own end
  // here. sums: whether the device was told to look at IPv4 headers; where it was not, what its flags say means
  // nothing.
  template <LeadsTo<stage::Frame> ToFrames>
  static void receive(Polled& polled, const Origin from, const Maker& maker, ToFrames& out, RxEnds ends,
                      DeviceSums sums = DeviceSums::none, Reads reads = Reads::all) {
    rte_mbuf* const* buffers = polled.buffers_;
    const std::size_t n = std::exchange(polled.n_, 0);
    // A driver that looks at descriptors alone has left these lines to us. They say where frames begin, which is asked
    // for some turns ahead, and how long they are: so many lines at once would not all be there in time.
#pragma GCC unroll 4
    for (std::size_t i = 0; i < n; ++i) prefetch_line(buffers[i]);
    const bool grows = from.side() == Side::protected_side;
    bool asks = false;
    if constexpr (LooksAhead<ToFrames>) asks = out.asks();
    const auto ask = [&](std::size_t i) {
      const auto* data = rte_pktmbuf_mtod(buffers[i], const std::uint8_t*);
      prefetch_line(data);
      if constexpr (LooksAhead<ToFrames>)
        if (asks) [[unlikely]]
          out.ask(wire::Bytes(data, rte_pktmbuf_data_len(buffers[i])));
    };
    constexpr std::size_t kAhead = 4;
    for (std::size_t i = 0; i < n && i < kAhead; ++i) ask(i);
    for (std::size_t i = 0; i < n; ++i) {
      rte_mbuf* buffer = buffers[i];
      if (i + kAhead < n) ask(i + kAhead);
      if (reads == Reads::all) ask_for_rest(buffer);
      if (grows) ask_for_front(buffer);
      const wire::HeaderSum sum = sums == DeviceSums::none ? wire::HeaderSum::unknown : sum_of(buffer);
      if (!is_whole_and_ours(buffer)) [[unlikely]] {
        buffer = make_whole_and_ours(buffer, maker, ends);
        if (buffer == nullptr) continue;
      }
      Gate::forget(buffer);
      (void)out.push(Access::adopt<stage::Frame>(buffer),
                     Row<stage::Frame>{.from = from.with(static_cast<Arrival>(i)), .sum = sum});
    }
  }

  // At most a burst of one queue goes, and is in no account: for what a device holds before the journey begins.
  // Returns how many went.
  static std::size_t throw_away(std::uint16_t device, std::uint16_t queue) {
    Polled polled;
    rte_pktmbuf_free_bulk(polled.buffers_, static_cast<unsigned>(poll(device, queue, kBurstSize, polled)));
    return polled.n_;
  }

  // Sends each packet out of its port (devices and sent are indexed by PortId), those of one port together and in their
  // order; what a queue does not take is dropped.
  static void transmit(Burst<stage::Out>& in, const std::uint16_t* devices, std::uint16_t queue,
                       Relaxed<std::uint64_t>* sent, TxEnds ends) {
    if (in.all_alike([](const Row<stage::Out>& row) { return row.port.index(); })) [[likely]] {
      if (!in.empty()) send(in.buffers_, in.size(), in.row(0).port, devices, queue, sent, ends);
      in.size_ = 0;
      return;
    }
    std::uint32_t ports = 0;
    for (std::size_t i = 0; i < in.size(); ++i) ports |= std::uint32_t{1} << in.row(i).port.index();
    while (ports != 0) {
      const PortId port(static_cast<std::uint8_t>(std::countr_zero(ports)));
      ports &= ports - 1;
      rte_mbuf* buffers[kBurstSize];
      std::size_t n = 0;
      for (std::size_t i = 0; i < in.size(); ++i)
        if (in.row(i).port == port) buffers[n++] = in.buffers_[i];
      send(buffers, n, port, devices, queue, sent, ends);
    }
    in.size_ = 0;
  }

 private:
  static constexpr std::uintptr_t kLine = 64;

  // The cipher will read all of it, once the whole burst was received. Of long ones what is behind comes by itself:
  // CPUs see that lines are read in a row.
  static void ask_for_rest(const rte_mbuf* buffer) {
    constexpr std::size_t kBehind = 3;  // lines
    const auto* data = rte_pktmbuf_mtod(buffer, const std::uint8_t*);
    const std::size_t length = rte_pktmbuf_data_len(buffer);
    const std::size_t second = kLine - reinterpret_cast<std::uintptr_t>(data) % kLine;
    for (std::size_t at = second; at < length && at < second + kBehind * kLine; at += kLine) prefetch_line(data + at);
  }

  // What is sealed gets other headers in the place of its Ethernet header, most of them in octets that nobody has
  // touched since the buffer's last packet.
  static void ask_for_front(const rte_mbuf* buffer) {
    constexpr std::size_t kMore = wire::kIpv6HeaderLength + Gate::kSealFront - wire::kEthernetHeaderLength;
    const auto* begin = rte_pktmbuf_mtod(buffer, const std::uint8_t*) - kMore;
    prefetch_line(begin);
    prefetch_line(begin + kLine);
  }

  // One buffer, and nobody else may be looking: packets are decrypted and given new headers in place.
  static bool is_whole_and_ours(const rte_mbuf* buffer) {
    // Both numbers in one load, as rte_mbuf_refcnt_read's is: that of owners, which one of them may just be counting
    // down, and behind it that of segments.
    struct Numbers {
      std::uint16_t owners;
      std::uint16_t segments;
    };
    static_assert(offsetof(rte_mbuf, nb_segs) == offsetof(rte_mbuf, refcnt) + sizeof(std::uint16_t));
    std::uint32_t both;
    std::memcpy(&both, reinterpret_cast<const char*>(buffer) + offsetof(rte_mbuf, refcnt), sizeof both);
    return both == std::bit_cast<std::uint32_t>(Numbers{1, 1}) && !RTE_MBUF_CLONED(buffer);
  }

  // Jumbo frames of drivers that fill several buffers: the journey reads each header in one piece. nullptr: it ended.
  [[gnu::noinline]] static rte_mbuf* make_whole_and_ours(rte_mbuf* buffer, const Maker& maker, RxEnds ends) {
    if (buffer->nb_segs == 1) {
      (void)ends.end(Access::adopt<stage::Frame>(buffer), Cause::rx_shared);
      return nullptr;
    }
    rte_mbuf* const whole = maker.flatten(buffer);
    if (whole == nullptr) (void)ends.end(Access::adopt<stage::Frame>(buffer), Cause::rx_multi_segment);
    return whole;
  }

  // What a device finds wrong is looked at again where the packet gets to, and has its end there.
  static wire::HeaderSum sum_of(const rte_mbuf* buffer) {
    // Where a device looks into tunnels, GOOD is about the inner header.
    constexpr std::uint64_t kAsked = RTE_MBUF_F_RX_IP_CKSUM_MASK | RTE_MBUF_F_RX_OUTER_IP_CKSUM_BAD;
    const bool right = (buffer->ol_flags & kAsked) == RTE_MBUF_F_RX_IP_CKSUM_GOOD;
    return right ? wire::HeaderSum::right : wire::HeaderSum::unknown;
  }

  static void send(rte_mbuf** buffers, std::size_t n, PortId port, const std::uint16_t* devices, std::uint16_t queue,
                   Relaxed<std::uint64_t>* sent, TxEnds ends) {
    const std::uint16_t took = rte_eth_tx_burst(devices[port.index()], queue, buffers, static_cast<std::uint16_t>(n));
    sent[port.index()] += took;
    for (std::size_t k = took; k < n; ++k) (void)ends.end(Access::adopt<stage::Out>(buffers[k]), Cause::tx_full);
  }
};

}  // namespace strata
