#include "control/rpc/schema.hpp"

#include <algorithm>

#include "dataplane/packet/last_ended.hpp"

namespace strata::rpc {
namespace {

constexpr std::array<std::string_view, 2> kDirections{"in", "out"};
constexpr std::array<std::string_view, 2> kSides{"protected", "unprotected"};
constexpr std::array<std::string_view, 5> kTraceEnds{"sent", "dropped", "consumed", "punted", "parked"};
constexpr std::array<std::string_view, 3> kFates{"dropped", "consumed", "punted"};
constexpr std::array<std::string_view, 5> kHeaders{"ethernet", "arp", "esp", "ipv4", "ipv6"};
constexpr std::array<std::string_view, 3> kRouteKinds{"connected", "route", "policy"};
constexpr std::array<std::string_view, 5> kPhases{"permanent", "idle", "asking", "reachable", "probing"};
constexpr std::array<std::string_view, 2> kNeighborEvents{"reachable", "gone"};
constexpr std::array<std::string_view, 3> kSaStates{"mature", "dying", "dead"};
constexpr std::array<std::string_view, 2> kLifetimes{"soft", "hard"};
constexpr std::array<std::string_view, 3> kLimits{"seconds", "bytes", "packets"};
constexpr std::array<std::string_view, 4> kEventNames{"link", "neighbor", "drops", "sa"};

// The places of the journey, and where it ends. `[]` without `()` is where cppcheck gives the file up.
constexpr auto kCapturePlaces = []() {
  std::array<std::string_view, kAllStages.size() + 1> names;
  for (std::size_t i = 0; i < kAllStages.size(); ++i) names[i] = kAllStages[i]->name;
  names.back() = "drop";
  return names;
}();

// clang-format off
constexpr std::array kHello{
    Field{.name = "program", .about = "`strata`."},
    Field{.name = "version", .about = "Of the program."},
    Field{.name = "api", .type = Type::number, .about = "Of this protocol. It rises when something is added; what is there stays as it is."},
    Field{.name = "name", .about = "The gateway's, by its configuration."},
    Field{.name = "config", .about = "The configuration's file, as it was named at the start."},
    Field{.name = "pid", .type = Type::number, .about = "The gateway's process."},
    Field{.name = "seconds", .type = Type::real, .about = "Since the ports were started."},
};

constexpr std::array kPorts{
    Field{.name = "name", .about = "The port."},
    Field{.name = "device", .about = "As the configuration names it."},
    Field{.name = "driver", .about = "DPDK's."},
    Field{.name = "up", .type = Type::boolean, .about = "Whether it has a link; looked at each second."},
    Field{.name = "link", .about = "`down`, or `up` with what is known of it: `up, 10000 Mbit/s, full duplex`."},
    Field{.name = "mac", .about = "strata's own MAC address there."},
    Field{.name = "mtu", .type = Type::number, .about = "Octets of an IP packet."},
    Field{.name = "side", .about = "Of the IPsec boundary; null: the port leads to this machine's own kernel.", .optional = true, .choices = kSides},
    Field{.name = "addresses", .type = Type::texts, .about = "Each with the length of its subnet's prefix."},
    Field{.name = "rx_queues", .type = Type::number, .about = "Queues to receive by."},
    Field{.name = "tx_queues", .type = Type::number, .about = "Queues to send by."},
    Field{.name = "received", .type = Type::number, .about = "Packets, as the device counts them."},
    Field{.name = "received_bytes", .type = Type::number, .about = "Octets of their frames; some virtual devices do not count them."},
    Field{.name = "missed", .type = Type::number, .about = "Packets that found no free descriptor; of `net_af_packet` no free frame in the ring."},
    Field{.name = "no_buffers", .type = Type::number, .about = "Packets for which there was no buffer."},
    Field{.name = "bad", .type = Type::number, .about = "Broken frames."},
    Field{.name = "sent", .type = Type::number, .about = "Packets."},
    Field{.name = "sent_bytes", .type = Type::number, .about = "Octets of their frames."},
    Field{.name = "not_sent", .type = Type::number, .about = "Packets that the device was given and did not send."},
};

constexpr std::array kWorkers{
    Field{.name = "worker", .type = Type::number, .about = "Counted from 0. The first one is also the gateway as a host."},
    Field{.name = "cpu", .type = Type::number, .about = "null: any.", .optional = true},
    Field{.name = "queues", .type = Type::texts, .about = "That it polls: `wan:0`."},
    Field{.name = "sas", .type = Type::number, .about = "SAs that it opens or seals for."},
    Field{.name = "received", .type = Type::number, .about = "Packets, by its queues."},
    Field{.name = "handed_over", .type = Type::number, .about = "Packets, to other workers."},
    Field{.name = "stands_still", .type = Type::boolean, .about = "It made no round in the last second: its driver does not return, or the machine gives it no time."},
    Field{.name = "busy", .type = Type::real, .about = "Share of the last second in rounds that had packets: 0 to 1."},
    Field{.name = "busy_since_start", .type = Type::real, .about = "The same since the start."},
};

constexpr std::array kLeft{
    Field{.name = "seconds", .type = Type::number, .about = "null: no limit.", .optional = true},
    Field{.name = "bytes", .type = Type::number, .about = "Octets of IPv6 packets; null: no limit.", .optional = true},
    Field{.name = "packets", .type = Type::number, .about = "null: no limit.", .optional = true},
};

constexpr std::array kSas{
    Field{.name = "name", .about = "The SA."},
    Field{.name = "direction", .about = "`in`: it opens; `out`: it seals.", .choices = kDirections},
    Field{.name = "spi", .type = Type::number, .about = "Security parameters index."},
    Field{.name = "source", .about = "Of the outer packets, as configured."},
    Field{.name = "destination", .about = "Of the outer packets."},
    Field{.name = "peer", .about = "The end that is not this gateway."},
    Field{.name = "udp_source_port", .type = Type::number, .about = "null: plain ESP.", .optional = true},
    Field{.name = "udp_destination_port", .type = Type::number, .about = "null: plain ESP.", .optional = true},
    Field{.name = "algorithm", .about = "As in the configuration."},
    Field{.name = "esn", .type = Type::boolean, .about = "Extended (64 bit) sequence numbers."},
    Field{.name = "replay_window", .type = Type::number, .about = "Packets, 0: off; null: an outbound SA has none.", .optional = true},
    Field{.name = "selector_source", .about = "Where the IPv6 packets inside may come from."},
    Field{.name = "selector_destination", .about = "Where they may go to."},
    Field{.name = "selector_protocol", .type = Type::number, .about = "Their upper layer; null: any.", .optional = true},
    Field{.name = "packets", .type = Type::number, .about = "Opened and passed on, or sealed."},
    Field{.name = "bytes", .type = Type::number, .about = "Octets of the IPv6 packets in them."},
    Field{.name = "sequence", .type = Type::number, .about = "The highest that was accepted; or the last that was sent, or may have been by an earlier start (decisions/0010-nonces.md). 0: none yet."},
    Field{.name = "sequence_left", .type = Type::number, .about = "How many numbers are left before the SA needs a new key."},
    Field{.name = "worker", .type = Type::number, .about = "Whose it is."},
    Field{.name = "state", .about = "As of RFC 2367: `mature`; `dying`: beyond its soft lifetime; `dead`: beyond its hard one, its packets are dropped (`esp.expired`).", .choices = kSaStates},
    Field{.name = "soft_left", .type = Type::object, .about = "What is left of the soft lifetime; 0: nothing.", .fields = kLeft},
    Field{.name = "hard_left", .type = Type::object, .about = "What is left of the hard lifetime.", .fields = kLeft},
};

constexpr std::array kSids{
    Field{.name = "sid", .about = "With its length."},
    Field{.name = "behavior", .about = "RFC 8986 section 4."},
    Field{.name = "next_hop", .about = "Who gets the packets."},
    Field{.name = "port", .about = "By which they leave."},
    Field{.name = "clear", .type = Type::boolean, .about = "Whether it also takes packets that came without IPsec."},
    Field{.name = "packets", .type = Type::number, .about = "That went well (RFC 8986 section 6)."},
    Field{.name = "bytes", .type = Type::number, .about = "Octets of the IPv6 packets."},
};

constexpr std::array kPolicies{
    Field{.name = "name", .about = "The policy."},
    Field{.name = "mode", .about = "RFC 8986 section 5."},
    Field{.name = "prefixes", .type = Type::texts, .about = "IPv4 destinations that are steered into it."},
    Field{.name = "segments", .type = Type::texts, .about = "In the order of travel."},
    Field{.name = "sa", .about = "The outbound SA that takes its packets; null: there is none, they are dropped (`policy.no_sa`).", .optional = true},
    Field{.name = "mtu", .type = Type::number, .about = "The largest IPv4 packet that fits now; null: nothing leaves.", .optional = true},
};

constexpr std::array kRoutes{
    Field{.name = "prefix", .about = "IPv4 destinations; the longest match wins, of equal ones the last in this table."},
    Field{.name = "kind", .about = "`connected`: a port's subnet; `route`: of the configuration; `policy`: an SRv6 policy.", .choices = kRouteKinds},
    Field{.name = "next_hop", .about = "null: the destination itself, or the policy says.", .optional = true},
    Field{.name = "port", .about = "By which it leaves; null: the policy says.", .optional = true},
    Field{.name = "policy", .about = "null: it is no policy's.", .optional = true},
};

constexpr std::array kNeighbors{
    Field{.name = "port", .about = "Behind which it is."},
    Field{.name = "address", .about = "IPv4."},
    Field{.name = "mac", .about = "null: not known.", .optional = true},
    Field{.name = "state", .about = "`permanent`: of the configuration; `reachable`: it has answered; `probing`: it is asked again, and used meanwhile; "
                                    "`asking`: it has not answered yet; `idle`: nothing was to be sent to it.", .choices = kPhases},
};

constexpr std::array kStages{
    Field{.name = "step", .about = "Of the journey; journey.md has the picture."},
    Field{.name = "packets", .type = Type::number, .about = "That it took, of all workers. One that waited for a neighbor passes twice."},
};

constexpr std::array kDrops{
    Field{.name = "cause", .about = "drop-reasons.md has them all."},
    Field{.name = "fate", .about = "What became of the packets.", .choices = kFates},
    Field{.name = "packets", .type = Type::number, .about = "Since the start."},
    Field{.name = "rate", .type = Type::number, .about = "Packets of the last second."},
    Field{.name = "why", .about = "A sentence."},
    Field{.name = "source", .about = "The document that asks for it; null: strata's own decision.", .optional = true},
};

constexpr std::array kLastDrops{
    Field{.name = "cause", .about = "drop-reasons.md has them all."},
    Field{.name = "fate", .about = "What became of the packet.", .choices = kFates},
    Field{.name = "why", .about = "A sentence."},
    Field{.name = "time", .about = "When: UTC, as in `2026-11-21T14:36:46.123456Z`."},
    Field{.name = "age", .type = Type::real, .about = "Seconds since then."},
    Field{.name = "worker", .type = Type::number, .about = "Where it ended."},
    Field{.name = "port", .about = "Whose packets the worker was taking; null: it ended in a turn for packets of several.", .optional = true},
    Field{.name = "stage", .about = "How far it had come (journey.md); null: between two workers.", .optional = true},
    Field{.name = "begins", .about = "The header that `octets` begins with; null as `stage` is.", .optional = true, .choices = kHeaders},
    Field{.name = "length", .type = Type::number, .about = "Octets that the packet had there."},
    Field{.name = "octets", .about = "The first ones, in hexadecimal: up to 96; of a packet whose ICV was wrong no more than its ESP header and IV."},
    Field{.name = "withheld", .type = Type::number, .about = "Octets that are kept, but are not for whoever asks: what an SA has opened, or may seal, is for root, "
                                                             "the gateway's own user and `control.payload_group`."},
};

constexpr std::array kMtuParts{
    Field{.name = "inner", .type = Type::number, .about = "`port_mtu` less all that follows."},
    Field{.name = "port", .about = "The port that leads to the peer."},
    Field{.name = "port_mtu", .type = Type::number, .about = "Its MTU."},
    Field{.name = "ipv4", .type = Type::number, .about = "Octets of the outer header."},
    Field{.name = "udp", .type = Type::number, .about = "0: plain ESP."},
    Field{.name = "esp", .type = Type::number, .about = "SPI and sequence number."},
    Field{.name = "iv", .type = Type::number, .about = "Of the cipher."},
    Field{.name = "icv", .type = Type::number, .about = "Of the cipher."},
    Field{.name = "trailer", .type = Type::number, .about = "Trailer and padding."},
    Field{.name = "ipv6", .type = Type::number, .about = "The header that the policy makes."},
    Field{.name = "srh", .type = Type::number, .about = "0: one segment, reduced."},
};

constexpr std::array kMtu{
    Field{.name = "policy", .about = "The policy."},
    Field{.name = "mtu", .type = Type::number, .about = "The largest IPv4 packet that fits now; null: nothing leaves.", .optional = true},
    Field{.name = "learned", .type = Type::boolean, .about = "Whether a router told of less than the port's MTU allows."},
    Field{.name = "configured", .type = Type::object, .about = "The arithmetic; null: nothing leaves.", .optional = true, .fields = kMtuParts},
    Field{.name = "text", .about = "The arithmetic as `strata check` prints it, or why nothing leaves."},
};

constexpr std::array kConfig{
    Field{.name = "config", .type = Type::any, .about = "The configuration as it is in force, defaults and all, as of `strata check --json`; keys are never in it."},
};

constexpr std::array kReport{
    Field{.name = "report", .type = Type::any, .about = "The account of all packets, as of `strata run --json` at its end (running.md); "
                                                        "`buffers_missing` is null while the gateway runs."},
};

constexpr std::array kChanges{
    Field{.name = "changes", .type = Type::texts, .about = "A line each, the first 1000: `+ routes 10.9.0.0/16`, `- srv6.policies to-c`, `~ icmp.burst: 50 -> 60`. Keys are not in it."},
    Field{.name = "total", .type = Type::number, .about = "How many changes there are."},
    Field{.name = "refused", .type = Type::texts, .about = "Of `diff`: what of it no running gateway can bring about, with its place in the file. While there is any, `reload` is refused. Of all other methods empty."},
};

constexpr std::array kSaEntry{
    Field{.name = "entry", .type = Type::any, .about = "As in the configuration file's `ipsec.security_associations` (configuration.md); its `key` as `hex:...`, a file is refused."},
};
constexpr std::array kSidEntry{Field{.name = "entry", .type = Type::any, .about = "As in `srv6.local_sids`."}};
constexpr std::array kPolicyEntry{Field{.name = "entry", .type = Type::any, .about = "As in `srv6.policies`."}};
constexpr std::array kRouteEntry{Field{.name = "entry", .type = Type::any, .about = "As in `routes`."}};
constexpr std::array kNeighborEntry{Field{.name = "entry", .type = Type::any, .about = "As in `neighbors`."}};
constexpr std::array kSaName{Field{.name = "name", .about = "The SA's."}};
constexpr std::array kSidName{Field{.name = "sid", .about = "With its length; without one it is a /128."}};
constexpr std::array kPolicyName{Field{.name = "name", .about = "The policy's."}};
constexpr std::array kRouteName{Field{.name = "prefix", .about = "The route's."}};
constexpr std::array kNeighborName{
    Field{.name = "port", .about = "Behind which it is."},
    Field{.name = "address", .about = "IPv4."},
};
constexpr std::array kChange{
    Field{.name = "delete", .type = Type::any, .about = "What goes, in the sections of a configuration file, each entry by what it is known by: "
                                                        "`{\"ipsec\": {\"security_associations\": [NAME]}, \"srv6\": {\"local_sids\": [SID], \"policies\": [NAME]}, "
                                                        "\"routes\": [PREFIX], \"neighbors\": [{\"port\": PORT, \"address\": ADDRESS}]}`.", .optional = true},
    Field{.name = "add", .type = Type::any, .about = "What comes then, as in a configuration file: `{\"ipsec\": {\"security_associations\": [ENTRY]}, ...}`. "
                                                     "What is deleted and added in one is replaced.", .optional = true},
};

constexpr std::array kDiscover{
    Field{.name = "openrpc", .about = "OpenRPC's version."},
    Field{.name = "info", .type = Type::any, .about = "Title and version of this protocol."},
    Field{.name = "methods", .type = Type::any, .about = "Each method with its parameters and its answer, as JSON Schema."},
    Field{.name = "x-events", .type = Type::any, .about = "Each event with the fields of its `params`."},
};

constexpr std::array kSubscribe{
    Field{.name = "events", .type = Type::texts, .about = "Which events are told from now on, beside those asked for before.", .choices = kEventNames},
    Field{.name = "drops_per_second", .type = Type::number, .about = "A cause is told when it has more packets in a second. Left out: 1000.", .optional = true, .max = 1'000'000'000},
};
constexpr std::array kUnsubscribe{
    Field{.name = "events", .type = Type::texts, .about = "Which events are told no more.", .choices = kEventNames},
};
constexpr std::array kSubscribed{
    Field{.name = "events", .type = Type::texts, .about = "All that are told now.", .choices = kEventNames},
};

constexpr std::array kTraceParams{
    Field{.name = "filter", .about = "Which frames are followed, as they arrive: a program of the Berkeley packet filter, as `tcpdump -ddd` prints it, newlines or commas "
                                     "between its lines. Left out: each frame.", .optional = true},
    Field{.name = "count", .type = Type::number, .about = "So many packets are told, then it ends. Left out: until `trace.stop`, or the end of the connection.", .optional = true, .min = 1, .max = 1'000'000'000},
    Field{.name = "cause", .about = "Only packets that ended for it are told (drop-reasons.md). Left out: all.", .optional = true},
};
constexpr std::array kTrace{
    Field{.name = "payload", .type = Type::boolean, .about = "Whether what an SA has opened or may seal is told. false: frames of the unprotected side alone are followed, "
                                                             "and of what is inside nothing but the place is told."},
};
constexpr std::array kTraceStop{
    Field{.name = "stopped", .type = Type::boolean, .about = "false: this client did not trace."},
};

constexpr std::array kCaptureParams{
    Field{.name = "at", .about = "The place of the journey (journey.md) where packets are copied, when the step behind it takes them: `Frame`: as they arrive, `EspIn`: sealed, `Ip6`: "
                                 "opened, `Out`: as they are given to a port. `drop`: where they are dropped.", .choices = kCapturePlaces},
    Field{.name = "cause", .about = "With `drop`: only packets that end for it, be they dropped, consumed or punted (drop-reasons.md). Left out: those that are dropped.", .optional = true},
    Field{.name = "filter", .about = "Which packets, of those that begin with an Ethernet header there: a program of the Berkeley packet filter, as `tcpdump -ddd` prints it, newlines or "
                                     "commas between its lines. It sees what is told of a packet to this client, and is asked before `snaplen`. With any filter, packets that "
                                     "begin with a header for which none is given are left out.", .optional = true},
    Field{.name = "filter_ip", .about = "The same for those that begin with an IPv4 or IPv6 header (`tcpdump -y RAW -ddd`).", .optional = true},
    Field{.name = "snaplen", .type = Type::number, .about = "Of each packet so many octets are told. Left out: all.", .optional = true, .min = 1, .max = 65535},
    Field{.name = "count", .type = Type::number, .about = "So many packets are told, then it ends. Left out: until `capture.stop`, or the end of the connection.", .optional = true, .min = 1, .max = 1'000'000'000},
};
constexpr std::array kCapture{
    Field{.name = "payload", .type = Type::boolean, .about = "Whether what an SA has opened or may seal is told. false: at `Frame`, `Arp`, `Host`, `EspIn` and `Out` packets of the unprotected "
                                                             "side alone, at `drop` no more octets than `show.last_drops` tells."},
};
constexpr std::array kCaptureStop{
    Field{.name = "stopped", .type = Type::boolean, .about = "false: this client did not capture. true: all that was captured has been told before this answer."},
};

constexpr std::array kTableParams{
    Field{.name = "from", .type = Type::number, .about = "The row to begin with: the `next` of the answer before. Left out: 0.", .optional = true},
    Field{.name = "most", .type = Type::number, .about = "Rows in this answer at the most. Left out: 1000.", .optional = true, .min = 1, .max = kMostRows},
};

constexpr std::array kMethods{
    Method{.name = "hello", .about = "Who answers, and which version of this protocol it speaks.", .result = kHello},
    Method{.name = "rpc.discover", .about = "This document for programs (OpenRPC).", .result = kDiscover},
    Method{.name = "show.ports", .about = "The ports, and what their devices count.", .answer = Answer::table, .result = kPorts},
    Method{.name = "show.workers", .about = "The threads that carry packets.", .answer = Answer::table, .result = kWorkers},
    Method{.name = "show.sas", .about = "The security associations, in the configuration's order. No key is ever in an answer.", .answer = Answer::table, .result = kSas},
    Method{.name = "show.sids", .about = "The local SIDs.", .answer = Answer::table, .result = kSids},
    Method{.name = "show.policies", .about = "The SRv6 policies.", .answer = Answer::table, .result = kPolicies},
    Method{.name = "show.routes", .about = "Where IPv4 packets are sent.", .answer = Answer::table, .result = kRoutes},
    Method{.name = "show.neighbors", .about = "Who is known on the links, and who is being asked for. Read while the workers stand still for some microseconds, "
                                              "at most ten times a second, whoever asks.", .answer = Answer::table, .result = kNeighbors},
    Method{.name = "show.stages", .about = "The steps of the journey between the ports, and how many packets each has taken.", .answer = Answer::table, .result = kStages},
    Method{.name = "show.drops", .about = "The causes for which packets ended, those that occurred.", .answer = Answer::table, .result = kDrops},
    Method{.name = "show.last_drops", .about = "For each cause that occurred the last packets, up to four, the newest first: what they began with where they ended.", .answer = Answer::table, .result = kLastDrops},
    Method{.name = "show.config", .about = "The configuration that is in force. One that makes an answer too large is refused; its parts are in the tables.", .result = kConfig},
    Method{.name = "show.mtu", .about = "The largest IPv4 packet of each policy, and how it comes about.", .answer = Answer::table, .result = kMtu},
    Method{.name = "report", .about = "The account of all packets: it adds up, as the workers stand still for some microseconds while it is taken, at most once a second.", .result = kReport},
    Method{.name = "trace", .about = "Some of the packets that arrive are followed, and their journeys told by `event.trace` on this connection: at most 500 a second of each worker, and 64 on their way. "
                                     "One client at a time.", .params = kTraceParams, .result = kTrace},
    Method{.name = "trace.stop", .about = "No more are followed.", .result = kTraceStop},
    Method{.name = "capture", .about = "Packets are copied at one place of their journey, and told by `event.capture` on this connection: at most 5000 a second and 8 MiB a second of all workers; "
                                       "what is above that, or above what the client reads, is lost to the capture alone, and counted. One client at a time. "
                                       "Where packets may be what an SA has opened or is to seal it is for root, the gateway's own user and `control.payload_group`.", .params = kCaptureParams, .result = kCapture},
    Method{.name = "capture.stop", .about = "No more are captured.", .result = kCaptureStop},
    Method{.name = "diff", .about = "What `reload` would change: the configuration that is in force beside the one that is in its file now.", .result = kChanges},
    Method{.name = "reload", .about = "Reads the configuration's file anew and applies what is in it as a whole, without losing a packet; or changes nothing and says why. "
                                      "Neither a path nor a text comes from the client: what a gateway reads is its operator's affair. "
                                      "Where entries were changed since the file was read, it is for those alone who may change them.", .result = kChanges},
    Method{.name = "change", .about = "Entries of the configuration that is in force are deleted and added as a whole, as `reload` does it and without the file: none of them, or all. "
                                      "For root, the gateway's own user and `control.change_group`, as all methods that follow here but the subscriptions.", .params = kChange, .result = kChanges},
    Method{.name = "sa.add", .about = "One SA more.", .params = kSaEntry, .result = kChanges},
    Method{.name = "sa.delete", .about = "One SA less.", .params = kSaName, .result = kChanges},
    Method{.name = "sid.add", .about = "One local SID more.", .params = kSidEntry, .result = kChanges},
    Method{.name = "sid.delete", .about = "One local SID less.", .params = kSidName, .result = kChanges},
    Method{.name = "policy.add", .about = "One policy more.", .params = kPolicyEntry, .result = kChanges},
    Method{.name = "policy.delete", .about = "One policy less.", .params = kPolicyName, .result = kChanges},
    Method{.name = "route.add", .about = "One route more.", .params = kRouteEntry, .result = kChanges},
    Method{.name = "route.delete", .about = "One route less.", .params = kRouteName, .result = kChanges},
    Method{.name = "neighbor.add", .about = "One neighbor more whose MAC address is known beforehand.", .params = kNeighborEntry, .result = kChanges},
    Method{.name = "neighbor.delete", .about = "One of them less; one that was learned is not meant.", .params = kNeighborName, .result = kChanges},
    Method{.name = "subscribe", .about = "Events are told on this connection from now on.", .params = kSubscribe, .result = kSubscribed},
    Method{.name = "unsubscribe", .about = "They are told no more.", .params = kUnsubscribe, .result = kSubscribed},
};

constexpr std::array kLinkEvent{
    Field{.name = "time", .about = "UTC, as in `2026-11-21T14:36:46.123456Z`."},
    Field{.name = "port", .about = "The port."},
    Field{.name = "up", .type = Type::boolean, .about = "Whether it has a link."},
    Field{.name = "link", .about = "As in `show.ports`."},
};
constexpr std::array kNeighborEvent{
    Field{.name = "time", .about = "UTC."},
    Field{.name = "port", .about = "Behind which it is."},
    Field{.name = "address", .about = "IPv4."},
    Field{.name = "mac", .about = "null: it is gone.", .optional = true},
    Field{.name = "state", .about = "`reachable`: it said its MAC address, or another one than before; `gone`: it no longer answers.", .choices = kNeighborEvents},
};
constexpr std::array kDropsEvent{
    Field{.name = "time", .about = "UTC."},
    Field{.name = "cause", .about = "drop-reasons.md has them all."},
    Field{.name = "fate", .about = "What became of the packets.", .choices = kFates},
    Field{.name = "rate", .type = Type::number, .about = "Packets of the last second."},
    Field{.name = "packets", .type = Type::number, .about = "Since the start."},
};

constexpr std::array kSaEvent{
    Field{.name = "time", .about = "UTC."},
    Field{.name = "name", .about = "The SA."},
    Field{.name = "direction", .about = "As in `show.sas`.", .choices = kDirections},
    Field{.name = "spi", .type = Type::number, .about = "Security parameters index."},
    Field{.name = "state", .about = "As in `show.sas`, from now on.", .choices = kSaStates},
    Field{.name = "lifetime", .about = "Which one is over.", .choices = kLifetimes},
    Field{.name = "limit", .about = "Of which kind the limit is that was reached.", .choices = kLimits},
    Field{.name = "allowed", .type = Type::number, .about = "The limit."},
    Field{.name = "reached", .type = Type::number, .about = "How much it was when that was seen."},
};
constexpr std::array kTraceEvent{
    Field{.name = "number", .type = Type::number, .about = "From 1, in the order in which they were chosen."},
    Field{.name = "port", .about = "Where it arrived."},
    Field{.name = "length", .type = Type::number, .about = "Octets of its frame."},
    Field{.name = "octets", .about = "The first ones of the frame, as it arrived, in hexadecimal: up to 128."},
    Field{.name = "steps", .type = Type::texts, .about = "Its journey, as `strata replay --explain` tells it (replay.md)."},
    Field{.name = "end", .about = "What became of it. `parked`: for two seconds nothing; it waits, or its end was not seen.", .choices = kTraceEnds},
    Field{.name = "cause", .about = "null: it was sent, or waits.", .optional = true},
    Field{.name = "to", .about = "The port by which it left, or an answer to it.", .optional = true},
};
constexpr std::array kTraceEndEvent{
    Field{.name = "packets", .type = Type::number, .about = "That were told."},
    Field{.name = "lost", .type = Type::number, .about = "Steps that nobody could be told of: there were too many at once."},
};

constexpr std::array kCaptureEvent{
    Field{.name = "time_ns", .type = Type::number, .about = "When: nanoseconds since 1970, UTC. Packets that one turn of a worker took have the same time."},
    Field{.name = "port", .about = "By which it came in or goes out; null: not known there.", .optional = true},
    Field{.name = "direction", .about = "Whether it came in there or goes out; null: neither, strata made it.", .optional = true, .choices = kDirections},
    Field{.name = "at", .about = "The place; of a drop how far the packet had come, null: between two workers.", .optional = true},
    Field{.name = "begins", .about = "The header that it begins with there; null as `at` is.", .optional = true, .choices = kHeaders},
    Field{.name = "length", .type = Type::number, .about = "Octets that it has there."},
    Field{.name = "octets", .about = "In hexadecimal, all, or the first ones; of a packet whose ICV was wrong no more than its ESP header and IV."},
    Field{.name = "withheld", .type = Type::number, .about = "Octets of it that are not for this client."},
    Field{.name = "cause", .about = "For which it ended; null: it goes on.", .optional = true},
};
constexpr std::array kCaptureEndEvent{
    Field{.name = "packets", .type = Type::number, .about = "That were told."},
    Field{.name = "lost", .type = Type::number, .about = "Packets that matched and could not be told."},
};

constexpr std::array kEvents{
    Event{.name = "link", .about = "A port's link went or came, or is another one.", .fields = kLinkEvent},
    Event{.name = "neighbor", .about = "A neighbor is newly known, has another MAC address, or is gone.", .fields = kNeighborEvent},
    Event{.name = "drops", .about = "More packets ended for one cause within a second than `drops_per_second` of the subscription. Each second anew.", .fields = kDropsEvent},
    Event{.name = "sa", .about = "An SA's soft lifetime is over: give it a new key; or its hard one, and it carries nothing any more. Each is told once; "
                                 "where both are reached at once, the hard one alone. What was told before somebody subscribed stands in `show.sas`.", .fields = kSaEvent},
    Event{.name = "trace", .about = "A packet's journey has come to its end. Told to whoever called `trace`.", .fields = kTraceEvent},
    Event{.name = "trace_end", .about = "As many packets as were asked for were told.", .fields = kTraceEndEvent},
    Event{.name = "capture", .about = "A copy of a packet. Told to whoever called `capture`.", .fields = kCaptureEvent},
    Event{.name = "capture_end", .about = "As many packets as were asked for were told; or `capture.stop` was.", .fields = kCaptureEndEvent},
};

constexpr std::array kErrors{
    Error{error::kParse, "parse error", "The line is no JSON."},
    Error{error::kInvalidRequest, "invalid request", "It is JSON, and no request of JSON-RPC 2.0; or the line is longer than 1 MiB, or a batch has more than 100 requests."},
    Error{error::kMethodNotFound, "method not found", "There is no such method."},
    Error{error::kInvalidParams, "invalid params", "A parameter is unknown, missing or not what is allowed; they are given by name."},
    Error{error::kInternal, "internal error", "A fault of strata: please report it."},
    Error{error::kTooLarge, "too large", "The answer would be longer than 4 MiB; or the requests of the batch before it took a second of the gateway's time, or four by the clock."},
    Error{error::kTimedOut, "timed out", "A line was begun and not ended for 10 s. The connection is closed."},
    Error{error::kTooMany, "too many clients", "All places for clients are taken. The connection is closed."},
    Error{error::kRefused, "refused", "Neither root, nor the gateway's own user, nor in the socket's group. The connection is closed."},
    Error{error::kStandsStill, "a worker stands still", "A worker has made no round for 3 s, and what all of them have to agree on cannot be read."},
    Error{error::kBusy, "busy", "Another client traces, or captures."},
    Error{error::kNotApplied, "not applied", "The configuration's file, or what was asked for, has mistakes, wants what only a restart can change, or needs more than there is; the message says what, a line each. Nothing has changed."},
    Error{error::kNotAllowed, "not allowed", "What an SA has opened or is to seal is for root, the gateway's own user and `control.payload_group`; to change anything is for root, the gateway's own user and `control.change_group`."},
};
// clang-format on

}  // namespace

std::span<const Method> methods() { return kMethods; }
std::span<const Event> events() { return kEvents; }
std::span<const Error> errors() { return kErrors; }
std::span<const Field> table_params() { return kTableParams; }

const Method* find_method(std::string_view name) {
  const auto* const at = std::ranges::find(kMethods, name, &Method::name);
  return at == kMethods.end() ? nullptr : at;
}

}  // namespace strata::rpc
