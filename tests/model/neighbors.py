"""What a gateway knows of its neighbors, whom it asks, and what waits for their answers (RFC 826, 1122 2.3.2, 5227)."""

from dataclasses import dataclass, field

WAITING_ON_A_PORT = 512  # docs/decisions/0007-host.md
MS, S = 10**6, 10**9


@dataclass
class Neighbor:
    mac: bytes = b""  # none: asked for the first time
    asked: int = 0
    due: int = 0  # nanoseconds: the next question, or the end of patience
    waiting: list = field(default_factory=list)


class Neighbors:
    """ask(port, address, mac) sends a question, mac is None for all; expired(packets) gets what has waited in vain."""

    def __init__(self, settings, ask, expired):
        self.arp = settings.arp
        self.fixed, self.next_hops = settings.neighbors, settings.next_hops
        self.known = {}
        self.ask, self.expired = ask, expired

    def find(self, port, address):
        """The MAC address, or None."""
        fixed = self.fixed.get((port.name, address))
        if fixed:
            return fixed
        entry = self.known.get((port.name, address))
        return entry.mac if entry and entry.mac else None

    def wait(self, port, address, packet, now):
        """Whether the packet may wait; if not, the cause."""
        if not self.arp["enabled"]:
            return "adj.unresolved"
        entry = self.known.get((port.name, address))
        if entry is None:
            if self.full(port):
                return "adj.table_full"
            entry = self.known[port.name, address] = Neighbor()
            self.question(port, address, entry, now)
        on_port = sum(len(e.waiting) for (name, _), e in self.known.items() if name == port.name)
        if len(entry.waiting) >= self.arp["hold"] or on_port >= WAITING_ON_A_PORT:
            return "adj.queue_full"
        entry.waiting.append(packet)
        return None

    def full(self, port):
        return sum(name == port.name for name, _ in self.known) >= self.arp["neighbors"]

    def question(self, port, address, entry, now):
        entry.asked += 1
        entry.due = now + self.arp["interval_ms"] * MS
        self.ask(port, address, entry.mac or None, now)

    def heard(self, port, address, mac, now, *, add):
        """A neighbor has said its MAC address. Gives what waited for it, in order.

        add: it has asked for ours, so we shall need it. What the configuration sends to is in the table from the start.
        """
        if (port.name, address) in self.fixed:
            return []
        entry = self.known.get((port.name, address))
        if entry is None:
            expected = (port.name, address) in self.next_hops
            if not expected and (not add or self.full(port)):
                return []
            entry = self.known[port.name, address] = Neighbor()
        entry.mac, entry.asked, entry.due = mac, 0, now + self.arp["reachable_s"] * S
        waiting, entry.waiting = entry.waiting, []
        return waiting

    def next_due(self):
        return min(((entry.due, key) for key, entry in self.known.items()), default=(None, None))

    def tick(self, ports, key):
        """The entry is due."""
        entry = self.known[key]
        if entry.asked < self.arp["tries"]:
            self.question(ports[key[0]], key[1], entry, entry.due)
            return
        del self.known[key]
        self.expired(entry.waiting, entry.due)

    def left_over(self):
        return sum(len(entry.waiting) for entry in self.known.values())
