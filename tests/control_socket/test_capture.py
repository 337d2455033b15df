"""`strata capture`: what comes out of the file, by scapy and tshark, against what scapy made of the packets."""

import json
import re
import resource
import signal
import subprocess
import time
from collections import namedtuple

import jsonschema
import pytest

import journeys
from asking import Place, until
from running import PATIENCE, program
from test_last_drops import BROKEN, NO_ROUTE, OPENED, SECRET, configuration, sealed
from test_methods import EVENTS
from users import AS_ROOT, let_in, say_as_nobody, strata_as_nobody

import gateway as g
from harness import causes

from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.ipsec import ESP
from scapy.layers.l2 import Ether
from scapy.utils import RawPcapNgReader

GOOD = dict(sealed(seq) for seq in range(31, 37))
OUTBOUND, OUTBOUND_INNERS = journeys.outbound(16)
WAN = [*GOOD.values(), *BROKEN, *OPENED.values()]
LAN = [*OUTBOUND, *NO_ROUTE]
ETHERNET, RAW_IP, EXPORTED_PDU = 1, 101, 252
IN, OUT = 1, 2

Packet = namedtuple("Packet", "octets link length port comment direction")


def tshark(path, *words):
    done = subprocess.run(["tshark", "-r", path, *words], capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def read(path):
    """The octets by scapy; what stands beside them by tshark."""
    fields = ["frame.len", "frame.interface_name", "frame.comment", "frame.packet_flags_direction"]
    lines = tshark(path, "-T", "fields", *(word for field in fields for word in ("-e", field)))
    packets = list(RawPcapNgReader(str(path)))
    assert len(packets) == len(lines)
    packets = [Packet(octets, meta.linktype, *line.split("\t")) for (octets, meta), line in zip(packets, lines)]
    return [packet._replace(length=int(packet.length), direction=int(packet.direction or "0", 16))
            for packet in packets]


def command(place, *words):
    return [program(), "capture", *words, "--socket", str(place.socket)]


def captured(place, *words, count):
    """The file, with as many packets as were asked for."""
    path = place.folder / "captured.pcapng"
    done = subprocess.run(command(place, *words, "--count", str(count), path), capture_output=True, text=True,
                          timeout=PATIENCE)
    assert (done.returncode, done.stdout) == (0, ""), done
    assert done.stderr == f"strata capture: {count} packets captured, 0 lost: as many as --count says\n"
    return path


def capture(place, *words, count):
    packets = read(captured(place, *words, count=count))
    assert len(packets) == count
    return packets


def octets(place, *words, count, link=RAW_IP):
    """Of the packets, which are of one kind."""
    packets = list(RawPcapNgReader(str(captured(place, *words, count=count))))
    assert len(packets) == count and {meta.linktype for _, meta in packets} == {link}
    return {octets for octets, _ in packets}


@pytest.fixture(scope="module")
def passing(tmp_path_factory):
    place = Place(tmp_path_factory.mktemp("passing"))
    tree = configuration(place)
    tree["ports"]["wan"]["device"] = place.played(WAN)
    tree["ports"]["lan"]["device"] = place.played(LAN, number=1)
    with place.running(tree) as strata:
        yield place
        assert strata.stop()["received"] > 1000


# --- places -----------------------------------------------------------------------------------------------------------


def test_as_they_arrive(passing):
    """Each port's frames in the order that they were played in, none left out."""
    packets = capture(passing, "--at", "rx", count=400)
    for port, played in ("wan", WAN), ("lan", LAN):
        mine = [packet for packet in packets if packet.port == port]
        order = [played.index(packet.octets) for packet in mine]
        assert set(order) == set(range(len(played)))
        assert all(after == (before + 1) % len(played) for before, after in zip(order, order[1:]))
        assert {(packet.link, packet.comment, packet.direction) for packet in mine} == {(ETHERNET, "", IN)}
        assert all(packet.length == len(packet.octets) for packet in mine)


def test_sealed_and_opened(passing):
    """Before esp_open nothing is readable, behind it the packets that scapy sealed are there octet by octet."""
    sealed_ones = capture(passing, "--at", "EspIn", count=60)
    name = b"\0\x0c\0\4esp\0" + bytes(4)
    texts = {bytes(Ether(frame)[UDP].payload) for frame in WAN}
    assert {packet.octets for packet in sealed_ones} == {name + text for text in texts}
    assert {packet.link for packet in sealed_ones} == {EXPORTED_PDU}
    assert set(tshark(passing.folder / "captured.pcapng", "-T", "fields", "-e", "esp.spi")) == {"0x00001000"}
    opened = capture(passing, "--at", "Ip6", count=60)
    assert {packet.octets for packet in opened} == {*GOOD, *OPENED}
    assert {(packet.link, packet.port, packet.direction) for packet in opened} == {(RAW_IP, "wan", IN)}
    assert set(tshark(passing.folder / "captured.pcapng", "-T", "fields", "-e", "ipv6.dst")) == {
        "fc00:1::d4", "fc00:1::d5"}


@pytest.mark.parametrize("place, expected", [
    ("Host", {frame[14:] for frame in WAN}),
    ("Sr6", set(GOOD)),
    ("Ip4", {six[40:] for six in GOOD} | {frame[14:] for frame in LAN}),
    ("Steered", {g.forwarded(inner) for inner in OUTBOUND_INNERS}),
    ("Refused", {frame[14:] for frame in NO_ROUTE}),
])
def test_places_between(passing, place, expected):
    assert octets(passing, "--at", place, count=120) == expected


def test_as_they_leave(passing):
    """On the lan what was inside, on the wan what scapy opens; and the ICMP errors back to the lan."""
    packets = capture(passing, "--at", "tx", count=400)
    assert {(packet.link, packet.direction) for packet in packets} == {(ETHERNET, OUT)}
    wan = [journeys.open_with_scapy(packet.octets) for packet in packets if packet.port == "wan"]
    assert {inner for _, _, inner in wan} == {g.forwarded(inner) for inner in OUTBOUND_INNERS}
    lan = {packet.octets for packet in packets if packet.port == "lan"}
    assert lan >= {g.on_lan(six[40:]) for six in GOOD}
    assert {IP(frame[14:]).src for frame in lan} <= {"10.2.0.2", "10.1.0.1"}


def test_several_workers(place):
    """Of two SAs that two workers have: opened by each of them, sent by the one that sends by that port."""
    frames, expected = journeys.inbound(16)
    with place.running(place.configuration(wan=place.played(frames), workers={"count": 2})) as strata:
        for n in 0, 1:
            opened = octets(place, "--at", "Ip6", "--filter", f"ip6 src fc00:2:{n}::2", count=20)
            assert {IPv6(packet).dst for packet in opened} == {"fc00:1::d4"} and len(opened) == 2
            left = octets(place, "--at", "tx", "--filter", f"src host 10.2.{n}.2", count=20, link=ETHERNET)
            assert left == set(expected[n::journeys.PEERS])
        strata.stop()


# --- where packets end ------------------------------------------------------------------------------------------------


def test_drops_have_their_cause_as_comment(passing):
    """By tshark, in one file: what no SID takes, what no route leads to, what is not authentic."""
    packets = capture(passing, "--at", "drop", count=300)
    by_cause = {}
    for packet in packets:
        cause, at, why = re.fullmatch(r"(\S+) at (\w+): (.+)", packet.comment).groups()
        by_cause.setdefault((cause, at, packet.port, packet.link), set()).add(packet.octets)
    assert by_cause == {
        ("sr6.no_sid", "Ip6", "wan", RAW_IP): set(OPENED),
        ("ip4.no_route", "Refused", "lan", RAW_IP): {frame[14:] for frame in NO_ROUTE},
        ("esp.auth_failed", "EspIn", "wan", EXPORTED_PDU): by_cause["esp.auth_failed", "EspIn", "wan", EXPORTED_PDU],
    }


def test_of_a_wrong_icv_there_is_no_text(passing):
    """Duty 13, for root too: SPI, number and IV, and how long the packet was."""
    packets = capture(passing, "--at", "drop", "--cause", "esp.auth_failed", count=50)
    heads = {bytes(Ether(frame)[UDP].payload)[:16] for frame in BROKEN}
    assert {packet.octets[12:] for packet in packets} == heads
    assert all(ESP(head).spi == 0x1000 for head in heads)
    whole = len(bytes(Ether(BROKEN[0])[UDP].payload))
    assert {packet.length for packet in packets} == {12 + whole}
    assert {packet.comment for packet in packets} == {
        "esp.auth_failed at EspIn: the ICV is wrong: altered on the way, or not the peer's key"}


def test_a_cause_that_is_no_drop(place):
    """Those that are consumed are captured when they are asked for by name."""
    keepalive = g.ether(g.udp4(b"\xff", src=journeys.peer(0)))
    with place.running(place.configuration(wan=place.played([keepalive]))) as strata:
        assert octets(place, "--at", "drop", "--cause", "esp.nat_keepalive", count=3) == {keepalive[14:]}
        strata.stop()


# --- which of them, how many, how much --------------------------------------------------------------------------------


def test_filters(passing):
    """Of frames, of IP packets, and of both where both end."""
    seq_32 = ("--filter", "udp[12:4] = 32")
    assert octets(passing, "--at", "rx", *seq_32, count=5, link=ETHERNET) == {sealed(32)[1]}
    assert octets(passing, "--at", "Ip6", "--filter", "dst host fc00:1::d5", count=30) == set(OPENED)
    packets = capture(passing, "--at", "drop", "--filter", "net 172.31.0.0/16", count=30)
    assert {packet.comment.split()[0] for packet in packets} == {"ip4.no_route"}


def test_no_more_octets_than_asked_for(passing):
    packets = capture(passing, "--at", "Sr6", "--snaplen", "50", count=30)
    assert {packet.octets for packet in packets} == {six[:50] for six in GOOD}
    assert {packet.length for packet in packets} == {160}


def test_so_long_and_nothing_came(passing):
    path = passing.folder / "empty.pcapng"
    done = subprocess.run(command(passing, "--at", "Fragment", "--seconds", "1", path), capture_output=True, text=True,
                          timeout=PATIENCE)
    assert (done.returncode, done.stderr) == (0, "strata capture: 0 packets captured, 0 lost: --seconds are over\n")
    assert tshark(path) == [] and path.stat().st_mode & 0o777 == 0o600


# --- whom it is written for -------------------------------------------------------------------------------------------


def test_into_tshark(passing):
    pipe = f"'{program()}' capture --at rx --count 12 --socket '{passing.socket}' - | tshark -r - -T fields -e ip.dst"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", pipe], capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0 and "12 packets captured" in done.stderr, done
    assert len(done.stdout.splitlines()) == 12 and "192.0.2.1" in done.stdout


def test_it_is_interrupted(passing):
    """What was captured until then is in the file, each packet from when it came; and the file has an end."""
    path = passing.folder / "interrupted.pcapng"
    with subprocess.Popen(command(passing, "--at", "Ip6", path), stderr=subprocess.PIPE, text=True) as process:
        until(lambda: path.exists() and len(path.read_bytes()) > 5000)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=PATIENCE)[1]
    assert process.returncode == 0
    captured, lost = re.fullmatch(
        r"strata capture: (\d+) packets captured, (\d+) lost.*: it was interrupted\n", said).groups()
    assert len(tshark(path)) == int(captured) > 10
    octets = path.read_bytes()
    statistics = octets[-int.from_bytes(octets[-4:], "little"):]
    assert statistics[:4] == b"\5\0\0\0"
    assert b"\4\0\x08\0" + int(captured).to_bytes(8, "little") in statistics
    assert b"\5\0\x08\0" + int(lost).to_bytes(8, "little") in statistics


