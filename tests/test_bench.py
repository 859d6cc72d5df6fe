"""The benchmark measures what it says. No test here depends on how fast anything is."""

import json
import subprocess
import sys

import numpy as np
import pytest
from test_train import RECIPE

from miniclip.app import cli, measure
from miniclip.app.commands import bench
from miniclip.models.clip import ClipConfig
from miniclip.models.text import TextConfig
from miniclip.models.vision import VisionConfig


@pytest.fixture
def small(monkeypatch):
    """A tiny recipe, and no compiler."""
    monkeypatch.setattr(measure, "TrainConfig", lambda: RECIPE)
    real = measure.backends
    monkeypatch.setattr(measure, "backends", lambda *names: real(*(name for name in names if name != "compile")))
    monkeypatch.setattr(measure, "step_memory_of", {"numpy": 2**20, "eager": 2**21}.get)


def test_flops_counted_by_hand():
    """One layer, width 4, 2 x 2 patches of 2 x 2 pixels: every product written out."""
    config = ClipConfig(VisionConfig(4, 2, 4, 1, 2), TextConfig(11, 3, 4, 1, 2), embed_dim=8)

    def block(tokens, D):
        projections = tokens * (3 * D * D + D * D + 4 * D * D + 4 * D * D)
        return projections + 2 * tokens * tokens * D  # scores, and the mixture of the values

    image = 4 * (2 * 2 * 3) * 4 + block(5, 4) + 4 * 8
    text = block(3, 4) + 4 * 8
    B = 6
    forward = 2 * B * (image + text) + 2 * B * B * 8
    assert measure.step_flops(config, B) == 3 * forward


def test_jobs_are_timed_in_turn(monkeypatch):
    calls, clock = [], iter(np.cumsum([0, 1, 0, 10, 0, 2, 0, 30, 0, 9, 0, 20]).astype(float))
    monkeypatch.setattr(measure.time, "perf_counter", lambda: next(clock))
    jobs = {name: lambda name=name: calls.append(name) for name in "ab"}
    assert measure.in_turn(jobs, 3) == {"a": 2.0, "b": 20.0}
    assert calls == [*"ab", *"aabb" * 3]


def test_a_ratio_below_one_says_that_numpy_is_faster():
    found = measure.ratios("step", {"numpy": 0.02, "eager": 0.04, "compile": 0.01, "product": 1.0})
    assert found == {"step_ms": 20.0, "step_vs_eager": 0.5, "step_vs_compile": 2.0}


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


@pytest.mark.parametrize("name", ["numpy", "eager"])
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
    assert result["step_of_peak"] > 0
    assert result["memory_mb"] == 1.0
    assert result["torch"]
    assert len([line for line in bench.text(result).splitlines() if line.startswith("|")]) == 2 + 8
    json.dumps(result, allow_nan=False)


def test_without_pytorch_numpy_is_measured_alone(small, monkeypatch, capsys):
    monkeypatch.setattr(measure, "find_spec", lambda name: None)
    assert cli.main(["bench", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert not [key for key in result if "_vs_eager" in key or "_vs_compile" in key or "torch" in key]
    assert {"step_ms", "encode_image_ms", "draw_vs_step", "step_of_peak", "cores"} <= result.keys()
    assert cli.main(["bench"]) == 0
    assert "| step |" in capsys.readouterr().out


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
