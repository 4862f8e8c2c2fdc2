"""What a file really is. Its bytes decide; the name may only agree.

Each check reads the file and changes nothing. It raises Invalid with a message for whoever sent it.
"""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile
import threading
import warnings
import zipfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import BinaryIO
from xml.parsers import expat

from registry.errors import Invalid
from registry.language import gettext as _
from registry.language import lazy_gettext as _l
from registry.patients.documents import dicom, pdf_reader, rules
from registry.patients.documents.rules import DICOM, DOCX, JPEG, PDF, PNG, TIFF, FileType

_HEAD, _PIECE = 8192, 1 << 18

#: Pixels; a camera has 50 million.
LARGEST_PICTURE = 100_000_000
#: A DOCX unpacked, in bytes; files in it; how far one may be compressed.
LARGEST_UNPACKED = 150 * 1024 * 1024
MOST_PARTS = 5000
MOST_COMPRESSED = 1000
_PART_OF_NO_CONCERN = 1 << 20  # what is smaller may be compressed as far as it goes
_WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
#: What begins a file of another kind, and must not hang on a picture.
_OTHER_BEGINNINGS = (b"%PDF-", b"PK\x03\x04", b"PK\x05\x06", b"<html", b"<script", b"<svg", b"<!do")


@dataclass(frozen=True)
class Content:
    """What a file is, and whether it holds something that could act when it is opened."""

    type: FileType
    is_active: bool = False
    header: dicom.Header | None = None


def _refuse(message: str) -> Invalid:
    return Invalid(message, field="file")


def recognise(data: bytes | BinaryIO, name: str) -> Content:
    """The type of a file and what is in it. The file is read where it must be and is never whole
    in memory. Raises Invalid for one that is not kept."""
    lines = io.BytesIO(data) if isinstance(data, bytes) else data
    head = _part(lines, 0, _HEAD)
    if not head:
        raise _refuse(_("This file is empty."))
    found = _type(head)
    ending = rules.extension(name)
    if found is None:
        raise _refuse(_what_it_is(head))
    if ending and ending not in found.extensions:
        text = _(
            "The name ends with .%(ending)s, but the file is a %(type)s. Check that it is the "
            "right file, give it its own name and send it again.",
            ending=ending,
            type=found.label,
        )
        raise _refuse(text)
    lines.seek(0)
    if found is DICOM:
        return Content(found, header=dicom.read(lines, head))
    return Content(found, _CHECKS[found.media_type](lines))


def _part(lines: BinaryIO, at: int, length: int) -> bytes:
    lines.seek(at)
    return lines.read(length)


def _length(lines: BinaryIO) -> int:
    return lines.seek(0, io.SEEK_END)


def _type(head: bytes) -> FileType | None:
    if head[128:132] == b"DICM":
        return DICOM
    for beginning, found in (
        (b"%PDF-", PDF),
        (b"\x89PNG\r\n\x1a\n", PNG),
        (b"\xff\xd8\xff", JPEG),
        (b"II*\x00", TIFF),
        (b"MM\x00*", TIFF),
        (b"PK\x03\x04", DOCX),
    ):
        if head.startswith(beginning):
            return found
    return None


def _what_it_is(data: bytes) -> str:
    if data.startswith(b"\xd0\xcf\x11\xe0"):  # also what Word writes with a password
        text = _(
            "This is an old Office file, or one protected by a password. Save it as PDF or as "
            "DOCX without a password."
        )
        return str(text)
    import puremagic  # here: only a refusal needs it

    try:
        ending = puremagic.from_string(data).lstrip(".")
    except (puremagic.PureError, ValueError):
        ending = ""
    if ending:
        text = _(
            "Only PDF, PNG, JPEG, TIFF, DICOM and DOCX are kept. This looks like .%(ending)s.",
            ending=ending,
        )
        return str(text)
    return str(_("Only PDF, PNG, JPEG, TIFF, DICOM and DOCX are kept. This is none of them."))


# -- PDF ---------------------------------------------------------------------------------------


_PDF_REFUSALS = {
    "empty": _l("This PDF has no page."),
    "locked": _l("This PDF is protected by a password. Save it without one and send it again."),
    "damaged": _l("This PDF is damaged and cannot be read. Save or print it as PDF again."),
}


def _check_pdf(lines: BinaryIO) -> bool:
    length = _length(lines)
    tail = _part(lines, max(0, length - 1035), 1035)
    end = tail.rfind(b"%%EOF")
    if end < 0 or tail[end + 5 :].strip(b"\r\n\t \x00\x1a"):
        raise _refuse(_("This PDF does not end where a PDF ends. Save or print it as PDF again."))
    word = _read_apart(lines)
    if word in _PDF_REFUSALS:
        raise _refuse(str(_PDF_REFUSALS[word]))
    return word == "active"


