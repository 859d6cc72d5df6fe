"""Real pictures to try: fetch them where there is network, and lay them out as `miniclip data` reads them.

    python tests/real_sets.py emoji DIR      DIR/twitter, DIR/google: 1,911 drawings each, with their names (npm)
    python tests/real_sets.py textile DIR    DIR/textile: 2,000 pictures of cloth in three classes (PyPI)
    python tests/real_sets.py clipart DIR    DIR/clipart: Open Clip Art, titles from the file names (Debian)
    python tests/real_sets.py skimage DIR    DIR/skimage: scikit-image's sample pictures, without captions (PyPI)

Licences: emoji-datasource is MIT, Twitter's drawings CC BY 4.0, Google's Apache 2.0; conformal-clip-data MIT; Open
Clip Art is in the public domain; scikit-image lists its pictures in data/README.txt. None of it is in this repository.
"""

import csv
import json
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

PICTURES = (".png", ".jpg", ".jpeg", ".gif")


def write_table(folder: Path, rows) -> None:
    """metadata.csv."""
    with open(folder / "metadata.csv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("file_name", "text"), *rows])


def emoji(out: Path, work: Path) -> None:
    for maker in ("twitter", "google"):
        subprocess.run(["npm", "pack", "--silent", f"emoji-datasource-{maker}"], cwd=work, check=True)
        with tarfile.open(next(work.glob(f"emoji-datasource-{maker}-*.tgz"))) as archive:
            archive.extractall(work / maker, filter="data")
        package, folder = work / maker / "package", out / maker
        folder.mkdir(parents=True)
        rows = []
        for one in json.loads((package / "emoji.json").read_text()):
            picture = package / "img" / maker / "64" / one["image"]
            if one[f"has_img_{maker}"] and picture.exists():
                picture.rename(folder / picture.name)
                rows.append((picture.name, one["name"].lower()))
        write_table(folder, rows)


def wheel(name: str, work: Path) -> zipfile.ZipFile:
    """A package from PyPI, which is not installed."""
    subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", work, name], check=True)
    return zipfile.ZipFile(next(work.glob("*.whl")))


def textile(out: Path, work: Path) -> None:
    with wheel("conformal-clip-data", work) as archive:
        for name in archive.namelist():
            if name.endswith(PICTURES):
                kind, base = name.split("/")[-2:]
                (out / "textile" / kind).mkdir(parents=True, exist_ok=True)
                (out / "textile" / kind / base).write_bytes(archive.read(name))


def skimage(out: Path, work: Path) -> None:
    (out / "skimage").mkdir(parents=True)
    with wheel("scikit-image", work) as archive:
        for name in archive.namelist():
            if "/data/" in name and name.endswith(PICTURES):
                (out / "skimage" / name.split("/")[-1]).write_bytes(archive.read(name))


def clipart(out: Path, work: Path) -> None:
    subprocess.run(["apt-get", "download", "openclipart-png"], cwd=work, check=True)
    subprocess.run(["dpkg", "-x", next(work.glob("*.deb")), work / "all"], check=True)
    folder, rows = out / "clipart", []
    folder.mkdir(parents=True)
    for number, picture in enumerate(sorted((work / "all").rglob("*.png"))):
        if not picture.is_symlink():
            picture.rename(folder / f"{number:05}.png")
            rows.append((f"{number:05}.png", picture.stem.replace("_", " ").replace("-", " ")))
    write_table(folder, rows)


if __name__ == "__main__":
    sets = {"emoji": emoji, "textile": textile, "clipart": clipart, "skimage": skimage}
    if len(sys.argv) != 3 or sys.argv[1] not in sets:
        sys.exit(__doc__)
    with TemporaryDirectory() as work:
        sets[sys.argv[1]](Path(sys.argv[2]), Path(work))
