#!/usr/bin/python3
"""Makes the demo's captures, demo/wan.pcap, demo/{lan,wan}.expected.pcap and demo/lan.pcap: make_demo.py [FOLDER].

The packets are made by scapy and python3-cryptography, without strata, and so is what must come out of them. The files
are checked in, so that the demo itself needs neither.
"""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests" / "replay"))

from scapy.layers.inet import ICMP, IP, TCP, UDP, fragment  # noqa: E402
from scapy.layers.l2 import ARP  # noqa: E402
from scapy.packet import Raw  # noqa: E402

import gateway as g  # noqa: E402
from harness import START_NS, Sent, capture_bytes, ends, sent  # noqa: E402

B = g.Sa()
C = g.Sa(
    "from-c",
    spi=0x1002,
    source="192.0.2.3",
    udp=None,
    inside="fc00:3::/48",
    key_from=0x40,
    algorithm="chacha20-poly1305",
    window=64,
)
SID = "fc00:1::d4"


def good_ones():
    """What must come out, carried in many ways."""
    ping_b, ping_c = g.inner4(84, ident=1), g.inner4(84, src="10.3.0.2", ident=2)
    syn = bytes(IP(src="10.2.0.2", dst="10.1.0.2", id=3) / TCP(sport=43210, dport=443, flags="S", seq=1))
    dns = bytes(
        IP(src="10.3.0.2", dst="10.1.0.2", id=4) / UDP(sport=5353, dport=53) / Raw(b"an answer to every question")
    )
    marked = g.inner4(84, src="10.3.0.2", ident=6, tos=2)
    big = g.inner4(1400, ident=7)
    return {
        "B's ping, without an SRH": sent(g.good(B, 1, ping_b), g.on_lan(ping_b)),
        "C's ping, in plain ESP": sent(g.good(C, 1, ping_c), g.on_lan(ping_c)),
        "with an SRH and a TLV in it": sent(
            g.good(B, 2, syn, six={"headers": [g.srh([SID], tlvs=g.PADN_TLV)]}), g.on_lan(syn)
        ),
        "in a VLAN, behind two more IPv6 headers, with TFC padding": sent(
            g.good(
                C,
                3,
                dns,
                six={"headers": [g.hop_by_hop(), g.dst_opts()]},
                outer={"vlans": ((0x8100, 42),)},
                tfc=bytes(60),
            ),
            g.on_lan(dns),
        ),
        "late, but inside the window": sent(g.good(C, 2, ping_c), g.on_lan(ping_c)),
        "a NAT gave B another port": sent(g.good(B, 3, big, outer={"sport": 61000}), g.on_lan(big)),
        "a router on the way marked congestion": sent(
            g.good(C, 4, marked, six={"tc": 2}, outer={"tos": 3}), g.on_lan(marked, ecn=g.CE)
        ),
    }


def to_the_gateway_itself():
    """What a host does: ARP, ping, and a packet of the tunnel that a router on the way cut in two."""
    question = bytes(ARP(op=1, hwsrc=g.WAN_PEER_MAC, psrc="192.0.2.2", pdst="192.0.2.1"))
    answer = bytes(
        ARP(op=2, hwsrc=g.WAN_MAC, psrc="192.0.2.1", hwdst=g.WAN_PEER_MAC, pdst="192.0.2.2")
    )
    ping = IP(src="192.0.2.2", dst="192.0.2.1", id=9) / ICMP(id=7, seq=1) / Raw(g.octets(0, 56))
    pong = IP(src="192.0.2.1", dst="192.0.2.2", id=9, ttl=64) / ICMP(type=0, id=7, seq=1) / Raw(g.octets(0, 56))
    inner = g.inner4(1300, ident=8)
    halves = [bytes(part) for part in fragment(IP(g.udp4(B.seal(16, g.inner6(inner)), flags=0)), 800)]
    return {
        "who has the gateway's address?": sent(
            g.ether(question, dst=g.BROADCAST_MAC, kind=0x0806),
            g.ether(answer, dst=g.WAN_PEER_MAC, src=g.WAN_MAC, kind=0x0806),
            to="wan",
        ),
        "B pings the gateway": sent(
            g.ether(bytes(ping)), g.ether(bytes(pong), dst=g.WAN_PEER_MAC, src=g.WAN_MAC), to="wan"
        ),
        "half a packet of the tunnel": ends(g.ether(halves[1]), "parked"),
        "its other half": sent(g.ether(halves[0]), g.on_lan(inner)),
    }


