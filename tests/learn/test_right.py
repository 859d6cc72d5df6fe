"""Right answers in styles that nobody had in mind pass: `right/m1.py` holds those of a module, each under its name.

Before the first answer stands what all of them use. The real grader judges each, in a process of its own.
"""

import re
from collections import Counter
from pathlib import Path

import pytest

from miniclip.learn.grade import grade
from miniclip.learn.specs import all_exercises

FOLDER = Path(__file__).parent / "right"


def answers():
    """(id, name) -> the text of an answer."""
    found = {}
    for path in sorted(FOLDER.glob("m*.py")):
        head, *parts = re.split(r"^# (\d\.\d): (.+)\n", path.read_text(), flags=re.MULTILINE)
        for id, name, text in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
            assert (id, name) not in found
            found[id, name] = head + text
    return found


ANSWERS = answers()


@pytest.mark.parametrize(("id", "name"), ANSWERS, ids=lambda one: one)
def test_an_unusual_right_answer_passes(id, name, tmp_path):
    path = tmp_path / "answer.py"
    path.write_text(ANSWERS[id, name])
    result = grade(all_exercises()[id], path)
    assert result.status == "pass", result.hint


def test_there_are_three_of_each():
    count = Counter(id for id, _ in ANSWERS)
    modules = {path.stem for path in FOLDER.glob("m*.py")}
    assert {id for id in all_exercises() if f"m{id[0]}" in modules and count[id] < 3} == set()
