"""A run is a folder in the Hugging Face CLIP layout.

config.json               both towers' sizes, as transformers.CLIPConfig
model.safetensors         the weights, under transformers' names: CLIPModel.from_pretrained(folder) opens it
tokenizer.json            words and ids, as the tokenizers library writes them
preprocessor_config.json  picture size, mean and deviation
training.safetensors      weights, optimiser, position in the data and log: all that resuming needs, in one file
training.json             the recipe, and the machine it ran on
metrics.jsonl             the log, one line for each logged step
manifest.json             SHA-256 of all of these, checked before anything is parsed
"""

import os
from pathlib import Path

import numpy as np
import safetensors
import safetensors.numpy

from .data.pairs import IMAGE_MEAN, IMAGE_STD
from .data.tokenizer import Tokenizer
from .errors import CheckpointError, ConfigError, WeightsError
from .model import Model
from .models.clip import ClipConfig, init_clip
from .models.text import TextConfig
from .models.vision import CHANNELS, VisionConfig
from .nn.tree import flatten, pack, unflatten
from .storage import commit, digest, encode_json, parse_json, read_bytes, read_manifest, read_verified

PRETRAINED = Path(__file__).parent / "pretrained"
WEIGHTS, CONFIG, TOKENIZER, PREPROCESSOR = (
    "model.safetensors", "config.json", "tokenizer.json", "preprocessor_config.json",
)  # fmt: skip

# Our names on the left, transformers' on the right; `*` stands for a layer's number.
NAMES = {
    "visual.patch_embedding.weight": "vision_model.embeddings.patch_embedding.weight",
    "visual.class_embedding": "vision_model.embeddings.class_embedding",
    "visual.positional_embedding": "vision_model.embeddings.position_embedding.weight",
    "visual.ln_pre": "vision_model.pre_layrnorm",
    "visual.blocks": "vision_model.encoder.layers",
    "visual.ln_post": "vision_model.post_layernorm",
    "visual.proj": "visual_projection",
    "text.token_embedding": "text_model.embeddings.token_embedding",
    "text.positional_embedding": "text_model.embeddings.position_embedding.weight",
    "text.blocks": "text_model.encoder.layers",
    "text.ln_final": "text_model.final_layer_norm",
    "text.text_projection": "text_projection",
}
BLOCK_NAMES = {"ln_1": "layer_norm1", "attn": "self_attn", "ln_2": "layer_norm2", "mlp": "mlp"}
MLP_NAMES = {"c_fc": "fc1", "c_proj": "fc2"}


def hugging_face_name(name: str) -> str:
    """visual.blocks.0.mlp.c_fc.bias -> vision_model.encoder.layers.0.mlp.fc1.bias"""
    for ours, theirs in NAMES.items():
        if name == ours or name.startswith(ours + "."):
            parts = name[len(ours) + 1 :].split(".") if name != ours else []
            if ours.endswith("blocks"):
                parts[1] = BLOCK_NAMES[parts[1]]
                parts[2] = MLP_NAMES.get(parts[2], parts[2])
            return ".".join([theirs, *parts])
    return name


def to_hugging_face(params, patch_size: int) -> dict[str, np.ndarray]:
    """The parameters under transformers' names and in its layout.

    Two layouts differ: `in_proj` holds the query, key and value maps that transformers keeps apart, and a patch map is
    a strided convolution there, (D, C, P, P), where ours reads row, column, channel: (D, P P C).
    """
    named = {}
    for name, leaf in flatten(params).items():
        theirs = hugging_face_name(name)
        if ".in_proj." in theirs:
            for part, third in zip("qkv", np.split(leaf, 3), strict=True):
                named[theirs.replace("in_proj", f"{part}_proj")] = third
        elif theirs.endswith("patch_embedding.weight"):
            grid = leaf.reshape(len(leaf), patch_size, patch_size, CHANNELS)
            named[theirs] = grid.transpose(0, 3, 1, 2)
        else:
            named[theirs] = leaf
    return {name: np.asarray(leaf, order="C") for name, leaf in named.items()}


