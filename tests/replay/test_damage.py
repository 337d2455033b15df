"""Every octet of a good packet flipped, every truncation of it, and random damage, judged by the gateway of model.py.

Nothing but the right frame may leave, and each packet's end has the right name.
"""

import random
from dataclasses import replace

import pytest

import gateway as g
from gateway import Config, Sa
from harness import Case, Sent, ends, run_case, sent
from model import CLEAR, Gateway

TUNNELS = {
    "udp-gcm": Sa(),
    "plain-gcm": Sa("from-c", spi=0x1002, udp=None, algorithm="aes-256-gcm", key_from=0x40),
    "udp-chacha-esn": Sa("from-d", spi=0x1003, algorithm="chacha20-poly1305", esn=True, key_from=0x60),
}
INNER = g.inner4(84, tos=2)
CHAIN = [g.hop_by_hop(), g.srh(["fc00:1::d4", "fc00:9::1"], tlvs=g.PADN_TLV), g.dst_opts()]


def judged(config, frames):
    """Cases for the frames in this order, their ends as the model has them."""
    gateway = Gateway(config)
    cases = []
    for note, frame in frames:
        end = gateway.process("wan", frame)
        if len(end) == 2 and isinstance(end[1], bytes):
            cases.append(Case(frame, Sent(*end), note=note))
        else:
            cases.append(ends(frame, *end, note=note))
    return cases


@pytest.mark.parametrize("tunnel", TUNNELS)
def test_every_octet_flipped(tmp_path, tunnel):
    sa = TUNNELS[tunnel]
    outer = {"vlans": ((0x8100, 5),)}
    frame = g.good(sa, 0x01020304, INNER, six={"headers": CHAIN}, outer=outer)
    free = {*range(6, 12), 14, 15}  # the source MAC and the VLAN's own tag may change
    if sa.udp:  # and what a NAT changes: UDP source port and checksum, which the IPv4 checksum does not cover
        free |= {18 + 20, 18 + 21, 18 + 26, 18 + 27}
    caught, harmless = [], []
    for at in range(len(frame)):
        for mask in (0xFF, 1 << at % 8):
            whole = (
                g.good(sa, 0x01020305 + len(harmless), INNER, six={"headers": CHAIN}, outer=outer)
                if at in free
                else frame
            )
            broken = g.patch(whole, at, bytes([whole[at] ^ mask]))
            (harmless if at in free else caught).append((f"octet {at} ^ {mask:#x}", broken))
    config = Config([sa])
    cases = judged(config, [*caught, ("whole", frame), *harmless])
    assert [case.note for case in cases if isinstance(case.end, Sent)] == ["whole"] + [note for note, _ in harmless]
    run_case(config, cases, tmp_path)


def flip_cases_without_window(sa, frame):
    """The part of the frame that ESP protects: each flip must be caught by ESP itself."""
    esp_at = frame.index(sa.spi.to_bytes(4, "big"))
    for at in range(esp_at, len(frame)):
        yield at - esp_at, g.patch(frame, at, bytes([frame[at] ^ 0x81]))


@pytest.mark.parametrize("tunnel", TUNNELS)
def test_every_octet_of_esp_flipped_has_its_class(tmp_path, tunnel):
    sa = TUNNELS[tunnel]
    frame = g.good(sa, 7, INNER)
    cases = [
        ends(broken, "esp.no_sa" if at < 4 else "esp.auth_failed", note=f"ESP octet {at}")
        for at, broken in flip_cases_without_window(sa, frame)
    ]
    run_case(Config([sa]), [*cases, sent(frame, g.on_lan(INNER))], tmp_path)


@pytest.mark.parametrize("tunnel", TUNNELS)
def test_every_truncation_of_the_frame(tmp_path, tunnel):
    sa = TUNNELS[tunnel]
    frame = g.good(sa, 9, INNER, six={"headers": CHAIN}, outer={"vlans": ((0x88A8, 5), (0x8100, 6))})
    config = Config([sa])
    cases = judged(config, [(f"{length} octets", frame[:length]) for length in range(1, len(frame) + 1)])
    assert [case.note for case in cases if isinstance(case.end, Sent)] == [f"{len(frame)} octets"]
    assert {case.end for case in cases[:-1]} <= {"eth.truncated", "ip4.truncated"}
    run_case(config, cases, tmp_path)


