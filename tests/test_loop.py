"""One loop for all: what is trained, what stops it, what it says; and nothing else steps an optimiser."""

import ast
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from describers import bits, fitted, new_describer
from test_stages import KINDS
from test_train import SIZES

from miniclip.errors import TrainingDiverged
from miniclip.models.clip import MAX_LOGIT_SCALE
from miniclip.nn.optim import constant, warmup_cosine
from miniclip.train.clip import CAPS, TrainConfig, clip_stage, new_clip
from miniclip.train.loop import Learner, Stage, fit

PACKAGE = Path(__file__).parents[1] / "miniclip"


@pytest.mark.parametrize("names", [("decoder",), ("visual", "decoder"), ("text", "logit_scale")])
def test_only_what_is_named_is_trained(names):
    start = new_describer().params
    before, asked_for = bits(start), []

    def objective(step, params):
        asked_for.append({name: bits(params[name]) for name in start})
        return 1.0, [{name: params[name]} for name in names], {}  # any gradient

    after = fitted(Stage("some", objective, 3, names, warmup=1), start)
    assert bits(start) == before
    assert after.keys() == start.keys()
    for name in start:
        assert (bits(after[name]) == bits(start[name])) == (name not in names)
        assert (after[name] is start[name]) == (name not in names)
    assert [seen["decoder"] == asked_for[0]["decoder"] for seen in asked_for] == [True] + 2 * ["decoder" not in names]


def test_no_step_leaves_a_parameter_above_its_cap():
    start = {"logit_scale": np.array(MAX_LOGIT_SCALE - 0.01)}
    down = {"logit_scale": np.array(-1.0)}
    stage = Stage("scale", lambda step, p: (0.0, [down], {}), 5, ("logit_scale",), 0.1, warmup=1, caps=CAPS)
    assert fitted(stage, start)["logit_scale"] == np.float32(MAX_LOGIT_SCALE)
    assert fitted(replace(stage, caps={}), start)["logit_scale"] > MAX_LOGIT_SCALE


def test_every_stage_with_a_scale_has_the_cap():
    for begin, stage_of in KINDS.values():
        stage = stage_of(begin(), 0, 3)
        assert dict(stage.caps) == ({"logit_scale": MAX_LOGIT_SCALE} if "logit_scale" in stage.trained else {})
    recipe = TrainConfig()
    assert clip_stage(recipe, new_clip(recipe)).caps == CAPS


def test_the_scale_of_a_run_is_capped_at_a_hundred():
    """CLIP's own number, in training as it is called: a scale that only grows stays there."""
    recipe = replace(TrainConfig(**SIZES), steps=4, batch_size=8, warmup=1, peak_lr=0.5)
    stage, start = clip_stage(recipe, new_clip(recipe)), new_clip(recipe).params

    def grows(step, params):
        return 1.0, [{"logit_scale": np.array(-1.0)}], {}

    assert np.exp(fitted(replace(stage, objective=grows, steps=9), start)["logit_scale"]) == pytest.approx(
        100, rel=1e-5
    )


def test_a_gradient_of_what_is_not_trained_is_refused():
    tree = {"x": np.ones(2), "frozen": np.ones(2)}
    stage = Stage("one", lambda step, p: (0.0, [tree], {}), 5, ("x",))
    with pytest.raises(ValueError, match="a gradient of frozen, expected only those of what is trained"):
        fit(Learner(stage, {"x": np.ones(2), "frozen": np.ones(2)}))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("where", ["loss", "gradient"])
def test_a_loss_that_is_not_finite_stops_training(bad, where):
    start = {"decoder": {"weight": np.ones((2, 2), np.float32)}, "other": {"bias": np.ones(2, np.float32)}}

    def objective(step, params):
        worse = step == 2
        leaf = np.full((2, 2), bad if worse and where == "gradient" else 0.1, np.float32)
        tree = {"decoder": {"weight": leaf}, "other": {"bias": np.ones(2, np.float32)}}
        return bad if worse and where == "loss" else 1.0, [tree], {}

    blamed = "the gradient of decoder.weight" if where == "gradient" else "the gradient's norm"
    with (
        np.errstate(all="ignore"),
        pytest.raises(TrainingDiverged, match=rf"^wild, step 2: the loss is .*({blamed}|the loss)") as caught,
    ):
        fit(Learner(Stage("wild", objective, 5, ("decoder", "other")), start))
    assert caught.value.exit_code == 5
    assert (start["decoder"]["weight"] == 1).all()


def one_number(steps=6, told=None):
    """A stage that pulls a number down."""
    params = {"x": np.array([1.0])}

    def objective(step, p):
        return float(p["x"][0]), [{"x": np.ones(1)}], told or {}

    return Stage("one", objective, steps, ("x",), 0.1, warmup=2), params


def test_rows_say_what_happened():
    stage, params = one_number(told={"words": 3.0})
    rows: list[dict] = []
    fit(Learner(stage, params), rows.append)
    assert [row["step"] for row in rows] == [1, 2, 3, 4, 5, 6]
    assert [row["learning_rate"] for row in rows] == [warmup_cosine(step, 6, 2, 0.1) for step in range(6)]
    assert all(row["gradient_norm"] == 1.0 and row["words"] == 3.0 for row in rows)
    losses = [row["loss"] for row in rows]
    assert losses == sorted(losses, reverse=True)
    assert losses[0] == 1.0


def test_the_schedule_is_the_stages_own():
    stage, params = one_number()
    rows: list[dict] = []
    fit(Learner(Stage("flat", stage.objective, 3, ("x",), 0.1, schedule=constant), params), rows.append)
    assert [row["learning_rate"] for row in rows] == [0.1] * 3


@pytest.mark.parametrize("last", range(7))
def test_it_stops_before_the_next_step_and_after_the_last(last):
    """`stopped` is asked once before each step and once at the end; what it says is what `fit` returns."""
    stage, params = one_number()
    learner, answers = Learner(stage, params), iter([0] * last + [15])
    assert fit(learner, stop_signal=lambda: next(answers)) == 15
    assert learner.steps == last
    assert next(answers, "none left") == "none left"


@pytest.mark.parametrize("k", range(1, 6))
def test_a_learner_goes_on_where_another_one_stopped(k):
    stage, params = one_number()
    whole = fitted(stage, params)
    first, second = Learner(stage, params), Learner(stage, params)
    fit(first, stop_signal=lambda: int(first.steps >= k))
    second.resume({name: vector.copy() for name, vector in first.vectors.items()}, first.steps)
    fit(second)
    assert bits(second.params) == bits(whole)


def test_one_place_makes_an_optimiser_and_steps_it():
    """AdamW is constructed once in the package, in the loop; its PyTorch namesake once, in the learner there."""
    made, stepped = [], []
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                if called.split(".")[-1] == "AdamW":
                    made.append((path.name, called))
                if called.endswith("optimizer.step"):
                    stepped.append(path.name)
    assert sorted(made) == [("learner.py", "torch.optim.AdamW"), ("loop.py", "AdamW")]
    assert sorted(stepped) == ["learner.py", "loop.py"]
