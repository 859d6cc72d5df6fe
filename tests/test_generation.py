"""Writing: greedy is the argmax, beams find the best, draws follow softmax, and every number is checked."""

import itertools
import math

import numpy as np
import pytest
from case import shake
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from miniclip.models.decoder import DecoderConfig, decoder_forward, init_decoder
from miniclip.models.writer import Writer
from miniclip.tasks.generation import GREEDY, Sampling, beam_search, generate

V, END, CONTEXT = 5, 3, 7
PROMPT = [[2, 0]]


def decoder(seed, memory_width=0):
    """A small decoder whose words are far from equally likely."""
    rng = np.random.default_rng(seed)
    config = DecoderConfig(V, CONTEXT, 6, 2, 2, memory_width)
    return config, shake(rng, init_decoder(rng, config), 0.6)


def writer(seed):
    config, p = decoder(seed)
    return Writer(p, config)


def log_p(seed, words):
    """ln p of each of the words after the prompt, from the whole text at once."""
    config, p = decoder(seed)
    logits = decoder_forward(np.array([PROMPT[0] + list(words)]), p, config)[0][0, len(PROMPT[0]) - 1 : -1]
    norm = np.log(np.exp(logits).sum(1))
    return logits[np.arange(len(words)), list(words)] - norm


class Script:
    """A writer that says what is written: row b says words[b], then nothing sensible."""

    def __init__(self, words):
        self.words, self.length, self.fed, self.attention = words, 0, 0, []
        self.texts = None
        self.config = DecoderConfig(V, CONTEXT, 6, 2, 2)

    def feed(self, ids):
        assert len(ids) == len(self.words)
        said = [row[self.fed] if self.fed < len(row) else 1 for row in self.words]
        self.fed, self.length = self.fed + 1, self.length + ids.shape[1]
        return np.eye(V)[said][:, None]


# Greedy.


def step_by_step(seed, room):
    """The likeliest word, again and again, each time reading the whole text anew."""
    words = []
    while len(words) < room and END not in words:
        words.append(max(range(V), key=lambda word: log_p(seed, [*words, word])[-1]))
    return words


@pytest.mark.parametrize("seed", range(12))
def test_greedy_is_one_beam_is_the_argmax_step_by_step(seed):
    expected = step_by_step(seed, 5)
    written = generate(writer(seed), PROMPT, END, 5)
    ids, attention = written.ids, written.attention
    assert ids.tolist() == [expected]
    assert attention == [[]] * len(expected)
    ((best, score),) = beam_search(writer(seed), PROMPT, END, 5, beams=1, length_penalty=0.0)
    assert best == expected
    assert score == pytest.approx(log_p(seed, expected).sum(), abs=1e-10)


def test_these_decoders_say_different_things():
    said = [tuple(step_by_step(seed, 5)) for seed in range(12)]
    assert len(set(said)) >= 5
    assert {END in words for words in said} == {True, False}


def test_texts_stop_at_their_end_or_at_the_limit():
    """`end` fills up what has ended, and nothing is read after the last text has ended."""
    script = Script([[0, END, 4, 4], [1, 2, 0, END], [END]])
    ids = generate(script, np.zeros((3, 2), int), END, 5).ids
    assert ids.tolist() == [[0, END, END, END], [1, 2, 0, END], [END] * 4]
    assert script.fed == 4
    ids = generate(Script([[0, 1, 2, 4, 0], [END]]), np.zeros((2, 2), int), END, 3).ids
    assert ids.tolist() == [[0, 1, 2], [END] * 3]
    assert generate(writer(0), PROMPT, END + V, CONTEXT - 2).ids.shape == (1, CONTEXT - 2)  # no end: the room is filled


def test_rows_of_a_batch_do_not_meet():
    config, p = decoder(1, memory_width=4)
    rng = np.random.default_rng(0)
    memory, prompts = rng.normal(size=(8, 3, 4)), rng.integers(V, size=(8, 2))
    written = generate(Writer(p, config, memory), prompts, END, 5)
    together, attention = written.ids, written.attention
    assert len({tuple(row) for row in together.tolist()}) >= 3
    for b in range(8):
        one = generate(Writer(p, config, memory[b : b + 1]), prompts[b : b + 1], END, 5)
        alone, looks = one.ids, one.attention
        n = alone.shape[1]
        assert together[b, :n].tolist() == alone[0].tolist()
        assert (together[b, n:] == END).all()
        for here, there in zip(looks, attention[:n], strict=True):
            for one, other in zip(here, there, strict=True):
                assert one.shape == (1, 2, 1, 3)
                np.testing.assert_allclose(one[0], other[b], atol=1e-12)
                np.testing.assert_allclose(one.sum(-1), 1.0, atol=1e-12)


# Beams.


def every_text(room):
    """All texts that can be written: up to `room` words, of which at most the last is the end."""
    for n in range(1, room + 1):
        for words in itertools.product(range(V), repeat=n):
            if END not in words[:-1] and (words[-1] == END or n == room):
                yield list(words)


