"""Network namespaces of a test's own, and the ends of wires in them, read and written frame by frame.

    with Namespace() as outside:
        outside.veth("a", "b")
        wire = outside.wire("a")
        wire.send(frame)
        frames = wire.collect(10)      # the next ten, or an error that shows what came

In a namespace no kernel speaks unasked: IPv6 is off, so that there is no neighbor discovery among the frames.
"""

import contextlib
import ctypes
import errno
import itertools
import os
import select
import shutil
import socket
import subprocess
import time

PATIENCE = 60  # seconds: to end what hangs, not to measure
CLONE_NEWNET = 0x40000000
SOL_PACKET, PACKET_IGNORE_OUTGOING = 263, 23
SO_RCVBUFFORCE = 33
ETH_P_ALL = 3


def why_not():
    """What this machine lacks for namespaces, in a sentence; None when it can make them."""
    if not shutil.which("ip"):
        return "ip is not there (Debian's package iproute2)"
    if os.geteuid() != 0:
        return "making a network namespace takes root"
    name = f"strata-{os.getpid()}-probe"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True)
    if made.returncode != 0:
        return f"no network namespace can be made here: {made.stderr.strip()}"
    subprocess.run(["ip", "netns", "del", name], check=True)
    return None


class Namespace:
    """Made when the `with` block begins, gone with all that is in it when it ends."""

    _numbers = itertools.count()

    def __init__(self):
        self.name = f"strata-{os.getpid()}-{next(self._numbers)}"
        self.prefix = ["ip", "netns", "exec", self.name]
        self._wires = []

    def __enter__(self):
        try:
            subprocess.run(["ip", "netns", "add", self.name], check=True)
            for which in ("all", "default"):
                self.run("sysctl", "-qw", f"net.ipv6.conf.{which}.disable_ipv6=1")
            self.run("ip", "link", "set", "lo", "up")
        except BaseException:  # a signal may have ended ip when it was nearly done
            subprocess.run(["ip", "netns", "del", self.name], stderr=subprocess.DEVNULL)
            raise
        return self

    def __exit__(self, *_):
        for wire in self._wires:
            wire.close()
        subprocess.run(["ip", "netns", "del", self.name], check=True)

    def run(self, *words):
        """A program in here that must succeed; its output."""
        command = [*self.prefix, *map(str, words)]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert done.returncode == 0, f"{' '.join(map(str, words))} ended with {done.returncode}: {done.stdout}"
        return done.stdout

    def veth(self, one, other, *, to=None):
        """Two interfaces joined by a wire, both up; the other one in another namespace when said."""
        self.run("ip", "link", "add", "name", one, "type", "veth", "peer", "name", other)
        if to:
            self.run("ip", "link", "set", "dev", other, "netns", to.name)
        for where, name in ((self, one), (to or self, other)):
            where.run("ip", "link", "set", "dev", name, "up")

    def tap(self, name, *, queues=1):
        """An interface whose other end a program opens."""
        self.run("ip", "tuntap", "add", "dev", name, "mode", "tap", *(["multi_queue"] if queues > 1 else []))
        self.run("ip", "link", "set", "dev", name, "up")

    def keep_kernel_out(self, *interfaces):
        """What arrives there is for programs alone: AF_PACKET sees it before it is dropped here."""
        self.run("nft", "add", "table", "netdev", "deaf")
        for interface in interfaces:
            hook = f'{{ type filter hook ingress device "{interface}" priority 0; policy drop; }}'
            self.run("nft", "add", "chain", "netdev", "deaf", interface, hook)

    def wire(self, interface):
        wire = Wire(self, interface)
        self._wires.append(wire)
        return wire

    @contextlib.contextmanager
    def entered(self):
        """What this thread opens meanwhile is in here."""
        libc = ctypes.CDLL(None, use_errno=True)
        with open("/proc/thread-self/ns/net") as before, open(f"/run/netns/{self.name}") as here:
            if libc.setns(here.fileno(), CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), f"cannot enter {self.name}")
            try:
                yield
            finally:
                libc.setns(before.fileno(), CLONE_NEWNET)


def _last(frames):
    return f", the last one {frames[-1][:96].hex()}" if frames else ""


class Wire:
    """All that arrives at an interface, and what is sent by it."""

    def __init__(self, namespace, interface):
        with namespace.entered():
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
            self._socket.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
            self._socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 16 << 20)
            self._socket.bind((interface, 0))
        self.interface = interface

    def close(self):
        self._socket.close()

    def send(self, *frames):
        for frame in frames:
            self._socket.send(frame)

    def _next(self):
        """A frame, or none when all there is to read is that the interface was down meanwhile."""
        try:
            return [self._socket.recv(65536)]
        except OSError as error:
            if error.errno != errno.ENETDOWN:
                raise
            return []

    def waiting(self):
        """What has arrived by now."""
        frames = []
        while select.select([self._socket], [], [], 0)[0]:
            frames += self._next()
        return frames

    def collect(self, count, timeout=PATIENCE):
        """The next `count` frames."""
        frames = []
        until = time.monotonic() + timeout
        while len(frames) < count:
            left = until - time.monotonic()
            assert left > 0, f"{self.interface}: {len(frames)} frames of {count} came{_last(frames)}"
            if select.select([self._socket], [], [], left)[0]:
                frames += self._next()
        return frames
