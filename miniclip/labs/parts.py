"""A world of shapes that have parts: round, straight or pointed, so many corners, a hole or none.

Some of them are never drawn in training and their names never said; what their parts are called is.
"""

from dataclasses import replace

import numpy as np

from ..data.captions import synonym, with_article
from ..data.drawing import distances
from ..data.grammar import NOUNS, WORDS, vocabulary
from ..data.pairs import normalized_images
from ..data.tokenizer import Tokenizer
from ..data.world import COLOURS, SHAPES, SIZES, Scenes, choose, sample_scenes, uniform
from ..train.sources import World

# Outline, how its sides are, how many corners it has; its name, and its name where it has a hole.
OUTLINES = (
    ("circle", "round", "no", "disc", "ring"),
    ("drop", "round", "one", "drop", "loop"),
    ("lens", "round", "two", "leaf", "blim"),
    ("half circle", "round", "two", "dome", "quax"),
    ("triangle", "straight", "three", "triangle", "warning"),
    ("square", "straight", "four", "square", "zorp"),
    ("diamond", "straight", "four", "diamond", "murk"),
    ("star of three", "pointed", "three", "fan", "frob"),
    ("star of four", "pointed", "four", "plim", "buckle"),
    ("star of five", "pointed", "five", "star", "rosette"),
)
NAMES = [name for *_, whole, hollow in OUTLINES for name in (whole, hollow)]
PARTS = [(sides, corners, hole) for _, sides, corners, *_ in OUTLINES for hole in ("no", "a")]
UNSEEN = ("zorp", "blim", "frob", "plim")  # no shape that is seen has the parts of one of these
TWINS = {"zorp": "murk", "blim": "quax"}  # unseen too, and of the same parts
SEEN = [name for name in NAMES if name not in (*UNSEEN, *TWINS.values())]
GLUE = ("a", "an", "with", "and", "hole", "corner", "corners")
SAID_WORDS = {*NOUNS, *SEEN, *GLUE, *(word for colour in COLOURS for word in WORDS[colour]), *np.ravel(PARTS).tolist()}
UNSAID = sorted({*vocabulary(), *NAMES} - SAID_WORDS)  # known words that no text has: names that mean nothing
WALL = 0.22  # of a shape with a hole, in radii
SAYS_NAME, SAYS_PART, SAYS_COLOUR = 0.3, 0.85, 0.5
SHAPE, SAID = 800, 810  # the numbers of the choices, as in `data.world`


def distances_of_parts(u, v) -> np.ndarray:
    """Signed distance to each of NAMES of radius 1 at (u, v), v downwards: (20, ...)."""
    a, rho = np.abs(u), np.hypot(u, v)
    known = dict(zip(SHAPES, distances(u, v), strict=True))
    drop = np.minimum(np.hypot(u, v - 0.3) - 0.65, np.maximum(0.866 * a - 0.5 * (v + 1.0), v))
    lens = np.hypot(a + 0.45, v) - 1.097
    half = np.maximum(np.hypot(u, v - 0.45) - 1.0, v - 0.45)
    outlines = [known["circle"], drop, lens, half, known["triangle"], known["square"], known["diamond"],
                star(3, u, v, rho), star(4, u, v, rho), known["star"]]  # fmt: skip
    return np.stack([one for whole in outlines for one in (whole, np.maximum(whole, -WALL - whole))])


def star(points: int, u, v, rho) -> np.ndarray:
    """Signed distance to a star, whose first tip is above."""
    turn = 2 * np.pi / points
    angle = np.abs((np.arctan2(u, -v) + turn / 2) % turn - turn / 2)
    return 0.384 * (rho * np.cos(angle) - 1.1) + 0.923 * rho * np.sin(angle)


class Parts(World):
    """Pairs of the shapes that are seen: three texts of ten name them, the others say what parts they have."""

    def __init__(self, seed: int):
        super().__init__(seed)
        self.tokenizer = Tokenizer(sorted({*SAID_WORDS, *UNSAID}))

    def pairs(self, numbers):
        scenes = self.scenes(numbers)
        texts = self.write(scenes)
        return pictures_of_parts(scenes), self.tokenizer.encode(texts), texts

    def scenes(self, numbers) -> Scenes:
        return scenes_of(self.seed, "train", numbers, SEEN)

    def write(self, scenes: Scenes) -> list[str]:
        u = uniform(scenes.key[:, None], SAID + np.arange(8)).tolist()
        shapes, colours = scenes.shape[:, 0].tolist(), scenes.colour[:, 0].tolist()
        return [said_of_parts(*item) for item in zip(u, shapes, colours, strict=True)]


def scenes_of(seed: int, split: str, numbers, names) -> Scenes:
    """One large object each, whose shape is any of those with these names."""
    scenes = sample_scenes(seed, split, numbers)
    kinds = np.array([NAMES.index(name) for name in names])
    shape = np.where(scenes.shape < 0, -1, kinds[choose(scenes.key, SHAPE, len(kinds))][:, None])
    return replace(scenes, shape=shape, size=np.full_like(scenes.size, SIZES.index("large")))


def pictures_of_parts(scenes: Scenes) -> np.ndarray:
    """(B, Y, X, C), normalised."""
    return normalized_images(scenes, distances_of_parts)


def said_of_parts(u, shape: int, colour: int) -> str:
    """a red star; or, of the same, some of: a pointed red shape with five corners and no hole"""
    sides, corners, hole = PARTS[shape]
    hue = [synonym(COLOURS[colour], u[1])] if u[0] < SAYS_COLOUR else []
    if u[2] < SAYS_NAME:
        return with_article(" ".join([*hue, NAMES[shape]]))
    says = [v < SAYS_PART for v in u[3:6]]
    parts = [f"{corners} corner{'s' * (corners != 'one')}"] * says[1] + [f"{hole} hole"] * says[2]
    whole = with_article(" ".join([*[sides] * says[0], *hue, NOUNS[int(u[6] * len(NOUNS))]]))
    return " with ".join([whole, *[" and ".join(parts[:: 1 if u[7] < 0.5 else -1])] * bool(parts)])
