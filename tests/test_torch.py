"""The PyTorch path against ours: the same names, features, gradients, training, run folders."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from case import to_pixels
from cases import random_clip
from test_train import RECIPE, SIZES, files, same, stop_at

from miniclip.app import cli
from miniclip.errors import ConfigError, Interrupted, TrainingDiverged
from miniclip.files.checkpoint import load
from miniclip.files.state import read_log
from miniclip.models.clip import MAX_LOGIT_SCALE, clip_backward, clip_forward, encode_image_forward
from miniclip.models.text import text_forward
from miniclip.models.vision import vision_forward
from miniclip.nn.losses import info_nce_backward, info_nce_forward
from miniclip.nn.tree import flatten, from_vector
from miniclip.torch.distributed import Place, choose_device
from miniclip.torch.learner import TorchLearner, backend, backend_at
from miniclip.torch.losses import contrastive_loss
from miniclip.torch.models import from_params
from miniclip.train.backend import NUMPY
from miniclip.train.clip import TrainConfig, clip_stage, new_clip, train
from miniclip.train.loop import Learner, fit
from miniclip.train.step import LOSSES
from miniclip.train.step import contrastive_loss as contrastive

CPU = Place(0, 1, torch.device("cpu"))


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("seed", range(12))
def test_names_features_loss_and_every_gradient_agree(seed):
    """float64: features to 1e-10, gradients to 1e-9; random sizes, both activations, and the images' gradient."""
    config, params, images, ids = random_clip(seed)
    model = from_params(params, config)
    named = flatten(params)
    assert {name: tuple(p.shape) for name, p in model.state_dict().items()} == {k: v.shape for k, v in named.items()}
    pixels = torch.tensor(images, requires_grad=True)
    features = [vision_forward(images, params["visual"], config.vision)[0], model.visual(pixels),
                text_forward(ids, params["text"], config.text)[0], model.text(torch.tensor(ids))]  # fmt: skip
    for ours, theirs in (features[:2], features[2:]):
        assert np.abs(ours - theirs.detach().numpy()).max() <= 1e-10
    (image, text), c = clip_forward(images, ids, params, config)
    loss, c_loss = info_nce_forward(image, text, params["logit_scale"])
    dimage, dtext, dlogit_scale = info_nce_backward(c_loss)
    dimages, grads = to_pixels(clip_backward, "visual")(dimage, dtext, c)
    theirs = model(pixels, torch.tensor(ids))
    for ours, other in zip((image, text), theirs, strict=True):
        assert np.abs(ours - other.detach().numpy()).max() <= 1e-10
    their_loss, told = contrastive_loss(*theirs, model, CPU)
    their_loss.backward()
    assert abs(loss - their_loss.item()) <= 1e-10
    assert 0 <= told["accuracy"] <= 1
    for name, g in flatten(grads | {"logit_scale": dlogit_scale}).items():
        assert np.abs(g - model.get_parameter(name).grad.numpy()).max() <= 1e-9, name
    assert np.abs(dimages - pixels.grad.numpy()).max() <= 1e-9


