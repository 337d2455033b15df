"""A gateway with very many of everything: the first, the middle and the last of each still take their packets."""

from dataclasses import dataclass
from pathlib import Path

import gateway as g
import many as m
from gateway import Sa
from harness import program
from steps import Sealed, Step, Tunnel, run_steps
from test_outbound import from_host

# What the sanitizers add makes the full size take minutes.
SANITIZED = b"__asan_init" in Path(program()).read_bytes()
IN = m.Many(inbound=10_000, sids=10_000, routes=100_000, neighbors=10_000)
OUT = m.Many(inbound=0, outbound=10_000, sids=0)
if not SANITIZED:
    IN = m.Many(inbound=100_000, sids=100_000, routes=1_000_000, neighbors=100_000)
    OUT = m.Many(inbound=0, outbound=100_000, sids=0)


@dataclass(frozen=True)
class ManySa(Sa):
    """The nth of them, as its peer knows it."""

    direction: str = "in"
    number: int = 0

    @property
    def keymat(self):
        return m.key(self.direction, self.number)


def inbound(i):
    return ManySa(name=f"in-{i}", spi=m.inbound_spi(i), inside=f"{m.peer(i)}/64", number=i)


def outbound(i):
    return ManySa(
        name=f"out-{i}", spi=m.inbound_spi(i), source="192.0.2.1", destination="192.0.2.2", direction="out", number=i
    )


def some(count):
    return 0, 1, count // 2, count - 1


def opened(i, sid, *, seq=1):
    """By the ith SA to the SID's next hop."""
    inner = g.inner4(100, src="100.0.0.9", dst="100.9.9.9", ident=i & 0xFFFF)
    frame = g.good(inbound(i), seq, inner, six={"dst": str(m.sid(sid))})
    return Step(frame, "sent", (("lan", g.on_lan(inner, dst=m.mac(sid))),))


def routed(i):
    """In clear from a host on lan to the last address of a route, on lan too."""
    network, length = m.route(i)
    packet = g.inner4(100, src="10.0.0.17", dst=str(network + 2 ** (32 - length) - 1), ident=i & 0xFFFF)
    return Step(from_host(packet), "sent", (("lan", g.on_lan(packet, dst=m.mac(-1 - i % m.ROUTERS))),), port="lan")


def steered(i):
    packet = g.inner4(100, src="10.0.0.17", dst=str(m.policy_prefix(i)), ident=i & 0xFFFF)
    leaf = Sealed(Tunnel(outbound(i), segments=(str(m.segment(i)),)), g.forwarded(packet))
    return Step(from_host(packet), "sent", (("wan", leaf),), port="lan")


def test_very_many_sas_sids_and_routes(tmp_path):
    m.write(IN, tmp_path / "gateway.yaml")
    steps = [opened(i, sid) for i, sid in zip(some(IN.inbound), reversed(some(IN.sids)))]
    steps += [routed(i) for i in some(IN.routes)]
    nobody = g.good(inbound(IN.inbound), 1, six={"dst": str(m.sid(0))})
    steps.append(Step(nobody, "esp.no_sa"))
    # An SA takes what its own selectors say, and its neighbor's not.
    other = g.good(inbound(0), 2, six={"src": inbound(1).host(), "dst": str(m.sid(0))})
    steps.append(Step(other, "policy.selector_mismatch"))
    steps.append(Step(g.good(inbound(0), 3, six={"dst": str(m.sid(IN.sids))}), "sr6.no_sid"))
    beyond = g.inner4(100, src="10.0.0.17", dst="99.0.0.1")
    steps.append(Step(from_host(beyond), "ip4.no_route", port="lan"))
    run_steps(None, steps, tmp_path, matrix=(("a5", 64),), ports=("wan", "lan"))


def test_very_many_policies_and_outbound_sas(tmp_path):
    m.write(OUT, tmp_path / "gateway.yaml")
    run_steps(None, [steered(i) for i in some(OUT.outbound)], tmp_path, matrix=(("a5", 64),), ports=("wan", "lan"))
