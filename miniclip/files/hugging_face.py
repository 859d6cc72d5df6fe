"""Our sizes, and how pictures are made ready, as transformers' files have them, and back; open_clip's are only read."""

from ..data.pictures import IMAGE_MEAN, IMAGE_STD, Preprocessing
from ..data.tokenizer import Tokenizer
from ..errors import ConfigError, quote
from ..models.checks import CHANNELS
from ..models.clip import ClipConfig
from ..models.text import TextConfig
from ..models.vision import VisionConfig

# Our sizes, transformers' names, and what transformers takes where a file does not say: many say only what differs.
TOWER = (
    ("width", "hidden_size"),
    ("layers", "num_hidden_layers"),
    ("heads", "num_attention_heads"),
    ("activation", "hidden_act"),
    ("mlp_width", "intermediate_size"),
    ("eps", "layer_norm_eps"),
)
VISION = (*TOWER, ("image_size", "image_size"), ("patch_size", "patch_size"))
TEXT = (
    *TOWER,
    ("vocab_size", "vocab_size"),
    ("context_length", "max_position_embeddings"),
    ("eos_token_id", "eos_token_id"),
)
SHARED_DEFAULTS = {"num_hidden_layers": 12, "hidden_act": "quick_gelu", "layer_norm_eps": 1e-5}
VISION_DEFAULTS = SHARED_DEFAULTS | {
    "hidden_size": 768, "num_attention_heads": 12, "intermediate_size": 3072, "image_size": 224, "patch_size": 32,
}  # fmt: skip
TEXT_DEFAULTS = SHARED_DEFAULTS | {
    "hidden_size": 512, "num_attention_heads": 8, "intermediate_size": 2048, "vocab_size": 49_408,
    "max_position_embeddings": 77, "eos_token_id": 49_407,
}  # fmt: skip
PROJECTION_DEFAULT = 512
BICUBIC = 3  # Pillow's number
FRAME = "frame_object"  # a key of ours: the model was trained on the world, see `data.framing`


def hugging_face_config(config: ClipConfig) -> dict:
    """config.json, as transformers.CLIPConfig reads it."""

    def tower(sizes, names):
        return {theirs: getattr(sizes, ours) for ours, theirs in names} | {"projection_dim": config.embed_dim}

    return {
        "architectures": ["CLIPModel"],
        "model_type": "clip",
        "projection_dim": config.embed_dim,
        **({"logit_bias": True} if config.logit_bias else {}),
        "vision_config": tower(config.vision, VISION) | {"model_type": "clip_vision_model", "num_channels": CHANNELS},
        "text_config": tower(config.text, TEXT)
        | {"model_type": "clip_text_model", "bos_token_id": Tokenizer.start, "pad_token_id": Tokenizer.pad},
    }


def config_from_hugging_face(data) -> ClipConfig:
    """The inverse of `hugging_face_config`, also of files that others wrote; a ConfigError if it is no CLIP's."""
    kind = data.get("model_type", "clip") if isinstance(data, dict) else None
    if kind != "clip":
        raise ConfigError(f"config.json has the model_type {quote(kind)}, expected clip: no other towers are read here")
    vision = tower_sizes(data, "vision_config", VISION, VISION_DEFAULTS)
    text = tower_sizes(data, "text_config", TEXT, TEXT_DEFAULTS)
    embed_dim = data.get("projection_dim", PROJECTION_DEFAULT)
    return ClipConfig(VisionConfig(**vision), TextConfig(**text), embed_dim, data.get("logit_bias") is True)


def tower_sizes(data: dict, key: str, names, defaults: dict) -> dict:
    """A tower's sizes, under our names. Where an old file says them twice, the second has the last word."""
    if key not in data:
        raise ConfigError(f"config.json lacks '{key}': expected the layout of transformers.CLIPConfig")
    given = [data[key], data.get(f"{key}_dict") or {}]
    if not all(isinstance(one, dict) for one in given):
        raise ConfigError(f"config.json has a {key} of another layout, expected transformers.CLIPConfig's")
    if given[0].get("num_channels", CHANNELS) != CHANNELS:
        raise ConfigError(f"config.json has num_channels {quote(given[0]['num_channels'])}, expected {CHANNELS}")
    said = defaults | given[0] | given[1]
    return {ours: said[theirs] for ours, theirs in names}


# Ours, open_clip's, and what it takes where a file does not say.
OPEN_CLIP_VISION = (
    ("width", "width", 768),
    ("layers", "layers", 12),
    ("image_size", "image_size", 224),
    ("patch_size", "patch_size", 16),
)
OPEN_CLIP_TEXT = (
    ("width", "width", 512),
    ("layers", "layers", 12),
    ("heads", "heads", 8),
    ("vocab_size", "vocab_size", 49_408),
    ("context_length", "context_length", 77),
)
# Keys of open_clip's that make another tower than CLIP's, and the values at which they do not.
OTHER_TOWERS = {
    "timm_model_name": (None,), "hf_model_name": (None,), "attentional_pool": (False,), "ls_init_value": (None,),
    "pool_type": ("tok", "argmax"), "no_ln_pre": (False,), "no_causal_mask": (False,), "embed_cls": (False,),
    "final_ln_after_pool": (False,), "pos_embed_type": ("learnable",), "proj_type": ("linear",), "proj_bias": (False,),
}  # fmt: skip


