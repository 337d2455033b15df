"""One, two and three workers, live, over the same captures: the same frames, each flow's in one order."""

import os
import random
import time

import pytest

from calm import calm, flows, multiset, numbers_in_order, of_one_source
from harness import capture_bytes, read_capture

from running import PATIENCE, Running

COUNT = 900  # less than a ring between workers holds: so none is full, however long one of them is not on its CPU
KINDS = ("tunnel", "tunnel", "tunnel", "outbound", "outbound", "in_clear")


def live(workers):
    def change(tree):
        tree["ports"].pop("host", None)
        for number, (name, port) in enumerate(tree["ports"].items()):
            port["device"] = f"net_pcap{number},rx_pcap={name}.in,tx_pcap={name}.out"
        tree["icmp"]["errors_per_second"] = 0
        tree.update(state={"unsafe_lab_without_state": True}, control={"enabled": False}, metrics={"http": False},
                    workers={"count": workers})

    return change


def left_by(made, folder):
    """{port: frames} of a gateway that has had all of the capture, and its report."""
    folder.mkdir()
    for port in made.tree["ports"]:
        mine = [(frame, at) for name, frame, at in made.packets if name == port]
        (folder / f"{port}.in").write_bytes(capture_bytes([f for f, _ in mine], times=[t for _, t in mine]))
    with Running(made.tree, folder, within=["env", "-C", str(folder)]) as strata:
        wait_until_quiet([folder / f"{port}.out" for port in made.tree["ports"]], strata)
        report = strata.stop()
    return {port: read_capture(folder / f"{port}.out")[0] for port in made.tree["ports"]}, report


def wait_until_quiet(files, strata):
    """net_pcap does not say that a capture has come to its end; the report does, in the end, and the test asks it."""
    seen, since, until = None, time.monotonic(), time.monotonic() + PATIENCE
    while time.monotonic() < min(until, since + 3):
        now = [os.stat(file).st_size for file in files]
        if now != seen:
            seen, since = now, time.monotonic()
        time.sleep(0.1)


@pytest.mark.parametrize("seed", [1, random.SystemRandom().randrange(2**31)])
def test_as_many_workers_as_one_likes(tmp_path, seed):
    print(f"\nseed {seed}")
    outcomes = []
    for workers in (1, 2, 3):
        made = calm(seed, COUNT, change=live(workers), only=KINDS)
        left, report = left_by(made, tmp_path / str(workers))
        assert report["received"] == COUNT, "not all was read when it was ended"
        assert len(report["workers"]) == workers and "handoff.full" not in report["dropped"]
        assert workers == 1 or report["steps"]["pick_up"] > 20
        mine = of_one_source(made)
        kept = {flow: frames for flow, frames in flows(made.settings, left).items() if flow in mine}
        assert sum(len(frames) > 1 for frames in kept.values()) > 20
        outcomes.append((multiset(made.settings, left), kept, report["dropped"], report["consumed"]))
        for frames in left.values():
            numbers_in_order(made.settings, frames)
    assert sum(map(len, outcomes[0][0].values())) > 200
    for outcome in outcomes[1:]:
        for mine, other in zip(outcomes[0], outcome):
            assert mine == other
