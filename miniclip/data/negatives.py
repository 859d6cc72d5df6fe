"""Sentences that are false of a scene by as little as possible: what a picture must be looked at to refuse."""

import numpy as np

from .captions import is_true
from .grammar import ATTRIBUTES, LEXICON, NOUNS, NUMBERS, WORDS, parse
from .world import DESCRIPTION, HELD_OUT, Scenes, uniform


def falsify(texts, scenes: Scenes) -> list[str]:
    """For each true sentence one that is false of its scene, by as little as possible: a hard negative.

    Two colours or two shapes change places, or else one word becomes another of its kind. No sentence names a
    combination that is held out: a reader would learn that such sentences are false, and need not look.
    """
    u = uniform(scenes.key[:, None], DESCRIPTION + 20 + np.arange(16))
    return [falsified(text, scenes[[b]], u[b].tolist()) for b, text in enumerate(texts)]


def falsified(text: str, scene: Scenes, u) -> str:
    """The first change, in an order decided by u, that makes the sentence false."""
    words = text.split()
    known = [(i, *LEXICON[word]) for i, word in enumerate(words) if word in LEXICON]
    pairs = [(i, j) for i, kind, a in known for j, other, b in known if i < j and kind == other != "size" and a != b]
    if pairs and u[0] < 0.7:
        i, j = pairs[int(u[1] * len(pairs))]
        changed = [words[j] if k == i else words[i] if k == j else word for k, word in enumerate(words)]
        if is_fit(changed, scene):
            return " ".join(changed)
    choices = [(i, kind, value) for i, kind, value in known if kind in ("colour", "shape", "size", "style")]
    for first in u[2:]:  # a caption that says little may stay true after a change: try another
        if not choices:
            break
        i, kind, value = choices[int(first * len(choices))]
        names = ATTRIBUTES[kind]
        other = (value + 1 + int(first * 7919) % (len(names) - 1)) % len(names)
        changed = [WORDS[names[other]][0] if k == i else word for k, word in enumerate(words)]
        if is_fit(changed, scene):
            return " ".join(changed)
    n = int(scene.count[0])
    return f"{NUMBERS[n % len(NUMBERS)]} {NOUNS[0]}s"  # nothing to change: another number of objects


def is_fit(words, scene: Scenes) -> bool:
    """Is the sentence false of the scene, and does it name no held-out combination?"""
    text = " ".join(words)
    named = [(one.shape, one.colour) for one in parse(text).objects if min(one.shape, one.colour) >= 0]
    return not any(HELD_OUT[kind] for kind in named) and not is_true(text, scene)[0]
