"""RFC duties 67 and 70: what is larger than its way is cut or refused, and the sender is told how large it may be."""

import itertools
import struct

import pytest
from scapy.layers.inet import IP, TCP
from scapy.packet import Raw

import gateway as g
from gateway import Config, Sa
from steps import ONE_BY_ONE, Sealed, Step, Tunnel, run_steps
from test_outbound import from_host, out_sa

HOST, LAN_OWN = "10.1.0.2", "10.1.0.1"


def gateway(tunnels, *, mtu=1500, ports=None, into=(), policy=None, **extra):
    """A gateway with a policy for each tunnel, 10.2.N.0/24, and what the ports are to have else."""
    tree = Config(list(into), host=True, mtu=mtu, extra=extra).tree()
    entries = {tunnel.sa.name: {**tunnel.sa.config(), "direction": "out"} for tunnel in tunnels}
    tree["ipsec"]["security_associations"] += list(entries.values())
    tree["srv6"]["policies"] = [
        {
            "name": f"to-{n}",
            "prefixes": [f"10.2.{n}.0/24"],
            "segments": list(tunnel.segments),
            "mode": tunnel.mode,
            **(policy or {}),
        }
        for n, tunnel in enumerate(tunnels)
    ]
    for name, more in (ports or {}).items():
        tree["ports"][name].update(more)
    return tree


def inner_mtu(tunnel, mtu):
    """Tried, not reckoned: the largest inner packet whose outer one is not larger than the port takes."""
    listed = len(tunnel.segments) - (tunnel.mode == "H.Encaps.Red")
    front = 20 + (8 if tunnel.sa.udp else 0)
    ipv6 = 40 + (8 + 16 * listed if listed else 0)
    return max(n for n in range(mtu - 250, mtu) if front + len(tunnel.sa.seal(1, bytes(ipv6 + n))) <= mtu)


def every_tunnel():
    """Each cipher, in UDP and plain, each with 0 to 3 segments in the SRH where the mode can have so many."""
    made = []
    ways = [("H.Encaps.Red", 1), ("H.Encaps.Red", 2), ("H.Encaps.Red", 4), ("H.Encaps", 1), ("H.Encaps", 3)]
    for n, (algorithm, udp) in enumerate(itertools.product(g.ALGORITHMS, ((4500, 4500), None))):
        sa = out_sa(name=f"to-{n}", spi=0x2001 + n, algorithm=algorithm, udp=udp, target=f"fc00:2:{n}::/48",
                    key_from=100 + n, esn=n % 3 == 0)
        made += [Tunnel(sa, tuple(f"fc00:2:{n}::{i}" for i in range(1, 1 + count)), mode) for mode, count in ways]
    return made


def inner(size, n=0, *, flags="DF", **fields):
    return g.inner4(size, src=HOST, dst=f"10.2.{n}.1", flags=flags, **fields)


def needs_cutting(packet, mtu):
    """The answer to the host on lan."""
    error = g.icmp_error(3, 4, packet, src=LAN_OWN, dst=HOST, mtu=mtu)
    return ("lan", g.ether(error, dst=g.LAN_HOST_MAC, src=g.LAN_MAC))


@pytest.mark.parametrize("mtu", [1500, 1401, 843])
def test_duty_67_df_is_refused_with_the_inner_mtu_and_not_one_octet_earlier(tmp_path, mtu):
    tunnels = every_tunnel()
    steps = []
    for n, tunnel in enumerate(tunnels):
        fits = inner_mtu(tunnel, mtu)
        for size in (fits - 1, fits):
            packet = inner(size, n)
            steps.append(Step(from_host(packet), "sent", (("wan", Sealed(tunnel, g.forwarded(packet))),), port="lan"))
        for size in (fits + 1, fits + 2, fits + 3, fits + 4):
            packet = inner(size, n)
            steps.append(Step(from_host(packet), "ip4.too_big", (needs_cutting(packet, fits),), port="lan"))
    tree = gateway(tunnels, ports={"wan": {"mtu": mtu}}, icmp={"burst": 10000})
    outcome = run_steps(tree, steps, tmp_path)
    assert max(len(frame) - 14 for frame in outcome.frames["wan"]) in range(mtu - 3, mtu + 1)


