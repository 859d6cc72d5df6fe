"""A page: a rectangle of a figure, measured in inches from its top left corner, and what can be put on it.

Text is measured before it is placed, so a caption of any length is wrapped, or shortened with an ellipsis, to its room.
"""

from functools import cache

import matplotlib.font_manager as fonts
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.textpath import text_to_path

from .style import FAINT, FONT, INK, NEGATIVE, PAPER, POSITIVE, SKY, Figure, Look

Box = tuple[float, float, float, float]  # left, top, width, height in inches
LINE = 1.25 / 72  # inches from line to line, per point of size
LONGEST = 400  # characters of a user's text that are looked at


def page(figure: Figure, box: Box) -> Axes:
    """An empty sheet over a box of the figure, in inches, y downwards."""
    sheet = figure.add_axes(fractions(figure, box), xlim=(0, box[2]), ylim=(box[3], 0))
    sheet.set_axis_off()
    return sheet


def fractions(figure: Figure, box: Box) -> Box:
    """A box in inches from the top left as matplotlib wants it: fractions of the figure, from the bottom left."""
    left, top, width, height = box
    across, down = figure.get_size_inches()
    return left / across, 1 - (top + height) / down, width / across, height / down


@cache
def font_file(weight: str):
    """The font of all text, upright or bold."""
    return fonts.get_font(fonts.findfont(fonts.FontProperties(family=FONT, weight=weight)))


@cache
def width_of(text: str, size: float, weight: str = "normal") -> float:
    """Inches, with a little to spare for the rounding of letters to pixels."""
    properties = fonts.FontProperties(family=FONT, weight=weight, size=size)
    return 1.03 * text_to_path.get_text_width_height_descent(text, properties, False)[0] / 72


def clean(text: str, weight: str = "normal") -> str:
    """One line of letters that the font has; any other character becomes a box."""
    known = font_file(weight).get_charmap()
    letters = " ".join(str(text)[:LONGEST].split())
    return "".join(c if c.isprintable() and ord(c) in known else "□" for c in letters)


def fitting(text: str, width: float, size: float, weight: str) -> int:
    """How many of the first characters fit into a width; at least one."""
    low, high = 1, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if width_of(text[:middle], size, weight) <= width else (low, middle - 1)
    return low


def wrap(text: str, width: float, size: float, lines: int = 1, weight: str = "normal") -> str:
    """Break a text into lines of at most `width` inches, between words where that can be; the rest becomes an ellipsis.

    >>> wrap("a large yellow star", 1.0, 12.0, lines=2).split(chr(10))
    ['a large', 'yellow star']
    """
    rows: list[str] = []
    rest = clean(text, weight)
    while rest and len(rows) < lines:
        cut = fitting(rest, width, size, weight)
        if cut < len(rest) and len(rows) == lines - 1:
            cut = fitting(rest, width - width_of("…", size, weight), size, weight)
            return "\n".join([*rows, rest[:cut].rstrip() + "…"])
        if cut < len(rest):
            cut = max(rest.rfind(" ", 0, cut + 1), 0) or cut
        rows.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    return "\n".join(rows)


def text_height(text: str, width: float, size: float, lines: int = 1, weight: str = "normal") -> float:
    """Inches that a text takes where it is written."""
    return (wrap(text, width, size, lines, weight).count("\n") + 1) * size * LINE


def write(sheet: Axes, x, y, text, size, width=np.inf, lines=1, weight="normal", color=INK, ha="left") -> float:
    """Put a text below y, left of, right of or around x, a line at a time; returns its height in inches."""
    rows = wrap(text, width, size, lines, weight).split("\n")
    for k, row in enumerate(rows):
        baseline = y + k * size * LINE + 0.95 * size / 72
        sheet.text(x, baseline, row, fontsize=size, fontweight=weight, color=color, ha=ha, va="baseline")
    return len(rows) * size * LINE


def heading(sheet: Axes, finding: str, size: float) -> float:
    """What the figure says, in bold across the top, and the first of its words; returns the inches it takes."""
    if isinstance(sheet.figure, Figure):
        sheet.figure.tell(f"{clean(finding)}.")
    width = sheet.get_xlim()[1]
    lines = wrap(finding, width, 1.2 * size, 3, "bold").count("\n")
    while wrap(finding, 0.97 * width, 1.2 * size, 3, "bold").count("\n") == lines < 2 and width > 1:
        width *= 0.97  # lines of nearly the same length
    return write(sheet, 0, 0, finding, 1.2 * size, width, 3, "bold") + 0.8 * size / 72


def decimal(value: float) -> str:
    """Two decimals, with a minus sign that is as wide as a plus."""
    return f"{value:.2f}".replace("-", "−")


def bar(sheet: Axes, x, y, width, name, number, share, size, true=False) -> float:
    """A name and a number over a bar that fills a share of the width; returns the inches it takes."""
    thick = 0.4 * size / 72
    write(sheet, x + width, y, number, size, ha="right")
    room = width - width_of(number, size) - 0.6 * size / 72
    write(sheet, x, y, name, size, room, weight="bold" if true else "normal")
    low = y + 1.15 * size * LINE
    sheet.add_patch(Rectangle((x, low), width, thick, facecolor=FAINT, linewidth=0))
    filled = width * min(max(float(share), 0.0), 1.0)
    sheet.add_patch(Rectangle((x, low), filled, thick, facecolor=POSITIVE if true else SKY, linewidth=0))
    return 1.15 * size * LINE + thick + 0.55 * size / 72


def thumbnail(sheet: Axes, image, x, y, side, right=None) -> None:
    """A picture (Y, X, 3) in a square of `side` inches, its pixels sharp; framed and marked if right or wrong."""
    picture = np.clip(np.asarray(image, float), 0, 1)
    sheet.imshow(picture, extent=(x, x + side, y + side, y), interpolation="nearest", aspect="auto")
    frame(sheet, x, y, side, side, right)
    if right is not None:
        mark(sheet, x + side, y, right, overhang(side))


def overhang(side: float) -> float:
    """Radius of the mark on the corner of a thumbnail, in inches."""
    return 0.12 * side**0.5


def frame(sheet: Axes, x, y, width, height, right=None) -> None:
    """An outline: solid if right, dashed if wrong, thin if nobody knows."""
    known, style = right is not None, {True: (POSITIVE, "-"), False: (NEGATIVE, (0, (2.5, 1.5)))}
    colour, line = style[bool(right)] if known else (FAINT, "-")
    look: Look = {"edgecolor": colour, "linestyle": line, "linewidth": 3.0 if known else 1.0, "joinstyle": "miter"}
    sheet.add_patch(Rectangle((x, y), width, height, fill=False, clip_on=False, **look))


def mark(sheet: Axes, x, y, right, radius) -> None:
    """A tick or a cross on a disc of its colour, centred on (x, y)."""
    colour, sign = (POSITIVE, "✓") if right else (NEGATIVE, "✗")
    diameter = 144 * radius
    look: Look = {"color": colour, "markeredgecolor": PAPER, "markeredgewidth": 1.5, "clip_on": False}
    sheet.plot([x], [y], "o", markersize=diameter, **look)
    sheet.text(x, y, sign, fontsize=0.7 * diameter, color=PAPER, ha="center", va="center_baseline", fontweight="bold")
