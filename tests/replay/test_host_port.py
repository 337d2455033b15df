"""The port to this machine's own kernel: what comes from it is this machine's traffic, what is for it goes there."""

import pytest
from scapy.layers.inet import ICMP, IP, TCP
from scapy.packet import Raw

import gateway as g
from gateway import Config, Sa
from steps import ALONE, ONE_BY_ONE, Due, Sealed, Step, Tunnel, run_steps
from test_outbound import out_sa

KERNEL, OURS = "02:00:00:00:03:00", "02:00:00:00:03:01"  # the device's MAC address is the kernel's
PORTS = ("wan", "lan", "lan2", "host")
WAN_OWN, LAN_OWN, ROUTER, PEER, FAR = "192.0.2.1", "10.1.0.1", "192.0.2.254", "192.0.2.2", "10.2.0.9"


def gateway(*, into=(), out=None, mtu=1500, bypass=(), **extra):
    tree = Config(list(into), host=True, bypass=list(bypass), extra=extra).tree()
    tree["ports"]["host"] = {"device": "net_null3", "mac": KERNEL, "host": True, "mtu": mtu}
    if out:
        tree["ipsec"]["security_associations"].append({**out.config(), "direction": "out"})
    return tree


def from_kernel(packet, end, *leaves, counts=None, at=None):
    return Step(g.ether(packet, dst=OURS, src=KERNEL), end, leaves, counts, "host", at)


def to_kernel(packet, mac=KERNEL):
    return ("host", g.ether(packet, dst=mac, src=OURS))


def by_wan(packet, mac=g.WAN_ROUTER_MAC):
    return ("wan", g.ether(packet, dst=mac, src=g.WAN_MAC))


def run(tree, steps, tmp_path, **more):
    return run_steps(tree, steps, tmp_path, ports=PORTS, **more)


def packet_of(src, dst, size=84, **fields):
    return g.inner4(size, src=src, dst=dst, **fields)


# --- from the kernel -------------------------------------------------------------------------------------------------


def test_own_traffic_is_routed_and_not_forwarded(tmp_path):
    """Its TTL is what the kernel gave it: this machine is its first host, not its second."""
    tunnel = Tunnel(out_sa())
    steps = []
    for ttl in (1, 2, 64):
        near = packet_of(LAN_OWN, "10.1.0.2", ttl=ttl, tos=0xB9)
        second = packet_of("10.3.0.1", "10.3.0.2", ttl=ttl)
        behind = packet_of(LAN_OWN, "10.4.5.9", ttl=ttl)
        outside = packet_of(WAN_OWN, "203.0.113.9", ttl=ttl)
        other_own = packet_of("198.51.100.1", ROUTER, ttl=ttl)
        far = packet_of(LAN_OWN, FAR, ttl=ttl, tos=0x28)
        steps += [
            from_kernel(near, "sent", ("lan", g.ether(near, dst=g.LAN_HOST_MAC, src=g.LAN_MAC))),
            from_kernel(second, "sent", ("lan2", g.ether(second, dst=g.LAN2_HOST_MAC, src=g.LAN2_MAC))),
            from_kernel(behind, "sent", ("lan2", g.ether(behind, dst=g.LAN2_HOST_MAC, src=g.LAN2_MAC))),
            from_kernel(outside, "sent", by_wan(outside)),
            from_kernel(other_own, "sent", by_wan(other_own)),
            from_kernel(far, "sent", ("wan", Sealed(tunnel, far, 0x28))),
        ]
    run(gateway(out=tunnel.sa), steps, tmp_path)


