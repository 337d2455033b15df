// Two configurations in which every key of the schema stands, each on a line of its own, for tests to change.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "config/parser.hpp"

namespace strata::config {

// What is sealed, steered and routed.
inline constexpr std::string_view kSample = R"(ports:
  wan:
    device: "net_af_packet0,iface=wan0"
    mac: "02:00:00:00:01:01"
    addresses: [192.0.2.1/24, "2001:db8::1/64"]
    side: unprotected
  lan:
    device: 0000:3b:00.1
    addresses: [10.1.0.1/24]
    side: protected
neighbors:
  - port: lan
    address: 10.1.0.2
    mac: "02:00:00:00:02:02"
ipsec:
  security_associations:
    - name: from-b
      direction: in
      spi: 0x1001
      source: 192.0.2.2
      destination: 192.0.2.1
      udp_encap:
        source_port: 4500
        destination_port: 4501
      algorithm: aes-128-gcm
      key: "hex:0102030405060708090a0b0c0d0e0f1011121314"
      esn: true
      replay_window: 2048
      selectors:
        source: "fc00:2::/48"
        destination: "fc00:1::/48"
        protocol: ipv4
    - name: to-b
      direction: out
      spi: 0x2001
      source: 192.0.2.1
      destination: 192.0.2.2
      algorithm: chacha20-poly1305
      key: "hex:2122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f4041424344"
      selectors: {source: "fc00:1::/48", destination: "fc00:2::/48"}
srv6:
  source: "fc00:1::1"
  local_sids:
    - sid: "fc00:1::d4/128"
      behavior: End.DX4
      next_hop: 10.1.0.2
      port: lan
      clear: false
    - {sid: "fc00:1:0:d4::/64", behavior: End.DX4, next_hop: 10.1.0.3, port: lan, clear: true}
  policies:
    - name: to-b
      prefixes: [10.2.0.0/16, 10.3.0.0/16]
      segments: ["fc00:2::d4"]
      mode: H.Encaps.Red
routes:
  - prefix: 0.0.0.0/0
    next_hop: 192.0.2.254
    port: wan
bypass:
  - source: 10.1.0.0/24
    destination: 192.0.2.0/24
    protocol: udp
    source_ports: 1000-2000
    destination_ports: 53
state:
  directory: /var/lib/strata/a
)";

// How it runs, and what the outer headers say.
inline constexpr std::string_view kLiveSample = R"(ports:
  wan:
    device: "net_af_packet0,iface=wan0"
    addresses: [192.0.2.1/24]
    side: unprotected
    mtu: 9000
    queues: 4
    descriptors:
      rx: 2048
      tx: 512
    promiscuous: true
    offloads: false
  tap:
    device: "net_tap0,iface=strata0"
    mtu: 1400
    host: true
ipsec:
  security_associations:
    - name: to-b
      direction: out
      spi: 0x2001
      source: 192.0.2.1
      destination: 192.0.2.2
      algorithm: aes-128-gcm
      key: "hex:2122232425262728292a2b2c2d2e2f3031323334"
      selectors: {source: "fc00:1::/48", destination: "fc00:2::/48"}
      ttl: 32
      dscp: 46
      df: copy
      lifetime:
        soft:
          seconds: 80
          bytes: 8000
          packets: 800
        hard:
          seconds: 90
          bytes: 9000
          packets: 900
srv6:
  source: "fc00:1::1"
  policies:
    - name: to-b
      prefixes: [10.2.0.0/16]
      segments: ["fc00:2::d4"]
      hop_limit: 128
      dscp: 10
      mss_clamp: true
arp:
  enabled: false
  hold: 8
  tries: 5
  interval_ms: 500
  reachable_s: 30
  neighbors: 128
icmp:
  errors_per_second: 100
  burst: 10
  echo: false
  path_mtu: false
reassembly:
  enabled: false
  packets: 64
  timeout_ms: 1000
state:
  unsafe_lab_without_state: true
workers:
  cpus: [3, 5]
  count: 2
  rebalance: true
eal:
  hugepages: required
  memory: 1024
  arguments: [--log-level, "pmd.net.*:debug"]
name: gateway-a
control:
  enabled: true
  socket: /run/gateways/a.sock
  payload_group: operators
  change_group: keyers
metrics:
  http: true
  address: "::1"
  port: 9000
  entries: 5
  telemetry: true
)";

// The sample with the first `from` in it changed.
inline std::string changed(std::string_view from, std::string_view to, std::string_view sample = kSample) {
  std::string text(sample);
  const std::size_t at = text.find(from);
  if (at == std::string::npos) {
    ADD_FAILURE() << "the sample has no " << from;
    return text;
  }
  return text.replace(at, from.size(), to);
}

// What `strata check` would print of the mistakes, one a line; empty: there is none.
inline std::string mistakes_in(const std::string& text, const std::string& file = "c.yaml") {
  const auto config = parse_text(text, file);
  std::string out;
  if (config) return out;
  for (const Problem& problem : config.error()) out += to_string(problem, file) + "\n";
  return out;
}

inline Config parsed(const std::string& text) {
  auto config = parse_text(text, "c.yaml");
  if (!config) {
    ADD_FAILURE() << mistakes_in(text);
    return {};
  }
  return std::move(*config);
}

}  // namespace strata::config
