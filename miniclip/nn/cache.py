"""What a forward keeps for its backward; and nothing at all where nobody will ask for a gradient."""

import threading


class Nothing(dict):
    """A cache that keeps nothing: what is written to it is gone, and its memory is free, still warm, for the next."""

    def __setitem__(self, key, value):
        pass


class Forgetting(threading.local):
    """While it is entered, the forwards of this thread keep nothing; their values are the same."""

    entered = 0

    def __enter__(self):
        self.entered += 1

    def __exit__(self, *error):
        self.entered -= 1


forgetting = Forgetting()


def new_cache(**facts) -> dict:
    """A cache with nothing in it but these facts, which are no arrays and stay in any case."""
    return Nothing(facts) if forgetting.entered else facts
