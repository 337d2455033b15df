"""Lifetimes of SAs (duty 31): what is told of them and what is shown, and how the old inbound SA and the new one work
side by side until the old one ends."""

import dataclasses
import json
import shutil

import journeys
from asking import until
from test_events import told

import gateway as g

FOREVER = {"seconds": None, "bytes": None, "packets": None}
TIMED = {("from-0", "soft"), ("from-0", "hard"), ("to-0", "soft"), ("to-1", "hard")}


def lifetimes(seconds):
    """By SA: some that end by the clock, some by what they carry, and one that has all of it before it."""
    return {
        "from-0": {"soft": {"seconds": seconds}, "hard": {"seconds": 2 * seconds}},
        "from-1": {"soft": {"bytes": 10**15}, "hard": {"packets": 1000}},
        "from-2": {"soft": {"bytes": 1000}},
        "to-0": {"soft": {"seconds": seconds}},
        "to-1": {"hard": {"seconds": seconds}},
        "to-2": {"soft": {"bytes": 4000}, "hard": {"bytes": 5000, "packets": 9}},
    }


def with_lifetimes(tree, by_name):
    for sa in tree["ipsec"]["security_associations"]:
        if sa["name"] in by_name:
            sa["lifetime"] = by_name[sa["name"]]
    return tree


def sas_of(client):
    return {row["name"]: row for row in client.rows("show.sas")}


def events_of(client):
    """Those of the SAs that end by the clock, as they come. None: one had ended before anybody asked to be told, or
    before its soft end was looked at."""
    client.ask("subscribe", events=["sa"])
    if any(sas_of(client)[name]["state"] != "mature" for name, _ in TIMED):
        return None
    events = []
    while {(event["name"], event["lifetime"]) for event in events} < TIMED:
        event = told(client, "sa")
        events += [event] * ((event["name"], event["lifetime"]) in TIMED)
        told_of = {(event["name"], event["lifetime"]) for event in events}
        if ("from-0", "hard") in told_of and ("from-0", "soft") not in told_of:
            return None
    return events


def judge_events(events, seconds):
    assert len(events) == len(TIMED)
    of = {(event["name"], event["lifetime"]): event for event in events}
    for (name, lifetime), event in of.items():
        assert event["state"] == {"soft": "dying", "hard": "dead"}[lifetime] and event["limit"] == "seconds"
        assert event["allowed"] == seconds * (1 + ((name, lifetime) == ("from-0", "hard"))) <= event["reached"]
        assert event["direction"] == {"f": "in", "t": "out"}[name[0]]
    assert (of["from-0", "soft"]["spi"], of["to-1", "hard"]["spi"]) == (0x1000, 0x2001)
    assert events.index(of["from-0", "soft"]) < events.index(of["from-0", "hard"])


def judge_rows(rows):
    states = {name: row["state"] for name, row in rows.items() if row["state"] != "mature"}
    assert states == {"from-0": "dead", "from-1": "dead", "from-2": "dying", "to-0": "dying", "to-1": "dead"}
    assert rows["from-0"]["soft_left"] == rows["from-0"]["hard_left"] == {**FOREVER, "seconds": 0}
    one = rows["from-1"]
    assert one["hard_left"] == {**FOREVER, "packets": 0} and one["packets"] >= 1000
    assert 0 <= 10**15 - one["bytes"] - one["soft_left"]["bytes"] < 10**6
    assert rows["from-2"]["soft_left"] == {**FOREVER, "bytes": 0} and rows["from-2"]["hard_left"] == FOREVER
    assert rows["to-2"]["hard_left"] == {"seconds": None, "bytes": 5000, "packets": 9}
    assert rows["to-3"]["soft_left"] == rows["to-3"]["hard_left"] == FOREVER


