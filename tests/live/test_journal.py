"""What `strata run` says where standard error is systemd's journal: the same sentences, with fields."""

import contextlib
import os
import socket
import struct
import subprocess

import pytest
import yaml

import journeys
import netns
from running import PATIENCE, Running, program
from test_service import NULL

import gateway as g
from harness import capture_bytes

pytestmark = pytest.mark.skipif(netns.why_not() is not None, reason=str(netns.why_not()))


def fields_of(entry):
    """As systemd's JOURNAL_NATIVE_PROTOCOL says: NAME=value, or the name, eight octets of length and the value."""
    fields = {}
    while entry:
        line, entry = entry.split(b"\n", 1)
        if b"=" in line:
            name, value = line.split(b"=", 1)
        else:
            name, (size,), entry = line, struct.unpack("<Q", entry[:8]), entry[8:]
            value, entry = entry[:size], entry[size + 1 :]
        fields[name.decode()] = value.decode()
    return fields


class Journal:
    """In a /run of the gateway's own; standard error is the journal when its file's number is said."""

    def __init__(self, folder):
        self.run, self.errors = folder / "run", folder / "errors"
        (self.run / "systemd/journal").mkdir(parents=True, exist_ok=True)
        self.errors.touch()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(self.run / "systemd/journal/socket"))
        self._socket.settimeout(PATIENCE)

    def within(self):
        status = os.stat(self.errors)
        return ["env", f"JOURNAL_STREAM={status.st_dev}:{status.st_ino}",
                "unshare", "--mount", "sh", "-c", f'mount --bind {self.run} /run && exec "$@"', "sh"]

    def read_until(self, sentence):
        entries = [fields_of(self._socket.recv(1 << 16))]
        while sentence not in entries[-1]["MESSAGE"]:
            entries.append(fields_of(self._socket.recv(1 << 16)))
        return entries


@contextlib.contextmanager
def told(journal, tree, folder):
    """By a gateway that runs: its process."""
    config = folder / "gateway.yaml"
    config.write_text(yaml.safe_dump({**tree, "state": {"directory": "state"}}))
    with open(journal.errors, "w") as errors:
        command = [*journal.within(), program(), "run", config, "--json"]
        strata = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors)
    try:
        yield strata
    finally:
        strata.kill()
        strata.wait()


def test_what_is_audited_has_its_fields(tmp_path):
    """RFC 4303 section 4.4: of each peer's broken packet SPI, addresses and number, to be looked for one by one."""
    frames, _ = journeys.inbound(4)
    (tmp_path / "broken.pcap").write_bytes(capture_bytes([frame[:-1] + bytes([frame[-1] ^ 1]) for frame in frames]))
    wan = {"device": f"net_pcap0,rx_pcap={tmp_path}/broken.pcap,infinite_rx=1", "mac": g.WAN_MAC}
    tree = journeys.configuration(wan, {"device": "net_null0,no-rx=1", "mac": g.LAN_MAC}, eal={"hugepages": "never"})
    journal = Journal(tmp_path)
    with told(journal, tree, tmp_path):
        entry = journal.read_until("audit esp.auth_failed")[-1]
    n = int(entry["SPI"], 16) - 0x1000
    assert 0 <= n < 4 and entry == {
        "MESSAGE": f"audit esp.auth_failed: port wan, SPI 0x{0x1000 + n:x}, {journeys.peer(n)} > 192.0.2.1, sequence 1",
        "SYSLOG_IDENTIFIER": "strata", "PRIORITY": "5", "CAUSE": "esp.auth_failed", "PORT": "wan", "SPI": entry["SPI"],
        "SOURCE": journeys.peer(n), "DESTINATION": "192.0.2.1", "SEQUENCE": "1"}


def test_lines_have_fields_in_the_journal(tmp_path):
    journal = Journal(tmp_path)
    with told(journal, NULL, tmp_path) as strata:
        entries = journal.read_until("running;") + journal.read_until("port b: link is up")
        strata.terminate()
        entries += journal.read_until("ending")
        assert strata.wait(PATIENCE) == 0, journal.errors.read_text()
    by_sentence = {entry["MESSAGE"]: entry for entry in entries}
    link = next(entry for sentence, entry in by_sentence.items() if sentence.startswith("port a: link is up"))
    assert link == {"MESSAGE": link["MESSAGE"], "SYSLOG_IDENTIFIER": "strata", "PRIORITY": "6", "PORT": "a",
                    "LINK": "up"}
    # The journal knows the time, and has the sentence once.
    assert not any("running;" in line or "link is" in line for line in journal.errors.read_text().splitlines())


def test_without_the_journal_all_goes_to_standard_error(tmp_path):
    """JOURNAL_STREAM was inherited from somebody whose standard error it was, or the journal is away."""
    with Running(NULL, tmp_path, within=["env", "JOURNAL_STREAM=1:1"]) as strata:
        strata.stop()
    journal = Journal(tmp_path / "away")
    (journal.run / "systemd/journal/socket").unlink()
    (tmp_path / "log").touch()
    status = os.stat(tmp_path / "log")
    within = [*journal.within(), "env", f"JOURNAL_STREAM={status.st_dev}:{status.st_ino}"]
    with Running(NULL, tmp_path, within=within) as strata:
        strata.stop()
