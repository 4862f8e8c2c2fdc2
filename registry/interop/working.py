"""What the worker does with a file that waits: check it or bring it in; and undoing imports.

What it leaves behind when it is killed is found again: files in the storage are noted before they
are begun, and an import that nobody has seen is taken back (docs/decisions/0017).
"""

from __future__ import annotations

import csv
import io
import logging
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm.exc import StaleDataError

from registry import audit, storage
from registry.access import Right, Viewer, the_house
from registry.db import db, new_id, now, snapshot
from registry.errors import Conflict
from registry.interop import claims, map_files, rules, running, sealed
from registry.interop.actions import undo, uploads
from registry.interop.mapping import MapError
from registry.interop.models import Import, ImportChange, SourceRow, Upload
from registry.interop.planning import Shape
from registry.interop.reports import Report
from registry.interop.running import Busy, Lost
from registry.interop.spool import Spool, spool_folder
from registry.interop.tables import FileError
from registry.people import actions as people
from registry.people import queries as staff
from registry.people.models import Organisation, Person

log = logging.getLogger("netreg.interop")

BEGINS = {rules.ASKED_CHECK: rules.CHECKING, rules.ASKED: rules.BRINGING}
#: The column that is added to refused rows; a file that is sent again may have it still.
WHY = map_files.WHY_REFUSED
_UNDONE = 100
_UNDO_TRIES = 3


# -- refused rows --------------------------------------------------------------------------------


class RefusedRows:
    """The rows that are not taken, as they stood, with the reason: to be corrected and sent
    again. One CSV a file; several of them in a ZIP."""

    def __init__(self, claim: claims.Claim, stack: ExitStack) -> None:
        self._claim, self._stack = claim, stack
        self._files: dict[str, tuple[UUID, Any, io.TextIOWrapper, sealed.Writer]] = {}
        self.drafts: list[UUID] = []
        self.rows = 0

    def add(
        self, part: str, columns: Sequence[str], number: int, cells: Sequence[str], why: str
    ) -> None:
        """Keep a row."""
        if part not in self._files:
            self._files[part] = self._open(columns)
        _id, writer, _text, _sealed = self._files[part]
        plain = [cell.encode("utf-8", "replace").decode() for cell in cells]
        plain += [""] * (len(_without(columns)) - len(plain))
        if WHY in columns and len(cells) == len(columns):
            del plain[list(columns).index(WHY)]
        writer.writerow([*plain, f"row {number}: {why}"])
        self.rows += 1

    def _open(self, columns: Sequence[str]) -> Any:
        file_id = new_id()
        self.note(file_id)
        out = self._stack.enter_context(storage.writing(file_id))
        writer = sealed.Writer(file_id, out)
        text = io.TextIOWrapper(
            io.BufferedWriter(writer, 1 << 16), encoding="utf-8-sig", newline=""
        )
        rows = csv.writer(text)
        rows.writerow([*_without(columns), WHY])
        return file_id, rows, text, writer

    def note(self, file_id: UUID) -> None:
        """A file is about to be begun: whoever clears up must know of it."""
        self.drafts.append(file_id)
        self._claim.tell(drafts=[str(one) for one in self.drafts])

    def finish(self) -> None:
        """Write what is held back."""
        for _id, _rows, text, writer in self._files.values():
            text.flush()
            writer.finish()
            text.detach()

    def kept(self) -> tuple[UUID | None, int]:
        """The one file to download, and its size; call it after the files are closed."""
        if not self._files:
            return None, 0
        ids = {part: found[0] for part, found in self._files.items()}
        if len(ids) == 1:
            [file_id] = ids.values()
            return file_id, sealed.Reader(file_id).size
        packed = new_id()
        self.note(packed)
        with storage.writing(packed) as out:
            writer = sealed.Writer(packed, out)
            with zipfile.ZipFile(writer, "w", zipfile.ZIP_DEFLATED) as archive:
                for part, file_id in ids.items():
                    name = f"{part or 'first'}.csv"
                    with (
                        archive.open(name, "w", force_zip64=True) as target,
                        sealed.SealedFile(file_id, name).open() as source,
                    ):
                        while block := source.read(1 << 20):
                            target.write(block)
            writer.finish()
        for file_id in ids.values():
            storage.remove(file_id)
        return packed, sealed.Reader(packed).size


