"""Clients of a gateway's control socket, as somebody writes them who has read docs/control.md and nothing else.

    with place.running() as strata:
        with Client(place.socket) as client:
            client.ask("show.drops")         # the result
            client.refused("show.nothing")   # the error
"""

import collections
import json
import os
import select
import socket
import subprocess
import time

import yaml

import journeys
from running import PATIENCE, Running, program

import gateway as g
from harness import capture_bytes

NO_RIGHTS = ("setpriv", "--bounding-set", "-all", "--inh-caps", "-all") if os.geteuid() == 0 else ()
NULL = "net_null0,no-rx=1"
KEYS = [sa(n).keymat.hex() for sa in (journeys.inbound_sa, journeys.outbound_sa) for n in range(journeys.PEERS)]


class Client:
    def __init__(self, path, timeout=PATIENCE):
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(timeout)
        self._connect(str(path), time.monotonic() + timeout)
        self._in = b""
        self._id = 0
        self._events = collections.deque()  # those that came before an answer, in the order they came

    def _connect(self, path, until):
        """Where many wait to be let in, one who does not wait is told to come again."""
        while True:
            try:
                return self._socket.connect(path)
            except BlockingIOError:
                assert time.monotonic() < until, "nobody is let in"
                time.sleep(0.01)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._socket.close()

    def send(self, octets):
        self._socket.sendall(octets)

    def end_sending(self):
        self._socket.shutdown(socket.SHUT_WR)

    def line(self):
        """The next line; None: the gateway has closed."""
        while b"\n" not in self._in:
            try:
                more = self._socket.recv(1 << 16)
            except ConnectionResetError:
                more = b""
            if not more:
                assert not self._in, f"half a line: {self._in[:200]}"
                return None
            self._in += more
        line, self._in = self._in.split(b"\n", 1)
        return line

    def rest(self):
        """How many octets come until the gateway has closed."""
        count = len(self._in)
        try:
            while more := self._socket.recv(1 << 16):
                count += len(more)
        except ConnectionResetError:
            pass
        return count

    def _next(self):
        line = self.line()
        if line is None:
            raise ConnectionError("the gateway ended the connection")
        return json.loads(line)

    def is_silent(self, seconds):
        """Nothing comes for so long."""
        return not self._events and not self._in and not select.select([self._socket], [], [], seconds)[0]

    def say(self, line):
        """A line, and the JSON of the next one."""
        self.send((line if isinstance(line, bytes) else line.encode()) + b"\n")
        return self._next()

    def call(self, method, **params):
        """The answer. Of what is subscribed events may come before it (docs/control.md): they are kept."""
        self._id += 1
        answer = self.say(json.dumps({"jsonrpc": "2.0", "method": method, "params": params, "id": self._id}))
        while "id" not in answer:
            self._events.append(answer)
            answer = self._next()
        assert (answer["jsonrpc"], answer["id"]) == ("2.0", self._id), answer
        assert set(answer) in ({"jsonrpc", "result", "id"}, {"jsonrpc", "error", "id"}), answer
        return answer

    def ask(self, method, **params):
        answer = self.call(method, **params)
        assert "result" in answer, answer
        return answer["result"]

    def refused(self, method, **params):
        answer = self.call(method, **params)
        assert "error" in answer and set(answer["error"]) == {"code", "message"}, answer
        return answer["error"]

    def rows(self, method):
        answer = self.ask(method)
        assert answer["next"] is None and answer["total"] == len(answer["items"])
        return answer["items"]

    def event(self):
        said = self._events.popleft() if self._events else self._next()
        assert set(said) == {"jsonrpc", "method", "params"} and said["method"].startswith("event."), said
        return said["method"].removeprefix("event."), said["params"]


class Place:
    """A folder with a gateway's files, and its socket there."""

    def __init__(self, folder):
        self.folder = folder
        self.socket = folder / "gateway.sock"

    def played(self, frames, number=0):
        """A device that plays these frames over and over."""
        path = self.folder / f"played{number}.pcap"
        path.write_bytes(capture_bytes(frames))
        return f"net_pcap{number},rx_pcap={path},infinite_rx=1"

    def configuration(self, wan=NULL, lan="net_null1,no-rx=1", **sections):
        """With the replay windows off, as played sequence numbers come again."""
        tree = journeys.configuration({"device": wan, "mac": g.WAN_MAC}, {"device": lan, "mac": g.LAN_MAC})
        for sa in tree["ipsec"]["security_associations"]:
            sa["replay_window"] = 0
        control = {"name": "test", "control": {"socket": str(self.socket)}}
        return {**control, **tree, "eal": {"hugepages": "never"}, **sections}

    def running(self, tree=None, words=()):
        return Running(tree or self.configuration(), self.folder, within=NO_RIGHTS, words=words)

    def client(self):
        return Client(self.socket)

    def show(self, *words, socket=None):
        return subprocess.run([program(), "show", *words, "--socket", str(socket or self.socket)], capture_output=True,
                              text=True, timeout=PATIENCE)

    def starts_not(self, tree, *words):
        """A start that fails. What it said."""
        path = self.folder / "second.yaml"
        path.write_text(yaml.safe_dump(tree, sort_keys=False))
        done = subprocess.run([*NO_RIGHTS, program(), "run", path, *words], capture_output=True, text=True,
                              timeout=PATIENCE)
        assert (done.returncode, done.stdout) == (1, ""), done.stderr
        return done.stderr


def until(read, holds=bool):
    """What is read, once it holds; asked again and again, but not for ever."""
    end = time.monotonic() + PATIENCE
    while not holds(value := read()):
        assert time.monotonic() < end, value
        time.sleep(0.05)
    return value
