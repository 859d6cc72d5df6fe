"""f11: pictures and captions find each other: the space of a small training, always along the same two axes."""

from dataclasses import dataclass
from functools import cache

import numpy as np

from ...data.pairs import normalized_images
from ...data.world import COLOURS, SHAPES, sample_scenes
from ...train.clip import CAPS, EVERYTHING, TrainConfig, new_clip
from ...train.loop import Learner, Stage, fit
from ...train.objectives import contrast
from ..page import decimal, width_of
from ..slide import Slide
from ..style import IMAGE, TEXT, Look
from . import Drawn

TITLE = "The space over training"
NOTEBOOK = "06"
NOTE = (
    "Show the first moment and ask: which circle belongs to which square? Nobody can tell, nor can the new model: each "
    "tower puts all it sees into one place. Run the film. First the knot opens, then squares and circles of one class "
    "travel together, and the lines that join them shorten. The two axes are those of the last moment and never turn; "
    "those who fit new axes to every frame see a cloud that spins, and take the spinning for learning. Ask at the end "
    "which pictures sit with the wrong caption."
)

CLASSES = ("red circle", "blue square", "yellow triangle", "green star", "purple ring", "pink heart", "cyan cross",
           "orange diamond")  # fmt: skip
EACH, SHOWN = 4, (0, 60, 80, 100, 140, 240)  # held-out pictures of a class; the moments that paper shows
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
    return [(moment,) for moment in film()]


def still(run) -> tuple[Moment, ...]:
    """What a picture that does not move shows: six moments."""
    return tuple(moment for moment in film() if moment.step in SHOWN)


def draw(slide: Slide, run, state: tuple[Moment, ...]) -> Drawn:
    first, last = film()[0], state[-1]
    n = len(last.images)
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
    where = "six moments" if len(state) > 1 else f"step {last.step}"
    return Drawn(
        f"{n} held-out pictures and {len(CLASSES)} captions in a training of {RECIPE.steps} steps, {where}, along the "
        f"last step's first two principal components ({last.variance:.0%} of its variance). From step 0 to "
        f"{last.step} the mean cosine of pairs goes from {decimal(first.pairs)} to {decimal(last.pairs)}, of all "
        f"others from {decimal(first.others)} to {decimal(last.others)}.",
        f"Circles for {n} pictures, joined by thin lines to squares for {len(CLASSES)} captions. At step 0 they are "
        f"one knot and {first.recall:.0%} are nearest to their own; at step {last.step} it is {last.recall:.0%}.",
        rows,
    )


def draw_strip(slide: Slide, top: float, state) -> None:
    """Six moments in two rows, one scale for all, and what the marks mean below."""
    em, columns = slide.em, 3
    foot, name, gap = (2.4 if slide.wide else 3.8) * em, 1.7 * em, 1.2 * em
    width = (slide.width - 3 * em - (columns - 1) * gap) / columns
    height = (slide.height - top - foot - em) / 2 - name
    sheet = slide.sheet()
    for k, moment in enumerate(state):
        x, y = 1.5 * em + k % columns * (width + gap), top + k // columns * (height + name)
        slide.write(sheet, x, y, f"step {moment.step}", weight="bold")
        slide.write(sheet, x + width, y, f"{moment.recall:.0%}", ha="right", color=slide.muted)
        panel(slide, (x, y + name, width, height - 0.3 * em), moment, 0.4, (0, 0.3 * em))
    draw_legend(slide, slide.height - foot - 0.3 * em)


def draw_moment(slide: Slide, top: float, moment: Moment) -> None:
    """One moment, large, with the names of the captions where they do not collide."""
    em = slide.em
    foot = (2.4 if slide.wide else 3.8) * em
    box = (1.5 * em, top, slide.width - 3 * em, slide.height - top - foot - 1.3 * em)
    axes, taken = panel(slide, box, moment, 0.7, (9 * em, 2.4 * em)), list[tuple]()
    ratio = np.diff(axes.get_ylim())[0] / box[3]  # of the data, per inch
    for name, place in zip(CLASSES, moment.texts, strict=True):
        half, away = width_of(name, slide.body) / 2 * ratio, place / max(np.linalg.norm(place), 1e-9)
        x, y = place + away * (half + 1.6 * em * ratio, 1.7 * em * ratio)
        if all(abs(x - a) > half + b or abs(y - c) > 1.5 * em * ratio for a, b, c in taken):
            slide.label(axes, x, y, name, ha="center", zorder=6)
            taken.append((x, half, y))
    said = f"cosine of pairs {decimal(moment.pairs)}, of others {decimal(moment.others)}"
    draw_legend(slide, slide.height - foot - 0.3 * em, said)


def panel(slide: Slide, box, moment: Moment, mark: float, edges=(0.0, 0.0)):
    """Both kinds of marks and the lines that join pairs, at a scale that holds every moment and the edges."""
    axes = slide.axes(box)
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set(visible=True, color=slide.faint)
    reach = np.abs([np.abs(np.concatenate([m.images, m.texts])).max(0) for m in film()]).max(0) * 1.1
    ratio = max(reach / (box[2] / 2 - edges[0], box[3] / 2 - edges[1]))
    axes.set(xlim=(-ratio * box[2] / 2, ratio * box[2] / 2), ylim=(-ratio * box[3] / 2, ratio * box[3] / 2))
    owners = moment.texts.repeat(EACH, 0)
    for image, text in zip(moment.images, owners, strict=True):
        axes.plot(*np.transpose([image, text]), color=slide.muted, linewidth=slide.line / 3, zorder=3)
    edge: Look = {"markeredgecolor": slide.paper, "markeredgewidth": slide.line / 4, "linestyle": "none"}
    axes.plot(*moment.images.T, "o", color=IMAGE, markersize=mark * slide.body, zorder=4, **edge)
    axes.plot(*moment.texts.T, "s", color=TEXT, markersize=1.1 * mark * slide.body, zorder=5, **edge)
    return axes


def draw_legend(slide: Slide, y: float, said: str = "in percent: nearest to their own") -> None:
    """What a circle, a square and a line are, and one thing more."""
    em, sheet, x = slide.em, slide.sheet(), 2.0 * slide.em
    for shape, colour, name in (("o", IMAGE, "picture"), ("s", TEXT, "caption"), ("", slide.muted, "pair")):
        if shape:
            sheet.plot([x], [y + 0.65 * em], shape, color=colour, markersize=0.7 * slide.body)
        else:
            sheet.plot([x - 0.5 * em, x + 0.9 * em], [y + 0.65 * em] * 2, color=colour, linewidth=slide.line / 2)
        start = x + (0.8 if shape else 1.4) * em
        slide.write(sheet, start, y, name)
        x = start + width_of(name, slide.body) + 1.6 * em
    if slide.wide:
        slide.write(sheet, slide.width - 1.5 * em, y, said, ha="right", color=slide.muted)
    else:
        slide.write(sheet, 1.5 * em, y + 1.5 * em, said, slide.width - 3 * em, 1, color=slide.muted)
