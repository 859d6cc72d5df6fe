"""Every question has one right answer, and the blind cannot guess it."""

import re
from collections import Counter, defaultdict

import numpy as np
import pytest

from miniclip.data.questions import ANSWERS, CHANCE, KINDS, ask, question_vocabulary
from miniclip.data.world import SPLITS, sample_scenes

COLOURS = ("red", "orange", "yellow", "green", "cyan", "blue", "purple", "pink")
SHAPES = ("circle", "square", "triangle", "diamond", "star", "cross", "ring", "heart")
MORE = (*KINDS, "relation", "relation", "place")  # some kinds asked more often than others
ROWS, COLUMNS = ("top", "middle", "bottom"), ("left", "middle", "right")
NAMES = re.compile(rf"\b({'|'.join(COLOURS)}|({'|'.join(SHAPES)})(es|s)?)\b")
FORMS = {
    "what colour is the (shape)?": "colour",
    "what shape is the (colour) object?": "shape",
    "where is the (shape)?": "place",
    "is there (colour shape)?": "yes or no",
    "how many objects are there?": "count",
    "how many (shapes) are there?": "count",
    "how many (colour) objects are there?": "count",
    "is the (one) left of the (other)?": "relation",
    "where is the (one) from the (other)?": "relation",
}


def of_a(scene):
    """(shape, colour, row, column) of each object; the numbers grow to the right and downwards."""
    return [(SHAPES[s], COLOURS[c], r, k) for s, c, r, k in zip(*scene, strict=True) if s >= 0]


def relations(objects, one, other):
    """What holds between the two objects so called: there has to be exactly one of each."""
    (a,) = [(r, k) for s, c, r, k in objects if f"{c} {s}" == one]
    (b,) = [(r, k) for s, c, r, k in objects if f"{c} {s}" == other]
    return {"left of": a[1] < b[1], "right of": a[1] > b[1], "above": a[0] < b[0], "below": a[0] > b[0]}


def answers(question, objects):
    """The form of a question, and all answers that a reader of the scene graph could give."""
    found = ()

    def says(pattern):
        nonlocal found
        match = re.fullmatch(pattern, question)
        found = match.groups() if match else ()
        return match

    if says(r"what colour is the (\w+)\?"):
        return "what colour is the (shape)?", [c for s, c, _, _ in objects if s == found[0]]
    if says(r"what shape is the (\w+) object\?"):
        return "what shape is the (colour) object?", [s for s, c, _, _ in objects if c == found[0]]
    if says(r"where is the (\w+)\?"):
        return "where is the (shape)?", [f"{ROWS[r]} {COLUMNS[k]}" for s, _, r, k in objects if s == found[0]]
    if says(r"is there (an (?=orange)|a (?!orange))(\w+) (\w+)\?"):
        there = found[1:] in [(c, s) for s, c, _, _ in objects]
        return "is there (colour shape)?", ["yes" if there else "no"]
    if says(r"is the (\w+ \w+) (left of|right of|above|below) the (\w+ \w+)\?"):
        one, relation, other = found
        return "is the (one) left of the (other)?", ["yes" if relations(objects, one, other)[relation] else "no"]
    if says(r"where is the (\w+ \w+) from the (\w+ \w+)\?"):
        holds = [name.split()[0] for name, value in relations(objects, *found).items() if value]
        return "where is the (one) from the (other)?", [" ".join(holds)]
    assert says(r"how many (\w+)( objects)? are there\?"), question
    if question == "how many objects are there?":
        form, n = question, len(objects)
    elif found[1]:
        form, n = "how many (colour) objects are there?", [c for _, c, _, _ in objects].count(found[0])
        assert found[0] in COLOURS
    else:
        plurals = {"circles": "circle", "squares": "square", "triangles": "triangle", "diamonds": "diamond",
                   "stars": "star", "crosses": "cross", "rings": "ring", "hearts": "heart"}  # fmt: skip
        form, n = "how many (shapes) are there?", [s for s, _, _, _ in objects].count(plurals[found[0]])
    return form, [("none", "one", "two", "three")[n]]


def graphs(scenes):
    columns = (getattr(scenes, name).tolist() for name in ("shape", "colour", "row", "column"))
    return [of_a(scene) for scene in zip(*columns, strict=True)]


@pytest.mark.parametrize("kinds", [KINDS, MORE])
@pytest.mark.parametrize("turn", [0, 1, 2])
def test_every_question_has_exactly_one_right_answer(turn, kinds):
    scenes = sample_scenes(0, "many", np.arange(20_000))
    forms = Counter()
    for objects, question, answer, kind in zip(graphs(scenes), *ask(scenes, turn, kinds), strict=True):
        form, right = answers(question, objects)
        assert right == [answer], question
        assert answer in ANSWERS[kind] or (form.startswith("where is the (one)") and answer), answer
        assert FORMS[form] == kind
        forms[form] += 1
    assert forms.keys() == FORMS.keys()
    assert min(forms.values()) > 200


