"""RFC duty 31: while keys are changed, packets of the old inbound SA and of the new one come in any order, and all of
them arrive."""

import dataclasses
import random

import pytest

import gateway as g
from gateway import Config, Sa
from harness import ends, run_case, sent

OLD = Sa()
TWO = (("00", 64), ("a5", 1))


def good(sa, seq):
    inner = g.inner4(64 + 4 * (seq % 60), seq=seq, ident=sa.spi)
    return sent(g.good(sa, seq, inner), g.on_lan(inner), note=f"{sa.name} {seq}")


def late(count, by, dice):
    """The numbers from 1 on, each at most so many places away from its own."""
    return sorted(range(1, count + 1), key=lambda seq: seq + dice.uniform(0, by))


@pytest.mark.parametrize("new", [
    dataclasses.replace(OLD, name="from-b-new", spi=0x1101, key_from=40),
    dataclasses.replace(OLD, name="from-b-new", spi=0x1101, key_from=40, algorithm="chacha20-poly1305", esn=True),
], ids=["another key", "another algorithm"])
def test_the_switch_loses_nothing(tmp_path, new):
    """The sender goes over to the new SA; for a while packets of both come, out of order, with the same numbers."""
    dice = random.Random(31)
    on_old, on_new = ([good(sa, seq) for seq in late(300, 100, dice)] for sa in (OLD, new))
    both = [(0.5 * i, case) for i, case in enumerate(on_old)] + [(75 + 0.5 * i, case) for i, case in enumerate(on_new)]
    cases = [case for _, case in sorted(both, key=lambda one: one[0])]
    # What is none of the switch: each SA has a window and a key of its own.
    cases += [ends(g.good(sa, 300), "esp.replayed") for sa in (OLD, new)]
    cases += [ends(g.good(dataclasses.replace(OLD, spi=new.spi, esn=new.esn), 301), "esp.auth_failed")]
    cases += [good(OLD, 301), good(new, 301)]
    run_case(Config([OLD, new]), cases, tmp_path, matrix=TWO)
