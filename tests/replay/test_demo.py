"""The demo: its captures are what make_demo.py makes, and each packet ends as the script says."""

import json
import sys

import yaml

from harness import ROOT, Sent, check_each, replay

DEMO = ROOT / "demo"
sys.path.insert(0, str(DEMO))

import make_demo  # noqa: E402


def test_made_anew_it_is_the_same(tmp_path):
    make_demo.make(tmp_path)
    for file in ("wan.pcap", "lan.pcap", "lan.expected.pcap", "wan.expected.pcap"):
        assert (tmp_path / file).read_bytes() == (DEMO / file).read_bytes(), f"{file}: run demo/make_demo.py"


def test_the_configuration_is_that_of_the_peers():
    entries = yaml.safe_load((DEMO / "gateway.yaml").read_text())["ipsec"]["security_associations"]
    assert entries == [make_demo.B.config(), make_demo.C.config()]


def test_each_packet_ends_as_the_script_says(tmp_path):
    done = replay(
        DEMO / "gateway.yaml",
        "--in",
        f"wan={DEMO / 'wan.pcap'}",
        "--out",
        f"lan={tmp_path / 'lan.pcap'}",
        "--expect",
        f"lan={DEMO / 'lan.expected.pcap'}",
        "--out",
        f"wan={tmp_path / 'wan.pcap'}",
        "--expect",
        f"wan={DEMO / 'wan.expected.pcap'}",
        "--explain",
        "--json",
        check=0,
    )
    report = json.loads(done.stdout)
    cases = make_demo.packets()
    check_each(cases, report["packets"])
    assert report["sent"] == sum(isinstance(case.end, Sent) for case in cases) and report["balanced"] is True
