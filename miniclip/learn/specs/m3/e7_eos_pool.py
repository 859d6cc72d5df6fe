"""Pick the one vector that stands for each caption.

The text tower returns a vector for every token. Every token looked at itself and its past only, so just the token at
the end of the caption, the EOS mark, has seen all of it. CLIP takes the vector at that place and leaves the rest.

`tokens` holds the ids, one caption a row, filled up with padding on the right. Find the first place in each row where
the id equals `eos` and return the vector of `x` there. Every row has an EOS mark. It may stand at place 0 or at the
last place; what follows the first one never counts, even if it is a second EOS (some tokenizers pad with it). Words may
have larger ids than EOS.
"""

import numpy as np

from miniclip.learn.spec import Exercise

exercise = Exercise(
    "3.7", "The vector of a caption", points=3, level=1, minutes=10, needs=("2.1", "3.5"),
    use="`text_forward` in models/text.py takes the embedding of a caption from this one place.",
    hints=(
        "First find out where: one place for each caption. Then pick: one row of x for each caption.",
        "Comparing ids with eos gives a table of True and False; argmax along axis 1 returns the first True. To pick, "
        "index with two lists at once: which caption, and which place.",
        "tokens [[1, 7, 2, 0], [1, 2, 0, 0]] with eos = 2: the places are 2 and 1, so the answer is the rows x[0, 2] "
        "and x[1, 1].",
    ),
)  # fmt: skip


@exercise.solution
def eos_pool(x, tokens, eos=2):
    """The vector at the first EOS mark of each caption.

    x (B, L, D); tokens (B, L) ids; eos: its id -> (B, D)
    """
    place = (tokens == eos).argmax(axis=1)
    return x[np.arange(len(x)), place]


@exercise.oracle
def caption_by_caption(x, tokens, eos=2):
    out = np.zeros((len(x), x.shape[2]))
    for b in range(len(x)):
        t = 0
        while tokens[b, t] != eos:
            t += 1
        for i in range(x.shape[2]):
            out[b, i] = x[b, t, i]
    return out


@exercise.also_right
def with_lists(x, tokens, eos=2):
    return [x[b, ids.index(eos)].tolist() for b, ids in enumerate(tokens.tolist())]


@exercise.also_right
def with_einsum(x, tokens, eos=2):
    found = tokens == eos
    first = found & (found.cumsum(1) == 1)
    return np.einsum("bl,bld->bd", first, x)


@exercise.also_right
def with_take_along_axis(x, tokens, eos=2):
    place = np.argmax(tokens == eos, axis=1)
    return np.take_along_axis(x, place[:, None, None], axis=1)[:, 0]


def places(tokens, eos):
    return (tokens == eos).argmax(1)


def pick(x, place):
    return x[np.arange(len(x)), place]


@exercise.wrong("""You took the vector at the last place. In a short caption that is padding. Find the place of EOS in
each row, along axis 1 of tokens.""")
def last_position(x, tokens, eos=2):
    return x[:, -1]


@exercise.wrong("""You took place 0, the start mark. It has seen only itself, so it is the same for all captions. Take
the place of EOS.""")
def first_position(x, tokens, eos=2):
    return x[:, 0]


@exercise.wrong("""You averaged all places along axis 1. Padding took part, so the same caption changes with the length
of its row. Pick one vector, the one at EOS.""")
def mean_all(x, tokens, eos=2):
    return x.mean(1)


@exercise.wrong("""You averaged the places with an id other than 0. Other models do that. CLIP takes the vector at EOS
alone.""")
def mean_nonpad(x, tokens, eos=2):
    real = (tokens != 0)[..., None]
    return (x * real).sum(1) / real.sum(1)


@exercise.wrong("""You averaged everything up to EOS. Attention has already gathered the words there: take that one
vector as it is.""")
def mean_up_to_eos(x, tokens, eos=2):
    return np.array([x[b, : t + 1].mean(0) for b, t in enumerate(places(tokens, eos))])


