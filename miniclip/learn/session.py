"""`miniclip learn`: one exercise at a time, checked whenever its file is saved."""

import queue
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path

from ..errors import ConfigError, MiniclipError, quote
from . import beside, screen
from .files import path_of, solution_text, sync
from .grade import grade
from .kept import hints_seen, next_hint
from .results import load_progress, remember
from .rewards import has_reward, show_in_terminal
from .spec import Exercise
from .specs import all_exercises

POLL_SECONDS = 0.3  # by looking, not by inotify, which is silent on network drives, WSL and Docker
PLACE = re.compile(r"m?[0-9]+([.][0-9]*)?")  # what looks like a number or a module


def named(word: str) -> list[Exercise]:
    """The exercises of a word: 4.3 or m4; a ConfigError where there are none."""
    found = [one for id, one in all_exercises().items() if word in (id, f"m{id.split('.')[0]}")]
    if not found:
        raise ConfigError(f"there is no exercise {quote(word)}, expected a number such as 4.3, or a module such as m4")
    return found


class Session:
    """Where the learner stands: the exercise and what is known of it; `command` reacts to a word."""

    def __init__(self, folder: Path, say: Callable, place: str = "", checked: str = "saving it checks it."):
        self.folder, self.say, self.checked = folder, say, checked
        self.exercises = all_exercises()
        self.known = load_progress(folder)
        self.exercise: Exercise | None = self.first_open(named(place)) if place else self.next_open()

    def is_open(self, id: str) -> bool:
        return self.known.get(id, {}).get("status") != "pass"

    def first_open(self, some: list[Exercise]) -> Exercise:
        """The first of some exercises that does not pass; of those that all do, the first."""
        return next((one for one in some if self.is_open(one.id)), some[0])

    def next_open(self, after: str = "") -> Exercise | None:
        """The first exercise not passed after this one, then from the start again."""
        ids = list(self.exercises)
        start = ids.index(after) + 1 if after else 0
        return next((self.exercises[id] for id in ids[start:] + ids[:start] if self.is_open(id) and id != after), None)

    @property
    def at(self) -> Exercise:
        """The exercise at hand."""
        assert self.exercise
        return self.exercise

    @property
    def path(self) -> Path:
        return path_of(self.at, self.folder)

    def show(self) -> None:
        """The task, or that there is none left."""
        if self.exercise is None:
            self.say(f"All exercises pass. {screen.score(self.known, self.exercises)}")
        else:
            self.say("\n" + screen.brief(self.exercise, self.path, self.checked) + "\n")
            self.menu()

    def menu(self) -> None:
        """What can be typed, and the score."""
        id, record = self.at.id, self.known.get(self.at.id, {})
        keys = screen.keys(
            hints_seen(id, self.folder), bool(record.get("failing")), not self.is_open(id), has_reward(id)
        )
        self.say(f"{keys}\n  {screen.score(self.known, self.exercises)}")

    def saved(self) -> None:
        """Check the file, say what came out; of an answer that passes for the first time, beside the marked one."""
        result, first = grade(self.at, self.path), self.is_open(self.at.id)
        self.known = remember([result], self.folder)
        passes = result.status == "pass"
        if passes and first:
            self.compare()
        differs = beside.what_differs_in(self.at, self.path) if passes else ""
        self.say("\n" + screen.verdict(self.at, result, differs))
        self.menu()

    def compare(self) -> None:
        self.say("\n" + beside.in_terminal(self.at, self.path))

    def command(self, word: str) -> bool:
        """React to what was typed; False to stop."""
        key, id = word[:1], self.at.id
        if key == "q":
            self.say("Everything is saved: `miniclip learn` goes on from here.")
            return False
        if PLACE.fullmatch(word):
            self.go(word)
        elif key == "h":
            self.say("\n" + screen.rung(self.at, next_hint(id, self.folder)))
        elif key == "i":
            record = self.known.get(id, {})
            self.say("\n" + screen.case_text(record.get("failing", ""), record.get("said", "")))
        elif key == "s" and self.is_open(id):
            self.say(solution_text(self.at))
        elif key == "s":
            self.compare()
        elif key == "r":
            self.reward()
        elif key == "l":
            self.say("\n" + screen.places(self.known, self.exercises, id))
        elif key == "n":
            self.exercise = self.next_open(id) or self.exercise
            self.show()
        elif key == "":
            self.saved()
        else:
            self.menu()
        return True

    def go(self, place: str) -> None:
        """Go to an exercise, or to the first open one of a module."""
        try:
            self.exercise = self.first_open(named(place))
            self.show()
        except ConfigError as error:
            self.say(f"  {error}")

    def reward(self) -> None:
        """The learner's function at work; what hinders that is said."""
        try:
            show_in_terminal(self.at.id, self.folder, self.say)
        except MiniclipError as error:
            self.say("\n".join(screen.wrapped(f"{error}.")))
        self.menu()


def listen(ask) -> queue.Queue:
    """What is typed, a line at a time, without waiting for it; None at the end of the input."""
    lines: queue.Queue = queue.Queue()

    def hear():
        while True:
            try:
                lines.put(ask().strip().lower())
            except Exception:  # the end of the input, or no input at all: whoever waits for a line must hear of it
                lines.put(None)
                return

    threading.Thread(target=hear, daemon=True).start()
    return lines


def watch(folder: Path, ask, say, place: str = "", looking: bool = True) -> int:
    """The dialogue, until q or the end of the input; the exit code. Without `looking`, only Enter checks the file."""
    if made := sync(folder):
        say(f"{len(made)} files made or renewed in {folder}")
    session = Session(folder, say, place, "saving it checks it." if looking else "Enter checks it.")
    session.show()
    if session.exercise is None:
        return 0
    seen = stamp(session.path)  # before anyone can answer: what is saved from now on is seen
    lines = listen(ask)
    while True:
        try:
            word = lines.get(timeout=POLL_SECONDS if looking else None)
        except queue.Empty:
            now = stamp(session.path)
            if now != seen:
                time.sleep(0.05)  # an editor may still be writing
                seen = stamp(session.path)
                session.saved()
            continue
        path, seen = session.path, stamp(session.path)  # before the command: what is saved meanwhile is seen after it
        if word is None:
            say("The input is at its end. Everything is saved: `miniclip learn` goes on from here.")
        if word is None or not session.command(word):
            return 0 if session.next_open() is None else 1
        if session.path != path:
            seen = stamp(session.path)


def stamp(path: Path) -> tuple:
    """Changes when the file does."""
    try:
        status = path.stat()
        return status.st_mtime_ns, status.st_size
    except OSError:
        return ()
