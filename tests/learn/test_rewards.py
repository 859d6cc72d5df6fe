"""The rewards: right functions train, search and draw before one's eyes; wrong ones visibly do not."""

import os
import signal
from pathlib import Path

import numpy as np
import pytest

from miniclip.learn import files, reward
from miniclip.learn.picture import in_a_row, picture_lines
from miniclip.learn.rewards import REWARDS, NotEarned, Screen, show_reward
from miniclip.learn.served import Unanswered, served
from miniclip.learn.specs import all_exercises
from miniclip.learn.toy_clip import CHANCE, belongs, train_toy

ALL = all_exercises()
LOSS, SLOPE, SCALE_SLOPE = (ALL[id].solutions[ALL[id].first] for id in ("4.3", "4.4", "4.5"))


def trained(slope=SLOPE, scale_slope=SCALE_SLOPE, steps=160):
    """What a short training with these gradients comes to: the first look and the last."""
    seen = []
    last = train_toy(LOSS, slope, scale_slope, seen.append, steps)
    assert last == seen[-1]
    return seen[0], last


def test_the_right_functions_train():
    first, last = trained()
    assert (first.step, last.step) == (0, 160)
    assert first.right <= 2 * CHANCE
    assert last.right >= 8 * CHANCE
    assert last.loss < first.loss / 1.5


WRONG_WAYS = {
    "the sign flipped": lambda I, T, scale: -SLOPE(I, T, scale),
    "the rows in another order": lambda I, T, scale: np.roll(SLOPE(I, T, scale), 1, axis=0),
}


@pytest.mark.parametrize("way", WRONG_WAYS)
def test_a_wrong_gradient_stays_at_chance(way):
    _, last = trained(WRONG_WAYS[way])
    assert last.right <= 3 * CHANCE


@pytest.mark.parametrize("id", ["4.3", "4.4", "4.5"])
def test_a_loss_and_gradients_that_do_not_belong_together_are_seen(id):
    """With a known wrong answer in the place of the right one, what is measured is not what is claimed."""
    I, T = np.random.default_rng(0).normal(size=(4, 8, 6))[:2]
    scale, right = 1.5 if id == "4.5" else np.exp(1.5), ALL[id].solutions[ALL[id].first]
    agreed = 0
    for wrong in ALL[id].wrongs.values():
        answer = wrong.functions[ALL[id].first]
        with np.errstate(all="ignore"):
            measured, claimed = belongs(*({"4.3": LOSS, "4.4": SLOPE, "4.5": SCALE_SLOPE} | {id: answer}).values())
            fine_here = np.allclose(answer(I, T, scale), right(I, T, scale))  # wrong only at another scale
        assert (abs(measured - claimed) < 1e-4) == fine_here, wrong.name
        agreed += fine_here
    assert agreed < len(ALL[id].wrongs) / 2
    measured, claimed = belongs(LOSS, SLOPE, SCALE_SLOPE)
    assert measured == pytest.approx(claimed, abs=1e-6)


