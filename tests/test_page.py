"""The page in a browser: all of it works, by mouse and keyboard, in light and dark, on a phone, without network."""

import re

import pytest

from miniclip.app.cli import main
from miniclip.data.drawing import draw_scenes
from miniclip.data.world import sample_scenes
from miniclip.page.build import write_page

SOFT, PHONE = {"width": 1300, "height": 900}, {"width": 375, "height": 700}
MOST_BYTES, LEAST_BYTES = 3_000_000, 1_000_000


@pytest.fixture(scope="session")
def clip_html(tmp_path_factory):
    return write_page(tmp_path_factory.mktemp("page") / "clip.html")


@pytest.fixture
def tab(open_page, clip_html):
    """The page, ready; its policy forbids what tests do to look inside."""

    def opened(anchor: str = "", **options):
        page = open_page(clip_html, anchor, bypass_csp=True, **({"viewport": SOFT} | options))
        page.wait_for_function("now && learner.look")
        return page

    return opened


def test_the_command_writes_one_file_and_never_over_another(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["page"]) == main(["page"]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clip-2.html", "clip.html"]
    assert LEAST_BYTES < (tmp_path / "clip.html").stat().st_size <= MOST_BYTES
    assert main(["page", "--out", "clip.html"]) == 3
    assert "exists already" in capsys.readouterr().err
    assert (tmp_path / "clip.html").read_bytes() == (tmp_path / "clip-2.html").read_bytes()


def test_nothing_is_asked_of_anybody(clip_html):
    """No address but those of namespaces and papers, and a policy that lets the page load nothing."""
    text = clip_html.read_text()
    assert "default-src 'none'" in text
    assert "src=" not in text.replace("default-src", "").replace("img-src", "").replace("script-src", "").replace(
        "worker-src", ""
    ).replace("style-src", "")


def test_it_works_under_its_own_policy(open_page, clip_html):
    """Scripts, the worker, thumbnails: all that is in the file may run."""
    page = open_page(clip_html, viewport=SOFT)
    page.get_by_role("button", name="One step").click()
    page.get_by_text("step 1: loss").wait_for()
    assert page.locator("#pairs img").first.evaluate("image => image.naturalWidth") == 32


def test_pictures_follow_the_editor(tab):
    """A shape is placed, its sentence follows; a typed sentence stays; a shape is taken away."""
    page = tab()
    sentence = page.get_by_label("sentence 1", exact=True)
    page.get_by_role("radio", name="star", exact=True).click()
    page.get_by_role("radio", name="green", exact=True).click()
    page.get_by_role("button", name="place in the bottom right corner").click()
    assert sentence.input_value() == "a red circle and a green star"
    page.get_by_role("button", name="place on the centre left").click()
    assert sentence.input_value() == "a large green star in the bottom right corner"
    sentence.fill("my own words")
    page.get_by_role("radio", name="scan", exact=True).click()
    assert sentence.input_value() == "my own words"
    assert "Sentence 1: unknown here" in page.locator("#pairs-note").inner_text()
    page.get_by_role("button", name="Write its sentence").click()
    assert sentence.input_value() == "a large green star in the bottom right corner"
    page.get_by_role("button", name="Undo").click()
    assert sentence.input_value() == "my own words"
    sentence.fill("a red circle " * 9)
    assert "only the first 14 words are read" in page.locator("#pairs-note").inner_text()


def test_what_has_to_give_way_is_told(tab):
    page = tab()
    page.get_by_role("button", name="Empty").click()
    for place in ("in the top left corner", "in the top right corner", "in the centre"):
        page.get_by_role("button", name=f"place {place}", exact=True).click()
    assert "Gone" in page.locator("#editor-note").inner_text()
    assert page.evaluate("chosen().scene.objects.length") == 1
    page.get_by_role("button", name="Undo").click()
    assert page.evaluate("chosen().scene.objects.length") == 2


def matrix(page) -> list[list[float]]:
    numbers = [float(text) for text in page.locator("#matrix g text").all_text_contents()]
    return [numbers[8 * i : 8 * i + 8] for i in range(8)]


def test_the_matrix_shows_what_it_says(tab):
    """Cosines have the pairs on top; softmaxes sum to 1 in their direction; a small scale makes all alike."""
    page = tab()
    cosines = matrix(page)
    assert all(max(row) == row[i] for i, row in enumerate(cosines) if i not in (0, 6))
    table = [float(text) for text in page.locator("#numbers td").all_text_contents() if text]
    assert table == pytest.approx([value for row in cosines for value in row], abs=0.0051)
    page.get_by_role("radio", name="each row's softmax").click()
    assert all(sum(row) == pytest.approx(1, abs=0.04) for row in matrix(page))
    page.get_by_role("radio", name="each column's softmax").click()
    columns = matrix(page)
    assert all(sum(column) == pytest.approx(1, abs=0.04) for column in zip(*columns, strict=True))
    page.locator("summary", has_text="temperature").click()
    page.get_by_role("button", name="scale 1", exact=True).click()
    flat = matrix(page)
    assert max(map(max, flat)) < 0.4 < max(map(max, columns))
    page.get_by_role("radio", name="the push").click()
    assert all(row[i] >= 0 for i, row in enumerate(matrix(page)))


def test_exchanged_colours_are_confused(tab):
    page = tab()
    page.locator("summary", has_text="confuse").click()
    page.get_by_role("button", name="Show me, in pairs 7 and 8").click()
    own, other = (page.evaluate(f"now.cosine.data[8 * 6 + {j}]") for j in (6, 7))
    assert abs(own - other) < 0.05
    assert page.get_by_label("sentence 8", exact=True).input_value() == "a blue circle and a red square"
    assert "does not tell them apart" in page.locator("#swap-said").inner_text()


def test_a_covered_patch_costs(tab):
    page = tab()
    for n in (5, 9, 6, 10):
        page.get_by_role("button", name=f"patch {n}, shown").click()
    before, after = map(float, re.findall(r"0\.\d+", page.locator("#cover-note").inner_text()))
    assert after < before - 0.2


def test_classes_are_typed(tab):
    page = tab()
    page.locator("#classes").fill("blue star, red circle, orange ring")
    assert "red circle 100 %" in page.locator("#bars svg").get_attribute("aria-label")
    page.locator("#classes").fill("zorp")
    assert "zorp" in page.locator("#bars-note").inner_text()
    page.locator("#classes").fill(",".join(f"red {n}" for n in range(30)))
    assert "Only the first 24 classes are used, 6 are not" in page.locator("#bars-note").inner_text()
    page.locator("#classes").fill(" , ")
    assert "at least one class" in page.locator("#bars-note").inner_text()


def test_search_finds(tab):
    page = tab()
    page.locator("#query").fill("a green heart")
    best = page.get_by_role("button", name="place 1, cosine").get_attribute("aria-label")
    assert "green" in best
    assert "heart" in best
    page.get_by_role("button", name="place 1, cosine").click()
    assert "heart" in page.get_by_label("sentence 1", exact=True).input_value()


def test_it_describes_and_answers(tab):
    page = tab()
    words = page.locator("#written button")
    assert "red circle" in " ".join(text.split("\n")[0] for text in words.all_inner_texts())
    page.locator("#question").fill("what colour is the circle?")
    page.locator("#question").press("Enter")
    assert words.all_inner_texts()[0].startswith("red")
    page.locator("#question").fill("how many circles are there? " * 30)
    page.locator("#question").press("Enter")
    assert "only the first 66 words are read" in page.locator("#written-note").inner_text()
    assert "NaN" not in page.locator("#describe").inner_text()
    before = page.evaluate("document.getElementById('look').toDataURL()")
    page.get_by_role("button", name="Describe the picture").click()
    words.nth(3).focus()
    assert page.evaluate("document.getElementById('look').toDataURL()") != before


def test_a_picture_of_ones_own(tab, tmp_path):
    """A file is opened; a file that is none says so; a stroke is drawn."""
    import numpy as np
    from PIL import Image

    scenes = sample_scenes(0, "A", [3])
    Image.fromarray(np.uint8(255 * draw_scenes(scenes)[0])).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_text("no picture")
    page = tab()
    page.locator("#file").set_input_files(tmp_path / "a.png")
    page.wait_for_function("chosen().scene === null")
    assert np.abs(np.array(page.evaluate("[...chosen().picture]")) - draw_scenes(scenes).ravel()).max() < 1 / 255
    page.locator("#file").set_input_files(tmp_path / "b.png")
    page.wait_for_function("document.getElementById('editor-note').textContent.includes('b.png is no picture')")
    before = page.evaluate("[...chosen().picture]")
    page.get_by_role("radio", name="draw by hand").click()
    page.mouse.move(*at(page, 0.2, 0.2))
    page.mouse.down()
    page.mouse.move(*at(page, 0.8, 0.8), steps=5)
    page.mouse.up()
    assert page.evaluate("[...chosen().picture]") != before


def at(page, across: float, down: float) -> tuple[float, float]:
    box = page.locator("#canvas").bounding_box()
    return box["x"] + across * box["width"], box["y"] + down * box["height"]


def test_a_link_opens_what_was_seen(tab):
    page = tab()
    page.get_by_role("radio", name="heart", exact=True).click()
    page.get_by_role("button", name="place at the top centre").click()
    page.get_by_label("sentence 2", exact=True).fill("naïve ♥")
    page.get_by_role("radio", name="the push").click()
    page.locator("#query").fill("a ring")
    page.locator("#link").click()
    page.wait_for_function("location.hash.length > 20")
    anchor, seen = page.evaluate("location.hash"), matrix(page)
    other = tab(anchor)
    assert matrix(other) == seen
    assert other.locator("#query").input_value() == "a ring"
    assert other.get_by_label("sentence 2", exact=True).input_value() == "naïve ♥"


@pytest.mark.parametrize("anchor", ["#state=", "#state=e30=", "#state=%%%", "#train", "#state=eyJwYWlycyI6W119"])
def test_a_damaged_link_changes_nothing(tab, anchor):
    assert matrix(tab(anchor)) == matrix(tab())


def test_it_trains_while_the_page_stays_alive(tab):
    """From nothing to 95 %; the page answers meanwhile; a rewound step gives what it gave."""
    page = tab()
    assert "guessing gives 6 %" in page.locator("#train-said").inner_text()
    page.get_by_role("button", name="Train", exact=True).click()
    page.wait_for_function("learner.look.step > 30")
    page.locator("#query").fill("a ring")
    assert "ring" in page.get_by_role("button", name="place 1, cosine").get_attribute("aria-label")
    page.get_by_role("button", name="Pause").click()
    page.wait_for_function("!learner.running")
    stopped = page.evaluate("learner.look.step")
    page.get_by_role("button", name="Go on").click()
    page.wait_for_function("learner.look.accuracy >= 0.95", timeout=200_000)
    assert page.evaluate("learner.look.step") > stopped
    page.get_by_role("button", name="Pause").click()
    page.wait_for_function("!learner.running")
    before = page.evaluate("learner.rows.slice(101, 111).map((row) => row.loss)")
    page.evaluate("(() => { const r = document.getElementById('rewind'); r.value = 100; r.onchange({target: r}); })()")
    page.wait_for_function("learner.look.step === 100")
    for step in range(101, 111):
        page.get_by_role("button", name="One step").click()
        page.wait_for_function(f"learner.look.step === {step}")
    assert page.evaluate("learner.rows.slice(101, 111).map((row) => row.loss)") == before


def test_who_starts_anew_hears_nothing_of_the_run_before(tab):
    page = tab()
    for _ in range(3):
        page.get_by_role("button", name="Train", exact=True).click()
        page.wait_for_function("learner.rows.length > 10")
        page.get_by_role("button", name="Start anew").click()
        page.wait_for_function("learner.look && learner.look.step === 0")
        page.wait_for_timeout(300)
        assert page.evaluate("[learner.rows.length, learner.running]") == [0, False]
        assert page.get_by_role("button", name="Train", exact=True).is_visible()


BROKEN = {
    "break-normalize": "learner.rows[1].loss > 4",
    "break-directions": "Math.abs(learner.rows[1].loss - healthy) > 0.001",
    "break-duplicates": "learner.rows.slice(1).every((row) => row.floor > 0)",
    "break-shuffled": "Math.abs(learner.rows[1].loss - healthy) > 0.001",
    "break-clamp": "learner.rows[1].loss === healthy",  # what it does shows when the scale gets there
}


@pytest.mark.parametrize("box", BROKEN)
def test_it_can_be_broken(tab, box):
    page = tab()
    page.locator("#one").click()
    page.wait_for_function("learner.rows.length > 1")
    page.evaluate("healthy = learner.rows[1].loss")
    page.locator(f"#{box}").check()
    page.locator("#reset").click()
    page.wait_for_function("learner.look && learner.look.step === 0")
    page.locator("#one").click()
    page.wait_for_function("learner.rows.length > 1")
    assert page.evaluate(BROKEN[box])


def test_what_has_diverged_says_so_until_it_is_rewound(tab):
    page = tab()
    page.evaluate("learner.worker.postMessage({ order: 'options', options: { peak_lr: NaN } })")
    page.locator("#go").click()
    page.get_by_text("it has diverged").wait_for()
    page.wait_for_function("!learner.running")
    page.evaluate("(() => { const r = document.getElementById('rewind'); r.value = 0; r.onchange({target: r}); })()")
    page.get_by_text("before the first step").wait_for()


def test_without_a_cap_the_scale_passes_100(tab):
    page = tab()
    page.locator("#temperature").select_option("1000")
    page.locator("#one").click()
    page.wait_for_function("learner.rows.length > 1")
    assert page.evaluate("learner.rows[1].scale") == 1000


def test_functions_stand_beside_numpys(tab):
    page = tab()
    names = page.locator("#function option").all_inner_texts()
    assert {"linear_forward", "attend_backward", "info_nce_backward", "vision_forward", "warmup_cosine"} <= set(names)
    for name in names:
        page.locator("#function").select_option(name)
        assert page.locator("#js").inner_text().startswith(f"function {name}(")
        assert page.locator("#numpy").inner_text().startswith(f"def {name}(")


def test_arrow_keys_move_a_choice(tab):
    page = tab()
    page.get_by_role("radio", name="cosine", exact=True).focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate("state.shown") == "logits"
    assert page.evaluate("document.activeElement.textContent") == "cosine x scale"
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("state.shown") == "cosine"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [SOFT, PHONE], ids=["wide", "phone"])
def test_it_can_be_used_by_all(tab, scheme, size):
    """axe finds nothing; nothing is wider than the screen; theme and projector change what they say."""
    from axe_playwright_python.sync_playwright import Axe

    page = tab(color_scheme=scheme, viewport=size)
    for details in page.locator("details").all():
        details.locator("summary").click()
    found = [v for v in Axe().run(page).response["violations"] if v["impact"] in ("serious", "critical", "moderate")]
    assert not found, [(v["id"], [node["html"][:120] for node in v["nodes"]][:3]) for v in found]
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    assert page.evaluate("document.documentElement.dataset.theme") == scheme
    page.locator("#theme").click()
    assert page.evaluate("document.documentElement.dataset.theme") != scheme
    page.locator("#projector").click()
    assert page.evaluate("getComputedStyle(document.documentElement).fontSize") == "22px"


def test_with_reduced_motion_nothing_moves(tab):
    page = tab(reduced_motion="reduce")
    page.get_by_role("button", name="Describe the picture").click()
    before = page.evaluate("document.getElementById('look').toDataURL()")
    page.wait_for_timeout(1000)
    assert page.evaluate("document.getElementById('look').toDataURL()") == before
    assert page.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == "auto"


def test_a_figure_is_copied_as_a_file(tab):
    page = tab()
    page.evaluate("(() => { navigator.clipboard.write = () => Promise.reject(); })()")
    with page.expect_download() as download:
        page.locator("#matrix .copy").click()
    assert download.value.suggested_filename == "clip-cosine.svg"
    text = download.value.path().read_text()
    assert text.startswith("<svg")
    assert "var(--" not in text.replace("fill: var(--", "") or "rgb(" in text
