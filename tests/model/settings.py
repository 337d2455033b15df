"""A configuration's tree as the model reads it: ports, SAs, SIDs, policies, routes (docs/configuration.md)."""

import ipaddress
from dataclasses import dataclass, field

import gateway as g

NEVER = [ipaddress.ip_network(p) for p in ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "240.0.0.0/4")]
PROTOCOLS = {"icmp": 1, "ipv4": 4, "tcp": 6, "udp": 17, "ipv6": 41, "esp": 50, "icmpv6": 58}


def number4(address):
    return int(ipaddress.IPv4Address(address))


def packed(address):
    return ipaddress.ip_address(address).packed


def protocol_number(value):
    return PROTOCOLS.get(value, value)


class Prefix:
    """An IPv4 or IPv6 prefix that addresses, as integers, are compared with."""

    def __init__(self, text):
        net = ipaddress.ip_network(text)
        self.length, self.first, self.mask = net.prefixlen, int(net.network_address), int(net.netmask)

    def __contains__(self, number):
        return number & self.mask == self.first


@dataclass
class Port:
    name: str
    mac: bytes
    side: str
    mtu: int
    host: bool
    addresses: list  # of (address as integer, Prefix), IPv4 only, in the configuration's order

    @property
    def protected(self):
        return self.side == "protected"


@dataclass
class Sa:
    """keys: an Sa of gateway.py, which has algorithm, key, SPI and encapsulation."""

    keys: g.Sa
    inside: Prefix
    target: Prefix
    protocol: object
    ttl: int = 64
    dscp: object = "copy"
    df: str = "set"


@dataclass
class Policy:
    name: str
    segments: list
    reduced: bool
    hop_limit: int
    dscp: object
    clamp: bool
    sa: object = None
    mtu: int = 0

    @property
    def listed(self):
        return self.segments[1:] if self.reduced else self.segments

    @property
    def header(self):
        """Octets of IPv6 and SRH (RFC 8754 section 2)."""
        return 40 + (8 + 16 * len(self.listed) if self.listed else 0)


@dataclass
class Hop:
    """Where a packet goes: to `via` on a port (None: to its own destination), or into a policy."""

    port: object = None
    via: object = None
    policy: object = None


@dataclass
class Bypass:
    source: Prefix
    destination: Prefix
    protocol: object
    source_ports: object
    destination_ports: object

    def lets(self, packet):
        """packet: a whole IPv4 header and what follows. A later fragment has no ports (RFC 4301 section 7)."""
        source, destination = int.from_bytes(packet[12:16], "big"), int.from_bytes(packet[16:20], "big")
        if source not in self.source or destination not in self.destination:
            return False
        if self.protocol is not None and packet[9] != self.protocol:
            return False
        for wanted, at in ((self.source_ports, 0), (self.destination_ports, 2)):
            if wanted is None:
                continue
            upper = packet[4 * (packet[0] & 15) :]
            if int.from_bytes(packet[6:8], "big") & 0x1FFF or len(upper) < 4:
                return False
            if not wanted[0] <= int.from_bytes(upper[at : at + 2], "big") <= wanted[1]:
                return False
        return True


def ports_range(value):
    if value is None:
        return None
    first, _, last = str(value).partition("-")
    return int(first), int(last or first)


ARP = {"enabled": True, "hold": 16, "tries": 3, "interval_ms": 1000, "reachable_s": 60, "neighbors": 4096}
ICMP = {"errors_per_second": 1000, "burst": 50, "echo": True, "path_mtu": True}
REASSEMBLY = {"enabled": True, "packets": 1024, "timeout_ms": 2000}


