"""A follow-up visit on one page: one transaction, several entries, each once."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask

from registry.access import Role
from registry.course import queries
from registry.dates import PartialDate, today
from registry.db import db
from tests import make
from tests import make_course as course
from tests import make_sheet as sheets


@pytest.fixture
def ward(app: Flask) -> Any:
    """A patient on lanreotide, seen in March, with chromogranin A and a lasting side effect."""
    carol = make.person(make.centre(), Role.CLINICIAN, name="Carol Cohen")
    by = make.viewer(carol)
    noise = make.patient(by, family_name="Yilmaz")
    course.a_course(noise, by, "therapy", "biomarker", "adverse_event", "follow_up")
    patient = make.patient(by)
    primary = course.tumour(patient, by, "C17.2", diagnosis_date="2024-01")
    course.entry("therapy", patient, by, tumour=primary, therapy_class="surgery", start="2024-02")
    lanreotide = course.entry("therapy", patient, by, tumour=primary, therapy_class="SSA",
                              agent="SSA_LAN", start="2024-03")  # fmt: skip
    course.entry("follow_up", patient, by, date="2026-03-02", vital_status="alive", ecog="1",
                 disease_status="stable", weight_kg="72")  # fmt: skip
    course.entry("biomarker", patient, by, analyte="CGA_MASS", value="120", unit="ng/mL",
                 upper_limit="100", assay="Kryptor", date="2026-03-02")  # fmt: skip
    course.entry("adverse_event", patient, by, term="diarrhea", grade="1", start="2025")
    client = app.test_client()
    make.sign_in(client, carol)
    return SimpleNamespace(client=client, by=by, patient=patient, lanreotide=lanreotide.id)


VISIT = {
    "contact__0__vital_status": "alive",
    "contact__0__disease_status": "worse",
    "contact__0__ecog": "2",
    "contact__0__weight_kg": "70",
    "contact__0__progression_since": "yes",
    "progression__0__date": "1.9.2026",
    "progression__0__kind": "progression",
    "progression__0__basis": "radiological",
    "therapy__0__course": "stopped",
    "therapy__0__stop": "2.9.2026",
    "therapy__0__stop_reason": "progression",
    "known0__0__value": "410",
    "contact__0__imaging_since": "yes",
    "imaging__0__modality": "CT_MULTIPHASE",
    "imaging__0__date": "1.9.2026",
    "contact__0__next_visit": "1.2.2027",
    "event__0__term": "Fatigue",
    "event__0__grade": "2",
    "event__0__start": "8/2026",
    "diary__0__stools_per_day": "4",
    "diary__0__pain": "2",
}


def url(ward: Any) -> str:
    return f"/patients/{ward.patient.id}/visit"


def record(ward: Any) -> queries.Record:
    db.session.expire_all()
    return queries.record_of(ward.patient)


def counts(ward: Any) -> dict[str, int]:
    return {name: len(found) for name, found in record(ward).entries.items() if found}


BEFORE = {"tumour": 1, "therapy": 2, "follow_up": 1, "biomarker": 1, "adverse_event": 1}
AFTER = BEFORE | {"follow_up": 2, "biomarker": 2, "adverse_event": 2, "progression": 1,
                  "imaging": 1, "symptom_diary": 1}  # fmt: skip


def test_a_visit_becomes_its_entries(ward: Any) -> None:
    answer = sheets.fill(ward.client, url(ward), VISIT)
    assert answer.status_code == 303
    assert counts(ward) == AFTER
    there = record(ward)
    now = PartialDate.of(today())
    contact: Any = there.of("follow_up")[-1]
    assert (contact.date, contact.ecog, contact.therapies_go_on) == (now, "2", "no")
    assert contact.next_visit == PartialDate("2027-02-01")
    marker: Any = there.of("biomarker")[-1]
    told = (marker.analyte, marker.value, marker.unit, marker.upper_limit, marker.assay)
    assert told == ("CGA_MASS", Decimal(410), "ng/mL", Decimal(100), "Kryptor")
    assert marker.date == now
    therapy = next(one for one in there.therapies if one.id == ward.lanreotide)
    assert (therapy.stop, therapy.stop_reason) == (PartialDate("2026-09-02"), "progression")
    [progression], [scan], [diary] = (there.of(e) for e in ("progression", "imaging",
                                                            "symptom_diary"))  # fmt: skip
    assert progression.tumour_id == scan.tumour_id == there.tumours[0].id
    assert diary.date == now


def test_sent_twice_it_is_one_visit(ward: Any) -> None:
    page = ward.client.get(url(ward))
    data = {**sheets.sent(page.text), **VISIT}
    for _again in range(2):
        assert make.post(ward.client, url(ward), data, page.text).status_code == 303
    assert counts(ward) == AFTER


def test_what_was_known_is_shown_and_not_taken_over(ward: Any) -> None:
    page = ward.client.get(url(ward)).text
    for text in ("Stable", "72 kg", "120 ng/mL"):
        assert text in page
    sent = sheets.sent(page)
    assert sent["contact__0__weight_kg"] == ""
    assert "contact__0__vital_status" not in sent
    assert sent["known0__0__upper_limit"] == "100"  # stands in its box, to be seen
    assert 'name="known0__0__ppi"' in page  # chromogranin A says little without it
    sheets.fill(ward.client, url(ward), {"contact__0__vital_status": "alive"})
    contact: Any = record(ward).of("follow_up")[-1]
    assert (contact.weight_kg, contact.ecog, contact.disease_status) == (None, None, None)
    assert counts(ward) == BEFORE | {"follow_up": 2}


def test_all_therapies_go_on(ward: Any) -> None:
    sheets.fill(ward.client, url(ward), {"therapy__0__course": "on"})
    there = record(ward)
    assert there.of("follow_up")[-1].therapies_go_on == "yes"
    assert {one.version for one in there.therapies} == {1}


def test_an_empty_form_records_no_visit(ward: Any) -> None:
    make.post(ward.client, url(ward))
    assert counts(ward) == BEFORE


def test_a_stop_needs_its_date_and_everything_or_nothing_is_kept(ward: Any) -> None:
    answer = sheets.fill(ward.client, url(ward), {**VISIT, "therapy__0__stop": ""})
    assert answer.status_code == 422
    assert 'id="therapy__0__stop-error"' in answer.text
    assert sheets.sent(answer.text)["known0__0__value"] == "410"
    answer = sheets.fill(ward.client, url(ward), {**VISIT, "therapy__0__stop": "1.1.2020"})
    assert answer.status_code == 422  # before its start
    assert counts(ward) == BEFORE
    answer = sheets.fill(ward.client, url(ward), {**VISIT, "therapy__0__stop": "?"})
    assert answer.status_code == 303
    assert record(ward).therapies[1].absent == {"stop": {"why": "not_known"}}


def test_a_side_effect_is_gone_and_a_death_is_recorded(ward: Any) -> None:
    answer = sheets.fill(
        ward.client, url(ward),
        {"ongoing__0__stop": "5/2026", "contact__0__vital_status": "dead",
         "contact__0__death_date": today().isoformat(), "contact__0__death_cause": "this_tumour"},
    )  # fmt: skip
    assert answer.status_code == 303
    there = record(ward)
    assert there.of("adverse_event")[0].stop == PartialDate("2026-05")
    assert there.death_date == PartialDate.of(today())


def test_a_test_that_comes_too_early_is_pointed_out(ward: Any) -> None:
    course.entry("imaging", ward.patient, ward.by, modality="PET_68GA_DOTATATE",
                 date=PartialDate.of(today()).iso[:8] + "01")  # fmt: skip
    db.session.commit()
    if today().day == 1:
        pytest.skip("two scans of one day are one")
    sheets.fill(
        ward.client, url(ward),
        {"contact__0__imaging_since": "yes", "imaging__0__modality": "PET_68GA_DOTATATE",
         "imaging__0__date": "t"},
    )  # fmt: skip
    assert "earlier than planned" in ward.client.get(f"/patients/{ward.patient.id}/chart").text
