"""CLIP's byte-pair encoding: the same ids as transformers', and what holds for any text."""

import hashlib
import html
import json
import random
import tomllib
import unicodedata
import warnings
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import tokenizers
import transformers
from clip_texts import byte_pair_files, texts
from hypothesis import given
from hypothesis import strategies as st

from miniclip.data import byte_pairs
from miniclip.data.byte_pairs import BytePairs, read_shipped, split_text
from miniclip.data.merges import MERGES, SHIPPED, first_tokens, shipped_merges
from miniclip.data.tokenizer import STRETCH, compose
from miniclip.errors import InputError, TextError

TOKENIZER = read_shipped()
GOLDEN = json.loads(Path(__file__).with_name("byte_pairs.json").read_text(encoding="utf-8"))


def encode(*found):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return TOKENIZER.encode(list(found))


def clean(text):
    return " ".join(compose(word).lower() for word in split_text(text))


@pytest.fixture(scope="module")
def theirs(tmp_path_factory):
    """transformers.CLIPTokenizer's ids of texts, from the files that we write."""
    folder = tmp_path_factory.mktemp("theirs")
    for name, data in byte_pair_files(TOKENIZER).items():
        (folder / name).write_bytes(data)
    tokenizer = transformers.CLIPTokenizer.from_pretrained(folder)

    def ids(*found, **how):
        how = {"split_special_tokens": True, **how}
        return np.array(tokenizer(list(found), padding="max_length", truncation=True, **how)["input_ids"])

    return ids


def test_five_thousand_texts_have_the_same_ids_as_in_transformers(theirs):
    checked = 0
    for kind, found in texts().items():
        ours = encode(*found)
        for text, row, other in zip(found, ours, theirs(*found), strict=True):
            assert row.tolist() == other.tolist(), (kind, text[:200])
        checked += len(set(found))
    assert checked > 5000


# Kind -> texts whose ids differ, and what must be done to a text so that they no longer do.
EXCEPTIONS = {
    "CLIP unescapes HTML, twice; transformers does not": (
        ["Tom &amp; Jerry", "&lt;3", "&amp;amp;", "caf&eacute;", "it&#39;s", "a&nbsp;cat"],
        lambda text: html.unescape(html.unescape(text)),
    ),
    "Python knows that a sigma at the end of a word is another letter; tokenizers goes letter by letter": (
        ["ΟΔΟΣ", "ΣΑΣ", "Α ΣΟΦΟΣ, ΟΔΟΣ!"],
        str.lower,
    ),
}


@pytest.mark.parametrize("reason", EXCEPTIONS)
def test_the_exceptions(theirs, reason):
    found, mended = EXCEPTIONS[reason]
    for text in found:
        (ours,) = encode(text)
        assert ours.tolist() != theirs(text)[0].tolist(), text
        assert ours.tolist() == theirs(mended(text))[0].tolist(), text


def test_the_exceptions_of_control_tokens_new_letters_and_long_words_with_accents(theirs):
    control = "a <|endoftext|> cat"  # by default transformers lets a caption end itself
    assert encode(control).tolist() != theirs(control, split_special_tokens=False).tolist()
    assert (theirs(control, split_special_tokens=False) == TOKENIZER.end).sum() > (
        encode(control) == TOKENIZER.end
    ).sum()
    beside = (
        "<|endoftext|>!"  # there the signs of a control token keep to themselves; here |>! are three signs in a row
    )
    assert encode(beside).tolist() != theirs(beside).tolist()
    accents = "x" * (STRETCH - 1) + "e\u0301"  # composed in stretches, so that hostile text takes no time
    assert len(compose(accents)) == len(unicodedata.normalize("NFC", accents)) + 1
    new = "\U0001e4d0\U0001e4d1a"  # letters since Unicode 15
    if unicodedata.category(new[0]) == "Cn":
        assert encode(new).tolist() != theirs(new).tolist()
    else:
        assert encode(new).tolist() == theirs(new).tolist()


def test_the_golden_file():
    assert len(GOLDEN) == 200
    for text, ids, decoded in GOLDEN:
        (row,) = encode(text)
        whole = row[: 1 + row.tolist().index(TOKENIZER.end)]
        assert whole.tolist() == ids, text[:200]
        assert TOKENIZER.decode(row) == [decoded]
    assert sum(len(ids) == TOKENIZER.context_length for _, ids, _ in GOLDEN) > 5  # those that were cut


