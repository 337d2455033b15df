"""`strata run` under ThreadSanitizer (./dev tsan): packets both ways through several workers, while clients, signals and
scrapes have the main thread read and change all that it may. No data race, and every packet accounted for.

STRATA_RELOADS says how often the file changes: 12 times unless said.
"""

import contextlib
import itertools
import os
import signal
import subprocess
import threading
from pathlib import Path

import pytest
import yaml

import journeys
from asking import until
from reports import Reports
from running import PATIENCE, program
from telemetry_client import Telemetry
from test_change import KINDS
from test_last_drops import BROKEN, NO_ROUTE, OPENED, UNKNOWN
from test_reload import sa_entry

import gateway as g

RELOADS = int(os.environ.get("STRATA_RELOADS", "12"))
TABLES = ["ports", "workers", "sas", "sids", "policies", "routes", "neighbors", "stages", "drops", "mtu", "last_drops"]
COMMANDS = ["gateway", "port,wan", "worker,1", "sa,from-1", "stages", "causes"]  # of DPDK's telemetry
ABSENT, PRESENT = "10.1.0.200", "10.1.0.77"  # of the LAN's link

# Whoever names this folder wants it shown: nothing is skipped.
if "TSAN_OPTIONS" not in os.environ or b"__tsan_init" not in Path(program()).read_bytes():
    pytest.fail("the program is not built with ThreadSanitizer, or nobody says what it is to do: ./dev tsan does both",
                pytrace=False)


@pytest.fixture(autouse=True)
def reports(tmp_path, monkeypatch):
    """None is left when the test ends, whichever way it does."""
    made = Reports(tmp_path, monkeypatch)
    yield made
    made.assert_none()


# --- what the ports play ----------------------------------------------------------------------------------------------


def from_lan(payload):
    return g.ether(payload, dst=g.LAN_MAC, src=g.LAN_HOST_MAC)


def for_the_host():
    """What the first worker has to do for all: fragments, pings, neighbors that are asked for, answer or do not."""
    ping = g.inner4(1400, src="10.1.0.2", dst="10.2.0.2", flags=0, ident=77)
    pieces = g.cut(ping, 600)
    wait = [from_lan(g.inner4(100, src="10.1.0.2", dst=dst)) for dst in (ABSENT, PRESENT)]
    answers = [g.arp(2, f"02:00:00:00:02:{mac}", PRESENT, "10.1.0.1", hwdst=g.LAN_MAC, to=g.LAN_MAC)
               for mac in ("77", "78")]
    asks = g.arp(1, g.LAN_HOST_MAC, "10.1.0.2", "10.1.0.1")
    too_large = from_lan(g.inner4(1500, src="10.1.0.2", dst="10.2.1.2"))
    return [*map(from_lan, pieces), *wait, *answers, asks, too_large]


def played(place):
    inbound, _ = journeys.inbound(240)
    outbound, _ = journeys.outbound(240)
    wan = [*inbound, *OPENED.values(), *BROKEN, *UNKNOWN]
    lan = [*outbound, *NO_ROUTE, *for_the_host()]
    return {"wan": place.played(wan), "lan": place.played(lan, number=1)}


# --- who asks ---------------------------------------------------------------------------------------------------------


class Together:
    """Threads that go on until one of them, the first, is through with what it has to do."""

    def __init__(self):
        self._halt = threading.Event()
        self._threads = []
        self._failures = []

    def go_on(self, turn):
        """turn(n): again and again, and once at least."""
        def run():
            for n in itertools.count():
                turn(n)
                if self._halt.is_set():
                    return
        self._threads.append(threading.Thread(target=self._told, args=(run,)))

    def _told(self, run):
        try:
            run()
        except BaseException as failure:  # told in the test's own thread
            self._failures.append(failure)
            self._halt.set()

    def until_done(self, first):
        for thread in self._threads:
            thread.start()
        try:
            first(self._halt.is_set)
        finally:
            self._halt.set()
            for thread in self._threads:
                thread.join()
        if self._failures:
            raise self._failures[0]


