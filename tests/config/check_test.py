#!/usr/bin/python3
"""`strata check` as a person meets it: what it prints where, and its exit code."""

import json
import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
STRATA = os.environ.get("STRATA", str(ROOT / "build/release/strata"))
EXAMPLES = ROOT / "config/examples"
KEY = "0102030405060708090a0b0c0d0e0f1011121314"


def check(*arguments):
    return subprocess.run([STRATA, "check", *map(str, arguments)], capture_output=True, text=True, timeout=60)


def test_good_configuration_is_described():
    for path in sorted(EXAMPLES.glob("*.yaml")):
        run = check(path)
        assert (run.returncode, run.stderr) == (0, "")
        assert "End.DX4" in run.stdout and "from-" in run.stdout
        assert KEY[:8] not in run.stdout


def test_json_of_a_good_configuration():
    run = check(EXAMPLES / "gateway-a.yaml", "--json")
    assert run.returncode == 0
    report = json.loads(run.stdout)
    assert report["valid"] is True and report["problems"] == []
    assert [sa["spi"] for sa in report["config"]["ipsec"]["security_associations"]] == [0x1001, 0x2001]
    assert KEY[:8] not in run.stdout


def test_mistakes_are_on_standard_error_and_the_exit_code_is_1(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text((EXAMPLES / "gateway-a.yaml").read_text().replace("0x1001", "200").replace("routes:", "route:"))
    run = check(path)
    assert (run.returncode, run.stdout) == (1, "")
    lines = run.stderr.splitlines()
    assert lines[0].startswith(f"{path}:27:12: ipsec.security_associations[0].spi: found 200; allowed: 256..4294967295")
    assert "did you mean 'routes'?" in lines[1]
    assert lines[2:] == [f"2 mistakes in {path}; nothing was applied"]

    run = check(path, "--json")
    assert run.returncode == 1
    first = json.loads(run.stdout)["problems"][0]
    assert (first["line"], first["column"], first["found"]) == (27, 12, "200")


def test_missing_file_is_one_clear_sentence(tmp_path):
    run = check(tmp_path / "missing.yaml")
    assert run.returncode == 1
    assert run.stderr.splitlines()[0] == f"{tmp_path}/missing.yaml: cannot be read: No such file or directory"


def test_wrong_usage_is_exit_code_2():
    assert check().returncode == 2
    assert check("--nonsense", EXAMPLES / "minimal.yaml").returncode == 2
    assert check("--help").returncode == 0
