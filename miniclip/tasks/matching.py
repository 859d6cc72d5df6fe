"""Do this picture and this sentence belong together? The fusion encoder's judgement, and what it costs."""

import math
from collections import Counter

import numpy as np

from ..data.captions import truth_matrix, with_article, write_captions
from ..data.pairs import normalized_images
from ..data.world import COLOURS, HELD_OUT, SHAPES, sample_scenes
from ..model import Matcher, Model
from .retrieval import recall_at_k
from .shares import Share

CANDIDATES = 16  # of each query, found by the dual encoder, put in order by the fusion encoder


def swapped_captions(kinds) -> tuple[list[str], list[str]]:
    """For two objects each, (N, 2, 2), shape and colour: a true sentence, and the same with the colours exchanged."""
    true: list[str] = []
    false: list[str] = []
    for s, c in np.swapaxes(kinds, 1, 2).tolist():
        for texts, colours in ((true, c), (false, c[::-1])):
            said = (with_article(f"{COLOURS[a]} {SHAPES[b]}") for a, b in zip(colours, s, strict=True))
            texts.append(" and ".join(said))
    return true, false


def dual_judge(model: Model):
    """(images, texts) -> the cosine of each pair."""
    return lambda images, texts: (model.encode_image(images) * model.encode_text(texts)).sum(1)


def fusion_judge(matcher: Matcher):
    """(images, texts) -> the fusion encoder's logit of each pair."""
    return lambda images, texts: matcher.logits(matcher.memory(images), texts)


def with_held_out(kinds, held_out: bool) -> np.ndarray:
    """(N,) bool: of N pairs of objects (N, 2, 2), has one a held-out combination, or has none?"""
    return HELD_OUT[kinds[..., 0], kinds[..., 1]].any(1) == held_out


def swap_accuracy(judge, seed: int, held_out: bool = False, n: int = 512) -> Share:
    """The share of two-object pictures whose true sentence beats the one with exchanged colours.

    The first n scenes of split E with a held-out combination, or the first n without.
    """
    scenes = sample_scenes(seed, "E", np.arange(8 * n + 200))
    kinds = np.stack([scenes.shape[:, :2], scenes.colour[:, :2]], axis=2)
    rows = np.flatnonzero(with_held_out(kinds, held_out))[:n]
    images, (true, false) = normalized_images(scenes[rows]), swapped_captions(kinds[rows])
    return Share(judge(images, true) > judge(images, false))


def blind_bound(kinds) -> float:
    """How often a reader who never looks can tell the true sentence from the other, if all of `kinds` (N, 2, 2) occur.

    It knows which of the two orders is the more frequent, and no more can be known.
    """
    true, false = swapped_captions(kinds)
    often = Counter(zip(true, false, strict=True))
    return sum(max(often[a, b], often[b, a]) for a, b in often if a < b or (b, a) not in often) / len(kinds)


def rerank(matcher: Matcher, memory, texts, cosines, logit_scale: float, k: int = CANDIDATES) -> np.ndarray:
    """Scores (texts, images) that put each text's k nearest pictures first, ordered by both encoders' logits together.

    memory (images, S, D), of the matcher; cosines (texts, images) and logit_scale, of the dual encoder, whose order the
    others keep. Both logits say how much likelier the pair is than a pair drawn at random, so they add.
    Source: Li et al. 2022, arXiv:2201.12086 (BLIP), its evaluation.
    """
    nearest = np.argsort(-cosines, axis=1, kind="stable")[:, :k]
    pairs = [(t, i) for t, row in enumerate(nearest.tolist()) for i in row]
    judged = matcher.logits(memory[[i for _, i in pairs]], [texts[t] for t, _ in pairs])
    judged = judged + math.exp(logit_scale) * cosines[tuple(np.transpose(pairs))]
    scores = cosines.astype(np.float64)
    lift = 2.0 + np.ptp(judged)  # above any cosine
    for (t, i), logit in zip(pairs, judged.tolist(), strict=True):
        scores[t, i] = lift + logit - judged.min()
    return scores


def rerank_scores(model: Model, matcher: Matcher, seed: int, n: int = 256) -> dict[str, float]:
    """Text to image R@1 among n pictures of split D, before and after, and the best that the candidates allow."""
    scenes = sample_scenes(seed, "D", np.arange(n))
    images, texts = normalized_images(scenes), write_captions(scenes)
    relevant = truth_matrix(texts, scenes).T
    cosines = model.encode_text(texts) @ model.encode_image(images).T
    after = rerank(matcher, matcher.memory(images), texts, cosines, model.logit_scale)
    return {
        "before": recall_at_k(cosines, relevant, 1),
        "after": recall_at_k(after, relevant, 1),
        "possible": recall_at_k(cosines, relevant, CANDIDATES),
    }
