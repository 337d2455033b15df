"""Each method of the control socket against a gateway that forwards: its answer is what docs/control.openrpc.json says,
and what the configuration and scapy's packets make it."""

import ipaddress
import json
import pathlib
import signal

import jsonschema
import pytest

import journeys
from asking import KEYS, NULL, until
from test_service import Stopped, threads

import gateway as g
from harness import causes
from running import PATIENCE

ROOT = pathlib.Path(__file__).resolve().parents[2]
OPENRPC = json.loads((ROOT / "docs/control.openrpc.json").read_text())
METHODS = {method["name"]: method for method in OPENRPC["methods"]}
EVENTS = {event["name"]: event["params"] for event in OPENRPC["x-events"]}
TABLES = [name for name, method in METHODS.items() if "items" in method["result"]["schema"]["properties"]]
WITHOUT_PARAMETERS = [name for name, method in METHODS.items() if not any(p["required"] for p in method["params"])]


def rows_of(place, method):
    with place.client() as client:
        return client.rows(method)


@pytest.mark.parametrize("name", METHODS)
def test_the_schema_is_one(name):
    jsonschema.Draft7Validator.check_schema(METHODS[name]["result"]["schema"])


@pytest.mark.parametrize("name", WITHOUT_PARAMETERS)
def test_answers_are_as_the_schema_says(running, name):
    with running.client() as client:
        jsonschema.Draft7Validator(METHODS[name]["result"]["schema"]).validate(client.ask(name))


@pytest.mark.parametrize("name", WITHOUT_PARAMETERS)
def test_no_key_is_in_an_answer(running, name):
    with running.client() as client:
        said = json.dumps(client.ask(name)).lower()
    for key in KEYS:
        assert key[:16] not in said and key[-8:] not in said


def test_hello(running):
    with running.client() as client:
        hello = client.ask("hello")
    assert (hello["program"], hello["name"], hello["api"]) == ("strata", "test", int(OPENRPC["info"]["version"]))
    assert pathlib.Path(f"/proc/{hello['pid']}").is_dir() and hello["seconds"] > 0
    assert hello["config"] == str(running.folder / "gateway.yaml")


def test_discover_is_the_document(running):
    with running.client() as client:
        assert client.ask("rpc.discover") == OPENRPC


def test_ports(running):
    wan, lan = until(lambda: rows_of(running, "show.ports"), lambda rows: rows[1]["sent"])
    assert (wan["name"], wan["driver"], wan["side"], wan["mtu"]) == ("wan", "net_pcap", "unprotected", 1500)
    assert (lan["name"], lan["driver"], lan["side"]) == ("lan", "net_null", "protected")
    assert lan["device"] == "net_null1,no-rx=1"
    assert wan["addresses"] == ["192.0.2.1/24"] and wan["up"] and wan["link"].startswith("up")
    assert wan["mac"] == "02:00:00:00:01:01" and wan["received"] > 0 and wan["received_bytes"] > 64 * wan["received"]
    assert (lan["received"], lan["rx_queues"], lan["missed"], lan["not_sent"]) == (0, 1, 0, 0)


def test_workers(running):
    (worker,) = until(lambda: rows_of(running, "show.workers"), lambda rows: rows[0]["busy"] > 0.2)
    assert (worker["worker"], worker["cpu"], worker["queues"]) == (0, None, ["wan:0", "lan:0"])
    assert worker["sas"] == 2 * journeys.PEERS and worker["handed_over"] == 0 and worker["received"] > 0
    assert 0.2 < worker["busy"] <= 1 and 0 < worker["busy_since_start"] <= 1


def test_sas(running):
    sas = until(lambda: rows_of(running, "show.sas"), lambda rows: all(sa["packets"] for sa in rows[:8]))
    assert [sa["name"] for sa in sas] == [f"from-{n}" for n in range(8)] + [f"to-{n}" for n in range(8)]
    for n, sa in enumerate(sas[:8]):
        assert (sa["direction"], sa["spi"]) == ("in", 0x1000 + n) and sa["peer"] == sa["source"] == journeys.peer(n)
        assert (sa["algorithm"], sa["esn"], sa["replay_window"]) == ("aes-128-gcm", False, 0)
        assert (sa["udp_source_port"], sa["udp_destination_port"], sa["worker"]) == (4500, 4500, 0)
        assert ipaddress.ip_network(sa["selector_source"]) == ipaddress.ip_network(f"fc00:2:{n:x}::/48")
        assert sa["selector_destination"] == "fc00:1::/48"
        # The capture has 30 packets of each, with the numbers 1 to 30, and comes again.
        assert sa["sequence"] == 30 or sa["packets"] == sa["sequence"] < 30
        assert sa["sequence_left"] == 2**32 - 1 - sa["sequence"]
        assert sa["bytes"] >= 104 * sa["packets"]
    for n, sa in enumerate(sas[8:]):
        assert (sa["direction"], sa["spi"], sa["peer"]) == ("out", 0x2000 + n, journeys.peer(n))
        assert (sa["packets"], sa["sequence"], sa["sequence_left"]) == (0, 0, 2**32 - 1) and sa["replay_window"] is None


