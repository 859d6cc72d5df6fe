"""The loss thermometer: where the loss stands between chance and the floors below which it cannot go."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, PercentFormatter

from ..errors import InputError
from .page import LINE, Box, fractions, heading, page, width_of
from .style import BODY, FAINT, INK, MUTED, POSITIVE, ROSE, TEXT, WIDE, Figure, Look, new_figure, styled

Line = tuple[np.ndarray, np.ndarray, float, str, Look]  # steps, values, the last value, its label, its look
DOTTED, DASHED, DASHDOT = (0, (1, 1.5)), (0, (4, 2)), (0, (5, 1.5, 1, 1.5))


def training_curves(log) -> Figure:
    """The loss with chance and its floors, and the accuracies, against the steps.

    Parameters
    ----------
    log : list of dict
        The rows of metrics.jsonl. Each has step and loss; chance, temperature_floor, caption_floor, accuracy, and now
        and then zero_shot_A and zero_shot_B, are drawn where they occur. Losses in nats, accuracies as fractions.

    Returns
    -------
    Figure

    Raises
    ------
    ValueError
        If the log has no rows.
    """
    with styled():
        figure = new_figure()
        draw_training(figure, (0.4, 0.35, WIDE[0] - 0.8, WIDE[1] - 0.7), log, BODY)
        return figure


def series(log, key) -> tuple[np.ndarray, np.ndarray]:
    """The steps that have a value under a key, and the values."""
    rows = [(row["step"], row[key]) for row in log if row.get(key) is not None]
    return np.array([step for step, _ in rows]), np.array([value for _, value in rows], float)


def smooth(values, window: int) -> np.ndarray:
    """The mean of the values at most `window` places away, before or after.

    >>> smooth(np.array([4.0, 2.0, 0.0]), 1)
    array([3., 2., 1.])
    """
    total = np.concatenate([[0.0], np.cumsum(values)])
    place = np.arange(len(values))
    start, end = np.maximum(place - window, 0), np.minimum(place + window + 1, len(values))
    return (total[end] - total[start]) / (end - start)


def latest(log, key) -> float:
    """The mean of a key over the last twentieth of its values; nan where it never occurs."""
    values = series(log, key)[1]
    return float(values[-max(1, len(values) // 20) :].mean()) if len(values) else float("nan")


def training_finding(log) -> str:
    """How far the loss came from chance to the floor that the captions leave it."""
    loss, chance, floor = (latest(log, key) for key in ("loss", "chance", "caption_floor"))
    if not chance > floor:  # or either is not in the log
        return f"The loss ends at {loss:.2f}"
    return f"The loss went {(chance - loss) / (chance - floor):.0%} of the way from chance to its floor"


def score_finding(log) -> str:
    """The last zero-shot scores, or else the last in-batch accuracy."""
    seen, new, accuracy = (series(log, key)[1] for key in ("zero_shot_A", "zero_shot_B", "accuracy"))
    if len(seen) and len(new):
        return f"Zero-shot: {seen[-1]:.0%} on seen, {new[-1]:.0%} on new combinations"
    return f"In-batch accuracy {latest(log, 'accuracy'):.0%}" if len(accuracy) else "No accuracy in this log"


def draw_training(figure: Figure, box: Box, log, size: float) -> None:
    """Both panels side by side within a box of a figure, text of `size` points."""
    if not log:
        raise InputError("the log has no rows: expected the rows of a run's metrics.jsonl")
    left, top, width, height = box
    middle = 0.53 * width
    panels = [
        (left, middle - 0.03 * width, training_finding, draw_loss),
        (left + middle, width - middle, score_finding, draw_scores),
    ]
    below = max(heading(page(figure, (x, top, across, height)), say(log), size) for x, across, say, _ in panels)
    for x, across, _, draw in panels:
        draw(figure, (x, top + below, across, height - below), log, size)


def draw_loss(figure: Figure, box: Box, log, size: float) -> None:
    """The loss, as logged and smoothed, between chance and the two floors."""
    lines: list[Line] = []
    for key, name, look in (
        ("loss", "loss", {"color": INK, "linewidth": 3.0}),
        ("chance", "chance", {"color": MUTED, "linewidth": 2.5, "linestyle": DOTTED}),
        ("caption_floor", "caption\nfloor", {"color": TEXT, "linewidth": 2.5, "linestyle": DASHED}),
        ("temperature_floor", "temperature\nfloor", {"color": ROSE, "linewidth": 2.5, "linestyle": DASHDOT}),
    ):
        steps, values = series(log, key)
        if len(values):
            end = latest(log, key)
            lines.append((steps, smooth(values, len(values) // 40), end, f"{name} {end:.2f}", look))
    axes = plot_axes(figure, box, [label for *_, label, _ in lines], size)
    axes.plot(*series(log, "loss"), color=FAINT, linewidth=1.5)
    axes.set_ylim(0, 1.08 * max(series(log, "loss")[1].max(), *(values.max() for _, values, *_ in lines)))
    axes.set_ylabel("loss (nats)", fontsize=size)
    draw_lines(axes, lines, log[-1]["step"], size)
    figure.tell(f"Lines: {'; '.join(' '.join(label.split()) for *_, label, _ in lines)}.")


def draw_scores(figure: Figure, box: Box, log, size: float) -> None:
    """In-batch accuracy, and zero-shot accuracy on new pictures (A) and on held-out combinations (B)."""
    lines: list[Line] = []
    for key, name, look in (
        ("accuracy", "in batch", {"color": MUTED, "linewidth": 1.5}),
        ("zero_shot_A", "seen", {"color": POSITIVE, "linewidth": 3.0, "marker": "o"}),
        ("zero_shot_B", "new", {"color": ROSE, "linewidth": 3.0, "marker": "s", "linestyle": DASHED}),
    ):
        steps, values = series(log, key)
        if len(values):
            end = latest(log, key) if key == "accuracy" else values[-1]
            values = smooth(values, len(values) // 40) if key == "accuracy" else values
            lines.append((steps, values, end, f"{name} {end:.0%}", look))
    axes = plot_axes(figure, box, [label for *_, label, _ in lines], size)
    axes.set_ylim(0, 1)
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    draw_lines(axes, lines, log[-1]["step"], size)
    figure.tell(f"Lines: {'; '.join(' '.join(label.split()) for *_, label, _ in lines)}.")


def plot_axes(figure: Figure, box: Box, labels, size: float) -> Axes:
    """Axes within a box: room for the tick labels on the left and below, for the lines' names on the right."""
    left, top, width, height = box
    room = max((width_of(row, size) for label in labels for row in label.split("\n")), default=0) + 1.2 * size / 72
    before, under = 4.6 * size / 72, 3.3 * size / 72
    inner = (left + before, top + 0.1, width - before - room, height - under - 0.1)
    axes = figure.add_axes(fractions(figure, inner))
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=size, length=0.25 * size, pad=0.25 * size)
    axes.xaxis.set_major_locator(
        MaxNLocator(nbins=max(2, int(inner[2] * 72 / size / 4)), steps=[1, 2, 5, 10], integer=True)
    )
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    axes.set_xlabel("step", fontsize=size)
    return axes


