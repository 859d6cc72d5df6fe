"""A scene -> a sentence; and the oracle: is this sentence true of this scene?

A sentence is written in two moves: choose what to speak of (an object, a pair, the number), then how (what to mention,
in which words). The second move never looks at the scene, so

    p(text | scene) = const(text) w(text, scene),

where w, the share of the first moves that fit the sentence, can be counted. This gives the best possible contrastive
logits exactly, ln p(text | scene) - ln p(text), and with them the lowest loss that any model can reach.
"""

import hashlib
from itertools import permutations

import numpy as np

from ..errors import DataError, quote
from .grammar import (
    CELLS,
    COLUMN_PHRASES,
    NEUTRAL,
    NOUNS,
    NUMBERS,
    RELATIONS,
    ROW_PHRASES,
    WORDS,
    Described,
    Meaning,
    parse,
)
from .world import CAPTION, COLOURS, DESCRIPTION, SHAPES, SIZES, STYLES, Scenes, choose, uniform

MENTION = {"colour": 0.9, "shape": 0.9, "size": 0.5, "position": 0.9, "style": 0.5}
USUAL = 0.85  # how often the first of several synonyms is taken
# p(speak of one object, a pair with "and", a pair with its relation, the number), by the number of objects.
KINDS = np.array([(0, 0, 0, 0), (1, 0, 0, 0), (0.4, 0.25, 0.25, 0.1), (0.4, 0.25, 0.25, 0.1)])
ONE, PAIR, RELATED, NUMBER = range(4)


def synonym(name: str, u: float) -> str:
    """The usual word for a thing, or with probability 1 - USUAL one of the others."""
    return usual_or_other(WORDS[name], u)


def usual_or_other(words, u: float) -> str:
    """The first of some words that say the same, or with probability 1 - USUAL one of the others."""
    if u < USUAL or len(words) == 1:
        return words[0]
    return words[1 + int((u - USUAL) / (1 - USUAL) * (len(words) - 1))]


def noun_phrase(shape, colour, size, u) -> str:
    """a [small] [red] circle: what is mentioned, and in which words, is decided by seven numbers u alone."""
    says_colour, says_shape = u[0] < MENTION["colour"], u[1] < MENTION["shape"]
    words = [synonym(SIZES[size], u[3])] if u[2] < MENTION["size"] else []
    if says_colour:
        words.append(synonym(COLOURS[colour], u[4]))
    if says_shape or not says_colour:
        words.append(synonym(SHAPES[shape], u[5]))
    else:
        words.append(NOUNS[int(u[6] * len(NOUNS))])
    return with_article(" ".join(words))


def with_article(words: str) -> str:
    """an orange circle, a red circle"""
    return f"{'an' if words[0] in 'aeio' else 'a'} {words}"  # no word here begins with a sounded u


def place_phrase(row, column, u) -> str:
    """in the top left corner, at the top, on the left, or nothing."""
    if u >= MENTION["position"]:
        return ""
    u /= MENTION["position"]
    return CELLS[row][column] if u < 0.5 else ROW_PHRASES[row] if u < 0.75 else COLUMN_PHRASES[column]


def style_phrase(style, u, v) -> str:
    """a sketch of, a picture of, or nothing."""
    if u < MENTION["style"]:
        return with_article(synonym(STYLES[style], v)) + " of "
    return f"{with_article(NEUTRAL[int(v * len(NEUTRAL))])} of " if u < 0.75 else ""


def write_captions(scenes: Scenes) -> list[str]:
    """A true sentence about each scene; the same scene always gets the same one."""
    u = uniform(scenes.key[:, None], CAPTION + np.arange(20))
    kinds = (u[:, :1] >= KINDS[scenes.count].cumsum(1)[:, :-1]).sum(1).tolist()
    focus = choose(scenes.key, CAPTION + 30, scenes.count).tolist()
    other = choose(scenes.key, CAPTION + 31, np.maximum(scenes.count - 1, 1)).tolist()
    columns = [u, scenes.style, scenes.count, scenes.shape, scenes.colour, scenes.size, scenes.row, scenes.column]
    return [
        write_caption(kind, i, j + (j >= i), *item)
        for kind, i, j, *item in zip(kinds, focus, other, *(column.tolist() for column in columns), strict=True)
    ]


def write_caption(kind, i, j, u, style, count, shape, colour, size, row, column) -> str:
    """One sentence: about object i, about i and j, or about how many there are."""
    start = style_phrase(style, u[1], u[2])
    if kind == NUMBER:
        return f"{start}{NUMBERS[count - 1]} {NOUNS[int(u[3] * len(NOUNS))]}s"
    first = noun_phrase(shape[i], colour[i], size[i], u[3:10])
    if kind == ONE:
        place = place_phrase(row[i], column[i], u[10])
        if place and u[11] < 0.25:
            return f"{place} {start}{first}"
        return f"{start}{first} {place}".rstrip()
    second = noun_phrase(shape[j], colour[j], size[j], u[12:19])
    if kind == PAIR:
        return f"{start}{first} and {second}"
    true = [name for name, holds in zip(RELATIONS, related(row[i], column[i], row[j], column[j]), strict=True) if holds]
    return f"{start}{first} {true[int(u[19] * len(true))]} {second}"


