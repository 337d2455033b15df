"""`strata sa add`, `strata route delete` and the like: what they say, what is refused, who may, and where a key is not.
What packets make of them is in tests/live/test_one_by_one.py."""

import json
import subprocess
import sys
import threading

import jsonschema
import pytest
import yaml

import journeys
from asking import KEYS, Place
from running import PATIENCE, program
from test_methods import METHODS
from users import AS_NOBODY, AS_ROOT, NOBODY, let_in, strata_as_nobody

import gateway as g

INVALID, NOT_APPLIED, NOT_ALLOWED = -32602, -32007, -32008
SA = g.Sa(name="new", spi=0x5000, source=journeys.peer(0), inside="fc00:9::/48", key_from=100).config()
SID = {"sid": "fc00:1::99", "behavior": "End.DX4", "next_hop": "10.1.0.9", "port": "lan"}
POLICY = {"name": "to-new", "prefixes": ["10.3.0.0/24"], "segments": ["fc00:2::9"]}
ROUTE = {"prefix": "10.9.0.0/16", "next_hop": "10.1.0.9", "port": "lan"}
NEIGHBOR = {"port": "lan", "address": "10.1.0.9", "mac": "02:00:00:00:02:09"}


def outbound(entry):
    """The same SA of the other end's."""
    return {**journeys.as_outbound(entry), "source": entry["destination"], "destination": entry["source"]}


# By kind: an entry, how it is deleted, what is told of it, the table it is shown in, and its cell there.
KINDS = {
    "sa": (SA, {"name": "new"}, "ipsec.security_associations new", "sas", ("name", "new")),
    "sid": (SID, {"sid": "fc00:1::99/128"}, "srv6.local_sids fc00:1::99/128", "sids", ("sid", "fc00:1::99/128")),
    "policy": (POLICY, {"name": "to-new"}, "srv6.policies to-new", "policies", ("name", "to-new")),
    "route": (ROUTE, {"prefix": "10.9.0.0/16"}, "routes 10.9.0.0/16", "routes", ("prefix", "10.9.0.0/16")),
    "neighbor": (NEIGHBOR, {"port": "lan", "address": "10.1.0.9"}, "neighbors 10.1.0.9 on lan", "neighbors",
                 ("address", "10.1.0.9")),
}


@pytest.fixture(scope="module")
def still(tmp_path_factory):
    """A gateway without packets. Each test leaves it as it was."""
    place = Place(tmp_path_factory.mktemp("still"))
    with place.running() as strata:
        place.strata = strata
        before = config_of(place)
        yield place
        assert config_of(place) == before
        strata.stop()


def config_of(place):
    with place.client() as client:
        return client.ask("show.config")["config"]


def ask(place, method, **params):
    with place.client() as client:
        answer = client.ask(method, **params)
    jsonschema.Draft7Validator(METHODS[method]["result"]["schema"]).validate(answer)
    assert answer["total"] == len(answer["changes"]) and answer["refused"] == []
    return answer["changes"]


def shown(place, table, cell):
    """But for neighbors that are not of the configuration: one that was is asked for as if it had been learned."""
    name, value = cell
    with place.client() as client:
        rows = client.rows(f"show.{table}")
    return [row for row in rows if row[name] == value and (table != "neighbors" or row["state"] == "permanent")]


def strata(place, *words, stdin=None, folder=None):
    return subprocess.run([program(), *words, "--socket", str(place.socket)], capture_output=True, text=True,
                          timeout=PATIENCE, input=stdin, cwd=folder)


def done(command):
    assert (command.returncode, command.stderr) == (0, ""), command.stderr
    return command.stdout.splitlines()


def failed(command):
    assert (command.returncode, command.stdout) == (1, ""), command.stdout
    return command.stderr


