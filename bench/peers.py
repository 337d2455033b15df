#!/usr/bin/python3
"""strata beside DPDK's ipsec-secgw on the same devices, in one run: peers.py --strata FILE [--json FILE] ...

net_pcap plays a capture over and over, net_null takes what leaves. The programs take turns, round by round; each has
one core, ordinary memory, AES-128-GCM and no replay window, as the captures' sequence numbers come again. What is
counted is packets sent for each second of CPU time that the forwarding thread had, so that a busy machine shows less.
ipsec-secgw is built from Debian's source package into build/peers; it does no SRv6 and, in software, no ESP in UDP: its
packets are IPv4 in ESP, while strata's are IPv4 in IPv6 in ESP in UDP. testpmd only moves the frames that strata gets.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "replay"))

import gateway as g  # noqa: E402
from harness import capture_bytes  # noqa: E402

import measure  # noqa: E402

PACKETS = 256
SIZES = (64, 256, 512, 1024, 1400)
DIRECTIONS = ("in", "out")
OUT_KEY = g.octets(128, 20)
START_PATIENCE = 60  # seconds for a program's first line of statistics


# --- what is played, and how each program is told of it ---------------------------------------------------------------


def captures(folder):
    """wan: what strata gets, wan-plain: what ipsec-secgw gets, lan: both, by (kind, size)."""
    sa, plain = g.Sa(window=0), g.Sa(window=0, udp=None)
    for size in SIZES:
        inner = g.inner4(size)
        six = g.inner6(inner, src=sa.host())
        out = g.ether(g.inner4(size, src="10.1.0.2", dst="10.2.0.1"), dst=g.LAN_MAC, src=g.LAN_HOST_MAC)
        numbers = range(1, PACKETS + 1)
        frames = {
            "wan": [g.wrap(sa, sa.seal(n, six)) for n in numbers],
            "wan-plain": [g.wrap(plain, plain.seal(n, inner, next_header=g.IPV4)) for n in numbers],
            "lan": [out] * PACKETS,
        }
        for kind in frames:
            (folder / f"{kind}{size}.pcap").write_bytes(capture_bytes(frames[kind]))


def devices(kind, direction, size):
    """The devices of the wan and of the lan. A relative name: their arguments may be cut at 64 characters."""
    played, taken = f"net_pcap0,rx_pcap={kind}{size}.pcap,infinite_rx=1", "net_null0,no-rx=1"
    return (played, taken) if direction == "in" else (taken, played)


def strata_tree(wan, lan, core):
    # What 1400 octets become on the wan is more than 1500.
    mtu = 1600
    out = {
        "name": "to-b", "direction": "out", "spi": 0x2001, "source": "192.0.2.1", "destination": "192.0.2.254",
        "algorithm": "aes-128-gcm", "key": "hex:" + OUT_KEY.hex(),
        "udp_encap": {"source_port": 4500, "destination_port": 4500},
        "selectors": {"source": "fc00:1::/48", "destination": "fc00:2::/48"},
    }
    return {
        "ports": {
            "wan": {"device": wan, "mac": g.WAN_MAC, "addresses": ["192.0.2.1/24"], "side": "unprotected",
                    "mtu": mtu},
            "lan": {"device": lan, "mac": g.LAN_MAC, "addresses": ["10.1.0.1/24"], "side": "protected"},
        },
        "neighbors": [
            {"port": "wan", "address": "192.0.2.254", "mac": g.WAN_ROUTER_MAC},
            {"port": "lan", "address": "10.1.0.2", "mac": g.LAN_HOST_MAC},
        ],
        "ipsec": {"security_associations": [g.Sa(window=0).config(), out]},
        "state": {"unsafe_lab_without_state": True},
        "srv6": {
            "source": "fc00:1::1",
            "local_sids": [{"sid": "fc00:1::d4/128", "behavior": "End.DX4", "next_hop": "10.1.0.2", "port": "lan"}],
            "policies": [{"name": "to-b", "prefixes": ["10.2.0.0/16"], "segments": ["fc00:2::d4"],
                          "mode": "H.Encaps.Red"}],
        },
        "workers": {"cpus": [core]},
        "eal": {"hugepages": "never"},
    }


def secgw_rules():
    key = {name: ":".join(f"{octet:02x}" for octet in octets) for name, octets in
           (("in", g.Sa().keymat), ("out", OUT_KEY))}
    return f"""\
