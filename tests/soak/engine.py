"""The thread that is both hosts and the wire between the gateways: all frames that they send and get pass here.

Others have it do something by call(), which runs in the thread and between two frames; nothing here is locked.
"""

import queue
import select
import socket
import threading
import time

from netns import ETH_P_ALL, PACKET_IGNORE_OUTGOING, SO_RCVBUFFORCE, SOL_PACKET

import packets

TICK = 0.01  # seconds between two turns of the hosts
AT_ONCE = 64  # frames of one end, before others have their turn
PACKET_STATISTICS = 6
PATIENCE = 120  # seconds: to end what hangs
TOLD = 40  # violations with their words; the others are counted


class End:
    """The far end of one of a gateway's wires."""

    def __init__(self, outside, gateway, port):
        self.name, self.gateway, self.port = f"{gateway.name}.{port}", gateway.name, port
        self.mac = gateway.mac[port]
        with outside.entered():
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
            self.socket.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
            self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
            self.socket.bind((f"{gateway.name}{port}", 0))
        self.socket.setblocking(False)
        self.given = self.taken = self.refused = self.overrun = 0

    def give(self, frame):
        """To the gateway. Whether the interface took it."""
        try:
            self.socket.send(frame)
        except OSError:  # the link is down
            self.refused += 1
            return False
        self.given += 1
        return True

    def give_pieces(self, frames):
        """Fragments of one packet. Whether the interface took all of them."""
        return all([self.give(frame) for frame in frames])

    def frames(self):
        for _ in range(AT_ONCE):
            try:
                octets = self.socket.recv(65536)
            except BlockingIOError:
                return
            except OSError:  # the link was down meanwhile
                continue
            self.taken += 1
            yield octets

    def count_overrun(self):
        """Frames that found no room in the socket: the kernel tells those since it was asked last."""
        octets = self.socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, 12)
        self.overrun += int.from_bytes(octets[4:8], "little")
        return self.overrun


class Engine:
    def __init__(self, scene):
        self.ends = {(gateway.name, port): End(scene.outside, gateway, port)
                     for gateway in scene.gateways.values() for port in ("wan", "lan")}
        self.takers = {}  # of an end's frames, by who it is
        self.turns = []  # what is done each tick
        self.violations, self.more_violations = [], 0
        self.broken = None
        self._calls = queue.SimpleQueue()
        self._ends = False
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ends = True
        self._thread.join(PATIENCE)
        for end in self.ends.values():
            end.socket.close()

    def call(self, function, *words):
        """What it returns, done in the thread between two frames."""
        answer = queue.SimpleQueue()
        self._calls.put((function, words, answer))
        while True:
            try:
                return answer.get(timeout=1)
            except queue.Empty:
                assert self._thread.is_alive(), f"the hosts and the wire have ended: {self.broken!r}"

    def violation(self, words):
        if len(self.violations) < TOLD:
            self.violations.append(words)
        else:
            self.more_violations += 1

    def _run(self):
        try:
            self._loop()
        except BaseException as error:
            self.broken = error
            raise

    def _loop(self):
        poll = select.epoll()
        by_number = {end.socket.fileno(): end for end in self.ends.values()}
        for number in by_number:
            poll.register(number, select.EPOLLIN)
        due = time.monotonic()
        while not self._ends:
            for number, _ in poll.poll(max(0, due - time.monotonic())):
                end = by_number[number]
                take = self.takers[end.gateway, end.port]
                for octets in end.frames():
                    take(octets)
            while not self._calls.empty():
                function, words, answer = self._calls.get()
                answer.put(function(*words))
            if time.monotonic() >= due:
                for turn in self.turns:
                    turn()
                due = time.monotonic() + TICK


class ArpAnswers:
    """Whoever stands at an end says its MAC address."""

    def __init__(self, end, mac, is_there):
        self._end, self._mac, self._is_there = end, mac, is_there

    def answered(self, octets):
        """Whether it was ARP at all."""
        if octets[12:14] != packets.ARP_TYPE:
            return False
        asked = packets.asked_by_arp(octets)
        if asked and self._is_there(asked[2]):
            his_mac, his, mine = asked
            self._end.give(packets.frame(his_mac, self._mac, packets.arp(2, self._mac, mine, his_mac, his),
                                         packets.ARP_TYPE))
        return True
