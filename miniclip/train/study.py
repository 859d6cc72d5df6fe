"""What was trained, beside what it must be compared with: `miniclip study captioning | vqa | bridge | system | fusion`.

A study needs some models, and gives a table: rows of scores and, for each, columns, the model and its baselines.
"""

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ..data.notes import take_notes
from ..errors import CheckpointError, Interrupted, quote
from ..files.checkpoint import load
from ..files.state import check_fresh, differences, steps_done
from ..files.storage import check_folder, commit, encode_json, lock, parse_json, read_manifest, read_verified
from ..machine.disk import as_folder
from ..machine.signals import interrupts, on_stop
from ..model import Model
from ..models.bridge import BRIDGES
from ..models.checks import CHANNELS
from ..nn.tree import to_vector
from ..tasks.captioning import attention_on_object, score_captions
from ..tasks.evaluate import encode_splits, retrieval_scores, zero_shot_accuracy
from ..tasks.matching import CANDIDATES, dual_judge, fusion_judge, rerank_scores, swap_accuracy
from ..tasks.vqa import chance_scores, score_answers, score_prompts
from .backend import NUMPY, Backend
from .clip import check_number
from .plan import TRAININGS, Models, folder_of, in_order
from .stages import new_describer

ABOUT, SCORES = "study.json", "scores.json"
Scores = dict[str, dict[str, float]]


def captioning_scores(models: Models, n: int = 512) -> Scores:
    """Are the captions true? Fine-tuned and frozen tower, before training, and with the pictures of other scenes."""
    captioner, untrained = models["captioner"], new_describer(models["clip"], models.seed)
    columns = {"model": (captioner, False), "frozen tower": (models["frozen captioner"], False),
               "untrained": (untrained, False), "shuffled": (captioner, True)}  # fmt: skip
    table: Scores = {}
    for column, (model, shuffled) in columns.items():
        for split in "ABD":
            for name, score in score_captions(model, models.seed, split, n, shuffled).items():
                table.setdefault(f"{name}, {split}", {})[column] = score
    for name, share in attention_on_object(captioner, models.seed).items():
        table[f"attention on the object: {name}"] = {"model": share, "uniform": 0.25}
    return table


def vqa_scores(models: Models, n: int = 1024) -> Scores:
    """Are the answers right? With the pictures or the questions of others, and of models that never had them."""
    order, seed = np.random.default_rng(0).permutation(n), models.seed
    columns = {
        "model": score_answers(models["answerer"], seed, n),
        "shuffled images": score_answers(models["answerer"], seed, n, images_of=order),
        "shuffled questions": score_answers(models["answerer"], seed, n, questions_of=order),
        "blind": score_answers(models["blind"], seed, n),
        "deaf": score_prompts(models["deaf"], seed, n=n),
        "chance": chance_scores(seed, n),
    }
    return {row: {name: column[row] for name, column in columns.items()} for row in columns["model"]}


def bridge_scores(models: Models, n: int = 1024) -> Scores:
    """Three bridges between what is frozen: how many of the specialist's answers, with how many trained parameters."""
    specialist = score_answers(models["answerer"], models.seed, n)["overall"]
    names = ("VQA", "share of the specialist", "trained parameters", "share trained", "tokens")
    table: Scores = {name: {} for name in names}
    for name in (*BRIDGES, "queries, not aligned"):
        model = models[f"bridge: {name}"]
        learned, everything = to_vector(model.params["bridge"]).size, to_vector(model.params).size
        score = score_answers(model, models.seed, n)["overall"]
        values = (score, score / specialist, learned, learned / everything, model.config.bridge.length)
        for row, value in zip(table, values, strict=True):
            table[row][name] = float(value)
    reading = score_prompts(models["language model"], models.seed, take_notes, n)["overall"]
    table["VQA"] |= {"specialist": specialist, "reading": reading}
    table["VQA"]["blind"] = score_answers(models["blind"], models.seed, n)["overall"]
    return table


def system_scores(models: Models, n: int = 512) -> Scores:
    """One model for all beside the specialist of each."""
    seed = models.seed
    table: Scores = {}
    columns = {
        "system": (models["system"],) * 3,
        "specialist": (models["clip"], models["captioner"], models["answerer"]),
    }
    for name, (clip, captioner, answerer) in columns.items():
        rows = {f"zero-shot, {split}": zero_shot_accuracy(clip, seed, split, n) for split in "AB"}
        (encoded,) = encode_splits([clip], seed, n, "A")
        found = retrieval_scores("A", encoded["A"], lambda image: image)
        rows |= {f"{way} R@1, A": found[f"{way} R@1, A"] for way in ("text to image", "image to text")}
        for split in "AB":
            scores = score_captions(captioner, seed, split, n)
            rows |= {f"captions: {score}, {split}": scores[score] for score in ("true", "attribute F1")}
        rows["VQA"] = score_answers(answerer, seed)["overall"]
        for row, score in rows.items():
            table.setdefault(row, {})[name] = score
    return table


