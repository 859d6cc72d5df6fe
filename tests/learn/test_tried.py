"""Wrong answers that nobody had thought of when the cases were made are rejected too."""

import re

import pytest
import tried

from miniclip.learn.spec import outcomes, verdicts
from miniclip.learn.specs import all_exercises

ALL = all_exercises()
WRONG = {name: f"{found[1]}.{found[2]}" for name in vars(tried) if (found := re.match(r"wrong_(\d)_(\d)_", name))}


@pytest.mark.parametrize("name", WRONG)
def test_it_is_rejected(name):
    exercise = ALL[WRONG[name]]
    expected = outcomes(exercise, exercise.solutions)
    found = outcomes(exercise, exercise.solutions | {exercise.first: getattr(tried, name)})
    assert not all(verdicts(exercise, found, expected))


def test_there_are_many_of_them():
    assert len(WRONG) >= 100
