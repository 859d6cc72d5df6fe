"""Several processes, one batch: real gloo processes against one process, and what becomes of them when one fails."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import ranks_worker
from PIL import Image

from miniclip.files.checkpoint import load
from miniclip.files.state import read_log
from miniclip.nn.tree import flatten
from miniclip.train.ranks import sharings, simulate_ranks
from miniclip.train.step import LOSSES, loss_and_gradients

RIGHT = ["local loss, gather with gradient", "global loss, gather with gradient"]
RUN = ["--steps", "12", "--batch-size", "7", "--warmup", "2", "--log-every", "2", "--score-every", "12",
       "--save-every", "3"]  # fmt: skip
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def torchrun(count, *command):
    return [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(count), *command]


def train(count, out, *options):
    return torchrun(count, "-m", "miniclip", "train", "--backend", "torch", "--device", "cpu", "--out", str(out), *RUN,
                    *options)  # fmt: skip


def start(command, **environment):
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            env={**ENVIRONMENT, **environment}, start_new_session=True)  # fmt: skip


def done(command, **environment):
    process = start(command, **environment)
    said, complained = process.communicate(timeout=120)
    assert process.returncode == 0, complained
    return said + complained


def alike(count, *options_of_each):
    """Processes started by hand, each with options of its own, as on several machines."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": str(count)}
    command = [sys.executable, "-m", "miniclip", "train", "--backend", "torch", "--device", "cpu"]
    started = [start([*command, *options], RANK=str(rank), **place) for rank, options in enumerate(options_of_each)]
    return [(process.communicate(timeout=120)[1], process.returncode) for process in started]


@pytest.fixture(scope="module", params=[2, pytest.param(4, marks=pytest.mark.nightly)])
def measured(request, tmp_path_factory):
    """(R, what each of R processes found)"""
    out = tmp_path_factory.mktemp("ranks") / "found.json"
    done(torchrun(request.param, ranks_worker.__file__, str(out)), PYTHONPATH=str(Path(__file__).parent))
    return request.param, json.loads(out.read_text())


def full_batch(loss="info_nce"):
    """The loss and the gradients of one process with all pairs."""
    images, ids, params, config = ranks_worker.world()
    groups = {"groups": np.array([0, 1, 2, 0, 3, 1, 4])} if loss == "multi_positive" else {}
    params = params | {"logit_bias": np.array(-1.3)}
    value, grads, _ = loss_and_gradients(images, ids, params, config, loss=loss, **groups)
    return value, grads


def wrong_by(result, loss, grads):
    """The error of the loss, and the relative errors of each tower's and the temperature's gradient."""
    named, found = flatten(grads), {"loss": abs(result["loss"] - loss)}
    for name, start in (("image tower", "visual."), ("text tower", "text."), ("temperature", "logit_scale")):
        keys = [key for key in named if key.startswith(start)]
        ours = np.concatenate([np.ravel(result["gradients"][key]) for key in keys])
        true = np.concatenate([np.ravel(named[key]) for key in keys])
        found[name] = float(np.linalg.norm(ours - true) / np.linalg.norm(true))
    return found


def test_many_processes_equal_one(measured):
    """Loss, each tower's gradient, the temperature's, in every process; the share of pairs is uneven."""
    _, everyone = measured
    loss, grads = full_batch()
    for found in everyone:
        for name in RIGHT:
            assert max(wrong_by(found[name], loss, grads).values()) < 1e-12, name
    for loss in LOSSES:
        value, grads = full_batch(loss)
        for name in (f"{loss}, replay 0", f"{loss}, replay 2"):
            assert len({found[name]["loss"] for found in everyone}) == 1  # told alike by all processes
            for found in everyone:
                assert set(found[name]["gradients"]) == set(flatten(grads))
                assert max(wrong_by(found[name], value, grads).values()) < 1e-12, name


