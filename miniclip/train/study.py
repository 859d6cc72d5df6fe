"""What was trained, beside what it must be compared with: `miniclip study captioning | vqa | bridge | system | fusion`.

A study needs some models, and gives a table: rows of scores and, for each, columns, the model and its baselines. All
begin with one trained CLIP, but for `miniclip study seeds`: there every seed begins with nothing.
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from ..errors import CheckpointError, Interrupted, quote
from ..files.checkpoint import load
from ..files.state import check_fresh, differences, steps_done
from ..files.storage import check_folder, commit, encode_json, lock, parse_json, read_manifest, read_verified
from ..machine.disk import as_folder
from ..machine.signals import interrupts, on_stop
from ..model import Model
from ..tasks.shares import Scores, over_seeds
from .backend import NUMPY, Backend
from .clip import check_number
from .plan import TRAININGS, Models, folder_of, in_order
from .tables import BRIDGED, bridge_scores, captioning_scores, fusion_scores, seed_scores, system_scores, vqa_scores

ABOUT, SCORES = "study.json", "scores.json"


@dataclass(frozen=True)
class Study:
    """The models that a table needs, and the function of Models that makes it; does it train the CLIP as well?"""

    needs: tuple[str, ...]
    table: Callable[[Models], Scores]
    from_nothing: bool = False


STUDIES = {
    "captioning": Study(("captioner", "frozen captioner"), captioning_scores),
    "vqa": Study(("answerer", "blind", "deaf"), vqa_scores),
    "bridge": Study(
        ("answerer", "blind", "language model", *(f"bridge: {kind}" for kind in BRIDGED)),
        bridge_scores,
    ),
    "system": Study(("system", "captioner", "answerer"), system_scores),
    "fusion": Study(("first stage", "matcher"), fusion_scores),
    "seeds": Study(("answerer",), seed_scores, from_nothing=True),
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
        The trained CLIP that all begin with; by default the one in the package, or where the study trains it, none.

    Raises
    ------
    CheckpointError, TrainingDiverged, Interrupted
        As `train.run.train_stage`.
    """
    check_number("seed", seed, whole=True)
    folder = as_folder(f"runs/studies/{name}-seed{seed}" if out is None else out)
    clip = clip or (None if STUDIES[name].from_nothing else load())
    recipe = {"study": name, "seed": seed, "clip": clip.digest if clip else "trained"}
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


def study_seeds(name: str, seeds: Sequence[int], out=None, resume: bool = False, backend: Backend = NUMPY,
                clip: Model | None = None) -> Scores:  # fmt: skip
    """The same study for several seeds, each in the folder `out`/NAME-seedN: the mean of each score, and the worst.

    Arguments and errors as `study`; with `resume` seeds that were done are only read, and those not begun are begun.
    """
    tables = {}
    for seed in seeds:
        folder = as_folder("runs/studies" if out is None else out) / f"{name}-seed{seed}"
        tables[seed] = study(name, seed, folder, resume and folder.exists(), backend, clip)
    return over_seeds(tables)


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


def trained(needs, folder: Path, seed: int, clip: Model | None, backend: Backend) -> Models:
    """The models of a study, under one bar that shows the time left for all of them."""
    names = [one for one in in_order(needs) if one != "clip" or clip is None]
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
