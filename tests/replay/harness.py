"""Runs `strata replay` on packets and holds the outcome against what the test says of each one."""

import itertools
import json
import os
import re
import struct
import subprocess
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
START_NS = 1_700_000_000 * 10**9
NANO, MICRO = 0xA1B23C4D, 0xA1B2C3D4

# --poison, --burst: the first is the one whose report is looked at.
MATRIX = (("00", 64), ("a5", 64), ("a5", 1), ("00", 8), ("a5", 32))


def program():
    path = Path(os.environ.get("STRATA", ROOT / "build/release/strata"))
    if not path.is_absolute():
        path = ROOT / path
    assert path.exists(), f"{path} is not there: build it first (./dev build), or name another in STRATA"
    return str(path)


def causes():
    """Every cause and its fate, as the one list in dataplane/drop/cause.hpp has them."""
    text = (ROOT / "dataplane/drop/cause.hpp").read_text()
    return dict((name, fate) for fate, name in re.findall(r'Fate::(\w+), "([a-z0-9_.]+)"', text))


# --- captures --------------------------------------------------------------------------------------------------------


def capture_bytes(frames, *, times=None, magic=NANO, order="<", link=1):
    """A pcap file. times: nanoseconds, one a frame; else one microsecond apart."""
    out = [struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 262144, link)]
    unit = 1 if magic == NANO else 1000
    for i, frame in enumerate(frames):
        time = times[i] if times else START_NS + 1000 * i
        out.append(struct.pack(order + "IIII", time // 10**9, time % 10**9 // unit, len(frame), len(frame)) + frame)
    return b"".join(out)


def read_capture(path):
    """The frames of a pcap file of either byte order, and their times in nanoseconds."""
    data = Path(path).read_bytes()
    order = "<" if data[:4] in (struct.pack("<I", NANO), struct.pack("<I", MICRO)) else ">"
    magic, _, _, _, _, _, link = struct.unpack(order + "IHHiIII", data[:24])
    assert magic in (NANO, MICRO) and link == 1, "not an Ethernet pcap"
    frames, times, at = [], [], 24
    while at < len(data):
        seconds, fraction, captured, length = struct.unpack(order + "IIII", data[at : at + 16])
        assert captured == length
        times.append(seconds * 10**9 + fraction * (1 if magic == NANO else 1000))
        frames.append(data[at + 16 : at + 16 + captured])
        at += 16 + captured
    assert at == len(data)
    return frames, times


# --- one packet and what must become of it ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Sent:
    """Must leave on a port as these octets."""

    port: str
    frame: bytes


@dataclass(frozen=True)
class Case:
    frame: bytes
    end: object  # Sent, or the name of a cause, or a tuple of causes any of which is right
    port: str = "wan"
    note: str = ""


def sent(frame, out, *, to="lan", port="wan", note=""):
    return Case(frame, Sent(to, out), port, note)


def ends(frame, *cause, port="wan", note=""):
    return Case(frame, cause[0] if len(cause) == 1 else tuple(cause), port, note)


# --- running ---------------------------------------------------------------------------------------------------------


@dataclass
class Outcome:
    frames: dict  # port -> frames that left
    files: dict  # port -> the file's octets
    report: dict
    stdout: str
    stderr: str
    status: int


def write_config(config, folder):
    path = Path(folder) / "gateway.yaml"
    if not path.exists():
        tree = config if isinstance(config, dict) else config.tree()
        path.write_text(yaml.safe_dump(tree, sort_keys=False))
    return path


def replay(*arguments, check=None, timeout=120):
    """The bare command; check: the exit status it must have."""
    done = subprocess.run([program(), "replay", *map(str, arguments)], capture_output=True, text=True, timeout=timeout)
    if check is not None:
        assert done.returncode == check, f"exit {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    return done


def run_once(config_file, inputs, out_ports, folder, *, poison="00", burst=64, explain=False):
    """One run over capture files {port: path}. Returns an Outcome; exit 0 is asked for."""
    outputs = {port: Path(folder) / f"out-{port}-{poison}-{burst}-{int(explain)}.pcap" for port in out_ports}
    arguments = [config_file]
    arguments += itertools.chain.from_iterable(("--in", f"{port}={path}") for port, path in inputs.items())
    arguments += itertools.chain.from_iterable(("--out", f"{port}={path}") for port, path in outputs.items())
    arguments += ["--json", "--poison", poison, "--burst", str(burst)] + (["--explain"] if explain else [])
    done = replay(*arguments, check=0)
    frames = {port: read_capture(path)[0] for port, path in outputs.items()}
    files = {port: path.read_bytes() for port, path in outputs.items()}
    return Outcome(frames, files, json.loads(done.stdout), done.stdout, done.stderr, done.returncode)


def run_case(config, cases, tmp_path, *, matrix=MATRIX, ports=("wan", "lan", "lan2"), explain=True):
    """Replays the cases' frames in their order and asserts their ends, in every run of the matrix.

    Asserted: the octets on each port in order, each packet's own cause (by --explain), the counts by cause, the sums
    by port, conservation, and that poison and burst size change nothing. Returns the first run's Outcome.
    """
    folder = Path(tmp_path)
    config_file = write_config(config, folder)
    inputs = {}
    for port in dict.fromkeys(case.port for case in cases):
        mine = [(case.frame, START_NS + 1000 * i) for i, case in enumerate(cases) if case.port == port]
        inputs[port] = folder / f"in-{port}.pcap"
        inputs[port].write_bytes(capture_bytes([f for f, _ in mine], times=[t for _, t in mine]))

    def one(setting):
        (poison, burst), with_explain = setting
        return run_once(config_file, inputs, ports, folder, poison=poison, burst=burst, explain=with_explain)

    settings = [(pair, explain and i == 0) for i, pair in enumerate(matrix)]
    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(one, settings))
    free = any(isinstance(case.end, tuple) for case in cases)
    for (pair, _), outcome in zip(settings, outcomes):
        try:
            check(cases, outcome, ports)
            if not free:
                assert comparable(outcome.report) == comparable(outcomes[0].report)
        except AssertionError as error:
            raise AssertionError(f"with --poison {pair[0]} --burst {pair[1]}: {error}") from error
    return outcomes[0]


def comparable(report):
    """What must be the same in every run: all but the clock's part, the file's name and the order of audit events.

    Nor the steps: whether a packet still has to wait for a neighbor depends on what comes in one burst with it.
    Stages look at a burst one after another, so events of different stages are noted in another order; and when there
    were too many to keep, other ones are kept.
    """
    left_out = {"packets", "config", "steps"} | {key for key in report if key.endswith(("seconds", "per_second"))}
    kept = {key: value for key, value in report.items() if key not in left_out}
    kept["audit"] = sorted(json.dumps(entry, sort_keys=True) for entry in report["audit"])
    if report["audit_suppressed"]:
        kept["audit"] = len(kept["audit"])
    return kept


def check(cases, outcome, ports):
    report = outcome.report
    if "packets" in report:
        check_each(cases, report["packets"])
    check_counts(cases, report)
    check_frames(cases, outcome.frames, ports)
    check_conservation(cases, report, ports)


def check_each(cases, packets):
    assert len(packets) == len(cases)
    for number, (case, entry) in enumerate(zip(cases, packets), 1):
        what = f"packet {number} {case.note}: {entry}"
        assert (entry["number"], entry["port"]) == (number, case.port), what
        if isinstance(case.end, Sent):
            assert (entry["end"], entry["to"]) == ("sent", case.end.port), what
        else:
            allowed = case.end if isinstance(case.end, tuple) else (case.end,)
            assert (entry["cause"] or entry["end"]) in allowed, f"expected {allowed}; {what}"
            assert entry["end"] == (causes()[entry["cause"]] if entry["cause"] else "parked"), what
            assert entry["reason"], what


def check_counts(cases, report):
    fates = causes()
    seen = Counter()
    for fate in ("dropped", "consumed", "punted"):
        for cause, count in report[fate].items():
            assert fates[cause] == fate and count > 0
            seen[cause] += count
    certain = Counter(case.end for case in cases if isinstance(case.end, str))
    free = [case.end for case in cases if isinstance(case.end, tuple)]
    assert sum(seen.values()) == sum(certain.values()) + len(free), (seen, certain, free)
    if free:
        rest = seen - certain
        assert not certain - seen and set(rest) <= set(itertools.chain.from_iterable(free)), (seen, certain, free)
    else:
        assert seen == certain


def check_frames(cases, frames, ports):
    for port in ports:
        expected = [case.end.frame for case in cases if isinstance(case.end, Sent) and case.end.port == port]
        for i, (want, got) in enumerate(zip(expected, frames[port])):
            assert got == want, f"packet {i + 1} on {port}:\nwant {want.hex()}\ngot  {got.hex()}"
        assert len(frames[port]) == len(expected), f"{len(frames[port])} packets on {port}, expected {len(expected)}"


def check_conservation(cases, report, ports):
    left = sum(isinstance(case.end, Sent) for case in cases)
    assert report["balanced"] is True
    assert (report["received"], report["generated"], report["sent"], report["parked"]) == (len(cases), 0, left, 0)
    ended = sum(sum(report[fate].values()) for fate in ("dropped", "consumed", "punted"))
    assert report["received"] + report["generated"] == report["sent"] + ended + report["parked"]
    for port, counts in report["ports"].items():
        assert counts["received"] == sum(case.port == port for case in cases), port
        assert counts["sent"] == sum(isinstance(c.end, Sent) and c.end.port == port for c in cases), port
    assert report["errors"] == []
