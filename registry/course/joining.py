"""What the course has to say when two records of one patient are joined."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa

from registry import codes
from registry.access import Viewer
from registry.course import actions
from registry.course.actions import plans
from registry.course.models import FollowUp
from registry.db import db
from registry.language import gettext as _
from registry.language import lazy_gettext as _l
from registry.patients.matching import asking, moving


def _plan(patient_id: UUID) -> None:
    plans.make(patient_id)


moving.made_anew("follow_up_plan", _plan)
moving.made_anew("follow_up_due", _plan)


def _last(patient_id: UUID, *more: sa.ColumnElement[bool]) -> FollowUp | None:
    """The last follow-up that states the vital status."""
    query = sa.select(FollowUp).where(
        FollowUp.patient_id == patient_id,
        FollowUp.error_at.is_(None),
        FollowUp.vital_status.is_not(None),
        *more,
    )
    newest = sa.func.coalesce(FollowUp.death_date, FollowUp.date, "")
    return db.session.scalars(query.order_by(newest.desc(), FollowUp.id.desc())).first()


def _said(one: FollowUp) -> str:
    status = codes.label("vital_status", one.vital_status)
    when = one.death_date if one.vital_status == "dead" else one.date
    return f"{status}, {when.iso if when else _('no date')}"


def vital_status(kept_id: UUID, moved_id: UUID) -> asking.Question | None:
    """Dead in one record and alive later in the other, or two dates of death."""
    mine, theirs = _last(kept_id), _last(moved_id)
    if mine is None or theirs is None:
        return None
    if "dead" not in (mine.vital_status, theirs.vital_status):
        return None
    if mine.vital_status == theirs.vital_status:
        if mine.death_date == theirs.death_date or not (mine.death_date and theirs.death_date):
            return None
    else:
        dead, alive = (mine, theirs) if mine.vital_status == "dead" else (theirs, mine)
        died, seen = dead.death_date or dead.date, alive.date
        if died and seen and seen.iso < died.iso:
            return None  # alive then, and died since
    return asking.Question("vital_status", _l("Vital status"), _said(mine), _said(theirs))


def _settle(wrong: UUID, right: UUID, by: Viewer) -> list[str]:
    """What the wrong record says of the vital status was entered in error."""
    holds = _last(right)
    done: list[str] = []
    while (one := _last(wrong)) is not None and holds is not None:
        if one.vital_status == holds.vital_status == "alive":
            break
        if one.vital_status == "alive" and holds.vital_status == "dead":
            died = holds.death_date or holds.date
            if died and one.date and one.date.iso < died.iso:
                break
        because = _("Joined with another record of the patient, which says otherwise.")
        actions.mark_error(one, by=by, version=one.version, because=because)
        done.append(str(one.id))
    return done


def _take_back(done: list[str], by: Viewer) -> None:
    for entry_id in reversed(done):
        one = db.session.get(FollowUp, UUID(entry_id))
        if one is not None and one.error_at is not None:
            actions.restore(one, by=by, version=one.version)


asking.ask("vital_status", vital_status, _settle, _take_back)
