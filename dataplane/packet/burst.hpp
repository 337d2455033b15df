// Up to 64 packets at one stage, each with its row. A packet and its row are only ever pushed together.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstring>
#include <new>
#include <utility>

#include "dataplane/packet/burst_size.hpp"
#include "dataplane/packet/packet.hpp"
#include "dataplane/prefetch.hpp"

namespace strata {

// Where a step puts what goes on to a stage: a burst, or the step behind it, which takes it at once (straight.hpp).
template <class To, class Stage>
concept LeadsTo = std::same_as<typename To::stage_type, Stage> &&
    requires(To& to, Packet<Stage>&& packet, const Row<Stage>& row) {
  { to.push(std::move(packet), row) } -> std::same_as<Done>;
};

template <class Stage>
class alignas(64) Burst {
 public:
  using stage_type = Stage;

  Burst() = default;
  Burst(const Burst&) = delete;
  Burst& operator=(const Burst&) = delete;
#ifndef NDEBUG
  ~Burst() { assert(size_ == 0 && "a burst was lost"); }
#endif

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  const Row<Stage>& row(std::size_t i) const {
    assert(i < size_);
    return rows()[i];
  }
  std::span<std::uint8_t> bytes(std::size_t i) {
    assert(i < size_);
    return {rte_pktmbuf_mtod(buffers_[i], std::uint8_t*), rte_pktmbuf_data_len(buffers_[i])};
  }
  std::span<const std::uint8_t> bytes(std::size_t i) const {
    assert(i < size_);
    return bytes_at(i);
  }

  // Whether key(row), a number, is the same of all its rows. Without a branch for each.
  template <class KeyOf>
  bool all_alike(KeyOf&& key) const {
    if (size_ == 0) return true;
    using Number = decltype(key(rows()[0]));
    const std::size_t n = size_;
    const Number first = key(rows()[0]);
    if (key(rows()[n - 1]) != first) return false;
    Number differs = 0;
    for (std::size_t i = 0; i < n; ++i) differs = static_cast<Number>(differs | (key(rows()[i]) ^ first));
    return differs == 0;
  }

  // The same as long as the packet is on its way, and then perhaps another packet's: for whoever looks on.
  const void* identity(std::size_t i) const {
    assert(i < size_);
    return buffers_[i];
  }

  Done push(Packet<Stage>&& packet, const Row<Stage>& row) {
    assert(size_ < kBurstSize);
    buffers_[size_] = Access::release(std::move(packet));
    new (&rows()[size_]) Row<Stage>(row);
    ++size_;
    return Access::done();
  }

  // Hands every packet to `step`, which returns the Done of what it did with it. Afterwards the burst is empty.
  // step: Done(Packet<Stage>, const Row<Stage>&) or Done(Packet<Stage>, const Row<Stage>&, std::size_t index)
  template <class Step>
  void drain(Step&& step) {
    const std::size_t n = std::exchange(size_, 0);
    for (std::size_t i = 0; i < n; ++i) {
      const Row<Stage> row = rows()[i];  // out of reach of what is written meanwhile
      if constexpr (std::invocable<Step&, Packet<Stage>, const Row<Stage>&, std::size_t>) {
        static_assert(std::same_as<Done, std::invoke_result_t<Step&, Packet<Stage>, const Row<Stage>&, std::size_t>>,
                      "the step must say what became of its packet");
        (void)step(Access::adopt<Stage>(buffers_[i]), row, i);
      } else {
        static_assert(std::same_as<Done, std::invoke_result_t<Step&, Packet<Stage>, const Row<Stage>&>>,
                      "the step must say what became of its packet");
        (void)step(Access::adopt<Stage>(buffers_[i]), row);
      }
    }
  }

  // As drain, and of the packets that come kAhead later asks for their bytes, or for what `ask` knows.
  // ask: void(const Row<Stage>&, std::span<const std::uint8_t> bytes)
  template <class Step>
  void drain_ahead(Step&& step) {
    drain_ahead(std::forward<Step>(step),
                [](const Row<Stage>&, std::span<const std::uint8_t> bytes) { prefetch_line(bytes.data()); });
  }
  template <class Step, class Ask>
  void drain_ahead(Step&& step, Ask&& ask) {
    constexpr std::size_t kAhead = 4;
    for (std::size_t i = 0; i < size_ && i < kAhead; ++i) ask(rows()[i], bytes_at(i));
    const std::size_t n = size_;
    drain([&](Packet<Stage> packet, const Row<Stage>& row, std::size_t i) -> Done {
      if (i + kAhead < n) ask(std::as_const(*this).rows()[i + kAhead], bytes_at(i + kAhead));
      return step(std::move(packet), row);
    });
  }

  // For a burst in the order of arrival: those from `place` on go to `later`, which is empty.
  void split_from(Arrival place, Burst& later) {
    std::size_t n = 0;
    while (n < size_ && place_of(rows()[n]) < place) ++n;
    copy(n, size_ - n, later);
    size_ = n;
  }
  void take_first(Burst& to) {
    assert(size_ != 0);
    copy(0, 1, to);
    std::memmove(buffers_, &buffers_[1], (size_ - 1) * sizeof(rte_mbuf*));
    std::memmove(rows(), &rows()[1], (size_ - 1) * sizeof(Row<Stage>));
    --size_;
  }
  void take_all(Burst& to) {
    copy(0, size_, to);
    size_ = 0;
  }

  // Packets of one receive burst may come here by different ways; what leaves must not depend on which way was quicker.
  void restore_arrival_order();

 private:
  friend class PortIo;  // sends the buffers of a whole burst in one call

  void copy(std::size_t first, std::size_t n, Burst& to) {
    assert(first + n <= size_ && to.size_ + n <= kBurstSize);
    std::memcpy(&to.buffers_[to.size_], &buffers_[first], n * sizeof(rte_mbuf*));
    std::memcpy(&to.rows()[to.size_], &rows()[first], n * sizeof(Row<Stage>));
    to.size_ += n;
  }
  std::span<const std::uint8_t> bytes_at(std::size_t i) const {
    return {rte_pktmbuf_mtod(buffers_[i], const std::uint8_t*), rte_pktmbuf_data_len(buffers_[i])};
  }
  Row<Stage>* rows() { return rows_.at; }
  const Row<Stage>* rows() const { return rows_.at; }

  // Room for rows: how many there are, size_ says. An array that is not begun is put to use row by row, which compilers
  // grant (and C++26); GCC 12 vectorizes no loop with std::launder in it.
  union Rows {
    Rows() {}
    Row<Stage> at[kBurstSize];
  };

  rte_mbuf* buffers_[kBurstSize];
  alignas(16) Rows rows_;
  std::size_t size_ = 0;
};

template <class Stage>
void Burst<Stage>::restore_arrival_order() {
  // Arrival is below kBurstSize and unique within a receive burst: scatter by it, then close the gaps.
  rte_mbuf* buffers[kBurstSize] = {};
  Rows by_place;
  for (std::size_t i = 0; i < size_; ++i) {
    const auto place = static_cast<std::size_t>(place_of(rows()[i]));
    assert(place < kBurstSize && buffers[place] == nullptr);
    buffers[place] = buffers_[i];
    new (&by_place.at[place]) Row<Stage>(rows()[i]);
  }
  std::size_t n = 0;
  for (std::size_t place = 0; place < kBurstSize; ++place) {
    if (buffers[place] == nullptr) continue;
    buffers_[n] = buffers[place];
    new (&rows()[n]) Row<Stage>(by_place.at[place]);
    ++n;
  }
}

}  // namespace strata
