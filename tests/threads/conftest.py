import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / room) for room in ("threads", "metrics", "control_socket", "live", "replay")]

import pytest  # noqa: E402

from reading import Measured  # noqa: E402


@pytest.fixture
def place(tmp_path):
    return Measured(tmp_path)
