"""Builders of referrals: a small network, a case, and a referral in any state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from registry.access import Role, Viewer
from registry.dates import PartialDate
from registry.db import new_id
from registry.people.models import Organisation, Person
from registry.referrals import actions
from registry.referrals.case import Case
from registry.referrals.models import Referral
from tests import make

CONTACT: dict[str, str | None] = {
    "contact_name": "Alice Adler",
    "contact_telephone": "+31 20 555 0199",
    "contact_email": "alice.adler@example.org",
}
CONSENTS = {
    "care": "yes",
    "registry": "yes",
    "research_use": "not_asked",
    "research_contact": "no",
}


@dataclass(frozen=True)
class Network:
    """Alice refers from hospital A with Bob, Olga from hospital B; Carla coordinates centre 1,
    where Chris is a clinician; Dora coordinates centre 2."""

    hospital: Organisation
    other_hospital: Organisation
    centre: Organisation
    other_centre: Organisation
    alice: Person
    bob: Person
    olga: Person
    carla: Person
    chris: Person
    dora: Person

    def viewer(self, name: str) -> Viewer:
        """The viewer one of them is."""
        return make.viewer(getattr(self, name))


def network() -> Network:
    """Two hospitals, two centres, six people."""
    hospital = make.hospital("HOSP-A", "Hospital A", city="Adorp")
    other_hospital = make.hospital("HOSP-B", "Hospital B", country="DE")
    centre = make.centre("CENTRE-1", "Centre 1")
    other_centre = make.centre("CENTRE-2", "Centre 2", country="DE")
    return Network(
        hospital,
        other_hospital,
        centre,
        other_centre,
        alice=make.person(hospital, Role.REFERRER, name="Alice Adler"),
        bob=make.person(hospital, Role.REFERRER, name="Bob Bakker"),
        olga=make.person(other_hospital, Role.REFERRER, name="Olga Oster"),
        carla=make.person(centre, Role.TRIAGE_COORDINATOR, name="Carla Cohen"),
        chris=make.person(centre, Role.CLINICIAN, name="Chris Chen"),
        dora=make.person(other_centre, Role.TRIAGE_COORDINATOR, name="Dora Dahl"),
    )


def facts(*, ki67: str = "2", site: str = "C17.2", differentiation: str = "well") -> dict[str, Any]:
    """A tumour of the ileum, NET G1, with liver metastases, treated with an SSA."""
    return {
        "tumour": [
            {
                "primary_site": site,
                "diagnosis_date": "2026-01",
                "functioning": "no",
            }
        ],
        "pathology": [
            {
                "date": "2026-01-12",
                "differentiation": differentiation,
                "ki67_percent": ki67,
                "mitoses_per_2mm2": "1",
                "absent": {"necrosis": {"why": "not_known"}},
            }
        ],
        "staging": [{"staging_system": "AJCC9", "t": "T3", "n": "N1", "m": "M1"}],
        "therapy": [{"therapy_class": "SSA", "agent": "SSA_LAN", "start": "2026-02"}],
    }


def case(
    *,
    question: str = "treatment_options",
    urgency: str | None = "routine",
    red_flags: tuple[str, ...] = (),
    consents: dict[str, str] | None = None,
    **shape: Any,
) -> Case:
    """Everything a referral sends."""
    asked: dict[str, Any] = {
        "question": question,
        "question_text": "Progression under lanreotide: what next?",
        "treated": "yes",
    }
    if urgency:
        asked["urgency_stated"] = urgency
    if red_flags:
        asked["red_flags"] = list(red_flags)
    return Case(asked, facts(**shape), consents or CONSENTS, CONTACT)


def identity(family_name: str = "Zonneveld", birth_date: str = "1961-03-27") -> dict[str, Any]:
    """Who the patient is."""
    return {
        "family_name": family_name,
        "given_names": "Anna Maria",
        "birth_date": PartialDate(birth_date),
        "sex_at_birth": "female",
        "country": "NL",
    }


def draft(
    net: Network, *, by: str = "alice", family_name: str = "Zonneveld", **more: Any
) -> Referral:
    """A draft from hospital A to centre 1."""
    return actions.start_draft(
        by=net.viewer(by),
        form_key=more.pop("form_key", None) or new_id(),
        to=more.pop("to", net.centre),
        new=actions.NewPatient(identity(family_name), {}, more.pop("hospital_number", "")),
        consents=CONSENTS,
        contact={name: text or "" for name, text in CONTACT.items()},
        **more,
    )


#: Who takes which steps to reach a state.
_WAY: dict[str, list[tuple[str, str, dict[str, Any]]]] = {
    "submitted": [],
    "information_requested": [("carla", "request_information", {"text": "Which Ki-67?"})],
    "accepted": [("chris", "accept", {})],
    "advised": [
        ("chris", "accept", {}),
        ("chris", "advise", {"text": "Start PRRT.", "kinds": ["prrt_workup", "sstr_pet"]}),
    ],
    "declined": [("carla", "decline", {"text": "No capacity."})],
    "withdrawn": [("alice", "withdraw", {"text": "Moved abroad."})],
}
_WAY["listed_for_board"] = [*_WAY["accepted"], ("carla", "list_for_board", {})]
_WAY["acknowledged"] = [*_WAY["advised"], ("alice", "acknowledge", {})]
_WAY["closed"] = [*_WAY["acknowledged"], ("carla", "close", {})]


def referral(net: Network, state: str = "submitted", **more: Any) -> Referral:
    """A referral from hospital A to centre 1 in a state; `case_` replaces what it sends."""
    sent, at = more.pop("case_", None) or case(), more.pop("at", None)
    made = draft(net, **more)
    if state == "draft":
        return made
    actions.submit(made, sent, by=net.viewer("alice"), version=made.version, at=at)
    for who, step, needs in _WAY[state]:
        actions.take(made, step, by=net.viewer(who), version=made.version, **needs)
    return made


def typed(**more: str) -> dict[str, str]:
    """The second page of the form as a browser sends it: enough to be sent on."""
    return {
        "consent_care": "yes",
        "consent_registry": "yes",
        "consent_research_use": "yes",
        "consent_research_contact": "not_asked",
        "question": "prrt_suitability",
        "question_text": "Progression under lanreotide: is PRRT suitable?",
        "urgency_stated": "soon",
        "contact_name": "Alice Adler",
        "contact_email": "alice.adler@example.org",
        "tumour__primary_site": "C25.0",
        "pathology__differentiation": "well",
        "pathology__ki67_percent": "12",
        "pathology__mitoses_per_2mm2-absent": "not_done",
        **more,
    }


def first_page(net: Network, **more: str) -> dict[str, str]:
    """The first page of the form as a browser sends it."""
    return {
        "family_name": "Zonneveld",
        "given_names": "Anna Maria",
        "birth_date-day": "27",
        "birth_date-month": "3",
        "birth_date-year": "1961",
        "sex_at_birth": "female",
        "hospital_number": "",
        "country": "NL",
        "consent_care": "yes",
        "consent_registry": "not_asked",
        "consent_research_use": "not_asked",
        "consent_research_contact": "not_asked",
        "centre": str(net.centre.id),
        **more,
    }