def _without(columns: Sequence[str]) -> list[str]:
    return [name for name in columns if name != WHY]


# -- checking and bringing in --------------------------------------------------------------------


def work(upload_id: UUID) -> None:
    """Do what is asked for a file, unless another process is at it or it was cancelled."""
    claim = claims.Claim(Upload, upload_id, BEGINS)
    if not claim.take():
        return
    kept: list[UUID] = []
    try:
        with _began(claim) as (order, by):
            _do(claim, order, by, kept)
    except Lost:
        db.session.rollback()
        _remove(kept)
    except (MapError, FileError, Conflict) as problem:
        db.session.rollback()
        _remove(kept)
        _fail(claim, str(getattr(problem, "message", "") or problem))
    except Busy:
        db.session.rollback()
        _remove(kept)
        _wait(claim)
    except Exception as error:
        db.session.rollback()
        _remove(kept)
        log.error("upload %s failed: %s", upload_id, type(error).__name__)
        _fail(claim, "")
        raise


class _Order:
    """What is to be done, read once: nothing of it changes while the file is worked on."""

    def __init__(self, upload: Upload) -> None:
        self.id, self.state = upload.id, upload.state
        self.files = list(upload.files)
        self.toml, self.choices = upload.toml, dict(upload.choices)
        self.import_id, self.attempts = upload.import_id, upload.attempts
        self.left = [UUID(one) for one in upload.drafts]


@contextmanager
def _began(claim: claims.Claim) -> Iterator[tuple[_Order, Viewer]]:
    upload: Upload = claim.ours()
    order = _Order(upload)
    person = db.session.get_one(Person, upload.person_id)
    place = db.session.get_one(Organisation, upload.organisation_id)
    by = staff.viewer_of_person(person, place.code)
    seated = by.organisation_id == upload.organisation_id and by.may(Right.BRING_IN)
    db.session.rollback()
    if order.attempts > rules.ATTEMPTS:
        raise Conflict("The work on this file was broken off several times.")
    if not seated or person.id is None:
        raise Conflict("Who asked for this may no longer bring data in for the centre.")
    _remove(order.left)
    yield order, by


def _do(claim: claims.Claim, order: _Order, by: Viewer, kept: list[UUID]) -> None:
    def tell(phase: str, done: int, total: int) -> None:
        claim.progress(phase=phase, done=done, total=total)

    by_map = map_files.read(order.toml.encode())
    sources = {one["part"]: uploads.source_of(one) for one in order.files}
    shapes = {one["part"]: shape_of(one["shape"]) for one in order.files}
    run = running.Run(by=by, tell=tell, maker=claim.maker)
    done_already = _taken_up(order)
    with Spool(spool_folder()) as spool:
        with ExitStack() as stack:
            refused = RefusedRows(claim, stack)
            report = run.plan(by_map, sources, shapes, spool, refused.add)
            refused.finish()
        kept += refused.drafts
        bring = order.state == rules.BRINGING and (
            order.choices.get("keep_valid") or not report.refused
        )
        if bring and (spool.plans or done_already):
            take = frozenset(order.choices.get("take", ()))
            run.write(
                sources[""], report, spool, take=take, import_id=done_already,
                begun=lambda import_id: _note_import(claim, import_id),
                may_show=lambda: _no_way_back(claim),
            )  # fmt: skip
        refused_id, size = refused.kept()
        kept[:] = refused.drafts
        _finish(claim, order, by, report, refused_id, size, brought=bool(bring), kept=kept)


def shape_of(shape: dict[str, Any]) -> Shape:
    """How the kept file is read: as its page says, whatever the map says."""
    return Shape(
        encoding=shape.get("encoding") or "",
        sheet=shape.get("sheet") or "",
        delimiter=shape.get("delimiter") or "",
        comment=shape.get("comment"),
        header_row=int(shape.get("header_row") or 0),
        merged=shape.get("merged") or "",
    )


