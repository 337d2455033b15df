"""A Debian kernel under qemu, with a file system made here, commanded over a serial line.

    release = kernel()                              # fetched from Debian once, unpacked under build/, never installed
    image = Image(release, modules=["virtio_net", "virtio_pci"], programs=["/usr/sbin/ip"])
    with Guest(image, devices=["-nic", "none"]) as guest:
        guest.run("modprobe virtio_net")            # Result(code, output); Guest.check() when it must succeed
        with guest.start("ping 192.0.2.1") as ping: ...

There is no KVM where tests usually run, so qemu translates instructions: a boot takes 5 to 20 seconds and all in the
guest is some ten times slower than outside. Every limit of time here is there to end what hangs, not to measure.
"""

import base64
import fcntl
import functools
import lzma
import os
import re
import select
import shlex
import shutil
import socket
import stat
import subprocess
import tempfile
import time
from collections import namedtuple
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / "build/guest"
QEMU = "qemu-system-x86_64"
BUSYBOX = "/bin/busybox"
PATIENCE = 120  # seconds, for one command
BOOT_PATIENCE = 300


class Missing(Exception):
    """Something that this machine lacks: a test is skipped with this text."""


class GuestError(Exception):
    """The guest did not do what it should have; the text ends with what its kernel said last."""


# --- the kernel ------------------------------------------------------------------------------------------------------


def require(*programs):
    """Raises Missing unless these are there; qemu, busybox and Debian's tools are always asked for."""
    packages = {QEMU: "qemu-system-x86", BUSYBOX: "busybox-static", "apt-get": "apt", "dpkg": "dpkg"}
    for program in (*packages, *programs):
        if not shutil.which(program):
            raise Missing(f"{program} is not there (Debian's package {packages.get(program, program)})")
    if subprocess.run(["ldd", BUSYBOX], capture_output=True).returncode == 0:
        raise Missing(f"{BUSYBOX} is not a static program (Debian's package busybox-static)")


