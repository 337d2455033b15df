"""However `strata run` ends, the next start uses no nonce of a key again, and the peer takes what it sends.

net_pcap plays hosts' packets over and over, and writes into a file what leaves; no network and no rights are needed.
STRATA_KILLS says how often a gateway under load is killed: 25 times unless said.
"""

import hashlib
import os
import random
import re
import shutil
import signal
import struct
import subprocess
import time
from array import array
from pathlib import Path

import pytest
import yaml
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

import journeys
from running import PATIENCE, Running, program
from test_endless import NO_RIGHTS

import gateway as g
from harness import capture_bytes

KILLS = int(os.environ.get("STRATA_KILLS", "25"))
LONGEST = 0.8  # seconds to the kill
PLAIN, ESN = 0x2000, 0x2002  # the SPIs: with 32 bits of sequence number, and with 64
NUMBERS = "sequence-numbers"
FIRST = {PLAIN: 0, ESN: 0}
SOME_PACKETS = 1 << 16  # octets of a capture
IP_UDP = 14 + 20 + 8  # octets in front of ESP


def configuration(folder, sent):
    """Two SAs that seal what the LAN's hosts send over and over."""
    frames, _ = journeys.outbound(3, (64,))
    (folder / "lan.pcap").write_bytes(capture_bytes(frames[::2]))  # of the two SAs in turns, of one size
    tree = journeys.configuration(
        {"device": f"net_pcap1,tx_pcap={sent}", "mac": g.WAN_MAC},
        {"device": f"net_pcap0,rx_pcap={folder}/lan.pcap,infinite_rx=1", "mac": g.LAN_MAC},
    )
    for sa in tree["ipsec"]["security_associations"]:
        sa["esn"] = sa["spi"] == ESN
    return {**tree, "eal": {"hugepages": "never"}}


class Flow:
    """What a capture has of one SA: the numbers in the order they left, the first packet and the last."""

    def __init__(self):
        self.lows, self.ivs, self.first, self.last = array("I"), array("Q"), None, None

    def add(self, lows, ivs, first, last):
        self.lows.extend(lows)
        self.ivs.extend(ivs)
        self.first, self.last = self.first or first, last


def flows_of(path):
    """By SPI. A million packets a second: of those that leave in turns the numbers are taken out all at once."""
    flows = {PLAIN: Flow(), ESN: Flow()}
    data, at = path.read_bytes() if path.exists() else b"", 24
    while at + 16 <= len(data):
        stride = 16 + struct.unpack_from("<I", data, at + 8)[0]
        if at + stride > len(data):
            break
        if data[at + 28 : at + 30] == b"\x08\x00":  # the gateway says its addresses by ARP, too
            end = at + in_turns(data, at, stride) * stride
            for begin in (at, at + stride):
                if begin < end:
                    add_turns(flows, data, begin, end, 2 * stride)
            at = end
        else:
            at += stride
    return flows


def column(data, begin, end, step, width):
    """The numbers of so many octets that stand at `begin` and each `step` octets on."""
    octets = bytearray(len(range(begin, end, step)) * width)
    for n in range(width):
        octets[width - 1 - n :: width] = data[begin + n : end : step]
    return array({4: "I", 8: "Q"}[width], bytes(octets))


