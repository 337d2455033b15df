"""What breaks. Each is a function of the soak that is done when all is well again; it says in a few words what it did."""

import contextlib
import os
import signal
import subprocess

from scene import TUNNELS, until
from test_service import Stopped, threads

import accounting
import changes

MOST_REFUSED = 2 * 32  # frames: of each queue, one for each worker, a burst
MOVED = " to a worker that has less to do"


# --- that may lose packets --------------------------------------------------------------------------------------------


def link_down(soak):
    """One of the four wires, at either end, once or several times."""
    gateway, port = soak.any_gateway(), soak.draw.choice(("wan", "lan"))
    far, times = soak.draw.random() < 0.7, soak.draw.choice((1, 1, 3))
    with soak.loses(f"link {gateway.name}.{port} down"):
        soak.epoch.links.add((gateway.name, port))
        if not far:
            soak.refusals[gateway.name, port] = MOST_REFUSED
        for _ in range(times):
            soak.scene.set_link(gateway, port, "down", far=far)
            soak.pass_time(soak.draw.uniform(0.05, 1.5))
            soak.scene.set_link(gateway, port, "up", far=far)
    return f"{gateway.name}.{port}, {'far' if far else 'own'} end, {times} times"


def killed(soak):
    """kill -9, and another start with the same configuration and state."""
    gateway = soak.gateway_to_restart()
    with soak.loses(f"{gateway.name} killed"):
        gateway.write()
        soak.went(gateway)
        gateway.kill()
        soak.pass_time(soak.draw.uniform(0, 1))
        soak.started(gateway)
    return gateway.name


def restarted(soak):
    """SIGTERM, the report at the end, another start."""
    gateway = soak.gateway_to_restart()
    with soak.loses(f"{gateway.name} restarted"):
        gateway.write()
        soak.went(gateway)
        report = gateway.stop()
        assert accounting.ledger(report) == 0, report
        soak.pass_time(soak.draw.uniform(0, 0.5))
        soak.started(gateway)
    return gateway.name


# --- that lose none ---------------------------------------------------------------------------------------------------


def process_stopped(soak):
    """All of it stands still; what comes meanwhile waits in the kernel's rings."""
    gateway = soak.any_gateway()
    gateway.strata.stand_still()
    soak.pass_time(soak.draw.uniform(0.1, 1.5))
    gateway.strata.signal(signal.SIGCONT)
    return gateway.name


def worker_stopped(soak):
    """One worker stands still, the others go on."""
    gateway = soak.any_gateway()
    names = sorted(name for name in threads(gateway.strata.pid) if name.startswith("rte-worker"))
    name = soak.draw.choice(names)
    said = gateway.strata.log().count(" stands still")
    long = soak.draw.random() < 0.3
    with Stopped(threads(gateway.strata.pid)[name]):
        soak.pass_time(soak.draw.uniform(0.1, 1))
        if long:
            until(lambda: gateway.strata.log().count(" stands still") > said)
    until(lambda: not any(row["stands_still"] for row in gateway.rows("show.workers")))
    return f"{gateway.name}: {name}" + (", until it was named" if long else "")


@contextlib.contextmanager
def full(folder):
    """Its disk is."""
    fill = folder / "fill"
    with open(fill, "wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))
    try:
        yield
    finally:
        fill.unlink()


def disk_of_the_state_full(soak):
    """Packets go on, a new key to seal with is refused, and with room it is taken."""
    gateway, tunnel = soak.any_gateway(), soak.draw.randrange(TUNNELS)
    old = soak.scene.keys[gateway.name, tunnel].entry("out", soak.scene.addresses)
    octets = len(old["key"]) // 2 - 2
    new = old | {"name": "without-room", "spi": 0x901, "key": "hex:" + soak.draw.randbytes(octets).hex()}
    with full(gateway.state):
        refused = gateway.refused("change", delete={"ipsec": {"security_associations": [old["name"]]}},
                                  add={"ipsec": {"security_associations": [new]}})
        assert "No space left on device" in refused, refused
        soak.wait_for_flows([flow for flow in soak.hosts.flows if flow.tunnel == tunnel])
    return changes.rekey(soak, gateway.name, tunnel)


@contextlib.contextmanager
def little_time(thread):
    """Another program takes most of its CPU's time."""
    allowed = os.sched_getaffinity(thread)
    cpu = min(allowed)
    os.sched_setaffinity(thread, {cpu})
    os.setpriority(os.PRIO_PROCESS, thread, 19)
    hog = subprocess.Popen(["taskset", "-c", str(cpu), "sh", "-c", "while :; do :; done"])
    try:
        yield
    finally:
        hog.kill()
        hog.wait()
        os.setpriority(os.PRIO_PROCESS, thread, 0)
        os.sched_setaffinity(thread, allowed)


def load_of_one_worker(soak):
    """As fast as packets arrive, in tunnels that one worker of B seals for, which the machine gives little time: SAs move to
    the other one."""
    rows = [row for row in soak.scene.gateways["b"].rows("show.sas") if row["direction"] == "out"]
    worker = soak.draw.choice(sorted({row["worker"] for row in rows}))
    tunnels = sorted({int(row["name"].split("-")[1]) for row in rows if row["worker"] == worker})
    flows = [flow for flow in soak.hosts.flows if flow.side == "b" and flow.tunnel in tunnels and flow.kind == "UDP"]
    strata = soak.scene.gateways["b"].strata
    moves = strata.log().count(MOVED)
    soak.engine.call(soak.hosts.send_as_fast_as_they_arrive, flows)
    with little_time(threads(strata.pid)[f"rte-worker-{worker + 1}"]):
        soak.pass_time(soak.draw.uniform(2.5, 4))
    soak.engine.call(soak.hosts.send_as_fast_as_they_arrive, ())
    return f"tunnels {tunnels}, worker {worker}: {strata.log().count(MOVED) - moves} times SAs were moved"
