"""RFC duties 16, 18, 20 and 23: what carries ESP, and what arrives at the gateway beside it."""

import struct

import pytest
from scapy.layers.l2 import ARP

import gateway as g
from gateway import Config, Sa
from harness import ends, run_case, sent

INNER = g.inner4(84)
OUT = g.on_lan(INNER)
SIX = g.inner6(INNER)


def esp(seq, sa=Sa()):
    return sa.seal(seq, SIX)


def test_duty_16_any_udp_checksum_is_accepted(tmp_path):
    sa = Sa()
    cases = [
        sent(g.wrap(sa, esp(seq), checksum=value), OUT, note=str(value))
        for seq, value in enumerate((0, "right", 0x1234, 0xFFFF, 1), 1)
    ]
    run_case(Config(), cases, tmp_path)


def test_duty_17_ike_is_punted(tmp_path):
    ike = bytes(range(8)) + bytes(8) + bytes([33, 0x20, 34, 8]) + bytes(60)
    cases = [
        ends(g.ether(g.udp4(ike, sport=500, dport=500)), "punt.ike"),
        ends(g.ether(g.udp4(bytes(4) + ike)), "punt.ike"),
        ends(g.ether(g.udp4(bytes(4) + ike, sport=1024)), "punt.ike"),
        ends(g.ether(g.udp4(bytes(4))), "punt.ike", note="the marker alone"),
        ends(g.ether(g.udp4(bytes(7))), "punt.ike", note="less behind it than ESP's header has"),
        ends(g.ether(g.udp4(bytes(3))), "esp.truncated"),
        ends(g.ether(g.udp4(ike, dport=501)), "local.no_port"),
        sent(g.wrap(Sa(), esp(1)), OUT),
    ]
    assert run_case(Config(), cases, tmp_path).report["punted"] == {"punt.ike": 5}


def test_duty_18_keepalives_are_consumed(tmp_path):
    def udp(payload, **more):
        return g.ether(g.udp4(payload, **more))

    cases = [
        ends(udp(b"\xff"), "esp.nat_keepalive"),
        ends(udp(b"\xff", checksum="right", sport=61234), "esp.nat_keepalive"),
        ends(udp(b"\xff") + bytes(17), "esp.nat_keepalive", note="the frame is padded to Ethernet's 60 octets"),
        ends(udp(b"\xfe"), "esp.truncated"),
        ends(udp(b"\x00"), "esp.truncated"),
        ends(udp(b"\xff\xff"), "esp.truncated"),
        ends(udp(b"\xff" * 7), "esp.truncated"),
        ends(udp(b"\xff" * 60), "esp.no_sa"),
        ends(udp(b""), "esp.truncated"),
        ends(udp(b"\xff", dport=4999), "local.no_port"),
    ]
    assert run_case(Config(), cases, tmp_path).report["consumed"] == {"esp.nat_keepalive": 3}


def test_duty_20_udp_length_and_ip_length(tmp_path):
    sa = Sa()
    whole = esp(1)

    def udp(payload, length, **more):
        return g.ether(g.udp4(payload, length=length, **more))

    cases = [
        ends(udp(whole, length), "udp.bad_length", note=str(length)) for length in (0, 1, 7, 8 + len(whole) + 1, 0xFFFF)
    ]
    cases += [
        ends(g.ether(g.outer4(bytes(length), g.UDP_)), "udp.bad_length", note=f"{length} octets of UDP")
        for length in range(8)
    ]
    cases += [
        sent(udp(whole + b"after the UDP datagram", 8 + len(whole)), OUT, note="IPv4 holds more than UDP says"),
        ends(udp(esp(2), 8 + len(whole) - 4), "esp.auth_failed"),
        ends(udp(esp(2), 8), "esp.truncated"),
        ends(udp(esp(2), 8 + 7), "esp.truncated"),
        ends(udp(b"\xff" + b"more", 9), "esp.nat_keepalive"),
        sent(g.wrap(sa, esp(2)) + bytes(30), OUT, note="octets after the IPv4 packet"),
        sent(g.wrap(sa, esp(3)) + b"\xff", OUT),
    ]
    run_case(Config(), cases, tmp_path)


def test_duty_23_outer_options_ttl_df_id(tmp_path):
    sa, cases = Sa(), []
    options = [b"", b"\x01\x01\x01\x00", b"\x07\x07\x04" + bytes(4) + b"\x00", b"\x94\x04\x00\x00", b"\x01" * 40]
    variants = [dict(options=o) for o in options] + [dict(ttl=t) for t in (0, 1, 2, 255)]
    variants += (
        [dict(flags=f) for f in (0, "DF")]
        + [dict(ident=i) for i in (0, 1, 0xFFFF)]
        + [dict(tos=t << 2) for t in (0, 10, 46, 63)]
    )
    plain = Sa("from-c", spi=0x1002, udp=None, inside="fc00:3::/48", key_from=9)
    for seq, variant in enumerate(variants, 1):
        cases.append(sent(g.wrap(sa, esp(seq), **variant), OUT, note=str(variant)))
        cases.append(
            sent(g.wrap(plain, plain.seal(seq, g.inner6(INNER, src=plain.host())), **variant), OUT, note=str(variant))
        )
    run_case(Config([sa, plain]), cases, tmp_path)


