"""Does a bias come from the pairs or from the code? Code, seed and first weights are the same; the corpora are not.

Red and blue circles and squares in grainy pictures: of the red things so many are circles, of the blue as many squares,
so that each word is said as often in every corpus. The image tower begins with the package's, which had no such habit.
Asked are as many pictures of each kind, "a circle" against "a square": each model errs as its own corpus has it.

The habit is in the words: after so few steps "a circle" means what is red, in clear pictures too. Between "a red
circle" and "a red square" there is hardly a gap, as there should be: the best logit, ln p(text | picture) - ln p(text),
is ln p(picture | text) - ln p(picture). How often a text is said cancels, but of the circles nine in ten are red.

The gap with 90 % less that with 50 % is 1.02, 0.90, 0.97 (seeds 0 to 2): 16 times its standard deviation over seeds.
"""

from dataclasses import replace

import numpy as np

from ..data.pairs import normalized_images
from ..data.world import COLOURS, SHAPES, Scenes, choose, item_keys, sample_scenes, uniform
from ..model import Model
from ..tasks.zero_shot import zero_shot_weights
from ..train.clip import TrainConfig
from ..train.sources import World
from .domains import BATCH, learned
from .harness import Bar, Lab

TWO_SHAPES, TWO_COLOURS = ("circle", "square"), ("red", "blue")
KINDS = [f"{colour} {shape}" for colour in TWO_COLOURS for shape in TWO_SHAPES]
RARE = ("red square", "blue circle")  # where most red things are circles, and most blue ones squares
STEPS, FAST_STEPS, PEAK_LR = 80, 40, 3e-3
GRAIN, TESTED = 2.0, 1.0  # standard deviation of what is added to normalised pixels: at most; and of the tests
POOL = STEPS * BATCH  # pairs that a balanced corpus is drawn from
COLOUR, USUAL, HOW_GRAINY, KIND, WHICH = range(900, 905)  # the numbers of the choices, as in `data.world`


class Skewed(World):
    """The world's captions of red and blue circles and squares.

    share: of the red things, how many are circles; of the blue, how many are squares.
    """

    def __init__(self, seed: int, share: float):
        super().__init__(seed)
        self.share = share

    def scenes(self, numbers) -> Scenes:
        return two_by_two(sample_scenes(self.seed, "train", numbers), self.share)

    def pairs(self, numbers):
        scenes = self.scenes(numbers)
        texts = self.write(scenes)
        return grainy(scenes, GRAIN * uniform(scenes.key, HOW_GRAINY)), self.tokenizer.encode(texts), texts


class Balanced(Skewed):
    """Pairs of a skewed corpus, drawn again so that each kind is as frequent: the rare ones come several times."""

    def __init__(self, seed: int, share: float):
        super().__init__(seed, share)
        self.pool = super().scenes(np.arange(POOL))
        self.rows = [np.flatnonzero(kinds_of(self.pool) == k) for k in range(len(KINDS))]

    def scenes(self, numbers) -> Scenes:
        keys = item_keys(self.seed, "train", numbers)
        kinds, u = choose(keys, KIND, len(KINDS)).tolist(), uniform(keys, WHICH).tolist()
        return self.pool[np.array([self.rows[k][int(v * len(self.rows[k]))] for k, v in zip(kinds, u, strict=True)])]


CORPORA = {"90 %": (Skewed, 0.9), "50 %": (Skewed, 0.5), "10 %": (Skewed, 0.1), "90 %, balanced": (Balanced, 0.9)}
LEVEL = ("50 %", "90 %, balanced")  # where no kind is rare
PAIRS = (("90 %", "50 %"), ("50 %", "10 %"), ("90 %", "90 %, balanced"))


def two_by_two(scenes: Scenes, share: float) -> Scenes:
    """The scenes with red and blue things: a share of the red are circles, as many of the blue squares."""
    colour = choose(scenes.key, COLOUR, 2)
    shape = np.where(uniform(scenes.key, USUAL) < share, colour, 1 - colour)

    def of(names, all_names, which):
        numbers = np.array([all_names.index(name) for name in names])
        return np.where(scenes.shape < 0, -1, numbers[which][:, None])

    return replace(scenes, colour=of(TWO_COLOURS, COLOURS, colour), shape=of(TWO_SHAPES, SHAPES, shape))


def kinds_of(scenes: Scenes) -> np.ndarray:
    """(B,): which of KINDS."""
    colour = scenes.colour[:, 0] == COLOURS.index(TWO_COLOURS[1])
    return 2 * colour + (scenes.shape[:, 0] == SHAPES.index(TWO_SHAPES[1]))


