#!/usr/bin/python3
"""Runs the fuzzers: run.py --build BUILD [--seconds N] [TARGET...]; --keep makes their corpora of what they found.

Each target begins with tests/fuzz/corpus/TARGET and what it found before, in build/fuzz/TARGET. An input with which it
fails is left in build/fuzz/failed, and how to repeat that is said.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
CORPUS = HERE / "corpus"
TARGETS = ("wire", "inbound", "opened", "outbound", "arp", "fragments", "config", "capture", "control")

# Octets of an input. What is longer finds nothing more, only later.
LONGEST = {"wire": 1024, "config": 6000, "capture": 4096, "control": 4096}
USUAL_LONGEST = 6000
LONGEST_KEPT = 2500
MEMORY_MIB = 3000
PATIENCE_S = 60  # for one input

# Entropic scheduling (the default) takes more than half of the time with as many ways as there are here.
USUAL = ["-entropic=0", f"-rss_limit_mb={MEMORY_MIB}", f"-timeout={PATIENCE_S}", "-print_final_stats=1"]


def environment():
    """The sanitizers' options, where the caller has none. LeakSanitizer wants ptrace, which some containers forbid."""
    options = dict(os.environ)
    options.setdefault("ASAN_OPTIONS", "halt_on_error=1:detect_leaks=0:detect_stack_use_after_return=1")
    options.setdefault("LSAN_OPTIONS", f"suppressions={ROOT}/tests/leaks.supp:print_suppressions=0")
    options.setdefault("UBSAN_OPTIONS", "halt_on_error=1:print_stacktrace=1")
    options["ASAN_OPTIONS"] += ":handle_abort=1"
    return options


def program(build, target):
    return Path(build) / "tests" / "fuzz" / f"{target}_fuzz"


def run(build, target, arguments, folders, *, failed=None):
    """The finished process, its words in stderr. failed: where inputs go with which it fails."""
    failed = Path(failed or ROOT / "build" / "fuzz" / "failed")
    failed.mkdir(parents=True, exist_ok=True)
    words = [str(program(build, target)), *USUAL, f"-max_len={LONGEST.get(target, USUAL_LONGEST)}"]
    words += [f"-artifact_prefix={failed}/{target}-", *arguments, *map(str, folders)]
    return subprocess.run(words, env=environment(), capture_output=True, text=True, errors="replace", check=False)


def reason(done):
    """Why a target failed, in its own words; empty when it did not."""
    if done.returncode == 0:
        return ""
    said = [line for line in done.stderr.splitlines() if re.match(r"== |SUMMARY|.*(runtime error|ERROR): ", line)]
    left = [line for line in done.stderr.splitlines() if "Test unit written to" in line]
    return "\n".join(said + left) or f"exit code {done.returncode}: {done.stderr[-2000:]}"


def figures(done):
    """Inputs that were run, and edges that they went (libFuzzer's "cov")."""
    runs = re.search(r"stat::number_of_executed_units: (\d+)", done.stderr)
    edges = re.findall(r"cov: (\d+)", done.stderr)
    return int(runs[1]) if runs else 0, int(edges[-1]) if edges else 0


def fuzz(build, target, seconds):
    """True: nothing was found."""
    work = ROOT / "build" / "fuzz" / target
    work.mkdir(parents=True, exist_ok=True)
    print(f"== {target}: {seconds} s from {len(list((CORPUS / target).glob('*')))} seeds", flush=True)
    done = run(build, target, [f"-max_total_time={seconds}"], [work, CORPUS / target])
    runs, edges = figures(done)
    print(f"{target}: {runs} inputs, {edges} edges, {len(list(work.glob('*')))} inputs in build/fuzz/{target}", flush=True)
    if done.returncode == 0:
        return True
    print(reason(done))
    print(f"again: {program(build, target)} build/fuzz/failed/{target}-...")
    return False


def keep(build, target):
    """A small set of small inputs that goes all ways that others like them go: it is the corpus then, beside the seeds."""
    work, best = ROOT / "build" / "fuzz" / target, ROOT / "build" / "fuzz" / f"{target}.best"
    shutil.rmtree(best, ignore_errors=True)
    best.mkdir(parents=True)
    # Ways alone, however often they were gone: or else thousands would be kept. The later one of two -max_len counts.
    words = ["-set_cover_merge=1", "-use_counters=0", f"-max_len={LONGEST_KEPT}"]
    run(build, target, words, [best, CORPUS / target, *([work] if work.is_dir() else [])])
    known = {path.read_bytes() for path in (CORPUS / target).glob("seed-*")}
    for old in (CORPUS / target).glob("*"):
        if not old.name.startswith(("seed-", "fixed-")):
            old.unlink()
    for found in sorted(best.glob("*")):
        if found.read_bytes() not in known:
            shutil.copy(found, CORPUS / target / found.name[:16])
    shutil.rmtree(best)
    sizes = [path.stat().st_size for path in (CORPUS / target).glob("*")]
    print(f"{target}: {len(sizes)} files, {sum(sizes)} octets", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", required=True)
    parser.add_argument("--seconds", type=int, default=300)
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("targets", nargs="*", metavar="TARGET")
    options = parser.parse_args()
    unknown = [target for target in options.targets if target not in TARGETS]
    if unknown:
        parser.error(f"no target {unknown[0]}; there are: {' '.join(TARGETS)}")
    targets = options.targets or TARGETS
    if options.keep:
        for target in targets:
            keep(options.build, target)
        return 0
    return 0 if all([fuzz(options.build, target, options.seconds) for target in targets]) else 1


if __name__ == "__main__":
    sys.exit(main())
