"""CLIP's merges and ids in a folder, under the names that others give them."""

import json
import os
from contextlib import contextmanager
from pathlib import Path

from ..data.byte_pairs import CONTEXT_LENGTH, BytePairs
from ..data.merges import END, SHIPPED, START, parse_merges, unpack_list
from ..errors import CheckpointError, InputError, quote
from .storage import encode_json, parse_json, read_bytes

JSON, VOCAB, PAIRS, LIST = "tokenizer.json", "vocab.json", "merges.txt", SHIPPED.name
MAX_BYTES = 2**25  # of each; OpenAI's have 4 million at most


def read_byte_pairs(folder: Path, context_length: int = CONTEXT_LENGTH, read=read_bytes) -> BytePairs:
    """The tokenizer of a folder: of tokenizer.json, or vocab.json and merges.txt, or OpenAI's gzipped list.

    Parameters
    ----------
    context_length : int
        Tokens in a text, as the model has positions for them.
    read : function of (path, most bytes) -> bytes
        Raises a CheckpointError for what cannot be read.

    Raises
    ------
    CheckpointError
        In one line, if none of them is there, or the first that is there is damaged.
    """
    parts: dict[str, bytes] = {}
    for names in ((JSON,), (VOCAB, PAIRS), (LIST,)):
        if all(os.path.exists(folder / name) for name in names):
            parts = {name: read(folder / name, MAX_BYTES) for name in names}
            break
    if JSON in parts:
        return BytePairs.from_json(parse_json(parts[JSON], folder / JSON), context_length)
    if VOCAB in parts:
        vocab = parse_json(parts[VOCAB], folder / VOCAB)
        with naming(folder / PAIRS):
            return BytePairs(parse_merges(parts[PAIRS].decode()), vocab, context_length)
    if LIST in parts:
        with naming(folder / LIST):
            return BytePairs(unpack_list(parts[LIST]), None, context_length)
    raise CheckpointError(f"{quote(folder)} has no words: expected {JSON}, or {VOCAB} and {PAIRS}, or {LIST}")


@contextmanager
def naming(path: Path):
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