def test_duty_60_outer_header_is_validated(tmp_path):
    packet = g.udp4(esp(1))
    wrong = struct.pack("!H", g.checksum(g.patch(packet, 10, b"\0\0")[:20]) ^ 1)
    cases = [
        ends(g.ether(g.patch4(packet, 0, b"\x55")), "ip4.bad_version"),
        ends(g.ether(g.patch4(packet, 0, b"\x65")), "ip4.bad_version"),
        ends(g.ether(g.patch(packet, 0, b"\x44")), "ip4.bad_header_length"),
        ends(g.ether(g.patch(packet, 0, b"\x40")), "ip4.bad_header_length"),
        ends(g.ether(g.patch4(packet, 2, b"\x00\x13")), "ip4.bad_length"),
        ends(g.ether(g.patch4(packet, 2, struct.pack("!H", len(packet) + 1))), "ip4.truncated"),
        ends(g.ether(g.patch(packet, 10, wrong)), "ip4.bad_checksum"),
        ends(g.ether(g.patch(packet, 19, b"\xff")), "ip4.bad_checksum", note="a destination that cannot be believed"),
        ends(g.ether(g.patch(packet, 19, b"\x77")), "ip4.bad_checksum"),
        ends(g.ether(b""), "ip4.truncated"),
        ends(g.ether(packet[:19]), "ip4.truncated"),
        ends(g.ether(packet[:20]), "ip4.truncated"),
        sent(g.ether(packet), OUT),
    ]
    run_case(Config(), cases, tmp_path)


MARTIANS = [
    "0.0.0.0",
    "0.1.2.3",
    "127.0.0.1",
    "127.255.255.255",
    "224.0.0.1",
    "239.1.1.1",
    "240.0.0.1",
    "255.255.255.255",
    "192.0.2.1",
    "10.1.0.1",
    "192.0.2.255",
]


def test_duty_62_martian_outer_sources(tmp_path):
    sa = Sa()
    cases = [ends(g.wrap(sa, esp(1), src=source), "ip4.martian_source", note=source) for source in MARTIANS]
    run_case(Config(), cases + [sent(g.wrap(sa, esp(1)), OUT)], tmp_path)


def test_duty_62_a_martian_outer_source_behind_a_good_one(tmp_path):
    """In one burst: what was found of the packet before is not taken for what this one says."""
    sa, cases = Sa(), []
    for seq, source in enumerate(MARTIANS, 1):
        cases.append(sent(g.wrap(sa, esp(seq)), OUT))
        cases.append(ends(g.wrap(sa, esp(99), src=source), "ip4.martian_source", note=source))
    run_case(Config(), cases, tmp_path)


def test_ethernet_of_every_kind(tmp_path):
    sa = Sa()
    packet = g.wrap(sa, esp(99))[14:]
    arp = bytes(ARP(op=1, hwsrc=g.WAN_PEER_MAC, psrc="192.0.2.2", pdst="192.0.2.1"))
    tags = [
        (),
        ((0x8100, 5),),
        ((0x8100, 0),),
        ((0x88A8, 100),),
        ((0x88A8, 100), (0x8100, 4095)),
        ((0x8100, 1), (0x8100, 2)),
    ]
    cases = [sent(g.wrap(sa, esp(seq), vlans=vlans), OUT, note=str(vlans)) for seq, vlans in enumerate(tags, 1)]
    three = ((0x88A8, 1), (0x8100, 2), (0x8100, 3))
    cases += [
        sent(g.ether(g.wrap(sa, esp(50))[14:], dst=g.BROADCAST_MAC), OUT, note="broadcast frame, own address"),
        ends(g.ether(packet, vlans=three), "eth.vlan_depth"),
        ends(g.ether(packet, dst="02:00:00:00:01:00"), "eth.other_host"),
        ends(g.ether(packet, dst="01:00:5e:00:00:01"), "eth.other_host"),
        ends(g.ether(packet, dst=g.LAN_MAC), "eth.other_host", note="another port's MAC"),
        ends(g.ether(packet, kind=0x88CC), "eth.unknown_type"),
        ends(g.ether(packet, kind=0x0600), "eth.unknown_type"),
        ends(g.ether(packet, kind=100), "eth.unknown_type", note="802.3 length"),
        ends(g.ether(arp, kind=0x0806), "arp.off"),
        ends(g.ether(arp, kind=0x0806, dst=g.BROADCAST_MAC), "arp.off"),
        ends(g.ether(arp, kind=0x0806, dst="02:00:00:00:09:09"), "eth.other_host"),
        ends(g.ether(arp, kind=0x0806, vlans=((0x8100, 7),)), "arp.off"),
    ]
    frame = g.wrap(sa, esp(60))
    tagged = g.wrap(sa, esp(60), vlans=((0x88A8, 100), (0x8100, 7)))
    cases += [ends(frame[:length], "eth.truncated", note=f"{length} octets") for length in range(1, 14)]
    cases += [ends(tagged[:length], "eth.truncated", note=f"tagged, {length} octets") for length in range(14, 22)]
    run_case(Config(), cases, tmp_path)


