"""One family of errors. A message says what was got, what was expected, and what to do, in one line."""

import re
from pathlib import PurePath


class MiniclipError(Exception):
    """Base of every error that miniclip raises about what a user gave it; `exit_code` is the CLI's."""

    exit_code = 3


class InputError(MiniclipError, ValueError):
    """An argument that makes no sense."""


class InputTypeError(MiniclipError, TypeError):
    """An argument of another type than the one that is expected."""


class ConfigError(MiniclipError):
    """A configuration that no model can have."""


class TextError(MiniclipError):
    """Text that cannot be encoded, or a sentence outside the grammar."""


class ImageError(MiniclipError):
    """A picture that cannot be read."""


class DataError(MiniclipError):
    """Scenes, pairs or relevance judgements that make no sense."""


class CheckpointError(MiniclipError):
    """A run folder that is missing, damaged, busy, or could not be written."""

    exit_code = 4


class FolderInUse(CheckpointError):
    """A folder that another process holds."""


class WeightsError(CheckpointError):
    """Tensors that do not fit the model that should hold them."""


class FileError(MiniclipError):
    """A file or folder of another kind that cannot be read or written."""

    exit_code = 4


class IndexFileError(CheckpointError):
    """A search index that is missing, damaged, or belongs to another model."""


class TrainingDiverged(MiniclipError):
    """A loss, gradient or weight that is no longer a finite number."""

    exit_code = 5


class ProcessLost(MiniclipError):
    """One of the processes that train together has ended, or no longer answers."""

    exit_code = 5


class Interrupted(MiniclipError):
    """A signal asked the work to stop; what was done so far was saved first."""

    def __init__(self, number: int, message: str):
        super().__init__(message)
        self.exit_code = 128 + number


def quote(value, limit: int = 80) -> str:
    """A value as a message shows it: a string in quotation marks, a path without them, others as Python writes them.

    Control characters are escaped. What is longer than `limit` keeps its beginning and its end, where paths differ.
    """
    try:
        text = str(value) if isinstance(value, str | PurePath) else ascii(value)
    except Exception:  # such as an integer of more than 4,300 digits
        text = f"<{type(value).__name__}>"
    text = escape(shorten(text, limit))
    return f"'{text}'" if isinstance(value, str) else text


def shorten(text: str, limit: int = 80) -> str:
    """The beginning and the end of a text that is longer than `limit`.

    >>> shorten("a name that is far too long", 16)
    'a na...too long'
    """
    return text if len(text) <= limit else f"{text[: limit // 4]}...{text[limit // 4 + 4 - limit :]}"


def escape(text: str) -> str:
    """The text with control characters as Python writes them: a terminal would obey them."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def one_line(message) -> str:
    """What another library says, as we say it: in one line, without control characters, without endless names."""
    text = " ".join(re.split(r"[ \n]+", str(message).strip()))
    return escape(re.sub(r"(?<!\w)'[^']*'(?!\w)|\S{81,}", lambda name: shorten(name[0]), text))
