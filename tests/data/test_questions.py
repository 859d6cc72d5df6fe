"""Every question has one right answer, and the blind cannot guess it."""

import re
from collections import Counter, defaultdict

import numpy as np
import pytest

from miniclip.data.questions import ANSWERS, CHANCE, FORMS, NAMES, ask, ask_each, question_vocabulary
from miniclip.data.world import HELD_OUT, SPLITS, sample_scenes

COLOURS = ("red", "orange", "yellow", "green", "cyan", "blue", "purple", "pink")
SHAPES = ("circle", "square", "triangle", "diamond", "star", "cross", "ring", "heart")
ROWS, COLUMNS = ("top", "middle", "bottom"), ("left", "middle", "right")
NAMES_IN = re.compile(rf"\b({'|'.join(COLOURS)}|({'|'.join(SHAPES)})(es|s)?)\b")
COUNTS = ("none", "one", "two", "three")
USUAL = {"disc": "circle", "box": "square", "rhombus": "diamond", "plus": "cross", "hoop": "ring", "scarlet": "red",
         "amber": "orange", "golden": "yellow", "emerald": "green", "turquoise": "cyan", "azure": "blue",
         "violet": "purple", "magenta": "pink", "thing": "object", "discs": "circles", "boxes": "squares",
         "rhombuses": "diamonds", "pluses": "crosses", "hoops": "rings", "shapes": "objects",
         "things": "objects"}  # fmt: skip
KNOWN = {form.__name__: form for form in FORMS}


def of_a(scene):
    """(shape, colour, row, column) of each object; the numbers grow to the right and downwards."""
    return [(SHAPES[s], COLOURS[c], r, k) for s, c, r, k in zip(*scene, strict=True) if s >= 0]


def relations(objects, one, other):
    """What holds between the two objects so called: there has to be exactly one of each."""
    (a,) = [(r, k) for s, c, r, k in objects if f"{c} {s}" == one]
    (b,) = [(r, k) for s, c, r, k in objects if f"{c} {s}" == other]
    return {"left of": a[1] < b[1], "right of": a[1] > b[1], "above": a[0] < b[0], "below": a[0] > b[0]}


def in_usual_words(question):
    """The question as it is mostly asked: "what shape" remains, "a red shape" is an object."""
    usual = " ".join(USUAL.get(word, word) for word in question.rstrip("?").split()) + "?"
    usual = re.sub(r"(?<=^what shape is the )(\w+) shape", r"\1 object", usual)
    return re.sub(r"\b(an?) (\w+)", lambda found: ("an " if found[2] == "orange" else "a ") + found[2], usual)


def answers(question, objects):
    """The form of a question, and all answers that a reader of the scene graph could give."""
    question = in_usual_words(question)
    found = ()

    def says(pattern):
        nonlocal found
        match = re.fullmatch(pattern, question)
        found = match.groups() if match else ()
        return match

    def looked_up(form, values):
        return (form, values) if values else ("absent", ["there is none"])

    if says(r"what colour is the (\w+)\?"):
        return looked_up("colour", [c for s, c, _, _ in objects if s == found[0]])
    if says(r"what shape is the (\w+) object\?"):
        return looked_up("shape", [s for s, c, _, _ in objects if c == found[0]])
    if says(r"where is the (\w+)\?"):
        return looked_up("place", [f"{ROWS[r]} {COLUMNS[k]}" for s, _, r, k in objects if s == found[0]])
    if says(r"where is the (\w+) (\w+)\?"):
        return "place", [f"{ROWS[r]} {COLUMNS[k]}" for s, c, r, k in objects if (c, s) == found]
    if says(r"is there (an (?=orange)|a (?!orange))(\w+) (\w+)\?"):
        there = found[1:] in [(c, s) for s, c, _, _ in objects]
        return "existence", ["yes" if there else "no"]
    if says(r"is the (\w+ \w+) (left of|right of|above|below) the (\w+ \w+)\?"):
        one, relation, other = found
        return "relation", ["yes" if relations(objects, one, other)[relation] else "no"]
    if says(r"where is the (\w+ \w+) from the (\w+ \w+)\?"):
        holds = [name.split()[0] for name, value in relations(objects, *found).items() if value]
        return "side", [" ".join(holds)]
    assert says(r"how many (\w+)( objects)? are there\?"), question
    if question == "how many objects are there?":
        form, n = "number", len(objects)
    elif found[1]:
        form, n = "number of colour", [c for _, c, _, _ in objects].count(found[0])
        assert found[0] in COLOURS
    else:
        plurals = {"circles": "circle", "squares": "square", "triangles": "triangle", "diamonds": "diamond",
                   "stars": "star", "crosses": "cross", "rings": "ring", "hearts": "heart"}  # fmt: skip
        form, n = "number of shape", [s for s, _, _, _ in objects].count(plurals[found[0]])
    return form, [COUNTS[n]]