def in_turns(data, at, stride):
    """How many whole packets of this size follow one another, the SAs in turns."""
    count = (len(data) - at) // stride
    seen = [column(data, at + place, at + count * stride, stride, 4) for place in (8, 16 + IP_UDP)]
    two = [part[:2] * (count // 2 + 1) for part in (seen[0][:1] * 2, seen[1])]
    return next((i for i, (now, usual) in enumerate(zip(zip(*seen), zip(*two))) if now != usual), count)


def add_turns(flows, data, begin, end, step):
    esp, whole = begin + 16 + IP_UDP, 16 + struct.unpack_from("<I", data, begin + 8)[0]
    last = begin + (end - 1 - begin) // step * step
    lows, ivs = column(data, esp + 4, end, step, 4), column(data, esp + 8, end, step, 8)
    flows[struct.unpack_from(">I", data, esp)[0]].add(
        lows, ivs, data[esp : begin + whole], data[last + 16 + IP_UDP : last + whole])


def reserved(state):
    """The numbers of a state file, by their keys' tags."""
    path = state / NUMBERS
    lines = path.read_text().splitlines() if path.exists() else []
    return {line.split()[1]: int(line.split()[2]) for line in lines if line.startswith("key ")}


class Peer:
    """What the other gateway knows: the keys, and the highest number it has taken of each SA."""

    def __init__(self):
        self.highest = dict(FIRST)
        self.keys = {0x2000 + n: journeys.outbound_sa(n).keymat for n in (0, 2)}

    def number_of(self, spi, low):
        """RFC 4303 appendix A2.1, of what is beyond the window: the high half that it must have."""
        if spi == PLAIN:
            return low
        high = self.highest[spi] >> 32
        return (high + (low < self.highest[spi] & 0xFFFFFFFF)) << 32 | low

    def opens(self, spi, number, esp):
        """With the key and the number as this end makes it out; InvalidTag if it is another."""
        aad = esp[:4] + (struct.pack("!Q", number) if spi == ESN else esp[4:8])
        text = AESGCM(self.keys[spi][:-4]).decrypt(self.keys[spi][-4:] + esp[8:16], esp[16:], aad)
        assert text[-1] == g.IPV6

    def takes(self, path):
        """Every packet of a capture has a number above all before it, and so an IV that no packet had; of each SA the
        first and the last are opened. Returns the first number and the count of each SA."""
        first, count = {}, {}
        for spi, flow in flows_of(path).items():
            count[spi] = len(flow.ivs)
            if not flow.ivs:
                continue
            number = first[spi] = self.number_of(spi, flow.lows[0])
            assert number > self.highest[spi], (hex(spi), number, self.highest)
            assert flow.ivs == array("Q", range(number, number + count[spi])), f"{spi:#x}: IVs out of order"
            assert flow.lows == array("I", (iv & 0xFFFFFFFF for iv in flow.ivs)), f"{spi:#x}: numbers are not the IVs"
            self.opens(spi, number, flow.first)
            self.highest[spi] = number + count[spi] - 1
            self.opens(spi, self.highest[spi], flow.last)
        return first, count


def holds_packets(capture):
    return capture.exists() and capture.stat().st_size > SOME_PACKETS


def killed(folder, sent, dice):
    """A gateway that is killed some time after its start; or, if the first of the dice says so, after its first packets
    have left. What it said."""
    config = folder / "gateway.yaml"
    config.write_text(yaml.safe_dump({"state": {"directory": "state"}, **configuration(folder, sent)}, sort_keys=False))
    scratch = folder / "scratch"  # what EAL would leave in /tmp
    scratch.mkdir()
    with open(folder / "log", "w") as log:
        strata = subprocess.Popen([*NO_RIGHTS, program(), "run", config], stdin=subprocess.DEVNULL, stderr=log,
                                  stdout=subprocess.DEVNULL, env={**os.environ, "TMPDIR": str(scratch)})
    end = time.monotonic() + PATIENCE
    while dice[0] and not holds_packets(sent) and strata.poll() is None:
        assert time.monotonic() < end, (folder / "log").read_text()
        time.sleep(0.01)
    time.sleep(dice[1])
    strata.kill()
    assert strata.wait() == -signal.SIGKILL, (folder / "log").read_text()
    shutil.rmtree(scratch)
    return (folder / "log").read_text()


def test_killed_under_load_it_repeats_no_nonce(tmp_path):
    state, sent, peer = tmp_path / "state", tmp_path / "sent.pcap", Peer()
    dice, before, loaded, packets = random.Random(), {}, 0, 0
    for kill in range(KILLS):
        sent.unlink(missing_ok=True)
        under_load = kill % 4 != 0
        said = killed(tmp_path, sent, (under_load, dice.uniform(0, LONGEST)))
        first, count = peer.takes(sent)
        assert first or not under_load, said
        after = reserved(state)
        assert all(after[key] >= number for key, number in before.items()), (kill, before, after)
        # What the file said is the last that may have been sent: also of what the capture lost when it was killed.
        assert all(number - 1 in before.values() for number in first.values() if before), (kill, before, first)
        assert all(number == 0 or any(number <= kept for kept in after.values()) for number in peer.highest.values())
        loaded += bool(first)
        packets += sum(count.values())
        if " running;" in said:
            assert "0 keys begin at 1" in said if before else "8 keys begin at 1" in said
        before = after
    print(f"{KILLS} kills, {loaded} of them while packets were sent, {packets} packets; "
          f"numbers up to {sorted(peer.highest.values())}")


def start(folder, sent=None):
    return Running(configuration(folder, sent or folder / "sent.pcap"), folder, within=NO_RIGHTS)


def test_ended_in_order_it_wastes_no_number(tmp_path):
    peer, highest = Peer(), dict(FIRST)
    for _ in range(3):
        with start(tmp_path) as strata:
            time.sleep(0.2)
            strata.stop()
        first, count = peer.takes(tmp_path / "sent.pcap")
        assert first == {spi: number + 1 for spi, number in highest.items()}
        highest = {spi: highest[spi] + count[spi] for spi in highest}
        assert peer.highest == highest
        assert sorted(reserved(tmp_path / "state").values())[-2:] == sorted(highest.values())


def test_another_key_begins_at_one(tmp_path):
    with start(tmp_path) as strata:
        strata.stop()
    tree = configuration(tmp_path, tmp_path / "sent.pcap")
    out = next(sa for sa in tree["ipsec"]["security_associations"] if sa["spi"] == PLAIN)
    out["key"] = "hex:" + os.urandom(20).hex()
    with Running(tree, tmp_path, within=NO_RIGHTS) as strata:
        strata.stop()
    assert "7 keys go on behind what they had reserved, 1 key begins at 1" in strata.log()
    assert flows_of(tmp_path / "sent.pcap")[PLAIN].lows[0] == 1


def test_an_upgrade_goes_on_where_it_was(tmp_path, state):
    """With a file of version 1, which has no lives of keys."""
    title, *lines, _ = (state / NUMBERS).read_text().splitlines()
    assert title == "strata sequence numbers 2"
    lines = [" ".join(line.split()[:3]) if line.startswith("key ") else line for line in lines]
    old = "\n".join(["strata sequence numbers 1", *lines, ""])
    (state / NUMBERS).write_text(f"{old}end {len(lines) - 1} {hashlib.sha256(old.encode()).hexdigest()}\n")
    before = reserved(state)
    with Running(with_lifetime(tmp_path, PLAIN, hard={"seconds": 3600}), tmp_path, within=NO_RIGHTS) as strata:
        strata.stop()
    assert "8 keys go on behind what they had reserved, 0 keys begin at 1" in strata.log()
    assert "lifetime is over" not in strata.log()
    flows = flows_of(tmp_path / "sent.pcap")
    assert max(before.values()) > 0 and {flow.ivs[0] - 1 for flow in flows.values()} <= set(before.values())
    assert all(after >= before[key] for key, after in reserved(state).items())


# --- lifetimes --------------------------------------------------------------------------------------------------------


def with_lifetime(folder, spi, **lifetime):
    tree = configuration(folder, folder / "sent.pcap")
    next(sa for sa in tree["ipsec"]["security_associations"] if sa["spi"] == spi)["lifetime"] = lifetime
    return tree


def test_a_hard_lifetime_in_packets_holds_to_the_packet_and_over_starts(tmp_path):
    tree = with_lifetime(tmp_path, ESN, soft={"packets": 700}, hard={"packets": 1000})
    for start_number in range(2):
        with Running(tree, tmp_path, within=NO_RIGHTS) as strata:
            strata.wait_for("SA to-2: its hard lifetime is over (1000 of 1000 packets), and it carries nothing")
            report = strata.stop()
        assert report["dropped"]["esp.expired"] > 0 and set(report["dropped"]) == {"esp.expired"}
        assert len(flows_of(tmp_path / "sent.pcap")[ESN].ivs) == (1000 if start_number == 0 else 0)
        assert len(flows_of(tmp_path / "sent.pcap")[PLAIN].ivs) > 1000, "the other SA goes on"


@pytest.mark.parametrize("limit", ["bytes", "seconds"])
def test_a_hard_lifetime_is_the_keys_and_not_the_starts(tmp_path, limit):
    tree = with_lifetime(tmp_path, PLAIN, hard={limit: 1})
    with Running(tree, tmp_path, within=NO_RIGHTS) as strata:
        strata.wait_for(re.compile(rf"SA to-0: its hard lifetime is over \(\d+ of 1 {limit}\)"))
        strata.stop()
    first = len(flows_of(tmp_path / "sent.pcap")[PLAIN].ivs)
    with Running(tree, tmp_path, within=NO_RIGHTS) as strata:
        strata.wait_for("SA to-0: its hard lifetime is over")
        assert strata.stop()["dropped"]["esp.expired"] > 0
    assert not flows_of(tmp_path / "sent.pcap")[PLAIN].ivs, "over before the start: not even for a moment"
    with Running(with_lifetime(tmp_path, PLAIN), tmp_path, within=NO_RIGHTS) as strata:
        time.sleep(0.2)
        strata.stop()
    assert flows_of(tmp_path / "sent.pcap")[PLAIN].ivs[0] == first + 1, "with a longer life it goes on where it was"


def test_an_inbound_sa_ends_too(tmp_path):
    frames, _ = journeys.inbound(1)
    (tmp_path / "wan.pcap").write_bytes(capture_bytes(frames))
    tree = configuration(tmp_path, tmp_path / "sent.pcap")
    tree["ports"]["wan"]["device"] = f"net_pcap1,rx_pcap={tmp_path}/wan.pcap,infinite_rx=1"
    tree["ports"]["lan"]["device"] = "net_null0,no-rx=1"
    tree["ipsec"]["security_associations"][0].update(replay_window=0, lifetime={"hard": {"packets": 5000}})
    with Running(tree, tmp_path, within=NO_RIGHTS) as strata:
        strata.wait_for("audit esp.expired: port wan, SPI 0x1000, 192.0.2.10 > 192.0.2.1")
        report = strata.stop()
    assert re.search(r"SA from-0: its hard lifetime is over \(\d+ of 5000 packets\)", strata.log())
    assert report["steps"]["end_dx4"] >= 5000 and set(report["dropped"]) == {"esp.expired"}


# --- where no state can be kept ---------------------------------------------------------------------------------------


def refusal(folder, state, within=NO_RIGHTS):
    """The last line of a start that fails."""
    config = folder / "refused.yaml"
    config.write_text(yaml.safe_dump({**configuration(folder, folder / "none.pcap"), "state": state}))
    done = subprocess.run([*within, program(), "run", config], capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 1 and done.stdout == "", done.stderr
    assert not any(flow.ivs for flow in flows_of(folder / "none.pcap").values())
    return done.stderr.splitlines()[-1]


NEEDED = "strata run: an outbound SA needs a state that outlives the process: "
NEW_KEYS = "give every outbound SA a new key, then remove the file"


@pytest.fixture
def state(tmp_path):
    """A folder with the state of an earlier start."""
    with start(tmp_path) as strata:
        strata.stop()
    return tmp_path / "state"


@pytest.mark.parametrize("change, said", [
    (lambda text: text[:-1], "damaged (its end is missing), so that nobody knows which nonces were used: "),
    (lambda text: text[: len(text) // 2], "damaged ("),
    (lambda text: "", "damaged (it does not begin as one of strata's)"),
    (lambda text: text.replace(" 0\n", " 1\n", 1), "damaged (its checksum is not that of its lines)"),
    (lambda text: text.replace("numbers 2", "numbers 9", 1), "of version 9, and this strata knows versions 1 and 2: "),
], ids=["last octet", "half", "empty", "a number", "version"])
def test_a_file_that_cannot_be_believed_is_refused(tmp_path, state, change, said):
    file = state / NUMBERS
    text = file.read_text()
    file.write_text(change(text))
    line = refusal(tmp_path, {"directory": str(state)})
    assert line.startswith(f"{NEEDED}{file} is {said}") and line.endswith(NEW_KEYS)
    file.write_text(text)
    with start(tmp_path) as strata:
        strata.stop()


def test_one_folder_is_one_gateways(tmp_path, state):
    with start(tmp_path) as strata:
        line = refusal(tmp_path, {"directory": str(state)})
        strata.stop()
    assert line == (f"{NEEDED}{state} is in use by another strata; end that one, or give this one a state.directory of "
                    "its own")


def test_a_folder_without_rights(tmp_path):
    place = tmp_path / "place"
    place.mkdir(mode=0o500)
    line = refusal(tmp_path, {"directory": f"{place}/state"})
    assert re.fullmatch(re.escape(f"{NEEDED}{place}/state cannot be made: Permission denied; make one that is this "
                                  "user's own (install -d -m 0700 -o ") + rf"\d+ {place}/state\), "
                        r"or name another one in state\.directory", line), line


def test_a_folder_that_others_may_write(tmp_path, state):
    state.chmod(0o777)
    line = refusal(tmp_path, {"directory": str(state)})
    assert line == f"{NEEDED}{state} may be written to by others; allowed: its owner alone (chmod go-w {state})"


def test_a_full_disk(tmp_path, state):
    """A limit on the size of files stands for it: what is new does not fit, what was there stays."""
    before = (state / NUMBERS).read_text()
    limited = [*NO_RIGHTS, "prlimit", "--fsize=100"]
    line = refusal(tmp_path, {"directory": str(state)}, within=["env", "--ignore-signal=XFSZ", *limited])
    assert line == (f"{NEEDED}{state / NUMBERS}.new: File too large; make room or rights for it, "
                    "or name another folder in state.directory")
    assert (state / NUMBERS).read_text() == before


def test_a_lab_that_says_so_keeps_none(tmp_path):
    lab = {"state": {"unsafe_lab_without_state": True}}
    for _ in range(2):
        with Running({**configuration(tmp_path, tmp_path / "sent.pcap"), **lab}, tmp_path, within=NO_RIGHTS) as strata:
            time.sleep(0.2)
            strata.stop()
        assert "no state is kept (state.unsafe_lab_without_state)" in strata.log()
        assert Peer().takes(tmp_path / "sent.pcap")[0] == {PLAIN: 1, ESN: 1}
    assert not Path(tmp_path / "state").exists()


def test_a_gateway_that_seals_nothing_keeps_none(tmp_path):
    tree = configuration(tmp_path, tmp_path / "sent.pcap")
    sas = tree["ipsec"]["security_associations"]
    tree["ipsec"]["security_associations"] = [sa for sa in sas if sa["direction"] == "in"]
    with Running(tree, tmp_path, within=NO_RIGHTS) as strata:
        strata.stop()
    assert "sequence numbers" not in strata.log() and not Path(tmp_path / "state").exists()
