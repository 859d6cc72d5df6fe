"""An index as other engines read it in: vectors in .npy, and beside each row what it is, in JSON lines."""

import json
from pathlib import Path

import numpy as np

from ..files.checkpoint import check_new, write_model
from ..files.storage import encode_json
from ..machine.disk import as_folder
from .store import encode_array, read_about, read_gallery


def export_index(folder, out) -> dict:
    """Write an index into a new folder, for a vector database.

    vectors.npy    float32 (N, E), unit vectors: cosine and inner product are the same
    items.jsonl    a line a row: `id`, its number; `kind`, picture, caption or item; and `path` and `sha256`, or `text`
    about.json     the model's digest and run, the metric, N and E

    Parameters
    ----------
    folder : str or Path
        An index.
    out : str or Path

    Returns
    -------
    dict with `vectors`, how many, and `bytes`

    Raises
    ------
    IndexFileError
        If the index cannot be opened.
    CheckpointError
        If `out` exists, or cannot be written.
    """
    folder = as_folder(folder)
    check_new(out)
    about, vectors, lines = read_about(folder), [], list[str]()
    for gallery in about.galleries:
        _, part = read_gallery(folder, gallery)
        vectors.append(part.vectors)
        for name, stamp in zip(part.ids, part.stamps or [None] * len(part.ids), strict=True):
            item = {"id": len(lines), "kind": gallery.removesuffix("s")}
            if stamp:
                item |= {"path": str(Path(about.folder or "") / name), "sha256": stamp[2]}
            lines.append(json.dumps(item if stamp else item | {"text": name}))
    every = np.concatenate(vectors)
    said = {"model": about.model, "run": about.run, "metric": "cosine", "vectors": len(every), "width": every.shape[1]}
    files = {
        "vectors.npy": encode_array(every), "items.jsonl": "".join(line + "\n" for line in lines).encode(),
        "about.json": encode_json(said),
    }  # fmt: skip
    return {"vectors": len(every), "bytes": write_model(files, out)}
