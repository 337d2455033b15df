"""RFC duties 24 and 25, the boundary of RFC 4301 3.1, and what is forwarded in clear."""

import pytest

import gateway as g
from gateway import Config, Sa
from harness import ends, run_case, sent

INNER = g.inner4(84)
OUT = g.on_lan(INNER)


def six(**more):
    return g.inner6(INNER, **more)


def clear6(packet, **more):
    return g.ether(packet, kind=0x86DD, **more)


def test_duty_24_selectors_are_checked_on_the_decrypted_packet(tmp_path):
    b, c = Sa(), Sa("from-c", spi=0x1002, inside="fc00:3::/48", target="fc00:1::d4/128", key_from=0x40)
    cases = [
        sent(g.good(b, 1, INNER), OUT),
        ends(g.good(b, 2, six={"src": "fc00:3::1"}), "policy.selector_mismatch", note="another peer's source"),
        ends(g.good(b, 3, six={"src": "fc00:1::1"}), "policy.selector_mismatch", note="our own source"),
        ends(g.good(b, 4, six={"dst": "fc00:9::d4"}), "policy.selector_mismatch"),
        ends(g.good(b, 5, six={"dst": "fc00:2:0:1::1"}), "policy.selector_mismatch"),
        sent(g.good(c, 1, INNER), OUT),
        ends(g.good(c, 2, six={"dst": "fc00:1:0:64::1"}), "policy.selector_mismatch", note="a SID, but not this SA's"),
        ends(g.good(c, 3, six={"src": "fc00:2::2"}), "policy.selector_mismatch"),
        sent(g.good(b, 6, INNER, six={"src": "fc00:2::"}), OUT),
        sent(g.good(b, 7, INNER, six={"src": "fc00:2:0:ffff:ffff:ffff:ffff:ffff"}), OUT),
        ends(g.good(b, 8, six={"src": "fc00:2:1::"}), "policy.selector_mismatch", note="one beyond the prefix"),
        ends(g.good(b, 2, six={"src": "fc00:3::1"}), "esp.replayed", note="its number was used"),
    ]
    run_case(Config([b, c]), cases, tmp_path)


def test_duty_24_protocol_selector(tmp_path):
    sa = Sa(protocol=4)
    cases = [
        sent(g.good(sa, 1, INNER), OUT),
        ends(g.good(sa, 2, six={"upper": g.UDP_}), "policy.selector_mismatch"),
        sent(
            g.good(sa, 3, INNER, six={"headers": [g.dst_opts(), g.srh(["fc00:1::d4"])]}),
            OUT,
            note="the upper layer counts",
        ),
    ]
    run_case(Config([sa]), cases, tmp_path)


def test_duty_24_selectors_before_sids(tmp_path):
    sa = Sa(target="fc00:1::/32")
    cases = [
        ends(g.good(sa, 1, six={"dst": "fc00:1::99"}), "sr6.no_sid"),
        ends(g.good(sa, 2, six={"dst": "fc00:1:2:3::d4"}), "sr6.no_sid"),
        ends(g.good(sa, 3, six={"dst": "fc00:1::1"}), "punt.local"),
        ends(g.good(sa, 4, six={"dst": "fc00:1::1", "upper": g.ICMPV6}), "punt.icmp6"),
        ends(g.good(sa, 5, six={"dst": "fd00:1::99"}), "policy.selector_mismatch"),
        sent(g.good(sa, 6, INNER), OUT),
    ]
    run_case(Config([sa]), cases, tmp_path)


def test_duty_24_of_packets_in_a_row(tmp_path):
    """What was found of a packet is true of one behind it that has the same SA and the same addresses, and of no other:
    each of these has all but one in common with a good one before it."""
    b = Sa()
    c = Sa("from-c", spi=0x1002, inside="fc00:3::/48", key_from=0x40)
    d = Sa("from-d", spi=0x1003, inside="fc00:4::/48", protocol=4, key_from=0x70)

    def good(sa, seq, **addresses):
        return sent(g.good(sa, seq, INNER, six=addresses), OUT)

    cases = [
        good(b, 1),
        good(b, 2),
        ends(g.good(c, 1, six={"src": b.host()}), "policy.selector_mismatch", note="another SA"),
        good(b, 3),
        ends(g.good(b, 4, six={"dst": "fc00:1::99"}), "sr6.no_sid", note="another destination"),
        ends(g.good(b, 5, six={"src": "fc00:3::2"}), "policy.selector_mismatch", note="another source"),
        good(b, 6, dst="fc00:1:0:64::77"),
        sent(g.good(b, 7, INNER, six={"dst": "fc00:1:0:64:8000::77"}), out_on("lan2", INNER), to="lan2"),
        good(b, 8),
        ends(clear6(six(src=b.host())), "policy.unprotected", note="no SA"),
        good(b, 9),
        good(d, 1),
        ends(g.good(d, 2, six={"upper": g.UDP_}), "policy.selector_mismatch", note="another protocol"),
        good(d, 3),
        good(b, 10),
    ]
    run_case(Config([b, c, d]), cases, tmp_path)


