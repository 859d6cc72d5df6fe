"""Rows of tables in UTF-8: CSV, tab-separated values, JSON and JSON lines. What is damaged is told with its line."""

import csv
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path

from ..errors import DataError, one_line, quote
from ..files.storage import DEEPEST, depth
from ..machine.disk import open_file, reason

MAX_TABLE = 2**31  # bytes


def bytes_of(path: Path, most: int | None = None) -> bytes:
    """The first bytes of a table, or all; a DataError if it cannot be read, or is too large for that."""
    try:
        with open_file(path) as file:
            size = os.fstat(file.fileno()).st_size
            if most is None and size > MAX_TABLE:
                raise DataError(f"{quote(path)} has {size:,} bytes, expected at most {MAX_TABLE:,}: split it")
            return file.read(most)
    except OSError as error:
        raise DataError(f"{quote(path)} cannot be read ({reason(error)}): mend it, or take it away") from error


def read_text(path: Path) -> str:
    """The text of a table; a DataError with the line that is not UTF-8."""
    data = bytes_of(path)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{quote(path)}, line {line}: not UTF-8 (byte {data[error.start]:#04x}); was it saved in another "
            "encoding, such as cp1252? save it as UTF-8"
        ) from error
    if "\0" in text:
        raise DataError(f"{quote(path)}, line {text.count(chr(10), 0, text.index(chr(0))) + 1}: a NUL character, "
                        "expected text")  # fmt: skip
    return text


def lines_in(text: str) -> list[str]:
    """The lines that say something; only a line feed ends one, while Python also splits at other characters."""
    return [line for line in text.split("\n") if line.strip()]


def rows_of(path: Path, columns: tuple[str, ...], delimiter: str = ",") -> Iterator[list[str]]:
    """The given columns of each row of a table with a header; a DataError for another header or a damaged line.

    A row that is too short has empty texts in it.
    """
    reader = csv.reader(io.StringIO(read_text(path), newline=""), delimiter=delimiter, strict=True)
    try:
        header = next(reader, [])
        missing = [name for name in columns if name not in header]
        if missing:
            raise DataError(
                f"{quote(path)} has no column {quote(missing[0])}, expected {', '.join(columns)}: found "
                f"{', '.join(map(quote, header[:8])) or 'nothing'}"
            )
        places = [header.index(name) for name in columns]
        for row in reader:
            if row:
                yield [row[i] if i < len(row) else "" for i in places]
    except csv.Error as error:
        raise DataError(f"{quote(path)}, line {reader.line_num}: {one_line(error)}: mend the line") from error


def parse_strictly(text: str, where: str):
    """JSON in which no key stands twice, no number is none, and nothing is nested without end."""

    def once(pairs):
        names = [name for name, _ in pairs]
        twice = next((name for name in names if names.count(name) > 1), None) if len({*names}) < len(names) else None
        if twice is not None:
            raise ValueError(f"the key {quote(twice)} stands twice")
        return dict(pairs)

    def number(name):
        raise ValueError(f"{name} is no number of JSON")

    try:
        value = json.loads(text, object_pairs_hook=once, parse_constant=number)
        if depth(value) > DEEPEST:
            raise ValueError(f"nested more than {DEEPEST} deep")
        return value
    except (ValueError, RecursionError, MemoryError) as error:
        raise DataError(f"{where}: {one_line(error) or 'nested too deep'}: mend it") from error


def json_lines(path: Path) -> Iterator[dict]:
    """The objects of a file with one a line; a DataError with the line that is none."""
    for number, line in enumerate(read_text(path).split("\n"), 1):
        if line.strip():
            where = f"{quote(path)}, line {number}"
            row = parse_strictly(line, where)
            if not isinstance(row, dict):
                raise DataError(f"{where}: {type(row).__name__}, expected an object such as {{...}}")
            yield row
