"""f27: what a label costs that was bought, beside a caption that was found."""

from matplotlib.patches import Rectangle

from ...data.captions import write_captions
from ...data.drawing import draw_scenes
from ...labs.domains import NAMES, classes_of, tests
from ...labs.harness import known_scores
from ...labs.label_economy import CAPTION, CLOSE, LABEL, PAIRS
from ..page import thumbnail
from ..slide import Slide
from ..style import NEGATIVE, POSITIVE, Look
from . import Drawn

TITLE = "A label bought, a caption found"
NOTEBOOK = "14"
NOTE = (
    "Ask what it costs to write “heart” under a picture, and who does it. Then where captions of the web come from: "
    "nobody was paid, they were there. Left, each square is a thousand. For one task a label is worth far more than a "
    "caption, since it says the one thing that is asked. But another task, other classes or another question, needs "
    "other labels, while a caption has said it all along. Right, with a price, which is an assumption: let the class "
    "change it. At the price of ten captions a label would win for many tasks, at a hundred never."
)

ITEM = 217  # of split A
PILE = 1000  # that one square stands for
TASKS = (1, 2, 3, 4)


def measure() -> dict[str, float]:
    """Labels of each class and in all by which a tower without captions is as good; what that is in captions."""
    scores = known_scores("label-economy")
    each = scores["crossing: supervised reaches zero-shot"]
    price = LABEL / CAPTION
    labels = each["mean"] * len(NAMES)
    return {"captions": PAIRS, "classes": len(NAMES), "labels_of_each": each["mean"], "low": each["low"],
            "high": each["high"], "labels": labels, "captions_per_label": PAIRS / labels, "price": price,
            "tasks_that_pay": PAIRS / (labels * price), "zero_shot": scores["zero-shot"]["mean"]}  # fmt: skip


def draw(slide: Slide, run) -> Drawn:
    found = measure()
    costs = [{"tasks": n, "cost_of_labels": n * found["labels"] * found["price"], "cost_of_captions": found["captions"]}
             for n in TASKS]  # fmt: skip
    first = next(row["tasks"] for row in costs if row["cost_of_labels"] > row["cost_of_captions"])
    top = slide.title(
        f"One label does what {found['captions_per_label']:.0f} captions do; where it costs {found['price']:.0f}, "
        f"captions are cheaper from {first} tasks on"
    )
    em, high = slide.em, slide.height - top
    if slide.wide:
        left = 0.55 * slide.width
        piles(slide, (1.5 * em, top, left - 2.5 * em, high - em), found, 5.0 * em)
        bars(slide, (left + 6.0 * em, top, slide.width - left - 7.5 * em, high - 4.2 * em), costs)
    else:
        under = top + 15.5 * em
        piles(slide, (1.5 * em, top, slide.width - 3.0 * em, under - top), found, 3.6 * em)
        bars(slide, (6.0 * em, under, slide.width - 7.5 * em, slide.height - under - 4.0 * em), costs)
    return Drawn(
        f"The CLIP in the package learned from {PAIRS:,} pairs and names {100 * found['zero_shot']:.1f} % of held-out "
        f"pictures. The same image tower, on labels alone, comes within {CLOSE:.0%} of that with "
        f"{found['labels_of_each']:.1f} of each of {len(NAMES)} classes ({found['low']:.1f} to {found['high']:.1f}, "
        f"three seeds). If a label costs {found['price']:.0f} captions, captions cost as much as the labels of "
        f"{found['tasks_that_pay']:.1f} tasks.",
        f"Left, a pile of {round(found['labels'] / PILE)} squares, labels for one task, and one of "
        f"{round(PAIRS / PILE)}, captions for all tasks, each square a thousand. Right, bars of the cost of labels for "
        f"{TASKS[0]} to {TASKS[-1]} tasks; a line, the cost of captions, lies under the bars from {first} tasks on.",
        [found, *costs],
    )


def piles(slide: Slide, box, found, side: float) -> None:
    """The same picture with a label and with a caption; under each as many squares as there must be."""
    sheet, em, y = slide.sheet(box), slide.em, 0.0
    scene = tests(0, ITEM + 1)[[ITEM]]
    across = 40 if slide.wide else 62
    picture, cell = draw_scenes(scene)[0], box[2] / across
    for said, words, count, use, colour in (
        ("a label, bought", NAMES[classes_of(scene)[0]], found["labels"], "for one task", NEGATIVE),
        ("a caption, found", write_captions(scene)[0], found["captions"], "for every task", POSITIVE),
    ):
        thumbnail(sheet, picture, 0, y, side)
        x, down = side + 0.7 * em, y
        for line, weight in ((said, "bold"), (f"“{words}”", "normal"), (f"{count:,.0f} {use}", "normal")):
            down += slide.write(sheet, x, down, line, box[2] - x, 2, weight=weight)
        y = max(down, y + side) + 0.6 * em
        for k in range(round(count / PILE)):
            row, column = divmod(k, across)
            corner = column * cell, y + row * cell
            sheet.add_patch(Rectangle(corner, 0.8 * cell, 0.8 * cell, facecolor=colour, linewidth=0))
        if not row:
            slide.write(
                sheet, (column + 1.5) * cell, y + 0.4 * cell - 0.62 * em, f"a square is {PILE:,}", color=slide.muted
            )
        y += (row + 1) * cell + 1.2 * em


def bars(slide: Slide, box, costs) -> None:
    """The cost of labels for some tasks, beside that of captions, which are found once."""
    axes, em = slide.axes(box, "tasks", "cost, in 1,000"), slide.em
    look: Look = {"color": NEGATIVE, "hatch": "//", "edgecolor": slide.paper, "linewidth": 0}
    axes.bar([row["tasks"] for row in costs], [row["cost_of_labels"] / PILE for row in costs], 0.6, **look)
    axes.axhline(costs[0]["cost_of_captions"] / PILE, color=POSITIVE, linewidth=1.5 * slide.line)
    axes.set_xticks([row["tasks"] for row in costs])
    sheet = slide.sheet(box)
    sheet.add_patch(
        Rectangle(
            (0.6 * em, 0.2 * em),
            1.2 * em,
            em,
            facecolor=NEGATIVE,
            **{k: look[k] for k in ("hatch", "edgecolor", "linewidth")},
        )
    )
    sheet.plot([0.6 * em, 1.8 * em], [2.1 * em] * 2, color=POSITIVE, linewidth=1.5 * slide.line)
    for k, said in enumerate(("labels", "captions")):
        slide.write(sheet, 2.3 * em, (0.1 + 1.4 * k) * em, said)
