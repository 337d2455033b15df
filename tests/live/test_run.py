"""`strata run` on devices of this machine: it forwards, says what happens, and ends with nothing missing.

The gateway is in a namespace of its own; scapy is its neighbor on both sides.
"""

import collections
import contextlib
import fcntl
import json
import os
import re
import signal
import subprocess
import time

import pytest
import yaml
from scapy.layers.inet import ICMP, IP, UDP
from scapy.layers.l2 import ARP, Ether
from scapy.packet import Raw

import netns
from running import PATIENCE, Running, program

pytestmark = pytest.mark.skipif(netns.why_not() is not None, reason=str(netns.why_not()))

A_MAC, B_MAC = "02:00:00:00:0a:01", "02:00:00:00:0b:01"  # the gateway's
A_HOST, B_HOST = "02:00:00:00:0a:02", "02:00:00:00:0b:02"


Place = collections.namedtuple("Place", ["gateway", "outside", "a", "b"])


def configuration(a="net_af_packet0,iface=a0", b="net_af_packet1,iface=b0", a_port=(), b_port=(), **sections):
    """A router between 10.1.0.0/24 and 10.2.0.0/24."""
    side = {"side": "protected"}
    return {
        "ports": {
            "a": {"device": a, "mac": A_MAC, "addresses": ["10.1.0.1/24"], **side, **dict(a_port)},
            "b": {"device": b, "mac": B_MAC, "addresses": ["10.2.0.1/24"], **side, **dict(b_port)},
        },
        "neighbors": [
            {"port": "a", "address": "10.1.0.2", "mac": A_HOST},
            {"port": "b", "address": "10.2.0.2", "mac": B_HOST},
        ],
        **sections,
    }


def frames(count, size=100, start=0):
    """From host A to host B, each another."""
    packet = Ether(src=A_HOST, dst=A_MAC) / IP(src="10.1.0.2", dst="10.2.0.2", ttl=9, flags="DF")
    made = []
    for n in range(start, start + count):
        whole = packet / UDP(sport=1024 + n % 64, dport=9) / Raw(n.to_bytes(4, "big") + bytes(size - 32))
        made.append(bytes(whole))
    return made


def as_sent(frame):
    """What must come of it at host B: a hop later, other MAC addresses, all else untouched."""
    packet = Ether(frame)
    packet.src, packet.dst, packet[IP].ttl = B_MAC, B_HOST, packet[IP].ttl - 1
    del packet[IP].chksum
    return bytes(packet)


def ip_frames(arrived):
    return [frame for frame in arrived if frame[12:14] == b"\x08\x00"]


def next_ip(wire, count):
    """The next IPv4 frames; the gateway also says its addresses, by ARP."""
    found = []
    while len(found) < count:
        found += ip_frames(wire.collect(1))
    return found


@contextlib.contextmanager
def two_namespaces():
    """The gateway's namespace with the interfaces a0 and b0, another with their other ends a1 and b1, wires there."""
    with netns.Namespace() as gateway, netns.Namespace() as outside:
        for name in "ab":
            gateway.veth(f"{name}0", f"{name}1", to=outside)
        yield Place(gateway, outside, outside.wire("a1"), outside.wire("b1"))


@pytest.fixture
def place():
    with two_namespaces() as there:
        yield there


def forwards(one, other, count=200, size=100, start=0):
    sent = frames(count, size, start)
    for at in range(0, count, 50):
        one.send(*sent[at : at + 50])
        assert next_ip(other, min(50, count - at)) == [as_sent(frame) for frame in sent[at : at + 50]]


