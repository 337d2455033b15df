"""`strata run` begins while frames come: a socket of net_af_packet takes those of all interfaces until it is bound to its
own, and those of its own until it shares them with the port's others. None of these may enter the gateway."""

import contextlib
import struct
import threading
import time

import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether
from scapy.packet import Raw

import journeys
import netns
from injected import injected
from running import Running
from test_devices import af_packet

import gateway as g

pytestmark = pytest.mark.skipif(netns.why_not() is not None, reason=str(netns.why_not()))

PRINTER, PRINTER_MAC = "10.1.0.50", "02:00:00:00:02:50"  # behind lan, and what is for it needs no SA
NUMBER = 14 + 20 + 8  # octets before it
ENOUGH = 100


class Numbered(threading.Thread):
    """Frames for the printer, each with a number, one each 5 milliseconds until it ends: no ring fills meanwhile."""

    def __init__(self, wire, source):
        super().__init__(daemon=True)
        self._wire, self._ends, self.sent = wire, threading.Event(), 0
        self.source = source
        packet = IP(src=source, dst=PRINTER, ttl=9) / UDP(sport=7, dport=7) / Raw(bytes(8))
        self._head = bytes(Ether(src=g.LAN_HOST_MAC, dst=g.LAN_MAC) / packet)[:NUMBER]

    def run(self):
        while not self._ends.wait(0.005):
            self.sent += 1
            self._wire.send(self._head + struct.pack("!Q", self.sent))

    def end(self):
        self._ends.set()
        self.join()


@contextlib.contextmanager
def sending(*kinds):
    for kind in kinds:
        kind.start()
    try:
        yield
    finally:
        for kind in kinds:
            kind.end()


def numbers(frames, source):
    """Of what the printer got from there."""
    packets = [Ether(frame) for frame in frames if Ether(frame).dst == PRINTER_MAC]
    return [struct.unpack_from("!Q", bytes(packet), NUMBER)[0] for packet in packets if packet[IP].src == source]


@pytest.mark.parametrize("queues", [1, 2])
def test_what_came_before_a_port_was_open(outside, tmp_path, queues):
    """The wire to wan is the Internet: who is there writes to lan's MAC address, which none of wan's has."""
    pairs = ",framesz=4096,framecnt=2048" + (f",qpairs={queues}" if queues > 1 else "")
    tree = journeys.configuration(
        {"device": af_packet(0, "wan0") + pairs, "mac": g.WAN_MAC, "queues": queues},
        {"device": af_packet(1, "lan0") + pairs, "mac": g.LAN_MAC, "queues": queues}, workers={"count": queues})
    tree["neighbors"].append({"port": "lan", "address": PRINTER, "mac": PRINTER_MAC})
    wan, lan = outside.wire("wan1"), outside.wire("lan1")
    host, stranger = Numbered(lan, "10.1.0.2"), Numbered(wan, "10.1.0.3")
    within = [*injected(tmp_path, BIND=50), *outside.prefix]
    with sending(host, stranger), Running(tree, tmp_path, within=within) as strata:
        running = host.sent
        while host.sent < running + ENOUGH:
            time.sleep(0.01)
        for kind in (host, stranger):
            kind.end()
        frames = []
        while numbers(frames[-1:], host.source) != [host.sent]:
            frames += lan.collect(1)
        report = strata.stop()
    came = numbers(frames, host.source)
    assert came == [*range(came[0], host.sent + 1)], "not each once, and in order"
    assert numbers(frames, stranger.source) == []
    for name, count in report["devices"].items():
        assert count["received"] == report["ports"][name]["received"], (name, report)
