"""Packets of both directions through one gateway, in turns: what one leaves behind is nothing to the other."""

import pytest

import gateway as g
from gateway import Config, Sa
from harness import START_NS, capture_bytes, run_once, write_config
from test_outbound import from_host, inner4, opened, out_sa

ROUNDS = 40


def turns(pattern, sa):
    """Frames by port, in the order that the pattern says: i comes from the tunnel, o goes into it."""
    frames = {"wan": [], "lan": []}
    times = {"wan": [], "lan": []}
    inners = []
    for n, way in enumerate(pattern * ROUNDS):
        port = "wan" if way == "i" else "lan"
        if way == "i":
            inner = g.inner4(84 + 4 * (n % 50), seq=n)
            inners.append(inner)
            frames[port].append(g.good(sa, len(inners), inner))
        else:
            frames[port].append(from_host(inner4(100 + n % 90)))
        times[port].append(START_NS + 1000 * n)
    return frames, times, inners


@pytest.mark.parametrize("algorithm", ["aes-128-gcm", "chacha20-poly1305"])
@pytest.mark.parametrize("pattern", ["oi", "io", "oooi", "oiii", "ooooooooiiiiiiii"])
def test_both_ways(tmp_path, algorithm, pattern):
    into, out = Sa(algorithm=algorithm), out_sa(algorithm=algorithm)
    tree = Config([into]).tree()
    tree["ipsec"]["security_associations"].append({**out.config(), "direction": "out"})
    frames, times, inners = turns(pattern, into)
    inputs = {port: tmp_path / f"in-{port}.pcap" for port in frames}
    for port, path in inputs.items():
        path.write_bytes(capture_bytes(frames[port], times=times[port]))
    config_file = write_config(tree, tmp_path)
    for poison, burst in (("00", 64), ("a5", 64), ("a5", 1), ("00", 8)):
        outcome = run_once(config_file, inputs, ("wan", "lan"), tmp_path, poison=poison, burst=burst)
        assert outcome.report["dropped"] == {} and outcome.report["balanced"]
        steps = {step: count for step, count in outcome.report["steps"].items() if count}
        opened_here = dict.fromkeys(("host_input", "esp_open", "local_sid", "end_dx4"), len(inners))
        sealed_here = dict.fromkeys(("h_encaps", "esp_seal"), len(frames["lan"]))
        both = dict.fromkeys(("classify", "ip4_forward"), len(inners) + len(frames["lan"]))
        assert steps == opened_here | sealed_here | both
        assert outcome.frames["lan"] == [g.on_lan(inner) for inner in inners]
        assert len(outcome.frames["wan"]) == len(frames["lan"])
        for sequence, frame in enumerate(outcome.frames["wan"], 1):
            opened(out, frame, sequence)
