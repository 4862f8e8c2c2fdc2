"""Putting cases on an agenda, in an order; asking for what is missing; putting them off."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from registry import audit
from registry.access import Viewer
from registry.boards.actions.meetings import touch
from registry.boards.models import AgendaItem, AgendaNeed, Meeting
from registry.boards.queries import agenda as queries
from registry.boards.queries import meetings
from registry.boards.rules import agenda as rules
from registry.boards.rules import meetings as meeting_rules
from registry.db import db, now
from registry.errors import Conflict, Forbidden, Invalid
from registry.language import gettext as _
from registry.language import lazy_gettext as _l
from registry.patients.models import Patient
from registry.people import actions as people
from registry.referrals import actions as referrals
from registry.referrals import queries as referral_queries
from registry.referrals import rules as referral_rules
from registry.referrals.models import Referral

audit.learn(
    {
        "listed case": _l("Put a case on the agenda of a board"),
        "ordered agenda": _l("Changed the order of an agenda"),
        "changed case": _l("Changed a case on an agenda"),
        "took case off": _l("Took a case off an agenda"),
        "carried case over": _l("Carried a case over to another meeting"),
        "deferred case": _l("Deferred a case"),
        "discussed case": _l("Discussed a case"),
        "asked for board": _l("Asked for what a board needs"),
        "met need of board": _l("Said that what a board needs is there"),
        "opened agenda": _l("Opened the agenda of a board"),
        "opened case of board": _l("Opened a case of a board"),
        "opened pack": _l("Opened the pack of a board meeting"),
    }
)


def _record(action: str, one: AgendaItem, by: Viewer, changes: dict[str, Any]) -> None:
    audit.record(
        action,
        by=by,
        subject=("agenda_item", one.id),
        patient_id=one.patient_id,
        changes=changes,
    )


def put_on(
    found: Meeting,
    patient: Patient,
    *,
    by: Viewer,
    referral: Referral | None = None,
    why: str = "",
    question: str = "",
    question_text: str = "",
    late_because: str = "",
    carried_from: AgendaItem | None = None,
) -> AgendaItem:
    """Put a patient who was fetched for the viewer at the end of an agenda.

    Raises Conflict where the agenda is full or the meeting over, and Invalid where it is late and
    nobody said why. Put on twice is put on once.
    """
    meetings.fresh(found)
    there = queries.on_agenda(found, patient.id)
    if there is not None and there.state != rules.REMOVED:
        return there
    _refuse(found, late_because)
    order = queries.places(found)
    referral = referral or queries.referral_to_answer(by, patient.id)
    facts: dict[str, Any] = {
        "referral_id": referral.id if referral else None,
        "why": why or (rules.REFERRAL if referral else rules.OWN),
        "place": (order[-1].place if order else 0) + 10,
        "state": rules.LISTED,
        "question": question or (referral.question if referral else "") or "",
        "question_text": question_text or (referral.question_text if referral else "") or "",
        "late_because": late_because.strip()[:300],
        "carried_from_id": carried_from.id if carried_from else None,
        "listed_at": now(),
        "listed_by": by.person_id,
    }
    if there is None:
        there = AgendaItem(meeting_id=found.id, patient_id=patient.id)
        db.session.add(there)
    for name, value in facts.items():
        setattr(there, name, value)
    db.session.flush()
    touch(found.id)
    changes = {"meeting": [None, str(found.id)], "why": [None, facts["why"]]}
    _record("carried case over" if carried_from else "listed case", there, by, changes)
    if referral is not None:
        day = referral_rules.local_day(found.starts_at, found.board.time_zone)
        _step(referral, "list_for_board", by, more=referrals.More(board_on=max(day, now().date())))
    return there


def _refuse(found: Meeting, late_because: str) -> None:
    if found.state not in (meeting_rules.PLANNED, meeting_rules.UNDER_WAY):
        raise Conflict(_("This meeting is over."))
    if len(queries.places(found)) >= found.capacity:
        raise Conflict(_("The agenda is full: %(n)s cases. Take one off first.", n=found.capacity))
    if queries.is_late(found) and not late_because.strip():
        raise Invalid(_("The cut-off has passed: say why it cannot wait."), field="late_because")


def _step(referral: Referral, name: str, by: Viewer, **more: Any) -> None:
    """The referral's own step, where its state has it and the viewer may take it: the doctor who
    asked sees where the case stands."""
    try:
        may = referral_queries.step(by, referral, name)
    except Forbidden:
        return
    if may is not None:
        referrals.take(referral, name, by=by, version=referral.version, **more)


def carry_over(found: Meeting, *, by: Viewer) -> list[AgendaItem]:
    """Bring what earlier meetings of the board left undiscussed onto this agenda, as far as there
    is room, in the order in which they were listed."""
    made = []
    for one in queries.left_over(found):
        if len(queries.places(found)) >= found.capacity:
            break
        referral = db.session.get(Referral, one.referral_id) if one.referral_id else None
        made.append(
            put_on(
                found,
                one.patient,
                by=by,
                referral=referral,
                why=one.why,
                question=one.question,
                question_text=one.question_text,
                late_because=str(_("Carried over")),
                carried_from=one,
            )
        )
    return made


def place(one: AgendaItem, to: int, *, by: Viewer) -> None:
    """Put a case to a place of its agenda, counted from 0."""
    meetings.fresh(one.meeting)
    before = queries.places(one.meeting)
    after = rules.moved(before, one, to=to)
    if after == before:
        return
    for number, item in enumerate(after, start=1):
        if item.place != number * 10:
            item.place = number * 10
    db.session.flush()
    touch(one.meeting_id)
    changes = {"place": [before.index(one) + 1, after.index(one) + 1]}
    _record("ordered agenda", one, by, changes)


def change(one: AgendaItem, *, by: Viewer, version: int, facts: dict[str, Any]) -> None:
    """Change what is asked about a case, who presents it, and where its pictures are."""
    _hold(one, version)
    changes = {
        name: [_told(getattr(one, name)), _told(value)]
        for name, value in facts.items()
        if getattr(one, name) != value
    }
    for name, value in facts.items():
        setattr(one, name, value)
    db.session.flush()
    touch(one.meeting_id)
    changes.pop("question_text", None)  # free text stands in no audit
    _record("changed case", one, by, changes)


def _told(value: Any) -> Any:
    return str(value) if isinstance(value, UUID) else value


def _hold(one: AgendaItem, version: int | None) -> None:
    meetings.fresh(one.meeting)
    db.session.refresh(one)
    if version is not None and one.version != version:
        raise Conflict(_("This was changed by somebody else while you were working on it."))


def take_off(one: AgendaItem, *, by: Viewer) -> None:
    """Take a case off that was not discussed."""
    _hold(one, None)
    if one.state not in (rules.LISTED, rules.DEFERRED):
        raise Conflict(_("This case was discussed."))
    before, one.state, one.deferred_for = one.state, rules.REMOVED, ""
    db.session.flush()
    touch(one.meeting_id)
    _record("took case off", one, by, {"state": [before, rules.REMOVED]})
    referral = db.session.get(Referral, one.referral_id) if one.referral_id else None
    if referral is not None:
        _step(referral, "defer", by, text=str(_("Taken off the agenda of the board.")))


def defer(one: AgendaItem, *, by: Viewer, reason: str, text: str = "") -> None:
    """Put a case off, with a reason; it is carried over to a later meeting."""
    _hold(one, None)
    if one.state == rules.DISCUSSED:
        raise Conflict(_("This case was discussed."))
    if reason not in rules.DEFERRALS:
        raise Invalid(_("Choose the reason."), field="reason")
    before = one.state
    one.state, one.deferred_for, one.deferred_text = rules.DEFERRED, reason, text.strip()[:500]
    db.session.flush()
    touch(one.meeting_id)
    _record("deferred case", one, by, {"state": [before, rules.DEFERRED], "for": [None, reason]})


def list_again(one: AgendaItem, *, by: Viewer) -> None:
    """A case that was put off is discussed after all."""
    _hold(one, None)
    if one.state != rules.DEFERRED:
        return
    one.state, one.deferred_for, one.deferred_text = rules.LISTED, "", ""
    db.session.flush()
    touch(one.meeting_id)
    _record("listed case", one, by, {"state": [rules.DEFERRED, rules.LISTED]})


def mark_discussed(one: AgendaItem, *, by: Viewer) -> None:
    """The board has spoken about a case."""
    if one.state == rules.DISCUSSED:
        return
    before = one.state
    one.state, one.deferred_for, one.deferred_text = rules.DISCUSSED, "", ""
    one.discussed_at = now()
    db.session.flush()
    touch(one.meeting_id)
    _record("discussed case", one, by, {"state": [before, rules.DISCUSSED]})
    referral = db.session.get(Referral, one.referral_id) if one.referral_id else None
    if referral is not None:  # on the day of the board, whenever it is written down
        referrals.was_discussed(referral, by=by, at=min(one.meeting.starts_at, one.discussed_at))


# -- what is needed ----------------------------------------------------------------------------


def ask(
    one: AgendaItem, what: str, *, by: Viewer, person_id: UUID | None = None, asked_of: str = ""
) -> AgendaNeed:
    """Ask somebody for what the board needs: a person with an account is told, who has none is
    named in words."""
    if not what.strip():
        raise Invalid(_("Say what is needed."), field="what")
    if person_id is None and not asked_of.strip():
        raise Invalid(_("Say who is asked."), field="asked_of")
    made = AgendaNeed(
        item_id=one.id,
        what=what.strip()[:300],
        person_id=person_id,
        asked_of=asked_of.strip()[:120],
        asked_by=by.person_id,
    )
    db.session.add(made)
    db.session.flush()
    touch(one.meeting_id)
    asked = str(person_id) if person_id else "in words"
    _record("asked for board", one, by, {"asked": [None, asked]})
    if person_id is not None and person_id != by.person_id:
        people.tell([person_id], "board_needs", subject=("agenda_need", made.id))
    return made


def meet(need: AgendaNeed, *, by: Viewer) -> None:
    """What was needed is there."""
    if need.met_at is not None:
        return
    need.met_at, need.met_by = now(), by.person_id
    db.session.flush()
    touch(need.item.meeting_id)
    _record("met need of board", need.item, by, {"need": [None, str(need.id)]})