@pytest.mark.parametrize("length_penalty", [0.0, 1.0])
@pytest.mark.parametrize("seed", range(4))
def test_many_beams_find_the_best_of_all_texts(seed, length_penalty):
    """With room for all of them, beam search is the search through all of them."""
    scores = {tuple(words): log_p(seed, words).sum() / len(words) ** length_penalty for words in every_text(3)}
    found = beam_search(writer(seed), PROMPT, END, 3, beams=200, length_penalty=length_penalty)
    assert {tuple(words) for words, _ in found} == scores.keys()
    for words, score in found:
        assert score == pytest.approx(scores[tuple(words)], abs=1e-10)
    assert found[0][1] == pytest.approx(max(scores.values()), abs=1e-10)


def test_beams_find_what_greedy_misses():
    missed = 0
    for seed in range(12):
        greedy = log_p(seed, step_by_step(seed, 3)).sum()
        best = beam_search(writer(seed), PROMPT, END, 3, beams=200, length_penalty=0.0)[0][1]
        assert best >= greedy - 1e-10
        missed += best > greedy + 1e-6
    assert missed > 0


def slow_beams(seed, room, beams):
    """Beam search by reading every candidate anew: of the best `beams`, those that end are done; others grow on."""
    alive, done = [[]], []
    while alive and len(done) < beams:
        every = sorted(([*words, word] for words in alive for word in range(V)), key=lambda w: -log_p(seed, w).sum())
        ends = [words[-1] == END or len(words) == room for words in every]
        done += [words for words, end in zip(every[:beams], ends, strict=False) if end]
        alive = [words for words, end in zip(every, ends, strict=True) if not end][:beams]
    return sorted(done, key=lambda words: -log_p(seed, words).mean())[:beams]


@pytest.mark.parametrize("beams", [1, 2, 3, 4])
def test_beams_grow_as_in_a_slow_search(beams):
    for seed in range(6, 18):
        fast = [words for words, _ in beam_search(writer(seed), PROMPT, END, 5, beams)]
        assert fast == slow_beams(seed, 5, beams)


@given(st.integers(0, 50), st.integers(1, 6), st.integers(1, 5))
def test_a_few_beams_come_back_sorted_with_their_true_scores(seed, beams, room):
    found = beam_search(writer(seed), PROMPT, END, room, beams, 1.0)
    assert 1 <= len(found) <= beams
    assert len({tuple(words) for words, _ in found}) == len(found)
    scores = [score for _, score in found]
    assert scores == sorted(scores, reverse=True)
    for words, score in found:
        assert score == pytest.approx(log_p(seed, words).mean(), abs=1e-10)
        assert END not in words[:-1]
        assert words[-1] == END or len(words) == room


# Chance.

LOGITS = np.log(np.array([0.05, 0.4, 0.1, 0.25, 0.2]))
N = 20_000


def frequencies(sampling, logits=LOGITS, seed=0):
    drawn = sampling.choose(np.tile(logits, (N, 1)), np.random.default_rng(seed))
    return np.bincount(drawn, minlength=len(logits))


@pytest.mark.parametrize(
    ("sampling", "p"),
    [
        (Sampling(1.0), [0.05, 0.4, 0.1, 0.25, 0.2]),
        (Sampling(0.5), [0.0025, 0.16, 0.01, 0.0625, 0.04]),
        (Sampling(2.0), np.sqrt([0.05, 0.4, 0.1, 0.25, 0.2])),
        (Sampling(1e9), [1, 1, 1, 1, 1]),
        (Sampling(1.0, top_k=3), [0, 0.4, 0, 0.25, 0.2]),
        (Sampling(1.0, top_k=5), [0.05, 0.4, 0.1, 0.25, 0.2]),
        (Sampling(1.0, top_p=0.39), [0, 1, 0, 0, 0]),
        (Sampling(1.0, top_p=0.41), [0, 0.4, 0, 0.25, 0]),
        (Sampling(1.0, top_p=0.64), [0, 0.4, 0, 0.25, 0]),
        (Sampling(1.0, top_p=0.66), [0, 0.4, 0, 0.25, 0.2]),
        (Sampling(1.0, top_p=0.96), [0.05, 0.4, 0.1, 0.25, 0.2]),
        (Sampling(1.0, top_k=2, top_p=0.9), [0, 0.4, 0, 0.25, 0]),
        (Sampling(0.5, top_p=0.6), [0, 0.16, 0, 0.0625, 0]),
        (Sampling(1.0, top_p=1e-300), [0, 1, 0, 0, 0]),
    ],
    ids=str,
)
def test_draws_follow_softmax_of_what_is_left(sampling, p):
    """Outside nothing is drawn, inside each word as often as it should be."""
    p, counts = np.array(p) / np.sum(p), frequencies(sampling)
    assert not counts[p == 0].any()
    if (p > 0).sum() > 1:
        assert chisquare(counts[p > 0], N * p[p > 0]).pvalue > 1e-3


