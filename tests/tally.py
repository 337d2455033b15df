#!/usr/bin/python3
"""Counts what the runners of ./dev test found, and fails when one of them failed.

Each runner leaves NAME.exit (exit code, seconds) in the directory and, unless it only built, NAME.xml (JUnit). A runner
that failed without a failed test in its file (it crashed, or did not compile) counts as one failure.
"""

import collections
import pathlib
import sys
import xml.etree.ElementTree as ElementTree


def count(junit):
    """(passed, failed, skipped) of one JUnit file."""
    passed = failed = skipped = 0
    for case in ElementTree.parse(junit).getroot().iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        elif case.find("skipped") is not None or case.get("status") == "notrun":
            skipped += 1
        else:
            passed += 1
    return passed, failed, skipped


def reasons(junit):
    """Why tests of one JUnit file were skipped, as they say it."""
    try:
        found = ElementTree.parse(junit).getroot().iter("skipped")
    except (OSError, ElementTree.ParseError):
        return []
    return [skipped.get("message", "") for skipped in found if skipped.get("message")]


def count_runner(exit_file):
    code = int(exit_file.read_text().split()[0])
    junit = exit_file.with_suffix(".xml")
    try:
        passed, failed, skipped = count(junit) if junit.exists() else (0, 0, 0)
    except ElementTree.ParseError:
        passed, failed, skipped = 0, 1, 0
    if code != 0 and failed == 0:
        failed = 1
    return passed, failed, skipped


def main(directory):
    total = [0, 0, 0]
    why = collections.Counter()
    print(f"\n{'runner':24} {'passed':>8} {'failed':>8} {'skipped':>8} {'seconds':>8}")
    for exit_file in sorted(pathlib.Path(directory).glob("*.exit")):
        counts = count_runner(exit_file)
        total = [a + b for a, b in zip(total, counts)]
        why.update((exit_file.stem, reason) for reason in reasons(exit_file.with_suffix(".xml")))
        seconds = exit_file.read_text().split()[1]
        print(f"{exit_file.stem:24} {counts[0]:8} {counts[1]:8} {counts[2]:8} {seconds:>8}")
    if why:
        print()
    for (runner, reason), number in sorted(why.items()):
        print(f"skipped {number} of {runner}: {reason}")
    print(f"\n{total[0]} passed, {total[1]} failed, {total[2]} skipped")
    # No test at all is no success.
    return 1 if total[1] or not total[0] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
