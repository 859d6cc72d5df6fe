"""Where a learner looks for the fault: jumps, keys, hints, the failing case, parts of other exercises, closed pipes."""

import json
import os
import subprocess
import sys
from itertools import product

import pytest

from miniclip.app import cli
from miniclip.learn import check, failing_case, files, hint, pick, screen, solution
from miniclip.learn.session import Session, watch
from miniclip.learn.specs import all_exercises

ALL = all_exercises()
WIDE = 80  # columns of the narrowest terminal that people have


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Exercises as they come."""
    monkeypatch.chdir(tmp_path)
    files.sync(tmp_path / "exercises")
    return tmp_path / "exercises"


def write(folder, id, text):
    files.path_of(ALL[id], folder).write_text(text)


def solve(folder, *ids):
    for id in ids:
        write(folder, id, files.solution_text(ALL[id]))


def learn(capsys, *words):
    code = cli.main(["learn", *words])
    return code, *capsys.readouterr()


def spoken(folder, *words, place=""):
    """A session of these words: what was said to each, and the exercise at its end."""
    said = []
    session = Session(folder, said.append, place)
    answers = []
    for word in words:
        del said[:]
        session.command(word)
        answers.append("\n".join(said))
    return answers, session


# Going there

PLACES = {"4.3": "4.3", "m4": "4.1", "m9": "9.1", "0.1": "0.1"}


@pytest.mark.parametrize("word", PLACES)
def test_a_number_or_a_module_goes_there(folder, capsys, monkeypatch, word):
    for words in ([word], ["go", word], ["--no-watch", word]):
        monkeypatch.setattr("miniclip.learn.commands.read_line", iter(["q"]).__next__)  # then the input ends
        code, out, _ = learn(capsys, *words)
        assert code == 1
        assert f"{PLACES[word]} {ALL[PLACES[word]].title}" in out
    (said,), session = spoken(folder, word)
    assert (session.exercise.id, ALL[PLACES[word]].title in said) == (PLACES[word], True)


def test_a_module_is_entered_where_it_is_open(folder, capsys):
    solve(folder, "4.1", "4.2")
    learn(capsys, "check", "m4")
    assert spoken(folder, "m4")[1].exercise.id == "4.3"
    assert spoken(folder, "4.1")[1].exercise.id == "4.1"


@pytest.mark.parametrize("word", ["9.9", "m12", "4.", "77"])
def test_a_place_that_is_none_is_told(folder, capsys, word):
    code, _, err = learn(capsys, word)
    assert (code, "there is no exercise" in err) == (2, True)
    (said,), session = spoken(folder, word, place="4.3")
    assert (session.exercise.id, "there is no exercise" in said) == ("4.3", True)


def test_the_list_to_jump_in(folder, capsys):
    solve(folder, "4.1")
    learn(capsys, "check", "4.1")
    (said,), _ = spoken(folder, "l", place="4.3")
    assert "m4 Contrastive learning           +......." in said
    assert "> . 4.3" in said
    assert "+ 4.1" in said
    assert "5.1" not in said
    assert len(said.splitlines()) <= 24


# Lines that fit


def test_the_keys_fit_and_do_something(folder):
    for rung, failed, passed, rewarded in product(range(4), *[(False, True)] * 3):
        if not (failed and passed):
            assert len(screen.keys(rung, failed, passed, rewarded)) <= WIDE
    assert "i input" not in screen.keys(0, False, False, True)
    assert "r reward" not in screen.keys(0, True, False, True)
    assert "r reward" not in screen.keys(0, False, True, False)


@pytest.mark.parametrize("id", ALL)
def test_every_exercise_says_how_hard_it_is_and_what_it_needs(id):
    exercise = ALL[id]
    assert all(len(line) <= WIDE for line in screen.places({}, ALL, id).splitlines())
    line = screen.exercise_line({}, exercise)
    assert f"{'*' * exercise.level} " in line
    assert f"{exercise.minutes} min" in line
    assert all(need in line.partition("after")[2] for need in exercise.needs)
    assert exercise.effort in screen.brief(exercise, "file.py")


# Hints


def test_hint_gives_the_next_rung(folder, capsys):
    def rung(*words):
        return learn(capsys, "hint", *words)[1].split(")")[0].split("(")[1]

    assert [rung("4.3") for _ in range(4)] == ["1 of 3", "2 of 3", "3 of 3", "1 of 3"]
    assert rung("4.4") == "1 of 3"  # each exercise for itself
    assert rung("4.4", "--rung", "3") == "3 of 3"
    (said, again), _ = spoken(folder, "h", "h", place="4.3")  # the session goes on from there
    assert ("(2 of 3)" in said, "(3 of 3)" in again) == (True, True)
    hint("4.3")
    hint("4.3")
    assert "(2 of 3)" in capsys.readouterr().out
    learn(capsys, "reset", "4.3")
    assert rung("4.3") == "1 of 3"


@pytest.mark.parametrize("text", ["", "[]", '{"4.3": "x"}', '{"4.3": 17}', '{"4.3": -2}'])
def test_a_damaged_file_of_hints_is_no_trouble(folder, capsys, text):
    (folder.parent / ".miniclip").mkdir(exist_ok=True)
    (folder.parent / ".miniclip" / "hints.json").write_text(text)
    assert "(1 of 3)" in learn(capsys, "hint", "4.3")[1]


# The failing case

PRINTS = 'def chance_loss(n):\n    print("n is", n)\n    return n / 2\n'


def test_the_failing_case_and_the_prints_are_shown(folder, capsys):
    write(folder, "0.1", PRINTS)
    assert "| n is 1" in learn(capsys, "check", "0.1")[1]
    code, out, _ = learn(capsys, "show-case", "0.1")
    assert code == 1
    assert "n = 1\nprint(chance_loss(n))  # expected 0" in out
    assert "| n is 1" in out
    (none, _, case), _ = spoken(folder, "i", "", "i", place="0.1")
    assert "print(chance_loss(n))" in none  # known from the check before
    assert "| n is 1" in case
    solve(folder, "0.1")
    (_, case), _ = spoken(folder, "", "i", place="0.1")
    assert "No case has failed" in case
    assert "All right" in learn(capsys, "show-case", "0.1")[1]


def test_in_a_notebook_too(folder, capsys):
    def chance_loss(n):
        print("n is", n)
        return n / 2

    with pytest.raises(Exception, match="was not checked here yet"):
        failing_case("9.4")
    check("0.1", chance_loss)
    assert "| n is 1" in capsys.readouterr().out
    failing_case("0.1")
    assert "print(chance_loss(n))" in capsys.readouterr().out


def test_what_floods_is_cut(folder, capsys):
    write(folder, "0.1", PRINTS.replace('print("n is", n)', 'print("line\\n" * 1000)'))
    out = learn(capsys, "check", "0.1")[1]
    assert len(out.splitlines()) <= 24
    assert "more lines" in out


# Parts

UNIT = "import numpy as np\nfrom e2_log_softmax import log_softmax\n"
LOSS = (
    UNIT
    + """
