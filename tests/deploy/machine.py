"""A Debian with systemd, made by debootstrap and booted by systemd-nspawn, with the package in it.

    with Machine(folder, deb, namespace) as machine:        # namespace: its network, tests/live/netns.py
        machine.check("systemctl", "start", "strata@test")  # a program in there that must succeed; its output

It is booted on cgroups of version 2 alone, as a Debian is: of version 1 a container has no controller of devices, and
DeviceAllow= would be taken and do nothing.
"""

import os
import shutil
import subprocess
import time
from pathlib import Path

PATIENCE = 120  # seconds: to end what hangs, not to measure
PACKAGES = "systemd,systemd-sysv,dbus,libpam-systemd"
INSTALL = ["-q", "-y", "--no-install-recommends"]
NO_MANAGER = ["--register=no", "--keep-unit", "--quiet"]  # where it is booted no systemd may run


def why_not():
    """What this machine lacks for it, in a sentence; None when nothing."""
    if os.geteuid() != 0:
        return "a Debian of its own takes root"
    for program, package in {"systemd-nspawn": "systemd-container", "debootstrap": "debootstrap"}.items():
        if not shutil.which(program):
            return f"{program} is not there (Debian's package {package})"
    return None


def until(done, what):
    """What done() says, as soon as it says something."""
    end = time.monotonic() + PATIENCE
    while not (said := done()):
        assert time.monotonic() < end, f"never: {what() if callable(what) else what}"
        time.sleep(0.2)
    return said


def must(command):
    done = subprocess.run([*map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout}"
    return done.stdout


def in_cgroups(script, *words):
    """A command: the script, which sees cgroups of version 2 and no others, whatever is there outside."""
    mounted = "umount -R /sys/fs/cgroup || true; mount -t cgroup2 cgroup2 /sys/fs/cgroup; "
    return ["unshare", "--mount", "sh", "-ec", mounted + script, "sh", *words]


class Machine:
    def __init__(self, folder, deb, namespace):
        self._base, self.root = Path(folder) / "base", Path(folder) / "booted"
        self._deb, self.namespace = deb, namespace
        self._said, self._nspawn, self._leader = Path(folder) / "booted.log", None, None
        self._cgroup = f"/sys/fs/cgroup/strata-{os.getpid()}"

    def __enter__(self):
        self._make()
        try:
            self.boot()
        except BaseException:
            self.halt()
            raise
        return self

    def __exit__(self, *_):
        self.halt()

    def _make(self):
        """The base system once, with what the package depends on. Each run has a copy of it, in which nothing is of the
        run before, and the package in that."""
        made = self._base / "made"
        if not made.exists():
            shutil.rmtree(self._base, ignore_errors=True)
            must(["debootstrap", "--variant=minbase", f"--include={PACKAGES}", "bookworm", self._base])
            wanted = must(["dpkg-deb", "--field", self._deb, "Depends"]).strip()
            self._not_booted(self._base, "apt-get", *INSTALL, "satisfy", wanted)
            made.touch()
        if self.root.exists():
            shutil.rmtree(self.root)
        must(["cp", "--archive", self._base, self.root])
        (self.root / "var/log/journal").mkdir(exist_ok=True)  # one that outlives a boot
        shutil.copy(self._deb, self.root / "strata.deb")
        self._not_booted(self.root, "apt-get", *INSTALL, "install", "/strata.deb")

    @staticmethod
    def _not_booted(root, *words):
        # Not in its /tmp: that is another one there.
        must(["systemd-nspawn", *NO_MANAGER, f"--directory={root}", "--setenv=DEBIAN_FRONTEND=noninteractive",
              "--setenv=LC_ALL=C.UTF-8", "--console=pipe", *words])

    def boot(self):
        enter = 'mkdir "$1" && echo $$ >"$1/cgroup.procs" && shift && exec "$@"'
        command = ["setpriv", "--pdeathsig", "TERM", *in_cgroups(enter, self._cgroup), "systemd-nspawn", *NO_MANAGER,
                   "--boot", f"--directory={self.root}", f"--machine=strata-{os.getpid()}",
                   "--console=pipe", f"--network-namespace-path=/run/netns/{self.namespace.name}",
                   # systemd in there loads programs into the kernel that judge devices and addresses.
                   "--capability=all", "--system-call-filter=bpf"]
        with open(self._said, "w") as said:
            self._nspawn = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        self._leader = until(self._child, self._said.read_text)
        until(lambda: self.run("systemctl", "is-system-running").stdout.strip() == "running",
              lambda: self.run("systemctl", "--failed", "--no-pager").stdout)

    def _child(self):
        assert self._nspawn.poll() is None, self._said.read_text()
        children = Path(f"/proc/{self._nspawn.pid}/task/{self._nspawn.pid}/children").read_text().split()
        return next((int(pid) for pid in children if Path(f"/proc/{pid}/comm").read_text() == "systemd\n"), None)

    def halt(self):
        """As when it is switched off in order."""
        self._nspawn.terminate()
        try:
            self._nspawn.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._nspawn.kill()
            self._nspawn.wait()
            raise
        finally:
            must(in_cgroups('[ ! -d "$1" ] || find "$1" -depth -type d -exec rmdir {} +', self._cgroup))

    def run(self, *words):
        """As root."""
        return subprocess.run(["nsenter", f"--target={self._leader}", "--all", "--", *map(str, words)],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True)

    def check(self, *words):
        done = self.run(*words)
        assert done.returncode == 0, f"{words} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
        return done.stdout

    def unit(self, name):
        """What systemd says of it: a mapping."""
        return dict(line.split("=", 1) for line in self.check("systemctl", "show", name).splitlines())

    def outside(self, pid):
        """The number by which this machine knows a process in there."""
        there = os.readlink(f"/proc/{self._leader}/ns/pid")
        for status in Path("/proc").glob("[0-9]*/status"):
            try:
                numbers = next(line for line in status.read_text().splitlines() if line.startswith("NSpid")).split()
                if int(numbers[-1]) == pid and os.readlink(status.parent / "ns/pid") == there:
                    return int(status.parent.name)
            except (FileNotFoundError, ProcessLookupError):
                continue  # it has ended meanwhile
        raise AssertionError(f"no process {pid} in there")
