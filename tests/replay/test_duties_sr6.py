"""RFC duties 39, 40, 42, 43 and 48 to 51: IPv6, its extension headers, the SRH and End.DX4."""

import struct

import pytest

import gateway as g
from gateway import Config, Sa
from harness import ends, run_case, sent

INNER = g.inner4(84)
OUT = g.on_lan(INNER)
SID = "fc00:1::d4"
SRH0 = g.srh([SID])


class Numbered:
    """Cases on one SA whose sequence numbers count up by themselves."""

    def __init__(self):
        self.sa, self.seq, self.cases = Sa(), 0, []

    def frame(self, inner=INNER, **six):
        self.seq += 1
        return g.good(self.sa, self.seq, inner, six=six)

    def good(self, note="", out=OUT, to="lan", inner=INNER, **six):
        self.cases.append(sent(self.frame(inner, **six), out, to=to, note=note))

    def bad(self, *cause, note="", inner=INNER, **six):
        self.cases.append(ends(self.frame(inner, **six), *cause, note=note))

    def run(self, tmp_path):
        return run_case(Config(), self.cases, tmp_path)


def test_duty_39_chains_in_any_order(tmp_path):
    n = Numbered()
    hbh, opts = g.hop_by_hop(), g.dst_opts()
    chains = [
        [hbh],
        [opts],
        [SRH0],
        [hbh, SRH0],
        [SRH0, opts],
        [opts, SRH0],
        [hbh, opts, SRH0, opts],
        [opts, opts, opts],
        [opts, SRH0, opts, SRH0],
        [g.hop_by_hop(64), g.dst_opts(256), SRH0, g.dst_opts(2048)],
        [g.fragment_header()],
        [hbh, g.fragment_header(), opts, SRH0],
        [SRH0, g.fragment_header()],
    ]
    for chain in chains:
        n.good(headers=chain, note=str([protocol for protocol, _ in chain]))
    n.bad("sr6.exthdr_order", headers=[opts, hbh])
    n.bad("sr6.exthdr_order", headers=[SRH0, hbh])
    n.bad("sr6.exthdr_order", headers=[hbh, hbh])
    n.run(tmp_path)


def test_duty_39_the_walk_is_bounded(tmp_path):
    n = Numbered()
    for count in range(1, 9):
        n.good(headers=[g.dst_opts()] * count, note=f"{count} headers")
    for count in (9, 10, 20, 100):
        n.bad("sr6.exthdr_limit", headers=[g.dst_opts()] * count, note=f"{count} headers")
    n.bad("sr6.exthdr_limit", headers=[g.hop_by_hop()] + [g.dst_opts()] * 8)
    n.good(headers=[g.hop_by_hop()] + [g.dst_opts()] * 6 + [SRH0])
    n.run(tmp_path)


def test_duty_39_headers_cut_short(tmp_path):
    n = Numbered()
    for headers in (
        [g.dst_opts(24)],
        [g.hop_by_hop(16)],
        [g.srh([SID, SID])],
        [g.fragment_header()],
        [g.dst_opts(), SRH0],
    ):
        size = sum(len(body) for _, body in headers)
        for length in range(size):
            n.bad("sr6.truncated", headers=headers, length=length, note=f"{length} of {size}")
    for length in range(20):
        n.bad("ip4.truncated", headers=[SRH0], length=24 + length)
    n.bad("sr6.truncated", headers=[(g.DST_OPTS, b"\0\xff\1\4" + bytes(4))], note="a length beyond the packet")
    n.run(tmp_path)


def test_duty_40_other_routing_types(tmp_path):
    n = Numbered()
    for kind in (0, 1, 2, 3, 5, 253, 255):
        n.good(headers=[g.routing(kind, 0)], note=f"type {kind}")
        n.good(headers=[g.routing(kind, 0, bytes(20)), SRH0])
        n.good(headers=[SRH0, g.routing(kind, 0, bytes(20))])
        for left in (1, 255):
            n.bad("sr6.unknown_routing", headers=[g.routing(kind, left, bytes(20))], note=f"type {kind}, {left} left")
            n.bad("sr6.unknown_routing", headers=[g.dst_opts(), g.routing(kind, left)])
    n.run(tmp_path)


def test_duty_41_fragments_to_a_sid(tmp_path):
    n = Numbered()
    for offset, more in ((0, 1), (8, 0), (8, 1), (65528, 0)):
        n.bad("sr6.fragment", headers=[g.fragment_header(offset, more)])
        n.bad("sr6.fragment", headers=[SRH0, g.fragment_header(offset, more)])
    n.good(headers=[g.fragment_header(0, 0, 99)], note="atomic, RFC 6946")
    n.run(tmp_path)


