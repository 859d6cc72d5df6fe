"""The course as a site, and its notebooks as a book:

    python site/build.py --out DIR [--book]

DIR/html/index.html is the site: it needs no server and asks no other host for anything. With --book it also has
all notebooks in one PDF. DIR/source is what Sphinx reads; the figures in it are drawn anew when the package has changed.
"""

import argparse
import sys
from pathlib import Path

import pages
from miniclip.page.build import write_page
from sphinx.application import Sphinx

from miniclip.figures.lectures import lectures
from miniclip.figures.render import render
from miniclip.learn.cards import card_style

HERE = Path(__file__).parent
ROOT = HERE.parent
FORMATS = ("svg", "png")


def lay_out(source: Path) -> None:
    """All pages in one folder: those that are written, the notebooks, and those that are made."""
    files = {path.name: path.read_bytes() for path in [*HERE.glob("*.md"), ROOT / "ARCHITECTURE.md"]}
    files["overview.png"] = (ROOT / "notebooks" / "overview.png").read_bytes()
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        files[f"notebooks/{path.name}"] = linked(path.read_text(encoding="utf-8")).encode()
    made = pages.exercises() | pages.practice() | pages.figures(source / "figures") | pages.reference()
    files |= {name: text.encode() for name, text in made.items()}
    for name, content in files.items():
        put(source / name, content)
    for path in source.rglob("*.*"):  # of an earlier build
        if path.suffix in (".md", ".rst", ".ipynb") and path.relative_to(source).as_posix() not in files:
            path.unlink()


def put(path: Path, content: bytes) -> None:
    """Write a file, if it is not there: Sphinx reads what is newer than its last build."""
    if not path.exists() or path.read_bytes() != content:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def linked(notebook: str) -> str:
    """Where a notebook names another that is there, a link."""
    there = {path.name for path in (ROOT / "notebooks").glob("*.ipynb")}
    return re.sub(
        r"`(\d\d_\w+\.ipynb)`", lambda name: f"[{name[0]}]({name[1]})" if name[1] in there else name[0], notebook
    )


def draw(folder: Path) -> None:
    """All figures, if some are missing or older than the package."""
    changed = max(path.stat().st_mtime for path in (ROOT / "miniclip").rglob("*.*"))
    drawn = [path.stat().st_mtime for path in folder.glob("f*.txt")]
    if len(drawn) < len(lectures()) or min(drawn) < changed:
        render(list(lectures()), folder, FORMATS)


def sphinx(out: Path, builder: str, tags=(), **settings) -> None:
    """Run Sphinx; a warning is an error."""
    app = Sphinx(out / "source", HERE, out / builder, out / "doctrees" / builder, builder, settings, status=None,
                 warningiserror=True, tags=tags, parallel=2)  # fmt: skip
    app.build()
    if app.statuscode:
        sys.exit(app.statuscode)


def main() -> None:
    """Build what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--book", action="store_true")
    args = parser.parse_args()
    out = args.out.resolve()
    draw(out / "source" / "figures")
    lay_out(out / "source")
    put(out / "source" / "static" / "cards.css", card_style().encode())
    (out / "source" / "extra").mkdir(exist_ok=True)
    write_page(out / "source" / "extra" / "clip.html")
    sphinx(out, "html", html_extra_path=[str(out / "source" / "extra")],
           html_static_path=["static", str(out / "source" / "static")])  # fmt: skip


if __name__ == "__main__":
    main()