def test_the_wrong_ways_are_wrong_by_as_much_as_simulated(measured):
    """What real processes with DistributedDataParallel do is what `simulate_ranks` says, way by way."""
    R, everyone = measured
    images, ids, params, config = ranks_worker.world()
    simulated = simulate_ranks(images, ids, params, config, R)
    loss, grads = full_batch()
    for name in sharings(R):
        found = wrong_by(everyone[0][name], loss, grads)
        print(f"{name:38}", *(f"{key} {value:.2g}  " for key, value in found.items()))
        for key, value in simulated[name].items():
            assert found[key] == pytest.approx(value, rel=1e-9, abs=1e-12), (name, key)
    assert max(simulated["global loss, own rows put back"][key] for key in ("loss", "temperature")) < 1e-12
    for tower in ("image tower", "text tower"):
        assert simulated["global loss, own rows put back"][tower] == pytest.approx(1 - 1 / R)
        assert simulated["the same, times the number of ranks"][tower] < 1e-12
        assert simulated["local loss, gather without gradient"][tower] > 0.1
    assert simulated["the same, times the number of ranks"]["temperature"] == pytest.approx(R - 1)
    assert simulated["local loss, gather without gradient"]["loss"] < 1e-12
    for name in ("local loss, labels not offset", "no gather"):
        assert min(simulated[name].values()) > 0.01


@pytest.mark.parametrize("turned", ["gradients", "a gradient", "rows", "a row"])
def test_it_does_not_matter_how_rows_and_gradients_lie_in_memory(measured, turned):
    """Transposed in every process, or in one only: then equal places in memory are not equal entries."""
    R, everyone = measured
    rows = R * (R + 1) // 2
    gathered = np.concatenate([np.arange(6.0 * (rank + 1)).reshape(rank + 1, 6) for rank in range(R)])
    true, first = R * np.arange(6.0 * rows).reshape(6, rows).T, 0
    for rank, found in enumerate(everyone):
        y, dx = found[f"transposed {turned}"]
        assert np.array_equal(y, gathered)
        assert np.array_equal(dx, true[first : first + rank + 1])
        first += rank + 1


def test_two_processes_train_like_one_and_resume(tmp_path):
    """One folder, one writer; the weights are those of one process."""
    said = done(train(2, tmp_path / "two"))
    assert said.count("zero_shot_A") == 1  # one process reports
    one = [sys.executable, "-m", "miniclip", "train", "--out", str(tmp_path / "one"), *RUN]
    done(one)
    two, one = (read_log(tmp_path / name) for name in ("two", "one"))
    assert [row["step"] for row in two] == [row["step"] for row in one]
    for ours, theirs in zip(two, one, strict=True):
        assert ours["loss"] == pytest.approx(theirs["loss"], abs=2e-4)
        assert ours["accuracy"] == pytest.approx(theirs["accuracy"], abs=1e-6)
    ours, theirs = (flatten(load(tmp_path / name).params) for name in ("two", "one"))
    assert all(np.abs(ours[name] - theirs[name]).max() < 1e-3 for name in ours if not name.endswith("in_proj.bias"))


@pytest.mark.parametrize("times", [100, pytest.param(1000, marks=pytest.mark.nightly)])
def test_processes_leave_the_loop_at_one_step_whenever_the_signals_come(times, tmp_path):
    """Each process gets a signal of its own at a moment of its own, one of them is slow; they agree every time."""
    out = tmp_path / "found.json"
    done(torchrun(2, ranks_worker.__file__, str(out), str(times)), PYTHONPATH=str(Path(__file__).parent))
    first, second = json.loads(out.read_text())
    assert len(first) == times
    assert first == second
    assert {number for _, number in first} == {signal.SIGINT, signal.SIGTERM}
    assert len({steps for steps, _ in first}) > times / 10  # at different steps


