"""A scene -> notes: what a language model reads instead of a picture.

Shorthand has a word for every kind of object at every place, so that one vector can stand for an object. Its words say
nothing by themselves: what is in "redsquaretopleft" is learned from what is said after it.
"""

from itertools import product

import numpy as np

from .world import COLOURS, COLUMNS, MAX_OBJECTS, NOTES, ROWS, SHAPES, Scenes, uniform

SHORTHAND = tuple("".join(words) for words in product(COLOURS, SHAPES, ROWS, COLUMNS))


def noted(scenes: Scenes) -> list[list[tuple[str, str, str, str]]]:
    """Colour, shape, row and column of every object, as one reads a page."""
    columns = (getattr(scenes, name).tolist() for name in ("count", "row", "column", "colour", "shape"))
    return [
        [(COLOURS[c], SHAPES[s], ROWS[r], COLUMNS[k]) for r, k, c, s in sorted(list(zip(*objects, strict=True))[:n])]
        for n, *objects in zip(*columns, strict=True)
    ]


def take_notes(scenes: Scenes) -> list[str]:
    """Every object in one word of shorthand: what a language model reads instead of a picture.

    >>> from .world import sample_scenes
    >>> take_notes(sample_scenes(0, "C", [0]))
    ['redsquaretopleft orangeheartbottomleft']
    """
    return [" ".join("".join(one) for one in objects) for objects in noted(scenes)]


def retell(scenes: Scenes) -> list[str]:
    """The notes in words, the objects in any order, by colour or by shape.

    >>> from .world import sample_scenes
    >>> retell(sample_scenes(0, "C", [0]))
    ['red square top left and orange heart bottom left']
    """
    u = uniform(scenes.key[:, None], NOTES + np.arange(2 * MAX_OBJECTS))
    texts = []
    for objects, row in zip(noted(scenes), u.tolist(), strict=True):
        told = []
        for (c, s, r, k), turn, by_colour in zip(objects, row, row[MAX_OBJECTS:], strict=False):
            told.append((turn, f"{c} {s} {r} {k}" if by_colour < 0.5 else f"{s} {c} {r} {k}"))
        texts.append(" and ".join(text for _, text in sorted(told)))
    return texts
