"""RFC duties 61, 64 and 65: echo to own addresses, ICMP errors, and where there are none."""

import itertools
import struct

import pytest
from scapy.layers.inet import ICMP, IP
from scapy.packet import Raw

import gateway as g
from gateway import Config, Sa
from steps import ALONE, ONE_BY_ONE, Sealed, Step, Tunnel, run_steps
from test_outbound import out_sa

PEER, ROUTER, HOST, FAR = "192.0.2.2", "192.0.2.254", "10.1.0.2", "10.2.0.9"
OWN = {"192.0.2.1": "wan", "198.51.100.1": "wan", "10.1.0.1": "lan", "10.3.0.1": "lan2"}
MACS = {"wan": (g.WAN_MAC, g.WAN_ROUTER_MAC), "lan": (g.LAN_MAC, g.LAN_HOST_MAC), "lan2": (g.LAN2_MAC, g.LAN2_HOST_MAC)}
HOSTS = {"wan": "203.0.113.9", "lan": HOST, "lan2": "10.3.0.2"}  # each behind or at the neighbor of its port


def arrives(port, packet):
    own, neighbor = MACS[port]
    return g.ether(packet, dst=own, src=neighbor)


def leaves(port, packet):
    own, neighbor = MACS[port]
    return (port, g.ether(packet, dst=neighbor, src=own))


def icmp(kind, data=b"", *, src, dst, code=0, ident=9, options=b"", **fields):
    """An ICMP message, echo or another; the checksums are scapy's."""
    message = bytes(ICMP(type=kind, code=code, id=0x5354, seq=ident & 0xFFFF) / Raw(data))
    return g.ip4_bytes(IP(src=src, dst=dst, proto=1, id=ident, **{"ttl": 64, **fields}), message, options)


def pong(port, own, data, ident=9, **fields):
    return icmp(0, data, src=own, dst=HOSTS[port], ident=ident, **fields)


def echo_step(port, own, data, *, ident=9, ttl=64, options=b"", tos=0, flags=0):
    request = icmp(8, data, src=HOSTS[port], dst=own, ident=ident, ttl=ttl, options=options, tos=tos, flags=flags)
    reply = pong(port, own, data, ident, tos=tos & 0xFC, flags=flags)
    return Step(arrives(port, request), "sent", (leaves(port, reply),), port=port)


def gateway(*, into=(), tunnel=None, mtu=1500, bypass=(), **extra):
    """tunnel: by which the policy to-b, 10.2.0.0/16, sends; without one it has no SA."""
    tree = Config(list(into), host=True, mtu=mtu, bypass=list(bypass), extra=extra).tree()
    if tunnel:
        tree["ipsec"]["security_associations"].append({**tunnel.sa.config(), "direction": "out"})
    return tree


# --- echo ------------------------------------------------------------------------------------------------------------


def test_duty_65_echo_brings_the_same_octets_back(tmp_path):
    data = g.octets(0x20, 1472)
    sizes = (0, 1, 2, 3, 7, 8, 56, 57, 255, 256, 1000, 1471, 1472)
    steps = [
        echo_step(port, own, data[:size], ident=size + 1, flags="DF" if size % 3 else 0)
        for own, port in OWN.items()
        for size in sizes
    ]
    run_steps(gateway(), steps, tmp_path)


def test_duty_65_every_size_and_checksum(tmp_path):
    """Type 8 becomes 0: the checksum goes up by 0800, over the end of 16 bits where RFC 1624 has its corner."""
    steps = [echo_step("wan", "192.0.2.1", g.octets(5, size), ident=size + 1) for size in range(1473)]
    bare = struct.unpack("!H", icmp(8, bytes(2), src=PEER, dst="192.0.2.1")[22:24])[0]
    wanted = [*range(8), *range(0xF7F0, 0xF810), *range(0xFFF0, 0xFFFF)]
    fillers = [struct.pack("!H", (bare - value) % 0xFFFF) for value in wanted]
    steps += [echo_step("wan", "192.0.2.1", filler) for filler in fillers]
    assert {step.frame[36:38].hex() for step in steps} >= {"0000", "f7fe", "f7ff", "f800", "fffe"}
    run_steps(gateway(), steps, tmp_path, matrix=ONE_BY_ONE)


