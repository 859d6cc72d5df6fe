"""f14: how a list of class names becomes a classifier, with the numbers of one picture."""

import math

import numpy as np
from matplotlib.patches import Rectangle

from ...data.drawing import draw_scenes
from ...data.pictures import normalize
from ...data.world import COLOURS, SHAPES, sample_scenes
from ...tasks.zero_shot import TEMPLATES, build_prompts, zero_shot_probabilities, zero_shot_weights
from ..page import decimal, thumbnail
from ..slide import Slide
from ..style import IMAGE, NEGATIVE, POSITIVE, TEXT, Look
from . import Drawn

TITLE = "Zero-shot classification, step by step"
NOTEBOOK = "08"
NOTE = (
    "Walk from left to right and let the class say each step: names, prompts, one vector a class, cosines, a "
    "softmax. Ask where the classifier was trained. Nowhere: it is made of words, and another list of names is "
    "another classifier with the same weights. Then cross out the right class and ask what happens: the softmax "
    "must give its whole share to the others, since “none of these” is not on the list. Point at the cosines: they "
    "differ less than the shares do, because the scale stretches the differences before the softmax. A share "
    "depends on the list, a cosine does not."
)

ITEM, SHOWN = 0, TEMPLATES[2]  # the picture of split A; the template that is written out
# The classes, as steps of colour and shape from the true one: another colour, itself, another shape, both.
STEPS = ((1, 0), (0, 0), (0, 1), (4, 4))
TRUE = STEPS.index((0, 0))


def measure(model):
    """(the picture, its embedding, one vector a class, a row for each class)."""
    scenes = sample_scenes(0, "A", np.array([ITEM]))
    colour, shape = scenes.colour[0, 0], scenes.shape[0, 0]
    names = [f"{COLOURS[(colour + i) % len(COLOURS)]} {SHAPES[(shape + j) % len(SHAPES)]}" for i, j in STEPS]
    picture = draw_scenes(scenes)
    image, weights = model.encode_image(normalize(picture)), zero_shot_weights(model, names)
    shares = zero_shot_probabilities(image, weights, model.logit_scale)[0]
    rows = [{"class": name, "prompt": prompt, "templates": len(TEMPLATES), "cosine": float(cosine),
             "probability": float(share), "scale": math.exp(model.logit_scale)}
            for name, (prompt,), cosine, share in zip(
                names, build_prompts(names, [SHOWN]), weights @ image[0], shares, strict=True)]  # fmt: skip
    return picture[0], image[0], weights, rows


def arrow(slide: Slide, sheet, *corners) -> None:
    """A line through corners, its head at the last one."""
    x, y = zip(*corners, strict=True)
    sheet.plot(x[:-1], y[:-1], color=slide.muted, linewidth=slide.line, solid_capstyle="butt")
    look: Look = {"arrowstyle": "-|>", "color": slide.muted, "linewidth": slide.line, "shrinkA": 0, "shrinkB": 0}
    sheet.annotate("", corners[-1], corners[-2], arrowprops=look | {"mutation_scale": slide.body})


def box(slide: Slide, sheet, place, lines, colour, dashed: bool) -> None:
    """A box (left, top, width, height) with lines of text in its middle."""
    x, y, width, height = place
    look: Look = {"edgecolor": colour, "linestyle": "--" if dashed else "-", "linewidth": 1.2 * slide.line}
    sheet.add_patch(Rectangle((x, y), width, height, fill=False, **look))
    for k, line in enumerate(lines):
        slide.write(sheet, x + width / 2, y + height / 2 + (k - len(lines) / 2) * 1.25 * slide.em, line, ha="center")


def strip(slide: Slide, sheet, vector, place) -> None:
    """A vector as a strip of cells in two rows: orange below 0, purple above."""
    x, y, width, height = place
    look: Look = {"cmap": "PuOr", "vmin": -0.3, "vmax": 0.3, "interpolation": "nearest", "aspect": "auto"}
    sheet.imshow(vector.reshape(2, -1), extent=(x, x + width, y + height, y), **look)
    sheet.add_patch(Rectangle((x, y), width, height, fill=False, edgecolor=slide.muted, linewidth=slide.line / 2))


