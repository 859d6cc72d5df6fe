"""Scores on pictures of one's own: search both ways, with every caption of a picture as a right answer, and classes."""

import numpy as np

from ..data.pictures import normalize
from ..datasets.dataset import Dataset
from ..errors import DataError
from ..machine.threads import parts
from ..model import Model
from ..nn.ops import normalize_forward
from .evaluate import untrained
from .retrieval import mean_reciprocal_rank, median_rank, recall_at_k
from .shares import Scores, Share, table_of
from .zero_shot import zero_shot_weights

TOGETHER = 256  # pictures whose floats are in memory at a time
MOST = 4096  # pictures: each is compared with each caption
KS = (1, 5, 10)


def encode_pictures(model: Model, data: Dataset) -> np.ndarray:
    """(M, E): the embeddings of a dataset's pictures, of which the model sees the centre."""
    how = model.preprocessing
    return np.concatenate([
        model.encode_image(normalize(data.images(rows, side=how.image_size) / np.float32(255), how.mean, how.std))
        for rows in parts(len(data), TOGETHER)
    ])  # fmt: skip


def captions_of(data: Dataset) -> tuple[list[str], np.ndarray]:
    """(C captions, each once; bool (M, C): is it one of the picture's?)"""
    texts = list(dict.fromkeys(caption for captions in data.captions for caption in captions))
    place = {text: c for c, text in enumerate(texts)}
    relevant = np.zeros((len(data), len(texts)), bool)
    for m, captions in enumerate(data.captions):
        relevant[m, [place[caption] for caption in captions]] = True
    return texts, relevant


def search_scores(image, text, relevant, ks=KS) -> dict[str, float]:
    """Search both ways: (M, E), (C, E), bool (M, C) -> recall at each k, and ranks."""
    scores: dict[str, float] = {}
    cosines = image @ text.T
    for way, s, r in (("text to image", cosines.T, relevant.T), ("image to text", cosines, relevant)):
        scores |= {f"{way} R@{k}": recall_at_k(s, r, k) for k in ks}
        scores |= {f"{way} median rank": median_rank(s, r), f"{way} MRR": mean_reciprocal_rank(s, r)}
    return scores


def first_hits(model: Model, data: Dataset, texts, relevant) -> dict[str, float]:
    """Recall at 1, both ways, for the log; texts (C, T) token ids, relevant (M, C), see `captions_of`."""
    scores = search_scores(encode_pictures(model, data), model.encode_text(texts), relevant, ks=(1,))
    return {name.replace(" ", "_"): float(score) for name, score in scores.items() if name.endswith("R@1")}


def class_scores(model: Model, image, data: Dataset, templates) -> dict[str, float]:
    """Zero-shot classification among the dataset's classes: image (M, E) -> the share named right."""
    class_names = data.class_names
    if len(class_names) < 2:
        return {}
    nearest = (image @ zero_shot_weights(model, class_names, templates).T).argmax(1)
    return {"zero-shot": Share(class_names[k] in labels for k, labels in zip(nearest, data.labels, strict=True))}


def evaluate_dataset(model: Model, data: Dataset, templates=("{}",)) -> Scores:
    """Every score of a model on pictures of one's own, each beside its baselines: see `evaluate.evaluate`.

    Parameters
    ----------
    model : Model
    data : Dataset
        At least 2 pictures, of which the first 4,096 are used.
    templates : list of str
        For the names of classes, where pictures have some.

    Raises
    ------
    DataError
        For fewer than 2 pictures.
    """
    if len(data) < 2:
        raise DataError(f"there are {len(data)} pictures to test on, expected at least 2")
    data = data[:MOST]
    texts, relevant = captions_of(data)
    rng, order = np.random.default_rng(0), np.random.default_rng(0).permutation(len(data))
    found: dict[str, dict[str, float]] = {}
    for column, scored in (("model", model), ("untrained", untrained(model))):
        image, text = encode_pictures(scored, data), scored.encode_text(texts)
        found[column] = search_scores(image, text, relevant) | class_scores(scored, image, data, templates)
        if column == "model":
            random, _ = normalize_forward(rng.standard_normal(image.shape).astype(image.dtype))
            baselines = {
                name: search_scores(other, text, relevant) | class_scores(model, other, data, templates)
                for name, other in (("shuffled", image[order]), ("chance", random))
            }
    return table_of(found | baselines)
