"""A run is the same run however it is stopped: signals, kills, full disks, bad numbers, other recipes."""

import errno
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from miniclip.data.captions import truth_matrix
from miniclip.data.pairs import normalized_images
from miniclip.errors import CheckpointError, ConfigError, Interrupted, TrainingDiverged
from miniclip.files import checkpoint, state, storage, tensors
from miniclip.files.state import read_log
from miniclip.train import clip, objectives, sources
from miniclip.train.clip import TrainConfig, new_clip, train
from miniclip.train.loop import Learner

SIZES = dict(vision_width=16, text_width=16, heads=2, embed_dim=16)
RECIPE = TrainConfig(steps=12, batch_size=8, peak_lr=3e-3, warmup=2, log_every=2, score_every=12, save_every=3, **SIZES)
FILES = {"model.safetensors", "config.json", "tokenizer.json", "preprocessor_config.json", "training.safetensors",
         "training.json", "metrics.jsonl", "manifest.json"}  # fmt: skip
HERE = state.environment() | {"backend": "numpy"}
CHILD = f"""
import sys
from miniclip.errors import MiniclipError
from miniclip.train.clip import TrainConfig, train
try:
    train(TrainConfig(**{RECIPE.__dict__}), sys.argv[1], resume=len(sys.argv) > 2)
except MiniclipError as error:
    print(error)
    sys.exit(error.exit_code)
"""


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """What takes time and decides nothing here: waiting for the disk."""
    monkeypatch.setattr(storage, "sync_folder", lambda folder: None)


def files(folder) -> dict[str, bytes]:
    """Every file of a run but the lock; no temporary file may be among them."""
    return {path.name: path.read_bytes() for path in Path(folder).iterdir() if path.name != ".lock"}


def same(folder, whole, *others):
    found = files(folder)
    assert found.keys() == whole.keys() == FILES | {*others}
    for name in found:
        assert found[name] == whole[name], f"{name} differs"


