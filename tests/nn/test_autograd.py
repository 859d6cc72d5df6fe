"""Every operation, layer and loss against PyTorch's own: value and every gradient, in float64."""

import numpy as np
import pytest
import torch
from cases import LAYERS, LOSSES, OPS, build
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from miniclip.nn.losses import info_nce_backward, info_nce_forward
from miniclip.nn.tree import flatten

TOLERANCE = 1e-9


def heads(x, H):
    return x.unflatten(-1, (H, -1)).transpose(1, 2)


def linear(x, p):
    return F.linear(x, p["weight"], p.get("bias"))


def layer_norm(x, p):
    return F.layer_norm(x, x.shape[-1:], p["weight"], p["bias"])


def attention(x, p, causal=False):
    q, k, v = (heads(part, 2) for part in linear(x, p["in_proj"]).chunk(3, -1))
    return linear(F.scaled_dot_product_attention(q, k, v, is_causal=causal).transpose(1, 2).flatten(2), p["out_proj"])


def cross_attention(x, context, p, mask=None):
    k, v = (heads(part, 2) for part in linear(context, p["kv_proj"]).chunk(2, -1))
    y = F.scaled_dot_product_attention(heads(linear(x, p["q_proj"]), 2), k, v, mask)
    return linear(y.transpose(1, 2).flatten(2), p["out_proj"])


def quick_gelu(x):
    return x * torch.sigmoid(1.702 * x)


def mlp(x, p, activation=quick_gelu):
    return linear(activation(linear(x, p["c_fc"])), p["c_proj"])


def block(x, p, activation=quick_gelu, causal=False):
    x = x + attention(layer_norm(x, p["ln_1"]), p["attn"], causal)
    return x + mlp(layer_norm(x, p["ln_2"]), p["mlp"], activation)


def blocks(x, p, activation=quick_gelu, causal=True):
    for one in p:
        x = block(x, one, activation, causal)
    return x


def read(whole):
    """All tokens of the last block, and then one of them: what ours does without the others."""
    return lambda x, place, p: whole(x, p)[torch.arange(len(x)), place]


def decoder_block(x, memory, p):
    x = x + attention(layer_norm(x, p["ln_1"]), p["attn"], causal=True)
    if memory is not None:
        x = x + cross_attention(layer_norm(x, p["ln_cross"]), memory, p["cross"])
    return x + mlp(layer_norm(x, p["ln_2"]), p["mlp"], F.gelu)


def decoder_blocks(x, memory, p):
    for one in p:
        x = decoder_block(x, memory, one)
    return x


def patchify(x):
    """Pictures in PyTorch's order through unfold: channels outermost, so put them last."""
    columns = F.unfold(x.permute(0, 3, 1, 2), 3, stride=3)
    return columns.unflatten(1, (3, 9)).permute(0, 3, 2, 1).flatten(2)


def logits(image, text, logit_scale):
    return logit_scale.exp() * image @ text.T


def info_nce(image, text, logit_scale):
    S, truth = logits(image, text, logit_scale), torch.arange(len(image))
    return (F.cross_entropy(S, truth) + F.cross_entropy(S.T, truth)) / 2


def multi_positive(image, text, logit_scale, positives):
    S, Q = logits(image, text, logit_scale), positives.double()
    rows = F.cross_entropy(S, Q / Q.sum(1, keepdim=True))
    return (rows + F.cross_entropy(S.T, (Q / Q.sum(0)).T)) / 2


def sigmoid_loss(image, text, logit_scale, logit_bias):
    z = 2 * torch.eye(len(image), dtype=image.dtype) - 1
    return -F.logsigmoid(z * (logits(image, text, logit_scale) + logit_bias)).sum() / len(image)