KINDS = [
    {},
    {"options": b"\x94\x04\x00\x00\x07\x07\x04\x00\x00\x00\x00\x01\x83\x07\x04\x0a\x00\x00\x01\x00"},
    {"options": b"\x01" * 40},
    {"options": b"\x07\x07\x04\x00\x00\x00\x00\x00", "flags": "MF", "frag": 5},
    {"flags": "MF", "frag": 5},
    {"frag": 700},
    {"ttl": 2, "tos": 0xB9},
]


@pytest.mark.parametrize("mtu", [1500, 843])
def test_duty_67_without_df_it_is_cut_and_each_piece_sealed(tmp_path, mtu):
    steps = []
    tunnels = every_tunnel()
    for n, tunnel in enumerate(tunnels):
        fits = inner_mtu(tunnel, mtu)
        for i, size in enumerate((fits, fits + 1, 3 * fits)):
            packet = inner(size, n, ident=n + 1, **{"flags": 0, **KINDS[(n + 3 * i) % len(KINDS)]})
            pieces = g.cut(g.forwarded(packet), fits) if size > fits else [g.forwarded(packet)]
            leaves = tuple(("wan", Sealed(tunnel, piece, piece[1])) for piece in pieces)
            steps.append(Step(from_host(packet), "ip4.fragmented" if size > fits else "sent", leaves, port="lan"))
    outcome = run_steps(gateway(tunnels, ports={"wan": {"mtu": mtu}}), steps, tmp_path)
    assert max(len(frame) - 14 for frame in outcome.frames["wan"]) <= mtu


def on_lan2(packet):
    return ("lan2", g.ether(packet, dst=g.LAN2_HOST_MAC, src=g.LAN2_MAC))


def test_duty_67_between_ports_of_different_mtu(tmp_path):
    steps = []
    for size in (575, 576, 577, 578, 1128, 1129, 1500):
        for kind in KINDS:
            packet = g.inner4(size, src=HOST, dst="10.3.0.2", **{"flags": 0, "ident": size, **kind})
            end = "sent" if size <= 576 else "ip4.fragmented"
            pieces = g.cut(g.forwarded(packet), 576) if size > 576 else [g.forwarded(packet)]
            steps.append(Step(from_host(packet), end, tuple(on_lan2(piece) for piece in pieces), port="lan"))
        packet = g.inner4(size, src=HOST, dst="10.3.0.2")
        if size <= 576:
            steps.append(Step(from_host(packet), "sent", (on_lan2(g.forwarded(packet)),), port="lan"))
        else:
            steps.append(Step(from_host(packet), "ip4.too_big", (needs_cutting(packet, 576),), port="lan"))
        back = g.inner4(size, src="10.3.0.2", dst=HOST)
        frame = g.ether(back, dst=g.LAN2_MAC, src=g.LAN2_HOST_MAC)
        steps.append(Step(frame, "sent", (("lan", g.on_lan(back)),), port="lan2"))
    run_steps(gateway([], ports={"lan2": {"mtu": 576}}), steps, tmp_path)


