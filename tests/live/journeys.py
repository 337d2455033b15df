"""A gateway between a wan and a lan, both journeys through it, and what scapy says of the frames that come out.

What goes in is made as for strata replay (tests/replay/gateway.py), what comes out is opened by scapy's own IPsec.
Each peer has its own addresses and SA, so that the flows differ and a device with several queues spreads them.
"""

import ipaddress
import json
import sys
from pathlib import Path

from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6, IPv6ExtHdrSegmentRouting
from scapy.layers.ipsec import ESP, SecurityAssociation
from scapy.layers.l2 import Ether

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "replay"))

import gateway as g  # noqa: E402

PEERS = 8
SRH = 24  # octets, of the odd peers' packets: in with one segment, out with the second of two


def peer(n):
    """An address on the wan's link."""
    return f"192.0.2.{10 + n}"


def inbound_sa(n):
    return g.Sa(name=f"from-{n}", spi=0x1000 + n, source=peer(n), inside=f"fc00:2:{n:x}::/48", key_from=1 + n)


def outbound_sa(n):
    sa = g.Sa(name=f"to-{n}", spi=0x2000 + n, source="192.0.2.1", destination=peer(n), key_from=128 + n,
              inside="fc00:1::/48", target=f"fc00:2:{n:x}::/48")
    return sa


def as_outbound(entry):
    return {**entry, "direction": "out"}


def peer_mac(n):
    return f"02:00:00:00:03:{n:02x}"


def policy(n):
    """The even ones have one segment and no SRH, the odd ones two and a reduced SRH."""
    sids = [str(ipaddress.ip_address(f"fc00:2:{n:x}::{s:x}")) for s in range(1, 2 + n % 2)]
    return {"name": f"to-{n}", "prefixes": [f"10.2.{n}.0/24"], "segments": sids, "mode": "H.Encaps.Red"}


def largest(mtu):
    """The largest IPv4 packets that fit: of the even peers, without an SRH, and of the odd ones."""
    without = (mtu - 20 - 8 - 8 - 8 - 16) // 4 * 4 - 2 - 40  # IPv4, UDP, ESP, IV, ICV; ESP's trailer, IPv6
    return without, without - SRH


def configuration(wan, lan, **sections):
    """wan, lan: what to say of the ports beyond addresses and sides: {"device": ..., "mac": ...}."""
    neighbors = [{"port": "wan", "address": peer(n), "mac": peer_mac(n)} for n in range(PEERS)]
    neighbors.append({"port": "lan", "address": "10.1.0.2", "mac": g.LAN_HOST_MAC})
    sas = [inbound_sa(n).config() for n in range(PEERS)]
    sas += [as_outbound(outbound_sa(n).config()) for n in range(PEERS)]
    return {
        "ports": {
            "wan": {"addresses": ["192.0.2.1/24"], "side": "unprotected", **wan},
            "lan": {"addresses": ["10.1.0.1/24"], "side": "protected", **lan},
        },
        "neighbors": neighbors,
        "ipsec": {"security_associations": sas},
        "srv6": {
            "source": "fc00:1::1",
            "local_sids": [{"sid": "fc00:1::d4/128", "behavior": "End.DX4", "next_hop": "10.1.0.2", "port": "lan"}],
            "policies": [policy(n) for n in range(PEERS)],
        },
        **sections,
    }


# --- in: ESP in UDP from the wan, IPv4 on the lan ---------------------------------------------------------------------


def inbound(count, sizes=(64, 84, 576, 1300)):
    """Frames for the wan and, in the same order, what must leave by the lan. The nth peer's have the nth size."""
    frames, expected = [], []
    for i in range(count):
        n, seq = i % PEERS, 1 + i // PEERS
        sa = inbound_sa(n)
        inner = g.inner4(sizes[i % len(sizes)], src=f"10.2.{n}.2", dst="10.1.0.2", seq=i, ident=i)
        headers = [g.srh(["fc00:1::d4"])] if n % 2 else []
        six = g.inner6(inner, src=f"fc00:2:{n:x}::2", dst="fc00:1::d4", headers=headers)
        frames.append(g.wrap(sa, sa.seal(seq, six)))
        expected.append(g.on_lan(inner))
    return frames, expected


