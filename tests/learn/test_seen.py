"""What is said about a value: whole if it is short, else by the entry that differs most, its shape or its kind."""

import numpy as np
import pytest

from miniclip.learn import screen, seen
from miniclip.learn.grade import Result
from miniclip.learn.spec import Case, Exercise, Outcome

TABLE = np.arange(35.0).reshape(5, 7)
CHANGED = np.where(TABLE == 17, np.nan, TABLE + 0.25 * (TABLE == 3))
WORDS = ["one prompt that is rather long", "another one", "a third that is long, too"]
SAID = [
    ("numbers", 0.53229, 0.4912, "you got 0.5323, expected 0.4912"),
    ("numbers that hardly differ", 1.00002, 1.0, "you got 1.00002, expected 1"),
    ("tiny and huge numbers", 1.234567e-9, 2e60, "you got 1.235e-09, expected 2e+60"),
    ("no number", np.float32("nan"), 0.0, "you got nan, expected 0"),
    ("short lists of two lengths", [9, 5, 1], np.array([9, 1]), "you got [9, 5, 1], expected [9, 1]"),
    ("short tables", np.eye(2), [[True, False], [False, True]],
     "you got [[1, 0], [0, 1]], expected [[True, False], [False, True]]"),
    ("two shapes", np.zeros((2, 3)), np.zeros((3, 2)), "you got shape (2, 3), expected shape (3, 2)"),
    ("a number and a table", np.array(1.0), np.zeros((3, 2)), "you got a number, expected shape (3, 2)"),
    ("a large table", CHANGED, TABLE, "you got nan at [2, 3], expected 17"),
    ("a part of several", [0.5, CHANGED, 1], (0.5, TABLE, 2), "you got nan at [1][2, 3], expected 17"),
    ("a short part of several", (TABLE, 1), (TABLE, 2), "you got 1 at [1], expected 2"),
    ("too few parts", 0.25, (TABLE, 2), "you got 0.25, expected a tuple of 2"),
    ("nothing in a part", (TABLE, None), (TABLE, TABLE), "you got None at [1], expected shape (5, 7)"),
    ("one string of several", [*WORDS[:2], "x"], WORDS, "you got 'x' at [2], expected 'a third that is long, too'"),
    ("too many strings", [*WORDS, "x"], WORDS, "you got a list of 4, expected a list of 3"),
    ("a string for a list", ", ".join(WORDS), WORDS, "you got text, expected a list of 3"),
    ("a strange type", "<object>", TABLE, "you got <object>, expected shape (5, 7)"),
    ("long strings", "a" * 99, "b" * 99, f"you got '{'a' * 44}..., expected '{'b' * 44}..."),
    ("a dict", {"loss": 0.5}, {"loss": 1.0}, "you got {'loss': 0.5}, expected {'loss': 1}"),
    ("one for a tuple", (3,), (4,), "you got (3,), expected (4,)"),
]  # fmt: skip


def exercise_of(judged=False, functions=("f",)):
    exercise = Exercise("0.0", "A title", points=1, hints=("1", "2", "3"))
    exercise.solutions = dict.fromkeys(functions, len)
    if judged:
        exercise.judges = {"f": lambda args, value: "wrong"}
    return exercise


@pytest.mark.parametrize(("name", "got", "right", "words"), SAID, ids=[one[0] for one in SAID])
def test_values_are_told_in_few_words(name, got, right, words):
    said = seen.seen(exercise_of(), Case(name, (), "f"), Outcome(got), Outcome(right))
    assert said == f"On {name!r} {words}."


def test_of_two_functions_the_one_is_named():
    said = seen.seen(exercise_of(functions=("f", "g")), Case("n = 2", (), "g"), Outcome(1), Outcome(2))
    assert said == "On 'n = 2' g gave 1, expected 2."


def test_exceptions_changed_inputs_and_judges_have_no_expected_value():
    case = Case("n = 2", (), "f")
    for judged in (False, True):
        exercise = exercise_of(judged)
        said = seen.seen(exercise, case, Outcome(error="ValueError", message="shapes"), Outcome(2))
        assert said == "On 'n = 2' f raised ValueError."
        said = seen.seen(exercise, case, Outcome(2, mutated=True), Outcome(2))
        assert said == "On 'n = 2' f changed its input."
    assert seen.seen(exercise, case, Outcome([1, 2]), Outcome([2])) == "On 'n = 2' you got [1, 2]."
    assert seen.seen(exercise, case, Outcome([WORDS] * 9), Outcome([2])) == "On 'n = 2' you got a list of 9."


def test_what_was_seen_and_the_advice_begin_lines_of_their_own():
    exercise = exercise_of()
    exercise.case("n = 1", 1)
    exercise.case("n = 2", 2)
    found, expected = [Outcome(1), Outcome(4)], [Outcome(1), Outcome(2)]
    said = seen.say("Take the root.", exercise, found, expected)
    assert said == "On 'n = 2' you got 4, expected 2.\nTake the root."
    assert seen.say("", exercise, found, expected) == "On 'n = 2' you got 4, expected 2."
    result = Result("0.0", "A title", "m0", 1, "wrong", hint=said)
    assert screen.verdict(exercise, result).splitlines()[1:] == [
        "  x  On 'n = 2' you got 4, expected 2.", "     Take the root.",
    ]  # fmt: skip
