"""A scene -> a question with exactly one right answer, such that nobody who has not seen the picture can tell it.

Answers are balanced, as far as the world allows: yes is as frequent as no, one object as two or three, a colour or a
shape as any other; corners are more frequent than the middle. A model without eyes stays within a few points of chance.
What would be ambiguous ("the circle" where there are two) is not asked.
"""

import numpy as np

from .captions import related, with_article
from .grammar import NUMBERS, RELATIONS
from .world import COLOURS, COLUMNS, HELD_OUT, QUESTION, ROWS, SHAPES, Scenes, choose, uniform

KINDS = ("colour", "shape", "count", "place", "relation", "yes or no")
PLACES = tuple(f"{row} {column}" for row in ROWS for column in COLUMNS)
ANSWERS = {"colour": COLOURS, "shape": SHAPES, "count": ("none", *NUMBERS), "place": PLACES,
           "relation": ("yes", "no", *RELATIONS), "yes or no": ("yes", "no")}  # fmt: skip
# Eight sides and corners are the answers to "where is ... from ...?", yes or no to the other half of the relations.
CHANCE = {kind: 1 / len(ANSWERS[kind]) for kind in KINDS} | {"count": 1 / 3, "relation": (1 / 8 + 1 / 2) / 2}
SIDES = ("left", "right", "above", "below")  # the order of RELATIONS
PLURALS = {shape: shape + ("es" if shape.endswith("s") else "s") for shape in SHAPES}
# Of "how many circles are there?", two and three are the rare answers: one and none are asked this often where the
# scene has no repeat, so that all come out alike.
ONE_OR_NONE = 0.16


def question_vocabulary() -> tuple[str, ...]:
    """Every word of questions and answers, sorted."""
    glue = "what colour shape is the object where how many are there objects of from a an".split()  # noqa: SIM905
    answers = {word for kind in KINDS for answer in ANSWERS[kind] for word in answer.split()}
    return tuple(sorted({*glue, *answers, *PLURALS.values()}))


def ask(scenes: Scenes, turn: int = 0, kinds=KINDS) -> tuple[list[str], list[str], list[str]]:
    """Questions, answers, kinds: one question about each scene; the same scene gets the same one at the same turn.

    `kinds` may name a kind several times, to have it asked more often.
    """
    first = QUESTION + 10 * turn
    chosen, focus = choose(scenes.key, first, len(kinds)), choose(scenes.key, first + 1, scenes.count)
    u = uniform(scenes.key[:, None], first + 2 + np.arange(4))
    columns = [scenes.count, scenes.shape, scenes.colour, scenes.row, scenes.column]
    items = zip(
        [kinds[i] for i in chosen], focus.tolist(), u.tolist(), *(column.tolist() for column in columns), strict=True
    )
    asked = [question(*item) for item in items]
    return [q for q, _, _ in asked], [a for _, a, _ in asked], [k for _, _, k in asked]


def question(name: str, i: int, u, n: int, shapes, colours, rows, columns) -> tuple[str, str, str]:
    """The question of one kind about object i; where that would be ambiguous or give itself away, one of yes or no."""
    shape, colour = SHAPES[shapes[i]], COLOURS[colours[i]]
    one_shape, one_colour = shapes.count(shapes[i]) == 1, colours.count(colours[i]) == 1
    if name == "colour" and one_shape:
        return f"what colour is the {shape}?", colour, name
    if name == "shape" and one_colour:
        return f"what shape is the {colour} object?", shape, name
    if name == "place" and one_shape:
        return f"where is the {shape}?", f"{ROWS[rows[i]]} {COLUMNS[columns[i]]}", name
    if name == "relation" and n > 1:
        return *relation(i, (i + 1) % n, u, shapes, colours, rows, columns), name
    if name == "count" and u[0] < 0.5:
        return "how many objects are there?", NUMBERS[n - 1], name
    if name == "count" and (counted := how_many(u, n, shapes[:n], colours[:n])):
        return *counted, name
    return *is_there(u, shapes[i], colours[i], shapes, colours), "yes or no"


def relation(i, j, u, shapes, colours, rows, columns) -> tuple[str, str]:
    """Where one object is from another, or a claim about that, true half the time; a false one changes the side."""
    true = u[0] < 0.5
    holds = related(rows[i], columns[i], rows[j], columns[j])
    fitting = [name for name, value in zip(RELATIONS, holds, strict=True) if value == true]
    one, other = (f"{COLOURS[colours[k]]} {SHAPES[shapes[k]]}" for k in (i, j))
    if u[2] < 0.5:
        sides = [word for word, value in zip(SIDES, holds, strict=True) if value]
        return f"where is the {one} from the {other}?", " ".join(sides)
    return f"is the {one} {fitting[int(u[1] * len(fitting))]} the {other}?", "yes" if true else "no"


def how_many(u, n, shapes, colours) -> tuple[str, str] | None:
    """A number of objects that share a shape or a colour, or None where too many scenes would give the same answer."""
    by_shape = u[1] < 0.5
    values, names = (shapes, SHAPES) if by_shape else (colours, COLOURS)
    repeated = [value for value in values if values.count(value) > 1]
    if repeated:
        value = repeated[0]
    elif u[2] < ONE_OR_NONE:
        value = values[int(u[2] / ONE_OR_NONE * n)]
    elif u[2] < 2 * ONE_OR_NONE:
        absent = [value for value in range(len(names)) if value not in values]
        value = absent[int((u[2] / ONE_OR_NONE - 1) * len(absent))]
    else:
        return None
    counted = PLURALS[names[value]] if by_shape else f"{names[value]} objects"
    return f"how many {counted} are there?", ("none", *NUMBERS)[values.count(value)]


def is_there(u, shape, colour, shapes, colours) -> tuple[str, str]:
    """A claim that is true half the time; a false one has another colour, never one that would be held out."""
    true = u[3] < 0.5
    there = set(zip(shapes, colours, strict=True))
    false = [c for c in range(len(COLOURS)) if (shape, c) not in there and not HELD_OUT[shape, c]]
    said = colour if true else false[int(u[2] * len(false))]
    claimed = with_article(f"{COLOURS[said]} {SHAPES[shape]}")
    return f"is there {claimed}?", "yes" if true else "no"
