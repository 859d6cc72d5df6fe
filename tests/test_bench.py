"""The benchmark measures what it says. No test here depends on how fast anything is."""

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from test_train import RECIPE

from miniclip.app import cli, measure, measure_clip, measure_index, timing
from miniclip.app.commands import bench
from miniclip.models.clip import ClipConfig
from miniclip.models.text import TextConfig
from miniclip.models.vision import VisionConfig


@pytest.fixture
def small(monkeypatch):
    """A tiny recipe, few rounds, and no compiler."""
    monkeypatch.setattr(measure, "TrainConfig", lambda: RECIPE)
    monkeypatch.setattr(timing, "WITHIN", np.inf)
    real = measure.backends
    monkeypatch.setattr(
        measure, "backends", lambda *names: real(*(name for name in names if not name.endswith("compile")))
    )
    monkeypatch.setattr(measure, "step_memory_of", {"numpy": 2**20, "eager": 2**21, "twin": 2**21}.get)


def test_flops_counted_by_hand():
    """Two layers, width 4, 2 x 2 patches of 2 x 2 pixels: every product written out."""
    config = ClipConfig(VisionConfig(4, 2, 4, 2, 2), TextConfig(11, 3, 4, 2, 2), embed_dim=8)

    def block(tokens, D, asking):
        projections = tokens * 2 * D * D + asking * (D * D + D * D + 4 * D * D + 4 * D * D)  # keys, values; the rest
        return projections + 2 * asking * tokens * D  # scores, and the mixture of the values

    image = 4 * (2 * 2 * 3) * 4 + block(5, 4, 5) + block(5, 4, 1) + 4 * 8
    text = block(3, 4, 3) + block(3, 4, 1) + 4 * 8
    B = 6
    forward = 2 * B * (image + text) + 2 * B * B * 8
    assert measure.step_flops(config, B, 3) == 3 * forward


def ticking(monkeypatch, *seconds):
    """A clock that gives each timed run in turn so many seconds, and is asked once before all."""
    clock = iter(np.cumsum([0, *(tick for second in seconds for tick in (0, second))]).astype(float))
    monkeypatch.setattr(timing.time, "perf_counter", lambda: next(clock))


def test_jobs_are_timed_in_turn(monkeypatch):
    calls = []
    ticking(monkeypatch, 1, 10, 2, 30, 9, 20)
    times = timing.in_turn({name: lambda name=name: calls.append(name) for name in "ab"}, 3)
    assert (times.median("a"), times.median("b")) == (2.0, 20.0)
    assert calls == [*"ab", *"aabb" * 3]


def test_rounds_go_on_until_the_ratio_is_known(monkeypatch):
    """Seven rounds far apart, then equal ones: no stop before the order statistics around the middle agree."""
    clock, calls = [0.0], []

    def ours():
        calls.append(1)
        clock[0] += 1.0 + 0.3 * len(calls) if len(calls) <= 14 else 2.0

    def theirs():
        clock[0] += 1.0

    monkeypatch.setattr(timing.time, "perf_counter", lambda: clock[0])
    times = timing.in_turn({"numpy": ours, "eager": theirs}, 5, seconds=1e9)
    low, high = times.interval("eager")
    assert 15 < len(times.seconds["numpy"]) < 100
    assert low <= 2.0 <= high < low + 2.0 * timing.WITHIN
    assert len(timing.in_turn({"numpy": ours, "eager": theirs}, 5, seconds=0.0).seconds["numpy"]) == 5


def test_the_interval_holds_the_middle_in_nineteen_of_twenty():
    rng, hits = np.random.default_rng(0), 0
    for _ in range(400):
        ratios = np.exp(0.1 * rng.standard_normal(40))
        low, high = timing.Times({"numpy": list(ratios), "eager": [1.0] * 40}).interval("eager")
        hits += low <= 1.0 <= high
    assert 0.92 < hits / 400 <= 0.99


def test_a_ratio_below_one_says_that_numpy_is_faster():
    times = timing.Times({"numpy": [0.02], "eager": [0.04], "product": [1.0]})
    found = times.report("step", ["eager"])
    assert found == {"step_ms": 20.0, "step_vs_eager": 0.5, "step_vs_eager_interval": [0.5, 0.5]}


def test_peak_memory_is_that_of_the_function():
    """In a process of its own: this one may hold freed memory that it takes first."""
    code = """
import numpy as np
from miniclip.machine.memory import peak_memory
print(peak_memory(lambda: None), peak_memory(lambda: np.ones(64 * 2**20, np.uint8)))
"""
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    nothing, found = map(int, answer.split())
    assert found == 0 or 60 * 2**20 < found < 80 * 2**20
    assert nothing < 4 * 2**20


@pytest.mark.parametrize("name", ["numpy", "eager", "twin"])
def test_the_memory_of_a_step_is_measured_in_a_process_of_its_own(name):
    """The caches of the default step alone are tens of megabytes; what the libraries took before does not count."""
    if not (found := measure.step_memory_of(name)):
        pytest.skip("this system does not say how large a process was")
    assert 20 * 2**20 < found < 500 * 2**20


def test_everything_is_measured(small, monkeypatch):
    monkeypatch.setattr(measure, "GROWTH", {"batch": [{"batch_size": 4}], "patch": [{"patch_size": 16}]})
    result = measure.bench(1) | measure.growth(1) | measure.whole_run(RECIPE)
    for what in ("step", "encode_image", "encode_text", "memory", "batch_4", "patch_16", "training"):
        assert result[f"{what}_vs_eager"] > 0, what
    assert all(result[f"{what}_vs_twin"] > 0 for what in ("step", "encode_image", "encode_text", "memory"))
    assert result["step_of_peak"] > 0
    assert result["draw_vs_step"] > -1
    assert result["memory_mb"] == 1.0
    assert all(result[what] for what in ("cpu", "blas", "torch"))
    table = [line for line in bench.text(result).splitlines() if line.startswith("|")]
    assert len(table) == 2 + 8
    assert len({line.count("|") for line in table}) == 1
    json.dumps(result, allow_nan=False)


