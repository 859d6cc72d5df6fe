"""What can be measured of a miniclip that may have a bug: signs, numbers that a healthy one has at their places.

Each group of signs is a function of the seed. What it compares with is computed here, by NumPy alone: a ruler that
bends with what it measures shows nothing.
"""

import math
from collections.abc import Callable

import numpy as np

from ...data.pairs import normalized_images
from ...errors import InputError
from ...model import Model
from ...models.clip import clip_forward
from ...models.text import text_forward, text_trunk_forward
from ...models.vision import patchify_forward, vision_forward
from ...nn.gradcheck import directional_error, gradcheck_tree
from ...nn.losses import info_nce_backward, info_nce_forward
from ...nn.ops import attend_forward
from ...nn.tree import flatten
from ...tasks.zero_shot import zero_shot_weights
from ...train.step import loss_and_gradients
from ..domains import NAMES, classes_of
from .evidence_beside import Signs, decoder, learning, scores, shared
from .plain import STEPS, Plain, new_plain, train_plain

PICTURES = 512  # for the zero-shot score, of numbers that no training has
LAST = 20  # steps whose mean is the last loss
PARTS = range(0, 100, 5)  # of the training, in per cent: where the curve of the loss is read
# A tensor's place in the model: the first of these that its name contains.
KINDS = {"token_embedding": "words", "positional_embedding": "positions", "patch_embedding": "patches",
         "class_embedding": "class token", "ln_": "layer norms", "attn": "attention", "mlp": "MLP",
         "proj": "projections", "logit_scale": "temperature"}  # fmt: skip


def loss_at(part: int) -> str:
    """The name of a sign: the mean loss of five steps after a part of the training, in per cent."""
    return f"loss at {part} %"


