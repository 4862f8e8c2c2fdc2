"""Making a release: claim it, write its files from one view of the database, publish them at once.

Whoever is killed on the way leaves nothing that can be seen: files appear with the release, in one
transaction, and what was begun is noted in the release before it is written, so that the next
maker removes it. Nothing holds up the people at work: the data are read without a write lock, and
the progress is written in short transactions of its own.
"""

from __future__ import annotations

import gc
import logging
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import zip_longest
from pathlib import Path
from typing import Any, BinaryIO
from uuid import UUID

import sqlalchemy as sa
from flask import current_app
from flask_babel import force_locale

from registry import audit, storage
from registry.access import the_house
from registry.dates import today
from registry.db import db, new_id, now, own_transaction, snapshot
from registry.errors import NotFound
from registry.later import Later
from registry.patients.models import Patient
from registry.people import actions as people
from registry.people import queries as staff
from registry.research import rules
from registry.research.cohorts import evaluating
from registry.research.cohorts.criteria import Criteria
from registry.research.models import Grant, Release, ReleaseFile
from registry.research.releases import (
    changes,
    citing,
    columns,
    documents,
    earlier,
    formats,
    reading,
    recoding,
    wide,
)
from registry.research.releases.ahead import ahead
from registry.research.releases.cells import Cases, ids_of, letters
from registry.research.releases.columns import File
from registry.research.releases.documents import Counts, Order
from registry.research.releases.earlier import Earlier
from registry.research.releases.gathering import Chosen, Gathered
from registry.research.releases.keeping import Files, remove
from registry.research.releases.measuring import Measured
from registry.research.releases.naming import names_of
from registry.research.releases.reading import Table
from registry.research.releases.recoding import Known, Plan
from registry.research.releases.rendering import Block, Renderer, sensitive, told
from registry.research.releases.spilling import Spill
from registry.research.releases.writing import Writer

pa: Any = Later("pyarrow")

log = logging.getLogger("netreg.research")

HOUSE = the_house("release worker")
#: Patients worked on at once: what bounds the memory.
BATCH = 10_000
#: How often progress is written, at most.
_SECONDS = 0.5
_CSV, _HTML, _TEXT, _JSON = (
    "text/csv; charset=utf-8",
    "text/html; charset=utf-8",
    "text/plain; charset=utf-8",
    "application/json",
)


class Lost(Exception):
    """The release was cancelled, or another maker took it over: stop and leave nothing."""


# -- one maker at a time -----------------------------------------------------------------------


class Claim:
    """The right to make one release, as long as this maker shows signs of life."""

    def __init__(self, release_id: UUID) -> None:
        self.release_id = release_id
        self.maker = new_id()
        self._told = 0.0

    def take(self) -> bool:
        """Take a waiting release, or one whose maker is silent. False where another has it, or one
        of the same project is being made: what that tells has to be known."""
        moment = now()
        other = sa.orm.aliased(Release)
        same_project = sa.exists().where(
            other.project == Release.project,
            other.id != Release.id,
            other.state == rules.MAKING,
            other.heartbeat_at >= moment - rules.SILENT,
        )
        with own_transaction() as connection:
            taken = connection.execute(
                sa.update(Release)
                .where(
                    Release.id == self.release_id,
                    sa.or_(
                        Release.state == rules.REQUESTED,
                        sa.and_(
                            Release.state == rules.MAKING,
                            Release.heartbeat_at < moment - rules.SILENT,
                        ),
                    ),
                    ~same_project,
                )
                .values(
                    state=rules.MAKING,
                    maker=self.maker,
                    heartbeat_at=moment,
                    attempts=Release.attempts + 1,
                    phase="",
                    done=0,
                    total=0,
                )
            )
        return bool(taken.rowcount)

    def tell(self, **values: Any) -> None:
        """Write progress and a sign of life. Raises Lost when the release is no longer ours."""
        with own_transaction() as connection:
            written = connection.execute(
                sa.update(Release)
                .where(Release.id == self.release_id, Release.maker == self.maker)
                .values(heartbeat_at=now(), **values)
            )
        if not written.rowcount:
            raise Lost
        self._told = time.monotonic()

    def progress(self, **values: Any) -> None:
        """Show a sign of life, and how far it is, at most twice a second."""
        if time.monotonic() - self._told >= _SECONDS:
            self.tell(**values)


