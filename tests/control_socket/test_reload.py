"""`strata reload` and `strata diff` on a gateway whose packets never stop: what changes, stays, and is refused.

STRATA_RELOADS says how often a gateway under load is reloaded: 8 times unless said.
"""

import hashlib
import itertools
import json
import os
import re
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest
import yaml

import journeys
from asking import KEYS, NO_RIGHTS, until
from running import PATIENCE, is_sanitized, program

import gateway as g

RELOADS = int(os.environ.get("STRATA_RELOADS", "8"))
SETTLED = 50  # reloads after which memory is what it will be
NOT_APPLIED = -32007


def sa_entry(n, **more):
    """Another tunnel's, from a peer that sends nothing."""
    sa = g.Sa(name=f"spare-{n}", spi=0x5000 + n, source=journeys.peer(n % journeys.PEERS), inside=f"fc00:9:{n:x}::/48",
              key=hashlib.sha256(f"spare {n}".encode()).digest()[:20])
    return {**sa.config(), "replay_window": 0, **more}


class Loaded:
    """A gateway that opens what a capture brings over and over, and whose file changes."""

    def __init__(self, place, **sections):
        frames, _ = journeys.inbound(240)
        self.place = place
        self.tree = place.configuration(wan=place.played(frames), state={"directory": "state"}, **sections)

    def write(self):
        (self.place.folder / "gateway.yaml").write_text(yaml.safe_dump(self.tree, sort_keys=False))

    @property
    def sas(self):
        return self.tree["ipsec"]["security_associations"]

    def command(self, name, *words):
        return subprocess.run([program(), name, "--socket", str(self.place.socket), *words], capture_output=True,
                              text=True, timeout=PATIENCE)

    def reload(self):
        self.write()
        done = self.command("reload")
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        return done.stdout.splitlines()

    def refused(self):
        self.write()
        done = self.command("reload")
        assert (done.returncode, done.stdout) == (1, "")
        return done.stderr

    def opened(self):
        with self.place.client() as client:
            return {row["name"]: row["packets"] for row in client.rows("show.sas")}


def own_kib(pid):
    """Memory of its own, without what it shares with its file or others."""
    return int(re.search(r"RssAnon:\s+(\d+)", Path(f"/proc/{pid}/status").read_text()).group(1))


def all_carry(opened):
    return all(packets > 0 for name, packets in opened.items() if name.startswith("from-"))


@pytest.fixture(params=[1, 2], ids=["one worker", "two workers"])
def loaded(request, place):
    made = Loaded(place, workers={"count": request.param})
    with place.running(made.tree) as strata:
        made.strata = strata
        yield made


def test_no_packet_is_lost_by_reloads_under_load(loaded):
    """What comes is opened and forwarded, whatever else of the configuration changes meanwhile."""
    base = list(loaded.sas)
    before = until(loaded.opened, all_carry)
    for n in range(RELOADS):
        loaded.tree["ipsec"]["security_associations"] = [sa_entry(n), *base]
        loaded.tree["srv6"]["local_sids"][1:] = [
            {"sid": f"fc00:1::{0x1000 + n:x}/128", "behavior": "End.DX4", "next_hop": f"10.1.0.{3 + n % 9}", "port": "lan"}]
        prefix = f"10.{100 + n % 100}.0.0/16"
        loaded.tree["routes"] = [{"prefix": prefix, "next_hop": f"10.1.0.{30 + n % 7}", "port": "lan"}]
        changes = loaded.reload()
        assert f"+ ipsec.security_associations spare-{n}" in changes and f"+ routes {prefix}" in changes
        if n == SETTLED:
            memory = own_kib(loaded.strata.pid)
    if RELOADS > SETTLED and not is_sanitized():
        print(f"{RELOADS} reloads, memory {memory} -> {own_kib(loaded.strata.pid)} KiB")
        assert own_kib(loaded.strata.pid) < memory + 1024
    after = loaded.opened()
    assert all(after[name] >= before[name] for name in before)
    assert f"spare-{RELOADS - 1}" in after and "spare-0" not in after
    until(lambda: loaded.opened()["from-0"] > after["from-0"])
    report = loaded.strata.stop()
    assert report["dropped"].keys() <= {"handoff.full", "tx.full"}, report["dropped"]
    assert report["steps"]["esp_open"] + report["dropped"].get("handoff.full", 0) >= report["received"]
    assert sum(sa["packets"] for sa in report["security_associations"].values()) == report["steps"]["end_dx4"]
    assert report["gone_security_associations"] == {"packets": 0, "bytes": 0}


def test_what_stays_keeps_its_counters_and_what_goes_is_told(loaded):
    until(loaded.opened, all_carry)
    loaded.tree["ipsec"]["security_associations"] = [sa for sa in loaded.sas if sa["name"] != "from-7"]
    kept = loaded.opened()
    assert loaded.reload() == ["- ipsec.security_associations from-7"]
    now = loaded.opened()
    assert "from-7" not in now and all(now[name] >= kept[name] for name in now)
    until(lambda: any(row["cause"] == "esp.no_sa" for row in rows(loaded, "show.drops")))
    report = loaded.strata.stop()
    gone = report["gone_security_associations"]["packets"]
    assert gone >= kept["from-7"] > 0
    assert gone + sum(sa["packets"] for sa in report["security_associations"].values()) == report["steps"]["end_dx4"]


