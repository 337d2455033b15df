#!/usr/bin/python3
"""Writes what the program says of its graph and its causes into docs/ (the tree's tests compare)."""

import os
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
STRATA = os.environ.get("STRATA", str(ROOT / "build/release/strata"))


def refresh(path, marker, *arguments):
    said = subprocess.run([STRATA, *arguments], capture_output=True, text=True, check=True).stdout.strip()
    document = ROOT / path
    pattern = rf"(<!-- {marker} begin[^>]*-->\n).*?(<!-- {marker} end -->)"
    text, count = re.subn(pattern, lambda m: f"{m.group(1)}{said}\n{m.group(2)}", document.read_text(), flags=re.S)
    if count != 1:
        raise SystemExit(f"{path}: the markers of {marker} are not there once")
    document.write_text(text)


if __name__ == "__main__":
    refresh("docs/journey.md", "graph", "graph")
    refresh("docs/drop-reasons.md", "causes", "graph", "--drops")
