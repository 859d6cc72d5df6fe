"""Right answers in unusual styles are accepted: each is graded as a file of its own, as a learner's is."""

import re
from collections import Counter
from pathlib import Path

import pytest

from miniclip.learn import grade
from miniclip.learn.specs import all_exercises

ALL = all_exercises()
PARTS = [
    part.split("\n", 1)
    for path in sorted((Path(__file__).parent / "right").glob("m*.py"))
    for part in re.split(r"^# (?=\d\.\d )", path.read_text(), flags=re.M)[1:]
]
ANSWERS = {title: text for title, text in PARTS}


@pytest.mark.parametrize("title", ANSWERS)
def test_it_is_accepted(title, tmp_path):
    exercise, path = ALL[title.split()[0]], tmp_path / "answer.py"
    path.write_text(ANSWERS[title])
    result = grade.grade(exercise, path)
    assert (result.status, result.points, result.hint) == ("pass", exercise.points, "")


def test_there_are_at_least_three_for_an_exercise():
    assert len(ANSWERS) == len(PARTS)
    modules = {title.split(".")[0] for title in ANSWERS}
    count = Counter(title.split()[0] for title in ANSWERS)
    assert all(count[id] >= 3 for id in ALL if id.split(".")[0] in modules)
