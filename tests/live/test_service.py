"""What `strata run` tells who started it (sd_notify(3)): that it is ready, well and ending; and that it is not well."""

import ctypes
import os
import signal
import socket
import time

import pytest

from running import PATIENCE, Running

NULL = {
    "ports": {
        "a": {"device": "net_null0,no-rx=1", "addresses": ["10.1.0.1/24"]},
        "b": {"device": "net_null1,no-rx=1", "addresses": ["10.2.0.1/24"]},
    },
    "eal": {"hugepages": "never"},
    "control": {"enabled": False},
    "workers": {"count": 2},
}


class Manager:
    """Hears what a service tells its manager."""

    def __init__(self, name):
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(name)
        self._socket.settimeout(PATIENCE)
        self.told = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    def hear(self):
        self.told.append(dict(line.split("=", 1) for line in self._socket.recv(65536).decode().splitlines()))
        return self.told[-1]

    def hear_until(self, wanted):
        """What it told from here on, up to the first that has these lines."""
        heard = [self.hear()]
        while not wanted.items() <= heard[-1].items():
            heard.append(self.hear())
        return heard

    def hear_what_waits(self):
        self._socket.setblocking(False)
        try:
            while True:
                self.hear()
        except BlockingIOError:
            pass
        self._socket.settimeout(PATIENCE)


def started_by(name, *words):
    return ["env", f"NOTIFY_SOCKET={name}", *words]


class Stopped:
    """A single thread that is kept from running, as a driver that does not return keeps it."""

    _ptrace = ctypes.CDLL(None, use_errno=True).ptrace
    _ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    ATTACH, DETACH = 16, 17
    WALL = 0x40000000

    def __init__(self, thread):
        self._thread = thread

    def __enter__(self):
        if self._ptrace(self.ATTACH, self._thread, None, None) != 0:
            pytest.skip(f"a thread cannot be stopped here: {os.strerror(ctypes.get_errno())}")
        os.waitpid(self._thread, self.WALL)
        return self

    def __exit__(self, *_):
        self._ptrace(self.DETACH, self._thread, None, None)


def threads(pid):
    """Their numbers, by name."""
    tasks = f"/proc/{pid}/task"
    return {open(f"{tasks}/{task}/comm").read().strip(): int(task) for task in os.listdir(tasks)}


@pytest.mark.parametrize("abstract", [False, True])
def test_ready_and_stopping_are_told(tmp_path, abstract):
    name = f"\0strata-{os.getpid()}" if abstract else str(tmp_path / "notify")
    with Manager(name) as manager, Running(NULL, tmp_path, within=started_by(name.replace("\0", "@"))) as strata:
        manager.hear_until({"READY": "1", "STATUS": "running"})
        strata.signal(signal.SIGHUP)
        assert int(manager.hear_until({"RELOADING": "1"})[-1]["MONOTONIC_USEC"]) > 0
        manager.hear_until({"READY": "1"})
        strata.stop()
        manager.hear_until({"STOPPING": "1"})
        # Nobody asked for a heartbeat.
        assert not any("WATCHDOG" in told for told in manager.told)


def test_a_worker_that_was_waited_for_runs_again(tmp_path):
    """A reload that waits for a worker says so; and when it has come, nothing says that it stands still."""
    name = str(tmp_path / "notify")
    with Manager(name) as manager, Running(NULL, tmp_path, within=started_by(name)) as strata:
        manager.hear_until({"READY": "1"})
        written = tmp_path / "gateway.yaml"
        with Stopped(threads(strata.pid)["rte-worker-2"]):
            written.write_text(written.read_text() + "icmp: {burst: 60}\n")
            strata.signal(signal.SIGHUP)  # nearly always before the next look at the workers
            manager.hear_until({"STATUS": "worker 1 stands still"})
        manager.hear_until({"STATUS": "running"})
        strata.stop()


def test_a_failed_start_is_never_ready(tmp_path):
    name = str(tmp_path / "notify")
    tree = {**NULL, "ports": {"a": {"device": "net_af_packet0,iface=not-there"}}}
    with Manager(name) as manager:
        with pytest.raises(AssertionError, match="strata run ended with 1"):
            with Running(tree, tmp_path, within=started_by(name)):
                pass
        manager.hear_what_waits()
        assert not any("READY" in told for told in manager.told)


def test_nobody_listens(tmp_path):
    with Running(NULL, tmp_path, within=started_by(tmp_path / "nobody", "WATCHDOG_USEC=10000000")) as strata:
        strata.stop()


def test_the_watchdog_of_another_process_is_not_fed(tmp_path):
    name = str(tmp_path / "notify")
    within = started_by(name, "WATCHDOG_USEC=10000000", "WATCHDOG_PID=1")
    with Manager(name) as manager, Running(NULL, tmp_path, within=within) as strata:
        manager.hear_until({"READY": "1"})
        time.sleep(2.5)
        strata.stop()
        manager.hear_until({"STOPPING": "1"})
        assert not any("WATCHDOG" in told for told in manager.told)


def test_the_watchdog_is_fed_while_every_worker_goes_round(tmp_path):
    name = str(tmp_path / "notify")
    within = started_by(name, "WATCHDOG_USEC=10000000")
    with Manager(name) as manager, Running(NULL, tmp_path, within=within) as strata:
        manager.hear_until({"WATCHDOG": "1"})
        with Stopped(threads(strata.pid)["rte-worker-2"]):
            manager.hear_until({"STATUS": "worker 1 stands still"})
            strata.wait_for("worker 1 stands still: no round in the last second; the watchdog is not fed meanwhile")
            manager.hear_what_waits()
            manager.told.clear()
            time.sleep(3)
            manager.hear_what_waits()
            assert manager.told == []
        manager.hear_until({"STATUS": "running"})
        manager.hear_until({"WATCHDOG": "1"})
        assert "worker 1 goes round again" in strata.log() and "worker 0" not in strata.log()
        strata.signal(signal.SIGTERM)
        manager.hear_until({"STOPPING": "1"})
