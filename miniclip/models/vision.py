"""The image tower: a vision transformer, as in OpenAI's CLIP.

images -> patches -> linear -> [class, patches] + positions -> ln_pre -> blocks -> ln_post(class token) -> projection.
Sources: Dosovitskiy et al. 2020, arXiv:2010.11929; openai/CLIP model.py, VisionTransformer.
"""

from dataclasses import dataclass

import numpy as np

from ..errors import ConfigError
from ..nn.blocks import blocks_backward, blocks_forward, init_block
from ..nn.cache import new_cache
from ..nn.layers import (
    EPS,
    init_layer_norm,
    init_linear,
    init_prepend,
    layer_norm_backward,
    layer_norm_forward,
    linear_backward,
    linear_forward,
    linear_gradients,
    position_backward,
    position_forward,
    prepend_backward,
    prepend_forward,
)
from .checks import CHANNELS, check_encoder


@dataclass(frozen=True)
class VisionConfig:
    """Sizes of the image tower; `image_size` and `patch_size` are the sides of squares, in pixels."""

    image_size: int = 32
    patch_size: int = 8
    width: int = 64
    layers: int = 2
    heads: int = 4
    activation: str = "quick_gelu"
    mlp_width: int | None = None  # 4 width
    eps: float = EPS

    def __post_init__(self):
        check_encoder(self, "image_size", "patch_size", "width", "layers", "heads")
        if self.image_size % self.patch_size:
            raise ConfigError(
                f"VisionConfig.image_size is {self.image_size}, expected a multiple of patch_size = {self.patch_size}"
            )

    @property
    def patches(self) -> int:
        return (self.image_size // self.patch_size) ** 2


def patchify_forward(images, P):
    """y[b, (i, j), (u, v, k)] = images[b, i P + u, j P + v, k]: patches in reading order, pixels too, channels last.

    images (B, Y, X, C), Y and X multiples of P -> patches (B, (Y/P) (X/P), P P C)
    """
    B, Y, X, C = images.shape
    grid = images.reshape(B, Y // P, P, X // P, P, C).swapaxes(2, 3)
    return grid.reshape(B, (Y // P) * (X // P), P * P * C), (images.shape, P)


def patchify_backward(dy, c):
    """The same moves backwards: patchify only reorders, and each pixel is in one patch."""
    (B, Y, X, C), P = c
    grid = dy.reshape(B, Y // P, X // P, P, P, C).swapaxes(2, 3)
    return grid.reshape(B, Y, X, C)


def init_patch_embedding(rng, P, D):
    """Random filters, each of sum 0 over its pixels: an even patch gives 0, and at first only edges are seen."""
    p = init_linear(rng, P * P * CHANNELS, D, bias=False)
    pixels = p["weight"].reshape(D, P * P, CHANNELS)
    return {"weight": (pixels - pixels.mean(1, keepdims=True)).reshape(D, -1)}


def init_grid_position(rng, config: VisionConfig):
    """One vector for the class token, then f(i) + g(j) for the patch in row i, column j: two parabolas, random axes.

    OpenAI's CLIP starts with unrelated vectors, and has 400 million pairs to find out which are neighbours. Here
    neighbours are near each other from the first step on; without it the words for places stay unlearned in 256,000
    pairs. On a straight line "left" and "right" would be learned at once and "middle" late: no direction favours a
    point between two others. On a curve every point is an end in some direction. 0.4 was found by trying.
    """
    side = config.image_size // config.patch_size
    line = np.linspace(-1.0, 1.0, side) if side > 1 else np.zeros(1)
    parabola = line * line - np.mean(line * line)
    parabola /= max(np.abs(parabola).max(), 1e-9)  # of one or two rows it is 0
    class_vector, a, b, a2, b2 = rng.normal(0.0, 0.4, (5, config.width))
    down = np.outer(line, a) + np.outer(parabola, b)  # (side, D): f, for each row
    right = np.outer(line, a2) + np.outer(parabola, b2)  # (side, D): g, for each column
    grid = down[:, None] + right[None, :]
    return np.concatenate([class_vector[None], grid.reshape(-1, config.width)])


def init_vision(rng, config: VisionConfig, embed_dim: int):
    """Parameters of the image tower, as a tree.

    Sizes of class token, blocks and projection as in openai/CLIP; of filters and positions as their functions say.
    """
    D, P = config.width, config.patch_size
    return {
        "patch_embedding": init_patch_embedding(rng, P, D),
        "class_embedding": init_prepend(rng, D, D**-0.5),
        "positional_embedding": init_grid_position(rng, config),
        "ln_pre": init_layer_norm(D),
        "blocks": [init_block(rng, D, config.layers, config.mlp_width) for _ in range(config.layers)],
        "ln_post": init_layer_norm(D),
        "proj": init_linear(rng, D, embed_dim, bias=False),
    }


def vision_trunk_forward(images, p, config: VisionConfig, read=None):
    """tokens = blocks(ln_pre([class, W_patch patches] + positions)): the class token, then one for each patch.

    images (B, Y, X, C) normalised -> tokens (B, 1 + N, D); with read (B,) only that token of each: (B, D)
    """
    c = new_cache()
    x, c["patchify"] = patchify_forward(images, config.patch_size)
    x, c["patch_embedding"] = linear_forward(x, p["patch_embedding"])
    x, c["class_embedding"] = prepend_forward(x, p["class_embedding"])
    x, c["positional_embedding"] = position_forward(x, p["positional_embedding"])
    x, c["ln_pre"] = layer_norm_forward(x, p["ln_pre"], config.eps)
    x, c["blocks"] = blocks_forward(x, p["blocks"], config.heads, config.activation, read=read, eps=config.eps)
    return x, c


def vision_trunk_backward(dy, c):
    """dpatches, g: the lines of the forward in reverse, down to the embedded patches.

    dy (B, 1 + N, D) -> dpatches (B, N, D). Pixels do not learn: who wants their gradient asks `pixels_backward`.
    """
    g = {}
    dx, g["blocks"] = blocks_backward(dy, c["blocks"])
    dx, g["ln_pre"] = layer_norm_backward(dx, c["ln_pre"])
    dx, g["positional_embedding"] = position_backward(dx, c["positional_embedding"])
    dx, g["class_embedding"] = prepend_backward(dx, c["class_embedding"])
    g["patch_embedding"] = linear_gradients(dx, c["patch_embedding"])
    return dx, g


def pixels_backward(dpatches, c):
    """dimages (B, Y, X, C), of the dpatches that `vision_trunk_backward` returns; c is its cache."""
    dx, _ = linear_backward(dpatches, c["patch_embedding"])
    return patchify_backward(dx, c["patchify"])


def class_positions(images):
    """Where each picture is read: at the class token, which comes first. images (B, ...) -> (B,)"""
    return np.zeros(len(images), int)


def vision_head_forward(x, p, eps=EPS):
    """features = W ln_post(class token): what the contrastive loss sees of the picture.

    x (B, D) class tokens -> features (B, E)
    """
    c = new_cache()
    x, c["ln_post"] = layer_norm_forward(x, p["ln_post"], eps)
    x, c["proj"] = linear_forward(x, p["proj"])
    return x, c


def vision_head_backward(dy, c):
    """dx, g: the lines of the forward in reverse."""
    g = {}
    dx, g["proj"] = linear_backward(dy, c["proj"])
    dx, g["ln_post"] = layer_norm_backward(dx, c["ln_post"])
    return dx, g


def vision_forward(images, p, config: VisionConfig):
    """features = head(trunk(images)).

    images (B, Y, X, C) normalised -> features (B, E)
    """
    x, c_trunk = vision_trunk_forward(images, p, config, read=class_positions(images))
    x, c_head = vision_head_forward(x, p, config.eps)
    return x, c_trunk | c_head


def vision_backward(dy, c):
    """dpatches, g: the lines of the forward in reverse."""
    dx, g_head = vision_head_backward(dy, c)
    dx, g_trunk = vision_trunk_backward(dx, c)
    return dx, g_trunk | g_head
