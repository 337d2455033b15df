"""RFC duties 6 and 7: the replay window and extended sequence numbers, against the naive window of model.py."""

import random

import pytest

import gateway as g
from gateway import Config, Sa
from harness import ends, run_case, sent
from model import Window

INNER = g.inner4(64)
OUT = g.on_lan(INNER)
TWO = (("00", 64), ("a5", 1))


def make(sa, numbers):
    """Cases for good packets with these 64-bit numbers in this order; the naive window says what becomes of each."""
    window, cases = Window(sa.window, sa.esn), []
    for seq in numbers:
        frame = g.good(sa, seq, INNER)
        meant = window.full(seq & 0xFFFFFFFF)
        if meant is None:
            cases.append(ends(frame, "esp.replay_too_old", "esp.auth_failed", note=f"{seq:#x}"))
            continue
        verdict = window.verdict(meant) or (None if meant == seq else "esp.auth_failed")
        if verdict:
            cases.append(ends(frame, verdict, note=f"{seq:#x} taken as {meant:#x}, top {window.top:#x}"))
        else:
            window.accept(seq)
            cases.append(sent(frame, OUT, note=f"{seq:#x}"))
    return cases


def around(window, start=1):
    """Jumps of W-1, W, W+1, 64-bit block edges, and what is then just inside and just outside, twice each."""
    numbers, top = [start], start
    steps = [
        1,
        2,
        31,
        32,
        33,
        63,
        64,
        65,
        127,
        128,
        129,
        window - 1,
        window,
        window + 1,
        window + 63,
        window + 64,
        window + 65,
        2 * window - 1,
        2 * window,
        2 * window + 1,
        10 * window,
        1,
    ]
    for step in steps:
        top += step
        numbers.append(top)
        for back in (0, 1, 2, 63, 64, 65, window - 2, window - 1, window, window + 1, window + 64):
            if top > back:
                numbers += [top - back, top - back]
    return numbers


@pytest.mark.parametrize("window", [64, 100, 128, 1000, 1024, 4096])
def test_duty_06_window_jumps_and_edges(tmp_path, window):
    sa = Sa(window=window)
    cases = make(sa, around(window)) + [*make(sa, [1])]
    cases[-1] = ends(cases[-1].frame, "esp.replay_too_old")
    run_case(Config([sa]), cases, tmp_path, matrix=TWO)


@pytest.mark.parametrize("window", [64, 1024, 4096])
def test_duty_06_random_walks(tmp_path, window):
    sa = Sa(window=window)
    rng = random.Random(window)
    top, numbers = 1, []
    for _ in range(3000):
        kind = rng.random()
        if kind < 0.6:
            top += rng.choice((1, 1, 1, 2, rng.randrange(1, 130)))
            numbers.append(top)
        elif kind < 0.62:
            top += rng.randrange(1, 3 * window)
            numbers.append(top)
        else:
            numbers.append(max(1, top - rng.randrange(0, int(1.2 * window))))
    run_case(Config([sa]), make(sa, numbers), tmp_path, matrix=TWO, ports=("lan",))


def test_duty_06_jumps_beyond_two_to_31(tmp_path):
    sa = Sa(window=1024)
    edges = [
        1,
        2**31,
        2**31 + 1,
        2**31 - 1023,
        2**31 - 1022,
        1,
        2**32 - 2,
        2**32 - 1,
        2**32 - 1,
        2**32 - 1024,
        2**32 - 1025,
        5,
    ]
    run_case(Config([sa]), make(sa, edges), tmp_path)


def test_duty_06_everything_backwards(tmp_path):
    for window in (64, 4096):
        folder = tmp_path / str(window)
        folder.mkdir()
        sa = Sa(window=window)
        run_case(Config([sa]), make(sa, range(window + 40, 0, -1)), folder, matrix=TWO)


def test_duty_06_window_off_takes_everything(tmp_path):
    sa = Sa(window=0)
    numbers = [5, 5, 1, 2**31, 1, 2**32 - 1, 7, 7]
    run_case(Config([sa]), [sent(g.good(sa, seq, INNER), OUT) for seq in numbers], tmp_path)


