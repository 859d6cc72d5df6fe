"""Training, in full view: the recipe, one step, the loop, and what makes it safe to stop."""

import math
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ..data.captions import pointwise_information, write_captions
from ..data.grammar import vocabulary
from ..data.pairs import batch
from ..data.tokenizer import CONTEXT_LENGTH, Tokenizer
from ..data.world import IMAGE_SIZE, sample_scenes
from ..errors import ConfigError, TrainingDiverged
from ..files.checkpoint import load
from ..files.state import Interrupted, State, environment, fresh_state, interrupts, load_state, run_files
from ..files.storage import commit, lock, read_manifest
from ..machine.memory import keep_freed_memory
from ..model import Model
from ..models.clip import MAX_LOGIT_SCALE, ClipConfig, init_clip
from ..models.text import TextConfig
from ..models.vision import VisionConfig
from ..nn.losses import caption_floor, chance_loss, temperature_floor
from ..nn.optim import clip_by_global_norm, warmup_cosine
from ..nn.tree import flatten, from_vector, to_vector
from ..tasks.evaluate import zero_shot_accuracy
from .step import loss_and_gradients, replayed_loss_and_gradients

LARGEST_FLOOR = 4096  # pairs: every caption is compared with every scene, which a larger batch has no time for
REFERENCE = 2048  # scenes that stand for "any scene" in the caption floor


@dataclass(frozen=True)
class TrainConfig:
    """The recipe. `seed` decides everything: the data, the initial weights, and with them the whole run."""

    seed: int = 0
    steps: int = 2000
    batch_size: int = 128
    peak_lr: float = 3e-3
    warmup: int = 100
    weight_decay: float = 0.1
    max_grad_norm: float = 1.0
    patch_size: int = 8
    vision_width: int = 72
    vision_layers: int = 3
    text_width: int = 48
    text_layers: int = 2
    heads: int = 8
    embed_dim: int = 64
    replay: int = 0  # pairs in a part of the batch that is computed twice, to save memory; 0: the batch is not replayed
    log_every: int = 20
    score_every: int = 500
    save_every: int = 250

    def __post_init__(self):
        for field in fields(self):
            value, kind = getattr(self, field.name), field.type
            low = 0 if field.name in ("seed", "warmup", "weight_decay", "replay") else 1 if kind is int else 1e-12
            if type(value) not in ((int,) if kind is int else (int, float)) or not low <= value < 2**53:
                what = "a whole number" if kind is int else "a number"
                raise ConfigError(f"{field.name} is {value!r}, expected {what} of at least {low:g}")
        if self.batch_size < 2:
            raise ConfigError("batch_size is 1: a contrastive loss needs at least 2 pairs")
        if self.warmup >= self.steps:
            raise ConfigError(f"warmup is {self.warmup}, expected fewer than steps = {self.steps}")

    def model(self, tokenizer: Tokenizer) -> ClipConfig:
        """The sizes of both towers. Pictures are the harder half: their tower is the wider one."""
        vision = VisionConfig(IMAGE_SIZE, self.patch_size, self.vision_width, self.vision_layers, self.heads)
        text = TextConfig(tokenizer.vocab_size, CONTEXT_LENGTH, self.text_width, self.text_layers, self.heads,
                          eos_token_id=Tokenizer.end)  # fmt: skip
        return ClipConfig(vision, text, self.embed_dim)


class NumpyLearner:
    """What the loop asks of a backend: `start` from a state, `descend` a batch, `sync` what was learned into the state.

    `agree` is for backends of many processes: there a signal that reached one of them must stop all at the same step.
    """

    backend, reports = "numpy", True

    def start(self, state: State, recipe: TrainConfig, model: Model) -> None:
        self.state, self.recipe, self.model = state, recipe, model

    def descend(self, indices, lr: float) -> dict:
        """Draw the pairs with these numbers and make one step downhill; returns what the log wants to know."""
        pairs = batch(self.recipe.seed, "train", indices, self.model.tokenizer)
        return self.step(pairs.images, pairs.tokens, lr)

    def step(self, images, ids, lr: float) -> dict:
        """Loss, gradients, clipping, AdamW; then the scale is kept in bounds."""
        recipe, params = self.recipe, self.model.params
        gradients = partial(replayed_loss_and_gradients, part=recipe.replay) if recipe.replay else loss_and_gradients
        loss, grads, accuracy = gradients(images, ids, params, self.model.config)
        gradient, norm = clip_by_global_norm(to_vector(grads, like=params), recipe.max_grad_norm)
        if not math.isfinite(loss + norm):
            raise diverged(self.state.step, loss, grads, recipe)
        scale = float(np.exp(params["logit_scale"]))
        self.state.optimizer.step(self.state.theta, gradient, lr)
        # After the step: a clamp in the forward has no gradient above the cap, and the scale would never come back.
        np.minimum(params["logit_scale"], MAX_LOGIT_SCALE, out=params["logit_scale"])
        return {"loss": loss, "scale": scale, "gradient_norm": norm, "accuracy": accuracy}

    def sync(self) -> None:
        """Nothing to do: the optimiser moves `state.theta` itself, and the model's tensors are views into it."""

    def agree(self, caught: list[int]) -> bool:
        """Is it time to stop?"""
        return bool(caught)


