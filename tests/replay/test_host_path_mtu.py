"""RFC duties 68 and 69: what routers say of the MTU on a tunnel's way, whom of them is believed, and for how long."""

import struct

import pytest
from scapy.layers.inet import ICMP, IP, TCP
from scapy.layers.inet6 import IPv6
from scapy.packet import Raw

import gateway as g
from gateway import Sa
from steps import ALONE, Sealed, Step, Tunnel, run_steps
from test_host_mtu import HOST, gateway, inner, inner_mtu, needs_cutting
from test_outbound import expected_ipv6, from_host, out_sa

ROUTER = "203.0.113.1"
MINUTES = 60_000  # milliseconds
FROM_B = Sa()
PLAIN = Tunnel(out_sa(udp=None))
IN_UDP = Tunnel(out_sa())


def outer(tunnel, sequence, total=1500, *, quoted=528, frag=0, flags="DF", **other):
    """The beginning of what the gateway sent, as a router on the way quotes it."""
    sa = tunnel.sa
    is_ = {"source": sa.source, "destination": sa.destination, "udp": sa.udp, "spi": sa.spi, **other}
    esp = struct.pack("!II", is_["spi"], sequence) + bytes(total - 28)
    if is_["udp"]:
        esp = struct.pack("!HHHH", *is_["udp"], total - 20, 0) + esp
    protocol = 17 if is_["udp"] else 50
    ip = IP(src=is_["source"], dst=is_["destination"], proto=protocol, id=0, flags=flags, ttl=60, frag=frag, len=total)
    return (bytes(ip) + esp)[: 20 + quoted]


def too_big_ip4(quote, mtu, *, code=4, src=ROUTER, dst="192.0.2.1"):
    message = bytes(ICMP(type=3, code=code, nexthopmtu=mtu) / Raw(quote))
    return bytes(IP(src=src, dst=dst, ttl=60) / ICMP(message))


def too_big(quote, mtu, *, damage=b"", **fields):
    """RFC 1191 section 4, from a router on the way."""
    packet = too_big_ip4(quote, mtu, **fields)
    return g.ether(packet[: len(packet) - len(damage)] + damage)


def sent(tunnel, size, n=0, **more):
    packet = inner(size, n)
    return Step(from_host(packet), "sent", (("wan", Sealed(tunnel, g.forwarded(packet))),), port="lan", **more)


def refused(size, mtu, n=0, **more):
    packet = inner(size, n)
    return Step(from_host(packet), "ip4.too_big", (needs_cutting(packet, mtu),), port="lan", **more)


@pytest.mark.parametrize("tunnel", [PLAIN, IN_UDP], ids=["plain", "udp"])
def test_duty_69_a_router_on_the_way_is_believed_for_ten_minutes(tmp_path, tunnel):
    most, less, least = inner_mtu(tunnel, 1500), inner_mtu(tunnel, 1403), inner_mtu(tunnel, 576)
    whole = inner(most, flags=0)
    pieces = tuple(("wan", Sealed(tunnel, piece)) for piece in g.cut(g.forwarded(whole), less))
    steps = [
        sent(tunnel, most, at=0),
        Step(too_big(outer(tunnel, 1), 1403), "icmp.path_mtu", at=100),
        refused(less + 1, less, at=200),
        sent(tunnel, less, at=300),
        Step(from_host(whole), "ip4.fragmented", pieces, port="lan", at=400),
        # Larger than what was said before: not raised.
        Step(too_big(outer(tunnel, 2), 1450), "icmp.path_mtu", at=500),
        refused(less + 1, less, at=10 * MINUTES),
        sent(tunnel, most, at=10 * MINUTES + 101),
        Step(too_big(outer(tunnel, 3, 700), 576), "icmp.path_mtu", at=11 * MINUTES),
        refused(least + 1, least, at=11 * MINUTES + 1),
        # Said anew: believed as long anew.
        Step(too_big(outer(tunnel, 1, 577), 576), "icmp.path_mtu", at=20 * MINUTES),
        refused(least + 1, least, at=29 * MINUTES),
        sent(tunnel, most, at=30 * MINUTES + 1),
    ]
    run_steps(gateway([tunnel]), steps, tmp_path, matrix=ALONE)


