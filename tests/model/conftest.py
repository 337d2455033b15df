import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / room) for room in ("model", "replay", "live")]


def pytest_addoption(parser):
    parser.addoption("--seed", type=int, action="append", help="judge this seed alone; may be given several times")
