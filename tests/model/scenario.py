"""A gateway's configuration drawn at random: each key that decides what becomes of a packet, in each kind of value."""

import gateway as g

WAN, LAN, LAN2, KERNEL = "02:00:00:00:01:01", "02:00:00:00:01:02", "02:00:00:00:01:03", "02:00:00:00:03:00"
ROUTER = "192.0.2.254"
PEERS = ("192.0.2.2", "192.0.2.9", "203.0.113.50", "203.0.113.77", "198.18.0.3")
UDP = (None, None, (4500, 4500), (4500, 4500), (50001, 4501), (4500, 4777))
SEGMENTS = (1, 1, 1, 2, 2, 3, 4, 5, 16)


def ports(rng):
    made = {
        "wan": {"mac": WAN, "addresses": ["192.0.2.1/24"], "side": "unprotected",
                "mtu": rng.choice((1500, 1500, 1500, 1501, 1402, 1003, 9000))},
        "lan": {"mac": LAN, "addresses": ["10.1.0.1/24"], "side": "protected",
                "mtu": rng.choice((1500, 1500, 9000, 600))},
        "lan2": {"mac": LAN2, "addresses": ["10.3.0.1/26"], "side": "protected",
                 "mtu": rng.choice((1500, 1500, 576, 843))},
    }
    if rng.random() < 0.5:
        made["wan"]["addresses"].append("198.51.100.1/24")
    if rng.random() < 0.6:
        made["lan"]["addresses"].append("fc00:1::1/64")
    if rng.random() < 0.3:
        made["lan2"]["addresses"].append("10.33.0.1/31")
    if rng.random() < 0.4:
        made["host"] = {"mac": KERNEL, "host": True, "mtu": rng.choice((1500, 1500, 800))}
    for number, port in enumerate(made.values()):
        port["device"] = f"net_null{number}"
    return made


def neighbors(rng):
    made = [
        {"port": "wan", "address": ROUTER, "mac": g.WAN_ROUTER_MAC},
        {"port": "lan", "address": "10.1.0.2", "mac": g.LAN_HOST_MAC},
        {"port": "lan2", "address": "10.3.0.2", "mac": g.LAN2_HOST_MAC},
    ]
    if rng.random() < 0.5:
        made.append({"port": "wan", "address": "192.0.2.2", "mac": g.WAN_PEER_MAC})
    return made


def key(rng, algorithm):
    return "hex:" + rng.randbytes(g.KEY_OCTETS[algorithm] + 4).hex()


def association(rng, number, direction):
    algorithm, esn = rng.choice(g.ALGORITHMS), rng.random() < 0.5
    udp, here, peer = rng.choice(UDP), "192.0.2.1", rng.choice(PEERS)
    inbound = direction == "in"
    made = {
        "name": f"{'from' if inbound else 'to'}-{number}",
        "direction": direction,
        "spi": (0x1000 if inbound else 0x2000) + rng.randrange(16) * 256 + number,
        "source": peer if inbound else here,
        "destination": here if inbound else peer,
        "algorithm": algorithm,
        "key": key(rng, algorithm),
        "esn": esn,
        "replay_window": rng.choice((64, 100, 128, 1024, 4096) if esn else (0, 64, 100, 128, 1024, 4096)),
        "selectors": {"source": f"fc00:{number + 2:x}::/48", "destination": rng.choice(("fc00:1::/48", "fc00:1::/32"))},
    }
    if udp:
        made["udp_encap"] = {"source_port": udp[0], "destination_port": udp[1]}
    if rng.random() < 0.3:
        made["selectors"]["protocol"] = "ipv4"
    if not inbound:
        made["selectors"].update(source="fc00:1::/48", destination=f"fc00:{number + 2:x}::/48")
        made.update(ttl=rng.choice((64, 1, 255, 9)), dscp=rng.choice(("copy", "copy", 0, 46)),
                    df=rng.choice(("set", "set", "clear", "copy")))
    return made


