"""Faults that a running gateway meets, brought about one by one: what it counts and says, that nothing else suffers, and
that all is well again when the fault is over. docs/operations/faults.md names the test of each."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
import yaml
from scapy.layers.inet import ICMP, IP
from scapy.layers.l2 import Ether
from scapy.packet import Raw

import journeys
import netns
from injected import injected
from running import PATIENCE, Running, is_sanitized, program
from test_devices import FAR_HOST_MAC, FAR_MAC, PAIRS, af_packet, exchange, gateway, ip_frames, router
from test_run import A_HOST, A_MAC, configuration, forwards, frames, two_namespaces
from test_service import Stopped, threads
from test_workers import tree as of_workers

import gateway as g
from harness import capture_bytes

in_namespaces = pytest.mark.skipif(netns.why_not() is not None, reason=str(netns.why_not()))

FAKETIME = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))  # Debian's libfaketime


@pytest.fixture
def place():
    with two_namespaces() as there:
        yield there


def until(read, holds=bool):
    """What is read, once it holds; asked again and again, but not for ever."""
    end = time.monotonic() + PATIENCE
    while not holds(value := read()):
        assert time.monotonic() < end, value
        time.sleep(0.05)
    return value


class Asked:
    """A running gateway asked by `strata show`, as its operator asks."""

    def __init__(self, folder):
        self.socket = Path(folder) / "gateway.sock"

    def show(self, table):
        done = subprocess.run([program(), "show", table, "--json", "--socket", self.socket], capture_output=True,
                              text=True, timeout=PATIENCE)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def dropped(self):
        return {row["cause"]: row["packets"] for row in self.show("drops") if row["fate"] == "dropped"}

    def sa(self, name):
        return next(row for row in self.show("sas") if row["name"] == name)

    def reload(self):
        return subprocess.run([program(), "reload", "--socket", self.socket], capture_output=True, text=True,
                              timeout=PATIENCE)


def answers(wire, count=1):
    """The gateway answers pings at this wire."""
    for seq in range(count):
        ping = IP(src="10.1.0.2", dst="10.1.0.1") / ICMP(id=7, seq=seq) / Raw(b"x" * 40)
        wire.send(bytes(Ether(src=A_HOST, dst=A_MAC) / ping))
        while True:
            frame = Ether(ip_frames(wire, 1)[0])
            if ICMP in frame and frame[ICMP].type == 0 and frame[ICMP].seq == seq:
                break


# --- ports ------------------------------------------------------------------------------------------------------------


@in_namespaces
def test_a_port_that_disappears(place, tmp_path):
    """The interface of a port is deleted: the link goes down, what was to leave there is counted as not sent by the
    device, the other port does not notice, and at the end nothing is missing."""
    gateway_side, outside, a, b = place
    asked = Asked(tmp_path)
    tree = configuration(control={"socket": str(asked.socket)})
    with Running(tree, tmp_path, within=gateway_side.prefix) as strata:
        forwards(a, b, count=50)
        outside.run("ip", "link", "del", "b1")
        strata.wait_for("port b: link is down")
        a.send(*frames(50, start=50))
        lost = until(lambda: asked.show("ports")[1], lambda port: port["not_sent"] >= 50)
        assert not lost["up"]
        answers(a, 5)
        report = strata.stop()
    assert report["ports"]["a"]["received"] == 105 and report["devices"]["b"]["not_sent"] >= 50
    assert report["dropped"] == {} and report["devices"]["a"]["not_sent"] == 0


@in_namespaces
def test_a_link_that_flaps(place, tmp_path):
    """Up and down as fast as it goes: the other port answers all the while, no look at the links tells more than one
    line, and when the link stays up all goes on."""
    gateway_side, outside, a, b = place
    with Running(configuration(), tmp_path, within=gateway_side.prefix) as strata:
        forwards(a, b, count=50)
        started, flaps = time.monotonic(), 0
        while strata.log().count("port b: link is") < 3:
            assert time.monotonic() < started + PATIENCE, strata.log()
            for state in ("down", "up", "down"):
                outside.run("ip", "link", "set", "dev", "b1", state)
            flaps += 3
            answers(a)
            outside.run("ip", "link", "set", "dev", "b1", "up")
            answers(a)
        seconds = time.monotonic() - started
        assert strata.log().count("port b: link is") <= min(flaps, seconds + 2) + 1
        until(lambda: re.findall(r"port b: link is (\w+)", strata.log())[-1], lambda state: state == "up")
        b.waiting()
        forwards(a, b, count=50, start=50)
        report = strata.stop()
    assert strata.log().count("port a: link is") == 1 and report["dropped"] == {}


def far_of(frame):
    """A frame of the lan, a router later."""
    return g.ether(g.forwarded(frame[14:]), dst=FAR_HOST_MAC, src=FAR_MAC)


@in_namespaces
def test_a_full_transmit_ring(tmp_path):
    """Who is at the other end of a port takes nothing more: what the ring has no room for is dropped as tx.full, the other
    port answers meanwhile, and what the ring had and all that comes later arrives once the other end goes on."""
    asked, many, few = Asked(tmp_path), 1520, 80
    with contextlib.ExitStack() as stack:
        outside, beyond = (stack.enter_context(netns.Namespace()) for _ in range(2))
        for name, namespace in (("wan", outside), ("far", beyond)):
            namespace.veth(f"{name}0", f"{name}1")
        one, other = (device.format(tmp_path) for device in PAIRS["memif"])
        tree = {**gateway(af_packet(0, "wan0"), one), "control": {"socket": str(asked.socket)}}
        for sa in tree["ipsec"]["security_associations"]:
            sa["replay_window"] = 0
        for name in ("gateway", "router"):
            (tmp_path / name).mkdir()
        strata = stack.enter_context(Running(tree, tmp_path / "gateway", within=outside.prefix))
        peer = router(other, af_packet(1, "far0"), 1500)
        host = stack.enter_context(Running(peer, tmp_path / "router", within=beyond.prefix))
        strata.wait_for("port lan: link is up")
        host.wait_for("port near: link is up")
        wan, far = outside.wire("wan1"), beyond.wire("far1")
        sent, expected = journeys.inbound(few)
        further = [far_of(frame) for frame in expected]
        journeys.judge_inbound(exchange(wan, far, sent), further)

        host.stand_still()
        for start in range(0, many, 2 * few):
            wan.send(*(2 * sent)[: many - start])
            fed = few + min(start + 2 * few, many)
            until(lambda: asked.show("ports")[0]["received"], lambda count: count >= fed)
        full = asked.dropped()["tx.full"]
        assert 0 < full < many and set(asked.dropped()) == {"tx.full"}
        wan.send(bytes(Ether(src=journeys.peer_mac(0), dst=g.WAN_MAC) / IP(src=journeys.peer(0), dst="192.0.2.1") /
                       ICMP(id=1, seq=9)))
        assert Ether(ip_frames(wan, 1)[0])[ICMP].seq == 9

        host.signal(signal.SIGCONT)
        ip_frames(far, many - full)
        marked, marker = journeys.inbound(few + 1)[0][-1], far_of(journeys.inbound(few + 1)[1][-1])
        wan.send(marked)
        for _ in range(3):  # what the gateway says itself had no room, too
            if ip_frames(far, 1)[0] == marker:
                break
        else:
            raise AssertionError("more came than the ring had")
        journeys.judge_inbound(exchange(wan, far, sent), further)
        host.stop()
        strata.wait_for("port lan: link is down")
        with Running(peer, tmp_path / "router", within=beyond.prefix) as again:
            strata.wait_for_times("port lan: link is up", 2)
            again.wait_for("port near: link is up")
            far.waiting()
            journeys.judge_inbound(exchange(wan, far, sent), further)
            again.stop()
        report = strata.stop()
    assert set(report["dropped"]) == {"tx.full"} and report["dropped"]["tx.full"] >= full


# --- buffers and memory -----------------------------------------------------------------------------------------------


@in_namespaces
def test_no_buffer_is_left(place, tmp_path):
    """With fewer buffers than any configuration gives: packets that wait for neighbors that do not answer have all of them,
    and nothing can be received. When these are given up, wave by wave, the buffers come back, and all goes on."""
    gateway_side, _, a, b = place
    asked = Asked(tmp_path)
    tree = configuration(arp={"hold": 64, "tries": 2, "interval_ms": 200}, icmp={"errors_per_second": 0},
                         control={"socket": str(asked.socket)})
    nowhere = [bytes(Ether(src=A_HOST, dst=A_MAC) / IP(src="10.1.0.2", dst=f"10.2.0.{99 + n % 4}", ttl=9) / Raw(bytes(60)))
               for n in range(400)]
    with Running(tree, tmp_path, within=[*injected(tmp_path, BUFFERS=127), *gateway_side.prefix]) as strata:
        forwards(a, b, count=100)
        a.send(*nowhere)
        ended = until(lambda: ended_of(asked), lambda ended: sum(ended.values()) == len(nowhere))
        # Of 128 that wait for four next hops none is one too many; with buffers enough there would be 256 and more.
        assert ended == {"adj.unresolved": len(nowhere)}
        b.waiting()
        forwards(a, b, count=200, start=100)
        report = strata.stop()
    assert report["devices"]["a"]["received"] == 300 + len(nowhere)


def ended_of(asked):
    return {row["cause"]: row["packets"] for row in asked.show("drops") if row["cause"].startswith("adj.")}


@pytest.mark.skipif(is_sanitized(), reason="AddressSanitizer takes address space without end")
def test_out_of_memory_at_the_start(tmp_path):
    """Under each limit it starts, or ends with one sentence and 1: never with a signal of its own. (DPDK itself aborts
    where its memory just fits and its threads' stacks do not: that band is left out.)"""
    config = tmp_path / "gateway.yaml"
    ports = {name: {"device": f"net_null{n},no-rx=1", "addresses": [f"10.{n}.0.1/24"]} for n, name in enumerate("ab")}
    config.write_text(yaml.safe_dump({"ports": ports, "eal": {"hugepages": "never", "memory": 512},
                                      "control": {"enabled": False}, "metrics": {"http": False}}))
    ends = set()
    for mib in [70, 300, *range(596, 900, 4)]:
        command = ["prlimit", "--core=0", f"--as={mib << 20}", program(), "run", config]
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                              text=True) as process:
            said = ""
            for line in process.stderr:
                said += line
                if " running;" in line:
                    process.send_signal(signal.SIGTERM)
            code = process.wait(PATIENCE)
        if "PANIC in rte_eal_init" in said:
            ends.add("panic")
            continue
        assert code in (0, 1), (mib, code, said)
        if code == 0:
            ends.add("runs")
            break
        last = said.splitlines()[-1]
        assert last.startswith(("strata run: DPDK does not start: ", "strata: there is not enough memory",
                                "strata run: ")), (mib, said)
        ends.add(last.split(": ")[1][:20])
    assert "runs" in ends and "DPDK does not start" in ends, ends


