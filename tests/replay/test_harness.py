"""The harness must be able to fail: each kind of wrong expectation is noticed."""

import pytest

import gateway as g
from gateway import Config, Sa
from harness import ends, run_case, sent

SA = Sa()
INNER = g.inner4(84)
OUT = g.on_lan(INNER)
ONE = (("00", 64),)

WRONG = {
    "an octet": [sent(g.good(SA, 1, INNER), g.patch(OUT, 40, b"\xee"))],
    "a cause": [ends(g.good(Sa(spi=0x5555), 1), "esp.replayed")],
    "a drop that is none": [ends(g.good(SA, 1, INNER), "esp.no_sa")],
    "a packet that does not leave": [sent(g.good(Sa(spi=0x5555), 1, INNER), OUT)],
    "the port": [sent(g.good(SA, 1, INNER), OUT, to="lan2")],
    "the order": [sent(g.good(SA, 1, INNER), g.on_lan(g.inner4(60))), sent(g.good(SA, 2, g.inner4(60)), OUT)],
}


@pytest.mark.parametrize("explain", [True, False])
@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_expectation_is_noticed(tmp_path, what, explain):
    with pytest.raises(AssertionError):
        run_case(Config(), WRONG[what], tmp_path, matrix=ONE, explain=explain)
