"""CLIP's words in folders: what others write is read, what is damaged is refused in one line; and its prompts."""

import gzip
import hashlib
import json
import tracemalloc

import numpy as np
import pytest
import tokenizers
import transformers
from clip_texts import byte_pair_files
from hypothesis import given
from hypothesis import strategies as st

from miniclip.data.byte_pairs import BytePairs, read_shipped
from miniclip.data.merges import MAX_BYTES, SHIPPED, shipped_merges
from miniclip.data.tokenizer import Tokenizer
from miniclip.errors import CheckpointError, InputError
from miniclip.files.storage import encode_json
from miniclip.files.words import JSON, LIST, PAIRS, VOCAB, tokenizer_beside
from miniclip.tasks.zero_shot import IMAGENET, TEMPLATE_SETS, TEMPLATES, build_prompts, imagenet, template_set

TEXTS = ["A photo of a cat", "It's 42 abc!!", "日本 😀"]
SMALL = BytePairs([("a", "b"), ("ab", "c</w>"), ("c", "a</w>")])


def put(folder, files):
    for name, data in files.items():
        (folder / name).write_bytes(data if isinstance(data, bytes) else data.encode())
    return folder


def pairs_instead(data: dict) -> dict:
    """A newer tokenizer.json, whose merges are pairs."""
    return data | {"model": data["model"] | {"merges": [pair.split(" ") for pair in data["model"]["merges"]]}}


def older(data: dict) -> dict:
    """One as they were published in 2021: without a type, cut and padded by whoever calls."""
    model = {key: value for key, value in data["model"].items() if key != "type"}
    return data | {"truncation": None, "padding": None, "model": model}


def without_specials(data: dict) -> dict:
    """One that has start and end only among its added tokens."""
    model = data["model"]
    return data | {"model": model | {"vocab": {token: id for token, id in model["vocab"].items() if token[:2] != "<|"}}}


@pytest.mark.parametrize("made", [dict, pairs_instead, older, without_specials])
@pytest.mark.parametrize("tokenizer", [SMALL, BytePairs(list(SMALL.ranks), pad=0)], ids=["pad end", "pad 0"])
def test_every_kind_of_tokenizer_json_is_read(tmp_path, made, tokenizer):
    again = tokenizer_beside(put(tmp_path, {JSON: encode_json(made(tokenizer.to_json()))}))
    assert (again.ids, again.ranks) == (tokenizer.ids, tokenizer.ranks)
    assert again.pad == (tokenizer.end if made is older else tokenizer.pad)
    assert again.context_length == 77
    assert tokenizer_beside(tmp_path, 9).context_length == 9  # the model's length counts
    assert np.array_equal(again.encode(TEXTS)[:, :5], tokenizer.encode(TEXTS)[:, :5])


@pytest.mark.parametrize("change", [lambda text: text, lambda text: text.replace("\n", "\r\n"), str.rstrip,
                                    lambda text: text.split("\n", 1)[1]],
                         ids=["as written", "CRLF", "no last line feed", "no version"])  # fmt: skip
def test_two_files_are_read(tmp_path, change):
    files = byte_pair_files(SMALL)
    again = tokenizer_beside(put(tmp_path, files | {PAIRS: change(files[PAIRS].decode())}), context_length=9)
    assert (again.ids, again.ranks, again.context_length) == (SMALL.ids, SMALL.ranks, 9)


def test_the_ids_are_those_of_the_file(tmp_path):
    turned = {token: SMALL.vocab_size - 1 - id for token, id in SMALL.ids.items()} | {"<more>": SMALL.vocab_size}
    again = tokenizer_beside(put(tmp_path, {VOCAB: json.dumps(turned), PAIRS: "a b\nab c</w>\nc a</w>"}))
    assert again.start == 1
    assert again.end == 0
    assert again.decode(again.encode(TEXTS)) == SMALL.decode(SMALL.encode(TEXTS))
    assert again.decode(np.array([SMALL.vocab_size])) == ["<more>"]


def test_openais_own_list_is_read(tmp_path):
    longer = gzip.decompress(SHIPPED.read_bytes()) + b"not used</w>\n" * 1000
    again = tokenizer_beside(put(tmp_path, {LIST: gzip.compress(longer)}), context_length=20)
    assert again.encode("a photo of a cat")[0, :7].tolist() == [49406, 320, 1125, 539, 320, 2368, 49407]
    assert again.ids == read_shipped().ids


@pytest.mark.parametrize("pad", [None, 0])
def test_transformers_opens_what_we_write(tmp_path, pad):
    """Also with `!` as padding, which would be lost in "abc!!" if transformers were told of it."""
    ours = read_shipped(pad=pad)
    rows = ours.encode(TEXTS).tolist()
    expected = [row[: 1 + row.index(ours.end)] for row in rows]
    for name, files in (("two", byte_pair_files(ours)), ("one", {JSON: encode_json(ours.to_json())})):
        (tmp_path / name).mkdir()
        theirs = transformers.CLIPTokenizer.from_pretrained(put(tmp_path / name, files))
        assert theirs(TEXTS)["input_ids"] == expected
        if name == "two" and pad is None:
            assert theirs(TEXTS, padding="max_length")["input_ids"] == rows


