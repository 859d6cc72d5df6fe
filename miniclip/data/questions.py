"""A scene -> a question with exactly one right answer, such that nobody who has not seen the picture can tell it.

Ten forms are asked equally often, and answers are balanced, as far as the world allows: yes is as frequent as no, one
object as two or three, a colour or a shape as any other, "there is none" as any one colour; corners are more frequent
than the middle. A model without eyes stays within a few points of chance. What would be ambiguous ("the circle" where
there are two) is not asked. A question has now and then a synonym, as captions have; an answer never.
"""

from collections.abc import Callable
from itertools import islice
from typing import NamedTuple

import numpy as np

from .captions import related, usual_or_other, with_article
from .grammar import NUMBERS, RELATIONS, WORDS
from .world import COLOURS, COLUMNS, HELD_OUT, QUESTION, ROWS, SHAPES, Scenes, sample_scenes, uniform

COUNTS, NONE = ("none", *NUMBERS), "there is none"
PLACES = tuple(f"{row} {column}" for row in ROWS for column in COLUMNS)
SIDES = ("left", "right", "above", "below")  # the order of RELATIONS
DIRECTIONS = (*SIDES, *(f"{side} {height}" for side in SIDES[:2] for height in SIDES[2:]))
SEEN = np.argwhere(~HELD_OUT).tolist()  # the combinations that are not held out: shape and colour
CROSSED = "no: crossed"  # the shape of one object and the colour of another
PLURALS = {word: word + ("es" if word[-1] in "sx" else "s") for shape in SHAPES for word in WORDS[shape]}
# What a word of a question can be exchanged for, the usual one first.
SAID_AS = {name: WORDS[name] for name in (*COLOURS, *SHAPES)}
SAID_AS |= {PLURALS[shape]: tuple(PLURALS[word] for word in WORDS[shape]) for shape in SHAPES}
SAID_AS |= {f"object{s}": tuple(noun + s for noun in ("object", "shape", "thing")) for s in ("", "s")}
# Rare answers are asked for where they can be given: a scene of which nothing is alike is mostly not asked how many
# circles there are, one with two is asked just that every other time, and one with three always; a lonely object is
# not always counted.
ASKED_WITHOUT, ASKED_TWO, ASKED_ALONE = 0.3, 0.5, 0.7


class Thing(NamedTuple):
    """An object, its attributes as numbers."""

    shape: int
    colour: int
    row: int
    column: int

    @property
    def name(self) -> str:
        return f"{COLOURS[self.colour]} {SHAPES[self.shape]}"


class Question(NamedTuple):
    """A question, its answer, its form, and the case: the answer, where there are few; how a claim is false; or ""."""

    text: str
    answer: str
    form: str
    case: str


Asked = tuple[str, str, str]  # a question's text, answer and case


def colour(things: list[Thing], i: int, u) -> Asked | None:
    """what colour is the circle?"""
    if not alone(things, i, "shape"):
        return None
    return f"what colour is the {SHAPES[things[i].shape]}?", COLOURS[things[i].colour], ""


def shape(things: list[Thing], i: int, u) -> Asked | None:
    """what shape is the red object?"""
    if not alone(things, i, "colour"):
        return None
    return f"what shape is the {COLOURS[things[i].colour]} object?", SHAPES[things[i].shape], ""


def place(things: list[Thing], i: int, u) -> Asked:
    """where is the circle? Or, of several circles always: where is the red circle?"""
    name = SHAPES[things[i].shape] if alone(things, i, "shape") and u[0] < 0.5 else things[i].name
    return f"where is the {name}?", f"{ROWS[things[i].row]} {COLUMNS[things[i].column]}", ""


def absent(things: list[Thing], i: int, u) -> Asked:
    """One of these three about what is not there; "where" half as often, as only half of those name a shape alone."""
    hue = COLOURS[one_of(u[1], others([one.colour for one in things], COLOURS))]
    outline = SHAPES[one_of(u[1], others([one.shape for one in things], SHAPES))]
    twice = (f"what colour is the {outline}?", f"what shape is the {hue} object?")
    return one_of(u[0], (*twice, *twice, f"where is the {outline}?")), NONE, ""