def test_sequences_of_outbound_sas(place):
    frames, _ = journeys.outbound(16)
    tree = place.configuration(lan=place.played(frames))
    tree["ipsec"]["security_associations"][-1]["esn"] = True
    with place.running(tree) as strata:
        sas = until(lambda: rows_of(place, "show.sas"), lambda rows: all(sa["packets"] for sa in rows[8:]))
        for sa in sas[8:]:
            assert abs(sa["sequence"] - sa["packets"]) < 512  # of a burst under way one may be counted already
            assert sa["sequence_left"] == (2**64 if sa["esn"] else 2**32) - 1 - sa["sequence"]
        assert [sa["esn"] for sa in sas[8:]] == [False] * 7 + [True]
        strata.stop()


def test_sids(running):
    (sid,) = until(lambda: rows_of(running, "show.sids"), lambda rows: rows[0]["packets"])
    assert (sid["sid"], sid["behavior"], sid["next_hop"]) == ("fc00:1::d4/128", "End.DX4", "10.1.0.2")
    assert (sid["port"], sid["clear"]) == ("lan", False) and sid["bytes"] > 104 * sid["packets"]


def test_policies_and_their_mtus(running):
    without, with_srh = journeys.largest(1500)
    policies, mtus = rows_of(running, "show.policies"), rows_of(running, "show.mtu")
    assert [policy["name"] for policy in policies] == [mtu["policy"] for mtu in mtus] == [f"to-{n}" for n in range(8)]
    for n, (policy, mtu) in enumerate(zip(policies, mtus)):
        said = journeys.policy(n)
        assert {name: policy[name] for name in ("name", "prefixes", "segments", "mode")} == said
        assert policy["sa"] == f"to-{n}" and policy["mtu"] == mtu["mtu"] == (with_srh if n % 2 else without)
        parts = mtu["configured"]
        less = sum(parts[name] for name in ("ipv4", "udp", "esp", "iv", "icv", "trailer", "ipv6", "srh"))
        assert parts["inner"] == parts["port_mtu"] - less == mtu["mtu"] and not mtu["learned"]
        assert f"mtu {mtu['mtu']} = 1500 (wan) - 20 IPv4 - 8 UDP" in mtu["text"]


def test_a_policy_without_an_sa(place):
    tree = place.configuration()
    del tree["ipsec"]["security_associations"][8]
    with place.running(tree) as strata:
        assert (rows_of(place, "show.policies")[0]["sa"], rows_of(place, "show.policies")[0]["mtu"]) == (None, None)
        mtu = rows_of(place, "show.mtu")[0]
        assert mtu["mtu"] is None and mtu["configured"] is None and "policy.no_sa" in mtu["text"]
        assert "none: no outbound SA takes its packets" in place.show("mtu").stdout
        strata.stop()


def test_routes(place):
    tree = place.configuration(routes=[{"prefix": "203.0.113.0/24", "next_hop": "192.0.2.9", "port": "wan"}])
    with place.running(tree) as strata:
        routes = rows_of(place, "show.routes")
        strata.stop()
    nothing = {"next_hop": None, "port": None, "policy": None}
    assert routes[:3] == [
        {**nothing, "prefix": "192.0.2.0/24", "kind": "connected", "port": "wan"},
        {**nothing, "prefix": "10.1.0.0/24", "kind": "connected", "port": "lan"},
        {**nothing, "prefix": "203.0.113.0/24", "kind": "route", "next_hop": "192.0.2.9", "port": "wan"},
    ]
    of_policies = [{"prefix": f"10.2.{n}.0/24", "kind": "policy", "policy": f"to-{n}"} for n in range(8)]
    assert routes[3:] == [{**nothing, **route} for route in of_policies]


def test_neighbors(running):
    known = {"state": "permanent"}
    assert rows_of(running, "show.neighbors") == [
        *({"port": "wan", "address": journeys.peer(n), "mac": journeys.peer_mac(n), **known} for n in range(8)),
        {"port": "lan", "address": "10.1.0.2", "mac": g.LAN_HOST_MAC, **known},
    ]


def test_a_neighbor_that_does_not_answer(place):
    """Packets for it come, nobody answers ARP: asked again and again."""
    frames, _ = journeys.inbound(8)
    tree = place.configuration(wan=place.played(frames))
    tree["neighbors"] = [entry for entry in tree["neighbors"] if entry["port"] != "lan"]
    with place.running(tree) as strata:
        asked = until(lambda: [row for row in rows_of(place, "show.neighbors") if row["state"] == "asking"])
        assert asked == [{"port": "lan", "address": "10.1.0.2", "mac": None, "state": "asking"}]
        drops = until(lambda: [row for row in rows_of(place, "show.drops") if row["cause"] == "adj.queue_full"])
        assert drops[0]["fate"] == "dropped" and "arp.hold" in drops[0]["why"]
        strata.stop()