def class_row(slide: Slide, sheet, y, row, true: bool, at) -> None:
    """One class: name and prompt on the left, cosine and share on the right."""
    em, right = slide.em, slide.width - 1.5 * slide.em
    slide.write(sheet, 1.5 * em, y, row["class"], at["text"], 1, weight="bold")
    slide.write(sheet, 1.5 * em, y + 1.25 * em, row["prompt"], at["text"], 1, color=slide.muted)
    weight = "bold" if true else "normal"
    slide.write(sheet, at["cosine"], y + 0.6 * em, decimal(row["cosine"]), ha="center", weight=weight)
    slide.write(sheet, at["bars"], y, f"{row['probability']:.1%}", weight=weight)
    look: Look = {"facecolor": POSITIVE if true else NEGATIVE, "edgecolor": slide.paper, "linewidth": 0}
    low, thick, room = y + 1.45 * em, 0.8 * em, right - at["bars"]
    sheet.add_patch(Rectangle((at["bars"], low), room, thick, facecolor=slide.faint, linewidth=0))
    hatch = None if true else "//"
    sheet.add_patch(Rectangle((at["bars"], low), room * row["probability"], thick, hatch=hatch, **look))


def pipeline(slide: Slide, top: float, picture, image, weights, rows) -> None:
    """The picture above, the classes below, meeting in the column of cosines."""
    em, sheet = slide.em, slide.sheet()
    starts = (17.5, 21.3, 6.5, 30.3, 40.3, 43.3) if slide.wide else (16.0, 17.8, 5.0, 0.0, 26.2, 28.8)
    names = ("text", "encoder", "wide", "vector", "cosine", "bars")
    at = {name: start * em for name, start in zip(names, starts, strict=True)}
    side, head = 6.0 * em, top + 7.6 * em
    first, pitch = head + 2.2 * em, (slide.height - head - 3.4 * em) / len(rows)
    last = first + len(rows) * pitch - 0.6 * em
    encoder, middle, gap = at["encoder"] + at["wide"], top + side / 2, 0.3 * em
    thumbnail(sheet, picture, 1.5 * em, top, side)
    arrow(slide, sheet, (1.5 * em + side + gap, middle), (at["encoder"] - gap, middle))
    box(slide, sheet, (at["encoder"], middle - 1.9 * em, at["wide"], 3.8 * em), ("image", "encoder"), IMAGE, False)
    box(slide, sheet, (at["encoder"], first - 0.2 * em, at["wide"], last - first + 0.2 * em), ("text", "encoder"),
        TEXT, True)  # fmt: skip
    start = encoder
    if slide.wide:
        start = at["vector"] + 7.0 * em
        strip(slide, sheet, image, (at["vector"], middle - 0.8 * em, 7.0 * em, 1.6 * em))
        arrow(slide, sheet, (encoder + gap, middle), (at["vector"] - gap, middle))
    arrow(slide, sheet, (start + gap, middle), (at["cosine"], middle), (at["cosine"], head - gap))
    for x, name, ha in ((1.5 * em, f"{len(TEMPLATES)} prompts, one shown", "left"), (at["cosine"], "cosine", "center"),
                        (at["bars"], "share (softmax)" if slide.wide else "share", "left")):  # fmt: skip
        slide.write(sheet, x, head, name, ha=ha, color=slide.muted)
    for k, row in enumerate(rows):
        y = first + k * pitch
        class_row(slide, sheet, y, row, k == TRUE, at)
        end = at["vector"] - gap if slide.wide else at["cosine"] - 2.0 * em
        arrow(slide, sheet, (encoder + gap, y + 1.2 * em), (end, y + 1.2 * em))
        if slide.wide:
            arrow(slide, sheet, (at["text"] + 1.5 * em, y + 1.2 * em), (at["encoder"] - gap, y + 1.2 * em))
            strip(slide, sheet, weights[k], (at["vector"], y + 0.4 * em, 7.0 * em, 1.6 * em))


def draw(slide: Slide, run) -> Drawn:
    picture, image, weights, rows = measure(run.model)
    best = max(rows, key=lambda row: row["cosine"])
    true, scale = rows[TRUE], rows[0]["scale"]
    top = slide.title(
        f"Classes are just text: “{best['class']}” is nearest, cosine {best['cosine']:.2f}, and gets "
        f"{best['probability']:.1%} among {len(rows)} classes"
    )
    pipeline(slide, top, picture, image, weights, rows)
    listed = ", ".join(f"{row['class']} {decimal(row['cosine'])}" for row in rows)
    return Drawn(
        f"Each class name is put into {len(TEMPLATES)} templates, such as “{SHOWN.format('…')}”; the embeddings of its "
        f"prompts are averaged. Cosines with the picture of a {true['class']}: {listed}. A softmax at the learnt scale "
        f"of {scale:.1f} gives the true class {true['probability']:.3f}.",
        f"A picture goes through the image encoder; {len(rows)} class names become prompts and go through the text "
        f"encoder. Their cosines are {listed}. Bars show the shares after the softmax, {best['class']} first with "
        f"{best['probability']:.1%}.",
        rows,
    )
