"""Batches of pictures and captions, from the world."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from ..machine.threads import in_parallel, parts
from .captions import write_captions
from .drawing import distances, draw_scenes
from .pictures import normalize
from .tokenizer import Tokenizer
from .world import Scenes, sample_scenes


@dataclass(frozen=True)
class Pairs:
    """B pairs: item b of each field belongs together."""

    scenes: Scenes
    texts: list[str]
    images: np.ndarray  # (B, Y, X, C) float32, normalised
    ids: np.ndarray  # (B, T) int64, of their tokens


def batch(seed: int, split: str, indices, tokenizer: Tokenizer) -> Pairs:
    """The pairs with the given numbers: item i is the same pair in any batch, in any order."""
    scenes = sample_scenes(seed, split, indices)
    texts = write_captions(scenes)
    return Pairs(scenes, texts, normalized_images(scenes), tokenizer.encode(texts))


PART = 128  # pictures: drawing is made of short steps, and two threads of short steps wait for each other


def normalized_images(scenes: Scenes, distances: Callable = distances) -> np.ndarray:
    """The scenes' pictures (B, Y, X, C), normalised, drawn on all cores; of other shapes with other `distances`."""

    def draw(rows):
        return normalize(draw_scenes(scenes[rows], distances))

    return np.concatenate(list(in_parallel(partial(draw, rows) for rows in parts(len(scenes), PART))))


def unique_caption_batches(texts, batch_size: int) -> list[np.ndarray]:
    """Batches of item numbers in which no caption stands twice: a repeat would be a false negative.

    An item goes to the first batch that has room and not yet its caption. Only full batches are returned, since the
    loss depends on the batch size.

    >>> [batch.tolist() for batch in unique_caption_batches(["a", "a", "b", "c", "d", "a", "e"], 2)]
    [[0, 2], [1, 3], [4, 5]]
    """
    batches: list[list[int]] = []
    full = 0  # the batches before it are full, and are filled in their order
    first_without: dict[str, int] = {}  # caption -> the first batch that may still take it
    for i, text in enumerate(texts):
        place = max(full, first_without.get(text, 0))
        if place == len(batches):
            batches.append([])
        batches[place].append(i)
        first_without[text] = place + 1
        if len(batches[place]) == batch_size:
            full = place + 1
    return [np.array(batch) for batch in batches[:full]]
