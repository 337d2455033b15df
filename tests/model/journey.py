"""A gateway as RFC texts and docs/ have it: what leaves because of each frame, and where each packet ends.

Written to be read, one packet at a time, and from RFC 791, 792, 826, 1122, 1191, 1812, 2983, 3168, 3948, 4106, 4301,
4303, 6040, 6437, 6479, 7634, 8200, 8754 and 8986, docs/configuration.md and docs/drop-reasons.md, not from strata.

    model = Model(settings); model.arrive(port's name, frame, nanoseconds); model.finish()
"""

import struct
from collections import Counter
from dataclasses import dataclass, replace

import gateway as g
import octets as o
from cryptography.exceptions import InvalidTag
from fragments import Reassembly
from neighbors import Neighbors
from model import Window

BROADCAST = b"\xff" * 6
EXTENSION_HEADERS = 8  # docs: more of them are not walked
MOST_FRAGMENTS = 64  # docs: more than a burst has places
ARP_FIXED = struct.pack("!HHBB", 1, 0x0800, 6, 4)


# RFC 6040 figure 4: (outer, inner) that no honest path makes, though the packet goes on.
ANOMALIES = ((g.ECT0, g.NOT_ECT), (g.ECT1, g.NOT_ECT), (g.ECT0, g.ECT1), (g.ECT1, g.CE))


class End(Exception):
    """Where a packet ended."""

    def __init__(self, cause):
        super().__init__(cause)
        self.cause = cause


def need(condition, cause):
    if not condition:
        raise End(cause)


@dataclass(frozen=True)
class Origin:
    """protected: the side it is on. via: fragments of one packet have it in common. sa: out of which SA."""

    protected: bool
    via: object
    sa: object = None
    broadcast: bool = False
    made: bool = False  # by the gateway itself, or by its kernel

    @property
    def bucket(self):
        return "sa" if self.sa else self.protected


@dataclass(frozen=True)
class Sealed:
    """Must leave in the tunnel of an SA: this IPv6 packet, its flow label left 0, in an outer header with these."""

    sa: object
    ipv6: bytes
    flow: bytes
    sequence: int
    tos: int
    df: bool


@dataclass(frozen=True)
class Leaf:
    """What leaves: octets, or the frame's addresses and what is sealed in it."""

    port: str
    time: int
    frame: bytes
    sealed: object = None


class Limit:
    """Tokens: `burst` at once, `rate` a second (RFC 1812 section 4.3.2.8). Kept as nanoseconds times the rate."""

    def __init__(self, rate, burst):
        self.rate, self.most = rate, burst * 10**9 if rate else 0
        self.left, self.at = self.most, 0

    def take(self, now):
        self.left = min(self.most, self.left + (now - self.at) * self.rate)
        self.at = now
        if self.left < 10**9:
            return False
        self.left -= 10**9
        return True


