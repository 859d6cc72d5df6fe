"""How fast is it here? Runs taken in turn, in one process, all on the same cores; a ratio below 1 says that NumPy is
the faster. It is compared with PyTorch three ways, where that is here:

    eager, compile               the model most people would write: every token goes through every block
    twin, twin_compile           `miniclip.torch`, the same algorithm as ours
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
from ..machine.memory import keep_freed_memory, peak_memory
from ..machine.threads import cores
from ..models.clip import ClipConfig
from ..models.text import end_positions, longest
from ..nn.tree import pack
from ..train.backend import NUMPY, Backend
from ..train.clip import TrainConfig, clip_stage, log_row, new_clip
from ..train.loop import fit
from ..train.sources import World
from .timing import ROUNDS, Times, in_turn, machine, product_flops, products

# How the cost grows: one size of the default recipe is changed, the others stay.
GROWTH = {
    "batch": [{"batch_size": B} for B in (32, 64, 128, 256, 512, 1024)],
    "width": [{"vision_width": D, "text_width": D} for D in (32, 64, 128, 256)],
    "patch": [{"patch_size": P} for P in (16, 8, 4)],
}
DEVICE_BATCHES = (128, 1024, 8192, 32_768)
LR = 1e-6  # hardly a move: every step costs what the first one did


def step_flops(config: ClipConfig, B: int, words: int) -> float:
    """Multiplications and additions of all matrix products of one training step, forward and (twice that) backward.

    words: of the longest caption, its start and end included. In the last block one token asks.
    """
    v, t, total = config.vision, config.text, 0.0
    for width, layers, tokens in ((v.width, v.layers, 1 + v.patches), (t.width, t.layers, words)):
        total += (layers - 1) * tokens * (12 * width**2 + 2 * tokens * width)
        total += tokens * 2 * width**2 + 10 * width**2 + 2 * tokens * width
        total += width * config.embed_dim
    total += v.patches * 3 * v.patch_size**2 * v.width + B * config.embed_dim
    return 6.0 * B * total


def backends(*names: str) -> dict[str, Backend]:
    """Those that are here, and compile; PyTorch's on the CPU, with as many threads as cores."""
    found = {"numpy": NUMPY} if "numpy" in names else {}
    if not find_spec("torch"):
        return found
    from ..torch.measure import local_backend

    for name in names:
        if name != "numpy":
            compiled, plain = name.endswith("compile"), not name.startswith("twin")
            backend = local_backend("cpu", compile=compiled, plain=plain, threads=cores())
            if not compiled or compiles(backend):
                found[name] = backend
    return found


def compiles(backend: Backend) -> bool:
    """Whether there is a compiler here, for instance; a warning if not: the other figures are worth having."""
    try:
        start(backend, TrainConfig())[0].step(LR)
    except Exception as error:
        warnings.warn(f"torch.compile does not work here and is left out ({type(error).__name__})", stacklevel=3)
        return False
    return True


def start(backend: Backend, recipe: TrainConfig, pairs: Pairs | None = None):
    """(learner, pairs) of a recipe before its first step; all its steps are on the same pairs, by default the first."""
    model = new_clip(recipe)
    pairs = pairs or batch(recipe.seed, "train", np.arange(recipe.batch_size), model.tokenizer)

    def objective(step, params):
        return backend.objectives.contrast(pairs.images, pairs.ids, params, model.config, recipe.replay)

    stage = replace(clip_stage(recipe, model, backend), objective=objective, prepare=lambda step: None)
    return backend.learner(stage, model), pairs


def step_jobs(found: dict[str, Backend], recipe: TrainConfig) -> dict:
    """One training step, without drawing its pairs, for each backend; and the matrix products."""

    def step(backend):
        learner, _ = start(backend, recipe)
        return lambda: learner.step(LR)

    return {name: step(backend) for name, backend in found.items()} | {"product": products}


def share_of_peak(times: Times, recipe: TrainConfig) -> float:
    """The step's matrix products a second, as a share of what matrix products alone reach."""
    _, pairs = start(NUMPY, recipe)
    config = new_clip(recipe).config
    flops = step_flops(config, recipe.batch_size, longest(end_positions(pairs.ids, config.text.eos_token_id)))
    return flops / times.median("numpy") * times.median("product") / product_flops()


