"""Turn a caption into a row of fixed length.

A caption comes as a list of word ids. A batch of captions is a table, so every caption must become a row of exactly
`context_length` ids: the start marker `sos`, the words, the end marker `eos`, and then as many `pad` as are needed to
fill the row. If the words do not all fit, keep the first ones and drop the rest; both markers always stay, and then the
last place of the row holds `eos`.

Return a list or an array of length `context_length`, which is 2 or more. Leave the caller's list as it is.

Graded: a short caption, an empty one, one that fits exactly, overlong ones, other markers, room for the markers only.
"""

import numpy as np

from miniclip.learn.spec import Exercise

exercise = Exercise(
    "2.1", "A caption as a row of ids", points=4, level=1, minutes=10,
    use="`Tokenizer` in data/tokenizer.py turns captions into such rows, and the text tower reads its answer at the "
        "end marker.",
    hints=(
        "The text encoder reads its answer at the end marker, so that marker must survive whatever happens. Make room "
        "for both markers before you cut.",
        "At most `context_length` minus 2 words fit. Slice the list, put the markers around it, then see how many "
        "places are left for padding.",
        "Words [7, 5, 9], length 4: two places are left for words, the row is [1, 7, 5, 2]. With length 6 the row is "
        "[1, 7, 5, 9, 2, 0].",
    ),
)  # fmt: skip


@exercise.solution
def encode_caption(ids, context_length, sos=1, eos=2, pad=0):
    """A caption as a row of fixed length.

    ids: a list of word ids, of any length; context_length: 2 or more; sos, eos, pad: the ids of the markers
    -> context_length ids
    """
    row = [sos, *ids[: context_length - 2], eos]
    return row + [pad] * (context_length - len(row))


@exercise.oracle
def place_by_place(ids, context_length, sos=1, eos=2, pad=0):
    end = min(len(ids) + 1, context_length - 1)
    row = np.zeros(context_length, dtype=int)
    for place in range(context_length):
        if place == 0:
            row[place] = sos
        elif place < end:
            row[place] = ids[place - 1]
        else:
            row[place] = eos if place == end else pad
    return row


@exercise.also_right
def with_an_array(ids, context_length, sos=1, eos=2, pad=0):
    row = np.full(context_length, pad)
    kept = np.array(ids[: context_length - 2], dtype=int)
    row[0], row[1 : len(kept) + 1], row[len(kept) + 1] = sos, kept, eos
    return row


@exercise.also_right
def with_appends(ids, context_length, sos=1, eos=2, pad=0):
    row = [sos]
    for word in ids:
        if len(row) < context_length - 1:
            row.append(word)
    row.append(eos)
    while len(row) < context_length:
        row.append(pad)
    return tuple(row)


@exercise.also_right
def with_a_repair(ids, context_length, sos=1, eos=2, pad=0):
    row = np.concatenate([[sos], ids, [eos], [pad] * context_length])[:context_length].astype(np.float32)
    if len(ids) > context_length - 2:
        row[-1] = eos
    return row


@exercise.wrong("The cut took the end marker away. Keep fewer words, so that the last place, -1, can hold it.")
def truncation_drops_eos(ids, context_length, sos=1, eos=2, pad=0):
    row = [sos, *ids, eos][:context_length]
    return row + [pad] * (context_length - len(row))


@exercise.wrong("The start marker is missing. Place 0 belongs to it, the words begin at place 1.")
def no_sos(ids, context_length, sos=1, eos=2, pad=0):
    row = [*ids[: context_length - 1], eos]
    return row + [pad] * (context_length - len(row))


@exercise.wrong("""There is no end marker. The caption's vector is read there: put it after the last word, and keep one
place free for it.""")
def no_eos(ids, context_length, sos=1, eos=2, pad=0):
    row = [sos, *ids[: context_length - 1]]
    return row + [pad] * (context_length - len(row))


