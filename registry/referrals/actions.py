"""Writing referrals: drafts, sending, and every step of the table.

A step is taken in one place: the row of the referral is held, the copy the person saw is compared
with the one in force, the state moves, the event and the audit row are written, and who must know
is told. Whoever comes second is told who was first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from flask_babel import gettext as _
from sqlalchemy.exc import IntegrityError

from registry import audit, codes
from registry.access import Role, Seat, Viewer
from registry.course import actions as course
from registry.course.licence import may_derive_stages
from registry.dates import PartialDate
from registry.db import db, new_id, now
from registry.errors import Conflict, Forbidden, Invalid, Refusal
from registry.patients import actions as patients
from registry.patients import queries as patient_queries
from registry.patients import rules as relations
from registry.patients.models import Patient
from registry.people import actions as people
from registry.people import queries as people_queries
from registry.people.models import REFERENCE_CENTRE, Organisation
from registry.referrals import queries, rules
from registry.referrals.case import ASKED, CONTACT, Case, assess
from registry.referrals.models import (
    Advice,
    InformationRequest,
    Referral,
    ReferralEvent,
    Submission,
)
from registry.referrals.rules import Step

# -- drafts ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class NewPatient:
    """Who the patient of a new referral is, as typed on its first page."""

    facts: dict[str, Any]
    absent: dict[str, Any]
    hospital_number: str = ""


def start_draft(
    *,
    by: Viewer,
    form_key: UUID,
    to: Organisation,
    patient: Patient | None = None,
    new: NewPatient | None = None,
    consents: dict[str, str] | None = None,
    hospital: Organisation | None = None,
    on_behalf_of: str = "",
    contact: dict[str, str] | None = None,
) -> Referral:
    """Begin a referral for a patient the viewer knows, or for a new, provisional one.

    The same `form_key` sent twice makes one draft. With `hospital` a coordinator enters it for a
    doctor of that hospital. Raises Invalid for a hospital number that is taken and for a centre
    that cannot be asked.
    """
    if to.kind != REFERENCE_CENTRE or not to.active:
        raise Invalid(_("Choose the centre."), field="centre")
    there = queries.by_form_key(by, form_key)
    if there is not None and there.state == rules.WITHDRAWN and there.submitted_at is None:
        there, form_key = None, new_id()  # the page of a draft that was thrown away, sent again
    if there is not None:
        return there
    acting = by if hospital is None else _acting_for(hospital, by)
    try:
        with db.session.begin_nested():
            if patient is None:
                patient = _register(
                    new or NewPatient({}, {}), acting, for_another=hospital is not None
                )
            elif hospital is not None:
                patients.relate(patient.id, hospital.id, relations.REFERRING, by=by, why="referral")
            made = Referral(
                id=new_id(),
                form_key=form_key,
                patient_id=patient.id,
                from_organisation_id=acting.organisation_id,
                to_organisation_id=to.id,
                referrer_id=by.person_id if hospital is None else None,
                entered_by=by.person_id,
                entered_at_organisation_id=by.organisation_id,
                on_behalf_of=on_behalf_of or None,
                draft=_first_draft(consents or {}, contact or {}),
                draft_saved_at=now(),
                draft_saved_by=by.person_id,
            )
            db.session.add(made)
            db.session.flush()
    except (IntegrityError, Refusal):
        # The same page sent twice at once: the other one was first, so its draft is ours.
        there = queries.by_form_key(by, form_key)
        if there is None:
            raise
        return there
    if hospital is not None:
        patients.relate(patient.id, by.organisation_id, relations.ADDRESSED, by=by, why="referral")
    _record(made, by, "began referral", {"state": [None, rules.DRAFT]})
    return made


def _acting_for(hospital: Organisation, by: Viewer) -> Viewer:
    """The coordinator, working for the hospital whose doctor asked."""
    if Role.TRIAGE_COORDINATOR not in by.roles:
        raise Forbidden()
    seat = Seat(
        hospital.id,
        hospital.name,
        hospital.code,
        hospital.kind,
        hospital.time_zone,
        frozenset(),
    )
    return replace(by, seat=seat)


def _register(new: NewPatient, acting: Viewer, *, for_another: bool) -> Patient:
    number = new.hospital_number
    if for_another and patient_queries.number_is_taken(acting, number):
        number = ""  # that the hospital has such a patient is not for the centre to learn
    return patients.register(
        by=acting,
        facts=new.facts,
        absent=new.absent,
        hospital_number=number,
        relation=relations.REFERRING,
        why="referral",
        provisional=True,
    )


def _first_draft(consents: dict[str, str], contact: dict[str, str]) -> dict[str, list[str]]:
    kept = {f"consent_{purpose}": answer for purpose, answer in consents.items()} | contact
    return {name: [text] for name, text in kept.items() if text}


def save_draft(
    referral: Referral,
    typed: dict[str, list[str]],
    *,
    by: Viewer,
    version: int,
    to: Organisation | None = None,
) -> Referral:
    """Keep what was typed, as it was typed. Raises Conflict when somebody saved meanwhile.

    Sending the same again after an answer that was lost is no conflict.
    """
    queries.fresh(referral)
    if referral.version != version:
        if referral.draft == typed and referral.draft_saved_by == by.person_id:
            return referral
        raise Conflict(_who_saved(referral))
    if referral.state not in (rules.DRAFT, rules.INFORMATION_REQUESTED):
        raise Conflict(who_was_first(referral))
    referral.draft, referral.draft_saved_at, referral.draft_saved_by = typed, now(), by.person_id
    if to is not None and referral.state == rules.DRAFT and not referral.entered_for_another:
        referral.to_organisation_id = to.id
    db.session.flush()
    return referral


def _who_saved(referral: Referral) -> str:
    names = people_queries.person_names([referral.draft_saved_by])
    who = names.get(referral.draft_saved_by) if referral.draft_saved_by else None
    if referral.draft is None or who is None:
        return who_was_first(referral)
    return str(_("%(who)s saved this meanwhile. What you typed is still here.", who=who))


# -- steps -------------------------------------------------------------------------------------


def take(
    referral: Referral,
    name: str,
    *,
    by: Viewer,
    version: int,
    case: Case | None = None,
    text: str = "",
    kinds: Sequence[str] = (),
    assignee_id: UUID | None = None,
    at: datetime | None = None,
) -> None:
    """Take a step of the table on a referral that was fetched for the viewer.

    `version` is of the copy the viewer saw. `at` is when it happened, for what is entered later.
    Raises Conflict when another step came first, Forbidden when the viewer may not take it, and
    Invalid, with the field, when something the step needs is missing.
    """
    queries.fresh(referral)
    step = queries.step(by, referral, name)
    if step is None or referral.version != version:
        raise Conflict(who_was_first(referral))
    taking = Taking(step, referral, by, at or now(), case, text.strip(), tuple(kinds), assignee_id)
    taking.check_needs()
    before = referral.state
    # The state moves last: what it stands for is on the row before the row says so.
    _EFFECTS[name](taking)
    _turn_clock(taking)
    referral.move(step.to)
    referral.moved_at = now()
    event = _event(taking, before)
    db.session.add(event)
    db.session.flush()
    changes: dict[str, Any] = {"state": [before, step.to], **taking.changes}
    _record(referral, by, f"referral: {name.replace('_', ' ')}", changes)
    _tell(taking)


def submit(
    referral: Referral, case: Case, *, by: Viewer, version: int, at: datetime | None = None
) -> None:
    """Send a draft, or the information that was asked for. Raises as `take`."""
    name = "submit" if referral.state == rules.DRAFT else "give_information"
    take(referral, name, by=by, version=version, case=case, at=at)


def who_was_first(referral: Referral) -> str:
    """What to tell the one who came second."""
    last = queries.last_event(referral)
    state = rules.STATES[referral.state]
    if last is None:
        return str(_("This referral changed meanwhile. It is now: %(state)s.", state=state))
    who, step, _at = last
    text = _(
        "%(who)s was first: %(what)s. The referral is now: %(state)s.",
        who=who or _("Somebody"),
        what=rules.TAKEN[step],
        state=state,
    )
    return str(text)


@dataclass
class Taking:
    """A step while it is being taken."""

    step: Step
    referral: Referral
    by: Viewer
    at: datetime
    case: Case | None
    text: str
    kinds: tuple[str, ...]
    assignee_id: UUID | None

    def __post_init__(self) -> None:
        self.changes: dict[str, Any] = {}  # for the audit: codes, never free text
        self.advisers: list[UUID | None] = []

    def check_needs(self) -> None:
        """Raise Invalid for what the step needs and has not."""
        needs = self.step.needs
        for name in ("reason", "request", "text"):
            if name in needs and not self.text:
                raise Invalid(str(rules.NEED_MESSAGES[name]), field=name)
        if "kinds" in needs:
            known = codes.codes("advice_kind")
            if not self.kinds or not set(self.kinds) <= set(known):
                raise Invalid(str(rules.NEED_MESSAGES["kinds"]), field="kinds")
        if "assignee" in needs:
            here = {one.id for one in queries.colleagues(self.by)}
            if self.assignee_id not in here:
                raise Invalid(str(rules.NEED_MESSAGES["assignee"]), field="assignee")
        if "facts" in needs and self.case is None:
            raise Invalid(_("Check the referral before you send it."))


def _event(taking: Taking, before: str) -> ReferralEvent:
    name = taking.step.name
    return ReferralEvent(
        referral_id=taking.referral.id,
        at=taking.at,
        person_id=taking.by.person_id,
        organisation_id=taking.by.organisation_id,
        step=name,
        from_state=before,
        to_state=taking.step.to,
        text="" if name == "advise" else taking.text,
        shown_to="centre" if name in rules.OF_THE_CENTRE else "both",
    )


# -- what each step does -----------------------------------------------------------------------


def _send(taking: Taking) -> None:
    """Freeze what is sent; derive; bring the triage columns up to it."""
    referral, case, by = taking.referral, taking.case, taking.by
    if case is None:
        raise Invalid(_("Check the referral before you send it."))
    _refuse_incomplete(case, referral)
    referral.submitted_at = referral.submitted_at or taking.at
    patients.confirm(referral.patient, by=by)
    _keep_consents(referral.patient_id, case.consents, by)
    for name in ASKED:
        setattr(referral, name, case.asked.get(name))
    referral.absent = dict(case.asked.get("absent") or {})
    for name in CONTACT:
        setattr(referral, name, case.contact.get(name))
    found = assess(
        case.asked,
        case.facts,
        birth_date=referral.patient.birth_date,
        sex_at_birth=referral.patient.sex_at_birth,
        licensed=may_derive_stages(),
    )
    for name, value in found.columns().items():
        setattr(referral, name, value)
    last = queries.latest_submission(referral)
    sent = Submission(
        referral_id=referral.id,
        number=last.number + 1 if last else 1,
        asked=case.asked,
        facts=case.facts,
        derived=found.derived_json(),
        missing=found.missing_json(),
        sent_at=taking.at,
        sent_by=by.person_id,
        organisation_id=by.organisation_id,
    )
    db.session.add(sent)
    referral.draft = referral.draft_saved_at = referral.draft_saved_by = None
    taking.changes |= {"submission": [None, sent.number], "urgency": [None, referral.urgency]}
    patients.relate(
        referral.patient_id,
        referral.to_organisation_id,
        relations.ADDRESSED,
        by=by,
        why="referral",
    )


def _refuse_incomplete(case: Case, referral: Referral) -> None:
    """Only these can block sending: identity, consent to share for care, question, contact."""
    patient = referral.patient
    if not patient.full_name or not (patient.birth_date or patient.absent.get("birth_date")):
        raise Invalid(_("Enter who the patient is."))
    if case.consents.get("care") != "yes":
        raise Invalid(
            _("Without consent to share for care nothing can be sent."), field="consent_care"
        )
    if not case.asked.get("question"):
        raise Invalid(_("Choose the question."), field="question")
    if not (case.asked.get("question_text") or "").strip():
        raise Invalid(_("Write the question in your words."), field="question_text")
    if not case.contact.get("contact_name"):
        raise Invalid(_("Enter who answers questions."), field="contact_name")
    if not (case.contact.get("contact_telephone") or case.contact.get("contact_email")):
        raise Invalid(
            _("Enter a telephone number or an e-mail address."), field="contact_telephone"
        )


def _keep_consents(patient_id: UUID, answers: dict[str, str], by: Viewer) -> None:
    """Record what the patient answered; *not asked* never takes back an earlier answer."""
    known = patient_queries.consents(by, patient_id)
    for purpose, answer in answers.items():
        before = known[purpose].answer if purpose in known else None
        if answer == before or (answer == "not_asked" and before is not None):
            continue
        given_on = None if answer == "not_asked" else PartialDate.of(now().date())
        patients.answer_consent(patient_id, purpose, answer, by=by, given_on=given_on)


def _give_information(taking: Taking) -> None:
    _send(taking)
    asked = queries.open_request(taking.referral)
    if asked is not None:
        asked.answered_at, asked.answered_by = taking.at, taking.by.person_id


def _withdraw(taking: Taking) -> None:
    referral, by = taking.referral, taking.by
    referral.draft = referral.draft_saved_at = referral.draft_saved_by = None
    referral.ended_at = taking.at
    if referral.submitted_at is None:
        _throw_away(referral, by)
    else:
        _stop_asking(referral, by)


def _throw_away(referral: Referral, by: Viewer) -> None:
    """What the draft alone brought about ends with it: who may see the patient, and, of one who
    was known from it alone, who the patient is."""
    patient, hospital = referral.patient, referral.from_organisation_id
    others = queries.others_of_patient(referral)
    brought = patient.provisional or referral.entered_for_another
    if brought and hospital not in {one.from_organisation_id for one in others}:
        patients.end_relation(patient.id, hospital, relations.REFERRING, by=by)
    if referral.entered_for_another:
        _stop_helping(referral, others, by)
    if patient.provisional and not others:
        patients.forget(patient, by=by)


def _stop_helping(referral: Referral, others: Sequence[Referral], by: Viewer) -> None:
    """The centre that entered it for a hospital has no part in the patient from this draft."""
    centre = referral.entered_at_organisation_id
    if any(o.state == rules.DRAFT and o.entered_at_organisation_id == centre for o in others):
        return
    if others:
        _stop_asking(referral, by)
    else:
        patients.end_relation(referral.patient_id, centre, relations.ADDRESSED, by=by)


def _stop_asking(referral: Referral, by: Viewer) -> None:
    """The centre reads on for a while, unless it is asked about this patient elsewhere too."""
    if not queries.other_live(referral):
        patients.end_relation(
            referral.patient_id,
            referral.to_organisation_id,
            relations.ADDRESSED,
            by=by,
            after=relations.AFTER_DECLINING,
        )


def _accept(taking: Taking) -> None:
    """The centre treats: it may see and write, and the record opens with what was sent."""
    referral, by = taking.referral, taking.by
    referral.decided_at = taking.at
    centre, patient_id = referral.to_organisation_id, referral.patient_id
    patients.relate(patient_id, centre, relations.TREATING, by=by, why="accepted referral")
    patients.end_relation(patient_id, centre, relations.ADDRESSED, by=by)
    sent = queries.latest_submission(referral)
    if sent is not None:
        source = ("referral", str(referral.id))
        course.open_record(referral.patient, sent.facts, by=by, source=source)
    if referral.assignee_id is None and Role.CLINICIAN in by.roles:
        referral.assignee_id = by.person_id


def _request(taking: Taking) -> None:
    db.session.add(
        InformationRequest(
            referral_id=taking.referral.id,
            what=taking.text,
            asked_at=taking.at,
            asked_by=taking.by.person_id,
        )
    )


def _decline(taking: Taking) -> None:
    referral = taking.referral
    referral.decided_at = referral.ended_at = taking.at
    referral.draft = referral.draft_saved_at = referral.draft_saved_by = None
    _stop_asking(referral, taking.by)


def _assign(taking: Taking) -> None:
    before, after = taking.referral.assignee_id, taking.assignee_id
    taking.referral.assignee_id = after
    taking.changes["assignee"] = [str(before) if before else None, str(after)]


def _advise(taking: Taking) -> None:
    referral = taking.referral
    referral.advised_at = referral.advised_at or taking.at
    db.session.add(
        Advice(
            referral_id=referral.id,
            kinds=list(taking.kinds),
            text=taking.text,
            at=taking.at,
            given_by=taking.by.person_id,
            organisation_id=taking.by.organisation_id,
        )
    )
    taking.changes["kinds"] = [None, list(taking.kinds)]


def _acknowledge(taking: Taking) -> None:
    for advice in queries.unacknowledged(taking.referral):
        advice.acknowledged_at, advice.acknowledged_by = taking.at, taking.by.person_id
        taking.advisers.append(advice.given_by)


def _close(taking: Taking) -> None:
    taking.referral.ended_at = taking.at


_EFFECTS: dict[str, Callable[[Taking], None]] = {
    "submit": _send,
    "give_information": _give_information,
    "withdraw": _withdraw,
    "accept": _accept,
    "request_information": _request,
    "decline": _decline,
    "assign": _assign,
    "advise": _advise,
    "acknowledge": _acknowledge,
    "close": _close,
}


# -- clocks ------------------------------------------------------------------------------------


def _turn_clock(taking: Taking) -> None:
    """Stop or run the centre's clock, and say when it must have decided and advised."""
    referral, effect = taking.referral, taking.step.clock
    clock = rules.clock_after(effect, referral.clock, referral.urgency)
    if referral.stopped_since is not None and clock != rules.STOPPED:
        _count_pause(referral, taking.at)
    if clock == rules.STOPPED and referral.stopped_since is None:
        referral.stopped_since = taking.at
    referral.clock = clock
    _set_deadlines(referral)