def bench(rounds: int = ROUNDS) -> dict:
    """Time the default recipe's step, its drawing, and encoding; with PyTorch here, against it.

    Returns
    -------
    dict
        `..._ms` milliseconds of NumPy, `..._vs_eager` and so on ratios to PyTorch (below 1: NumPy is faster), each
        with the interval it lies in; `draw_vs_step`, what drawing adds to a step; images and texts a second; megabytes
        by which a step makes the process grow; the machine's matrix-product speed in GFLOP/s and the step's share of
        it; and what it ran on.
    """
    keep_freed_memory()
    recipe = TrainConfig()
    found = backends("numpy", "eager", "compile", "twin", "twin_compile")
    steps = in_turn(step_jobs(found, recipe), rounds)
    result = steps.report("step", [name for name in found if name != "numpy"])
    result |= {"step_of_peak": share_of_peak(steps, recipe)} | encoding(found, recipe, rounds) | drawing(recipe, rounds)
    memory = {name: step_memory_of(name) for name in found if not name.endswith("compile")}
    result |= {"memory_mb": memory["numpy"] / 2**20} if memory["numpy"] else {}
    result |= {f"memory_vs_{name}": memory["numpy"] / size for name, size in memory.items() if size and name != "numpy"}
    return result | {
        "product_gflops": product_flops() / steps.median("product") / 1e9,
        "batch_size": recipe.batch_size,
        "parameters": new_clip(recipe).config.parameters,
    } | machine()  # fmt: skip


def encoding(found, recipe: TrainConfig, rounds: int) -> dict:
    """A batch of pictures, and one of captions, into embeddings."""
    model, B = new_clip(recipe), recipe.batch_size
    model = model.with_params(pack(model.params)[1])
    pairs = batch(0, "train", np.arange(B), model.tokenizer)
    jobs = {"numpy": (lambda: model.encode_image(pairs.images), lambda: model.encode_text(pairs.ids))}
    for name in ("eager", "twin"):
        if name not in found:
            continue
        from ..torch.measure import encoders

        jobs[name] = encoders(model, pairs.images, pairs.ids, plain=name == "eager")
    result: dict = {}
    for which, what in enumerate(("image", "text")):
        times = in_turn({name: both[which] for name, both in jobs.items()}, rounds)
        result |= times.report(f"encode_{what}") | {f"{what}s_per_second": B / times.median("numpy")}
    return result


def drawing(recipe: TrainConfig, rounds: int) -> dict:
    """Drawing a batch, alone; and by how much a step is longer that draws its own pairs."""
    (fixed, _), model = start(NUMPY, recipe), new_clip(recipe)
    drawn = NUMPY.learner(clip_stage(recipe, model), model)
    jobs = {
        "draw": lambda: batch(0, "train", np.arange(recipe.batch_size), model.tokenizer),
        "numpy": lambda: drawn.step(LR), "fixed": lambda: fixed.step(LR),
    }  # fmt: skip
    times = in_turn(jobs, rounds)
    return {"draw_ms": 1e3 * times.median("draw"), "draw_vs_step": float(np.median(times.ratios("fixed"))) - 1.0}


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
    found = backends("numpy", "eager")
    cases = [(axis, change) for axis, changes in GROWTH.items() for change in changes]
    result: dict = {}
    for axis, change in tqdm(cases, unit="size", disable=None):
        name = f"{axis}_{next(iter(change.values()))}"
        recipe = replace(TrainConfig(), **change)
        times = in_turn(step_jobs(found, recipe), rounds, seconds=20.0)
        others = [other for other in found if other != "numpy"]
        result |= times.report(name, others) | {f"{name}_of_peak": share_of_peak(times, recipe)}
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
                    rows.append(log_row(recipe, World(recipe.seed), row, lambda: model.with_params(learner.params)))

            begun = time.perf_counter()
            fit(learner, after_step, lambda learner=learner, stop=stop: int(learner.steps >= stop), tqdm(disable=True))
            seconds[name] += time.perf_counter() - begun
    ratio = {"training_vs_eager": seconds["numpy"] / seconds["eager"]} if "eager" in seconds else {}
    return {"training_s": seconds["numpy"]} | ratio | machine()


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

        seconds = in_turn({case: step}, rounds).median(case)
        result |= {f"{case}_ms": 1e3 * seconds, f"{case}_pairs_per_second": B / seconds}
        if learner.place.device.type == "cuda":
            result[f"{case}_memory_mb"] = peak_device_memory(step) / 2**20
    return result | machine()


if __name__ == "__main__":
    print(step_memory(sys.argv[1]))
