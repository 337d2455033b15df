"""What a person reads at the end."""

import collections
import resource


def rows(title, lines):
    if not lines:
        return []
    width = max(len(str(line[0])) for line in lines)
    return ["", title] + ["  " + "  ".join([f"{line[0]!s:<{width}}", *map(str, line[1:])]) for line in lines]


def flows(soak):
    by_kind = collections.defaultdict(lambda: [0, 0, 0, 0])
    for flow in soak.hosts.flows:
        counts = by_kind[flow.kind]
        for i, count in enumerate((flow.sent, flow.arrived, len(flow.lost), flow.reordered)):
            counts[i] += count
    lines = [("packets of hosts", f"{'sent':>9} {'arrived':>9} {'lost':>7} {'reordered':>9}")]
    lines += [(kind, " ".join(f"{count:>{width}}" for count, width in zip(counts, (9, 9, 7, 9))))
              for kind, counts in by_kind.items()]
    lines.append(("probe", f"{soak.hosts.probes_sent:>9} {soak.hosts.probes_arrived:>9} {0:>7} {0:>9}"))
    return lines


def windows(soak):
    found = collections.defaultdict(lambda: [0, 0])
    for window in soak.hosts.windows:
        found[window.name][0] += 1
        found[window.name][1] += window.lost
    return [(name, f"{times:>5} times {lost:>8} packets lost") for name, (times, lost) in sorted(found.items())]


def memory(soak):
    lines = []
    for (name, life), first in sorted(soak.first.items()):
        last = soak.last[name, life]
        lines.append((f"{name}, start {life}", f"{first.own / 1024:.1f} -> {last.own / 1024:.1f} MiB of its own, "
                      f"{first.rss / 1024:.1f} -> {last.rss / 1024:.1f} MiB in all, "
                      f"descriptors {first.descriptors} -> {last.descriptors}, threads {first.threads} -> {last.threads}, "
                      f"DPDK's memory {first.heap[0]} -> {last.heap[0]} octets in {first.heap[1]} -> {last.heap[1]} pieces, "
                      f"state {sum(first.state.values())} -> {sum(last.state.values())} octets"))
    return lines


def text(soak, seed):
    wire, seconds = soak.wire, soak.now()
    own = resource.getrusage(resource.RUSAGE_SELF)
    esp = sum(wire.seen.values())
    logs = {name: len(gateway.told().splitlines()) for name, gateway in soak.scene.gateways.items()}
    lines = [f"soak: {seconds / 60:.1f} minutes, seed {seed}, {soak.epochs} accounts, {soak.exact} of them without a loss"]
    lines += rows("what was done", [(name, f"{count:>6}") for name, count in sorted(soak.done.items())])
    lines += rows("where packets of hosts came to", flows(soak))
    lines += rows("where they may get lost", windows(soak))
    lines += rows("on the wire", [
        ("ESP packets", f"{esp:>9}, of {len(wire.seen)} SAs; their numbers jumped {wire.jumps} times"),
        ("cut by a router", f"{wire.cut:>9}"),
        ("given to the stranger", f"{wire.to_stranger:>9}"),
        ("in clear, twice, of nobody", f"{len(soak.engine.violations) + soak.engine.more_violations:>9}"),
    ])
    lines += rows("what the stranger sent", [(kind, f"{count:>9}") for kind, count in sorted(wire.kinds.items())])
    causes = sorted(set(soak.drops["a"]) | set(soak.drops["b"]))
    lines += rows("dropped, in the accounts", [("", f"{'by a':>9} {'by b':>9}")] + [
        (cause, f"{soak.drops['a'][cause]:>9} {soak.drops['b'][cause]:>9}") for cause in causes])
    lines += rows("memory", memory(soak))
    lines += rows("of this machine", [
        ("CPU time", f"gateway a {soak.cpu['a']:.0f} s, b {soak.cpu['b']:.0f} s, hosts and wire "
                     f"{own.ru_utime + own.ru_stime:.0f} s, of {seconds:.0f} s"),
        ("onlookers", f"looked {soak.onlookers.looked} times, {soak.onlookers.in_vain} times in vain"),
        ("SAs moved between workers", f"{soak.moved}"),
        ("lines of log", ", ".join(f"{name} {count}" for name, count in logs.items()))])
    lines += rows("FAULTS" if soak.bad else "no fault: every packet is accounted for", [(words,) for words in soak.bad])
    return "\n".join(lines)
