"""Outbound: H.Encaps, ESP and the outer headers, each octet judged; opened here with python3-cryptography."""

import ipaddress
import itertools
import json
import struct
import subprocess

import pytest

import gateway as g
from gateway import Config, Sa
from harness import START_NS, capture_bytes, program, run_once, write_config

SETTINGS = (("00", 64), ("a5", 64), ("a5", 1), ("00", 8))
V6_SOURCE = ipaddress.ip_address("fc00:1::1").packed


def out_sa(**fields):
    """The outbound SA, as Sa has it: from the gateway to B."""
    given = {"name": "to-b", "spi": 0x2001, "source": "192.0.2.1", "destination": "192.0.2.254", "key_from": 128}
    given.update({"inside": "fc00:1::/48", "target": "fc00:2::/48"}, **fields)
    return Sa(**given)


def config_with(sa, policies=None, bypass=(), outer=None):
    """outer: what the SA says of the outer header, beyond what Sa knows."""
    config = Config([], bypass=list(bypass))
    tree = config.tree()
    entry = sa.config()
    entry["direction"] = "out"
    entry.update(outer or {})
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


def opened(sa, frame, sequence, tos=0, ttl=64, ident=0):
    """Judges link, IPv4, UDP and ESP headers and the ICV of a sealed frame; gives the IPv6 packet in it.

    ident: RFC 6864: with DF the ID says nothing, ours is 0; without DF it is one of its own, never 0 here.
    """
    assert frame[:14] == g.mac(g.WAN_ROUTER_MAC) + g.mac(g.WAN_MAC) + b"\x08\x00"
    ip = frame[14:]
    assert g.checksum(ip[:20]) == 0
    protocol = g.UDP_ if sa.udp else g.ESP
    addresses = ipaddress.ip_address(sa.source).packed + ipaddress.ip_address(sa.destination).packed
    assert ip[:10] == struct.pack("!BBHHHBB", 0x45, tos, len(ip), ident, 0 if ident else 0x4000, ttl, protocol)
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


def expected_ipv6(segments, mode, inner, label, traffic_class=0, hop_limit=64):
    """RFC 8986 5.1 and 5.2, RFC 8754 2 and 4.1.1."""
    packed = [ipaddress.ip_address(s).packed for s in segments]
    listed = packed[1:] if mode == "H.Encaps.Red" else packed
    srh = b""
    if listed:
        srh = struct.pack("!BBBBBBH", g.IPV4, 2 * len(listed), 4, len(segments) - 1, len(listed) - 1, 0, 0)
        srh += b"".join(reversed(listed))
    first = 6 << 28 | traffic_class << 20 | label
    header = struct.pack("!IHBB", first, len(srh) + len(inner), g.ROUTING if srh else g.IPV4, hop_limit)
    return header + V6_SOURCE + packed[0] + srh + inner


def label_of(ipv6):
    return struct.unpack("!I", ipv6[:4])[0] & 0xFFFFF


@pytest.mark.parametrize("mode", ["H.Encaps", "H.Encaps.Red"])
@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 16])
def test_duty_46_segments(tmp_path, mode, count):
    segments = [f"fc00:2::{i:x}" for i in range(1, count + 1)]
    policy = {"name": "to-b", "prefixes": ["10.2.0.0/16"], "segments": segments, "mode": mode}
    sa = out_sa()
    packets = [inner4(size) for size in (20, 28, 84, 576, 1132)]
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


@pytest.mark.parametrize("ttl, hop_limit", [(1, 255), (64, 64), (255, 1), (7, 200)])
def test_duty_27_ttl_and_hop_limit(tmp_path, ttl, hop_limit):
    sa = out_sa()
    policy = {"name": "to-b", "prefixes": ["10.2.0.0/16"], "segments": ["fc00:2::d4"], "hop_limit": hop_limit}
    packets = [inner4(ttl=inside) for inside in (2, 64, 255)]
    frames, _ = replayed(config_with(sa, [policy], outer={"ttl": ttl}), [from_host(p) for p in packets], tmp_path)
    for sequence, (frame, packet) in enumerate(zip(frames, packets, strict=True), 1):
        ipv6, _ = opened(sa, frame, sequence, ttl=ttl)
        wanted = expected_ipv6(["fc00:2::d4"], "H.Encaps.Red", as_forwarded(packet), label_of(ipv6), 0, hop_limit)
        assert ipv6 == wanted


@pytest.mark.parametrize("of_policy", ["copy", 0, 10, 63])
@pytest.mark.parametrize("of_sa", ["copy", 0, 46])
def test_duty_73_dscp_uniform_and_pipe_in_each_layer(tmp_path, of_policy, of_sa):
    """RFC 2983; ECN is copied whatever the DSCP (RFC 6040 4.1)."""
    sa = out_sa()
    policy = {"name": "to-b", "prefixes": ["10.2.0.0/16"], "segments": ["fc00:2::d4"], "dscp": of_policy}
    packets = [inner4(tos=dscp << 2 | ecn) for dscp in (0, 26, 63) for ecn in range(4)]
    frames, _ = replayed(config_with(sa, [policy], outer={"dscp": of_sa}), [from_host(p) for p in packets], tmp_path)
    for sequence, (frame, packet) in enumerate(zip(frames, packets, strict=True), 1):
        dscp, ecn = packet[1] >> 2, packet[1] & 3
        six = dscp if of_policy == "copy" else of_policy
        four = six if of_sa == "copy" else of_sa
        ipv6, _ = opened(sa, frame, sequence, tos=four << 2 | ecn)
        forwarded = as_forwarded(packet)
        assert ipv6 == expected_ipv6(["fc00:2::d4"], "H.Encaps.Red", forwarded, label_of(ipv6), six << 2 | ecn)