def test_duty_65_what_a_request_may_be_like(tmp_path):
    options = (b"\x94\x04\x00\x00", b"\x07\x07\x04\x00\x00\x00\x00\x00", b"\x01" * 40)
    padded = echo_step("lan", "10.1.0.1", b"abc")
    of_other_port = icmp(8, src=HOST, dst="10.3.0.1")
    answer = icmp(0, src="10.3.0.1", dst=HOST)
    steps = [
        *(echo_step("wan", "192.0.2.1", b"abc", tos=tos) for tos in (0, 1, 2, 3, 0xB8, 0xBB, 0xFF)),
        *(echo_step("lan", "10.1.0.1", b"abc", ttl=ttl) for ttl in (0, 1, 2, 255)),
        *(echo_step("wan", "198.51.100.1", bytes(n), options=o) for n in (0, 33) for o in options),
        Step(padded.frame + bytes(20), "sent", padded.leaves, port="lan"),
        Step(arrives("lan", of_other_port), "sent", (leaves("lan", answer),), port="lan"),
    ]
    run_steps(gateway(), steps, tmp_path)


def not_answered():
    """ICMP to an own address that gets no answer, and the cause."""
    good = icmp(8, b"abcdef", src=HOST, dst="10.1.0.1")
    header = IP(src=HOST, dst="10.1.0.1", proto=1)
    yield from ((g.ip4_bytes(header, good[20 : 20 + n]), "icmp.truncated") for n in range(8))
    for at in range(20, len(good)):
        yield g.patch(good, at, bytes([good[at] ^ 0x10])), "icmp.bad_checksum"
    yield g.patch(good, 22, b"\0\0"), "icmp.bad_checksum"
    for kind in (0, 3, 4, 5, 11, 12, 13, 30, 255):
        yield icmp(kind, bytes(28), src=HOST, dst="10.1.0.1"), "punt.icmp"
    yield icmp(8, b"abc", src=HOST, dst="10.1.0.1", code=1), "punt.icmp"


def test_duty_65_what_is_not_answered(tmp_path):
    steps = [Step(arrives("lan", packet), cause, port="lan") for packet, cause in not_answered()]
    run_steps(gateway(), steps, tmp_path)
    off = [Step(arrives("lan", icmp(8, b"abc", src=HOST, dst="10.1.0.1")), "punt.icmp", port="lan")]
    run_steps(gateway(icmp={"echo": False}), off, tmp_path / "off", matrix=ONE_BY_ONE)


def in_pieces(port, packet, mtu, answers, counts=(), order=None):
    """Steps for the pieces of a packet to the gateway itself; the last to arrive makes it whole."""
    pieces = g.cut(packet, mtu)
    pieces = [pieces[i] for i in order] if order else pieces
    last = pieces.pop()
    waits = [Step(arrives(port, piece), "parked", port=port) for piece in pieces]
    counts = ("ip4.reassembled",) * (len(pieces) + 1) + tuple(counts)
    return [*waits, Step(arrives(port, last), counts[-1] if len(answers) > 1 else "sent", answers, counts, port)]


def test_duty_65_echo_in_fragments_is_answered_in_fragments(tmp_path):
    steps = []
    cases = itertools.product(OWN.items(), ((1473, 1500), (1481, 1500), (2000, 576), (4000, 1500), (3900, 576)))
    for ident, ((own, port), (size, mtu)) in enumerate(cases, 1):
        data = g.octets(ident, size)
        request = icmp(8, data, src=HOSTS[port], dst=own, ident=ident)
        answers = tuple(leaves(port, piece) for piece in g.cut(pong(port, own, data, ident), 1500))
        order = [2, 0, 1] if len(g.cut(request, mtu)) == 3 else None
        steps += in_pieces(port, request, mtu, answers, ("ip4.fragmented",), order)
    whole = icmp(8, bytes(1000), src=HOST, dst="10.1.0.1", ident=77)
    steps += in_pieces("lan", whole, 576, (leaves("lan", pong("lan", "10.1.0.1", bytes(1000), 77)),))
    run_steps(gateway(), steps, tmp_path)


