"""Merge one pair of tokens: the step that byte pair encoding repeats.

`tokens` is a list of ids, `pair` holds two ids, and `new` is the id of the merged token. Walk through the list from
left to right. Wherever the first id of the pair is followed directly by the second, write `new` instead of both and go
on after them. All other tokens stay as they are. A token takes part in one merge only, and what has just been written
is not merged again in the same pass.

Return a new list; leave the caller's list as it is. Graded: the pair (1, 1) in 1 1 1 and in five ones, the pair the
wrong way round, several hits, a hit at the end, no hit, ids with several digits, an empty list.
"""

import numpy as np

from miniclip.learn.spec import Exercise

exercise = Exercise(
    "2.2", "One merge of byte pair encoding", points=4, level=2, minutes=15,
    use="The tokenizer of the original CLIP makes its 49,408 tokens by repeating this step; the few words of this "
        "world need only data/tokenizer.py.",
    hints=(
        "The pair stands for two neighbours in a fixed order. A hit uses up both of them, so the walk must then jump "
        "over two tokens instead of one.",
        "A `while` loop with an index suits better than a `for` loop: the index moves on by 2 after a hit and by 1 "
        "otherwise. Mind the last token, which has no right neighbour.",
        "Tokens [5, 1, 1, 1], pair (1, 1), new 9. Keep 5. Places 1 and 2 are a hit: write 9, jump to place 3. The last "
        "1 has no neighbour: keep it. Result [5, 9, 1].",
    ),
)  # fmt: skip


@exercise.solution
def bpe_merge(tokens, pair, new):
    """The tokens with every occurrence of a pair merged.

    tokens: a list of ids; pair: two ids, in order; new: the id of the merged token -> a new list
    """
    merged, i = [], 0
    while i < len(tokens):
        hit = tuple(tokens[i : i + 2]) == tuple(pair)
        merged.append(new if hit else tokens[i])
        i += 2 if hit else 1
    return merged


@exercise.oracle
def by_runs(tokens, pair, new):
    """Mark where hits start, then drop the hits that begin inside an earlier one."""
    starts = [i + 1 < len(tokens) and tokens[i] == pair[0] and tokens[i + 1] == pair[1] for i in range(len(tokens))]
    for i in range(1, len(starts)):
        starts[i] = starts[i] and not starts[i - 1]
    return [new if start else token for i, (token, start) in enumerate(zip(tokens, starts, strict=True))
            if i == 0 or not starts[i - 1]]  # fmt: skip


@exercise.also_right
def with_recursion(tokens, pair, new):
    if len(tokens) < 2:
        return list(tokens)
    if (tokens[0], tokens[1]) == pair:
        return [new, *with_recursion(tokens[2:], pair, new)]
    return [tokens[0], *with_recursion(tokens[1:], pair, new)]


@exercise.also_right
def with_a_flag(tokens, pair, new):
    merged, open_first = [], False
    for token in tokens:
        if open_first and token == pair[1]:
            merged[-1], open_first = new, False
        else:
            merged.append(token)
            open_first = token == pair[0]
    return np.array(merged)


@exercise.also_right
def with_letters(tokens, pair, new):
    """Each id as one character: then the replacement of strings is right."""
    text = "".join(map(chr, tokens)).replace(chr(pair[0]) + chr(pair[1]), chr(new))
    return tuple(ord(letter) for letter in text)


def is_pair(tokens, i, pair):
    return tuple(tokens[i : i + 2]) == tuple(pair)


@exercise.wrong("You stopped after the first hit. Go on to the end of the list: every occurrence is merged.")
def first_only(tokens, pair, new):
    for i in range(len(tokens)):
        if is_pair(tokens, i, pair):
            return [*tokens[:i], new, *tokens[i + 2 :]]
    return list(tokens)


@exercise.wrong("""A middle token took part in two merges, once as the second and once as the first. After a hit, go on
behind both tokens.""")
def overlap_bug(tokens, pair, new):
    merged = []
    for i in range(len(tokens)):
        if is_pair(tokens, i, pair):
            merged.append(new)
        elif i == 0 or not is_pair(tokens, i - 1, pair):
            merged.append(tokens[i])
    return merged


@exercise.wrong("""You wrote the new token but kept the second of the pair. It is used up: move on by 2 places after a
hit.""")
def keeps_the_second(tokens, pair, new):
    return [new if is_pair(tokens, i, pair) else token for i, token in enumerate(tokens)]


