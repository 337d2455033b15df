#!/usr/bin/python3
"""Writes the tables and plots of docs/performance.md out of docs/performance/*.json: page.py

bench.json is of `strata bench --json` (bench/measure.py), peers.json of bench/peers.py. `./dev bench` makes both anew.
"""

import json
import re
import sys
from pathlib import Path

import plot

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs/performance.md"
FOLDER = ROOT / "docs/performance"

SIZES = ("64", "128", "256", "512", "1024", "1400", "imix")
DIRECTIONS = ("in", "out")
# The other one's packets come as they come to several: it is there to be held against these.
ONE_WORKER = {"workers": 1, "feed": "by bursts"}
# Along both journeys; a stage that is not named here comes last.
ORDER = ("rx", "classify", "host_input", "esp_open", "local_sid", "end_dx4", "ip4_forward", "h_encaps", "esp_seal",
         "tx")


def select(results, **wanted):
    return [row for row in results if all(row[key] == value for key, value in wanted.items())]


def only(results, **wanted):
    """The one row, or None."""
    rows = select(results, **wanted)
    if len(rows) > 1:
        sys.exit(f"{len(rows)} rows where one was looked for: {wanted}")
    return rows[0] if rows else None


def by_number(values):
    return sorted(set(values), key=lambda text: (not text.isdigit(), int(text) if text.isdigit() else 0))


# --- tables -----------------------------------------------------------------------------------------------------------


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "|".join(["---"] + ["---:"] * (len(head) - 1)) + "|"]
    return "\n".join(lines + ["| " + " | ".join(cells) + " |" for cells in rows])


def spread(row):
    return f"{row['cycles']:.0f} ({row['spread'][0]:.0f})"


def figures(row):
    crypto = f"{row['crypto_cycles']:.0f}"
    return [spread(row), crypto, f"{row['ratio']:.2f}", f"{row['mpps']:.2f}", f"{row['gbps']:.1f}"]


FIGURES = ["cycles (least)", "crypto alone", "ratio", "Mpps", "Gbit/s"]


def conditions(bench):
    esn = ", ESN" if bench["esn"] else ""
    pages = "huge pages" if bench["hugepages"] else "ordinary pages"
    return (f"Measured on {bench['cpu']}, TSC {bench['tsc_mhz']:.0f} MHz: {bench['algorithm']}{esn}, replay window "
            f"{bench['window']}, {pages}, median of {bench['rounds']} rounds.")


def one_sa(results, warm):
    rows = []
    for direction in DIRECTIONS:
        for size in SIZES:
            row = only(results, direction=direction, size=size, sas=1, routes=0, warm=warm, **ONE_WORKER)
            if row:
                rows.append([f"{direction}, {size}", *figures(row)])
    return table(["", *FIGURES], rows)


def many_sas(results):
    rows = []
    for row in select(results, warm=True, **ONE_WORKER):
        if row["size"] in ("64", "1400", "imix") and (row["sas"] > 1 or row["routes"] > 0):
            routes = f", {row['routes']:,} routes" if row["routes"] else ""
            rows.append((row["direction"], row["size"], [
                f"{row['direction']}, {row['size']}: {row['sas']:,} SAs{routes}", *figures(row)]))
    rows.sort(key=lambda row: (DIRECTIONS.index(row[0]), SIZES.index(row[1])))
    return table(["", *FIGURES], [cells for _, _, cells in rows])


def many_workers(results):
    """Each beside one worker in the same run."""
    rows = []
    for row in select(results, warm=True):
        if row["workers"] == 1:
            continue
        alike = {key: row[key] for key in ("direction", "size", "sas", "routes", "warm", "feed")}
        alone = only(results, **alike, workers=1)
        rows.append([f"{row['direction']}, {row['size']}, {row['sas']:,} SAs: {row['workers']} workers",
                     f"{alone['mpps']:.2f}", f"{row['mpps']:.2f}", f"{row['mpps'] / alone['mpps']:.2f}",
                     f"{row['line_round_trip']:.0f}"])
    return table(["", "one: Mpps", "all: Mpps", "factor", "line"], rows) if rows else "Not measured in this run."


def journey_order(rows):
    seen = {stage for row in rows for stage in row["stages"]}
    return [stage for stage in ORDER if stage in seen] + sorted(seen - set(ORDER))


