"""Entries added and deleted one by one while packets pass: each lets through what it is for, octet by octet, and
without it the same packets are dropped for the right cause. What is not changed loses none; a peer gets new keys."""

import dataclasses
import itertools
import json
import subprocess
import time

import pytest
import yaml

import journeys
import netns
from running import PATIENCE, Running, program
from test_devices import exchange

import gateway as g

pytestmark = pytest.mark.skipif(netns.why_not() is not None, reason=str(netns.why_not()))

AT_ONCE = 10
STEADY = 1  # the peer of which nothing changes
NEW_MAC = "02:00:00:00:02:77"
NEW_IN = g.Sa(name="new-in", spi=0x1900, source=journeys.peer(0), inside="fc00:2:90::/48", key_from=70)
NEW_FOR_5_IN = dataclasses.replace(journeys.inbound_sa(5), name="from-5-new", spi=0x1905, key_from=90)
NEW_FOR_5_OUT = dataclasses.replace(journeys.outbound_sa(5), name="to-5-new", spi=0x2905, key_from=200)


class Gateway:
    """One that runs, the hosts on both sides of it, and whoever changes it."""

    def __init__(self, folder, outside):
        self.folder, self.socket = folder, folder / "gateway.sock"
        self.wan, self.lan = outside.wire("wan1"), outside.wire("lan1")
        self.numbers = {}

    def tree(self):
        """Nobody is asked for a MAC address, and nobody told of what is dropped: what is on the wires was forwarded."""
        return journeys.configuration(
            {"device": "net_af_packet0,iface=wan0", "mac": g.WAN_MAC},
            {"device": "net_af_packet1,iface=lan0", "mac": g.LAN_MAC},
            arp={"enabled": False},
            icmp={"errors_per_second": 0},
            control={"socket": str(self.socket)},
            routes=[{"prefix": "10.8.0.0/24", "next_hop": "10.1.0.77", "port": "lan"}],
        )

    def number(self, name):
        """The next one of whoever sends on an SA, or of a flow."""
        return next(self.numbers.setdefault(name, itertools.count(1)))

    def sealed(self, sa, inside, count=AT_ONCE, to="fc00:1::d4"):
        """Frames of a peer, and what must leave by the lan for them."""
        frames, expected = [], []
        for _ in range(count):
            seq = self.number(sa.name)
            inner = g.inner4(src="10.2.9.2", dst="10.1.0.2", seq=seq, ident=seq & 0xFFFF)
            frames.append(g.good(sa, seq, inner, six={"src": inside, "dst": to}))
            expected.append(g.on_lan(inner))
        return frames, expected

    def clear(self, to, count=AT_ONCE):
        """IPv4 packets of the host on the lan."""
        return [g.inner4(src="10.1.0.2", dst=to, seq=self.number(to), ident=n) for n in range(count)]

    def into_lan(self, inners):
        return [g.ether(inner, dst=g.LAN_MAC, src=g.LAN_HOST_MAC) for inner in inners]

    def sealed_for(self, n, sas=(), count=AT_ONCE):
        """Packets to a peer's network, and the SPI and number of what came of each, which scapy has opened."""
        inners = self.clear(f"10.2.{n}.2", count)
        came = exchange(self.lan, self.wan, self.into_lan(inners))
        opened = [journeys.open_with_scapy(frame, sas) for frame in came]
        assert [(to, inner) for to, _, inner in opened] == [(n, g.forwarded(inner)) for inner in inners]
        return [(int.from_bytes(frame[42:46], "big"), seq) for frame, (_, seq, _) in zip(came, opened)]

    def steady(self):
        """Both ways, of the peer of which nothing changes: each packet comes, by its number, and no other packet."""
        frames, expected = self.sealed(journeys.inbound_sa(STEADY), f"fc00:2:{STEADY:x}::2")
        assert exchange(self.wan, self.lan, frames) == expected
        first = self.number("steady out")
        numbers = [first] + [self.number("steady out") for _ in range(AT_ONCE - 1)]
        assert self.sealed_for(STEADY) == [(journeys.outbound_sa(STEADY).spi, number) for number in numbers]

    def change(self, *words, meanwhile=None, entry=None):
        """A command, while packets go on. What it said."""
        command = [program(), *words, "--socket", str(self.socket)]
        if entry is not None:
            path = self.folder / "entry.yaml"
            path.write_text(yaml.safe_dump(entry))
            path.chmod(0o600)
            command += ["--file", str(path)]
        asking = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        end = time.monotonic() + PATIENCE
        while asking.poll() is None:
            (meanwhile or self.steady)()
            assert time.monotonic() < end
        (meanwhile or self.steady)()
        out, err = asking.communicate()
        assert (asking.returncode, err) == (0, ""), err
        return out.splitlines()

    def rows(self, *words):
        done = subprocess.run([program(), "show", *words, "--json", "--socket", str(self.socket)], check=True,
                              capture_output=True, text=True, timeout=PATIENCE)
        return json.loads(done.stdout)

    def dropped(self, cause):
        return sum(row["packets"] for row in self.rows("drops") if row["cause"] == cause)


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    folder = tmp_path_factory.mktemp("changing")
    with netns.Namespace() as outside:
        for name in ("wan", "lan"):
            outside.veth(f"{name}0", f"{name}1")
        made = Gateway(folder, outside)
        with Running(made.tree(), folder, within=outside.prefix) as strata:
            yield made
            report = strata.stop()
    assert report["dropped"].keys() <= {"esp.no_sa", "sr6.no_sid", "ip4.no_route", "adj.unresolved"}, report["dropped"]