# -- reading -----------------------------------------------------------------------------------


def _chosen(connection: sa.Connection, order: Order) -> Iterator[Any]:
    """Who is in it, as arrays of ids: those of the cohort, else all of research. Consent is as it
    is now."""
    asked = Criteria.of(order.criteria.get("cohort", {}))
    if asked.steps:
        found = evaluating.people(connection.execute, asked)[-1]
        yield reading.held("id", pa.array([str(one) for one in found], pa.string()))
        return
    yield from _ids(connection, evaluating.population())


def _ids(connection: sa.Connection, patients: sa.Select[Any]) -> Iterator[Any]:
    """The ids of patients, as arrays."""
    own = reading.as_text(Patient.__table__.c.id, connection.dialect.name).label("id")
    for block in reading.blocks(connection, patients.with_only_columns(own)):
        yield block["id"].combine_chunks()


#: What is read of each entity besides the variables that leave: keys, reasons, and what times,
#: ages and the last status are worked out from.
_ALWAYS = frozenset({
    "id", "patient_id", "absent", "birth_date", "diagnosis_date", "age_at_diagnosis",
    "vital_status", "death_date", "date", "interval", "interval_unit",
})  # fmt: skip


def _tables(files: Sequence[File]) -> list[Table]:
    """What to read for these files: times and ages are counted from the tumours, and the last
    status is that of the follow-ups, whether they are asked for or not."""
    leaving = {file.entity: {one.variable or one.name for one in file.columns} for file in files}
    for entity, name in recoding.QUASI:
        leaving[entity] = leaving.get(entity, set()) | {name}
    return [
        Table(file.entity, file.model, leaving.get(file.entity, set()) | _ALWAYS)
        for file in columns.files()
        if file.entity in leaving or file.entity in ("tumour", "follow_up")
    ]


# -- the data files ----------------------------------------------------------------------------


@dataclass
class _Written:
    """What was found out while the data were written."""

    files: tuple[File, ...]
    counts: dict[str, Counts]
    coarse: Plan
    measured: Measured
    beside: dict[str, Any] | None = None  # what it tells together with earlier releases


def _plan(
    claim: Claim, files: Sequence[File], order: Order, gathered: Gathered, before: Sequence[Earlier]
) -> tuple[Plan, dict[str, Any] | None]:
    """How coarse this release has to be: found from what may be known alone, whether it leaves or
    not, and from what the project was told before; and what both tell together."""
    k, years, least = order.coarse.smallest_group, order.coarse.age_band, recoding.least_of(files)
    if k == 1:
        return Plan(1, years, least=least), None
    claim.tell(phase="groups", done=0, total=gathered.chosen.number)
    there = [Renderer(one, Plan()) for one in map(_quasi, columns.files()) if one.columns]
    known: list[Known] = []
    made: dict[tuple[Any, ...], Known] = {}
    for cases in gathered.batches(("patient", "tumour", "follow_up")):
        blocks = {one.file.entity: one.block(cases) for one in there}
        known += told(blocks, cases.patients.size).known(made)
        claim.progress(done=len(known))
    if not before:
        return recoding.plan(known, k, years, least), None
    return earlier.planned(known, Plan(k, years, least=least), before, gathered.chosen.names)


def _quasi(file: File) -> File:
    """The file with its quasi-identifiers alone."""
    kept = tuple(one for one in file.columns if (file.entity, one.name) in recoding.QUASI)
    return replace(file, columns=kept)


