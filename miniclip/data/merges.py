"""What byte-pair encoding learned: merges in order, ids, and how files hold them.

Before anything is merged a text is bytes, and each byte is written as a character that can be seen.
"""

import gzip
import io
import zlib
from pathlib import Path

from ..errors import InputError, one_line, quote

START, END = "<|startoftext|>", "<|endoftext|>"
WORD_END = "</w>"  # what the last token of a piece ends with: "ate" in "late" is another token than in "water"
SHIPPED = Path(__file__).parent / "clip" / "bpe_simple_vocab_16e6.txt.gz"
MERGES = 49_152 - 256 - 2  # of the 262,144 in OpenAI's list, those that CLIP uses
MAX_BYTES = 2**24  # of the list, unpacked: five times what OpenAI's has

# A character for each byte that can be seen and is no space: itself where it is such a one in Latin-1.
_VISIBLE = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
_OTHERS = [byte for byte in range(256) if byte not in _VISIBLE]
CHARACTERS = {byte: chr(byte) for byte in _VISIBLE} | {byte: chr(256 + i) for i, byte in enumerate(_OTHERS)}
BYTES = {character: byte for byte, character in CHARACTERS.items()}


def first_tokens() -> list[str]:
    """What every text can be written in: the 256 bytes, and the same at the end of a piece."""
    return [*CHARACTERS.values(), *(character + WORD_END for character in CHARACTERS.values())]


def token_bytes(token: str) -> bytes:
    """What a token stands for; a token that merges cannot make stands for its name."""
    name, space = token.removesuffix(WORD_END), b" " if token.endswith(WORD_END) else b""
    return (bytes(BYTES[c] for c in name) if set(name) <= BYTES.keys() else name.encode(errors="replace")) + space


def check_merges(merges) -> dict[tuple[str, str], int]:
    """Pair -> rank. Each merges two tokens that are there by then into one that is not: else an InputError."""
    ranks: dict[tuple[str, str], int] = {}
    known = set(first_tokens())
    for rank, pair in enumerate(merges):
        if not isinstance(pair, list | tuple) or len(pair) != 2 or not all(isinstance(part, str) for part in pair):
            raise InputError(f"merge {rank} is {quote(pair)}, expected two tokens")
        for part in pair:
            if part not in known:
                raise InputError(f"merge {rank} joins {quote(part)}, which no byte and no merge before it is")
        made = "".join(pair)
        if made in known or made in (START, END):
            raise InputError(f"merge {rank} makes {quote(made)}, which is there already")
        known.add(made)
        ranks[pair[0], pair[1]] = rank
    return ranks


def check_vocab(vocab, ranks) -> dict[str, int]:
    """Token -> id: the vocabulary, or without one OpenAI's order.

    An InputError unless it has every token that is needed, and the ids 0, 1, 2, ... each once.
    """
    needed = [*first_tokens(), *("".join(pair) for pair in ranks), START, END]
    if vocab is None:
        return {token: id for id, token in enumerate(needed)}
    if not isinstance(vocab, dict) or not all(type(id) is int for id in vocab.values()):
        raise InputError("the vocabulary is not a table of tokens and their ids, which are whole numbers")
    if sorted(vocab.values()) != list(range(len(vocab))):
        raise InputError(f"the ids of the {len(vocab)} tokens are not 0 to {len(vocab) - 1}, each once")
    missing = [token for token in needed if token not in vocab]
    if missing:
        raise InputError(
            f"{len(missing)} tokens have no id, such as {quote(missing[0])}: merges of another vocabulary?"
        )
    return dict(vocab)


def parse_merges(text: str) -> list[list[str]]:
    """The pairs of merges.txt: two tokens a line. A first line that tells the version is none."""
    lines = [line.removesuffix("\r") for line in text.removesuffix("\n").split("\n")]
    lines = lines[1:] if "#version" in lines[0] else lines
    return [line.split(" ") for line in lines if line]


def unpack_list(data: bytes) -> list[list[str]]:
    """The merges that CLIP uses of OpenAI's gzipped list; an InputError if it is not that list."""
    try:
        with gzip.open(io.BytesIO(data)) as file:
            text = file.read(MAX_BYTES + 1)
        if len(text) > MAX_BYTES:
            raise InputError(f"it unpacks to more than {MAX_BYTES:,} bytes")
        merges = parse_merges(text.decode())
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise InputError(f"it is not a gzipped text ({one_line(error)})") from error
    if len(merges) < MERGES:
        raise InputError(f"it has {len(merges):,} merges, expected at least {MERGES:,}")
    return merges[:MERGES]


def shipped_merges() -> list[list[str]]:
    """OpenAI's merges, which are in the package."""
    return unpack_list(SHIPPED.read_bytes())
