"""What lies outside of training is told: one false alarm in a hundred, and next to nothing strange is missed."""

import json

import numpy as np
import pytest
from describers import new_bridged
from foreign import blotches, foreign_pictures
from PIL import Image, ImageDraw

import miniclip
from miniclip.app import cli
from miniclip.data.grammar import CLASS_NAMES
from miniclip.data.pairs import normalized_images
from miniclip.data.pictures import preprocess
from miniclip.data.tokenizer import Tokenizer
from miniclip.data.world import sample_scenes
from miniclip.files.checkpoint import SYSTEM
from miniclip.tasks.outside import outside
from miniclip.tasks.zero_shot import classify


@pytest.fixture(scope="module", params=[None, SYSTEM], ids=["clip", "system"])
def shipped(request):
    return miniclip.load(request.param)


def strange(kind: str, n: int = 30) -> list[np.ndarray]:
    """Pictures (Y, X, 3) in [0, 1] that have nothing to do with the world."""
    rng, found = np.random.default_rng(0), []
    for i in range(n):
        if kind == "noise":
            found.append(rng.random((64, 64, 3)).astype(np.float32))
        elif kind == "clouds":
            clouds = 0.5 + 0.2 * blotches(96, (8, 16, 30)[i % 3], rng)[:, :, None] * rng.uniform(-1, 1, 3)
            found.append(np.float32(np.clip(clouds, 0, 1)))
        else:
            image = Image.new("RGB", (200, 140), "white")
            words = "\n".join("".join(rng.choice(list("abcdefgh ijkl"), 28)) for _ in range(8))
            ImageDraw.Draw(image).text((10, 10), words, fill=(20, 20, 20))
            found.append(np.asarray(image, np.float32) / 255)
    return found


def test_one_scene_in_a_hundred_is_a_false_alarm(shipped):
    for split in "AB":
        assert outside(shipped, normalized_images(sample_scenes(7, split, np.arange(512)))).mean() <= 0.03


@pytest.mark.parametrize("kind", ["noise", "clouds", "writing"])
def test_what_is_strange_is_told(shipped, kind):
    assert outside(shipped, preprocess(strange(kind))).mean() >= 0.8


def test_shapes_that_are_read_are_hardly_ever_called_strange(shipped):
    pictures, classes, _ = foreign_pictures()
    images = preprocess(pictures)
    right = classify(shipped, images, list(CLASS_NAMES)).argmax(1) == classes
    assert outside(shipped, images)[right].mean() <= 0.05


def test_it_is_the_same_whatever_else_is_asked(shipped):
    images = preprocess([*strange("noise", 2), *foreign_pictures(styles=("flat",))[0][:6]])
    assert outside(shipped, images).tolist() == [bool(outside(shipped, image[None])[0]) for image in images]


def test_a_bridge_can_be_asked_and_a_model_of_another_world_cannot_say():
    images = normalized_images(sample_scenes(0, "D", np.arange(4)))
    assert outside(new_bridged(), images).shape == (4,)
    other = miniclip.Model(miniclip.load().config, miniclip.load().params, Tokenizer(["dog", "cat"]))
    assert outside(other, images) is None


COMMANDS = {
    "zeroshot": (["zeroshot", "default", "--classes", "red circle,blue star"], lambda found: found["images"][0]),
    "caption": (["caption", "default"], lambda found: found["captions"][0]),
    "ask": (["ask", "default"], lambda found: found),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_commands_tell_what_is_strange_and_do_not_answer_what_is_blank(capsys, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    scene = np.round(255 * foreign_pictures(styles=("flat",))[0][0].astype(np.float32) / 255)
    pictures = {"noise.png": 255 * strange("noise", 1)[0], "shape.png": scene, "black.png": np.zeros((32, 32, 3)),
                "white.png": np.full((90, 60, 3), 255)}  # fmt: skip
    for path, picture in pictures.items():
        Image.fromarray(np.uint8(picture)).save(path)
    words, row = COMMANDS[name]
    for path in pictures:
        more = ["what colour is it?"] if name == "ask" else ["--out", f"{path}.svg"]
        code = cli.main([*words, path, *more, "--json"])
        out, err = capsys.readouterr()
        if path in ("black.png", "white.png"):
            assert (code, out) == (3, "")
            assert f"'{path}' is blank, expected a picture of something" in err
        else:
            assert code == 0
            assert row(json.loads(out))["outside"] is (path == "noise.png")
            assert ("unlike the pictures of training" in err) is (path == "noise.png")
