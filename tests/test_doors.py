"""Everything public that takes numbers, texts or arrays: the right answer or one typed line, never NaN in silence."""

import numpy as np
import pytest
from case import unit
from test_generation import END, PROMPT, decoder, writer

import miniclip
from miniclip.data.grammar import vocabulary
from miniclip.data.tokenizer import Tokenizer
from miniclip.errors import MiniclipError
from miniclip.models.writer import Writer
from miniclip.nn import chunked, losses
from miniclip.tasks.generation import Sampling, beam_search, generate
from miniclip.tasks.zero_shot import build_prompts, zero_shot_probabilities
from miniclip.train.clip import TrainConfig

WORDS = Tokenizer(vocabulary())
RNG = np.random.default_rng(0)
MODEL, PICTURES = miniclip.load(), np.zeros((2, 32, 32, 3), np.float32)
IMAGE, TEXT, OWN = unit(RNG, 3, 4), unit(RNG, 3, 4), np.eye(3, dtype=bool)


def one_picture_each(prompts):
    config, p = decoder(0, memory_width=4)
    return generate(Writer(p, config, RNG.normal(size=(2, 3, 4))), prompts, END, 3)


NO_NUMBERS = [True, None, "1", np.nan, np.inf, -np.inf, [1.0], 1j]
NO_COUNTS = [-1, True, 2.0, "1", None, np.nan, [1]]
NO_TEXTS = [{"a": 1}, {"a"}, frozenset("a"), b"a", bytearray(b"a"), None, 3, np.nan, True, [b"a"], ["a", None], [["a"]],
            [np.nan], np.array([[1.0]], object), np.array([b"a"]), [np.array(["a"])], (1 for _ in "ab")]  # fmt: skip
NO_IDS = [[[-1]], [[WORDS.vocab_size]], [[10**30]], [[1.0]], [[True]], [["a"]], [[1], [1, 2]], [[[1]]], None, {}, {1},
          np.array([[np.nan]]), b"a", [[None]]]  # fmt: skip
