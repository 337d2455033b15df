// Whether typed packets cost anything: the same step by bursts and gate, and by hand over arrays of pointers.
// docs/decisions/0001-typed-packets.md has the figures.
#include <benchmark/benchmark.h>

#include <new>

#include "dataplane/packet/gate.hpp"
#include "tests/bench/bench_buffers.hpp"

namespace strata {
namespace {

constexpr std::size_t kOuter = 40;

// Both steps read one octet of the packet, take kOuter octets off its front and pass on pointer and row. noinline: as a
// stage in a file of its own is.
[[gnu::noinline]] void typed_step(Burst<stage::Sr6>& in, Burst<stage::Ip4>& out) {
  in.drain([&](Packet<stage::Sr6> packet, const Row<stage::Sr6>& row) -> Done {
    const AdjId<V4> adj(std::as_const(packet).bytes()[0]);
    return Gate::decapsulated(std::move(packet), row, OuterLength{kOuter}, adj, out);
  });
}

struct RawIn {
  rte_mbuf* buffers[kBurstSize];
  Row<stage::Sr6>* rows;
  std::size_t size;
};
struct RawOut {
  rte_mbuf* buffers[kBurstSize];
  Row<stage::Ip4>* rows;
  std::size_t size;
};

[[gnu::noinline]] void raw_step(RawIn& in, RawOut& out) {
  const std::size_t n = std::exchange(in.size, 0);
  std::size_t k = out.size;
  for (std::size_t i = 0; i < n; ++i) {
    rte_mbuf* m = in.buffers[i];
    const Row<stage::Sr6>& was = in.rows[i];
    const std::uint32_t adj = *rte_pktmbuf_mtod(m, const std::uint8_t*);
    m->data_off = static_cast<std::uint16_t>(m->data_off + kOuter);
    m->data_len = static_cast<std::uint16_t>(m->data_len - kOuter);
    out.buffers[k] = m;
    new (&out.rows[k]) Row<stage::Ip4>{.from = {was.from.sa(), was.from.port(), Side::protected_side, was.from.place()},
                                       .adj = AdjId<V4>(adj),
                                       .carried = was.ecn};
    ++k;
  }
  out.size = k;
}

Row<stage::Sr6> row_of(std::size_t i) {
  return {.from = {SaId(1), PortId(2), Side::unprotected_side, static_cast<Arrival>(i)},
          .sid = SidId(3),
          .ecn = wire::Ecn::ect0};
}

void typed(benchmark::State& state) {
  Buffers buffers;
  Burst<stage::Sr6> in;
  Burst<stage::Ip4> out;
  for (auto _ : state) {
    PortIo::fill(buffers, in, row_of);
    typed_step(in, out);
    benchmark::DoNotOptimize(out);
    PortIo::empty(out);
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * kBurstSize));
}

void by_hand(benchmark::State& state) {
  Buffers buffers;
  alignas(64) std::byte in_rows[kBurstSize * sizeof(Row<stage::Sr6>)];
  alignas(64) std::byte out_rows[kBurstSize * sizeof(Row<stage::Ip4>)];
  RawIn in{{}, reinterpret_cast<Row<stage::Sr6>*>(in_rows), 0};
  RawOut out{{}, reinterpret_cast<Row<stage::Ip4>*>(out_rows), 0};
  for (auto _ : state) {
    for (std::size_t i = 0; i < kBurstSize; ++i) {
      in.buffers[i] = buffers.fresh(i);
      new (&in.rows[i]) Row<stage::Sr6>(row_of(i));
    }
    in.size = kBurstSize;
    raw_step(in, out);
    benchmark::DoNotOptimize(out);
    out.size = 0;
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * kBurstSize));
}

}  // namespace
}  // namespace strata

BENCHMARK(strata::typed);
BENCHMARK(strata::by_hand);
BENCHMARK_MAIN();
