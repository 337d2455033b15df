"""The account: of each gateway what it says itself, beside what its hosts, the wire and the kernel have counted.

    given to its interface   = received + missed by the device + lost while the link was down
    received + made          = sent + ended for a cause + waiting
    sent                     = taken from its interface + lost while the link was down
    opened and sealed        = good ESP that it was given + ESP that it gave
    dropped, cause by cause  = what was sent to be dropped for that cause

All of it is of the time between two moments at which nothing was on its way.
"""

import collections
import contextlib
import json
import os
import re
import socket
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

REPLAYS = {"esp.replay_too_old": "esp.replayed"}  # which of the two depends on how far the window has gone on
# For which good packets may end while a window is open, or when it just was.
OF_FAULTS = {"adj.unresolved", "adj.queue_full", "tx.full", "handoff.full", "esp.no_sa", "ip4.reassembly_timeout"}
ENDINGS = ("dropped", "consumed", "punted")


@dataclass
class Counted:
    """At one moment."""

    life: int
    report: dict
    given: dict  # by port
    taken: dict
    overrun: dict
    esp_seen: int
    esp_given: int
    expected: collections.Counter


@dataclass
class Epoch:
    """What was done since the last moment: which links and gateways lost packets, and how many packets of hosts are lost."""

    links: set = field(default_factory=set)  # (gateway, port)
    refusals: dict = field(default_factory=dict)  # by (gateway, port): frames that the kernel may yet refuse, once
    windows: int = 0
    lost: int = 0


def of_engine(gateway, hosts, wire):
    """What only the engine's thread may read."""
    ends = {port: hosts.engine.ends[gateway.name, port] for port in ("wan", "lan")}
    seen = sum(count for spi, count in wire.seen.items() if wire.sender_of.get(spi) == gateway.name)
    return {"given": {port: end.given for port, end in ends.items()},
            "taken": {port: end.taken for port, end in ends.items()},
            "overrun": {port: end.count_overrun() for port, end in ends.items()},
            "esp_seen": seen, "esp_given": wire.handed_on[gateway.name],
            "expected": merged(hosts.expected[gateway.name] + wire.expected[gateway.name])}


def merged(causes):
    counter = collections.Counter()
    for cause, count in causes.items():
        counter[REPLAYS.get(cause, cause)] += count
    return counter


def moment(gateway, engine, hosts, wire):
    """None: something happened while it was read."""
    before = engine.call(of_engine, gateway, hosts, wire)
    report = gateway.ask("report")["report"]
    after = engine.call(of_engine, gateway, hosts, wire)
    return Counted(gateway.life, report, **after) if before == after else None


def sas(report):
    return (sum(count["packets"] for count in report["security_associations"].values())
            + report["gone_security_associations"]["packets"])


def differences(before, after):
    """By port, and of the whole."""
    was, now = before.report, after.report
    ports = {}
    for port in ("wan", "lan"):
        ports[port] = {key: now["ports"][port][key] - was["ports"][port][key] for key in ("received", "sent")}
        ports[port] |= {key: now["devices"][port][key] - was["devices"][port][key]
                        for key in ("missed", "no_buffers", "not_sent")}
        ports[port]["given"] = after.given[port] - before.given[port]
        ports[port]["taken"] = after.taken[port] + after.overrun[port] - before.taken[port] - before.overrun[port]
    return ports


def nothing_between(before, after):
    counts = [(moment.report["received"], moment.report["sent"], moment.given, moment.taken) for moment in (before, after)]
    return counts[0] == counts[1]


def dropped(before, after):
    return merged(after.report["dropped"]) - merged(before.report["dropped"])


def ledger(report):
    ends = sum(sum(report[kind].values()) for kind in ENDINGS)
    return report["received"] + report["generated"] - report["sent"] - ends - report["parked"]


def judged(name, before, after, epoch):
    """What does not add up, in sentences."""
    bad = []
    report = after.report
    if not report["balanced"] or ledger(report) != 0 or report["parked"] != 0 or report["errors"]:
        bad.append(f"gateway {name}: its own account is not balanced: {json.dumps(report)}")
    for port, count in differences(before, after).items():
        bad += judged_port(f"{name}.{port}", count, (name, port) in epoch.links, epoch.refusals.get((name, port), 0))
    if not epoch.links:
        seen = after.esp_seen - before.esp_seen
        given = after.esp_given - before.esp_given
        if (found := sas(report) - sas(before.report)) != seen + given:
            bad.append(f"gateway {name}: its SAs say {found} packets; {seen} were seen on the wire, {given} were given to it")
    return bad + judged_drops(name, dropped(before, after), after.expected - before.expected, epoch)


