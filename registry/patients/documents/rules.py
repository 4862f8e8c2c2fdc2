"""What kinds of files are kept, and how they are named."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from registry.language import lazy_gettext as _l

#: The largest file, in bytes.
LARGEST = 40 * 1024 * 1024
LONGEST_NAME = 150

#: Letters the product itself wrote and somebody kept.
SUMMARY_LETTER, PATIENT_LETTER = "summary_letter", "patient_letter"
WRITTEN_HERE = frozenset({SUMMARY_LETTER, PATIENT_LETTER})

#: What checking a file found; see docs/documents.md.
NOT_SCANNED = "not_scanned"
ACTIVE = "active_content"

#: What an entry of these kinds may have documents of its own.
OF_ENTRIES = ("pathology", "imaging", "therapy")


@dataclass(frozen=True)
class FileType:
    """A kind of file that is kept."""

    media_type: str
    label: Any
    extensions: tuple[str, ...]  # the first is given to a name without one
    is_picture: bool = False


PDF = FileType("application/pdf", _l("PDF"), ("pdf",))
PNG = FileType("image/png", _l("PNG picture"), ("png",), is_picture=True)
JPEG = FileType("image/jpeg", _l("JPEG picture"), ("jpg", "jpeg", "jpe", "jfif"), is_picture=True)
TIFF = FileType("image/tiff", _l("TIFF picture"), ("tif", "tiff"))  # no browser shows one
DICOM = FileType("application/dicom", _l("DICOM image"), ("dcm", "dicom", "ima"))
DOCX = FileType(
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    _l("Word document (DOCX)"),
    ("docx",),
)
TYPES = {one.media_type: one for one in (PDF, PNG, JPEG, TIFF, DICOM, DOCX)}


def extension(name: str) -> str:
    """How a name ends, without the dot, in small letters; empty where it is no ending of a file,
    such as the year in `Report 12.3.2024`."""
    found = PurePosixPath(name).suffix[1:].lower()
    return found if re.fullmatch(r"[a-z][a-z0-9]{0,9}", found) else ""


def clean_name(name: str) -> str:
    """A file's name as it is kept: without folders, control and direction marks, not too long."""
    name = re.split(r"[/\\]", name)[-1]
    kept = (c for c in name if unicodedata.category(c) not in {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"})
    name = re.sub(r"\s+", " ", "".join(kept)).strip(" .")
    if len(name) <= LONGEST_NAME:
        return name
    ending = extension(name)
    return name[: LONGEST_NAME - len(ending) - 1].rstrip() + (f".{ending}" if ending else "")


def file_name(name: str, media_type: str) -> str:
    """The name to save a file under: it ends as its type says."""
    known = TYPES[media_type].extensions
    return name if extension(name) in known else f"{name or 'document'}.{known[0]}"


def size_text(size: int) -> tuple[str, str]:
    """(number, unit) of a size in bytes, to read."""
    for unit, step in (("MB", 1024 * 1024), ("kB", 1024)):
        if size >= step:
            return f"{size / step:.1f}".removesuffix(".0"), unit
    return str(size), "B"
