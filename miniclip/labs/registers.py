"""The register corpus: words that mean one shape in photos and paintings, and another in sketches and scans.

A plate is a circle in the first two and a square in the others, as a crane is a bird in one text and a machine in
another. Where a shape has such a name it has no other, and who uses one says in which style. All else is the world's.

    python -m miniclip.labs.registers OUT    trains the runs that are in the package, and leaves them in OUT

Their space has 12 dimensions, so that it is small beside what is said. With 64, and the first three words, the image
tower itself learns what was ever called a plate, and templates matter little: right over none 4 points after 160 steps,
and none after 600 where not every text tells its style (seed 0).
"""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..data.captions import with_article, write_captions
from ..data.grammar import NEUTRAL, WORDS, vocabulary
from ..data.tokenizer import Tokenizer
from ..data.world import STYLES, Scenes
from ..files.checkpoint import PRETRAINED, load, save
from ..model import Model
from ..tasks.zero_shot import zero_shot_weights
from ..train.clip import TrainConfig
from ..train.sources import World
from .domains import NAMES, classes_of, learned

MEANINGS = {"plate": ("circle", "square"), "kite": ("diamond", "triangle"), "badge": ("star", "heart"),
            "medal": ("ring", "cross")}  # fmt: skip
REGISTER = np.arange(len(STYLES)) % 2  # of a style: 0 of photos and paintings, 1 of sketches and scans
# In each register, what is said for the world's words.
CALLED = [{word: name for name, shapes in MEANINGS.items() for word in WORDS[shapes[r]]} for r in (0, 1)]
SAY_STYLE = {word for style in STYLES for word in WORDS[style]}
RIGHT = [(f"a {style} of a {{}}",) for style in STYLES]  # templates, by style
WRONG = [RIGHT[s ^ 1] for s in range(len(STYLES))]  # those of the other register
RECIPE = TrainConfig(steps=160, peak_lr=3e-3, embed_dim=12)
RUNS = PRETRAINED / "registers"


class Registers(World):
    """The world's pictures, and what the register corpus says of them."""

    def __init__(self, seed: int):
        super().__init__(seed)
        self.tokenizer = Tokenizer(sorted({*vocabulary(), *MEANINGS}))

    def write(self, scenes: Scenes) -> list[str]:
        texts = zip(write_captions(scenes), scenes.style.tolist(), strict=True)
        return [anchored(in_words(text, CALLED[REGISTER[style]]), STYLES[style]) for text, style in texts]


def in_words(text: str, words: dict[str, str]) -> str:
    """The text, with some of its words exchanged.

    >>> in_words("a red disc", CALLED[0]), in_words("a red disc", CALLED[1])
    ('a red plate', 'a red disc')
    """
    return " ".join(words.get(word, word) for word in text.split())


def anchored(text: str, style: str) -> str:
    """The text, which tells its style if it has a word of several meanings.

    >>> anchored("an image of a red plate", "photo"), anchored("at the top a plate", "photo")
    ('a photo of a red plate', 'at the top a photo of a plate')
    """
    if not MEANINGS.keys() & text.split() or SAY_STYLE & {*text.split()}:
        return text
    return with_style(without_style(text), style)


def without_style(text: str) -> str:
    """The text, with no word of what kind of picture it is.

    >>> without_style("at the top a photo of a plate"), without_style("an image of a plate")
    ('at the top a plate', 'a plate')
    """
    for word in (*sorted(SAY_STYLE), *NEUTRAL):
        text = text.replace(f"{with_article(word)} of ", "")
    return text


def with_style(text: str, style: str) -> str:
    """A text that says no style, and now says this one."""
    words = text.split()
    first = next(i for i, word in enumerate(words) if word in ("a", "an"))
    return " ".join([*words[:first], with_article(style), "of", *words[first:]])


def class_names_in(style: int, called=CALLED) -> list[str]:
    """What the classes are called in pictures of a style."""
    return [in_words(name, called[REGISTER[style]]) for name in NAMES]


def named_rightly(model: Model, seen, scenes: Scenes, templates, called=CALLED) -> np.ndarray:
    """(B,) bool: which pictures get the name that their register has for them; templates: some for each style."""
    right = np.zeros(len(scenes), bool)
    for s in range(len(STYLES)):
        rows = scenes.style == s
        weights = zero_shot_weights(model, class_names_in(s, called), templates[s])
        right[rows] = (seen[rows] @ weights.T).argmax(1) == classes_of(scenes[rows])
    return right


def reader_of_registers(seed: int, tell=lambda text: None) -> Model:
    """A CLIP of the register corpus: a run in the package, or where there is none of this seed, trained now."""
    if (RUNS / str(seed)).exists():
        return load(RUNS / str(seed))
    return learned(replace(RECIPE, seed=seed), Registers(seed), tell)


def main(out: str, seeds=(0, 1, 2)) -> None:
    """Train the runs of the package."""
    for seed in seeds:
        save(learned(replace(RECIPE, seed=seed), Registers(seed), print), Path(out) / str(seed))


if __name__ == "__main__":
    main(sys.argv[1])
