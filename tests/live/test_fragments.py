"""Fragments that come by one interface of the kernel's are put together with none of another one's, whatever they say.

The kernel would, before net_af_packet gets them: it tells fragments by addresses, protocol and ID."""

import time

import pytest
from scapy.layers.inet import IP, UDP, fragment
from scapy.packet import Raw

import journeys
import netns
from running import Running
from test_devices import af_packet, ip_frames

import gateway as g

pytestmark = pytest.mark.skipif(netns.why_not() is not None, reason=str(netns.why_not()))


def configuration(queues):
    pairs = f",qpairs={queues}" if queues > 1 else ""
    return journeys.configuration(
        {"device": af_packet(0, "wan0") + pairs, "mac": g.WAN_MAC, "queues": queues},
        {"device": af_packet(1, "lan0") + pairs, "mac": g.LAN_MAC, "queues": queues}, workers={"count": queues})


def pieces(ident, data, cut=48):
    """A datagram from the lan host to a peer's side, in two."""
    whole = bytes(IP(src="10.1.0.2", dst="10.2.0.2", id=ident, ttl=9) / UDP(sport=7, dport=7, chksum=0) / Raw(data))
    return whole, *(bytes(IP(src="10.1.0.2", dst="10.2.0.2", id=ident, ttl=9, proto=17, flags=flags, frag=at // 8) /
                          Raw(whole[20 + at:end])) for at, flags, end in ((0, "MF", 20 + cut), (cut, 0, None)))


@pytest.mark.parametrize("queues", [1, 2])
def test_a_stranger_completes_no_datagram(outside, tmp_path, queues):
    """RFC 4301 section 5.1: what came in clear by the unprotected side is in no packet of an SA."""
    with Running(configuration(queues), tmp_path, within=outside.prefix) as strata:
        wan, lan = outside.wire("wan1"), outside.wire("lan1")
        whole, head, tail = pieces(77, b"good" * 20)
        _, _, evil = pieces(77, b"good" * 10 + b"EVIL" * 10)
        wan.send(g.ether(evil, dst=g.WAN_MAC, src=g.WAN_PEER_MAC))
        time.sleep(0.2)
        lan.send(g.ether(head, dst=g.LAN_MAC, src=g.LAN_HOST_MAC))
        time.sleep(0.2)
        lan.send(g.ether(tail, dst=g.LAN_MAC, src=g.LAN_HOST_MAC))
        opened = [inner for _, _, inner in map(journeys.open_with_scapy, ip_frames(wan, 2))]
        report = strata.stop()
    assert bytes(g.defragment([IP(inner) for inner in opened])[0]) == g.forwarded(whole)
    assert report["dropped"]["policy.boundary"] == 1 and report["ports"]["wan"]["received"] == 1
    assert not any(b"EVIL" in frame for frame in wan.waiting())


@pytest.mark.parametrize("queues", [1, 2])
def test_duty_03_esp_in_fragments(outside, tmp_path, queues):
    """RFC 4301 section 7: what a router has cut on the way to the gateway is put together by the gateway, by side."""
    with Running(configuration(queues), tmp_path, within=outside.prefix) as strata:
        wan, lan = outside.wire("wan1"), outside.wire("lan1")
        frames, expected = journeys.inbound(8, sizes=(1300,))
        for number, frame in enumerate(frames):
            packet = IP(frame[14:])
            packet.id, packet.flags, packet.chksum = 100 + number, 0, None
            for piece in fragment(packet, 576):
                wan.send(frame[:14] + bytes(piece))
        journeys.judge_inbound(ip_frames(lan, 8), expected)
        report = strata.stop()
    assert report["consumed"]["ip4.reassembled"] == report["ports"]["wan"]["received"] == 3 * 8, report