def test_ctrl_c_ends_the_training_politely():
    def interrupt(now):
        if now.step:
            os.kill(os.getpid(), signal.SIGINT)

    last = train_toy(LOSS, SLOPE, SCALE_SLOPE, interrupt, 600)
    assert 0 < last.step < 60


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Exercises of which some pass."""
    monkeypatch.chdir(tmp_path)
    files.sync(tmp_path / "exercises")
    return tmp_path / "exercises"


def solve(folder, *ids):
    for id in ids:
        files.path_of(ALL[id], folder).write_text(files.solution_text(ALL[id]))


def rewarded(folder, id):
    said, pictures = [], []
    shown = Screen(said.append, said.append, lambda picture, under="": pictures.append(picture), "Ctrl-C")
    figure = show_reward(id, lambda one: files.path_of(one, folder), shown)
    return "\n".join(said), pictures, figure


def words_in(figure):
    return " ".join(text.get_text() for axes in figure.axes for text in axes.texts)


def test_search_fills_the_contact_sheet(folder):
    solve(folder, "7.1")
    said, pictures, figure = rewarded(folder, "7.1")
    assert "your search (7.1)" in said
    assert [one.shape for one in pictures] == [(16, 4 * 16 + 3 * 2, 3)] * 2
    assert "2 of 8 pictures are right, the first one included" in words_in(figure)


def test_a_notebook_shows_the_figure(folder, capsys):
    def patchify(img, p):
        H, W, C = img.shape
        return img.reshape(H // p, p, W // p, p, C).swapaxes(1, 2).reshape(-1, p * p * C)

    def unpatchify(patches, p, H, W):
        return patches.reshape(H // p, W // p, p, p, -1).swapaxes(1, 2).reshape(H, W, -1)

    assert reward("2.3", patchify, unpatchify)._repr_png_().startswith(b"\x89PNG")
    assert "At work: your patchify (2.3)." in capsys.readouterr().out


def test_patchify_draws_the_picture(folder):
    solve(folder, "2.3")
    said, (picture,), figure = rewarded(folder, "2.3")
    assert "your patchify (2.3)" in said
    assert np.isnan(picture[8, :38]).all()  # the gap under the first row of patches
    assert "16 patches of 8 × 8 pixels, and back again" in words_in(figure)


def test_what_is_not_passed_is_the_references_and_said_so(folder, monkeypatch):
    monkeypatch.setattr("miniclip.learn.toy_clip.train_toy", lambda *three: train_toy(*three, 101))
    solve(folder, "4.4")
    said, _, figure = rewarded(folder, "4.4")
    assert "your clip_loss_grad_image (4.4); from the reference, until yours pass: clip_loss (4.3)" in " ".join(
        said.split()
    )
    assert "(chance 2%)" in said
    assert figure is None


@pytest.mark.parametrize("id", REWARDS)
def test_no_reward_without_an_answer_that_passes(folder, id):
    with pytest.raises(NotEarned, match="does not pass yet"):
        rewarded(folder, id)
    with pytest.raises(NotEarned, match="nothing to show, expected one of"):
        rewarded(folder, "1.1")


SERVED = {
    "an exception": ("def f(x):\n    return 1 / x\n", "f: ZeroDivisionError"),
    "an exit": ("import os\ndef f(x):\n    os._exit(3)\n", "f: the process ended"),
    "a file that does not load": ("import nothing_of_this_name\n", "loading your file: ModuleNotFoundError"),
    "a loop without an end": ("def f(x):\n    while True: pass\n", "f: no answer in"),
}


@pytest.mark.parametrize("what", SERVED)
def test_a_call_that_goes_wrong_is_told(tmp_path, monkeypatch, what):
    monkeypatch.setattr("miniclip.learn.served.PATIENCE", 2.0 if "loop" in what else 60.0)
    text, words = SERVED[what]
    (tmp_path / "mine.py").write_text(text)
    with pytest.raises(Unanswered, match=words), served({"f": tmp_path / "mine.py"}) as call:
        call("f", 0)


def test_prints_hold_nobody_up_and_the_process_ends(tmp_path):
    (tmp_path / "mine.py").write_text("import os\ndef f(x):\n    print('x' * 10**6)\n    return [x, os.getpid()]\n")
    with served({"f": tmp_path / "mine.py"}) as call:
        value, pid = call("f", np.arange(3.0))
    assert value.tolist() == [0, 1, 2]
    assert not Path(f"/proc/{pid}").exists()


def test_a_picture_in_letters(monkeypatch):
    picture = np.zeros((3, 2, 3))
    picture[0, 0] = 1
    monkeypatch.setenv("COLORTERM", "truecolor")
    first, second = picture_lines(picture)
    assert first.count("▀") == 2
    assert "38;2;255;255;255" in first
    assert (second.count("▀"), "48;" in second) == (2, False)  # the row that is missing has no colour
    monkeypatch.delenv("COLORTERM")
    assert "38;5;231" in picture_lines(picture)[0]
    assert picture_lines(np.full((2, 1, 3), np.nan)) == ["\x1b[0m \x1b[0m"]
    assert in_a_row([picture, picture]).shape == (3, 6, 3)