def nobody():
    """Errors that are not about a packet of ours, or whose word is not to be taken."""
    return {
        "another SPI": too_big(outer(IN_UDP, 1, spi=0x2002), 1400),
        "a number not sent yet": too_big(outer(IN_UDP, 2), 1400),
        "the number 0": too_big(outer(IN_UDP, 0), 1400),
        "to another peer": too_big(outer(IN_UDP, 1, destination="192.0.2.77"), 1400),
        "from another address": too_big(outer(IN_UDP, 1, source="198.51.100.1"), 1400),
        "from another port": too_big(outer(IN_UDP, 1, udp=(4501, 4500)), 1400),
        "to another port": too_big(outer(IN_UDP, 1, udp=(4500, 4501)), 1400),
        "plain ESP": too_big(outer(IN_UDP, 1, udp=None), 1400),
        "no SPI quoted": too_big(outer(IN_UDP, 1, quoted=8), 1400),
        "half a header quoted": too_big(outer(IN_UDP, 1)[:19], 1400),
        "nothing quoted": too_big(b"", 1400),
        "not the first fragment": too_big(outer(IN_UDP, 1, frag=8), 1400),
        "575": too_big(outer(IN_UDP, 1), 575),
        "0, from a router before RFC 1191": too_big(outer(IN_UDP, 1), 0),
        "not less than the packet": too_big(outer(IN_UDP, 1, 1400), 1400),
        "another code": too_big(outer(IN_UDP, 1), 1400, code=3),
        "without DF no router refuses": too_big(outer(IN_UDP, 1, flags=0), 1400),
        "larger than the port sends": too_big(outer(IN_UDP, 1, 1501), 1400),
        "to another own address": too_big(outer(IN_UDP, 1), 1400, dst="198.51.100.1"),
        "out of an SA": g.good(FROM_B, 1, too_big_ip4(outer(IN_UDP, 1), 1400, src="10.2.0.9", dst="10.1.0.1")),
    }


@pytest.mark.parametrize("burst_apart", [True, False])
def test_duty_69_who_has_not_seen_the_packet_is_not_believed(tmp_path, burst_apart):
    most = inner_mtu(IN_UDP, 1500)
    errors = [Step(frame, "punt.icmp") for frame in nobody().values()]
    errors.append(Step(too_big(outer(IN_UDP, 1), 1400, damage=b"!"), "icmp.bad_checksum"))
    steps = [sent(IN_UDP, most), *errors, sent(IN_UDP, most)]
    from_lan = g.ether(too_big_ip4(outer(IN_UDP, 1), 1400, src=HOST, dst="10.1.0.1"), dst=g.LAN_MAC, src=g.LAN_HOST_MAC)
    steps[1:1] = [Step(from_lan, "punt.icmp", port="lan")]
    matrix = ALONE if burst_apart else (("00", 64), ("a5", 8))
    run_steps(gateway([IN_UDP], into=[FROM_B]), steps, tmp_path, matrix=matrix)


