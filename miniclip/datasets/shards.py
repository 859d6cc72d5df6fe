"""WebDataset: tar archives, in which the files of one sample follow each other, 0001.jpg, 0001.txt, 0001.cls.

Names within an archive are never used as paths. Only where a member's bytes lie is remembered: any picture can be read
alone. Source of the layout: github.com/webdataset/webdataset.
"""

import tarfile
from collections.abc import Iterator

from ..errors import DataError, one_line, quote
from .listing import Listing, Member, is_picture
from .tables import parse_strictly
from .walk import OUTSIDE

TEXTS = ("txt", "caption", "json", "cls")
MAX_TEXT = 2**20  # bytes of what stands beside a picture


def read_shards(listing: Listing, archives: list[str]) -> None:
    """The samples of all archives, in their order."""
    for archive in archives:
        sample: dict[str, tarfile.TarInfo] = {}
        before = None
        for member in members(listing, archive):
            folder, _, base = member.name.rpartition("/")
            key, _, ending = base.partition(".")
            if (folder, key) != before:
                add_sample(listing, archive, sample)
                sample, before = {}, (folder, key)
            sample[ending.lower()] = member
        add_sample(listing, archive, sample)


def members(listing: Listing, archive: str) -> Iterator[tarfile.TarInfo]:
    """The ordinary files in an archive; what else is there, or is cut off, is left out with its reason."""
    path = listing.files.path(archive)
    size = path.stat().st_size
    try:
        with tarfile.open(path, "r:") as tar:
            for member in tar:
                name = f"{archive}/{member.name}"
                if member.isdir() or member.name.rpartition("/")[2].startswith("."):
                    continue
                if member.name.startswith("/") or ".." in member.name.split("/"):
                    listing.leave_out(name, OUTSIDE)
                elif not member.isreg() or member.sparse is not None:
                    listing.leave_out(name, "a link, a device or a file with holes: expected a file")
                elif member.offset_data + member.size > size:
                    listing.leave_out(name, "the archive ends in the middle of it")
                else:
                    yield member
    except (tarfile.TarError, EOFError, ValueError, OverflowError) as error:
        listing.leave_out(archive, f"not a whole tar archive ({one_line(error)}): is it compressed? unpack it")


def add_sample(listing: Listing, archive: str, sample: dict[str, tarfile.TarInfo]) -> None:
    """The files of one key: its pictures, each with what its texts say."""
    pictures = [member for member in sample.values() if is_picture(member.name)]
    captions, label, bad = list[str](), None, ""
    for ending in TEXTS:
        if ending in sample:
            try:
                said = read_member(listing, archive, sample[ending])
                if ending == "cls":
                    label = said.strip() or None
                else:
                    captions += said_in_json(said) if ending == "json" else said.splitlines()
            except DataError as error:
                bad = bad or str(error)
    if sample and not pictures and any(ending in sample for ending in TEXTS):
        listing.leave_out(f"{archive}/{next(iter(sample.values())).name}", "a caption without a picture")
    for member in pictures:
        name = f"{archive}/{member.name}"
        if name in listing.members:
            listing.leave_out(name, "the archive has it twice")
        listing.members[name] = Member(archive, member.offset_data, member.size)
        if bad:
            listing.leave_out(name, bad)
        elif not captions and label is None:
            listing.leave_out(name, "a picture without a caption")
        else:
            listing.add(name, captions, label)


def read_member(listing: Listing, archive: str, member: tarfile.TarInfo) -> str:
    """The text of a member."""
    if member.size > MAX_TEXT:
        raise DataError(f"its {member.name} has {member.size:,} bytes, expected at most {MAX_TEXT:,}")
    with open(listing.files.path(archive), "rb") as file:
        file.seek(member.offset_data)
        try:
            return file.read(member.size).decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise DataError(f"its caption {quote(member.name)} is not UTF-8") from error


def said_in_json(text: str) -> list[str]:
    """The captions of a sample's JSON, under the names that img2dataset and others give them."""
    about = parse_strictly(text, "its JSON")
    said = [about[name] for name in ("caption", "text") if name in about][:1] if isinstance(about, dict) else []
    return said[0] if said and isinstance(said[0], list) else said
