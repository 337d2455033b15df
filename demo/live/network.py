"""The network of the live demo, out of namespaces of this machine:

    host A -------- gateway A -------- the internet -------- gateway B -------- host B
    10.1.0.2  10.1.0.1   192.0.2.1  .254       .254  198.51.100.1   10.2.0.1  10.2.0.2

The hosts and the internet, a router with an MTU of 1500, are plain Linux. The gateways are `strata run` in namespaces
of their own, whose kernel has no part in what the ports carry.
"""

import contextlib
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import yaml

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "tests/live"))

from netns import Namespace  # noqa: E402
from running import Running  # noqa: E402

PATIENCE = 120  # seconds: to end what hangs, not to measure
KEY_OCTETS = 32 + 4  # AES-256-GCM and its salt
OTHER = {"a": "b", "b": "a"}
HOSTS_OFFLOADS = ("tx", "tso", "gso", "gro")


@dataclass
class Side:
    """One end: a host and its gateway."""

    name: str  # a, b
    host: str
    gateway: str  # the gateway's address in its LAN
    wan: str
    router: str
    prefix: str  # of the LAN
    at_host: Namespace = None
    at_gateway: Namespace = None
    strata: Running = None


@dataclass
class Network:
    a: Side
    b: Side
    internet: Namespace

    def sides(self):
        return (self.a, self.b)


@contextlib.contextmanager
def network(folder, device):
    """With both gateways running, until the `with` block ends. device: af_packet or tap."""
    a = Side("a", "10.1.0.2", "10.1.0.1", "192.0.2.1", "192.0.2.254", "10.1.0.0/24")
    b = Side("b", "10.2.0.2", "10.2.0.1", "198.51.100.1", "198.51.100.254", "10.2.0.0/24")
    with contextlib.ExitStack() as stack:
        internet = stack.enter_context(Namespace())
        internet.run("sysctl", "-qw", "net.ipv4.ip_forward=1")
        keys = {side.name: f"hex:{os.urandom(KEY_OCTETS).hex()}" for side in (a, b)}
        for side, other in ((a, b), (b, a)):
            side.at_host, side.at_gateway = stack.enter_context(Namespace()), stack.enter_context(Namespace())
            join(side, internet)
            keep_kernel_out(side.at_gateway, device)
            side.strata = stack.enter_context(gateway(side, folder, device, keys))
            if device == "tap":
                join_taps(side.at_gateway)
            give_kernel_its_port(side, other)
        yield Network(a, b, internet)


def join(side, internet):
    """The wires from the host to its gateway, and from there to the internet."""
    side.at_host.veth("eth0", "lan", to=side.at_gateway)
    internet.veth(f"to-{side.name}", "wan", to=side.at_gateway)
    # A veth hands over what a device would still have to finish: without checksums, in pieces of 64 KiB.
    for offload in HOSTS_OFFLOADS:
        side.at_host.run("ethtool", "-K", "eth0", offload, "off")
        internet.run("ethtool", "-K", f"to-{side.name}", offload, "off")
    side.at_host.run("ip", "address", "add", f"{side.host}/24", "dev", "eth0")
    side.at_host.run("ip", "route", "add", "default", "via", side.gateway)
    internet.run("ip", "address", "add", f"{side.router}/24", "dev", f"to-{side.name}")


def keep_kernel_out(namespace, device):
    """What arrives at the ports is strata's alone."""
    ports = ["wan", "lan"]
    if device == "tap":
        for port in ports:
            # A bridge that snoops on multicast joins groups of its own, in packets that are nobody's here.
            namespace.run("ip", "link", "add", "name", f"br-{port}", "type", "bridge", "mcast_snooping", "0")
            namespace.run("ip", "link", "set", "dev", port, "master", f"br-{port}")
            namespace.run("ip", "link", "set", "dev", f"br-{port}", "up")
        ports = ["br-wan", "br-lan"]
    namespace.keep_kernel_out(*ports)


def gateway(side, folder, device, keys):
    """keys: of the SA that leads to a gateway. They are new in each run, as no sequence numbers are kept."""
    tree = yaml.safe_load(configuration(side).read_text())
    for association in tree["ipsec"]["security_associations"]:
        inbound = association["direction"] == "in"
        association["key"] = keys[side.name if inbound else OTHER[side.name]]
    if device == "tap":
        for number, port in enumerate(("wan", "lan"), 1):
            tree["ports"][port]["device"] = f"net_tap{number},iface=tap-{port}"
    place = folder / side.name
    place.mkdir()
    return Running(tree, place, within=side.at_gateway.prefix)


def configuration(side):
    return HERE / f"gateway-{side.name}.yaml"


def join_taps(namespace):
    for port in ("wan", "lan"):
        namespace.run("ip", "link", "set", "dev", f"tap-{port}", "master", f"br-{port}")


def give_kernel_its_port(side, other):
    """The gateway's own kernel has the LAN's address, and reaches the other LAN by strata's host port."""
    tap = f"strata-{side.name}"
    side.at_gateway.run("ip", "address", "add", f"{side.gateway}/32", "dev", tap)
    side.at_gateway.run("ip", "link", "set", "dev", tap, "up")
    side.at_gateway.run("ip", "route", "add", other.prefix, "dev", tap, "src", side.gateway)


def run(namespace, *words, codes=(0,)):
    """A program in a namespace; its output. Its exit must be one of the codes."""
    done = subprocess.run([*namespace.prefix, *map(str, words)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", timeout=PATIENCE)
    assert done.returncode in codes, f"{' '.join(map(str, words))} ended with {done.returncode}: {done.stdout.strip()}"
    return done.stdout


@dataclass
class Pings:
    sent: int
    received: int
    average_ms: str
    text: str

    def all_came_back(self):
        assert 0 < self.sent == self.received, f"{self.received} of {self.sent} came back: {self.text.strip()}"
        return f"{self.received} of {self.sent} came back, {self.average_ms} ms on average"


def ping(namespace, destination, *words):
    text = run(namespace, "ping", "-n", "-W", "5", *words, destination, codes=(0, 1))
    counts = re.search(r"(\d+) packets transmitted, (\d+) received", text)
    assert counts, f"ping says nothing of its packets: {text.strip()}"
    times = re.search(r"= [\d.]+/([\d.]+)/", text)
    return Pings(int(counts[1]), int(counts[2]), times[1] if times else "-", text)
