"""How many templates does an ensemble need, in which order are they averaged, and which of them are worth it?

On the register corpus, where no template suits all pictures: of those that say a style, half say the wrong one.
"""

import numpy as np

from ..data.captions import with_article
from ..data.grammar import NEUTRAL, WORDS
from ..data.pairs import normalized_images
from ..data.world import STYLES, Scenes
from ..model import Model
from ..models.text import text_forward
from ..nn.cache import forgetting
from ..nn.ops import normalize_forward
from ..tasks.zero_shot import build_prompts
from .domains import NAMES, classes_of, labelled, tests
from .harness import Bar, Lab
from .registers import CALLED, REGISTER, in_words, reader_of_registers

STARTS = ("", *(f"{with_article(word)} of " for name in STYLES for word in WORDS[name]),
          *(f"{with_article(word)} of " for word in NEUTRAL))  # fmt: skip
PLACES = ("", " at the top", " at the bottom", " on the left", " on the right", " in the centre")
EIGHTY = (*(f"{start}a {{}}{place}" for place in PLACES for start in STARTS), "a small {}", "a large {}")
COUNTS = (1, 2, 5, 10, 20, 40, 80)
CHOSEN = 7  # templates: as many as CLIP's authors found so


def features_of(model: Model) -> np.ndarray:
    """(2, K, T, E): in each register every class in every template, before it is normalised."""
    found = []
    for called in CALLED:
        prompts = build_prompts([in_words(name, called) for name in NAMES], EIGHTY)
        ids = model.tokenizer.encode([prompt for group in prompts for prompt in group])
        with forgetting:
            features, _ = text_forward(ids, model.params["text"], model.config.text)
        found.append(features.reshape(len(NAMES), len(EIGHTY), -1))
    return np.stack(found)


class Pictures:
    """Embedded pictures that are named by classifiers, one for each register."""

    def __init__(self, model: Model, scenes: Scenes):
        self.seen, self.labels = model.encode_image(normalized_images(scenes)), classes_of(scenes)
        self.register = REGISTER[scenes.style]

    def names(self, weights) -> np.ndarray:
        """(B, ...): which of NAMES; weights (2, K, ..., E) of any length, the mean of some prompts of each class"""
        unit, found = normalize_forward(weights)[0], []
        for r in (0, 1):
            found.append(np.tensordot(self.seen[self.register == r], unit[r], (1, -1)).argmax(1))
        names = np.empty((len(self.labels), *found[0].shape[1:]), int)
        for r in (0, 1):
            names[self.register == r] = found[r]
        return names

    def accuracy(self, weights) -> np.ndarray:
        """(...): the share that is named rightly; weights as for `names`"""
        names = self.names(weights)
        return (names == self.labels.reshape(-1, *[1] * (names.ndim - 1))).mean(0)


def ensembles(seed: int = 0, fast: bool = False, tell=lambda text: None) -> dict[str, float]:
    """The share of pictures named rightly by 1 to 80 templates: the mean of random choices, and their deviation.

    Beside them seven templates, each of which was the one that helps most on other pictures; and all 80 averaged before
    they are normalised, which lets long vectors outvote short ones, and how many pictures that gives another name.
    """
    model = reader_of_registers(seed, tell)
    features, pictures = features_of(model), Pictures(model, tests(seed, 512 if fast else 2048))
    unit, rng = normalize_forward(features)[0], np.random.default_rng(seed)
    accuracy, spread = {}, {}
    for n in COUNTS:
        draws = {1: len(EIGHTY), len(EIGHTY): 1}.get(n, 5 if fast else 40)
        chosen = [rng.permutation(len(EIGHTY))[:n] if n > 1 else [k] for k in range(draws)]
        found = np.array([pictures.accuracy(unit[:, :, rows].mean(2)) for rows in chosen])
        accuracy[n], spread[n] = float(found.mean()), float(found.std())
    tell("forward selection")
    best = selected(unit, Pictures(model, labelled(seed, 5 if fast else 20)))
    before, after = features.mean(2), unit.mean(2)
    return {
        **{f"accuracy: {n} of 80": value for n, value in accuracy.items()},
        f"accuracy: the {CHOSEN} that help most": float(pictures.accuracy(unit[:, :, best].mean(2))),
        **{f"deviation: {n} of 80": value for n, value in spread.items()},
        "order: normalised first": float(pictures.accuracy(after)),
        "order: averaged first": float(pictures.accuracy(before)),
        "order: named otherwise": float((pictures.names(before) != pictures.names(after)).mean()),
        "gain: all over one": accuracy[80] - accuracy[1],
    }


def selected(unit, pictures: Pictures) -> list[int]:
    """CHOSEN templates, one after the other: the one with which those so far name the most pictures rightly."""
    best: list[int] = []
    total = np.zeros_like(unit[:, :, :1])
    for _ in range(CHOSEN):
        found = pictures.accuracy(total + unit)
        found[best] = -1.0
        best.append(int(found.argmax()))
        total = total + unit[:, :, best[-1:]]
    return best


def flips(seed: int = 0, fast: bool = False) -> list[str]:
    """A picture that the two orders name differently, and which templates helped most, in words."""
    model = reader_of_registers(seed)
    scenes = tests(seed, 512 if fast else 2048)
    features, pictures = features_of(model), Pictures(model, scenes)
    unit = normalize_forward(features)[0]
    lengths = np.linalg.norm(features, axis=-1)
    before, after = pictures.names(features.mean(2)), pictures.names(unit.mean(2))
    said = [f"lengths of the prompts' vectors: {lengths.min():.2f} to {lengths.max():.2f}"]
    for i in np.flatnonzero(before != after)[:1]:
        called = CALLED[pictures.register[i]]
        right, mean_first, unit_first = (in_words(NAMES[k], called) for k in (pictures.labels[i], before[i], after[i]))
        said.append(f"a flip: item {i} of A, a {STYLES[scenes.style[i]]} of a {right}: mean, normalise: {mean_first}; "
                    f"normalise, mean, normalise: {unit_first}")  # fmt: skip
    chosen = selected(unit, Pictures(model, labelled(seed, 5 if fast else 20)))
    return [*said, f"the {CHOSEN} that help most: {', '.join(EIGHTY[k] for k in chosen)}"]


LAB = Lab(
    "How many templates does an ensemble need, in which order are they averaged, and which of them are worth it?",
    ensembles,
    [
        Bar("gain: all over one", "an ensemble is better than its members are in the mean", least=0.03),
        Bar("order: named otherwise", "the order of mean and norm decides some pictures", least=1e-4),
        Bar("deviation: 40 of 80", "with many templates it hardly matters which", most=0.02),
    ],
    [*(f"{what}: {n} of 80" for what in ("accuracy", "deviation") for n in COUNTS),
     f"accuracy: the {CHOSEN} that help most", "order: normalised first", "order: averaged first"],
    flips,
)  # fmt: skip
