"""RFC duty 3: fragments of outer packets are put together before ESP is opened, or end; never opened, never mixed."""

import itertools
import struct

import pytest

import gateway as g
from gateway import Config, Sa
from steps import ALONE, Step, run_steps

PLAIN = Sa("from-c", spi=0x1002, udp=None, inside="fc00:3::/48", key_from=0x40)
UDP = Sa()
PEER = "192.0.2.2"


def gateway(**reassembly):
    return Config([UDP, PLAIN], host=True, extra={"reassembly": reassembly} if reassembly else {}).tree()


def outer(sa, seq, size, *, ident=None, flags=0, tos=0, inner_tos=0):
    """The outer IPv4 packet of a good frame, of `size` octets of inner packet; and that inner packet."""
    inner = g.inner4(size, ident=seq, tos=inner_tos)
    frame = g.good(sa, seq, inner, outer={"ident": seq if ident is None else ident, "flags": flags, "tos": tos},
                   six={"tc": inner_tos & 3})
    return frame[14:], inner


def split(packet, count, *, options=b""):
    """`count` fragments, all but the last of equal size."""
    step = -(-(len(packet) - 20) // count)
    pieces = g.cut(packet, 20 + step + -step % 8)
    assert len(pieces) == count
    return [g.ether(piece) for piece in pieces]


def joined(frames, *leaves, port="wan", at=None, end="sent"):
    """Steps for fragments, the last of which makes their packet whole."""
    counts = ("ip4.reassembled",) * len(frames) + ((end,) if end != "sent" else ())
    steps = [Step(frame, "parked", port=port) for frame in frames[:-1]]
    steps.append(Step(frames[-1], end, leaves, counts, port))
    return steps


def on_lan(inner, **more):
    return ("lan", g.on_lan(inner, **more))


def failed(frames, count=None):
    """Steps for fragments that end together, with the last one."""
    ends = ("ip4.reassembly_failed",) * (len(frames) if count is None else count)
    return [Step(f, "parked") for f in frames[:-1]] + [Step(frames[-1], "ip4.reassembly_failed", (), ends)]


def lost(frames):
    """Steps for fragments of a packet that never gets whole."""
    return [Step(f, "parked", (), ("ip4.reassembly_timeout",)) for f in frames]


# --- order -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sa", [UDP, PLAIN], ids=["udp", "plain"])
def test_duty_3_every_order_of_2_to_4_fragments(tmp_path, sa):
    steps, seq = [], 0
    for count in (2, 3, 4):
        for order in itertools.permutations(range(count)):
            seq += 1
            packet, inner = outer(sa, seq, 300 + seq)
            pieces = split(packet, count)
            steps += joined([pieces[i] for i in order], on_lan(inner))
            steps += joined_whole(sa, seq)
    run_steps(gateway(), steps, tmp_path)


def joined_whole(sa, seq):
    """A whole packet between them."""
    inner = g.inner4(84, ident=seq)
    return [Step(g.good(sa, 1000 + seq, inner), "sent", (on_lan(inner),))] if seq % 5 == 0 else []


def test_duty_3_interleaved_packets(tmp_path):
    """Eight packets, the fragments of all in turns: each is whole when its own last one has come."""
    made = [(*outer(sa, seq, 500, ident=100 * seq), sa) for seq, sa in enumerate([UDP, PLAIN] * 4, 1)]
    pieces = [split(packet, 4) for packet, _, _ in made]
    steps = [Step(pieces[n][i], "parked") for i in (2, 0, 3) for n in range(8)]
    steps += [Step(pieces[n][1], "sent", (on_lan(made[n][1]),), ("ip4.reassembled",) * 4) for n in range(8)]
    run_steps(gateway(), steps, tmp_path)


def test_duty_3_what_tells_packets_apart(tmp_path):
    """RFC 791 3.2: source, destination, ID; each of them alone makes another packet."""
    other = Sa("to-second", spi=0x1003, destination="198.51.100.1", inside="fc00:4::/48", key_from=0x60)
    plan = [(UDP, 1, 7, PEER), (UDP, 2, 8, PEER), (UDP, 3, 7, "192.0.2.9"), (other, 1, 7, PEER)]
    steps, rest = [], []
    for sa, seq, ident, src in plan:
        inner = g.inner4(400, ident=ident)
        frame = g.good(sa, seq, inner, outer={"ident": ident, "flags": 0, "src": src})
        first, second = split(frame[14:], 2)
        steps.append(Step(first, "parked"))
        rest.append(Step(second, "sent", (on_lan(inner),), ("ip4.reassembled",) * 2))
    run_steps(Config([UDP, other], host=True), steps + rest, tmp_path)


def test_duty_3_each_protocol_has_ids_of_its_own(tmp_path):
    """RFC 791 3.2: of the same hosts and with the same ID, fragments of ESP and of UDP are of two packets."""
    made = [outer(sa, 1, 400, ident=7) for sa in (UDP, PLAIN)]
    (a, a_end), (b, b_end) = ([g.ether(piece) for piece in g.cut(packet, 300)] for packet, _ in made)
    steps = [
        Step(a, "parked"),
        Step(b_end, "parked"),
        Step(b, "sent", (on_lan(made[1][1]),), ("ip4.reassembled",) * 2),
        Step(a_end, "sent", (on_lan(made[0][1]),), ("ip4.reassembled",) * 2),
    ]
    run_steps(gateway(), steps, tmp_path)


def test_duty_3_padded_frames_and_options(tmp_path):
    """What Ethernet adds behind a short fragment is none of it; options of the outer header are."""
    packet, inner = outer(UDP, 1, 140)
    first, last = (g.ether(piece) for piece in g.cut(packet, 20 + 8 * ((len(packet) - 21) // 8)))
    last += b"\xee" * (60 - len(last))
    assert len(last) == 60
    with_options, second = outer(PLAIN, 1, 300)
    header = g.IP(src=PEER, dst="192.0.2.1", proto=g.ESP, id=5)
    with_options = g.ip4_bytes(header, with_options[20:], b"\x94\x04\x00\x00")
    steps = joined([first, last], on_lan(inner))
    steps += joined([g.ether(p) for p in g.cut(with_options, 200)], on_lan(second))
    tagged = outer(UDP, 2, 300)
    steps += joined([g.ether(f[14:], vlans=((0x8100, 7),)) for f in split(tagged[0], 3)], on_lan(tagged[1]))
    run_steps(gateway(), steps, tmp_path)


@pytest.mark.parametrize("sa", [UDP, PLAIN], ids=["udp", "plain"])
def test_duty_3_cut_at_every_octet_that_can_be(tmp_path, sa):
    """In two at each 8 octets: through UDP header, ESP header, IV, IPv6 header, trailer and ICV."""
    steps = []
    size = len(outer(sa, 1, 100)[0]) - 20
    for seq, at in enumerate(range(8, size, 8), 1):
        packet, inner = outer(sa, seq, 100)
        first = g.patch4(packet[: 20 + at], 2, struct.pack("!HHH", 20 + at, seq, 0x2000))
        second = g.patch4(packet[:20], 2, struct.pack("!HHH", 20 + size - at, seq, at // 8)) + packet[20 + at :]
        pieces = [g.ether(first), g.ether(second)]
        steps += joined(pieces if seq % 2 else pieces[::-1], on_lan(inner))
    run_steps(gateway(), steps, tmp_path)


# --- ECN -------------------------------------------------------------------------------------------------------------


def marked(frame, ecn):
    packet = g.patch4(frame[14:], 1, bytes([frame[15] & 0xFC | ecn]))
    return frame[:14] + packet


def test_duty_3_ecn_of_fragments(tmp_path):
    """RFC 3168 5.3: CE of one is CE of all; CE and Not-ECT together contradict each other."""
    steps, seq = [], 0
    for inside in (g.ECT0, g.ECT1):
        for marks in itertools.product((g.ECT0, g.ECT1, g.CE), repeat=3):
            if len(set(marks) - {g.CE}) > 1:
                continue  # which ECT the whole has is not said
            seq += 1
            packet, inner = outer(UDP, seq, 300, inner_tos=inside)
            frames = [marked(f, ecn) for f, ecn in zip(split(packet, 3), marks)]
            whole = g.CE if g.CE in marks else marks[0]
            six = g.ecn_decapsulate(whole, inside)
            steps += joined(frames, on_lan(inner, ecn=six))
    for marks in ((0, 3, 0), (3, 0, 0), (0, 0, 3), (3, 3, 0)):
        seq += 1
        frames = [marked(f, ecn) for f, ecn in zip(split(outer(UDP, seq, 300, inner_tos=2)[0], 3), marks)]
        steps += failed(frames)
    seq += 1
    over_not_ect = [marked(f, ecn) for f, ecn in zip(split(outer(UDP, seq, 300)[0], 2), (2, 3))]
    steps += joined(over_not_ect, end="esp.ce_not_ect")
    run_steps(gateway(), steps, tmp_path)


# --- what does not fit together --------------------------------------------------------------------------------------


def raw_piece(packet, at, data, more, ident):
    header = g.patch4(packet[:20], 2, struct.pack("!HHH", 20 + len(data), ident, (0x2000 if more else 0) | at // 8))
    return g.ether(header + data)


def test_duty_3_overlapping_and_doubled_fragments(tmp_path):
    """Nothing that overlaps is put together: what is in the overlap would depend on who came first (RFC 1858)."""
    packet, inner = outer(UDP, 1, 400)
    data = packet[20:]

    def piece(first, last, ident, more=None):
        return raw_piece(packet, first, data[first:last], last < len(data) if more is None else more, ident)

    end = len(data)
    steps = [
        *failed([piece(0, 200, 21), piece(192, end, 21)]),
        *failed([piece(192, end, 22), piece(0, 200, 22)]),
        *failed([piece(0, 200, 23), piece(0, 200, 23)]),
        *failed([piece(200, end, 24), piece(200, end, 24)]),
        *failed([piece(0, 200, 25), piece(0, end, 25, True)]),
        *failed([piece(0, 104, 26), piece(200, end, 26), piece(104, 208, 26)]),
        *failed([piece(0, 104, 27), piece(96, 200, 27), piece(200, end, 27)]),
        *joined([piece(0, 200, 28), piece(200, end, 28)], on_lan(inner)),
    ]
    run_steps(gateway(), steps, tmp_path)


def test_duty_3_broken_fragments(tmp_path):
    packet, _ = outer(UDP, 1, 400)
    data = packet[20:]
    empty = raw_piece(packet, 64, b"", True, 31)
    ends_early = [raw_piece(packet, 0, data[:203], True, 32), raw_piece(packet, 208, data[208:], False, 32)]
    too_far = [raw_piece(packet, 0xFFF8, bytes(16), False, 33), raw_piece(packet, 0, bytes(64), True, 33)]
    steps = [
        Step(empty, "ip4.reassembly_failed"),
        *lost(ends_early),
        *lost(too_far),
        Step(raw_piece(packet, 0, data[:64], True, 34)[:-1], "ip4.truncated"),
        Step(g.patch(raw_piece(packet, 0, data[:64], True, 35), 24, b"\0\0"), "ip4.bad_checksum"),
    ]
    run_steps(gateway(), steps, tmp_path)


def test_duty_3_too_large_and_too_many(tmp_path):
    """The largest that goes together, one octet more, and more fragments than one packet may have."""
    header = g.outer4(b"", g.UDP_, flags=0, ident=1)
    many = [raw_piece(header, 64 * i, bytes(64), i < 8, 41) for i in range(9)]
    huge = [raw_piece(header, 8192 * i, bytes(8192 if i < 7 else 8184), i < 7, 42) for i in range(8)]
    inner = g.inner4(9000)
    frame = g.good(UDP, 1, inner, outer={"flags": 0, "ident": 43})
    jumbo = [g.ether(p) for p in g.cut(frame[14:], 1500)]
    steps = [*failed(many[:8]), *lost(many[8:]), *failed(huge), *joined(jumbo, on_lan(inner))]
    tree = gateway()
    tree["ports"]["lan"]["mtu"] = 9000
    run_steps(tree, steps, tmp_path)


def test_duty_3_fragments_from_two_ports(tmp_path):
    """A packet's fragments come by one port: what comes by another is no part of it, and does it no harm."""
    packet, inner = outer(UDP, 1, 400)
    first, second = split(packet, 2)
    by_lan = [g.ether(piece[14:], dst=g.LAN_MAC, src=g.LAN_HOST_MAC) for piece in (first, second)]
    steps = [
        Step(first, "parked"),
        Step(by_lan[1], "parked", (), ("ip4.reassembly_timeout",), "lan"),
        Step(second, "sent", (on_lan(inner),), ("ip4.reassembled",) * 2),
    ]
    run_steps(gateway(), steps, tmp_path)


# --- time and room ---------------------------------------------------------------------------------------------------


def test_duty_3_what_is_not_whole_in_time_ends(tmp_path):
    packets = [outer(UDP, seq, 400) for seq in (1, 2, 3)]
    in_time, late, last = (split(packet, 2) for packet, _ in packets)
    steps = [
        Step(in_time[0], "parked", at=0),
        Step(late[0], "parked", (), ("ip4.reassembly_timeout",), at=100),
        Step(in_time[1], "sent", (on_lan(packets[0][1]),), ("ip4.reassembled",) * 2, at=499),
        Step(late[1], "parked", (), ("ip4.reassembly_timeout",), at=700),
        Step(last[0], "parked", at=5000),
        Step(last[1], "sent", (on_lan(packets[2][1]),), ("ip4.reassembled",) * 2, at=5100),
    ]
    run_steps(gateway(timeout_ms=500), steps, tmp_path, matrix=ALONE)


def test_duty_3_bounded_room(tmp_path):
    """More packets at once than reassembly.packets: some end, none is lost without a cause, later ones go through."""
    steps = []
    for n in range(200):
        packet, _ = outer(UDP, 1, 400, ident=1000 + n)
        steps.append(split(packet, 2)[0])
    config = gateway(packets=16)
    good, inner = outer(UDP, 2, 400)
    flood = [Step(frame, "parked" if n < 16 else "ip4.reassembly_failed", (),
                  ("ip4.reassembly_timeout" if n < 16 else "ip4.reassembly_failed",)) for n, frame in enumerate(steps)]
    first, second = split(good, 2)
    flood += [
        Step(first, "parked", at=10_000),
        Step(second, "sent", (on_lan(inner),), ("ip4.reassembled",) * 2, at=11_000),
    ]
    run_steps(config, flood, tmp_path)


# --- ESP afterwards --------------------------------------------------------------------------------------------------


def test_duty_3_window_and_replay_are_right_afterwards(tmp_path):
    """Numbers count when the packet is whole and its ICV right: not for a fragment, not for a forged whole."""
    sa = Sa(window=64)
    inner = g.inner4(400)

    def whole(seq, ident):
        return g.good(sa, seq, inner, outer={"flags": 0, "ident": ident})

    def pieces(seq, ident):
        return split(whole(seq, ident)[14:], 3)

    forged = pieces(100_000, 5)
    forged[2] = forged[2][:-1] + bytes([forged[2][-1] ^ 1])
    steps = [
        *joined(pieces(10, 1), on_lan(inner)),
        Step(whole(10, 2), "esp.replayed"),
        *joined(pieces(10, 3), end="esp.replayed"),
        *joined(forged, end="esp.auth_failed"),
        Step(whole(11, 6), "sent", (on_lan(inner),)),
        *joined(pieces(9, 7), on_lan(inner)),
        *joined(pieces(200, 8), on_lan(inner)),
        *joined(pieces(136, 9), end="esp.replay_too_old"),
        *joined(pieces(137, 10), on_lan(inner)),
    ]
    run_steps(Config([sa], host=True), steps, tmp_path)


def test_duty_3_what_is_put_together_is_judged_as_any_packet(tmp_path):
    """A whole that is no ESP of ours, keepalives and IKE among them, ends as it would have in one piece."""
    inner = g.inner4(400)
    wrong_port = g.good(UDP, 1, inner, outer={"dport": 4501, "flags": 0, "ident": 1})[14:]
    unknown = g.good(Sa(spi=0x9999), 1, inner, outer={"flags": 0, "ident": 2})[14:]
    plain = g.good(UDP, 1, inner, outer={"plain": True, "flags": 0, "ident": 3})[14:]
    ike = g.udp4(bytes(4) + g.octets(1, 900), flags=0, ident=4)
    ike_500 = g.udp4(g.octets(1, 900), sport=500, dport=500, flags=0, ident=5)
    short = g.udp4(bytes(400), length=500, flags=0, ident=6)
    martian = g.udp4(bytes(400), src="127.0.0.1", flags=0, ident=7)
    config = gateway()
    config["icmp"] = {"errors_per_second": 0}
    steps = [
        *joined(split(wrong_port, 2), end="local.no_port"),
        *joined(split(unknown, 2), end="esp.no_sa"),
        *joined(split(plain, 2), end="esp.encap_mismatch"),
        *joined(split(ike, 3), end="punt.ike"),
        *joined(split(ike_500, 3), end="punt.ike"),
        *joined(split(short, 3), end="udp.bad_length"),
        *[Step(f, "ip4.martian_source") for f in split(martian, 2)],
    ]
    run_steps(config, steps, tmp_path)


def test_duty_3_off(tmp_path):
    steps = []
    for sa in (UDP, PLAIN):
        steps += [Step(frame, "esp.fragment") for frame in split(outer(sa, 1, 400)[0], 3)]
    echo = g.cut(g.inner4(400, src=PEER, dst="192.0.2.1", flags=0), 200)
    steps += [Step(g.ether(piece), "ip4.fragment") for piece in echo]
    inner = g.inner4(84)
    steps.append(Step(g.good(UDP, 1, inner), "sent", (on_lan(inner),)))
    outcome = run_steps(gateway(enabled=False), steps, tmp_path)
    assert [event["cause"] for event in outcome.report["audit"]] == ["esp.fragment"] * 6
