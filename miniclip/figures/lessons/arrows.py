"""Vectors of two numbers as arrows: those of pictures and of texts in one plane, with the unit circle."""

from itertools import pairwise

import numpy as np

from ...errors import InputError
from ..page import clean, decimal, fractions, heading, page, wrap
from ..style import FAINT, IMAGE, INK, MUTED, TEXT, TEXT_INK, Figure, Look, new_figure, styled

WIDTH, MARGIN, SIZE, PANEL = 10.0, 0.2, 14.0, 4.4  # inches, as wide as a notebook; points; inches: a panel's height
MOST = 2  # panels


def arrows(finding, panels) -> Figure:
    """Panels beside each other, each a picture's vector and those of texts, from the origin.

    Parameters
    ----------
    finding : str
        What they show together.
    panels : dict of str to (images, texts)
        Up to 2. Both are dicts of a name to a vector (2,): blue with a round end, orange with a square one.

    Returns
    -------
    Figure

    Raises
    ------
    ValueError
        If there are no panels, too many, or vectors of another length than 2.
    """
    vectors = [vector for both in panels.values() for some in both for vector in some.values()]
    if not 1 <= len(panels) <= MOST or any(np.shape(vector) != (2,) for vector in vectors):
        raise InputError(
            f"got {len(panels)} panels of vectors of shapes {[np.shape(v) for v in vectors]}, expected 1 to {MOST} "
            "panels of vectors (2,)"
        )
    with styled():
        across = WIDTH - 2 * MARGIN
        head = (wrap(finding, across, 1.2 * SIZE, 3, "bold").count("\n") + 1) * 1.5 * SIZE / 72 + 0.55
        figure = new_figure((WIDTH, MARGIN + head + PANEL + MARGIN))
        sheet = page(figure, (MARGIN, MARGIN, across, figure.get_figheight() - 2 * MARGIN))
        heading(sheet, finding, SIZE)
        wide = across / len(panels)
        for k, (name, (images, texts)) in enumerate(panels.items()):
            axes = figure.add_axes(fractions(figure, (MARGIN + k * wide, MARGIN + head, wide, PANEL)), aspect="equal")
            draw_arrows(axes, name, images, texts)
            told = "; ".join(f"{clean(of)} ({decimal(x)}, {decimal(y)})" for of, (x, y) in (images | texts).items())
            figure.tell(f"{clean(name)}: {told}." if name else f"{told}.")
        return figure


def draw_arrows(axes, name: str, images, texts) -> None:
    """The circle, the arrows, and each name beyond the point of its arrow."""
    ends = np.array([*images.values(), *texts.values()], float)
    low, high = np.minimum(ends.min(0), -1.0), np.maximum(ends.max(0), 1.0)
    middle, half = (low + high) / 2, 0.58 * max(high - low)
    wide = half * axes.bbox.width / axes.bbox.height
    axes.set(xlim=(middle[0] - wide, middle[0] + wide), ylim=(middle[1] - half, middle[1] + half))
    axes.set_axis_off()
    axes.set_title(name, fontsize=SIZE, fontweight="bold", color=INK, pad=2)
    turn = np.linspace(0, 2 * np.pi, 181)
    axes.plot(np.cos(turn), np.sin(turn), color=FAINT, linewidth=2)
    axes.plot([0], [0], "o", color=MUTED, markersize=5)
    kinds = [(IMAGE, IMAGE, "o")] * len(images) + [(TEXT, TEXT_INK, "s")] * len(texts)
    ways = turned_apart(np.arctan2(ends[:, 1], ends[:, 0]))
    for label, (x, y), way, (colour, ink, end) in zip([*images, *texts], ends, ways, kinds, strict=True):
        axes.plot([0, x], [0, y], color=colour, linewidth=3.5, solid_capstyle="butt")
        axes.plot([x], [y], end, color=colour, markersize=11)
        across, up = np.cos(way), np.sin(way)
        look: Look = {"ha": "left" if across > 0.5 else "right" if across < -0.5 else "center",
                      "va": "bottom" if up > 0.7 else "top" if up < -0.7 else "center"}  # fmt: skip
        axes.annotate(label, (x, y), (14 * across, 14 * up), textcoords="offset points", fontsize=SIZE, color=ink,
                      annotation_clip=False, **look)  # fmt: skip


def turned_apart(angles) -> np.ndarray:
    """Directions in which names do not meet: neighbours on the circle that are close are turned away from each other.

    >>> np.degrees(turned_apart(np.radians([50.0, 60.0, -40.0]))).round()
    array([ 32.,  78., -40.])
    """
    ways, order = np.array(angles, float), np.argsort(angles)
    for one, other in pairwise(order):
        close = max(0.8 - (angles[other] - angles[one]), 0.0) / 2
        ways[one], ways[other] = ways[one] - close, ways[other] + close
    return ways