def side(things: list[Thing], i: int, u) -> Asked | None:
    """where is the red circle from the blue star?"""
    if len(things) == 1:
        return None
    one, other = things[i], things[(i + 1) % len(things)]
    sides = " ".join(chosen(SIDES, holding(one, other)))
    return f"where is the {one.name} from the {other.name}?", sides, ""


def relation(things: list[Thing], i: int, u) -> Asked | None:
    """is the red circle left of the blue star? True half the time; where it is false, another side is right."""
    if len(things) == 1:
        return None
    one, other, truth = things[i], things[(i + 1) % len(things)], "yes" if u[0] < 0.5 else "no"
    said = one_of(u[1], chosen(RELATIONS, [holds == (truth == "yes") for holds in holding(one, other)]))
    return f"is the {one.name} {said} the {other.name}?", truth, truth


def number(things: list[Thing], i: int, u) -> Asked | None:
    """how many objects are there?"""
    if len(things) == 1 and u[3] >= ASKED_ALONE:
        return None
    return "how many objects are there?", COUNTS[len(things)], COUNTS[len(things)]


def number_of_shape(things: list[Thing], i: int, u) -> Asked | None:
    """how many circles are there?"""
    return how_many([one.shape for one in things], [PLURALS[shape] for shape in SHAPES], u)


def number_of_colour(things: list[Thing], i: int, u) -> Asked | None:
    """how many red objects are there?"""
    return how_many([one.colour for one in things], [f"{name} objects" for name in COLOURS], u)


def existence(things: list[Thing], i: int, u) -> Asked:
    """is there a red circle? True half the time; a claim is false in one of four ways, never with what is held out."""
    if u[0] < 0.5:
        return f"is there {with_article(things[i].name)}?", "yes", "yes"
    shapes, colours = ({values[k] for values in things} for k in range(2))
    false: dict[str, list[Thing]] = {}
    for s, c in SEEN:
        if all((s, c) != one[:2] for one in things):
            way = {(True, False): "no: another colour", (False, True): "no: another shape",
                   (True, True): CROSSED, (False, False): "no: neither"}[s in shapes, c in colours]  # fmt: skip
            false.setdefault(way, []).append(Thing(s, c, 0, 0))
    way = CROSSED if CROSSED in false and u[3] < 0.8 else one_of(u[1], sorted(false))
    return f"is there {with_article(one_of(u[2], false[way]).name)}?", "no", way


def how_many(values: list[int], names: list[str], u) -> Asked | None:
    """How many have a value: mostly one that several have, else one that one or none has."""
    repeated = [value for value in values if values.count(value) > 1]
    if not repeated and u[3] >= ASKED_WITHOUT:
        return None
    if repeated and (len(repeated) == 3 or u[0] < ASKED_TWO):
        value = repeated[0]
    elif u[1] < 0.5:
        value = one_of(u[2], [value for value in values if values.count(value) == 1] or values)
    else:
        value = one_of(u[2], others(values, names))
    count = COUNTS[values.count(value)]
    return f"how many {names[value]} are there?", count, count


def one_of(u: float, items):
    """One of some items, by a number in [0, 1)."""
    return items[int(u * len(items))]


def chosen(items, which) -> list:
    """Those items of which it is true."""
    return [item for item, true in zip(items, which, strict=True) if true]


def holding(one: Thing, other: Thing) -> tuple:
    """Which of RELATIONS hold between two objects."""
    return related(one.row, one.column, other.row, other.column)


def alone(things: list[Thing], i: int, attribute: str) -> bool:
    """Has no other object the shape, or the colour, of object i?"""
    return sum(getattr(one, attribute) == getattr(things[i], attribute) for one in things) == 1


def others(values: list[int], names) -> list[int]:
    """The numbers of all names but some."""
    return [value for value in range(len(names)) if value not in values]