# --- the clock, the disk ----------------------------------------------------------------------------------------------


def endless_outbound(folder, asked):
    sent, _ = journeys.outbound(journeys.PEERS, (84,))
    path = folder / "played.pcap"
    path.write_bytes(capture_bytes(sent))
    tree = journeys.configuration({"device": "net_null0,no-rx=1", "mac": g.WAN_MAC},
                                  {"device": f"net_pcap0,rx_pcap={path},infinite_rx=1", "mac": g.LAN_MAC})
    return {**tree, "eal": {"hugepages": "never"}, "control": {"socket": str(asked.socket)}}


def goes_on(asked, name="to-0"):
    before = asked.sa(name)["packets"]
    return until(lambda: asked.sa(name), lambda sa: sa["packets"] > before)


@pytest.mark.skipif(not FAKETIME, reason="apt-get install libfaketime")
def test_a_clock_that_jumps(tmp_path):
    """The time of day jumps by ten years forwards and then back behind the start: no SA ends by it, no packet is lost, the
    control socket answers, and what is said has the new time."""
    asked, now = Asked(tmp_path), tmp_path / "clock"
    now.write_text("+0\n")
    tree = endless_outbound(tmp_path, asked)
    for sa in tree["ipsec"]["security_associations"]:
        sa["lifetime"] = {"hard": {"seconds": 86400}}
    # AddressSanitizer asks for the time in the middle of an allocation, and libfaketime allocates when it is asked first.
    environment = [f"LD_PRELOAD={FAKETIME[0]}", f"FAKETIME_TIMESTAMP_FILE={now}", "FAKETIME_NO_CACHE=1",
                   "FAKETIME_DONT_FAKE_MONOTONIC=1",
                   f"ASAN_OPTIONS={os.environ.get('ASAN_OPTIONS', '')}:allocator_release_to_os_interval_ms=-1"]
    with Running(tree, tmp_path, within=["env", *environment]) as strata:
        goes_on(asked)
        for days in (3653, -3653):
            now.write_text(f"{days:+d}d\n")
            year = time.gmtime(time.time() + days * 86400).tm_year
            strata.wait_for(re.compile(rf"^{year}-.*balanced|^{year}-.*no report|^{year}-.*not reloaded", re.M),
                            asking=lambda: (asked.reload(), (tmp_path / "gateway.yaml").write_text("ports: 3\n")))
            sa = goes_on(asked)
            assert sa["state"] == "mature" and 0 < sa["hard_left"]["seconds"] <= 86400, sa
            assert all(abs(row["busy"]) <= 1 for row in asked.show("workers"))
        report = strata.stop()
    assert report["dropped"] == {} and "stands still" not in strata.log()


