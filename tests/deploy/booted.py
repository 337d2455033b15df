"""The package under a systemd that runs: its unit started, watched, killed, reloaded, stopped, upgraded and removed.

Run by `sudo ./dev package`, behind tests/deploy/package.sh, which makes the package; or alone, with another one:
    sudo STRATA_DEB=FILE /usr/bin/python3 -m pytest -v tests/deploy/booted.py
The first time a Debian is fetched into build/package/base; each run has a copy of it, build/package/booted.
"""

import json
import os
import re
import signal
import sys
from pathlib import Path

import pytest
import yaml

import machine as m
from machine import until

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/live"))

import journeys  # noqa: E402
import netns  # noqa: E402
from test_service import Stopped, threads  # noqa: E402

import gateway as g  # noqa: E402

PLACE = ROOT / "build/package"
UNIT = "strata@test"
CONFIG = "etc/strata/test.yaml"
WATCHDOG = 10_000_000  # us, as the unit says
ADMIN_RAW = 1 << 12 | 1 << 13  # CAP_NET_ADMIN, CAP_NET_RAW

# Whoever names this file wants it shown: nothing is skipped.
if why := m.why_not() or netns.why_not():
    pytest.fail(f"no Debian can be booted here: {why}", pytrace=False)


def package():
    found = [Path(os.environ["STRATA_DEB"])] if "STRATA_DEB" in os.environ else [*PLACE.glob("strata_*.deb")]
    assert len(found) == 1, f"a package is wanted (sudo ./dev package makes it), there are {found}"
    return found[0]


class Gateway(m.Machine):
    """With strata@test between two wires. Of each SA it remembers the highest number that left."""

    def __init__(self, namespace, lan, wan):
        super().__init__(PLACE, package(), namespace)
        self._lan, self.wan, self.highest, self.user = lan, wan, {}, 0

    def configure(self, **sections):
        tree = journeys.configuration({"device": "net_af_packet0,iface=wan0", "mac": g.WAN_MAC},
                                      {"device": "net_af_packet1,iface=lan0", "mac": g.LAN_MAC})
        file = self.root / CONFIG
        file.touch(0o640)
        file.write_text(yaml.safe_dump({"name": "test", **tree, "eal": {"hugepages": "never"}, **sections}))
        entry = re.search(r"^strata:x:(\d+):(\d+):", (self.root / "etc/passwd").read_text(), re.M)
        self.user = int(entry[1])
        os.chown(file, 0, int(entry[2]))

    @property
    def pid(self):
        return int(self.unit(UNIT)["MainPID"])

    def seals(self, count=64):
        """Packets from the LAN leave in ESP, which a peer opens, with numbers that go on."""
        self.wan.waiting()
        frames, inners = journeys.outbound(count)
        self._lan.send(*frames)
        for inner in inners:
            n, number, opened = journeys.open_with_scapy(self._next_sealed())
            assert opened == g.forwarded(inner)
            assert number > self.highest.get(n, 0), f"to-{n}: {number} was used"
            self.highest[n] = number

    def _next_sealed(self):
        """The gateway also says its addresses, by ARP."""
        while True:
            (frame,) = self.wan.collect(1)
            if frame[12:14] == b"\x08\x00":
                return frame

    def comes_back(self, before):
        """Started anew by systemd, and not by the one who asks: the unit as it was, its pid, how often until then."""
        def is_back():
            now = self.unit(UNIT)
            return now if now["ActiveState"] == "active" and int(now["MainPID"]) != int(before["MainPID"]) else None

        now = until(is_back, lambda: self.check("systemctl", "status", "--no-pager", UNIT))
        assert int(now["NRestarts"]) == int(before["NRestarts"]) + 1
        return now

    def journal(self, *words):
        """Its entries of this boot."""
        lines = self.check("journalctl", "--boot", f"--unit={UNIT}", "--output=json", *words).splitlines()
        return [json.loads(line) for line in lines]

    def said(self, sentence, *words):
        """Entries of the gateway that have this in their message."""
        return [entry for entry in self.journal(*words) if sentence in entry["MESSAGE"]]


@pytest.fixture(scope="module")
def gateway():
    with netns.Namespace() as inside, netns.Namespace() as outside:
        for name in ("wan", "lan"):
            inside.veth(f"{name}0", f"{name}1", to=outside)
        with Gateway(inside, outside.wire("lan1"), outside.wire("wan1")) as made:
            made.configure()
            yield made


