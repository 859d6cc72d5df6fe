"""A study trains what it compares, safely, and puts every score beside its baselines."""

import json
import signal
from dataclasses import replace

import numpy as np
import pytest
from test_train import files, quick, stop_at  # noqa: F401

from miniclip.app import cli
from miniclip.errors import CheckpointError, Interrupted
from miniclip.files.checkpoint import SYSTEM, load
from miniclip.nn.tree import to_vector
from miniclip.tasks.shares import INTERVAL
from miniclip.train import plan, stages, study
from miniclip.train.loop import Learner
from miniclip.train.plan import TRAININGS, Models, in_order
from miniclip.train.study import STUDIES
from miniclip.train.tables import seed_scores


@pytest.fixture
def short(monkeypatch, quick):  # noqa: F811
    """Three steps of eight in every stage, scored on twenty items by models that can say a word."""
    monkeypatch.setattr(stages, "BATCH", 8)
    monkeypatch.setattr(stages, "SMALL", 8)
    few = {name: replace(one, steps=3) for name, one in TRAININGS.items()}
    for module in (plan, study):
        monkeypatch.setattr(module, "TRAININGS", few)
    able = load(SYSTEM)

    def scored(table):
        def score(models):
            models |= {name: able for name in ("captioner", "answerer") if name in models}
            return table(models, n=128 if table is seed_scores else 20)  # a batch, for the loss

        return score

    quickly = {name: replace(one, table=scored(one.table)) for name, one in STUDIES.items()}
    monkeypatch.setattr(study, "STUDIES", quickly)


COLUMNS_OF = {
    "captioning": {"model", "frozen tower", "untrained", "shuffled", "uniform", *INTERVAL},
    "vqa": {"model", "shuffled images", "shuffled questions", "blind", "deaf", "chance", *INTERVAL},
    "bridge": {
        "linear",
        "mlp",
        "queries",
        "queries, not aligned",
        "specialist",
        "reading",
        "blind",
        "low",
        "high",
        "n",
    },
    "system": {"system", "specialist", *INTERVAL},
    "fusion": {"dual", "fusion", "dual, single objects", "blind bound", "possible", "every pair", *INTERVAL},
    "seeds": {"model", *INTERVAL},
}


@pytest.mark.parametrize("name", STUDIES)
def test_a_study_puts_every_score_beside_its_baselines(name, short, tmp_path):
    """What takes minutes must not fail at its last line; and each model has a run folder that opens."""
    table = study.study(name, out=tmp_path / "study")
    assert {column for row in table.values() for column in row} == COLUMNS_OF[name]
    assert all(type(value) is float and np.isfinite(value) for row in table.values() for value in row.values())
    folders = sorted(path for path in (tmp_path / "study").iterdir() if path.is_dir())
    ours = STUDIES[name].from_nothing  # the CLIP that all begin with is trained as well
    assert len(folders) == len(in_order(STUDIES[name].needs)) - (not ours)
    assert (tmp_path / "study" / "clip").exists() == ours
    opened = {path.name: load(path) for path in folders}
    assert {len(model.digest) for model in opened.values()} == {64}
    if name == "bridge":
        before, after = opened["language-model"].params, opened["bridge-queries"].params
        assert np.array_equal(to_vector(after["decoder"]), to_vector(before["decoder"]))
        visual = opened["first-stage"].params["visual"]
        assert np.array_equal(to_vector(after["visual"]), to_vector(visual))
        assert table["trained parameters"]["queries"] / table["share trained"]["queries"] == to_vector(after).size


def test_seeds_are_studied_one_by_one_and_put_side_by_side(short, tmp_path):
    """Each as it is alone; resumed, what is done is read and what was not begun is begun."""
    folder = tmp_path / "many"
    first = study.study_seeds("vqa", [4], folder)
    table = study.study_seeds("vqa", [2, 4], folder, resume=True)
    alone = study.study("vqa", 2, tmp_path / "alone")
    again = study.study("vqa", 4, folder / "vqa-seed4")
    for row, cells in alone.items():
        if row not in again:
            continue
        for column in cells.keys() - {"low", "high", "n"}:
            name = row if len(cells) == 1 else f"{row}: {column}"
            values = [cells[column], again[row][column]]
            assert [table[name]["seed 2"], table[name]["seed 4"]] == values
            assert (table[name]["lowest"], table[name]["highest"]) == (min(values), max(values))
            assert table[name]["mean"] == pytest.approx(np.mean(values))
            assert first[name]["mean"] == values[1]
        if "n" in cells:
            assert table[f"{row}: model"]["n"] == cells["n"] + again[row]["n"]