@exercise.wrong("""Your end marker waits at the last place, behind the padding. It belongs right after the last word;
padding fills the places from there to the end.""")
def eos_after_pad(ids, context_length, sos=1, eos=2, pad=0):
    row = [sos, *ids[: context_length - 2]]
    return row + [pad] * (context_length - 1 - len(row)) + [eos]


@exercise.wrong("""You always overwrite the last place with the end marker, so a short caption has two of them. Do that
only when the words were cut.""")
def two_ends(ids, context_length, sos=1, eos=2, pad=0):
    row = ([sos, *ids, eos] + [pad] * context_length)[:context_length]
    return row[:-1] + [eos]


@exercise.wrong("""Your padding stands on the left. Places are counted from 0 on the left, so the start marker goes
first and padding last.""")
def left_pad(ids, context_length, sos=1, eos=2, pad=0):
    row = [sos, *ids[: context_length - 2], eos]
    return [pad] * (context_length - len(row)) + row


@exercise.wrong("Your row ends too early. Captions of a batch must have equal lengths: fill the row with `pad`.")
def no_pad(ids, context_length, sos=1, eos=2, pad=0):
    return [sos, *ids[: context_length - 2], eos]


@exercise.wrong("You filled the row with end markers. There is exactly one; the places behind it hold `pad`.")
def pads_with_eos(ids, context_length, sos=1, eos=2, pad=0):
    row = [sos, *ids[: context_length - 2]]
    return row + [eos] * (context_length - len(row))


@exercise.wrong("You kept the end of the caption and dropped its beginning. Keep the words from position 0 on.")
def keeps_the_last_words(ids, context_length, sos=1, eos=2, pad=0):
    row = [sos, *ids[max(len(ids) - (context_length - 2), 0) :], eos]
    return row + [pad] * (context_length - len(row))


@exercise.wrong("One word more would fit. Only two places go to markers, so the length minus 2 is left for words.")
def cuts_one_too_many(ids, context_length, sos=1, eos=2, pad=0):
    row = [sos, *ids[: max(context_length - 3, 0)], eos]
    return row + [pad] * (context_length - len(row))


@exercise.wrong("""You fitted the words to the length and then added two markers, so the row is too long. The markers
count too.""")
def markers_not_counted(ids, context_length, sos=1, eos=2, pad=0):
    words = list(ids[:context_length])
    return [sos, *words, eos] + [pad] * (context_length - len(words))


@exercise.wrong("""A long caption must be cut, or it will not fit into the table with the others. Keep only the words
that leave room for the markers.""")
def never_cuts(ids, context_length, sos=1, eos=2, pad=0):
    return [sos, *ids, eos] + [pad] * (context_length - 2 - len(ids))


@exercise.wrong("You wrote 1, 2 and 0 into the row. The caller can choose other markers: use the arguments.")
def ignores_the_marker_arguments(ids, context_length, sos=1, eos=2, pad=0):
    return encode_caption(ids, context_length)


@exercise.wrong("The row is right, but you inserted the markers into the caller's list. Build a new list instead.")
def mutates_input(ids, context_length, sos=1, eos=2, pad=0):
    del ids[context_length - 2 :]
    ids.insert(0, sos)
    ids.append(eos)
    return ids + [pad] * (context_length - len(ids))


exercise.case("3 words, length 8", [7, 5, 11], 8)
exercise.case("no words, length 5", [], 5)
exercise.case("5 words fit exactly into length 7, one twice", [4, 13, 4, 3, 8], 7)
exercise.case("6 words, 1 too many for length 7", [4, 13, 6, 3, 8, 19], 7)
exercise.case("11 words, length 5", [23, 3, 29, 5, 31, 7, 37, 11, 41, 13, 17], 5)
exercise.case("other markers: 49, 50 and 9", [21, 1, 0, 34, 2], 11, 49, 50, 9)
exercise.case("length 2, room for the markers only", [7, 5, 11], 2)