def test_what_ships_is_what_it_was():
    assert (
        hashlib.sha256(SHIPPED.read_bytes()).hexdigest()
        == "dad5d1868812268569bd4595d2c21caf47a62830998a09762145e117041a202a"
    )
    merges = shipped_merges()
    assert len(merges) == MERGES == 48_894
    assert (
        hashlib.sha256("\n".join(map(" ".join, merges)).encode()).hexdigest()
        == "f61f2adf497e6f5357c347aeb4646fabe82f341e946de5bdec5d2858e41bef4a"
    )
    assert (TOKENIZER.vocab_size, TOKENIZER.start, TOKENIZER.end) == (49_408, 49_406, 49_407)
    notice = SHIPPED.parent / "LICENSE"
    assert "Copyright (c) 2021 OpenAI" in notice.read_text()
    root = Path(__file__).parents[2]
    listed = tomllib.loads((root / "pyproject.toml").read_text())["project"]["license-files"]
    assert notice in [root / name for name in listed]


@given(
    st.text(st.characters(exclude_categories=())) | st.lists(st.sampled_from([*"a'&#;<|>\ud800\u0301Σ 1"])).map("".join)
)
def test_any_text_becomes_a_row_that_says_it_again(text):
    (row,) = encode(text)
    assert len(row) == TOKENIZER.context_length
    assert row.dtype == np.int64
    assert row[0] == TOKENIZER.start
    assert (row == TOKENIZER.start).sum() == 1
    end = row.tolist().index(TOKENIZER.end)
    assert set(row[end:].tolist()) == {TOKENIZER.pad}
    assert 0 <= row.min() <= row.max() < TOKENIZER.vocab_size
    assert np.array_equal(row, encode(text)[0])
    (said,) = TOKENIZER.decode(row)
    if end < TOKENIZER.context_length - 1:
        assert said.replace(" ", "") == clean(text).replace(" ", "")
        if clean(said) == said:  # J with a caron is two characters, and its small letter one
            assert np.array_equal(encode(said), [row])


@given(
    st.text(st.characters(exclude_categories=("Cs",)), max_size=30), st.integers(3, 20), st.sampled_from([None, 0, 600])
)
def test_a_shorter_row_is_the_beginning_of_a_longer_one(text, length, pad):
    short = BytePairs(list(TOKENIZER.ranks)[:100], None, length, pad)
    long = BytePairs(list(TOKENIZER.ranks)[:100], None, 1000)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        (cut,), (whole,), (trimmed,) = short.encode(text), long.encode(text), short.encode_short(text)
    n = whole.tolist().index(long.end)
    expected = [*whole[: min(n, length - 1)], long.end]
    assert cut.tolist() == expected + [short.end if pad is None else pad] * (length - len(expected))
    assert trimmed.tolist() == expected
    assert TOKENIZER.decode(encode("!!")) == ["!!"]


def test_merging_is_by_rank_in_any_piece():
    """The heap does what the sentence says: the lowest rank, everywhere, until none is left."""

    def slowly(piece):
        parts = list(piece[:-1]) + [piece[-1] + "</w>"]
        while pairs := [pair for pair in pairwise(parts) if pair in TOKENIZER.ranks]:
            best, out = min(pairs, key=TOKENIZER.ranks.__getitem__), []
            while parts:
                n = 2 if tuple(parts[:2]) == best else 1
                out, parts = [*out, "".join(parts[:n])], parts[n:]
            parts = out
        return parts

    rng = random.Random(0)
    for alphabet in ("ab", "ha", "etaoin", "abcdefghijklmnopqrstuvwxyz", "!?."):
        for _ in range(100):
            piece = "".join(rng.choices(alphabet, k=1 + int(60 * rng.random())))
            assert TOKENIZER.merge(piece) == slowly(piece), piece


