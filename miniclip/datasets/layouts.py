"""The layouts in which others write pictures with captions: each is recognised by what lies in the folder.

metadata      metadata.jsonl or metadata.csv with file_name and text: Hugging Face's imagefolder
shards        tar archives: WebDataset
COCO          captions_*.json with images and annotations
Flickr8k      captions.txt, image,caption; or *.token.txt, image#0 <tab> caption
lists         *.tsv or *.csv with filepath and title: open_clip's training lists
texts         name.txt beside name.jpg, a caption a line
classes       a folder for each class
"""

import re
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath

from ..errors import DataError, quote
from .listing import Listing, is_picture
from .shards import read_shards
from .tables import bytes_of, json_lines, lines_in, parse_strictly, read_text, rows_of
from .walk import Files, find_files

NAMED = 3  # tables in a message
METADATA = ("metadata.jsonl", "metadata.csv")
SPLIT = re.compile(
    r"(train|val|valid|dev|test)(ing|idation)?[-_ ]?\d*", re.IGNORECASE
)  # of a dataset; but "train" beside "bus" is a class


def ending_in(files: Files, *endings: str) -> list[str]:
    """The files with one of these endings, whatever their case."""
    return [name for name in files.names if name.lower().endswith(endings)]


def above(name: str) -> str:
    """The folder that a file lies in; '' for the dataset's own."""
    return name.rpartition("/")[0]


def has_header(files: Files, name: str, delimiter: str, *columns: str) -> bool:
    """Does a table begin with these columns, among others?"""
    first = bytes_of(files.path(name), 2**16).partition(b"\n")[0].decode("utf-8-sig", "replace")
    return set(columns) <= {cell.strip().strip('"') for cell in first.split(delimiter)}


def metadata_tables(files: Files) -> list[str]:
    """Hugging Face's tables of captions, also in the folders below."""
    return [name for name in files.names if PurePosixPath(name).name.lower() in METADATA]


def read_metadata(listing: Listing, tables: list[str]) -> None:
    """A row for each caption; or a row for each picture, with a list of them."""
    for name in tables:
        for file_name, text in metadata_rows(listing.files, name):
            listing.add_row(file_name, text if isinstance(text, list) else [text], above(name))


def metadata_rows(files: Files, name: str) -> Iterator[tuple]:
    """file_name and text of each row of a metadata table."""
    path, columns = files.path(name), ("file_name", "text")
    if name.lower().endswith(".csv"):
        yield from map(tuple, rows_of(path, columns))
        return
    for number, row in enumerate(json_lines(path), 1):
        if missing := [column for column in columns if column not in row]:
            raise DataError(f"{quote(path)}, row {number}: no {quote(missing[0])}, expected file_name and text: found "
                            f"{', '.join(map(quote, list(row)[:8])) or 'nothing'}")  # fmt: skip
        yield row["file_name"], row["text"]


def shard_archives(files: Files) -> list[str]:
    """Tar archives; those that are compressed are told to be unpacked."""
    return ending_in(files, ".tar", ".tar.gz", ".tgz")


def coco_files(files: Files) -> list[str]:
    """JSON files of captions."""
    return [name for name in ending_in(files, ".json") if "captions" in PurePosixPath(name).name.lower()]


def read_coco(listing: Listing, names: list[str]) -> None:
    """Source of the layout: Chen et al. 2015, arXiv:1504.00325, and cocodataset.org."""
    for name in names:
        path = listing.files.path(name)
        about = parse_strictly(read_text(path), quote(path))
        try:
            pictures = {image["id"]: image["file_name"] for image in about["images"]}
            said = [(annotation["image_id"], annotation["caption"]) for annotation in about["annotations"]]
        except (KeyError, TypeError) as error:
            raise DataError(
                f"{quote(path)} is not COCO's layout ({error}): expected images with id and file_name, and annotations "
                "with image_id and caption"
            ) from error
        if len(pictures) < len(about["images"]):
            raise DataError(f"{quote(path)}: two images have the same id: mend it")
        for image, caption in said:
            if image in pictures:
                listing.add_row(pictures[image], [caption], above(name), anywhere=True)
            else:
                listing.leave_out(f"{name}, image {image}", "a caption without a picture")


def flickr_tables(files: Files) -> list[str]:
    """Tables of captions as Kaggle has them, and as they were published."""
    captions = [name for name in files.names if PurePosixPath(name).name.lower() == "captions.txt"]
    headed = [name for name in captions if has_header(files, name, ",", "image", "caption")]
    return headed + ending_in(files, ".token.txt")