def test_duty_24_martian_inner_ipv6_sources(tmp_path):
    sa = Sa(inside="::/0")
    good = sent(g.good(sa, 99, INNER, six={"src": "fc00:2::1"}), OUT)
    cases = [
        ends(g.good(sa, seq, six={"src": source}), "sr6.martian_source", note=source)
        for seq, source in enumerate(("::", "::1", "ff02::1", "ff0e::1", "ffff::"), 1)
    ]
    run_case(Config([sa]), [*cases, good], tmp_path)


def test_duty_25_clear_srv6_to_a_protected_sid(tmp_path):
    cases = [
        ends(clear6(six()), "policy.unprotected"),
        ends(clear6(six(), dst=g.BROADCAST_MAC), "policy.unprotected"),
        ends(clear6(six(headers=[g.srh(["fc00:1::d4"])])), "policy.unprotected"),
        ends(clear6(six(headers=[g.srh(["fc00:1::d4"])]), vlans=((0x8100, 3),)), "policy.unprotected"),
        ends(clear6(six(dst="fc00:1:0:64::77")), "policy.unprotected"),
        ends(
            clear6(six(), dst=g.LAN_MAC), "policy.unprotected", port="lan", note="clear on the protected side as well"
        ),
        sent(clear6(six(dst="fc00:1::c1")), OUT, note="this SID says clear: true"),
        sent(clear6(six(dst="fc00:1::c1", headers=[g.srh(["fc00:1::c1"])]) + b"trailing"), OUT),
        sent(g.good(Sa(), 1, INNER, six={"dst": "fc00:1::c1"}), OUT, note="and takes protected traffic too"),
        ends(clear6(six(dst="fc00:1::99")), "sr6.no_sid"),
        ends(clear6(six(dst="fc00:1::1", upper=g.ICMPV6)), "punt.icmp6"),
        ends(clear6(six(dst="fc00:1::1")), "punt.local"),
        ends(clear6(six(dst="fc00:1::c1", src="::")), "sr6.martian_source"),
        ends(clear6(six(dst="fc00:1::c1", src="ff02::5")), "sr6.martian_source"),
        ends(clear6(six(dst="fc00:1::c1")[:39]), "sr6.truncated"),
        ends(clear6(six(dst="fc00:1::c1")[:-1]), "sr6.truncated"),
        ends(clear6(b"\x55" + six(dst="fc00:1::c1")[1:]), "sr6.bad_version"),
    ]
    run_case(Config(), cases, tmp_path)


def test_duty_25_opened_traffic_does_not_leave_unprotected(tmp_path):
    sa = Sa()
    cases = [
        ends(
            g.good(sa, 1, INNER, six={"dst": "fc00:1::d6"}),
            "policy.boundary",
            note="the SID's adjacency is on the wild side",
        ),
        sent(g.good(sa, 2, INNER), OUT),
    ]
    assert run_case(Config(), cases, tmp_path).frames["wan"] == []


def from_lan(dst, port="lan", **more):
    src, host = {"lan": (g.LAN_MAC, g.LAN_HOST_MAC), "lan2": (g.LAN2_MAC, g.LAN2_HOST_MAC)}[port]
    source = {"lan": "10.1.0.2", "lan2": "10.3.0.2"}[port]
    return g.ether(g.inner4(84, src=more.pop("src", source), dst=dst, **more), dst=src, src=host)


def out_on(port, packet):
    mac, host = {
        "lan": (g.LAN_MAC, g.LAN_HOST_MAC),
        "lan2": (g.LAN2_MAC, g.LAN2_HOST_MAC),
        "wan": (g.WAN_MAC, g.WAN_ROUTER_MAC),
    }[port]
    return g.on_lan(packet, dst=host, src=mac)


def test_clear_forwarding_on_one_side(tmp_path):
    def through(dst, to, port):
        frame = from_lan(dst, port)
        return sent(frame, out_on(to, frame[14:]), to=to, port=port, note=dst)

    cases = [
        through("10.3.0.2", "lan2", "lan"),
        through("10.1.0.2", "lan", "lan2"),
        through("10.4.1.1", "lan", "lan2"),
        through("10.4.5.1", "lan2", "lan"),
        through("10.4.6.1", "lan", "lan"),
        ends(from_lan("10.3.0.77"), "adj.unresolved", port="lan"),
        ends(from_lan("10.2.1.1"), "policy.no_sa", port="lan", note="a policy and no outbound SA: never in clear"),
        ends(from_lan("8.8.8.8"), "policy.boundary", port="lan"),
        ends(from_lan("192.0.2.254"), "policy.boundary", port="lan"),
        ends(from_lan("10.3.0.2", ttl=1), "ip4.ttl_exceeded", port="lan"),
        ends(from_lan("10.3.0.2", ttl=0), "ip4.ttl_exceeded", port="lan"),
    ]
    run_case(Config(), cases, tmp_path)