@contextmanager
def cache_lock():
    """One process at a time fetches into the cache."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(CACHE / "lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def fetch(package):
    """A directory with what Debian's package holds: unpacked, installed nowhere. Call it under cache_lock."""
    place = CACHE / package
    if place.exists():
        return place
    work = Path(tempfile.mkdtemp(dir=CACHE))
    os.chmod(work, 0o755)
    try:
        for command in (["apt-get", "-q", "download", package], ["dpkg", "-x", "package.deb", "unpacked"]):
            for deb in work.glob(f"{package}_*.deb"):
                deb.rename(work / "package.deb")
            done = subprocess.run(command, cwd=work, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            if done.returncode != 0:
                raise Missing(f"`{shlex.join(command)}` failed: {done.stdout.strip().splitlines()[-1:]}")
        (work / "unpacked").rename(place)
    finally:
        shutil.rmtree(work)
    return place


def current_package(meta):
    """linux-image-cloud-amd64 -> linux-image-6.1.0-56-cloud-amd64, as Debian's lists have it today."""
    shown = subprocess.run(["apt-cache", "depends", meta], capture_output=True, text=True).stdout
    found = re.search(r"Depends: (linux-\S+-\d\S*)", shown)
    if not found:
        raise Missing(f"Debian's package {meta} is not in the lists here (apt-get update)")
    return found.group(1)


class Kernel:
    """An unpacked kernel package: .release, .image, and its modules."""

    def __init__(self, place):
        self.image = next(place.glob("boot/vmlinuz-*"))
        self.release = self.image.name.removeprefix("vmlinuz-")
        self.modules = place / "lib/modules" / self.release
        self.config = (place / f"boot/config-{self.release}").read_text()

    @functools.cached_property
    def needs(self):
        """Module path -> the paths of those that it needs."""
        lines = (self.modules / "modules.dep").read_text().splitlines()
        return {path: others.split() for path, others in (line.split(":", 1) for line in lines)}

    def closure(self, names):
        """The paths of these modules and of all that they need; those that are built in need no file."""
        spelled = {Path(path).stem.replace("-", "_"): path for path in self.needs}
        listed = (self.modules / "modules.builtin").read_text().split()
        built_in = {Path(path).stem.replace("-", "_") for path in listed}
        found = set()
        for name in (n.replace("-", "_") for n in names):
            if name in built_in:
                continue
            if name not in spelled:
                raise Missing(f"the kernel {self.release} has no module {name}")
            found |= {spelled[name], *self.needs[spelled[name]]}
        return sorted(found)


def kernel(flavour="cloud-amd64"):
    """Debian's current kernel of this flavour: what the cache holds, else fetched."""
    require()
    with cache_lock():
        have = sorted(CACHE.glob(f"linux-image-[0-9]*-{flavour}"))
        place = have[-1] if have else fetch(current_package(f"linux-image-{flavour}"))
        made = Kernel(place)
        if not (made.modules / "modules.dep").exists():
            _index_modules(place, made)
    return made


def _index_modules(place, made):
    """modules.dep, which a kernel package makes only when it is installed."""
    for packed in made.modules.rglob("*.ko.xz"):
        packed.with_suffix("").write_bytes(lzma.decompress(packed.read_bytes()))
        packed.unlink()
    subprocess.run([BUSYBOX, "depmod", "-b", place, made.release], check=True)


# --- the file system -------------------------------------------------------------------------------------------------

# The line: each command comes as `TOKEN BASE64`, its outcome goes back as `TOKEN CODE LENGTH`, then that many octets of
# base64. The kernel's own words go to another serial port, so nothing mixes with these.
AGENT = r"""#!/bin/sh
exec </dev/ttyS1 >/dev/ttyS1
stty raw -echo
echo ready
while read -r token text; do
    echo "$text" | base64 -d >/run/command
    sh /run/command >/run/output 2>&1 </dev/null
    code=$?
    base64 -w 0 /run/output >/run/encoded
    echo "$token $code $(stat -c %s /run/encoded)"
    cat /run/encoded
done
"""

INIT = r"""#!/bin/sh
export PATH=/usr/sbin:/usr/bin:/busybox HOME=/root LC_ALL=C
/usr/bin/busybox mkdir -p /busybox
/usr/bin/busybox --install -s /busybox
chmod 755 /
mount -t devtmpfs dev /dev
mkdir -p /proc /sys /run /tmp /root /dev/shm /dev/pts /var/run
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t tmpfs tmp /run
mount -t tmpfs shm /dev/shm
mount -t devpts pts /dev/pts
ip link set lo up
hostname guest
/usr/bin/sh /agent
poweroff -f
"""


class Image:
    """A file system for a guest: busybox, programs with the libraries that they need, kernel modules, files."""

    def __init__(self, made_for, modules=(), programs=()):
        self.kernel = made_for
        self._entries = {}  # path in the guest -> (mode, octets)
        for name, target in {"bin": "usr/bin", "sbin": "usr/sbin", "lib": "usr/lib", "lib64": "usr/lib64"}.items():
            self._entries[name] = (stat.S_IFLNK | 0o777, target.encode())
        self.add(BUSYBOX, "/usr/bin/busybox")
        # Not busybox's shell: that one takes its own applets before the programs that are here. (So do those of its
        # applets that start others, timeout and setsid and xargs: give them a path, `timeout 5 /usr/sbin/ip ...`.)
        self.program("/bin/dash", "/usr/bin/sh")
        self.write("/init", INIT, 0o755)
        self.write("/agent", AGENT, 0o755)
        for program in programs:
            self.program(program)
        self._modules(modules)

    def write(self, path, content, mode=0o644):
        content = content.encode() if isinstance(content, str) else content
        self._entries[self._guest_path(path)] = (stat.S_IFREG | mode, content)

    def link(self, path, target):
        self._entries[self._guest_path(path)] = (stat.S_IFLNK | 0o777, str(target).encode())

    def add(self, source, path=None):
        """A file of this machine, under its own path or another. A link stays one: what has two names is one file."""
        real = os.path.realpath(source)
        self.write(real if path is None else path, Path(real).read_bytes(), os.stat(real).st_mode & 0o777)
        if path is None and self._guest_path(real) != self._guest_path(source):
            self.link(source, real)

    def program(self, source, path=None):
        """A program or a library, and all libraries that it needs."""
        if not os.path.exists(source):
            raise Missing(f"{source} is not there")
        self.add(source, path)
        for library in _libraries(str(source)):
            self.add(library)

    def _modules(self, names):
        home = f"/lib/modules/{self.kernel.release}"
        paths = self.kernel.closure(names)
        for path in paths:
            self.add(self.kernel.modules / path, f"{home}/{path}")
        lines = (f"{path}: {' '.join(self.kernel.needs[path])}\n" for path in paths)
        self.write(f"{home}/modules.dep", "".join(lines))

    def _guest_path(self, path):
        path = str(path).lstrip("/")
        return re.sub(r"^(bin|sbin|lib|lib64)/", r"usr/\1/", path)

    def pack(self, path):
        """Writes the cpio archive that the kernel unpacks (Documentation/driver-api/early-userspace/buffer-format)."""
        entries = dict(self._entries)
        for name in self._entries:
            for parent in Path(name).parents:
                entries.setdefault(str(parent), (stat.S_IFDIR | 0o755, b""))
        for name in ("dev", "usr/sbin", "usr/lib64"):
            entries.setdefault(name, (stat.S_IFDIR | 0o755, b""))
        entries.pop(".")
        with open(path, "wb") as file:
            # A directory before what it holds, the trailer at the end.
            for number, name in enumerate(sorted(entries), 1):
                _cpio_entry(file, number, name, *entries[name])
            _cpio_entry(file, 0, "TRAILER!!!", 0, b"")


@functools.lru_cache(maxsize=None)
def _libraries(path):
    """The shared libraries that a program is loaded with."""
    listed = subprocess.run(["ldd", path], capture_output=True, text=True).stdout
    if "not found" in listed:
        raise Missing(f"{path} misses libraries here: {listed}")
    return tuple(re.findall(r"(?:=> |^\s+)(/\S+) \(0x", listed, re.M))


def _cpio_entry(file, number, name, mode, content):
    spelled = name.encode() + b"\0"
    fields = (number, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(spelled), 0)
    header = b"070701" + b"".join(b"%08x" % field for field in fields)
    file.write(header + spelled + bytes(-(len(header) + len(spelled)) % 4))
    file.write(content + bytes(-len(content) % 4))


# --- the machine -----------------------------------------------------------------------------------------------------

Result = namedtuple("Result", "code output")


class Guest:
    """A booted machine; ends with the `with` block, its qemu with it.

    devices: words for qemu (-netdev, -device, ...). within: words that qemu is started by, ["ip", "netns", "exec", NS].
    """

    def __init__(self, image, *, cpus=1, memory=512, machine="q35", devices=(), append="", within=()):
        self.work = Path(tempfile.mkdtemp(prefix="guest-"))
        self._console = self.work / "console"
        self._tokens = 0
        self._qemu = None
        self._received = b""
        # Not qemu's standard streams: some of its devices print there what they think.
        self._line, self._far_end = socket.socketpair()
        image.pack(self.work / "initramfs")
        # Whether timers tick is looked at for 10 ms, in which a busy machine may not let qemu run at all.
        words = f"console=ttyS0 quiet panic=-1 no_timer_check rdinit=/init {append}"
        # qemu must not outlive whoever started it, however that one ends.
        self._command = [
            *("setpriv", "--pdeathsig", "KILL", *within, QEMU, "-nodefaults", "-no-user-config", "-display", "none"),
            *("-no-reboot", "-machine", machine, "-accel", "tcg,thread=multi", "-cpu", "max"),
            *("-smp", str(cpus), "-m", str(memory), "-kernel", image.kernel.image),
            *("-initrd", self.work / "initramfs", "-append", words),
            *("-serial", f"file:{self._console}"),
            *("-chardev", f"socket,id=line,fd={self._far_end.fileno()}", "-serial", "chardev:line"),
            *devices,
        ]

    @property
    def pid(self):
        return self._qemu.pid

    def __enter__(self):
        self._said = open(self.work / "said", "w+")
        with self._far_end as line:
            self._qemu = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=self._said, stderr=self._said, pass_fds=[line.fileno()]
            )
        try:
            self._read_until(b"ready\n", BOOT_PATIENCE, "boot")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self._qemu.poll() is None:
            self._qemu.terminate()
            try:
                self._qemu.wait(20)
            except subprocess.TimeoutExpired:
                self._qemu.kill()
        self._qemu.wait()
        self._line.close()
        self._said.close()
        shutil.rmtree(self.work)

    def run(self, command, *, timeout=PATIENCE):
        """A shell command's exit code and its output: text, of both its streams."""
        code, output = self._ask(command, timeout)
        return Result(code, output.decode(errors="replace"))

    def check(self, command, *, timeout=PATIENCE):
        """The output of a command that must succeed."""
        code, output = self.run(command, timeout=timeout)
        if code != 0:
            raise GuestError(f"in the guest `{command}` ended with {code}:\n{output}{self._last_words()}")
        return output

    def read(self, path):
        """A file's octets."""
        code, content = self._ask(f"cat {shlex.quote(str(path))}", PATIENCE)
        if code != 0:
            raise GuestError(f"in the guest there is no {path}: {content.decode(errors='replace')}")
        return content

    def write(self, path, content):
        """Makes a file. In pieces, because the line holds no more than its buffer at once."""
        content = content.encode() if isinstance(content, str) else content
        quoted = shlex.quote(str(path))
        self.check(f": >{quoted}")
        for at in range(0, len(content), 1024):
            piece = base64.b64encode(content[at : at + 1024]).decode()
            self.check(f"echo {piece} | base64 -d >>{quoted}")

    def start(self, command):
        """Starts a command that goes on while others run."""
        return Background(self, command)

    def console(self):
        """What the kernel said."""
        return self._console.read_text(errors="replace") if self._console.exists() else ""

    def _ask(self, command, timeout):
        self._tokens += 1
        token = f"t{self._tokens}"
        line = f"{token} {base64.b64encode(command.encode()).decode()}\n"
        if len(line) > 4000:
            raise GuestError("a command of more than 2900 octets does not fit the line: write() it to a file first")
        self._line.sendall(line.encode())
        head = self._read_until(b"\n", timeout, f"`{command}`").split()
        if len(head) != 3 or head[0] != token.encode():
            raise GuestError(f"the guest answered {head} where {token}'s outcome was due{self._last_words()}")
        length = int(head[2])
        encoded = self._read(lambda: length if len(self._received) >= length else None, timeout, f"`{command}`")
        return int(head[1]), base64.b64decode(encoded)

    def _read_until(self, mark, timeout, what):
        def end():
            at = self._received.find(mark)
            return at + len(mark) if at >= 0 else None

        return self._read(end, timeout, what)

    def _read(self, end, timeout, what):
        """The octets up to where end() says, as soon as it says so."""
        until = time.monotonic() + timeout
        while (at := end()) is None:
            left = until - time.monotonic()
            if left <= 0 or not select.select([self._line], [], [], left)[0]:
                raise GuestError(f"{what}: no end after {timeout} s{self._last_words()}")
            got = self._line.recv(65536)
            if not got:
                raise GuestError(f"{what}: qemu ended with {self._qemu.wait()}{self._last_words()}")
            self._received += got
        taken, self._received = self._received[:at], self._received[at:]
        return taken

    def _last_words(self):
        self._said.flush()
        said = (self.work / "said").read_text(errors="replace")
        return f"\nqemu: {said}\nconsole: " + "\n".join(self.console().splitlines()[-60:])