def test_duty_67_out_of_the_tunnel_the_error_goes_back_into_it(tmp_path):
    """To a lan of 576 octets: cut there, or refused, and the sender behind the tunnel gets to know."""
    into, tunnel = Sa(), Tunnel(out_sa())
    steps = []
    for seq, (size, flags) in enumerate(itertools.product((576, 577, 1400), ("DF", 0)), 1):
        packet = g.inner4(size, flags=flags, src="10.2.0.9", ident=seq)
        frame = g.good(into, seq, packet, six={"tc": 1})  # RFC 6040: ECT(1) over Not-ECT changes nothing
        if size <= 576:
            steps.append(Step(frame, "sent", (("lan", g.on_lan(packet)),)))
        elif flags:
            error = g.icmp_error(3, 4, packet, src=LAN_OWN, dst="10.2.0.9", mtu=576)
            steps.append(Step(frame, "ip4.too_big", (("wan", Sealed(tunnel, error, 0xC0)),)))
        else:
            pieces = g.cut(g.forwarded(packet), 576)
            leaves = tuple(("lan", g.ether(piece, dst=g.LAN_HOST_MAC, src=g.LAN_MAC)) for piece in pieces)
            steps.append(Step(frame, "ip4.fragmented", leaves))
    run_steps(gateway([tunnel], ports={"lan": {"mtu": 576}}, into=[into]), steps, tmp_path)


def test_duty_67_what_is_cut_leaves_in_its_place(tmp_path):
    """Whole and cut packets, sealed and clear, by two ports: on each the order of arrival."""
    tunnel, sizes = Tunnel(out_sa()), (84, 1499, 84, 84, 3000, 1398, 1399, 40)
    fits = inner_mtu(tunnel, 1500)
    steps = []
    for n in range(150):
        size = sizes[n % len(sizes)]
        if n % 3 == 1:
            packet = g.inner4(size, src=HOST, dst="10.3.0.2", flags=0, ident=n)
            cuts = g.cut(g.forwarded(packet), 576) if size > 576 else [g.forwarded(packet)]
            leaves = tuple(on_lan2(piece) for piece in cuts)
        elif n % 7 == 2:
            packet = g.inner4(size, src=HOST, dst="192.0.2.254", flags=0, ident=n)
            cuts = g.cut(g.forwarded(packet), 1500) if size > 1500 else [g.forwarded(packet)]
            leaves = tuple(("wan", g.ether(piece, dst=g.WAN_ROUTER_MAC, src=g.WAN_MAC)) for piece in cuts)
        else:
            packet = inner(size, flags=0, ident=n)
            cuts = g.cut(g.forwarded(packet), fits) if size > fits else [g.forwarded(packet)]
            leaves = tuple(("wan", Sealed(tunnel, piece)) for piece in cuts)
        steps.append(Step(from_host(packet), "ip4.fragmented" if len(cuts) > 1 else "sent", leaves, port="lan"))
    assert sum(len(step.leaves) > 1 for step in steps) > 40
    bypass = [{"source": "10.1.0.0/24", "destination": "192.0.2.0/24"}]
    run_steps(gateway([tunnel], ports={"lan2": {"mtu": 576}}, bypass=bypass), steps, tmp_path)


def test_more_fragments_than_a_burst_has_places(tmp_path):
    tunnel = Tunnel(out_sa())
    fits = inner_mtu(tunnel, 700)
    step = (fits - 20) & ~7
    in_clear = g.inner4(20 + 64 * 552, src=HOST, dst="10.3.0.2", flags=0)
    in_tunnel = inner(20 + 64 * step, flags=0)
    cut_clear = [on_lan2(piece) for piece in g.cut(g.forwarded(in_clear), 576)]
    cut_sealed = [("wan", Sealed(tunnel, piece)) for piece in g.cut(g.forwarded(in_tunnel), fits)]
    assert len(cut_clear) == len(cut_sealed) == 64
    one_more = [g.inner4(20 + 64 * 552 + 1, src=HOST, dst="10.3.0.2", flags=0), inner(20 + 64 * step + 1, flags=0)]
    steps = [
        Step(from_host(in_clear), "ip4.fragmented", tuple(cut_clear), port="lan"),
        Step(from_host(one_more[0]), "ip4.too_many_fragments", port="lan"),
        Step(from_host(in_tunnel), "ip4.fragmented", tuple(cut_sealed), port="lan"),
        Step(from_host(one_more[1]), "ip4.too_many_fragments", port="lan"),
        Step(from_host(inner(84)), "sent", (("wan", Sealed(tunnel, g.forwarded(inner(84)))),), port="lan"),
    ]
    run_steps(gateway([tunnel], ports={"wan": {"mtu": 700}, "lan2": {"mtu": 576}}), steps, tmp_path)


