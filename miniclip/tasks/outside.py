"""Is a picture like those that a model was trained on? It answers anyway.

The image tower's tokens of a picture, x, are compared with those of training scenes, of mean m and covariance C:

    d = (x - m) C^-1 (x - m)      Mahalanobis; Lee et al. 2018, arXiv:1807.03888

A picture lies outside where d is larger than that of all but one in a hundred of the scenes that were never trained on.
What looks like a shape of the world, and is read wrongly, does not: d knows noise, writing, five objects at once.
"""

from functools import lru_cache

import numpy as np

from ..data.grammar import vocabulary
from ..data.pairs import normalized_images
from ..data.world import IMAGE_SIZE, sample_scenes
from ..model import Model

REFERENCE = 1024  # scenes, that many of training and as many others
FALSE_ALARMS = 0.01
RIDGE = 1e-3  # of the mean variance: added to each, so that C can be inverted


def outside(model, images) -> np.ndarray | None:
    """Which pictures lie outside of what a model was trained on.

    Parameters
    ----------
    model : Model, Describer or BridgedModel
    images : float array (B, Y, X, C)
        Normalised, as `miniclip.preprocess` returns them.

    Returns
    -------
    bool array (B,), or None where the model has another vocabulary than the world of `miniclip.data`: it was trained on
    something else
    """
    words = getattr(model.tokenizer if isinstance(model, Model) else model.decoder_tokenizer, "words", ())
    if model.image_size != IMAGE_SIZE or not set(vocabulary()) <= set(words):
        return None
    reference, limit = known_region(model)
    return mahalanobis(features(model, images), reference) > limit


@lru_cache(maxsize=2)  # models that were asked last
def known_region(model) -> tuple[np.ndarray, float]:
    """The features of scenes of training, and how far from them nearly all others lie."""
    seen, unseen = ("train", "A") if type(model) is Model else ("many", "D")
    reference, others = (features(model, scene_images(split)) for split in (seen, unseen))
    return reference, float(np.quantile(mahalanobis(others, reference), 1 - FALSE_ALARMS))


def scene_images(split: str) -> np.ndarray:
    """The first pictures of a split, whatever seed a model was trained with: all seeds draw from the same world."""
    return normalized_images(sample_scenes(0, split, np.arange(REFERENCE)))


def features(model, images) -> np.ndarray:
    """(B, 2 D) float64: the class token, and the mean of the patches' tokens."""
    tokens = model.memory(images).astype(np.float64)
    return np.concatenate([tokens[:, 0], tokens[:, 1:].mean(1)], axis=1)


def mahalanobis(x, reference) -> np.ndarray:
    """(x - m) C^-1 (x - m), with the mean and covariance of `reference`: (B, F), (N, F) -> (B,)"""
    covariance = np.cov(reference.T)
    covariance += RIDGE * covariance.trace() / len(covariance) * np.eye(len(covariance))
    x = x - reference.mean(0)
    return (x * np.linalg.solve(covariance, x.T).T).sum(1)
