"""RFC duties 60 to 63, 71 and 72: the IPv4 packet that End.DX4 lays bare."""

import struct

import pytest

import gateway as g
from gateway import Config, Sa
from harness import Sent, ends, run_case, sent

SA = Sa()
GOOD = g.inner4(84)


def carried(packets):
    """Cases for (inner octets, end): each in its own ESP packet, then a good one."""
    cases = []
    for seq, (inner, end) in enumerate([*packets, (GOOD, g.on_lan(GOOD))], 1):
        frame = g.good(SA, seq, inner)
        cases.append(sent(frame, end) if isinstance(end, bytes) else ends(frame, end, note=inner[:24].hex()))
    return cases


def test_duty_60_inner_header_is_validated_right_after_dx4(tmp_path):
    wrong = g.patch(GOOD, 10, struct.pack("!H", struct.unpack("!H", GOOD[10:12])[0] ^ 0x0100))
    packets = [(g.patch4(GOOD, 0, bytes([version << 4 | 5])), "ip4.bad_version") for version in (0, 1, 5, 6, 15)]
    packets += [(g.patch(GOOD, 0, bytes([0x40 | ihl])), "ip4.bad_header_length") for ihl in range(5)]
    packets += [
        (g.patch4(GOOD, 2, b"\x00\x00"), "ip4.bad_length"),
        (g.patch4(GOOD, 2, b"\x00\x13"), "ip4.bad_length"),
        (g.patch4(GOOD, 2, struct.pack("!H", 85)), "ip4.truncated"),
        (g.patch4(GOOD, 2, b"\xff\xff"), "ip4.truncated"),
        (wrong, "ip4.bad_checksum"),
        (g.patch(GOOD, 10, b"\0\0"), "ip4.bad_checksum"),
        (g.patch(GOOD, 8, b"\x3f"), "ip4.bad_checksum"),
        (b"", "ip4.truncated"),
        (GOOD[:19], "ip4.truncated"),
        (GOOD[:83], "ip4.truncated"),
        (g.patch(GOOD[:20], 0, b"\x46"), "ip4.truncated"),
        (g.patch4(GOOD, 2, b"\x00\x14"), g.on_lan(g.patch4(GOOD, 2, b"\x00\x14"))),
    ]
    run_case(Config(), carried(packets), tmp_path)


def test_duty_60_octets_after_the_inner_packet_are_cut(tmp_path):
    packets = [
        (g.inner4(size) + bytes([size]) * extra, g.on_lan(g.inner4(size)))
        for size in (20, 21, 46, 84)
        for extra in (1, 2, 5, 64, 700)
    ]
    run_case(Config(), carried(packets), tmp_path)


def test_duty_61_ttl(tmp_path):
    packets = [(g.inner4(84, ttl=ttl), "ip4.ttl_exceeded") for ttl in (0, 1)]
    packets += [(g.inner4(84, ttl=ttl), g.on_lan(g.inner4(84, ttl=ttl))) for ttl in range(2, 256)]
    run_case(Config(), carried(packets), tmp_path)


def every_checksum():
    """Headers whose checksum takes every value it can: 0000 to fffe (ffff would need a header of zeros, RFC 1624 3)."""
    seen = {}
    for ident in range(0x10000):
        packet = g.patch4(GOOD, 4, struct.pack("!H", ident))
        seen.setdefault(packet[10:12], packet)
    assert len(seen) == 0xFFFF and b"\xff\xff" not in seen
    return list(seen.values())


def test_duty_61_all_checksum_values(tmp_path):
    sa = Sa(algorithm="aes-256-gcm", window=64)
    header = g.inner6(GOOD)[:40]
    cases = [
        sent(g.wrap(sa, sa.seal(seq, header + inner)), g.on_lan(inner)) for seq, inner in enumerate(every_checksum(), 1)
    ]
    outcome = run_case(Config([sa]), cases, tmp_path, matrix=(("00", 64), ("a5", 32)), ports=("lan",), explain=False)
    after = {frame[24:26] for frame in outcome.frames["lan"]}
    assert len(after) == 0xFFFF and b"\xff\xff" not in after


