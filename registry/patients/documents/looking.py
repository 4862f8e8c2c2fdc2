"""What the worker does with files that came: it puts them together, looks at what each is, compares
whom a DICOM image names, has it scanned, and keeps it, refuses it or asks. And it clears up.

No transaction is open while a file is looked at: nobody waits for it.
"""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from registry import audit, storage, viruses
from registry.access import Seat, Viewer
from registry.db import db, now
from registry.errors import Invalid
from registry.language import gettext as _
from registry.patients.documents import arriving, content, dicom, rules
from registry.patients.models import ArrivingFile, Document, Patient
from registry.people import queries as people
from registry.people.models import Person

log = logging.getLogger("netreg.documents")


def check(arriving_id: UUID) -> None:
    """Put a file together, look at it, and keep it, refuse it, or ask. Does nothing where that was
    done. No transaction is open while the file is looked at: nobody waits for it."""
    one = db.session.get(ArrivingFile, arriving_id)
    if one is None or one.state != arriving.WAITING:
        db.session.rollback()
        return
    name, size, kind = one.reveal("name"), one.size, one.kind
    accepted = one.accepted_because is not None
    person = _person(one.patient_id)
    db.session.rollback()
    try:
        known = _put_together(arriving_id, size)
        with io.BufferedReader(storage.SealedReader(arriving_id), 1 << 18) as lines:
            what = content.recognise(lines, name)
        differs = _differs(what.header, person)
        virus = viruses.scan(storage.unsealed(arriving_id))
        if virus == viruses.INFECTED:
            raise Invalid(_("The virus scanner found something in this file. It was not kept."))
    except Invalid as refused:
        _refuse(arriving_id, refused.message)
        return
    if differs and not accepted:
        storage.remove(arriving_id)
        _ask(arriving_id, what.header, differs)
        return
    _keep(arriving_id, what, kind or _kind_of(what), differs, virus, known)


def _person(patient_id: UUID) -> dict[str, Any]:
    patient = db.session.get_one(Patient, patient_id)
    return {
        "family_name": patient.reveal("family_name"),
        "given_names": patient.reveal("given_names"),
        "birth_date": patient.birth_date,
        "sex": patient.sex_at_birth,
    }


def _put_together(arriving_id: UUID, size: int) -> storage.SealedWriter:
    with storage.sealing(arriving_id) as out:
        for piece in _pieces(arriving_id, size):
            out.write(piece)
    return out


def _pieces(arriving_id: UUID, size: int) -> Iterator[bytes]:
    at = 0
    while at < size:
        start = at
        try:
            for block in storage.unsealed(
                arriving.piece_id(arriving_id, at), arriving.piece_name(arriving_id, at)
            ):
                at += len(block)
                yield block
        except FileNotFoundError as gone:
            raise Invalid(_("Not all of this file came. Send it again.")) from gone
        if at == start:
            raise Invalid(_("Not all of this file came. Send it again."))


def _differs(header: dicom.Header | None, person: dict[str, Any]) -> list[str]:
    return dicom.differences(header.person(), **person) if header else []


def _kind_of(what: content.Content) -> str:
    is_image = what.header is not None or what.type.is_picture or what.type is rules.TIFF
    return "key_image" if is_image else "other"


def _refuse(arriving_id: UUID, message: str) -> None:
    storage.remove(arriving_id)
    one = db.session.get(ArrivingFile, arriving_id)
    if one is not None and one.state == arriving.WAITING:
        one.state, one.message, one.touched_at = arriving.REFUSED, str(message), now()
        db.session.commit()
    db.session.rollback()
    arriving.clear_pieces(arriving_id)


def _ask(arriving_id: UUID, header: dicom.Header | None, differs: list[str]) -> None:
    one = db.session.get(ArrivingFile, arriving_id)
    if one is not None and one.state == arriving.WAITING and header is not None:
        one.state, one.differs, one.touched_at = arriving.DIFFERS, differs, now()
        one.hide("header", json.dumps(dicom.as_json(header)))
        db.session.commit()
    db.session.rollback()


