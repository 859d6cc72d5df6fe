"""Which bug is it? Riddles: the evidence of a bug without its name, and beside it that of a healthy CLIP."""

import inspect
import math
import random
from collections.abc import Callable
from dataclasses import dataclass

from .bugs.evidence import GROUPS, PARTS, curve_of, of_curve, signs_of
from .bugs.known import BUGS, broken
from .bugs.plain import FEW

ROUND, CHOICES = 5, 5
APART, ROUNDING = 0.1, 1e-9  # what is marked: a difference of so much of the larger value, where that is not nothing
WIDTH = 48  # characters of a sign
DRAWN = {*of_curve()[: len(PARTS)]}  # signs that are not listed
BLOCKS = " ▁▂▃▄▅▆▇█"
HOW = "a number, the name, Enter to pass, or q to end"


@dataclass(frozen=True)
class Riddle:
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
                "explanation": told_about(self.answer)}  # fmt: skip


def all_signs(seed: int, fast: bool) -> dict[str, float]:
    """Everything that can be measured."""
    return {sign: value for group in GROUPS for sign, value in signs_of(group, seed, FEW * fast).items()}


def riddles(seed: int, fast: bool = False, tell: Callable[[str], object] = lambda text: None):
    """The riddles of a round, one after the other: which bugs and which choices, the seed decides."""
    rng = random.Random(seed)
    hidden = rng.sample(list(BUGS), ROUND)
    tell("a healthy one is trained and measured")
    healthy = all_signs(seed, fast)
    for number, answer in enumerate(hidden, 1):
        choices = rng.sample([name for name in BUGS if name != answer], CHOICES - 1) + [answer]
        rng.shuffle(choices)
        tell(f"riddle {number} of {ROUND}: one with a bug is trained and measured")
        with broken(answer):
            evidence = all_signs(seed, fast)
        yield Riddle(answer, choices, evidence, healthy)


def play(asked, ask: Callable[[str], str], say: Callable[[str], object]) -> dict[str, int]:
    """Put riddles, and count. Ctrl-C, the end of the input or a reply of "q" ends the round.

    Parameters
    ----------
    asked : iterable of Riddle
    ask, say : callables
        Show a prompt and return the reply; show a text.

    Returns
    -------
    dict
        How many were `right`, of how many `answered`.
    """
    score = {"right": 0, "answered": 0}
    try:
        for riddle in asked:
            say(laid_out(riddle))
            reply = ask(f"which bug is it? ({HOW}) > ").strip()
            while reply and reply.lower() != "q" and riddle.choice_of(reply) is None:
                reply = ask(f"{HOW} > ").strip()
            if reply.lower() == "q":
                break
            right = riddle.choice_of(reply) == riddle.answer
            score = {"right": score["right"] + right, "answered": score["answered"] + 1}
            say(f"{'right' if right else 'no'}: {riddle.answer}. {told_about(riddle.answer)}\n")
    except (EOFError, KeyboardInterrupt):
        say("")
    return score


def differ(found: float, usual: float) -> bool:
    """Are two values of a sign apart by more than rounding and chance?"""
    larger = max(abs(found), abs(usual))
    return larger > ROUNDING and abs(found - usual) > APART * larger


def laid_out(riddle: Riddle) -> str:
    """How the training went; what else is not as usual, marked; which groups of signs are; and the choices."""
    lines, usual = [f"{'':{WIDTH}}{'healthy':>10}{'this one':>10}"], []
    for group, measure in GROUPS.items():
        signs = [sign for sign in riddle.healthy if sign.startswith(f"{group}: ") and sign not in DRAWN]
        odd = {sign for sign in signs if differ(riddle.evidence[sign], riddle.healthy[sign])}
        shown = signs if group == "training" else [sign for sign in signs if sign in odd]
        if shown:
            lines.append(f"{group}: {(measure.__doc__ or '').partition(chr(10))[0]}")
            if group == "training" and riddle.healthy.keys() >= DRAWN:
                lines += [f"    {f'loss, {who}':{WIDTH - 4}}{in_blocks(signs)}"
                          for who, signs in (("healthy", riddle.healthy), ("this one", riddle.evidence))]  # fmt: skip
            lines += [row(sign, riddle, sign in odd) for sign in shown]
        else:
            usual.append(group)
    lines.append(f"as usual: {', '.join(usual)}")
    return "\n".join([*lines, "", *(f"{n}  {name}" for n, name in enumerate(riddle.choices, 1))])


def in_blocks(signs: dict[str, float]) -> str:
    """The curve of the loss, step by step from left to right: a full block is chance, or more."""
    shares = (row["loss"] / row["chance"] for row in curve_of(signs))
    return "".join(BLOCKS[round(8 * min(share, 1.0)) if math.isfinite(share) else 8] for share in shares)


def row(sign: str, riddle: Riddle, odd: bool) -> str:
    """A sign with its two values, and a mark where it is odd."""
    values = (value if abs(value) > ROUNDING else 0.0 for value in (riddle.healthy[sign], riddle.evidence[sign]))
    numbers = "".join(f"{value:>10.3g}" for value in values)
    return f"    {sign.partition(': ')[2]:{WIDTH - 4}}{numbers}{'  <' if odd else ''}"


def told_about(name: str) -> str:
    """What the bug does, how it shows, what catches it, who had it, and its code."""
    bug = BUGS[name]
    said = [bug.what, f"It shows: {bug.symptom.claim} ({bug.symptom.row}).", f"A test fails: {bug.test}"]
    said += [f"Found in public: {bug.threads}"] * bool(bug.threads)
    return "\n".join([*said, *(inspect.getsource(function).rstrip() for function in bug.code[:1])])
