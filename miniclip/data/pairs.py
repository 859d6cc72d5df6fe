"""Batches of pictures and captions, from the world; and pictures of the user's own, made ready."""

import os
import warnings
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from ..errors import ImageError, InputError, InputTypeError, quote
from ..machine.disk import open_file, reason
from ..machine.threads import in_parallel, parts
from ..nn.checks import as_array
from .captions import write_captions
from .drawing import draw_scenes
from .framing import frame_object, resized
from .tokenizer import Tokenizer
from .world import Scenes, sample_scenes

# CLIP's own statistics, not ImageNet's (openai/CLIP, clip.py).
IMAGE_MEAN = (0.48145466, 0.4578275, 0.40821073)
IMAGE_STD = (0.26862954, 0.26130258, 0.27577711)
LARGEST_SIDE = 4096  # of what a model reads
MAX_PIXELS = 50_000_000  # of a file: more would take gigabytes to decode
EXAMPLE = Path(__file__).parents[1] / "example.png"  # a small red circle on the left, drawn by the world


@dataclass(frozen=True)
class Pairs:
    """B pairs: item b of each field belongs together."""

    scenes: Scenes
    texts: list[str]
    images: np.ndarray  # (B, Y, X, C) float32, normalised
    ids: np.ndarray  # (B, T) int64, of their tokens


def batch(seed: int, split: str, indices, tokenizer: Tokenizer) -> Pairs:
    """The pairs with the given numbers: item i is the same pair in any batch, in any order."""
    scenes = sample_scenes(seed, split, indices)
    texts = write_captions(scenes)
    return Pairs(scenes, texts, normalized_images(scenes), tokenizer.encode(texts))


PART = 128  # pictures: drawing is made of short steps, and two threads of short steps wait for each other


def normalized_images(scenes: Scenes) -> np.ndarray:
    """The scenes' pictures (B, Y, X, C), normalised, drawn on all cores."""

    def draw(rows):
        return normalize(draw_scenes(scenes[rows]))

    return np.concatenate(list(in_parallel(partial(draw, rows) for rows in parts(len(scenes), PART))))


def normalize(images) -> np.ndarray:
    """(x - mean) / deviation for each channel: float32, intensities in [0, 1] -> about -2 to 2."""
    # Whole rows of pixels at once: NumPy is slow where the last axis is short.
    rows = images.reshape(*images.shape[:-2], -1)
    scale = np.tile(np.reciprocal(IMAGE_STD, dtype=np.float32), images.shape[-2])
    normalised = rows * scale
    normalised -= np.tile(np.array(IMAGE_MEAN, np.float32), images.shape[-2]) * scale
    return normalised.reshape(images.shape)


def denormalize(images) -> np.ndarray:
    """The inverse of `normalize`, for showing."""
    return images * np.array(IMAGE_STD, np.float32) + np.array(IMAGE_MEAN, np.float32)


def unique_caption_batches(texts, batch_size: int) -> list[np.ndarray]:
    """Batches of item numbers in which no caption stands twice: a repeat would be a false negative.

    An item goes to the first batch that has room and not yet its caption. Only full batches are returned, since the
    loss depends on the batch size.

    >>> [batch.tolist() for batch in unique_caption_batches(["a", "a", "b", "c", "d", "a", "e"], 2)]
    [[0, 2], [1, 3], [4, 5]]
    """
    batches: list[list[int]] = []
    full = 0  # the batches before it are full, and are filled in their order
    first_without: dict[str, int] = {}  # caption -> the first batch that may still take it
    for i, text in enumerate(texts):
        place = max(full, first_without.get(text, 0))
        if place == len(batches):
            batches.append([])
        batches[place].append(i)
        first_without[text] = place + 1
        if len(batches[place]) == batch_size:
            full = place + 1
    return [np.array(batch) for batch in batches[:full]]


