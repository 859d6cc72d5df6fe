"""f17: search both ways: a sentence finds pictures, a picture finds sentences; what is true is marked."""

import numpy as np
from matplotlib.patches import Rectangle

from ...data.captions import truth_matrix
from ...data.pairs import Pairs, batch
from ...data.pictures import denormalize
from ...tasks.retrieval import recall_at_k
from ..page import clean, decimal, mark, thumbnail
from ..slide import Slide
from ..style import NEGATIVE, POSITIVE, Look
from . import Drawn

TITLE = "Search both ways"
NOTEBOOK = "10"
NOTE = (
    "Read the sentence aloud and let the class mark the pictures before you point at the frames: solid with a tick is "
    "true, dashed with a cross is false. Then the other way, one picture and its sentences. Ask why anything false is "
    "shown: a search always answers, and there are only so many true items to find. Ask what the false ones share with "
    "the query, and where the cosine drops. Right is what is true, not what was written about this very picture: those "
    "who count the own pair alone would call most of these answers wrong. Never choose the queries by their results; "
    "these are the first of the split that have a given number of true answers."
)

N, TRUE, SHOWN = 512, 3, 5  # the gallery; true items for each query; answers drawn
WAYS = ("text to image", "image to text")


def search(scores, true) -> tuple[int, np.ndarray]:
    """(the first query with TRUE right answers, or with a number nearest to that; its best items)."""
    query = int(np.abs(true.sum(1) - TRUE).argmin())
    return query, np.argsort(-scores[query], kind="stable")[:SHOWN]


def measure(model) -> tuple[Pairs, dict[str, int], list[dict]]:
    """(the pairs, the query of each direction, a row for each answer)."""
    pairs = batch(0, "A", np.arange(N), model.tokenizer)
    cosines = model.encode_image(pairs.images) @ model.encode_text(pairs.ids).T
    true, queries, rows = truth_matrix(pairs.texts, pairs.scenes), dict[str, int](), list[dict]()
    for way, s, t in ((WAYS[0], cosines.T, true.T), (WAYS[1], cosines, true)):
        queries[way], best = search(s, t)
        query, recall = queries[way], recall_at_k(s, t, 1)
        for rank, item in enumerate(best.tolist(), 1):
            rows.append({"direction": way, "query": query, "rank": rank, "item": item, "caption": pairs.texts[item],
                         "cosine": float(s[query, item]), "true": bool(t[query, item]),
                         "true in all": int(t[query].sum()), "R@1": recall})  # fmt: skip
    return pairs, queries, rows


def found_pictures(slide: Slide, box, pairs: Pairs, query: int, rows) -> float:
    """The sentence, and the pictures it found, best first, each with its cosine; returns the height in inches."""
    sheet, em = slide.sheet(box), slide.em
    top = slide.write(sheet, 0, 0, f"“{clean(pairs.texts[query])}” finds", box[2], 2, weight="bold") + 1.1 * em
    gap = 2.2 * em
    side = min((box[2] - 0.9 * em - (len(rows) - 1) * gap) / len(rows), box[3] - top - 2.0 * em)
    for k, row in enumerate(rows):
        x = 0.1 * em + k * (side + gap)
        thumbnail(sheet, denormalize(pairs.images[row["item"]]), x, top, side)
        colour, line = (POSITIVE, "-") if row["true"] else (NEGATIVE, (0, (2.5, 1.5)))
        look: Look = {"edgecolor": colour, "linestyle": line, "linewidth": 1.2 * slide.line, "joinstyle": "miter"}
        sheet.add_patch(Rectangle((x, top), side, side, fill=False, clip_on=False, **look))
        mark(sheet, x + side, top, row["true"], 0.6 * em)
        slide.write(sheet, x + side / 2, top + side + 0.4 * em, decimal(row["cosine"]), ha="center")
    return top + side + 2.0 * em


def found_sentences(slide: Slide, box, pairs: Pairs, query: int, rows) -> None:
    """The picture, and the sentences it found, best first, each with its mark and its cosine."""
    sheet, em = slide.sheet(box), slide.em
    top = slide.write(sheet, 0, 0, "this picture finds", weight="bold") + 0.6 * em
    side = min(0.24 * box[2], box[3] - top)
    thumbnail(sheet, denormalize(pairs.images[query]), 0.1 * em, top, side)
    start, pitch = side + 3.2 * em, (box[3] - top) / len(rows)
    room, lines = box[2] - start - 3.4 * em, 2 if pitch >= 2.7 * em else 1
    for k, row in enumerate(rows):
        y = top + k * pitch
        mark(sheet, start - 1.2 * em, y + 0.6 * em, row["true"], 0.6 * em)
        slide.write(sheet, start, y, row["caption"], room, lines)
        slide.write(sheet, box[2], y, decimal(row["cosine"]), ha="right")


def draw(slide: Slide, run) -> Drawn:
    pairs, queries, rows = measure(run.model)
    texts, images = ([row for row in rows if row["direction"] == way] for way in WAYS)
    top = slide.title(
        f"Search both ways: the first answer is true for {texts[0]['R@1']:.0%} of {N} texts and "
        f"{images[0]['R@1']:.0%} of {N} pictures"
    )
    shown, edge = SHOWN if slide.wide else SHOWN - 1, 1.5 * slide.em
    width, room = slide.width - 2 * edge, slide.height - top - edge
    upper = room - shown * (1.6 if slide.wide else 2.75) * slide.em - 3.0 * slide.em
    used = found_pictures(slide, (edge, top, width, upper), pairs, queries[WAYS[0]], texts[:shown]) + 0.8 * slide.em
    found_sentences(slide, (edge, top + used, width, room - used), pairs, queries[WAYS[1]], images[:shown])
    hits = [sum(row["true"] for row in found) for found in (texts[:shown], images[:shown])]
    return Drawn(
        f"The first {shown} of {N} answers and their cosines. The sentence “{pairs.texts[queries[WAYS[0]]]}” is true "
        f"of {texts[0]['true in all']} pictures, {hits[0]} of them here; cosines from {texts[0]['cosine']:.2f} to "
        f"{texts[shown - 1]['cosine']:.2f}. Of the picture {images[0]['true in all']} sentences are true, {hits[1]} of "
        f"them here; cosines from {images[0]['cosine']:.2f} to {images[shown - 1]['cosine']:.2f}.",
        f"Above, a sentence and the {shown} pictures it found, {hits[0]} in solid frames with ticks, the others dashed "
        f"with crosses. Below, a picture and the {shown} sentences it found, {hits[1]} with ticks and the others with "
        f"crosses. Every answer has its cosine.",
        rows,
    )