def spread(places, heights, top=np.inf) -> list[float]:
    """Raise what stands on zero or too close to its lower neighbour, until things of these heights, centred, are apart.

    Where the highest would stand out above `top`, it goes down, and so do those below it, as far as there is room.

    >>> spread([1.0, 1.25, 5.0], [0.5, 0.5, 0.5])
    [1.0, 1.5, 5.0]
    >>> spread([1.0, 1.25], [0.5, 0.5], top=1.5)
    [0.75, 1.25]
    """
    moved, filled = list(places), 0.0
    for here in sorted(range(len(moved)), key=moved.__getitem__):
        moved[here] = max(moved[here], filled + heights[here] / 2)
        filled = moved[here] + heights[here] / 2
    for here in sorted(range(len(moved)), key=moved.__getitem__, reverse=True):
        moved[here] = max(min(moved[here], top - heights[here] / 2), heights[here] / 2)
        top = moved[here] - heights[here] / 2
    return moved


def draw_lines(axes: Axes, lines: list[Line], last: int, size: float) -> None:
    """The lines, and right of each its name and last value, moved apart where lines end close together."""
    axes.set_xlim(0, last)
    width, height = axes.bbox.width / axes.figure.dpi, axes.bbox.height / axes.figure.dpi
    line, em = size * LINE / height * axes.get_ylim()[1], size / 72 / width
    places = spread([end for _, _, end, *_ in lines], [line * (label.count("\n") + 1.25) for *_, label, _ in lines],
                    axes.get_ylim()[1] + line / 2)  # fmt: skip
    beside = axes.get_yaxis_transform()
    for (steps, values, end, label, look), place in zip(lines, places, strict=True):
        every: Look = {"marker": "o" if len(steps) == 1 else "", "markersize": 0.45 * size, "clip_on": False}
        axes.plot(steps, values, **every | look)
        leader: Look = {"color": look["color"], "linewidth": 1, "transform": beside, "clip_on": False}
        axes.plot([1 + 0.3 * em, 1 + 0.9 * em], [end, place], **leader)
        for k, row in enumerate(label.split("\n")):
            y = place - line * (k - label.count("\n") / 2)
            axes.text(1 + 1.1 * em, y, row, transform=beside, fontsize=size, va="center_baseline")
    for axis in (axes.xaxis, axes.yaxis):
        axis.get_ticklabels()  # ticks are made when first asked for: now, while our settings hold