def _read_apart(lines: BinaryIO) -> str:
    """What `pdf_reader` says, which runs in a process of its own; *damaged* when it fails."""
    with tempfile.TemporaryFile() as said:  # one word, nothing of the file
        reader = subprocess.Popen(
            [sys.executable, "-I", pdf_reader.__file__],
            stdin=subprocess.PIPE,
            stdout=said,
            stderr=subprocess.DEVNULL,
        )
        stopper = threading.Timer(pdf_reader.SECONDS * 2, reader.kill)
        stopper.start()
        try:
            _hand_over(lines, reader)
            status = reader.wait()
        finally:
            stopper.cancel()
            reader.kill()
            reader.wait()
        said.seek(0)
        word = said.read().decode("ascii", "replace")
    return word if status == 0 and word in pdf_reader.WORDS else "damaged"


def _hand_over(lines: BinaryIO, reader: subprocess.Popen[bytes]) -> None:
    assert reader.stdin is not None
    lines.seek(0)
    with suppress(BrokenPipeError):  # it ended, and says how
        while piece := lines.read(_PIECE):
            reader.stdin.write(piece)
    with suppress(BrokenPipeError):
        reader.stdin.close()


# -- pictures ----------------------------------------------------------------------------------


def _check_picture(lines: BinaryIO, kind: str) -> None:
    from PIL import Image, UnidentifiedImageError

    lines.seek(0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(lines, formats=[kind]) as picture:
                width, height = picture.size
                picture.verify()
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise _refuse(_("This picture is too large. Send a smaller copy.")) from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise _refuse(_("This picture is damaged and cannot be shown.")) from error
    if width * height > LARGEST_PICTURE:
        raise _refuse(_("This picture is too large. Send a smaller copy."))


def _check_png(lines: BinaryIO) -> bool:
    _check_picture(lines, "PNG")
    length = _length(lines)
    end = _part(lines, max(0, length - 12), 12)
    if end != b"\x00\x00\x00\x00IEND\xaeB`\x82" or _png_length(lines) != length:
        raise _refuse(_more_than_a_picture())
    return False


def _png_length(lines: BinaryIO) -> int:
    """Where the chunk IEND ends."""
    at, most = 8, _length(lines)
    while at + 12 <= most:
        head = _part(lines, at, 8)
        at += 12 + int.from_bytes(head[:4], "big")
        if head[4:] == b"IEND":
            return at
    return -1


def _check_jpeg(lines: BinaryIO) -> bool:
    _check_picture(lines, "JPEG")
    end = _jpeg_length(lines)
    if end < 0:
        raise _refuse(_("This picture is damaged and cannot be shown."))
    # Telephones hang a second picture or a few notes on; another kind of file is no note.
    if _holds(lines, end, [one.lower() for one in _OTHER_BEGINNINGS]):
        raise _refuse(_more_than_a_picture())
    return False


def _holds(lines: BinaryIO, at: int, wanted: Sequence[bytes]) -> bool:
    """Does one of these stand in the rest of a file, in small or capital letters?"""
    lines.seek(at)
    before = b""
    while piece := lines.read(_PIECE):
        text = before + piece.lower()
        if any(one in text for one in wanted):
            return True
        before = text[-16:]
    return False


def _jpeg_length(lines: BinaryIO) -> int:
    """Where the picture ends (EOI), going from marker to marker; -1 where there is no end."""
    at, most = 2, _length(lines)
    while at + 4 <= most:
        head = _part(lines, at, 4)
        marker = head[1]
        if head[0] != 0xFF:
            return -1
        if marker == 0xD9:
            return at + 2
        if marker == 0xFF or marker == 0x01 or 0xD0 <= marker <= 0xD7:
            at += 1 if marker == 0xFF else 2
            continue
        at += 2 + int.from_bytes(head[2:], "big")
        if marker == 0xDA:
            at = _after_scan(lines, at, most)
    return most if _part(lines, at, 3) == b"\xff\xd9" else -1


def _after_scan(lines: BinaryIO, at: int, most: int) -> int:
    """The next marker after the picture's own bytes."""
    lines.seek(at)
    while len(piece := lines.read(_PIECE)) > 1:
        within = 0
        while True:
            within = piece.find(b"\xff", within)
            if within < 0:
                break
            if within + 1 == len(piece):  # what follows it stands in the next piece
                break
            if piece[within + 1] != 0x00 and not 0xD0 <= piece[within + 1] <= 0xD7:
                return at + within
            within += 2
        used = len(piece) if within < 0 else within
        if used == 0:
            return most
        at += used
        lines.seek(at)
    return most


def _check_tiff(lines: BinaryIO) -> bool:
    _check_picture(lines, "TIFF")
    return False


def _more_than_a_picture() -> str:
    return str(
        _("There is more in this file than the picture. Save the picture again and send it.")
    )


# -- DOCX --------------------------------------------------------------------------------------


def _check_docx(lines: BinaryIO) -> bool:
    length = _length(lines)
    end = _part(lines, max(0, length - 22), 4)
    try:
        with zipfile.ZipFile(lines) as packed:
            if end != b"PK\x05\x06":  # the end of an archive without a note
                raise _refuse(_more_than_a_document())
            _check_parts(packed)
            _read_all(packed)
            _check_word(packed)
    except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError, RuntimeError) as error:
        raise _refuse(_("This file is damaged, or no Word document.")) from error
    return False


