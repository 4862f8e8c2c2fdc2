"""DICOM key images: what is kept, and whom the header names."""

from __future__ import annotations

import pytest

from registry.dates import PartialDate
from registry.errors import Invalid
from registry.patients.documents import content, dicom
from tests import make_documents as files

ANNA = {
    "family_name": "Zonneveld",
    "given_names": "Anna Maria",
    "birth_date": PartialDate("1961-03-27"),
    "sex": "female",
}


def test_the_header_of_an_image_is_read():
    found = content.recognise(files.dicom(), "IM0001")
    assert found.type.media_type == "application/dicom"
    assert found.header is not None
    assert found.header.about() == {"modality": "PT", "study_date": "2026-01-12"}
    assert found.header.person() == {
        "name": "Zonneveld^Anna Maria", "birth_date": "1961-03-27", "sex": "female",
    }  # fmt: skip


# PS3.5 6.2: family^given^middle^prefix^suffix, `=` between the scripts.
@pytest.mark.parametrize(
    ("family", "given", "header"),
    [
        ("Zonneveld", "Anna Maria", "ZONNEVELD^ANNA"),
        ("Zonneveld", "Anna Maria", "Zonneveld^A"),
        ("Zonneveld", "Anna Maria", "Zonneveld^^^Mrs"),
        ("Zonneveld", "Anna Maria", "Anna Zonneveld"),
        ("Zonneveld", "Anna Maria", "Zonneveld-Bakker^Anna"),
        ("de Vries", "Jan", "Vries^Jan"),
        ("Müller", "Jörg", "MUELLER^JOERG"),
        ("Müller", "Jörg", "Muller^Jorg"),
        ("Núñez", "José", "NUNEZ^JOSE"),
        ("O'Brien", "Mary", "OBRIEN^MARY"),
        ("Yamada", "Taro", "Yamada^Tarou=山田^太郎=やまだ^たろう"),
        ("Zonneveld", "Anna", ""),
        ("Zonneveld", "Anna", "ANONYMOUS^PATIENT"),
    ],
)
def test_names_that_agree(family, given, header):
    who = {**ANNA, "family_name": family, "given_names": given}
    if header.startswith("Yamada"):
        who["given_names"] = "Tarou"
    assert dicom.differences({"name": header}, **who) == []


@pytest.mark.parametrize(
    ("person", "differs"),
    [
        ({"name": "Bakker^Anna Maria"}, ["name"]),
        ({"name": "Zonneveld^Pieter"}, ["name"]),
        ({"name": "Zonneveld^P"}, ["name"]),
        ({"birth_date": "1961-03-28"}, ["birth_date"]),
        ({"birth_date": "1961-03-27"}, []),
        ({"sex": "male"}, ["sex"]),
        ({"name": "X^Y", "birth_date": "1960-01-01", "sex": "male"}, ["name", "birth_date", "sex"]),
        ({}, []),
    ],
)
def test_what_differs(person, differs):
    assert dicom.differences(person, **ANNA) == differs


def test_a_birth_date_known_as_a_year_is_compared_as_a_year():
    known = {**ANNA, "birth_date": PartialDate("1961")}
    assert dicom.differences({"birth_date": "1961-03-27"}, **known) == []
    assert dicom.differences({"birth_date": "1962-03-27"}, **known) == ["birth_date"]


def deflated() -> bytes:
    """An image that says it is packed as a whole (PS3.5 A.5)."""
    data = files.dicom()
    plain = b"\x02\x00\x10\x00UI\x14\x001.2.840.10008.1.2.1\x00"
    packed = b"\x02\x00\x10\x00UI\x16\x001.2.840.10008.1.2.1.99"
    assert plain in data
    return data.replace(plain, packed)


REFUSED = {
    "program in front": (b"MZ" + bytes(126) + files.dicom()[128:], "more in this file"),
    "packed as a whole": (deflated(), "compressed as a whole"),
    "index of a CD": (files.dicom(SOPClassUID="1.2.840.10008.1.3.10"), "index of a CD"),
    "a PDF in it": (files.dicom(SOPClassUID="1.2.840.10008.5.1.4.1.1.104.1"), "Send the PDF"),
    "nothing but a beginning": (files.dicom()[:132], "no image"),
    "half a header": (files.dicom()[:200], "DICOM file"),
}


@pytest.mark.parametrize(("data", "why"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_image_is_refused(data, why):
    with pytest.raises(Invalid, match=why):
        content.recognise(data, "IM1.dcm")


def test_a_picture_that_is_named_dicom_is_refused():
    with pytest.raises(Invalid, match=r"ends with \.dcm"):
        content.recognise(files.picture(), "IM1.dcm")
