"""docs/performance.md and its plots are what bench/page.py makes of docs/performance/*.json; what it makes is right."""

import json
import pathlib
import re
import subprocess
import sys
import xml.etree.ElementTree as xml

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench"))

import compare  # noqa: E402
import measure  # noqa: E402
import page  # noqa: E402
import plot  # noqa: E402

SVG = "{http://www.w3.org/2000/svg}"


# --- what is checked in -----------------------------------------------------------------------------------------------


def test_tables_are_of_the_figures_beside_them():
    text = page.PAGE.read_text()
    assert page.filled(text, page.blocks(page.read("bench.json"), page.read("peers.json"))) == text


def test_plots_are_of_the_figures_beside_them():
    for name, text in page.plots(page.read("bench.json")).items():
        assert (page.FOLDER / name).read_text() == text, name


def test_page_shows_every_plot_and_no_other_file_is_there():
    shown = re.findall(r"!\[[^\]]+\]\(performance/([\w.]+)\)", page.PAGE.read_text())
    assert sorted(shown) == sorted(page.plots(page.read("bench.json")))
    assert {path.name for path in page.FOLDER.iterdir()} == {*shown, "bench.json", "peers.json"}


def test_figures_are_written_as_measure_writes_them():
    for name in ("bench.json", "peers.json"):
        text = (page.FOLDER / name).read_text()
        assert measure.text(json.loads(text)) == text, name


# --- what the generators make of figures that are known ---------------------------------------------------------------


def row(direction="in", size="64", sas=1, **more):
    return {"direction": direction, "size": size, "sas": sas, "routes": 0, "workers": 1, "warm": True,
            "feed": "by bursts", "cycles": 150.4, "crypto_cycles": 100.0, "ratio": 1.504, "mpps": 17.26, "gbps": 8.84,
            "spread": [140.2, 190.0], **more}


def report(*rows):
    return {"cpu": "A CPU", "tsc_mhz": 2596.0, "algorithm": "aes-128-gcm", "esn": True, "window": 1024,
            "hugepages": False, "rounds": 31, "results": list(rows)}


MADE_UP = report(
    row(stages={"tx": 5.0, "esp_open": 100.2, "rx": 30.0, "new_stage": 7.0}),
    row("out", stages={"rx": 20.0, "esp_seal": 90.0}),
    row(size="1400", cycles=260.0, stages={"rx": 31.0, "esp_open": 200.0}),
    row("out", "1400", stages={"rx": 21.0, "esp_seal": 190.0}),
    row(warm=False, cycles=600.0),
    row(sas=1000, ratio=1.9),
    row(sas=10000, routes=100000, ratio=3.0),
    row(sas=2000, feed="at once", mpps=15.0),
    row(sas=2000, feed="at once", workers=2, mpps=27.0, line_round_trip=182.4),
)


def test_tables():
    blocks = page.blocks(MADE_UP, None)
    assert blocks["conditions"] == ("Measured on A CPU, TSC 2596 MHz: aes-128-gcm, ESN, replay window 1024, ordinary "
                                    "pages, median of 31 rounds.")
    assert blocks["warm"].splitlines()[2] == "| in, 64 | 150 (140) | 100 | 1.50 | 17.26 | 8.8 |"
    assert [line.split(" | ")[0] for line in blocks["warm"].splitlines()[2:]] == [
        "| in, 64", "| in, 1400", "| out, 64", "| out, 1400"]
    assert [line.split(" | ")[:2] for line in blocks["cold"].splitlines()[2:]] == [["| in, 64", "600 (140)"]]
    assert [line.split(" | ")[0] for line in blocks["sas"].splitlines()[2:]] == [
        "| in, 64: 1,000 SAs", "| in, 64: 10,000 SAs, 100,000 routes"]
    assert blocks["workers"].splitlines()[2:] == ["| in, 64, 2,000 SAs: 2 workers | 15.00 | 27.00 | 1.80 | 182 |"]
    assert "./dev bench --peers" in blocks["peers"]


