"""`miniclip learn` as a new user meets it: start, fail, take a hint, pass, stop, go on, reset, report."""

import json
import re

import pytest

from miniclip.app import cli
from miniclip.files.storage import digest
from miniclip.learn import check, compare, files, hint, pick, progress, solution
from miniclip.learn.notebook import NotYet
from miniclip.learn.session import Session
from miniclip.learn.specs import all_exercises

ALL = all_exercises()
HALF = "import numpy as np\n\n\ndef chance_loss(n):\n    return 1 / n\n"


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty folder to learn in."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "exercises").mkdir()
    (tmp_path / "exercises" / "README.md").write_text("# Exercises\n")
    return tmp_path


def learn(capsys, *words):
    code = cli.main(["learn", *words])
    return code, *capsys.readouterr()


def path_of(id):
    return files.path_of(ALL[id], files.exercises_folder())


def test_the_first_hour(home, capsys):
    code, out, _ = learn(capsys, "sync")
    assert (code, out.count("made")) == (0, len(ALL))
    assert learn(capsys, "sync")[1] == "Everything is up to date.\n"
    assert learn(capsys, "doctor")[0] == 0
    code, out, _ = learn(capsys, "check", "0.1")
    assert code == 1
    assert "Not started" in out
    path_of("0.1").write_text("def chance_loss(n)\n    return n\n")
    code, out, _ = learn(capsys, "check", "0.1")
    assert "line 1" in out
    path_of("0.1").write_text(HALF)
    code, out, _ = learn(capsys, "check", "0.1")
    assert code == 1
    assert re.search(r"of \d+ checks  \[[#-]+\]   0/1 points", out)
    assert len(out.splitlines()) <= 12
    assert "1 of 3" in learn(capsys, "hint", "0.1")[1]
    assert "3 of 3" in learn(capsys, "hint", "0.1", "--rung", "3")[1]
    code, text, _ = learn(capsys, "solution", "0.1")
    path_of("0.1").write_text(text)
    code, out, _ = learn(capsys, "check", "0.1")
    assert (code, "1/1 points" in out) == (0, True)
    known = json.loads((home / ".miniclip" / "progress.json").read_text())
    assert [one["status"] for one in known["exercises"]] == ["pass"]
    assert f"1/{len(ALL)}  1/" in learn(capsys, "list")[1]
    assert learn(capsys, "check", "m0", "--json")[0] == 0


def test_reset_keeps_what_was_written_and_sync_never_touches_it(home, capsys):
    learn(capsys, "sync")
    path_of("0.1").write_text(HALF)
    learn(capsys, "sync")
    assert path_of("0.1").read_text() == HALF
    assert learn(capsys, "reset", "0.1")[0] == 0
    assert path_of("0.1").with_suffix(".py.bak").read_text() == HALF
    assert path_of("0.1").read_text() == files.stub(ALL["0.1"])
    path_of("0.1").write_text(HALF + "# again\n")
    learn(capsys, "reset", "0.1")
    assert path_of("0.1").with_suffix(".py.bak2").read_text() == HALF + "# again\n"


def test_a_stub_that_was_shipped_is_renewed(home, capsys, monkeypatch):
    learn(capsys, "sync")
    old = files.stub(ALL["0.1"]).replace("loss", "Loss")
    path_of("0.1").write_text(old)
    assert learn(capsys, "sync")[1] == "Everything is up to date.\n"
    assert path_of("0.1").read_text() == old
    monkeypatch.setattr(files, "shipped_stubs", lambda: {digest(old.encode())})
    assert learn(capsys, "sync")[1] == f"renewed  {path_of('0.1')}\n"
    assert path_of("0.1").read_text() == files.stub(ALL["0.1"])


def test_the_stubs_of_today_and_before_are_known():
    """`python -m miniclip.learn.files` adds today's."""
    shipped = files.shipped_stubs()
    assert {digest(files.stub(exercise).encode()) for exercise in ALL.values()} <= shipped
    assert len(shipped) >= 67


