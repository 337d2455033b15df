"""docs/troubleshooting.md: each of its faults is brought about, and its commands print the lines that it quotes."""

import dataclasses
import os
import pathlib
import re
import shlex
import subprocess

import pytest

import journeys
from asking import NO_RIGHTS, Place, until
from running import PATIENCE, Running, program

import gateway as g

PAGE = (pathlib.Path(__file__).resolve().parents[2] / "docs/troubleshooting.md").read_text()
LARGE, SMALL = [[g.ether(g.inner4(size, src="10.1.0.2", dst="10.2.0.2"), dst=g.LAN_MAC, src=g.LAN_HOST_MAC)]
                for size in (1500, 84)]
FAKETIME = sorted(pathlib.Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))  # Debian's libfaketime
# AddressSanitizer asks for the time in the middle of an allocation, and libfaketime allocates when it is asked first.
IN_2040 = ["FAKETIME=@2040-01-01 12:00:00", "FAKETIME_DONT_FAKE_MONOTONIC=1",
           f"ASAN_OPTIONS={os.environ.get('ASAN_OPTIONS', '')}:allocator_release_to_os_interval_ms=-1"]


def faults_of(page):
    """By title: the commands, each with the lines that it is said to print."""
    faults = {}
    for section in page.split("\n## ")[1:]:
        title, _, text = section.partition("\n")
        commands = faults[title] = {}
        for line in re.findall(r"^    (.+)$", text, re.MULTILINE):
            if line.startswith("$ "):
                lines = commands[line.removeprefix("$ ")] = []
            else:
                lines.append(line)
    return faults


FAULTS = faults_of(PAGE)


def pattern_of(line):
    """N is a number, ... is any text; columns may be wider."""
    words = re.sub(r"\bN\b", "[0-9.]+", re.escape(line).replace(r"\.\.\.", ".*"))
    return re.compile(r"\s*" + re.sub(r"(\\ )+", r"\\s+", words) + r"\s*")


def says(line, output):
    return any(pattern_of(line).fullmatch(said) for said in output.splitlines())


def ask(place, command, patience=PATIENCE):
    words = shlex.split(command)
    assert words[0] == "strata", command
    done = subprocess.run([program(), *words[1:], "--socket", place.socket], capture_output=True, text=True,
                          timeout=patience)
    assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout


def look(place, title):
    for command, lines in FAULTS[title].items():
        until(lambda: ask(place, command), lambda output: all(says(line, output) for line in lines))


def sealed(n, *, seq=1, sa=None, spi=None, src=None, dst="fc00:1::d4", size=84):
    """From the nth peer, all right but for what is said."""
    sa = sa or journeys.inbound_sa(n)
    six = g.inner6(g.inner4(size, src=f"10.2.{n}.2", seq=seq), src=src or f"fc00:2:{n:x}::2", dst=dst)
    return g.wrap(sa, (spi or sa.spi).to_bytes(4, "big") + sa.seal(seq, six)[4:])


def other(n, **changed):
    return dataclasses.replace(journeys.inbound_sa(n), **changed)


# One of each peer, so that no fault hides another one.
PACKETS = {
    "Wrong key": [sealed(2, sa=other(2, key_from=99))],
    "Wrong SPI": [sealed(3, spi=0x9999)],
    "A NAT changed the port": [sealed(4, sa=other(4, udp=(61000, 4500)))],
    "The selectors do not match": [sealed(5, src="fc00:9::2")],
    "No such SID": [sealed(6, dst="fc00:1::d5")],
    "The next hop does not answer ARP": [sealed(7, dst="fc00:1::d6")],
    "The packets are too large": [],  # from the lan
    "The sequence numbers are old": [sealed(1, seq=5000), sealed(1, seq=1)],
}


@pytest.fixture(scope="module")
def troubled(tmp_path_factory):
    place = Place(tmp_path_factory.mktemp("troubled"))
    wan = [frame for frames in PACKETS.values() for frame in frames]
    tree = place.configuration(wan=place.played(wan), lan=place.played(LARGE, number=1))
    tree["srv6"]["local_sids"].append(
        {"sid": "fc00:1::d6/128", "behavior": "End.DX4", "next_hop": "10.1.0.9", "port": "lan"})
    tree["ipsec"]["security_associations"][1]["replay_window"] = 64
    with place.running(tree) as strata:
        yield place
        strata.stop()


@pytest.mark.parametrize("title", PACKETS)
def test_a_fault_that_packets_have(troubled, title):
    look(troubled, title)


def test_the_clock(place):
    """A key is begun by a clock that is right, and gone on with by one that is years ahead."""
    assert FAKETIME, "apt-get install libfaketime"
    tree = place.configuration(lan=place.played(SMALL))
    to_0 = next(sa for sa in tree["ipsec"]["security_associations"] if sa["name"] == "to-0")
    to_0["lifetime"] = {"hard": {"seconds": 86400}}
    with place.running(tree) as strata:
        until(lambda: ask(place, "strata show sas"), lambda output: " mature " in output)
        strata.stop()
    with Running(tree, place.folder, within=["env", f"LD_PRELOAD={FAKETIME[0]}", *IN_2040, *NO_RIGHTS]) as strata:
        look(place, "The clock is wrong")
        strata.stop()


def test_an_overloaded_worker(place):
    """All that one worker receives is the other one's to open."""
    frames = [sealed(n, size=1300) for n in range(journeys.PEERS) if n % 2]
    with place.running(place.configuration(wan=place.played(frames), workers={"count": 2})) as strata:
        look(place, "A worker is overloaded")
        strata.stop()


def test_without_a_fault_none_is_found(running):
    """What a command prints of a gateway that is well is not what gives a fault away: of each, one line is missing."""
    shows = {command for commands in FAULTS.values() for command in commands if is_show(command)}
    output = {command: ask(running, command) for command in shows}
    for title, commands in FAULTS.items():
        if "NAT" in title:
            continue
        shown = [says(line, output[command]) for command in commands if is_show(command) for line in commands[command]]
        assert not all(shown), title
    (nat,) = [command for command in FAULTS["A NAT changed the port"] if not is_show(command)]
    with pytest.raises(subprocess.TimeoutExpired) as waited:
        ask(running, nat, patience=2)
    assert not waited.value.stdout


def is_show(command):
    return command.startswith("strata show ")


def test_the_page_has_ten_faults_and_each_is_tested():
    assert set(FAULTS) == {*PACKETS, "The clock is wrong", "A worker is overloaded"} and len(FAULTS) == 10
    for title, commands in FAULTS.items():
        assert 1 <= len(commands) <= 3 and all(commands.values()), title