# --- what each kind of entry lets through: to which wire frames are given, by which they leave, and as what -----------


def through_sa(gateway):
    return gateway.wan, gateway.lan, *gateway.sealed(NEW_IN, "fc00:2:90::2")


def through_sid(gateway):
    return gateway.wan, gateway.lan, *gateway.sealed(journeys.inbound_sa(3), "fc00:2:3::2", to="fc00:1::d5")


def through_route(gateway):
    inners = gateway.clear("10.9.0.5")
    return gateway.lan, gateway.lan, gateway.into_lan(inners), [g.on_lan(inner) for inner in inners]


def through_neighbor(gateway):
    inners = gateway.clear("10.8.0.5")
    return gateway.lan, gateway.lan, gateway.into_lan(inners), [g.on_lan(inner, dst=NEW_MAC) for inner in inners]


def through_policy(gateway):
    """What leaves is opened and judged by scapy."""
    inners = gateway.clear("10.3.0.2")
    return gateway.lan, gateway.wan, gateway.into_lan(inners), inners


@dataclasses.dataclass
class Kind:
    entry: dict
    deleted: tuple
    line: str
    cause: str
    through: object


SID = {"sid": "fc00:1::d5", "behavior": "End.DX4", "next_hop": "10.1.0.2", "port": "lan"}
POLICY = {"name": "to-new", "prefixes": ["10.3.0.0/24"], "segments": ["fc00:2:4::1"]}
ROUTE = {"prefix": "10.9.0.0/24", "next_hop": "10.1.0.2", "port": "lan"}
NEIGHBOR = {"port": "lan", "address": "10.1.0.77", "mac": NEW_MAC}
KINDS = {
    "sa": Kind(NEW_IN.config(), ("new-in",), "ipsec.security_associations new-in", "esp.no_sa", through_sa),
    "sid": Kind(SID, ("fc00:1::d5",), "srv6.local_sids fc00:1::d5/128", "sr6.no_sid", through_sid),
    "policy": Kind(POLICY, ("to-new",), "srv6.policies to-new", "ip4.no_route", through_policy),
    "route": Kind(ROUTE, ("10.9.0.0/24",), "routes 10.9.0.0/24", "ip4.no_route", through_route),
    "neighbor": Kind(NEIGHBOR, ("lan", "10.1.0.77"), "neighbors 10.1.0.77 on lan", "adj.unresolved", through_neighbor),
}