def bad_ones():
    """What must not, each for its own reason."""
    inner = g.inner4(84)
    altered = bytearray(g.good(B, 10, inner))
    altered[100] ^= 1
    wrong_sum = g.patch(inner, 10, b"\xde\xad")
    stranger = g.Sa(spi=0xBAD0)
    return {
        "B's first packet again": ends(g.good(B, 1, g.inner4(84, ident=1)), "esp.replayed"),
        "one bit altered on the way": ends(bytes(altered), "esp.auth_failed"),
        "an SPI nobody has": ends(g.good(stranger, 1), "esp.no_sa"),
        "B speaks as C": ends(g.good(B, 12, inner, six={"src": "fc00:3::2"}), "policy.selector_mismatch"),
        "SRv6 in clear": ends(g.ether(g.inner6(inner), kind=0x86DD), "policy.unprotected"),
        "a SID that is not ours": ends(g.good(B, 13, inner, six={"dst": "fc00:1::99"}), "sr6.no_sid"),
        "an SRH with a segment left": ends(
            g.good(B, 14, inner, six={"headers": [g.srh([SID, "fc00:9::1"], 1)]}), "sr6.segments_left"
        ),
        "no IPv4 inside": ends(g.good(C, 10, inner, six={"upper": g.UDP_}), "sr6.upper_layer"),
        "a wrong checksum inside": ends(g.good(B, 15, wrong_sum), "ip4.bad_checksum"),
        "TTL 1 inside": ends(g.good(C, 11, g.inner4(84, ttl=1)), "ip4.ttl_exceeded"),
        "congestion marked, and the inside cannot say so": ends(
            g.good(C, 12, inner, outer={"tos": 3}), "esp.ce_not_ect"
        ),
        "clear IPv4 to the protected side": ends(g.ether(g.inner4(84, src="203.0.113.9")), "policy.boundary"),
        "a NAT keepalive": ends(g.ether(g.udp4(b"\xff")), "esp.nat_keepalive"),
        "a dummy packet": ends(g.wrap(C, C.seal(13, bytes(66), next_header=g.NO_NEXT)), "esp.dummy"),
        "IKE": ends(g.ether(g.udp4(bytes(4) + bytes(range(60)))), "punt.ike"),
    }


def packets():
    """Two good ones, then bad and good ones mixed: a good one after every second bad one; those of a host last."""
    good, bad = list(good_ones().values()), list(bad_ones().values())
    mixed = good[:2]
    rest = good[2:]
    for i, case in enumerate(bad):
        mixed.append(case)
        if i % 2 and rest:
            mixed.append(rest.pop(0))
    return mixed + rest + list(to_the_gateway_itself().values())


def of_the_host():
    """What the host in the LAN of demo/endless.yaml has for B: the last one just fits through the tunnel."""
    sizes = (64, 84, 576, 1398)
    return [
        g.ether(g.inner4(size, src="10.1.0.2", dst="10.2.0.2", ident=i), dst=g.LAN_MAC, src=g.LAN_HOST_MAC)
        for i, size in enumerate(sizes, 1)
    ]


def make(folder):
    cases = packets()
    times = [START_NS + 1_000_000 * i for i in range(len(cases))]
    (folder / "wan.pcap").write_bytes(capture_bytes([case.frame for case in cases], times=times))
    for port in ("lan", "wan"):
        left = [(c.end.frame, t) for c, t in zip(cases, times) if isinstance(c.end, Sent) and c.end.port == port]
        (folder / f"{port}.expected.pcap").write_bytes(capture_bytes([f for f, _ in left], times=[t for _, t in left]))
    (folder / "lan.pcap").write_bytes(capture_bytes(of_the_host()))


if __name__ == "__main__":
    make(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