def read_flickr(listing: Listing, tables: list[str]) -> None:
    """Source of the layouts: Hodosh et al. 2013, doi:10.1613/jair.3994, as it was published, and as Kaggle has it."""
    for name in tables:
        for image, caption in flickr_rows(listing.files, name):
            listing.add_row(image, [caption], above(name), anywhere=True)


def flickr_rows(files: Files, name: str) -> Iterator[tuple[str, str]]:
    """Picture and caption of each row."""
    if not name.lower().endswith(".token.txt"):
        for image, caption in rows_of(files.path(name), ("image", "caption")):
            yield image, caption
        return
    for line in lines_in(read_text(files.path(name))):
        image, _, caption = line.partition("\t")
        yield re.sub(r"#\d+$", "", image), caption


def lists(files: Files) -> list[str]:
    """Tables with filepath and title."""
    tables = [(name, "\t" if name.lower().endswith(".tsv") else ",") for name in ending_in(files, ".tsv", ".csv")]
    return [name for name, delimiter in tables if has_header(files, name, delimiter, "filepath", "title")]


def read_lists(listing: Listing, tables: list[str]) -> None:
    """A row for each caption."""
    for name in tables:
        delimiter = "\t" if name.lower().endswith(".tsv") else ","
        for image, caption in rows_of(listing.files.path(name), ("filepath", "title"), delimiter):
            listing.add_row(image, [caption], above(name))


def texts_beside(files: Files) -> list[str]:
    """Texts that have the name of a picture."""
    stems = {name.rpartition(".")[0] for name in files.names if is_picture(name)}
    return [name for name in ending_in(files, ".txt") if name[:-4] in stems]


def read_texts(listing: Listing, texts: list[str]) -> None:
    """A caption a line."""
    beside = {text[:-4]: text for text in texts}
    for name in filter(is_picture, listing.files.names):
        if text := beside.get(name.rpartition(".")[0]):
            try:
                listing.add(name, lines_in(read_text(listing.files.path(text))))
            except DataError as error:
                listing.leave_out(name, str(error))
    folders = set(map(above, texts))
    for name in sorted({*ending_in(listing.files, ".txt")} - {*texts}):
        if above(name) in folders:
            listing.leave_out(name, "a caption without a picture")


def class_of(name: str) -> str:
    """The class that a picture's folder names; underscores stand for spaces."""
    return PurePosixPath(name).parent.name.replace("_", " ").strip()


def in_classes(files: Files) -> list[str]:
    """Pictures in folders, where these name two classes at least, and not only splits."""
    found = [name for name in files.names if is_picture(name) and "/" in name]
    classes = {class_of(name) for name in found}
    return found if len(classes) > 1 and not all(map(SPLIT.fullmatch, classes)) else []


def read_classes(listing: Listing, names: list[str]) -> None:
    """The folder is the class. Whoever put a table beside it may have meant that to be read."""
    for name in names:
        listing.add(name, label=class_of(name))
    for name in other_tables(listing.files):
        listing.leave_out(name, "a table of another kind: the folders are read as classes")


def other_tables(files: Files) -> list[str]:
    """Tables that may be of captions, for who knows what their columns mean."""
    return ending_in(files, ".csv", ".tsv", ".jsonl")


LAYOUTS: dict[str, tuple[Callable[[Files], list[str]], Callable[[Listing, list[str]], None]]] = {
    "metadata": (metadata_tables, read_metadata),
    "shards": (shard_archives, read_shards),
    "COCO": (coco_files, read_coco),
    "Flickr8k": (flickr_tables, read_flickr),
    "lists": (lists, read_lists),
    "texts": (texts_beside, read_texts),
    "classes": (in_classes, read_classes),
}


def read_layout(root, links: bool = False) -> Listing:
    """What a folder says of its pictures, in the first of the LAYOUTS that fits.

    Raises
    ------
    DataError
        If there is no such folder, it holds no pictures, or nothing says what is in them; or a table in it is damaged.
    """
    files = find_files(root, links)
    for layout, (recognise, read) in LAYOUTS.items():
        if found := recognise(files):
            listing = Listing(layout, files)
            read(listing, found)
            return listing.finish()
    if not any(map(is_picture, files.names)):
        raise DataError(f"{quote(files.root)} holds no pictures, expected some with captions or classes")
    tables = ", ".join(map(quote, other_tables(files)[:NAMED]))
    raise DataError(
        f"{quote(files.root)} has pictures, but nothing says what is in them: expected a metadata.csv with file_name "
        "and text, name.txt beside name.jpg, folders for two classes or more, or another of the layouts in README"
        f"{f'; {tables} is none of these' * bool(tables)}"
    )
