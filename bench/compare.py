#!/usr/bin/python3
"""Whether this tree is faster or slower than another one: compare.py --mine FILE --other FILE --name NAME [-- WORD...]

Both programs run `strata bench` in turns, so that what the machine does in between meets both. The words after -- are
for `strata bench`. The exit is 1 when a row is slower.
"""

import argparse
import json
import re
import statistics
import subprocess
import sys
from dataclasses import dataclass

KEYS = ("direction", "size", "sas", "routes", "workers", "warm", "feed")
FEED_BEFORE = ("by bursts", "at once")  # of one worker and of several, in revisions that did not say it
ROUNDS = 15  # of each program in each turn
LEAST_TURNS = 5
LEAST_DIFFERENCE = 0.02  # code that is merely laid out otherwise makes as much


@dataclass(frozen=True)
class Row:
    key: tuple
    mine: float  # cycles, medians over the turns
    other: float
    ratio: float  # the median over the turns of mine to other
    inner: tuple  # between which ratios all turns lay but the least and the greatest one

    @property
    def verdict(self):
        low, high = self.inner
        if low > 1 and self.ratio > 1 + LEAST_DIFFERENCE:
            return "slower"
        if high < 1 and self.ratio < 1 - LEAST_DIFFERENCE:
            return "faster"
        return ""


def cycles_by_key(report):
    """Of the quickest round: what else runs on the machine makes rounds slower, and none quicker."""
    rows = [{"feed": FEED_BEFORE[row["workers"] > 1], **row} for row in report["results"]]
    return {tuple(row.get(key) for key in KEYS): row["spread"][0] for row in rows}


def compared(turns):
    """turns: pairs of reports, of mine and of the other one, measured one after the other."""
    pairs = [(cycles_by_key(mine), cycles_by_key(other)) for mine, other in turns]
    keys = list(pairs[0][0])
    if any(set(one) != set(keys) for pair in pairs for one in pair):
        sys.exit("the two programs measured different rows: give -- with words that both know")
    rows = []
    for key in keys:
        mine, other = [one[key] for one, _ in pairs], [one[key] for _, one in pairs]
        ratios = sorted(a / b for a, b in zip(mine, other))
        rows.append(Row(key, statistics.median(mine), statistics.median(other), statistics.median(ratios),
                        (ratios[1], ratios[-2])))
    return rows


def name_of(key):
    direction, size, sas, routes, workers, warm, _ = key
    words = [direction, size, f"{sas} SA" + ("s" if sas != 1 else "")]
    words += [f"{routes} routes"] if routes else []
    words += [f"{workers} workers"] if workers != 1 else []
    return ", ".join(words + ([] if warm else ["cold"]))


def table(rows, name):
    wide = max(len(name_of(row.key)) for row in rows)
    lines = [f"{'':{wide}} {'this tree':>10} {name:>12} {'ratio':>7}   of the turns"]
    for row in rows:
        low, high = row.inner
        lines.append(f"{name_of(row.key):{wide}} {row.mine:>10.1f} {row.other:>12.1f} {row.ratio:>7.3f}   "
                     f"{low:.3f} - {high:.3f}  {row.verdict}".rstrip())
    return "\n".join(lines)


def summary(rows):
    slower, faster = (sum(row.verdict == verdict for row in rows) for verdict in ("slower", "faster"))
    if slower + faster == 0:
        return f"no row of {len(rows)} differs by more than the noise and {LEAST_DIFFERENCE:.0%}"
    return (f"of {len(rows)} rows {slower} slower, {faster} faster; the others are within the noise, or within "
            f"{LEAST_DIFFERENCE:.0%}")


def measured(program, words):
    command = [program, "bench", "--rounds", str(ROUNDS), *words, "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"{program} bench {' '.join(words)} failed")
    return json.loads(done.stdout)


def can_bench(program):
    said = subprocess.run([program, "--help"], capture_output=True, text=True).stdout
    return re.search(r"^\s+bench\s", said, re.M) is not None


def take_turns(options):
    """Who begins changes with each turn."""
    turns = []
    for turn in range(options.turns):
        order = [options.mine, options.other] if turn % 2 == 0 else [options.other, options.mine]
        seen = {program: measured(program, options.words) for program in order}
        turns.append((seen[options.mine], seen[options.other]))
        print(f"turn {turn + 1} of {options.turns}", file=sys.stderr)
    return turns


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mine", required=True)
    parser.add_argument("--other", required=True)
    parser.add_argument("--name", required=True, help="the other one's")
    parser.add_argument("--turns", type=int, default=11, help="at least 5")
    parser.add_argument("words", nargs="*", metavar="-- WORD")
    options = parser.parse_args()
    if options.turns < LEAST_TURNS:
        parser.error(f"--turns {options.turns}: fewer than {LEAST_TURNS} say nothing")
    return options


def main():
    options = arguments()
    if not can_bench(options.other):
        sys.exit(f"{options.name} has no `strata bench`: it is older than the measurement, and cannot be compared")
    rows = compared(take_turns(options))
    print(f"cycles of the TSC a packet, quickest rounds, medians of {options.turns} turns; "
          f"ratio: this tree to {options.name}\n")
    print(table(rows, options.name))
    print("\n" + summary(rows))
    sys.exit(any(row.verdict == "slower" for row in rows))


if __name__ == "__main__":
    main()