def write_descriptions(scenes: Scenes) -> list[str]:
    """Everything about every object, in reading order: what a captioner is taught; the same scene, the same sentence.

    >>> from .world import sample_scenes
    >>> write_descriptions(sample_scenes(0, "A", [0]))
    ['a photo of a large purple triangle in the top right corner']
    """
    order = np.where(scenes.shape < 0, 9, 3 * scenes.row + scenes.column).argsort(1)  # absent objects last
    columns = (
        np.take_along_axis(getattr(scenes, name), order, 1) for name in ("size", "colour", "shape", "row", "column")
    )
    objects = np.stack(list(columns), axis=2).tolist()  # (B, 3, 5)
    u = uniform(scenes.key[:, None], DESCRIPTION + np.arange(10)).tolist()
    texts = []
    for style, n, seen, v in zip(scenes.style.tolist(), scenes.count.tolist(), objects, u, strict=True):
        said = [describe_object(one, v[1 + 3 * i : 4 + 3 * i]) for i, one in enumerate(seen[:n])]
        texts.append(f"{with_article(synonym(STYLES[style], v[0]))} of {' and '.join(said)}")
    return texts


def describe_object(one, u) -> str:
    """a small red circle in the top left corner; one: its size, colour, shape, row, column"""
    size, colour, shape, row, column = one
    words = (
        synonym(names[value], w)
        for names, value, w in zip((SIZES, COLOURS, SHAPES), (size, colour, shape), u, strict=True)
    )
    return f"{with_article(' '.join(words))} {CELLS[row][column]}"


def related(row_i, column_i, row_j, column_j):
    """Which of RELATIONS hold between i and j: i is left of, right of, above, below j."""
    return column_i < column_j, column_i > column_j, row_i < row_j, row_i > row_j


def matches(described: Described, scenes: Scenes) -> np.ndarray:
    """(B, 3) bool: which objects of each scene the description fits."""
    fits = scenes.shape >= 0
    for name in ("shape", "colour", "size", "row", "column"):
        if (value := getattr(described, name)) >= 0:
            fits = fits & (getattr(scenes, name) == value)
    return fits


def fitting_share(meaning: Meaning, scenes: Scenes) -> np.ndarray:
    """Of all the things of its kind to speak of, how many fit the sentence: (B,), 0 just where it is false."""
    n, style = scenes.count, np.where(meaning.style < 0, scenes.style, meaning.style)
    w = (scenes.style == style).astype(float)
    if meaning.count:
        described = meaning.objects[0] if meaning.objects else Described()
        w = w * (matches(described, scenes).sum(1) == meaning.count)
    elif len(meaning.objects) == 1:
        w = w * matches(meaning.objects[0], scenes).sum(1) / n
    elif len(meaning.objects) == 2:
        first, second = (matches(described, scenes) for described in meaning.objects)
        pairs = (first[:, :, None] & second[:, None, :] & ~np.eye(first.shape[1], dtype=bool)).astype(float)
        if meaning.relation in RELATIONS:
            a = [x[:, :, None] for x in (scenes.row, scenes.column)]
            b = [x[:, None, :] for x in (scenes.row, scenes.column)]
            holds = np.stack(related(*a, *b))
            pairs *= holds[RELATIONS.index(meaning.relation)] / np.maximum(holds.sum(0), 1)
        w = w * pairs.sum((1, 2)) / np.maximum(n * (n - 1), 1)
    elif len(meaning.objects) == 3:
        fits = [matches(described, scenes) for described in meaning.objects]
        ways = [
            np.all([fit[:, i] for fit, i in zip(fits, order, strict=True)], axis=0) for order in permutations(range(3))
        ]
        w = w * np.mean(ways, axis=0)
    return w


def likelihood(meaning: Meaning, scenes: Scenes) -> np.ndarray:
    """w(text, scene), (B,): the probability of speaking of something that fits; 0 where that is never said."""
    if len(meaning.objects) > 2:
        return np.zeros(len(scenes))
    about = RELATED if meaning.relation in RELATIONS else PAIR if meaning.relation else ONE
    return KINDS[scenes.count, NUMBER if meaning.count else about] * fitting_share(meaning, scenes)


def each(weight, texts, scenes: Scenes) -> np.ndarray:
    """`weight` of the meaning of every text for every scene: (len(scenes), len(texts))."""
    meanings = [parse(text) for text in texts]
    known = {meaning: weight(meaning, scenes) for meaning in set(meanings)}
    return np.array([known[meaning] for meaning in meanings]).reshape(len(texts), len(scenes)).T


def caption_likelihood(texts, scenes: Scenes) -> np.ndarray:
    """w of every text for every scene: (len(scenes), len(texts))."""
    return each(likelihood, texts, scenes)


def is_true(text: str, scenes: Scenes) -> np.ndarray:
    """(B,) bool: is the sentence true of each scene? Raises TextError outside the grammar."""
    return fitting_share(parse(text), scenes) > 0


def caption_groups(texts) -> np.ndarray:
    """(B,) int64: a number for what each sentence says, equal just where two say the same, in whatever words.

    "A scarlet disc" and "a red circle" fit the same pictures, so each is a right answer where the other is.
    """
    digests = (hashlib.blake2b(repr(parse(text)).encode(), digest_size=8).digest() for text in texts)
    return np.frombuffer(bytearray(b"".join(digests)), np.int64)


def truth_matrix(texts, scenes: Scenes) -> np.ndarray:
    """(len(scenes), len(texts)) bool: rows are scenes, columns are sentences."""
    return each(fitting_share, texts, scenes) > 0


def pointwise_information(texts, scenes: Scenes, reference: Scenes) -> np.ndarray:
    """ln p(text | scene) - ln p(text), (len(scenes), len(texts)), -inf where the text is false.

    p(text) is the mean over `reference`, scenes that stand for all scenes, and the given ones.
    """
    w = caption_likelihood(texts, scenes)
    everywhere = (w.sum(0) + caption_likelihood(texts, reference).sum(0)) / (len(scenes) + len(reference))
    if not everywhere.all():
        raise DataError(f"no scene fits {quote(texts[int(everywhere.argmin())])}: such a text has no information")
    with np.errstate(divide="ignore"):
        return np.log(w) - np.log(everywhere)