def test_echo_across_the_boundary(tmp_path):
    """From one side to an own address of the other: refused as all else in clear, unless a rule lets it."""
    to_lan = icmp(8, b"abc", src=HOSTS["wan"], dst="10.1.0.1")
    to_wan = icmp(8, b"abc", src=HOST, dst="192.0.2.1")
    steps = [
        Step(arrives("wan", to_lan), "policy.boundary"),
        Step(arrives("lan", to_wan), "policy.boundary", port="lan"),
        echo_step("lan2", "10.3.0.1", b"abc"),
    ]
    run_steps(gateway(), steps, tmp_path)
    rule = {"source": "203.0.113.9/32", "destination": "10.1.0.0/24", "protocol": "icmp"}
    let_in = [
        Step(arrives("wan", to_lan), "sent", (leaves("wan", pong("wan", "10.1.0.1", b"abc")),)),
        Step(arrives("lan", to_wan), "policy.boundary", port="lan"),
    ]
    run_steps(gateway(bypass=[rule]), let_in, tmp_path / "rule", matrix=ONE_BY_ONE)


def test_duty_65_echo_through_the_tunnel(tmp_path):
    """ESP in, End.DX4, to an own address of the protected side; the answer is sealed and goes back."""
    into, tunnel = Sa(), Tunnel(out_sa())
    steps = []
    for seq, (own, size) in enumerate(itertools.product(("10.1.0.1", "10.3.0.1"), (0, 1, 56, 1370)), 1):
        data = g.octets(seq, size)
        request = icmp(8, data, src=FAR, dst=own, ident=seq, flags="DF", tos=0x28)
        answer = icmp(0, data, src=own, dst=FAR, ident=seq, flags="DF", tos=0x28)
        frame = g.good(into, seq, request, six={"dst": "fc00:1::d4" if seq % 2 else "fc00:1::d5"})
        steps.append(Step(frame, "sent", (("wan", Sealed(tunnel, answer, 0x28)),)))
    large = icmp(8, bytes(1371), src=FAR, dst="10.1.0.1")
    answer = icmp(0, bytes(1371), src="10.1.0.1", dst=FAR)
    pieces = tuple(("wan", Sealed(tunnel, piece)) for piece in g.cut(answer, 1398))
    steps += [
        Step(g.good(into, 101, large), "ip4.fragmented", pieces),
        Step(g.good(into, 102, icmp(8, bytes(1371), src=FAR, dst="10.1.0.1", flags="DF")), "ip4.too_big"),
        Step(g.good(into, 103, icmp(8, b"abc", src=FAR, dst="192.0.2.1")), "policy.boundary"),
        Step(g.good(into, 104, icmp(8, b"abc", src="203.0.113.9", dst="10.1.0.1")), "policy.boundary"),
        Step(g.good(into, 105, icmp(8, b"abc", src=FAR, dst="10.1.0.1"), six={"tc": 3}), "ip4.ce_not_ect"),
    ]
    run_steps(gateway(into=[into], tunnel=tunnel), steps, tmp_path)


