"""What must hold whatever the numbers: relations between runs of the same function."""

import math
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
import torch
from case import no_flags, to_pixels
from scipy import special

from miniclip.models.clip import ClipConfig, clip_backward, clip_forward, init_clip
from miniclip.models.text import TextConfig
from miniclip.models.vision import VisionConfig, patchify_forward
from miniclip.nn import chunked, floors, losses, ops
from miniclip.nn.blocks import attention_forward, block_forward, init_attention, init_block
from miniclip.nn.erf import erf
from miniclip.nn.optim import AdamW, clip_by_global_norm, decay_mask, warmup_cosine
from miniclip.nn.tree import flatten, from_vector, pack, to_vector, unflatten

SEEDS = range(20)


@pytest.mark.parametrize("B", [2, 5, 128])
def test_the_sigmoid_loss_of_one_that_knows_nothing_and_of_one_that_knows_all(B):
    same = np.tile([[0.6, 0.8]], (B, 1))
    scale, bias = 1.3, -math.log(B - 1)  # every pair matches with the odds 1 to B - 1
    biases = [bias - math.exp(scale) + by for by in (0, 0.1, -0.1)]
    knows_nothing = [losses.sigmoid_loss_forward(same, same, scale, b)[0] for b in biases]
    assert knows_nothing[0] == pytest.approx(floors.sigmoid_chance_loss(B), abs=1e-10)
    assert min(knows_nothing[1:]) > knows_nothing[0]
    certain = np.where(np.eye(B, dtype=bool), np.inf, -np.inf)
    assert floors.sigmoid_caption_floor(certain) == 0.0
    nothing = np.zeros((B, B))  # every caption fits every picture alike
    assert floors.sigmoid_caption_floor(nothing) == pytest.approx(floors.sigmoid_chance_loss(B), abs=1e-10)


@pytest.mark.parametrize("seed", SEEDS)
def test_equal_texts_need_no_multi_positive_loss(seed):
    """Equal texts have equal embeddings: with them as positives, the loss and all gradients are those of InfoNCE."""
    rng = np.random.default_rng(seed)
    group = rng.integers(4, size=9)
    image, text = unit(rng, 9, 5), unit(rng, 4, 5)[group]
    plain, c = losses.info_nce_forward(image, text, 1.7)
    shared, c_shared = losses.multi_positive_forward(image, text, 1.7, group[:, None] == group)
    assert shared == pytest.approx(plain, abs=1e-12)
    (dimage, dtext, dscale), ours = losses.info_nce_backward(c), losses.multi_positive_backward(c_shared)
    assert np.abs(ours[0] - dimage).max() <= 1e-12
    of_each = [[d[group == g].sum(0) for g in set(group)] for d in (ours[1], dtext)]  # what reaches the text itself
    assert np.abs(np.subtract(*of_each)).max() <= 1e-12
    assert ours[2] == pytest.approx(dscale, abs=1e-12)


def unit(rng, *shape):
    return ops.normalize_forward(rng.standard_normal(shape))[0]


@pytest.mark.parametrize("seed", SEEDS)
def test_relations_of_the_loss(seed):
    rng = np.random.default_rng(seed)
    B, E, s = int(rng.integers(2, 9)), int(rng.integers(2, 7)), float(rng.uniform(-1, 4))
    image, text = unit(rng, B, E), unit(rng, B, E)
    loss, c = losses.info_nce_forward(image, text, s)
    dimage, dtext, dscale = losses.info_nce_backward(c)
    swapped, c_swapped = losses.info_nce_forward(text, image, s)
    assert swapped == pytest.approx(loss, abs=1e-10)
    assert np.abs(losses.info_nce_backward(c_swapped)[0] - dtext).max() < 1e-10
    order = rng.permutation(B)
    assert losses.info_nce_forward(image[order], text[order], s)[0] == pytest.approx(loss, abs=1e-10)
    turn = np.linalg.qr(rng.standard_normal((E, E)))[0]
    assert losses.info_nce_forward(image @ turn, text @ turn, s)[0] == pytest.approx(loss, abs=1e-10)
    twice = losses.info_nce_forward(np.tile(image, (2, 1)), np.tile(text, (2, 1)), s)[0]
    assert twice == pytest.approx(loss + math.log(2), abs=1e-10)
    same = np.tile(image[:1], (B, 1))
    assert losses.info_nce_forward(same, same, s)[0] == pytest.approx(floors.chance_loss(B), abs=1e-10)
    assert loss >= floors.temperature_floor(B, math.exp(s)) - 1e-10
    # with b = ln s: dL/db = s dL/ds, and S is linear in each side, so all three products are one number
    assert (dimage * image).sum() == pytest.approx(float(dscale), abs=1e-10)
    assert (dtext * text).sum() == pytest.approx(float(dscale), abs=1e-10)
    diagonal = np.eye(B, dtype=bool)
    multi, c_multi = losses.multi_positive_forward(image, text, s, diagonal)
    assert multi == pytest.approx(loss, abs=1e-10)
    for ours, theirs in zip(losses.multi_positive_backward(c_multi), (dimage, dtext, dscale), strict=True):
        assert np.abs(ours - theirs).max() < 1e-10


