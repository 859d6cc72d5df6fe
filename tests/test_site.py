"""The site and the book: links lead somewhere, no other host is asked, no solution is told, nothing is cut off."""

import json
import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from docutils.core import publish_doctree
from filelock import FileLock
from pypdf import PdfReader
from run_notebooks import NOTEBOOKS

from miniclip.figures.lectures import lectures
from miniclip.learn.cards import load_cards
from miniclip.learn.files import MODULES, solution_text, stub
from miniclip.learn.items import load_quiz
from miniclip.learn.specs import all_exercises

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "site"))
from rst import plain  # noqa: E402

# To these and to papers a reader may go; a page never does by itself.
ELSEWHERE = {"https://www.sphinx-doc.org/", "https://pradyunsg.me", "https://github.com/pradyunsg/furo"}
PAPER_URL = r"https://arxiv\.org/abs/\d{4}\.\d{5}"
KINDS = ["index.html", "tab.html", "practice.html", "figures/index.html", "exercises/m4.html", "reference/1.html",
         "ARCHITECTURE.html", "search.html", "_modules/miniclip/nn/ops.html"]  # fmt: skip
SCREENS = {"light": {}, "dark": {"color_scheme": "dark"}, "phone": {"viewport": {"width": 360, "height": 740}}}
LINKS = {"href", "src", "srcset", "poster", "data", "action", "xlink:href"}
BROWSER = shutil.which("chromium") is not None
WIDTH = 658  # pixels between the margins of a page, at 96 an inch


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """The site and, where it can be printed, the book; one worker of pytest-xdist builds them for all."""
    folder = tmp_path_factory.getbasetemp()
    out = (folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) / "site"
    with FileLock(f"{out}.lock"):
        if not out.exists():
            command = [sys.executable, ROOT / "site" / "build.py", "--out", out, *["--book"] * BROWSER]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            assert (done.returncode, done.stderr) == (0, "")
    return out


@pytest.fixture(scope="session")
def site(built):
    return (built / "html").resolve()


class Page(HTMLParser):
    """The tags of a page, with their attributes, and what can be linked to in it."""

    def __init__(self, path: Path):
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.ids: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.ids |= {value for name, value in attrs if name == "id" or (tag == "a" and name == "name")}


@pytest.fixture(scope="session")
def pages(site):
    """All but CLIP in a tab, which is the package's."""
    return {path: Page(path) for path in site.rglob("*.html") if path.name != "clip.html"}


def leads_nowhere(site, path, url: str, pages) -> bool:
    """Is a link of a page, within the site, to a file or a place that is not there?"""
    parts = urlsplit(url)
    there = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if not there.is_file() or not there.is_relative_to(site):
        return True
    return bool(parts.fragment) and there in pages and unquote(parts.fragment) not in pages[there].ids


def test_every_link_leads_to_a_place_that_is_there(site, pages):
    wrong, left = [], set()
    for path, page in pages.items():
        for tag, attributes in page.tags:
            for name in LINKS & attributes.keys():
                url = attributes[name]
                if re.match(r"\w+:|//", url) and (tag, name) == ("a", "href"):
                    left.add(url)
                elif not url.startswith("data:") and leads_nowhere(site, path, url, pages):
                    wrong.append((path, tag, url))
    assert not wrong
    assert {url for url in left if not re.fullmatch(PAPER_URL, url)} == ELSEWHERE
    assert len(pages) > 60


def test_styles_load_nothing_from_elsewhere(site):
    styles = list(site.rglob("*.css"))
    assert len(styles) > 3
    for path in styles:
        text = path.read_text(encoding="utf-8")
        assert "@import" not in text
        assert all(url.startswith("data:") for url in re.findall(r"url\(\s*['\"]?([^'\")]+)", text)), path


def test_every_picture_is_described(pages):
    for path, page in pages.items():
        for tag, attributes in page.tags:
            if tag == "img":
                assert len(attributes["alt"].split()) > 2, (path, attributes)


def links(page: Page) -> list[str]:
    return [attributes["href"] for tag, attributes in page.tags if tag == "a" and "href" in attributes]


