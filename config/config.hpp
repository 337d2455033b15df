// What a configuration file says, checked: the parser makes it whole or not at all (docs/configuration.md).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/secret.hpp"
#include "dataplane/wire/address.hpp"

namespace strata::config {

// Where in the file something stands, both counted from 1.
struct Mark {
  int line = 0;
  int column = 0;
};

// RFC 4301 section 3.1: the IPsec boundary runs between the two.
enum class Side : std::uint8_t { protected_side, unprotected_side };

struct Port {
  std::string name;
  std::string device;                       // PCI address or vdev, as EAL takes it
  std::optional<wire::MacAddress> mac;      // nothing: the device's own
  std::vector<wire::Ipv4Prefix> addresses;  // the host bits are kept: 192.0.2.1/24
  std::vector<wire::Ipv6Prefix> addresses6;
  Side side = Side::protected_side;
  std::uint16_t mtu = 1500;  // octets of an IP packet
  std::uint16_t queues = 1;  // to receive by
  std::uint16_t rx_descriptors = 1024;
  std::uint16_t tx_descriptors = 1024;
  bool promiscuous = false;
  bool offloads = true;  // checksums of received headers by the device, where it can
  bool host = false;     // leads to this machine's own kernel; at most one, without addresses
  bool says_side = false;
  Mark mark;
};

enum class Hugepages : std::uint8_t { automatic, never, required };

// How DPDK is started.
struct Eal {
  Hugepages hugepages = Hugepages::automatic;
  std::uint32_t memory = 512;  // MiB; unsaid: what is needed, and no less than this
  std::vector<std::string> arguments;
};

// The threads that carry packets.
struct Workers {
  std::uint32_t count = 1;
  std::vector<std::uint32_t> cpus;  // one for each; empty: the system chooses
  bool rebalance = false;           // SAs go to where there is less to do
};

// RFC 826, with the queue of RFC 1122 section 2.3.2.2.
struct Arp {
  bool enabled = true;      // false: nobody is asked, and nobody answered
  std::uint32_t hold = 16;  // packets for each neighbor that is being asked
  std::uint32_t tries = 3;
  std::uint32_t interval_ms = 1000;
  std::uint32_t reachable_s = 60;
  std::uint32_t neighbors = 4096;  // learned on each port at the most
};

// RFC 1812 section 4.3.2.8.
struct Icmp {
  std::uint32_t errors_per_second = 1000;  // 0: none is sent
  std::uint32_t burst = 50;
  bool echo = true;      // requests to own addresses are answered
  bool path_mtu = true;  // what routers say of the MTU on a tunnel's way is believed
};

struct Reassembly {
  bool enabled = true;
  std::uint32_t packets = 1024;  // in parts at one time
  std::uint32_t timeout_ms = 2000;
};

// Where it is kept what outlives the process: how far the sequence numbers of each key that seals have gone.
struct State {
  std::string directory = "/var/lib/strata";
  bool unsafe_lab_without_state = false;  // nothing is kept: a start repeats the nonces of the one before
};

// sockaddr_un holds no more (unix(7)).
inline constexpr std::size_t kLongestSocketPath = 107;

// How a running gateway is asked and told things.
struct Control {
  bool enabled = true;
  std::string socket;  // empty: the usual place, by the gateway's name
  // Who, beside root and the gateway's own user, may see opened packets, and change single entries; empty: nobody.
  std::string payload_group;
  std::string change_group;
};

// Where the figures of a running gateway are read.
struct Metrics {
  bool http = true;
  bool http_is_wished = false;  // in so many words: then it has to be
  std::string address = "127.0.0.1";
  std::uint16_t port = 14500;
  std::uint32_t entries = 1000;  // SAs, and SIDs, with series of their own
  bool telemetry = false;        // also at DPDK's telemetry socket
};

struct Neighbor {
  std::string port;
  wire::Ipv4Address address;
  wire::MacAddress mac;
  Mark mark;
};

enum class Direction : std::uint8_t { in, out };
enum class Algorithm : std::uint8_t { aes_128_gcm, aes_192_gcm, aes_256_gcm, chacha20_poly1305 };

struct UdpEncap {
  std::uint16_t source_port = 4500;       // of the datagrams this SA's sender sends
  std::uint16_t destination_port = 4500;  // inbound: the local port the SA is reached at
};

// RFC 4301 section 4.4.1.1, on the decrypted packet (in) or before encryption (out).
struct Selectors {
  wire::Ipv6Prefix source;
  wire::Ipv6Prefix destination;
  std::optional<std::uint8_t> protocol;  // of the IPv6 packet's upper layer; nothing: any
};

// RFC 4301 section 5.1.2.1: what the outer header says of fragmentation; copy: what the IPv4 packet inside says.
enum class DfMode : std::uint8_t { set, clear, copy };

// What an SA may carry until something becomes of it; nothing: as much as it likes.
struct Limits {
  std::optional<std::uint64_t> seconds;
  std::optional<std::uint64_t> bytes;  // of the IPv6 packets in it
  std::optional<std::uint64_t> packets;
  bool operator==(const Limits&) const = default;
};

// RFC 4301 section 4.4.2.1. soft: it is told that a new key is due; hard: it carries nothing any more.
struct Lifetime {
  Limits soft;
  Limits hard;
  bool operator==(const Lifetime&) const = default;
};

struct SecurityAssociation {
  std::string name;
  Direction direction = Direction::in;
  std::uint32_t spi = 0;
  wire::Ipv4Address source;
  wire::Ipv4Address destination;
  std::optional<UdpEncap> udp_encap;  // nothing: plain ESP, protocol 50
  Algorithm algorithm = Algorithm::aes_128_gcm;
  Secret key;  // the cipher's key, then 4 octets of salt
  bool esn = false;
  std::uint32_t replay_window = 1024;  // packets; 0: off
  Selectors selectors;
  std::uint8_t ttl = 64;             // of the outer header, as the two below: direction out only
  std::optional<std::uint8_t> dscp;  // nothing: the inner packet's
  DfMode df = DfMode::set;
  Lifetime lifetime;
  Mark mark;
};

enum class Behavior : std::uint8_t { end_dx4 };

struct LocalSid {
  wire::Ipv6Prefix sid;
  Behavior behavior = Behavior::end_dx4;
  wire::Ipv4Address next_hop;
  std::string port;
  bool clear = false;  // true: also takes traffic that came in clear
  Mark mark;
};

enum class EncapMode : std::uint8_t { encaps, encaps_red };

struct Policy {
  std::string name;
  std::vector<wire::Ipv4Prefix> prefixes;
  std::vector<wire::Ipv6Address> segments;  // in travelling order, 1 to 16
  EncapMode mode = EncapMode::encaps_red;
  std::uint8_t hop_limit = 64;
  std::optional<std::uint8_t> dscp;  // nothing: the inner packet's
  bool mss_clamp = false;            // TCP's MSS is kept to what the inner MTU takes
  Mark mark;
};

struct Route {
  wire::Ipv4Prefix prefix;
  wire::Ipv4Address next_hop;
  std::string port;
  Mark mark;
};

struct PortRange {
  std::uint16_t first = 0;
  std::uint16_t last = 65535;
};

// Lets clear IPv4 traffic cross the boundary, in the one direction it names.
struct Bypass {
  wire::Ipv4Prefix source;
  wire::Ipv4Prefix destination;
  std::optional<std::uint8_t> protocol;
  std::optional<PortRange> source_ports;  // only with protocol tcp or udp
  std::optional<PortRange> destination_ports;
  Mark mark;
};

struct Config {
  std::string file;
  std::string name = "strata";  // of the gateway, among those of this machine
  std::vector<Port> ports;      // in the file's order
  Eal eal;
  Workers workers;
  Arp arp;
  Icmp icmp;
  Reassembly reassembly;
  State state;
  Control control;
  std::vector<Neighbor> neighbors;
  std::vector<SecurityAssociation> security_associations;
  std::optional<wire::Ipv6Address> srv6_source;
  std::vector<LocalSid> local_sids;
  std::vector<Policy> policies;
  std::vector<Route> routes;
  std::vector<Bypass> bypass;
  Metrics metrics;
};

}  // namespace strata::config
