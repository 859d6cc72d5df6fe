"""The exact index: as brute force finds, whole or refused, in one line."""

import io
import json
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from miniclip.errors import CheckpointError, IndexFileError
from miniclip.files.storage import commit
from miniclip.search import index as exact
from miniclip.search.index import Index


def vectors(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


@given(st.integers(1, 9), st.integers(1, 4), st.integers(1, 12), st.integers(0, 99))
def test_search_equals_brute_force(N, Q, k, seed):
    """Cosines to 1e-5, all of them, ties by the lowest position; k beyond N gives N."""
    gallery, queries = vectors(N, 5, seed=seed), vectors(Q, 5, seed=seed + 100)
    gallery[N // 2 :] = gallery[: N - N // 2] * (1 + seed)  # twins of another length: equal cosines
    names = [f"item {n}" for n in range(N)]
    found, scores = Index(gallery, names).search(queries, k)
    assert scores.shape == (Q, min(k, N)) == np.shape(found)
    for q in range(Q):
        cosines = [float(v @ queries[q] / np.linalg.norm(v) / np.linalg.norm(queries[q])) for v in gallery]
        best = sorted(range(N), key=lambda n: (-round(cosines[n], 6), n))[: min(k, N)]
        assert found[q] == [names[n] for n in best]
        np.testing.assert_allclose(scores[q], [cosines[n] for n in best], atol=1e-5)


@pytest.mark.parametrize("k", [0, -1, 2.5, True, np.True_, "3", None, float("nan")])
def test_k_that_is_refused(k):
    with pytest.raises(ValueError, match="expected a whole number above 0"):
        Index(np.eye(2), "ab").search(np.eye(2), k)


@pytest.mark.parametrize("E", [3, 5, 64, 512])
@pytest.mark.parametrize("Q", [1, 2, 64])
def test_equal_vectors_keep_their_order_wherever_they_stand(monkeypatch, E, Q):
    """A matrix product rounds the last rows of a part in another way than those before them."""
    vector, queries = vectors(E), vectors(Q, E, seed=1)
    for size in (exact.PART, 7 * max(E, Q)):
        monkeypatch.setattr(exact, "PART", size)
        for N in (1, 2, 3, 7, 8, 41, 67, 257):
            found, scores = Index(np.tile(vector, (N, 1)), range(N)).search(queries, 40)
            assert found == [list(range(min(N, 40)))] * Q
            assert not np.ptp(scores, axis=1).any()


@pytest.mark.parametrize("rows", [1, 3, 10, 999, 1000, 5000])
def test_parts_change_nothing(monkeypatch, rows):
    """Neither what is found nor, to the last bit, its scores."""
    index, queries = Index(np.round(vectors(1000, 6), 1) + 0.01, range(1000)), vectors(9, 6, seed=1)
    whole = index.search(queries, 12)
    monkeypatch.setattr(exact, "PART", 9 * rows)
    for one, other in zip(index.search(queries, 12), whole, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_large_search_needs_no_table_of_all_cosines():
    """Peak memory, in a process of its own, of 2,000 queries of 100,000 vectors: their table would be 800 MB."""
    code = """
import numpy as np
from miniclip.machine.memory import peak_memory
from miniclip.search.index import nearest
rng = np.random.default_rng(0)
vectors, queries = (rng.normal(size=(n, 8)).astype(np.float32) for n in (100_000, 2000))
nearest(queries[:2], vectors, 10)
print(peak_memory(lambda: nearest(queries, vectors, 10)))
"""
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert int(answer) < 250 * 2**20


@pytest.mark.parametrize("kind", ["float64", "float16", "int64", "uint8", ">f4"])
def test_numbers_of_every_kind_are_cast(kind):
    index = Index(np.array([[3, 4], [0, 2]], kind), ["a", "b"])
    assert index.embeddings.dtype == np.float32
    np.testing.assert_allclose(index.embeddings, [[0.6, 0.8], [0, 1]], atol=1e-7)
    assert index.search(np.array([0, 1], kind), 1)[0] == [["b"]]


@pytest.mark.parametrize("size", [1e-160, 1e160, 1e300])
def test_vectors_of_any_length_have_a_direction(size):
    np.testing.assert_allclose(Index([[3 * size, 4 * size]], ["a"]).embeddings, [[0.6, 0.8]], atol=1e-7)


BAD_VECTORS = {
    "nan": ([[1, np.nan]], "not all finite"), "inf": ([[1, np.inf]], "not all finite"),
    "zero": ([[0.0, 0.0]], "zero vector in row 0"), "1-d": ([1.0, 2.0], r"shape \(2,\)"),
    "3-d": ([[[1.0, 2.0]]], r"shape \(1, 1, 2\)"), "text": ([["a", "b"]], "expected numbers"),
    "bool": ([[True, False]], "type bool"), "complex": ([[1j, 2]], "type complex128"),
}  # fmt: skip


@pytest.mark.parametrize(("bad", "words"), BAD_VECTORS.values(), ids=BAD_VECTORS)
def test_vectors_that_are_refused(bad, words):
    with pytest.raises(ValueError, match=words):
        Index(np.array(bad), ["a"])
    if np.ndim(bad) == 2:
        with pytest.raises(ValueError, match="queries"):
            Index(np.eye(2), "ab").search(np.array(bad))


def test_queries_of_another_width():
    for queries in (np.ones((2, 3)), np.ones(3), np.ones((1, 2, 2)), np.ones(())):
        with pytest.raises(ValueError, match=r"expected \(Q, 2\)"):
            Index(np.eye(2), "ab").search(queries)


@pytest.mark.parametrize(
    ("ids", "words"),
    [("a", "1 ids for 2"), ("abc", "3 ids for 2"), ("aa", "same id"), ([1, 1], "same id"), ([1, 2.0], "str and int"),
     ([None, "a"], "str and int"), ([["a"], ["b"]], "str and int"), ([True, 2], "str and int")],
)  # fmt: skip
def test_ids_that_are_refused(ids, words):
    with pytest.raises(ValueError, match=words):
        Index(np.eye(2), ids)


def test_mixed_ids_need_no_order():
    assert Index(np.eye(2), ["1", 1]).search(np.eye(2), 1)[0] == [["1"], [1]]


@pytest.fixture
def saved(tmp_path):
    Index(vectors(20, 5), [*range(19), "häß"], "d1").save(tmp_path / "index")
    return tmp_path / "index"


def test_index_round_trip(saved):
    index, queries = Index.load(saved, "d1"), vectors(3, 5, seed=1)
    assert isinstance(index.embeddings, np.memmap)
    assert not index.embeddings.flags.writeable
    assert (index.ids, index.digest) == ([*range(19), "häß"], "d1")
    original = Index(vectors(20, 5), index.ids)
    for a, b in zip(index.search(queries, 7), original.search(queries, 7), strict=True):
        np.testing.assert_array_equal(a, b)
    assert len(list(saved.iterdir())) == len(FILES)
    Index(np.eye(3), "abc").save(saved)
    assert Index.load(saved).ids == ["a", "b", "c"]
    assert len(list(saved.iterdir())) == len(FILES)  # the old part is gone


def test_empty_index(tmp_path):
    empty = Index(np.zeros((0, 4)), [])
    empty.save(tmp_path)
    for index in (empty, Index.load(tmp_path)):
        assert index.embeddings.shape == (0, 4)
        with pytest.raises(ValueError, match="the index is empty"):
            index.search(np.ones((1, 4)))


def test_index_of_another_model(saved):
    with pytest.raises(IndexFileError, match=r"made with model d1, expected d2: make the index again") as caught:
        Index.load(saved, "d2")
    assert caught.value.exit_code == 4


DAMAGE = {
    "flipped": lambda data, rng: flipped(data, rng.integers(len(data)), 1 << rng.integers(8)),
    "truncated": lambda data, rng: data[: rng.integers(len(data) - 1)],
    "appended": lambda data, rng: data + rng.bytes(rng.integers(1, 64)),
    "zeroed": lambda data, rng: zeroed(data, rng.integers(len(data)), rng.integers(1, 64)),
}


FILES = ["part-*.npy", "part-*.json", "index.json", "manifest.json"]


def flipped(data, at, bit):
    return data[:at] + bytes([data[at] ^ bit]) + data[at + 1 :]


def zeroed(data, at, length):
    changed = data[:at] + bytes(len(data[at : at + length])) + data[at + length :]
    return changed if changed != data else data[:-1]  # there were zeros: cut it instead


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_damage_is_an_error_that_names_the_file(saved, name, damage):
    """Two hundred of each kind: none is silent, none ends in another error."""
    (path,), rng = saved.glob(name), np.random.default_rng(0)
    data = path.read_bytes()
    for _ in range(200):
        path.write_bytes(damage(data, rng))
        with pytest.raises(IndexFileError, match=path.name) as caught:
            Index.load(saved)
        assert "no index that can be opened" in str(caught.value)
        assert str(caught.value).endswith("; restore it from a copy, or make the index again")
        assert "train" not in str(caught.value)
    path.write_bytes(data)
    assert Index.load(saved, "d1").ids[-1] == "häß"


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("data", [b"", b"<html>", b"\x80\x04.", b"PK\x03\x04", None, "a folder"], ids=str)
def test_other_files_in_its_place(saved, name, data):
    (path,) = saved.glob(name)
    path.unlink()
    if data == "a folder":
        path.mkdir()
    elif data is not None:
        path.write_bytes(data)
    with pytest.raises(IndexFileError, match=f"{path.name} is missing; " if data is None else path.name) as caught:
        Index.load(saved)
    assert "train" not in str(caught.value)


def test_an_older_or_newer_format_is_told(saved, monkeypatch):
    monkeypatch.setattr("miniclip.files.storage.FORMAT", 2)
    with pytest.raises(IndexFileError, match="has format 1, this miniclip reads 2"):
        Index.load(saved)


def test_an_index_that_cannot_be_saved_keeps_the_old_one(saved, monkeypatch):
    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("miniclip.files.storage.write_synced", full)
    with pytest.raises(CheckpointError, match="disk full"):
        Index(np.eye(3), "abc").save(saved)
    assert len(Index.load(saved, "d1").ids) == 20


NO_ABOUT = [[], {}, None, 3, {"model": "d1"}, {"model": 7, "galleries": {}}, {"model": "d1", "galleries": 3},
            {"model": "d1", "galleries": {}}, {"model": "d1", "galleries": {"items": []}}, {"model": "d1", "more": 1},
            {"model": "d1", "galleries": {"items": ["../../etc/passwd"]}}, {"model": "d1", "galleries": {"items": [3]}},
            {"model": "d1", "galleries": {"items": "part-000000000000"}}, {"model": "d1", "galleries": [1]},
            {"model": "d1", "galleries": {"items": ["part-000000000000"]}}, {"model": "d1", "galleries": {}, "run": 3},
            {"model": "d1", "galleries": {}, "folder": []}, {"ids": ["a"], "model": "d1"}]  # fmt: skip


@pytest.mark.parametrize("about", NO_ABOUT, ids=str)
def test_an_index_from_a_stranger(saved, about):
    commit(saved, {"index.json": json.dumps(about).encode()})
    with pytest.raises(IndexFileError, match=r"no index that can be opened|holds nothing|expected items"):
        Index.load(saved, "d1")


NAMES = [*range(19), "häß"]
NO_IDS = [[], {}, None, {"ids": 3}, {"ids": NAMES}, {"ids": ["a"], "stamps": None}, {"ids": None, "stamps": None},
          {"ids": [*range(19), 0], "stamps": None}, {"ids": NAMES, "stamps": 3},
          {"ids": NAMES, "stamps": [[1, 2, "a"]]}, {"ids": NAMES, "stamps": [[1, 2, 3]] * 20},
          {"ids": NAMES, "stamps": [["a", 2, "a"]] * 20}]  # fmt: skip


@pytest.mark.parametrize("said", NO_IDS, ids=str)
def test_a_part_from_a_stranger(saved, said):
    (path,) = saved.glob("part-*.json")
    commit(saved, {path.name: json.dumps(said).encode()})
    with pytest.raises(IndexFileError, match="no index that can be opened"):
        Index.load(saved, "d1")


NO_VECTORS = {
    "pickle": np.array([{"a": 1}]), "1-d": np.ones(20), "3-d": np.ones((20, 2, 2)), "text": np.array([["x"]] * 20),
    "float64": np.eye(20), "nan": np.full((20, 3), np.nan, np.float32), "zero": np.zeros((20, 3), np.float32),
    "long": 2 * np.eye(20, dtype=np.float32), "inf": np.full((20, 3), np.inf, np.float32),
}  # fmt: skip


@pytest.mark.parametrize("array", NO_VECTORS.values(), ids=NO_VECTORS)
def test_index_of_other_arrays(saved, array):
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=True)
    (path,) = saved.glob("part-*.npy")
    commit(saved, {path.name: buffer.getvalue()})
    with pytest.raises(IndexFileError, match="no index that can be opened"):
        Index.load(saved)
