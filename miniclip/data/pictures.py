"""Pictures of the user's own, made ready for a model."""

import os
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import ImageError, InputError, InputTypeError, quote
from ..machine.disk import open_file, reason
from ..nn.checks import as_array
from .framing import frame_object, is_blank
from .world import IMAGE_SIZE

# CLIP's own statistics, not ImageNet's (openai/CLIP, clip.py).
IMAGE_MEAN = (0.48145466, 0.4578275, 0.40821073)
IMAGE_STD = (0.26862954, 0.26130258, 0.27577711)
LARGEST_SIDE = 4096  # of what a model reads
LONGEST = 10  # times as long as wide: of a longer picture little is seen
MAX_PIXELS = 50_000_000  # of a file: more would take gigabytes to decode
EXAMPLE = Path(__file__).parents[1] / "example.png"  # a small red circle on the left, drawn by the world


@dataclass(frozen=True)
class Preprocessing:
    """How a model wants its pictures: the arguments of `preprocess`."""

    image_size: int = IMAGE_SIZE
    frame: bool | None = None
    mean: tuple[float, ...] = IMAGE_MEAN
    std: tuple[float, ...] = IMAGE_STD


def normalize(images, mean=IMAGE_MEAN, std=IMAGE_STD) -> np.ndarray:
    """(x - mean) / deviation for each channel: float32, intensities in [0, 1] -> about -2 to 2."""
    # Whole rows of pixels at once: NumPy is slow where the last axis is short.
    rows = images.reshape(*images.shape[:-2], -1)
    scale = np.tile(np.reciprocal(std, dtype=np.float32), images.shape[-2])
    normalised = rows * scale
    normalised -= np.tile(np.array(mean, np.float32), images.shape[-2]) * scale
    return normalised.reshape(images.shape)


def denormalize(images, mean=IMAGE_MEAN, std=IMAGE_STD) -> np.ndarray:
    """The inverse of `normalize`, for showing."""
    return images * np.array(std, np.float32) + np.array(mean, np.float32)


def open_image(path) -> np.ndarray:
    """A picture file as (Y, X, 3) float32 in [0, 1]: turned upright, transparency laid on white.

    Raises ImageError if it is missing, too large, damaged, or not PNG, JPEG, WEBP, BMP or GIF.
    """
    return decode_image(lambda: open_file(path), path) / np.float32(255)


def decode_image(opened, name) -> np.ndarray:
    """The picture in what `opened()` returns, a file or bytes to be read, as (Y, X, 3) uint8: see `open_image`."""
    from PIL import Image, UnidentifiedImageError

    try:
        with opened() as file, Image.open(file, formats=["PNG", "JPEG", "WEBP", "BMP", "GIF"]) as image:
            if image.width * image.height > MAX_PIXELS:
                raise ImageError(
                    f"{quote(name)}: {image.width} x {image.height} pixels, expected at most 50 million: shrink it"
                )
            if image.mode == "F" or (image.mode == "I" and image.format != "PNG"):
                raise ImageError(f"{quote(name)}: {image.mode} pixels, expected 8 or 16 bits a channel: convert it")
            if getattr(image, "is_animated", False):
                warnings.warn("a picture is animated: only its first frame is seen", stacklevel=3)
            return pixels(image)
    except ImageError:
        raise
    except Exception as error:  # a decoder that reads hostile bytes may raise anything
        why = "another format, or damaged" if isinstance(error, UnidentifiedImageError) else reason(error)
        raise ImageError(
            f"{quote(name)} is not a picture that can be read ({why}): expected PNG, JPEG, WEBP, BMP or GIF"
        ) from error


def pixels(image) -> np.ndarray:
    """A PIL image as (Y, X, 3) uint8: turned upright, transparency laid on white."""
    from PIL import Image

    turned = in_eight_bits(upright(image))
    if turned.mode == "RGB" and "transparency" not in turned.info:  # the same, in half the time and memory
        return np.asarray(turned)
    turned = turned.convert("RGBA")
    white = Image.new("RGBA", turned.size, "white")
    return np.asarray(Image.alpha_composite(white, turned).convert("RGB"))