def local_sids(rng):
    dx4 = {"behavior": "End.DX4"}
    made = [
        {"sid": "fc00:1::d4/128", **dx4, "next_hop": "10.1.0.2", "port": "lan"},
        {"sid": "fc00:1:0:64::/64", **dx4, "next_hop": "10.1.0.2", "port": "lan"},
        {"sid": "fc00:1:0:64:8000::/66", **dx4, "next_hop": "10.3.0.2", "port": "lan2"},
        {"sid": "fc00:1::c1/128", **dx4, "next_hop": rng.choice(("10.1.0.2", "10.1.0.66")), "port": "lan",
         "clear": True},
        {"sid": "fc00:1::d5/128", **dx4, "next_hop": "10.1.0.9", "port": "lan"},
        {"sid": "fc00:1::d6/128", **dx4, "next_hop": ROUTER, "port": "wan"},
    ]
    if rng.random() < 0.3:
        made[5]["clear"] = True
    return made


def policies(rng, count):
    """One for each outbound SA, sometimes two, and one that has none."""
    made = []
    for number in [*range(count), *rng.sample(range(count), rng.randrange(min(2, count) + 1)), 99]:
        name = f"p{len(made)}"
        policy = {
            "name": name,
            "prefixes": [f"10.2.{len(made)}.0/24"] if number != 99 else ["10.99.0.0/16"],
            "segments": [f"fc00:{number + 2:x}::{rng.randrange(1, 0xFFFF):x}" for _ in range(rng.choice(SEGMENTS))],
            "mode": rng.choice(("H.Encaps", "H.Encaps.Red")),
            "hop_limit": rng.choice((64, 1, 255)),
            "dscp": rng.choice(("copy", "copy", 0, 10, 63)),
            "mss_clamp": rng.random() < 0.5,
        }
        if rng.random() < 0.3:
            policy["prefixes"].append(f"10.4.{64 + len(made)}.0/26")
        made.append(policy)
    return made


def routes(rng):
    made = [
        {"prefix": "10.4.0.0/16", "next_hop": "10.1.0.2", "port": "lan"},
        {"prefix": "10.4.5.0/24", "next_hop": "10.3.0.2", "port": "lan2"},
        {"prefix": "172.31.0.0/16", "next_hop": "10.3.0.9", "port": "lan2"},  # nobody's neighbor yet
        {"prefix": "198.18.0.0/15", "next_hop": ROUTER, "port": "wan"},
        {"prefix": "203.0.113.0/24", "next_hop": ROUTER, "port": "wan"},
    ]
    if rng.random() < 0.6:
        made.append({"prefix": "0.0.0.0/0", "next_hop": ROUTER, "port": "wan"})
    return made


def bypass(rng):
    rules = [
        {"source": "10.1.0.0/24", "destination": "203.0.113.0/24"},
        {"source": "203.0.113.0/24", "destination": "10.1.0.0/24", "protocol": "udp", "destination_ports": "50-60"},
        {"source": "203.0.113.0/24", "destination": "10.2.0.0/16", "protocol": "icmp"},
        {"source": "0.0.0.0/0", "destination": "10.3.0.0/26", "protocol": "tcp", "source_ports": "443"},
        {"source": "10.2.0.0/16", "destination": "192.0.2.0/24", "protocol": "icmp"},
        {"source": "10.1.0.2/32", "destination": "192.0.2.1/32", "protocol": 17},
    ]
    return rng.sample(rules, rng.choice((0, 0, 2, 4, 6)))


def configuration(rng):
    into, out = rng.randrange(1, 6), rng.randrange(1, 5)
    tree = {
        "ports": ports(rng),
        "neighbors": neighbors(rng),
        "ipsec": {"security_associations": [association(rng, n, "in") for n in range(into)]
                  + [association(rng, n, "out") for n in range(out)]},
        "srv6": {"source": "fc00:1::1", "local_sids": local_sids(rng), "policies": policies(rng, out)},
        "routes": routes(rng),
        "bypass": bypass(rng),
        "arp": {"enabled": rng.random() < 0.85, "hold": rng.choice((1, 3, 16)), "tries": rng.choice((1, 2, 3)),
                "interval_ms": rng.choice((100, 1000)), "reachable_s": rng.choice((5, 60))},
        "icmp": {"errors_per_second": rng.choice((0, 1, 50, 1000)), "burst": rng.choice((1, 10, 10000)),
                 "echo": rng.random() < 0.8},
        "reassembly": {"enabled": rng.random() < 0.85, "timeout_ms": rng.choice((100, 2000))},
    }
    return tree
