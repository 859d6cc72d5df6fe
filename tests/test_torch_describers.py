"""Decoder, CoCa, bridge, fusion encoder against their PyTorch twins in float64: names, outputs, gradients, steps."""

from functools import partial

import numpy as np
import pytest
import torch
from case import Sizes, captions, shake
from decoder_cases import BRIDGE_KINDS, bridge_config, decoder_config, random_describer, some_ignored
from torch.nn import functional as F

from miniclip.data.prompts import Texts
from miniclip.machine.threads import parts
from miniclip.models.bridge import BridgeConfig, bridge_backward, bridge_forward, init_bridge
from miniclip.models.coca import describe_backward, describe_forward, see_backward, see_forward
from miniclip.models.decoder import decoder_backward, decoder_forward, init_decoder
from miniclip.models.fusion import (
    fusion_backward,
    fusion_forward,
    init_fusion,
)
from miniclip.nn.ops import (
    IGNORE,
    binary_cross_entropy_backward,
    binary_cross_entropy_forward,
    cross_entropy_backward,
    cross_entropy_forward,
)
from miniclip.nn.optim import AdamW, decay_mask, warmup_cosine
from miniclip.nn.tree import flatten, pack, to_vector
from miniclip.torch.describers import Bridge, Coca, Decoder, Fusion
from miniclip.torch.models import from_params
from miniclip.train import objectives as steps
from miniclip.train.step import add_up

OUTPUT, GRADIENT = 1e-10, 1e-9
SIZES = [Sizes(), Sizes(B=2, T=3, S=5, H=3, K=2, E=7, V=11)]


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def twin(params, config, kind):
    """The module, with the names and shapes of the tree."""
    module = from_params(params, config, kind)
    shapes = {name: leaf.shape for name, leaf in flatten(params).items()}
    assert {name: tuple(x.shape) for name, x in module.state_dict().items()} == shapes
    return module


def variable(x):
    return torch.tensor(x, requires_grad=True)


def same_output(ours, theirs):
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs.detach().numpy()).max() <= OUTPUT


def same_gradients(g, module, *inputs):
    """Every named gradient, and those of (ours, variable) of the inputs; a tensor that ours leaves out gets none."""
    named = flatten(g)
    assert named.keys() == {name for name, p in module.named_parameters() if p.grad is not None}
    for name, ours in named.items():
        assert np.abs(ours - module.get_parameter(name).grad.numpy()).max() <= GRADIENT, name
    for ours, x in inputs:
        assert np.abs(ours - x.grad.numpy()).max() <= GRADIENT


def word_loss(logits, targets):
    """Ours and its gradient."""
    loss, c = cross_entropy_forward(logits, targets)
    return loss, cross_entropy_backward(c)


def their_word_loss(logits, targets):
    return F.cross_entropy(logits.flatten(0, 1), torch.tensor(targets).flatten(), ignore_index=IGNORE)


@pytest.mark.parametrize("z", SIZES)
@pytest.mark.parametrize("seed", range(3))
def test_describe(z, seed):
    config, params, images, ids, targets = random_describer(seed, z)
    module, pixels = twin(params, config, Coca), variable(images)
    logits, c = describe_forward(images, ids, params, config)
    loss, dlogits = word_loss(logits, targets)
    dimages, g = describe_backward(dlogits, c)
    their_logits = module.describe(pixels, torch.tensor(ids))
    same_output(logits, their_logits)
    their_loss = their_word_loss(their_logits, targets)
    assert abs(loss - their_loss.item()) <= OUTPUT
    their_loss.backward()
    same_gradients(g, module, (dimages, pixels))


@pytest.mark.parametrize("z", SIZES)
@pytest.mark.parametrize("seed", range(3))
def test_see_with_a_gradient_for_either_output(z, seed):
    config, params, images, ids, _ = random_describer(seed, z)
    module, pixels = twin(params, config, Coca), variable(images)
    outputs, c = see_forward(images, ids, params, config)
    theirs = module.see(pixels, torch.tensor(ids))
    for ours, other in zip(outputs, theirs, strict=True):
        same_output(ours, other)
    upstream = [np.random.default_rng((seed, 1)).normal(size=y.shape) for y in outputs]
    dimages, g = see_backward(*upstream, c)
    torch.autograd.backward(theirs, [torch.tensor(dy) for dy in upstream])
    same_gradients(g, module, (dimages, pixels))