STUDIES_TWICE = """
import os, sys
from dataclasses import replace
import numpy as np
from miniclip.errors import CheckpointError
from miniclip.torch.learner import backend
from miniclip.train import plan, stages, study
stages.BATCH, stages.SMALL = 12, 4  # of four scenes, those with two objects or more: a process may have none
few = {name: replace(one, steps=4) for name, one in plan.TRAININGS.items()}
plan.TRAININGS = study.TRAININGS = few
folder, found = sys.argv[1], []
with backend("cpu") as on:
    for name, one in study.STUDIES.items():
        study.STUDIES[name] = replace(one, table=lambda models, name=name: {name: {"model": 1.0}})
        found.append(study.study(name, out=f"{folder}/{name}", backend=on))
        plan.TRAININGS = None  # a finished study is only read
        found.append(study.study(name, out=f"{folder}/{name}", backend=on))
        plan.TRAININGS = few
    try:
        study.study("vqa", seed=1, out=f"{folder}/vqa", backend=on)
    except CheckpointError as error:
        print(f"refused: {error}")
    tables = [{name: {"model": 1.0}} if on.reports else {} for name in study.STUDIES for _ in range(2)]
    assert found == tables, found
    print("all is well")
sys.stdout.flush()
os._exit(0)
"""


def test_many_processes_train_every_study(tmp_path):
    """Every kind of stage, also where a process has nothing to do; a table that is there, and a refusal, reach all."""
    script = tmp_path / "twice.py"
    script.write_text(STUDIES_TWICE)
    said = done(torchrun(2, str(script), str(tmp_path)))
    assert said.count("all is well") == 2, said
    assert said.count("vqa is not empty") == 2, said
    for kind in ("bridge-queries", "bridge-mlp", "language-model"):
        assert load(tmp_path / "bridge" / kind)


SMALL_STUDY = """
import os, sys
from dataclasses import replace
from miniclip.app.cli import main
from miniclip.train import plan, stages, study
stages.BATCH = stages.SMALL = 12
plan.TRAININGS = study.TRAININGS = {name: replace(one, steps=4) for name, one in plan.TRAININGS.items()}
study.STUDIES["fusion"] = replace(study.STUDIES["fusion"], table=lambda models: {"row": {"model": 1.0}})
code = main(sys.argv[1:])
sys.stdout.flush()
os._exit(code)
"""


def test_many_processes_train_a_stage_like_one(tmp_path):
    """`study` under torchrun: one writer, one table, and the models of one process up to rounding."""
    script = tmp_path / "small.py"
    script.write_text(SMALL_STUDY)
    command = ["study", "fusion", "--json", "--backend", "torch", "--device", "cpu", "--out"]
    said = done(torchrun(2, str(script), *command, str(tmp_path / "two")))
    assert said.count('"scores"') == 1
    done([sys.executable, str(script), *command, str(tmp_path / "one")])
    for name in ("first-stage", "matcher"):
        two, one = (load(tmp_path / which / name) for which in ("two", "one"))
        ours, theirs = flatten(two.params), flatten(one.params)
        assert all(np.abs(ours[key] - theirs[key]).max() < 1e-3 for key in ours if not key.endswith("proj.bias"))
        logs = [read_log(tmp_path / which / name) for which in ("two", "one")]
        assert all(a["loss"] == pytest.approx(b["loss"], abs=2e-4) for a, b in zip(*logs, strict=True))


