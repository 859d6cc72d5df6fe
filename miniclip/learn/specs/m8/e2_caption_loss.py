"""The loss of a captioner: how surprised is it by the next word?

A captioner reads tokens 0 to t and gives scores for token t + 1. So `logits[b, t]` is judged by `tokens[b, t + 1]`:
the last position has nothing to predict, and the first token is never predicted. Take -ln of the softmax probability
of each next token. Captions differ in length and are filled up with `pad`: a next token that equals `pad` does not
count. Return the mean over all next tokens that count, in the whole batch together.

At least one token counts. Scores may be in the thousands: take the logarithm of the softmax in one stable step.
"""

import numpy as np

from miniclip.learn.spec import Exercise
from miniclip.learn.specs.helpers import log_softmax, untidy_softmaxes

exercise = Exercise(
    "8.2", "The loss of a captioner", points=4, level=2, minutes=20, needs=("4.2",),
    use="`cross_entropy_forward` in nn/decoder_ops.py trains captioners, answerers and language models alike.",
    hints=(
        "Lay the scores and the tokens side by side with one step between them. Then it is an ordinary cross-entropy "
        "with some places crossed out.",
        "Drop the last time step of the scores and the first token of each caption. The mask asks whether the token to "
        "be predicted is padding. Sum the losses that count and divide by how many there are.",
        "One caption [2, 1, 0] with pad 0, three words. The scores at the first step are [0, 0, 0]. The next token is "
        "1, so the loss is ln 3 = 1.0986. The second step would predict padding: skip it. The mean over 1 token is "
        "1.0986.",
    ),
)  # fmt: skip


@exercise.solution
def caption_loss(logits, tokens, pad=0):
    """The mean of -ln p(next token) over all next tokens that are not padding, in nats.

    logits (B, L, V): scores of the next token at every place; tokens (B, L): ids, filled up with pad -> a number
    """
    z, target = logits[:, :-1], tokens[:, 1:]
    z = z - z.max(axis=2, keepdims=True)
    log_p = z - np.log(np.exp(z).sum(axis=2, keepdims=True))
    loss = -np.take_along_axis(log_p, target[:, :, None], axis=2)[:, :, 0]
    return loss[target != pad].mean()


@exercise.oracle
def by_loops(logits, tokens, pad=0):
    total, counted = 0.0, 0
    for scores, caption in zip(logits, tokens.tolist(), strict=True):
        for t in range(len(caption) - 1):
            if caption[t + 1] != pad:
                total += np.logaddexp.reduce(scores[t] - scores[t][caption[t + 1]])
                counted += 1
    return total / counted


def losses(logits, target):
    """-ln p of each target."""
    return -np.take_along_axis(log_softmax(logits), target[..., None], -1)[..., 0]


@exercise.also_right
def with_one_hot(logits, tokens, pad=0):
    hot = np.eye(logits.shape[2])[tokens[:, 1:]] * (tokens[:, 1:] != pad)[..., None]
    return np.array(-np.einsum("blv,blv->", hot, log_softmax(logits[:, :-1])) / hot.sum())


@exercise.also_right
def flat(logits, tokens, pad=0):
    z, target = logits[:, :-1].reshape(-1, logits.shape[2]), tokens[:, 1:].ravel()
    keep = target != pad
    picked = log_softmax(z[keep])[np.arange(keep.sum()), target[keep]]
    return float(-picked.mean())


@exercise.also_right
def with_weights(logits, tokens, pad=0):
    kept = tokens[:, 1:] != pad
    return np.average(losses(logits[:, :-1], tokens[:, 1:]), weights=kept)


@exercise.wrong("""You judged each place by the token that it has just read. That rewards copying. Place 0 must predict
token 1, so shift the targets by one.""")
def no_shift(logits, tokens, pad=0):
    return losses(logits, tokens)[tokens != pad].mean()


@exercise.wrong("You shifted the wrong way: each place is judged by the token before it. Place 0 predicts token 1.")
def shifted_backwards(logits, tokens, pad=0):
    target = tokens[:, :-1]
    return losses(logits[:, 1:], target)[target != pad].mean()


@exercise.wrong("""Padding was scored like words. It only fills the rows up to equal length. Leave out every place whose
next token is the padding id.""")
def counts_padding(logits, tokens, pad=0):
    return losses(logits[:, :-1], tokens[:, 1:]).mean()


@exercise.wrong("""The padding gave no loss, but it was counted in the mean as 0. Divide by the number of real next
tokens only.""")
def padding_in_the_denominator(logits, tokens, pad=0):
    return (losses(logits[:, :-1], tokens[:, 1:]) * (tokens[:, 1:] != pad)).mean()


@exercise.wrong("""You divided the sum by the number of captions. Long captions then look bad because they are long.
Divide by the number of real next tokens.""")
def sum_per_caption(logits, tokens, pad=0):
    return (losses(logits[:, :-1], tokens[:, 1:]) * (tokens[:, 1:] != pad)).sum() / len(tokens)


@exercise.wrong("""You took a mean per caption and then the mean of these. A word in a caption of 2 words then weighs
more. Average over all words at once.""")
def mean_of_means(logits, tokens, pad=0):
    kept = tokens[:, 1:] != pad
    sums = (losses(logits[:, :-1], tokens[:, 1:]) * kept).sum(1)
    return (sums[kept.any(1)] / kept.sum(1)[kept.any(1)]).mean()


@exercise.wrong("""You masked by the token that is read, so the last word still has to predict padding. Ask about the
target: token t + 1.""")
def masks_by_input(logits, tokens, pad=0):
    return losses(logits[:, :-1], tokens[:, 1:])[tokens[:, :-1] != pad].mean()


