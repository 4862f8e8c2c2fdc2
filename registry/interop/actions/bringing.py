"""Bringing a file in, in one transaction: everything or nothing, and the same file twice adds
nothing. A long file in the background is brought in by `running`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from registry import audit
from registry.access import Viewer
from registry.db import db, new_id, now
from registry.errors import Conflict, Invalid
from registry.interop import rules, tables
from registry.interop.changes import Applying
from registry.interop.mapping import Map
from registry.interop.models import Import
from registry.interop.planning import (
    OnRefused,
    Planner,
    Progress,
    Shape,
    content_index,
    no_progress,
    plans,
    source_id_index,
)
from registry.interop.reports import Change, Report
from registry.interop.rows import Refusal
from registry.interop.spool import Spool, spool_folder
from registry.interop.tables import Source
from registry.interop.writing import Writer
from registry.people.models import Organisation


def bring_in(
    path: Source,
    by_map: Map,
    *,
    by: Viewer,
    progress: Progress = no_progress,
    more: Mapping[str, Source] | None = None,
    shape: Shape | None = None,
    keep_valid: bool = False,
    take: frozenset[str] = frozenset(),
    on_refused: OnRefused | None = None,
) -> Report:
    """Read a file by its map and make its patients, at the viewer's organisation.

    `more` are the further files the map names. Nothing is written when a row is refused, unless
    `keep_valid` says that the other patients are to be taken. A record the centre has already is
    changed where the file says otherwise than before; where somebody changed it by hand, the
    record stays unless the change's key is among `take`. The caller commits, or rolls back to
    have tried only. Raises MapError where map and file do not fit, FileError where it cannot be
    read.
    """
    with Spool(spool_folder()) as spool:
        one_at_a_time(by)
        planner = Planner(
            by_map, by=by, spool=spool, connect=_ours, progress=progress, on_refused=on_refused
        )
        report = planner.plan({"": path, **(more or {})}, {"": shape or Shape()})
        if spool.plans and (keep_valid or not report.refused):
            with db.session.begin_nested() as all_of_it:
                _write(path, report, spool, by, progress, take)
                if report.refused and not keep_valid:
                    all_of_it.rollback()
        if report.refused and not keep_valid:
            report.nothing_made()
    return report


@contextmanager
def _ours() -> Iterator[Any]:
    yield db.session.connection()


def one_at_a_time(by: Viewer) -> None:
    """Two imports for a centre wait for each other, so that each sees what the other brought in.
    Others may go on working for the centre."""
    query = sa.select(Organisation.id).where(Organisation.id == by.organisation_id)
    db.session.execute(query.with_for_update(key_share=True))


def new_import(source: Source, report: Report, *, by: Viewer, state: str) -> Import:
    """The row of an import, not yet added."""
    by_map = report.map
    return Import(
        id=new_id(),
        organisation_id=by.organisation_id,
        source=by_map.name,
        title=by_map.title,
        citation=by_map.citation,
        licence=by_map.licence,
        consent_basis=by_map.basis,
        file_sha256=tables.sha256(source),
        map_sha256=by_map.sha256,
        rows=report.read,
        created=report.created,
        unchanged=report.unchanged,
        changed=report.changed,
        refused=report.refused,
        state=state,
        person_id=by.person_id,
        total=report.created,
    )


def _write(
    source: Source,
    report: Report,
    spool: Spool,
    by: Viewer,
    progress: Progress,
    take: frozenset[str],
) -> None:
    made = new_import(source, report, by=by, state=rules.DONE)
    made.done = made.total
    db.session.add(made)
    db.session.flush()
    report.import_id = made.id
    writer = Writer(made.id, report.map, by=by, at=now(), hidden=False)
    applying = Applying(made, by=by, take=take, position=0)
    taken: list[Change] = []
    for batch in progress(plans(spool), 0, "Writing"):
        fresh = [plan for plan in batch if "changed" not in plan]
        if fresh:
            writer.insert(db.session.connection(), writer.prepare(fresh))
        for plan in batch:
            if "changed" in plan:
                taken += apply(applying, plan, report)
    if report.changed:
        report.changes = taken[: len(report.changes)]
    record(made, report, by=by)


def apply(applying: Applying, plan: Mapping[str, Any], report: Report) -> list[Change]:
    """Apply one corrected record; what the record refuses is noted in the report."""
    try:
        with db.session.begin_nested():
            return applying.apply(plan)
    except (Invalid, Conflict) as problem:
        column = report.map.id_column
        said = f"{problem.message} ({problem.field})" if problem.field else str(problem.message)
        report.refuse([Refusal(plan["n"], column, "", said)])
        return []


def record(made: Import, report: Report, *, by: Viewer) -> None:
    """The audit of a whole import."""
    counted = {"patients": report.created, "changed": report.changed, "refused": report.refused}
    audit.record(
        "imported",
        by=by,
        subject=("import", made.id),
        changes={
            "source": [None, report.map.name],
            **{name: [None, number] for name, number in counted.items() if number},
        },
    )


__all__ = ["bring_in", "content_index", "source_id_index"]
