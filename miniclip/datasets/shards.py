"""WebDataset: tar archives, in which the files of one sample follow each other, 0001.jpg, 0001.txt, 0001.cls.

Names within an archive are never used as paths. Only where a member's bytes lie is remembered: any picture can be read
alone. Source of the layout: github.com/webdataset/webdataset.
"""

import tarfile
from collections.abc import Iterator

from ..errors import DataError, one_line, quote
from ..machine.disk import open_file, reason
from .listing import Listing, Member, is_picture
from .tables import lines_in, parse_strictly
from .walk import OUTSIDE

TEXTS = ("txt", "caption", "json", "cls")
MAX_TEXT = 2**20  # bytes of what stands beside a picture
END = 21 * 512  # bytes: an archive ends in zeros, 20 blocks at most; more blocks would be another archive


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
            if ending.lower() in sample:
                listing.leave_out(f"{archive}/{member.name}", "the archive has it twice")
            sample[ending.lower()] = member
        add_sample(listing, archive, sample)


def members(listing: Listing, archive: str) -> Iterator[tarfile.TarInfo]:
    """The ordinary files in an archive; what else is there, or is cut off, is left out with its reason."""
    path, end = listing.files.path(archive), -1
    try:
        size = path.stat().st_size
        with tarfile.open(path, "r:") as tar:
            for member in tar:
                if member.offset <= end:
                    raise ValueError("it leads back to what was before")
                name, end = f"{archive}/{member.name}", member.offset
                if member.isdir() or member.name.rpartition("/")[2].startswith("."):
                    continue
                if member.name.startswith("/") or ".." in member.name.split("/"):
                    listing.leave_out(name, OUTSIDE)
                elif not member.isreg() or member.sparse is not None:
                    listing.leave_out(name, "a link, a device or a file with holes: expected a file")
                elif not 0 <= member.size <= size - member.offset_data:
                    listing.leave_out(name, "the archive ends in the middle of it")
                else:
                    yield member
        with open_file(path) as file:  # Python's reader takes a damaged header for the end
            file.seek(tar.offset)
            if set(file.read(END)) != {0}:
                listing.leave_out(archive, "the archive is damaged, or cut off: what follows is lost")
    except Exception as error:  # a reader of hostile bytes may raise anything
        listing.leave_out(archive, f"not a whole tar archive ({one_line(reason(error))}): is it compressed? unpack it")


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
                    captions += said_in_json(said) if ending == "json" else lines_in(said)
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
        elif any(ending in sample for ending in TEXTS):
            listing.add(name, captions, label)
        else:
            listing.leave_out(name, "a picture without a caption")


def read_member(listing: Listing, archive: str, member: tarfile.TarInfo) -> str:
    """The text of a member."""
    if member.size > MAX_TEXT:
        raise DataError(f"its {quote(member.name)} has {member.size:,} bytes, expected at most {MAX_TEXT:,}")
    try:
        with open_file(listing.files.path(archive)) as file:
            file.seek(member.offset_data)
            return file.read(member.size).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"its caption {quote(member.name)} is not UTF-8") from error
    except OSError as error:
        raise DataError(f"its caption {quote(member.name)} cannot be read ({reason(error)})") from error


def said_in_json(text: str) -> list[str]:
    """The captions of a sample's JSON, under the names that img2dataset and others give them."""
    about = parse_strictly(text, "its JSON")
    said = [about[name] for name in ("caption", "text") if name in about][:1] if isinstance(about, dict) else []
    return said[0] if said and isinstance(said[0], list) else said
