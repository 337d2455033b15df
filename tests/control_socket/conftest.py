import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "live"))

import pytest  # noqa: E402

from asking import Place  # noqa: E402


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """A gateway that opens what a capture brings over and over, for tests that only ask."""
    import journeys

    place = Place(tmp_path_factory.mktemp("gateway"))
    frames, _ = journeys.inbound(240)
    with place.running(place.configuration(wan=place.played(frames))) as strata:
        place.strata = strata
        yield place
        strata.stop()
