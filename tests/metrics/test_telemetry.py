"""The same at DPDK's telemetry socket, asked by DPDK's own script and as its exporters do."""

import os
import subprocess

import pytest

import journeys
from asking import NO_RIGHTS, until
from injected import injected
from running import PATIENCE, Running
from telemetry_client import Telemetry


@pytest.fixture
def runtime(tmp_path, monkeypatch):
    """Where EAL and its script look for the sockets of this test's gateways, and for no others."""
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    return tmp_path / "dpdk"


def test_figures_are_those_of_http(place, runtime):
    frames, _ = journeys.inbound(240)
    with place.running(place.configuration(wan=place.played(frames), metrics={"telemetry": True})) as strata:
        client = Telemetry(runtime / "test" / "dpdk_telemetry.v2")
        assert client.ask("/strata/info") == {"gateway": "test", "version": "0.1.0", "dpdk": client.hello["version"]}
        assert client.ask("/strata/port") == ["wan", "lan"] and client.ask("/strata/worker") == ["0"]
        assert client.ask("/strata/sa") == [f"{way}-{n}" for way in ("from", "to") for n in range(journeys.PEERS)]
        assert client.ask("/strata/sid") == ["fc00:1::d4/128"]
        before = place.scrape()
        asked = {command: client.ask("/strata/" + command) for command in
                 ("port,wan", "worker,0", "sa,from-1", "sid,fc00:1::d4/128", "stages", "causes", "gateway")}
        judge_names(asked, before)
        figures = (
            (asked["port,wan"]["received_packets"], "strata_port_received_packets_total", {"port": "wan"}),
            (asked["worker,0"]["received_packets"], "strata_worker_received_packets_total", {"worker": "0"}),
            (asked["worker,0"]["busy_ms"] / 1000, "strata_worker_busy_seconds_total", {"worker": "0"}),
            (asked["sa,from-1"]["packets"], "strata_sa_packets_total", {"sa": "from-1", "direction": "in"}),
            (asked["sa,from-1"]["bytes"], "strata_sa_bytes_total", {"sa": "from-1", "direction": "in"}),
            (asked["stages"]["esp_open"], "strata_stage_packets_total", {"stage": "esp_open"}),
            (asked["gateway"]["sas_packets_in"], "strata_sas_packets_total", {"direction": "in"}),
        )
        for figure, name, labels in figures:
            assert before[name, labels] <= figure + 0.001 and figure > 0, (name, figure)
        # A page of the metrics may be as old as the one before, and then of an earlier look than telemetry's.
        until(place.scrape, lambda now: all(figure <= now[name, labels] + 0.001 for figure, name, labels in figures))
        client.close()
        strata.stop()


def judge_names(asked, metrics):
    lost = {f"lost_packets_{reason}" for reason in ("missed", "no_buffers", "bad", "not_sent")}
    assert set(asked["port,wan"]) == lost | {"up", "mtu_bytes", "received_packets", "received_bytes", "sent_packets",
                                             "sent_bytes"}
    assert (asked["port,wan"]["up"], asked["port,wan"]["mtu_bytes"]) == (1, 1500)
    assert asked["sa,from-1"].items() >= {"spi": "0x1001", "peer": journeys.peer(1), "algorithm": "aes-128-gcm",
                                          "sequence_left": 2**32 - 1 - 30}.items()
    causes = metrics.by("strata_cause_packets_total", "cause")
    assert set(asked["causes"]) == {cause.replace(".", "_") for cause in causes} and len(asked["causes"]) == len(causes)
    assert set(asked["stages"]) == set(metrics.by("strata_stage_packets_total", "stage"))
    assert asked["gateway"]["sas_in"] == journeys.PEERS


def test_dpdks_own_script(place, runtime):
    with place.running(place.configuration(metrics={"telemetry": True})) as strata:
        asked = subprocess.run(["dpdk-telemetry.py", "-f", "test"], capture_output=True, text=True, timeout=PATIENCE,
                               input="/strata/port,lan\n/help,/strata/sa\n/ethdev/list\nquit\n", env=os.environ)
        assert asked.returncode == 0, asked.stderr
        assert '"received_packets": 0' in asked.stdout and "an SA's name" in asked.stdout
        assert '"/ethdev/list": [0, 1]' in " ".join(asked.stdout.split()).replace("[ ", "[").replace(" ]", "]")
        strata.stop()


def test_what_is_not_there(place, runtime):
    with place.running(place.configuration(metrics={"telemetry": True})) as strata:
        client = Telemetry(runtime / "test" / "dpdk_telemetry.v2")
        assert client.ask("/strata/port,nothing") is None and client.ask("/strata/sa,") is not None
        assert client.ask("/strata/sa," + "a" * 500) is None
        client.close()
        strata.stop()


def test_two_of_one_name_do_not_meet(place, runtime):
    """The second one is instance 1 (dpdk-telemetry.py -i 1)."""
    beside = type(place)(place.folder / "beside")
    beside.folder.mkdir()
    with place.running(place.configuration(metrics={"telemetry": True})) as strata:
        tree = beside.configuration(metrics={"telemetry": True, "entries": 1})
        with beside.running(tree) as second:
            first, other = (Telemetry(runtime / "test" / f"dpdk_telemetry.v2{suffix}") for suffix in ("", ":1"))
            assert len(first.ask("/strata/sa")) == 2 * journeys.PEERS and len(other.ask("/strata/sa")) == 1
            second.stop()
        strata.stop()


def test_http_goes_on_without_it(place, runtime):
    """DPDK's telemetry takes no command of ours: a line says so, and who reads over HTTP does not suffer."""
    tree = place.configuration(metrics={"telemetry": True})
    with Running(tree, place.folder, within=[*injected(place.folder, NO_TELEMETRY=1), *NO_RIGHTS]) as strata:
        strata.wait_for("no metrics at DPDK's telemetry socket: DPDK's telemetry does not take the command /strata/info")
        assert place.scrape()["strata_sas", {"direction": "in"}] == journeys.PEERS
        strata.stop()


def test_none_unless_asked_for(place, runtime):
    with place.running() as strata:
        assert not runtime.exists() and "telemetry" not in strata.log()
        strata.stop()
