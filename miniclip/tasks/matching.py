"""Do this picture and this sentence belong together? The fusion encoder's judgement, and what it costs."""

import math
from functools import partial

import numpy as np

from ..data.captions import truth_matrix, with_article, write_captions
from ..data.pairs import paint
from ..data.tokenizer import Tokenizer
from ..data.world import COLOURS, SHAPES, Scenes, sample_scenes
from ..machine.threads import in_parallel, parts
from ..model import Describer, Model, look
from ..models.fusion import match_forward
from .retrieval import recall_at_k

CANDIDATES = 16  # of each query, found by the dual encoder, put in order by the fusion encoder


def swapped_captions(scenes: Scenes) -> tuple[list[str], list[str]]:
    """For scenes of two objects: a true sentence, and the same with the two colours exchanged."""
    true: list[str] = []
    false: list[str] = []
    for c, s in zip(scenes.colour[:, :2].tolist(), scenes.shape[:, :2].tolist(), strict=True):
        for texts, colours in ((true, c), (false, c[::-1])):
            said = (with_article(f"{COLOURS[a]} {SHAPES[b]}") for a, b in zip(colours, s, strict=True))
            texts.append(" and ".join(said))
    return true, false


def encode_pairs(words: Tokenizer, texts) -> np.ndarray:
    """Ids (B, T) of sentences, T no longer than the longest of them needs."""
    ids = words.encode(list(texts))
    return ids[:, : int((ids != words.pad).sum(1).max())]


def memory_of(model: Describer, params, images) -> np.ndarray:
    """The tokens of the fusion encoder's own image tower."""
    return Model(model.config, params, model.tokenizer).in_parts(look, images)


def match_scores(model: Describer, params, memory, texts) -> np.ndarray:
    """The fusion encoder's logit for each pair: memory (B, S, D) of picture b with text b -> (B,)"""
    ids = encode_pairs(model.words, texts)
    jobs = (partial(lambda r: match_forward(memory[r], ids[r], params, model.coca)[0], r) for r in parts(len(ids)))
    return np.concatenate(list(in_parallel(jobs)))


def dual_judge(model: Model):
    """(images, texts) -> the cosine of each pair."""
    return lambda images, texts: (model.encode_image(images) * model.encode_text(texts)).sum(1)


def fusion_judge(model: Describer, params):
    """(images, texts) -> the fusion encoder's logit of each pair."""
    return lambda images, texts: match_scores(model, params, memory_of(model, params, images), texts)


def swap_accuracy(judge, seed: int, n: int = 512) -> float:
    """The share of two-object pictures whose true sentence beats the one with exchanged colours; chance is a half."""
    scenes = sample_scenes(seed, "C", np.arange(n))
    images, (true, false) = paint(scenes), swapped_captions(scenes)
    return float((judge(images, true) > judge(images, false)).mean())


def rerank(model: Describer, params, memory, texts, cosines, k: int = CANDIDATES) -> np.ndarray:
    """Scores (texts, images) that put each text's k nearest pictures first, ordered by both encoders' logits together.

    cosines (texts, images). The others keep the dual encoder's order behind them. Both logits say how much likelier the
    pair is than a pair drawn at random, so they add. Source: Li et al. 2022, arXiv:2201.12086 (BLIP), its evaluation.
    """
    nearest = np.argsort(-cosines, axis=1, kind="stable")[:, :k]
    pairs = [(t, i) for t, row in enumerate(nearest.tolist()) for i in row]
    judged = match_scores(model, params, memory[[i for _, i in pairs]], [texts[t] for t, _ in pairs])
    judged = judged + math.exp(model.logit_scale) * cosines[tuple(np.transpose(pairs))]
    scores = cosines.astype(np.float64)
    lift = 2.0 + np.ptp(judged)  # above any cosine
    for (t, i), logit in zip(pairs, judged.tolist(), strict=True):
        scores[t, i] = lift + logit - judged.min()
    return scores


def rerank_scores(model: Describer, params, seed: int, n: int = 256) -> dict[str, float]:
    """Text to image R@1 among n pictures of split D, before and after, and the best that the candidates allow."""
    scenes = sample_scenes(seed, "D", np.arange(n))
    images, texts = paint(scenes), write_captions(scenes)
    relevant = truth_matrix(texts, scenes).T
    cosines = model.encode_text(texts) @ model.encode_image(images).T
    after = rerank(model, params, memory_of(model, params, images), texts, cosines)
    return {
        "before": recall_at_k(cosines, relevant, 1),
        "after": recall_at_k(after, relevant, 1),
        "possible": recall_at_k(cosines, relevant, CANDIDATES),
    }
