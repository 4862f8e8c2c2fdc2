"""The follow-up plan of a patient, made anew in the transaction that changes the record.

Every change of an entry touches the plan; it is derived once a patient, just before the commit.
What an import adds only drops the plan: the sweep makes it, so that a large import is not slowed.
"""

from __future__ import annotations

import logging
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from registry.clinical import follow_up, follow_up_record
from registry.course.intervals import in_force
from registry.course.models import FollowUp, FollowUpDue, FollowUpPlan, SheetDraft
from registry.course.queries import reading
from registry.dates import today
from registry.db import db, now, snapshot
from registry.patients.models import Patient

log = logging.getLogger("netreg.course")

#: After so long a plan is made anew though nothing changed: a window of the table may have ended.
KEPT_DAYS = 7
#: A draft that nobody took up again for so long is dropped.
DRAFT_DAYS = 60


def touch(entry: Any) -> None:
    """The record of this entry's patient changed: its plan is made anew before the commit."""
    kept = "plans_dropped" if entry.source_kind == "import" else "plans_touched"
    db.session.info.setdefault(kept, set()).add(entry.patient_id)


@sa.event.listens_for(orm.Session, "before_commit")
def _before_commit(session: orm.Session) -> None:
    if session.in_nested_transaction():
        return
    dropped: set[UUID] = session.info.pop("plans_dropped", set())
    touched: set[UUID] = session.info.pop("plans_touched", set()) - dropped
    if dropped:
        _drop(sorted(dropped))
    for patient_id in sorted(touched):
        make(patient_id)


@sa.event.listens_for(orm.Session, "after_rollback")
def _after_rollback(session: orm.Session) -> None:
    if not session.in_transaction() or not session.in_nested_transaction():
        session.info.pop("plans_dropped", None)
        session.info.pop("plans_touched", None)


def _drop(ids: list[UUID]) -> None:
    for start in range(0, len(ids), 500):
        part = ids[start : start + 500]
        for model in (FollowUpDue, FollowUpPlan):
            db.session.execute(sa.delete(model).where(model.patient_id.in_(part)))


def make(patient_id: UUID, on: date | None = None) -> FollowUpPlan:
    """Derive what is due for a patient and keep it."""
    on = on or today()
    patient = db.session.get_one(Patient, patient_id)
    db.session.flush()
    record, intervals = reading.record(patient), in_force()
    rows = reading.rows_of(record)
    due = follow_up_record.due_for(rows, on, intervals.rows)
    facts = follow_up_record.facts_of(rows, on)
    early = _early(rows, facts, on, intervals.rows)
    plan = db.session.get(FollowUpPlan, patient_id) or FollowUpPlan(patient_id=patient_id)
    plan.items = [_item(one) for one in due] + early
    plan.next_due = min((one.due_by or on for one in due), default=None)
    plan.grade = facts[0].grade if facts else "unknown"
    plan.site_group = facts[0].site_group if facts else ""
    plan.clinician_id = _clinician(record)
    plan.rule_version, plan.made_at = intervals.version, now()
    db.session.add(plan)
    db.session.execute(sa.delete(FollowUpDue).where(FollowUpDue.patient_id == patient_id))
    for one in due:
        db.session.add(
            FollowUpDue(
                patient_id=patient_id,
                test=one.test,
                kind="due",
                on=one.due_by or on,
                is_dated=one.due_by is not None,
            )
        )
    for item in early:
        done = date.fromisoformat(item["on"])
        db.session.add(FollowUpDue(patient_id=patient_id, test=item["test"], kind="early", on=done))
    db.session.flush()
    return plan


def _item(one: follow_up.Due) -> dict[str, Any]:
    reasons = [one.reason, *one.because]
    return {
        "kind": "due",
        "test": one.test,
        "from": one.due_from.isoformat() if one.due_from else None,
        "by": one.due_by.isoformat() if one.due_by else None,
        "last": one.last,
        "row": one.row,
        "source": one.source,
        "confidence": one.confidence,
        "reasons": [{"template": r.template, "values": dict(r.values)} for r in reasons],
    }


def _early(rows: Any, facts: Any, on: date, intervals: Any) -> list[dict[str, Any]]:
    """The tests whose last time came before their interval, by every tumour of the patient."""
    found = []
    for test, days in follow_up_record.days_done(rows).items():
        last = follow_up_record.last_of(days, on)
        if len(last) != 10:
            continue  # of a partial date nobody can say that it was early
        day = date.fromisoformat(last)
        before = follow_up_record.last_of(days, day - timedelta(days=1))
        reasons = [follow_up.too_early(test, before, day, one, intervals) for one in facts]
        if before and reasons and all(reasons):
            reason = reasons[0]
            assert reason is not None  # `all` has said so
            found.append(
                {
                    "kind": "early",
                    "test": test,
                    "on": last,
                    "last": before,
                    "reasons": [{"template": reason.template, "values": dict(reason.values)}],
                }
            )
    return found


def _clinician(record: reading.Record) -> UUID | None:
    """Who entered the last contact."""
    contacts = record.of("follow_up")
    if not contacts:
        return None
    query = sa.select(FollowUp.entered_by).where(FollowUp.id == UUID(contacts[-1].id))
    return db.session.scalar(query)


# -- the sweep ---------------------------------------------------------------------------------


def outdated(limit: int) -> list[UUID]:
    """Patients whose plan is missing, made by other rules, or old. Looking for them holds up
    nobody; some may be gone when their turn comes."""
    query = (
        sa.select(Patient.id)
        .outerjoin(FollowUpPlan, FollowUpPlan.patient_id == Patient.id)
        .where(
            Patient.provisional.is_(False),
            sa.or_(
                FollowUpPlan.patient_id.is_(None),
                FollowUpPlan.rule_version != in_force().version,
                FollowUpPlan.made_at < now() - timedelta(days=KEPT_DAYS),
            ),
        )
        .order_by(Patient.id)
        .limit(limit)
    )
    with snapshot() as connection:
        return list(connection.scalars(query))


def drop_old_drafts() -> None:
    """Forget drafts that nobody came back to."""
    old = now() - timedelta(days=DRAFT_DAYS)
    db.session.execute(sa.delete(SheetDraft).where(SheetDraft.saved_at < old))
