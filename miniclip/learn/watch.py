"""Trainings in a notebook, seen while they run."""

import time
from contextlib import contextmanager

from ..train.loop import ONLOOKER, Stage

EVERY = 2.0  # seconds between two pictures: a picture takes a tenth


@contextmanager
def watching(*names, chance: float | None = None):
    """Show every training inside a `with` while it runs: a bar, and the curves of the losses in one figure.

    The figure is drawn again now and then; the last one stays. Nothing else is printed.

    Parameters
    ----------
    *names : str
        What the trainings are called, in their order. Without any there is one.
    chance : float, optional
        The loss of knowing nothing.

    Examples
    --------
    with watching("one batch", chance=np.log(64)):
        fit(learner)
    """
    from IPython.display import display

    from ..figures.lessons.live import Track, live_curves

    names, curves, stages = names or ("training",), list[Track](), list[Stage]()
    shown, drawn_at = display(display_id=True), -EVERY

    def show():
        nonlocal drawn_at
        shown.update(live_curves(curves, len(names), chance))
        drawn_at = time.monotonic()

    def look(stage, row):
        if not stages or stages[-1] is not stage:
            stages.append(stage)
            curves.append(Track(names[len(curves)] if len(curves) < len(names) else stage.name, stage.steps))
        curves[-1].steps.append(row["step"])
        curves[-1].losses.append(float(row["loss"]))
        if time.monotonic() - drawn_at >= EVERY:
            show()

    before = ONLOOKER.set(look)
    try:
        yield
    finally:
        ONLOOKER.reset(before)
        if curves:
            show()
