"""The decoder and all that is built on it: what may look at what, the same words one at a time, what stays frozen."""

from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
from case import Sizes, captions, shake
from decoder_cases import BRIDGE_KINDS, bridge_config, decoder_config, random_describer, some_ignored

from miniclip.data.prompts import Texts
from miniclip.errors import ConfigError, InputError
from miniclip.machine.threads import parts
from miniclip.models.bridge import BridgeConfig, BridgedConfig, bridge_backward, bridge_forward, init_bridge
from miniclip.models.clip import encode_text_backward, encode_text_forward
from miniclip.models.coca import CocaConfig, caption_backward, caption_forward, coca_backward, coca_forward
from miniclip.models.decoder import (
    DecoderConfig,
    decoder_backward,
    decoder_forward,
    decoder_trunk_backward,
    init_decoder,
)
from miniclip.models.fusion import (
    fusion_backward,
    fusion_forward,
    init_fusion,
)
from miniclip.models.vision import patchify_backward, patchify_forward, vision_trunk_forward
from miniclip.models.writer import Writer
from miniclip.nn.decoder_blocks import (
    cross_attention_backward,
    cross_attention_forward,
    decoder_block_forward,
    init_cross_attention,
    init_decoder_block,
)
from miniclip.nn.decoder_ops import (
    IGNORE,
    binary_cross_entropy_backward,
    binary_cross_entropy_forward,
    cross_entropy_backward,
    cross_entropy_forward,
)
from miniclip.nn.layers import linear_backward
from miniclip.nn.losses import info_nce_backward, info_nce_forward
from miniclip.nn.optim import AdamW, decay_mask
from miniclip.nn.tree import add_trees, flatten, pack, to_vector, unflatten
from miniclip.train import objectives
from miniclip.train.step import loss_and_gradients

Z = Sizes()


def test_a_text_without_an_end_is_never_read_at_another_place():
    """`argmax` of no end is 0, the start token: every way from ids to a vector refuses."""
    config, p, images, ids, _ = random_describer(0)
    fusion, end = init_fusion(np.random.default_rng(0), config), config.clip.text.eos_token_id
    cut = ids.copy()
    cut[2, cut[2] == end] = end + 1
    for read in (
        lambda ids: encode_text_forward(ids, p, config.clip),
        lambda ids: fusion_forward(images, ids, fusion, config),
        lambda ids: loss_and_gradients(images, ids, p, config.clip),
        lambda ids: loss_and_gradients(images, ids, p, config.clip, 2),
        lambda ids: objectives.matching(images, ids, np.ones(len(ids)), fusion, config),
    ):
        read(ids)
        with pytest.raises(InputError, match=rf"row \d has no end token \(id {end}\)"):
            read(cut)


GIVEN = pytest.mark.parametrize("given", [(), ("memory",), ("prefix",), ("memory", "prefix")])


