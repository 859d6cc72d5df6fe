"""f33: a transformer block, and the shape of every array that flows through it."""

import numpy as np
from matplotlib.patches import Rectangle

from ...nn.blocks import block_forward
from ..slide import Slide
from ..style import SKY, TEXT, Look
from . import Drawn

TITLE = "A transformer block and its shapes"
NOTEBOOK = "04"
NOTE = (
    "Follow the array of one caption from top left. Ask at each box: do tokens exchange here? Only in one, where the "
    "shares are used. Ask for the largest array: not the shares, but the middle of the MLP, which is four times as "
    "wide as the stream; the shares win where there are many tokens, since they grow with the square. Then follow the "
    "line beside the boxes: what goes into a block is still there when it comes out, and each half only adds to it. "
    "The shapes are read from the running code, and each array is as wide as it has features."
)

CAPTION = "a small red circle on the left"
WIDEST = 192  # features


def arrays(run) -> list[tuple[str, str, tuple[int, ...]]]:
    """(half, what makes it, shape) of each array of one caption in the first block of the text tower, as it runs."""
    model = run.model
    tower, config = model.params["text"], model.config.text
    (ids,) = model.tokenizer.encode([CAPTION])
    n = int((ids == model.tokenizer.end).argmax()) + 1
    x = (tower["token_embedding"]["weight"][ids[:n]] + tower["positional_embedding"][:n])[None]
    y, c = block_forward(x, tower["blocks"][0], config.heads, config.activation, np.tri(n, dtype=bool))
    q, _, _, shares = c["attn"]["attend"]
    merged, wide = c["attn"]["out_proj"][0], c["mlp"]["c_proj"][0]
    found = [
        ("attention", "x", x), ("attention", "layer norm", c["attn"]["in_proj"][0]),
        ("attention", "linear: q, k, v", q), ("attention", "shares: softmax of q · k", shares),
        ("attention", "values mixed, merged", merged), ("attention", "linear, plus x", x),
        ("MLP", "x", x), ("MLP", "layer norm", c["mlp"]["c_fc"][0]), ("MLP", "linear", wide),
        ("MLP", "QuickGELU", wide), ("MLP", "linear, plus x", y),
    ]  # fmt: skip
    return [(half, name, np.squeeze(array).shape) for half, name, array in found]  # without the batch of one


def draw(slide: Slide, run) -> Drawn:
    found = arrays(run)
    most = max(found, key=lambda one: np.prod(one[2]))
    rows = [{"half": half, "array": name, "shape": times(shape), "numbers": int(np.prod(shape))}
            for half, name, shape in found]  # fmt: skip
    T, D = found[0][2]
    heads = found[3][2][0]
    shape = times(found[0][2])
    top = slide.title(f"A block gives back the shape it got, {shape}; tokens meet in {heads} tables of shares only")
    width = (slide.width - 4 * slide.em) / 2
    for k, half in enumerate(("attention", "MLP")):
        box = (1.5 * slide.em + k * (width + slide.em), top, width, slide.height - top - 1.2 * slide.em)
        panel(slide, box, half, [one[1:] for one in found if one[0] == half])
    return Drawn(
        f"One caption of {T} tokens in the first block of the text tower. Attention: {T} × {D}, in {heads} heads of "
        f"{found[2][2][2]} features, {times(found[3][2])} shares. The MLP: {times(most[2])} in the middle. Each half "
        "is added to what went in.",
        f"Two columns of boxes. Attention: layer norm, queries, keys and values of shape {times(found[2][2])}, shares "
        f"{times(found[3][2])}, mixed values, linear. MLP: layer norm, linear to {times(most[2])}, QuickGELU, linear. "
        "A line past each column adds its input to its output.",
        rows,
    )


def times(shape) -> str:
    """16 × 48"""
    return " × ".join(map(str, shape))


def panel(slide: Slide, box, name: str, steps) -> None:
    """A half of the block, downwards: each array to scale with its shape, what makes it above it, a line past all."""
    sheet, (_, _, width, height), em = slide.sheet(box), box, slide.em
    heading = {"attention": "attention: tokens exchange", "MLP": "MLP: each token alone"}[name]
    slide.write(sheet, 0, 0, heading, weight="bold")
    pitch, left = (height - 3.6 * em) / 5, 1.6 * em  # from one of the six arrays of attention to the next
    unit = (width - left - 7.5 * em) / WIDEST
    middles = [2.9 * em + k * pitch for k in range(len(steps))]
    look: Look = {"color": slide.ink, "linewidth": slide.line, "solid_joinstyle": "round"}
    sheet.plot([left - 0.3 * em, 0.4 * em, 0.4 * em, left - 0.3 * em],
               [middles[0], middles[0], middles[-1], middles[-1]], **look)  # fmt: skip
    for k, ((said, shape), middle) in enumerate(zip(steps, middles, strict=True)):
        tokens_meet = said.startswith("shares")
        end = array(slide, sheet, left, middle, shape, unit, SKY if tokens_meet else TEXT)
        slide.write(sheet, end + 0.6 * em, middle - 0.6 * em, times(shape), weight="bold" if tokens_meet else "normal")
        if k:
            x = left + 0.9 * em
            slide.arrow(sheet, (x, middles[k - 1] + 0.7 * em), (x, middle - 0.75 * em), slide.muted, 0.7)
            slide.write(sheet, x + em, middle - pitch / 2 - 0.6 * em, said, color=slide.muted)


def array(slide: Slide, sheet, x, middle, shape, unit: float, colour: str) -> float:
    """A rectangle as wide as there are features, for each head; returns where the last one ends."""
    heads, features = (shape[0], shape[2]) if len(shape) == 3 else (1, shape[1])
    gap = 0.0 if heads == 1 else 0.18 * slide.em
    for h in range(heads):
        sheet.add_patch(Rectangle((x + h * (unit * features + gap), middle - 0.55 * slide.em), unit * features,
                                  1.1 * slide.em, facecolor=colour, linewidth=0))  # fmt: skip
    return x + heads * (unit * features + gap)
