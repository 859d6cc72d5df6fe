"""The whole model against an independent one: `transformers.CLIPModel`, with random weights, in float64."""

import numpy as np
import pytest
import torch
import transformers
from cases import random_clip

from miniclip.files.hugging_face import config_from_hugging_face, hugging_face_config
from miniclip.files.names import from_dialect, to_dialect
from miniclip.models.clip import clip_backward, clip_forward
from miniclip.nn.losses import info_nce_backward, info_nce_forward
from miniclip.nn.tree import flatten, pack, unflatten


def reference(config, params):
    settings = transformers.CLIPConfig(**hugging_face_config(config), attn_implementation="sdpa")
    model = transformers.CLIPModel(settings).double().eval()
    named = {name: torch.tensor(leaf) for name, leaf in to_dialect(params, config.vision.patch_size).items()}
    theirs = {name for name in model.state_dict() if not name.endswith("position_ids")}
    assert theirs == set(named)
    model.load_state_dict(named, strict=False)
    return model


@pytest.mark.parametrize("seed", range(24))
def test_features_logits_and_every_gradient_agree(seed):
    config, params, images, ids = random_clip(seed)
    model = reference(config, params)
    out = model(input_ids=torch.tensor(ids), pixel_values=torch.tensor(images.transpose(0, 3, 1, 2)))
    (image, text), cache = clip_forward(images, ids, params, config)
    loss, loss_cache = info_nce_forward(image, text, params["logit_scale"])
    S = np.exp(params["logit_scale"]) * image @ text.T
    for ours, theirs in ((image, out.image_embeds), (text, out.text_embeds), (S, out.logits_per_image)):
        assert np.abs(ours - theirs.detach().numpy()).max() <= 1e-10

    truth = torch.arange(len(ids))
    halves = [torch.nn.functional.cross_entropy(z, truth) for z in (out.logits_per_image, out.logits_per_text)]
    their_loss = sum(halves) / 2
    assert abs(loss - their_loss.item()) <= 1e-10
    their_loss.backward()
    dimage, dtext, dlogit_scale = info_nce_backward(loss_cache)
    _, grads = clip_backward(dimage, dtext, cache)
    grads["logit_scale"] = dlogit_scale
    ordered = unflatten({name: flatten(grads)[name] for name in flatten(params)})
    ours = to_dialect(ordered, config.vision.patch_size)
    theirs = {name: p.grad.numpy() for name, p in model.named_parameters()}
    assert ours.keys() == theirs.keys()
    for name, gradient in theirs.items():
        bound = 1e-12 if name.endswith("k_proj.bias") else 1e-9 * max(1.0, np.abs(gradient).max())
        assert np.abs(ours[name] - gradient).max() <= bound, name
        if name.endswith("k_proj.bias"):
            assert np.abs(ours[name]).max() <= 1e-12, name


@pytest.mark.parametrize("seed", range(4))
def test_layouts_and_configs_survive_the_round_trip(seed):
    config, params, _, _ = random_clip(seed)
    again = from_dialect(to_dialect(params, config.vision.patch_size), config)
    ours, back = flatten(params), flatten(again)
    assert ours.keys() == back.keys()
    assert all(np.array_equal(ours[name], back[name]) for name in ours)
    assert config_from_hugging_face(hugging_face_config(config)) == config


@pytest.mark.parametrize("seed", range(4))
def test_float32_agrees_to_its_own_precision(seed):
    config, params, images, ids = random_clip(seed)
    (image, text), _ = clip_forward(images, ids, params, config)
    _, single = pack(params)
    (image32, text32), _ = clip_forward(images.astype(np.float32), ids, single, config)
    assert image32.dtype == text32.dtype == np.float32
    assert max(np.abs(image32 - image).max(), np.abs(text32 - text).max()) <= 1e-5
