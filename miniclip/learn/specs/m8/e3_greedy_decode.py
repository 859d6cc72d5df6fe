"""Write a caption word by word, always taking the likeliest word.

`step(tokens)` gets the list of all tokens so far and gives a score for each word of the vocabulary. Start with the
list [bos]. Ask `step`, append the word with the largest score (the lowest id, if scores are equal), and go on with the
longer list. Stop after appending `eos`, or when `max_len` new tokens have been appended; `bos` is not a new token.

Return the whole list, with `bos` in front and with `eos` at the end if it was reached. Do not add an `eos` that was
not chosen. `max_len` may be 0, and some models use the same id for `bos` and `eos`.
"""

import numpy as np

from miniclip.learn.spec import Exercise, Fixture

exercise = Exercise(
    "8.3", "Greedy decoding", points=3, level=1, minutes=15, needs=("8.2",),
    use="`generate` in tasks/generation.py writes every caption and every answer with this loop.",
    hints=(
        "A caption grows at its end. What was written becomes the input of the next step, until the end marker comes "
        "or the space is used up.",
        "A loop that runs at most max_len times: ask, pick the place of the largest score, append, and leave the loop "
        "if that word was the end marker. Look up which of two equal scores np.argmax picks.",
        "Suppose step always scores [0.1, 0.2, 0.9] until the list has 3 tokens, and then [0.1, 0.7, 0.3]. With bos 0, "
        "eos 1 and max_len 9 the list grows as [0], [0, 2], [0, 2, 2], [0, 2, 2, 1], and stops there.",
    ),
)  # fmt: skip


@exercise.solution
def greedy_decode(step, bos, eos, max_len):
    """The tokens that follow when the likeliest word is taken each time.

    step: list of tokens -> (V,) scores of the next one; bos, eos: the markers; max_len: how many new tokens at most
    -> list of tokens, markers included
    """
    tokens = [bos]
    for _ in range(max_len):
        tokens.append(int(np.argmax(step(tokens))))
        if tokens[-1] == eos:
            break
    return tokens


@exercise.oracle
def by_recursion(step, bos, eos, max_len):
    def grow(tokens):
        if len(tokens) == max_len + 1 or (len(tokens) > 1 and tokens[-1] == eos):
            return tokens
        scores = list(step(tokens))
        return grow([*tokens, min(i for i in range(len(scores)) if scores[i] == max(scores))])

    return grow([bos])


@exercise.also_right
def with_while(step, bos, eos, max_len):
    out, done = [bos], max_len == 0
    while not done:
        scores = step(list(out))
        word = max(range(len(scores)), key=lambda i: scores[i])
        out.append(word)
        done = word == eos or len(out) > max_len
    return out


@exercise.also_right
def as_array(step, bos, eos, max_len):
    tokens = np.full(max_len + 1, bos)
    n = 1
    while n <= max_len:
        tokens[n] = np.argsort(-step(tokens[:n]), kind="stable")[0]
        n += 1
        if tokens[n - 1] == eos:
            break
    return tokens[:n]


@exercise.also_right
def as_tuple(step, bos, eos, max_len):
    tokens = (bos,)
    for i in range(max_len):
        if i and tokens[-1] == eos:
            return tokens
        tokens += (np.asarray(step(tokens)).argmax(),)
    return tokens


def decode(step, bos, eos, max_len, pick=np.argmax):
    tokens = [bos]
    for _ in range(max_len):
        tokens.append(int(pick(step(tokens))))
        if tokens[-1] == eos:
            break
    return tokens


@exercise.wrong("""Your caption goes on after the end marker, up to max_len. Leave the loop as soon as the newest token,
at index -1, is eos.""")
def ignores_eos(step, bos, eos, max_len):
    return decode(step, bos, None, max_len)


@exercise.wrong("The end marker is missing. It was chosen, so it is one of the tokens: append first, look second.")
def drops_eos(step, bos, eos, max_len):
    tokens = decode(step, bos, eos, max_len)
    return tokens[:-1] if len(tokens) > 1 and tokens[-1] == eos else tokens


@exercise.wrong("""The start marker is missing at index 0. The caption comes back whole: begin the list with it and
return that list.""")
def drops_bos(step, bos, eos, max_len):
    return decode(step, bos, eos, max_len)[1:]


@exercise.wrong("""Both markers are cut off. Someone who reads the caption may do that; keep bos at index 0 and eos at
the end.""")
def drops_both(step, bos, eos, max_len):
    tokens = decode(step, bos, eos, max_len)[1:]
    return tokens[:-1] if tokens[-1:] == [eos] else tokens


@exercise.wrong("""You stopped one token early. The start marker does not use up max_len: that many new tokens may
follow it.""")
def off_by_one_length(step, bos, eos, max_len):
    return decode(step, bos, eos, max_len - 1)


@exercise.wrong("That is one new token too many. Count the new tokens and stop when there are max_len of them.")
def one_token_too_many(step, bos, eos, max_len):
    return decode(step, bos, eos, max_len + 1)


@exercise.wrong("""You asked about the start marker again and again, so the answer never changed. Give step the list
with the newest token at index -1.""")
def always_from_bos(step, bos, eos, max_len):
    return decode(lambda tokens: step([bos]), bos, eos, max_len)


@exercise.wrong("""You showed step the newest token only. It needs the whole list from index 0 on: a caption depends on
all that was said.""")
def last_token_only(step, bos, eos, max_len):
    return decode(lambda tokens: step(tokens[-1:]), bos, eos, max_len)


@exercise.wrong("""You took the word with the smallest score. Scores are logarithms of probabilities: -0.4 is likelier
than -9.""")
def least_likely(step, bos, eos, max_len):
    return decode(step, bos, eos, max_len, np.argmin)


@exercise.wrong("Here two words have the same score. Take the lower id, as np.argmax does by itself.")
def last_of_equals(step, bos, eos, max_len):
    return decode(step, bos, eos, max_len, lambda scores: len(scores) - 1 - np.argmax(scores[::-1]))


@exercise.wrong("""You added an end marker that nobody chose. A caption that was cut off after max_len ends with a word;
leave it so.""")
def forces_eos(step, bos, eos, max_len):
    tokens = decode(step, bos, eos, max_len)
    return tokens if len(tokens) > 1 and tokens[-1] == eos else [*tokens, eos]


@exercise.wrong("""You looked for the end marker before the first step. Here the start marker has the same id, 0. Check
new tokens only.""")
def stops_at_start(step, bos, eos, max_len):
    return [bos] if bos == eos else decode(step, bos, eos, max_len)


@exercise.wrong("""You took one step before you looked at max_len. With no space for new tokens the answer is the start
marker alone.""")
def at_least_one(step, bos, eos, max_len):
    return decode(step, bos, eos, max(1, max_len))


exercise.case("a caption of 5 words, room for 11", Fixture("m8.by_place"), 0, 1, 11)
exercise.case("the end never comes, 7 new tokens", Fixture("m8.by_last"), 0, 1, 7)
exercise.case("every token matters, room for 13", Fixture("m8.by_sum"), 2, 1, 13)
exercise.case("equal scores, room for 5", Fixture("m8.undecided"), 0, 1, 5)
exercise.case("one id for both markers, room for 5", Fixture("m8.same_marker"), 0, 0, 5)
exercise.case("the end comes with the last token allowed", Fixture("m8.by_place"), 0, 1, 5)
exercise.case("no room for new tokens", Fixture("m8.by_place"), 3, 1, 0)