def test_the_notebooks_are_there_in_order_with_their_pictures(site, pages):
    contents = [link for link in links(pages[site / "index.html"]) if re.match(r"notebooks/\d\d", link)]
    assert list(dict.fromkeys(contents)) == [f"notebooks/{path.stem}.html" for path in NOTEBOOKS]
    for notebook in NOTEBOOKS:
        outputs = [output for cell in json.loads(notebook.read_text())["cells"] for output in cell.get("outputs", [])]
        pictures = sum("image/png" in output.get("data", {}) for output in outputs)
        page = pages[site / f"notebooks/{notebook.stem}.html"]
        shown = [attributes["alt"] for tag, attributes in page.tags if tag == "img"]
        assert len(shown) >= pictures >= 2
        said = {output.get("metadata", {}).get("image/png", {}).get("alt") for output in outputs} - {None}
        assert {" ".join(one.split()) for one in said} <= {" ".join(one.split()) for one in shown}


def test_what_a_notebook_prints_as_a_table_is_one(site):
    """Markdown that is left as it was would begin with a bar."""
    texts = [path.read_text(encoding="utf-8") for path in site.glob("notebooks/*.html")]
    assert not [text for text in texts if re.search(r"<p>\s*\|", text)]
    assert sum(text.count("<table") for text in texts) >= 10


def test_a_notebook_leads_to_the_next(site, pages):
    for here, then in pairwise(NOTEBOOKS):
        assert f"{then.stem}.html" in links(pages[site / f"notebooks/{here.stem}.html"])


def test_a_notebook_leads_to_its_exercises(site, pages):
    for notebook in NOTEBOOKS:
        named = re.findall(r"\]\(\.\./exercises/m(\d)_\w+/e(\d)_", notebook.read_text(encoding="utf-8"))
        there = set(links(pages[site / f"notebooks/{notebook.stem}.html"]))
        assert {f"../exercises/m{m}.html#exercise-{m}-{e}" for m, e in named} <= there, notebook.stem


def test_every_exercise_is_there_and_no_solution(site, pages):
    for module in MODULES:
        path = site / f"exercises/{module}.html"
        text = "".join(re.sub(r"<[^>]+>", "", path.read_text(encoding="utf-8")).split())
        for one in (one for one in all_exercises().values() if one.module.split(".")[-2] == module):
            assert f"exercise-{one.id.replace('.', '-')}" in pages[path].ids
            given = set(map(str.strip, stub(one).split("\n")))
            told = [line.strip() for line in solution_text(one).split("\n") if line.strip() not in given]
            assert not [line for line in told if len(line) > 20 and "".join(line.split()) in text], one.id
    assert not list(site.glob("_modules/miniclip/learn/specs/*"))


def test_the_practice_page_asks_all_and_tells_all(site, pages):
    page = pages[site / "practice.html"]
    kinds = [attributes.get("class") for tag, attributes in page.tags if tag == "details"]
    items = load_quiz("self-check") + load_quiz("part-b")
    options = sum(len(step.options) for item in items for step in item.steps)
    assert kinds.count("card") == len(load_cards("seed")) == 9
    assert kinds.count(None) == options + 7 + sum(bool(item.note) for item in items) + 3
    assert {card.id for card in load_cards("seed")} <= page.ids


def test_every_figure_can_be_taken(site, pages):
    page = pages[site / "figures/index.html"]
    files = [Path(link).name for link in links(page) if "_downloads" in link]
    stems = [module.__name__.rsplit(".", 1)[1] for module in lectures().values()]
    assert files == [f"{stem}.{end}" for stem in stems for end in ("svg", "png", "csv")]


def test_the_reference_follows_the_reading_order(site):
    pages = sorted(site.glob("reference/*.html"), key=lambda path: int(path.stem))
    files = [file for path in pages for file in re.findall(r"<h2>([\w/]+\.py|[\w/]+/)<", path.read_text("utf-8"))]
    assert files[:3] == ["nn/ops.py", "nn/layers.py", "nn/blocks.py"]
    assert files[-1] == "figures/deck.py"
    assert "labs/broken.py" in files
    assert len(set(files)) == len(files) > 120


@pytest.mark.parametrize("text", [
    "*args and **kwargs, |x| and a * b", "a `code` and `more`s", "x_ and y_i, \\n", "`a * b`", "two\n\nparagraphs",
    "`a\nb`", "x`", "* one\n* two",
])  # fmt: skip
def test_plain_text_stays_as_it_is_written(text):
    tree = publish_doctree(plain(text), settings_overrides={"halt_level": 2})
    said = tree.astext()
    assert "".join(said.split()) == re.sub(r"\s|(?m:^\* )|(?<!x)`", "", text)


def test_what_is_indented_is_a_formula():
    tree = publish_doctree(plain("As in\n\n    y = |x|\n\nso."), settings_overrides={"halt_level": 2})
    assert [node.tagname for node in tree] == ["paragraph", "literal_block", "paragraph"]
    assert tree[1].astext() == "y = |x|"


