"""`strata show drops --last`: what the last packets of each cause began with, and who may see it."""

import json
import re

import jsonschema
import pytest

import journeys
from asking import until
from test_methods import METHODS
from users import AS_ROOT, NOBODY, let_in, rows_as_nobody, strata_as_nobody

import gateway as g

from scapy.layers.inet import ICMP, IP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.ipsec import ESP
from scapy.layers.l2 import Ether

SA = journeys.inbound_sa(0)
SECRET = bytes(range(0x10, 0x40))  # g.inner4's data: what is inside


def sealed(seq, dst="fc00:1::d4", spi=None):
    six = g.inner6(g.inner4(120, src="10.2.0.2", seq=seq), src="fc00:2::2", dst=dst)
    return six, g.wrap(SA, (spi or SA.spi).to_bytes(4, "big") + SA.seal(seq, six)[4:])


OPENED = dict(sealed(seq, dst="fc00:1::d5") for seq in range(1, 7))
BROKEN = [frame[:60] + bytes([frame[60] ^ 1]) + frame[61:] for _, frame in map(sealed, range(11, 17))]
UNKNOWN = [sealed(seq, spi=0x9999)[1] for seq in range(21, 27)]
NO_ROUTE = [g.ether(g.inner4(200, src="10.1.0.2", dst="172.31.0.1", ident=n), dst=g.LAN_MAC, src=g.LAN_HOST_MAC)
            for n in range(6)]
CAUSES = {"sr6.no_sid", "esp.auth_failed", "esp.no_sa", "ip4.no_route"}


def configuration(place, **control):
    played = [*OPENED.values(), *BROKEN, *UNKNOWN]
    tree = place.configuration(wan=place.played(played), lan=place.played(NO_ROUTE, number=1))
    tree["control"].update(control)
    return tree


def last(place):
    """By cause: its rows, each held against the schema."""
    rows = json.loads(place.show("drops", "--last", "--json").stdout)
    jsonschema.Draft7Validator(METHODS["show.last_drops"]["result"]["schema"]["properties"]["items"]).validate(rows)
    return {cause: [row for row in rows if row["cause"] == cause] for cause in {row["cause"] for row in rows}}


def octets(row):
    return bytes.fromhex(row["octets"])


@pytest.fixture(scope="module")
def dropping(tmp_path_factory):
    from asking import Place

    place = Place(tmp_path_factory.mktemp("dropping"))
    with place.running(configuration(place)) as strata:
        until(lambda: last(place), lambda rows: CAUSES <= set(rows) and all(len(rows[cause]) == 4 for cause in CAUSES))
        yield place
        strata.stop()


def test_what_was_opened(dropping):
    """Whole IPv6 packets, octet by octet, while they go on being dropped."""
    for _ in range(20):
        rows = last(dropping)["sr6.no_sid"]
        assert rows and [row["age"] for row in rows] == sorted(row["age"] for row in rows)
        for row in rows:
            (six,) = [six for six in OPENED if six[:96] == octets(row)]
            assert (row["stage"], row["begins"], row["length"], row["withheld"]) == ("Ip6", "ipv6", len(six), 0)
            assert (row["port"], row["worker"], row["fate"]) == ("wan", 0, "dropped")
            assert IPv6(octets(row)).dst == "fc00:1::d5"
            assert "is no local SID" in row["why"] and re.fullmatch(r"\d{4}-.*Z", row["time"])


def test_of_a_wrong_icv_nothing_but_what_came_in_clear(dropping):
    """Duty 13, for root too: neither what was deciphered nor what it was wiped with."""
    heads = [bytes(Ether(frame)[UDP].payload)[:16] for frame in BROKEN]
    for row in last(dropping)["esp.auth_failed"]:
        assert octets(row) in heads and ESP(octets(row)).spi == SA.spi
        assert (row["stage"], row["begins"], row["withheld"]) == ("EspIn", "esp", 0)
        assert row["length"] == len(bytes(Ether(BROKEN[0])[UDP].payload))


def test_what_nobody_opened(dropping):
    for row in last(dropping)["esp.no_sa"]:
        assert octets(row) in [frame[14:110] for frame in UNKNOWN]
        assert IP(octets(row)).src == journeys.peer(0)
        assert (row["stage"], row["begins"], row["withheld"]) == ("Host", "ipv4", 0)


def test_what_an_icmp_error_answered(dropping):
    """It ends although something leaves in its buffer; it is shown as it came."""
    rows = last(dropping)["ip4.no_route"]
    for row in rows:
        assert octets(row) in [frame[14:110] for frame in NO_ROUTE], row
        assert (IP(octets(row)).dst, row["port"], row["stage"]) == ("172.31.0.1", "lan", "Refused")
        assert ICMP in IP(octets(row))


@AS_ROOT
def test_who_has_not_the_right_sees_what_the_wire_showed(dropping):
    let_in(dropping)
    rows = rows_as_nobody(dropping, "show", "drops", "--last")
    assert {row["cause"] for row in rows} >= CAUSES
    for row in rows:
        if row["cause"] in ("sr6.no_sid", "ip4.no_route"):
            assert (row["octets"], row["withheld"]) == ("", 96), row
        else:
            assert row["octets"] and row["withheld"] == 0, row
    said = strata_as_nobody(dropping, "show", "drops", "--last").stdout
    assert "96 octets are not for you" in said and "spi 0x00009999 seq 2" in said
    assert "fc00:1::d5" not in said and "172.31.0.1" not in said
    assert SECRET[:8].hex() not in said.replace(" ", "")


@AS_ROOT
def test_the_group_that_has_the_right(place):
    with place.running(configuration(place, payload_group=str(NOBODY))) as strata:
        until(lambda: last(place), lambda rows: CAUSES <= set(rows))
        let_in(place)
        rows = rows_as_nobody(place, "show", "drops", "--last")
        assert all(row["octets"] and row["withheld"] == 0 for row in rows)
        assert {octets(row) for row in rows if row["cause"] == "sr6.no_sid"} <= {six[:96] for six in OPENED}
        strata.stop()


def test_a_group_that_is_not_there(place):
    said = place.starts_not(configuration(place, payload_group="no-such-group"))
    assert "control.payload_group: this machine has no group 'no-such-group'; `groupadd` makes one" in said


def test_for_people(dropping):
    said = dropping.show("drops", "--last").stdout
    cause, packet, dump = said[said.index("sr6.no_sid"):].splitlines()[:3]
    assert cause == "sr6.no_sid, dropped: the IPv6 destination is no local SID and no address of this host"
    assert re.fullmatch(r"  \d+\.\d s ago, from wan, worker 0, at Ip6, 160 octets: fc00:2::2 > fc00:1::d5: .*", packet)
    assert packet.split("::d5: ")[1].startswith("10.2.0.2 > 10.1.0.2 ICMP echo request")
    assert dump.startswith("  0000  60 00 00 00 00 78 04 40  fc 00 00 02")
    assert "at EspIn, 196 octets: ESP spi 0x00001000 seq 1" in said and "ESP-in-UDP 4500 spi 0x00009999 seq 2" in said
    causes = re.findall(r"^\S+, \w+: ", said, re.MULTILINE)
    assert len(causes) >= len(CAUSES) and said.count("\n\n") == len(causes) - 1
    # One that is written just then is left out.
    assert said.count(" s ago, ") <= 4 * len(causes)


def test_nothing_has_ended(running):
    assert running.show("drops", "--last").stdout == "no packet has ended but by being sent\n"
    assert running.show("ports", "--last").returncode == 2
