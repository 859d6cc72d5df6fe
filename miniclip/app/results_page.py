"""What a search found, as one page: without network, without scripts, whatever the names of files hold.

Nothing of a query or a name becomes a part of the page but as text: text is escaped, links are percent-encoded paths,
and the page's own policy forbids all but its pictures and its style.
"""

import base64
import io
import os
from html import escape
from pathlib import Path
from string import Template

import numpy as np

from ..data.captions import write_descriptions
from ..data.drawing import draw_scenes
from ..data.pictures import EXAMPLE, open_image
from ..data.world import sample_scenes
from ..errors import ImageError
from .printing import sure

PAGE = Path(__file__).parent / "content" / "results.html"
SIDE, TINY = 256, 64  # pixels: of a thumbnail at most; of a picture whose pixels are seen one by one
TICK = {True: "✓", False: "✗"}
UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/")


def results_page(result: dict, folder, captions: bool = False, seed: int = 0) -> str:
    """The page of a result of `find.search` or `find.search_index`.

    Parameters
    ----------
    result : dict
    folder : str or Path
        Where the page will lie: links are relative to it.
    captions : bool
        Are the ids sentences that were found, and not pictures?
    seed : int
        Of the drawings, where ids are their numbers.
    """
    n = len(result["ids"])
    right, chances = result["right"] or [None] * n, result.get("chances") or [None] * n
    items = [
        result_item(found, score, chance, true, folder, captions, seed)
        for found, score, chance, true in zip(result["ids"], result["scores"], chances, right, strict=True)
    ]
    asked = [file_picture(place_of(path), f"part of the query: {path}") for path in result.get("images", [])]
    heading = f"“{page_text(result['query'])}”" if result["query"] else "Pictures like this one"
    parts = [
        f"<h1><bdi>{heading}</bdi></h1>",
        *([f'<div class="asked">{"".join(asked)}</div>'] if asked else []),
        f'<p class="muted">{what_came(result)}</p>',
        *(["<ol>", *items, "</ol>"] if items else []),
        *(
            f'<p class="muted">not shown: <bdi>{page_text(one["error"])}</bdi></p>'
            for one in result.get("unreadable", [])
        ),
    ]
    frame = Template(PAGE.read_text(encoding="utf-8"))
    return frame.substitute(title=f"{page_text(result['query']) or 'Search'}: {n} found", body="\n".join(parts))


def what_came(result: dict) -> str:
    """What came of the search, in a sentence."""
    n, right = len(result["ids"]), result["right"]
    if not n:
        return "nothing found"
    said = f"the best {n}"
    if "likely" in result:
        said += f" of {result['likely']} that are likely right, at a precision of {result['precision']:.0%}"
    return said if right is None else f"{said}; {sum(right)} of them right"


def result_item(found, score: float, chance, right, folder, captions: bool, seed: int) -> str:
    """One result: its picture or sentence, its score, and what is known of it."""
    if captions:
        shown, name = "", page_text(found)
    elif isinstance(found, str):
        shown, name = file_picture(place_of(found), Path(found).name), linked(found, folder)
    else:
        shown, name = drawn_picture(found, seed), f"picture {found}"
    kind = "" if right is None else "right" if right else "wrong"
    marks = ([f"{TICK[right]} {kind}"] if kind else []) + ([] if chance is None else [f"{sure(chance)} likely"])
    return (
        f'<li class="{kind}">{shown}<p class="name"><bdi>{name}</bdi></p><p class="score">{score:z.4f}'
        f'<span class="bar" aria-hidden="true"><span style="width:{min(max(score, 0.0), 1.0):.1%}"></span></span></p>'
        + "".join(f'<p class="mark">{one}</p>' for one in marks)
        + "</li>"
    )


def file_picture(path: Path, said: str) -> str:
    """A picture file, small; or that it cannot be shown."""
    try:
        return image_tag(open_image(path), said)
    except ImageError:
        return '<div class="none">cannot be shown</div>'


def drawn_picture(number: int, seed: int) -> str:
    """A drawing of split A; in words, what is drawn."""
    scene = sample_scenes(seed, "A", np.array([number]))
    return image_tag(draw_scenes(scene)[0], write_descriptions(scene)[0])


def image_tag(image: np.ndarray, said: str) -> str:
    """A picture (Y, X, 3), intensities in [0, 1], inside of the page, at most SIDE pixels high and wide."""
    from PIL import Image

    small, written = Image.fromarray((255 * image + 0.5).astype(np.uint8)), io.BytesIO()
    kind, mime = ("tiny", "png") if max(small.size) <= TINY else ("photo", "jpeg")
    small.thumbnail((SIDE, SIDE))
    small.save(written, mime, quality=85)
    data = base64.b64encode(written.getvalue()).decode()
    return f'<img class="{kind}" src="data:image/{mime};base64,{data}" alt="{page_text(said)}">'


def linked(path: str, folder) -> str:
    """A path as a link relative to a folder; where there is no way from there, as text."""
    try:
        way = os.path.relpath(place_of(path), folder)
    except ValueError:  # another drive
        return page_text(path)
    encoded = os.fsencode(way.replace(os.sep, "/"))
    href = "".join(chr(byte) if byte in UNRESERVED else f"%{byte:02X}" for byte in encoded)
    return f'<a href="{href}" title="{page_text(path)}">{page_text(Path(path).name)}</a>'


def place_of(path: str) -> Path:
    """Where a picture lies that is named on the command line."""
    return Path(EXAMPLE if path == "example" else path)


def page_text(text: str) -> str:
    """Any text as text of a page: what cannot be printed becomes a box."""
    return escape("".join(c if c.isprintable() else "□" for c in text))
