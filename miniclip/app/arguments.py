"""Arguments that several commands have, and what they stand for."""

import os
from argparse import ArgumentTypeError
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

from ..errors import CheckpointError, ConfigError, InputError, quote
from ..machine.disk import new_file
from ..machine.terminal import path

# Names written down a second time, since whoever asks for help should not wait for NumPy; a test compares them.
LOSS_NAMES = ("info_nce", "multi_positive", "sigmoid")
STUDY_NAMES = ("captioning", "vqa", "bridge", "system", "fusion", "seeds")
TEMPLATE_NAMES = ("world", "plain", "clip7", "clip80")
LAB_NAMES = (
    "templates",
    "ensemble",
    "descriptions",
    "out-of-domain",
    "fine-tune",
    "label-economy",
    "bias",
    "unsaid",
    "understanding",
    "batch-size",
    "hard-negatives",
    "noisy-web",
    "scaling",
    "broken",
)
METHOD_NAMES = ("integrated_gradients", "gradient_x_input", "gradient", "attention_rollout")
INDEX_KINDS = ("exact", "hnsw", "ivf")
MOST_SEEDS = 1000


def add_run(parser) -> None:
    """RUN, for `open_run`."""
    said = "a run folder, or the name of one in the package: default, system, bridge"
    parser.add_argument("run", type=path, metavar="RUN", help=said)


def open_run(name: str):
    """The CLIP of a run folder, or the one that comes with the package."""
    from ..files.checkpoint import load
    from ..model import Model

    model = load(name)
    if not isinstance(model, Model):
        raise InputError(f"{quote(name)} is a {model.kind}, expected a CLIP: name another run")
    return model


def run_name(name: str) -> str:
    """What opens the same run from anywhere: its name, or its whole path."""
    from ..files.checkpoint import SHIPPED, run_folder

    return name if name in SHIPPED or not os.path.lexists(name) else str(run_folder(name).resolve())


def open_writer(name: str):
    """The model of a run folder that writes words about pictures; of those in the package, only the system does."""
    from ..files.checkpoint import load
    from ..model import BridgedModel, Describer

    model = load("system" if name == "default" else name)
    if not isinstance(model, BridgedModel | Describer):
        found = f"{quote(name)} is a {model.kind}"
        raise InputError(f"{found}, expected one that sees and writes: `miniclip study system` makes one")
    return model


def open_describer(name: str):
    """The same, but one that describes, and can show where it looked."""
    from ..model import Describer

    model = open_writer(name)
    if not isinstance(model, Describer):
        raise InputError(f"{quote(name)} answers and has not learned to describe: `miniclip ask` opens it")
    return model


def open_matcher(name: str):
    """The fusion encoder of a run folder."""
    from ..files.checkpoint import load
    from ..model import Matcher

    model = load(name)
    if not isinstance(model, Matcher):
        found = f"{quote(name)} is a {model.kind}"
        raise InputError(f"{found}, expected a fusion encoder: `miniclip study fusion` makes one")
    return model


def add_seed(parser, what: str) -> None:
    """--seed, a whole number that the data can have."""
    parser.add_argument("--seed", type=seed, default=0, metavar="N", help=f"{what} (default: %(default)s)")


def seed(text: str) -> int:
    """A seed from the command line."""
    if not text.isdecimal() or int(text) >= 2**53:
        raise ArgumentTypeError(f"{quote(text)} is no seed, expected a whole number from 0 to 2^53 - 1")
    return int(text)


def seeds(text: str) -> list[int]:
    """Seeds from the command line: 0-9, or 0,3,5."""
    first, dash, last = text.partition("-")
    found = range(seed(first), seed(last) + 1) if dash else [seed(one) for one in text.split(",")]
    if not 0 < len(found) <= MOST_SEEDS or len(set(found)) < len(found):
        raise ArgumentTypeError(f"{quote(text)} are no seeds, expected up to {MOST_SEEDS}, such as 0-9 or 0,3,5")
    return list(found)


PICTURES = (".png", ".svg", ".pdf")


