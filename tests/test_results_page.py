"""The page of results: whatever names and queries hold is text, links lead to the files, nothing is loaded or run."""

import json
import os
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote_to_bytes

import numpy as np
import pytest
from PIL import Image

from miniclip.app import cli
from miniclip.app.results_page import results_page
from miniclip.data.captions import write_captions
from miniclip.data.drawing import draw_scenes
from miniclip.data.world import sample_scenes

HOSTILE = [
    '<img src=x onerror=alert(1)>.png', '"><script>alert(1)<!--.png', "' onload='alert(1).png", "&lt;b&gt;.png",
    "javascript:alert(1).png", "data:text,x.png", "a#b?c=d.png", "100%25.png", "$body ${title} $$.png", "new\nline.png",
    "\x1b[31mred.png", "\u202egnp.html.png", "\u65e5\u672c \U0001f600.png", os.fsdecode(b"\xff\xfe.png"), "a\\b.png",
    "-->.png", "]]>.png", "x" * 240 + ".png", " leading.png",
]  # fmt: skip
TAGS = {
    "html",
    "head",
    "meta",
    "title",
    "style",
    "body",
    "main",
    "h1",
    "bdi",
    "p",
    "ol",
    "li",
    "div",
    "a",
    "img",
    "span",
}
ATTRIBUTES = {"lang", "charset", "name", "content", "http-equiv", "class", "href", "title", "src", "alt", "style",
              "aria-hidden"}  # fmt: skip


class Page(HTMLParser):
    """The tags of a page, with their attributes, and its text."""

    def __init__(self, text: str):
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data

    def all(self, tag: str) -> list[dict]:
        return [attributes for name, attributes in self.tags if name == tag]


def check_harmless(page: Page) -> None:
    """Only tags that we write, nothing that runs, nothing from elsewhere."""
    assert {tag for tag, _ in page.tags} <= TAGS
    assert {name for _, attributes in page.tags for name in attributes} <= ATTRIBUTES
    assert all(one["src"].startswith("data:image/") and "alt" in one for one in page.all("img"))
    assert "default-src 'none'" in page.all("meta")[-1]["content"]
    assert len(page.all("title")) == len(page.all("h1")) == len(page.all("main")) == 1


def result_of(query: str = "red", ids=(), **others) -> dict:
    return {"query": query, "ids": list(ids), "scores": [0.5] * len(ids), "right": None} | others


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_a_name_is_text_and_its_link_leads_to_the_file(tmp_path, name):
    path = tmp_path / "pictures" / name
    path.parent.mkdir()
    Image.fromarray(np.full((40, 80, 3), 99, np.uint8)).save(path, "PNG")
    text = results_page(result_of(ids=[str(path)]), tmp_path / "pages")
    page = Page(text)
    check_harmless(page)
    (link,) = page.all("a")
    assert not set(link["href"]) - set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/%")
    assert link["href"].startswith("../pictures/")
    there = os.path.normpath(os.fsencode(tmp_path / "pages") + b"/" + unquote_to_bytes(link["href"]))
    assert os.path.samefile(there, path)
    assert page.all("img")[0]["class"] == "photo"
    shown = "".join(c if c.isprintable() else "□" for c in name)
    assert shown in page.text
    text.encode()


@pytest.mark.parametrize("text", [*HOSTILE, "</title></style><script>alert(1)</script>", "</h1></main>"], ids=ascii)
def test_a_query_a_caption_and_an_error_are_text(tmp_path, text):
    result = result_of(text, ids=[text], unreadable=[{"image": text, "error": text}])
    page = Page(results_page(result, tmp_path, captions=True))
    check_harmless(page)
    assert not page.all("a")
    assert page.text.count("".join(c if c.isprintable() else "□" for c in text)) == 4


def test_what_is_known_is_said_in_words_and_by_more_than_colour(tmp_path):
    result = result_of(ids=[402, 3], right=[True, False], chances=[0.999, 0.5], precision=0.7, likely=9)
    page = Page(results_page(result, tmp_path))
    check_harmless(page)
    assert [one["class"] for one in page.all("li")] == ["right", "wrong"]
    for said in (
        "✓ right",
        "✗ wrong",
        "99% likely",
        "50% likely",
        "the best 2 of 9",
        "precision of 70%",
        "1 of them right",
    ):
        assert said in page.text, said
    assert all(" of a " in one["alt"] and one["class"] == "tiny" for one in page.all("img"))
    assert "nothing found" in Page(results_page(result_of(precision=0.9, likely=0, chances=[]), tmp_path)).text


def test_pictures_that_cannot_be_shown_leave_the_page_whole(tmp_path):
    (tmp_path / "broken.png").write_bytes(b"x")
    page = Page(results_page(result_of(ids=["example", "missing.png", str(tmp_path / "broken.png")]), tmp_path))
    check_harmless(page)
    assert (len(page.all("img")), page.text.count("cannot be shown")) == (1, 2)