def judge_inbound(frames, expected):
    """Each of them, octet by octet; several queues keep the order of a flow, not of all. Devices pad short frames."""
    left = {frame: number for number, frame in enumerate(expected)}
    assert len(left) == len(expected), "the frames of a test must differ"
    order = []
    for frame in frames:
        octets = frame[: 14 + int.from_bytes(frame[16:18], "big")]
        assert not any(frame[len(octets):]), f"padding that is not zero: {frame.hex()}"
        assert octets in left, f"never asked for, or twice: {octets.hex()}"
        order.append(left.pop(octets))
    assert not left, f"{len(left)} did not come"
    for n in range(PEERS):
        mine = [i for i in order if i % PEERS == n]
        assert mine == sorted(mine), f"the packets of {inbound_sa(n).name} changed places"


# --- out: IPv4 from the lan, ESP in UDP on the wan --------------------------------------------------------------------


def outbound(count, sizes=(64, 84, 576, 1300)):
    """Frames for the lan, and the IPv4 packets in them."""
    inners = [
        g.inner4(sizes[i % len(sizes)], src="10.1.0.2", dst=f"10.2.{i % PEERS}.2", seq=i, ident=i) for i in range(count)
    ]
    return [g.ether(inner, dst=g.LAN_MAC, src=g.LAN_HOST_MAC) for inner in inners], inners


def judge_outbound(frames, inners):
    """scapy opens each frame; the numbers of each SA count from 1, and the packets are those that went in."""
    opened = {n: [] for n in range(PEERS)}
    for frame in frames:
        n, seq, inner = open_with_scapy(frame)
        opened[n].append(inner)
        assert seq == len(opened[n]), f"to-{n}: number {seq} where {len(opened[n])} was due"
    for n in range(PEERS):
        expected = [g.forwarded(inner) for i, inner in enumerate(inners) if i % PEERS == n]
        assert opened[n] == expected, f"to-{n}"


def open_with_scapy(frame, more_sas=()):
    """Which peer it is for, its sequence number, and the IPv4 packet in it. more_sas: others than the usual ones."""
    packet = Ether(frame)
    assert packet.src == g.WAN_MAC and packet[IP].src == "192.0.2.1", packet.summary()
    n = int(packet[IP].dst.rsplit(".", 1)[1]) - 10
    assert packet.dst == peer_mac(n)
    assert (packet[UDP].sport, packet[UDP].dport, packet[UDP].chksum) == (4500, 4500, 0)
    esp = ESP(bytes(packet[UDP].payload)[: packet[UDP].len - 8])
    (sa,) = [sa for sa in (outbound_sa(n), *more_sas) if sa.spi == esp.spi]
    theirs = SecurityAssociation(ESP, spi=sa.spi, crypt_algo="AES-GCM", crypt_key=sa.keymat,
                                 tunnel_header=IP(src="192.0.2.1", dst=peer(n)))
    outer = IP(src="192.0.2.1", dst=peer(n), proto=50) / esp
    six = theirs.decrypt(IP(bytes(outer)))[IPv6]
    assert (six.src, six.dst) == ("fc00:1::1", policy(n)["segments"][0])
    if n % 2:
        srh = six[IPv6ExtHdrSegmentRouting]
        assert (srh.segleft, srh.lastentry, list(srh.addresses)) == (1, 0, [policy(n)["segments"][1]])
        assert srh.nh == 4
    else:
        assert six.nh == 4
    return n, esp.seq, bytes(six[IP])


# --- the account ------------------------------------------------------------------------------------------------------


def judge_report(text, inbound_count, outbound_count):
    """What `strata run --json` said at its end: every packet has one end, every buffer came back."""
    report = json.loads(text)
    assert report["balanced"], text
    assert report["buffers_missing"] == 0, text
    assert report["errors"] == [], text
    assert report["ports"]["lan"]["sent"] >= inbound_count and report["ports"]["wan"]["sent"] >= outbound_count, text
    seen = {name: count["packets"] for name, count in report["security_associations"].items()}
    for n in range(PEERS):
        assert seen.get(f"from-{n}", 0) == len(range(n, inbound_count, PEERS)), text
        assert seen.get(f"to-{n}", 0) == len(range(n, outbound_count, PEERS)), text
    assert not any(cause.startswith(("esp.", "policy.", "sr6.")) for cause in report["dropped"]), text
    return report