def judged_port(name, count, link_was_down, refusals):
    lost_in = count["given"] - count["received"] - count["missed"] - count["no_buffers"]
    lost_out = count["sent"] - count["taken"]
    bad = []
    if lost_in < 0 or lost_in > 0 and not link_was_down:
        bad.append(f"{name}: {lost_in} frames that were given to it are in no account: {count}")
    # What the kernel refused while the link was down stays in the ring that it shares with the device, and is sent later.
    # It refuses each queue one send more: the first after the link is up again, whenever that is.
    if lost_out < 0 or (lost_out > 0 or count["not_sent"] > refusals) and not link_was_down:
        bad.append(f"{name}: {lost_out} frames that it sent did not come: {count}")
    return bad


def judged_drops(name, found, expected, epoch):
    bad = []
    for cause in sorted(set(found) | set(expected)):
        most = expected[cause] + (epoch.lost if cause in OF_FAULTS else 0)
        least = 0 if epoch.windows else expected[cause]
        if not least <= found[cause] <= most:
            bad.append(f"gateway {name}: {found[cause]} packets dropped as {cause}, where {expected[cause]} are due"
                       + (f", and {epoch.lost} packets of hosts were lost" if epoch.lost else ""))
    return bad


# --- memory -----------------------------------------------------------------------------------------------------------


@dataclass
class Held:
    """What a process has of the machine."""

    own: int  # KiB of the heap and of stacks; the devices' rings and DPDK's memory come in as they are first used
    rss: int  # KiB, with those
    descriptors: int
    threads: int
    heap: tuple  # of DPDK's memory: octets and pieces in use
    state: dict  # octets, by the name of a file

    def words(self):
        return (f"{self.own / 1024:.1f} MiB, {self.descriptors} descriptors, {self.threads} threads, "
                f"{self.heap[0]} octets of DPDK's memory in {self.heap[1]} pieces")


def held(gateway):
    pid = gateway.strata.pid
    status = dict(re.findall(r"^(\w+):\s+(\d+)", Path(f"/proc/{pid}/status").read_text(), re.M))
    return Held(int(status["RssAnon"]), int(status["VmRSS"]), len(os.listdir(f"/proc/{pid}/fd")), int(status["Threads"]), heap_in_use(gateway),
                {path.name: path.stat().st_size for path in sorted(gateway.state.iterdir())})


def telemetry(name, *commands):
    """What DPDK's telemetry socket answers."""
    answers = []
    with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)) as client:
        client.settimeout(60)
        client.connect(f"/var/run/dpdk/{name}/dpdk_telemetry.v2")
        client.recv(1 << 16)
        for command in commands:
            client.send(command.encode())
            answers.append(json.loads(client.recv(1 << 16)))
    return answers


def heap_in_use(gateway):
    """Octets and pieces of DPDK's memory."""
    (answer,) = telemetry(gateway.tree["name"], "/eal/heap_info,0")
    info = answer["/eal/heap_info"]
    return int(info["Alloc_size"]), int(info["Alloc_count"])


def cpu_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# --- the log ----------------------------------------------------------------------------------------------------------

MOST_LINES_A_SECOND = 100


def judged_log(gateway, keys):
    """A flood of lines, a key in them, or what is of hosts."""
    bad, text = [], gateway.told()
    seconds = collections.Counter(line[:19] for line in text.splitlines())
    for second, count in seconds.items():
        if count > MOST_LINES_A_SECOND:
            bad.append(f"gateway {gateway.name}: {count} lines of log in the second {second}")
    if any(key[at:at + 16] in text for key in keys for at in (0, 8, 16)):
        bad.append(f"gateway {gateway.name}: part of a key is in its log")
    for words in ("SOAK-", "ERROR: AddressSanitizer", "runtime error", "PANIC"):
        if words in text:
            bad.append(f"gateway {gateway.name}: {words!r} is in its log")
    return bad


def run(command, **more):
    return subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=120, **more)
