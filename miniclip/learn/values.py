"""Arguments and values: what stands for an argument, what is left of a value, and when two values are the same."""

import copy
import sys
from array import array
from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from importlib import import_module

import numpy as np
from numpy import ma

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
    """Arrays, numbers, strings, None, and lists, tuples and dicts of them; anything else by its type's name.

    Every kind of number and of row that Python has becomes the plain one: what counts is the value.
    """
    if value is None or type(value) in (bool, int, float, str):
        return value
    for kind, made in PLAIN.items():
        if isinstance(value, kind):
            return made(value)
    if hasattr(value, "detach"):  # a tensor, in the exercise about them
        return value.detach().cpu().numpy()
    if hasattr(value, "__array__") and not isinstance(value, type):
        return plain(np.asarray(value))
    if isinstance(value, Iterable) and not isinstance(value, Set | bytes | bytearray):  # a set has no order
        return [plain(item) for item in value]
    return f"<{type(value).__name__}>"


def plain_array(value: np.ndarray):
    """An array of numbers as it is; strings and objects, as np.frompyfunc makes them, as what they are."""
    if ma.isMaskedArray(value):
        value = value.filled(np.nan) if ma.is_masked(value) and value.dtype.kind == "f" else value.data
    value = np.asarray(value)
    if value.dtype.kind not in "OU":
        return value
    items = plain(value.tolist())
    return np.array(items) if value.dtype.kind == "O" and numeric(items) else items


# The first that fits -> what is made of it. A class of one's own may say anything of itself: only its value is asked.
PLAIN: dict[type, Callable] = {
    np.ndarray: plain_array,
    np.str_: str.__str__,
    np.generic: lambda value: value,
    int: int.__int__,
    float: float.__float__,
    str: str.__str__,
    Fraction: float,
    Decimal: float,
    array: np.asarray,
    memoryview: np.asarray,
    tuple: lambda value: tuple(plain(item) for item in tuple.__iter__(value)),
    list: lambda value: [plain(item) for item in list.__iter__(value)],
    Mapping: lambda value: {str(key): plain(item) for key, item in value.items()},
}


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


def size(value) -> int:
    """How many numbers and words there are in it."""
    if isinstance(value, np.ndarray):
        return value.size
    if isinstance(value, Drawn):
        return int(np.prod(value.shape))
    if isinstance(value, dict):
        return size(tuple(value.values()))
    return sum(map(size, value)) if isinstance(value, list | tuple) else 1


def library_of(value) -> str:
    """The module that a function or class comes from, if it is a library's own; nothing for what was made of it."""
    name, home = getattr(value, "__name__", None), getattr(value, "__module__", None)
    for module in (home, "numpy"):  # NumPy's ufuncs have no home
        library = None if module in ("__main__", "answer") else sys.modules.get(str(module))
        if library is not None and getattr(library, str(name), None) is value:
            return str(module)
    return ""
