"""The figures: the same bytes each time, every word readable and whole, every claim computed from the numbers."""

import itertools
import json
import os
import re
import subprocess
import sys

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.text import Text

from miniclip import figures
from miniclip.figures import matrix, page, search, style, training, zero_shot
from miniclip.figures import words as word_figure
from miniclip.figures.lessons.live import Track

NASTY = "a $x^2$ \x1b[31mred\n\x00 \u202ecircle 漢字 " + "Donaudampfschifffahrtsgesellschaft" * 4 + " word" * 200
MARKS = "✓✗"


def pictures(n):
    """Noise: (n, 32, 32, 3)"""
    return np.random.default_rng(n).random((n, 32, 32, 3))


def cosines(n, seed=0):
    """A square with a strong diagonal: (n, n)"""
    return np.random.default_rng(seed).uniform(-0.3, 0.6, (n, n)) + 0.35 * np.eye(n)


def log(n, **fixed):
    """A run of n rows that learns; zero-shot scores in every fifth."""
    rows = []
    for i in range(1, n + 1):
        left = np.exp(-6 * i / n)
        row = {"step": 20 * i, "loss": 1.3 + 3.5 * left, "chance": np.log(128), "accuracy": 0.6 * (1 - left)}
        row |= {"temperature_floor": 0.4 * left, "caption_floor": 1.2, "scale": 14.0, **fixed}
        if i % 5 == 0 or i == n:
            row |= {"zero_shot_A": 1 - left, "zero_shot_B": 0.9 - 0.9 * left}
        rows.append(row)
    return rows


def bars(n, names, right, seed=0):
    """The arguments of zero_shot_bars for n pictures of which the first `right` are named right."""
    p = np.random.default_rng(seed).dirichlet(np.ones(len(names)), n)
    truth = p.argmax(1)
    truth[right:] = p[right:].argmin(1)
    return {"images": pictures(n), "class_names": names, "probabilities": p, "truth": truth}


CAPTIONS = [
    "a photo of a huge orange cross at the top",
    "a golden diamond",
    "in the bottom left corner an image of a yellow diamond",
    "two objects",
    "a sketch of a large pink shape above a small cyan triangle",
    "a heart",
    "on the centre left a painting of a triangle",
    "a big blue circle at the bottom",
]
ROW = [(pictures(1)[0], CAPTIONS[0], None)]
CLASSES = [f"{colour} {shape}" for colour in ("yellow", "purple", "red") for shape in ("triangle", "ring", "diamond")]


SAID = (
    "a photograph of a little turquoise triangle in the bottom right corner and a little turquoise diamond in the "
    "bottom left corner and a little turquoise rhombus in the top right corner of a"
)


def maps(n):
    """Attention to 4 x 4 patches for n words: (n, 4, 4)"""
    return np.random.default_rng(n).dirichlet(np.ones(16), n).reshape(n, 4, 4)


def following(said, name="seeing a wrong picture"):
    """A caption under teacher forcing, with two pictures."""
    sure = np.random.default_rng(0).random((2, len(said)))
    return figures.next_words(name, ["start", *said[:-1]], said, [(pictures(1)[0], name, p) for p in sure])


def described(caption, n, words="a little turquoise triangle"):
    """A picture, its caption, and n objects that it names."""
    return pictures(1)[0], caption, [(words, one) for one in maps(n)]


def an_overview(captions=CAPTIONS, classes=CLASSES):
    return figures.overview(
        {"query": captions[0], "images": pictures(5), "scores": np.linspace(0.8, 0.1, 5), "right": [1, 1, 0, 1, 0]},
        {
            "image": pictures(1)[0],
            "caption": (captions[0], True),
            "answers": [(captions[1], captions[2], k > 0) for k in range(4)],
        },
        {"images": pictures(6), "captions": captions[:6], "cosines": cosines(6)},
        bars(4, classes, 3),
        {"image": pictures(1)[0], "captions": captions[:4], "scores": [0.8, 0.5, 0.3, -0.1], "right": [1, 0, 0, 1]},
        log(100),
    )


