"""Manual pages and completion, which the program prints of itself, against what `--help` says of each command."""

import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
STRATA = os.environ.get("STRATA", str(ROOT / "build/release/strata"))
PAGES = ["strata.1", "strata.yaml.5"]


def printed(*words):
    return subprocess.run([STRATA, *words], capture_output=True, text=True, check=True).stdout


def part(text, title):
    """The lines below a title of what --help prints."""
    found = re.search(rf"^{title}:\n(.*?)(?:\n\n|\Z)", text, re.M | re.S)
    return found.group(1).splitlines() if found else []


def commands(*above):
    """Each command as its words, with what its --help says."""
    said = printed(*above, "--help")
    found = {above: said}
    for line in part(said, "Subcommands"):
        if name := re.match(r"  (\w[\w-]*)", line):
            found |= commands(*above, name.group(1))
    return found


def options(said):
    return {name for line in part(said, "Options") for name in re.findall(r"(--[\w-]+)", line.split("  ")[1])}


def values(said, title):
    """The few that something takes: a mapping by its name."""
    lines = (re.match(r"  (\S+) .*\{([^}]*)\}", line) for line in part(said, title))
    return {found.group(1).split(",")[-1]: set(found.group(2).split(",")) for found in lines if found}


HELP = commands()


def shown(page, tmp_path, width=1000):
    """The page as man shows it, which has nothing to complain of."""
    path = tmp_path / page
    path.write_text(printed("manual", page))
    done = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", path], capture_output=True, text=True,
                          env={"MANWIDTH": str(width), "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"})
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def shows_pages():
    return shutil.which("man") and shutil.which("groff")


needs_man = pytest.mark.skipif(not shows_pages(), reason="man is not there (Debian's packages man-db, groff-base)")


def test_help_is_read():
    """Were it not, all below would pass for nothing."""
    assert {("run",), ("show",), ("bench",)} <= HELP.keys()
    assert {"--help", "--user", "--json"} <= options(HELP["run",])
    assert "cold" in values(HELP["bench",], "Options")["--caches"]
    assert "drops" in values(HELP["show",], "Positionals")["what"]


@needs_man
@pytest.mark.parametrize("page", PAGES)
def test_the_page_fits_a_terminal(page, tmp_path):
    shown(page, tmp_path, 80)


@needs_man
def test_the_page_has_every_command_and_option_and_no_other(tmp_path):
    page = shown("strata.1", tmp_path)
    sections = re.split(r"^   strata ", page, flags=re.M)[1:]
    found = {}
    for section in sections:
        title, text = section.split("\n", 1)
        words = tuple(word for word in title.split() if re.fullmatch(r"[a-z][\w-]*", word))
        text = re.split(r"^\S", text, flags=re.M)[0]
        found[words] = set(re.findall(r"^ {7}(?:-\w, )?(--[\w-]+)", text, re.M))
    assert found == {words: options(said) for words, said in HELP.items() if words}


@needs_man
def test_the_page_of_the_file_has_every_key(tmp_path):
    page = shown("strata.yaml.5", tmp_path)
    schema = json.loads((ROOT / "config/strata.schema.json").read_text())
    keys = []

    def walk(part_of):
        for key, value in part_of.get("properties", {}).items():
            keys.append(key)
            walk(value)
        for inside in ("items", "additionalProperties"):
            if isinstance(part_of.get(inside), dict):
                walk(part_of[inside])

    walk(schema)
    assert len(keys) > 60
    there = re.findall(r"^ {7}(\w+)(?: |$)", page.split("\nEXAMPLE")[0].split("\nKEYS")[1], re.M)
    assert sorted(key for key in there if key in keys) == sorted(keys)


@needs_man
def test_the_page_of_the_file_shows_a_file_that_is_right(tmp_path):
    page = shown("strata.yaml.5", tmp_path)
    example = page.split("\nEXAMPLE")[1].split("SEE ALSO")[0].split("\n\n", 1)[1]
    (tmp_path / "from-b.key").write_text("01" * 20)
    (tmp_path / "from-b.key").chmod(0o600)
    path = tmp_path / "strata.yaml"
    path.write_text("\n".join(line[7:] for line in example.splitlines()) + "\n")
    done = subprocess.run([STRATA, "check", path], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


# --- completion ------------------------------------------------------------------------------------------------------


def completed(tmp_path, *words):
    """What bash offers behind these words, the last of which may have been begun."""
    script = tmp_path / "completion"
    if not script.exists():
        script.write_text(printed("manual", "bash-completion"))
    ask = f'source {script}; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _strata; printf "%s\\n" "${{COMPREPLY[@]}}"'
    done = subprocess.run(["bash", "--norc", "-euc", ask, "bash", "strata", *words], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    return {line for line in done.stdout.splitlines() if line}


@pytest.mark.parametrize("words", HELP, ids=lambda words: " ".join(words) or "strata")
def test_bash_offers_what_help_names(words, tmp_path):
    below = {known[-1] for known in HELP if known[:-1] == words and known}
    few = set().union(*values(HELP[words], "Positionals").values())
    assert completed(tmp_path, *words, "") == below | few | options(HELP[words])
    for option, choices in values(HELP[words], "Options").items():
        assert completed(tmp_path, *words, option, "") == choices


def test_bash_offers_what_was_begun(tmp_path):
    assert completed(tmp_path, "ru") == {"run"}
    assert completed(tmp_path, "run", "--us") == {"--user"}
    assert completed(tmp_path, "show", "--json", "dr") == {"drops"}
    # A file, which bash itself looks for.
    assert completed(tmp_path, "run", "--socket", "") == set()
    assert "complete -o bashdefault -o default -F _strata strata" in (tmp_path / "completion").read_text()
