"""f01: every picture against every caption: pairs stand on the diagonal, and rows and columns ask different things."""

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from ...data.captions import truth_matrix
from ...data.drawing import draw_scenes
from ...data.grammar import vocabulary
from ...data.pairs import Pairs, batch
from ...data.tokenizer import Tokenizer
from ...nn.optim import constant
from ...train.clip import CAPS, EVERYTHING, TrainConfig, new_clip
from ...train.loop import Learner, Stage, fit
from ...train.objectives import contrast
from ..matrix import wins, wrong_winners
from ..page import LINE, decimal, thumbnail, width_of, wrap
from ..slide import Slide
from ..style import IMAGE, NEGATIVE, POSITIVE, TEXT, Look
from . import Drawn, paused

TITLE = "The contrastive matrix"
NOTEBOOK = "06"
NOTE = (
    "Cover the numbers and let the class match pictures and captions first: they do what the model does. Then ask what "
    "a row asks (which text belongs to this image?) and what a column asks (which image belongs to this text?): the "
    "same numbers answer both, yet one can be right where the other is wrong. Point at strong cells off the diagonal: "
    "they share a colour, a shape or a place. As a film it begins with a new model that learns eight such pairs alone "
    "and, by heart, pulls the diagonal up in a dozen steps; the last picture is the trained model, which never saw "
    "these pictures."
)

PAIRS, CANDIDATES, LONGEST = 8, 256, 24  # how many; the items they are taken from; characters of a caption
STEPS, EVERY, LEARNING_RATE = 56, 2, 1e-3  # of the small training, with a picture every second step


@dataclass(frozen=True)
class State:
    """What one picture shows: whose cosines, and the cosines (B, B)."""

    whose: str
    cosines: np.ndarray


@cache
def pairs() -> Pairs:
    """The first pairs of split A with short captions, of which none is true of another's picture."""
    tokenizer = Tokenizer(vocabulary())
    found = batch(0, "A", np.arange(CANDIDATES), tokenizer)
    true, chosen = truth_matrix(found.texts, found.scenes), list[int]()
    for i, text in enumerate(found.texts):
        if len(text) <= LONGEST and len(chosen) < PAIRS and not (true[i, chosen].any() or true[chosen, i].any()):
            chosen.append(i)
    return batch(0, "A", chosen, tokenizer)


@cache
def small_training() -> list[State]:
    """A new model that learns the pairs by heart, looked at every few steps."""
    model, states = new_clip(TrainConfig()), list[State]()

    def objective(step, params):
        if step % EVERY == 0:  # before the step
            now = model.with_params(params)
            cosines = now.encode_image(pairs().images) @ now.encode_text(pairs().ids).T
            states.append(State(f"New model, these {PAIRS} pairs alone, step {step}", cosines))
        return contrast(pairs().images, pairs().ids, params, model.config)

    stage = Stage("f01", objective, STEPS, EVERYTHING, LEARNING_RATE, schedule=constant, max_grad_norm=math.inf,
                  caps=CAPS)  # fmt: skip
    fit(Learner(stage, model.params))
    return states