def _write_data(claim: Claim, kept: Files, files: Sequence[File], order: Order) -> _Written:
    with _rested():
        names = names_of(order.project)
    with closing(Spill()) as spill:
        with snapshot() as connection:
            claim.tell(phase="reading")
            before = earlier.of_project(connection, order.project, order.number)
            chosen, few_new = earlier.without_few_new(
                Chosen.of(_chosen(connection, order), names),
                before, order.coarse.smallest_group, names,
            )  # fmt: skip
            gathered = Gathered(chosen, _tables(files), names, spill, BATCH)
            gathered.read(connection, claim.progress)
        coarse, beside = _plan(claim, files, order, gathered, before)
        del before  # with what reading held: writing needs the room
        pa.default_memory_pool().release_unused()
        written = _write_files(claim, kept, coarse.files(files), order, gathered, coarse)
        return replace(written, beside=beside and {**beside, "few_new_held_back": few_new})


def _write_files(
    claim: Claim, kept: Files, files: Sequence[File], order: Order, gathered: Gathered,
    coarse: Plan,
) -> _Written:  # fmt: skip
    """Write the data files, and find out what is in them."""
    broad = wide.of(files)
    everything = (*files, broad.file) if broad else tuple(files)
    number = len(everything)
    ids = kept.note(number * 2 if formats.PARQUET in order.formats else number)
    claim.tell(phase="data", done=0, total=gathered.chosen.number)
    reached, done = Measured(), 0
    with ExitStack() as stack:
        places = [stack.enter_context(storage.writing(one)) for one in ids]
        writers = [
            Writer(file, out, parquet)
            for file, out, parquet in zip_longest(everything, places[:number], places[number:])
        ]
        for writer in writers:
            stack.callback(writer.finish)
        beside = stack.enter_context(ThreadPoolExecutor(1))
        for cases, blocks in ahead(_blocks(gathered, files, coarse, broad)):
            reached.add(told(blocks, cases.patients.size), cases.levels, sensitive(blocks))
            waiting = [one.add(blocks[one.file.entity], beside) for one in writers]
            for wait in waiting:
                wait()
            done += cases.patients.size
            claim.progress(done=done)
    if not coarse.is_exact and reached.k < coarse.k:
        raise RuntimeError("the groups in what was written are smaller than was approved")
    _keep(kept, writers, ids)
    claim.tell(done=done)
    counts = {writer.file.name: writer.counts for writer in writers}
    return _Written(everything, counts, coarse, reached)


def _blocks(
    gathered: Gathered, files: Sequence[File], coarse: Plan, broad: wide.Wide | None
) -> Generator[tuple[Cases, dict[str, Block]]]:
    """The patients of each batch, and their rows by entity."""
    renderers = [Renderer(file, coarse) for file in files]
    for cases in gathered.batches(levels=coarse.levels):
        blocks = {one.file.entity: one.block(cases) for one in renderers}
        if broad:
            blocks[broad.file.entity] = broad.block(blocks)
        yield cases, blocks


def _keep(kept: Files, writers: Sequence[Writer], ids: Sequence[UUID]) -> None:
    """Remember the finished files: all in CSV, then all in Parquet."""
    for writer, file_id in zip(writers, ids, strict=False):
        kept.keep(writer.file.name, _CSV, file_id, writer.csv, writer.counts.rows)
    for writer, file_id in zip(writers, ids[len(writers) :], strict=False):
        if writer.parquet:
            name = f"{writer.file.sheet}.{formats.PARQUET}"
            kept.keep(name, formats.MEDIA_TYPES[formats.PARQUET], file_id, writer.parquet, None)


def _write_formats(
    claim: Claim, kept: Files, files: Sequence[File], order: Order, counts: dict[str, Counts]
) -> dict[str, list[str]]:
    """The data files in the formats that are made from CSV, and what was too long for one:
    format → files."""
    left_out: dict[str, list[str]] = {}
    chosen = [name for name in order.formats if name != formats.PARQUET]
    if not chosen:
        return left_out
    claim.tell(phase="formats")
    sources = {file.name: kept.place_of(file.name) for file in files}
    for name in chosen:
        long = [one.name for one in files if formats.too_long(name, counts[one.name].rows)]
        if long:
            left_out[name] = long
        fit = [(file, sources[file.name]) for file in files if file.name not in long]
        if name == formats.XLSX:
            if not long:
                _write_workbook(claim, kept, fit, order, counts)
            continue
        for file, source in fit:
            kept.write_by(
                f"{file.sheet}.{name}",
                formats.MEDIA_TYPES[name],
                _in_format(name, file, source),
            )
            claim.progress()
    return left_out


