"""One family of errors. A message says what was got, what was expected, and what to do, in one line."""


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


class WeightsError(CheckpointError):
    """Tensors that do not fit the model that should hold them."""


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


def quote(value, limit: int = 200) -> str:
    """`repr(value)`, control characters escaped, cut at `limit` characters: safe to put in a message."""
    text = (
        ascii(value)
        if not isinstance(value, str)
        else "'" + "".join(c if c.isprintable() else ascii(c)[1:-1] for c in value[: limit + 1]) + "'"
    )
    return text if len(text) <= limit else text[: limit - 3] + "..."