def frames(run) -> list[State]:
    cosines = run.model.encode_image(pairs().images) @ run.model.encode_text(pairs().ids).T
    states = small_training()
    return [*paused(states, 0, len(states) // 3, -1), State("Trained model, pictures it never saw", cosines)]


def draw(slide: Slide, run, state: State) -> Drawn:
    B = 6 if slide.wide else 5
    cosines, captions = state.cosines[:B, :B].round(4), pairs().texts[:B]
    rows = [{"image": f"image {i + 1}", "text": text, "pair": i == j, "cosine": round(float(cosines[i, j]), 4)}
            for i in range(B) for j, text in enumerate(captions)]  # fmt: skip
    same = np.eye(B, dtype=bool)
    mean, other = (float(cosines[where].mean()) for where in (same, ~same))
    rows += [{"image": "mean of the pairs", "cosine": mean}, {"image": "mean of all others", "cosine": other}]
    texts, images = wins(cosines).sum(), wins(cosines.T).sum()
    top = slide.title(f"Rows find their text: {texts} of {B}. Columns find their image: {images} of {B}")
    sheet, margin = slide.sheet(), 1.5 * slide.em
    said = f"{state.whose}: mean cosine {decimal(mean)} on the diagonal, {decimal(other)} off it"
    top += slide.write(sheet, margin, top - 0.4 * slide.em, said, slide.width - 2 * margin, 2, color=slide.muted)
    draw_grid(slide, sheet, top, cosines, captions)
    return Drawn(
        f"Cosines of {B} pictures (rows) and {B} captions (columns). {state.whose}. Mean of the pairs {decimal(mean)}, "
        f"of all others {decimal(other)}; {texts} of {B} rows and {images} of {B} columns are won by their pair.",
        f"A grid of {B} by {B} cells, pictures of shapes down the left, captions across the top. The framed cells "
        f"of the diagonal have a mean cosine of {decimal(mean)}, all others one of {decimal(other)}.",
        rows,
    )


def draw_grid(slide: Slide, sheet: Axes, top: float, cosines, captions) -> None:
    """Names of the axes, captions, thumbnails and cells, below `top`."""
    em, B = slide.em, len(captions)
    left, gap, head = 3.1 * em, 0.25 * em, 1.7 * em
    room = slide.width - left - 1.8 * em
    narrow = (room - 3.2 * em) / B - 0.8 * em
    lines = [wrap(text, narrow, slide.body, 6).split("\n") for text in captions]
    grid = top + head + max(map(len, lines)) * slide.body * LINE + 3 * gap
    side = (slide.height - 1.0 * em - grid) / B
    column = (room - side - 2 * gap) / B
    start = left + side + 2 * gap
    for j, text in enumerate(lines):
        middle, high = start + j * column + (column - gap) / 2, grid - 3 * gap - len(text) * slide.body * LINE
        slide.write(sheet, middle, high, " ".join(text), narrow, 6, ha="center")
    line: Look = {"linewidth": 1.2 * slide.line, "solid_capstyle": "butt"}
    sheet.plot([start, start + B * column - gap], [grid - 1.5 * gap] * 2, color=TEXT, **line)
    sheet.plot([start - 1.2 * gap] * 2, [grid, grid + B * side - gap], color=IMAGE, **line)
    name_axes(slide, sheet, (start, top), (left, grid + (B * side - gap) / 2))
    for i, picture in enumerate(draw_scenes(pairs().scenes)[:B]):
        thumbnail(sheet, picture, left, grid + i * side, side - gap)
    draw_cells(slide, sheet, (start, grid, column, side, gap), cosines)


def name_axes(slide: Slide, sheet: Axes, over, beside) -> None:
    """A square for texts above the columns, a circle for images beside the rows, with what each asks."""
    em = slide.em
    mark: Look = {"markersize": 0.7 * slide.body, "linestyle": "none"}
    sheet.plot([over[0] + 0.5 * em], [over[1] + 0.7 * em], "s", color=TEXT, **mark)
    slide.write(sheet, over[0] + 1.4 * em, over[1], "texts: which image? ↓")
    name = "images: which text? ↓"
    x, half = beside[0] - 1.0 * em, width_of(name, slide.body) / 2
    sheet.text(x, beside[1], name, fontsize=slide.body, color=slide.ink, rotation=90, ha="center", va="center")
    sheet.plot([x], [beside[1] + half + 0.8 * em], "o", color=IMAGE, **mark)


def draw_cells(slide: Slide, sheet: Axes, place, cosines) -> None:
    """A cell for each cosine, the stronger the further from the ground; pairs framed solid, wrong winners dashed."""
    left, top, width, height, gap = place
    wrong = wrong_winners(cosines) | wrong_winners(cosines.T).T
    for i, j in np.ndindex(cosines.shape):
        x, y, shade = left + j * width, top + i * height, 0.06 + 0.94 * float(np.clip(cosines[i, j], 0, 1))
        box: Look = {"xy": (x, y), "width": width - gap, "height": height - gap}
        sheet.add_patch(Rectangle(facecolor=slide.shades(shade), linewidth=0, **box))
        middle, high = x + (width - gap) / 2, y + (height - gap) / 2 - 0.59 * slide.em
        weight = "bold" if i == j else "normal"
        slide.write(sheet, middle, high, decimal(cosines[i, j].round(2) + 0.0), weight=weight, ha="center")
        if i == j or wrong[i, j]:
            colour, style = (POSITIVE, "-") if i == j else (NEGATIVE, (0, (2.5, 1.5)))
            sheet.add_patch(Rectangle(fill=False, edgecolor=colour, linestyle=style, linewidth=1.5 * slide.line, **box))
