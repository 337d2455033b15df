"""Events: who asked is told, nobody else is, and what is told is as docs/control.openrpc.json says."""

import json
import time

import jsonschema
import pytest

import journeys
import netns
from asking import Client, until
from running import PATIENCE, Running
from test_methods import EVENTS

import gateway as g

from scapy.layers.l2 import ARP, Ether


def told(client, wanted):
    """The next event of this name; each is held against the schema."""
    while True:
        name, data = client.event()
        jsonschema.Draft7Validator(EVENTS[name]).validate(data)
        if name == wanted:
            return data


def arp(address, mac):
    """A host of the lan says where it is: it asks for the gateway."""
    question = ARP(op=1, hwsrc=mac, psrc=address, pdst="10.1.0.1")
    return bytes(Ether(src=mac, dst="ff:ff:ff:ff:ff:ff") / question).ljust(60, b"\0")


def test_subscribing(running):
    with running.client() as client:
        assert client.ask("subscribe", events=["link", "drops"], drops_per_second=5) == {"events": ["drops", "link"]}
        assert client.ask("subscribe", events=["link"]) == {"events": ["drops", "link"]}
        assert client.ask("unsubscribe", events=["drops", "neighbor"]) == {"events": ["link"]}
        assert client.ask("unsubscribe", events=["link"]) == {"events": []}
        assert client.refused("subscribe")["code"] == -32602
        assert client.refused("subscribe", events=["sas"])["code"] == -32602


def test_drop_bursts(place):
    frames, _ = journeys.inbound(8)
    bad = [frame[:-1] + bytes([frame[-1] ^ 1]) for frame in frames]
    with place.running(place.configuration(wan=place.played(bad))) as strata:
        with place.client() as few, place.client() as many, place.client() as none:
            none.ask("subscribe", events=["link", "neighbor"])
            many.ask("subscribe", events=["drops"], drops_per_second=1_000_000_000)
            few.ask("subscribe", events=["drops"], drops_per_second=100)
            first, second = told(few, "drops"), told(few, "drops")
            assert first["cause"] == second["cause"] == "esp.auth_failed" and first["fate"] == "dropped"
            assert first["rate"] > 100
            # Of a second, which is the shortest time between two looks.
            assert 100 < second["rate"] <= second["packets"] - first["packets"]
            assert first["time"] < second["time"]
            assert many.is_silent(0.1) and none.is_silent(0.1)
            few.ask("unsubscribe", events=["drops"])
        strata.stop()


def test_neighbors(place):
    """Two addresses of one neighbor, played over and over: each change is told, as far as anybody can read."""
    played = [arp("10.1.0.9", "02:00:00:00:09:01")] * 400 + [arp("10.1.0.9", "02:00:00:00:09:02")] * 400
    with place.running(place.configuration(lan=place.played(played))) as strata:
        with place.client() as client, place.client() as other:
            client.ask("subscribe", events=["neighbor"])
            seen = {told(client, "neighbor")["mac"] for _ in range(50)}
            assert seen == {"02:00:00:00:09:01", "02:00:00:00:09:02"}
            data = told(client, "neighbor")
            assert (data["port"], data["address"], data["state"]) == ("lan", "10.1.0.9", "reachable")
            assert other.is_silent(0.1)
            known = [row for row in other.rows("show.neighbors") if row["address"] == "10.1.0.9"]
            assert known[0]["mac"] in seen and known[0]["state"] == "reachable"
        strata.stop()


@pytest.mark.parametrize("workers", [1, 2])
def test_a_neighbor_that_comes(place, workers):
    """Of several workers the host's tells, as one alone does."""
    tree = place.configuration(lan=place.played([arp("10.1.0.7", "02:00:00:00:07:01")]), workers={"count": workers})
    with place.running(tree) as strata:
        row = {"port": "lan", "address": "10.1.0.7", "mac": "02:00:00:00:07:01", "state": "reachable"}
        with place.client() as client:
            until(lambda: row in client.rows("show.neighbors"))
            assert strata.log().count("control socket: ") == 0


def test_a_subscriber_that_never_reads(place):
    """A flood of events for it, and nobody else waits for that."""
    played = [arp("10.1.0.9", f"02:00:00:00:09:{n:02x}") for n in range(64)]
    with place.running(place.configuration(lan=place.played(played))) as strata:
        with place.client() as slow, place.client() as other:
            slow.ask("subscribe", events=["neighbor"])
            end = time.monotonic() + 2 * PATIENCE
            while "control socket: cut " not in strata.log():
                assert time.monotonic() < end, strata.log()
                assert other.ask("hello")["program"] == "strata"
            assert "wait for it, unread" in strata.log() or "it read nothing for 10 s" in strata.log()
            assert other.ask("report")["report"]["balanced"]
        strata.stop()


def test_links(tmp_path):
    """A veth whose other end goes down."""
    if netns.why_not() is not None:
        pytest.skip(str(netns.why_not()))
    path = tmp_path / "gateway.sock"
    tree = {
        "control": {"socket": str(path)},
        "ports": {"a": {"device": "net_af_packet0,iface=a0", "mac": g.LAN_MAC, "addresses": ["10.1.0.1/24"]}},
    }
    with netns.Namespace() as here:
        here.veth("a0", "a1")
        with Running(tree, tmp_path, within=here.prefix) as strata, Client(path) as client:
            until(lambda: client.rows("show.ports")[0]["up"])
            client.ask("subscribe", events=["link"])
            here.run("ip", "link", "set", "dev", "a1", "down")
            assert {**told(client, "link"), "time": ""} == {"time": "", "port": "a", "up": False, "link": "down"}
            assert client.rows("show.ports")[0]["link"] == "down"
            here.run("ip", "link", "set", "dev", "a1", "up")
            assert {**told(client, "link"), "time": ""} == {"time": "", "port": "a", "up": True, "link": "up"}
            strata.stop()
            assert client.line() is None


def test_an_event_does_not_come_into_the_middle_of_an_answer(place):
    """Answers and events on one connection are whole lines."""
    frames, _ = journeys.inbound(8)
    bad = [frame[:-1] + bytes([frame[-1] ^ 1]) for frame in frames]
    with place.running(place.configuration(wan=place.played(bad))) as strata:
        with place.client() as client:
            client.ask("subscribe", events=["drops"], drops_per_second=0)
            client.send(b'{"jsonrpc": "2.0", "method": "rpc.discover", "id": 1}\n' * 100)
            answers = events = 0
            while answers < 100 or events < 2:
                line = json.loads(client.line())
                answers, events = answers + ("result" in line), events + (line.get("method") == "event.drops")
        strata.stop()