def test_stages(place):
    """A capture that is played once, with a wrong ICV in half of its packets: what each step took, exactly."""
    frames, _ = journeys.inbound(16)
    bad = [frame[:-1] + bytes([frame[-1] ^ 1]) for frame in frames]
    once = place.played(frames + bad).removesuffix(",infinite_rx=1")
    with place.running(place.configuration(wan=once)) as strata:
        stages = lambda: {row["step"]: row["packets"] for row in rows_of(place, "show.stages")}  # noqa: E731
        took = until(stages, lambda now: now["ip4_forward"] == 16)
        report = strata.stop()
    assert took == report["steps"] and list(took) == list(report["steps"])
    assert {step: packets for step, packets in took.items() if packets} == {
        "classify": 32, "host_input": 32, "esp_open": 32, "local_sid": 16, "end_dx4": 16, "ip4_forward": 16}


def test_drops(place):
    """Half of the packets have a wrong ICV."""
    frames, _ = journeys.inbound(16)
    bad = [frame[:-1] + bytes([frame[-1] ^ 1]) for frame in frames]
    with place.running(place.configuration(wan=place.played(frames + bad))) as strata:
        drops = until(lambda: rows_of(place, "show.drops"), lambda rows: rows and rows[0]["rate"])
        report = strata.stop()
    (drop,) = drops
    assert (drop["cause"], drop["fate"], drop["source"]) == ("esp.auth_failed", "dropped", "RFC 4303 3.4.4")
    assert "ICV is wrong" in drop["why"] and drop["cause"] in causes()
    assert 0 < drop["rate"] and 0 < drop["packets"] <= report["dropped"]["esp.auth_failed"]


def test_nothing_was_dropped(running):
    assert rows_of(running, "show.drops") == []


def test_config(running):
    with running.client() as client:
        config = client.ask("show.config")["config"]
    assert config["name"] == "test" and config["control"]["socket"] == str(running.socket)
    assert len(config["ipsec"]["security_associations"]) == 16 and config["arp"]["hold"] == 16
    assert all("key" not in sa for sa in config["ipsec"]["security_associations"])
    assert config["ports"]["lan"]["device"] == "net_null1,no-rx=1"


def test_a_worker_that_stands_still_keeps_nobody_waiting(place):
    """What takes all workers is refused and says which one is missing; all else is answered."""
    with place.running(place.configuration(workers={"count": 2})) as strata, place.client() as client:
        assert client.ask("report")["report"]["balanced"]
        with Stopped(threads(strata.pid)["rte-worker-2"]):
            for method in ("show.neighbors", "report"):
                error = until(lambda: client.call(method).get("error"))
                assert error["code"] == -32005 and "worker 1 has made no round for 3 s" in error["message"], error
            # It is waited for once: three seconds for each of them are more than a client here waits for a line.
            asked = [{"jsonrpc": "2.0", "method": "report", "id": n} for n in range(60)]
            assert 3 * len(asked) > PATIENCE
            assert {answer["error"]["code"] for answer in client.say(json.dumps(asked))} == {-32005}
            assert len(client.rows("show.workers")) == 2
            strata.signal(signal.SIGUSR1)
            strata.wait_for("no report: worker 1 has made no round for 3 s")
        assert until(lambda: client.call("report").get("result"))["report"]["balanced"]
        assert until(lambda: client.call("show.neighbors").get("result"))["items"] is not None
        strata.stop()


def test_the_report_adds_up_while_packets_flow(running):
    with running.client() as client:
        report = client.ask("report")["report"]
    assert report["balanced"] and report["buffers_missing"] is None and report["received"] > 0
    ended = sum(sum(report[fate].values()) for fate in ("dropped", "consumed", "punted"))
    assert report["received"] + report["generated"] == report["sent"] + ended + report["parked"]


@pytest.mark.parametrize("name", TABLES)
def test_a_table_comes_in_parts(running, name):
    with running.client() as client:
        rows, start = [], 0
        while start is not None:
            part = client.ask(name, **{"from": start, "most": 3})
            assert len(part["items"]) <= 3
            rows, start = rows + part["items"], part["next"]
        assert len(rows) == part["total"] == len(client.rows(name))
        beyond = client.ask(name, **{"from": 2**63, "most": 1000})
        assert (beyond["items"], beyond["next"], beyond["total"]) == ([], None, part["total"])


def test_several_workers(place):
    frames, _ = journeys.inbound(240)
    tree = place.configuration(wan=place.played(frames), workers={"count": 2})
    with place.running(tree) as strata:
        first, second = until(lambda: rows_of(place, "show.workers"), lambda rows: rows[0]["handed_over"])
        assert (first["sas"], second["sas"], second["received"]) == (8, 8, 0) and first["received"] > 0
        assert {sa["worker"] for sa in rows_of(place, "show.sas")} == {0, 1}
        assert rows_of(place, "show.neighbors")[0]["state"] == "permanent"
        strata.stop()


def test_an_sa_without_traffic_has_used_no_number(place):
    with place.running(place.configuration(wan=NULL)) as strata:
        assert {sa["sequence"] for sa in rows_of(place, "show.sas")} == {0}
        strata.stop()
