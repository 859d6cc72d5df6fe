"""What differs from the marked solution is said rightly, or not at all."""

import inspect
import re

import pytest

from miniclip.learn import files
from miniclip.learn.beside import side_by_side, what_differs
from miniclip.learn.specs import all_exercises

ALL = all_exercises()
MARKED = {id: files.solution_text(one) for id, one in ALL.items()}
NORMS = """
    I = I / np.linalg.norm(I, axis=1, keepdims=True)
    T = T / np.linalg.norm(T, axis=1, keepdims=True)
    S = scale * I @ T.T
"""
HEAD = "import numpy as np\ndef clip_loss(I, T, scale):" + NORMS
LOOP = """    total = 0.0
    for i in range(len(S)):
        total += np.log(np.exp(S[i]).sum()) - S[i, i]
    return total
"""
# name -> (exercise, file, what is said)
SAID = {
    "the marked one": ("4.3", MARKED["4.3"], "Yours is the marked solution, word for word."),
    "with other names": ("4.3", re.sub(r"\bz\b", "logits", MARKED["4.3"]), "Yours takes the same steps"),
    "with comments": ("4.3", MARKED["4.3"].replace("loss = 0.0", "loss = 0.0  # so far"), "word for word."),
    "a loop": ("4.3", HEAD + LOOP, "Yours has a loop; the marked one only goes through a written-out list."),
    "loops in loops": ("1.2", "def cosine_matrix(A, B):\n    return [[sum(a * b for a, b in zip(u, v))\n"
                       "             for v in B] for u in A]",
                       "Yours has loops in loops, 3 deep; the marked one has none, but one matrix product."),
    "a written-out list": ("4.2", "def log_softmax(z, axis=-1):\n    for shift in (z.max(),):\n        z = z - shift\n"
                                      "    return z - np.log(np.exp(z).sum(axis, keepdims=True))", ""),
    "ready-made": ("4.3", HEAD + "    return 0.5 * (np.logaddexp.reduce(S, 0) + np.logaddexp.reduce(S, 1)).mean()",
                   "Yours leaves the shift by the maximum to logaddexp; the marked one does it by hand."),
    "a part": ("4.3", "from e2_log_softmax import log_softmax\n" + HEAD + "    return -log_softmax(S).mean()",
               "Yours builds on log_softmax; the marked one has everything in one place."),
    "a part that is not used": ("4.3", "from e2_log_softmax import log_softmax\n" + MARKED["4.3"], "word for word."),
    "a helper with a loop": ("4.2", "def total(z):\n    t = 0\n    for x in z:\n        t += x\n    return t\n"
                             "def log_softmax(z, axis=-1):\n    return z - total(z)", "Yours has a loop;"),
    "an unused experiment": ("4.3", MARKED["4.3"] + "\ndef old(z):\n    for x in z: print(x)\n", "word for word"),
    "a hidden loop": ("4.2", "def log_softmax(z, axis=-1):\n    return list(map(abs, z))", ""),
    "no def": ("4.2", "log_softmax = lambda z, axis=-1: z", ""),
}  # fmt: skip


@pytest.mark.parametrize("name", SAID)
def test_what_is_said(name):
    id, text, words = SAID[name]
    said = what_differs(ALL[id], text)
    assert words in said
    assert bool(words) == bool(said)


def as_answer(exercise, function, of):
    """An alternative as a learner would hand it in."""

    def plain(one):
        return re.sub(r"^(@.*\n)+", "", inspect.getsource(one))

    own = re.sub(rf"def {function.__name__}\b", f"def {of}", plain(function), count=1)
    others = [plain(one) for name, one in exercise.solutions.items() if name != of]
    return "import numpy as np\n\n" + "\n\n".join([own, *others])


def spoken_code(text):
    """Without docstrings, in which there may be any words."""
    return re.sub(r'""".*?"""', "", text, flags=re.S)


STYLES = [(id, of, one) for id, exercise in ALL.items() for style in exercise.alternatives for of, one in style.items()]


@pytest.mark.parametrize(("id", "of", "function"), STYLES, ids=lambda x: getattr(x, "__name__", x))
def test_every_claim_about_another_style_is_true(id, of, function):
    """Read off the text, not off the tree."""
    text = as_answer(ALL[id], function, of)
    said = what_differs(ALL[id], text)
    marked, text = spoken_code(MARKED[id]), spoken_code(text)
    loop = re.compile(r"\b(for|while)\b")
    if "Yours has a loop" in said or "loops in loops" in said:
        assert loop.search(text)
    if "the marked one has none" in said:
        assert not loop.search(marked)
    if "written-out list" in said:
        assert re.findall(r"for .* in (.)", marked) == ["("]
    if "one matrix product" in said:
        assert marked.count("@") == 1
    if "Yours has no loop" in said:
        assert not loop.search(text)
        assert loop.search(marked)
    if "logaddexp" in said:
        assert "logaddexp" in text
        assert "logaddexp" not in marked
    if "einsum" in said:
        assert "einsum" in text
        assert "@" in marked
    assert "word for word" not in said
    assert said.count(".") <= 2
    assert len(said) < 160


def test_two_columns_where_they_fit():
    text = side_by_side(ALL["4.2"], MARKED["4.2"], 200)
    assert text.splitlines()[0].split(" | ") == [text.splitlines()[0].split(" | ")[0], "the marked solution"]
    assert all(" |" in line for line in text.splitlines())
    narrow = side_by_side(ALL["4.2"], MARKED["4.2"], 60)
    assert narrow.splitlines()[0] == "--- yours"
    assert '"""' not in narrow