RAISE = '    raise NotImplementedError("0.1: write chance_loss")'
EDITS = {
    "a comment at the end": lambda text: text + "# think of ln n\n",
    "a comment on top": lambda text: "# mine\n" + text,
    "a comment in the function": lambda text: text.replace(RAISE, f"    # ln n?\n{RAISE}"),
    "a comment beside the raise": lambda text: text.replace(RAISE, f"{RAISE}  # ln n"),
    "a print at the top": lambda text: "print(3)\n" + text,
    "a print in the function": lambda text: text.replace(RAISE, f"    print(n)\n{RAISE}"),
    "a return above the raise": lambda text: text.replace(RAISE, f"    return np.log(n)\n{RAISE}"),
    "a return below the raise": lambda text: text.replace(RAISE, f"{RAISE}\n    return np.log(n)"),
    "an answer in the docstring": lambda text: text.replace('"""', '"""return np.log(n)', 3),
    "notes in the brief": lambda text: text.replace('"""', '"""my notes: ln n. ', 1),
    "another import": lambda text: text.replace("import numpy as np", "import math\nimport numpy as np"),
    "a helper": lambda text: text + "\n\ndef helper():\n    raise NotImplementedError\n",
    "a number": lambda text: text + "\nbase = 2\n",
    "the raise alone is left": lambda text: RAISE.strip() + "\n",
    "other ends of lines": lambda text: text.replace("\n", "\r\n"),
    "a blank at an end": lambda text: text.replace("import numpy as np", "import numpy as np "),
    "no last line end": lambda text: text.rstrip("\n"),
    "a line more": lambda text: text + "\n",
    "tabs": lambda text: text.replace("    ", "\t"),
    "a byte order mark": lambda text: "\ufeff" + text,
    "another word": lambda text: text.replace("loss", "Loss", 1),
    "half a function": lambda text: text.replace(RAISE, "    return np.log("),
    "nothing": lambda text: "",
    "another language": lambda text: "ln n = \u0142\n",
}


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("command", ["sync", ""])
def test_nothing_that_a_learner_wrote_is_lost(home, capsys, monkeypatch, edit, command):
    learn(capsys, "sync")
    monkeypatch.setattr("builtins.input", lambda prompt="": "q")
    written = EDITS[edit](files.stub(ALL["0.1"])).encode()
    assert written != files.stub(ALL["0.1"]).encode()
    path_of("0.1").write_bytes(written)
    learn(capsys, *command.split())
    assert path_of("0.1").read_bytes() == written
    assert sorted(path.name for path in path_of("0.1").parent.iterdir()) == ["e1_chance_loss.py"]


def test_a_damaged_progress_file_is_no_trouble(home, capsys):
    learn(capsys, "sync")
    learn(capsys, "check", "0.1")
    for text in ("", "{", '{"exercises": [3]}', "[]"):
        (home / ".miniclip" / "progress.json").write_text(text)
        assert learn(capsys, "list")[0] == 0
        assert learn(capsys, "check", "0.1")[0] == 1


def test_what_does_not_exist_is_told(home, capsys):
    for words in (["check", "12.7"], ["hint", "m99"], ["show", "x"]):
        code, _, err = learn(capsys, *words)
        assert code == 2
        assert err.startswith("miniclip: there is no exercise")
    assert learn(capsys, "fly")[0] == 2


def test_reports_are_written(home, capsys, monkeypatch):
    learn(capsys, "sync")
    monkeypatch.setattr("miniclip.learn.commands.all_exercises", lambda: {"0.1": ALL["0.1"]})
    for form in ("json", "gradescope", "classroom", "junit", "prairielearn", "csv"):
        assert learn(capsys, "report", "--format", form, "-o", f"out.{form}")[0] == 0
        assert (home / f"out.{form}").read_text()
    (home / "class").mkdir()
    (home / "out.json").rename(home / "class" / "ada.json")
    assert "1 submissions" in learn(capsys, "report", "--class", "class")[1]
    assert learn(capsys, "report", "--class", "class", "--wide")[1].startswith("submission,0.1,total")


