"""Graded exercises: `check`, `hint`, `solution`, `progress` and `pick` for notebooks; `miniclip learn` in a terminal.

spec.py, specs/   what an exercise is; the fifty of them
verify.py         is an exercise fit to grade?
child.py, wire.py, sandbox.py   a learner's code, in a process of its own
grade.py          from a file to a result and the one thing to say
files.py          stubs and solutions
results.py, report.py, courses.py   results, kept and exported; assignments
screen.py, session.py, commands.py   the terminal
notebook.py       the same in a notebook
items.py, quiz.py, cards.py, practice.py, content/   the practice page
"""

__all__ = ["check", "hint", "pick", "progress", "solution"]


def __getattr__(name: str):
    if name in __all__:
        from . import notebook

        return getattr(notebook, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
