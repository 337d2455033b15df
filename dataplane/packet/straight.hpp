// A step that follows another one at once, packet by packet, without a burst between them.
#pragma once

#include "dataplane/packet/burst.hpp"

namespace strata {

// A step's work on one packet: Done input(Packet<Stage>, const Row<Stage>&), of the stage that it names.
template <class Step>
concept PacketStep = requires(const Step& step, Packet<typename Step::stage_type> packet,
                              const Row<typename Step::stage_type>& row) {
  { step.input(std::move(packet), row) } -> std::same_as<Done>;
};

// What is rare, and so a function of its own, takes rows as values, and packets without the view that the usual way has
// of them: what has given its address away, or is put together for a call, would lie in memory on the usual way too.
//
// Takes a packet where a step before would put it into a burst.
template <PacketStep Step>
class Straight {
 public:
  using stage_type = typename Step::stage_type;

  explicit Straight(Step step) : step_(step) {}
  Straight(const Straight&) = delete;
  Straight& operator=(const Straight&) = delete;

  [[gnu::always_inline]] Done push(Packet<stage_type>&& packet, const Row<stage_type>& row) {
    ++size_;
    return step_.input(std::move(packet), row);
  }

  // Whether it has anything to look up now.
  bool asks() const requires requires(const Step& step) { step.asks(); }
  { return step_.asks(); }
  // Some turns before: what the step may have to look up.
  template <class... What>
  requires requires(const Step& step, const What&... of) { step.ask(of...); }
  [[gnu::always_inline]] void ask(const What&... of) const { step_.ask(of...); }

  std::size_t size() const { return size_; }  // that have come so far

 private:
  Step step_;
  std::size_t size_ = 0;
};

// A burst through such a step.
template <PacketStep Step>
void drain(Burst<typename Step::stage_type>& in, const Step& step) {
  using Stage = typename Step::stage_type;
  in.drain([&](Packet<Stage> packet, const Row<Stage>& row) -> Done { return step.input(std::move(packet), row); });
}

// Whether all packets of a burst are of one SA, which Step::sa_of(row) names.
template <PacketStep Step>
bool is_of_one_sa(const Burst<typename Step::stage_type>& in) {
  return in.all_alike([](const Row<typename Step::stage_type>& row) { return Step::sa_of(row).index(); });
}

// One that says what it needs of the packets that come later: void ask(const Row<Stage>&, bytes), of the SA that each
// is of. Of packets of one SA that come in a row, one that is no longer than those before it needs nothing that they
// did not; where all of a burst are of one, its first packet asks, and a longer one may have to wait for the rest of
// the key.
template <PacketStep Step>
void drain_asking(Burst<typename Step::stage_type>& in, const Step& step, bool of_one_sa) {
  using Stage = typename Step::stage_type;
  if (in.empty()) return;
  if (of_one_sa) {
    step.ask(in.row(0), in.bytes(0));
    return drain(in, step);
  }
  auto asked = decltype(Step::sa_of(in.row(0)))::none();
  std::size_t octets = 0;  // that were asked for
  in.drain_ahead(
      [&](Packet<Stage> packet, const Row<Stage>& row) -> Done { return step.input(std::move(packet), row); },
      [&](const Row<Stage>& row, std::span<const std::uint8_t> bytes) {
        if (Step::sa_of(row) == asked && bytes.size() <= octets) return;
        step.ask(row, bytes);
        asked = Step::sa_of(row);
        octets = bytes.size();
      });
}
template <PacketStep Step>
void drain_asking(Burst<typename Step::stage_type>& in, const Step& step) {
  drain_asking(in, step, is_of_one_sa<Step>(in));
}

}  // namespace strata