def test_nobody_reads_any_more(passing):
    """Though nothing comes that would be written."""
    for place in "rx", "Fragment":
        with subprocess.Popen(command(passing, "--at", place, "-"), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=False) as process:
            process.stdout.read(28)
            process.stdout.close()
            said = process.stderr.read().decode()
            assert process.wait(PATIENCE) == 0
        assert said.endswith(": nobody reads standard output any more\n"), said


def test_the_disk_is_full(passing):
    """The file ends behind the last packet that fits."""
    path = passing.folder / "full.pcapng"
    room = 20_000

    def with_a_small_disk():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))

    done = subprocess.run(command(passing, "--at", "rx", path), capture_output=True, text=True, timeout=PATIENCE,
                          preexec_fn=with_a_small_disk, restore_signals=False)
    assert done.returncode == 1 and f": {path}: File too large" in done.stderr, done
    captured = int(re.match(r"strata capture: (\d+) packets captured", done.stderr).group(1))
    assert len(read(path)) == captured > 20 and room - 2000 < path.stat().st_size <= room
    done = subprocess.run(command(passing, "--at", "rx", "/dev/full"), capture_output=True, text=True, timeout=PATIENCE)
    assert (done.returncode, done.stderr) == (1, "strata capture: /dev/full: No space left on device\n")


