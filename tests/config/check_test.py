#!/usr/bin/python3
"""`strata check` as a person meets it: what it prints where, and its exit code."""

import functools
import json
import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
STRATA = os.environ.get("STRATA", str(ROOT / "build/release/strata"))
EXAMPLES = ROOT / "config/examples"
KEY = "0102030405060708090a0b0c0d0e0f1011121314"


def check(*arguments):
    return subprocess.run([STRATA, "check", *map(str, arguments)], capture_output=True, text=True, timeout=60)


def test_good_configuration_is_described():
    for path in sorted(EXAMPLES.glob("*.yaml")):
        run = check(path)
        assert (run.returncode, run.stderr) == (0, "")
        assert "End.DX4" in run.stdout and "from-" in run.stdout
        assert KEY[:8] not in run.stdout


def test_json_of_a_good_configuration():
    run = check(EXAMPLES / "gateway-a.yaml", "--json")
    assert run.returncode == 0
    report = json.loads(run.stdout)
    assert report["valid"] is True and report["problems"] == []
    assert [sa["spi"] for sa in report["config"]["ipsec"]["security_associations"]] == [0x1001, 0x2001]
    assert KEY[:8] not in run.stdout


def test_mistakes_are_on_standard_error_and_the_exit_code_is_1(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text((EXAMPLES / "gateway-a.yaml").read_text().replace("0x1001", "200").replace("routes:", "route:"))
    run = check(path)
    assert (run.returncode, run.stdout) == (1, "")
    lines = run.stderr.splitlines()
    assert lines[0].startswith(f"{path}:27:12: ipsec.security_associations[0].spi: found 200; allowed: 256..4294967295")
    assert "did you mean 'routes'?" in lines[1]
    assert lines[2:] == [f"2 mistakes in {path}; nothing was applied"]

    run = check(path, "--json")
    assert run.returncode == 1
    first = json.loads(run.stdout)["problems"][0]
    assert (first["line"], first["column"], first["found"]) == (27, 12, "200")


def check_of(tmp_path, text, *arguments):
    path = tmp_path / "c.yaml"
    path.write_text(text)
    run = check(path, *arguments)
    assert (run.returncode, run.stderr) == (0, "")
    return run.stdout


LIVE = f"""
ports:
  wan: {{device: net_null0, addresses: [192.0.2.1/24], side: unprotected, mtu: 9000, queues: 4, promiscuous: true, offloads: false}}
  tap: {{device: net_tap0, host: true, descriptors: {{rx: 64, tx: 128}}}}
ipsec:
  security_associations:
    - {{name: to-b, direction: out, spi: 256, source: 192.0.2.1, destination: 192.0.2.2, algorithm: aes-128-gcm,
       key: "hex:{KEY}", selectors: {{source: "fc00:1::/48", destination: "fc00:2::/48"}}, ttl: 32, dscp: 46, df: copy,
       lifetime: {{soft: {{bytes: 1000}}, hard: {{seconds: 1, packets: 7}}}}}}
srv6:
  source: "fc00:1::1"
  policies:
    - {{name: near, prefixes: [10.2.0.0/16], segments: ["fc00:2::1", "fc00:3::1"], hop_limit: 9, dscp: 10, mss_clamp: true}}
    - {{name: far, prefixes: [10.3.0.0/16], segments: ["fc00:3::1"]}}
arp: {{hold: 1, tries: 2, interval_ms: 300, reachable_s: 5, neighbors: 16}}
icmp: {{errors_per_second: 7, burst: 3, echo: false, path_mtu: false}}
reassembly: {{packets: 17, timeout_ms: 700}}
state: {{directory: /srv/strata}}
workers: {{cpus: [5], rebalance: true}}
eal: {{hugepages: never, memory: 100, arguments: [--log-level, "8"]}}
name: far-end
"""


def said_of(tmp_path, text):
    """Each line in one piece, whatever the columns."""
    return [" ".join(line.split()) for line in check_of(tmp_path, text).splitlines()]


def test_text_says_how_it_runs(tmp_path):
    lines = said_of(tmp_path, LIVE)
    for line in [
        "mtu 9000 4 queues, promiscuous descriptors 1024 rx, 1024 tx checksums by the processor",
        "tap host this machine's own kernel the device's own MAC on net_tap0",
        "mtu 1500 1 queue descriptors 64 rx, 128 tx checksums by the device where it can",
        "outer TTL 32 DSCP 46 DF as inside",
        "lifetime told after 1000 bytes ends after 1 second, 7 packets",
        "hop limit 9, DSCP 10 TCP's MSS lowered to what fits",
        "hop limit 64, DSCP as inside TCP's MSS left alone",
        "near mtu 8882 = 9000 (wan) - 20 IPv4 - 0 UDP - 8 ESP - 8 IV - 16 ICV - 2 trailer and padding - 40 IPv6 - 24 SRH",
        "far none: no outbound SA takes its packets, so they are dropped (policy.no_sa)",
        "arp 1 packet waits for a neighbor, asked 2 times every 300 ms; 16 neighbors a port at the most, "
        "asked anew after 5 s",
        "icmp echo is not answered; path MTUs are not learned; 7 errors a second, 3 at once",
        "reassembly 17 packets at one time, for 700 ms",
        "state sequence numbers are reserved in /srv/strata",
        "workers 1 worker, CPU 5; SAs go to where there is less to do",
        "control socket /run/strata/far-end.sock",
        "metrics http://127.0.0.1:14500/metrics; series for 1000 SAs and SIDs at the most",
        "eal hugepages never, 100 MiB, arguments: --log-level 8",
        "memory about 339 MiB of DPDK's are needed (64 MiB for routes, 0 MiB for neighbors, 145 MiB for packets), "
        "and of the process's own 0 MiB",
        "eal.memory is 100 MiB, and about 339 are needed: raise it, or leave it out, and it is reckoned.",
    ]:
        assert line in lines, line


def test_text_says_what_is_off_and_that_a_peer_cannot_be_reached(tmp_path):
    icmp = {"errors_per_second: 7": "errors_per_second: 0", "echo: false": "echo: true", "path_mtu: false": "path_mtu: true"}
    text = functools.reduce(lambda text, was: text.replace(was, icmp[was]), icmp, LIVE)
    text = text.replace("{packets: 17", "{enabled: false, packets: 17").replace("{hold: 1", "{enabled: false, hold: 1")
    text = text.replace("directory: /srv/strata", "unsafe_lab_without_state: true")
    lines = said_of(tmp_path, text.replace("destination: 192.0.2.2", "destination: 203.0.113.2"))
    assert "arp off: no neighbors but those of the configuration" in lines
    assert "icmp echo is answered; path MTUs are learned; no errors are sent" in lines
    assert "reassembly none: fragments of ESP are dropped" in lines
    assert "state none: each start repeats the nonces of the one before; for a lab alone" in lines
    assert ("state.unsafe_lab_without_state is true: a start with the keys of an earlier one gives these keys away "
            "(RFC 8221 section 3).") in lines
    assert "control no socket: nobody can ask it anything" in said_of(tmp_path, LIVE + "control: {enabled: false}\n")
    told = said_of(tmp_path, LIVE + 'metrics: {address: "::1", telemetry: true, entries: 2}\n')
    assert ("metrics http://[::1]:14500/metrics, DPDK's telemetry socket of far-end; "
            "series for 2 SAs and SIDs at the most") in told
    told = said_of(tmp_path, LIVE + "metrics: {http: false}\n")
    assert "metrics none over HTTP; series for 1000 SAs and SIDs at the most" in told
    assert "near none: there is no way to 203.0.113.2, the peer of SA 'to-b'" in lines


def test_json_has_every_setting(tmp_path):
    config = json.loads(check_of(tmp_path, LIVE, "--json"))["config"]
    assert config["ports"]["wan"] == {
        "device": "net_null0", "mac": None, "addresses": ["192.0.2.1/24"], "side": "unprotected", "mtu": 9000,
        "queues": 4, "descriptors": {"rx": 1024, "tx": 1024}, "promiscuous": True, "offloads": False, "host": False,
    }
    tap = config["ports"]["tap"]
    assert (tap["host"], tap["side"], tap["descriptors"], tap["offloads"]) == (True, None, {"rx": 64, "tx": 128}, True)
    sa = config["ipsec"]["security_associations"][0]
    assert (sa["ttl"], sa["dscp"], sa["df"]) == (32, 46, "copy")
    assert sa["lifetime"] == {"soft": {"seconds": None, "bytes": 1000, "packets": None},
                              "hard": {"seconds": 1, "bytes": None, "packets": 7}}
    near, far = config["srv6"]["policies"]
    assert (near["hop_limit"], near["dscp"], near["mss_clamp"]) == (9, 10, True)
    assert (far["hop_limit"], far["dscp"], far["mss_clamp"], far["mtu"]) == (64, "copy", False, None)
    assert config["arp"] == {
        "enabled": True, "hold": 1, "tries": 2, "interval_ms": 300, "reachable_s": 5, "neighbors": 16,
    }
    assert config["icmp"] == {"errors_per_second": 7, "burst": 3, "echo": False, "path_mtu": False}
    assert config["reassembly"] == {"enabled": True, "packets": 17, "timeout_ms": 700}
    memory = config["memory"]
    counted = 2 * memory["routes"] + memory["neighbors"] + memory["packets"]
    assert counted < memory["eal_mib"] << 20 < 1.1 * counted + (64 << 20)  # and what is not counted
    assert 16 * 16 < memory["neighbors"] < 256 << 10
    assert config["state"] == {"directory": "/srv/strata", "unsafe_lab_without_state": False}
    assert config["workers"] == {"count": 1, "cpus": [5], "rebalance": True}
    assert config["eal"] == {"hugepages": "never", "memory": 100, "arguments": ["--log-level", "8"]}
    assert config["name"] == "far-end" and config["control"] == {
        "enabled": True, "socket": "/run/strata/far-end.sock", "payload_group": None, "change_group": None}
    assert config["metrics"] == {
        "http": True, "address": "127.0.0.1", "port": 14500, "entries": 1000, "telemetry": False}
    silent = json.loads(check_of(tmp_path, LIVE + "control: {enabled: false}\n", "--json"))["config"]["control"]
    assert silent == {"enabled": False, "socket": None, "payload_group": None, "change_group": None}
    text = LIVE + "control: {payload_group: operators}\n"
    assert json.loads(check_of(tmp_path, text, "--json"))["config"]["control"]["payload_group"] == "operators"
    assert "control socket /run/strata/far-end.sock, the group operators may see opened packets" in said_of(tmp_path, text)
    text = LIVE + "control: {change_group: keyers}\n"
    assert json.loads(check_of(tmp_path, text, "--json"))["config"]["control"]["change_group"] == "keyers"
    assert "control socket /run/strata/far-end.sock, the group keyers may change entries" in said_of(tmp_path, text)
    inbound = json.loads(check(EXAMPLES / "gateway-a.yaml", "--json").stdout)["config"]["ipsec"]["security_associations"][0]
    assert (inbound["ttl"], inbound["dscp"], inbound["df"]) == (None, None, None)


def test_missing_file_is_one_clear_sentence(tmp_path):
    run = check(tmp_path / "missing.yaml")
    assert run.returncode == 1
    assert run.stderr.splitlines()[0] == f"{tmp_path}/missing.yaml: cannot be read: No such file or directory"


def test_wrong_usage_is_exit_code_2():
    assert check().returncode == 2
    assert check("--nonsense", EXAMPLES / "minimal.yaml").returncode == 2
    assert check("--help").returncode == 0
