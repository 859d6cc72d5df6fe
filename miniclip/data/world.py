"""A world of coloured shapes: scene graphs, and their pictures.

A scene has a style and one to three objects, each with a shape, a colour, a size and a place on a 3 x 3 grid. Item i of
a split is a pure function of (seed, split, i), whatever the batch: every random choice is a hash of that triple and of
the choice's own number, so nothing has a state, and all items are drawn at once.
"""

from dataclasses import dataclass, fields
from itertools import combinations, product

import numpy as np

from ..errors import InputError, quote

# A new shape or colour also needs how it looks (`drawing.py`: distances, PALETTE) and its words (`grammar.py`: WORDS).
SHAPES = ("circle", "square", "triangle", "diamond", "star", "cross", "ring", "heart")
COLOURS = ("red", "orange", "yellow", "green", "cyan", "blue", "purple", "pink")
SIZES = ("small", "large")
ROWS = ("top", "middle", "bottom")
COLUMNS = ("left", "middle", "right")
STYLES = ("photo", "sketch", "painting", "scan")
IMAGE_SIZE = 32
MAX_OBJECTS = 3

# train and A: one object of a seen combination; B: one object of a held-out combination; C: two objects that share
# neither shape nor colour; many: one to three objects, of which some are alike, for whatever has to count and to
# relate; D: others of these, to test on; E: two objects whose colours can change places, with as many held-out
# combinations after as before.
SPLITS = ("train", "A", "B", "C", "many", "D", "E")
NUMBER_OF_OBJECTS = {"train": 1, "A": 1, "B": 1, "C": 2, "E": 2}  # in the others one to three

# A fifth of the colour-shape combinations, 13 of 64, never occurs in training; every shape and every colour does, in
# six or seven of its eight.
HELD_OUT = np.add.outer(np.arange(len(SHAPES)), 2 * np.arange(len(COLOURS))) % 5 == 2


def exchangeable() -> np.ndarray:
    """(N, 2, 2): shape and colour of two objects that share neither, in every way that split E allows.

    Whoever hears "a red circle and a blue star" and "a blue circle and a red star", and knows what is held out, still
    cannot tell which of the two was drawn: the exchange leads from each way to another one, and all are as frequent.
    """
    ways = np.indices((len(SHAPES), len(COLOURS)) * 2).reshape(4, -1).T.reshape(-1, 2, 2)
    (s, c), (t, d) = ways.transpose(1, 2, 0)
    alike = HELD_OUT[s, c].astype(int) + HELD_OUT[t, d] == HELD_OUT[s, d].astype(int) + HELD_OUT[t, c]
    return ways[(s != t) & (c != d) & alike]


