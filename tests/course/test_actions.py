"""Adding, changing and opening: audited, derived, refused where impossible, nothing twice."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from registry.access import Role
from registry.audit import AuditEntry
from registry.course import actions, queries
from registry.course.models import Pathology, Therapy, Tumour
from registry.dates import PartialDate
from registry.db import db, new_id
from registry.errors import Conflict, Invalid
from tests import make
from tests import make_course as course


@pytest.fixture
def by(app: Flask) -> Any:
    return make.viewer(make.person(make.centre(), Role.CLINICIAN, name="Carol Cohen"))


def last_audit() -> AuditEntry:
    query = sa.select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)
    return db.session.scalars(query).one()


def actions_done() -> list[str]:
    return list(db.session.scalars(sa.select(AuditEntry.action).order_by(AuditEntry.id)))


def test_an_entry_is_audited_without_free_text(by: Any) -> None:
    patient = make.patient(by)
    course.entry("therapy", patient, by, therapy_class="surgery", note="Seen with her daughter Ann")
    noted = last_audit()
    assert (noted.action, noted.patient_id) == ("added therapy", patient.id)
    assert noted.changes["therapy_class"] == [None, "surgery"]
    assert noted.changes["note"] == "changed"
    assert "Ann" not in str(noted.changes)


def test_a_change_is_audited_with_before_and_after_and_makes_a_new_version(by: Any) -> None:
    found = course.entry("therapy", make.patient(by), by, therapy_class="SSA", start="2022-01")
    actions.change(found, by=by, version=1, values={"stop": PartialDate("2023")})
    assert found.version == 2
    assert last_audit().changes == {"stop": [None, "2023"]}


def test_a_change_of_nothing_is_none(by: Any) -> None:
    found = course.entry("therapy", make.patient(by), by, therapy_class="SSA")
    before = actions_done()
    actions.change(found, by=by, version=1, values={"therapy_class": "SSA"})
    assert (found.version, actions_done()) == (1, before)


def test_a_change_of_an_old_copy_is_refused(by: Any) -> None:
    found = course.entry("therapy", make.patient(by), by, therapy_class="SSA")
    actions.change(found, by=by, version=1, values={"dose": "120 mg"})
    with pytest.raises(Conflict):
        actions.change(found, by=by, version=1, values={"dose": "90 mg"})
    assert found.dose == "120 mg"


def test_if_the_audit_fails_the_change_is_undone(by: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    found = course.entry("therapy", make.patient(by), by, therapy_class="SSA")
    db.session.commit()

    def fail(*_given: Any, **_more: Any) -> None:
        raise RuntimeError("no audit")

    monkeypatch.setattr("registry.audit.record", fail)
    with pytest.raises(RuntimeError, match="no audit"):
        actions.change(found, by=by, version=1, values={"dose": "120 mg"})
    db.session.rollback()
    assert db.session.get_one(Therapy, found.id).dose is None


# -- derived beside stated ---------------------------------------------------------------------


def test_grade_and_stage_stand_beside_what_was_stated(by: Any) -> None:
    made = course.a_course(make.patient(by), by)
    assert (made["pathology"].grade_stated, made["pathology"].derived_grade) == ("G2", "2")
    assert (made["staging"].stage_stated, made["staging"].derived_stage) == ("II", "II")
    assert made["staging"].derivation["stage"]["status"] == "complete"


def test_another_primary_site_derives_grade_and_stage_anew(by: Any) -> None:
    made = course.a_course(make.patient(by), by)
    actions.change(made["tumour"], by=by, version=1, values={"primary_site": "C34.1"})
    assert made["pathology"].derived_category == "ATYPICAL_CARCINOID"
    assert made["staging"].derived_stage != "II"
    assert made["pathology"].grade_stated == "G2"
    assert {"derived pathology anew", "derived staging anew"} <= set(actions_done())


def test_a_derivation_made_anew_is_no_new_version_of_what_was_stated(by: Any) -> None:
    made = course.a_course(make.patient(by), by)
    actions.change(made["tumour"], by=by, version=1, values={"primary_site": "C34.1"})
    assert made["pathology"].version == 1


def test_pathology_decides_which_stage_table_holds(by: Any) -> None:
    made = course.a_course(make.patient(by), by)
    values = {"differentiation": "poor", "cell_type": "large", "ki67_percent": "70"}
    actions.change(made["pathology"], by=by, version=1, values=values)
    assert made["pathology"].derived_category == "NEC_LARGE_CELL"
    assert made["staging"].derived_stage == "IB"
    assert made["staging"].contradictions == "stage_contradiction"


def test_what_was_entered_before_the_only_tumour_becomes_its_own(by: Any) -> None:
    patient = make.patient(by)
    staging = course.entry("staging", patient, by, t="T2", n="N0", m="M0", staging_system="TNM8")
    pathology = course.entry("pathology", patient, by, differentiation="poor", cell_type="small")
    tumour = course.tumour(patient, by, "C34.1")
    assert (pathology.tumour_id, staging.tumour_id) == (tumour.id, tumour.id)
    assert (pathology.derived_category, staging.derived_version) == ("SCLC", "STAGE-GROUP 1")
    later = course.entry("imaging", patient, by, modality="ECHO")
    course.tumour(patient, by, "C25.2")
    assert later.tumour_id is None


def test_pathology_of_another_tumour_changes_nothing_here(by: Any) -> None:
    patient = make.patient(by)
    made = course.a_course(patient, by)
    second = course.tumour(patient, by, "C34.1")
    course.entry("pathology", patient, by, tumour=second, differentiation="poor")
    assert made["staging"].derived_stage == "II"


# -- what is refused ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entity", "row", "field"),
    [
        ("therapy", {"start": "2022-05", "stop": "2021"}, "stop"),
        ("imaging", {"modality": "ECHO", "date": "1950"}, "date"),
        ("therapy", {"start": "2026-02"}, "start"),
        ("follow_up", {"date": "2020", "death_date": "1950"}, "death_date"),
        ("pathology", {"mitoses_per_2mm2": "5000"}, "mitoses_per_2mm2"),
        ("pathology", {"ki67_percent": "lots"}, "ki67_percent"),
        ("therapy", {"therapy_class": "magic"}, "therapy_class"),
        ("tumour", {"functioning": "perhaps"}, "functioning"),
        ("therapy", {"dose": "1", "absent": {"dose": {"why": "not_known"}}}, "dose"),
    ],
)
def test_what_cannot_be_is_refused_at_its_field(
    by: Any, entity: str, row: dict[str, Any], field: str
) -> None:
    patient = make.patient(by, birth_date="1961-03-27")
    course.entry("follow_up", patient, by, vital_status="dead", death_date="2025-12-31")
    with pytest.raises(Invalid) as refused:
        course.entry(entity, patient, by, **row)
    assert refused.value.field == field


def test_a_death_before_what_is_recorded_later_is_refused(by: Any) -> None:
    patient = make.patient(by)
    course.entry("therapy", patient, by, therapy_class="SSA", start="2024-05")
    with pytest.raises(Invalid, match="Therapy, 2024-05"):
        course.entry("follow_up", patient, by, vital_status="dead", death_date="2024-04")


def test_a_late_report_may_follow_a_death(by: Any) -> None:
    patient = make.patient(by)
    course.entry("follow_up", patient, by, vital_status="dead", death_date="2024-04-01")
    assert course.entry("pathology", patient, by, date="2024-04-20", ki67_percent="2")


def test_an_entry_belongs_to_a_tumour_of_the_same_patient(by: Any) -> None:
    other = course.tumour(make.patient(by, family_name="Yilmaz"), by)
    with pytest.raises(Invalid) as refused:
        course.entry("pathology", make.patient(by), by, tumour=other)
    assert refused.value.field == "tumour_id"


def test_the_same_form_sent_twice_makes_one_entry(by: Any) -> None:
    patient, key = make.patient(by), new_id()
    given = {"by": by, "values": {"therapy_class": "SSA"}, "entry_id": key}
    first = actions.add("therapy", patient, **given)
    assert actions.add("therapy", patient, **given) is first
    assert len(queries.therapies(patient.id)) == 1


# -- opening a record --------------------------------------------------------------------------

FACTS: dict[str, list[dict[str, Any]]] = {
    "tumour": [{"primary_site": "C25.2", "diagnosis_date": "2026-01"}],
    "pathology": [{"differentiation": "well", "ki67_percent": "8", "mitoses_per_2mm2": "1"}],
    "staging": [{"t": "T2", "n": "N0", "m": "M0", "staging_system": "AJCC9"}],
    "therapy": [
        {"therapy_class": "surgery", "start": "2026-02", "absent": {"stop": {"why": "not_known"}}},
        {"therapy_class": "SSA", "start": "2026-03"},
    ],
    "response": [{"response_stated": "SD", "therapy": 1}],
    "follow_up": [{"ecog": "1", "weight_kg": "70.5"}],
    "imaging": [{}],
}


def opened(patient: Any, by: Any, facts: dict[str, Any] = FACTS, referral: str = "r-1") -> Any:
    actions.open_record(patient, facts, by=by, source=("referral", referral))
    return queries.record_of(patient)


def test_a_record_opens_with_the_submission_s_facts(by: Any) -> None:
    record = opened(make.patient(by), by)
    [tumour], [pathology], [staging] = (record.of(e) for e in ("tumour", "pathology", "staging"))
    assert (pathology.tumour_id, staging.tumour_id) == (tumour.id, tumour.id)
    assert (pathology.derived_grade, staging.derived_stage) == ("2", "II")
    assert record.of("imaging") == []
    assert {e.source_id for entries in record.entries.values() for e in entries} == {"r-1"}
    surgery, analogue = record.therapies
    assert surgery.absent == {"stop": {"why": "not_known"}}
    assert record.of("response")[0].therapy_id == analogue.id


def count(record: Any) -> dict[str, int]:
    return {entity: len(entries) for entity, entries in record.entries.items() if entries}


def test_the_same_source_adds_nothing_twice(by: Any) -> None:
    patient = make.patient(by)
    first = count(opened(patient, by))
    assert count(opened(patient, by)) == first


def test_what_was_edited_since_is_not_added_again(by: Any) -> None:
    patient = make.patient(by)
    [follow_up] = opened(patient, by).of("follow_up")
    actions.change(follow_up, by=by, version=1, values={"ecog": "2"})
    assert [one.ecog for one in opened(patient, by).of("follow_up")] == ["2"]


def test_a_second_referral_adds_only_what_is_new_to_the_same_tumour(by: Any) -> None:
    patient = make.patient(by)
    opened(patient, by)
    later = FACTS | {"pathology": [{"differentiation": "well", "ki67_percent": "30"}]}
    record = opened(patient, by, later, "r-2")
    assert len(record.tumours) == 1
    assert [p.ki67_percent for p in record.of("pathology")] == ["8", "30"]
    assert len(record.therapies) == 2


def test_another_primary_is_another_tumour(by: Any) -> None:
    patient = make.patient(by)
    opened(patient, by)
    record = opened(patient, by, {"tumour": [{"primary_site": "C34.1"}]}, "r-2")
    assert [t.primary_site for t in record.tumours] == ["C25.2", "C34.1"]


def test_facts_whose_dates_contradict_are_kept_as_they_were_sent(by: Any) -> None:
    facts = {"therapy": [{"therapy_class": "SSA", "start": "2026-03", "stop": "2025"}]}
    [therapy] = opened(make.patient(by), by, facts).therapies
    assert therapy.stop == PartialDate("2025")


def test_an_unknown_variable_is_not_dropped_silently(by: Any) -> None:
    with pytest.raises(ValueError, match="colour"):
        opened(make.patient(by), by, {"tumour": [{"colour": "red"}]})


def test_other_patients_are_left_alone(by: Any) -> None:
    other = make.patient(by, family_name="Yilmaz")
    course.tumour(other, by)
    opened(make.patient(by), by)
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Pathology)) == 1
    assert [t.patient_id for t in queries.tumours(other.id)] == [other.id]
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Tumour)) == 2