def one_start(place, seconds):
    """False: the first of them was over too soon to be told."""
    frames, _ = journeys.inbound(8)
    shutil.rmtree(place.folder / "state", ignore_errors=True)  # outbound it is the key's life
    tree = with_lifetimes(place.configuration(wan=place.played(frames)), lifetimes(seconds))
    with place.running(tree) as strata:
        with place.client() as client:
            events = events_of(client)
            if events is None:
                return False
            judge_events(events, seconds)
            until(lambda: sas_of(client), lambda rows: rows["from-1"]["state"] == "dead" and rows["from-2"]["packets"])
            until(lambda: "SA from-2: its soft lifetime is over" in strata.log())
            judge_rows(sas_of(client))
            shown = place.show("sas").stdout
        log, report = strata.log(), strata.stop()
    assert "mature  soft 4000 bytes, hard 5000 bytes 9 packets\n" in shown and "dead    soft 0 s, hard 0 s\n" in shown
    for name, lifetime in TIMED | {("from-1", "hard"), ("from-2", "soft")}:
        assert log.count(f"SA {name}: its {lifetime} lifetime is over (") == 1, log
    assert log.count("lifetime is over (") == 6, log
    assert set(report["dropped"]) == {"esp.expired"} and report["steps"]["end_dx4"] > 1000
    return True


def test_what_is_told_and_shown(place):
    """Again with more time where the machine was too slow to listen in time."""
    assert any(one_start(place, seconds) for seconds in (1, 4, 16, 64))


def test_rekeying_loses_nothing(place):
    """The peer sends on the old SA and on the new one in turns. When the old one ends its packets are dropped, each of
    them for that, and none of the new one's is."""
    old = journeys.inbound_sa(0)
    new = dataclasses.replace(old, name="from-0-new", spi=0x1100, key_from=64)
    frames = [g.good(sa, seq, six={"src": "fc00:2::2"}) for seq in range(1, 33) for sa in (old, new)]
    tree = place.configuration(wan=place.played(frames))
    tree["ipsec"]["security_associations"].insert(1, {**new.config(), "replay_window": 0})
    with place.running(with_lifetimes(tree, {"from-0": {"hard": {"packets": 2000}}})) as strata:
        with place.client() as client:
            at_the_end = until(lambda: sas_of(client), lambda rows: rows["from-0"]["state"] == "dead")
            assert min(at_the_end[sa.name]["packets"] for sa in (old, new)) >= 1900
            enough = at_the_end["from-0-new"]["packets"] + 1000
            until(lambda: sas_of(client), lambda rows: rows["from-0-new"]["packets"] > enough)
            assert client.rows("show.drops")[0]["cause"] == "esp.expired"
            kept = sas_of(client)["from-0"]["packets"]
        log, report = strata.log(), strata.stop()
    assert "audit esp.expired: port wan, SPI 0x1000, 192.0.2.10 > 192.0.2.1" in log
    received, opened = report["ports"]["wan"]["received"], report["security_associations"]
    assert set(report["dropped"]) == {"esp.expired"}, json.dumps(report)
    assert opened["from-0-new"]["packets"] == received // 2
    assert opened["from-0"]["packets"] == kept == received - received // 2 - report["dropped"]["esp.expired"]
    assert report["steps"]["end_dx4"] == received - report["dropped"]["esp.expired"]


def carried(numbers):
    """By the state file: what each key has carried, in octets."""
    return [int(line.split()[-1]) for line in numbers.read_text().splitlines() if line.startswith("key ")]


def test_a_life_that_is_over_stays_so_after_a_kill(place):
    """What a key had carried is written when that has ended it: no numbers are reserved any more that it would go with.
    Nothing goes by the other SAs."""
    frames, _ = journeys.outbound(1)
    tree = place.configuration(lan=place.played(frames, 1), wan="net_null0,no-rx=1")
    tree = with_lifetimes(tree, {"to-0": {"hard": {"bytes": 5000}}})
    with place.running(tree):
        with place.client() as client:
            until(lambda: sas_of(client)["to-0"], lambda row: row["state"] == "dead")
        until(lambda: max(carried(place.folder / "state" / "sequence-numbers")), lambda octets: octets >= 5000)
    with place.running(tree) as strata:  # the one before was killed
        with place.client() as client:
            row = sas_of(client)["to-0"]
            assert (row["state"], row["packets"]) == ("dead", 0) and row["hard_left"]["bytes"] == 0
        assert "SA to-0: its hard lifetime is over (" in strata.log()
        strata.stop()