def test_duty_65_echo_in_fragments_through_the_tunnel(tmp_path):
    """Out of one SA, and never together with what comes in clear or out of another one."""
    into, second, tunnel = Sa(), Sa("from-d", spi=0x1003, inside="fc00:4::/48", key_from=0x60), Tunnel(out_sa())
    steps, seq = [], 0
    for ident, (size, order) in enumerate(((3000, None), (3000, [2, 0, 1]), (1400, [1, 0])), 1):
        data = g.octets(ident, size)
        pieces = g.cut(icmp(8, data, src=FAR, dst="10.1.0.1", ident=ident, tos=2), 1398)
        frames = [g.good(into, seq + n, pieces[i], six={"tc": 1}) for n, i in enumerate(order or range(len(pieces)), 1)]
        seq += len(frames)
        strange = [g.ether(pieces[-1]), g.good(second, ident, pieces[-1])]
        answer = g.cut(icmp(0, data, src="10.1.0.1", dst=FAR, ident=ident), 1398)
        steps.append(Step(frames[0], "parked"))
        steps += [Step(frame, "parked", (), ("ip4.reassembly_timeout",)) for frame in strange]
        steps += [Step(frame, "parked") for frame in frames[1:-1]]
        counts = ("ip4.reassembled",) * len(frames) + ("ip4.fragmented",)
        steps.append(Step(frames[-1], counts[-1], tuple(("wan", Sealed(tunnel, piece)) for piece in answer), counts))
    run_steps(gateway(into=[into, second], tunnel=tunnel), steps, tmp_path)
    off = [Step(g.good(into, 1, pieces[0]), "ip4.fragment"), Step(g.good(into, 2, pieces[1]), "ip4.fragment")]
    run_steps(gateway(into=[into], reassembly={"enabled": False}), off, tmp_path / "off", matrix=ONE_BY_ONE)


# --- errors ----------------------------------------------------------------------------------------------------------


def refused(port, packet, cause, kind, code, *, src, to=None, dst=None):
    """A packet, and the error that its sender gets."""
    error = g.icmp_error(kind, code, packet, src=src, dst=dst or HOSTS[port])
    return Step(arrives(port, packet), cause, (leaves(to or port, error),), port=port)


def test_duty_61_time_exceeded(tmp_path):
    steps = []
    for ttl in (0, 1):
        for size in (20, 28, 547, 548, 549, 1500):
            for port, src in (("wan", "192.0.2.1"), ("lan", "10.1.0.1"), ("lan2", "10.3.0.1")):
                dst = {"wan": ROUTER, "lan": "10.3.0.2", "lan2": HOST}[port]
                packet = g.inner4(size, src=HOSTS[port], dst=dst, ttl=ttl, tos=0xB9, flags=0 if size % 2 else "DF")
                if size == 28:
                    packet = g.inner4(size, src=HOSTS[port], dst=dst, ttl=ttl, proto=17)
                steps.append(refused(port, packet, "ip4.ttl_exceeded", 11, 0, src=src))
    steered = g.inner4(84, src=HOST, dst=FAR, ttl=1)
    steps += [
        refused("lan", steered, "ip4.ttl_exceeded", 11, 0, src="10.1.0.1"),
        refused("lan", g.inner4(84, src=HOST, dst="10.3.0.2", ttl=1, options=b"\x01" * 40), "ip4.ttl_exceeded", 11, 0,
                src="10.1.0.1"),
        Step(arrives("lan", g.inner4(84, src=HOST, dst="10.3.0.2", ttl=2)), "sent",
             (leaves("lan2", g.forwarded(g.inner4(84, src=HOST, dst="10.3.0.2", ttl=2))),), port="lan"),
    ]
    run_steps(gateway(), steps, tmp_path)


def test_duty_64_source_is_that_of_the_port_by_which_the_error_leaves(tmp_path):
    """RFC 1812 4.3.2.4: it came by lan, but the way to its sender leads by lan2."""
    packet = g.inner4(84, src="10.4.5.9", dst="10.3.0.2", ttl=1)
    to_second = g.inner4(84, src="198.51.100.7", dst=ROUTER, ttl=1)
    error = g.icmp_error(11, 0, to_second, src="198.51.100.1", dst="198.51.100.7")
    tree = gateway()
    tree["neighbors"].append({"port": "wan", "address": "198.51.100.7", "mac": g.WAN_ROUTER_MAC})
    steps = [
        refused("lan", packet, "ip4.ttl_exceeded", 11, 0, src="10.3.0.1", to="lan2", dst="10.4.5.9"),
        Step(arrives("wan", to_second), "ip4.ttl_exceeded", (leaves("wan", error),)),
    ]
    run_steps(tree, steps, tmp_path)


