"""RFC duties 49 and 66: ARP is answered, neighbors are asked; what waits leaves in order or ends by a cause."""

import pytest

import gateway as g
from gateway import Config, Sa
from steps import ALONE, ONE_BY_ONE, Due, Sealed, Step, Tunnel, run_steps
from test_outbound import from_host, out_sa

PEER, PEER_MAC, ROUTER, HERE = "192.0.2.2", g.WAN_PEER_MAC, "192.0.2.254", "192.0.2.1"
OTHER, OTHER_MAC, NEW_MAC = "192.0.2.3", "02:00:00:00:02:33", "02:00:00:00:02:99"
BEYOND = "203.0.113.9"  # behind the router of wan
SLOW = {"interval_ms": 60000, "reachable_s": 3600}  # so that no clock strikes


def gateway(*, into=(), tunnel=None, arp=None, **extra):
    tree = Config(list(into), host=True, extra={"arp": SLOW if arp is None else arp, **extra}).tree()
    if tunnel:
        tree["ipsec"]["security_associations"].append({**tunnel.sa.config(), "direction": "out"})
    return tree


def answer(to_mac, to_ip, *, own=HERE, mac=g.WAN_MAC, port="wan"):
    return (port, g.arp(2, mac, own, to_ip, hwdst=to_mac, to=to_mac))


def asked(address, *, own=HERE, mac=g.WAN_MAC, port="wan", to=g.BROADCAST_MAC):
    return (port, g.arp(1, mac, own, address, to=to))


def says(mac, address, own=HERE, own_mac=g.WAN_MAC):
    """A neighbor's answer to the gateway."""
    return g.arp(2, mac, address, own, hwdst=own_mac, to=own_mac)


def to(address, ident=1, src=BEYOND, **fields):
    return g.inner4(84, src=src, dst=address, ident=ident, **fields)


def reaches(packet, mac):
    return ("wan", g.ether(g.forwarded(packet), dst=mac, src=g.WAN_MAC))


def known(address, mac, at=None, ident=1):
    """A packet to a neighbor on wan, whose MAC address the gateway knows."""
    packet = to(address, ident)
    return Step(g.ether(packet), "sent", (reaches(packet, mac),), at=at)


def waits(address, *leaves, at=None, ident=1, counts=()):
    return Step(g.ether(to(address, ident)), "parked", leaves, counts, at=at)


def never(address, at=None):
    """A packet to a neighbor that is not known, is asked for, and does not answer as long as the capture lasts."""
    return waits(address, asked(address), at=at, counts=("adj.unresolved",))


def on_lan_too(address):
    """A packet from lan to a neighbor there that is not known: it has its room and is asked for."""
    packet = g.inner4(84, src="10.1.0.2", dst=address, ident=1)
    leaves = (asked(address, own="10.1.0.1", mac=g.LAN_MAC, port="lan"),)
    return Step(from_host(packet), "parked", leaves, ("adj.unresolved",), port="lan")


# --- answers ---------------------------------------------------------------------------------------------------------


def test_duty_66_requests_for_own_addresses_are_answered(tmp_path):
    ask = g.arp(1, PEER_MAC, PEER, HERE)
    steps = [
        Step(ask, "sent", (answer(PEER_MAC, PEER),)),
        Step(g.arp(1, PEER_MAC, PEER, HERE, to=g.WAN_MAC), "sent", (answer(PEER_MAC, PEER),)),
        Step(ask + bytes(18), "sent", (answer(PEER_MAC, PEER),)),
        Step(g.arp(1, PEER_MAC, PEER, "198.51.100.1"), "sent", (answer(PEER_MAC, PEER, own="198.51.100.1"),)),
        Step(g.arp(1, PEER_MAC, "198.51.100.9", HERE), "sent", (answer(PEER_MAC, "198.51.100.9"),)),
        Step(g.arp(1, g.LAN_HOST_MAC, "10.1.0.7", "10.1.0.1"), "sent",
             (answer(g.LAN_HOST_MAC, "10.1.0.7", own="10.1.0.1", mac=g.LAN_MAC, port="lan"),), port="lan"),
        Step(g.arp(1, PEER_MAC, PEER, "10.1.0.1"), "arp.other"),
        Step(g.arp(1, g.LAN_HOST_MAC, "10.1.0.7", HERE), "arp.other", port="lan"),
        Step(g.arp(1, PEER_MAC, PEER, ROUTER), "arp.other"),
        Step(g.arp(1, PEER_MAC, PEER, "192.0.2.255"), "arp.other"),
        Step(g.arp(2, PEER_MAC, PEER, HERE), "arp.reply"),
        Step(g.arp(1, PEER_MAC, PEER, HERE, to=g.LAN_MAC), "eth.other_host"),
        Step(g.arp(1, PEER_MAC, PEER, HERE, hwdst=g.BROADCAST_MAC), "sent", (answer(PEER_MAC, PEER),)),
    ]
    run_steps(gateway(), steps, tmp_path)