# --- what comes and goes ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_by_a_program(still, kind):
    entry, known_by, line, table, cell = KINDS[kind]
    assert shown(still, table, cell) == []
    assert ask(still, f"{kind}.add", entry=entry) == [f"+ {line}"]
    assert len(shown(still, table, cell)) == 1
    assert ask(still, "diff") == [f"- {line}"], "it is not in the file"
    assert ask(still, f"{kind}.delete", **known_by) == [f"- {line}"]
    assert shown(still, table, cell) == [] and ask(still, "diff") == []
    assert f"+ {line}" in still.strata.log() and "changed, as uid " in still.strata.log()


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "sa"])
def test_by_a_person(still, kind):
    entry, known_by, line, *_ = KINDS[kind]
    words = "{" + ", ".join(f"{key}: {value}" if key != "mac" else f'{key}: "{value}"'
                            for key, value in entry.items()) + "}"
    assert done(strata(still, kind, "add", words.replace("'", ""))) == [f"+ {line}"]
    answer = json.loads(strata(still, kind, "delete", *known_by.values(), "--json").stdout)
    assert answer == {"changes": [f"- {line}"], "total": 1, "refused": []}


def test_several_at_once_and_what_is_replaced(still):
    change = {"add": {"ipsec": {"security_associations": [SA]}, "srv6": {"policies": [POLICY], "local_sids": [SID]},
                      "routes": [ROUTE], "neighbors": [NEIGHBOR]}}
    told = done(strata(still, "change", "--file", "-", stdin=yaml.safe_dump(change)))
    assert told == [f"+ {line}" for line in ("neighbors 10.1.0.9 on lan", "ipsec.security_associations new",
                                             "srv6.local_sids fc00:1::99/128", "srv6.policies to-new",
                                             "routes 10.9.0.0/16")]
    other = {**POLICY, "hop_limit": 9}
    assert ask(still, "change", delete={"srv6": {"policies": ["to-new"]}}, add={"srv6": {"policies": [other]}}) == [
        "~ srv6.policies to-new: hop_limit 64 -> 9"]
    gone = {"ipsec": {"security_associations": ["new"]}, "srv6": {"policies": ["to-new"], "local_sids": ["fc00:1::99"]},
            "routes": ["10.9.0.0/16"], "neighbors": [{"port": "lan", "address": "10.1.0.9"}]}
    assert len(ask(still, "change", delete=gone)) == 5


def test_a_reload_returns_to_the_file(still):
    ask(still, "route.add", entry=ROUTE)
    ask(still, "policy.delete", name="to-0")
    assert done(strata(still, "reload")) == ["+ srv6.policies to-0", "- routes 10.9.0.0/16"]
    assert done(strata(still, "diff")) == ["no changes"]


# --- what is refused, and leaves all as it was ------------------------------------------------------------------------

REFUSED = [
    ("sa.add", {"entry": {**SA, "spi": 200}}, NOT_APPLIED,
     "what was asked for: ipsec.security_associations[0].spi: found 200; allowed: 256..4294967295"),
    ("sa.add", {"entry": {**SA, "name": "from-0"}}, NOT_APPLIED, "the name of the SA at line "),
    ("sa.add", {"entry": {**SA, "key": SA["key"][:-2]}}, NOT_APPLIED,
     "found (not shown); a key of 19 octets; allowed: 20"),
    ("sa.add", {"entry": {**SA, "key": "file:/etc/passwd"}}, NOT_APPLIED, "found (not shown); no key in hexadecimal"),
    ("sa.add", {"entry": {**SA, "kee": 1}}, NOT_APPLIED, "kee: found an unknown key; did you mean 'key'?"),
    ("sa.add", {"entry": {**SA, "destination": "192.0.2.99"}}, NOT_APPLIED, "not an address of this gateway"),
    ("sa.add", {"entry": {}}, NOT_APPLIED, "ipsec.security_associations[0].name: found nothing; required"),
    ("sa.add", {"entry": SA["name"]}, INVALID, "'entry' is not what is allowed: an object"),
    ("sa.delete", {"name": "no-such"}, NOT_APPLIED,
     "delete.ipsec.security_associations[0]: found no-such; there is none; `strata show sas` lists them"),
    ("sid.add", {"entry": {**SID, "port": "lam"}}, NOT_APPLIED, "no port has this name; did you mean 'lan'?"),
    ("policy.add", {"entry": {**POLICY, "prefixes": ["10.2.0.0/24"]}}, NOT_APPLIED,
     "taken by the policy 'to-0' at line "),
    ("route.add", {"entry": {**ROUTE, "next_hop": "10.7.0.1"}}, NOT_APPLIED, "not in a subnet of port 'lan'"),
    ("neighbor.delete", {"port": "lan", "address": "10.1.0.77"}, NOT_APPLIED, "found lan 10.1.0.77; there is none"),
    ("change", {"add": {"ports": {}}}, NOT_APPLIED, "ports: found an unknown key"),
    ("change", {"add": {"routes": [ROUTE]}, "delete": {"routes": ["10.99.0.0/16"]}}, NOT_APPLIED, "there is none"),
    ("change", {"remove": {}}, INVALID, "there is no parameter 'remove'"),
]


