"""f08: how a word that is no token becomes tokens: CLIP's own merges, one after the other."""

from itertools import pairwise

from matplotlib.patches import Rectangle

from ...data.byte_pairs import BytePairs, read_shipped
from ...data.merges import CHARACTERS, WORD_END
from ..slide import Slide
from ..style import INK, SKY, Look
from . import Drawn

TITLE = "Byte pairs"
NOTEBOOK = "17"
NOTE = (
    "Ask what a model does with a word that it has no number for. Ours would say <unk>; CLIP cannot, since any text is "
    "bytes. Read the rows from the top: of all neighbours the pair that was learned first becomes one piece, and it is "
    "not always the pair on the left. Then ask where it stops: where no two neighbours are on the list. Point at the "
    "dot: a piece at the end of a word is another token than the same letters inside one. Last, ask what the pieces "
    "mean. Nothing: they are common strings of letters, and the tower must learn what they say together."
)

WORD = "amphibian"
END = "·"  # stands for the mark of a word's end


def steps(tokenizer: BytePairs, word: str) -> list[tuple[list[str], int | None]]:
    """The pieces of a word after each merge, and that merge's rank; the letters come first, with None.

    >>> [pieces for pieces, _ in steps(read_shipped(), "frogs")][-2:]
    [['fro', 'gs</w>'], ['frogs</w>']]
    """
    pieces = [CHARACTERS[byte] for byte in word.encode()]
    pieces[-1] += WORD_END
    found: list[tuple[list[str], int | None]] = [(pieces, None)]
    while ranks := {pair: tokenizer.ranks[pair] for pair in pairwise(pieces) if pair in tokenizer.ranks}:
        first = min(ranks, key=ranks.__getitem__)
        i = list(pairwise(pieces)).index(first)
        pieces = [*pieces[:i], "".join(first), *pieces[i + 2 :]]
        found.append((pieces, ranks[first]))
    return found


def draw(slide: Slide, run) -> Drawn:
    tokenizer = read_shipped()
    found = steps(tokenizer, WORD)
    ids = [tokenizer.ids[piece] for piece in found[-1][0]]
    rows: list[dict] = [{"merge": k, "learned_as": "" if rank is None else rank + 1,
                         "pieces": " ".join(pieces).replace(WORD_END, END)}
                        for k, (pieces, rank) in enumerate(found)]  # fmt: skip
    shown = [f"“{piece.removesuffix(WORD_END)}”" for piece in found[-1][0]]
    latest = max(rank + 1 for _, rank in found if rank is not None)
    top = slide.title(f"“{WORD}” is no token of CLIP's: {len(found) - 1} merges make {' and '.join(shown)} of it")
    draw_rows(slide, top, found, ids)
    return Drawn(
        f"The {len(WORD)} letters of “{WORD}” and what each merge makes of them; in colour the new piece, on the right "
        f"its place among the {len(tokenizer.ranks):,} merges that CLIP's tokenizer has. The earliest goes first. What "
        f"is left, no merge joins: the tokens {ids[0]} and {ids[1]}. A dot marks the end of the word.",
        f"{len(found)} rows of boxes. The first row has the {len(WORD)} letters of {WORD}, one in each box; in every "
        f"further row two neighbours have become one box, in colour. The last row has {len(ids)} boxes. Numbers at the "
        f"right, up to {latest:,}, say when each merge was learned.",
        rows,
    )


def draw_rows(slide: Slide, top: float, found, ids) -> None:
    """A row for each state of the word, its boxes as wide as their letters; below the last the ids."""
    em, sheet = slide.em, slide.sheet()
    names, ranks = (7.5 * em, 6.5 * em) if slide.wide else (5.0 * em, 4.6 * em)
    left = 1.5 * em + names
    letter = min((slide.width - left - ranks - 1.5 * em) / len(WORD), 6 * em)
    height = min((slide.height - top - 3.2 * em) / (len(found) + 1), 2.4 * em)
    right = left + len(WORD) * letter + ranks
    head = "learned as" if slide.wide else "merge"
    slide.write(sheet, right, top + height - 1.6 * em, head, ha="right", color=slide.muted)
    before: set = set()
    for k, (pieces, rank) in enumerate(found):
        y, start = top + (k + 1) * height, 0
        slide.write(sheet, 1.5 * em, y + height / 2 - 0.68 * em, f"merge {k}" if k else "letters", color=slide.muted)
        if rank is not None:
            slide.write(sheet, right, y + height / 2 - 0.68 * em, f"{rank + 1:,}", ha="right")
        spans = set()
        for piece in pieces:
            length = len(piece.removesuffix(WORD_END))
            spans.add((start, length))
            place = left + start * letter, y, length * letter, height
            box(slide, sheet, place, piece, new=k > 0 and (start, length) not in before)
            start += length
        before = spans
    y, start = top + (len(found) + 1) * height + 0.3 * em, 0
    slide.write(sheet, 1.5 * em, y, "id", color=slide.muted)
    for piece, id in zip(found[-1][0], ids, strict=True):
        length = len(piece.removesuffix(WORD_END))
        slide.write(sheet, left + (start + length / 2) * letter, y, str(id), ha="center", weight="bold")
        start += length


def box(slide: Slide, sheet, place, piece: str, new: bool) -> None:
    """A piece in its frame, filled if a merge has just made it."""
    x, y, width, height = place
    gap = 0.12 * slide.em
    look: Look = {"facecolor": SKY if new else slide.paper, "edgecolor": slide.muted, "linewidth": slide.line / 2}
    sheet.add_patch(Rectangle((x + gap, y + gap), width - 2 * gap, height - 2 * gap, **look))
    slide.write(sheet, x + width / 2, y + height / 2 - 0.68 * slide.em, piece.replace(WORD_END, END), ha="center",
                color=INK if new else slide.ink, weight="bold" if new else "normal")  # fmt: skip
