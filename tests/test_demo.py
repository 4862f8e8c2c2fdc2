"""The synthetic network: deterministic, believable, and with work waiting for everybody."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from functools import cache
from typing import Any

import pytest
import sqlalchemy as sa

from registry import audit, demo
from registry.clinical import follow_up_record
from registry.course import facts
from registry.course.actions.derived import derived_of
from registry.course.models import BY_NAME, ENTITIES, Questionnaire
from registry.course.queries import record_of
from registry.course.rules import checks
from registry.db import db
from registry.demo import bulk, caseload, flaws, network, story
from registry.patients.models import Consent, Patient
from registry.people import queries as people
from registry.referrals import rules
from registry.referrals.models import Referral
from registry.research.models import Grant

DAY = date(2026, 11, 2)
#: Left to chance, as in life (see `flaws`); and what goes with a stage that cannot be.
EXPECTED = {"cga_on_ppi", "stage_contradiction"}


@cache
def followed() -> tuple[caseload.Case, ...]:
    """The cases with a course: all but the referrals of the last weeks."""
    return tuple(part.case for part in story.parts(DAY) if not part.live)


@cache
def entered(number: int) -> tuple[caseload.Case, dict[str, list[dict[str, Any]]]]:
    """A case and its entries as plain rows, as the checks read them."""
    case = next(case for case in followed() if case.number == number)
    rows = bulk.entries(case, licensed=True)
    plain = {entity: [_plain(row) for row in found] for entity, found in rows.items()}
    plain["patient"] = [{"id": "patient", "birth_date": case.born.isoformat()}]
    return case, plain


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: str(value) if name.endswith("id") and value else facts.plain(value)
        for name, value in row.items()
    }


def everyone() -> list[tuple[caseload.Case, dict[str, list[dict[str, Any]]]]]:
    return [entered(case.number) for case in followed()]


# -- the caseload ------------------------------------------------------------------------------


def test_the_same_number_is_the_same_case():
    for number in (0, 7, 40, 100):
        one = caseload.case(number, DAY, "NL", recent=False)
        other = caseload.case(number, DAY, "NL", recent=False)
        assert one == other


def test_it_never_ages():
    """A year later the same people are as far from their diagnosis as today."""
    later = DAY + timedelta(days=364)
    for number in (30, 80, 120):
        one = caseload.case(number, DAY, "NL", recent=False)
        other = caseload.case(number, later, "NL", recent=False)
        assert other.diagnosed - one.diagnosed == later - DAY
        assert one.grade == other.grade
        assert len(other.spells) >= 1 or not one.spells


def test_there_are_at_least_three_hundred_patients_of_many_kinds():
    cases = [part.case for part in story.parts(DAY)]
    assert len(cases) >= 300
    assert len({case.site for case in cases}) >= 12
    assert {"G1", "G2", "NET_G3", "NEC", "TC", "AC", "PPGL"} <= {case.grade for case in cases}
    assert {case.country for case in cases} == {"NL", "DE", "IT", "ES", "SE"}
    rows = [row for _case, row in everyone()]
    assert sum(len(row["tumour"]) > 1 for row in rows) >= 5
    held = Counter(entity for row in rows for entity, found in row.items() if found)
    missing = {model.entity for model in ENTITIES} - set(held) - {"overview", "stated_endpoint"}
    assert not missing
    used = {row["agent"] for _case, rows in everyone() for row in rows["therapy"]}
    assert {"SSA_LAN", "EVE", "SUN", "PRRT_LU_DOTATATE", "PRRT_LU_RETREAT", "CAPTEM", "EP_CARBO",
            "LIV_TAE", "SURG_SB", "SURG_PANC", "BSC"} <= used  # fmt: skip


def test_no_form_would_refuse_an_entry():
    for case in followed():
        made = bulk.entries(case, licensed=True)
        bulk.checked((entity, row) for entity, rows in made.items() for row in rows)


def test_nothing_contradicts_itself_but_for_the_mistakes_that_are_meant():
    found: dict[int, set[str]] = {}
    for case, rows in everyone():
        codes = {one.code for one in checks.findings(rows, BY_NAME, today=DAY)}
        found[case.number] = codes
    meant = {number: code for number, (code, _mistake) in flaws.FLAWS.items()}
    for number, code in meant.items():
        assert code in found[number], f"{number} does not show {code}"
    others = {number: codes - EXPECTED - {meant.get(number, "")} for number, codes in found.items()}
    assert not {number: codes for number, codes in others.items() if codes}
    assert sum("cga_on_ppi" in codes for codes in found.values()) <= 30


def test_nothing_happens_before_birth_or_after_death():
    for case, rows in everyone():
        days = [
            str(row[name])[:10]
            for entity, found in rows.items()
            for row in found
            for name in ("date", "start", "stop", "death_date", "diagnosis_date")
            if row.get(name)
        ]
        assert case.born < case.diagnosed
        assert max(days) <= (case.died or case.end).isoformat()


# -- a specialist's eye ------------------------------------------------------------------------


def _starts(rows: dict[str, list[dict[str, Any]]], prefix: str) -> list[str]:
    own = [row for row in rows["therapy"] if row["agent"].startswith(prefix)]
    return [row["start"] for row in own if row["setting"] != "background"]


def test_a_carcinoma_gets_platinum_and_neither_analogue_nor_prrt():
    for case, rows in everyone():
        if not case.carcinoma or case.number in flaws.FLAWS:
            continue
        classes = {row["therapy_class"] for row in rows["therapy"]}
        assert not classes & {"SSA", "PRRT", "targeted"}
        drugs = [row for row in rows["therapy"] if row["therapy_class"] in
                 {"chemotherapy", "immunotherapy"}]  # fmt: skip
        if drugs:
            first = min(drugs, key=lambda row: row["start"])
            assert first["agent"] in {"EP_CARBO", "EP_CIS", "ATEZO_CE"}


def test_prrt_follows_a_scan_with_enough_uptake():
    seen = 0
    for case, rows in everyone():
        if case.number in flaws.FLAWS:
            continue
        for start in _starts(rows, "PRRT"):
            scores = [row["krenning"] for row in rows["imaging"]
                      if row["krenning"] and row["date"] <= start]  # fmt: skip
            assert scores
            assert int(scores[-1]) >= 3
            seen += 1
    assert seen >= 40


def test_the_analogue_comes_before_everolimus_where_uptake_allows_it():
    """ASCO 2023: digestive G1 and G2 with uptake begin with an analogue; a few begin otherwise."""
    first, other = 0, 0
    for case, rows in everyone():
        slow = case.grade in {"G1", "G2"} and case.group == "midgut"
        if not slow or case.sstr < 2 or not case.spread_on:
            continue
        everolimus = _starts(rows, "EVE")
        analogues = [row["start"] for row in rows["therapy"] if row["therapy_class"] == "SSA"]
        if everolimus:
            first += bool(analogues) and min(analogues) < min(everolimus)
            other += not analogues or min(analogues) > min(everolimus)
    assert first >= 20
    assert other <= first / 6


def test_another_course_of_prrt_only_after_the_first_held():
    for case, _rows in everyone():
        courses = [spell for spell in case.spells if spell.kind == "PRRT"]
        for spell in courses:
            if spell.agent == "PRRT_LU_RETREAT":
                first = min(courses, key=lambda one: one.start)
                assert (first.until - first.start).days > 18 * 30


def test_nobody_dies_of_a_tumour_that_stood_still():
    for case, rows in everyone():
        if case.cause == "this_tumour" and not case.metastatic and case.spread_on:
            assert rows["progression"]
        if case.died and rows["follow_up"]:
            assert rows["follow_up"][-1]["vital_status"] == "dead"


def test_most_are_followed_in_time_and_some_are_late():
    late, alive = 0, 0
    for case, rows in everyone():
        if case.died or case.lost:
            continue
        due = follow_up_record.due_for(rows, DAY)
        late += any(one.overdue for one in due if one.test in {"visit", "ct_mri"})
        alive += 1
    assert 0.08 <= late / alive <= 0.35


def test_every_organisation_is_labelled_synthetic():
    assert all("synthetic" in place.name for place in network.PLACES)
    assert all(one.email.endswith("@demo.example") for one in network.STAFF)


# -- loaded ------------------------------------------------------------------------------------


@pytest.mark.slow
def test_it_loads_and_every_role_finds_work(app):
    demo._load(if_empty=True, quiet=True)
    states = set(db.session.scalars(sa.select(Referral.state).distinct()))
    assert states == set(rules.STATES)
    confirmed = (
        sa.select(sa.func.count()).select_from(Patient).where(Patient.provisional.is_(False))
    )
    assert db.session.scalar(confirmed) >= 300
    tulip = people.organisation("NL-TULP")
    waiting = sa.select(sa.func.count()).select_from(Referral).where(
        Referral.to_organisation_id == tulip.id, Referral.state == rules.SUBMITTED
    )  # fmt: skip
    assert db.session.scalar(waiting) >= 5
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Grant)) == 2
    refused = sa.select(sa.func.count()).select_from(Consent).where(
        Consent.purpose == "research_use", Consent.answer != "yes"
    )  # fmt: skip
    assert db.session.scalar(refused) >= 5
    _derived_as_by_hand()
    db.session.commit()
    audit.seal(limit=100_000)
    assert audit.verify().intact


def _derived_as_by_hand() -> None:
    """What was derived in bulk is what an entry made by a person would have beside it."""
    busy = sa.select(Patient).join(Questionnaire, Questionnaire.patient_id == Patient.id)
    for patient in db.session.scalars(busy.group_by(Patient.id).order_by(Patient.id).limit(6)):
        record = record_of(patient)
        assert record.of("response")
        for entity in ("pathology", "staging", "response", "questionnaire"):
            for entry in record.of(entity):
                fresh = derived_of(entry)
                assert {name: getattr(entry, name) for name in fresh} == fresh


def test_it_never_loads_over_what_is_there(app):
    network.actions.add_organisation(
        by=network.HOUSE, code="X", name="X", kind="reference_centre", country="NL"
    )
    demo._load(if_empty=True, quiet=True)
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Patient)) == 0
