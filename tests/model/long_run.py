#!/usr/bin/python3
"""The model beside strata for as many packets as one likes: ./dev model [PACKETS] [SEED]

Each seed is a configuration and PER_SEED packets. A difference is told with its seed; ./dev model 1 SEED shows it
again, and its folder is left to be looked at.
"""

import argparse
import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / room) for room in ("model", "replay")]

from judge import Different, Scenario  # noqa: E402

PER_SEED = 5000


def judge(seed):
    """(seed, what differs or "", leaves, causes)."""
    scenario = Scenario(seed, PER_SEED, random.Random(seed))
    folder = Path(tempfile.mkdtemp(prefix=f"strata.model.{seed}."))
    try:
        scenario.judge(folder)
    except Different as different:
        return seed, f"{different}\n  left in {folder}", 0, Counter()
    shutil.rmtree(folder)
    return seed, "", len(scenario.model.leaves), +scenario.model.ends


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("packets", type=int, nargs="?", default=10**6)
    parser.add_argument("seed", type=int, nargs="?", default=None)
    given = parser.parse_args()
    first = random.SystemRandom().randrange(2**31) if given.seed is None else given.seed
    count = -(-given.packets // PER_SEED)
    print(f"{count} configurations of {PER_SEED} packets, seeds from {first}", flush=True)
    begun, bad, left, ends = time.monotonic(), [], 0, Counter()
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for done, (seed, different, leaves, causes) in enumerate(pool.map(judge, range(first, first + count)), 1):
            left += leaves
            ends += causes
            if different:
                bad.append(seed)
                print(f"seed {seed}: {different}", flush=True)
            if done % 20 == 0:
                print(f"{done * PER_SEED} packets, {time.monotonic() - begun:.0f} s", flush=True)
    print(f"{count * PER_SEED} packets, {left} frames that left, {sum(ends.values())} ends of {len(ends)} causes, "
          f"{time.monotonic() - begun:.0f} s; seeds that differ: {bad or 'none'}")
    print("\n".join(f"  {number:8} {cause}" for cause, number in sorted(ends.items())))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
