"""DICOM key images: what the header says of the examination, and of whom it is.

Only the header is read, never the picture. Who the header names is compared with the patient
(DICOM PS3.3 C.7.1.1: Patient's Name, Patient's Birth Date, Patient's Sex).
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, BinaryIO

from registry.dates import PartialDate
from registry.errors import Invalid
from registry.language import gettext as _
from registry.patients import rules

#: What differs, in the order it is said.
NAME, BIRTH_DATE, SEX = "name", "birth_date", "sex"

_TAGS = (
    "SOPClassUID", "Modality", "StudyDate", "SeriesDate", "AcquisitionDate", "StudyDescription",
    "PatientName", "PatientBirthDate", "PatientSex", "Rows", "Columns", "NumberOfFrames",
)  # fmt: skip
_DEFLATED = "1.2.840.10008.1.2.1.99"
_CD_INDEX = "1.2.840.10008.1.3.10"
_PDF_INSIDE = "1.2.840.10008.5.1.4.1.1.104.1"
_MOST_META = 64
#: Value representations whose length has four bytes (PS3.5 7.1.2).
_LONG = frozenset({b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"UC", b"UN", b"UR", b"UT"})
#: How programs name nobody.
_NOBODY = frozenset({"anon", "anonymous", "anonymized", "anonymised", "unknown", "none", "patient"})
_SEXES = {"M": "male", "F": "female"}


@dataclass(frozen=True)
class Header:
    """What a DICOM file says of itself. The last three identify a person."""

    modality: str
    study_date: str  # ISO; empty where not said
    study: str
    name: str
    birth_date: str  # ISO
    sex: str  # a code of sex_at_birth

    def about(self) -> dict[str, str]:
        """What is kept openly: nothing of it says who the patient is."""
        return {"modality": self.modality, "study_date": self.study_date}

    def person(self) -> dict[str, str]:
        """Who it names, to be sealed."""
        return {NAME: self.name, BIRTH_DATE: self.birth_date, SEX: self.sex}


def _refuse(message: str) -> Invalid:
    return Invalid(message, field="file")


def read(lines: BinaryIO, head: bytes) -> Header:
    """The header of a DICOM image; `head` is how the file begins. Raises Invalid for what is no
    image, or is more than one."""
    import pydicom
    from pydicom.errors import InvalidDicomError

    preamble = head[:128]
    if preamble.strip(b"\x00") and not preamble.startswith((b"II*\x00", b"MM\x00*")):
        raise _refuse(_("There is more in this file than the picture. Save the picture again."))
    if _transfer_syntax(lines) == _DEFLATED:
        raise _refuse(_("This DICOM file is compressed as a whole. Export it uncompressed."))
    lines.seek(0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about values that break the standard
            found = pydicom.dcmread(lines, stop_before_pixels=True, specific_tags=list(_TAGS))
            said = {name: str(found.get(name, "") or "").strip() for name in _TAGS}
    except (InvalidDicomError, AttributeError, EOFError, KeyError, OSError, ValueError) as error:
        raise _refuse(_("This DICOM file is damaged and cannot be read.")) from error
    except Exception as error:  # whatever a hostile header does to its reader: it is not kept
        raise _refuse(_("This DICOM file is damaged and cannot be read.")) from error
    _check_image(said)
    return Header(
        modality=said["Modality"][:16],
        study_date=_day(said["StudyDate"] or said["SeriesDate"] or said["AcquisitionDate"]),
        study=said["StudyDescription"][:64],
        name=said["PatientName"][:200],
        birth_date=_day(said["PatientBirthDate"]),
        sex=_SEXES.get(said["PatientSex"].upper(), ""),
    )


def _check_image(said: dict[str, str]) -> None:
    if said["SOPClassUID"] == _CD_INDEX:
        raise _refuse(_("This is the index of a CD. Send the image itself."))
    if said["SOPClassUID"] == _PDF_INSIDE:
        raise _refuse(_("This DICOM file holds a PDF. Send the PDF itself."))
    if not (said["Rows"].isdigit() and said["Columns"].isdigit()):
        raise _refuse(_("This DICOM file holds no image."))


def _transfer_syntax(lines: BinaryIO) -> str:
    """How the rest is written, from the first group of the header (always explicit VR, little
    endian: PS3.10 7.1); empty where it is not said."""
    lines.seek(132)
    for _element in range(_MOST_META):
        start = lines.read(8)
        if len(start) < 8 or start[:2] != b"\x02\x00":
            return ""
        length = int.from_bytes(start[6:8], "little")
        if start[4:6] in _LONG:
            length = int.from_bytes(lines.read(4), "little")
        if start[2:4] == b"\x10\x00":
            return lines.read(min(length, 64)).decode("ascii", "replace").rstrip("\x00 ")
        lines.seek(length, 1)
    return ""


def _day(text: str) -> str:
    digits = text.replace(".", "")[:8]
    try:
        return PartialDate(f"{digits[:4]}-{digits[4:6]}-{digits[6:]}").iso if digits else ""
    except ValueError:
        return ""


# -- of whom it is -----------------------------------------------------------------------------


def differences(
    person: dict[str, str],
    *,
    family_name: str,
    given_names: str,
    birth_date: PartialDate | None,
    sex: str | None,
) -> list[str]:
    """What differs between who a header names and a patient: of name, birth_date, sex. What either
    of them does not say does not differ."""
    found = []
    if not _same_name(person.get(NAME, ""), family_name, given_names):
        found.append(NAME)
    born = person.get(BIRTH_DATE, "")
    if born and birth_date and not born.startswith(birth_date.iso):
        found.append(BIRTH_DATE)
    if person.get(SEX) and sex in _SEXES.values() and person[SEX] != sex:
        found.append(SEX)
    return found


def names_somebody(person: dict[str, str]) -> bool:
    """Does a header say whose image it is?"""
    return bool(_words(person.get(NAME, "")) or person.get(BIRTH_DATE))


def _words(name: str) -> set[str]:
    """The single names of a header, in any of its scripts (`^` and `=` part them), as compared."""
    # family^given^middle^prefix^suffix (PS3.5 6.2): a title is no name.
    parts = [part for script in name.split("=") for part in script.split("^")[:3]]
    found = {_folded(word) for word in rules.words(" ".join(parts))}
    return set() if found & _NOBODY or not found else found


def _folded(word: str) -> str:
    """`Müller`, `Mueller` and `Muller` are the same to a machine that has no umlauts."""
    for two, one in (("ae", "a"), ("oe", "o"), ("ue", "u")):
        word = word.replace(two, one)
    return word


def _same_name(name: str, family_name: str, given_names: str) -> bool:
    said = _words(name)
    if not said:
        return True
    family = {_folded(word) for word in rules.words(family_name)}
    given = {_folded(word) for word in rules.words(given_names)}
    together = _folded(rules.plain(family_name))
    spread = _folded(rules.plain(name.split("=")[0]))
    telling = {word for word in family if len(word) > 3} or family
    if family and not (said & telling or (together and together in spread)):
        return False
    others = said - family - {together}
    if not given or not others:
        return True
    initials = {word[0] for word in given}
    return bool(others & given) or any(len(word) == 1 and word in initials for word in others)


def as_json(header: Header) -> dict[str, Any]:
    """A header to be kept until it is decided about."""
    return {**header.about(), "study": header.study, **header.person()}