def fusion_scores(models: Models, n: int = 256) -> Scores:
    """What looking at both sides at once buys, and what it costs."""
    model, matcher, seed = models["first stage"], models["matcher"], models.seed
    found = rerank_scores(model, matcher, seed, n)
    judges = {"dual": dual_judge(model), "fusion": fusion_judge(matcher),
              "dual, single objects": dual_judge(models["clip"])}  # fmt: skip
    swaps = {name: swap_accuracy(judge, seed) for name, judge in judges.items()}
    table: Scores = {"true beats swapped colours": swaps | {"chance": 0.5}}
    ranked = {"dual": found["before"], "fusion": found["after"], "possible": found["possible"]}
    table[f"text to image R@1, D, {n} pictures"] = ranked
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


@dataclass(frozen=True)
class Study:
    """The models that a table needs, and the function of Models that makes it."""

    needs: tuple[str, ...]
    table: Callable[[Models], Scores]


STUDIES = {
    "captioning": Study(("captioner", "frozen captioner"), captioning_scores),
    "vqa": Study(("answerer", "blind", "deaf"), vqa_scores),
    "bridge": Study(
        ("answerer", "blind", "language model", *(f"bridge: {kind}" for kind in (*BRIDGES, "queries, not aligned"))),
        bridge_scores,
    ),
    "system": Study(("system", "captioner", "answerer"), system_scores),
    "fusion": Study(("first stage", "matcher"), fusion_scores),
}


def study(name: str, seed: int = 0, out=None, resume: bool = False, backend: Backend = NUMPY,
          clip: Model | None = None) -> Scores:  # fmt: skip
    """Train what a study compares, each model in a run folder of its own, and score it.

    Parameters
    ----------
    name : str
        One of STUDIES.
    seed : int
        Of the initial weights, the training data and the test data.
    out : str or Path, optional
        The folder of the study, by default runs/studies/NAME-seedN: new, or with `resume` one that was begun. What is
        done in it is not done again; the table of a finished study is only read.
    backend : Backend
        Where several processes train, only the first one scores; the others get an empty table.
    clip : Model, optional
        The trained CLIP that all begin with; the default is the one in the package.

    Raises
    ------
    CheckpointError, TrainingDiverged, Interrupted
        As `train.run.train_stage`.
    """
    check_number("seed", seed, whole=True)
    folder, clip = as_folder(f"runs/studies/{name}-seed{seed}" if out is None else out), clip or load()
    recipe = {"study": name, "seed": seed, "clip": clip.digest}
    with ExitStack() as held:
        if table := backend.first_decides(lambda: begin(folder, recipe, resume, held)):
            return table if backend.reports else {}
        models = trained(STUDIES[name].needs, folder, seed, clip, backend)
        if not backend.reports:
            return {}
        with on_stop(lambda signal: stop(signal, folder)):
            table = STUDIES[name].table(models)
            commit(folder, {SCORES: encode_json(table)})
        return table


def begin(folder: Path, recipe: dict, resume: bool, held: ExitStack) -> Scores | None:
    """The table of a study that is done; or None, and its folder is ours until `held` ends."""
    if table := finished(folder, recipe):
        return table
    if resume:
        check_folder(folder)
        if odd := differences(begun_as(folder), recipe):
            raise CheckpointError(f"{quote(folder)} holds another study ({odd}): choose another --out")
    held.enter_context(lock(folder))
    if not resume:
        check_fresh(folder)
    commit(folder, {ABOUT: encode_json(recipe)})
    return None


def trained(needs, folder: Path, seed: int, clip: Model, backend: Backend) -> Models:
    """The models of a study, under one bar that shows the time left for all of them."""
    names = in_order(needs)
    total = sum(TRAININGS[one].steps * TRAININGS[one].milliseconds for one in names)
    done = sum(steps_done(folder_of(folder, one)) * TRAININGS[one].milliseconds for one in names)
    left = "{desc}{percentage:3.0f}%|{bar}| {elapsed} gone, {remaining} left{postfix}"
    silent = None if backend.reports else True
    with interrupts() as caught, tqdm(initial=done, total=total, bar_format=left, smoothing=0, disable=silent) as bar:
        models = Models(folder, seed, clip, backend, bar)
        for one in names:
            bar.set_description(one)
            models.train(one)
            if signal := backend.agree(caught[0] if caught else 0):  # one that came between two stages
                stop(signal, folder)
    return models


def stop(signal: int, folder: Path) -> None:
    """End a study whose last stage is saved."""
    raise Interrupted(
        signal, f"stopped; what was trained is in {quote(folder)}: give the same command again, with --resume"
    )


def finished(folder: Path, recipe: dict) -> Scores | None:
    """The table of a study that is done, or None."""
    try:
        done = SCORES in read_manifest(folder)
    except CheckpointError:
        return None
    return read_table(folder, SCORES) if done and begun_as(folder) == recipe else None


def begun_as(folder: Path) -> dict:
    """The recipe of the study in a folder."""
    return read_table(folder, ABOUT)


def read_table(folder: Path, name: str) -> dict:
    """A JSON object of a study's folder; of scores, each row is one too."""
    table = parse_json(read_verified(folder, name), folder / name)
    rows = table.values() if isinstance(table, dict) and name == SCORES else []
    if not isinstance(table, dict) or not all(isinstance(row, dict) for row in rows):
        raise CheckpointError(f"{quote(folder / name)} has another layout than a study's: restore it from a copy")
    return table
