#!/usr/bin/python3
"""`./dev tsan` runs the unit tests that have threads: all of them, and no pattern of it is one of nothing."""

import fnmatch
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
UNIT = ROOT / "tests/unit"
PROGRAMS = ["dataplane_test", "control_test"]
# ThreadSanitizer's own thread takes no signal, and they wait until each has taken one (0024).
LEFT_OUT = {"privileges_test.cpp"}


def patterns(program):
    (said,) = re.findall(rf"^tsan_{program}='(.*)'$", (ROOT / "dev").read_text(), re.M)
    return said.split(":")


def sources(program):
    """The files that the program is made of."""
    made = (UNIT / "meson.build").read_text()
    (call,) = re.findall(rf"executable\('{program}',(.*?)\bdependencies:", made, re.S)
    return [UNIT / file for file in re.findall(r"'(\w+\.cpp)'", call)]


def names_in(path):
    """As gtest calls them: those with a parameter have what they are instantiated as before, and a number behind."""
    text = path.read_text()
    found = [f"{suite}.{test}" for suite, test in re.findall(r"^TEST(?:_F)?\((\w+), *(\w+)\)", text, re.M)]
    for suite, test in re.findall(r"^TEST_P\((\w+), *(\w+)\)", text, re.M):
        names = re.findall(rf"^INSTANTIATE_TEST_SUITE_P\((\w+), *{suite}\b", text, re.M)
        found += [f"{name}/{suite}.{test}/0" for name in names]
    return found


def of_nothing(wanted, tests):
    return [pattern for pattern in wanted if not any(fnmatch.fnmatchcase(test, pattern) for test in tests)]


@pytest.mark.parametrize("program", PROGRAMS)
def test_each_pattern_is_one_of_something(program):
    tests = [test for path in sources(program) for test in names_in(path)]
    assert of_nothing(patterns(program), tests) == []


def test_a_pattern_of_nothing_is_told():
    """The twin: were the names of tests read wrongly, the test above might pass for nothing."""
    tests = names_in(UNIT / "reload_test.cpp")
    assert of_nothing(["*/Reload.*", "NoSuchSuite.*", "Reload.*"], tests) == ["NoSuchSuite.*", "Reload.*"]


def test_each_file_with_threads_is_run():
    threads = re.compile(r"\bstd::j?thread\b|\bcrew\.start\(\)")
    having = {path for path in UNIT.glob("*.cpp") if threads.search(path.read_text())}
    run = {path for program in PROGRAMS for path in sources(program)
           if len(of_nothing(patterns(program), names_in(path))) < len(patterns(program))}
    assert {path.name for path in having - run} == LEFT_OUT
    assert {path.name for path in run - having} == set(), "what has no threads takes time there for nothing"
