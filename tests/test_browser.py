"""The browser of the tests notices what a page may not do, and is as large and as dark as is asked."""

import pytest

TROUBLE = {
    "a picture of a host": "<img src='http://localhost:9/x.png'>",
    "a file that is not there": "<img src='none.png'>",
    "an error told": "<script>console.error('no')</script>",
    "an error thrown": "<script>throw Error('no')</script>",
    "a request of a worker": "<script>work('fetch(\"http://localhost:9/\").catch(() => 0)')</script>",
    "an error of a worker": "<script>work('throw Error(\"no\")')</script>",
}
WORK = "<script>function work(code) { new Worker(URL.createObjectURL(new Blob([code]))) }</script>"


def write(folder, body):
    (folder / "page.html").write_text(f"<!DOCTYPE html><title>A page</title>{WORK}{body}")
    return folder / "page.html"


@pytest.mark.parametrize("body", TROUBLE.values(), ids=TROUBLE)
def test_what_a_page_may_not_do_is_noticed(tmp_path, open_page, body):
    page = open_page(write(tmp_path, body))
    for _ in range(500):
        if open_page.trouble:
            break
        page.wait_for_timeout(20)
    assert open_page.trouble
    open_page.trouble.clear()


def test_a_page_is_shown_as_asked(tmp_path, open_page):
    page = open_page(write(tmp_path, ""), "#a", viewport={"width": 360, "height": 640}, color_scheme="dark")
    assert page.evaluate("[innerWidth, location.hash]") == [360, "#a"]
    assert page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
