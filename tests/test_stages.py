"""Every stage trains what it says, in both backends alike, and is the same however it is stopped."""

import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from describers import bits, fitted, new_bridged, new_describer, new_language_model, tiny_matcher
from test_train import files, quick, stop_at, wait_for  # noqa: F401

from miniclip.data.prompts import language_tokenizer
from miniclip.errors import Interrupted
from miniclip.files.checkpoint import load
from miniclip.files.state import TRAINING, read_log
from miniclip.train import stages
from miniclip.train.run import train_stage

N = 6  # steps


def small(monkeypatch):
    """Batches of eight."""
    monkeypatch.setattr(stages, "BATCH", 8)
    monkeypatch.setattr(stages, "SMALL", 8)


# kind -> (the model it begins with, its stage)
KINDS = {
    "describe": (new_describer, stages.describe_stage),
    "describe, frozen": (new_describer, stages.frozen_describe_stage),
    "coca": (new_describer, stages.coca_stage),
    "answer": (new_describer, stages.answer_stage),
    "system": (new_describer, stages.system_stage),
    "deaf": (new_describer, stages.deaf_stage),
    "language": (lambda: new_language_model(language_tokenizer()), stages.language_stage),
    "blind": (new_language_model, stages.blind_stage),
    "linear bridge": (lambda: new_bridged("linear"), stages.bridge_stage),
    "queries bridge": (new_bridged, stages.bridge_stage),
    "align": (lambda: new_bridged(words=language_tokenizer()), stages.align_stage),
    "match": (tiny_matcher, stages.match_stage),
}
EACH = pytest.mark.parametrize("kind", KINDS)


def staged(kind, **on):
    """(stage of N steps, model)"""
    begin, stage = KINDS[kind]
    model = begin()
    return replace(stage(model, 0, N, **on), warmup=2), model


@EACH
def test_every_stage_trains_what_it_says_and_nothing_else(kind, monkeypatch):
    small(monkeypatch)
    stage, model = staged(kind)
    after = fitted(stage, model.params)
    assert {name for name in model.params if bits(after[name]) != bits(model.params[name])} == set(stage.trained)


def train(folder, kind, resume=False):
    """A stage in a folder, saved after every second step."""
    stage, model = staged(kind)
    return train_stage(folder, stage, model, {"stage": stage.name, "seed": 0}, resume, log_every=1, save_every=2)


@EACH
@pytest.mark.usefixtures("quick")
def test_every_stage_is_the_same_stopped_or_not(kind, monkeypatch, tmp_path):
    """Interrupted at every step and resumed: all files of the run folder, bit for bit; and the folder opens."""
    small(monkeypatch)
    model = train(tmp_path / "whole", kind)
    whole = files(tmp_path / "whole")
    assert [row["step"] for row in read_log(tmp_path / "whole")] == list(range(1, N + 1))
    assert type(model) is type(staged(kind)[1])
    assert len(model.digest) == 64
    for step in (1, 4, N):
        folder = tmp_path / str(step)
        with monkeypatch.context() as patch:
            stop_at(patch, step, signal.SIGTERM)
            with pytest.raises(Interrupted, match=rf"stopped at step {step} of {N}, saved in .* --resume"):
                train(folder, kind)
        assert bits(load(folder).params).keys() == bits(model.params).keys()
        train(folder, kind, resume=True)
        assert files(folder) == whole


CHILD = """
import sys
from miniclip.train import stages
sys.path.insert(0, {tests!r})
import test_stages
from miniclip.errors import MiniclipError
stages.BATCH = stages.SMALL = 8
try:
    test_stages.train(sys.argv[1], sys.argv[2], resume=len(sys.argv) > 3)
except MiniclipError as error:
    print(error)
    sys.exit(error.exit_code)
"""


def stopped_at_random(kind, folder, whole, times):
    """Kill or interrupt a process at random moments until the stage has been stopped so often; then finish it."""
    rng, begun, stops = random.Random(kind), False, 0
    command = [sys.executable, "-c", CHILD.format(tests=str(Path(__file__).parent))]
    started = time.monotonic()
    subprocess.run([*command, str(folder), kind], check=True, capture_output=True)
    long = time.monotonic() - started
    shutil.rmtree(folder)
    while stops < times:
        child = subprocess.Popen([*command, str(folder), kind, *(["resume"] if begun else [])],
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
        try:
            child.wait(long * rng.random())
        except subprocess.TimeoutExpired:
            child.send_signal(rng.choice([signal.SIGKILL, signal.SIGINT, signal.SIGTERM]))
            child.wait()
            stops += 1
        begun = (folder / TRAINING).exists()
        assert child.returncode in (0, 130, 143, -signal.SIGINT, -signal.SIGTERM, -signal.SIGKILL)
        if child.returncode == 0:  # done before it could be stopped: begin again
            assert files(folder) == whole
            shutil.rmtree(folder)
            begun = False
    train(folder, kind, resume=begun)
    assert files(folder) == whole


@pytest.mark.parametrize("times", [2, pytest.param(20, marks=pytest.mark.nightly)])
@pytest.mark.parametrize("kind", ["coca", "system", "language", "align", "match"])
@pytest.mark.usefixtures("quick")
def test_every_stage_survives_kills_at_random_moments(kind, times, monkeypatch, tmp_path):
    small(monkeypatch)
    train(tmp_path / "whole", kind)
    stopped_at_random(kind, tmp_path / "run", files(tmp_path / "whole"), times)
