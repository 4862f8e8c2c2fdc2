"""Records that may be of one patient, so that a data manager of the demonstration has some to look
at: within the centre, at another one, decided before, and joined."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa

from registry.access import Viewer
from registry.course import actions as course
from registry.dates import PartialDate
from registry.db import db
from registry.demo.story import Cast, on_day
from registry.patients import actions as patients
from registry.patients import rules
from registry.patients.matching import actions, merging, pairs, states
from registry.patients.matching.models import Match, MatchDue
from registry.patients.models import Patient

_WILGE = {"family_name": "van der Wilgenroos", "given_names": "Jasmijn Linnea",
          "birth_date": PartialDate("1958-04-09"), "sex_at_birth": "female", "country": "NL",
          "telephone": "06 555 01 23"}  # fmt: skip
_KREKEL = {"family_name": "Krekelbloem", "given_names": "Narcis", "sex_at_birth": "male",
           "birth_date": PartialDate("1949-11-02"), "country": "NL"}  # fmt: skip
_YASMIN = {"family_name": "Al-Yasmin", "given_names": "Karim", "sex_at_birth": "male",
           "birth_date": PartialDate("1971-06-15"), "country": "NL",
           "telephone": "06 555 04 56"}  # fmt: skip
_LISSE = {"family_name": "Lissenveld", "given_names": "Oleander", "sex_at_birth": "male",
          "birth_date": PartialDate("1966-02-20"), "country": "NL",
          "telephone": "06 555 07 89"}  # fmt: skip


def add(cast: Cast, today: date) -> None:
    """Register them, let the worker's rule find them, and decide some."""
    tulip, linden = cast.at("NL-TULP", "clinician"), cast.at("DE-LINDE", "clinician")
    manager = cast.viewer("manager@demo.example")
    with on_day(today - timedelta(days=40)):
        db.session.execute(sa.delete(MatchDue))  # of those before: looked at, nothing found
        one = _registered(tulip, _KREKEL)
        two = _registered(tulip, _KREKEL, given_names="Narciss", birth_date="1949-02-11")
        _registered(tulip, _LISSE)
        _registered(tulip, _LISSE, birth_date="1966-02-21")
        while pairs.compare_due():
            pass
    with on_day(today - timedelta(days=33)):
        for found in db.session.scalars(sa.select(Match).order_by(Match.id)).all():
            if found.first_id == one.id:
                merging.join(
                    one, two, by=manager, because="Rung the patient: a slip of the pen.",
                    take=(), match=found,
                )  # fmt: skip
            else:
                _say(found, states.IS_APART, manager)
    with on_day(today - timedelta(days=5)):
        first = _registered(tulip, _WILGE)
        again = _registered(tulip, _WILGE, family_name="Wilgenroosch", given_names="Jasmin",
                            birth_date="1958-09-04", region="Gelderland")  # fmt: skip
        patients.answer_consent(first.id, "research_use", "yes", by=tulip)
        patients.answer_consent(again.id, "research_use", "no", by=tulip)
        for one, seen in ((first, "2024-11"), (again, "2025-02")):
            facts = {"primary_site": "C17.2", "diagnosis_date": PartialDate(seen)}
            tumour = course.add("tumour", one, by=tulip, values=facts)
            report = {"date": PartialDate(seen), "differentiation": "well", "ki67_percent": "4"}
            course.add("pathology", one, by=tulip, values=report, tumour_id=tumour.id)
        _registered(tulip, _YASMIN)
        _registered(linden, _YASMIN, family_name="الياسمين", given_names="كريم", country="DE")
        while pairs.compare_due():
            pass


def _registered(by: Viewer, who: Mapping[str, Any], **other: Any) -> Patient:
    facts = {**who, **other}
    if isinstance(facts["birth_date"], str):
        facts["birth_date"] = PartialDate(facts["birth_date"])
    made = patients.register(
        by=by, facts=facts, relation=rules.TREATING, why="registered by the centre"
    )
    for purpose in ("care", "registry"):
        patients.answer_consent(made.id, purpose, "yes", by=by)
    return made


def _say(found: Match, answer: str, by: Viewer) -> None:
    actions.answer(found, answer, by=by, version=found.version)
