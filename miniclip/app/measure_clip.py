"""How fast is it at the size of a real CLIP? ViT-B/32 with random weights, beside `transformers`."""

from importlib.util import find_spec

import numpy as np
from tqdm import tqdm

from ..files.hugging_face import hugging_face_config
from ..machine.memory import peak_memory
from ..machine.threads import cores, cores_taken
from ..model import Model
from ..models.clip import ClipConfig, init_clip
from ..models.text import TextConfig
from ..models.vision import VisionConfig
from ..nn.tree import pack, write_sum
from ..train.step import embed, image_side, send_back, text_side
from .timing import in_turn, machine

# openai/clip-vit-base-patch32, config.json; the end token is the last of the vocabulary.
VIT_B_32 = ClipConfig(
    VisionConfig(image_size=224, patch_size=32, width=768, layers=12, heads=12),
    TextConfig(vocab_size=49_408, context_length=77, width=512, layers=12, heads=8, eos_token_id=49_407),
    embed_dim=512,
)
BATCHES = (1, 16)


def bench_clip(rounds: int = 5, config: ClipConfig = VIT_B_32, batches: tuple[int, ...] = BATCHES) -> dict:
    """Time both towers forward, and forward and backward, captions as long as the context.

    Returns
    -------
    dict
        For each batch size B, `image_B_...` and `text_B_...`: `forward_ms`, `both_ms`, and `..._vs_transformers` where
        that is here; and of the last image forward `memory_mb`, by how much the process grows.
    """
    rng = np.random.default_rng(0)
    makers = {"numpy": numpy_jobs(config, rng)}
    if find_spec("transformers") and find_spec("torch"):
        from ..torch.measure import transformers_jobs

        makers["transformers"] = transformers_jobs(hugging_face_config(config), cores())
    result: dict = {}
    most, inputs = batches[-1], some_inputs(config, batches[-1], rng)
    found = {name: jobs(*inputs) for name, jobs in makers.items()}  # first: a process that has grown grows no more
    sizes = {name: peak_memory(jobs["image_forward"]) for name, jobs in found.items()}
    if all(sizes.values()):
        result |= {f"image_{most}_memory_mb": sizes["numpy"] / 2**20}
        result |= {f"image_{most}_memory_vs_{name}": sizes["numpy"] / size for name, size in sizes.items()
                   if name != "numpy"}  # fmt: skip
    for batch in batches:
        inputs = some_inputs(config, batch, rng)
        found = {name: jobs(*inputs) for name, jobs in makers.items()}
        for what in tqdm(found["numpy"], desc=f"batches of {batch}", disable=None):
            times = in_turn({name: jobs[what] for name, jobs in found.items()}, rounds)
            result |= times.report(what.replace("_", f"_{batch}_"))
    return result | {"parameters": config.parameters} | machine()


def some_inputs(config: ClipConfig, batch: int, rng):
    """images, ids, and what comes back from the loss, for embeddings of either."""
    side, length = config.vision.image_size, config.text.context_length
    images = rng.normal(size=(batch, side, side, 3)).astype(np.float32)
    ids = rng.integers(config.text.eos_token_id, size=(batch, length))
    ids[:, -1] = config.text.eos_token_id
    return images, ids, rng.normal(size=(batch, config.embed_dim)).astype(np.float32)


def numpy_jobs(config: ClipConfig, rng):
    """What makes of images, ids and upstream gradients four functions: each tower forward, and with its backward."""
    _, params = pack(init_clip(rng, config))
    grads = {tower: pack({tower: params[tower]})[1] for tower in ("visual", "text")}
    model = Model(config, params, tokenizer=None)

    def both(side, tower, upstream):
        with cores_taken:
            ((_, caches),) = embed(side)
            write_sum(grads[tower], send_back([side], [upstream], [caches]))

    return lambda images, ids, upstream: {
        "image_forward": lambda: model.encode_image(images),
        "text_forward": lambda: model.encode_text(ids),
        "image_both": lambda: both(image_side(images, params, config), "visual", upstream),
        "text_both": lambda: both(text_side(ids, params, config), "text", upstream),
    }