def test_the_dialogue(home, capsys):
    said = []
    files.sync(home / "exercises")
    session = Session(home / "exercises", said.append)
    session.show()
    assert session.exercise.id == "0.1"
    assert ALL["0.1"].title in said[0]
    for key in "hhh":
        assert session.command(key)
    assert ["(1 of 3)" in said[2], "(2 of 3)" in said[3], "(3 of 3)" in said[4]] == [True] * 3
    session.command("s")
    assert "def chance_loss" in said[-1]
    path_of("0.1").write_text(HALF)
    session.saved()
    assert "x  " in said[-2]
    path_of("0.1").write_text(files.solution_text(ALL["0.1"]))
    assert session.command("")
    assert "All right." in said[-2]
    session.command("n")
    assert session.exercise.id == list(ALL)[1]
    assert not session.command("q")
    assert Session(home / "exercises", said.append).exercise.id == list(ALL)[1]  # it goes on from there


def test_the_watch_sees_a_saved_file_and_ends_with_the_input(home, capsys):
    from miniclip.learn import session

    said = []

    def ask():
        if not any("All right." in text for text in said):
            path_of("0.1").write_text(files.solution_text(ALL["0.1"]))
            for _ in range(3000):  # half a minute at most: a watch that sees nothing must not hang
                if any("All right." in text for text in said):
                    break
                session.time.sleep(0.01)
        raise EOFError

    assert session.watch(home / "exercises", ask, said.append) == 1
    assert any("All right." in text for text in said)


SCALE = 2.0


def helper(n):
    return SCALE * np_log(n) / 2


def np_log(n):
    import math

    return math.log(n)


def test_notebook_functions_are_checked_with_what_they_use(home, capsys):
    def chance_loss(n):
        return helper(n)

    assert check("0.1", chance_loss) == 1.0
    assert "All right." in capsys.readouterr().out

    def chance_loss(n):
        return 1 / n

    assert check("0.1", chance_loss) == 0.0
    with pytest.raises(NotYet):
        check("0.1", chance_loss, raise_on_fail=True)
    with pytest.raises(Exception, match="expected the function"):
        check("0.1", 3)
    with pytest.raises(Exception, match="there is no exercise"):
        check("77", chance_loss)


def test_pick_never_blocks(home, capsys):
    files.sync(home / "exercises")
    assert pick("0.1")(8) == pytest.approx(2.0794415)
    assert "the reference's chance_loss (yours: not started)" in capsys.readouterr().out
    path_of("0.1").write_text(files.solution_text(ALL["0.1"]) + "\nmine = True\n")
    assert pick("0.1").__globals__["mine"]
    assert "your own" in capsys.readouterr().out


def test_notebook_helpers_print(home, capsys):
    for show in (hint, solution):
        show("0.1")
    progress()
    out = capsys.readouterr().out
    assert "(1 of 3)" in out
    assert "def chance_loss" in out
    assert f"0/{len(ALL)}" in out


def test_the_practice_page(home, capsys, monkeypatch):
    replies = iter(["1"] * 200)
    monkeypatch.setattr("builtins.input", lambda prompt="": next(replies))
    code, out, err = learn(capsys, "quiz", "pitfalls")
    assert code == 0, err
    known = json.loads((home / ".miniclip" / "quiz.json").read_text())
    assert len(known) == 4
    monkeypatch.setattr("miniclip.learn.commands.all_exercises", lambda: {"0.1": ALL["0.1"]})
    code, out, _ = learn(capsys, "report", "--quiz", "--format", "junit")
    assert (code, out.count("<testcase")) == (0, 21)
    monkeypatch.setattr("builtins.input", lambda prompt="": "2")
    assert learn(capsys, "cards", "--seed")[0] == 0
    assert len(json.loads((home / ".miniclip" / "cards.json").read_text())["boxes"]) == 9
    for words, file in ((["cards", "--seed", "--print"], "c.pdf"), (["cards", "--print"], "c.html"),
                        (["cards", "--anki"], "c.txt"), (["cheatsheet", "--print"], "s.pdf"),
                        (["cheatsheet", "--print"], "s.md")):  # fmt: skip
        assert learn(capsys, *words, file)[0] == 0
        assert (home / file).stat().st_size > 500
        code, _, err = learn(capsys, *words, file)
        assert code == 2
        assert "exists already" in err
    assert learn(capsys, "cards", "--print", "c.doc")[0] == 2
    assert len(learn(capsys, "cheatsheet")[1].splitlines()) > 30