def _check_parts(packed: zipfile.ZipFile) -> None:
    parts = packed.infolist()
    too_far = any(
        part.file_size > _PART_OF_NO_CONCERN
        and part.file_size > MOST_COMPRESSED * max(part.compress_size, 1)
        for part in parts
    )
    if too_far or len(parts) > MOST_PARTS or sum(p.file_size for p in parts) > LARGEST_UNPACKED:
        raise _refuse(_("This document unpacks to far more than it should. Save it as PDF."))
    names = [part.filename for part in parts]
    if len(set(names)) != len(names) or any(
        name.startswith(("/", "\\")) or ".." in name.split("/") for name in names
    ):
        raise _refuse(_("This file is damaged, or no Word document."))
    if any(part.flag_bits & 1 for part in parts):
        raise _refuse(_("This document is protected by a password. Save it without one."))
    if parts[0].header_offset != 0:
        raise _refuse(_more_than_a_document())


def _more_than_a_document() -> str:
    return str(_("There is more in this file than the document. Save it again as DOCX."))


def _read_all(packed: zipfile.ZipFile) -> None:
    """Unpack every part and keep nothing: what it says of its own size may be untrue."""
    left = LARGEST_UNPACKED
    for part in packed.infolist():
        with packed.open(part) as lines:
            while piece := lines.read(1 << 20):
                left -= len(piece)
                if left < 0:
                    raise _refuse(
                        _("This document unpacks to far more than it should. Save it as PDF.")
                    )


def _check_word(packed: zipfile.ZipFile) -> None:
    names = packed.namelist()
    if "[Content_Types].xml" not in names:
        raise _refuse(_("This is a ZIP archive, no Word document. Send its files one by one."))
    types = _elements(packed.read("[Content_Types].xml"))
    declared = [about.get("ContentType", "").lower() for _name, about in types]
    if any("macroenabled" in one or "vbaproject" in one for one in declared) or any(
        name.lower().endswith(("vbaproject.bin", "vbadata.xml")) for name in names
    ):
        raise _refuse(_("This document holds macros. Save it as PDF or as DOCX without macros."))
    if _WORD not in declared:
        raise _refuse(_("This is an Office file, but no Word document. Save it as PDF."))
    if any("activex" in name.lower() or "/embeddings/" in name.lower() for name in names):
        raise _refuse(_("This document holds other files or controls. Save it as PDF."))
    for name in names:
        if name.lower().endswith(".rels"):
            _check_links(packed.read(name))


def _check_links(relations: bytes) -> None:
    """A link that is followed on a click is kept; what is fetched on opening is not."""
    for _name, about in _elements(relations):
        fetched = about.get("TargetMode", "").lower() == "external"
        if fetched and not about.get("Type", "").endswith("/hyperlink"):
            raise _refuse(
                _(
                    "This document fetches something from elsewhere when it is opened. "
                    "Save it as PDF."
                )
            )


def _elements(text: bytes) -> list[tuple[str, dict[str, str]]]:
    """The elements of an XML part with their attributes; one with a document type is refused."""
    found: list[tuple[str, dict[str, str]]] = []
    parser = expat.ParserCreate()

    def refuse(*_about: object) -> None:
        raise _refuse(_("This file is damaged, or no Word document."))

    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = lambda name, about: found.append((name, about))
    try:
        parser.Parse(text, True)
    except expat.ExpatError as error:
        raise _refuse(_("This file is damaged, or no Word document.")) from error
    return found


_CHECKS = {
    PDF.media_type: _check_pdf,
    PNG.media_type: _check_png,
    JPEG.media_type: _check_jpeg,
    TIFF.media_type: _check_tiff,
    DOCX.media_type: _check_docx,
}