def test_duty_64_unreachable(tmp_path):
    def to_own(protocol, port="lan"):
        own = {"lan": "10.1.0.1", "lan2": "10.3.0.1", "wan": "192.0.2.1"}[port]
        header = IP(src=HOSTS[port], dst=own, proto=protocol, id=7)
        return g.ip4_bytes(header, struct.pack("!HHHH", 1000, 53, 20, 0) + bytes(12))

    steps = [
        refused("lan", g.inner4(84, src=HOST, dst="172.16.0.1"), "ip4.no_route", 3, 0, src="10.1.0.1"),
        refused("lan2", g.inner4(84, src="10.3.0.2", dst="172.16.0.1"), "ip4.no_route", 3, 0, src="10.3.0.1"),
        *(refused("lan", to_own(n), "local.no_protocol", 3, 2, src="10.1.0.1") for n in (2, 6, 47, 89, 255)),
        refused("lan2", to_own(17, "lan2"), "local.no_port", 3, 3, src="10.3.0.1"),
        refused("lan", to_own(17), "local.no_port", 3, 3, src="10.1.0.1"),
    ]
    routes = [{"prefix": "203.0.113.0/24", "next_hop": ROUTER, "port": "wan"}]
    steps.append(refused("wan", to_own(17, "wan"), "local.no_port", 3, 3, src="192.0.2.1"))
    run_steps(gateway(routes=routes), steps, tmp_path)


def test_duty_64_errors_go_back_into_the_tunnel(tmp_path):
    into, tunnel = Sa(), Tunnel(out_sa())

    def came(seq, packet, cause, kind, code, src="10.1.0.1"):
        error = g.icmp_error(kind, code, packet, src=src, dst=FAR)
        return Step(g.good(into, seq, packet), cause, (("wan", Sealed(tunnel, error, 0xC0)),))

    steps = [
        came(1, g.inner4(84, src=FAR, ttl=1), "ip4.ttl_exceeded", 11, 0),
        came(2, g.inner4(1300, src=FAR, ttl=0), "ip4.ttl_exceeded", 11, 0),
        came(3, g.udp4(bytes(30), src=FAR, dst="10.1.0.1", dport=53), "local.no_port", 3, 3),
        came(4, g.outer4(bytes(30), 6, src=FAR, dst="10.3.0.1"), "local.no_protocol", 3, 2),
        Step(g.good(into, 5, g.inner4(84, src="203.0.113.9", ttl=1)), "ip4.ttl_exceeded",
             counts=("ip4.ttl_exceeded", "policy.boundary")),
    ]
    run_steps(gateway(into=[into], tunnel=tunnel), steps, tmp_path)


def without_an_error():
    """RFC 1812 4.3.2.7: packets that are dropped, and nobody is told."""
    own = {"src": HOST, "dst": "10.1.0.1"}
    for kind in (3, 4, 5, 11, 12):
        yield icmp(kind, bytes(28), src=HOST, dst="10.3.0.2", ttl=1), "ip4.ttl_exceeded"
        yield icmp(kind, bytes(28), src=HOST, dst="172.16.0.1"), "ip4.no_route"
    yield g.outer4(b"", 1, src=HOST, dst="10.3.0.2", ttl=1), "ip4.ttl_exceeded"
    for frag in (1, 100, 0x1FFF):
        yield g.outer4(bytes(16), 17, src=HOST, dst="10.3.0.2", ttl=1, frag=frag), "ip4.ttl_exceeded"
        yield g.outer4(bytes(16), 17, src=HOST, dst="172.16.0.1", frag=frag, flags="MF"), "ip4.no_route"
    for src in ("0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255", "10.1.0.1", "10.1.0.255", "10.1.0.0"):
        yield g.inner4(84, src=src, dst="10.3.0.2", ttl=1), "ip4.martian_source"
        yield g.udp4(bytes(9), src=src, dst="10.1.0.1", dport=53), "ip4.martian_source"
    yield g.udp4(bytes(9), src=HOST, dst="224.0.0.1", dport=53, ttl=1), "ip4.multicast"
    yield g.udp4(bytes(9), src=HOST, dst="10.1.0.255", dport=53), "ip4.broadcast"
    yield g.udp4(bytes(9), src=HOST, dst="255.255.255.255", dport=53), "ip4.broadcast"
    yield g.udp4(bytes(9), **own, dport=53, length=7), "udp.bad_length"