@pytest.mark.parametrize("tunnel", TUNNELS)
def test_every_truncation_with_lengths_made_right(tmp_path, tunnel):
    """Cut ESP, and outer lengths that agree with the cut: ESP itself must notice."""
    sa = TUNNELS[tunnel]
    esp = sa.seal(9, g.inner6(INNER, src=sa.host()))
    config = Config([sa])
    cases = judged(config, [(f"{length} octets", g.wrap(sa, esp[:length])) for length in range(len(esp) + 1)])
    assert {case.end for case in cases[:-1]} <= {
        "esp.truncated",
        "esp.bad_length",
        "esp.auth_failed",
        "esp.seq_zero",
        "esp.no_sa",
    }
    run_case(config, cases, tmp_path)


def test_every_truncation_of_the_plaintext(tmp_path):
    """What a peer that holds the keys may send: the IPv6 packet cut at every octet, sealed properly."""
    sa = TUNNELS["udp-gcm"]
    six = g.inner6(INNER, headers=CHAIN)
    config = Config([sa])
    cut = [(f"{length} octets", g.wrap(sa, sa.seal(1 + length, six[:length]))) for length in range(len(six) + 1)]
    short = [
        (f"length {length}", g.wrap(sa, sa.seal(1000 + length, g.inner6(INNER, headers=CHAIN, length=length))))
        for length in range(len(six) - 40)
    ]
    cases = judged(config, cut + short)
    assert sum(isinstance(case.end, Sent) for case in cases) == 1
    run_case(config, cases, tmp_path)


def test_every_octet_of_the_plaintext_changed(tmp_path):
    """Authenticated, hostile: each octet of the IPv6 packet and of the ESP trailer takes several values."""
    sa = TUNNELS["udp-gcm"]
    text = g.inner6(INNER, headers=CHAIN) + b"\x01\x02\x02\x29"
    frames, seq = [], 0
    for at in range(len(text)):
        for value in {0, 0xFF, text[at] ^ 1, text[at] ^ 0x80, (text[at] + 8) & 0xFF} - {text[at]}:
            seq += 1
            frames.append(
                (f"octet {at} is {value:#x}", g.wrap(sa, sa.seal_text(seq, g.patch(text, at, bytes([value])))))
            )
    config = Config([sa])
    run_case(config, judged(config, frames), tmp_path)


@pytest.mark.parametrize("seed", range(2))
def test_random_damage_to_the_plaintext(tmp_path, seed):
    sa = TUNNELS["plain-gcm"]
    rng = random.Random(seed)
    whole = [
        g.inner6(g.inner4(60), headers=headers, src=sa.host())
        for headers in ([], CHAIN, [g.srh(["fc00:1::d4"])], [g.dst_opts()] * 3, [g.fragment_header()])
    ]
    frames = []
    for seq in range(1, 2501):
        text = bytearray(rng.choice(whole))
        hot = range(40, min(len(text), 40 + 96)) if rng.random() < 0.7 else range(len(text))
        for _ in range(rng.choice([0, 1, 1, 2, 3])):
            text[rng.choice(hot)] = rng.choice([0, 1, 4, 6, 41, 43, 44, 59, 60, 255, rng.randrange(256)])
        if rng.random() < 0.1:
            text = text[: rng.randrange(len(text))]
        frames.append((text.hex(), g.wrap(sa, sa.seal(seq, bytes(text)))))
    config = Config([sa])
    run_case(config, judged(config, frames), tmp_path, matrix=(("00", 64), ("a5", 32), ("a5", 1)))


def test_random_damage_to_the_frame(tmp_path):
    rng = random.Random(77)
    config = Config([replace(sa, inside=f"fc00:{i + 2}::/48") for i, sa in enumerate(TUNNELS.values())])
    frames = []
    for i in range(2500):
        sa = rng.choice(config.sas)
        frame = bytearray(g.good(sa, i + 1, INNER, outer={"vlans": rng.choice([(), ((0x8100, 1),)])}))
        start = 18 if frame[12] == 0x81 else 14
        for _ in range(rng.randrange(3)):
            frame[rng.randrange(start + 36)] = rng.choice([0, 1, 0x45, 0x46, 17, 50, 255, rng.randrange(256)])
        if rng.random() < 0.7:  # a header checksum that agrees, so that deeper checks are reached
            ihl = 4 * (frame[start] & 15)
            frame[start + 10 : start + 12] = b"\0\0"
            frame[start + 10 : start + 12] = g.checksum(bytes(frame[start : start + ihl])).to_bytes(2, "big")
        frames.append((frame[:64].hex(), bytes(frame)))
    cases = [case for case in judged(config, frames) if case.end != CLEAR]
    run_case(config, cases, tmp_path, matrix=(("00", 1), ("a5", 1)))