def test_what_the_tokenizers_library_has_trained_is_read(tmp_path):
    theirs = tokenizers.Tokenizer(tokenizers.models.BPE(end_of_word_suffix="</w>"))
    theirs.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = [token for token in SMALL.tokens[:256]]
    trainer = tokenizers.trainers.BpeTrainer(vocab_size=700, initial_alphabet=alphabet, end_of_word_suffix="</w>",
                                             special_tokens=["<|startoftext|>", "<|endoftext|>"])  # fmt: skip
    theirs.train_from_iterator(template_set("clip80") + tuple(imagenet()["class_names"]), trainer)
    data = json.loads(theirs.to_str())
    for character in alphabet:  # it numbers only the ends of words that it has seen
        data["model"]["vocab"].setdefault(f"{character}</w>", len(data["model"]["vocab"]))
    again = BytePairs.from_json(data)
    assert again.start == 0
    assert again.decode(again.encode("a photo of a tench!")) == ["a photo of a tench !"]


def changed(**parts):
    """tokenizer.json with other parts of its model."""
    data = SMALL.to_json()
    return {JSON: json.dumps(data | {"model": data["model"] | parts})}


def vocab(**tokens):
    return {VOCAB: json.dumps(SMALL.ids | tokens), PAIRS: "a b"}


def without(*tokens):
    left = [token for token in SMALL.ids if token not in tokens]
    return {VOCAB: json.dumps({token: id for id, token in enumerate(left)}), PAIRS: "a b"}


WHOLE = {VOCAB: json.dumps(SMALL.ids)}
DAMAGED = {
    "ids without merges": (WHOLE, "has one of vocab.json and merges.txt, expected both: fetch the other"),
    "JSON that is none": ({JSON: "{"}, "is not JSON"),
    "JSON of bytes": ({JSON: b"\xff\xfe\x00"}, "is not JSON"),
    "JSON too deep": ({JSON: '{"model":' + "[" * 5000 + "]" * 5000 + "}"}, "is not JSON"),
    "a list": ({JSON: "[]"}, "is not one of a CLIP"),
    "no model": ({JSON: "{}"}, "it has no 'model'"),
    "a model that is a number": ({JSON: '{"model": 3}'}, "is not one of a CLIP"),
    "word level": (changed(type="WordLevel"), "is not a word-level tokenizer of miniclip"),
    "GPT-2's": (changed(end_of_word_suffix=""), "its end_of_word_suffix is '', expected '</w>'"),
    "no merges": (changed(merges=None), "is not one of a CLIP"),
    "merges that are numbers": (changed(merges=[3]), "merge 0 is 3, expected two tokens"),
    "merges that are lists of numbers": (changed(merges=[[1, 2]]), r"merge 0 is \[1, 2\], expected two tokens"),
    "a merge of three in JSON": (changed(merges=["a b", "a b c"]), "merge 1 is .*, expected two tokens"),
    "ids in a list": (changed(vocab=[["a", 0]]), "is not one of a CLIP"),
    "a length of text": ({JSON: json.dumps(SMALL.to_json() | {"padding": {"pad_id": "0"}})}, "pad is '0'"),
    "a merge of three": (WHOLE | {PAIRS: "a b\na b c"}, "merge 1 is .*, expected two tokens"),
    "a merge of one": (WHOLE | {PAIRS: "ab"}, "merge 0 is .*, expected two tokens"),
    "a merge with a gap": (WHOLE | {PAIRS: "a  b"}, "merge 0 is .*, expected two tokens"),
    "a merge of unknowns": (WHOLE | {PAIRS: "a b\nxy c"}, "merge 1 joins 'xy', which no byte and no merge before"),
    "a merge too early": (WHOLE | {PAIRS: "ab c</w>\na b"}, "merge 0 joins 'ab'"),
    "a merge twice": (WHOLE | {PAIRS: "a b\na b"}, "merge 1 makes 'ab', which is there already"),
    "merges of another vocabulary": (WHOLE | {PAIRS: "a b\nx y"}, "1 tokens have no id, such as 'xy'"),
    "merges in Latin-1": (WHOLE | {PAIRS: b"a \xe9"}, r"merges.txt is not UTF-8 \(byte 2\)"),
    "a gap in the ids": (vocab(more=600), "the ids of the 518 tokens are not 0 to 517"),
    "an id twice": (vocab(more=5), "the ids of the 518 tokens are not 0 to 517"),
    "a negative id": (vocab(a=-1), "the ids of the 517 tokens are not"),
    "an id that is true": (vocab(a=True), "whole numbers"),
    "an id of 1.0": (vocab(a=1.0), "whole numbers"),
    "an id of text": (vocab(a="1"), "whole numbers"),
    "ids that are a list": ({VOCAB: "[1]", PAIRS: "a b"}, "is not a table of tokens"),
    "no end": (without("<|endoftext|>"), r"1 tokens have no id, such as '<\|endoftext\|>'"),
    "a byte that is missing": (without("!"), "1 tokens have no id, such as '!'"),
    "a list that is not packed": ({LIST: "a b"}, "is not a gzipped text"),
    "a list that is cut": ({LIST: SHIPPED.read_bytes()[:1000]}, "is not a gzipped text"),
    "a list with a changed byte": ({LIST: SHIPPED.read_bytes()[:-6] + b"xx" + SHIPPED.read_bytes()[-4:]}, "not a gzip"),
    "a list that is damaged": ({LIST: SHIPPED.read_bytes()[:500] + b"\0" * 999 + SHIPPED.read_bytes()[1499:]},
                               "is not a gzipped text"),
    "a list in Latin-1": ({LIST: gzip.compress(b"\xe9 a")}, "is not a gzipped text"),
    "a list too short": ({LIST: gzip.compress(b"a b\n" * 9)}, "it has 9 merges, expected at least 48,894"),
    "a list of something else": ({LIST: gzip.compress(b"a b c\n" * 48894)}, "merge 0 is .*, expected two tokens"),
    "a bomb": ({LIST: gzip.compress(b"a" * (MAX_BYTES + 1))}, "it unpacks to more than 16,777,216 bytes"),
}  # fmt: skip