NO_PROMPTS = [[[-1, 0]], [[2, 99]], [[2.0, 0.0]], [2, 0], 2, None, [[]], [], [[True]], [["a"]], [[2], [2, 0]], {}]
NO_POSITIVES = [~OWN & False, np.eye(3)[[0, 1, 1]] > 0, OWN[:2], OWN[0], OWN.astype(float), None, True, "x", {}]
BAD = {
    "multi_positive's positives": (lambda x: losses.multi_positive_forward(IMAGE, TEXT, 1.0, x), NO_POSITIVES),
    "chunk": (lambda x: chunked.chunked_info_nce_forward(IMAGE, TEXT, 1.0, x), NO_COUNTS),
    "logit_scale": (lambda x: losses.info_nce_forward(IMAGE, TEXT, x), ["1", None, 1e4, [1.0], {}]),
    "logit_scale of chunks": (lambda x: chunked.chunked_info_nce_forward(IMAGE, TEXT, x), ["1", None, 1e4, {}]),
    "logit_scale of classes": (lambda x: zero_shot_probabilities(IMAGE, TEXT, x), ["1", None, 1e4, {}]),
    "pairs": (lambda x: losses.info_nce_forward(IMAGE, x, 1.0), [TEXT[:2], TEXT[:, :2], TEXT[:, 0], TEXT[:, :, None]]),
    "texts": (WORDS.encode, NO_TEXTS),
    "a caption": (lambda x: miniclip.explain(MODEL, PICTURES, x), NO_TEXTS),
    "explained pictures": (lambda x: miniclip.explain(MODEL, x, "a"),
                           [None, 3, "a", [], PICTURES[0], PICTURES[:0], PICTURES + np.nan]),
    "a method": (lambda x: miniclip.explain(MODEL, PICTURES, "a", x), [None, "", "grad", ["gradient"], 3, {}]),
    "class names": (lambda x: build_prompts(x, ["a {}"]), [*NO_TEXTS, "a", [], [""], ["a", "a"], np.array(["a", "a"])]),
    "templates": (lambda x: build_prompts(["a", "b"], x), [*NO_TEXTS, "{}", [], ["a"], ["{}{}"]]),
    "ids": (WORDS.decode, NO_IDS),
    "prompt": (lambda x: generate(writer(0), x, END, 3), NO_PROMPTS),
    "beams' prompt": (lambda x: beam_search(writer(0), x, END, 3), [*NO_PROMPTS, PROMPT * 2]),
    "how many prompts": (one_picture_each, [PROMPT, PROMPT * 3]),
    "max_new_tokens": (lambda x: generate(writer(0), PROMPT, END, x), [*NO_COUNTS, 0, 10**9]),
    "length_penalty": (lambda x: beam_search(writer(0), PROMPT, END, 3, 2, x), [*NO_NUMBERS, 1e300, -1e300]),
    "beams": (lambda x: beam_search(writer(0), PROMPT, END, 3, x), [*NO_COUNTS, 0]),
    "temperature": (lambda x: Sampling(temperature=x), [*NO_NUMBERS, -1, 1e-30, 10**400]),
    "top_k": (lambda x: Sampling(top_k=x), [x for x in NO_COUNTS if x is not None]),
    "top_p": (lambda x: Sampling(top_p=x), [*NO_NUMBERS, 0, -1, 1.5]),
    "image_size": (lambda x: miniclip.preprocess([np.zeros((4, 4, 3))], x), [*NO_COUNTS, 0, 10**9]),
    "pictures": (miniclip.preprocess, [None, 3, {"a": 1}, set(), b"a", "a", [], [None], ["a"], [np.nan], [[[1.0]]],
                                       [np.full((4, 4, 3), np.nan)], [[[1], [1, 2]]], [np.zeros((4, 4, 3), object)],
                                       np.zeros((0, 4, 4, 3)), [{}], True]),
    "a picture file": (miniclip.open_image, [None, 3.5, "", "\0", {}, [], b"\xff", -1]),
    "vectors": (lambda x: miniclip.Index(x, ["a"]), [None, "a", {}, [[np.nan]], [[np.inf]], [[0.0]], [[True]], [1.0],
                                                     [[1j]], [[1.0], [1.0, 2.0]], [["a"]], [[None]]]),
    "names of vectors": (lambda x: miniclip.Index([[1.0]], x), [None, 3, [], ["a", "b"], [1.5], [None], [["a"]]]),
    "queries": (lambda x: miniclip.Index([[1.0]], ["a"]).search(x), [None, "a", {}, [[np.nan]], [[0.0]], [[1.0, 2.0]],
                                                                     [[1.0], [1.0, 2.0]], [[None]]]),
    "k": (lambda x: miniclip.Index([[1.0]], ["a"]).search([[1.0]], x), [*NO_COUNTS, 0]),
    "steps": (lambda x: TrainConfig(steps=x), [*NO_COUNTS, 0]),
    "peak_lr": (lambda x: TrainConfig(peak_lr=x), [*NO_NUMBERS, 0, -1]),
}  # fmt: skip


EACH = [(door, i) for door, (_, values) in BAD.items() for i in range(len(values))]


@pytest.mark.parametrize(("door", "i"), EACH)
def test_what_makes_no_sense_gets_one_typed_line(door, i):
    enter, values = BAD[door]
    with pytest.raises(MiniclipError) as caught:
        enter(values[i])
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) > 20


ROWS = ["a red circle", "a blue star"]


@pytest.mark.parametrize("texts", [tuple(ROWS), np.array(ROWS), np.array(ROWS, object), iter(ROWS), (x for x in ROWS),
                                   dict.fromkeys(ROWS).keys(), [np.str_(text) for text in ROWS]],
                         ids=lambda x: type(x).__name__)  # fmt: skip
def test_any_row_of_texts_is_a_list_of_texts(texts):
    assert WORDS.encode(texts).tolist() == WORDS.encode(ROWS).tolist()


def test_an_array_of_texts_is_no_array_of_ids():
    model = miniclip.load()
    expected = model.encode_text(ROWS)
    for texts in (np.array(ROWS), np.array(ROWS, object), np.str_(ROWS[0]), np.array(ROWS[0])):
        assert np.array_equal(model.encode_text(texts), expected[: np.size(texts)])
    pictures = np.zeros((2, 32, 32, 3), np.float32)
    assert np.array_equal(miniclip.classify(model, pictures, np.array(ROWS)), miniclip.classify(model, pictures, ROWS))
    assert WORDS.decode(np.array(WORDS.encode(ROWS), np.uint8)) == ROWS
    assert WORDS.decode([[]]) == WORDS.decode([]) == [""]
