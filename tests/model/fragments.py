"""Fragments of packets to the gateway itself (RFC 791 3.2, 815, 1858, 3168 5.3)."""

from dataclasses import dataclass, field

from octets import be16, header_length, with_checksum

MOST_FRAGMENTS, MOST_OCTETS = 8, 65535
CE, NOT_ECT = 3, 0


@dataclass
class Incomplete:
    until: int
    pieces: list = field(default_factory=list)  # (first, end, data, header)
    end: int = 0  # of the payload, once the last fragment is there
    broadcast: bool = False


class Reassembly:
    def __init__(self, settings):
        self.timeout = settings.reassembly["timeout_ms"] * 10**6
        self.most = settings.reassembly["packets"]
        self.incomplete = {}

    def take(self, packet, via, broadcast, now):
        """(verdict, how many fragments it is about, the whole packet, whether a part came in a broadcast frame).

        verdict: "waits", "failed" or "whole". Parts that overlap are seen when as many octets as the whole has are
        there, so that those that come later go with them (RFC 5722 asks for that); a second first or last one at once.
        """
        key = via, packet[12:20], packet[9], packet[4:6]
        entry = self.incomplete.get(key)
        if entry is None:
            if len(self.incomplete) >= self.most:
                return "failed", 1, None, False
            entry = self.incomplete[key] = Incomplete(now + self.timeout)
        entry.broadcast |= broadcast
        if not self.add(entry, packet):
            del self.incomplete[key]
            return "failed", len(entry.pieces), None, False
        here = sum(end - first for first, end, _, _ in entry.pieces)
        if not (entry.end and here >= entry.end) and len(entry.pieces) < MOST_FRAGMENTS:
            return "waits", 0, None, False
        whole = self.whole(entry)
        del self.incomplete[key]
        return "whole" if whole else "failed", len(entry.pieces), whole, entry.broadcast

    @staticmethod
    def add(entry, packet):
        ihl = header_length(packet)
        field_, data = be16(packet, 6), packet[ihl:]
        first = 8 * (field_ & 0x1FFF)
        last = not field_ & 0x2000
        twice = last and entry.end or first == 0 and any(piece[0] == 0 for piece in entry.pieces)
        entry.pieces.append((first, first + len(data), data, packet[:ihl]))
        if last:
            entry.end = first + len(data)
        return bool(data) and not twice

    @staticmethod
    def whole(entry):
        """The packet, or None: a part is missing, or they contradict each other."""
        pieces = sorted(entry.pieces)
        at = 0
        for first, end, _, _ in pieces:
            if first != at:
                return None
            at = end
        if not entry.end or at != entry.end:
            return None
        marks = {header[1] & 3 for _, _, _, header in pieces}
        header = pieces[0][3]
        if len(header) + at > MOST_OCTETS or marks >= {CE, NOT_ECT}:
            return None
        tos = header[1] & 0xFC | (CE if CE in marks else header[1] & 3)
        total = (len(header) + at).to_bytes(2, "big")
        flags = bytes([header[6] & 0xC0, 0])
        header = with_checksum(header[:1] + bytes([tos]) + total + header[4:6] + flags + header[8:])
        return header + b"".join(data for _, _, data, _ in pieces)

    def expire(self, now):
        """How many fragments have waited too long."""
        late = [key for key, entry in self.incomplete.items() if entry.until <= now]
        return sum(len(self.incomplete.pop(key).pieces) for key in late)
