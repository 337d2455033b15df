"""Packets for the gateway, made without it: scapy for the headers, python3-cryptography for ESP.

Nothing here comes from strata's own code. ESP is sealed by hand from RFC 4303, 4106 and 7634, because scapy lacks
some of what a test wants to break; test_self.py lets scapy's own IPsec layer open what is sealed here.
"""

import functools
import ipaddress
import struct
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from scapy.layers.inet import ICMP, IP, UDP, defragment
from scapy.layers.inet6 import ICMPv6PacketTooBig, IPv6
from scapy.layers.l2 import ARP, Dot1Q, Ether
from scapy.packet import Raw

WAN_MAC = "02:00:00:00:01:01"
LAN_MAC = "02:00:00:00:01:02"
LAN2_MAC = "02:00:00:00:01:03"
WAN_PEER_MAC = "02:00:00:00:02:01"
LAN_HOST_MAC = "02:00:00:00:02:02"
LAN2_HOST_MAC = "02:00:00:00:02:03"
WAN_ROUTER_MAC = "02:00:00:00:02:fe"
BROADCAST_MAC = "ff:ff:ff:ff:ff:ff"

KEY_OCTETS = {"aes-128-gcm": 16, "aes-192-gcm": 24, "aes-256-gcm": 32, "chacha20-poly1305": 32}
ALGORITHMS = tuple(KEY_OCTETS)

HOP_BY_HOP, IPV4, TCP_, UDP_, IPV6, ROUTING, FRAGMENT, ESP, ICMPV6, NO_NEXT, DST_OPTS = (
    0,
    4,
    6,
    17,
    41,
    43,
    44,
    50,
    58,
    59,
    60,
)


def octets(first, count):
    """A key that is plainly an example: count octets that count up from first."""
    return bytes((first + i) & 0xFF for i in range(count))


def mac(text):
    return bytes(int(part, 16) for part in text.split(":"))


