"""Acting the caseload out: through the same actions as people take, at the moments of the story."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from registry.access import Viewer
from registry.course import licence
from registry.course import queries as course_queries
from registry.dates import PartialDate
from registry.db import acting_at, db, new_id
from registry.demo import bulk, caseload
from registry.demo.caseload import SEED
from registry.demo.network import PLACES, STAFF
from registry.patients.models import Patient
from registry.people import queries as people
from registry.people.models import Notice, Organisation, Person
from registry.referrals import actions as referrals
from registry.referrals import queries as referral_queries
from registry.referrals.actions import More, NewPatient
from registry.referrals.case import Case
from registry.referrals.models import Referral
from registry.research import rules
from registry.research.cohorts import actions as cohorts
from registry.research.cohorts.criteria import Criterion
from registry.research.models import Grant
from registry.research.releases import actions as research
from registry.research.releases import columns
from registry.research.requests import actions as access

#: How far live referrals have come, and how many days ago they were begun. The first ones are of
#: the hospital and the centre whose accounts stand on the sign-in page.
_LIVE = (
    ("draft", 0), ("draft", 2), ("submitted", 0), ("submitted", 1), ("submitted", 3),
    ("submitted", 6), ("submitted", 12), ("submitted", 1), ("information_requested", 5),
    ("information_requested", 9), ("accepted", 8), ("listed_for_board", 15), ("accepted", 4),
    ("advised", 12), ("advised", 20), ("acknowledged", 25), ("acknowledged", 30),
    ("declined", 10), ("withdrawn", 7), ("submitted", 2), ("draft", 1), ("redirected", 4),
    ("accepted", 9), ("submitted", 0), ("advised", 16), ("information_requested", 3),
)  # fmt: skip
_PAST = 46  # referrals of earlier years, answered and closed
_OWN = 248  # patients a centre registered without a referral
TOTAL = len(_LIVE) + _PAST + _OWN

_COUNTRY_CENTRE = {"NL": "NL-TULP", "DE": "DE-LINDE", "IT": "IT-OLIVO", "ES": "IT-OLIVO",
                   "SE": "SE-BJORK"}  # fmt: skip
_QUESTIONS = {
    "treatment_options": "Newly diagnosed; which treatment should come first?",
    "prrt_suitability": "Progression on a somatostatin analogue. Is PRRT an option now?",
    "surgery_suitability": "Is resection of the primary and of the liver lesions possible?",
    "pathology_review": "Ki-67 and morphology do not fit together. Please review the slides.",
    "follow_up_plan": "After complete resection: how often should we look, and with what?",
}
_ADVICE = {
    True: (["start_systemic", "palliative_service"],
           "Platinum with etoposide without delay, in parallel with the board. Please send the "
           "slides so that differentiation can be confirmed."),
    False: (["sstr_pet", "continue_follow_up"],
            "Complete staging with SSTR PET if not done within three months. Options to discuss "
            "with the patient: resection where complete removal is possible, otherwise a "
            "somatostatin analogue. We see the patient again with the new images."),
}  # fmt: skip


@dataclass
class Cast:
    """Everybody of the network, as viewers."""

    places: dict[str, Organisation]
    people: dict[str, Person]
    _at: dict[tuple[str, str], Viewer] = field(default_factory=dict)

    def viewer(self, email: str) -> Viewer:
        """The viewer this account is."""
        return people.viewer_of_person(self.people[email])

    def at(self, code: str, role: str) -> Viewer:
        """The first person with the role at a place."""
        if (code, role) not in self._at:
            self._at[code, role] = self._first(code, role)
        return self._at[code, role]

    def _first(self, code: str, role: str) -> Viewer:
        found = next(
            one.email for one in STAFF if one.place == code and role in {r.value for r in one.roles}
        )
        return self.viewer(found)


@dataclass(frozen=True)
class Part:
    """One case of the story: who refers it where, how far it has come, and since when."""

    case: caseload.Case
    hospital: str
    centre: str
    state: str
    begun: date
    live: bool


def parts(today: date) -> Iterator[Part]:
    """The whole story, the same for the same day."""
    hospitals = [place for place in PLACES if place.kind == "referring_hospital"]
    for index, (state, ago) in enumerate(_LIVE):
        hospital = hospitals[0] if index % 2 == 0 else hospitals[index % len(hospitals)]
        begun = today - timedelta(days=ago)
        case = caseload.case(index, begun, hospital.country, recent=True)
        centre = "NL-TULP" if index < 19 else _COUNTRY_CENTRE[hospital.country]
        yield Part(case, hospital.code, centre, state, begun, True)
    for index in range(len(_LIVE), len(_LIVE) + _PAST):
        hospital = hospitals[index % len(hospitals)]
        case = caseload.case(index, today, hospital.country, recent=False)
        centre = _COUNTRY_CENTRE[hospital.country] if index % 3 else "NL-TULP"
        begun = min(case.diagnosed + timedelta(days=30), case.end - timedelta(days=13))
        yield Part(case, hospital.code, centre, "closed", begun, False)
    for index in range(len(_LIVE) + _PAST, TOTAL):
        yield _own(index, today)


def _own(index: int, today: date) -> Part:
    """A patient a centre looks after itself; half of the lung tumours are in the lung centre."""
    centre = ("NL-TULP", "DE-LINDE", "NL-TULP", "IT-OLIVO")[index % 4]
    case = caseload.case(index, today, centre[:2], recent=False)
    if case.pool == "lung" and index % 2:
        centre = "SE-BJORK"
        case = caseload.case(index, today, "SE", recent=False)
    begun = min(case.diagnosed + timedelta(days=10), case.end)
    return Part(case, "", centre, "own", begun, False)


@contextmanager
def on_day(day: date, hour: int = 9) -> Iterator[None]:
    """Act as on that day."""
    moment = datetime.combine(day, time(hour, 20), UTC)
    with acting_at(min(moment, datetime.now(UTC) - timedelta(minutes=1))):
        yield


def tell(cast: Cast, today: date, step: Callable[[], None]) -> None:
    """Act every part out; `step` is called after each."""
    batch = bulk.Batch()
    for part in parts(today):
        _Telling(cast, part, today, batch).tell()
        step()
    db.session.flush()
    batch.write()


class _Telling:
    """One case, acted out from the first page to where it has come."""

    def __init__(self, cast: Cast, part: Part, today: date, batch: bulk.Batch) -> None:
        self.cast, self.part, self.today, self.batch = cast, part, today, batch
        self.case = part.case
        self.rng = Random(f"{SEED}/story/{self.case.number}")  # noqa: S311
        self.question = self._question()

    def tell(self) -> None:
        if self.part.state == "own":
            self._register_own()
        else:
            self._refer()

    # -- the hospital --

    def _question(self) -> str:
        if self.case.carcinoma:
            return "treatment_options"
        if not self.case.metastatic:
            return self.rng.choice(("follow_up_plan", "pathology_review", "treatment_options"))
        return self.rng.choice(("prrt_suitability", "surgery_suitability", "treatment_options"))

    def _in_haste(self) -> bool:
        return self.case.metastatic and self.case.number % 5 == 2

    def _consents(self) -> dict[str, str]:
        rare = self.case.number % 11
        return {
            "care": "yes",
            "registry": "no" if rare == 7 else "yes",
            "research_use": {3: "no", 5: "not_asked", 7: "no"}.get(rare, "yes"),
            "research_contact": self.rng.choice(("yes", "no", "not_asked")),
        }

    def _identity(self) -> dict[str, Any]:
        return {
            **self.case.identity,
            "birth_date": PartialDate.of(self.case.born),
            "sex_at_birth": self.case.sex,
            "country": self.case.country,
        }

    def _refer(self) -> None:
        part = self.part
        referrer = self.cast.at(part.hospital, "referrer")
        with on_day(part.begun):
            referral = referrals.start_draft(
                by=referrer,
                form_key=new_id(),
                to=self.cast.places[part.centre],
                new=NewPatient(self._identity(), {}, hospital_number=f"S{self.case.number:05}"),
                consents=self._consents(),
                contact={"contact_name": referrer.name, "contact_email": referrer.email},
            )
        if part.state == "draft":
            self._type_half(referral, referrer)
            return
        sent = self._case(referrer)
        with on_day(part.begun, 10):
            referrals.submit(referral, sent, by=referrer, version=referral.version)
        self._go_on(referral, referrer)

    def _case(self, referrer: Viewer) -> Case:
        asked = {
            "question": self.question,
            "question_text": _QUESTIONS[self.question],
            "urgency_stated": "urgent" if self.case.carcinoma else "routine",
            "red_flags": ["rapid_progression"] if self._in_haste() else [],
            "treated": "no",
        }
        contact: dict[str, str | None] = {
            "contact_name": referrer.name,
            "contact_email": referrer.email,
        }
        return Case(asked, self.case.facts, self._consents(), contact)

    def _type_half(self, referral: Referral, referrer: Viewer) -> None:
        typed = {
            **(referral.draft or {}),
            "question": [self.question],
            "question_text": [_QUESTIONS[self.question]],
            "tumour__primary_site": [self.case.site],
            "pathology__differentiation": ["poor" if self.case.carcinoma else "well"],
        }
        with on_day(self.part.begun, 11):
            referrals.save_draft(referral, typed, by=referrer, version=referral.version)

    # -- the centre --

    def _go_on(self, referral: Referral, referrer: Viewer) -> None:
        state, begun = self.part.state, self.part.begun
        coordinator = self.cast.at(self.part.centre, "triage_coordinator")
        clinician = self.cast.at(self.part.centre, "clinician")
        if state == "withdrawn":
            self._step(referral, "withdraw", referrer, begun, 2, text="Referred elsewhere.")
        elif state == "information_requested":
            self._ask(referral, coordinator)
        elif state == "declined":
            text = "Better placed with the centre nearer the patient's home."
            self._step(referral, "decline", coordinator, begun, 2, text=text)
        elif state == "redirected":
            self._pass_on(referral, coordinator)
        elif state not in {"submitted", "draft"}:
            self._accept(referral, referrer, coordinator, clinician)

    def _accept(
        self, referral: Referral, referrer: Viewer, coordinator: Viewer, clinician: Viewer
    ) -> None:
        state, begun = self.part.state, self.part.begun
        self._step(referral, "accept", clinician, begun, 2)
        if state == "accepted":
            self._step(referral, "assign", coordinator, begun, 3, assignee_id=clinician.person_id)
            return
        if state == "listed_for_board":
            self._list(referral, referrer, coordinator)
            return
        kinds, text = _ADVICE[self.case.carcinoma]
        self._step(referral, "advise", clinician, begun, 8, kinds=kinds, text=text)
        if state == "advised":
            return
        self._step(referral, "acknowledge", referrer, begun, 10)
        if state == "closed":
            self._step(referral, "close", coordinator, begun, 12)
        if not self.part.live:
            self._live_on(referral.patient_id, clinician, referral.patient)

    def _step(
        self, referral: Referral, name: str, by: Viewer, begun: date, days: int, **more: Any
    ) -> None:
        with on_day(begun + timedelta(days=days), 14):
            referrals.take(referral, name, by=by, version=referral.version, **more)

    def _ask(self, referral: Referral, coordinator: Viewer) -> None:
        begun, sent = self.part.begun, referral_queries.latest_submission(referral)
        items = [one["variable"] for one in sent.missing][:2] if sent else []
        text = "Please send the Ki-67 with the counting method, and the date of the last CT."
        more = More(items=tuple(items), by_date=begun + timedelta(days=8))
        self._step(referral, "request_information", coordinator, begun, 1, text=text, more=more)
        note = "Spoke with our radiologist: without the CT we cannot decide."
        self._say(referral, coordinator, 2, note, note=True)

    def _list(self, referral: Referral, referrer: Viewer, coordinator: Viewer) -> None:
        self._say(referral, referrer, 4, "The slides left us today by courier.")
        self._say(referral, coordinator, 5, "Thank you: they have arrived.")
        more = More(board_on=self.today + timedelta(days=3))
        self._step(referral, "list_for_board", coordinator, self.part.begun, 6, more=more)

    def _pass_on(self, referral: Referral, coordinator: Viewer) -> None:
        """To the next centre, as somebody does who has no bed."""
        other = next(
            self.cast.places[code] for code in ("NL-TULP", "DE-LINDE") if code != self.part.centre
        )
        text = "The trial for this situation is open there, and not here."
        more = More(centre_id=other.id)
        self._step(referral, "redirect", coordinator, self.part.begun, 2, text=text, more=more)

    def _say(
        self, referral: Referral, by: Viewer, days: int, text: str, *, note: bool = False
    ) -> None:
        with on_day(self.part.begun + timedelta(days=days), 15):
            referrals.say(referral, text, by=by, note=note)

    # -- the years after --

    def _register_own(self) -> None:
        clinician = self.cast.at(self.part.centre, "clinician")
        who = bulk.Registered(
            self._identity(), f"S{self.case.number:05}", self._consents(), self.part.begun
        )
        patient_id = bulk.patient(self.batch, who, by=clinician, today=self.today)
        self._live_on(patient_id, clinician)

    def _live_on(self, patient_id: UUID, clinician: Viewer, patient: Patient | None = None) -> None:
        """The years up to today. Of a referred patient the diagnosis is in the record already."""
        known: dict[str, UUID] | None = None
        if patient is not None:
            record = course_queries.record_of(patient)
            known = {name: record.of(name)[0].id for name in ("tumour", "pathology")}
        bulk.course(
            self.batch,
            self.case,
            patient_id,
            by=clinician,
            licensed=licence.may_derive_stages(),
            known=known,
        )


def settle(today: date) -> None:
    """What happened long ago has been seen by everybody."""
    before = datetime.combine(today - timedelta(days=12), time(), UTC)
    db.session.execute(sa.update(Notice).where(Notice.at < before).values(seen_at=Notice.at))


def grant(cast: Cast, today: date) -> None:
    """The committee has granted one project, so that a release can be made at once."""
    committee = cast.viewer("committee@demo.example")
    researcher = cast.people["researcher@demo.example"]
    with on_day(today - timedelta(days=20)):
        research.give_grant(
            by=committee,
            project="DEMO-01",
            title="Survival by grade (demonstration)",
            purpose="Overall survival by WHO grade in the synthetic caseload.",
            researcher_id=researcher.id,
            from_date=today - timedelta(days=20),
            until_date=today + timedelta(days=345),
        )


def requests(cast: Cast, today: date) -> None:
    """A request for access was approved, and its first release is under way; another waits for
    the committee."""
    committee = cast.viewer("committee@demo.example")
    researcher = cast.viewer("researcher@demo.example")
    asks = access.take
    with on_day(today - timedelta(days=18)):
        cohort = cohorts.make_cohort(by=researcher, name="NET, grade 1 and 2")
        low = Criterion("pathology.derived_category", "one_of", ("NET_G1", "NET_G2"), "latest")
        cohorts.add_criterion(cohort, by=researcher, path=None, match="all", added=low)
        version = cohorts.save_version(cohort, by=researcher)
        approved = access.draft(_wish("DEMO-02", today), version, by=researcher)
        asks(approved, "send", by=researcher)
    with on_day(today - timedelta(days=15)):
        asks(approved, "ask", by=committee, text="Who outside the network office sees the data?")
    with on_day(today - timedelta(days=14)):
        asks(approved, "answer", by=researcher, text="Nobody: the analysis is done in the office.")
    with on_day(today - timedelta(days=12)):
        asks(approved, "vote_yes", by=committee)
        asks(approved, "approve", by=committee, text="Results return to the registry.",
             until=today + timedelta(days=350))  # fmt: skip
    with on_day(today - timedelta(days=2)):
        waiting = access.draft(_wish("DEMO-03", today), version, by=researcher)
        asks(waiting, "send", by=researcher)
    given = db.session.get_one(Grant, approved.grant_id)
    research.request_release(given, by=researcher)


#: What the demonstration asks for, by entity, and why.
_WHY = {
    "patient": "to compare groups",
    "tumour": "to adjust for the tumour",
    "pathology": "the groups that are compared",
    "staging": "to adjust for the stage",
    "follow_up": "the event and the time at risk",
    "therapy": "the lines are made of them",
    "progression": "where a line ends",
    "response": "the best response to a line",
    "imaging": "SSTR, to compare by",
    "biomarker": "the course of the markers",
    "questionnaire": "quality of life over time",
}


def _wish(project: str, today: date) -> access.Wish:
    first = project == "DEMO-02"
    variables = [
        f"{file.entity}.{column.variable}: {_WHY[file.entity]}"
        for file in columns.files()
        for column in file.columns
        if column.variable and file.entity in _WHY
    ]
    few = ("patient.sex_at_birth", "pathology.derived_category", "pathology.date", "follow_up.",
           "questionnaire.")  # fmt: skip
    return access.Wish(
        project=project,
        title="Course of G1 and G2 (demonstration)"
        if first
        else "Survival and quality of life (demonstration)",
        purpose="Survival, lines of therapy, response, markers and quality of life of the "
        "synthetic caseload.",
        team="One statistician of the network office.",
        legal_basis="consent",
        funding="None.",
        outputs="A report for the network's yearly meeting.",
        use_codes=["DUO:0000007", "DUO:0000029"],
        analyses=list(rules.ANALYSES) if first else ["survival"],
        variables="\n".join(one for one in variables if first or one.startswith(few)),
        until_date=today + timedelta(days=350),
    )
