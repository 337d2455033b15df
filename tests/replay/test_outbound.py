"""Outbound: H.Encaps, ESP and the outer headers, each octet judged; opened here with python3-cryptography."""

import ipaddress
import itertools
import struct

import pytest

import gateway as g
from gateway import Config, Sa
from harness import START_NS, capture_bytes, run_once, write_config

SETTINGS = (("00", 64), ("a5", 64), ("a5", 1), ("00", 8))
V6_SOURCE = ipaddress.ip_address("fc00:1::1").packed


def out_sa(**fields):
    """The outbound SA, as Sa has it: from the gateway to B."""
    given = {"name": "to-b", "spi": 0x2001, "source": "192.0.2.1", "destination": "192.0.2.254", "key_from": 128}
    given.update({"inside": "fc00:1::/48", "target": "fc00:2::/48"}, **fields)
    return Sa(**given)


def config_with(sa, policies=None, bypass=()):
    config = Config([], bypass=list(bypass))
    tree = config.tree()
    entry = sa.config()
    entry["direction"] = "out"
    tree["ipsec"] = {"security_associations": [entry]}
    if policies:
        tree["srv6"]["policies"] = policies
    return tree


def replayed(tree, frames, folder, port="lan"):
    """What leaves by wan, and the report; the same whatever the poison and the burst."""
    folder.mkdir(exist_ok=True)
    path = folder / "in.pcap"
    path.write_bytes(capture_bytes(frames, times=[START_NS + 1000 * i for i in range(len(frames))]))
    config_file = write_config(tree, folder)
    outcomes = [
        run_once(config_file, {port: path}, ("wan", "lan"), folder, poison=poison, burst=burst)
        for poison, burst in SETTINGS
    ]
    for outcome in outcomes:
        assert outcome.files == outcomes[0].files
        assert outcome.report["balanced"]
    return outcomes[0].frames["wan"], outcomes[0].report


def from_host(inner):
    return g.ether(inner, dst=g.LAN_MAC, src=g.LAN_HOST_MAC)


def inner4(size=84, dst="10.2.0.1", **fields):
    return g.inner4(size, src="10.1.0.2", dst=dst, **fields)


def as_forwarded(packet):
    """TTL one less, checksum computed afresh (RFC 1812 5.3.1)."""
    return g.patch4(packet, 8, bytes([packet[8] - 1]))


def opened(sa, frame, sequence, tos=0):
    """Judges link, IPv4, UDP and ESP headers and the ICV of a sealed frame; gives the IPv6 packet in it."""
    assert frame[:14] == g.mac(g.WAN_ROUTER_MAC) + g.mac(g.WAN_MAC) + b"\x08\x00"
    ip = frame[14:]
    assert g.checksum(ip[:20]) == 0
    protocol = g.UDP_ if sa.udp else g.ESP
    addresses = ipaddress.ip_address(sa.source).packed + ipaddress.ip_address(sa.destination).packed
    # RFC 6864: with DF the ID says nothing; ours is 0.
    assert ip[:10] == struct.pack("!BBHHHBB", 0x45, tos, len(ip), 0, 0x4000, 64, protocol)
    assert ip[12:20] == addresses
    esp = ip[20:]
    if sa.udp:  # RFC 3948 2.1: checksum 0
        assert esp[:8] == struct.pack("!HHHH", *sa.udp, len(esp), 0)
        esp = esp[8:]
    assert struct.unpack("!II", esp[:8]) == (sa.spi, sequence & 0xFFFFFFFF)
    aad = esp[:4] + struct.pack("!Q", sequence) if sa.esn else esp[:8]
    text = g._aead(sa.algorithm, sa.keymat).decrypt(sa.keymat[-4:] + esp[8:16], esp[16:], aad)
    assert len(text) % 4 == 0  # RFC 4303 2.4
    pad, next_header = text[-2], text[-1]
    assert (next_header, pad < 4) == (g.IPV6, True)
    assert text[len(text) - 2 - pad : -2] == bytes(range(1, pad + 1))
    return text[: len(text) - 2 - pad], esp[8:16]


