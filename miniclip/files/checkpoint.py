"""A run is a folder, in the Hugging Face CLIP layout where it is a CLIP.

config.json               both towers' sizes, as transformers.CLIPConfig
model.safetensors         the weights, under transformers' names: CLIPModel.from_pretrained(folder) opens it
tokenizer.json            words and ids, as the tokenizers library writes them
preprocessor_config.json  picture size, mean and deviation
decoder.json              if it describes: the decoder's sizes
decoder.safetensors       its weights, under our names
words.json                its words and ids, as the tokenizers library writes them
manifest.json             SHA-256 of all files, checked before anything is parsed

A language model, a bridged model and a matcher are no CLIPs. They have model.json (the kind, and all sizes),
weights.safetensors and words.json instead. What a run resumes from is in `files.state`.
"""

import os
from collections.abc import Callable
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np

from ..errors import CheckpointError, ConfigError, WeightsError, one_line, quote
from ..machine.disk import as_folder
from ..model import BridgedModel, Describer, Handle, LanguageModel, Matcher, Model
from ..models.bridge import BridgedConfig, init_bridged
from ..models.coca import CocaConfig
from ..models.decoder import DecoderConfig, init_decoder
from ..models.fusion import init_fusion
from ..nn.tree import flatten, pack, unflatten
from .hugging_face import (
    config_from_hugging_face,
    hugging_face_config,
    preprocessing_from_hugging_face,
    preprocessor_config,
)
from .names import from_dialect, to_dialect
from .real import CONFIG, PREPROCESSOR, WEIGHTS, cached, how_to_fetch, is_real, is_repository, load_real
from .state import TRAINING
from .storage import MANIFEST, check_folder, commit, digest, encode_json, parse_json, read_manifest, read_verified
from .tensors import check_size, encode_tensors, parse_tensors
from .words import JSON as TOKENIZER
from .words import NoWords, load_tokenizer

PRETRAINED = Path(__file__).parents[1] / "pretrained"
SYSTEM = PRETRAINED / "system"  # the one that also describes and answers
BRIDGE = PRETRAINED / "bridge"  # from a tower to a language model: see `labs.bridges`
SHIPPED = {"default": PRETRAINED, "system": SYSTEM, "bridge": BRIDGE}  # by name; ./system is a folder of one's own
DECODER_WEIGHTS, DECODER_CONFIG, WORDS = "decoder.safetensors", "decoder.json", "words.json"
OTHER_WEIGHTS, OTHER_CONFIG = "weights.safetensors", "model.json"
# Models that are no CLIPs: kind -> (handle, its config, initial parameters).
OTHERS: dict[str, tuple[type, type, Callable]] = {
    LanguageModel.kind: (LanguageModel, DecoderConfig, lambda rng, config: {"decoder": init_decoder(rng, config)}),
    BridgedModel.kind: (BridgedModel, BridgedConfig, init_bridged),
    Matcher.kind: (Matcher, CocaConfig, init_fusion),
}


def model_files(model: Handle) -> dict[str, bytes]:
    """The files of a run that its users need, by name."""
    if isinstance(model, Describer):
        return clip_files(model) | decoder_files(model)
    return clip_files(model) if isinstance(model, Model) else other_files(model)


def clip_files(model: Model) -> dict[str, bytes]:
    """What transformers needs: sizes, weights, words, and how pictures are made ready."""
    config = model.config
    params = {name: child for name, child in model.params.items() if name != "decoder"}
    weights = to_dialect(params, config.vision.patch_size)
    return {
        CONFIG: encode_json(hugging_face_config(config)),
        WEIGHTS: encode_tensors(weights, {"format": "pt"}),
        **({} if isinstance(model.tokenizer, NoWords) else {TOKENIZER: encode_json(model.tokenizer.to_json())}),
        PREPROCESSOR: encode_json(preprocessor_config(model.preprocessing)),
    }


