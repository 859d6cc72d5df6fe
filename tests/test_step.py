"""A batch taken in parts is the same batch; accumulating parts is another one."""

import tracemalloc
from functools import partial

import numpy as np
import pytest
from cases import random_clip

from miniclip.models.clip import clip_backward, clip_forward
from miniclip.nn.losses import info_nce_backward, info_nce_forward
from miniclip.nn.tree import flatten, pack
from miniclip.train.ranks import accumulated_loss_and_gradients, sharings, simulate_ranks
from miniclip.train.step import loss_and_gradients

BOTH = pytest.mark.parametrize("replay", [False, True])


def at_once(images, ids, params, config):
    """The definition: both towers on everything, the loss, and back."""
    (image, text), c = clip_forward(images, ids, params, config)
    loss, c_loss = info_nce_forward(image, text, params["logit_scale"])
    dimage, dtext, dlogit_scale = info_nce_backward(c_loss)
    S, others = image @ text.T, ~np.eye(len(image), dtype=bool)
    ahead = [z.diagonal() - np.where(others, z, -1.0).max(1) for z in (S, S.T)]
    right = [0.5 * sum((a > by).mean() for a in ahead) for by in (1e-12, -1e-12)]  # equal captions tie
    return loss, flatten(clip_backward(dimage, dtext, c)[1] | {"logit_scale": dlogit_scale}), right


@BOTH
@pytest.mark.parametrize("seed", range(8))
def test_parts_of_any_size_give_the_whole(replay, seed):
    config, params, images, ids = random_clip(seed)
    loss, grads, right = at_once(images, ids, params, config)
    for part in range(1, len(images) + 2):
        ours, ours_grads, told = loss_and_gradients(images, ids, params, config, part, replay)
        assert abs(ours - loss) < 1e-12
        assert right[0] <= told["accuracy"] <= right[1]
        assert told["scale"] == pytest.approx(np.exp(params["logit_scale"]))
        named = flatten(ours_grads)
        assert list(named) == list(flatten(params))
        for name, g in grads.items():
            assert np.abs(named[name] - g).max() < 1e-11, name


def test_float32_stays_float32_and_nothing_is_written_to():
    config, params, images, ids = random_clip(3)
    _, single = pack(params)
    for array in (images, ids, *flatten(single).values()):
        array.setflags(write=False)
    for gradients in (loss_and_gradients, partial(loss_and_gradients, replay=True), accumulated_loss_and_gradients):
        grads = gradients(images.astype(np.float32), ids, single, config, 2)[1]
        assert {g.dtype for g in flatten(grads).values()} == {np.dtype(np.float32)}


def test_accumulating_parts_is_not_a_bigger_batch():
    """The lesson: equal at one part, and far off below."""
    for seed in range(4):
        config, params, images, ids = random_clip(seed)
        loss, grads, _ = at_once(images, ids, params, config)
        whole, whole_grads = accumulated_loss_and_gradients(images, ids, params, config, len(images))
        assert abs(whole - loss) < 1e-12
        assert all(np.abs(g - grads[name]).max() < 1e-11 for name, g in flatten(whole_grads).items())
        mean, mean_grads = accumulated_loss_and_gradients(images, ids, params, config, 1)
        assert mean == 0.0  # one pair alone has nothing to be told from
        assert not any(np.any(g) for g in flatten(mean_grads).values())


def peak(function) -> int:
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_replay_needs_the_memory_of_a_few_parts(monkeypatch):
    """Whatever B is: four times the pairs need, beside the logits, no more than their embeddings."""
    monkeypatch.setattr("miniclip.machine.threads.cores", lambda: 2)
    config, params, images, ids = random_clip(5)

    def beside_the_logits(B, replay):
        pictures, captions = np.tile(images, (B, 1, 1, 1))[:B], np.tile(ids, (B, 1))[:B]
        return peak(lambda: loss_and_gradients(pictures, captions, params, config, 16, replay)) - 8 * 6 * B * B

    few, many = beside_the_logits(256, True), beside_the_logits(1024, True)
    assert few < beside_the_logits(256, False) / 4
    assert many - few < 8 * 8 * (1024 - 256) * config.embed_dim


@pytest.mark.parametrize("R", [1, 2, 3])
@pytest.mark.parametrize("seed", range(4))
def test_simulated_ranks(seed, R):
    """The two right ways are right on any model; test_distributed.py compares all ways with real processes."""
    config, params, images, ids = random_clip(seed)
    R = min(R, len(images))
    table = simulate_ranks(images, ids, params, config, R)
    assert list(table) == [*sharings(R), "parts replayed", "parts accumulated"]
    right = ["local loss, gather with gradient", "global loss, gather with gradient", "parts replayed"]
    for name, row in table.items():
        assert row.keys() == {"loss", "image tower", "text tower", "temperature"}
        if name in right or (R == 1 and "without" not in name):
            assert max(row.values()) < 1e-11, name
    if len(images) % R == 0:  # equal shares: a rank that gathers nothing has only accumulated a part
        for key, value in table["no gather"].items():
            assert value == pytest.approx(table["parts accumulated"][key], abs=1e-11)


def test_simulated_ranks_refuse_what_cannot_be_shared():
    config, params, images, ids = random_clip(0)
    for R in (0, len(images) + 1):
        with pytest.raises(ValueError, match=f"there are {R} ranks for {len(images)} pairs"):
            simulate_ranks(images, ids, params, config, R)
