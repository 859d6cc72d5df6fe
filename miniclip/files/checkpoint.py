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
import safetensors
import safetensors.numpy

from ..data.pairs import IMAGE_MEAN, IMAGE_STD
from ..data.tokenizer import Tokenizer
from ..errors import CheckpointError, ConfigError, WeightsError, one_line, quote
from ..machine.disk import as_folder
from ..model import BridgedModel, Describer, Handle, LanguageModel, Matcher, Model
from ..models.bridge import BridgedConfig, init_bridged
from ..models.coca import CocaConfig
from ..models.decoder import DecoderConfig, init_decoder
from ..models.fusion import init_fusion
from ..nn.tree import flatten, pack, unflatten
from .hugging_face import config_from_hugging_face, from_hugging_face, hugging_face_config, to_hugging_face
from .storage import MANIFEST, check_folder, commit, digest, encode_json, parse_json, read_manifest, read_verified

PRETRAINED = Path(__file__).parents[1] / "pretrained"
SYSTEM = PRETRAINED / "system"  # the one that also describes and answers
SHIPPED = {"default": PRETRAINED, "system": SYSTEM}  # by name; ./system is a folder of one's own
WEIGHTS, CONFIG, TOKENIZER, PREPROCESSOR = (
    "model.safetensors", "config.json", "tokenizer.json", "preprocessor_config.json",
)  # fmt: skip
DECODER_WEIGHTS, DECODER_CONFIG, WORDS = "decoder.safetensors", "decoder.json", "words.json"
OTHER_WEIGHTS, OTHER_CONFIG = "weights.safetensors", "model.json"
TRAINING = "training.safetensors"  # what a run resumes from: see `files.state`
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
    config, size = model.config, model.image_size
    preprocessor = {
        "image_processor_type": "CLIPImageProcessor",
        "do_resize": True, "size": {"shortest_edge": size}, "resample": 3,
        "do_center_crop": True, "crop_size": {"height": size, "width": size},
        "do_rescale": True, "rescale_factor": 1 / 255, "do_convert_rgb": True,
        "do_normalize": True, "image_mean": list(IMAGE_MEAN), "image_std": list(IMAGE_STD),
    }  # fmt: skip
    params = {name: child for name, child in model.params.items() if name != "decoder"}
    weights = to_hugging_face(params, config.vision.patch_size)
    return {
        CONFIG: encode_json(hugging_face_config(config)),
        WEIGHTS: encode_tensors(weights, {"format": "pt"}),
        TOKENIZER: encode_json(model.tokenizer.to_json()),
        PREPROCESSOR: encode_json(preprocessor),
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


def encode_tensors(named, metadata: dict[str, str] | None = None) -> bytes:
    """A safetensors file, all in float32."""
    return safetensors.numpy.save({name: leaf.astype(np.float32) for name, leaf in named.items()}, metadata)


def parse_tensors(data: bytes, path: Path) -> dict[str, np.ndarray]:
    """The tensors of a safetensors file, or a CheckpointError that names it."""
    try:
        return safetensors.numpy.load(data)
    except (safetensors.SafetensorError, ValueError, KeyError, TypeError, MemoryError) as error:
        raise CheckpointError(
            f"{quote(path)} is not a safetensors file of floats ({one_line(error)}): restore it from a copy"
        ) from error


def load(path=None):
    """Open a trained model.

    Parameters
    ----------
    path : str or Path, optional
        A run folder; or "default", the small trained CLIP in the package, or "system", the one that also describes
        pictures and answers questions.

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
    names = model_manifest(folder)
    if OTHER_CONFIG in names:
        return load_other(folder)
    return load_decoder(folder, load_clip(folder)) if DECODER_CONFIG in names else load_clip(folder)


def run_folder(path) -> Path:
    """The folder of a run: one in the package, by its name, or any other, by its path."""
    return SHIPPED[path] if isinstance(path, str) and path in SHIPPED else as_folder(path)


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
    tokenizer = load_tokenizer(folder, TOKENIZER, config.text, CONFIG)
    weights = read_verified(folder, WEIGHTS)
    named = parse_tensors(weights, folder / WEIGHTS)
    check_size(named, config, folder / WEIGHTS, CONFIG)
    _, params = pack(from_hugging_face(named, config))
    return Model(config, params, tokenizer, digest(weights))


def load_decoder(folder: Path, clip: Model) -> Describer:
    """The CLIP of a folder with the decoder that is beside it."""
    path = folder / DECODER_CONFIG
    config = config_from_json(DecoderConfig, parse_json(read_verified(folder, DECODER_CONFIG), path), path)
    words = load_tokenizer(folder, WORDS, config, DECODER_CONFIG)
    decoder, _ = load_tensors(folder, DECODER_WEIGHTS, config, init_decoder, DECODER_CONFIG)
    coca = CocaConfig(clip.config, config)
    return Describer(coca, clip.params | {"decoder": decoder}, clip.tokenizer, words, clip.digest)


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


def load_tokenizer(folder: Path, name: str, sizes, config_name: str) -> Tokenizer:
    """The tokenizer of a folder, with as many words as the model has vectors for them."""
    tokenizer = Tokenizer.from_json(parse_json(read_verified(folder, name), folder / name))
    ours, theirs = (tokenizer.vocab_size, tokenizer.context_length), (sizes.vocab_size, sizes.context_length)
    if ours != theirs:
        raise CheckpointError(
            f"{quote(folder / name)} has (words, length) {ours}, {config_name} says {theirs}: not of one run"
        )
    return tokenizer


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


def check_size(named, config, path: Path, config_name: str) -> None:
    """A WeightsError if the config is of a far larger model: before anything of that size is made."""
    size = sum(leaf.size for leaf in named.values())
    if config.parameters > 10 * size + 10**6:
        raise WeightsError(f"{quote(path)} has {size:,} numbers, {config_name} says {config.parameters:,}")


def load_tensors(folder: Path, name: str, config, init: Callable, config_name: str):
    """(params, digest): the weights in a file of our own layout, after checking that they fit the config."""
    data, path = read_verified(folder, name), folder / name
    named = parse_tensors(data, path)
    check_size(named, config, path, config_name)
    like = flatten(init(np.random.default_rng(0), config))
    wrong = [key for key in like.keys() | named.keys()
             if key not in named or key not in like or named[key].shape != like[key].shape
             or named[key].dtype != np.float32 or not np.isfinite(named[key]).all()]  # fmt: skip
    if wrong:
        raise WeightsError(f"{quote(path)}: {len(wrong)} tensors do not fit {config_name}, such as {min(wrong)}")
    _, params = pack(unflatten({key: named[key] for key in like}))
    return params, digest(data)


def export(run, out) -> int:
    """Copy a run without its training state into a new folder, to share it; returns the bytes written.

    Raises CheckpointError if the run is damaged or the folder exists.
    """
    folder, target = run_folder(run), as_folder(out)
    if os.path.lexists(target):
        raise CheckpointError(f"{quote(target)} exists already: choose a new folder")
    names = [name for name in model_manifest(folder) if name != TRAINING]
    files = {name: read_verified(folder, name) for name in names}
    commit(target, files)
    return sum(map(len, files.values()))