def test_own_traffic_waits_for_neighbors(tmp_path):
    packets = [packet_of(WAN_OWN, PEER, ident=n) for n in range(3)]
    second = packet_of(LAN_OWN, "10.1.0.77")
    ask = ("wan", g.arp(1, g.WAN_MAC, WAN_OWN, PEER))
    ask_second = ("lan", g.arp(1, g.LAN_MAC, LAN_OWN, "10.1.0.77"))
    reply = g.arp(2, g.WAN_PEER_MAC, PEER, WAN_OWN, hwdst=g.WAN_MAC, to=g.WAN_MAC)
    steps = [
        from_kernel(packets[0], "parked", ask, counts=(), at=0),
        from_kernel(packets[1], "parked", counts=()),
        Step(reply, "arp.reply", tuple(by_wan(p, g.WAN_PEER_MAC) for p in packets[:2]), at=500),
        from_kernel(packets[2], "sent", by_wan(packets[2], g.WAN_PEER_MAC)),
        from_kernel(second, "parked", ask_second, counts=(), at=1000),
        Due(2000, (ask_second,)),
        Due(3000, (ask_second,)),
        Due(4000, (), ("adj.unresolved",)),
        from_kernel(packets[2], "sent", by_wan(packets[2], g.WAN_PEER_MAC), at=6000),
    ]
    run(gateway(), steps, tmp_path, matrix=ALONE)


def test_duty_26_own_traffic_without_an_sa_is_never_sent(tmp_path):
    """What Linux leaks: a packet made here, for which a policy asks for an SA, and there is none."""
    elsewhere = out_sa(target="fc00:3::/48")
    steps = [from_kernel(packet_of(LAN_OWN, FAR, size), "policy.no_sa") for size in (20, 84, 1398, 1500)]
    steps += [from_kernel(packet_of("10.3.0.1", FAR, flags=0), "policy.no_sa")]
    for number, out in enumerate((None, elsewhere)):
        outcome = run(gateway(out=out), steps, tmp_path / str(number))
        assert all(frames == [] for frames in outcome.frames.values())


def test_duty_25_own_traffic_keeps_to_its_side_of_the_boundary(tmp_path):
    tunnel = Tunnel(out_sa())
    steps = [
        from_kernel(packet_of(LAN_OWN, ROUTER), "policy.boundary"),
        from_kernel(packet_of(LAN_OWN, "203.0.113.9"), "policy.boundary"),
        from_kernel(packet_of("10.3.0.1", PEER), "policy.boundary"),
        from_kernel(packet_of(WAN_OWN, FAR), "policy.boundary"),
        from_kernel(packet_of(WAN_OWN, "10.1.0.2"), "policy.boundary"),
        from_kernel(packet_of("198.51.100.1", "10.1.0.77"), "policy.boundary"),
    ]
    run(gateway(out=tunnel.sa), steps, tmp_path)
    allowed = packet_of(LAN_OWN, "203.0.113.9")
    rule = {"source": "10.1.0.1/32", "destination": "203.0.113.0/24", "protocol": "icmp"}
    steps[1] = from_kernel(allowed, "sent", by_wan(allowed))
    run(gateway(out=tunnel.sa, bypass=[rule]), steps, tmp_path / "bypass", matrix=ONE_BY_ONE)


FOREIGN = ["192.0.2.9", "10.1.0.2", "10.2.0.1", "203.0.113.9", "0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255",
           "10.1.0.255", "10.1.0.0", "169.254.0.1"]


