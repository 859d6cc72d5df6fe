"""f06: a model that knows nothing has the loss ln N, so a loss says nothing without its batch size."""

import numpy as np
from matplotlib.ticker import NullLocator

from ...data.pairs import batch
from ...nn.floors import chance_loss
from ...nn.losses import info_nce_forward
from ...tasks.evaluate import untrained
from ..slide import Slide
from ..style import NEGATIVE, POSITIVE, ROSE
from . import Drawn

TITLE = "Loss against batch size"
NOTEBOOK = "05"
NOTE = (
    "Ask first: a classmate reports a loss of 4.16 after an hour of training. Good or bad? At a batch of 64 that is "
    "ln 64, nothing learned; at 32,768 it would be far below chance. All embeddings equal gives exactly ln N: N "
    "answers that look alike. Random weights lie slightly above the line, since their cosines scatter and the scatter "
    "is punished. Those who compare losses across batch sizes see that even the trained model's loss grows with N."
)

MARKED = (8, 64, 32_768)
TRIED = (2, 4, 8, 16, 32, 64, 128, 256, 512)
LIMITS = (1.5, 2.0**17)


def draw(slide: Slide, run) -> Drawn:
    rows = losses(run.model)
    known = {row["batch size"]: row["ln N"] for row in rows}
    top = slide.title(
        f"Knowing nothing costs ln N: {known[8]:.2f} at 8, {known[64]:.2f} at 64, {known[32_768]:.2f} at 32,768"
    )
    axes = frame(slide, top)
    sizes = np.array(LIMITS)
    axes.plot(sizes, np.log(sizes), color=NEGATIVE, linewidth=slide.line, linestyle="--")
    for N in MARKED:
        axes.plot(N, known[N], "D", color=NEGATIVE, markersize=0.6 * slide.body)
        slide.label(axes, N / 1.35, known[N] + 0.75, f"{known[N]:.2f}", ha="right", weight="bold")
    slide.label(axes, 2_400, 9.1, "all alike: ln N", ha="right")
    for name, colour, marker, low in (("untrained", ROSE, "^", 0.6), ("trained", POSITIVE, "o", 0.0)):
        measured = [(row["batch size"], row[name]) for row in rows if name in row]
        look = {"markersize": 0.5 * slide.body, "linewidth": slide.line}
        axes.plot(*zip(*measured, strict=True), color=colour, marker=marker, **look)
        N, end = measured[-1]
        slide.label(axes, 1.5 * N, end - low, f"{name}: {end:.2f} at {N}")
    last = rows[-2]
    return Drawn(
        f"The loss of a batch of N pairs. With all embeddings equal it is ln N: {known[8]:.2f} at 8, {known[64]:.2f} "
        f"at 64, {known[32_768]:.2f} at 32,768. Measured at {last['batch size']} on held-out pairs: "
        f"{last['untrained']:.2f} before training, {last['trained']:.2f} after.",
        f"Loss against batch size on a logarithmic axis. A dashed straight line, ln N, passes {known[8]:.2f} at 8, "
        f"{known[64]:.2f} at 64 and {known[32_768]:.2f} at 32,768. Triangles of the untrained model lie just above it; "
        f"circles of the trained model stay below {np.ceil(last['trained']):.0f}.",
        rows,
    )


def losses(model) -> list[dict]:
    """For each batch size ln N and, up to the largest tried, the mean loss before and after training."""
    pairs = batch(0, "A", np.arange(TRIED[-1]), model.tokenizer)
    towers = {name: (m.encode_image(pairs.images), m.encode_text(pairs.ids), m.logit_scale)
              for name, m in (("untrained", untrained(model)), ("trained", model))}  # fmt: skip
    rows = []
    for N in TRIED:
        row = {"batch size": N, "ln N": chance_loss(N)}
        for name, (image, text, log_scale) in towers.items():
            parts = [slice(k, k + N) for k in range(0, TRIED[-1], N)]
            row[name] = float(np.mean([info_nce_forward(image[part], text[part], log_scale)[0] for part in parts]))
        rows.append(row)
    return [*rows, {"batch size": MARKED[-1], "ln N": chance_loss(MARKED[-1])}]


def frame(slide: Slide, top: float):
    """Axes with the batch size on a logarithmic scale, its round powers of two as ticks."""
    left, below = 4.5 * slide.em, 4.2 * slide.em
    box = (left, top + 0.3 * slide.em, slide.width - left - 2.5 * slide.em, slide.height - top - below - 0.3 * slide.em)
    axes = slide.axes(box, "batch size N", "loss (nats)", grid=True)
    axes.set_xscale("log", base=2)
    ticks = (2, 8, 64, 512, 4_096, 32_768) if slide.wide else (8, 64, 512, 32_768)
    axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set(xlim=LIMITS, ylim=(0, 12))
    return axes