def test_a_large_picture_becomes_a_small_one(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (900, 1200, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "a.png")
    ids = [str(tmp_path / "a.png")] * 60
    assert len(results_page(result_of(ids=ids), tmp_path)) < 60 * 70_000
    (picture, *_) = Page(results_page(result_of("", ids=ids[:1], images=ids[:1]), tmp_path)).all("img")
    assert picture["alt"].startswith("part of the query: ")


def run(capsys, *args):
    code = cli.main([str(arg) for arg in args])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_pages_get_names_of_their_own_and_nothing_is_overwritten(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    pages = [json.loads(run(capsys, "search", "default", "red", "--k", 2, "--json", *more)[1])["page"]
             for more in (["--html"], ["--html"], ["--html", "mine.html"])]  # fmt: skip
    assert pages == ["search.html", "search-2.html", "mine.html"]
    check_harmless(Page(Path("search.html").read_text()))
    before = Path("mine.html").read_bytes()
    for name, words in (("mine.html", "exists already"), ("a.txt", "expected .html"), ("no/a.html", "make it first")):
        code, out, err = run(capsys, "search", "default", "red", "--html", name)
        assert (code, out) == (3, "")
        assert words in err
    assert Path("mine.html").read_bytes() == before
    assert "page" not in json.loads(run(capsys, "search", "default", "red", "--json")[1])


def test_a_page_that_cannot_be_written_leaves_the_answer(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("miniclip.files.storage.write_new", full)
    code, out, err = run(capsys, "search", "default", "red", "--html", "--json")
    assert code == 4
    assert (json.loads(out)["page"], len(json.loads(out)["ids"])) == (None, 8)
    assert "could not be written" in err


@pytest.mark.parametrize("query", ["qq zz", "a red circle and a blue star"])
def test_a_search_may_say_no(tmp_path, monkeypatch, capsys, query):
    """Nothing in the gallery fits: no result, no picture, and that is no failure. Words unknown to it are nonsense."""
    monkeypatch.chdir(tmp_path)
    code, out, _ = run(capsys, "search", "default", query, "--precision", 0.9, "--json")
    found = json.loads(out)
    assert (code, found["ids"], found["likely"], found["picture"]) == (0, [], 0, None)
    assert run(capsys, "search", "default", query, "--precision", 0.9)[1] == "nothing found\n"
    assert not list(tmp_path.iterdir())


def test_pictures_of_ones_own_can_judge(tmp_path, monkeypatch, capsys):
    """With few of them and their captions: `chances` are theirs, and what they do not bear out is not returned."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "judged").mkdir()
    scenes = sample_scenes(1, "A", np.arange(60))
    for n, (image, text) in enumerate(zip(draw_scenes(scenes), write_captions(scenes), strict=True)):
        Image.fromarray(np.uint8(255 * image)).save(tmp_path / "judged" / f"{n}.png")
        (tmp_path / "judged" / f"{n}.txt").write_text(text)
    given = ["search", "default", "a red circle", "--judged", "judged", "--json", "--precision"]
    code, out, err = run(capsys, *given, 0.9)
    assert code == 0, err
    one = json.loads(out)
    assert (one["precision"], len(one["ids"]), one["likely"] >= len(one["ids"])) == (0.9, len(one["chances"]), True)


def test_what_it_returns_is_as_precise_as_asked(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    queries = ["a red circle", "a small green shape", "a sketch of a star", "a large heart on the left", "pink"]
    found = [json.loads(run(capsys, "search", "default", text, "--precision", 0.9, "--k", 500, "--json")[1])
             for text in queries]  # fmt: skip
    assert all(len(one["ids"]) == one["likely"] == len(one["chances"]) > 5 for one in found)
    right = [true for one in found for true in one["right"]]
    assert np.mean(right) > 0.85
    _, out, _ = run(capsys, "search", "default", queries[0], "--precision", 0.9, "--k", 3)
    assert f"{found[0]['likely'] - 3} more are likely right: --k {found[0]['likely']} shows them" in out
    assert "99%  picture" in out


@pytest.mark.parametrize(
    ("expected", "args", "words"),
    [
        (3, ["red", "--precision", "0"], "above 0 and below 1"),
        (3, ["red", "--precision", "1"], "above 0 and below 1"),
        (2, ["red", "--precision", "nan"], "is no share"),
        (2, ["red", "--precision", "90"], "is no share"),
        (3, ['"red" + "circle"', "--precision", "0.9"], "--precision is for one sentence"),
        (3, ["red", "--image", "example", "--precision", "0.9"], "--precision is for one sentence"),
        (3, ["red", "--judged", "."], "add --precision 0.9"),
        (3, ["red", "--precision", "0.9", "--judged", "."], ""),
    ],
    ids=str,
)
def test_what_no_precision_can_be(tmp_path, monkeypatch, capsys, expected, args, words):
    monkeypatch.chdir(tmp_path)
    code, out, err = run(capsys, "search", "default", *args)
    assert (code, out) == (expected, "")
    assert words in err
    assert not list(tmp_path.iterdir())