@pytest.mark.parametrize("method, params, code, words", REFUSED)
def test_refused(still, method, params, code, words):
    before = config_of(still)
    with still.client() as client:
        error = client.refused(method, **params)
    assert (error["code"], words in error["message"]) == (code, True), error
    assert config_of(still) == before


def test_wrong_usage(still):
    assert strata(still, "sa", "add").returncode == strata(still, "neighbor", "delete", "lan").returncode == 2
    assert "no mapping; allowed: {name: value, ...}" in failed(strata(still, "route", "add", "10.9.0.0/16"))
    said = failed(strata(still, "route", "add", "{prefix: 1, prefix: 2}"))
    assert "prefix: found a key that is there already" in said
    assert "no-such: cannot be read: No such file" in failed(strata(still, "route", "add", "--file", "no-such"))


# --- keys -------------------------------------------------------------------------------------------------------------


def test_a_key_is_read_by_whoever_asks_and_shown_by_nobody(still, tmp_path):
    """From a file beside the entry's, or of the current folder, on the same conditions as the configuration's keys."""
    key = SA["key"].removeprefix("hex:")
    (tmp_path / "key").write_text(key + "\n")
    (tmp_path / "key").chmod(0o640)
    entry = json.dumps({**SA, "key": "file:key"})
    (tmp_path / "entry.yaml").write_text(entry)
    assert "open to others (mode 0640)" in failed(strata(still, "sa", "add", entry, folder=tmp_path))
    (tmp_path / "key").chmod(0o600)
    told = []
    for words, folder in ((("add", entry), tmp_path), (("add", "--file", str(tmp_path / "entry.yaml")), "/")):
        told += done(strata(still, "sa", *words, folder=folder))
        told.append(strata(still, "diff").stdout + strata(still, "show", "config").stdout)
        told += done(strata(still, "sa", "delete", "new"))
    with still.client() as client:
        twice = {**SA, "name": "from-0", "key": KEYS[-1]}  # of an SA that seals, and without hex: before it
        told += [client.refused("sa.add", entry={**twice, "key": k})["message"] for k in (KEYS[-1], "hex:" + KEYS[-1])]
        told.append(json.dumps(client.call("sa.add", entry=SA, key="hex:" + key)))
        told.append(json.dumps(client.call("sa.delete", name="hex:" + key)))
        told.append(json.dumps(client.say(json.dumps({"jsonrpc": "2.0", "method": "sa.add", "params": SA})[:-1])))
    text = still.strata.log() + "\n".join(told)
    assert "of SA 'to-7'" in text and "from-0" in text
    assert not any(k[at:at + 12] in text for k in [key, KEYS[-1]] for at in (0, 8, len(k) - 12))


def test_no_key_on_the_command_line(still):
    said = failed(strata(still, "sa", "add", json.dumps(SA)))
    assert said.startswith("strata sa add: a key on the command line can be seen by everybody on this machine (ps)")