@pytest.fixture(scope="session")
def whole(tmp_path_factory):
    """The files of the uninterrupted run."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    train(RECIPE, folder)
    return files(folder)


def start(folder, *args):
    return subprocess.Popen([sys.executable, "-c", CHILD, folder, *args], stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL, text=True)  # fmt: skip


def wait_for(condition, child, seconds=30.0):
    end = time.monotonic() + seconds
    while not condition():
        assert child.poll() is None
        assert time.monotonic() < end
        time.sleep(0.002)


def stop_at(monkeypatch, step, number=signal.SIGINT, learner=Learner):
    """The given signal arrives while the given step is computed."""
    real = learner.step

    def stopped(self, lr):
        row = real(self, lr)
        if self.steps == step:
            signal.raise_signal(number)
        return row

    monkeypatch.setattr(learner, "step", stopped)


def like():
    """The vectors of a run, of the right sizes."""
    model = new_clip(RECIPE)
    return Learner(clip.clip_stage(RECIPE, model), model.params).vectors


def test_same_seed_same_run(tmp_path, whole):
    train(RECIPE, tmp_path / "again")
    same(tmp_path / "again", whole)
    log = read_log(tmp_path / "again")
    assert [row["step"] for row in log] == [2, 4, 6, 8, 10, 12]
    wanted = {"loss", "chance", "temperature_floor", "caption_floor", "scale", "learning_rate", "accuracy",
              "gradient_norm", "step"}  # fmt: skip
    assert all(row.keys() >= wanted for row in log)
    assert log[-1].keys() == wanted | {"zero_shot_A", "zero_shot_B"}


def test_other_seed_other_run(tmp_path, whole):
    """The weights before the first step, those after the last, and the data, all differ."""
    train(replace(RECIPE, seed=1), tmp_path / "other")
    ours, theirs = (tensors.parse_tensors(data["model.safetensors"], tmp_path) for data in
                    (files(tmp_path / "other"), whole))  # fmt: skip
    equal = [name for name in ours if np.array_equal(ours[name], theirs[name]) and "bias" not in name]
    assert not equal
    assert files(tmp_path / "other")["metrics.jsonl"] != whole["metrics.jsonl"]


@pytest.mark.parametrize("step", range(1, 13))
def test_stop_anywhere_and_resume(tmp_path, monkeypatch, whole, step):
    """Weights, moments, place in the data, schedule and log end up bit for bit the same."""
    handler = signal.getsignal(signal.SIGINT)
    with monkeypatch.context() as patch:
        stop_at(patch, step)
        with pytest.raises(Interrupted, match=rf"step {step} of 12, saved in {tmp_path}/run: .* --resume") as caught:
            train(RECIPE, tmp_path / "run")
    assert caught.value.exit_code == 130
    assert signal.getsignal(signal.SIGINT) is handler
    checkpoint.load(tmp_path / "run")
    assert [row["step"] for row in read_log(tmp_path / "run")] == list(range(2, step + 1, 2))
    train(RECIPE, tmp_path / "run", resume=True)
    same(tmp_path / "run", whole)


def at_call(monkeypatch, owner, name, k, number):
    """The given signal arrives during the k-th call of a function."""
    real, calls = getattr(owner, name), []

    def signalled(*args, **more):
        calls.append(name)
        if len(calls) == k:
            signal.raise_signal(number)
        return real(*args, **more)

    monkeypatch.setattr(owner, name, signalled)


WRITES = 9  # of a save, of which there are five: before the first step, at 3, 6, 9 and 12
MOMENTS = {
    "the first file of the first save": (storage, "write_synced", 1),
    "the last file of the first save": (storage, "write_synced", WRITES),
    "the first batch": (sources.World, "pairs", 1),
    "the middle of a save": (storage, "write_synced", WRITES + 4),
    "a line of the log": (clip, "log_row", 2),
    "the scores of the last step": (clip, "log_row", 6),
    "the first file of the last save": (storage, "write_synced", 4 * WRITES + 1),
    "the last file of the last save": (storage, "write_synced", 5 * WRITES),
}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_signal_at_any_moment_leaves_a_run_that_resumes(tmp_path, monkeypatch, whole, moment, number):
    """Also outside of the steps: while it saves and scores, before the first step and after the last."""
    with monkeypatch.context() as patch:
        at_call(patch, *MOMENTS[moment], number)
        with pytest.raises(Interrupted, match="give the same command again, with --resume") as caught:
            train(RECIPE, tmp_path / "run")
    assert caught.value.exit_code == 128 + number
    train(RECIPE, tmp_path / "run", resume=True)
    same(tmp_path / "run", whole)


def test_stop_twice_resume_twice_and_once_more(tmp_path, monkeypatch, whole):
    for step, resume in ((4, False), (5, True)):
        with monkeypatch.context() as patch:
            stop_at(patch, step, signal.SIGTERM)
            with pytest.raises(Interrupted) as caught:
                train(RECIPE, tmp_path / "run", resume=resume)
        assert caught.value.exit_code == 143
    for _ in range(2):  # resuming what is finished changes nothing
        model = train(RECIPE, tmp_path / "run", resume=True)
        same(tmp_path / "run", whole)
    assert model.digest == checkpoint.digest(whole["model.safetensors"])


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_from_outside(tmp_path, whole, number, code):
    """A real process, a real signal: it saves, says how to go on, and leaves."""
    folder = tmp_path / "run"
    child = start(folder)
    wait_for((folder / "manifest.json").exists, child)
    child.send_signal(number)
    said, _ = child.communicate(timeout=60)
    assert child.returncode == code
    assert "give the same command again, with --resume" in said
    checkpoint.load(folder)
    train(RECIPE, folder, resume=True)
    same(folder, whole)


def kill_and_resume(tmp_path, whole, times):
    """Kill a process at random moments until a run is done; returns what was seen on the way."""
    rng, seen = random.Random(times), {"kills": 0, "runs": 0, "mid-save": 0, "before the first save": 0}
    while seen["kills"] < times:
        folder = tmp_path / str(seen["runs"])
        seen["runs"] += 1
        resume = []
        for _ in range(3):
            child = start(folder, *resume)
            if rng.random() < 0.5:  # any moment, the start of the interpreter included
                time.sleep(rng.random() * 1.2)
            else:  # within a save, or close to one
                with suppress(AssertionError):
                    wait_for(lambda f=folder: any(f.glob("*.tmp")), child)
                time.sleep(rng.random() * 0.02)
            child.kill()
            child.communicate()
            if child.returncode != -signal.SIGKILL:
                break
            seen["kills"] += 1
            seen["mid-save"] += any(folder.glob("*.tmp"))
            if (folder / "training.safetensors").exists():
                resume = ["resume"]
                state.read_training(folder, RECIPE.to_json(), HERE, like())
                for name in storage.read_manifest(folder):
                    if (folder / name).exists():
                        storage.read_verified(folder, name)
            else:
                seen["before the first save"] += 1
        train(RECIPE, folder, resume=(folder / "training.safetensors").exists())
        same(folder, whole)
        shutil.rmtree(folder)
    return seen


@pytest.mark.parametrize("times", [10, pytest.param(50, marks=pytest.mark.nightly)])
def test_kill_at_random_moments(tmp_path, whole, times):
    """Nothing unreadable, nothing left over, and the resumed run ends bit for bit the same."""
    seen = kill_and_resume(tmp_path, whole, times)
    print(seen)
    assert seen["kills"] >= times
    assert seen["mid-save"] > 0


@pytest.mark.parametrize("k", range(20))
def test_killed_within_the_first_save(tmp_path, monkeypatch, whole, k):
    """Wherever the first save ends for good, either --resume or a fresh start goes on, never neither."""
    folder, calls = tmp_path / "run", []

    class Killed(BaseException):
        pass

    def dying(real):
        def call(*args):
            calls.append(args)
            if len(calls) > k:
                raise Killed
            return real(*args)

        return call

    with monkeypatch.context() as patch:
        for name in ("fsync", "replace"):
            patch.setattr(storage.os, name, dying(getattr(os, name)))
        with pytest.raises(Killed):
            train(RECIPE, folder)
    train(RECIPE, folder, resume=(folder / "training.safetensors").exists())
    same(folder, whole)


def test_disk_full_while_training(tmp_path, monkeypatch, whole):
    """The disk is full from the k-th file on, until it never is."""
    for k in range(0, 400, 7):
        folder, calls = tmp_path / str(k), []

        def full(path, data, real=storage.write_synced, calls=calls, k=k):
            calls.append(path)
            if len(calls) > k:
                raise OSError(errno.ENOSPC, "No space left on device")
            real(path, data)

        with monkeypatch.context() as patch:
            patch.setattr(storage, "write_synced", full)
            if k >= 9 * 5:  # the first save and four others, the last of them at the end: nine files each
                train(RECIPE, folder)
                break
            with pytest.raises(CheckpointError, match=r"disk full; what was saved before is intact") as caught:
                train(RECIPE, folder)
        assert caught.value.exit_code == 4
        begun = (folder / "training.safetensors").exists()
        assert begun == (k >= 9)
        train(RECIPE, folder, resume=begun)
        same(folder, whole)
    assert k >= 45


def test_two_runs_in_one_folder(tmp_path):
    folder = tmp_path / "run"
    child = start(folder)
    wait_for((folder / "manifest.json").exists, child)
    child.send_signal(signal.SIGSTOP)  # alive, and going nowhere
    try:
        for resume in (False, True):
            with pytest.raises(CheckpointError, match=f"in use by process {child.pid}:") as caught:
                train(RECIPE, folder, resume=resume)
            assert caught.value.exit_code == 4
    finally:
        child.kill()
        child.communicate()
    train(RECIPE, folder, resume=(folder / "training.safetensors").exists())


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite(tmp_path, monkeypatch, whole, value):
    """The step, the tensor, what to try; the save of step 3 stays, and goes on as if nothing had been."""
    real = Learner.step

    def poisoned(self, lr):
        if self.steps == 4:
            self.params["text"]["ln_final"]["bias"][0] = value
        return real(self, lr)

    with monkeypatch.context() as patch:
        patch.setattr(Learner, "step", poisoned)
        with pytest.raises(TrainingDiverged) as caught:
            train(RECIPE, tmp_path / "run")
    assert caught.value.exit_code == 5
    message = str(caught.value)
    assert message.startswith("train, step 4: the loss is nan and the gradient of ")
    assert "what was saved before is intact" in message
    assert "peak_lr (now 0.003)" in message
    assert any(name in message for name in ("visual.", "text.", "logit_scale"))
    checkpoint.load(tmp_path / "run")
    train(RECIPE, tmp_path / "run", resume=True)
    same(tmp_path / "run", whole)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_one_bad_gradient_is_named(tmp_path, monkeypatch):
    real = objectives.contrast

    def poisoned(*args, **more):
        loss, trees, metrics = real(*args, **more)
        first, *others = trees
        first["visual"]["ln_post"]["weight"][3] = np.inf
        return loss, [first, *others], metrics

    monkeypatch.setattr(objectives, "contrast", poisoned)
    where = r"^train, step 0: .* the gradient of visual\.ln_post\.weight is not finite"
    with pytest.raises(TrainingDiverged, match=where):
        train(RECIPE, tmp_path / "run")


def test_resume_with_another_recipe(tmp_path, monkeypatch, whole):
    stop_at(monkeypatch, 2)
    with pytest.raises(Interrupted):
        train(RECIPE, tmp_path / "run")
    before = files(tmp_path / "run")
    with pytest.raises(CheckpointError, match=r"another recipe \(steps 12 -> 14, peak_lr 0.003 -> 0.1\)"):
        train(replace(RECIPE, peak_lr=0.1, steps=14), tmp_path / "run", resume=True)
    assert files(tmp_path / "run") == before


def test_resume_elsewhere_warns(tmp_path, monkeypatch, whole):
    shutil.copytree(put(tmp_path / "a", whole), tmp_path / "b")
    monkeypatch.setattr("miniclip.train.run.environment", lambda: {"machine": "abacus", "new": "thing"})
    with pytest.warns(UserWarning, match=r"last saved elsewhere \(machine 'Linux.*' -> 'abacus"):
        train(RECIPE, tmp_path / "b", resume=True)


def put(folder, contents):
    folder.mkdir()
    for name, data in contents.items():
        (folder / name).write_bytes(data)
    return folder


def test_folders_with_something_in_them(tmp_path, whole):
    for n, name in enumerate(["thesis.txt", "model.safetensors", "manifest.json"]):
        folder = put(tmp_path / str(n), {name: b"mine"})
        with pytest.raises(CheckpointError, match=rf"{name}.*(--out|restore)") as caught:
            train(RECIPE, folder)
        assert caught.value.exit_code == 4
        assert files(folder) == {name: b"mine"}
    run = put(tmp_path / "run", whole)
    with pytest.raises(CheckpointError, match=r"not empty .*--resume, or choose another --out"):
        train(RECIPE, run)
    same(run, whole)


def test_resume_nothing(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    for name in ("empty", "missing", "file"):
        with pytest.raises(CheckpointError, match=rf"{name}.*(missing|is not a folder)"):
            train(RECIPE, tmp_path / name, resume=True)
    assert not (tmp_path / "missing").exists()
    with pytest.raises(CheckpointError, match="cannot be a run folder"):
        train(RECIPE, tmp_path / "file")


BAD = {
    "seed": [-1, 1.0, True, "0", None, 2**53],
    "steps": [0, -3, 1.5, float("nan"), True],
    "batch_size": [1, 0, 2.0],
    "peak_lr": [0, -1e-3, float("nan"), float("inf"), "1e-3", True],
    "warmup": [-1, 10**6],
    "weight_decay": [-0.1, float("nan")],
    "max_grad_norm": [0.0, float("nan")],
    "save_every": [0],
    "log_every": [0],
    "loss": ["infonce", None, ["sigmoid"], 1],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in BAD.items() for value in values])
def test_recipes_that_make_no_sense(name, value):
    with pytest.raises(ConfigError, match=f"^{name} is .*expected|^batch_size is 1: ") as caught:
        TrainConfig(**{name: value})
    assert caught.value.exit_code == 3


def test_a_refused_model_leaves_no_folder(tmp_path):
    for change in (dict(vision_width=17), dict(patch_size=5), dict(text_width=2**20)):
        with pytest.raises(ConfigError):
            train(replace(RECIPE, **change), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_every_step_has_pairs_of_its_own(tmp_path, monkeypatch):
    seen, real = [], sources.World.pairs
    monkeypatch.setattr(sources.World, "pairs", lambda self, items: (seen.append([*items]), real(self, items))[1])
    train(RECIPE, tmp_path / "run")
    # the last step may have had the pairs of one more drawn
    assert seen[:12] == [[*range(8 * step, 8 * step + 8)] for step in range(12)]


def test_the_pairs_of_a_run_belong_together():
    """Each caption is true of its own picture; pair i is the same pair whatever stands before it."""
    source, numbers = sources.World(3), np.arange(64)
    images, ids, texts = source.pairs(numbers)
    scenes = source.scenes(numbers)
    assert truth_matrix(texts, scenes).diagonal().all()
    assert np.array_equal(images, normalized_images(scenes))
    assert np.array_equal(ids, source.tokenizer.encode(texts))
    assert source.pairs(numbers[5:9])[2] == texts[5:9]


@pytest.mark.parametrize("loss", ["multi_positive", "sigmoid"])
def test_the_other_losses_train_and_resume(tmp_path, monkeypatch, loss):
    """Bit for bit, the bias included; the run opens, and its log says what the loss can be compared with."""
    recipe = replace(RECIPE, loss=loss)
    whole = train(recipe, tmp_path / "whole")
    assert ("logit_bias" in whole.params) == whole.config.logit_bias == (loss == "sigmoid")
    with monkeypatch.context() as patch:
        stop_at(patch, 7)
        with pytest.raises(Interrupted):
            train(recipe, tmp_path / "run")
    with pytest.raises(CheckpointError, match="another recipe"):
        train(RECIPE, tmp_path / "run", resume=True)
    train(recipe, tmp_path / "run", resume=True)
    assert files(tmp_path / "run") == files(tmp_path / "whole")
    row = read_log(tmp_path / "run")[-1]
    assert {"chance", "caption_floor"} <= row.keys()
    assert 0 <= row["caption_floor"] < row["chance"]
    assert str(row["caption_floor"])[0] != "-"
    assert (row.keys() >= {"bias"}) == (loss == "sigmoid")
    assert whole.encode_text(["a red circle"]).shape == (1, 16)