def test_weights_go_there_and_back_and_are_not_shared():
    config, params, _, _ = random_clip(1)
    random_state = torch.get_rng_state()
    model = from_params(params, config)
    assert torch.equal(torch.get_rng_state(), random_state)
    back = {name: p.numpy() for name, p in model.state_dict().items()}
    for name, leaf in flatten(params).items():
        assert np.array_equal(back[name], leaf), name
        back[name][...] = 7.0
    assert not any((leaf == 7.0).any() for leaf in flatten(params).values())


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_agrees(loss, seed):
    """Value and gradients of embeddings, scale and bias; some captions say the same as others."""
    rng = np.random.default_rng(seed)
    B, E = 7, 5
    image, text = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in rng.normal(size=(2, B, E)))
    params = {"logit_scale": np.array(1.7), "logit_bias": np.array(-1.3)}
    groups = rng.integers(4, size=B) if loss == "multi_positive" else None
    ours, (dimage, dtext), dscalars, told = contrastive(image, text, params, loss, groups)
    module = torch.nn.ParameterDict({name: torch.tensor(leaf) for name, leaf in params.items()})
    x, y = (torch.tensor(z, requires_grad=True) for z in (image, text))
    theirs, their_told = contrastive_loss(x, y, module, CPU, loss, groups if groups is None else torch.tensor(groups))
    theirs.backward()
    assert abs(ours - theirs.item()) <= 1e-12
    for mine, other in ((dimage, x), (dtext, y), *((dscalars[name], module[name]) for name in dscalars)):
        assert np.abs(mine - other.grad.numpy()).max() <= 1e-12
    assert dscalars.keys() == ({"logit_scale", "logit_bias"} if loss == "sigmoid" else {"logit_scale"})
    assert told["accuracy"] == pytest.approx(float(their_told["accuracy"]))
    assert told["scale"] == pytest.approx(float(their_told["scale"]))


def steps(learner_of, recipe, dtype, count=100):
    """The rows of `count` steps over ten batches, and the learner."""
    model = new_clip(recipe)
    on = backend_at(CPU, dtype=dtype) if learner_of is TorchLearner else NUMPY
    stage = clip_stage(recipe, model, replace(on, shard=lambda numbers: numbers % (10 * recipe.batch_size)))
    stage = replace(stage, steps=count, warmup=5, peak_lr=1e-3)
    learner = on.learner(stage, model) if learner_of is TorchLearner else Learner(stage, model.params, dtype)
    rows = []
    fit(learner, rows.append)
    return rows, learner


def test_a_full_device_is_no_bug():
    model = new_clip(RECIPE)
    stage = clip_stage(RECIPE, model, NUMPY)

    def too_much(step, module):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")

    with pytest.raises(MemoryError, match=r"2 GiB; a smaller batch fits, .* --replay 256"):
        TorchLearner(replace(stage, objective=too_much), model, CPU).step(1e-3)


@pytest.mark.parametrize(("dtype", "loss", "weights"), [(np.float64, 1e-10, 1e-9), (np.float32, 2e-4, 1e-3)])
@pytest.mark.parametrize("replay", [0, 3])
def test_a_hundred_steps_agree(dtype, loss, weights, replay):
    """Losses, scale, accuracy, gradient norms, weights, moments."""
    recipe = TrainConfig(steps=100, batch_size=8, warmup=5, max_grad_norm=20.0, replay=replay, **SIZES)
    ours, mine = steps(Learner, recipe, dtype)
    theirs, other = steps(TorchLearner, recipe, dtype)
    for row, their_row in zip(ours, theirs, strict=True):
        assert row.keys() == their_row.keys()
        assert abs(row["loss"] - their_row["loss"]) <= loss
        assert abs(row["scale"] - their_row["scale"]) <= loss
        assert abs(row["accuracy"] - their_row["accuracy"]) <= (1e-12 if dtype is np.float64 else 0.13)
        near = loss if dtype is np.float64 else 0.02 * row["gradient_norm"]
        assert abs(row["gradient_norm"] - their_row["gradient_norm"]) <= near
    assert {row["gradient_norm"] > recipe.max_grad_norm for row in ours} == {True, False}  # some steps are clipped
    same_vectors(mine, other, weights, dtype)
    assert mine.steps == other.steps == 100


def same_vectors(mine, other, weights, dtype=np.float64):
    """Weights and moments; in float32 without the biases of the keys, whose rounding Adam amplifies."""
    for which, vector in other.vectors.items():
        named, theirs = (flatten(from_vector(x, mine.views)) for x in (mine.vectors[which], vector))
        for name, leaf in named.items():
            if dtype is np.float64 or not name.endswith("in_proj.bias"):
                assert np.abs(leaf - theirs[name]).max() <= weights, (which, name)