def test_duty_66_who_asks_us_is_learned_and_nobody_else(tmp_path):
    """RFC 826; RFC 5227 1.1: a probe, from 0.0.0.0, is answered and teaches nothing."""
    probe = "0.0.0.0"
    steps = [
        Step(g.arp(1, PEER_MAC, PEER, HERE), "sent", (answer(PEER_MAC, PEER),), at=0),
        known(PEER, PEER_MAC, 1000),
        Step(g.arp(1, OTHER_MAC, OTHER, ROUTER), "arp.other", at=2000),
        never(OTHER, 3000),
        Step(g.arp(1, OTHER_MAC, probe, HERE), "sent", (answer(OTHER_MAC, probe),), at=4000),
        Step(g.arp(1, OTHER_MAC, probe, "192.0.2.4"), "arp.other", at=5000),
        never("192.0.2.4", 6000),
        Step(says(OTHER_MAC, "192.0.2.5"), "arp.reply", at=7000),
        never("192.0.2.5", 8000),
    ]
    run_steps(gateway(), steps, tmp_path, matrix=ONE_BY_ONE)


def test_duty_66_announcements_renew_what_is_known(tmp_path):
    """Gratuitous ARP, request or reply: a known neighbor's new address counts, an unknown one is not added."""
    third = "02:00:00:00:02:98"
    steps = [
        Step(g.arp(1, PEER_MAC, PEER, HERE), "sent", (answer(PEER_MAC, PEER),), at=0),
        Step(g.arp(1, NEW_MAC, PEER, PEER), "arp.other", at=1000),
        known(PEER, NEW_MAC, 2000),
        Step(g.arp(2, third, PEER, PEER, hwdst=third), "arp.reply", at=3000),
        known(PEER, third, 4000),
        Step(g.arp(1, PEER_MAC, PEER, ROUTER), "arp.other", at=5000),
        known(PEER, PEER_MAC, 6000),
        Step(g.arp(1, OTHER_MAC, OTHER, OTHER), "arp.other", at=7000),
        Step(g.arp(2, OTHER_MAC, OTHER, OTHER), "arp.reply", at=8000),
        never(OTHER, 9000),
    ]
    run_steps(gateway(), steps, tmp_path, matrix=ONE_BY_ONE)


def test_duty_66_static_neighbors_stay(tmp_path):
    fake, lan_own = "02:00:00:00:06:66", "10.1.0.1"
    packet = g.inner4(84)
    of_lan = answer(fake, "10.1.0.2", own=lan_own, mac=g.LAN_MAC, port="lan")
    into = Sa()
    steps = [
        Step(g.arp(1, fake, "10.1.0.2", lan_own), "sent", (of_lan,), port="lan", at=0),
        Step(g.arp(2, fake, "10.1.0.2", lan_own, hwdst=g.LAN_MAC, to=g.LAN_MAC), "arp.reply", port="lan", at=1000),
        Step(g.arp(1, fake, "10.1.0.2", "10.1.0.2"), "arp.other", port="lan", at=2000),
        Step(g.good(into, 1, packet), "sent", (("lan", g.on_lan(packet)),), at=3000),
        Step(g.arp(2, fake, ROUTER, HERE, hwdst=g.WAN_MAC, to=g.WAN_MAC), "arp.reply", at=4000),
        known(ROUTER, g.WAN_ROUTER_MAC, 5000),
        Step(g.good(into, 2, packet), "sent", (("lan", g.on_lan(packet)),), at=200_000),  # nor do they age
    ]
    tree = gateway(into=[into], arp={"reachable_s": 5, "interval_ms": 100, "tries": 1})
    run_steps(tree, steps, tmp_path, matrix=ONE_BY_ONE)


