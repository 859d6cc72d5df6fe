"""Captioning: a picture -> a sentence, scored by an oracle that knows the scene.

A sentence is right if it is *true*. Comparing it with one reference would call "a scarlet disc" wrong where the
reference says "a red circle".
"""

import math
from dataclasses import dataclass

import numpy as np

from ..data.captions import is_true
from ..data.drawing import object_window
from ..data.grammar import LEXICON, Described, Meaning, parse
from ..data.pairs import normalized_images
from ..data.prompts import encode_prompt
from ..data.world import Scenes, sample_scenes
from ..errors import TextError
from ..model import Describer
from ..models.checks import check_kind
from .generation import GREEDY, Sampling, beam_search, generate, log_probability
from .shares import Share

LONGEST_CAPTION = 36  # words: three objects take 33 and the end
NAMING = ("size", "colour", "shape")  # what the words say that name an object


@dataclass(frozen=True)
class Caption:
    """A sentence, how likely the model holds it, and where it looked for each word: (words, S), a mean over heads."""

    text: str
    words: list[str]
    attention: np.ndarray
    probability: float

    @property
    def objects(self) -> list[list[int]]:
        """The places of the words that name each object: those of its size, colour and shape, next to each other."""
        found: list[list[int]] = []
        for place, word in enumerate(self.words):
            if LEXICON.get(word, ("",))[0] in NAMING:
                if not found or found[-1][-1] != place - 1:
                    found.append([])
                found[-1].append(place)
        return found

    def looked_at(self, places) -> np.ndarray:
        """Where it looked for these words together, without the class token: a square of patches."""
        patches = self.attention[places, 1:].mean(0)
        return patches.reshape(-1, math.isqrt(patches.size))

    @property
    def named(self) -> list[tuple[str, np.ndarray]]:
        """The words that name each object, and where it looked for them."""
        return [(" ".join(self.words[place] for place in places), self.looked_at(places)) for places in self.objects]


def caption(
    model: Describer, images, sampling: Sampling = GREEDY, max_new_tokens: int = LONGEST_CAPTION, rng=None
) -> list[Caption]:
    """Describe pictures.

    Parameters
    ----------
    model : Describer
    images : float array (B, Y, X, C)
        Normalised, as `miniclip.preprocess` returns them.
    sampling : Sampling
        The default is greedy.
    max_new_tokens : int
    rng : numpy Generator
        For a temperature above 0.

    Raises
    ------
    TypeError, ValueError
        For pictures of another shape or type, or numbers that make no sense.
    """
    check_kind(model, Describer)
    writer, tokenizer = model.writer(images), model.decoder_tokenizer
    prompt = np.tile(encode_prompt(tokenizer, ()), (len(images), 1))
    written = generate(writer, prompt, tokenizer.end, max_new_tokens, sampling, rng)
    maps = np.stack([np.mean([w.mean(1)[:, 0] for w in one], axis=0) for one in written.attention], axis=1)
    found = []
    for row, its_maps, log_p in zip(written.ids.tolist(), maps, written.log_p.tolist(), strict=True):
        n = row.index(tokenizer.end) if tokenizer.end in row else len(row)
        said = [t for t, word in enumerate(row[:n]) if word not in (tokenizer.pad, tokenizer.start)]
        text = tokenizer.decode([row[:n]])[0]
        found.append(Caption(text, text.split(), its_maps[said], math.exp(log_p)))
    return found


def caption_beams(
    model: Describer, image, beams: int = 4, length_penalty: float = 1.0, max_new_tokens: int = LONGEST_CAPTION
):
    """The best sentences about one picture (Y, X, C), as (text, score), best first: see `beam_search`."""
    check_kind(model, Describer)
    tokenizer = model.decoder_tokenizer
    prompt = [encode_prompt(tokenizer, ())]
    found = beam_search(model.writer(image[None]), prompt, tokenizer.end, max_new_tokens, beams, length_penalty)
    return [(tokenizer.decode([ids])[0], score) for ids, score in found]


def reread(model: Describer, image, text: str) -> Caption:
    """A sentence about a picture (Y, X, C), with where the decoder looks for each of its words as it writes them."""
    check_kind(model, Describer)
    writer, tokenizer = model.writer(image[None]), model.decoder_tokenizer
    ids = encode_prompt(tokenizer, (text,))
    logits = writer.feed(np.array([ids[:-1]]))[0]  # a word is chosen at the place before it
    maps = np.mean([weights.mean(1)[0] for weights in writer.attention], axis=0)
    return Caption(text, text.split(), maps[:-1], math.exp(log_probability(logits, ids[1:]).sum()))


