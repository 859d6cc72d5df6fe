"""Files are whole or refused: every write that can fail, every kind of damage, two processes in one folder."""

import errno
import json
import os
import subprocess
import sys
import threading

import pytest

from miniclip.errors import CheckpointError
from miniclip.files import storage
from miniclip.files.storage import MANIFEST, commit, digest, encode_json, lock, read_manifest, read_verified

OLD = {"a": b"old a", "b": b"old b" * 500}
NEW = {"a": b"new a!", "b": b"new b" * 300}


def sealed(version, files) -> bytes:
    """A manifest whose own digest is right, whatever it says."""
    inner = json.dumps([version, files], indent=2).encode() + b"\n"
    return json.dumps({"format": version, "files": files, "sha256": digest(inner)}).encode()


def contents(folder, names=OLD):
    return {name: read_verified(folder, name) for name in names}


class Full:
    """Let `allowed` disk calls pass, then fail each with the given error: a disk fills up and stays full."""

    def __init__(self, monkeypatch, allowed, number=errno.ENOSPC):
        self.calls, self.allowed, self.number = 0, allowed, number
        for name in ("fsync", "replace"):
            monkeypatch.setattr(storage.os, name, self.wrap(getattr(os, name)))
        monkeypatch.setattr(storage, "open", self.open, raising=False)

    def wrap(self, real):
        def call(*args, **kwargs):
            self.calls += 1
            if self.calls > self.allowed:
                raise OSError(self.number, os.strerror(self.number))
            return real(*args, **kwargs)

        return call

    def open(self, path, mode):
        file = open(path, mode, buffering=0 if "b" in mode else -1)  # noqa: SIM115
        disk = self

        class Wrapped:
            def __enter__(self):
                return self

            def __exit__(self, *_):
                file.close()

            def write(self, data):
                file.write(data[: len(data) // 2])  # half of it is on the disk when the disk is full
                return disk.wrap(lambda: file.write(data[len(data) // 2 :]))()

            def flush(self):
                disk.wrap(file.flush)()

            def __getattr__(self, name):
                return getattr(file, name)

        return Wrapped()


def test_commit_and_read(tmp_path):
    folder = tmp_path / "new" / "folder"
    commit(folder, OLD)
    assert contents(folder) == OLD
    commit(folder, {"a": NEW["a"], "empty": b""})
    assert contents(folder, ["a", "b", "empty"]) == {"a": NEW["a"], "b": OLD["b"], "empty": b""}
    assert read_manifest(folder) == {"a": [digest(NEW["a"])], "b": [digest(OLD["b"])], "empty": [digest(b"")]}
    assert sorted(os.listdir(folder)) == ["a", "b", "empty", MANIFEST]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EROFS])
def test_every_disk_call_may_fail(tmp_path, number):
    """For each k, the k-th write, flush, fsync or rename and all after it fail."""
    with pytest.MonkeyPatch.context() as patch:
        disk = Full(patch, 10**9)
        commit(tmp_path / "count", NEW)
    assert disk.calls == 4 * 3 + 4 + 3  # write, flush, fsync of four files; renames; syncs of the folder
    outcomes = set()
    for k in range(disk.calls):
        folder = tmp_path / str(k)
        commit(folder, OLD)
        with pytest.MonkeyPatch.context() as patch:
            Full(patch, k, number)
            with pytest.raises(CheckpointError, match="intact") as caught:
                commit(folder, NEW)
        assert caught.value.exit_code == 4
        assert ("disk full" if number == errno.ENOSPC else os.strerror(number)) in str(caught.value)
        found = contents(folder)
        assert all(found[name] in (OLD[name], NEW[name]) for name in OLD)
        outcomes.add(tuple(found[name] == NEW[name] for name in OLD))
        commit(folder, NEW)  # the next save, when there is room again, leaves nothing behind
        assert contents(folder) == NEW
        assert sorted(os.listdir(folder)) == ["a", "b", MANIFEST]
        assert read_manifest(folder) == {name: [digest(data)] for name, data in NEW.items()}
    assert outcomes == {(False, False), (True, False), (True, True)}


def test_data_reaches_the_disk_before_its_name(tmp_path, monkeypatch):
    """Order of a save: bytes synced, manifest for both, renames, folder synced, manifest for the new alone."""
    log = []
    real = {name: getattr(os, name) for name in ("fsync", "replace")}
    monkeypatch.setattr(storage.os, "fsync", lambda fd: (log.append("sync"), real["fsync"](fd)))
    monkeypatch.setattr(storage.os, "replace", lambda a, b: (log.append(b.name), real["replace"](a, b)))
    commit(tmp_path, OLD)
    assert log == ["sync", "sync", "sync", MANIFEST, "sync", "a", "b", "sync", "sync", MANIFEST, "sync"]


def test_a_reader_never_stumbles_over_a_writer(tmp_path):
    commit(tmp_path, OLD)
    stop, seen = threading.Event(), set()

    def write():
        for i in range(60):
            commit(tmp_path, NEW if i % 2 else {"a": b"%d" % i, "b": b"%d" % i})
        stop.set()

    writer = threading.Thread(target=write)
    writer.start()
    while not stop.is_set():
        seen.add(read_verified(tmp_path, "a"))
    writer.join()
    assert len(seen) > 3


@pytest.mark.parametrize("saves", [1, 2, 5])
def test_saves_between_the_two_reads(tmp_path, monkeypatch, saves):
    """The manifest is read, a whole save happens, then the file is read, and so on: not damage."""
    commit(tmp_path, OLD)
    real, left = storage.read_bytes, list(range(saves))

    def read(path, *args):
        data = real(path, *args)
        if path.name == MANIFEST and left:
            n = left.pop()
            monkeypatch.setattr(storage, "read_bytes", real)
            commit(tmp_path, NEW if n == 0 else {"a": b"%d" % n, "b": b"%d" % n})
            monkeypatch.setattr(storage, "read_bytes", read)
        return data

    monkeypatch.setattr(storage, "read_bytes", read)
    assert read_verified(tmp_path, "b") == NEW["b"]


def test_foreign_files_are_left_alone(tmp_path):
    (tmp_path / "thesis.tmp").write_text("mine")
    commit(tmp_path, OLD)
    assert (tmp_path / "thesis.tmp").read_text() == "mine"


@pytest.mark.parametrize("position", [0, 3, -1])
def test_damage_is_named(tmp_path, position):
    commit(tmp_path, OLD)
    data = bytearray(OLD["b"])
    data[position] ^= 1
    (tmp_path / "b").write_bytes(data)
    with pytest.raises(CheckpointError, match=r"b is damaged \(checksum differs\)"):
        read_verified(tmp_path, "b")
    assert read_verified(tmp_path, "a") == OLD["a"]


@pytest.mark.parametrize(
    ("manifest", "words"),
    [
        (b"", "not JSON"), (b"\xff\xfe", "not JSON"), (b"[" * 100_000, "not JSON"), (b"<html>", "not JSON"),
        (b"[]", "not a miniclip manifest"), (b'"x"', "not a miniclip manifest"), (b"{}", "not a miniclip manifest"),
        (b'{"format": 1, "files": {}, "sha256": "00"}', "damaged"),
        (sealed(2, {}), "format 2, this miniclip reads 1"), (sealed(float("nan"), {}), "format nan"),
        (sealed("1", {}), "format '1'"), (sealed(1, []), "lists something else"), (sealed(1, {"a": 3}), "lists some"),
        *((sealed(1, {name: []}), "lists some") for name in ("../evil", "/etc/passwd", "..", "", "c:x", "x\\y", "\0")),
        (b" " * (2**20 + 1), "at most 1,048,576"),
    ],
)  # fmt: skip
def test_manifests_from_strangers(tmp_path, manifest, words):
    commit(tmp_path, OLD)
    (tmp_path / MANIFEST).write_bytes(manifest)
    for read in (lambda: read_verified(tmp_path, "a"), lambda: commit(tmp_path, NEW)):
        with pytest.raises(CheckpointError, match=words) as caught:
            read()
        assert MANIFEST in str(caught.value)
    assert (tmp_path / "a").read_bytes() == OLD["a"]


def test_missing_and_unreadable(tmp_path, monkeypatch):
    with pytest.raises(CheckpointError, match=r"manifest.json is missing"):
        read_verified(tmp_path, "a")
    with pytest.raises(CheckpointError, match="is missing"):
        read_verified(tmp_path / ("x" * 5000), "a")
    commit(tmp_path, OLD)
    with pytest.raises(CheckpointError, match="does not list c"):
        read_verified(tmp_path, "c")
    (tmp_path / "a").unlink()
    with pytest.raises(CheckpointError, match="a is missing"):
        read_verified(tmp_path, "a")
    (tmp_path / "a").mkdir()
    with pytest.raises(CheckpointError, match="a is not a file"):
        read_verified(tmp_path, "a")
    with pytest.raises(CheckpointError, match="could not be saved"):
        commit(tmp_path, NEW)
    with pytest.raises(CheckpointError, match="could not be saved"):
        commit(tmp_path / "b", NEW)

    def refuse(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(storage, "open_file", refuse)
    with pytest.raises(CheckpointError, match="cannot be read: Permission denied"):
        storage.read_bytes(tmp_path / "b")


def test_size_cap_comes_before_reading(tmp_path):
    with open(tmp_path / "huge", "wb") as file:
        file.truncate(2**40)  # a terabyte of nothing: takes no room on the disk
    with pytest.raises(CheckpointError, match=r"1,099,511,627,776 bytes, expected at most"):
        storage.read_bytes(tmp_path / "huge")


def test_json_is_strict_and_stable():
    assert encode_json({"b": 1, "a": [0.1]}) == b'{\n  "b": 1,\n  "a": [\n    0.1\n  ]\n}\n'
    with pytest.raises(ValueError):
        encode_json(float("nan"))


HOLD = """
import sys
from miniclip.files.storage import lock
with lock(__import__("pathlib").Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_lock_names_the_holder_and_dies_with_it(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout.readline() == "held\n"
        for _ in range(2):
            with pytest.raises(CheckpointError, match=f"in use by process {holder.pid}:"), lock(tmp_path):
                pass
        holder.kill()
        holder.wait()
        assert (tmp_path / ".lock").read_text() == f"{holder.pid}\n"
    with lock(tmp_path):
        assert (tmp_path / ".lock").read_text() == f"{os.getpid()}\n"
    with lock(tmp_path):
        pass


def test_lock_on_a_full_disk_and_on_no_folder(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckpointError, match="cannot be a run folder"), lock(tmp_path / "file"):
        pass

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(storage.os, "write", full)
    with lock(tmp_path / "new"), pytest.raises(CheckpointError, match="in use"), lock(tmp_path / "new"):
        pass
