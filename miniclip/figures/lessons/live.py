"""A training while it runs: how far it is, and the curve of its loss."""

from dataclasses import dataclass, field
from itertools import cycle

import numpy as np

from ..page import bar, clean, heading, page
from ..style import FAINT, IMAGE, INK, MUTED, NEGATIVE, POSITIVE, ROSE, Figure, new_figure, styled
from ..training import DASHDOT, DASHED, DOTTED, Line, draw_lines, plot_axes, smooth

SIZE, TALL, MARGIN = (10.0, 4.0), 14.0, 0.2  # inches, as wide as a notebook; points
LOOKS = ((INK, "-"), (IMAGE, DASHED), (NEGATIVE, DASHDOT), (POSITIVE, (0, (8, 2))), (ROSE, (0, (2, 1))))


@dataclass
class Track:
    """One training: its name, its steps, and the losses so far."""

    name: str
    total: int
    steps: list[int] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)


def live_finding(curves: list[Track], trainings: int) -> str:
    """Where the last training stands, or how all of them ended."""
    last = curves[-1]
    if last.steps[-1] < last.total or len(curves) < trainings:
        return f"{last.name}: step {last.steps[-1]:,} of {last.total:,}, loss {last.losses[-1]:.2f}"
    if len(curves) == 1:
        return f"After {last.total:,} steps the loss is {last.losses[-1]:.2f}; at the first it was {last.losses[0]:.2f}"
    return f"{len(curves)} trainings, {sum(one.total for one in curves):,} steps"


def live_curves(curves: list[Track], trainings: int = 1, chance: float | None = None) -> Figure:
    """A bar of how much is done, and a curve for each training.

    Parameters
    ----------
    curves : list of Track
        Those that have begun, each with at least one step.
    trainings : int
        How many there will be.
    chance : float, optional
        The loss of knowing nothing.

    Returns
    -------
    Figure
    """
    with styled():
        figure = new_figure(SIZE)
        sheet = page(figure, (MARGIN, MARGIN, SIZE[0] - 2 * MARGIN, SIZE[1] - 2 * MARGIN))
        top = heading(sheet, live_finding(curves, trainings), TALL)
        done = sum(one.steps[-1] / one.total for one in curves) / max(trainings, len(curves))
        top += bar(sheet, 0, top, SIZE[0] - 2 * MARGIN, "done", f"{done:.0%}", done, TALL)
        lines: list[Line] = []
        for one, (colour, dashes) in zip(curves, cycle(LOOKS), strict=False):
            values, end = np.array(one.losses), one.losses[-1]
            look = {"color": colour, "linewidth": 2.5, "linestyle": dashes}
            lines.append((np.array(one.steps), smooth(values, len(values) // 40), end,
                          f"{clean(one.name)} {end:.2f}", look))  # fmt: skip
        longest = max(one.total for one in curves)
        if chance is not None:
            look = {"color": MUTED, "linewidth": 2.0, "linestyle": DOTTED}
            lines.append((np.array([0, longest]), np.full(2, chance), chance, f"chance {chance:.2f}", look))
        box = (MARGIN, MARGIN + top, SIZE[0] - 2 * MARGIN, SIZE[1] - 2 * MARGIN - top)
        axes = plot_axes(figure, box, [label for *_, label, _ in lines], TALL)
        for one in curves:
            axes.plot(one.steps, one.losses, color=FAINT, linewidth=1.2)
        axes.set_ylim(0, 1.08 * max(0.01, *(float(values.max()) for _, values, *_ in lines)))
        axes.set_ylabel("loss", fontsize=TALL)
        draw_lines(axes, lines, longest, TALL)
        figure.tell("Curves of the loss: " + ", ".join(label for *_, label, _ in lines) + ".")
        return figure
