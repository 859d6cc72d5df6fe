"""What a run leaves behind and resumes from, and what stops it gently."""

import json
import os
import platform
import signal
import warnings
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import safetensors.numpy

from ..errors import CheckpointError, MiniclipError
from ..model import Model
from ..nn.optim import AdamW, decay_mask
from ..nn.tree import pack
from .checkpoint import model_files, parse_tensors
from .storage import MANIFEST, encode_json, parse_json, read_verified

TRAINING, RECIPE, LOG = "training.safetensors", "training.json", "metrics.jsonl"


@dataclass
class State:
    """All that changes during a run. Item i of the data is a function of (seed, i): `step` is our place in it."""

    theta: np.ndarray
    optimizer: AdamW
    step: int
    log: list[dict]


def environment() -> dict[str, str]:
    """What bit-for-bit equality depends on, besides the seed: the machine, the libraries and the thread count."""
    threads = os.environ.get("OPENBLAS_NUM_THREADS") or os.environ.get("OMP_NUM_THREADS") or str(os.cpu_count())
    return {
        "machine": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "numpy": np.__version__,
        "blas_threads": threads,
    }


def new_state(recipe, like, dtype=np.float32) -> State:
    """Step 0, with the given initial weights."""
    theta, params = pack(like, dtype)
    return State(theta, AdamW(theta, decay_mask(params), decay=recipe.weight_decay), step=0, log=[])


def fresh_state(folder: Path, recipe, like) -> State:
    """Step 0, in a folder that holds no run yet."""
    others = sorted(path.name for path in folder.iterdir() if path.name != ".lock" and path.suffix != ".tmp")
    if others and others != [MANIFEST]:  # a first save that was killed may leave its manifest, and nothing to resume
        raise CheckpointError(
            f"{folder} is not empty (it holds {others[0]}): continue that run with --resume, or choose another --out"
        )
    return new_state(recipe, like)


def run_files(state: State, recipe, model: Model, here: dict[str, str]) -> dict[str, bytes]:
    """Every file of the run folder, made `here`; the training state, first, suffices to make the others."""
    optimizer = state.optimizer
    about = {"recipe": asdict(recipe), "environment": here, "step": state.step}
    tensors = {"theta": state.theta, "m": optimizer.m, "v": optimizer.v}
    lines = "".join(json.dumps(row, allow_nan=False) + "\n" for row in state.log)
    return {
        # One entry: safetensors writes several in an order that changes from call to call.
        TRAINING: safetensors.numpy.save(tensors, {"about": json.dumps(about | {"log": state.log}, allow_nan=False)}),
        **model_files(model.params, model.config, model.tokenizer),
        RECIPE: encode_json(about),
        LOG: lines.encode(),
    }


def load_state(folder: Path, recipe, like, here: dict[str, str]) -> State:
    """The state of the last save, after checking that the same recipe made it; a warning if it was made elsewhere."""
    path = folder / TRAINING
    data = read_verified(folder, TRAINING)
    tensors, about = parse_tensors(data, path), parse_metadata(data, path)
    ours, theirs = asdict(recipe), about["recipe"]
    changed = [
        f"{key} {theirs.get(key)!r} -> {ours.get(key)!r}" for key in ours | theirs if ours.get(key) != theirs.get(key)
    ]
    if changed:
        raise CheckpointError(
            f"{folder} was begun with another recipe ({', '.join(changed)}): resume with the same one"
        )
    moved = [f"{key} {value} -> {here.get(key)}" for key, value in about["environment"].items()
             if value != here.get(key)]  # fmt: skip
    if moved:
        warnings.warn(f"{folder} was begun elsewhere ({', '.join(moved)}): the last digits may differ", stacklevel=3)
    state = new_state(recipe, like)
    for name, vector in (("theta", state.theta), ("m", state.optimizer.m), ("v", state.optimizer.v)):
        found = tensors.get(name)
        if found is None or (found.shape, found.dtype) != (vector.shape, vector.dtype) or not np.isfinite(found).all():
            raise CheckpointError(f"{path}: {name} does not fit the recipe: expected {vector.size} finite float32")
        vector[...] = found
    state.step = state.optimizer.t = about["step"]
    state.log = about["log"]
    return state


def parse_metadata(data: bytes, path: Path) -> dict:
    """What stands beside the tensors in a safetensors file: a length (8 bytes, little-endian), then JSON."""
    length = int.from_bytes(data[:8], "little")
    header = parse_json(data[8 : 8 + length], path)
    about = parse_json(header.get("__metadata__", {}).get("about", "null"), path)
    kinds = {"recipe": dict, "environment": dict, "step": int, "log": list}
    if not isinstance(about, dict) or any(type(about.get(key)) is not kind for key, kind in kinds.items()):
        raise CheckpointError(f"{path} does not say how it was trained: expected {', '.join(kinds)}")
    return about


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
        before = {
            number: signal.signal(number, lambda n, _: caught.append(n)) for number in (signal.SIGINT, signal.SIGTERM)
        }
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
