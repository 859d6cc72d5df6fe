"""How fast is it here? Medians of runs taken in turn, in one process, all on the same cores; ratios below 1 say that
NumPy is the faster. Without PyTorch only NumPy's own figures are taken.
"""

import subprocess
import sys
import time
import warnings
from dataclasses import replace
from importlib.util import find_spec

import numpy as np
from tqdm import tqdm

from ..data.pairs import Pairs, batch
from ..files.state import environment
from ..machine.memory import keep_freed_memory, peak_memory
from ..machine.threads import cores, in_parallel
from ..models.clip import ClipConfig
from ..nn.tree import pack
from ..train.backend import NUMPY, Backend
from ..train.clip import TrainConfig, clip_stage, log_row, new_clip
from ..train.loop import fit

# How the cost grows: one size of the default recipe is changed, the others stay.
GROWTH = {
    "batch": [{"batch_size": B} for B in (32, 64, 128, 256, 512, 1024)],
    "width": [{"vision_width": D, "text_width": D} for D in (32, 64, 128, 256)],
    "patch": [{"patch_size": P} for P in (16, 8, 4)],
}
DEVICE_BATCHES = (128, 1024, 8192, 32_768)
LR = 1e-6  # hardly a move: every step costs what the first one did


def step_flops(config: ClipConfig, B: int) -> float:
    """Multiplications and additions of all matrix products of one training step, forward and (twice that) backward."""
    v, t, total = config.vision, config.text, 0.0
    for width, layers, tokens in ((v.width, v.layers, 1 + v.patches), (t.width, t.layers, t.context_length)):
        total += layers * tokens * (12 * width**2 + 2 * tokens * width)
        total += width * config.embed_dim
    total += v.patches * 3 * v.patch_size**2 * v.width + B * config.embed_dim
    return 6.0 * B * total


def backends(*names: str) -> dict[str, Backend]:
    """Those of "numpy", "eager" and "compile" that are here; PyTorch's on the CPU, with as many threads as cores."""
    found = {"numpy": NUMPY} if "numpy" in names else {}
    if find_spec("torch"):
        from ..torch.measure import local_backend

        found |= {name: local_backend("cpu", compile=name == "compile", threads=cores())
                  for name in names if name != "numpy"}  # fmt: skip
    return found


def start(backend: Backend, recipe: TrainConfig, pairs: Pairs | None = None):
    """(learner, pairs) of a recipe before its first step; all its steps are on the same pairs, by default the first."""
    model = new_clip(recipe)
    pairs = pairs or batch(recipe.seed, "train", np.arange(recipe.batch_size), model.tokenizer)

    def objective(step, params):
        return backend.objectives.contrast(pairs.images, pairs.ids, params, model.config, recipe.replay)

    return backend.learner(replace(clip_stage(recipe, model, backend), objective=objective), model), pairs


def in_turn(jobs: dict, rounds: int) -> dict:
    """Median seconds of each job. Every round does all of them, so a busy moment of the machine meets all alike."""
    times: dict = {name: [] for name in jobs}
    for job in jobs.values():
        job()  # unmeasured: the first call builds tables and compiles
    for _ in range(rounds):
        for name, job in jobs.items():
            job()  # unmeasured: the threads of the job before it may still spin on these cores
            begun = time.perf_counter()
            job()
            times[name].append(time.perf_counter() - begun)
    return {name: float(np.median(values)) for name, values in times.items()}


def products() -> None:
    """One matrix product on each core: what the machine can do at best."""
    square = np.ones((1024, 1024), np.float32)
    list(in_parallel([lambda: square @ square] * cores()))


def product_flops() -> float:
    """Multiplications and additions of `products`."""
    return 2.0 * 1024**3 * cores()