@exercise.wrong("""You kept the largest number of each feature along axis 1, so one row mixes several tokens. Take the
vector at EOS.""")
def max_pool(x, tokens, eos=2):
    return x.max(1)


@exercise.wrong("""You looked for the largest id. In OpenAI's vocabulary EOS has it; here EOS is 2 and words have larger
ids. Compare the ids with eos.""")
def argmax_token_id(x, tokens, eos=2):
    return pick(x, tokens.argmax(1))


@exercise.wrong("""You took the vector one place before EOS. That token has not seen EOS, and for EOS at place 0 the
index wraps round to the end. Leave out the - 1.""")
def before_eos(x, tokens, eos=2):
    return pick(x, places(tokens, eos) - 1)


@exercise.wrong("""Your place is one past EOS: that is padding or lies outside the row. `argmax` already returns the
place of EOS, counted from 0.""")
def after_eos(x, tokens, eos=2):
    return pick(x, places(tokens, eos) + 1)


@exercise.wrong("""You took the last EOS of the row. Where rows are padded with EOS, only the first one ends the
caption. Search from place 0.""")
def last_eos(x, tokens, eos=2):
    return pick(x, tokens.shape[1] - 1 - places(tokens[:, ::-1], eos))


@exercise.wrong("""You counted the ids that are not 0 to find the end. That fails when rows are padded with something
else. Look for the id of EOS itself.""")
def counts_nonpad(x, tokens, eos=2):
    return pick(x, (tokens != 0).sum(1) - 1)


@exercise.wrong("""The id 2 works, but this case passes another eos. You wrote 2 into the code: compare with the
argument.""")
def fixed_eos(x, tokens, eos=2):
    return pick(x, places(tokens, 2))


@exercise.wrong("""You added up the vectors at every EOS. A row may hold more than one, and only the first counts:
`argmax` finds the first True.""")
def sums_every_eos(x, tokens, eos=2):
    return (x * (tokens == eos)[..., None]).sum(1)


@exercise.wrong("`x[:, place]` reads all places in every caption. Pair them: index axis 0 with 0, 1, 2 and so on.")
def every_place_for_all(x, tokens, eos=2):
    return x[:, places(tokens, eos)]


@exercise.wrong("The vectors are right, but an axis of length 1 is left where the tokens were. Drop axis 1.")
def keeps_token_axis(x, tokens, eos=2):
    return pick(x, places(tokens, eos))[:, None]


@exercise.wrong("""You returned the place of EOS itself. That says where to look: use it to read one vector of x for
each caption.""")
def returns_places(x, tokens, eos=2):
    return places(tokens, eos)


X = np.array([
    [[0.1, 2.0], [1.0, -1.0], [3.0, 0.5], [-2.0, 4.0], [0.7, 0.9]],
    [[0.1, 2.0], [5.0, 1.5], [-0.4, 6.0], [2.5, 2.2], [8.0, -3.0]],
    [[0.1, 2.0], [-1.2, 0.3], [4.4, 1.1], [0.6, -7.0], [9.0, 5.0]],
])  # fmt: skip

exercise.case("3 captions of unequal length", X,
              np.array([[1, 7, 2, 0, 0], [1, 5, 9, 11, 2], [1, 2, 0, 0, 0]]))  # fmt: skip
exercise.case("EOS at place 0", X[1:], np.array([[2, 0, 0, 0, 0], [1, 3, 6, 2, 0]]))
exercise.case("rows padded with EOS", X[:2], np.array([[1, 8, 2, 2, 2], [1, 2, 2, 2, 2]]))
exercise.case("words after EOS", X, np.array([[1, 2, 6, 0, 0], [1, 4, 2, 9, 2], [1, 5, 3, 2, 8]]))
exercise.case("eos = 7, where 2 is a word", X[:2], np.array([[1, 2, 9, 7, 0], [1, 12, 7, 0, 0]]), 7)
exercise.case("1 caption of 1 token", X[:1, 3:4], np.array([[2]]))