def case(question, form, answer, objects):
    """What the case of a question is: of a claim that something is there, how it is false; else yes, no or a number."""
    if form == "existence" and answer == "no":
        *_, c, s = in_usual_words(question).rstrip("?").split()
        assert not HELD_OUT[SHAPES.index(s), COLOURS.index(c)], "a combination that is held out is never named"
        return {(True, True): "no: crossed", (True, False): "no: another shape", (False, True): "no: another colour",
                (False, False): "no: neither"}[c in [o[1] for o in objects], s in [o[0] for o in objects]]  # fmt: skip
    return answer if form in ("existence", "relation") or form.startswith("number") else ""


def graphs(scenes):
    columns = (getattr(scenes, name).tolist() for name in ("shape", "colour", "row", "column"))
    return [of_a(scene) for scene in zip(*columns, strict=True)]


@pytest.mark.parametrize("turn", [0, 1, 2])
def test_every_question_has_exactly_one_right_answer(turn):
    scenes, cases = sample_scenes(0, "many", np.arange(20_000)), Counter()
    for objects, asked in zip(graphs(scenes), ask(scenes, turn), strict=True):
        form, right = answers(asked.text, objects)
        assert right == [asked.answer], asked
        assert (form, case(asked.text, form, asked.answer, objects)) == (asked.form, asked.case)
        assert asked.answer in ANSWERS[KNOWN[form.replace(" ", "_")]]
        cases[asked.form, asked.case] += 1
    assert {form for form, _ in cases} == {*NAMES.values()}
    assert len(cases) == 5 + 2 + 3 + 4 + 4 + 5  # without case, relation, number, of shape, of colour, existence
    assert min(cases.values()) > 150


def test_questions_about_each_split_are_right():
    for split in SPLITS:
        scenes = sample_scenes(1, split, np.arange(500))
        for objects, asked in zip(graphs(scenes), ask(scenes), strict=True):
            assert answers(asked.text, objects)[1] == [asked.answer]


def test_all_forms_are_asked_equally_often():
    """Except about what is absent: "there is none" is as likely as any one colour, shape or place."""
    scenes = sample_scenes(7, "many", np.arange(40_000))
    asked = Counter(one.form for one in ask(scenes))
    rare = asked.pop("absent")
    assert max(asked.values()) / min(asked.values()) < 1.1
    assert 0.27 < rare / np.mean(list(asked.values())) < 0.35


def test_each_form_is_asked_about_scenes_of_its_own():
    scenes, asked = ask_each(3, "D", 30)
    assert Counter(one.form for one in asked) == dict.fromkeys(NAMES.values(), 30)
    assert len({*scenes.key.tolist()}) == len(asked) == 300
    for objects, one in zip(graphs(scenes), asked, strict=True):
        form, right = answers(one.text, objects)
        assert (form, right) == (one.form, [one.answer])
    fewer, first = ask_each(3, "D", 10)
    assert [one for k in range(10) for one in asked[30 * k : 30 * k + 10]] == first
    assert len(fewer) == 100


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


