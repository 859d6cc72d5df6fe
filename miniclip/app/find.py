"""What a search finds, as numbers and as pictures: among drawings, among picture files, in an index."""

from pathlib import Path

import numpy as np

from .. import figures
from ..data.captions import is_true
from ..data.pictures import normalize, picture_file
from ..datasets.walk import Files
from ..errors import ImageError, InputError, TextError
from ..model import Matcher, Model
from ..search.approximate import open_index
from ..search.cut import Cut
from ..search.folder import PICTURES
from ..search.index import Index
from ..search.queries import embed_query, query_terms
from ..search.store import read_about
from ..tasks.matching import CANDIDATES, rerank
from ..tasks.retrieval import check_k
from .printing import rounded
from .show import as_seen, chosen_images, indexed

SHOWN, TOLD = 12, 8  # pictures and captions on a sheet


def query_of(model: Model, sentence: str, images) -> tuple[np.ndarray, dict, np.ndarray | None]:
    """(embedding, what is said of it in a result, pixels of its pictures) of a sentence, picture files, or both."""
    pixels = np.concatenate([picture_file(path, model) for path in images]) if images else None
    said = {"query": sentence} | ({"images": list(images)} if images else {})
    return embed_query(model, sentence, pixels), said, pixels


def title(said: dict) -> str:
    """A query, for a figure."""
    return " + ".join(
        filter(None, [said["query"].replace('"', ""), *(Path(name).name for name in said.get("images", ()))])
    )


def check_sentence(query: str, images, what: str) -> None:
    """An InputError unless the query is one sentence and nothing else."""
    if images or query_terms(query) != [(1.0, query)]:
        raise InputError(f"{what} is for one sentence: leave it out, or --image and sums")


def ranked(model: Model, index: Index, vector, k: int, cut: Cut | None, split: str = "many"):
    """(ids, scores, what a cut adds to a result) of the k nearest, as far as it lets them through."""
    if cut is None:
        (ids,), (scores,) = index.search(vector, k)
        return ids, scores, {}
    n, chances, ids, scores = cut.known(model, split).ranking(model, index, vector)
    k = min(n, k)
    said = {"precision": cut.precision, "likely": n, "chances": None if chances is None else rounded(chances[:k])}
    return ids[:k], scores[:k], said


def search(model: Model, query: str, k: int = 8, seed: int = 0, matcher: Matcher | None = None, paths=None, images=(),
           cut: Cut | None = None):  # fmt: skip
    """Find pictures: among picture files, or without any, among drawings of the world's.

    A matcher puts the best of the drawings in order again; a cut returns only what is likely right, or nothing.

    Parameters
    ----------
    query : str
        See `search.queries`.
    images : list of paths
        Pictures that are part of the query.

    Returns
    -------
    (result, figure)
        result : dict with `query`, `ids`, `scores`, which are cosines, and `right`, whether the sentence is true of
        the picture (null where the oracle cannot know it); ids are the drawings' numbers, or the files' names; with a
        cut also `precision`, `likely`, how many are likely right, and `chances`, how likely each is (null where only
        unrelated queries tell). Where nothing was found, figure is None.
    """
    check_k(k)
    if cut or matcher:
        check_sentence(query, images, "--precision" if cut else "--rerank")
    if cut and matcher:
        raise InputError("--precision judges the order of the cosines: leave it out, or --rerank")
    vector, said, _ = query_of(model, query, images)
    if paths:
        return search_files(model, vector, said, k, paths, cut)
    if not model.of_the_world:
        raise InputError("this model was not trained on drawings of the world: name the pictures to search through")
    scenes, drawings, index = indexed(model, seed)
    ids, scores, sure = ranked(model, index, vector, max(k, CANDIDATES) if matcher else k, cut, "train")
    if matcher is not None:
        judged = rerank(matcher, matcher.memory(normalize(drawings[ids])), [query], scores[None], model.logit_scale)[0]
        order = np.argsort(-judged, kind="stable")[:k]
        ids, scores = [ids[i] for i in order], scores[order]
    is_sentence = not images and query_terms(query) == [(1.0, query)]
    try:
        right = is_true(query, scenes)[ids].tolist() if is_sentence else None
    except TextError:  # a model reads any words, the oracle only its grammar
        right = None
    result = said | {"ids": ids, "scores": rounded(scores), "right": right} | sure
    return result, result_sheet(said, drawings[ids[:SHOWN]], scores, right)


def result_sheet(said: dict, images, scores, right=None):
    """The contact sheet of the first results, or None where there is nothing to show."""
    n = len(images)
    return figures.contact_sheet(title(said), images, scores[:n], right and right[:n]) if n else None


def search_files(model: Model, vector, said: dict, k: int, paths, cut: Cut | None = None):
    """The same for picture files."""
    normalised, names, unreadable = chosen_images(model, paths, "A", 0)
    index = Index(model.encode_image(normalised), range(len(names)), model.digest)
    ids, scores, sure = ranked(model, index, vector, k, cut)
    result = said | {"ids": [names[i] for i in ids], "scores": rounded(scores), "right": None} | sure | unreadable
    return result, result_sheet(said, as_seen(model, normalised[ids[:SHOWN]]), scores)


def has_pictures(folder: Path, among: str | None) -> bool:
    """Are the ids of an index, or of what is searched in it, the paths of pictures?"""
    return among in (None, PICTURES) and read_about(folder).folder is not None


def search_index(model: Model, folder: Path, query: str, k: int = 8, images=(), among: str | None = None,
                 cut: Cut | None = None):  # fmt: skip
    """The same in an index; ids are the pictures' paths, or captions. Without any picture there is no figure."""
    check_k(k)
    if cut:
        check_sentence(query, images, "--precision")
        if among not in (None, PICTURES):
            raise InputError(f"--precision is for pictures, got --among {among}: leave one of them out")
    opened = Index.load if cut else open_index  # how many are likely right is known when all were compared
    index = opened(folder, model.digest, among)
    vector, said, pixels = query_of(model, query, images)
    ids, scores, sure = ranked(model, index, vector, k, cut)
    result = said | {"ids": ids, "scores": rounded(scores), "right": None} | sure
    if not has_pictures(folder, among):
        told = pixels is not None and figures.captions_sheet(as_seen(model, pixels[0]), ids[:TOLD], scores[:TOLD])
        return result, told or None
    files, unreadable = Files(Path(str(read_about(folder).folder)), [], []), []
    shown: dict[int, np.ndarray] = {}
    for n, name in enumerate(ids):
        ids[n] = str(files.path(files.find(name)))
        try:
            if len(shown) < SHOWN:
                shown[n] = picture_file(Path(ids[n]), model)
        except ImageError as error:
            unreadable.append({"image": ids[n], "error": str(error)})
    result |= {"unreadable": unreadable} if unreadable else {}
    if not shown:
        return result, None
    return result, result_sheet(said, as_seen(model, np.concatenate(list(shown.values()))), scores[list(shown)])
