"""Plots as SVG, by hand: what docs/performance.md shows. A function takes figures and returns the text of a file.

Colours go with light and dark pages: each plot has a ground of its own, which follows what the browser prefers.
"""

from xml.sax.saxutils import escape

COLOURS = ("#4477aa", "#ee8866", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#999999", "#ee6677", "#44bb99", "#aaaa00")

STYLE = """
  text { font: 13px sans-serif; fill: #24292f }
  .title { font-weight: bold; font-size: 15px }
  .small { font-size: 11px }
  .inside { font-size: 11px; fill: #111111 }
  .ground { fill: #ffffff }
  .axis { stroke: #57606a; stroke-width: 1 }
  .grid { stroke: #d0d7de; stroke-width: 1 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .ground { fill: #0d1117 }
    .axis { stroke: #8b949e }
    .grid { stroke: #30363d }
  }
"""


def number(value):
    """Coordinates to a tenth, so that the same figures make the same file."""
    return f"{value:.1f}".rstrip("0").rstrip(".")


class Drawing:
    def __init__(self, width, height):
        self.width, self.height, self.parts = width, height, []

    def text(self, x, y, words, *, anchor="start", kind="", turn=None):
        turned = f' transform="rotate({turn} {number(x)} {number(y)})"' if turn else ""
        kind = f' class="{kind}"' if kind else ""
        self.parts.append(f'<text x="{number(x)}" y="{number(y)}" text-anchor="{anchor}"{kind}{turned}>'
                          f"{escape(str(words))}</text>")

    def line(self, x1, y1, x2, y2, kind):
        ends = f'x1="{number(x1)}" y1="{number(y1)}" x2="{number(x2)}" y2="{number(y2)}"'
        self.parts.append(f'<line {ends} class="{kind}"/>')

    def box(self, x, y, width, height, colour, about):
        """about: what a browser shows when it is pointed at."""
        self.parts.append(f'<rect x="{number(x)}" y="{number(y)}" width="{number(width)}" height="{number(height)}" '
                          f'fill="{colour}"><title>{escape(about)}</title></rect>')

    def curve(self, points, colour, dashed):
        path = " ".join(f"{number(x)},{number(y)}" for x, y in points)
        dashes = ' stroke-dasharray="6 4"' if dashed else ""
        self.parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2.5"{dashes}/>')
        for x, y in points:
            self.parts.append(f'<circle cx="{number(x)}" cy="{number(y)}" r="4" fill="{colour}"/>')

    def legend(self, x, y, entries):
        """entries: (colour, words), one below the other."""
        for i, (colour, words) in enumerate(entries):
            self.box(x, y + 20 * i - 11, 13, 13, colour, words)
            self.text(x + 19, y + 20 * i, words)

    def svg(self):
        return "\n".join([
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.width}" height="{self.height}" '
            f'viewBox="0 0 {self.width} {self.height}">',
            f"<style>{STYLE}</style>",
            f'<rect class="ground" width="{self.width}" height="{self.height}" rx="6"/>',
            *self.parts,
            "</svg>",
            "",
        ])