def places_of(octets, pid):
    """How often they are in what a process may write to, but for regions that no key comes into as they are so large."""
    count = 0
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in open(f"/proc/{pid}/maps"):
            span, rights = line.split()[:2]
            first, last = (int(end, 16) for end in span.split("-"))
            if not rights.startswith("rw") or last - first > 1 << 28:
                continue
            memory.seek(first)
            try:
                count += memory.read(last - first).count(octets)
            except OSError:  # of a device, or gone meanwhile
                pass
    return count


@AS_ROOT
def test_the_key_of_an_sa_that_went_is_nowhere(still):
    pid = still.strata.pid
    for n, entry in enumerate((SA, outbound(SA))):
        key = bytes.fromhex(f"dead{n:02x}beef11223344556677" + "89abcdef" * 2)
        ask(still, "sa.add", entry={**entry, "key": "hex:" + key.hex()})
        assert places_of(key, pid) > 0, "it is looked for where it is not"
        ask(still, "sa.delete", name="new")
        assert places_of(key, pid) == 0
    with still.client() as client:
        client.refused("sa.add", entry={**SA, "key": "hex:" + key.hex(), "spi": 1})
    assert places_of(key, pid) == 0


@AS_ROOT
def test_duty_35_a_key_that_has_opened_does_not_seal(still):
    """Its peer counted nonces with it (RFC 4106 section 3.1): neither while the SA is there nor when it went."""
    turned = {**outbound(SA), "name": "turned"}
    ask(still, "sa.add", entry=SA)
    with still.client() as client:
        assert "the key of SA 'new'" in client.refused("sa.add", entry=turned)["message"]
        ask(still, "sa.delete", name="new")
        assert "was an inbound SA's" in client.refused("sa.add", entry=turned)["message"]
        assert "turned" not in [row["name"] for row in client.rows("show.sas")]
        ask(still, "sa.add", entry={**turned, "key": "hex:" + "5a" * 20})
        ask(still, "sa.delete", name="turned")


# --- who may ----------------------------------------------------------------------------------------------------------


@AS_ROOT
def test_who_was_only_let_in_changes_nothing(still):
    let_in(still)
    assert strata_as_nobody(still, "diff").returncode == 0
    for words in (["route", "add", json.dumps(ROUTE)], ["policy", "delete", "to-0"]):
        said = failed(strata_as_nobody(still, *words))
        assert "to change anything is for root, for uid 0, whose gateway this is, and for the group that" in said
    line = json.dumps({"jsonrpc": "2.0", "method": "route.add", "params": {"entry": ROUTE}, "id": 1})
    script = f"import socket; s = socket.socket(socket.AF_UNIX); s.connect('{still.socket}'); " \
             f"s.sendall(b'{line}\\n'); print(s.makefile().readline())"
    command = [*AS_NOBODY, sys.executable, "-c", script]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    assert json.loads(answer.stdout)["error"]["code"] == NOT_ALLOWED, answer


@AS_ROOT
def test_who_was_only_let_in_undoes_nothing(still):
    """A reload would: it returns to the file. Where nothing was changed since, it is for all that are let in."""
    let_in(still)
    ask(still, "route.add", entry=ROUTE)
    assert "to change anything is for root" in failed(strata_as_nobody(still, "reload"))
    assert ask(still, "diff") == ["- routes 10.9.0.0/16"]
    ask(still, "route.delete", prefix="10.9.0.0/16")
    ask(still, "reload")
    assert strata_as_nobody(still, "reload").returncode == 0


@AS_ROOT
def test_what_is_nested_without_end_is_refused(still):
    """By whoever was let in, and by root: to copy it would take a stack as deep."""
    let_in(still)
    deep = "[" * 300_000 + "]" * 300_000
    lines = [f'{{"jsonrpc": "2.0", "id": 1, "method": "{method}", "params": {{"{name}": {deep}}}}}\n'
             for method, name in (("change", "delete"), ("sa.add", "entry"), ("route.delete", "prefix"))]
    (still.folder / "deep").write_text("".join(lines))
    (still.folder / "deep").chmod(0o644)
    script = f"import socket; s = socket.socket(socket.AF_UNIX); s.connect('{still.socket}'); f = s.makefile(); " \
             f"[(s.sendall(line.encode()), print(f.readline())) for line in open('{still.folder}/deep')]"
    for user in (AS_NOBODY, []):
        done = subprocess.run([*user, sys.executable, "-c", script], capture_output=True, text=True, timeout=PATIENCE)
        answers = [json.loads(line) for line in done.stdout.split("\n") if line]
        assert [answer["error"]["code"] for answer in answers] == [-32600] * 3, done
    assert ask(still, "diff") == []


