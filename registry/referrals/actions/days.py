"""The closed days of a centre."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import sqlalchemy as sa

from registry import audit, jobs
from registry.access import Right, Viewer
from registry.dates import today
from registry.db import db
from registry.errors import Invalid
from registry.language import gettext as _
from registry.language import lazy_gettext as _l
from registry.referrals.models import ClosedDay

audit.learn(
    {
        "added closed day": _l("Added a day on which the centre is closed"),
        "removed closed day": _l("Removed a day on which the centre is closed"),
    }
)


def close_on(day: date, why: str, *, by: Viewer) -> None:
    """The viewer's centre does not work on a day. Its deadlines are set anew by the worker.

    Raises Forbidden, and Invalid for a day that has passed or is there already.
    """
    by.need(Right.SET_CLOCK)
    if day < today():
        raise Invalid(_("Choose a day that is still to come."), field="day")
    if _find(day, by) is not None:
        raise Invalid(_("This day is there already."), field="day")
    db.session.add(
        ClosedDay(
            organisation_id=by.organisation_id, day=day, why=why.strip(), added_by=by.person_id
        )
    )
    _changed("added closed day", day, by)


def open_again_on(day: date, *, by: Viewer) -> None:
    """The centre works on a day after all. Taking away what is not there is no mistake."""
    by.need(Right.SET_CLOCK)
    found = _find(day, by)
    if found is None:
        return
    db.session.delete(found)
    _changed("removed closed day", day, by)


def _find(day: date, by: Viewer) -> ClosedDay | None:
    query = sa.select(ClosedDay).where(
        ClosedDay.organisation_id == by.organisation_id, ClosedDay.day == day
    )
    return db.session.scalar(query)


def _changed(action: str, day: date, by: Viewer) -> None:
    place: UUID | None = by.organisation_id
    audit.record(
        action, by=by, subject=("organisation", place), changes={"day": [None, day.isoformat()]}
    )
    db.session.flush()
    jobs.after_commit("referrals.set_deadlines", str(place))