def _in_format(name: str, file: File, source: Path) -> Callable[[BinaryIO], None]:
    """Who writes a file in a format."""
    return lambda out: formats.labelled(name, file, source, Path(out.name))


def _write_workbook(
    claim: Claim,
    kept: Files,
    files: Sequence[tuple[File, Path]],
    order: Order,
    counts: dict[str, Counts],
) -> None:
    held = [file for file, _source in files]
    tables: Any = {
        "Codebook": (documents.CODEBOOK_HEADER, documents.codebook(held, counts)),
        "Value labels": (documents.CODES_HEADER, documents.code_lists(held)),
    }
    kept.write_by(
        f"{order.project}.xlsx",
        formats.MEDIA_TYPES[formats.XLSX],
        lambda out: formats.workbook(files, tables, out, claim.progress),
    )


def _write_documents(
    kept: Files, order: Order, written: _Written, left_out: Any, report: Any
) -> None:
    files, counts = written.files, written.counts
    book = documents.codebook(files, counts)
    version = documents.dictionary_version(files)
    kept.write("codebook.csv", _CSV, documents.codebook_csv(book))
    kept.write("codebook.html", _HTML, documents.codebook_html(order, files, book, version))
    kept.write("code_lists.csv", _CSV, documents.code_lists_csv(files))
    readme = documents.readme(order, files, counts, demo=_demo(), left_out=left_out, report=report)
    kept.write("README.txt", _TEXT, readme)
    for name in ("start.py", "start.R"):
        kept.write(name, _TEXT, documents.script(order, name))
    kept.write("disclosure.html", _HTML, documents.disclosure_html(order, files, counts, report))


def _demo() -> bool:
    return bool(current_app.extensions["netreg_settings"].demo)


# -- the making --------------------------------------------------------------------------------


def waiting() -> list[UUID]:
    """Releases to be made: asked for, or left by a maker that is silent. Oldest first."""
    query = (
        sa.select(Release.id)
        .where(
            sa.or_(
                Release.state == rules.REQUESTED,
                sa.and_(Release.state == rules.MAKING, Release.heartbeat_at < now() - rules.SILENT),
            )
        )
        .order_by(Release.requested_at, Release.id)
    )
    with snapshot() as connection:
        return list(connection.scalars(query))


def make(release_id: UUID) -> Release:
    """Make a release that waits, in this process, and return it as it then stands.

    Does nothing where it is made already, was cancelled, or another process is at it. What fails
    is noted in the release and raised. For the worker and for commands, inside an application
    context: it commits the session before it begins, and its own work. Raises NotFound.
    """
    db.session.commit()  # an open transaction would keep the progress from being written
    claim = Claim(release_id)
    if claim.take():
        _make(claim)
    with _rested():
        found = db.session.get(Release, release_id, populate_existing=True)
        if found is None:
            raise NotFound()
        return found


def _make(claim: Claim) -> None:
    kept = Files(claim.tell)
    try:
        order, refused = _begin(claim)
        if refused:
            _fail(claim, refused)
            return
        with force_locale("en"), _long_lived():
            facts = _write(claim, kept, order)
        _publish(claim, kept, facts)
    except Lost:
        db.session.rollback()
        kept.remove()
    except recoding.TooFew:
        kept.remove()
        _fail(claim, "too_few")
    except Exception as error:
        db.session.rollback()
        kept.remove()
        log.error("release %s failed: %s", claim.release_id, _kind(error))
        _fail(claim, "failed")
        raise