def why_no_small_disk():
    if os.geteuid() != 0 or not shutil.which("unshare"):
        return "a disk of its own takes root, and unshare"
    done = subprocess.run(["unshare", "-m", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True, text=True)
    return None if done.returncode == 0 else f"no disk can be mounted here: {done.stderr.strip()}"


@pytest.mark.skipif(why_no_small_disk() is not None, reason=str(why_no_small_disk()))
def test_the_disk_of_the_state_is_full(tmp_path):
    """While it runs: a line says so, SAs go on with the numbers that are reserved and then stop, in the other direction
    nothing happens, and with room on the disk they go on, none of the numbers twice."""
    asked, disk = Asked(tmp_path), tmp_path / "disk"
    disk.mkdir()
    tree = endless_outbound(tmp_path, asked)
    tree["state"] = {"directory": str(disk / "state")}
    mounted = ["unshare", "-m", "sh", "-c", 'mount -t tmpfs -o size=64k tmpfs "$0" && exec "$@"', str(disk)]
    with Running(tree, tmp_path, within=mounted) as strata:
        goes_on(asked)
        inside = Path(f"/proc/{strata.pid}/root{disk}")
        with pytest.raises(OSError, match="No space left"), open(inside / "much", "wb", buffering=0) as much:
            while True:
                much.write(bytes(4096))
        strata.wait_for("state: no sequence numbers can be reserved, and outbound SAs stop with those that they have "
                        "(esp.not_reserved)")
        until(asked.dropped, lambda causes: causes.get("esp.not_reserved", 0) > 1000)
        stopped = until(lambda: [asked.sa(f"to-{n}")["packets"] for n in range(2)],
                        lambda counts: counts == [asked.sa(f"to-{n}")["packets"] for n in range(2)])
        assert strata.log().count("no sequence numbers can be reserved") == 1
        (inside / "much").unlink()
        strata.wait_for("state: sequence numbers can be reserved again")
        assert goes_on(asked)["packets"] > stopped[0]
        report = strata.stop()
    assert set(report["dropped"]) == {"esp.not_reserved"}


# --- a worker that stands still ---------------------------------------------------------------------------------------


@pytest.fixture
def two_workers(tmp_path):
    """A gateway whose second worker is no host: inbound SAs of even peers are the first one's, of odd ones the second's."""
    with netns.Namespace() as outside:
        for name in ("wan", "lan"):
            outside.veth(f"{name}0", f"{name}1")
        asked = Asked(tmp_path)
        tree = of_workers(control={"socket": str(asked.socket)})
        for sa in tree["ipsec"]["security_associations"]:
            sa["replay_window"] = 0
        with Running(tree, tmp_path, within=outside.prefix) as strata:
            yield strata, asked, outside.wire("wan1"), outside.wire("lan1"), tree


def with_another_burst(folder, tree):
    """What a reload would change."""
    text = yaml.safe_dump({"state": {"directory": "state"}, **tree, "icmp": {"burst": 60}}, sort_keys=False)
    (folder / "gateway.yaml").write_text(text)


def of_peers(parity):
    sent, expected = journeys.inbound(80)
    pick = [i for i in range(80) if i % journeys.PEERS % 2 == parity]
    return [sent[i] for i in pick], [expected[i] for i in pick]


@in_namespaces
def test_a_worker_that_stands_still(two_workers):
    """It is named; what is its own waits in the ring, and is dropped as handoff.full when that is full; all that is the
    other one's goes on, the control socket answers and refuses changes; and once it goes on, so does what waited."""
    strata, asked, wan, lan, tree = two_workers
    (mine, expected), (others, others_expected) = of_peers(0), of_peers(1)
    journeys.judge_inbound(exchange(wan, lan, mine + others), expected + others_expected)
    fed = 0
    with Stopped(threads(strata.pid)["rte-worker-2"]):
        strata.wait_for("worker 1 stands still: no round in the last second")
        assert [row["stands_still"] for row in asked.show("workers")] == [False, True]
        before = rss_kib(strata.pid)
        while asked.dropped().get("handoff.full", 0) < 1000:
            at = asked.show("ports")[0]["received"]
            wan.send(*others * 5)
            fed += 5 * len(others)
            until(lambda: asked.show("ports")[0]["received"], lambda count: count >= at + 5 * len(others))
            journeys.judge_inbound(exchange(wan, lan, mine), expected)
        # AddressSanitizer keeps what was freed.
        assert is_sanitized() or rss_kib(strata.pid) < before + 4096
        with_another_burst(asked.socket.parent, tree)
        assert "a worker stands still" in asked.reload().stderr
    strata.wait_for("worker 1 goes round again")
    until(lambda: [row["stands_still"] for row in asked.show("workers")], lambda rows: rows == [False, False])
    lost = asked.dropped()["handoff.full"]
    came = ip_frames(lan, 2047)
    lan.waiting()
    assert set(came) <= set(others_expected) and fed - lost >= 2047
    journeys.judge_inbound(exchange(wan, lan, mine + others), expected + others_expected)
    done = asked.reload()
    assert done.returncode == 0 and "icmp.burst" in done.stdout, done
    report = strata.stop()
    assert report["dropped"] == {"handoff.full": lost}


def rss_kib(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text()).group(1))