class Background:
    """A command that runs in the guest beside others. Its two outputs are files, so that they stay apart."""

    _count = 0

    def __init__(self, guest, command):
        Background._count += 1
        self.guest = guest
        self._at = f"/run/job{Background._count}"
        guest.write(f"{self._at}.command", command)
        # A session of its own, so that a signal reaches all that the command starts, not the shell that waits for it;
        # the shell in there takes none, so that the exit code is the command's.
        guest.write(
            f"{self._at}.sh",
            f'setsid /usr/bin/sh -c "trap : TERM INT HUP USR1; $(cat {self._at}.command)" '
            f"</dev/null >{self._at}.out 2>{self._at}.err &\n"
            f"echo $! >{self._at}.pid\nwait $!\necho $? >{self._at}.new\nmv {self._at}.new {self._at}.code\n",
        )
        guest.check(f"sh {self._at}.sh >/dev/null 2>&1 & until [ -s {self._at}.pid ]; do sleep 0.1; done")
        self.pid = int(guest.read(f"{self._at}.pid"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.ended() is None:
            self.signal("KILL")
            self.wait()

    def signal(self, name="TERM"):
        """To the command and all that it started."""
        self.guest.check(f"kill -{name} -{self.pid}")

    def ended(self):
        """The exit code, or None while it runs."""
        code, output = self.guest.run(f"cat {self._at}.code")
        return int(output) if code == 0 else None

    def wait(self, timeout=PATIENCE):
        """The exit code, when it ends."""
        until = time.monotonic() + timeout
        while (code := self.ended()) is None:
            if time.monotonic() > until:
                raise GuestError(f"still running after {timeout} s:\n{self.errors()}")
            time.sleep(0.3)
        return code

    def wait_for(self, text, timeout=PATIENCE):
        """Until one of its outputs holds this text."""
        until = time.monotonic() + timeout
        while text not in self.output() + self.errors():
            if self.ended() is not None or time.monotonic() > until:
                raise GuestError(f"never said {text!r}:\n{self.output()}\n{self.errors()}")
            time.sleep(0.3)

    def output(self):
        return self.guest.read(f"{self._at}.out").decode(errors="replace")

    def errors(self):
        return self.guest.read(f"{self._at}.err").decode(errors="replace")
