"""What to do when the system asks this process to stop."""

import signal
from contextlib import contextmanager

STOPS = (signal.SIGINT, signal.SIGTERM)  # Ctrl-C, and how a job is ended


@contextmanager
def on_stop(handle):
    """Call handle(number) for SIGINT and SIGTERM instead of ending the process; afterwards all is as before."""
    try:
        before = {number: signal.signal(number, lambda n, _: handle(n)) for number in STOPS}
    except ValueError:  # signals reach the main thread only: on another thread there is nothing to catch
        before = {}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def interrupts():
    """A list that receives the numbers of SIGINT and SIGTERM: a loop looks at it between two steps."""
    caught: list[int] = []
    with on_stop(caught.append):
        yield caught
