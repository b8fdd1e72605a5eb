"""A graph as a folder of versions: builds change a copy and switch a pointer, readers keep the version they opened.

    store/CURRENT                    the name of the version that is served, replaced atomically
    store/v00000012-3f9a.duckdb      a version; each has a file name of its own
    store/v00000013-81cc.building    the copy that a build is changing
    store/LOCK                       held by the process that builds; says who it is

A build that dies leaves CURRENT as it was; its copy is removed by the next build.
"""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from kg.errors import BuildInProgress, StoreError
from kg.store.store import Store


@dataclass(frozen=True)
class Version:
    """One published state of the graph; numbers grow by one."""

    number: int
    path: Path

    @classmethod
    def of(cls, path: Path) -> Version:
        return cls(int(path.name[1:9]), path)


class Versions:
    """The folder of versions of one project."""

    def __init__(self, folder: str | Path, keep: int = 3, **settings: object) -> None:
        """`keep` versions stay for going back (at least 1); `settings` are DuckDB's, as for `Store.open`."""
        self.folder = Path(folder)
        self._keep = max(1, keep)
        self._settings = settings
        self._pointer = str(self.folder / "CURRENT")
        self._last: tuple[tuple[int, int], Version] | None = None  # what the pointer file was when it was read

    def current(self) -> Version | None:
        """The version that is served, or None before the first build."""
        try:
            found = os.stat(self._pointer)
        except FileNotFoundError:
            return None
        last, seen = self._last, (found.st_ino, found.st_mtime_ns)
        if last is not None and last[0] == seen:  # every publication writes a new file
            return last[1]
        version = self._read_pointer()
        if version is not None:
            self._last = seen, version
        return version

    def _read_pointer(self) -> Version | None:
        try:
            name = (self.folder / "CURRENT").read_text().strip()
        except FileNotFoundError:
            return None
        path = self.folder / name
        if not path.exists():
            raise StoreError("S106", f"{self.folder / 'CURRENT'} names {name}, which is not there", help="run kg build")
        return Version.of(path)

    def all(self) -> list[Version]:
        """Every version that is kept, oldest first."""
        return sorted((Version.of(path) for path in self.folder.glob("v*.duckdb")), key=lambda version: version.number)

    def read(self) -> tuple[Version, Store]:
        """Open the current version for reading."""
        for _ in range(5):
            version = self.current()
            if version is None:
                raise StoreError("S101", f"there is no graph in {self.folder} yet", help="run kg build first")
            try:
                return version, Store.open(version.path, read_only=True, **self._settings)
            except StoreError:
                if self.current() == version:  # else a build has just replaced and removed it: take the new one
                    raise
        raise StoreError("S107", f"the versions in {self.folder} change faster than they can be opened")

    def copied(self, path: Path) -> Store:
        """Copy the current version to `path` and open the copy for reading and writing."""
        for _ in range(5):
            version = self.current()
            if version is None:
                raise StoreError("S101", f"there is no graph in {self.folder} yet", help="run kg build first")
            with suppress(FileNotFoundError):  # a build has just replaced and removed it: take the new one
                shutil.copyfile(version.path, path)
                return Store.open(path, **self._settings)
        raise StoreError("S107", f"the versions in {self.folder} change faster than they can be copied")

    @contextmanager
    def write(self) -> Iterator[Draft]:
        """Change a copy of the current version; `draft.publish()` makes it current, leaving without it drops it.

        Raises BuildInProgress while another process writes.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._lock():
            for leftover in self.folder.glob("v*.building*"):
                leftover.unlink()
            current = self.current()
            number = max([version.number for version in self.all()], default=0) + 1
            path = self.folder / f"v{number:08d}-{secrets.token_hex(2)}.building"
            if current is not None:
                shutil.copyfile(current.path, path)
            draft = Draft(self, path, Store.open(path, **self._settings))
            try:
                yield draft
            finally:
                draft.drop()

    @contextmanager
    def _lock(self) -> Iterator[None]:
        with open(self.folder / "LOCK", "a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                if error.errno not in (errno.EAGAIN, errno.EACCES):
                    raise
                file.seek(0)
                raise BuildInProgress(
                    "S301", f"another build of this project is running ({file.read().strip() or 'unknown process'})",
                    help="wait for it to end, or stop that process; its half-done work is never served",
                ) from None  # fmt: skip
            file.truncate(0)
            file.write(f"process {os.getpid()} since {time.strftime('%Y-%m-%d %H:%M:%S')}")
            file.flush()
            yield

    def _publish(self, building: Path) -> Version:
        path = building.with_suffix(".duckdb")
        _flush(building)
        building.rename(path)
        pointer = self.folder / "CURRENT.new"
        pointer.write_text(path.name + "\n")
        _flush(pointer)
        os.replace(pointer, self.folder / "CURRENT")
        _flush(self.folder)
        for old in self.all()[: -self._keep]:
            old.path.unlink(missing_ok=True)  # a process that has it open keeps its data until it closes it
        return Version.of(path)


class Reader:
    """The current version, open for reading; moves on when another one is published. Safe to share between threads.

    The version that was left is closed when the last cursor on it is gone, so running queries end undisturbed.
    """

    def __init__(self, versions: Versions) -> None:
        self._versions = versions
        self._lock = threading.Lock()
        self._open: tuple[Version, Store] | None = None

    def store(self) -> Store:
        """The store of the version that is current now; StoreError S101 before the first build."""
        current = self._versions.current()
        with self._lock:
            if self._open is None or self._open[0] != current:
                self._open = self._versions.read()
            return self._open[1]

    def version(self) -> Version:
        """The version that `store` gave last."""
        self.store()
        return self._open[0]

    def close(self) -> None:
        with self._lock:
            self._open = None


class Draft:
    """The version that is being written."""

    def __init__(self, versions: Versions, path: Path, store: Store) -> None:
        self._versions = versions
        self._path = path
        self.store = store
        self.version: Version | None = None

    def publish(self) -> Version:
        """Make the draft the current version. The store is closed; readers take the new version up by themselves."""
        self.store.checkpoint()
        self.store.close()
        self.version = self._versions._publish(self._path)
        return self.version

    def drop(self) -> None:
        """Close and remove the draft if it was not published."""
        if self.version is None:
            self.store.close()
            for leftover in self._path.parent.glob(self._path.name + "*"):
                leftover.unlink()


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
