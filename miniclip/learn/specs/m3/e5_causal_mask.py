"""Make the mask that hides the future from every word.

A text tower reads from left to right: when it works on token i it may look at token i itself and at all tokens before
it, never at a later one. Row i of the mask belongs to the token that looks, column j to the token that is looked at.

Return a table of n rows and n columns with the truth values True (may look) and False (may not), not with numbers. It
works for a caption of one token, too.
"""

import numpy as np

from miniclip.learn.spec import Exercise

exercise = Exercise(
    "3.5", "The causal mask", points=2, level=1, minutes=5, needs=("3.4",),
    use="`causal_mask` in models/text.py lets a text tower, and every language model, read from left to right.",
    hints=(
        "Ask of every place (i, j): has token j already been read when token i is at work?",
        "Compare positions: a column of row numbers against a row of column numbers gives the whole table at once. "
        "NumPy also has a function for triangles. Mind the diagonal, and the type.",
        "For two tokens: the first sees itself only, [True, False]; the second sees both, [True, True].",
    ),
)  # fmt: skip


@exercise.solution
def causal_mask(n):
    """Which token may look at which: itself and the past.

    n: the number of tokens -> (n, n) bool, row i for the token that looks
    """
    position = np.arange(n)
    return position[:, None] >= position


@exercise.oracle
def place_by_place(n):
    mask = np.zeros((n, n), bool)
    for i in range(n):
        for j in range(n):
            mask[i, j] = not j > i
    return mask


@exercise.also_right
def with_lists(n):
    return [[j <= i for j in range(n)] for i in range(n)]


@exercise.also_right
def with_tri(n):
    return np.tri(n, dtype=bool)


@exercise.also_right
def with_a_running_or(n):
    return np.logical_or.accumulate(np.eye(n, dtype=bool), axis=0)


@exercise.wrong("""Your diagonal is False, so row 0 is empty. A token may look at itself. Otherwise the first one has
nothing to read, and its softmax divides 0 by 0.""")
def excludes_self(n):
    return np.tri(n, k=-1, dtype=bool)


@exercise.wrong("""Row 0 sees everything: you opened the future and hid the past. True belongs on and below the
diagonal.""")
def upper(n):
    return np.triu(np.ones((n, n), bool))


@exercise.wrong("""Your True marks what is forbidden. Some libraries do it so; here True allows. Turn every entry round;
the axes are fine.""")
def true_means_hidden(n):
    return ~np.tri(n, dtype=bool)


@exercise.wrong("Token 0 sees token 1, the word that it must predict, so the answer leaks. Stop at the diagonal.")
def one_ahead(n):
    return np.tri(n, k=1, dtype=bool)


@exercise.wrong("""Nothing is hidden, but token 0 may see no later token. Keep True only where the column is not past
the row.""")
def all_ones(n):
    return np.ones((n, n), bool)


@exercise.wrong("""Every token sees itself and nothing more, so no word knows its sentence. Row 1 needs the tokens 0 and
1: open the past.""")
def only_self(n):
    return np.eye(n, dtype=bool)


@exercise.wrong("""A token sees itself and one token before it. The whole past is allowed, however long ago. Fill
everything below the diagonal.""")
def window_of_two(n):
    return np.tri(n, dtype=bool) & ~np.tri(n, k=-2, dtype=bool)


@exercise.wrong("""Row 0 is the full one: the triangle stands on its head. The first token has the shortest past. Turn
the order of the rows, axis 0, round.""")
def upside_down(n):
    return np.tri(n, dtype=bool)[::-1]


@exercise.wrong("""The pattern is right, but the entries are the numbers 1 and 0. Code that says `~mask` or picks with
the mask breaks on numbers. Ask for type bool.""")
def numbers_not_bool(n):
    return np.tri(n)


@exercise.wrong("""You return what one adds to scores: 0 and minus infinity. This mask only says yes or no. Return True
where you have 0, and False elsewhere.""")
def minus_infinity(n):
    return np.where(np.tri(n, dtype=bool), 0.0, -np.inf)


@exercise.wrong("""Your table is one row and one column too large. Positions count from 0 to n - 1: there is one row and
one column for each token.""")
def one_too_many(n):
    return np.tri(n + 1, dtype=bool)


for n in (2, 1, 5, 11):
    exercise.case(f"n = {n}", n)
