"""`strata run` with several workers: the same octets as with one, wherever they come in, and nothing missing."""

import json
import os
import signal
import threading

import pytest
from scapy.layers.inet import ICMP, IP, UDP, fragment
from scapy.layers.l2 import ARP, Ether
from scapy.packet import Raw

import journeys
import netns
from running import Running
from test_devices import COUNT, exchange, ip_frames

import gateway as g

pytestmark = pytest.mark.skipif(netns.why_not() is not None, reason=str(netns.why_not()))

CPUS = sorted(os.sched_getaffinity(0))


def tree(queues=1, workers=None, **sections):
    def port(number, name, mac):
        device = f"net_af_packet{number},iface={name}0" + (f",qpairs={queues}" if queues > 1 else "")
        return {"device": device, "mac": mac, "queues": queues}

    wan, lan = port(0, "wan", g.WAN_MAC), port(1, "lan", g.LAN_MAC)
    return journeys.configuration(wan, lan, workers=workers or {"count": 2}, **sections)


def both_ways(wan, lan, count=COUNT):
    frames, expected = journeys.inbound(count)
    journeys.judge_inbound(exchange(wan, lan, frames), expected)
    frames, inners = journeys.outbound(count)
    journeys.judge_outbound(exchange(lan, wan, frames), inners)


@pytest.mark.parametrize("queues, count", [(1, 2), (2, 2), (2, 3)])
def test_both_journeys(outside, tmp_path, queues, count):
    with Running(tree(queues, {"count": count}), tmp_path, within=outside.prefix) as strata:
        both_ways(outside.wire("wan1"), outside.wire("lan1"))
        strata.stop()
        report = journeys.judge_report(strata.report(), COUNT, COUNT)
    workers = report["workers"]
    assert [worker["cpu"] for worker in workers] == [None] * count
    assert sum(worker["received"] for worker in workers) == report["received"]
    # The SAs are dealt to all of them, and what comes in by another one's queue goes over to its own.
    assert report["steps"]["esp_open"] == report["steps"]["esp_seal"] == COUNT
    assert report["steps"]["pick_up"] == sum(worker["handed_over"] for worker in workers)
    # By several queues the kernel deals flows as it likes, and may deal most to their owners.
    assert report["steps"]["pick_up"] > (COUNT / 2 if queues == 1 else 0)
    if queues == count:
        assert all(worker["received"] for worker in workers)


@pytest.fixture
def taps(outside, tmp_path):
    """A queue each, to receive by and to send by: the first worker's is the wan, the second one's the lan."""
    if not os.path.exists("/dev/net/tun"):
        pytest.skip("the kernel has no TAPs here: /dev/net/tun is not there")
    config = journeys.configuration({"device": "net_tap0,iface=wan", "mac": g.WAN_MAC},
                                    {"device": "net_tap1,iface=lan", "mac": g.LAN_MAC}, workers={"count": 2})
    with Running(config, tmp_path, within=outside.prefix) as strata:
        for interface in ("wan", "lan"):
            outside.run("ip", "link", "set", "dev", interface, "up")
        yield strata, outside.wire("wan"), outside.wire("lan")


def test_who_has_no_queue_to_send_by_hands_over(taps):
    strata, wan, lan = taps
    both_ways(wan, lan)
    strata.stop()
    assert journeys.judge_report(strata.report(), COUNT, COUNT)["steps"]["spread_tx"] > 0


def test_each_on_its_own_cpu(outside, tmp_path):
    cpus = [CPUS[0], CPUS[-1]]
    if len(set(cpus)) < 2:
        pytest.skip("this process may use one CPU only")
    with Running(tree(workers={"cpus": cpus}), tmp_path, within=outside.prefix) as strata:
        allowed = [json.loads(f"[{text}]") for text in strata.threads_allowed() if text.isdigit()]
        assert sorted(allowed) == sorted([cpu] for cpu in cpus)
        report = strata.stop()
    assert [worker["cpu"] for worker in report["workers"]] == cpus


# --- what the gateway does as a host, for packets of the second worker's queue ----------------------------------------


@pytest.fixture
def second(outside, tmp_path):
    """A gateway whose lan is the second worker's: its ports have a queue each."""
    with Running(tree(), tmp_path, within=outside.prefix) as strata:
        yield strata, outside.wire("wan1"), outside.wire("lan1")


def of_lan_host(packet):
    return bytes(Ether(src=g.LAN_HOST_MAC, dst=g.LAN_MAC) / packet)