def ident_of(frame):
    return struct.unpack("!H", frame[18:20])[0]


@pytest.mark.parametrize("mode, count", [("H.Encaps.Red", 1), ("H.Encaps", 1), ("H.Encaps.Red", 2), ("H.Encaps", 16)])
@pytest.mark.parametrize("mode_of_df", ["set", "clear", "copy", None])
def test_duty_27_df(tmp_path, mode, count, mode_of_df):
    """RFC 4301 5.1.2.1. copy is of the IPv4 packet inside, wherever it is behind IPv6 and SRH."""
    sa = out_sa(udp=None)
    segments = [f"fc00:2::{i:x}" for i in range(1, count + 1)]
    policy = {"name": "to-b", "prefixes": ["10.2.0.0/16"], "segments": segments, "mode": mode}
    kinds = [{"flags": "DF"}, {"flags": 0}, {"flags": 0, "options": bytes([1] * 8)}, {"flags": "MF"}, {"flags": 0, "frag": 3}]
    packets = [inner4(**kind) for kind in kinds * 5]
    tree = config_with(sa, [policy], outer={"df": mode_of_df} if mode_of_df else None)
    frames, _ = replayed(tree, [from_host(p) for p in packets], tmp_path)
    idents = []
    for sequence, (frame, packet) in enumerate(zip(frames, packets, strict=True), 1):
        inside = bool(packet[6] & 0x40)
        wanted = {"set": True, None: True, "clear": False, "copy": inside}[mode_of_df]
        ident = ident_of(frame)
        assert (ident == 0) == wanted
        ipv6, _ = opened(sa, frame, sequence, ident=ident)
        assert ipv6 == expected_ipv6(segments, mode, as_forwarded(packet), label_of(ipv6))
        idents += [] if wanted else [ident]
    assert len(set(idents)) == len(idents) == {"set": 0, None: 0, "clear": 25, "copy": 20}[mode_of_df]


def test_duty_23_ids_differ_over_all_sas_of_two_addresses(tmp_path):
    """RFC 6864 4.3: source, destination and protocol are all that reassembly knows, so that SAs may not clash."""
    sas = [out_sa(name=f"to-{i}", spi=0x2001 + i, target=f"fc00:2:{i}::/48", key_from=100 + i) for i in range(3)]
    tree = config_with(sas[0])
    entries = [{**sa.config(), "direction": "out", "df": "clear"} for sa in sas]
    tree["ipsec"]["security_associations"] = entries
    tree["srv6"]["policies"] = [
        {"name": f"to-{i}", "prefixes": [f"10.2.{i}.0/24"], "segments": [f"fc00:2:{i}::d4"]} for i in range(3)
    ]
    turns = [0, 1, 2] * 40 + [2] * 100 + [0, 2] * 30
    frames, _ = replayed(tree, [from_host(inner4(dst=f"10.2.{i}.1")) for i in turns], tmp_path)
    assert len({ident_of(frame) for frame in frames}) == len(frames) == len(turns)
    sequences = [0, 0, 0]
    for turn, frame in zip(turns, frames):
        sequences[turn] += 1
        opened(sas[turn], frame, sequences[turn], ident=ident_of(frame))


@pytest.mark.parametrize("mtu, mode, count, udp", [
    (1000, "H.Encaps.Red", 1, (4500, 4500)),
    (1001, "H.Encaps.Red", 3, (4500, 4500)),
    (1002, "H.Encaps", 1, (4500, 4500)),
    (1003, "H.Encaps", 4, (4500, 4500)),
    (1000, "H.Encaps", 4, None),
    (1001, "H.Encaps.Red", 1, None),
    (1002, "H.Encaps.Red", 3, None),
    (1003, "H.Encaps", 1, None),
])
def test_duty_67_what_is_sealed_is_as_large_as_check_reckons(tmp_path, mtu, mode, count, udp):
    sa = out_sa(udp=udp)
    segments = [f"fc00:2::{i:x}" for i in range(1, count + 1)]
    policy = {"name": "to-b", "prefixes": ["10.2.0.0/16"], "segments": segments, "mode": mode}
    tree = config_with(sa, [policy])
    tree["ports"]["wan"]["mtu"] = mtu
    narrow = write_config(tree, tmp_path)
    done = subprocess.run([program(), "check", narrow, "--json"], capture_output=True, text=True, timeout=60, check=True)
    inner = json.loads(done.stdout)["config"]["srv6"]["policies"][0]["mtu"]["inner"]
    tree["ports"]["wan"]["mtu"] = 1500  # so that one octet more goes through
    packets = [from_host(inner4(inner)), from_host(inner4(inner + 1))]
    frames, _ = replayed(tree, packets, tmp_path / "wide")
    assert len(frames) == 2
    assert len(frames[0]) - 14 <= mtu < len(frames[1]) - 14


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
    packets = [inner4(size, dst="10.2.0.1") for size in [*range(20, 1399, 60), 1397, 1398]]
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
