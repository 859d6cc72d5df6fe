"""Every score of a trained model, each beside baselines that must fail.

    untrained   the same architecture with its initial weights
    shuffled    the trained model, its images handed out in another order
    chance      what guessing gives

The oracle of `miniclip.data.captions` decides what is right: a search result counts if the sentence is true of it.
"""

import numpy as np

from ..data.captions import truth_matrix
from ..data.drawing import draw
from ..data.grammar import CLASS_NAMES
from ..data.pairs import batch, normalize
from ..data.world import COLOURS, SHAPES, SIZES, STYLES, sample_scenes
from ..model import Model
from ..models.clip import init_clip
from ..nn.tree import pack
from .retrieval import mean_reciprocal_rank, median_rank, recall_at_k
from .zero_shot import zero_shot_weights

# What to call the classes, and where in a scene the right answer stands.
LABEL_SETS = {
    "colour": ([f"{colour} shape" for colour in COLOURS], lambda scenes: scenes.colour[:, 0]),
    "shape": (list(SHAPES), lambda scenes: scenes.shape[:, 0]),
    "size": ([f"{size} shape" for size in SIZES], lambda scenes: scenes.size[:, 0]),
    "style": (list(STYLES), lambda scenes: scenes.style),
    "colour and shape": (list(CLASS_NAMES), lambda scenes: scenes.shape[:, 0] * len(COLOURS) + scenes.colour[:, 0]),
}


def predict(model: Model, image, class_names) -> np.ndarray:
    """The class of each embedding (B, E) -> (B,)"""
    return (image @ zero_shot_weights(model, class_names).T).argmax(1)


def zero_shot_accuracy(model: Model, seed: int, split: str, n: int = 512) -> float:
    """The share of a split's first n single-object images whose colour and shape are both named right."""
    scenes = sample_scenes(seed, split, np.arange(n))
    names, truth = LABEL_SETS["colour and shape"]
    image = model.encode_image(normalize(draw(scenes)))
    return float((predict(model, image, names) == truth(scenes)).mean())


def untrained(model: Model) -> Model:
    """The same architecture with its initial weights."""
    _, params = pack(init_clip(np.random.default_rng(0), model.config))
    return Model(model.config, params, model.tokenizer)


def zero_shot_scores(model: Model, seed: int, n: int, shuffle=None) -> dict[str, float]:
    """Accuracy of every label set on split A, and of all colour-shape classes on split B."""
    scores = {}
    for split in "AB":
        scenes = sample_scenes(seed, split, np.arange(n))
        image = model.encode_image(normalize(draw(scenes)))
        if shuffle is not None:
            image = image[shuffle]
        for kind, (names, truth) in LABEL_SETS.items():
            if split == "A" or kind == "colour and shape":
                scores[f"zero-shot {kind}, {split}"] = float((predict(model, image, names) == truth(scenes)).mean())
    return scores


def retrieval_scores(model: Model, seed: int, n: int, shuffle=None) -> dict[str, float]:
    """Search among n images and their n captions, both ways, on each split."""
    scores = {}
    for split in "ABC":
        pairs = batch(seed, split, np.arange(n), model.tokenizer)
        image = model.encode_image(pairs.images)
        if shuffle is not None:
            image = image[shuffle]
        cosines, relevant = image @ model.encode_text(pairs.tokens).T, truth_matrix(pairs.texts, pairs.scenes)
        for way, s, r in (("text to image", cosines.T, relevant.T), ("image to text", cosines, relevant)):
            scores[f"{way} R@1, {split}"] = recall_at_k(s, r, 1)
            scores[f"{way} R@5, {split}"] = recall_at_k(s, r, 5)
            scores[f"{way} median rank, {split}"] = median_rank(s, r)
            scores[f"{way} MRR, {split}"] = mean_reciprocal_rank(s, r)
    return scores