def explained(caption, patches=None, pixels=None):
    """A caption, explained: by default with the first of `maps`, and a picture's own light and dark."""
    picture = pictures(1)[0]
    pixels = picture.mean(2) - picture.mean() if pixels is None else pixels
    return figures.saliency_maps(picture, caption, 0.4, pixels, maps(1)[0] if patches is None else patches, "gradient")


LOSSES = {f"bug number {k}": log(60, loss=1.3 + k) for k in range(9)}
PLANE = ({"a picture": [0.6, 0.8]}, {"a near text": [0.5, 0.866], "a far text": [-0.8, -0.6], "another": [0.8, -0.6]})
FIGURES = {
    "matrix": lambda: figures.contrastive_matrix(pictures(8), CAPTIONS, cosines(8)),
    "matrix of one": lambda: figures.contrastive_matrix(pictures(1), ["a circle"], [[0.3]]),
    "matrix of two": lambda: figures.contrastive_matrix(pictures(2), CAPTIONS[:2], [[-0.3, -0.9], [-0.2, -0.4]]),
    "matrix of ten": lambda: figures.contrastive_matrix(pictures(10), (CAPTIONS * 2)[:10], cosines(10)),
    "matrix, nasty": lambda: figures.contrastive_matrix(pictures(5), [NASTY] * 4 + [""], np.zeros((5, 5))),
    "training": lambda: figures.training_curves(log(100)),
    "training, one row": lambda: figures.training_curves(log(1)),
    "training, flat": lambda: figures.training_curves(log(60, loss=np.log(128))),
    "training, on its floor": lambda: figures.training_curves(log(60, caption_floor=1.31, temperature_floor=1.30)),
    "training, bare": lambda: figures.training_curves([{"step": 1, "loss": 5.0}, {"step": 200_000, "loss": 4.0}]),
    "losses": lambda: figures.loss_panels("Eight bugs and a healthy one", LOSSES, dict.fromkeys(LOSSES, "some words")),
    "losses of one, bare": lambda: figures.loss_panels("One", {"healthy": [{"step": 1, "loss": 5.0}]}),
    "losses, nasty": lambda: figures.loss_panels(NASTY, {NASTY: log(9), "b": log(3)}, {NASTY: NASTY}, [NASTY]),
    "zero-shot": lambda: figures.zero_shot_bars(**bars(6, CLASSES, 5)),
    "zero-shot, one of one class": lambda: figures.zero_shot_bars(pictures(1), ["ring"], [[1.0]]),
    "zero-shot, nasty": lambda: figures.zero_shot_bars(**bars(3, [NASTY] * 5, 0)),
    "sheet": lambda: figures.contact_sheet(CAPTIONS[0], pictures(12), np.linspace(1, -1, 12), np.arange(12) < 7),
    "sheet of one": lambda: figures.contact_sheet("a circle", pictures(1), [0.5]),
    "sheet of seven, nasty": lambda: figures.contact_sheet(NASTY, pictures(7), np.linspace(1, -1, 7), [0] * 7),
    "captions": lambda: figures.captions_sheet(pictures(1)[0], CAPTIONS, np.linspace(1, -1, 8), [0, 1] * 4),
    "captions, nasty": lambda: figures.captions_sheet(pictures(1)[0], [NASTY] * 3, [0.3, 0.2, 0.1]),
    "objects": lambda: figures.object_maps([described(SAID, 3)]),
    "objects, none": lambda: figures.object_maps([described("a photo of the", 0)]),
    "objects, nothing said": lambda: figures.object_maps([described("", 0)]),
    "objects of six": lambda: figures.object_maps(
        [described(caption, n % 4) for n, caption in enumerate(CAPTIONS[:6])]
    ),
    "objects, nasty": lambda: figures.object_maps([described(NASTY, 18, NASTY), described(NASTY, 1, NASTY)]),
    "next words": lambda: following(SAID.split()),
    "next words, one": lambda: following(["star"]),
    "next words, nasty": lambda: following([NASTY] * 36, NASTY),
    "rows": lambda: figures.picture_rows("Two corpora", {"even": ROW * 5, "a name of some length": ROW * 5}),
    "rows, one picture": lambda: figures.picture_rows("One picture", {"What is it?": ROW}),
    "rows, two pictures": lambda: figures.picture_rows("Two answers", {"What is it?": ROW * 2}),
    "rows, nasty": lambda: figures.picture_rows(
        NASTY, {str(k) + NASTY: [(pictures(1)[0], NASTY, k)] * 4 for k in (0, 1, 2)}
    ),
    "zero-shot, of none": lambda: figures.zero_shot_bars(
        pictures(6), CLASSES, bars(6, CLASSES, 5)["probabilities"], nearer=[None, "star", NASTY] * 2
    ),
    "matrix of no cosines": lambda: figures.contrastive_matrix(pictures(2), CAPTIONS[:2], np.eye(2), "What is true"),
    "sheet of no search": lambda: figures.contact_sheet("a circle", pictures(3), [0, 1, 0], finding="A third is"),
    "answers": lambda: figures.answers_sheet(pictures(1)[0], (SAID, True), [("where is it?", "top left", False)] * 5),
    "answers, unjudged": lambda: figures.answers_sheet(pictures(1)[0], ("a star", None), [("what?", "a star", None)]),
    "answers, nasty": lambda: figures.answers_sheet(pictures(1)[0], (NASTY, False), [(NASTY, NASTY[:20], True)] * 5),
    "heat": lambda: figures.heat_tables("Three tables", pictures(3), CAPTIONS[:3], dict.fromkeys("PQd", cosines(3))),
    "heat, nasty": lambda: figures.heat_tables(NASTY, pictures(4), [NASTY] * 4, {NASTY: np.zeros((4, 4))}),
    "arrows": lambda: figures.arrows("Two", {"one": PLANE, "the other": ({"long": [3.0, 0.1]}, {"short": [-0.1, 0]})}),
    "arrows, one panel": lambda: figures.arrows("One", {"": PLANE}),
    "live": lambda: figures.live_curves(
        [Track("one", 80, list(range(1, 81)), [4.0 / k for k in range(1, 81)])], 2, 4.2
    ),
    "live, nasty": lambda: figures.live_curves([Track(NASTY[:60], 9, [1], [0.0])] * 3),
    "explanation": lambda: explained("a red circle"),
    "explanation of nothing": lambda: explained("a blue star", np.zeros((4, 4))),
    "explanation, nasty": lambda: explained(NASTY),
    "overview": an_overview,
    "overview, nasty": lambda: an_overview([NASTY] * 8, [NASTY] * 9),
}