def test_lifetimes_go_on_and_may_be_put_off(loaded):
    """What an SA has carried counts, whenever its limit came. What is over stays so until the limit is another one."""
    until(lambda: loaded.opened()["from-0"] >= 1000)
    loaded.sas[0]["lifetime"] = {"hard": {"packets": 1000}}
    loaded.reload()
    until(lambda: first_sa(loaded)["state"] == "dead")
    others_go_on(loaded)
    kept = first_sa(loaded)["packets"]
    loaded.tree["routes"] = [{"prefix": "10.99.0.0/16", "next_hop": "10.1.0.99", "port": "lan"}]
    assert loaded.reload() == ["+ routes 10.99.0.0/16"]
    others_go_on(loaded)
    assert (first_sa(loaded)["state"], first_sa(loaded)["packets"]) == ("dead", kept)
    loaded.sas[0]["lifetime"]["hard"]["packets"] = 10**15
    assert loaded.reload() == ["~ ipsec.security_associations from-0: lifetime.hard.packets 1000 -> 1000000000000000"]
    until(lambda: first_sa(loaded)["packets"] > kept)
    assert first_sa(loaded)["state"] == "mature"
    report = loaded.strata.stop()
    assert report["dropped"]["esp.expired"] and loaded.strata.log().count("its hard lifetime is over (") == 1


def test_a_trace_goes_on_over_a_reload(loaded):
    """Each SA by its name, wherever it stands in the file now."""
    names = {f"0x{sa['spi']:08x}": sa["name"] for sa in loaded.sas if sa["direction"] == "in"}
    told = loaded.place.folder / "told"
    with told.open("w") as out:
        tracing = subprocess.Popen([program(), "trace", "--json", "--socket", str(loaded.place.socket)], stdout=out)
        try:
            until(lambda: traced(told))
            loaded.tree["ipsec"]["security_associations"] = [sa_entry(1), *reversed(loaded.sas)]
            assert "+ ipsec.security_associations spare-1" in loaded.reload()
            before = len(traced(told))
            until(lambda: len(traced(told)) > before + 500)
        finally:
            tracing.terminate()
            tracing.wait()
    steps = [step for event in traced(told) for step in event["steps"] if step.startswith("host_input: SA ")]
    said = {re.match(r"host_input: SA (\S+), SPI (\w+),", step).groups() for step in steps}
    assert len(said) > 1 and all(names[spi] == name for name, spi in said), said


def traced(told):
    return [json.loads(line) for line in told.read_text().split("\n")[:-1]]


def others_go_on(loaded):
    """For longer than any worker has packets of the first SA on their way."""
    before = loaded.opened()
    names = [name for name in before if name.startswith("from-") and name != "from-0"]
    until(loaded.opened, lambda now: all(now[name] > before[name] + 10000 for name in names))


def first_sa(loaded):
    return next(row for row in rows(loaded, "show.sas") if row["name"] == "from-0")


def rows(loaded, table):
    with loaded.place.client() as client:
        return client.rows(table)


# --- what is told of changes, and what is refused; without packets ----------------------------------------------------


@pytest.fixture
def still(place):
    made = Loaded(place)
    made.tree["ports"]["wan"]["device"] = "net_null0,no-rx=1"
    with place.running(made.tree) as strata:
        made.strata = strata
        yield made


def test_diff_tells_and_changes_nothing(still):
    assert still.command("diff").stdout == "no changes\n"
    still.tree["icmp"] = {"burst": 60}
    still.sas.append(sa_entry(1))
    still.write()
    wanted = ["~ icmp.burst: 50 -> 60", "+ ipsec.security_associations spare-1"]
    assert still.command("diff").stdout.splitlines() == wanted
    assert json.loads(still.command("diff", "--json").stdout) == {"changes": wanted, "total": 2, "refused": []}
    assert "spare-1" not in still.opened()
    assert still.reload() == wanted
    assert still.command("diff").stdout == "no changes\n" and "spare-1" in still.opened()


def test_mistakes_change_nothing_and_have_their_line(still):
    still.sas.append(sa_entry(1, replay_window=5000))
    told = still.refused()
    line = (still.place.folder / "gateway.yaml").read_text().splitlines().index("    replay_window: 5000") + 1
    assert re.search(rf"gateway\.yaml:{line}:\d+: ipsec\.security_associations\[16\]\.replay_window: found 5000", told)
    assert "spare-1" not in still.opened() and "not reloaded, all is as before" in still.strata.log()
    with still.place.client() as client:
        assert client.refused("reload")["code"] == NOT_APPLIED
        assert client.refused("diff")["code"] == NOT_APPLIED


