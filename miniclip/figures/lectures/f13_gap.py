"""f13: pictures and texts live in two clouds, and what happens when the one is pushed onto the other."""

import numpy as np

from ...data.captions import truth_matrix
from ...data.grammar import CLASS_NAMES
from ...data.pairs import batch
from ...nn.losses import info_nce_forward
from ...nn.ops import normalize_forward
from ...tasks.evaluate import LABEL_SETS, untrained
from ...tasks.retrieval import recall_at_k
from ...tasks.zero_shot import zero_shot_weights
from ..page import decimal
from ..slide import Slide
from ..style import IMAGE, NEGATIVE, TEXT, Look
from . import Drawn

TITLE = "The modality gap"
NOTEBOOK = "11"
NOTE = (
    "Ask where a caption lies whose picture it fits exactly: most expect it on top of the picture. It lies in another "
    "cloud. Pairs need not coincide, they need only be nearer than other pairs. Tell that it was there before "
    "training: two random towers look in two directions. Then let the class bet on what closing it does. The loss "
    "grows, since the temperature and all distances were learnt together with the gap; the order of the classes hardly "
    "minds, since all of them are moved alike. The horizontal axis is the gap itself and not a first principal "
    "component: that one is spent on colours and shapes, and a plain PCA of the shipped model hardly shows the gap."
)

N, B = 512, 128
SHIFTS = np.linspace(-1.0, 2.0, 25)  # in units of the gap: 0 as trained, 1 one mean upon the other


def measure(model) -> tuple[list[dict], np.ndarray, np.ndarray]:
    """(a row for each shift, places of the pictures, places of the texts), a place being (along the gap, across)."""
    pairs = batch(0, "A", np.arange(N), model.tokenizer)
    image, text = model.encode_image(pairs.images), model.encode_text(pairs.ids)
    classes, right = zero_shot_weights(model, CLASS_NAMES), LABEL_SETS["colour and shape"][2](pairs.scenes)
    true = truth_matrix(pairs.texts, pairs.scenes)
    gap, rows = image.mean(0) - text.mean(0), []
    for shift in SHIFTS:
        a, b, c = (normalize_forward(x + way * shift / 2 * gap)[0] for x, way in ((image, -1), (text, 1), (classes, 1)))
        parts = [slice(start, start + B) for start in range(0, N, B)]
        loss = np.mean([info_nce_forward(a[part], b[part], model.logit_scale)[0] for part in parts])
        rows.append({"shift": float(shift), "distance of the means": float(np.linalg.norm(a.mean(0) - b.mean(0))),
                     "loss": float(loss), "image to text R@1": recall_at_k(a @ b.T, true, 1),
                     "zero-shot accuracy": float(((a @ c.T).argmax(1) == right).mean())})  # fmt: skip
    return rows, *places(image, text, gap)


def places(image, text, gap):
    """Both clouds along the gap, and along the first principal component of what is left without it."""
    axis = gap / np.linalg.norm(gap)
    both = np.concatenate([image, text])
    along = both @ axis
    rest = both - both.mean(0) - np.outer(along - along.mean(), axis)
    component = np.linalg.svd(rest, full_matrices=False)[2][0]
    component *= np.sign(component[np.abs(component).argmax()])
    found = np.stack([along, rest @ component], 1)
    return found[: len(image)], found[len(image) :]


def scatter(slide: Slide, box, image, text) -> None:
    """The two clouds, and an arrow from mean to mean."""
    axes = slide.axes(box, "along the gap", "across it" if slide.wide else "")
    look: Look = {"linestyle": "none", "markersize": 0.28 * slide.body, "markeredgewidth": 0}
    axes.plot(*image.T, "o", color=IMAGE, alpha=0.6, **look)
    axes.plot(*text.T, "s", color=TEXT, alpha=0.6, **look)
    low, high = np.concatenate([image, text])[:, 1].min(), np.concatenate([image, text])[:, 1].max()
    axes.set_ylim(low - 0.05 * (high - low), high + 0.28 * (high - low))
    ends = text[:, 0].mean(), image[:, 0].mean()
    level = high + 0.08 * (high - low)
    axes.annotate("", (ends[1], level), (ends[0], level), arrowprops={
        "arrowstyle": "<->", "color": slide.ink, "linewidth": slide.line, "shrinkA": 0, "shrinkB": 0})  # fmt: skip
    slide.label(axes, np.mean(ends), high + 0.19 * (high - low), f"{ends[1] - ends[0]:.2f}", ha="center", weight="bold")
    slide.label(axes, ends[0], high + 0.19 * (high - low), "texts", ha="right")
    slide.label(axes, ends[1], high + 0.19 * (high - low), "images", ha="center")
    axes.set_yticks([])


