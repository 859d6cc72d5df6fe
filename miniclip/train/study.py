"""What was trained, beside what it must be compared with: `miniclip study captioning | vqa | bridge | system | fusion`.

Each study gives rows of scores and, for each, columns: the model and its baselines. What two studies need is trained
once. All start from a trained CLIP.
"""

import time
from functools import cached_property

import numpy as np

from ..data.notes import take_notes
from ..files.checkpoint import load
from ..model import BridgedModel, Describer, LanguageModel, Model
from ..models.bridge import BRIDGES
from ..nn.tree import to_vector
from ..tasks.captioning import attention_on_object, score_captions
from ..tasks.evaluate import retrieval_scores, zero_shot_accuracy
from ..tasks.matching import (
    CANDIDATES,
    dual_judge,
    fusion_judge,
    match_scores,
    memory_of,
    rerank_scores,
    swap_accuracy,
)
from ..tasks.vqa import chance_scores, score_answers, score_prompts
from . import stages as recipe
from .stages import fit, trained

Table = dict[str, dict[str, float]]


class Trained:
    """Every model of the studies, trained when it is first asked for.

    Parameters
    ----------
    seed : int
        Of the initial weights, the training data and the test data.
    clip : Model
        The trained CLIP that all begin with; the default is the one in the package.
    """

    def __init__(self, seed: int = 0, clip: Model | None = None, silent: bool | None = None):
        self.seed, self.clip, self.silent = seed, clip or load(), silent

    @cached_property
    def start(self) -> Describer:
        return recipe.new_describer(self.clip, self.seed)

    @cached_property
    def captioner(self) -> Describer:
        """The specialist for captions: image tower and decoder learn to describe, and nothing else."""
        return trained(self.start, recipe.describe_stage(self.start, self.seed), self.silent)

    @cached_property
    def frozen_captioner(self) -> Describer:
        return trained(self.start, recipe.describe_stage(self.start, self.seed, frozen=True), self.silent)

    @cached_property
    def first_stage(self) -> Describer:
        return trained(self.start, recipe.coca_stage(self.start, self.seed), self.silent)

    @cached_property
    def answerer(self) -> Describer:
        """The specialist for questions: it may forget the rest."""
        return trained(self.first_stage, recipe.answer_stage(self.first_stage, self.seed), self.silent)

    @cached_property
    def system(self) -> Describer:
        """The one system."""
        return trained(self.first_stage, recipe.system_stage(self.first_stage, self.seed), self.silent)

    @cached_property
    def deaf(self) -> Describer:
        return trained(self.first_stage, recipe.deaf_stage(self.first_stage, self.seed), self.silent)

    @cached_property
    def blind(self) -> LanguageModel:
        return self.reader(recipe.blind_stage)

    @cached_property
    def language(self) -> LanguageModel:
        """A language model that has never seen a picture."""
        return self.reader(recipe.read_stage)

    def reader(self, stage) -> LanguageModel:
        model = recipe.new_language_model(self.seed)
        params = fit(stage(model, self.seed), model.params, self.silent)
        return LanguageModel(model.decoder, params, model.words)

    def bridged(self, kind: str, aligned: bool = False) -> BridgedModel:
        """The first stage's tower and the language model, both frozen, and a trained bridge."""
        model = recipe.new_bridged(kind, self.first_stage, self.language, self.seed)
        params = fit(recipe.align_stage(model, self.seed), model.params, self.silent) if aligned else model.params
        params = fit(recipe.bridge_stage(model, self.seed), params, self.silent)
        return BridgedModel(model.vision, model.bridge, model.decoder, params, model.words)

    @cached_property
    def matcher(self) -> dict:
        """Parameters of the fusion encoder."""
        params = recipe.new_matcher(self.first_stage, self.seed)
        return fit(recipe.match_stage(self.first_stage, self.seed), params, self.silent)


def captioning(models: Trained, n: int = 512) -> Table:
    """Are the captions true? Fine-tuned and frozen tower, before training, and with the pictures of other scenes."""
    columns = {"model": (models.captioner, False), "frozen tower": (models.frozen_captioner, False),
               "untrained": (models.start, False), "shuffled": (models.captioner, True)}  # fmt: skip
    table: Table = {}
    for column, (model, shuffled) in columns.items():
        for split in "ABD":
            for name, score in score_captions(model, models.seed, split, n, shuffled).items():
                table.setdefault(f"{name}, {split}", {})[column] = score
    for name, share in attention_on_object(models.captioner, models.seed).items():
        table[f"attention on the object: {name}"] = {"model": share, "uniform": 0.25}
    return table


