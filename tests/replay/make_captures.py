#!/usr/bin/python3
"""Makes the captures that are checked in beside this file: make_captures.py [FOLDER], default captures/.

For each: NAME.yaml, the configuration; NAME.PORT.pcap, what arrives; NAME.PORT.expected.pcap, what must leave; and
NAME.expected.json, the ends of all packets. The same octets every time: test_captures.py makes them anew and compares.
"""

import json
import sys
from collections import Counter
from pathlib import Path

import yaml
from scapy.layers.l2 import ARP

import gateway as g
from gateway import Config, Sa
from harness import START_NS, Sent, capture_bytes, causes, ends, sent

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
    def to(dst, **more):
        return g.ether(g.inner4(84, src="203.0.113.9", dst=dst, **more))

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
        ends(g.ether(g.outer4(bytes(64), 6)), "punt.local"),
        sent(out, g.on_lan(out[14:], dst=g.WAN_ROUTER_MAC, src=g.WAN_MAC), to="wan"),
        ends(from_host, "policy.no_sa", port="lan"),
    ]


def every_end():
    """Each cause there is, once or a few times, and good packets between."""
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


CAPTURES = {"good": good_in_every_way, "esn": across_two_to_32, "every-end": every_end}


def make(name, folder):
    config, cases = CAPTURES[name]()
    times = [START_NS + 1000 * i for i in range(len(cases))]
    header = f"# Of the capture {name}, made by make_captures.py: do not edit by hand.\n"
    (folder / f"{name}.yaml").write_text(header + yaml.safe_dump(config.tree(), sort_keys=False))
    for port in ("wan", "lan"):
        mine = [(case.frame, time) for case, time in zip(cases, times) if case.port == port]
        (folder / f"{name}.{port}.pcap").write_bytes(capture_bytes([f for f, _ in mine], times=[t for _, t in mine]))
        left = [
            (case.end.frame, time)
            for case, time in zip(cases, times)
            if isinstance(case.end, Sent) and case.end.port == port
        ]
        (folder / f"{name}.{port}.expected.pcap").write_bytes(
            capture_bytes([f for f, _ in left], times=[t for _, t in left])
        )
    fates = causes()
    counts = Counter(case.end for case in cases if isinstance(case.end, str))
    expected = {"received": len(cases), "sent": sum(isinstance(case.end, Sent) for case in cases)}
    for fate in ("dropped", "consumed", "punted"):
        expected[fate] = {cause: counts[cause] for cause in sorted(counts) if fates[cause] == fate}
    expected["ends"] = ["sent" if isinstance(case.end, Sent) else case.end for case in cases]
    (folder / f"{name}.expected.json").write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "captures"
    target.mkdir(exist_ok=True)
    for capture in CAPTURES:
        make(capture, target)