def open_image(path) -> np.ndarray:
    """A picture file as (Y, X, 3) float32 in [0, 1]: turned upright, transparency laid on white.

    Raises ImageError if it is missing, too large, damaged, or not PNG, JPEG, WEBP, BMP or GIF.
    """
    from PIL import Image

    try:
        with open_file(path) as file, Image.open(file, formats=["PNG", "JPEG", "WEBP", "BMP", "GIF"]) as image:
            if image.width * image.height > MAX_PIXELS:
                raise ImageError(
                    f"{quote(path)}: {image.width} x {image.height} pixels, expected at most 50 million: shrink it"
                )
            if image.mode == "F" or image.mode.startswith("I"):
                raise ImageError(f"{quote(path)}: {image.mode} pixels, expected 8 bits a channel: convert it first")
            return pixels(image)
    except ImageError:
        raise
    except Exception as error:  # a decoder that reads hostile bytes may raise anything
        raise ImageError(
            f"{quote(path)} is not a picture that can be read ({reason(error)}): expected PNG, JPEG, WEBP, BMP or GIF"
        ) from error


def pixels(image) -> np.ndarray:
    """A PIL image as (Y, X, 3) float32 in [0, 1]: turned upright, transparency laid on white."""
    from PIL import Image

    turned = upright(image).convert("RGBA")
    white = Image.new("RGBA", turned.size, "white")
    return np.asarray(Image.alpha_composite(white, turned).convert("RGB"), np.float32) / 255


def upright(image):
    """A PIL image, turned as its EXIF data say; as it lies, with a warning, where they are damaged."""
    from PIL import ImageOps

    image.load()  # first: damaged pixels are an error
    try:
        return ImageOps.exif_transpose(image)
    except Exception as error:
        warnings.warn(f"a picture's EXIF data are damaged ({error}): it is read as it lies", stacklevel=4)
        return image


def preprocess(images, image_size: int = 32, frame: bool | None = None) -> np.ndarray:
    """Make pictures ready for a model: framed, or shorter side to `image_size` and the centre cut out; normalised.

    Parameters
    ----------
    images : PIL image, array (Y, X, 3) or (B, Y, X, 3), or a list of PIL images and arrays (Y, X, 3), of any sizes
        uint8, or floats in [0, 1].
    image_size : int
    frame : bool, optional
        Move a picture's only object to the nearest of the world's places, as large as the large ones there: see
        `data.framing`. By default just where a picture is not `image_size` x `image_size` already.

    Returns
    -------
    float32 array (B, image_size, image_size, 3)
    """
    if isinstance(images, str | os.PathLike):
        raise InputTypeError(
            f"the pictures are {quote(str(images))}, expected arrays: miniclip.open_image opens a file"
        )
    if type(image_size) is not int or not 0 < image_size <= LARGEST_SIDE:
        raise InputError(f"image_size is {quote(image_size)}, expected a whole number from 1 to {LARGEST_SIDE}")
    images = [images] if hasattr(images, "convert") or getattr(images, "ndim", 0) == 3 else images
    if not hasattr(images, "__iter__"):
        raise InputTypeError(f"the pictures are {type(images).__name__}, expected arrays or PIL images")
    arrays = [pixels(image) if hasattr(image, "convert") else as_array(image, "pixels") for image in images]
    if not arrays:
        raise InputError("there are no pictures, expected at least one")
    return normalize(np.stack([frame_or_crop(intensities(array), image_size, frame) for array in arrays]))


def intensities(image: np.ndarray) -> np.ndarray:
    """(Y, X, 3), uint8 or floats in [0, 1] -> float32 in [0, 1]."""
    if image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise InputError(f"an image has shape {image.shape}, expected (Y, X, 3)")
    if image.dtype == np.uint8:
        image = image / np.float32(255)
    elif image.dtype.kind != "f" or not (image.min() >= 0.0 and image.max() <= 1.0):
        raise InputError(f"an image is {image.dtype}, expected uint8, or floats from 0 to 1")
    return image.astype(np.float32)


def frame_or_crop(image: np.ndarray, side: int, frame: bool | None = None) -> np.ndarray:
    """(Y, X, 3) -> (side, side, 3): framed; or bicubic on the shorter side, then the centre."""
    Y, X, _ = image.shape
    fits = (side, side) == (Y, X)
    if frame or (frame is None and not fits):
        found = frame_object(image, side)
        if found is not None:
            return found
    if fits:
        return image
    width, height = (max(side, round(n * side / min(Y, X))) for n in (X, Y))
    top, left = (height - side) // 2, (width - side) // 2
    return resized(image, width, height)[top : top + side, left : left + side]
