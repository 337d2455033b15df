"""A naive gateway: what RFC text and docs/journey.md say must become of a frame, one packet at a time.

It judges the tests that have too many packets to be spelled out (every flip, every truncation, random damage). Written
for reading, not for speed, and from the RFCs, not from strata.
"""

import ipaddress
import struct

from cryptography.exceptions import InvalidTag

import gateway as g


CLEAR = "forwarded in clear, which is not modelled"


class End(Exception):
    """Where a packet ended, by its cause."""

    def __init__(self, *causes):
        super().__init__(causes)
        self.causes = causes


def need(condition, *causes):
    if not condition:
        raise End(*causes)


def be16(data, at):
    return struct.unpack_from("!H", data, at)[0]


def options_are_fine(octets):
    """RFC 8200 4.2: whole ones, none unknown that asks for the packet to be discarded (all are unknown but padding)."""
    while octets:
        if octets[0] == 0:
            octets = octets[1:]
            continue
        if octets[0] >> 6 or len(octets) < 2 or len(octets) < 2 + octets[1]:
            return False
        octets = octets[2 + octets[1] :]
    return True


class Window:
    """RFC 4303 3.4.3 without tricks: the highest number accepted, and every number accepted so far."""

    def __init__(self, size, esn):
        self.size, self.esn, self.top, self.seen = size, esn, 0, set()

    def full(self, low):
        """RFC 4303 appendix A2.2: the 64-bit number that the 32 bits stand for. None: there is none."""
        if not self.esn:
            return low
        high, top_low = self.top >> 32, self.top & 0xFFFFFFFF
        if top_low >= self.size - 1:
            return (high if low >= top_low - self.size + 1 else high + 1) << 32 | low
        if low >= (top_low - self.size + 1) % 2**32:
            return (high - 1) << 32 | low if high else None
        return high << 32 | low

    def verdict(self, seq):
        if self.size == 0:
            return None
        if seq + self.size <= self.top:
            return "esp.replay_too_old"
        return "esp.replayed" if seq in self.seen else None

    def accept(self, seq):
        self.top = max(self.top, seq)
        self.seen.add(seq)