def refused_arp():
    good = g.arp(1, PEER_MAC, PEER, HERE)
    for n in range(14, 42):
        yield good[:n], "arp.malformed"
    for at, value in ((14, 1), (15, 6), (16, 6), (17, 6), (18, 5), (18, 8), (19, 3), (19, 16)):
        yield g.patch(good, at, bytes([value])), "arp.malformed"
    for mac in ("00:00:00:00:00:00", g.BROADCAST_MAC, "01:00:5e:00:00:01", "03:00:00:00:00:01"):
        yield g.patch(good, 22, g.mac(mac)), "arp.martian"
    for address in ("127.0.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "0.0.0.1", "192.0.2.255", "192.0.2.0",
                    "10.1.0.1", "10.1.0.2", "203.0.113.7"):
        yield g.arp(1, PEER_MAC, address, HERE), "arp.martian"
        yield g.arp(2, PEER_MAC, address, HERE), "arp.martian"
    for address in (HERE, "198.51.100.1"):
        for operation in (1, 2):
            yield g.arp(operation, PEER_MAC, address, HERE), "arp.conflict"
            yield g.arp(operation, PEER_MAC, address, address), "arp.conflict"
            yield g.arp(operation, PEER_MAC, address, PEER), "arp.conflict"
    for operation in (0, 3, 8, 0x0100, 0xFFFF):
        yield g.arp(operation, PEER_MAC, PEER, HERE), "arp.other"


def test_duty_66_malformed_martian_and_conflicting_arp(tmp_path):
    steps = [Step(frame, cause) for frame, cause in refused_arp()]
    steps += [never(PEER, 2000), never("192.0.2.7", 3000)]  # and nobody was learned
    run_steps(gateway(), steps, tmp_path)


# --- questions -------------------------------------------------------------------------------------------------------


def test_duty_66_packets_wait_for_the_answer_and_leave_in_order(tmp_path):
    first, second = [to(PEER, n) for n in range(10)], [to(OTHER, n) for n in range(10)]
    steps = []
    for n in range(8):
        ask = n == 0
        steps.append(waits(PEER, *([asked(PEER)] if ask else []), ident=n, at=0 if ask else None))
        steps.append(waits(OTHER, *([asked(OTHER)] if ask else []), ident=n))
    steps += [
        # In one burst, behind those that wait: in order whether it came before the answer or after it.
        waits(PEER, ident=8, at=1000),
        Step(says(PEER_MAC, PEER), "arp.reply", tuple(reaches(p, PEER_MAC) for p in first[:9])),
        known(PEER, PEER_MAC, ident=9),
        Step(says(OTHER_MAC, OTHER), "arp.reply", tuple(reaches(p, OTHER_MAC) for p in second[:8]), at=2000),
        known(OTHER, OTHER_MAC, ident=9, at=3000),
    ]
    run_steps(gateway(), steps, tmp_path)


def test_duty_66_the_question_is_asked_from_the_address_of_that_subnet(tmp_path):
    host, mac = "198.51.100.7", "02:00:00:00:02:77"
    packet = to(host)
    steps = [
        Step(g.ether(packet), "parked", (asked(host, own="198.51.100.1"),), (), at=0),
        Step(says(mac, host, "198.51.100.1"), "arp.reply", (reaches(packet, mac),), at=1000),
    ]
    run_steps(gateway(), steps, tmp_path, matrix=ONE_BY_ONE)


def test_duty_66_a_request_of_the_neighbor_answers_too(tmp_path):
    packet = to(PEER)
    steps = [
        waits(PEER, asked(PEER), at=0),
        Step(g.arp(1, PEER_MAC, PEER, HERE), "sent", (answer(PEER_MAC, PEER), reaches(packet, PEER_MAC)), at=1000),
    ]
    run_steps(gateway(), steps, tmp_path, matrix=ONE_BY_ONE)