@pytest.mark.parametrize("loss", ["multi_positive", "sigmoid"])
def test_a_hundred_steps_of_the_other_losses_agree(loss):
    recipe = TrainConfig(steps=100, batch_size=8, warmup=5, max_grad_norm=20.0, loss=loss, **SIZES)
    (ours, mine), (theirs, other) = (steps(kind, recipe, np.float64) for kind in (Learner, TorchLearner))
    assert all(abs(a["loss"] - b["loss"]) <= 1e-10 for a, b in zip(ours, theirs, strict=True))
    same_vectors(mine, other, 1e-9)


def test_the_scale_is_capped_and_comes_back():
    recipe = TrainConfig(steps=10, batch_size=8, warmup=2, **SIZES)
    model = new_clip(recipe)
    model.params["logit_scale"][...] = 9.0
    on = backend_at(CPU)
    learner = on.learner(clip_stage(recipe, model, on), model)
    assert learner.step(1e-6)["scale"] == pytest.approx(np.exp(9.0))
    assert learner.step(1e-6)["scale"] == pytest.approx(np.exp(MAX_LOGIT_SCALE), rel=1e-4)
    assert learner.named["logit_scale"].grad != 0


def run(out, resume=False, recipe=RECIPE, **options):
    with backend("cpu", **options) as on:
        return train(recipe, out, resume, on)


def run_numpy(out, resume=False):
    return train(RECIPE, out, resume)


def test_the_same_seed_gives_the_same_run_stopped_or_not(tmp_path, monkeypatch):
    """the PyTorch path resumes bit for bit too."""
    run(tmp_path / "whole")
    whole = files(tmp_path / "whole")
    run(tmp_path / "again")
    same(tmp_path / "again", whole)
    for step in (1, 5, 9):
        with monkeypatch.context() as patch:
            stop_at(patch, step, learner=TorchLearner)
            with pytest.raises(Interrupted, match=f"step {step} of 12, saved"):
                run(tmp_path / str(step))
        run(tmp_path / str(step), resume=True)
        same(tmp_path / str(step), whole)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("first", [run_numpy, run])
def test_a_run_changes_its_backend_and_nothing_else(tmp_path, monkeypatch, first):
    """Stopped on one, resumed on the other, both ways: the weights of an uninterrupted run, up to rounding."""
    second = run if first is run_numpy else run_numpy
    run_numpy(tmp_path / "whole")
    with monkeypatch.context() as patch:
        stop_at(patch, 5, learner=Learner if first is run_numpy else TorchLearner)
        with pytest.raises(Interrupted):
            first(tmp_path / "run")
    with pytest.warns(UserWarning, match=r"last saved elsewhere \(backend '(numpy|torch .*)' -> '(numpy|torch)"):
        second(tmp_path / "run", True)
    ours, theirs = (flatten(load(tmp_path / name).params) for name in ("run", "whole"))
    for name, leaf in theirs.items():
        if not name.endswith("in_proj.bias"):
            assert np.abs(ours[name] - leaf).max() <= 1e-3, name
    ours, theirs = (read_log(tmp_path / name) for name in ("run", "whole"))
    assert [row.keys() for row in ours] == [row.keys() for row in theirs]
    assert all(abs(a["loss"] - b["loss"]) <= 2e-4 for a, b in zip(ours, theirs, strict=True))


def test_the_two_backends_open_each_others_runs(tmp_path):
    """A run folder made by PyTorch is a run folder: loaded by NumPy, it gives PyTorch's own features."""
    model = run(tmp_path / "run")
    images = np.random.default_rng(0).normal(size=(5, 32, 32, 3)).astype(np.float32)
    theirs = from_params(model.params, model.config).encode_image(torch.tensor(images))
    assert np.abs(encode_image_forward(images, model.params, model.config)[0] - theirs.detach().numpy()).max() < 1e-5


def twelve_steps(on):
    """The rows of a short run."""
    model, rows = new_clip(RECIPE), []
    fit(on.learner(clip_stage(RECIPE, model, on), model), rows.append)
    return rows