def expected_ipv6(segments, mode, inner, label, traffic_class=0):
    """RFC 8986 5.1 and 5.2, RFC 8754 2 and 4.1.1."""
    packed = [ipaddress.ip_address(s).packed for s in segments]
    listed = packed[1:] if mode == "H.Encaps.Red" else packed
    srh = b""
    if listed:
        srh = struct.pack("!BBBBBBH", g.IPV4, 2 * len(listed), 4, len(segments) - 1, len(listed) - 1, 0, 0)
        srh += b"".join(reversed(listed))
    first = 6 << 28 | traffic_class << 20 | label
    header = struct.pack("!IHBB", first, len(srh) + len(inner), g.ROUTING if srh else g.IPV4, 64)
    return header + V6_SOURCE + packed[0] + srh + inner


def label_of(ipv6):
    return struct.unpack("!I", ipv6[:4])[0] & 0xFFFFF


@pytest.mark.parametrize("mode", ["H.Encaps", "H.Encaps.Red"])
@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 16])
def test_duty_46_segments(tmp_path, mode, count):
    segments = [f"fc00:2::{i:x}" for i in range(1, count + 1)]
    policy = {"name": "to-b", "prefixes": ["10.2.0.0/16"], "segments": segments, "mode": mode}
    sa = out_sa()
    packets = [inner4(size) for size in (20, 28, 84, 576, 1400)]
    frames, _ = replayed(config_with(sa, [policy]), [from_host(p) for p in packets], tmp_path)
    assert len(frames) == len(packets)
    for sequence, (frame, packet) in enumerate(zip(frames, packets), 1):
        ipv6, _ = opened(sa, frame, sequence)
        assert ipv6 == expected_ipv6(segments, mode, as_forwarded(packet), label_of(ipv6))


@pytest.mark.parametrize("algorithm", g.ALGORITHMS)
@pytest.mark.parametrize("esn", [False, True])
@pytest.mark.parametrize("udp", [(4500, 4500), (4501, 4502), None])
def test_duty_10_16_33_every_residue_sealed(tmp_path, algorithm, esn, udp):
    """First number 1, then one more each; no IV twice; padding for each size; plain and in UDP."""
    sa = out_sa(algorithm=algorithm, esn=esn, udp=udp)
    packets = [inner4(size) for size in range(20, 121)]
    frames, report = replayed(config_with(sa), [from_host(p) for p in packets], tmp_path)
    ivs = set()
    octets = 0
    for sequence, (frame, packet) in enumerate(zip(frames, packets), 1):
        ipv6, iv = opened(sa, frame, sequence)
        assert ipv6 == expected_ipv6(["fc00:2::d4"], "H.Encaps.Red", as_forwarded(packet), label_of(ipv6))
        ivs.add(iv)
        octets += len(ipv6)
    assert len(ivs) == len(frames) == len(packets)
    assert report["security_associations"] == {"to-b": {"packets": len(packets), "bytes": octets}}


def test_duty_26_without_an_sa_nothing_is_sent(tmp_path):
    elsewhere = out_sa(target="fc00:3::/48")
    for number, tree in enumerate((config_with(elsewhere), config_with(out_sa(protocol=6)), Config([]).tree())):
        frames, report = replayed(tree, [from_host(inner4())] * 3, tmp_path / str(number))
        assert (frames, report["dropped"]) == ([], {"policy.no_sa": 3})


def test_duty_25_what_comes_in_clear_from_outside_is_not_steered(tmp_path):
    frame = g.ether(g.inner4(84, src="203.0.113.9", dst="10.2.0.1"))
    frames, report = replayed(config_with(out_sa()), [frame], tmp_path, port="wan")
    assert (frames, report["dropped"]) == ([], {"policy.boundary": 1})


def test_duty_55_ttl_and_validation_come_before_encapsulation(tmp_path):
    bad = g.patch(inner4(), 10, b"\x00\x00")
    frames, report = replayed(config_with(out_sa()), [from_host(inner4(ttl=1)), from_host(bad)], tmp_path)
    assert (frames, report["dropped"]) == ([], {"ip4.ttl_exceeded": 1, "ip4.bad_checksum": 1})


