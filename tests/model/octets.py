"""What becomes of the octets of an IPv4 packet on its way (RFC 791, 792, 1624, 1812, 6040, 9293), written for speed.

scapy is too slow for each of a million packets; test_model.py lets it judge a sample of what is made here.
"""

import struct

import gateway as g

ERRORS = {
    "ip4.no_route": (3, 0),
    "adj.unresolved": (3, 1),
    "local.no_protocol": (3, 2),
    "local.no_port": (3, 3),
    "ip4.too_big": (3, 4),
    "ip4.ttl_exceeded": (11, 0),
}


def be16(data, at):
    return data[at] << 8 | data[at + 1]


def header_length(packet):
    return 4 * (packet[0] & 15)


def is_fragment(packet):
    return bool(be16(packet, 6) & 0x3FFF)


def may_not_be_cut(packet):
    return bool(packet[6] & 0x40)


def with_checksum(header):
    """An IPv4 header with its checksum made anew."""
    header = header[:10] + b"\0\0" + header[12:]
    return header[:10] + struct.pack("!H", g.checksum(header)) + header[12:]


def changed(packet, *, ttl=None, ecn=None):
    """TTL and ECN replaced."""
    ihl = header_length(packet)
    header = bytearray(packet[:ihl])
    if ttl is not None:
        header[8] = ttl
    if ecn is not None:
        header[1] = header[1] & 0xFC | ecn
    return with_checksum(bytes(header)) + packet[ihl:]


def ip4(source, destination, protocol, payload, *, tos=0, ident=0, flags=0x4000, ttl=64, options=b""):
    """source and destination as integers; flags with the fragment's offset, as in the header."""
    header = struct.pack("!BBHHHBBHII", 0x45 + len(options) // 4, tos, 20 + len(options) + len(payload), ident, flags,
                         ttl, protocol, 0, source, destination)
    return with_checksum(header + options) + payload


def icmp(kind, code, rest, body):
    """rest: the second word of the ICMP header."""
    message = struct.pack("!BBHI", kind, code, 0, rest) + body
    return message[:2] + struct.pack("!H", g.checksum(message)) + message[4:]


def icmp_error(cause, about, source, destination, mtu):
    """RFC 1812 section 4.3.2: precedence 6, and as much of the packet as 576 octets hold, as it came."""
    kind, code = ERRORS[cause]
    return ip4(source, destination, 1, icmp(kind, code, mtu, about[: 576 - 28]), tos=0xC0)


def is_icmp_error(packet):
    """RFC 1812 section 4.3.2.7, or what cannot be told from one."""
    upper = packet[header_length(packet) :]
    return packet[9] == 1 and (not upper or upper[0] in (3, 4, 5, 11, 12))


def echo_reply(request):
    """RFC 792; TTL of our own, no options, ECN cleared."""
    message = bytearray(request[header_length(request) :])
    message[0] = 0
    message[2:4] = b"\0\0"
    message[2:4] = struct.pack("!H", g.checksum(bytes(message)))
    source, destination = struct.unpack("!II", request[12:20])
    return ip4(destination, source, 1, bytes(message), tos=request[1] & 0xFC, ident=be16(request, 4),
               flags=be16(request, 6) & 0x4000)


def syn_with_mss(packet):
    """Offset of the value of a SYN's MSS option in the packet, or None (RFC 9293 section 3.2)."""
    ihl = header_length(packet)
    if packet[9] != 6 or be16(packet, 6) & 0x1FFF or len(packet) < ihl + 20 or not packet[ihl + 13] & 2:
        return None
    end = ihl + 4 * (packet[ihl + 12] >> 4)
    at = ihl + 20
    if end > len(packet):
        return None
    while at < end and packet[at] != 0:
        if packet[at] == 1:
            at += 1
            continue
        if at + 2 > end or packet[at + 1] < 2 or at + packet[at + 1] > end:
            return None
        if packet[at] == 2:
            return at + 2 if packet[at + 1] == 4 else None
        at += packet[at + 1]
    return None


def clamped(packet, most):
    """The MSS lowered to `most`, TCP's checksum with it (RFC 1624 equation 3)."""
    at = syn_with_mss(packet)
    if at is None or be16(packet, at) <= most:
        return packet
    ihl = header_length(packet)
    before, after = be16(packet, at), most
    if (at - ihl) % 2:
        before, after = before << 8 & 0xFFFF | before >> 8, after << 8 & 0xFFFF | after >> 8
    total = (~be16(packet, ihl + 16) & 0xFFFF) + (~before & 0xFFFF) + after
    total = (total & 0xFFFF) + (total >> 16)
    total = ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF
    packet = packet[:at] + struct.pack("!H", most) + packet[at + 2 :]
    return packet[: ihl + 16] + struct.pack("!H", total) + packet[ihl + 18 :]


def flow(packet):
    """What a flow label stands for: addresses and protocol, and ports where no fragment hides them."""
    ihl = header_length(packet)
    ports = packet[ihl : ihl + 4] if packet[9] in (6, 17) and not is_fragment(packet) else b""
    return packet[12:20] + packet[9:10] + (ports if len(ports) == 4 else b"")
