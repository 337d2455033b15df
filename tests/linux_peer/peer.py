"""A strata gateway here, a Linux gateway in a guest, and tunnels of many kinds between them, all at once.

    namespaces of this machine                                                  guest
    host-a ---- lan [strata] wan ---- tap ==== virtio-net ---- eth0 [Linux] lan ---- eth0 host-b
    10.1.N.2    10.1.N.1    192.0.2.1                    192.0.2.2    10.2.N.1       10.2.N.2

Tunnel number N has its own SAs, SIDs and IPv4 prefixes. At Linux it is an xfrm interface of its own with if_id N.
A policy of strata's leads to 10.9.0.0/24, and no SA is there for what it makes.
"""

import sys
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import linux

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / room) for room in ("live", "replay")]

from gateway import KEY_OCTETS, octets  # noqa: E402

WAN_MAC = "02:00:00:00:05:01"
WAN_MTU = 1600  # so that IPv4 packets of 1428 octets fit, with two segments and all
XFRM_ALGORITHMS = {
    "aes-128-gcm": "rfc4106(gcm(aes))",
    "aes-192-gcm": "rfc4106(gcm(aes))",
    "aes-256-gcm": "rfc4106(gcm(aes))",
    "chacha20-poly1305": "rfc7539esp(chacha20,poly1305)",
}
OWN, OWN_ADDRESS = "strata0", "10.1.1.1"  # how the kernel beside strata reaches the tunnels, and from which address
WITHOUT_SA = {"name": "without-sa", "prefixes": ["10.9.0.0/24"], "segments": ["fc00:9::d4"]}
SEG6_MODES = {"H.Encaps": "encap", "H.Encaps.Red": "encap.red"}


@dataclass(frozen=True)
class Tunnel:
    algorithm: str = "aes-128-gcm"
    udp: bool = True
    mode: str = "H.Encaps"
    segments: int = 1
    esn: bool = False
    number: int = 0

    def __str__(self):
        words = [self.algorithm, "UDP" if self.udp else "plain ESP", self.mode, f"{self.segments} segments"]
        return ", ".join(words + (["ESN"] if self.esn else []))

    @property
    def host_a(self):
        return f"10.1.{self.number}.2"

    @property
    def host_b(self):
        return f"10.2.{self.number}.2"

    def sids(self, gateway):
        """The segments that lead to a gateway. Both first ones are Linux's: strata has no End yet."""
        first = [f"fc00:2:{self.number:x}::e"] if self.segments == 2 else []
        return first + [f"fc00:{gateway}:{self.number:x}::d4"]

    def spi(self, gateway):
        """Of the SA that leads to it."""
        return 0x1000 * gateway + self.number

    def key(self, gateway):
        return octets(13 * self.number + 6 * gateway, KEY_OCTETS[self.algorithm] + 4)

    # --- as strata has it ---

    def association(self, direction):
        gateway, (source, destination), (inside, target) = {
            "in": (1, ("192.0.2.2", "192.0.2.1"), ("fc00:2::/32", f"fc00:1:{self.number:x}::/48")),
            "out": (2, ("192.0.2.1", "192.0.2.2"), ("fc00:1::/32", f"fc00:2:{self.number:x}::/48")),
        }[direction]
        return {
            "name": f"{direction}-{self.number}",
            "direction": direction,
            "spi": self.spi(gateway),
            "source": source,
            "destination": destination,
            **({"udp_encap": {}} if self.udp else {}),
            "algorithm": self.algorithm,
            "key": f"hex:{self.key(gateway).hex()}",
            "esn": self.esn,
            "selectors": {"source": inside, "destination": target},
        }

    def local_sid(self):
        return {"sid": self.sids(1)[-1], "behavior": "End.DX4", "next_hop": self.host_a, "port": "lan"}

    def policy(self):
        prefixes = [f"10.2.{self.number}.0/24"]
        return {"name": f"to-{self.number}", "prefixes": prefixes, "segments": self.sids(2), "mode": self.mode}

    # --- as Linux has it ---

    def linux_state(self, gateway):
        """Words of `ip xfrm state add`."""
        source, destination = ("192.0.2.2", "192.0.2.1") if gateway == 1 else ("192.0.2.1", "192.0.2.2")
        encap = "encap espinudp 4500 4500 0.0.0.0" if self.udp else ""
        spi = f"spi {self.spi(gateway):#x}"
        return (f"xfrm state add src {source} dst {destination} proto esp {spi} reqid {self.number} mode tunnel "
                f"aead '{XFRM_ALGORITHMS[self.algorithm]}' 0x{self.key(gateway).hex()} 128 {encap} "
                f"replay-window 32 flag {'esn ' if self.esn else ''}af-unspec if_id {self.number}")

    def linux_policies(self):
        """Words of `ip xfrm policy add`: for what an SA carries, and for the IPv4 packets inside (docs/linux.md)."""
        n, hexadecimal = self.number, f"{self.number:x}"
        here = f"tmpl src 192.0.2.1 dst 192.0.2.2 proto esp reqid {n} mode tunnel"
        there = f"tmpl src 192.0.2.2 dst 192.0.2.1 proto esp reqid {n} mode tunnel"
        add = "xfrm policy add"
        yield f"{add} src fc00:2::/32 dst fc00:1:{hexadecimal}::/48 dir out if_id {n} {there}"
        for direction in ("in", "fwd"):
            yield f"{add} src fc00:1::/32 dst fc00:2:{hexadecimal}::/48 dir {direction} if_id {n} {here}"
            yield f"{add} src 10.1.{n}.0/24 dst 10.2.{n}.0/24 dir {direction} if_id {n} {here}"

    def linux_commands(self):
        """For `ip -batch`."""
        n, hexadecimal = self.number, f"{self.number:x}"
        yield f"link add xf{n} type xfrm dev eth0 if_id {n}"
        yield f"link set xf{n} up mtu {WAN_MTU - 60}"
        yield self.linux_state(1)
        yield self.linux_state(2)
        yield from self.linux_policies()
        yield f"addr add 10.2.{n}.1/24 dev lan"
        yield f"route add fc00:1:{hexadecimal}::/48 dev xf{n}"
        yield f"route add fc00:2:{hexadecimal}::d4 encap seg6local action End.DX4 nh4 {self.host_b} dev lan"
        yield f"route add fc00:2:{hexadecimal}::e encap seg6local action End dev lan"
        yield f"route add 10.1.{n}.0/24 encap seg6 mode {SEG6_MODES[self.mode]} segs {','.join(self.sids(1))} dev xf{n}"


