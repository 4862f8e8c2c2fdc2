"""What follows from lesions, answers and therapies, and follows anew when they change."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa

from registry.access import Role
from registry.course import actions, jobs, queries
from registry.course.actions import derived
from registry.course.models import Response
from registry.db import db
from tests import make
from tests import make_course as course
from tests.course import ten_years


@pytest.fixture
def story(app: Any) -> Any:
    """The patient of tests/course/ten_years.py, entered through the actions, by name of entry."""
    by = make.viewer(make.person(make.centre(), Role.CLINICIAN, name="Carol Cohen"))
    patient = make.patient(by)
    entries: dict[str, Any] = {}
    for one in ten_years.STORY:
        links = {name: entries[other] for name, other in one.links.items()}
        entries[one.name] = course.entry(one.entity, patient, by, links=links, **one.values)
    return SimpleNamespace(patient=patient, by=by, entries=entries)


def recist(found: Any) -> tuple[str, ...]:
    numbers = (f"{found.derived_sum_mm:f}", f"{found.derived_nadir_mm:f}")
    return (*numbers, found.derived_target, found.derived_response)


def test_ten_years_follow_as_worked_by_hand(story: Any) -> None:
    one = story.entries
    assert {name: recist(one[name]) for name in ten_years.RECIST} == ten_years.RECIST
    assert "response_contradiction" in one["growth_2018"].contradictions
    found = queries.lines(queries.record_of(story.patient))
    lines = {name: found[one[name].id].number for name in ten_years.LINES}
    assert lines == ten_years.LINES
    for name, scores in ten_years.SCORES.items():
        kept = {scale: one[name].scores[scale] for scale in scores}
        assert kept == pytest.approx(scores)


def test_an_earlier_size_decides_every_later_response(story: Any) -> None:
    """35 mm instead of 18: the nadir rises from 48 to 65, and 60 mm is no progression any more."""
    one = story.entries
    size = one["size_after_prrt_ii"]
    actions.change(size, by=story.by, version=1, values={"size_mm": Decimal(35)})
    assert recist(one["after_prrt"]) == ("65", "70", "SD", "SD")
    assert recist(one["growth_2018"]) == ("60", "65", "SD", "SD")
    assert one["growth_2018"].contradictions is None
    kept = queries.changes_of(one["growth_2018"])[-1]
    assert (kept.kind, kept.changes["derived_response"]) == ("derived", ["PD", "SD"])
    assert one["growth_2018"].version == 1


def test_a_remark_on_an_assessment_leaves_what_its_lesions_derive(story: Any) -> None:
    found = story.entries["growth_2018"]
    actions.change(found, by=story.by, version=1, values={"note": "read twice"})
    assert recist(found) == ten_years.RECIST["growth_2018"]


def test_what_another_version_of_the_rules_derived_is_derived_anew(
    story: Any, monkeypatch: Any
) -> None:
    """A new lesion seen on SSTR imaging alone was progression by LESIONS 1, and is uncertain by
    LESIONS 2. Whoever changed something of the series had it already; the worker does the rest."""
    one = story.entries
    found = one["after_prrt"]
    values = {"new_lesion": "yes", "new_lesion_seen_on": "PET_68GA_DOTATATE"}
    actions.change(found, by=story.by, version=1, values=values)
    said = (found.derived_response, found.derived_version)
    assert said == (ten_years.RECIST["after_prrt"][3], "RECIST-1.1 1; LESIONS 2")
    old = {"derived_response": "PD", "derived_version": "RECIST-1.1 1"}
    db.session.execute(sa.update(Response).where(Response.id == found.id).values(**old))
    db.session.commit()
    monkeypatch.setattr(jobs, "_all_derived", False)
    jobs.derive_responses()
    assert (found.derived_response, found.derived_version) == said
    kept = queries.changes_of(found)[-1]
    assert (kept.kind, kept.changes["derived_response"]) == ("derived", ["PD", said[0]])
    assert derived.outdated_series(1) == []
    db.session.execute(sa.update(Response).values(derived_version=None, derived_sum_mm=None))
    db.session.commit()
    assert len(derived.outdated_series(9)) == 3  # the series of the story, each once
    monkeypatch.setattr(jobs, "_all_derived", False)
    jobs.derive_responses()
    db.session.expire_all()
    assert {name: recist(one[name]) for name in ten_years.RECIST} == ten_years.RECIST


def test_a_measurement_made_in_error_counts_no_more(story: Any) -> None:
    one = story.entries
    size = one["size_growth_2018_vii"]
    actions.mark_error(size, by=story.by, version=1, because="of another patient")
    assert (one["growth_2018"].derived_sum_mm, one["growth_2018"].derived_response) == (None, "NE")
    actions.restore(size, by=story.by, version=size.version)
    assert recist(one["growth_2018"]) == ten_years.RECIST["growth_2018"]


def test_another_method_is_not_judged_by_recist(story: Any) -> None:
    found = story.entries["after_prrt"]
    actions.change(found, by=story.by, version=1, values={"criteria": "CHOI"})
    assert (found.derived_response, found.derived_sum_mm) == (None, None)
    assert found.response_stated == "PR"


def test_other_answers_give_other_scores(story: Any) -> None:
    found = story.entries["after"]
    actions.change(found, by=story.by, version=1, values={"answers": {"29": 7, "30": 7}})
    assert found.scores == {"QL2": 100.0}
    assert found.derivation["PF2"]["status"] == "not_derivable"


def test_a_line_is_overruled_with_a_reason_and_the_derived_one_stays(story: Any) -> None:
    everolimus = story.entries["everolimus"]
    values = {"line_override": Decimal(2), "line_override_reason": "same line as PRRT"}
    actions.change(everolimus, by=story.by, version=1, values=values)
    found = queries.lines(queries.record_of(story.patient))[everolimus.id]
    assert (found.number, found.derived, found.overruled) == (2, 3, True)


def test_what_belongs_to_a_therapy_moves_with_it(story: Any) -> None:
    one = story.entries
    prrt, lung = one["prrt"], one["lung"]
    actions.change(prrt, by=story.by, version=1, values={}, tumour_id=lung.id)
    db.session.expire_all()
    assert {one[name].tumour_id for name in ("prrt", "base_1", "after_prrt")} == {lung.id}
    assert one["base_2"].tumour_id == one["ileum"].id
