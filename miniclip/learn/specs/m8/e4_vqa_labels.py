"""Answer questions about pictures with a captioner.

Visual question answering is captioning with a prompt: the model reads the tokens of the question, then writes the
answer. For training, the input is question, answer, and `eos`, in one row. Make the labels of that row, an array of
the same length: at the places of the question stands `ignore`, because the question is given and nothing is learned
from writing it. At the places of the answer stand its tokens, and `eos` comes last, so that the model learns to stop.

Do not shift: the loss does that, as in 8.2. Question and answer may share tokens, 0 is a token like any other, and
either of the two may be empty.
"""

import numpy as np

from miniclip.learn.spec import Exercise

exercise = Exercise(
    "8.4", "Labels for visual question answering", points=3, level=1, minutes=10, needs=("8.2",),
    use="`encode_texts` in data/prompts.py marks in the same way what a model is to learn to say, and what it is only "
        "told.",
    hints=(
        "Two people speak: the user asks, the model answers. Only what the model says is graded, and falling silent is "
        "part of what it says.",
        "The result is three pieces end to end: a constant one as long as the question, the answer itself, and a "
        "single token. Look up np.full and np.concatenate.",
        "Question [4, 9], answer [5], eos 2. The input row is [4, 9, 5, 2] and the labels are [-100, -100, 5, 2].",
    ),
)  # fmt: skip


@exercise.solution
def vqa_labels(question, answer, eos, ignore=-100):
    """What each place of question + answer + eos is graded by.

    question (q,) and answer (a,): token ids; eos: the id of the end marker -> (q + a + 1,) ids, or ignore
    """
    return np.concatenate([np.full(len(question), ignore), answer, [eos]]).astype(int)


@exercise.oracle
def place_by_place(question, answer, eos, ignore=-100):
    row = [*question, *answer, eos]
    return [ignore if i < len(question) else token for i, token in enumerate(row)]


@exercise.also_right
def with_lists(question, answer, eos, ignore=-100):
    return [ignore] * len(question) + [int(token) for token in answer] + [eos]


@exercise.also_right
def with_where(question, answer, eos, ignore=-100):
    row = np.hstack([question, answer, eos]).astype(np.int32)
    return np.where(np.arange(row.size) < np.size(question), ignore, row)


@exercise.also_right
def fill_in(question, answer, eos, ignore=-100):
    labels = np.empty(len(question) + len(answer) + 1, dtype=np.int64)
    labels.fill(ignore)
    labels[len(question) : -1] = answer
    labels[-1] = eos
    return labels


@exercise.wrong("""You grade the question as well. It is given, so the model would learn to ask instead of to answer.
Cover these places with the value of ignore, here -100.""")
def trains_on_question(question, answer, eos, ignore=-100):
    return np.array([*question, *answer, eos])


@exercise.wrong("The end marker is missing. Without it the model never learns to stop: put eos after the answer.")
def no_eos(question, answer, eos, ignore=-100):
    return vqa_labels(question, answer, eos, ignore)[:-1]


@exercise.wrong("""The place of the end marker is there, but it is ignored. Then nobody teaches the model to stop. Write
eos at index -1.""")
def eos_ignored(question, answer, eos, ignore=-100):
    return np.array([ignore] * len(question) + [*answer, ignore])


@exercise.wrong("""You covered the question with 0, but 0 is a token, and the loss would grade it. Write the value of
ignore there.""")
def ignore_is_zero(question, answer, eos, ignore=-100):
    return vqa_labels(question, answer, eos, 0)


@exercise.wrong("The caller chose another value for ignored places than -100. Use the argument, not the number.")
def ignore_fixed(question, answer, eos, ignore=-100):
    return vqa_labels(question, answer, eos)


@exercise.wrong("""You covered one place too many, so the first word of the answer is lost. Cover as many places as the
question has.""")
def masks_one_too_many(question, answer, eos, ignore=-100):
    labels = vqa_labels(question, answer, eos, ignore)
    labels[: len(question) + 1] = ignore
    return labels


@exercise.wrong("The last token of the question is still graded. Cover one place more: all of the question.")
def masks_one_too_few(question, answer, eos, ignore=-100):
    labels = vqa_labels(question, answer, eos, ignore)
    labels[max(len(question) - 1, 0) : len(question)] = question[-1:]
    return labels


@exercise.wrong("""You moved the labels one place forward, to meet the prediction. The loss makes that shift itself, so
it would happen twice. Keep every token at its own place.""")
def shifted(question, answer, eos, ignore=-100):
    return np.append(vqa_labels(question, answer, eos, ignore)[1:], ignore)


@exercise.wrong("You returned the answer alone. Labels lie place by place beside the whole input, question included.")
def answer_only(question, answer, eos, ignore=-100):
    return np.array([*answer, eos])


@exercise.wrong("""You covered the answer and graded the question: just the wrong way round. The places from 0 on, where
the user speaks, are the ones to ignore.""")
def masks_answer(question, answer, eos, ignore=-100):
    return np.array([*question, *[ignore] * len(answer), eos])


@exercise.wrong("""You covered every token that occurs in the question, also where the answer repeats it. Cover by
place, from index 0, not by value.""")
def masks_by_value(question, answer, eos, ignore=-100):
    return np.array([ignore if token in question else token for token in [*question, *answer, eos]])


@exercise.wrong("""There are two end markers. The question does not end the row; the model goes on from it. Only one
eos, after the answer.""")
def eos_after_question(question, answer, eos, ignore=-100):
    return np.array([*[ignore] * len(question), eos, *answer, eos])


@exercise.wrong("""The answer stands before the covered places. The row begins with the question at index 0, and the
labels follow the same order.""")
def answer_first(question, answer, eos, ignore=-100):
    return np.array([*answer, eos, *[ignore] * len(question)])


exercise.case("5 tokens of question, 3 of answer", np.array([7, 12, 4, 9, 15]), np.array([11, 6, 8]), 3)
exercise.case("the answer repeats words of the question", np.array([5, 8, 0, 13]), np.array([13, 0]), 3)
exercise.case("ignored places hold -1", np.array([7, 2, 9]), np.array([4, 6, 10, 1, 5]), 3, -1)
exercise.case("1 token each", np.array([6]), np.array([0]), 2)
exercise.case("no answer", np.array([14, 5]), np.array([], dtype=int), 3)
exercise.case("no question", np.array([], dtype=int), np.array([9, 4, 4, 7]), 3)
