#!/usr/bin/python3
"""Two gateways live for as long as one likes, with hosts behind them, a stranger on the wire, operators, clients and faults,
all drawn from a seed; and the account of every packet. As root: ./dev soak [MINUTES] [SEED]

STRATA names the program; else build/release/strata. docs/operations/soak.md says how to read what it prints.
"""

import argparse
import collections
import contextlib
import random
import re
import shutil
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "live"))

from netns import why_not  # noqa: E402
from scene import Keys, scene, until  # noqa: E402

import accounting  # noqa: E402
import changes  # noqa: E402
import clients  # noqa: E402
import faults  # noqa: E402
import table  # noqa: E402
from engine import Engine  # noqa: E402
from hosts import Hosts  # noqa: E402
from onlookers import Onlookers  # noqa: E402
from running import is_sanitized  # noqa: E402
from wire import Wire  # noqa: E402

RATE = 4  # packets of hosts each hundredth of a second, on average; and their echoes
DISTURBED = 0.3  # frames of the stranger in the same time
PATIENCE = 120
PIECES = 4096  # octets by which DPDK's memory may be cut otherwise into as many pieces
SETTLING, GROWTH = 5, 4096  # a process may grow in its first accounts, and by so many KiB later: of allocators, not of leaks

# What is drawn, and how often of so many.
GENTLE = {
    "rekey": (changes.rekey_any, 6),
    "SA replaced by itself": (changes.an_sa_is_replaced_by_itself, 2),
    "SA of nobody": (changes.an_sa_of_nobody, 2),
    "reload, unchanged": (changes.reload_unchanged, 3),
    "reload, changed": (changes.reload_changed, 4),
    "reload, broken file": (changes.reload_broken, 4),
    "reload by SIGHUP": (changes.reload_by_signal, 1),
    "route and neighbor": (changes.a_route_and_a_neighbor, 3),
    "packets to nobody": (changes.packets_to_nobody, 1),
    "SID and policy": (changes.a_sid_and_a_policy, 3),
    "trace": (clients.trace, 2),
    "trace, killed": (clients.trace_cut_off, 1),
    "capture": (clients.capture, 3),
    "capture to a full disk": (clients.capture_to_a_full_disk, 1),
    "scrape": (clients.scrape, 3),
    "tables": (clients.show, 2),
    "rude clients": (clients.rude_clients, 3),
    "clients come and go": (clients.clients_that_come_and_go, 1),
    "rude to metrics": (clients.rude_to_metrics, 1),
    "process stopped": (faults.process_stopped, 2),
    "worker stopped": (faults.worker_stopped, 2),
    "disk of the state full": (faults.disk_of_the_state_full, 2),
    "load": (faults.load_of_one_worker, 2),
}
ROUGH = {
    "link down": (faults.link_down, 4),
    "kill -9": (faults.killed, 3),
    "restart": (faults.restarted, 2),
}
SOFT = "rekey by soft lifetime"