class Gateway:
    """process(port, frame) gives (port, frame) for what leaves, or a tuple of the causes that are right."""

    def __init__(self, config):
        tree = config.tree()
        self.sas = config.sas
        self.windows = {(sa.spi, sa.destination): Window(sa.window, sa.esn) for sa in config.sas}
        self.ports = tree["ports"]
        networks = [ipaddress.ip_interface(a) for port in self.ports.values() for a in port["addresses"]]
        self.own = {str(n.ip) for n in networks}
        self.own_side = {
            str(ipaddress.ip_interface(a).ip): port["side"] for port in self.ports.values() for a in port["addresses"]
        }
        subnets = [n.network for n in networks if n.version == 4]
        self.broadcasts = {str(a) for n in subnets for a in (n.broadcast_address, n.network_address)}  # RFC 1812 4.2.3.1
        self.neighbors = {(n["port"], n["address"]): n["mac"] for n in tree["neighbors"]}
        self.sids = [(ipaddress.ip_network(s["sid"]), s) for s in tree["srv6"]["local_sids"]]

    def process(self, port, frame):
        try:
            return self.ethernet(port, frame)
        except End as end:
            return end.causes

    def ethernet(self, port, frame):
        need(len(frame) >= 14, "eth.truncated")
        at, tags = 12, 0
        while be16(frame, at) in (0x8100, 0x88A8):
            need(tags < 2, "eth.vlan_depth")
            tags, at = tags + 1, at + 4
            need(len(frame) >= at + 2, "eth.truncated")
        broadcast = frame[:6] == b"\xff" * 6
        need(broadcast or frame[:6] == g.mac(self.ports[port]["mac"]), "eth.other_host")
        kind, rest = be16(frame, at), frame[at + 2 :]
        if kind == 0x0806:
            raise End("arp.off")
        if kind == 0x0800:
            return self.arrived4(port, rest)
        if kind == 0x86DD:
            return self.arrived6(rest, g.NOT_ECT, None, None)
        raise End("eth.unknown_type")

    # IPv4, RFC 1812 5.2.2: the same checks in clear and out of a tunnel.
    def valid4(self, data):
        need(len(data) >= 20, "ip4.truncated")
        need(data[0] >> 4 == 4, "ip4.bad_version")
        ihl = 4 * (data[0] & 15)
        need(ihl >= 20, "ip4.bad_header_length")
        need(ihl <= len(data), "ip4.truncated")
        need(be16(data, 2) >= ihl, "ip4.bad_length")
        need(be16(data, 2) <= len(data), "ip4.truncated")
        need(g.checksum(data[:ihl]) == 0, "ip4.bad_checksum")
        packet = data[: be16(data, 2)]
        source = ipaddress.ip_address(packet[12:16])
        bad = packet[12] in (0, 127) or packet[12] >= 224
        need(not bad and str(source) not in self.own | self.broadcasts, "ip4.martian_source")
        return packet

    def arrived4(self, port, data):
        packet = self.valid4(data)
        destination = str(ipaddress.ip_address(packet[16:20]))
        need(destination in self.own, CLEAR)
        ihl, protocol, ecn = 4 * (packet[0] & 15), packet[9], packet[1] & 3
        upper = packet[ihl:]
        esp_ports = {sa.udp[1] for sa in self.sas if sa.udp}
        if be16(packet, 6) & 0x3FFF:
            offset = be16(packet, 6) & 0x1FFF
            of_esp = (
                protocol == g.ESP or protocol == g.UDP_ and (offset or len(upper) >= 4 and be16(upper, 2) in esp_ports)
            )
            raise End("esp.fragment" if of_esp else "ip4.fragment")
        if protocol == g.ESP:
            return self.esp(upper, destination, None, ecn)
        if protocol == g.UDP_:
            return self.udp(packet, port, upper, destination, esp_ports, ecn)
        self.local(packet, self.ports[port]["side"], esp_ports)

    # What is for the gateway itself, and is answered by nobody in these tests.
    def local(self, packet, side, esp_ports):
        ihl, protocol = 4 * (packet[0] & 15), packet[9]
        upper = packet[ihl:]
        mine = self.own_side[str(ipaddress.ip_address(packet[16:20]))]
        need(mine == side, "policy.boundary")
        if protocol == 1 and not be16(packet, 6) & 0x3FFF:
            need(len(upper) >= 8, "icmp.truncated")
            need(g.checksum(upper) == 0, "icmp.bad_checksum")
            raise End("punt.icmp")
        need(protocol == g.UDP_, "local.no_protocol")
        whole = len(upper) >= 8 and 8 <= be16(upper, 4) <= len(upper)
        raise End("punt.ike" if whole and be16(upper, 2) in {500} | esp_ports else "local.no_port")

    def udp(self, packet, at, data, destination, esp_ports, ecn):
        need(len(data) >= 8, "udp.bad_length")
        port, length = be16(data, 2), be16(data, 4)
        whole = 8 <= length <= len(data)
        if port not in esp_ports:  # nothing is opened here: a wrong length may be seen or left to the host
            if not whole:
                raise End("udp.bad_length")
            self.local(packet, self.ports[at]["side"], esp_ports)
        need(whole, "udp.bad_length")
        payload = data[8:length]
        if payload == b"\xff":
            raise End("esp.nat_keepalive")
        if payload[:4] == bytes(4):
            self.local(packet, self.ports[at]["side"], esp_ports)
        return self.esp(payload, destination, port, ecn)

    # ESP, RFC 4303 3.4.
    def esp(self, data, destination, port, ecn):
        need(len(data) >= 8, "esp.truncated")
        spi, low = struct.unpack_from("!II", data)
        need(spi, "esp.spi_zero")
        sa = next((sa for sa in self.sas if (sa.spi, sa.destination) == (spi, destination)), None)
        need(sa, "esp.no_sa")
        need((sa.udp[1] if sa.udp else None) == port, "esp.encap_mismatch")
        need(len(data) >= 8 + 8 + 2 + 16, "esp.truncated")
        need((len(data) - 32) % 4 == 0, "esp.bad_length")
        window = self.windows[spi, destination]
        seq = window.full(low)
        need(seq is not None, "esp.replay_too_old", "esp.auth_failed")
        need(seq, "esp.seq_zero")
        verdict = window.verdict(seq)
        need(not verdict, verdict)
        aad = data[:4] + (struct.pack("!Q", seq) if sa.esn else data[4:8])
        try:
            text = g._aead(sa.algorithm, sa.keymat).decrypt(sa.keymat[-4:] + data[8:16], data[16:], aad)
        except InvalidTag:
            raise End("esp.auth_failed") from None
        window.accept(seq)
        pad, next_header = text[-2], text[-1]
        need(next_header != g.NO_NEXT, "esp.dummy")  # RFC 4303 2.6: whatever else is in it
        need(pad + 2 <= len(text), "esp.bad_length")
        need(text[len(text) - 2 - pad : -2] == bytes(range(1, pad + 1)), "esp.bad_pad")
        need(next_header == g.IPV6, "esp.next_header")
        return self.arrived6(text[: len(text) - 2 - pad], ecn, sa, "esp.inner_truncated")

    # IPv6, RFC 8200, 8754, 8986.
    def arrived6(self, data, outer_ecn, sa, short):
        short = short or "sr6.truncated"
        need(len(data) >= 40, short)
        need(data[0] >> 4 == 6, "sr6.bad_version")
        need(40 + be16(data, 4) <= len(data), short)
        packet = data[: 40 + be16(data, 4)]
        source, destination = ipaddress.ip_address(packet[8:24]), ipaddress.ip_address(packet[24:40])
        ecn = g.ecn_decapsulate(outer_ecn, packet[1] >> 4 & 3)
        need(ecn is not None, "esp.ce_not_ect")
        if sa:
            inside = source in ipaddress.ip_network(sa.inside) and destination in ipaddress.ip_network(sa.target)
            need(inside, "policy.selector_mismatch")
        need(not (source.is_multicast or source.is_unspecified or source.is_loopback), "sr6.martian_source")
        matches = [(net.prefixlen, sid) for net, sid in self.sids if destination in net]
        if not matches:
            mine = str(destination) in self.own
            raise End(("punt.icmp6" if packet[6] == g.ICMPV6 else "punt.local") if mine else "sr6.no_sid")
        sid = max(matches, key=lambda match: match[0])[1]
        need(sa or sid.get("clear"), "policy.unprotected")
        return self.dx4(packet, sid, ecn)

    def dx4(self, packet, sid, ecn):
        upper, at, left = self.walk(packet)
        need(left == 0, "sr6.segments_left")
        need(upper == g.IPV4, "sr6.upper_layer")
        inner = self.valid4(packet[at:])
        marked = g.ecn_decapsulate(ecn, inner[1] & 3)
        need(marked is not None, "ip4.ce_not_ect")
        if str(ipaddress.ip_address(inner[16:20])) in self.own:
            self.local(inner, "protected", {sa.udp[1] for sa in self.sas if sa.udp})
        need(inner[8] > 1, "ip4.ttl_exceeded")
        need(self.ports[sid["port"]]["side"] == "protected", "policy.boundary")
        neighbor = self.neighbors.get((sid["port"], sid["next_hop"]))
        need(neighbor, "adj.unresolved")
        frame = g.on_lan(inner, ecn=ecn, dst=neighbor, src=self.ports[sid["port"]]["mac"])
        return sid["port"], frame

    @staticmethod
    def walk(packet):
        protocol, at, left, count = packet[6], 40, 0, 0
        while protocol in (g.HOP_BY_HOP, g.ROUTING, g.FRAGMENT, g.DST_OPTS):
            need(count < 8, "sr6.exthdr_limit")
            need(protocol != g.HOP_BY_HOP or at == 40, "sr6.exthdr_order")
            need(len(packet) >= at + 8, "sr6.truncated")
            length = 8 if protocol == g.FRAGMENT else 8 * (packet[at + 1] + 1)
            need(len(packet) >= at + length, "sr6.truncated")
            if protocol == g.FRAGMENT:
                need(be16(packet, at + 2) & 0xFFF9 == 0, "sr6.fragment")
            elif protocol == g.ROUTING and packet[at + 2] == 4:
                last = packet[at + 4]
                need(last + 1 <= packet[at + 1] // 2 and packet[at + 3] <= last + 1, "sr6.bad_srh")
                left = packet[at + 3]
                if left:  # RFC 8986 4.5 S02: nothing behind it is looked at
                    return protocol, at, left
            elif protocol == g.ROUTING:
                need(packet[at + 3] == 0, "sr6.unknown_routing")
            else:
                need(options_are_fine(packet[at + 2 : at + length]), "sr6.bad_option")
            protocol, at, count = packet[at], at + length, count + 1
        return protocol, at, left
