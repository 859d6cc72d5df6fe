"""What belongs to some modules: exercises, lectures, figures, quiz and cards."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ..errors import ConfigError, InputError, quote
from ..learn.cards import Card, load_cards, read
from ..learn.files import MODULES
from ..learn.items import Item, load_quiz
from ..learn.spec import Exercise
from ..learn.specs import all_exercises

CONTENT = Path(__file__).parent / "content"
KINDS = ("figure", "exercise", "quiz", "cards", "talk")
MINUTES = 90  # of a lecture
TORCH = "5.5"  # the exercise that is about PyTorch


@dataclass(frozen=True)
class Step:
    """Some minutes of a lecture: what it is about (`kind`, `of`), and what to do with it."""

    minutes: int
    kind: str
    of: str
    do: str = ""


@dataclass(frozen=True)
class Lecture:
    """See `content/lectures.toml`. `quiz` is what is asked at home; what is asked in class is a step."""

    module: str
    title: str
    question: str
    notebooks: tuple[str, ...]
    topics: tuple[str, ...]
    steps: tuple[Step, ...]
    quiz: tuple[str, ...] = ()

    def of(self, kind: str) -> list[str]:
        """What its steps of a kind are about."""
        return [step.of for step in self.steps if step.kind == kind]


def load_lectures(path=CONTENT / "lectures.toml") -> list[Lecture]:
    """The lectures of a file; a ConfigError names the one that is not right."""
    lectures = []
    for entry in read(path)["lecture"]:
        steps = tuple(lecture_step(step) for step in entry.pop("step"))
        lists = {name: tuple(entry.pop(name, ())) for name in ("notebooks", "topics", "quiz")}
        lecture = Lecture(**{**entry, **lists}, steps=steps)
        minutes = sum(step.minutes for step in steps)
        if minutes != MINUTES:
            raise ConfigError(f"the lecture {quote(lecture.title)} takes {minutes} minutes, expected {MINUTES}")
        lectures.append(lecture)
    return lectures


def lecture_step(entry: dict) -> Step:
    """A step as the file has it."""
    (kind,) = (kind for kind in KINDS if kind in entry)
    return Step(entry["minutes"], kind, entry[kind], entry.get("do", ""))


@dataclass(frozen=True)
class Course:
    """Some modules, in the order of the course."""

    modules: tuple[str, ...]

    @classmethod
    def of(cls, words: str) -> "Course":
        """The modules of a list such as "m4,m5"."""
        asked = [word.strip() for word in words.split(",")]
        unknown = [word for word in asked if word not in MODULES]
        if unknown:
            raise InputError(f"there is no module {quote(unknown[0])}, expected some of {','.join(MODULES)}")
        return cls(tuple(module for module in MODULES if module in asked))

    @property
    def name(self) -> str:
        return ",".join(self.modules)

    @cached_property
    def exercises(self) -> list[Exercise]:
        return [one for one in all_exercises().values() if module_name(one) in self.modules]

    @property
    def points(self) -> int:
        return sum(one.points for one in self.exercises)

    @cached_property
    def lectures(self) -> list[Lecture]:
        return [lecture for lecture in load_lectures() if lecture.module in self.modules]

    @cached_property
    def figures(self) -> list[str]:
        """In the order in which the lectures show them."""
        return distinct(id for lecture in self.lectures for id in lecture.of("figure"))

    @cached_property
    def quiz(self) -> list[Item]:
        asked = {id for lecture in self.lectures for id in (*lecture.of("quiz"), *lecture.quiz)}
        return [item for item in load_quiz() if item.id in asked]

    @cached_property
    def cards(self) -> list[Card]:
        topics = {topic for lecture in self.lectures for topic in lecture.topics}
        return [card for card in load_cards() if card.topic in topics]


def module_name(exercise: Exercise) -> str:
    """m4 of 4.3."""
    return f"m{exercise.id.split('.')[0]}"


def homework(lecture: Lecture, lectures: list[Lecture]) -> list[Exercise]:
    """After the last lecture of a module: its exercises that no lecture begins in class."""
    same = [one for one in lectures if one.module == lecture.module]
    begun = {id for one in same for id in one.of("exercise")}
    every = [one for one in all_exercises().values() if module_name(one) == lecture.module]
    return [one for one in every if one.id not in begun] if lecture is same[-1] else []


def distinct(names: Iterable[str]) -> list[str]:
    """Each once, in the order of their first time."""
    return list(dict.fromkeys(names))
