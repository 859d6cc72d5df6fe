"""Graded exercises: `check`, `hint`, `solution`, `progress` and `pick` in notebooks; `miniclip learn` in a terminal.

spec.py, specs/   what an exercise is; the fifty of them
verify.py         is an exercise fit to grade?
child.py, wire.py, sandbox.py   a learner's code, in a process of its own
grade.py          from a file to a result and the one thing to say
files.py          stubs and solutions
results.py, report.py, courses.py   results, kept and exported; assignments
screen.py, session.py, commands.py   the terminal
notebook.py       the same in a notebook
lesson.py         what else the notebooks use: source, compare, explore, FAST
items.py, quiz.py, cards.py, practice.py, content/   the practice page
"""

__all__ = ["FAST", "check", "compare", "explore", "hint", "pick", "progress", "solution", "source"]


def __getattr__(name: str):
    if name in __all__:
        from . import lesson, notebook

        return getattr(lesson if hasattr(lesson, name) else notebook, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
