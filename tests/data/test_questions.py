"""Every question has one right answer, and the blind cannot guess yes from no."""

import re
from collections import Counter

import numpy as np

from miniclip.data.grammar import NUMBERS
from miniclip.data.questions import ask
from miniclip.data.world import COLOURS, COLUMNS, ROWS, SHAPES, sample_scenes


def answers(question, scene):
    """All answers that a reader of the scene graph could give: (shape, colour, row, column) of each object."""
    objects = [
        (SHAPES[s], COLOURS[c], r, k) for s, c, r, k in zip(*scene, strict=True) if s >= 0
    ]  # fmt: skip
    if found := re.fullmatch(r"what colour is the (\w+)\?", question):
        return [c for s, c, _, _ in objects if s == found[1]]
    if found := re.fullmatch(r"what shape is the (\w+) object\?", question):
        return [s for s, c, _, _ in objects if c == found[1]]
    if found := re.fullmatch(r"where is the (\w+)\?", question):
        return [f"{ROWS[r]} {COLUMNS[k]}" for s, _, r, k in objects if s == found[1]]
    if found := re.fullmatch(r"is there an? (\w+) (\w+)\?", question):
        return ["yes" if (found[2], found[1]) in [(s, c) for s, c, _, _ in objects] else "no"]
    if found := re.fullmatch(r"is the (\w+) (\w+) (left of|right of|above|below) the (\w+) (\w+)\?", question):
        (a,) = [(r, k) for s, c, r, k in objects if (c, s) == found.group(1, 2)]
        (b,) = [(r, k) for s, c, r, k in objects if (c, s) == found.group(4, 5)]
        holds = {"left of": a[1] < b[1], "right of": a[1] > b[1], "above": a[0] < b[0], "below": a[0] > b[0]}
        return ["yes" if holds[found[3]] else "no"]
    assert question == "how many objects are there?"
    return [NUMBERS[len(objects) - 1]]


def test_every_question_has_exactly_one_right_answer():
    scenes = sample_scenes(0, "many", np.arange(3000))
    questions, given = ask(scenes)
    for b, (question, answer) in enumerate(zip(questions, given, strict=True)):
        scene = [getattr(scenes, name)[b].tolist() for name in ("shape", "colour", "row", "column")]
        assert answers(question, scene) == [answer], question
    count = Counter(given)
    assert 0.45 < count["yes"] / (count["yes"] + count["no"]) < 0.55
    order = np.random.default_rng(0).permutation(3000)
    assert ask(scenes[order])[0] == [questions[i] for i in order]
