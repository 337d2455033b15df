#!/usr/bin/python3
"""The MTU inside a tunnel, as `strata check` reckons it, against sizes of real packets: scapy makes and seals them."""

import functools
import itertools
import json
import os
import pathlib
import subprocess

import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6, IPv6ExtHdrSegmentRouting
from scapy.layers.ipsec import ESP, SecurityAssociation
from scapy.packet import Raw

ROOT = pathlib.Path(__file__).resolve().parents[2]
STRATA = os.environ.get("STRATA", str(ROOT / "build/release/strata"))

# Octets of key with its salt, and scapy's name.
ALGORITHMS = {
    "aes-128-gcm": (20, "AES-GCM"),
    "aes-192-gcm": (28, "AES-GCM"),
    "aes-256-gcm": (36, "AES-GCM"),
    "chacha20-poly1305": (36, "CHACHA20-POLY1305"),
}
IP_LENGTH, UDP_LENGTH = len(bytes(IP())), len(bytes(UDP()))
MODES = ("H.Encaps", "H.Encaps.Red")
TUNNELS = list(itertools.product(ALGORITHMS, (True, False), MODES, range(1, 17)))


def key_of(number, algorithm):
    return number.to_bytes(ALGORITHMS[algorithm][0], "big")


def gateway(mtu, tunnels):
    """A policy and an SA for each tunnel; its own peer subnet too, so that only the port tells the MTU."""
    sas, policies = [], []
    for i, (algorithm, udp, mode, count) in enumerate(tunnels):
        name = f"{algorithm}-{'udp' if udp else 'esp'}-{mode}-{count}"
        sa = {
            "name": name, "direction": "out", "spi": 0x1000 + i, "source": "192.0.2.1", "destination": "192.0.2.2",
            "algorithm": algorithm, "key": "hex:" + key_of(i + 1, algorithm).hex(),
            "selectors": {"source": "fc00:1::/48", "destination": f"fc00:2:{i:x}::/48"},
        }
        if udp:
            sa["udp_encap"] = {}
        sas.append(sa)
        policies.append({
            "name": name, "prefixes": [f"10.{2 + i // 256}.{i % 256}.0/24"], "mode": mode,
            "segments": [f"fc00:2:{i:x}::{n:x}" for n in range(1, count + 1)],
        })
    wan = {"device": "net_null0", "addresses": ["192.0.2.1/24"], "side": "unprotected", "mtu": mtu}
    return {
        "ports": {"lan": {"device": "net_null1", "mtu": 65385}, "wan": wan},
        "ipsec": {"security_associations": sas},
        "srv6": {"source": "fc00:1::1", "policies": policies},
    }


def check(tree, tmp_path, *arguments):
    path = tmp_path / "c.yaml"
    path.write_text(json.dumps(tree))  # which is YAML
    return subprocess.run([STRATA, "check", str(path), *arguments], capture_output=True, text=True, timeout=120)


@functools.lru_cache(maxsize=None)
def six_length(mode, count):
    """Octets of the IPv6 header and the SRH, as scapy makes them."""
    listed = [f"fc00:2::{n:x}" for n in range(count, 0, -1)]
    if mode == "H.Encaps.Red":
        listed = listed[:-1]
    return len(bytes(IPv6() / IPv6ExtHdrSegmentRouting(addresses=listed) if listed else IPv6()))


def outer_length(size, udp, mode, count):
    """Octets of the outer IPv4 packet around an inner one of `size` (RFC 4303 section 2, RFC 3948 section 2.1)."""
    text = size + six_length(mode, count)
    text += 1 + 1  # pad length, next header
    while text % 4:
        text += 1
    return IP_LENGTH + (UDP_LENGTH if udp else 0) + 4 + 4 + 8 + text + 16


def largest(mtu, udp, mode, count):
    size = mtu
    while outer_length(size, udp, mode, count) > mtu:
        size -= 1
    return size


