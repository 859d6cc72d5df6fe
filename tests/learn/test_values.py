"""Every kind of number, word and row that Python has is taken for what it says."""

import array
import collections
import decimal
import enum
import fractions

import numpy as np
import pytest

from miniclip.learn.values import equal, library_of, plain, size
from miniclip.learn.wire import decode, encode

Pair = collections.namedtuple("Pair", "a b")
LEVEL = enum.IntEnum("LEVEL", {"ONE": 1})


class Name(str):
    pass


class Row(list):
    pass


class Boxed:
    def __array__(self, dtype=None, copy=None):
        return np.array([1.0, 2.0])


HALF = fractions.Fraction(1, 2)
KINDS = {
    "NumPy's str": (np.str_("a"), "a"),
    "a list of them": ([np.str_("a"), np.str_("b")], ["a", "b"]),
    "an array of str": (np.array(["a", "bc"]), ["a", "bc"]),
    "a table of str": (np.array([["a"], ["b"]]), [["a"], ["b"]]),
    "an object array of str": (np.array(["a", "b"], object), ["a", "b"]),
    "a str of one's own": (Name("a"), "a"),
    "NumPy's scalars": ((np.int8(3), np.float32(0.5), np.bool_(True)), (3, 0.5, True)),
    "NumPy's scalars in a dict": ({np.str_("a"): np.int64(1)}, {"a": 1}),
    "an object array": (np.array([[1, 0.5], [HALF, 2]], object), np.array([[1, 0.5], [0.5, 2]])),
    "an object array of one": (np.array(HALF, object), 0.5),
    "an object array of rows": (np.array([1, "a"], object), [1, "a"]),
    "a matrix": (np.array([[1.0, 2.0]]).view(np.matrix), np.array([[1.0, 2.0]])),
    "a masked array without a mask": (np.ma.array([1.0, 2.0]), np.array([1.0, 2.0])),
    "a masked array": (np.ma.array([1.0, 2.0], mask=[True, False]), np.array([np.nan, 2.0])),
    "a namedtuple": (Pair(1.0, np.ones(2)), (1.0, np.ones(2))),
    "a list of one's own": (Row([1, 2]), [1, 2]),
    "an enum": (LEVEL.ONE, 1),
    "array.array": (array.array("d", [1.0, 2.0]), np.array([1.0, 2.0])),
    "a memoryview": (memoryview(np.ones((2, 3))), np.ones((2, 3))),
    "Fraction": (HALF, 0.5),
    "Decimal": (decimal.Decimal("0.5"), 0.5),
    "a row of both": ([HALF, decimal.Decimal(2)], [0.5, 2.0]),
    "a deque": (collections.deque([1, 2]), [1, 2]),
    "a range": (range(3), [0, 1, 2]),
    "a generator": ((n * n for n in range(3)), [0, 1, 4]),
    "a generator of arrays": ((np.arange(n) for n in (2, 3)), [[0, 1], [0, 1, 2]]),
    "map": (map(str, range(2)), ["0", "1"]),
    "zip": (zip("ab", (1, 2), strict=True), [("a", 1), ("b", 2)]),
    "reversed": (reversed([1, 2]), [2, 1]),
    "values of a dict": ({"a": 1, "b": 2}.values(), [1, 2]),
    "keys of a dict in order": (list({"b": 1, "a": 2}.keys()), ["b", "a"]),
    "an ordered dict": (collections.OrderedDict(a=1), {"a": 1}),
    "a counter": (collections.Counter("aab"), {"a": 2, "b": 1}),
    "what has an array": (Boxed(), np.array([1.0, 2.0])),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_a_right_value_of_another_kind_is_right(kind):
    given, meant = KINDS[kind]
    assert equal(decode(encode(plain(given))), meant)


@pytest.mark.parametrize("value", [{1, 2}, frozenset("ab"), b"ab", bytearray(b"ab"), 1j, object(), len, Boxed])
def test_what_has_no_order_or_no_value_is_told_by_its_name(value):
    assert plain(value) == f"<{type(value).__name__}>"


def test_only_the_value_of_a_class_of_ones_own_is_asked():
    class Lie(float):
        def __float__(self):
            return 1.0

        def __eq__(self, other):
            return True

        __hash__ = None

    assert type(plain(Lie(0.0))) is float
    assert plain(Lie(0.0)) + 0.0 == 0.0


def test_a_library_is_known_by_its_own_things_not_by_what_was_made_of_them():
    import functools
    import math

    assert [library_of(one) for one in (math.log, np.exp, np.linalg.norm, np.vdot, len, functools.reduce)] == [
        "math", "numpy", "numpy.linalg", "numpy", "builtins", "_functools",
    ]  # fmt: skip
    made = (functools.partial(np.vdot, [1]), np.vectorize(len), np.frompyfunc(len, 1, 1), lambda: 0, Boxed(), HALF)
    assert [library_of(one) for one in made] == [""] * len(made)


def test_the_size_of_arguments():
    assert size((np.ones((2, 3)), [1, "a"], {"a": (1, 2)}, 3.0, None)) == 12
