"""Which pixels made it say so: the gradient to the picture, what its maps add up to, and what they point at."""

import dataclasses

import numpy as np
import pytest
import torch
from case import shake, unit
from cases import Sizes, clip_config
from describers import new_language_model

import miniclip
from miniclip.data.drawing import draw_scenes, object_window
from miniclip.data.pairs import normalized_images
from miniclip.data.world import sample_scenes
from miniclip.models.clip import ClipConfig, encode_image_forward, init_clip
from miniclip.models.vision import VisionConfig
from miniclip.nn.gradcheck import gradcheck
from miniclip.nn.tree import flatten
from miniclip.tasks import saliency
from miniclip.tasks.saliency import METHODS, explain, patch_shares, saliency_scores
from miniclip.torch.models import VisionTower

SIZES = [(6, 2, 6, 2, 2), (6, 6, 8, 1, 4), (8, 2, 12, 3, 3)]  # picture, patch, width, blocks, heads


def small(sizes, dtype=np.float64, B=3):
    """(pictures, texts, parameters, config) of a random image tower."""
    rng, config = np.random.default_rng(0), clip_config(Sizes())
    config = dataclasses.replace(config, vision=VisionConfig(*sizes, "gelu"))
    p = shake(rng, init_clip(rng, config))
    images, text = rng.normal(size=(B, sizes[0], sizes[0], 3)), unit(rng, B, config.embed_dim)
    return images.astype(dtype), text.astype(dtype), cast(p, dtype), config


def cast(tree, dtype):
    """The tree in another precision."""
    if isinstance(tree, dict):
        return {name: cast(part, dtype) for name, part in tree.items()}
    return [cast(part, dtype) for part in tree] if isinstance(tree, list) else np.asarray(tree, dtype)


def cosines(images, text, p, config):
    return (encode_image_forward(images, p, config)[0] * text).sum(-1)


@pytest.mark.parametrize("sizes", SIZES)
def test_the_gradient_is_that_of_differences(sizes):
    images, text, p, config = small(sizes, B=2 if sizes[0] == 6 else 1)
    gradient = saliency.pixel_gradients(images, text, p, config)
    assert gradcheck(lambda x: float(cosines(x, text, p, config).sum()), images, gradient) < 1e-8


@pytest.mark.parametrize("sizes", SIZES)
def test_the_gradient_is_torch_s(sizes):
    images, text, p, config = small(sizes)
    tower = VisionTower(config.vision, config.embed_dim).double()
    with torch.no_grad():
        for name, leaf in tower.state_dict().items():
            leaf.copy_(torch.from_numpy(flatten(p["visual"])[name]))
    x = torch.from_numpy(images).requires_grad_()
    torch.nn.functional.cosine_similarity(tower(x), torch.from_numpy(text)).sum().backward()
    np.testing.assert_allclose(saliency.pixel_gradients(images, text, p, config), x.grad.numpy(), rtol=0, atol=1e-12)


@pytest.mark.parametrize("sizes", SIZES)
def test_integrated_gradients_add_up_to_the_cosine_less_that_of_an_even_picture(sizes):
    """In float64, and the better the more steps: the error of the midpoint rule falls with their square."""
    images, text, p, config = small(sizes)
    even = np.broadcast_to(saliency.even_pictures(images), images.shape)
    whole = cosines(images, text, p, config) - cosines(even, text, p, config)
    errors = [np.abs(saliency.integrated_gradients(images, text, p, config, steps).sum((1, 2)) - whole).max()
              for steps in (32, 512, 1024)]  # fmt: skip
    assert errors[0] < 0.05
    assert errors[1] < 1e-4
    assert errors[2] < 0.3 * errors[1]


def test_the_sum_is_near_enough_in_single_precision_and_with_the_usual_steps():
    """The trained model: by 0.02 at most, where cosines are about 0.7."""
    model, (scenes, texts, _) = miniclip.load(), saliency.named_scenes(0, "A", 64)
    images, text = normalized_images(scenes), model.encode_text(texts)
    even = np.broadcast_to(saliency.even_pictures(images), images.shape)
    whole = cosines(images, text, model.params, model.config) - cosines(even, text, model.params, model.config)
    off = np.abs(explain(model, images, texts).sum((1, 2)) - whole)
    assert off.max() < 0.02
    assert off.mean() < 0.002


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("method", METHODS)
def test_maps_are_the_same_in_single_precision_and_in_small_parts(monkeypatch, sizes, method):
    whole = METHODS[method](*small(sizes))
    assert whole.dtype == np.float64
    single = METHODS[method](*small(sizes, np.float32))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, whole, rtol=0, atol=1e-4 * np.abs(whole).max())
    monkeypatch.setattr(saliency, "CACHE_BYTES", 1)
    np.testing.assert_allclose(METHODS[method](*small(sizes)), whole, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("vision", "most"), [
    (VisionConfig(), 2**12), (VisionConfig(224, 32, 768, 12, 12), 16), (VisionConfig(336, 14, 1024, 24, 16), 1),
])  # fmt: skip
def test_no_more_pictures_at_once_than_fit_into_memory(vision, most):
    assert 1 <= saliency.pictures_at_once(vision) <= most