@pytest.mark.parametrize("mtu", [960, 1280, 1499, 1500, 1501, 1502, 1503, 9000, 9727, 65385])
def test_duty_67_inner_mtu_of_every_tunnel(tmp_path, mtu):
    run = check(gateway(mtu, TUNNELS), tmp_path, "--json")
    assert run.returncode == 0, run.stderr[-2000:]
    policies = json.loads(run.stdout)["config"]["srv6"]["policies"]
    text = check(gateway(mtu, TUNNELS), tmp_path).stdout
    part = text.split("The largest IPv4 packet of each policy\n")[1].split("\n\n")[0]
    said = dict(line.strip().split(maxsplit=1) for line in part.splitlines())
    for policy, (algorithm, udp, mode, count) in zip(policies, TUNNELS, strict=True):
        terms = policy["mtu"]
        assert terms["inner"] == largest(mtu, udp, mode, count), policy
        assert (terms["port"], terms["port_mtu"]) == ("wan", mtu)
        names = ("ipv4", "udp", "esp", "iv", "icv", "trailer", "ipv6", "srh")
        assert terms["inner"] == mtu - sum(terms[name] for name in names)
        assert terms["ipv6"] + terms["srh"] == six_length(mode, count)
        assert (terms["ipv4"], terms["udp"]) == (20, 8 if udp else 0)
        assert said[policy["name"]] == (
            f"mtu {terms['inner']} = {mtu} (wan) - 20 IPv4 - {terms['udp']} UDP - 8 ESP - 8 IV - 16 ICV - "
            f"{terms['trailer']} trailer and padding - 40 IPv6 - {terms['srh']} SRH"
        )


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("udp", [True, False], ids=["udp", "esp"])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("count", [1, 2, 3, 16])
def test_duty_67_what_scapy_seals_fits_and_one_octet_more_does_not(tmp_path, algorithm, udp, mode, count):
    key = key_of(1, algorithm)
    sa = SecurityAssociation(
        ESP, spi=0x1000, crypt_algo=ALGORITHMS[algorithm][1], crypt_key=key, tunnel_header=IP(src="192.0.2.1", dst="192.0.2.2"),
        nat_t_header=UDP(sport=4500, dport=4500) if udp else None,
    )
    listed = ["fc00::1"] * (count - (mode == "H.Encaps.Red"))

    def sealed(size):
        six = IPv6() / IPv6ExtHdrSegmentRouting(addresses=listed) if listed else IPv6()
        return len(bytes(sa.encrypt(IPv6(bytes(six / IP(proto=253) / Raw(bytes(size - 20)))))))

    for mtu in (1500, 1501, 1502, 1503):
        run = check(gateway(mtu, [(algorithm, udp, mode, count)]), tmp_path, "--json")
        inner = json.loads(run.stdout)["config"]["srv6"]["policies"][0]["mtu"]["inner"]
        assert sealed(inner) <= mtu < sealed(inner + 1)


def test_duty_67_too_little_for_any_host_is_refused(tmp_path):
    """RFC 791 section 3.1: 576. Whether, for which policies, and with which numbers."""
    refused = 0
    for mtu in (576, 700, 800, 943):
        tunnels = [tunnel for tunnel in TUNNELS if tunnel[0] == "aes-128-gcm"]
        run = check(gateway(mtu, tunnels), tmp_path, "--json")
        report = json.loads(run.stdout)
        bad = [(i, tunnel) for i, tunnel in enumerate(tunnels) if largest(mtu, *tunnel[1:]) < 576]
        assert run.returncode == (1 if bad else 0)
        problems = {problem["field"]: problem for problem in report["problems"]}
        assert set(problems) == {f"srv6.policies[{i}]" for i, _ in bad}
        for i, (algorithm, udp, mode, count) in bad:
            said = problems[f"srv6.policies[{i}]"]
            name = f"{algorithm}-{'udp' if udp else 'esp'}-{mode}-{count}"
            assert f"policy '{name}'" in said["found"] and "port 'wan'" in said["message"]
            assert f"MTU {largest(mtu, udp, mode, count)} = {mtu} (wan) - 20 IPv4" in said["found"]
        refused += len(bad)
    assert 0 < refused < 4 * 64
