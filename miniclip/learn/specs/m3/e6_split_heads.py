"""Cut features into heads, and put them together again.

Attention with h heads runs h small attentions side by side. Each works with its own block of the D features of a token:
head 0 has the first D/h of them, head 1 the next D/h, and so on.

`split_heads` takes x of shape (B, L, D), for B captions of L tokens, and returns (B, h, L, D/h), so that every head of
every caption is a table of tokens. `merge_heads` goes back: from (B, h, L, D/h) to (B, L, D), heads side by side in
order. h always divides D. A round trip must give x, but that alone does not show that the cut is right.
"""

import numpy as np

from miniclip.learn.spec import Exercise

exercise = Exercise(
    "3.6", "Splitting and merging heads", points=3, level=2, minutes=15, needs=("2.3", "3.4"),
    use="`split_heads` in nn/ops.py lets one attention look for several things at once.",
    hints=(
        "Two moves, not one: first cut the last axis in two, then carry the new axis past the tokens. Merging makes "
        "the same moves in the opposite order.",
        "reshape may only split or join neighbouring axes. transpose moves axes without touching any value. Write down "
        "the four sizes after each step.",
        "One caption of two tokens, [1, 2, 3, 4] and [5, 6, 7, 8], and two heads. Head 0 is [[1, 2], [5, 6]], head 1 "
        "is [[3, 4], [7, 8]].",
    ),
)  # fmt: skip


