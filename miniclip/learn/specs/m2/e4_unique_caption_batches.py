"""Make batches in which no caption stands twice.

Item i of a data set has the caption `caption_ids[i]`; equal ids mean equal captions. If a caption stands twice in a
batch, the loss treats each copy as a wrong text for the other's image: a false negative.

Return one epoch as a list of arrays of item positions, counted from 0, in random order: shuffle with `rng`, so that an
equal `rng` gives equal batches. Four rules are graded:

- every batch has exactly `batch_size` items;
- no caption stands twice in a batch;
- no item appears twice in the epoch;
- stop only when the items left over cannot make another batch: they have fewer than `batch_size` different captions.

So copies of a caption are spread over several batches. Any list that keeps the rules is right. It can be empty.
"""

import numpy as np

from miniclip.learn.spec import Exercise, Generator

exercise = Exercise(
    "2.4", "Batches without repeated captions", points=4, level=2, minutes=25,
    use="`unique_caption_batches` in data/pairs.py deals out training batches without false negatives.",
    hints=(
        "Deal the shuffled items out like cards onto several tables. An item goes to the first table that has room and "
        "does not hold its caption yet. If there is none, open a new table.",
        "`rng.permutation(n)` gives the order. Keep a list of lists; look for a place in the ones that are there, and "
        "add a list if none takes the item. In the end return only the full ones.",
        "Captions [7, 7, 8, 9], batches of 2, order 0, 1, 2, 3. Item 0 opens batch a. Item 1 has the same caption and "
        "opens b. Item 2 joins a, item 3 joins b. Result: [0, 2] and [1, 3].",
    ),
)  # fmt: skip


@exercise.solution
def unique_caption_batches(caption_ids, batch_size, rng):
    """One epoch of full batches in which no caption stands twice.

    caption_ids (n,): the caption of each item; batch_size: 1 or more; rng: a NumPy Generator
    -> a list of arrays (batch_size,) of item positions
    """
    batches = []
    for item in rng.permutation(len(caption_ids)):
        for batch in batches:
            if len(batch) < batch_size and caption_ids[item] not in caption_ids[batch]:
                batch.append(item)
                break
        else:
            batches.append([item])
    return [np.array(batch) for batch in batches if len(batch) == batch_size]


@exercise.judge
def rules(args, value):
    captions, size, _ = args
    try:
        batches = [np.asarray(batch) for batch in value]
    except (TypeError, ValueError):
        return "A list of arrays of item positions is asked, one array for each batch."
    if batches and all(batch.ndim == 0 and batch.dtype.kind in "iu" for batch in batches):
        return "not_cut"
    if any(batch.ndim != 1 or batch.dtype.kind not in "iu" for batch in batches):
        return "Each batch must be a row of whole numbers, the positions of its items."
    items = np.concatenate([np.zeros(0, int), *batches])
    if np.any((items < 0) | (items >= len(captions))):
        return misnumbered(items, captions)
    return repeated(batches, items, captions) or sizes(batches, size) or left_over(batches, items, captions, size)


def misnumbered(items, captions):
    if np.isin(items, captions).all():
        return "captions_not_positions"
    if items.min() == 1 and items.max() == len(captions):
        return "counts_from_one"
    return f"Item positions go from 0 to {len(captions) - 1}, and yours from {items.min()} to {items.max()}."


def repeated(batches, items, captions):
    different = len(np.unique(items))
    if different < len(items):
        earlier = np.concatenate([np.zeros(0, int), *batches[:-1]])
        only_last = different == len(captions) and len(np.unique(earlier)) == len(earlier)
        return "fills_up_the_last" if only_last else "with_replacement"
    if any(len(np.unique(captions[batch])) < len(batch) for batch in batches):
        return "plain_shuffle"
    return None


def sizes(batches, size):
    odd = [len(batch) for batch in batches if len(batch) != size]
    if len(odd) > 1 and len(batches) == size:
        return "counts_batches"
    if odd and max(odd) < size:
        return "keeps_short_last"
    return f"A batch has {max(odd)} items, expected {size}." if odd else None


