"""`strata bench`: that it measures what it was asked to; never how fast."""

import json
import os
import pathlib
import re
import subprocess
import sys
import types

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
STRATA = os.environ.get("STRATA", str(ROOT / "build/release/strata"))

sys.path.insert(0, str(ROOT / "bench"))

import peers  # noqa: E402


def bench(*words):
    return subprocess.run([STRATA, "bench", "--rounds", "9", *words], capture_output=True, text=True, timeout=600)


def test_each_row_that_was_asked_for_and_no_other():
    done = bench("--sizes", "64,imix", "--sas", "1,16", "--caches", "both", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    rows = [(r["direction"], r["size"], r["sas"], r["workers"], r["warm"]) for r in report["results"]]
    wanted = {(d, s, n, 1, w) for d in ("in", "out") for s in ("64", "imix") for n in (1, 16) for w in (True, False)}
    assert len(rows) == len(wanted) and set(rows) == wanted
    assert report["cpu"] and report["tsc_mhz"] > 0 and report["rounds"] == 9
    assert {row["feed"] for row in report["results"]} == {"by bursts"}
    octets = {"64": 64, "imix": (7 * 64 + 4 * 570 + 1400) / 12}
    for row in report["results"]:
        least, most = row["spread"]
        assert 0 < least <= row["cycles"] <= most and row["crypto_cycles"] > 0
        assert abs(row["ratio"] - row["cycles"] / row["crypto_cycles"]) < 0.01
        assert abs(row["mpps"] - report["tsc_mhz"] / row["cycles"]) < 0.02 * row["mpps"]
        assert abs(row["gbps"] - row["mpps"] * octets[row["size"]] * 8 / 1e3) < 0.02 * row["gbps"]


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="two workers want two CPUs")
def test_two_workers_beside_one():
    done = bench("--sizes", "64", "--sas", "1,100", "--workers", "1,2", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    rows = [(r["direction"], r["sas"], r["workers"]) for r in report["results"]]
    assert sorted(rows) == sorted((d, n, w) for d in ("in", "out") for n in (1, 100) for w in (1, 2))
    assert {row["feed"] for row in report["results"]} == {"at once"}, "both are measured in one way"
    for row in report["results"]:
        assert abs(row["mpps"] - row["workers"] * report["tsc_mhz"] / row["cycles"]) < 0.02 * row["mpps"]
        assert ("line_round_trip" in row) == (row["workers"] == 2)
        assert row.get("line_round_trip", 1) > 0
    text = bench("--sizes", "64", "--workers", "2").stdout
    assert re.search(r"^A cache line goes from the first worker's core to the second one's and back in \d+( to \d+)? cycles\.$",
                     text, re.MULTILINE), text
    assert "cache line" not in bench("--sizes", "64").stdout


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="two workers want two CPUs")
def test_stages_of_one_worker_beside_two():
    done = bench("--sizes", "64", "--workers", "1,2", "--stages", "--json")
    assert done.returncode == 0, done.stderr
    for row in json.loads(done.stdout)["results"]:
        assert ("stages" in row) == (row["workers"] == 1)


def test_more_workers_than_cpus():
    cpu = str(min(os.sched_getaffinity(0)))
    done = subprocess.run(["taskset", "-c", cpu, STRATA, "bench", "--workers", "2"], capture_output=True, text=True)
    assert done.returncode == 1 and "2 workers want as many CPUs; this process may use 1" in done.stderr


def test_stages_and_algorithms():
    done = bench("--sizes", "128", "--direction", "in", "--stages", "--algorithm", "chacha20-poly1305", "--no-esn",
                 "--json")
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout)["results"]
    steps = {"rx", "classify", "host_input", "esp_open", "local_sid", "end_dx4", "ip4_forward", "tx"}
    assert steps <= set(row["stages"])
    assert all(cycles > 0 for cycles in row["stages"].values())


def test_devices():
    done = bench("--device", "--sizes", "64,imix", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["devices"] == ["net_pcap", "net_null"] and report["window"] == 0
    rows = [(r["direction"], r["size"]) for r in report["results"]]
    assert sorted(rows) == [("in", "64"), ("in", "imix"), ("out", "64"), ("out", "imix")]
    assert all(0 < r["spread"][0] <= r["cycles"] <= r["spread"][1] for r in report["results"])
    assert all(r["crypto_cycles"] > 0 and r["mpps"] > 0 for r in report["results"])


def test_devices_of_ones_own():
    done = bench("--device", "--sizes", "64", "--direction", "out", "--tx", "net_ring0", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["devices"] == ["net_pcap", "net_ring0"]
    done = bench("--device", "--sizes", "64", "--direction", "in", "--rx", "net_null1", "--tx", "net_null2,no-rx=1")
    assert done.returncode == 1 and "packets of net_null1 did not leave by net_null2" in done.stderr, done.stderr
    done = bench("--device", "--sizes", "64", "--rx", "net_null1,no-rx=1", "--tx", "net_null2,no-rx=1")
    assert done.returncode == 1 and "no packets came from the device net_null1" in done.stderr, done.stderr


def test_played_captures_are_not_left_behind(tmp_path):
    done = subprocess.run([STRATA, "bench", "--rounds", "9", "--device", "--sizes", "64"],
                          capture_output=True, text=True, timeout=600,
                          env={**os.environ, "TMPDIR": str(tmp_path)})
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.iterdir()) == []
    done = subprocess.run([STRATA, "bench", "--rounds", "9", "--device"], capture_output=True, text=True, timeout=600,
                          env={**os.environ, "TMPDIR": str(tmp_path / "none")})
    assert done.returncode == 1 and "no folder for temporary files" in done.stderr, done.stderr


def test_wrong_words():
    for words in (("--rx", "net_null0"), ("--device", "--sas", "4"), ("--device", "--stages")):
        assert bench(*words).returncode == 2, words
    for words in (("--sizes", "27"), ("--sizes", "64,many"), ("--sas", "0"), ("--direction", "up"), ("--rounds", "3"),
                  ("--workers", "0")):
        done = bench(*words)
        assert done.returncode == 2 and words[1].split(",")[-1] in done.stderr + done.stdout, (words, done)


@pytest.mark.parametrize("direction", peers.DIRECTIONS)
def test_strata_as_it_stands_beside_its_peers(direction, tmp_path):
    """The peers want a build of their own; but strata's side of that must still be a configuration that it takes."""
    peers.captures(tmp_path)
    core = max(os.sched_getaffinity(0))
    options = types.SimpleNamespace(strata=pathlib.Path(STRATA).resolve(), folder=tmp_path, core=core, seconds=0)
    assert peers.rate_of(peers.Strata(options), direction, 64, options) > 0