def _taken_up(order: _Order) -> UUID | None:
    """The import of an earlier try, if its new patients are in; one that nobody has seen is taken
    back."""
    if order.import_id is None:
        return None
    running.take_back(order.import_id)
    made = db.session.get(Import, order.import_id, populate_existing=True)
    found = made.id if made is not None and made.state == rules.DONE else None
    db.session.rollback()
    return found


def _note_import(claim: claims.Claim, import_id: UUID) -> None:
    upload: Upload = claim.ours()
    upload.import_id = import_id
    db.session.flush()


def _no_way_back(claim: claims.Claim) -> None:
    """From here on it cannot be cancelled: in the transaction in which all of it is shown."""
    upload: Upload = claim.ours()
    upload.phase = "showing"
    db.session.flush()


def _finish(
    claim: claims.Claim,
    order: _Order,
    by: Viewer,
    report: Report,
    refused_id: UUID | None,
    size: int,
    *,
    brought: bool,
    kept: list[UUID],
) -> None:
    said = uploads.keep_json(report.as_json())
    kept.append(said)
    upload: Upload = claim.ours()
    older = [one for one in (upload.report_file_id, upload.refused_file_id) if one is not None]
    upload.report_file_id, upload.refused_file_id, upload.refused_size = said, refused_id, size
    upload.maker = upload.heartbeat_at = None
    upload.drafts, upload.phase, upload.error = [], "", None
    upload.state = rules.BROUGHT if brought else rules.CHECKED
    if brought and upload.import_id is not None:
        _count(upload.import_id, report)
    audit.record(
        "brought a file in" if brought else "checked a file",
        by=by,
        subject=("upload", upload.id),
        changes={"rows": [None, report.read], "refused": [None, report.refused]},
    )
    people.tell([upload.person_id], "import_done" if brought else "import_checked",
                subject=("upload", upload.id))  # fmt: skip
    files = list(upload.files)
    if brought:
        upload.files = []  # it is done with: only the report and the refused rows wait
    db.session.commit()
    for file_id in older:
        storage.remove(file_id)
    if brought:
        for one in files:
            storage.remove(UUID(one["file_id"]))
            if one.get("profile"):
                storage.remove(UUID(one["profile"]))


def _count(import_id: UUID, report: Report) -> None:
    made = db.session.get_one(Import, import_id)
    taken = db.session.scalar(
        sa.select(sa.func.count(sa.distinct(ImportChange.patient_id))).where(
            ImportChange.import_id == import_id
        )
    )
    made.changed, made.refused = taken or 0, report.refused


def _fail(claim: claims.Claim, why: str) -> None:
    """Note why it could not be done; the file and its map can be changed and tried again."""
    try:
        upload: Upload = claim.ours()
    except Lost:
        db.session.rollback()
        return
    upload.state, upload.error = rules.FAILED, why[:20_000]
    upload.maker = upload.heartbeat_at = None
    upload.drafts = []
    people.tell([upload.person_id], "import_failed", subject=("upload", upload.id))
    db.session.commit()


def _wait(claim: claims.Claim) -> None:
    """Another import of the centre is being written: the sweep asks again."""
    upload: Upload = claim.ours()
    upload.state = rules.ASKED
    upload.maker = upload.heartbeat_at = None
    upload.attempts = 0
    db.session.commit()


def _remove(file_ids: Sequence[UUID]) -> None:
    for file_id in file_ids:
        storage.remove(file_id)


# -- undoing -------------------------------------------------------------------------------------


def to_undo() -> list[UUID]:
    """Imports whose undoing waits, or was left by a silent worker."""
    query = sa.select(Import.id).where(
        Import.state == rules.UNDOING,
        sa.or_(Import.heartbeat_at.is_(None), Import.heartbeat_at < now() - rules.SILENT),
    )
    with snapshot() as connection:
        return list(connection.execute(query.order_by(Import.id)).scalars())


