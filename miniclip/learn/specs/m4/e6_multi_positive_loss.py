"""Write the loss for a batch in which a caption appears more than once.

Two photographs may share the caption "a red square". Then each text is a right answer for both images, and the loss of
4.3 would push one of them away. S is the n x n table of logits (finished: cosines times scale), and `group` holds one
integer for each pair; pairs with the same number share a caption. For image i, all texts j of its group are right: take
the mean of -ln p over them, where p is the softmax of row i over all texts. Average that over the images. Do the same
for the columns, and return the mean of both. With n different groups this is the loss of 4.3. Logits may be 1000.
"""

import numpy as np

from miniclip.learn.spec import Exercise
from miniclip.learn.specs.helpers import log_softmax, same_group, untidy_softmaxes

exercise = Exercise(
    "4.6", "When a caption comes twice", points=4, level=2, minutes=20, needs=("2.4", "4.3"),
    use="`multi_positive_forward` in nn/losses.py trains on batches in which captions repeat, as those of a small "
        "world do.",
    hints=(
        "The truth is no longer one text for an image, but an equal share for each text of its group. Every one of "
        "them must be likely, so every one adds its own -ln p.",
        "Make a table that is 1 where two pairs share a group, and divide each row by its number of right answers. "
        "Weigh the log softmax of the rows with it. Then do the same with the columns.",
        "Two pairs, one caption, S = [[1, 0], [0, 0]]. Row 0 has ln p = -0.3133 and -1.3133, mean loss 0.8133; row 1 "
        "has 0.6931 for both. The rows give 0.7532, the columns the same by symmetry, so the loss is 0.7532.",
    ),
)  # fmt: skip


@exercise.solution
def multi_positive_loss(S, group):
    """The symmetric loss with shared captions: all pairs of a group are right answers for each other.

    S (n, n): logits, images in rows; group (n,): integers -> a number, in nats
    """
    right = group[:, None] == group
    share = right / right.sum(axis=1, keepdims=True)
    loss = 0.0
    for z in (S, S.T):
        z = z - z.max(axis=1, keepdims=True)
        log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
        loss -= 0.5 * (share * log_p).sum() / len(S)
    return loss


@exercise.oracle
def question_by_question(S, group):
    n, total = len(S), 0.0
    for i in range(n):
        positives = [j for j in range(n) if group[j] == group[i]]
        for j in positives:
            row = np.logaddexp.reduce([S[i, k] - S[i, j] for k in range(n)])
            column = np.logaddexp.reduce([S[k, i] - S[j, i] for k in range(n)])
            total += (row + column) / len(positives)
    return total / (2 * n)


def both(S):
    """The table seen from the images, and from the texts."""
    return log_softmax(S, 1), log_softmax(S, 0).T


@exercise.also_right
def in_python_loops(S, group):
    losses = []
    for table in both(S):
        for i, row in enumerate(table):
            right = [-p for p, g in zip(row, group, strict=True) if g == group[i]]
            losses.append(sum(right) / len(right))
    return float(np.mean(losses))


@exercise.also_right
def with_einsum(S, group):
    _, index = np.unique(group, return_inverse=True)
    member = np.eye(index.max() + 1)[index]
    share = np.einsum("ig,jg,g->ij", member, member, 1 / member.sum(0))
    rows, columns = both(S)
    return np.array(-0.5 * np.einsum("ij,ij->", share, rows + columns) / len(S))


@exercise.also_right
def mean_where_right(S, group):
    right = same_group(group)
    rows = [np.mean(table, axis=1, where=right).mean() for table in both(S)]
    return -np.mean(rows)


@exercise.also_right
def logsum_minus_mean_logit(S, group):
    share = same_group(group) / same_group(group).sum(1, keepdims=True)
    sums = np.logaddexp.reduce(S, 0) + np.logaddexp.reduce(S, 1)
    return 0.5 * sums.mean() - (share * S).sum() / len(S)


@exercise.wrong("""You treat only the diagonal as right. Pairs of one group share a caption: counting them as wrong
pushes good matches apart.""")
def ignores_duplicates(S, group):
    return -0.5 * sum(np.diag(table).mean() for table in both(S))


@exercise.wrong("""You added up -ln p over the right answers of a row. An image whose caption comes 3 times would count
3 times: divide by their number.""")
def sums_positives(S, group):
    return -0.5 * sum(np.where(same_group(group), table, 0).sum(1).mean() for table in both(S))


@exercise.wrong("""You added the probabilities of all right answers, and took one logarithm. That is content if any one
of them is likely; here each must be.""")
def logsumexp_positives(S, group):
    hidden = np.where(same_group(group), 0.0, -np.inf)
    return -0.5 * sum(np.logaddexp.reduce(table + hidden, 1).mean() for table in both(S))


