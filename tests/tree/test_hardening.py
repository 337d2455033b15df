#!/usr/bin/python3
"""What the built program says of itself: the hardening that docs/decisions/0022-hardening.md promises."""

import os
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
STRATA = os.environ.get("STRATA", str(ROOT / "build/release/strata"))


def tool(*words):
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def segments():
    """(type, flags) of each program header."""
    said = tool("readelf", "-lW", STRATA)
    found = re.findall(r"^  (\w+) +0x\w+ 0x\w+ 0x\w+ 0x\w+ 0x\w+ ([RWE ]{3}) ", said, re.M)
    assert len(found) > 8, said
    return found


@pytest.fixture(scope="module")
def dynamic():
    """Values by tag."""
    return dict(re.findall(r"^ 0x\w+ \((\w+)\)\s+(.*)$", tool("readelf", "-dW", STRATA), re.M))


@pytest.fixture(scope="module")
def imported():
    """Names of functions that it asks libraries for."""
    return {line.split()[-1].split("@")[0] for line in tool("nm", "-D", "--undefined-only", STRATA).splitlines()}


def test_it_lies_at_another_address_each_time(dynamic):
    assert re.search(r"Type:\s+DYN ", tool("readelf", "-hW", STRATA)) and "PIE" in dynamic["FLAGS_1"]


def test_what_is_linked_is_bound_at_the_start_and_read_only_then(segments, dynamic):
    """Full RELRO."""
    assert "GNU_RELRO" in dict(segments) and "BIND_NOW" in dynamic.get("FLAGS", "") and "NOW" in dynamic["FLAGS_1"]


def test_nothing_is_both_written_and_run(segments, dynamic):
    assert dict(segments)["GNU_STACK"] == "RW "
    assert [flags for _, flags in segments if "W" in flags and "E" in flags] == []
    assert "TEXTREL" not in dynamic and "TEXTREL" not in dynamic.get("FLAGS", "")


def test_no_library_is_looked_for_beside_it(dynamic):
    assert "RPATH" not in dynamic and "RUNPATH" not in dynamic


def test_a_stack_that_was_overrun_is_noticed(imported):
    assert "__stack_chk_fail" in imported


def test_calls_of_libc_know_how_large_a_buffer_is(imported):
    """_FORTIFY_SOURCE."""
    checked = {name for name in imported if re.fullmatch(r"__\w+_chk", name)} - {"__stack_chk_fail", "__longjmp_chk"}
    assert len(checked) >= 3, checked


def test_an_index_beyond_a_container_ends_the_program(imported):
    """_GLIBCXX_ASSERTIONS."""
    assert any("__glibcxx_assert_fail" in name for name in imported)


def test_a_large_frame_touches_each_page_of_the_stack():
    """-fstack-clash-protection: no page is stepped over. `or` with 0 is how g++ touches one."""
    assert re.search(r"\bor[ql]\s+\$0x0,(?:0x\w+)?\(%rsp\)", tool("objdump", "-d", "--no-show-raw-insn", STRATA))


# --- the comparison of ICVs -------------------------------------------------------------------------------------------

COMPARISON = """
#include "dataplane/ipsec/aead.hpp"
extern "C" bool is_right(const std::uint8_t* computed, const std::uint8_t* received) {
  return strata::AeadVerdict::compare(computed, received).has_value();
}
"""


@pytest.mark.parametrize("compiler, level", [("g++", "-O3"), ("g++", "-O2"), ("clang++", "-O3")])
def test_icvs_are_compared_in_constant_time(tmp_path, compiler, level):
    """RFC 4303 section 3.4.4. As compiled: all 16 octets of both are read, nothing is called, and no jump depends on how
    many of them are equal."""
    (tmp_path / "icv.cpp").write_text(COMPARISON)
    tool(compiler, "-std=c++20", level, "-DNDEBUG", "-fstack-protector-strong", f"-I{ROOT}", "-c",
         str(tmp_path / "icv.cpp"), "-o", str(tmp_path / "icv.o"))
    listing = tool("objdump", "-d", "--no-show-raw-insn", str(tmp_path / "icv.o"))
    body = listing.split("<is_right>:")[1].split("\n\n")[0]
    words = [line.split("\t", 1)[1].split(None, 1) for line in body.splitlines() if "\t" in line]
    names = [word[0] for word in words]
    jumps = [name for name in names if name.startswith(("j", "call", "loop", "rep"))]
    assert jumps == [] and names.count("ret") + names.count("retq") == 1, body
    # Each of the four halves once, or both wholes.
    read = sum(16 if "xmm" in (word[1] if len(word) > 1 else "") else 8 for word in words
               if len(word) > 1 and re.search(r"\(%r[ds]i\)", word[1]))
    assert read == 32, body
