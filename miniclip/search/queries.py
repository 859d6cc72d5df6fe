"""What is asked for: a sentence, pictures, or both; and sentences that are added, subtracted and weighed.

    "red" + "circle" - "sketch"        0.5 * "sketch" + "red"

A query is the sum of the embeddings of its terms, each with its weight, made unit length again. Only terms in double
quotes are added up; a sentence without quotes is one term, with all its hyphens and plus signs.
"""

import re

import numpy as np

from ..data.tokenizer import split_words
from ..errors import InputError, TextError, quote
from ..model import Model

WEIGHT = r"(?:(\d+(?:\.\d*)?|\.\d+)\s*\*\s*)?"
TERM = re.compile(rf'\s*([+-]?)\s*{WEIGHT}"([^"]*)"\s*')
HOW = 'expected terms such as "red" + 0.5 * "circle" - "sketch"'
LEAST = 1e-3  # the length of a sum that still has a direction, as a share of all weights


def query_terms(query: str) -> list[tuple[float, str]]:
    """Weights and texts: of a sum of quoted terms, or a sentence as the only one.

    Raises TextError for a sum that cannot be read.

    >>> query_terms('"red" - 0.5 * "sketch"')
    [(1.0, 'red'), (-0.5, 'sketch')]
    >>> query_terms("a red-and-white sign that says 2 + 2")
    [(1.0, 'a red-and-white sign that says 2 + 2')]
    """
    if not TERM.match(query):
        return [(1.0, query)]
    terms, at = list[tuple[float, str]](), 0
    while at < len(query):
        term = TERM.match(query, at)
        if not term or (terms and not term[1]):
            raise TextError(f"the query cannot be read at {quote(query[at:], 40)}, {HOW}")
        weight = float(term[2] or 1.0)
        if not np.isfinite(weight):
            raise TextError(f"the weight {quote(term[2], 40)} is no number that can be, {HOW}")
        terms.append((-weight if term[1] == "-" else weight, term[3]))
        at = term.end()
    return terms


def check_words(model: Model, text: str, what: str) -> None:
    """A TextError for a text without words; to byte pairs any sign is one."""
    if not (split_words(text) if model.of_the_world else text.strip()):
        raise TextError(f"the {what} {quote(text)} has no words: describe a picture, such as 'a small red circle'")


def embed_query(model: Model, query: str = "", images=None) -> np.ndarray:
    """The embedding of a query.

    Parameters
    ----------
    model : Model
    query : str
        A sentence, or a sum of terms in quotes; empty only where there are images.
    images : float array (B, Y, X, C), optional
        Made ready for the model; each is a term.

    Returns
    -------
    float32 array (E,), a unit vector

    Raises
    ------
    ValueError
        For a text without words, a sum that cannot be read, or one that has no direction.
    """
    vectors, weights = [], []
    if images is not None:
        vectors, weights = [model.encode_image(images)], [1.0] * len(images)
    if images is None or query.strip():
        terms = query_terms(query)
        for _, text in terms:
            check_words(model, text, "query")
        vectors.append(model.encode_text([text for _, text in terms]))
        weights += [weight for weight, _ in terms]
    total = np.array(weights) @ np.concatenate(vectors)
    length, most = np.linalg.norm(total), np.abs(weights).sum()
    if not np.isfinite(length) or length <= LEAST * most:
        raise InputError(f"the query {quote(query)} adds up to nothing: it has no direction, change a weight")
    return (total / length).astype(np.float32)
