"""The page in one file: its scripts, its style, the weights and the scenes that it shows.

Nothing is compiled: the scripts stand in the page as they stand in `engine/` and `view/`, each under its name.
"""

import base64
import inspect
import json
import re
from pathlib import Path
from string import Template

import numpy as np

from ..data.captions import write_descriptions
from ..data.drawing import textures
from ..data.tokenizer import SPECIALS
from ..data.world import Scenes, sample_scenes
from ..files.checkpoint import load
from ..files.storage import write_new
from ..machine.disk import new_file
from ..model import Describer
from ..models import clip, decoder, text, vision
from ..nn import blocks, decoder_blocks, layers, losses, ops, optim, read
from ..nn.tree import flatten

FOLDER = Path(__file__).parent
ENGINE = ("tensor", "nn", "blocks", "clip", "world", "words", "writer", "optim", "training", "model")
VIEWS = ("draw", "state", "editor", "matrix", "space", "inside", "find", "train", "main")
SHEET = 64  # scenes to search in


def engine_source() -> str:
    """The scripts that know no page: what the worker runs, and what the tests run."""
    return "\n".join(page_file(f"engine/{name}.js") for name in ENGINE)


def halves(values) -> str:
    """Numbers in half precision, as base64."""
    return base64.b64encode(np.asarray(values, "<f2").tobytes()).decode()


def model_data(model: Describer) -> dict:
    """What `open_model` in engine/model.js reads: the weights by name, the sizes, and the words by id."""
    named, vision, text = flatten(model.params), model.config.vision, model.config.text
    return {
        "shapes": [[name, list(leaf.shape)] for name, leaf in named.items()],
        "weights": halves(np.concatenate([np.ravel(leaf) for leaf in named.values()])),
        "config": {
            "vision": {"patch_size": vision.patch_size, "heads": vision.heads},
            "text": {"heads": text.heads, "eos_token_id": text.eos_token_id, "context_length": text.context_length},
            "decoder": {"heads": model.coca.decoder.heads},
        },
        "vocabulary": [*SPECIALS, *model.tokenizer.words],
        "words": [*SPECIALS, *model.decoder_tokenizer.words],
    }


def grain() -> np.ndarray:
    """(4, 64, 64): the textures that `data.drawing` cuts windows out of, put together again."""
    windows, last = textures(), textures().shape[1] - 1
    return np.block([[windows[:, i, j] for j in (0, last)] for i in (0, last)])


def scenes_data(scenes: Scenes) -> list[dict]:
    """Scenes as engine/world.js has them, with a description each."""
    names, descriptions = ("shape", "colour", "size", "row", "column"), write_descriptions(scenes)
    return [
        {
            "key": str(scenes.key[b]),
            "style": int(scenes.style[b]),
            "objects": [{name: int(getattr(scenes, name)[b, i]) for name in names} for i in range(scenes.count[b])],
            "description": descriptions[b],
        }
        for b in range(len(scenes))
    ]


def numpy_source() -> dict[str, str]:
    """What of NumPy's stands beside the page's own functions: the source of those that both have, by name."""
    names = set(re.findall(r"^function (\w+)", engine_source(), re.MULTILINE))
    both = {}
    for module in (ops, layers, read, blocks, vision, text, clip, losses, decoder, decoder_blocks, optim):
        for name, value in vars(module).items():
            if name in names and getattr(value, "__module__", "") == module.__name__:
                both[name] = inspect.getsource(value)
    return both


def page_file(name: str) -> str:
    """A file of the page's folder."""
    return (FOLDER / name).read_text(encoding="utf-8")


def page_html() -> str:
    """The whole page, as HTML; what NumPy says of the same weights it must say too, to 1e-5."""
    model = load("system")
    assert isinstance(model, Describer)
    data = {
        "model": model_data(model),
        "grain": halves(grain()),
        "sheet": scenes_data(sample_scenes(0, "D", np.arange(SHEET))),
        "numpy": numpy_source(),
    }
    return Template(page_file("clip.html")).substitute(
        style=page_file("style.css"),
        data=json.dumps(data, ensure_ascii=False).replace("<", "\\u003c"),  # nothing in it can end its element
        engine=engine_source(),
        worker=page_file("view/worker.js"),
        views="\n".join(f"<script>\n{page_file(f'view/{name}.js')}</script>" for name in VIEWS),
    )


def write_page(path) -> Path:
    """Write the page to a new file, which any browser opens by a double click.

    Raises
    ------
    DataError
        For a name that does not end in .html, or is taken; nothing is overwritten.
    """
    target = new_file(path, ".html")
    write_new(target, page_html().encode())
    return target
