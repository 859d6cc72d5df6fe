"""A toy CLIP that a learner's own functions train: the loss, and its gradients, are theirs.

The towers, their gradients and AdamW are the package's. In the middle, where the loss is, nothing of it is left.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..data.pairs import Pairs, batch
from ..errors import MiniclipError
from ..machine.signals import interrupts
from ..model import Model
from ..train.clip import CAPS, EVERYTHING, TrainConfig, new_clip
from ..train.loop import Learner, Stage, fit
from ..train.step import Side, embed, image_side, send_back, text_side

PAIRS, STEPS, LOOKS = 64, 1200, 12  # in a batch; in all; rows of the table
SMALL = {"vision_width": 48, "vision_layers": 2, "text_layers": 1, "embed_dim": 32, "peak_lr": 3e-3, "warmup": 100}
CHANCE = 1 / PAIRS


class Unfit(MiniclipError):
    """The functions cannot train anything."""


@dataclass(frozen=True)
class Standing:
    """How far it is: `right` is the share of 64 unseen pictures that find their own caption."""

    step: int
    steps: int
    loss: float
    right: float


def train_toy(loss: Callable, slope: Callable, scale_slope: Callable, told: Callable, steps: int = STEPS) -> Standing:
    """Train with these functions; `told` gets a Standing now and then. Returns the last one: Ctrl-C ends it early.

    loss(I, T, scale) -> a number, as in exercise 4.3; slope(I, T, scale) -> dI (N, d), as in 4.4, which serves both
    sides, since the loss does not change if they change places; scale_slope(I, T, log_scale) -> a number, as in 4.5
    """
    recipe = TrainConfig(steps=steps, batch_size=PAIRS, **SMALL)  # type: ignore[arg-type]
    model = new_clip(recipe)
    unseen = batch(recipe.seed, "A", np.arange(PAIRS), model.tokenizer)

    def objective(step, params):
        pairs = batch(recipe.seed, "train", np.arange(step * PAIRS, (step + 1) * PAIRS), model.tokenizer)
        both = sides(pairs, params, model)
        (image, image_caches), (text, text_caches) = embed(*both)
        I, T, log_scale = image.astype(float), text.astype(float), float(params["logit_scale"])
        scale = np.exp(log_scale)
        dI, dT = (as_gradient(slope(*towers, scale), I.shape) for towers in ((I, T), (T, I)))
        trees = send_back(both, (dI, dT), (image_caches, text_caches))
        dscale = {"logit_scale": as_gradient(scale_slope(I, T, log_scale), ())}
        return as_number(loss(I, T, scale)), [*trees, dscale], {}

    stage = Stage("toy", objective, steps, EVERYTHING, recipe.peak_lr, recipe.warmup, caps=CAPS)
    learner = Learner(stage, model.params)
    with interrupts() as stopped:
        last = Standing(0, steps, objective(0, learner.params)[0], found_own_caption(unseen, learner.params, model))
        told(last)

        def look(row):
            nonlocal last
            if row["step"] % max(1, steps // (5 * LOOKS)) == 0 or row["step"] == steps:
                last = Standing(row["step"], steps, row["loss"], found_own_caption(unseen, learner.params, model))
                told(last)

        fit(learner, look, lambda: stopped[0] if stopped else 0, Silent())
    return last


class Silent:
    """A progress bar for `fit` that shows nothing: there is another one."""

    def set_description(self, text):
        pass

    def set_postfix(self, **values):
        pass

    def update(self, cost):
        pass


def sides(pairs: Pairs, params, model: Model) -> list[Side]:
    """The pictures and the captions of a batch."""
    return [image_side(pairs.images, params, model.config), text_side(pairs.ids, params, model.config)]


def found_own_caption(pairs: Pairs, params, model: Model) -> float:
    """How many pictures are nearest to their own caption."""
    (image, _), (text, _) = embed(*sides(pairs, params, model))
    return float(((image @ text.T).argmax(1) == np.arange(len(image))).mean())


def as_gradient(value, shape) -> np.ndarray:
    """A gradient in the numbers of the model, if it has the right shape."""
    value = np.asarray(value, np.float32)
    if value.shape != shape:
        raise Unfit(f"the gradient has shape {value.shape}, expected {shape}")
    return value


def as_number(value) -> float:
    """A loss or a slope as a plain float, whatever array it came in."""
    return float(np.asarray(value, float).reshape(()))


def belongs(loss: Callable, slope: Callable, scale_slope: Callable) -> tuple[float, float]:
    """(measured, claimed): how the loss changes along a direction, and what its gradients say about it."""
    rng = np.random.default_rng(0)
    I, T, dI, dT = rng.normal(size=(4, 8, 6))
    log_scale, h = 1.5, 1e-4

    def moved(t):
        return as_number(loss(I + t * dI, T + t * dT, np.exp(log_scale + t)))

    measured = (moved(h) - moved(-h)) / (2 * h)
    scale = np.exp(log_scale)
    claimed = (dI * slope(I, T, scale)).sum() + (dT * slope(T, I, scale)).sum()
    return measured, float(claimed) + as_number(scale_slope(I, T, log_scale))
