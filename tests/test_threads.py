"""Work shared by threads: in order, by all of them, with nothing left behind."""

import os
import subprocess
import sys
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from miniclip.machine import threads
from miniclip.machine.threads import Ahead, cores_taken, in_parallel, libraries, part_size, parts, shares


@pytest.fixture
def two_cores(monkeypatch):
    """Two threads for this test, the caller's and one more, whatever the machine has."""
    monkeypatch.setattr(threads, "cores", lambda: 2)
    threads.threads.cache_clear()
    yield
    threads.threads.cache_clear()


def settings():
    return round(sys.getswitchinterval(), 9), [
        one["num_threads"] for one in libraries().info() if one["user_api"] == "blas"
    ]


@given(st.integers(0, 50), st.integers(1, 20))
def test_parts_are_all_of_it_once(length, size):
    found = parts(length, size)
    assert [i for rows in found for i in range(rows.start, rows.stop)] == list(range(length))
    assert all(rows.stop - rows.start == size for rows in found[:-1])
    assert found  # one empty part of nothing


@given(st.lists(st.integers(1, 9), max_size=40), st.integers(1, 12))
def test_shares_are_all_of_it_once_and_about_equal(work, n):
    found = shares(np.array(work, int), n)
    assert [i for rows in found for i in range(rows.start, rows.stop)] == list(range(len(work)))
    assert 1 <= len(found) <= n
    assert all(sum(work[rows]) < sum(work) / n + 2 * 9 for rows in found)
    assert not work or all(rows.start < rows.stop for rows in found)


def test_a_part_has_what_fits_a_core_and_eight_items_at_least():
    assert part_size(threads.PART_BYTES // 100) == 100
    assert part_size(10**9) == 8


def test_jobs_run_at_once_and_answer_in_order(two_cores):
    together = threading.Barrier(2, timeout=20)  # broken, and an error, unless two threads wait at the same time
    who = set()

    def job(i):
        together.wait()
        who.add(threading.current_thread())
        return i

    assert list(in_parallel(lambda i=i: job(i) for i in range(6))) == list(range(6))
    assert threading.current_thread() in who  # whoever waits works
    assert list(in_parallel([])) == []


def test_few_jobs_are_begun_before_their_results_are_taken(two_cores):
    begun = []
    results = in_parallel(lambda i=i: begun.append(i) for i in range(100))
    next(results)
    assert len(begun) <= 2 * threads.AHEAD
    results.close()


def test_a_job_may_have_jobs_of_its_own(two_cores):
    def outer(i):
        return sum(in_parallel(lambda j=j: 10 * i + j for j in range(5)))

    assert list(in_parallel(lambda i=i: outer(i) for i in range(9))) == [50 * i + 10 for i in range(9)]


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt])
def test_an_error_is_raised_where_its_result_is_taken(two_cores, error):
    def fail():
        raise error

    before, results = settings(), in_parallel([lambda: 1, fail, lambda: 3])
    assert next(results) == 1
    with pytest.raises(error):
        next(results)
    assert settings() == before


def test_all_cores_are_taken_and_given_back(two_cores):
    before, within = settings(), []
    with cores_taken:
        within += [settings()] + list(in_parallel([settings] * 3))
    assert settings() == before
    assert within == [(min(threads.TURN, before[0]), [1] * len(before[1]))] * 4
    results = in_parallel([settings] * 9)
    next(results)
    del results  # abandoned
    assert settings() == before


def test_many_threads_may_take_the_cores(two_cores):
    before = settings()

    def work():
        for _ in range(50):
            list(in_parallel([int] * 3))

    users = [threading.Thread(target=work) for _ in range(4)]
    for user in users:
        user.start()
    for user in users:
        user.join()
    assert settings() == before


def test_what_is_computed_ahead_is_what_was_asked_for(two_cores):
    asked = []

    def square(n):
        asked.append(n)
        if n == 7:
            raise ZeroDivisionError
        return n * n

    ahead = Ahead(square)
    for n in (0, 1, 2, 5, 6, 8):  # and from another place on, as after a resume
        assert ahead(n) == n * n
        ahead.begin(n + 1)
        if n == 6:
            with pytest.raises(ZeroDivisionError):
                ahead(7)
    assert set(asked) <= set(range(10))
    assert all(asked.count(n) == 1 for n in (0, 1, 2, 5, 6, 7, 8))


def test_blas_starts_no_threads_beside_ours():
    """CPU time against that of a process in which BLAS was told so from the start; NumPy came first."""
    code = """
import time
import numpy as np
np.ones((300, 300)) @ np.ones((300, 300))
from miniclip.models.clip import encode_image_forward
from miniclip.train.backend import NUMPY
from miniclip.train.clip import TrainConfig, clip_stage, new_clip
recipe = TrainConfig()
model = new_clip(recipe)
learner = NUMPY.learner(clip_stage(recipe, model), model)
learner.step(1e-6)
best = []
for _ in range(5):
    begun = time.process_time()
    learner.step(1e-6)
    best.append(time.process_time() - begun)
print(min(best))
"""

    def cpu_time(**more):
        clean = {name: value for name, value in os.environ.items() if not name.endswith("NUM_THREADS")}
        return float(subprocess.check_output([sys.executable, "-c", code], env=clean | more))

    limits = {"OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    assert cpu_time() < 2 * cpu_time(**limits)  # with a pool of BLAS for each of ours: seven to nine times