def texts(figure):
    """Every text that is drawn, with its box in pixels."""
    drawn, draw = [], Text.draw
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Text, "draw", lambda text, renderer: (drawn.append(text), draw(text, renderer)))
        figure.draw_without_rendering()
    return [(text, text.get_window_extent()) for text in drawn if text.get_text() and text.get_visible()]


def luminance(colour):
    """WCAG's, of colours (..., 3)."""
    linear = np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


def hard_to_read(figure):
    """Texts without WCAG's contrast of 4.5 (a tick or cross: 3) over nearly all that lies behind them, and theirs."""
    found, poor = [(text, box, to_rgb(text.get_color())) for text, box in texts(figure)], []
    for text, *_ in found:
        text.set_color("none")
    figure.canvas.draw()
    behind = luminance(np.asarray(figure.canvas.buffer_rgba())[::-1, :, :3] / 255)  # y upwards
    for text, box, colour in found:
        x0, x1, y0, y1 = (max(round(float(v)), 0) for v in (box.x0, box.x1, box.y0, box.y1))
        ground, own = behind[y0:y1, x0:x1], luminance(np.array(colour))
        ratios = (np.maximum(ground, own) + 0.05) / (np.minimum(ground, own) + 0.05)
        if (ratios >= (3.0 if text.get_text() in "✓✗" else 4.5)).mean() < 0.85:
            poor.append((text.get_text(), float(np.median(ratios))))
    return poor