class Soak:
    """What all of it has in common: the scene, the thread of hosts and wire, what was drawn, what was seen."""

    def __init__(self, made, engine, seed, minutes, folder, log):
        self.scene, self.engine, self.folder = made, engine, folder
        self.draw = random.Random(seed)  # what is done, and in which order
        of_packets = random.Random(seed + 1)
        self.hosts = Hosts(engine, made, of_packets, RATE)
        self.wire = Wire(engine, made, of_packets)
        engine.turns.append(self._disturb)
        self.of_packets, self._disturbances = of_packets, 0.0
        self.begun, self.seconds = time.monotonic(), 60 * minutes
        self.log, self.bad = log, []
        self.kept = []  # what a process did not give back; no reason to end before the time is over
        self.epoch, self.epochs, self.exact = accounting.Epoch(), 0, 0
        self.done, self.drops = collections.Counter(), {name: collections.Counter() for name in "ab"}
        self.before, self.first, self.last = {}, {}, {}
        self.refusals = {}  # by (gateway, port) whose own end was down: frames that the kernel may yet refuse
        self.settling = collections.Counter()  # accounts of each life, up to SETTLING
        self.cpu = collections.Counter()
        self.one_traces, self.one_captures = threading.Lock(), threading.Lock()  # of all clients (docs/control.md)
        self.onlookers = Onlookers(self, seed + 2)
        self.soft = {}  # by gateway: the client that is told of lifetimes
        self.moved = 0  # SAs, from one worker to another

    # --- time ---------------------------------------------------------------------------------------------------------

    def now(self):
        return time.monotonic() - self.begun

    def over(self):
        return self.now() >= self.seconds

    def pass_time(self, seconds):
        """How long something lasts; nothing is judged by it."""
        time.sleep(seconds)

    def wait(self, holds, what):
        end = time.monotonic() + PATIENCE
        while not holds():
            assert time.monotonic() < end, f"waited for {PATIENCE} s: {what}"
            time.sleep(0.02)

    def note(self, kind, words, since=None):
        took = f" {self.now() - since:6.2f} s" if since is not None else " " * 9
        self.log.write(f"{self.now():9.3f}{took}  {kind}: {words}\n")
        self.log.flush()

    # --- what the deeds ask for ---------------------------------------------------------------------------------------

    def any_gateway(self):
        return self.scene.gateways[self.draw.choice("ab")]

    def gateway_to_restart(self):
        """B in the first half and A in the second: so each of them lives for half of the time."""
        return self.scene.gateways["b" if self.now() < self.seconds / 2 else "a"]

    def wait_for_flows(self, flows):
        """Of each of them something has come that was sent after this was asked."""
        since = self.engine.call(self.hosts.one_more_of, flows)
        self.wait(lambda: all(flow.highest_stamp > since for flow in flows),
                  "packets of " + ", ".join(str(flow) for flow in flows if flow.highest_stamp <= since))

    @contextlib.contextmanager
    def loses(self, name):
        """Until all is well again packets may get lost."""
        self.engine.call(self._quiet, True)
        self.engine.call(self.hosts.open_window, name)
        self.epoch.windows += 1
        yield
        since = self.engine.call(lambda: self.hosts.stamp)
        while left := self.engine.call(self.hosts.not_recovered, since):
            assert self.now() < self.seconds + 10 * PATIENCE, f"{name}: not recovered: {', '.join(map(str, left))}"
            time.sleep(0.05)
        last = self.engine.call(lambda: self.hosts.stamp)
        lost = self.engine.call(self.hosts.close_window, last)
        self.epoch.lost += lost
        self.engine.call(self._quiet, False)
        self.note("window", f"{name}: {lost} packets of hosts lost")

    def _quiet(self, quiet):
        """What he sends while packets get lost nobody could account for; nor replays of what a gateway has forgotten."""
        self.wire.quiet = quiet
        self.wire.forget()

    def _disturb(self):
        if self.hosts.paused:
            return
        self._disturbances += DISTURBED * 2 * self.of_packets.random()
        while self._disturbances >= 1:
            self._disturbances -= 1
            self.wire.disturb()

    def went(self, gateway):
        """A life ends here."""
        self.moved += sum(map(int, re.findall(r" (\d+) SAs? goe?s? to a worker", gateway.strata.log())))
        self.cpu[gateway.name] += accounting.cpu_seconds(gateway.strata.pid)
        self.before.pop(gateway.name, None)
        for port in ("wan", "lan"):
            self.refusals.pop((gateway.name, port), None)
        if gateway.name in self.soft:
            self.soft.pop(gateway.name).close()

    def started(self, gateway):
        gateway.start()
        self.listen(gateway)

    def listen(self, gateway):
        client = self.soft[gateway.name] = gateway.client()
        client.ask("subscribe", events=["sa"])
        # The tables that are made beside those in force take memory once, and keep it for the next ones.
        changes.reload_other(self, gateway)

    # --- the run ------------------------------------------------------------------------------------------------------

    def begin(self):
        for gateway in self.scene.gateways.values():
            self.listen(gateway)
        with self.loses("nobody known yet"):  # more packets than wait for a neighbor
            self.engine.call(self.hosts.pause, False)
        self.checkpoint()

    def run(self):
        self.begin()
        with self.onlookers:
            while not self.over() and not self.broken():
                self.an_epoch()
        self.note("end", "")

    def broken(self):
        return bool(self.bad or self.engine.violations)

    def an_epoch(self):
        """Some deeds, mostly gentle ones; then the account."""
        for _ in range(self.draw.randint(3, 9)):
            self.do(*self._drawn(GENTLE))
            self.soft_lifetimes()
            self.pass_time(self.draw.uniform(0, 0.5))
        if self.draw.random() < 0.5:
            self.do(*self._drawn(ROUGH))
            for _ in range(self.draw.randint(0, 3)):
                self.do(*self._drawn(GENTLE))
        self.checkpoint()

    def each_once(self):
        """What is drawn else, in an order that is."""
        deeds = [(name, deed) for name, (deed, _) in (GENTLE | ROUGH).items()]
        self.draw.shuffle(deeds)
        with self.onlookers:
            for number, (name, deed) in enumerate(deeds):
                self.do(name, deed)
                self.soft_lifetimes()
                if number % 6 == 5:
                    self.checkpoint()
            self.checkpoint()

    def _drawn(self, deeds):
        names = list(deeds)
        name = self.draw.choices(names, [deeds[name][1] for name in names])[0]
        return name, deeds[name][0]

    def do(self, name, deed, *words):
        if self.broken():
            return
        since = self.now()
        self.note(name, "begins")
        try:
            said = deed(self, *words)
        except Exception as error:  # whatever it was, the account comes first
            self.bad.append(f"{name}: {error!r}")
            said = f"FAILED: {error!r}"
        self.done[name] += 1
        self.note(name, said, since)

    def soft_lifetimes(self):
        """The SAs whose soft lifetime is over get new keys, as they are told."""
        for gateway in self.scene.gateways.values():
            client = self.soft[gateway.name]
            while not client.is_silent(0):
                _, told = client.event()
                current = self.scene.keys[gateway.name, 2].entry("out", self.scene.addresses)
                if told["lifetime"] == "soft" and told["name"] == current["name"]:
                    self.do(SOFT, changes.rekey, gateway.name, 2)

    # --- the account --------------------------------------------------------------------------------------------------

    def checkpoint(self, *, go_on=True):
        """The hosts are silent until nothing is on its way, and nobody looks on."""
        since = self.now()
        with self.onlookers.at_rest():
            self.engine.call(self.hosts.pause, True)
            self.account()
            self.engine.call(self.hosts.pause, not go_on)
        self.note("checkpoint", f"{self.hosts.stamp} packets, {len(self.bad + self.kept)} faults", since)

    def account(self):
        try:
            self.wait(lambda: self.hosts.on_their_way == 0, "what is on its way: a packet is in no account")
        except AssertionError:
            self.bad += self.engine.call(self.never_came)
        moments = {name: self.settled(gateway) for name, gateway in self.scene.gateways.items()}
        self.epochs += 1
        self.exact += not self.epoch.windows
        for name, now in moments.items():
            if now:
                self.judge(name, now)
            else:
                self.bad.append(f"gateway {name}: no moment at which nothing came or went")
        self.before, self.epoch = moments, accounting.Epoch(refusals=dict(self.refusals))

    def never_came(self):
        return [f"{flow}: {len(flow.waiting)} of {flow.sent} never came: numbers {list(flow.waiting)[:10]}, stamps "
                f"{list(flow.waiting.values())[:10]}; windows {self.hosts.windows[-3:]}"
                for flow in self.hosts.by_number.values() if flow.waiting]

    def settled(self, gateway):
        """The account at a moment in which it adds up, or, when none comes, at a late one. Without one to begin with: once
        nothing changes for longer than a gateway gives the same report again."""
        end, now, before = time.monotonic() + PATIENCE / 2, None, self.before.get(gateway.name)
        while time.monotonic() < end:
            earlier, now = now, accounting.moment(gateway, self.engine, self.hosts, self.wire) or now
            if now and now.report["parked"] == 0:
                if before and not accounting.judged(gateway.name, before, now, self.epoch):
                    return now
                if not before and earlier and accounting.nothing_between(earlier, now):
                    return now
            time.sleep(0.3 if before else 1.5)
        return now

    def judge(self, name, now):
        gateway = self.scene.gateways[name]
        if before := self.before.get(name):
            self.bad += accounting.judged(name, before, now, self.epoch)
            for port, count in accounting.differences(before, now).items():
                if (name, port) in self.refusals and (name, port) not in self.epoch.links:
                    self.refusals[name, port] -= count["not_sent"]
            self.drops[name].update(accounting.dropped(before, now))
        self.bad += self.entries_left(gateway)
        self.bad += accounting.judged_log(gateway, Keys.given)
        self.judge_memory(gateway)

    def entries_left(self, gateway):
        """No SA, SID, policy or route but those that have to be there."""
        tree, bad = gateway.tree, []
        for table_, field, wanted in (
                ("sas", "name", [entry["name"] for entry in gateway.entries]),
                ("sids", "sid", [entry["sid"] for entry in tree["srv6"]["local_sids"]]),
                ("policies", "name", [entry["name"] for entry in tree["srv6"]["policies"]])):
            found = sorted(row[field] for row in gateway.rows(f"show.{table_}"))
            if found != sorted(wanted):
                bad.append(f"gateway {gateway.name}: {table_} {found}, where {sorted(wanted)} have to be")
        return bad

    def judge_memory(self, gateway):
        key = gateway.name, gateway.life
        first = self.first.get(key)

        if not first:
            self.first[key] = self.last[key] = self.held_at_rest(gateway)
            return

        def as_before(now):
            return ((now.descriptors, now.threads, now.heap[1]) == (first.descriptors, first.threads, first.heap[1])
                    and abs(now.heap[0] - first.heap[0]) <= PIECES)

        end = time.monotonic() + PATIENCE / 2
        while not as_before(now := accounting.held(gateway)) and time.monotonic() < end:
            time.sleep(0.2)
        self.last[key] = now
        if not as_before(now):
            self.kept.append(f"gateway {gateway.name}: {now.words()}, where it had {first.words()}")
        if self.settling[key] < SETTLING:
            self.settling[key] += 1
            first.own = max(first.own, now.own)
        if now.own > first.own + GROWTH and not is_sanitized():
            self.kept.append(f"gateway {gateway.name}: its memory grew from {first.own} to {now.own} KiB")
        if set(now.state) != {"lock", "sequence-numbers"}:
            self.kept.append(f"gateway {gateway.name}: in the folder of its state are {sorted(now.state)}")

    def held_at_rest(self, gateway):
        """Those who have just asked it are gone."""
        seen = []
        for _ in range(5):
            seen.append(accounting.held(gateway))
            time.sleep(0.3)
        return min(seen, key=lambda held: (held.descriptors, held.threads))

    def finish(self):
        """Both are ended as an operator does, and their reports are the last word."""
        self.engine.call(self.hosts.pause, True)
        for gateway in self.scene.gateways.values():
            self.went(gateway)
            report = gateway.stop()
            if accounting.ledger(report) != 0:
                self.bad.append(f"gateway {gateway.name}: its report at the end is not balanced: {report}")
        self.bad += self.engine.violations + self.kept[:10]
        if self.engine.more_violations:
            self.bad.append(f"and {self.engine.more_violations} of their like")


