"""What a lab measured: a panel for each beginning before a colon, a bar for each row, with its interval; or a chart."""

from itertools import cycle

from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, NullLocator, StrMethodFormatter

from .page import Box, clean, fractions, heading, page, width_of, wrap, write
from .style import FAINT, INK, MUTED, NEGATIVE, SKY, WIDE, Figure, Look, new_figure, styled

BOX: Box = (0.4, 0.35, WIDE[0] - 0.8, WIDE[1] - 0.7)
SIZE, ACROSS = 11.0, 3  # points; panels beside each other


def lab_sheet(question: str, scores, rows, verdicts=()) -> Figure:
    """Draw rows of a lab's scores.

    Parameters
    ----------
    question : str
    scores : dict of row to its `mean` and, with several seeds, `low` and `high`
    rows : list of str
        Those to draw; shares, from 0 to 1.
    verdicts : list of str
        Lines under the panels.

    Returns
    -------
    Figure
    """
    panels: dict[str, list[str]] = {}
    for row in rows:
        panels.setdefault(row.partition(": ")[0] if ": " in row else "", []).append(row)
    with styled():
        figure = new_figure()
        sheet = page(figure, BOX)
        top = heading(sheet, question, 14.0)
        line, across = 1.5 * SIZE / 72, min(ACROSS, len(panels))
        under = BOX[3] - len(verdicts) * line
        down = -(-len(panels) // across)
        width, height = BOX[2] / across, (under - top) / down
        pitch = min((height - 0.6) / max(map(len, panels.values()), default=1), 0.8)
        for i, (name, inside) in enumerate(panels.items()):
            x, y = i % across * width, top + i // across * height
            draw_panel(sheet, (x, y, width - 0.4, pitch), name, inside, scores)
        for i, verdict in enumerate(verdicts):
            write(sheet, 0, under + i * line, verdict, SIZE, BOX[2], color=MUTED)
        figure.tell("Bars: " + "; ".join(f"{clean(row)} {scores[row]['mean']:.1%}" for row in rows) + ".")
        return figure


def draw_panel(sheet, box: Box, name: str, rows, scores) -> None:
    """Rows of one beginning: names on the left, bars from 0 to 1, whiskers for the interval, the mean at the right.

    box: where it begins, how wide it is, and how high a row is
    """
    x, y, width, pitch = box
    y += write(sheet, x, y, name, 1.1 * SIZE, width, weight="bold") + 0.15
    names = [row.partition(": ")[2] or row for row in rows]
    room = min(max(width_of(clean(one), SIZE) for one in names) + 0.1, 0.5 * width)
    number = width_of("100.0 %", SIZE) + 0.1
    for k, (row, one) in enumerate(zip(rows, names, strict=True)):
        cells, at, long = scores[row], y + k * pitch, width - room - number
        write(sheet, x, at, wrap(one, room, SIZE), SIZE, room)
        middle, thick = at + 0.62 * SIZE / 72, 0.35 * pitch
        for share, colour in ((1.0, FAINT), (min(max(cells["mean"], 0.0), 1.0), SKY)):
            sheet.fill_between([x + room, x + room + share * long], middle - thick / 2, middle + thick / 2,
                               color=colour, linewidth=0)  # fmt: skip
        if "low" in cells:
            ends = [x + room + min(max(cells[end], 0.0), 1.0) * long for end in ("low", "high")]
            sheet.plot(ends, [middle, middle], color=INK, linewidth=1.2)
        write(sheet, x + width, at, f"{cells['mean']:.1%}".replace("%", " %"), SIZE, ha="right")


def lab_chart(question: str, chart, scores, verdicts=()) -> Figure:
    """Draw what was measured as points, and what a law says of them as lines, on logarithmic axes.

    Parameters
    ----------
    question : str
    chart : with the names of its axes, `x` and `y`, and `curves` of scores: each has a `name` and numbers, `x`,
        `measured` and `said`. The last one was predicted: it has one point.
    scores : dict of row to its `mean` and, with several seeds, `low` and `high`
    verdicts : list of str
        Lines under the chart.

    Returns
    -------
    Figure
    """
    with styled():
        figure = new_figure()
        sheet = page(figure, BOX)
        top = heading(sheet, question, 14.0)
        line = 1.5 * SIZE / 72
        under = BOX[3] - len(verdicts) * line
        inner = (BOX[0] + 0.9, BOX[1] + top, BOX[2] - 3.9, under - top - 0.8)
        axes = figure.add_axes(fractions(figure, inner), xscale="log", yscale="log")
        draw_curves(axes, chart.curves(scores))
        axes.set_xlabel(chart.x, fontsize=SIZE)
        axes.set_ylabel(chart.y, fontsize=SIZE)
        for i, verdict in enumerate(verdicts):
            write(sheet, 0, under + i * line, verdict, SIZE, BOX[2], color=MUTED)
        return figure


def draw_curves(axes: Axes, curves) -> None:
    """Points, the law's line through them, its name at the end; of the last curve, what was said and what was so."""
    *small, last = curves
    name: Look = {"fontsize": SIZE, "va": "center_baseline", "xytext": (10, 0), "textcoords": "offset points"}
    for curve, sign in zip(small, cycle("os^D"), strict=False):
        axes.plot(curve.x, curve.said, color=MUTED, linewidth=1.5)
        axes.plot(curve.x, curve.measured, sign, color=SKY, markersize=8)
        axes.annotate(curve.name, (curve.x[-1], curve.said[-1]), annotation_clip=False, **name)
    axes.plot(last.x, last.said, "*", markersize=20, color="none", markeredgecolor=NEGATIVE, markeredgewidth=1.5)
    axes.plot(last.x, last.measured, "o", color=NEGATIVE, markersize=8)
    axes.annotate(f"{last.name}:\nstar predicted, point measured", (last.x[0], last.said[0]), annotation_clip=False,
                  **name | {"xytext": (14, 0)})  # fmt: skip
    for axis, values in ((axes.xaxis, [x for curve in curves for x in curve.x]),
                         (axes.yaxis, [y for curve in curves for y in (*curve.measured, *curve.said)])):  # fmt: skip
        ticks = [digit * 10.0**power for power in range(-4, 8) for digit in (1, 2, 5)]
        axis.set_major_locator(FixedLocator([tick for tick in ticks if min(values) / 1.5 < tick < 1.5 * max(values)]))
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(StrMethodFormatter("{x:,g}"))
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=SIZE)