def with_stages(results):
    rows = select(results, sas=1, routes=0, warm=True, **ONE_WORKER)
    return [row for direction in DIRECTIONS for row in rows
            if row["direction"] == direction and row["size"] in ("64", "1400") and row.get("stages")]


def stage_costs(results):
    rows = with_stages(results)
    head = ["stage", *(f"{row['direction']}, {row['size']}" for row in rows)]
    lines = [[f"`{stage}`", *(f"{row['stages'][stage]:.0f}" if stage in row["stages"] else "" for row in rows)]
             for stage in journey_order(rows)]
    sums = ["all", *(f"{sum(row['stages'].values()):.0f}" for row in rows)]
    return table(head, [*lines, sums])


def peers_table(peers):
    names = list(dict.fromkeys(row["program"] for row in peers["results"]))
    sizes = by_number(row["size"] for row in peers["results"])
    blocks = []
    for direction in DIRECTIONS:
        rows = []
        for name in names:
            cells = [only(peers["results"], program=name, direction=direction, size=size) for size in sizes]
            rows.append([name, *(f"{spread(cell)}, {cell['mpps']:.1f}" for cell in cells)])
        blocks.append(table([f"{direction}bound: cycles (least), Mpps", *sizes], rows))
    said = (f"Measured on {peers['cpu']}, DPDK {peers['dpdk']}, ordinary pages, median of {peers['rounds']} rounds; "
            "cycles of the TSC a packet, of the forwarding thread's CPU time, drivers included; Mpps for each second "
            "of it.")
    return said + "\n\n" + "\n\n".join(blocks)


# --- the page ---------------------------------------------------------------------------------------------------------


def blocks(bench, peers):
    """What stands between the page's markers, by marker."""
    results = bench["results"]
    return {
        "conditions": conditions(bench),
        "warm": one_sa(results, True),
        "cold": one_sa(results, False),
        "sas": many_sas(results),
        "workers": many_workers(results),
        "stages": stage_costs(results),
        "peers": peers_table(peers) if peers else "Not measured yet: `./dev bench --peers`.",
    }


def plots(bench):
    """The files of docs/performance/, by name."""
    results = bench["results"]
    panels = []
    for direction, title in (("in", "in: ESP is opened"), ("out", "out: ESP is sealed")):
        found = select(results, direction=direction, sas=1, routes=0, warm=True, **ONE_WORKER)
        rows = [only(found, size=size) for size in SIZES]
        panels.append((title, [(row["size"], row["cycles"], row["crypto_cycles"]) for row in rows if row]))
    sas = sorted({row["sas"] for row in select(results, routes=0, **ONE_WORKER)})
    curves = []
    for direction in DIRECTIONS:
        for size in ("64", "1400"):
            rows = select(results, direction=direction, size=size, routes=0, warm=True, **ONE_WORKER)
            ratios = {row["sas"]: row["ratio"] for row in rows}
            curves.append((f"{direction}, {size} octets", direction == "out", ratios))
    bars = [(f"{row['direction']}, {row['size']}", row["stages"]) for row in with_stages(results)]
    return {
        "cycles.svg": plot.cycles_by_size(panels),
        "sas.svg": plot.ratio_by_sas(curves, sas),
        "stages.svg": plot.stages(bars, journey_order(with_stages(results))),
    }


def filled(text, made):
    """The page with what is between its markers made anew."""
    for marker, block in made.items():
        pattern = rf"(<!-- {marker} begin[^>]*-->\n).*?(<!-- {marker} end -->)"
        text, count = re.subn(pattern, lambda match: f"{match.group(1)}{block}\n{match.group(2)}", text, flags=re.S)
        if count != 1:
            sys.exit(f"{PAGE}: the markers of {marker} are there {count} times, not once")
    return text


def read(name):
    path = FOLDER / name
    return json.loads(path.read_text()) if path.exists() else None


def main():
    bench = read("bench.json")
    if bench is None:
        sys.exit(f"{FOLDER}/bench.json is not there: ./dev bench makes it")
    PAGE.write_text(filled(PAGE.read_text(), blocks(bench, read("peers.json"))))
    for name, text in plots(bench).items():
        (FOLDER / name).write_text(text)


if __name__ == "__main__":
    main()