def step_jobs(found: dict[str, Backend], recipe: TrainConfig) -> dict:
    """One training step, without drawing its pairs, for each backend; and the matrix products."""

    def step(backend):
        learner, _ = start(backend, recipe)
        return lambda: learner.step(LR)

    return {name: step(backend) for name, backend in found.items()} | {"product": products}


def ratios(what: str, seconds: dict) -> dict[str, float]:
    """what_ms of NumPy, and what_vs_ each of the others."""
    ours = seconds["numpy"]
    others = {f"{what}_vs_{name}": ours / theirs for name, theirs in seconds.items() if name in ("eager", "compile")}
    return {f"{what}_ms": 1e3 * ours, **others}


def share_of_peak(seconds: dict, recipe: TrainConfig) -> float:
    """The step's matrix products a second, as a share of what matrix products alone reach."""
    config = new_clip(recipe).config
    return step_flops(config, recipe.batch_size) / seconds["numpy"] * seconds["product"] / product_flops()


def bench(rounds: int = 15) -> dict:
    """Time the default recipe's step, its drawing, and encoding; with PyTorch here, against it.

    Returns
    -------
    dict
        `..._ms` milliseconds of NumPy, `..._vs_eager` and `..._vs_compile` ratios to PyTorch (below 1: NumPy is
        faster), `draw_vs_step`, images and texts a second, megabytes by which a step makes the process grow, the
        machine's matrix-product speed in GFLOP/s and the step's share of it, and what it ran on.
    """
    keep_freed_memory()
    recipe = TrainConfig()
    found = backends("numpy", "eager", "compile")
    if "compile" in found:
        try:
            start(found["compile"], recipe)[0].step(LR)
        except Exception as error:  # no compiler here, for instance: the other figures are worth having
            warnings.warn(f"torch.compile does not work here and is left out ({type(error).__name__})", stacklevel=2)
            del found["compile"]
    steps = in_turn(step_jobs(found, recipe), rounds)
    result = ratios("step", steps) | {"step_of_peak": share_of_peak(steps, recipe)}
    model, B = new_clip(recipe), recipe.batch_size
    model = model.with_params(pack(model.params)[1])
    pairs = batch(0, "train", np.arange(B), model.tokenizer)
    jobs = {
        ("encode_image", "numpy"): lambda: model.encode_image(pairs.images),
        ("encode_text", "numpy"): lambda: model.encode_text(pairs.ids),
        ("draw", "numpy"): lambda: batch(0, "train", np.arange(B), model.tokenizer),
    }
    if "eager" in found:
        from ..torch.measure import encoders

        jobs["encode_image", "eager"], jobs["encode_text", "eager"] = encoders(model, pairs.images, pairs.ids)
    times = in_turn(jobs, rounds)
    for what in ("encode_image", "encode_text", "draw"):
        result |= ratios(what, {name: seconds for (job, name), seconds in times.items() if job == what})
    result["draw_vs_step"] = result["draw_ms"] / result["step_ms"]
    memory = {name: step_memory_of(name) for name in found if name != "compile"}
    result |= {"memory_mb": memory["numpy"] / 2**20} if memory["numpy"] else {}
    result |= {"memory_vs_eager": memory["numpy"] / memory["eager"]} if memory.get("eager") else {}
    return result | {
        "images_per_second": B / times["encode_image", "numpy"],
        "texts_per_second": B / times["encode_text", "numpy"],
        "product_gflops": product_flops() / steps["product"] / 1e9,
        "batch_size": B,
        "parameters": model.config.parameters,
    } | machine()  # fmt: skip


def machine() -> dict[str, str]:
    """What the figures hold for."""
    here = environment() | {"cores": str(cores())}
    if find_spec("torch"):
        from ..torch.measure import versions

        here |= versions()
    return here