# How often each is tried: such that of 30,000 scenes of the split "many" all are asked equally often to 1 %, and
# "absent" as often as makes "there is none" no likelier an answer than any colour, shape or place.
FORMS: dict[Callable, float] = {
    colour: 1.0, shape: 0.96, place: 0.79, side: 1.51, relation: 1.56, number: 1.0, number_of_shape: 2.24,
    number_of_colour: 2.28, existence: 0.79, absent: 0.25,
}  # fmt: skip
NAMES = {form: form.__name__.replace("_", " ") for form in FORMS}
ANSWERS = {
    colour: (*COLOURS, NONE), shape: (*SHAPES, NONE), place: (*PLACES, NONE), absent: (*COLOURS, NONE),
    side: DIRECTIONS, relation: ("yes", "no"), existence: ("yes", "no"),
    number: NUMBERS, number_of_shape: COUNTS, number_of_colour: COUNTS,
}  # fmt: skip
CHANCE = {NAMES[form]: 1 / len(ANSWERS[form]) for form in FORMS}


def question_vocabulary() -> tuple[str, ...]:
    """Every word of questions and answers, sorted."""
    glue = "what colour shape is the object where how many are there objects of from a an".split()  # noqa: SIM905
    answers = {word for given in ANSWERS.values() for answer in given for word in answer.split()}
    return tuple(sorted({*glue, *answers, *(word for words in SAID_AS.values() for word in words)}))


def ask(scenes: Scenes, turn: int = 0, forms=FORMS) -> list[Question]:
    """One question about each scene; the same scene gets the same one at the same turn.

    The forms are tried in a random order, those of large weight first: the smallest of -ln(u) / weight wins. Source:
    Efraimidis, Spirakis 2006, doi:10.1016/j.ipl.2005.11.003.
    """
    first, names = QUESTION + 20 * turn, list(forms)
    u = uniform(scenes.key[:, None], first + np.arange(20))
    weights = np.array([forms[form] for form in forms])
    order = (-np.log1p(-u[:, : len(names)]) / weights).argsort(1).tolist()
    focus = (u[:, 10] * scenes.count).astype(int).tolist()
    return [
        next(found for k in ranks if (found := question(names[k], things, i, v)))
        for ranks, things, i, v in zip(order, things_of(scenes), focus, u[:, 11:].tolist(), strict=True)
    ]


def ask_each(seed: int, split: str, n: int) -> tuple[Scenes, list[Question]]:
    """n questions of each form, all about different scenes: the first of a split that allow them."""
    scenes = sample_scenes(seed, split, np.arange((4 * n + 40) * len(FORMS)))
    u = uniform(scenes.key[:, None], QUESTION + len(FORMS) + np.arange(10))
    focus, things = (u[:, 0] * scenes.count).astype(int).tolist(), things_of(scenes)
    rows: list[int] = []
    asked: list[Question] = []
    for k, form in enumerate(FORMS):
        mine = range(k, len(scenes), len(FORMS))
        tried = ((row, question(form, things[row], focus[row], u[row, 1:].tolist())) for row in mine)
        found = list(islice(((row, one) for row, one in tried if one), n))
        rows += [row for row, _ in found]
        asked += [one for _, one in found]
    return scenes[np.array(rows)], asked


def question(form, things: list[Thing], i: int, u) -> Question | None:
    """The question of one form about object i; None where it would be ambiguous or give itself away.

    u: nine numbers, four that decide what is asked, and five for the words.
    """
    if asked := form(things, i, u):
        text, answer, case = asked
        return Question(in_other_words(text, u[4:]), answer, NAMES[form], case)
    return None


def in_other_words(text: str, u) -> str:
    """The same question, its names and nouns as usual or now and then a synonym; u: a number for each of them.

    >>> in_other_words("is there a green circle?", [0.9, 0.9])
    'is there an emerald disc?'
    """
    words = text.removesuffix("?").split()
    numbers = iter(u)
    for i, word in enumerate(words):
        if word in SAID_AS:
            words[i] = usual_or_other(SAID_AS[word], next(numbers))
            if words[i - 1] in ("a", "an"):
                words[i - 1] = with_article(words[i]).split()[0]
    return " ".join(words) + "?"


def things_of(scenes: Scenes) -> list[list[Thing]]:
    """The objects of each scene."""
    columns = np.stack([scenes.shape, scenes.colour, scenes.row, scenes.column], axis=2).tolist()
    return [[Thing(*one) for one in objects[:n]] for objects, n in zip(columns, scenes.count.tolist(), strict=True)]
