"""Words <-> integers."""

import re
import unicodedata
import warnings

import numpy as np

from ..errors import CheckpointError, InputError, InputTypeError, TextError, quote
from ..nn.checks import as_array

CONTEXT_LENGTH = 16
STRETCH = 500  # characters; no word is as long
SPECIALS = ("<pad>", "<unk>", "<start>", "<end>")
TOKEN = r"[^\W_]+|[^\w\s!-/:-@\[-`{-~]"  # letters and digits, or one sign that is neither a space nor ASCII punctuation


class BaseTokenizer:
    """What tokenizers share: texts as rows of ids, all of one length, `start tokens end pad pad ...`.

    The end token is found by its id; it is not the largest one, as it happens to be in OpenAI's CLIP, so nothing may
    rely on that. Nor is `pad` what no text holds: after OpenAI's custom it is the end token, or an exclamation mark.
    """

    pad: int
    start: int
    end: int
    vocab_size: int
    unit = "words"  # what a text is counted in

    def __init__(self, context_length: int):
        if type(context_length) is not int or context_length < 3:
            raise InputError(f"context_length is {quote(context_length)}, expected a whole number of at least 3")
        self.context_length = context_length

    @property
    def room(self) -> int:
        """Tokens in a row beside start and end."""
        return self.context_length - 2

    def encode(self, texts, strict: bool = False) -> np.ndarray:
        """Token ids of texts.

        Parameters
        ----------
        texts : str, list of str, or any other sequence of them, also an array
            A single string is a batch of one. A control token in a text is plain text.
        strict : bool
            Refuse what is otherwise cut with one warning: more than fits. The end token always stays.

        Returns
        -------
        int64 array (B, context_length)

        Raises
        ------
        TypeError
            Names the row that is not a string.
        TextError
            If `strict` and a text is too long.
        """
        raise NotImplementedError

    def rows(self, ids, strict: bool) -> np.ndarray:
        """Lists of ids as rows, with one warning of those that were cut and one of those that are empty."""
        rows, cut, empty = np.full((len(ids), self.context_length), self.pad, np.int64), 0, 0
        for row, inside in enumerate(ids):
            if strict and len(inside) > self.room:
                raise TextError(f"text {row} has {len(inside)} {self.unit}, expected at most {self.room}: shorten it")
            cut, empty = cut + (len(inside) > self.room), empty + (not inside)
            whole = [self.start, *inside[: self.room], self.end]
            rows[row, : len(whole)] = whole
        for n, what in ((cut, f"longer than {self.room} {self.unit} and cut"), (empty, "empty")):
            if n:
                warnings.warn(f"{n} {'text is' if n == 1 else 'texts are'} {what}", stacklevel=4)
        return rows

    def encode_short(self, texts) -> np.ndarray:
        """The same ids, (B, T) with T no longer than the longest of the texts needs."""
        ids = self.encode(texts)
        return ids[:, : 1 + int((ids == self.end).argmax(1).max(initial=-1))]

    def inside(self, ids) -> list[list[int]]:
        """The ids of each row up to its end token, without the start token. For `decode`.

        ids : integers, (B, T) or (T,)
        """
        ids = np.atleast_2d(as_array(ids, "token ids"))
        if ids.ndim != 2 or (ids.size and ids.dtype.kind not in "iu"):
            raise InputTypeError(f"token ids are {ids.dtype} {ids.shape}, expected integers (B, T)")
        rows = [row[: row.index(self.end)] if self.end in row else row for row in ids.tolist()]
        for id in (id for row in rows for id in row):
            if not 0 <= id < self.vocab_size:  # -1 would be the last word
                raise InputError(f"a token id is {id}, expected 0 to {self.vocab_size - 1}")
        return [[id for id in row if id != self.start] for row in rows]

    def layout(self, specials: dict[str, int], **parts) -> dict:
        """tokenizer.json, as the tokenizers library writes it: what all tokenizers have there, and other `parts`."""
        flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
        names = {id: name for name, id in specials.items()}
        start, end = names[self.start], names[self.end]
        template = [{"SpecialToken": {"id": start, "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
                    {"SpecialToken": {"id": end, "type_id": 0}}]  # fmt: skip
        return {
            "version": "1.0",
            "truncation": {"direction": "Right", "max_length": self.context_length, "strategy": "LongestFirst",
                           "stride": 0},
            "padding": {"strategy": {"Fixed": self.context_length}, "direction": "Right", "pad_to_multiple_of": None,
                        "pad_id": self.pad, "pad_type_id": 0, "pad_token": names.get(self.pad, end)},
            "added_tokens": [{"id": id, "content": name, **flags} for name, id in specials.items()],
            "normalizer": parts["normalizer"],
            "pre_tokenizer": parts["pre_tokenizer"],
            "post_processor": {
                "type": "TemplateProcessing", "single": template, "pair": template,
                "special_tokens": {
                    name: {"id": name, "ids": [specials[name]], "tokens": [name]} for name in (start, end)
                },
            },
            "decoder": parts["decoder"],
            "model": parts["model"],
        }  # fmt: skip


class Tokenizer(BaseTokenizer):
    """A word-level tokenizer: lower case, one id a word. The ids of `SPECIALS` are 0 to 3, those of the words follow.

    Parameters
    ----------
    words : sequence of str
    context_length : int
        Tokens in a text, start and end included.
    """

    pad, unk, start, end = range(4)

    def __init__(self, words, context_length: int = CONTEXT_LENGTH):
        super().__init__(context_length)
        self.words = tuple(words)
        self.ids = {word: len(SPECIALS) + i for i, word in enumerate(self.words)}
        if len(self.ids) != len(self.words):
            raise InputError("a word stands twice in the vocabulary, expected each once")
        self.vocab_size = len(SPECIALS) + len(self.words)
        self.unknown = 0  # words encoded as <unk> so far

    def encode(self, texts, strict: bool = False) -> np.ndarray:
        """Token ids of texts, as `BaseTokenizer.encode`. NFC-normalised; a lone surrogate becomes U+FFFD.

        Examples
        --------
        >>> Tokenizer(["a", "circle", "red"], context_length=7).encode("A red circle")
        array([[2, 4, 6, 5, 3, 0, 0]])
        """
        words = [split_words(text) for text in list_of_texts(texts, "texts", "text")]
        rows = self.rows([[self.ids.get(word, self.unk) for word in row] for row in words], strict)
        unknown = [word for row in words for word in row if word not in self.ids]
        self.unknown += len(unknown)
        self.warn_of_unknown(unknown)
        return rows

    def warn_of_unknown(self, words) -> None:
        """A warning that names the words without an id, each once."""
        unknown = list(dict.fromkeys(word for word in words if word not in self.ids))
        if unknown:
            named = ", ".join(quote(word, 30) for word in unknown[:5]) + (", ..." if len(unknown) > 5 else "")
            what = "word is" if len(unknown) == 1 else "words are"
            warnings.warn(f"{len(unknown)} {what} unknown, read as <unk>: {named}", stacklevel=4)

    def decode(self, ids) -> list[str]:
        """The words of each row, up to its end token; the inverse of `encode` for known words in lower case.

        ids : integers, (B, T) or (T,)
        """
        names = (*SPECIALS, *self.words)
        return [" ".join(names[id] for id in row if id != self.pad) for row in self.inside(ids)]

    def to_json(self) -> dict:
        """Plain data in the layout of the tokenizers library: transformers.PreTrainedTokenizerFast opens it."""
        names = dict(zip(SPECIALS, range(4), strict=True))
        return self.layout(
            names,
            normalizer={"type": "Sequence", "normalizers": [{"type": "NFC"}, {"type": "Lowercase"}]},
            pre_tokenizer={"type": "Split", "pattern": {"Regex": TOKEN}, "behavior": "Removed", "invert": True},
            decoder=None,
            model={"type": "WordLevel", "vocab": names | self.ids, "unk_token": "<unk>"},
        )

    @classmethod
    def from_json(cls, data: dict) -> "Tokenizer":
        """The inverse of `to_json`; a CheckpointError if the data has another layout."""
        try:
            vocab, length = data["model"]["vocab"], data["truncation"]["max_length"]
            words = sorted(vocab, key=vocab.__getitem__)
            if words[:4] != list(SPECIALS) or [vocab[word] for word in words] != list(range(len(words))):
                raise ValueError("ids")
            return cls(words[4:], length)
        except (KeyError, TypeError, ValueError) as error:
            raise CheckpointError(f"tokenizer.json ({error}) is not a word-level tokenizer of miniclip") from error


def split_words(text: str) -> list[str]:
    """The words of a text, in lower case; ASCII punctuation falls away, any other sign is a word of its own.

    >>> split_words("A red circle, <end>! \u2665")
    ['a', 'red', 'circle', 'end', '\u2665']
    """
    return re.findall(TOKEN, " ".join(compose(word) for word in whole_characters(text).split()).lower())


def whole_characters(text: str) -> str:
    """The text with U+FFFD for each lone surrogate, which is no character."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def compose(word: str) -> str:
    """NFC: a letter and its accent as one character where there is one.

    In stretches, since Python takes the square of the time for an accent that stands on hundreds of others.

    >>> len("e\u0301"), len(compose("e\u0301"))
    (2, 1)
    """
    stretches = (word[at : at + STRETCH] for at in range(0, len(word), STRETCH))
    return "".join(unicodedata.normalize("NFC", stretch) for stretch in stretches)


def list_of_texts(texts, name: str, one: str) -> list[str]:
    """A list of strings, made of any row of them; a single string is one. A TypeError names the one that is none.

    Refused are a dict and a set, which have no order that their giver chose; and bytes, which are numbers.
    """
    if isinstance(texts, str):
        return [texts]
    if isinstance(texts, dict | set | frozenset | bytes | bytearray) or not hasattr(texts, "__iter__"):
        raise InputTypeError(f"{name} are {type(texts).__name__}, expected a list of strings")
    texts = list(np.atleast_1d(texts) if isinstance(texts, np.ndarray) else texts)
    for row, text in enumerate(texts):
        if not isinstance(text, str):
            raise InputTypeError(f"{one} {row} is {type(text).__name__}, expected str")
    return texts