def clip_loss(I, T, scale):
    I, T = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (I, T))
    S = scale * I @ T.T
    return -0.5 * (np.diag(log_softmax(S, 1)).mean() + np.diag(log_softmax(S, 0)).mean())
"""
)
STUB, RIGHT = files.stub(ALL["4.2"]), files.solution_text(ALL["4.2"])
UNSTABLE = """import numpy as np
def log_softmax(z, axis=-1):
    return np.log(np.exp(z) / np.exp(z).sum(axis, keepdims=True))
"""
# name -> (4.2, 4.3, does 4.3 pass, what is said)
PARTS = {
    "a part that passes": (RIGHT, LOSS, True, "Yours builds on log_softmax"),
    "imported as a module": (RIGHT, LOSS.replace(UNIT, "import numpy as np\nimport e2_log_softmax\n")
                             .replace("log_softmax(S", "e2_log_softmax.log_softmax(S"), True, "All right"),
    "imported inside": (RIGHT, LOSS.replace(UNIT, "import numpy as np\n")
                        .replace("    I, T", f"    {UNIT.splitlines()[1]}\n    I, T"), True, "All right"),
    "a stub": (STUB, LOSS, False, "uses log_softmax (4.2), which does not pass yet"),
    "a wrong part": (UNSTABLE, LOSS, False, "uses log_softmax (4.2), which does not pass yet"),
    "a part that Python cannot read": ("def log_softmax(z\n", LOSS, False, "uses log_softmax (4.2)"),
    "a part that is not there": (None, LOSS, False, "uses log_softmax (4.2), which does not pass yet"),
    "a wrong answer with a right part": (RIGHT, LOSS.replace("-0.5", "-1.0"), False, "That is 2 times the right loss"),
    "a wrong name": (RIGHT, LOSS.replace("import log_softmax", "import softmax as log_softmax"), False, "ImportError"),
    "each imports the other": (RIGHT + "\nimport e3_clip_loss\n", LOSS, True, "All right"),
    "a part that borrows": (RIGHT + "\nfrom miniclip.nn.ops import softmax_forward\n", LOSS, False, "imports miniclip"),
    "the answer itself from elsewhere": (RIGHT.replace("log_softmax", "clip_loss"),
                                         "from e2_log_softmax import clip_loss\n", False, "4.3"),
}  # fmt: skip


@pytest.mark.parametrize("name", PARTS)
def test_parts_are_reused_and_their_faults_are_theirs(folder, capsys, name):
    part, answer, passes, words = PARTS[name]
    path = files.path_of(ALL["4.2"], folder)
    path.unlink() if part is None else path.write_text(part)
    write(folder, "4.3", answer)
    code, out, _ = learn(capsys, "check", "4.3")
    assert (code == 0) == passes, out
    assert words in " ".join(out.split()), out
    assert not list(folder.rglob("__pycache__"))


def test_a_wrong_part_gives_no_misconception_of_its_user(folder, capsys):
    write(folder, "4.2", UNSTABLE)
    write(folder, "4.3", LOSS)
    (one,) = json.loads(learn(capsys, "check", "4.3", "--json")[1])["exercises"]
    assert one["misconception"] == ""


def test_a_file_that_runs_by_itself_finds_its_parts(folder):
    write(folder, "4.2", RIGHT)
    write(folder, "4.3", LOSS + "print(clip_loss(np.eye(2), np.eye(2), 1.0))\n")
    ran = subprocess.run([sys.executable, "-B", files.path_of(ALL["4.3"], folder)], capture_output=True, text=True)
    assert ran.stdout.startswith("0.3132"), ran.stderr


@pytest.mark.parametrize("mine", [True, False])
def test_a_cell_may_use_what_pick_gave(folder, capsys, mine):
    if mine:
        write(folder, "4.2", RIGHT.replace("def log_softmax", "def own(x):\n    return x\n\n\ndef log_softmax", 1))
    log_p = pick("4.2")
    assert ("your own" in capsys.readouterr().out) == mine

    def clip_loss(I, T, scale):
        import numpy as np

        I, T = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (I, T))
        S = scale * I @ T.T
        return -0.5 * (np.diag(log_p(S, 1)).mean() + np.diag(log_p(S, 0)).mean())

    assert check("4.3", clip_loss) == 5.0
    reference = pick("4.1")
    assert check("4.1", reference) == 0.0  # it is no answer to its own exercise
    assert 'the reference, which pick("4.1") has fetched' in " ".join(capsys.readouterr().out.split())


def test_a_picked_file_may_be_gone(folder, capsys):
    """What was picked is kept; that its file is not stops no other exercise."""
    write(folder, "4.2", RIGHT)
    pick("4.2")
    files.path_of(ALL["4.2"], folder).unlink()

    def chance_loss(n):
        import numpy as np

        return np.log(n)

    assert check("0.1", chance_loss) == 1.0


# The marked solution


def test_it_stands_beside_ones_own_only_after_passing(folder, capsys):
    write(folder, "4.3", LOSS)
    assert "yours" not in learn(capsys, "solution", "4.3")[1]
    solve(folder, "4.2")
    assert "--- yours" in learn(capsys, "solution", "4.3")[1]
    (passed, again), _ = spoken(folder, "", "s", place="4.3")
    for said in (passed, again):
        assert "--- yours" in said
        assert "--- the marked solution" in said
    assert passed.index("--- yours") < passed.index("All right")
    assert ALL["4.3"].use.split()[-1] in passed
    solution("4.3")
    assert "--- yours" in capsys.readouterr().out


# Without watching, and without anyone who listens


def test_without_watching_only_enter_checks(folder, monkeypatch):
    said, words = [], iter(["", "q"])

    def ask():
        write(folder, "0.1", "def chance_loss(n):\n    return 1 / n\n")
        return next(words)

    monkeypatch.setattr("miniclip.learn.session.POLL_SECONDS", 0.0)  # whoever looked would see the file at once
    assert watch(folder, ask, said.append, looking=False) == 1
    assert "Enter checks it." in said[0]
    assert any("0 of" in text for text in said)


CLOSED = (
    ["list"],
    ["list", "m4"],
    ["cheatsheet"],
    ["show", "4.3"],
    ["solution", "4.3"],
    ["hint", "4.3"],
    ["--help"],
    ["check", "0.1"],
    ["check", "0.1", "--json"],
    ["show-case", "0.1"],
    ["doctor"],
    ["quiz"],
    ["cards"],
    [],
    ["4.3"],
)


@pytest.mark.parametrize("words", CLOSED, ids=" ".join)
def test_a_closed_pipe_is_silent(folder, words):
    read, write_end = os.pipe()
    os.close(read)
    program = "import sys; from miniclip.app.cli import main; sys.exit(main(['learn', *sys.argv[1:]]))"
    ran = subprocess.run([sys.executable, "-c", program, *words], stdin=subprocess.DEVNULL, stdout=write_end,
                         stderr=subprocess.PIPE, text=True)  # fmt: skip
    os.close(write_end)
    assert ran.stderr == ""