def test_what_the_kernel_may_not_send(tmp_path):
    good = packet_of(WAN_OWN, ROUTER)
    steps = [from_kernel(packet_of(source, ROUTER), "local.foreign_source") for source in FOREIGN]
    steps += [
        from_kernel(packet_of(WAN_OWN, WAN_OWN), "ip4.martian_destination"),
        from_kernel(packet_of(WAN_OWN, LAN_OWN), "ip4.martian_destination"),
        from_kernel(packet_of(WAN_OWN, "127.0.0.1"), "ip4.martian_destination"),
        from_kernel(packet_of(WAN_OWN, "169.254.1.1"), "ip4.martian_destination"),
        from_kernel(packet_of(WAN_OWN, "224.0.0.251"), "ip4.multicast"),
        from_kernel(packet_of(WAN_OWN, "255.255.255.255"), "ip4.broadcast"),
        from_kernel(packet_of(WAN_OWN, "192.0.2.255"), "ip4.broadcast"),
        from_kernel(packet_of(WAN_OWN, "172.16.0.1"), "ip4.no_route"),
        from_kernel(good[:19], "ip4.truncated"),
        from_kernel(good[:83], "ip4.truncated"),
        from_kernel(g.patch(good, 10, b"\0\0"), "ip4.bad_checksum"),
        from_kernel(g.patch4(good, 0, b"\x65"), "ip4.bad_version"),
        from_kernel(g.patch(good, 0, b"\x44"), "ip4.bad_header_length"),
        from_kernel(g.patch4(good, 2, b"\x00\x13"), "ip4.bad_length"),
        Step(g.ether(good, dst=KERNEL, src=KERNEL), "eth.other_host", port="host"),
        Step(g.ether(good, dst=OURS, src=KERNEL)[:13], "eth.truncated", port="host"),
        Step(g.ether(bytes(60), dst=OURS, src=KERNEL, kind=0x86DD), "eth.unknown_type", port="host"),
    ]
    routes = [{"prefix": "203.0.113.0/24", "next_hop": ROUTER, "port": "wan"}]
    run(gateway(routes=routes), steps, tmp_path)


def test_own_traffic_larger_than_its_way(tmp_path):
    """Cut where it may be; its own fragments go on as they are."""
    tunnel = Tunnel(out_sa())
    tree = gateway(out=tunnel.sa, mtu=9000)
    large, far = packet_of(WAN_OWN, ROUTER, 4000, flags=0), packet_of(LAN_OWN, FAR, 1399, flags=0)
    piece = packet_of(LAN_OWN, FAR, 500, flags="MF", frag=7)
    steps = [
        from_kernel(large, "ip4.fragmented", *(by_wan(p) for p in g.cut(large, 1500))),
        from_kernel(far, "ip4.fragmented", *(("wan", Sealed(tunnel, p)) for p in g.cut(far, 1398))),
        from_kernel(piece, "sent", ("wan", Sealed(tunnel, piece))),
        from_kernel(packet_of(WAN_OWN, ROUTER, 1501), "ip4.too_big"),
        from_kernel(packet_of(LAN_OWN, FAR, 1399), "ip4.too_big"),
        from_kernel(packet_of(LAN_OWN, FAR, 1398), "sent", ("wan", Sealed(tunnel, packet_of(LAN_OWN, FAR, 1398)))),
    ]
    run(tree, steps, tmp_path)


# --- ARP with the kernel ---------------------------------------------------------------------------------------------


def test_the_kernel_is_told_that_every_next_hop_is_here(tmp_path):
    steps = []
    pairs = [(WAN_OWN, ROUTER), (WAN_OWN, PEER), (LAN_OWN, "10.1.0.2"), (LAN_OWN, FAR), (LAN_OWN, "1.2.3.4")]
    for own, target in pairs:
        reply = g.arp(2, OURS, target, own, hwdst=KERNEL, to=KERNEL)
        steps.append(Step(g.arp(1, KERNEL, own, target), "sent", (("host", reply),), port="host"))
        steps.append(Step(g.arp(1, KERNEL, own, target, to=OURS), "sent", (("host", reply),), port="host"))
    probe = g.arp(2, OURS, ROUTER, "0.0.0.0", hwdst=KERNEL, to=KERNEL)
    steps += [
        Step(g.arp(1, KERNEL, "0.0.0.0", ROUTER), "sent", (("host", probe),), port="host"),
        Step(g.arp(1, KERNEL, WAN_OWN, WAN_OWN), "arp.other", port="host"),  # it announces itself
        Step(g.arp(1, KERNEL, "0.0.0.0", WAN_OWN), "arp.other", port="host"),
        Step(g.arp(1, KERNEL, WAN_OWN, LAN_OWN), "arp.other", port="host"),
        Step(g.arp(2, KERNEL, WAN_OWN, ROUTER), "arp.other", port="host"),
        Step(g.arp(1, KERNEL, WAN_OWN, ROUTER)[:41], "arp.malformed", port="host"),
        Step(g.arp(1, g.BROADCAST_MAC, WAN_OWN, ROUTER), "arp.martian", port="host"),
    ]
    run(gateway(), steps, tmp_path)
    run(gateway(arp={"enabled": False}), steps, tmp_path / "off", matrix=ONE_BY_ONE)


