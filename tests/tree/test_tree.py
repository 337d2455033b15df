#!/usr/bin/python3
"""The walls of the house: who may name what, who may include whom, and that the documents say what is so."""

import os
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROOMS = ["secret", "dataplane", "control", "config", "cli", "replay", "bench", "tests"]
STRATA = os.environ.get("STRATA", str(ROOT / "build/release/strata"))


def files(*patterns, under=(".",)):
    """The tree's files of these names, without what is built."""
    found = []
    for room in under:
        for pattern in patterns:
            for path in (ROOT / room).rglob(pattern):
                parts = path.relative_to(ROOT).parts
                if parts[0] not in ("build", ".git") and path.is_file():
                    found.append(path)
    return sorted(set(found))


def sources(*under):
    return files("*.cpp", "*.hpp", under=under or ROOMS)


def name(path):
    return path.relative_to(ROOT).as_posix()


def code_of(path):
    """The file with comments and the insides of strings blanked, its lines kept."""
    text = path.read_text()
    token = re.compile(r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', re.S)

    def blank(match):
        found = match.group(0)
        if re.match(r"'[0-9a-fA-F']", found) and re.search(r"[0-9a-fA-F]$", text[: match.start()]):
            return found  # a digit separator: 1'000'000
        if found[0] == '"' and re.search(r"#\s*include\s*$", text[: match.start()].rpartition("\n")[2]):
            return found
        return "\n" * found.count("\n")

    return token.sub(blank, text)


def offences(paths, pattern):
    """`file:line: text` of each line of code that matches."""
    wanted = re.compile(pattern)
    return [
        f"{name(path)}:{number}: {line.strip()}"
        for path in paths
        for number, line in enumerate(code_of(path).splitlines(), 1)
        if wanted.search(line)
    ]


# --- the wall around the mbuf -----------------------------------------------------------------------------------------

# Fields of rte_mbuf that say something about a packet, and DPDK's functions that read or change them. What is counted
# here as the packet room is the whole of dataplane/packet; nobody else may spell these, but for what looks into buffers
# on behalf of the unit tests, and the loops written by hand that the typed ones are measured against.
PACKET_ROOM = ("dataplane/packet/", "tests/unit/mbuf_probe.hpp", "tests/bench/bench_buffers.hpp",
               "tests/bench/handle_bench.cpp")
MBUF_FIELD = (
    r"(?:->|\.)\s*(?:buf_addr|buf_iova|data_off|refcnt|nb_segs|ol_flags|packet_type|pkt_len|data_len|vlan_tci(?:_outer)?|"
    r"tx_offload|l2_len|l3_len|l4_len|tso_segsz|outer_l[23]_len|dynfield1|inner_l[234]_type|l[234]_type|tun_type|"
    r"hash\s*\.\s*(?:rss|fdir|sched|txadapter|usr))\b"
)
MBUF_FUNCTION = (
    r"\brte_(?:pktmbuf_(?!pool_create)\w+|mbuf_(?:to_priv|buf_addr|data_iova|from_indirect|raw_\w+|refcnt_\w+|ext_\w+|"
    r"sanity_check|dyn\w+)|mbuf_dynfield\w*|MBUF_DYNFIELD)\b|\bRTE_MBUF_(?:F_|DYNFIELD|PREFETCH_)\w*|\bRTE_PTYPE_\w+"
)


@pytest.mark.parametrize("pattern", [MBUF_FIELD, MBUF_FUNCTION], ids=["fields", "functions"])
def test_mbuf_fields_are_named_in_the_packet_room_alone(pattern):
    others = [path for path in sources() if not name(path).startswith(PACKET_ROOM)]
    assert offences(others, pattern) == []


PREFETCH = r"\b(?:__builtin_prefetch|_mm_prefetch|rte_prefetch\w+)\s*\("


def test_what_is_asked_for_ahead_is_asked_for():
    """GCC takes a function that does nothing but __builtin_prefetch for one without effect, and leaves out its calls, when
    it has not been inlined. dataplane/prefetch.hpp has the instruction."""
    assert offences(sources(), PREFETCH) == []
    for line in ["__builtin_prefetch(this, 1);", "rte_prefetch0 (buffers[i]);", "_mm_prefetch(p, _MM_HINT_T0);"]:
        assert re.search(PREFETCH, line), line
    assert not re.search(PREFETCH, "prefetch_line(p); sa.prefetch();")


def test_the_mbuf_wall_sees_what_it_should():
    """The wall's own twin: were the pattern broken, the test above would pass for nothing."""
    for line in ["m->data_off = 0;", "x = m->ol_flags;", "m->hash.rss = 1;", "m.pkt_len += 2;", "(*m).packet_type = 0;"]:
        assert re.search(MBUF_FIELD, line), line
    for line in ["rte_pktmbuf_mtod(m, char*)", "rte_pktmbuf_adj(m, 14)", "rte_mbuf_to_priv(m)", "RTE_MBUF_F_RX_VLAN"]:
        assert re.search(MBUF_FUNCTION, line), line
    assert not re.search(MBUF_FIELD, "sa.hash = hash_of(spi);")
    assert not re.search(MBUF_FUNCTION, "rte_pktmbuf_pool_create(")
    if (ROOT / "dataplane/packet/gate.hpp").exists():
        assert offences(sources("dataplane/packet"), MBUF_FIELD) != []


# --- the wall around ipsec-mb -----------------------------------------------------------------------------------------


def test_ipsec_mb_is_known_by_one_file():
    program = sources("dataplane", "control", "config", "cli", "replay", "bench")
    lines = offences(program, r"intel-ipsec-mb\.h|ipsec[-_]mb\.h|\bIMB_|\bMB_MGR\b|\bImbMgr\b")
    users = {line.split(":")[0] for line in lines}
    assert len(users) <= 1, sorted(users)
    assert all(user.startswith("dataplane/ipsec/") for user in users), users
    of_two = offences(program, r"\bgcm_(?:key|context)_data\b")  # names alone, so that it is called without a step between
    assert {line.split(":")[0] for line in of_two} == {"dataplane/ipsec/aead.cpp", "dataplane/ipsec/aead.hpp"}


# --- which way the arrows run -----------------------------------------------------------------------------------------

# room -> what it must not include: cli -> control -> config, dataplane; replay and bench stand beside control;
# dataplane -> nothing above it; wire and secret -> nothing at all. config may speak of addresses, which are wire's.
FORBIDDEN = {
    "secret": r"(?!secret/)\w+/",
    "dataplane/wire": r"(?!dataplane/wire/)\w+/",
    "dataplane": r"(?:config|control|cli|replay|bench|tests)/",
    "config": r"(?:control|cli|replay|bench|tests|dataplane/(?!wire/))",
    "control": r"(?:cli|replay|bench|tests)/",
    "replay": r"(?:cli|bench|tests)/",
    "bench": r"(?:cli|replay|tests)/",
    "cli": r"tests/",
}


@pytest.mark.parametrize("room", FORBIDDEN)
def test_arrows_run_one_way(room):
    assert offences(sources(room), rf'#\s*include\s*"{FORBIDDEN[room]}') == []


def test_wire_needs_neither_dpdk_nor_a_library():
    wire = sources("dataplane/wire")
    assert offences(wire, r"\brte_\w+|\bRTE_\w+") == []
    # <name> without .h is C++'s own; of C's headers, those that libc brings.
    assert offences(wire, r"#\s*include\s*<(?!\w+>|(?:arpa/inet|netinet/in|sys/socket|endian|byteswap|string)\.h>)") == []


def test_includes_are_written_from_the_root():
    missing = []
    for path in sources():
        for include in re.findall(r'^\s*#\s*include\s*"([^"]+)"', path.read_text(), re.M):
            if not (ROOT / include).exists():
                missing.append(f"{name(path)}: {include}")
    assert missing == []


def test_headers_say_pragma_once():
    assert [name(p) for p in files("*.hpp", under=ROOMS) if "#pragma once" not in p.read_text()] == []


# --- no unfinished work -----------------------------------------------------------------------------------------------


def test_no_marks_of_unfinished_work():
    marks = re.compile("|".join(["TO" + "DO", "FIX" + "ME", "X" + "XX", "HA" + "CK"]))
    paths = files("*.cpp", "*.hpp", "*.py", "*.sh", "*.md", "*.yaml", "meson.build") + [ROOT / "dev", ROOT / ".ci/run"]
    found = [
        f"{name(path)}:{number}"
        for path in paths
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if re.search(rf"\b(?:{marks.pattern})\b", line)
    ]
    assert found == []


def test_python_is_debians():
    bad = [name(p) for p in files("*.py") if p.read_text().startswith("#!") and
           p.read_text().splitlines()[0] != "#!/usr/bin/python3"]
    assert bad == []


# --- the sizes --------------------------------------------------------------------------------------------------------

LONGEST_FUNCTION = 60


def functions(path):
    """(line, lines) of each function body, by braces: an opening brace that ends a line which is no type, no namespace,
    no initializer. Rough, and enough to see what does not fit a screen."""
    opened = []
    for number, line in enumerate(code_of(path).splitlines(), 1):
        head = line.strip()
        for column, character in enumerate(line):
            if character == "{":
                before = line[:column].rstrip()
                is_function = bool(re.search(r"\)\s*(?:const|noexcept|override|final|mutable|->\s*[\w:<>,&*\s]+|\s)*$", before))
                is_scope = bool(re.match(r"(?:inline\s+)?namespace\b|extern\b", head))
                opened.append((number, is_function and not is_scope and not re.match(r"\}?\s*(?:if|for|while|switch|else|catch)\b", head)))
            elif character == "}" and opened:
                start, is_function = opened.pop()
                if is_function:
                    yield start, number - start + 1


def test_functions_fit_a_screen():
    # Tests may hold tables of cases.
    paths = [path for path in sources() if not name(path).startswith("tests/")]
    long = [f"{name(path)}:{line}: {size} lines" for path in paths for line, size in functions(path) if size > LONGEST_FUNCTION]
    assert long == []


# --- the documents ----------------------------------------------------------------------------------------------------


def documents():
    return files("*.md")


def links(path):
    """What of this tree a document links to, as it stands there."""
    text = re.sub(r"```.*?```", "", path.read_text(), flags=re.S)
    for target in re.findall(r"\[[^\]]*\]\(([^)\s]+)\)", text):
        if not re.match(r"[a-z]+:|#", target):
            yield target.split("#")[0]


def test_links_lead_somewhere():
    broken = [f"{name(path)}: {to}" for path in documents() for to in links(path) if not (path.parent / to).exists()]
    assert broken == []


def test_documents_and_plots_that_the_packages_documents_link_to_are_in_it():
    """But for how to change the tree, and what lies beside sources."""
    said = [place for line in (ROOT / "debian/strata.docs").read_text().split() for place in ROOT.glob(line)]
    packaged = {path for place in said for path in [place, *place.rglob("*")] if path.is_file()}
    linked = {(path.parent / to).resolve() for path in packaged if path.suffix == ".md" for to in links(path)}
    wanted = {path for path in linked if path.suffix in (".md", ".svg")}
    assert len(wanted) > 10 and {name(path) for path in wanted - packaged} <= {"CONTRIBUTING.md"}


def test_readme_commands_exist():
    readme = (ROOT / "README.md").read_text()
    known = subprocess.run([str(ROOT / "dev"), "help"], capture_output=True, text=True, check=True).stdout
    for command in set(re.findall(r"\./dev (\w+)", readme)):
        assert f"./dev {command}" in known, command
    assert "./dev demo" in readme and "./dev test" in readme
    for path in re.findall(r"\b((?:demo|config|docs|tests)/[\w./-]+\w)", readme):
        assert (ROOT / path).exists(), path


def test_every_decision_is_in_the_index():
    index = (ROOT / "docs/decisions/README.md").read_text()
    records = sorted(p.name for p in (ROOT / "docs/decisions").glob("[0-9]*.md"))
    assert records
    assert [record for record in records if f"({record})" not in index] == []


def printed(*arguments):
    done = subprocess.run([STRATA, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def embedded(path, marker):
    text = (ROOT / path).read_text()
    match = re.search(rf"<!-- {marker} begin[^>]*-->\n(.*?)<!-- {marker} end -->", text, re.S)
    assert match, f"{path} has no `<!-- {marker} begin -->` and `<!-- {marker} end -->`"
    return match.group(1).strip()


@pytest.mark.parametrize("path, marker, arguments", [
    ("docs/journey.md", "graph", ["graph"]),
    ("docs/drop-reasons.md", "causes", ["graph", "--drops"]),
], ids=["journey", "drop-reasons"])
def test_document_says_what_the_program_says(path, marker, arguments):
    """`tests/tree/refresh_docs.py` writes what the program says between the markers."""
    assert embedded(path, marker) == printed(*arguments)


def test_every_cause_is_shown_by_a_test():
    """A cause that no test names is a cause that nobody has seen."""
    causes = re.findall(r'\{Cause::\w+, Fate::\w+, "([\w.]+)"', (ROOT / "dataplane/drop/cause.hpp").read_text())
    assert len(causes) > 40
    seen = "\n".join(p.read_text() for p in files("*.py", "*.cpp", "*.json", under=["tests"]) if "tree" not in p.parts)
    unseen = [cause for cause in causes if f'"{cause}"' not in seen and f"Cause::{cause.replace('.', '_')}" not in seen]
    assert unseen == []
