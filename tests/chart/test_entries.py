"""All entries of a kind, page by page, and the history of every value."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from registry.access import Role
from registry.audit import AuditEntry
from registry.course import actions
from registry.db import db, new_id
from tests import make
from tests import make_course as course


@pytest.fixture
def ward(app: Flask) -> Any:
    place = make.centre()
    carol = make.person(place, Role.CLINICIAN, name="Carol Cohen")
    tina = make.person(place, Role.TRIAGE_COORDINATOR, name="Tina Timmer")
    stranger = make.person(make.centre("CENTRE-2"), Role.CLINICIAN, name="Ulla Unger")
    by = make.viewer(carol)
    return type("Ward", (), {"app": app, "carol": carol, "tina": tina, "stranger": stranger,
                             "by": by, "patient": make.patient(by)})()  # fmt: skip


def get(ward: Any, address: str, who: Any = None) -> Any:
    client = ward.app.test_client()
    make.sign_in(client, who or ward.carol)
    return client.get(address)


def markers(ward: Any, count: int) -> list[Any]:
    return [
        course.entry(
            "biomarker", ward.patient, ward.by, analyte="CGA_MASS" if n % 2 else "NSE",
            value=str(1000 + n), unit="ng/mL", date=f"20{10 + n % 10}-03",
        )
        for n in range(count)
    ]  # fmt: skip


def test_all_entries_come_in_pages_newest_first_and_by_analyte(ward: Any) -> None:
    markers(ward, 60)
    address = f"/patients/{ward.patient.id}/course/biomarker"
    first = get(ward, address).text
    assert "60 entries" in first
    assert first.count('id="biomarker-') == 50
    assert first.index("Mar 2019") < first.index("Mar 2012")
    assert get(ward, f"{address}?page=2").text.count('id="biomarker-') == 10
    assert get(ward, f"{address}?page=99").text.count('id="biomarker-') == 10
    only = get(ward, f"{address}?only=NSE").text
    assert "30 entries" in only
    assert "1001 ng/mL" not in only


def test_the_chart_shows_the_latest_and_leads_to_all(ward: Any) -> None:
    markers(ward, 12)
    page = get(ward, f"/patients/{ward.patient.id}/chart").text
    assert page.count('<tr role="row" id="biomarker-') == 5
    assert "latest 5 of 12" in page
    assert f'href="/patients/{ward.patient.id}/course/biomarker"' in page


def test_what_was_entered_in_error_is_told_there_with_the_reason_and_nowhere_else(
    ward: Any,
) -> None:
    wrong = markers(ward, 1)[0]
    actions.mark_error(wrong, by=ward.by, version=wrong.version, because="Of another patient")
    listed = get(ward, f"/patients/{ward.patient.id}/course/biomarker").text
    assert "Entered in error" in listed
    assert "Of another patient" in listed
    assert course.edit_url(wrong) + '"' not in listed
    assert "1000 ng/mL" not in get(ward, f"/patients/{ward.patient.id}/chart").text


def test_the_history_tells_who_when_before_and_after(ward: Any) -> None:
    found = course.entry(
        "pathology", ward.patient, ward.by, date="2022-05", ki67_percent="8",
        differentiation="well", note="As read by telephone",
    )  # fmt: skip
    actions.change(found, by=ward.by, version=found.version, values={"ki67_percent": "28"})
    page = get(ward, f"/course/pathology/{found.id}/history").text
    for text in ("Carol Cohen", "Centre 1", "Entered", "Changed", "8 %", "28 %", "telephone"):
        assert text in page, text
    one = get(ward, f"/course/pathology/{found.id}/history?only=ki67_percent").text
    assert "28 %" in one
    events = one.split('class="app-history"', 1)[1]
    assert "telephone" not in events


def test_of_thirty_answers_the_history_tells_those_that_changed(ward: Any) -> None:
    answers = {str(item): 2 for item in range(1, 29)} | {"29": 7, "30": 6}
    found = course.entry(
        "questionnaire", ward.patient, ward.by, instrument="QLQ-C30", answers=answers
    )
    changed = {"answers": answers | {"29": 3}}
    actions.change(found, by=ward.by, version=found.version, values=changed)
    page = get(ward, f"/course/questionnaire/{found.id}/history").text
    entered, changed_ = page.split('class="app-history"', 1)[1].split("Changed", 1)
    assert "28: 2, 29: 7, 30: 6" in entered
    assert "29: 7" in changed_
    assert "29: 3" in changed_
    assert "28: 2" not in changed_


def test_the_history_tells_which_therapy_an_entry_was_about_at_first(ward: Any) -> None:
    first, second = (
        course.entry("therapy", ward.patient, ward.by, agent=agent, start="2020")
        for agent in ("EVE", "SUN")
    )
    found = course.entry("adverse_event", ward.patient, ward.by, therapy=first, term="fatigue")
    actions.change(found, by=ward.by, version=found.version, values={}, therapy_id=second.id)
    page = get(ward, f"/course/adverse_event/{found.id}/history").text
    entered, changed = page.split('class="app-history"', 1)[1].split("Changed", 1)
    assert "Everolimus" in entered
    assert "Sunitinib" not in entered
    assert changed.index("Everolimus") < changed.index("Sunitinib")


def test_who_may_see_histories_and_lists_and_that_it_is_audited(ward: Any) -> None:
    found = markers(ward, 1)[0]
    for address in (
        f"/course/biomarker/{found.id}/history",
        f"/patients/{ward.patient.id}/course/biomarker",
        f"/patients/{ward.patient.id}/timeline?from=2010&to=2012",
    ):
        assert get(ward, address).status_code == 200
        assert get(ward, address, ward.tina).status_code == 200
        assert get(ward, address, ward.stranger).status_code == 404
    for address in (
        f"/course/biomarker/{new_id()}/history",
        f"/course/nothing/{found.id}/history",
        f"/patients/{ward.patient.id}/course/nothing",
        f"/patients/{new_id()}/timeline",
    ):
        assert get(ward, address).status_code == 404
    actions_ = set(db.session.scalars(sa.select(AuditEntry.action)))
    assert {"opened history", "opened entries", "opened timeline"} <= actions_


def test_another_period_shows_what_lies_in_it(ward: Any) -> None:
    course.entry("therapy", ward.patient, ward.by, therapy_class="SSA", start="2012", stop="2013")
    course.entry("progression", ward.patient, ward.by, kind="recurrence", date="2020-02-01")
    address = f"/patients/{ward.patient.id}/timeline"
    whole = get(ward, address).text
    part = get(ward, f"{address}?from=2019-06&to=2020-03").text
    assert "app-timeline__bar--ssa" in whole
    assert "app-timeline__bar--ssa" not in part
    assert "app-timeline__mark--progression" in part
    silly = get(ward, f"{address}?from=yesterday&to=0000&m=NOTHING&q=<b>").text
    assert "app-timeline__bar--ssa" in silly