THEIRS = {
    "gelu": F.gelu,
    "quick_gelu": quick_gelu,
    "softmax": lambda x: x.softmax(-1),
    "log_softmax": lambda x: x.log_softmax(-1),
    "normalize": lambda x: F.normalize(x, dim=-1),
    "normalize, of sequences": lambda x: F.normalize(x, dim=-1),
    "pick": lambda x, position: x[torch.arange(len(x)), position],
    "mean of first": lambda x, length: torch.stack([row[:n].mean(0) for row, n in zip(x, length, strict=True)]),
    "attend": F.scaled_dot_product_attention,
    "attend, masked": lambda q, k, v, mask: F.scaled_dot_product_attention(q, k, v, mask),
    "patchify": patchify,
    "linear": linear,
    "linear, of rows": linear,
    "linear, no bias": linear,
    "layer_norm": layer_norm,
    "layer_norm, of rows": layer_norm,
    "embedding": lambda ids, p: F.embedding(ids, p["weight"]),
    "position": lambda x, p: x + p,
    "position, shorter": lambda x, p: x + p[: x.shape[1]],
    "prepend": lambda x, p: torch.cat([p.expand(len(x), 1, -1), x], 1),
    "attention": attention,
    "attention, causal": lambda x, p: attention(x, p, causal=True),
    "cross_attention": cross_attention,
    "cross_attention, masked": cross_attention,
    "mlp": mlp,
    "mlp, gelu": lambda x, p: mlp(x, p, F.gelu),
    "block": block,
    "block, causal gelu": lambda x, p: block(x, p, F.gelu, causal=True),
    "blocks": blocks,
    "attention, read": read(attention),
    "attention, read, causal": read(lambda x, p: attention(x, p, causal=True)),
    "blocks, read": read(lambda x, p: blocks(x, p, F.gelu, causal=False)),
    "blocks, read, causal": read(blocks),
    "decoder_block": decoder_block,
    "decoder_block, no memory": lambda x, p: decoder_block(x, None, p),
    "decoder_blocks": decoder_blocks,
    "cross_entropy": lambda x, targets: F.cross_entropy(x.flatten(0, 1), targets.flatten()),
    "cross_entropy, some ignored": lambda x, targets: F.cross_entropy(x.flatten(0, 1), targets.flatten()),
    "binary_cross_entropy": lambda x, truth: F.binary_cross_entropy_with_logits(x, truth.double()),
    "logits": logits,
    "info_nce": info_nce,
    "multi_positive": multi_positive,
    "sigmoid_loss": sigmoid_loss,
    "chunked_info_nce": lambda image, text, logit_scale, chunk: info_nce(image, text, logit_scale),
    "chunked_info_nce, one chunk": info_nce,
}


def as_torch(tree):
    if isinstance(tree, dict):
        return {key: as_torch(child) for key, child in tree.items()}
    if isinstance(tree, list):
        return [as_torch(child) for child in tree]
    return torch.tensor(tree, requires_grad=tree.dtype.kind == "f")


def test_nothing_is_left_out():
    assert THEIRS.keys() == (OPS | LAYERS | LOSSES).keys()


@pytest.mark.parametrize("name", THEIRS)
@pytest.mark.parametrize("seed", range(3))
def test_the_value_and_every_gradient_are_those_of_pytorch(name, seed):
    case = build(name, seed)
    y, c = case.run()
    dy = np.asarray(case.upstream(np.random.default_rng(1)))
    inputs, params = as_torch(case.inputs), [] if case.params is None else [as_torch(case.params)]
    expected = THEIRS[name](*inputs, *params, **{key: torch.as_tensor(option) for key, option in case.drawn.items()})
    assert y.shape == expected.shape
    assert np.abs(y - expected.detach().numpy()).max() <= 1e-12 * max(1.0, np.abs(y).max())
    expected.backward(torch.tensor(dy))
    tree = {"inputs": [x for x in inputs if x.requires_grad]} | ({"params": params[0]} if params else {})
    ours, theirs = flatten(case.gradients(dy, c)), flatten(tree)
    assert ours.keys() == theirs.keys()
    for tensor, g in ours.items():
        other = theirs[tensor].grad.numpy()
        assert np.abs(g - other).max() <= TOLERANCE * max(1.0, np.abs(other).max()), tensor


# A second derivative of the loss that shares no method with the others: one complex step, exact to the last digit.


def complex_info_nce(image, text, logit_scale):
    S = np.exp(logit_scale) * (image @ text.T)
    shift = S.real.max()
    lse = [np.log(np.exp(S - shift).sum(axis)) + shift for axis in (0, 1)]
    return (0.5 * (lse[0] + lse[1]) - S.diagonal()).mean()


@settings(max_examples=10)
@given(st.integers(2, 9), st.integers(1, 6), st.floats(-2.0, 3.0), st.integers(0, 2**32 - 1))
def test_the_gradients_of_the_loss_are_its_complex_step(B, E, logit_scale, seed):
    rng = np.random.default_rng(seed)
    inputs = [rng.normal(size=(B, E)), rng.normal(size=(B, E)), np.array(logit_scale)]
    loss, c = info_nce_forward(*inputs)
    assert loss == pytest.approx(complex_info_nce(*inputs), rel=1e-12, abs=1e-12)
    for i, g in enumerate(info_nce_backward(c)):
        for entry in np.ndindex(np.shape(g)):
            moved = [x.astype(complex) for x in inputs]
            moved[i][entry] += 1e-30j
            slope = complex_info_nce(*moved).imag / 1e-30
            assert abs(slope - np.asarray(g)[entry]) <= 1e-12 * max(1.0, np.abs(g).max())
