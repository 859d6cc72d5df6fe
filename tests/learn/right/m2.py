import itertools
from collections import Counter, defaultdict, deque
from functools import reduce

import numpy as np

# 2.1: islice and chain
def encode_caption(ids, context_length, sos=1, eos=2, pad=0):
    row = itertools.chain([sos], itertools.islice(ids, context_length - 2), [eos], itertools.repeat(pad))
    return list(itertools.islice(row, context_length))

# 2.1: a filled array
def encode_caption(ids, context_length, sos=1, eos=2, pad=0):
    row = np.full(context_length, pad)
    n = min(len(ids), context_length - 2)
    row[0], row[1 : n + 1], row[n + 1] = sos, ids[:n], eos
    return row

# 2.1: np.pad
def encode_caption(ids, context_length, sos=1, eos=2, pad=0):
    kept = [sos, *ids[: context_length - 2], eos]
    return np.pad(kept, (0, context_length - len(kept)), constant_values=pad)

# 2.1: a deque
def encode_caption(ids, context_length, sos=1, eos=2, pad=0):
    row = deque(ids[: context_length - 2])
    row.appendleft(sos)
    row.append(eos)
    while len(row) < context_length:
        row.append(pad)
    return row

# 2.1: a generator
def encode_caption(ids, context_length, sos=1, eos=2, pad=0):
    yield sos
    words = min(len(ids), context_length - 2)
    yield from (ids[i] if i < words else eos if i == words else pad for i in range(context_length - 1))

# 2.1: array.array
from array import array

def encode_caption(ids, context_length, sos=1, eos=2, pad=0):
    row = array("q", [pad]) * context_length
    for place, token in enumerate((sos, *tuple(ids)[: context_length - 2], eos)):
        row[place] = token
    return row

# 2.2: recursion
def bpe_merge(tokens, pair, new):
    match list(tokens):
        case [a, b, *rest] if (a, b) == tuple(pair):
            return [new, *bpe_merge(rest, pair, new)]
        case [a, *rest]:
            return [a, *bpe_merge(rest, pair, new)]
    return []

# 2.2: a stack by reduce
def bpe_merge(tokens, pair, new):
    def step(done, token):
        fresh = done and done[-1] == (pair[0], True) and token == pair[1]
        return done[:-1] + [(new, False)] if fresh else done + [(token, True)]
    return [token for token, _ in reduce(step, tokens, [])]

# 2.2: an iterator with one held back
def bpe_merge(tokens, pair, new):
    none = object()
    held = none
    for token in tokens:
        if held is not none and (held, token) == tuple(pair):
            yield new
            held = none
        else:
            if held is not none:
                yield held
            held = token
    if held is not none:
        yield held

# 2.2: text and a pattern
import re

def bpe_merge(tokens, pair, new):
    text = "".join(f"<{t}>" for t in tokens)
    return [int(t) for t in re.findall(r"\d+", text.replace("<%d><%d>" % tuple(pair), f"<{new}>"))]

# 2.2: positions first
def bpe_merge(tokens, pair, new):
    hits, i = set(), 0
    while i + 1 < len(tokens):
        hit = tokens[i] == pair[0] and tokens[i + 1] == pair[1]
        hits |= {i} if hit else set()
        i += 1 + hit
    return [new if i in hits else t for i, t in enumerate(tokens) if i - 1 not in hits]

# 2.3: slices in loops
def patchify(img, p):
    H, W, _ = img.shape
    return [[img[y + i, x + j, c] for i in range(p) for j in range(p) for c in range(img.shape[2])]
            for y in range(0, H, p) for x in range(0, W, p)]

