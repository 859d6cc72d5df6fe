"""Bugs of the pairs, of the decoder's words, and of the scores."""

import numpy as np

from ...data.pairs import normalized_images
from ...nn.decoder_ops import cross_entropy_backward, cross_entropy_forward
from ..harness import Bar
from .injection import Bug


def captions_of_the_next(self, numbers):
    """A picture is left out and its caption is not: from there on each picture has its neighbour's."""
    scenes = self.scenes(numbers)
    texts = self.write(scenes)
    texts = texts[1:] + texts[:1]
    return normalized_images(scenes), self.tokenizer.encode(texts), texts


def each_its_own_group(texts):
    """(B,) integers, all different: a caption that stands twice is a wrong answer for its twin."""
    return np.arange(len(texts))


def not_shifted(logits, targets, weight):
    """The place that reads a word is asked for the same word."""
    if not weight:
        return 0.0, np.zeros_like(logits)
    loss, c = cross_entropy_forward(logits[:, 1:], targets[:, :-1])
    dlogits = np.zeros_like(logits)
    dlogits[:, 1:] = weight * cross_entropy_backward(c)
    return weight * float(loss), dlogits


def shifted_twice(logits, targets, weight):
    """The loss shifts what the data has shifted already: each place is asked for the word after the next."""
    if not weight:
        return 0.0, np.zeros_like(logits)
    loss, c = cross_entropy_forward(logits[:, :-1], targets[:, 1:])
    dlogits = np.zeros_like(logits)
    dlogits[:, :-1] = weight * cross_entropy_backward(c)
    return weight * float(loss), dlogits


def raw_mean(embeddings):
    """The mean of the prompts as they come: a long vector has more votes, and the mean has no unit length."""
    return embeddings.mean(1)


def ties_for_us(scores, relevant):
    """rank_q = 1 + the number of answers that score higher than the best right one."""
    scores, relevant = np.asarray(scores), np.asarray(relevant)
    best = np.where(relevant, scores, -np.inf).max(1, keepdims=True)
    return 1 + (scores > best).sum(1)


def hits_counted(scores, relevant, k=1):
    """The right answers among the first k, of each query; not the queries that have one."""
    first = np.argsort(-np.asarray(scores), axis=1)[:, :k]
    return np.take_along_axis(np.asarray(relevant), first, axis=1).sum(1).mean()


BUGS = {
    "captions of the next": Bug(
        "From one picture on, every picture has the caption of its neighbour.",
        {"train.sources:World.pairs": captions_of_the_next},
        Bar("training: zero-shot", "there is nothing to learn", most=0.3),
        "tests/test_train.py::test_the_pairs_of_a_run_belong_together",
    ),
    "equal captions apart": Bug(
        "A caption that stands twice in a batch counts as a wrong answer for its twin.",
        {"data.captions:caption_groups": each_its_own_group},
        Bar("scores: groups of two equal captions", "equal captions are two groups", least=2.0),
        "tests/data/test_world.py::test_captions_that_say_the_same_are_one_group",
        "vsepp #6; moein #11; ImageBind-LoRA #6",
    ),
    "labels not shifted": Bug(
        "The decoder is asked for the word that it has just read: it learns to copy, to a loss of 0.",
        {"train.objectives:word_loss": not_shifted},
        Bar("decoder: loss on random words", "what cannot be guessed is known", most=1.0),
        "tests/test_describing.py::test_counting_goes_on",
        "transformers PR 37830; KempnerForge #154",
    ),
    "labels shifted twice": Bug(
        "The decoder is asked for the word after the next.",
        {"train.objectives:word_loss": shifted_twice},
        Bar("decoder: counts on", "what comes next is left out", most=0.5),
        "tests/test_describing.py::test_counting_goes_on",
        "transformers #47394",
    ),
    "raw ensemble": Bug(
        "Prompts are averaged before they are normalised, and not normalised after.",
        {"tasks.zero_shot:ensemble": raw_mean},
        Bar("scores: votes of a prompt ten times as long", "a long prompt decides alone", least=2.0),
        "tests/test_tasks.py::test_ensemble_normalises_averages_normalises",
        "CLIP_benchmark #90; Histo-TransCLIP #3",
    ),
    "ties count for us": Bug(
        "An item that scores as high as the right one is not counted before it.",
        {"tasks.retrieval:first_ranks": ties_for_us},
        Bar("scores: recall of one that says the same of all", "who knows nothing is always right", least=0.9),
        "tests/test_tasks.py::test_a_collapsed_model_is_last_and_a_perfect_one_first",
        "CLIP4Clip #80",
    ),
    "hits are counted": Bug(
        "Recall counts right answers, not queries that have one: with several of them it passes 1.",
        {"tasks.retrieval:recall_at_k": hits_counted},
        Bar("scores: recall where three of three are right", "recall is above 1", least=1.1),
        "tests/test_tasks.py::test_scores_of_a_ranking",
        "gbrain #4176",
    ),
}