def test_stages_stand_in_the_journeys_order():
    lines = page.blocks(MADE_UP, None)["stages"].splitlines()
    assert lines[0] == "| stage | in, 64 | in, 1400 | out, 64 | out, 1400 |"
    assert lines[2:] == [
        "| `rx` | 30 | 31 | 20 | 21 |",
        "| `esp_open` | 100 | 200 |  |  |",
        "| `esp_seal` |  |  | 90 | 190 |",
        "| `tx` | 5 |  |  |  |",
        "| `new_stage` | 7 |  |  |  |",
        "| all | 142 | 231 | 110 | 211 |",
    ]


def test_peers():
    figures = {"cycles": 200.0, "mpps": 13.0, "spread": [190.0, 230.0]}
    rows = [{"program": name, "direction": direction, "size": size, **figures}
            for name in ("strata", "other") for direction in ("in", "out") for size in ("1400", "64")]
    text = page.peers_table({"cpu": "A CPU", "dpdk": "22.11", "rounds": 5, "results": rows})
    assert "| inbound: cycles (least), Mpps | 64 | 1400 |" in text
    assert text.count("| other | 200 (190), 13.0 | 200 (190), 13.0 |") == 2


def test_two_rows_for_one_are_refused():
    with pytest.raises(SystemExit):
        page.blocks(report(row(stages={"rx": 1.0}), row(stages={"rx": 2.0})), None)


def test_markers_must_be_there():
    marked = "a\n<!-- one begin -->\nold\n<!-- one end -->\nz"
    assert page.filled(marked, {"one": "new"}) == "a\n<!-- one begin -->\nnew\n<!-- one end -->\nz"
    with pytest.raises(SystemExit):
        page.filled(marked, {"one": "new", "two": "none"})


def drawn(name):
    return xml.fromstring(page.plots(MADE_UP)[name])


def words(picture):
    return ["".join(text.itertext()) for text in picture.iter(f"{SVG}text")]


def test_columns_are_as_high_as_the_cycles():
    picture = drawn("cycles.svg")
    boxes = {title.text: float(box.get("height")) for box in picture.iter(f"{SVG}rect")
             for title in box.iter(f"{SVG}title")}
    assert boxes["1400: 160 all else"] == pytest.approx(1.6 * boxes["1400: 100 cryptography alone"], abs=0.2)
    said = words(picture)
    assert {"in: ESP is opened", "out: ESP is sealed", "TSC cycles a packet", "64", "1400", "260"} <= set(said)


def test_curves_have_a_point_for_each_number_of_sas():
    picture = drawn("sas.svg")
    curves = [curve.get("points").split() for curve in picture.iter(f"{SVG}polyline")]
    assert [len(points) for points in curves] == [2, 1, 1, 1]
    (x1, y1), (x2, y2) = ([float(part) for part in point.split(",")] for point in curves[0])
    assert x1 < x2 and y1 > y2  # a greater ratio stands higher
    assert {"1", "1,000", "in, 64 octets", "out, 1400 octets", "ratio"} <= set(words(picture))
    assert "2,000" not in words(picture), "one worker beside several has no place in it"


def test_bars_are_as_long_as_the_stages():
    picture = drawn("stages.svg")
    widths = [(title.text, float(box.get("width"))) for box in picture.iter(f"{SVG}rect")
              for title in box.iter(f"{SVG}title")]
    of = dict(widths)
    assert of["esp_open: 200"] == pytest.approx(200 / 30 * of["rx: 30"], abs=0.3)
    assert {"in, 64", "out, 1400", "new_stage", "TSC cycles a packet"} <= set(words(picture))


def test_everything_drawn_is_inside():
    for name in page.plots(MADE_UP):
        picture = drawn(name)
        width, height = float(picture.get("width")), float(picture.get("height"))
        for element in (*picture.iter(f"{SVG}text"), *picture.iter(f"{SVG}rect")):
            assert 0 <= float(element.get("x", 0)) <= width and 0 <= float(element.get("y", 0)) <= height, name


