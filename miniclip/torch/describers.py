"""What looks at the image tower's tokens, as `nn.Module`s: decoder, CoCa, bridge, fusion encoder.

Read it beside `miniclip/models/`: each line has its twin, and every tensor its name.
"""

import torch
from torch import nn
from torch.nn import functional as F

from ..models.bridge import BridgeConfig, BridgedConfig
from ..models.coca import CocaConfig
from ..models.decoder import DecoderConfig
from .models import ACTIVATIONS, MLP, Attention, Clip, VisionTower, merge_heads, split_heads


class CrossAttention(nn.Module):
    """y = concat_h(attend(q_h, k_h, v_h)) W_o^T + b_o,  q = x W_q^T + b_q,  [k, v] = context W_kv^T + b_kv"""

    def __init__(self, d, d_context, heads):
        super().__init__()
        self.q_proj, self.kv_proj, self.out_proj = nn.Linear(d, d), nn.Linear(d_context, 2 * d), nn.Linear(d, d)
        self.heads = heads

    def forward(self, x, context):
        q = self.q_proj(x)
        kv = self.kv_proj(context)
        k, v = (split_heads(part, self.heads) for part in kv.chunk(2, dim=-1))
        h = F.scaled_dot_product_attention(split_heads(q, self.heads), k, v)
        return self.out_proj(merge_heads(h))


class DecoderBlock(nn.Module):
    """x = x + attention(ln_1(x)),  x = x + cross_attention(ln_cross(x), memory),  y = x + mlp(ln_2(x))"""

    def __init__(self, d, d_memory, heads, activation, causal):
        super().__init__()
        self.ln_1, self.attn = nn.LayerNorm(d), Attention(d, heads)
        if d_memory:
            self.ln_cross, self.cross = nn.LayerNorm(d), CrossAttention(d, d_memory, heads)
        self.ln_2, self.mlp = nn.LayerNorm(d), MLP(d, 4 * d, activation)
        self.causal = causal

    def forward(self, x, memory):
        h = self.ln_1(x)
        h = self.attn(h, self.causal)
        x = x + h
        if memory is not None:
            h = self.ln_cross(x)
            h = self.cross(h, memory)
            x = x + h
        h = self.ln_2(x)
        h = self.mlp(h)
        return x + h


class Decoder(nn.Module):
    """logits = h W^T,  h = ln_final(blocks([prefix, embedding[ids]] + positions, ln_memory(memory)))"""

    def __init__(self, config: DecoderConfig):
        super().__init__()
        D, M = config.width, config.memory_width
        self.token_embedding = nn.Embedding(config.vocab_size, D)
        self.positional_embedding = nn.Parameter(torch.empty(config.context_length, D))
        if M:
            self.ln_memory = nn.LayerNorm(M)
        blocks = (DecoderBlock(D, M, config.heads, config.activation, causal=True) for _ in range(config.layers))
        self.blocks = nn.ModuleList(blocks)
        self.ln_final = nn.LayerNorm(D)

    def trunk(self, ids, memory=None, prefix=None):
        """What each place knows, the prefix's places included."""
        x = self.token_embedding(ids)
        if prefix is not None:
            x = torch.cat([prefix, x], dim=1)
        x = x + self.positional_embedding[: x.shape[1]]
        if memory is not None:
            memory = self.ln_memory(memory)
        for block in self.blocks:
            x = block(x, memory)
        return self.ln_final(x)

    def forward(self, ids, memory=None, prefix=None):
        h = self.trunk(ids, memory, prefix)
        h = h[:, -ids.shape[1] :]
        return F.linear(h, self.token_embedding.weight)


class Coca(Clip):
    """CLIP, and a decoder that looks at its image tower's tokens."""

    forwards = ("caption", "coca", "encode_text")

    def __init__(self, config: CocaConfig):
        super().__init__(config.clip)
        self.decoder = Decoder(config.decoder)

    def caption(self, images, ids):
        """logits = decoder(ids, memory = trunk(images))"""
        memory = self.visual.trunk(images)
        return self.decoder(ids, memory)

    def coca(self, images, ids):
        """(image, logits): one pass through the trunk for both; autograd adds the gradients where it forks."""
        tokens = self.visual.trunk(images)
        features = self.visual.head(tokens[:, 0])
        image = F.normalize(features.to(self.logit_scale.dtype), dim=-1)  # under autocast they are bfloat16
        return image, self.decoder(ids, tokens)


class Language(nn.Module):
    """logits = decoder(ids): a language model."""

    forwards = ("language",)

    def __init__(self, config: DecoderConfig):
        super().__init__()
        self.decoder = Decoder(config)

    def language(self, ids):
        """The logits of the next words."""
        return self.decoder(ids)


class Bridge(nn.Module):
    """prefix = proj(look(ln_memory(patches)))"""

    def __init__(self, config: BridgeConfig):
        super().__init__()
        M, D, I = config.memory_width, config.width, config.inner
        self.kind = config.kind
        self.ln_memory = nn.LayerNorm(M)
        if config.kind == "mlp":
            self.c_fc, self.activation = nn.Linear(M, 4 * M), ACTIVATIONS[config.activation]
        elif config.kind == "queries":
            self.queries = nn.Parameter(torch.empty(config.queries, I))
            blocks = (DecoderBlock(I, M, config.heads, config.activation, causal=False) for _ in range(config.layers))
            self.blocks = nn.ModuleList(blocks)
            self.ln_final = nn.LayerNorm(I)
        self.proj = nn.Linear({"linear": M, "mlp": 4 * M, "queries": I}[config.kind], D)

    def forward(self, tokens):
        x = self.ln_memory(tokens[:, 1:])
        if self.kind == "mlp":
            x = self.c_fc(x)
            x = self.activation(x)
        elif self.kind == "queries":
            patches, x = x, self.queries.expand(len(x), -1, -1)
            for block in self.blocks:
                x = block(x, patches)
            x = self.ln_final(x)
        return self.proj(x)


class Bridged(nn.Module):
    """logits = decoder(ids, prefix = bridge(trunk(images)))"""

    forwards = ("bridged", "prefix")

    def __init__(self, config: BridgedConfig):
        super().__init__()
        self.visual = VisionTower(config.clip.vision, config.clip.embed_dim)
        self.bridge = Bridge(config.bridge)
        self.decoder = Decoder(config.decoder)

    def prefix(self, images):
        """What the language model is shown of a picture."""
        tokens = self.visual.trunk(images)
        return self.bridge(tokens)

    def bridged(self, images, ids):
        """The logits of the next words."""
        prefix = self.prefix(images)
        return self.decoder(ids, prefix=prefix)


class Fusion(nn.Module):
    """logits = w . (mean of trunk(ids, memory) over the words) + b,  memory = trunk(images)"""

    forwards = ("forward",)

    def __init__(self, config: CocaConfig):
        super().__init__()
        self.eos_token_id = config.clip.text.eos_token_id
        self.visual = VisionTower(config.clip.vision, config.clip.embed_dim)
        self.decoder = Decoder(config.decoder)
        self.match = nn.Linear(config.decoder.width, 1)

    def forward(self, images, ids):
        memory = self.visual.trunk(images)
        x = self.decoder.trunk(ids, memory)
        length = 1 + (ids == self.eos_token_id).int().argmax(1)
        weight = (torch.arange(ids.shape[1], device=x.device) < length[:, None]).to(x.dtype) / length[:, None]
        x = (weight[:, None] @ x)[:, 0]
        x = self.match(x)
        return x[:, 0]
