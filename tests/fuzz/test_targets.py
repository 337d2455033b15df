"""Each fuzzer over its corpus, and a little further. `./dev fuzz` goes on from there."""

import os

import pytest
import run

BUILD = os.environ["STRATA_BUILD"]
SECONDS = 2


@pytest.mark.parametrize("target", run.TARGETS)
def test_nothing_is_wrong_with_what_was_found_before(target, tmp_path):
    """All that is checked in, once; then SECONDS of new inputs."""
    corpus = list((run.CORPUS / target).iterdir())
    assert corpus, "a fuzzer without seeds begins with nothing"
    found = tmp_path / "found"
    found.mkdir()
    done = run.run(BUILD, target, [f"-max_total_time={SECONDS}"], [found, run.CORPUS / target], failed=tmp_path)
    assert not run.reason(done), run.reason(done)
    assert run.figures(done)[0] >= len(corpus)


def test_each_target_is_run():
    """No program of tests/fuzz/meson.build is left out."""
    built = {path.name.removesuffix("_fuzz") for path in run.program(BUILD, "wire").parent.glob("*_fuzz")}
    assert built == set(run.TARGETS)


@pytest.mark.parametrize("target", run.TARGETS)
def test_a_failure_is_told(target, tmp_path):
    """A target that cannot even start is no success."""
    done = run.run(BUILD, target, [], [tmp_path / "not" / "there"], failed=tmp_path)
    assert run.reason(done)
