"""Losses of several trainings, a small panel each between chance and the floors; beneath each the healthy one's."""

from matplotlib.axes import Axes

from ..errors import InputError
from .page import LINE, Box, clean, fractions, heading, page, wrap, write
from .style import FAINT, INK, MUTED, NEGATIVE, TEXT, Figure, Look, new_figure, styled
from .training import DASHED, DOTTED, latest, series, smooth

FEW = 9  # so many panels stand two or three in a row; more of them five, and smaller
WIDTH, MARGIN = 10.0, 0.35  # inches, as wide as a notebook
LEVELS: dict[str, tuple[str, Look]] = {
    "chance": ("chance", {"color": MUTED, "linestyle": DOTTED}),
    "caption_floor": ("captions' floor", {"color": TEXT, "linestyle": DASHED}),
}
HIGHEST = 1.3  # of chance: what is higher is cut off


def loss_panels(finding: str, logs, words=None, verdicts=()) -> Figure:
    """Draw the loss of each training.

    Parameters
    ----------
    finding : str
    logs : dict of name to rows of a log
        The healthy one first. Each row has `step` and `loss`, and where they are known `chance` and `caption_floor`,
        which are drawn as lines.
    words : dict of name to str, optional
        What stands under a name.
    verdicts : list of str
        Lines under the panels.

    Returns
    -------
    Figure

    Raises
    ------
    ValueError
        If there are no logs, or one has no rows.
    """
    if not logs or not all(logs.values()):
        raise InputError(f"got the logs of {len(logs)} trainings, expected at least one and rows in each")
    few, words = len(logs) <= FEW, words or {}
    size, across = (14.0, min(2 if len(logs) == 4 else 3, len(logs))) if few else (11.0, 5)
    width, gap = WIDTH - 2 * MARGIN, 2.6 * size / 72
    wide = (width + gap) / across - gap
    with styled():
        heads = {name: (wrap(name, wide, size, 2, "bold"), wrap(words.get(name, ""), wide, size, 3)) for name in logs}
        lines = max(sum(text.count("\n") + 1 for text in head if text) for head in heads.values())
        title = wrap(finding, width, 1.2 * size, 3, "bold").count("\n") + 1
        head, top = (lines * LINE + 0.3 / 72) * size, 1.2 * title * size * LINE + size / 72
        tall = head + 0.62 * wide + 2.4 * size / 72
        under = top + -(-len(logs) // across) * tall
        figure = new_figure((WIDTH, 2 * MARGIN + under + len(verdicts) * size * LINE))
        sheet = page(figure, (MARGIN, MARGIN, width, figure.get_figheight() - 2 * MARGIN))
        heading(sheet, finding, size)
        figure.tell(f"The loss of each: {', '.join(map(clean, logs))}.")
        for k, name in enumerate(logs):
            x, y = k % across * (wide + gap), top + k // across * tall
            write_head(sheet, x, y, heads[name], size)
            draw_one_loss(figure, (MARGIN + x, MARGIN + y + head, wide, 0.62 * wide), logs, name, size)
        for i, verdict in enumerate(verdicts):
            write(sheet, 0, under + i * size * LINE, verdict, size, width, color=MUTED)
        return figure


def write_head(sheet: Axes, x: float, y: float, head, size: float) -> None:
    """A panel's name, and its words below."""
    for text, weight in zip(head, ("bold", "normal"), strict=True):
        for row in text.split("\n") if text else ():
            y += write(sheet, x, y, row, size, weight=weight)


def draw_one_loss(figure: Figure, box: Box, logs, name: str, size: float) -> None:
    """One loss over the healthy one, in its frame; the healthy one's own panel has the names of its levels."""
    healthy, log = next(iter(logs.values())), logs[name]
    named = log is healthy
    highest = HIGHEST * healthy[0].get("chance", max(row["loss"] for row in healthy) / HIGHEST)
    last = healthy[-1]["step"]
    axes = figure.add_axes(fractions(figure, box), xlim=(0, last), ylim=(0, highest))
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=size, length=0.2 * size, pad=0.2 * size)
    axes.set_xticks([0, last], ["0", f"{last} steps"] if named else ["", ""])
    axes.get_xticklabels()[1].set_horizontalalignment("right")
    axes.set_yticks([0, 2, 4])
    for key, (level, look) in LEVELS.items():
        steps, values = series(log, key)
        if len(values):
            axes.plot(steps, smooth(values, len(values) // 10), linewidth=0.12 * size, **look)
            below, end = key == "caption_floor", latest(log, key)
            if named and (not below or 72 * box[3] * end / highest > 1.1 * size):  # where there is room
                x, side, edge = (0.02 * last, "left", "top") if below else (last, "right", "bottom")
                away: Look = {"xytext": (0, -0.2 * size * below), "textcoords": "offset points"}
                axes.annotate(level, (x, end), fontsize=size, ha=side, va=edge, **away)
    beneath = [] if named else [(healthy, FAINT, 0.35)]
    for some, colour, thick in [*beneath, (log, NEGATIVE if beneath else INK, 0.2)]:
        steps, values = series(some, "loss")
        axes.plot(steps, smooth(values, len(values) // 40), color=colour, linewidth=thick * size)
