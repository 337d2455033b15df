#!/usr/bin/python3
"""Ping through it: two hosts, two gateways that are `strata run`, an internet between them, all out of namespaces.

STRATA names the program; else build/release/strata. As root: ./dev demo --live
"""

import argparse
import contextlib
import signal
import sys
import tempfile
from pathlib import Path

import checks
import ending
from network import network
from screen import FAULTS, Screen

from netns import why_not  # noqa: I001, from tests/live, where network.py has found it

PICTURE = """\
   host A             gateway A              the internet              gateway B             host B
  10.1.0.2 ---- 10.1.0.1 | 192.0.2.1 ---- router, MTU 1500 ---- 198.51.100.1 | 10.2.0.1 ---- 10.2.0.2
                    strata run        ESP in UDP (IPv6 (IPv4))         strata run"""


def demo(screen, folder, device):
    screen.say(PICTURE)
    with network(folder, device) as net:
        captures = checks.pings(screen, net, folder)
        checks.mtus(screen, net)
        checks.hosts(screen, net)
        captures += checks.load(screen, net, folder)
        checks.wire(screen, net, captures)
        ending.ends(screen, net)


SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def ended_from_outside(*_):
    for number in SIGNALS:  # a second one must not keep namespaces from being removed
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", choices=("af_packet", "tap"), default="af_packet",
                        help="what the gateways' ports are")
    options = parser.parse_args()
    missing = why_not()
    if missing:
        sys.exit(f"the live demo cannot run here: {missing}")
    for number in SIGNALS:
        signal.signal(number, ended_from_outside)
    screen = Screen()
    try:
        with tempfile.TemporaryDirectory(prefix="strata-demo-") as folder:
            demo(screen, Path(folder), options.device)
    except KeyboardInterrupt:
        screen.say("\ninterrupted: all that was started is ended, the namespaces are gone")
        return 130
    except FAULTS as error:
        screen.failed("the network", error)
    return screen.verdict()


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        sys.exit(main())
