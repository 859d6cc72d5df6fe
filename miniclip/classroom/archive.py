"""Archives that are the same bytes for the same content: zip files with fixed dates, and miniclip itself as a wheel."""

import base64
import hashlib
import io
import zipfile
from functools import cache
from importlib.metadata import distribution, requires, version
from pathlib import Path

from .. import __version__

WHEEL = f"miniclip-{__version__}-py3-none-any.whl"
PACKAGE = Path(__file__).parents[1]
DATE = (1980, 1, 1, 0, 0, 0)  # the first that a zip file can tell
INFO = f"miniclip-{__version__}.dist-info"


def zipped(files: dict[str, bytes]) -> bytes:
    """A zip file; scripts can be run after unpacking."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, DATE)
            entry.external_attr = (0o100755 if is_script(content) else 0o100644) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return data.getvalue()


def is_script(content: bytes) -> bool:
    """Does it say with which program it runs?"""
    return content.startswith(b"#!")


@cache
def wheel() -> bytes:
    """This miniclip, to be installed with pip: who grades then has the one that made the exercises, and no other."""
    paths = sorted(path for path in PACKAGE.rglob("*") if path.is_file() and path.suffix not in (".pyc", ".tmp"))
    files = {f"miniclip/{path.relative_to(PACKAGE).as_posix()}": path.read_bytes() for path in paths}
    said = distribution("miniclip")
    files |= {
        f"{INFO}/METADATA": (said.read_text("METADATA") or "").encode(),
        f"{INFO}/WHEEL": b"Wheel-Version: 1.0\nGenerator: miniclip\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{INFO}/entry_points.txt": (said.read_text("entry_points.txt") or "").encode(),
    }
    rows = [f"{name},sha256={hash_of(content)},{len(content)}" for name, content in files.items()]
    return zipped(files | {f"{INFO}/RECORD": "\n".join([*rows, f"{INFO}/RECORD,,", ""]).encode()})


def hash_of(content: bytes) -> str:
    """SHA-256 as a wheel's RECORD has it."""
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


def requirements(with_torch: bool) -> str:
    """What miniclip needs, in the versions that are here now, for pip; PyTorch only where an exercise is about it."""
    names = [text.split(";")[0].split(">")[0].split("[")[0].strip() for text in requires("miniclip") or ()
             if "extra ==" not in text]  # fmt: skip
    return "\n".join([*(f"{name}=={version(name)}" for name in names), *["torch>=2.6,<3"] * with_torch, ""])
