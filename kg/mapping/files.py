"""Files in other encodings and compressions (RML-IO): read as bytes, or copied to plain UTF-8; written the same way."""

from __future__ import annotations

import codecs
import gzip
import io
import lzma
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO

from kg.errors import Location, MappingError

# What a file that is not what its compression says, or is cut off, raises.
UNREADABLE = (OSError, EOFError, tarfile.TarError, zipfile.BadZipFile, lzma.LZMAError, zlib.error)

_TAR = {"targz": "gz", "tarxz": "xz"}
_ENDINGS = {".tar.gz": "targz", ".tgz": "targz", ".tar.xz": "tarxz", ".gz": "gzip", ".zip": "zip"}


def compression_of(path: Path) -> str | None:
    """The compression that a file's name tells."""
    return next((kind for ending, kind in _ENDINGS.items() if path.name.endswith(ending)), None)


@contextmanager
def open_bytes(path: Path, compression: str | None) -> Iterator[IO[bytes]]:
    """A file's content, decompressed; an archive must hold exactly one file."""
    if compression == "gzip":
        with gzip.open(path, "rb") as file:
            yield file
    elif compression == "zip":
        with zipfile.ZipFile(path) as archive, archive.open(_only(path, [one for one in archive.infolist() if not one.is_dir()])) as file:
            yield file
    elif compression in _TAR:
        with tarfile.open(path, f"r:{_TAR[compression]}") as archive:
            member = archive.extractfile(_only(path, [one for one in archive.getmembers() if one.isfile()]))
            assert member is not None  # it is a file
            with closing(member) as file:
                yield file
    else:
        with path.open("rb") as file:
            yield file


def _only(path: Path, members: list) -> object:
    if len(members) != 1:
        raise MappingError("M208", f"{path.name} holds {len(members)} files", Location(str(path)), "an archive must hold exactly one file")
    return members[0]


def copy_as_utf8(path: Path, compression: str | None, encoding: str, copy: Path) -> None:
    """Write the content of a file to `copy`, in UTF-8 without compression; UnicodeDecodeError where it is not in `encoding`."""
    with open_bytes(path, compression) as given, copy.open("w", encoding="utf-8", newline="") as target:
        text = io.TextIOWrapper(given, encoding=encoding, newline="")
        shutil.copyfileobj(text, target, 1 << 20)
        text.detach()


def write(path: Path, content: bytes, compression: str | None, encoding: str | None) -> None:
    """Write UTF-8 content to a file in another encoding and compression; the file of an archive has its name without endings."""
    if encoding and codecs.lookup(encoding).name != "utf-8":
        content = content.decode().encode(encoding)
    name = path.name
    for ending in (".gz", ".xz", ".tar", ".tgz", ".zip"):
        name = name.removesuffix(ending)
    if compression == "gzip":
        content = gzip.compress(content, mtime=0)
    elif compression == "zip":
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(name, content)
        content = buffer.getvalue()
    elif compression in _TAR:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode=f"w:{_TAR[compression]}") as archive:
            about = tarfile.TarInfo(name)
            about.size = len(content)
            archive.addfile(about, io.BytesIO(content))
        content = buffer.getvalue()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
