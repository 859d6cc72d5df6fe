"""How fast is it at the size of a real CLIP? ViT-B/32 with random weights, a small batch, beside `transformers`."""

from importlib.util import find_spec

import numpy as np
from tqdm import tqdm

from ..files.hugging_face import hugging_face_config
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
BATCH = 8


def bench_clip(rounds: int = 5, config: ClipConfig = VIT_B_32, batch: int = BATCH) -> dict:
    """Time both towers forward, and forward and backward, captions as long as the context.

    Returns
    -------
    dict
        `image_...` and `text_...`: `forward_ms`, `both_ms`, and where `transformers` is here `..._vs_transformers`.
    """
    rng = np.random.default_rng(0)
    images = rng.normal(size=(batch, config.vision.image_size, config.vision.image_size, 3)).astype(np.float32)
    ids = rng.integers(config.text.eos_token_id, size=(batch, config.text.context_length))
    ids[:, -1] = config.text.eos_token_id
    upstream = rng.normal(size=(batch, config.embed_dim)).astype(np.float32)
    found = {"numpy": numpy_jobs(images, ids, upstream, config, rng)}
    if find_spec("transformers") and find_spec("torch"):
        from ..torch.measure import transformers_jobs

        found["transformers"] = transformers_jobs(images, ids, upstream, hugging_face_config(config), cores())
    result: dict = {}
    for what in tqdm(found["numpy"], disable=None):
        times = in_turn({name: jobs[what] for name, jobs in found.items()}, rounds)
        result |= times.report(what)
    return result | {"batch_size": batch, "parameters": config.parameters} | machine()


def numpy_jobs(images, ids, upstream, config: ClipConfig, rng) -> dict:
    """Four functions: each tower forward, and forward and backward, as a training step does."""
    _, params = pack(init_clip(rng, config))
    grads = {tower: pack({tower: params[tower]})[1] for tower in ("visual", "text")}
    model = Model(config, params, tokenizer=None)

    def both(side, tower):
        with cores_taken:
            ((_, caches),) = embed(side)
            write_sum(grads[tower], send_back([side], [upstream], [caches]))

    return {
        "image_forward": lambda: model.encode_image(images),
        "text_forward": lambda: model.encode_text(ids),
        "image_both": lambda: both(image_side(images, params, config), "visual"),
        "text_both": lambda: both(text_side(ids, params, config), "text"),
    }
