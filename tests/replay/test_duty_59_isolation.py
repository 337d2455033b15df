"""RFC duty 59 (iii): what leaves depends on the inner IPv4 packet and the configuration, on nothing that carried it."""

import random

import gateway as g
from gateway import Config, Sa
from harness import ends, run_case, sent

SAS = [
    Sa(),
    Sa("plain", spi=0x1002, udp=None, inside="fc00:3::/48", key_from=0x20, algorithm="aes-256-gcm"),
    Sa(
        "chacha",
        spi=0x1003,
        udp=(4500, 4501),
        inside="fc00:4::/48",
        key_from=0x40,
        algorithm="chacha20-poly1305",
        esn=True,
    ),
    Sa(
        "aes-192",
        spi=0x1004,
        udp=(40000, 60000),
        inside="fc00:5::/48",
        key_from=0x60,
        algorithm="aes-192-gcm",
        window=64,
    ),
]
INNERS = [
    g.inner4(20, ttl=2, ident=0xFFFF),
    g.inner4(84),
    g.inner4(85, tos=0x2E << 2),
    g.inner4(120, options=b"\x01" * 8, ttl=255),
    g.inner4(577, tos=2, flags=0),
    g.inner4(1400, ident=0, src="172.16.9.9", dst="8.8.8.8"),
]


def chains(rng):
    sid = "fc00:1::d4"
    srhs = [
        g.srh([sid]),
        g.srh([sid, "fc00:9::1", "fc00:9::2"]),
        g.srh([sid], tlvs=g.PADN_TLV),
        g.srh([sid], flags=0x55, tag=0x1234),
        g.srh([sid, "fc00:8::8"], tlvs=g.UNKNOWN_TLV + g.PADN_TLV),
    ]
    before = [[], [g.hop_by_hop()], [g.dst_opts()], [g.hop_by_hop(24), g.dst_opts(16)]]
    after = [[], [g.dst_opts()], [g.dst_opts(64)], [g.fragment_header()]]
    srh = [] if rng.random() < 0.3 else [rng.choice(srhs)]
    return rng.choice(before) + srh + rng.choice(after)


def outer(rng, sa):
    fields = {
        "ident": rng.randrange(0x10000),
        "tos": rng.randrange(64) << 2,  # DSCP; ECN crosses by RFC 6040 and is duty 72's
        "ttl": rng.randrange(256),
        "flags": rng.choice([0, "DF"]),
        "options": rng.choice([b"", b"\x01\x01\x01\x00", b"\x94\x04\x00\x00", b"\x07\x0b\x04" + bytes(8) + b"\x00"]),
        "src": rng.choice([sa.source, "203.0.113.50", "198.51.100.77"]),
        "vlans": rng.choice([(), ((0x8100, rng.randrange(4096)),), ((0x88A8, 9), (0x8100, 10))]),
    }
    if sa.udp:
        fields["checksum"] = rng.choice([0, 0, "right", rng.randrange(0x10000)])
        fields["sport"] = rng.randrange(1, 0x10000)
    return fields


def six(rng, sa):
    return {
        "src": sa.host(rng.randrange(2**64)),
        "tc": rng.randrange(64) << 2,
        "flow": rng.randrange(2**20),
        "hlim": rng.randrange(256),
        "headers": chains(rng),
    }


def test_duty_59_same_octets_out_however_carried(tmp_path):
    rng = random.Random(59)
    cases, sequence = [], {sa.name: 0 for sa in SAS}
    for _ in range(120):
        for inner in INNERS:
            sa = rng.choice(SAS)
            sequence[sa.name] += rng.choice([1, 1, 2, 40])
            tfc = bytes(rng.randrange(256) for _ in range(rng.choice([0, 0, 1, 7, 100])))
            iv = bytes(rng.randrange(256) for _ in range(8)) if rng.random() < 0.5 else None
            frame = g.good(
                sa,
                sequence[sa.name],
                inner + bytes(rng.choice([0, 0, 3])),
                six=six(rng, sa),
                outer=outer(rng, sa),
                tfc=tfc,
                iv=iv,
            )
            cases.append(sent(frame + bytes(rng.choice([0, 0, 9])), g.on_lan(inner)))
    outcome = run_case(Config(SAS), cases, tmp_path)
    assert len(set(outcome.frames["lan"])) == len(INNERS)


def test_duty_59_each_field_alone(tmp_path):
    """One thing changed at a time, so that a failure names it."""
    sa, inner, seq, cases = SAS[0], INNERS[1], 0, []
    changes = [
        dict(outer={"sport": 1}),
        dict(outer={"ident": 0xABCD}),
        dict(outer={"tos": 0xFC}),
        dict(outer={"ttl": 1}),
        dict(outer={"options": b"\x01" * 40}),
        dict(outer={"checksum": 0xDEAD}),
        dict(outer={"flags": 0}),
        dict(outer={"src": "203.0.113.9"}),
        dict(outer={"vlans": ((0x8100, 1),)}),
        dict(outer={"vlans": ((0x88A8, 1), (0x8100, 2))}),
        dict(iv=b"\xa5" * 8),
        dict(tfc=b"\xdb" * 100),
        dict(six={"src": "fc00:2:0:db::1"}),
        dict(six={"flow": 0xFFFFF}),
        dict(six={"hlim": 0}),
        dict(six={"hlim": 1}),
        dict(six={"tc": 0xFC}),
        dict(six={"headers": [g.srh(["fc00:1::d4"])]}),
        dict(six={"headers": [g.hop_by_hop()]}),
        dict(six={"headers": [g.dst_opts()]}),
    ]
    for change in changes:
        seq += 1
        cases.append(sent(g.good(sa, seq, inner, **change), g.on_lan(inner), note=str(change)))
    run_case(Config(SAS), cases, tmp_path)


def test_duty_59_a_good_packet_after_any_other(tmp_path):
    """Buffers are used again: what a packet left behind in one must not show. Good ones between all kinds of bad."""
    rng, sa, cases, seq = random.Random(5), SAS[0], [], 0
    for i in range(300):
        seq += 1
        inner = rng.choice(INNERS)
        kind = rng.randrange(6)
        if kind == 0:
            cases.append(ends(g.good(sa, seq, inner, six={"headers": [g.srh(["fc00:1::d4"], 1)]}), "sr6.segments_left"))
        elif kind == 1:
            broken = bytearray(g.good(sa, seq, inner))
            broken[-5] ^= 0x40
            cases.append(ends(bytes(broken), "esp.auth_failed"))
        elif kind == 2:
            cases.append(
                ends(g.good(sa, seq, inner, outer={"vlans": ((0x8100, 77),), "dst": "198.51.100.1"}), "esp.no_sa")
            )
        else:
            cases.append(sent(g.good(sa, seq, inner, six=six(rng, sa), outer=outer(rng, sa)), g.on_lan(inner)))
    run_case(Config(SAS), cases, tmp_path)