@dataclass
class Settings:
    tree: dict
    ports: dict = field(default_factory=dict)

    def __post_init__(self):
        self.arp = {**ARP, **self.tree.get("arp", {})}
        self.icmp = {**ICMP, **self.tree.get("icmp", {})}
        self.reassembly = {**REASSEMBLY, **self.tree.get("reassembly", {})}
        self._read_ports()
        self._read_routes()
        self._read_sas()
        srv6 = self.tree.get("srv6", {})
        self.source6 = packed(srv6["source"]) if "source" in srv6 else None
        self.sids = [
            (Prefix(s["sid"]), s["sid"], number4(s["next_hop"]), self.ports[s["port"]], s.get("clear", False))
            for s in srv6.get("local_sids", [])
        ]
        self.sids.sort(key=lambda sid: -sid[0].length)
        self._read_policies(srv6.get("policies", []))
        self.routes.sort(key=lambda route: -route[0].length)
        self.next_hops |= {(sid[3].name, sid[2]) for sid in self.sids}
        self.bypass = [
            Bypass(Prefix(r["source"]), Prefix(r["destination"]), protocol_number(r.get("protocol")),
                   ports_range(r.get("source_ports")), ports_range(r.get("destination_ports")))
            for r in self.tree.get("bypass", [])
        ]

    def _read_ports(self):
        self.own, self.own6, self.broadcasts, self.host = {}, set(), {0xFFFFFFFF}, None
        for name, port in self.tree["ports"].items():
            addresses = []
            for text in port.get("addresses", []):
                interface = ipaddress.ip_interface(text)
                if interface.version == 6:
                    self.own6.add(int(interface.ip))
                    continue
                addresses.append((int(interface.ip), Prefix(interface.network)))
                if interface.network.prefixlen < 31:  # RFC 1812 4.2.3.1, RFC 3021
                    net = interface.network
                    self.broadcasts |= {int(net.network_address), int(net.broadcast_address)}
            made = Port(name, g.mac(port["mac"]), port.get("side", "protected"), port.get("mtu", 1500),
                        port.get("host", False), addresses)
            self.ports[name] = made
            self.own.update((address, made) for address, _ in addresses)
            if made.host:
                self.host = made

    def _read_routes(self):
        """(Prefix, Hop), the longest first. Own addresses are looked up before."""
        self.routes = [(net, Hop(port)) for port in self.ports.values() for _, net in port.addresses]
        self.neighbors = {}
        for entry in self.tree.get("neighbors", []):
            port, address = self.ports[entry["port"]], number4(entry["address"])
            self.neighbors[port.name, address] = g.mac(entry["mac"])
            self.routes.append((Prefix(entry["address"] + "/32"), Hop(port)))
        self.next_hops = set()
        for route in self.tree.get("routes", []):
            hop = Hop(self.ports[route["port"]], number4(route["next_hop"]))
            self.routes.append((Prefix(route["prefix"]), hop))
            self.next_hops.add((hop.port.name, hop.via))

    def _read_sas(self):
        self.inbound, self.outbound = {}, []
        for entry in self.tree.get("ipsec", {}).get("security_associations", []):
            udp = entry.get("udp_encap")
            keys = g.Sa(
                name=entry["name"], spi=entry["spi"], algorithm=entry["algorithm"], source=entry["source"],
                destination=entry["destination"], esn=entry.get("esn", False), window=entry.get("replay_window", 1024),
                udp=None if udp is None else (udp.get("source_port", 4500), udp.get("destination_port", 4500)),
                key=bytes.fromhex(entry["key"][4:]),
            )
            selectors = entry["selectors"]
            sa = Sa(keys, Prefix(selectors["source"]), Prefix(selectors["destination"]),
                    protocol_number(selectors.get("protocol")), entry.get("ttl", 64), entry.get("dscp", "copy"),
                    entry.get("df", "set"))
            if entry["direction"] == "in":
                self.inbound[keys.spi, number4(keys.destination)] = sa
            else:
                self.outbound.append(sa)
        self.esp_ports = {sa.keys.udp[1] for sa in self.inbound.values() if sa.keys.udp}

    def _read_policies(self, policies):
        for entry in policies:
            policy = Policy(entry["name"], [packed(s) for s in entry["segments"]],
                            entry.get("mode", "H.Encaps.Red") == "H.Encaps.Red", entry.get("hop_limit", 64),
                            entry.get("dscp", "copy"), entry.get("mss_clamp", False))
            first = int.from_bytes(policy.segments[0], "big")
            source = int.from_bytes(self.source6, "big")
            for sa in self.outbound:
                if source in sa.inside and first in sa.target and sa.protocol in (None, g.IPV4):
                    policy.sa = sa
            if policy.sa:
                policy.mtu = self.inner_mtu(policy)
            self.routes += [(Prefix(p), Hop(policy=policy)) for p in entry["prefixes"]]

    def inner_mtu(self, policy):
        """What an IPv4 packet may have; ESP's text is whole words (RFC 4303 section 2.4)."""
        peer = number4(policy.sa.keys.destination)
        hop = self.route(peer)
        self.next_hops.add((hop.port.name, peer if hop.via is None else hop.via))
        room = hop.port.mtu - 20 - (8 if policy.sa.keys.udp else 0) - 8 - 8 - 16
        return room - room % 4 - 2 - policy.header

    def route(self, destination):
        """The Hop of the longest match, or None."""
        best = None
        for prefix, hop in self.routes:
            if destination in prefix and (best is None or prefix.length > best[0]):
                best = (prefix.length, hop)
        return best[1] if best else None

    def sid(self, destination):
        return next((sid for sid in self.sids if destination in sid[0]), None)
