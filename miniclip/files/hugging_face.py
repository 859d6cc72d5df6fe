"""Our tree of parameters and our config, under the names and in the layout of transformers' CLIPModel, and back."""

import numpy as np

from ..data.tokenizer import Tokenizer
from ..errors import ConfigError, WeightsError
from ..models.checks import CHANNELS
from ..models.clip import ClipConfig, init_clip
from ..models.text import TextConfig
from ..models.vision import VisionConfig
from ..nn.tree import flatten, unflatten

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
        **({"logit_bias": True} if config.logit_bias else {}),
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
        return ClipConfig(vision, text, data["projection_dim"], data.get("logit_bias") is True)
    except KeyError as error:
        raise ConfigError(f"config.json lacks {error}: expected the layout of transformers.CLIPConfig") from error
    except TypeError as error:
        raise ConfigError(f"config.json has another layout ({error}), expected transformers.CLIPConfig's") from error
