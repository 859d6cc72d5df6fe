"""A failing case is code that runs and makes the same arguments; what the learner printed in it is beside it."""

import contextlib
import io
import json

import numpy as np
import pytest

from miniclip.learn import files
from miniclip.learn.grade import grade
from miniclip.learn.paste import code, folded, paste
from miniclip.learn.seen import few_lines
from miniclip.learn.spec import Exercise, call
from miniclip.learn.specs import all_exercises
from miniclip.learn.values import Drawn, Generator, equal, prepare

ALL = all_exercises()
VALUES = [
    None, True, 3, -2.5, float("inf"), -float("inf"), "a 'quoted' word\n", [1, [2.0, "x"]], (1, (2,)), {"a": [1]},
    np.array([0.1, 1 / 3, np.nan, -np.inf]), np.zeros((0, 3)), np.array(2.0), np.float32(0.1), np.array([True, False]),
    np.arange(6).reshape(2, 3), np.float32([[0.1, 0.2]]), np.int8([1]), ["a long string, with spaces"] * 9,
    [np.float64(0.5), np.int64(3)],
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=str)
def test_code_makes_the_value_again_to_the_last_bit(value):
    scope = {"np": np}
    exec("\n".join(folded(f"value = {code(value)}")), scope)
    back = scope["value"]
    assert type(back) is type(value)
    assert equal(back, value, 0.0, 0.0)
    assert getattr(back, "dtype", 0) == getattr(value, "dtype", 0)


def test_large_and_random_arguments_are_told_by_their_seed():
    large = Drawn(7, (50, 3))
    assert np.array_equal(eval(code(large), {"np": np}), prepare(large))
    assert eval(code(Generator(3)), {"np": np}).random() == prepare(Generator(3)).random()


@pytest.mark.parametrize("id", ALL)
def test_every_case_can_be_pasted_below_the_function_and_gives_the_same(id):
    exercise = ALL[id]
    for case in exercise.cases:
        seen = []

        def spy(*args, seen=seen):
            seen.extend(args)

        text = paste(exercise, case, call(exercise.solutions[case.function], case))
        assert all(len(line) <= 80 or "'" in line for line in text.splitlines())
        with contextlib.redirect_stdout(io.StringIO()):
            exec(text, {case.function: spy})
        for given, argument in zip(seen, map(prepare, case.args), strict=True):
            if isinstance(argument, np.random.Generator):
                assert given.bit_generator.state == argument.bit_generator.state
            else:
                assert given is argument or equal(given, argument, 0.0, 0.0)


exercise = Exercise("0.0", "Twice", points=2, hints=("idea", "where", "example"))


@exercise.solution
def twice(x):
    """x -> 2 x"""
    return 2 * x


for number in (1.0, 2.5, 7.0):
    exercise.case(f"x = {number}", np.array([number]))


def graded(tmp_path, text):
    path = tmp_path / "answer.py"
    path.write_text(text)
    return grade(exercise, path)


SAID = {
    "in the failing case": ("def twice(x):\n    print('x:', x)\n    return 2 * x if x < 5 else x\n", "x: [7.]", "7"),
    "when loaded, too": ("print('hello')\ndef twice(x):\n    print(x)\n    return x\n", "hello\n[1.]", "1"),
    "before it broke": ("def twice(x):\n    print(x)\n    return x / None\n", "[1.]", "1"),
    "before it ended": ("import os\ndef twice(x):\n    print(x)\n    os._exit(0)\n", "[1.]", "1"),
    "in a loop without an end": ("def twice(x):\n    while x > 2:\n        print('again', end=' ')\n"
                                 "    return 2 * x\n", "again again ", "2.5"),
    "to the other stream": ("import sys\ndef twice(x):\n    print(x, file=sys.stderr)\n", "[1.]", "1"),
    "by the system": ("import os\ndef twice(x):\n    os.write(1, b'raw')\n", "raw", "1"),
    "nothing": ("def twice(x):\n    return x\n", "", "1"),
    "after another case flooded": ("def twice(x):\n    if x < 5: print('y' * 10**7)\n    else: print('here')\n"
                                   "    return 2 * x if x < 5 else x\n", "here", "7"),
}  # fmt: skip


@pytest.mark.parametrize("name", SAID)
def test_what_was_printed_and_the_case_are_in_the_result(tmp_path, name):
    text, said, number = SAID[name]
    result = graded(tmp_path, text)
    assert result.said.startswith(said)
    assert bool(said) == bool(result.said)
    assert result.failing.startswith(
        f"import numpy as np\nx = np.array([{float(number)}])\nprint(twice(x))  # expected"
    )
    assert json.loads(json.dumps(result.record()))["said"] == result.said


def test_what_is_printed_on_loading_is_told_where_it_breaks(tmp_path):
    result = graded(tmp_path, "print('here')\n1 / 0\ndef twice(x):\n    return 2 * x\n")
    assert (result.status, result.said, result.failing) == ("error", "here", "")


def test_who_passes_is_told_nothing_of_it(tmp_path):
    result = graded(tmp_path, "def twice(x):\n    print(x)\n    return 2 * x\n")
    assert (result.status, result.said, result.failing) == ("pass", "", "")


def test_a_pasted_case_does_not_make_an_answer_borrowed(tmp_path):
    """Some cases need a function of miniclip."""
    other = ALL["8.3"]
    path = tmp_path / "answer.py"
    case = paste(other, other.cases[0], call(other.solutions[other.first], other.cases[0]))
    path.write_text(files.solution_text(other) + "\n" + case)
    assert "fixtures_m8" in case
    assert grade(other, path).status == "pass"


def test_many_lines_are_cut_and_nothing_steers_the_terminal():
    assert few_lines("a\n" * 3) == "a\na\na"
    assert few_lines("a\n" * 8) == "a\n" * 6 + "... and 2 more lines"
    assert few_lines("\x1b[2Jgone\t.") == " [2Jgone ."
    assert few_lines("y" * 1000) == "y" * 97 + "..."
