"""All of a file or nothing; twice adds nothing; what the source says is on the record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from registry.access import Role, Viewer
from registry.audit import AuditEntry
from registry.course import queries as course
from registry.course.models import FollowUp, Pathology, Staging, StatedEndpoint, Tumour
from registry.db import db
from registry.interop import actions, map_files, queries
from registry.interop.models import Import, SourceRow
from registry.interop.reports import Report
from registry.patients import queries as patients
from registry.patients.matching import finding
from registry.patients.models import Consent, Patient
from tests import make
from tests.make_interop import COHORTS, HEAD, TUMOUR, brought_in, file_of, map_of

SEX = 'sex_at_birth = { column = "sex", values = { "f" = "female", "m" = "male" } }\n'
WARD = f"{TUMOUR}[patient]\n{SEX}"
NUMBERED = f'{TUMOUR}[patient]\nhospital_number = "id"\n{SEX}'
NAMED = f"""{TUMOUR}
[patient]
family_name = "name"
hospital_number = "id"
birth_date = {{ column = "born", order = "dmy" }}
"""


def count(model: Any) -> int:
    return db.session.scalar(sa.select(sa.func.count()).select_from(model)) or 0


def importer() -> Viewer:
    make.centre()
    return queries.importer("CENTRE-1")


def made_up(by: Viewer) -> Report:
    by_map = map_files.load(COHORTS / "made_up_contradictions.toml")
    return actions.bring_in(COHORTS / "made_up_contradictions.csv", by_map, by=by)


def test_rows_become_patients_of_the_centre(app: Flask, tmp_path: Path) -> None:
    place = make.centre()
    by = queries.importer("CENTRE-1")
    report = brought_in(tmp_path, by, WARD, "id,sex", "1,f", "2,m")
    assert (report.read, report.created, report.unchanged, report.refused) == (2, 2, 0, 0)
    clinician = make.viewer(make.person(place, Role.CLINICIAN))
    rows = db.session.scalars(sa.select(Patient).order_by(Patient.id)).all()
    assert [one.sex_at_birth for one in rows] == ["female", "male"]
    assert {one.source for one in rows} == {"ward"}
    assert [patients.patient(clinician, one.id).pseudonym for one in rows]


def test_nobody_elses_clinician_sees_them(app: Flask, tmp_path: Path) -> None:
    from registry.errors import NotFound

    brought_in(tmp_path, importer(), WARD, "id,sex", "1,f")
    stranger = make.viewer(make.person(make.centre("CENTRE-2"), Role.CLINICIAN))
    with pytest.raises(NotFound):
        patients.patient(stranger, db.session.scalars(sa.select(Patient.id)).one())


def test_the_basis_of_the_source_is_the_consent_of_every_patient(
    app: Flask, tmp_path: Path
) -> None:
    brought_in(tmp_path, importer(), WARD, "id,sex", "1,f")
    found = db.session.scalars(sa.select(Consent).order_by(Consent.purpose)).all()
    assert [(c.purpose, c.answer, c.form_version) for c in found] == [
        ("registry", "yes", "Signed form 2019"),
        ("research_use", "yes", "Signed form 2019"),
    ]


def test_an_import_is_audited(app: Flask, tmp_path: Path) -> None:
    brought_in(tmp_path, importer(), WARD, "id,sex", "1,f")
    done = set(db.session.scalars(sa.select(AuditEntry.action)))
    assert {"imported", "imported patient"} <= done
    [about] = db.session.scalars(
        sa.select(AuditEntry).where(AuditEntry.action == "imported patient")
    )
    assert about.patient_id == db.session.scalars(sa.select(Patient.id)).one()
    assert about.changes == {"source": [None, "ward"], "tumour": [None, 1]}


def test_the_same_file_twice_adds_nothing(app: Flask, tmp_path: Path) -> None:
    by = importer()
    lines = ("id,sex", "1,f", "2,m")
    brought_in(tmp_path, by, WARD, *lines)
    again = brought_in(tmp_path, by, WARD, *lines)
    assert (again.created, again.unchanged, again.refused) == (0, 2, 0)
    assert (count(Patient), count(Tumour), count(SourceRow), count(Import)) == (2, 2, 2, 1)


def test_a_longer_file_adds_what_is_new(app: Flask, tmp_path: Path) -> None:
    by = importer()
    brought_in(tmp_path, by, WARD, "id,sex", "1,f")
    again = brought_in(tmp_path, by, WARD, "id,sex", "1,f", "2,m")
    assert (again.created, again.unchanged) == (1, 1)


def test_a_corrected_row_shows_what_changed_and_changes_it(app: Flask, tmp_path: Path) -> None:
    by = importer()
    brought_in(tmp_path, by, WARD, "id,sex", "1,f")
    db.session.commit()
    again = brought_in(tmp_path, by, WARD, "id,sex", "1,m", "2,f")
    assert (again.created, again.changed, again.refused) == (1, 1, 0)
    [change] = again.changes
    assert (change.row, change.entity, change.variable) == (2, "patient", "sex_at_birth")
    assert (change.before, change.after, change.conflict) == ("female", "male", False)
    assert db.session.scalars(sa.select(Patient.sex_at_birth).order_by(Patient.id)).all() == [
        "male",
        "female",
    ]


def test_two_sources_may_use_the_same_ids(app: Flask, tmp_path: Path) -> None:
    by = importer()
    brought_in(tmp_path, by, WARD, "id,sex", "1,f")
    other = HEAD.replace('"ward"', '"clinic"')
    assert brought_in(tmp_path, by, WARD, "id,sex", "1,f", head=other).created == 1


def test_two_centres_may_use_the_same_source_name(app: Flask, tmp_path: Path) -> None:
    brought_in(tmp_path, importer(), WARD, "id,sex", "1,f")
    make.centre("CENTRE-2")
    assert brought_in(tmp_path, queries.importer("CENTRE-2"), WARD, "id,sex", "1,m").created == 1


def test_one_refused_row_keeps_all_out(app: Flask, tmp_path: Path) -> None:
    by = importer()
    db.session.commit()
    report = brought_in(tmp_path, by, WARD, "id,sex", "1,f", "2,x", "3,m")
    assert (report.read, report.created, report.refused) == (3, 0, 1)
    assert (count(Patient), count(Tumour), count(Import)) == (0, 0, 0)


def test_what_only_the_record_refuses_keeps_all_out_too(app: Flask, tmp_path: Path) -> None:
    by = importer()
    db.session.commit()
    body = WARD + '[[therapy]]\nstart = "start"\nstop = "stop"\n'
    lines = ("id,sex,start,stop", "1,f,2020,2021", "2,m,2020,2019")
    report = brought_in(tmp_path, by, body, *lines)
    [refusal] = report.refusals
    assert (refusal.row, refusal.column) == (3, "stop")
    assert "before the start" in refusal.reason
    assert count(Patient) == 0


def test_a_hospital_number_of_somebody_else_is_refused(app: Flask, tmp_path: Path) -> None:
    by = importer()
    brought_in(tmp_path, by, NUMBERED, "id,sex", "1,f")
    other = HEAD.replace('"ward"', '"clinic"')
    report = brought_in(tmp_path, by, NUMBERED, "id,sex", "1,f", head=other)
    assert "has this number" in report.refusals[0].reason
    assert count(Patient) == 1


def test_an_id_that_stands_twice_is_refused(app: Flask, tmp_path: Path) -> None:
    report = brought_in(tmp_path, importer(), WARD, "id,sex", "1,f", "1,f")
    [refusal] = report.refusals
    assert (refusal.row, refusal.value, refusal.reason) == (3, "1", "stands in row 2 as well")


def test_a_column_the_map_does_not_name_is_an_error(app: Flask, tmp_path: Path) -> None:
    from registry.interop.mapping import MapError

    with pytest.raises(MapError, match=r"does not name.*'age', 'town'"):
        brought_in(tmp_path, importer(), WARD, "id,sex,age,town", "1,f,50,X")


def test_a_column_the_file_does_not_have_is_an_error(app: Flask, tmp_path: Path) -> None:
    from registry.interop.mapping import MapError

    with pytest.raises(MapError, match="does not have: 'sex'"):
        brought_in(tmp_path, importer(), WARD, "id", "1")


def test_names_are_sealed_and_found_by_number(app: Flask, tmp_path: Path) -> None:
    by = importer()
    brought_in(tmp_path, by, NAMED, "id,name,born", "H-77,Østergård,27.3.1961")
    found = db.session.scalars(sa.select(Patient)).one()
    assert found.reveal("family_name") == "Østergård"
    assert str(found.birth_date) == "1961-03-27"
    assert finding.search(by, "H77") == [found.id]
    raw = db.session.execute(sa.text("SELECT source_id_index, kept FROM source_row")).all()
    assert "H-77" not in str(raw)
    audited = str(db.session.execute(sa.text("SELECT * FROM audit_entry")).all())
    assert "Østergård" not in audited


def test_entries_belong_to_the_tumour_they_name(app: Flask, tmp_path: Path) -> None:
    body = """