def test_arp_and_icmp(second):
    strata, _, lan = second
    lan.send(bytes(Ether(src=g.LAN_HOST_MAC, dst="ff:ff:ff:ff:ff:ff") /
                   ARP(op=1, hwsrc=g.LAN_HOST_MAC, psrc="10.1.0.2", pdst="10.1.0.1")))
    reply = next(frame for frame in iter(lambda: lan.collect(1)[0], None) if frame[20:22] == b"\x00\x02")
    assert (Ether(reply)[ARP].hwsrc, Ether(reply)[ARP].psrc) == (g.LAN_MAC, "10.1.0.1")

    lan.send(of_lan_host(IP(src="10.1.0.2", dst="10.1.0.1") / ICMP(id=3, seq=4) / Raw(b"x" * 40)))
    echo = Ether(ip_frames(lan, 1)[0])
    assert (echo[ICMP].type, echo[ICMP].seq, bytes(echo[ICMP].payload)) == (0, 4, b"x" * 40)

    lan.send(of_lan_host(IP(src="10.1.0.2", dst="10.2.0.2", ttl=1) / UDP()))
    assert Ether(ip_frames(lan, 1)[0])[ICMP].type == 11
    report = strata.stop()
    assert report["workers"][1]["handed_over"] == 3 and report["workers"][0]["received"] == 0
    assert report["steps"]["to_host"] == 3


def test_fragments_and_large_packets(taps):
    """A ping in fragments comes back, and a large packet without DF leaves in two, each sealed."""
    strata, wan, lan = taps
    ping = IP(src="10.1.0.2", dst="10.1.0.1", id=9) / ICMP(id=3, seq=4) / Raw(bytes(range(250)) * 8)
    lan.send(*[of_lan_host(part) for part in fragment(IP(bytes(ping)), 800)])
    echo = g.defragment([Ether(frame)[IP] for frame in ip_frames(lan, 2)])[0]
    assert bytes(echo[ICMP].payload) == bytes(range(250)) * 8

    large = g.inner4(1500, src="10.1.0.2", dst="10.2.0.2", flags=0)
    lan.send(g.ether(large, dst=g.LAN_MAC, src=g.LAN_HOST_MAC))
    opened = [journeys.open_with_scapy(frame) for frame in ip_frames(wan, 2)]
    assert [seq for _, seq, _ in opened] == [1, 2]
    assert bytes(g.defragment([IP(inner) for _, _, inner in opened])[0]) == g.forwarded(large)
    report = strata.stop()
    assert (report["consumed"]["ip4.fragmented"], report["consumed"]["ip4.reassembled"]) == (2, 3), report["consumed"]


def test_a_neighbor_is_found_and_then_known_to_all(outside, tmp_path):
    """Packets wait at the first worker; those after the answer go by themselves; none changes its place."""
    config = tree(2, arp={"hold": 64})
    config["neighbors"] = [entry for entry in config["neighbors"] if entry["port"] == "wan"]
    with Running(config, tmp_path, within=outside.prefix) as strata:
        wan, lan = outside.wire("wan1"), outside.wire("lan1")
        frames, expected = journeys.inbound(64)
        wan.send(*frames[:16])
        strata.wait_for("+ 16 parked", asking=lambda: strata.signal(signal.SIGUSR1))
        asked = next(frame for frame in iter(lambda: lan.collect(1)[0], None) if Ether(frame)[ARP].pdst == "10.1.0.2")
        lan.send(of_lan_host(ARP(op=2, hwsrc=g.LAN_HOST_MAC, psrc="10.1.0.2", hwdst=Ether(asked).src, pdst="10.1.0.1")))
        for start in range(16, 64, 16):
            wan.send(*frames[start : start + 16])
        journeys.judge_inbound(ip_frames(lan, 64), expected)
        report = strata.stop()
    assert report["steps"]["resume"] >= 16


# --- its end, and its account -----------------------------------------------------------------------------------------


def test_reports_add_up_while_packets_come(outside, tmp_path):
    """They are asked for while each worker hands packets to the other one; and so is the end."""
    with Running(tree(2), tmp_path, within=outside.prefix) as strata:
        wan, lan = outside.wire("wan1"), outside.wire("lan1")
        frames, _ = journeys.outbound(4000)
        halt = threading.Event()

        def feed():
            for start in range(0, len(frames), 20):
                if halt.is_set():
                    return
                lan.send(*frames[start : start + 20])
                wan.waiting()

        feeder = threading.Thread(target=feed)
        feeder.start()
        try:
            for n in range(1, 6):
                strata.signal(signal.SIGUSR1)
                strata.wait_for_times("balanced", n)
        finally:
            halt.set()
            feeder.join()
        assert "NOT balanced" not in strata.log()
        strata.stop()
