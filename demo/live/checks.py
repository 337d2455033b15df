"""What the live demo looks at, part by part, while both gateways run."""

import contextlib
import json
import re
import socket
import subprocess
import time

from capture import ESP_PORT, ETHERNET, Capture, Numbers, frames, readable, turns
from network import PATIENCE, configuration, ping, run
from running import program

INSIDE = ("fc00:1::1", "fc00:2::1", "fc00:1::d4", "fc00:2::d4")  # IPv6 addresses that are in the tunnel alone
PATTERN = b"do-not-read-this"  # 16 octets, as many as ping repeats
LARGEST = 1500  # what the hosts think that they may send
PING_HEADERS = 28  # IPv4, ICMP
IPERF_SECONDS = 3
FLOOD = 2000


def tunnel_mtu(side):
    """What `strata check` says of the gateway's only policy: the MTU, and how it comes about."""
    done = subprocess.run([program(), "check", configuration(side)], stdout=subprocess.PIPE, text=True, check=True)
    found = re.search(r"mtu ((\d+) = .*)", done.stdout)
    assert found, f"strata check says nothing of the tunnel's MTU: {done.stdout}"
    return int(found[2]), found[1]


def forget_mtus(net):
    """Hosts remember what ICMP has told them."""
    for side in net.sides():
        side.at_host.run("ip", "route", "flush", "cache")


def remembered_mtu(side, destination):
    found = re.search(r"mtu (\d+)", side.at_host.run("ip", "route", "get", destination))
    return int(found[1]) if found else None


# --- both directions --------------------------------------------------------------------------------------------------


def pings(screen, net, folder):
    screen.part("Both directions",
                "Between two Linux gateways these pings end behind End.DX4 (docs/linux.md). ARP finds all neighbors.")
    pattern = ["-p", PATTERN.hex(), "-i", "0.05", "-c", "20"]
    a, b = net.a, net.b
    lan, between = Capture(a.at_host, "eth0", folder / "lan.pcap"), Capture(net.internet, "to-a", folder / "pings.pcap")
    with lan, between:
        screen.check("host A pings host B", lambda: ping(a.at_host, b.host, *pattern).all_came_back())
        screen.check("host B pings host A", lambda: ping(b.at_host, a.host, *pattern).all_came_back())
    return [lan, between]


# --- MTU --------------------------------------------------------------------------------------------------------------


def too_big_is_said(side, other, mtu):
    """Of two pings with DF and 1500 octets, ICMP answers the first, and the kernel knows of it at the second."""
    done = ping(side.at_host, other.host, "-c", "2", "-i", "0.2", "-M", "do", "-s", LARGEST - PING_HEADERS)
    said = re.search(r"From (\S+) icmp_seq=\d+ (Frag needed and DF set \(mtu = (\d+)\))", done.text)
    assert said, f"no ICMP error came: {done.text.strip()}"
    assert said[1] == side.gateway and int(said[3]) == mtu, f"not {side.gateway} with {mtu}: {said[0]}"
    assert done.received == 0, f"a packet that does not fit came back: {done.text.strip()}"
    assert remembered_mtu(side, other.host) == mtu, f"the host does not know of {mtu}"
    return f"{said[1]}: {said[2]}"


def that_size_works(side, other, mtu):
    return ping(side.at_host, other.host, "-c", "5", "-i", "0.05", "-M", "do", "-s", mtu - PING_HEADERS).all_came_back()


def mtus(screen, net):
    sums = [f"{side.name.upper()}: mtu {tunnel_mtu(side)[1]}" for side in net.sides()]
    screen.part("What fits through", "\n".join([
        "A host learns the tunnel's MTU by ICMP; without DF the gateway cuts the packet before it seals it.", *sums]))
    for side, other in ((net.a, net.b), (net.b, net.a)):
        mtu, _ = tunnel_mtu(side)
        way = f"{side.name.upper()} to {other.name.upper()}"
        screen.check(f"{LARGEST} octets with DF, {way}", lambda: too_big_is_said(side, other, mtu))
        screen.check(f"{mtu} octets with DF, {way}", lambda: that_size_works(side, other, mtu))
    forget_mtus(net)
    for size in (LARGEST, 3000):
        screen.check(f"{size} octets without DF, A to B and back",
                     lambda: ping(net.a.at_host, net.b.host, "-c", "5", "-i", "0.05", "-M", "dont", "-s",
                                  size - PING_HEADERS).all_came_back())


