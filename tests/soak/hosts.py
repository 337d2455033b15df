"""The hosts behind the gateways: flows of numbered packets, and for each packet what has to come of it.

A packet is on its way until it arrives where it has to, once, unaltered and behind those of its flow that were sent
before. What never comes must have been on its way in a window: a time in which a named fault loses packets. Each packet
has a stamp, counted over all packets of all hosts, and a window is two stamps.
"""

import collections
import struct
from dataclasses import dataclass, field

import packets
from engine import ArpAnswers
from scene import DEAD, OTHER, TUNNELS

LAN_MTU = 1500
LEAST, LARGEST = 60, 1300  # octets of what fits into every tunnel
MOST_ON_THEIR_WAY, MOST_IN_A_BURST = 600, 300
UNREACHABLE_NET, TOO_BIG = 0, 4


@dataclass
class Window:
    """In which packets may get lost. last: None while it is open."""

    name: str
    first: int
    last: int = None
    lost: int = 0

    def holds(self, stamp):
        return self.first <= stamp and (self.last is None or stamp <= self.last)


@dataclass
class Flow:
    """Packets of one kind from one host. answer: (type, code) of the ICMP error that each of them meets; else it arrives
    at the host `at`. cause: why the gateway `by` drops it."""

    kind: str
    number: int
    side: str
    tunnel: int
    weight: int
    source: bytes
    destination: bytes
    at: str
    answer: tuple = None
    cause: str = None
    by: str = None
    sent: int = 0
    arrived: int = 0
    reordered: int = 0
    highest: int = 0
    highest_stamp: int = 0
    waiting: dict = field(default_factory=dict)  # number: stamp
    may_reorder: bool = False
    lost: dict = field(default_factory=dict)  # number: its window's name

    def __str__(self):
        return f"{self.kind} of host {self.side} in tunnel {self.tunnel}"