class Model:
    def __init__(self, settings):
        self.settings = settings
        self.windows = {key: Window(sa.keys.window, sa.keys.esn) for key, sa in settings.inbound.items()}
        self.sequence = Counter()
        self.neighbors = Neighbors(settings, self.ask, self.given_up)
        self.reassembly = Reassembly(settings)
        icmp = settings.icmp
        self.limits = {key: Limit(icmp["errors_per_second"], icmp["burst"]) for key in (True, False, "sa")}
        self.kernel = settings.host.mac if settings.host else None
        self.leaves, self.ends, self.received, self.sas, self.sids = [], Counter(), Counter(), {}, {}
        self.limited = self.anomalies = self.now = 0

    # --- from outside ------------------------------------------------------------------------------------------------

    def arrive(self, port, frame, now):
        """The cause by which the frame ended, "sent" or "parked"; what leaves is added to self.leaves."""
        self.tick(now)
        self.now = now
        port = self.settings.ports[port]
        self.received[port.name] += 1
        try:
            return self.ethernet(port, frame) or "sent"
        except End as end:
            self.ends[end.cause] += 1
            return end.cause

    def finish(self):
        """The capture is over: what still waits is dropped."""
        waiting = self.neighbors.left_over()
        self.ends.update({"adj.unresolved": waiting} if waiting else {})
        late = self.reassembly.expire(float("inf"))
        self.ends.update({"ip4.reassembly_timeout": late} if late else {})

    def tick(self, now):
        while True:
            due, key = self.neighbors.next_due()
            if due is None or due > now:
                break
            self.now = due
            self.neighbors.tick(self.settings.ports, key)
        late = self.reassembly.expire(now)
        self.ends.update({"ip4.reassembly_timeout": late} if late else {})

    # --- Ethernet and ARP --------------------------------------------------------------------------------------------

    def ethernet(self, port, frame):
        need(len(frame) >= 14, "eth.truncated")
        at, tags = 12, 0
        while o.be16(frame, at) in (0x8100, 0x88A8):
            need(tags < 2, "eth.vlan_depth")
            tags, at = tags + 1, at + 4
            need(len(frame) >= at + 2, "eth.truncated")
        need(frame[:6] in (BROADCAST, self.mac(port)), "eth.other_host")
        kind, rest = o.be16(frame, at), frame[at + 2 :]
        if kind == 0x0806:
            return self.arp(port, rest)
        origin = Origin(port.protected, port.name, broadcast=frame[:6] == BROADCAST)
        if kind == 0x0800:
            return self.from_kernel(rest) if port.host else self.arrived4(port, rest, origin)
        need(kind == 0x86DD and not port.host, "eth.unknown_type")
        return self.arrived6(rest, None, origin, "sr6.truncated")

    def mac(self, port):
        """Ours; that of the host port is the kernel's with the last bit turned (docs/running.md)."""
        return port.mac[:5] + bytes([port.mac[5] ^ 1]) if port.host else port.mac

    def arp(self, port, data):
        need(len(data) >= 28 and data[:6] == ARP_FIXED, "arp.malformed")
        operation, mac = o.be16(data, 6), data[8:14]
        source, target = struct.unpack("!I", data[14:18])[0], struct.unpack("!I", data[24:28])[0]
        need(not mac[0] & 1 and any(mac), "arp.martian")
        if port.host:
            return self.arp_of_kernel(port, operation, mac, source, target)
        need(self.settings.arp["enabled"], "arp.off")
        own = {address for address, _ in port.addresses}
        need(source not in own, "arp.conflict")
        on_link = any(source in net for _, net in port.addresses)
        usual = on_link and source not in self.settings.broadcasts
        need(usual or source == 0, "arp.martian")
        asks_us = operation == 1 and target in own
        held = self.neighbors.heard(port, source, mac, self.now, add=asks_us) if source else []  # before the operation
        if asks_us:
            self.leave(port, mac, self.arp_packet(2, port.mac, target, mac, source), 0x0806)
        for packet, origin, hop in held:
            self.go_on(self.on_its_way, packet, origin, hop)
        need(asks_us, "arp.reply" if operation == 2 else "arp.other")
        return "sent"

    def arp_of_kernel(self, port, operation, mac, source, target):
        """It is told that every next hop is here; of its own addresses it only asks whether they are another's."""
        need(operation == 1, "arp.other")
        self.kernel = mac
        need(target not in self.settings.own and target != source, "arp.other")  # RFC 5227: a probe, an announcement
        self.leave(port, mac, self.arp_packet(2, self.mac(port), target, mac, source), 0x0806)
        return "sent"

    @staticmethod
    def arp_packet(operation, mac, address, to_mac, to):
        return ARP_FIXED + struct.pack("!H6sI6sI", operation, mac, address, to_mac, to)

    def ask(self, port, address, mac, now):
        self.now = now
        own = self.address_towards(port, address)
        self.leave(port, mac or BROADCAST, self.arp_packet(1, port.mac, own, bytes(6), address), 0x0806)

    @staticmethod
    def address_towards(port, address):
        """The port's address in the subnet of a neighbor."""
        return next(own for own, net in port.addresses if address in net)

    def leave(self, port, mac, payload, kind=0x0800, sealed=None):
        header = mac + self.mac(port) + struct.pack("!H", kind)
        self.leaves.append(Leaf(port.name, self.now, header + payload, sealed))

    def go_on(self, step, *arguments):
        """A packet other than the one that arrived goes on, and may end."""
        try:
            return step(*arguments)
        except End as end:
            self.ends[end.cause] += 1
            return end.cause

    # --- IPv4 --------------------------------------------------------------------------------------------------------

    @staticmethod
    def valid4(data):
        """RFC 1812 section 5.2.2; gives the packet without what stands behind it."""
        need(len(data) >= 20, "ip4.truncated")
        need(data[0] >> 4 == 4, "ip4.bad_version")
        ihl = 4 * (data[0] & 15)
        need(ihl >= 20, "ip4.bad_header_length")
        need(ihl <= len(data), "ip4.truncated")
        need(o.be16(data, 2) >= ihl, "ip4.bad_length")
        need(o.be16(data, 2) <= len(data), "ip4.truncated")
        need(g.checksum(data[:ihl]) == 0, "ip4.bad_checksum")
        return data[: o.be16(data, 2)]

    def check_source(self, packet):
        source = struct.unpack("!I", packet[12:16])[0]
        bad = packet[12] in (0, 127) or packet[12] >= 224
        known = source in self.settings.own or source in self.settings.broadcasts
        need(not bad and not known, "ip4.martian_source")

    def arrived4(self, port, data, origin):
        packet = self.valid4(data)
        destination = struct.unpack("!I", packet[16:20])[0]
        if destination in self.settings.own:
            self.check_source(packet)
            return self.for_host(packet, origin)
        need(destination not in self.settings.broadcasts, "ip4.broadcast")
        need(not origin.broadcast, "ip4.link_broadcast")
        self.check_source(packet)
        return self.forward(packet, origin, None)

    def for_host(self, packet, origin):
        """To an address of ours, in clear: ESP, what is beside it, or all else."""
        protocol, upper = packet[9], packet[o.header_length(packet) :]
        if o.is_fragment(packet):
            if not self.settings.reassembly["enabled"]:
                raise End("esp.fragment" if self.may_be_esp(packet) else "ip4.fragment")
            return self.put_together(packet, origin, self.for_host)
        destination = struct.unpack("!I", packet[16:20])[0]
        if protocol == g.ESP:
            return self.esp(upper, destination, None, packet[1] & 3)
        if protocol == g.UDP_:
            need(len(upper) >= 8 and 8 <= o.be16(upper, 4) <= len(upper), "udp.bad_length")
            payload, port = upper[8 : o.be16(upper, 4)], o.be16(upper, 2)
            if port in self.settings.esp_ports:
                need(payload != b"\xff", "esp.nat_keepalive")
                if payload[:4] != bytes(4):
                    return self.esp(payload, destination, port, packet[1] & 3)
        return self.local(packet, origin)

    def may_be_esp(self, packet):
        """Of UDP only the first fragment shows its ports."""
        upper, offset = packet[o.header_length(packet) :], o.be16(packet, 6) & 0x1FFF
        if packet[9] != g.UDP_ or not self.settings.esp_ports:
            return packet[9] == g.ESP
        return bool(offset) or len(upper) >= 4 and o.be16(upper, 2) in self.settings.esp_ports

    def put_together(self, packet, origin, then):
        verdict, count, whole, broadcast = self.reassembly.take(packet, origin.via, origin.broadcast, self.now)
        if verdict == "waits":
            return "parked"
        if verdict == "failed":
            self.ends["ip4.reassembly_failed"] += count - 1
            raise End("ip4.reassembly_failed")
        self.ends["ip4.reassembled"] += count
        return self.go_on(then, whole, replace(origin, broadcast=broadcast))

    # --- what is for the gateway itself ------------------------------------------------------------------------------

    def crosses(self, packet, protected, origin):
        """RFC 4301 section 3.1. Bypass rules are for what is in clear all the way, not for what an SA carried."""
        let = not origin.sa and any(rule.lets(packet) for rule in self.settings.bypass)
        return protected != origin.protected and not let

    def local(self, packet, origin):
        if o.is_fragment(packet):
            need(self.settings.reassembly["enabled"], "ip4.fragment")
            return self.put_together(packet, origin, self.local)
        own = self.settings.own[struct.unpack("!I", packet[16:20])[0]]
        need(not self.crosses(packet, own.protected, origin), "policy.boundary")
        upper = packet[o.header_length(packet) :]
        if packet[9] == 1:
            need(len(upper) >= 8, "icmp.truncated")
            need(g.checksum(upper) == 0, "icmp.bad_checksum")
            if upper[0] == 8 and upper[1] == 0 and self.settings.icmp["echo"]:
                return self.output(o.echo_reply(packet), replace(origin, made=True))
            return self.to_kernel(packet, origin, "punt.icmp")
        if packet[9] == g.UDP_:
            whole = len(upper) >= 8 and 8 <= o.be16(upper, 4) <= len(upper)
            ike = whole and self.is_ike(upper)
            return self.to_kernel(packet, origin, "punt.ike" if ike else "local.no_port")
        return self.to_kernel(packet, origin, "local.no_protocol")

    def is_ike(self, datagram):
        """RFC 3948 section 2.2. ESP that came through an SA is opened by nobody, yet the port is not closed."""
        return o.be16(datagram, 2) == 500 or o.be16(datagram, 2) in self.settings.esp_ports

    def to_kernel(self, packet, origin, cause):
        host = self.settings.host
        if host is None:
            return self.refuse(packet, origin, cause)
        if len(packet) <= host.mtu:
            return self.leave(host, self.kernel, packet)
        for piece in self.cut(packet, host.mtu):
            self.leave(host, self.kernel, piece)
        raise End("ip4.fragmented")

    def from_kernel(self, data):
        packet = self.valid4(data)
        source = struct.unpack("!I", packet[12:16])[0]
        need(source in self.settings.own, "local.foreign_source")
        return self.output(packet, Origin(self.settings.own[source].protected, "kernel", made=True))

    # --- ESP, RFC 4303 3.4 -------------------------------------------------------------------------------------------

    def esp(self, data, destination, port, ecn):
        need(len(data) >= 8, "esp.truncated")
        spi, low = struct.unpack_from("!II", data)
        need(spi, "esp.spi_zero")
        sa = self.settings.inbound.get((spi, destination))
        need(sa, "esp.no_sa")
        keys = sa.keys
        need((keys.udp[1] if keys.udp else None) == port, "esp.encap_mismatch")
        need(len(data) >= 8 + 8 + 2 + 16, "esp.truncated")
        need(len(data) % 4 == 0, "esp.bad_length")
        text = self.open(keys, data, low, self.windows[spi, destination])
        pad, next_header = text[-2], text[-1]
        need(next_header != g.NO_NEXT, "esp.dummy")  # RFC 4303 2.6: whatever else is in it
        need(pad + 2 <= len(text), "esp.bad_length")
        need(text[len(text) - 2 - pad : -2] == bytes(range(1, pad + 1)), "esp.bad_pad")
        need(next_header == g.IPV6, "esp.next_header")
        origin, inside = Origin(True, ("sa", keys.name), sa), text[: len(text) - 2 - pad]
        self.count(self.sas, keys.name, len(inside))
        return self.arrived6(inside, ecn, origin, "esp.inner_truncated")

    def open(self, keys, data, low, window):
        seq = window.full(low)
        need(seq is not None, "esp.auth_failed")
        need(seq or not keys.window, "esp.seq_zero")
        verdict = window.verdict(seq)
        need(not verdict, verdict)
        aad = data[:4] + (struct.pack("!Q", seq) if keys.esn else data[4:8])
        try:
            text = g._aead(keys.algorithm, keys.keymat).decrypt(keys.keymat[-4:] + data[8:16], data[16:], aad)
        except InvalidTag:
            raise End("esp.auth_failed") from None
        window.accept(seq)
        return text

    # --- IPv6, RFC 8200, 8754, 8986 ----------------------------------------------------------------------------------

    def arrived6(self, data, outer_ecn, origin, short):
        """outer_ecn: of the IPv4 header around it; None: there was none."""
        need(len(data) >= 40, short)
        need(data[0] >> 4 == 6, "sr6.bad_version")
        need(40 + o.be16(data, 4) <= len(data), short)
        packet = data[: 40 + o.be16(data, 4)]
        source, destination = int.from_bytes(packet[8:24], "big"), int.from_bytes(packet[24:40], "big")
        sa = origin.sa
        if sa:
            need(source in sa.inside and destination in sa.target, "policy.selector_mismatch")
            need(self.is_of(sa.protocol, packet), "policy.selector_mismatch")
        need(packet[8] != 0xFF and source > 1, "sr6.martian_source")
        sid = self.settings.sid(destination)
        if sid is None:
            need(destination in self.settings.own6, "sr6.no_sid")
            raise End("punt.icmp6" if self.upper_layer(packet) == g.ICMPV6 else "punt.local")
        need(sa or sid[4], "policy.unprotected")
        ecn = o.be16(packet, 0) >> 4 & 3
        if outer_ecn is not None:
            self.anomalies += (outer_ecn, ecn) in ANOMALIES
            ecn = self.mark(outer_ecn, ecn, "esp.ce_not_ect")
        protocol, at, left = self.headers(packet)  # RFC 8986 section 4.5
        need(not left, "sr6.segments_left")
        need(protocol == g.IPV4, "sr6.upper_layer")
        self.count(self.sids, sid[1], len(packet))
        return self.dx4(packet[at:], sid, ecn, origin)

    def mark(self, outer, inner, cause):
        """RFC 6040 section 4.2: the mark that stays."""
        ecn = g.ecn_decapsulate(outer, inner)
        need(ecn is not None, cause)
        return ecn

    @staticmethod
    def count(table, name, size):
        packets, total = table.get(name, (0, 0))
        table[name] = packets + 1, total + size

    @staticmethod
    def walk(packet):
        """Each extension header as (its type, where it stands, its length), then what is behind them."""
        protocol, at, count = packet[6], 40, 0
        while protocol in (g.HOP_BY_HOP, g.ROUTING, g.FRAGMENT, g.DST_OPTS):
            need(protocol != g.HOP_BY_HOP or at == 40, "sr6.exthdr_order")
            need(count < EXTENSION_HEADERS, "sr6.exthdr_limit")
            need(len(packet) >= at + 8, "sr6.truncated")
            length = 8 if protocol == g.FRAGMENT else 8 * (packet[at + 1] + 1)
            need(len(packet) >= at + length, "sr6.truncated")
            yield protocol, at, length
            protocol, at, count = packet[at], at + length, count + 1
        yield protocol, at, 0

    def is_of(self, protocol, packet):
        """A selector (RFC 4301 section 4.4.1.1). With segments left it has not come to its upper layer, and ends."""
        return protocol in (None, self.upper_layer(packet, protocol))

    def upper_layer(self, packet, otherwise=None):
        """None where it cannot be found. otherwise: what it is taken for where segments are left."""
        try:
            upper, _, left = self.headers(packet)
        except End:
            return None
        return otherwise if left else upper

    def headers(self, packet):
        """What is behind all extension headers, where, and whether segments are left; of these each has to be right.

        An SRH with segments left is the last that is looked at (RFC 8986 section 4.5 S02).
        """
        for protocol, at, length in self.walk(packet):
            if protocol == g.FRAGMENT:
                need(o.be16(packet, at + 2) & 0xFFF9 == 0, "sr6.fragment")
            elif protocol == g.ROUTING and packet[at + 2] == 4:
                last = packet[at + 4]
                need(last + 1 <= packet[at + 1] // 2 and packet[at + 3] <= last + 1, "sr6.bad_srh")
                if packet[at + 3]:
                    return packet[at], at, True
            elif protocol == g.ROUTING:
                need(packet[at + 3] == 0, "sr6.unknown_routing")
            elif length:
                need(self.options_are_fine(packet[at + 2 : at + length]), "sr6.bad_option")
        return protocol, at, False

    @staticmethod
    def options_are_fine(data):
        """RFC 8200 section 4.2: whole ones, none unknown that asks for the packet to be discarded."""
        at = 0
        while at < len(data):
            if data[at] == 0:
                at += 1
                continue
            if data[at] >> 6 or at + 2 > len(data) or at + 2 + data[at + 1] > len(data):
                return False
            at += 2 + data[at + 1]
        return True

    def dx4(self, data, sid, ecn, origin):
        inner = self.valid4(data)
        self.check_source(inner)
        origin = replace(origin, broadcast=False)  # it was IPv6 that came in one
        return self.forward(inner, origin, ecn, (sid[3], sid[2]))

    # --- on the way out ----------------------------------------------------------------------------------------------

    def forward(self, packet, origin, ecn, next_hop=None):
        """ecn: of what carried it, or None. next_hop: (port, address) of a SID; else a route is looked up."""
        destination = struct.unpack("!I", packet[16:20])[0]
        own = destination in self.settings.own
        need(packet[12:14] != b"\xa9\xfe", "ip4.martian_source")
        if not own:
            self.check_destination(packet)
        marked, mine = packet, packet[1] & 3
        anomalous = ecn is not None and (ecn, mine) in ANOMALIES
        if ecn is not None:
            after = self.mark(ecn, mine, "ip4.ce_not_ect")
            marked = o.changed(packet, ecn=after) if after != mine else packet
        if own:
            self.anomalies += anomalous
            return self.local(marked, origin)
        if packet[8] <= 1:
            return self.refuse(packet, origin, "ip4.ttl_exceeded")
        if next_hop:
            free = not origin.sa  # a SID that takes clear traffic may send it to either side
            need(free or not self.crosses(packet, next_hop[0].protected, origin), "policy.boundary")
            hop = (next_hop[0], next_hop[1], None)
        else:
            hop = self.look_up(packet, destination, origin)
            if hop is None:
                return self.refuse(packet, origin, "ip4.no_route")
        out = o.changed(marked, ttl=packet[8] - 1)
        return self.on_its_way((packet, out, anomalous), origin, hop)

    def check_destination(self, packet):
        destination = struct.unpack("!I", packet[16:20])[0]
        need(destination not in self.settings.broadcasts, "ip4.broadcast")
        bad = packet[16] in (0, 127) or packet[16] >= 240 or packet[16:18] == b"\xa9\xfe"
        need(not bad, "ip4.martian_destination")
        need(packet[16] < 224, "ip4.multicast")

    def look_up(self, packet, destination, origin):
        """(port, next hop, policy) by which it leaves, or None; what may not cross the boundary ends."""
        hop = self.settings.route(destination)
        if hop is None:
            return None
        if hop.policy is None:
            need(not self.crosses(packet, hop.port.protected, origin), "policy.boundary")
            return hop.port, destination if hop.via is None else hop.via, None
        need(not self.crosses(packet, True, origin), "policy.boundary")
        need(hop.policy.sa, "policy.no_sa")
        peer = struct.unpack("!I", g.ipaddress.ip_address(hop.policy.sa.keys.destination).packed)[0]
        route = self.settings.route(peer)
        return route.port, peer if route.via is None else route.via, hop.policy

    def on_its_way(self, packet, origin, hop):
        """packet: (as it came, as it leaves, whether its marks are odd)."""
        port, address, policy = hop
        mac = self.neighbors.find(port, address)
        if mac is None:
            cause = self.neighbors.wait(port, address, (packet, origin, hop), self.now)
            if cause == "adj.unresolved" and not origin.made:
                return self.refuse(packet[0], origin, cause)
            need(cause is None, cause)
            return "parked"
        mtu = policy.mtu if policy else port.mtu
        if len(packet[1]) > mtu and o.may_not_be_cut(packet[1]):
            return self.refuse(packet[0], origin, "ip4.too_big", mtu)
        self.anomalies += packet[2]
        if len(packet[1]) <= mtu:
            return self.send(packet[1], mac, port, policy)
        for piece in self.cut(packet[1], mtu):
            self.send(piece, mac, port, policy)
        raise End("ip4.fragmented")

    @staticmethod
    def cut(packet, mtu):
        need(not o.may_not_be_cut(packet), "ip4.too_big")
        made = g.pieces(packet, mtu)
        need(len(made) <= MOST_FRAGMENTS, "ip4.too_many_fragments")
        return made

    def send(self, packet, mac, port, policy):
        if policy is None:
            return self.leave(port, mac, packet)
        if policy.clamp:
            packet = o.clamped(packet, policy.mtu - 40)
        name = policy.sa.keys.name
        self.sequence[name] += 1
        sealed = self.seal(packet, policy)
        self.count(self.sas, name, len(sealed.ipv6))
        return self.leave(port, mac, b"", sealed=sealed)

    def seal(self, packet, policy):
        """RFC 8986 section 5, RFC 8754 sections 2 and 4.1.1, RFC 2983, RFC 6040 section 4.1."""
        sa, tos, srh = policy.sa, packet[1], b""
        six = tos if policy.dscp == "copy" else policy.dscp << 2 | tos & 3
        four = six if sa.dscp == "copy" else sa.dscp << 2 | tos & 3
        if policy.listed:
            count, last = len(policy.listed), len(policy.segments) - 1
            srh = struct.pack("!BBBBBBH", g.IPV4, 2 * count, 4, last, count - 1, 0, 0) + b"".join(policy.listed[::-1])
        header = struct.pack("!IHBB", 6 << 28 | six << 20, len(srh) + len(packet), g.ROUTING if srh else g.IPV4,
                             policy.hop_limit)
        ipv6 = header + self.settings.source6 + policy.segments[0] + srh + packet
        df = o.may_not_be_cut(packet) if sa.df == "copy" else sa.df == "set"
        return Sealed(sa, ipv6, o.flow(packet), self.sequence[sa.keys.name], four, df)

    # --- ICMP errors, and all else that begins here ------------------------------------------------------------------

    def given_up(self, waiting, now):
        """Nobody has answered for these packets."""
        self.now = now
        for packet, origin, _ in waiting:
            self.go_on(self.unanswered, packet, origin)

    def unanswered(self, packet, origin):
        need(not origin.made, "adj.unresolved")
        self.refuse(packet[0], origin, "adj.unresolved")

    def refuse(self, packet, origin, cause, mtu=0):
        """Ends the packet; its sender is told, if it may be (RFC 1812 section 4.3.2.7)."""
        later = o.be16(packet, 6) & 0x1FFF
        told = cause in o.ERRORS and not (origin.made or origin.broadcast or later or o.is_icmp_error(packet))
        if told and not self.limits[origin.bucket].take(self.now):
            self.limited += 1
            told = False
        if told:
            self.go_on(self.tell, packet, replace(origin, made=True), cause, mtu)
        raise End(cause)

    def tell(self, packet, origin, cause, mtu):
        need(packet[12:14] != b"\xa9\xfe", "ip4.martian_destination")  # RFC 3927 section 7
        to = struct.unpack("!I", packet[12:16])[0]
        hop = self.settings.route(to)
        need(hop, "ip4.no_route")
        error = o.icmp_error(cause, packet, self.source_of_error(hop, to), to, mtu)
        self.output(error, origin)

    def source_of_error(self, hop, to):
        """RFC 1812 section 4.3.2.4: of the port by which it leaves; a tunnel's near end is the protected side."""
        if hop.policy is None:
            return self.address_towards(hop.port, to if hop.via is None else hop.via)
        ports = self.settings.ports.values()
        return next(port.addresses[0][0] for port in ports if port.protected and port.addresses)

    def output(self, packet, origin):
        """What begins here: no hop, so the TTL stays."""
        destination = struct.unpack("!I", packet[16:20])[0]
        need(destination not in self.settings.own, "ip4.martian_destination")
        self.check_destination(packet)
        hop = self.look_up(packet, destination, origin)
        need(hop, "ip4.no_route")
        return self.on_its_way((packet, packet, False), origin, hop)