def test_duty_69_not_from_where_the_sa_does_not_send(tmp_path):
    """Not even where a bypass rule lets a LAN host talk to that address, or the SA's port is on the protected side."""
    most = inner_mtu(IN_UDP, 1500)
    error = too_big_ip4(outer(IN_UDP, 1), 1400, src=HOST)
    tree = gateway([IN_UDP])
    tree["bypass"] = [{"source": "10.1.0.0/24", "destination": "192.0.2.1/32", "protocol": "icmp"}]
    from_lan = Step(g.ether(error, dst=g.LAN_MAC, src=g.LAN_HOST_MAC), "punt.icmp", port="lan")
    run_steps(tree, [sent(IN_UDP, most), from_lan, sent(IN_UDP, most)], tmp_path)
    inside = too_big_ip4(outer(IN_UDP, 1), 1400, src="10.2.0.9")
    out_of_an_sa = Step(g.good(FROM_B, 1, inside), "punt.icmp")
    tree = gateway([IN_UDP], into=[FROM_B], ports={"wan": {"side": "protected"}})
    run_steps(tree, [sent(IN_UDP, most), out_of_an_sa, sent(IN_UDP, most)], tmp_path / "protected")


def test_duty_69_switched_off_nobody_is_believed(tmp_path):
    most = inner_mtu(IN_UDP, 1500)
    steps = [sent(IN_UDP, most), Step(too_big(outer(IN_UDP, 1), 1400), "punt.icmp"), sent(IN_UDP, most)]
    run_steps(gateway([IN_UDP], icmp={"path_mtu": False}), steps, tmp_path)


def test_duty_69_only_the_policies_of_that_sa(tmp_path):
    """Two policies share an SA, a third has its own."""
    shared = out_sa(name="to-0", target="fc00:2:0::/47", spi=0x2001)
    other = Tunnel(out_sa(name="to-2", target="fc00:2:2::/48", spi=0x2002, key_from=7), ("fc00:2:2::1",))
    one, two = Tunnel(shared, ("fc00:2:0::1",)), Tunnel(shared, ("fc00:2:1::1", "fc00:2:1::2"))
    tunnels = [one, two, other]
    most = [inner_mtu(tunnel, 1500) for tunnel in tunnels]
    less = [inner_mtu(tunnel, 1300) for tunnel in tunnels]
    steps = [
        *(sent(tunnel, most[n], n) for n, tunnel in enumerate(tunnels)),
        Step(too_big(outer(one, 1), 1300), "icmp.path_mtu"),
        *(refused(less[n] + 1, less[n], n) for n in (0, 1)),
        *(sent(tunnels[n], less[n], n) for n in (0, 1)),
        sent(other, most[2], 2),
    ]
    run_steps(gateway(tunnels), steps, tmp_path)


def test_duty_69_the_mss_follows(tmp_path):
    def syn(mss):
        tcp = TCP(sport=1000, dport=80, flags="S", seq=1, options=[("MSS", mss)])
        return bytes(IP(src=HOST, dst="10.2.0.1", flags="DF", ttl=64) / tcp)

    less = inner_mtu(IN_UDP, 1400)
    clamped = g.forwarded(syn(1460))
    to = [inner_mtu(IN_UDP, 1500) - 40, less - 40, inner_mtu(IN_UDP, 1500) - 40]
    out = [bytes(IP(src=HOST, dst="10.2.0.1", flags="DF", ttl=63) / TCP(bytes(IP(syn(mss))[TCP]))) for mss in to]
    assert len(clamped) == len(out[0])
    steps = [
        Step(from_host(syn(1460)), "sent", (("wan", Sealed(IN_UDP, out[0])),), port="lan", at=0),
        Step(too_big(outer(IN_UDP, 1), 1400), "icmp.path_mtu", at=1),
        Step(from_host(syn(1460)), "sent", (("wan", Sealed(IN_UDP, out[1])),), port="lan", at=2),
        Step(from_host(syn(1460)), "sent", (("wan", Sealed(IN_UDP, out[2])),), port="lan", at=11 * MINUTES),
    ]
    run_steps(gateway([IN_UDP], policy={"mss_clamp": True}), steps, tmp_path, matrix=ALONE)


# --- IPv6, through an SA ---------------------------------------------------------------------------------------------

