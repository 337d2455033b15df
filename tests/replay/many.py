"""Configurations with very many of everything, the same each time; as a command it prints one.

    tests/replay/many.py --inbound 100000 --sids 100000 --routes 1000000 > many.yaml
"""

import argparse
import hashlib
import sys
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

ROUTERS = 16  # next hops of the routes, known by their MAC addresses
MOST_ROUTES = 1 << 20
MOST_HOSTS = 1 << 20


@dataclass(frozen=True)
class Many:
    inbound: int = 1
    outbound: int = 0  # each with a policy
    sids: int = 1
    routes: int = 0
    neighbors: int = 0  # beside the routers; the next hops of the last SIDs


def key(direction, i):
    """16 octets of key and 4 of salt."""
    return hashlib.sha256(f"{direction} {i}".encode()).digest()[:20]


def inbound_spi(i):
    return 0x1000 + i


def peer(i):
    """The prefix of the peer's SR domain."""
    return IPv6Address(0xFC000002 << 96 | i << 64)


def sid(i):
    return IPv6Address(0xFC000001 << 96 | i << 32 | 0xD4)


def segment(i):
    """The first segment of a policy, in the selectors of its SA."""
    return IPv6Address(int(peer(i)) | 0xD4)


def host(i):
    """The next hop of a SID, on the port lan."""
    return IPv4Address(0x0A000100 + i % (MOST_HOSTS - 512))


def router(i):
    return IPv4Address(0x0A000010 + i % ROUTERS)


def mac(i):
    """Of a host or, below 0, of a router."""
    return "02:00:" + ":".join(f"{(i & 0xFFFFFFFF) >> shift & 255:02x}" for shift in (24, 16, 8, 0))


def route(i):
    """The network and the length: /24 mostly, as in the internet's tables, and each 64th a host's inside one."""
    if i % 64 == 63:
        return IPv4Address(0x14000000 + ((i - 1) << 8) + 9), 32
    return IPv4Address(0x14000000 + (i << 8)), 24


def policy_prefix(i):
    """What policies take: 100.0.0.0/8 and on, a /32 each."""
    return IPv4Address(0x64000000 + i)


# The tunnel in the one direction, and in the other.
INBOUND = "direction: in, source: 192.0.2.2, destination: 192.0.2.1, udp_encap: {}, algorithm: aes-128-gcm"
OUTBOUND = "direction: out, source: 192.0.2.1, destination: 192.0.2.2, udp_encap: {}, algorithm: aes-128-gcm"


def lines(many):
    yield "ports:"
    yield ('  wan: {device: net_null0, mac: "02:00:00:00:01:01", addresses: [192.0.2.1/24], side: unprotected}')
    yield ('  lan: {device: net_null1, mac: "02:00:00:00:01:02", addresses: [10.0.0.1/12], side: protected}')
    yield "icmp: {errors_per_second: 0}"
    yield "neighbors:"
    yield '  - {port: wan, address: 192.0.2.2, mac: "02:00:00:00:02:fe"}'
    for i in range(ROUTERS):
        yield f'  - {{port: lan, address: {router(i)}, mac: "{mac(-1 - i)}"}}'
    for i in range(many.sids - many.neighbors, many.sids):
        yield f'  - {{port: lan, address: {host(i)}, mac: "{mac(i)}"}}'
    yield "ipsec:"
    yield "  security_associations:" + ("" if many.inbound + many.outbound else " []")
    for i in range(many.inbound):
        selectors = f'{{source: "{peer(i)}/64", destination: "fc00:1::/32"}}'
        octets = key("in", i).hex()
        yield f'    - {{name: in-{i}, {INBOUND}, spi: {inbound_spi(i)}, key: "hex:{octets}", selectors: {selectors}}}'
    for i in range(many.outbound):
        selectors = f'{{source: "fc00:1::/32", destination: "{peer(i)}/64"}}'
        octets = key("out", i).hex()
        yield f'    - {{name: out-{i}, {OUTBOUND}, spi: {inbound_spi(i)}, key: "hex:{octets}", selectors: {selectors}}}'
    yield "srv6:"
    yield '  source: "fc00:1::1"'
    yield "  local_sids:" + ("" if many.sids else " []")
    for i in range(many.sids):
        yield f'    - {{sid: "{sid(i)}", behavior: End.DX4, next_hop: {host(i)}, port: lan}}'
    yield "  policies:" + ("" if many.outbound else " []")
    for i in range(many.outbound):
        yield f'    - {{name: to-{i}, prefixes: [{policy_prefix(i)}/32], segments: ["{segment(i)}"]}}'
    yield "routes:" + ("" if many.routes else " []")
    routers = [router(i) for i in range(ROUTERS)]
    for i in range(many.routes):
        network, length = route(i)
        yield f"  - {{prefix: {network}/{length}, next_hop: {routers[i % ROUTERS]}, port: lan}}"


def write(many, path):
    with open(path, "w") as file:
        file.writelines(line + "\n" for line in lines(many))
    return path


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    for name, default in vars(Many()).items():
        parser.add_argument("--" + name, type=int, default=default)
    sys.stdout.writelines(line + "\n" for line in lines(Many(**vars(parser.parse_args()))))


if __name__ == "__main__":
    main()
