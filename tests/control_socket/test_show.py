"""`strata show` as a person meets it: tables, --json, and a sentence when nobody answers."""

import json
import os
import re
import socket
import subprocess

import pytest
import yaml

import journeys
from asking import KEYS, until
from running import program

TABLES = ["ports", "workers", "sas", "sids", "policies", "routes", "neighbors", "stages", "drops", "mtu"]


def show(place, *words, **named):
    done = place.show(*words, **named)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


def table(place, what):
    """The lines below the head, each as the words that two spaces part; and the head."""
    head, *lines = [re.split(r"  +", line.strip()) for line in show(place, what).splitlines()]
    return head, lines


@pytest.mark.parametrize("what", TABLES)
def test_json_is_the_rows(running, what):
    rows = json.loads(show(running, what, "--json"))
    with running.client() as client:
        asked = client.rows("show." + what)
    assert len(rows) == len(asked) and all(set(row) == set(asked[0]) for row in rows)


@pytest.mark.parametrize("what", TABLES)
def test_columns_stand_below_each_other(running, what):
    """Each column of numbers ends, each of text begins, at one place in all lines."""
    lines = show(running, what).splitlines()
    if len(lines) == 1:
        assert lines == ["no packet has ended but by being sent"] and what == "drops"
        return
    for word in re.finditer(r"\S+(?: \S+)*", lines[0]):
        begins = all(line[word.start() - 1 : word.start()] in (" ", "") and line[word.start()] != " " for line in lines)
        last, after = slice(word.end() - 1, word.end()), slice(word.end(), word.end() + 1)
        ends = all(line[last] not in (" ", "") and line[after] in (" ", "") for line in lines)
        assert begins or ends, (word.group(), lines)


@pytest.mark.parametrize("what", [*TABLES, "config"])
def test_neither_colors_nor_keys(running, what):
    for words in ([what], [what, "--json"]):
        said = show(running, *words).lower()
        assert "\x1b" not in said
        assert not [key for key in KEYS if key[:16] in said or key[-8:] in said]


def test_sas(running):
    sas = lambda: json.loads(show(running, "sas", "--json"))  # noqa: E731
    until(sas, lambda rows: all(row["sequence"] == 30 for row in rows[:8]))
    head, lines = table(running, "sas")
    assert head == ["SA", "dir", "SPI", "peer", "encap", "algorithm", "ESN", "window", "packets", "bytes", "sequence",
                    "left", "worker", "state", "lifetime left"]
    assert lines[1][:8] == ["from-1", "in", "0x1001", "192.0.2.11", "udp 4500>4500", "aes-128-gcm", "no", "0"]
    assert lines[1][10:] == ["30", str(2**32 - 1 - 30), "0", "mature", "-"]
    assert lines[9] == ["to-1", "out", "0x2001", "192.0.2.11", "udp 4500>4500", "aes-128-gcm", "no", "-", "0", "0", "0",
                        str(2**32 - 1), "0", "mature", "-"]


def test_ports_routes_neighbors(running):
    assert table(running, "ports")[1][0][:2] == ["wan", "unprotected"]
    assert table(running, "ports")[1][1][-2:] == ["10.1.0.1/24", "net_null1,no-rx=1"]
    assert table(running, "routes")[1][0] == ["192.0.2.0/24", "connected", "dev wan"]
    assert table(running, "routes")[1][2] == ["10.2.0.0/24", "policy", "policy to-0"]
    assert table(running, "neighbors")[1][0] == [journeys.peer(0), "wan", journeys.peer_mac(0), "permanent"]


def test_mtu_is_as_strata_check_prints_it(running):
    checked = subprocess.run([program(), "check", running.folder / "gateway.yaml"], capture_output=True, text=True)
    for line in table(running, "mtu")[1]:
        assert line[-1].startswith(f"mtu {line[1]} = ") and line[-1] in checked.stdout