def _keep(
    arriving_id: UUID,
    what: content.Content,
    kind: str,
    differs: list[str],
    virus: str,
    known: storage.SealedWriter,
) -> None:
    """Make the document, in one short transaction."""
    one = db.session.get(ArrivingFile, arriving_id)
    if one is None or one.state != arriving.WAITING:  # it was taken back meanwhile
        db.session.rollback()
        if db.session.get(Document, arriving_id) is None:
            storage.remove(arriving_id)
        db.session.rollback()
        return
    about = {**what.header.about(), "differs": differs} if what.header else None
    made = Document(
        id=arriving_id,
        patient_id=one.patient_id,
        organisation_id=one.organisation_id,
        referral_id=one.referral_id,
        entry_kind=one.entry_kind,
        entry_id=one.entry_id,
        kind=kind,
        media_type=what.type.media_type,
        size=one.size,
        sha256=known.sha256,
        key_id=known.key_id,
        scan=rules.ACTIVE if what.is_active else rules.NOT_SCANNED,
        virus_scan=virus,
        about=about,
        accepted_because=one.accepted_because,
        accepted_by=one.accepted_by,
        added_by=one.person_id,
    )
    made.hide(one.reveal("name") or str(what.type.label))
    db.session.add(made)
    by = _sender(one)
    db.session.delete(one)
    db.session.flush()
    audit.record(
        "added document",
        by=by,
        subject=("document", made.id),
        patient_id=made.patient_id,
        changes={"kind": [None, kind], "sha256": [None, made.sha256]},
    )
    db.session.commit()
    arriving.clear_pieces(arriving_id)


def _sender(one: ArrivingFile) -> Viewer:
    """Who sent it, from where: in their name the document is added."""
    person = db.session.get(Person, one.person_id) if one.person_id else None
    place = people.organisation_by_id(one.organisation_id)
    seat = Seat(place.id, place.name, place.code, place.kind, place.time_zone, frozenset())
    return Viewer(person_id=one.person_id, name=person.name if person else "", seat=seat)


# -- clearing up -------------------------------------------------------------------------------


def waiting() -> Sequence[UUID]:
    """Files that wait to be looked at."""
    query = sa.select(ArrivingFile.id).where(ArrivingFile.state == arriving.WAITING)
    ids = db.session.scalars(query.order_by(ArrivingFile.touched_at).limit(100)).all()
    db.session.rollback()
    return ids


def clear_up() -> int:
    """Remove what was given up, and what nobody decided about, with every piece. Returns how many
    files."""
    moment = now()
    stale = sa.or_(
        sa.and_(
            ArrivingFile.state == arriving.ARRIVING,
            ArrivingFile.touched_at < moment - arriving.GIVEN_UP,
        ),
        sa.and_(
            ArrivingFile.state.in_((arriving.DIFFERS, arriving.REFUSED)),
            ArrivingFile.touched_at < moment - arriving.UNDECIDED,
        ),
    )
    gone = db.session.scalars(sa.select(ArrivingFile).where(stale).limit(200)).all()
    ids = [one.id for one in gone]
    for one in gone:
        db.session.delete(one)
    db.session.commit()
    for arriving_id in ids:
        arriving.clear_pieces(arriving_id)
    return len(ids)


def clear_orphans() -> int:
    """Remove files and pieces that no row knows of and that are older than a day: what a process
    left that was killed between the file and its row. Returns how many."""
    before = now() - arriving.GIVEN_UP
    store, count = storage.sealed_store(), 0
    folders: dict[str, bool] = {}
    for name, written in store.names(arriving.FOLDER):
        folder = name.split("/")[1]
        folders[folder] = folders.get(folder, True) and written < before
    old = [UUID(hex=one) for one, is_old in folders.items() if is_old and len(one) == 32]
    for one in set(old) - _known(old):
        arriving.clear_pieces(one)
        count += 1
    return count + storage.forgotten(before, _known)


def _known(ids: Sequence[UUID]) -> set[UUID]:
    """Those of these ids that a document or a file under way has."""
    held: set[UUID] = set()
    for at in range(0, len(ids), 500):
        some = list(ids[at : at + 500])
        for model in (Document, ArrivingFile):
            held |= set(db.session.scalars(sa.select(model.id).where(model.id.in_(some))))
    db.session.rollback()
    return held


def scan_again(limit: int = 20) -> int:
    """Ask the virus scanner about documents it has not seen. Returns how many it has seen now."""
    if not viruses.is_configured():
        return 0
    query = sa.select(Document.id).where(Document.virus_scan == viruses.NOT_SCANNED)
    ids = db.session.scalars(query.order_by(Document.added_at, Document.id).limit(limit)).all()
    db.session.rollback()
    seen = 0
    for document_id in ids:
        try:
            verdict = viruses.scan(storage.unsealed(document_id))
        except FileNotFoundError:
            continue
        if verdict == viruses.NOT_SCANNED:
            break  # the scanner is away: the others would wait for it too
        db.session.execute(
            sa.update(Document).where(Document.id == document_id).values(virus_scan=verdict)
        )
        db.session.commit()
        seen += 1
    return seen
