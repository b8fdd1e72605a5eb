"""Files in other encodings and compressions (RML-IO): read as bytes, or copied to plain UTF-8; written the same way."""

from __future__ import annotations

import codecs
import gzip
import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import IO

import pyarrow as pa

from kg.errors import Location, MappingError

# What a file that is not what its compression says, or is cut off, raises.
UNREADABLE = (OSError, EOFError, tarfile.TarError, zipfile.BadZipFile, lzma.LZMAError, zlib.error, pa.ArrowException)

_BLOCK = 1 << 20
_TAR = {"targz": "gz", "tarxz": "xz"}
_ENDINGS = {".tar.gz": "targz", ".tgz": "targz", ".tar.xz": "tarxz", ".gz": "gzip", ".xz": "xz", ".zst": "zstd", ".zip": "zip"}


class NotInEncoding(ValueError):
    """Bytes that are no text in the encoding that is declared; `line` is where."""

    def __init__(self, message: str, line: int):
        super().__init__(message)
        self.line = line


def compression_of(path: Path) -> str | None:
    """The compression that a file's name tells."""
    return next((kind for ending, kind in _ENDINGS.items() if path.name.endswith(ending)), None)


@contextmanager
def open_bytes(path: Path, compression: str | None) -> Iterator[IO[bytes]]:
    """A file's content, decompressed; an archive must hold exactly one file."""
    if compression == "gzip":
        with gzip.open(path, "rb") as file:
            yield file
    elif compression == "xz":
        with lzma.open(path, "rb") as file:
            yield file
    elif compression == "zstd":
        with pa.CompressedInputStream(pa.OSFile(str(path), "rb"), "zstd") as stream, io.BufferedReader(stream, _BLOCK) as file:
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
    """Write the content of a file to `copy`, in UTF-8 without compression; NotInEncoding where it is not in `encoding`."""
    decoder, lines, is_last = codecs.getincrementaldecoder(encoding)(), 1, False
    with open_bytes(path, compression) as given, copy.open("w", encoding="utf-8", newline="") as target:
        while not is_last:
            block = given.read(_BLOCK)
            is_last = not block
            pending = decoder.getstate()[0]
            try:
                text = decoder.decode(block, is_last)
            except UnicodeDecodeError as error:
                good = (pending + block)[: error.start].decode(encoding, "replace")
                raise NotInEncoding(f"{error.reason} (bytes {error.object[error.start : error.end + 2].hex(' ')})", lines + good.count("\n")) from None
            lines += text.count("\n")
            target.write(text)


def begins_as_utf16(path: Path, compression: str | None) -> bool:
    """Whether a file begins with the byte order mark of UTF-16."""
    with suppress(*UNREADABLE), open_bytes(path, compression) as file:
        return file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    return False


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