def test_duty_64_where_there_is_no_error(tmp_path):
    steps = [Step(arrives("lan", packet), cause, port="lan") for packet, cause in without_an_error()]
    first = g.outer4(bytes(16), 17, src=HOST, dst="10.3.0.2", ttl=1, flags="MF")
    steps.append(refused("lan", first, "ip4.ttl_exceeded", 11, 0, src="10.1.0.1"))
    for kind in (0, 8, 9, 10, 13, 14, 17, 18, 30):
        query = icmp(kind, bytes(28), src=HOST, dst="10.3.0.2", ttl=1)
        steps.append(refused("lan", query, "ip4.ttl_exceeded", 11, 0, src="10.1.0.1"))
    run_steps(gateway(routes=[]), steps, tmp_path)


def test_duty_64_no_error_about_a_broadcast_of_the_link(tmp_path):
    """RFC 1812 4.3.2.7: nor to one that came in a broadcast frame, whole or in fragments, to an own address."""

    def to_all(packet):
        return g.ether(packet, dst=g.BROADCAST_MAC, src=g.LAN_HOST_MAC)

    to_own = g.udp4(bytes(600), src=HOST, dst="10.1.0.1", dport=53, flags=0, ident=5)
    one, two = g.cut(to_own, 500)
    joined = ("ip4.reassembled", "ip4.reassembled", "local.no_port")
    steps = [
        Step(to_all(to_own), "local.no_port", port="lan"),
        Step(to_all(g.outer4(bytes(20), 6, src=HOST, dst="10.1.0.1")), "local.no_protocol", port="lan"),
        Step(to_all(one), "parked", port="lan"),
        Step(arrives("lan", two), "local.no_port", (), joined, "lan"),
        refused("lan", to_own, "local.no_port", 3, 3, src="10.1.0.1"),
    ]
    run_steps(gateway(), steps, tmp_path)


# --- the limit -------------------------------------------------------------------------------------------------------


def flood(plan, packet):
    """Steps for (millisecond, packets, errors of these) each."""
    with_error = refused("lan", packet, "ip4.ttl_exceeded", 11, 0, src="10.1.0.1")
    for at, count, errors in plan:
        for n in range(count):
            moment = at if n == 0 else None
            yield Step(with_error.frame, with_error.end, with_error.leaves if n < errors else (), None, "lan", moment)


def test_duty_64_errors_are_limited_by_the_second(tmp_path):
    packet = g.inner4(84, src=HOST, dst="10.3.0.2", ttl=1)
    plan = [(0, 5, 3), (1000, 5, 2), (2000, 1, 1), (3000, 5, 3), (4000, 1, 1), (9000, 9, 3), (10000, 2, 2)]
    config = gateway(icmp={"errors_per_second": 2, "burst": 3})
    outcome = run_steps(config, list(flood(plan, packet)), tmp_path)
    assert outcome.report["icmp_errors_limited"] == sum(count - errors for _, count, errors in plan)
    plan = [(0, 4, 3), (1, 3, 1), (2, 2, 1), (3, 1, 1), (4, 1, 1), (5, 1, 1), (6, 0, 0), (7, 4, 2), (1000, 4, 3)]
    config = gateway(icmp={"errors_per_second": 1000, "burst": 3})
    outcome = run_steps(config, list(flood(plan, packet)), tmp_path / "fine", matrix=ALONE)
    assert outcome.report["icmp_errors_limited"] == sum(count - errors for _, count, errors in plan)