class Asking:
    """What people, programs and machines do with a gateway that runs."""

    def __init__(self, place, strata, tree):
        self.place, self.strata, self.tree = place, strata, tree
        self.added = set()
        self._base = list(tree["ipsec"]["security_associations"])

    def program(self, *words, code=0):
        done = subprocess.run([program(), *words, "--socket", self.place.socket], capture_output=True, text=True,
                              timeout=PATIENCE)
        assert done.returncode == code, done.stderr

    def write(self, n):
        """The nth file: SAs, SIDs, routes and policies come, go and change."""
        gone = self._base[n % journeys.PEERS]["name"] if n % 3 == 0 else None
        self.tree["ipsec"]["security_associations"] = [
            sa_entry(n), *(sa for sa in self._base if sa["name"] != gone)]
        self.tree["srv6"]["local_sids"][1:] = [
            {"sid": f"fc00:1::{n + 1:x}/128", "behavior": "End.DX4", "next_hop": f"10.1.0.{3 + n % 9}", "port": "lan"}]
        self.tree["srv6"]["policies"][1]["hop_limit"] = 60 + n % 4
        self.tree["routes"] = [{"prefix": f"10.{100 + n % 100}.0.0/16", "next_hop": ABSENT, "port": "lan"}]
        (self.place.folder / "gateway.yaml").write_text(yaml.safe_dump(self.tree, sort_keys=False))

    def reloads(self, halted):
        for n in range(RELOADS):
            self.write(n)
            with self.place.client() as client:
                until(lambda: self.reload(client), lambda names: halted() or f"spare-{n}" in names)

    def reload(self, client):
        """What is in force then. On a slow machine a worker may be taken for one that stands still."""
        for method in ("diff", "reload"):
            client.call(method)
        return [sa["name"] for sa in client.ask("show.config")["config"]["ipsec"]["security_associations"]]

    def entries(self, n):
        """Of each kind one comes and goes. A reload in between takes it away as well."""
        with self.place.client() as client:
            for kind, (entry, known_by, *_) in KINDS.items():
                added = client.call(f"{kind}.add", entry=entry)
                if "result" in added:
                    self.added.add(kind)
                client.call(f"{kind}.delete", **known_by)

    def tables(self, n):
        with self.place.client() as client:
            for table in TABLES:
                assert client.rows(f"show.{table}"), table
            assert client.ask("show.config")

    def events(self, n):
        with self.place.client() as client:
            client.ask("subscribe", events=["drops", "neighbor", "sa", "link"])
            for _ in range(2):
                client.event()

    def lookers(self, n):
        self.program("trace", "--count", "20")
        self.program("capture", "--at", ("rx", "drop", "Out", "Ip6")[n % 4], "--count", "50",
                     self.place.folder / "captured.pcapng")

    def scrapes(self, n):
        scraped = self.place.scrape()
        assert scraped["strata_port_received_packets_total", {"port": "wan"}] > 0

    def signals(self, n):
        self.strata.signal(signal.SIGUSR1)
        self.strata.wait_for_times("balanced", n + 1)
        self.strata.signal(signal.SIGHUP)
        assert "NOT balanced" not in self.strata.log()


@contextlib.contextmanager
def running(place, reports, **sections):
    tree = place.configuration(**played(place), metrics={"telemetry": True},
                               state={"directory": "state"}, **sections)
    with place.running(tree, words=("--stats", "1")) as strata:
        yield strata, tree
        strata.signal(signal.SIGTERM)
        until(strata.ended, lambda code: code is not None)
        reports.assert_none()
        report = strata.stop()
    reports.assert_none()
    assert report["received"] > 1000 and all(worker["handed_over"] > 0 for worker in report["workers"])
    assert report["steps"]["esp_open"] > 0 and report["steps"]["esp_seal"] > 0


@pytest.fixture
def telemetry(tmp_path, monkeypatch):
    """Asks DPDK's telemetry, which has threads of its own."""
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))

    answered = set()  # on a slow machine the main thread may not come to a question in time

    def turn(_):
        client = Telemetry(tmp_path / "dpdk" / "test" / "dpdk_telemetry.v2")
        for command in COMMANDS:
            if client.ask("/strata/" + command) is not None:
                answered.add(command)
        client.close()
    yield turn
    assert answered == set(COMMANDS)


# --- the tests --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [2, 3])
def test_control_and_workers(place, reports, telemetry, workers):
    """Of three workers one has no queue: SAs are moved to it. Lifetimes have a thread of their own, which looks at SAs."""
    lifetime = {"soft": {"packets": 1 << 40}, "hard": {"seconds": 1 << 30}}
    with running(place, reports, workers={"count": workers, "rebalance": True}) as (strata, tree):
        asking = Asking(place, strata, tree)
        for sa in tree["ipsec"]["security_associations"][::3]:
            sa["lifetime"] = lifetime
        together = Together()
        for turn in (asking.entries, asking.tables, asking.events, asking.lookers, asking.scrapes, asking.signals,
                     telemetry):
            together.go_on(turn)
        together.until_done(asking.reloads)
        assert asking.added == set(KINDS)


def test_sas_move(place, reports):
    """All that comes is the first worker's, until half of it goes to the second one."""
    frames, _ = journeys.inbound(240)
    mine = frames[::2]
    tree = place.configuration(wan=place.played(mine), workers={"count": 2, "rebalance": True})
    with place.running(tree) as strata:
        strata.wait_for(" to a worker that has less to do")
        with place.client() as client:
            owners = {row["name"]: row["worker"] for row in client.rows("show.sas")}
            until(lambda: client.rows("show.workers"), lambda rows: all(row["busy"] > 0.2 for row in rows))
        strata.stop()
    reports.assert_none()
    assert {owners[f"from-{n}"] for n in range(0, journeys.PEERS, 2)} == {0, 1}, owners


def test_a_race_is_told(place, reports):
    """Twins: what is given back and touched again is told of, what is not is not."""
    twin = os.path.join(os.environ["STRATA_BUILD"], "tests/threads/twin")
    assert subprocess.run([twin, "good"], timeout=PATIENCE).returncode == 0
    reports.assert_none()
    assert subprocess.run([twin, "bad"], timeout=PATIENCE).returncode == 66
    assert "WARNING: ThreadSanitizer: data race" in reports.taken()
