"""What makes a spec unfit is found and told."""

import numpy as np
import pytest

from miniclip.learn.spec import Exercise, Outcome, misconceptions, outcomes, verdicts
from miniclip.learn.verify import counts, effort_and_use, float32, float32_answers, known_wrong_answers, texts


def double(x):
    """Twice the numbers."""
    return 2 * x


@pytest.fixture
def exercise():
    made = Exercise("0.0", "Doubling", points=1, hints=("idea", "where", "example"))
    made.solution(double)
    made.case("2 numbers", np.array([1.0, 2.5]))
    made.case("7 digits are too few", np.array([0.1]))
    return made


def test_float32_keeps_the_shape_of_a_value():
    value = float32({"a": [np.ones(3), 0.5], "b": (np.arange(3), 1, True, "x", None, np.float64(2))})
    assert [x.dtype for x in (*value["a"], value["b"][0], value["b"][5])] == ["f4", "f4", int, "f4"]
    assert value["b"][1:5] == (1, True, "x", None)


def test_float32_must_pass_or_a_reason_be_given(exercise):
    exercise.judge(lambda args, value: None if np.array_equal(np.float64(value), 2 * args[0]) else "Wrong.")
    expected = outcomes(exercise, exercise.solutions)
    (problem,) = float32_answers(exercise, expected)
    assert problem == "the solution in float32, a right answer, is refused on '7 digits are too few'"
    exercise.needs_float64("7 digits are too few", "0.1 has no end")
    assert not list(float32_answers(exercise, expected))
    exercise.needs_float64("2 numbers", "no reason at all")
    exercise.needs_float64("3 numbers", "not there")
    assert [problem.split(":")[0] for problem in float32_answers(exercise, expected)] == [
        "'2 numbers' does not need float64", "there is no case '3 numbers' that could need float64",
    ]  # fmt: skip


def test_hints_are_neither_short_nor_solutions(exercise):
    exercise.wrong("Too short.")(lambda x: 3 * x)
    exercise.wrong('You should write """Twice the numbers.""" and then return 2 * x.', name="copied")(lambda x: -x)
    assert list(texts(exercise))[:2] == [
        "the hint of <lambda> has 2 words, expected at least 8",
        "hint copied shares six tokens in a row with the solution",
    ]


def test_known_wrong_answers_are_told_apart_and_shown_with_their_numbers(exercise):
    exercise.wrong("You tripled every number of the array, but twice is asked.", name="tripled")(lambda x: 3 * x)
    assert not list(known_wrong_answers(exercise, outcomes(exercise, exercise.solutions)))
    exercise.wrong("You doubled the numbers and that is really all there is to say.", name="right")(lambda x: x + x)
    (problem,) = known_wrong_answers(exercise, outcomes(exercise, exercise.solutions))
    assert problem == "right is taken for a right answer or nothing known"


def test_there_must_be_enough_of_everything(exercise):
    assert list(counts(exercise)) == [
        "there are 2 cases, expected at least 3", "there are 0 known wrong answers, expected at least 3",
        "there are 0 other right answers, expected at least 3", "there are 0 oracles or judges, expected at least 1",
    ]  # fmt: skip


def test_level_minutes_and_use_are_told(exercise):
    exercise.level, exercise.minutes, exercise.use = 4, 0, "Too short. And nn/nowhere.py is not there."
    assert [problem.split(":")[0] for problem in effort_and_use(exercise)] == [
        "level 4 and 0 minutes, expected a level from 1 to 3, and 1 to 60 minutes",
        "the use is not one sentence of 8 to 40 words", "the use names no file of the package",
    ]  # fmt: skip
    exercise.level, exercise.minutes = 1, 5
    exercise.use = "Gradients are doubled like this in nn/ops.py wherever two paths meet."
    assert not list(effort_and_use(exercise))


def test_a_case_must_be_unlike_another(exercise):
    """Who gives one value for two generators is told so; what failed or never came is not the same value."""
    exercise.case("the same 2 numbers", np.array([1.0, 2.5]))
    right = outcomes(exercise, exercise.solutions)
    exercise.unlike("the same 2 numbers", "2 numbers", "ignores_rng")
    assert verdicts(exercise, right, right) == [True, True, False]
    assert misconceptions(exercise, right, right) == ["ignores_rng"]
    failed = [Outcome(error="ValueError"), right[1], Outcome(error="ValueError")]
    assert misconceptions(exercise, failed, right) == []
    assert verdicts(exercise, [None, right[1], None], right) == [False, True, False]