def test_the_gateway_ends(place):
    path = place.folder / "ended.pcapng"
    with place.running(place.configuration(wan=place.played(WAN))) as strata:
        with subprocess.Popen(command(place, "--at", "rx", path), stderr=subprocess.PIPE, text=True) as process:
            until(lambda: path.exists() and len(path.read_bytes()) > 5000)
            strata.stop()
            said = process.communicate(timeout=PATIENCE)[1]
    assert process.returncode == 1 and "the gateway ended" in said, said
    assert len(tshark(path)) == int(re.match(r"strata capture: (\d+)", said).group(1))


# --- the protocol -----------------------------------------------------------------------------------------------------


def test_events_are_as_documented(passing):
    with passing.client() as client:
        assert client.ask("capture", at="drop", count=40) == {"payload": True}
        for _ in range(40):
            name, event = client.event()
            assert name == "capture"
            jsonschema.Draft7Validator(EVENTS["capture"]).validate(event)
            assert event["cause"] in causes() and abs(event["time_ns"] / 1e9 - time.time()) < PATIENCE
        name, end = client.event()
        assert name == "capture_end" and end["packets"] == 40
        jsonschema.Draft7Validator(EVENTS["capture_end"]).validate(end)


def test_one_at_a_time_and_it_ends_with_its_client(passing):
    with passing.client() as one, passing.client() as other:
        assert one.ask("capture", at="Frame") == {"payload": True}
        assert other.refused("capture", at="Frame")["code"] == -32006
        assert other.ask("capture.stop") == {"stopped": False}
        assert other.ask("trace", count=1) == {"payload": True}  # beside it
        while other.event()[0] != "trace_end":
            pass
        assert one.event()[0] == "capture"
        # All that was captured, then the end, then the answer.
        assert one.ask("capture.stop") == {"stopped": True}
        names = [one.event()[0]]
        while names[-1] != "capture_end":
            names.append(one.event()[0])
        assert one.is_silent(0.5) and set(names[:-1]) <= {"capture"}
        assert one.ask("capture", at="Frame") == {"payload": True}
    with passing.client() as other:
        until(lambda: "result" in other.call("capture", at="Frame", count=1))