def step_memory_of(name: str) -> int:
    """Bytes by which one step makes a process grow, in a process of its own: this one has grown already."""
    command = [sys.executable, "-m", "miniclip.app.measure", name]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def step_memory(name: str) -> int:
    """The same, in this process; a tiny step goes first, for whatever is loaded only when it is needed."""
    keep_freed_memory()
    (backend,) = backends(name).values()
    learner, pairs = start(backend, TrainConfig())
    few = Pairs(pairs.scenes[:2], pairs.texts[:2], pairs.images[:2], pairs.ids[:2])
    start(backend, TrainConfig(), few)[0].step(LR)
    return peak_memory(lambda: learner.step(LR))


def growth(rounds: int = 5) -> dict:
    """How a step's cost grows with the batch, the width of both towers, and the number of patches.

    Returns
    -------
    dict
        For each size, such as `batch_64`: `_ms`, `_vs_eager`, and `_of_peak`, the share of the matrix-product speed.
    """
    keep_freed_memory()
    cases = [(axis, change) for axis, changes in GROWTH.items() for change in changes]
    result: dict = {}
    for axis, change in tqdm(cases, unit="size", disable=None):
        name = f"{axis}_{next(iter(change.values()))}"
        recipe = replace(TrainConfig(), **change)
        seconds = in_turn(step_jobs(backends("numpy", "eager"), recipe), rounds)
        result |= ratios(name, seconds) | {f"{name}_of_peak": share_of_peak(seconds, recipe)}
    return result | machine()


def whole_run(recipe: TrainConfig | None = None) -> dict:
    """Train a recipe with NumPy and with PyTorch, a hundred steps each in turn: drawing, log and scores included.

    Returns
    -------
    dict
        `training_s`, the seconds that NumPy took, and `training_vs_eager`.
    """
    keep_freed_memory()
    recipe, seconds, learners, rows = recipe or TrainConfig(), {}, {}, []
    for name, backend in backends("numpy", "eager").items():
        model = new_clip(recipe)
        learners[name], seconds[name] = (backend.learner(clip_stage(recipe, model, backend), model), model), 0.0
    for stop in tqdm(range(100, recipe.steps + 100, 100), unit="steps", unit_scale=100, disable=None):
        for name, (learner, model) in learners.items():

            def after_step(row, learner=learner, model=model):
                if learner.steps == recipe.steps or learner.steps % recipe.log_every == 0:
                    rows.append(log_row(recipe, row, lambda: model.with_params(learner.params)))

            begun = time.perf_counter()
            fit(learner, after_step, lambda learner=learner, stop=stop: int(learner.steps >= stop), tqdm(disable=True))
            seconds[name] += time.perf_counter() - begun
    run = ratios("training", seconds)
    return {"training_s": run.pop("training_ms") / 1e3, **run} | machine()


def device(name: str, rounds: int = 5) -> dict:
    """PyTorch on an accelerator: steps of the default model at growing batches, in both precisions, compiled or not.

    Returns
    -------
    dict
        For each case, such as `bf16_compile_8192`: `_ms`, `_pairs_per_second`, and on CUDA `_memory_mb`.
    """
    from ..torch.measure import device_name, local_backend, peak_device_memory

    result: dict = {"device": device_name(name)}
    cases = [(precision, compiled, B) for B in DEVICE_BATCHES for precision in ("fp32", "bf16")
             for compiled in (False, True)]  # fmt: skip
    for precision, compiled, B in tqdm(cases, unit="case", disable=None):
        case = f"{precision}_{'compile' if compiled else 'eager'}_{B}"
        learner, _ = start(local_backend(name, precision, compiled), replace(TrainConfig(), batch_size=B))

        def step(learner=learner):
            learner.step(LR)

        seconds = in_turn({case: step}, rounds)[case]
        result |= {f"{case}_ms": 1e3 * seconds, f"{case}_pairs_per_second": B / seconds}
        if learner.place.device.type == "cuda":
            result[f"{case}_memory_mb"] = peak_device_memory(step) / 2**20
    return result | machine()


if __name__ == "__main__":
    print(step_memory(sys.argv[1]))
