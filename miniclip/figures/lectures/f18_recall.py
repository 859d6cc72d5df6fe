"""f18: recall among the first k, both ways, beside guessing; and what counting only the own pair leaves out."""

import math

import numpy as np

from ...data.captions import truth_matrix
from ...data.pairs import batch
from ...tasks.retrieval import recall_at_k
from ..slide import Slide
from ..style import IMAGE, POSITIVE, TEXT, Look
from . import Drawn

TITLE = "Recall at k, both ways"
NOTEBOOK = "10"
NOTE = (
    "Ask why the two lower curves differ, though both come from one table of cosines. A row asks one thing, a column "
    "another: “a circle on the right” is true of many pictures, so its own picture has rivals, while a picture tells "
    "much more than a vague caption. Then point at the line at the top: the model did not change, only what counts as "
    "right. Most of what the usual score calls an error is a true sentence about another picture. Guessing finds its "
    "one right answer among the first k of n with probability k/n, never more: read every R@k beside it."
)

N, KS = 512, (1, 2, 3, 5, 10, 20)
WAYS = ("image to text", "text to image")
LOOKS = {WAYS[0]: (IMAGE, "o", "-"), WAYS[1]: (TEXT, "s", (0, (4, 1.5)))}


def measure(run) -> list[dict]:
    """A row for each way of counting, direction and k: the recall, and what guessing gets."""
    pairs = batch(0, "A", np.arange(N), run.model.tokenizer)
    texts, which = np.unique(pairs.texts, return_inverse=True)  # the same caption gets the same score to the last bit
    cosines = run.model.encode_image(pairs.images) @ run.model.encode_text(list(texts)).T[:, which]
    rows = []
    for counted, right in (("own pair", np.eye(N, dtype=bool)), ("any true", truth_matrix(pairs.texts, pairs.scenes))):
        for way, s, r in ((WAYS[0], cosines, right), (WAYS[1], cosines.T, right.T)):
            for k in KS:
                scores = {"recall": recall_at_k(s, r, k), "chance": luck(r, k)}
                rows.append({"counted": counted, "direction": way, "k": k, **scores})
    return rows


def luck(right, k: int) -> float:
    """The recall at k of an order drawn by lot, averaged over the queries: 1 - prod_i (wrong - i) / (n - i)."""
    n, wrong = right.shape[1], (~right).sum(1)
    return float(1 - np.prod([np.maximum(wrong - i, 0) / (n - i) for i in range(k)], axis=0).mean())


def plot(slide: Slide, box, rows) -> None:
    """Both directions if only the own pair counts, what is left if every true answer counts, and guessing."""
    axes = slide.axes(box, "first k answers", "recall at k", grid=True)
    curve: Look = {"linewidth": slide.line, "markersize": 0.6 * slide.body, "markeredgecolor": slide.paper, "zorder": 3}
    found = {(counted, way): [row["recall"] for row in rows if (row["counted"], row["direction"]) == (counted, way)]
             for counted in ("own pair", "any true") for way in WAYS}  # fmt: skip
    for way, (colour, marker, dash) in LOOKS.items():
        axes.plot(KS, found["own pair", way], color=colour, marker=marker, linestyle=dash, clip_on=False, **curve)
    true = np.mean([found["any true", way] for way in WAYS], axis=0)
    axes.plot(KS, true, color=POSITIVE, linewidth=2 * slide.line, clip_on=False)
    axes.plot(KS, [row["chance"] for row in rows[: len(KS)]], ":", color=slide.muted, linewidth=slide.line)
    room = 13.5 * slide.em / box[2]  # of the width, for the names left of the curves
    left = math.log10(1.1 * KS[-1]) * room / (1 - room)
    axes.set(xscale="log", ylim=(0, 1.15), xlim=(10**-left, 1.1 * KS[-1]))
    axes.set_xticks(KS, [str(k) for k in KS])
    axes.set_xticks([], minor=True)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0%", "25%", "50%", "75%", "100%"])
    (there, back), low = (found["own pair", way] for way in WAYS), rows[len(KS) - 1]["chance"]
    slide.label(axes, KS[-1], 1.07, f"every true answer counts: {true[0]:.0%}", ha="right", weight="bold")
    for way, first in zip(WAYS, (there[0], back[0]), strict=True):
        slide.label(axes, 0.93, first, f"{way} {first:.0%}", ha="right", weight="bold")
    slide.label(axes, 1.25, back[0] - 0.1, "only the own pair counts")
    slide.label(axes, KS[-1], low + 0.06, "guessing", ha="right")


def draw(slide: Slide, run) -> Drawn:
    rows = measure(run)
    recall = {(row["counted"], row["direction"], row["k"]): row["recall"] for row in rows}
    there, back = (recall["own pair", way, 1] for way in WAYS)
    true, true_back = (recall["any true", way, 1] for way in WAYS)
    top = slide.title(
        f"Pictures find their own text first in {there:.0%}, texts their picture in {back:.0%}; "
        f"but a true answer in {true:.0%} and {true_back:.0%}"
    )
    left, below = 6.5 * slide.em, 4.2 * slide.em
    plot(slide, (left, top, slide.width - left - 1.8 * slide.em, slide.height - top - below), rows)
    chance = rows[0]["chance"]
    return Drawn(
        f"Search among {N} held-out pairs. If only the own pair counts, R@1 is {there:.3f} from image to text and "
        f"{back:.3f} from text to image; guessing gets {chance:.3f}. If every true answer counts, {true:.3f} and "
        f"{true_back:.3f}: captions that fit several pictures make the two searches differ.",
        f"Curves of recall against k from 1 to {KS[-1]}. Counting only the own pair, the line from image to text "
        f"starts at {there:.0%}, that from text to image at {back:.0%}; both rise. Counting every true answer "
        f"they start at {true:.0%} and {true_back:.0%}. A dotted line of guessing runs at the bottom.",
        rows,
    )
