"""`strata trace`: live packets' journeys, against what scapy made of them and what `strata replay --explain` says."""

import json
import subprocess

import jsonschema
import pytest
import yaml

import journeys
from asking import until
from running import PATIENCE, program
from test_last_drops import BROKEN, NO_ROUTE, OPENED, configuration, sealed
from test_methods import EVENTS
from users import AS_ROOT, let_in, strata_as_nobody

from harness import capture_bytes

GOOD = [sealed(seq)[1] for seq in range(31, 37)]


def trace(place, *words):
    done = subprocess.run([program(), "trace", *words, "--socket", str(place.socket)], capture_output=True, text=True,
                          timeout=PATIENCE)
    assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout.splitlines()


def told(place, *words):
    events = [json.loads(line) for line in trace(place, *words, "--json")]
    for event in events:
        jsonschema.Draft7Validator(EVENTS["trace"]).validate(event)
    return events


@pytest.fixture(scope="module")
def passing(tmp_path_factory):
    from asking import Place

    place = Place(tmp_path_factory.mktemp("passing"))
    tree = configuration(place)
    tree["ports"]["wan"]["device"] = place.played([*GOOD, *BROKEN, *OPENED.values()])
    with place.running(tree) as strata:
        yield place
        report = strata.stop()
        assert report["received"] > 1000


def explained(place, frame):
    """What replay says of the same frame, without number and port."""
    tree = configuration(place)
    for port in tree["ports"].values():
        port["device"] = "net_null0"
    (place.folder / "replay.yaml").write_text(yaml.safe_dump(tree, sort_keys=False))
    (place.folder / "one.pcap").write_bytes(capture_bytes([frame]))
    done = subprocess.run([program(), "replay", place.folder / "replay.yaml", "--in", f"wan={place.folder}/one.pcap",
                           "--explain"], capture_output=True, text=True, check=True, timeout=PATIENCE)
    return done.stdout.splitlines()[0].split(" ", 1)[1]


def test_the_journey_is_as_explained(passing):
    lines = {line.split(" ", 1)[1] for line in trace(passing, "--filter", "udp port 4500", "--count", "60")}
    for frame in (GOOD[0], BROKEN[3], next(iter(OPENED.values()))):
        assert explained(passing, frame) in lines


def test_filter_and_cause(passing):
    """The second of a kind alone, by its sequence number; then one cause; then another port."""
    events = told(passing, "--filter", "udp[12:4] = 32", "--count", "5")
    assert [bytes.fromhex(event["octets"]) for event in events] == [GOOD[1][:128]] * 5
    assert all((event["end"], event["to"], event["length"]) == ("sent", "lan", len(GOOD[1])) for event in events)
    assert {event["cause"] for event in told(passing, "--cause", "sr6.no_sid", "--count", "5")} == {"sr6.no_sid"}
    (event,) = told(passing, "--filter", "dst net 172.31.0.0/16", "--count", "1")
    assert bytes.fromhex(event["octets"]) in [frame[:128] for frame in NO_ROUTE]
    assert (event["port"], event["end"], event["cause"]) == ("lan", "dropped", "ip4.no_route")


def test_of_a_wrong_icv_nothing_is_told_of_the_inside(passing):
    """Duty 13."""
    for event in told(passing, "--cause", "esp.auth_failed", "--count", "5"):
        assert event["steps"][-1].startswith("host_input: SA from-0") and "ICV right" not in str(event["steps"])


@AS_ROOT
def test_who_has_not_the_right_is_told_of_places_alone(passing):
    let_in(passing)
    done = strata_as_nobody(passing, "trace", "--count", "40", "--json")
    assert done.returncode == 0 and "what is inside is not told" in done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert {event["port"] for event in events} == {"wan"}
    assert "esp_open: Ip6, not for you" in {step for event in events for step in event["steps"]}
    for inside in ("10.1.0.2", "10.2.0.2", "fc00:"):
        assert inside not in done.stdout


def test_several_workers(place):
    """A packet is followed to the worker that has its SA."""
    frames, _ = journeys.inbound(16)
    with place.running(place.configuration(wan=place.played(frames), workers={"count": 2})) as strata:
        events = told(place, "--count", "40")
        assert {event["end"] for event in events} == {"sent"} and {event["to"] for event in events} == {"lan"}
        opened = [step for event in events for step in event["steps"] if step.startswith("esp_open: ICV right")]
        assert len(opened) == 40
        strata.stop()


def test_one_at_a_time_and_it_ends_with_its_client(passing):
    with passing.client() as one, passing.client() as other:
        assert one.ask("trace") == {"payload": True}
        assert other.refused("trace")["code"] == -32006
        assert other.ask("trace.stop") == {"stopped": False}
        assert one.event()[0] == "trace"
    with passing.client() as other:
        until(lambda: "result" in other.call("trace", count=1))
        while other.event()[0] != "trace_end":
            pass


def test_what_is_wrong_is_said(passing):
    done = subprocess.run([program(), "trace", "--filter", "udp prt 4500", "--socket", str(passing.socket)],
                          capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 2 and "--filter 'udp prt 4500': " in done.stderr and "pcap-filter(7)" in done.stderr
    with passing.client() as client:
        assert "tcpdump -ddd" in client.refused("trace", filter="udp port 4500")["message"]
        assert "jumps or reads" in client.refused("trace", filter="1,5 0 0 9")["message"]
        assert "no such cause" in client.refused("trace", cause="esp.nothing")["message"]
