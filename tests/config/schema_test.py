#!/usr/bin/python3
"""config/strata.schema.json as an editor uses it: judged by python3-jsonschema, which knows nothing of strata."""

import copy
import json
import pathlib

import jsonschema
import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "config/strata.schema.json").read_text())
EXAMPLES = sorted((ROOT / "config/examples").glob("*.yaml"))
VALIDATOR = jsonschema.Draft7Validator(SCHEMA)


def load(path):
    return yaml.safe_load(path.read_text())


def gateway():
    return load(ROOT / "config/examples/gateway-a.yaml")


def put(document, path, value):
    """The document with the value at the path changed; value `KeyError` takes it out."""
    out = copy.deepcopy(document)
    place = out
    for step in path[:-1]:
        place = place[step]
    if value is KeyError:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return out


def test_schema_is_a_schema():
    jsonschema.Draft7Validator.check_schema(SCHEMA)


def test_there_are_examples():
    assert {"gateway-a.yaml", "gateway-b.yaml", "minimal.yaml"} <= {path.name for path in EXAMPLES}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_example_is_valid(path):
    VALIDATOR.validate(load(path))


SA = ("ipsec", "security_associations", 0)
SA_OUT = ("ipsec", "security_associations", 1)
SID = ("srv6", "local_sids", 0)
POLICY = ("srv6", "policies", 0)

GOOD = [
    (SA + ("spi",), 256),
    (SA + ("spi",), "0x1001"),
    (SA + ("replay_window",), 0),
    (SA + ("replay_window",), 64),
    (SA + ("udp_encap",), {}),
    (SA + ("udp_encap",), KeyError),
    (SA + ("key",), "file:from-b.key"),
    (SA + ("selectors", "protocol"), "ipv4"),
    (SA + ("selectors", "protocol"), 4),
    (SID + ("sid",), "fc00:1:0:d4::/64"),
    (SID + ("sid",), "fc00:1::d4"),
    (SID + ("clear",), True),
    (("ports", "lan", "addresses"), ["10.1.0.1/24", "fd00::1/64"]),
    (("neighbors",), []),
    (("bypass",), [{"source": "10.0.0.0/8", "destination": "0.0.0.0/0", "protocol": "udp", "destination_ports": 53}]),
    (("bypass",), [{"source": "10.0.0.0/8", "destination": "0.0.0.0/0", "protocol": 6, "source_ports": "1-2"}]),
    (("ports", "wan", "mtu"), 576),
    (("ports", "wan", "mtu"), 65385),
    (("ports", "wan", "descriptors"), {}),
    (("ports", "wan", "descriptors"), {"rx": 4096}),
    (("ports", "tap"), {"device": "net_tap0", "host": True}),
    (SA_OUT + ("ttl",), 255),
    (SA_OUT + ("dscp",), 63),
    (SA_OUT + ("dscp",), "copy"),
    (SA_OUT + ("df",), "copy"),
    (POLICY + ("hop_limit",), 1),
    (POLICY + ("dscp",), 0),
    (POLICY + ("mss_clamp",), True),
    (("eal",), {}),
    (("eal",), {"hugepages": "never", "memory": 64, "arguments": ["--log-level", "lib.eal:debug"]}),
    (("workers",), {"count": 64}),
    (("workers",), {"cpus": [0, 1023], "rebalance": True}),
    (("arp",), {"hold": 1, "tries": 10, "interval_ms": 100, "reachable_s": 5, "neighbors": 16}),
    (("icmp",), {"errors_per_second": 0, "burst": 1}),
    (("reassembly",), {"enabled": False, "packets": 16, "timeout_ms": 100}),
]