# --- the gateways as hosts --------------------------------------------------------------------------------------------


def expires_at(side, other, ttl, router):
    done = ping(side.at_host, other.host, "-c", "1", "-t", ttl)
    said = re.search(r"From (\S+) icmp_seq=1 Time to live exceeded", done.text)
    assert said and said[1] == router, f"not {router}: {done.text.strip()}"
    return f"{router}: Time to live exceeded"


def hosts(screen, net):
    screen.part("The gateways are hosts and routers",
                "The second hop's error comes back through the tunnel. A gateway's own ping starts in its kernel,\n"
                "which has the LAN's address on strata's host port; it takes the tunnel too, there is no way around.")
    a, b = net.a, net.b
    screen.check("TTL 1, A to B: gateway A answers", lambda: expires_at(a, b, 1, a.gateway))
    screen.check("TTL 2, A to B: gateway B answers", lambda: expires_at(a, b, 2, b.gateway))
    screen.check("TTL 1, B to A: gateway B answers", lambda: expires_at(b, a, 1, b.gateway))
    screen.check("TTL 2, B to A: gateway A answers", lambda: expires_at(b, a, 2, a.gateway))
    few = ["-c", "5", "-i", "0.05"]
    screen.check("host A pings gateway B's LAN address", lambda: ping(a.at_host, b.gateway, *few).all_came_back())
    for side, other in ((a, b), (b, a)):
        names = f"gateway {side.name.upper()} pings gateway {other.name.upper()}"
        screen.check(f"{names}'s LAN address",
                     lambda: ping(side.at_gateway, other.gateway, "-I", side.gateway, *few).all_came_back())
        screen.check(f"gateway {side.name.upper()} pings host {other.name.upper()}",
                     lambda: ping(side.at_gateway, other.host, "-I", side.gateway, *few).all_came_back())


# --- load -------------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def iperf3_server(namespace, log):
    with open(log, "w") as out:
        server = subprocess.Popen([*namespace.prefix, "iperf3", "-s", "--forceflush"], stdin=subprocess.DEVNULL,
                                  stdout=out, stderr=out)
    try:
        until = time.monotonic() + PATIENCE
        while "listening" not in log.read_text():
            assert server.poll() is None and time.monotonic() < until, f"iperf3 -s does not begin: {log.read_text()}"
            time.sleep(0.05)
        yield
    finally:
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def iperf3(namespace, destination, *words):
    """Its report, of a transfer that came to its end."""
    text = run(namespace, "iperf3", "-c", destination, "-t", IPERF_SECONDS, "-J", *words, codes=(0, 1))
    report = json.loads(text)
    assert "error" not in report, f"iperf3: {report['error']}"
    assert report["end"]["sum_received"]["bytes"] > 0, "nothing arrived"
    return report


def throughput(report):
    end = report["end"]
    return (f"{end['sum_received']['bits_per_second'] / 1e6:.0f} Mbit/s, "
            f"{end['sum_sent']['retransmits']} segments sent again")


def tcp_clamped(net):
    """B's policy lowers the MSS that B's TCP offers, so A's sender never sends what does not fit."""
    report = iperf3(net.a.at_host, net.b.host)
    most = tunnel_mtu(net.b)[0] - 40
    mss = report["start"]["tcp_mss_default"]
    assert mss <= most, f"A's TCP sends segments of {mss}, not {most} at the most"
    learned = remembered_mtu(net.a, net.b.host)
    assert learned is None, f"A was told of an MTU of {learned} by ICMP, where the MSS should have done"
    return f"{throughput(report)}; by the MSS"