@given(st.integers(0, 999), st.floats(1e-6, 1e6), st.sampled_from([1.0, 0.3, 1e-9]))
def test_one_word_left_is_greedy(seed, temperature, top_p):
    logits = np.random.default_rng(seed).normal(size=(6, V)) * 3
    rng = np.random.default_rng(0)
    assert np.array_equal(Sampling(temperature, 1, top_p).choose(logits, rng), logits.argmax(1))
    apart = np.stack([rng.permutation(V) / 10.0 for _ in range(6)])
    assert np.array_equal(Sampling(1e-6).choose(apart, rng), apart.argmax(1))
    assert np.array_equal(GREEDY.choose(logits, None), logits.argmax(1))


@given(st.integers(0, 999), st.floats(0.01, 1.0), st.integers(1, V), st.floats(0.05, 20))
def test_the_nucleus_is_the_smallest_set_with_enough_probability(seed, top_p, top_k, temperature):
    """Every draw lies in it; the rest of the draws' freedom is tested above."""
    logits = np.random.default_rng(seed).normal(size=V) * 2
    p = np.exp(logits / temperature - (logits / temperature).max())
    p /= p.sum()
    order = sorted(range(V), key=lambda word: -p[word])
    n = next(n for n in range(1, V + 1) if n == V or p[order[:n]].sum() >= top_p - 1e-12)
    drawn = Sampling(temperature, top_k, top_p).choose(np.tile(logits, (200, 1)), np.random.default_rng(seed))
    assert set(drawn.tolist()) <= set(order[: min(n, top_k)])


def test_words_that_are_impossible_are_never_drawn():
    logits = np.array([-np.inf, 0.0, -np.inf, -np.inf, 1.0])
    assert frequencies(Sampling(1.0), logits)[[0, 2, 3]].sum() == 0
    assert frequencies(Sampling(3.0, 4), logits)[[0, 2, 3]].sum() == 0


def test_a_seed_makes_the_text_again():
    texts = [generate(writer(2), PROMPT, END + V, 5, Sampling(2.0), np.random.default_rng(seed)).ids.tolist()
             for seed in (0, 0, 1, 2, 3)]  # fmt: skip
    assert texts[0] == texts[1]
    assert len({str(text) for text in texts}) > 2


# Bad numbers.


@pytest.mark.parametrize(
    ("given", "name"),
    [({"temperature": x}, "temperature") for x in (-1, -0.5, math.nan, math.inf, -math.inf, 1e-30)]
    + [({"top_k": x}, "top_k") for x in (0, -1, 2.5, True, "3")]
    + [({"top_p": x}, "top_p") for x in (0, -0.1, 1.1, math.nan, math.inf)],
    ids=str,
)
def test_sampling_numbers_that_are_refused(given, name):
    with pytest.raises(ValueError, match=rf"^{name} is .*, expected ") as caught:
        Sampling(**{"temperature": 1.0} | given)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_top_k_is_at_most_all_words(temperature):
    rng = np.random.default_rng(0)
    assert generate(writer(0), PROMPT, END, 2, Sampling(temperature, V), rng).ids.shape[0] == 1
    with pytest.raises(ValueError, match="top_k is 6, expected at most the 5 words"):
        generate(writer(0), PROMPT, END, 2, Sampling(temperature, V + 1), rng)


@pytest.mark.parametrize("max_new_tokens", [0, -1, CONTEXT - 1, CONTEXT + 1, 2.5, True, "2", None, math.nan])
def test_room_that_is_refused(max_new_tokens):
    for write in (generate, beam_search):
        with pytest.raises(ValueError, match=r"expected 1 to 5: 0 places for the image and 2 words of .* taken of 7"):
            write(writer(0), PROMPT, END, max_new_tokens)


def test_places_of_the_image_are_taken_from_the_room():
    config, p = decoder(0)
    seen = Writer(p, config, prefix=np.ones((1, 3, 6)))
    with pytest.raises(ValueError, match="max_new_tokens is 3, expected 1 to 2: 3 places for the image and 2 words"):
        generate(seen, PROMPT, END, 3)
    assert generate(seen, PROMPT, END + V, 2).ids.shape == (1, 2)


@pytest.mark.parametrize("beams", [0, -1, 2.5, True, "2", None])
def test_beams_that_are_refused(beams):
    with pytest.raises(ValueError, match="expected a whole number of at least 1"):
        beam_search(writer(0), PROMPT, END, 2, beams)


def test_beams_are_for_one_prompt_and_chance_needs_a_generator():
    with pytest.raises(ValueError, match="there are 2 prompts, expected one"):
        beam_search(writer(0), PROMPT * 2, END, 2)
    with pytest.raises(ValueError, match="there is no rng"):
        generate(writer(0), PROMPT, END, 2, Sampling(1.0))
