"""Decoder, CoCa, bridge, fusion encoder against their PyTorch twins in float64: names, outputs, gradients, steps."""

from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from case import Sizes, captions, shake, to_pixels
from decoder_cases import BRIDGE_KINDS, bridge_config, decoder_config, random_describer, some_ignored
from test_stages import KINDS, small, staged
from test_train import quick, stop_at  # noqa: F401
from torch.nn import functional as F

from miniclip.data.prompts import Texts
from miniclip.errors import InputError, Interrupted
from miniclip.machine.threads import parts
from miniclip.models.bridge import BridgeConfig, bridge_backward, bridge_forward, init_bridge
from miniclip.models.coca import caption_backward, caption_forward, coca_backward, coca_forward
from miniclip.models.decoder import decoder_backward, decoder_forward, init_decoder
from miniclip.models.fusion import (
    fusion_backward,
    fusion_forward,
    init_fusion,
)
from miniclip.nn.decoder_ops import (
    IGNORE,
    binary_cross_entropy_backward,
    binary_cross_entropy_forward,
    cross_entropy_backward,
    cross_entropy_forward,
)
from miniclip.nn.tree import add_trees, flatten, pack
from miniclip.torch.describers import Bridge, Coca, Decoder, Fusion
from miniclip.torch.distributed import Place
from miniclip.torch.learner import backend_at
from miniclip.torch.models import from_params
from miniclip.torch.objectives import Objectives
from miniclip.train import objectives
from miniclip.train.loop import Learner, fit
from miniclip.train.run import train_stage

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
def test_caption(z, seed):
    config, params, images, ids, targets = random_describer(seed, z)
    module, pixels = twin(params, config, Coca), variable(images)
    logits, c = caption_forward(images, ids, params, config)
    loss, dlogits = word_loss(logits, targets)
    dimages, g = to_pixels(caption_backward, "visual")(dlogits, c)
    their_logits = module.caption(pixels, torch.tensor(ids))
    same_output(logits, their_logits)
    their_loss = their_word_loss(their_logits, targets)
    assert abs(loss - their_loss.item()) <= OUTPUT
    their_loss.backward()
    same_gradients(g, module, (dimages, pixels))


@pytest.mark.parametrize("z", SIZES)
@pytest.mark.parametrize("seed", range(3))
def test_coca_with_a_gradient_for_either_output(z, seed):
    config, params, images, ids, _ = random_describer(seed, z)
    module, pixels = twin(params, config, Coca), variable(images)
    outputs, c = coca_forward(images, ids, params, config)
    theirs = module.coca(pixels, torch.tensor(ids))
    for ours, other in zip(outputs, theirs, strict=True):
        same_output(ours, other)
    upstream = [np.random.default_rng((seed, 1)).normal(size=y.shape) for y in outputs]
    dimages, g = to_pixels(coca_backward, "trunk")(*upstream, c)
    torch.autograd.backward(theirs, [torch.tensor(dy) for dy in upstream])
    same_gradients(g, module, (dimages, pixels))


@pytest.mark.parametrize("z", SIZES)
@pytest.mark.parametrize("given", [(), ("memory",), ("prefix",), ("memory", "prefix")])
def test_decoder(z, given):
    """Without memory and prefix it is a language model."""
    rng = np.random.default_rng(5)
    config = decoder_config(z, z.E if "memory" in given else 0, z.S if "prefix" in given else 0)
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
    reader = decoder_config(z._replace(H=1, K=z.E), prefix=config.length)
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
    dimages, g = to_pixels(fusion_backward, "visual")(binary_cross_entropy_backward(c_loss), c)
    their_logits = module(pixels, torch.tensor(ids))
    same_output(logits, their_logits)
    their_loss = F.binary_cross_entropy_with_logits(their_logits, torch.tensor(truth).double())
    assert abs(loss - their_loss.item()) <= OUTPUT
    their_loss.backward()
    same_gradients(g, module, (dimages, pixels))