def show(open_page, path, **options):
    """A page of the site, its formulas drawn."""
    page = open_page(path, **options)
    page.evaluate("window.MathJax && MathJax.startup.promise")
    return page


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("kind", [*KINDS, f"notebooks/{NOTEBOOKS[1].stem}.html"])
def test_a_page_fits_every_screen(site, open_page, kind, screen):
    page = show(open_page, site / kind, **SCREENS[screen])
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_formula_is_drawn(site, open_page, notebook):
    page = show(open_page, site / f"notebooks/{notebook.stem}.html")
    assert page.locator("mjx-container").count() == page.locator(".math").count()
    assert page.locator("mjx-merror, mjx-container [mathcolor=red], mjx-container [fill=red]").count() == 0


def test_flashcards_turn_by_key_and_click_and_are_printed_alone(site, open_page, tmp_path):
    page = show(open_page, site / "practice.html")
    page.locator(".card summary").first.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.locator(".card").nth(2).click()  # in its middle
    seen = page.locator(".card[open] .back").all_inner_texts()
    assert seen == [card.back for card in load_cards("seed")[:3]]
    page.evaluate("window.print = () => { window.shown = document.body.className; }")
    page.get_by_role("button", name="Print flashcards").click()
    assert "only-cards" in page.evaluate("shown")
    assert "only-cards" not in page.evaluate("document.body.className")
    page.evaluate("document.body.classList.add('only-cards')")
    page.pdf(path=tmp_path / "cards.pdf", prefer_css_page_size=True)
    printed = PdfReader(tmp_path / "cards.pdf").pages
    assert len(printed) == 9
    for card, one in zip(load_cards("seed"), printed, strict=True):
        assert "".join(card.back.split())[:9] in "".join(one.extract_text().split())
        assert [float(n) for n in one.mediabox[2:]] == pytest.approx([298, 420], abs=2)  # A6


def test_a_search_finds(site, open_page):
    page = show(open_page, site / "index.html")
    page.get_by_placeholder("Search").fill("temperature")
    page.keyboard.press("Enter")
    page.locator("#search-results a", has_text="f03 Temperature").first.wait_for()


needs_browser = pytest.mark.skipif(not BROWSER, reason="there is no chromium here: apt-get install chromium")


@needs_browser
def test_the_book_has_every_notebook_where_its_contents_say(site):
    book = PdfReader(site / "miniclip.pdf")
    titles = [json.loads(path.read_text())["cells"][0]["source"][0].strip("# \n") for path in NOTEBOOKS]
    contents = book.pages[0].extract_text()
    numbers = [int(n) for n in re.findall(r"^\s*\d\d · .*?(\d+)\s*$", contents, re.MULTILINE)]
    assert len(numbers) == len(NOTEBOOKS)
    assert numbers == sorted(set(numbers))
    for title, number in zip(titles, numbers, strict=True):
        words = "".join(book.pages[number - 1].extract_text().split())
        assert words.startswith(f"{number}{''.join(title.split())}")  # the number at the foot is read first
    assert [one.title for one in book.outline[1] if not isinstance(one, list)] == titles


def titles_in(outline) -> set[str]:
    """The titles of an outline and of what is below them."""
    return {title for one in outline for title in (titles_in(one) if isinstance(one, list) else {one.title})}


@needs_browser
def test_no_page_of_the_book_ends_with_a_title(built, site):
    book = PdfReader(site / "miniclip.pdf")
    within = re.findall(r'<p class="rubric"[^>]*>([^<]+)', (built / "singlehtml/book.html").read_text(encoding="utf-8"))
    titles = titles_in(book.outline) | set(within)
    assert "Pitfalls" in titles
    assert len(titles) > 100
    last = [page.extract_text().rstrip().split("\n")[-1].strip() for page in book.pages]
    assert not set(last) & titles


@needs_browser
def test_nothing_in_the_book_is_wider_than_its_page(built, open_page):
    page = show(open_page, built / "singlehtml/book.html", viewport={"width": WIDTH, "height": 1000})
    page.emulate_media(media="print")
    wide = """() => [...document.querySelectorAll("article :not(pre *, svg, svg *, mjx-assistive-mml *)")]
        .filter((one) => one.getBoundingClientRect().right > innerWidth + 1 || one.scrollWidth > one.clientWidth + 1)
        .filter((one) => getComputedStyle(one).display !== "inline").map((one) => one.outerHTML.slice(0, 200))"""
    assert page.evaluate(wide) == []
    assert page.evaluate("document.documentElement.scrollWidth") == WIDTH
