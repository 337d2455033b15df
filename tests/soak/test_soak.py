"""The soak in small: everything that it does, once. And what it looks at is seen: each of its judges is shown what it is
there to see."""

import contextlib
import copy
import socket
import struct
import time
from collections import Counter

import pytest

import netns

pytestmark = pytest.mark.skipif(netns.why_not() is not None, reason=str(netns.why_not()))

import accounting  # noqa: E402
import onlookers  # noqa: E402
import packets  # noqa: E402
import soak  # noqa: E402

SEED = 20261122


def test_each_deed_once(tmp_path):
    with open(tmp_path / "log", "w") as log, soak.soaking(tmp_path / "scene", 1, SEED, log) as run:
        run.begin()
        run.each_once()
        run.finish()
        assert not run.bad, "\n".join(run.bad) + "\n" + (tmp_path / "log").read_text()
        assert set(run.done) - {soak.SOFT} == {*soak.GENTLE, *soak.ROUGH}
        assert run.hosts.windows and run.wire.jumps >= 0 and all(flow.arrived for flow in run.hosts.flows)


# --- what is planted is told ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def live(tmp_path_factory):
    folder = tmp_path_factory.mktemp("soak")
    with open(folder / "log", "w") as log, soak.soaking(folder / "scene", 1, SEED, log) as run:
        run.begin()
        run.checkpoint(go_on=False)
        yield run


@pytest.fixture
def planted(live):
    """From a moment at which all adds up. Nothing but what was planted is on its way when the test is over: what came
    after it was forgotten would be a packet too many."""
    live.engine.call(forget, live)
    live.checkpoint(go_on=False)
    assert not live.bad and not live.kept and not live.engine.violations
    live.engine.call(live.hosts.pause, False)
    yield live
    if not live.hosts.paused:  # it has planted nothing that an account could tell
        live.checkpoint(go_on=False)
        assert not live.bad and not live.kept and not live.engine.violations


def forget(live):
    """What the test before has planted."""
    assert live.hosts.paused
    live.hosts.pause(False)
    live.bad.clear()
    live.kept.clear()
    live.engine.violations.clear()
    live.before.clear()
    for flow in live.hosts.flows:
        live.hosts.on_their_way -= len(flow.waiting)
        flow.waiting.clear()
    for reassembly in live.hosts.reassembly.values():
        reassembly.clear()


def told(run, *words):
    """Each of them is said of this account, for which not even honest packets are waited for long. The hosts are silent then."""
    patience, soak.PATIENCE = soak.PATIENCE, 6
    try:
        run.checkpoint(go_on=False)
    finally:
        soak.PATIENCE = patience
    found = run.bad + run.kept + run.engine.violations
    for word in words:
        assert any(word in said for said in found), (word, found)


def at(run, gateway, port, instead):
    """instead(take, octets): what becomes of the next whole packet that comes there."""
    takers, met = run.engine.takers, []
    take = takers[gateway, port]

    def first(octets):
        is_piece = struct.unpack_from("!H", octets, 20)[0] & 0x3FFF != 0
        if met or is_piece or not (packets.esp_of(octets) or packets.of_payload(octets[42:])):
            return take(octets)
        met.append(octets)
        return instead(take, octets)

    run.engine.call(takers.__setitem__, (gateway, port), first)
    run.wait(lambda: met, f"a packet at {gateway}.{port}")
    run.engine.call(takers.__setitem__, (gateway, port), take)


def twice(take, octets):
    take(octets)
    take(octets)


def altered(take, octets):
    take(octets[:-1] + bytes([octets[-1] ^ 1]))


def swallowed(take, octets):
    pass


def never_sent(take, octets):
    """Of an SA that there is not."""
    at_spi = 34 if octets[23] == packets.ESP_PROTOCOL else 42
    take(octets[:at_spi] + b"\x7f\x00\x00\x01" + octets[at_spi + 4:])


def in_clear(take, octets):
    take(octets[:60] + packets.MARK + octets[76:])


def no_esp(take, octets):
    take(octets[:23] + b"\x06" + octets[24:])