MARTIANS = [
    "0.0.0.0",
    "0.255.255.255",
    "127.0.0.1",
    "127.255.0.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "10.1.0.1",
    "192.0.2.1",
    "10.1.0.255",
    "192.0.2.255",
]


def test_duty_62_martian_inner_sources(tmp_path):
    packets = [(g.inner4(84, src=source), "ip4.martian_source") for source in MARTIANS]
    packets += [
        (g.inner4(84, src=source), g.on_lan(g.inner4(84, src=source)))
        for source in (
            "1.0.0.1",
            "126.255.255.255",
            "128.0.0.1",
            "223.255.255.254",
            "10.1.0.2",
            "10.2.0.255",
            "192.0.2.2",
        )
    ]
    run_case(Config(), carried(packets), tmp_path)


def test_duty_62_martians_behind_a_good_packet(tmp_path):
    """In one burst: what was found of the addresses before is not taken for what these say."""
    packets = [(g.inner4(84, src="0.0.0.0", dst="0.0.0.0"), "ip4.martian_source")]
    for source in MARTIANS:
        packets += [(GOOD, g.on_lan(GOOD)), (g.inner4(84, src=source), "ip4.martian_source")]
    for destination, cause in (("0.0.0.0", "ip4.martian_destination"), ("127.0.0.1", "ip4.martian_destination"),
                               ("224.0.0.1", "ip4.multicast"), ("10.1.0.255", "ip4.broadcast"),
                               ("169.254.1.2", "ip4.martian_destination")):
        packets += [(GOOD, g.on_lan(GOOD)), (g.inner4(84, dst=destination), cause)]
    run_case(Config(), carried(packets), tmp_path)


def test_duty_63_unknown_options_pass_unchanged(tmp_path):
    packets = []
    for options in (
        b"\x01\x01\x01\x00",
        b"\x07\x07\x04" + bytes(4) + b"\x00",
        b"\x83\x07\x04\x0a\x00\x00\x01\x00",
        b"\x94\x04\x00\x00",
        b"\x5e\x00\x00\x00",
        b"\x5e\xff\x00\x00",
        b"\x01" * 40,
    ):
        inner = g.inner4(120, options=options)
        packets.append((inner, g.on_lan(inner)))
    run_case(Config(), carried(packets), tmp_path)


def test_inner_flags_fragments_and_protocols_pass(tmp_path):
    packets = []
    for field in (b"\x00\x00", b"\x40\x00", b"\x20\x00", b"\x20\xb9", b"\x00\xb9", b"\x80\x00"):
        inner = g.patch4(g.inner4(200), 6, field)
        packets.append((inner, g.on_lan(inner)))
    for protocol in (0, 1, 4, 6, 17, 41, 47, 50, 89, 132, 255):
        inner = g.patch4(g.inner4(60), 9, bytes([protocol]))
        packets.append((inner, g.on_lan(inner)))
    run_case(Config(), carried(packets), tmp_path)


@pytest.mark.parametrize("low,high", [(20, 200), (1380, 1460)])
def test_every_inner_size(tmp_path, low, high):
    packets = [(g.inner4(size, ident=size), g.on_lan(g.inner4(size, ident=size))) for size in range(low, high)]
    run_case(Config(), carried(packets), tmp_path, matrix=(("00", 64), ("a5", 1)))


def test_jumbo_inner_sizes(tmp_path):
    """Up to 9000 octets of inner packet (duty 70 will cut them into segments)."""
    sizes = [1500, 1501, 1600, 1900, 1936, 1990, 2000, 2001, 2047, 2048, 2049, 4000, 8900, 8972, 9000]
    inner = [g.inner4(size, ident=size) for size in sizes]
    cases = [
        sent(g.good(SA, seq, packet), g.on_lan(packet), note=str(len(packet))) for seq, packet in enumerate(inner, 1)
    ]
    run_case(Config(mtu=9000), cases, tmp_path)