@pytest.mark.parametrize("name", FIGURES)
def test_text_stands_out_from_what_is_behind_it(name):
    assert not hard_to_read(FIGURES[name]())


def words(figure):
    return [text.get_text() for text, _ in texts(figure)]


@pytest.mark.parametrize("name", FIGURES)
def test_every_text_is_whole_alone_and_large_enough(name):
    figure = FIGURES[name]()
    smallest = 11.0 if name.startswith("overview") else 18.0
    width, height = figure.bbox.size
    shown = style.WIDE[0] / figure.get_figwidth()  # how much a narrower figure is enlarged to be as wide as a slide
    found = texts(figure)
    assert found
    for text, box in found:
        assert min(box.x0, box.y0, width - box.x1, height - box.y1) >= 0, text
        assert text.get_text() in MARKS or shown * text.get_fontsize() >= smallest, text
        assert not text.get_parse_math()
        assert all(c.isprintable() for c in text.get_text()), text
    for (one, a), (other, b) in itertools.combinations(found, 2):
        across, down = min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)
        assert min(across, down) <= 2.0, (one, other)  # pixels: descenders may touch the next line's box


@pytest.mark.parametrize("name", FIGURES)
def test_it_has_words_for_those_who_cannot_see_it(name):
    """The title, and what else is to be read off; a notebook takes them from the figure."""
    figure = FIGURES[name]()
    title = max(figure.findobj(Text), key=lambda text: (text.get_fontsize(), bool(text.get_text()))).get_text()
    assert title.rstrip("…") in figure.alt
    assert len(figure.alt.split()) >= 5
    assert all(c.isprintable() for c in figure.alt)
    assert figure._repr_mimebundle_() == ({}, {"image/png": {"alt": figure.alt}})


@pytest.mark.parametrize("name", ["matrix", "training", "zero-shot", "sheet", "captions", "objects", "overview"])
def test_everything_drawn_lies_inside_the_figure(name):
    figure = FIGURES[name]()
    figure.draw_without_rendering()
    box = figure.get_tightbbox()
    width, height = figure.get_size_inches()
    assert min(box.x0, box.y0, width - box.x1, height - box.y1) >= 0
    assert min(box.x1 / width, box.y1 / height) > 0.9  # and fills it


@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_the_same_numbers_give_the_same_bytes(tmp_path, kind):
    for again in ("a", "b"):
        figures.save_figure(FIGURES["overview"](), tmp_path / f"{again}.{kind}")
    assert (tmp_path / f"a.{kind}").read_bytes() == (tmp_path / f"b.{kind}").read_bytes()
    figure = FIGURES["sheet"]()
    figures.save_figure(figure, tmp_path / f"c.{kind}")
    first = (tmp_path / f"c.{kind}").read_bytes()
    figures.save_figure(figure, tmp_path / f"c.{kind}")  # one figure, written twice
    assert (tmp_path / f"c.{kind}").read_bytes() == first
    assert not re.search(rb"CreationDate|<dc:date>|20[2-9]\d-\d\d-\d\d", first if kind != "png" else b"")


def test_the_same_bytes_in_another_process_and_under_other_settings(tmp_path):
    figures.save_figure(figures.training_curves(log(30)), tmp_path / "here.svg")
    (tmp_path / "log.json").write_text(json.dumps(log(30)))
    program = (
        "import json, matplotlib; matplotlib.rcParams.update({'font.size': 30, 'lines.linewidth': 9,"
        " 'svg.hashsalt': 'x', 'font.family': 'serif', 'text.parse_math': True, 'axes.grid': True, 'savefig.dpi': 30});"
        "from miniclip import figures;"
        "figures.save_figure(figures.training_curves(json.load(open('log.json'))), 'there.svg')"
    )
    place = {"PYTHONPATH": os.pathsep.join(["/".join(figures.__file__.split("/")[:-3])]), "PYTHONHASHSEED": "7"}
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, env=os.environ | place, check=True)
    assert (tmp_path / "here.svg").read_bytes() == (tmp_path / "there.svg").read_bytes()


