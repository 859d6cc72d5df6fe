"""The commands and the six lines with a real CLIP, small and random, but with CLIP's own words and 77 tokens."""

import json

import numpy as np
import pytest
import torch
import transformers
from test_real import files, their_config

import miniclip
from miniclip.app import cli

WORDS = {"P": 8, "side": 3, "K": (4, 3), "H": (2, 2), "layers": (2, 1), "inner": (16, 12), "eps": (1e-5, 1e-5),
         "act": ("quick_gelu", "quick_gelu"), "V": 49_408, "T": 77, "end": 49_407, "E": 6}  # fmt: skip
pytestmark = pytest.mark.filterwarnings("default")


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("real") / "clip"
    transformers.CLIPModel(their_config(WORDS)).save_pretrained(folder)
    return folder


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty folder with two photographs, of which one is wide."""
    from PIL import Image

    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for name, shape in (("photo.jpg", (40, 50, 3)), ("wide.png", (20, 90, 3))):
        Image.fromarray(rng.integers(0, 256, shape, dtype=np.uint8)).save(name)
    return tmp_path


def run(capsys, *args):
    code = cli.main([str(arg) for arg in args])
    out, err = capsys.readouterr()
    return code, out, err


@pytest.mark.parametrize("more", [[], ["--templates", "clip80"], ["--templates", "world"]])
def test_zeroshot_is_the_recipe_in_python(clip, here, capsys, more):
    code, text, _ = run(capsys, "zeroshot", clip, "--classes", "tree frog,tailed frog", *more, "photo.jpg", "wide.png",
                        "--json")  # fmt: skip
    assert code == 0
    found = json.loads(text)
    model = miniclip.load(clip)
    images = model.preprocess([miniclip.open_image(name) for name in ("photo.jpg", "wide.png")])
    assert images.shape == (2, 24, 24, 3)
    from miniclip.tasks.zero_shot import template_set

    templates = template_set(more[1] if more else "clip7")
    expected = miniclip.classify(model, images, ["tree frog", "tailed frog"], templates)
    np.testing.assert_allclose([row["probabilities"] for row in found["images"]], expected, atol=1e-6)
    assert [row["outside"] for row in found["images"]] == [None, None]
    assert (here / found["picture"]).exists()


def test_search_and_explain_read_any_words(clip, here, capsys):
    code, text, _ = run(capsys, "search", clip, "a dog at the beach 🏖", "photo.jpg", "wide.png", "--k", 5, "--json")
    found = json.loads(text)
    assert (code, sorted(found["ids"]), found["right"]) == (0, ["photo.jpg", "wide.png"], None)
    assert found["scores"] == sorted(found["scores"], reverse=True)
    code, text, _ = run(capsys, "explain", clip, "photo.jpg", "🐸", "--json")
    assert code == 0
    assert np.shape(json.loads(text)["patches"]) == (3, 3)


def test_a_real_clip_asks_for_pictures(clip, here, capsys):
    for args in (["zeroshot", clip, "--classes", "a,b"], ["search", clip, "a dog"]):
        code, out, err = run(capsys, *args)
        assert (code, out) == (3, "")
        assert "was not trained on drawings of the world: name" in err
    assert files(here).keys() == {"photo.jpg", "wide.png"}


def test_a_picture_of_one_colour_is_a_picture(clip, here, capsys):
    """Only to the world's models is it blank."""
    from PIL import Image

    Image.new("RGB", (30, 30), "red").save("red.png")
    assert run(capsys, "zeroshot", clip, "--classes", "a,b", "red.png")[0] == 0


def test_a_real_clip_is_exported_and_has_no_decoder(clip, here, capsys):
    assert run(capsys, "export", clip, "copy")[0] == 0
    assert run(capsys, "zeroshot", "copy", "--classes", "a,b", "photo.jpg")[0] == 0
    words = transformers.CLIPTokenizer.from_pretrained("copy")
    text = "a photo of a tailed frog, a type of amphibian."
    ours = miniclip.load("copy").tokenizer.encode(text)
    assert words(text)["input_ids"] == ours[0][: len(words(text)["input_ids"])].tolist()
    code, _, err = run(capsys, "caption", clip, "photo.jpg")
    assert code == 3
    assert "is a CLIP, expected one that sees and writes" in err
