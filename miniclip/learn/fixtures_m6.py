"""What exercise 6.5 measures: how well templates do with the shipped model, on pictures that it has never seen."""

import math
import warnings
from functools import lru_cache

import numpy as np

PICTURES = 384
FIRST = {"validation": 10_000, "test": 20_000}  # the numbers of the first pictures, in split A of the world


@lru_cache(maxsize=1)
def model():
    from miniclip.files.checkpoint import load

    return load()


@lru_cache(maxsize=2)
def pictures(split):
    """Embeddings (n, E), and the scenes that they show."""
    from miniclip.data.drawing import draw_scenes
    from miniclip.data.pictures import normalize
    from miniclip.data.world import sample_scenes

    scenes = sample_scenes(0, "A", FIRST[split] + np.arange(PICTURES))
    return model().encode_image(normalize(draw_scenes(scenes))), scenes


def labels(kind, split):
    """The class names of a kind, and the number of the right one for each picture."""
    from miniclip.data.grammar import CLASS_NAMES
    from miniclip.data.world import COLOURS, SHAPES

    scenes = pictures(split)[1]
    shape, colour = scenes.shape[:, 0], scenes.colour[:, 0]
    return {
        "pairs": (CLASS_NAMES, shape * len(COLOURS) + colour), "shapes": (SHAPES, shape), "colours": (COLOURS, colour)
    }[kind]  # fmt: skip


@lru_cache(maxsize=256)
def weights(kind, template):
    """One unit vector a class, from a single template."""
    names, _ = labels(kind, "validation")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # words the model does not know
        return model().encode_text([template.replace("{}", name) for name in names])


def measure(kind, templates, split):
    """The ensemble's accuracy, and its loss: the mean of -ln p(right class)."""
    total = np.mean([weights(kind, template) for template in templates], axis=0)
    W = total / np.linalg.norm(total, axis=1, keepdims=True)
    z = math.exp(model().logit_scale) * pictures(split)[0] @ W.T
    right = labels(kind, split)[1]
    loss = np.logaddexp.reduce(z, axis=1) - z[np.arange(len(z)), right]
    return float((z.argmax(axis=1) == right).mean()), float(loss.mean())


def accuracy(kind, template, split):
    if split not in FIRST:
        raise ValueError(f"the split is {split!r}, expected 'validation'")
    if split == "test":
        raise PermissionError("the test pictures are for the last word, not for choosing: use 'validation'")
    return measure(kind, [template], split)[0]


def pairs(template, split="validation"):
    """The accuracy of one template among 64 classes such as "red circle"."""
    return accuracy("pairs", template, split)


def shapes(template, split="validation"):
    """The accuracy of one template among the 8 shapes."""
    return accuracy("shapes", template, split)


def colours(template, split="validation"):
    """The accuracy of one template among the 8 colours."""
    return accuracy("colours", template, split)