@AS_ROOT
def test_the_group_that_may(place):
    tree = place.configuration()
    tree["control"]["change_group"] = str(NOBODY)
    with place.running(tree) as strata_run:
        let_in(place)
        assert done(strata_as_nobody(place, "route", "add", json.dumps(ROUTE))) == ["+ routes 10.9.0.0/16"]
        # It has no file read that it may not read itself.
        (place.folder / "key").write_text(SA["key"])
        (place.folder / "key").chmod(0o600)
        entry = json.dumps({**SA, "key": f"file:{place.folder}/key"})
        assert "Permission denied" in failed(strata_as_nobody(place, "sa", "add", entry))
        assert f"uid {NOBODY}, pid " in strata_run.log()
        strata_run.stop()


def test_a_group_that_is_not_there(place):
    tree = place.configuration()
    tree["control"]["change_group"] = "no-such-group"
    said = place.starts_not(tree)
    assert "control.change_group: this machine has no group 'no-such-group'; `groupadd` makes one" in said


# --- many -------------------------------------------------------------------------------------------------------------


def test_several_clients_at_once(still):
    """Each one's changes are there, whoever comes between."""
    prefixes = {n: [f"10.{100 + n}.{i}.0/24" for i in range(8)] for n in range(3)}
    faults = []

    def one(n):
        try:
            with still.client() as client:
                for prefix in prefixes[n]:
                    client.ask("route.add", entry={**ROUTE, "prefix": prefix})
        except Exception as fault:
            faults.append(fault)

    threads = [threading.Thread(target=one, args=(n,)) for n in prefixes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    everyone = sorted(prefix for some in prefixes.values() for prefix in some)
    assert not faults and sorted(ask(still, "diff")) == [f"- routes {prefix}" for prefix in everyone]
    assert len(ask(still, "change", delete={"routes": everyone})) == len(everyone)


def many(n, count=1300):
    """SAs, SIDs with next hops of their own, and routes."""
    sas = [{**SA, "name": f"many-{i}", "spi": 0x10000 + i, "selectors": {"source": f"fc00:a:{i:x}::/48",
                                                                         "destination": "fc00:1::/48"}}
           for i in range(count)]
    sids = [{**SID, "sid": f"fc00:1:1::{i:x}", "next_hop": f"10.1.0.{2 + (n + i) % 200}"} for i in range(count)]
    return {"ipsec": {"security_associations": sas}, "srv6": {"local_sids": sids}}


def test_what_has_gone_leaves_its_place(still):
    """Over the changes more come than there is room for at one time (running.md)."""
    for n in range(4):
        added = many(n)
        names = {"ipsec": {"security_associations": [sa["name"] for sa in added["ipsec"]["security_associations"]]},
                 "srv6": {"local_sids": [sid["sid"] for sid in added["srv6"]["local_sids"]]}}
        assert ask_many(still, "change", add=added) == 2600
        assert ask_many(still, "change", delete=names) == 2600
    with still.client() as client:
        assert len(client.rows("show.sas")) == 2 * journeys.PEERS


def ask_many(place, method, **params):
    with place.client() as client:
        return client.ask(method, **params)["total"]


def test_more_than_there_is_room_for_is_refused_whole(still):
    added = {"srv6": {"local_sids": [{**SID, "sid": f"fc00:1:1::{i:x}"} for i in range(5000)]}}
    with still.client() as client:
        error = client.refused("change", add=added)
    assert error["code"] == NOT_APPLIED and "local SIDs" in error["message"], error
    assert ask(still, "diff") == []