def test_what_wants_a_restart_is_refused_as_a_whole(still):
    still.tree["ports"]["lan"]["mtu"] = 1400
    still.sas.append(sa_entry(1))
    told = still.refused()
    assert "ports.lan.mtu: found 1400; it is 1500 as long as the gateway runs: restart it" in told
    assert "spare-1" not in still.opened()
    said = still.command("diff").stdout
    assert "+ ipsec.security_associations spare-1" in said and "not while the gateway runs:" in said


def test_a_window_that_packets_were_counted_in_stays(still):
    still.sas[0]["replay_window"] = 64
    assert "algorithm, esn and replay_window stay as long as SPI and key do" in still.refused()


def test_a_file_of_which_a_part_is_written_is_refused(still):
    """Cut in its last line it would be a configuration as well, of another number."""
    still.tree["icmp"] = {"burst": 60}
    still.write()
    path = still.place.folder / "gateway.yaml"
    text = path.read_text().replace("icmp:\n  burst: 60\n", "") + "icmp:\n  burst: 60\n"
    path.write_text(text[:-2])
    said = still.command("reload")
    assert said.returncode == 1 and "its last line has no end, and may be written in part only" in said.stderr
    assert still.command("diff").returncode == 1
    path.write_text(text)
    assert still.command("reload").stdout == "~ icmp.burst: 50 -> 60\n"


def test_a_file_that_is_being_written_is_waited_for(still):
    """In place and piece by piece, each of which ends with a whole line: all of it comes, or nothing."""
    path, whole = still.place.folder / "gateway.yaml", []
    for count in (1, 2):
        still.write()
        routes = [{"prefix": f"10.{100 + n}.0.0/16", "next_hop": "10.1.0.30", "port": "lan"} for n in range(40 * count)]
        whole.append(path.read_text() + yaml.safe_dump({"routes": routes}, sort_keys=False))
    gaps, rounds = [], 0
    with still.place.client() as client:
        for n in itertools.count():
            begun = threading.Event()
            writer = threading.Thread(target=write_slowly, args=(path, whole[n % 2], gaps, begun))
            gaps.clear()
            writer.start()
            begun.wait()
            client.call("reload")
            writer.join()
            routes = {row["prefix"] for row in client.rows("show.routes") if row["prefix"].startswith("10.1")}
            routes = {prefix for prefix in routes if prefix.endswith(".0.0/16")}
            wanted = {f"10.{100 + k}.0.0/16" for k in range(40 * (n % 2 + 1))}
            if max(gaps) < 0.03:  # else the writer itself was held up, and the file was at rest
                assert routes == wanted
                rounds += 1
            if rounds == 3:
                return
            assert n < 200, "no file was written without a pause"


def write_slowly(path, text, gaps, begun):
    lines = text.splitlines(keepends=True)
    with open(path, "w") as file:
        before = time.monotonic()
        for start in range(0, len(lines), len(lines) // 12):
            file.writelines(lines[start : start + len(lines) // 12])
            file.flush()
            time.sleep(0.003)
            before, now = time.monotonic(), before
            gaps.append(before - now)
            if len(gaps) == 4:
                begun.set()


def test_sighup_reloads(still):
    still.sas.append(sa_entry(1))
    still.write()
    still.strata.signal(signal.SIGHUP)
    still.strata.wait_for("reloaded ")
    assert "spare-1" in still.opened()


def test_no_key_is_told(still):
    key = still.sas[0]["key"]
    still.sas[0]["key"] = key[:-4] + "ffff"
    still.write()
    said = still.command("diff").stdout
    assert said == "~ ipsec.security_associations from-0: another key\n"
    still.reload()
    assert not any(k[:16] in still.strata.log() or k[-8:] in still.strata.log() for k in KEYS)


def outbound_numbers(still):
    return {row["name"]: row["sequence"] for row in rows(still, "show.sas") if row["direction"] == "out"}


@pytest.mark.parametrize("spi", [False, True], ids=["the same SA", "by another SPI"])
def test_a_key_that_comes_back_goes_on_behind_its_numbers(still, spi):
    """Taken away and put back, alone or under another SPI, it never begins at 1."""
    assert outbound_numbers(still)["to-0"] == 0
    sa = next(sa for sa in still.sas if sa["name"] == "to-0")
    if spi:
        sa["spi"] += 0x1000
        still.reload()
        assert outbound_numbers(still)["to-0"] >= 1 << 20, "the one before may still have used what was reserved"
    else:
        still.sas.remove(sa)
        still.reload()
        still.sas.append(sa)
        still.reload()
        assert outbound_numbers(still)["to-0"] == 0, "none was used"
    still.strata.stop()


def test_a_gateway_that_is_not_there(place):
    for name in ("diff", "reload"):
        command = [*NO_RIGHTS, program(), name, "--socket", str(place.socket)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
        assert done.returncode == 1 and done.stderr.startswith(f"strata {name}: no gateway runs at ")
