"""Writing: greedily, by chance, or along several beams at once.

A `Writer` says how likely every next word is; the functions here choose.
"""

import sys
from dataclasses import dataclass

import numpy as np

from ..errors import InputError, quote
from ..models.writer import Writer
from ..nn.checks import as_array
from ..nn.ops import log_softmax_forward, softmax_forward

COLDEST = 1e-6  # a smaller temperature overflows the logits; 0 means greedy
HOTTEST = 1e30  # draws from all words alike, as any above a million does; still a number that can be divided by
MOST_BEAMS = 4096  # each is a text of its own at every step


def is_number(value) -> bool:
    """A finite real number: `True` is an answer, no number."""
    real = isinstance(value, int | float | np.integer | np.floating) and type(value) is not bool
    return real and abs(value) <= sys.float_info.max


@dataclass(frozen=True)
class Sampling:
    """How the next word is drawn from p = softmax(logits / temperature).

    Parameters
    ----------
    temperature : float
        0 takes the most likely word; 1 draws from p as it is; above 1 is more adventurous.
    top_k : int, optional
        Only among the k most likely words.
    top_p : float
        Only among the most likely words that together have this probability ("nucleus"; Holtzman et al. 2020,
        arXiv:1904.09751). The best word always stays.
    """

    temperature: float = 0.0
    top_k: int | None = None
    top_p: float = 1.0

    def __post_init__(self):
        if not is_number(self.temperature) or not (self.temperature == 0 or COLDEST <= self.temperature <= HOTTEST):
            raise InputError(
                f"temperature is {quote(self.temperature)}, expected 0 (greedy) or a number above {COLDEST}"
            )
        if self.top_k is not None and (type(self.top_k) is not int or self.top_k < 1):
            raise InputError(f"top_k is {quote(self.top_k)}, expected a whole number of at least 1")
        if not is_number(self.top_p) or not 0 < self.top_p <= 1:
            raise InputError(f"top_p is {quote(self.top_p)}, expected a number above 0, at most 1")

    def choose(self, logits, rng) -> np.ndarray:
        """The next word of each text. logits (B, V) -> (B,)"""
        B, V = logits.shape
        if self.top_k is not None and self.top_k > V:
            raise InputError(f"top_k is {quote(self.top_k)}, expected at most the {V} words of the vocabulary")
        if self.temperature == 0:
            return logits.argmax(1)
        order = np.argsort(-logits, axis=1, kind="stable")
        p, _ = softmax_forward(np.take_along_axis(logits, order, 1).astype(np.float64) / self.temperature)
        allowed = p.cumsum(1) - p < self.top_p  # the words before this one do not have it all yet
        allowed[:, self.top_k or V :] = False
        allowed[:, 0] = True
        p = np.where(allowed, p, 0.0).cumsum(1)
        drawn = (rng.random((B, 1)) * p[:, -1:] >= p).sum(1)
        return order[np.arange(B), np.minimum(drawn, allowed.sum(1) - 1)]


GREEDY = Sampling()
STRONGEST = 100  # of length penalties: their powers must not overflow


def check_prompt_ids(writer: Writer, prompt) -> np.ndarray:
    """The prompt as an array (B, T) of the writer's words, one for each of its pictures."""
    prompt, words = as_array(prompt, "the prompts"), writer.config.vocab_size
    if prompt.ndim != 2 or prompt.size == 0 or prompt.dtype.kind not in "iu":
        raise InputError(f"the prompt is {prompt.dtype} {prompt.shape}, expected integers (B, T), one word at least")
    if prompt.min() < 0 or prompt.max() >= words:
        raise InputError(f"the prompt has ids from {prompt.min()} to {prompt.max()}, expected 0 to {words - 1}")
    if writer.texts not in (None, len(prompt)):
        raise InputError(f"there are {len(prompt)} prompts for {writer.texts} pictures, expected one each")
    return prompt


@dataclass(frozen=True)
class Written:
    """What was written: B texts of up to T words, how likely each was, and where the decoder looked.

    Attributes
    ----------
    ids : int array (B, T)
        `end` from where a text has ended.
    log_p : array (B,)
        ln p of all of a text's words, its end included, in the model's own distribution, at temperature 1.
    attention : list
        For each new word, for each block, weights (B, H, 1, S) on the memory when it was chosen.
    """

    ids: np.ndarray
    log_p: np.ndarray
    attention: list


