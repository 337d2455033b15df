"""Where keys are not: in what a core would hold, in all memory once their SA is gone, and in all that a gateway says.

Memory is read as root reads it, and searched for any 8 octets of a key, any 16 of its digits, its round keys and what
it authenticates with (tests/live/memory_of.py). So that a search that finds nothing means something, each begins with
one that finds the key.
"""

import contextlib
import dataclasses
import hashlib
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import yaml

import journeys
from asking import Place, until
from memory_of import CORE, LOCKED, SALT, forms_of, keys_in, octets_of
from running import PATIENCE, Running, is_sanitized, program
from test_journal import Journal, told
from test_methods import WITHOUT_PARAMETERS
from test_privileges import USER, without_leaks
from telemetry_client import Telemetry
from users import AS_ROOT

import gateway as g

ALGORITHMS = ("aes-128-gcm", "aes-256-gcm", "aes-192-gcm", "chacha20-poly1305")


class Keymat(bytes):
    algorithm = "aes-128-gcm"


def keymat(name, algorithm="aes-128-gcm"):
    """A key that is in no other program's memory, and its salt."""
    key = Keymat(hashlib.sha512(b"a key of this test: " + name.encode()).digest()[:g.KEY_OCTETS[algorithm] + SALT])
    key.algorithm = algorithm
    return key


class Keyed(g.Sa):
    """An SA of tests/live/journeys.py with such a key."""

    @property
    def keymat(self):
        return keymat(self.name, self.algorithm)


def keyed(sa, n):
    """The nth peer's."""
    return Keyed(**{**dataclasses.asdict(sa), "algorithm": ALGORITHMS[n % len(ALGORITHMS)]})


def inner(n, seq):
    return g.inner4(100, src=f"10.2.{n}.2", dst="10.1.0.2", seq=seq)


def frames():
    """Of each peer packets for the wan: some to be opened, and as many that were damaged on the way."""
    made = []
    for n in range(journeys.PEERS):
        sa = keyed(journeys.inbound_sa(n), n)
        for seq in range(1, 7):
            six = g.inner6(inner(n, seq), src=f"fc00:2:{n:x}::2", dst="fc00:1::d4")
            frame = g.wrap(sa, sa.seal(seq, six))
            made += [frame, frame[:-1] + bytes([frame[-1] ^ 1])]
    return made


def secret_configuration(place):
    """Packets of all peers come without end. Each SA has a key of its own: from-1's and to-1's are in files."""
    tree = place.configuration(wan=place.played(frames()))
    keys = {}
    for sa in tree["ipsec"]["security_associations"]:
        n = int(sa["name"].rpartition("-")[2])
        sa["algorithm"] = ALGORITHMS[n % len(ALGORITHMS)]
        keys[sa["name"]] = keymat(sa["name"], sa["algorithm"])
        sa["key"] = "hex:" + keys[sa["name"]].hex()
        if n == 1:
            (place.folder / sa["name"]).write_text(sa["key"] + "\n")
            (place.folder / sa["name"]).chmod(0o600)
            sa["key"] = "file:" + sa["name"]
    return tree, keys


def new_sa(key, /, **more):
    sa = g.Sa(name="new", spi=0x5000, source=journeys.peer(0), inside="fc00:9::/48", key_from=100).config()
    return {**sa, "key": "hex:" + key.hex(), **more}


def is_there(key, pid):
    """What a search finds nothing of afterwards; and it is locked."""
    forms = {"octets 0 to 8", "octets 8 to 16"}
    if key.algorithm != "chacha20-poly1305":
        forms |= {"round key 0", "round key 9", "hash key 2"}
    return forms <= set(keys_in(key, octets_of(pid, LOCKED)))


# --- while it runs ----------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def as_root(place, tree):
    with place.running(tree) as strata:
        yield strata


@contextlib.contextmanager
def as_user(place, tree):
    with Running({**tree, "control": {"enabled": False}}, place.folder, within=without_leaks(),
                 words=["--user", USER.pw_name]) as strata:
        yield strata