def test_cut_and_empty_texts_are_told_once():
    with pytest.warns(UserWarning, match="2 texts are longer than 75 tokens and cut") as told:
        rows = TOKENIZER.encode(["red " * 80, "red " * 75, "x" * 10**6, "a cat"])
    assert len(told) == 1
    assert (rows[:3, -1] == TOKENIZER.end).all()
    with pytest.warns(UserWarning, match="1 text is empty"):
        assert TOKENIZER.encode(" \t").tolist() == [[TOKENIZER.start] + [TOKENIZER.end] * 76]
    with pytest.raises(TextError, match="text 1 has 80 tokens, expected at most 75"):
        TOKENIZER.encode(["red", "red " * 80], strict=True)
    for bad in (None, 3, b"red", ["red"], float("nan")):
        with pytest.raises(TypeError, match="text 1 is"):
            TOKENIZER.encode(["red", bad])


MILLIONS = {
    "marks": "a" + "\u0301\u0323" * 500_000,
    "one word": "x" * 10**6,
    "a word": "red " * 250_000,
    "words": " ".join(map(str, range(150_000))),
    "ands": "&" * 10**6,
    "a reference": "&#" + "9" * 10**6 + ";",
    "references": "&amp;" * 200_000,
    "surrogates": "\ud800" * 10**6,
    "sigmas": "Σ" * 10**6,
    "emoji": "😀" * 10**6,
    "spaces": " " * 10**6,
}


@pytest.mark.parametrize("what", MILLIONS)
def test_a_million_characters_are_read_as_far_as_a_row_goes(what, monkeypatch):
    """Counted in characters that are looked at, not in seconds."""
    seen = []
    monkeypatch.setattr(byte_pairs, "compose", lambda word: (seen.append(len(word)), compose(word))[1])
    monkeypatch.setattr(TOKENIZER, "cache", {})
    (row,) = encode(MILLIONS[what])
    assert (row == TOKENIZER.start).sum() == 1
    assert TOKENIZER.end in row
    assert sum(seen) <= 2 * TOKENIZER.longest_word


def test_the_cache_has_a_bound_and_changes_nothing(monkeypatch):
    monkeypatch.setattr(byte_pairs, "CACHED", 10)
    monkeypatch.setattr(TOKENIZER, "cache", {})
    found = [f"word{i} {'y' * 50}" for i in range(100)]
    assert np.array_equal(
        encode(*found, *found), np.concatenate([np.concatenate([encode(text) for text in found])] * 2)
    )
    assert 0 < len(TOKENIZER.cache) <= 10
    assert max(map(len, TOKENIZER.cache)) <= byte_pairs.LONGEST_CACHED


def test_the_tokenizers_library_reads_what_we_write():
    ours = json.loads(json.dumps(TOKENIZER.to_json()))
    theirs = tokenizers.Tokenizer.from_str(json.dumps(ours))
    found = ["A photo of a Cat's 42 dogs!!", "日本 😀", "", "red " * 100]
    assert [one.ids for one in theirs.encode_batch(found)] == encode(*found).tolist()
    again = BytePairs.from_json(ours)
    assert (again.ids, again.ranks, again.pad) == (TOKENIZER.ids, TOKENIZER.ranks, TOKENIZER.pad)


@pytest.mark.parametrize("pad", [-1, 49_408, True, 0.0, "!"])
def test_pad_is_an_id(pad):
    with pytest.raises(InputError, match="pad is"):
        BytePairs([], None, 77, pad) if pad != 49_408 else BytePairs([], None, 77, 514)


def test_no_merge_makes_a_control_token():
    steps = [("<|endoftext|>"[:n], "<|endoftext|>"[n]) for n in range(1, 13)]
    assert BytePairs(steps[:-1]).vocab_size == 514 + 11
    with pytest.raises(InputError, match=r"merge 11 makes '<\|endoftext\|>', which is there already"):
        BytePairs(steps)


def test_without_merges_a_text_is_bytes():
    plain = BytePairs([])
    assert plain.vocab_size == len(first_tokens()) + 2 == 514
    assert plain.decode(plain.encode("Zürich 한")) == ["zürich 한"]
    assert plain.decode(np.array([[plain.start, 0, plain.end, 5]])) == ["!"]
    for bad, error in (([[514]], InputError), ([[-1]], InputError), ([[0.5]], TypeError), ([[[1]]], TypeError)):
        with pytest.raises(error):
            plain.decode(bad)