def test_the_kernel_is_where_it_asks_from(tmp_path):
    moved = "02:00:00:00:03:77"
    ike = g.udp4(bytes(40), sport=500, dport=500)
    reply = g.arp(2, OURS, ROUTER, WAN_OWN, hwdst=moved, to=moved)
    steps = [
        Step(g.ether(ike), "sent", (to_kernel(ike),), at=0),
        Step(g.arp(1, moved, WAN_OWN, ROUTER), "sent", (("host", reply),), port="host", at=1000),
        Step(g.ether(ike), "sent", (to_kernel(ike, moved),), at=2000),
    ]
    run(gateway(), steps, tmp_path, matrix=ONE_BY_ONE)


# --- to the kernel ---------------------------------------------------------------------------------------------------


def for_the_kernel():
    yield g.udp4(g.octets(1, 300), sport=500, dport=500)
    yield g.udp4(bytes(4) + g.octets(1, 300))  # RFC 3948 2.2: IKE behind its marker
    yield g.udp4(b"abc", dport=53, checksum="right", tos=0xB9, ttl=1)
    yield g.udp4(b"abc", dport=53, options=b"\x94\x04\x00\x00")
    yield g.udp4(b"abc", dst="198.51.100.1", dport=53)
    yield bytes(IP(src=PEER, dst=WAN_OWN, id=1) / TCP(sport=1000, dport=22, flags="S", options=[("MSS", 1460)]))
    for kind, data in ((0, b"reply"), (3, bytes(28)), (11, bytes(28)), (13, bytes(12))):
        yield bytes(IP(src=PEER, dst=WAN_OWN, id=1) / ICMP(type=kind) / Raw(data))
    for protocol in (2, 47, 89, 132):
        yield g.outer4(g.octets(1, 40), protocol, flags=0)


def test_what_is_not_answered_here_goes_to_the_kernel_as_it_came(tmp_path):
    steps = [Step(g.ether(p), "sent", (to_kernel(p),)) for p in for_the_kernel()]
    padded = g.udp4(b"ab", sport=500, dport=500)
    steps.append(Step(g.ether(padded) + bytes(16), "sent", (to_kernel(padded),)))
    run(gateway(into=[Sa()]), steps, tmp_path)


def test_what_strata_answers_or_refuses_does_not_reach_the_kernel(tmp_path):
    ping = bytes(IP(src="203.0.113.9", dst=WAN_OWN, id=7) / ICMP(id=1, seq=2) / Raw(b"abc"))
    pong = bytes(IP(src=WAN_OWN, dst="203.0.113.9", id=7, ttl=64) / ICMP(type=0, id=1, seq=2) / Raw(b"abc"))
    for_kernel = g.good(Sa(), 1, packet_of(FAR, LAN_OWN))
    steps = [
        Step(for_kernel[:-1] + bytes([for_kernel[-1] ^ 1]), "esp.auth_failed"),  # duty 13
        Step(g.ether(ping), "sent", (by_wan(pong),)),
        Step(g.ether(g.udp4(b"abc", dst=LAN_OWN, dport=53)), "policy.boundary"),
        Step(g.ether(g.udp4(b"abc", src=WAN_OWN, dport=53)), "ip4.martian_source"),
        Step(g.ether(g.udp4(b"\xff")), "esp.nat_keepalive"),
        Step(g.ether(g.udp4(b"abc", dport=53, length=7)), "udp.bad_length"),
        Step(g.ether(g.patch(ping, 22, b"\0\0")), "icmp.bad_checksum"),
        Step(g.good(Sa(spi=0x9999), 1), "esp.no_sa"),
        Step(g.ether(g.udp4(b"abc", dst="192.0.2.255", dport=53)), "ip4.broadcast"),
    ]
    run(gateway(into=[Sa()]), steps, tmp_path)
    off = [Step(g.ether(ping), "sent", (to_kernel(ping),))]
    run(gateway(icmp={"echo": False}), off, tmp_path / "off", matrix=ONE_BY_ONE)