def grainy(scenes: Scenes, deviations) -> np.ndarray:
    """(B, Y, X, C): the pictures, normalised, and noise; each has its own."""
    images = normalized_images(scenes)
    grain = [np.random.default_rng(key).standard_normal(images.shape[1:], np.float32) for key in scenes.key.tolist()]
    return images + np.asarray(deviations, np.float32)[:, None, None, None] * np.stack(grain)


def bias(seed: int = 0, fast: bool = False, tell=lambda text: None) -> dict[str, float]:
    """By corpus the share of each kind that is called the other shape, and what is between two corpora.

    A gap is how much oftener the two kinds are misnamed that are rare where most red things are circles than the two
    that are frequent there: where most red things are squares, it is below 0. "Apart" are the gaps of two corpora, and
    `deviations` are that over its standard deviation, from the binomial counts of the tests; see `gap_of`.
    """
    test = two_by_two(sample_scenes(seed, "A", np.arange(512 if fast else 2048)), 0.5)
    images = {"grainy": grainy(test, np.full(len(test), TESTED)), "clear": normalized_images(test)}
    rows, gaps = dict[str, float](), {}
    for name, (corpus, share) in CORPORA.items():
        tell(f"red circles {name}")
        recipe = TrainConfig(seed=seed, steps=FAST_STEPS if fast else STEPS, peak_lr=PEAK_LR)
        model = learned(recipe, corpus(seed, share), tell)
        for how, pictures in images.items():
            counts = misnamed(model, pictures, kinds_of(test))
            rows |= {f"{how}, {name}: {kind}": bad / n for kind, (bad, n) in zip(KINDS, counts, strict=True)}
            gaps[how, name] = gap_of(counts)
        gaps["colour said", name] = gap_of(misnamed(model, images["grainy"], kinds_of(test), say_colour=True))
    rows |= {f"gap, {how}: {name}": gap for (how, name), (gap, _) in gaps.items()}
    for more, less in PAIRS:
        (a, variance), (b, other) = gaps["grainy", more], gaps["grainy", less]
        rows[f"apart: {more} and {less}"] = a - b
        rows[f"deviations: {more} and {less}"] = (a - b) / (variance + other) ** 0.5
    return rows | {f"gap left: {name}": abs(gaps["grainy", name][0]) for name in LEVEL}


def misnamed(model: Model, images, kinds, say_colour: bool = False) -> list[tuple[int, int]]:
    """(how many are called the other shape, how many there are) of each of KINDS.

    Of "a circle" and "a square", or of "a red circle" and "a red square", in the picture's own colour.
    """
    names = KINDS if say_colour else list(TWO_SHAPES)
    cosines = model.encode_image(images) @ zero_shot_weights(model, names, ("a {}",)).T
    first = kinds - kinds % 2 if say_colour else np.zeros_like(kinds)
    each = np.arange(len(kinds))
    wrong = (cosines[each, first] < cosines[each, first + 1]) != kinds % 2
    return [(int(wrong[kinds == k].sum()), int((kinds == k).sum())) for k in range(len(KINDS))]


def gap_of(counts) -> tuple[float, float]:
    """(gap, its variance), from (misnamed, tested) of each of KINDS.

    The gap is half of sum_k +- p_k; the share p_k of n_k tests varies by p_k (1 - p_k) / n_k, where (misnamed + 1) /
    (n_k + 2) is put for p_k, so that no share counts as certain.
    """
    signs = np.array([1.0 if kind in RARE else -1.0 for kind in KINDS]) / 2
    wrong, n = np.array(counts, float).T
    p = (wrong + 1) / (n + 2)
    return float(signs @ (wrong / n)), float(signs**2 @ (p * (1 - p) / n))


LAB = Lab(
    "Does a bias come from the pairs or from the code? What is called the other shape, by how many red are circles.",
    bias,
    [
        Bar("deviations: 90 % and 50 %", "another corpus, another gap, in standard deviations", least=5),
        Bar("deviations: 50 % and 10 %", "and so on the other side", least=5),
        Bar("gap, grainy: 90 %", "where red things are circles, red squares are called so", least=0.25),
        Bar("gap, grainy: 10 %", "where they are squares, the errors are the opposite ones", most=-0.25),
        Bar("gap left: 50 %", "where they are both, errors go either way", most=0.15),
        Bar("gap left: 90 %, balanced", "the same pairs, each kind as often, repair most of it", most=0.25),
        Bar("gap, colour said: 90 %", "and so does a question that says the colour", most=0.25),
    ],
    [f"{how}, {name}: {kind}" for how, names in (("grainy", CORPORA), ("clear", ("90 %", "50 %"))) for name in names
     for kind in KINDS],
)  # fmt: skip