def curve(slide: Slide, box, rows, name, percent: bool, below: bool) -> None:
    """One score against the shift, as trained and closed marked."""
    axes = slide.axes(box, "share of the gap closed" if below else "", "", grid=True)
    scores = [row[name] for row in rows]
    axes.plot(SHIFTS, scores, color=slide.ink, linewidth=slide.line)
    side = 1 if percent else -1  # where the curve leaves room: above a falling one, beside a rising one
    for share, marker, colour in ((0.0, "D", slide.ink), (1.0, "X", NEGATIVE)):
        score = scores[int(np.abs(SHIFTS - share).argmin())]
        axes.plot([share], [score], marker, color=colour, markersize=0.7 * slide.body, markeredgecolor=slide.paper)
        across, up = (0.6 * side, 0.3) if share else (0.0, 0.8 if percent else -1.5)
        written = f"{score:.1%}" if percent else decimal(score)
        axes.annotate(written, (share, score), (across * slide.body, up * slide.body),
                      textcoords="offset points", ha=("right", "center", "left")[1 + side * (share > 0)],
                      fontsize=slide.body, color=slide.ink)  # fmt: skip
    low, high = min(scores), max(scores)
    margins = (0.1, 0.35) if percent else (0.5 if slide.wide else 0.25, 0.1)
    axes.set(xlim=(-1.1, 2.1), ylim=(low - margins[0] * (high - low), high + margins[1] * (high - low)))
    ticks = {-1: "−100%", 0: "0%", 1: "100%", 2: "200%"} if slide.wide else {0: "0%", 1: "100%", 2: "200%"}
    axes.set_xticks(list(ticks), list(ticks.values()) if below else [""] * len(ticks))
    if percent:
        axes.yaxis.set_major_formatter(lambda y, _: f"{y:.0%}")


def initial_distance(model) -> float:
    """The distance of the means before training."""
    pairs, start = batch(0, "A", np.arange(N), model.tokenizer), untrained(model)
    return float(np.linalg.norm(start.encode_image(pairs.images).mean(0) - start.encode_text(pairs.ids).mean(0)))


def draw(slide: Slide, run) -> Drawn:
    rows, image, text = measure(run.model)
    before = initial_distance(run.model)
    rows = [row | {"distance before training": before} for row in rows]
    now, closed = (rows[int(np.abs(SHIFTS - share).argmin())] for share in (0.0, 1.0))
    apart = now["distance of the means"]
    top = slide.title(
        f"Images and texts lie {apart:.2f} apart; closing the gap takes the loss from {now['loss']:.2f} to "
        f"{closed['loss']:.2f}"
    )
    edge, gap, over, below = 2.0 * slide.em, 5.5 * slide.em, 2.0 * slide.em, 4.0 * slide.em
    width = (slide.width - 2 * edge - gap) / 2
    height = slide.height - top - over - below
    scatter(slide, (edge, top + over, width, height), image, text)
    shown = (("loss", "loss in nats"), ("image to text R@1", "image to text, R@1"))[: 1 + slide.wide]
    each = (height - (len(shown) - 1) * (over + slide.em)) / len(shown)
    for k, (name, words) in enumerate(shown):
        x, y = edge + width + gap, top + k * (each + over + slide.em)
        slide.write(slide.sheet((x, y, width, over)), 0, 0, words, weight="bold")
        curve(slide, (x, y + over, width, each), rows, name, k == 1, k == len(shown) - 1)
    recalls, hits = ([row[name] for row in (now, closed)] for name in ("image to text R@1", "zero-shot accuracy"))
    return Drawn(
        f"{N} pairs; the means of images and texts are {apart:.3f} apart, {before:.3f} before training. Each cloud is "
        f"moved half the way and scaled to length 1 again. With the gap closed the loss goes from {now['loss']:.3f} to "
        f"{closed['loss']:.3f}, R@1 from image to text from {recalls[0]:.3f} to {recalls[1]:.3f}, zero-shot accuracy "
        f"from {hits[0]:.3f} to {hits[1]:.3f}.",
        f"Left, a cloud of circles for images and one of squares for texts, their means {apart:.2f} apart along the "
        f"horizontal axis. Right, the loss against the share of the gap that is closed: {now['loss']:.2f} as trained, "
        f"{closed['loss']:.2f} with the gap closed, more beyond.",
        rows,
    )