@exercise.wrong("Here the padding has another id than 0. Compare with the argument pad, not with a fixed number.")
def pad_is_zero(logits, tokens, pad=0):
    return caption_loss(logits, tokens, 0)


@exercise.wrong("""That is the sum, so a larger batch would give a larger loss. Divide it by the number of next tokens
that count.""")
def sum_not_mean(logits, tokens, pad=0):
    return losses(logits[:, :-1], tokens[:, 1:])[tokens[:, 1:] != pad].sum()


@exercise.wrong("A probability below 1 has a negative logarithm. The loss is minus that, so it cannot be below zero.")
def sign(logits, tokens, pad=0):
    return -caption_loss(logits, tokens, pad)


@exercise.wrong("""That is the right loss divided by ln 2: these are bits. The losses of the course are in nats, so use
the natural logarithm.""")
def bits(logits, tokens, pad=0):
    return caption_loss(logits, tokens, pad) / np.log(2)


@exercise.wrong("""Your softmax runs over the places of a caption, axis 1. The words of the vocabulary compete: they lie
along axis 2.""")
def softmax_over_time(logits, tokens, pad=0):
    target = tokens[:, 1:]
    log_p = log_softmax(logits[:, :-1], 1)
    return -np.take_along_axis(log_p, target[..., None], 2)[..., 0][target != pad].mean()


@exercise.wrong("""You made probabilities first, and a tiny one became 0. Subtract the maximum and take the logarithm of
the sum instead.""")
def log_of_softmax(logits, tokens, pad=0):
    z, target = logits[:, :-1], tokens[:, 1:]
    p = np.exp(z - z.max(2, keepdims=True))
    p /= p.sum(2, keepdims=True)
    return -np.log(np.take_along_axis(p, target[..., None], 2))[..., 0][target != pad].mean()


@untidy_softmaxes(exercise, log=True)
def with_log_softmax(log_softmax):
    def caption_loss(logits, tokens, pad=0):
        target = tokens[:, 1:]
        log_p = np.take_along_axis(log_softmax(logits[:, :-1]), target[..., None], 2)[..., 0]
        return -log_p[target != pad].mean()

    return caption_loss


logits = np.array([
    [[0.2, 1.1, -0.4, 2.0, 0.3], [1.5, -0.7, 0.6, 0.1, 0.9], [-1.2, 0.4, 2.2, 0.8, -0.3],
     [0.7, 0.5, -0.6, 1.9, 0.0], [1.3, -0.2, 0.4, 0.6, -1.1], [0.1, 0.9, 1.4, -0.8, 0.2],
     [2.1, 0.3, -0.5, 0.7, 1.0]],
    [[-0.9, 0.6, 1.7, 0.2, -0.1], [0.8, 2.3, 0.5, -1.4, 0.4], [1.6, -0.3, 0.9, 0.0, 0.7],
     [0.5, 1.2, -0.6, 0.3, 1.8], [-0.2, 0.1, 1.1, 2.4, 0.6], [0.4, -1.3, 0.8, 0.9, 1.5],
     [0.0, 0.7, 0.2, -0.4, 1.2]],
    [[1.0, -0.5, 0.3, 0.8, 2.5], [0.6, 1.9, -0.7, 0.2, 0.1], [-0.8, 0.9, 0.4, 1.3, 0.5],
     [1.4, 0.0, 2.0, -0.1, 0.3], [0.7, 1.6, -1.0, 0.5, -0.2], [2.2, 0.8, 0.1, -0.6, 0.9],
     [-0.3, 0.4, 1.2, 1.1, 0.6]],
])  # fmt: skip
captions = np.array([[2, 4, 1, 1, 4, 2, 3], [2, 3, 0, 0, 0, 0, 0], [2, 1, 4, 3, 0, 0, 0]])
exercise.case("3 captions of 7, 2 and 4 tokens", logits, captions)
exercise.case("padding has id 3, and 0 is a word", logits[:2, :5], np.array([[2, 0, 1, 4, 3], [1, 0, 3, 3, 3]]), 3)
exercise.case("scores in the thousands", 1000 * logits[:2, :3], captions[1:, :3])
exercise.case("a caption without any next token", logits[1:, :3], np.array([[2, 0, 0], [2, 4, 0]]))
exercise.case("1 caption of 2 tokens", logits[2:, 4:6], np.array([[4, 1]]))
exercise.case("2 captions, scores far apart", 100 * np.array([[[4.0, -1, -4, -1], [9, -7, -1, 10], [4, 9, -10, 0]],
              [[6, -4, 9, 10], [0, -1, 0, -4], [-10, 0, -1, 6]]]), np.array([[1, 3, 1], [1, 3, 3]]))  # fmt: skip
exercise.case("2 captions, the first scores far below", 100 * np.array([[[-7.0, -4, -10, 2], [-1, 10, 6, 4],
              [10, 9, -7, 10]], [[9, -10, 9, 4], [0, 2, 6, 2], [9, 4, 9, -7]]]),
              np.array([[3, 2, 3], [1, 3, 2]]))  # fmt: skip
exercise.case("2 captions, the last scores far below", 100 * np.array([[[10.0, 9, 4, -1], [0, 0, 4, 0], [6, 10, 6, -1]],
              [[9, 9, 9, -4], [-7, 2, 6, 0], [-7, -7, -4, 4]]]), np.array([[3, 1, 1], [2, 1, 2]]))  # fmt: skip