def test_duty_55_flow_label_is_stable_and_spread(tmp_path):
    """RFC 6437: one label a flow, and over 1000 flows each of 16 values of 4 bits about as often as the others."""
    sa = out_sa()

    def udp(port, seq):
        upper = struct.pack("!HHHH", port, 53, 8 + 4, 0) + struct.pack("!I", seq)
        return g.ip4_bytes(g.IP(src="10.1.0.2", dst="10.2.0.1", ttl=64, id=seq, proto=g.UDP_), upper, b"")

    flows = [udp(10000 + i, seq) for seq, i in itertools.product((1, 2), range(1000))]
    frames, _ = replayed(config_with(sa), [from_host(p) for p in flows], tmp_path)
    labels = [label_of(opened(sa, frame, seq)[0]) for seq, frame in enumerate(frames, 1)]
    assert labels[:1000] == labels[1000:] and 0 not in labels
    assert len(set(labels)) > 990
    for shift in (0, 4, 8, 12, 16):
        counts = [sum(1 for label in labels[:1000] if label >> shift & 15 == value) for value in range(16)]
        chi_square = sum((count - 62.5) ** 2 / 62.5 for count in counts)
        assert chi_square < 45, (shift, counts)  # 15 degrees of freedom: 45 is beyond 1 in 10,000


@pytest.mark.parametrize("dscp", [0, 10, 46, 63])
def test_duty_71_ecn_and_dscp_are_copied_twice(tmp_path, dscp):
    sa = out_sa()
    packets = [inner4(tos=dscp << 2 | ecn) for ecn in range(4)]
    frames, _ = replayed(config_with(sa), [from_host(p) for p in packets], tmp_path)
    for sequence, (frame, packet) in enumerate(zip(frames, packets), 1):
        ipv6, _ = opened(sa, frame, sequence, tos=packet[1])
        wanted = expected_ipv6(["fc00:2::d4"], "H.Encaps.Red", as_forwarded(packet), label_of(ipv6), packet[1])
        assert ipv6 == wanted


def test_sealed_and_bypassed_traffic_keep_their_order(tmp_path):
    bypass = [{"source": "10.1.0.0/24", "destination": "203.0.113.0/24"}]
    sa = out_sa()
    packets = [inner4(dst="10.2.0.1" if i % 3 else "203.0.113.5", ident=i) for i in range(130)]
    frames, _ = replayed(config_with(sa, bypass=bypass), [from_host(p) for p in packets], tmp_path)
    sequence = 0
    for frame, packet in zip(frames, packets, strict=True):
        if packet[16:20] == bytes([203, 0, 113, 5]):
            assert frame[14:] == as_forwarded(packet)
        else:
            sequence += 1
            assert opened(sa, frame, sequence)[0].endswith(as_forwarded(packet))


def test_there_and_back(tmp_path):
    """What one gateway seals another opens: the packet with its TTL two less, nothing else changed."""
    sa = out_sa(destination="192.0.2.254")
    packets = [inner4(size, dst="10.2.0.1") for size in range(20, 1401, 60)]
    (tmp_path / "a").mkdir()
    frames, _ = replayed(config_with(sa), [from_host(p) for p in packets], tmp_path / "a")
    peer = Config([Sa(spi=sa.spi, source="192.0.2.1", destination="192.0.2.1", key_from=128)]).tree()
    peer["ports"]["wan"].update({"mac": g.WAN_ROUTER_MAC, "addresses": ["192.0.2.254/24"]})
    peer["ports"]["lan"]["addresses"] = ["10.2.0.254/24"]
    peer["neighbors"] = [{"port": "lan", "address": "10.2.0.1", "mac": g.LAN_HOST_MAC}]
    peer["ipsec"]["security_associations"][0].update(
        destination="192.0.2.254", selectors={"source": "fc00:1::/48", "destination": "fc00:2::/48"}
    )
    peer["srv6"] = {
        "local_sids": [{"sid": "fc00:2::d4/128", "behavior": "End.DX4", "next_hop": "10.2.0.1", "port": "lan"}]
    }
    peer["routes"] = []
    folder = tmp_path / "b"
    folder.mkdir()
    (folder / "in.pcap").write_bytes(capture_bytes(frames))
    outcome = run_once(write_config(peer, folder), {"wan": folder / "in.pcap"}, ("lan",), folder)
    assert [frame[14:] for frame in outcome.frames["lan"]] == [as_forwarded(as_forwarded(p)) for p in packets]
