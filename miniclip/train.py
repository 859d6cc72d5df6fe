"""Training, in full view: the recipe, one step, the loop, and what makes it safe to stop."""

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from tqdm import tqdm

from .checkpoint import load
from .data.captions import pointwise_information
from .data.grammar import vocabulary
from .data.pairs import batch
from .data.tokenizer import CONTEXT_LENGTH, Tokenizer
from .data.world import IMAGE_SIZE, sample_scenes
from .errors import ConfigError, TrainingDiverged
from .memory import keep_freed_memory
from .model import Model
from .models.clip import MAX_LOGIT_SCALE, ClipConfig, clip_backward, clip_forward, init_clip
from .models.text import TextConfig
from .models.vision import VisionConfig
from .nn.losses import caption_floor, chance_loss, info_nce_backward, info_nce_forward, temperature_floor
from .nn.optim import clip_by_global_norm, warmup_cosine
from .nn.tree import flatten, from_vector, to_vector
from .state import Interrupted, State, fresh_state, interrupts, load_state, run_files
from .storage import commit, lock, read_manifest
from .tasks.evaluate import zero_shot_accuracy

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
    vision_width: int = 96
    vision_layers: int = 2
    text_width: int = 40
    text_layers: int = 2
    heads: int = 4
    embed_dim: int = 64
    log_every: int = 20
    score_every: int = 500
    save_every: int = 250

    def __post_init__(self):
        for field in fields(self):
            value, kind = getattr(self, field.name), field.type
            low = 0 if field.name in ("seed", "warmup", "weight_decay") else 1 if kind is int else 1e-12
            if type(value) not in ((int,) if kind is int else (int, float)) or not low <= value < 2**53:
                what = "a whole number" if kind is int else "a number"
                raise ConfigError(f"{field.name} is {value!r}, expected {what} of at least {low:g}")
        if self.batch_size < 2:
            raise ConfigError("batch_size is 1: a contrastive loss needs at least 2 pairs")
        if self.warmup >= self.steps:
            raise ConfigError(f"warmup is {self.warmup}, expected fewer than steps = {self.steps}")

    def model(self, tokenizer: Tokenizer) -> ClipConfig:
        """The sizes of both towers. Pictures are the harder half: their tower is twice as wide."""
        vision = VisionConfig(IMAGE_SIZE, self.patch_size, self.vision_width, self.vision_layers, self.heads)
        text = TextConfig(tokenizer.vocab_size, CONTEXT_LENGTH, self.text_width, self.text_layers, self.heads,
                          eos_token_id=Tokenizer.end)  # fmt: skip
        return ClipConfig(vision, text, self.embed_dim)


def loss_and_gradients(images, ids, params, config: ClipConfig):
    """One forward and one backward: (loss, gradients as a tree like `params`, share of right matches in the batch)."""
    (image, text), cache = clip_forward(images, ids, params, config)
    loss, loss_cache = info_nce_forward(image, text, params["logit_scale"])
    dimage, dtext, dlogit_scale = info_nce_backward(loss_cache)
    _, grads = clip_backward(dimage, dtext, cache)
    grads["logit_scale"] = dlogit_scale
    _, rows, columns = loss_cache
    truth = np.arange(len(image))
    accuracy = 0.5 * ((rows.argmax(1) == truth).mean() + (columns.argmax(1) == truth).mean())
    return float(loss), grads, float(accuracy)


def train(recipe: TrainConfig, out, resume: bool = False) -> Model:
    """Train a CLIP on the world of `miniclip.data` and leave a run folder.

    Parameters
    ----------
    recipe : TrainConfig
    out : str or Path
        The run folder: new, or with `resume` one that the same recipe began.
    resume : bool
        Continue from the last save, bit for bit as if the run had never stopped.

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
    folder = Path(out)
    tokenizer = Tokenizer(vocabulary())
    config = recipe.model(tokenizer)
    like = init_clip(np.random.default_rng([recipe.seed, 0]), config)
    if resume and not folder.is_dir():
        read_manifest(folder)  # says what is wrong before anything is made
    with lock(folder), interrupts() as caught:
        state = load_state(folder, recipe, like) if resume else fresh_state(folder, recipe, like)
        params = from_vector(state.theta, like)
        model = Model(config, params, tokenizer)

        def save():
            commit(folder, run_files(state, recipe, model))

        save()
        reference = sample_scenes(recipe.seed, "train", -1 - np.arange(REFERENCE))
        with tqdm(total=recipe.steps, initial=state.step, unit="step", disable=None) as bar:
            while state.step < recipe.steps and not caught:
                row = train_step(state, recipe, model, reference)
                bar.update()
                bar.set_postfix(loss=f"{row['loss']:.3f}", scale=f"{row['scale']:.1f}",
                                images_s=int(recipe.batch_size * (bar.format_dict["rate"] or 0)))  # fmt: skip
                if state.step % recipe.save_every == 0:
                    save()
        save()
    if caught:
        how = f"`miniclip train --out {folder} --resume`"
        raise Interrupted(caught[0], f"stopped at step {state.step} of {recipe.steps}, saved: continue with {how}")
    return load(folder)


def train_step(state: State, recipe: TrainConfig, model: Model, reference) -> dict:
    """Draw a batch, descend once, keep the scale in bounds; the returned row is logged every `log_every` steps."""
    step, B, params = state.step, recipe.batch_size, model.params
    pairs = batch(recipe.seed, "train", np.arange(step * B, (step + 1) * B), model.tokenizer)
    loss, grads, accuracy = loss_and_gradients(pairs.images, pairs.tokens, params, model.config)
    gradient = to_vector(grads, like=params)
    if not (np.isfinite(loss) and np.isfinite(gradient).all()):
        bad = [name for name, leaf in flatten(grads).items() if not np.isfinite(leaf).all()]
        where = f"the gradient of {bad[0]}" if bad else "the gradient"
        raise TrainingDiverged(
            f"step {step}: the loss is {loss} and {where} is not finite; the last save is intact: "
            f"try a lower --peak-lr (now {recipe.peak_lr:g}) or a longer --warmup"
        )
    gradient, norm = clip_by_global_norm(gradient, recipe.max_grad_norm)
    scale = float(np.exp(params["logit_scale"]))
    lr = warmup_cosine(step, recipe.steps, recipe.warmup, recipe.peak_lr)
    state.optimizer.step(state.theta, gradient, lr)
    # After the step, not in the forward: a clamp there has no gradient above the cap, and the scale never comes back.
    np.minimum(params["logit_scale"], MAX_LOGIT_SCALE, out=params["logit_scale"])
    state.step += 1
    row = {"step": state.step, "loss": loss, "scale": scale, "learning_rate": lr, "gradient_norm": norm}
    if state.step % recipe.log_every == 0 or state.step == recipe.steps:
        information = pointwise_information(pairs.texts, pairs.scenes, reference)
        row |= {"accuracy": accuracy, "chance": chance_loss(B), "temperature_floor": temperature_floor(B, scale)}
        row |= {"caption_floor": caption_floor(information)}
        if state.step % recipe.score_every == 0 or state.step == recipe.steps:
            row |= {f"zero_shot_{split}": zero_shot_accuracy(model, recipe.seed, split) for split in "AB"}
        state.log.append(row)
    return row