def undo_import(import_id: UUID) -> None:
    """Undo an import, a few records a transaction; one that was broken off goes on.

    Others may write about the same patients at that moment, such as their follow-up plans: what
    the database then refuses is looked at again.
    """
    maker = new_id()
    refused = 0
    while True:
        db.session.rollback()
        try:
            if not _undo_batch(import_id, maker):
                return
            refused = 0
        except (DBAPIError, StaleDataError):
            refused += 1
            if refused == _UNDO_TRIES:
                db.session.rollback()
                raise
        db.session.expunge_all()


def _undo_batch(import_id: UUID, maker: UUID) -> bool:
    """One transaction of it; False when there is no more to do here."""
    imported = _mine(import_id, maker)
    if imported is None:
        db.session.rollback()
        return False
    undoing = undo.Undoing(imported, _undoer(imported))
    goes_on = _undo_some(undoing)
    if goes_on:
        undo.noted(undoing)
    else:
        undo.finish(undoing)
        if imported.undone_by:
            people.tell([imported.undone_by], "import_undone", subject=("import", imported.id))
    db.session.commit()
    return goes_on


def _mine(import_id: UUID, maker: UUID) -> Import | None:
    """The import to undo, with a sign of life; None where another process is at it."""
    imported = db.session.scalar(
        sa.select(Import)
        .where(Import.id == import_id, Import.state == rules.UNDOING)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if imported is None:
        return None
    alive = imported.heartbeat_at and imported.heartbeat_at > now() - rules.SILENT
    if imported.maker != maker and imported.maker is not None and alive:
        return None
    imported.maker, imported.heartbeat_at = maker, now()
    return imported


def _undoer(imported: Import) -> Viewer:
    """Who asked for it, acting at the centre."""
    place = db.session.get_one(Organisation, imported.organisation_id)
    if imported.undone_by is None:
        return the_house("netreg import")
    return staff.viewer_of_person(db.session.get_one(Person, imported.undone_by), place.code)


def _undo_some(undoing: undo.Undoing) -> bool:
    """One batch; False when nothing is left."""
    imported = undoing.imported
    patient = db.session.scalar(
        sa.select(ImportChange.patient_id)
        .where(ImportChange.import_id == imported.id, ImportChange.taken.is_(True))
        .order_by(ImportChange.position.desc())
        .limit(1)
    )
    if patient is not None:
        found = db.session.scalars(
            sa.select(ImportChange).where(
                ImportChange.import_id == imported.id, ImportChange.patient_id == patient
            )
        ).all()
        undoing.put_back(found)
        return True
    query = (
        sa.select(SourceRow.id, SourceRow.patient_id, SourceRow.made)
        .where(SourceRow.import_id == imported.id, SourceRow.content_index != "")
        .order_by(SourceRow.id)
        .limit(_UNDONE)
    )
    rows = db.session.execute(query).all()
    if not rows:
        return False
    undoing.take_out(rows)
    imported.done += len(rows)
    return True


# -- clearing up ---------------------------------------------------------------------------------


def clear_up() -> None:
    """Remove what nobody will ask for any more: files past their time, what cancelled or killed
    work left, and imports that nobody has seen."""
    for import_id in _unseen():
        running.take_back(import_id)
    moment = now()
    stopped = db.session.scalars(
        sa.select(Upload).where(Upload.state.not_in(rules.UNDER_WAY)).order_by(Upload.id)
    ).all()
    for upload in stopped:
        if upload.drafts:
            _remove([UUID(one) for one in upload.drafts])
            upload.drafts = []
        if upload.expires_at <= moment and (upload.files or upload.report_file_id):
            uploads.throw_away(upload)
    db.session.commit()


def _unseen() -> list[UUID]:
    """Imports being written that no process will go on with: cancelled, or their maker silent."""
    cancelled = (
        sa.select(Import.id)
        .join(Upload, Upload.import_id == Import.id)
        .where(
            Import.state == rules.WRITING,
            Upload.state.not_in((rules.ASKED, rules.BRINGING)),
            Import.heartbeat_at < now() - rules.SILENT / 6,
        )
    )
    with snapshot() as connection:
        found = list(connection.execute(cancelled).scalars())
    return list(dict.fromkeys([*found, *running.left_over(now())]))
