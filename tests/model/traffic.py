"""Frames drawn at random for a configuration: mostly nearly right, some wrong in one way or several, some damaged."""

import struct

import gateway as g
import octets as o
from settings import number4

LAN_HOSTS = ("10.1.0.2", "10.1.0.2", "10.1.0.2", "10.3.0.2", "10.3.0.2", "10.4.1.1", "10.4.5.9", "10.1.0.66",
             "172.31.7.7")
FAR = ("10.2.0.9", "10.2.1.9", "10.2.2.7", "10.2.3.9", "10.2.0.77", "10.4.64.3", "10.4.65.9", "10.99.1.1")
WILD = ("203.0.113.9", "203.0.113.50", "198.18.0.3", "192.0.2.254", "192.0.2.2", "192.0.2.9", "192.0.2.77")
OWN = ("192.0.2.1", "198.51.100.1", "10.1.0.1", "10.1.0.1", "10.3.0.1", "10.33.0.1")
ODD = ("0.0.0.0", "0.1.2.3", "127.0.0.1", "224.0.0.5", "239.1.2.3", "240.0.0.1", "255.255.255.255", "10.1.0.255",
       "10.1.0.0", "10.3.0.63", "192.0.2.255", "192.0.2.0", "169.254.1.1", "8.8.8.8", "10.33.0.0", "172.16.0.1")
OPTIONS = (b"\x01\x01\x01\x00", b"\x07\x07\x04\0\0\0\0\0", b"\x83\x07\x04\x0a\0\0\x01\0", b"\x94\x04\0\0", b"\x01" * 40,
           b"\x94\x04\0\0\x07\x07\x04\0\0\0\0\x01\x83\x07\x04\x0a\0\0\x01\0")
SIDS = ("fc00:1::d4", "fc00:1::d4", "fc00:1::d4", "fc00:1:0:64::7", "fc00:1:0:64:8000::", "fc00:1:0:64:bfff::9",
        "fc00:1::c1", "fc00:1::d5", "fc00:1::d6", "fc00:1::99", "fc00:1::1", "fc00:1:7::1", "fc00:9::d4")
OPTION_TYPES = (0x1E, 0x3E, 0x5E, 0x9E, 0xDE, 0, 1)  # of extension headers (RFC 8200 section 4.2)
SIZES = (20, 21, 28, 46, 64, 84, 128, 256, 576)
MACS = {"wan": g.WAN_ROUTER_MAC, "lan": g.LAN_HOST_MAC, "lan2": g.LAN2_HOST_MAC, "host": "02:00:00:00:03:00"}
DATA = bytes(range(256)) * 40
PACKED = {}


def six(address):
    if address not in PACKED:
        PACKED[address] = g.ipaddress.IPv6Address(address).packed
    return PACKED[address]


