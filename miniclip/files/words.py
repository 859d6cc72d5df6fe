"""Tokenizers in files: a run's own, and CLIP's merges and ids, under the names that others give them."""

import json
import os
from contextlib import contextmanager
from pathlib import Path

from ..data.byte_pairs import CONTEXT_LENGTH, BytePairs, read_shipped
from ..data.merges import END, SHIPPED, START, parse_merges, unpack_list
from ..data.tokenizer import Tokenizer
from ..errors import CheckpointError, InputError, quote
from ..models.text import TextConfig
from .storage import encode_json, parse_json, read_bytes, read_verified

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
    if isinstance(model, dict) and model.get("type") == "BPE":
        return BytePairs.from_json(data, context_length)
    return Tokenizer.from_json(data)


def read_tokenizer(folder: Path, sizes: TextConfig) -> Tokenizer | BytePairs | NoWords:
    """The tokenizer beside a real CLIP; the one that all published ones have, where there is none."""
    if any(os.path.exists(folder / name) for name in (JSON, VOCAB, LIST)):
        tokenizer: Tokenizer | BytePairs = read_byte_pairs(folder, sizes.context_length)
    elif sizes.vocab_size == SHIPPED_SIZE:
        tokenizer = read_shipped(sizes.context_length)
    else:
        return NoWords(folder)
    if max(tokenizer.vocab_size, tokenizer.end + 1) > sizes.vocab_size:
        raise CheckpointError(
            f"the tokenizer of {quote(folder)} has {tokenizer.vocab_size:,} tokens, the model {sizes.vocab_size:,}: "
            "not of one model"
        )
    return tokenizer


def read_byte_pairs(folder: Path, context_length: int = CONTEXT_LENGTH) -> BytePairs:
    """The tokenizer of a folder: of tokenizer.json, or vocab.json and merges.txt, or OpenAI's gzipped list.

    Parameters
    ----------
    context_length : int
        Tokens in a text, as the model has positions for them.

    Raises
    ------
    CheckpointError
        In one line, if none of them is there, or the first that is there is damaged.
    """
    parts: dict[str, bytes] = {}
    for names in ((JSON,), (VOCAB, PAIRS), (LIST,)):
        if all(os.path.exists(folder / name) for name in names):
            parts = {name: read_bytes(folder / name, MAX_BYTES) for name in names}
            break
    if JSON in parts:
        return BytePairs.from_json(parse_json(parts[JSON], folder / JSON), context_length)
    if VOCAB in parts:
        vocab = parse_json(parts[VOCAB], folder / VOCAB)
        with told_of(folder / PAIRS):
            return BytePairs(parse_merges(parts[PAIRS].decode()), vocab, context_length)
    if LIST in parts:
        with told_of(folder / LIST):
            return BytePairs(unpack_list(parts[LIST]), None, context_length)
    raise CheckpointError(f"{quote(folder)} has no words: expected {JSON}, or {VOCAB} and {PAIRS}, or {LIST}")


@contextmanager
def told_of(path: Path):
    """Errors of what a file holds, as a CheckpointError that names it."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise CheckpointError(f"{quote(path)} is not UTF-8 (byte {error.start}): restore it from a copy") from error
    except InputError as error:
        raise CheckpointError(f"{quote(path)} does not fit: {error}; restore it from a copy") from error


def byte_pair_files(tokenizer: BytePairs) -> dict[str, bytes]:
    """The files, by name, that transformers.CLIPTokenizer opens. They pad with the end token, whatever `pad` is.

    transformers reads its padding token in a text as padding, and `pad` may be the exclamation mark.
    """
    config = {"tokenizer_class": "CLIPTokenizer", "model_max_length": tokenizer.context_length, "bos_token": START,
              "eos_token": END, "unk_token": END, "pad_token": END}  # fmt: skip
    lines = ["#version: 0.2", *(" ".join(pair) for pair in tokenizer.ranks)]
    return {
        VOCAB: json.dumps(tokenizer.ids, ensure_ascii=False).encode(),
        PAIRS: "".join(f"{line}\n" for line in lines).encode(),
        "tokenizer_config.json": encode_json(config),
    }
