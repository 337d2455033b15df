"""`strata run` on captures that net_pcap plays over and over, into net_null: the whole gateway without a network.

Neither root nor a namespace: where the tests have root, the gateway is run without its capabilities.
"""

import os
import re
import subprocess

import pytest
import yaml

import journeys
from running import PATIENCE, Running, program

import gateway as g
from harness import ROOT, capture_bytes

NO_RIGHTS = ("setpriv", "--bounding-set", "-all", "--inh-caps", "-all") if os.geteuid() == 0 else ()
NULL = "net_null0,no-rx=1"


def played(folder, frames):
    path = folder / "endless.pcap"
    path.write_bytes(capture_bytes(frames))
    return f"net_pcap0,rx_pcap={path},infinite_rx=1"


def configuration(wan=NULL, lan=NULL):
    """Sequence numbers come again with each round: the replay windows are off."""
    tree = journeys.configuration({"device": wan, "mac": g.WAN_MAC}, {"device": lan, "mac": g.LAN_MAC})
    for sa in tree["ipsec"]["security_associations"]:
        sa["replay_window"] = 0
    return {**tree, "eal": {"hugepages": "never"}}


def plays(tree, folder, port, other):
    """The report, after two seconds' lines of rates in which packets came at one port and left by the other."""
    with Running(tree, folder, within=NO_RIGHTS, words=("--stats", "1")) as strata:
        strata.wait_for(f"port {port}: received")
        seen = strata.log().count(f"port {port}: received")
        while strata.log().count(f"port {port}: received") < seen + 2:
            strata.wait_for(f"port {other}: received")
        rates = re.findall(rf"port {port}: received (\d+) packets/s", strata.log())
        sent = re.findall(rf"port {other}: received \d+ packets/s [\d.]+ Mbit/s, sent (\d+) packets/s", strata.log())
        report = strata.stop()
    assert all(int(rate) > 0 for rate in rates[1:] + sent[1:]), (rates, sent)
    return report


# More packets than the gateway has buffers to spare: the driver keeps each of them.
@pytest.mark.parametrize("count", [8, 12000])
def test_inbound(tmp_path, count):
    frames, _ = journeys.inbound(240)
    tree = configuration(wan=played(tmp_path, [frames[i % 240] for i in range(count)]))
    report = plays(tree, tmp_path, "wan", "lan")
    count = report["ports"]["wan"]["received"]
    assert count > 12000 and report["steps"]["end_dx4"] == count
    assert report["ports"]["lan"]["sent"] >= count and report["dropped"] == {}


# At the end packets still come, and none stays on its way from worker to worker.
def test_two_workers(tmp_path):
    frames, _ = journeys.inbound(240)
    tree = {**configuration(wan=played(tmp_path, frames)), "workers": {"count": 2}}
    with Running(tree, tmp_path, within=NO_RIGHTS, words=("--stats", "1")) as strata:
        strata.wait_for("port wan: received")
        report = strata.stop()
    assert report["parked"] == 0 and report["balanced"] is True
    assert report["steps"]["pick_up"] > 0


def test_outbound(tmp_path):
    frames, _ = journeys.outbound(240)
    report = plays(configuration(lan=played(tmp_path, frames)), tmp_path, "lan", "wan")
    count = report["ports"]["lan"]["received"]
    assert report["steps"]["esp_seal"] == count and report["dropped"] == {}
    assert report["ports"]["wan"]["sent"] >= count


def test_the_demos_captures_both_ways(tmp_path):
    """demo/endless.yaml, which is played from the top of the tree."""
    text = (ROOT / "demo/endless.yaml").read_text().replace("rx_pcap=demo/", f"rx_pcap={ROOT}/demo/")
    tree = {**yaml.safe_load(text), "control": {"enabled": False}, "metrics": {"http": False}}
    report = plays(tree, tmp_path, "wan", "lan")
    # ICMP errors to B are sealed, too.
    assert report["steps"]["end_dx4"] > 0 and report["steps"]["esp_seal"] >= report["ports"]["lan"]["received"] > 0
    # Neither the numbers that come again nor a neighbor that nobody answers for is in the way.
    assert not {"esp.replayed", "esp.replay_too_old", "adj.unresolved", "ip4.too_big"} & set(report["dropped"])
    assert report["balanced"] is True


def why_it_does_not_start(tree, folder):
    config = folder / "gateway.yaml"
    config.write_text(yaml.safe_dump(tree, sort_keys=False))
    done = subprocess.run([program(), "run", config], capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 1 and done.stdout == "", done.stderr
    return done.stderr


def test_a_capture_without_packets_is_refused(tmp_path):
    said = why_it_does_not_start(configuration(wan=played(tmp_path, [])), tmp_path)
    assert "port wan" in said and "a capture without packets" in said and "packet buffers" not in said


def test_a_capture_that_is_not_there_is_refused(tmp_path):
    tree = configuration(wan=f"net_pcap0,rx_pcap={tmp_path}/none.pcap,infinite_rx=1")
    said = why_it_does_not_start(tree, tmp_path)
    assert "none.pcap: No such file" in said and "port wan" in said


def test_a_packet_that_no_buffer_holds_is_refused(tmp_path):
    """The driver plays what one buffer holds each; it said so and then went on with an empty capture."""
    frame = g.ether(g.inner4(5000, src="10.2.0.2", dst="10.1.0.2"))
    said = why_it_does_not_start(configuration(wan=played(tmp_path, [frame])), tmp_path)
    assert "receive queue 0 cannot be made" in said


def test_doctor_asks_for_no_rights(tmp_path):
    config = tmp_path / "gateway.yaml"
    config.write_text(yaml.safe_dump(configuration(wan=played(tmp_path, journeys.inbound(8)[0]))))
    done = subprocess.run([*NO_RIGHTS, program(), "doctor", config], capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0 and "port wan: nothing is in the way" in done.stdout, done.stdout
