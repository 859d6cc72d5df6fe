"""What the studies compare, and how each model of them is made: from what, by which stage, for how long."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from ..files.state import TRAINING
from ..files.storage import digest
from ..model import BridgedModel, Describer, Handle, Matcher, Model
from ..nn.tree import flatten
from .backend import NUMPY, Backend
from .clip import TrainConfig, clip_stage, new_clip
from .loop import Stage
from .run import train_stage
from .stages import (
    COCA_STEPS,
    align_stage,
    answer_stage,
    blind_stage,
    bridge_stage,
    coca_stage,
    deaf_stage,
    describe_stage,
    frozen_describe_stage,
    language_stage,
    match_stage,
    new_bridged,
    new_describer,
    new_language_model,
    new_matcher,
    system_stage,
)


@dataclass(frozen=True)
class Training:
    """One model: the models that it needs, what it begins as, its stage, how many steps, and how long one takes."""

    needs: tuple[str, ...]
    begin: Callable  # (seed, *the models it needs) -> the model before the stage
    stage: Callable  # (model, seed, steps, backend) -> Stage
    steps: int
    milliseconds: float  # a step, about, on two cores: for the time left


def as_it_is(seed: int, model: Handle) -> Handle:
    """A stage begins where another one ended."""
    return model


def whole_clip_stage(model: Model, seed: int, n: int, on: Backend) -> Stage:
    """The default recipe, in n steps."""
    return replace(clip_stage(TrainConfig(seed=seed), model, on), steps=n)


def with_decoder(seed: int, clip: Model) -> Describer:
    """A stage begins with a new decoder beside a trained CLIP."""
    return new_describer(clip, seed)


def with_bridge(kind: str) -> Callable[..., BridgedModel]:
    """A stage begins with a new bridge between a trained tower and a trained language model."""
    return lambda seed, tower, language: new_bridged(kind, tower, language, seed)


def as_matcher(seed: int, describer: Describer) -> Matcher:
    """A stage begins with a describer that is to judge."""
    return new_matcher(describer, seed)


ENDS = ("first stage", "language model")  # of a bridge
TRAININGS = {
    "clip": Training((), lambda seed: new_clip(TrainConfig(seed=seed)), whole_clip_stage, TrainConfig().steps, 40),
    # The specialist for captions: image tower and decoder learn to describe, and nothing else.
    "captioner": Training(("clip",), with_decoder, describe_stage, 1000, 95),
    "frozen captioner": Training(("clip",), with_decoder, frozen_describe_stage, 1000, 75),
    "first stage": Training(("clip",), with_decoder, coca_stage, COCA_STEPS, 95),
    # The specialist for questions: it may forget the rest.
    "answerer": Training(("first stage",), as_it_is, answer_stage, 4000, 110),
    "system": Training(("first stage",), as_it_is, system_stage, 4000, 135),
    "deaf": Training(("first stage",), as_it_is, deaf_stage, 400, 35),
    "language model": Training((), new_language_model, language_stage, 5000, 20),
    "blind": Training((), new_language_model, blind_stage, 400, 22),
    "bridge: linear": Training(ENDS, with_bridge("linear"), bridge_stage, 3000, 45),
    "bridge: mlp": Training(ENDS, with_bridge("mlp"), bridge_stage, 3000, 45),
    "bridge: queries, to be asked": Training(ENDS, with_bridge("queries"), align_stage, 3000, 15),
    "bridge: queries": Training(("bridge: queries, to be asked",), as_it_is, bridge_stage, 3000, 35),
    "bridge: queries, not aligned": Training(ENDS, with_bridge("queries"), bridge_stage, 3000, 35),
    "matcher": Training(("first stage",), as_matcher, match_stage, 1500, 60),
}


def in_order(names) -> list[str]:
    """What to train for these models: each once, after all that it needs."""
    ordered: dict[str, None] = {}
    for name in names:
        if name in TRAININGS:
            ordered |= dict.fromkeys((*in_order(TRAININGS[name].needs), name))
    return list(ordered)


def folder_of(study: Path, name: str) -> Path:
    """Where a model of a study lies: "bridge: queries, not aligned" in bridge-queries-not-aligned."""
    return study / name.replace(":", "").replace(",", "").replace(" ", "-")


class Models(dict):
    """The models of a study by name, each in a run folder of its own; one after the other is trained.

    Parameters
    ----------
    folder : Path
        A training that was begun in it goes on; one that is done is only opened.
    seed : int
        Of the initial weights, the training data and the test data.
    clip : Model, optional
        The trained CLIP that all begin with, where it is not trained as well.
    backend : Backend
    bar : tqdm, optional
        Counts milliseconds, over all trainings.
    """

    def __init__(self, folder: Path, seed: int, clip: Model | None, backend: Backend = NUMPY, bar=None):
        super().__init__({"clip": clip} if clip else {})
        self.folder, self.seed, self.backend, self.bar = folder, seed, backend, bar

    def train(self, name: str) -> None:
        """Train a model, from those that it needs."""
        training = TRAININGS[name]
        model = training.begin(self.seed, *(self[need] for need in training.needs))
        stage = training.stage(model, self.seed, training.steps, self.backend)
        stage = replace(stage, cost=training.milliseconds)
        recipe = {"stage": stage.name, "seed": self.seed, "steps": stage.steps, "trained": list(stage.trained),
                  "peak_lr": stage.peak_lr, "begins_with": weights_digest(model)}  # fmt: skip
        folder = folder_of(self.folder, name)
        begun = self.backend.first_decides(lambda: (folder / TRAINING).exists())
        self[name] = train_stage(folder, stage, model, recipe, begun, self.backend, bar=self.bar)


def weights_digest(model: Handle) -> str:
    """A digest of all weights, whatever the order of the tree."""
    leaves = flatten(model.params)
    return digest(b"".join(leaves[name].tobytes() for name in sorted(leaves)))
