"""What a run resumes from, and its log.

training.safetensors   weights and moments, and as its metadata the recipe, the machine, the step and the log
training.json          the recipe, the machine and the step, for people
metrics.jsonl          the log, for whoever draws it
"""

import json
import os
import platform
import warnings
from pathlib import Path

import numpy as np
import safetensors.numpy

from ..errors import CheckpointError, quote
from .storage import MANIFEST, encode_json, parse_json, read_verified
from .tensors import parse_tensors

TRAINING = "training.safetensors"
RECIPE, LOG = "training.json", "metrics.jsonl"


def environment() -> dict[str, str]:
    """What bit-for-bit equality depends on, besides the seed: the machine, the libraries and the thread count."""
    threads = os.environ.get("OPENBLAS_NUM_THREADS") or os.environ.get("OMP_NUM_THREADS") or str(os.cpu_count())
    return {
        "machine": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "numpy": np.__version__,
        "blas_threads": threads,
    }


def check_fresh(folder: Path) -> None:
    """A CheckpointError if the folder holds something already."""
    others = sorted(path.name for path in folder.iterdir() if path.name != ".lock" and path.suffix != ".tmp")
    if others and others != [MANIFEST]:  # a first save that was killed may leave its manifest, and nothing to resume
        raise CheckpointError(
            f"{quote(folder)} is not empty (it holds {quote(others[0])}): continue that run with --resume, or choose "
            "another --out"
        )


def training_files(vectors, recipe: dict, here: dict[str, str], step: int, log: list[dict]) -> tuple[dict, dict]:
    """(the file that suffices to resume, the files for people), bytes by name."""
    about = {"recipe": recipe, "environment": here, "step": step}
    lines = "".join(json.dumps(row, allow_nan=False) + "\n" for row in log)
    # One entry: safetensors writes several in an order that changes from call to call.
    metadata = {"about": json.dumps(about | {"log": log}, allow_nan=False)}
    return (
        {TRAINING: safetensors.numpy.save(vectors, metadata)},
        {RECIPE: encode_json(about), LOG: lines.encode()},
    )


def read_training(folder: Path, recipe: dict, here: dict[str, str], like) -> tuple[dict, int, list[dict]]:
    """(vectors, step, log) of the last save, after checking that the same recipe made it.

    like: vectors of the right names and sizes. A warning if the run was begun elsewhere.
    """
    path = folder / TRAINING
    data = read_verified(folder, TRAINING)
    tensors, about = parse_tensors(data, path), parse_metadata(data, path)
    if changed := differences(about["recipe"], recipe):
        raise CheckpointError(f"{quote(folder)} was begun with another recipe ({changed}): resume with the same one")
    if moved := differences(about["environment"], here):
        warnings.warn(f"{quote(folder)} was last saved elsewhere ({moved}): the last digits may differ", stacklevel=3)
    for name, vector in like.items():
        found = tensors.get(name)
        if found is None or (found.shape, found.dtype) != (vector.shape, vector.dtype) or not np.isfinite(found).all():
            raise CheckpointError(
                f"{quote(path)}: {name} does not fit the recipe: expected {vector.size} finite float32"
            )
    return tensors, about["step"], about["log"]


def differences(theirs: dict, ours: dict) -> str:
    """What two recipes or two machines differ in, such as "seed 0 -> 1"; nothing where they agree."""
    odd = [key for key in ours | theirs if ours.get(key) != theirs.get(key)]
    return ", ".join(f"{key} {quote(theirs.get(key), 60)} -> {quote(ours.get(key), 60)}" for key in odd)


def steps_done(folder: Path) -> int:
    """How many steps the last save of a run had taken; 0 where there is none that can be read."""
    try:
        return int(parse_json(read_verified(folder, RECIPE), folder / RECIPE)["step"])
    except (CheckpointError, KeyError, TypeError, ValueError):
        return 0


def parse_metadata(data: bytes, path: Path) -> dict:
    """What stands beside the tensors in a safetensors file: a length (8 bytes, little-endian), then JSON."""
    length = int.from_bytes(data[:8], "little")
    header = parse_json(data[8 : 8 + length], path)
    about = parse_json(header.get("__metadata__", {}).get("about", "null"), path)
    kinds = {"recipe": dict, "environment": dict, "step": int, "log": list}
    whole = isinstance(about, dict) and all(type(about.get(key)) is kind for key, kind in kinds.items())
    if not whole or about["step"] < 0 or not all(isinstance(row, dict) for row in about["log"]):
        raise CheckpointError(f"{quote(path)} does not say how it was trained: expected {', '.join(kinds)}")
    return about


def read_log(folder) -> list[dict]:
    """The rows of a run's metrics.jsonl; a CheckpointError if it is missing or damaged."""
    folder = Path(folder)
    rows = [parse_json(line, folder / LOG) for line in read_verified(folder, LOG).splitlines()]
    if not all(isinstance(row, dict) for row in rows):
        raise CheckpointError(f"{quote(folder / LOG)} is no log of objects, a line each: restore it from a copy")
    return rows