def in_eight_bits(image):
    """A PIL image of 16 bits with its intensities scaled to 8; Pillow itself would cut them off at 255."""
    from PIL import Image

    if not image.mode.startswith("I"):
        return image
    deep = np.asarray(image, np.uint16)  # in this machine's byte order; mode I is what Pillow 10 makes of such a PNG
    return Image.fromarray(np.rint(deep / 257).astype(np.uint8))


def upright(image):
    """A PIL image, turned as its EXIF data say; as it lies, with a warning, where they are damaged."""
    from PIL import ImageOps

    image.load()  # first: damaged pixels are an error
    try:
        return ImageOps.exif_transpose(image)
    except Exception as error:
        warnings.warn(f"a picture's EXIF data are damaged ({error}): it is read as it lies", stacklevel=4)
        return image


def preprocess(images, image_size: int = IMAGE_SIZE, frame: bool | None = None, mean=IMAGE_MEAN,
               std=IMAGE_STD) -> np.ndarray:  # fmt: skip
    """Make pictures ready for a model: framed, or shorter side to `image_size` and the centre cut out; normalised.

    Parameters
    ----------
    images : PIL image, array (Y, X, 3) or (B, Y, X, 3), or a list of PIL images and arrays (Y, X, 3), of any sizes
        uint8, or floats in [0, 1].
    image_size : int
    frame : bool, optional
        Move a picture's only object to the nearest of the world's places, as large as the large ones there: see
        `data.framing`. By default just where a picture is not `image_size` x `image_size` already.
    mean, std : three floats
        Of the channels; by default those of OpenAI's CLIP.

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
    ready = [frame_or_crop(intensities(array), image_size, frame) for array in arrays]
    return normalize(np.stack(ready), mean, std)


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
    """(Y, X, 3) -> (side, side, 3): framed, or cropped."""
    fits = (side, side) == image.shape[:2]
    if frame or (frame is None and not fits):
        found = frame_object(image, side)
        if found is not None:
            return found
    if fits:
        return image
    eight_bits = np.rint(255 * image).astype(np.uint8)  # CLIP's own pixels are rounded twice, too
    return crop(eight_bits, side) / np.float32(255)


def crop(image: np.ndarray, side: int) -> np.ndarray:
    """(Y, X, 3) uint8 -> (side, side, 3): bicubic on the shorter side, then the centre, as CLIP does it."""
    from PIL import Image

    Y, X, _ = image.shape
    if (side, side) == (Y, X):
        return image
    width, height = (n * side // min(Y, X) for n in (X, Y))
    top, left = (height - side) // 2, (width - side) // 2
    picture = Image.fromarray(image)
    if max(X, Y) > LONGEST * min(X, Y):
        warnings.warn(f"a picture is over {LONGEST} times as long as wide: only its centre is seen", stacklevel=3)
    if width * height > MAX_PIXELS:  # as a file may not be, either; a level of a pixel may differ
        box = (left * X / width, top * Y / height, (left + side) * X / width, (top + side) * Y / height)
        return np.asarray(picture.resize((side, side), Image.Resampling.BICUBIC, box))
    found = np.asarray(picture.resize((width, height), Image.Resampling.BICUBIC))
    return found[top : top + side, left : left + side]


def picture_file(path, model) -> np.ndarray:
    """A picture file, or "example", made ready for a model, (1, Y, X, C).

    Raises ImageError if it cannot be read, or is blank.
    """
    image = open_image(EXAMPLE if path == "example" else path)
    if model.of_the_world and is_blank(image):
        raise ImageError(
            f"{quote(path)} is blank, expected a picture of something: nothing in it differs from its border"
        )
    return model.preprocess(image)
