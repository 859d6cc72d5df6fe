"""Every score of a trained model, each beside baselines that must fail.

    untrained   the same architecture with random weights
    shuffled    the trained model, its images handed out in another order
    chance      what guessing gives

The oracle of `miniclip.data.captions` decides what is right: a search result counts if the sentence is true of it.
"""

from dataclasses import dataclass

import numpy as np

from ..data.captions import pointwise_information, truth_matrix
from ..data.grammar import CLASS_NAMES
from ..data.pairs import Pairs, batch, normalized_images
from ..data.questions import FORMS
from ..data.world import COLOURS, SHAPES, SIZES, STYLES, Scenes, sample_scenes
from ..errors import InputError, quote
from ..machine.threads import parts
from ..model import Describer, Model
from ..models.clip import init_clip
from ..nn.floors import caption_floor
from ..nn.losses import info_nce_forward
from ..nn.ops import normalize_forward
from ..nn.tree import pack
from .captioning import score_captions
from .retrieval import mean_reciprocal_rank, median_rank, recall_at_k
from .shares import Scores, Share, table_of
from .vqa import chance_scores, score_answers
from .zero_shot import TEMPLATES, zero_shot_weights

NOUN_TEMPLATES = ("a {} shape", "a {} object", "a {} thing")
# For each set of labels: the class names, the templates, and where in a scene the right answer stands.
MOST = 2**15  # pairs of a split: each picture is compared with each caption
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


def classifier(model: Model, labels: str) -> np.ndarray:
    """(K, E), one unit vector for each class of a label set."""
    class_names, templates, _ = LABEL_SETS[labels]
    return zero_shot_weights(model, class_names, templates)


def share_right(image, weights, scenes: Scenes, labels: str) -> Share:
    """The share of embeddings (B, E) whose nearest class (K, E) of a label set is the scene's own."""
    truth = LABEL_SETS[labels][-1]
    return Share((image @ weights.T).argmax(1) == truth(scenes))


def accuracy(model: Model, image, scenes: Scenes, labels: str) -> Share:
    """The share of embeddings (B, E) whose nearest class of a label set is the scene's own."""
    return share_right(image, classifier(model, labels), scenes, labels)


def zero_shot_accuracy(model: Model, seed: int, split: str, n: int = 512) -> Share:
    """The share of a split's first n single-object images whose colour and shape are both named right."""
    scenes = sample_scenes(seed, split, np.arange(n))
    return accuracy(model, model.encode_image(normalized_images(scenes)), scenes, "colour and shape")


def untrained(model: Model) -> Model:
    """The same architecture with random weights, those that a run with seed 0 begins with."""
    _, params = pack(init_clip(np.random.default_rng(0), model.config))
    return Model(model.config, params, model.tokenizer, preprocessing=model.own_preprocessing)


@dataclass(frozen=True)
class Encoded:
    """Pairs of a split, and what a model makes of them: encoded once, scored as often as one likes."""

    pairs: Pairs
    relevant: np.ndarray  # (B, B) bool: is text j true of picture i?
    image: np.ndarray  # (B, E) unit vectors
    text: np.ndarray


def encode_splits(models: list[Model], seed: int, n: int, splits: str = "ABC") -> list[dict[str, Encoded]]:
    """The first n pairs of each split, for each model."""
    found: list[dict[str, Encoded]] = [{} for _ in models]
    for split in splits:
        pairs = batch(seed, split, np.arange(n), models[0].tokenizer)
        relevant = truth_matrix(pairs.texts, pairs.scenes)
        for model, encoded in zip(models, found, strict=True):
            encoded[split] = Encoded(pairs, relevant, model.encode_image(pairs.images), model.encode_text(pairs.ids))
    return found


def zero_shot_scores(encoded: dict[str, Encoded], classifiers: dict, see) -> dict[str, float]:
    """Accuracy of every label set on split A, and of all colour-shape classes on split B."""
    scores: dict[str, float] = {}
    for split in "AB":
        image, scenes = see(encoded[split].image), encoded[split].pairs.scenes
        for labels, weights in classifiers.items():
            if split == "A" or labels == "colour and shape":
                scores[f"zero-shot {labels}, {split}"] = share_right(image, weights, scenes, labels)
    return scores


