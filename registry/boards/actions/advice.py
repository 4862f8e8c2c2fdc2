"""Writing a recommendation live, dissent, signing it, and amending what was signed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from registry import audit
from registry.access import Right, Role, Viewer
from registry.boards.actions import agenda
from registry.boards.actions.delivery import deliver
from registry.boards.actions.meetings import touch
from registry.boards.models import (
    AgendaItem,
    Dissent,
    Recommendation,
    RecommendationEdit,
    Signature,
    Vote,
)
from registry.boards.queries import advice as queries
from registry.boards.queries import meetings
from registry.boards.queries.case import CaseView
from registry.boards.rules import advice as rules
from registry.boards.rules import meetings as meeting_rules
from registry.course import actions as course
from registry.course.models import Tumour
from registry.dates import PartialDate
from registry.db import db, now
from registry.errors import Conflict, Forbidden, Invalid
from registry.language import gettext as _
from registry.language import lazy_gettext as _l
from registry.referrals import rules as referral_rules

audit.learn(
    {
        "wrote recommendation": _l("Wrote what a board recommends"),
        "noted dissent": _l("Noted a dissent in a board"),
        "signed recommendation": _l("Signed what a board recommends"),
        "signed recommendation too": _l("Signed what a board recommends, as the second"),
        "began amendment": _l("Began to amend what a board recommends"),
        "gave opinion": _l("Gave an opinion in a written consultation"),
    }
)

_SIGNERS = frozenset({Role.BOARD_CHAIR, Role.CLINICIAN})


def _record(action: str, found: Recommendation, item: AgendaItem, by: Viewer, **said: Any) -> None:
    audit.record(
        action,
        by=by,
        subject=("recommendation", found.id),
        patient_id=item.patient_id,
        changes={name: [None, value] for name, value in said.items()},
    )


# -- writing -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Saved:
    """What a save came to. With `clashes` nothing was saved: what both changed, as the other has
    it; `typed` is then what the writer typed, with everything else of the other taken over."""

    recommendation: Recommendation
    typed: dict[str, list[str]]
    clashes: dict[str, list[str]]


def save(item: AgendaItem, typed: rules.Typed, *, by: Viewer, seen: int) -> Saved:
    """Keep what was typed by somebody who began with the copy `seen`.

    What somebody else wrote meanwhile in other fields is kept too. Raises Conflict when the text
    was signed or the meeting does not write.
    """
    meetings.fresh(item.meeting)
    _refuse_writing(item)
    found = queries.draft(item) or _first(item, by)
    if found.revision == seen:
        merged = rules.Merged({n: list(v) for n, v in typed.items() if any(v)}, {})
    else:
        merged = rules.merge(queries.typed_at(found, seen), typed, found.draft or {})
    if merged.clashes or merged.typed == (found.draft or {}):
        return Saved(found, merged.typed, merged.clashes)
    is_new_hand = found.saved_by != by.person_id or found.revision == 0
    found.revision += 1
    found.draft, found.saved_at, found.saved_by = merged.typed, now(), by.person_id
    db.session.add(
        RecommendationEdit(
            recommendation_id=found.id,
            revision=found.revision,
            typed=merged.typed,
            at=found.saved_at,
            by=by.person_id,
        )
    )
    db.session.flush()
    touch(item.meeting_id)
    if is_new_hand:
        _record("wrote recommendation", found, item, by, revision=found.revision)
    agenda.mark_discussed(item, by=by)
    return Saved(found, merged.typed, {})


def _refuse_writing(item: AgendaItem) -> None:
    if item.meeting.state not in (meeting_rules.UNDER_WAY, meeting_rules.HELD):
        raise Conflict(_("Open the meeting first."))
    if item.state == "removed":
        raise Conflict(_("This case was taken off the agenda."))


def _first(item: AgendaItem, by: Viewer) -> Recommendation:
    if queries.latest_number(item):
        raise Conflict(_("This was signed. Amend it to change it."))
    made = Recommendation(item_id=item.id, number=1, saved_by=by.person_id, draft={})
    db.session.add(made)
    db.session.flush()
    return made


def dissent(item: AgendaItem, text: str, *, by: Viewer, who: str = "") -> None:
    """Somebody disagrees: oneself, or somebody whose dissent is written down for them."""
    if not text.strip():
        raise Invalid(_("Say what the dissent is."), field="text")
    meetings.fresh(item.meeting)
    _refuse_writing(item)
    found = queries.draft(item) or _first(item, by)
    named = who.strip()[:200] or by.name
    if any((one.who, one.text) == (named, text.strip()) for one in queries.dissents(found)):
        return  # sent twice
    db.session.add(
        Dissent(
            recommendation_id=found.id,
            person_id=None if who.strip() else by.person_id,
            who=named,
            text=text.strip(),
            at=now(),
        )
    )
    db.session.flush()
    touch(item.meeting_id)
    _record("noted dissent", found, item, by, who=named)


def vote(item: AgendaItem, choice: str, text: str, *, by: Viewer) -> None:
    """Say what one thinks of a case; it can be changed until it is signed."""
    if choice not in meeting_rules.CHOICES:
        raise Invalid(_("Choose an answer."), field="choice")
    if choice in ("agree_but", "disagree") and not text.strip():
        raise Invalid(_("Say it in words."), field="text")
    meetings.fresh(item.meeting)
    if queries.draft(item) is None and queries.latest_number(item):
        raise Conflict(_("This was signed. Amend it to change it."))
    there = db.session.scalar(
        sa.select(Vote).where(Vote.item_id == item.id, Vote.person_id == by.person_id)
    )
    if there is None:
        there = Vote(item_id=item.id, person_id=by.person_id)
        db.session.add(there)
    there.choice, there.text, there.at = choice, text.strip(), now()
    db.session.flush()
    touch(item.meeting_id)
    audit.record(
        "gave opinion",
        by=by,
        subject=("agenda_item", item.id),
        patient_id=item.patient_id,
        changes={"choice": [None, choice]},
    )


# -- signing -----------------------------------------------------------------------------------


class Unfinished(Invalid):
    """What keeps a draft from being signed, by field."""

    def __init__(self, problems: Mapping[str, Any]) -> None:
        super().__init__(str(_("Something is missing before it can be signed.")))
        self.problems = dict(problems)


def sign(
    item: AgendaItem, view: CaseView, *, by: Viewer, seen: int, signed_text: Mapping[str, str]
) -> Recommendation:
    """The chair signs the draft, as it stood at `seen`: from now on nothing of it changes.

    `view` is the case as the board saw it. `signed_text`: the words that are derived when it is
    signed (the advice the referrer reads). Raises Forbidden to others than a chair of the centre,
    Conflict when somebody wrote meanwhile, Unfinished for what is missing.
    """
    if not by.may(Right.SIGN_BOARD) or by.organisation_id != item.meeting.organisation_id:
        raise Forbidden()
    meetings.fresh(item.meeting)
    _refuse_writing(item)
    found = queries.draft(item)
    if found is None:
        raise Conflict(_("There is nothing to sign."))
    if found.revision != seen:
        raise Conflict(_("Somebody wrote meanwhile: read it again before you sign."))
    typed = found.draft or {}
    problems = rules.problems(typed, listed=view.listed, today=now().date())
    if problems:
        raise Unfinished(problems)
    dissents = [{"who": one.who, "text": one.text} for one in queries.dissents(found)]
    around = {**_around(item, found, view), "advice_text": signed_text["advice"]}
    said = rules.content(typed, listed=view.listed, dissents=dissents, around=around)
    said["changes"] = [_assess(one, item, view, found, by) for one in said["changes"]]
    # The mark is of what the database will give back: JSON may not keep the order of keys.
    found.sha256 = rules.mark(found.id, found.number, found.amended_because, said)
    found.content, found.review_date = said, said["review_date"] or None
    found.draft, found.locked_at = None, now()
    agenda.mark_discussed(item, by=by)
    db.session.flush()
    _put_signature(found, by)
    touch(item.meeting_id)
    _record("signed recommendation", found, item, by, number=found.number, sha256=found.sha256)
    if not item.meeting.two_signatures:
        deliver(found, by=by)
    return found


def sign_too(found: Recommendation, *, by: Viewer) -> None:
    """A second one signs what the chair signed; then it is delivered."""
    item = found.item
    inside = meetings.is_inside(by, item.meeting.organisation_id)
    if not inside or not by.roles & _SIGNERS:
        raise Forbidden()
    if not item.meeting.two_signatures or len(found.signatures) > 1:
        raise Conflict(_("No second signature is wanted."))
    if any(one.person_id == by.person_id for one in found.signatures):
        raise Conflict(_("Somebody else has to sign as the second."))
    _put_signature(found, by)
    touch(item.meeting_id)
    _record("signed recommendation too", found, item, by, sha256=found.sha256)
    deliver(found, by=by)


def _put_signature(found: Recommendation, by: Viewer) -> None:
    if by.person_id is None:
        raise Forbidden()
    made = Signature(recommendation_id=found.id, person_id=by.person_id, at=now())
    db.session.add(made)
    db.session.flush()
    db.session.expire(found, ["signatures"])


def _around(item: AgendaItem, draft: Recommendation, view: CaseView) -> dict[str, Any]:
    """What stood around the recommendation: the meeting, who was there, and the case."""
    meeting = item.meeting
    zone = meeting.board.time_zone
    return {
        "meeting": {
            "board": meeting.board.name,
            "kind": meeting.kind,
            "day": referral_rules.local_day(meeting.starts_at, zone).isoformat(),
        },
        **_who_was_there(item, draft),
        "question": item.question,
        "question_text": item.question_text,
        "case": {"site": view.site, "grade": view.grade, "stage": view.stage},
        "listed": view.listed,
        "trials": [
            {"code": one.code, "title": one.title, "answer": one.answer} for one in view.trials
        ],
        "votes": [
            {"who": one.person.name, "choice": one.choice, "text": one.text}
            for one in queries.votes(item)
        ],
    }


def _who_was_there(item: AgendaItem, draft: Recommendation) -> dict[str, Any]:
    """Who was there while the case was spoken about, also who came in the middle of it. An
    amendment is written later: those who were there are those of the version before."""
    before = queries.signed_of(item)
    if before is not None and before.content:
        return {name: before.content[name] for name in ("present", "not_present")}
    meeting, start = item.meeting, item.discussed_at or now()
    ends = (draft.saved_at, meeting.closed_at, queries.next_began(item))
    end = max(min(one for one in ends if one is not None), start)
    present = [
        one
        for one in meetings.attendances(meeting)
        if meeting_rules.Presence(one.discipline, one.arrived_at, one.left_at).during(start, end)
    ]
    disciplines = [one.discipline for one in present]
    return {
        "present": [{"who": one.person.name, "discipline": one.discipline} for one in present],
        "not_present": meeting_rules.absent_disciplines(meeting.quorum, disciplines),
    }


# -- what the board found otherwise ------------------------------------------------------------

#: What the board finds otherwise → the entity and column of the assessment it becomes.
_COLUMNS = {
    "grade": ("pathology", "grade_stated"),
    "stage": ("staging", "stage_stated"),
    "type": ("pathology", "type_stated"),
}
SOURCE = "board"


def _assess(
    change: Mapping[str, str],
    item: AgendaItem,
    view: CaseView,
    found: Recommendation,
    by: Viewer,
) -> dict[str, str]:
    """A grade, stage or kind that the board found otherwise becomes a dated assessment of its own,
    marked as the board's; nothing that was there is changed. A primary site is no assessment: it
    is changed on the tumour, whose history keeps what stood there."""
    if change["what"] == "site":
        return _find_site(change, view, by)
    zone = item.meeting.board.time_zone
    entity, column = _COLUMNS[change["what"]]
    values: dict[str, Any] = {
        "date": PartialDate.of(referral_rules.local_day(item.meeting.starts_at, zone)),
        column: change["to"],
        "change_kind": change["kind"],
        "note": str(_("Tumour board: %(why)s", why=change["why"])),
    }
    tumour_id = view.standings[0].id if view.standings else None
    made = course.add(
        entity,
        item.patient,
        by=by,
        values=values,
        source=(SOURCE, str(found.id)),
        tumour_id=_uuid(tumour_id),
    )
    before = {"grade": view.grade, "stage": view.stage}.get(change["what"], "")
    return {**change, "from": before, "entity": entity, "entry": str(made.id)}


def _find_site(change: Mapping[str, str], view: CaseView, by: Viewer) -> dict[str, str]:
    if not view.standings:
        raise Invalid(_("Enter the tumour first."), field="site_to")
    tumour = db.session.get_one(Tumour, _uuid(view.standings[0].id))
    values = {"primary_site": change["to"]}
    course.change(tumour, by=by, version=tumour.version, values=values)
    return {**change, "from": view.site, "entity": "tumour", "entry": str(tumour.id)}


def _uuid(text: str | None) -> UUID | None:
    return UUID(str(text)) if text else None


# -- amending ----------------------------------------------------------------------------------


def amend(found: Recommendation, *, by: Viewer, because: str) -> Recommendation:
    """Begin a new version of what was signed, with its reason; the signed one stays as it is.

    Begun twice it is begun once.
    """
    item = found.item
    meetings.fresh(item.meeting)
    there = queries.draft(item)
    if there is not None:
        return there
    if not because.strip():
        raise Invalid(_("Say why it is amended."), field="because")
    last = queries.signed_of(item)
    if last is None or last.id != found.id:
        raise Conflict(_("There is a newer version."))
    typed = dict(queries.edits(found)[-1].typed)
    for what in rules.CHANGES:  # what was found otherwise was entered with the signed version
        for name in ("to", "kind", "why"):
            typed.pop(f"{what}_{name}", None)
    made = Recommendation(
        item_id=item.id,
        number=found.number + 1,
        amended_because=because.strip()[:500],
        revision=1,
        draft=typed,
        saved_by=by.person_id,
    )
    db.session.add(made)
    db.session.flush()
    db.session.add(
        RecommendationEdit(
            recommendation_id=made.id, revision=1, typed=typed, at=now(), by=by.person_id
        )
    )
    for one in queries.dissents(found):
        db.session.add(
            Dissent(
                recommendation_id=made.id, person_id=one.person_id, who=one.who, text=one.text,
                at=one.at,
            )
        )  # fmt: skip
    db.session.flush()
    touch(item.meeting_id)
    _record("began amendment", made, item, by, number=made.number)
    return made
