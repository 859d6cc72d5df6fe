"""Pictures of every kind made ready, as transformers.CLIPImageProcessor does it, and where that is wrong, rightly."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from miniclip.data.pictures import Preprocessing, open_image, preprocess
from miniclip.errors import ConfigError
from miniclip.files.hugging_face import (
    preprocessing_from_hugging_face,
    preprocessing_from_open_clip,
    preprocessor_config,
)

SIDE = 48
ROCKET = Path(__file__).parents[1] / "pictures" / "rocket.jpg"
THEIRS = CLIPImageProcessorPil(size={"shortest_edge": SIDE}, crop_size={"height": SIDE, "width": SIDE})


def scene(width: int, height: int) -> Image.Image:
    """A picture with slopes, edges and grain: what resizing can get wrong."""
    rng = np.random.default_rng(width)
    y, x = np.mgrid[0:height, 0:width] / 20.0
    waves = np.stack([np.sin(x + k) * np.cos(y * (k + 1)) for k in range(3)], axis=2)
    waves += 0.3 * rng.standard_normal(waves.shape) + (x > y)[:, :, None]
    return Image.fromarray((127 + 60 * waves).clip(0, 255).astype(np.uint8))


def ours(path) -> np.ndarray:
    return preprocess([open_image(path)], SIDE, frame=False)[0]


def theirs(image: Image.Image) -> np.ndarray:
    return np.asarray(THEIRS(image, return_tensors="np")["pixel_values"][0]).transpose(1, 2, 0)


ALIKE = {
    "RGB": lambda: scene(121, 93), "tall": lambda: scene(60, 173), "square": lambda: scene(77, 77),
    "as large as asked": lambda: scene(SIDE, SIDE), "tiny": lambda: scene(5, 7), "one pixel": lambda: scene(1, 1),
    "very wide": lambda: scene(900, 11), "huge": lambda: scene(1300, 1100),
    "RGBA, opaque": lambda: scene(121, 93).convert("RGBA"), "grey": lambda: scene(121, 93).convert("L"),
    "palette": lambda: scene(121, 93).quantize(31), "black and white": lambda: scene(121, 93).convert("1"),
    "grey and alpha, opaque": lambda: scene(121, 93).convert("LA"), "CMYK": lambda: scene(121, 93).convert("CMYK"),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:a picture is over 10 times as long as wide")
@pytest.mark.parametrize("make", ALIKE.values(), ids=ALIKE)
def test_pictures_are_made_ready_as_transformers_does(tmp_path, make):
    image = make()
    path = tmp_path / ("x.jpg" if image.mode == "CMYK" else "x.png")
    image.save(path, quality=95)
    with Image.open(path) as written:
        expected = theirs(written)
    assert np.abs(ours(path) - expected).max() <= 1e-5
    assert expected.std() > 0.1 or image.size == (1, 1)


def test_a_photograph_is_made_ready_as_transformers_does():
    """The rocket of OpenAI's notebook (SpaceX, public domain; from scikit-image's data)."""
    with Image.open(ROCKET) as image:
        assert np.abs(ours(ROCKET) - theirs(image)).max() <= 1e-5


def transparent(path):
    """Half of it seen through: what lies under it shows, and that is white paper, not the black of unset pixels."""
    image = scene(121, 93).convert("RGBA")
    alpha = np.zeros((93, 121), np.uint8)
    alpha[:, 60:] = 255
    image.putalpha(Image.fromarray(alpha))
    image.save(path)
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")


def see_through_colour(path):
    """A palette with one colour that is to be seen through."""
    image = scene(121, 93).quantize(8)
    image.save(path, transparency=0)
    with Image.open(path) as written:
        whole = written.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), whole).convert("RGB")


def deep(path):
    """16 bits: Pillow cuts off all that is above 255, which makes it white."""
    ramp = np.add.outer(np.arange(93) * 300, np.arange(121) * 300).astype(np.uint16)
    Image.fromarray(ramp).save(path)
    return Image.fromarray(np.rint(ramp / 257).astype(np.uint8)).convert("RGB")


def turned(path):
    """As a telephone writes what it took upright."""
    exif = Image.Exif()
    exif[0x0112] = 6
    image = scene(121, 93)
    image.save(path, exif=exif)
    return ImageOps.exif_transpose(Image.open(path))


@pytest.mark.parametrize(("make", "they_too"), [(transparent, True), (see_through_colour, True), (deep, False),
                                                (turned, False)])  # fmt: skip
def test_where_transformers_is_silently_wrong_we_are_right(tmp_path, make, they_too):
    path = tmp_path / "x.png"
    right = theirs(make(path))
    assert np.abs(ours(path) - right).max() <= 1e-5
    with Image.open(path) as written:
        assert (np.abs(theirs(written) - right).max() <= 1e-5) == they_too


def test_a_models_own_mean_and_deviation_are_used():
    image = np.asarray(scene(77, 77))
    how = Preprocessing(SIDE, False, (0.1, 0.2, 0.3), (0.4, 0.5, 0.6))
    found, plain = preprocess([image], **vars(how))[0], preprocess([image], SIDE, False, (0, 0, 0), (1, 1, 1))[0]
    assert np.abs(found - (plain - how.mean) / how.std).max() < 1e-5


def test_the_settings_survive_the_round_trip_and_transformers_reads_them(tmp_path):
    for how in (Preprocessing(), Preprocessing(SIDE, False), Preprocessing(7, False, (0.1, 0.2, 0.3), (0.4, 0.5, 0.6))):
        said = json.loads(json.dumps(preprocessor_config(how)))
        assert preprocessing_from_hugging_face(said, how.image_size) == how
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(said))
    opened = CLIPImageProcessorPil.from_pretrained(tmp_path)
    assert (list(opened.image_mean), opened.size["shortest_edge"]) == ([0.1, 0.2, 0.3], 7)


SAID = {
    "of old": ({"size": 48, "crop_size": 48, "resample": 3}, None),
    "nothing": ({}, None),
    "another size": ({"size": {"shortest_edge": 64}}, "size .*64.*expected CLIP's way: 48 bicubic"),
    "another crop": ({"crop_size": {"height": 48, "width": 40}}, "size .*40"),
    "squeezed": ({"size": {"height": 48, "width": 48}}, "size .*height"),
    "bilinear": ({"resample": 2}, "resample 2"),
    "not cropped": ({"do_center_crop": False}, "do_center_crop False"),
    "another scale": ({"rescale_factor": 1.0}, "rescale_factor 1.0"),
    "two means": ({"image_mean": [0.5, 0.5]}, r"image_mean is \[0.5, 0.5\], expected 3 numbers"),
    "no deviation": ({"image_std": [0.5, 0.5, 0]}, "image_std is .*expected 3 numbers"),
    "words": ({"image_std": "abc"}, "image_std is 'abc'"),
    "a list": ([], "no list of settings"),
}  # fmt: skip


@pytest.mark.parametrize(("said", "words"), SAID.values(), ids=SAID)
def test_other_ways_to_make_pictures_ready_are_refused(said, words):
    if words is None:
        assert preprocessing_from_hugging_face(said, SIDE) == Preprocessing(SIDE, False)
        return
    with pytest.raises(ConfigError, match=words):
        preprocessing_from_hugging_face(said, SIDE)


def test_open_clip_says_it_otherwise():
    how = preprocessing_from_open_clip({"preprocess_cfg": {"mean": [0.1, 0.2, 0.3], "std": [1, 1, 1]}}, SIDE)
    assert how == Preprocessing(SIDE, False, (0.1, 0.2, 0.3), (1.0, 1.0, 1.0))
    for key, value in (("interpolation", "bilinear"), ("resize_mode", "squash")):
        with pytest.raises(ConfigError, match=f"{key} '{value}'"):
            preprocessing_from_open_clip({"preprocess_cfg": {key: value}}, SIDE)
