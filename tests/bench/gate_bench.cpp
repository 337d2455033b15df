// What each transition of the journey costs, in cache: a burst goes from one stage to the next, and nothing else is
// done with it. `none` is what this file's own loop takes, and is in all the others.
#include <benchmark/benchmark.h>

#include "dataplane/packet/gate.hpp"
#include "tests/bench/bench_buffers.hpp"

namespace strata {
namespace {

constexpr LinkLength kLink{14};
constexpr std::size_t kTotal = 150;
constexpr EthernetHeader kHeader{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x08, 0x00};
constexpr Ipv6Begin kFirst{0x60};
constexpr std::array<std::uint8_t, 64> kOuter{};  // with an SRH of one segment

Origin origin(std::size_t i) { return {SaId(1), PortId(2), Side::unprotected_side, static_cast<Arrival>(i)}; }

Row<stage::Frame> frame_row(std::size_t i) { return {.from = origin(i), .sum = wire::HeaderSum::unknown}; }
Row<stage::Host> host_row(std::size_t i) {
  return {.from = origin(i), .sum = wire::HeaderSum::unknown, .broadcast = false};
}
Row<stage::Ip6> ip6_row(std::size_t i) { return {.from = origin(i), .carried = wire::Ecn::ect0}; }
Row<stage::Sr6> sr6_row(std::size_t i) { return {.from = origin(i), .sid = SidId(3), .ecn = wire::Ecn::ect0}; }
Row<stage::Ip4> ip4_row(std::size_t i) {
  return {.from = origin(i), .adj = AdjId<V4>(4), .carried = wire::Ecn::not_ect};
}
Row<stage::Steered> steered_row(std::size_t i) { return {.from = origin(i), .policy = PolicyId(5)}; }

void none(benchmark::State& state) {
  Buffers buffers;
  Burst<stage::Frame> in;
  for (auto _ : state) {
    PortIo::fill(buffers, in, frame_row);
    benchmark::ClobberMemory();
    PortIo::empty(in);
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * kBurstSize));
}

// transition: Done(Packet<From>, const Row<From>&, Burst<To>&)
template <class From, class To, class Transition>
void cross(benchmark::State& state, Row<From> (*row_of)(std::size_t), Transition transition) {
  Buffers buffers;
  Burst<From> in;
  Burst<To> out;
  for (auto _ : state) {
    PortIo::fill(buffers, in, row_of);
    benchmark::ClobberMemory();
    in.drain(
        [&](Packet<From> packet, const Row<From>& was) -> Done { return transition(std::move(packet), was, out); });
    benchmark::ClobberMemory();
    PortIo::empty(out);
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * kBurstSize));
}

void host(benchmark::State& state) {
  cross<stage::Frame, stage::Host>(state, frame_row, [](auto packet, const auto& was, auto& out) {
    return Gate::host(std::move(packet), was, kLink, out);
  });
}

void ip4(benchmark::State& state) {
  cross<stage::Frame, stage::Ip4>(state, frame_row, [](auto packet, const auto& was, auto& out) {
    return Gate::ip4(std::move(packet), was, kLink, out);
  });
}

void esp(benchmark::State& state) {
  cross<stage::Host, stage::EspIn>(state, host_row, [](auto packet, const auto& was, auto& out) {
    return Gate::esp(std::move(packet), was, {28, kTotal}, SaId(7), {0xc0000201}, wire::Ecn::ect0, out);
  });
}

void at_sid(benchmark::State& state) {
  cross<stage::Ip6, stage::Sr6>(state, ip6_row, [](auto packet, const auto& was, auto& out) {
    return Gate::at_sid(std::move(packet), was, kTotal, SidId(3), wire::Ecn::ect0, out);
  });
}

void decapsulated(benchmark::State& state) {
  cross<stage::Sr6, stage::Ip4>(state, sr6_row, [](auto packet, const auto& was, auto& out) {
    return Gate::decapsulated(std::move(packet), was, OuterLength{40}, AdjId<V4>(4), out);
  });
}

void linked(benchmark::State& state) {
  cross<stage::Ip4, stage::Out>(state, ip4_row, [](auto packet, const auto& was, auto& out) {
    return Gate::linked(std::move(packet), was, kTotal, kHeader, PortId(1), out);
  });
}

void steered(benchmark::State& state) {
  cross<stage::Ip4, stage::Steered>(state, ip4_row, [](auto packet, const auto& was, auto& out) {
    return Gate::steered(std::move(packet), was, kTotal, PolicyId(5), out);
  });
}

// With a segment list of one: RFC 8986 section 5.1 without the reduction.
void encapsulated(benchmark::State& state) {
  cross<stage::Steered, stage::Sr6Out>(state, steered_row, [](auto packet, const auto& was, auto& out) {
    return Gate::encapsulated(std::move(packet), was, kFirst, kOuter, OutSaId(6), out);
  });
}

}  // namespace
}  // namespace strata

BENCHMARK(strata::none);
BENCHMARK(strata::host);
BENCHMARK(strata::ip4);
BENCHMARK(strata::esp);
BENCHMARK(strata::at_sid);
BENCHMARK(strata::decapsulated);
BENCHMARK(strata::linked);
BENCHMARK(strata::steered);
BENCHMARK(strata::encapsulated);
BENCHMARK_MAIN();
