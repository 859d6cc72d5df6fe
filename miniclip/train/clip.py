"""CLIP trained on the world: the recipe, its stage, and what the log says beside the loss."""

from dataclasses import asdict, dataclass, fields
from functools import partial

import numpy as np

from ..data.tokenizer import BaseTokenizer
from ..data.world import IMAGE_SIZE
from ..errors import ConfigError, quote
from ..machine.threads import Ahead
from ..model import Model
from ..models.clip import MAX_LOGIT_SCALE, ClipConfig, init_clip
from ..models.text import TextConfig
from ..models.vision import VisionConfig
from .backend import NUMPY, Backend, step_items
from .loop import Stage
from .run import LOG_EVERY, SAVE_EVERY, train_stage
from .sources import Folder, World
from .step import LOSSES, check_loss

LARGEST_FLOOR = 4096  # pairs: every caption is compared with every scene, which a larger batch has no time for
EVERYTHING = ("visual", "text", "logit_scale")
CAPS = {"logit_scale": MAX_LOGIT_SCALE}  # Radford et al. 2021, arXiv:2103.00020, section 2.5


@dataclass(frozen=True)
class TrainConfig:
    """The recipe. `seed` decides everything: the data, the initial weights, and with them the whole run.

    A fifth of the steps warms up, where `warmup` is not given. At once at the full rate, what a tower learns in its
    first steps is chance, and one seed in seven never makes up for it: after 100 steps even 3e-3 cost seed 4 one point
    of A and six of B, and 4e-3 twenty-five and thirty-six; after 500, 5e-3 is the better rate.
    """

    seed: int = 0
    steps: int = 2400
    batch_size: int = 128
    peak_lr: float = 5e-3
    warmup: int = None  # type: ignore[assignment]  # a fifth of the steps
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
    log_every: int = LOG_EVERY
    score_every: int = 500
    save_every: int = SAVE_EVERY
    loss: str = "info_nce"

    def __post_init__(self):
        check_number("steps", self.steps, whole=True)
        if self.warmup is None:
            object.__setattr__(self, "warmup", self.steps // 5)
        for field in fields(self):
            if field.name != "loss":
                check_number(field.name, getattr(self, field.name), whole=field.type is int)
        check_loss(self.loss)
        if self.batch_size < 2:
            raise ConfigError("batch_size is 1: a contrastive loss needs at least 2 pairs")
        if self.warmup >= self.steps:
            raise ConfigError(
                f"warmup is {self.warmup}, expected fewer than steps = {self.steps}: lower one or raise the other"
            )

    def model(self, tokenizer: BaseTokenizer, image_size: int = IMAGE_SIZE) -> ClipConfig:
        """The sizes of both towers. Pictures are the harder half: their tower is the wider one."""
        vision = VisionConfig(image_size, self.patch_size, self.vision_width, self.vision_layers, self.heads)
        text = TextConfig(tokenizer.vocab_size, tokenizer.context_length, self.text_width, self.text_layers, self.heads,
                          eos_token_id=tokenizer.end)  # fmt: skip
        return ClipConfig(vision, text, self.embed_dim, logit_bias="logit_bias" in LOSSES[self.loss].scalars)

    def to_json(self) -> dict:
        """The recipe as it stands in a run. The loss is named where it is not InfoNCE: older runs name none."""
        values = asdict(self)
        if self.loss == "info_nce":
            del values["loss"]
        return values


MAY_BE_ZERO = ("seed", "warmup", "weight_decay", "replay")


def check_number(name: str, value, whole: bool) -> None:
    """A ConfigError unless the value is a number, or a whole one, not too small for what it is and not huge."""
    least = 1 if whole else 1e-12
    low, high, kinds = 0 if name in MAY_BE_ZERO else least, 2**53 - 1, (int,) if whole else (int, float)
    if type(value) not in kinds or not low <= value <= high:
        what = "a whole number" if whole else "a number"
        raise ConfigError(f"{name} is {quote(value)}, expected {what} from {low:g} to {high:g}")


def new_clip(recipe: TrainConfig, source: World | Folder | None = None) -> Model:
    """The model of a recipe before its first step, for pairs of the source, by default the world."""
    source = source or World(recipe.seed)
    config = recipe.model(source.tokenizer, source.preprocessing.image_size)
    params = init_clip(np.random.default_rng([recipe.seed, 0]), config)
    return Model(config, params, source.tokenizer, preprocessing=source.preprocessing)


def clip_stage(recipe: TrainConfig, model: Model, backend: Backend = NUMPY,
               source: World | Folder | None = None) -> Stage:  # fmt: skip
    """Contrast pictures with captions: new pairs in every step, of the source, by default the world."""
    pairs_of = source or World(recipe.seed)

    def draw(step):
        return pairs_of.pairs(backend.items(step, recipe.batch_size))

    drawn = Ahead(draw)

    def objective(step, params):
        images, ids, texts = drawn(step)
        groups = pairs_of.groups(texts) if LOSSES[recipe.loss].shares_positives else None
        return backend.objectives.contrast(images, ids, params, model.config, recipe.replay,
                                           loss=recipe.loss, groups=groups)  # fmt: skip

    trained = (*EVERYTHING, "logit_bias") if model.config.logit_bias else EVERYTHING
    return Stage("train", objective, recipe.steps, trained, recipe.peak_lr, recipe.warmup, recipe.weight_decay,
                 recipe.max_grad_norm, caps=CAPS, prepare=drawn.begin)  # fmt: skip


def train(recipe: TrainConfig, out, resume: bool = False, backend: Backend = NUMPY,
          source: World | Folder | None = None) -> Model:  # fmt: skip
    """Train a CLIP, and leave a run folder.

    Parameters
    ----------
    recipe : TrainConfig
    out : str or Path
        The run folder: new, or with `resume` one that the same recipe began.
    resume : bool
        Continue from the last save, bit for bit as if the run had never stopped.
    backend : Backend
        NumPy, or `miniclip.torch.learner.backend(...)`. A run may change it when it resumes.
    source : World or Folder, optional
        Where the pairs come from; by default the world of `miniclip.data`.

    Returns
    -------
    Model

    Raises
    ------
    CheckpointError, TrainingDiverged, Interrupted
        As `train.run.train_stage`.
    ConfigError
        For a batch with fewer than two pairs for each process.
    """
    backend.check_size(recipe.batch_size)
    source = source or World(recipe.seed)
    model = new_clip(recipe, source)
    stage, complete = clip_stage(recipe, model, backend, source), partial(log_row, recipe, source)
    about = recipe.to_json() | source.about
    return train_stage(out, stage, model, about, resume, backend, complete, recipe.log_every, recipe.save_every,
                       beside=source.files)  # fmt: skip


def log_row(recipe: TrainConfig, source: World | Folder, row: dict, now) -> dict:
    """A line of the log: the row, what its loss can be compared with, and now and then what the model can do."""
    names = ("step", "learning_rate", "loss", "scale", "bias", "gradient_norm", "accuracy")
    known = floors(recipe, row["step"] - 1, row["scale"], source)
    line = {name: row[name] for name in names if name in row} | known
    if row["step"] == recipe.steps or row["step"] % recipe.score_every == 0:
        line |= source.scores(now())
    return line


def floors(recipe: TrainConfig, step: int, scale: float, source: World | Folder | None = None) -> dict:
    """What the loss of a step's pairs can be compared with: chance, and how low it can go."""
    loss, B = LOSSES[recipe.loss], recipe.batch_size
    known = {"chance": loss.chance(B)}
    if loss.temperature_floor:
        known["temperature_floor"] = loss.temperature_floor(B, scale)
    if B > LARGEST_FLOOR:
        return known
    information = (source or World(recipe.seed)).information(step_items(step, B))
    return known | {"caption_floor": loss.caption_floor(information)}
