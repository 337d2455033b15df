#!/usr/bin/python3
"""Makes the captures that are checked in beside this file: make_captures.py [FOLDER], default captures/.

For each: NAME.yaml, the configuration; NAME.PORT.pcap, what arrives; NAME.PORT.expected.pcap, what must leave; and
NAME.expected.json, the ends of all packets. The same octets every time: test_captures.py makes them anew and compares.
Ports beyond wan and lan have files only where something arrives or leaves.
"""

import json
import sys
from pathlib import Path

import yaml
from scapy.layers.inet import ICMP, IP, fragment
from scapy.layers.l2 import ARP
from scapy.packet import Raw

import gateway as g
from gateway import Config, Sa
from harness import START_NS, Sent, capture_bytes, ends, sent
from steps import Step, expected_of

B = Sa()
C = Sa("from-c", spi=0x1002, udp=None, inside="fc00:3::/48", key_from=0x40, algorithm="chacha20-poly1305")
D = Sa(
    "from-d",
    spi=0x1003,
    udp=(4500, 4501),
    inside="fc00:4::/48",
    key_from=0x60,
    algorithm="aes-256-gcm",
    esn=True,
    window=64,
)
SID = "fc00:1::d4"


def good_in_every_way():
    """Three tunnels interleaved; with and without SRH, extension headers, VLAN tags, IPv4 options, TFC padding."""
    cases = []
    chains = [
        [],
        [g.srh([SID])],
        [g.srh([SID, "fc00:9::1"], tlvs=g.PADN_TLV)],
        [g.hop_by_hop(), g.dst_opts()],
        [g.dst_opts(), g.srh([SID]), g.dst_opts(24)],
    ]
    outers = [
        {},
        {"vlans": ((0x8100, 7),)},
        {"vlans": ((0x88A8, 7), (0x8100, 8))},
        {"options": b"\x01\x01\x01\x00"},
        {"tos": 46 << 2},
    ]
    for i in range(25):
        for sa in (B, C, D):
            inner = g.inner4(20 + 53 * i, ident=i, tos=i % 4, ttl=2 + i)
            tfc = bytes(i if i % 3 == 0 else 0)
            frame = g.good(sa, i + 1, inner, six={"headers": chains[i % 5], "flow": i}, outer=outers[i // 5], tfc=tfc)
            cases.append(sent(frame, g.on_lan(inner)))
    return Config([B, C, D]), cases


def across_two_to_32():
    """ESN over 2^32 by jumps, a late packet of the old epoch, copies, and one the window has left behind."""
    edge, inner, cases = 2**32, g.inner4(64), []
    for seq in (1, 2**30, 2**31, 2**31 + 2**30, edge - 3, edge - 1, edge + 1, edge, edge - 2):
        cases.append(sent(g.good(D, seq, inner), g.on_lan(inner), note=f"{seq:#x}"))
    cases += [
        ends(g.good(D, seq, inner), "esp.replayed", note=f"{seq:#x}") for seq in (edge + 1, edge, edge - 2, edge - 1)
    ]
    cases += [
        sent(g.good(D, edge + 500, inner), g.on_lan(inner)),
        ends(g.good(D, edge - 1, inner), "esp.auth_failed", note="taken as the next epoch's"),
    ]
    cases += [ends(g.good(D, edge + 500, inner), "esp.replayed")]
    return Config([D]), cases


def esp_ends(next_seq):
    """One packet for each end that ESP can come to."""
    inner = g.inner4(84)
    six = g.inner6(inner)
    first = g.good(B, 2000, inner)
    flipped = bytearray(g.good(B, next_seq()))
    flipped[-30] ^= 4
    esp = B.seal(next_seq(), six)
    udp = g.udp4(esp, flags=0)
    return [
        sent(first, g.on_lan(inner)),
        ends(first, "esp.replayed"),
        ends(g.good(B, 976), "esp.replay_too_old"),
        ends(bytes(flipped), "esp.auth_failed"),
        ends(g.wrap(B, esp[:33]), "esp.truncated"),
        ends(g.wrap(B, esp[:-1]), "esp.bad_length"),
        ends(g.ether(g.outer4(bytes(64), g.ESP)), "esp.spi_zero"),
        ends(g.good(Sa(spi=0x9999), 1), "esp.no_sa"),
        ends(g.good(B, next_seq(), outer={"plain": True}), "esp.encap_mismatch"),
        ends(g.ether(g.patch4(udp, 6, b"\x20\x00")), "esp.fragment"),
        ends(g.good(B, 0), "esp.seq_zero"),
        ends(g.wrap(B, B.seal(next_seq(), six, padding=b"\x01\x03")), "esp.bad_pad"),
        ends(g.wrap(B, B.seal(next_seq(), six, next_header=4)), "esp.next_header"),
        ends(g.wrap(B, B.seal(next_seq(), g.inner6(inner, length=200))), "esp.inner_truncated"),
        ends(g.good(B, next_seq(), outer={"tos": 3}), "esp.ce_not_ect"),
        ends(g.wrap(B, B.seal(next_seq(), b"", next_header=g.NO_NEXT)), "esp.dummy"),
        ends(g.ether(g.udp4(b"\xff")), "esp.nat_keepalive"),
        ends(g.ether(g.udp4(bytes(32))), "punt.ike"),
        ends(g.ether(g.udp4(esp, length=7)), "udp.bad_length"),
    ]


def sr6_ends(next_seq):
    two = [SID, "fc00:9::1"]
    bad = [
        ("sr6.bad_version", None),
        ("policy.selector_mismatch", {"src": "fc00:3::1"}),
        ("sr6.no_sid", {"dst": "fc00:1::99"}),
        ("sr6.truncated", {"headers": [g.srh(two)], "length": 30}),
        ("sr6.exthdr_limit", {"headers": [g.dst_opts()] * 9}),
        ("sr6.exthdr_order", {"headers": [g.dst_opts(), g.hop_by_hop()]}),
        ("sr6.fragment", {"headers": [g.fragment_header(0, 1)]}),
        ("sr6.bad_option", {"headers": [(g.DST_OPTS, bytes([0, 0, 0x9E, 4]) + bytes(4))]}),
        ("sr6.unknown_routing", {"headers": [g.routing(253, 1)]}),
        ("sr6.bad_srh", {"headers": [g.srh(two, last_entry=2)]}),
        ("sr6.segments_left", {"headers": [g.srh(two, 1)]}),
        ("sr6.upper_layer", {"upper": g.UDP_}),
        ("punt.icmp6", {"dst": "fc00:1::1", "upper": g.ICMPV6}),
        ("punt.local", {"dst": "fc00:1::1", "upper": g.UDP_}),
        ("policy.boundary", {"dst": "fc00:1::d6"}),
        ("adj.unresolved", {"dst": "fc00:1::d5"}),
    ]
    cases = [
        ends(
            g.good(B, next_seq(), six=six)
            if six
            else g.wrap(B, B.seal(next_seq(), b"\x50" + g.inner6(g.inner4())[1:])),
            cause,
        )
        for cause, six in bad
    ]
    return cases + [
        ends(g.ether(g.inner6(g.inner4(), src="ff02::1"), kind=0x86DD), "sr6.martian_source"),
        ends(g.ether(g.inner6(g.inner4()), kind=0x86DD), "policy.unprotected"),
    ]


def ip4_ends(next_seq):
    good = g.inner4(84)
    inner = [
        ("ip4.truncated", good[:83]),
        ("ip4.bad_version", g.patch4(good, 0, b"\x65")),
        ("ip4.bad_header_length", g.patch(good, 0, b"\x44")),
        ("ip4.bad_length", g.patch4(good, 2, b"\x00\x13")),
        ("ip4.bad_checksum", g.patch(good, 10, b"\x00\x00")),
        ("ip4.martian_source", g.inner4(84, src="127.0.0.1")),
        ("ip4.ttl_exceeded", g.inner4(84, ttl=1)),
    ]
    cases = [ends(g.good(B, next_seq(), packet), cause) for cause, packet in inner]
    return cases + [ends(g.good(B, next_seq(), six={"tc": 3}), "ip4.ce_not_ect")]


def clear_ends():
    def to(dst, size=84, **more):
        return g.ether(g.inner4(size, src="203.0.113.9", dst=dst, **more))

    arp = bytes(ARP(op=1, hwsrc=g.WAN_PEER_MAC, psrc="192.0.2.2", pdst="192.0.2.1"))
    out = to("192.0.2.254")
    from_host = g.ether(g.inner4(84, src="10.1.0.2", dst="10.2.0.1"), dst=g.LAN_MAC, src=g.LAN_HOST_MAC)
    return [
        ends(out[:13], "eth.truncated"),
        ends(g.ether(out[14:], vlans=((0x88A8, 1), (0x8100, 2), (0x8100, 3))), "eth.vlan_depth"),
        ends(g.mac(g.LAN_MAC) + out[6:], "eth.other_host"),
        ends(g.ether(bytes(50), kind=0x88CC), "eth.unknown_type"),
        ends(to("127.0.0.1"), "ip4.martian_destination"),
        ends(g.mac(g.BROADCAST_MAC) + out[6:], "ip4.link_broadcast"),
        ends(to("10.1.0.255"), "ip4.broadcast"),
        ends(to("224.0.0.9"), "ip4.multicast"),
        ends(g.ether(g.patch4(g.outer4(bytes(64), 1), 6, b"\x20\x00")), "ip4.fragment"),
        ends(to("172.16.0.1"), "ip4.no_route"),
        ends(to("10.1.0.2"), "policy.boundary"),
        ends(g.ether(arp, kind=0x0806), "arp.off"),
        ends(to("192.0.2.1"), "punt.icmp"),
        ends(g.ether(g.outer4(bytes(7), 1)), "icmp.truncated"),
        ends(g.ether(g.outer4(bytes(63) + b"x", 1)), "icmp.bad_checksum"),
        ends(g.ether(g.outer4(bytes(64), 6)), "local.no_protocol"),
        ends(g.ether(g.udp4(bytes(64), dport=53)), "local.no_port"),
        ends(to("192.0.2.254", flags="DF", size=1501), "ip4.too_big"),
        sent(out, g.on_lan(out[14:], dst=g.WAN_ROUTER_MAC, src=g.WAN_MAC), to="wan"),
        ends(from_host, "policy.no_sa", port="lan"),
    ]


def every_end():
    """Each cause that a router alone knows, once or a few times, and good packets between."""
    counter = iter(range(1001, 2000))

    def next_seq():
        return next(counter)

    inner = g.inner4(84)
    cases = [
        *esp_ends(next_seq),
        *sr6_ends(next_seq),
        *ip4_ends(next_seq),
        *clear_ends(),
        sent(g.good(B, 2001, inner), g.on_lan(inner)),
    ]
    return Config([B], extra={"routes": []}), cases


# --- as a host ---------------------------------------------------------------------------------------------------------


def step_of(case):
    """A Case, whose packet leaves or ends, as a Step."""
    if isinstance(case.end, Sent):
        return Step(case.frame, "sent", ((case.end.port, case.end.frame),), (), case.port)
    return Step(case.frame, case.end, (), (case.end,), case.port)


PEER, ROUTER, HERE = "192.0.2.2", "192.0.2.254", "192.0.2.1"


def asked(address, *, of="wan"):
    """The question that leaves for a neighbor."""
    mac, own = {"wan": (g.WAN_MAC, HERE), "lan": (g.LAN_MAC, "10.1.0.1")}[of]
    return of, g.arp(1, mac, own, address)


def to_peer(packet):
    return "wan", g.ether(packet, dst=g.WAN_PEER_MAC, src=g.WAN_MAC)


def ping(ident, data=56, **fields):
    return IP(src=PEER, dst=HERE, id=ident, **fields) / ICMP(id=7, seq=ident) / Raw(g.octets(0, data))


def pong(ident, data=56, **fields):
    echo = ICMP(type=0, id=7, seq=ident) / Raw(g.octets(0, data))
    return to_peer(bytes(IP(src=HERE, dst=PEER, id=ident, ttl=64, **fields) / echo))


def arp_steps():
    request = g.arp(1, g.WAN_PEER_MAC, PEER, HERE)
    answer = g.arp(2, g.WAN_MAC, HERE, PEER, hwdst=g.WAN_PEER_MAC, to=g.WAN_PEER_MAC)
    return [
        Step(request, "sent", (("wan", answer),), ()),
        Step(request[:41], "arp.malformed"),
        Step(g.arp(1, "01:00:5e:00:00:01", PEER, HERE), "arp.martian"),
        Step(g.arp(1, g.WAN_PEER_MAC, HERE, HERE), "arp.conflict"),
        Step(g.arp(2, g.WAN_PEER_MAC, PEER, HERE, hwdst=g.WAN_MAC, to=g.WAN_MAC), "arp.reply"),
        Step(g.arp(1, g.WAN_PEER_MAC, PEER, "192.0.2.77"), "arp.other"),
    ]


def icmp_steps():
    def clear(packet):
        return g.ether(packet)

    def told(packet, cause, kind, code):
        return Step(clear(packet), cause, (to_peer(g.icmp_error(kind, code, packet, src=HERE, dst=PEER)),))

    ours = g.inner6(bytes(1400), src="fc00:1::1", dst="fc00:2::d4")
    return [
        Step(clear(bytes(ping(1))), "sent", (pong(1),), ()),
        Step(clear(bytes(ping(2, 1, flags="DF", tos=0x28))), "sent", (pong(2, 1, flags="DF", tos=0x28),), ()),
        told(g.udp4(bytes(600), dport=53), "local.no_port", 3, 3),
        told(g.outer4(bytes(64), 6), "local.no_protocol", 3, 2),
        told(g.inner4(84, src=PEER, dst=ROUTER, ttl=1), "ip4.ttl_exceeded", 11, 0),
        told(g.inner4(84, src=PEER, dst="172.16.0.1"), "ip4.no_route", 3, 0),
        Step(g.wrap(B, B.seal(3, g.six_too_big(ours, 1280))), "icmp.path_mtu"),
    ]


def mtu_steps():
    def from_host(packet, end, *leaves):
        return Step(g.ether(packet, dst=g.LAN_MAC, src=g.LAN_HOST_MAC), end, leaves, port="lan")

    def inner(size, flags, **fields):
        return g.inner4(size, src="10.1.0.2", dst="10.3.0.2", flags=flags, **fields)

    whole = inner(1100, 0, ident=9)
    pieces = fragment(IP(g.forwarded(whole)), 576 - 20)
    cut = [("lan2", g.ether(bytes(piece), dst=g.LAN2_HOST_MAC, src=g.LAN2_MAC)) for piece in pieces]
    too_big = g.icmp_error(3, 4, inner(577, "DF"), src="10.1.0.1", dst="10.1.0.2", mtu=576)
    fits = g.forwarded(inner(576, "DF"))
    return [
        Step(
            g.ether(inner(576, "DF"), dst=g.LAN_MAC, src=g.LAN_HOST_MAC),
            "sent",
            (("lan2", g.ether(fits, dst=g.LAN2_HOST_MAC, src=g.LAN2_MAC)),),
            (),
            "lan",
        ),
        from_host(inner(577, "DF"), "ip4.too_big", ("lan", g.ether(too_big, dst=g.LAN_HOST_MAC, src=g.LAN_MAC))),
        from_host(whole, "ip4.fragmented", *cut),
        from_host(inner(20 + 64 * 552 + 1, 0), "ip4.too_many_fragments"),
    ]


def fragment_steps():
    """Whole in the end, overlapping, and one whose rest never comes."""
    first, second = (g.ether(bytes(piece)) for piece in fragment(ping(3, 1000), 504))
    of_two = [bytes(piece) for piece in fragment(ping(4, 1000), 504)]
    overlap = g.patch4(of_two[1], 6, b"\x00\x3e")  # one unit before where it belongs
    lone = bytes(fragment(ping(5, 1000), 504)[0])
    return [
        Step(second, "parked", (), ()),
        Step(first, "sent", (pong(3, 1000),), ("ip4.reassembled",) * 2),
        Step(g.ether(of_two[0]), "parked", (), ()),
        Step(g.ether(overlap), "ip4.reassembly_failed", (), ("ip4.reassembly_failed",) * 2),
        Step(g.ether(lone), "parked", (), ("ip4.reassembly_timeout",)),
    ]


def neighbor_steps():
    """16 neighbors can be learned, the peer among them, and one packet waits for each."""

    def on_link(last):
        return g.ether(g.inner4(84, src=PEER, dst=f"192.0.2.{last}"))

    waits = [Step(on_link(last), "parked", (asked(f"192.0.2.{last}"),), ("adj.unresolved",)) for last in range(100, 115)]
    return [
        Step(g.good(B, 1, six={"dst": "fc00:1::d5"}), "parked", (asked("10.1.0.9", of="lan"),), ("adj.unresolved",)),
        waits[0],
        Step(on_link(100), "adj.queue_full"),
        *waits[1:],
        Step(on_link(115), "adj.table_full"),
    ]


def as_a_host():
    """Answers, errors, fragments and neighbors: what the gateway does besides forwarding."""
    config = Config([B], host=True, extra={"routes": [], "arp": {"hold": 1, "neighbors": 16}})
    config.extra["ports"] = config.tree()["ports"]
    config.extra["ports"]["lan2"]["mtu"] = 576
    inner = g.inner4(84)
    last = sent(g.good(B, 2, inner), g.on_lan(inner))
    return config, [*arp_steps(), *icmp_steps(), *mtu_steps(), *fragment_steps(), *neighbor_steps(), step_of(last)]


def with_its_kernel():
    """A port to this machine's own kernel: what comes from it, and what goes there."""
    config, kernel, ours = Config([B], host=True), "02:00:00:00:03:00", "02:00:00:00:03:01"
    config.extra["ports"] = config.tree()["ports"] | {"host": {"device": "net_null3", "mac": kernel, "host": True}}

    def of_kernel(src):
        return g.udp4(bytes(40), src=src, dst=ROUTER, sport=500, dport=500)

    def from_kernel(packet, end, *leaves):
        return Step(g.ether(packet, dst=ours, src=kernel), end, leaves, () if leaves else None, "host")

    ike = g.udp4(bytes(40), sport=500, dport=500)
    request = g.arp(1, kernel, HERE, ROUTER)
    answer = g.arp(2, ours, ROUTER, HERE, hwdst=kernel, to=kernel)
    return config, [
        Step(g.ether(ike), "sent", (("host", g.ether(ike, dst=kernel, src=ours)),), ()),
        Step(request, "sent", (("host", answer),), (), "host"),
        from_kernel(of_kernel(HERE), "sent", ("wan", g.ether(of_kernel(HERE), dst=g.WAN_ROUTER_MAC, src=g.WAN_MAC))),
        from_kernel(of_kernel("192.0.2.9"), "local.foreign_source"),
    ]


CAPTURES = {
    "good": good_in_every_way,
    "esn": across_two_to_32,
    "every-end": every_end,
    "host": as_a_host,
    "kernel": with_its_kernel,
}


def make(name, folder):
    config, steps = CAPTURES[name]()
    steps = [step if isinstance(step, Step) else step_of(step) for step in steps]
    times = [START_NS + 1000 * i for i in range(len(steps))]
    header = f"# Of the capture {name}, made by make_captures.py: do not edit by hand.\n"
    (folder / f"{name}.yaml").write_text(header + yaml.safe_dump(config.tree(), sort_keys=False))
    for port in config.tree()["ports"]:
        came = [(step.frame, time) for step, time in zip(steps, times) if step.port == port]
        left = [(frame, time) for step, time in zip(steps, times) for to, frame in step.leaves if to == port]
        if not (came or left or port in ("wan", "lan")):
            continue
        for file, frames in ((f"{name}.{port}.pcap", came), (f"{name}.{port}.expected.pcap", left)):
            (folder / file).write_bytes(capture_bytes([f for f, _ in frames], times=[t for _, t in frames]))
    (folder / f"{name}.expected.json").write_text(json.dumps(expected_of(steps), indent=1) + "\n")


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "captures"
    target.mkdir(exist_ok=True)
    for capture in CAPTURES:
        make(capture, target)
