"""Where the pairs of a run come from: the world, or a folder of one's own.

Both give the pairs of a step by their numbers alone, so that a run can be resumed, shared by processes, and repeated.
"""

import hashlib
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from ..data.byte_pairs import read_shipped
from ..data.captions import caption_groups, pointwise_information, write_captions
from ..data.grammar import vocabulary
from ..data.pairs import normalized_images
from ..data.pictures import Preprocessing, normalize
from ..data.tokenizer import BaseTokenizer, Tokenizer, list_of_texts, split_words
from ..data.world import Scenes, choose, item_keys, sample_scenes, uniform
from ..datasets.dataset import Dataset
from ..errors import ConfigError, DataError, quote
from ..files.storage import encode_json, parse_json, read_verified
from ..model import Model
from ..nn.floors import duplicate_floor
from ..tasks.evaluate import zero_shot_accuracy
from ..tasks.own_pictures import captions_of, first_hits

REFERENCE = 2048  # scenes that stand for "any scene" in the caption floor
CAPTION, MIRROR, TOP, LEFT = range(700, 704)  # the numbers of the choices, as in `data.world`
AUGMENTATIONS = ("crop", "flip")
MARGIN = 9 / 8  # with "crop", how much larger pictures are decoded than they are seen
MOST_WORDS = 30_000  # that a tokenizer learns
SCORED = 1024  # pictures that the log's scores are taken on, at most


class World:
    """Pairs without end, drawn from the world; no picture comes twice.

    Another corpus of the same world is a subclass: with other scenes, or other words for them.
    """

    preprocessing = Preprocessing()
    files: dict[str, bytes] = {}  # noqa: RUF012

    def __init__(self, seed: int):
        self.seed = seed
        self.tokenizer = Tokenizer(vocabulary())
        self.about: dict = {}

    def pairs(self, numbers):
        """images (B, Y, X, C) normalised, ids (B, T), B texts: of the pairs with these numbers."""
        scenes = self.scenes(numbers)
        texts = self.write(scenes)
        return normalized_images(scenes), self.tokenizer.encode(texts), texts

    def scenes(self, numbers) -> Scenes:
        """What the pairs with these numbers show."""
        return sample_scenes(self.seed, "train", numbers)

    def write(self, scenes: Scenes) -> list[str]:
        """What is said of them."""
        return write_captions(scenes)

    def groups(self, texts) -> np.ndarray:
        """(B,) integers, equal where two texts say the same: each is a right answer for the other."""
        return caption_groups(texts)

    def information(self, numbers) -> np.ndarray:
        """(B, B): ln p(text | picture) - ln p(text) of a batch, as far as it is known."""
        scenes, reference = self.scenes(numbers), self.scenes(-1 - np.arange(REFERENCE))
        return pointwise_information(self.write(scenes), scenes, reference)

    def scores(self, model: Model) -> dict[str, float]:
        """What the model can do by now, for the log."""
        return {f"zero_shot_{split}": zero_shot_accuracy(model, self.seed, split) for split in "AB"}