def test_bfloat16_learns_about_the_same(tmp_path):
    rows = [twelve_steps(backend_at(CPU, precision)) for precision in ("fp32", "bf16")]
    differences = [abs(a["loss"] - b["loss"]) for a, b in zip(*rows, strict=True)]
    assert 0 < differences[0] < 0.03  # another arithmetic, the same training: logits up to 14, to 8 bits


@pytest.mark.nightly
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # PyTorch's compiler uses what PyTorch deprecates
def test_compiled_towers_are_the_same_towers():
    rows = [twelve_steps(backend_at(CPU, compile=compile)) for compile in (False, True)]
    assert all(abs(a["loss"] - b["loss"]) < 2e-4 for a, b in zip(*rows, strict=True))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_numbers_that_are_not_finite_stop_the_run(tmp_path, monkeypatch, value):
    real = TorchLearner.step

    def poisoned(self, lr):
        if self.steps == 4:
            self.module.text.ln_final.bias.data[0] = value
        return real(self, lr)

    monkeypatch.setattr(TorchLearner, "step", poisoned)
    with pytest.raises(TrainingDiverged, match=r"^train, step 4: the loss is nan and the gradient of .* peak_lr"):
        run(tmp_path / "run")
    assert [row["step"] for row in read_log(tmp_path / "run")] == [2]


def test_devices_and_precisions_that_are_not_here(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert choose_device("auto").type == "cpu"
    for name in ("cuda", "mps", "tpu", ""):
        message = f"the device is '{name}', expected one of this machine's: cpu, or auto"
        with pytest.raises(ConfigError, match=message), backend(name):
            pass
    with pytest.raises(ConfigError, match="the precision is 'fp8', expected fp32 or bf16"):
        run(tmp_path / "run", precision="fp8")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert choose_device("auto").type == "mps"
    assert not (tmp_path / "run").exists()


def test_the_command_line(tmp_path, capsys, monkeypatch):
    short = ["--steps", "3", "--batch-size", "4", "--warmup", "1", "--json"]
    assert cli.main(["train", "--backend", "torch", "--device", "cpu", "--out", str(tmp_path / "run"), *short]) == 0
    assert '"step": 3' in capsys.readouterr().out
    for option in (["--device", "cpu"], ["--precision", "bf16"], ["--compile"]):
        assert cli.main(["train", "--out", str(tmp_path / "new"), *short, *option]) == 3
        assert f"{option[0]} is for PyTorch" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_without_pytorch_the_command_line_says_how_to_get_it(tmp_path):
    code = """
import sys
sys.modules["torch"] = None
from miniclip.app.cli import main
sys.exit(main(["train", "--backend", "torch", "--out", sys.argv[1]]))
"""
    result = subprocess.run([sys.executable, "-c", code, tmp_path / "run"], capture_output=True, text=True)
    assert result.returncode == 3
    assert result.stderr.startswith("miniclip: PyTorch is not installed: pip install 'miniclip[torch]'")


@pytest.mark.nightly
def test_final_scores_agree_within_noise(tmp_path):
    """Three seeds, a short recipe: the two backends end with the same scores, as near as two seeds do or nearer."""
    scores = {}
    for seed in range(3):
        recipe = replace(TrainConfig(), seed=seed, steps=300, score_every=300)
        for name, on in (("numpy", NUMPY), ("torch", backend_at(CPU))):
            train(recipe, tmp_path / f"{name}{seed}", backend=on)
            scores[name, seed] = read_log(tmp_path / f"{name}{seed}")[-1]["zero_shot_A"]
    between_seeds = np.std([scores["numpy", seed] for seed in range(3)])
    between_backends = np.mean([abs(scores["numpy", seed] - scores["torch", seed]) for seed in range(3)])
    print(scores, between_seeds, between_backends)
    assert between_backends <= max(2 * between_seeds, 0.03)
