"""Approximate indexes find nearly all, and believe no array that would lead faiss astray."""

import json
from importlib import import_module

import faiss
import numpy as np
import pytest
from test_folder import counts, here, model, put, runs, small_parts, update  # noqa: F401

import miniclip
from miniclip.app import arguments
from miniclip.data.captions import write_captions
from miniclip.data.drawing import draw_scenes
from miniclip.data.pictures import normalize
from miniclip.data.world import sample_scenes
from miniclip.errors import ConfigError, IndexFileError, InputError
from miniclip.files import storage
from miniclip.search import approximate
from miniclip.search.approximate import KINDS, LINKS, WAYS, Approximate, open_index, recall_of
from miniclip.search.index import Index, nearest, unit_rows
from miniclip.search.ivf import InvertedFile, k_means
from miniclip.search.store import read_about

N, E = 3000, 64


def clustered(rng):
    centres = rng.normal(size=(60, E))
    vectors = centres[rng.integers(60, size=N)] + 0.7 * rng.normal(size=(N, E))
    return unit_rows(vectors, "v"), unit_rows(vectors[:100] + 0.3 * rng.normal(size=(100, E)), "q")


def random(rng):
    return unit_rows(rng.normal(size=(N, E)), "v"), unit_rows(rng.normal(size=(100, E)), "q")


def drawings(rng):
    clip = miniclip.load()
    texts = write_captions(sample_scenes(1, "A", np.arange(100)))
    return clip.encode_image(normalize(draw_scenes(sample_scenes(0, "A", np.arange(N))))), clip.encode_text(texts)


DATA = {make.__name__: make for make in (clustered, random, drawings)}


@pytest.fixture(scope="module", params=DATA)
def data(request):
    """Vectors and queries: alike, at random, and pictures with sentences."""
    return DATA[request.param](np.random.default_rng(0))


@pytest.fixture(scope="module", params=WAYS)
def built(request, data):
    """An approximate index of them."""
    return Approximate(Index(data[0], range(N)), request.param)


def test_kinds_are_the_same_everywhere():
    assert KINDS == arguments.INDEX_KINDS == ("exact", *WAYS)


def test_exact_search_agrees_with_faiss(data):
    vectors, queries = data
    exact = faiss.IndexFlatIP(E)
    exact.add(vectors)
    scores, rows = exact.search(queries, 11)
    ids, ours = Index(vectors, range(N)).search(queries, 10)
    np.testing.assert_allclose(ours, scores[:, :10], atol=1e-5)
    compared = 0
    for q in range(len(queries)):
        for place in range(10):  # ties within the rounding are left out
            if np.abs(np.delete(scores[q], place) - scores[q, place]).min() > 1e-5:
                assert ids[q][place] == rows[q, place]
                compared += 1
    assert compared > 500


def test_nearly_all_are_found(data, built):
    """At ten, and at one, where less is looked at."""
    vectors, queries = data
    assert recall_of(built, queries, 10) >= 0.95
    assert recall_of(built, queries, 1) >= 0.95
    ids, scores = built.search(queries, 10)
    assert np.array(ids).shape == scores.shape == (100, 10)
    assert (np.diff(scores, axis=1) <= 0).all()
    np.testing.assert_allclose(scores, np.einsum("qke,qe->qk", vectors[np.array(ids)], queries), atol=1e-6)


def test_what_is_opened_again_finds_the_same(data, built):
    arrays = {name: values.copy() for name, values in built.arrays.items()}
    again = Approximate(Index(data[0], range(N)), built.kind, arrays, built.effort)
    for one, other in zip(again.search(data[1], 10), built.search(data[1], 10), strict=True):
        np.testing.assert_array_equal(one, other)


def test_all_are_found_where_all_are_asked_for(built):
    """Few were looked at: then all are compared."""
    built.effort, effort = 1, built.effort
    ids, scores = built.search(built.embeddings[:2], N + 5)
    built.effort = effort
    assert scores.shape == (2, N)
    assert sorted(ids[0]) == list(range(N))


