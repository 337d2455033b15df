#!/usr/bin/python3
"""Which lines of dataplane/ the corpora reach, and which the unit and replay tests beside them: coverage.py BUILD [STEP...].

The steps are corpora, unit and replay; each adds to what is counted, and all are done unless some are named.
BUILD was made with clang's -fprofile-instr-generate -fcoverage-mapping (`./dev fuzz --coverage` does). The table goes
into docs/fuzzing.md between its marks, the lines that nobody reaches into BUILD/missed.txt.
"""

import os
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

import run

ROOT = run.ROOT
PAGE = ROOT / "docs" / "fuzzing.md"
UNIT_TESTS = ("wire_test", "dataplane_test")
# Cannot be reached by a right program: it says so itself.
IMPOSSIBLE = re.compile(r"__builtin_unreachable\(\)|std::abort\(\)")


def profiled(build, name, words, **more):
    """Runs something that leaves profiles called so."""
    environment = dict(os.environ, LLVM_PROFILE_FILE=f"{build}/profiles/{name}-%p.profraw", **more)
    done = subprocess.run(list(map(str, words)), env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{name} failed:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")


def run_corpora(build):
    for target in run.TARGETS:
        words = [run.program(build, target), "-runs=0", "-entropic=0", f"-rss_limit_mb={run.MEMORY_MIB}"]
        profiled(build, f"fuzz-{target}", [*words, run.CORPUS / target])


def run_unit(build):
    for test in UNIT_TESTS:
        profiled(build, f"unit-{test}", [build / "tests" / "unit" / test, "--gtest_brief=1"])


def run_replay(build):
    with tempfile.TemporaryDirectory(prefix="strata.") as folder:
        words = ["/usr/bin/python3", "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--basetemp={folder}/tests"]
        # Where the program runs as somebody else it cannot leave its profile, and says so.
        words += ["--ignore=tests/replay/test_command.py"]
        profiled(build, "replay", [*words, "tests/replay"], STRATA=str(build / "strata"), STRATA_BUILD=str(build))


def lines_of(build, name, pattern):
    """{file: {line: times}} of dataplane/, by the profiles whose names fit."""
    profile = build / f"{name}.profdata"
    raw = sorted((build / "profiles").glob(pattern))
    subprocess.run(["llvm-profdata", "merge", "-sparse", "-o", profile, *raw], check=True)
    programs = [run.program(build, target) for target in run.TARGETS]
    programs += [build / "tests" / "unit" / test for test in UNIT_TESTS] + [build / "strata"]
    programs = [program for program in programs if program.exists()]
    objects = [word for program in programs[1:] for word in ("-object", program)]
    words = ["llvm-cov", "export", "-format=lcov", f"-instr-profile={profile}", programs[0], *objects]
    text = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    found = defaultdict(dict)
    for line in text.splitlines():
        if line.startswith("SF:"):
            file = Path(line[3:]).resolve().relative_to(ROOT).as_posix()
        elif line.startswith("DA:"):
            number, times = map(int, line[3:].split(",")[:2])
            found[file][number] = max(times, found[file].get(number, 0))
    return {file: of for file, of in found.items() if file.startswith("dataplane/")}


def without_impossible(lines):
    for file, of in lines.items():
        source = (ROOT / file).read_text().splitlines()
        for number in [number for number in of if IMPOSSIBLE.search(source[number - 1])]:
            del of[number]
    return lines


def reached(of):
    return sum(times > 0 for times in of.values())


def row(name, corpora, everything):
    size = len(everything)
    some = sum(number in corpora and corpora[number] > 0 for number in everything)
    both = reached(everything)
    return f"| {name} | {size} | {some} | {100 * some / size:.1f} % | {both} | {100 * both / size:.1f} % |"


def table(corpora, everything):
    rows = ["| file | lines | corpora | | with the tests | |", "|---|---|---|---|---|---|"]
    rows += [row(f"`{file.removeprefix('dataplane/')}`", corpora.get(file, {}), of) for file, of in sorted(everything.items()) if of]
    flat = [{(file, line): times for file, of in found.items() for line, times in of.items()} for found in (corpora, everything)]
    rows.append(row("**all of `dataplane/`**", *flat))
    return "\n".join(rows)


def write_missed(build, corpora, everything):
    with open(build / "missed.txt", "w", encoding="utf-8") as out:
        for file, of in sorted(everything.items()):
            source = (ROOT / file).read_text().splitlines()
            for number, times in sorted(of.items()):
                if corpora.get(file, {}).get(number, 0) == 0:
                    by = "nobody " if times == 0 else "tests  "
                    out.write(f"{by} {file}:{number}: {source[number - 1].strip()}\n")


def main():
    build = Path(sys.argv[1]).resolve()
    steps = {"corpora": run_corpora, "unit": run_unit, "replay": run_replay}
    for old in (build / "profiles").glob("*"):
        old.unlink()
    for step in sys.argv[2:] or steps:
        steps[step](build)
    corpora = without_impossible(lines_of(build, "corpora", "fuzz-*.profraw"))
    everything = without_impossible(lines_of(build, "everything", "*.profraw"))
    write_missed(build, corpora, everything)
    said = table(corpora, everything)
    marks = r"(<!-- coverage begin[^>]*-->\n).*?(<!-- coverage end -->)"
    page, count = re.subn(marks, lambda m: f"{m[1]}{said}\n{m[2]}", PAGE.read_text(), flags=re.S)
    if count != 1:
        raise SystemExit(f"{PAGE}: the marks of the table are not there once")
    PAGE.write_text(page)
    print(said.splitlines()[-1])


if __name__ == "__main__":
    main()