@dataclass(frozen=True)
class FolderConfig:
    """How a folder of pictures is learned from.

    Attributes
    ----------
    image_size : int
        The side of the pictures that the model sees, in pixels; a multiple of the patch size.
    context_length : int
        Tokens of a caption, start and end included.
    val : float
        The share of the pictures that is never trained on.
    tokens : "words" or "byte_pairs"
        The words of the training captions; or CLIP's byte pairs, to which no word is unknown.
    augment : tuple of "crop" and "flip"
        Show another part of a picture each time, of eight ninths of its height and width: the only augmentation of
        CLIP (Radford et al. 2021, section 2.3); and every other time its mirror image, in which "left" is wrong.
    """

    image_size: int = 64
    context_length: int = 32
    val: float = 0.1
    tokens: str = "words"
    augment: tuple[str, ...] = ()

    def __post_init__(self):
        for name, least, most in (("image_size", 8, 512), ("context_length", 3, 1024)):
            value = getattr(self, name)
            if type(value) is not int or not least <= value <= most:
                raise ConfigError(f"{name} is {quote(value)}, expected a whole number from {least} to {most}")
        if type(self.val) not in (int, float) or not 0 <= self.val < 1:
            raise ConfigError(f"val is {quote(self.val)}, expected a share from 0 to less than 1")
        if self.tokens not in ("words", "byte_pairs"):
            raise ConfigError(f"tokens are {quote(self.tokens)}, expected words or byte_pairs")
        if odd := [name for name in self.augment if name not in AUGMENTATIONS]:
            raise ConfigError(f"the augmentation is {quote(odd[0])}, expected {' or '.join(AUGMENTATIONS)}")

    @property
    def side(self) -> int:
        """Of the pictures as they are decoded."""
        return round(self.image_size * MARGIN) if "crop" in self.augment else self.image_size


