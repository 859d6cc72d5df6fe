"""Picture files: right pixels, or one typed error; and the numbers that CLIP wants to see."""

import random
import struct
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image
from transformers import image_utils

from miniclip.data.pictures import denormalize, normalize, open_image, preprocess
from miniclip.errors import ImageError

LEVELS = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)


def test_pixels_are_normalised_by_clips_statistics_and_no_others():
    """The mean and deviation that transformers has for OpenAI's CLIP; those of ImageNet are 0.01 and 0.04 away."""
    mean, deviation = np.array(image_utils.OPENAI_CLIP_MEAN), np.array(image_utils.OPENAI_CLIP_STD)
    expected = (LEVELS / 255 - mean) / deviation
    assert np.abs(preprocess([LEVELS])[0] - expected).max() < 1e-5
    assert np.abs(normalize(LEVELS / np.float32(255)) - expected).max() < 1e-5
    assert np.abs(denormalize(expected) - LEVELS / 255).max() < 1e-6


def png_of(width: int, height: int, pixels: bytes = b"", depth: int = 8, colour_type: int = 2) -> bytes:
    """A PNG by hand, also one that Pillow would not write: of another size than it says, of 16 bits a channel."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    chunks = [b"IHDR" + header, b"IDAT" + zlib.compress(pixels), b"IEND"]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) for chunk in chunks
    )


@pytest.mark.parametrize(("colour_type", "channels"), [(0, 1), (2, 3), (4, 2), (6, 4)])
def test_sixteen_bits_are_read_right(tmp_path, colour_type, channels):
    """Never clipped: Pillow itself makes white of all that is above 255, which is all but four of these levels."""
    path, ramp = tmp_path / "deep.png", np.arange(0, 2**16, 64).reshape(32, 32)
    values = np.repeat(ramp[:, :, None], channels, axis=2)
    if channels in (2, 4):
        values[:, :, -1] = 2**16 - 1  # opaque
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    path.write_bytes(png_of(32, 32, rows, 16, colour_type))
    found = open_image(path)
    assert np.abs(found - ramp[:, :, None] / (2**16 - 1)).max() < 1 / 255
    assert len(np.unique(found)) == 256


@pytest.mark.parametrize(("size", "words"), [
    ((50_000_001, 1), "50000001 x 1 pixels, expected at most 50 million: shrink it"),
    ((7072, 7072), "7072 x 7072 pixels, expected at most 50 million"),
    ((2**31 - 1, 2**31 - 1), "not a picture that can be read"),  # Pillow refuses before us
    ((50_000, 1000), "not a picture that can be read"),  # allowed, and found to have no pixels
])  # fmt: skip
def test_too_many_pixels_are_refused_by_the_header_alone(tmp_path, size, words):
    path = tmp_path / "bomb.png"
    path.write_bytes(png_of(*size))
    with pytest.raises(ImageError, match=words):
        open_image(path)


def damaged(data: bytes, rng) -> bytes:
    """The same with some other bytes."""
    data = bytearray(data)
    for _ in range(rng.choice([1, 1, 2, 4])):
        data[rng.randrange(len(data))] = rng.choice([0, 1, 255, rng.randrange(256)])
    return bytes(data)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_picture_with_damaged_exif_data_is_read_as_it_lies(tmp_path, kind):
    """Upright or as it lies, and in the second case said; never anything but a picture."""
    rng, exif, told = random.Random(0), Image.Exif(), 0
    exif[0x0112], exif[0x011A], exif[0x010E] = 3, 72.0, "a half turn, a fraction, a text"
    exif[0x8769] = {0x9000: b"0230", 0x829A: (1, 3)}
    picture, path = Image.fromarray(LEVELS), tmp_path / f"x.{kind.lower()}"
    picture.save(path, lossless=True)
    lies = open_image(path)
    for _ in range(200):
        picture.save(path, lossless=True, exif=b"Exif\0\0" + damaged(exif.tobytes()[6:], rng))
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            found = open_image(path)
        told += any("EXIF data are damaged" in str(warning.message) for warning in said)
        assert any(np.array_equal(found, lies[::y, ::x]) for y in (1, -1) for x in (1, -1)) or any(
            np.array_equal(found, lies.transpose(1, 0, 2)[::y, ::x]) for y in (1, -1) for x in (1, -1)
        )
    assert told > 0


@pytest.mark.parametrize("error", [ZeroDivisionError, TypeError, KeyError, struct.error, SyntaxError, MemoryError])
@pytest.mark.parametrize("place", ["open", "decode", "turn"])
def test_whatever_a_decoder_raises_is_said_of_the_picture(tmp_path, monkeypatch, error, place):
    path = tmp_path / "x.png"
    Image.fromarray(LEVELS).save(path)

    def broken(*_, **__):
        raise error("of the decoder")

    where = {
        "open": "PIL.Image.open",
        "decode": "PIL.PngImagePlugin.PngImageFile.load",
        "turn": "PIL.ImageOps.exif_transpose",
    }
    monkeypatch.setattr(where[place], broken)
    if place == "turn":
        with pytest.warns(UserWarning, match="EXIF data are damaged"):
            assert np.array_equal(open_image(path), LEVELS / np.float32(255))
    else:
        with pytest.raises(ImageError, match=r"x\.png is not a picture that can be read .*of the decoder"):
            open_image(path)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP", "GIF"])
@pytest.mark.parametrize("n", [120, pytest.param(1500, marks=pytest.mark.nightly)])
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_damaged_picture_is_a_picture_or_an_error(tmp_path, kind, n):
    """Whatever a decoder does with other bytes: pixels of the right kind, or an ImageError in one line."""
    rng, path, errors = random.Random(1), tmp_path / f"x.{kind.lower()}", list[str]()
    Image.fromarray(np.kron(LEVELS, np.ones((2, 2, 1), np.uint8))).save(path)
    whole = path.read_bytes()
    for i in range(n):
        path.write_bytes(damaged(whole[: rng.randrange(1, len(whole))] if i % 3 == 0 else whole, rng))
        try:
            image = open_image(path)
            assert image.ndim == 3
            assert image.shape[2] == 3
            assert image.dtype == np.float32
            assert 0.0 <= image.min() <= image.max() <= 1.0
        except ImageError as error:
            errors.append(str(error))
    assert errors
    assert not any("\n" in error for error in errors)


def test_a_colour_that_is_seen_through_is_white(tmp_path):
    """Three channels, and one colour of them that stands for nothing: PNG's tRNS."""
    pixels = np.array(LEVELS)
    pixels[:2] = (10, 20, 30)
    Image.fromarray(pixels).save(tmp_path / "x.png", transparency=(10, 20, 30))
    found = np.rint(open_image(tmp_path / "x.png") * 255).astype(np.uint8)
    seen = (pixels == (10, 20, 30)).all(2)
    assert seen.any()
    assert (found[seen] == 255).all()
    assert (found[~seen] == pixels[~seen]).all()