@exercise.wrong("""You also merged the pair the other way round. Order counts: "ab" is not "ba", so (1, 2) is not (2,
1).""")
def unordered_pair(tokens, pair, new):
    merged, i = [], 0
    while i < len(tokens):
        hit = is_pair(tokens, i, pair) or is_pair(tokens, i, pair[::-1])
        merged.append(new if hit else tokens[i])
        i += 2 if hit else 1
    return merged


@exercise.wrong("You began at the right end. Where hits overlap, the one further left wins: start at place 0.")
def greedy_right(tokens, pair, new):
    return bpe_merge(tokens[::-1], tuple(pair)[::-1], new)[::-1]


@exercise.wrong("""The pairs are gone but nothing stands in their place. Write the new id once for the two that it
replaces.""")
def deletes_the_pair(tokens, pair, new):
    merged, i = [], 0
    while i < len(tokens):
        hit = is_pair(tokens, i, pair)
        merged += [] if hit else [tokens[i]]
        i += 2 if hit else 1
    return merged


@exercise.wrong("""You replaced every token that occurs in the pair. Only two neighbours in the right order are merged;
a lone one stays.""")
def each_member(tokens, pair, new):
    return [new if token in pair else token for token in tokens]


@exercise.wrong("""The last token got lost: it has no right neighbour, but it still counts. Your loop ends one step too
early.""")
def loses_the_last(tokens, pair, new):
    merged, i = [], 0
    while i < len(tokens) - 1:
        hit = is_pair(tokens, i, pair)
        merged.append(new if hit else tokens[i])
        i += 2 if hit else 1
    return merged


@exercise.wrong("""A pair at the very end was left alone. Check the last two tokens too: your loop ends one place too
early.""")
def misses_the_last_pair(tokens, pair, new):
    merged, i = [], 0
    while i < len(tokens):
        hit = i < len(tokens) - 2 and is_pair(tokens, i, pair)
        merged.append(new if hit else tokens[i])
        i += 2 if hit else 1
    return merged


@exercise.wrong("""You look at places 0 and 1, then at 2 and 3, and so on. A hit can begin at any place: move on by 1
when there is none.""")
def steps_of_two(tokens, pair, new):
    merged = []
    for i in range(0, len(tokens), 2):
        merged += [new] if is_pair(tokens, i, pair) else tokens[i : i + 2]
    return merged


@exercise.wrong("""A merged token was merged again. One call is one pass over the given list: compare the old tokens,
not what you have written.""")
def merges_again(tokens, pair, new):
    merged = []
    for token in tokens:
        merged.append(token)
        while tuple(merged[-2:]) == tuple(pair):
            merged[-2:] = [new]
    return merged


@exercise.wrong("""As text, the digits of "1 2" also sit inside "11 2". Ids are numbers: compare them as numbers.""")
def replaces_digits(tokens, pair, new):
    text = " ".join(map(str, tokens)).replace(f"{pair[0]} {pair[1]}", str(new))
    return [int(word) for word in text.split()]


@exercise.wrong("You merge the first id with whatever follows it. Check both places, i and i + 1.")
def checks_the_first_only(tokens, pair, new):
    merged, i = [], 0
    while i < len(tokens):
        hit = i + 1 < len(tokens) and tokens[i] == pair[0]
        merged.append(new if hit else tokens[i])
        i += 2 if hit else 1
    return merged


@exercise.wrong("The result is right, but you deleted tokens from the caller's list. Build a new list of your own.")
def mutates_input(tokens, pair, new):
    i = 0
    while i < len(tokens):
        if is_pair(tokens, i, pair):
            tokens[i : i + 2] = [new]
        i += 1
    return tokens


exercise.case("pair (1, 2) in 1 2 5 1 2 1", [1, 2, 5, 1, 2, 1], (1, 2), 9)
exercise.case("pair (1, 1) in 1 1 1", [1, 1, 1], (1, 1), 9)
exercise.case("pair (1, 1) in 5 ones", [1, 1, 1, 1, 1], (1, 1), 9)
exercise.case("pair (1, 2) the wrong way round in 2 1 1 2 1", [2, 1, 1, 2, 1], (1, 2), 9)
exercise.case("pair (3, 4) at the end of 4 3 7 3 4", [4, 3, 7, 3, 4], (3, 4), 12)
exercise.case("pair (1, 2) in 11 2 1 23, no hit", [11, 2, 1, 23], (1, 2), 9)
exercise.case("pair (9, 1), new 9, in 9 1 1 9 1", [9, 1, 1, 9, 1], (9, 1), 9)
exercise.case("an empty list, pair (1, 2)", [], (1, 2), 9)
exercise.case("1 token, pair (6, 6)", [6], (6, 6), 8)
