"""Nested dict <-> dotted names <-> one flat vector.

A model's parameters are a tree: nested dicts and lists with arrays at the leaves. Caches and gradients are trees with
the same keys. A dotted path names every tensor (`visual.blocks.0.attn.in_proj.weight`), and `pack` lays all leaves
out in one vector, so that an optimiser, a checkpoint or a gradient check needs no knowledge of the model.
"""

import numpy as np

from ..machine.threads import in_parallel

LARGE = 2**20  # numbers: what takes longer to add up than to hand to another core


def flatten(tree, prefix: str = "") -> dict[str, np.ndarray]:
    """Leaves by dotted name, in the order of the tree: {"a": {"b": x}, "c": [y]} -> {"a.b": x, "c.0": y}."""
    if not isinstance(tree, dict | list):
        return {prefix: tree}
    named: dict[str, np.ndarray] = {}
    for key, child in tree.items() if isinstance(tree, dict) else enumerate(tree):
        named.update(flatten(child, f"{prefix}.{key}" if prefix else str(key)))
    return named


def unflatten(named: dict[str, np.ndarray]):
    """The inverse of `flatten`, for trees without empty dicts: one whose keys are 0, 1, 2, ... becomes a list."""
    if set(named) == {""}:  # a leaf alone
        return named[""]
    groups: dict[str, dict] = {}
    for name, leaf in named.items():
        key, _, rest = name.partition(".")
        groups.setdefault(key, {})[rest] = leaf
    tree = {key: unflatten(group) for key, group in groups.items()}
    places = [str(i) for i in range(len(tree))]
    return [tree[i] for i in places] if tree and tree.keys() == set(places) else tree


def to_vector(tree, like=None) -> np.ndarray:
    """All leaves, raveled and joined, in the order of `like` (a tree with the same names and shapes) or of the tree.

    A backward pass fills its tree in the opposite order of the forward pass: hence `like`.
    """
    named = flatten(tree)
    if like is not None:
        expected = flatten(like)
        if named.keys() != expected.keys():
            odd = sorted(named.keys() ^ expected.keys())
            raise ValueError(f"the trees differ in {len(odd)} names, the first is {odd[0]}: pass trees of one model")
        for name, leaf in expected.items():
            if np.shape(named[name]) != np.shape(leaf):
                raise ValueError(f"{name} has shape {np.shape(named[name])}, expected {np.shape(leaf)}")
        named = {name: named[name] for name in expected}
    return np.concatenate([np.ravel(leaf) for leaf in named.values()])


def from_vector(theta: np.ndarray, like):
    """A tree shaped like `like` whose leaves are views into `theta`: writing to one writes to the other."""
    leaves = flatten(like)
    size = sum(np.size(leaf) for leaf in leaves.values())
    if theta.shape != (size,):
        raise ValueError(f"the vector has shape {theta.shape}, expected ({size},)")
    views, start = {}, 0
    for name, leaf in leaves.items():
        stop = start + np.size(leaf)
        views[name] = theta[start:stop].reshape(np.shape(leaf))
        start = stop
    return unflatten(views)


def pack(tree, dtype=np.float32):
    """(theta, views): one new vector that holds every leaf, and the tree of views into it."""
    theta = to_vector(tree).astype(dtype)
    return theta, from_vector(theta, tree)


def add_trees(trees, like):
    """The sum of trees, each with some of the tensors of `like`, as a tree of all of them; 0 where none has one.

    One tree is in memory at a time, where they come one after the other.
    """
    total = unflatten({name: np.empty_like(leaf) for name, leaf in flatten(like).items()})
    write_sum(total, trees)
    return total


def write_sum(total, trees) -> None:
    """total = the sum of the trees, in place: see `add_trees`."""
    named, empty = flatten(total), set(flatten(total))

    def take(name, leaf):
        if name in empty:
            named[name][...] = leaf
            empty.remove(name)
        else:
            named[name] += leaf

    for tree in trees:
        leaves = flatten(tree)
        if unknown := leaves.keys() - named.keys():
            raise ValueError(f"there is a gradient of {min(unknown)}, expected only those of what is trained")
        large = {name: leaf for name, leaf in leaves.items() if np.size(leaf) > LARGE}
        list(in_parallel(lambda item=item: take(*item) for item in large.items()))
        for name in leaves.keys() - large.keys():
            take(name, leaves[name])
    for name in empty:
        named[name][...] = 0.0