def test_duty_64_a_side_takes_no_errors_from_another(tmp_path):
    """What comes in clear on either side, and what comes out of SAs, each has a bucket."""
    into, tunnel = Sa(), Tunnel(out_sa())

    def dying(src, dst):
        return g.inner4(84, src=src, dst=dst, ttl=1)

    outside = dying(HOSTS["wan"], "203.0.113.77")
    inside = dying(HOST, "10.3.0.2")
    peers = dying(FAR, HOST)

    def error(about, src, dst):
        return g.icmp_error(11, 0, about, src=src, dst=dst)

    back = ("wan", Sealed(tunnel, error(peers, "10.1.0.1", FAR), 0xC0))
    steps = [
        Step(arrives("wan", outside), "ip4.ttl_exceeded", (leaves("wan", error(outside, "192.0.2.1", HOSTS["wan"])),)),
        *(Step(arrives("wan", outside), "ip4.ttl_exceeded") for _ in range(20)),
        Step(g.good(into, 1, peers), "ip4.ttl_exceeded", (back,)),
        *(Step(g.good(into, 2 + n, peers), "ip4.ttl_exceeded") for n in range(20)),
        Step(arrives("lan", inside), "ip4.ttl_exceeded", (leaves("lan", error(inside, "10.1.0.1", HOST)),), port="lan"),
        Step(arrives("lan", inside), "ip4.ttl_exceeded", port="lan"),
    ]
    config = gateway(into=[into], tunnel=tunnel, icmp={"errors_per_second": 1, "burst": 1})
    assert run_steps(config, steps, tmp_path).report["icmp_errors_limited"] == 41


def test_a_clear_sid_leads_to_its_next_hop_and_nowhere_else(tmp_path):
    """RFC 4301 3.1: who comes in clear is not answered from the other side, nor let in by an own address."""
    tunnel = Tunnel(out_sa())

    def clear(packet):
        return g.ether(g.inner6(packet, dst="fc00:1::c1"), kind=0x86DD)

    passes, dies = g.inner4(84, src=FAR, dst=HOST), g.inner4(84, src=FAR, dst=HOST, ttl=1)
    steps = [
        Step(clear(passes), "sent", (leaves("lan", g.forwarded(passes)),)),
        Step(clear(icmp(8, b"abc", src=FAR, dst="10.1.0.1")), "policy.boundary"),
        Step(clear(g.udp4(b"abc", src=FAR, dst="10.1.0.1")), "policy.boundary"),
        Step(clear(icmp(8, b"abc", src=HOSTS["wan"], dst="10.1.0.1")), "policy.boundary"),
        # The error would be sealed, and go to the host that the sender claims to be.
        Step(clear(dies), "ip4.ttl_exceeded", (), ("ip4.ttl_exceeded", "policy.boundary")),
    ]
    run_steps(gateway(tunnel=tunnel), steps, tmp_path)


@pytest.mark.parametrize("settings", [{"errors_per_second": 0}, {"errors_per_second": 0, "burst": 10000}])
def test_duty_64_no_errors_where_none_are_wanted(tmp_path, settings):
    packet = g.inner4(84, src=HOST, dst="10.3.0.2", ttl=1)
    steps = [*flood([(0, 3, 0), (1000, 3, 0), (100_000, 3, 0)], packet), echo_step("lan2", "10.3.0.1", b"abc")]
    outcome = run_steps(gateway(icmp=settings), steps, tmp_path, matrix=ONE_BY_ONE)
    assert outcome.report["icmp_errors_limited"] == 9
