"""CLIP's words <-> integers: byte-pair encoding, in which no word is unknown.

    text -> words, at whitespace -> pieces: letters, one digit, signs -> bytes -> neighbours merged, the commonest first

A merge is a pair of tokens that becomes one token; it ranks by when it was learned. A word that is common is one token,
a rare one is its parts, and whatever is left is single bytes. Merges never cross a piece.
Sources: Sennrich, Haddow, Birch 2016, arXiv:1508.07909; Radford et al. 2019 (GPT-2) for the bytes.
"""

import heapq
import html
import re
from itertools import pairwise

import numpy as np

from ..errors import CheckpointError, InputError, one_line, quote
from .merges import CHARACTERS, END, START, WORD_END, check_merges, check_vocab, shipped_merges, token_bytes
from .tokenizer import BaseTokenizer, compose, list_of_texts, whole_characters

CONTEXT_LENGTH = 77
SPACE = re.compile(r"[^\S\x1c-\x1f]+")  # Unicode's whitespace; Python's has four control characters more
NUMBER_REFERENCE = re.compile(r"&#[0-9]{640,};?")  # Python refuses to read one of thousands of digits
CONTRACTION = re.compile("'(?:s|t|re|ve|m|ll|d)")
CACHED, LONGEST_CACHED = 2**16, 40  # words, and characters in one


class BytePairs(BaseTokenizer):
    """CLIP's tokenizer.

    Parameters
    ----------
    merges : sequence of (str, str)
        In order: of two that are possible the earlier one is done.
    vocab : dict of str to int, optional
        Token -> id. Without it the ids are OpenAI's: the 256 bytes, the same at the end of a word, the merges in order,
        start, end.
    context_length : int
        Tokens in a text, start and end included.
    pad : int, optional
        The id after the end token. By default the end token, as in transformers; OpenAI's own code writes 0, which is
        an exclamation mark. A CLIP never reads it.

    Raises
    ------
    ValueError
        For merges and ids that do not belong together.
    """

    unit = "tokens"

    def __init__(self, merges, vocab=None, context_length: int = CONTEXT_LENGTH, pad: int | None = None):
        super().__init__(context_length)
        self.ranks = check_merges(merges)
        self.ids = check_vocab(vocab, self.ranks)
        self.tokens = sorted(self.ids, key=self.ids.__getitem__)
        self.vocab_size, self.start, self.end = len(self.tokens), self.ids[START], self.ids[END]
        self.pad = self.end if pad is None else pad
        if type(self.pad) is not int or not 0 <= self.pad < self.vocab_size:
            raise InputError(f"pad is {quote(pad)}, expected an id from 0 to {self.vocab_size - 1}")
        # A row ends long before: of a longer word only the beginning is read.
        self.longest_word = 2 * context_length * max(map(len, self.tokens))
        self.cache: dict[str, list[int]] = {}

    def encode(self, texts, strict: bool = False) -> np.ndarray:
        """Token ids of texts, as `BaseTokenizer.encode`, cleaned as `split_text` says.

        `<|endoftext|>` is plain text as well, as in transformers with `split_special_tokens=True`.

        Examples
        --------
        >>> read_shipped(context_length=9).encode("A photo of a cat")
        array([[49406,   320,  1125,   539,   320,  2368, 49407, 49407, 49407]])
        """
        found = [self.encode_words(split_text(text), strict) for text in list_of_texts(texts, "texts", "text")]
        return self.rows(found, strict)

    def encode_words(self, words, to_the_end: bool) -> list[int]:
        """The ids of words, as far as a row needs them to see whether it is full, or `to_the_end`."""
        ids: list[int] = []
        for word in words:
            ids += self.cache.get(word) or self.encode_word(word)
            if len(ids) > self.room and not to_the_end:
                break
        return ids

    def encode_word(self, word: str) -> list[int]:
        """The ids of a word, which are remembered."""
        pieces = split_pieces(compose(word[: self.longest_word]).lower())
        ids = [self.ids[token] for piece in pieces for token in self.merge(piece)]
        if len(word) <= LONGEST_CACHED:
            if len(self.cache) >= CACHED:
                self.cache.clear()
            self.cache[word] = ids
        return ids

    def merge(self, piece: str) -> list[str]:
        """The tokens of a piece.

        Of all neighbours the pair with the lowest rank becomes one token, again and again, until no pair has a rank. A
        heap knows the next one; what it holds of a pair that has changed meanwhile is passed over.

        >>> read_shipped().merge("photosynthesis")
        ['photo', 'synthesis</w>']
        """
        parts = [CHARACTERS[byte] for byte in piece.encode()]
        parts[-1] += WORD_END
        after, before = [*range(1, len(parts)), -1], [*range(-1, len(parts) - 1)]  # -1: nobody
        pairs = [(self.ranks.get(pair), i) for i, pair in enumerate(pairwise(parts))]
        waiting = [(rank, i) for rank, i in pairs if rank is not None]
        heapq.heapify(waiting)
        while waiting:
            rank, i = heapq.heappop(waiting)
            j = after[i]
            if j < 0 or self.ranks.get((parts[i], parts[j])) != rank:
                continue
            parts[i], parts[j], after[i] = parts[i] + parts[j], "", after[j]
            if after[j] >= 0:
                before[after[j]] = i
            for left, right in ((before[i], i), (i, after[i])):
                if left >= 0 and right >= 0 and (new := self.ranks.get((parts[left], parts[right]))) is not None:
                    heapq.heappush(waiting, (new, left))
        return [part for part in parts if part]

    def decode(self, ids) -> list[str]:
        """The text of each row, up to its end token: as it was cleaned, but with a space after every piece.

        ids : integers, (B, T) or (T,)
        """
        texts = [b"".join(token_bytes(self.tokens[id]) for id in row) for row in self.inside(ids)]
        return [text.decode(errors="replace").removesuffix(" ") for text in texts]

    def to_json(self) -> dict:
        """What tokenizer.json holds; the tokenizers library reads it and gives the same ids."""
        spaces = {"type": "Replace", "pattern": {"Regex": r"\s+"}, "content": " "}
        pieces = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
        split = {"type": "Split", "pattern": {"Regex": pieces}, "behavior": "Removed", "invert": True}
        of_bytes = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
        model = {"type": "BPE", "dropout": None, "unk_token": END, "continuing_subword_prefix": "",
                 "end_of_word_suffix": WORD_END, "fuse_unk": False, "byte_fallback": False, "vocab": self.ids,
                 "merges": [" ".join(pair) for pair in self.ranks]}  # fmt: skip
        return self.layout(
            {self.tokens[id]: id for id in dict.fromkeys((self.start, self.end))},
            normalizer={"type": "Sequence", "normalizers": [{"type": "NFC"}, spaces, {"type": "Lowercase"}]},
            pre_tokenizer={"type": "Sequence", "pretokenizers": [split, of_bytes]},
            decoder=of_bytes,
            model=model,
        )

    @classmethod
    def from_json(cls, data: dict, context_length: int | None = None) -> "BytePairs":
        """The tokenizer of a tokenizer.json, ours or any CLIP's; a CheckpointError if the data has another layout.

        What the file does not say is the default, as it is in most published ones. `context_length` overrules it.
        """
        try:
            model, cut, padding = data["model"], data.get("truncation") or {}, data.get("padding") or {}
            for key, expected in (("type", "BPE"), ("end_of_word_suffix", WORD_END)):
                if model.get(key, "BPE") != expected:  # old files have no type
                    raise InputError(f"its {key} is {quote(model.get(key))}, expected {quote(expected)}")
            added = {token["content"]: token["id"] for token in data.get("added_tokens") or []}
            merges = [pair.split(" ") if isinstance(pair, str) else pair for pair in model["merges"]]
            context_length = context_length or cut.get("max_length", CONTEXT_LENGTH)
            return cls(merges, model["vocab"] | added, context_length, padding.get("pad_id"))
        except KeyError as error:
            raise CheckpointError(f"tokenizer.json is not one of a CLIP: it has no {error}") from error
        except (TypeError, ValueError, AttributeError) as error:
            raise CheckpointError(f"tokenizer.json is not one of a CLIP: {one_line(error)}") from error


