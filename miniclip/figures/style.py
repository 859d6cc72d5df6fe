"""Colours by role, sizes, and settings that hold only while a figure is made or written.

The colours are Okabe and Ito's, told apart by all common kinds of colour vision. Colour never speaks alone: right is
also a solid frame and a tick, wrong a dashed frame and a cross, and every line has a pattern and its name beside it.
"""

import io
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib.figure
import matplotlib.style
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from PIL import Image

from ..errors import InputError, quote
from ..files.storage import replace

IMAGE, TEXT, POSITIVE, NEGATIVE = "#0072B2", "#E69F00", "#009E73", "#D55E00"
SKY, ROSE = "#56B4E9", "#CC79A7"
TEXT_INK, NEGATIVE_INK = "#8A5A00", "#A04000"  # for words in these colours: 4.5 : 1 on paper
INK, MUTED, FAINT, PAPER = "#1B1F24", "#5A626B", "#D5DAE0", "#FFFFFF"
SEQUENTIAL = LinearSegmentedColormap.from_list("paper_to_sky", ["#F3F6F9", SKY])  # INK can be read on all of it

WIDE = (13.33, 7.5)  # inches, 16:9: a slide
BODY = 18.0  # points, the smallest text of a slide
DPI = 200
Look = dict[str, Any]  # how to draw something: matplotlib's own keywords
FONT = "DejaVu Sans"  # comes with matplotlib: the same letters on every machine

SETTINGS: dict[Any, Any] = {
    "font.family": FONT,
    "text.color": INK,
    "text.parse_math": False,  # a $ in a caption is a dollar
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.linewidth": 1.0,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "lines.solid_capstyle": "round",
    "image.composite_image": False,
    "svg.fonttype": "path",
    "svg.hashsalt": "miniclip",
    "pdf.fonttype": 42,
}

# What would differ from one writing to the next, or from one matplotlib to the next, is left out.
METADATA: dict[str, dict] = {
    ".png": {"Software": None},
    ".svg": {"Date": None, "Creator": None},
    ".pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}


class Figure(matplotlib.figure.Figure):
    """A figure with words for those who cannot see it: a notebook takes them beside the picture that it draws."""

    alt = ""

    def tell(self, words: str) -> None:
        """Add to the words."""
        self.alt = f"{self.alt} {words}".strip()

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {}, {"image/png": {"alt": self.alt}}


@contextmanager
def styled():
    """matplotlib's own defaults and our settings, whatever the user's are; afterwards theirs are back."""
    with matplotlib.style.context("default"), matplotlib.rc_context(SETTINGS):
        yield


def new_figure(size=WIDE) -> Figure:
    """An empty figure of some (width, height) in inches, unknown to pyplot: nothing to close, nothing pops up."""
    figure = Figure(figsize=size, dpi=100, facecolor=PAPER)
    FigureCanvasAgg(figure)
    return figure


def save_figure(figure: Figure, path) -> None:
    """Write a figure as PNG, SVG or PDF: the same figure gives the same bytes, and the file is whole or not there.

    Parameters
    ----------
    figure : Figure
    path : str or Path
        Ends in .png, .svg or .pdf, which chooses the format.

    Raises
    ------
    ValueError
        If the path ends otherwise.
    """
    path = Path(path)
    replace(path.parent, path.name, drawn(figure, path))


def light_png(picture: Image.Image) -> bytes:
    """A small PNG file of a picture: each channel in steps of 4, so nothing is more than 2 of 255 off and no tint."""
    steps = np.minimum((np.asarray(picture.convert("RGB"), int) + 2) // 4 * 4, 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(steps).save(file, "png", optimize=True)
    return file.getvalue()


def drawn(figure: Figure, path: Path) -> bytes:
    """The bytes of a figure in the format that the path's ending says; a ValueError for another ending."""
    kind = path.suffix.lower()
    if kind not in METADATA:
        raise InputError(f"the figure's file is {quote(path.name)}, expected a name that ends in {', '.join(METADATA)}")
    written = io.BytesIO()
    with styled():
        figure.savefig(written, format=kind[1:], dpi=DPI, metadata=METADATA[kind])
    return written.getvalue()