BAD = [
    (("ports",), {}),
    (("ports",), KeyError),
    (("port",), {}),
    (("ports", "wan", "device"), KeyError),
    (("ports", "wan", "side"), "outside"),
    (("ports", "wan", "mac"), "02:00:00"),
    (("ports", "wan", "addresses"), ["192.0.2.1"]),
    (("ports", "wan", "mtu"), 575),
    (("ports", "wan", "mtu"), 65386),
    (("ports", "wan", "queues"), 0),
    (("ports", "wan", "descriptors"), 1024),
    (("ports", "wan", "descriptors"), {"rx": 31}),
    (("ports", "wan", "promiscuous"), "yes"),
    (("ports", "wan", "host"), 1),
    (("ports", "a b"), {"device": "x"}),
    (("neighbors", 0, "mac"), KeyError),
    (SA + ("name",), KeyError),
    (SA + ("name",), "from b"),
    (SA + ("direction",), "both"),
    (SA + ("spi",), 200),
    (SA + ("spi",), 2**32),
    (SA + ("spi",), "many"),
    (SA + ("spi",), True),
    (SA + ("source",), "fc00::1"),
    (SA + ("udp_encap",), True),
    (SA + ("udp_encap", "destination_port"), 65536),
    (SA + ("udp_encap", "port"), 4500),
    (SA + ("algorithm",), "aes-128-cbc"),
    (SA + ("key",), "0102"),
    (SA + ("key",), "hex:010"),
    (SA + ("key",), "hex:0g"),
    (SA + ("esn",), "yes"),
    (SA + ("replay_window",), 63),
    (SA + ("replay_window",), 4097),
    (SA + ("protocol",), "ah"),
    (SA + ("mode",), "transport"),
    (SA + ("selectors",), KeyError),
    (SA + ("selectors", "source"), "fc00:2::"),
    (SA + ("selectors", "protocol"), 256),
    (SA + ("selectors", "protocol"), "ipv5"),
    (SID + ("sid",), "10.0.0.1"),
    (SID + ("behavior",), "End.DT4"),
    (SID + ("next_hop",), "lan"),
    (SID + ("clear",), "no"),
    (POLICY + ("prefixes",), []),
    (POLICY + ("segments",), []),
    (POLICY + ("segments",), ["fc00::%d" % i for i in range(17)]),
    (POLICY + ("mode",), "H.Insert"),
    (POLICY + ("hop_limit",), 0),
    (POLICY + ("dscp",), 64),
    (POLICY + ("dscp",), "ef"),
    (POLICY + ("mss_clamp",), "no"),
    (SA_OUT + ("ttl",), 256),
    (SA_OUT + ("dscp",), -1),
    (SA_OUT + ("df",), True),
    (("eal",), {"hugepages": False}),
    (("eal",), {"memory": 63}),
    (("workers",), {"cpus": [1024]}),
    (("workers",), {"cpus": []}),
    (("workers",), {"cpus": 2}),
    (("workers",), {"count": 0}),
    (("workers",), {"count": 65}),
    (("workers",), {"rebalance": 1}),
    (("eal",), {"arguments": "--no-huge"}),
    (("eal",), {"arguments": ["a"] * 65}),
    (("eal",), {"cores": 1}),
    (("arp",), {"hold": 65}),
    (("arp",), {"interval_ms": 99}),
    (("icmp",), {"errors_per_second": 1000001}),
    (("icmp",), {"burst": 0}),
    (("reassembly",), {"enabled": "true"}),
    (("reassembly",), {"packets": 15}),
    (("reassembly",), []),
    (("routes", 0, "prefix"), "0.0.0.0"),
    (("routes",), None),
    (("bypass",), [{"source": "10.0.0.0/8"}]),
    (("bypass",), [{"source": "10.0.0.0/8", "destination": "0.0.0.0/0", "source_ports": "dns"}]),
]


def name_of(case):
    return ".".join(map(str, case[0])) + "=" + ("nothing" if case[1] is KeyError else str(case[1]))[:24]


@pytest.mark.parametrize("case", GOOD, ids=name_of)
def test_good_value_is_taken(case):
    VALIDATOR.validate(put(gateway(), *case))


@pytest.mark.parametrize("case", BAD, ids=name_of)
def test_mistake_is_refused(case):
    assert list(VALIDATOR.iter_errors(put(gateway(), *case)))