@pytest.fixture
def open_place():
    """A folder that other users find."""
    with tempfile.TemporaryDirectory() as path:
        os.chmod(path, 0o755)
        yield Place(Path(path))


@AS_ROOT
@pytest.mark.parametrize("started", [as_root, as_user])
def test_a_core_would_have_no_key(open_place, started):
    tree, keys = secret_configuration(open_place)
    with started(open_place, tree) as strata:
        octets = list(octets_of(strata.pid, CORE))
        for name, key in keys.items():
            assert is_there(key, strata.pid), name
            assert keys_in(key, octets) == [], name
        assert "not locked" not in strata.log()
        strata.stop()


@AS_ROOT
@pytest.mark.skipif(is_sanitized(), reason="a core has AddressSanitizer's shadow in it, terabytes that are mostly holes")
def test_a_core_that_root_makes_has_no_key(place):
    """By gdb's gcore, of a gateway that has opened packets: ipsec-mb leaves nothing behind in registers or on the stack.
    Nor has it what was in them, which is still in the buffers."""
    tree, keys = secret_configuration(place)
    tree["ports"]["wan"]["device"] = tree["ports"]["wan"]["device"].removesuffix(",infinite_rx=1")
    with place.running(tree) as strata, place.client() as client:
        until(lambda: [row["packets"] for row in client.rows("show.sas") if row["direction"] == "in"], all)
        core = place.folder / f"core.{strata.pid}"
        subprocess.run(["gcore", "-o", str(place.folder / "core"), str(strata.pid)], check=True, capture_output=True,
                       timeout=PATIENCE)
        octets = core.read_bytes()  # an ELF file of type core: memory, and notes with the registers
        assert octets[:4] == b"\x7fELF" and int.from_bytes(octets[16:18], "little") == 4
        assert str(place.folder / "gateway.yaml").encode() in octets, "it is a core of something else"
        for name, key in keys.items():
            assert keys_in(key, [octets]) == [], name
        inside = inner(journeys.PEERS - 1, 6)[12:40]  # of the last one: addresses, and what is behind them
        assert any(inside in part for part in octets_of(strata.pid)) and inside not in octets
        strata.stop()