def test_the_plain_model_gives_what_the_short_cuts_give(small):
    """Both are the same CLIP: one step of each, to the same loss and gradients."""
    recipe = replace(RECIPE, batch_size=16)
    rows = [measure.start(backend, recipe)[0].step(1e-3) for backend in measure.backends("eager", "twin").values()]
    assert rows[0] == pytest.approx(rows[1], rel=1e-4)


def test_a_real_clip_is_measured_beside_transformers(small):
    """At a size that is quickly done; the towers of both have the same parameters."""
    config = ClipConfig(VisionConfig(16, 8, 8, 2, 2), TextConfig(50, 9, 8, 2, 2, eos_token_id=49), 8)
    result = measure_clip.bench_clip(1, config, (1, 3))
    names = [
        f"{tower}_{batch}_{what}" for tower in ("image", "text") for batch in (1, 3) for what in ("forward", "both")
    ]
    for what in names:
        assert result[f"{what}_ms"] > 0
        assert result[f"{what}_vs_transformers"] > 0
    rows = [line for line in bench.text(result).splitlines() if line.startswith("|")]
    assert len(rows) == 2 + 8 + sum("memory_mb" in key for key in result)
    assert measure_clip.VIT_B_32.parameters == 151_277_313  # as openai/clip-vit-base-patch32


def test_without_pytorch_numpy_is_measured_alone(small, monkeypatch, capsys):
    monkeypatch.setattr(measure, "find_spec", lambda name: None)
    monkeypatch.setattr(timing, "find_spec", lambda name: None)
    assert cli.main(["bench", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert not [key for key in result if "_vs_eager" in key or "_vs_compile" in key or "torch" in key]
    assert {"step_ms", "encode_image_ms", "draw_vs_step", "step_of_peak", "cores"} <= result.keys()
    assert cli.main(["bench"]) == 0
    assert "| step |" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["--full", "--clip"], ["index", "--clip"], ["index", "--full", "--device", "cuda"]])
def test_one_benchmark_at_a_time(capsys, words):
    assert cli.main(["bench", *words]) == 3
    assert "give one of them" in capsys.readouterr().err


KINDS = ["exact", "our ivf", "faiss hnsw", "faiss ivf"]


def test_searches_are_measured(small, monkeypatch, capsys):
    """At sizes that are quickly done: what is found of what there is, and how long it takes."""
    monkeypatch.setattr(measure_index, "SIZES", (300, 2000))
    monkeypatch.setattr(measure_index, "WIDTH", 32)
    assert cli.main(["bench", "index", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    rows = result["indexes"]
    assert [(row["vectors"], row["kind"]) for row in rows] == [(n, kind) for n in (300, 2000) for kind in KINDS]
    for row in rows:
        assert row.keys() == {"vectors", "kind", "recall", "one_ms", "batch_ms", "build_s", "effort"}
        assert row["recall"] >= (1.0 if row["kind"] == "exact" else 0.95)
        assert min(row["one_ms"], row["batch_ms"]) > 0
    assert result["cpu"]
    table = bench.text(result).splitlines()
    assert len({line.count("|") for line in table if line}) == 2
    assert "| 2,000 | faiss hnsw | " in bench.text(result)


def test_a_million_vectors_are_for_full(monkeypatch):
    asked = []
    monkeypatch.setattr(measure_index, "bench_index", lambda sizes: asked.append(sizes) or {})
    assert [cli.main(["bench", "index", *more]) for more in ([], ["--full"])] == [0, 0]
    assert asked == [(10_000, 100_000), (10_000, 100_000, 1_000_000)]


def test_without_faiss_our_own_is_measured(small, monkeypatch):
    monkeypatch.setattr(measure_index, "find_spec", lambda name: None)
    monkeypatch.setattr(measure_index, "WIDTH", 16)
    with pytest.warns(UserWarning, match="faiss is not installed, and left out"):
        result = measure_index.bench_index((200,), 1)
    assert [row["kind"] for row in result["indexes"]] == KINDS[:2]


def test_vectors_of_the_benchmark_lie_in_groups():
    """A query's nearest are of its own group, and not far from as many as there are in one."""
    vectors, queries = measure_index.grouped(5000, np.random.default_rng(0))
    assert vectors.shape == (5000, 512)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    cosines = np.sort(queries @ vectors.T)[:, ::-1]
    assert (cosines[:, 10] > 0.15).all()
    assert (cosines[:, 300] < 0.15).all()


def test_an_accelerator_that_is_not_here_is_refused(capsys, monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert cli.main(["bench", "--device", "cuda"]) == 3
    assert "the device is 'cuda', expected one of this machine's" in capsys.readouterr().err


def test_the_device_benchmark_runs_on_what_is_here(small, monkeypatch):
    """Its cases, on the CPU and uncompiled."""
    monkeypatch.setattr(measure, "DEVICE_BATCHES", (4,))
    import miniclip.torch.measure as torch_measure

    real = torch_measure.local_backend
    monkeypatch.setattr(torch_measure, "local_backend", lambda name, precision, compiled: real(name, precision))
    result = measure.device("cpu", rounds=1)
    assert {f"{precision}_{how}_4_pairs_per_second" for precision in ("fp32", "bf16") for how in ("eager", "compile")
            } < result.keys()  # fmt: skip