def decoder_files(model: Describer) -> dict[str, bytes]:
    """What stands beside a CLIP that describes."""
    return {
        DECODER_CONFIG: encode_json(asdict(model.coca.decoder)),
        DECODER_WEIGHTS: encode_tensors(flatten(model.params["decoder"])),
        WORDS: encode_json(model.decoder_tokenizer.to_json()),
    }


def other_files(model) -> dict[str, bytes]:
    """The files of a model that is no CLIP."""
    return {
        OTHER_CONFIG: encode_json({"kind": model.kind, "config": asdict(model.config)}),
        OTHER_WEIGHTS: encode_tensors(flatten(model.params)),
        WORDS: encode_json(model.decoder_tokenizer.to_json()),
    }


def load(path=None):
    """Open a trained model.

    Parameters
    ----------
    path : str or Path, optional
        A run folder; or one of those in the package: "default", a small CLIP, "system", which also describes pictures
        and answers questions, "bridge", which only answers; or a real CLIP: a folder in transformers' or open_clip's
        layout, or the name of one in the Hugging Face cache, such as "openai/clip-vit-base-patch32".

    Returns
    -------
    Model
        A Describer, where there is a decoder; or a LanguageModel, BridgedModel or Matcher, as the folder says.

    Raises
    ------
    CheckpointError
        If the folder or one of its files is missing, damaged, or not made by miniclip.

    Examples
    --------
    >>> import miniclip
    >>> model = miniclip.load()
    >>> model.encode_text(["a red circle", "a blue star"]).shape
    (2, 64)
    """
    folder = run_folder("default" if path is None else path)
    if is_repository(path) and not os.path.lexists(folder):
        raise CheckpointError(how_to_fetch(path))
    if is_real(folder):
        return load_real(folder)
    names = model_manifest(folder)
    if OTHER_CONFIG in names:
        return load_other(folder)
    return load_decoder(folder, load_clip(folder)) if DECODER_CONFIG in names else load_clip(folder)


def run_folder(path) -> Path:
    """The folder of a model: in the package or in the Hugging Face cache, by name, or any other, by its path."""
    if isinstance(path, str) and path in SHIPPED:
        return SHIPPED[path]
    folder = as_folder(path)
    if is_repository(path) and not os.path.lexists(folder):
        return cached(path) or folder
    return folder


def model_manifest(folder: Path) -> dict[str, list[str]]:
    """The manifest of a folder that holds a model; a CheckpointError if there is none."""
    check_folder(folder)
    names = read_manifest(folder)
    if CONFIG not in names and OTHER_CONFIG not in names:
        inside = sorted(path.parent.name for path in folder.glob(f"*/{MANIFEST}"))
        hint = f"its models are in {', '.join(inside)}" if inside else "restore it from a copy"
        raise CheckpointError(f"{quote(folder)} holds no model, expected {CONFIG} or {OTHER_CONFIG}: {hint}")
    return names


def load_clip(folder: Path) -> Model:
    """The CLIP of a folder."""
    config = config_from_hugging_face(parse_json(read_verified(folder, CONFIG), folder / CONFIG))
    has_words = TOKENIZER in read_manifest(folder)
    tokenizer = load_tokenizer(folder, TOKENIZER, config.text, CONFIG) if has_words else NoWords(folder)
    weights = read_verified(folder, WEIGHTS)
    named = parse_tensors(weights, folder / WEIGHTS)
    check_size(named, config, folder / WEIGHTS, CONFIG)
    _, params = pack(from_dialect(named, config))
    how = parse_json(read_verified(folder, PREPROCESSOR), folder / PREPROCESSOR)
    preprocessing = preprocessing_from_hugging_face(how, config.vision.image_size)
    return Model(config, params, tokenizer, digest(weights), preprocessing)


