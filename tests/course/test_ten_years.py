"""A whole course of ten years: what the registry derives is what was worked out by hand."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from registry.access import Role
from registry.clinical import prrt, quality_of_life
from registry.course import queries
from tests import make, make_course
from tests.course import ten_years

_COURSES = ("prrt", "prrt_again")


@pytest.fixture
def story(app: Any) -> Any:
    """The patient of tests/course/ten_years.py, entered through the actions, by name of entry."""
    by = make.viewer(make.person(make.centre(), Role.CLINICIAN, name="Carol Cohen"))
    patient = make.patient(by)
    entries: dict[str, Any] = {}
    for one in ten_years.STORY:
        links = {name: entries[other] for name, other in one.links.items()}
        entries[one.name] = make_course.entry(one.entity, patient, by, links=links, **one.values)
    return SimpleNamespace(patient=patient, by=by, entries=entries)


def test_grades_stages_lines_and_responses(story: Any) -> None:
    derived = {name: story.entries[name].derived_category for name in ten_years.GRADES}
    assert derived == ten_years.GRADES
    derived = {name: story.entries[name].derived_stage for name in ten_years.STAGES}
    assert derived == ten_years.STAGES
    found = queries.lines(queries.record_of(story.patient))
    numbers = {name: found[story.entries[name].id].number for name in ten_years.LINES}
    assert numbers == ten_years.LINES

    given = [story.entries[one.name] for one in ten_years.CYCLES]
    courses = [story.entries[name] for name in _COURSES]
    before = {one: prrt.activity_before(story.entries[one], courses, given) for one in _COURSES}
    assert {one: format(total, "f") for one, total in before.items()} == {
        "prrt": "0",
        "prrt_again": ten_years.ACTIVITY["prrt"],
    }

    def of(name: str) -> tuple[Any, ...]:
        one = story.entries[name]
        sums = [format(found, "f") for found in (one.derived_sum_mm, one.derived_nadir_mm)]
        return (*sums, one.derived_target, one.derived_response)

    assert {name: of(name) for name in ten_years.RECIST} == ten_years.RECIST


def test_a_stated_response_that_the_measurements_contradict_is_shown(story: Any) -> None:
    wrong = {one.id for one in story.entries.values() if one.entity == "response"}
    found = {
        one.id
        for name in ten_years.RECIST
        if (one := story.entries[name]).id in wrong
        if one.response_stated not in (None, one.derived_response)
    }
    assert found == {story.entries["growth_2018"].id}
    shown = queries.findings(queries.record_of(story.patient))
    about = [one for one in shown if "response" in one.finding.code]
    assert str(story.entries["growth_2018"].id) in str(about)


def test_scores_and_how_much_they_changed(story: Any) -> None:
    for name, expected in ten_years.SCORES.items():
        scores = story.entries[name].scores
        for scale, score in expected.items():
            assert abs(scores[scale] - score) < 1e-9, (name, scale)
    before, after = (story.entries[name].scores for name in ("before", "after"))
    found = {
        scale: quality_of_life.size_of_change("QLQ-C30", scale, before[scale], after[scale])
        for scale in ten_years.CHANGES
    }
    assert found == ten_years.CHANGES