@pytest.mark.parametrize(("port", "plants"), [
    ("wan", {twice: "IV ", never_sent: "which is not its own", in_clear: "in clear on the wire",
             no_esp: "neither ESP nor ARP"}),
    ("lan", {twice: "twice", altered: "nobody sent this", swallowed: "never came"}),
])
def test_a_frame(planted, port, plants):
    """Something happens to a frame between the engine and who takes it."""
    for instead in plants:
        at(planted, "a", port, instead)
    told(planted, *plants.values())


def test_a_frame_that_the_wire_did_not_get(planted):
    end = planted.engine.ends["a", "wan"]
    planted.engine.call(lambda: setattr(end, "taken", end.taken - 1))
    told(planted, "a.wan: 1 frames that it sent did not come")


def test_out_of_order(planted):
    """Two packets of one flow change places in the LAN."""
    kept = {}
    takers = planted.engine.takers
    take = takers["b", "lan"]

    def swap(octets):
        said = packets.of_payload(octets[42:])
        flow = said and planted.hosts.by_number.get(said[0])
        if kept.get("done") or not flow or flow.kind != "UDP":
            return take(octets)
        if flow.number not in kept:
            kept[flow.number] = octets
            return None
        take(octets)
        kept["done"] = True
        for held in [held for number, held in kept.items() if number != "done"]:
            take(held)
        return None

    planted.engine.call(takers.__setitem__, ("b", "lan"), swap)
    planted.wait(lambda: kept.get("done"), "a flow of which two packets came")
    planted.engine.call(takers.__setitem__, ("b", "lan"), take)
    told(planted, "nothing that was done puts packets out of order")


def test_a_packet_that_is_dropped_without_being_due(planted):
    """A frame that no account expects: for the gateway it is one more replay."""
    def again():
        octets = planted.wire.recent["b"][-1]
        planted.wire.ends["b"].give(octets)

    planted.wait(lambda: planted.wire.recent["b"], "a packet to come again")
    planted.engine.call(again)
    told(planted, "packets dropped as esp.replayed, where")


def test_a_link_that_goes_without_anybody_knowing(planted):
    gateway = planted.scene.gateways["b"]
    planted.scene.set_link(gateway, "lan", "down", far=False)
    time.sleep(0.5)
    planted.scene.set_link(gateway, "lan", "up", far=False)
    planted.wait_for_flows(planted.hosts.flows)
    told(planted, "never came")


def test_a_window_that_closes_leaves_what_is_on_its_way(planted):
    """A packet of which a part has come by then."""
    hosts = planted.hosts
    flow = next(flow for flow in hosts.flows if flow.kind == "UDP in fragments")
    packet = packets.ipv4(packets.UDP, flow.source, flow.destination, bytes(2000), ident=(flow.sent + 1) & 0xFFFF)
    first, *others = packets.pieces(packet, 1500)

    def close_between():
        hosts.open_window("of the test")
        begun = hosts.reassembly[flow.at].whole(first)
        hosts.close_window(hosts.stamp)
        return [begun, *(hosts.reassembly[flow.at].whole(piece) for piece in others)]

    *parts, whole = planted.engine.call(close_between)
    assert parts == [None] * len(others) and whole == packet
    planted.checkpoint(go_on=False)  # the next test forgets what is on its way


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_one_who_looks_on_and_stumbles(planted, monkeypatch):
    def stumbles(_looking, _gateway):
        raise TypeError("of the test")

    monkeypatch.setattr(onlookers, "LOOKS", [stumbles])
    with onlookers.Onlookers(planted, 1) as looking:
        planted.wait(lambda: not looking._thread.is_alive(), "one who looks on to stumble")
        with pytest.raises(AssertionError, match="nobody looks on any more"), looking.at_rest():
            pass