def esn_numbers(window):
    """Up to and over 2^32 in jumps of at most 2^31, late packets of the old epoch, copies, and on to the next epoch."""
    edge = 2**32
    numbers = [1, 2, 2**30, 2**30 + 2**31, edge - window - 5, edge - 2, edge - 1, edge - 1, edge, edge, edge + 1]
    numbers += [
        edge - 3,
        edge - 3,
        edge - window + 2,
        edge - window + 1,
        edge - window + 3,
        edge + 2,
    ]  # late, old epoch
    numbers += [edge - window + 3, edge + window, edge + 3, edge + 1, edge + window + 70, edge + 2 * window]
    numbers += [
        edge + 2**31,
        edge + 2**31 + 2**30,
        2 * edge - 10,
        2 * edge + 5,
        2 * edge - 9,
        2 * edge - 10,
        2 * edge + 6,
    ]
    return numbers


@pytest.mark.parametrize("window", [64, 1024, 4096])
def test_duty_07_esn_crosses_2_to_32(tmp_path, window):
    cases, sas = [], []
    for i, algorithm in enumerate(g.ALGORITHMS):
        sa = Sa(
            f"peer-{i}",
            spi=0x2000 + i,
            algorithm=algorithm,
            esn=True,
            window=window,
            inside=f"fc00:{i + 2}::/48",
            key_from=17 * i,
        )
        sas.append(sa)
        cases.append(make(sa, esn_numbers(window)))
    interleaved = [case for row in zip(*cases) for case in row]
    run_case(Config(sas), interleaved, tmp_path)


def test_duty_07_the_wrong_epoch_fails_its_icv(tmp_path):
    sa = Sa(esn=True, window=64)
    edge = 2**32
    numbers = [
        100,
        edge + 200,
        2**31,
        edge - 1,
        edge,
        3 * edge + 70,
        edge + 70,
        edge + 10,
        edge + 10,
        2 * edge + 71,
        71,
        edge + 71,
    ]
    cases = make(sa, numbers)
    assert {"esp.auth_failed", "esp.replayed"} <= {case.end for case in cases if isinstance(case.end, str)}
    run_case(Config([sa]), cases, tmp_path)


def test_duty_07_the_high_half_is_authenticated(tmp_path):
    """The same key with and without ESN: neither takes the other's packets, not even in epoch 0."""
    for esn in (False, True):
        folder = tmp_path / str(esn)
        folder.mkdir()
        here, there = Sa(esn=esn), Sa(esn=not esn)
        cases = [ends(g.good(there, 7, INNER), "esp.auth_failed"), sent(g.good(here, 7, INNER), OUT)]
        run_case(Config([here]), cases, folder, matrix=TWO)


def test_duty_07_sequence_zero_of_a_later_epoch_is_a_number(tmp_path):
    sa = Sa(esn=True, window=64)
    run_case(Config([sa]), make(sa, [2**31, 2**32 - 1, 2**32, 2**32, 2**32 + 1]), tmp_path)


def test_algorithms_key_sizes_and_esn_together(tmp_path):
    """Every algorithm, with and without ESN, plain and in UDP on several ports, interleaved."""
    sas = [
        Sa(
            f"peer-{i}",
            spi=0x3000 + i,
            algorithm=algorithm,
            esn=esn,
            udp=udp,
            window=window,
            inside=f"fc00:{i + 2}::/48",
            key_from=5 * i + 1,
        )
        for i, (algorithm, esn, udp, window) in enumerate(
            (a, e, u, w)
            for a in g.ALGORITHMS
            for e in (False, True)
            for u, w in ((None, 64), ((4500, 4500), 1024), ((50000, 4502), 4096), (None, 0))
            if not (e and w == 0)
        )
    ]
    rng = random.Random(9)
    cases = []
    for seq in range(1, 25):
        order = list(sas)
        rng.shuffle(order)
        for sa in order:
            inner = g.inner4(rng.randrange(20, 400), ident=seq)
            cases.append(sent(g.good(sa, seq, inner), g.on_lan(inner)))
    report = run_case(Config(sas), cases, tmp_path, ports=("lan",)).report
    assert {name: count["packets"] for name, count in report["security_associations"].items() if count["packets"]} == {
        sa.name: 24 for sa in sas
    }
