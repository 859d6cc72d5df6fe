"""What may go into a model, and what is said about what may not."""

import numpy as np
import pytest

from miniclip.data.captions import write_captions
from miniclip.data.drawing import draw_scenes
from miniclip.data.grammar import vocabulary
from miniclip.data.pictures import normalize
from miniclip.data.tokenizer import Tokenizer
from miniclip.data.world import sample_scenes
from miniclip.errors import ConfigError
from miniclip.model import Model
from miniclip.models.clip import ClipConfig, init_clip
from miniclip.models.text import TextConfig
from miniclip.models.vision import VisionConfig
from miniclip.nn.tree import flatten, pack

EOS = Tokenizer.end


@pytest.fixture(scope="module")
def model():
    tokenizer, rng = Tokenizer(vocabulary()), np.random.default_rng(0)
    text = TextConfig(tokenizer.vocab_size, 16, 12, 1, 2, eos_token_id=EOS)
    config = ClipConfig(VisionConfig(32, 8, 20, 1, 2), text, 10)
    return Model(config, pack(init_clip(rng, config))[1], tokenizer, "digest")


@pytest.fixture(scope="module")
def images():
    return normalize(draw_scenes(sample_scenes(0, "A", np.arange(5))))


@pytest.fixture(scope="module")
def ids(model):
    return model.tokenizer.encode(write_captions(sample_scenes(0, "A", np.arange(5))))


def test_unit_vectors_in_parts_of_any_size(model, images, ids, monkeypatch):
    for encode, x in ((model.encode_image, images), (model.encode_text, ids)):
        y = encode(x)
        assert (y.shape, y.dtype) == ((5, 10), np.float32)
        np.testing.assert_allclose(np.linalg.norm(y, axis=1), 1, atol=1e-6)
        for size in (1, 2, 5):
            monkeypatch.setattr("miniclip.models.inference.part_size", lambda nbytes, size=size: size)
            np.testing.assert_allclose(encode(x), y, rtol=0, atol=1e-6)
        np.testing.assert_allclose(encode(x[::-1]), y[::-1], rtol=0, atol=1e-6)
        assert np.ptp(y, axis=0).max() > 1e-2


def test_one_text_is_a_batch_of_one(model):
    one = model.encode_text("a red circle")
    np.testing.assert_array_equal(one, model.encode_text(["a red circle"]))
    np.testing.assert_array_equal(one, model.encode_text(model.tokenizer.encode("a red circle")))
    assert model.logit_scale == pytest.approx(np.log(1 / 0.07))


def odd_layouts(x):
    """The same numbers, laid out as they may come from elsewhere."""
    frozen = x.copy()
    frozen.setflags(write=False)
    wide = np.zeros((2 * len(x), *x.shape[1:]), x.dtype)
    wide[::2] = x
    return {
        "read-only": frozen,
        "Fortran": np.asfortranarray(x),
        "negative stride": np.ascontiguousarray(x[::-1, ::-1])[::-1, ::-1],
        "big-endian": x.astype(x.dtype.newbyteorder(">")),
        "strided": wide[::2],
        "transposed view": np.ascontiguousarray(x.T).T,
        "unaligned": np.frombuffer(b"\0" + x.tobytes(), np.uint8)[1:].view(x.dtype).reshape(x.shape),
    }


@pytest.mark.parametrize("kind", odd_layouts(np.zeros((2, 2))))
def test_layout_does_not_matter(model, images, ids, kind):
    for encode, x in ((model.encode_image, images), (model.encode_image, images.astype(np.float64)),
                      (model.encode_text, ids), (model.encode_text, ids.astype(np.uint16))):  # fmt: skip
        given = odd_layouts(x)[kind]
        before = given.tobytes()
        np.testing.assert_array_equal(encode(given), encode(x))
        assert given.tobytes() == before


def poison(value, *places):
    def change(x):
        x = x.copy()
        for place in places:
            x[place] = value
        return x

    return change


IMAGES = {
    "channels first": (lambda x: x.transpose(0, 3, 1, 2), ValueError,
                       r"\(5, 3, 32, 32\), expected \(B, 32, 32, 3\): did you forget to transpose"),
    "size": (lambda x: x[:, 1:], ValueError, r"\(5, 31, 32, 3\), expected \(B, 32, 32, 3\): use miniclip.preprocess"),
    "one image": (lambda x: x[0], ValueError, r"\(32, 32, 3\), expected \(B, 32"),
    "four channels": (lambda x: np.concatenate([x, x[..., :1]], 3), ValueError, r"\(5, 32, 32, 4\)"),
    "5-d": (lambda x: x[None], ValueError, "expected"),
    "a number": (lambda x: np.float32(3), ValueError, r"shape \(\)"),
    "none": (lambda x: x[:0], ValueError, "no images, expected at least one"),
    "empty list": (lambda x: [], ValueError, r"shape \(0,\)"),
    "uint8": (lambda x: x.astype(np.uint8), TypeError, "uint8, expected normalised floats.*preprocess"),
    **{kind: (lambda x, kind=kind: x.astype(kind), TypeError, f"{kind}, expected float32 or float64")
       for kind in ("float16", "int64", "bool", "complex64", "object")},
    "text": (lambda x: "picture.png", TypeError, "expected float32"),
    "nothing": (lambda x: None, TypeError, "object, expected float32"),
    "nan": (poison(np.nan, (2, 3, 4, 1), (4, 0, 0, 0)), ValueError, r"2 values .* the first at \(2, 3, 4, 1\)"),
    "inf": (poison(-np.inf, (0, 31, 0, 2)), ValueError, r"1 values .* the first at \(0, 31, 0, 2\)"),
    "too large for float32": (lambda x: poison(1e39, (1, 0, 0, 0))(x.astype(np.float64)), ValueError,
                              r"1 values .* the first at \(1, 0, 0, 0\)"),
}  # fmt: skip


