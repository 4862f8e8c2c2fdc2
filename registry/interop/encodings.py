"""Which encoding a file is in: by its mark, by being valid, or by what its text looks like."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from typing import BinaryIO

_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
#: What spreadsheets and hospital systems write that is not UTF-8, the commonest first.
_OLDER = ["cp1252", "latin_1", "cp1250", "iso8859_2", "cp1251", "cp1253", "cp1254", "mac_roman"]
_SAMPLE = 256 * 1024
_BLOCK = 1 << 20


@dataclass(frozen=True)
class Found:
    """An encoding and how sure it is: `marked`, `valid`, `likely`, or `stated` by somebody."""

    encoding: str
    how: str


def marked(start: bytes) -> str:
    """The encoding that the mark at a file's beginning says; empty without one."""
    return next((name for mark, name in _MARKS if start.startswith(mark)), "")


def detect(stream: BinaryIO) -> Found:
    """The encoding of a file, which is read once and left at its beginning."""
    stream.seek(0)
    start = stream.read(_SAMPLE)
    found = marked(start)
    if found:
        stream.seek(0)
        return Found(found, "marked")
    if start[:200].count(0) > len(start[:200]) // 4:
        stream.seek(0)
        return Found("utf-16-le" if start[1:2] == b"\0" else "utf-16-be", "likely")
    wrong = _first_not_utf8(stream)
    stream.seek(0)
    if wrong is None:
        return Found("utf-8", "valid")
    stream.seek(max(0, wrong - _SAMPLE // 2))
    sample = stream.read(_SAMPLE)
    stream.seek(0)
    return Found(_older(sample), "likely")


def _first_not_utf8(stream: BinaryIO) -> int | None:
    """Where the first byte stands that is no UTF-8; None where all of it is."""
    decoder, place = codecs.getincrementaldecoder("utf-8")(), 0
    stream.seek(0)
    while True:
        block = stream.read(_BLOCK)
        try:
            decoder.decode(block, final=not block)
        except UnicodeDecodeError as error:
            return place + error.start
        if not block:
            return None
        place += len(block)


def _older(sample: bytes) -> str:
    """Of the encodings of one byte a letter, the one whose text reads best."""
    from charset_normalizer import from_bytes  # here: only what is neither ASCII nor UTF-8 needs it

    best = from_bytes(sample, cp_isolation=_OLDER, threshold=0.5).best()
    if best is None:
        return "cp1252"
    # Where several read the same text, the commoner of them is named.
    same = {best.encoding, *best.could_be_from_charset}
    return next((name for name in _OLDER if name in same), best.encoding)