def meaning_of(text: str) -> Meaning | None:
    """What a sentence says, or None if it is no sentence of the grammar."""
    try:
        return parse(text)
    except TextError:
        return None


def attributes(described: Described) -> set[tuple[str, int]]:
    """What is said of an object, as (attribute, value)."""
    return {(name, value) for name, value in vars(described).items() if value >= 0}


def in_reading_order(scenes: Scenes, b: int) -> list[int]:
    """The objects of scene b, row by row, as descriptions name them."""
    return sorted(range(scenes.count[b]), key=lambda slot: (scenes.row[b, slot], scenes.column[b, slot]))


def scene_attributes(scenes: Scenes, b: int) -> list[set[tuple[str, int]]]:
    """What could be said of each object of scene b, in reading order."""
    names = ("shape", "colour", "size", "row", "column")
    return [attributes(Described(*(int(getattr(scenes, name)[b, slot]) for name in names)))
            for slot in in_reading_order(scenes, b)]  # fmt: skip


def caption_scores(texts, scenes: Scenes) -> dict[str, float]:
    """How good sentences are.

    Returns
    -------
    dict
        `exact`: the share that says all there is to say, and nothing else; `true`: the share that is true of its scene
        (a sentence outside the grammar is not; "a shape" always is); `attribute F1`: of shapes, colours, sizes, rows,
        columns and styles said and to be said, objects compared in reading order; `every object`: the share that speaks
        of as many objects as there are.
    """
    meanings = [meaning_of(text) for text in texts]
    true = [
        m is not None and bool(is_true(t, scenes[[b]])[0]) for b, (m, t) in enumerate(zip(meanings, texts, strict=True))
    ]
    exact: list[bool] = []
    whole: list[bool] = []
    hits = said = there = 0
    for b, meaning in enumerate(meanings):
        truth = [*scene_attributes(scenes, b), {("style", int(scenes.style[b]))}]
        told = [attributes(one) for one in meaning.objects] if meaning else []
        whole.append(len(told) == int(scenes.count[b]))
        style = {("style", meaning.style)} if meaning and meaning.style >= 0 else set()
        exact.append([*told, style] == truth)
        hits += sum(len(a & b) for a, b in zip(told, truth[:-1], strict=False)) + len(style & truth[-1])
        said += sum(map(len, told)) + len(style)
        there += sum(map(len, truth))
    f1 = 2 * hits / max(said + there, 1)
    return {"exact": Share(exact), "true": Share(true), "attribute F1": f1, "every object": Share(whole)}


def score_captions(model: Describer, seed: int, split: str, n: int, shuffled: bool = False) -> dict[str, float]:
    """The scores of greedy captions of a split's first n pictures; `shuffled`, of the pictures of other scenes."""
    scenes = sample_scenes(seed, split, np.arange(n))
    images = normalized_images(scenes)
    order = np.random.default_rng(0).permutation(n) if shuffled else np.arange(n)
    return caption_scores([one.text for one in caption(model, images[order])], scenes)


def attention_shares(one: Caption, scenes: Scenes, b: int) -> np.ndarray:
    """(words, objects): of each word's attention to patches, what lies on each object of scene b, in reading order."""
    patches = one.attention[:, 1:]  # without the class token
    side = math.isqrt(patches.shape[1])
    on_it = np.stack([object_window(scenes[[b]], slot, side).ravel() for slot in in_reading_order(scenes, b)], axis=1)
    return patches @ on_it / patches.sum(1, keepdims=True)


def attention_on_object(model: Describer, seed: int, n: int = 256, split: str = "A") -> dict[str, float]:
    """How much of the attention to patches lies on the object's own when its colour or shape is written.

    To look everywhere gives 1/4. Where a picture has several objects, `another` is what lies on each of the others.
    """
    scenes = sample_scenes(seed, split, np.arange(n))
    found: dict[str, list[float]] = {"colour": [], "shape": []}
    for b, one in enumerate(caption(model, normalized_images(scenes))):
        shares = attention_shares(one, scenes, b).tolist()
        for k, places in zip(range(scenes.count[b]), one.objects, strict=False):
            for place in places:
                kind, (own, *others) = LEXICON[one.words[place]][0], shares[place][k:] + shares[place][:k]
                if kind in found:
                    found[kind].append(own)
                    found.setdefault("another", []).extend(others)
    return {name: float(np.mean(shares)) for name, shares in found.items() if shares}