def ended_how(process, number):
    """Whether the kernel says of a process that it ends by a signal that it left a core."""
    resource.prlimit(process.pid, resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    process.send_signal(number)
    ended = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert ended.si_status == number
    return ended.si_code


@AS_ROOT
def test_a_gateway_that_crashes_leaves_no_core(place, tmp_path):
    """Registers may hold a key, whatever memory is left out."""
    twin = subprocess.Popen([sys.executable, "-c", "import time; print(flush=True); time.sleep(600)"],
                            stdout=subprocess.PIPE, cwd=tmp_path)
    twin.stdout.readline()
    dumps = ended_how(twin, signal.SIGABRT)
    twin.wait()
    twin.stdout.close()
    if dumps != os.CLD_DUMPED:
        pytest.skip("this machine's kernel leaves no cores at all (core_pattern)")
    with place.running(secret_configuration(place)[0]) as strata:
        assert ended_how(strata._process, signal.SIGABRT) == os.CLD_KILLED


@AS_ROOT
def test_what_cannot_be_locked_is_told(place):
    tree, keys = secret_configuration(place)
    limited = ["setpriv", "--bounding-set", "-all", "--inh-caps", "-all", "prlimit", "--memlock=65536"]
    with Running(tree, place.folder, within=limited) as strata:
        strata.wait_for("are not locked and may be swapped out: Cannot allocate memory; RLIMIT_MEMLOCK allows 64 KiB; "
                        "mend it with LimitMEMLOCK=infinity for a service, or as root with: ulimit -l unlimited")
        assert keys_in(keys["from-0"], octets_of(strata.pid, CORE)) == []
        strata.stop()


# --- what is gone -----------------------------------------------------------------------------------------------------


@AS_ROOT
def test_after_a_reload_nothing_is_left_of_what_went(place):
    """Neither of a key, nor of the texts that it was read from, the one before it and the one that stays too."""
    tree, keys = secret_configuration(place)
    with place.running(tree) as strata:
        gone = ("from-0", "from-1", "to-0", "to-1")
        assert all(is_there(keys[name], strata.pid) for name in gone)
        tree["ipsec"]["security_associations"] = [
            sa for sa in tree["ipsec"]["security_associations"] if sa["name"] not in gone]
        tree["srv6"]["policies"] = [policy for policy in tree["srv6"]["policies"] if policy["name"] not in gone]
        (place.folder / "gateway.yaml").write_text(
            yaml.safe_dump({"state": {"directory": "state"}, **tree}, sort_keys=False))
        with place.client() as client:
            assert client.ask("reload")["total"] == 6
        for name in gone:
            assert keys_in(keys[name], octets_of(strata.pid)) == [], name
        stays = [form for form in keys_in(keys["from-2"], octets_of(strata.pid)) if form.startswith("digits")]
        assert is_there(keys["from-2"], strata.pid) and stays == [], "the texts go with all keys, those of SAs that stay too"
        strata.stop()


@AS_ROOT
def test_after_a_delete_nothing_is_left(place):
    with place.running() as strata, place.client() as client:
        for n, more in enumerate(({}, {"direction": "out", "source": "192.0.2.1", "destination": journeys.peer(0)})):
            key = keymat(f"added {n}")
            client.ask("sa.add", entry=new_sa(key, **more))
            assert is_there(key, strata.pid)
            assert keys_in(key, octets_of(strata.pid, CORE)) == []
            client.ask("sa.delete", name="new")
            assert keys_in(key, octets_of(strata.pid)) == []


@AS_ROOT
def test_of_requests_that_are_refused_nothing_is_left(place):
    """Whatever they are refused for, and however long the text is that the key is in."""
    key = keymat("refused")
    digits = "hex:" + key.hex()
    with place.running() as strata, place.client() as client:
        until(lambda: client.ask("hello"))
        pid = strata.pid
        lines = [json.dumps({"jsonrpc": "2.0", "method": "sa.add", "params": params, "id": 1}) for params in (
            {"entry": new_sa(key, spi=1)}, {"entry": new_sa(key, key=digits + "x")}, {"entry": {digits: digits}},
            {"entry": new_sa(key, key=digits * 4000)}, {"entry": new_sa(key, name=digits)}, {"name": digits}, [digits])]
        lines += [lines[0][:-1], lines[3][:-1], lines[0] + "}", json.dumps([json.loads(lines[0])] * 3),
                  json.dumps({"jsonrpc": "2.0", "method": digits, "params": {}, "id": 1})]
        for line in lines:
            answer = client.say(line)
            assert all("error" in one for one in (answer if isinstance(answer, list) else [answer])), answer
            assert keys_in(key, octets_of(pid)) == [], line[:200]
        client.send(lines[0][:100 + lines[0].index("hex:")].encode())  # never ended
        client.close()
        with place.client() as other:
            other.ask("hello")
        until(lambda: keys_in(key, octets_of(pid)) == [])


# --- what it says -----------------------------------------------------------------------------------------------------


def assert_no_key(keys, said, where):
    octets = said if isinstance(said, bytes) else said.encode()
    for name, key in keys.items():
        assert keys_in(key, [octets]) == [], (where, name)


def commands(place, capture):
    """What an operator asks with, one each: words for the program."""
    socket = ["--socket", str(place.socket)]
    tables = ("ports", "workers", "sas", "sids", "policies", "routes", "neighbors", "stages", "drops", "config", "mtu")
    yield from (["show", table, *words, *socket] for table in tables for words in ([], ["--json"]))
    yield ["show", "drops", "--last", *socket]
    yield ["diff", *socket]
    yield ["trace", "--count", "20", *socket]
    yield ["capture", "--at", "Ip4", "--count", "50", capture, *socket]
    yield ["reload", *socket]
    config = str(place.folder / "gateway.yaml")
    yield from (["check", config, *words] for words in ([], ["--json"]))
    yield ["doctor", config]


def test_all_that_it_says_has_no_key(place, monkeypatch):
    """Every method of the socket, every command, metrics, telemetry, the log, the report, and each file it leaves."""
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(place.folder))
    tree, keys = secret_configuration(place)
    tree["metrics"] = {"telemetry": True, "http": False}
    with place.running(tree) as strata:
        with place.client() as client:
            for name in WITHOUT_PARAMETERS:
                if name not in ("trace", "capture"):
                    assert_no_key(keys, json.dumps(client.call(name)), name)
            error = client.refused("sa.add", entry=new_sa(keys["from-0"], key="hex:" + keys["from-0"].hex() + "0"))
            assert_no_key(keys, error["message"], "sa.add")
        capture = place.folder / "taken.pcapng"
        for words in commands(place, str(capture)):
            done = subprocess.run([program(), *words], capture_output=True, timeout=PATIENCE)
            assert done.returncode in (0, 1) and done.stdout + done.stderr, (words, done)
            assert_no_key(keys, done.stdout + done.stderr, words)
        assert capture.stat().st_size > 1000
        client = Telemetry(place.folder / "dpdk" / "test" / "dpdk_telemetry.v2")
        for command in client.ask("/"):
            assert_no_key(keys, json.dumps(client.ask(command)), command)
        client.close()
        strata.stop()
    assert " running;" in strata.log() and "balanced" in strata.report()
    for path in place.folder.rglob("*"):
        if path.is_file() and path.name not in ("gateway.yaml", "from-1", "to-1"):
            assert_no_key(keys, path.read_bytes(), path)
    assert list(place.folder.rglob("sequence-numbers")), "state, with what keys are known by there"


