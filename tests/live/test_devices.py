"""`strata run` on DPDK's virtual devices: both journeys of a gateway through each of them, octet by octet.

net_af_packet, net_af_xdp and net_tap are read and written by scapy at the other end of an interface; net_memif and
vhost-user join the gateway to a second strata, a plain router, whose other port is an interface again.
"""

import contextlib
import json
import re
import socket
import time
from pathlib import Path

import pytest

import journeys
import netns
from running import Running

import gateway as g

pytestmark = pytest.mark.skipif(netns.why_not() is not None, reason=str(netns.why_not()))

AF_XDP, CAP_SYS_ADMIN, CAP_BPF = 44, 21, 39
COUNT = 240
FAR_MAC, FAR_HOST_MAC = "02:00:00:00:04:01", "02:00:00:00:04:02"


@pytest.fixture
def beyond():
    """For a second process with AF_PACKET ports: of two in one namespace net_af_packet may take the ports for one."""
    with netns.Namespace() as namespace:
        namespace.veth("far0", "far1")
        yield namespace


def af_packet(number, interface, mtu=1500):
    ring = ",framesz=16384,blocksz=65536,framecnt=256" if mtu > 1500 else ""
    return f"net_af_packet{number},iface={interface}{ring}"


def gateway(wan, lan, mtu=1500):
    return journeys.configuration(
        {"device": wan, "mac": g.WAN_MAC, "mtu": mtu}, {"device": lan, "mac": g.LAN_MAC, "mtu": mtu}
    )


def sizes(mtu=1500):
    """Of IPv4 packets, two by two: of the even peers and of the odd ones."""
    return (64, 84, 576, mtu - 300, *journeys.largest(mtu))


def ip_frames(wire, count):
    """The next IPv4 frames: a gateway also says its addresses, by ARP."""
    found = []
    while len(found) < count:
        found += [frame for frame in wire.collect(1) if frame[12:14] == b"\x08\x00"]
    return found


def exchange(source, target, frames):
    """A few at once, that rings of any size have room for."""
    came, at_once = [], 30
    for start in range(0, len(frames), at_once):
        burst = frames[start : start + at_once]
        source.send(*burst)
        came += ip_frames(target, len(burst))
    return came


def both_journeys(strata, wan, lan, mtu=1500):
    frames, expected = journeys.inbound(COUNT, sizes(mtu))
    journeys.judge_inbound(exchange(wan, lan, frames), expected)
    frames, inners = journeys.outbound(COUNT, sizes(mtu))
    journeys.judge_outbound(exchange(lan, wan, frames), inners)
    strata.stop()
    journeys.judge_report(strata.report(), COUNT, COUNT)


# --- an interface of the kernel ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("mtu", [1500, 9000])
def test_af_packet(outside, tmp_path, mtu):
    for interface in ("wan1", "lan1"):
        outside.run("ip", "link", "set", "dev", interface, "mtu", mtu)
    tree = gateway(af_packet(0, "wan0", mtu), af_packet(1, "lan0", mtu), mtu)
    with Running(tree, tmp_path, within=outside.prefix) as strata:
        both_journeys(strata, outside.wire("wan1"), outside.wire("lan1"), mtu)


def why_not_af_xdp():
    """What this machine lacks for AF_XDP sockets and the program that feeds them."""
    try:
        socket.socket(AF_XDP, socket.SOCK_RAW, 0).close()
    except OSError as error:
        return f"the kernel has no AF_XDP sockets for us: {error.strerror}"
    effective = int(re.search(r"^CapEff:\s*(\w+)", Path("/proc/self/status").read_text(), re.M).group(1), 16)
    if not effective & (1 << CAP_BPF | 1 << CAP_SYS_ADMIN):
        return "loading a BPF program takes CAP_BPF"
    return None


@pytest.mark.skipif(why_not_af_xdp() is not None, reason=str(why_not_af_xdp()))
def test_af_xdp(outside, tmp_path):
    """Copied by the kernel, as a veth has no other way."""
    tree = gateway("net_af_xdp0,iface=wan0", "net_af_xdp1,iface=lan0")
    with Running(tree, tmp_path, within=outside.prefix) as strata:
        both_journeys(strata, outside.wire("wan1"), outside.wire("lan1"))


@pytest.mark.skipif(not Path("/dev/net/tun").exists(), reason="the kernel has no TAPs here: /dev/net/tun is not there")
def test_tap(outside, tmp_path):
    """The interface is there as long as the gateway."""
    tree = gateway("net_tap0,iface=wan", "net_tap1,iface=lan")
    with Running(tree, tmp_path, within=outside.prefix) as strata:
        for interface in ("wan", "lan"):
            outside.run("ip", "link", "set", "dev", interface, "up")
        both_journeys(strata, outside.wire("wan"), outside.wire("lan"))


# --- a second process -------------------------------------------------------------------------------------------------


