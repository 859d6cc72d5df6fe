"""Tar archives from strangers: samples, what is cut off, what is hostile; nothing but the bytes of a member is read."""

import gzip
import io
import json
import tarfile

import pytest
from folders import SIDE, archive, fill, png
from hypothesis import given
from hypothesis import strategies as st

from miniclip.datasets import listing as listings
from miniclip.datasets.dataset import read_dataset
from miniclip.datasets.layouts import read_layout

SAMPLE = {"a.png": png(1), "a.txt": "one", "b.jpg": png(2, "JPEG"), "b.json": '{"caption": "two"}'}
SAID = {"s.tar/a.png": ["one"], "s.tar/b.jpg": ["two"]}


def read(tmp_path, content: bytes, name: str = "s.tar"):
    """(picture -> captions, what is left out)"""
    listing = read_layout(fill(tmp_path, {name: content}))
    for one in listing.pictures:
        with listing.opened(one)() as file:
            assert len(file.read()) == listing.members[one].size
    return {name: one.captions for name, one in listing.pictures.items()}, listing.problems


def member(name: str, content: bytes = b"", **about) -> bytes:
    """A header as it is given, and the content."""
    one = tarfile.TarInfo(name)
    one.size = len(content)
    for key, value in about.items():
        setattr(one, key, value)
    return one.tobuf(tarfile.USTAR_FORMAT) + content + bytes(-len(content) % 512)


def whole(members: dict) -> bytes:
    """An archive without its end."""
    return b"".join(member(name, content.encode() if isinstance(content, str) else content)
                    for name, content in members.items())  # fmt: skip


# Samples: members -> what is said, what is left out

SAMPLES = {
    "as it should be": (SAMPLE, SAID, {}),
    "in folders": ({f"x.y/{n}": c for n, c in SAMPLE.items()}, {"s.tar/x.y/a.png": ["one"], "s.tar/x.y/b.jpg": ["two"]},
                   {}),
    "with ./": ({f"./{n}": c for n, c in SAMPLE.items()}, {"s.tar/./a.png": ["one"], "s.tar/./b.jpg": ["two"]}, {}),
    "endings in capitals": ({"a.PNG": png(1), "a.TXT": "one"}, {"s.tar/a.PNG": ["one"]}, {}),
    "two endings": ({"a.left.png": png(1), "a.right.png": png(2), "a.txt": "one"},
                    {"s.tar/a.left.png": ["one"], "s.tar/a.right.png": ["one"]}, {}),
    "text and JSON that say the same, and a class": (
        {"a.png": png(1), "a.txt": "one\ntwo", "a.json": '{"caption": "one", "url": "x"}', "a.cls": "7"},
        {"s.tar/a.png": ["one", "two", "one"]}, {}),
    "a list in JSON": ({"a.png": png(1), "a.json": '{"text": ["one", "two"]}'}, {"s.tar/a.png": ["one", "two"]}, {}),
    "two names in JSON": ({"a.png": png(1), "a.json": '{"text": "two", "caption": "one"}'}, {"s.tar/a.png": ["one"]},
                          {}),
    "the text first": ({"a.txt": "one", "a.png": png(1)}, {"s.tar/a.png": ["one"]}, {}),
    "other files": (SAMPLE | {"c.npy": b"x", ".index": b"x", "x/.DS_Store": b"x"}, SAID, {}),
    "no text": (SAMPLE | {"c.png": png(3)}, SAID, {"s.tar/c.png": "a picture without a caption"}),
    "no picture": (SAMPLE | {"c.txt": "x"}, SAID, {"s.tar/c.txt": "a caption without a picture"}),
    "an empty text": (SAMPLE | {"c.png": png(3), "c.txt": " \n"}, SAID, {"s.tar/c.png": "its caption is empty"}),
    "an empty class": (SAMPLE | {"c.png": png(3), "c.cls": "\n"}, SAID, {"s.tar/c.png": "its caption is empty"}),
    "null": (SAMPLE | {"c.png": png(3), "c.json": '{"caption": null}'}, SAID,
             {"s.tar/c.png": "its caption is NoneType, expected text"}),
    "no caption in JSON": (SAMPLE | {"c.png": png(3), "c.json": '{"url": "x"}'}, SAID,
                           {"s.tar/c.png": "its caption is empty"}),
    "bad JSON": (SAMPLE | {"c.png": png(3), "c.json": "{"}, SAID,
                 {"s.tar/c.png": "its JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"
                                 ": mend it"}),
    "bytes that are no text": (SAMPLE | {"c.png": png(3), "c.txt": b"\xff"}, SAID,
                               {"s.tar/c.png": "its caption 'c.txt' is not UTF-8"}),
    "an endless text": (SAMPLE | {"c.png": png(3), "c.txt": b"x" * (2**20 + 1)}, SAID,
                        {"s.tar/c.png": "its 'c.txt' has 1,048,577 bytes, expected at most 1,048,576"}),
    "parts of a sample apart": ({"a.png": png(1), "b.png": png(2), "a.txt": "a", "b.txt": "b"}, {},
                                {"s.tar/a.png": "a picture without a caption",
                                 "s.tar/b.png": "a picture without a caption",
                                 "s.tar/a.txt": "a caption without a picture",
                                 "s.tar/b.txt": "a caption without a picture"}),
}  # fmt: skip


