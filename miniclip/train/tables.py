"""What each study puts beside what: tables of scores, made of trained models."""

import time

import numpy as np

from ..data.notes import take_notes
from ..data.questions import FORMS
from ..data.world import EXCHANGEABLE
from ..models.bridge import BRIDGES
from ..models.checks import CHANNELS
from ..nn.tree import to_vector
from ..tasks.captioning import attention_on_object, score_captions
from ..tasks.evaluate import (
    encode_splits,
    held_out_loss,
    lowest_loss,
    retrieval_scores,
    writing_scores,
    zero_shot_accuracy,
)
from ..tasks.matching import (
    CANDIDATES,
    blind_bound,
    dual_judge,
    fusion_judge,
    rerank_scores,
    swap_accuracy,
    with_held_out,
)
from ..tasks.shares import Scores, table_of
from ..tasks.vqa import EACH, chance_scores, score_answers, score_prompts
from .plan import Models
from .stages import new_describer

BRIDGED = (*BRIDGES, "queries, not aligned")


def captioning_scores(models: Models, n: int = 512) -> Scores:
    """Are the captions true? Fine-tuned and frozen tower, before training, and with the pictures of other scenes."""
    captioner, untrained = models["captioner"], new_describer(models["clip"], models.seed)
    columns = {"model": (captioner, False), "frozen tower": (models["frozen captioner"], False),
               "untrained": (untrained, False), "shuffled": (captioner, True)}  # fmt: skip
    table = table_of({
        column: {
            f"{name}, {split}": score
            for split in "ABD"
            for name, score in score_captions(model, models.seed, split, n, shuffled).items()
        }
        for column, (model, shuffled) in columns.items()
    })  # fmt: skip
    for name, share in attention_on_object(captioner, models.seed).items():
        table[f"attention on the object: {name}"] = {"model": share, "uniform": 0.25}
    return table


def vqa_scores(models: Models, n: int = EACH) -> Scores:
    """Are the answers right? With the pictures or the questions of others, and of models that never had them."""
    order, seed = np.random.default_rng(0).permutation(n * len(FORMS)), models.seed
    return table_of({
        "model": score_answers(models["answerer"], seed, n),
        "shuffled images": score_answers(models["answerer"], seed, n, images_of=order),
        "shuffled questions": score_answers(models["answerer"], seed, n, questions_of=order),
        "blind": score_answers(models["blind"], seed, n),
        "deaf": score_prompts(models["deaf"], seed, n=n),
        "chance": chance_scores(),
    })  # fmt: skip


def bridge_scores(models: Models, n: int = EACH) -> Scores:
    """Three bridges between what is frozen: how many of the specialist's answers, with how many trained parameters."""
    seed = models.seed
    answers = {name: score_answers(models[f"bridge: {name}"], seed, n)["overall"] for name in BRIDGED}
    others = {"specialist": score_answers(models["answerer"], seed, n)["overall"],
              "reading": score_prompts(models["language model"], seed, take_notes, n)["overall"],
              "blind": score_answers(models["blind"], seed, n)["overall"]}  # fmt: skip
    table = table_of({name: {"answers": share} for name, share in (answers | others).items()})
    for row in ("share of the specialist", "trained parameters", "share trained", "tokens"):
        table[row] = {}
    for name, share in answers.items():
        model = models[f"bridge: {name}"]
        learned, everything = to_vector(model.params["bridge"]).size, to_vector(model.params).size
        values = (share / others["specialist"], learned, learned / everything, model.config.bridge.length)
        for row, value in zip(list(table)[1:], values, strict=True):
            table[row][name] = float(value)
    return table


def system_scores(models: Models, n: int = 512) -> Scores:
    """One model for all beside the specialist of each."""
    seed, columns = models.seed, {}
    compared = {
        "system": (models["system"],) * 3,
        "specialist": (models["clip"], models["captioner"], models["answerer"]),
    }
    for name, (clip, captioner, answerer) in compared.items():
        rows: dict[str, float] = {f"zero-shot, {split}": zero_shot_accuracy(clip, seed, split, n) for split in "AB"}
        (encoded,) = encode_splits([clip], seed, n, "A")
        found = retrieval_scores("A", encoded["A"], lambda image: image)
        rows |= {f"{way} R@1, A": found[f"{way} R@1, A"] for way in ("text to image", "image to text")}
        columns[name] = rows | writing_scores(captioner, answerer, seed, n)
    return table_of(columns)


def fusion_scores(models: Models, n: int = 256) -> Scores:
    """What looking at both sides at once buys, and what it costs."""
    model, matcher, seed = models["first stage"], models["matcher"], models.seed
    found = rerank_scores(model, matcher, seed, n)
    judges = {"dual": dual_judge(model), "fusion": fusion_judge(matcher),
              "dual, single objects": dual_judge(models["clip"])}  # fmt: skip
    rows: dict[str, dict[str, float]] = {name: {} for name in (*judges, "blind bound")}
    for row, held_out in (("true beats swapped colours", False), ("the same, a combination held out", True)):
        for name, judge in judges.items():
            rows[name][row] = swap_accuracy(judge, seed, held_out, n)
        rows["blind bound"][row] = blind_bound(EXCHANGEABLE[with_held_out(EXCHANGEABLE, held_out)])
    ranked = {"dual": found["before"], "fusion": found["after"], "possible": found["possible"]}
    table = table_of(rows) | table_of({name: {"text to image R@1, D": share} for name, share in ranked.items()})
    table["forward passes"] = {"dual": 2.0 * n, "fusion": float(n * CANDIDATES), "every pair": float(n * n)}
    images = np.zeros((n, model.image_size, model.image_size, CHANNELS), np.float32)
    texts = ["a red circle and a blue star"] * n
    begun = time.perf_counter()
    model.encode_image(images) @ model.encode_text(texts).T
    dual = time.perf_counter() - begun
    memory = matcher.memory(images)
    begun = time.perf_counter()
    matcher.logits(memory, texts)
    one = (time.perf_counter() - begun) / n
    table["seconds"] = {"dual": dual, "fusion": one * n * CANDIDATES, "every pair": one * n * n}
    return table


def seed_scores(models: Models, n: int = 1024) -> Scores:
    """What one seed gives, from nothing: a CLIP, how near its loss is to the lowest, and a specialist for questions."""
    clip, seed = models["clip"], models.seed
    (encoded,) = encode_splits([clip], seed, n, "A")
    loss, floor = (
        held_out_loss(encoded["A"], clip.logit_scale, lambda image: image),
        lowest_loss(encoded["A"].pairs, seed),
    )
    scores: dict[str, float] = {f"zero-shot, {split}": zero_shot_accuracy(clip, seed, split, n) for split in "AB"}
    scores |= {"loss, A": loss, "caption floor, A": floor, "loss above its floor": loss / floor - 1}
    answers = score_answers(models["answerer"], seed, n // 8)
    return table_of({"model": scores | {f"answers: {row}": share for row, share in answers.items()}})
