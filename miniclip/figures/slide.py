"""A slide: a figure of one of four sizes, in one of two themes, and what every lecture figure puts on it."""

from typing import Any

from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.ticker import MaxNLocator

from ..errors import InputError, quote
from .page import Box, fractions, page, wrap
from .page import write as put
from .style import IMAGE, SKY, Figure, new_figure

SIZES = {"wide": (13.33, 7.5), "half": (6.2, 5.2), "square": (5.0, 5.0), "paper": (3.3, 2.8)}  # inches
BODY = {"wide": 18.0, "half": 11.0, "square": 10.0, "paper": 6.0}  # points, the smallest text
THEMES = {
    "light": {"ink": "#1B1F24", "muted": "#5A626B", "faint": "#D5DAE0", "paper": "#FFFFFF"},
    "dark": {"ink": "#F3F6F9", "muted": "#A9B4BE", "faint": "#3C454E", "paper": "#14181D"},
}


class Slide:
    """Where a lecture figure is drawn.

    Attributes
    ----------
    figure : Figure
    width, height : float
        Inches.
    body : float
        Points: the size of all text but the title. Nothing is smaller.
    line : float
        Points: the width of a line that matters.
    ink, muted, faint, paper : str
        The theme's colours: text and lines, secondary ones, areas, the ground.
    wide : bool
        Is there room for more than one panel side by side?
    """

    def __init__(self, size: str = "wide", theme: str = "light"):
        if size not in SIZES or theme not in THEMES:
            raise InputError(
                f"size {quote(size)}, theme {quote(theme)}: expected one of {', '.join(SIZES)}; {', '.join(THEMES)}"
            )
        self.size, self.theme, self.body = size, theme, BODY[size]
        (self.width, self.height), self.line = SIZES[size], BODY[size] / 7
        colours = THEMES[theme]
        self.ink, self.muted, self.faint, self.paper = (colours[name] for name in ("ink", "muted", "faint", "paper"))
        self.wide = size == "wide"
        self.figure: Figure = new_figure((self.width, self.height))
        self.figure.set_facecolor(self.paper)

    @property
    def em(self) -> float:
        """The size of the text in inches: the unit of all distances."""
        return self.body / 72

    @property
    def shades(self) -> LinearSegmentedColormap:
        """From the ground to a colour on which the ink can still be read: 0 to 1."""
        return LinearSegmentedColormap.from_list("shades", [self.paper, SKY if self.theme == "light" else IMAGE])

    def sheet(self, box: Box | None = None) -> Axes:
        """An empty page over a box (left, top, width, height in inches, from the top left), or over everything."""
        return page(self.figure, box or (0, 0, self.width, self.height))

    def title(self, finding: str) -> float:
        """The finding, in bold across the top; returns the inches from the top edge to where there is room again."""
        sheet, margin = self.sheet(), 1.5 * self.em
        size = 1.25 * self.body
        text = wrap(finding, self.width - 2 * margin, size, 3, "bold")
        rows = " ".join(text.split("\n"))
        return margin + put(sheet, margin, margin, rows, size, self.width - 2 * margin, 3, "bold", self.ink) + self.em

    def write(self, sheet: Axes, x, y, text, width=float("inf"), lines=3, **look) -> float:
        """Text of body size on a sheet, below y; returns its height in inches. `look`: color, weight, ha."""
        return put(sheet, x, y, text, self.body, width, lines, **({"color": self.ink} | look))

    def axes(self, box: Box, xlabel: str = "", ylabel: str = "", grid: bool = False) -> Axes:
        """Axes whose frame is the box (inches from the top left): leave room outside for the numbers and names."""
        axes = self.figure.add_axes(fractions(self.figure, box), facecolor="none")
        axes.spines[["top", "right"]].set_visible(False)
        for spine in axes.spines.values():
            spine.set(color=self.muted, linewidth=self.line / 2)
        axes.tick_params(labelsize=self.body, length=0.25 * self.body, pad=0.25 * self.body, colors=self.muted,
                         labelcolor=self.ink, width=self.line / 2)  # fmt: skip
        for axis, inches in ((axes.xaxis, box[2]), (axes.yaxis, box[3])):
            axis.set_major_locator(MaxNLocator(max(2, int(inches / self.em / 4)), steps=[1, 2, 5, 10]))
        axes.set_xlabel(xlabel, fontsize=self.body, color=self.ink)
        axes.set_ylabel(ylabel, fontsize=self.body, color=self.ink)
        if grid:
            axes.grid(color=self.faint, linewidth=self.line / 3)
            axes.set_axisbelow(True)
        return axes

    def label(self, axes: Axes, x, y, text: str, **look: Any) -> None:
        """A word at a point of the data, of body size."""
        usual: dict[str, Any] = {"fontsize": self.body, "color": self.ink, "va": "center_baseline"}
        axes.text(x, y, text, **(usual | look))

    def arrow(self, axes: Axes, start, end, color: str = "", thick: float = 1.0, line="-") -> None:
        """From one point of the axes to another; `thick` times the line that matters."""
        look = {"arrowstyle": "-|>", "color": color or self.ink, "linewidth": thick * self.line, "linestyle": line,
                "mutation_scale": (0.5 + 0.5 * thick) * self.body, "shrinkA": 0, "shrinkB": 0}  # fmt: skip
        axes.annotate("", end, start, arrowprops=look, annotation_clip=False, zorder=3)
