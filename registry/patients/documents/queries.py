"""Reading documents: fetching one is the permission check."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from registry import storage, viruses
from registry.access import Right, Viewer
from registry.dates import PartialDate
from registry.db import db
from registry.errors import Forbidden, Invalid, NotFound
from registry.language import gettext as _
from registry.patients import queries as patients
from registry.patients import rules as relations
from registry.patients.documents import dicom, rules
from registry.patients.models import ArrivingFile, Document, Patient
from registry.people import queries as people

#: More files of one referral than these are read in the patient's record.
MOST_SHOWN = 200


@dataclass(frozen=True)
class DocumentRow:
    """A document as it is listed, its name opened."""

    id: UUID
    version: int
    name: str
    kind: str
    type: rules.FileType
    size: int
    dated: PartialDate | None
    entry_kind: str
    entry_id: UUID | None
    added_at: datetime
    added_by: str
    place: str
    is_active: bool  # a PDF that holds scripts or files of its own
    virus_scan: str
    modality: str  # of a DICOM image, with the day of its study
    study_date: PartialDate | None
    differs: tuple[str, ...]  # what of the person its header names is not the patient's
    accepted_because: str
    accepted_by: str
    may_change: bool
    error_at: datetime | None
    error_by: str
    error_because: str

    @property
    def size_text(self) -> str:
        """The size, to read."""
        return " ".join(rules.size_text(self.size))


def of_patient(viewer: Viewer, patient: Patient, kinds: frozenset[str]) -> list[DocumentRow]:
    """Every document of a patient who was fetched for the viewer, whose care relations are
    `kinds`: the newest first, those entered in error at the end."""
    found = db.session.scalars(_of_patient(), {"patient": patient.id}).all()
    return _rows(viewer, list(found), kinds)


@cache
def _of_patient() -> sa.Select[Any]:
    """Asked for every chart, so it is put together once."""
    return (
        sa.select(Document)
        .where(Document.patient_id == sa.bindparam("patient"))
        .order_by(Document.error_at.is_not(None), Document.added_at.desc(), Document.id.desc())
    )


def _rows(viewer: Viewer, found: list[Document], kinds: frozenset[str]) -> list[DocumentRow]:
    names = people.person_names(
        who for one in found for who in (one.added_by, one.error_by, one.accepted_by)
    )
    places = people.organisation_names(one.organisation_id for one in found)
    return [
        DocumentRow(
            id=one.id,
            version=one.version,
            name=one.reveal(),
            kind=one.kind,
            type=rules.TYPES[one.media_type],
            size=one.size,
            dated=one.dated,
            entry_kind=one.entry_kind or "",
            entry_id=one.entry_id,
            added_at=one.added_at,
            added_by=names.get(one.added_by, "") if one.added_by else "",
            place=places.get(one.organisation_id, "") if one.organisation_id else "",
            is_active=one.scan == rules.ACTIVE,
            virus_scan=one.virus_scan,
            modality=(one.about or {}).get("modality", ""),
            study_date=_date((one.about or {}).get("study_date", "")),
            differs=tuple((one.about or {}).get("differs", ())),
            accepted_because=one.accepted_because or "",
            accepted_by=names.get(one.accepted_by, "") if one.accepted_by else "",
            may_change=_may_change(viewer, kinds, one),
            error_at=one.error_at,
            error_by=names.get(one.error_by, "") if one.error_by else "",
            error_because=one.error_because or "",
        )
        for one in found
    ]


def of_referral(
    viewer: Viewer, referral_id: UUID, patient_id: UUID, kinds: frozenset[str]
) -> list[DocumentRow]:
    """The documents that were sent with a referral the caller has fetched for the viewer, the
    oldest first; without those entered in error."""
    found = db.session.scalars(
        sa.select(Document)
        .where(
            Document.referral_id == referral_id,
            Document.patient_id == patient_id,
            Document.error_at.is_(None),
        )
        .order_by(Document.added_at, Document.id)
        .limit(MOST_SHOWN)
    ).all()
    return _rows(viewer, list(found), kinds)


@dataclass(frozen=True)
class ArrivingRow:
    """A file under way, or one that waits for a decision, its name opened."""

    id: UUID
    name: str
    size: int
    received: int
    state: str
    message: str
    is_own: bool
    differs: tuple[tuple[str, Any, Any], ...]  # what, in the file, of the patient

    @property
    def size_text(self) -> str:
        """The size, to read."""
        return " ".join(rules.size_text(self.size))


def arriving(viewer: Viewer, referral_id: UUID, patient: Patient) -> list[ArrivingRow]:
    """What is under way to a referral from the viewer's own organisation, the oldest first."""
    found = db.session.scalars(
        sa.select(ArrivingFile)
        .where(
            ArrivingFile.referral_id == referral_id,
            ArrivingFile.patient_id == patient.id,
            ArrivingFile.organisation_id == viewer.organisation_id,
        )
        .order_by(ArrivingFile.started_at, ArrivingFile.id)
        .limit(MOST_SHOWN)
    ).all()
    return [
        ArrivingRow(
            id=one.id,
            name=one.reveal("name"),
            size=one.size,
            received=one.received,
            state=one.state,
            message=one.message,
            is_own=one.person_id == viewer.person_id,
            differs=_compared(one, patient),
        )
        for one in found
    ]