def tunnels():
    every = [Tunnel(*kind) for kind in product(("aes-128-gcm", "aes-256-gcm"), (True, False), SEG6_MODES, (1, 2))]
    every += [Tunnel("aes-192-gcm"), Tunnel("chacha20-poly1305"), Tunnel("aes-256-gcm", esn=True)]
    return [replace(tunnel, number=n) for n, tunnel in enumerate(every, 1)]


TUNNELS = tunnels()


# --- the two sides ---------------------------------------------------------------------------------------------------


def configuration(**changes):
    """strata's, for all tunnels; changes: sections in place of these."""
    numbers = [tunnel.number for tunnel in TUNNELS]
    return {
        "ports": {
            "wan": {"device": "net_af_packet0,iface=wan", "mac": WAN_MAC, "addresses": ["192.0.2.1/24"],
                    "side": "unprotected", "mtu": WAN_MTU},
            "lan": {"device": "net_af_packet1,iface=lan", "side": "protected",
                    "addresses": [f"10.1.{n}.1/24" for n in numbers]},
            "host": {"device": f"net_tap0,iface={OWN}", "host": True},
        },
        "eal": {"hugepages": "never"},
        "ipsec": {"security_associations": [t.association(way) for t in TUNNELS for way in ("in", "out")]},
        "srv6": {
            "source": "fc00:1::1",
            "local_sids": [tunnel.local_sid() for tunnel in TUNNELS],
            "policies": [tunnel.policy() for tunnel in TUNNELS] + [WITHOUT_SA],
        },
        **changes,
    }


class Here:
    """One namespace for the gateway's interfaces, one for the host behind it."""

    def __init__(self, gateway, host):
        self.gateway, self.host = gateway, host
        gateway.tap("wan")
        gateway.run("ip", "link", "set", "dev", "wan", "mtu", WAN_MTU)
        gateway.veth("lan", "eth0", to=host)
        gateway.keep_kernel_out("wan", "lan")
        for tunnel in TUNNELS:
            host.run("ip", "addr", "add", f"{tunnel.host_a}/24", "dev", "eth0")
            host.run("ip", "route", "add", f"10.2.{tunnel.number}.0/24", "via", f"10.1.{tunnel.number}.1")

        host.run("ip", "route", "add", "10.9.0.0/24", "via", OWN_ADDRESS)

    def beside_strata(self):
        """The kernel of the gateway's namespace gets its address and its routes, once strata has made the port."""
        self.gateway.run("ip", "addr", "add", f"{OWN_ADDRESS}/32", "dev", OWN)
        self.gateway.run("ip", "link", "set", OWN, "up")
        for prefix in (f"10.2.{TUNNELS[0].number}.0/24", "10.9.0.0/24"):
            self.gateway.run("ip", "route", "add", prefix, "dev", OWN, "src", OWN_ADDRESS)

    def guest(self):
        """The Linux gateway, for `with`."""
        return linux.boot(
            within=self.gateway.prefix,
            devices=[
                *("-netdev", "tap,id=wan,ifname=wan,script=no,downscript=no"),
                *("-device", f"virtio-net-pci,netdev=wan,host_mtu={WAN_MTU}"),
            ],
        )


def prepare(guest):
    """Makes the guest the gateway of all tunnels, with host-b behind it."""
    commands = [line for tunnel in TUNNELS for line in tunnel.linux_commands()]
    guest.check(". /peer.sh; gateway")
    guest.write("/run/tunnels", "".join(f"{line}\n" for line in commands))
    guest.write("/run/host", "".join(f"addr add {t.host_b}/24 dev eth0\n"
                                     f"route add 10.1.{t.number}.0/24 via 10.2.{t.number}.1\n" for t in TUNNELS))
    guest.check("ip -batch /run/tunnels && ip -n host-b -batch /run/host")
