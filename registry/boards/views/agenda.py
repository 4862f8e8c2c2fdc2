"""The agenda of a meeting: its cases in their order, and who could be put on it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import jsonify, render_template, request

from registry import audit, codes, web
from registry.access import Right
from registry.boards import letters
from registry.boards.actions import agenda as actions
from registry.boards.forms import meetings as forms
from registry.boards.models import Meeting
from registry.boards.queries import agenda as queries
from registry.boards.queries import meetings
from registry.boards.rules import agenda as rules
from registry.boards.rules import meetings as meeting_rules
from registry.boards.views.room import clock, room, title, when
from registry.db import now
from registry.errors import Invalid
from registry.language import gettext as _
from registry.patients import queries as patients
from registry.referrals import queries as referrals


def quorum_of(found: Meeting) -> dict[str, Any]:
    """Who is there, and what the quorum lacks now; when it was reached."""
    there = meetings.attendances(found)
    presences = [
        meeting_rules.Presence(one.discipline, one.arrived_at, one.left_at) for one in there
    ]
    at = found.closed_at or now()
    present = [one.discipline for one in presences if one.at(at) or found.closed_at is not None]
    reached = meeting_rules.reached_at(found.quorum, presences) if found.quorum else None
    return {
        "wanted": [(one, meeting_rules.QUORUM[one]) for one in found.quorum],
        "absent": meeting_rules.absent_disciplines(found.quorum, present),
        "there": sum(one.at(at) for one in presences),
        "reached": clock(reached, found.board.time_zone),
    }


@room.page("/meetings/<uuid:meeting_id>", right=Right.BOARDS)
def meeting(meeting_id: UUID) -> Any:
    """The agenda."""
    return _page(meetings.meeting(web.viewer(), meeting_id))


def _page(found: Meeting, problem: str = "") -> Any:
    viewer = web.viewer()
    inside = meetings.is_inside(viewer, found.organisation_id)
    items = queries.items(viewer, found)
    candidates = queries.candidates(viewer, found) if inside and _takes(found) else []
    ids = {one.patient_id for one in items} | {one.patient_id for one in candidates}
    audit.listed("opened agenda", "meeting", [(found.id, one) for one in ids], by=viewer)
    guest = forms.SeatForm()
    if inside:
        forms.offer_people(guest, meetings.can_be_asked(viewer, elsewhere=True))
    return render_template(
        "boards/meeting.html",
        meeting=found,
        title=title(found),
        inside=inside,
        items=items,
        candidates=candidates,
        left_over=queries.left_over(found) if inside and _takes(found) else [],
        is_late=queries.is_late(found),
        takes=_takes(found),
        problem=problem,
        seated=meetings.seated(found),
        quorum=quorum_of(found),
        guest=guest,
        states=meeting_rules.STATES,
        item_states=rules.STATES,
        why=rules.WHY,
        deferrals=rules.DEFERRALS,
        disciplines=meeting_rules.DISCIPLINES,
        when=when,
        clock=clock,
        day=letters.day,
        zone=found.board.time_zone,
        label=codes.label,
    )


def _takes(found: Meeting) -> bool:
    return found.state in (meeting_rules.PLANNED, meeting_rules.UNDER_WAY)


@room.page("/meetings/<uuid:meeting_id>/cases", right=Right.PREPARE_BOARD, methods=("POST",))
def put_on(meeting_id: UUID) -> Any:
    """Put a patient on the agenda; or bring over what was left."""
    found, viewer = meetings.meeting_to_write(web.viewer(), meeting_id), web.viewer()
    if request.form.get("do") == "carry":
        made = actions.carry_over(found, by=viewer)
        web.done(_("%(n)s cases were carried over.", n=len(made)))
        return web.go("boards.meeting", meeting_id=found.id)
    patient = patients.treated_here(viewer, web.as_id(request.form.get("patient")))
    referral_id = web.as_id(request.form.get("referral"))
    referral = referrals.referral(viewer, referral_id) if referral_id else None
    why = request.form.get("why", "")
    try:
        made_item = actions.put_on(
            found,
            patient,
            by=viewer,
            referral=referral,
            why=why if why in rules.WHY else "",
            late_because=request.form.get("late_because", ""),
        )
    except Invalid as refused:
        return _page(found, refused.message), 422
    web.done(_("The case is on the agenda."))
    return web.go("boards.meeting", meeting_id=found.id, _anchor=f"case-{made_item.id}")


@room.page("/agenda/<uuid:item_id>/place", right=Right.PREPARE_BOARD, methods=("POST",))
def place(item_id: UUID) -> Any:
    """Put a case to another place of its agenda."""
    found, viewer = queries.item_to_write(web.viewer(), item_id), web.viewer()
    order = [one.id for one in queries.places(found.meeting)]
    here = order.index(found.id) if found.id in order else 0
    said = request.form.get("to", "")
    to = {"up": here - 1, "down": here + 1}.get(said)
    number = web.as_number(said)
    if to is None:
        to = number - 1 if number else here
    actions.place(found, to, by=viewer)
    if web.wants_json():
        return jsonify(order=[str(one.id) for one in queries.places(found.meeting)])
    return web.go("boards.meeting", meeting_id=found.meeting_id, _anchor=f"case-{found.id}")


@room.page("/agenda/<uuid:item_id>/state", right=Right.PREPARE_BOARD, methods=("POST",))
def item_state(item_id: UUID) -> Any:
    """Take a case off, put it off with a reason, or list it again."""
    found, viewer = queries.item_to_write(web.viewer(), item_id), web.viewer()
    do = request.form.get("do", "")
    if do == "take_off":
        actions.take_off(found, by=viewer)
        return web.go("boards.meeting", meeting_id=found.meeting_id)
    if do == "again":
        actions.list_again(found, by=viewer)
    elif do == "defer":
        reason, text = request.form.get("reason", ""), request.form.get("text", "")
        actions.defer(found, by=viewer, reason=reason, text=text)
        web.done(_("The case was deferred."))
    return web.go("boards.case", item_id=found.id)


@room.page("/agenda/<uuid:item_id>/needs", right=Right.PREPARE_BOARD, methods=("POST",))
def ask(item_id: UUID) -> Any:
    """Ask somebody for what the board needs."""
    found, viewer = queries.item_to_write(web.viewer(), item_id), web.viewer()
    person_id = web.as_id(request.form.get("person"))
    can = {one for one, _name in askable(found)}
    try:
        actions.ask(
            found,
            request.form.get("what", ""),
            by=viewer,
            person_id=person_id if person_id in can else None,
            asked_of=request.form.get("asked_of", ""),
        )
    except Invalid as refused:
        web.warn(refused.message)
    return web.go("boards.case", item_id=found.id, _anchor="prepare")


def askable(found: Any) -> list[tuple[UUID, str]]:
    """Who can be asked for something: the referring doctor, then everybody who is expected."""
    people = [(one.person_id, one.name) for one in meetings.seated(found.meeting)]
    referrer = queries.referrer_of(found)
    return [*([referrer] if referrer else []), *people]


@room.page("/board-needs/<uuid:need_id>", right=Right.FOLLOW_ADVICE, methods=("POST",))
def met(need_id: UUID) -> Any:
    """What was needed is there."""
    found = queries.need(web.viewer(), need_id)
    actions.meet(found, by=web.viewer())
    if meetings.is_inside(web.viewer(), found.item.meeting.organisation_id):
        return web.go("boards.case", item_id=found.item_id, _anchor="prepare")
    return web.go("boards.asked")


@room.page("/board-needs", right=Right.FOLLOW_ADVICE)
def asked() -> Any:
    """What boards ask one for."""
    return render_template("boards/asked.html", rows=queries.asked_of(web.viewer()))


# -- from the chart ----------------------------------------------------------------------------


@room.page("/patients/<uuid:patient_id>/board", right=Right.PREPARE_BOARD)
def for_patient(patient_id: UUID) -> Any:
    """Put a patient of the centre on an agenda, without a new referral."""
    viewer = web.viewer()
    patient = patients.treated_here(viewer, patient_id)
    audit.opened("opened chart", by=viewer, subject=("patient", patient.id), patient_id=patient.id)
    coming = [
        one
        for one in meetings.meetings(viewer)
        if one.is_open and one.state in (meeting_rules.PLANNED, meeting_rules.UNDER_WAY)
    ]
    return render_template(
        "boards/for_patient.html",
        identity=patients.identity(patient),
        meetings=coming,
        when=when,
        referral=queries.referral_to_answer(viewer, patient.id),
    )
