"""f10: in the text tower a token reads only itself and its left, so the end token alone has read everything."""

import numpy as np
from matplotlib.patches import Rectangle

from ...data.pairs import batch
from ...models.text import text_trunk_forward
from ..page import LINE, width_of, wrap
from ..slide import Slide
from ..style import ROSE, TEXT, Look
from . import Drawn

TITLE = "Causal attention and the end token"
NOTEBOOK = "04"
NOTE = (
    "Ask first: from which token should the sentence be read out? Let them change the last word in their heads, left "
    "into right, and say which vectors may move. The hatched cells are forbidden: a token reads itself and its left. "
    "So no vector before the changed word moves at all, and only the end token has read the whole caption. Those who "
    "would read the first token, as in the image tower, see that it knows nothing."
)

ITEM = 11  # of split A: a caption that ends in "left"
OTHER = {"left": "right", "right": "left"}


def draw(slide: Slide, run) -> Drawn:
    tokens, attention, shifts, changed = measure(run.model)
    T = len(tokens)
    rows = [{"token": token, "position": t, "shift": float(shifts[t]),
             **{f"attends to {s}": float(attention[t, s]) for s in range(T)}}
            for t, token in enumerate(tokens)]  # fmt: skip
    still = int((shifts < 1e-5).sum())
    top = slide.title(
        f"Only the end token has read all {T} tokens: change “{tokens[-2]}”, and the {still} before it stay"
    )
    words = max(width_of(token, slide.body) for token in tokens)
    left, bars = 1.5 * slide.em + words + 0.6 * slide.em, (17 if slide.wide else 11) * slide.em
    head = max(words + 0.6 * slide.em, 5.2 * slide.em)
    step = ((slide.width - left - bars - 3 * slide.em) / T, (slide.height - top - head - 1.5 * slide.em) / T)
    corner = (left, top + head, *step)
    sheet = slide.sheet()
    draw_cells(slide, sheet, corner, tokens, attention)
    x = left + T * step[0] + 1.5 * slide.em
    heading = wrap(f"shift if “{tokens[-2]}” becomes “{changed}”", bars, slide.body, 3)
    high = slide.body * LINE * (heading.count("\n") + 1)
    slide.write(sheet, x, top + head - 0.3 * slide.em - high, heading, bars)
    draw_shifts(slide, sheet, (x, top + head, bars, step[1]), shifts)
    return Drawn(
        f"“{' '.join(tokens[1:-1])}”: who reads whom in the last layer, mean over heads, in percent; hatched cells are "
        f"masked. If “{tokens[-2]}” becomes “{changed}”, the end token's vector moves by {shifts[-1]:.2f} of its "
        f"length, and the vectors of the {still} tokens before the word by {shifts[0]:.2f}.",
        f"A square of {T} by {T} cells, a row and a column for each token; all above the diagonal is hatched. Only the "
        f"last row, of the end token, is full. Bars beside it: a changed last word moves the end token by "
        f"{shifts[-1]:.2f} and no token before the word.",
        rows,
    )


def measure(model):
    """The tokens, (T, T) attention of the last layer, how far each vector moves when the last word changes, to what."""
    text = batch(0, "A", np.array([ITEM]), model.tokenizer).texts[0]
    *words, last = text.split()
    both = model.tokenizer.encode([text, " ".join([*words, OTHER[last]])])
    _, c = text_trunk_forward(both, model.params["text"], model.config.text)
    T = len(words) + 3
    attention = c["blocks"][-1]["attn"]["attend"][3][0, :, :T, :T].mean(0)
    x = c["ln_final"][0][:, :T]
    shifts = np.linalg.norm(x[0] - x[1], axis=-1) / np.linalg.norm(x[0], axis=-1)
    return ["start", *words, last, "end"], attention, shifts, OTHER[last]


def draw_cells(slide: Slide, sheet, corner, tokens, attention) -> None:
    """The matrix from (x, y, width, height) of its first cell on: percent where a token may look, else hatching."""
    left, top, width, height = corner
    for t, s in np.ndindex(attention.shape):
        cell: Look = {"xy": (left + s * width, top + t * height), "width": width, "height": height}
        if s > t:
            look: Look = {"facecolor": "none", "edgecolor": slide.faint, "hatch": "////", "linewidth": 0}
            sheet.add_patch(Rectangle(**cell, **look))
            continue
        shade = min(1.5 * attention[t, s], 1.0)
        sheet.add_patch(
            Rectangle(**cell, facecolor=slide.shades(shade), edgecolor=slide.paper, linewidth=slide.line / 2)
        )
        slide.label(sheet, left + (s + 0.5) * width, top + (t + 0.5) * height, f"{100 * attention[t, s]:.0f}",
                    ha="center")  # fmt: skip
    for t, token in enumerate(tokens):
        weight = "bold" if t == len(tokens) - 1 else "normal"
        slide.label(sheet, left - 0.5 * slide.em, top + (t + 0.5) * height, token, ha="right", weight=weight)
        slide.label(sheet, left + (t + 0.5) * width, top - 0.4 * slide.em, token, ha="center", va="bottom", rotation=90)
    T = len(tokens)
    row = Rectangle((left, top + (T - 1) * height), T * width, height, fill=False, edgecolor=ROSE)
    row.set_linewidth(2 * slide.line)
    sheet.add_patch(row)


def draw_shifts(slide: Slide, sheet, box, shifts) -> None:
    """A bar for each token in the row of its cells: box is (x, y, room, height of a row)."""
    x, y, room, height = box
    longest = room - 3.2 * slide.em
    for t, shift in enumerate(shifts):
        middle, long = y + (t + 0.5) * height, longest * shift / max(shifts.max(), 1e-9)
        look: Look = {"facecolor": TEXT, "hatch": "//", "edgecolor": slide.paper, "linewidth": 0}
        sheet.add_patch(Rectangle((x, middle - 0.3 * height), long, 0.6 * height, **look))
        slide.label(sheet, x + long + 0.4 * slide.em, middle, f"{shift:.2f}")
    sheet.plot([x, x], [y, y + len(shifts) * height], color=slide.muted, linewidth=slide.line / 2)
