#!/usr/bin/python3
"""Runs `strata bench` for docs/performance.md: measure.py --strata FILE --json FILE [--rounds N]"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

# Words of strata bench, and what they are for.
PARTS = (
    ("one SA, by size and stage", ["--stages"]),
    ("packets that are in no cache", ["--caches", "cold", "--sizes", "64,1400,imix"]),
    ("many SAs", ["--sas", "16,1000,10000", "--sizes", "64,1400"]),
    ("many SAs and routes", ["--sas", "10000", "--routes", "100000", "--sizes", "64,1400"]),
)
# Of another number of SAs than above: each row is there once.
TWO_WORKERS = ("two workers beside one", ["--workers", "1,2", "--sas", "2000", "--sizes", "64,imix,1400"])


def measured(strata, words):
    done = subprocess.run([strata, "bench", "--json", *words], stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"strata bench {' '.join(words)} failed")
    return json.loads(done.stdout)


def joined(reports):
    """One report of all rows, which were measured under the same conditions."""
    head = {key: value for key, value in reports[0].items() if key != "results"}
    for report in reports:
        other = {key: value for key, value in report.items() if key != "results"}
        if other.keys() != head.keys() or any(other[key] != head[key] for key in head if key != "tsc_mhz"):
            sys.exit(f"measured under two conditions: {head} and {other}")
    return {**head, "results": [row for report in reports for row in report["results"]]}


def text(report):
    """JSON with a row a line: changes of figures are read in reviews."""
    head = json.dumps({key: value for key, value in report.items() if key != "results"}, indent=1)
    rows = ",\n  ".join(json.dumps(row) for row in report["results"])
    return head.removesuffix("\n}") + f',\n "results": [\n  {rows}\n ]\n}}\n'


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--strata", required=True)
    parser.add_argument("--json", required=True, type=Path)
    parser.add_argument("--rounds", type=int, default=301)
    options = parser.parse_args()
    reports = []
    for what, words in PARTS + ((TWO_WORKERS,) if len(os.sched_getaffinity(0)) > 1 else ()):
        print(f"strata bench: {what}", file=sys.stderr)
        reports.append(measured(options.strata, [*words, "--rounds", str(options.rounds)]))
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(text(joined(reports)))


if __name__ == "__main__":
    main()