def test_duty_49_end_dx4_asks_and_holds(tmp_path):
    """The next hop of the SID is nobody's neighbor yet. What ECN carried is told to the packet when it goes on."""
    into, mac = Sa(), "02:00:00:00:02:09"
    ask = asked("10.1.0.9", own="10.1.0.1", mac=g.LAN_MAC, port="lan")
    steps, held = [], []
    for seq, (tos, carried) in enumerate(((0, 0), (2, 3), (1, 0), (2, 1), (2, 2), (0xB8, 1)), 1):
        packet = g.inner4(84 + seq, tos=tos, ident=seq)
        frame = g.good(into, seq, packet, six={"dst": "fc00:1::d5", "tc": carried})
        steps.append(Step(frame, "parked", (ask,) if seq == 1 else (), (), at=0 if seq == 1 else None))
        held.append(("lan", g.on_lan(packet, ecn=carried, dst=mac)))
    last = g.inner4(84)
    steps += [
        Step(says(mac, "10.1.0.9", "10.1.0.1", g.LAN_MAC), "arp.reply", tuple(held), port="lan", at=1000),
        Step(g.good(into, 20, last, six={"dst": "fc00:1::d5"}), "sent", (("lan", g.on_lan(last, dst=mac)),), at=2000),
    ]
    run_steps(gateway(into=[into]), steps, tmp_path)


def test_duty_66_policies_hold_before_they_seal(tmp_path):
    """The peer's MAC address is asked for; numbers are given as the packets leave, so none is missing."""
    tunnel = Tunnel(out_sa(destination=PEER))
    packets = [g.inner4(84 + n, src="10.1.0.2", dst="10.2.0.1", ident=n) for n in range(30)]
    sealed = [("wan", Sealed(tunnel, g.forwarded(p))) for p in packets]
    steps = [Step(from_host(p), "parked", (), (), port="lan") for p in packets[:20]]
    steps[0] = Step(steps[0].frame, "parked", (asked(PEER),), (), port="lan", at=0)
    steps[16:] = [Step(step.frame, "adj.queue_full", port="lan") for step in steps[16:]]
    steps.append(Step(says(g.WAN_ROUTER_MAC, PEER), "arp.reply", tuple(sealed[:16]), at=1000))
    steps += [Step(from_host(p), "sent", (leaf,), port="lan") for p, leaf in zip(packets[20:], sealed[20:])]
    outcome = run_steps(gateway(tunnel=tunnel), steps, tmp_path)
    assert outcome.report["security_associations"]["to-b"]["packets"] == 26


@pytest.mark.parametrize("hold", [1, 3, 64])
def test_duty_66_no_more_wait_than_are_allowed(tmp_path, hold):
    packets = [to(PEER, n) for n in range(hold + 5)]
    steps = [waits(PEER, *([asked(PEER)] if n == 0 else []), ident=n) for n in range(hold)]
    steps += [Step(g.ether(p), "adj.queue_full") for p in packets[hold:]]
    held = tuple(reaches(p, PEER_MAC) for p in packets[:hold])
    steps.append(Step(says(PEER_MAC, PEER), "arp.reply", held, at=1000))
    steps.append(known(PEER, PEER_MAC, at=2000))
    run_steps(gateway(arp={**SLOW, "hold": hold}), steps, tmp_path)


def test_duty_66_no_more_neighbors_are_learned_than_are_allowed(tmp_path):
    steps = [never(f"192.0.2.{100 + n}") for n in range(16)]
    steps += [Step(g.ether(to("192.0.2.116")), "adj.table_full") for _ in range(3)]
    steps.append(Step(g.arp(1, PEER_MAC, "192.0.2.117", HERE), "sent", (answer(PEER_MAC, "192.0.2.117"),), at=1000))
    steps.append(Step(g.ether(to("192.0.2.117")), "adj.table_full", at=2000))
    steps.append(known(ROUTER, g.WAN_ROUTER_MAC, at=3000))
    steps.append(on_lan_too("10.1.0.77"))
    run_steps(gateway(arp={**SLOW, "neighbors": 16}), steps, tmp_path)


def test_duty_66_who_floods_one_side_leaves_the_other_its_queue(tmp_path):
    """512 packets wait on wan, for 8 neighbors: no more do there, but on lan they do."""
    steps = []
    for n in range(8):
        address = f"192.0.2.{100 + n}"
        steps.append(never(address))
        steps += [waits(address, ident=k, counts=("adj.unresolved",)) for k in range(1, 64)]
    steps.append(Step(g.ether(to("192.0.2.120")), "adj.queue_full", (asked("192.0.2.120"),)))
    steps.append(on_lan_too("10.1.0.77"))
    steps.append(known(ROUTER, g.WAN_ROUTER_MAC))
    run_steps(gateway(arp={**SLOW, "hold": 64}), steps, tmp_path)


