"""Files that come in piece by piece, so that a broken line costs a piece and not the file.

Each piece is sealed as it comes. When all have come, the worker puts them together, looks at what
the file is, compares whom a DICOM image names, has it scanned, and keeps it as a document; or says
why not. What is broken off is removed by the sweep.
"""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid5

import sqlalchemy as sa
from flask_babel import gettext as _

from registry import audit, codes, jobs, storage, viruses
from registry.access import Seat, Viewer
from registry.db import db, new_id, now
from registry.errors import Conflict, Forbidden, Invalid, NotFound
from registry.patients import queries as patients
from registry.patients.documents import content, dicom, rules
from registry.patients.models import ArrivingFile, Document, Patient
from registry.people import queries as people
from registry.people.models import Person

log = logging.getLogger("netreg.documents")

ARRIVING, WAITING, DIFFERS, REFUSED = "arriving", "waiting", "differs", "refused"
#: The largest piece, in bytes: on a slow line it is there in seconds, on a fast one few are needed.
PIECE = 1 << 20
#: How many files somebody may have under way.
MOST_AT_ONCE = 20
#: Nothing came for so long: it was given up.
GIVEN_UP = timedelta(hours=24)
#: What waits for a decision, or says why it was refused, is kept so long.
UNDECIDED = timedelta(days=7)
_FOLDER = "pieces"


# -- piece by piece ----------------------------------------------------------------------------


def begin(
    patient: Patient,
    *,
    by: Viewer,
    name: str,
    size: int,
    kind: str = "",
    referral_id: UUID | None = None,
    entry: tuple[str, UUID] | None = None,
) -> ArrivingFile:
    """Say that a file will come, about a patient whom the caller has fetched for the viewer.

    `kind` is of `document_kind`, or empty: then what the file is decides. Raises Invalid for one
    that is too large, and for too many at once.
    """
    if size > rules.LARGEST:
        raise Invalid(_("This file is larger than 40 MB."), field="file")
    if size <= 0:
        raise Invalid(_("This file is empty."), field="file")
    if kind and (kind not in codes.codes("document_kind") or kind in rules.WRITTEN_HERE):
        raise Invalid(_("Choose what it is."), field="kind")
    if _under_way(by) >= MOST_AT_ONCE:
        raise Invalid(_("Too many files are on their way. Wait until some have come."))
    made = ArrivingFile(
        id=new_id(),
        patient_id=patient.id,
        organisation_id=by.organisation_id,
        person_id=by.person_id,
        referral_id=referral_id,
        entry_kind=entry[0] if entry else None,
        entry_id=entry[1] if entry else None,
        kind=kind,
        size=size,
    )
    made.hide("name", rules.clean_name(name))
    db.session.add(made)
    db.session.flush()
    return made


def _under_way(by: Viewer) -> int:
    query = sa.select(sa.func.count()).where(
        ArrivingFile.person_id == by.person_id,
        ArrivingFile.state.in_((ARRIVING, WAITING, DIFFERS)),
    )
    return db.session.scalar(query) or 0


def found(viewer: Viewer, arriving_id: UUID | None, *, to_read: bool = False) -> ArrivingFile:
    """A file under way that somebody of the viewer's organisation sends, held until the end of the
    transaction unless it is only read. NotFound to others."""
    query = sa.select(ArrivingFile).where(
        ArrivingFile.id == arriving_id,
        ArrivingFile.organisation_id == viewer.organisation_id,
        ArrivingFile.patient_id.in_(patients.related_to(viewer)),
    )
    one = db.session.scalar(query if to_read else query.with_for_update())
    if one is None:
        raise NotFound()
    return one


def take_piece(one: ArrivingFile, *, at: int, data: bytes, by: Viewer) -> None:
    """Keep the next piece. Raises Conflict where another one is awaited (see `received`)."""
    if one.person_id != by.person_id:
        raise Forbidden()
    if one.state != ARRIVING or at != one.received or not data:
        raise Conflict(_("Another piece of this file is awaited."))
    if len(data) > PIECE or at + len(data) > one.size:
        raise Invalid(_("This is more than was announced."), field="file")
    with storage.sealing(_piece_id(one.id, at), _piece_name(one.id, at)) as out:
        out.write(data)
    one.received, one.touched_at = at + len(data), now()
    if one.received == one.size:
        _to_be_checked(one)
    db.session.flush()


def take_whole(one: ArrivingFile, lines: Any, *, by: Viewer) -> None:
    """Keep a file that came in one request, as a browser without scripts sends it."""
    while piece := lines.read(PIECE):
        take_piece(one, at=one.received, data=piece, by=by)
    if one.state == ARRIVING:
        raise Invalid(_("Not all of this file came. Send it again."), field="file")


def _to_be_checked(one: ArrivingFile) -> None:
    one.state, one.touched_at = WAITING, now()
    jobs.after_commit("documents.check", str(one.id))


def _piece_id(arriving_id: UUID, at: int) -> UUID:
    return uuid5(arriving_id, str(at))


def _piece_name(arriving_id: UUID, at: int) -> str:
    return f"{_FOLDER}/{arriving_id.hex}/{at:010d}"


def remove(one: ArrivingFile) -> None:
    """Let a file under way go, with all that came of it."""
    arriving_id = one.id
    db.session.delete(one)
    db.session.flush()
    _clear_pieces(arriving_id)