@pytest.mark.parametrize(("change", "error", "words"), IMAGES.values(), ids=IMAGES)
def test_images_that_are_refused(model, images, change, error, words):
    with pytest.raises(error, match=words) as caught:
        model.encode_image(change(images))
    assert "\n" not in str(caught.value)


IDS = {
    "floats": (lambda x: x.astype(float), TypeError, "float64, expected integers"),
    "bool": (lambda x: x > 3, TypeError, "bool, expected integers"),
    "1-d": (lambda x: x[0], ValueError, r"shape \(16,\), expected \(B, T\)"),
    "3-d": (lambda x: x[None], ValueError, r"shape \(1, 5, 16\)"),
    "too long": (lambda x: np.pad(x, ((0, 0), (0, 1))), ValueError, r"\(5, 17\), .*at most 16"),
    "no tokens": (lambda x: x[:, :0], ValueError, r"\(5, 0\)"),
    "none": (lambda x: x[:0], ValueError, "no texts, expected at least one"),
    "negative": (poison(-1, (3, 15)), ValueError, "row 3 has id -1 at 15, expected 0 to"),
    "large": (poison(10**6, (1, 2), (4, 0)), ValueError, "row 1 has id 1000000 at 2, expected 0 to"),
    "no end": (lambda x: np.where((x == EOS) & (np.arange(5) == 2)[:, None], 0, x), ValueError, "row 2 has 0 end"),
    "two ends": (poison(EOS, (4, 15)), ValueError, r"row 4 has 2 end tokens \(id 3\), expected exactly one"),
    "a list of ids": (lambda x: x.tolist(), TypeError, "text 0 is list, expected str"),
    "bytes": (lambda x: [b"a red circle"], TypeError, "text 0 is bytes"),
    "a hole": (lambda x: ["a red circle", None], TypeError, "text 1 is NoneType"),
    "empty list": (lambda x: [], ValueError, "no texts"),
}


@pytest.mark.parametrize(("change", "error", "words"), IDS.values(), ids=IDS)
def test_ids_that_are_refused(model, ids, change, error, words):
    with pytest.raises(error, match=words):
        model.encode_text(change(ids))


def test_the_largest_id_and_the_shortest_text_are_fine(model):
    last = model.config.text.vocab_size - 1
    assert model.encode_text(np.array([[2, last, EOS], [0, 0, EOS]])).shape == (2, 10)
    with pytest.raises(ValueError, match=f"id {last + 1}"):
        model.encode_text(np.array([[2, last + 1, EOS]]))


SIZES = [0, -1, 1.0, True, float("nan"), "4", None]
GOOD = {VisionConfig: {}, TextConfig: {"vocab_size": 50, "context_length": 8}}
NUMBERS = [(VisionConfig, n) for n in ("image_size", "patch_size", "width", "layers", "heads")] + [
    (TextConfig, n) for n in ("vocab_size", "context_length", "width", "layers", "heads")
]


@pytest.mark.parametrize("value", SIZES, ids=repr)
@pytest.mark.parametrize(("kind", "name"), NUMBERS)
def test_sizes(kind, name, value):
    with pytest.raises(ConfigError, match=rf"{kind.__name__}\.{name} is {value!r}, expected a whole number above 0"):
        kind(**GOOD[kind] | {name: value})


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: VisionConfig(width=30, heads=4), r"VisionConfig\.width is 30, expected a multiple of heads = 4"),
        (lambda: TextConfig(50, 8, width=30), r"TextConfig\.width is 30, expected a multiple of heads = 4"),
        (lambda: VisionConfig(image_size=30), r"image_size is 30, expected a multiple of patch_size = 8"),
        (lambda: VisionConfig(activation="relu"), r"activation is 'relu', expected one of .*quick_gelu"),
        *((lambda eos=eos: TextConfig(50, 8, eos_token_id=eos), r"eos_token_id is .*below 50") for eos in
          (50, -1, 3.0, True)),
        *((lambda e=e: ClipConfig(VisionConfig(), TextConfig(50, 8), e), r"ClipConfig\.embed_dim is") for e in SIZES),
        (lambda: ClipConfig(VisionConfig(), TextConfig(10**9, 8)), r"64,0\d\d,\d{3},\d{3} parameters \(\d+ GiB\)"),
        (lambda: ClipConfig(VisionConfig(width=2**15), TextConfig(50, 8)), r"parameters \(\d+ GiB\), expected at most"),
    ],
)  # fmt: skip
def test_configurations_that_no_model_can_have(make, words):
    with pytest.raises(ConfigError, match=words) as caught:
        make()
    assert caught.value.exit_code == 3


def test_keys_of_a_configuration():
    with pytest.raises(TypeError, match="colour"):
        VisionConfig(colour=3)
    with pytest.raises(TypeError, match="context_length"):
        TextConfig(50)


def test_parameters_are_counted_without_making_them(model):
    assert model.config.parameters == sum(np.size(leaf) for leaf in flatten(model.params).values())
