"""`miniclip learn`: one exercise at a time, checked whenever its file is saved."""

import queue
import threading
import time
from pathlib import Path
from typing import Any

from . import screen
from .files import path_of, solution_text, sync
from .grade import grade
from .results import load_progress, remember
from .spec import Exercise
from .specs import all_exercises

POLL_SECONDS = 0.3  # by looking, not by inotify, which is silent on network drives, WSL and Docker


class Session:
    """Where the learner stands: the exercise, the rungs seen; `command` reacts to a key, `saved` to a saved file."""

    def __init__(self, folder: Path, say):
        self.folder, self.say, self.rungs = folder, say, dict[str, int]()
        self.exercises = all_exercises()
        self.known = load_progress(folder)
        self.exercise: Any = self.next_open()  # None when all pass

    def next_open(self, after: str = "") -> Exercise | None:
        """The first exercise not passed after this one, then from the start again."""
        ids = list(self.exercises)
        start = ids.index(after) + 1 if after else 0
        for id in ids[start:] + ids[:start]:
            if self.known.get(id, {}).get("status") != "pass" and id != after:
                return self.exercises[id]
        return None

    @property
    def path(self) -> Path:
        return path_of(self.exercise, self.folder)

    def show(self) -> None:
        """The task, or that there is none left."""
        if self.exercise is None:
            self.say(f"All exercises pass. {screen.score(self.known, self.exercises)}")
        else:
            self.say(screen.brief(self.exercise, self.path))
            self.menu()

    def menu(self) -> None:
        seen = self.rungs.get(self.exercise.id, 0)
        self.say(f"{screen.keys(seen)}\n  {screen.score(self.known, self.exercises)}")

    def saved(self) -> None:
        """Check the file, say what came out."""
        result = grade(self.exercise, self.path)
        self.known = remember([result], self.folder)
        self.say(screen.verdict(self.exercise, result))
        self.menu()

    def command(self, key: str) -> bool:
        """React to what was typed; False to stop."""
        if key == "q":
            self.say("Everything is saved: `miniclip learn` goes on from here.")
            return False
        if key == "h":
            number = self.rungs.get(self.exercise.id, 0) % 3
            self.rungs[self.exercise.id] = number + 1
            self.say(screen.rung(self.exercise, number))
        elif key == "s":
            self.say(solution_text(self.exercise))
        elif key == "n":
            self.exercise = self.next_open(self.exercise.id) or self.exercise
            self.show()
        elif key == "":
            self.saved()
        else:
            self.menu()
        return True


def listen(ask) -> queue.Queue:
    """What is typed, a line at a time, without waiting for it; None at the end of the input."""
    lines: queue.Queue = queue.Queue()

    def hear():
        while True:
            try:
                lines.put(ask().strip().lower()[:1])
            except Exception:  # the end of the input, or no input at all: whoever waits for a line must hear of it
                lines.put(None)
                return

    threading.Thread(target=hear, daemon=True).start()
    return lines


def watch(folder: Path, ask, say) -> int:
    """The dialogue, until q or the end of the input; the exit code."""
    if made := sync(folder):
        say(f"{len(made)} files made or renewed in {folder}")
    session = Session(folder, say)
    session.show()
    if session.exercise is None:
        return 0
    seen = stamp(session.path)  # before anyone can answer: what is saved from now on is seen
    lines = listen(ask)
    while True:
        try:
            key = lines.get(timeout=POLL_SECONDS)
        except queue.Empty:
            now = stamp(session.path)
            if now != seen:
                time.sleep(0.05)  # an editor may still be writing
                seen = stamp(session.path)
                session.saved()
            continue
        path, seen = session.path, stamp(session.path)  # before the command: what is saved meanwhile is seen after it
        if key is None:
            say("The input is at its end. Everything is saved: `miniclip learn` goes on from here.")
        if key is None or not session.command(key):
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
