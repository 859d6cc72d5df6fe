"""`pytest exercises`: one item for each exercise; a failure shows the diagnosis, the end of the run the score."""

import pytest

from miniclip.learn import screen
from miniclip.learn.files import path_of, sync
from miniclip.learn.grade import grade
from miniclip.learn.specs import all_exercises


def pytest_configure(config):
    config.option.doctestmodules = False  # a learner's file is run by the grader, never imported here
    if not hasattr(config, "workerinput"):
        sync(config.rootpath / "exercises")


def pytest_collect_file(file_path, parent):
    for exercise in all_exercises().values():
        if file_path == path_of(exercise, parent.config.rootpath / "exercises"):
            return File.from_parent(parent, path=file_path)
    return None


class File(pytest.File):
    def collect(self):
        for exercise in all_exercises().values():
            if self.path == path_of(exercise, self.config.rootpath / "exercises"):
                yield Item.from_parent(self, name=f"{exercise.id} {exercise.first}")


class NotYet(Exception):
    """An answer that does not pass; its text is what the learner reads."""


class Item(pytest.Item):
    def runtest(self):
        exercise = all_exercises()[self.name.split()[0]]
        result = grade(exercise, self.path)
        self.user_properties += [("points", result.points), ("max_points", result.max_points)]
        if result.status == "not_started":
            pytest.skip("not started")
        if result.status != "pass":
            raise NotYet(screen.verdict(exercise, result))

    def repr_failure(self, excinfo, style=None):
        return str(excinfo.value) if isinstance(excinfo.value, NotYet) else super().repr_failure(excinfo, style)

    def reportinfo(self):
        return self.path, 0, self.name


def pytest_terminal_summary(terminalreporter):
    rows = {}
    for outcome, mark in (("passed", "+"), ("failed", "x"), ("skipped", ".")):
        for report in terminalreporter.stats.get(outcome, []):
            found = dict(report.user_properties)
            if "points" in found:
                module = report.nodeid.split("/")[-2]
                marks, points, most = rows.get(module, ("", 0, 0))
                rows[module] = marks + mark, points + found["points"], most + found["max_points"]
    if not rows:
        return
    terminalreporter.section("score")
    for module, (marks, points, most) in sorted(rows.items()):
        terminalreporter.line(f"{module:18} {marks:16} {points:3}/{most}")
    total, most = (sum(row[i] for row in rows.values()) for i in (1, 2))
    terminalreporter.line(f"{'':18} {'':16} {total:3}/{most} points   (+ right, x not yet, . not started)")