def test_who_does_not_read_loses_packets_and_nobody_else(passing):
    """All that went by was told or is counted."""
    with passing.client() as slow, passing.client() as other:
        def carried():
            return other.rows("show.ports")[0]["received"]

        slow.ask("capture", at="Frame")
        before = carried()
        went_by = until(carried, lambda now: now > before + 5000) - before
        assert slow.ask("capture.stop") == {"stopped": True}
        events = [slow.event()]
        while events[-1][0] != "capture_end":
            events.append(slow.event())
    end = events[-1][1]
    assert end["packets"] == len(events) - 1 > 0 and end["packets"] + end["lost"] >= went_by


def test_what_is_wrong_is_said(passing):
    def said(code, *words):
        done = subprocess.run(command(passing, *words), capture_output=True, text=True, timeout=PATIENCE)
        assert (done.returncode, done.stdout) == (code, ""), done
        return done.stderr

    assert "Frame,Arp,Host,EspIn,Ip6" in said(2, "--at", "nowhere", "x.pcapng")
    assert "--at is required" in said(2, "x.pcapng")
    assert "--filter 'udp prt 4500': " in said(2, "--at", "rx", "--filter", "udp prt 4500", "x.pcapng")
    assert "capture at rx or Host" in said(2, "--at", "EspIn", "--filter", "udp", "x.pcapng")
    assert "--cause goes with `--at drop` alone" in said(2, "--at", "rx", "--cause", "esp.no_sa", "x.pcapng")
    assert "no such cause" in said(1, "--at", "drop", "--cause", "esp.nothing", "x.pcapng")
    missing = passing.folder / "nowhere/x.pcapng"
    assert said(1, "--at", "rx", missing) == f"strata capture: {missing}: No such file or directory\n"
    with passing.client() as client:
        assert "at 'drop' alone" in client.refused("capture", at="Frame", cause="esp.no_sa")["message"]
        assert "jumps or reads" in client.refused("capture", at="Frame", filter="1,5 0 0 9")["message"]
        assert "jumps or reads" in client.refused("capture", at="Ip6", filter_ip="1,5 0 0 9")["message"]