# --- jumbo frames ----------------------------------------------------------------------------------------------------


def test_duty_70_jumbo_packets_both_ways(tmp_path):
    """9000 octets: into the tunnel and out of it, in clear, and cut where a port takes 1500 only."""
    sas = [(Sa(), out_sa()), (Sa(udp=None, algorithm="chacha20-poly1305"), out_sa(udp=None, algorithm="aes-256-gcm"))]
    for number, (into, out) in enumerate(sas):
        tunnel = Tunnel(out)
        fits = inner_mtu(tunnel, 9000)
        steps = []
        for seq, size in enumerate(itertools.chain((2000, 2048, 4096, 8192), range(fits - 8, fits + 1)), 1):
            arrives = g.inner4(size, ident=seq)
            steps.append(Step(g.good(into, seq, arrives), "sent", (("lan", g.on_lan(arrives)),)))
            leaves = inner(size, ident=seq)
            steps.append(Step(from_host(leaves), "sent", (("wan", Sealed(tunnel, g.forwarded(leaves))),), port="lan"))
        refused = inner(fits + 1)
        steps.append(Step(from_host(refused), "ip4.too_big", (needs_cutting(refused, fits),), port="lan"))
        large = g.inner4(9000, src="10.3.0.2", dst=HOST)
        frame = g.ether(large, dst=g.LAN2_MAC, src=g.LAN2_HOST_MAC)
        steps.append(Step(frame, "sent", (("lan", g.on_lan(large)),), port="lan2"))
        to_cut = g.inner4(9000, src=HOST, dst="10.3.0.2", flags=0)
        pieces = tuple(on_lan2(piece) for piece in g.cut(g.forwarded(to_cut), 1500))
        steps.append(Step(from_host(to_cut), "ip4.fragmented", pieces, port="lan"))
        in_tunnel = inner(9000, flags=0)
        pieces = tuple(("wan", Sealed(tunnel, piece)) for piece in g.cut(g.forwarded(in_tunnel), fits))
        steps.append(Step(from_host(in_tunnel), "ip4.fragmented", pieces, port="lan"))
        tree = gateway([tunnel], mtu=9000, ports={"lan2": {"mtu": 1500}}, into=[into])
        outcome = run_steps(tree, steps, tmp_path / str(number))
        assert max(len(frame) - 14 for frame in outcome.frames["wan"]) in range(8997, 9001)


# --- the MSS of TCP --------------------------------------------------------------------------------------------------


def tcp(options, *, flags="S", mss=None, data=b"", **fields):
    """A segment by scapy; mss: the value that stands in every MSS option."""
    options = [("MSS", mss) if name == "MSS" and mss else (name, value) for name, value in options]
    segment = TCP(sport=40000 + len(data), dport=443, seq=7, flags=flags, options=options) / Raw(data)
    header = {"src": HOST, "dst": "10.2.0.1", "ttl": 64, "flags": "DF", "id": 5, **fields}
    return bytes(IP(**header) / segment)


