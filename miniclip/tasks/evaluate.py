"""Every score of a trained model, each beside baselines that must fail.

    untrained   the same architecture with random weights
    shuffled    the trained model, its images handed out in another order
    chance      what guessing gives

The oracle of `miniclip.data.captions` decides what is right: a search result counts if the sentence is true of it.
"""

import numpy as np

from ..data.captions import pointwise_information, truth_matrix
from ..data.grammar import CLASS_NAMES
from ..data.pairs import batch, normalized_images
from ..data.world import COLOURS, SHAPES, SIZES, STYLES, Scenes, sample_scenes
from ..errors import InputError
from ..model import Model
from ..models.clip import init_clip
from ..nn.floors import caption_floor
from ..nn.losses import info_nce_forward
from ..nn.ops import normalize_forward
from ..nn.tree import pack
from .retrieval import mean_reciprocal_rank, median_rank, recall_at_k
from .zero_shot import TEMPLATES, zero_shot_weights

NOUN_TEMPLATES = ("a {} shape", "a {} object", "a {} thing")
# For each set of labels: the class names, the templates, and where in a scene the right answer stands.
LABEL_SETS = {
    "colour": (COLOURS, NOUN_TEMPLATES, lambda scenes: scenes.colour[:, 0]),
    "shape": (SHAPES, TEMPLATES, lambda scenes: scenes.shape[:, 0]),
    "size": (SIZES, NOUN_TEMPLATES, lambda scenes: scenes.size[:, 0]),
    "style": (STYLES, ("a {} of a shape", "a {} of an object"), lambda scenes: scenes.style),
    "colour and shape": (
        CLASS_NAMES,
        TEMPLATES,
        lambda scenes: scenes.shape[:, 0] * len(COLOURS) + scenes.colour[:, 0],
    ),
}


def accuracy(model: Model, image, scenes: Scenes, labels: str) -> float:
    """The share of embeddings (B, E) whose nearest class of a label set is the scene's own."""
    class_names, templates, truth = LABEL_SETS[labels]
    predicted = (image @ zero_shot_weights(model, class_names, templates).T).argmax(1)
    return float((predicted == truth(scenes)).mean())


def zero_shot_accuracy(model: Model, seed: int, split: str, n: int = 512) -> float:
    """The share of a split's first n single-object images whose colour and shape are both named right."""
    scenes = sample_scenes(seed, split, np.arange(n))
    return accuracy(model, model.encode_image(normalized_images(scenes)), scenes, "colour and shape")


def untrained(model: Model) -> Model:
    """The same architecture with random weights, those that a run with seed 0 begins with."""
    _, params = pack(init_clip(np.random.default_rng(0), model.config))
    return Model(model.config, params, model.tokenizer)


def zero_shot_scores(model: Model, seed: int, n: int, see) -> dict[str, float]:
    """Accuracy of every label set on split A, and of all colour-shape classes on split B."""
    scores = {}
    for split in "AB":
        scenes = sample_scenes(seed, split, np.arange(n))
        image = see(model.encode_image(normalized_images(scenes)))
        for labels in LABEL_SETS:
            if split == "A" or labels == "colour and shape":
                scores[f"zero-shot {labels}, {split}"] = accuracy(model, image, scenes, labels)
    return scores


def retrieval_scores(model: Model, seed: int, n: int, see) -> dict[str, float]:
    """Search among n images and their n captions, both ways, on each split."""
    scores: dict[str, float] = {}
    for split in "ABC":
        pairs = batch(seed, split, np.arange(n), model.tokenizer)
        cosines = see(model.encode_image(pairs.images)) @ model.encode_text(pairs.ids).T
        relevant = truth_matrix(pairs.texts, pairs.scenes)
        for way, s, r in (("text to image", cosines.T, relevant.T), ("image to text", cosines, relevant)):
            scores |= {f"{way} R@{k}, {split}": recall_at_k(s, r, k) for k in (1, 5)}
            scores[f"{way} median rank, {split}"] = median_rank(s, r)
            scores[f"{way} MRR, {split}"] = mean_reciprocal_rank(s, r)
    return scores


def held_out_loss(model: Model, seed: int, n: int, see, B: int = 128) -> dict[str, float]:
    """InfoNCE on split A, whatever the model was trained with, beside the lowest that the captions allow, in nats."""
    losses, floors, reference = [], [], sample_scenes(seed, "A", -1 - np.arange(2048))
    for start in range(0, n - B + 1, B):
        pairs = batch(seed, "A", np.arange(start, start + B), model.tokenizer)
        image, text = see(model.encode_image(pairs.images)), model.encode_text(pairs.ids)
        losses.append(info_nce_forward(image, text, model.logit_scale)[0])
        floors.append(caption_floor(pointwise_information(pairs.texts, pairs.scenes, reference)))
    return {"loss, A": float(np.mean(losses)), "caption floor, A": float(np.mean(floors))}


def evaluate(model: Model, seed: int = 0, n: int = 512) -> dict[str, dict[str, float]]:
    """Every score of a model, each beside its baselines.

    Parameters
    ----------
    model : Model
    seed : int
        Of the world; the pairs are those of its held-out splits.
    n : int
        Pairs a split, at least 128.

    Returns
    -------
    dict
        For each score its value for the `model`, and for `untrained`, `shuffled` and `chance`.
    """
    if type(n) is not int or n < 128:
        raise InputError(f"n is {n!r}, expected a whole number of at least 128")
    rng = np.random.default_rng(0)
    order, start = rng.permutation(n), untrained(model)

    def shuffled(image):
        return image[order[order < len(image)]]

    def chance(image):
        return normalize_forward(rng.standard_normal(image.shape).astype(image.dtype))[0]

    columns = {
        "model": (model, lambda image: image), "untrained": (start, lambda image: image),
        "shuffled": (model, shuffled), "chance": (model, chance),
    }  # fmt: skip
    table: dict[str, dict[str, float]] = {}
    for column, (scored, see) in columns.items():
        for scores in (zero_shot_scores, retrieval_scores, held_out_loss):
            for name, value in scores(scored, seed, n, see).items():
                table.setdefault(name, {})[column] = value
    return table
