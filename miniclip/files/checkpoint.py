"""A run is a folder in the Hugging Face CLIP layout.

config.json               both towers' sizes, as transformers.CLIPConfig
model.safetensors         the weights, under transformers' names: CLIPModel.from_pretrained(folder) opens it
tokenizer.json            words and ids, as the tokenizers library writes them
preprocessor_config.json  picture size, mean and deviation
decoder.json              if it describes: the decoder's sizes
decoder.safetensors       its weights, under our names
words.json                its words and ids, as the tokenizers library writes them
training.safetensors      weights, optimiser, position in the data and log: all that resuming needs, in one file
training.json             the recipe, and the machine it ran on
metrics.jsonl             the log, one line for each logged step
manifest.json             SHA-256 of all of these, checked before anything is parsed
"""

import os
from dataclasses import asdict
from pathlib import Path

import numpy as np
import safetensors
import safetensors.numpy

from ..data.pairs import IMAGE_MEAN, IMAGE_STD
from ..data.tokenizer import Tokenizer
from ..errors import CheckpointError, ConfigError, WeightsError
from ..model import Describer, Model
from ..models.clip import ClipConfig
from ..models.coca import CocaConfig
from ..models.decoder import DecoderConfig, init_decoder
from ..nn.tree import flatten, pack, unflatten
from .hugging_face import config_from_hugging_face, from_hugging_face, hugging_face_config, to_hugging_face
from .storage import commit, digest, encode_json, parse_json, read_bytes, read_manifest, read_verified

PRETRAINED = Path(__file__).parents[1] / "pretrained"
SYSTEM = PRETRAINED / "system"  # the one that also describes and answers
DECODER, DECODER_CONFIG, WORDS = "decoder.safetensors", "decoder.json", "words.json"
WEIGHTS, CONFIG, TOKENIZER, PREPROCESSOR = (
    "model.safetensors", "config.json", "tokenizer.json", "preprocessor_config.json",
)  # fmt: skip


def model_files(params, config: ClipConfig, tokenizer) -> dict[str, bytes]:
    """The files of a run that its users need, by name."""
    size = config.vision.image_size
    preprocessor = {
        "image_processor_type": "CLIPImageProcessor",
        "do_resize": True, "size": {"shortest_edge": size}, "resample": 3,
        "do_center_crop": True, "crop_size": {"height": size, "width": size},
        "do_rescale": True, "rescale_factor": 1 / 255, "do_convert_rgb": True,
        "do_normalize": True, "image_mean": list(IMAGE_MEAN), "image_std": list(IMAGE_STD),
    }  # fmt: skip
    weights = {
        name: leaf.astype(np.float32) for name, leaf in to_hugging_face(params, config.vision.patch_size).items()
    }
    return {
        CONFIG: encode_json(hugging_face_config(config)),
        WEIGHTS: safetensors.numpy.save(weights, {"format": "pt"}),
        TOKENIZER: encode_json(tokenizer.to_json()),
        PREPROCESSOR: encode_json(preprocessor),
    }


def describer_files(model: Describer) -> dict[str, bytes]:
    """The files of a run that describes: CLIP's, and the decoder's beside them."""
    weights = {name: leaf.astype(np.float32) for name, leaf in flatten(model.params["decoder"]).items()}
    clip = {name: model.params[name] for name in ("visual", "text", "logit_scale")}
    return model_files(clip, model.config, model.tokenizer) | {
        DECODER_CONFIG: encode_json(asdict(model.coca.decoder)),
        DECODER: safetensors.numpy.save(weights),
        WORDS: encode_json(model.words.to_json()),
    }


def load_decoder(folder: Path, clip: Model) -> Describer:
    """The CLIP of a folder with the decoder that is beside it."""
    path = folder / DECODER_CONFIG
    try:
        config = DecoderConfig(**parse_json(read_verified(folder, DECODER_CONFIG), path))
    except TypeError as error:
        raise ConfigError(f"{path} has other keys than a decoder's sizes ({error}): restore it from a copy") from error
    words = Tokenizer.from_json(parse_json(read_verified(folder, WORDS), folder / WORDS))
    if (words.vocab_size, words.context_length) != (config.vocab_size, config.context_length):
        raise CheckpointError(
            f"{folder / WORDS} has {words.vocab_size} words, {DECODER_CONFIG} says {config.vocab_size}"
        )
    named = parse_tensors(read_verified(folder, DECODER), folder / DECODER)
    size = sum(leaf.size for leaf in named.values())
    if config.parameters > 10 * size + 10**6:  # before anything of that size is made
        raise WeightsError(f"{folder / DECODER} has {size:,} numbers, {DECODER_CONFIG} says {config.parameters:,}")
    like = flatten(init_decoder(np.random.default_rng(0), config))
    wrong = [name for name in like.keys() | named.keys()
             if name not in named or name not in like or named[name].shape != like[name].shape
             or named[name].dtype != np.float32 or not np.isfinite(named[name]).all()]  # fmt: skip
    if wrong:
        raise WeightsError(
            f"{folder / DECODER}: {len(wrong)} tensors do not fit {DECODER_CONFIG}, such as {min(wrong)}"
        )
    _, decoder = pack(unflatten({name: named[name] for name in like}))
    coca = CocaConfig(clip.config, config)
    return Describer(coca, clip.params | {"decoder": decoder}, clip.tokenizer, words, clip.digest)


def parse_tensors(data: bytes, path: Path) -> dict[str, np.ndarray]:
    """The tensors of a safetensors file, or a CheckpointError that names it."""
    try:
        return safetensors.numpy.load(data)
    except (safetensors.SafetensorError, ValueError, KeyError, TypeError, MemoryError) as error:
        raise CheckpointError(
            f"{path} is not a safetensors file of floats ({error}): restore it from a copy"
        ) from error


def load(path=None) -> Model:
    """Open a trained model.

    Parameters
    ----------
    path : str or Path, optional
        A run folder. By default, the small trained run that comes with the package.

    Returns
    -------
    Model
        A Describer, where there is a decoder.

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
    folder = PRETRAINED if path is None else Path(path)
    if not os.path.isdir(folder):
        read_bytes(folder / CONFIG)  # says what is wrong
    config = config_from_hugging_face(parse_json(read_verified(folder, CONFIG), folder / CONFIG))
    tokenizer = Tokenizer.from_json(parse_json(read_verified(folder, TOKENIZER), folder / TOKENIZER))
    words, rows = (tokenizer.vocab_size, tokenizer.context_length), (config.text.vocab_size, config.text.context_length)
    if words != rows:
        raise CheckpointError(f"{folder / TOKENIZER} has (words, length) {words}, {CONFIG} says {rows}: not of one run")
    weights = read_verified(folder, WEIGHTS)
    named = parse_tensors(weights, folder / WEIGHTS)
    _, params = pack(from_hugging_face(named, config))
    model = Model(config, params, tokenizer, digest(weights))
    return load_decoder(folder, model) if DECODER_CONFIG in read_manifest(folder) else model


def export(run, out) -> int:
    """Copy a run without its training state into a new folder, to share it; returns the bytes written.

    Raises CheckpointError if the run is damaged or the folder exists.
    """
    folder, target = Path(run), Path(out)
    if target.exists():
        raise CheckpointError(f"{target} exists already: choose a new folder")
    names = [name for name in read_manifest(folder) if name != "training.safetensors"]
    files = {name: read_verified(folder, name) for name in names}
    commit(target, files)
    return sum(map(len, files.values()))