def raw_tcp(options, flags=2):
    """A SYN with options that scapy would not write."""
    options += bytes(-len(options) % 4)
    header = struct.pack("!HHIIBBHHH", 40000, 443, 7, 0, (5 + len(options) // 4) << 4, flags, 8192, 0, 0) + options
    pseudo = bytes([10, 1, 0, 2, 10, 2, 0, 1, 0, 6]) + struct.pack("!H", len(header))
    segment = g.patch(header, 16, struct.pack("!H", g.checksum(pseudo + header)))
    return g.ip4_bytes(IP(src=HOST, dst="10.2.0.1", ttl=64, id=5, flags="DF", proto=6), segment)


NOP, TIMES = ("NOP", None), ("Timestamp", (0x01020304, 0))
LAYOUTS = [
    [("MSS", 1460)],
    [NOP, ("MSS", 1460), NOP, NOP, NOP],
    [NOP, NOP, ("MSS", 1460), ("SAckOK", b"")],
    [("WScale", 7), ("MSS", 1460), NOP],
    [TIMES, ("MSS", 1460), ("WScale", 7)],
    [("MSS", 1460), ("SAckOK", b""), TIMES, NOP, ("WScale", 7)],
]

# None at all, behind the end of the list, and broken in each way: these leave as they came.
WITHOUT_MSS = [
    b"",
    b"\x01\x01\x01\x01",
    b"\x00\x02\x04\x05\xb4",
    b"\x02\x03\x05\xb4",
    b"\x01\x01\x02\x04",
    b"\x08\x00\x02\x04\x05\xb4",
    b"\x08\x01\x02\x04\x05\xb4",
    b"\x01\x02",
    b"\x01\x01\x01\x02",
]


def test_mss_of_a_syn_is_lowered_to_what_the_tunnel_takes(tmp_path):
    """RFC 9293 3.7.1: MTU - 40. The checksum is made anew by scapy, for each place where the option can stand."""
    tunnel = Tunnel(out_sa())
    most = inner_mtu(tunnel, 1500) - 40
    pairs = []
    for options in LAYOUTS:
        for mss in (1, 536, most - 1, most, most + 1, 1460, 8960, 0xFFFF):
            for flags in ("S", "SA", "SEC"):
                before = tcp(options, flags=flags, mss=mss)
                pairs.append((before, tcp(options, flags=flags, mss=min(mss, most))))
        for flags in ("A", "PA", "R", "FA"):
            pairs.append((tcp(options, flags=flags), tcp(options, flags=flags)))
        with_data = {"data": bytes(range(251))}
        pairs.append((tcp(options, **with_data), tcp(options, mss=most, **with_data)))
    pairs += [(raw_tcp(options), raw_tcp(options)) for options in WITHOUT_MSS]
    later = tcp(LAYOUTS[0], frag=3, flags="S")
    pairs.append((later, later))
    udp = tcp(LAYOUTS[0], proto=17)
    pairs.append((udp, udp))
    steps = [
        Step(from_host(before), "sent", (("wan", Sealed(tunnel, g.forwarded(after), after[1])),), port="lan")
        for before, after in pairs
    ]
    assert sum(before != after for before, after in pairs) > 60
    run_steps(gateway([tunnel], policy={"mss_clamp": True}), steps, tmp_path)


def test_mss_of_a_syn_that_is_cut_is_lowered_too(tmp_path):
    """With data, without DF, larger than the tunnel takes (RFC 7413): its first piece has the MSS."""
    tunnel = Tunnel(out_sa())
    most = inner_mtu(tunnel, 1500)
    before, after = (tcp(LAYOUTS[1], mss=mss, flags="S", data=bytes(1400), frag=0) for mss in (1460, most - 40))
    before, after = (g.patch4(packet, 6, b"\0\0") for packet in (before, after))
    leaves = tuple(("wan", Sealed(tunnel, piece)) for piece in g.cut(g.forwarded(after), most))
    assert len(leaves) == 2
    steps = [Step(from_host(before), "ip4.fragmented", leaves, port="lan")]
    run_steps(gateway([tunnel], policy={"mss_clamp": True}), steps, tmp_path)


def test_mss_stays_where_no_policy_says_otherwise(tmp_path):
    tunnel = Tunnel(out_sa())
    packets = [tcp(options, mss=mss) for options in LAYOUTS for mss in (536, 1460, 0xFFFF)]
    steps = [Step(from_host(p), "sent", (("wan", Sealed(tunnel, g.forwarded(p))),), port="lan") for p in packets]
    local = tcp(LAYOUTS[0], dst="10.3.0.2")
    steps.append(Step(from_host(local), "sent", (on_lan2(g.forwarded(local)),), port="lan"))
    run_steps(gateway([tunnel]), steps, tmp_path, matrix=ONE_BY_ONE)