def reaped(thread):
    """A thread that was stopped here stays until it is waited for, and its process with it."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(thread, os.WNOHANG | Stopped.WALL)


def ends_with_1(strata, thread):
    strata.signal(signal.SIGTERM)
    code = until(lambda: (reaped(thread), strata.ended())[1], lambda code: code is not None)
    assert code == 1, strata.log()
    last = strata.log().splitlines()[-1]
    assert last == ("strata run: worker 1 does not come to the end of its round, after 3 s; what its queues and those of "
                    "the devices hold was not forwarded")
    return json.loads(strata.report())


@in_namespaces
def test_ended_while_a_worker_stands_still(two_workers, tmp_path):
    """SIGTERM ends it all the same: with the report, the worker's name and 1; and the next start goes on."""
    strata, _, wan, lan, _ = two_workers
    sent, expected = of_peers(0)
    journeys.judge_inbound(exchange(wan, lan, sent), expected)
    thread = threads(strata.pid)["rte-worker-2"]
    with Stopped(thread):
        strata.wait_for("worker 1 stands still")
        report = ends_with_1(strata, thread)
    assert report["steps"]["esp_open"] == len(sent) and report["buffers_missing"] is None
    assert report["errors"] and "worker 1" in report["errors"][0]


@in_namespaces
def test_a_worker_that_comes_to_stand_still_in_a_reload(two_workers, tmp_path):
    """It stands still when all have just been seen to go round, and is waited for to take the change over: a line says so,
    and SIGTERM ends it."""
    strata, asked, _, _, tree = two_workers
    with_another_burst(tmp_path, tree)
    thread = threads(strata.pid)["rte-worker-2"]
    with Stopped(thread):
        strata.signal(signal.SIGHUP)  # nearly always before the next look at the workers
        strata.wait_for(re.compile("worker 1 stands still, and is waited for to take a change over; SIGTERM ends it all|"
                                   "not reloaded, all is as before: a worker stands still"))
        ends_with_1(strata, thread)
