"""A whole course of ten years: what the registry derives is what was worked out by hand."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from registry.access import Role
from tests import make, make_course
from tests.course import ten_years


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


def test_grades(story: Any) -> None:
    derived = {name: story.entries[name].derived_category for name in ten_years.GRADES}
    assert derived == ten_years.GRADES


def test_stages(story: Any) -> None:
    derived = {name: story.entries[name].derived_stage for name in ten_years.STAGES}
    assert derived == ten_years.STAGES
