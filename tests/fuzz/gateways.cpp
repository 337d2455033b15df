#include "tests/fuzz/gateways.hpp"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "config/parser.hpp"

namespace strata::fuzz {
namespace {

constexpr std::array<const char*, kGateways> kEnds{
    R"(
arp: {hold: 4, tries: 2, interval_ms: 100, reachable_s: 5, neighbors: 16}
icmp: {errors_per_second: 10, burst: 8}
reassembly: {packets: 16, timeout_ms: 500}
)",
    R"(  host: {device: "net_null3", mac: "02:00:00:00:03:00", host: true, mtu: 1000}
arp: {hold: 4, tries: 2, interval_ms: 100, reachable_s: 5, neighbors: 16}
icmp: {errors_per_second: 10, burst: 8}
reassembly: {packets: 16, timeout_ms: 500}
)",
    R"(
arp: {enabled: false}
icmp: {errors_per_second: 0, echo: false, path_mtu: false}
reassembly: {enabled: false}
)"};

config::Config read(const char* end) {
  std::ifstream file(STRATA_SOURCE_ROOT "/tests/fuzz/gateway.yaml");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  auto config = config::parse_text(text + end, "gateway.yaml");
  if (config) return std::move(*config);
  std::fprintf(stderr, "%s\n", to_string(config.error().front(), "gateway.yaml").c_str());
  std::abort();
}

}  // namespace

const config::Config& gateway_config(std::size_t which) {
  static const std::array<config::Config, kGateways> configs{read(kEnds[0]), read(kEnds[1]), read(kEnds[2])};
  return configs[which % kGateways];
}

}  // namespace strata::fuzz
