"""Settings of the user's: none of them ends a command, or loses an answer."""

import errno
import json
import os
import shutil
import subprocess
import sys
import warnings

import numpy as np
import pytest
from case import no_flags

import miniclip
from miniclip.app import cli
from miniclip.app.commands import bench
from miniclip.files import storage
from miniclip.learn.files import stub
from miniclip.learn.specs import all_exercises
from miniclip.nn.losses import info_nce_forward


def command(*args, flags=(), cwd=None, typed="", **environment):
    done = subprocess.run([sys.executable, *flags, "-m", "miniclip", *map(str, args)], capture_output=True, cwd=cwd,
                          input=typed.encode(), env=os.environ | environment, check=False)  # fmt: skip
    return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")


@pytest.mark.parametrize("backend", ["nope", "module://nope", "inline", "TkAgg"])
def test_a_backend_of_matplotlib_that_is_not_there(tmp_path, backend):
    """Jupyter names one, and whatever it starts inherits the name."""
    out = ["--out", tmp_path / "z.png", "--json"]
    code, said, err = command("zeroshot", "default", "--classes", "a circle,a star", *out, MPLBACKEND=backend)
    assert (code, err) == (0, "")
    assert '"picture"' in said


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8", "ascii:strict"])
def test_a_sign_that_cannot_be_printed_is_spelled(tmp_path, encoding):
    path = tmp_path / "круг.png"
    shutil.copy(miniclip.EXAMPLE, path)
    classes = ["--classes", "a circle,a star", "--out", tmp_path / "z.png"]
    code, said, _ = command("zeroshot", "default", *classes, path, PYTHONIOENCODING=encoding)
    assert code == 0
    assert ("круг" in said) == (encoding == "utf-8")
    assert (r"\u043a\u0440\u0443\u0433.png" in said) == (encoding != "utf-8")
    code, _, err = command("ask", "default", tmp_path / "звезда.png", "where?", PYTHONIOENCODING=encoding)
    assert code == 3
    assert "Traceback" not in err
    assert "is not a picture" in err
    code, said, err = command("learn", "cheatsheet", PYTHONIOENCODING=encoding)
    assert (code, err) == (0, "")
    assert "CLIP ON ONE PAGE" in said


def test_without_docstrings_the_tasks_are_told(tmp_path):
    """`python -OO` strips them from the modules, not from the files."""
    code = """
import miniclip
from miniclip.app import cli
from miniclip.app.commands import bench
from miniclip.files import storage
from miniclip.learn.files import stub
from miniclip.learn.specs import all_exercises
import sys
assert all_exercises.__doc__ is None
sys.stdout.buffer.write("\\0".join(map(stub, all_exercises().values())).encode())
"""
    done = subprocess.run([sys.executable, "-OO", "-c", code], capture_output=True, check=True)
    assert done.stdout.decode().split("\0") == [stub(exercise) for exercise in all_exercises().values()]
    shown = [command("learn", "show", "4.3", flags=flags, cwd=tmp_path) for flags in ((), ("-OO",))]
    assert shown[0] == shown[1]
    assert len(shown[0][1]) > 500


def test_false_flags_of_a_product_are_no_notes(capsys, monkeypatch):
    """NumPy on Apple's Accelerate warns of products that are right: what comes out decides, and other warnings stay."""

    def run(args):
        for flag in ("divide by zero", "overflow", "invalid value"):
            warnings.warn(f"{flag} encountered in matmul", RuntimeWarning, stacklevel=1)
        warnings.warn("overflow encountered in exp", RuntimeWarning, stacklevel=1)
        return {"answer": 42}

    monkeypatch.setattr(bench, "run", run)
    assert cli.main(["bench", "--json"]) == 0
    out, err = capsys.readouterr()
    assert out == '{"answer": 42}\n'
    assert err == "miniclip: note: overflow encountered in exp\n"


def test_false_flags_hide_no_fault():
    """A product that is not finite is found by its result, where its flag is not asked."""
    with no_flags():
        loss, _ = info_nce_forward(np.array([[np.nan]]), np.ones((1, 1)), 0.0)
    assert np.isnan(loss)
    with pytest.raises(RuntimeWarning, match="overflow encountered in exp"), no_flags():
        np.exp(np.array([1e4]))


@pytest.mark.parametrize("command_line", [
    ["zeroshot", "default", "--classes", "a circle,a star"], ["search", "default", "a red circle"],
    ["caption", "default"], ["explain", "default", "example", "a red circle"],
])  # fmt: skip
@pytest.mark.parametrize("error", [errno.EROFS, errno.EACCES, errno.ENOSPC])
def test_where_no_picture_can_be_written_the_answer_is_given(capsys, tmp_path, monkeypatch, command_line, error):
    """After the answer one line that says so, and the exit code of the disk."""
    monkeypatch.chdir(tmp_path)
    assert cli.main(command_line) == 0
    with_picture = capsys.readouterr().out.splitlines()
    (tmp_path / with_picture[-1].removeprefix("picture: ")).unlink()

    def refused(*args):
        raise OSError(error, os.strerror(error))

    monkeypatch.setattr(storage, "write_synced", refused)
    for more in ([], ["--json"]):
        assert cli.main([*command_line, *more]) == 4
        out, err = capsys.readouterr()
        assert err.startswith("miniclip: the picture could not be written: ")
        assert len(err.splitlines()) == 1
        if more:
            assert json.loads(out)["picture"] is None
        else:
            assert out.splitlines() == with_picture[:-1]
    assert not list(tmp_path.iterdir())