def retrieval_scores(split: str, encoded: Encoded, see) -> dict[str, float]:
    """Search among the images of a split and their captions, both ways."""
    cosines, relevant = see(encoded.image) @ encoded.text.T, encoded.relevant
    scores: dict[str, float] = {}
    for way, s, r in (("text to image", cosines.T, relevant.T), ("image to text", cosines, relevant)):
        scores |= {f"{way} R@{k}, {split}": recall_at_k(s, r, k) for k in (1, 5)}
        scores[f"{way} median rank, {split}"] = median_rank(s, r)
        scores[f"{way} MRR, {split}"] = mean_reciprocal_rank(s, r)
    return scores


def writing_scores(captioner, answerer, seed: int, n: int, shuffled: bool = False) -> dict[str, float]:
    """How good captions and answers are; `shuffled`, about the pictures of other scenes. n pictures a split."""
    scores: dict[str, float] = {
        f"captions: {name}, {split}": score
        for split in "ABD"
        for name, score in score_captions(captioner, seed, split, n, shuffled).items()
    }
    each = n // 4  # questions of a form
    order = np.random.default_rng(0).permutation(each * len(FORMS)) if shuffled else None
    scores |= {f"answers: {row}": share for row, share in score_answers(answerer, seed, each, order).items()}
    return scores


def held_out_loss(encoded: Encoded, logit_scale: float, see) -> float:
    """InfoNCE, whatever the model was trained with, in batches of 128: the mean, in nats."""
    losses = [
        info_nce_forward(see(encoded.image[rows]), encoded.text[rows], logit_scale)[0]
        for rows in whole_batches(len(encoded.image))
    ]
    return float(np.mean(losses))


def lowest_loss(pairs: Pairs, seed: int) -> float:
    """The lowest mean loss in batches of 128 that these captions allow, in nats."""
    reference = sample_scenes(seed, "A", -1 - np.arange(2048))
    floors = [
        caption_floor(pointwise_information(pairs.texts[rows], pairs.scenes[rows], reference))
        for rows in whole_batches(len(pairs.texts))
    ]
    return float(np.mean(floors))


def whole_batches(n: int, B: int = 128) -> list[slice]:
    """n items in batches of B; what is left over is left out."""
    return [rows for rows in parts(n, B) if rows.stop - rows.start == B]


def evaluate(model: Model, seed: int = 0, n: int = 512) -> Scores:
    """Every score of a model, each beside its baselines; of one that describes, also its captions and answers.

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
        For each score its value for the `model`, and for `untrained`, `shuffled` and `chance`; where the score is a
        share of right answers, also of how many, `n`, and between what it lies with 95 % certainty, `low` and `high`.
    """
    if type(n) is not int or not 128 <= n <= MOST:
        raise InputError(f"n is {quote(n)}, expected a whole number from 128 to {MOST:,}")
    rng = np.random.default_rng(0)
    order, start = rng.permutation(n), untrained(model)

    def shuffled(image):
        return image[order[order < len(image)]]

    def chance(image):
        return normalize_forward(rng.standard_normal(image.shape).astype(image.dtype))[0]

    models = [model, start]
    found: dict[str, dict[str, float]] = {}
    encoded = encode_splits(models, seed, n)
    classifiers = [{labels: classifier(scored, labels) for labels in LABEL_SETS} for scored in models]
    floor = lowest_loss(encoded[0]["A"].pairs, seed)
    columns = {"model": (0, lambda image: image), "untrained": (1, lambda image: image),
               "shuffled": (0, shuffled), "chance": (0, chance)}  # fmt: skip
    for column, (which, see) in columns.items():
        splits = encoded[which]
        scores = zero_shot_scores(splits, classifiers[which], see)
        for split in splits:
            scores |= retrieval_scores(split, splits[split], see)
        scores["loss, A"] = held_out_loss(splits["A"], models[which].logit_scale, see)
        found[column] = scores | {"caption floor, A": floor}
    if isinstance(model, Describer):
        found["model"] |= writing_scores(model, model, seed, n)
        found["shuffled"] |= writing_scores(model, model, seed, n, shuffled=True)
        found["chance"] |= {f"answers: {row}": share for row, share in chance_scores().items()}
    return table_of(found)