def test_the_harvest(home, capsys, monkeypatch):
    learn(capsys, "sync")
    monkeypatch.setattr("miniclip.learn.commands.all_exercises", lambda: {"0.1": ALL["0.1"]})
    path_of("0.1").write_text("def chance_loss(n):\n    return n**0.5 + 3.25\n")
    (one,) = json.loads(learn(capsys, "report", "--unmatched")[1])
    assert one["exercise"] == "0.1"
    assert len(one["gave"]) == len(ALL["0.1"].cases)


def test_files_that_python_cannot_read_stop_nothing(home, capsys):
    learn(capsys, "sync")
    path_of("0.1").write_bytes("# l\u00e4nge\ndef chance_loss(n):\n    return 1\n".encode("latin-1"))
    assert learn(capsys, "sync")[0] == 0
    assert learn(capsys, "check", "0.1")[0] == 1
    assert learn(capsys, "reset", "0.1")[0] == 0
    assert path_of("0.1").with_suffix(".py.bak").read_bytes().startswith(b"# l\xe4nge")


def test_reset_takes_the_points_back_and_reports_overwrite_nothing(home, capsys):
    learn(capsys, "sync")
    path_of("0.1").write_text(files.solution_text(ALL["0.1"]))
    assert learn(capsys, "check", "0.1")[0] == 0
    learn(capsys, "reset", "0.1")
    assert "0/180 points" in learn(capsys, "list")[1]
    path_of("0.1").write_text(HALF)
    assert learn(capsys, "report", "--format", "csv", "-o", str(path_of("0.1")))[0] == 2
    assert path_of("0.1").read_text() == HALF
    path_of("0.1").unlink()
    assert "sync" in learn(capsys, "check", "0.1")[1]


def test_a_notebook_function_may_have_another_name(home, capsys):
    def my_loss(n):
        import math

        return math.log(n)

    assert check("0.1", my_loss) == 1.0
    with pytest.raises(Exception, match="with def"):
        check("0.1", lambda n: n)


RIGHT_IN_OTHER_WAYS = {
    "a cached function": """
from functools import lru_cache
@lru_cache
def chance_loss(n):
    return math.log(n)
""",
    "partial application": """
from functools import partial
def times(a, n):
    return a * math.log(n)
chance_loss = partial(times, 1.0)
""",
    "an extra option": """
def chance_loss(n, base=math.e, *, verbose=False):
    return math.log(n, base)
""",
    "a callable object": """
class Loss:
    def __call__(self, n):
        return math.log(n)
chance_loss = Loss()
""",
    "a data class": """
from dataclasses import dataclass
@dataclass
class Batch:
    n: "int"
def chance_loss(n):
    return math.log(Batch(n).n)
""",
}


@pytest.mark.parametrize("style", RIGHT_IN_OTHER_WAYS)
def test_right_answers_in_unusual_clothes_pass(home, capsys, style):
    learn(capsys, "sync")
    path_of("0.1").write_text("from __future__ import annotations\nimport math\n" + RIGHT_IN_OTHER_WAYS[style])
    code, out, _ = learn(capsys, "check", "0.1")
    assert code == 0, out


def test_the_reference_that_was_picked_is_called_by_its_name(course, capsys):
    """Nobody is told of an import that they did not write."""
    picked = pick("4.3")
    capsys.readouterr()
    assert check("4.3", picked) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert 'pick("4.3") has fetched' in said
    assert "imports miniclip" not in said


@pytest.mark.parametrize("guess", ["ln 8", "50 %", True, [1], float("nan")])
def test_a_guess_is_a_number(guess, capsys):
    with pytest.raises(TypeError, match="expected a number"):
        compare(guess, 2.08)
    compare(None, 2.08)
    compare(2, 2.08)
    assert capsys.readouterr().out.splitlines() == ["measured 2.08 (no guess)", "measured 2.08 (you said 2, 0.08 off)"]
