"""Is a shape that was never drawn, and whose name was never said, recognised by what is written about its parts?

A name that no caption had says nothing. Its description does, in words that captions had of other shapes: so a language
model that knows what a zorp is tells a CLIP that has never seen one (CuPL, Pratt et al. 2022, arXiv:2209.03320).
"""

from pathlib import Path

import numpy as np

from ..errors import DataError, quote
from ..files.storage import parse_json, read_bytes
from ..model import Model
from ..tasks.zero_shot import ensemble
from ..train.clip import TrainConfig
from .domains import learned
from .harness import Bar, Lab
from .parts import NAMES, SEEN, TWINS, UNSAID, UNSEEN, Parts, pictures_of_parts, scenes_of

# As CuPL keeps a language model's answers: class -> sentences. One for each of the article's three questions: "Describe
# what a zorp looks like", "Describe a zorp", "What are the identifying characteristics of a zorp?"
DESCRIPTIONS = Path(__file__).with_name("descriptions.json")
DRAWS = 20  # of random descriptions
PEAK_LR = 3e-3
STEPS, FAST_STEPS = 100, 75  # more, and what was seen is all that is known
NEW, OLD = "four never drawn", "fourteen drawn"
PAIRS = {f"{one} or {other}": [one, other] for one, other in TWINS.items()}
GROUPS = {NEW: list(UNSEEN), OLD: SEEN, **PAIRS}


def read_descriptions(path=DESCRIPTIONS) -> dict[str, list[str]]:
    """Sentences of each class, from a JSON file; a DataError unless every shape has some."""
    path = Path(path)
    said = parse_json(read_bytes(path), path)
    for name in NAMES:
        found = said.get(name) if isinstance(said, dict) else None
        if not isinstance(found, list) or not found or not all(isinstance(one, str) and one.split() for one in found):
            raise DataError(f"{quote(path)} has no list of sentences for {name}: expected one for every shape")
    return said


def described(model: Model, names, said: dict[str, list[str]]) -> np.ndarray:
    """(K, E): the classifier that descriptions make; each is one prompt of its class."""
    return np.concatenate([ensemble(model.encode_text(said[name])[None]) for name in names])


def at_random(said: dict[str, list[str]], rng) -> dict[str, list[str]]:
    """Descriptions as long, of the same words, drawn at random."""
    words = [word for name in NAMES for one in said[name] for word in one.split()]
    return {name: [" ".join(rng.choice(words, len(one.split()))) for one in said[name]] for name in NAMES}


def by_descriptions(seed: int = 0, fast: bool = False, tell=lambda text: None, path=DESCRIPTIONS) -> dict[str, float]:
    """The share of pictures named rightly among some shapes: by their names, by descriptions, by random words.

    A shape that was never drawn has a name that was never said, and luck decides what a word means that nobody used: so
    it is given several, one after the other. path: a JSON file of descriptions, such as a language model's answers to
    the three questions of the article.
    """
    said, recipe = read_descriptions(path), TrainConfig(seed=seed, peak_lr=PEAK_LR, steps=FAST_STEPS if fast else STEPS)
    return named_in_each_way(learned(recipe, Parts(seed), tell), said, seed, 256 if fast else 1024)


def named_in_each_way(model: Model, said: dict[str, list[str]], seed: int, n: int) -> dict[str, float]:
    """The rows of `by_descriptions` for a model that has learned, on n pictures a group."""
    rows, rng = dict[str, float](), np.random.default_rng(seed)
    for group, names in GROUPS.items():
        scenes = scenes_of(seed, "A", np.arange(n), names)
        seen = model.encode_image(pictures_of_parts(scenes))
        labels = np.array([names.index(NAMES[k]) for k in scenes.shape[:, 0]])

        def accuracy(weights, seen=seen, labels=labels):
            return float(((seen @ weights.T).argmax(1) == labels).mean())

        by_name = [names] if names == SEEN else [rng.choice(UNSAID, len(names), replace=False) for _ in range(DRAWS)]
        ways = {
            "name only": (model.encode_text([f"a {name}" for name in some]) for some in by_name),
            "described": (described(model, names, said),),
            "random words": (described(model, names, at_random(said, rng)) for _ in range(DRAWS)),
        }
        for way, tried in ways.items():
            rows[f"{group}: {way}"] = float(np.mean([accuracy(weights) for weights in tried]))
        rows[f"{group}: gain"] = rows[f"{group}: described"] - rows[f"{group}: name only"]
    return rows


def sentences(seed: int = 0, fast: bool = False) -> list[str]:
    """What is said of the shapes that were never drawn."""
    said = read_descriptions()
    return [f"{name}: {said[name][0]}" for name in (*UNSEEN, *TWINS.values())]


LAB = Lab(
    "Is a shape that was never drawn recognised by what is written about its parts?",
    by_descriptions,
    [
        Bar(f"{NEW}: name only", "a name that was never said says nothing; chance is 0.25", most=0.35),
        Bar(f"{NEW}: described", "parts that others have, too, say what it is", least=0.80),
        Bar(f"{NEW}: random words", "it is not the length; chance is 0.25", most=0.35),
        *(Bar(f"{pair}: described", "what two descriptions share tells them not apart; chance is 0.5", most=0.60)
          for pair in PAIRS),
        Bar(f"{OLD}: gain", "descriptions hurt where the name is known and says more", most=-0.03),
    ],
    [f"{group}: {way}" for group in GROUPS for way in ("name only", "described", "random words")],
    sentences,
)  # fmt: skip
