"""A Linux guest that is an IPsec and SRv6 gateway: Debian's kernel, iproute2, ping, nft, tcpdump."""

import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "guest"))

from guest import CACHE, Guest, GuestError, Image, Missing, kernel, require  # noqa: E402

__all__ = ["GuestError", "Missing", "boot", "moved", "sa_packets", "xfrm_counters"]

# In the order of need: the parts of an algorithm before those that look for them.
MODULES = (
    *("ctr", "sha512-generic", "gcm", "ghash-generic", "ghash-clmulni-intel", "aesni-intel", "drbg", "seqiv"),
    *("chacha_generic", "poly1305_generic", "chacha20poly1305"),
    *("esp4", "esp6", "xfrm_user", "xfrm_interface", "virtio_pci", "virtio_net", "veth", "vrf"),
    *("nf_conntrack", "nf_tables", "nft_ct"),
)
PROGRAMS = {
    "/bin/ip": "iproute2",
    "/bin/ping": "iputils-ping",
    "/usr/sbin/nft": "nftables",
    "/usr/bin/tcpdump": "tcpdump",
}


def image(flavour="cloud-amd64"):
    """The file system, with this directory's scripts in its root."""
    for path, package in PROGRAMS.items():
        if not Path(path).exists():
            raise Missing(f"{path} is not there (Debian's package {package})")
    made = Image(kernel(flavour), modules=MODULES, programs=PROGRAMS)
    made.add(espinudp(), "/usr/bin/espinudp")
    made.write("/etc/passwd", "root:x:0:0::/root:/bin/sh\ntcpdump:x:1:1::/:/bin/sh\n")
    made.write("/etc/group", "root:x:0:\ntcpdump:x:1:\n")
    for script in sorted(HERE.glob("*.sh")):
        made.add(script, f"/{script.name}")
    return made


def espinudp():
    """The program that opens UDP port 4500 to ESP, compiled."""
    require("gcc")
    source, program = HERE / "espinudp.c", CACHE / "espinudp"
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        made = subprocess.run(["gcc", "-static", "-O2", "-Wall", "-Werror", "-o", program, source],
                              capture_output=True, text=True)
        if made.returncode != 0:
            raise Missing(f"gcc cannot make a static program (Debian's package libc6-dev): {made.stderr}")
    return program


def boot(**options):
    """A started guest, for `with`; options as Guest's."""
    return Prepared(image(), **options)


class Prepared(Guest):
    """A guest with its modules loaded; all its commands are this room's shell functions or plain ones."""

    def __enter__(self):
        super().__enter__()
        self.check("mkdir -p /run/netns && for m in {}; do modprobe $m || exit 1; done".format(" ".join(MODULES)))
        return self

    def version(self):
        """As `6.1.192-2`: Debian's, which `uname -v` ends with."""
        return re.search(r"Debian (\S+)", self.check("uname -v")).group(1)


    def echo_requests(self, namespace):
        """ICMP echo requests that were taken in there."""
        lines = [line.split() for line in self.check(f"ip netns exec {namespace} cat /proc/net/snmp").splitlines()]
        names, values = [line for line in lines if line[0] == "Icmp:"]
        return int(values[names.index("InEchos")])


def xfrm_counters(text):
    """What /proc/net/xfrm_stat says, without what is zero."""
    return {name: int(value) for name, value in re.findall(r"^(Xfrm\w+)\s+(\d+)$", text, re.M) if int(value)}


def sa_packets(text, spi):
    """Packets that an SA has carried, as `ip -s xfrm state` says; 0 when there is no such SA."""
    for state in re.split(r"^(?=src )", text, flags=re.M):
        if f"spi {spi:#010x}" in state:
            return int(re.search(r"lifetime current:\s+\d+\(bytes\), (\d+)\(packets\)", state).group(1))
    return 0


def moved(before, after):
    """By how much counters moved, without those that did not."""
    return {name: after[name] - before.get(name, 0) for name in after if after[name] != before.get(name, 0)}
