"""The folder: made beside its place, moved there when all of it is done, and gone if something stops the work."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from .. import __version__
from ..errors import CheckpointError, DataError, Interrupted, quote
from ..figures.cards import cards_pdf
from ..figures.deck import deck, titles
from ..learn.cards import anki_text, html_page
from ..learn.files import path_of
from ..machine.disk import as_folder, check_writable, reason
from ..machine.signals import on_stop
from .archive import WHEEL, is_script, wheel
from .course import CONTENT, Course
from .marks import canvas_template, moodle_template
from .moodle import moodle_xml
from .nbgrader import nbgrader_files
from .paper import notes, plan, quiz_key, quiz_paper, solved
from .platforms import github_files, gradescope_zip, prairielearn_files
from .qti import qti_package
from .text import exercise_files

Files = dict[str, bytes]


def below(folder: str, files: Files) -> Files:
    """The same files in a folder."""
    return {f"{folder}/{name}": content for name, content in files.items()}


def slide_files(course: Course) -> Files:
    """The figures of the lectures, in one PDF and one by one, with notes."""
    pdf, pages = deck([(one.title, one.question, one.of("figure")) for one in course.lectures])
    files = {"slides.pdf": pdf, "notes.html": notes(pages)}
    for one in pages:
        files |= {f"{one.file}.svg": one.svg, f"{one.file}.csv": one.csv}
    return below("slides", files)


def card_files(course: Course) -> Files:
    """The flashcards for printing, for the screen, and for Anki."""
    with tempfile.TemporaryDirectory() as folder:
        cards_pdf(course.cards, Path(folder, "cards.pdf"))
        pdf = Path(folder, "cards.pdf").read_bytes()
    return below("cards", {"cards.pdf": pdf, "cards.html": html_page(course.cards).encode(),
                           "anki.txt": anki_text(course.cards).encode()})  # fmt: skip


def quiz_files(course: Course) -> Files:
    """The quiz on paper and for learning platforms."""
    title = f"miniclip {course.name}"
    return below("quiz", {"quiz.html": quiz_paper(course), "quiz_qti21.zip": qti_package(course.quiz, title),
                          "quiz_moodle.xml": moodle_xml(course.quiz)})  # fmt: skip


def solution_files(course: Course) -> Files:
    """What learners do not get."""
    files = {path_of(one, Path()).as_posix(): solved(one) for one in course.exercises}
    return below("solutions", files | {"quiz_key.html": quiz_key(course)})


# What a pack has, part by part.
PARTS: dict[str, Callable[[Course], Files]] = {
    "exercises": lambda course: below("exercises", exercise_files(course) | {WHEEL: wheel()}),
    "Gradescope": lambda course: {"graders/gradescope.zip": gradescope_zip(course)},
    "nbgrader": lambda course: below("graders/nbgrader", nbgrader_files(course)),
    "PrairieLearn": lambda course: below("graders/prairielearn", prairielearn_files(course)),
    "GitHub Classroom": lambda course: below("graders/github", github_files(course)),
    "quiz": quiz_files,
    "cards": card_files,
    "plan": lambda course: {"plan.html": plan(course, titles())},
    "slides": slide_files,
    "solutions": solution_files,
    "marks": lambda course: {"marks/canvas.csv": canvas_template(course).encode(),
                             "marks/moodle.csv": moodle_template(course).encode()},
    "read me": lambda course: {"README.md": read_me(course).encode()},
}  # fmt: skip


def read_me(course: Course) -> str:
    """What is in the pack, and how each part is used."""
    text = (CONTENT / "pack.md").read_text(encoding="utf-8")
    rows = "\n".join(f"| {one.id} | {one.title} | {one.points} |" for one in course.exercises)
    shown = sum(1 + len(one.of("figure")) for one in course.lectures)
    counts = {"points": course.points, "count": len(course.exercises), "quiz": len(course.quiz), "slides": shown,
              "cards": len(course.cards), "lectures": len(course.lectures)}  # fmt: skip
    words = {"modules": course.name, "version": __version__, "wheel": WHEEL, "exercises": rows}
    for key, value in {**counts, **words}.items():
        text = text.replace(f"@{key}@", str(value))
    return text


def class_pack(course: Course, out, bar: Callable[[Iterable[str]], Iterable[str]] = list) -> list[str]:
    """Make a class pack.

    Parameters
    ----------
    course : Course
    out : str or Path
        A folder that is not there yet.
    bar : callable
        Shows how far the parts are: gives back the names it gets, one by one.

    Returns
    -------
    list of str
        The names of its files, below the folder.

    Raises
    ------
    DataError
        If something is there already.
    FileError
        If nothing can be written there.
    Interrupted
        If a signal stopped it; then there is no folder.
    """
    target = as_folder(out)
    if os.path.lexists(target):
        raise DataError(f"{quote(target)} exists already: choose a new folder")
    if not target.parent.is_dir():
        raise DataError(f"{quote(target)}: there is no folder {quote(target.parent)}: make it first")
    check_writable(target.parent, target.name)

    def stop(number: int):
        raise Interrupted(number, f"stopped; {quote(target)} was not made")

    with on_stop(stop):
        staged = Path(tempfile.mkdtemp(prefix=f".{target.name[:50]}.", dir=target.parent))
        try:
            names = [name for part in bar(PARTS) for name in write_files(staged, PARTS[part](course))]
            staged.chmod(0o755)
            os.rename(staged, target)
        except OSError as error:
            raise CheckpointError(
                f"{quote(target)} could not be written ({reason(error)}): choose another place"
            ) from error
        finally:
            with on_stop(lambda number: None):
                shutil.rmtree(staged, ignore_errors=True)
    return names


def write_files(folder: Path, files: Files) -> list[str]:
    """Write files below a folder; returns their names. Scripts can be run."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(0o755 if is_script(content) else 0o644)
    return list(files)