def random_decoder(given=("memory",), seed=0, dtype=np.float64):
    """A decoder, its words, and what it is given besides."""
    rng = np.random.default_rng(seed)
    config = decoder_config(Z, Z.E if "memory" in given else 0, Z.S if "prefix" in given else 0)
    _, p = pack(shake(rng, init_decoder(rng, config)), dtype)
    shapes = {"memory": (Z.B, Z.S, Z.E), "prefix": (Z.B, Z.S, Z.D)}
    vectors = {name: rng.normal(size=shapes[name]).astype(dtype) for name in given}
    return SimpleNamespace(config=config, p=p, ids=captions(rng, Z, Z.V // 2), vectors=vectors, rng=rng)


# One word at a time.


@GIVEN
@pytest.mark.parametrize("chunks", [[1] * 7, [7], [1, 3, 2, 1]])
@pytest.mark.parametrize(("dtype", "near"), [(np.float64, 1e-10), (np.float32, 1e-5)])
def test_words_fed_one_by_one_get_the_logits_of_the_whole_text(given, chunks, dtype, near):
    d = random_decoder(given, dtype=dtype)
    logits, c = decoder_forward(d.ids, d.p, d.config, **d.vectors)
    writer = Writer(d.p, d.config, **d.vectors)
    for words, expected in zip(
        np.split(d.ids, np.cumsum(chunks)[:-1], 1), np.split(logits, np.cumsum(chunks)[:-1], 1), strict=True
    ):
        ours = writer.feed(words)
        assert ours.dtype == dtype
        assert np.abs(ours - expected).max() <= near * max(1.0, np.abs(expected).max())
    assert len(writer.attention) == (len(d.p["blocks"]) if "memory" in given else 0)
    for weights, block in zip(writer.attention, c["blocks"], strict=False):
        assert np.abs(weights - block["cross"]["attend"][3][:, :, -chunks[-1] :]).max() <= near


@GIVEN
def test_selected_texts_go_on_as_if_they_had_always_been_there(given):
    d, rows = random_decoder(given), [3, 0, 3, 1]
    writer = Writer(d.p, d.config, **d.vectors)
    writer.feed(d.ids[:, :3])
    writer.select(rows)
    ids = np.concatenate([d.ids[rows, :3], d.rng.integers(Z.V, size=(4, 4))], 1)  # the two copies part
    expected, _ = decoder_forward(ids, d.p, d.config, **{name: x[rows] for name, x in d.vectors.items()})
    ours = np.concatenate([writer.feed(ids[:, t : t + 1]) for t in range(3, 7)], 1)
    assert np.abs(ours - expected[:, 3:]).max() <= 1e-10


def test_what_was_written_is_not_written_to():
    d = random_decoder(("memory", "prefix"))
    arrays = [*flatten(d.p).values(), d.ids, *d.vectors.values()]
    for array in arrays:
        array.setflags(write=False)
    writer = Writer(d.p, d.config, **d.vectors)
    first = writer.feed(d.ids[:, :2])
    kept = first.copy()
    writer.feed(d.ids[:, 2:])
    assert np.array_equal(first, kept)


# What may look at what.


@GIVEN
@pytest.mark.parametrize("t", [1, 4, 6])
def test_a_later_word_changes_nothing_before_it(given, t):
    d = random_decoder(given)
    other = d.ids.copy()
    other[:, t] = (other[:, t] + 1 + d.rng.integers(Z.V - 1, size=Z.B)) % Z.V
    before, after = (decoder_forward(ids, d.p, d.config, **d.vectors)[0] for ids in (d.ids, other))
    assert np.array_equal(before[:, :t], after[:, :t])
    assert (before[:, t:] != after[:, t:]).any(-1).all()


@GIVEN
def test_the_gradient_of_a_word_reaches_no_later_place(given):
    d, t = random_decoder(given), 2
    logits, c = decoder_forward(d.ids, d.p, d.config, **d.vectors)
    dlogits = np.zeros_like(logits)
    dlogits[:, t] = d.rng.normal(size=(Z.B, Z.V))
    dmemory, dprefix, g = decoder_backward(dlogits, c)
    first = Z.S if "prefix" in given else 0
    place = np.abs(g["positional_embedding"]).sum(-1)
    assert (place[: first + t + 1] > 0).all()
    assert not place[first + t + 1 :].any()
    for dvectors in (x for x in (dmemory, dprefix) if x is not None):
        assert np.abs(dvectors).sum(-1).min() > 0


@pytest.mark.parametrize("name", ["memory", "prefix"])
def test_every_word_looks_at_every_patch(name):
    d = random_decoder((name,))
    before, _ = decoder_forward(d.ids, d.p, d.config, **d.vectors)
    for s in range(Z.S):
        moved = d.vectors[name].copy()
        moved[:, s] += d.rng.normal(size=moved[:, s].shape)
        after, _ = decoder_forward(d.ids, d.p, d.config, **{name: moved})
        assert (before != after).any(-1).all()


def test_another_picture_gives_other_words():
    config, p, images, ids, _ = random_describer(0)
    logits, _ = caption_forward(images, ids, p, config)
    swapped, _ = caption_forward(np.roll(images, 1, 0), ids, p, config)
    assert np.abs(logits - swapped).max(-1).min() > 1e-3


def test_padded_slots_of_a_memory_have_no_weight_and_no_influence():
    rng = np.random.default_rng(0)
    p = shake(rng, init_cross_attention(rng, Z.D, Z.E))
    x, context, lengths = rng.normal(size=(Z.B, Z.T, Z.D)), rng.normal(size=(Z.B, Z.S, Z.E)), [11, 1, 4, 10, 7]
    real = np.arange(Z.S) < np.array(lengths)[:, None]
    mask = np.broadcast_to(real[:, None, None], (Z.B, 1, Z.T, Z.S))
    y, c = cross_attention_forward(x, context, p, Z.H, mask)
    weights = c["attend"][3]
    assert not weights[np.broadcast_to(~mask, weights.shape)].any()
    noise = np.where(real[..., None], context, 1e6 * rng.normal(size=context.shape))
    assert np.array_equal(cross_attention_forward(x, noise, p, Z.H, mask)[0], y)
    for b, S in enumerate(lengths):
        alone, _ = cross_attention_forward(x[b : b + 1], context[b : b + 1, :S], p, Z.H)
        assert np.abs(alone - y[b : b + 1]).max() <= 1e-12
    _, dcontext, _ = cross_attention_backward(rng.normal(size=y.shape), c)
    assert not dcontext[~real].any()
    assert (np.abs(dcontext[real]).sum(-1) > 0).all()


# The order of the patches.


def random_bridge(kind, seed=0):
    rng = np.random.default_rng(seed)
    config = bridge_config(Z, kind)
    return config, shake(rng, init_bridge(rng, config)), rng.normal(size=(Z.B, 1 + Z.S, Z.D)), rng


@pytest.mark.parametrize("kind", BRIDGE_KINDS)
def test_a_bridge_knows_no_order_of_the_patches_and_leaves_out_the_class_token(kind):
    """Queries give the same whatever the order; the others move with their patches."""
    config, p, tokens, rng = random_bridge(kind)
    prefix, _ = bridge_forward(tokens, p, config)
    assert prefix.shape == (Z.B, config.length, Z.E)
    order = rng.permutation(Z.S)
    shuffled, _ = bridge_forward(np.concatenate([tokens[:, :1], tokens[:, 1 + order]], 1), p, config)
    assert np.abs(shuffled - (prefix if kind == "queries" else prefix[:, order])).max() <= 1e-12
    tokens[:, 0] = rng.normal(size=tokens[:, 0].shape)
    assert np.array_equal(bridge_forward(tokens, p, config)[0], prefix)


def test_patches_reordered_together_with_their_positions_change_nothing():
    config, p, images, ids, _ = random_describer(1)
    logits, _ = caption_forward(images, ids, p, config)
    order = np.random.default_rng(0).permutation(config.clip.vision.patches)
    patches, c = patchify_forward(images, config.clip.vision.patch_size)
    moved = patchify_backward(patches[:, order], c)  # which only reorders
    places = p["visual"]["positional_embedding"]
    p_moved = p | {"visual": p["visual"] | {"positional_embedding": places[np.concatenate([[0], 1 + order])]}}
    assert np.abs(caption_forward(moved, ids, p_moved, config)[0] - logits).max() <= 1e-12
    assert np.abs(caption_forward(moved, ids, p, config)[0] - logits).max() > 1e-3  # without them it does


@pytest.mark.parametrize("equal", [True, False])
def test_equal_queries_stay_equal_where_nothing_tells_them_apart(equal):
    """Every vector is asked for the same: what was equal gets equal gradients, what was random stays apart."""
    config, p, tokens, rng = random_bridge("queries")
    theta, views = pack(p, np.float64)
    if equal:
        views["queries"][:] = views["queries"][0]
    start, optimizer, goal = theta.copy(), AdamW(theta, decay_mask(views)), rng.normal(size=(Z.B, 1, Z.E))
    for _ in range(20):
        prefix, c = bridge_forward(tokens, views, config)
        optimizer.step(theta, to_vector(bridge_backward(prefix - goal, c)[1], like=views), 1e-2)
    apart = np.abs(views["queries"] - views["queries"][0])[1:].max(-1)
    assert np.abs(theta - start).max() > 0.05
    assert apart.max() <= 1e-10 if equal else apart.min() > 0.1


def test_a_language_model_tells_equal_queries_apart_by_their_places():
    config, p, tokens, rng = random_bridge("queries")
    p["queries"][:] = p["queries"][0]
    reader = decoder_config(Z._replace(H=1, K=Z.E), prefix=config.length)
    prefix, c_bridge = bridge_forward(tokens, p, config)
    logits, c = decoder_forward(captions(rng, Z, 1), shake(rng, init_decoder(rng, reader)), reader, prefix=prefix)
    _, g = bridge_backward(decoder_backward(rng.normal(size=logits.shape), c)[1], c_bridge)
    assert np.abs(g["queries"] - g["queries"][0])[1:].max(-1).min() > 1e-3


# Weights used twice, blocks that do nothing, trees that are not touched.


@GIVEN
def test_the_gradient_of_a_tied_embedding_is_the_sum_of_its_two_uses(given):
    d = random_decoder(given)
    logits, c = decoder_forward(d.ids, d.p, d.config, **d.vectors)
    dlogits = d.rng.normal(size=logits.shape)
    g = flatten(decoder_backward(dlogits, c)[2])
    dh, head = linear_backward(dlogits, c["head"])
    before_it = np.zeros((len(dh), c["prefix"], dh.shape[2]))  # the prefix's places say nothing
    trunk = flatten(decoder_trunk_backward(np.concatenate([before_it, dh], axis=1), c)[2])
    assert min(np.abs(head["weight"]).max(), np.abs(trunk["token_embedding.weight"]).max()) > 0.1
    trunk["token_embedding.weight"] += head["weight"]
    assert g.keys() == trunk.keys()
    assert all(np.array_equal(g[name], trunk[name]) for name in g)


def test_a_block_whose_output_maps_are_zero_is_the_identity():
    rng = np.random.default_rng(0)
    named = flatten(shake(rng, init_decoder_block(rng, Z.D, 2, Z.E)))
    outputs = [name for name in named if "out_proj" in name or "c_proj" in name]
    assert len(outputs) == 2 * 3
    x, memory = rng.normal(size=(Z.B, Z.T, Z.D)), rng.normal(size=(Z.B, Z.S, Z.E))
    for left in ("", "attn", "cross", "mlp"):  # any one that is left makes it something else
        p = unflatten({k: v * (k not in outputs or k.startswith(left or "-")) for k, v in named.items()})
        y, _ = decoder_block_forward(x, memory, p, Z.H, "gelu")
        assert np.array_equal(x, y) == (not left)


def random_steps(seed=0):
    """A describer, its batch, and texts of uneven length whose first words are not scored."""
    config, p, images, ids, targets = random_describer(seed)
    for row, length in enumerate([7, 3, 5, 1, 2]):
        targets[row, length:] = IGNORE
        targets[row, length - 1] = row
    return config, p, images, Texts(ids, targets)


def frozen_bridge(kind="queries"):
    """params, images, texts and the config of a bridge between a tower and a language model."""
    config, p, images, texts = random_steps()
    rng = np.random.default_rng(1)
    between = BridgeConfig(kind, Z.D, Z.E, config.clip.vision.patches, 3, 5 * Z.H, 1, Z.H)
    reader = decoder_config(Z._replace(H=1, K=Z.E), prefix=between.length)
    parts_of_it = {"bridge": init_bridge(rng, between), "decoder": init_decoder(rng, reader)}
    return {"visual": p["visual"]} | shake(rng, parts_of_it), images, texts, BridgedConfig(config.clip, between, reader)


@pytest.mark.parametrize("size", [1, 5])
def test_frozen_means_that_there_is_no_gradient(monkeypatch, size):
    monkeypatch.setattr(objectives, "at_least_two", partial(parts, size=size))
    config, p, images, texts = random_steps()
    loss, trees, _ = objectives.captioning(images, texts, p, config)
    frozen_loss, frozen, _ = objectives.captioning(images, texts, p, config, frozen=True)
    assert frozen_loss == loss
    assert [tree.keys() for tree in frozen] == [{"decoder"}] * len(parts(Z.B, size))
    for ours, whole in zip(frozen, trees, strict=True):
        named = flatten(whole["decoder"])
        assert all(np.array_equal(g, named[name]) for name, g in flatten(ours["decoder"]).items())
    params, images, texts, config = frozen_bridge()
    before = {name: leaf.copy() for name, leaf in flatten(params).items()}
    _, trees, _ = objectives.bridging(images, texts, params, config)
    assert [tree.keys() for tree in trees] == [{"bridge"}] * len(parts(Z.B, size))
    assert all(np.array_equal(leaf, before[name]) for name, leaf in flatten(params).items())


# Parts.


def words(logits, targets):
    loss, c = cross_entropy_forward(logits, targets)
    return loss, cross_entropy_backward(c)


def whole_caption(config, p, images, texts):
    logits, c = caption_forward(images, texts.ids, p, config)
    loss, dlogits = words(logits, texts.targets)
    return loss, caption_backward(dlogits, c)[1]


def whole_coca(config, p, images, texts, captions):
    (image, logits), c = coca_forward(images, texts.ids, p, config)
    text, c_text = encode_text_forward(captions, p, config.clip)
    contrast, c_contrast = info_nce_forward(image, text, p["logit_scale"])
    loss, dlogits = words(logits, texts.targets)
    dimage, dtext, dlogit_scale = info_nce_backward(c_contrast)
    g = coca_backward(dimage, dlogits, c)[1] | encode_text_backward(dtext, c_text)
    return contrast + loss, g | {"logit_scale": dlogit_scale}


def whole_bridge(p, images, texts, config):
    tokens, _ = vision_trunk_forward(images, p["visual"], config.clip.vision)
    prefix, c_bridge = bridge_forward(tokens, p["bridge"], config.bridge)
    logits, c = decoder_forward(texts.ids, p["decoder"], config.decoder, prefix=prefix)
    loss, dlogits = words(logits, texts.targets)
    return loss, {"bridge": bridge_backward(decoder_backward(dlogits, c)[1], c_bridge)[1]}


def whole_match(config, p, images, ids, truth):
    logits, c = fusion_forward(images, ids, p, config)
    loss, c_loss = binary_cross_entropy_forward(logits, truth)
    return loss, fusion_backward(binary_cross_entropy_backward(c_loss), c)[1]


def whole_language(p, texts, config):
    logits, c = decoder_forward(texts.ids, p["decoder"], config)
    loss, dlogits = words(logits, texts.targets)
    return loss, {"decoder": decoder_backward(dlogits, c)[2]}


@pytest.mark.parametrize("what", ["caption", "coca", "language", "bridge", "match"])
@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_parts_give_the_loss_and_the_gradients_of_the_whole(monkeypatch, what, size):
    """Texts of uneven length: a part is weighted with its words, not with its texts."""
    monkeypatch.setattr(objectives, "at_least_two", partial(parts, size=size))
    config, p, images, texts = random_steps()
    rng = np.random.default_rng(3)
    ids, truth = captions(rng, Z, Z.V // 2), np.array([True, False, False, True, False])
    if what == "caption":
        loss, trees, _ = objectives.captioning(images, texts, p, config)
        whole = whole_caption(config, p, images, texts)
    elif what == "coca":
        loss, trees, _ = objectives.coca(images, ids, texts, p, config)
        whole = whole_coca(config, p, images, texts, ids)
    elif what == "language":
        reader = decoder_config(Z)
        params = {"decoder": shake(rng, init_decoder(rng, reader))}
        loss, trees, _ = objectives.language(texts, params, reader)
        whole = whole_language(params, texts, reader)
    elif what == "bridge":
        params, images, texts, config = frozen_bridge()
        loss, trees, _ = objectives.bridging(images, texts, params, config)
        whole = whole_bridge(params, images, texts, config)
    else:
        params = shake(rng, init_fusion(rng, config))
        loss, trees, _ = objectives.matching(images, ids, truth, params, config)
        whole = whole_match(config, params, images, ids, truth)
    assert abs(loss - whole[0]) <= 1e-12
    expected = flatten(whole[1])
    named = flatten(add_trees(trees, whole[1]))
    for name, g in expected.items():
        assert np.abs(named[name] - g).max() <= 1e-12, name


# Bad input.


def test_a_memory_is_given_where_and_only_where_one_is_read():
    d, alone = random_decoder(("memory",)), random_decoder(())
    for run in (decoder_forward, lambda ids, p, config, memory=None: Writer(p, config, memory)):
        with pytest.raises(ValueError, match=f"got no memory, and memory_width is {Z.E}"):
            run(d.ids, d.p, d.config)
        with pytest.raises(ValueError, match="got a memory, and memory_width is 0"):
            run(alone.ids, alone.p, alone.config, memory=d.vectors["memory"])
        with pytest.raises(ValueError, match=f"the memory has width {Z.E - 1}, expected {Z.E}"):
            run(d.ids, d.p, d.config, memory=d.vectors["memory"][..., 1:])


def test_too_many_places_name_their_sum():
    d = random_decoder(("prefix",))
    places = Z.S + Z.T + 2
    ids = np.zeros((Z.B, Z.T + 3), int)
    decoder_forward(ids[:, 1:], d.p, d.config, **d.vectors)  # just fits
    with pytest.raises(ValueError, match=rf"{Z.S} places .* \+ {Z.T + 3} words = {places + 1}, .* at most {places}$"):
        decoder_forward(ids, d.p, d.config, **d.vectors)
    alone = random_decoder(())
    decoder_forward(ids[:, 1:], alone.p, alone.config)
    long = np.zeros((Z.B, places + 1, Z.D))
    assert Writer(d.p, d.config, prefix=long[:, 1:]).length == places
    with pytest.raises(ValueError, match=rf"{places + 1} places .* \+ 0 words = {places + 1}, .* at most {places}$"):
        Writer(d.p, d.config, prefix=long)
    writer = Writer(d.p, d.config, **d.vectors)
    writer.feed(ids[:, 1:])
    with pytest.raises(ValueError, match=f"{places} places are taken and 1 more asked for, expected at most {places}"):
        writer.feed(ids[:, :1])


@pytest.mark.parametrize("kind", BRIDGE_KINDS)
@pytest.mark.parametrize("there", [Z.S, Z.S + 2])
def test_a_bridge_wants_the_class_token_and_its_patches(kind, there):
    config, p, _, rng = random_bridge(kind)
    with pytest.raises(ValueError, match=rf"there are {there} image tokens, expected 1 \+ {Z.S}"):
        bridge_forward(rng.normal(size=(Z.B, there, Z.D)), p, config)


def test_a_loss_needs_a_target():
    with pytest.raises(ValueError, match="all 6 targets are IGNORE"):
        cross_entropy_forward(np.zeros((2, 3, 5)), np.full((2, 3), IGNORE))


def test_targets_that_are_ignored_do_not_count():
    """Neither in the mean nor in the gradient: the loss of the scored places alone."""
    rng = np.random.default_rng(0)
    logits, targets = rng.normal(size=(Z.B, Z.T, Z.V)), some_ignored(rng, Z)
    scored = targets != IGNORE
    loss, c = cross_entropy_forward(logits, targets)
    dlogits = cross_entropy_backward(c)
    alone, c_alone = cross_entropy_forward(logits[scored], targets[scored])
    assert loss == pytest.approx(alone, abs=1e-14)
    assert not dlogits[~scored].any()
    assert np.abs(dlogits[scored] - cross_entropy_backward(c_alone)).max() <= 1e-15


@pytest.mark.parametrize("memory_width", [-1, 1.0, True, None])
def test_a_memory_width_is_a_whole_number(memory_width):
    with pytest.raises(ConfigError, match=rf"DecoderConfig.memory_width is {memory_width!r}, expected a whole number"):
        DecoderConfig(17, 7, memory_width=memory_width)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"vocab_size": 0}, "DecoderConfig.vocab_size is 0, expected a whole number above 0"),
        ({"context_length": 2.0}, "DecoderConfig.context_length is 2.0, expected a whole number above 0"),
        ({"width": 65}, "DecoderConfig.width is 65, expected a multiple of heads"),
        ({"activation": "relu"}, "DecoderConfig.activation is 'relu', expected one of quick_gelu, gelu"),
    ],
)
def test_a_decoder_has_possible_sizes(change, message):
    with pytest.raises(ConfigError, match=message):
        DecoderConfig(**{"vocab_size": 17, "context_length": 7} | change)


def test_a_bridge_and_a_describer_have_possible_configs():
    with pytest.raises(ConfigError, match=r"BridgeConfig.kind is 'mean', expected one of linear, mlp, queries"):
        BridgeConfig("mean", 6, 13)
    for change, message in (
        ({"queries": 0}, "BridgeConfig.queries is 0, expected a whole number above 0"),
        ({"patches": -1}, "BridgeConfig.patches is -1"),
        ({"inner": 10, "heads": 4}, "BridgeConfig.inner is 10, expected a multiple of heads = 4"),
        ({"activation": "relu"}, "BridgeConfig.activation is 'relu'"),
    ):
        with pytest.raises(ConfigError, match=message):
            BridgeConfig(**{"kind": "queries", "memory_width": 6, "width": 13} | change)
    config, *_ = random_describer(0)
    with pytest.raises(ConfigError, match=f"memory_width is {Z.D + 1}, expected the image tower's width, {Z.D}"):
        CocaConfig(config.clip, DecoderConfig(Z.V, Z.T, memory_width=Z.D + 1))
