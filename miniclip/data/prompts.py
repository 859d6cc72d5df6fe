"""What the decoder reads, and which of the next words are scored.

A text is a row of parts, an `end` after each, and a `start` before the first:

    start description end                                    captioning: the description is scored
    start question end answer end question end answer end    answering: questions are given, answers are scored
    start notes end question end answer end ...              reading: the same, about words instead of a picture
    start notes end notes in words end question end ...      learning to read: all but notes and questions is scored

Captioning and answering are one task, and only what stands before tells them apart.
"""

from dataclasses import dataclass

import numpy as np

from ..errors import DataError, TextError, quote
from ..nn.decoder_ops import IGNORE
from . import grammar, questions
from .notes import SHORTHAND
from .tokenizer import Tokenizer, split_words

LONGEST = 72  # words: three objects described take 34, each of three questions with its answer at most 13


def describer_tokenizer() -> Tokenizer:
    """Words of captions, questions and answers."""
    return Tokenizer(sorted({*grammar.vocabulary(), *questions.question_vocabulary()}), LONGEST)


def language_tokenizer() -> Tokenizer:
    """The same for a language model, which knows shorthand besides."""
    return Tokenizer(sorted({*grammar.vocabulary(), *questions.question_vocabulary(), *SHORTHAND}), LONGEST)


@dataclass(frozen=True)
class Texts:
    """B texts as a decoder reads them: ids (B, T), and targets (B, T), the next id, or IGNORE where none is scored."""

    ids: np.ndarray
    targets: np.ndarray

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, rows) -> "Texts":
        """Some texts, without the places after the last word that is scored in any of them."""
        targets = self.targets[rows]
        T = 1 + int(np.flatnonzero((targets != IGNORE).any(0)).max(initial=0))
        return Texts(self.ids[rows][:, :T], targets[:, :T])

    @property
    def scored(self) -> int:
        """How many words are scored."""
        return int((self.targets != IGNORE).sum())


def encode_prompt(tokenizer: Tokenizer, parts) -> list[int]:
    """start, then the words of each part and an `end`. A control token in a part is plain text."""
    ids = [tokenizer.start]
    for part in parts:
        ids += [*(tokenizer.ids.get(word, tokenizer.unk) for word in split_words(part)), tokenizer.end]
    return ids


def encode_texts(tokenizer: Tokenizer, rows) -> Texts:
    """Texts, shifted by one: place t is asked for word t + 1, where that word is scored.

    Parameters
    ----------
    rows : list of lists of (text, scored)
        The parts of each text, and whether their words, and the `end` after them, are scored.

    Raises
    ------
    DataError
        Names the row with a scored word that the decoder cannot say.
    TextError
        If a text is longer than the context.
    """
    encoded = []
    for i, parts in enumerate(rows):
        ids, scored = [tokenizer.start], [False]
        for text, is_scored in parts:
            words = split_words(text)
            for word in [word for word in words or [""] if is_scored and word not in tokenizer.ids]:
                raise DataError(f"row {i}: {quote(text)} has {quote(word)}, expected words of the vocabulary: mend it")
            ids += [*(tokenizer.ids.get(word, tokenizer.unk) for word in words), tokenizer.end]
            scored += [is_scored] * (len(words) + 1)
        encoded.append((ids, scored))
    longest = max((len(ids) for ids, _ in encoded), default=2)  # of no texts, ids (0, 1)
    if longest > tokenizer.context_length + 1:
        raise TextError(f"a text has {longest} words, expected at most {tokenizer.context_length + 1}: shorten it")
    everything = np.full((len(encoded), longest), tokenizer.pad)
    targets = np.full((len(encoded), longest), IGNORE)
    for row, (ids, scored) in enumerate(encoded):
        everything[row, : len(ids)] = ids
        targets[row, : len(ids)] = np.where(scored, ids, IGNORE)
    return Texts(everything[:, :-1], targets[:, 1:])