@pytest.mark.parametrize(("members", "said", "left_out"), SAMPLES.values(), ids=SAMPLES)
def test_samples(tmp_path, members, said, left_out):
    assert read(tmp_path, archive(members)) == (said, left_out)


def test_hidden_files_of_a_mac_are_no_part_of_a_sample(tmp_path):
    assert read(tmp_path, archive({"a.png": png(1), "._a.txt": "x", "a.txt": "one"})) == ({"s.tar/a.png": ["one"]}, {})


@pytest.mark.parametrize("apart", [True, False])
def test_what_is_there_twice_is_used_in_neither_form(tmp_path, apart):
    """Which of two is meant nobody knows; neither is taken in silence."""
    between = whole({"z.png": png(9), "z.txt": "z"} if apart else {})
    first, second = (whole({"a.png": png(n), "a.txt": str(n)}) for n in (1, 2))
    said, left_out = read(tmp_path, first + between + second + archive({"b.png": png(3), "b.txt": "b"}))
    assert said == {"s.tar/b.png": ["b"]} | ({"s.tar/z.png": ["z"]} if apart else {})
    assert left_out["s.tar/a.png"] == "the archive has it twice"


# Hostile members before two good samples: header and content -> the reason

NO_FILE = "a link, a device or a file with holes: expected a file"
HOSTILE = {
    "up": (member("../../x.png", png(3)), "s.tar/../../x.png", "outside the dataset folder"),
    "up within": (member("y/../x.png", png(3)), "s.tar/y/../x.png", "outside the dataset folder"),
    "absolute": (member("/etc/x.png", png(3)), "s.tar//etc/x.png", "outside the dataset folder"),
    "a link": (member("x.png", type=tarfile.SYMTYPE, linkname="/etc/passwd"), "s.tar/x.png", NO_FILE),
    "a hard link": (member("x.png", type=tarfile.LNKTYPE, linkname="a.png"), "s.tar/x.png", NO_FILE),
    "a device": (member("x.png", type=tarfile.CHRTYPE, devmajor=1, devminor=5), "s.tar/x.png", NO_FILE),
    "a pipe": (member("x.png", type=tarfile.FIFOTYPE), "s.tar/x.png", NO_FILE),
}  # fmt: skip


