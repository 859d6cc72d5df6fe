"""Arguments and values: what stands for an argument, what is left of a value, and when two values are the same."""

import copy
from dataclasses import dataclass
from importlib import import_module

import numpy as np

RTOL, ATOL = 1e-5, 1e-8  # float32 answers are right answers


@dataclass(frozen=True)
class Generator:
    """Stands for `numpy.random.default_rng(seed)` among the arguments of a case: a fresh one for each call."""

    seed: int


@dataclass(frozen=True)
class Drawn:
    """Stands for `numpy.random.default_rng(seed).normal(size=shape)`: an array too large to be written down."""

    seed: int
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Fixture:
    """Stands for a function among the arguments of a case: "m8.step" is `step` of `miniclip.learn.fixtures_m8`."""

    name: str


def prepare(argument):
    """The argument itself, for one call: a copy, a fresh generator, a large array, or the fixture function."""
    if isinstance(argument, Generator):
        return np.random.default_rng(argument.seed)
    if isinstance(argument, Drawn):
        return np.random.default_rng(argument.seed).normal(size=argument.shape)
    if isinstance(argument, Fixture):
        module, name = argument.name.split(".")
        return getattr(import_module(f"miniclip.learn.fixtures_{module}"), name)
    return copy.deepcopy(argument)


def plain(value):
    """Arrays, numbers, strings, None, and lists, tuples and dicts of them; anything else by its type's name."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(plain(item) for item in value)
    if value is None or isinstance(value, bool | int | float | str | np.ndarray | np.generic):
        return value
    if hasattr(value, "detach"):  # a tensor, in the exercise about them
        return value.detach().cpu().numpy()
    return f"<{type(value).__name__}>"


def equal(a, b, rtol: float = RTOL, atol: float = ATOL) -> bool:
    """Are two values the same? Arrays, numbers and lists of numbers by shape and value, NaN equal to NaN."""
    if isinstance(a, dict) or isinstance(b, dict):
        return (isinstance(a, dict) and isinstance(b, dict) and a.keys() == b.keys()
                and all(equal(a[key], b[key], rtol, atol) for key in a))  # fmt: skip
    if isinstance(a, str) or isinstance(b, str) or a is None or b is None:
        return type(a) is type(b) and a == b
    if isinstance(a, list | tuple) and isinstance(b, list | tuple) and not (numeric(a) and numeric(b)):
        return len(a) == len(b) and all(equal(x, y, rtol, atol) for x, y in zip(a, b, strict=True))
    if not (numeric(a) and numeric(b)):
        return False
    x, y = np.asarray(a), np.asarray(b)
    if x.shape != y.shape or (x.dtype == bool) != (y.dtype == bool):
        return False
    return bool(np.allclose(x, y, rtol=rtol, atol=atol, equal_nan=True))


def numeric(value) -> bool:
    """Can NumPy make an array of numbers of it?"""
    try:
        return np.asarray(value).dtype.kind in "biuf"
    except ValueError:  # rows of unequal length
        return False