def test_duty_42_srh_sanity(tmp_path):
    n = Numbered()
    two, three = [SID, "fc00:9::1"], [SID, "fc00:9::1", "fc00:9::2"]
    n.good(headers=[g.srh(two)])
    n.good(headers=[g.srh(three)])
    n.good(headers=[g.srh(three, last_entry=1)], note="room after the list: TLVs")
    n.good(headers=[g.srh(three, last_entry=0)])
    n.bad("sr6.bad_srh", headers=[g.srh(two, last_entry=2)], note="Last Entry one too many")
    n.bad("sr6.bad_srh", headers=[g.srh([SID], last_entry=1)])
    n.bad("sr6.bad_srh", headers=[g.srh([SID], last_entry=255)])
    n.bad("sr6.bad_srh", headers=[g.srh(three, 4)], note="Segments Left > Last Entry + 1")
    n.bad("sr6.bad_srh", headers=[g.srh(two, 3)])
    n.bad("sr6.bad_srh", headers=[g.srh([SID], 255)])
    n.bad("sr6.bad_srh", headers=[g.srh(two, header_length=3)], note="Hdr Ext Len one too few for Last Entry")
    n.bad(
        "sr6.bad_srh", headers=[(g.ROUTING, struct.pack("!BBBBBBH", 0, 0, 4, 0, 0, 0, 0))], note="no room for a segment"
    )
    n.bad("sr6.bad_srh", headers=[g.srh([SID], header_length=1)], note="half a segment")
    n.bad("sr6.bad_srh", headers=[SRH0, g.srh(two, last_entry=2)], note="the second one")
    n.run(tmp_path)


def test_duty_43_tlvs_are_skipped(tmp_path):
    n = Numbered()
    hmac = bytes([5, 38, 0, 0]) + bytes(4) + bytes(range(32))
    for tlvs in (g.PADN_TLV, g.UNKNOWN_TLV, g.PADN_TLV * 5, g.UNKNOWN_TLV + g.PADN_TLV, bytes(8), hmac, b"\xff" * 16):
        n.good(headers=[g.srh([SID], tlvs=tlvs)], note=tlvs.hex())
        n.good(headers=[g.srh([SID, "fc00:9::1"], tlvs=tlvs), g.dst_opts()])
    n.good(headers=[g.srh([SID], flags=0xFF, tag=0xFFFF)], note="unknown flags are ignored on receipt")
    n.run(tmp_path)


def test_duty_48_segments_left_at_dx4(tmp_path):
    n = Numbered()
    two = [SID, "fc00:9::1"]
    n.bad("sr6.segments_left", headers=[g.srh([SID], 1)])
    n.bad("sr6.segments_left", headers=[g.srh(two, 1)])
    n.bad("sr6.segments_left", headers=[g.srh(two, 2)], note="as a reduced SRH has it at the first SID")
    n.bad("sr6.segments_left", headers=[g.dst_opts(), g.srh(two, 1), g.dst_opts()])
    n.bad("sr6.segments_left", headers=[g.srh(two, 1, tlvs=g.PADN_TLV)])
    n.good(headers=[g.srh(two, 0)])
    n.run(tmp_path)


def test_duty_49_all_extension_headers_are_removed(tmp_path):
    n = Numbered()
    for size in (20, 28, 84, 1400):
        inner = g.inner4(size)
        for headers in (
            [],
            [SRH0],
            [SRH0, g.dst_opts(40)],
            [g.hop_by_hop(), g.srh([SID] * 5, tlvs=g.PADN_TLV), g.dst_opts()],
        ):
            n.good(inner=inner, out=g.on_lan(inner), headers=headers)
    n.run(tmp_path)


def test_duty_49_the_adjacency_without_a_route_lookup(tmp_path):
    n = Numbered()
    for dst in ("10.3.0.2", "10.2.0.9", "8.8.8.8", "192.0.2.254", "10.4.5.6", "172.31.255.254"):
        inner = g.inner4(84, dst=dst)
        n.good(inner=inner, out=g.on_lan(inner), note=f"to {dst}, where no route or another one leads")
    n.run(tmp_path)


def test_duty_49_an_own_address_comes_before_the_adjacency(tmp_path):
    """RFC 1812 5.2.3: what is for this machine is not sent on, whatever way out of here it has been given."""
    n = Numbered()
    n.bad("punt.icmp", inner=g.inner4(84, dst="10.1.0.1"))
    n.bad("punt.icmp", inner=g.inner4(84, dst="10.1.0.1", ttl=1), note="its journey ends here anyway")
    n.bad("policy.boundary", inner=g.inner4(84, dst="192.0.2.1"), note="out of the tunnel to the unprotected side")
    n.good()
    n.run(tmp_path)


def test_duty_49_unresolved_adjacency(tmp_path):
    n = Numbered()
    n.bad("adj.unresolved", dst="fc00:1::d5")
    n.bad("adj.unresolved", dst="fc00:1::d5", headers=[g.srh(["fc00:1::d5"])])
    n.good()
    n.run(tmp_path)