# --- retries, and the end of patience --------------------------------------------------------------------------------


def host_unreachable(packet, to=BEYOND):
    error = g.icmp_error(3, 1, packet, src=HERE, dst=to)
    return ("wan", g.ether(error, dst=g.WAN_ROUTER_MAC, src=g.WAN_MAC))


PATIENCE = {"interval_ms": 500, "tries": 3, "reachable_s": 3600}


def test_duty_66_asked_again_and_then_given_up(tmp_path):
    """RFC 1122 2.3.2.1: not more than one question a second; RFC 1812 3.3.2: host unreachable to the senders."""
    packets = [to(PEER, n, tos=n) for n in range(3)]
    an_error = g.icmp_error(3, 0, bytes(28), src=BEYOND, dst=PEER)
    steps = [
        Step(g.ether(packets[0]), "parked", (asked(PEER),), (), at=0),
        Step(g.ether(packets[1]), "parked", (), (), at=250),
        Due(500, (asked(PEER),)),
        Step(g.ether(packets[2]), "parked", (), (), at=750),
        Step(g.ether(an_error), "parked", (), ("adj.unresolved",)),
        Due(1000, (asked(PEER),)),
        Due(1500, tuple(host_unreachable(p) for p in packets), ("adj.unresolved",) * 3),
        known(ROUTER, g.WAN_ROUTER_MAC, 5000),
        waits(PEER, asked(PEER), at=6000),  # anew, from the first question
        Due(6500, (asked(PEER),)),
        Step(says(PEER_MAC, PEER), "arp.reply", (reaches(to(PEER), PEER_MAC),), at=6700),
        known(PEER, PEER_MAC, 9000),
    ]
    run_steps(gateway(arp=PATIENCE), steps, tmp_path, matrix=ALONE)


@pytest.mark.parametrize("tries, interval", [(1, 100), (2, 100), (10, 60000)])
def test_duty_66_as_often_and_as_far_apart_as_configured(tmp_path, tries, interval):
    packet = to(PEER)
    steps = [Step(g.ether(packet), "parked", (asked(PEER),), (), at=0)]
    steps += [Due(n * interval, (asked(PEER),)) for n in range(1, tries)]
    steps += [
        Due(tries * interval, (host_unreachable(packet),), ("adj.unresolved",)),
        known(ROUTER, g.WAN_ROUTER_MAC, (tries + 5) * interval),
    ]
    arp = {"interval_ms": interval, "tries": tries}
    run_steps(gateway(arp=arp), steps, tmp_path, matrix=ALONE)


def test_duty_49_given_up_behind_a_sid_the_error_goes_back_into_the_tunnel(tmp_path):
    into, tunnel = Sa(), Tunnel(out_sa())
    ask = asked("10.1.0.9", own="10.1.0.1", mac=g.LAN_MAC, port="lan")
    packets = [g.inner4(84 + n, src="10.2.0.9", tos=2, ident=n) for n in range(2)]
    frames = [g.good(into, seq, p, six={"dst": "fc00:1::d5", "tc": 3}) for seq, p in enumerate(packets, 1)]
    errors = [g.icmp_error(3, 1, p, src="10.1.0.1", dst="10.2.0.9") for p in packets]
    steps = [
        Step(frames[0], "parked", (ask,), (), at=0),
        Step(frames[1], "parked", (), ()),
        Due(500, (ask,)),
        Due(1000, (ask,)),
        Due(1500, tuple(("wan", Sealed(tunnel, e, 0xC0)) for e in errors), ("adj.unresolved",) * 2),
        known(ROUTER, g.WAN_ROUTER_MAC, 3000),
    ]
    run_steps(gateway(into=[into], tunnel=tunnel, arp=PATIENCE), steps, tmp_path, matrix=ALONE)