def router(near, far, mtu):
    """Another strata in the place of the host behind the lan, which it is one hop away from."""
    both = {"side": "protected", "mtu": mtu}
    return {
        "ports": {
            "near": {"device": near, "mac": g.LAN_HOST_MAC, "addresses": ["10.1.0.254/24"], **both},
            "far": {"device": far, "mac": FAR_MAC, "addresses": ["10.9.0.1/24"], **both},
        },
        "neighbors": [
            {"port": "near", "address": "10.1.0.1", "mac": g.LAN_MAC},
            {"port": "far", "address": "10.9.0.2", "mac": FAR_HOST_MAC},
        ],
        "routes": [
            {"prefix": "10.1.0.2/32", "next_hop": "10.9.0.2", "port": "far"},
            {"prefix": "10.2.0.0/16", "next_hop": "10.1.0.1", "port": "near"},
        ],
    }


# The gateway's device and the router's; {} is a folder for their socket. Who makes it starts first: for memif and for
# vhost-user's clients it must be there.
MEMIF = "net_memif0,role={},socket-abstract=no,socket={{}}/memif"
PAIRS = {
    "memif": (MEMIF.format("server"), MEMIF.format("client")),
    "memif-client": (MEMIF.format("client"), MEMIF.format("server")),
    "vhost-user": ("net_vhost0,iface={}/vhost", "net_virtio_user0,path={}/vhost"),
    "virtio-user": ("net_virtio_user0,path={}/vhost", "net_vhost0,iface={}/vhost"),
}
ROUTER_FIRST = ("memif-client", "virtio-user")


@pytest.mark.parametrize("mtu", [1500, 9000])
@pytest.mark.parametrize("pair", PAIRS)
def test_second_process(outside, beyond, tmp_path, pair, mtu):
    outside.run("ip", "link", "set", "dev", "wan1", "mtu", mtu)
    beyond.run("ip", "link", "set", "dev", "far1", "mtu", mtu)
    one, other = (device.format(tmp_path) for device in PAIRS[pair])
    programs = {}
    with contextlib.ExitStack() as stack:
        trees = {
            "gateway": gateway(af_packet(0, "wan0", mtu), one, mtu),
            "router": router(other, af_packet(1, "far0", mtu), mtu),
        }
        places = {"gateway": outside, "router": beyond}
        for name in sorted(trees, reverse=pair in ROUTER_FIRST):
            (tmp_path / name).mkdir()
            programs[name] = stack.enter_context(Running(trees[name], tmp_path / name, within=places[name].prefix))
        programs["gateway"].wait_for("port lan: link is up")
        programs["router"].wait_for("port near: link is up")
        through_both(outside.wire("wan1"), beyond.wire("far1"), mtu)
        programs["router"].stop()
        programs["gateway"].wait_for("port lan: link is down")
        programs["gateway"].stop()
        journeys.judge_report(programs["gateway"].report(), COUNT, COUNT)


def through_both(wan, far, mtu):
    """The journeys, with another hop before or behind them."""
    frames, expected = journeys.inbound(COUNT)
    further = [g.ether(g.forwarded(frame[14:]), dst=FAR_HOST_MAC, src=FAR_MAC) for frame in expected]
    journeys.judge_inbound(exchange(wan, far, frames), further)
    frames, inners = journeys.outbound(COUNT)
    from_far = [g.ether(inner, dst=FAR_MAC, src=FAR_HOST_MAC) for inner in inners]
    journeys.judge_outbound(exchange(far, wan, from_far), [g.forwarded(inner) for inner in inners])


def test_buffers_that_a_driver_gives_back_late_starve_nobody(outside, beyond, tmp_path):
    """net_virtio_user keeps what it has sent until its ring is nearly full: here, more than any other queue holds."""
    tree = gateway(f"net_virtio_user0,path={tmp_path}/vhost,queue_size=2048", af_packet(1, "lan0"))
    tree["ports"]["wan"]["descriptors"] = {"rx": 2048, "tx": 2048}
    two_each = g.inner4(1498, src="10.1.0.2", dst="10.2.0.2", flags=0)
    count = 1400
    with contextlib.ExitStack() as stack:
        programs = []
        # It says nothing by itself: what it would announce is of no address on this link, and a drop.
        peer = {**router(f"net_vhost0,iface={tmp_path}/vhost", af_packet(1, "far0"), 1500), "arp": {"enabled": False}}
        for its, place in ((peer, beyond), (tree, outside)):
            folder = tmp_path / str(len(programs))
            folder.mkdir()
            programs.append(stack.enter_context(Running(its, folder, within=place.prefix)))
        router_beyond, strata = programs
        strata.wait_for("port wan: link is up")
        lan = outside.wire("lan1")
        for _ in range(count // 20):
            lan.send(*[g.ether(two_each, dst=g.LAN_MAC, src=g.LAN_HOST_MAC)] * 20)
            time.sleep(0.02)
        strata.stop()
        router_beyond.stop()
    report = json.loads(strata.report())
    assert report["dropped"] == {} and report["consumed"]["ip4.fragmented"] > 1024
    assert report["ports"]["wan"]["sent"] >= 2 * report["consumed"]["ip4.fragmented"]