def is_dropped(gateway, kind):
    """All of them for its cause; had one been forwarded, it would be among what is expected next."""
    before = gateway.dropped(kind.cause)
    source, _, frames, _ = kind.through(gateway)
    source.send(*frames)
    end = time.monotonic() + PATIENCE
    while gateway.dropped(kind.cause) < before + len(frames):
        assert time.monotonic() < end, gateway.rows("drops")
        time.sleep(0.02)
    assert gateway.dropped(kind.cause) == before + len(frames)
    gateway.steady()


def passes(gateway, kind):
    source, target, frames, expected = kind.through(gateway)
    came = exchange(source, target, frames)
    if target is gateway.wan:
        opened = [journeys.open_with_scapy(frame) for frame in came]
        assert [(n, inner) for n, _, inner in opened] == [(4, g.forwarded(inner)) for inner in expected]
    else:
        assert came == expected
    gateway.steady()


@pytest.mark.parametrize("name", KINDS)
def test_an_entry_that_comes_and_goes(gateway, name):
    kind = KINDS[name]
    is_dropped(gateway, kind)
    for _ in range(2):
        assert gateway.change(name, "add", entry=kind.entry) == [f"+ {kind.line}"]
        passes(gateway, kind)
        assert gateway.change(name, "delete", *kind.deleted) == [f"- {kind.line}"]
        is_dropped(gateway, kind)


def test_a_peer_gets_new_keys(gateway):
    """As an IKE daemon does it: the new inbound SA beside the old one, then the outbound one exchanged in one change,
    then the old inbound one goes. Not a packet is lost, each is sealed by one of the two, and no number comes twice."""
    old_in, old_out = journeys.inbound_sa(5), journeys.outbound_sa(5)
    sent = []

    def flow(*peer_sends):
        gateway.steady()
        for sa in peer_sends:
            frames, expected = gateway.sealed(sa, "fc00:2:5::2")
            assert exchange(gateway.wan, gateway.lan, frames) == expected
        sent.extend(gateway.sealed_for(5, [NEW_FOR_5_OUT]))

    flow(old_in)
    gateway.change("sa", "add", entry=NEW_FOR_5_IN.config(), meanwhile=lambda: flow(old_in))
    flow(old_in, NEW_FOR_5_IN)
    exchanged = {
        "delete": {"ipsec": {"security_associations": ["to-5"]}},
        "add": {"ipsec": {"security_associations": [journeys.as_outbound(NEW_FOR_5_OUT.config())]}},
    }
    told = gateway.change("change", entry=exchanged, meanwhile=lambda: flow(old_in, NEW_FOR_5_IN))
    assert told == ["- ipsec.security_associations to-5", "+ ipsec.security_associations to-5-new"]
    gateway.change("sa", "delete", "from-5", meanwhile=lambda: flow(NEW_FOR_5_IN))
    by_old = [seq for spi, seq in sent if spi == old_out.spi]
    by_new = [seq for spi, seq in sent if spi == NEW_FOR_5_OUT.spi]
    assert by_old == list(range(1, len(by_old) + 1)) and by_new == list(range(1, len(by_new) + 1))
    in_turn = [old_out.spi] * len(by_old) + [NEW_FOR_5_OUT.spi] * len(by_new)
    assert by_old and by_new and [spi for spi, _ in sent] == in_turn
    of_a_key_that_comes_back(gateway, len(by_new))


def of_a_key_that_comes_back(gateway, used):
    """Deleted and added again it goes on behind what was used."""
    gateway.change("sa", "delete", NEW_FOR_5_OUT.name)
    gateway.change("sa", "add", entry=journeys.as_outbound(NEW_FOR_5_OUT.config()))
    numbers = [seq for _, seq in gateway.sealed_for(5, [NEW_FOR_5_OUT])]
    assert numbers == list(range(numbers[0], numbers[0] + AT_ONCE)) and numbers[0] > used