@exercise.wrong("""You averaged the probabilities of the right answers, and took one logarithm. Take the logarithm of
each, then their mean.""")
def log_of_mean(S, group):
    return -0.5 * sum(np.log(np.mean(np.exp(table), 1, where=same_group(group))).mean() for table in both(S))


@exercise.wrong("""You hid the other pairs of the group, and kept one right answer a row. That stops the harm, but
teaches nothing. Count them as right.""")
def masks_but_diag_label(S, group):
    hide = same_group(group) & ~np.eye(len(S), dtype=bool)
    return -0.5 * sum(np.diag(table).mean() for table in both(np.where(hide, -np.inf, S)))


@exercise.wrong("""For each right answer you left the other right ones out of the softmax. Here p comes from the whole
row: its n entries sum to 1.""")
def hides_other_positives(S, group):
    right, total = same_group(group), 0.0
    for table in (S, S.T):
        wrong = np.logaddexp.reduce(np.where(right, -np.inf, table), 1, keepdims=True)
        total += np.mean(np.logaddexp(table, wrong) - table, 1, where=right).mean()
    return total / 2


@exercise.wrong("""You averaged over all right entries of the table at once. A caption that comes 3 times then has 9
votes. First the mean of each row, then over rows.""")
def mean_over_all_positives(S, group):
    return -0.5 * sum(table[same_group(group)].mean() for table in both(S))


@exercise.wrong("""You divided each row by n, the number of texts. Divide by its number of right answers, which may be
1.""")
def divides_by_n(S, group):
    return -0.5 * sum((same_group(group) * table).sum() / len(S) ** 2 for table in both(S))


@exercise.wrong("""These are the images' questions only. Texts ask too: take the softmax along axis 0 as well, and
average.""")
def rows_only(S, group):
    return -np.mean(both(S)[0], axis=1, where=same_group(group)).mean()


@exercise.wrong("""That is 2 times the right loss: you added the loss of the rows and the loss of the columns. Take
their mean.""")
def forgot_half(S, group):
    return 2 * multi_positive_loss(S, group)


@exercise.wrong("""That is n times the right loss: you summed over the n images. Take the mean, so that the loss does
not grow with the batch.""")
def sum_not_mean(S, group):
    return len(S) * multi_positive_loss(S, group)


@exercise.wrong("""A logit of 1000 broke exp or left a probability of 0. Use the log softmax of 4.2 for rows and
columns.""")
def unstable_exp(S, group):
    e = np.exp(S)
    tables = np.log(e / e.sum(1, keepdims=True)), np.log(e / e.sum(0)).T
    return -0.5 * sum(np.mean(table, axis=1, where=same_group(group)).mean() for table in tables)


@untidy_softmaxes(exercise, log=True)
def with_log_softmax(log_softmax):
    def multi_positive_loss(S, group):
        tables = log_softmax(S, 1), log_softmax(S, 0).T
        return -0.5 * sum(np.mean(table, axis=1, where=same_group(group)).mean() for table in tables)

    return multi_positive_loss


five = np.array([[5.0, 1, -2, 0, 3], [0.5, 4, 1, -1, 2], [-3, 2, 6, 0, 1], [1, 0, -1, 3, 2.5], [2, 3.5, 0, 1, 4]])
exercise.case("5 pairs, 1 and 4 share a caption", five, np.array([0, 1, 2, 3, 1]))
exercise.case("5 pairs in groups of 3 and 2", five, np.array([7, 2, 7, 7, 2]))
exercise.case("3 different captions", five[:3, :3], np.array([4, 0, 9]))
exercise.case("3 pairs, all the same caption", five[:3, 2:], np.array([6, 6, 6]))
exercise.case("1 pair", np.array([[-2.0]]), np.array([3]))
exercise.case("logits of 1000", np.array([[1000.0, 990, -1000], [1001, 1000, 0], [0, -5, 1000]]), np.array([1, 1, 0]))
exercise.case("4 pairs with logits far apart", 100 * np.array([[6.0, 2, -1, 10], [10, 4, -1, 2], [2, -10, -10, 0],
              [2, -4, -4, -7]]), np.array([3, 3, 5, 8]))  # fmt: skip
exercise.case("4 pairs, the first logits far below", 100 * np.array([[-10.0, -1, 2, 6], [2, 9, 2, 9], [-7, 6, 9, 2],
              [4, 6, 9, -4]]), np.array([3, 3, 5, 8]))  # fmt: skip