def test_out_of_the_tunnel_to_the_kernel_and_back(tmp_path):
    """TCP and echo replies for the gateway's LAN address, as they left the other gateway, ECN carried over."""
    into, tunnel = Sa(), Tunnel(out_sa())
    syn = bytes(IP(src=FAR, dst=LAN_OWN, id=1, tos=2) / TCP(sport=1000, dport=22, flags="S"))
    ping = packet_of(LAN_OWN, FAR)
    answer = bytes(IP(src=FAR, dst=LAN_OWN, id=2) / ICMP(type=0, id=1) / Raw(b"abc"))
    marked = g.patch4(syn, 1, b"\x03")
    steps = [
        from_kernel(ping, "sent", ("wan", Sealed(tunnel, ping))),
        Step(g.good(into, 1, answer), "sent", (to_kernel(answer),)),
        Step(g.good(into, 2, syn), "sent", (to_kernel(syn),)),
        Step(g.good(into, 3, syn, six={"tc": 2}, outer={"tos": 3}), "sent", (to_kernel(marked),)),
        Step(g.good(into, 4, g.udp4(b"abc", src=FAR, dst="10.3.0.1", dport=53)), "sent",
             (to_kernel(g.udp4(b"abc", src=FAR, dst="10.3.0.1", dport=53)),)),
        Step(g.good(into, 5, g.udp4(b"abc", src=FAR, dst=WAN_OWN, dport=53)), "policy.boundary"),
    ]
    run(gateway(into=[into], out=tunnel.sa), steps, tmp_path)


def came_in_pieces(packet, mtu, leaves, *ends):
    pieces = [g.ether(piece) for piece in g.cut(packet, mtu)]
    counts = ("ip4.reassembled",) * len(pieces) + ends
    steps = [Step(piece, "parked") for piece in pieces[:-1]]
    return [*steps, Step(pieces[-1], ends[0] if ends else "sent", leaves, counts)]


@pytest.mark.parametrize("mtu", [576, 1500])
def test_what_came_in_fragments_reaches_the_kernel_whole_if_it_fits(tmp_path, mtu):
    """IKE with certificates, say; larger than the host port takes it is cut once more."""
    steps = []
    for size in (400, mtu - 28, mtu - 27, 2 * mtu):
        ike = g.udp4(g.octets(1, size), sport=500, dport=500, flags=0, ident=size)
        if size <= mtu - 28:
            steps += came_in_pieces(ike, 300, (to_kernel(ike),))
        else:
            cut = tuple(to_kernel(piece) for piece in g.cut(ike, mtu))
            steps += came_in_pieces(ike, 500, cut, "ip4.fragmented")
    one = g.udp4(g.octets(1, mtu - 27), sport=500, dport=500)
    steps.append(Step(g.ether(one), "ip4.too_big"))
    exact = g.udp4(g.octets(1, mtu - 28), sport=500, dport=500)
    steps.append(Step(g.ether(exact), "sent", (to_kernel(exact),)))
    run(gateway(mtu=mtu), steps, tmp_path)


def test_without_a_kernel_there_is_nobody(tmp_path):
    """The same packets with no host port: each end has a name, and nothing goes anywhere by another way."""
    steps = [
        Step(g.ether(g.udp4(bytes(40), sport=500, dport=500)), "punt.ike"),
        Step(g.ether(g.udp4(bytes(40))), "punt.ike"),
        Step(g.ether(bytes(IP(src=PEER, dst=WAN_OWN) / ICMP(type=0) / Raw(b"abc"))), "punt.icmp"),
    ]
    run_steps(Config([Sa()], host=True).tree(), steps, tmp_path, matrix=ONE_BY_ONE)
