"""One function with its backward, ready to run on random numbers: what the tables of cases are made of."""

import warnings
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from miniclip.models.clip import ClipConfig
from miniclip.models.text import TextConfig, causal_mask
from miniclip.models.vision import VisionConfig, pixels_backward
from miniclip.nn.tree import flatten, unflatten


@contextmanager
def no_flags():
    """An error for every overflow, division by 0 and NaN, but of a product: Apple's Accelerate raises these falsely.

    Source: numpy/numpy issue 28687. Products are judged by what comes out.
    """
    with np.errstate(all="warn", under="ignore"), warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", ".* encountered in matmul", RuntimeWarning)
        yield


class Sizes(NamedTuple):
    """Batch, two sequence lengths, heads, head width, embedding, vocabulary: the letters of the package."""

    B: int = 5
    T: int = 7
    S: int = 11
    H: int = 2
    K: int = 3
    E: int = 13
    V: int = 17

    @property
    def D(self):
        return self.H * self.K


@dataclass
class Case:
    """A function with its backward: `inputs` may hold integers (no gradient), `params` is None where there are none.

    `drawn` holds the options of the function that matter to another implementation of it, such as a random mask.
    """

    forward: Callable
    backward: Callable
    inputs: list
    params: Any = None
    drawn: dict = field(default_factory=dict)

    def run(self):
        """y, c"""
        return self.forward(*self.inputs, *([] if self.params is None else [self.params]))

    def leaves(self):
        """All that has a gradient, as a tree: what `gradients` mirrors."""
        tree = {"inputs": [x for x in self.inputs if x.dtype.kind == "f"]}
        return tree if self.params is None else tree | {"params": self.params}

    def gradients(self, dy, c):
        """The backward's answer, in the shape of `leaves`."""
        answer = self.backward(dy, c)
        answer = answer if isinstance(answer, tuple) else (answer,)
        if self.params is None:
            return {"inputs": list(answer)}
        return {"inputs": list(answer[:-1]), "params": answer[-1]}

    def upstream(self, rng):
        """A random gradient for the output, never ones."""
        return rng.normal(size=np.shape(self.run()[0]))

    def objective(self, dy):
        """<dy, y>, as a function of the current arrays."""
        return lambda: float(np.vdot(dy, self.run()[0]))

    def map(self, change):
        """The same case with every array changed."""
        tree = None if self.params is None else unflatten({k: change(v) for k, v in flatten(self.params).items()})
        return Case(self.forward, self.backward, [change(x) for x in self.inputs], tree, self.drawn)


def to_pixels(backward, *where):
    """A backward that goes on from the embedded patches to the pixels; where: its image tower's place in the cache."""

    def whole(*upstream_and_cache):
        c = upstream_and_cache[-1]
        dpatches, *rest = backward(*upstream_and_cache)
        for key in where:
            c = c[key]
        return (pixels_backward(dpatches, c), *rest)

    return whole


def shake(rng, tree, by=0.3):
    """The tree plus noise: no bias stays 0, no gain stays 1."""
    return unflatten({name: np.asarray(leaf + by * rng.normal(size=np.shape(leaf)))
                      for name, leaf in flatten(tree).items()})  # fmt: skip


def random_mask(rng, T, S):
    """Each query sees a random set of keys, one at least."""
    mask = rng.random((T, S)) < 0.5
    mask[np.arange(T), rng.integers(S, size=T)] = True
    return mask


def unit(rng, B, E):
    x = rng.normal(size=(B, E))
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def captions(rng, z, eos):
    """ids (B, T): random tokens, repeats included, the end token at a random place, anything after it."""
    ids = rng.integers(z.V, size=(z.B, z.T))
    ids[ids == eos] = eos - 1
    ids[np.arange(z.B), rng.integers(z.T, size=z.B)] = eos
    return ids


def clip_config(z, activation="quick_gelu", layers=2):
    """Two towers of different width and depth; the end token is in the middle of the vocabulary."""
    vision = VisionConfig(6, 2, z.H * z.K, layers, z.H, activation)
    text = TextConfig(z.V, z.T + 2, 3 * z.K, layers - 1 or 1, 3, activation, z.V // 2)
    return ClipConfig(vision, text, z.E)


def op(forward, backward, *shape, **options):
    """A case with one random input; `shape` is spelled in the letters of `Sizes`."""

    def make(rng, z):
        x = rng.normal(size=[getattr(z, axis) for axis in shape])
        return Case(lambda x: forward(x, **options), backward, [x])

    return make


def layer(init, forward, backward, *args, shape="BTD", **options):
    """A case with one random input and shaken parameters; options given as functions of (rng, z) are drawn."""

    def make(rng, z):
        drawn = {key: value(rng, z) if callable(value) else value for key, value in options.items()}
        x = rng.normal(size=[getattr(z, axis) for axis in shape])
        p = shake(rng, init(rng, *[getattr(z, a) if isinstance(a, str) else a for a in args]))
        return Case(lambda x, p: forward(x, p, **drawn), backward, [x], p)

    return make


def causal(rng, z):
    return causal_mask(z.T)


def heads(rng, z):
    return z.H