# --- who may ----------------------------------------------------------------------------------------------------------


def captured_by_nobody(place, *words):
    folder = place.folder / "of-nobody"
    folder.mkdir(exist_ok=True)
    folder.chmod(0o777)
    path = folder / "captured.pcapng"
    path.unlink(missing_ok=True)
    done = strata_as_nobody(place, "capture", *words, path)
    assert done.returncode == 0, done
    assert "what an SA has opened or is to seal is left out: be root, or in the group of control.payload_group" in \
        done.stderr
    octets = path.read_bytes()
    for inside in (SECRET[:16], bytes.fromhex("fc000001"), OUTBOUND_INNERS[0][12:20]):
        assert inside not in octets
    return read(path)


@AS_ROOT
def test_who_has_not_the_right_is_refused_what_is_inside(passing):
    let_in(passing)
    done = strata_as_nobody(passing, "capture", "--at", "Ip6", "/dev/null")
    assert done.returncode == 1 and "packets at Ip6 may be what an SA has opened" in done.stderr, done
    assert "control.payload_group" in done.stderr
    asked = "".join(json.dumps({"jsonrpc": "2.0", "method": "capture", "params": {"at": place}, "id": place}) + "\n"
                    for place in ("Sr6", "Ip4", "Steered", "Sr6Out", "Local", "Fragment", "Refused", "Made", "Oversize",
                                  "Unresolved"))
    for line in say_as_nobody(passing, asked):
        assert json.loads(line)["error"]["code"] == -32008, line


@AS_ROOT
def test_who_has_not_the_right_sees_the_wire(passing):
    """Of the unprotected side: as it arrives, before it is opened, and as it leaves."""
    let_in(passing)
    packets = captured_by_nobody(passing, "--at", "rx", "--count", "60")
    assert {packet.octets for packet in packets} == set(WAN) and {packet.port for packet in packets} == {"wan"}
    packets = captured_by_nobody(passing, "--at", "tx", "--count", "60")
    assert {packet.port for packet in packets} == {"wan"}
    assert {journeys.open_with_scapy(packet.octets)[2] for packet in packets} <= {
        g.forwarded(inner) for inner in OUTBOUND_INNERS}
    packets = captured_by_nobody(passing, "--at", "EspIn", "--count", "60")
    assert {packet.port for packet in packets} == {"wan"}


@AS_ROOT
def test_who_has_not_the_right_sees_causes_alone(passing):
    """And a filter sees no more: its answer would tell."""
    let_in(passing)
    packets = captured_by_nobody(passing, "--at", "drop", "--count", "100")
    withheld = {"sr6.no_sid": (0, "160 octets are not for whoever captured"), "ip4.no_route": (0, "200 octets"),
                "esp.auth_failed": (28, "")}
    assert {packet.comment.split()[0] for packet in packets} == set(withheld)
    for packet in packets:
        octets, said = withheld[packet.comment.split()[0]]
        assert len(packet.octets) == octets and said in packet.comment
    done = strata_as_nobody(passing, "capture", "--at", "drop", "--filter", "ip6", "--seconds", "1", "/dev/null")
    assert done.returncode == 0 and "0 packets captured, 0 lost" in done.stderr