def test_a_number(planted):
    """One number of a gateway's account is another one."""
    before = planted.before["a"]
    planted.checkpoint(go_on=False)
    now = planted.before["a"]
    assert planted.bad == [] and accounting.judged("a", before, now, planted.epoch) == []

    def one_more(table, key):
        table[key] = table.get(key, 0) + 1

    for change, words in (
            (lambda report: one_more(report["ports"]["lan"], "received"), "a.lan: -1 frames that were given to it"),
            (lambda report: one_more(report["devices"]["lan"], "missed"), "a.lan: -1 frames that were given to it"),
            (lambda report: one_more(report["ports"]["wan"], "sent"), "a.wan: 1 frames that it sent did not come"),
            (lambda report: one_more(report["devices"]["wan"], "not_sent"), "a.wan: 0 frames that it sent did not come"),
            (lambda report: one_more(report, "received"), "its own account is not balanced"),
            (lambda report: one_more(report, "parked"), "its own account is not balanced"),
            (lambda report: one_more(report["gone_security_associations"], "packets"), "its SAs say"),
            (lambda report: one_more(report["dropped"], "tx.full"), "1 packets dropped as tx.full, where 0 are due")):
        other = copy.deepcopy(now)
        change(other.report)
        found = accounting.judged("a", before, other, planted.epoch)
        assert any(words in said for said in found), (words, found)
    refused = copy.deepcopy(now)
    one_more(refused.report["devices"]["wan"], "not_sent")
    assert accounting.judged("a", before, refused, accounting.Epoch(refusals={("a", "wan"): 1})) == []
    assert accounting.judged("a", before, refused, accounting.Epoch(refusals={("b", "wan"): 1, ("a", "lan"): 1})) != []
    one_more(refused.report["devices"]["wan"], "not_sent")
    assert accounting.judged("a", before, refused, accounting.Epoch(refusals={("a", "wan"): 1})) != []
    due = copy.deepcopy(now)
    due.expected["ip4.no_route"] += 1
    assert any("dropped as ip4.no_route" in said for said in accounting.judged("a", before, due, planted.epoch))


def test_losses_of_a_window_are_no_more_than_its_own():
    """Causes that a fault brings about may be as many as packets were lost, and no more."""
    epoch = accounting.Epoch(windows=1, lost=3)
    for causes, told_ in (({"tx.full": 3}, False), ({"tx.full": 4}, True), ({"esp.auth_failed": 1}, True)):
        assert bool(accounting.judged_drops("a", Counter(causes), Counter(), epoch)) == told_


def test_what_is_kept(planted, monkeypatch):
    """A client's place, memory, a SID, a file."""
    gateway = planted.scene.gateways["a"]
    key = "a", gateway.life
    monkeypatch.setattr(soak, "is_sanitized", lambda: False)
    monkeypatch.setitem(planted.settling, key, soak.SETTLING)
    monkeypatch.setattr(planted.first[key], "own", planted.last[key].own - 2 * soak.GROWTH)
    left = gateway.state / "left-over"
    left.write_text("")
    gateway.ask("sid.add", entry={"sid": "fc00:1:1::eee/128", "behavior": "End.DX4", "next_hop": "10.1.0.2", "port": "lan"})
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as client:
        client.connect(str(gateway.socket))
        told(planted, "descriptors", "its memory grew", "in the folder of its state", "fc00:1:1::eee/128")
    gateway.ask("sid.delete", sid="fc00:1:1::eee/128")
    left.unlink()


def test_a_log(planted, tmp_path):
    """What is planted is said by a life of its own: into a file that a gateway writes at that moment it would be torn."""
    gateway, key = planted.scene.gateways["a"], planted.scene.keys["a", 0].key[8:30]
    flood = "2026-01-01T00:00:00.000000Z port wan: link is up\n" * (accounting.MOST_LINES_A_SECOND + 1)
    (tmp_path / "log").write_text(f"{flood}2026-01-01T00:00:01.000000Z found {key}\n2026-01-01T00:00:02.000000Z SOAK-IN-CLEAR\n")
    gateway.lives.append(tmp_path / "log")
    told(planted, "lines of log in the second", "part of a key", "is in its log")
    gateway.lives.remove(tmp_path / "log")


def test_esp_is_found_in_a_frame():
    esp = struct.pack("!IIQ", 0x1001, 7, 9)
    for data, protocol in ((packets.udp(4500, 4500, esp), packets.UDP), (esp, packets.ESP_PROTOCOL)):
        packet = packets.ipv4(protocol, bytes(4), bytes(4), data)
        assert packets.esp_of(packets.frame(bytes(6), bytes(6), packet)) == (0x1001, 9)
