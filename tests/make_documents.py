"""Builders of files: real ones of each kind that is kept, and what is to be refused."""

from __future__ import annotations

import io
import zipfile
import zlib
from typing import Any

import pikepdf
from PIL import Image

from registry.access import Viewer
from registry.patients.documents import actions
from registry.patients.models import Document, Patient

WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
_TYPES = """<?xml version="1.0" encoding="UTF-8"?>
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">
<Override PartName="/word/document.xml" ContentType="{word}"/>{more}</Types>"""
_LINKS = """<?xml version="1.0" encoding="UTF-8"?>
<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">
{links}</Relationships>"""


def pdf(pages: int = 1, **more: Any) -> bytes:
    """A PDF; `script` is run by readers that run scripts, `password` locks it."""
    out = io.BytesIO()
    with pikepdf.new() as made:
        for _number in range(pages):
            made.add_blank_page()
        if script := more.get("script"):
            made.Root.OpenAction = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS=script)
        password = more.get("password")
        lock = pikepdf.Encryption(owner=password, user=password) if password else None
        made.save(out, encryption=lock or False)
    return out.getvalue()


def pdf_bomb(unpacked: int = 1 << 29) -> bytes:
    """A small PDF whose list of objects unpacks to so many bytes."""
    packer = zlib.compressobj(1)
    body = b"".join(packer.compress(b" " * (1 << 20)) for _ in range(unpacked >> 20))
    body += packer.flush()
    about = b"3 0 obj<</Type/ObjStm/N 1/First 6/Filter/FlateDecode/Length %d>>stream\n" % len(body)
    made, at = b"%PDF-1.7\n", {}
    for number, text in (
        (1, b"1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"),
        (3, about + body + b"\nendstream endobj\n"),
    ):
        at[number] = len(made)
        made += text
    table = b"".join(
        kind.to_bytes(1, "big") + place.to_bytes(4, "big") + b"\x00\x00"
        for kind, place in ((0, 0), (1, at[1]), (2, 3), (1, at[3]), (1, len(made)))
    )
    end = b"4 0 obj<</Type/XRef/Size 5/W[1 4 2]/Root 1 0 R/Length %d>>stream\n" % len(table)
    start = b"\nendstream endobj\nstartxref\n%d\n%%%%EOF\n" % len(made)
    return made + end + table + start


def picture(kind: str = "PNG", size: tuple[int, int] = (40, 30), colour: str = "teal") -> bytes:
    """A PNG or JPEG."""
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, kind)
    return out.getvalue()


def docx(
    *, word: str = WORD, more: str = "", links: str = "", parts: dict[str, bytes] | None = None
) -> bytes:
    """A Word document; `links` are relationships of the document, `parts` further files in it."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("[Content_Types].xml", _TYPES.format(word=word, more=more))
        made.writestr("word/document.xml", "<w:document/>")
        made.writestr("word/_rels/document.xml.rels", _LINKS.format(links=links))
        for name, data in (parts or {}).items():
            made.writestr(name, data)
    return out.getvalue()


def link(kind: str, target: str = "https://example.org/x", mode: str = "External") -> str:
    """A relationship of a Word document."""
    base = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    return f'<Relationship Id="r" Type="{base}/{kind}" Target="{target}" TargetMode="{mode}"/>'


def multipart(fields: dict[str, str], data: bytes, name: str) -> dict[str, Any]:
    """A form with a file as a browser sends it: what the test client is given."""
    edge = b"----edge-of-the-form"
    parts = [
        b'Content-Disposition: form-data; name="%s"\r\n\r\n%s' % (key.encode(), text.encode())
        for key, text in fields.items()
    ]
    about = f'Content-Disposition: form-data; name="file"; filename="{name}"'.encode()
    parts.append(about + b"\r\nContent-Type: application/octet-stream\r\n\r\n" + data)
    body = b"".join(b"--" + edge + b"\r\n" + part + b"\r\n" for part in parts)
    return {
        "data": body + b"--" + edge + b"--\r\n",
        "content_type": f"multipart/form-data; boundary={edge.decode()}",
    }


def kept(patient: Patient, by: Viewer, data: bytes | None = None, **about: Any) -> Document:
    """A document of a patient: a small picture unless said."""
    facts = {"name": "", "kind": "pathology_report", **about}
    return actions.add(patient, by=by, data=picture() if data is None else data, **facts)


def dicom(
    name: str = "Zonneveld^Anna Maria",
    birth_date: str = "19610327",
    sex: str = "F",
    *,
    modality: str = "PT",
    study_date: str = "20260112",
    pixels: int = 16,
    **more: Any,
) -> bytes:
    """A DICOM key image of so many rows and columns; `more` are further elements by keyword."""
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, generate_uid

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    out = io.BytesIO()
    made = FileDataset(out, {}, file_meta=meta, preamble=b"\x00" * 128)
    made.SOPClassUID = meta.MediaStorageSOPClassUID
    made.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    made.SpecificCharacterSet = "ISO_IR 192"
    made.PatientName, made.PatientBirthDate, made.PatientSex = name, birth_date, sex
    made.Modality, made.StudyDate = modality, study_date
    made.Rows = made.Columns = pixels
    made.SamplesPerPixel, made.PhotometricInterpretation = 1, "MONOCHROME2"
    made.BitsAllocated = made.BitsStored = 8
    made.HighBit, made.PixelRepresentation = 7, 0
    for keyword, value in more.items():
        setattr(made, keyword, value)
    made.PixelData = bytes(pixels * pixels)
    made.save_as(out, enforce_file_format=True)
    return out.getvalue()