def test_duty_72_ecn_of_16_combinations_on_2_layers(tmp_path):
    """RFC 6040 4.2 twice: outer IPv4 to IPv6, then IPv6 to IPv4; DSCP of the inner packet stays (RFC 2983)."""
    cases, seq = [], 0
    for dscp in (0, 46):
        for outer in range(4):
            for middle in range(4):
                for inner in range(4):
                    seq += 1
                    packet = g.inner4(84, tos=dscp << 2 | inner, ident=seq)
                    frame = g.good(SA, seq, packet, six={"tc": 10 << 2 | middle}, outer={"tos": 34 << 2 | outer})
                    carried_ecn = g.ecn_decapsulate(outer, middle)
                    note = f"outer {outer} IPv6 {middle} IPv4 {inner}"
                    if carried_ecn is None:
                        cases.append(ends(frame, "esp.ce_not_ect", note=note))
                    elif g.ecn_decapsulate(carried_ecn, inner) is None:
                        cases.append(ends(frame, "ip4.ce_not_ect", note=note))
                    else:
                        cases.append(sent(frame, g.on_lan(packet, ecn=carried_ecn), note=note))
    assert sum(case.end == "esp.ce_not_ect" for case in cases) == 2 * 4
    assert sum(case.end == "ip4.ce_not_ect" for case in cases) == 2 * 6
    assert sum(isinstance(case.end, Sent) for case in cases) == 2 * 54
    run_case(Config(), cases, tmp_path)


def test_duty_71_ecn_of_clear_srv6(tmp_path):
    """In clear there is one layer less: IPv6 to IPv4."""
    cases = []
    for middle in range(4):
        for inner in range(4):
            packet = g.inner4(84, tos=inner)
            frame = g.ether(g.inner6(packet, dst="fc00:1::c1", tc=middle), kind=0x86DD)
            if g.ecn_decapsulate(middle, inner) is None:
                cases.append(ends(frame, "ip4.ce_not_ect"))
            else:
                cases.append(sent(frame, g.on_lan(packet, ecn=middle)))
    run_case(Config(), cases, tmp_path)


def test_duty_62_zero_hosts_and_link_local_addresses(tmp_path):
    """RFC 1812 4.2.3.1: {net, 0} is an old broadcast; RFC 3927 7: 169.254/16 is never forwarded."""
    cases = []
    for seq, (field, address, cause) in enumerate(
        (
            ("dst", "10.1.0.0", "ip4.broadcast"),
            ("src", "10.1.0.0", "ip4.martian_source"),
            ("src", "192.0.2.0", "ip4.martian_source"),
            ("src", "169.254.1.2", "ip4.martian_source"),
            ("dst", "169.254.1.2", "ip4.martian_destination"),
        ),
        1,
    ):
        cases.append(ends(g.good(Sa(), seq, g.inner4(84, **{field: address})), cause, note=address))
    cases.append(sent(g.good(Sa(), 20, g.inner4(84, src="169.253.1.2")), g.on_lan(g.inner4(84, src="169.253.1.2"))))
    run_case(Config(), cases, tmp_path)


def test_duty_72_anomalous_marks_are_counted(tmp_path):
    """RFC 6040 4.2: outer ECT(1) over inner Not-ECT is forwarded, and is worth a line in the log."""
    inner = g.inner4(84)
    cases = [sent(g.good(Sa(), 1, inner, outer={"tos": 1}), g.on_lan(inner)), sent(g.good(Sa(), 2, inner), g.on_lan(inner))]
    assert run_case(Config(), cases, tmp_path).report["ecn_anomalies"] == 1