def test_a_study_begins_with_the_clip_it_is_given(short, tmp_path):
    """And remembers with which: another one is another study."""
    given = load()
    given = given.with_params(given.params | {"logit_scale": given.params["logit_scale"] * np.float32(0.5)})
    models = []

    def table(found):
        models.append(found)
        return {"row": {"model": 1.0}}

    study.STUDIES["seeds"] = replace(study.STUDIES["seeds"], table=table)
    study.study("seeds", 1, tmp_path / "given", clip=given)
    assert models[0]["clip"] is given
    assert not (tmp_path / "given" / "clip").exists()
    assert models[0]["answerer"].params["logit_scale"] != load().params["logit_scale"]


def test_models_are_trained_after_those_they_need():
    for one in STUDIES.values():
        ordered = in_order(one.needs)
        assert len(set(ordered)) == len(ordered)
        for place, name in enumerate(ordered):
            assert {need for need in TRAININGS[name].needs if need != "clip"} <= set(ordered[:place])


def folders(root):
    return {path.name: files(path) for path in root.iterdir() if path.is_dir()}


@pytest.mark.parametrize("stop", range(1, 16, 2))
def test_a_study_goes_on_where_it_was_stopped(stop, short, tmp_path, monkeypatch):
    """Stopped in any step of any of its five stages, then resumed: every model is the same, bit for bit."""
    whole = study.study("vqa", out=tmp_path / "whole")
    steps, real = [], Learner.step

    def stopped(self, lr):
        steps.append(self.stage.name)
        if len(steps) == stop:
            signal.raise_signal(signal.SIGTERM)
        return real(self, lr)

    with monkeypatch.context() as patch:
        patch.setattr(Learner, "step", stopped)
        if stop > 12:
            study.study("vqa", out=tmp_path / "run")
            assert len(steps) == 12
            return
        with pytest.raises(Interrupted, match="give the same command again, with --resume") as caught:
            study.study("vqa", out=tmp_path / "run")
        assert caught.value.exit_code == 143
        with pytest.raises(CheckpointError, match=r"is not empty .* --resume"):
            study.study("vqa", out=tmp_path / "run")
        table = study.study("vqa", out=tmp_path / "run", resume=True)
    assert len(steps) == 12  # no step was taken twice
    assert table == whole
    assert folders(tmp_path / "run") == folders(tmp_path / "whole")


def test_a_finished_study_is_only_read(short, tmp_path, monkeypatch):
    table = study.study("fusion", out=tmp_path / "run")
    monkeypatch.setattr(Models, "train", None)
    for resume in (False, True):
        assert study.study("fusion", out=tmp_path / "run", resume=resume) == table
    with pytest.raises(CheckpointError, match="not empty"):
        study.study("fusion", seed=1, out=tmp_path / "run")
    with pytest.raises(CheckpointError, match="holds another study"):
        study.study("fusion", seed=1, out=tmp_path / "run", resume=True)


def test_a_signal_while_scoring_says_how_to_go_on(short, tmp_path, monkeypatch):
    def scoring(models):
        signal.raise_signal(signal.SIGINT)

    both = {"captioning": replace(STUDIES["captioning"], table=scoring)}
    with monkeypatch.context() as patch:
        patch.setattr(study, "STUDIES", both)
        with pytest.raises(Interrupted, match=r"what was trained is in .*run: give the same command again, with --res"):
            study.study("captioning", out=tmp_path / "run")
    assert study.study("captioning", out=tmp_path / "run", resume=True)


def test_the_command_has_a_folder_by_default_and_says_what_is_wrong(short, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["study", "captioning", "--seed", "2", "--json"]) == 0
    first = json.loads(capsys.readouterr().out)
    assert first.keys() == {"study", "seed", "scores"}
    assert (tmp_path / "runs" / "studies" / "captioning-seed2" / "captioner" / "model.safetensors").exists()
    assert cli.main(["study", "captioning", "--seed", "2"]) == 0
    assert "frozen tower" in capsys.readouterr().out
    (tmp_path / "file").write_text("mine")
    assert cli.main(["study", "vqa", "--out", "file"]) == 4
    assert "cannot be a run folder" in capsys.readouterr().err
    assert cli.main(["study", "vqa", "--out", "new", "--resume"]) == 4
    assert "missing" in capsys.readouterr().err
