#include "config/schema.hpp"

#include <algorithm>
#include <array>

#include "config/problem.hpp"

namespace strata::config {
namespace {

constexpr std::array<std::string_view, 2> kSides{"protected", "unprotected"};
constexpr std::array<std::string_view, 3> kHugepages{"auto", "never", "required"};
constexpr std::array<std::string_view, 3> kDfModes{"set", "clear", "copy"};
constexpr std::array<std::string_view, 2> kDirections{"in", "out"};
constexpr std::array<std::string_view, 4> kAlgorithms{"aes-128-gcm", "aes-192-gcm", "aes-256-gcm", "chacha20-poly1305"};
constexpr std::array<std::string_view, 1> kBehaviors{"End.DX4"};
// RFC 8986 sections 4 and 5: what a person may well write, and what an error then calls "not supported yet".
constexpr std::array<std::string_view, 15> kLaterBehaviors{
    "End",      "End.X",    "End.T",    "End.DX6",       "End.DT6", "End.DT4", "End.DT46",         "End.DX2",
    "End.DX2V", "End.DT2U", "End.DT2M", "End.B6.Encaps", "End.BM",  "End.B6",  "End.B6.Encaps.Red"};
constexpr std::array<std::string_view, 4> kLaterModes{"H.Encaps.L2", "H.Encaps.L2.Red", "H.Insert", "H.Insert.Red"};
constexpr std::array<std::string_view, 2> kModes{"H.Encaps", "H.Encaps.Red"};

constexpr std::array kProtocols{
    ProtocolName{"icmp", 1}, ProtocolName{"igmp", 2},    ProtocolName{"ipv4", 4},  ProtocolName{"tcp", 6},
    ProtocolName{"udp", 17}, ProtocolName{"ipv6", 41},   ProtocolName{"gre", 47},  ProtocolName{"esp", 50},
    ProtocolName{"ah", 51},  ProtocolName{"icmpv6", 58}, ProtocolName{"ospf", 89}, ProtocolName{"sctp", 132},
};

// clang-format off
constexpr std::array kDescriptorFields{
    Field{.key = "rx", .type = Type::number, .default_text = "1024", .description = "For each queue to receive by.", .min = 32, .max = 32768},
    Field{.key = "tx", .type = Type::number, .default_text = "1024", .description = "For each queue to send by.", .min = 32, .max = 32768},
};
constexpr Section kDescriptors{"ports.NAME.descriptors", "How many packets the device's rings hold. A device may have other bounds, or want a power of 2: it takes the nearest that it can.", kDescriptorFields};

constexpr std::array kPortFields{
    Field{.key = "device", .type = Type::text, .required = true,
          .description = "The DPDK device: a PCI address (`0000:3b:00.1`) or a virtual device with its arguments "
                         "(`net_af_packet0,iface=wan0`). `strata replay` does not open it."},
    Field{.key = "addresses", .type = Type::interface_address, .list = true, .default_text = "[]",
          .description = "The port's own addresses, each with the prefix length of its subnet: `192.0.2.1/24`. The subnets "
                         "are connected: next hops must lie in them. Subnets of different ports must not overlap.", .min = 0, .max = 64},
    Field{.key = "side", .type = Type::choice, .default_text = "protected",
          .note = "must be said on a port where an SA ends",
          .description = "On which side of the IPsec boundary (RFC 4301 section 3.1) the port is. Clear traffic does not cross "
                         "the boundary unless a `bypass` rule lets it.", .choices = kSides},
    Field{.key = "mac", .type = Type::mac, .note = "unicast",
          .description = "The port's MAC address. Left out: the device's own; in `strata replay` `02:00:00:00:00:NN`, "
                         "NN being the port's place in `ports`, counted from 01."},
    Field{.key = "mtu", .type = Type::number, .default_text = "1500",
          .description = "The largest IP packet in octets, without Ethernet's header. The MTU inside the tunnels follows from it.", .min = 576, .max = 65385},
    Field{.key = "queues", .type = Type::number, .default_text = "1",
          .description = "Queues to receive by, over which the device spreads what arrives.", .min = 1, .max = 16},
    Field{.key = "descriptors", .type = Type::mapping,
          .description = "Left out: 1024 for each direction.", .section = &kDescriptors},
    Field{.key = "promiscuous", .type = Type::boolean, .default_text = "false",
          .description = "Take in frames to any MAC address. Those that are not to the port's own are dropped all the same."},
    Field{.key = "offloads", .type = Type::boolean, .default_text = "true",
          .description = "Let the device check the checksums of the outer IPv4 headers that it receives, where it can; strata looks only at those "
                         "that it does not say are right. What leaves is added up by strata in any case."},
    Field{.key = "host", .type = Type::boolean, .default_text = "false", .note = "true on one port at the most",
          .description = "The port leads to this machine's own kernel (a TAP, say). What is for the gateway itself and not answered by strata "
                         "(IKE, replies to the machine's own pings, other protocols) is sent there, and what comes from it is this machine's own traffic. "
                         "Such a port has no addresses and no side, and no neighbor, SID or route may name it."},
};
constexpr Section kPort{"ports.NAME", "A port, under the name by which all else (`strata replay --in NAME=FILE` too) calls it.", kPortFields};

constexpr std::array kNeighborFields{
    Field{.key = "port", .type = Type::port_name, .required = true, .description = "The port behind which the neighbor is."},
    Field{.key = "address", .type = Type::ipv4, .required = true, .note = "in a subnet of the port",
          .description = "Its IPv4 address."},
    Field{.key = "mac", .type = Type::mac, .required = true, .note = "unicast", .description = "Its MAC address."},
};
constexpr Section kNeighbor{"neighbors[]", "A neighbor whose MAC address is known beforehand.", kNeighborFields};

constexpr std::array kUdpEncapFields{
    Field{.key = "source_port", .type = Type::number, .default_text = "4500",
          .note = "not 500, where IKE lives without a marker",
          .description = "UDP source port of the datagrams that the SA's sender sends. Not looked at on receipt: a NAT may change it.",
          .min = 1, .max = 65535},
    Field{.key = "destination_port", .type = Type::number, .default_text = "4500",
          .note = "not 500, where IKE lives without a marker",
          .description = "UDP port at which the SA's receiver is reached.", .min = 1, .max = 65535},
};
constexpr Section kUdpEncap{"ipsec.security_associations[].udp_encap", "ESP inside UDP (RFC 3948). `{}` takes both defaults.", kUdpEncapFields};

constexpr std::array kSelectorFields{
    Field{.key = "source", .type = Type::ipv6_prefix, .required = true, .description = "Where the IPv6 packet may come from."},
    Field{.key = "destination", .type = Type::ipv6_prefix, .required = true,
          .description = "Where the IPv6 packet may go to: for an inbound SA, a prefix that covers the local SIDs."},
    Field{.key = "protocol", .type = Type::protocol, .note = "not 0, 43, 44 or 60: extension headers, which are never the upper layer",
          .description = "The IPv6 packet's upper layer, behind all extension headers (`ipv4` for traffic to an End.DX4 SID). Left out: any."},
};
constexpr Section kSelectors{"ipsec.security_associations[].selectors",
    "What the SA is for, checked on the decrypted packet (RFC 4301 section 5.2). Those of two SAs of one direction may not overlap; but of one peer several inbound SAs may have the same ones, so that a new key works beside the old.", kSelectorFields};

constexpr std::uint64_t kMostOfALife = 9007199254740991;  // what JSON's readers hold exactly
constexpr std::array kLimitFields{
    Field{.key = "seconds", .type = Type::number, .description = "Since the SA was first there.", .min = 1, .max = kMostOfALife},
    Field{.key = "bytes", .type = Type::number, .description = "Of the IPv6 packets that it carried.", .min = 1, .max = kMostOfALife},
    Field{.key = "packets", .type = Type::number, .description = "Outbound the sequence number, with those that a kill has skipped.", .min = 1, .max = kMostOfALife},
};
constexpr Section kSoftLimits{"ipsec.security_associations[].lifetime.soft", "Whichever comes first; each must be below its hard one.", kLimitFields};
constexpr Section kHardLimits{"ipsec.security_associations[].lifetime.hard", "Whichever comes first. `packets` holds to the packet outbound; all else is looked at each 10 ms.", kLimitFields};
constexpr std::array kLifetimeFields{
    Field{.key = "soft", .type = Type::mapping, .description = "It is told once, by a line and by an event, that a new key is due; nothing else happens.", .section = &kSoftLimits},
    Field{.key = "hard", .type = Type::mapping, .description = "The SA carries nothing any more: its packets are dropped (`esp.expired`).", .section = &kHardLimits},
};
constexpr Section kLifetime{"ipsec.security_associations[].lifetime",
    "How long an SA lives (RFC 4301 section 4.4.2.1). That of an outbound SA is its key's, over all starts, as far as a state is kept; that of an inbound SA begins with each start.", kLifetimeFields};

constexpr std::array kSaFields{
    Field{.key = "name", .type = Type::name, .required = true, .description = "By which reports and counters call the SA."},
    Field{.key = "direction", .type = Type::choice, .required = true,
          .description = "`in`: opens what arrives; `out`: seals what leaves.", .choices = kDirections},
    Field{.key = "spi", .type = Type::number, .required = true, .note = "RFC 4303 2.1: 1..255 are reserved, 0 is never an SA",
          .description = "Security parameters index. Unique for a direction and destination.", .min = 256, .max = 4294967295},
    Field{.key = "source", .type = Type::ipv4, .required = true,
          .description = "Outer IPv4 source: the sender. For `out` an address of a port that says its `side`. For `in` the peer's. Not looked at on receipt: a NAT may change it."},
    Field{.key = "destination", .type = Type::ipv4, .required = true,
          .description = "Outer IPv4 destination: the receiver. For `in` an address of a port that says its `side`. For `out` the peer's."},
    Field{.key = "udp_encap", .type = Type::mapping,
          .description = "ESP travels inside UDP. Left out: plain ESP, IP protocol 50.", .section = &kUdpEncap},
    Field{.key = "algorithm", .type = Type::choice, .required = true,
          .description = "AEAD with an ICV of 16 octets (RFC 4106, RFC 7634).", .choices = kAlgorithms},
    Field{.key = "key", .type = Type::key, .required = true,
          .note = "aes-128-gcm: 20 octets, aes-192-gcm: 28, aes-256-gcm and chacha20-poly1305: 36",
          .description = "The cipher's key and then 4 octets of salt (RFC 4106 section 8.1, RFC 7634 section 3). A file holds the same hexadecimal text "
                         "and may be readable by its owner alone; a relative PATH starts at the configuration's folder. Never printed. "
                         "An SA with `direction: out` needs a key that no other SA has."},
    Field{.key = "esn", .type = Type::boolean, .default_text = "false",
          .description = "Extended (64 bit) sequence numbers; both ends must agree."},
    Field{.key = "replay_window", .type = Type::number, .default_text = "1024", .note = "0: no replay check",
          .description = "Packets that may arrive late (RFC 4303 section 3.4.3, RFC 6479).", .min = 64, .max = 4096, .zero_too = true},
    Field{.key = "selectors", .type = Type::mapping, .required = true, .description = "What the SA is for.", .section = &kSelectors},
    Field{.key = "ttl", .type = Type::number, .default_text = "64", .note = "only with direction: out",
          .description = "TTL of the outer IPv4 header.", .min = 1, .max = 255},
    Field{.key = "dscp", .type = Type::dscp, .default_text = "copy", .note = "only with direction: out",
          .description = "DSCP of the outer IPv4 header: that of the IPv6 packet inside, or this one (RFC 2983). ECN is always copied (RFC 6040)."},
    Field{.key = "df", .type = Type::choice, .default_text = "set", .note = "only with direction: out",
          .description = "DF of the outer IPv4 header (RFC 4301 section 5.1.2.1). `copy`: that of the IPv4 packet inside.", .choices = kDfModes},
    Field{.key = "lifetime", .type = Type::mapping, .description = "Left out: without an end.", .section = &kLifetime},
};
constexpr std::string_view kTunnelOnly = "not supported: an SA here is ESP (RFC 4303) in tunnel mode; AH (RFC 4302) and transport mode are refused; leave this key out";
constexpr std::array kSaRefused{
    Refused{"protocol", kTunnelOnly}, Refused{"mode", kTunnelOnly}, Refused{"ah", kTunnelOnly},
    Refused{"transport", kTunnelOnly}, Refused{"type", kTunnelOnly},
};
constexpr Section kSecurityAssociation{"ipsec.security_associations[]",
    "An SA with its key given by hand. ESP (RFC 4303) in tunnel mode over IPv4; AH and transport mode are not supported and refused.", kSaFields, kSaRefused};

constexpr std::array kIpsecFields{
    Field{.key = "security_associations", .type = Type::mapping, .list = true, .description = "The SAs.",
          .max = 1000000, .section = &kSecurityAssociation},
};
constexpr Section kIpsec{"ipsec", "IPsec (RFC 4301).", kIpsecFields};

constexpr std::array kLocalSidFields{
    Field{.key = "sid", .type = Type::sid, .required = true,
          .description = "The SID, exact or by prefix (`fc00:1::d4/128`, `fc00:1:d4::/64`); the longest match wins, argument bits are ignored. No length means /128."},
    Field{.key = "behavior", .type = Type::choice, .required = true, .description = "RFC 8986 section 4. Others are not supported yet.", .choices = kBehaviors, .later = kLaterBehaviors},
    Field{.key = "next_hop", .type = Type::ipv4, .required = true, .note = "in a subnet of the port",
          .description = "The IPv4 neighbor that gets the packet; no route is looked up."},
    Field{.key = "port", .type = Type::port_name, .required = true, .description = "The port on which it leaves."},
    Field{.key = "clear", .type = Type::boolean, .default_text = "false",
          .description = "Also take packets that came without IPsec."},
};
constexpr Section kLocalSid{"srv6.local_sids[]", "A SID of this gateway (RFC 8986 section 3).", kLocalSidFields};

constexpr std::array kPolicyFields{
    Field{.key = "name", .type = Type::name, .required = true, .description = "By which reports and counters call the policy."},
    Field{.key = "prefixes", .type = Type::ipv4_prefix, .required = true, .list = true,
          .description = "IPv4 destinations that are steered into it; the longest match over routes and policies wins. None inside 0/8, 127/8, 169.254/16, 224/4, 240/4.", .min = 1, .max = 100000},
    Field{.key = "segments", .type = Type::ipv6, .required = true, .list = true,
          .description = "SIDs in the order of travel.", .min = 1, .max = 16},
    Field{.key = "mode", .type = Type::choice, .default_text = "H.Encaps.Red",
          .description = "RFC 8986 section 5: with the whole segment list in the SRH, or reduced (the first segment is only the destination; a single one needs no SRH).",
          .choices = kModes, .later = kLaterModes},
    Field{.key = "hop_limit", .type = Type::number, .default_text = "64", .description = "Hop limit of the IPv6 header.", .min = 1, .max = 255},
    Field{.key = "dscp", .type = Type::dscp, .default_text = "copy",
          .description = "DSCP of the IPv6 header: that of the IPv4 packet inside, or this one (RFC 2983). ECN is always copied (RFC 6040)."},
    Field{.key = "mss_clamp", .type = Type::boolean, .default_text = "false",
          .description = "Lower the MSS of TCP connections to what fits into the policy's MTU (RFC 9293 section 3.7.1)."},
};
constexpr Section kPolicy{"srv6.policies[]", "IPv4 traffic put into IPv6 with a segment list (RFC 8986 section 5).", kPolicyFields};

constexpr std::array kSrv6Fields{
    Field{.key = "source", .type = Type::ipv6, .note = "must be said when there are policies",
          .description = "Source address of the IPv6 packets that policies make."},
    Field{.key = "local_sids", .type = Type::mapping, .list = true, .description = "The SIDs of this gateway.", .max = 1000000, .section = &kLocalSid},
    Field{.key = "policies", .type = Type::mapping, .list = true, .description = "Traffic that enters the SR domain here.", .max = 1000000, .section = &kPolicy},
};
constexpr Section kSrv6{"srv6", "Segment routing over IPv6 (RFC 8754, RFC 8986).", kSrv6Fields};

constexpr std::array kRouteFields{
    Field{.key = "prefix", .type = Type::ipv4_prefix, .required = true, .description = "Destinations; the longest match wins. Not inside 0/8, 127/8, 169.254/16, 224/4, 240/4, which are never forwarded."},
    Field{.key = "next_hop", .type = Type::ipv4, .required = true, .note = "in a subnet of the port", .description = "The neighbor that gets the packet."},
    Field{.key = "port", .type = Type::port_name, .required = true, .description = "The port on which it leaves."},
};
constexpr Section kRoute{"routes[]", "An IPv4 route. The ports' subnets need none.", kRouteFields};

constexpr std::array kBypassFields{
    Field{.key = "source", .type = Type::ipv4_prefix, .required = true, .description = "IPv4 sources."},
    Field{.key = "destination", .type = Type::ipv4_prefix, .required = true, .description = "IPv4 destinations."},
    Field{.key = "protocol", .type = Type::protocol, .description = "IP protocol. Left out: any."},
    Field{.key = "source_ports", .type = Type::port_range, .note = "only with protocol tcp or udp", .description = "Left out: any."},
    Field{.key = "destination_ports", .type = Type::port_range, .note = "only with protocol tcp or udp", .description = "Left out: any."},
};
constexpr Section kBypass{"bypass[]",
    "Clear IPv4 traffic that may cross between the protected and the unprotected side, in the one direction that the rule names. None unless said.", kBypassFields};

constexpr std::array kEalFields{
    Field{.key = "hugepages", .type = Type::choice, .default_text = "auto",
          .description = "`auto`: used where there are enough of them. `required`: without enough of them the gateway does not start.", .choices = kHugepages},
    Field{.key = "memory", .type = Type::number, .description = "DPDK's memory in MiB: packet buffers, routes, neighbors. Left out: what the configuration needs, and at least 512; `strata check` says how much that is.", .min = 64, .max = 1048576},
    Field{.key = "arguments", .type = Type::text, .list = true, .default_text = "[]",
          .description = "Words that are given to EAL as they are, before those of the command line.", .min = 0, .max = 64},
};
constexpr Section kEal{"eal", "How `strata run` starts DPDK's environment abstraction layer (EAL).", kEalFields};

constexpr std::array kWorkersFields{
    Field{.key = "count", .type = Type::number, .default_text = "1",
          .description = "How many there are. With `cpus`, as many as that lists.", .min = 1, .max = 64},
    Field{.key = "cpus", .type = Type::cpu, .list = true,
          .description = "The CPUs that they run on, one each. Left out: the system moves them among those that it allows.", .min = 1, .max = 64},
    Field{.key = "rebalance", .type = Type::boolean, .default_text = "false",
          .description = "`true`: each second SAs go from the worker that has most to do to the one that has least, if they differ much."},
};
constexpr Section kWorkers{"workers", "The threads that carry packets. The ports' receive queues and the SAs are dealt to them in turns.", kWorkersFields};

constexpr std::array kArpFields{
    Field{.key = "enabled", .type = Type::boolean, .default_text = "true",
          .description = "`false`: nobody is asked and nobody is answered; the neighbors are those of `neighbors` alone."},
    Field{.key = "hold", .type = Type::number, .default_text = "16",
          .description = "Packets that wait for each neighbor while it is asked for its MAC address (RFC 1122 section 2.3.2.2).", .min = 1, .max = 64},
    Field{.key = "tries", .type = Type::number, .default_text = "3",
          .description = "How often a neighbor is asked before what waits for it is dropped.", .min = 1, .max = 10},
    Field{.key = "interval_ms", .type = Type::number, .default_text = "1000", .description = "Milliseconds from one question to the next.", .min = 100, .max = 60000},
    Field{.key = "reachable_s", .type = Type::number, .default_text = "60",
          .description = "Seconds after which what a neighbor has answered is asked anew.", .min = 5, .max = 86400},
    Field{.key = "neighbors", .type = Type::number, .default_text = "4096",
          .description = "Neighbors that are learned on each port at the most, those of `neighbors` not counted: whoever floods one port takes no room of another's.", .min = 16, .max = 65536},
};
constexpr Section kArp{"arp", "How neighbors are asked for their MAC addresses (RFC 826).", kArpFields};

constexpr std::array kIcmpFields{
    Field{.key = "errors_per_second", .type = Type::number, .default_text = "1000", .note = "0: none is sent",
          .description = "ICMP errors sent at the most (RFC 1812 section 4.3.2.8): so many about packets that come in clear on either side, and so many about what comes out of SAs.", .min = 0, .max = 1000000},
    Field{.key = "burst", .type = Type::number, .default_text = "50",
          .description = "Of these, how many may be sent at once after a pause.", .min = 1, .max = 10000},
    Field{.key = "echo", .type = Type::boolean, .default_text = "true",
          .description = "Echo requests to the gateway's own addresses are answered (RFC 1122 section 3.2.2.6)."},
    Field{.key = "path_mtu", .type = Type::boolean, .default_text = "true",
          .description = "What routers say of a smaller MTU on the way of a tunnel's packets is believed, for ten minutes: of the ESP packet in clear (RFC 1191, RFC 4301 section 8.2), of the IPv6 packet in it through an SA (RFC 8201)."},
};
constexpr Section kIcmp{"icmp", "What the gateway says by ICMP (RFC 792, RFC 1812).", kIcmpFields};

constexpr std::array kReassemblyFields{
    Field{.key = "enabled", .type = Type::boolean, .default_text = "true",
          .description = "`false`: fragments of ESP are dropped, as RFC 4303 section 3.4.1 asks where they are not put together."},
    Field{.key = "packets", .type = Type::number, .default_text = "1024",
          .description = "Packets that may be incomplete at one time.", .min = 16, .max = 65536},
    Field{.key = "timeout_ms", .type = Type::number, .default_text = "2000",
          .description = "Milliseconds after which an incomplete packet is dropped.", .min = 100, .max = 60000},
};
constexpr Section kReassembly{"reassembly", "IPv4 packets to the gateway itself, those of its tunnels above all, that arrive in fragments.", kReassemblyFields};

constexpr std::array kStateFields{
    Field{.key = "directory", .type = Type::text, .default_text = "/var/lib/strata",
          .description = "Of the file in which each key that seals reserves its sequence numbers, and with them its nonces, ahead of their use. "
                         "It belongs to one gateway and is made if its parent is there; on a local disk, and in no backup that is put back. "
                         "A relative path starts at the configuration's folder."},
    Field{.key = "unsafe_lab_without_state", .type = Type::boolean, .default_text = "false", .note = "true only without directory",
          .description = "`true`: nothing is kept, and each start uses the nonces of the one before again, which gives the plaintext and the authentication key away. "
                         "Only for a lab whose keys and packets are worth nothing, or where each start has new keys."},
};
constexpr Section kState{"state", "What outlives a restart of `strata run`: up to where the sequence numbers of each outbound SA may have been used (RFC 8221 section 3).", kStateFields};

constexpr std::array kControlFields{
    Field{.key = "enabled", .type = Type::boolean, .default_text = "true",
          .description = "`false`: there is no socket, and `strata show` finds nobody to ask."},
    Field{.key = "socket", .type = Type::text, .note = "an absolute path of at most 107 octets, in a folder that is there",
          .description = "Where the socket is. Left out: `/run/strata/NAME.sock`, NAME being the gateway's `name`; where that "
                         "cannot be made (not root, say) the gateway runs without, and says so. One that stands here has to be made."},
    Field{.key = "payload_group", .type = Type::text, .note = "the name or the number of a group of this machine",
          .description = "Whose members may see of a packet what an SA has opened or is to seal, as root and the gateway's own user may "
                         "(control.md). They have to be let in by the socket too. Left out: nobody else."},
    Field{.key = "change_group", .type = Type::text, .note = "the name or the number of a group of this machine",
          .description = "Whose members may add and delete single entries (`strata sa add` and the like), as root and the gateway's own user may: "
                         "they say what is sealed, and what goes where. They have to be let in by the socket too. Left out: nobody else."},
};
constexpr Section kControl{"control", "The Unix socket by which a running gateway is asked and told things (control.md).", kControlFields};

constexpr std::array kMetricsFields{
    Field{.key = "http", .type = Type::boolean, .default_text = "true",
          .description = "They are read over HTTP at `/metrics`. `false`: no port is opened. Where nothing of `http`, `address` and `port` is said and the port cannot be had "
                         "(by the second gateway of a machine, say) the gateway runs without, and says so; one that is said has to be there."},
    Field{.key = "address", .type = Type::text, .default_text = "127.0.0.1", .note = "an IPv4 or IPv6 address of this machine's, or 0.0.0.0 or \"::\" for all of them",
          .description = "Where it listens. Whoever reaches it can read the figures, as there is neither a password nor encryption: beyond loopback, let a firewall say who."},
    Field{.key = "port", .type = Type::number, .default_text = "14500", .description = "TCP port. Each gateway of a machine needs one of its own.", .min = 1, .max = 65535},
    Field{.key = "entries", .type = Type::number, .default_text = "1000",
          .description = "So many SAs, and as many local SIDs, have series of their own, the first ones of the configuration. All SAs together are always told, and how many have none.", .min = 0, .max = 100000},
    Field{.key = "telemetry", .type = Type::boolean, .default_text = "false",
          .description = "`true`: they are also commands of DPDK's telemetry socket, for `dpdk-telemetry.py -f NAME`, NAME being the gateway's `name`."},
};
constexpr Section kMetrics{"metrics", "Where a running gateway's figures are read by programs (metrics.md).", kMetricsFields};

constexpr std::array kRootFields{
    Field{.key = "name", .type = Type::name, .default_text = "strata", .note = "no /, and no . at its beginning",
          .description = "What this gateway is called among those of this machine: its control socket is `/run/strata/NAME.sock`."},
    Field{.key = "ports", .type = Type::named_mappings, .required = true, .description = "The ports, by name.", .min = 1, .max = 32, .section = &kPort},
    Field{.key = "neighbors", .type = Type::mapping, .list = true, .description = "Known neighbors.", .max = 1000000, .section = &kNeighbor},
    Field{.key = "ipsec", .type = Type::mapping, .description = "Security associations.", .section = &kIpsec},
    Field{.key = "srv6", .type = Type::mapping, .description = "Local SIDs and policies.", .section = &kSrv6},
    Field{.key = "routes", .type = Type::mapping, .list = true, .description = "IPv4 routes.", .max = 1000000, .section = &kRoute},
    Field{.key = "bypass", .type = Type::mapping, .list = true, .description = "Clear traffic that may cross the IPsec boundary.", .max = 10000, .section = &kBypass},
    Field{.key = "arp", .type = Type::mapping, .description = "How neighbors are found.", .section = &kArp},
    Field{.key = "icmp", .type = Type::mapping, .description = "ICMP errors.", .section = &kIcmp},
    Field{.key = "reassembly", .type = Type::mapping, .description = "Fragments.", .section = &kReassembly},
    Field{.key = "state", .type = Type::mapping, .description = "Where it is kept what outlives a restart.", .section = &kState},
    Field{.key = "workers", .type = Type::mapping, .description = "How many cores carry packets, and which.", .section = &kWorkers},
    Field{.key = "eal", .type = Type::mapping, .description = "How DPDK is started.", .section = &kEal},
    Field{.key = "control", .type = Type::mapping, .description = "How it is asked and told things while it runs.", .section = &kControl},
    Field{.key = "metrics", .type = Type::mapping, .description = "Figures for Prometheus and DPDK's telemetry.", .section = &kMetrics},
};
constexpr Section kRoot{"", "The file is one YAML mapping. An unknown key, a key given twice and a value that is not understood are errors; nothing is ignored.", kRootFields};

// What a running gateway is asked for: entries as in the file.
constexpr std::array kAddedSrv6Fields{
    Field{.key = "local_sids", .type = Type::mapping, .list = true, .max = 1000000, .section = &kLocalSid},
    Field{.key = "policies", .type = Type::mapping, .list = true, .max = 1000000, .section = &kPolicy},
};
constexpr std::array kAddedSrv6Refused{Refused{"source", "it is the file's alone: write it there, and `strata reload`"}};
constexpr Section kAddedSrv6{"srv6", {}, kAddedSrv6Fields, kAddedSrv6Refused};
constexpr std::array kAddedFields{
    Field{.key = "neighbors", .type = Type::mapping, .list = true, .max = 1000000, .section = &kNeighbor},
    Field{.key = "ipsec", .type = Type::mapping, .section = &kIpsec},
    Field{.key = "srv6", .type = Type::mapping, .section = &kAddedSrv6},
    Field{.key = "routes", .type = Type::mapping, .list = true, .max = 1000000, .section = &kRoute},
};
constexpr Section kAdded{"", {}, kAddedFields};

constexpr std::array kDeletedNeighborFields{
    Field{.key = "port", .type = Type::port_name, .required = true},
    Field{.key = "address", .type = Type::ipv4, .required = true},
};
constexpr Section kDeletedNeighbor{"neighbors[]", {}, kDeletedNeighborFields};
constexpr std::array kDeletedIpsecFields{
    Field{.key = "security_associations", .type = Type::name, .list = true, .max = 1000000},
};
constexpr Section kDeletedIpsec{"ipsec", {}, kDeletedIpsecFields};
constexpr std::array kDeletedSrv6Fields{
    Field{.key = "local_sids", .type = Type::sid, .list = true, .max = 1000000},
    Field{.key = "policies", .type = Type::name, .list = true, .max = 1000000},
};
constexpr Section kDeletedSrv6{"srv6", {}, kDeletedSrv6Fields};
constexpr std::array kDeletedFields{
    Field{.key = "neighbors", .type = Type::mapping, .list = true, .max = 1000000, .section = &kDeletedNeighbor},
    Field{.key = "ipsec", .type = Type::mapping, .section = &kDeletedIpsec},
    Field{.key = "srv6", .type = Type::mapping, .section = &kDeletedSrv6},
    Field{.key = "routes", .type = Type::ipv4_prefix, .list = true, .max = 1000000},
};
constexpr Section kDeleted{"", {}, kDeletedFields};
// clang-format on

std::string number_text(const Field& field) {
  std::string out = field.zero_too ? "0 or " : "";
  return out + std::to_string(field.min) + ".." + std::to_string(field.max);
}

// What one value of this type looks like.
std::string value_text(const Field& field) {
  switch (field.type) {
    case Type::text: return "a text";
    case Type::name: return "1 to 64 letters, digits and ._-:/@+";
    case Type::number: return number_text(field);
    case Type::cpu: return "0.." + std::to_string(kLastCpu);
    case Type::boolean: return "true, false";
    case Type::choice: return join(field.choices);
    case Type::mac: return "a MAC address as 02:00:00:00:01:01";
    case Type::ipv4: return "an IPv4 address";
    case Type::ipv6: return "an IPv6 address";
    case Type::ipv4_prefix: return "an IPv4 prefix as 192.0.2.0/24, without host bits";
    case Type::ipv6_prefix: return "an IPv6 prefix as fc00:1::/48, without host bits";
    case Type::interface_address: return "an IPv4 or IPv6 address with its prefix length, as 192.0.2.1/24";
    case Type::sid: return "an IPv6 prefix as fc00:1::d4/128, without host bits";
    case Type::key: return "hex:DIGITS or file:PATH";
    case Type::dscp: return "copy, or 0..63";
    case Type::protocol: {
      std::string out = "0..255";
      for (const ProtocolName& p : kProtocols) out += ", " + std::string(p.name);
      return out;
    }
    case Type::port_range: return "a port or a range as 1000-2000, in 0..65535";
    case Type::port_name: return "the name of a port";
    case Type::mapping: return field.list ? "mappings" : "a mapping";
    case Type::named_mappings:
      return "a mapping of " + std::to_string(field.min) + " to " + std::to_string(field.max) + " names";
  }
  return {};
}

}  // namespace

const Section& root_section() { return kRoot; }
const Section& added_section() { return kAdded; }
const Section& deleted_section() { return kDeleted; }

const Field* find_field(const Section& section, std::string_view key) {
  const auto* const end = section.fields.data() + section.fields.size();
  const auto* const it = std::find_if(section.fields.data(), end, [key](const Field& f) { return f.key == key; });
  return it == end ? nullptr : it;
}

std::string allowed_text(const Field& field) {
  std::string out = value_text(field);
  if (field.list) {
    out = (field.type == Type::mapping ? "a list of " : "a list of: ") + out;
    if (field.min > 0) out += "; " + std::to_string(field.min) + " to " + std::to_string(field.max) + " of them";
  }
  if (!field.note.empty()) out += " (" + std::string(field.note) + ")";
  return out;
}

std::span<const ProtocolName> protocol_names() { return kProtocols; }

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= kLongestName && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view("._-:/@+").find(c) != std::string_view::npos;
  });
}

}  // namespace strata::config