def test_settings_of_the_user_stay_as_they_are(tmp_path):
    before = dict(matplotlib.rcParams)
    figures.save_figure(FIGURES["overview"](), tmp_path / "a.svg")
    with pytest.raises(ValueError):
        figures.training_curves([])
    assert dict(matplotlib.rcParams) == before
    assert "matplotlib.pyplot" not in sys.modules or not sys.modules["matplotlib.pyplot"].get_fignums()


@pytest.mark.parametrize("name", ["a.jpg", "a", "a.png.exe", ".png"])
def test_an_unknown_format_is_refused_and_nothing_is_written(tmp_path, name):
    with pytest.raises(ValueError, match=r"expected a name that ends in \.png, \.svg, \.pdf") as caught:
        figures.save_figure(FIGURES["matrix of one"](), tmp_path / name)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    path.write_bytes(b"old")
    figure = FIGURES["matrix of one"]()
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        figures.save_figure(figure, path)
    assert path.read_bytes() == b"old"


def test_the_matrix_counts_both_directions_and_a_tie_is_no_win():
    scores = np.array([[0.9, 0.1, 0.2], [0.1, 0.5, 0.8], [0.3, 0.3, 0.7]])
    assert matrix.matrix_finding(scores) == "2 of 3 images find their caption, 2 of 3 captions their image"
    assert matrix.matrix_finding(np.ones((4, 4))) == "0 of 4 images find their caption, 0 of 4 captions their image"
    wrong = matrix.wrong_winners(scores) | matrix.wrong_winners(scores.T).T
    assert np.argwhere(wrong).tolist() == [[1, 2]]
    shown = words(figures.contrastive_matrix(pictures(3), CAPTIONS[:3], -scores))
    assert sorted(w for w in shown if w.startswith("−0.")) == sorted(f"−{x:.2f}" for x in scores.ravel())


def test_the_training_title_is_recomputed():
    rows = log(100)
    loss = np.mean([row["loss"] for row in rows[-5:]])
    share = (np.log(128) - loss) / (np.log(128) - 1.2)
    assert training.training_finding(rows) == f"The loss went {share:.0%} of the way from chance to its floor"
    assert training.training_finding(log(60, loss=np.log(128))).startswith("The loss went 0% of the way")
    assert training.training_finding([{"step": 1, "loss": 5.0}]) == "The loss ends at 5.00"
    assert training.score_finding(rows) == "Zero-shot: 100% on seen, 90% on new combinations"
    assert training.score_finding([{"step": 1, "loss": 5.0, "accuracy": 0.25}]) == "In-batch accuracy 25%"
    assert training.score_finding([{"step": 1, "loss": 5.0}]) == "No accuracy in this log"


def test_each_curve_is_named_only_if_it_is_there():
    named = " ".join(words(figures.training_curves(log(100))))
    for name in ("loss 1.31", "chance 4.85", "caption floor 1.20", "temperature floor", "seen 100%", "new 90%"):
        assert name in named
    bare = " ".join(words(figures.training_curves([{"step": 1, "loss": 5.0}])))
    assert "floor" not in bare
    assert "chance" not in bare