@pytest.mark.parametrize("what", DAMAGED)
def test_damage_is_told_in_one_line(tmp_path, what):
    files, message = DAMAGED[what]
    with pytest.raises(CheckpointError, match=message) as caught:
        tokenizer_beside(put(tmp_path, files))
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400
    assert caught.value.exit_code == 4


def test_a_bomb_is_not_unpacked(tmp_path):
    put(tmp_path, {LIST: gzip.compress(b"a" * (8 * MAX_BYTES), 1)})
    tracemalloc.start()
    with pytest.raises(CheckpointError, match="unpacks to more than"):
        tokenizer_beside(tmp_path)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 4 * MAX_BYTES


def test_what_is_no_file_is_refused(tmp_path):
    (tmp_path / JSON).mkdir()
    with pytest.raises(CheckpointError, match="is not a file"):
        tokenizer_beside(tmp_path)


JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 600),
    st.floats(allow_nan=False),
    st.text(max_size=3),
    st.lists(st.integers(0, 3), max_size=3),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)


@given(st.data(), JUNK)
def test_a_tokenizer_json_with_anything_anywhere_is_read_or_refused(data, junk):
    whole = json.loads(json.dumps(SMALL.to_json()))
    inside = whole
    while True:
        key = data.draw(st.sampled_from(sorted(inside) if isinstance(inside, dict) else range(len(inside))))
        if not isinstance(inside[key], dict | list) or not inside[key] or data.draw(st.booleans()):
            break
        inside = inside[key]
    inside[key] = junk
    try:
        row = BytePairs.from_json(whole, 9).encode("abc!")[0]
        assert len(row) == 9
    except CheckpointError as error:
        assert "\n" not in str(error)  # noqa: PT017


def test_the_prompts_of_clip():
    assert TEMPLATE_SETS == ("world", "plain", "clip7", "clip80")
    assert template_set("world") == TEMPLATES
    assert [len(template_set(name)) for name in TEMPLATE_SETS] == [13, 1, 7, 80]
    assert set(template_set("clip7")) < set(template_set("clip80"))
    names = imagenet()["class_names"]
    assert len(names) == 1000
    assert (
        hashlib.sha256(IMAGENET.read_bytes()).hexdigest()
        == "f2043e88edea3377eb9167b5e9a43e6082a8eec8c2f79b860adbfa40ed2c96d1"
    )
    for name in TEMPLATE_SETS:
        assert len(set(template_set(name))) == len(template_set(name))
    twice = sorted({name for name in names if names.count(name) > 1})
    assert twice == ["missile", "sunglasses"]
    prompts = build_prompts(list(dict.fromkeys(names)), template_set("clip80"))
    assert prompts[0][:2] == ["a bad photo of a tench.", "a photo of many tench."]
    for bad in ("clip81", "", None, 7):
        with pytest.raises(InputError, match="expected one of world, plain, clip7, clip80"):
            template_set(bad)
    assert len(shipped_merges()) == 48_894


def test_a_word_level_tokenizer_lies_beside_a_model_as_well(tmp_path):
    """A folder of ours that has lost its manifest, say; and where there is nothing, there is none."""
    ours = Tokenizer(["a", "red", "circle"], 9)
    again = tokenizer_beside(put(tmp_path, {JSON: encode_json(ours.to_json())}), 9)
    assert isinstance(again, Tokenizer)
    assert again.words == ours.words
    (tmp_path / JSON).unlink()
    assert tokenizer_beside(tmp_path) is None
