"""The patient's page: it tells what was entered, to those who may know, in bounded queries."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from registry.access import Role
from registry.audit import AuditEntry
from registry.chart import curves, queries, questions, tables
from registry.chart.words import Words
from registry.course.queries import reading
from registry.db import db, new_id
from registry.patients import actions as patients
from registry.patients import rules as relations
from registry.referrals import actions as referrals
from tests import make, make_referrals
from tests import make_course as course

#: One an entity, and what every page asks; however long the record is.
MOST_QUERIES = 39


@pytest.fixture
def ward(app: Flask) -> Any:
    """A centre with a clinician and a coordinator, a hospital, and another centre."""
    place = make.centre()
    carol = make.person(place, Role.CLINICIAN, name="Carol Cohen")
    found = SimpleNamespace(
        app=app,
        carol=carol,
        by=make.viewer(carol),
        tina=make.person(place, Role.TRIAGE_COORDINATOR, name="Tina Timmer"),
        rosa=make.person(make.hospital(), Role.REFERRER, name="Rosa Ritter"),
        stranger=make.person(make.centre("CENTRE-2"), Role.CLINICIAN, name="Ulla Unger"),
        rex=make.person(place, Role.RESEARCHER, name="Rex Rood"),
    )
    found.patient = make.patient(found.by)
    return found


def client_of(ward: Any, who: Any) -> Any:
    client = ward.app.test_client()
    make.sign_in(client, who)
    return client


def chart(ward: Any, who: Any = None, patient: Any = None) -> Any:
    client = client_of(ward, who or ward.carol)
    return client.get(f"/patients/{(patient or ward.patient).id}/chart")


# -- who may -----------------------------------------------------------------------------------


def test_who_may_open_it(ward: Any) -> None:
    course.a_course(ward.patient, ward.by)
    for who, status in (
        (ward.carol, 200),
        (ward.tina, 200),
        (ward.stranger, 404),
        (ward.rosa, 404),
        (ward.rex, 403),
    ):
        assert chart(ward, who).status_code == status, who.name
    assert client_of(ward, ward.carol).get(f"/patients/{new_id()}/chart").status_code == 404
    away = ward.app.test_client().get(f"/patients/{ward.patient.id}/chart")
    assert "/sign-in" in away.headers["Location"]


def test_a_coordinator_reads_and_is_offered_nothing_to_write(ward: Any) -> None:
    course.a_course(ward.patient, ward.by)
    page = chart(ward, ward.tina).text
    assert "Zonneveld" in page
    assert "/new" not in page
    assert ">Edit<" not in page
    assert "/visit" not in page


def test_who_treats_is_led_to_the_fast_pages(ward: Any) -> None:
    course.a_course(ward.patient, ward.by)
    page = chart(ward).text
    for page_of in ("visit", "level-1", "course/assessment/new", "course/biomarker/paste"):
        assert f'href="/patients/{ward.patient.id}/{page_of}"' in page


def test_opening_it_is_audited(ward: Any) -> None:
    chart(ward, ward.tina)
    query = sa.select(AuditEntry).where(AuditEntry.action == "opened chart")
    [noted] = db.session.scalars(query)
    assert (noted.person_id, noted.patient_id) == (ward.tina.id, ward.patient.id)


# -- what it tells -----------------------------------------------------------------------------


def test_it_tells_what_was_entered(ward: Any) -> None:
    made = course.a_course(ward.patient, ward.by)
    page = chart(ward).text
    for text in (
        "Zonneveld, Anna Maria",
        ward.patient.pseudonym,
        "Tail of pancreas (2022)",
        "NET, grade 2",
        "Stage II",
        "Insulinoma",
        "R0, no residual tumour",
        "Recurrence",
        "19.7 months",
        "Sharing for care",
        "Kidney disease",  # the board would ask
    ):
        assert text in page, text
    for found in made.values():
        if found.entity in tables.PARTS:  # counted, and on a page of their own
            assert f'/patients/{ward.patient.id}/course/{found.entity}"' in page
            continue
        assert f'id="{found.entity}-{found.id}"' in page
        assert course.edit_url(found) in page


def drawn(ward: Any) -> dict[str, Any]:
    db.session.flush()
    record = reading.record(ward.patient)
    return {one.key: one for one in curves.curves(record, Words(), {})}


def test_markers_of_another_assay_are_another_line_and_kidneys_follow_prrt(ward: Any) -> None:
    """100 by one assay and 400 by another say nothing of each other, whatever their limits."""
    for year, assay in (("2020", ""), ("2021", "Kryptor"), ("2022", " kryptor "), ("2023", "RIA")):
        course.entry(
            "biomarker", ward.patient, ward.by, analyte="CGA_MASS", value="200", unit="ng/mL",
            upper_limit="100", date=year, assay=assay,
        )  # fmt: skip
    course.entry(
        "biomarker", ward.patient, ward.by, analyte="EGFR", value="72",
        unit="mL/min/{1.73_m2}", date="2021-05",
    )  # fmt: skip
    found = drawn(ward)
    [cga] = found["markers"].series  # eGFR has no upper limit: it is not named without a line
    assert [value.run for value in cga.values] == ["kryptor", "kryptor", "kryptor", "ria"]
    assert "kidney" not in found
    therapy = course.entry(
        "therapy", ward.patient, ward.by, therapy_class="PRRT", agent="PRRT_LU_DOTATATE",
        start="2021-06-01",
    )  # fmt: skip
    course.entry(
        "cycle", ward.patient, ward.by, links={"therapy": therapy}, date="2021-06-01", egfr="64"
    )
    [egfr] = drawn(ward)["kidney"].series
    assert [value.height for value in egfr.values] == [72.0, 64.0]


def test_a_reading_above_what_the_laboratory_measures_is_shown_as_a_limit(ward: Any) -> None:
    course.entry(
        "biomarker", ward.patient, ward.by, analyte="CGA_MASS", comparator=">", value="1000",
        unit="ng/mL", upper_limit="100",
    )  # fmt: skip
    page = chart(ward).text
    assert "&gt;1000 ng/mL" in page
    assert "&gt; 10.0 ×" in page


def test_an_empty_record_says_so_and_offers_the_tumour(ward: Any) -> None:
    page = chart(ward).text
    assert "Nothing is entered yet" in page
    assert course.new_url("tumour", ward.patient) in page


def test_another_patient_s_entries_are_not_shown(ward: Any) -> None:
    other = make.patient(ward.by, family_name="Yilmaz")
    course.entry("therapy", other, ward.by, therapy_class="PRRT", agent_stated="Lutetium trial")
    assert "Lutetium trial" not in chart(ward).text


def test_stated_and_derived_stand_together_with_the_reason(ward: Any) -> None:
    tumour = course.tumour(ward.patient, ward.by)
    course.entry(
        "pathology", ward.patient, ward.by, tumour=tumour, date="2022-05", differentiation="well",
        ki67_percent="25", grade_stated="G1",
    )  # fmt: skip
    page = chart(ward).text
    assert "NET, grade 3 (well differentiated)" in page
    assert "Ki-67 25 %: category 3." in page
    assert "Contradicts itself" in page


def test_dates_that_contradict_are_listed(ward: Any) -> None:
    course.tumour(ward.patient, ward.by, diagnosis_date="2022-05")
    course.entry("therapy", ward.patient, ward.by, therapy_class="SSA", start="2020")
    assert "is before the diagnosis (May 2022)." in chart(ward).text


def test_what_has_no_date_is_listed_apart_with_what_is_known(ward: Any) -> None:
    course.tumour(ward.patient, ward.by, diagnosis_date="")
    course.entry(
        "therapy", ward.patient, ward.by, therapy_class="PRRT", interval="19.7",
        interval_unit="months",
    )  # fmt: skip
    course.entry(
        "progression", ward.patient, ward.by, kind="recurrence",
        absent={"date": {"why": "not_known"}},
    )  # fmt: skip
    page = chart(ward).text
    assert "Without a date" in page
    assert "19.7 months from diagnosis" in page
    assert "Nothing with a date is recorded yet." in page


def test_a_death_is_told_and_ends_the_therapy_now(ward: Any) -> None:
    course.entry("therapy", ward.patient, ward.by, therapy_class="SSA", start="2022")
    begun = chart(ward).text
    assert "Therapy now</dt><dd>Somatostatin analogue" in begun
    assert "0.0 months" not in begun  # nobody looked since it began
    course.entry("follow_up", ward.patient, ward.by, vital_status="dead", death_date="2024-03")
    page = chart(ward).text
    assert "Dead, Mar 2024" in page
    assert "Therapy now</dt><dd>None<" in page
    assert "62–63 at death" in page


def test_a_retreatment_without_progression_is_asked_about(ward: Any) -> None:
    tumour = course.tumour(ward.patient, ward.by, diagnosis_date="2018-01-10")

    def prrt(start: str, stop: str) -> None:
        course.entry(
            "therapy", ward.patient, ward.by, tumour=tumour, therapy_class="PRRT", start=start,
            agent="PRRT_LU_DOTATATE", stop=stop, stop_reason="completed",
        )  # fmt: skip

    prrt("2020-01-10", "2020-06-30")
    prrt("2020-12-30", "2021-02-01")  # half a year and no day more: a delayed cycle
    assert "Given again" not in chart(ward).text
    prrt("2023-01-10", "2023-03-10")
    assert "Given again, but no progression is entered before it" in chart(ward).text
    course.entry("progression", ward.patient, ward.by, tumour=tumour, date="2022-11-02")
    assert "Given again" not in chart(ward).text


def test_a_death_without_a_date_is_a_death(ward: Any) -> None:
    tumour = course.tumour(ward.patient, ward.by, diagnosis_date="2020-01-10")
    course.entry("therapy", ward.patient, ward.by, tumour=tumour, therapy_class="SSA", start="2022")
    course.entry(
        "follow_up", ward.patient, ward.by, date="2024-05-02", vital_status="dead",
        absent={"death_date": {"why": "not_known"}},
    )  # fmt: skip
    page = chart(ward).text
    assert "Dead, date not known" in page
    assert "Therapy now</dt><dd>None<" in page
    assert "Age</dt><dd>Not recorded<" in page
    assert "nothing is asked for a board" in page
    assert "since 2022" not in page
    assert "Letter to the patient" not in page


def test_of_the_dead_it_says_why_nothing_is_asked(ward: Any) -> None:
    """The stage is not known, and no board will ask: it must not read as if all were known."""
    tumour = course.tumour(ward.patient, ward.by, diagnosis_date="2012-08-20")
    for day in ("2012-08-20", "2012-09-27"):
        course.entry(
            "pathology", ward.patient, ward.by, tumour=tumour, date=day, differentiation="well",
            ki67_percent="2", grade_stated="G1",
        )  # fmt: skip
    course.entry("follow_up", ward.patient, ward.by, vital_status="dead", death_date="2024-03")
    page = chart(ward).text
    assert "No staging is recorded." in page
    assert "a board would miss nothing" not in page
    assert "nothing is asked for a board" in page
    assert "Who can help" not in page
    # The grade at the head is of the later specimen; how it went says that it is the same.
    head, _found, course_of_it = page.partition("How the grade went")
    assert 'Grade <span class="app-standing__when">27 Sep 2012' in head
    first = course_of_it.partition("</ol>")[0]
    assert first.count("<li>") == 1
    assert "20 Aug 2012" in first
    assert "unchanged on 27 Sep 2012" in first


def test_a_referring_hospital_s_entry_is_marked_as_its_own(ward: Any) -> None:
    rosa = make.viewer(ward.rosa)
    patient = make.patient(rosa, relations.REFERRING, family_name="Wolff")
    course.entry("therapy", patient, rosa, therapy_class="SSA")
    patients.relate(patient.id, ward.by.organisation_id, relations.TREATING, by=ward.by)
    assert "Hospital A" in chart(ward, ward.carol, patient).text
    own = chart(ward, ward.rosa, patient).text
    assert '<span class="app-line-end__source">' not in own


def test_what_somebody_typed_cannot_become_markup(ward: Any) -> None:
    course.entry("imaging", ward.patient, ward.by, modality="ECHO", result="<script>alert(1)")
    page = chart(ward).text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


# -- bounded -----------------------------------------------------------------------------------


def queries_of(ward: Any, client: Any) -> int:
    seen: list[str] = []

    def note(_c: Any, _k: Any, statement: str, *_rest: Any) -> None:
        if statement.lstrip().upper().startswith("SELECT"):
            seen.append(statement)

    db.session.commit()
    db.session.expire_all()
    sa.event.listen(db.engine, "before_cursor_execute", note)
    try:
        assert client.get(f"/patients/{ward.patient.id}/chart").status_code == 200
    finally:
        sa.event.remove(db.engine, "before_cursor_execute", note)
    return len(seen)


def test_the_number_of_queries_does_not_grow_with_the_record(ward: Any) -> None:
    client = client_of(ward, ward.carol)
    made = course.a_course(ward.patient, ward.by)
    one = queries_of(ward, client)
    for number in range(29):
        year = str(1990 + number)
        for entity, row in (
            ("pathology", {"ki67_percent": "5", "date": year}),
            ("staging", {"t": "T2", "date": year}),
            ("therapy", {"therapy_class": "SSA", "start": year}),
            ("response", {"response_stated": "SD", "date": year}),
            ("follow_up", {"ecog": "1", "date": year}),
            ("imaging", {"modality": "ECHO", "date": year}),
        ):
            linked = {} if entity == "follow_up" else {"tumour": made["tumour"]}
            course.entry(entity, ward.patient, ward.by, **linked, **row)
    assert queries_of(ward, client) == one
    assert one <= MOST_QUERIES


def test_nothing_is_asked_twice_while_the_referral_waits_for_a_decision(client):
    net = make_referrals.network()
    sent = make_referrals.referral(net)
    chris = net.viewer("chris")
    assert queries.chart(chris, sent.patient_id).questions[questions.MISSING] == []
    make.sign_in(client, net.chris)
    page = client.get(f"/patients/{sent.patient_id}/chart").text
    assert "What is still missing is said in the referral." in page
    assert "a board would miss nothing" not in page
    referrals.take(sent, "accept", by=chris, version=sent.version)
    db.session.commit()
    asked = queries.chart(chris, sent.patient_id).questions[questions.MISSING]
    assert "tumour.primary_site" not in {f"{one.entity}.{one.variable}" for one in asked}