def test_questions_about_each_split_are_right():
    for split in SPLITS:
        scenes = sample_scenes(1, split, np.arange(500))
        for objects, question, answer in zip(graphs(scenes), *ask(scenes)[:2], strict=True):
            assert answers(question, objects)[1] == [answer]


def guessed(questions, given, text_of):
    """Which answers the blind guess: for each text the one that was the most frequent in the first half."""
    half, seen = len(questions) // 2, defaultdict(Counter)
    for question, answer in zip(questions[:half], given[:half], strict=True):
        seen[text_of(question)][answer] += 1
    best = {text: counter.most_common(1)[0][0] for text, counter in seen.items()}
    often = {text for text, counter in seen.items() if counter.total() >= 100}
    return [
        best[text] == answer if (text := text_of(question)) in often else None
        for question, answer in zip(questions[half:], given[half:], strict=True)
    ]


@pytest.mark.parametrize("text_of", [lambda question: NAMES.sub("*", question), str], ids=["general", "as it is"])
def test_the_blind_stay_at_chance(text_of):
    """As a whole, and in each kind of question."""
    scenes = sample_scenes(0, "many", np.arange(40_000))
    questions, given, kinds = ask(scenes)
    right = guessed(questions, given, text_of)
    rows = [(hit, CHANCE[kind], kind) for hit, kind in zip(right, kinds[20_000:], strict=True) if hit is not None]
    assert len(rows) > 8000
    assert abs(np.mean([hit - chance for hit, chance, _ in rows])) < 0.05
    for kind in KINDS:
        gain = [hit - chance for hit, chance, its_kind in rows if its_kind == kind]
        if len(gain) > 500:
            assert np.mean(gain) < 0.05, kind


def test_no_form_gives_its_answer_away():
    """Of each form with many questions, also the rare "how many circles are there?", the best guess is near chance."""
    questions, given, kinds = ask(sample_scenes(0, "many", np.arange(40_000)))
    forms = [NAMES.sub("*", question) for question in questions]
    right, gains = guessed(questions, given, lambda question: NAMES.sub("*", question)), defaultdict(list)
    for form, hit, kind in zip(forms[20_000:], right, kinds[20_000:], strict=True):
        chance = (1 / 8 if form.startswith("where") else 1 / 2) if kind == "relation" else CHANCE[kind]
        gains[form].append(hit - chance)
    means = {form: np.mean(gain) for form, gain in gains.items() if len(gain) > 300}
    assert {"how many * are there?", "how many * objects are there?", "where is the * * from the * *?"} < means.keys()
    assert max(means.values()) < 0.05, means


def test_yes_is_as_frequent_as_no():
    scenes = sample_scenes(0, "many", np.arange(40_000))
    count = Counter((kind, answer) for _, answer, kind in zip(*ask(scenes), strict=True))
    for kind in ("yes or no", "relation"):
        assert 0.47 < count[kind, "yes"] / (count[kind, "yes"] + count[kind, "no"]) < 0.53


def test_a_scene_gets_the_same_question_in_any_batch_and_another_at_each_turn():
    scenes = sample_scenes(0, "many", np.arange(3000))
    first, order = ask(scenes), np.random.default_rng(0).permutation(3000)
    for part, again in zip(first, ask(scenes[order]), strict=True):
        assert again == [part[i] for i in order]
    second = ask(scenes, 1)[0]
    assert 0.01 < np.mean([a == b for a, b in zip(first[0], second, strict=True)]) < 0.3


def test_kinds_are_asked_as_often_as_they_are_named():
    """What cannot be asked becomes a question of yes or no, and nothing else does."""
    scenes = sample_scenes(0, "many", np.arange(2000))
    for kind in KINDS:
        assert set(ask(scenes, 0, (kind,))[2]) == {kind, "yes or no"}
    three = scenes[scenes.count == 3]
    assert set(ask(three, 0, ("relation",))[2]) == {"relation"}
    share = [ask(three, 0, kinds)[2].count("relation") / len(three) for kinds in (KINDS, MORE)]
    assert np.abs(np.array(share) - [1 / 6, 3 / 9]).max() < 0.04


def test_the_vocabulary_is_what_is_said():
    scenes, said = sample_scenes(0, "many", np.arange(20_000)), set()
    for turn in range(3):
        for text in {*(asked := ask(scenes, turn))[0], *asked[1]}:
            said |= set(re.findall(r"\w+", text))
    assert said == set(question_vocabulary())
    assert question_vocabulary() == tuple(sorted(set(question_vocabulary())))
