"""Figures that move: a GIF, an MP4 where ffmpeg is, or a PDF with a page for each picture, safe on any projector."""

import io
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from matplotlib.backends.backend_pdf import PdfPages
from PIL import Image

from ..errors import ConfigError
from .lectures import Run, lecture, lectures, stays
from .style import METADATA, styled

FRAME_MS, LAST_MS = 100, 2000  # ten states a second, the last one held
GIF_DPI, MP4_DPI = 72, 144  # keeps a moving slide below 3 MB; 1080 rows
COLOURS = 256  # of a GIF
NO_FFMPEG = "there is no ffmpeg here: instead of MP4, a GIF and a PDF with a page for each picture are written"


def moves(id: str) -> bool:
    """Has this figure more than one state?"""
    return hasattr(lectures()[id], "frames")


def has_ffmpeg() -> bool:
    """Can an MP4 be written here?"""
    return shutil.which("ffmpeg") is not None


def film_frames(id: str, run: Run, size: str, theme: str, dpi: int) -> Iterator[Image.Image]:
    """The states of a figure, one after the other, as pictures; a state that stays is drawn once."""
    for state, pictures in stays(lectures()[id].frames(run)):
        file = io.BytesIO()
        with styled():
            lecture(id, run, size, theme, state)[0].savefig(file, format="png", dpi=dpi)
        yield from [Image.open(file).convert("RGB")] * pictures


def gif(id: str, run: Run, size: str, theme: str) -> bytes:
    """An animated GIF. All its pictures have the same few colours, so what stands still does not flicker."""
    seen = list(film_frames(id, run, size, theme, GIF_DPI))
    colours = common_colours(seen)
    seen = [in_colours(picture, colours) for picture in seen]
    file, times = io.BytesIO(), [FRAME_MS] * (len(seen) - 1) + [LAST_MS]
    seen[0].save(file, "gif", save_all=True, append_images=seen[1:], duration=times, loop=0)
    return file.getvalue()


def common_colours(seen) -> np.ndarray:
    """(COLOURS, 3): half of them the commonest as they are, then again and again the one that is farthest from all."""
    numbers = np.concatenate([as_numbers(picture) for picture in {id(one): one for one in seen}.values()])
    found, counts = np.unique(numbers, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    colours = of_numbers(found[order])
    chosen, away = list(range(min(COLOURS // 2, len(colours)))), np.full(len(colours), np.inf)
    for k in chosen:
        away = np.minimum(away, ((colours - colours[k]) ** 2).sum(1))
    while len(chosen) < COLOURS:
        chosen.append(int(away.argmax()))
        away = np.minimum(away, ((colours - colours[chosen[-1]]) ** 2).sum(1))
    return colours[chosen].astype(np.uint8)


def as_numbers(picture: Image.Image) -> np.ndarray:
    """The pixels of a picture, one number for each colour."""
    return np.asarray(picture).reshape(-1, 3) @ np.array([1 << 16, 1 << 8, 1])


def of_numbers(numbers) -> np.ndarray:
    """The colours (n, 3) of such numbers."""
    return np.stack([numbers >> 16, numbers >> 8 & 255, numbers & 255], 1).astype(float)


def in_colours(picture: Image.Image, colours: np.ndarray) -> Image.Image:
    """A picture in the nearest of some colours; Pillow's own search is quicker, but turns white into grey."""
    found, which = np.unique(as_numbers(picture), return_inverse=True)
    a, b = of_numbers(found), colours.astype(float)
    nearest = ((b**2).sum(1) - 2 * a @ b.T).argmin(1).astype(np.uint8)
    near = Image.fromarray(nearest[which.reshape(picture.height, picture.width)])
    near.putpalette(colours.ravel().tolist())
    return near


def mp4(id: str, run: Run, size: str, theme: str) -> bytes:
    """A film of even sides and of colours that every player knows; raises ConfigError if ffmpeg cannot make one."""
    with TemporaryDirectory() as folder:
        for k, picture in enumerate(film_frames(id, run, size, theme, MP4_DPI)):
            picture.save(Path(folder, f"{k:03}.png"), compress_level=1)
        held = (LAST_MS - FRAME_MS) / 1000
        changes = f"crop=trunc(iw/2)*2:trunc(ih/2)*2,tpad=stop_mode=clone:stop_duration={held}"
        words = ["ffmpeg", "-loglevel", "error", "-framerate", f"{1000 // FRAME_MS}", "-i", f"{folder}/%03d.png"]
        words += ["-vf", changes, "-pix_fmt", "yuv420p", "-threads", "1", "-bitexact", "-movflags", "+faststart"]
        done = subprocess.run([*words, f"{folder}/film.mp4"], capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if done.returncode:
            said = (done.stderr.strip() or "no reason given").split("\n")[-1]
            raise ConfigError(f"ffmpeg could not write the MP4 of {id} ({said}): ask for gif instead")
        return Path(folder, "film.mp4").read_bytes()


def pages(id: str, run: Run, size: str, theme: str) -> bytes:
    """A PDF with a page for each state."""
    file = io.BytesIO()
    with styled(), PdfPages(file, metadata=METADATA[".pdf"]) as pdf:
        for state, _ in stays(lectures()[id].frames(run)):
            pdf.savefig(lecture(id, run, size, theme, state)[0])
    return file.getvalue()