class Folder:
    """The pairs of a dataset, in another order in each epoch; in each epoch another caption of a picture that has more.

    Parameters
    ----------
    data : Dataset
        Of pictures with the side that `config` wants.
    config : FolderConfig
    seed : int
        Of the order, and of all that is drawn.
    batch_size : int
        Of all processes: a batch has no picture twice.
    model : Model, optional
        One that is to be trained on: its words and its way to see pictures are kept.

    Raises
    ------
    DataError
        For fewer pictures to train on than a batch has.
    """

    def __init__(self, data: Dataset, config: FolderConfig, seed: int, batch_size: int, model: Model | None = None):
        self.config, self.seed, self.batch_size = config, seed, batch_size
        self.training, self.held_out = data.split(config.val)
        if len(self.training) < batch_size:
            raise DataError(
                f"{quote(data.root)} has {len(self.training)} pictures to train on and {len(self.held_out)} held out, "
                f"expected at least a batch of {batch_size}: lower --batch-size"
            )
        self.preprocessing = model.preprocessing if model else Preprocessing(config.image_size, frame=False)
        self.counts = np.array([len(captions) for captions in self.training.captions])
        self.starts = self.counts.cumsum() - self.counts
        self.texts = [caption for captions in self.training.captions for caption in captions]
        self.tokenizer = model.tokenizer if model else learn_tokenizer(self.texts, config)
        self.ids = self.tokenizer.encode(self.texts).astype(np.int32)
        self.scored = self.held_out[:SCORED]
        texts, self.relevant = captions_of(self.scored)
        self.scored_ids = self.tokenizer.encode(texts)  # once: of words that are unknown it tells
        self.about = {
            "data": data.digest, "image_size": config.image_size, "context_length": config.context_length,
            "val": config.val, "tokens": config.tokens, "augment": list(config.augment),
        }  # fmt: skip
        seen = [digest[:SHORT] for digest in self.training.digests]
        self.files = {SEEN: encode_json({"side": config.side, "seen": seen})}

    def chosen(self, numbers) -> tuple[np.ndarray, np.ndarray]:
        """(pictures, texts), (B,) each: what the pairs with these numbers show and say."""
        steps, places = np.divmod(np.asarray(numbers), self.batch_size)
        epochs, steps = np.divmod(steps, len(self.training) // self.batch_size)  # what is left over is left out
        pictures = np.empty(len(epochs), np.int64)
        for epoch in np.unique(epochs).tolist():
            here = epochs == epoch
            order = epoch_order(self.seed, epoch, len(self.training))
            pictures[here] = order[(steps * self.batch_size + places)[here]]
        keys = item_keys(self.seed, "train", numbers)
        return pictures, self.starts[pictures] + choose(keys, CAPTION, self.counts[pictures])

    def pairs(self, numbers):
        """images (B, Y, X, C) normalised, ids (B, T), B texts: of the pairs with these numbers."""
        pictures, texts = self.chosen(numbers)
        keys, augment = item_keys(self.seed, "train", numbers), self.config.augment
        room = self.config.side - self.config.image_size
        corners = np.stack([choose(keys, stream, room + 1) for stream in (TOP, LEFT)], 1) if room else None
        mirrored = uniform(keys, MIRROR) < 0.5 if "flip" in augment else None
        images = self.training.images(pictures, mirrored, corners, self.config.image_size)
        found = normalize(images / np.float32(255), self.preprocessing.mean, self.preprocessing.std)
        return found, self.ids[texts].astype(np.int64), [self.texts[i] for i in texts]

    def groups(self, texts) -> np.ndarray:
        """(B,) integers, equal where two captions are: each is a right answer for the other."""
        digests = (hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest() for text in texts)
        return np.frombuffer(bytearray(b"".join(digests)), np.int64)

    def information(self, numbers) -> np.ndarray:
        """(B, B): ln B / n where caption and picture belong together, n the copies of the caption in the batch."""
        _, chosen = self.chosen(numbers)
        texts = np.array([self.texts[i] for i in chosen])
        same = texts[:, None] == texts
        return np.where(same, np.log(len(texts) / same.sum(1)), -np.inf)

    def scores(self, model: Model) -> dict[str, float]:
        """Search among the pictures that are held out, both ways, for the log."""
        return first_hits(model, self.scored, self.scored_ids, self.relevant) if len(self.scored) > 1 else {}


@lru_cache(2)
def epoch_order(seed: int, epoch: int, n: int) -> np.ndarray:
    """The order of n pictures in an epoch."""
    return np.random.default_rng([seed, 1, epoch]).permutation(n)


SEEN, SHORT = "data.json", 16  # which pictures a run was trained on; letters of their digests, which tell them apart


def trained_pictures(folder: Path) -> tuple[int, set[str]]:
    """(side, short digests) of the pictures that a run was trained on; (0, none) where that was the world."""
    if not (folder / SEEN).exists():
        return 0, set()
    said = parse_json(read_verified(folder, SEEN), folder / SEEN)
    return said["side"], set(said["seen"])


def learn_tokenizer(texts, config: FolderConfig) -> BaseTokenizer:
    """The tokenizer of a run: CLIP's byte pairs, or the words of its captions, the most frequent first."""
    if config.tokens == "byte_pairs":
        return read_shipped(config.context_length)
    counts = Counter(word for text in list_of_texts(texts, "texts", "text") for word in split_words(text))
    words = sorted(counts, key=lambda word: (-counts[word], word))[:MOST_WORDS]
    return Tokenizer(words, config.context_length)


def expected_floor(data: Dataset, batch_size: int) -> float:
    """mean of `duplicate_floor` over 32 batches, with any caption of each picture: no model's mean loss is lower."""
    rng = np.random.default_rng(0)
    batches = ([data.captions[m] for m in rng.permutation(len(data))[:batch_size]] for _ in range(32))
    return float(np.mean([duplicate_floor([said[rng.integers(len(said))] for said in one]) for one in batches]))


def summary(data: Dataset, batch_size: int) -> dict:
    """What a dataset holds, as JSON: counts, classes, equal pictures, the loss's floor, what was left out and why."""
    texts = [caption for captions in data.captions for caption in captions]
    copies = Counter(texts)
    B = min(batch_size, len(data))
    return {
        "folder": str(data.root), "layout": data.layout, "files": data.files, "pictures": len(data),
        "captions": len(texts), "different_captions": len(copies),
        "words": len({word for text in copies for word in split_words(text)}),
        "longest_caption": max(len(split_words(text)) for text in copies),
        "batch_size": B, "caption_floor": expected_floor(data, B),
        "classes": {name: sum(name in labels for labels in data.labels) for name in data.class_names},
        "equal": [names for names in data.names if len(names) > 1],
        "left_out": [{"item": problem.name, "reason": problem.reason} for problem in data.problems],
    }  # fmt: skip
