"""f08: any word is a forest: CLIP's merges join its letters, and what no merge joins stays a token of its own."""

import math
from dataclasses import dataclass
from itertools import pairwise

from matplotlib.patches import Rectangle

from ...data.byte_pairs import BytePairs, read_shipped
from ...data.merges import CHARACTERS, MERGES, WORD_END
from ..slide import Slide
from ..style import INK, SKY, Look
from . import Drawn

TITLE = "Byte pairs"
NOTEBOOK = "03"
NOTE = (
    "Ask what a model does with a word that it has no number for. Ours would say <unk>; CLIP cannot, since any text is "
    "bytes. Read from the letters upwards: of all neighbours the pair that was learned first is joined first, so the "
    "height says when. A frequent word becomes one tree. The others stop earlier: a forest, whose tops are the tokens. "
    "Point at the dot: a piece at the end of a word is another token than the same letters inside one. Then ask what "
    "the tops mean. Nothing: they are common strings, and the tower must learn what they say together."
)

WORDS = ("circle", "amphibian", "plimquax")  # one of the world's, a rarer one, and one that nobody says
LIMITS = (1.3, 4.5)  # logarithms of when a merge was learned: below the first of these words, above the last
END = "·"  # stands for the mark of a word's end
COUNTS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


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


@dataclass(frozen=True)
class Node:
    """A piece of a word: from which letter, how many of them, which merge made it (none made a letter), and of what."""

    piece: str
    start: int
    learned: int | None = None
    parts: tuple["Node", ...] = ()

    @property
    def length(self) -> int:
        return len(self.piece.removesuffix(WORD_END))

    @property
    def middle(self) -> float:
        return self.start + self.length / 2

    def all_nodes(self) -> list["Node"]:
        """The node, and all below it."""
        return [self, *(node for part in self.parts for node in part.all_nodes())]


def forest(tokenizer: BytePairs, word: str) -> list[Node]:
    """The tokens of a word, each the top of the tree of its merges.

    >>> [(tree.piece, tree.learned) for tree in forest(read_shipped(), "frogs")]
    [('frogs</w>', 20270)]
    """
    (letters, _), *merges = steps(tokenizer, word)
    trees = [Node(letter, k) for k, letter in enumerate(letters)]
    for pieces, rank in merges:
        i = next(k for k, piece in enumerate(pieces) if piece != trees[k].piece)
        trees[i : i + 2] = [Node(pieces[i], trees[i].start, (rank or 0) + 1, (trees[i], trees[i + 1]))]
    return trees


def draw(slide: Slide, run) -> Drawn:
    tokenizer = read_shipped()
    forests = {word: forest(tokenizer, word) for word in WORDS}
    rows: list[dict] = [
        {"word": word, "piece": node.piece.replace(WORD_END, END), "learned_as": node.learned or "",
         "of": " ".join(part.piece.replace(WORD_END, END) for part in node.parts),
         "id": tokenizer.ids[tree.piece] if node is tree else ""}
        for word, trees in forests.items() for tree in trees for node in tree.all_nodes()
    ]  # fmt: skip
    known, rare, unsaid = (f"“{word}” is {COUNTS[len(trees)]}" for word, trees in forests.items())
    top = slide.title(f"{known} token, {rare}, {unsaid}: no word is unknown")
    draw_forests(slide, top, forests, tokenizer)
    joined = sum(node.learned is not None for trees in forests.values() for tree in trees for node in tree.all_nodes())
    return Drawn(
        f"How CLIP's tokenizer reads three words. Letters stand below; the higher a box, the later its merge was "
        f"learned, of {MERGES:,}. Of all neighbours the pair that was learned first is joined first. What no merge "
        "joins any further is a token, in colour, its id above it. A dot marks the end of a word.",
        f"Three groups of trees that grow out of the letters of {', '.join(WORDS)}, of {joined} boxes in all. "
        + " ".join(f"{word} ends in {said(trees)}." for word, trees in forests.items()),
        rows,
    )


def said(trees: list[Node]) -> str:
    """one top, circle"""
    names = " and ".join(tree.piece.removesuffix(WORD_END) for tree in trees)
    return f"{COUNTS[len(trees)]} top{'s' * (len(trees) > 1)}, {names}"


def draw_forests(slide: Slide, top: float, forests, tokenizer: BytePairs) -> None:
    """The words beside each other over one axis, when a merge was learned; letters below."""
    em, left = slide.em, 6.0 * slide.em
    columns = sum(map(len, forests)) + len(forests) - 1  # of letters, and one between words
    across, down = slide.width - left - 0.8 * em, slide.height - top - 1.2 * em
    decade = (down - 4.4 * em) / (LIMITS[1] - LIMITS[0])  # inches; letters and the highest id have the others
    axes = slide.axes((left, top, across, down), "", "learned as merge")
    ground = LIMITS[0] - 1.9 * em / decade
    axes.set(xlim=(0, columns), ylim=(ground - 0.9 * em / decade, ground - 0.9 * em / decade + down / decade))
    axes.set_yticks([2, 3, 4], ["100", "1,000", "10,000"])
    axes.set_xticks([])
    axes.grid(axis="y", color=slide.faint, linewidth=slide.line / 2)
    axes.set_axisbelow(True)
    axes.spines[["bottom", "left"]].set_visible(False)
    place = 0
    for word, trees in forests.items():
        for tree in trees:
            for node in tree.all_nodes():
                draw_node(slide, axes, place, node, ground, 0.75 * em / decade, node is tree)
            id = f"{'' if place or tree.start else 'id '}{tokenizer.ids[tree.piece]}"
            slide.label(axes, place + tree.middle, height(tree, ground) + 1.5 * em / decade, id, ha="center")
        place += len(word) + 1


def height(node: Node, ground: float) -> float:
    """Where a node stands: the logarithm of when it was learned; letters on the ground."""
    return ground if node.learned is None else math.log10(node.learned)


def draw_node(slide: Slide, axes, place: int, node: Node, ground: float, tall: float, token: bool) -> None:
    """A piece in its frame, in colour where it is a token, and the lines to what it was made of."""
    x, y = place + node.middle, height(node, ground)
    for part in node.parts:
        ends = [y - tall, height(part, ground) + tall]
        axes.plot([place + part.middle, place + part.middle], ends, color=slide.muted, linewidth=slide.line / 2)
    look: Look = {"facecolor": SKY if token else slide.paper, "edgecolor": slide.muted, "linewidth": slide.line / 2}
    wide = node.length - 0.12
    axes.add_patch(Rectangle((x - wide / 2, y - tall), wide, 2 * tall, zorder=2, **look))
    slide.label(axes, x, y, node.piece.replace(WORD_END, END), ha="center", color=INK if token else slide.ink,
                weight="bold" if token else "normal")  # fmt: skip
