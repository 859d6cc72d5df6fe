"""What an exercise is: a brief, a solution, cases, and the wrong answers that people give, each with its hint.

A spec file makes one `Exercise` and fills it with decorators:

    exercise = Exercise("0.1", "The title", points=1, level=1, minutes=5, use="what for", hints=(idea, where, example))

    @exercise.solution            the function the learner writes: its signature and docstring become the stub
    @exercise.oracle              slow and independent: loops, or another formula
    @exercise.also_right          correct in another style: must pass
    @exercise.wrong("hint")       what someone got wrong and the next step, as the values themselves are told before it
    @exercise.judge               instead of comparing values: (args, value) -> None, a misconception, or a sentence
    exercise.case("name", *args)
    exercise.unlike("name", "other", "wrong")   the value of one case must not be that of the other
    exercise.needs_float64("name", "reason")    everywhere else, the solution in float32 must pass, too
"""

import ast
import inspect
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from .values import Drawn, Fixture, Generator, equal, numeric, plain, prepare, size  # noqa: F401  # a spec needs one door


@dataclass(frozen=True)
class Case:
    """One call: the function's name, and its arguments."""

    name: str
    args: tuple
    function: str
    memory: int = 0  # bytes that the call may hold at once; 0 for any number


@dataclass(frozen=True)
class Wrong:
    """A misconception: the functions as someone who holds it writes them, and what to tell them."""

    name: str
    functions: dict[str, Callable]
    hint: str


@dataclass
class Outcome:
    """What a call did: its value, or the name and message of its exception; whether it changed its arguments."""

    value: Any = None
    error: str = ""
    message: str = ""
    mutated: bool = False
    peak: int = 0  # bytes, where they are counted


def written_docstring(node) -> str:
    """The docstring of a syntax tree: it is there also where Python keeps none, as with `python -OO`."""
    return ast.get_docstring(node) or ""


@dataclass
class Exercise:
    """See the module's docstring; of the level, 1 is a formula to write down, 2 several steps, 3 something to derive.

    `minutes` is a guess, `needs` are earlier exercises that it builds on, and `use` says in one sentence what it is for
    and which file of this package has it.
    """

    id: str
    title: str
    points: int
    hints: tuple[str, str, str]
    level: int = 1
    minutes: int = 10
    needs: tuple[str, ...] = ()
    use: str = ""
    solutions: dict[str, Callable] = field(default_factory=dict)
    oracles: dict[str, Callable] = field(default_factory=dict)
    alternatives: list[dict[str, Callable]] = field(default_factory=list)
    wrongs: dict[str, Wrong] = field(default_factory=dict)
    cases: list[Case] = field(default_factory=list)
    judges: dict[str, Callable] = field(default_factory=dict)
    unlikes: dict[int, tuple[int, str]] = field(default_factory=dict)
    float64: dict[str, str] = field(default_factory=dict)
    module: str = ""

    def __post_init__(self):
        self.module = inspect.stack()[2].frame.f_globals["__name__"]

    @property
    def brief(self) -> str:
        """The docstring of the spec file."""
        file = inspect.getfile(next(iter(self.solutions.values())))
        return written_docstring(ast.parse(Path(file).read_text(encoding="utf-8")))

    @property
    def effort(self) -> str:
        """How hard it is, how long it takes and what it builds on, in one line."""
        needs = f", builds on {' and '.join(self.needs)}" if self.needs else ""
        return f"Level {self.level} of 3, about {self.minutes} minutes{needs}."

    @property
    def first(self) -> str:
        return next(iter(self.solutions))

    def solution(self, function):
        self.solutions[function.__name__] = function
        return function

    def oracle(self, of):
        """`@exercise.oracle`, or with several functions `@exercise.oracle("the one it checks")`; so the next two."""
        return self.marked(of, self.oracles.__setitem__)

    def also_right(self, of):
        return self.marked(of, lambda name, style: self.alternatives.append({name: style}))

    def judge(self, of):
        return self.marked(of, self.judges.__setitem__)

    def marked(self, of, keep: Callable):
        """Keep a decorated function under the name of the one it is about."""
        name = self.first if callable(of) else of

        def add(decorated):
            keep(name, decorated)
            return decorated

        return add(of) if callable(of) else add

    def wrong(self, hint: str, of: str | None = None, also: dict[str, Callable] | None = None, name: str = ""):
        """`of`: the function that it gets wrong; `also`: others that the same misconception gets wrong."""

        def add(function):
            functions = self.solutions | {of or self.first: function} | (also or {})
            wrong = Wrong(name or function.__name__, functions, " ".join(hint.split()))
            self.wrongs[wrong.name] = wrong
            return function

        return add

    def case(self, name: str, *args, of: str | None = None, memory: int = 0) -> None:
        """`memory`: the bytes that the call may hold at once, arguments not counted."""
        self.cases.append(Case(name, args, of or self.first, memory))

    def unlike(self, case: str, other: str, misconception: str) -> None:
        """Two cases that differ in the random generator alone: whoever gives one value for both did not use it."""
        names = [one.name for one in self.cases]
        self.unlikes[names.index(case)] = names.index(other), misconception

    def needs_float64(self, case: str, reason: str) -> None:
        """In this case float32 is no right answer: its numbers are too coarse."""
        self.float64[case] = reason