def checksum(data):
    """RFC 1071, over an even or odd number of octets."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


# --- security associations -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sa:
    """An inbound security association, as the peer that sends on it knows it. udp: (source, destination) or None."""

    name: str = "from-b"
    spi: int = 0x1001
    algorithm: str = "aes-128-gcm"
    source: str = "192.0.2.2"
    destination: str = "192.0.2.1"
    udp: tuple = (4500, 4500)
    esn: bool = False
    window: int = 1024
    inside: str = "fc00:2::/48"  # the selectors
    target: str = "fc00:1::/48"
    protocol: object = None
    key_from: int = 1
    key: bytes = b""  # with its salt; else one that counts up

    @property
    def keymat(self):
        return self.key or octets(self.key_from, KEY_OCTETS[self.algorithm] + 4)  # 4 octets of salt last (RFC 4106 8.1)

    def config(self):
        entry = {
            "name": self.name,
            "direction": "in",
            "spi": self.spi,
            "source": self.source,
            "destination": self.destination,
            "algorithm": self.algorithm,
            "key": "hex:" + self.keymat.hex(),
            "esn": self.esn,
            "replay_window": self.window,
            "selectors": {"source": self.inside, "destination": self.target},
        }
        if self.udp:
            entry["udp_encap"] = {"source_port": self.udp[0], "destination_port": self.udp[1]}
        if self.protocol is not None:
            entry["selectors"]["protocol"] = self.protocol
        return entry

    def host(self, number=1):
        """An address inside the source selector."""
        return str(ipaddress.ip_network(self.inside)[number])

    def seal(self, seq, payload, *, next_header=IPV6, padding=None, pad_length=None, tfc=b"", iv=None):
        """One ESP packet (RFC 4303 2), from the SPI to the ICV. seq is the 64-bit number; payload the IPv6 packet.

        padding, pad_length and next_header can be made wrong; tfc follows the payload (RFC 4303 2.7).
        """
        if padding is None:
            padding = bytes(range(1, 1 + -(len(payload) + len(tfc) + 2) % 4))
        if pad_length is None:
            pad_length = len(padding)
        text = payload + tfc + padding + bytes([pad_length, next_header])
        return self.seal_text(seq, text, iv=iv)

    def seal_text(self, seq, text, *, iv=None):
        """The same for a plaintext given whole, trailer and all."""
        iv = struct.pack("!Q", seq) if iv is None else iv
        low = struct.pack("!I", seq & 0xFFFFFFFF)
        spi = struct.pack("!I", self.spi)
        aad = spi + (struct.pack("!Q", seq) if self.esn else low)  # RFC 4106 5, RFC 7634 2.1
        return spi + low + iv + _aead(self.algorithm, self.keymat).encrypt(self.keymat[-4:] + iv, text, aad)


@functools.lru_cache(maxsize=None)
def _aead(algorithm, keymat):
    return (ChaCha20Poly1305 if algorithm == "chacha20-poly1305" else AESGCM)(keymat[:-4])


# --- the layers, inside out ------------------------------------------------------------------------------------------


def inner4(
    size=84, *, src="10.2.0.2", dst="10.1.0.2", ttl=64, tos=0, ident=1, options=b"", flags="DF", seq=1, **fields
):
    """An IPv4 packet of exactly `size` octets: an ICMP echo request when there is room, else octets that count up."""
    header = IP(src=src, dst=dst, ttl=ttl, tos=tos, id=ident, flags=flags, **fields)
    ihl = 5 + len(options) // 4
    room = size - 4 * ihl
    if room >= 8:
        upper = bytes(ICMP(type=8, id=0x5354, seq=seq & 0xFFFF) / Raw(octets(0x10, room - 8)))
        header.proto = fields.get("proto", 1)
    else:
        upper = octets(0x10, room)
        header.proto = fields.get("proto", 253)
    return ip4_bytes(header, upper, options)


def ip4_bytes(header, upper, options=b""):
    """The octets of a scapy IP header with raw options and an upper layer; what the header sets explicitly stays."""
    explicit = header.fields
    ihl = 5 + len(options) // 4
    first = IP(**{**explicit, "chksum": 0, "ihl": explicit.get("ihl") or ihl})
    first.len = explicit.get("len") or 4 * ihl + len(upper)
    raw = bytes(first)[:20] + options
    value = explicit.get("chksum")
    raw = patch(raw, 10, struct.pack("!H", checksum(raw) if value is None else value))
    return raw + upper


def patch(data, offset, new):
    return data[:offset] + new + data[offset + len(new) :]


def patch4(packet, offset, new):
    """The IPv4 packet with some octets of its header replaced and its checksum made right again."""
    ihl = 4 * (packet[0] & 0xF)
    packet = patch(patch(packet, offset, new), 10, b"\0\0")
    return patch(packet, 10, struct.pack("!H", checksum(packet[:ihl])))


def srh(segments, segments_left=0, *, last_entry=None, header_length=None, flags=0, tag=0, tlvs=b"", kind=4):
    """A segment routing header (RFC 8754 2), segments in the order of the list; its next header is filled in later."""
    body = b"".join(ipaddress.IPv6Address(s).packed for s in segments) + tlvs
    assert len(body) % 8 == 0
    length = len(body) // 8 if header_length is None else header_length
    last = (len(segments) - 1) & 0xFF if last_entry is None else last_entry
    return ROUTING, struct.pack("!BBBBBBH", 0, length, kind, segments_left, last, flags, tag) + body


def routing(kind, segments_left, data=b"\0\0\0\0"):
    """Another routing header (RFC 8200 4.4); data is what follows Segments Left."""
    assert len(data) % 8 == 4
    return ROUTING, bytes([0, (len(data) + 4) // 8 - 1, kind, segments_left]) + data


def options_header(protocol, length=8):
    """A Hop-by-Hop or Destination Options header of `length` octets, filled by one PadN or several (RFC 8200 4.2)."""
    room, options = length - 2, b""
    while room:
        size = min(room, 256)
        options += bytes([1, size - 2]) + bytes(size - 2)
        room -= size
    return protocol, bytes([0, length // 8 - 1]) + options


def hop_by_hop(length=8):
    return options_header(HOP_BY_HOP, length)


def dst_opts(length=8):
    return options_header(DST_OPTS, length)


def fragment_header(offset=0, more=0, ident=7):
    return FRAGMENT, struct.pack("!BBHI", 0, 0, (offset & ~7) | more, ident)


PADN_TLV = bytes([4, 6]) + bytes(6)  # RFC 8754 2.1.1.2
UNKNOWN_TLV = bytes([0x85, 6]) + b"strata"


def inner6(inner=b"", *, src="fc00:2::2", dst="fc00:1::d4", tc=0, flow=0, hlim=64, headers=(), upper=IPV4, length=None):
    """An IPv6 packet that carries `inner` behind a chain of extension headers."""
    protocols = [protocol for protocol, _ in headers] + [upper]
    chain = b"".join(bytes([nxt]) + body[1:] for (_, body), nxt in zip(headers, protocols[1:]))
    payload = chain + inner
    plen = len(payload) if length is None else length
    return bytes(IPv6(src=src, dst=dst, tc=tc, fl=flow, hlim=hlim, nh=protocols[0], plen=plen)) + payload


def udp4(payload, *, src="192.0.2.2", dst="192.0.2.1", sport=4500, dport=4500, checksum=0, length=None, **ip):
    """An IPv4 packet with a UDP datagram. checksum: 0, another value, or "right"."""
    datagram = UDP(sport=sport, dport=dport, chksum=None if checksum == "right" else checksum, len=length)
    if checksum == "right":
        packet = IP(src=src, dst=dst) / datagram / Raw(payload)
        upper = bytes(packet)[20:]
    else:
        upper = (
            bytes(datagram)[:4] + struct.pack("!HH", 8 + len(payload) if length is None else length, checksum) + payload
        )
    return outer4(upper, UDP_, src=src, dst=dst, **ip)


def outer4(
    upper,
    protocol,
    *,
    src="192.0.2.2",
    dst="192.0.2.1",
    ident=0,
    ttl=64,
    tos=0,
    flags="DF",
    frag=0,
    options=b"",
    **more,
):
    header = IP(src=src, dst=dst, proto=protocol, id=ident, ttl=ttl, tos=tos, flags=flags, frag=frag, **more)
    return ip4_bytes(header, upper, options)


def ether(payload, *, dst=WAN_MAC, src=WAN_PEER_MAC, vlans=(), kind=0x0800):
    """A frame. vlans: tuples (TPID, VID), outermost first."""
    kinds = [tpid for tpid, _ in vlans] + [kind]
    frame = Ether(dst=dst, src=src, type=kinds[0])
    for (_, vid), nxt in zip(vlans, kinds[1:]):
        frame = frame / Dot1Q(vlan=vid, type=nxt)
    return bytes(frame) + payload


@functools.lru_cache(maxsize=4096)
def _outer_header(length, udp, src, dst, vlans, checksum, ip):
    """Everything before ESP, for an ESP packet of `length` octets: the same octets for many packets of one capture."""
    esp = bytes(length)
    if udp:
        packet = udp4(esp, src=src, dst=dst, sport=udp[0], dport=udp[1], checksum=checksum, **dict(ip))
    else:
        packet = outer4(esp, ESP, src=src, dst=dst, **dict(ip))
    return ether(packet[: len(packet) - length], vlans=vlans)


def wrap(sa, esp, *, sport=None, dport=None, src=None, dst=None, vlans=(), checksum=0, plain=None, **ip):
    """The frame that carries an ESP packet of the SA, as its peer would send it unless told otherwise."""
    udp = sa.udp if plain is None else (None if plain else (4500, 4500))
    if udp:
        udp = (sport or udp[0], dport or udp[1])
    src, dst = src or sa.source, dst or sa.destination
    if checksum == "right":  # depends on what is carried
        return ether(udp4(esp, src=src, dst=dst, sport=udp[0], dport=udp[1], checksum=checksum, **ip), vlans=vlans)
    return _outer_header(len(esp), udp, src, dst, tuple(vlans), checksum, tuple(sorted(ip.items()))) + esp


def good(sa, seq, inner=None, *, six=None, outer=None, **esp):
    """A whole good frame: inner IPv4 in IPv6 in ESP in IPv4 (in UDP)."""
    inner = inner4(seq=seq) if inner is None else inner
    six = {"src": sa.host(), **(six or {})}
    return wrap(sa, sa.seal(seq, inner6(inner, **six), **esp), **(outer or {}))


# --- what hosts say to each other ------------------------------------------------------------------------------------


def arp(operation, hwsrc, psrc, pdst, *, hwdst="00:00:00:00:00:00", to=BROADCAST_MAC):
    """An ARP frame (RFC 826): operation 1 asks, 2 answers."""
    return bytes(Ether(dst=to, src=hwsrc) / ARP(op=operation, hwsrc=hwsrc, psrc=psrc, hwdst=hwdst, pdst=pdst))


def icmp_error(kind, code, about, *, src, dst, mtu=0):
    """RFC 1812 4.3.2: precedence 6, DF, and as much of the packet as 576 octets hold, as it came."""
    told = ICMP(type=kind, code=code, **({"nexthopmtu": mtu} if mtu else {}))
    return bytes(IP(src=src, dst=dst, tos=0xC0, id=0, flags="DF", ttl=64) / told / Raw(about[: 576 - 28]))


def six_too_big(quote, mtu, *, src="fc00:2::99", dst="fc00:1::1"):
    """RFC 4443 section 3.2: the IPv6 packet of a router behind the peer; the checksum is scapy's."""
    return bytes(IPv6(src=src, dst=dst, hlim=60) / ICMPv6PacketTooBig(mtu=mtu) / Raw(quote))