def test_a_bridge_is_aligned_with_the_words(monkeypatch):
    """The mean square of what is missing, relative to the words'; the words get no gradient."""
    monkeypatch.setattr(objectives, "at_least_two", partial(parts, size=2))
    z, rng = Sizes(), np.random.default_rng(3)
    config, tower, images, *_ = random_describer(3)
    vision = config.clip.vision
    bridge = BridgeConfig("queries", vision.width, z.E, vision.patches, 3, 2 * z.H, heads=z.H)
    p = {"visual": tower["visual"], "bridge": shake(rng, init_bridge(rng, bridge))}
    words = 0.3 * rng.normal(size=(z.V, z.E))
    p["decoder"] = {"token_embedding": {"weight": words}}
    ids = rng.integers(z.V, size=(z.B, 3))
    loss, trees, _ = objectives.alignment(images, ids, p, SimpleNamespace(clip=config.clip, bridge=bridge))
    module, tokens = twin(p["bridge"], bridge, Bridge), twin(tower, config, Coca).visual.trunk(torch.tensor(images))
    their_loss = F.mse_loss(module(tokens.detach()), torch.tensor(words[ids])) / (words**2).mean()
    assert abs(loss - their_loss.item()) <= OUTPUT
    their_loss.backward()
    same_gradients(add_trees(trees, {"bridge": p["bridge"]})["bridge"], module)


def in_float64(model):
    """The same model in double precision."""
    return model.with_params(pack(model.params, np.float64)[1])


@pytest.mark.parametrize("kind", KINDS)
def test_a_hundred_steps_of_every_stage_agree(kind, monkeypatch):
    """Losses, weights and moments in float64, for every stage; told alike."""
    small(monkeypatch)
    begin, stage_of = KINDS[kind]
    model, rows = in_float64(begin()), {}
    on = backend_at(Place(0, 1, torch.device("cpu")), dtype=np.float64)
    mine = Learner(stage_of(model, 0, 100), model.params, np.float64)
    other = on.learner(stage_of(model, 0, 100, on), model)
    for learner in (mine, other):
        fit(learner, rows.setdefault(type(learner), []).append)
    for ours, theirs in zip(*rows.values(), strict=True):
        assert ours.keys() == theirs.keys()
        assert abs(ours["loss"] - theirs["loss"]) <= 1e-10
    for which, vector in other.vectors.items():
        assert np.abs(mine.vectors[which] - vector).max() <= 1e-9, which
    assert np.abs(mine.theta - Learner(mine.stage, model.params, np.float64).theta).max() > 0.01
    assert list(other.params) == list(mine.params) == list(model.params)  # digests and files depend on the order
    assert all(other.params[name] is model.params[name] for name in model.params if name not in mine.stage.trained)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("kind", ["system", "queries bridge", "match"])
def test_a_stage_changes_its_backend_and_nothing_else(kind, monkeypatch, tmp_path):
    """Stopped in NumPy, resumed in PyTorch: the run folder opens, and its weights are those of NumPy alone."""
    small(monkeypatch)
    stage, model = staged(kind)
    whole = train_stage(tmp_path / "whole", stage, model, {"seed": 0})
    with monkeypatch.context() as patch:
        stop_at(patch, 3)
        with pytest.raises(Interrupted):
            train_stage(tmp_path / "run", stage, model, {"seed": 0})
    on = backend_at(Place(0, 1, torch.device("cpu")))
    with pytest.warns(UserWarning, match="last saved elsewhere"):
        after = train_stage(tmp_path / "run", staged(kind, on=on)[0], model, {"seed": 0}, resume=True, backend=on)
    theirs = flatten(whole.params)
    for name, leaf in flatten(after.params).items():
        if not name.endswith(("in_proj.bias", "kv_proj.bias")):
            assert np.abs(leaf - theirs[name]).max() <= 1e-3, name


def test_a_text_without_an_end_is_never_read_at_another_place():
    """The modules take the first of no ends for the start token: every objective refuses such ids before."""
    config, p, images, ids, targets = random_describer(0)
    fusion, end = init_fusion(np.random.default_rng(0), config), config.clip.text.eos_token_id
    clip, describer, matcher = (
        from_params({name: p[name] for name in ("visual", "text", "logit_scale")}, config.clip),
        twin(p, config, Coca),
        twin(fusion, config, Fusion),
    )
    work, texts = Objectives(Place(0, 1, torch.device("cpu"))), Texts(ids, targets)
    cut = ids.copy()
    cut[2, cut[2] == end] = end + 1
    for objective in (
        lambda ids: work.contrast(images, ids, clip, config.clip),
        lambda ids: work.contrast(images, ids, clip, config.clip, 2),
        lambda ids: work.coca(images, ids, texts, describer, config),
        lambda ids: work.matching(images, ids, np.ones(len(ids)), matcher, config),
    ):
        objective(ids)
        with pytest.raises(InputError, match=rf"row 2 has no end token \(id {end}\)"):
            objective(cut)
