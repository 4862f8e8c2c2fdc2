"""Where sealed files lie: a folder of this machine, or whatever fsspec reaches (S3 and others).

A store knows names and bytes, no rows. What is being written is never under its own name: a writer
that is killed leaves at most a draft, which the sweep removes.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Protocol

#: How a draft's name ends.
DRAFT = ".part"


class Store(Protocol):
    """Files by name; a name has `/` between its parts."""

    def writing(self, name: str) -> AbstractContextManager[BinaryIO]:
        """Open a new file; it has its name only when the block ends well."""

    def open(self, name: str) -> BinaryIO:
        """A file to read, with `seek`. Raises FileNotFoundError."""

    def remove(self, name: str) -> None:
        """Remove a file and its draft. None there is no error."""

    def drop(self, name: str) -> None:
        """Remove what has just this name, draft or file."""

    def clear(self, below: str) -> None:
        """Remove a folder and everything in it."""

    def names(self, below: str = "") -> Iterator[tuple[str, datetime]]:
        """Every file and draft below a folder, in order, and when it was written."""


class Folder:
    """A folder of this machine."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @contextmanager
    def writing(self, name: str) -> Iterator[BinaryIO]:
        """Written beside and moved into place, on the disk before it has its name."""
        target = self.root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(target.name + DRAFT)
        try:
            with draft.open("wb") as out:
                yield out
                out.flush()
                os.fsync(out.fileno())
            os.replace(draft, target)
        finally:
            draft.unlink(missing_ok=True)

    def open(self, name: str) -> BinaryIO:
        """A file to read."""
        return (self.root / name).open("rb")

    def remove(self, name: str) -> None:
        """Remove a file, and what a killed process left of it."""
        self.drop(name + DRAFT)
        self.drop(name)

    def drop(self, name: str) -> None:
        """Remove what has this name."""
        (self.root / name).unlink(missing_ok=True)

    def clear(self, below: str) -> None:
        """Remove a folder."""
        shutil.rmtree(self.root / below, ignore_errors=True)

    def names(self, below: str = "") -> Iterator[tuple[str, datetime]]:
        """Every file below a folder."""
        for path in sorted((self.root / below).rglob("*")):
            with suppress(FileNotFoundError):  # removed since the folder was read
                about = path.stat()
                if path.is_file():
                    written = datetime.fromtimestamp(about.st_mtime, UTC)
                    yield path.relative_to(self.root).as_posix(), written


class Distant:
    """What fsspec reaches by an address such as `s3://bucket/folder`."""

    def __init__(self, address: str) -> None:
        import fsspec

        found: tuple[Any, str] = fsspec.core.url_to_fs(address)
        self._files, self._root = found

    def _path(self, name: str) -> str:
        return f"{self._root.rstrip('/')}/{name}"

    @contextmanager
    def writing(self, name: str) -> Iterator[BinaryIO]:
        """Written as a draft and moved: a write that was broken off never has the name."""
        path = self._path(name)
        self._files.makedirs(path.rpartition("/")[0], exist_ok=True)
        try:
            with self._files.open(path + DRAFT, "wb") as out:
                yield out
            self._files.mv(path + DRAFT, path)
        except BaseException:
            self.drop(name + DRAFT)
            raise

    def open(self, name: str) -> BinaryIO:
        """A file to read."""
        opened: BinaryIO = self._files.open(self._path(name), "rb")
        return opened

    def remove(self, name: str) -> None:
        """Remove a file and its draft."""
        self.drop(name + DRAFT)
        self.drop(name)

    def drop(self, name: str) -> None:
        """Remove what has this name."""
        with suppress(FileNotFoundError):
            self._files.rm_file(self._path(name))

    def clear(self, below: str) -> None:
        """Remove what lies below a folder."""
        with suppress(FileNotFoundError):
            self._files.rm(self._path(below), recursive=True)

    def names(self, below: str = "") -> Iterator[tuple[str, datetime]]:
        """Every file below a folder; where the store does not say when, the beginning of time."""
        start = self._path(below).rstrip("/")
        root = self._root.rstrip("/") + "/"
        try:
            found: dict[str, Any] = self._files.find(start, detail=True)
        except FileNotFoundError:
            return
        for path, about in sorted(found.items()):
            yield path.removeprefix(root), _moment(about)


def _moment(about: dict[str, Any]) -> datetime:
    said = about.get("LastModified") or about.get("mtime") or about.get("created")
    if isinstance(said, int | float):
        return datetime.fromtimestamp(said, UTC)
    if isinstance(said, datetime):
        return said.replace(tzinfo=said.tzinfo or UTC)
    return datetime.now(UTC)


def at(address: str, folder: Path) -> Store:
    """The store of an address; of none, the folder."""
    return Distant(address) if address else Folder(folder)
