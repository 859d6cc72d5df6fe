"""Tokenizers in files: a run's own, and CLIP's merges and ids, under the names that others give them."""

import os
from contextlib import contextmanager
from pathlib import Path

from ..data.byte_pairs import CONTEXT_LENGTH, BytePairs, read_shipped
from ..data.merges import SHIPPED, parse_merges, unpack_list
from ..data.tokenizer import Tokenizer
from ..errors import CheckpointError, InputError, quote
from ..models.text import TextConfig
from .storage import parse_json, read_bytes, read_verified

JSON, VOCAB, PAIRS, LIST = "tokenizer.json", "vocab.json", "merges.txt", SHIPPED.name
MAX_BYTES = 2**25  # of each; OpenAI's have 4 million at most
SHIPPED_SIZE = 49_408  # tokens


class NoWords:
    """In place of a tokenizer, where a folder has none: the model reads token ids, and no texts."""

    def __init__(self, folder: Path):
        self.folder = folder

    def encode(self, texts):
        raise InputError(f"{quote(self.folder)} has no tokenizer: give token ids, or fetch {VOCAB} and {PAIRS}")


def load_tokenizer(folder: Path, name: str, sizes, config_name: str) -> Tokenizer | BytePairs:
    """The tokenizer of a run, with as many words as the model has vectors for them."""
    data = parse_json(read_verified(folder, name), folder / name)
    tokenizer = tokenizer_from_json(data, sizes.context_length)
    ours, theirs = (tokenizer.vocab_size, tokenizer.context_length), (sizes.vocab_size, sizes.context_length)
    if ours != theirs:
        raise CheckpointError(
            f"{quote(folder / name)} has (words, length) {ours}, {config_name} says {theirs}: not of one run"
        )
    return tokenizer


def tokenizer_from_json(data, context_length: int) -> Tokenizer | BytePairs:
    """What the tokenizers library has written, words or byte pairs."""
    model = data.get("model") if isinstance(data, dict) else None
    words = isinstance(model, dict) and model.get("type") == "WordLevel"
    return Tokenizer.from_json(data) if words else BytePairs.from_json(data, context_length)


def read_tokenizer(folder: Path, sizes: TextConfig) -> Tokenizer | BytePairs | NoWords:
    """The tokenizer beside a real CLIP; the one that all published ones have, where there is none."""
    tokenizer = tokenizer_beside(folder, sizes.context_length)
    if tokenizer is None:
        return read_shipped(sizes.context_length) if sizes.vocab_size == SHIPPED_SIZE else NoWords(folder)
    if max(tokenizer.vocab_size, tokenizer.end + 1) > sizes.vocab_size:
        raise CheckpointError(
            f"the tokenizer of {quote(folder)} has {tokenizer.vocab_size:,} tokens, the model {sizes.vocab_size:,}: "
            "not of one model"
        )
    return tokenizer


def tokenizer_beside(folder: Path, context_length: int = CONTEXT_LENGTH) -> Tokenizer | BytePairs | None:
    """The tokenizer of tokenizer.json, of vocab.json and merges.txt, or of OpenAI's gzipped list; None without them.

    A CheckpointError, in one line, if the first that is there is damaged, or its other half is missing.
    """

    def there(*names):
        return all(os.path.exists(folder / name) for name in names)

    def read(name):
        return read_bytes(folder / name, MAX_BYTES)

    if there(JSON):
        return tokenizer_from_json(parse_json(read(JSON), folder / JSON), context_length)
    if there(VOCAB, PAIRS):
        vocab, text = parse_json(read(VOCAB), folder / VOCAB), read(PAIRS)
        with told_of(folder / PAIRS):
            return BytePairs(parse_merges(text.decode()), vocab, context_length)
    if there(VOCAB) or there(PAIRS):
        raise CheckpointError(f"{quote(folder)} has one of {VOCAB} and {PAIRS}, expected both: fetch the other")
    if there(LIST):
        data = read(LIST)
        with told_of(folder / LIST):
            return BytePairs(unpack_list(data), None, context_length)
    return None


@contextmanager
def told_of(path: Path):
    """Errors of what a file holds, as a CheckpointError that names it."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise CheckpointError(f"{quote(path)} is not UTF-8 (byte {error.start}): restore it from a copy") from error
    except InputError as error:
        raise CheckpointError(f"{quote(path)} does not fit: {error}; restore it from a copy") from error