def test_drops(place):
    frames, _ = journeys.inbound(8)
    bad = [frame[:-1] + bytes([frame[-1] ^ 1]) for frame in frames]
    with place.running(place.configuration(wan=place.played(bad))) as strata:
        # Of less than a second a rate is more than what has come.
        head, (line,) = until(lambda: table(place, "drops"), lambda it: it[1] and int(it[1][0][2]) >= int(it[1][0][3]) > 0)
        assert head == ["cause", "fate", "packets", "packets/s", "why"]
        assert line[:2] == ["esp.auth_failed", "dropped"]
        assert line[4] == "the ICV is wrong: altered on the way, or not the peer's key (RFC 4303 3.4.4)"
        strata.stop()


def test_config_is_yaml_of_what_strata_check_says(running):
    command = [program(), "check", running.folder / "gateway.yaml", "--json"]
    checked = subprocess.run(command, capture_output=True, text=True)
    said = json.loads(show(running, "config", "--json"))
    assert said == json.loads(checked.stdout)["config"]
    assert yaml.safe_load(show(running, "config")) == said


def test_more_rows_than_an_answer_has(place):
    """2500 routes: the client asks three times."""
    way = {"next_hop": "192.0.2.9", "port": "wan"}
    routes = [{"prefix": f"172.{16 + n // 256}.{n % 256}.0/24", **way} for n in range(2500)]
    with place.running(place.configuration(routes=routes)) as strata:
        shown = [row["prefix"] for row in json.loads(show(place, "routes", "--json")) if row["kind"] == "route"]
        assert shown == [route["prefix"] for route in routes]
        strata.stop()


def test_long_rows(place):
    """One policy of 20,000 prefixes and seven others: the rows come, whatever they measure."""
    tree = place.configuration()
    tree["srv6"]["policies"][0]["prefixes"] = [f"20.{n // 256}.{n % 256}.0/24" for n in range(20000)]
    tree["srv6"]["policies"][1]["prefixes"] = [f"21.{n // 256}.{n % 256}.0/24" for n in range(60000)]
    with place.running(tree) as strata:
        shown = json.loads(show(place, "policies", "--json"))
        assert [len(policy["prefixes"]) for policy in shown] == [20000, 60000, 1, 1, 1, 1, 1, 1]
        strata.stop()


# --- nobody answers ---------------------------------------------------------------------------------------------------


def fails(place, *words, **named):
    done = place.show(*words, **named)
    assert (done.returncode, done.stdout) == (1, "") and done.stderr.startswith("strata show: "), done
    assert done.stderr.count("\n") == 1
    return done.stderr


def test_no_gateway_runs(place):
    said = fails(place, "ports")
    assert str(place.socket) in said and "there is no such socket" in said and "start one with `strata run`" in said


def test_another_gateway_runs_there(place):
    other = place.folder / "other.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(other))
        assert f"others are at {other}: say which one" in fails(place, "ports")


def test_a_gateway_that_is_gone(place):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(place.socket))
    assert f"no gateway runs at {place.socket} any more" in fails(place, "ports")


def test_what_answers_is_no_gateway(place):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(place.socket))
        listener.listen()
        command = [program(), "show", "ports", "--socket", str(place.socket)]
        asking = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        with listener.accept()[0] as client:
            assert json.loads(client.recv(65536))["method"] == "show.ports"
            client.sendall(b"220 mail.example ready\n")
            said = asking.communicate(timeout=60)[1]
    assert asking.returncode == 1 and "what answers is no gateway: 220 mail.example ready" in said


def test_wrong_usage_is_exit_code_2(place):
    for words in ([], ["everything"], ["ports", "sas"], ["ports", "--name", "a"]):
        assert place.show(*words).returncode == 2, words
    assert place.show("--help").returncode == 0


def test_the_name_says_where(place):
    """Nobody is called so."""
    nobody = f"nobody-{os.getpid()}"
    done = subprocess.run([program(), "show", "ports", "--name", nobody], capture_output=True, text=True)
    assert done.returncode == 1 and f"/run/strata/{nobody}.sock" in done.stderr