@pytest.mark.parametrize("kind", WAYS)
@pytest.mark.parametrize("n", [1, 2, 3, 11])
def test_small_indexes_and_opposites(kind, n):
    vectors = np.concatenate([np.eye(6), -np.eye(6)])[:n] if n > 2 else np.array([[1.0, 0.0], [-1.0, 0.0]])[:n]
    index = Approximate(Index(vectors, range(n)), kind)
    ids, scores = index.search(vectors, n)
    assert [one[0] for one in ids] == list(range(n))
    assert scores.shape == (n, n)


@pytest.mark.parametrize("kind", WAYS)
def test_equal_vectors_are_found_in_their_order(kind):
    ids, _ = Approximate(Index(np.ones((30, 4)), range(30)), kind).search(np.ones(4), 30)
    assert ids == [list(range(30))]


def test_bad_questions_are_those_of_every_index(built):
    table = ((np.ones((1, 3)), 1, "expected"), (np.zeros((1, E)), 1, "zero vector"), (np.ones((1, E)), 0, "above 0"),
             (np.full((1, E), np.nan), 1, "not all finite"))  # fmt: skip
    for queries, k, words in table:
        with pytest.raises(ValueError, match=words):
            built.search(queries, k)
    with pytest.raises(InputError, match="index is empty"):
        Approximate(Index(np.zeros((0, 4)), []), built.kind)
    for kind in ("exact", "pq", None, ""):
        with pytest.raises(InputError, match="expected one of hnsw, ivf"):
            Approximate(Index(np.eye(3), "abc"), kind)


# Our own inverted file


def test_with_all_cells_it_is_exact(data):
    vectors, queries = data
    index = InvertedFile(vectors, range(N), probes=10**6)
    for one, other in zip(index.search(queries, 10), Index(vectors, range(N)).search(queries, 10), strict=True):
        np.testing.assert_array_equal(one, other)


def test_recall_is_bought_with_probes(data):
    vectors, queries = data
    index = InvertedFile(vectors, range(N))
    found = []
    for index.effort in (1, 4, 16, 64, 160):
        found.append(recall_of(index, queries, 10))
    assert found == sorted(found)
    assert found[-1] > 0.95
    assert found[0] < 1.0


def test_cells_are_those_of_the_nearest_centre():
    vectors, _ = clustered(np.random.default_rng(0))
    index = InvertedFile(vectors, range(N), "d1", cells=40, seed=3)
    assert index.centres.shape == (40, E)
    assert index.digest == "d1"
    np.testing.assert_allclose(np.linalg.norm(index.centres, axis=1), 1, atol=1e-5)
    assert sorted(np.concatenate(index.lists)) == list(range(N))
    for cell, rows in enumerate(index.lists):
        assert ((vectors[rows] @ index.centres.T).argmax(1) == cell).all()
    again = InvertedFile(vectors, range(N), cells=40, seed=3)
    np.testing.assert_array_equal(index.centres, again.centres)


def test_k_means_finds_what_is_apart():
    """Ten groups, and as many centres: those that k-means begins with lie in few of them, and it improves on that."""
    rng = np.random.default_rng(0)
    groups = unit_rows(rng.normal(size=(10, E)), "g")
    vectors = unit_rows(groups[rng.integers(10, size=2000)] + 0.05 * rng.normal(size=(2000, E)), "v")
    centres = k_means(vectors, 30, rng)
    assert (groups @ centres.T).max(1).min() > 0.9


def test_more_cells_are_looked_into_where_these_hold_too_few():
    vectors, queries = clustered(np.random.default_rng(0))
    ids, scores = InvertedFile(vectors, range(N), cells=500, probes=1).search(queries, 200)
    assert scores.shape == (100, 200)
    assert all(len(set(one)) == 200 for one in ids)


# Kept in folders


