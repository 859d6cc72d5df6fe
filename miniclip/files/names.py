"""A CLIP's parameters under the names that others give them, and in their layouts: transformers', and OpenAI's.

Three layouts differ from ours. transformers keeps apart the maps of query, key and value, which are one `in_proj` here.
A patch map is a strided convolution in both, (D, C, P, P), where ours reads row, column, channel: (D, P P C). And
OpenAI multiplies by its two projections from the right: they are (D, E), where ours are (E, D) as any linear map is.
"""

import re

import numpy as np

from ..errors import WeightsError
from ..models.checks import CHANNELS
from ..models.clip import ClipConfig, init_clip
from ..nn.tree import flatten, unflatten

TRANSFORMERS, OPENAI = "transformers", "OpenAI"  # open_clip's names are OpenAI's
# Ours, transformers', OpenAI's; `*` stands for a layer's number.
NAMES = (
    ("visual.patch_embedding.weight", "vision_model.embeddings.patch_embedding.weight", "visual.conv1.weight"),
    ("visual.class_embedding", "vision_model.embeddings.class_embedding", "visual.class_embedding"),
    ("visual.positional_embedding", "vision_model.embeddings.position_embedding.weight", "visual.positional_embedding"),
    ("visual.ln_pre", "vision_model.pre_layrnorm", "visual.ln_pre"),
    ("visual.blocks.*", "vision_model.encoder.layers.*", "visual.transformer.resblocks.*"),
    ("visual.ln_post", "vision_model.post_layernorm", "visual.ln_post"),
    ("visual.proj.weight", "visual_projection.weight", "visual.proj"),
    ("text.token_embedding", "text_model.embeddings.token_embedding", "token_embedding"),
    ("text.positional_embedding", "text_model.embeddings.position_embedding.weight", "positional_embedding"),
    ("text.blocks.*", "text_model.encoder.layers.*", "transformer.resblocks.*"),
    ("text.ln_final", "text_model.final_layer_norm", "ln_final"),
    ("text.text_projection.weight", "text_projection.weight", "text_projection"),
    ("logit_scale", "logit_scale", "logit_scale"),
    ("logit_bias", "logit_bias", "logit_bias"),
)
# The same within a block. Of a name in braces there are several tensors, which are one of ours.
BLOCK_NAMES = (
    ("ln_1", "layer_norm1", "ln_1"),
    ("attn.in_proj.weight", "self_attn.{q,k,v}_proj.weight", "attn.in_proj_weight"),
    ("attn.in_proj.bias", "self_attn.{q,k,v}_proj.bias", "attn.in_proj_bias"),
    ("attn.out_proj", "self_attn.out_proj", "attn.out_proj"),
    ("ln_2", "layer_norm2", "ln_2"),
    ("mlp.c_fc", "mlp.fc1", "mlp.c_fc"),
    ("mlp.c_proj", "mlp.fc2", "mlp.c_proj"),
)
COLUMN = {TRANSFORMERS: 1, OPENAI: 2}
# What old files hold besides: 0, 1, 2, ..., which no model learns.
IGNORED = r".*\.position_ids"


def translated(name: str, table, column: int) -> str:
    """A name in another column of a table: what stands before a dot changes, what follows stays."""
    for row in table:
        if found := re.match(re.escape(row[0]).replace(r"\*", r"(\d+)") + r"(?=\.|$)", name):
            return row[column].replace("*", found[1] if found.groups() else "") + name[found.end() :]
    raise KeyError(name)


def their_names(name: str, dialect: str) -> list[str]:
    """What others call one of our leaves: three names, where it is three tensors there.

    >>> their_names("visual.blocks.0.mlp.c_fc.bias", TRANSFORMERS)
    ['vision_model.encoder.layers.0.mlp.fc1.bias']
    """
    column = COLUMN[dialect]
    if block := re.match(r"(.*\.blocks\.\d+)\.(.*)", name):
        inner = translated(block[2], BLOCK_NAMES, column)
        outer = translated(block[1], NAMES, column)
        _, several, *_ = [*re.split(r"[{}]", inner), ""]
        return [f"{outer}.{inner.replace(f'{{{several}}}', one)}" for one in several.split(",")]
    return [translated(name, NAMES, column)]


def from_right(name: str, dialect: str) -> bool:
    """Is it one of the maps that OpenAI multiplies by from the right?"""
    return dialect == OPENAI and name in ("visual.proj.weight", "text.text_projection.weight")


def to_dialect(params, patch_size: int, dialect: str = TRANSFORMERS) -> dict[str, np.ndarray]:
    """The parameters under others' names and in their layout."""
    named: dict[str, np.ndarray] = {}
    for name, leaf in flatten(params).items():
        if name == "visual.patch_embedding.weight":
            leaf = leaf.reshape(len(leaf), patch_size, patch_size, CHANNELS).transpose(0, 3, 1, 2)
        elif from_right(name, dialect):
            leaf = leaf.T
        theirs = their_names(name, dialect)
        named |= dict(zip(theirs, np.split(leaf, len(theirs)) if len(theirs) > 1 else [leaf], strict=True))
    return named


def from_dialect(named: dict[str, np.ndarray], config: ClipConfig):
    """The inverse of `to_dialect`, of whichever dialect; a WeightsError lists what does not fit."""
    named = {name: leaf for name, leaf in named.items() if not re.fullmatch(IGNORED, name)}
    dialect = OPENAI if any("resblocks" in name for name in named) else TRANSFORMERS
    if dialect == OPENAI:  # open_clip has both ways to write a text tower's names
        named = {name.removeprefix("text."): leaf for name, leaf in named.items()}
    like = init_clip(Shapes(), config)
    check_tensors(named, to_dialect(like, config.vision.patch_size, dialect))
    ours = {}
    for name, leaf in flatten(like).items():
        theirs = [named[one] for one in their_names(name, dialect)]
        found = np.concatenate(theirs) if len(theirs) > 1 else theirs[0]
        if name == "visual.patch_embedding.weight":
            found = found.transpose(0, 2, 3, 1).reshape(leaf.shape)
        elif from_right(name, dialect):
            found = np.ascontiguousarray(found.T)
        ours[name] = found
    return unflatten(ours)


class Shapes:
    """In place of a random generator: initial parameters of the right shapes, all 0, that take no memory."""

    def normal(self, mean, deviation, shape):
        return np.broadcast_to(np.float32(0.0), shape)


def check_tensors(named, expected) -> None:
    """A WeightsError unless the tensors have the names and shapes that are expected, and are finite floats."""
    problems = [f"{name} is missing" for name in expected if name not in named]
    problems += [f"{name} is not part of the model" for name in named if name not in expected]
    problems += [
        f"{name} has shape {named[name].shape}, expected {leaf.shape}"
        for name, leaf in expected.items()
        if name in named and named[name].shape != leaf.shape
    ]
    problems += [f"{name} is {leaf.dtype}, expected floats" for name, leaf in named.items() if leaf.dtype.kind != "f"]
    problems += [f"{name} is not all finite" for name, leaf in named.items() if not np.isfinite(leaf).all()]
    if problems:
        raise WeightsError(f"{len(problems)} tensors do not fit config.json: {'; '.join(problems[:5])}")
