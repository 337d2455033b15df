"""How many packets come at once makes no difference: the same frames leave, each flow's in the same order."""

import random

import pytest

from calm import calm, flows, multiset, numbers_in_order
from judge import FATES, run_strata

SEEDS = (1, 2)
SIZES = (2, 3, 7, 8, 31, 32, 33, 63, 64)


def accounts(report):
    """What the reports of two runs have in common."""
    keys = (*FATES, "received", "generated", "sent", "ports", "security_associations", "local_sids", "ecn_anomalies",
            "icmp_errors_limited")
    return {key: report[key] for key in keys}


@pytest.mark.parametrize("seed", [*SEEDS, random.SystemRandom().randrange(2**31)])
def test_bursts_of_every_size(tmp_path, seed):
    print(f"\nseed {seed}")
    made = calm(seed, 3000)
    left, report = made.judge(tmp_path)
    ports = list(made.tree["ports"])
    one = {port: [frame for frame, _ in frames] for port, frames in left.items()}
    assert sum(map(len, one.values())) > 500
    for burst in sorted(random.Random(seed).sample(SIZES[:-1], 3)) + [SIZES[-1]]:
        left, again = run_strata(tmp_path, tmp_path / "gateway.yaml", made.packets, ports, burst=burst, poison="a5")
        many = {port: [frame for frame, _ in frames] for port, frames in left.items()}
        assert multiset(made.settings, many) == multiset(made.settings, one), f"--burst {burst}"
        assert flows(made.settings, many) == flows(made.settings, one), f"--burst {burst}"
        assert accounts(again) == accounts(report), f"--burst {burst}"
        for frames in many.values():
            numbers_in_order(made.settings, frames)
