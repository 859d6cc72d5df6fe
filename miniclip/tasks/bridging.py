"""The queries of a bridge: where in a picture each of them looks, and which word its vector has become."""

import math

import numpy as np

from ..data.tokenizer import SPECIALS
from ..errors import InputError, quote
from ..model import BridgedModel
from ..models.bridge import bridge_forward
from ..models.checks import check_kind
from ..nn.ops import normalize_forward


def read_queries(model: BridgedModel, images) -> tuple[list[list[str]], np.ndarray]:
    """What the queries see in pictures.

    Parameters
    ----------
    model : BridgedModel
        Whose bridge has queries.
    images : float array (B, Y, X, C)
        Normalised, as `miniclip.preprocess` returns them.

    Returns
    -------
    words : B lists of Q str
        The word of the language model whose embedding has the largest cosine with the vector that it is shown; among
        them "<end>", which ends a text.
    attention : array (B, Q, n, n)
        Each query's attention to the patches, a mean over heads: rows of patches downwards, all of it sums to 1.

    Raises
    ------
    TypeError, ValueError
        For another model, a bridge without queries, pictures of another shape or type.
    """
    check_kind(model, BridgedModel)
    if model.config.bridge.kind != "queries":
        raise InputError(f"the bridge is {quote(model.config.bridge.kind)}, expected one with queries")
    prefix, c = bridge_forward(model.memory(images), model.params["bridge"], model.config.bridge)
    known, _ = normalize_forward(model.params["decoder"]["token_embedding"]["weight"])
    nearest = (normalize_forward(prefix)[0] @ known.T).argmax(-1)
    names = (*SPECIALS, *model.decoder_tokenizer.words)
    words = [[names[id] for id in row] for row in nearest.tolist()]
    side = math.isqrt(model.config.bridge.patches)
    weights = c["blocks"][-1]["cross"]["attend"][3].mean(1)
    return words, weights.reshape(*weights.shape[:2], side, side)