def test_no_route(tmp_path):
    config = Config(extra={"routes": []})
    cases = [
        ends(from_lan("8.8.8.8"), "ip4.no_route", port="lan"),
        ends(from_lan("10.4.1.1"), "ip4.no_route", port="lan"),
    ]
    run_case(config, cases, tmp_path)


def from_wan(dst, src="203.0.113.9", **more):
    return g.ether(g.inner4(84, src=src, dst=dst, **more))


def udp_wan(dst, src, dport, sport=1234):
    return g.ether(g.udp4(b"payload", src=src, dst=dst, sport=sport, dport=dport))


def test_boundary_in_clear(tmp_path):
    cases = [
        ends(from_wan("10.1.0.2"), "policy.boundary"),
        ends(from_wan("10.4.5.1"), "policy.boundary"),
        ends(udp_wan("10.1.0.2", "203.0.113.9", 53), "policy.boundary"),
        sent(from_wan("192.0.2.254"), out_on("wan", from_wan("192.0.2.254")[14:]), to="wan", note="wild to wild"),
        sent(from_wan("8.8.8.8"), out_on("wan", from_wan("8.8.8.8")[14:]), to="wan"),
        ends(from_wan("10.2.1.1"), "policy.no_sa", "policy.boundary"),
    ]
    run_case(Config(), cases, tmp_path)


def test_bypass_opens_one_direction(tmp_path):
    bypass = [
        {"source": "203.0.113.0/24", "destination": "10.1.0.2/32", "protocol": "udp", "destination_ports": "53"},
        {"source": "10.1.0.0/24", "destination": "203.0.113.0/24"},
    ]

    def crosses(frame, to, port="wan"):
        return sent(frame, out_on(to, frame[14:]), to=to, port=port)

    cases = [
        crosses(udp_wan("10.1.0.2", "203.0.113.9", 53), "lan"),
        ends(udp_wan("10.1.0.2", "203.0.113.9", 54), "policy.boundary"),
        ends(udp_wan("10.1.0.2", "198.18.0.1", 53), "policy.boundary"),
        ends(udp_wan("10.3.0.2", "203.0.113.9", 53), "policy.boundary"),
        ends(from_wan("10.1.0.2"), "policy.boundary", note="ICMP"),
        crosses(from_lan("203.0.113.7"), "wan", port="lan"),
        ends(from_lan("198.18.0.1"), "policy.boundary", port="lan"),
        ends(from_lan("203.0.113.7", port="lan2"), "policy.boundary", port="lan2"),
    ]
    fragment = g.patch4(udp_wan("10.1.0.2", "203.0.113.9", 53)[14:], 6, b"\x00\x10")
    cases += [ends(g.ether(fragment), "policy.boundary", note="no ports in a later fragment")]
    run_case(Config(bypass=bypass), cases, tmp_path)


def test_duty_62_what_is_not_forwarded_in_clear(tmp_path):
    sources = [
        "0.0.0.0",
        "0.1.2.3",
        "127.0.0.1",
        "224.0.0.5",
        "240.0.0.1",
        "255.255.255.255",
        "10.1.0.1",
        "192.0.2.1",
        "10.1.0.255",
    ]
    cases = [
        ends(from_lan("10.3.0.2", src=source), "ip4.martian_source", port="lan", note=source) for source in sources
    ]
    broadcast = from_lan("10.3.0.2")
    cases += [
        ends(from_lan("0.0.0.1"), "ip4.martian_destination", port="lan"),
        ends(from_lan("127.0.0.1"), "ip4.martian_destination", port="lan"),
        ends(from_lan("240.0.0.1"), "ip4.martian_destination", port="lan"),
        ends(from_lan("255.255.255.255"), "ip4.broadcast", port="lan"),
        ends(from_lan("10.3.0.255"), "ip4.broadcast", port="lan", note="directed broadcast"),
        ends(from_lan("10.1.0.255"), "ip4.broadcast", port="lan"),
        ends(from_lan("224.0.0.5"), "ip4.multicast", port="lan"),
        ends(from_lan("239.9.9.9"), "ip4.multicast", port="lan"),
        ends(g.mac(g.BROADCAST_MAC) + broadcast[6:], "ip4.link_broadcast", port="lan"),
    ]
    run_case(Config(), cases, tmp_path)


@pytest.mark.parametrize("tos", [0, 1, 2, 3, 0xB8])
def test_clear_forwarding_leaves_tos_and_options_alone(tmp_path, tos):
    cases = []
    for options in (
        b"",
        b"\x01\x01\x01\x00",
        b"\x83\x07\x04\x0a\x09\x09\x09\x00",
        b"\x07\x27\x08" + bytes(36) + b"\x00",
    ):
        frame = from_lan("10.3.0.2", tos=tos, options=options)
        cases.append(sent(frame, out_on("lan2", frame[14:]), to="lan2", port="lan"))
    run_case(Config(), cases, tmp_path, matrix=(("00", 64), ("a5", 1)))