@pytest.mark.parametrize(("content", "name", "reason"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_members(tmp_path, content, name, reason):
    """They are left out, and what follows them is read."""
    assert read(tmp_path, content + archive(SAMPLE)) == (SAID, {name: reason})


def sparse() -> bytes:
    """A file with a hole, as GNU tar writes it: 16 bytes stand for a million."""
    head = bytearray(tarfile.TarInfo("x.png").tobuf(tarfile.GNU_FORMAT))
    head[124:136], head[156:157] = b"00000000020\0", tarfile.GNUTYPE_SPARSE
    head[386:398], head[398:410], head[483:495] = b"00000000000\0", b"00000000020\0", b"00003641100\0"
    head[148:156] = b" " * 8
    head[148:156] = b"%06o\0 " % sum(head)
    return bytes(head) + b"x" * 16 + bytes(496)


def test_files_with_holes(tmp_path):
    assert read(tmp_path, sparse() + archive(SAMPLE)) == (SAID, {"s.tar/x.png": NO_FILE})


def test_directories_are_no_members(tmp_path):
    assert read(tmp_path, member("x.png", type=tarfile.DIRTYPE) + archive(SAMPLE)) == (SAID, {})


@pytest.mark.parametrize("how", ["size", "pax", "loop of headers"])
def test_an_archive_that_leads_back(tmp_path, how):
    """Python's own reader goes round for ever in some of these (CVE-2025-8194), or reads what is no member's."""
    head = bytearray(member("x.png"))
    if how == "size":  # -512 bytes, in base 256
        head[124:136] = b"\xff" * 10 + b"\xfe\x00"
        head[148:156] = b" " * 8
        head[148:156] = b"%06o\0 " % sum(head[:512])
        content = bytes(head)
    elif how == "pax":
        content = member("p", b"14 size=-1024\n", type=tarfile.XHDTYPE) + bytes(head)
    else:
        content = member("p", b"x", type=tarfile.GNUTYPE_LONGNAME) * 3000
    said, left_out = read(tmp_path, whole(SAMPLE) + member("x.txt", b"x") + content + bytes(1024))
    of_it = {"s.tar/x.png"} if how != "loop of headers" else set()
    assert (said, set(left_out)) == (SAID, {"s.tar", "s.tar/x.txt"} | of_it)


@pytest.mark.parametrize("name", ["s.tar.gz", "s.tgz", "s.tar"])
def test_compressed_archives(tmp_path, name):
    said, left_out = read(tmp_path, gzip.compress(archive(SAMPLE)), name)
    assert said == {}
    assert list(left_out) == [name]
    assert "not a whole tar archive (" in left_out[name]
    assert "is it compressed? unpack it" in left_out[name]


def test_an_empty_archive_and_text_under_its_name(tmp_path):
    assert read(tmp_path / "a", archive({})) == ({}, {})
    for n, content in enumerate((b"", b"hello", b"x" * 5000)):
        said, left_out = read(tmp_path / str(n), content)
        assert (said, list(left_out)) == ({}, ["s.tar"])


def test_an_archive_cut_off_anywhere(tmp_path):
    """What is whole before the cut is used, what is not is told; nothing is half."""
    body, complete = whole(SAMPLE), archive(SAMPLE)
    assert complete.startswith(body)
    for n, end in enumerate([*range(0, len(body), 97), *range(0, len(body) + 1, 512)]):
        said, left_out = read(tmp_path / str(n), complete[:end])
        assert said.items() <= SAID.items()
        assert left_out
    for end in (len(body) + 512, len(body) + 1024, len(complete)):
        assert read(tmp_path / "end", complete[:end]) == (SAID, {})
    with tarfile.open(fileobj=io.BytesIO(complete)) as tar:
        about = tar.getmembers()[2]
    said, left_out = read(tmp_path / "middle", complete[: about.offset_data + 10])
    assert said == {"s.tar/a.png": ["one"]}
    assert left_out["s.tar/b.jpg"] == "the archive ends in the middle of it"


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_damaged_header_does_not_end_an_archive_in_silence(tmp_path, place):
    content = bytearray(archive(SAMPLE))
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        content[tar.getmembers()[place].offset] ^= 1
    said, left_out = read(tmp_path, bytes(content))
    assert said.items() <= SAID.items()
    assert any(
        words in left_out["s.tar"] for words in ("is damaged, or cut off", "not a whole tar archive (bad checksum")
    )


def test_two_archives_in_one_file(tmp_path):
    """`cat one.tar two.tar` makes a file of which `tar` itself reads the first half."""
    said, left_out = read(tmp_path, archive(SAMPLE) + archive({"c.png": png(3), "c.txt": "c"}))
    assert (said, list(left_out)) == (SAID, ["s.tar"])


@given(st.data())
def test_a_damaged_archive_is_read_or_told(tmp_path_factory, data):
    """Any bytes anywhere in it: an answer, nothing else; and each picture is bytes of a member that is there."""
    content = bytearray(archive(SAMPLE))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 8000))] = data.draw(st.integers(0, 255))
    said, left_out = read(tmp_path_factory.mktemp("damaged"), bytes(content))
    assert len(said) + len(left_out) <= 6


def test_bytes_of_a_member_and_no_others_are_read(tmp_path, monkeypatch):
    """The archive is opened alone; nothing is unpacked, and a name within it never becomes a path."""
    opened, real = [], listings.open_file
    monkeypatch.setattr(listings, "open_file", lambda path: opened.append(path) or real(path))
    root = fill(tmp_path / "data", {"s.tar": archive(SAMPLE | {"c.png": png(3), "c.txt": "c"})})
    fill(tmp_path, {"a.png": png(8)})
    data = read_dataset(root, SIDE, cache=tmp_path / "cache", strict=True)
    assert set(opened) == {root / "s.tar"}
    assert sorted(map(str, tmp_path.rglob("*.png"))) == [str(tmp_path / "a.png")]
    assert sorted(name for (name,) in data.names) == ["s.tar/a.png", "s.tar/b.jpg", "s.tar/c.png"]


def test_many_members(tmp_path):
    """Each costs microseconds: none is looked for among the others."""
    n = 2000
    members = {f"{i:06}.png": b"x" for i in range(n)}
    members |= {f"{i:06}.json": json.dumps({"caption": str(i)}) for i in range(n)}
    said, left_out = read(tmp_path, archive(dict(sorted(members.items()))))
    assert (len(said), left_out) == (n, {})


@pytest.mark.nightly
def test_a_hundred_thousand_members(tmp_path):
    members = {f"{i:06}.{end}": b"x" for i in range(50_000) for end in ("png", "txt")}
    said, left_out = read(tmp_path, archive(members))
    assert (len(said), left_out) == (50_000, {})