class Sender:
    """The peer of an inbound SA: its next number, and numbers that it has used."""

    def __init__(self, rng, sa):
        self.rng, self.keys = rng, sa.keys
        self.top = rng.choice((0, 0, 0, 2**32 - 40 if not self.keys.esn else 2**31 - 9))
        self.prefix = g.ipaddress.IPv6Address(sa.inside.first)

    def number(self):
        rng, most = self.rng, 2**64 - 1 if self.keys.esn else 2**32 - 1
        draw = rng.random()
        if draw < 0.85 or self.top == 0:
            self.top = min(most, self.top + 1)
            return self.top
        if draw < 0.91:  # late, or a copy
            return max(0, self.top - rng.randrange(0, 3 * max(self.keys.window, 8) // 2))
        if draw < 0.93:
            return max(0, self.top - rng.randrange(4))
        if draw < 0.99:
            self.top = min(most, self.top + rng.choice((2, 17, 63, 64, 65, 1023, 4096)))
        elif self.top < most // 2:
            self.top += rng.choice((2**20, 2**31 - 5000) if self.keys.esn else (2**20,))
        return self.top


class Traffic:
    """apart: each SA's packets come by one port and are of hosts of their own. Else a few come by another one."""

    def __init__(self, rng, settings, apart=False):
        self.rng, self.settings, self.apart = rng, settings, apart
        self.senders = [Sender(rng, sa) for sa in settings.inbound.values()]
        self.ident = 0
        self.kinds = [
            (30, self.tunnel), (24, self.outbound), (8, self.in_clear), (7, self.to_own), (4, self.clear_six),
            (4, self.pings), (4, self.arp), (4, self.in_fragments), (3, self.beside_esp), (1, self.nothing),
        ]
        if settings.host:
            self.kinds.append((6, self.of_kernel))
        self.choices = [kind for weight, kind in self.kinds for _ in range(weight)]

    def frames(self):
        """A few (port, frame) that come after one another."""
        made = self.rng.choice(self.choices)()
        return [(port, self.damaged(frame) if self.rng.random() < 0.03 else frame) for port, frame in made]

    def chance(self, share):
        return self.rng.random() < share

    # --- IPv4 packets ------------------------------------------------------------------------------------------------

    def next_ident(self):
        self.ident = self.ident % 65535 + 1
        return self.ident

    def size(self):
        if self.chance(0.75):
            return self.rng.choice(SIZES)
        if self.chance(0.15):
            # Between these a replay's buffers have no room for the headers of a long tunnel.
            return self.rng.choice((self.rng.randrange(1500, 1600), self.rng.randrange(2049, 9001)))
        return self.rng.randrange(20, 1501)

    def upper(self, protocol, size):
        rng, start = self.rng, self.rng.randrange(200)
        if protocol == 17 and size >= 8:
            ports = (rng.choice((53, 443, 1000, 4500, 40000)), rng.choice((53, 55, 500, 4500, 4501, 7)))
            length = size if not self.chance(0.05) else rng.choice((0, 7, 8, size + 1, 65535))
            return struct.pack("!HHHH", *ports, length, rng.choice((0, 0, 0x1234))) + DATA[start : start + size - 8]
        if protocol == 6 and size >= 20:
            return self.segment(size, DATA[start : start + size])
        if protocol == 1 and size >= 8:
            kind, code = rng.choice(((8, 0), (8, 0), (0, 0), (3, 1), (3, 4), (11, 0), (13, 0), (8, 1)))
            message = o.icmp(kind, code, rng.getrandbits(32), DATA[start : start + size - 8])
            return message if not self.chance(0.05) else message[:2] + b"\0\1" + message[4:]
        return DATA[start : start + size]

    def segment(self, size, data):
        """TCP, often a SYN with options."""
        rng = self.rng
        mss = rng.choice((536, 1000, 1240, 1358, 1359, 1460, 8960, 65535))
        value = struct.pack("!H", mss)
        options = rng.choice((b"\x02\x04" + value, b"\x01\x02\x04" + value + b"\0\0\0",
                              b"\x03\x03\x07\x02\x04" + value + b"\x01", b"", b"\x02\x03\x05\xb4",
                              b"\x00\x02\x04\x05\xb4\0\0\0", b"\x08\x00\x02\x04\x05\xb4\0\0"))
        options = options[: max(0, (size - 20) & ~3)]
        words = 5 + len(options) // 4
        if self.chance(0.03):
            words = rng.randrange(16)
        flags = rng.choice((2, 0x12, 0x10, 0x18))
        ports = rng.choice((443, 1000)), rng.choice((22, 443))
        header = struct.pack("!HHIIBBH", *ports, rng.getrandbits(32), 0, words << 4, flags, 8192)
        header += struct.pack("!HH", rng.getrandbits(16), 0)
        return (header + options + data)[:size]

    def packet(self, sources, destinations, size=None, **given):
        """An IPv4 packet, right or nearly so."""
        rng = self.rng
        size = self.size() if size is None else size
        options = rng.choice(OPTIONS) if self.chance(0.1) else b""
        protocol = given.get("protocol", rng.choice((1, 6, 6, 17, 17, 17, 50, 89, 253)))
        flags = given.get("flags", rng.choice((0x4000, 0x4000, 0, 0)))
        if "flags" not in given and self.chance(0.06):
            flags = rng.choice((0x2000, 0x2007, 0x0009, 0x8000, 0x6000, 0x4003))
        source, destination = rng.choice(sources), rng.choice(destinations)
        if self.chance(0.04):
            source = rng.choice(ODD + OWN)
        if self.chance(0.05):
            destination = rng.choice(ODD + OWN + FAR + WILD + LAN_HOSTS)
        tos = rng.choice((0, 0, 0, 1, 2, 3, 0xB8, 0xB9, 0xFF, rng.randrange(256)))
        ttl = rng.choice((64, 64, 64, 64, 255, 128, 2, 1, 0)) if self.chance(0.3) else 64
        packet = o.ip4(number4(source), number4(destination), protocol,
                       self.upper(protocol, max(0, size - 20 - len(options))), tos=tos, ident=self.next_ident(),
                       flags=flags, ttl=given.get("ttl", ttl), options=options)
        return self.misshapen(packet) if self.chance(0.03) else packet

    def misshapen(self, packet):
        rng, length = self.rng, len(packet)
        kind = rng.randrange(7)
        if kind == 0:
            return packet[:10] + rng.choice((b"\0\0", b"\xff\xff", rng.randbytes(2))) + packet[12:]
        if kind == 1:
            return bytes([rng.choice((0, 3, 5, 6, 15)) << 4 | packet[0] & 15]) + packet[1:]
        if kind == 2:
            return bytes([0x40 | rng.randrange(16)]) + packet[1:]
        if kind == 3:
            return packet[: rng.randrange(length)]
        if kind == 4:
            return packet + rng.randbytes(rng.randrange(1, 30))
        total = rng.choice((0, 19, 20, length - 1, length + 1, 65535))
        header = o.with_checksum(packet[:2] + struct.pack("!H", max(0, total)) + packet[4:20])
        return header + packet[20:]

    # --- Ethernet ----------------------------------------------------------------------------------------------------

    def frame(self, port, payload, kind=0x0800):
        rng = self.rng
        at = self.settings.ports[port]
        own = at.mac[:5] + bytes([at.mac[5] ^ 1]) if at.host else at.mac
        source, tags = g.mac(MACS[port]), b""
        if self.chance(0.02):
            own = rng.choice((b"\xff" * 6, b"\x01\x00\x5e\x00\x00\x01", bytes.fromhex("020000000999")))
        if self.chance(0.03):
            for _ in range(rng.choice((1, 1, 2, 3))):
                tags += rng.choice((b"\x81\x00", b"\x88\xa8")) + struct.pack("!H", rng.randrange(65536))
        if self.chance(0.005):
            kind = rng.choice((0x88CC, 0x0600, 100, 0x0806, 0x86DD, 0x0800))
        behind = bytes(46 - len(payload)) if len(payload) < 46 and self.chance(0.5) else b""
        return port, own + source + tags + struct.pack("!H", kind) + payload + behind

    def damaged(self, frame):
        rng, frame = self.rng, bytearray(frame)
        if self.chance(0.3):
            return bytes(frame[: rng.randrange(len(frame))]) or b"\0"
        for _ in range(rng.choice((1, 1, 2, 8))):
            at = rng.randrange(len(frame)) if self.chance(0.5) else rng.randrange(min(len(frame), 80))
            frame[at] ^= 1 << rng.randrange(8) if self.chance(0.5) else rng.randrange(256)
        return bytes(frame)

    # --- out of tunnels ----------------------------------------------------------------------------------------------

    def chain(self, sid):
        rng = self.rng
        if self.chance(0.55):
            return []
        makers = (
            lambda: g.srh([sid]),
            lambda: g.srh([sid, "fc00:9::1"], rng.choice((0, 0, 0, 1, 2, 3, 255))),
            lambda: g.srh([sid] * rng.randrange(1, 6), tlvs=rng.choice((b"", g.PADN_TLV, g.UNKNOWN_TLV * 2))),
            lambda: g.srh([sid, "fc00:9::1"], last_entry=rng.randrange(4), header_length=rng.randrange(6)),
            lambda: g.srh([sid, "fc00:9::1", "fc00:9::2"], last_entry=rng.randrange(4), flags=rng.randrange(256)),
            lambda: g.hop_by_hop(rng.choice((8, 16))),
            lambda: g.dst_opts(rng.choice((8, 8, 16, 40, 264))),
            lambda: (g.DST_OPTS, bytes([0, 1, rng.choice(OPTION_TYPES), rng.randrange(20)]) + bytes(12)),
            lambda: g.fragment_header(rng.choice((0, 0, 8, 800)), rng.choice((0, 0, 1))),
            lambda: g.routing(rng.choice((0, 2, 3, 253)), rng.choice((0, 0, 1))),
        )
        count = rng.choice((1, 1, 1, 2, 3, 8, 9, 12))
        if count > 3:
            return [g.dst_opts()] * count
        chain = [rng.choice(makers)() for _ in range(count)]
        if self.chance(0.8):  # Hop-by-Hop where it belongs
            chain.sort(key=lambda header: header[0] != g.HOP_BY_HOP)
        return chain

    def ipv6(self, inner, source, sid=None):
        rng = self.rng
        sid = rng.choice(SIDS[:3] if self.chance(0.6) else SIDS) if sid is None else sid
        headers = self.chain(sid)
        upper = g.IPV4 if not self.chance(0.04) else rng.choice((6, 17, 41, 50, 58, 59, 0, 143, 253))
        if sid == "fc00:1::1" and self.chance(0.5):
            upper = g.ICMPV6
        protocols = [protocol for protocol, _ in headers] + [upper]
        chain = b"".join(bytes([nxt]) + body[1:] for (_, body), nxt in zip(headers, protocols[1:]))
        length = len(chain) + len(inner)
        if self.chance(0.03):
            length = rng.choice((0, 8, max(0, length - rng.randrange(40)), length + 1, length + 40, 65535))
        version = 6 if not self.chance(0.005) else rng.randrange(16)
        traffic_class = rng.choice((0, 0, 0, 1, 2, 3, 0xB8, rng.randrange(256)))
        first = version << 28 | traffic_class << 20 | rng.getrandbits(20)
        if self.chance(0.03):
            source = rng.choice(("::", "::1", "ff02::1", "fc00:1::1", "fc00:77::1"))
        header = struct.pack("!IHBB", first, length, protocols[0], rng.randrange(256))
        return header + six(source) + six(sid) + chain + inner

    def inner(self, sender):
        if self.apart:
            return self.packet(FAR[self.senders.index(sender) :][:1], LAN_HOSTS)
        if self.chance(0.1):
            return self.packet(FAR + WILD, OWN[2:4], protocol=self.rng.choice((1, 1, 17, 6)))
        return self.packet(FAR, LAN_HOSTS)

    def sealed(self, sender, inner):
        """An ESP packet of the peer: trailer and number right or not."""
        rng, keys = self.rng, sender.keys
        payload = self.ipv6(inner, str(sender.prefix + rng.randrange(1, 9)))
        draw, more = rng.random(), {}
        if draw < 0.02:
            payload, more["next_header"] = DATA[: rng.randrange(200)], 59
        elif draw < 0.03:
            more["next_header"] = rng.choice((0, 4, 6, 17, 50, 58, 255))
        elif draw < 0.06:
            more["tfc"] = rng.randbytes(rng.randrange(1, 300))
        elif draw < 0.08:
            pad = (2 - len(payload)) % 4 + 4 * rng.randrange(63)
            more["padding"] = bytes(range(1, pad + 1))
        elif draw < 0.09:
            pad = (2 - len(payload)) % 4
            more["padding"] = rng.randbytes(pad + 4)
        elif draw < 0.10:
            more["pad_length"] = rng.randrange(256)
        elif draw < 0.105:
            more["padding"] = bytes(range(1, rng.randrange(8)))  # not aligned
        elif draw < 0.11:
            return keys.seal_text(sender.number(), rng.randbytes(4 * rng.randrange(1, 20)))
        elif draw < 0.13:
            more["iv"] = rng.randbytes(8)  # RFC 4106 section 3.1: the peer's own matter
        return keys.seal(sender.number(), payload, **more)

    def wrapped(self, sender, esp):
        """The outer IPv4 packet, through a NAT or not."""
        rng, keys = self.rng, sender.keys
        udp, destination = keys.udp, keys.destination
        if self.chance(0.02):
            udp = rng.choice((None, (4500, 4500), (4500, 4501), (1, 4777), (1, 9)))
        if self.chance(0.005):
            destination = rng.choice(OWN)
        source = keys.source if not self.chance(0.2) else rng.choice(WILD)
        protocol = g.ESP
        if udp:
            sport = udp[0] if not self.chance(0.2) else rng.randrange(65536)
            length = 8 + len(esp)
            if self.chance(0.01):
                length = rng.choice((0, 7, 8, 12, length - 1, length - 4, length + 1))
            protocol = g.UDP_
            esp = struct.pack("!HHHH", sport, udp[1], max(0, length), rng.choice((0, 0, 0, rng.randrange(65536)))) + esp
        return o.ip4(number4(source), number4(destination), protocol, esp,
                     tos=rng.choice((0, 0, 0, 1, 2, 3, 0xB8)), ident=self.next_ident(), flags=rng.choice((0x4000, 0)),
                     ttl=rng.choice((64, 64, 0, 1, 255)), options=rng.choice(OPTIONS) if self.chance(0.05) else b"")

    def tunnel(self):
        sender = self.rng.choice(self.senders)
        esp = self.sealed(sender, self.inner(sender))
        draw = self.rng.random()
        if draw < 0.03:
            esp = bytearray(esp)
            at = self.rng.randrange(len(esp)) if draw < 0.015 else self.rng.randrange(-16, 0)
            esp[at] ^= 1 << self.rng.randrange(8)
            esp = bytes(esp)
        elif draw < 0.04:
            esp = esp[: self.rng.randrange(len(esp))]
        packet = self.wrapped(sender, esp)
        made = [self.frame("wan" if self.apart or not self.chance(0.03) else "lan", packet)]
        return made * (2 if self.chance(0.03) else 1)

    def in_fragments(self):
        """An outer packet, or one for the gateway itself, in pieces that come in any order, and not always all."""
        rng = self.rng
        if self.chance(0.6):
            sender, port = rng.choice(self.senders), "wan"
            packet = self.wrapped(sender, self.sealed(sender, self.inner(sender)))
        else:
            port, own = rng.choice((("wan", "192.0.2.1"), ("lan", "10.1.0.1"), ("lan2", "10.3.0.1")))
            hosts = {"wan": WILD[:5], "lan": LAN_HOSTS[:1], "lan2": LAN_HOSTS[3:4]}[port]
            size, protocol = rng.choice((400, 1000, 2000)), rng.choice((1, 1, 17, 6))
            packet = self.packet(hosts, [own], size=size, flags=0, protocol=protocol)
        if len(packet) < 60 or packet[0] >> 4 != 4 or packet[0] & 15 < 5:
            return [self.frame(port, packet)]
        ihl = o.header_length(packet)
        packet = o.with_checksum(packet[:6] + b"\0\0" + packet[8:ihl]) + packet[ihl:]
        room = max(8, -(-(len(packet) - 20) // rng.choice((2, 2, 3, 4, 7))))
        pieces = g.pieces(packet, o.header_length(packet) + room + 8)
        draw = rng.random()
        if draw < 0.4:
            rng.shuffle(pieces)
        elif draw < 0.5:
            pieces.pop(rng.randrange(len(pieces)))
        elif draw < 0.6:
            pieces.insert(rng.randrange(len(pieces)), rng.choice(pieces))
        elif draw < 0.8:
            at = rng.randrange(len(pieces))
            pieces[at] = o.changed(pieces[at], ecn=rng.randrange(4))
        return [self.frame(port, piece) for piece in pieces]

    # --- into tunnels, and in clear ----------------------------------------------------------------------------------

    def outbound(self):
        return [self.frame("lan", self.packet(LAN_HOSTS[:2], FAR)) if self.chance(0.7)
                else self.frame("lan2", self.packet(("10.3.0.2", "10.3.0.3"), FAR))]

    def in_clear(self):
        port, sources = self.rng.choice((("wan", WILD), ("lan", LAN_HOSTS[:2]), ("lan2", LAN_HOSTS[3:4])))
        return [self.frame(port, self.packet(sources, LAN_HOSTS + WILD))]

    def to_own(self):
        port, sources = self.rng.choice((("wan", WILD), ("lan", LAN_HOSTS[:1]), ("lan2", LAN_HOSTS[3:4])))
        return [self.frame(port, self.packet(sources, OWN, ttl=self.rng.choice((64, 1, 0))))]

    def pings(self):
        rng = self.rng
        port, source, own = rng.choice((("wan", "203.0.113.9", "192.0.2.1"), ("lan", "10.1.0.2", "10.1.0.1"),
                                        ("lan2", "10.3.0.2", "10.3.0.1"), ("lan", "10.1.0.66", "10.1.0.1")))
        data = o.icmp(8, 0, rng.getrandbits(32), DATA[: rng.choice((0, 1, 56, 57, 1472, 1480))])
        request = o.ip4(number4(source), number4(own), 1, data, ident=self.next_ident(), tos=rng.randrange(256),
                        flags=rng.choice((0, 0x4000)), ttl=rng.choice((64, 1)))
        return [self.frame(port, request)]

    def clear_six(self):
        inner = self.packet(FAR + WILD, LAN_HOSTS + OWN[2:4])
        packet = self.ipv6(inner, "fc00:2::7", self.rng.choice((None, "fc00:1::c1", "fc00:1::c1", "fc00:1::d6")))
        return [self.frame(self.rng.choice(("wan", "wan", "lan")), packet, 0x86DD)]

    def beside_esp(self):
        """What comes to ESP's ports and is not ESP: keepalives, IKE, short and unknown things."""
        rng = self.rng
        payload = rng.choice((b"\xff", b"\xff\xff", b"", b"\0\0\0", bytes(4), bytes(40), b"\0\0\x10\x99" + bytes(40),
                              rng.randbytes(rng.randrange(60)), b"\xff" * 60))
        ports = (rng.choice((4500, 500, 1234)), rng.choice((4500, 4501, 500, 4777, 53)))
        datagram = struct.pack("!HHHH", *ports, 8 + len(payload), 0) + payload
        protocol, data = (17, datagram) if self.chance(0.8) else (50, payload)
        packet = o.ip4(number4(rng.choice(WILD)), number4(rng.choice(OWN[:3])), protocol, data, ident=self.next_ident())
        return [self.frame("wan", packet)]

    def arp(self):
        rng = self.rng
        port, own, hosts = rng.choice((("wan", "192.0.2.1", ("192.0.2.9", "192.0.2.77", "192.0.2.2", "192.0.2.254")),
                                       ("lan", "10.1.0.1", ("10.1.0.66", "10.1.0.9", "10.1.0.2")),
                                       ("lan2", "10.3.0.1", ("10.3.0.9", "10.3.0.3"))))
        host = rng.choice(hosts)
        mac = b"\x02\x00\x00\x00\x05" + bytes([number4(host) & 0xFF])
        source, target, operation = host, own, rng.choice((1, 2, 2, 2))
        draw = rng.random()
        if draw < 0.1:
            mac = bytes.fromhex("0200000007") + bytes([rng.randrange(256)])
        elif draw < 0.2:
            target = rng.choice((host, "10.1.0.77", "192.0.2.254", "198.51.100.1"))
        elif draw < 0.3:
            source = rng.choice(ODD + OWN + ("198.51.100.9",))
        elif draw < 0.35:
            operation = rng.choice((0, 3, 8, 256))
        elif draw < 0.4:
            mac = rng.choice((bytes(6), b"\xff" * 6, b"\x01\x00\x5e\0\0\1"))
        fixed = struct.pack("!HHBBH", 1, 0x0800, 6, 4, operation)
        packet = fixed + mac + struct.pack("!I", number4(source)) + bytes(6) + struct.pack("!I", number4(target))
        if self.chance(0.03):
            packet = self.damaged(packet)
        return [self.frame(port, packet, 0x0806)]

    def of_kernel(self):
        rng = self.rng
        if self.chance(0.1):
            mac, own = g.mac(MACS["host"]), rng.choice(OWN)
            target = rng.choice(WILD + LAN_HOSTS + OWN + FAR)
            packet = struct.pack("!HHBBH", 1, 0x0800, 6, 4, rng.choice((1, 1, 1, 2)))
            packet += struct.pack("!6sI6xI", mac, number4(own), number4(target))
            return [self.frame("host", packet, 0x0806)]
        return [self.frame("host", self.packet(OWN, FAR + LAN_HOSTS + WILD))]

    def nothing(self):
        return [(self.rng.choice(("wan", "lan")), self.rng.randbytes(self.rng.randrange(1, 200)))]


STEPS = ((0.9, 1_000, 60_000), (0.98, 100_000, 20_000_000), (0.998, 10**7, 3 * 10**8), (1.0, 10**9, 4 * 10**9))


def draw(rng, settings, count):
    """`count` times (port, frame, nanoseconds), in the order of time and each at one of its own."""
    traffic, made, now = Traffic(rng, settings), [], 1_700_000_000 * 10**9
    while len(made) < count:
        for port, frame in traffic.frames():
            share = rng.random()
            _, least, most = next(step for step in STEPS if share < step[0])
            now += rng.randrange(least, most)
            made.append((port, frame, now))
    return made[:count]
