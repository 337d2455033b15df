"""The maker of packets held against scapy: what gateway.py seals, scapy's own IPsec layer opens."""

import struct

import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrHopByHop, IPv6ExtHdrSegmentRouting
from scapy.layers.ipsec import ESP, SecurityAssociation
from scapy.layers.l2 import Dot1AD, Dot1Q, Ether

import gateway as g

SCAPY_NAME = {
    "aes-128-gcm": "AES-GCM",
    "aes-192-gcm": "AES-GCM",
    "aes-256-gcm": "AES-GCM",
    "chacha20-poly1305": "CHACHA20-POLY1305",
}


@pytest.mark.parametrize("algorithm", g.ALGORITHMS)
@pytest.mark.parametrize("esn", [False, True])
def test_scapy_opens_what_is_sealed(algorithm, esn):
    sa = g.Sa(algorithm=algorithm, esn=esn)
    seq = (3 << 32) + 77 if esn else 77
    six = g.inner6(g.inner4(61), src=sa.host())
    theirs = SecurityAssociation(
        ESP,
        spi=sa.spi,
        crypt_algo=SCAPY_NAME[algorithm],
        crypt_key=sa.keymat,
        tunnel_header=IP(src=sa.source, dst=sa.destination),
        esn_en=esn,
        esn=seq >> 32,
    )
    outer = IP(src=sa.source, dst=sa.destination, proto=50) / ESP(sa.seal(seq, six))
    opened = theirs.decrypt(IP(bytes(outer)))
    assert bytes(opened) == six
    sealed = theirs.encrypt(IPv6(six), seq_num=seq & 0xFFFFFFFF, iv=struct.pack("!Q", seq), esn_en=esn, esn=seq >> 32)
    assert bytes(sealed[ESP]) == sa.seal(seq, six)


def test_frames_dissect_as_they_were_meant():
    inner = g.inner4(100, options=b"\x01\x01\x01\x00")
    chain = [
        g.hop_by_hop(16),
        g.dst_opts(),
        g.srh(["fc00:1::d4", "fc00:9::1"], 0, tlvs=g.PADN_TLV, tag=5),
        g.dst_opts(24),
    ]
    six = IPv6(g.inner6(inner, headers=chain, flow=0x12345, tc=0xB8))
    kinds = (IPv6ExtHdrHopByHop, IPv6ExtHdrDestOpt, IPv6ExtHdrSegmentRouting)
    assert [kind for kind in six.layers() if kind in kinds] == [*kinds, IPv6ExtHdrDestOpt]
    assert six[IPv6ExtHdrSegmentRouting].addresses == ["fc00:1::d4", "fc00:9::1"]
    assert six[IPv6ExtHdrSegmentRouting].lastentry == 1 and six.fl == 0x12345 and six.tc == 0xB8
    assert bytes(six[IP]) == inner
    frame = Ether(
        g.wrap(g.Sa(), b"x" * 64, vlans=((0x88A8, 100), (0x8100, 7)), tos=2, options=b"\x01" * 4, checksum="right")
    )
    assert [frame[Dot1AD].vlan, frame[Dot1Q].vlan, frame[IP].tos, frame[IP].ihl] == [100, 7, 2, 6]
    right = frame[UDP].chksum
    del frame[UDP].chksum, frame[IP].chksum
    assert Ether(bytes(frame))[UDP].chksum == right and len(frame[UDP]) == 72


def test_checksums_and_patches_agree_with_scapy():
    packet = g.inner4(84, ttl=9, tos=3)
    again = IP(g.patch4(packet, 4, b"\xab\xcd"))
    wanted = again.chksum
    del again.chksum
    assert IP(bytes(again)).chksum == wanted and again.id == 0xABCD


def test_model_forwards_as_scapy_would_write_it():
    inner = g.inner4(90, tos=0x2A, ttl=33)  # ECT(0)
    out = Ether(g.on_lan(inner + b"trailing", ecn=g.CE))
    expected = IP(inner)
    expected.ttl, expected.tos = 32, 0x2B
    del expected.chksum
    assert bytes(out[IP]) == bytes(expected)
    assert (out.dst, out.src, out.type) == (g.LAN_HOST_MAC, g.LAN_MAC, 0x0800)


def test_rfc6040_figure_4():
    rows = {g.NOT_ECT: [0, 0, 0, None], g.ECT0: [2, 2, 1, 3], g.ECT1: [1, 1, 1, 3], g.CE: [3, 3, 3, 3]}
    for inner, row in rows.items():
        assert [g.ecn_decapsulate(outer, inner) for outer in (g.NOT_ECT, g.ECT0, g.ECT1, g.CE)] == row
