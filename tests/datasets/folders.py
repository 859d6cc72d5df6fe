"""Folders of pictures with captions, written as others write them, by code that knows nothing of ours."""

import csv
import io
import json
import tarfile
from pathlib import Path

import numpy as np
from PIL import Image

SIDE = 8


def noise(n: int, width: int = 10, height: int = 9) -> np.ndarray:
    """The pixels of picture n: no two alike."""
    return np.random.default_rng(n).integers(0, 256, (height, width, 3), np.uint8)


def png(n: int, kind: str = "PNG", **size) -> bytes:
    """A picture as a file."""
    file = io.BytesIO()
    Image.fromarray(noise(n, **size)).save(file, kind)
    return file.getvalue()


def fill(root, files: dict) -> Path:
    """Write files, of bytes or text, into a folder and those below it."""
    for name, content in files.items():
        path = Path(root) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return Path(root)


def beside(n: int, first: int = 0) -> dict:
    """n pictures, each with a text beside it."""
    found = {}
    for i in range(first, first + n):
        found |= {f"p{i:03}.png": png(i), f"p{i:03}.txt": f"picture number {i}"}
    return found


def table(rows, delimiter=",", **how) -> str:
    """Rows as a table."""
    file = io.StringIO()
    csv.writer(file, delimiter=delimiter, **how).writerows(rows)
    return file.getvalue()


def archive(members: dict, kind: str = "w") -> bytes:
    """A tar archive of files, by name."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=kind) as tar:
        for name, content in members.items():
            content = content.encode() if isinstance(content, str) else content
            about = tarfile.TarInfo(name)
            about.size = len(content)
            tar.addfile(about, io.BytesIO(content))
    return file.getvalue()


# The same content in each layout: CAPTIONS[i] is said of picture i

CAPTIONS = [["a red cat", 'it says "hi", and purrs'], ["a dog"], ["ein Hund 🐕", "two, three"], ["a dog"], ["grass"]]


def named(i: int, folder: str = "") -> str:
    return f"{folder}{1000 + 7 * i}.png"


def pictures(folder: str = "") -> dict:
    return {named(i, folder): png(i) for i in range(len(CAPTIONS))}


def pairs():
    """(i, caption) of each caption."""
    return [(i, caption) for i, captions in enumerate(CAPTIONS) for caption in captions]


def metadata_csv(root):
    """As `datasets` documents its ImageFolder with captions."""
    rows = [("file_name", "additional", "text"), *((named(i), "x", caption) for i, caption in pairs())]
    return fill(root, {"metadata.csv": table(rows)} | pictures())


def metadata_jsonl(root):
    """A file beside the pictures of each split, with lists of captions."""
    files = {}
    for split, some in (("train", (0, 1, 2)), ("test", (3, 4))):
        lines = [json.dumps({"file_name": named(i, "pictures/"), "text": CAPTIONS[i]}) for i in some]
        files[f"{split}/metadata.jsonl"] = "\n".join(lines) + "\n"
        files |= {named(i, f"{split}/pictures/"): png(i) for i in some}
    return fill(root, files)


def coco(root):
    """As cocodataset.org has it: annotations apart from the pictures, several for a picture."""
    about = {
        "info": {"year": 2017}, "licenses": [],
        "images": [{"id": 391895 + i, "file_name": named(i), "width": 10, "height": 9} for i in range(len(CAPTIONS))],
        "annotations": [{"id": 900 + k, "image_id": 391895 + i, "caption": c} for k, (i, c) in enumerate(pairs())],
    }  # fmt: skip
    return fill(root, {"annotations/captions_val2017.json": json.dumps(about)} | pictures("val2017/"))


def flickr_kaggle(root):
    """Flickr8k as Kaggle has it."""
    rows = [("image", "caption"), *((named(i), caption) for i, caption in pairs())]
    return fill(root, {"captions.txt": table(rows)} | pictures("Images/"))


def flickr_published(root):
    """Flickr8k as it was published: the number of the caption behind the name."""
    lines = [f"{named(i)}#{k}\t{c}" for i, captions in enumerate(CAPTIONS) for k, c in enumerate(captions)]
    return fill(root, {"Flickr8k_text/Flickr8k.token.txt": "\n".join(lines) + "\n"} | pictures("Flicker8k_Dataset/"))


def open_clip(root):
    """The lists that open_clip's --train-data reads: tab-separated, filepath and title."""
    rows = [("filepath", "title"), *((named(i, "some/"), caption) for i, caption in pairs())]
    return fill(root, {"train.tsv": table(rows, "\t", lineterminator="\n")} | pictures("some/"))


def open_clip_csv(root):
    """The same with commas, and lines as Windows ends them."""
    rows = [("title", "filepath"), *((caption, named(i, "some/")) for i, caption in pairs())]
    return fill(root, {"train.csv": "\ufeff" + table(rows)} | pictures("some/"))


def webdataset(root):
    """Two shards; a text with a caption a line, or JSON as img2dataset writes it."""
    shards: list[dict] = [{}, {}]
    for i, captions in enumerate(CAPTIONS):
        key = f"{i:09}"
        shards[i % 2][f"{key}.png"] = png(i)
        if len(captions) > 1:
            shards[i % 2][f"{key}.txt"] = "\n".join(captions)
        else:
            shards[i % 2][f"{key}.json"] = json.dumps({"key": key, "caption": captions[0], "status": "success"})
    return fill(root, {f"{n:05}.tar": archive(shard) for n, shard in enumerate(shards)})


def texts(root):
    """name.txt beside name.png."""
    return fill(root, {named(i)[:-3] + "txt": "\n".join(captions) + "\n" for i, captions in enumerate(CAPTIONS)}
                | pictures())  # fmt: skip


LAYOUTS = {
    "metadata.csv": ("metadata", metadata_csv), "metadata.jsonl": ("metadata", metadata_jsonl),
    "COCO": ("COCO", coco), "Kaggle": ("Flickr8k", flickr_kaggle), "published": ("Flickr8k", flickr_published),
    "tsv": ("lists", open_clip), "csv": ("lists", open_clip_csv), "shards": ("shards", webdataset),
    "texts": ("texts", texts),
}  # fmt: skip
