"""What a file really is. Its bytes decide; the name may only agree.

Each check reads the file and changes nothing. It raises Invalid with a message for whoever sent it.
"""

from __future__ import annotations

import io
import subprocess
import sys
import warnings
import zipfile
from dataclasses import dataclass
from xml.parsers import expat

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from registry.errors import Invalid
from registry.patients.documents import pdf_reader, rules
from registry.patients.documents.rules import DOCX, JPEG, PDF, PNG, FileType

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


def _refuse(message: str) -> Invalid:
    return Invalid(message, field="file")


def recognise(data: bytes, name: str) -> Content:
    """The type of a file and what is in it. Raises Invalid for one that is not kept."""
    if not data:
        raise _refuse(_("This file is empty."))
    found = _type(data)
    ending = rules.extension(name)
    if found is None:
        raise _refuse(_what_it_is(data))
    if ending and ending not in found.extensions:
        text = _(
            "The name ends with .%(ending)s, but the file is a %(type)s. Check that it is the "
            "right file, give it its own name and send it again.",
            ending=ending,
            type=found.label,
        )
        raise _refuse(text)
    return Content(found, _CHECKS[found.media_type](data))


def _type(data: bytes) -> FileType | None:
    for beginning, found in (
        (b"%PDF-", PDF),
        (b"\x89PNG\r\n\x1a\n", PNG),
        (b"\xff\xd8\xff", JPEG),
        (b"PK\x03\x04", DOCX),
    ):
        if data.startswith(beginning):
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
        ending = puremagic.from_string(data[:8192]).lstrip(".")
    except (puremagic.PureError, ValueError):
        ending = ""
    if ending:
        text = _(
            "Only PDF, PNG, JPEG and DOCX are kept. This looks like .%(ending)s.", ending=ending
        )
        return str(text)
    return str(_("Only PDF, PNG, JPEG and DOCX are kept. This is none of them."))


# -- PDF ---------------------------------------------------------------------------------------


_PDF_REFUSALS = {
    "empty": _l("This PDF has no page."),
    "locked": _l("This PDF is protected by a password. Save it without one and send it again."),
    "damaged": _l("This PDF is damaged and cannot be read. Save or print it as PDF again."),
}


def _check_pdf(data: bytes) -> bool:
    end = data.rfind(b"%%EOF")
    if end < 0 or len(data) - end > 1030 or data[end + 5 :].strip(b"\r\n\t \x00\x1a"):
        raise _refuse(_("This PDF does not end where a PDF ends. Save or print it as PDF again."))
    word = _read_apart(data)
    if word in _PDF_REFUSALS:
        raise _refuse(str(_PDF_REFUSALS[word]))
    return word == "active"


def _read_apart(data: bytes) -> str:
    """What `pdf_reader` says, which runs in a process of its own; *damaged* when it fails."""
    try:
        answer = subprocess.run(
            [sys.executable, "-I", pdf_reader.__file__],
            input=data,
            capture_output=True,
            timeout=pdf_reader.SECONDS * 2,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "damaged"
    word = answer.stdout.decode("ascii", "replace")
    return word if answer.returncode == 0 and word in pdf_reader.WORDS else "damaged"


# -- pictures ----------------------------------------------------------------------------------


def _check_picture(data: bytes, kind: str) -> None:
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=[kind]) as picture:
                width, height = picture.size
                picture.verify()
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise _refuse(_("This picture is too large. Send a smaller copy.")) from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise _refuse(_("This picture is damaged and cannot be shown.")) from error
    if width * height > LARGEST_PICTURE:
        raise _refuse(_("This picture is too large. Send a smaller copy."))


def _check_png(data: bytes) -> bool:
    _check_picture(data, "PNG")
    if not data.endswith(b"\x00\x00\x00\x00IEND\xaeB`\x82") or _png_length(data) != len(data):
        raise _refuse(_more_than_a_picture())
    return False


def _png_length(data: bytes) -> int:
    """Where the chunk IEND ends."""
    at = 8
    while at + 12 <= len(data):
        length, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        at += 12 + length
        if kind == b"IEND":
            return at
    return -1


def _check_jpeg(data: bytes) -> bool:
    _check_picture(data, "JPEG")
    end = _jpeg_length(data)
    if end < 0:
        raise _refuse(_("This picture is damaged and cannot be shown."))
    # Telephones hang a second picture or a few notes on; another kind of file is no note.
    rest = data[end:].lower()
    if any(beginning.lower() in rest for beginning in _OTHER_BEGINNINGS):
        raise _refuse(_more_than_a_picture())
    return False


def _jpeg_length(data: bytes) -> int:
    """Where the picture ends (EOI), going from marker to marker; -1 where there is no end."""
    at = 2
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            return -1
        marker = data[at + 1]
        if marker == 0xD9:
            return at + 2
        if marker == 0xFF or marker == 0x01 or 0xD0 <= marker <= 0xD7:
            at += 1 if marker == 0xFF else 2
            continue
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == 0xDA:
            at = _after_scan(data, at)
    return len(data) if data[at : at + 2] == b"\xff\xd9" and at + 2 == len(data) else -1


def _after_scan(data: bytes, at: int) -> int:
    """The next marker after the picture's own bytes."""
    while True:
        at = data.find(b"\xff", at)
        if at < 0 or at + 1 >= len(data):
            return len(data)
        if data[at + 1] == 0x00 or 0xD0 <= data[at + 1] <= 0xD7:
            at += 2
            continue
        return at


def _more_than_a_picture() -> str:
    return str(
        _("There is more in this file than the picture. Save the picture again and send it.")
    )


# -- DOCX --------------------------------------------------------------------------------------


def _check_docx(data: bytes) -> bool:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            if data[-22:-18] != b"PK\x05\x06":  # the end of an archive without a note
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
    DOCX.media_type: _check_docx,
}
