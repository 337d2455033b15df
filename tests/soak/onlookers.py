"""Somebody who looks on all the time, beside whatever is done: traces, captures, tables, scrapes and clients that behave
badly, while gateways are reloaded, killed and started. What he is answered is no matter; that it costs no packet is."""

import contextlib
import random
import subprocess
import threading
import urllib.request

from running import program
from scene import Client

import clients

PATIENCE = 120
SHOWN = ("ports", "workers", "sas", "neighbors", "stages", "drops", "routes", "config")


class Onlookers:
    def __init__(self, soak, seed):
        self._soak, self._draw = soak, random.Random(seed)
        self._may, self._rests, self._ends = threading.Event(), threading.Event(), False
        self._thread = threading.Thread(target=self._run, name="onlookers", daemon=True)
        self.looked, self.in_vain = 0, 0  # in vain: there was no gateway just then

    def __enter__(self):
        self._may.set()
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ends = True
        self._may.set()
        self._thread.join(PATIENCE)

    @contextlib.contextmanager
    def at_rest(self):
        """None of them has anything open."""
        self._may.clear()
        begun = self._thread.ident is not None and not self._ends
        assert not begun or self._thread.is_alive(), "nobody looks on any more"
        assert not begun or self._rests.wait(PATIENCE), "somebody who looks on does not come to an end"
        yield
        self._rests.clear()
        self._may.set()

    def _run(self):
        while not self._ends:
            if not self._may.is_set():
                self._rests.set()
                self._may.wait()
                continue
            gateway = self._soak.scene.gateways[self._draw.choice("ab")]
            try:
                self._draw.choice(LOOKS)(self, gateway)
                self.looked += 1
            except (OSError, AssertionError, ValueError, subprocess.SubprocessError):
                self.in_vain += 1

    def _strata(self, gateway, *words):
        subprocess.run([program(), *words, "--socket", str(gateway.socket)], stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=PATIENCE, check=True)

    def trace(self, gateway):
        with self._soak.one_traces:
            self._strata(gateway, "trace", "--count", str(self._draw.randrange(1, 300)))

    def capture(self, gateway):
        with self._soak.one_captures:
            self._strata(gateway, "capture", "--at", self._draw.choice(clients.STAGES), "--seconds", "1", "-")

    def show(self, gateway):
        self._strata(gateway, "show", self._draw.choice(SHOWN), "--json")

    def scrape(self, gateway):
        with gateway.place.entered(), urllib.request.urlopen(
                f"http://127.0.0.1:{gateway.metrics_port}/metrics", timeout=PATIENCE) as answer:
            answer.read()

    def be_rude(self, gateway):
        with contextlib.ExitStack() as stack:
            for _ in range(self._draw.randrange(1, 4)):
                self._draw.choice(clients.RUDE)(stack.enter_context(Client(gateway.socket)))


LOOKS = (Onlookers.trace, Onlookers.capture, Onlookers.show, Onlookers.scrape, Onlookers.be_rude)