@pytest.mark.parametrize("kind", WAYS)
def test_the_index_of_a_folder_is_kept_as_it_was_asked_for(here, model, kind):  # noqa: F811
    (here / "words.txt").write_text("a red circle\na blue star\na green ring", "utf-8")
    assert update(here, model, captions=here / "words.txt", kind=kind)["kind"] == kind
    files = {path.name: path.read_bytes() for path in (here / "index").glob(f"{kind}-*.npy")}
    assert len(files) == 2 * len(WAYS[kind][2])
    for gallery in ("pictures", "captions"):
        index, exact = (one(here / "index", model.digest, gallery) for one in (open_index, Index.load))
        assert isinstance(index, Approximate)
        assert index.kind == kind
        assert recall_of(index, exact.embeddings, min(10, len(exact.ids))) >= 0.95
    assert update(here, model)["kind"] == kind  # nothing was asked: it stays, and is not built again
    assert {path.name: path.read_bytes() for path in (here / "index").glob(f"{kind}-*.npy")} == files
    put(here, "new.png", 41)
    assert counts(update(here, model)) == {"new": 1, "unchanged": 40}
    assert isinstance(open_index(here / "index"), Approximate)
    assert len(list((here / "index").glob(f"{kind}-*.npy"))) == len(files)
    assert update(here, model, kind="exact")["kind"] == "exact"
    assert not list((here / "index").glob(f"{kind}-*.npy"))
    assert type(open_index(here / "index")) is Index


def test_between_a_stop_and_the_end_it_is_searched_exactly(here, model):  # noqa: F811
    class Killed(BaseException):
        pass

    def tell(done, total):
        raise Killed

    update(here, model, kind="ivf")
    for n in range(20):
        put(here, f"more{n}.png", n + 40)
    with pytest.raises(Killed):
        update(here, model, tell=lambda done, total: tell(done, total) if done > 10 else None)
    assert type(open_index(here / "index")) is Index
    assert len(open_index(here / "index").ids) > 40
    assert update(here, model)["kind"] == "ivf"
    assert len(open_index(here / "index").ids) == 60
    assert isinstance(open_index(here / "index"), Approximate)


def lost(name):
    if name == "faiss":
        raise ModuleNotFoundError("No module named 'faiss'", name="faiss")
    return import_module(name)


def test_without_faiss(here, model, monkeypatch):  # noqa: F811
    update(here, model, kind="hnsw")
    monkeypatch.setattr(approximate, "import_module", lost)
    with pytest.warns(UserWarning, match=r"pip install 'miniclip\[index\]'\): the index is searched exactly"):
        assert type(open_index(here / "index")) is Index
    for kind in WAYS:
        with pytest.raises(ConfigError, match=r"faiss is not installed \(pip install 'miniclip\[index\]'\)"):
            update(here, model, kind=kind)
    assert update(here, model, kind="exact")["kind"] == "exact"
    with pytest.raises(InputError, match="the kind is 'pq', expected one of exact, hnsw, ivf"):
        update(here, model, kind="pq")


def changed(array, place, value):
    array = array.copy()
    array[place] = value
    return array


HOSTILE = {
    "hnsw": {
        "levels": [lambda a: a[:-1], lambda a: a[:0], lambda a: changed(a, 0, 0), lambda a: changed(a, 0, 10**6),
                   lambda a: changed(a, 0, -5), lambda a: changed(a, 0, 7), lambda a: a.astype(float),
                   lambda a: a[:, None]],
        "links": [lambda a: a[:-1], lambda a: a[:0], lambda a: changed(a, 3, 10**6), lambda a: changed(a, 3, -2),
                  lambda a: np.append(a, a), lambda a: a.astype(np.int64), lambda a: a[None]],
        "entry": [lambda a: a[:0], lambda a: changed(a, 0, -1), lambda a: changed(a, 0, 10**6),
                  lambda a: np.append(a, a), lambda a: a.reshape(())],
    },
    "ivf": {
        "centres": [lambda a: a[:-1], lambda a: a[:0], lambda a: a[:, :-1], lambda a: a.astype(float), lambda a: a[0],
                    lambda a: changed(a, 0, np.nan)],
        "cells": [lambda a: a[:-1], lambda a: changed(a, 0, -1), lambda a: changed(a, 0, 10**6), lambda a: a[:, None],
                  lambda a: a.astype(np.uint8)],
    },
}  # fmt: skip
EACH = [
    (kind, name, n) for kind, arrays in HOSTILE.items() for name, changes in arrays.items() for n in range(len(changes))
]