def steps_to(most):
    """Round numbers from 0 to what is at least `most`: the axis."""
    size = 1.0
    while most / size > 10:
        size *= 10
    step = next(size * part for part in (0.1, 0.2, 0.25, 0.5, 1, 2) if most / (size * part) <= 8)
    count = int(-(-most // step))
    return [step * i for i in range(count + 1)]


class Panel:
    """The field of a plot with a vertical axis from 0."""

    def __init__(self, drawing, left, top, width, height, most):
        self.drawing, self.left, self.top, self.width, self.height = drawing, left, top, width, height
        self.steps = steps_to(most)
        for step in self.steps:
            drawing.line(left, self.y(step), left + width, self.y(step), "grid" if step else "axis")
            drawing.text(left - 6, self.y(step) + 4, f"{step:g}", anchor="end", kind="small")
        drawing.line(left, top, left, top + height, "axis")

    def y(self, value):
        return self.top + self.height * (1 - value / self.steps[-1])

    def middle(self, i, count):
        """Of the ith of so many columns."""
        return self.left + self.width * (i + 0.5) / count

    def names(self, words, title):
        bottom = self.top + self.height
        for i, word in enumerate(words):
            self.drawing.text(self.middle(i, len(words)), bottom + 18, word, anchor="middle")
        self.drawing.text(self.left + self.width / 2, bottom + 38, title, anchor="middle", kind="small")

    def scale(self, title):
        x, y = self.left - 44, self.top + self.height / 2
        self.drawing.text(x, y, title, anchor="middle", kind="small", turn=-90)


def cycles_by_size(panels):
    """panels: (title, [(size, cycles, crypto cycles)]); columns of which the lower part is the cryptography alone."""
    drawing = Drawing(900, 400)
    most = max(cycles for _, rows in panels for _, cycles, _ in rows)
    for n, (title, rows) in enumerate(panels):
        panel = Panel(drawing, 70 + 430 * n, 60, 370, 240, most * 1.08)
        drawing.text(panel.left, 34, title, kind="title")
        panel.names([size for size, _, _ in rows], "octets of inner IPv4 packet")
        if n == 0:
            panel.scale("TSC cycles a packet")
        for i, (size, cycles, crypto) in enumerate(rows):
            x, width = panel.middle(i, len(rows)) - 17, 34
            low, high = panel.y(crypto), panel.y(cycles)
            if cycles > crypto:
                drawing.box(x, high, width, low - high, COLOURS[1], f"{size}: {cycles - crypto:.0f} all else")
            drawing.box(x, low, width, panel.y(0) - low, COLOURS[0], f"{size}: {crypto:.0f} cryptography alone")
            drawing.text(x + width / 2, high - 5, f"{cycles:.0f}", anchor="middle", kind="small")
    drawing.legend(250, 372, [(COLOURS[0], "the cryptography alone")])
    drawing.legend(470, 372, [(COLOURS[1], "all else of the journey")])
    return drawing.svg()


def ratio_by_sas(curves, sas):
    """curves: (words, dashed, {SAs: ratio})."""
    drawing = Drawing(900, 380)
    most = max(ratio for _, _, ratios in curves for ratio in ratios.values())
    panel = Panel(drawing, 70, 50, 560, 260, most * 1.05)
    drawing.text(70, 30, "the whole journey to the cryptography alone, by security associations", kind="title")
    panel.names([f"{count:,}" for count in sas], "security associations, packets in random order of them")
    panel.scale("ratio")
    for i, (_, dashed, ratios) in enumerate(curves):
        points = [(panel.middle(sas.index(count), len(sas)), panel.y(ratio)) for count, ratio in sorted(ratios.items())]
        drawing.curve(points, COLOURS[i], dashed)
    drawing.legend(655, 80, [(COLOURS[i], words) for i, (words, _, _) in enumerate(curves)])
    return drawing.svg()


def stages(bars, order):
    """bars: (words, {stage: cycles}); order: of the stages along the journey."""
    drawing = Drawing(900, 70 + 44 * len(bars) + 90)
    most = max(sum(parts.values()) for _, parts in bars)
    left, width, ends = 130, 730, steps_to(most)
    bottom = 50 + 44 * len(bars)
    drawing.text(left, 30, "where the cycles go", kind="title")
    for step in ends:
        x = left + width * step / ends[-1]
        drawing.line(x, 44, x, bottom, "grid" if step else "axis")
        drawing.text(x, bottom + 16, f"{step:g}", anchor="middle", kind="small")
    drawing.text(left + width / 2, bottom + 34, "TSC cycles a packet", anchor="middle", kind="small")
    for n, (words, parts) in enumerate(bars):
        x, y = left, 52 + 44 * n
        drawing.text(left - 10, y + 20, words, anchor="end")
        for stage in order:
            if stage not in parts:
                continue
            length = width * parts[stage] / ends[-1]
            drawing.box(x, y, length, 30, COLOURS[order.index(stage) % len(COLOURS)], f"{stage}: {parts[stage]:.0f}")
            if length > 26:
                drawing.text(x + length / 2, y + 20, f"{parts[stage]:.0f}", anchor="middle", kind="inside")
            x += length
    for i, stage in enumerate(order):
        drawing.legend(left + 150 * (i % 5), bottom + 58 + 20 * (i // 5), [(COLOURS[i % len(COLOURS)], stage)])
    return drawing.svg()
