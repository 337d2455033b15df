// What it costs to look at a header and check it: the views, and the walk over IPv6 extension headers.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "dataplane/wire/esp.hpp"
#include "dataplane/wire/ipv4.hpp"
#include "dataplane/wire/ipv6.hpp"

namespace strata {
namespace {

constexpr std::size_t kBurst = 64;
constexpr std::size_t kBuffers = 256;
constexpr std::size_t kStride = 2304;  // as of a pool of buffers
constexpr std::size_t kLength = 120;   // of each packet

using Octets = std::vector<std::uint8_t>;

// The same packet in all buffers.
Octets buffers_of(const Octets& packet) {
  Octets memory(kBuffers * kStride);
  for (std::size_t i = 0; i < kBuffers; ++i) std::copy(packet.begin(), packet.end(), &memory[i * kStride]);
  return memory;
}

// Times `look`, which is given the octets of one packet after the other.
template <class Look>
void each(benchmark::State& state, const Octets& packet, Look look) {
  const Octets memory = buffers_of(packet);
  std::size_t at = 0;
  for (auto _ : state) {
    for (std::size_t i = 0; i < kBurst; ++i) look(wire::Bytes(&memory[(at + i) * kStride], packet.size()));
    at = (at + kBurst) % kBuffers;
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * kBurst));
}

Octets ipv4() {
  Octets packet{0x45, 0, 0, kLength, 0, 0, 0x40, 0, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2};
  wire::store_be16(&packet[10], wire::checksum(packet));
  packet.resize(kLength);
  return packet;
}

// headers: extension headers behind the IPv6 header, each with its own Next Header in its first octet; first: what the
// first of them is.
Octets ipv6(std::uint8_t first, const Octets& headers) {
  Octets packet(kLength);
  packet[0] = 0x60;
  packet[5] = kLength - wire::kIpv6HeaderLength;
  packet[6] = first;
  packet[7] = 64;
  std::copy(headers.begin(), headers.end(), packet.begin() + wire::kIpv6HeaderLength);
  return packet;
}

void ipv4_view(benchmark::State& state) {
  each(state, ipv4(), [](wire::Bytes packet) {
    const auto [view, fault] = wire::Ipv4View::check(packet);
    benchmark::DoNotOptimize(fault);
  });
}

void ipv6_view(benchmark::State& state) {
  each(state, ipv6(wire::kProtocolIpv4, {}), [](wire::Bytes packet) {
    const auto [view, fault] = wire::Ipv6View::check(packet);
    benchmark::DoNotOptimize(fault);
  });
}

void esp_view(benchmark::State& state) {
  each(state, Octets(kLength, 0x55), [](wire::Bytes packet) {
    const auto [view, fault] = wire::EspView::check(packet);
    std::uint32_t spi = view.spi();
    benchmark::DoNotOptimize(fault);
    benchmark::DoNotOptimize(spi);
  });
}

void walk(benchmark::State& state, const Octets& packet) {
  each(state, packet, [](wire::Bytes bytes) {
    const wire::Ipv6Chain chain = wire::walk_extension_headers(bytes);
    benchmark::DoNotOptimize(chain.upper_offset);
    benchmark::DoNotOptimize(chain.fault);
  });
  // A benchmark of what is refused at the first header would say nothing.
  if (wire::walk_extension_headers(packet).fault != wire::ChainFault::none)
    state.SkipWithError("the packet is refused");
}

void walk_none(benchmark::State& state) { walk(state, ipv6(wire::kProtocolIpv4, {})); }

// RFC 8754 section 2: one segment, which was the last.
void walk_srh(benchmark::State& state) {
  Octets srh{wire::kProtocolIpv4, 2, wire::kRoutingTypeSrh, 0, 0, 0, 0, 0};
  srh.resize(24);
  walk(state, ipv6(wire::kProtocolRouting, srh));
}

void walk_four(benchmark::State& state) {
  const std::uint8_t options = wire::kProtocolDstOpts;
  Octets headers;
  for (const std::uint8_t next : {options, options, options, wire::kProtocolIpv4})
    headers.insert(headers.end(), {next, 0, 1, 4, 0, 0, 0, 0});
  walk(state, ipv6(options, headers));
}

}  // namespace
}  // namespace strata

BENCHMARK(strata::ipv4_view);
BENCHMARK(strata::ipv6_view);
BENCHMARK(strata::esp_view);
BENCHMARK(strata::walk_none);
BENCHMARK(strata::walk_srh);
BENCHMARK(strata::walk_four);
BENCHMARK_MAIN();