@pytest.mark.parametrize(("kind", "name", "n"), EACH)
def test_arrays_from_a_stranger(here, model, kind, name, n):  # noqa: F811
    """With digests that are right: none reaches faiss."""
    from miniclip.search.store import encode_array

    update(here, model, kind=kind)
    file = read_about(here / "index").shortcuts["pictures"]["arrays"][name]
    array = HOSTILE[kind][name][n](np.load(here / "index" / file))
    storage.commit(here / "index", {file: encode_array(array)})
    with pytest.raises(IndexFileError, match="no index that can be opened"):
        open_index(here / "index")


def test_links_into_a_layer_that_a_node_is_not_in():
    """Faiss would read the links of another node, or none."""
    vectors, _ = random(np.random.default_rng(0))
    arrays = Approximate(Index(vectors, range(N)), "hnsw", effort=16).arrays
    tall = int(np.flatnonzero(arrays["levels"] > 1)[0])
    place = (
        LINKS * (arrays["levels"][:tall] + 1).sum() + 2 * LINKS
    )  # its first link above the ground, which has two sets
    low = int(np.flatnonzero(arrays["levels"] == 1)[0])
    with pytest.raises(InputError, match="not in their layer"):
        Approximate(Index(vectors, range(N)), "hnsw", arrays | {"links": changed(arrays["links"], place, low)}, 16)


SHORTCUTS = [{"pictures": 3}, {"pictures": {}}, {"pictures": {"kind": "hnsw", "effort": 3, "arrays": []}}, [], 3,
             {"pictures": {"kind": "pq", "effort": 3, "arrays": {}}},
             {"pictures": {"kind": "hnsw", "effort": 3, "arrays": {"levels": "../../etc/passwd"}}},
             {"pictures": {"kind": "ivf", "effort": 0, "arrays": None}}]  # fmt: skip


@pytest.mark.parametrize("shortcuts", SHORTCUTS, ids=str)
def test_shortcuts_from_a_stranger(here, model, shortcuts):  # noqa: F811
    update(here, model)
    about = json.loads((here / "index" / "index.json").read_text())
    storage.commit(here / "index", {"index.json": json.dumps(about | {"shortcuts": shortcuts}).encode()})
    with pytest.raises(IndexFileError, match="no index that can be opened"):
        open_index(here / "index")


@pytest.mark.parametrize("effort", [0, -1, 2.5, "3", [], True])
def test_an_effort_that_is_none(here, model, effort):  # noqa: F811
    update(here, model, kind="ivf")
    about = json.loads((here / "index" / "index.json").read_text())
    about["shortcuts"]["pictures"]["effort"] = effort
    storage.commit(here / "index", {"index.json": json.dumps(about).encode()})
    with pytest.raises(IndexFileError, match="no index that can be opened"):
        open_index(here / "index")


@pytest.mark.parametrize("kind", WAYS)
def test_an_effort_beyond_all_is_exact_search(data, kind):
    vectors, queries = data
    index = Approximate(Index(vectors[:300], range(300)), kind, effort=10**30)
    ids, _ = index.search(queries, 10)
    assert ids == Index(vectors[:300], range(300)).search(queries, 10)[0]


def test_damage_to_a_shortcut_names_its_file(here, model):  # noqa: F811
    update(here, model, kind="ivf")
    path = next((here / "index").glob("ivf-*-cells.npy"))
    path.write_bytes(path.read_bytes()[:-1] + b"\1")
    with pytest.raises(IndexFileError, match=path.name):
        open_index(here / "index")
    assert len(Index.load(here / "index").ids) == 40  # which does not need it


def test_nearest_agrees_with_itself_in_both(data, built):
    """The rows of an approximate search are a subset of those of a longer exact one, with the same scores."""
    _, queries = data
    rows, scores = built.nearest(queries[:5], 5)
    exact = nearest(queries[:5], built.embeddings, N)
    for q in range(5):
        where = {row: score for row, score in zip(exact[0][q].tolist(), exact[1][q].tolist(), strict=True)}
        assert [where[row] for row in rows[q].tolist()] == scores[q].tolist()
