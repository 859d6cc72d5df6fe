"""How fast is it here? Medians of runs in turn, in one process, beside the machine's own matrix-product speed."""

import time

import numpy as np

from .data.captions import write_captions
from .data.drawing import draw
from .data.grammar import vocabulary
from .data.pairs import batch, normalize
from .data.tokenizer import Tokenizer
from .data.world import sample_scenes
from .memory import keep_freed_memory
from .model import Model
from .models.clip import ClipConfig, init_clip
from .nn.optim import AdamW, clip_by_global_norm, decay_mask
from .nn.tree import pack, to_vector
from .state import environment
from .step import loss_and_gradients
from .train import TrainConfig


def step_flops(config: ClipConfig, B: int) -> float:
    """Multiplications and additions of all matrix products of one training step, forward and (twice that) backward."""
    v, t, total = config.vision, config.text, 0.0
    for width, layers, tokens in ((v.width, v.layers, 1 + v.patches), (t.width, t.layers, t.context_length)):
        total += layers * tokens * (12 * width**2 + 2 * tokens * width)
        total += width * config.embed_dim
    total += v.patches * 3 * v.patch_size**2 * v.width + B * config.embed_dim
    return 6.0 * B * total


def bench(rounds: int = 15) -> dict:
    """Time the default recipe's parts, in turn, `rounds` times.

    Returns
    -------
    dict
        Median milliseconds of a training step (without drawing) and of drawing its batch, their ratio, images and
        texts encoded a second, the machine's measured matrix-product speed in GFLOP/s and the step's share of it.
    """
    keep_freed_memory()
    recipe, tokenizer = TrainConfig(), Tokenizer(vocabulary())
    config, B = recipe.model(tokenizer), recipe.batch_size
    theta, params = pack(init_clip(np.random.default_rng(0), config))
    model, optimizer = Model(config, params, tokenizer), AdamW(theta, decay_mask(params))
    pairs = batch(0, "train", np.arange(B), tokenizer)
    square = np.random.default_rng(0).standard_normal((1024, 1024)).astype(np.float32)

    def step():
        _, grads, _ = loss_and_gradients(pairs.images, pairs.tokens, params, config)
        optimizer.step(theta, clip_by_global_norm(to_vector(grads, like=params), 1.0)[0], 1e-6)

    def prepare():
        scenes = sample_scenes(0, "train", np.arange(B))
        return normalize(draw(scenes)), tokenizer.encode(write_captions(scenes))

    parts = {
        "step": step, "draw": prepare, "product": lambda: square @ square,
        "encode_image": lambda: model.encode_image(pairs.images),
        "encode_text": lambda: model.encode_text(pairs.tokens),
    }  # fmt: skip
    times: dict[str, list[float]] = {name: [] for name in parts}
    for part in parts.values():
        part()  # once, unmeasured: first calls build tables and fill caches
    for _ in range(rounds):
        for name, part in parts.items():
            start = time.perf_counter()
            part()
            times[name].append(time.perf_counter() - start)
    median = {name: float(np.median(values)) for name, values in times.items()}
    peak = 2.0 * 1024**3 / median["product"]
    return {
        "step_ms": 1e3 * median["step"],
        "draw_ms": 1e3 * median["draw"],
        "draw_vs_step": median["draw"] / median["step"],
        "images_per_second": B / median["encode_image"],
        "texts_per_second": B / median["encode_text"],
        "product_gflops": peak / 1e9,
        "step_vs_product_peak": step_flops(config, B) / median["step"] / peak,
        "batch_size": B,
        "parameters": config.parameters,
        **environment(),
    }