@pytest.fixture
def running(gateway):
    gateway.check("systemctl", "reset-failed")
    gateway.check("systemctl", "start", UNIT)
    return gateway


# --- started, confined, changed ---------------------------------------------------------------------------------------


def test_a_start_has_ended_when_packets_are_taken(gateway):
    assert gateway.unit(UNIT)["ActiveState"] == "inactive", "the installation starts nothing"
    gateway.check("systemctl", "start", UNIT)
    gateway.seals()  # at once
    now = gateway.unit(UNIT)
    assert (now["ActiveState"], now["SubState"], now["Type"], now["NRestarts"]) == ("active", "running", "notify", "0")
    assert now["StatusText"] == "running"


def test_a_start_that_fails_is_told(gateway):
    (gateway.root / "etc/strata/bad.yaml").write_text("ports: 7\n")
    os.chmod(gateway.root / "etc/strata/bad.yaml", 0o644)
    try:
        assert gateway.run("systemctl", "start", "strata@bad").returncode == 1
        assert gateway.run("systemctl", "is-active", "strata@bad").stdout.strip() != "active"
        told = gateway.check("journalctl", "--boot", "--unit=strata@bad", "--output=cat")
        assert "/etc/strata/bad.yaml" in told and "ports" in told
    finally:
        gateway.check("systemctl", "stop", "strata@bad")
        (gateway.root / "etc/strata/bad.yaml").unlink()


def test_every_thread_is_the_users_and_has_no_rights(running):
    pid = running.outside(running.pid)
    tasks = [*Path(f"/proc/{pid}/task").iterdir()]
    assert len(tasks) >= 3  # that decides, that takes interrupts, a worker
    for task in tasks:
        status = dict(line.split(":", 1) for line in (task / "status").read_text().splitlines())
        assert status["Uid"].split() == [str(running.user)] * 4, status["Name"]
        assert (status["NoNewPrivs"].strip(), status["Seccomp"].strip()) == ("1", "2"), status["Name"]
        rights = [int(status[of], 16) for of in ("CapInh", "CapPrm", "CapEff", "CapAmb", "CapBnd")]
        assert rights == [0, 0, 0, 0, ADMIN_RAW], status["Name"]
    limits = Path(f"/proc/{pid}/limits").read_text()
    assert re.search(r"^Max core file size +0 +0 ", limits, re.M)


# What somebody might try who has taken the process over, as root even. Each prints its name when it could.
TRIES = r"""
attempt() { name=$1; shift; if "$@" >/dev/null 2>&1; then echo "$name"; fi; }
attempt write-usr       touch /usr/probe
attempt write-etc       touch /etc/probe
attempt read-home       grep -q secret /root/probe
attempt see-others-tmp  test -e /tmp/probe
attempt see-processes   test -d /proc/1
attempt change-kernel   sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
attempt make-cgroup     sh -c 'mkdir /sys/fs/cgroup/probe && rmdir /sys/fs/cgroup/probe'
attempt open-device     sh -c ': </dev/probe'
attempt make-namespace  unshare --user true
attempt set-personality setarch --addr-no-randomize true
attempt set-user-id     install -m 4755 /bin/true "$1/probe"
attempt set-priority    chrt --fifo 1 true
attempt send-outside    bash -c 'echo >/dev/udp/198.51.100.1/9'
attempt send-inside     bash -c 'echo >/dev/udp/127.0.0.1/9'
attempt write-state     touch "$1/state"
attempt open-tun        sh -c ': <>/dev/net/tun'
"""
ALLOWED = {"send-inside", "write-state", "open-tun"}
PROBE = """[Service]
Type=oneshot
User=root
ExecStart=
ExecStart=/bin/sh /usr/share/probe /var/lib/strata
"""


def test_the_unit_confines_even_root(gateway):
    """The same things are tried twice: under the unit's lines, and without them, where all of it is possible."""
    (gateway.root / "usr/share/probe").write_text(TRIES)
    gateway.check("sh", "-c", "echo secret >/root/probe && touch /tmp/probe && mkdir -p /run/probe && "
                  "mknod /dev/probe c 1 11 && mount -o remount,rw,bind /proc/sys")
    gateway.namespace.run("ip", "address", "replace", "198.51.100.1/32", "dev", "lo")
    free = gateway.check("systemd-run", "--quiet", "--wait", "--pipe", "sh", "/usr/share/probe", "/run/probe").split()
    lines = gateway.root / "etc/systemd/system/strata@probe.service.d"
    lines.mkdir(parents=True)
    (lines / "probe.conf").write_text(PROBE)
    gateway.check("systemctl", "daemon-reload")
    gateway.check("systemctl", "start", "strata@probe")
    confined = gateway.check("journalctl", "--boot", "--unit=strata@probe", "--identifier=sh", "--output=cat").split()
    assert free == re.findall(r"^attempt (\S+)", TRIES, re.M)
    assert set(confined) == ALLOWED