def diverged(step: int, loss: float, grads, recipe: TrainConfig) -> TrainingDiverged:
    """The error for a loss or a gradient that is not finite: it names the first tensor at fault."""
    bad = [name for name, leaf in flatten(grads).items() if not np.isfinite(leaf).all()]
    bad.sort(key="logit_scale".__eq__)  # it follows any other
    where = f"the gradient of {bad[0]}" if bad else "the gradient's norm"
    return TrainingDiverged(
        f"step {step}: the loss is {loss} and {where} is not finite; the last save is intact: "
        f"try a lower --peak-lr (now {recipe.peak_lr:g}) or a longer --warmup"
    )


def train(recipe: TrainConfig, out, resume: bool = False, learner=None) -> Model:
    """Train a CLIP on the world of `miniclip.data` and leave a run folder.

    Parameters
    ----------
    recipe : TrainConfig
    out : str or Path
        The run folder: new, or with `resume` one that the same recipe began.
    resume : bool
        Continue from the last save, bit for bit as if the run had never stopped.
    learner : NumpyLearner or miniclip.torch.train.TorchLearner
        The backend; the default is NumPy. A run may change it when it resumes.

    Returns
    -------
    Model

    Raises
    ------
    CheckpointError
        If the folder holds a run already (without `resume`), none (with it), is in use, or cannot be written.
    TrainingDiverged
        If a loss or gradient is not finite; the last save is intact.
    Interrupted
        After Ctrl-C or SIGTERM; the run was saved first.
    """
    keep_freed_memory()
    folder, learner = Path(out), learner or NumpyLearner()
    here = environment() | {"backend": learner.backend}
    model, like = untrained(recipe)
    if resume and not folder.is_dir():
        read_manifest(folder)  # says what is wrong before anything is made
    with lock(folder), interrupts() as caught:
        state = load_state(folder, recipe, like, here) if resume else fresh_state(folder, recipe, like)
        model.params = from_vector(state.theta, like)

        def save():
            learner.sync()
            commit(folder, run_files(state, recipe, model, here))

        learner.start(state, recipe, model)
        save()
        run_steps(learner, state, recipe, model, caught, save)
        save()
    if caught:
        where = f"stopped at step {state.step} of {recipe.steps}, saved in {folder}"
        raise Interrupted(caught[0], f"{where}: give the same command again, with --resume")
    return load(folder)


def untrained(recipe: TrainConfig):
    """The model of a recipe, and its initial weights as a tree of float64 arrays."""
    tokenizer = Tokenizer(vocabulary())
    config = recipe.model(tokenizer)
    like = init_clip(np.random.default_rng([recipe.seed, 0]), config)
    return Model(config, like, tokenizer), like


def run_steps(learner, state: State, recipe: TrainConfig, model: Model, caught, save, silent=None) -> None:
    """Step after step, until the recipe is done or a signal was caught, with a bar and with saves on the way."""
    with tqdm(total=recipe.steps, initial=state.step, unit="step", disable=silent) as bar:
        while state.step < recipe.steps and not learner.agree(caught):
            row = train_step(learner, state, recipe, model)
            bar.update()
            bar.set_postfix(loss=f"{row['loss']:.3f}", scale=f"{row['scale']:.1f}",
                            images_s=int(recipe.batch_size * (bar.format_dict["rate"] or 0)))  # fmt: skip
            if state.step % recipe.save_every == 0:
                save()


def train_step(learner, state: State, recipe: TrainConfig, model: Model) -> dict:
    """One step; the returned row is logged every `log_every` steps."""
    step, B = state.step, recipe.batch_size
    indices = np.arange(step * B, (step + 1) * B)
    lr = warmup_cosine(step, recipe.steps, recipe.warmup, recipe.peak_lr)
    row = {"step": step + 1, "learning_rate": lr} | learner.descend(indices, lr)
    state.step += 1
    last = state.step == recipe.steps
    if learner.reports and (last or state.step % recipe.log_every == 0):
        row |= floors(recipe, indices, row["scale"])
        if last or state.step % recipe.score_every == 0:
            learner.sync()
            row |= {f"zero_shot_{split}": zero_shot_accuracy(model, recipe.seed, split) for split in "AB"}
        state.log.append(row)
    return row


def floors(recipe: TrainConfig, indices, scale: float) -> dict:
    """What the loss of these pairs can be compared with: chance, and how low it can go."""
    known = {"chance": chance_loss(len(indices)), "temperature_floor": temperature_floor(len(indices), scale)}
    if len(indices) > LARGEST_FLOOR:
        return known
    scenes = sample_scenes(recipe.seed, "train", indices)
    reference = sample_scenes(recipe.seed, "train", -1 - np.arange(REFERENCE))
    information = pointwise_information(write_captions(scenes), scenes, reference)
    return known | {"caption_floor": caption_floor(information)}
