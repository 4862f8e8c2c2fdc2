"""The boards of the synthetic network: a weekly one with a meeting that was signed and delivered,
one to come with its agenda, and a few made-up trials."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from importlib import resources
from typing import Any

import sqlalchemy as sa

from registry.access import Viewer
from registry.boards import letters, trial_files
from registry.boards.actions import advice, agenda, delivery, trials
from registry.boards.actions import meetings as actions
from registry.boards.models import AgendaItem, Meeting
from registry.boards.queries import agenda as agendas
from registry.boards.queries import case as cases
from registry.boards.queries import delivery as deliveries
from registry.boards.queries import meetings as queries
from registry.boards.rules import advice as rules
from registry.boards.rules import meetings as meeting_rules
from registry.course.models import FollowUp, Therapy
from registry.dates import PartialDate
from registry.db import acting_at, db
from registry.demo.story import Cast
from registry.patients.models import CareRelation, Patient
from registry.people.models import Organisation
from registry.referrals import actions as referrals
from registry.referrals.models import Referral

_MEMBERS = (
    ("clinician@demo.example", "endocrinology"),
    ("surgeon@demo.example", "surgery"),
    ("radiologist@demo.example", "radiology"),
    ("nuclear@demo.example", "nuclear_medicine"),
    ("pathologist@demo.example", "pathology"),
    ("coordinator@demo.example", "coordination"),
)
_SAID: tuple[dict[str, list[str]], ...] = (
    {
        "answer": ["A somatostatin analogue now; PRRT is kept for progression."],
        "summary": ["Slow growth over six months, little liver volume. Uptake in all lesions."],
        "o1-kind": ["start_systemic"], "o1-agent": ["SSA_LAN"], "o1-intent": ["palliative"],
        "o1-evidence": ["CLARINET"],
        "o2-kind": ["evaluate_systemic"], "o2-agent": ["PRRT_LU_DOTATATE"],
        "o2-condition": ["progression within 12 months and uptake above liver"],
        "tests": ["sstr_pet"], "responsible": ["The referring doctor"],
        "against_because": ["The differentiation was settled in the meeting."],
        "plain": ["The doctors suggest an injection every four weeks. It slows the tumour. You "
                  "come back for a scan in three months."],
    },
    {
        "answer": ["Have the slides reviewed before anything else is decided."],
        "summary": ["Ki-67 and morphology do not fit together. Without review no treatment."],
        "o1-kind": ["pathology_review"], "o1-note": ["Slides to the reference pathologist"],
        "tests": ["repeat_biopsy"], "responsible": ["The board's pathologist"],
        "plain": ["Before the doctors can advise a treatment, a specialist looks at the sample "
                  "again. You hear from us within two weeks."],
    },
    {
        "answer": ["Resection of the primary is possible."],
        "summary": ["Resectable on CT and PET. Fit for surgery."],
        "o1-kind": ["evaluate_surgery"], "o1-intent": ["curative"],
        "tests": ["echocardiogram"], "responsible": ["The surgeons of the centre"],
        "plain": ["The doctors think that the tumour can be taken out by an operation. The "
                  "surgeons ask you to come and talk about it."],
    },
)  # fmt: skip


def add(cast: Cast, today: date) -> None:
    """The board, its past meeting and the one to come. Needs the caseload."""
    centre = cast.places["NL-TULP"]
    chair = cast.viewer("chair@demo.example")
    made_up = resources.files("registry.demo") / "trials.csv"
    trials.keep(trial_files.read_csv(made_up.read_text(encoding="utf-8")), by=chair)
    past, coming = _days(centre, today)
    board = _board(centre, chair, past)
    for email, discipline in (("chair@demo.example", "oncology"), *_MEMBERS):
        actions.seat(board, cast.people[email], discipline, by=chair)
    waiting = _accepted(centre)
    held = next(one for one in _meetings(board.id) if one.starts_at.date() == past)
    with acting_at(held.starts_at - timedelta(days=2)):
        items = [agenda.put_on(held, one.patient, by=chair, referral=one) for one in waiting[:2]]
    _hold(cast, held, items, chair)
    _prepare(cast, next(m for m in _meetings(board.id) if m.starts_at.date() >= coming), chair)


def _days(centre: Organisation, today: date) -> tuple[date, date]:
    """The last and the next day of the board."""
    weekday = centre.board_weekday or 0
    past = today - timedelta(days=(today.weekday() - weekday) % 7 or 7)
    return past, past + timedelta(days=7)


def _board(centre: Organisation, chair: Viewer, past: date) -> Any:
    with acting_at(datetime.combine(past - timedelta(days=3), time(9), UTC)):
        return actions.add_board(
            by=chair,
            facts={
                "name": "NET tumour board", "cross_centre": False, "time_zone": centre.time_zone,
                "every_weeks": 1, "weekday": past.weekday(), "starts": "08:30", "minutes": 75,
                "capacity": 10, "cutoff_hours": 20, "quorum": list(meeting_rules.USUAL_QUORUM),
                "two_signatures": False, "video_link": "https://video.example/net-board",
                "active": True,
            },
        )  # fmt: skip


def _meetings(board_id: Any) -> list[Meeting]:
    query = sa.select(Meeting).where(Meeting.board_id == board_id).order_by(Meeting.starts_at)
    return list(db.session.scalars(query))


def _accepted(centre: Organisation) -> list[Referral]:
    """Accepted referrals, longest waiting first."""
    query = (
        sa.select(Referral)
        .where(Referral.to_organisation_id == centre.id, Referral.state.in_(agendas.READY))
        .order_by(Referral.submitted_at, Referral.id)
    )
    return list(db.session.scalars(query))


def _hold(cast: Cast, held: Meeting, items: list[AgendaItem], chair: Viewer) -> None:
    with acting_at(held.starts_at):
        actions.begin(held, by=chair)
        for email, discipline in (("chair@demo.example", "oncology"), *_MEMBERS[:-2]):
            actions.arrive(held, cast.people[email], discipline, by=chair)
    with acting_at(held.starts_at + timedelta(minutes=9)):
        pathologist = cast.people["pathologist@demo.example"]
        actions.arrive(held, pathologist, "pathology", by=chair)
    signed = []
    for number, item in enumerate(items):
        with acting_at(held.starts_at + timedelta(minutes=12 + 8 * number)):
            typed = _SAID[number % len(_SAID)]
            review = held.starts_at.date() + timedelta(days=90)
            typed = {**typed, "review_date": [review.isoformat()]}
            saved = advice.save(item, typed, by=cast.viewer("coordinator@demo.example"), seen=0)
            if number == 0:
                advice.dissent(item, "I would begin with PRRT.", by=chair, who="Dr Ibis Tulpveld")
            view = cases.view(chair, agendas.item(chair, item.id))
            text = letters.advice_text(rules.content(typed, listed=(), dissents=(), around={}))
            signed.append(
                advice.sign(item, view, by=chair, seen=saved.recommendation.revision,
                            signed_text={"advice": text})
            )  # fmt: skip
    with acting_at(held.ends_at):
        actions.close(held, by=chair)
    _follow(cast, held, items, signed)


def _follow(cast: Cast, held: Meeting, items: list[AgendaItem], signed: list[Any]) -> None:
    """The first was acknowledged, told and done; the others are on their way."""
    if not signed:
        return
    referral = db.session.get_one(Referral, items[0].referral_id)
    doctor = queries.person(referral.referrer_id) if referral.referrer_id else None
    if doctor is None:
        return
    who = cast.viewer(doctor.email)
    with acting_at(held.ends_at + timedelta(hours=20)):
        letter = deliveries.delivery(signed[0], "referrer")
        delivery.open_letter(letter, by=who)
        referrals.take(referral, "acknowledge", by=who, version=referral.version)
        told = PartialDate.of((held.ends_at + timedelta(hours=20)).date())
        delivery.tell_patient(
            deliveries.delivery(signed[0], "patient"), by=who, on=told, who=doctor.name
        )
        delivery.follow(signed[0], by=who, outcome="done", option=1)


def _treated(centre_id: Any, most: int) -> list[Patient]:
    """Living patients of the centre with several therapies, none of them on an agenda."""
    several = sa.select(Therapy.patient_id).group_by(Therapy.patient_id).having(sa.func.count() > 2)
    dead = sa.select(FollowUp.patient_id).where(FollowUp.vital_status == "dead")
    query = (
        sa.select(Patient)
        .join(CareRelation, CareRelation.patient_id == Patient.id)
        .where(
            CareRelation.organisation_id == centre_id,
            CareRelation.kind == "treating",
            Patient.id.in_(several),
            Patient.id.not_in(dead),
            Patient.id.not_in(sa.select(AgendaItem.patient_id)),
        )
        .order_by(Patient.created_at.desc(), Patient.id)
        .limit(most)
    )
    return list(db.session.scalars(query))


def _prepare(cast: Cast, coming: Meeting, chair: Viewer) -> None:
    """Who still waits, and patients of the centre, with what is missing asked for."""
    with acting_at(min(datetime.now(UTC), coming.cutoff_at - timedelta(hours=1))):
        for referral in _accepted(cast.places["NL-TULP"])[:1]:
            agenda.put_on(coming, referral.patient, by=chair, referral=referral)
        room = 8 - len(agendas.places(coming))
        for patient in _treated(coming.organisation_id, room):
            agenda.put_on(
                coming, patient, by=chair, question="treatment_options",
                question_text="Progression on imaging: what next?",
            )  # fmt: skip
        first = agendas.places(coming)[0]
        agenda.ask(first, "CT of last month on the exchange", by=chair, asked_of="Radiology")
