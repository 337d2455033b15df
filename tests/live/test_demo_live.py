"""`./dev demo --live` passes, finds what it looks for when it is there, and leaves nothing behind."""

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from scapy.layers.inet import ICMP, IP, UDP
from scapy.layers.ipsec import ESP
from scapy.layers.l2 import ARP, Ether
from scapy.packet import Raw
from scapy.utils import wrpcap

import netns

DEMO = Path(__file__).resolve().parents[2] / "demo/live"
sys.path.insert(0, str(DEMO))

import capture  # noqa: E402
import checks  # noqa: E402

PATIENCE = 500  # seconds: to end what hangs, not to measure
PROGRAMS = ("ethtool", "iperf3", "nft", "ping", "sysctl", "tcpdump")
CHECKS = 27

missing = netns.why_not() or next((f"{name} is not there" for name in PROGRAMS if not shutil.which(name)), None)
live = pytest.mark.skipif(missing is not None, reason=str(missing))


def start(*words):
    return subprocess.Popen(["/usr/bin/python3", str(DEMO / "demo.py"), *words], stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def left_behind(demo):
    """Namespaces are named after the process that made them."""
    return re.findall(rf"strata-{demo.pid}-\d+", subprocess.run(["ip", "netns"], capture_output=True, text=True).stdout)


# --- the demo ---------------------------------------------------------------------------------------------------------


@live
@pytest.mark.parametrize("device", ["af_packet", "tap"])
def test_passes(device):
    demo = start("--device", device)
    said, _ = demo.communicate(timeout=PATIENCE)
    assert demo.returncode == 0, said
    assert re.fullmatch(rf"PASS: {CHECKS} checks in \d+ s", said.splitlines()[-1]), said
    assert said.count("\n  ok ") == CHECKS and "FAILED" not in said
    assert left_behind(demo) == []


@live
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ended_from_outside(number):
    demo = start()
    for line in demo.stdout:
        if line.startswith("Both directions"):
            break
    assert len(left_behind(demo)) == 5, "the hosts, the gateways and the internet"
    demo.send_signal(number)
    said, _ = demo.communicate(timeout=PATIENCE)
    assert demo.returncode == 130 and "interrupted" in said, said
    assert left_behind(demo) == []


@live
def test_says_what_failed():
    """A gateway that is gone at the end does not pass."""
    demo = start()
    for line in demo.stdout:
        if line.startswith("On the wire"):
            break
    gateway_b = max(left_behind(demo))
    (pid,) = subprocess.run(["ip", "netns", "pids", gateway_b], capture_output=True, text=True).stdout.split()
    os.kill(int(pid), signal.SIGKILL)
    said, _ = demo.communicate(timeout=PATIENCE)
    assert demo.returncode == 1, said
    assert said.splitlines()[-1].startswith("FAILED: gateway B ends ("), said
    assert left_behind(demo) == []


def test_needs_root():
    nobody = ["setpriv", "--reuid=65534", "--clear-groups"] if os.geteuid() == 0 else []
    done = subprocess.run([*nobody, "./dev", "demo", "--live"], cwd=DEMO.parents[1], capture_output=True, text=True)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr == "./dev: the live demo makes network namespaces, which takes root: sudo ./dev demo --live\n"


# --- what it looks for ------------------------------------------------------------------------------------------------

HIDDEN = Ether() / IP(src="192.0.2.1", dst="198.51.100.1", flags="DF") / UDP(sport=4500, dport=4500)
SECRETS = {"the ping's octets": checks.PATTERN}


def sealed(sequence, iv, spi=0x2001):
    return HIDDEN / ESP(spi=spi, seq=sequence, data=iv.to_bytes(8, "big") + bytes(range(64)))


@pytest.fixture
def captured(tmp_path):
    """A Capture as if tcpdump had ended, of these packets."""

    def of(*packets):
        path = tmp_path / "frames.pcap"
        wrpcap(str(path), list(packets))
        whole = capture.Capture(netns.Namespace(), "eth0", path)
        path.with_suffix(".log").write_text("0 packets dropped by kernel\n")
        return whole

    return of


def test_finds_what_is_readable(captured):
    packets = [sealed(1, 1), Ether() / IP() / ICMP() / Raw(b"x" + 2 * checks.PATTERN)]
    assert checks.hidden_between([captured(packets[0]).path], SECRETS) == "not readable in any of 1 frames"
    with pytest.raises(AssertionError, match="readable are the ping's octets in "):
        checks.hidden_between([captured(*packets).path], SECRETS)
    with pytest.raises(AssertionError, match="no frame was captured"):
        checks.hidden_between([captured().path], SECRETS)


def test_numbers_that_differ(captured):
    good = captured(Ether() / ARP(), sealed(1, 1), sealed(2, 2), sealed(1, 1, spi=0x1001))
    assert checks.numbers_differ([good]) == "all different in 3 frames of 2 SAs"


@pytest.mark.parametrize("other, said", [
    (sealed(2, 7), "SPI 00002001: sequence number 00000002 came 2 times"),
    (sealed(7, 2), "SPI 00002001: IV 0000000000000002 came 2 times"),
    (Ether() / IP() / UDP(sport=4500, dport=4500) / Raw(bytes(40)), "something else in between: .*not ESP in UDP"),
    (Ether() / IP(flags="MF") / UDP(sport=4500, dport=4500) / ESP(spi=1, seq=1, data=bytes(40)), "something else"),
    (Ether() / IP() / ICMP() / Raw(bytes(40)), "something else in between: .*IPv4 protocol 1"),
    (Ether(type=0x86DD) / Raw(bytes(60)), "something else in between: .*ethertype 86dd"),
])
def test_numbers_that_do_not(captured, other, said):
    packets = [sealed(1, 1), sealed(2, 2), sealed(1, 1, spi=0x1001), other]
    with pytest.raises(AssertionError, match=said):
        checks.numbers_differ([captured(*packets)])


def test_one_way_is_not_enough(captured):
    with pytest.raises(AssertionError, match="not the SPIs of two SAs"):
        checks.numbers_differ([captured(sealed(1, 1), sealed(2, 2))])