def load_decoder(folder: Path, clip: Model) -> Describer:
    """The CLIP of a folder with the decoder that is beside it."""
    path = folder / DECODER_CONFIG
    config = config_from_json(DecoderConfig, parse_json(read_verified(folder, DECODER_CONFIG), path), path)
    words = load_tokenizer(folder, WORDS, config, DECODER_CONFIG)
    decoder, _ = load_tensors(folder, DECODER_WEIGHTS, config, init_decoder, DECODER_CONFIG)
    coca = CocaConfig(clip.config, config)
    params = clip.params | {"decoder": decoder}
    return Describer(coca, params, clip.tokenizer, words, clip.digest, clip.preprocessing)


def load_other(folder: Path):
    """The model of a folder that is no CLIP."""
    path = folder / OTHER_CONFIG
    about = parse_json(read_verified(folder, OTHER_CONFIG), path)
    if not isinstance(about, dict) or about.get("kind") not in list(OTHERS) or "config" not in about:
        raise ConfigError(
            f"{quote(path)} has no kind and config, expected one of {', '.join(OTHERS)}: restore it from a copy"
        )
    handle, kind, init = OTHERS[about["kind"]]
    config = config_from_json(kind, about["config"], path)
    words = load_tokenizer(folder, WORDS, config if kind is DecoderConfig else config.decoder, OTHER_CONFIG)
    params, name = load_tensors(folder, OTHER_WEIGHTS, config, init, OTHER_CONFIG)
    return handle(config, params, words, name)


def config_from_json(kind: type, data, path: Path) -> Any:
    """The config that `asdict` made this of; a ConfigError for other keys. A config may hold others."""
    if isinstance(data, dict) and data.pop("tied", True) is True:  # of older runs, when it could be False
        try:
            hints = get_type_hints(kind)
            inner = {key: config_from_json(hints[key], value, path) if is_dataclass(hints.get(key)) else value
                     for key, value in data.items()}  # fmt: skip
            return kind(**inner)
        except TypeError as error:
            raise ConfigError(
                f"{quote(path)} has other keys than a {kind.__name__} ({one_line(error)}): restore it from a copy"
            ) from error
    raise ConfigError(f"{quote(path)} is not the sizes of a {kind.__name__}: restore it from a copy")


def load_tensors(folder: Path, name: str, config, init: Callable, config_name: str):
    """(params, digest): the weights in a file of our own layout, after checking that they fit the config."""
    data, path = read_verified(folder, name), folder / name
    named = parse_tensors(data, path)
    check_size(named, config, path, config_name)
    like = flatten(init(np.random.default_rng(0), config))
    wrong = [key for key in like.keys() | named.keys()
             if key not in named or key not in like or named[key].shape != like[key].shape
             or named[key].dtype not in (np.float32, np.float16) or not np.isfinite(named[key]).all()]  # fmt: skip
    if wrong:
        raise WeightsError(f"{quote(path)}: {len(wrong)} tensors do not fit {config_name}, such as {min(wrong)}")
    _, params = pack(unflatten({key: named[key].astype(np.float32) for key in like}))
    return params, digest(data)


def save(model: Handle, out) -> int:
    """Write a model into a new folder; returns the bytes written.

    A CLIP is written in transformers' layout: `transformers.CLIPModel.from_pretrained` opens the folder, and `load`.

    Raises
    ------
    CheckpointError
        If the folder exists, or cannot be written.
    """
    return write_model(model_files(model), out)


def export(run, out) -> int:
    """Copy a model without its training state into a new folder, to share it; returns the bytes written.

    Raises CheckpointError if it is damaged or the folder exists.
    """
    folder = run_folder(run)
    check_new(out)
    if is_real(folder):
        return save(load(folder), out)
    names = [name for name in model_manifest(folder) if name != TRAINING]
    return write_model({name: read_verified(folder, name) for name in names}, out)


def check_new(out) -> Path:
    """The path of a folder that is not there yet; a CheckpointError if it is."""
    target = as_folder(out)
    if os.path.lexists(target):
        raise CheckpointError(f"{quote(target)} exists already: choose a new folder")
    return target


def write_model(files: dict[str, bytes], out) -> int:
    """The files in a new folder, and how many bytes they are."""
    commit(check_new(out), files)
    return sum(map(len, files.values()))