def vqa(models: Trained, n: int = 1024) -> Table:
    """Are the answers right? With the pictures or the questions of others, and of models that never had them."""
    order, seed = np.random.default_rng(0).permutation(n), models.seed
    columns = {
        "model": score_answers(models.answerer, seed, n),
        "shuffled images": score_answers(models.answerer, seed, n, images_of=order),
        "shuffled questions": score_answers(models.answerer, seed, n, questions_of=order),
        "blind": score_answers(models.blind, seed, n),
        "deaf": score_prompts(models.deaf, seed, n=n),
        "chance": chance_scores(seed, n),
    }
    return {row: {name: column[row] for name, column in columns.items()} for row in columns["model"]}


def bridge(models: Trained, n: int = 1024) -> Table:
    """Three bridges between what is frozen: how many of the specialist's answers, with how many trained parameters."""
    specialist = score_answers(models.answerer, models.seed, n)["overall"]
    table: Table = {
        "VQA": {},
        "share of the specialist": {},
        "trained parameters": {},
        "share trained": {},
        "tokens": {},
    }
    bridged = {kind: models.bridged(kind, aligned=kind == "queries") for kind in BRIDGES}
    bridged["queries, not aligned"] = models.bridged("queries")
    for name, model in bridged.items():
        learned, everything = to_vector(model.params["bridge"]).size, to_vector(model.params).size
        score = score_answers(model, models.seed, n)["overall"]
        values = (score, score / specialist, learned, learned / everything, model.bridge.tokens)
        for row, value in zip(table, values, strict=True):
            table[row][name] = float(value)
    reading = score_prompts(models.language, models.seed, take_notes, n)["overall"]
    table["VQA"] |= {"specialist": specialist, "reading": reading}
    table["VQA"]["blind"] = score_answers(models.blind, models.seed, n)["overall"]
    return table


def system(models: Trained, n: int = 512) -> Table:
    """One model for all beside the specialist of each."""
    seed, table = models.seed, dict[str, dict[str, float]]()
    columns = {"system": (models.system,) * 3, "specialist": (models.clip, models.captioner, models.answerer)}
    for name, (clip, captioner, answerer) in columns.items():
        rows = {f"zero-shot, {split}": zero_shot_accuracy(clip, seed, split, n) for split in "AB"}
        found = retrieval_scores(clip, seed, n, lambda image: image)
        rows |= {f"{way} R@1, A": found[f"{way} R@1, A"] for way in ("text to image", "image to text")}
        for split in "AB":
            scores = score_captions(captioner, seed, split, n)
            rows |= {f"captions: {score}, {split}": scores[score] for score in ("true", "attribute F1")}
        rows["VQA"] = score_answers(answerer, seed)["overall"]
        for row, score in rows.items():
            table.setdefault(row, {})[name] = score
    return table


def fusion(models: Trained, n: int = 256) -> Table:
    """What looking at both sides at once buys, and what it costs."""
    model, seed = models.first_stage, models.seed
    found = rerank_scores(model, models.matcher, seed, n)
    judges = {"dual": dual_judge(model), "fusion": fusion_judge(model, models.matcher),
              "dual, single objects": dual_judge(models.clip)}  # fmt: skip
    swaps = {name: swap_accuracy(judge, seed) for name, judge in judges.items()}
    table: Table = {"true beats swapped colours": swaps | {"chance": 0.5}}
    ranked = {"dual": found["before"], "fusion": found["after"], "possible": found["possible"]}
    table[f"text to image R@1, D, {n} pictures"] = ranked
    table["forward passes"] = {"dual": 2.0 * n, "fusion": float(n * CANDIDATES), "every pair": float(n * n)}
    images, texts = np.zeros((n, 32, 32, 3), np.float32), ["a red circle and a blue star"] * n
    begun = time.perf_counter()
    model.encode_image(images) @ model.encode_text(texts).T
    dual = time.perf_counter() - begun
    memory = memory_of(model, models.matcher, images)
    begun = time.perf_counter()
    match_scores(model, models.matcher, memory, texts)
    one = (time.perf_counter() - begun) / n
    table["seconds"] = {"dual": dual, "fusion": one * n * CANDIDATES, "every pair": one * n * n}
    return table


STUDIES = {"captioning": captioning, "vqa": vqa, "bridge": bridge, "system": system, "fusion": fusion}
