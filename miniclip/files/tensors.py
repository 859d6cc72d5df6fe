"""Tensors in safetensors files: an 8-byte length, a header of JSON, then the numbers, and never any code.

What others wrote is mapped into memory, not read: a page of it comes from the disk when it is used.
"""

import hashlib
import json
import mmap
from pathlib import Path

import numpy as np
import safetensors
import safetensors.numpy

from ..errors import CheckpointError, WeightsError, one_line, quote
from ..machine.disk import open_file
from .storage import is_file_name, parse_json, read_bytes

FLOATS = {"F64": np.float64, "F32": np.float32, "F16": np.float16, "BF16": np.uint16}
BROKEN = (safetensors.SafetensorError, ValueError, KeyError, TypeError, MemoryError, OSError)


def encode_tensors(named, metadata: dict[str, str] | None = None, dtype=np.float32) -> bytes:
    """A safetensors file, all in float32, or in half precision, which keeps three digits."""
    return safetensors.numpy.save({name: np.asarray(leaf, dtype, order="C") for name, leaf in named.items()}, metadata)


def parse_tensors(data: bytes, path: Path) -> dict[str, np.ndarray]:
    """The tensors of a safetensors file, or a CheckpointError that names it."""
    try:
        return safetensors.numpy.load(data)
    except BROKEN as error:
        raise damaged(path, error) from error


def damaged(path: Path, error: Exception) -> CheckpointError:
    """What is said of a file that is none."""
    return CheckpointError(
        f"{quote(path)} is not a safetensors file of floats ({one_line(error)}): restore it from a copy"
    )


def map_tensors(path: Path) -> dict[str, np.ndarray]:
    """The tensors of a file in float32: views of it, where it holds them so."""
    try:
        with open_file(path) as file:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        with safetensors.safe_open(path, framework="numpy"):  # the library checks the header: sizes, overlaps, types
            pass
        start = 8 + int.from_bytes(data[:8], "little")
        header = json.loads(data[8:start])
    except BROKEN as error:
        raise damaged(path, error) from error
    header.pop("__metadata__", None)
    return {name: decoded(name, about, data, start) for name, about in header.items()}


def decoded(name: str, about: dict, data: mmap.mmap, start: int) -> np.ndarray:
    """One tensor; half precision becomes float32, exactly. `position_ids`, which are integers, come as they are."""
    kind, shape, (begin, end) = about["dtype"], about["shape"], about["data_offsets"]
    if kind == "I64":
        return np.frombuffer(data, np.int64, (end - begin) // 8, start + begin).reshape(shape)
    if kind not in FLOATS:
        raise WeightsError(f"{quote(name)} is {kind}, expected one of {', '.join(FLOATS)}: save it in one of these")
    dtype = np.dtype(FLOATS[kind]).newbyteorder("<")
    raw = np.frombuffer(data, dtype, (end - begin) // dtype.itemsize, start + begin)
    if kind == "BF16":  # the upper half of a float32
        raw = (raw.astype(np.uint32) << np.uint32(16)).view(np.float32)
    return np.require(raw, np.float32, "A").reshape(shape)  # where the file has them at odd places, a copy


def weight_files(folder: Path, name: str) -> list[Path]:
    """The file of this name, or those that its index lists, where there are many."""
    index = folder / f"{name}.index.json"
    if (folder / name).exists() or not index.exists():
        return [folder / name]
    listed = parse_json(read_bytes(index), index)
    try:
        names = sorted(set(listed["weight_map"].values()))
        if not names or not all(is_file_name(one) for one in names):
            raise ValueError("names of files")
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise CheckpointError(
            f"{quote(index)} is not an index of weights ({one_line(error)}): restore it from a copy"
        ) from error
    return [folder / one for one in names]


def check_size(named, config, path: Path, config_name: str) -> None:
    """A WeightsError if the config is of a far larger model: before anything of that size is made."""
    size = sum(leaf.size for leaf in named.values())
    if config.parameters > 10 * size + 10**6:
        raise WeightsError(f"{quote(path)} has {size:,} numbers, {config_name} says {config.parameters:,}")


def digest_of_files(paths: list[Path]) -> str:
    """SHA-256 of one file after the other, which need not fit in memory."""
    found = hashlib.sha256()
    for path in paths:
        with open_file(path) as file:
            while part := file.read(2**22):
                found.update(part)
    return found.hexdigest()