class Hosts:
    def __init__(self, engine, scene, draw, rate):
        self.engine, self.draw, self.rate = engine, draw, rate
        self.ends = {name: engine.ends[name, "lan"] for name in "ab"}
        self.macs = {name: gateway.host_mac for name, gateway in scene.gateways.items()}
        self.scene = scene
        self.flows = flows_of(scene)
        self.by_number = {flow.number: flow for flow in self.flows}
        self.choices = [flow for flow in self.flows for _ in range(flow.weight)]
        self.replies = {(flow.side, flow.tunnel): flow for flow in self.flows if flow.kind == "echo reply"}
        self.expected = {name: collections.Counter() for name in "ab"}
        self.stamp = self.on_their_way = self.probes_sent = self.probes_arrived = 0
        self.windows = []
        self.paused = True
        self.burst = ()  # flows that send as fast as their packets arrive
        self.reassembly = {name: packets.Reassembly() for name in "ab"}
        self.strays = collections.Counter()  # frames to others than the hosts, by MAC address
        self.others = {}  # who else is in the LANs: MAC address and what takes their packets
        self._due = 0.0
        self._arp = {name: ArpAnswers(end, self.macs[name], lambda wanted: wanted[3] != DEAD and wanted[3] > 1)
                     for name, end in self.ends.items()}
        for name in "ab":
            engine.takers[name, "lan"] = lambda octets, name=name: self._take(octets, name)
        engine.turns.append(self.turn)

    # --- sending ------------------------------------------------------------------------------------------------------

    def turn(self):
        """Some packets, unless too many are on their way: nobody here is asked to be fast."""
        if self.paused:
            return
        while self.burst and self.on_their_way < MOST_IN_A_BURST:
            self.send(self.draw.choice(self.burst), LEAST)
        self._due += self.draw.random() * 2 * self.rate
        while self._due >= 1:
            self._due -= 1
            if self.on_their_way > MOST_ON_THEIR_WAY and not self.loses:
                continue
            self.send(self.draw.choice(self.choices))

    @property
    def loses(self):
        return bool(self.windows) and self.windows[-1].last is None

    def one_more_of(self, flows):
        """A packet of each of them; what was the last one's stamp before."""
        since = self.stamp
        for flow in flows:
            if flow.weight:
                self.send(flow)
        return since

    def send(self, flow, length=None):
        flow.sent += 1
        self.stamp += 1
        self.on_their_way += 1
        flow.waiting[flow.sent] = self.stamp
        frames = self._frames(flow, flow.sent, length)
        end = self.ends[flow.side]
        taken = end.give(frames[0]) if len(frames) == 1 else end.give_pieces(frames)
        if taken and flow.cause:
            self.expected[flow.by][flow.cause] += 1
        return taken

    def _frames(self, flow, number, length):
        packet, fragments = KINDS[flow.kind](self, flow, number, length)
        to, source = self.ends[flow.side].mac, self.macs[flow.side]
        return [packets.frame(to, source, piece) for piece in (packets.pieces(packet, LAN_MTU) if fragments else [packet])]

    def _udp(self, flow, number, length, *, ttl=64, fragment=0):
        data = packets.udp(0x4000 + flow.number, 0x5000 + flow.number, packets.payload(flow.number, number, length - 28))
        return packets.ipv4(packets.UDP, flow.source, flow.destination, data, ttl=ttl, ident=number & 0xFFFF,
                            fragment=fragment)

    def usual(self, flow, number, length):
        return self._udp(flow, number, length or self.draw.randint(LEAST, LARGEST)), False

    def large(self, flow, number, length):
        return self._udp(flow, number, self.draw.randint(1480, LAN_MTU)), False

    def in_fragments(self, flow, number, length):
        return self._udp(flow, number, self.draw.randint(1600, 3500)), True

    def too_big(self, flow, number, length):
        return self._udp(flow, number, LAN_MTU, fragment=packets.DF), False

    def short_lived(self, flow, number, length):
        return self._udp(flow, number, 200, ttl=2 if flow.kind == "TTL 2" else 1), False

    def small(self, flow, number, length):
        return self._udp(flow, number, 120), False

    def echo(self, flow, number, length):
        kind = packets.ECHO_REPLY if flow.kind == "echo reply" else packets.ECHO
        data = packets.icmp(kind, flow.number, number,
                            packets.payload(flow.number, number, length or self.draw.randint(LEAST, LARGEST - 28)))
        return packets.ipv4(packets.ICMP, flow.source, flow.destination, data, ident=number & 0xFFFF), False

    # --- getting ------------------------------------------------------------------------------------------------------

    def _take(self, octets, name):
        if packets.STRANGER_MARK in octets:
            self.engine.violation(f"the stranger's packet in the LAN of {name}: {octets.hex()}")
        if self._arp[name].answered(octets):
            return
        if octets[:6] != self.macs[name]:
            self._stray(octets, name)
            return
        if octets[12:14] != packets.IPV4_TYPE or octets[6:12] != self.ends[name].mac or octets[14] != 0x45:
            self.engine.violation(f"not what a gateway sends, in the LAN of {name}: {octets.hex()}")
            return
        length, = struct.unpack_from("!H", octets, 16)
        packet = octets[14:14 + length]
        if packets.checksum(packet[:packets.IPV4_HEAD]) != 0 or len(packet) != length:
            self.engine.violation(f"a broken IPv4 packet in the LAN of {name}: {octets.hex()}")
            return
        whole = self.reassembly[name].whole(packet)
        if whole is not None:
            self._packet(whole, name)

    def _stray(self, octets, name):
        taker = self.others.get((name, octets[:6]))
        if taker:
            taker(octets)
        elif octets[:6] != packets.mac("ff:ff:ff:ff:ff:ff"):
            self.engine.violation(f"for nobody in the LAN of {name}: {octets.hex()}")

    def _packet(self, packet, name):
        if packet[9] == packets.UDP:
            self._arrived(packet, name, packet[28:])
        elif packet[9] == packets.ICMP and packet[20] in (packets.ECHO, packets.ECHO_REPLY):
            self._arrived(packet, name, packet[28:])
        elif packet[9] == packets.ICMP:
            self._error(packet, name)
        else:
            self.engine.violation(f"protocol {packet[9]} for host {name}: {packet.hex()}")

    def _arrived(self, packet, name, data):
        said = packets.of_payload(data)
        flow = said and self.by_number.get(said[0])
        if not flow or data != packets.payload(*said) or flow.answer or flow.at != name:
            self.engine.violation(f"nobody sent this to host {name}: {packet.hex()}")
            return
        if flow.kind != "ping of a gateway" and (packet[12:20] != flow.source + flow.destination or packet[8] != 62):
            self.engine.violation(f"{flow}, number {said[1]}, came with another header: {packet[:20].hex()}")
        self.came(flow, said[1])
        if flow.kind == "echo":
            self.send(self.replies[flow.at, flow.tunnel], len(data))

    def _error(self, packet, name):
        """It must be about a packet that meets one."""
        said = packets.of_payload(packet[56:])
        flow = said and self.by_number.get(said[0])
        if not flow or packets.checksum(packet[20:]) != 0 or flow.side != name or flow.answer != (packet[20], packet[21]):
            self.engine.violation(f"ICMP {packet[20]}/{packet[21]} to host {name} about what nobody sent so "
                                  f"({flow}): {packet.hex()}")
            return
        self.came(flow, said[1])

    def came(self, flow, number):
        stamp = flow.waiting.pop(number, None)
        if stamp is None:
            known = "counted as lost before" if number in flow.lost else "twice" if 0 < number <= flow.sent else "never sent"
            self.engine.violation(f"{flow}, number {number}: {known} (highest {flow.highest}, sent {flow.sent})")
            return
        flow.arrived += 1
        self.on_their_way -= 1
        if number > flow.highest:
            flow.highest, flow.highest_stamp = number, stamp
        elif flow.may_reorder:
            flow.reordered += 1
        elif not flow.answer:
            self.engine.violation(f"{flow}, number {number} came behind {flow.highest}, and nothing that was done puts "
                                  "packets out of order")

    # --- windows ------------------------------------------------------------------------------------------------------

    def open_window(self, name):
        """From here on packets may get lost, those that are on their way among them."""
        first = min((stamp for flow in self.flows for stamp in flow.waiting.values()), default=self.stamp + 1)
        self.windows.append(Window(name, first))

    def not_recovered(self, since):
        """The flows of which nothing has come that was sent later than this stamp."""
        return [flow for flow in self.flows if flow.highest_stamp <= since]

    def close_window(self, since):
        """All is well again: what was sent until `since` and has not come is lost."""
        window = self.windows[-1]
        window.last = since
        for flow in self.flows:
            for number, stamp in list(flow.waiting.items()):
                if window.holds(stamp) and number < flow.highest:
                    del flow.waiting[number]
                    flow.lost[number] = window.name
                    self.on_their_way -= 1
                    window.lost += 1
                    self.reassembly[flow.at].forget(flow.source, flow.destination, number & 0xFFFF)
        return window.lost

    def pause(self, paused):
        self.paused = paused

    def send_as_fast_as_they_arrive(self, flows):
        self.burst = tuple(flows)

    def probe(self, side, tunnel, destination, at):
        """A flow of small packets that are sent when somebody says so."""
        flow = Flow("probe", max(self.by_number) + 1, side, tunnel, 0, packets.address(f"{self.scene.gateways[side].net}.0.2"),
                    packets.address(destination), at)
        self.by_number[flow.number] = flow
        return flow

    def forget_probe(self, flow):
        """Its packets are counted for good."""
        del self.by_number[flow.number]
        self.probes_sent += flow.sent
        self.probes_arrived += flow.arrived

    def reorder(self, allowed, tunnels=range(TUNNELS)):
        for flow in self.flows:
            if flow.tunnel in tunnels:
                flow.may_reorder = allowed


