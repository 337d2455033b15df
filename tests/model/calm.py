"""Scenarios in which no clock and no limit decides, so that neither bursts nor workers may make a difference."""

import random

from judge import Scenario, canonical, flow_in
from scenario import configuration
from traffic import Traffic

START_NS = 1_700_000_000 * 10**9


def configured(rng):
    """Whom the traffic needs is known, nobody is asked, errors are without limit or there are none."""
    tree = configuration(rng)
    tree["arp"]["enabled"] = False
    tree["icmp"].update(rng.choice(({"errors_per_second": 0}, {"errors_per_second": 1_000_000, "burst": 10_000})))
    tree["reassembly"]["timeout_ms"] = 60_000
    return tree


def calm(seed, count, *, change=lambda tree: None, only=None):
    """change: of the configuration. only: which of Traffic's kinds come, each SA's packets apart from all others."""
    rng = random.Random(seed)
    tree = configured(rng)
    change(tree)
    return Scenario(seed, count, rng, tree=tree, drawing=lambda *given: drawn(*given, only))


def drawn(rng, settings, count, only):
    """As traffic.draw(), a microsecond apart. only: names of Traffic's kinds."""
    traffic, made = Traffic(rng, settings, apart=only is not None), []
    if only:
        traffic.choices = [getattr(traffic, name) for name in only]
    while len(made) < count:
        for port, frame in traffic.frames():
            made.append((port, frame, START_NS + 1000 * len(made)))
    return made[:count]


def sealers(settings):
    return {sa.keys.spi.to_bytes(4, "big"): sa.keys for sa in settings.outbound}


def multiset(settings, left):
    """All frames that left, by port, in an order of their own."""
    keys = sealers(settings)
    return {port: sorted(canonical(keys, frame)[0] for frame in frames) for port, frames in left.items()}


def flows(settings, left):
    """Of each port and flow the frames in their order."""
    keys, made = sealers(settings), {}
    for port, frames in left.items():
        for frame in frames:
            plain, flow = canonical(keys, frame)
            made.setdefault((port, flow), []).append(plain)
    return made


def of_one_source(made):
    """The (port, flow) all of whose packets came by one port, and out of one SA or in clear: what order is kept for."""
    settings = made.settings
    keys, sources = sealers(settings), {}
    spis = [spi.to_bytes(4, "big") for spi, _ in settings.inbound]
    for leaf in made.model.leaves:
        port, frame, _ = made.packets[made.numbers[leaf.time] - 1]
        sa = next((spi for spi in spis if spi in frame[:80]), None)
        inner = flow_in(leaf.sealed.ipv6) if leaf.sealed else canonical(keys, leaf.frame)[1]
        sources.setdefault((leaf.port, inner), set()).add((port, sa))
    return {flow for flow, found in sources.items() if len(found) == 1}


def numbers_in_order(settings, frames):
    """Each SA's sequence numbers begin at 1, have no gap and leave in order (RFC 4303 section 3.3.3)."""
    keys, seen = sealers(settings), {spi: 0 for spi in sealers(settings)}
    for frame in frames:
        esp = frame[42:] if frame[23] == 17 else frame[34:]
        sealed = frame[12:14] == b"\x08\x00" and frame[23] in (17, 50) and esp[:4] in keys
        if sealed and frame != canonical(keys, frame)[0]:
            seen[esp[:4]] += 1
            assert int.from_bytes(esp[4:8], "big") == seen[esp[:4]], f"SPI {esp[:4].hex()}"
    return sum(seen.values())