def placements() -> tuple[np.ndarray, np.ndarray]:
    """All ways to put one, two, three objects on the grid, in order, with a free cell between any two.

    (3, most, 3): cell numbers 0 to 8 by number of objects, the rest 0; and (3,): how many ways there are.
    """
    ways = [
        [cells + (0,) * (MAX_OBJECTS - n) for cells in product(range(9), repeat=n)
         if all(max(abs(a // 3 - b // 3), abs(a % 3 - b % 3)) >= 2 for a, b in combinations(cells, 2))]
        for n in range(1, MAX_OBJECTS + 1)
    ]  # fmt: skip
    most = max(map(len, ways))
    return np.array([way + way[:1] * (most - len(way)) for way in ways]), np.array([len(way) for way in ways])


PLACEMENTS, PLACES = placements()
EXCHANGEABLE = exchangeable()


@dataclass(frozen=True)
class Scenes:
    """B scene graphs, an array for each attribute; -1 where a scene has no second or third object."""

    key: np.ndarray  # (B,) uint64, the item's own number, from which every later choice is hashed
    style: np.ndarray  # (B,) index into STYLES
    count: np.ndarray  # (B,) 1 to 3
    shape: np.ndarray  # (B, 3) index into SHAPES
    colour: np.ndarray  # (B, 3) index into COLOURS
    size: np.ndarray  # (B, 3) index into SIZES
    row: np.ndarray  # (B, 3) index into ROWS
    column: np.ndarray  # (B, 3) index into COLUMNS

    def __len__(self) -> int:
        return len(self.key)

    def __getitem__(self, index) -> "Scenes":
        return Scenes(*(getattr(self, field.name)[index] for field in fields(self)))


def join(some: Scenes, others: Scenes) -> Scenes:
    """Some scenes, then others."""
    return Scenes(
        *(np.concatenate([getattr(some, field.name), getattr(others, field.name)]) for field in fields(Scenes))
    )


def mix(x: np.ndarray) -> np.ndarray:
    """A one-to-one scrambling of 64-bit numbers: every bit of x moves every bit of the result.

    Source: the finaliser of SplitMix64, Steele, Lea, Flood 2014, doi:10.1145/2660193.2660195.
    """
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def uniform(key, stream) -> np.ndarray:
    """A number in [0, 1) for each key and stream, as if drawn at random; the arrays broadcast."""
    streams = np.asarray(stream, np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    return (mix(np.asarray(key, np.uint64) + streams) >> np.uint64(11)) * 2.0**-53


def choose(key, stream, n) -> np.ndarray:
    """A whole number in [0, n) for each key."""
    return (uniform(key, stream) * n).astype(np.int64)


# The numbers of the choices. Captions, questions, descriptions and notes go on from theirs.
STYLE, COUNT, SIZE, ALIKE, COMBINATION, CELL, DRAWING = 1, 2, 3, 20, 100, 200, 300
CAPTION, QUESTION, DESCRIPTION, NOTES = 400, 500, 600, 640


def item_keys(seed: int, split: str, indices) -> np.ndarray:
    """(B,) uint64: the items' own numbers."""
    if split not in SPLITS:
        raise InputError(f"the split is {quote(split)}, expected one of {', '.join(SPLITS)}")
    root = mix(np.array([seed], np.uint64) + np.uint64(1))
    branch = mix(root + np.uint64(SPLITS.index(split) + 1))
    return mix(branch + np.asarray(indices, np.int64).astype(np.uint64))


def sample_scenes(seed: int, split: str, indices) -> Scenes:
    """The scene graphs of some items of a split.

    Parameters
    ----------
    seed : int, at least 0
    split : "train", "A", "B", "C", "many", "D" or "E"
    indices : int array (B,)
        Any numbers, in any order; the same number is always the same scene.
    """
    key = item_keys(seed, split, indices)
    count = NUMBER_OF_OBJECTS.get(split) or 1 + choose(key, COUNT, MAX_OBJECTS)
    count = np.broadcast_to(count, len(key))
    cell = PLACEMENTS[count - 1, choose(key, CELL, PLACES[count - 1])]
    size = choose(key[:, None], SIZE + np.arange(MAX_OBJECTS), len(SIZES))
    shape, colour = combinations_of(key, split).transpose(2, 0, 1)
    absent = np.arange(MAX_OBJECTS) >= count[:, None]
    objects = (np.where(absent, -1, attribute) for attribute in (shape, colour, size, cell // 3, cell % 3))
    return Scenes(key, choose(key, STYLE, len(STYLES)), count, *objects)


def combinations_of(key, split: str) -> np.ndarray:
    """(B, 3, 2): shape and colour of three objects for each item, whether it has so many or not."""
    if split == "E":
        two = EXCHANGEABLE[choose(key, COMBINATION, len(EXCHANGEABLE))]
        return np.concatenate([two, two[:, :1]], axis=1)
    kinds = np.argwhere(HELD_OUT if split == "B" else ~HELD_OUT)  # (shape, colour)
    order = uniform(key[:, None], COMBINATION + np.arange(len(kinds))).argsort(1)
    if split == "C":
        order = second_differs(order, kinds)
    if split in ("many", "D"):
        order = some_alike(key, order, kinds)
    return kinds[order[:, :MAX_OBJECTS]]


def second_differs(order, kinds) -> np.ndarray:
    """Bring forward, to the second place, the first combination of another shape and another colour."""
    ranked = kinds[order]  # (B, kinds, 2)
    differs = (ranked != ranked[:, :1]).all(2)
    return np.stack([order[:, 0], order[np.arange(len(order)), differs.argmax(1)], order[:, 0]], axis=1)


def some_alike(key, order, kinds) -> np.ndarray:
    """In six scenes of ten, bring forward to the second place, and in two of three of these to the third, a
    combination of the first's shape, or of its colour: else two circles would be rare, and three hardly ever seen.
    """
    u = uniform(key[:, None], ALIKE + np.arange(2))
    alike = kinds[order] == kinds[order[:, :1]]  # (B, kinds, 2): in shape, in colour
    alike = np.where(u[:, :1] < 0.6, np.where(u[:, :1] < 0.3, alike[..., 0], alike[..., 1]), True)
    forward = np.take_along_axis(order, (~alike).argsort(1, kind="stable"), 1)
    third = np.where(u[:, 1] < 2 / 3, forward[:, 2], forward[:, -1])
    return np.stack([forward[:, 0], forward[:, 1], third], axis=1)