def processes_below(pid):
    """The ids of the child processes of a process."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="reads Linux's /proc")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_lost_process_ends_the_run_and_a_signal_saves_it(tmp_path, number):
    """One process is killed and the job ends with an error; torchrun is told to stop and all save and stop."""
    folder = tmp_path / "run"
    job = start(train(2, folder, "--steps", "100000", "--save-every", "1"))
    wait_for_step(job, folder, 2)
    victim = processes_below(job.pid)[1] if number == signal.SIGKILL else job.pid
    os.kill(victim, number)
    _, complained = job.communicate(timeout=120)
    assert job.returncode != 0
    load(folder)
    assert read_log(folder)
    if number == signal.SIGKILL:
        assert "another process of this run has ended" in complained, complained
        assert "--resume" in complained
    else:
        assert "give the same command again, with --resume" in complained, complained
        stopped_at = load_manifested_step(folder)
        again = start(train(2, folder, "--steps", "100000", "--save-every", "1", "--resume"))
        wait_for_step(again, folder, stopped_at + 1)
        os.kill(again.pid, number)
        again.communicate(timeout=60)
        assert load_manifested_step(folder) > stopped_at


def load_manifested_step(folder) -> int:
    """The step of the last save; 0 while there is none that is whole."""
    try:
        return json.loads((folder / "training.json").read_text())["step"]
    except (OSError, ValueError):
        return 0


def wait_for_step(job, folder, step):
    end = time.monotonic() + 60
    while load_manifested_step(folder) < step:
        assert job.poll() is None
        assert time.monotonic() < end
        time.sleep(0.05)


def test_processes_that_were_not_started_alike_refuse(tmp_path):
    out = ["--out", str(tmp_path / "run")]
    answers = alike(2, [*RUN, *out], [*RUN, *out, "--peak-lr", "0.1"])
    assert [code for _, code in answers] == [3, 3]
    messages = [[line for line in text.splitlines() if line.startswith("miniclip:")] for text, _ in answers]
    assert messages[0] == messages[1]
    assert messages[0][0] == "miniclip: processes [1] and process 0 differ in recipe: start all of them alike"


def test_processes_share_a_folder_of_pictures_decoded_once_and_refuse_different_ones(tmp_path):
    """From an empty cache, which both want to fill; then one of them has another caption."""
    for name in ("pictures", "changed"):
        (tmp_path / name).mkdir()
        for i in range(12):
            Image.fromarray(np.full((16, 16, 3), 20 * i, np.uint8)).save(tmp_path / name / f"{i}.png")
            (tmp_path / name / f"{i}.txt").write_text(f"grey {i}" if name == "pictures" or i else "black")
    data = ["--image-size", "16", "--context", "6", "--val", "0.2", "--data"]
    cache = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    done(train(2, tmp_path / "two", *data, str(tmp_path / "pictures")), **cache)
    one = [sys.executable, "-m", "miniclip", "train", "--out", str(tmp_path / "one"), *RUN]
    done([*one, *data, str(tmp_path / "pictures")], **cache)
    ours, theirs = (flatten(load(tmp_path / name).params) for name in ("two", "one"))
    assert all(np.abs(ours[name] - theirs[name]).max() < 1e-3 for name in ours if not name.endswith("in_proj.bias"))
    out = ["--out", str(tmp_path / "run"), *RUN, *data]
    for said, code in alike(2, [*out, str(tmp_path / "pictures")], [*out, str(tmp_path / "changed")]):
        assert code == 3
        assert "recipe" in said


@pytest.mark.parametrize(("environment", "message"), [
    ({"WORLD_SIZE": "2"}, "WORLD_SIZE is set, RANK is not right"),
    ({"WORLD_SIZE": "2", "RANK": "one"}, "WORLD_SIZE is set, RANK is not right"),
    ({"WORLD_SIZE": "2", "RANK": "2"}, "RANK is 2, expected 0 to 1"),
    ({"WORLD_SIZE": "2", "RANK": "0"}, "process 0 of 2 could not meet the others"),
])  # fmt: skip
def test_a_wrong_environment_is_explained(tmp_path, monkeypatch, capsys, environment, message):
    from miniclip.app.cli import main

    for name in ("MASTER_ADDR", "MASTER_PORT", "RANK", "WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    code = main(["train", "--backend", "torch", "--device", "cpu", "--out", str(tmp_path / "run"), *RUN])
    assert code == 3
    assert message in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_too_few_pairs_for_the_processes(tmp_path):
    out = ["--out", str(tmp_path / "run"), *RUN, "--batch-size", "3"]
    for text, code in alike(2, out, out):
        assert code == 3
        assert "batch_size is 3 for 2 processes, expected at least 2 each" in text
