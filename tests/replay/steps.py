"""Packets to a gateway that answers: the end of each, and all that leaves because of it or by the clock."""

import io
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from scapy.utils import RawPcapReader

from gateway import Sa
from harness import START_NS, capture_bytes, causes, comparable, run_once, write_config
from test_outbound import expected_ipv6, label_of, opened

# --poison, --burst: the first is the one whose packets are explained.
MATRIX = (("00", 64), ("a5", 1), ("00", 8), ("a5", 32))
# Frames of one second, and at one port, are grouped. ONE_BY_ONE is for those that come in different seconds anyway;
# ALONE where the moment within the second counts.
ALONE = (("00", 1), ("a5", 1))
ONE_BY_ONE = (("00", 64), ("a5", 64))


@dataclass(frozen=True)
class Step:
    """A packet to the gateway. at: milliseconds since the start; else a microsecond after the step before."""

    frame: bytes
    end: str  # "sent", "parked", or a cause
    leaves: tuple = ()  # (port, octets or Sealed)
    counts: object = None  # the causes that go up by it, in the end; else: its own, if it ends for one
    port: str = "wan"
    at: object = None


@dataclass(frozen=True)
class Due:
    """What the clock alone brings about, at that millisecond."""

    at: int
    leaves: tuple = ()
    counts: tuple = ()


@dataclass(frozen=True)
class Tunnel:
    """How a policy and its SA send."""

    sa: Sa
    segments: tuple = ("fc00:2::d4",)
    mode: str = "H.Encaps.Red"


@dataclass(frozen=True)
class Sealed:
    """Must leave in a tunnel, under the next sequence number of its SA."""

    tunnel: Tunnel
    packet: bytes
    tos: int = 0


def expected_of(steps):
    """The account that the report must give."""
    fates = causes()
    counts = Counter()
    for step in steps:
        own = (step.end,) if isinstance(step, Step) and step.end in fates else ()
        counts.update(own if step.counts is None else step.counts)
    arrived = [step for step in steps if isinstance(step, Step)]
    expected = {"received": len(arrived), "sent": sum(len(step.leaves) for step in steps)}
    expected["generated"] = expected["sent"] + sum(counts.values()) - len(arrived)
    for fate in ("dropped", "consumed", "punted"):
        expected[fate] = {cause: counts[cause] for cause in sorted(counts) if fates[cause] == fate}
    expected["ends"] = [step.end for step in arrived]
    return expected


def times_of(steps):
    times, now = [], START_NS - 1000
    for step in steps:
        now = now + 1000 if step.at is None else START_NS + step.at * 10**6
        assert not times or now > times[-1], f"{step} is not in the order of time"
        times.append(now)
    return times


def run_steps(config, steps, tmp_path, *, matrix=MATRIX, ports=("wan", "lan", "lan2")):
    """Replays the steps' frames and asserts all that leaves, in its order, the ends, the counts and their sums.

    What leaves on a port may not depend on the poison or on how the frames are grouped. Returns the first Outcome.
    """
    folder = Path(tmp_path)
    folder.mkdir(exist_ok=True)
    config_file = write_config(config, folder)
    times = times_of(steps)
    inputs = {}
    for port in ports:
        mine = [(s.frame, time) for s, time in zip(steps, times) if isinstance(s, Step) and s.port == port]
        if mine:
            inputs[port] = folder / f"in-{port}.pcap"
            inputs[port].write_bytes(capture_bytes([f for f, _ in mine], times=[t for _, t in mine]))

    def one(setting):
        number, (poison, burst) = setting
        return run_once(config_file, inputs, ports, folder, poison=poison, burst=burst, explain=number == 0)

    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(one, enumerate(matrix)))
    for (poison, burst), outcome in zip(matrix, outcomes):
        try:
            check(steps, times, outcome, ports)
            assert comparable(outcome.report) == comparable(outcomes[0].report)
        except AssertionError as error:
            raise AssertionError(f"with --poison {poison} --burst {burst}: {error}") from error
    return outcomes[0]


def check(steps, times, outcome, ports):
    report, expected = outcome.report, expected_of(steps)
    ends = expected.pop("ends")
    if "packets" in report:
        for number, (end, told) in enumerate(zip(ends, report["packets"], strict=True), 1):
            assert (told["cause"] or told["end"]) == end, f"packet {number}, expected {end}: {told}"
    sequences = Counter()
    for port in ports:
        wanted = [
            (frame, time if isinstance(step, Due) else None)
            for step, time in zip(steps, times)
            for to, frame in step.leaves
            if to == port
        ]
        check_port(port, wanted, outcome, sequences)
    assert {key: report[key] for key in expected} == expected
    assert (report["balanced"], report["parked"], report["errors"]) == (True, 0, [])


def check_port(port, wanted, outcome, sequences):
    got = outcome.frames[port]
    left_at = [meta.sec * 10**9 + meta.usec for _, meta in RawPcapReader(io.BytesIO(outcome.files[port]))]
    for number, ((want, due), frame, time) in enumerate(zip(wanted, got, left_at), 1):
        what = f"frame {number} out of {port}"
        if isinstance(want, Sealed):
            sequences[want.tunnel.sa.name] += 1
            check_sealed(want, frame, sequences[want.tunnel.sa.name], what)
        else:
            assert frame == want, f"{what}:\nwant {want.hex()}\ngot  {frame.hex()}"
        assert due in (None, time), f"{what} left {(time - due) / 10**6} ms late"
    assert len(got) == len(wanted), f"{len(got)} frames out of {port}, expected {len(wanted)}"


def check_sealed(want, frame, sequence, what):
    tunnel = want.tunnel
    ipv6, _ = opened(tunnel.sa, frame, sequence, tos=want.tos)
    wanted = expected_ipv6(tunnel.segments, tunnel.mode, want.packet, label_of(ipv6), want.tos)
    assert ipv6 == wanted, f"{what}, opened:\nwant {wanted.hex()}\ngot  {ipv6.hex()}"
