"""The loss thermometer: where the loss stands between chance and the floors below which it cannot go."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from .page import LINE, Box, fractions, heading, page, width_of
from .style import BODY, FAINT, INK, MUTED, POSITIVE, ROSE, TEXT, WIDE, new_figure, styled

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
    """The mean of the last `window` values, of fewer at the beginning.

    >>> smooth(np.array([4.0, 2.0, 0.0]), 2)
    array([4., 3., 1.])
    """
    total = np.concatenate([[0.0], np.cumsum(values)])
    end = np.arange(1, len(values) + 1)
    start = np.maximum(end - window, 0)
    return (total[end] - total[start]) / (end - start)


def window_of(log) -> int:
    """A twentieth of the run."""
    return max(1, len(log) // 20)


def latest(log, key) -> float | None:
    """The mean of a key over the last twentieth of the run; None where it never occurs."""
    values = series(log, key)[1]
    return float(smooth(values, window_of(log))[-1]) if len(values) else None


def finding(log) -> str:
    """How far the loss came from chance to the floor that the captions leave it."""
    loss, chance, floor = (latest(log, key) for key in ("loss", "chance", "caption_floor"))
    if chance is None or floor is None or chance <= floor:
        return f"The loss ends at {loss:.2f}"
    return f"The loss went {(chance - loss) / (chance - floor):.0%} of the way from chance to its floor"


def score_finding(log) -> str:
    """The last zero-shot scores, or else the last in-batch accuracy."""
    seen, unseen, accuracy = (series(log, key)[1] for key in ("zero_shot_A", "zero_shot_B", "accuracy"))
    if len(seen) and len(unseen):
        return f"Zero-shot: {seen[-1]:.0%} on seen, {unseen[-1]:.0%} on unseen combinations"
    return f"In-batch accuracy {latest(log, 'accuracy'):.0%}" if len(accuracy) else "No accuracy in this log"


def draw_training(figure: Figure, box: Box, log, size: float) -> None:
    """Both panels side by side within a box of a figure, text of `size` points."""
    if not log:
        raise ValueError("the log has no rows: expected the rows of a run's metrics.jsonl")
    left, top, width, height = box
    middle = 0.54 * width
    below = 2 * 1.2 * size * LINE + 0.8 * size / 72  # two lines of heading
    for start, end, say, draw in ((0, middle, finding, draw_loss), (middle, width, score_finding, draw_scores)):
        across = end - start - (0.03 * width if end == middle else 0)
        heading(page(figure, (left + start, top, across, height)), say(log), size)
        draw(figure, (left + start, top + below, across, height - below), log, size)


def draw_loss(figure: Figure, box: Box, log, size: float) -> None:
    """The loss, as logged and smoothed, between chance and the two floors."""
    steps, loss = series(log, "loss")
    lines = [("loss", smooth(loss, window_of(log)), INK, "-", steps)]
    for key, name, colour, pattern in (
        ("chance", "chance", MUTED, DOTTED),
        ("caption_floor", "caption floor", TEXT, DASHED),
        ("temperature_floor", "temperature floor", ROSE, DASHDOT),
    ):
        where, values = series(log, key)
        if len(where):
            lines.append((name, smooth(values, window_of(log)), colour, pattern, where))
    labels = [f"{name} {values[-1]:.2f}".replace(" floor", "\nfloor") for name, values, *_ in lines]
    axes = plot_axes(figure, box, labels, size)
    axes.plot(steps, loss, color=FAINT, linewidth=1.5)
    for name, values, colour, pattern, where in lines:
        thick = 3.0 if name == "loss" else 2.5
        axes.plot(
            where, values, color=colour, linestyle=pattern, linewidth=thick, marker="o" if len(where) == 1 else ""
        )
    axes.set_ylim(0, 1.08 * max(loss.max(), *(values.max() for _, values, *_ in lines)))
    label_ends(axes, [values[-1] for _, values, *_ in lines], labels, size)
    axes.set_ylabel("loss (nats)", fontsize=size)


def draw_scores(figure: Figure, box: Box, log, size: float) -> None:
    """In-batch accuracy, and zero-shot accuracy on new pictures (A) and on held-out combinations (B)."""
    lines = []
    for key, name, colour, style in (
        ("accuracy", "in batch", MUTED, {"linewidth": 1.5}),
        ("zero_shot_A", "seen", POSITIVE, {"marker": "o", "linewidth": 3.0}),
        ("zero_shot_B", "unseen", ROSE, {"marker": "s", "linewidth": 3.0, "linestyle": DASHED}),
    ):
        where, values = series(log, key)
        if len(where):
            values = smooth(values, window_of(log)) if key == "accuracy" else values
            lines.append((where, values, name, {"color": colour, "markersize": 0.45 * size} | style))
    labels = [f"{name} {values[-1]:.0%}" for _, values, name, _ in lines]
    axes = plot_axes(figure, box, labels, size)
    for where, values, _, style in lines:
        axes.plot(where, values, clip_on=False, **{"marker": "o" if len(where) == 1 else ""} | style)
    axes.set_ylim(0, 1)
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    label_ends(axes, [values[-1] for _, values, *_ in lines], labels, size)


def plot_axes(figure: Figure, box: Box, labels, size: float) -> Axes:
    """Axes within a box: room for the tick labels on the left and below, for the lines' names on the right."""
    left, top, width, height = box
    room = max((width_of(row, size) for label in labels for row in label.split("\n")), default=0) + 0.8 * size / 72
    before, under = 4.6 * size / 72, 3.3 * size / 72
    inner = (left + before, top + 0.1, width - before - room, height - under - 0.1)
    axes = figure.add_axes(fractions(figure, inner))
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=size, length=0.25 * size, pad=0.25 * size)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=max(2, int(inner[2] * 72 / size / 4)), integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.set_xlabel("step", fontsize=size)
    return axes


def spread(places, heights) -> list[float]:
    """Raise what stands on zero or too close to its lower neighbour, until things of these heights, centred, are apart.

    >>> spread([1.0, 1.25, 5.0], [0.5, 0.5, 0.5])
    [1.0, 1.5, 5.0]
    """
    moved, filled = list(places), 0.0
    for here in sorted(range(len(moved)), key=moved.__getitem__):
        moved[here] = max(moved[here], filled + heights[here] / 2)
        filled = moved[here] + heights[here] / 2
    return moved


def label_ends(axes: Axes, ends, labels, size: float) -> None:
    """The name of each line right of its end, moved apart where lines end close together."""
    inches = axes.get_position().size * axes.get_figure().get_size_inches()
    line = size * LINE / inches[1] * axes.get_ylim()[1]
    places = spread(ends, [line * (label.count("\n") + 1) for label in labels])
    for place, label in zip(places, labels, strict=True):
        for k, row in enumerate(label.split("\n")):
            y = place - line * (k - label.count("\n") / 2)
            where = axes.get_yaxis_transform()
            x = 1 + 0.6 * size / 72 / inches[0]
            axes.text(x, y, row, transform=where, fontsize=size, va="center_baseline")