def test_duty_50_the_longest_prefix_and_arguments(tmp_path):
    n = Numbered()
    on_lan2 = g.on_lan(INNER, dst=g.LAN2_HOST_MAC, src=g.LAN2_MAC)
    for argument in ("fc00:1:0:64::", "fc00:1:0:64::1", "fc00:1:0:64:7fff:ffff:ffff:ffff", "fc00:1:0:64:c000::"):
        n.good(dst=argument)
        n.good(dst=argument, headers=[g.srh([argument])])
    for argument in ("fc00:1:0:64:8000::", "fc00:1:0:64:bfff::1"):
        n.good(dst=argument, out=on_lan2, to="lan2", note="/66 inside the /64")
    for other in ("fc00:1:0:65::", "fc00:1:0:63:ffff:ffff:ffff:ffff", "fc00:1::d3", "fc00:1::1:d4"):
        n.bad("sr6.no_sid", dst=other)
    n.good()
    report = n.run(tmp_path).report
    counts = {sid: count["packets"] for sid, count in report["local_sids"].items() if count["packets"]}
    assert counts == {"fc00:1::d4/128": 1, "fc00:1:0:64::/64": 8, "fc00:1:0:64:8000::/66": 2}


def test_duty_51_upper_layer_is_not_ipv4(tmp_path):
    n = Numbered()
    for protocol in (g.UDP_, g.NO_NEXT, g.IPV6, g.TCP_, g.ICMPV6, g.ESP, 51, 143, 253):
        n.bad("sr6.upper_layer", upper=protocol, note=str(protocol))
        n.bad("sr6.upper_layer", upper=protocol, headers=[SRH0])
        n.bad("sr6.upper_layer", upper=protocol, headers=[g.hop_by_hop(), SRH0, g.dst_opts()])
    n.bad("sr6.upper_layer", inner=b"", upper=g.NO_NEXT)
    n.good()
    n.run(tmp_path)


def test_duty_56_counters_count_successes_only(tmp_path):
    n = Numbered()
    n.good()
    n.bad("sr6.segments_left", headers=[g.srh([SID], 1)])
    n.bad("sr6.upper_layer", upper=g.UDP_)
    n.cases.append(ends(g.good(n.sa, 1), "esp.replayed"))
    n.good()
    report = n.run(tmp_path).report
    assert report["local_sids"]["fc00:1::d4/128"]["packets"] == 2


@pytest.mark.parametrize("version", [0, 4, 5, 7, 15])
def test_inner_ipv6_version(tmp_path, version):
    sa = Sa()
    six = g.inner6(INNER)
    cases = [
        ends(g.wrap(sa, sa.seal(1, bytes([version << 4 | six[0] & 15]) + six[1:])), "sr6.bad_version"),
        sent(g.good(sa, 2, INNER), OUT),
    ]
    run_case(Config(), cases, tmp_path, matrix=(("00", 64), ("a5", 1)))


def option(data, protocol=g.DST_OPTS):
    return protocol, bytes([0, (len(data) + 2) // 8 - 1]) + data


def test_duty_39_unknown_options_say_what_to_do(tmp_path):
    """RFC 8200 4.2: the two highest bits of an unknown option's type; all but 00 discard the packet."""
    sa, inner = Sa(), g.inner4(100)
    cases, seq = [], 0
    for protocol in (g.DST_OPTS, g.HOP_BY_HOP):
        for first, fine in ((0x1E, True), (0x3E, True), (0x5E, False), (0x9E, False), (0xDE, False)):
            seq += 1
            frame = g.good(sa, seq, inner, six={"headers": [option(bytes([first, 4, 1, 2, 3, 4]), protocol)]})
            cases.append(sent(frame, g.on_lan(inner)) if fine else ends(frame, "sr6.bad_option", note=hex(first)))
        for broken in (bytes([0x1E, 5, 0, 0, 0, 0]), bytes([1, 3, 0, 0, 0, 0x1E])):
            seq += 1
            cases.append(ends(g.good(sa, seq, inner, six={"headers": [option(broken, protocol)]}), "sr6.bad_option"))
    run_case(Config([sa]), cases, tmp_path)


def test_duty_48_segments_left_before_what_stands_behind(tmp_path):
    """RFC 8986 4.5 S02: the SRH ends the packet before the headers behind it are looked at."""
    sa, two = Sa(), ["fc00:1::d4", "fc00:9::1"]
    behind = [
        [g.fragment_header(8, 1)],
        [g.routing(2, 1)],
        [g.hop_by_hop()],
        [g.dst_opts()] * 9,
        [option(bytes([0x9E, 4, 0, 0, 0, 0]))],
    ]
    cases = [
        ends(g.good(sa, seq, six={"headers": [g.srh(two, 1), *headers]}), "sr6.segments_left", note=str(seq))
        for seq, headers in enumerate(behind, 1)
    ]
    run_case(Config([sa]), cases, tmp_path)
