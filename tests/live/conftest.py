import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

import netns  # noqa: E402


@pytest.fixture
def outside():
    """Two wires: wan0 to wan1 and lan0 to lan1."""
    with netns.Namespace() as namespace:
        for name in ("wan", "lan"):
            namespace.veth(f"{name}0", f"{name}1")
        yield namespace
