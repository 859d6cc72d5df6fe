"""A trained CLIP trained on: all weights, some, or a few numbers that are added to them; and what lies between.

    what learns  --weights-->  weights  ->  the contrastive loss  ->  their gradient  --gradient-->  that of what learns

All is the chain rule at the border: neither the towers nor the loop know of it.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..files.checkpoint import load, model_files
from ..files.state import check_fresh
from ..files.storage import check_folder, commit, lock
from ..machine.disk import as_folder
from ..model import Model
from ..nn.tree import flatten, unflatten
from .clip import CAPS, check_number
from .loop import Stage
from .objectives import contrast
from .run import train_stage
from .sources import Folder

RANK, NEW = 4, "new"
SHARE = 0.4  # of new weights: the most that lost less than 3 points at home, see `labs.fine_tune`
Leaves = dict[str, np.ndarray]  # by dotted name


@dataclass(frozen=True)
class Way:
    """What learns in place of all weights; each is a dict of arrays by dotted name.

    start(weights) -> what learns, before its first step
    weights(learned, old) -> those of the weights that it changes
    gradient(g, learned) -> its gradient, from that of the weights
    """

    start: Callable[[Leaves], Leaves]
    weights: Callable[[Leaves, Leaves], Leaves]
    gradient: Callable[[Leaves, Leaves], Leaves]


def some_weights(chosen: Callable[[str], bool]) -> Way:
    """Weights themselves learn, those whose names are chosen."""
    return Way(
        lambda old: {name: leaf for name, leaf in old.items() if chosen(name)},
        lambda learned, old: learned,
        lambda g, learned: {name: g[name] for name in g if name in learned},
    )


def low_rank(rank: int = RANK, seed: int = 0) -> Way:
    """W + A B for each linear map in a block: A (out, rank) is 0 at first, B (rank, in) ~ N(0, 1 / in).

    With dW, the gradient of what they add up to:  dA = dW B^T,  dB = A^T dW. The old weights stay as they are.
    Source: LoRA, Hu et al. 2021, arXiv:2106.09685, section 4.1, where their letters are exchanged.
    """

    def start(old: Leaves) -> Leaves:
        rng, learned = np.random.default_rng([seed, 3]), {}
        for name, leaf in old.items():
            if ".blocks." in name and leaf.ndim == 2:
                outs, ins = leaf.shape
                learned[f"{name}.A"] = np.zeros((outs, rank), leaf.dtype)
                learned[f"{name}.B"] = (rng.standard_normal((rank, ins)) * ins**-0.5).astype(leaf.dtype)
        return learned

    def weights(learned: Leaves, old: Leaves) -> Leaves:
        names = [name.removesuffix(".A") for name in learned if name.endswith(".A")]
        return {name: old[name] + learned[f"{name}.A"] @ learned[f"{name}.B"] for name in names}

    def gradient(g: Leaves, learned: Leaves) -> Leaves:
        found = {}
        for name in g:
            if f"{name}.A" in learned:
                found[f"{name}.A"] = g[name] @ learned[f"{name}.B"].T
                found[f"{name}.B"] = learned[f"{name}.A"].T @ g[name]
        return found

    return Way(start, weights, gradient)


FULL = some_weights(lambda name: True)
PROBE = some_weights(lambda name: name == "visual.proj.weight")  # a linear map of features that stay as they are


def with_learned(model: Model, way: Way, learned) -> Model:
    """The model with what was learned in a way."""
    old = flatten(model.params)
    return model.with_params(unflatten(old | way.weights(flatten(learned), old)))


def fine_tune_stage(model: Model, draw: Callable, steps: int, way: Way = FULL, peak_lr: float = 1e-3):
    """(stage, what learns): a contrast of pictures with texts, in which equal texts belong to each other's pictures.

    draw(step) -> images (B, Y, X, C) normalised, ids (B, T), groups (B,): equal numbers for equal texts
    Source: Goyal et al. 2023, arXiv:2212.00638, "FLYP": as it was trained before, so that it stays a CLIP.
    """
    start = unflatten(way.start(flatten(model.params)))

    def objective(step, params):
        images, ids, groups = draw(step)
        learned = {name: params[name] for name in start}
        weights = with_learned(model, way, learned).params
        loss, trees, metrics = contrast(images, ids, weights, model.config, loss="multi_positive", groups=groups)
        return loss, (way.gradient(flatten(tree), flatten(learned)) for tree in trees), metrics

    caps = {name: cap for name, cap in CAPS.items() if name in start}
    return Stage("fine-tune", objective, steps, tuple(start), peak_lr, warmup=steps // 10, caps=caps), start


def between(old: Model, new: Model, share: float) -> Model:
    """(1 - share) old + share new, weight by weight. Source: WiSE-FT, Wortsman et al. 2021, arXiv:2109.01903, eq. 1."""
    a, b = flatten(old.params), flatten(new.params)
    return old.with_params(unflatten({name: a[name] + np.float32(share) * (b[name] - a[name]) for name in a}))


def fine_tune(model: Model, source: Folder, out, steps: int = 200, share: float = SHARE, resume: bool = False) -> Model:
    """Train a CLIP on with pairs of a folder, and leave a run folder with weights between old and new.

    Parameters
    ----------
    model : Model
    source : Folder
        Made for this model.
    out : str or Path
        New, or with `resume` one that the same call began. All new weights are in its folder `new`, a run that resumes.
    share : float
        Of the new weights: 1 learns the most, and forgets the most.

    Raises
    ------
    CheckpointError, TrainingDiverged, Interrupted
        As `train.run.train_stage`.
    """
    folder = as_folder(out)
    check_number("steps", steps, whole=True)
    if resume:
        check_folder(folder / NEW)  # before the lock makes it

    def draw(step):
        images, ids, texts = source.pairs(step * source.batch_size + np.arange(source.batch_size))
        return images, ids, source.groups(texts)

    stage, _ = fine_tune_stage(model, draw, steps)
    about = {"from": model.digest, "seed": source.seed, "steps": steps, "batch_size": source.batch_size} | source.about
    with lock(folder):
        if not resume:
            check_fresh(folder)
        new = train_stage(folder / NEW, stage, model, about, resume, beside=source.files)
        commit(folder, model_files(between(model, new, share)) | source.files)
    return load(folder)