def training(seed: int, steps: int = STEPS) -> Signs:
    """A short one: the loss beside its floor and chance; the scale, the gradient, lengths, the score."""
    source, model, rows = train_plain(seed, steps)
    losses, norms = [row["loss"] for row in rows], [row["gradient_norm"] for row in rows]
    signs = {loss_at(part): float(np.mean(losses[part * len(losses) // 100 :][:5])) for part in PARTS}
    signs |= {
        "last loss": float(np.mean(losses[-LAST:])),
        "floor of the captions": float(np.mean([row["caption_floor"] for row in rows[-LAST:]])),
        "chance": rows[0]["chance"],
        "first scale": rows[0]["scale"],
        "last scale": rows[-1]["scale"],
        "gradient's length at first": float(np.mean(norms[:5])),
        "gradient's length at last": float(np.mean(norms[-LAST:])),
        "first rate over the highest": rows[0]["learning_rate"] / max(row["learning_rate"] for row in rows),
        "steps": float(len(rows)),
    }
    return signs | after_training(source, model)


def of_curve() -> list[str]:
    """The signs that `curve_of` is made of; those of the loss first."""
    others = ("last loss", "floor of the captions", "chance", "steps")
    return [f"training: {name}" for name in (*map(loss_at, PARTS), *others)]


def curve_of(signs: Signs) -> list[dict]:
    """The loss of a training as rows of a log, between chance and the floor of the captions."""
    *losses, last, floor, chance, steps = (signs[sign] for sign in of_curve())
    points = [(max(int(part * steps) // 100, 1), loss) for part, loss in zip(PARTS, losses, strict=True)]
    return [{"step": step, "loss": loss, "chance": chance, "caption_floor": floor}
            for step, loss in [*points, (int(steps), last)]]  # fmt: skip


def after_training(source: Plain, model: Model) -> Signs:
    """The score, and how long embeddings are."""
    scenes = source.scenes(-1 - np.arange(PICTURES))
    images, ids = normalized_images(scenes), model.tokenizer.encode(source.write(scenes))
    (image, text), _ = clip_forward(images, ids, model.params, model.config)
    named = (image @ zero_shot_weights(model, NAMES, ("a {}",)).T).argmax(1)
    return {
        "length of an image's vector": float(np.linalg.norm(image, axis=1).mean()),
        "length of a text's vector": float(np.linalg.norm(text, axis=1).mean()),
        "zero-shot": float((named == classes_of(scenes)).mean()),
    }


def gradients(seed: int) -> Signs:
    """How far a step's are from slopes of the loss, |g - slope| / |g|: the worst of each kind of tensor.

    A tensor of n numbers is checked along one random direction, which has about 1 / sqrt(n) of an error in it.
    """
    source, model = new_plain(seed)
    images, ids, _ = source.pairs(-1 - np.arange(8))
    images, params, leaves = images.astype(float), model.params, flatten(model.params)

    def value() -> float:
        (image, text), _ = clip_forward(images, ids, params, model.config)
        return float(info_nce_forward(image, text, params["logit_scale"])[0])

    _, g, _ = loss_and_gradients(images, ids, params, model.config)
    found = dict.fromkeys(KINDS.values(), 0.0)
    for name, error in gradcheck_tree(value, params, g, np.random.default_rng(seed)).items():
        kind = next(KINDS[part] for part in KINDS if part in name)
        found[kind] = max(found[kind], error * math.sqrt(leaves[name].size))
    return found | {"temperature above 100": slope_above_100(seed)}


def slope_above_100(seed: int) -> float:
    """The same for the temperature alone, where the scale is 150."""
    image, text = unit_vectors(seed), unit_vectors(seed + 1)
    log_scale = np.array(math.log(150.0))
    g = np.array(info_nce_backward(info_nce_forward(image, text, log_scale)[1])[2])
    return directional_error(lambda: float(info_nce_forward(image, text, log_scale)[0]), log_scale, g,
                             np.random.default_rng(seed))  # fmt: skip


def unit_vectors(seed: int, n: int = 6, E: int = 5) -> np.ndarray:
    """(n, E), at random."""
    x = np.random.default_rng(seed).standard_normal((n, E))
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def loss(seed: int) -> Signs:
    """The loss of given embeddings: do both sides count alike?"""
    image, text = unit_vectors(seed), unit_vectors(seed + 1)
    there, back = (info_nce_forward(one, other, 2.0)[0] for one, other in ((image, text), (text, image)))
    return {"changes when the sides change places": float(abs(there - back))}


def towers(seed: int) -> Signs:
    """What of its input an untrained model sees: words, their order, the end; pixels, patches, their order."""
    source, model = new_plain(seed)
    images = source.pairs(-1 - np.arange(8))[0]
    blank, square = np.zeros((2, 1, 32, 32, 3))
    square[:, 8:16, 8:16] = 1.0
    touched = patchify_forward(square, 8)[0] != patchify_forward(blank, 8)[0]
    rng = np.random.default_rng(seed)
    q, k = rng.standard_normal((2, 64, 16, 64))
    favourite = attend_forward(q, k, np.tile(np.eye(16), (64, 1, 1)))[0].max(-1)  # the values tell the weights
    return of_words(model) | {
        "picture moves with the order of its patches": by_order(model, images, rng),
        "patches that a square touches": float(touched.any(-1).sum()),
        "least pixel": float(images.min()),
        "attention that the favourite key gets": float(favourite.mean()),
    }


def of_words(model: Model) -> Signs:
    """What of a caption its vector depends on."""
    ids = model.tokenizer.encode([f"a {name}" for name in NAMES])  # start, a, colour, shape, end, and padding
    words, (features, _) = ids[:, 3], text_forward(ids, model.params["text"], model.config.text)
    apart = np.linalg.norm(features[:, None] - features, axis=-1)
    last_only = (ids[:, None, :3] == ids[:, :3]).all(-1) & (words[:, None] != words)
    followed, another, cut = ids.copy(), ids.copy(), ids.copy()
    followed[:, 5:] = words[:, None]
    another[:, 3], cut[:, 4] = np.roll(words, 1), words
    moved = text_forward(followed, model.params["text"], model.config.text)[0] - features
    places = [text_trunk_forward(some[:1, :5], model.params["text"], model.config.text)[0] for some in (ids, another)]
    return {
        "text moves least with its last word": float(apart[last_only].min()),
        "text moves with what follows its end": float(np.abs(moved).max()),
        "earlier places that a word moves": float((places[0] != places[1]).any(-1)[:, :3].sum()),
        "captions without an end that are read": float(reads(model, cut)),
    }


def reads(model: Model, ids) -> bool:
    """Does the text tower take them?"""
    try:
        text_forward(ids, model.params["text"], model.config.text)
    except InputError:
        return False
    return True


def by_order(model: Model, images, rng) -> float:
    """How far features move, in their own length, when the squares of a picture change places."""
    squares = images.reshape(-1, 4, 8, 4, 8, 3).swapaxes(2, 3).reshape(-1, 16, 8, 8, 3)[:, rng.permutation(16)]
    mixed = squares.reshape(-1, 4, 4, 8, 8, 3).swapaxes(2, 3).reshape(images.shape)
    before, after = (vision_forward(some.astype(float), model.params["visual"], model.config.vision)[0]
                     for some in (images, mixed))  # fmt: skip
    return float(np.linalg.norm(after - before) / np.linalg.norm(before))


GROUPS: dict[str, Callable[[int], Signs]] = {
    "training": training, "gradients": gradients, "loss": loss, "towers": towers, "shared": shared,
    "learning": learning, "decoder": decoder, "scores": scores,
}  # fmt: skip


def signs_of(group: str, seed: int, few: int = 0) -> Signs:
    """The signs of one group, by "group: name"; few: steps of a shorter training."""
    found = training(seed, few) if few and group == "training" else GROUPS[group](seed)
    return {f"{group}: {name}": value for name, value in found.items()}
