"""Is a release what it was? Checksums computed anew: of the stored files, or of a downloaded copy.

A copy is a folder with a `manifest.json`, or the archive as it was downloaded.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from registry import storage
from registry.research.models import Release

MANIFEST = "manifest.json"
_BLOCK = 1 << 20
INTACT, ALTERED, MISSING, UNKNOWN = "intact", "altered", "missing", "not in the manifest"


class NoRelease(ValueError):
    """The folder or archive is no release: the text says why, in English, for a command."""


@dataclass(frozen=True)
class Checked:
    """A file, how it stands, and its checksum as it is now (empty where it is missing)."""

    name: str
    state: str
    sha256: str

    @property
    def is_good(self) -> bool:
        """Is it as it was made?"""
        return self.state == INTACT


def stored(release: Release) -> list[Checked]:
    """Every file of a release as it lies in the house, against what was noted at the making."""
    found = []
    for file in release.files:
        try:
            now = storage.sha256(file.file_id)
        except FileNotFoundError:
            found.append(Checked(file.name, MISSING, ""))
        else:
            found.append(Checked(file.name, INTACT if now == file.sha256 else ALTERED, now))
    return found


def copy(place: Path) -> tuple[dict[str, Any], list[Checked]]:
    """The manifest of a downloaded copy, and every file of it against the manifest; the manifest
    itself is listed last, with the checksum to compare with the page. Raises NoRelease."""
    if place.is_dir():
        held = {one.name: one for one in place.iterdir() if one.is_file()}
        return _compared(held, lambda name: held[name].open("rb"))
    try:
        archive = zipfile.ZipFile(place)
    except (zipfile.BadZipFile, OSError):
        raise NoRelease("This is neither a folder nor an archive of a release.") from None
    with archive:
        entries = {
            PurePosixPath(one.filename).name: one for one in archive.infolist() if not one.is_dir()
        }
        return _compared(entries, lambda name: archive.open(entries[name]))  # type: ignore[return-value,arg-type]


def _compared(
    held: Iterable[str], opened: Callable[[str], BinaryIO]
) -> tuple[dict[str, Any], list[Checked]]:
    names = set(held)
    if MANIFEST not in names:
        raise NoRelease("There is no manifest.json in it.")
    try:
        with opened(MANIFEST) as lines:
            facts = json.loads(lines.read())
        listed = [*facts["files"], *facts["made"].get("files", ())]
        noted = {str(one["name"]): str(one["sha256"]) for one in listed}
    except (ValueError, KeyError, TypeError, zipfile.BadZipFile):
        raise NoRelease("Its manifest.json cannot be read.") from None
    found = [_checked(name, noted, names, opened) for name in noted]
    more = sorted(names - noted.keys() - {MANIFEST})
    found += [Checked(name, UNKNOWN, "") for name in more if not name.endswith(".zip")]
    return facts, [*found, Checked(MANIFEST, INTACT, _sum(MANIFEST, opened))]


def _checked(
    name: str, noted: Mapping[str, str], names: set[str], opened: Callable[[str], BinaryIO]
) -> Checked:
    if name not in names:
        return Checked(name, MISSING, "")
    try:
        now = _sum(name, opened)
    except zipfile.BadZipFile:  # the archive's own sum does not fit
        return Checked(name, ALTERED, "")
    return Checked(name, INTACT if now == noted[name] else ALTERED, now)


def _sum(name: str, opened: Callable[[str], BinaryIO]) -> str:
    digest = hashlib.sha256()
    with opened(name) as lines:
        while block := lines.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