def from_hugging_face(named: dict[str, np.ndarray], config: ClipConfig):
    """The inverse of `to_hugging_face`; a WeightsError lists what is missing, left over, or of another shape."""
    like = init_clip(np.random.default_rng(0), config)
    expected = to_hugging_face(like, config.vision.patch_size)
    problems = [f"{name} is missing" for name in expected if name not in named]
    problems += [f"{name} is not part of the model" for name in named if name not in expected]
    problems += [
        f"{name} has shape {named[name].shape}, expected {leaf.shape}"
        for name, leaf in expected.items()
        if name in named and named[name].shape != leaf.shape
    ]
    problems += [f"{name} is {leaf.dtype}, expected floats" for name, leaf in named.items() if leaf.dtype.kind != "f"]
    problems += [f"{name} is not all finite" for name in named if not np.isfinite(named[name]).all()]
    if problems:
        raise WeightsError(f"{len(problems)} tensors do not fit config.json: {'; '.join(problems[:5])}")
    ours = {}
    for name, leaf in flatten(like).items():
        theirs = hugging_face_name(name)
        if ".in_proj." in theirs:
            ours[name] = np.concatenate([named[theirs.replace("in_proj", f"{part}_proj")] for part in "qkv"])
        elif theirs.endswith("patch_embedding.weight"):
            ours[name] = named[theirs].transpose(0, 2, 3, 1).reshape(leaf.shape)
        else:
            ours[name] = named[theirs]
    return unflatten(ours)


def hugging_face_config(config: ClipConfig) -> dict:
    """config.json, as transformers.CLIPConfig reads it."""

    def tower(sizes):
        return {
            "hidden_size": sizes.width,
            "intermediate_size": 4 * sizes.width,
            "num_hidden_layers": sizes.layers,
            "num_attention_heads": sizes.heads,
            "hidden_act": sizes.activation,
            "layer_norm_eps": 1e-5,
            "projection_dim": config.embed_dim,
        }

    v, t = config.vision, config.text
    return {
        "architectures": ["CLIPModel"],
        "model_type": "clip",
        "projection_dim": config.embed_dim,
        "vision_config": tower(v) | {"model_type": "clip_vision_model", "num_channels": CHANNELS}
        | {"image_size": v.image_size, "patch_size": v.patch_size},
        "text_config": tower(t) | {"model_type": "clip_text_model", "vocab_size": t.vocab_size}
        | {"max_position_embeddings": t.context_length, "eos_token_id": t.eos_token_id}
        | {"bos_token_id": Tokenizer.start, "pad_token_id": Tokenizer.pad},
    }  # fmt: skip


def config_from_hugging_face(data: dict) -> ClipConfig:
    """The inverse of `hugging_face_config`; a ConfigError names a key that is missing."""
    try:
        v, t = data["vision_config"], data["text_config"]
        towers = [
            {
                "width": tower["hidden_size"],
                "layers": tower["num_hidden_layers"],
                "heads": tower["num_attention_heads"],
                "activation": tower["hidden_act"],
            }
            for tower in (v, t)
        ]
        vision = VisionConfig(image_size=v["image_size"], patch_size=v["patch_size"], **towers[0])
        text = TextConfig(t["vocab_size"], t["max_position_embeddings"], eos_token_id=t["eos_token_id"], **towers[1])
        return ClipConfig(vision, text, data["projection_dim"])
    except KeyError as error:
        raise ConfigError(f"config.json lacks {error}: expected the layout of transformers.CLIPConfig") from error
    except TypeError as error:
        raise ConfigError(f"config.json has another layout ({error}), expected transformers.CLIPConfig's") from error


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
    return Model(config, params, tokenizer, digest(weights))


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
