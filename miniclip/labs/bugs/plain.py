"""The smallest CLIP that learns what a learner can check: large shapes of one style, and "a red circle" said of them.

A healthy one names at least 99 of 100 pictures of 51 classes rightly after 200 steps of 64 pairs, in some three seconds
of one core: so it was with each of the seeds 10 to 25.
"""

import math
from contextlib import suppress
from dataclasses import replace

import numpy as np

from ...data.world import SIZES, Scenes
from ...errors import TrainingDiverged
from ...model import Model
from ...nn.floors import duplicate_floor
from ...train.clip import TrainConfig, clip_stage, new_clip
from ...train.loop import Learner, fit
from ...train.sources import World
from ..domains import NAMES, classes_of

STEPS, FEW = 200, 120


class Plain(World):
    """Pairs of a picture and its class."""

    def scenes(self, numbers) -> Scenes:
        scenes = super().scenes(numbers)
        large = np.where(scenes.size < 0, -1, SIZES.index("large"))
        return replace(scenes, size=large, style=np.zeros_like(scenes.style))

    def write(self, scenes: Scenes) -> list[str]:
        return [f"a {NAMES[k]}" for k in classes_of(scenes)]


def plain_recipe(seed: int, steps: int = STEPS) -> TrainConfig:
    """Towers of one block."""
    return TrainConfig(seed=seed, steps=steps, batch_size=64, peak_lr=7e-3, vision_width=32, vision_layers=1,
                       text_width=32, text_layers=1, heads=8, embed_dim=32)  # fmt: skip


def new_plain(seed: int) -> tuple[Plain, Model]:
    """The pairs, and the model before its first step."""
    source = Plain(seed)
    return source, new_clip(plain_recipe(seed), source)


def train_plain(seed: int, steps: int = STEPS) -> tuple[Plain, Model, list[dict]]:
    """The pairs, the trained model, and a row of the log for each step: fewer where a number was no longer finite.

    A row knows chance, and the floor that the step's captions leave.
    """
    source, model = new_plain(seed)
    recipe, rows = plain_recipe(seed, steps), list[dict]()
    B, learner = recipe.batch_size, Learner(clip_stage(recipe, model, source=source), model.params)

    def keep(row):
        texts = source.write(source.scenes((row["step"] - 1) * B + np.arange(B)))
        rows.append(row | {"chance": math.log(B), "caption_floor": float(duplicate_floor(texts))})

    with suppress(TrainingDiverged):
        fit(learner, keep)
    return source, model.with_params(learner.params), rows
