"""All known bugs by name, and where they are."""

from contextlib import AbstractContextManager

from ...errors import InputError, quote
from . import of_learning, of_the_gradients, of_the_loss, of_the_rest, of_the_towers
from .injection import Bug, injected

PLACES = {
    "the loss": of_the_loss.BUGS,
    "the towers": of_the_towers.BUGS,
    "the gradients": of_the_gradients.BUGS,
    "learning": of_learning.BUGS,
    "data, decoder, scores": of_the_rest.BUGS,
}
BUGS = {name: bug for bugs in PLACES.values() for name, bug in bugs.items()}


def broken(name: str) -> AbstractContextManager[Bug]:
    """A context in which miniclip has the bug of this name.

    Raises
    ------
    InputError
        If there is no such bug.
    """
    if name not in BUGS:
        raise InputError(f"there is no bug {quote(name)}, expected one of {', '.join(BUGS)}")
    return injected(BUGS[name])
