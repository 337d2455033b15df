"""Packets that come in floods, kind by kind, and good ones to stand beside them. The kth of a kind is another one than the
next, as far as that makes work: who floods does not repeat himself."""

import journeys

import gateway as g

PEERS = range(6)  # good ones
HOSTILE, WINDOWED = 6, 7  # a peer with a key and ill will; one whose replay window is on


def good_inbound(count):
    frames, _ = journeys.inbound(2 * count, (84,))
    return [frame for i, frame in enumerate(frames) if i % journeys.PEERS in PEERS][:count]


def good_outbound(count):
    return journeys.outbound(count, (84,))[0]


def sealed(n, seq, six):
    sa = journeys.inbound_sa(n)
    return g.wrap(sa, sa.seal(seq, six))


def inner(n, size=84):
    return g.inner4(size, src=f"10.2.{n}.2", dst="10.1.0.2")


def from_lan(packet):
    return g.ether(packet, dst=g.LAN_MAC, src=g.LAN_HOST_MAC)


def bad_icv(k):
    frame = sealed(k % 4, 1000 + k, g.inner6(inner(k % 4), src=f"fc00:2:{k % 4:x}::2"))
    return frame[:-1] + bytes([frame[-1] ^ 1 << k % 8])


def replay(k):
    return sealed(WINDOWED, 1 + k % 8, g.inner6(inner(WINDOWED), src=f"fc00:2:{WINDOWED:x}::2"))


def unknown_spi(k):
    return g.wrap(journeys.inbound_sa(k % 4), (0x77000000 + k * 7919).to_bytes(4, "big") + bytes(100))


def fragment(k):
    """The first one of a packet whose others never come, and each time of another packet."""
    return g.ether(g.outer4(bytes(64), 17, src="192.0.2.66", ident=k & 0xFFFF, flags="MF"))


def srh_chain(k):
    """As many headers as an IPv6 packet may have, and one more."""
    headers = [g.dst_opts() for _ in range(8 + k % 8)] + [g.srh(["fc00:1::d4"])]
    return sealed(HOSTILE, 1 + k, g.inner6(inner(HOSTILE), src=f"fc00:2:{HOSTILE:x}::2", headers=headers))


def srh_segments_left(k):
    six = g.inner6(inner(HOSTILE), src=f"fc00:2:{HOSTILE:x}::2", headers=[g.srh(["fc00:1::d4"] * 8, 1 + k % 7)])
    return sealed(HOSTILE, 1 + k, six)


def arp_request(k):
    """For the gateway's address, each from another host with another MAC address."""
    return g.arp(1, f"02:00:00:01:{k >> 8 & 255:02x}:{k & 255:02x}", f"10.1.0.{10 + k % 200}", "10.1.0.1")


def arp_of_one(k):
    """One host that says ever another MAC address."""
    return g.arp(1, f"02:00:00:02:{k >> 8 & 255:02x}:{k & 255:02x}", "10.1.0.9", "10.1.0.1")


def ttl_exceeded(k):
    return from_lan(g.inner4(84, src="10.1.0.2", dst=f"10.2.{k % 4}.2", ttl=1))


def no_route(k):
    return from_lan(g.inner4(84, src="10.1.0.2", dst=f"172.16.{k % 256}.2"))


# By the port where they come in, and the cause for which each ends; None: for several, or answered.
WAN = {bad_icv: "esp.auth_failed", replay: "esp.replayed", unknown_spi: "esp.no_sa", fragment: None,
       srh_chain: "sr6.exthdr_limit", srh_segments_left: "sr6.segments_left"}
LAN = {arp_request: None, arp_of_one: None, ttl_exceeded: "ip4.ttl_exceeded", no_route: "ip4.no_route"}


def with_a_window(tree):
    """A configuration in which one peer's window is on; those of others are off, as played numbers come again."""
    for sa in tree["ipsec"]["security_associations"]:
        sa["replay_window"] = 64 if sa["name"] == f"from-{WINDOWED}" else 0
    return tree
