"""A pytest plugin: every test that catches a bug runs with each of its bugs, then without; what came of it is a file.

    BROKEN_OUT=found.json pytest -p broken_plugin NODES

found.json has for each bug whether its test passed: {"no exp": {"broken": false, "healthy": true}, ...}.
"""

import json
import os
from contextlib import nullcontext
from pathlib import Path

import pytest
from _pytest.runner import runtestprotocol

from miniclip.labs.bugs.known import BUGS, broken

FOUND: dict[str, dict[str, bool]] = {}


def passes(item, context) -> bool:
    """Set up, called, and torn down with all that it shares with others: nothing made by a bug outlives it."""
    with context:
        return all(report.passed for report in runtestprotocol(item, nextitem=None, log=False))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item, nextitem):
    names = [name for name, bug in BUGS.items() if bug.test == item.nodeid]
    for name in names:
        FOUND[name] = {"broken": passes(item, broken(name))}
    healthy = passes(item, nullcontext())
    for name in names:
        FOUND[name]["healthy"] = healthy
    return True


def pytest_sessionfinish():
    Path(os.environ["BROKEN_OUT"]).write_text(json.dumps(FOUND))
