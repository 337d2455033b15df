"""strata beside the model of journey.py: octets by port, time and order, ends, counters, for traffic and configurations
drawn at random. Each seed is one of both; --seed SEED shows one again.
"""

import random

import pytest
from scapy.layers.inet import ICMP, IP, TCP
from scapy.layers.inet6 import IPv6, IPv6ExtHdrSegmentRouting
from scapy.layers.l2 import ARP, Ether
from scapy.packet import Raw

import octets as o
from harness import causes
from judge import Scenario, check_ends, run_strata
from long_run import PER_SEED

FIXED = range(1, 9)
A_FEW = 1500  # the first ones of a long run's

# What random traffic does not bring about: faults, clocks and limits that have tests of their own.
NOT_DRAWN = {
    "rx.multi_segment", "rx.shared", "tx.no_room", "tx.no_buffer", "tx.full", "park.wrong_stage", "handoff.full",
    "esp.seq_exhausted", "esp.not_reserved", "esp.expired", "esp.open_failed", "esp.seal_failed",
    "adj.table_full", "icmp.path_mtu", "ip4.too_many_fragments",
}


def pytest_generate_tests(metafunc):
    if "seed" in metafunc.fixturenames:
        drawn = random.SystemRandom().randrange(2**31)
        metafunc.parametrize("seed", metafunc.config.getoption("--seed") or [*FIXED, drawn])


def scenario(seed, count=PER_SEED):
    return Scenario(seed, count, random.Random(seed))


def test_strata_does_what_the_model_says(tmp_path, seed):
    print(f"\nseed {seed}: /usr/bin/python3 -m pytest tests/model/test_model.py --seed {seed}")
    made = scenario(seed, A_FEW if seed in FIXED else PER_SEED)
    made.judge(tmp_path)
    _, report = run_strata(tmp_path, tmp_path / "gateway.yaml", made.packets, list(made.tree["ports"]), explain=True)
    check_ends(made.ends, made.packets, made.model.leaves, report)


@pytest.fixture(scope="module")
def several():
    return [scenario(seed) for seed in FIXED]


def test_the_traffic_has_everything_in_it(several):
    """A judge of traffic in which nothing happens is none: each cause but those named comes, and often enough."""
    seen = set()
    for made in several:
        seen |= {cause for cause, count in made.model.ends.items() if count}
    assert set(causes()) - NOT_DRAWN - seen == set()
    assert not NOT_DRAWN & seen
    left = sum(len(made.model.leaves) for made in several)
    sealed = [leaf.sealed for made in several for leaf in made.model.leaves if leaf.sealed]
    assert left > 10_000 and len(sealed) > 3_000
    assert {s.sa.keys.algorithm for s in sealed} == {"aes-128-gcm", "aes-192-gcm", "aes-256-gcm", "chacha20-poly1305"}
    for what in (lambda s: s.sa.keys.esn, lambda s: bool(s.sa.keys.udp), lambda s: s.df):
        assert {what(s) for s in sealed} == {False, True}


# --- scapy judges a sample of what the model writes by hand ----------------------------------------------------------


def anew(packet):
    """The same IPv4 header with length and checksum by scapy; what is behind it, as it is."""
    ihl = o.header_length(packet)
    made = IP(packet[:ihl]) / Raw(packet[ihl:])
    del made.len, made.chksum
    return bytes(made)


def sample(several, wanted, count=150):
    found = [leaf for made in several for leaf in made.model.leaves if wanted(leaf)]
    assert len(found) >= count
    return random.Random(7).sample(found, count)


def test_scapy_agrees_with_what_is_forwarded_and_answered(several):
    for leaf in sample(several, lambda leaf: not leaf.sealed and leaf.frame[12:14] == b"\x08\x00"):
        assert anew(leaf.frame[14:]) == leaf.frame[14:]


def test_scapy_agrees_with_icmp_that_the_gateway_makes(several):
    def made(leaf):
        frame = leaf.frame
        ours = not leaf.sealed and frame[12:14] == b"\x08\x00" and frame[15] == 0xC0 and frame[23] == 1
        return ours and frame[34] in (3, 11)

    for leaf in sample(several, made):
        message = leaf.frame[34:]
        again = ICMP(message[:8]) / Raw(message[8:])
        del again.chksum
        assert bytes(again) == message


def test_scapy_agrees_with_arp(several):
    for leaf in sample(several, lambda leaf: leaf.frame[12:14] == b"\x08\x06"):
        told = Ether(leaf.frame)[ARP]
        assert (told.hwtype, told.ptype, told.hwlen, told.plen) == (1, 0x800, 6, 4) and told.op in (1, 2)
        assert told.hwsrc == Ether(leaf.frame).src and len(leaf.frame) == 42


def test_scapy_agrees_with_ipv6_and_srh(several):
    for leaf in sample(several, lambda leaf: leaf.sealed):
        six = IPv6(leaf.sealed.ipv6)
        assert six.plen == len(leaf.sealed.ipv6) - 40
        if six.haslayer(IPv6ExtHdrSegmentRouting):
            srh = six[IPv6ExtHdrSegmentRouting]
            assert srh.len == 2 * len(srh.addresses) and srh.lastentry == len(srh.addresses) - 1 and srh.nh == 4
            assert srh.segleft in (srh.lastentry, srh.lastentry + 1)
        else:
            assert six.nh == 4


def test_scapy_agrees_with_a_clamped_mss():
    """Checksums that were right stay right, wherever the option stands."""
    for front in ([], [("NOP", None)], [("WScale", 7)], [("NOP", None), ("NOP", None), ("Timestamp", (7, 0))]):
        for mss in (1000, 1001, 1460, 65535):
            segment = TCP(sport=1, dport=2, flags="S", options=[*front, ("MSS", mss)])
            before = bytes(IP(src="10.1.0.2", dst="10.2.0.1") / segment)
            after = IP(o.clamped(before, 1000))
            again = after.copy()
            del again[TCP].chksum
            assert bytes(again) == bytes(after) and dict(after[TCP].options)["MSS"] == min(mss, 1000)