def config_from_open_clip(data) -> ClipConfig:
    """The sizes in open_clip_config.json, or a ConfigError that says which of them are no CLIP's."""
    model = data.get("model_cfg", data) if isinstance(data, dict) else {}
    v, t = model.get("vision_cfg"), model.get("text_cfg")
    if not isinstance(v, dict) or not isinstance(t, dict) or "embed_dim" not in model:
        raise ConfigError("open_clip_config.json has no embed_dim, vision_cfg, text_cfg: expected open_clip's layout")
    for name, tower in (("vision_cfg", v), ("text_cfg", t)):
        for key, allowed in OTHER_TOWERS.items():
            if key in tower and tower[key] not in allowed:
                raise ConfigError(f"open_clip_config.json has {name}.{key} {quote(tower[key])}: no tower that we have")
    shared = {"activation": "quick_gelu" if model.get("quick_gelu") else "gelu"}
    vision = {ours: v.get(theirs, default) for ours, theirs, default in OPEN_CLIP_VISION} | shared
    text = {ours: t.get(theirs, default) for ours, theirs, default in OPEN_CLIP_TEXT} | shared
    try:
        vision |= {"heads": vision["width"] // v.get("head_width", 64)}
        widths = [round(one["width"] * cfg.get("mlp_ratio", 4.0)) for one, cfg in ((vision, v), (text, t))]
    except (TypeError, ZeroDivisionError) as error:
        raise ConfigError(f"open_clip_config.json has sizes that are no numbers ({error})") from error
    text |= {"eos_token_id": text["vocab_size"] - 1}
    return ClipConfig(VisionConfig(**vision, mlp_width=widths[0]), TextConfig(**text, mlp_width=widths[1]),
                      model["embed_dim"])  # fmt: skip


def preprocessor_config(how: Preprocessing) -> dict:
    """preprocessor_config.json, as transformers.CLIPImageProcessor reads it; that moves no object, so ours says it."""
    side = how.image_size
    return {
        "image_processor_type": "CLIPImageProcessor",
        "do_resize": True, "size": {"shortest_edge": side}, "resample": BICUBIC,
        "do_center_crop": True, "crop_size": {"height": side, "width": side},
        "do_rescale": True, "rescale_factor": 1 / 255, "do_convert_rgb": True,
        "do_normalize": True, "image_mean": list(how.mean), "image_std": list(how.std),
        **({} if how.frame is False else {FRAME: True}),
    }  # fmt: skip


def preprocessing_from_hugging_face(said, image_size: int) -> Preprocessing:
    """The inverse of `preprocessor_config`, also of what others wrote; a ConfigError for another way to make ready.

    An empty file says CLIP's own way.
    """
    if not isinstance(said, dict):
        raise ConfigError("preprocessor_config.json is no list of settings, expected CLIPImageProcessor's")
    sizes = [said.get("size", image_size), said.get("crop_size", image_size)]
    sides = [next(iter(size.values()), None) if isinstance(size, dict) and len({*size.values()}) == 1 else size
             for size in sizes]  # fmt: skip
    as_clip = {"do_resize": True, "do_center_crop": True, "do_rescale": True, "do_normalize": True, "resample": BICUBIC}
    wrong = [f"{key} {quote(said[key])}" for key, value in as_clip.items() if said.get(key, value) != value]
    wrong += [f"size {quote(size)}" for size, side in zip(sizes, sides, strict=True) if side != image_size]
    if isinstance(sizes[0], dict) and "shortest_edge" not in sizes[0]:
        wrong.append(f"size {quote(sizes[0])}")
    if abs(said.get("rescale_factor", 1 / 255) - 1 / 255) > 1e-9:
        wrong.append(f"rescale_factor {quote(said['rescale_factor'])}")
    if wrong:
        raise ConfigError(
            f"preprocessor_config.json has {wrong[0]}, expected CLIP's way: {image_size} bicubic, its centre, 1 / 255"
        )
    frame = None if said.get(FRAME) else False
    return Preprocessing(image_size, frame, *statistics(said.get("image_mean"), said.get("image_std"), "image_"))


def preprocessing_from_open_clip(said, image_size: int) -> Preprocessing:
    """What open_clip_config.json says of pictures; a ConfigError for another way than CLIP's."""
    how = said.get("preprocess_cfg") or {}
    for key, value in (("interpolation", "bicubic"), ("resize_mode", "shortest")):
        if how.get(key, value) != value:
            raise ConfigError(f"open_clip_config.json has {key} {quote(how[key])}, expected {quote(value)}")
    return Preprocessing(image_size, False, *statistics(how.get("mean"), how.get("std"), ""))


def statistics(mean, std, prefix: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and deviation of three channels; CLIP's own where none are given."""
    found = []
    for name, values, default in (("mean", mean, IMAGE_MEAN), ("std", std, IMAGE_STD)):
        values = default if values is None else values
        numbers = isinstance(values, list | tuple) and len(values) == CHANNELS
        if not numbers or not all(type(one) in (int, float) and (name == "mean" or one > 0) for one in values):
            raise ConfigError(f"{prefix}{name} is {quote(values)}, expected {CHANNELS} numbers")
        found.append(tuple(map(float, values)))
    return found[0], found[1]