def test_duty_25_given_up_behind_a_clear_sid_the_error_keeps_to_its_side(tmp_path):
    """What waited for a SID's next hop is still of the port that it came in by: nothing is sealed because of it."""
    tree = gateway(tunnel=Tunnel(out_sa()), arp=PATIENCE)
    next(sid for sid in tree["srv6"]["local_sids"] if sid.get("clear"))["next_hop"] = "10.1.0.9"
    ask = asked("10.1.0.9", own="10.1.0.1", mac=g.LAN_MAC, port="lan")
    packet = g.inner4(84, src="10.2.0.9")
    steps = [
        Step(g.ether(g.inner6(packet, dst="fc00:1::c1"), kind=0x86DD), "parked", (ask,), (), at=0),
        Due(500, (ask,)),
        Due(1000, (ask,)),
        Due(1500, (), ("adj.unresolved", "policy.boundary")),
        known(ROUTER, g.WAN_ROUTER_MAC, 3000),
    ]
    run_steps(tree, steps, tmp_path, matrix=ALONE)


def test_duty_66_where_nobody_is_asked_the_sender_is_told_at_once(tmp_path):
    """RFC 1812 5.2.7.1, with ARP off: the host cannot be reached. Of what is made here nobody is told."""
    into, tunnel = Sa(), Tunnel(out_sa())
    packets = [to(PEER, n, tos=n) for n in range(3)]
    steps = [Step(g.ether(packet), "adj.unresolved", (host_unreachable(packet),)) for packet in packets]
    behind = g.inner4(84, src="10.2.0.9")
    error = g.icmp_error(3, 1, behind, src="10.1.0.1", dst="10.2.0.9")
    steps += [
        Step(g.good(into, 1, behind, six={"dst": "fc00:1::d5"}), "adj.unresolved", (("wan", Sealed(tunnel, error, 0xC0)),)),
        Step(g.ether(g.icmp_error(3, 0, bytes(28), src=BEYOND, dst=PEER)), "adj.unresolved"),
        Step(g.ether(g.udp4(b"abc", src=PEER, dst=HERE, dport=53)), "local.no_port", (), ("local.no_port", "adj.unresolved")),
        known(ROUTER, g.WAN_ROUTER_MAC, 1000),
    ]
    run_steps(gateway(into=[into], tunnel=tunnel, arp={"enabled": False}), steps, tmp_path)


def test_duty_66_given_up_before_the_peer_of_a_policy(tmp_path):
    tunnel = Tunnel(out_sa(destination=PEER))
    packet = g.inner4(84, src="10.1.0.2", dst="10.2.0.1")
    error = g.icmp_error(3, 1, packet, src="10.1.0.1", dst="10.1.0.2")
    steps = [
        Step(from_host(packet), "parked", (asked(PEER),), (), port="lan", at=0),
        Due(500, (asked(PEER),)),
        Due(1000, (asked(PEER),)),
        Due(1500, (("lan", g.ether(error, dst=g.LAN_HOST_MAC, src=g.LAN_MAC)),), ("adj.unresolved",)),
        Step(from_host(packet), "parked", (asked(PEER),), (), port="lan", at=4000),
        Step(says(g.WAN_ROUTER_MAC, PEER), "arp.reply", (("wan", Sealed(tunnel, g.forwarded(packet))),), at=4200),
    ]
    run_steps(gateway(tunnel=tunnel, arp=PATIENCE), steps, tmp_path, matrix=ALONE)


def test_duty_66_what_the_gateway_itself_says_waits_too(tmp_path):
    """An answer and an error, both to a neighbor that has not asked for us: sent later, or dropped without an error."""
    request = g.udp4(b"abc", src=PEER, dst=HERE, dport=53)
    error = g.icmp_error(3, 3, request, src=HERE, dst=PEER)
    second = g.udp4(b"abc", src=OTHER, dst=HERE, dport=53)
    steps = [
        Step(g.ether(request), "parked", (asked(PEER),), ("local.no_port",), at=0),
        Step(g.ether(second), "parked", (asked(OTHER),), ("local.no_port",), at=50),
        Step(says(PEER_MAC, PEER), "arp.reply", (("wan", g.ether(error, dst=PEER_MAC, src=g.WAN_MAC)),), at=400),
        Due(550, (asked(OTHER),)),
        Due(1050, (asked(OTHER),)),
        Due(1550, (), ("adj.unresolved",)),
        known(ROUTER, g.WAN_ROUTER_MAC, 3000),
    ]
    run_steps(gateway(arp=PATIENCE), steps, tmp_path, matrix=ALONE)


# --- age -------------------------------------------------------------------------------------------------------------


