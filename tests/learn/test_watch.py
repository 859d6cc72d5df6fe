"""A training in a notebook is seen while it runs: one output that is drawn again, and nothing else."""

import numpy as np
import pytest

from miniclip.learn import watch
from miniclip.train.loop import ONLOOKER, Learner, Stage, fit


def learner(steps: int, name: str = "train") -> Learner:
    """A number that goes down."""

    def objective(step, params):
        return float(params["x"][0] ** 2), [{"x": 2 * params["x"]}], {}

    return Learner(Stage(name, objective, steps, ("x",), 0.1, 0), {"x": np.ones(1)})


@pytest.fixture
def seen(monkeypatch):
    """The figures that a notebook would show, in one output; a second passes at each look at the clock."""
    import IPython.display

    figures, seconds = [], iter(range(10_000))

    class Handle:
        update = staticmethod(figures.append)

    monkeypatch.setattr(IPython.display, "display", lambda *given, display_id: Handle())
    monkeypatch.setattr(watch.time, "monotonic", lambda: next(seconds))
    return figures


def test_it_is_drawn_while_it_runs_and_once_more_at_the_end(seen, capsys):
    with watch.watching("a number"):
        fit(learner(20))
    assert 2 < len(seen) <= 20
    assert "step 1 of 20" in seen[0].alt
    assert "After 20 steps the loss is" in seen[-1].alt
    assert capsys.readouterr() == ("", "")


def test_every_training_of_a_block_has_its_curve(seen):
    with watch.watching("one", "two", chance=1.5):
        for steps in (5, 9):
            fit(learner(steps))
    assert "2 trainings, 14 steps" in seen[-1].alt
    assert all(name in seen[-1].alt for name in ("one 0.", "two 0.", "chance 1.50"))
    assert len({len(figure.axes) for figure in seen}) == 1  # what is committed says how many axes there are


def test_nobody_looks_on_afterwards(seen):
    before = ONLOOKER.get()

    def stop():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), watch.watching():
        fit(learner(3), stop_signal=stop)
    assert ONLOOKER.get() is before
    shown = len(seen)
    fit(learner(3))
    assert len(seen) == shown


def test_a_block_without_a_training_shows_nothing(seen):
    with watch.watching():
        pass
    assert seen == []