def tcp_by_icmp(net):
    """A's policy clamps nothing: B's sender finds out by the ICMP errors of its gateway."""
    report = iperf3(net.a.at_host, net.b.host, "-R")
    learned, mtu = remembered_mtu(net.b, net.a.host), tunnel_mtu(net.b)[0]
    assert learned == mtu, f"B knows of an MTU of {learned}, not {mtu}"
    return f"{throughput(report)}; by ICMP"


def load(screen, net, folder):
    screen.part("TCP and a flood",
                "TCP finds segments that fit: A's because gateway B lowers the MSS, B's because ICMP tells of the MTU.")
    forget_mtus(net)
    tcp = Capture(net.internet, "to-a", folder / "tcp.pcap", headers_alone=True)
    with iperf3_server(net.b.at_host, folder / "iperf3.log"), tcp:
        screen.check(f"iperf3 A to B, {IPERF_SECONDS} s", lambda: tcp_clamped(net))
        screen.check(f"iperf3 B to A, {IPERF_SECONDS} s", lambda: tcp_by_icmp(net))
    flood = ["-q", "-f", "-p", PATTERN.hex(), "-c", FLOOD]
    pinged = Capture(net.internet, "to-a", folder / "flood.pcap")
    with pinged:
        for side, other in ((net.a, net.b), (net.b, net.a)):
            screen.check(f"ping -f {side.name.upper()} to {other.name.upper()}, {FLOOD} packets",
                         lambda: ping(side.at_host, other.host, *flood).all_came_back())
    return [tcp, pinged]


# --- on the wire ------------------------------------------------------------------------------------------------------


def secrets(net):
    """What no frame between the gateways may show."""
    a, b = (socket.inet_aton(side.host) for side in net.sides())
    known = {"the hosts' addresses": a + b, "the hosts' addresses, backwards": b + a}
    for address in INSIDE:
        known[address] = socket.inet_pton(socket.AF_INET6, address)
    return known | {f"ping's octets from the {i}th": part for i, part in enumerate(turns(PATTERN), 1)}


def seen_in_the_lan(path, known):
    """That the search finds what is there to be found."""
    pings = [frame for frame in frames(path) if len(frame) == ETHERNET + 84]
    assert pings and all(readable(frame, known) for frame in pings), f"{path}: {len(pings)} pings, not all readable"
    return f"readable in each of {len(pings)} frames"


def hidden_between(paths, known):
    count = 0
    for path in paths:
        for frame in frames(path):
            found = readable(frame, known)
            assert not found, f"{path}: readable are {', '.join(found)} in {frame.hex()}"
            count += 1
    assert count, "no frame was captured"
    return f"not readable in any of {count} frames"


def numbers_differ(captures):
    numbers = Numbers()
    for capture in captures:
        for frame in frames(capture.path):
            numbers.add(frame)
    assert not numbers.others, f"there was something else in between: {dict(numbers.others)}"
    repeated = numbers.repeated()
    assert not repeated, f"{len(repeated)} numbers came again: {'; '.join(repeated[:3])}"
    counts = numbers.by_spi()
    assert len(counts) == 2, f"not the SPIs of two SAs: {dict(counts)}"
    unseen = sum(capture.unseen() for capture in captures)
    told = f"all different in {sum(counts.values())} frames of {len(counts)} SAs"
    return told if not unseen else f"{told} ({unseen} more were too many for tcpdump)"


def indented(text):
    return "\n".join(f"    {line}" for line in text.rstrip().splitlines())


def wire(screen, net, captures):
    lan, between = captures[0], captures[1:]
    screen.part("On the wire", "A ping of host A as its LAN carries it, and one as the internet carries it:")
    screen.say(indented(lan.decoded(1, "-v", "-X", "icmp[icmptype] == icmp-echo")))
    screen.say(indented(between[0].decoded(1, "-v", "-X", f"src {net.a.wan} and udp port {ESP_PORT}")))
    screen.say()
    known = secrets(net)
    screen.check("addresses and octets of the pings, LAN", lambda: seen_in_the_lan(lan.path, known))
    screen.check("the same and the SIDs, internet",
                 lambda: hidden_between([c.path for c in between if not c.headers_alone], known))
    screen.check("sequence numbers and IVs of each SA", lambda: numbers_differ(between))