def call(function, case: Case) -> Outcome:
    """Run code that is trusted, in this process: a solution, an oracle, a known wrong answer."""
    given = [prepare(argument) for argument in case.args]
    before = [prepare(argument) for argument in case.args]
    try:
        with np.errstate(all="ignore"):
            if case.memory:
                function(*map(prepare, case.args))  # what it loads is not counted
                tracemalloc.start()
            value = plain(function(*given))
        peak = tracemalloc.get_traced_memory()[1]
    except Exception as error:
        return Outcome(error=type(error).__name__, message=str(error))
    finally:
        tracemalloc.stop()
    data = [not isinstance(argument, Generator | Fixture) for argument in case.args]
    mutated = not all(equal(a, b, 0.0, 0.0) for a, b, kept in zip(given, before, data, strict=True) if kept)
    return Outcome(value, mutated=mutated, peak=peak)


def outcomes(exercise: Exercise, functions: dict[str, Callable]) -> list[Outcome]:
    """One for each case."""
    return [call(functions[case.function], case) for case in exercise.cases]


def same(a: Outcome, b: Outcome) -> bool:
    """The same value, or the same kind of exception; and the same fate of the arguments."""
    return (a.error, a.mutated) == (b.error, b.mutated) and (bool(a.error) or equal(a.value, b.value))


def hoards(case: Case, outcome: Outcome) -> bool:
    """Did it hold more memory at once than the case allows?"""
    return bool(case.memory) and outcome.peak > case.memory


def ok(exercise: Exercise, case: Case, outcome: Outcome, expected: Outcome) -> bool:
    """Is this outcome a right answer to the case?"""
    if case.function in exercise.judges and not outcome.error and not outcome.mutated:
        return exercise.judges[case.function](case.args, outcome.value) is None
    return same(outcome, expected) and not hoards(case, outcome)


def alike(exercise: Exercise, found: list) -> dict[int, str]:
    """The places of the cases that gave what another gave and must not, and the misconception."""
    given = [outcome and not outcome.error and [outcome.value] for outcome in found]
    return {i: wrong for i, (other, wrong) in exercise.unlikes.items() if given[i] and equal(given[i], given[other])}


def verdicts(exercise: Exercise, found: list, expected: list[Outcome]) -> list[bool]:
    """Which cases have a right answer; what never came is None, and no answer."""
    same_again = alike(exercise, found)
    return [
        outcome is not None and i not in same_again and ok(exercise, case, outcome, right)
        for i, (case, outcome, right) in enumerate(zip(exercise.cases, found, expected, strict=True))
    ]


def misconceptions(exercise: Exercise, found: list[Outcome], expected: list[Outcome]) -> list[str]:
    """The misconceptions that give exactly these outcomes on every case, or that a judge or `unlike` names."""
    named = []
    for case, outcome in zip(exercise.cases, found, strict=True):
        if case.function in exercise.judges and not outcome.error:
            verdict = exercise.judges[case.function](case.args, outcome.value)
            named += [verdict] if verdict in exercise.wrongs else []
    if named:
        return list(dict.fromkeys(named))[:1]
    if repeated := alike(exercise, found):
        return list(repeated.values())[:1]
    if all(verdicts(exercise, found, expected)):
        return []
    return [wrong.name for wrong in exercise.wrongs.values()
            if all(map(fits, exercise.cases, found, outcomes(exercise, wrong.functions), expected))]  # fmt: skip


def fits(case: Case, found: Outcome, wrong: Outcome, right: Outcome) -> bool:
    """Is it what a misconception gives? Memory tells only right values apart: a wrong value is the larger error."""
    return same(found, wrong) and (not same(found, right) or hoards(case, found) == hoards(case, wrong))


def probable(exercise: Exercise, found: list[Outcome], expected: list[Outcome]) -> str:
    """The misconception that fits all cases but a degenerate one, if no other does so too; otherwise nothing.

    Degenerate is a case with fewer numbers than one that went wrong in the misconception's way: people treat the empty
    and the single in ways of their own, so that such a case says little.
    """
    failing = [not ok(exercise, *one) for one in zip(exercise.cases, found, expected, strict=True)]
    likely = []
    for wrong in exercise.wrongs.values():
        fit = list(map(fits, exercise.cases, found, outcomes(exercise, wrong.functions), expected))
        sizes = [[size(case.args) for case, *one in zip(exercise.cases, fit, failing, strict=True) if one == wanted]
                 for wanted in ([False, True], [True, True])]  # fmt: skip
        if fit.count(False) == 1 and sizes[0] and max(sizes[0]) < max(sizes[1], default=0):
            likely.append(wrong.name)
    return likely[0] if len(likely) == 1 else ""