def left_over(batches, items, captions, size):
    if len(np.unique(np.delete(captions, items))) >= size:
        used, known = len(np.unique(captions[items])), len(np.unique(captions))
        once = known < len(captions) and used == len(items) and len(batches) == known // size
        return "drops_duplicates" if once else "stops_early"
    if len(items) >= 10 and np.array_equal(items, np.arange(len(items))):
        return "no_shuffle"
    return None


@exercise.also_right
def one_batch_after_the_other(caption_ids, batch_size, rng):
    left, batches = rng.permutation(len(caption_ids)).tolist(), []
    while True:
        batch = {}
        for item in left:
            if len(batch) < batch_size:
                batch.setdefault(int(caption_ids[item]), item)
        if len(batch) < batch_size:
            return batches
        batches.append(np.array(list(batch.values())))
        left = [item for item in left if item not in batch.values()]


@exercise.also_right
def most_frequent_first(caption_ids, batch_size, rng):
    """Each batch takes one item of the captions with most items left: as many batches as can be."""
    piles = [list(rng.permutation(np.flatnonzero(caption_ids == caption))) for caption in np.unique(caption_ids)]
    batches = []
    while sum(map(bool, piles)) >= batch_size:
        rng.shuffle(piles)
        piles.sort(key=len, reverse=True)
        batches.append([pile.pop() for pile in piles[:batch_size]])
    return batches


@exercise.also_right
def by_copy_number(caption_ids, batch_size, rng):
    """Like seats in rows: each item sits down in the first row with a free seat and no copy of it."""
    counts, captions = {}, np.asarray(caption_ids)
    for item in rng.permutation(len(captions)):
        rows, row = counts, 0
        while len(rows.get(row, ())) == batch_size or captions[item] in captions[rows.get(row, [])]:
            row += 1
        rows.setdefault(row, []).append(int(item))
    return tuple(rows for rows in counts.values() if len(rows) == batch_size)


def chunks(order, size):
    return [order[start : start + size] for start in range(0, len(order) - size + 1, size)]


@exercise.wrong("""A batch holds a caption twice, so each copy is a false negative of the other. Before you put an item
into a batch, look whether its caption is there already.""")
def plain_shuffle(caption_ids, batch_size, rng):
    return chunks(rng.permutation(len(caption_ids)), batch_size)


@exercise.wrong("""Each caption is used only once in the epoch, and its copies are lost. They are good data: put them
into other batches.""")
def drops_duplicates(caption_ids, batch_size, rng):
    _, first = np.unique(caption_ids, return_index=True)
    return chunks(rng.permutation(first), batch_size)


@exercise.wrong("""A batch is too short. The loss depends on the size of the batch (about ln n at the start), so leave
out a batch that does not fill up.""")
def keeps_short_last(caption_ids, batch_size, rng):
    full = unique_caption_batches(caption_ids, batch_size, rng)
    rest = np.delete(np.arange(len(caption_ids)), np.concatenate([np.zeros(0, int), *full]))
    _, first = np.unique(caption_ids[rest], return_index=True)
    return [*full, rest[first]] if len(rest) else full


