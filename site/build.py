"""The course as a site, and its notebooks as a book:

    python site/build.py --out DIR [--book]

DIR/html/index.html is the site: it needs no server, and nothing from another host. With --book it has all notebooks
in one PDF, too. DIR/source is what Sphinx reads; its figures are drawn anew when the package has changed.
"""

import argparse
import io
import re
import shutil
import sys
from pathlib import Path

import pages
from playwright.sync_api import sync_playwright
from pypdf import PdfReader
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace, patch_docutils

from miniclip.figures.lectures import lectures
from miniclip.figures.render import render
from miniclip.learn.cards import card_style
from miniclip.learn.files import path_of
from miniclip.learn.specs import all_exercises
from miniclip.page.build import write_page

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
    files["static/cards.css"] = card_style().encode()
    for name, content in files.items():
        put(source / name, content)
    for path in source.rglob("*.*"):  # of an earlier build
        name = path.relative_to(source)
        if path.suffix in (".md", ".rst", ".ipynb") and name.as_posix() not in files:
            path.unlink()
            (source.parent / "html" / name).with_suffix(".html").unlink(missing_ok=True)


def put(path: Path, content: bytes) -> None:
    """Write a file, if it is not there: Sphinx reads what is newer than its last build."""
    if not path.exists() or path.read_bytes() != content:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def linked(notebook: str) -> str:
    """A notebook whose links to files lead to the pages about them; where there is no page, their words are left."""
    targets = {path_of(one, Path("exercises")).as_posix(): f"exercise-{one.id}" for one in all_exercises().values()}

    def there(link: re.Match) -> str:
        words, path = link.groups()
        target = path.removesuffix(".py").replace("/", ".") if path.startswith("miniclip/") else targets.get(path)
        return f"[{words}](#{target})" if target else words

    return re.sub(r"\[([^][\n]+)\]\(\.\./([^)\n]+)\)", there, notebook)


def draw(folder: Path) -> None:
    """All figures, if some are missing or older than the package."""
    files = (path for path in (ROOT / "miniclip").rglob("*.*") if path.suffix != ".pyc")
    changed = max(path.stat().st_mtime for path in files)
    drawn = [path.stat().st_mtime for path in folder.glob("f*.txt")]
    if len(drawn) < len(lectures()) or min(drawn) < changed:
        render(list(lectures()), folder, FORMATS)


def sphinx(out: Path, builder: str, tags=(), **settings) -> None:
    """Run Sphinx; a warning is an error."""
    source = out / "source"
    settings["html_static_path"] = ["static", str(source / "static")]
    settings["html_extra_path"] = [str(source / "extra")]
    kept = out / "doctrees" / builder / "environment.pickle"
    fresh = not kept.exists() or kept.stat().st_mtime < max(path.stat().st_mtime for path in HERE.glob("*.py"))
    with patch_docutils(HERE), docutils_namespace():  # each run registers its directives anew
        app = Sphinx(source, HERE, out / builder, kept.parent, builder, settings, status=None, freshenv=fresh,
                     warningiserror=True, tags=tags, parallel=2)  # fmt: skip
        app.build()
    if app.statuscode:
        sys.exit(app.statuscode)


def print_book(page: Path, pdf: Path) -> None:
    """Print a page with Chromium, twice: the contents need the numbers of the pages that the first time has found."""
    program = shutil.which("chromium")
    if program is None:
        sys.exit("the book is printed by chromium, which is not here: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--disable-gpu", "--disable-quic"])
        opened = browser.new_page()
        opened.goto(page.as_uri())
        opened.evaluate("MathJax.startup.promise")
        numbers: list[int] = []
        for _ in range(2):
            opened.evaluate("writeContents", numbers)
            content = opened.pdf(prefer_css_page_size=True, outline=True, tagged=True)
            numbers = chapters(PdfReader(io.BytesIO(content)))
        browser.close()
    put(pdf, content)


def chapters(reader: PdfReader) -> list[int]:
    """The pages on which the chapters begin."""
    (_, inside) = reader.outline
    return [reader.get_destination_page_number(one) + 1 for one in inside if not isinstance(one, list)]


def main() -> None:
    """Build what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument("--book", action="store_true", help="the notebooks as one PDF, too; it takes Chromium")
    args = parser.parse_args()
    out = args.out.resolve()
    if out.exists() and any(out.iterdir()) and not (out / "doctrees").is_dir():
        sys.exit(f"{args.out} has files of others: name a folder that is new or empty, or holds an earlier build")
    (out / "doctrees").mkdir(parents=True, exist_ok=True)
    source, extra = out / "source", out / "source" / "extra"
    draw(source / "figures")
    lay_out(source)
    extra.mkdir(exist_ok=True)
    (extra / "clip.html").unlink(missing_ok=True)
    write_page(extra / "clip.html")
    if args.book:
        sphinx(out, "singlehtml", root_doc="book", include_patterns=["book.md", "notebooks/*"], exclude_patterns=[],
               html_css_files=["book.css"], html_js_files=["site.js", "book.js"],
               suppress_warnings=["myst.xref_missing"])  # fmt: skip  # links to pages that are not in the book
        print_book(out / "singlehtml" / "book.html", extra / "miniclip.pdf")
    sphinx(out, "html", ["book"] * args.book)


if __name__ == "__main__":
    main()
