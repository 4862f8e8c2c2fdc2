"""What is kept of a worklist, and one step taken with many of its cases."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from registry import audit
from registry.access import Right, Viewer
from registry.db import db
from registry.errors import Conflict, Forbidden, Invalid, NotFound, Refusal
from registry.language import gettext as _
from registry.referrals import queries, rules
from registry.referrals.actions.steps import take
from registry.referrals.actions.taking import who_was_first
from registry.referrals.models import Referral, SavedView, WorklistSetting
from registry.referrals.rules import worklist as known

MOST_VIEWS = 30  # of one person at one centre


def save_view(
    name: str, filters: Mapping[str, Any], columns: Iterable[str], *, shared: bool, by: Viewer
) -> SavedView:
    """Keep filters and columns under a name; one's own of the same name is replaced.

    Raises Invalid without a name, and when there are too many.
    """
    by.need(Right.TRIAGE)
    name = " ".join(name.split())[:60]
    if not name or by.person_id is None or by.organisation_id is None:
        raise Invalid(_("Give the view a name."), field="name")
    own = sa.select(SavedView).where(
        SavedView.person_id == by.person_id, SavedView.organisation_id == by.organisation_id
    )
    mine = list(db.session.scalars(own.limit(MOST_VIEWS + 1)))
    found = next((one for one in mine if one.name == name), None)
    if found is None:
        if len(mine) >= MOST_VIEWS:
            raise Invalid(_("You have kept many views. Remove one first."), field="name")
        found = SavedView(person_id=by.person_id, organisation_id=by.organisation_id, name=name)
        db.session.add(found)
    found.filters, found.shared = known.filters(filters), shared
    found.columns = [one for one in columns if one in known.COLUMNS]
    if found.filters.get("assignee") == "me" and shared:
        found.filters = {**found.filters, "assignee": str(by.person_id)}
    db.session.flush()
    subject = ("worklist view", found.id)
    audit.record("kept a worklist view", by=by, subject=subject, changes={"shared": [None, shared]})
    return found


def remove_view(view_id: UUID | None, *, by: Viewer) -> None:
    """Forget one of one's own views. Raises NotFound."""
    by.need(Right.TRIAGE)
    found = db.session.get(SavedView, view_id) if view_id else None
    if found is None or (found.person_id, found.organisation_id) != (
        by.person_id,
        by.organisation_id,
    ):
        raise NotFound()
    db.session.delete(found)
    audit.record("removed a worklist view", by=by, subject=("worklist view", found.id))


def keep_setting(columns: Iterable[str], *, keys_off: bool, by: Viewer) -> None:
    """Keep which columns one wants to see, and whether single keys do something."""
    by.need(Right.TRIAGE)
    if by.person_id is None:
        raise Forbidden()
    kept = db.session.get(WorklistSetting, by.person_id)
    if kept is None:
        kept = WorklistSetting(person_id=by.person_id)
        db.session.add(kept)
    kept.columns, kept.keys_off = [one for one in columns if one in known.COLUMNS], keys_off
    db.session.flush()


@dataclass(frozen=True)
class Result:
    """What became of one case of several."""

    id: UUID
    pseudonym: str
    done: bool
    said: str  # why not; empty where it was done


def take_many(
    name: str, cases: Sequence[tuple[UUID, int]], *, by: Viewer, **needs: Any
) -> list[Result]:
    """Take one step with each case, (id, version seen) each, and say what became of it. One that
    cannot be done leaves the others as they are. Raises Invalid where nothing can be done."""
    by.need(Right.STEP)
    if name not in known.BULK:
        raise Invalid(_("Choose a step."), field="step")
    if not cases:
        raise Invalid(_("Choose at least one case."), field="cases")
    if len(cases) > known.MOST_AT_ONCE:
        raise Invalid(_("These are too many at once."), field="cases")
    unique = dict(cases)
    return [_one(name, one, version, by, needs) for one, version in unique.items()]


def _one(name: str, case_id: UUID, version: int, by: Viewer, needs: dict[str, Any]) -> Result:
    try:
        found = queries.referral(by, case_id)
    except NotFound:
        return Result(case_id, "", False, str(_("This case is no longer with your centre.")))
    who = found.patient.pseudonym
    try:
        with db.session.begin_nested():
            if queries.step(by, found, name) is None:
                raise Conflict(who_was_first(found))
            take(found, name, by=by, version=version, **needs)
    except Forbidden:
        return Result(case_id, who, False, str(_("Your role does not allow this step.")))
    except Refusal as refused:
        if isinstance(refused, Invalid) and refused.field in ("assignee", "request"):
            raise  # the same is missing for every one of them
        return Result(case_id, who, False, refused.message or "")
    return Result(case_id, who, True, "")


def hand_over(
    giver: UUID | None, taker: UUID | None, *, by: Viewer, most: int = known.MOST_AT_ONCE
) -> list[Result]:
    """Assign the open cases of one colleague, the most urgent first, to another; at most so many
    at once. Raises Invalid where either is none of the centre's."""
    by.need(Right.STEP)
    here = {one.id for one in queries.colleagues(by)}
    if taker not in here:
        raise Invalid(str(rules.NEED_MESSAGES["assignee"]), field="taker")
    if giver is None or giver == taker:
        raise Invalid(_("Choose two different people."), field="giver")
    query = (
        sa.select(Referral.id, Referral.version)
        .where(
            Referral.to_organisation_id == by.organisation_id,
            Referral.phase == rules.LIVE,
            Referral.assignee_id == giver,
        )
        .order_by(Referral.urgency_rank, Referral.deadline, Referral.id)
        .limit(most)
    )
    cases = [(row.id, row.version) for row in db.session.execute(query)]
    if not cases:
        raise Invalid(_("There is nothing to hand over."), field="giver")
    return take_many("assign", cases, by=by, assignee_id=taker)
