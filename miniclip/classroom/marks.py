"""Marks for a learning platform: its own list of learners, with a column of points for each module."""

import csv
import io
from collections.abc import Iterable
from pathlib import Path

from ..errors import InputError, quote
from ..machine.disk import read_file, reason
from .course import Course, module_name

CANVAS = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
MOODLE = ("Username", "ID number", "Email address")
POSSIBLE = "    Points Possible"  # the line below the header in which Canvas keeps what an assignment is worth


def columns_of(course: Course) -> dict[str, int]:
    """The name of each column of points, and what it is worth."""
    return {f"miniclip {module}": sum(one.points for one in course.exercises if module_name(one) == module)
            for module in course.modules}  # fmt: skip


def canvas_template(course: Course) -> str:
    """The file for Canvas without learners."""
    return table_file(CANVAS, [], course)


def moodle_template(course: Course) -> str:
    """The file for Moodle without learners."""
    return table_file(MOODLE, [], course)


def marks(course: Course, people: dict[str, dict], roster: list[dict[str, str]]) -> tuple[str, list[str]]:
    """Put points into a list of learners.

    Parameters
    ----------
    course : Course
        Whose modules count.
    people : dict
        Name -> results, as `report.load_class` reads them. A name is a learner's login, number or e-mail address.
    roster : list of dict
        The learners, as the platform exports them.

    Returns
    -------
    (text, unknown)
        The file; and the names that no learner of the roster has. Who has no results has empty cells.
    """
    columns = CANVAS if "Student" in roster[0] else tuple(name for name in MOODLE if name in roster[0])
    by_key = {key: row for row in roster for key in keys_of(row)}
    rows, unknown = {id(row): dict(row) for row in roster}, []
    for name, results in people.items():
        row = by_key.get(name.casefold())
        if row is None:
            unknown.append(name)
        else:
            rows[id(row)] |= {column: str(points) for column, points in points_of(results, course).items()}
    return table_file(columns, list(rows.values()), course), unknown


def points_of(results: dict, course: Course) -> dict[str, int]:
    """Points by column, of the course's exercises only."""
    points = {one["id"]: one["points"] for one in results["exercises"]}
    return {f"miniclip {module}": sum(points.get(one.id, 0) for one in course.exercises if module_name(one) == module)
            for module in course.modules}  # fmt: skip


def keys_of(row: dict[str, str]) -> Iterable[str]:
    """How the results of a learner may be called."""
    for name in (*CANVAS[1:4], *MOODLE):
        value = (row.get(name) or "").strip().casefold()
        if value:
            yield value
            if "@" in value:
                yield value.split("@")[0]


def read_roster(path: Path) -> list[dict[str, str]]:
    """A platform's list of learners; an InputError if it has none of the columns that we know them by."""
    try:
        text = read_file(path).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{quote(path)} cannot be read ({reason(error)}): expected a CSV file") from error
    rows = [row for row in csv.DictReader(io.StringIO(text)) if (row.get("Student") or "").strip() != POSSIBLE.strip()]
    if not rows or not set(rows[0]) & {*CANVAS[1:4], *MOODLE}:
        known = f"columns such as {quote(CANVAS[3])} or {quote(MOODLE[2])}"
        raise InputError(f"{quote(path)} lists no learners: expected what Canvas or Moodle exports, with {known}")
    return rows


def table_file(columns: Iterable[str], rows: list[dict], course: Course) -> str:
    """The file; for Canvas with what the columns are worth."""
    worth = columns_of(course)
    possible = [{"Student": POSSIBLE, **worth}] if "Student" in columns else []
    text = io.StringIO()
    writer = csv.DictWriter(text, [*columns, *worth], restval="", extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows([*possible, *rows])
    return text.getvalue()
