#!/usr/bin/python3
"""What a packet of a flood costs beside a good one, and what is left of the good ones: floods.py --strata FILE [--rounds N]

net_pcap plays captures over and over, net_null takes what leaves, as in bench/peers.py. Of each kind (tests/control_socket/
floods.py has them) one capture has that kind alone, another one as many good packets as bad ones, in turns; they take
turns with captures of good packets alone, round by round. What is counted is received packets for each second of CPU
time that the worker had, so that a busy machine shows less. It prints a table of medians, with the spread of the rounds.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests" / room) for room in ("replay", "live", "control_socket")]

import floods  # noqa: E402
import journeys  # noqa: E402

import gateway as g  # noqa: E402
from harness import capture_bytes  # noqa: E402

COUNT = 512  # frames of a capture
PATIENCE = 60  # seconds, for a start
NULL = "net_null{},no-rx=1"


def captures():
    """By name: the port, and the frames."""
    good = {"wan": floods.good_inbound(COUNT), "lan": floods.good_outbound(COUNT)}
    made = {f"good {port}": (port, frames) for port, frames in good.items()}
    for port, kinds in (("wan", floods.WAN), ("lan", floods.LAN)):
        for kind in kinds:
            bad = [kind(k) for k in range(COUNT)]
            made[kind.__name__] = port, bad
            made[f"{kind.__name__} beside"] = port, [frame for pair in zip(good[port], bad) for frame in pair]
    return made


def configuration(folder, port, frames):
    path = folder / "played.pcap"
    path.write_bytes(capture_bytes(frames))
    devices = {name: {"device": NULL.format(n), "mac": mac} for n, (name, mac) in
               enumerate((("wan", g.WAN_MAC), ("lan", g.LAN_MAC)))}
    devices[port]["device"] = f"net_pcap0,rx_pcap={path},infinite_rx=1"
    tree = floods.with_a_window(journeys.configuration(devices["wan"], devices["lan"]))
    return {**tree, "eal": {"hugepages": "never"}, "metrics": {"http": False},
            "state": {"unsafe_lab_without_state": True}, "control": {"socket": str(folder / "socket")}}


def worker_of(pid):
    """The worker's thread: nanoseconds of CPU time are the first word of what the kernel says of its schedule."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        if (task / "comm").read_text().strip() == "rte-worker-1":
            return task / "schedstat"
    raise SystemExit("strata run has no worker")


def received(strata, folder):
    asked = subprocess.run([strata, "show", "ports", "--json", "--socket", folder / "socket"], capture_output=True,
                           text=True)
    return sum(port["received"] for port in json.loads(asked.stdout)) if asked.returncode == 0 else None


def nanoseconds(strata, seconds, port, frames):
    """CPU time for each packet."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "gateway.yaml").write_text(yaml.safe_dump(configuration(folder, port, frames), sort_keys=False))
        with subprocess.Popen([strata, "run", folder / "gateway.yaml"], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL) as process:
            end = time.monotonic() + PATIENCE
            while not received(strata, folder):
                if process.poll() is not None or time.monotonic() > end:
                    sys.exit("strata run does not start")
                time.sleep(0.05)
            schedule = worker_of(process.pid)
            before = received(strata, folder), int(schedule.read_text().split()[0])
            time.sleep(seconds)
            after = received(strata, folder), int(schedule.read_text().split()[0])
            process.terminate()
    return (after[1] - before[1]) / (after[0] - before[0])


def table(rounds):
    """Costs and what is left of the good packets, against good packets alone of the same round."""
    lines = ["| flood | ns a packet | of a good one | good packets, as many bad ones beside them |", "|---|---:|---:|---:|"]
    for port, kinds in (("wan", floods.WAN), ("lan", floods.LAN)):
        good = [costs[f"good {port}"] for costs in rounds]
        lines.append(f"| none: good ones of {port} | {statistics.median(good):.0f} | 1 | 1 |")
        for kind in (kind.__name__ for kind in kinds):
            alone = [costs[kind] for costs in rounds]
            ratios = [cost / one for cost, one in zip(alone, good)]
            left = [one / (2 * costs[f"{kind} beside"]) for costs, one in zip(rounds, good)]
            lines.append(f"| {kind.replace('_', ' ')} | {statistics.median(alone):.0f} | {spread(ratios)} | {spread(left)} |")
    return "\n".join(lines)


def spread(values):
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--strata", required=True, type=os.path.abspath)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.5, help="of each measurement")
    options = parser.parse_args()
    made, rounds = captures(), []
    for n in range(options.rounds):
        print(f"round {n + 1} of {options.rounds}", file=sys.stderr)
        rounds.append({name: nanoseconds(options.strata, options.seconds, *made[name]) for name in made})
    print(table(rounds))


if __name__ == "__main__":
    main()