@contextmanager
def _long_lived() -> Iterator[None]:
    """What is there already is not looked through again and again for garbage meanwhile."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _kind(error: BaseException) -> str:
    """The kind and place of an error for the log: its text may hold what is in a record."""
    frame = error.__traceback__
    while frame and frame.tb_next:
        frame = frame.tb_next
    where = f"{frame.tb_frame.f_code.co_name}:{frame.tb_lineno}" if frame else "?"
    return f"{type(error).__name__} at {where}"


def _begin(claim: Claim) -> tuple[Order, str]:
    """What is to be made, and why it is refused, if it is; removes what an earlier maker left."""
    with _rested():
        release = db.session.get(Release, claim.release_id, populate_existing=True)
        if release is None:
            raise Lost
        grant, left = release.grant, [UUID(one) for one in release.drafts]
        order = Order(
            release_id=release.id,
            number=release.number,
            criteria=release.criteria,
            requested_by=staff.person_names([release.requested_by]).get(release.requested_by, ""),
            grant_id=grant.id,
            until=grant.until_date.isoformat(),
            project=grant.project,
            title=grant.title,
            purpose=grant.purpose,
            coarse=rules.Coarse(grant.smallest_group, grant.age_band, grant.times),
            formats=tuple(name for name in formats.CHOICES if name in release.formats),
        )
        refused = _refused(release, grant)
    remove(left)
    return order, refused


@contextmanager
def _rested() -> Iterator[None]:
    """Read with the session and leave it without an open transaction."""
    try:
        yield
    finally:
        db.session.commit()


def _refused(release: Release, grant: Grant) -> str:
    if release.attempts > rules.ATTEMPTS:
        return "given_up"
    return "" if grant.state(today()) == rules.GRANTED else "grant_ended"


def _write(claim: Claim, kept: Files, order: Order) -> tuple[dict[str, Any], Plan, datetime]:
    files = columns.files()
    if "variables" in order.criteria:
        files = columns.only(files, order.criteria["variables"])
    if order.coarse.times == rules.SHIFTED:
        files = columns.shifted(files)
    at = now()
    written = _write_data(claim, kept, files, order)
    files, counts = written.files, written.counts
    left_out = _write_formats(claim, kept, files, order, counts)
    claim.tell(phase="documents")
    report = written.measured.report(written.coarse)
    _write_documents(kept, order, written, left_out, report)
    facts = documents.manifest(
        order,
        made=kept.made,
        counts=counts,
        files=files,
        demo=_demo(),
        at=at.isoformat(),
        report=report,
        held={} if written.coarse.is_exact else recoding.HELD_BACK,
    )
    facts["too_long_for"] = left_out
    _write_citation(kept, order, facts, at)
    facts["made"]["since_previous"] = _since_previous(kept, order)
    facts["made"]["with_earlier_releases"] = written.beside
    kept.write("manifest.json", _JSON, documents.as_json(facts))
    claim.tell()
    return facts, written.coarse, at


def _write_citation(kept: Files, order: Order, facts: dict[str, Any], at: datetime) -> None:
    """How it is cited. It names this making, so it stands in the block `made`."""
    before, line = len(kept.made), citing.citation(order, at)
    kept.write("CITATION.txt", _TEXT, f"{line}\r\n".encode())
    metadata = citing.datacite(order, at, facts["counts"])
    kept.write("datacite.json", _JSON, documents.as_json(metadata))
    facts["made"]["citation"] = line
    facts["made"]["files"] = [documents.file_facts(one) for one in kept.made[before:]]


def _since_previous(kept: Files, order: Order) -> dict[str, Any] | None:
    """What changed since the project's previous release; None where this is the first.

    It stands in the block `made`: it depends on what was made before, not on the data alone.
    """
    with _rested():
        before = db.session.scalar(
            sa.select(Release)
            .where(
                Release.project == order.project,
                Release.number < order.number,
                Release.state == rules.MADE,
            )
            .order_by(Release.number.desc())
            .limit(1)
        )
        if before is None:
            return None
        number = before.number
        earlier = {
            one.name: (one.file_id, one.sha256) for one in before.files if one.rows is not None
        }
    fresh = {one.name: (one.file_id, one.sha256) for one in kept.made if one.rows is not None}
    found = {name: _compared(earlier[name], fresh[name]) for name in fresh if name in earlier}
    gone = found["patients.csv"].gone_keys
    return {
        "release": number,
        "patients_added": found["patients.csv"].added,
        "patients_gone": len(gone),
        "patients_gone_without_consent": _without_consent(gone, order),
        "files": {name: one.as_json() for name, one in found.items()},
        "files_new": sorted(set(fresh) - set(earlier)),
        "files_gone": sorted(set(earlier) - set(fresh)),
    }


def _compared(before: tuple[UUID, str], after: tuple[UUID, str]) -> changes.Changes:
    """What changed between two files, each given with its checksum."""
    (old, old_sum), (new, new_sum) = before, after
    if old_sum == new_sum:
        return changes.Changes()
    with storage.place(old).open("rb") as one, storage.place(new).open("rb") as other:
        return changes.between(one, other)


def _without_consent(gone: set[str], order: Order) -> int:
    """How many of those who are gone no longer agree: withdrawn, or otherwise not in research."""
    if not gone:
        return 0
    with _rested():
        names = names_of(order.project)
    with snapshot() as connection:
        agreeing = sum(
            len(gone.intersection(letters(names.many("patient", *ids_of(some))).to_pylist()))
            for some in _ids(connection, evaluating.population())
        )
    return len(gone) - agreeing


def _publish(claim: Claim, kept: Files, written: tuple[dict[str, Any], Plan, datetime]) -> None:
    """Show everything at once: the state, the files, the audit and the notice, or none of it."""
    facts, coarse, at = written
    release = _ours(claim)
    for position, made in enumerate(kept.made):
        db.session.add(
            ReleaseFile(
                release_id=release.id,
                position=position,
                name=made.name,
                media_type=made.media_type,
                size=made.size,
                sha256=made.sha256,
                rows=made.rows,
                file_id=made.file_id,
            )
        )
    release.state, release.made_at, release.manifest = rules.MADE, at, facts
    release.recoded = coarse.as_json()
    release.maker = release.heartbeat_at = None
    release.drafts = []
    release.dictionary_version = facts["versions"]["dictionary_sha256"]
    release.rule_versions = facts["versions"]["rules"]
    release.code_version = facts["versions"]["product"]
    audit.record(
        "made release",
        by=HOUSE,
        subject=("release", release.id),
        changes={"patients": [None, facts["counts"]["patients"]]},
    )
    people.tell([release.requested_by], "release_made", subject=("release", release.id))
    db.session.commit()


def _ours(claim: Claim) -> Release:
    """The release to write to. Raises Lost when it is no longer ours."""
    release = db.session.scalar(
        sa.select(Release)
        .where(Release.id == claim.release_id, Release.maker == claim.maker)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if release is None:
        raise Lost
    return release


def _fail(claim: Claim, why: str) -> None:
    """Note that the release was not made, and tell who asked for it."""
    try:
        release = _ours(claim)
    except Lost:
        db.session.rollback()
        return
    release.state, release.error, release.drafts = rules.FAILED, why, []
    release.maker = release.heartbeat_at = None
    audit.record(
        "failed release",
        by=HOUSE,
        subject=("release", release.id),
        changes={"error": [None, why]},
    )
    people.tell([release.requested_by], "release_failed", subject=("release", release.id))
    db.session.commit()


def clear_up() -> None:
    """Remove what is left of releases that were cancelled while their maker was dead."""
    with _rested():
        cancelled = db.session.scalars(
            sa.select(Release).where(Release.state == rules.CANCELLED).order_by(Release.id)
        ).all()
        for release in cancelled:
            if release.drafts:
                remove([UUID(one) for one in release.drafts])
                release.drafts = []
