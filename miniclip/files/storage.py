"""A folder whose files are whole or refused.

Three promises, for any file names: a file is replaced all at once or not at all; several files change together as far
as any reader can tell; and bytes that changed on the way are noticed before anything parses them. safetensors has no
checksum, and most single-bit errors in it load as silently wrong numbers: hence the SHA-256 manifest.
"""

import errno
import hashlib
import json
import os
from collections.abc import Iterable
from contextlib import contextmanager, suppress
from pathlib import Path

from ..errors import CheckpointError, FolderInUse, one_line, quote
from ..machine.disk import free_names, open_file

MANIFEST = "manifest.json"
FORMAT = 1
MAX_BYTES = 8 * 2**30
DEEPEST = 100  # levels of JSON: ours has six, and what is deeper than Python's stack breaks whoever writes it again


def digest(data: bytes) -> str:
    """SHA-256, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def write_synced(path: Path, data: bytes) -> None:
    """Write a file and wait until the disk has it."""
    path.unlink(missing_ok=True)  # whoever writes into a pipe waits for its reader
    with open(path, "xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def write_new(path: Path, data: bytes) -> None:
    """Write a file that is not there yet, all at once; a FileExistsError if it is there by now."""
    staged = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        write_synced(staged, data)
        try:
            os.link(staged, path)  # a rename would replace what another process has written meanwhile
        except OSError:  # also of a disk without links, such as FAT
            if os.path.lexists(path):
                raise FileExistsError(errno.EEXIST, "exists already", str(path)) from None
            os.rename(staged, path)
    finally:
        staged.unlink(missing_ok=True)
    sync_folder(path.parent)


def write_free(path: Path, data: bytes) -> Path:
    """Write a file under the first free name, a.png, a-2.png, a-3.png, ...: that name."""
    target = next(free_names(path))
    try:
        write_new(target, data)
        return target
    except FileExistsError:  # another process has taken the name meanwhile
        return write_free(path, data)


def sync_folder(folder: Path) -> None:
    """Wait until the disk has the folder's names; where folders cannot be opened (Windows) there is nothing to do."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def read_bytes(path: Path, max_bytes: int = MAX_BYTES) -> bytes:
    """The bytes of an ordinary file, or a CheckpointError that says why not."""
    if not os.path.exists(path):
        raise CheckpointError(
            f"{quote(path)} is missing: expected a run folder made by `miniclip train` or `miniclip demo`"
        )
    if not os.path.isfile(path):
        raise CheckpointError(f"{quote(path)} is not a file: expected a run folder made by `miniclip train`")
    try:
        with open_file(path) as file:
            if path.stat().st_size > max_bytes:
                raise CheckpointError(
                    f"{quote(path)} has {path.stat().st_size:,} bytes, expected at most {max_bytes:,}"
                )
            return file.read()
    except OSError as error:
        raise CheckpointError(f"{quote(path)} cannot be read: {error.strerror}") from error


def check_folder(folder: Path) -> None:
    """A CheckpointError unless there is such a folder."""
    if not os.path.isdir(folder):
        what = "is not a folder" if os.path.exists(folder) else "is missing"
        raise CheckpointError(f"{quote(folder)} {what}: expected one that `miniclip train`, `demo` or `study` has made")


def parse_json(data: bytes, path: Path):
    """JSON of any content, or a CheckpointError that names the file."""
    try:
        value = json.loads(data)
        if depth(value) > DEEPEST:
            raise ValueError(f"nested more than {DEEPEST} deep")
        return value
    except (ValueError, RecursionError, MemoryError) as error:
        raise CheckpointError(f"{quote(path)} is not JSON ({one_line(error)}): restore it from a copy") from error


def depth(value) -> int:
    """How deep lists and dicts are nested in one another; counted by level: they may be too deep to walk."""
    levels, inside = 0, [value]
    while inside := [one for one in inside if isinstance(one, dict | list)]:
        levels += 1
        inside = [child for one in inside for child in (one.values() if isinstance(one, dict) else one)]
    return levels


def encode_json(value) -> bytes:
    """Readable JSON, the same bytes for the same value."""
    return (json.dumps(value, indent=2, allow_nan=False) + "\n").encode()


def read_manifest(folder: Path) -> dict[str, list[str]]:
    """File name -> the digests it may have: one, or two while the files of a save are being exchanged."""
    path = folder / MANIFEST
    manifest = parse_json(read_bytes(path, 2**20), path)
    if not isinstance(manifest, dict) or set(manifest) != {"format", "files", "sha256"}:
        raise CheckpointError(f"{quote(path)} is not a miniclip manifest: expected the keys format, files, sha256")
    version, files = manifest["format"], manifest["files"]
    if manifest["sha256"] != digest(json.dumps([version, files], indent=2).encode() + b"\n"):
        raise CheckpointError(f"{quote(path)} is damaged (checksum differs): restore it from a copy, or train again")
    if version != FORMAT:
        raise CheckpointError(
            f"{quote(path)} has format {quote(version)}, this miniclip reads {FORMAT}: install the one that wrote it"
        )
    if not isinstance(files, dict) or not all(
        is_file_name(name) and isinstance(allowed, list) for name, allowed in files.items()
    ):
        raise CheckpointError(f"{quote(path)} lists something else than names of files in its folder: do not trust it")
    return files