def test_duty_66_neighbors_age(tmp_path):
    """RFC 1122 2.3.2.1: after reachable_s the known MAC address is asked; who does not answer is forgotten."""
    unicast = asked(PEER, to=PEER_MAC), asked(OTHER, to=OTHER_MAC)
    steps = [
        Step(g.arp(1, PEER_MAC, PEER, HERE), "sent", (answer(PEER_MAC, PEER),), at=0),
        Step(g.arp(1, OTHER_MAC, OTHER, HERE), "sent", (answer(OTHER_MAC, OTHER),), at=100),
        known(PEER, PEER_MAC, 4900),
        Due(5000, (unicast[0],)),
        Due(5100, (unicast[1],)),
        Step(says(PEER_MAC, PEER), "arp.reply", at=5200),
        known(OTHER, OTHER_MAC, 5300),  # asked, not yet given up
        Due(6100, (unicast[1],)),
        known(OTHER, OTHER_MAC, 7050),
        waits(OTHER, asked(OTHER), at=7150),  # given up at 7100
        known(PEER, PEER_MAC, 7160),
        Step(g.arp(1, PEER_MAC, PEER, PEER), "arp.other", at=7500),  # an announcement serves as well
        Due(8150, (asked(OTHER),)),
        known(PEER, PEER_MAC, 9000),
        Due(9150, (host_unreachable(to(OTHER)),), ("adj.unresolved",)),
        known(PEER, PEER_MAC, 10250),
        Due(12500, (unicast[0],)),
        Due(13500, (unicast[0],)),
        known(PEER, PEER_MAC, 14000),
        never(PEER, 15000),
    ]
    run_steps(gateway(arp={"reachable_s": 5, "interval_ms": 1000, "tries": 2}), steps, tmp_path, matrix=ALONE)


def test_duty_66_a_forgotten_neighbor_makes_room(tmp_path):
    steps = [
        Step(g.arp(1, PEER_MAC, f"192.0.2.{n}", HERE), "sent", (answer(PEER_MAC, f"192.0.2.{n}"),), at=n)
        for n in range(100, 116)
    ]
    steps.append(Step(g.ether(to("192.0.2.50")), "adj.table_full", at=1000))
    for n in range(100, 116):
        steps.append(Due(5000 + n, (asked(f"192.0.2.{n}", to=PEER_MAC),)))
    steps += [never("192.0.2.50", 6000), known(ROUTER, g.WAN_ROUTER_MAC)]
    arp = {"reachable_s": 5, "interval_ms": 800, "tries": 1, "neighbors": 16}
    run_steps(gateway(arp=arp), steps, tmp_path, matrix=ALONE)


# --- off -------------------------------------------------------------------------------------------------------------


def test_arp_off(tmp_path):
    into = Sa()
    steps = [
        Step(g.arp(1, PEER_MAC, PEER, HERE), "arp.off"),
        Step(says(PEER_MAC, PEER), "arp.off"),
        Step(g.ether(to(PEER)), "adj.unresolved", (host_unreachable(to(PEER)),)),
        Step(g.good(into, 1, g.inner4(84), six={"dst": "fc00:1::d5"}), "adj.unresolved",
             counts=("adj.unresolved", "policy.no_sa")),
        known(ROUTER, g.WAN_ROUTER_MAC, at=10_000),
    ]
    run_steps(gateway(into=[into], arp={"enabled": False}), steps, tmp_path)


# --- what must not fill the table ------------------------------------------------------------------------------------


def test_duty_66_who_is_not_asked_takes_no_place(tmp_path):
    """Answers that may not cross the boundary, and all that goes nowhere with ARP off, leave the table as it was."""
    into, tunnel = Sa(), Tunnel(out_sa())
    steps = []
    for n in range(20):
        expired = g.inner4(84, src=f"192.0.2.{100 + n}", ttl=1)
        counts = ("ip4.ttl_exceeded", "policy.boundary")
        steps.append(Step(g.good(into, n + 1, expired), "ip4.ttl_exceeded", (), counts))
    steps.append(never("192.0.2.50", 1000))
    run_steps(gateway(into=[into], tunnel=tunnel, arp={**SLOW, "neighbors": 16}), steps, tmp_path)
    steps = [Step(g.ether(to(f"192.0.2.{100 + n // 2}")), "adj.unresolved") for n in range(80)]
    off = {"enabled": False, "neighbors": 16}
    run_steps(gateway(arp=off, icmp={"errors_per_second": 0}), steps, tmp_path / "off")