def add_picture(parser, name: str) -> None:
    """--out for a picture, for `save_picture`."""
    said = f"the picture, new: {', '.join(PICTURES)} (default: {name}.png, or {name}-2.png and so on)"
    parser.add_argument("--out", metavar="FILE", type=path, help=said)
    parser.set_defaults(picture=f"{name}.png")


def check_picture(args) -> None:
    """Told before the work begins: whether the picture can be written where --out says."""
    if args.out:
        new_file(args.out, *PICTURES)


def save_picture(args, figure) -> dict:
    """`picture`, where it was written; see `save_shown`."""
    from ..figures import drawn

    return save_shown("picture", args.out, args.picture, lambda target: drawn(figure, target))


def add_page(parser, name: str) -> None:
    """--html for a page, for `save_page`."""
    said = f"write a page too, new: FILE.html (default: {name}.html, or {name}-2.html and so on)"
    parser.add_argument("--html", nargs="?", const=True, metavar="FILE", type=path, help=said)
    parser.set_defaults(page=f"{name}.html")


def check_page(args) -> None:
    """Told before the work begins: whether the page can be written where --html says."""
    if isinstance(args.html, str):
        new_file(args.html, ".html")


def save_page(args, made: Callable[[Path], str]) -> dict:
    """`page`, where it was written, unless none was asked for; made from its path. See `save_shown`."""
    if args.html is None:
        return {}
    given = args.html if isinstance(args.html, str) else None
    return save_shown("page", given, args.page, lambda target: made(target).encode("utf-8", "replace"))


def save_shown(what: str, given: str | None, usual: str, made: Callable[[Path], bytes]) -> dict:
    """Where something to look at was written: where it was said, or under the first free name like the usual one.

    Where it could not be, null, and why as `unwritten`: the answer stands alone.
    """
    from ..files.storage import write_free, write_new

    target = Path(given or usual)
    try:
        data = made(target)
        if given:
            write_new(target, data)
        else:
            target = write_free(target, data)
    except (OSError, CheckpointError) as error:
        return {what: None, "unwritten": f"the {what} could not be written: {error}"}
    return {what: given or str(target)}


RECIPE = {  # the numbers of the recipe that can be set, with their types
    "seed": seed, "steps": int, "batch_size": int, "peak_lr": float, "warmup": int, "replay": int,
    "log_every": int, "score_every": int, "save_every": int,
}  # fmt: skip


def add_recipe(parser) -> None:
    """The recipe's options, for `recipe_of`."""
    for name, kind in RECIPE.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=kind, metavar="N", help=name.replace("_", " "))
    parser.add_argument("--loss", choices=LOSS_NAMES, help="(default: info_nce)")


def recipe_of(args):
    """The recipe, with what was given on the command line."""
    from ..train.clip import TrainConfig

    return TrainConfig(**{name: getattr(args, name) for name in (*RECIPE, "loss") if getattr(args, name) is not None})


def add_backend(parser) -> None:
    """The backend's options, for `backend_of`."""
    parser.add_argument("--backend", choices=("numpy", "torch"), default="numpy", help="(default: %(default)s)")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda", "mps"), help="of the torch backend (default: auto)")
    parser.add_argument("--precision", choices=("fp32", "bf16"), help="of the torch backend (default: fp32)")
    parser.add_argument("--compile", action="store_true", default=None, help="fuse the torch backend's forwards")


def backend_of(args):
    """A context: the backend that was asked for."""
    from ..train.backend import NUMPY

    options = {name: getattr(args, name) for name in ("device", "precision", "compile")}
    given = {name: value for name, value in options.items() if value is not None}
    if args.backend == "torch":
        return import_torch("learner").backend(**given)
    if given:
        raise ConfigError(f"--{next(iter(given))} is for PyTorch, and the backend is numpy: add --backend torch")
    return nullcontext(NUMPY)


def import_torch(name: str):
    """A module of `miniclip.torch`, or a ConfigError that says how to get PyTorch."""
    from importlib import import_module

    try:
        return import_module(f"miniclip.torch.{name}")
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise ConfigError("PyTorch is not installed: pip install 'miniclip[torch]', or use --backend numpy") from error