@AS_ROOT
def test_what_it_tells_the_journal_has_no_key(place):
    """In no field: of packets that are not authentic, of a file that is refused, of its end."""
    tree, keys = secret_configuration(place)
    journal = Journal(place.folder)
    with told(journal, tree, place.folder) as strata:
        entries = journal.read_until("audit esp.auth_failed")
        path = place.folder / "gateway.yaml"
        digits = keys["from-0"].hex()
        path.write_text(path.read_text().replace(digits, digits + "xy"))
        strata.send_signal(signal.SIGHUP)
        entries += journal.read_until("not reloaded")
        strata.terminate()
        entries += journal.read_until("ending")
    assert any(".key: " in entry["MESSAGE"] for entry in entries), "it is said what is wrong"
    for entry in entries:
        assert_no_key(keys, json.dumps(entry), entry["MESSAGE"])
    assert_no_key(keys, journal.errors.read_bytes(), "what the journal did not take")


def test_a_configuration_with_mistakes_is_refused_without_its_keys(place):
    """Whatever stands where: a key that is too long, odd, at the wrong place, in a text that is no YAML."""
    tree, keys = secret_configuration(place)
    text = yaml.safe_dump(tree, sort_keys=False)
    digits = keys["from-0"].hex()
    for wrong in (digits + "00", digits + "0", digits + "xy", f"{digits}\n  broken: [", f'"{digits}'):
        path = place.folder / "wrong.yaml"
        path.write_text(text.replace(digits, wrong))
        for words in (["check", path], ["run", path], ["replay", path, "--in", f"wan={place.folder}/played0.pcap"]):
            done = subprocess.run([program(), *words], capture_output=True, timeout=PATIENCE)
            assert done.returncode == 1 and done.stderr, done
            assert_no_key(keys, done.stdout + done.stderr, words)


# --- the search itself ------------------------------------------------------------------------------------------------


def test_round_keys_are_those_of_fips_197():
    """Appendices A.1 to A.3: the last round's."""
    last = {"2b7e151628aed2a6abf7158809cf4f3c": "d014f9a8c9ee2589e13f0cc8b6630ca6",
            "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b": "e98ba06f448c773c8ecc720401002202",
            "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4": "fe4890d1e6188d0b046df344706c631e"}
    for key, expected in last.items():
        forms = forms_of(bytes.fromhex(key) + bytes(SALT))
        rounds = [name for name in forms if name.startswith("round")]
        assert forms[f"round key {len(rounds) - 1}"].hex() == expected
