"""Forwards that nobody wants a gradient of, on all cores."""

from functools import partial

import numpy as np

from ..machine.threads import LEAST, cores, in_parallel, part_size, shares
from ..nn.blocks import largest_array
from ..nn.cache import forgetting
from .checks import check_images
from .vision import VisionConfig, vision_trunk_forward


def image_tokens(images, p, config: VisionConfig) -> np.ndarray:
    """The image tower's tokens (B, 1 + N, D), from its own parameters `p`; the images are checked first."""
    images = check_images(images, config.image_size)
    tokens = np.full(len(images), 1 + config.patches)
    return in_shares(lambda x: vision_trunk_forward(x, p, config)[0], tokens, config, images)


def in_shares(forward, tokens, tower, *inputs) -> np.ndarray:
    """forward(some of each input), on all cores, joined again; tokens (B,): how many of each item the tower sees."""
    size = part_size(largest_array(int(tokens.max(initial=1)), tower.mlp_width, tower.heads))
    n = max(cores(), -(-len(tokens) // size))

    def job(rows):
        with forgetting:
            return forward(*(x[rows] for x in inputs))

    jobs = [partial(job, rows) for rows in shares(tokens, n)]
    if len(jobs) == 1 and size == LEAST:  # one large item: the library's own threads share its products
        return jobs[0]()
    return np.concatenate(list(in_parallel(jobs)))
