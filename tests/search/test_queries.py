"""What is asked for: sums of sentences and pictures, and sentences that only look like sums."""

import numpy as np
import pytest

import miniclip
from miniclip.data.drawing import draw_scenes
from miniclip.data.pictures import normalize
from miniclip.data.world import SHAPES, STYLES, sample_scenes
from miniclip.errors import InputError, TextError
from miniclip.search.queries import embed_query, query_terms

SUMS = {
    '"red"': [(1.0, "red")],
    '"red" + "circle" - "sketch"': [(1.0, "red"), (1.0, "circle"), (-1.0, "sketch")],
    '"red"+"circle"-"sketch"': [(1.0, "red"), (1.0, "circle"), (-1.0, "sketch")],
    '  0.5 * "sketch"  ': [(0.5, "sketch")],
    '-2*"sketch" + .25 * "a + b - 2 * c"': [(-2.0, "sketch"), (0.25, "a + b - 2 * c")],
    '+ "red" - 3. * "ring"': [(1.0, "red"), (-3.0, "ring")],
    '"häß" - "犬"': [(1.0, "häß"), (-1.0, "犬")],
}
PLAIN = ["red", "a red-and-white star", "2 + 2", "red + circle - sketch", "0.5 * sketch", 'a sign that says "stop"',
         "- red", "it's 'red' + 'blue'", "“red” + “blue”", "5 * stars", '+ "red', "", " ",
         '3 * 2 * "red"', '("red")']  # fmt: skip
BROKEN = {
    '"red" "circle"': """at '"circle"'""", '"red" + circle': "at '+ circle'", '"red" circle': "at 'circle'",
    '"red" +': "at '+'", '"red" + + "circle"': "at '+ + ", '"red" + "circle': "at '+ ", '"red" * 0.5': "at '* 0.5'",
    '"red" / "circle"': "at '/", '"red" - 1e5 * "ring"': "at '- 1e5", '"a" + nan * "b"': "at '+ nan",
    f'{"9" * 400} * "red"': "no number that can be", f'"red" + {"9" * 400} * "red"': "no number that can be",
    f'"red" {"x" * 5000}': "at 'x",
}  # fmt: skip


@pytest.mark.parametrize(("query", "terms"), SUMS.items())
def test_sums_are_read(query, terms):
    assert query_terms(query) == terms


@pytest.mark.parametrize("query", PLAIN)
def test_sentences_stay_sentences(query):
    assert query_terms(query) == [(1.0, query)]


@pytest.mark.parametrize(("query", "words"), BROKEN.items(), ids=lambda x: str(x)[:30])
def test_what_cannot_be_read_gets_one_line(query, words):
    with pytest.raises(TextError) as caught:
        query_terms(query)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 250


@pytest.fixture(scope="module")
def model():
    return miniclip.load()


@pytest.fixture(scope="module")
def drawings(model):
    scenes = sample_scenes(0, "A", np.arange(4096))
    return scenes, miniclip.Index(model.encode_image(normalize(draw_scenes(scenes))), range(4096))


def test_a_query_is_a_weighed_sum_of_unit_vectors(model):
    red, circle, sketch = model.encode_text(["red", "circle", "sketch"])
    images = miniclip.preprocess([miniclip.open_image(miniclip.EXAMPLE)])
    (picture,) = model.encode_image(images)
    for found, expected in (
        (embed_query(model, "red"), red),
        (embed_query(model, '"red" + "circle" - 0.5 * "sketch"'), red + circle - 0.5 * sketch),
        (embed_query(model, images=images), picture),
        (embed_query(model, "  ", images), picture),
        (embed_query(model, "red", images), red + picture),
        (embed_query(model, '- "red"', np.concatenate([images, images])), 2 * picture - red),
    ):
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected / np.linalg.norm(expected), atol=1e-6)


@pytest.mark.parametrize(
    ("query", "sketches", "circles"),
    [
        ('"circle"', 8, 32),
        ('"circle" - "a sketch"', 0, 32),
        ('"circle" + "a sketch"', 32, 32),
        ('"red" + "circle" - "sketch"', 0, 24),
    ],
)
def test_what_is_subtracted_is_not_found(model, drawings, query, sketches, circles):
    """Of the 32 nearest among 4,096 drawings, a quarter of which are sketches."""
    scenes, index = drawings
    (ids,), _ = index.search(embed_query(model, query), 32)
    is_sketch = scenes.style[ids] == list(STYLES).index("sketch")
    is_circle = scenes.shape[ids, 0] == list(SHAPES).index("circle")
    assert abs(is_sketch.sum() - sketches) <= 3
    assert is_circle.sum() >= circles


@pytest.mark.parametrize(
    "query", ['"red" - "red"', '0 * "red"', '"red" + "star" - "red" - "star"', '1 * "a" - 1.0 * "a"']
)
def test_a_sum_of_nothing_has_no_direction(model, query):
    with pytest.raises(InputError, match="adds up to nothing"):
        embed_query(model, query)


def test_a_picture_less_itself_is_nothing(model):
    """A weight that is small is no weight of nothing."""
    np.testing.assert_allclose(embed_query(model, '0.0001 * "red"'), embed_query(model, "red"), atol=1e-6)


@pytest.mark.parametrize("query", ["", "  ", '""', '"red" + ""', '"red" - " "', "?!"])
def test_terms_without_words_are_refused(model, query):
    with pytest.raises(TextError, match="has no words"):
        embed_query(model, query)