def _clear_pieces(arriving_id: UUID) -> None:
    storage.sealed_store().clear(f"{_FOLDER}/{arriving_id.hex}")


def accept(one: ArrivingFile, *, because: str, by: Viewer) -> None:
    """Say that an image is of the patient although its header names somebody else. The reason is
    kept with it, and audited. Raises Invalid without one."""
    if one.state != DIFFERS:
        raise Conflict(_("This was decided meanwhile."))
    if len(because.strip()) < 3:
        raise Invalid(_("Say how you know that it is the same patient."), field="because")
    one.accepted_because, one.accepted_by = because.strip()[:500], by.person_id
    _to_be_checked(one)
    audit.record(
        "kept an image that names somebody else",
        by=by,
        subject=("document", one.id),
        patient_id=one.patient_id,
        changes={"differs": [None, list(one.differs or [])]},
    )
    db.session.flush()


def link(ids: Iterable[UUID], *, to: tuple[str, UUID], referral_id: UUID, by: Viewer) -> None:
    """Have files that came, or are still on their way, belong to a message or an answer."""
    wanted = list(ids)
    for model, mine in (
        (ArrivingFile, ArrivingFile.person_id == by.person_id),
        (Document, Document.added_by == by.person_id),
    ):
        db.session.execute(
            sa.update(model)
            .where(
                model.id.in_(wanted), mine, model.referral_id == referral_id,
                model.entry_id.is_(None),
            )
            .values(entry_kind=to[0], entry_id=to[1])
        )  # fmt: skip


# -- looking at what came ----------------------------------------------------------------------


def check(arriving_id: UUID) -> None:
    """Put a file together, look at it, and keep it, refuse it, or ask. Does nothing where that was
    done. No transaction is open while the file is looked at: nobody waits for it."""
    one = db.session.get(ArrivingFile, arriving_id)
    if one is None or one.state != WAITING:
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
            for block in storage.unsealed(_piece_id(arriving_id, at), _piece_name(arriving_id, at)):
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
    if one is not None and one.state == WAITING:
        one.state, one.message, one.touched_at = REFUSED, str(message), now()
        db.session.commit()
    db.session.rollback()
    _clear_pieces(arriving_id)


def _ask(arriving_id: UUID, header: dicom.Header | None, differs: list[str]) -> None:
    one = db.session.get(ArrivingFile, arriving_id)
    if one is not None and one.state == WAITING and header is not None:
        one.state, one.differs, one.touched_at = DIFFERS, differs, now()
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
    if one is None or one.state != WAITING:  # it was taken back meanwhile
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
    _clear_pieces(arriving_id)


def _sender(one: ArrivingFile) -> Viewer:
    """Who sent it, from where: in their name the document is added."""
    person = db.session.get(Person, one.person_id) if one.person_id else None
    place = people.organisation_by_id(one.organisation_id)
    seat = Seat(place.id, place.name, place.code, place.kind, place.time_zone, frozenset())
    return Viewer(person_id=one.person_id, name=person.name if person else "", seat=seat)


def forget(*, patient_id: UUID | None = None, referral_id: UUID | None = None) -> None:
    """Remove every file of a patient nobody needs to know, or of a draft that was thrown away,
    whether kept or under way. The files go when the change is on disk."""
    for model in (ArrivingFile, Document):
        of_whom = model.patient_id == patient_id if patient_id else model.referral_id == referral_id
        ids = db.session.scalars(sa.select(model.id).where(of_whom)).all()
        db.session.execute(sa.delete(model).where(model.id.in_(ids)))
        for one in ids:
            storage.remove_when_done(one)
            storage.remove_when_done(one, f"{_FOLDER}/{one.hex}")


# -- clearing up -------------------------------------------------------------------------------


def waiting() -> Sequence[UUID]:
    """Files that wait to be looked at."""
    query = sa.select(ArrivingFile.id).where(ArrivingFile.state == WAITING)
    ids = db.session.scalars(query.order_by(ArrivingFile.touched_at).limit(100)).all()
    db.session.rollback()
    return ids


def clear_up() -> int:
    """Remove what was given up, and what nobody decided about, with every piece. Returns how many
    files."""
    moment = now()
    stale = sa.or_(
        sa.and_(ArrivingFile.state == ARRIVING, ArrivingFile.touched_at < moment - GIVEN_UP),
        sa.and_(
            ArrivingFile.state.in_((DIFFERS, REFUSED)),
            ArrivingFile.touched_at < moment - UNDECIDED,
        ),
    )
    gone = db.session.scalars(sa.select(ArrivingFile).where(stale).limit(200)).all()
    ids = [one.id for one in gone]
    for one in gone:
        db.session.delete(one)
    db.session.commit()
    for arriving_id in ids:
        _clear_pieces(arriving_id)
    return len(ids)


def clear_orphans() -> int:
    """Remove files and pieces that no row knows of and that are older than a day: what a process
    left that was killed between the file and its row. Returns how many."""
    before = now() - GIVEN_UP
    store, count = storage.sealed_store(), 0
    folders: dict[str, bool] = {}
    for name, written in store.names(_FOLDER):
        folder = name.split("/")[1]
        folders[folder] = folders.get(folder, True) and written < before
    old = [UUID(hex=one) for one, is_old in folders.items() if is_old and len(one) == 32]
    for one in set(old) - _known(old):
        _clear_pieces(one)
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