@pytest.mark.parametrize("most", [0.9, 1.0, 1.9, 7.3, 29.1, 575, 3401])
def test_axes_have_few_round_steps(most):
    steps = plot.steps_to(most)
    assert steps[0] == 0 and steps[-2] < most <= steps[-1] + 1e-9 and 4 <= len(steps) <= 9


# --- many reports, one figure -----------------------------------------------------------------------------------------


def test_reports_under_two_conditions_are_not_joined():
    assert len(measure.joined([report(row()), report(row(sas=16))])["results"]) == 2
    with pytest.raises(SystemExit):
        measure.joined([report(row()), {**report(row(sas=16)), "window": 64}])


# --- this tree beside another -----------------------------------------------------------------------------------------


def turns(mine, other):
    return [(report(row(spread=[a, 999.0])), report(row(spread=[b, 888.0]))) for a, b in zip(mine, other)]


@pytest.mark.parametrize("mine, verdict", [
    ([110, 111, 109, 112, 110], "slower"),
    ([90, 91, 89, 88, 90], "faster"),
    ([110, 111, 90, 112, 110], "slower"),  # one turn may be as it likes
    ([110, 99, 90, 112, 110], ""),  # two may not
    ([101, 101, 101, 101, 101], ""),  # always, and too little to mean something
    ([100, 100, 100, 100, 100], ""),
])
def test_verdicts(mine, verdict):
    (one,) = compared = compare.compared(turns(mine, [100] * 5))
    assert one.verdict == verdict and one.other == 100
    text = compare.table(compared, "abc1234") + compare.summary(compared)
    assert "in, 64, 1 SA" in text and (verdict or "no row of 1 differs") in text


def test_ratios_are_of_turns_and_not_of_medians():
    """The machine became twice as slow on the way: both programs met it."""
    (one,) = compare.compared(turns([110, 110, 110, 220, 220], [100, 100, 100, 200, 200]))
    assert one.ratio == pytest.approx(1.1) and one.inner == pytest.approx((1.1, 1.1))


def test_other_rows_are_refused():
    with pytest.raises(SystemExit):
        compare.compared([(report(row()), report(row(sas=16)))] * 5)


def script(path, *lines):
    path.write_text("#!/bin/sh\n" + "\n".join(lines) + "\n")
    path.chmod(0o755)
    return str(path)


def test_a_program_without_bench_is_named(tmp_path):
    old = script(tmp_path / "old", "echo '  run    Run the gateway'")
    command = [sys.executable, ROOT / "bench/compare.py", "--mine", old, "--other", old, "--name", "abc1234"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1 and "abc1234 has no `strata bench`" in done.stderr


def test_a_slower_program_is_an_exit_of_1(tmp_path):
    """Two programs that answer in strata's place; what was asked of them stands in a file."""
    programs = {}
    for name, cycles in (("mine", 120.0), ("other", 100.0)):
        (tmp_path / f"{name}.json").write_text(json.dumps(report(row(spread=[cycles, 200.0]))))
        programs[name] = script(tmp_path / name, f"echo {name} \"$@\" >> {tmp_path}/asked",
                                f"case $1 in bench) cat {tmp_path}/{name}.json;; *) echo '  bench  Measure';; esac")
    command = [sys.executable, ROOT / "bench/compare.py", "--mine", programs["mine"], "--other", programs["other"],
               "--name", "abc1234", "--turns", "5", "--", "--sizes", "64"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1 and "1.200" in done.stdout and "of 1 rows 1 slower" in done.stdout, done.stdout
    asked = [line.split() for line in (tmp_path / "asked").read_text().splitlines() if " bench " in line]
    assert [words[0] for words in asked] == ["mine", "other", "other", "mine"] * 2 + ["mine", "other"]
    assert all(words[-3:] == ["--sizes", "64", "--json"] for words in asked)
