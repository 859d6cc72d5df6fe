"""Words to integers, whatever the words."""

import json
import warnings

import numpy as np
import pytest
import transformers
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from miniclip.data import grammar, tokenizer
from miniclip.data.captions import write_captions
from miniclip.data.pictures import denormalize, normalize, open_image, preprocess
from miniclip.data.tokenizer import Tokenizer, split_words
from miniclip.data.world import sample_scenes
from miniclip.errors import CheckpointError, ImageError, TextError

TOKENIZER = Tokenizer(grammar.vocabulary())


def encode(*texts):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return TOKENIZER.encode(list(texts))


@given(st.text())
def test_any_text_becomes_a_row_with_one_start_and_one_end(text):
    (row,) = encode(text)
    assert row[0] == Tokenizer.start
    assert (row == Tokenizer.end).sum() == (row == Tokenizer.start).sum() == 1
    assert len(row) == TOKENIZER.context_length
    assert 0 <= row.min() <= row.max() < TOKENIZER.vocab_size
    assert np.array_equal(row, encode(text)[0])


def test_odd_texts():
    plain = encode("a red circle")[0]
    assert encode("A  RED\tcircle.")[0].tolist() == plain.tolist()
    with pytest.warns(UserWarning, match="1 text is empty"):
        assert TOKENIZER.encode("")[0, :3].tolist() == [2, 3, 0]
    with pytest.warns(UserWarning, match="cut"):
        long = TOKENIZER.encode(["red " * 500])
    assert long[0, -1] == Tokenizer.end
    with pytest.raises(TextError, match="500 words"):
        TOKENIZER.encode("red " * 500, strict=True)
    before = TOKENIZER.unknown
    for text in ("a dog", "a \u2665", "a\u2665", "a \0", "a \ud800"):
        with pytest.warns(UserWarning, match="1 word is unknown"):
            assert TOKENIZER.encode(text)[0].tolist()[:4] == [2, TOKENIZER.ids["a"], Tokenizer.unk, 3]
    assert TOKENIZER.unknown == before + 5
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        TOKENIZER.encode("dog " + "red " * 20)
    assert [str(warning.message)[:12] for warning in told] == ["1 text is lo", "1 word is un"]
    for text in ("<end>", "<|endoftext|>", "\ud800", "\0", "\u202e", "e\u0301", "😀" * 9, "x" * 10**6):
        assert (encode(text)[0] == Tokenizer.end).sum() == 1
    for row, bad in ((0, None), (0, b"red"), (1, 3), (1, float("nan")), (1, ["red"])):
        with pytest.raises(TypeError, match=f"text {row} is"):
            TOKENIZER.encode(["red"] * row + [bad])


def test_python_normalises_only_short_stretches(monkeypatch):
    """Accents in the wrong order take it the square of their number: 2.3 s for 40,000."""
    seen = []
    monkeypatch.setattr(tokenizer.unicodedata, "normalize", lambda form, text: seen.append(len(text)) or text)
    for text in ("a" + "\u0301\u0323" * 500_000, "\u0301" * 10**6, "\U0001f600" * 1000):
        split_words(text)
        assert sum(seen) == len(text)
        assert max(seen) <= tokenizer.STRETCH
        seen.clear()


def test_captions_survive_the_round_trip_and_transformers_reads_them_alike(tmp_path):
    texts = write_captions(sample_scenes(0, "many", np.arange(400)))
    ids = TOKENIZER.encode(texts)
    assert TOKENIZER.decode(ids) == texts
    file = tmp_path / "tokenizer.json"
    file.write_text(json.dumps(TOKENIZER.to_json()))
    theirs = transformers.PreTrainedTokenizerFast(tokenizer_file=str(file), pad_token="<pad>")
    assert theirs(texts, padding="max_length", max_length=16)["input_ids"] == ids.tolist()
    odd = [
        "",
        "A  RED\tcircle, there!",
        "a_star",
        "a x-ray",
        "e\u0301 \u2665ring\u2665",
        "caf\u00e9 \u00c9",
        "red " * 30,
    ]
    assert theirs(odd, padding="max_length", max_length=16, truncation=True)["input_ids"] == encode(*odd).tolist()
    assert Tokenizer.from_json(json.loads(file.read_text())).words == TOKENIZER.words
    whole = TOKENIZER.to_json()
    for broken in ({}, {"model": {"vocab": {"a": 0}}, "truncation": {"max_length": 5}},
                   *(whole | {"truncation": {"max_length": length}} for length in (2, -1, "16", None))):  # fmt: skip
        with pytest.raises(CheckpointError, match=r"tokenizer\.json"):
            Tokenizer.from_json(broken)


def test_preprocessing():
    images = np.random.default_rng(0).random((2, 32, 32, 3)).astype(np.float32)
    assert np.abs(denormalize(normalize(images)) - images).max() < 1e-6
    assert np.array_equal(preprocess(images), normalize(images))
    assert np.array_equal(preprocess(images[0]), normalize(images[:1]))
    levels = (images * 255).round().astype(np.uint8)
    wide = np.asarray(Image.fromarray(levels[0]).resize((96, 64)))
    reference = np.asarray(Image.fromarray(wide).resize((48, 32), Image.Resampling.BICUBIC))[:, 8:40] / 255
    assert np.abs(denormalize(preprocess(wide))[0] - reference).max() < 0.01
    pictures = [Image.fromarray(wide), Image.fromarray(levels[0]).convert("RGBA"), Image.fromarray(levels[0, :, :, 0])]
    assert np.array_equal(preprocess(pictures[0]), preprocess(wide))
    assert np.array_equal(preprocess(pictures)[1], preprocess(levels[0])[0])
    assert np.array_equal(preprocess(pictures)[2], preprocess(np.repeat(levels[0, :, :, :1], 3, axis=2))[0])
    for bad in (np.zeros((4, 4)), np.zeros((4, 4, 4)), np.zeros((4, 4, 3), int), np.full((4, 4, 3), 2.0)):
        with pytest.raises(ValueError, match="expected"):
            preprocess([bad])


def test_picture_files(tmp_path):
    upright = Image.fromarray(np.random.default_rng(0).integers(0, 255, (6, 9, 3), np.uint8))
    plain, turned, clear, text = (tmp_path / name for name in ("a.png", "b.png", "c.png", "d.png"))
    upright.save(plain)
    exif = Image.Exif()
    exif[0x0112] = 8  # shown after a quarter turn to the left
    upright.transpose(Image.Transpose.ROTATE_270).save(turned, exif=exif)
    assert np.array_equal(open_image(plain), open_image(turned))
    Image.new("RGBA", (3, 3), (0, 0, 0, 0)).save(clear)
    assert (open_image(clear) == 1.0).all()
    text.write_text("no picture")
    for path in (text, tmp_path / "missing.png", tmp_path):
        with pytest.raises(ImageError, match=path.name):
            open_image(path)
