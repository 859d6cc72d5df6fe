"""How well `--precision` keeps its word on split D, beside a flat cut-off: `python tests/precision_table.py`.

Ten minutes on two cores. Galleries of 256, 512 and 2,000 pictures, ten seeds, and three sets of queries:

    others   captions of scenes that are not in the gallery
    mixed    these, captions of the gallery's scenes, and descriptions of both
    removed  the same, but half of the queries lose every answer that they have

Of all that is returned, to all queries of a seed, the share that is right is the precision; of all that is right the
share that is returned, the recall, and the rest is lost; of the queries the share that got anything, the coverage, also
for those that have an answer and those that have none. Intervals hold 95 %, by drawing queries again; lowest and
highest are seeds. A flat cut-off is one cosine for all queries, that which gives what is asked for where it was chosen:
on pictures and captions of split A, or on scenes like D's and queries that all have answers. `unrelated` is what can be
done without any search whose answers are known.
"""

import sys
import warnings
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

import miniclip
from miniclip.data.captions import truth_matrix, write_captions, write_descriptions
from miniclip.data.pairs import normalized_images
from miniclip.data.world import item_keys, sample_scenes
from miniclip.search.precision import likely, world_searches
from miniclip.search.unrelated import discoveries, p_values

SEEDS, SIZES, ASKED = range(10), (256, 512, 2000), (0.5, 0.8, 0.9, 0.95)
QUERIES = 384  # of each kind
LONGEST = 14  # words that the text tower reads
OTHERS = 10**6  # from here on scenes are in no gallery
UNRELATED = 64  # captions, for p-values


@dataclass
class Searches:
    """Queries (Q, E), their cosines with a gallery (Q, N), what is right (Q, N), what may be returned (Q, N)."""

    queries: np.ndarray
    cosines: np.ndarray
    right: np.ndarray
    candidates: np.ndarray


def searches(model, seed: int, n: int, kind: str, split: str = "D") -> Searches:
    """Queries of a kind, and a gallery of n pictures of a split."""
    gallery, rows = sample_scenes(seed, split, np.arange(n)), np.arange(QUERIES)
    others = sample_scenes(seed, split, OTHERS + rows)
    inside = replace(gallery[rows % n], key=item_keys(seed, "many", rows))  # what another would say of them
    texts = write_captions(others)
    if kind != "others":
        described = [text for some in (others, inside) for text in write_descriptions(some)[: QUERIES // 2]]
        texts = texts + write_captions(inside) + [text for text in described if len(text.split()) <= LONGEST]
    right = truth_matrix(texts, gallery).T
    candidates = np.ones_like(right)
    if kind == "removed":
        lose = np.random.default_rng(seed).random(len(texts)) < 0.5
        candidates = ~(right & lose[:, None])
    queries = model.encode_text(texts)
    return Searches(queries, queries @ model.encode_image(normalized_images(gallery)).T, right & candidates, candidates)


def flat_cut(cosines, right, asked: float) -> float:
    """The lowest cosine above which `asked` of all pictures are right."""
    order = np.argsort(-cosines.ravel(), kind="stable")
    enough = np.flatnonzero(np.cumsum(right.ravel()[order]) >= asked * np.arange(1, order.size + 1))
    return float(cosines.ravel()[order[enough[-1]]]) if enough.size else np.inf


def best(found: Searches, amounts) -> np.ndarray:
    """(Q, N) bool: the first of each query's candidates, so many."""
    rank = np.argsort(np.argsort(-np.where(found.candidates, found.cosines, -2.0), axis=1, kind="stable"), axis=1)
    return rank < np.asarray(amounts)[:, None]


def returned(found: Searches, chances, asked: float) -> np.ndarray:
    """(Q, N) bool: what a search that was asked for a precision returns."""
    amounts = []
    for cosines, chance, mine in zip(found.cosines, chances, found.candidates, strict=True):
        amounts.append(likely(chance[mine][np.argsort(-cosines[mine], kind="stable")], asked))
    return best(found, amounts)


def discovered(found: Searches, unrelated, asked: float) -> np.ndarray:
    """The same from the scores of unrelated queries."""
    amounts = [
        discoveries(p_values(cosines[mine], unrelated[:, mine]), asked)
        for cosines, mine in zip(found.cosines, found.candidates, strict=True)
    ]
    return best(found, amounts)


def flat_cuts(model, asked: float) -> dict[str, float]:
    """The flat cut-offs, by where they were chosen."""
    one = searches(model, 30, 512, "others", "A")
    many = searches(model, 30, 512, "others", "many")
    has = many.right.any(1)
    return {
        "flat, from A": flat_cut(one.cosines, one.right, asked),
        "flat, answered": flat_cut(many.cosines[has], many.right[has], asked),
    }


def summary(kept, found) -> str:
    """Precision with its interval and its range over seeds, recall, coverage: what was kept of each seed's searches."""
    n, hits, total = (
        np.concatenate([rows.sum(1) for rows in tables])
        for tables in (kept, [k & f.right for k, f in zip(kept, found, strict=True)], [f.right for f in found])
    )
    draws = np.random.default_rng(0).integers(len(n), size=(1000, len(n)))
    low, high = np.quantile(hits[draws].sum(1) / np.maximum(n[draws].sum(1), 1), [0.025, 0.975])
    each = [(k & f.right).sum() / max(k.sum(), 1) for k, f in zip(kept, found, strict=True)]
    shares = [hits.sum() / max(n.sum(), 1), low, high, min(each), max(each), hits.sum() / total.sum(), (n > 0).mean(),
              (n > 0)[total > 0].mean(), (n > 0)[total == 0].mean(), (total == 0).mean()]  # fmt: skip
    return "".join(f"{100 * share:9.1f}" for share in shares)


def main(name: str = "system", kinds: str = "others,mixed,removed") -> None:
    """Print the table."""
    warnings.simplefilter("ignore")  # of descriptions that are too long
    model = miniclip.load(name)
    judged = world_searches(model)
    apart = model.encode_text(write_captions(sample_scenes(31, "many", np.arange(UNRELATED))))
    columns = "precision low high lowest highest recall answered having none without".split()  # noqa: SIM905
    print(f"{'queries':8}{'size':>5}{'asked':>6}  {'cut by':15}" + "".join(f"{column:>9}" for column in columns))
    for kind, size in product(kinds.split(","), SIZES):
        found = [searches(model, seed, size, kind) for seed in SEEDS]
        chances = [judged.chances(one.queries, one.cosines) for one in found]
        for asked in ASKED:
            level = judged.level(asked)
            rows = {"--precision": [returned(f, c, level) if level else np.zeros_like(f.right)
                                    for f, c in zip(found, chances, strict=True)]}  # fmt: skip
            for what, cut in flat_cuts(model, asked).items():
                rows[what] = [(one.cosines >= cut) & one.candidates for one in found]
            if asked == 0.9 and kind == "others":
                pictures = (normalized_images(sample_scenes(seed, "D", np.arange(size))) for seed in SEEDS)
                nulls = [apart @ model.encode_image(images).T for images in pictures]
                rows["unrelated"] = [discovered(f, null, asked) for f, null in zip(found, nulls, strict=True)]
            for what, kept in rows.items():
                print(f"{kind:8}{size:5}{100 * asked:6.0f}  {what:15}{summary(kept, found)}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
