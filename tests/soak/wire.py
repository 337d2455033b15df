"""The wire between the gateways. Each frame is handed on, and looked at: nothing of a host's payload is in clear, what is no
ARP is ESP of an SA that there is, and no IV of an SA comes twice, nor below one before it.

A stranger stands beside it, who has no key: he sends wrong ICVs, replays, unknown SPIs and garbage, and the wire knows for
which cause each of them has to end. Now and then it cuts a packet to A into fragments.
"""

import collections
import struct

import packets
from engine import ArpAnswers

STRANGER_MAC = packets.mac("02:00:00:00:0f:0f")
STRANGER = packets.address("192.0.2.66")
ESP_HEAD = 16  # SPI, number, IV
RECENT = 400
AHEAD = 1 << 12  # numbers beyond the last one, within the half of 2^32 in which an ESN's high half stays


class Wire:
    def __init__(self, engine, scene, draw):
        self.engine, self.draw = engine, draw
        self.ends = {name: engine.ends[name, "wan"] for name in "ab"}
        self.addresses = {name: packets.address(text) for name, text in scene.addresses.items()}
        self.sender_of = {keys.spi: sender for (sender, _), keys in scene.keys.items()}  # by SPI: who seals with it
        self.last = {}  # by SPI: the IV last seen
        self.seen = collections.Counter()  # frames with ESP, by SPI
        self.handed = collections.Counter()  # those that the other gateway's interface took, by SPI
        self.handed_on = {name: 0 for name in "ab"}  # the same, by the gateway that got them
        self.recent = {name: collections.deque(maxlen=RECENT) for name in "ab"}
        self.retired = set()  # SPIs of which no more replays are made
        # Over several queues a packet in fragments and the whole ones behind it may change places (docs/running.md).
        self.cut_for = {name for name, gateway in scene.gateways.items() if gateway.workers == 1}
        self.cut = self.to_stranger = self.jumps = 0
        self.kinds = collections.Counter()  # of what the stranger sent
        self.expected = {name: collections.Counter() for name in "ab"}  # causes of drops, for sure
        self.quiet = False  # the stranger is
        self._arp = {name: ArpAnswers(end, STRANGER_MAC, lambda wanted: wanted == STRANGER)
                     for name, end in self.ends.items()}
        for name, other in (("a", "b"), ("b", "a")):
            engine.takers[name, "wan"] = lambda octets, name=name, other=other: self._take(octets, name, other)

    # --- what passes --------------------------------------------------------------------------------------------------

    def _take(self, octets, name, other):
        if packets.MARK in octets:
            self.engine.violation(f"in clear on the wire, from gateway {name}: {octets.hex()}")
        self._arp[name].answered(octets)
        if octets[:6] == STRANGER_MAC:
            self.to_stranger += 1
            return
        esp = packets.esp_of(octets)
        if esp is not None:
            self._esp(octets, name, other, *esp)
            return
        if octets[12:14] != packets.ARP_TYPE:
            self.engine.violation(f"neither ESP nor ARP from gateway {name}: {octets.hex()}")
        self.ends[other].give(octets)

    def _esp(self, octets, name, other, spi, iv):
        if self.sender_of.get(spi) != name:
            self.engine.violation(f"gateway {name} seals with SPI {spi:#x}, which is not its own")
        before = self.last.get(spi, 0)
        if iv <= before:
            self.engine.violation(f"SPI {spi:#x} of gateway {name}: IV {iv} after {before}")
        self.jumps += iv > before + 1
        self.last[spi] = iv
        self.seen[spi] += 1
        if other in self.cut_for and self.draw.random() < 0.008 and len(octets) > 600:
            self.cut += 1
            taken = self.ends[other].give_pieces(self._pieces(octets))
        else:
            taken = self.ends[other].give(octets)
        if taken:
            self.handed[spi] += 1
            self.handed_on[other] += 1
            if spi not in self.retired:
                self.recent[other].append(octets)

    def _pieces(self, octets):
        """As a router makes them who does not heed DF; each packet's have an identification of their own."""
        packet = packets.ipv4(octets[23], octets[26:30], octets[30:34], octets[34:], ttl=octets[22], ident=self.cut & 0xFFFF)
        return [octets[:14] + piece for piece in packets.pieces(packet, 576)]

    def retire(self, spi):
        """Its SA goes: what the stranger sends from now on is no packet of it."""
        self.retired.add(spi)
        for name, recent in self.recent.items():
            kept = [octets for octets in recent if packets.esp_of(octets)[0] != spi]
            self.recent[name] = collections.deque(kept, maxlen=RECENT)

    def forget(self):
        """No replays of what was sent until now."""
        for recent in self.recent.values():
            recent.clear()

    # --- the stranger -------------------------------------------------------------------------------------------------

    def disturb(self):
        """One frame of the stranger's, to either gateway."""
        if self.quiet:
            return
        name = self.draw.choice("ab")
        kind = self.draw.choice(list(KINDS))
        made = KINDS[kind](self, name)
        if made is None:
            return
        frame, cause = made
        if self.ends[name].give(frame):
            self.kinds[kind] += 1
            if cause:
                self.expected[name][cause] += 1

    def _framed(self, name, packet):
        return packets.frame(self.ends[name].mac, STRANGER_MAC, packet)

    def _recent_esp(self, name):
        """A frame that the gateway has got, and where ESP begins in it."""
        if not self.recent[name]:
            return None
        octets = self.draw.choice(self.recent[name])
        return octets, packets.ETHERNET + packets.IPV4_HEAD + (packets.UDP_HEAD if octets[23] == packets.UDP else 0)

    def _replay(self, name):
        found = self._recent_esp(name)
        return found and (found[0], "esp.replayed")

    def _bad_icv(self, name):
        """With a number that the window has not seen."""
        found = self._recent_esp(name)
        if not found:
            return None
        octets, at = found
        spi, = struct.unpack_from("!I", octets, at)
        number = (self.last[spi] & 0xFFFFFFFF) + AHEAD
        if number >> 32:
            return None
        return octets[:at + 4] + struct.pack("!I", number) + octets[at + 8:], "esp.auth_failed"

    def _unknown_spi(self, name):
        esp = struct.pack("!II", self.draw.randrange(1 << 31, 1 << 32), 1) + packets.STRANGER_MARK * 4
        return self._framed(name, packets.ipv4(packets.UDP, STRANGER, self.addresses[name],
                                               packets.udp(4500, 4500, esp))), "esp.no_sa"

    def _short_esp(self, name):
        found = self._recent_esp(name)
        if not found:
            return None
        octets, at = found
        esp = octets[at:at + ESP_HEAD + 4]
        data = packets.udp(4500, 4500, esp) if octets[23] == packets.UDP else esp
        return self._framed(name, packets.ipv4(octets[23], octets[26:30], octets[30:34], data)), "esp.truncated"

    def _keepalive(self, name):
        return self._framed(name, packets.ipv4(packets.UDP, STRANGER, self.addresses[name],
                                               packets.udp(4500, 4500, b"\xff"))), None

    def _unknown_type(self, name):
        return packets.frame(self.ends[name].mac, STRANGER_MAC, self.draw.randbytes(60), b"\x88\xb5"), "eth.unknown_type"

    def _bad_sum(self, name):
        packet = bytearray(packets.ipv4(packets.UDP, STRANGER, self.addresses[name], packets.udp(9, 9, bytes(20))))
        packet[10] ^= 0x55
        return self._framed(name, bytes(packet)), "ip4.bad_checksum"

    def _across_in_clear(self, name):
        """To a host behind the gateway, without a tunnel."""
        inside = packets.address("10.1.0.2" if name == "a" else "10.2.0.2")
        data = packets.udp(7, 7, packets.STRANGER_MARK * 4)
        return self._framed(name, packets.ipv4(packets.UDP, STRANGER, inside, data)), "policy.boundary"

    def _to_a_sid_in_clear(self, name):
        to = bytes.fromhex("fc00000100000000" if name == "a" else "fc00000200000000") + bytes(7) + b"\xd4"
        inner = packets.ipv4(packets.UDP, STRANGER, packets.address("10.1.0.2"), packets.udp(7, 7, packets.STRANGER_MARK))
        six = struct.pack("!IHBB", 6 << 28, len(inner), 4, 64) + bytes.fromhex("fc00000f") + bytes(11) + b"\x01" + to
        return packets.frame(self.ends[name].mac, STRANGER_MAC, six + inner, b"\x86\xdd"), "policy.unprotected"

    def _nobody_listens(self, name):
        return self._framed(name, packets.ipv4(packets.UDP, STRANGER, self.addresses[name],
                                               packets.udp(9999, 9999, bytes(20)))), "local.no_port"

    def _another_mac(self, name):
        to = packets.mac("02:00:00:00:0e:0e")
        return packets.frame(to, STRANGER_MAC, packets.ipv4(packets.UDP, STRANGER, self.addresses[name],
                                                            packets.udp(9, 9, bytes(20)))), "eth.other_host"

    def _loopback(self, name):
        return self._framed(name, packets.ipv4(packets.UDP, packets.address("127.0.0.1"), self.addresses[name],
                                               packets.udp(9, 9, bytes(20)))), "ip4.martian_source"

    def _half_an_arp(self, name):
        return packets.frame(self.ends[name].mac, STRANGER_MAC, self.draw.randbytes(12), packets.ARP_TYPE), "arp.malformed"


KINDS = {
    "wrong ICV": Wire._bad_icv,
    "replay": Wire._replay,
    "unknown SPI": Wire._unknown_spi,
    "ESP cut short": Wire._short_esp,
    "NAT keepalive": Wire._keepalive,
    "unknown EtherType": Wire._unknown_type,
    "wrong header checksum": Wire._bad_sum,
    "across the boundary in clear": Wire._across_in_clear,
    "to a SID in clear": Wire._to_a_sid_in_clear,
    "UDP where nobody listens": Wire._nobody_listens,
    "another's MAC address": Wire._another_mac,
    "from 127.0.0.1": Wire._loopback,
    "half an ARP packet": Wire._half_an_arp,
}
