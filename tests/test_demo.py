"""The synthetic network: deterministic, believable, and with work waiting for everybody."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from statistics import median

import pytest
import sqlalchemy as sa

from registry import demo
from registry.db import db
from registry.demo import caseload, network, story
from registry.patients.models import Consent, Patient
from registry.people import queries as people
from registry.referrals import rules
from registry.referrals.models import Referral
from registry.research.models import Grant

DAY = date(2026, 11, 2)


def test_the_same_number_is_the_same_case():
    for number in (0, 7, 40):
        one = caseload.case(number, DAY, "NL", recent=False)
        other = caseload.case(number, DAY, "NL", recent=False)
        assert one == other


def test_there_are_at_least_sixty_cases_of_many_kinds():
    cases = [part.case for part in story.parts(DAY)]
    assert len(cases) >= 60
    assert len({case.site for case in cases}) >= 8
    assert {"G1", "G2", "NEC"} <= {case.grade for case in cases}


@pytest.mark.parametrize(("grade", "months"), [("G1", 279), ("G2", 167)])
def test_survival_follows_the_published_medians(grade, months):
    """Median survival G1 279 and G2 167 months, as published."""
    from random import Random

    rng = Random(1)
    drawn = [caseload._exponential(rng, caseload._MEDIAN[grade]) for _ in range(20000)]
    assert median(drawn) == pytest.approx(months, rel=0.04)


def test_first_treatments_follow_the_published_shares():
    """Surgery 71 %, somatostatin analogue 32 %, chemotherapy 20 %, PRRT 9 %, targeted 8 %; in
    the first year, within ten points."""
    cases = [caseload.case(number, DAY, "NL", recent=False) for number in range(1500)]
    shares = Counter()
    for case in cases:
        limit = (case.diagnosed + timedelta(days=365)).isoformat()
        kinds = {t["therapy_class"] for t in case.later["therapy"] if t["start"] <= limit}
        shares.update(kinds)
    found = {kind: 100 * count / len(cases) for kind, count in shares.items()}
    assert found["surgery"] == pytest.approx(71, abs=10)
    assert found["SSA"] == pytest.approx(32, abs=10)
    assert found["chemotherapy"] == pytest.approx(20, abs=10)


def test_nothing_happens_before_birth_or_after_death():
    for number in range(300):
        case = caseload.case(number, DAY, "DE", recent=False)
        assert case.born < case.diagnosed
        if case.died:
            for therapy in case.later["therapy"]:
                assert therapy["start"] <= case.died.isoformat()


def test_every_organisation_is_labelled_synthetic():
    assert all("synthetic" in place.name for place in network.PLACES)
    assert all(one.email.endswith("@demo.example") for one in network.STAFF)


@pytest.mark.slow
def test_it_loads_and_every_role_finds_work(app):
    demo._load(if_empty=True, quiet=True)
    states = set(db.session.scalars(sa.select(Referral.state).distinct()))
    assert states == set(rules.STATES)
    confirmed = (
        sa.select(sa.func.count()).select_from(Patient).where(Patient.provisional.is_(False))
    )
    assert db.session.scalar(confirmed) >= 60
    tulip = people.organisation("NL-TULP")
    waiting = sa.select(sa.func.count()).select_from(Referral).where(
        Referral.to_organisation_id == tulip.id, Referral.state == rules.SUBMITTED
    )  # fmt: skip
    assert db.session.scalar(waiting) >= 5
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Grant)) == 1
    refused = sa.select(sa.func.count()).select_from(Consent).where(
        Consent.purpose == "research_use", Consent.answer != "yes"
    )  # fmt: skip
    assert db.session.scalar(refused) >= 5


def test_it_never_loads_over_what_is_there(app):
    network.actions.add_organisation(
        by=network.HOUSE, code="X", name="X", kind="reference_centre", country="NL"
    )
    demo._load(if_empty=True, quiet=True)
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Patient)) == 0