def test_zero_shot_counts_and_ties():
    even = np.full((2, 4), 0.25)
    assert zero_shot.zero_shot_finding(even, [0, 3], "pictures") == "0 of 2 pictures named right among 4 classes"
    said = "2 of 3 pictures named right among 3 classes"
    assert zero_shot.zero_shot_finding(np.eye(3), [0, 1, 0], "pictures") == said
    assert zero_shot.zero_shot_finding(even, None, "pictures") == "On average the likeliest of 4 classes gets 25%"
    assert zero_shot.shown(np.array([0.1, 0.4, 0.3, 0.2]), 0) == [1, 2, 0]
    assert zero_shot.shown(np.array([0.1, 0.4, 0.3, 0.2]), None) == [1, 2, 3]
    shown = words(figures.zero_shot_bars(**bars(6, CLASSES, 4)))
    assert shown.count("✓") == 4
    assert shown.count("✗") == 2
    assert "4 of 6 pictures named right among 9 classes" in shown


@pytest.mark.parametrize(
    ("right", "said"),
    [
        ([1, 0, 1], "2 of 3 pictures are right, the first one included"),
        ([0, 1, 1], "2 of 3 pictures are right, but not the first"),
        ([0, 0, 0], "0 of 3 pictures are right"),
        (None, "Pictures, best first"),
    ],
)
def test_search_says_what_came_of_it(right, said):
    shown = words(figures.contact_sheet("a ring", pictures(3), [0.9, 0.5, -0.25], right))
    assert said in shown
    assert "“a ring”" in shown
    assert "−0.25" in shown
    assert shown.count("✓") == sum(right or [])
    assert shown.count("✗") == (3 - sum(right) if right else 0)
    assert search.search_finding(3, right, "pictures are right") == said


def test_right_and_wrong_differ_without_colour():
    figure = figures.contact_sheet("a ring", pictures(2), [0.9, 0.5], [1, 0])
    lines = [patch.get_linestyle() for axes in figure.axes for patch in axes.patches]
    assert len(set(lines)) == 2


def test_a_map_lights_the_patches_it_looks_at():
    """Full light at the largest attention, an eighth where there is none, each patch for itself."""
    image, attention = np.ones((32, 32, 3)), np.zeros((4, 4))
    attention[1, 2], attention[3, 0] = 0.6, 0.3
    light = word_figure.lit(image, attention)
    expected = np.full((32, 32), 0.12)
    expected[8:16, 16:24], expected[24:, :8] = 1.0, 0.56
    assert np.abs(light - expected[:, :, None]).max() < 1e-12
    assert (word_figure.lit(image, 0 * attention) <= 0.12).all()


@pytest.mark.parametrize("ground", [0.0, 0.1, 0.25, 0.35, 0.6, 1.0])
def test_what_is_looked_at_stands_out_on_any_ground(ground):
    """The patch stays as it is, and the ground beside it is clearly lighter or darker."""
    attention = np.zeros((4, 4))
    attention[1, 2] = 1.0
    seen = word_figure.lit(np.full((32, 32, 3), ground), attention)
    assert np.abs(seen[8:16, 16:24] - ground).max() < 1e-12
    assert abs(seen[0, 0, 0] - ground) >= 0.2


def test_next_words_stand_below_what_is_read_and_above_their_probability():
    """A shift by one: each column has the word that is read, the word that follows, and a full bar where p is 1."""
    figure = figures.next_words("a", ["start", "red"], ["red", "ring"], [(pictures(1)[0], "b", [0.25, 1.0])])
    places = {(text.get_text(), round(box.x0 + box.x1)): box.y0 for text, box in texts(figure)}
    columns = sorted({x for word, x in places if word in ("start", "ring")})
    assert len(columns) == 2
    assert places["start", columns[0]] > places["red", columns[0]]
    assert places["red", columns[1]] > places["ring", columns[1]]
    (sheet,) = figure.axes
    full = [patch for patch in sheet.patches if to_rgb(patch.get_facecolor()) == to_rgb(style.IMAGE)]
    assert [round(patch.get_height() / full[1].get_height(), 6) for patch in full] == [0.25, 1.0]