@pytest.mark.parametrize("seed", SEEDS)
def test_repeated_captions_are_positives_of_plain_info_nce_already(seed):
    rng = np.random.default_rng(seed)
    group = rng.integers(0, 4, 9)
    image, text = unit(rng, 9, 5), unit(rng, 4, 5)[group]
    plain, c = losses.info_nce_forward(image, text, 1.5)
    multi, c_multi = losses.multi_positive_forward(image, text, 1.5, group[:, None] == group)
    assert multi == pytest.approx(plain, abs=1e-12)
    assert np.abs(losses.info_nce_backward(c)[0] - losses.multi_positive_backward(c_multi)[0]).max() < 1e-12
    assert plain >= floors.duplicate_floor(group) - 1e-12


@pytest.mark.parametrize(("B", "chunk"), [(2, 1), (7, 3), (8, 4), (13, 5), (5, 64)])
@pytest.mark.parametrize("log_scale", [-3.0, 2.0, 9.0])
def test_chunks_change_nothing(B, chunk, log_scale):
    rng = np.random.default_rng(B)
    image, text = unit(rng, B, 3), unit(rng, B, 3)
    full, c = losses.info_nce_forward(image, text, log_scale)
    in_chunks, c_chunked = chunked.chunked_info_nce_forward(image, text, log_scale, chunk)
    assert in_chunks == pytest.approx(full, rel=1e-12, abs=1e-12)
    for a, b in zip(losses.info_nce_backward(c), chunked.chunked_info_nce_backward(c_chunked), strict=True):
        assert np.abs(a - b).max() <= 1e-12 * max(1.0, np.abs(a).max())