@exercise.wrong("""Some items appear twice in the epoch and others never: you draw each batch afresh from all items.
Shuffle once and deal the items out.""")
def with_replacement(caption_ids, batch_size, rng):
    return [rng.choice(len(caption_ids), batch_size) for _ in range(len(caption_ids) // batch_size)]


@exercise.wrong("""The last batch holds items a second time: you filled it up with items of batch 0. An epoch shows each
item at most once, so leave a short batch out.""")
def fills_up_the_last(caption_ids, batch_size, rng):
    order = rng.permutation(len(caption_ids))
    return [np.take(order, range(start, start + batch_size), mode="wrap") for start in range(0, len(order), batch_size)]


@exercise.wrong("""You stop too early: the items left over still have enough different captions for another batch. Pass
over an item that clashes, try the others, and use it later.""")
def stops_early(caption_ids, batch_size, rng):
    batches = chunks(rng.permutation(len(caption_ids)), batch_size)
    return [batch for batch in batches if len(np.unique(caption_ids[batch])) == batch_size]


@exercise.wrong("""Your items come in the order 0, 1, 2, ... The batches would be the same in every epoch. Shuffle the
items with `rng` first.""")
def no_shuffle(caption_ids, batch_size, rng):
    batches = []
    for item in range(len(caption_ids)):
        fits = (batch for batch in batches if len(batch) < batch_size and caption_ids[item] not in caption_ids[batch])
        batch = next(fits, None)
        if batch is None:
            batches.append([item])
        else:
            batch.append(item)
    return [batch for batch in batches if len(batch) == batch_size]


@exercise.wrong("""Your batches hold caption ids. Return the positions of the items, from 0 on: a position finds the
image as well as the caption.""")
def captions_not_positions(caption_ids, batch_size, rng):
    return [caption_ids[batch] for batch in unique_caption_batches(caption_ids, batch_size, rng)]


@exercise.wrong("""Your positions begin with 1, and the largest one lies behind the end. NumPy counts from 0, so the
last item is n - 1.""")
def counts_from_one(caption_ids, batch_size, rng):
    return [batch + 1 for batch in unique_caption_batches(caption_ids, batch_size, rng)]


@exercise.wrong("""You made as many batches as a batch should have items. The argument is the number of items in one
batch, not the number of batches.""")
def counts_batches(caption_ids, batch_size, rng):
    return np.array_split(rng.permutation(len(caption_ids)), batch_size)


@exercise.wrong("You returned one long row. Cut it into batches: a list with one array for each batch.")
def not_cut(caption_ids, batch_size, rng):
    return np.concatenate([np.zeros(0, int), *unique_caption_batches(caption_ids, batch_size, rng)])


@exercise.wrong("""Your batches are the same for two different generators: you shuffle with one of your own. Use the
`rng` that is passed, so that epoch 2 differs from epoch 1 and both can be had again.""")
def ignores_rng(caption_ids, batch_size, rng):
    return unique_caption_batches(caption_ids, batch_size, np.random.default_rng(0))


SEEDS = 3, 5, 7
ROOM = {
    "10 different captions, batches of 5": ([105, 103, 108, 101, 109, 102, 110, 104, 107, 106], 5),
    "13 different captions, batches of 5": ([113, 105, 103, 108, 101, 112, 109, 102, 110, 104, 107, 111, 106], 5),
    "17 items with 11 captions, batches of 5":
        ([101, 102, 101, 103, 104, 105, 101, 106, 107, 108, 102, 109, 110, 103, 111, 104, 105], 5),
    "11 items, 7 with one caption, batches of 2": ([107, 107, 103, 107, 107, 109, 107, 103, 107, 105, 107], 2),
    "12 items, each of 4 captions 3 times, batches of 3":
        ([104, 101, 102, 103, 101, 104, 103, 102, 102, 101, 104, 103], 3),
}  # fmt: skip
for seed in SEEDS:
    for name, (captions, size) in ROOM.items():
        exercise.case(f"{name}, seed {seed}", np.array(captions), size, Generator(seed))
exercise.case("3 equal captions, batches of 2", np.array([104, 104, 104]), 2, Generator(13))
exercise.case("3 equal captions, batches of 1", np.array([104, 104, 104]), 1, Generator(17))
exercise.case("3 items, batches of 7", np.array([101, 103, 102]), 7, Generator(19))
for seed in SEEDS[1:]:
    exercise.unlike(f"13 different captions, batches of 5, seed {seed}",
                    f"13 different captions, batches of 5, seed {SEEDS[0]}", "ignores_rng")  # fmt: skip
