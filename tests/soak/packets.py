"""What hosts say to each other: IPv4 packets by which each can be told from all others, and what is read off a frame.

A host's payload begins with MARK, the flow and the number, and goes on with octets that follow from both: whoever gets it
can say whether it is what was sent, and whoever sees any part of it in clear knows.
"""

import struct

MARK = b"SOAK-IN-CLEAR-NO"  # 16 octets, over and over: whatever part of 31 octets is seen, all of it is in there
STRANGER_MARK = b"SOAK-OF-STRANGER"
HEAD = struct.Struct("!HQH")  # flow, number, octets of the payload
FILLER = MARK * 300
ICMP, UDP, ESP_PROTOCOL = 1, 17, 50
ARP_TYPE, IPV4_TYPE = b"\x08\x06", b"\x08\x00"
ECHO_REPLY, UNREACHABLE, ECHO, TIME_EXCEEDED = 0, 3, 8, 11
DF, MF = 0x4000, 0x2000
ETHERNET, IPV4_HEAD, UDP_HEAD = 14, 20, 8


def mac(text):
    return bytes(int(part, 16) for part in text.split(":"))


def address(text):
    return bytes(map(int, text.split(".")))


def checksum(data):
    """RFC 1071."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF


def ipv4(protocol, source, destination, data, *, ttl=64, ident=0, fragment=0):
    """A packet; addresses as octets. fragment: flags and offset."""
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, IPV4_HEAD + len(data), ident, fragment, ttl, protocol, 0, source,
                       destination)
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + data


def udp(source_port, destination_port, payload):
    return struct.pack("!HHHH", source_port, destination_port, UDP_HEAD + len(payload), 0) + payload


def icmp(kind, identifier, number, payload):
    head = struct.pack("!BBHHH", kind, 0, 0, identifier, number & 0xFFFF)
    return head[:2] + struct.pack("!H", checksum(head + payload)) + head[4:] + payload


def payload(flow, number, length):
    head = MARK + HEAD.pack(flow, number, length)
    return head + FILLER[:length - len(head)]


LEAST = len(MARK) + HEAD.size


def of_payload(octets):
    """Flow, number and length as it says; None when it does not begin as a host's does."""
    if len(octets) < LEAST or not octets.startswith(MARK):
        return None
    return HEAD.unpack_from(octets, len(MARK))


def frame(to, source, packet, ethertype=IPV4_TYPE):
    return to + source + ethertype + packet


def pieces(packet, mtu):
    """The fragments of an IPv4 packet (RFC 791)."""
    step, data = (mtu - IPV4_HEAD) & ~7, packet[IPV4_HEAD:]
    ident, = struct.unpack_from("!H", packet, 4)
    for at in range(0, len(data), step):
        more = MF if at + step < len(data) else 0
        yield ipv4(packet[9], packet[12:16], packet[16:20], data[at:at + step], ttl=packet[8], ident=ident,
                   fragment=more | at // 8)


def arp(operation, sender_mac, sender, target_mac, target):
    return struct.pack("!HHBBH6s4s6s4s", 1, 0x0800, 6, 4, operation, sender_mac, sender, target_mac, target)


def asked_by_arp(octets):
    """(who asks, his address, for which address) of a frame with an ARP request; else None."""
    if octets[12:14] != ARP_TYPE or octets[20:22] != b"\0\1":
        return None
    return octets[22:28], octets[28:32], octets[38:42]


def esp_of(octets):
    """(SPI, IV) of a frame with ESP, in UDP or plain, in one piece; else None."""
    if octets[12:14] != IPV4_TYPE or octets[14] != 0x45 or struct.unpack_from("!H", octets, 20)[0] & 0x3FFF:
        return None
    at = ETHERNET + IPV4_HEAD
    if octets[23] == UDP and octets[34:38] == b"\x11\x94\x11\x94":
        at += UDP_HEAD
    elif octets[23] != ESP_PROTOCOL:
        return None
    return struct.unpack_from("!I4xQ", octets, at) if len(octets) >= at + 16 else None


class Reassembly:
    """A host puts fragments together (RFC 791); those of one packet come one after another, as all of a flow do."""

    def __init__(self):
        self._parts = {}

    def __len__(self):
        return len(self._parts)

    def clear(self):
        self._parts.clear()

    def forget(self, source, destination, ident):
        """What has come of that packet: the rest will not."""
        for protocol in (UDP, ICMP):
            self._parts.pop(source + destination + struct.pack("!HB", ident, protocol), None)

    def whole(self, packet):
        """The packet, once all of it is there; else None."""
        field, = struct.unpack_from("!H", packet, 6)
        if not field & 0x3FFF:
            return packet
        name = packet[12:20] + packet[4:6] + packet[9:10]
        parts = self._parts.setdefault(name, {})
        parts[8 * (field & 0x1FFF)] = (packet[IPV4_HEAD:], field & MF)
        data = b""
        while len(data) in parts:
            piece, more = parts[len(data)]
            data += piece
            if not more:
                del self._parts[name]
                return ipv4(packet[9], packet[12:16], packet[16:20], data, ttl=packet[8],
                            ident=struct.unpack_from("!H", packet, 4)[0])
        return None