@pytest.mark.parametrize("z", SIZES)
@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("given", [(), ("memory",), ("prefix",), ("memory", "prefix")])
def test_decoder(z, tied, given):
    """Without memory and prefix it is a language model."""
    rng = np.random.default_rng(5)
    config = decoder_config(z, z.E if "memory" in given else 0, z.S if "prefix" in given else 0, tied)
    params = shake(rng, init_decoder(rng, config))
    ids, targets = captions(rng, z, z.V // 2), some_ignored(rng, z)
    shapes = {"memory": (z.B, z.S, z.E), "prefix": (z.B, z.S, z.D)}
    vectors = {name: rng.normal(size=shapes[name]) for name in given}
    module, variables = twin(params, config, Decoder), {name: variable(x) for name, x in vectors.items()}
    logits, c = decoder_forward(ids, params, config, **vectors)
    loss, dlogits = word_loss(logits, targets)
    dmemory, dprefix, g = decoder_backward(dlogits, c)
    their_logits = module(torch.tensor(ids), **variables)
    same_output(logits, their_logits)
    their_loss = their_word_loss(their_logits, targets)
    assert abs(loss - their_loss.item()) <= OUTPUT
    their_loss.backward()
    back = {"memory": dmemory, "prefix": dprefix}
    assert all((back[name] is None) == (name not in given) for name in back)
    same_gradients(g, module, *((back[name], x) for name, x in variables.items()))


@pytest.mark.parametrize("z", SIZES)
@pytest.mark.parametrize("kind", BRIDGE_KINDS)
def test_bridge_learns_through_a_frozen_language_model(kind, z):
    rng = np.random.default_rng(7)
    config = bridge_config(z, kind)
    reader = decoder_config(z._replace(H=1, K=z.E), prefix=config.tokens)
    p, p_reader = shake(rng, init_bridge(rng, config)), shake(rng, init_decoder(rng, reader))
    tokens, ids, targets = rng.normal(size=(z.B, 1 + z.S, z.D)), captions(rng, z, 1), some_ignored(rng, z)
    bridge, module = twin(p, config, Bridge), twin(p_reader, reader, Decoder).requires_grad_(False)
    seen = variable(tokens)
    prefix, c_bridge = bridge_forward(tokens, p, config)
    logits, c = decoder_forward(ids, p_reader, reader, prefix=prefix)
    loss, dlogits = word_loss(logits, targets)
    dtokens, g = bridge_backward(decoder_backward(dlogits, c)[1], c_bridge)
    their_prefix = bridge(seen)
    same_output(prefix, their_prefix)
    their_logits = module(torch.tensor(ids), prefix=their_prefix)
    same_output(logits, their_logits)
    their_loss = their_word_loss(their_logits, targets)
    assert abs(loss - their_loss.item()) <= OUTPUT
    their_loss.backward()
    same_gradients(g, bridge, (dtokens, seen))
    same_gradients({}, module)


@pytest.mark.parametrize("z", SIZES)
@pytest.mark.parametrize("seed", range(3))
def test_fusion(z, seed):
    config, _, images, ids, _ = random_describer(seed, z)
    rng = np.random.default_rng((seed, 2))
    params, truth = shake(rng, init_fusion(rng, config)), rng.random(z.B) < 0.5
    module, pixels = twin(params, config, Fusion), variable(images)
    logits, c = fusion_forward(images, ids, params, config)
    loss, c_loss = binary_cross_entropy_forward(logits, truth)
    dimages, g = fusion_backward(binary_cross_entropy_backward(c_loss), c)
    their_logits = module(pixels, torch.tensor(ids))
    same_output(logits, their_logits)
    their_loss = F.binary_cross_entropy_with_logits(their_logits, torch.tensor(truth).double())
    assert abs(loss - their_loss.item()) <= OUTPUT
    their_loss.backward()
    same_gradients(g, module, (dimages, pixels))


def test_a_bridge_is_aligned_with_the_words(monkeypatch):
    """The mean square of what is missing, relative to the words'; the words get no gradient."""
    monkeypatch.setattr(steps, "shares", partial(parts, size=2))
    z, rng = Sizes(), np.random.default_rng(3)
    config, tower, images, *_ = random_describer(3)
    vision = config.clip.vision
    bridge = BridgeConfig("queries", vision.width, z.E, vision.patches, 3, 2 * z.H, heads=z.H)
    p = {"visual": tower["visual"], "bridge": shake(rng, init_bridge(rng, bridge))}
    words = 0.3 * rng.normal(size=(z.V, z.E))
    p["decoder"] = {"token_embedding": {"weight": words}}
    ids = rng.integers(z.V, size=(z.B, 3))
    loss, trees = steps.align(images, ids, p, bridge, vision)
    module, tokens = twin(p["bridge"], bridge, Bridge), twin(tower, config, Coca).visual.trunk(torch.tensor(images))
    their_loss = F.mse_loss(module(tokens.detach()), torch.tensor(words[ids])) / (words**2).mean()
    assert abs(loss - their_loss.item()) <= OUTPUT
    their_loss.backward()
    same_gradients(add_up(trees, {"bridge": p["bridge"]})["bridge"], module)


def test_fifty_steps_of_describe_agree(monkeypatch):
    """Losses and weights, with AdamW, in parts of two here and all at once there."""
    monkeypatch.setattr(steps, "shares", partial(parts, size=2))
    config, params, images, ids, targets = random_describer(0)
    theta, views = pack({name: params[name] for name in ("visual", "decoder")}, np.float64)
    optimizer, texts = AdamW(theta, decay_mask(views)), Texts(ids, targets)
    module = twin(params, config, Coca)
    trained = {name: module.get_parameter(name) for name in flatten(views)}
    groups = [{"params": [p for p in trained.values() if p.ndim >= 2], "weight_decay": 0.1},
              {"params": [p for p in trained.values() if p.ndim < 2], "weight_decay": 0.0}]  # fmt: skip
    theirs = torch.optim.AdamW(groups, betas=(0.9, 0.95), eps=1e-6)
    before, losses = theta.copy(), []
    for step in range(50):
        lr = warmup_cosine(step, 50, 5, 3e-3)
        loss, trees = steps.describe(images, texts, params | views, config)
        optimizer.step(theta, to_vector(add_up(trees, views), like=views), lr)
        for group in theirs.param_groups:
            group["lr"] = lr
        theirs.zero_grad(set_to_none=False)
        their_loss = their_word_loss(module.describe(torch.tensor(images), torch.tensor(ids)), targets)
        their_loss.backward()
        for p in trained.values():
            p.grad = torch.zeros_like(p) if p.grad is None else p.grad  # ln_post and proj only decay, as they do here
        theirs.step()
        losses.append(loss)
        assert abs(loss - their_loss.item()) <= OUTPUT, step
    for name, leaf in flatten(views).items():
        assert np.abs(leaf - trained[name].detach().numpy()).max() <= GRADIENT, name
    assert losses[-1] < losses[0] / 2
    assert np.abs(theta - before).max() > 0.01
