"""The systemd unit: systemd takes it, it leaves little open, and what the program does is what it allows."""

import pathlib
import re
import shutil
import subprocess

import pytest

UNIT = pathlib.Path(__file__).resolve().parents[2] / "deploy/systemd/strata@.service"
WORST = 3.0

pytestmark = pytest.mark.skipif(not shutil.which("systemd-analyze"),
                                reason="systemd-analyze is not there (Debian's package systemd)")


def analyzed(*words):
    return subprocess.run(["systemd-analyze", *words], capture_output=True, text=True)


def exposure_of(unit):
    said = analyzed("security", "--offline=true", "--no-pager", str(unit)).stdout
    return float(re.search(r"Overall exposure level for \S+: ([\d.]+)", said).group(1))


def test_the_unit_leaves_little_open():
    assert exposure_of(UNIT) <= WORST


def test_a_unit_that_leaves_more_open_is_told(tmp_path):
    """The twin: had systemd-analyze no eyes for it, the test above would pass for nothing."""
    unit = tmp_path / UNIT.name
    unit.write_text(re.sub(r"^(Protect|Restrict|SystemCall)\w+=.*\n", "", UNIT.read_text(), flags=re.M))
    assert exposure_of(unit) > WORST


def test_systemd_takes_every_line(tmp_path):
    """No line that it does not know, or whose value it does not understand."""
    unit = tmp_path / "strata@.service"
    text = UNIT.read_text().replace("/usr/bin/strata", shutil.which("true"))
    unit.write_text(re.sub("^Documentation=.*\n", "", text, flags=re.M))
    done = analyzed("verify", "--man=no", str(unit))
    assert (done.returncode, done.stderr) == (0, "")
    unit.write_text(unit.read_text() + "[Service]\nProtectNothing=yes\n")
    assert "ProtectNothing" in analyzed("verify", "--man=no", str(unit)).stderr
