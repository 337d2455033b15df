import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / room) for room in ("metrics", "control_socket", "live", "replay")]

import pytest  # noqa: E402

from reading import Measured  # noqa: E402


@pytest.fixture
def place(tmp_path):
    return Measured(tmp_path)


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """A gateway that opens what a capture brings over and over, for tests that only read. The first SA has a window:
    it takes each packet once."""
    import journeys

    place = Measured(tmp_path_factory.mktemp("gateway"))
    frames, _ = journeys.inbound(240)
    tree = place.configuration(wan=place.played(frames))
    tree["ipsec"]["security_associations"][0]["replay_window"] = 64
    with place.running(tree) as strata:
        place.strata = strata
        yield place
        strata.stop()
