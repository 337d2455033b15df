#!/usr/bin/python3
"""What the types promise: each case here is a mistake that does not compile, beside a twin that does.

A case is one C++ file. It opens with what it shows and with the errors of which each compiler must give one (regular
expressions):

    // A packet cannot be copied.
    // error: deleted (function|constructor)

and has one TWIN(good, bad) in it, two single tokens. With BAD defined the second stands there, and the compiler must
refuse the file with that error; without, the first, and it must compile. So a broken header, a missing include or a
misspelt name cannot make a case pass.
"""

import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess

import pytest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CASES = sorted(path.name for path in HERE.glob("*.cpp"))
COMPILERS = ["g++", "clang++"]

TOKEN = re.compile(r"[A-Za-z_]\w*|\d[\w.']*|<=>|->\*|\.\.\.|::|->|\+\+|--|&&|\|\||<<|>>|[=!<>+\-*/%&|^]=|[^\s\w]")


def flags():
    dpdk = subprocess.run(["pkg-config", "--cflags", "libdpdk"], capture_output=True, text=True, check=True).stdout
    # DPDK's own headers are not ours to warn about.
    dpdk = [f"-isystem{flag[2:]}" if flag.startswith("-I") else flag for flag in dpdk.split()]
    # As few warnings as the promises need, and not more than the build has (meson.build). Code is made, not only
    # parsed: g++ looks for missing returns no earlier.
    return ["-std=c++20", "-O0", "-c", "-o", "/dev/null", "-Werror", "-Wreturn-type", "-DNDEBUG", f"-I{ROOT}", *dpdk]


def compile_case(job):
    case, compiler, bad = job
    done = subprocess.run(
        [compiler, *flags(), *(["-DBAD"] if bad else []), str(HERE / case)],
        capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"})
    return done.returncode, done.stderr


@pytest.fixture(scope="module")
def compiled():
    """The outcome of every compilation, made side by side."""
    jobs = [(case, compiler, bad) for case in CASES for compiler in COMPILERS if shutil.which(compiler)
            for bad in (False, True)]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(zip(jobs, pool.map(compile_case, jobs)))


def expected_error(case):
    wanted = re.findall(r"^// error: (.+)$", (HERE / case).read_text(), re.M)
    assert wanted, f"{case} does not say which error it expects"
    return "|".join(wanted)


def first_error(output):
    return next((line for line in output.splitlines() if "error:" in line), output[:500])


def test_there_are_cases():
    assert len(CASES) >= 30


@pytest.mark.parametrize("case", CASES)
def test_the_twins_differ_by_one_token(case):
    text = re.sub(r"//[^\n]*", "", (HERE / case).read_text())
    twins = re.findall(r"\bTWIN\(([^,()]*),([^,()]*)\)", text)
    assert len(twins) == 1 and text.count("TWIN") == 1, "one TWIN(good, bad), of single tokens"
    good, bad = (TOKEN.findall(token) for token in twins[0])
    assert len(good) <= 1 and len(bad) <= 1 and good != bad, twins
    assert "BAD" not in text, "nothing else may tell the twins apart"


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("case", CASES)
def test_the_good_twin_compiles(compiled, case, compiler):
    assert (case, compiler, False) in compiled, f"{compiler} is not installed"
    code, output = compiled[case, compiler, False]
    assert code == 0, output[:4000]


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("case", CASES)
def test_the_bad_twin_does_not(compiled, case, compiler):
    assert (case, compiler, True) in compiled, f"{compiler} is not installed"
    code, output = compiled[case, compiler, True]
    assert code != 0, "it compiled"
    assert re.search(expected_error(case), output), first_error(output)
