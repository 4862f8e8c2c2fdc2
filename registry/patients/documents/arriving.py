"""Files that come in piece by piece, so that a broken line costs a piece and not the file.

Each piece is sealed as it comes. When all have come, the worker puts them together, looks at what
the file is, compares whom a DICOM image names, has it scanned, and keeps it as a document; or says
why not. What is broken off is removed by the sweep.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid5

import sqlalchemy as sa

from registry import audit, codes, jobs, storage
from registry.access import Viewer
from registry.db import db, new_id, now
from registry.errors import Conflict, Invalid, NotFound
from registry.language import gettext as _
from registry.patients import queries as patients
from registry.patients.documents import rules
from registry.patients.models import ArrivingFile, Document, Patient

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
FOLDER = "pieces"


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


def take_piece(one: ArrivingFile, *, at: int, data: bytes) -> None:
    """Keep the next piece. Raises Conflict where another one is awaited (see `received`)."""
    if one.state != ARRIVING or at != one.received or not data:
        raise Conflict(_("Another piece of this file is awaited."))
    if len(data) > PIECE or at + len(data) > one.size:
        raise Invalid(_("This is more than was announced."), field="file")
    with storage.sealing(piece_id(one.id, at), piece_name(one.id, at)) as out:
        out.write(data)
    one.received, one.touched_at = at + len(data), now()
    if one.received == one.size:
        _to_be_checked(one)
    db.session.flush()


def take_whole(one: ArrivingFile, lines: Any) -> None:
    """Keep a file that came in one request, as a browser without scripts sends it."""
    while piece := lines.read(PIECE):
        take_piece(one, at=one.received, data=piece)
    if one.state == ARRIVING:
        raise Invalid(_("Not all of this file came. Send it again."), field="file")


def _to_be_checked(one: ArrivingFile) -> None:
    one.state, one.touched_at = WAITING, now()
    jobs.after_commit("documents.check", str(one.id))


def piece_id(arriving_id: UUID, at: int) -> UUID:
    """What the piece that begins there is sealed as."""
    return uuid5(arriving_id, str(at))


def piece_name(arriving_id: UUID, at: int) -> str:
    """Where the piece that begins there lies."""
    return f"{FOLDER}/{arriving_id.hex}/{at:010d}"


def remove(one: ArrivingFile) -> None:
    """Let a file under way go, with all that came of it."""
    arriving_id = one.id
    db.session.delete(one)
    db.session.flush()
    clear_pieces(arriving_id)


def clear_pieces(arriving_id: UUID) -> None:
    """Remove every piece of a file."""
    storage.sealed_store().clear(f"{FOLDER}/{arriving_id.hex}")


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


def forget(*, patient_id: UUID | None = None, referral_id: UUID | None = None) -> None:
    """Remove every file of a patient nobody needs to know, or of a draft that was thrown away,
    whether kept or under way. The files go when the change is on disk."""
    for model in (ArrivingFile, Document):
        of_whom = model.patient_id == patient_id if patient_id else model.referral_id == referral_id
        ids = db.session.scalars(sa.select(model.id).where(of_whom)).all()
        db.session.execute(sa.delete(model).where(model.id.in_(ids)))
        for one in ids:
            storage.remove_when_done(one)
            storage.remove_when_done(one, f"{FOLDER}/{one.hex}")