def _count_pause(referral: Referral, until: datetime) -> None:
    zone, since = _zone(referral), referral.stopped_since or until
    pause = referral.pause.longer(rules.local_day(since, zone), rules.local_day(until, zone))
    referral.paused_days, referral.paused_working_days = pause.days, pause.working_days
    referral.stopped_since = None


def _zone(referral: Referral) -> str:
    return people_queries.organisation_by_id(referral.to_organisation_id).time_zone


def _set_deadlines(referral: Referral) -> None:
    if referral.submitted_at is None:
        return
    sent, word = rules.local_day(referral.submitted_at, _zone(referral)), referral.urgency
    referral.answer_due = rules.advice_due(sent, word, referral.pause)
    decided = referral.decided_at is not None
    due = referral.answer_due if decided else rules.decision_due(sent, word, referral.pause)
    referral.deadline = due


# -- who must know -----------------------------------------------------------------------------


def _tell(taking: Taking) -> None:
    """Tell those the step concerns, never the one who took it."""
    if taking.step.name not in rules.TELLS or taking.referral.submitted_at is None:
        return
    why, whom = rules.TELLS[taking.step.name]
    wanted = [one for one in _AUDIENCE[whom](taking) if one != taking.by.person_id]
    people.tell(wanted, why, subject=("referral", taking.referral.id))


def _coordinators(taking: Taking) -> Iterable[UUID | None]:
    members = people_queries.members(taking.referral.to_organisation_id, [Role.TRIAGE_COORDINATOR])
    return [one.id for one in members]


def _referrer(taking: Taking) -> Iterable[UUID | None]:
    return [taking.referral.referrer_id or taking.referral.entered_by]


def _assignee(taking: Taking) -> Iterable[UUID | None]:
    return [taking.referral.assignee_id]


_AUDIENCE: dict[str, Callable[[Taking], Iterable[UUID | None]]] = {
    "coordinators": _coordinators,
    "centre": lambda taking: [*_coordinators(taking), *_assignee(taking)],
    "referrer": _referrer,
    "assignee": _assignee,
    "advisers": lambda taking: [*taking.advisers, *_assignee(taking)],
}


def _record(referral: Referral, by: Viewer, action: str, changes: dict[str, Any]) -> None:
    audit.record(
        action,
        by=by,
        subject=("referral", referral.id),
        patient_id=referral.patient_id,
        changes=changes,
    )
