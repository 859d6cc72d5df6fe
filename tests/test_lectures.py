"""The lecture figures: readable from the last row, whole, the same bytes again, with numbers that agree."""

import csv
import io
import itertools
import re

import numpy as np
import pytest
from run_notebooks import NOTEBOOKS
from test_figures import hard_to_read, texts

from miniclip.figures import save_figure
from miniclip.figures.lectures import Run, lecture, lectures, stays
from miniclip.figures.slide import BODY, SIZES, THEMES, Slide
from miniclip.figures.style import IMAGE, NEGATIVE, POSITIVE, ROSE, SKY, TEXT, light_png

EACH = pytest.mark.parametrize("id", lectures())
MOVING = pytest.mark.parametrize("id", [id for id, module in lectures().items() if hasattr(module, "frames")])


@pytest.fixture(scope="module")
def run():
    return Run()


def states(id, run):
    """The states of a moving figure that are looked at: the first, one in between, the last, and the one on paper."""
    module = lectures()[id]
    if not hasattr(module, "frames"):
        return [None]
    found = module.frames(run)
    return [found[0], found[len(found) // 2], found[-1], None]


@EACH
@pytest.mark.parametrize("size", SIZES)
def test_every_text_is_whole_alone_and_large_enough(id, size, run):
    for state in states(id, run):
        figure, _ = lecture(id, run, size, state=state)
        width, height = figure.bbox.size
        found = texts(figure)
        assert found
        for text, box in found:
            assert min(box.x0, box.y0, width - box.x1, height - box.y1) >= -0.5, text
            assert text.get_fontsize() >= BODY[size] - 1e-6 or text.get_text() in "✓✗", text
        for (one, a), (other, b) in itertools.combinations(found, 2):
            across, down = min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)
            assert min(across, down) <= 2.0, (one, other)


@EACH
@pytest.mark.parametrize("theme", THEMES)
def test_text_stands_out_from_what_is_behind_it(id, theme, run):
    assert not hard_to_read(lecture(id, run, "wide", theme)[0])


@EACH
def test_the_words_beside_it(id, run):
    """Caption, alt text of 15 to 60 words, a note for the lecturer, a notebook; the numbers are in the CSV."""
    module = lectures()[id]
    figure, drawn = lecture(id, run)
    assert 15 <= len(drawn.alt.split()) <= 60, len(drawn.alt.split())
    assert figure.alt == drawn.alt
    assert 8 <= len(drawn.caption.split()) <= 80
    assert 25 <= len(module.NOTE.split()) <= 150
    assert module.TITLE
    table = list(csv.DictReader(io.StringIO(drawn.csv())))
    assert len(table) == len(drawn.rows) > 0


@EACH
def test_its_notebook_is_one_that_shows_it(id):
    """A notebook that draws the figure, or one that is not yet written and no other draws it."""
    shown = {path.stem[:2]: f'lecture(\\"{id}\\"' in path.read_text(encoding="utf-8") for path in NOTEBOOKS}
    named = lectures()[id].NOTEBOOK
    assert re.fullmatch(r"[01]\d", named)
    assert shown.get(named, not any(shown.values())), [name for name, does in shown.items() if does]


def decimals(text):
    """The numbers of a text that have a decimal point."""
    return re.findall(r"\d+\.\d+", text.replace("−", "-"))


@EACH
def test_the_numbers_of_the_caption_are_those_of_the_csv(id, run):
    _, drawn = lecture(id, run)
    values = [abs(float(value)) for row in drawn.rows for value in row.values() if isinstance(value, int | float)]
    for number in decimals(drawn.caption):
        places = len(number.split(".")[1])
        near = [value * scale for value in values for scale in (1, 100)]
        assert any(f"{value:.{places}f}" == number for value in near), f"{number} is not in the CSV"


@EACH
def test_the_same_bytes_again(id, run, tmp_path):
    for again in "ab":
        save_figure(lecture(id, run)[0], tmp_path / f"{again}.svg")
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


# Machado, Oliveira, Fernandes 2009, doi:10.1109/TVCG.2009.113: severity 1 of the three kinds of colour blindness.
BLINDNESS = {
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


@pytest.mark.parametrize("kind", BLINDNESS)
def test_colours_of_roles_stay_apart(kind):
    """Image and text, right and wrong: told apart by every kind of colour vision."""
    from matplotlib.colors import to_rgb

    def seen(colour):
        return np.clip(np.array(BLINDNESS[kind]) @ to_rgb(colour), 0, 1)

    for one, other in ((IMAGE, TEXT), (POSITIVE, NEGATIVE), (SKY, ROSE)):
        assert np.linalg.norm(seen(one) - seen(other)) > 0.12, (one, other)


@EACH
def test_a_small_png_keeps_the_colours(id, run):
    """Nothing is seen to change, nothing is tinted, and black and white stay what they are."""
    from PIL import Image

    figure, _ = lecture(id, run, "half")
    figure.canvas.draw()
    before = np.asarray(figure.canvas.buffer_rgba())[:, :, :3].astype(int)
    moved = np.asarray(Image.open(io.BytesIO(light_png(Image.fromarray(before.astype(np.uint8)))))).astype(int) - before
    assert np.abs(moved).max() <= 2
    assert not moved[(before == 255) | (before == 0)].any()


def test_what_does_not_exist_is_refused(run):
    with pytest.raises(ValueError, match="there is no figure 'f99', expected one of f0"):
        lecture("f99", run)
    with pytest.raises(ValueError, match="expected one of wide, half"):
        Slide("huge")


def test_figures_are_rendered_with_their_numbers_and_words(tmp_path, capsys):
    import json

    from miniclip.app import cli

    assert cli.main(["figures", "list", "--json"]) == 0
    assert list(json.loads(capsys.readouterr().out)["figures"]) == list(lectures())
    for words in (["list", "f03"], ["list", "--format", "png"], ["sheet", "--size", "half"], ["sheet", "--all"]):
        assert cli.main(["figures", *words]) == 3
        assert f"got '{words[1]}'" in capsys.readouterr().err
    words = ["figures", "render", "f03", "--out", str(tmp_path / "slides"), "--format", "svg,png", "--size", "half"]
    assert cli.main([*words, "--theme", "dark", "--json"]) == 0
    files = json.loads(capsys.readouterr().out)["files"]
    assert [name.rsplit(".")[-1] for name in files] == ["svg", "png", "csv", "txt"]
    assert sorted(str(path) for path in (tmp_path / "slides").iterdir()) == sorted(files)
    for wrong, message in ((["f99"], "there is no figure 'f99'"), ([], "--all"), (["f03", "--all"], "--all"),
                           (["f03", "--format", "bmp"], "the format is 'bmp'"),
                           (["f03", "--size", "xl"], "the size is 'xl'"),
                           (["f03", "--theme", "pink"], "the theme is 'pink'")):  # fmt: skip
        assert cli.main(["figures", "render", *wrong, "--out", str(tmp_path / "no")]) == 3
        assert message in capsys.readouterr().err


@MOVING
def test_moving_figures_are_small_and_stay_long_enough_to_talk_over(id, run, tmp_path):
    """At least six seconds, a pause of a second and more at the first, in between, and at the last."""
    from PIL import Image, ImageSequence

    from miniclip.figures.render import render

    (path, *_) = render([id], tmp_path, ["gif"], "half", run=run)
    with Image.open(path) as film:
        assert film.convert("RGB").getpixel((0, 0)) == (255, 255, 255)  # the ground is not tinted
        times = [frame.info["duration"] for frame in ImageSequence.Iterator(film)]
    assert 1 < len(times) <= 30
    assert not any(time % 100 for time in times)  # ten a second; the same picture twice is one that stays longer
    assert sum(times) >= 6000
    assert times[0] >= 1000
    assert max(times[1:-1]) >= 1000
    assert times[-1] == 2000
    assert (tmp_path / path).stat().st_size < 3 * 2**20


@MOVING
def test_films_keep_their_colours_and_do_not_flash(id, run):
    """No pixel is far from the colour that is drawn, however rare it is; and no more than three changes of a large
    area in any second (WCAG 2.3.1)."""
    from miniclip.figures.film import common_colours, film_frames, in_colours

    seen = list(film_frames(id, run, "half", "light", 36))
    colours = common_colours(seen)
    for picture in seen[:: len(seen) // 4]:
        near = np.asarray(in_colours(picture, colours).convert("RGB"), int)
        assert np.abs(near - np.asarray(picture, int)).max() <= 32
    grey = [np.asarray(picture.convert("L"), float) / 255 for picture in seen]
    large = [bool((np.abs(a - b) > 0.1).mean() > 0.25) for a, b in itertools.pairwise(grey)]
    assert max(sum(large[k : k + 10]) for k in range(len(large))) <= 3


def test_a_film_is_written_where_ffmpeg_is(run, tmp_path):
    import json
    import shutil
    import subprocess

    from miniclip.figures.render import render

    if not shutil.which("ffmpeg"):
        pytest.skip("needs ffmpeg")
    (path, *_) = render(["f05"], tmp_path, ["mp4"], "paper", run=run)
    assert path.endswith("f05_sphere.mp4")
    if shutil.which("ffprobe"):
        ask = ["ffprobe", "-v", "error", "-show_entries", "stream=r_frame_rate,width,height,pix_fmt,duration"]
        said = subprocess.run([*ask, "-of", "json", path], capture_output=True, check=True).stdout
        (stream,) = json.loads(said)["streams"]
        assert stream["r_frame_rate"] == "10/1"
        assert stream["pix_fmt"] == "yuv420p"
        assert stream["width"] % 2 == stream["height"] % 2 == 0
        states = lectures()["f05"].frames(run)
        assert float(stream["duration"]) == pytest.approx((len(states) - 1) / 10 + 2)


def test_without_ffmpeg_there_is_a_gif_and_a_page_for_each_picture(run, tmp_path, monkeypatch):
    import shutil

    from miniclip.figures.render import render

    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.warns(UserWarning, match="no ffmpeg here: instead of MP4, a GIF and a PDF") as caught:
        files = render(["f05"], tmp_path, ["mp4"], "paper", run=run)
    assert len(caught) == 1
    assert "\n" not in str(caught[0].message)
    assert [path.split(".", 1)[1] for path in map(str, (name.rsplit("/", 1)[1] for name in files))] == [
        "gif", "pages.pdf", "csv", "txt"]  # fmt: skip
    pages = (tmp_path / "f05_sphere.pages.pdf").read_bytes().count(b"/Type /Page ")
    assert pages == len(stays(lectures()["f05"].frames(run)))


def test_the_contact_sheet_has_every_figure_and_is_the_same_again(monkeypatch, tmp_path, capsys):
    from miniclip.app import cli
    from miniclip.figures import gallery

    drawn, draw = [], gallery.all_figures
    monkeypatch.setattr(gallery, "all_figures", lambda *given: drawn.append(draw(*given)) or drawn[-1])
    files = [tmp_path / name for name in ("a.png", "b.png")]
    for path in files:
        assert cli.main(["figures", "sheet", "--out", str(path)]) == 0
    assert [text.get_text()[:3] for text, _ in texts(drawn[0])] == list(lectures())
    assert len(drawn[0].images) == len(lectures())
    assert files[0].read_bytes() == files[1].read_bytes()
    assert files[0].stat().st_size <= 25_000 * len(lectures())
    assert cli.main(["figures", "sheet", "--out", str(tmp_path / "c.jpg")]) == 3
    assert "c.jpg' ends in '.jpg', expected .png" in capsys.readouterr().err