def test_for_this_host(tmp_path):
    """Each end of what is for the gateway itself, where nobody is told of it and no kernel takes it."""

    def icmp(data, dst="192.0.2.1"):
        return g.ether(g.outer4(data, 1, dst=dst))

    def on_lan_port(packet):
        return g.ether(packet, dst=g.LAN_MAC, src=g.LAN_HOST_MAC)

    cases = [
        ends(g.ether(g.inner4(84, src="192.0.2.2", dst="192.0.2.1")), "punt.icmp"),
        ends(g.ether(g.inner4(84, src="192.0.2.2", dst="198.51.100.1")), "punt.icmp"),
        ends(icmp(b"\x08\x00\xf7\xff\x00\x00\x00\x00"), "punt.icmp"),
        ends(icmp(b"\x08\x00\xf7\xfe\x00\x00\x00\x00"), "icmp.bad_checksum"),
        ends(icmp(b"\x08\x00\xf7\xff\x00\x00\x00"), "icmp.truncated"),
        ends(icmp(b""), "icmp.truncated"),
        ends(g.ether(g.outer4(bytes(40), 6)), "local.no_protocol"),
        ends(g.ether(g.outer4(bytes(40), 51)), "local.no_protocol", note="AH is not supported"),
        ends(g.ether(g.outer4(bytes(40), 41)), "local.no_protocol"),
        ends(g.ether(g.udp4(bytes(40), dport=53)), "local.no_port"),
        ends(on_lan_port(g.inner4(84, src="10.1.0.2", dst="10.1.0.1")), "punt.icmp", port="lan"),
    ]
    run_case(Config(), cases, tmp_path)


def test_the_boundary_guards_own_addresses_too(tmp_path):
    """RFC 4301 3.1: what comes in clear on one side does not reach an address of the gateway's on the other."""
    to_lan = {"src": "192.0.2.2", "dst": "10.1.0.1"}
    to_wan = {"src": "10.1.0.2", "dst": "192.0.2.1"}
    rule = {"source": "192.0.2.0/24", "destination": "10.1.0.0/24", "protocol": "icmp"}
    ping, other = g.ether(g.inner4(84, **to_lan)), g.ether(g.outer4(bytes(40), 6, **to_lan))
    back = g.ether(g.inner4(84, **to_wan), dst=g.LAN_MAC, src=g.LAN_HOST_MAC)
    cases = [ends(ping, "policy.boundary"), ends(other, "policy.boundary"), ends(back, "policy.boundary", port="lan")]
    run_case(Config(), cases, tmp_path)
    (tmp_path / "bypass").mkdir()
    cases[0] = ends(ping, "punt.icmp")
    run_case(Config(bypass=[rule]), cases, tmp_path / "bypass")


@pytest.mark.parametrize("ports", [("wan", "lan")])
def test_esp_may_arrive_on_any_port(tmp_path, ports):
    """The SA is found by SPI and destination address (RFC 4301 4.1): the port it came through is no part of it."""
    sa = Sa()
    frame = g.wrap(sa, esp(1))
    on_lan_port = g.mac(g.LAN_MAC) + frame[6:]
    run_case(Config(), [sent(on_lan_port, OUT, port="lan"), ends(frame, "esp.replayed")], tmp_path, ports=ports)


def test_a_port_without_mac_has_02_00_00_00_00_nn(tmp_path):
    config = Config()
    tree = config.tree()
    for port in tree["ports"].values():
        del port["mac"]
    frame = g.mac("02:00:00:00:00:01") + g.wrap(Sa(), esp(1))[6:]
    out = g.mac(g.LAN_HOST_MAC) + g.mac("02:00:00:00:00:02") + OUT[12:]
    run_case(tree, [sent(frame, out), ends(g.wrap(Sa(), esp(2)), "eth.other_host")], tmp_path)
