"""What tcpdump saw on a wire, and what is to be said of it: is anything of the packets inside readable, does a number
come twice."""

import re
import signal
import struct
import subprocess
import time
from collections import Counter
from pathlib import Path

from network import PATIENCE

HEADERS = 96  # Ethernet, IPv4, UDP, ESP with its IV
ETHERNET, FILE_HEAD, RECORD_HEAD = 14, 24, 16
ARP, IPV4 = 0x0806, 0x0800
UDP, ESP_PORT = 17, 4500


class Capture:
    """tcpdump on an interface for as long as the `with` block lasts. headers_alone: the rest of a frame is left out."""

    def __init__(self, namespace, interface, path, *, headers_alone=False):
        self.path, self.headers_alone = Path(path), headers_alone
        self._log = self.path.with_suffix(".log")
        # -Z: tcpdump would become another user, who cannot write here. -B: KiB, for the time it is not given a core.
        self._command = [*namespace.prefix, "tcpdump", "-Z", "root", "-n", "-U", "-B", "65536",
                         "-s", str(HEADERS if headers_alone else 0), "-i", interface, "-w", str(self.path)]
        self._process = None

    def __enter__(self):
        with open(self._log, "w") as log:
            self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            until = time.monotonic() + PATIENCE
            while "listening on" not in self._log.read_text():
                assert self._process.poll() is None, f"tcpdump ended: {self._log.read_text().strip()}"
                assert time.monotonic() < until, f"tcpdump does not begin: {self._log.read_text().strip()}"
                time.sleep(0.02)
        except BaseException:
            self._end(signal.SIGKILL)
            raise
        return self

    def __exit__(self, *_):
        self._end(signal.SIGTERM)

    def _end(self, how):
        self._process.send_signal(how)
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def unseen(self):
        """Frames that came while tcpdump had no room for them."""
        dropped = re.search(r"(\d+) packets dropped by kernel", self._log.read_text())
        assert dropped, f"tcpdump did not end as it should: {self._log.read_text().strip()}"
        return int(dropped[1])

    def decoded(self, count, *words):
        """The first frames, as tcpdump tells them."""
        done = subprocess.run(["tcpdump", "-n", "-t", "-r", str(self.path), "-c", str(count), *words], text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert done.returncode == 0, f"tcpdump does not read {self.path}: {done.stderr.strip()}"
        return done.stdout


def frames(path):
    """Of a pcap file as tcpdump writes it on this machine: microseconds, little endian."""
    data = memoryview(Path(path).read_bytes())
    magic, *_, link = struct.unpack_from("<IHHiIII", data)
    assert magic == 0xA1B2C3D4 and link == 1, f"{path} is not tcpdump's capture of an Ethernet"
    at = FILE_HEAD
    while at + RECORD_HEAD <= len(data):
        length = struct.unpack_from("<I", data, at + 8)[0]
        yield bytes(data[at + RECORD_HEAD : at + RECORD_HEAD + length])
        at += RECORD_HEAD + length


# --- what is readable -------------------------------------------------------------------------------------------------


def readable(frame, secrets):
    """Which of the secrets (octets, by name) stand in the frame as they are."""
    return [name for name, octets in secrets.items() if octets in frame]


def turns(pattern, octets=8):
    """Whatever part of a repeated pattern a frame has, one of these is in it."""
    return [(pattern + pattern)[i : i + octets] for i in range(len(pattern))]


# --- the numbers of ESP -----------------------------------------------------------------------------------------------


class Numbers:
    """Sequence numbers and IVs of the frames between the gateways, and what else was between them."""

    def __init__(self):
        self.sequence = Counter()  # (SPI, number)
        self.iv = Counter()  # (SPI, IV)
        self.others = Counter()  # what a frame is that is neither ESP in UDP nor ARP

    def add(self, frame):
        ethertype = int.from_bytes(frame[12:14], "big")
        if ethertype == ARP:
            return
        esp = esp_in_udp(frame) if ethertype == IPV4 else None
        if esp is None:
            self.others[described(frame, ethertype)] += 1
            return
        spi, number = esp[:4], esp[4:8]
        self.sequence[spi, number] += 1
        self.iv[spi, esp[8:16]] += 1

    def repeated(self):
        """Each number that came more than once, in words."""
        told = []
        for kind, counter in (("sequence number", self.sequence), ("IV", self.iv)):
            told += [f"SPI {spi.hex()}: {kind} {number.hex()} came {count} times"
                     for (spi, number), count in counter.items() if count > 1]
        return told

    def by_spi(self):
        return Counter(spi.hex() for spi, _ in self.sequence)


def esp_in_udp(frame):
    """The ESP packet, from its SPI on; None when there is none."""
    udp = ETHERNET + 4 * (frame[ETHERNET] & 15)
    whole = frame[ETHERNET + 6 : ETHERNET + 8] in (b"\x40\x00", b"\x00\x00")
    if not whole or frame[ETHERNET + 9] != UDP or len(frame) < udp + 24:
        return None
    source, destination = struct.unpack_from("!HH", frame, udp)
    spi = frame[udp + 8 : udp + 12]
    return frame[udp + 8 :] if source == destination == ESP_PORT and spi != bytes(4) else None


def described(frame, ethertype):
    if ethertype != IPV4:
        return f"ethertype {ethertype:04x}"
    return f"IPv4 protocol {frame[ETHERNET + 9]}, not ESP in UDP"
