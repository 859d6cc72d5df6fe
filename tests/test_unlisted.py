"""Where no class of the list is right it is said, and hardly ever where one is."""

import json

import numpy as np
import pytest

import miniclip
from miniclip.app import cli
from miniclip.app.show import zeroshot
from miniclip.data.captions import truth_matrix
from miniclip.data.pairs import normalized_images
from miniclip.data.tokenizer import Tokenizer
from miniclip.data.world import COLOURS, SHAPES, sample_scenes
from miniclip.files.checkpoint import SYSTEM
from miniclip.tasks.unlisted import rivals, unlisted
from miniclip.tasks.zero_shot import TEMPLATES, zero_shot_weights

LISTS = {
    "shapes": ["circle", "square", "triangle"],
    "colours": ["red thing", "cyan thing", "pink thing", "orange thing"],
    "both": [f"{colour} {shape}" for colour in COLOURS[1:6] for shape in SHAPES[2:6]],
    "sizes": ["small ring", "large star", "small heart", "large cross"],
    "synonyms": ["scarlet disc", "amber disc", "azure box", "golden plus", "violet hoop", "emerald rhombus"],
    "places": ["shape on the left", "shape at the top"],
}


def said(model, names, split: str, seed: int = 9, n: int = 512):
    """(is a name of the list true of each picture?, is it said that none fits?)"""
    scenes = sample_scenes(seed, split, np.arange(n))
    image = model.encode_image(normalized_images(scenes))
    found = unlisted(model, image, zero_shot_weights(model, names), names, TEMPLATES)
    return truth_matrix(names, scenes).any(1), np.array([name is not None for name in found])


@pytest.mark.parametrize("names", LISTS.values(), ids=list(LISTS))
@pytest.mark.parametrize(
    ("run", "split", "wrongly", "told"),
    [(None, "A", 0.01, 0.95), (None, "B", 0.02, 0.85), (SYSTEM, "D", 0.12, 0.55)],
    ids=["CLIP, A", "CLIP, B", "system, D"],
)
def test_none_of_these_is_said_where_it_is_so(run, split, wrongly, told, names):
    right, none = said(miniclip.load(run), names, split)
    assert none[right].mean() <= wrongly
    assert none[~right].mean() >= told


def test_random_weights_do_not_know():
    """The baseline that must fail: what is said then has nothing to do with what is true."""
    from miniclip.tasks.evaluate import untrained

    right, none = said(untrained(miniclip.load()), LISTS["both"], "A")
    assert abs(none[right].mean() - none[~right].mean()) < 0.3


@pytest.mark.parametrize(
    ("names", "some", "never"),
    [
        (["red circle"], {"blue circle", "red star"}, {"red circle", "blue star"}),
        (["Red circle"], {"blue circle", "Red star"}, {"red circle"}),
        (["scarlet disc"], {"blue disc", "scarlet star"}, {"red disc", "scarlet circle"}),
        (["shape at the top", "shape at the bottom"], {"shape in the middle row"}, {"shape at the top"}),
        (
            ["star at the top centre"],
            {"star in the centre", "ring at the top centre"},
            {"star in the middle row centre"},
        ),
        (["dog", "a cat"], set(), {"dog"}),
    ],
)
def test_rivals_differ_in_one_word_and_mean_something_else(names, some, never):
    found = rivals(names)
    assert some <= set(found)
    assert not never & set(found)
    assert len(set(found)) == len(found)


def test_the_name_that_fits_is_told():
    """Of six pictures a heart and a star are none of the classes: they are named, in the result and in the figure."""
    result, figure = zeroshot(miniclip.load(), ["circle", "square", "triangle"])
    told = [row["nearer"] for row in result["images"]]
    assert told == [None, None, "heart", None, None, "star"]
    assert "2 of 6 pictures fit none of the 3 classes" in figure.alt
    assert "rather “heart”" in figure.alt


def test_where_nobody_knows_other_names_nothing_is_said():
    model = miniclip.load()
    other = miniclip.Model(model.config, model.params, Tokenizer(["dog", "cat"]))
    with pytest.warns(UserWarning, match="unknown"):
        result, _ = zeroshot(other, ["dog", "way"])
    assert {row["nearer"] for row in result["images"]} == {None}


def test_the_command_says_so(capsys, tmp_path):
    words = ["zeroshot", "default", "--classes", "circle,square", "--out", str(tmp_path / "z.svg")]
    assert cli.main(words) == 0
    assert "but none of these fits: rather 'triangle'" in capsys.readouterr().out
    assert cli.main([*words[:-1], str(tmp_path / "y.svg"), "--json"]) == 0
    assert "triangle" in {row["nearer"] for row in json.loads(capsys.readouterr().out)["images"]}