def test_the_blind_stay_at_chance():
    """Of every text with many questions the best guess is near chance, whichever names stand in it."""
    asked = ask(sample_scenes(0, "many", np.arange(40_000)))
    texts, given = [in_usual_words(one.text) for one in asked], [one.answer for one in asked]
    chances = [1 / len(ANSWERS[KNOWN[one.form.replace(" ", "_")]]) for one in asked[20_000:]]
    for text_of in (lambda question: NAMES_IN.sub("*", question), str):
        gains = defaultdict(list)
        for text, hit, chance in zip(texts[20_000:], guessed(texts, given, text_of), chances, strict=True):
            if hit is not None:
                gains[NAMES_IN.sub("*", text)].append(hit - chance)
        means = {form: np.mean(gain) for form, gain in gains.items() if len(gain) > 300}
        assert len(means) >= (9 if text_of is not str else 5), means
        assert max(means.values()) < 0.08, means
        assert abs(np.mean([gain for form in gains.values() for gain in form])) < 0.05


def test_yes_is_as_frequent_as_no():
    count = Counter((one.form, one.answer) for one in ask(sample_scenes(0, "many", np.arange(40_000))))
    for form in ("existence", "relation"):
        assert 0.47 < count[form, "yes"] / (count[form, "yes"] + count[form, "no"]) < 0.53


def test_a_scene_gets_the_same_question_in_any_batch_and_another_at_each_turn():
    scenes = sample_scenes(0, "many", np.arange(3000))
    first, order = ask(scenes), np.random.default_rng(0).permutation(3000)
    assert ask(scenes[order]) == [first[i] for i in order]
    second = ask(scenes, 1)
    assert 0.01 < np.mean([a.text == b.text for a, b in zip(first, second, strict=True)]) < 0.3


def test_chance_is_a_guess_among_the_answers():
    assert CHANCE.keys() == {*NAMES.values()}
    assert (CHANCE["colour"], CHANCE["absent"], CHANCE["place"]) == (1 / 9, 1 / 9, 1 / 10)
    assert (CHANCE["side"], CHANCE["relation"], CHANCE["number of shape"]) == (1 / 8, 1 / 2, 1 / 4)


def test_there_is_something_to_count():
    """Of "how many circles are there?" no answer is rare, in scenes of two and of three as well."""
    scenes, asked = ask_each(0, "many", 1000)
    for form in ("number of shape", "number of colour"):
        given = Counter((int(n), one.answer) for n, one in zip(scenes.count, asked, strict=True) if one.form == form)
        assert sum(many for (_, answer), many in given.items() if answer == "three") > 90
        assert given[3, "two"] > 60
        assert given[3, "one"] > 20


def test_the_vocabulary_is_what_is_said():
    scenes, said = sample_scenes(0, "many", np.arange(20_000)), set()
    for turn in range(3):
        for text in {text for one in ask(scenes, turn) for text in (one.text, one.answer)}:
            said |= set(re.findall(r"\w+", text))
    assert said == set(question_vocabulary())
    assert question_vocabulary() == tuple(sorted(set(question_vocabulary())))


def test_a_question_now_and_then_has_another_word_and_its_article_fits():
    """One word of seven where there is another; "an orange circle" becomes "an amber disc", "a green" "an emerald"."""
    asked = ask(sample_scenes(0, "many", np.arange(20_000)))
    other = {one: usual for one, usual in USUAL.items() if one not in ("thing", "things", "shapes")}
    counts = Counter(word for one in asked for word in one.text.rstrip("?").split())
    for word, usual in other.items():
        assert 0.1 < counts[word] / (counts[word] + counts[usual]) < 0.2, word
    articles = {(a, word) for one in asked for a, word in re.findall(r"\b(an?) (\w+)", one.text)}
    assert all((a == "an") == (word[0] in "aeio") for a, word in articles)
    assert {("an", "amber"), ("an", "emerald"), ("a", "turquoise"), ("a", "scarlet")} <= articles
    assert {one.answer for one in asked if one.form == "colour"} == {*COLOURS}