@contextlib.contextmanager
def soaking(folder, minutes, seed, log):
    with scene(folder) as made, Engine(made) as engine:
        yield Soak(made, engine, seed, minutes, folder, log)


def ended_from_outside(*_):
    raise KeyboardInterrupt


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("minutes", nargs="?", type=float, default=10)
    parser.add_argument("seed", nargs="?", type=int, default=None)
    parser.add_argument("--log", default="build/soak.log", help="where each deed and fault is written, with its time")
    options = parser.parse_args()
    if missing := why_not():
        sys.exit(f"the soak cannot run here: {missing}")
    seed = random.SystemRandom().randrange(1 << 32) if options.seed is None else options.seed
    signal.signal(signal.SIGTERM, ended_from_outside)
    print(f"soak: {options.minutes:g} minutes, seed {seed}; each fault with its time is in {options.log}", flush=True)
    folder = Path(tempfile.mkdtemp(prefix="strata-soak-"))
    with open(options.log, "w") as log, soaking(folder, options.minutes, seed, log) as soak:
        log.write(f"seed {seed}\n")
        soak.run()
        soak.finish()
    print(table.text(soak, seed))
    if soak.bad:
        print(f"what the gateways wrote is left in {folder}")
        return 1
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())

__all__ = ["soaking", "until"]