def test_object_maps_show_each_caption_and_the_words_of_each_of_its_objects():
    figure = figures.object_maps([described("a red star and a ring", 2, "red star"), described("a heart", 1, "heart")])
    shown = words(figure)
    assert [word for word in shown if word.startswith("“")] == ["“a red star and a ring”", "“a heart”"]
    assert shown.count("the picture") == 2
    assert (shown.count("red star"), shown.count("heart")) == (2, 1)
    assert sum(len(axes.images) for axes in figure.axes) == 5


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: figures.contrastive_matrix(pictures(0), [], np.zeros((0, 0))),
        lambda: figures.contrastive_matrix(pictures(11), ["a"] * 11, np.zeros((11, 11))),
        lambda: figures.contrastive_matrix(pictures(2), ["a"], np.zeros((2, 2))),
        lambda: figures.contrastive_matrix(pictures(2), ["a", "b"], np.zeros((2, 3))),
        lambda: figures.training_curves([]),
        lambda: figures.loss_panels("a", {}),
        lambda: figures.loss_panels("a", {"healthy": log(3), "b": []}),
        lambda: figures.zero_shot_bars(pictures(7), ["a"], np.ones((7, 1))),
        lambda: figures.zero_shot_bars(pictures(2), ["a", "b"], np.ones((2, 1))),
        lambda: figures.zero_shot_bars(pictures(2), ["a"], np.ones((2, 1)), [0]),
        lambda: figures.contact_sheet("a", pictures(0), []),
        lambda: figures.contact_sheet("a", pictures(2), [0.1]),
        lambda: figures.captions_sheet(pictures(1)[0], ["a"] * 2, [0.1, 0.2], [1]),
        lambda: figures.picture_rows("a", {}),
        lambda: figures.picture_rows("a", {"b": ROW, "c": ROW * 2}),
        lambda: figures.picture_rows("a", {str(k): ROW for k in range(4)}),
        lambda: figures.picture_rows("a", {"b": ROW * 6}),
        lambda: figures.next_words("a", [], [], [(pictures(1)[0], "b", [])]),
        lambda: figures.next_words("a", ["b"], ["c"], []),
        lambda: figures.next_words("a", ["b"], ["c", "d"], [(pictures(1)[0], "e", [1.0])]),
        lambda: figures.next_words("a", ["b"], ["c"], [(pictures(1)[0], "e", [1.0, 1.0])]),
        lambda: figures.next_words("a", ["b"] * 37, ["c"] * 37, [(pictures(1)[0], "e", [1.0] * 37)]),
        lambda: figures.object_maps([]),
        lambda: figures.object_maps([described("a star", 1)] * 7),
        lambda: figures.object_maps([(pictures(1)[0], "a star", [("star", maps(1))])]),
        lambda: figures.object_maps([(pictures(1)[0], "a star", [("star", np.ones((5, 5)))])]),
        lambda: explained("a star", maps(1)),
        lambda: explained("a star", np.ones((5, 5))),
        lambda: explained("a star", maps(1)[0], np.zeros((16, 16))),
    ],
)
def test_numbers_that_do_not_fit_are_refused_in_one_line(wrong):
    with pytest.raises(ValueError, match="expected") as caught:
        wrong()
    assert "\n" not in str(caught.value)


def test_wrapped_lines_fit_and_lose_nothing_that_fits():
    text = "a large yellow star in the top left corner"
    for width in (0.5, 1.0, 2.0, 10.0):
        rows = page.wrap(text, width, 12.0, lines=50).split("\n")
        assert all(page.width_of(row, 12.0) <= width for row in rows)
        assert "".join(rows).replace(" ", "") == text.replace(" ", "")
    assert page.wrap(text, 1.0, 12.0, lines=2).endswith("…")
    assert page.wrap("", 1.0, 12.0) == ""
    assert page.clean("\x1b\u202e漢") == "□□□"


def test_the_colours_are_okabe_and_itos():
    assert (style.IMAGE, style.TEXT, style.POSITIVE, style.NEGATIVE) == ("#0072B2", "#E69F00", "#009E73", "#D55E00")