def rolled_out(images, p, config: ClipConfig):
    """The product of whole matrices, with attention computed from the parameters: Abnar and Zuidema's own lines."""
    from miniclip.models.vision import vision_trunk_forward

    _, c = vision_trunk_forward(images, p["visual"], config.vision)  # nothing is read: every token asks everywhere
    flow = np.eye(1 + config.vision.patches)
    for block in c["blocks"]:
        flow = (0.5 * block["attn"]["attend"][3].mean(1) + 0.5 * np.eye(flow.shape[-1])) @ flow
    return flow[:, 0, 1:]


@pytest.mark.parametrize("sizes", SIZES)
def test_rollout_is_the_product_of_the_attention_of_all_blocks(sizes):
    images, text, p, config = small(sizes)
    maps = METHODS["attention_rollout"](images, text, p, config)
    side, P = sizes[0] // sizes[1], sizes[1]
    sums = maps.reshape(len(maps), side, P, side, P).sum((2, 4)).reshape(len(maps), -1)
    np.testing.assert_allclose(sums, rolled_out(images, p, config), rtol=0, atol=1e-12)
    assert np.array_equal(METHODS["attention_rollout"](images, -text, p, config), maps)  # the caption has no part in it


def test_shares_are_of_what_speaks_for_the_caption():
    maps = np.zeros((2, 4, 4))
    maps[0, :2, :2], maps[0, 0, 0] = 1.0, -1.0  # what speaks against it in a patch is taken off
    maps[0, 2:, 2:], maps[0, 0, 3] = 0.5, -9.0
    np.testing.assert_allclose(patch_shares(maps, 2), [[[0.5, 0.0], [0.0, 0.5]], [[0.0, 0.0], [0.0, 0.0]]])


@pytest.mark.parametrize("slot", [0, 1])
def test_an_object_s_window_holds_the_pixels_that_its_colour_changes(slot):
    scenes = sample_scenes(0, "C", np.arange(200))
    colour = scenes.colour.copy()
    colour[:, slot] = (colour[:, slot] + 4) % 8
    changed = np.abs(draw_scenes(scenes) - draw_scenes(dataclasses.replace(scenes, colour=colour))).sum(-1)
    on_it = object_window(scenes, slot, 32)
    assert on_it.mean() == object_window(scenes, slot, 4).mean() == 1 / 4
    assert (changed * on_it).sum() / changed.sum() > 0.99


# What the maps point at


@pytest.fixture(scope="module")
def scores():
    return saliency_scores(miniclip.load(), n=200)


@pytest.mark.parametrize("method", ["integrated_gradients", "gradient_x_input"])
@pytest.mark.parametrize("kind", ["alone", "one of two"])
def test_the_map_points_at_what_the_caption_names_and_not_with_random_weights(scores, method, kind):
    """The bar: the hottest patch on the object in 80 of 100 pictures, 2.5 times an even share of the map's mass."""
    peak, mass = (scores[f"{method}: {row}, {kind}"] for row in ("peak", "mass"))
    assert peak["model"] >= 0.8
    assert mass["model"] >= 2.5
    assert peak["untrained"] <= 0.7
    assert mass["untrained"] <= 1.9


def test_a_caption_that_names_neither_points_at_either(scores):
    """Alone, an object draws the map whatever is said about it; of two, a wrong caption chooses by chance."""
    for method in ("integrated_gradients", "gradient_x_input"):
        peak, mass = (scores[f"{method}: {row}, one of two"] for row in ("peak", "mass"))
        assert 0.3 <= peak["wrong caption"] <= 0.7
        assert mass["wrong caption"] <= 2.5
        assert scores[f"{method}: peak, alone"]["wrong caption"] >= 0.75
    for kind in ("alone", "one of two"):
        assert scores[f"cosine, {kind}"]["wrong caption"] < 0.4 * scores[f"cosine, {kind}"]["model"]


@pytest.mark.parametrize("method", ["gradient", "attention_rollout"])
def test_two_methods_find_the_only_object_and_not_the_named_one(scores, method):
    """What they say of these methods is said because it is so."""
    assert scores[f"{method}: peak, alone"]["model"] >= 0.8
    assert scores[f"{method}: mass, alone"]["model"] < 2.5
    assert scores[f"{method}: peak, one of two"]["model"] <= 0.5
    assert scores[f"{method}: peak, alone"]["untrained"] <= 0.5


# The face


def test_a_caption_for_each_or_one_for_all():
    model, images = miniclip.load(), small((32, 8, 6, 1, 1), np.float32)[0]
    together = explain(model, images, ["a red circle", "a blue star", "a ring"], "gradient")
    assert together.shape == (3, 32, 32)
    np.testing.assert_allclose(together[1:2], explain(model, images[1:2], "a blue star", "gradient"), atol=1e-6)
    assert explain(model, images, "a blue star").shape == (3, 32, 32)


@pytest.mark.parametrize(("method", "texts", "message"), [
    ("magic", "a star", "the method is 'magic', expected one of integrated_gradients"),
    (None, "a star", "the method is None"), (["gradient"], "a star", "expected one of"),
    ("gradient", ["a star"] * 2, "there are 2 texts and 3 pictures, expected one each, or one for all"),
    ("gradient", [], "there are no texts"),
])  # fmt: skip
def test_what_cannot_be_explained_is_told(method, texts, message):
    with pytest.raises(miniclip.MiniclipError, match=message):
        explain(miniclip.load(), small((32, 8, 6, 1, 1))[0], texts, method)


def test_a_model_without_two_towers_explains_nothing():
    with pytest.raises(TypeError, match="the model is a language model, expected a CLIP"):
        explain(new_language_model(), small((32, 8, 6, 1, 1))[0], "a star")
