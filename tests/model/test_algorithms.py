"""RFC duties 32 to 36: each cipher beside OpenSSL's (python3-cryptography), in both directions, for random keys, salts,
lengths, numbers and additional data.
"""

import random
import struct

import pytest

import gateway as g
import octets as o
from gateway import Config, Sa
from harness import START_NS, capture_bytes, run_once, write_config
from judge import Tunnels
from journey import Model
from settings import Settings, number4

COUNT = 400
CASES = [(algorithm, esn) for algorithm in g.ALGORITHMS for esn in (False, True)]
EPOCH = 2**32


def key(rng, algorithm):
    return rng.randbytes(g.KEY_OCTETS[algorithm] + 4)


def inbound(rng, sas):
    """(frame, cause, the packet that leaves): all that ICV, key, number and length decide."""
    tops = dict.fromkeys(sas, 0)
    for _ in range(COUNT):
        sa = rng.choice(sas)
        tops[sa] += rng.choice((1, 1, 7, 2**20))
        if sa.esn and rng.random() < 0.02:
            tops[sa] += 2**31 - 5000  # into the next 2^32
        tops[sa] = min(tops[sa], 2**64 - 1 if sa.esn else EPOCH - 1)
        inner = rng.randbytes(rng.randrange(8981))
        inner = o.ip4(number4("10.2.0.2"), number4("10.1.0.2"), 253, inner)
        yield from one(rng, sa, tops[sa], inner)


def one(rng, sa, number, inner):
    """A packet of the SA; before it, as often as not, it with one bit flipped, which has to be refused."""
    six = struct.pack("!IHBB", 6 << 28, len(inner), g.IPV4, 64) + g.ipaddress.ip_address(sa.host()).packed
    six += g.ipaddress.ip_address("fc00:1::d4").packed + inner
    iv = rng.randbytes(8)
    kind = rng.randrange(4)
    if kind == 0:  # a text of any length that is one: a dummy (RFC 4303 section 2.6)
        text = rng.randbytes(4 * rng.randrange(2250)) + b"\0\0" + bytes([0, g.NO_NEXT])
        sealed, end, leaves = sa.seal_text(number, text, iv=iv), "esp.dummy", None
    else:
        sealed, end, leaves = sa.seal(number, six, iv=iv), None, g.on_lan(inner)
    at = rng.randrange(8 * len(sealed))
    if kind != 1:
        broken = bytearray(sealed)
        broken[at // 8] ^= 1 << at % 8
        if at // 8 >= 8:  # of SPI and number one bit is another packet
            yield sa, bytes(broken), "esp.auth_failed", None
    yield sa, sealed, end, leaves


@pytest.mark.parametrize("algorithm, esn", CASES)
def test_what_openssl_seals_strata_opens(tmp_path, algorithm, esn):
    seed = random.SystemRandom().randrange(2**31)
    print(f"seed {seed}")
    rng = random.Random(seed)
    sas = [Sa(f"from-{n}", spi=0x1001 + n, algorithm=algorithm, esn=esn, udp=None if n % 2 else (4500, 4500), window=64,
              inside=f"fc00:{n + 2}::/48", key=key(rng, algorithm)) for n in range(4)]
    wanted = list(inbound(rng, sas))
    path = tmp_path / "in.pcap"
    frames = [wrapped(sa, sealed) for sa, sealed, _, _ in wanted]
    path.write_bytes(capture_bytes(frames, times=[START_NS + 1000 * n for n in range(len(frames))]))
    config_file = write_config(Config(sas, mtu=9100), tmp_path)
    for burst in (64, 1):
        outcome = run_once(config_file, {"wan": path}, ("lan",), tmp_path, burst=burst)
        assert outcome.frames["lan"] == [leaves for _, _, _, leaves in wanted if leaves]
        ends = {cause: sum(end == cause for _, _, end, _ in wanted) for cause in ("esp.auth_failed", "esp.dummy")}
        assert min(ends.values()) > 20
        assert outcome.report["dropped"] == {"esp.auth_failed": ends["esp.auth_failed"]}
        assert outcome.report["consumed"] == {"esp.dummy": ends["esp.dummy"]}


def wrapped(sa, esp):
    if sa.udp:
        esp = struct.pack("!HHHH", *sa.udp, 8 + len(esp), 0) + esp
    return g.ether(o.ip4(number4(sa.source), number4(sa.destination), g.UDP_ if sa.udp else g.ESP, esp))


@pytest.mark.parametrize("algorithm, esn", CASES)
def test_what_strata_seals_openssl_opens(tmp_path, algorithm, esn):
    seed = random.SystemRandom().randrange(2**31)
    print(f"seed {seed}")
    rng = random.Random(seed)
    sa = Sa("to-b", spi=0x2001, algorithm=algorithm, esn=esn, source="192.0.2.1", destination="192.0.2.254",
            udp=rng.choice((None, (4500, 4500))), inside="fc00:1::/48", target="fc00:2::/48", key=key(rng, algorithm))
    tree = Config([], mtu=9100).tree()
    tree["ipsec"] = {"security_associations": [{**sa.config(), "direction": "out"}]}
    payloads = [rng.randbytes(rng.randrange(8950)) for _ in range(COUNT)]
    packets = [o.ip4(number4("10.1.0.2"), number4("10.2.0.1"), 253, payload) for payload in payloads]
    frames = [g.ether(p, dst=g.LAN_MAC, src=g.LAN_HOST_MAC) for p in packets]
    model = Model(Settings(tree))
    for number, frame in enumerate(frames):
        model.arrive("lan", frame, START_NS + 1000 * number)
    path = tmp_path / "in.pcap"
    path.write_bytes(capture_bytes(frames))
    outcome = run_once(write_config(tree, tmp_path), {"lan": path}, ("wan",), tmp_path)
    assert len(outcome.frames["wan"]) == len(model.leaves) == COUNT
    tunnels, ivs = Tunnels(), set()
    for leaf, frame in zip(model.leaves, outcome.frames["wan"]):
        tunnels.open(leaf, frame, leaf.sealed.sequence)
        at = 50 if sa.udp else 42
        ivs.add(frame[at : at + 8])
    assert len(ivs) == COUNT  # RFC 4106 section 3.1
