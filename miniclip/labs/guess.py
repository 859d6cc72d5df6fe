"""Which bug is it? Questions: the evidence of a bug without its name, and beside it that of a healthy CLIP."""

import inspect
import random
from collections.abc import Callable
from dataclasses import dataclass

from .bugs.evidence import GROUPS, signs_of
from .bugs.known import BUGS, broken
from .bugs.plain import FEW

ROUND, CHOICES = 5, 5
APART = 0.1  # of the larger of two signs: what is marked
HOW = "a number, the name, Enter to pass, or q to end"


@dataclass(frozen=True)
class Question:
    """A bug, the names it hides among, and what was measured with and without it, by sign."""

    answer: str
    choices: list[str]
    evidence: dict[str, float]
    healthy: dict[str, float]

    def choice_of(self, reply: str) -> str | None:
        """The name that a reply means, by its number or as it is; None for anything else."""
        if reply.isdecimal() and 1 <= int(reply) <= len(self.choices):
            return self.choices[int(reply) - 1]
        return {name.lower(): name for name in self.choices}.get(reply.lower())

    def to_json(self) -> dict:
        """All of it, and the explanation."""
        return {"evidence": self.evidence, "healthy": self.healthy, "choices": self.choices, "answer": self.answer,
                "explanation": explanation(self.answer)}  # fmt: skip


def all_signs(seed: int, fast: bool) -> dict[str, float]:
    """Everything that can be measured."""
    return {sign: value for group in GROUPS for sign, value in signs_of(group, seed, FEW * fast).items()}


def questions(seed: int, fast: bool = False, tell: Callable[[str], object] = lambda text: None):
    """The questions of a round, one after the other: which bugs and which choices, the seed decides."""
    rng = random.Random(seed)
    hidden = rng.sample(list(BUGS), ROUND)
    tell("a healthy one is trained and measured")
    healthy = all_signs(seed, fast)
    for number, answer in enumerate(hidden, 1):
        choices = rng.sample([name for name in BUGS if name != answer], CHOICES - 1) + [answer]
        rng.shuffle(choices)
        tell(f"question {number} of {ROUND}: one with a bug is trained and measured")
        with broken(answer):
            evidence = all_signs(seed, fast)
        yield Question(answer, choices, evidence, healthy)


def play(asked, ask: Callable[[str], str], say: Callable[[str], object]) -> dict[str, int]:
    """Put questions, and count. Ctrl-C, the end of the input or a reply of "q" ends the round.

    Parameters
    ----------
    asked : iterable of Question
    ask, say : callables
        Show a prompt and return the reply; show a text.

    Returns
    -------
    dict
        How many were `right`, of how many `answered`.
    """
    score = {"right": 0, "answered": 0}
    try:
        for question in asked:
            say(shown(question))
            reply = ask(f"which bug is it? ({HOW}) > ").strip()
            while reply and reply.lower() != "q" and question.choice_of(reply) is None:
                reply = ask(f"{HOW} > ").strip()
            if reply.lower() == "q":
                break
            right = question.choice_of(reply) == question.answer
            score = {"right": score["right"] + right, "answered": score["answered"] + 1}
            say(f"{'right' if right else 'no'}: {question.answer}. {explanation(question.answer)}\n")
    except (EOFError, KeyboardInterrupt):
        say("")
    return score


def shown(question: Question) -> str:
    """The evidence as a table, with a mark where both differ; then the choices."""
    width = max(map(len, question.healthy))
    lines = [f"{'':{width}}{'healthy':>12}{'this one':>12}"]
    for sign, usual in question.healthy.items():
        found = question.evidence[sign]
        mark = "  <" if abs(found - usual) > APART * max(abs(found), abs(usual)) and max(found, usual) > 1e-9 else ""
        lines.append(f"{sign:{width}}{usual:>12.3g}{found:>12.3g}{mark}")
    return "\n".join([*lines, "", *(f"{n}  {name}" for n, name in enumerate(question.choices, 1))])


def explanation(name: str) -> str:
    """What the bug does, how it shows, what catches it, who had it, and its code."""
    bug = BUGS[name]
    said = [bug.what, f"It shows: {bug.symptom.claim} ({bug.symptom.row}).", f"A test fails: {bug.test}"]
    said += [f"Found in public: {bug.threads}"] * bool(bug.threads)
    return "\n".join([*said, *(inspect.getsource(function).rstrip() for function in bug.code[:1])])