sp ipv4 out esp protect 8193 pri 1 dst 10.2.0.0/16 sport 0:65535 dport 0:65535
sp ipv4 in esp protect 4097 pri 1 dst 10.1.0.0/16 sport 0:65535 dport 0:65535
sa out 8193 aead_algo aes-128-gcm aead_key {key["out"]} mode ipv4-tunnel src 192.0.2.1 dst 192.0.2.254
sa in 4097 aead_algo aes-128-gcm aead_key {key["in"]} mode ipv4-tunnel src 192.0.2.2 dst 192.0.2.1
rt ipv4 dst 10.1.0.0/16 port 1
rt ipv4 dst 10.2.0.0/16 port 0
rt ipv4 dst 192.0.2.0/24 port 0
neigh port 0 {g.WAN_ROUTER_MAC}
neigh port 1 {g.LAN_HOST_MAC}
"""


def eal(name, lcores, wan, lan):
    return ["--no-huge", "--no-shconf", "-m", "512", "--no-pci", "--no-telemetry",
            "--file-prefix", f"peers-{name}-{os.getpid()}", "--lcores", lcores, "--vdev", wan, "--vdev", lan]


class Strata:
    """Its lines say how many packets a second since the line before, each with a time."""

    name = "strata"
    line = re.compile(r"^(\S+)Z port \w+: received \d+ packets/s \S+ Mbit/s, sent (\d+) packets/s")

    def __init__(self, options):
        self.options = options

    def command(self, direction, size):
        wan, lan = devices("wan" if direction == "in" else "lan", direction, size)
        config = self.options.folder / "strata.yaml"
        config.write_text(json.dumps(strata_tree(wan, lan, self.options.core)))
        return [str(self.options.strata), "run", config.name, "--stats", "1"]

    def counter(self, direction):
        port, total, before = ("lan" if direction == "in" else "wan"), 0, None

        def count(text):
            nonlocal total, before
            match = self.line.match(text) if f" port {port}: received" in text else None
            if not match:
                return None
            clock = match.group(1).partition("T")[2].split(":")
            now = int(clock[0]) * 3600 + int(clock[1]) * 60 + float(clock[2])
            total += 0 if before is None else int(match.group(2)) * ((now - before) % 86400)
            before = now
            return total

        return count


class Secgw:
    def __init__(self, options, name="ipsec-secgw", words=()):
        self.name, self.options, self.words = name, options, words

    def command(self, direction, size):
        wan, lan = devices("wan-plain" if direction == "in" else "lan", direction, size)
        (self.options.folder / "secgw.cfg").write_text(secgw_rules())
        return [
            str(self.options.secgw), *eal("secgw", f"0@{self.options.core}", wan, lan), "--vdev", "crypto_aesni_gcm0",
            "--", "-p", "3", "-u", "1", "-P", "-f", "secgw.cfg", "--config", "(0,0,0),(1,0,0)", "-t", "1", *self.words,
        ]

    def counter(self, _):
        def count(text):
            dropped = re.match(r"Total packets dropped:\s+(\d+)", text)
            if dropped and int(dropped.group(1)):
                sys.exit(f"{self.name} dropped {dropped.group(1)} packets: it does not do what it should")
            match = re.match(r"Total packets sent:\s+(\d+)", text)
            return int(match.group(1)) if match else None

        return count


class Testpmd:
    name = "testpmd (no work)"

    def __init__(self, options):
        self.options = options

    def command(self, direction, size):
        wan, lan = devices("wan" if direction == "in" else "lan", direction, size)
        lcores = f"0@{self.options.other_core},1@{self.options.core}"
        return ["dpdk-testpmd", *eal("testpmd", lcores, wan, lan), "--", "--forward-mode=io", "--auto-start",
                "--stats-period=1", "--no-lsc-interrupt", "--total-num-mbufs=8192"]

    def counter(self, _):
        def count(text):
            match = re.match(r"\s*TX-packets:\s+(\d+)", text)
            return int(match.group(1)) or None if match else None

        return count


# --- measuring --------------------------------------------------------------------------------------------------------


def thread_times(pid):
    """Nanoseconds of CPU time that each thread had."""
    times = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        times[task.name] = int((task / "schedstat").read_text().split()[0])
    return times


def surroundings(options):
    """EAL leaves a folder behind: here, not where the system has its own."""
    return {**os.environ, "RUNTIME_DIRECTORY": str(options.folder)}


def readings(process, count, seconds):
    """(packets so far, CPU times) at each line of statistics, the first one of a program that is warm."""
    found, said, until = [], [], time.monotonic() + START_PATIENCE
    for text in process.stdout:
        said.append(text)
        packets = count(text)
        if packets is not None:
            found.append((packets, thread_times(process.pid)))
            if len(found) == 2:
                until = time.monotonic() + seconds
        if len(found) > 2 and time.monotonic() >= until:
            return found[1:]
        if time.monotonic() > until + START_PATIENCE:
            break
    sys.exit(f"{process.args[0]} says no figures; what it said ends:\n" + "".join(said[-15:]))


def rate_of(program, direction, size, options):
    """Packets for each second of CPU time of the thread that forwards."""
    command = ["stdbuf", "-oL", *program.command(direction, size)]
    process = subprocess.Popen(command, cwd=options.folder, env=surroundings(options), stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    try:
        found = readings(process, program.counter(direction), options.seconds)
    finally:
        process.kill()
        process.wait()
    (first, before), (last, after) = found[0], found[-1]
    if last == first:
        sys.exit(f"{program.name} sent none of the packets of {size} octets, {direction}bound")
    busiest = max(after[thread] - before.get(thread, 0) for thread in after)
    return (last - first) / (busiest / 1e9)


def tsc_hz(options):
    """As DPDK measures it."""
    command = ["dpdk-testpmd", *eal("tsc", f"0@{options.core},1@{options.other_core}", "net_null0", "net_null1"),
               "--log-level=lib.eal:debug", "--", "--total-num-mbufs=8192"]
    done = subprocess.run(command, env=surroundings(options), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          errors="replace")
    match = re.search(r"TSC frequency is ~(\d+) KHz", done.stdout + done.stderr)
    if not match:
        sys.exit("dpdk-testpmd does not say the TSC's frequency:\n" + (done.stdout + done.stderr)[-1500:])
    return int(match.group(1)) * 1000


def results(programs, options):
    rates = {}
    for turn in range(options.rounds):
        for direction in DIRECTIONS:
            for size in options.sizes:
                for program in programs:
                    key = (program.name, direction, size)
                    rates.setdefault(key, []).append(rate_of(program, direction, size, options))
        print(f"round {turn + 1} of {options.rounds} is done", file=sys.stderr)
    hz = tsc_hz(options)
    found = []
    for (name, direction, size), seen in rates.items():
        cycles = sorted(hz / rate for rate in seen)
        found.append({"program": name, "direction": direction, "size": str(size),
                      "cycles": round(statistics.median(cycles), 1),
                      "mpps": round(hz / statistics.median(cycles) / 1e6, 2),
                      "spread": [round(cycles[0], 1), round(cycles[-1], 1)]})
    return found


# --- the peer ---------------------------------------------------------------------------------------------------------


def run(*command, cwd):
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{(done.stdout + done.stderr)[-2000:]}")
    return done.stdout


def dpdk_version():
    return run("dpkg-query", "-W", "-f", "${source:Version}", "libdpdk-dev", cwd=ROOT)


def fetch(folder, version):
    """Debian's source package of the DPDK that is installed, by lists of its own: the system's stay as they are."""
    codename = re.search(r"^VERSION_CODENAME=(\w+)", Path("/etc/os-release").read_text(), re.M).group(1)
    signed = "[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]"
    for name in ("lists", "cache"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "sources.list").write_text(
        f"deb-src {signed} http://deb.debian.org/debian {codename} main\n"
        f"deb-src {signed} http://deb.debian.org/debian-security {codename}-security main\n")
    options = [f"-oDir::Etc::sourcelist={folder}/sources.list", "-oDir::Etc::sourceparts=-",
               f"-oDir::State::lists={folder}/lists", f"-oDir::Cache={folder}/cache", "-oAPT::Sandbox::User="]
    run("apt-get", "-q", *options, "update", cwd=folder)
    run("apt-get", "-q", *options, "source", "--download-only", f"dpdk={version}", cwd=folder)


def build_secgw(folder):
    """With one line changed: it demands checksums of the receiving device, which net_pcap does not offer."""
    version = dpdk_version()
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / f"ipsec-secgw-{version}"
    if program.exists():
        return program
    print(f"building ipsec-secgw of dpdk {version} from Debian's source", file=sys.stderr)
    fetch(folder, version)
    archive = next(folder.glob("dpdk_*.orig.tar.xz"))
    run("tar", "-xJf", archive, "--strip-components=1", "--wildcards", "*/examples/ipsec-secgw/*",
        "*/examples/common/*", cwd=folder)
    sources = folder / "examples/ipsec-secgw"
    demand = ".offloads = RTE_ETH_RX_OFFLOAD_CHECKSUM,"
    text = (sources / "ipsec-secgw.c").read_text()
    if text.count(demand) != 1:
        sys.exit(f"ipsec-secgw of dpdk {version} is not the one that is known here: {demand!r} is not in it once")
    (sources / "ipsec-secgw.c").write_text(text.replace(demand, ""))
    flags = {kind: run("pkg-config", f"--{kind}", "libdpdk", cwd=folder).split() for kind in ("cflags", "libs")}
    run("gcc", "-O3", "-w", "-DALLOW_EXPERIMENTAL_API", "-I../common", *flags["cflags"], "-march=native",
        *sorted(path.name for path in sources.glob("*.c")), "-o", program, *flags["libs"], cwd=sources)
    return program


# --- the command ------------------------------------------------------------------------------------------------------


def cpu_name():
    return re.search(r"^model name\s*:\s*(.*)", Path("/proc/cpuinfo").read_text(), re.M).group(1)


def table(found, sizes):
    """Lines of text: programs down, sizes across."""
    lines = []
    for direction in DIRECTIONS:
        lines += ["", f"TSC cycles a packet, {direction}bound, by octets of inner IPv4"]
        lines.append(f"{'':24}" + "".join(f"{size:>22}" for size in sizes))
        for name in dict.fromkeys(row["program"] for row in found):
            rows = {row["size"]: row for row in found if (row["program"], row["direction"]) == (name, direction)}
            cells = [rows[str(size)] for size in sizes]
            lines.append(f"{name:24}" + "".join(
                f"{row['cycles']:>8.0f} ({row['spread'][0]:.0f} - {row['spread'][1]:.0f})".rjust(22) for row in cells))
    return "\n".join(lines)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--strata", type=Path, default=ROOT / "build/release/strata")
    parser.add_argument("--build", type=Path, default=ROOT / "build/peers", help="where the peer and the captures go")
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2, help="that each program is measured for in a round")
    parser.add_argument("--sizes", type=lambda text: [int(size) for size in text.split(",")], default=list(SIZES))
    options = parser.parse_args()
    if unknown := set(options.sizes) - set(SIZES):
        parser.error(f"sizes are of {', '.join(map(str, SIZES))}, not {', '.join(map(str, sorted(unknown)))}")
    return options


def main():
    options = arguments()
    allowed = sorted(os.sched_getaffinity(0))
    options.core, options.other_core = allowed[-1], allowed[0]
    options.strata = options.strata.resolve()
    options.build = options.build.resolve()
    options.secgw = build_secgw(options.build)
    options.folder = options.build / "run"
    options.folder.mkdir(exist_ok=True)
    captures(options.folder)
    programs = [Strata(options), Secgw(options), Secgw(options, "ipsec-secgw, librte_ipsec", ("-l",)), Testpmd(options)]
    found = results(programs, options)
    print(table(found, options.sizes))
    if options.json:
        whole = {"cpu": cpu_name(), "dpdk": dpdk_version(), "rounds": options.rounds, "results": found}
        options.json.write_text(measure.text(whole))


if __name__ == "__main__":
    main()