@exercise.solution
def split_heads(x, h):
    """Give every head its block of features.

    x (B, L, D); h: the number of heads, which divides D -> (B, h, L, D/h)
    """
    B, L, D = x.shape
    return x.reshape(B, L, h, D // h).transpose(0, 2, 1, 3)


@exercise.solution
def merge_heads(x):
    """Put the heads side by side again.

    x (B, h, L, w) -> (B, L, h w)
    """
    B, h, L, w = x.shape
    return x.transpose(0, 2, 1, 3).reshape(B, L, h * w)


@exercise.oracle
def split_one_by_one(x, h):
    B, L, D = x.shape
    out = np.zeros((B, h, L, D // h))
    for b, t, i in np.ndindex(B, L, D):
        out[b, i // (D // h), t, i % (D // h)] = x[b, t, i]
    return out


@exercise.oracle("merge_heads")
def merge_one_by_one(x):
    B, h, L, w = x.shape
    out = np.zeros((B, L, h * w))
    for b, head, t, i in np.ndindex(x.shape):
        out[b, t, head * w + i] = x[b, head, t, i]
    return out


@exercise.also_right
def split_with_slices(x, h):
    w = x.shape[-1] // h
    return [[caption[:, i * w : (i + 1) * w].tolist() for i in range(h)] for caption in x]


@exercise.also_right
def split_and_stack(x, h):
    return np.stack(np.split(x, h, axis=-1), axis=1)


@exercise.also_right
def split_with_swapaxes(x, h):
    return np.swapaxes(x.reshape(*x.shape[:2], h, -1), 1, 2)


@exercise.also_right("merge_heads")
def merge_with_concatenate(x):
    return np.concatenate([x[:, i] for i in range(x.shape[1])], axis=-1)


@exercise.also_right("merge_heads")
def merge_with_einsum(x):
    return np.einsum("bhlw->blhw", x).reshape(x.shape[0], x.shape[2], -1)


@exercise.also_right("merge_heads")
def merge_with_lists(x):
    return [[[value for head in caption for value in head[t].tolist()] for t in range(x.shape[2])] for caption in x]


def cut_without_moving(x, h):
    return x.reshape(len(x), h, x.shape[1], -1)


def join_without_moving(x):
    return x.reshape(len(x), x.shape[2], -1)


def cut_every_hth(x, h):
    return x.reshape(*x.shape[:2], -1, h).transpose(0, 3, 1, 2)


def join_in_turns(x):
    return x.transpose(0, 2, 3, 1).reshape(len(x), x.shape[2], -1)


@exercise.wrong("""The shape is right, the values are not. One reshape cuts along memory, so a head holds pieces of
several tokens. Split the last axis first; then move the new one.""")
def no_transpose(x, h):
    return cut_without_moving(x, h)


@exercise.wrong("""Head 0 took features 0, h, 2h and so on. A head is a block of neighbours. Split D into (h, D/h), in
this order, not into (D/h, h).""")
def interleaved(x, h):
    return cut_every_hth(x, h)


@exercise.wrong("""You gave h features to each of D/h heads. It is the other way round: h heads, and D/h on the last
axis.""")
def head_dim_swapped(x, h):
    return x.reshape(*x.shape[:2], -1, h).transpose(0, 2, 1, 3)


@exercise.wrong("Your heads come last. They belong on axis 1, so that each head is a table of tokens and features.")
def heads_last(x, h):
    return x.reshape(*x.shape[:2], h, -1).transpose(0, 1, 3, 2)


@exercise.wrong("The cut is right, yet tokens still stand in front of the heads. Let axis 1 and axis 2 change places.")
def heads_not_moved(x, h):
    return x.reshape(*x.shape[:2], h, -1)


@exercise.wrong("Your heads stand on axis 0. The batch stays in front: move the heads behind it, to axis 1.")
def heads_first(x, h):
    return np.array(np.split(x, h, axis=-1))


@exercise.wrong("Heads and batch share axis 0. Some code does that, but here each of them keeps an axis of its own.")
def folded_into_batch(x, h):
    return split_heads(x, h).reshape(-1, x.shape[1], x.shape[2] // h)


@exercise.wrong("""Tokens and features changed places. In each head a row is a token and the last axis holds its
features.""")
def features_before_tokens(x, h):
    return split_heads(x, h).swapaxes(2, 3)


@exercise.wrong("""Splitting works. Merging gives the right shape with wrong values: a token gets parts of others. Bring
the heads next to their features before you join the axes.""", of="merge_heads")  # fmt: skip
def merge_without_transpose(x):
    return join_without_moving(x)


@exercise.wrong("""Splitting works, but merging takes one feature of each head in turn. Put head 0 first as a whole,
then head 1, and so on.""", of="merge_heads")  # fmt: skip
def merge_interleaved(x):
    return join_in_turns(x)


@exercise.wrong("""Splitting works, but merging keeps an axis for the heads. Join the last 2 axes.""",
                of="merge_heads")  # fmt: skip
def merge_not_joined(x):
    return x.transpose(0, 2, 1, 3)


@exercise.wrong("""Splitting works, but merging averages the heads. They hold different features: set them side by
side.""",
                of="merge_heads")  # fmt: skip
def merge_averages(x):
    return x.mean(1)


@exercise.wrong("""Splitting works, but merging joins the heads with the tokens. It is the features, the last axis, that
grow.""", of="merge_heads")  # fmt: skip
def merge_into_tokens(x):
    return x.reshape(len(x), -1, x.shape[3])


@exercise.wrong("""Your round trip gives x back, yet each head mixes tokens: two bare reshapes undo each other. In both
functions, move an axis with transpose.""", also={"merge_heads": join_without_moving})  # fmt: skip
def round_trip_of_reshapes(x, h):
    return cut_without_moving(x, h)


@exercise.wrong("""Your round trip gives x back, yet both functions deal features out in turns. Head 0 must hold the
first D/h features as a block: h comes before D/h in the reshape.""", also={"merge_heads": join_in_turns})  # fmt: skip
def round_trip_in_turns(x, h):
    return cut_every_hth(x, h)


X = np.arange(2 * 5 * 21.0).reshape(2, 5, 21)

exercise.case("split, 2 captions, 5 tokens, 3 heads of 7", X, 3)
exercise.case("split, 1 head", X[:, :3, :4], 1)
exercise.case("split, 1 feature in each of 5 heads", X[:, 1:4, 2:7], 5)
exercise.case("split, 1 token", X[:1, 4:, :6], 2)
exercise.case("merge, 2 captions, 3 heads, 5 tokens", X.reshape(2, 3, 5, 7), of="merge_heads")
exercise.case("merge, 1 head", X.reshape(2, 1, 3, 35)[..., :4], of="merge_heads")
exercise.case("merge, 7 heads, 1 token", X[..., :14].reshape(5, 7, 2, 2)[:, :, 1:], of="merge_heads")
