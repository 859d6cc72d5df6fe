"""What a search finds, as numbers and as pictures: among drawings, among picture files, in an index."""

from pathlib import Path

import numpy as np

from .. import figures
from ..data.captions import is_true
from ..data.pictures import normalize, picture_file
from ..datasets.walk import Files
from ..errors import ImageError, InputError, TextError
from ..model import Matcher, Model
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


def search(model: Model, query: str, k: int = 8, seed: int = 0, matcher: Matcher | None = None, paths=None, images=()):
    """Find pictures: among picture files, or without any, among drawings of the world's.

    A matcher puts the best of the drawings in order again.

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
        the picture (null where the oracle cannot know it); ids are the drawings' numbers, or the files' names
    """
    check_k(k)
    vector, said, _ = query_of(model, query, images)
    if paths:
        return search_files(model, vector, said, k, paths)
    if not model.of_the_world:
        raise InputError("this model was not trained on drawings of the world: name the pictures to search through")
    scenes, drawings, index = indexed(model, seed)
    (ids,), (scores,) = index.search(vector, k if matcher is None else max(k, CANDIDATES))
    if matcher is not None:
        if images or query_terms(query) != [(1.0, query)]:
            raise InputError("a fusion encoder reads one sentence: leave out --image and sums, or --rerank")
        judged = rerank(matcher, matcher.memory(normalize(drawings[ids])), [query], scores[None], model.logit_scale)[0]
        order = np.argsort(-judged, kind="stable")[:k]
        ids, scores = [ids[i] for i in order], scores[order]
    try:
        right = None if images else is_true(query, scenes)[ids].tolist()
    except TextError:  # a model reads any words, the oracle only its grammar
        right = None
    best = ids[:SHOWN]
    figure = figures.contact_sheet(title(said), drawings[best], scores[: len(best)], right and right[: len(best)])
    return said | {"ids": ids, "scores": rounded(scores), "right": right}, figure


def search_files(model: Model, vector, said: dict, k: int, paths):
    """The same for picture files."""
    normalised, names, unreadable = chosen_images(model, paths, "A", 0)
    index = Index(model.encode_image(normalised), range(len(names)), model.digest)
    (ids,), (scores,) = index.search(vector, k)
    result = said | {"ids": [names[i] for i in ids], "scores": rounded(scores), "right": None} | unreadable
    return result, figures.contact_sheet(title(said), as_seen(model, normalised[ids[:SHOWN]]), scores[:SHOWN], None)


def search_index(model: Model, folder: Path, query: str, k: int = 8, images=(), among: str | None = None):
    """The same in an index; ids are the pictures' paths, or captions. Without any picture there is no figure."""
    check_k(k)
    about = read_about(folder)
    index = Index.load(folder, model.digest, among)
    vector, said, pixels = query_of(model, query, images)
    (ids,), (scores,) = index.search(vector, k)
    result = said | {"ids": ids, "scores": rounded(scores), "right": None}
    if about.folder is None or among not in (None, PICTURES):
        sheet = pixels is not None and figures.captions_sheet(as_seen(model, pixels[0]), ids[:TOLD], scores[:TOLD])
        return result, sheet or None
    files, unreadable = Files(Path(about.folder), [], []), []
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
    return result, figures.contact_sheet(
        title(said), as_seen(model, np.concatenate(list(shown.values()))), scores[list(shown)], None
    )
