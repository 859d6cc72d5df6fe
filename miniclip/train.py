"""Training, in full view: the recipe, one step, the loop, and what makes it safe to stop."""

import json
import os
import platform
import signal
import warnings
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
import safetensors.numpy
from tqdm import tqdm

from .checkpoint import load, model_files, parse_tensors
from .data.captions import pointwise_information
from .data.grammar import vocabulary
from .data.pairs import batch
from .data.tokenizer import CONTEXT_LENGTH, Tokenizer
from .data.world import IMAGE_SIZE, sample_scenes
from .errors import CheckpointError, ConfigError, MiniclipError, TrainingDiverged
from .memory import keep_freed_memory
from .model import Model
from .models.clip import MAX_LOGIT_SCALE, ClipConfig, clip_backward, clip_forward, init_clip
from .models.text import TextConfig
from .models.vision import VisionConfig
from .nn.losses import caption_floor, chance_loss, info_nce_backward, info_nce_forward, temperature_floor
from .nn.optim import AdamW, clip_by_global_norm, decay_mask, warmup_cosine
from .nn.tree import flatten, from_vector, pack, to_vector
from .storage import commit, encode_json, lock, parse_json, read_verified
from .tasks.evaluate import zero_shot_accuracy

TRAINING, RECIPE, LOG = "training.safetensors", "training.json", "metrics.jsonl"
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
                raise ConfigError(f"{field.name} is {value!r}, expected {'a whole number' if kind is int else 'a number'}"
                                  f" of at least {low:g}")  # fmt: skip
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


@dataclass
class State:
    """All that changes during a run. Item i of the data is a function of (seed, i): `step` is our place in it."""

    theta: np.ndarray
    optimizer: AdamW
    step: int
    log: list[dict]


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
        raise Interrupted(caught[0], f"stopped at step {state.step} of {recipe.steps}, saved in {folder}: continue with "
                          f"`miniclip train --out {folder} --resume`")  # fmt: skip
    return load(folder)


def train_step(state: State, recipe: TrainConfig, model: Model, reference) -> dict:
    """Draw a batch, descend once, keep the scale in bounds; the returned row is logged every `log_every` steps."""
    step, B, params = state.step, recipe.batch_size, model.params
    pairs = batch(recipe.seed, "train", np.arange(step * B, (step + 1) * B), model.tokenizer)
    loss, grads, accuracy = loss_and_gradients(pairs.images, pairs.tokens, params, model.config)
    gradient, norm = clip_by_global_norm(to_vector(grads, like=params), recipe.max_grad_norm)
    if not np.isfinite(loss + norm):
        bad = [name for name, leaf in flatten(grads).items() if not np.isfinite(leaf).all()]
        raise TrainingDiverged(
            f"step {step}: the loss is {loss} and {f'the gradient of {bad[0]}' if bad else 'its gradient'} is not finite; "
            f"the last save is intact: try a lower --peak-lr (now {recipe.peak_lr:g}) or a longer --warmup"
        )
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


def environment() -> dict[str, str]:
    """What bit-for-bit equality depends on, besides the seed: the machine, the libraries and the thread count."""
    threads = os.environ.get("OPENBLAS_NUM_THREADS") or os.environ.get("OMP_NUM_THREADS") or str(os.cpu_count())
    return {
        "machine": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "numpy": np.__version__,
        "blas_threads": threads,
    }


def fresh_state(folder: Path, recipe: TrainConfig, like) -> State:
    """Step 0, in a folder that holds no run yet."""
    others = sorted(path.name for path in folder.iterdir() if path.name != ".lock" and path.suffix != ".tmp")
    if others:
        raise CheckpointError(
            f"{folder} is not empty (it holds {others[0]}): continue that run with --resume, or choose another --out"
        )
    theta, params = pack(like)
    return State(theta, AdamW(theta, decay_mask(params), decay=recipe.weight_decay), step=0, log=[])


def run_files(state: State, recipe: TrainConfig, model: Model) -> dict[str, bytes]:
    """Every file of the run folder. The training state comes first and alone suffices to make the others."""
    optimizer = state.optimizer
    about = {"recipe": asdict(recipe), "environment": environment(), "step": state.step}
    tensors = {"theta": state.theta, "m": optimizer.m, "v": optimizer.v}
    lines = "".join(json.dumps(row, allow_nan=False) + "\n" for row in state.log)
    return {
        TRAINING: safetensors.numpy.save(tensors, {"about": json.dumps(about), "log": lines}),
        **model_files(model.params, model.config, model.tokenizer),
        RECIPE: encode_json(about),
        LOG: lines.encode(),
    }


def load_state(folder: Path, recipe: TrainConfig, like) -> State:
    """The state of the last save, after checking that the same recipe made it."""
    path = folder / TRAINING
    data = read_verified(folder, TRAINING)
    tensors, metadata = parse_tensors(data, path), parse_metadata(data, path)
    about = parse_json(metadata["about"].encode(), path)
    ours, theirs = asdict(recipe), about["recipe"]
    changed = [f"{key} {theirs.get(key)!r} -> {ours.get(key)!r}" for key in ours | theirs if ours.get(key) != theirs.get(key)]
    if changed:
        raise CheckpointError(f"{folder} was begun with another recipe ({', '.join(changed)}): resume with the same one")
    moved = [f"{key} {value} -> {environment()[key]}" for key, value in about["environment"].items()
             if value != environment()[key]]  # fmt: skip
    if moved:
        warnings.warn(f"{folder} was begun elsewhere ({', '.join(moved)}): the last digits may differ", stacklevel=3)
    theta, params = pack(like)
    if any(tensors[name].shape != theta.shape for name in ("theta", "m", "v")):
        raise CheckpointError(f"{path} does not fit the recipe: expected vectors of {theta.size} numbers")
    optimizer = AdamW(theta, decay_mask(params), decay=recipe.weight_decay)
    optimizer.m, optimizer.v, optimizer.t = tensors["m"], tensors["v"], about["step"]
    log = [json.loads(line) for line in metadata["log"].splitlines()]
    return State(tensors["theta"], optimizer, about["step"], log)


def parse_metadata(data: bytes, path: Path) -> dict[str, str]:
    """The strings in the header of a safetensors file: a length (8 bytes, little-endian), then JSON."""
    length = int.from_bytes(data[:8], "little")
    return parse_json(data[8 : 8 + length], path)["__metadata__"]


class Interrupted(MiniclipError):
    """A signal asked the run to stop; it was saved first."""

    def __init__(self, number: int, message: str):
        super().__init__(message)
        self.exit_code = 128 + number


@contextmanager
def interrupts():
    """A list that receives SIGINT or SIGTERM instead of the process: the loop looks at it between two steps."""
    caught: list[int] = []
    try:
        before = {number: signal.signal(number, lambda n, _: caught.append(n)) for number in (signal.SIGINT, signal.SIGTERM)}
    except ValueError:  # signals reach the main thread only: on another thread there is nothing to catch
        before = {}
    try:
        yield caught
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def read_log(folder) -> list[dict]:
    """The rows of a run's metrics.jsonl; a CheckpointError if it is missing or damaged."""
    folder = Path(folder)
    return [parse_json(line, folder / LOG) for line in read_verified(folder, LOG).splitlines()]