KINDS = {
    "UDP": Hosts.usual,
    "echo": Hosts.echo,
    "echo reply": Hosts.echo,
    "ping of a gateway": Hosts.echo,
    "UDP to be cut by the gateway": Hosts.large,
    "UDP in fragments": Hosts.in_fragments,
    "DF and too big": Hosts.too_big,
    "TTL 1": Hosts.short_lived,
    "TTL 2": Hosts.short_lived,
    "without a route": Hosts.small,
    "probe": Hosts.small,
}


def flows_of(scene):
    flows = []

    def add(kind, side, tunnel, weight, destination, *, at=None, **more):
        flows.append(Flow(kind, len(flows) + 1, side, tunnel, weight, host(side, tunnel), packets.address(destination),
                          at or side, **more))

    def host(side, tunnel):
        return packets.address(f"{scene.gateways[side].net}.{tunnel}.2")

    for side, other in OTHER.items():
        own, far = scene.gateways[side].net, scene.gateways[other].net
        for k in range(TUNNELS):
            to = f"{far}.{k}.2"
            for _ in range(2):
                add("UDP", side, k, 8, to, at=other)
            add("echo", side, k, 3, to, at=other)
            add("echo reply", side, k, 0, to, at=other)
            add("UDP to be cut by the gateway", side, k, 1, to, at=other)
            add("UDP in fragments", side, k, 1, to, at=other)
        add("DF and too big", side, 1, 1, f"{far}.1.2", answer=(packets.UNREACHABLE, TOO_BIG), cause="ip4.too_big", by=side)
        add("TTL 1", side, 0, 1, f"{far}.0.2", answer=(packets.TIME_EXCEEDED, 0), cause="ip4.ttl_exceeded", by=side)
        add("TTL 2", side, 3, 1, f"{far}.3.2", answer=(packets.TIME_EXCEEDED, 0), cause="ip4.ttl_exceeded", by=other)
        add("without a route", side, 0, 1, "172.16.0.1", answer=(packets.UNREACHABLE, UNREACHABLE_NET),
            cause="ip4.no_route", by=side)
        add("ping of a gateway", side, 0, 1, f"{own}.0.1")
        add("ping of a gateway", side, 0, 1, f"{far}.0.1")
    return flows