[[tumour]]
name = "first"
primary_site = "site1"
[[tumour]]
name = "second"
primary_site = "site2"
[[pathology]]
tumour = "second"
ki67_percent = "ki2"
[[pathology]]
ki67_percent = "ki1"
[[therapy]]
name = "operation"
tumour = "second"
when = { column = "operated", is = "1" }
therapy_class = { constant = "surgery" }
[[response]]
therapy = "operation"
response_stated = "best"
"""
    by = importer()
    lines = ("id,site1,site2,ki1,ki2,operated,best", "1,C25.1,C17.2,1,30,1,CR")
    brought_in(tmp_path, by, body, *lines)
    found = course.record_of(db.session.scalars(sa.select(Patient)).one())
    site = {one.id: one.primary_site for one in found.tumours}
    assert {p.ki67_percent: site[p.tumour_id] for p in found.of("pathology")} == {
        "30": "C17.2",
        "1": "C25.1",
    }
    [response], [therapy] = found.of("response"), found.therapies
    assert response.therapy_id == therapy.id
    assert site[therapy.tumour_id] == "C17.2"


def test_a_code_outside_the_list_is_kept_as_stated_and_reported(app: Flask, tmp_path: Path) -> None:
    body = '[[tumour]]\nprimary_site = "site"\n'
    report = brought_in(tmp_path, importer(), body, "id,site", "1,C69.9")
    assert db.session.scalars(sa.select(Tumour.primary_site)).one() == "C69.9"
    assert dict(report.account.outside) == {("tumour.primary_site", "C69.9"): 1}


HOSTILE = [
    "=cmd|' /C calc'!A0",
    "<script>alert(1)</script>",
    "Robert'); DROP TABLE patient;--",
    "{{ 7*7 }}",
    "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 \u202e rtl",
    "../../etc/passwd",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_text(app: Flask, tmp_path: Path, text: str) -> None:
    body = TUMOUR + 'note = "note"\n[keep]\n"x" = "no variable"'
    quoted = '"' + text.replace('"', '""') + '"'
    lines = ("id,note,x", f"{quoted},{quoted},{quoted}")
    by = importer()
    assert brought_in(tmp_path, by, body, *lines).created == 1
    assert db.session.scalars(sa.select(Tumour.note)).one() == text
    assert db.session.scalars(sa.select(SourceRow.kept)).one() == {"x": [text]}
    assert brought_in(tmp_path, by, body, *lines).unchanged == 1


def test_latin_1_is_refused_cell_by_cell_unless_it_is_stated(app: Flask, tmp_path: Path) -> None:
    by, body = importer(), TUMOUR + 'note = "note"\n'
    path = file_of(tmp_path, "id,note", "1,Zürich", "2,Bern", encoding="latin-1")
    report = actions.bring_in(path, map_of(tmp_path, body), by=by)
    assert [(r.row, r.column) for r in report.refusals] == [(2, "note")]
    head = HEAD.replace("[consent]", 'encoding = "latin-1"\n[consent]')
    assert actions.bring_in(path, map_of(tmp_path, body, head), by=by).created == 2


# -- several rows of a patient ------------------------------------------------------------------

SEVERAL = HEAD.replace("[consent]", 'rows = "several"\n[consent]')
VISITS = """
[patient]
sex_at_birth = { column = "sex", values = { "f" = "female", "m" = "male" } }
[[tumour]]
once = true
primary_site = "site"
age_at_diagnosis = "age"
[[therapy]]
name = "given"
therapy_class = "treated"
interval = "month"
interval_unit = { constant = "months" }
[[response]]
therapy = "given"
response_stated = "best"
[[follow_up]]
vital_status = "status"
interval = "month"
interval_unit = { constant = "months" }
[keep]
"remark" = "no variable"
"""
COLUMNS = "id,sex,site,age,month,treated,best,status,remark"
FIRST_VISIT = "1,f,C25.1,,0,surgery,CR,alive,well"
LATER_VISIT = "1,,C25.1,61,6.5,PRRT,SD,alive,tired"


def test_several_rows_make_one_patient_with_an_entry_a_row(app: Flask, tmp_path: Path) -> None:
    lines = (COLUMNS, FIRST_VISIT, LATER_VISIT, "2,m,C17.2,50,1,,,dead,")
    report = brought_in(tmp_path, importer(), VISITS, *lines, head=SEVERAL)
    assert (report.read, report.created, report.refusals) == (3, 2, [])
    patient = db.session.scalars(sa.select(Patient).order_by(Patient.id)).first()
    assert patient is not None
    found = course.record_of(patient)
    [tumour] = found.tumours
    assert (tumour.primary_site, str(tumour.age_at_diagnosis)) == ("C25.1", "61")
    assert sorted(str(one.interval) for one in found.of("follow_up")) == ["0", "6.5"]
    classes = {one.id: one.therapy_class for one in found.therapies}
    answers = {classes[one.therapy_id]: one.response_stated for one in found.of("response")}
    assert answers == {"surgery": "CR", "PRRT": "SD"}
    kept = db.session.scalars(sa.select(SourceRow.kept).order_by(SourceRow.id)).first()
    assert kept == {"remark": ["well", "tired"]}


@pytest.mark.parametrize(
    ("later", "said"),
    [
        ("1,m,C25.1,61,6,PRRT,SD,alive,", "patient.sex_at_birth is another"),
        ("1,f,C17.2,61,6,PRRT,SD,alive,", "tumour.primary_site is another than in row 2"),
    ],
)
def test_rows_of_a_patient_that_disagree_are_refused(
    app: Flask, tmp_path: Path, later: str, said: str
) -> None:
    report = brought_in(tmp_path, importer(), VISITS, COLUMNS, FIRST_VISIT, later, head=SEVERAL)
    [refusal] = report.refusals
    assert refusal.row == 3
    assert said in refusal.reason
    assert count(Patient) == 0


def test_several_rows_twice_add_nothing_and_a_new_visit_is_a_change(
    app: Flask, tmp_path: Path
) -> None:
    by = importer()
    lines = (COLUMNS, FIRST_VISIT, LATER_VISIT)
    brought_in(tmp_path, by, VISITS, *lines, head=SEVERAL)
    assert brought_in(tmp_path, by, VISITS, *lines, head=SEVERAL).unchanged == 1
    more = (*lines, "1,,,,12,,,alive,")
    again = brought_in(tmp_path, by, VISITS, *more, head=SEVERAL)
    assert (again.unchanged, again.changed, again.refusals) == (0, 1, [])
    assert {(one.kind, one.entity) for one in again.changes} == {
        ("added", "follow_up"),
        ("added", "therapy"),
    }
    patient = db.session.scalars(sa.select(Patient)).one()
    assert len(course.record_of(patient).of("follow_up")) == 3
    assert brought_in(tmp_path, by, VISITS, *more, head=SEVERAL).unchanged == 1


# -- contradictions ----------------------------------------------------------------------------


def findings(model: Any) -> dict[str, set[str]]:
    """What is flagged, by the source's own id."""
    by = queries.importer("CENTRE-1")
    ids = {
        actions.source_id_index("made_up", by.organisation_id, f"A{n}"): f"A{n}" for n in range(9)
    }
    of = {patient: ids[index] for index, patient in queries.patients_of(by, "made_up").items()}
    return {
        of[row.patient_id]: {one["code"] for one in row.findings}
        for row in db.session.scalars(sa.select(model))
        if row.findings
    }


