"""All files of a release in one archive, put together while it is downloaded: none is kept twice.

The files stand in it as they are, in their order and with fixed times: it is the same bytes each
time. No checksum of it is promised: every file in it has its own, and they are compared before the
first byte leaves.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO, cast

from registry import storage
from registry.research.models import ARCHIVE, Release, ReleaseFile

MEDIA_TYPE = "application/zip"
#: The date of every entry: the earliest there is, so that bytes repeat.
_NO_TIME = (1980, 1, 1, 0, 0, 0)


class _Passed(io.RawIOBase):
    """Takes what is written and gives it on. There is no going back in it."""

    def __init__(self) -> None:
        super().__init__()
        self._held: list[bytes] = []

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, block: Any) -> int:
        """Hold a block until it is taken."""
        self._held.append(bytes(block))
        return len(block)

    def taken(self) -> bytes:
        """What was written since the last time."""
        held, self._held = b"".join(self._held), []
        return held


def _entry(release: Release, file: ReleaseFile) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(f"{release.archive.removesuffix(ARCHIVE)}/{file.name}", _NO_TIME)
    entry.external_attr = 0o444 << 16
    return entry


def pieces(release: Release) -> Iterator[bytes]:
    """The archive piece by piece, also after the request whose answer it is has ended."""
    entries = [
        (_entry(release, one), one.size, storage.blocks(one.file_id)) for one in release.files
    ]

    def made() -> Iterator[bytes]:
        passed = _Passed()
        with zipfile.ZipFile(cast(BinaryIO, passed), "w", zipfile.ZIP_STORED) as archive:
            for entry, size, blocks in entries:
                large = size >= zipfile.ZIP64_LIMIT
                with archive.open(entry, "w", force_zip64=large) as target:
                    for block in blocks:
                        target.write(block)
                        yield passed.taken()
        yield passed.taken()

    return made()


def size(release: Release) -> int | None:
    """How many bytes it has: those of the files, and of an archive of as many empty ones. None
    where it is so long that its entries have another form."""
    total = sum(one.size for one in release.files)
    around = _around(release, release.files)
    return total + around if total + around < zipfile.ZIP64_LIMIT else None


def _around(release: Release, files: Sequence[ReleaseFile]) -> int:
    passed = _Passed()
    with zipfile.ZipFile(cast(BinaryIO, passed), "w", zipfile.ZIP_STORED) as archive:
        for file in files:
            with archive.open(_entry(release, file), "w"):
                pass
    return len(passed.taken())
