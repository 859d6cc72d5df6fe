"""A scene -> a question with exactly one right answer."""

import numpy as np

from .captions import related, with_article
from .grammar import NUMBERS
from .world import COLOURS, COLUMNS, QUESTION, ROWS, SHAPES, Scenes, choose, uniform

SIDES = ("left of", "right of", "above", "below")


def ask(scenes: Scenes) -> tuple[list[str], list[str]]:
    """One question about each scene, and its answer; the same scene always gets the same one.

    Five kinds: colour, shape, number, place, yes or no. A question about "the" circle is asked only where there is
    exactly one circle; yes and no are equally often right.
    """
    kinds, focus = choose(scenes.key, QUESTION, 5), choose(scenes.key, QUESTION + 1, scenes.count)
    u = uniform(scenes.key[:, None], QUESTION + 2 + np.arange(3))
    pairs = [question(int(kind), scenes, b, int(i), u[b]) for b, (kind, i) in enumerate(zip(kinds, focus, strict=True))]
    return [asked for asked, _ in pairs], [answer for _, answer in pairs]


def question(kind: int, scenes: Scenes, b: int, i: int, u) -> tuple[str, str]:
    """The question of one kind about object i of scene b; what is ambiguous becomes a question of number."""
    shapes, colours = scenes.shape[b].tolist(), scenes.colour[b].tolist()
    shape, colour, n = SHAPES[shapes[i]], COLOURS[colours[i]], int(scenes.count[b])
    one_shape, one_colour = shapes.count(shapes[i]) == 1, colours.count(colours[i]) == 1
    if kind == 0 and one_shape:
        return f"what colour is the {shape}?", colour
    if kind == 1 and one_colour:
        return f"what shape is the {colour} object?", shape
    if kind == 3 and one_shape:
        return f"where is the {shape}?", f"{ROWS[scenes.row[b, i]]} {COLUMNS[scenes.column[b, i]]}"
    if kind == 4:
        return yes_or_no(scenes, b, i, n, u)
    return "how many objects are there?", NUMBERS[n - 1]


def yes_or_no(scenes: Scenes, b: int, i: int, n: int, u) -> tuple[str, str]:
    """A claim that is true half the time; a false one changes a single word of a true one."""
    shape, colour = int(scenes.shape[b, i]), int(scenes.colour[b, i])
    true = u[0] < 0.5
    if n > 1 and u[1] < 0.5:
        j = (i + 1) % n
        places = [scenes.row[b, i], scenes.column[b, i], scenes.row[b, j], scenes.column[b, j]]
        fitting = [side for side, holds in zip(SIDES, related(*places), strict=True) if bool(holds) == true]
        other = f"{COLOURS[scenes.colour[b, j]]} {SHAPES[scenes.shape[b, j]]}"
        side = fitting[int(u[2] * len(fitting))]
        return f"is the {COLOURS[colour]} {SHAPES[shape]} {side} the {other}?", "yes" if true else "no"
    there = set(zip(scenes.shape[b].tolist(), scenes.colour[b].tolist(), strict=True))
    false = [c for c in range(len(COLOURS)) if (shape, c) not in there]
    said = colour if true else false[int(u[2] * len(false))]
    claimed = with_article(f"{COLOURS[said]} {SHAPES[shape]}")
    return f"is there {claimed}?", "yes" if true else "no"
