"""Pictures of the world as it never shows them, with labels: what several labs try to classify."""

import numpy as np

from ..data.drawing import draw_scenes
from ..data.grammar import CLASS_NAMES
from ..data.pictures import normalize
from ..data.world import COLOURS, HELD_OUT, Scenes, sample_scenes
from ..files.checkpoint import load
from ..model import Model
from ..tasks.retrieval import recall_at_k
from ..tasks.zero_shot import zero_shot_weights
from ..train.clip import TrainConfig, clip_stage, new_clip
from ..train.fine_tune import FULL, Way, fine_tune_stage, with_learned
from ..train.loop import Learner, Stage, fit
from ..train.sources import World

CLASSES = np.flatnonzero(~HELD_OUT.ravel())  # colours and shapes that were trained on, in the order of CLASS_NAMES
NAMES = [CLASS_NAMES[k] for k in CLASSES]
BATCH = 128


def edges(images) -> np.ndarray:
    """The change from a pixel to its neighbours, dark on white, in each channel."""
    down = np.abs(np.diff(images, axis=1, prepend=images[:, :1]))
    across = np.abs(np.diff(images, axis=2, prepend=images[:, :, :1]))
    return np.clip(1.0 - 4.0 * np.maximum(down, across), 0.0, 1.0)


DOMAINS = {
    "home": lambda images: images,
    "inverted": lambda images: 1.0 - images,
    "channels exchanged": lambda images: images[..., [1, 2, 0]],
    "upside down": lambda images: images[:, ::-1],
    "edges": edges,
}


def classes_of(scenes: Scenes) -> np.ndarray:
    """(B,): which of NAMES each scene's only object has."""
    return np.searchsorted(CLASSES, scenes.shape[:, 0] * len(COLOURS) + scenes.colour[:, 0])


def tests(seed: int, n: int) -> Scenes:
    """The first n scenes of split A."""
    return sample_scenes(seed, "A", np.arange(n))


def labelled(seed: int, n: int) -> Scenes:
    """n scenes of each class, none of which anything is tested on; with more of each, these are among them."""
    scenes = sample_scenes(seed, "A", 10_000 + np.arange(3 * len(CLASSES) * max(n, 20)))
    labels = classes_of(scenes)
    return scenes[np.sort(np.concatenate([np.flatnonzero(labels == k)[:n] for k in range(len(CLASSES))]))]


def amount(n: int) -> str:
    """1 label, 1,000 labels: of each class."""
    return f"{n:,} label{'s' * (n != 1)}"


def pictures_of(scenes: Scenes, domain: str) -> np.ndarray:
    """(B, Y, X, C): the scenes' pictures in a domain, normalised."""
    return normalize(np.ascontiguousarray(DOMAINS[domain](draw_scenes(scenes)), np.float32))


def accuracy_of(scores, scenes: Scenes) -> float:
    """The share of scenes whose class has the largest score; scores (B, K)"""
    return float((scores.argmax(1) == classes_of(scenes)).mean())


def zero_shot_in(model: Model, scenes: Scenes, domain: str, templates=("a {}",)) -> float:
    """The share of a domain's pictures whose class is named rightly."""
    weights = zero_shot_weights(model, NAMES, templates)
    return accuracy_of(model.encode_image(pictures_of(scenes, domain)) @ weights.T, scenes)


def fine_tuned(model: Model, scenes: Scenes, domain: str, seed: int, steps: int, way: Way = FULL) -> Model:
    """The model after a contrast of a domain's pictures with "a red circle" and so on: equal names are one class.

    way: what learns.
    """
    images, groups = pictures_of(scenes, domain), classes_of(scenes)
    ids = model.tokenizer.encode([f"a {NAMES[k]}" for k in groups])
    order = np.random.default_rng([seed, 2])

    def draw(step):
        rows = order.choice(len(images), min(BATCH, len(images)), replace=False)
        return images[rows], ids[rows], groups[rows]

    stage, start = fine_tune_stage(model, draw, steps, way)
    learner = Learner(stage, start)
    fit(learner)
    return with_learned(model, way, learner.params)


def learned(recipe: TrainConfig, source: World, tell=lambda text: None, stage_of=clip_stage) -> Model:
    """A CLIP of another corpus: it begins with the package's image tower, but for its projection, and a new text tower.

    Pictures are the harder half, and labs ask about words: so a few hundred steps suffice. stage_of: the way to train,
    a stage of a recipe, a model and a source.
    """
    model = new_clip(recipe, source)
    visual = load().params["visual"] | {"proj": model.params["visual"]["proj"]}
    model = model.with_params(model.params | {"visual": visual})
    return model_after(model, stage_of(recipe, model, source=source), tell)


def model_after(model: Model, stage: Stage, tell=lambda text: None) -> Model:
    """The model after a stage."""
    learner = Learner(stage, model.params)

    def after(row):
        if row["step"] % 100 == 0:
            tell(f"step {row['step']} of {stage.steps}")

    fit(learner, after)
    return model.with_params(learner.params)


def first_hits_both_ways(scores, right) -> float:
    """R@1, the mean of both directions. scores, right (B, B)"""
    return float(recall_at_k(scores, right) + recall_at_k(scores.T, right.T)) / 2