def test_a_batch_of_32768_pairs_runs_in_less_than_a_gigabyte():
    code = """
import numpy as np
from miniclip.machine.memory import peak_memory
from miniclip.nn.chunked import chunked_info_nce_backward, chunked_info_nce_forward
from miniclip.nn.ops import normalize_forward
rng = np.random.default_rng(0)
image, text = (normalize_forward(rng.standard_normal((32768, 64), np.float32))[0] for _ in "it")

def both():
    loss, c = chunked_info_nce_forward(image, text, np.float32(2.66))
    dimage, dtext, dscale = chunked_info_nce_backward(c)
    assert dimage.dtype == dtext.dtype == np.float32 and np.isfinite(loss) and np.isfinite(dscale)

print(peak_memory(both))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    grown = int(done.stdout)  # not the process's largest size, which on Linux begins with that of its parent
    assert grown < 2**30
    assert grown > 2**24 or not sys.platform.startswith("linux")


def test_hand_computed_losses():
    for N in (2, 3):
        for scale in (1.0, 10.0, 100.0):
            loss = losses.info_nce_forward(np.eye(N), np.eye(N), math.log(scale))[0]
            assert loss == pytest.approx(math.log1p((N - 1) * math.exp(-scale)), abs=1e-12)
    wrong = losses.info_nce_forward(np.eye(2), np.eye(2)[::-1], math.log(50.0))[0]
    assert wrong == pytest.approx(50.0, abs=1e-12)


def test_the_simplex_reaches_the_temperature_floor_and_random_directions_the_untrained_loss():
    B, scale = 6, 3.0
    simplex = ops.normalize_forward(np.eye(B) - 1 / B)[0]
    floor = losses.info_nce_forward(simplex, simplex, math.log(scale))[0]
    assert floor == pytest.approx(floors.temperature_floor(B, scale), abs=1e-12)
    rng = np.random.default_rng(0)
    runs = [losses.info_nce_forward(unit(rng, 128, 64), unit(rng, 128, 64), math.log(3.0))[0] for _ in range(60)]
    assert np.mean(runs) == pytest.approx(floors.untrained_loss(128, 3.0, 64), abs=0.01)


def test_the_caption_floor_of_repeated_captions_is_the_duplicate_floor():
    group = np.array([0, 1, 1, 2, 2, 2])
    information = np.log((group[:, None] == group) / 1.0 + 0.0, where=group[:, None] == group,
                         out=np.full((6, 6), -np.inf))  # fmt: skip
    assert floors.caption_floor(information) == pytest.approx(floors.duplicate_floor(group), abs=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e5, 1e12])
def test_everything_stays_finite_at_any_scale(dtype, scale):
    rng = np.random.default_rng(0)
    image = unit(rng, 5, 4).astype(dtype)
    with no_flags():
        for text in (image, image[::-1].copy(), np.tile(image[:1], (5, 1))):
            loss, c = losses.info_nce_forward(image, text, math.log(scale))
            assert np.isfinite(loss)
            assert all(np.isfinite(g).all() for g in losses.info_nce_backward(c))


def small_clip(seed):
    rng = np.random.default_rng(seed)
    config = ClipConfig(VisionConfig(6, 3, 10, 2, 5), TextConfig(17, 7, 6, 2, 3, eos_token_id=4), 5)
    theta, params = pack(init_clip(rng, config), np.float64)
    theta += 0.2 * rng.standard_normal(theta.size)
    ids = rng.integers(5, 17, (4, 7))
    ids[np.arange(4), [3, 6, 2, 4]] = 4
    return config, params, rng.standard_normal((4, 6, 6, 3)), ids


@pytest.mark.parametrize("seed", SEEDS)
def test_relations_of_the_whole_model(seed):
    config, params, images, ids = small_clip(seed)
    (image, text), cache = clip_forward(images, ids, params, config)
    _, c = losses.info_nce_forward(image, text, params["logit_scale"])
    dimage, dtext, _ = losses.info_nce_backward(c)
    dimages, g = to_pixels(clip_backward, "visual")(dimage, dtext, cache)
    # normalising forgets lengths, so no projection gains by growing (Euler)
    assert abs((g["visual"]["proj"]["weight"] * params["visual"]["proj"]["weight"]).sum()) < 1e-10
    assert abs((g["text"]["text_projection"]["weight"] * params["text"]["text_projection"]["weight"]).sum()) < 1e-10
    # every token and every position meets the same sum, and the class token is the token of position 0
    tokens, positions = g["text"]["token_embedding"]["weight"], g["text"]["positional_embedding"]
    assert np.abs(tokens.sum(0) - positions.sum(0)).max() < 1e-10
    assert np.abs(g["visual"]["class_embedding"] - g["visual"]["positional_embedding"][0]).max() < 1e-10
    assert dimages.shape == images.shape
    # what follows the end token changes nothing, bit for bit
    other = ids.copy()
    for row, end in zip(other, (3, 6, 2, 4), strict=True):
        row[end + 1 :] = 16
    assert np.array_equal(clip_forward(images, other, params, config)[0][1], text)
    # and the batch is only a batch
    order = np.random.default_rng(seed).permutation(4)
    again = clip_forward(images[order], ids[order], params, config)[0]
    assert np.abs(again[0] - image[order]).max() < 1e-12
    assert np.abs(again[1] - text[order]).max() < 1e-12


def test_attention_does_not_know_the_order_and_a_block_without_outputs_is_the_identity():
    rng = np.random.default_rng(0)
    x, order = rng.standard_normal((2, 5, 6)), rng.permutation(5)
    p = init_attention(rng, 6)
    assert np.abs(attention_forward(x[:, order], p, 2)[0] - attention_forward(x, p, 2)[0][:, order]).max() < 1e-12
    block = init_block(rng, 6, 1)
    for layer in (block["attn"]["out_proj"], block["mlp"]["c_proj"]):
        layer["weight"][:] = 0.0
    assert np.array_equal(block_forward(x, block, 2, "gelu")[0], x)


def test_patches_are_those_of_a_strided_convolution_also_on_a_picture_that_is_not_square():
    rng = np.random.default_rng(0)
    images, kernel = rng.standard_normal((2, 6, 9, 2)), rng.standard_normal((5, 2, 3, 3))
    patches, _ = patchify_forward(images, 3)
    ours = patches @ kernel.transpose(0, 2, 3, 1).reshape(5, -1).T
    theirs = torch.nn.functional.conv2d(torch.tensor(images.transpose(0, 3, 1, 2)), torch.tensor(kernel), stride=3)
    assert np.abs(ours - theirs.flatten(2).numpy().swapaxes(1, 2)).max() < 1e-12


def test_operations_against_scipy_at_extreme_numbers():
    x = np.array([[0.0, 5e-324, -1e30, 1e30, 3.0], [-700.0, 710.0, 1e-300, -2.0, 0.5]])
    assert np.allclose(ops.softmax_forward(x)[0], special.softmax(x, -1), rtol=1e-12, atol=0)
    assert np.allclose(ops.log_softmax_forward(x)[0], special.log_softmax(x, -1), rtol=1e-12, atol=1e-300)
    z = np.linspace(-9, 9, 4001)
    assert np.abs(erf(z) - special.erf(z)).max() < 1e-15
    assert np.abs(ops.gelu_forward(z)[0] - z * special.ndtr(z)).max() < 1e-14
    assert np.allclose(ops.quick_gelu_forward(z)[0], z * special.expit(1.702 * z), rtol=1e-12, atol=1e-15)
    assert 0.015 < np.abs(ops.gelu_forward(z)[0] - ops.quick_gelu_forward(z)[0]).max() < 0.021
    with pytest.raises(ValueError, match="size 0"):
        ops.softmax_forward(np.zeros((2, 0)))


def test_the_zero_vector_stays_zero_and_gets_no_gradient():
    for dtype in (np.float32, np.float64):
        x = np.array([[0, 0, 0], [1e-42, 0, 0], [3e30, 4e30, 0]], dtype)
        with no_flags():
            y, c = ops.normalize_forward(x)
            dx = ops.normalize_backward(np.ones_like(x), c)
        assert np.array_equal(y[0], [0, 0, 0])
        assert np.allclose(np.linalg.norm(y[1:], axis=1), 1)
        assert np.isfinite(dx).all()
        assert not dx[0].any()


def test_fifty_steps_of_adamw_are_those_of_torch():
    rng = np.random.default_rng(0)
    tree = {"w": rng.standard_normal((3, 2)), "b": rng.standard_normal(4), "s": np.array(1.0)}
    theta, params = pack(tree, np.float64)
    ours = AdamW(theta, decay_mask(params), decay=0.3)
    tensors = [torch.tensor(tree[name], requires_grad=True) for name in tree]
    groups = [{"params": tensors[:1], "weight_decay": 0.3}, {"params": tensors[1:], "weight_decay": 0.0}]
    theirs = torch.optim.AdamW(groups, lr=0.0, betas=(0.9, 0.95), eps=1e-6)
    for step in range(50):
        gradient, lr = rng.standard_normal(theta.size), warmup_cosine(step, 50, 5, 0.1)
        for tensor, leaf in zip(tensors, flatten(from_vector(gradient, tree)).values(), strict=True):
            tensor.grad = torch.tensor(leaf)
        for group in theirs.param_groups:
            group["lr"] = lr
        theirs.step()
        ours.step(theta, gradient, lr)
    assert np.abs(theta - to_vector({str(i): t.detach().numpy() for i, t in enumerate(tensors)})).max() < 1e-12


def test_a_step_without_gradient_moves_exactly_the_matrices_and_the_first_step_is_the_rate():
    theta, params = pack(init_clip(np.random.default_rng(0), small_clip(0)[0]), np.float64)
    before, decayed = theta.copy(), decay_mask(params).astype(bool)
    AdamW(theta, decay_mask(params), decay=0.5).step(theta, np.zeros_like(theta), 0.1)
    assert np.allclose(theta[decayed], 0.95 * before[decayed], rtol=1e-6)
    assert np.array_equal(theta[~decayed], before[~decayed])
    for name, leaf in flatten(from_vector(decayed, params)).items():
        assert leaf.all() == name.endswith(("weight", "positional_embedding")) * (leaf.ndim > 1), name
    theta = np.zeros(3)
    AdamW(theta, np.zeros(3), eps=1e-12).step(theta, np.array([3.0, -0.01, 7.0]), 0.1)
    assert np.allclose(theta, [-0.1, 0.1, -0.1], rtol=1e-6)


def test_the_schedule_and_the_clipping():
    rates = [warmup_cosine(step, 100, 10, 2.0) for step in range(100)]
    assert rates[0] == 0.2
    assert rates[9] == rates[10] == 2.0
    assert rates[55] == pytest.approx(1.0)
    assert 0 < rates[99] < 1e-3
    assert all(a >= b for a, b in pairwise(rates[9:]))
    g, norm = clip_by_global_norm(np.array([3.0, 4.0]), 1.0)
    assert norm == 5.0
    assert np.allclose(g, [0.6, 0.8])
    assert np.array_equal(clip_by_global_norm(np.array([3.0, 4.0]), 6.0)[0], [3.0, 4.0])


def test_trees_survive_the_round_trip_and_views_share_memory():
    tree = {"a": {"b": np.arange(6.0).reshape(2, 3)}, "c": [np.array(7.0), {"d": np.zeros(0)}]}
    assert list(flatten(tree)) == ["a.b", "c.0", "c.1.d"]
    back = unflatten(flatten(tree))
    assert isinstance(back["c"], list)
    assert np.array_equal(back["a"]["b"], tree["a"]["b"])
    theta, views = pack(tree)
    theta[0] = 9.0
    assert views["a"]["b"][0, 0] == 9.0
    turned = {"c": tree["c"], "a": tree["a"]}
    assert np.array_equal(to_vector(turned, like=tree), to_vector(tree))
    with pytest.raises(ValueError, match="differ in 1 names"):
        to_vector({"c": tree["c"]}, like=tree)
    with pytest.raises(ValueError, match="expected"):
        from_vector(np.zeros(3), tree)


def test_a_loss_needs_as_many_images_as_texts():
    rng = np.random.default_rng(0)
    rest = {losses.info_nce_forward: (), chunked.chunked_info_nce_forward: (),
            losses.multi_positive_forward: (np.eye(3, dtype=bool),), losses.sigmoid_loss_forward: (0.0,)}  # fmt: skip
    for loss, arguments in rest.items():
        for n, m in ((3, 2), (2, 3), (0, 0)):
            with pytest.raises(ValueError, match=f"{n} images and {m} texts"):
                loss(unit(rng, n, 4), unit(rng, m, 4), 1.0, *arguments)


def test_the_defaults_are_those_of_clip():
    theta = np.ones(2)
    ours = AdamW(theta, np.ones(2))
    assert (ours.b1, ours.b2, ours.eps, ours.decay) == (0.9, 0.95, 1e-6, 0.1)
    assert losses.info_nce_forward(np.eye(1), np.eye(1), 1.0)[0] == 0.0  # one pair: nothing to confuse it with
    p = init_block(np.random.default_rng(0), 64, 2)
    assert p["mlp"]["c_proj"]["weight"].std() == pytest.approx((2 * 2 * 64) ** -0.5, rel=0.05)
    assert p["mlp"]["c_fc"]["weight"].std() == pytest.approx((2 * 64) ** -0.5, rel=0.05)
    assert p["attn"]["in_proj"]["weight"].std() == pytest.approx(64**-0.5, rel=0.05)
    assert small_clip(0)[0].vision.patches == 4


def test_each_direction_shares_its_own_positives():
    rng = np.random.default_rng(0)
    image, text = unit(rng, 3, 4), unit(rng, 3, 4)
    positives = np.array([[1, 1, 1], [0, 1, 0], [0, 0, 1]], bool)
    S = torch.tensor(math.exp(1.0) * image @ text.T)
    rows = torch.tensor(positives / positives.sum(1, keepdims=True))
    columns = torch.tensor((positives / positives.sum(0, keepdims=True)).T)
    both = [torch.nn.functional.cross_entropy(z, target) for z, target in ((S, rows), (S.T, columns))]
    ours = losses.multi_positive_forward(image, text, 1.0, positives)[0]
    assert ours == pytest.approx(sum(both).item() / 2, abs=1e-12)
