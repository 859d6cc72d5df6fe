"""f11: pictures and captions find each other: the space of a small training, always along the same two axes."""

from dataclasses import dataclass
from functools import cache

import numpy as np

from ...data.drawing import draw_scenes
from ...data.pairs import normalized_images
from ...data.world import COLOURS, SHAPES, sample_scenes
from ...train.clip import CAPS, EVERYTHING, TrainConfig, new_clip
from ...train.loop import Learner, Stage, fit
from ...train.objectives import contrast
from ..page import decimal, width_of
from ..slide import Slide
from ..style import TEXT, Look
from . import Drawn, paused

TITLE = "The space over training"
NOTEBOOK = "06"
NOTE = (
    "Show the first moment and ask: which picture lies near its caption? Nobody can tell, nor can the new model: each "
    "tower puts all it sees into one place. Run the film. First the knot opens, then pictures of one class travel "
    "together, and the lines that join them to their caption shorten. The two axes are those of the last moment and "
    "never turn; those who fit new axes to every frame see a cloud that spins, and take the spinning for learning. Ask "
    "at the end which pictures sit with the wrong caption."
)

CLASSES = ("red circle", "blue square", "yellow triangle", "green star", "purple ring", "pink heart", "cyan cross",
           "orange diamond")  # fmt: skip
EACH, SHOWN = 4, (0, 80, 240)  # held-out pictures of a class; the moments that paper shows
RECIPE = TrainConfig(steps=240, warmup=20, peak_lr=2e-3, vision_width=48, vision_layers=2, text_width=32, heads=4,
                     embed_dim=32, log_every=10)  # fmt: skip


@dataclass(frozen=True)
class Moment:
    """After some steps: how the held-out pictures and the captions lie."""

    step: int
    images: np.ndarray  # (8 EACH, 2)
    texts: np.ndarray  # (8, 2)
    pairs: float  # mean cosine
    others: float
    recall: float  # share of the pictures that find their caption
    variance: float  # share of the last moment's variance along the two axes


@cache
def pictures() -> np.ndarray:
    """The held-out pictures, (8 EACH, Y, X, 3)."""
    return np.concatenate([draw_scenes(some[:EACH]) for some in of_classes("A", 1500)])


def of_classes(split: str, n: int) -> list:
    """The scenes of each class among the first n of a split."""
    scenes, names = sample_scenes(0, split, np.arange(n)), [name.split() for name in CLASSES]
    return [scenes[(scenes.shape[:, 0] == SHAPES.index(shape)) & (scenes.colour[:, 0] == COLOURS.index(colour))]
            for colour, shape in names]  # fmt: skip


@cache
def film() -> list[Moment]:
    """A small model learns eight classes from new pictures in each step; a moment now and then."""
    model = new_clip(RECIPE)
    tokens = model.tokenizer.encode([f"a {name}" for name in CLASSES])
    scenes, held_out = of_classes("train", 12000), of_classes("A", 1500)
    test, seen = np.concatenate([normalized_images(some[:EACH]) for some in held_out]), []

    def objective(step, params):
        if step % RECIPE.log_every == 0:  # before the step
            now = model.with_params(params)
            seen.append((step, now.encode_image(test), now.encode_text(tokens)))
        images = np.concatenate([normalized_images(some[[step % len(some)]]) for some in scenes])
        return contrast(images, tokens, params, model.config)

    stage = Stage("f11", objective, RECIPE.steps + 1, EVERYTHING, RECIPE.peak_lr, RECIPE.warmup, caps=CAPS)
    fit(Learner(stage, model.params))
    return moments(seen)


def moments(seen) -> list[Moment]:
    """From (step, images, texts): places along the first two principal components of the last, and how well it goes."""
    last = np.concatenate(seen[-1][1:])
    _, sizes, components = np.linalg.svd(last - last.mean(0), full_matrices=False)
    axes = components[:2] * np.sign(components[:2].sum(1, keepdims=True))
    own, found = np.eye(len(CLASSES), dtype=bool).repeat(EACH, 0), []
    for step, images, texts in seen:
        cosines, at, to = images @ texts.T, (images - last.mean(0)) @ axes.T, (texts - last.mean(0)) @ axes.T
        right = cosines.argmax(1) == own.argmax(1)
        found.append(Moment(step, at, to, float(cosines[own].mean()), float(cosines[~own].mean()),
                            float(right.mean()), float((sizes[:2] ** 2).sum() / (sizes**2).sum())))  # fmt: skip
    return found


def frames(run) -> list[tuple[Moment, ...]]:
    return paused([(moment,) for moment in film()], 0, 8, 14)


def still(run) -> tuple[Moment, ...]:
    """What a picture that does not move shows: three moments."""
    return tuple(moment for moment in film() if moment.step in SHOWN)