def split_text(text: str) -> list[str]:
    """The words of a text as it was written, after HTML's `&amp;amp;` has become `&`, twice, as in OpenAI's CLIP.

    OpenAI's code first mends text that was decoded wrongly (with the library ftfy); ours does not, nor transformers'.
    A lone surrogate becomes U+FFFD.

    >>> split_text(" Tom &amp;amp; Jerry\u3000\u00e9 ")
    ['Tom', '&', 'Jerry', '\u00e9']
    """
    text = whole_characters(text)
    for _ in range(2):
        text = html.unescape(NUMBER_REFERENCE.sub("\ufffd", text))
    return [word for word in SPACE.split(text) if word]


def split_pieces(word: str) -> list[str]:
    """The pieces of a word in lower case: English endings, letters together, each digit, other signs together.

    >>> split_pieces("it's"), split_pieces("4x4!!"), split_pieces("<|endoftext|>")
    (['it', "'s"], ['4', 'x', '4', '!!'], ['<|', 'endoftext', '|>'])
    """
    pieces, start = [], 0
    while start < len(word):
        ending, kind = CONTRACTION.match(word, start), kind_of(word[start])
        end = ending.end() if ending else start + 1
        while not ending and kind != "digit" and end < len(word) and kind_of(word[end]) == kind:
            end += 1
        pieces.append(word[start:end])
        start = end
    return pieces


def kind_of(character: str) -> str:
    """Unicode's categories L, N, and all others."""
    return "letter" if character.isalpha() else "digit" if character.isnumeric() else "sign"


def read_shipped(context_length: int = CONTEXT_LENGTH, pad: int | None = None) -> BytePairs:
    """OpenAI's tokenizer, which all published CLIPs of this kind have, from the merges in the package."""
    return BytePairs(shipped_merges(), None, context_length, pad)
