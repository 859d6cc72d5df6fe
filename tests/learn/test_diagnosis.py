"""What is said where no known wrong answer fits wholly, and where memory is bounded."""

import numpy as np
import pytest

from miniclip.learn.grade import grade
from miniclip.learn.spec import Exercise, call, misconceptions, ok, outcomes, probable
from miniclip.learn.verify import known_wrong_answers


@pytest.fixture
def exercise():
    made = Exercise("0.0", "Sums", points=4, hints=("idea", "where", "example"))

    @made.solution
    def total(x):
        """The sum of the numbers: x (n,) -> a number"""
        return float(np.sum(x))

    @made.wrong("You took the mean, but the sum is asked: do not divide by the number of entries.")
    def mean(x):
        return np.mean(x) if len(x) else 0.0

    @made.wrong("You left the last entry out: the sum goes over all entries, up to the last one.")
    def all_but_one(x):
        return np.sum(x[:-1])

    for x in ([], [3.0], [1.0, 2.5], [2.0, -5.0, 7.5, 1.0]):
        made.case(f"{len(x)} numbers", np.array(x))
    return made


def graded(exercise, tmp_path, text):
    path = tmp_path / "answer.py"
    path.write_text(f"import numpy as np\n{text}\n")
    return grade(exercise, path)


NEARLY = {
    "nothing for the empty": ("total = lambda x: np.mean(x) if len(x) else None", "mean"),
    "an error for the empty": ("total = lambda x: x[0] - x[0] + sum(x) / len(x)", "mean"),
    "its own for the single": ("total = lambda x: np.sum(x[:-1]) if len(x) != 1 else 5.0", "all_but_one"),
    "another one for the largest": ("total = lambda x: np.mean(x) if len(x) < 4 else 5.0", ""),
    "two odd ones": ("total = lambda x: np.mean(x) if len(x) > 2 else 5.0", ""),
    "right for the single": ("total = lambda x: np.mean(x) if len(x) else 1.0", "mean"),
}


@pytest.mark.parametrize("name", NEARLY)
def test_what_fits_all_but_a_degenerate_case_is_said_to_be_probable(exercise, tmp_path, name):
    text, meant = NEARLY[name]
    result = graded(exercise, tmp_path, text)
    assert result.status in ("wrong", "partial", "error")
    assert result.misconception == ""
    assert ("Probably: " in result.hint) == bool(meant)
    assert not meant or exercise.wrongs[meant].hint in result.hint


def test_of_two_that_fit_nearly_none_is_probable(exercise):
    exercise.wrongs["mean again"] = exercise.wrongs["mean"]
    expected = outcomes(exercise, exercise.solutions)
    found = outcomes(exercise, {"total": lambda x: np.mean(x) if len(x) else 1.0})
    assert misconceptions(exercise, found, expected) == []
    assert probable(exercise, found, expected) == ""


TABLE = "total = lambda x: (np.ones((100, 1)) * np.asarray(x)).sum() / 100"


@pytest.fixture
def bounded(exercise):
    exercise.case("1000 numbers in little memory", np.arange(1000.0), memory=100 * 2**10)
    exercise.wrong("The value is right, but you built a table of 100 copies: add up the entries themselves.",
                   name="table")(lambda x: (np.ones((100, 1)) * np.asarray(x)).sum() / 100)  # fmt: skip
    return exercise


def test_too_much_memory_is_a_wrong_answer_of_its_own(bounded, tmp_path):
    result = graded(bounded, tmp_path, TABLE)
    assert (result.status, result.misconception, result.points) == ("wrong", "table", 3)
    first = result.hint.splitlines()[0]
    assert first.startswith("On '1000 numbers in little memory' total held ")
    assert first.endswith(" KB of memory at once, expected at most 100 KB.")
    assert graded(bounded, tmp_path, "total = lambda x: float(x.sum())").status == "pass"
    loops = "def total(x):\n    s = 0\n    for one in x: s += one\n    return s"
    assert graded(bounded, tmp_path, loops).status == "pass"
    other = (
        "total = lambda x: (np.ones((3, 50)) @ np.ones((50, 100)) @ np.ones((100, 1)) * np.asarray(x)).sum() / 15000"
    )
    assert graded(bounded, tmp_path, other).status == "pass"


def test_what_a_call_loads_is_not_counted(bounded, tmp_path):
    text = "def total(x):\n    import email.mime.text, xml.dom.minidom\n    return float(x.sum())"
    assert graded(bounded, tmp_path, text).status == "pass"


def test_wrong_values_are_told_before_memory(bounded, tmp_path):
    """Whoever takes the mean, with a table or without, is told of the mean."""
    result = graded(
        bounded, tmp_path, "total = lambda x: (np.ones((100, 1)) * np.asarray(x)).mean() if len(x) else 0.0"
    )
    assert result.misconception == "mean"


def test_a_bound_holds_for_trusted_answers_too(bounded):
    case = bounded.cases[-1]
    right = call(bounded.solutions["total"], case)
    assert ok(bounded, case, right, right)
    assert list(known_wrong_answers(bounded, outcomes(bounded, bounded.solutions))) == []