def is_file_name(name: str) -> bool:
    """Whether the name stays in its folder: it may come from a stranger's manifest."""
    return name not in ("", ".", "..") and not set(name) & set("/\\:\0")


def encode_manifest(files: dict[str, list[str]]) -> bytes:
    """The manifest's own bytes, which carry their own digest."""
    return encode_json({"format": FORMAT, "files": files, "sha256": digest(encode_json([FORMAT, files]))})


def read_verified(folder: Path, name: str) -> bytes:
    """A file's bytes, after its digest was found in the manifest."""
    path, before = folder / name, list[str]()
    while (allowed := read_manifest(folder).get(name)) != before:  # a save may exchange both files between our reads
        if allowed is None:
            raise CheckpointError(f"{quote(folder / MANIFEST)} does not list {name}: this run folder does not hold it")
        data, before = read_bytes(path), allowed
        if digest(data) in allowed:
            return data
    raise CheckpointError(f"{quote(path)} is damaged (checksum differs): restore it from a copy, or train again")


def commit(folder: Path, files: dict[str, bytes], drop: Iterable[str] = ()) -> None:
    """Write several files so that a reader finds, at every moment, whole files that the manifest knows.

    New files are staged beside the old, the manifest admits both, the names move over, the manifest forgets the old,
    and the files to `drop`, which go last. A failure at any point leaves each name with its old or its new bytes, and
    says so in a CheckpointError.
    """
    dropped = set(drop)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in (*files, MANIFEST):
            (folder / f"{name}.tmp").unlink(missing_ok=True)
        known = read_manifest(folder) if (folder / MANIFEST).exists() else {}
        new = {name: [digest(data)] for name, data in files.items()}
        both = known | {name: sorted({*known.get(name, []), *new[name]}) for name in new}
        for name, data in files.items():
            write_synced(folder / f"{name}.tmp", data)
        replace(folder, MANIFEST, encode_manifest(both))
        for name in files:
            os.replace(folder / f"{name}.tmp", folder / name)
        sync_folder(folder)
        kept = {name: allowed for name, allowed in (known | new).items() if name not in dropped}
        replace(folder, MANIFEST, encode_manifest(kept))
        for name in dropped:
            (folder / name).unlink(missing_ok=True)
    except OSError as error:
        for name in (*files, MANIFEST):
            with suppress(OSError):
                (folder / f"{name}.tmp").unlink(missing_ok=True)
        reason = "disk full" if error.errno == 28 else error.strerror
        said = f"{quote(folder)} could not be saved: {reason}; what was saved before is intact"
        raise CheckpointError(said) from error


def discard(folder: Path) -> None:
    """Remove what `commit` has written, and the manifest first: from then on nothing there is believed."""
    names = read_manifest(folder)
    for name in (MANIFEST, *names):
        (folder / name).unlink(missing_ok=True)


def replace(folder: Path, name: str, data: bytes) -> None:
    """Exchange one file for new bytes, all at once."""
    write_synced(folder / f"{name}.tmp", data)
    os.replace(folder / f"{name}.tmp", folder / name)
    sync_folder(folder)


@contextmanager
def lock(folder: Path):
    """Hold the folder: a second process is refused. The operating system lets go when the holder ends, however.

    Where nothing was saved nothing stays: neither the lock nor the folders that were made for it.
    """
    made = [one for one in (folder, *folder.parents) if not os.path.lexists(one)]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = open(folder / ".lock", "a+")  # noqa: SIM115
    except OSError as error:
        remove_empty(made)
        raise CheckpointError(
            f"{quote(folder)} cannot be a run folder: {error.strerror}; choose another --out"
        ) from error
    with file:
        try:
            if os.name == "posix":
                import fcntl

                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if not os.path.samestat(os.fstat(file.fileno()), os.stat(file.name)):
                    raise OSError("another process has just given it up")
            else:
                import msvcrt

                msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        except OSError:
            file.seek(0)
            raise FolderInUse(
                f"{quote(folder)} is in use by process {file.read(20).strip() or '?'}: wait for it, or choose another "
                "--out"
            ) from None
        with suppress(OSError):  # on a full disk the lock still holds, only without our name on it
            file.truncate(0)
            os.write(file.fileno(), f"{os.getpid()}\n".encode())
        try:
            yield
        finally:
            if not (folder / MANIFEST).exists():
                (folder / ".lock").unlink(missing_ok=True)
                remove_empty(made)


def remove_empty(folders: list[Path]) -> None:
    """Remove folders, the innermost first, as far as they are there and empty."""
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()
