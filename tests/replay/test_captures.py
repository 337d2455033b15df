"""The captures that are checked in: made anew and compared, and replayed."""

import json
from pathlib import Path

import pytest

import make_captures
from harness import causes, read_capture, replay

FOLDER = Path(__file__).parent / "captures"

# These need a driver that scatters, a full transmit queue, no buffers, or a fault in strata.
NOT_FROM_A_CAPTURE = {
    "rx.multi_segment",
    "rx.shared",
    "tx.full",
    "tx.no_buffer",
    "tx.no_room",
    "park.wrong_stage",
    "handoff.full",
    "esp.seq_exhausted",
    "esp.not_reserved",
    "esp.expired",
    "esp.seal_failed",
    "esp.open_failed",
}


@pytest.mark.parametrize("name", make_captures.CAPTURES)
def test_made_anew_they_are_the_same(tmp_path, name):
    make_captures.make(name, tmp_path)
    made = sorted(path.name for path in tmp_path.iterdir())
    assert made == sorted(path.name for path in FOLDER.glob(f"{name}.*"))
    for file in made:
        assert (tmp_path / file).read_bytes() == (
            FOLDER / file
        ).read_bytes(), f"{file}: run make_captures.py and look at the difference"


@pytest.mark.parametrize("name", make_captures.CAPTURES)
@pytest.mark.parametrize("burst", [1, 64])
def test_replayed_they_end_as_expected(tmp_path, name, burst):
    arguments = [FOLDER / f"{name}.yaml", "--json", "--explain", "--burst", burst]
    ports = [path.name.split(".")[1] for path in FOLDER.glob(f"{name}.*.expected.pcap")]
    for port in ports:
        arguments += ["--in", f"{port}={FOLDER / name}.{port}.pcap", "--out", f"{port}={tmp_path / port}.pcap"]
        arguments += ["--expect", f"{port}={FOLDER / name}.{port}.expected.pcap"]
    report = json.loads(replay(*arguments, check=0).stdout)
    expected = json.loads((FOLDER / f"{name}.expected.json").read_text())
    got = [packet["cause"] or packet["end"] for packet in report["packets"]]
    assert got == expected.pop("ends")
    assert {key: report[key] for key in expected} == expected
    assert report["balanced"] is True
    assert {entry["port"]: entry["match"] for entry in report["expect"]} == dict.fromkeys(ports, True)
    for port in ports:
        assert read_capture(tmp_path / f"{port}.pcap")[0] == read_capture(FOLDER / f"{name}.{port}.expected.pcap")[0]


# Whoever looks on takes the packets from burst to burst, and one at a time; nobody looks when they go straight on
# (decisions/0012). What a burst asks of neighbors depends on what else is in it.
@pytest.mark.parametrize("name", make_captures.CAPTURES)
@pytest.mark.parametrize("burst", [1, 7, 64])
def test_looked_at_or_not_they_end_the_same(tmp_path, name, burst):
    if name == "host" and burst != 1:
        pytest.skip("asks for neighbors")
    ports = [path.name.split(".")[1] for path in FOLDER.glob(f"{name}.*.expected.pcap")]

    def run(*more):
        arguments = [FOLDER / f"{name}.yaml", "--json", "--burst", burst, *more]
        for port in ports:
            arguments += ["--in", f"{port}={FOLDER / name}.{port}.pcap", "--out", f"{port}={tmp_path / port}.pcap"]
        report = json.loads(replay(*arguments, check=0).stdout)
        sent = [(tmp_path / f"{port}.pcap").read_bytes() for port in ports]
        return {key: value for key, value in report.items() if key != "packets" and "second" not in key}, sent

    looked_at, straight = run("--explain"), run()
    assert straight == looked_at
    assert any(count for count in straight[0]["steps"].values())


def test_every_cause_has_a_packet():
    counted = [json.loads(path.read_text()) for path in FOLDER.glob("*.expected.json")]
    ends = {cause for expected in counted for fate in ("dropped", "consumed", "punted") for cause in expected[fate]}
    assert set(causes()) - NOT_FROM_A_CAPTURE == ends