def test_a_reload_takes_over_what_the_file_says(running):
    before = running.unit(UNIT)
    assert "203.0.113.0/24" not in running.check("strata", "show", "routes", "--name", "test")
    running.configure(routes=[{"prefix": "203.0.113.0/24", "next_hop": "10.1.0.2", "port": "lan"}])
    running.check("systemctl", "reload", UNIT)
    until(lambda: "203.0.113.0/24" in running.check("strata", "show", "routes", "--name", "test"), "the route")
    running.seals()
    (running.root / CONFIG).write_text("ports: 7\n")
    running.check("systemctl", "reload", UNIT)
    until(lambda: running.said("not reloaded, all is as before: "), "a sentence about the file")
    assert "203.0.113.0/24" in running.check("strata", "show", "routes", "--name", "test")
    running.seals()
    running.configure()
    running.check("systemctl", "reload", UNIT)
    until(lambda: "203.0.113.0/24" not in running.check("strata", "show", "routes", "--name", "test"), "no route")
    running.seals()
    now = running.unit(UNIT)
    assert [now[key] for key in ("MainPID", "ActiveState")] == [before["MainPID"], "active"]


# --- watched and killed -----------------------------------------------------------------------------------------------


def test_the_watchdog_is_fed(running):
    before = running.unit(UNIT)
    assert int(running.check("systemctl", "show", UNIT, "--property=WatchdogUSec", "--value").removesuffix("s\n")) == 10

    def fed_until():
        return int(running.unit(UNIT)["WatchdogTimestampMonotonic"])

    begun = fed_until()
    until(lambda: fed_until() > begun + 25 * WATCHDOG // 10, "fed for two and a half times of its patience")
    now = running.unit(UNIT)
    assert [now[key] for key in ("MainPID", "NRestarts", "ActiveState")] == [
        before["MainPID"], before["NRestarts"], "active"]


def ended_by_the_watchdog(gateway, before):
    gateway.comes_back(before)
    gateway.seals()
    # Of the start that was ended, not of one that another test had ended.
    told = [entry["MESSAGE"] for entry in gateway.journal(f"INVOCATION_ID={before['InvocationID']}")]
    for sentence in ("Watchdog timeout (limit 10s)!", "Failed with result 'watchdog'."):
        assert any(sentence in message for message in told), told


def test_a_worker_that_stands_still_is_named_and_started_anew(running):
    before = running.unit(UNIT)
    worker = next(thread for name, thread in threads(running.outside(running.pid)).items() if "worker" in name)
    with Stopped(worker):
        until(lambda: running.unit(UNIT)["StatusText"].endswith("stands still"), "named in the status")
        # The last: where the machine is busy, it may have stood still before.
        entry = running.said("stands still: no round in the last second",
                             f"_SYSTEMD_INVOCATION_ID={before['InvocationID']}")[-1]
        assert (entry["PRIORITY"], entry["WORKER"]) == ("3", "0")
        # Who traces a thread is told of its end before anybody else is.
        assert os.WIFSIGNALED(os.waitpid(worker, Stopped.WALL)[1])
    ended_by_the_watchdog(running, before)


def test_a_process_that_stands_still_is_started_anew(running):
    before = running.unit(UNIT)
    os.kill(running.outside(running.pid), signal.SIGSTOP)
    ended_by_the_watchdog(running, before)


def test_killed_it_is_started_anew_and_its_numbers_go_on(running):
    running.seals()
    for _ in range(3):
        before, highest = running.unit(UNIT), dict(running.highest)
        os.kill(running.outside(running.pid), signal.SIGKILL)
        running.comes_back(before)
        running.seals()  # each number above all that were
        # Not by chance: up to where it had reserved.
        assert all(running.highest[n] > highest[n] + 64 for n in highest)
    said = running.said("keys go on behind what they had reserved")[-1]["MESSAGE"]
    assert "8 keys go on behind what they had reserved, 0 keys begin at 1" in said


# --- asked ------------------------------------------------------------------------------------------------------------


def test_the_journal_has_fields(running):
    (frame,) = journeys.inbound(1)[0]
    running.wan.send(frame[:-1] + bytes([frame[-1] ^ 1]))
    (entry,) = until(lambda: running.journal("CAUSE=esp.auth_failed", "SPI=0x1000"), "an entry of the cause")
    fields = {"CAUSE": "esp.auth_failed", "PORT": "wan", "SPI": "0x1000", "SOURCE": journeys.peer(0), "SEQUENCE": "1",
              "DESTINATION": "192.0.2.1", "PRIORITY": "5", "SYSLOG_IDENTIFIER": "strata",
              "_SYSTEMD_UNIT": f"{UNIT}.service", "_UID": str(running.user), "_PID": str(running.pid)}
    assert {key: entry.get(key) for key in fields} == fields
    assert entry["MESSAGE"].startswith("audit esp.auth_failed: port wan, SPI 0x1000")
    assert running.journal("PORT=lan", "LINK=up")


def test_who_is_in_the_group_may_ask(running):
    for name in ("member", "stranger"):
        running.run("useradd", name)
    running.check("usermod", "--append", "--groups", "strata", "member")
    shown = running.run("runuser", "-u", "member", "--", "strata", "show", "ports", "--name", "test")
    assert shown.returncode == 0 and "net_af_packet0,iface=wan0" in shown.stdout, shown.stderr
    refused = running.run("runuser", "-u", "stranger", "--", "strata", "show", "ports", "--name", "test")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "/run/strata/test.sock: Permission denied" in refused.stderr
    assert running.run("runuser", "-u", "stranger", "--", "cat", "/etc/strata/test.yaml").returncode == 1


# --- stopped, switched off, upgraded, removed -------------------------------------------------------------------------


def test_a_stop_is_clean_and_the_state_stays(running):
    running.seals()
    running.check("systemctl", "stop", UNIT)
    # Had its result been another one, it would be failed; of a unit that is forgotten show says success in any case.
    assert running.unit(UNIT)["ActiveState"] == "inactive"
    *_, before, last = running.check("journalctl", "--boot", f"--unit={UNIT}", "--output=cat").splitlines()
    assert f"{UNIT}.service: Deactivated successfully." in (before, last) and running.said("ending")
    assert not (running.root / "run/strata/test.sock").exists()
    state = running.root / "var/lib/strata/sequence-numbers"
    kept = [int(line.split()[2]) for line in state.read_text().splitlines() if line.startswith("key ")]
    assert set(running.highest.values()) <= set(kept), "up to the number that was used last"
    highest = dict(running.highest)
    running.check("systemctl", "start", UNIT)
    running.seals(8)
    assert running.highest == {n: number + 1 for n, number in highest.items()}


def test_what_is_enabled_runs_after_a_boot(running):
    running.check("systemctl", "enable", UNIT)
    running.halt()
    running.boot()
    now = until(lambda: running.unit(UNIT) if running.unit(UNIT)["ActiveState"] == "active" else None, "active")
    assert now["NRestarts"] == "0"
    running.seals()
    before = running.check("journalctl", "--boot=-1", f"--unit={UNIT}", "--output=cat").splitlines()
    assert any("Deactivated successfully" in line for line in before[-3:]), before[-3:]


def test_an_upgrade_goes_on_with_the_new_program(running):
    before = running.unit(UNIT)
    m.must([ROOT / "tests/deploy/later.sh", package(), running.root / "later.deb"])
    running.check("dpkg", "--install", "/later.deb")
    now = running.unit(UNIT)
    assert now["ActiveState"] == "active" and now["MainPID"] != before["MainPID"] and now["Result"] == "success"
    assert not os.readlink(f"/proc/{running.outside(int(now['MainPID']))}/exe").endswith("(deleted)")
    running.seals()


def test_a_removal_stops_it_and_a_purge_forgets_that_it_was_enabled(running):
    running.check("systemctl", "enable", UNIT)
    link = running.root / f"etc/systemd/system/multi-user.target.wants/{UNIT}.service"
    running.check("dpkg", "--remove", "strata")
    assert running.unit(UNIT)["ActiveState"] == "inactive" and running.run("pidof", "strata").returncode == 1
    assert not (running.root / "usr/bin/strata").exists() and link.is_symlink()
    running.check("dpkg", "--purge", "strata")
    assert not link.is_symlink()
    # As long as a configuration is there, whose keys would repeat nonces.
    assert (running.root / CONFIG).exists() and (running.root / "var/lib/strata/sequence-numbers").exists()