def draw(slide: Slide, run, state: tuple[Moment, ...]) -> Drawn:
    first, last, n = film()[0], state[-1], len(state[-1].images)
    rows = [{"step": m.step, "what": what, "class": CLASSES[k * len(CLASSES) // len(places)], "x": float(x),
             "y": float(y)} for m in state for what, places in (("image", m.images), ("text", m.texts))
            for k, (x, y) in enumerate(places)]  # fmt: skip
    rows += [{"step": m.step, "what": "means", "cosine of pairs": m.pairs, "cosine of others": m.others,
              "R@1": m.recall} for m in film()]  # fmt: skip
    if len(state) > 1:
        top = slide.title(f"In {last.step} steps {last.recall:.0%} of the pictures come to their caption, "
                          f"{first.recall:.0%} before")  # fmt: skip
        draw_strip(slide, top, state)
    else:
        top = slide.title(f"Step {last.step}: {last.recall:.0%} of {n} new pictures are nearest to their caption")
        draw_moment(slide, top, last)
    return Drawn(
        f"{n} held-out pictures and {len(CLASSES)} captions in a training of {RECIPE.steps} steps, along the "
        f"last step's first two principal components ({last.variance:.0%} of its variance). From step 0 to "
        f"{last.step} the mean cosine of pairs goes from {decimal(first.pairs)} to {decimal(last.pairs)}, of all "
        f"others from {decimal(first.others)} to {decimal(last.others)}.",
        f"{n} small pictures, joined by thin lines to squares for {len(CLASSES)} captions. At step 0 they are "
        f"one knot and {first.recall:.0%} are nearest to their own; at step {last.step} it is {last.recall:.0%}.",
        rows,
    )


def draw_strip(slide: Slide, top: float, state) -> None:
    """The last moment, large, beside or below the others, which are small."""
    em, sheet, name = slide.em, slide.sheet(), 1.5 * slide.em
    width = 0.27 * slide.width if slide.wide else slide.width / 2 - 2 * em
    high = (slide.height - top - 1.5 * em) / 2 if slide.wide else 10 * em
    for k, moment in enumerate(state[:-1]):
        x, y = (1.5 * em, top + k * high) if slide.wide else (1.5 * em + k * (width + em), top)
        slide.write(sheet, x, y, f"step {moment.step}: {moment.recall:.0%}", weight="bold")
        panel(slide, (x, y + name, width, high - name - 0.5 * em), moment, 1.2)
    left, above = (2.5 * em + width, top) if slide.wide else (1.5 * em, top + high)
    slide.write(sheet, left, above, f"step {state[-1].step}: {state[-1].recall:.0%}", weight="bold")
    box = (left, above + name, slide.width - left - 1.5 * em, slide.height - above - name - 1.5 * em)
    named_panel(slide, box, state[-1])


def draw_moment(slide: Slide, top: float, moment: Moment) -> None:
    """One moment, large."""
    em = slide.em
    named_panel(slide, (1.5 * em, top, slide.width - 3 * em, slide.height - top - 4.0 * em), moment)
    words = (
        f"mean cosine of a picture with its caption {decimal(moment.pairs)}, with the others {decimal(moment.others)}"
    )
    slide.write(slide.sheet(), 1.5 * em, slide.height - 3.6 * em, words, slide.width - 3 * em, 2, color=slide.muted)


def named_panel(slide: Slide, box, moment: Moment) -> None:
    """A moment with the names of the captions outside of their pictures, where they do not collide."""
    em, taken, side = slide.em, list[tuple](), 1.9
    axes = panel(slide, box, moment, side, (9 * em, 2.4 * em))
    ratio = np.diff(axes.get_ylim())[0] / box[3]  # of the data, per inch
    apart = (side / 2 + 0.4) * em * ratio
    for k, (name, place) in enumerate(zip(CLASSES, moment.texts, strict=True)):
        half, group = width_of(name, slide.body, "bold") / 2 * ratio, [place, *moment.images[k * EACH : (k + 1) * EACH]]
        outward, (x, y) = np.sign(place), place
        if abs(x) > 0.5 * abs(y):
            x = outward[0] * (max(outward[0] * a for a, _ in group) + apart + half)
        else:
            y = outward[1] * (max(outward[1] * b for _, b in group) + apart + 0.6 * em * ratio)
        if abs(x) + half < axes.get_xlim()[1] and all(
            abs(x - a) > half + b or abs(y - c) > 1.5 * em * ratio for a, b, c in taken
        ):
            slide.label(axes, x, y, name, ha="center", weight="bold", zorder=6)
            taken.append((x, half, y))


def panel(slide: Slide, box, moment: Moment, side: float, edges=(0.0, 0.0)):
    """The pictures, `side` letters large, and the lines to their captions, at a scale that holds every moment."""
    axes = slide.axes(box)
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set(visible=True, color=slide.faint)
    reach = np.abs([np.abs(np.concatenate([m.images, m.texts])).max(0) for m in film()]).max(0) * 1.1
    ratio = max(reach / (box[2] / 2 - edges[0], box[3] / 2 - edges[1]))
    half = side * slide.em * ratio / 2
    owners = moment.texts.repeat(EACH, 0)
    for (x, y), text, picture in zip(moment.images, owners, pictures(), strict=True):
        axes.plot(*np.transpose([(x, y), text]), color=slide.muted, linewidth=slide.line / 3, zorder=2)
        axes.imshow(picture, extent=(x - half, x + half, y - half, y + half), aspect="auto", zorder=3)
    edge: Look = {"markeredgecolor": slide.paper, "markeredgewidth": slide.line / 4, "linestyle": "none"}
    axes.plot(*moment.texts.T, "s", color=TEXT, markersize=0.33 * side * slide.body, zorder=5, **edge)
    axes.set(xlim=(-ratio * box[2] / 2, ratio * box[2] / 2), ylim=(-ratio * box[3] / 2, ratio * box[3] / 2))
    return axes
