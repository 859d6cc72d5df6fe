"""What an exercise is: a brief, a solution, cases, and the wrong answers that people give, each with its hint.

A spec file makes one `Exercise` and fills it with decorators:

    exercise = Exercise("0.1", "The loss of knowing nothing", points=1, level=1, minutes=5,
                        use="where it is", hints=(idea, where to look, worked example))

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
import copy
import importlib.util
import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

RTOL, ATOL = 1e-5, 1e-8  # float32 answers are right answers


@dataclass(frozen=True)
class Case:
    """One call: the function's name, and its arguments."""

    name: str
    args: tuple
    function: str


@dataclass(frozen=True)
class Wrong:
    """A misconception: the functions as someone who holds it writes them, and what to tell them."""

    name: str
    functions: dict[str, Callable]
    hint: str


@dataclass(frozen=True)
class Generator:
    """Stands for `numpy.random.default_rng(seed)` among the arguments of a case: a fresh one for each call."""

    seed: int


@dataclass(frozen=True)
class Fixture:
    """Stands for a function among the arguments of a case: "m8.step" is `step` of `miniclip.learn.fixtures_m8`."""

    name: str


@dataclass
class Outcome:
    """What a call did: its value, or the name and message of its exception; and whether it changed its arguments."""

    value: Any = None
    error: str = ""
    message: str = ""
    mutated: bool = False


def written_docstring(node) -> str:
    """The docstring of a syntax tree: it is there also where Python keeps none, as with `python -OO`."""
    return ast.get_docstring(node) or ""


@dataclass
class Exercise:
    """See the module's docstring.

    `level` says how hard it is: 1 a formula to write down, 2 several steps, 3 something to derive. `minutes` is a guess
    at the time of whoever meets it first. `needs` are earlier exercises that it builds on. `use` says in one sentence
    what it is for, and which file of this package has it.
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
    unlikes: dict[str, tuple[str, str]] = field(default_factory=dict)
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

    def case(self, name: str, *args, of: str | None = None) -> None:
        self.cases.append(Case(name, args, of or self.first))

    def unlike(self, case: str, other: str, misconception: str) -> None:
        """Two cases that differ in the random generator alone: whoever gives one value for both did not use it."""
        self.unlikes[case] = other, misconception

    def needs_float64(self, case: str, reason: str) -> None:
        """In this case float32 is no right answer: its numbers are too coarse."""
        self.float64[case] = reason


def prepare(argument):
    """The argument itself, for one call: a copy, a fresh generator, or the fixture function."""
    if isinstance(argument, Generator):
        return np.random.default_rng(argument.seed)
    if isinstance(argument, Fixture):
        module, name = argument.name.split(".")
        return getattr(import_module(f"miniclip.learn.fixtures_{module}"), name)
    return copy.deepcopy(argument)


def load_file(path) -> ModuleType:
    """The module in a file, after running it."""
    found = importlib.util.spec_from_file_location("answer", path)
    if found is None or found.loader is None:
        raise ImportError(f"{path} is not a Python file")
    module = sys.modules["answer"] = importlib.util.module_from_spec(found)  # dataclasses look for it there
    found.loader.exec_module(module)
    return module


def plain(value):
    """Arrays, numbers, strings, None, and lists, tuples and dicts of them; anything else by its type's name."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(plain(item) for item in value)
    if value is None or isinstance(value, bool | int | float | str | np.ndarray | np.generic):
        return value
    if hasattr(value, "detach"):  # a tensor, in the exercise about them
        return value.detach().cpu().numpy()
    return f"<{type(value).__name__}>"


def call(function, args) -> Outcome:
    """Run code that is trusted, in this process: a solution, an oracle, a known wrong answer."""
    given = [prepare(argument) for argument in args]
    before = [prepare(argument) for argument in args]
    try:
        with np.errstate(all="ignore"):
            value = plain(function(*given))
    except Exception as error:
        return Outcome(error=type(error).__name__, message=str(error))
    data = [not isinstance(argument, Generator | Fixture) for argument in args]
    mutated = not all(equal(a, b, 0.0, 0.0) for a, b, kept in zip(given, before, data, strict=True) if kept)
    return Outcome(value, mutated=mutated)


def outcomes(exercise: Exercise, functions: dict[str, Callable]) -> list[Outcome]:
    """One for each case."""
    return [call(functions[case.function], case.args) for case in exercise.cases]


def equal(a, b, rtol: float = RTOL, atol: float = ATOL) -> bool:
    """Are two values the same? Arrays, numbers and lists of numbers by shape and value, NaN equal to NaN."""
    if isinstance(a, dict) or isinstance(b, dict):
        return (isinstance(a, dict) and isinstance(b, dict) and a.keys() == b.keys()
                and all(equal(a[key], b[key], rtol, atol) for key in a))  # fmt: skip
    if isinstance(a, str) or isinstance(b, str) or a is None or b is None:
        return type(a) is type(b) and a == b
    if isinstance(a, list | tuple) and isinstance(b, list | tuple) and not (numeric(a) and numeric(b)):
        return len(a) == len(b) and all(equal(x, y, rtol, atol) for x, y in zip(a, b, strict=True))
    if not (numeric(a) and numeric(b)):
        return False
    x, y = np.asarray(a), np.asarray(b)
    if x.shape != y.shape or (x.dtype == bool) != (y.dtype == bool):
        return False
    return bool(np.allclose(x, y, rtol=rtol, atol=atol, equal_nan=True))


def numeric(value) -> bool:
    """Can NumPy make an array of numbers of it?"""
    try:
        return np.asarray(value).dtype.kind in "biuf"
    except ValueError:  # rows of unequal length
        return False


def same(a: Outcome, b: Outcome) -> bool:
    """The same value, or the same kind of exception; and the same fate of the arguments."""
    return (a.error, a.mutated) == (b.error, b.mutated) and (bool(a.error) or equal(a.value, b.value))


def ok(exercise: Exercise, case: Case, outcome: Outcome, expected: Outcome) -> bool:
    """Is this outcome a right answer to the case?"""
    if case.function in exercise.judges and not outcome.error and not outcome.mutated:
        return exercise.judges[case.function](case.args, outcome.value) is None
    return same(outcome, expected)


def alike(exercise: Exercise, found: list) -> dict[int, str]:
    """The cases with the value of a case that they must be unlike, and the misconception."""
    place = {case.name: i for i, case in enumerate(exercise.cases)}
    repeated = {}
    for case, (other, wrong) in exercise.unlikes.items():
        a, b = found[place[case]], found[place[other]]
        if a and b and not a.error and not b.error and equal(a.value, b.value):
            repeated[place[case]] = wrong
    return repeated


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
    return [
        wrong.name for wrong in exercise.wrongs.values()
        if all(map(same, found, outcomes(exercise, wrong.functions)))
    ]  # fmt: skip
