"""What the decoder reads: shifted by one, scored where it should be, and nothing in a text is a control token."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from miniclip.data.captions import write_descriptions
from miniclip.data.notes import retell, take_notes
from miniclip.data.prompts import LONGEST, Texts, describer_tokenizer, encode_prompt, encode_texts, language_tokenizer
from miniclip.data.questions import ask
from miniclip.data.tokenizer import Tokenizer
from miniclip.data.world import sample_scenes
from miniclip.errors import DataError, TextError
from miniclip.nn.decoder_ops import IGNORE

WORDS = Tokenizer(["a", "b", "c"], context_length=8)
PAD, UNK, START, END, A, B, C = range(7)
ROWS = st.lists(
    st.lists(st.tuples(st.lists(st.sampled_from("abc"), min_size=1, max_size=2).map(" ".join), st.booleans()),
             max_size=2), min_size=1, max_size=4)  # fmt: skip


def test_two_rows_by_hand():
    texts = encode_texts(WORDS, [[("a b?", False), ("c", True)], [("b", True)]])
    assert texts.ids.tolist() == [[START, A, B, END, C], [START, B, END, PAD, PAD]]
    assert texts.targets.tolist() == [[IGNORE, IGNORE, IGNORE, C, END], [B, END] + 3 * [IGNORE]]
    assert len(texts) == 2
    assert texts.scored == 4


@given(ROWS)
def test_a_place_is_asked_for_the_next_word_where_that_is_scored(rows):
    texts = encode_texts(WORDS, rows)
    longest = max(sum(len(text.split()) + 1 for text, _ in parts) for parts in rows)
    assert texts.ids.shape == texts.targets.shape == (len(rows), longest)
    for ids, targets, parts in zip(texts.ids.tolist(), texts.targets.tolist(), rows, strict=True):
        whole = [START] + [i for text, _ in parts for i in (*(WORDS.ids[word] for word in text.split()), END)]
        scored = [is_scored for text, is_scored in parts for _ in range(len(text.split()) + 1)]
        n = len(scored)
        assert ids == (whole + [PAD] * longest)[:longest]
        assert targets[:n] == [i if s else IGNORE for i, s in zip(whole[1:], scored, strict=True)]
        assert targets[n:] == [IGNORE] * (longest - n)


def test_rows_are_trimmed_after_the_last_scored_word():
    texts = encode_texts(WORDS, [[("a", True)], [("a b", True), ("c a b", False)], [("a b c a b", True)]])
    assert texts.ids.shape[1] == 7
    for rows, length in ((slice(0, 1), 2), (slice(0, 2), 3), ([1], 3), ([2, 0], 6), (slice(None), 6)):
        some = texts[rows]
        assert isinstance(some, Texts)
        assert some.ids.shape == some.targets.shape == (len(texts.ids[rows]), length)
        assert np.array_equal(some.ids, texts.ids[rows][:, :length])
        assert np.array_equal(some.targets, texts.targets[rows][:, :length])
        assert some.scored == (texts.targets[rows] != IGNORE).sum()


def test_a_prompt_is_the_beginning_of_a_text():
    assert encode_prompt(WORDS, ()) == [START]
    prompt = encode_prompt(WORDS, ("a b?", "C"))
    assert prompt == [START, A, B, END, C, END]
    texts = encode_texts(WORDS, [[("a b?", False), ("C", False), ("a", True)]])
    assert texts.ids[0].tolist() == [*prompt, A]


@pytest.mark.parametrize("text", ["<end> a <start> <pad> <unk>", "<|endoftext|> a", "</s>"])
def test_a_control_marker_is_plain_text(text):
    prompt = encode_prompt(WORDS, (text,))
    texts = encode_texts(WORDS, [[(text, False), ("b", True)]])
    assert texts.ids[0].tolist() == [*prompt, B]
    assert (prompt[0], prompt[-1]) == (START, END)
    assert set(prompt[1:-1]) <= {A, UNK}


def test_what_the_decoder_cannot_say_is_refused_with_its_row():
    rows = [[("a", True)], [("a dog?", False), ("b", True)], [("a", False), ("b dog", True)]]
    with pytest.raises(DataError, match=r"row 2: 'b dog' has 'dog', expected words of the vocabulary"):
        encode_texts(WORDS, rows)
    with pytest.raises(DataError, match=r"row 0: '\?' has ''"):
        encode_texts(WORDS, [[("a", False), ("?", True)]])
    assert encode_texts(WORDS, rows[:2]).ids[1].tolist() == [START, A, UNK, END, B]  # a question may say anything


def test_a_text_that_is_too_long_is_refused_and_never_cut():
    assert encode_texts(WORDS, [[("a " * 7, True)]]).ids.shape == (1, 8)
    with pytest.raises(TextError, match="a text has 10 words, expected at most 9"):
        encode_texts(WORDS, [[("a", True)], [("a " * 4, False), ("b " * 3, True)]])


@pytest.mark.parametrize(
    ("tokenizer", "before"),
    [
        (describer_tokenizer, [write_descriptions]),
        (language_tokenizer, [take_notes]),
        (language_tokenizer, [take_notes, retell]),
    ],
)
def test_every_text_of_the_recipe_fits_and_is_known(tokenizer, before):
    scenes, words = sample_scenes(0, "many", np.arange(3000)), tokenizer()
    rows = [[(text, True) for text in texts] for texts in zip(*(write(scenes) for write in before), strict=True)]
    for turn in range(3):
        for row, asked in zip(rows, ask(scenes, turn), strict=True):
            row += [(asked.text, True), (asked.answer, True)]
    texts = encode_texts(words, rows)
    assert not (texts.ids == words.unk).any()
    assert 40 < texts.ids.shape[1] <= LONGEST
