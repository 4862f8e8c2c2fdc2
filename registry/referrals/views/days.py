"""What is late at a centre or about to be; its working days and targets."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from flask import render_template, request

from registry import audit, web
from registry.access import Right
from registry.clinical import urgency
from registry.errors import Invalid
from registry.language import gettext as _
from registry.language import lazy_gettext as _l
from registry.people import queries as people
from registry.referrals import actions, queries, rules, targets
from registry.referrals.queries.days import ADVICE, DECISION, LOOK
from registry.referrals.rules.calendar import is_known, public_holidays
from registry.referrals.step_forms import ClosedDayForm, day_of
from registry.referrals.views.lists import day
from registry.referrals.views.room import room

#: What a centre owes.
OWED = {LOOK: _l("First look"), DECISION: _l("Decision"), ADVICE: _l("Advice")}


@room.page("/late", right=Right.SEE_LATE)
def late() -> Any:
    """What is overdue, or about to be; and whose answer is."""
    viewer = web.viewer()
    most = queries.MOST_LATE * (10 if "all" in request.args else 1)
    rows = queries.late(viewer, limit=most)
    named = [(row.id, row.patient_id) for row in rows if row.name]
    audit.listed("listed referral", "referral", named, by=viewer)
    today = queries.today_here(viewer)
    groups = [
        (code, label, [row for row in rows if row.lateness == code])
        for code, label in rules.LATENESS.items()
    ]
    return render_template(
        "referrals/late.html",
        groups=[one for one in groups if one[2]],
        waiting=queries.late_information(viewer.organisation_id, today),
        owed=OWED,
        state_words=rules.STATES,
        day=day,
        today=today,
        opens=viewer.may(Right.READ_REFERRAL),
        most=most,
        full=len(rows) >= most,
    )


@room.page("/late/days", right=Right.SEE_LATE)
def days() -> Any:
    """The centre's working days and the targets in force."""
    return _days_page(ClosedDayForm())


def _days_page(form: Any) -> str:
    viewer = web.viewer()
    if viewer.organisation_id is None:
        raise Invalid(_("Choose the organisation."))
    place = people.organisation_by_id(viewer.organisation_id)
    today = queries.today_here(viewer)
    closed = {one: why for one, why in queries.closed_days(place.id).items() if one >= today}
    until = today + timedelta(days=365)
    holidays = [
        (one, name)
        for year in range(today.year, until.year + 1)
        for one, name in public_holidays(place.country, year).items()
        if today <= one <= until
    ]
    return render_template(
        "referrals/days.html",
        form=form,
        place=place,
        closed=sorted(closed.items()),
        holidays=holidays,
        known=is_known(place.country),
        targets=targets.in_force(),
        own_targets=targets.are_own(),
        steps=(urgency.FIRST_LOOK, urgency.DECISION, urgency.ADVICE),
        may_change=viewer.may(Right.SET_CLOCK),
        day=day,
    )


@room.page("/late/days", right=Right.SET_CLOCK, methods=("POST",), endpoint="close_on")
def close_on() -> Any:
    """Add a day on which the centre is closed."""
    form: Any = ClosedDayForm(request.form)
    closed = day_of(form.day)
    if not form.validate() or closed is None:
        return _days_page(form), 422
    try:
        actions.close_on(closed, form.why.data or "", by=web.viewer())
    except Invalid as refused:
        form.day.errors.append(refused.message)
        return _days_page(form), 422
    web.done(_("Added. The deadlines of open cases follow in a moment."))
    return web.go("referrals.days")


@room.page("/late/days/open", right=Right.SET_CLOCK, methods=("POST",))
def open_again() -> Any:
    """Take a closed day away."""
    try:
        opened = date.fromisoformat(request.form.get("day", ""))
    except ValueError as wrong:
        raise Invalid(_("Choose the day.")) from wrong
    actions.open_again_on(opened, by=web.viewer())
    web.done(_("Removed. The deadlines of open cases follow in a moment."))
    return web.go("referrals.days")
