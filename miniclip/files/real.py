"""Folders with a CLIP that others trained: transformers' layout, or open_clip's, and the cache they are downloaded to.

There is no manifest in them. Tensors are mapped into memory, and pickles are never opened.
"""

import os
import re
import warnings
from pathlib import Path

from ..errors import CheckpointError, quote
from ..model import Model
from ..models.checks import HIGHEST_ID
from .hugging_face import (
    config_from_hugging_face,
    config_from_open_clip,
    preprocessing_from_hugging_face,
    preprocessing_from_open_clip,
)
from .names import from_dialect
from .state import RECIPE
from .storage import MANIFEST, parse_json, read_bytes
from .tensors import check_size, digest_of_files, map_tensors, weight_files
from .words import read_tokenizer

CONFIG, WEIGHTS, PREPROCESSOR = "config.json", "model.safetensors", "preprocessor_config.json"
OPEN_CLIP_CONFIG, OPEN_CLIP_WEIGHTS = "open_clip_config.json", "open_clip_model.safetensors"
PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
NEEDED = "config.json model.safetensors preprocessor_config.json vocab.json merges.txt"


def cache_folder() -> Path:
    """Where Hugging Face's tools keep what they downloaded."""
    here = os.environ
    if found := here.get("HF_HUB_CACHE") or here.get("HUGGINGFACE_HUB_CACHE"):
        return Path(found)
    home = here.get("HF_HOME") or Path(here.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "huggingface"
    return Path(home) / "hub"


def is_repository(name) -> bool:
    """Is it written as the name of a repository, OWNER/NAME? So are many folders."""
    return isinstance(name, str) and re.fullmatch(r"\w[\w.-]*/\w[\w.-]*", name, re.ASCII) is not None


def cached(name: str) -> Path | None:
    """The newest downloaded state of a repository, or None."""
    folder = cache_folder() / f"models--{name.replace('/', '--')}"
    try:
        revision = (folder / "refs" / "main").read_text().strip()
    except (OSError, ValueError):
        return None
    found = folder / "snapshots" / revision
    return found if re.fullmatch(r"\w+", revision) and found.is_dir() else None


def how_to_fetch(name: str) -> str:
    """What is said where a repository is neither a folder nor in the cache."""
    return (
        f"{quote(name)} is no folder here, and not in the Hugging Face cache {cache_folder()}: where there is network, "
        f"`pip install huggingface_hub && hf download {name} {NEEDED}`"
    )


def is_real(folder: Path) -> bool:
    """Does it hold a CLIP that others wrote? They have no manifest; a run that has lost its own is none of theirs."""
    ours = any(os.path.exists(folder / name) for name in (MANIFEST, RECIPE))
    return not ours and any(os.path.exists(folder / name) for name in (CONFIG, OPEN_CLIP_CONFIG))


def load_real(folder: Path) -> Model:
    """The CLIP in a folder that others wrote."""
    if (folder / CONFIG).exists():
        name, read_config, read_preprocessing = CONFIG, config_from_hugging_face, preprocessing_from_hugging_face
        about = PREPROCESSOR
    else:
        name, read_config, read_preprocessing = OPEN_CLIP_CONFIG, config_from_open_clip, preprocessing_from_open_clip
        about = name
    config = read_config(parse_json(read_bytes(folder / name), folder / name))
    if config.text.eos_token_id == HIGHEST_ID:
        warnings.warn("config.json is of the old kind: captions are read at their highest token id", stacklevel=3)
    path = folder / about
    said = parse_json(read_bytes(path), path) if path.exists() else {}
    preprocessing = read_preprocessing(said, config.vision.image_size)
    files = weight_files(folder, weights_name(folder))
    named = {key: leaf for file in files for key, leaf in map_tensors(file).items()}
    check_size(named, config, files[0], name)
    params = from_dialect(named, config)
    return Model(config, params, read_tokenizer(folder, config.text), digest_of_files(files), preprocessing)


def weights_name(folder: Path) -> str:
    """The weights' file, or a CheckpointError that says how to get one from a pickle."""
    for name in (WEIGHTS, OPEN_CLIP_WEIGHTS):
        if (folder / name).exists() or (folder / f"{name}.index.json").exists():
            return name
    pickles = sorted(path.name for path in folder.iterdir() if path.suffix in PICKLES)
    if pickles:
        there = f"'{folder}'"
        convert = f"from transformers import CLIPModel; CLIPModel.from_pretrained({there}).save_pretrained({there})"
        raise CheckpointError(
            f"{quote(folder)} has its weights only as a pickle ({quote(pickles[0])}), which may run code and is never "
            f'opened: where PyTorch is, `python -c "{convert}"` writes {WEIGHTS}'
        )
    raise CheckpointError(
        f"{quote(folder)} lacks {WEIGHTS}, expected it beside {CONFIG}: fetch it, or where the repository has none, "
        "pytorch_model.bin"
    )
