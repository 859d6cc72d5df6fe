"""f18: recall among the first k, both ways, beside guessing; and what counting only the own pair leaves out."""

import numpy as np

from ...data.captions import truth_matrix
from ...data.pairs import batch
from ...tasks.retrieval import recall_at_k
from ..slide import Slide
from ..style import IMAGE, TEXT, Look
from . import Drawn

TITLE = "Recall at k, both ways"
NOTEBOOK = "10"
NOTE = (
    "Ask why the two curves of the left panel differ, though both come from one table of cosines. A row asks one thing "
    "and a column another: “a circle on the right” is true of many pictures, so its own picture has rivals, while a "
    "picture tells much more than a vague caption. Then uncover the right panel: the model did not change, only what "
    "counts as right. Most of what the usual score calls an error is a true sentence about another picture. Guessing "
    "finds its one right answer among the first k of n with probability k/n, never more: read every R@k beside it."
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


def panel(slide: Slide, box, rows, first: bool) -> None:
    """The curves of one way of counting, guessing below them."""
    axes = slide.axes(box, "first k answers", "recall at k" if first else "", grid=True)
    curve: Look = {"linewidth": slide.line, "markersize": 0.5 * slide.body, "markeredgecolor": slide.paper, "zorder": 3}
    for way, (colour, marker, dash) in LOOKS.items():
        found = [row["recall"] for row in rows if row["direction"] == way]
        axes.plot(KS, found, color=colour, marker=marker, linestyle=dash, label=way, clip_on=False, **curve)
    chance = np.mean([[row["chance"] for row in rows if row["direction"] == way] for way in WAYS], axis=0)
    axes.plot(KS, chance, ":", color=slide.muted, linewidth=slide.line, label="guessing")
    axes.set(xscale="log", ylim=(0, 1), xlim=(0.9, 1.1 * KS[-1]))
    shown = KS if slide.wide else (1, 2, 5, 20)
    axes.set_xticks(shown, [str(k) for k in shown])
    axes.set_xticks([], minor=True)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0%", "25%", "50%", "75%", "100%"] if first else [""] * 5)
    if first:
        key = axes.legend(loc="center right", bbox_to_anchor=(1.0, 0.32), fontsize=slide.body, frameon=False,
                          borderaxespad=0, handlelength=1.8, handletextpad=0.5, borderpad=0)  # fmt: skip
        for text in key.get_texts():
            text.set_color(slide.ink)
    else:
        slide.label(axes, 1.1, 0.9, f"{rows[0]['recall']:.0%} and {rows[len(KS)]['recall']:.0%}")
        slide.label(axes, KS[-1], chance[-1] + 0.06, "guessing", ha="right")


def draw(slide: Slide, run) -> Drawn:
    rows = measure(run)
    recall = {(row["counted"], row["direction"], row["k"]): row["recall"] for row in rows}
    there, back = (recall["own pair", way, 1] for way in WAYS)
    true, true_back = (recall["any true", way, 1] for way in WAYS)
    top = slide.title(
        f"Pictures find their own text first in {there:.0%}, texts their picture in {back:.0%}; "
        f"but a true answer in {true:.0%} and {true_back:.0%}"
    )
    left, gap, below, over = 6.5 * slide.em, 2.2 * slide.em, 4.0 * slide.em, 2.2 * slide.em
    width = (slide.width - left - gap - 1.5 * slide.em) / 2
    height = slide.height - top - over - below
    names = (("own pair counts", "all true count"), ("only the own pair counts", "every true answer counts"))[
        slide.wide
    ]
    for i, (counted, name) in enumerate(zip(("own pair", "any true"), names, strict=True)):
        x = left + i * (width + gap)
        slide.write(slide.sheet((x, top, width, over)), 0, 0, name, weight="bold")
        panel(slide, (x, top + over, width, height), [row for row in rows if row["counted"] == counted], i == 0)
    chance = rows[0]["chance"]
    return Drawn(
        f"Search among {N} held-out pairs. If only the own pair counts, R@1 is {there:.3f} from image to text and "
        f"{back:.3f} from text to image; guessing gets {chance:.3f}. If every true answer counts, {true:.3f} and "
        f"{true_back:.3f}: captions that fit several pictures make the two searches differ.",
        f"Two panels of recall against k from 1 to {KS[-1]}. Counting only the own pair, the line from image to text "
        f"starts at {there:.0%}, that from text to image at {back:.0%}; both rise. Counting every true answer "
        f"they start at {true:.0%} and {true_back:.0%}. A dotted line of guessing runs near the bottom.",
        rows,
    )