def six_too_big(sequence, quote, mtu, *, src="fc00:2::99", sa=FROM_B, damage=0, clear=False):
    packet = bytearray(g.six_too_big(quote, mtu, src=src))
    packet[-1] ^= damage
    if clear:
        return g.ether(bytes(packet), kind=0x86DD)
    return g.wrap(sa, sa.seal(sequence, bytes(packet)))


def ipv6_of(tunnel, size=1300):
    return expected_ipv6(tunnel.segments, tunnel.mode, g.forwarded(inner(size)), 7)


def on_its_way(packet, segment, left):
    """As it looks at a later segment: RFC 8754 section 4.3.1.1."""
    return packet[:24] + segment + packet[40:43] + bytes([left]) + packet[44:]


WAYS = [
    Tunnel(out_sa()),
    Tunnel(out_sa(), ("fc00:2::1",), "H.Encaps"),
    Tunnel(out_sa(), ("fc00:2::1", "fc00:2::2", "fc00:2::3"), "H.Encaps"),
    Tunnel(out_sa(), ("fc00:2::1", "fc00:2::2", "fc00:2::3")),
]


@pytest.mark.parametrize("tunnel", WAYS, ids=["no-srh", "encaps-1", "encaps-3", "red-3"])
def test_duty_68_a_router_behind_the_peer_is_believed_from_1280_on(tmp_path, tunnel):
    header = len(ipv6_of(tunnel)) - 1300
    most, less, least = inner_mtu(tunnel, 1500), 1300 - header, 1280 - header
    quote = ipv6_of(tunnel)
    if header > 40:
        last = bytes(IPv6(dst=tunnel.segments[-1]))[24:40]
        quote = on_its_way(quote, last, 0)
    steps = [
        sent(tunnel, most, at=0),
        Step(six_too_big(1, quote, 1279), "punt.icmp6", at=1),
        sent(tunnel, most, at=2),
        Step(six_too_big(2, quote[: header + 8], 1300), "icmp.path_mtu", at=3),
        refused(less + 1, less, at=4),
        sent(tunnel, less, at=5),
        Step(six_too_big(3, quote, 1280), "icmp.path_mtu", at=6),
        refused(least + 1, least, at=7),
        sent(tunnel, least, at=8),
        refused(least + 1, least, at=10 * MINUTES),
        sent(tunnel, most, at=10 * MINUTES + 7),
    ]
    run_steps(gateway([tunnel], into=[FROM_B]), steps, tmp_path, matrix=ALONE)


def test_duty_68_who_is_not_believed(tmp_path):
    tunnel, from_c = WAYS[2], Sa("from-c", spi=0x1002, inside="fc00:3::/48", key_from=0x40)
    most, quote = inner_mtu(tunnel, 1500), ipv6_of(tunnel)
    other_segment = bytearray(quote)
    other_segment[-1310] ^= 1
    errors = [
        six_too_big(1, quote, 1300, sa=from_c, src="fc00:3::99"),  # of what its peer is not sent
        six_too_big(0, quote, 1300, clear=True),
        six_too_big(1, quote, 1300, damage=1),
        six_too_big(2, quote[:95], 1300),  # the SRH is not whole
        six_too_big(3, quote[:39], 1300),
        six_too_big(4, b"", 1300),
        six_too_big(5, bytes(other_segment), 1300),
        six_too_big(6, ipv6_of(WAYS[0]), 1300),
        six_too_big(7, quote[:8] + bytes(16) + quote[24:], 1300),  # another source
        six_too_big(8, quote, len(quote)),
    ]
    steps = [sent(tunnel, most), *(Step(frame, "punt.icmp6") for frame in errors), sent(tunnel, most)]
    run_steps(gateway([tunnel], into=[FROM_B, from_c]), steps, tmp_path)
    steps = [sent(tunnel, most), Step(six_too_big(1, quote, 1300), "punt.icmp6"), sent(tunnel, most)]
    run_steps(gateway([tunnel], into=[FROM_B], icmp={"path_mtu": False}), steps, tmp_path / "off")
