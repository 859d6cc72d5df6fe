"""The PyTorch path against ours: the same names, features, gradients, training, run folders."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from cases import random_clip
from test_train import RECIPE, SIZES, files, same, stop_at

from miniclip.app import cli
from miniclip.errors import ConfigError, TrainingDiverged
from miniclip.files.checkpoint import load
from miniclip.files.state import Interrupted, new_state, read_log
from miniclip.models.clip import MAX_LOGIT_SCALE, clip_backward, clip_forward, encode_image_forward
from miniclip.models.text import text_forward
from miniclip.models.vision import vision_forward
from miniclip.nn.losses import info_nce_backward, info_nce_forward
from miniclip.nn.tree import flatten, from_vector
from miniclip.torch.distributed import Place, choose_device
from miniclip.torch.models import from_params, info_nce
from miniclip.torch.train import TorchLearner
from miniclip.torch.train import train as torch_train
from miniclip.train import clip as train
from miniclip.train.clip import NumpyLearner, TrainConfig, warmup_cosine

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
    dimages, grads = clip_backward(dimage, dtext, c)
    theirs = model(pixels, torch.tensor(ids))
    for ours, other in zip((image, text), theirs, strict=True):
        assert np.abs(ours - other.detach().numpy()).max() <= 1e-10
    their_loss, right = info_nce(*theirs, model.logit_scale)
    their_loss.backward()
    assert abs(loss - their_loss.item()) <= 1e-10
    assert 0 <= right <= 1
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


def steps(learner, recipe, dtype, count=100):
    """The rows of `count` steps over ten batches, and the state they lead to."""
    model, like = train.untrained(recipe)
    state = new_state(recipe, like, dtype)
    model.params = from_vector(state.theta, like)
    learner.start(state, recipe, model)
    rows = []
    for step in range(count):
        indices = step % 10 * recipe.batch_size + np.arange(recipe.batch_size)
        lr = warmup_cosine(step, count, 5, 1e-3)
        rows.append(learner.descend(indices, lr))
        state.step += 1
    learner.sync()
    return rows, state, model


@pytest.mark.parametrize(("dtype", "loss", "weights"), [(np.float64, 1e-10, 1e-9), (np.float32, 2e-4, 1e-3)])
@pytest.mark.parametrize("replay", [0, 3])
def test_a_hundred_steps_agree(dtype, loss, weights, replay):
    """T7: losses, scale, accuracy, gradient norms, weights, moments."""
    recipe = TrainConfig(steps=100, batch_size=8, warmup=5, max_grad_norm=20.0, replay=replay, **SIZES)
    ours, our_state, model = steps(NumpyLearner(), recipe, dtype)
    theirs, their_state, _ = steps(TorchLearner(CPU), recipe, dtype)
    for row, other in zip(ours, theirs, strict=True):
        assert abs(row["loss"] - other["loss"]) <= loss
        assert abs(row["scale"] - other["scale"]) <= loss
        assert abs(row["accuracy"] - other["accuracy"]) <= (1e-12 if dtype is np.float64 else 0.13)
        near = loss if dtype is np.float64 else 0.02 * row["gradient_norm"]
        assert abs(row["gradient_norm"] - other["gradient_norm"]) <= near
    assert {row["gradient_norm"] > recipe.max_grad_norm for row in ours} == {True, False}  # some steps are clipped
    names = flatten(model.params)
    for which in ("theta", "m", "v"):
        vectors = (getattr(state if which == "theta" else state.optimizer, which) for state in (our_state, their_state))
        mine, other = (flatten(from_vector(vector, model.params)) for vector in vectors)
        for name in names:
            if dtype is np.float64 or not name.endswith("in_proj.bias"):  # Adam amplifies the rounding of a zero
                assert np.abs(mine[name] - other[name]).max() <= weights, (which, name)
    assert our_state.optimizer.t == 100
    assert their_state.step == their_state.optimizer.t == 100


def test_the_scale_is_capped_and_comes_back():
    recipe = TrainConfig(steps=10, batch_size=8, warmup=2, **SIZES)
    model, like = train.untrained(recipe)
    state = new_state(recipe, like)
    model.params = from_vector(state.theta, like)
    model.params["logit_scale"][...] = 9.0
    learner = TorchLearner(CPU)
    learner.start(state, recipe, model)
    assert learner.descend(np.arange(8), 1e-6)["scale"] == pytest.approx(np.exp(9.0))
    assert learner.descend(np.arange(8), 1e-6)["scale"] == pytest.approx(np.exp(MAX_LOGIT_SCALE), rel=1e-4)
    learner.module.logit_scale.grad = None
    learner.descend(np.arange(8), 1e-6)
    assert learner.module.logit_scale.grad != 0


def run(out, resume=False, recipe=RECIPE, **options):
    return torch_train(recipe, out, resume, device="cpu", **options)


def test_the_same_seed_gives_the_same_run_stopped_or_not(tmp_path, monkeypatch):
    """T21, T23: the PyTorch path resumes bit for bit too."""
    run(tmp_path / "whole")
    whole = files(tmp_path / "whole")
    run(tmp_path / "again")
    same(tmp_path / "again", whole)
    for step in (1, 5, 9):
        with monkeypatch.context() as patch:
            stop_at(patch, step)
            with pytest.raises(Interrupted, match=f"step {step} of 12, saved"):
                run(tmp_path / str(step))
        run(tmp_path / str(step), resume=True)
        same(tmp_path / str(step), whole)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("first", [train.train, run])
def test_a_run_changes_its_backend_and_nothing_else(tmp_path, monkeypatch, first):
    """Stopped on one, resumed on the other, both ways: the weights of an uninterrupted run, up to rounding."""
    second = run if first is train.train else train.train
    train.train(RECIPE, tmp_path / "whole")
    with monkeypatch.context() as patch:
        stop_at(patch, 5)
        with pytest.raises(Interrupted):
            first(RECIPE, tmp_path / "run") if first is train.train else first(tmp_path / "run")
    with pytest.warns(UserWarning, match=r"begun elsewhere \(backend (numpy|torch .*) -> (numpy|torch)"):
        second(RECIPE, tmp_path / "run", True) if second is train.train else second(tmp_path / "run", True)
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


def test_bfloat16_learns_about_the_same(tmp_path):
    rows = [steps(TorchLearner(CPU, precision), RECIPE, np.float32, 12)[0] for precision in ("fp32", "bf16")]
    differences = [abs(a["loss"] - b["loss"]) for a, b in zip(*rows, strict=True)]
    assert 0 < differences[0] < 0.01  # another arithmetic, the same training


@pytest.mark.nightly
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # PyTorch's compiler uses what PyTorch deprecates
def test_compiled_towers_are_the_same_towers():
    rows = [steps(TorchLearner(CPU, compile=compile), RECIPE, np.float32, 12)[0] for compile in (False, True)]
    assert all(abs(a["loss"] - b["loss"]) < 2e-4 for a, b in zip(*rows, strict=True))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_numbers_that_are_not_finite_stop_the_run(tmp_path, monkeypatch, value):
    real = train.train_step

    def poisoned(learner, state, recipe, model):
        if state.step == 4:
            learner.module.text.ln_final.bias.data[0] = value
        return real(learner, state, recipe, model)

    monkeypatch.setattr(train, "train_step", poisoned)
    with pytest.raises(TrainingDiverged, match=r"^step 4: the loss is nan and the gradient of .* --peak-lr"):
        run(tmp_path / "run")
    assert [row["step"] for row in read_log(tmp_path / "run")] == [2]


def test_devices_and_precisions_that_are_not_here(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert choose_device("auto").type == "cpu"
    for name in ("cuda", "mps", "tpu", ""):
        with pytest.raises(ConfigError, match=f"the device is '{name}', expected one of this machine's: cpu, or auto"):
            torch_train(RECIPE, tmp_path / "run", device=name)
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
        for name, learner in (("numpy", None), ("torch", TorchLearner(CPU))):
            train.train(recipe, tmp_path / f"{name}{seed}", learner=learner)
            scores[name, seed] = read_log(tmp_path / f"{name}{seed}")[-1]["zero_shot_A"]
    between_seeds = np.std([scores["numpy", seed] for seed in range(3)])
    between_backends = np.mean([abs(scores["numpy", seed] - scores["torch", seed]) for seed in range(3)])
    print(scores, between_seeds, between_backends)
    assert between_backends <= max(2 * between_seeds, 0.03)