def unpatchify(patches, p, H, W):
    img = np.zeros((H, W, len(patches[0]) // p**2))
    for n, patch in enumerate(patches):
        y, x = divmod(n, W // p)
        img[y * p : y * p + p, x * p : x * p + p] = np.reshape(patch, (p, p, -1))
    return img

# 2.3: split and stack
def patchify(img, p):
    rows = (np.hsplit(band, img.shape[1] // p) for band in np.vsplit(img, img.shape[0] // p))
    return np.stack([block.ravel() for row in rows for block in row])

def unpatchify(patches, p, H, W):
    blocks = [patch.reshape(p, p, -1) for patch in patches]
    n = W // p
    return np.vstack([np.hstack(blocks[i : i + n]) for i in range(0, len(blocks), n)])

# 2.3: einsum over axes
def patchify(img, p):
    H, W, C = img.shape
    return np.einsum("aibjc->abijc", img.reshape(H // p, p, W // p, p, C)).reshape(-1, p * p * C)

def unpatchify(patches, p, H, W):
    return np.einsum("abijc->aibjc", patches.reshape(H // p, W // p, p, p, -1)).reshape(H, W, -1)

# 2.3: an index of where each number goes
def order(p, H, W, C):
    places = np.arange(H * W * C).reshape(H, W, C)
    windows = np.lib.stride_tricks.sliding_window_view(places, (p, p), axis=(0, 1))[::p, ::p]
    return windows.transpose(0, 1, 3, 4, 2).reshape(-1, p * p * C)

def patchify(img, p):
    return np.take(img, order(p, *img.shape))

def unpatchify(patches, p, H, W):
    out = np.empty(patches.size, patches.dtype)
    out[order(p, H, W, patches.size // (H * W)).ravel()] = patches.ravel()
    return out.reshape(H, W, -1)

# 2.3: block by block
def patchify(img, p):
    return np.block([[img[y : y + p, x : x + p].reshape(1, -1)] for y, x in itertools.product(
        range(0, len(img), p), range(0, img.shape[1], p))])

def unpatchify(patches, p, H, W):
    C = patches.shape[1] // p // p
    return np.fromiter((patches[y // p * (W // p) + x // p, (y % p * p + x % p) * C + c]
                        for y in range(H) for x in range(W) for c in range(C)), float).reshape(H, W, C)

# 2.4: a first fit, in a class
class Batch(dict):
    def takes(self, caption, size):
        return len(self) < size and caption not in self

def unique_caption_batches(caption_ids, batch_size, rng):
    batches = []
    for i in rng.permutation(len(caption_ids)):
        caption = int(caption_ids[i])
        batch = next((b for b in batches if b.takes(caption, batch_size)), None)
        if batch is None:
            batches.append(batch := Batch())
        batch[caption] = int(i)
    return [list(batch.values()) for batch in batches if len(batch) == batch_size]

# 2.4: a queue of items that clash
def unique_caption_batches(caption_ids, batch_size, rng):
    queue, order = [], np.arange(len(caption_ids))
    rng.shuffle(order)
    queue = deque(order.tolist())
    while len({caption_ids[i] for i in queue}) >= batch_size:
        batch, later = [], deque()
        while len(batch) < batch_size:
            item = queue.popleft()
            (later if any(caption_ids[item] == caption_ids[j] for j in batch) else batch).append(item)
        queue = deque(itertools.chain(later, queue))
        yield np.array(batch)

# 2.4: always from the fullest piles
def unique_caption_batches(caption_ids, batch_size, rng):
    piles = defaultdict(list)
    for item in sorted(range(len(caption_ids)), key=lambda _: rng.random()):
        piles[caption_ids[item]].append(item)
    out = []
    while True:
        left = Counter({caption: len(pile) for caption, pile in piles.items() if pile})
        if len(left) < batch_size:
            return out
        out.append(np.fromiter((piles[caption].pop() for caption, _ in left.most_common(batch_size)), int))

# 2.4: recursion on what is left
def unique_caption_batches(caption_ids, batch_size, rng):
    def epoch(left):
        _, first = np.unique(caption_ids[left], return_index=True)
        if len(first) < batch_size:
            return ()
        first = np.sort(first)[:batch_size]
        return (left[first], *epoch(np.delete(left, first)))
    return epoch(rng.permutation(len(caption_ids)))