def _date(text: str) -> PartialDate | None:
    return PartialDate(text) if text else None


def _compared(one: ArrivingFile, patient: Patient) -> tuple[tuple[str, Any, Any], ...]:
    """What differs: what it is, what the file says, what is known of the patient."""
    if one.state != "differs":
        return ()
    said = json.loads(one.reveal("header") or "{}")
    said[dicom.BIRTH_DATE] = _date(said.get(dicom.BIRTH_DATE, ""))
    known = {
        dicom.NAME: patient.full_name,
        dicom.BIRTH_DATE: patient.birth_date,
        dicom.SEX: patient.sex_at_birth or "",
    }
    return tuple((what, said.get(what, ""), known[what]) for what in one.differs or ())


def row(viewer: Viewer, found: Document) -> DocumentRow:
    """One document that was fetched for the viewer, as it is shown."""
    return _rows(viewer, [found], patients.relation(viewer, found.patient_id))[0]


def document(viewer: Viewer, document_id: UUID | None) -> Document:
    """A document to read. Raises NotFound to a stranger."""
    if document_id is None or not viewer.may(Right.READ_RECORD):
        raise NotFound()
    found = db.session.scalar(
        sa.select(Document).where(
            Document.id == document_id, Document.patient_id.in_(patients.related_to(viewer))
        )
    )
    if found is None:
        raise NotFound()
    return found


def _may_change(viewer: Viewer, kinds: frozenset[str], found: Document) -> bool:
    """The centre that treats the patient may mark every document, a hospital its own."""
    if not patients.may_write(viewer, kinds):
        return False
    return relations.TREATING in kinds or found.organisation_id == viewer.organisation_id


def document_to_change(viewer: Viewer, document_id: UUID | None) -> Document:
    """A document the viewer may mark. NotFound to a stranger, Forbidden to a reader."""
    found = document(viewer, document_id)
    if not _may_change(viewer, patients.relation(viewer, found.patient_id), found):
        raise Forbidden()
    return found


def already_kept(viewer: Viewer, patient: Patient, document_id: UUID) -> bool:
    """Was a document of this id kept before, by the same page sent twice?"""
    found = db.session.get(Document, document_id)
    return found is not None and found.patient_id == patient.id


def pieces(found: Document) -> Iterator[bytes]:
    """The file, decrypted piece by piece. Raises NotFound where the file itself is gone, Invalid
    where the virus scanner found something in it."""
    if found.virus_scan == viruses.INFECTED:
        raise Invalid(_("The virus scanner found something in this file. It is not handed out."))
    try:
        return storage.unsealed(found.id)
    except FileNotFoundError as error:
        raise NotFound() from error