def test_a_stated_grade_that_contradicts_its_own_ki67_is_flagged(app: Flask) -> None:
    report = made_up(importer())
    assert report.refusals == []
    # A2: G1 with Ki-67 25 %; A4: G2 of a carcinoma; A7: typical with 4 mitoses.
    assert set(findings(Pathology)) == {"A2", "A4", "A7"}
    assert {row.row for row in report.contradictions if row.column == "pathology"} == {3, 5, 8}


def test_a_stated_stage_that_contradicts_its_own_tnm_is_flagged(app: Flask) -> None:
    report = made_up(importer())
    # A3: stage II with M1; A5: M0 with liver metastases; A7: stage IIIA for T2a N0 M0.
    assert {"A3", "A5", "A7"} <= set(findings(Staging))
    assert "A1" not in findings(Staging)
    assert {4, 6, 8} <= {row.row for row in report.contradictions if row.column == "staging"}


def test_what_was_stated_stays_as_stated(app: Flask) -> None:
    made_up(importer())
    stated = set(db.session.scalars(sa.select(Pathology.grade_stated)))
    assert stated == {"G1", "G2", "TC"}


# -- the made-up lung cohort: the shape of the published one ------------------------------------


def made_up_lung() -> Report:
    by_map = map_files.load(map_files.find("lung_nen_iarc"))
    return actions.bring_in(COHORTS / "made_up_lung.csv", by_map, by=importer())


def test_the_lung_map_takes_every_row(app: Flask) -> None:
    report = made_up_lung()
    assert (report.read, report.created, report.refused) == (12, 12, 0)
    assert report.entries["stated_endpoint"] == 9 + 4
    assert report.entries["progression"] == 2


def test_intervals_stay_digit_for_digit_and_no_date_is_made(app: Flask) -> None:
    made_up_lung()
    times = set(db.session.scalars(sa.select(StatedEndpoint.time)))
    assert {"73.9068493150685", "287.7", "0.0"} <= {str(one) for one in times}
    assert set(db.session.scalars(sa.select(FollowUp.date))) == {None}
    assert set(db.session.scalars(sa.select(Tumour.diagnosis_date))) == {None}
    assert set(db.session.scalars(sa.select(Patient.birth_date))) == {None}


def test_every_column_of_a_report_adds_up_to_the_rows(app: Flask) -> None:
    report = made_up_lung()
    sums = {sum(fates.values()) for fates in report.account.fates.values()}
    assert sums == {12}
    assert set(report.account.fates) == set(report.columns)