def fails(tree, folder, within, *words):
    """A start that fails: its exit is 1. What it said."""
    config = folder / "gateway.yaml"
    config.write_text(yaml.safe_dump(tree, sort_keys=False))
    done = subprocess.run([*within, program(), "run", config, *words], capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 1, done.stderr
    assert done.stdout == ""
    return done.stderr


# --- it forwards, and ends --------------------------------------------------------------------------------------------


def test_af_packet_forwards_and_every_buffer_comes_back(place, tmp_path):
    gateway, _, a, b = place
    with Running(configuration(), tmp_path, within=gateway.prefix) as strata:
        forwards(a, b)
        a.send(bytes(Ether(src=A_HOST, dst=A_MAC) / IP(src="10.1.0.2", dst="10.2.0.2", ttl=1) / ICMP()))
        error = Ether(next_ip(a, 1)[0])
        assert (error[ICMP].type, error[IP].src) == (11, "10.1.0.1")
        report = strata.stop()
    assert report["ports"]["a"]["received"] == 201 and report["ports"]["b"]["sent"] >= 200
    assert report["dropped"] == {"ip4.ttl_exceeded": 1} or report["consumed"].get("ip4.ttl_exceeded") == 1, report
    assert report["devices"]["a"]["device"] == "net_af_packet0,iface=a0"
    assert report["devices"]["a"]["received"] == 201
    for line in ("port a: link is up", "port b: link is up", "ending"):
        assert line in strata.log()


def test_neighbors_are_asked_for(place, tmp_path):
    gateway, _, a, b = place
    tree = configuration()
    del tree["neighbors"]
    with Running(tree, tmp_path, within=gateway.prefix) as strata:
        sent = frames(5)
        a.send(*sent)
        while True:
            request = Ether(b.collect(1)[0])
            if ARP in request and request[ARP].op == 1 and request[ARP].pdst == "10.2.0.2":
                break
        assert (request.dst, request[ARP].hwsrc, request[ARP].psrc) == ("ff:ff:ff:ff:ff:ff", B_MAC, "10.2.0.1")
        answer = ARP(op=2, hwsrc=B_HOST, psrc="10.2.0.2", hwdst=B_MAC, pdst="10.2.0.1")
        b.send(bytes(Ether(src=B_HOST, dst=B_MAC) / answer))
        assert next_ip(b, 5) == [as_sent(frame) for frame in sent]
        strata.stop()


@pytest.mark.skipif(not os.path.exists("/dev/net/tun"), reason="the kernel has no TAPs here: /dev/net/tun is not there")
def test_tap_leads_to_the_kernel(tmp_path):
    """The kernel at the other end of a TAP has its own MAC address, asks for the gateway's and gets answers."""
    with netns.Namespace() as here:
        tree = configuration(a="net_tap0,iface=tap0", b="net_null0,no-rx=1", a_port={"mtu": 1400})
        del tree["neighbors"][0]
        with Running(tree, tmp_path, within=here.prefix) as strata:
            here.run("ip", "address", "add", "10.1.0.2/24", "dev", "tap0")
            assert "mtu 1400" in here.run("ip", "link", "show", "dev", "tap0")
            assert A_MAC not in here.run("ip", "link", "show", "dev", "tap0")
            here.run("ping", "-c", "3", "-i", "0.2", "-W", "20", "10.1.0.1")
            assert A_MAC in here.run("ip", "neigh", "show", "10.1.0.1")
            strata.stop()
        assert "tap0" not in here.run("ip", "-br", "link")


def test_null_and_ring(tmp_path):
    """A flood of frames for nobody, and a device that gives back what it is given: all are counted, none is lost."""
    with netns.Namespace() as here:
        with Running(configuration(a="net_null0", b="net_ring0"), tmp_path, within=here.prefix) as strata:
            strata.wait_for("arp.conflict", asking=lambda: strata.signal(signal.SIGUSR1))
            report = strata.stop()
    assert "port b: the device keeps its own MAC address" in strata.log()
    ports = report["ports"]
    assert ports["a"]["received"] > 0 and report["dropped"]["eth.other_host"] == ports["a"]["received"]
    # Its own announcement comes back: somebody else who says the gateway's address.
    assert ports["b"]["received"] == ports["b"]["sent"] == report["dropped"]["arp.conflict"] == 1


def test_jumbo_frames(place, tmp_path):
    gateway, outside, a, b = place
    for wire in (a, b):
        outside.run("ip", "link", "set", "dev", wire.interface, "mtu", "9000")
    large = {"mtu": 9000}
    ring = ",framesz=16384,blocksz=65536,framecnt=128"
    tree = configuration("net_af_packet0,iface=a0" + ring, "net_af_packet1,iface=b0" + ring, large, large)
    with Running(tree, tmp_path, within=gateway.prefix) as strata:
        assert "mtu 9000" in gateway.run("ip", "link", "show", "dev", "a0")
        forwards(a, b, count=100, size=9000)
        strata.stop()


def test_several_queues(place, tmp_path):
    gateway, _, a, b = place
    two = {"queues": 2}
    tree = configuration("net_af_packet0,iface=a0,qpairs=2", "net_af_packet1,iface=b0,qpairs=2", two, two)
    with Running(tree, tmp_path, within=gateway.prefix) as strata:
        sent = frames(200)
        a.send(*sent)
        assert sorted(next_ip(b, 200)) == sorted(as_sent(frame) for frame in sent)
        strata.stop()
    assert "2 queues" in strata.log()


# --- while it runs ----------------------------------------------------------------------------------------------------


def test_what_the_queues_hold_is_forwarded_at_the_end(place, tmp_path):
    gateway, _, a, b = place
    with Running(configuration(), tmp_path, within=gateway.prefix) as strata:
        forwards(a, b, count=1)
        strata.stand_still()
        sent = frames(300, start=1)
        a.send(*sent)
        strata.signal(signal.SIGTERM)
        strata.signal(signal.SIGCONT)
        assert strata.stop()["ports"]["b"]["sent"] >= 301
        assert next_ip(b, 300) == [as_sent(frame) for frame in sent]


def test_what_the_ring_has_no_room_for_is_counted(place, tmp_path):
    """A gateway that is held up for a while: the kernel drops what comes meanwhile, and the report says how many."""
    gateway, _, a, b = place
    with Running(configuration(), tmp_path, within=gateway.prefix) as strata:
        forwards(a, b)
        strata.signal(signal.SIGSTOP)
        a.send(*frames(2000))
        strata.signal(signal.SIGCONT)
        report = strata.stop()
    device = report["devices"]["a"]
    assert device["received"] == report["ports"]["a"]["received"] and device["missed"] > 1000
    assert device["received"] + device["missed"] == 2200


def test_links_rates_and_a_report_on_request(place, tmp_path):
    gateway, outside, a, b = place
    with Running(configuration(), tmp_path, within=gateway.prefix, words=["--stats", "1"]) as strata:
        forwards(a, b, count=50)
        # The packets may fall into two of its seconds, and a busy machine makes these longer.
        strata.wait_for(re.compile(r"port a: received [1-9]\d* packets/s"))
        outside.run("ip", "link", "set", "dev", "b1", "down")
        strata.wait_for("port b: link is down")
        outside.run("ip", "link", "set", "dev", "b1", "up")
        strata.wait_for("port b: link is up")
        strata.signal(signal.SIGUSR1)
        strata.wait_for("balanced")
        forwards(a, b, count=50, start=50)
        assert strata.stop()["ports"]["b"]["sent"] >= 100


def test_refused_packets_are_told(place, tmp_path):
    gateway, _, a, _ = place
    sa = {
        "name": "from-b", "direction": "in", "spi": 0x1001, "source": "10.2.0.2", "destination": "10.2.0.1",
        "algorithm": "aes-128-gcm", "key": "hex:" + bytes(range(20)).hex(),
        "selectors": {"source": "fc00:2::/48", "destination": "fc00:1::/48"},
    }
    tree = configuration(ipsec={"security_associations": [sa]}, b_port={"side": "unprotected"})
    with Running(tree, tmp_path, within=gateway.prefix) as strata:
        esp = (0x1002).to_bytes(4, "big") + (7).to_bytes(4, "big") + bytes(40)
        a.send(bytes(Ether(src=A_HOST, dst=A_MAC) / IP(src="10.2.0.2", dst="10.2.0.1", proto=50) / Raw(esp)))
        strata.wait_for("audit esp.no_sa: port a, SPI 0x1002, 10.2.0.2 > 10.2.0.1, sequence 7")
        assert strata.stop()["dropped"] == {"esp.no_sa": 1}


def test_nobody_who_reads_slowly_holds_up_packets(place, tmp_path):
    """Standard error is a pipe that is full after the first line."""
    gateway, _, a, b = place
    config = tmp_path / "gateway.yaml"
    config.write_text(yaml.safe_dump(configuration(), sort_keys=False))
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    with open(tmp_path / "report", "w") as report:
        strata = subprocess.Popen([*gateway.prefix, program(), "run", config, "--json"], stdout=report, stderr=writing)
    os.close(writing)
    try:
        sent = frames(1)
        until = time.monotonic() + PATIENCE
        while not ip_frames(b.waiting()):  # it starts, though nobody hears of it
            assert time.monotonic() < until and strata.poll() is None
            a.send(*sent)
            time.sleep(0.1)
        strata.send_signal(signal.SIGTERM)
        assert strata.wait(PATIENCE) == 0
    finally:
        strata.kill()
        strata.wait()
        os.close(reading)
    assert json.loads((tmp_path / "report").read_text())["balanced"]


def test_nothing_is_left_behind(place, tmp_path):
    gateway, _, a, b = place
    folder = tmp_path / "temporary"
    folder.mkdir()
    within = [*gateway.prefix, "env", f"TMPDIR={folder}", f"XDG_RUNTIME_DIR={folder}"]
    with Running(configuration(), tmp_path, within=within) as strata:
        forwards(a, b, count=1)
        assert list(folder.iterdir()) == []
        strata.stop()
    assert list(folder.iterdir()) == []


def test_a_driver_that_waits_gives_up(tmp_path):
    """The second end of a socket never comes; SIGTERM ends the start."""
    tree = configuration(a=f"net_virtio_user0,path={tmp_path}/socket,server=1", b="net_null0")
    config = tmp_path / "gateway.yaml"
    config.write_text(yaml.safe_dump(tree, sort_keys=False))
    with netns.Namespace() as here:
        strata = subprocess.Popen([*here.prefix, program(), "run", config], stderr=subprocess.PIPE, text=True)
        until = time.monotonic() + PATIENCE
        while not (tmp_path / "socket").exists():
            assert time.monotonic() < until and strata.poll() is None
            time.sleep(0.05)
        time.sleep(0.5)
        strata.send_signal(signal.SIGTERM)
        _, said = strata.communicate(timeout=PATIENCE)
    assert strata.returncode == 1
    assert said.splitlines()[-1].startswith("strata run: "), said


# --- it does not start ------------------------------------------------------------------------------------------------


def sentence(said):
    return said.splitlines()[-1]


def test_no_such_interface(place, tmp_path):
    said = fails(configuration(a="net_af_packet0,iface=nowhere"), tmp_path, place.gateway.prefix)
    assert "stops    port a: there is no interface nowhere in this network namespace" in said
    assert sentence(said) == "strata run: port a: DPDK found no driver that takes the device net_af_packet0"


def test_no_such_nic(place, tmp_path):
    said = fails(configuration(a="0000:ff:1f.7"), tmp_path, place.gateway.prefix)
    assert "stops    port a: 0000:ff:1f.7 is not on this machine's PCI bus" in said
    assert sentence(said) == "strata run: port a: DPDK found no driver that takes the device 0000:ff:1f.7"


def test_mtu_that_the_driver_cannot_have(place, tmp_path):
    said = fails(configuration(a_port={"mtu": 9000}), tmp_path, place.gateway.prefix)
    assert "framesz=16384,blocksz=65536" in sentence(said)


def test_mtu_that_a_tap_cannot_send(place, tmp_path):
    said = fails(configuration(a="net_tap0,iface=tap0", a_port={"mtu": 9000}), tmp_path, place.gateway.prefix)
    assert sentence(said).endswith("(net_tap0,iface=tap0): net_tap sends an MTU of 1500 at the most, not 9000")


def test_mtu_that_the_interface_refuses(place, tmp_path):
    gateway = place.gateway
    gateway.run("ip", "link", "add", "link", "a0", "name", "inner", "type", "macvlan")
    gateway.run("ip", "link", "set", "dev", "inner", "up")
    said = fails(configuration(a="net_af_packet0,iface=inner", a_port={"mtu": 1600}), tmp_path, gateway.prefix)
    assert "strata run: port a (net_af_packet0,iface=inner): an MTU of 1600 is refused: " in sentence(said)


def test_queues_that_the_device_has_not(place, tmp_path):
    said = fails(configuration(a_port={"queues": 2}), tmp_path, place.gateway.prefix)
    assert sentence(said).endswith("has 1 receive queues, the configuration says 2; give the device qpairs=2")


def test_huge_pages_that_are_required(place, tmp_path):
    tree = configuration(eal={"hugepages": "required", "memory": 1048576})
    said = fails(tree, tmp_path, place.gateway.prefix)
    assert "of the 1048576 MiB that eal.memory asks for" in sentence(said)
    assert "; mend it as root with: sysctl -w vm.nr_hugepages=" in sentence(said)


def test_memory_that_does_not_suffice(place, tmp_path):
    many = {"descriptors": {"rx": 32768, "tx": 32768}, "mtu": 1500}
    tree = configuration(a_port=many, b_port=many, eal={"hugepages": "never", "memory": 64})
    said = fails(tree, tmp_path, place.gateway.prefix)
    assert "octets: raise eal.memory (now 64 MiB) or lower the ports' descriptors" in sentence(said)


def test_words_for_eal(place, tmp_path):
    gateway = place.gateway
    said = fails(configuration(), tmp_path, gateway.prefix, "--", "--no-such-word")
    assert sentence(said).startswith("strata run: DPDK does not start: ") and "--no-such-word" in sentence(said)
    with Running(configuration(), tmp_path, within=gateway.prefix, words=["--", "--log-level=*:debug"]) as strata:
        strata.stop()
    assert "EAL: Detected CPU lcores" in strata.log()


def test_mistakes_in_the_configuration(place, tmp_path):
    tree = configuration()
    tree["ports"]["a"]["sde"] = "protected"
    said = fails(tree, tmp_path, place.gateway.prefix)
    assert "ports.a.sde" in said and sentence(said).endswith("nothing was started")