def check_room(writer: Writer, prompt: int, max_new_tokens) -> None:
    """Room for the prompt and all new words."""
    room = writer.config.context_length - writer.length - prompt
    if type(max_new_tokens) is not int or not 0 < max_new_tokens <= room:
        raise InputError(
            f"max_new_tokens is {quote(max_new_tokens)}, expected 1 to {room}: {writer.length} places for the image "
            f"and {prompt} words of the prompt are taken of {writer.config.context_length}"
        )


def generate(writer: Writer, prompt, end: int, max_new_tokens: int, sampling: Sampling = GREEDY, rng=None) -> Written:
    """Write on until every text has ended.

    Parameters
    ----------
    writer : Writer
        It has read whatever comes before the prompt.
    prompt : integer array (B, T)
    end : int
        The id that ends a text.
    max_new_tokens : int
    sampling : Sampling
    rng : numpy Generator
        Needed where the temperature is above 0.

    Returns
    -------
    Written

    Raises
    ------
    ValueError
        If the words do not fit, or a number makes no sense.
    """
    prompt = check_prompt_ids(writer, prompt)
    check_room(writer, prompt.shape[1], max_new_tokens)
    if sampling.temperature and rng is None:
        raise InputError("temperature is above 0, and there is no rng: give one, so that the text can be made again")
    words: list[np.ndarray] = []
    attention, ended, ids, log_p = [], np.zeros(len(prompt), bool), prompt, np.zeros(len(prompt))
    while len(words) < max_new_tokens and not ended.all():
        logits = writer.feed(ids)[:, -1]
        attention.append([weights[:, :, -1:] for weights in writer.attention])
        chosen = np.where(ended, end, sampling.choose(logits, rng))
        log_p += np.where(ended, 0.0, log_probability(logits, chosen))
        ended = ended | (chosen == end)
        words.append(chosen)
        ids = chosen[:, None]
    return Written(np.stack(words, axis=1), log_p, attention)


def log_probability(logits, words) -> np.ndarray:
    """ln p of each word, p = softmax(logits). logits (..., V), words (...) -> (...)"""
    log_p, _ = log_softmax_forward(np.asarray(logits, np.float64))
    return np.take_along_axis(log_p, np.asarray(words)[..., None], -1)[..., 0]


def beam_search(writer: Writer, prompt, end: int, max_new_tokens: int, beams: int = 4, length_penalty: float = 1.0):
    """The best of several texts grown side by side, for one prompt: score = sum of ln p / length^length_penalty.

    Parameters
    ----------
    prompt : integer array (1, T)
    beams : int
        How many texts are kept; 1 is greedy.
    length_penalty : float
        0 favours short texts, 1 scores the mean word. Source: Wu et al. 2016, arXiv:1609.08144, section 7, simplified.

    Returns
    -------
    list of (ids, score)
        As many as there are beams, those that ended or filled the room first, best first.
    """
    prompt = check_prompt_ids(writer, prompt)
    check_room(writer, prompt.shape[1], max_new_tokens)
    if type(beams) is not int or not 1 <= beams <= MOST_BEAMS:
        raise InputError(f"beams is {quote(beams)}, expected a whole number of at least 1, at most {MOST_BEAMS:,}")
    if not is_number(length_penalty) or abs(length_penalty) > STRONGEST:
        raise InputError(
            f"length_penalty is {quote(length_penalty)}, expected a number from -{STRONGEST} to {STRONGEST}"
        )
    if len(prompt) != 1:
        raise InputError(f"there are {len(prompt)} prompts, expected one: beams are the texts side by side")
    texts: list[list[int]] = [[]]
    totals, done = np.zeros(1), []
    logits = writer.feed(prompt)[:, -1]
    for length in range(1, max_new_tokens + 1):
        scores = totals[:, None] + log_softmax_forward(logits.astype(np.float64))[0]
        best = np.argsort(-scores, axis=None, kind="stable")[: 2 * beams]  # twice as many: some of them end
        alive: list[tuple[int, int]] = []
        for rank, place in enumerate(best.tolist()):
            row, word = divmod(place, scores.shape[1])
            if word == end or length == max_new_tokens:
                if rank < beams:
                    done.append(([*texts[row], word], float(scores[row, word]) / length**length_penalty))
            elif len(alive) < beams:
                alive.append((row, word))
        if len(done) >= beams or not alive:
            break
        rows, words = (np.array(part) for part in zip(*alive, strict=True))
        totals, texts = scores[rows, words], [[*texts[row], word] for row, word in alive]
        writer.select(rows)
        logits = writer.feed(words[:, None])[:, -1]
    return sorted(done, key=lambda one: -one[1])[:beams]