def copied(options):
    """RFC 791 3.1: what of the options goes into the fragments behind the first one; up to one that is broken."""
    kept, at = b"", 0
    while at < len(options) and options[at] != 0:
        length = 1 if options[at] == 1 else int.from_bytes(options[at + 1 : at + 2], "big")
        if options[at] != 1 and length < 2 or at + length > len(options):
            break
        kept += options[at : at + length] if options[at] & 0x80 else b""
        at += length
    return kept + bytes(-len(kept) % 4)


def pieces(packet, mtu):
    """RFC 791 3.2."""
    ihl = 4 * (packet[0] & 15)
    flags, data = struct.unpack("!H", packet[6:8])[0], packet[ihl:]
    step = (mtu - ihl) & ~7
    made = []
    for at in range(0, len(data), step):
        options = packet[20:ihl] if at == 0 or flags & 0x1FFF else copied(packet[20:ihl])
        more = flags & 0x2000 or (0x2000 if at + step < len(data) else 0)
        header = bytes([0x45 + len(options) // 4]) + packet[1:20] + options
        field = (flags & 0xC000) | more | (flags & 0x1FFF) + at // 8
        length = len(header) + len(data[at : at + step])
        header = patch4(header, 2, struct.pack("!HHH", length, struct.unpack("!H", packet[4:6])[0], field))
        made.append(header + data[at : at + step])
    assert max(map(len, made)) <= mtu
    return made


def cut(packet, mtu):
    """The pieces. Of a packet that is no fragment itself scapy puts them together again, to see that it is cut right."""
    made = pieces(packet, mtu)
    if not struct.unpack("!H", packet[6:8])[0] & 0x3FFF:
        whole = defragment([IP(piece) for piece in made])
        assert len(whole) == 1 and bytes(whole[0][IP].payload) == packet[4 * (packet[0] & 15) :]
    return made


# --- what must come out ----------------------------------------------------------------------------------------------

NOT_ECT, ECT1, ECT0, CE = 0, 1, 2, 3


def ecn_decapsulate(outer, inner):
    """RFC 6040 4.2, figure 4. None: the packet must be dropped."""
    if inner == NOT_ECT:
        return None if outer == CE else NOT_ECT
    if inner == CE or outer == CE:
        return CE
    if outer == ECT1:
        return ECT1
    return inner


def forwarded(inner, *, ecn=NOT_ECT):
    """The IPv4 packet a hop later: ECN of what carried it taken over, TTL less one, checksum computed afresh."""
    total = struct.unpack("!H", inner[2:4])[0]
    ihl = 4 * (inner[0] & 0xF)
    packet = bytearray(inner[:total])
    marked = ecn_decapsulate(ecn, packet[1] & 3)
    assert marked is not None and packet[8] > 1
    packet[1] = (packet[1] & 0xFC) | marked
    packet[8] -= 1
    packet[10:12] = b"\0\0"
    packet[10:12] = struct.pack("!H", checksum(bytes(packet[:ihl])))
    return bytes(packet)


def on_lan(inner, *, ecn=NOT_ECT, dst=LAN_HOST_MAC, src=LAN_MAC):
    """The frame that must leave for an inner IPv4 packet: to the neighbor, from the port, untagged, not padded."""
    return mac(dst) + mac(src) + b"\x08\x00" + forwarded(inner, ecn=ecn)


# --- a configuration -------------------------------------------------------------------------------------------------


# It asks nobody and tells nobody anything.
ROUTER_ALONE = {
    "arp": {"enabled": False},
    "icmp": {"errors_per_second": 0, "echo": False},
    "reassembly": {"enabled": False},
}


@dataclass
class Config:
    """The gateway of the tests: a port to the wild side, two to the safe side, and the SAs that the test asks for.

    host: it is a host as well. Otherwise each packet that goes in is one that comes out or ends, and none is added.
    mtu: of every port.
    """

    sas: list = field(default_factory=lambda: [Sa()])
    bypass: list = field(default_factory=list)
    extra: dict = field(default_factory=dict)  # whole sections that replace the ones below
    host: bool = False
    mtu: int = 1500

    def tree(self):
        tree = {
            "ports": {
                "wan": {
                    "device": "net_null0",
                    "mac": WAN_MAC,
                    "addresses": ["192.0.2.1/24", "198.51.100.1/24"],
                    "side": "unprotected",
                },
                "lan": {
                    "device": "net_null1",
                    "mac": LAN_MAC,
                    "addresses": ["10.1.0.1/24", "fc00:1::1/64"],
                    "side": "protected",
                },
                "lan2": {"device": "net_null2", "mac": LAN2_MAC, "addresses": ["10.3.0.1/24"], "side": "protected"},
            },
            "neighbors": [
                {"port": "wan", "address": "192.0.2.254", "mac": WAN_ROUTER_MAC},
                {"port": "lan", "address": "10.1.0.2", "mac": LAN_HOST_MAC},
                {"port": "lan2", "address": "10.3.0.2", "mac": LAN2_HOST_MAC},
            ],
            "ipsec": {"security_associations": [sa.config() for sa in self.sas]},
            "srv6": {
                "source": "fc00:1::1",
                "local_sids": self.sids(),
                "policies": [
                    {"name": "to-b", "prefixes": ["10.2.0.0/16"], "segments": ["fc00:2::d4"], "mode": "H.Encaps.Red"}
                ],
            },
            "routes": [
                {"prefix": "0.0.0.0/0", "next_hop": "192.0.2.254", "port": "wan"},
                {"prefix": "10.4.0.0/16", "next_hop": "10.1.0.2", "port": "lan"},
                {"prefix": "10.4.5.0/24", "next_hop": "10.3.0.2", "port": "lan2"},
            ],
        }
        if self.mtu != 1500:
            for port in tree["ports"].values():
                port["mtu"] = self.mtu
        if not self.host:
            tree.update(ROUTER_ALONE)
        if self.bypass:
            tree["bypass"] = self.bypass
        tree.update(self.extra)
        return tree

    @staticmethod
    def sids():
        dx4 = {"behavior": "End.DX4"}
        return [
            {"sid": "fc00:1::d4/128", **dx4, "next_hop": "10.1.0.2", "port": "lan"},
            {"sid": "fc00:1:0:64::/64", **dx4, "next_hop": "10.1.0.2", "port": "lan"},
            {"sid": "fc00:1:0:64:8000::/66", **dx4, "next_hop": "10.3.0.2", "port": "lan2"},
            {"sid": "fc00:1::c1/128", **dx4, "next_hop": "10.1.0.2", "port": "lan", "clear": True},
            {"sid": "fc00:1::d5/128", **dx4, "next_hop": "10.1.0.9", "port": "lan"},  # no such neighbor
            {"sid": "fc00:1::d6/128", **dx4, "next_hop": "192.0.2.254", "port": "wan"},  # leads over the boundary
        ]
