"""What makes an exercise fit to grade, for all of them."""

import ast
import inspect
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from miniclip.learn import files, grade, screen, verify
from miniclip.learn.sandbox import Replies
from miniclip.learn.seen import say
from miniclip.learn.spec import call, misconceptions, outcomes
from miniclip.learn.specs import all_exercises

FOLDER = Path(__file__).parents[2] / "exercises"
ALL = all_exercises()
EACH = pytest.mark.parametrize("id", ALL)
POINTS = {"m0": 1, "m1": 16, "m2": 16, "m3": 29, "m4": 33, "m5": 20, "m6": 21, "m7": 13, "m8": 18, "m9": 13}


def in_process(exercise, functions, monkeypatch):
    """Grade trusted functions with the real diagnosis, without a process for each."""
    path = FOLDER / "answer.py"

    def run(path, cases):
        found = [call(functions[case.function], case) for case in cases]
        twice = {(i, turn): outcome for i, outcome in enumerate(found) for turn in (0, 1)}
        return Replies(seen={name: {"library": "", "takes": "", "line": 1} for name in functions}, outcomes=twice)

    monkeypatch.setattr(grade, "run_file", run)
    monkeypatch.setattr(grade, "check_source", lambda *args: None)
    monkeypatch.setattr(grade, "read_file", lambda path: b"")
    return grade.grade(exercise, path)


def test_fifty_exercises_and_a_hundred_and_eighty_points():
    assert len(ALL) == 50
    for module, points in POINTS.items():
        assert sum(one.points for id, one in ALL.items() if f"m{id.split('.')[0]}" == module) == points, module
    assert sum(POINTS.values()) == 180


def test_three_hundred_known_wrong_answers_at_least():
    count = sum(len(one.wrongs) for one in ALL.values())
    print(f"{count} known wrong answers")
    assert count >= 300


def test_what_an_exercise_needs_comes_earlier_in_the_course():
    order = list(ALL)
    for id, exercise in ALL.items():
        assert all(need in order[: order.index(id)] for need in exercise.needs), id
        assert list(exercise.needs) == sorted(set(exercise.needs), key=order.index), id


def test_what_is_needed_is_named_once():
    """Not what is needed already for something else that is needed."""

    def before(id):
        return {more for need in ALL[id].needs for more in (need, *before(need))}

    for id, exercise in ALL.items():
        assert not [(a, b) for a in exercise.needs for b in exercise.needs if a in before(b)], id


def test_the_whole_course_takes_a_few_evenings():
    minutes = sum(one.minutes for one in ALL.values())
    assert 12 <= minutes / 60 <= 20
    assert {1, 2, 3} == {one.level for one in ALL.values()}
    assert all(one.minutes >= 25 for one in ALL.values() if one.level == 3)


@EACH
def test_the_spec_is_fit(id):
    """Right answers in other styles pass, wrong ones are told apart, oracles agree, hints give nothing away."""
    assert verify.problems(ALL[id]) == []


@EACH
def test_every_known_wrong_answer_gets_its_own_hint(id, monkeypatch):
    """Through the whole diagnosis, not on outcomes alone."""
    exercise = ALL[id]
    expected = outcomes(exercise, exercise.solutions)
    for wrong in exercise.wrongs.values():
        result = in_process(exercise, wrong.functions, monkeypatch)
        assert (result.status, result.misconception) == ("wrong", wrong.name), result.hint
        assert result.hint == say(wrong.hint, exercise, outcomes(exercise, wrong.functions), expected)
        assert result.points < exercise.points
        shown = screen.verdict(exercise, result)
        assert len(shown.splitlines()) <= 9  # of the twelve of a screen; keys and score follow
        assert shown.split()[-9:] == result.hint.split()[-9:]
        monkeypatch.undo()


@EACH
def test_known_wrong_answers_can_be_told_apart(id):
    exercise = ALL[id]
    expected = outcomes(exercise, exercise.solutions)
    for wrong in exercise.wrongs.values():
        assert misconceptions(exercise, outcomes(exercise, wrong.functions), expected) == [wrong.name]


@EACH
def test_the_stub_is_not_started_and_the_solution_passes(id, tmp_path):
    """In a process of its own."""
    exercise, path = ALL[id], tmp_path / "answer.py"
    path.write_text(files.stub(exercise))
    result = grade.grade(exercise, path)
    assert (result.status, result.points) == ("not_started", 0)
    path.write_text(files.solution_text(exercise))
    result = grade.grade(exercise, path)
    assert (result.status, result.points, result.hint) == ("pass", exercise.points, "")
    assert result.n_checks == len(exercise.cases) >= 3


def nulls(exercise):
    """Answers without a thought in them."""

    def constant(value):
        return lambda *args: value

    def crash(*args):
        raise ZeroDivisionError("division by zero")

    return {
        "none": constant(None), "zero": constant(0.0), "an array of zeros": constant(np.zeros((2, 3))),
        "a constant": constant(7.25), "an empty list": constant([]), "text": constant("answer"), "crash": crash,
        "its input": lambda *args: args[0], "noise": lambda *args: np.random.default_rng().normal(size=3),
    }  # fmt: skip


@EACH
def test_answers_without_a_thought_fail(id, monkeypatch):
    exercise = ALL[id]
    for name, function in nulls(exercise).items():
        result = in_process(exercise, dict.fromkeys(exercise.solutions, function), monkeypatch)
        assert result.status in ("wrong", "partial", "error"), name
        assert result.points < exercise.points, name
        assert result.hint, name
        monkeypatch.undo()


@EACH
def test_a_borrowed_answer_is_not_graded(id, tmp_path):
    exercise, path = ALL[id], tmp_path / "answer.py"
    imports = f"from {exercise.module} import {', '.join(exercise.solutions)}\n"
    path.write_text(imports)
    assert (grade.grade(exercise, path).status, grade.grade(exercise, path).points) == ("borrowed", 0)


@EACH
def test_wrong_arity_is_told_before_any_call(id, tmp_path):
    exercise, path = ALL[id], tmp_path / "answer.py"
    text = files.stub(exercise)
    name = exercise.first
    path.write_text(text.replace(f"def {name}(", f"def {name}(one_too_many, ", 1).replace("(one_too_many, )", "(one)"))
    result = grade.grade(exercise, path)
    assert result.status == "error"
    assert "another signature" in result.hint


@EACH
def test_the_committed_stub_is_up_to_date_and_gives_nothing_away(id):
    """No ten tokens in a row of a solution's body stand in its stub: the brief's formulas are shorter."""
    exercise = ALL[id]
    text = files.path_of(exercise, FOLDER).read_text()
    assert text == files.stub(exercise), "run `miniclip learn sync`"
    for function in exercise.solutions.values():
        tree = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
        body = "\n".join(ast.unparse(node) for node in tree.body[1:])
        code, told = (verify.runs(verify.tokens(part), 10) for part in (body, text))
        assert not code & told


def test_grading_needs_neither_torch_nor_pytest():
    """Nothing heavy is imported, and nothing that a learner may not have."""
    code = """
import sys
from miniclip.learn.specs import all_exercises
import miniclip.learn.commands
all_exercises()
assert not {"torch", "pytest", "hypothesis", "matplotlib"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_readme_counts_the_known_wrong_answers():
    count = sum(len(one.wrongs) for one in ALL.values())
    assert f"one of {count} known wrong ones" in (FOLDER / "README.md").read_text()
