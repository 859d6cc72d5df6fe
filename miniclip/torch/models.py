"""The same two towers as `nn.Module`s. Read it beside `miniclip/models/` and `miniclip/nn/`: each line has its twin.

Every tensor has the name it has in the NumPy tree, so `load_state_dict` takes the flattened tree, and gives it back.
There is no backward here: autograd derives it, and the tests compare it with ours.
"""

import torch
from torch import nn
from torch.nn import functional as F

from ..models.checks import CHANNELS
from ..models.clip import ClipConfig
from ..models.text import TextConfig
from ..models.vision import VisionConfig
from ..nn.tree import flatten


def quick_gelu(x):
    """y = x sigmoid(1.702 x)"""
    return x * torch.sigmoid(1.702 * x)


ACTIVATIONS = {"quick_gelu": quick_gelu, "gelu": F.gelu}


def split_heads(x, heads):
    """(B, T, H K) -> (B, H, T, K)"""
    B, T, D = x.shape
    return x.reshape(B, T, heads, D // heads).transpose(1, 2)


def merge_heads(x):
    """(B, H, T, K) -> (B, T, H K)"""
    B, H, T, K = x.shape
    return x.transpose(1, 2).reshape(B, T, H * K)


def picked(x, position):
    """y[b] = x[b, position[b]]"""
    return x[torch.arange(len(x), device=x.device), position]


class Attention(nn.Module):
    """y = concat_h(attend(q_h, k_h, v_h)) W_o^T + b_o,  [q, k, v] = x W_in^T + b_in"""

    def __init__(self, d, heads):
        super().__init__()
        self.in_proj, self.out_proj, self.heads = nn.Linear(d, 3 * d), nn.Linear(d, d), heads

    def forward(self, x, causal):
        qkv = self.in_proj(x)
        q, k, v = (split_heads(part, self.heads) for part in qkv.chunk(3, dim=-1))
        h = F.scaled_dot_product_attention(q, k, v, is_causal=causal)
        return self.out_proj(merge_heads(h))

    def read(self, x, causal, read):
        """y[b] = attention(x)[b, read[b]]: one token of each sequence asks, all are asked"""
        D, (weight, bias) = x.shape[-1], (self.in_proj.weight, self.in_proj.bias)
        q = F.linear(picked(x, read), weight[:D], bias[:D])
        kv = F.linear(x, weight[D:], bias[D:])
        k, v = (split_heads(part, self.heads) for part in kv.chunk(2, dim=-1))
        mask = (torch.arange(x.shape[1], device=x.device) <= read[:, None])[:, None, None] if causal else None
        h = F.scaled_dot_product_attention(split_heads(q[:, None], self.heads), k, v, mask)
        return self.out_proj(h.flatten(1))


class MLP(nn.Module):
    """y = act(x W_1^T + b_1) W_2^T + b_2"""

    def __init__(self, d, inner, activation):
        super().__init__()
        self.c_fc, self.c_proj, self.activation = nn.Linear(d, inner), nn.Linear(inner, d), ACTIVATIONS[activation]

    def forward(self, x):
        h = self.c_fc(x)
        h = self.activation(h)
        return self.c_proj(h)


class Block(nn.Module):
    """x = x + attention(ln_1(x)),  y = x + mlp(ln_2(x))"""

    def __init__(self, config, causal):
        super().__init__()
        D, eps = config.width, config.eps
        self.ln_1, self.attn = nn.LayerNorm(D, eps), Attention(D, config.heads)
        self.ln_2, self.mlp = nn.LayerNorm(D, eps), MLP(D, config.mlp_width, config.activation)
        self.causal = causal

    def forward(self, x, read=None):
        h = self.ln_1(x)
        if read is None:
            h = self.attn(h, self.causal)
        else:
            h = self.attn.read(h, self.causal, read)
            x = picked(x, read)
        x = x + h
        h = self.ln_2(x)
        h = self.mlp(h)
        return x + h


class Blocks(nn.ModuleList):
    """The blocks, one after the other; with read (B,), the last one only there"""

    def forward(self, x, read=None):
        for n, block in enumerate(self, 1):
            x = block(x, read if n == len(self) else None)
        return x


def patchify(images, P):
    """(B, Y, X, C) -> (B, (Y/P) (X/P), P P C)"""
    B, Y, X, C = images.shape
    grid = images.reshape(B, Y // P, P, X // P, P, C).transpose(2, 3)
    return grid.reshape(B, (Y // P) * (X // P), P * P * C)


class VisionTower(nn.Module):
    """features = W ln_post(class token of blocks(ln_pre([class, W_patch patches] + positions)))"""

    def __init__(self, config: VisionConfig, embed_dim: int):
        super().__init__()
        D, P = config.width, config.patch_size
        self.patch_size = P
        self.patch_embedding = nn.Linear(P * P * CHANNELS, D, bias=False)
        self.class_embedding = nn.Parameter(torch.empty(D))
        self.positional_embedding = nn.Parameter(torch.empty(1 + config.patches, D))
        self.ln_pre = nn.LayerNorm(D, config.eps)
        self.blocks = Blocks(Block(config, causal=False) for _ in range(config.layers))
        self.ln_post = nn.LayerNorm(D, config.eps)
        self.proj = nn.Linear(D, embed_dim, bias=False)

    def trunk(self, images, read=None):
        """tokens = blocks(ln_pre([class, W_patch patches] + positions))"""
        x = patchify(images, self.patch_size)
        x = self.patch_embedding(x)
        x = torch.cat([self.class_embedding.expand(len(x), 1, -1), x], dim=1)
        x = x + self.positional_embedding
        x = self.ln_pre(x)
        return self.blocks(x, read)

    def head(self, x):
        """features = W ln_post(class token)"""
        x = self.ln_post(x)
        return self.proj(x)

    def forward(self, images):
        first = torch.zeros(len(images), dtype=torch.long, device=images.device)  # the class token of each picture
        x = self.trunk(images, first)
        return self.head(x)


class TextTower(nn.Module):
    """features = W (ln_final(blocks(embedding[ids] + positions)) at the end token)"""

    def __init__(self, config: TextConfig, embed_dim: int):
        super().__init__()
        D = config.width
        self.eos_token_id = config.eos_token_id
        self.token_embedding = nn.Embedding(config.vocab_size, D)
        self.positional_embedding = nn.Parameter(torch.empty(config.context_length, D))
        self.blocks = Blocks(Block(config, causal=True) for _ in range(config.layers))
        self.ln_final = nn.LayerNorm(D, config.eps)
        self.text_projection = nn.Linear(D, embed_dim, bias=False)

    def trunk(self, ids, read=None):
        """x = ln_final(blocks(embedding[ids] + positions))"""
        x = self.token_embedding(ids)
        x = x + self.positional_embedding[: ids.shape[1]]
        x = self.blocks(x, read)
        return self.ln_final(x)

    def forward(self, ids):
        end = (ids == self.eos_token_id).int().argmax(1)
        x = self.trunk(ids, end)
        return self.text_projection(x)


class Clip(nn.Module):
    """Both towers, and the log of the scale: (image, text), each (B, E) unit vectors. The loss does the rest."""

    forwards: tuple[str, ...] = ("encode_image", "encode_text")  # what training calls, and may compile

    def __init__(self, config: ClipConfig):
        super().__init__()
        self.visual = VisionTower(config.vision, config.embed_dim)
        self.text = TextTower(config.text, config.embed_dim)
        self.logit_scale = nn.Parameter(torch.empty(()))
        if config.logit_bias:
            self.logit_bias = nn.Parameter(torch.empty(()))

    def encode_image(self, images):
        features = self.visual(images).to(self.logit_scale.dtype)  # under autocast they are bfloat16
        return F.normalize(features, dim=-1)

    def encode_text(self, ids):
        features = self.text(ids).to(self.logit_scale.dtype)
        return F.normalize(features, dim=-1)

    def forward(self, images, ids):
        return self.encode_image(images), self.encode_text(ids)


def from_params(params, config, kind=Clip):
    """A module of this kind with a NumPy tree's weights, copied, in their dtype; `state_dict` is the way back."""
    with torch.device("meta"):  # no memory, and no random numbers, for weights that are replaced at once
        model = kind(config)
    weights = {name: torch.tensor(leaf) for name, leaf in flatten(params).items()}
    model.load_state_dict(weights, assign=True)
    return model
