"""A corrected file changes what only the file changed; what people changed by hand stays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.exc import OperationalError

from registry.access import Role, Viewer
from registry.audit import AuditEntry
from registry.course import actions as course
from registry.course.models import BY_NAME, Biomarker, EntryChange, Pathology, Staging, Tumour
from registry.course.models.keeping import FollowUpPlan
from registry.db import db, own_transaction, table_of
from registry.interop import actions, queries, rules, working
from registry.interop.actions import undo
from registry.interop.models import Import, ImportChange, SourceRow
from registry.patients.models import Patient
from tests import make, make_course
from tests.make_interop import brought_in, file_of, map_of

BODY = """
[missing]
"na" = "not_known"
[patient]
family_name = "name"
[[tumour]]
primary_site = "site"
[[pathology]]
differentiation = { constant = "well" }
ki67_percent = "ki67"
grade_stated = "grade"
[[biomarker]]
analyte = { constant = "CGA_MASS" }
value = "cga"
unit = { constant = "ng/mL" }
date = "day"
"""
COLUMNS = "id,name,site,ki67,grade,cga,day"
ALICE = "1,Zonneveld,C25.2,2,G1,100,2024-01-05"
BOB = "2,Duinzicht,C17.2,12,G2,200,2024-02-05"


def importer() -> Viewer:
    make.centre()
    return queries.importer("CENTRE-1")


def one(model: Any, place: int = 0) -> Any:
    db.session.expire_all()
    return db.session.scalars(sa.select(model).order_by(model.id)).all()[place]


def count(model: Any) -> int:
    return db.session.scalar(sa.select(sa.func.count()).select_from(model)) or 0


def test_every_value_shows_before_and_after_and_what_follows_is_derived_anew(
    app: Flask, tmp_path: Path
) -> None:
    by = importer()
    brought_in(tmp_path, by, BODY, COLUMNS, ALICE, BOB)
    assert one(Pathology).derived_grade == "1"
    again = brought_in(tmp_path, by, BODY, COLUMNS, "1,Zonneveld,C25.2,25,G1,na,2024-01-05", BOB)
    assert (again.changed, again.unchanged, again.conflicts) == (1, 1, 0)
    assert {(c.entity, c.variable, str(c.before), str(c.after)) for c in again.changes} == {
        ("pathology", "ki67_percent", "2", "25"),
        ("biomarker", "value", "100", "{'why': 'not_known'}"),
        ("biomarker", "unit", "ng/mL", "None"),
    }
    pathology, biomarker = one(Pathology), one(Biomarker)
    assert (pathology.ki67_percent, pathology.derived_grade) == ("25", "3")
    assert (biomarker.value, biomarker.absent["value"]["why"]) == (None, "not_known")
    assert count(EntryChange) >= 2
    done = set(db.session.scalars(sa.select(AuditEntry.action)))
    assert {"changed pathology", "changed biomarker"} <= done


def test_the_same_corrected_file_twice_changes_nothing_more(app: Flask, tmp_path: Path) -> None:
    by = importer()
    brought_in(tmp_path, by, BODY, COLUMNS, ALICE)
    corrected = ALICE.replace("G1", "G2")
    brought_in(tmp_path, by, BODY, COLUMNS, corrected)
    again = brought_in(tmp_path, by, BODY, COLUMNS, corrected)
    assert (again.changed, again.unchanged) == (0, 1)


def test_who_a_patient_is_is_corrected_and_not_shown(app: Flask, tmp_path: Path) -> None:
    by = importer()
    brought_in(tmp_path, by, BODY, COLUMNS, ALICE)
    again = brought_in(tmp_path, by, BODY, COLUMNS, ALICE.replace("Zonneveld", "Zonnenveld"))
    [change] = again.changes
    assert (change.variable, change.before, change.after, change.hidden) == (
        "family_name",
        None,
        None,
        True,
    )
    assert one(Patient).reveal("family_name") == "Zonnenveld"
    kept = db.session.execute(sa.text("SELECT made FROM source_row")).scalar_one()
    assert "Zonn" not in str(kept)


def edited(by: Viewer, **values: Any) -> Any:
    """A clinician changes the pathology by hand."""
    found = one(Pathology)
    course.change(found, by=by, version=found.version, values=values)
    db.session.flush()
    return found


def test_what_people_changed_since_stays_and_is_a_conflict(app: Flask, tmp_path: Path) -> None:
    by = importer()
    brought_in(tmp_path, by, BODY, COLUMNS, ALICE)
    edited(by, ki67_percent="4")
    again = brought_in(tmp_path, by, BODY, COLUMNS, "1,Zonneveld,C25.2,9,G2,100,2024-01-05")
    assert (again.conflicts, len(again.changes)) == (1, 2)
    found = one(Pathology)
    assert (found.ki67_percent, found.grade_stated) == ("4", "G2")
    [kept] = [c for c in again.changes if c.conflict]
    assert (kept.said, kept.before, kept.after, kept.taken) == ("2", "4", "9", False)


def test_a_conflict_can_be_decided_for_the_file(app: Flask, tmp_path: Path) -> None:
    by = importer()
    brought_in(tmp_path, by, BODY, COLUMNS, ALICE)
    found = edited(by, ki67_percent="4")
    file = file_of(tmp_path, COLUMNS, ALICE.replace(",2,G1", ",9,G1"))
    by_map = map_of(tmp_path, BODY)
    take = frozenset({f"{found.id}.ki67_percent"})
    actions.bring_in(file, by_map, by=by, take=take)
    assert one(Pathology).ki67_percent == "9"


def test_what_people_corrected_alike_is_no_conflict(app: Flask, tmp_path: Path) -> None:
    by = importer()
    brought_in(tmp_path, by, BODY, COLUMNS, ALICE)
    edited(by, ki67_percent="9")
    again = brought_in(tmp_path, by, BODY, COLUMNS, ALICE.replace(",2,G1", ",9,G1"))
    assert (again.changes, again.conflicts) == ([], 0)


SEVERAL = """
[source]
name = "ward"
title = "A ward's list"
licence = "ours"
id_column = "id"
rows = "several"

[consent]
basis = "Signed form 2019"
purposes = ["registry"]
"""
READINGS = """
[[tumour]]
once = true
primary_site = "site"
[[biomarker]]
analyte = { constant = "CGA_MASS" }
value = "cga"
unit = { constant = "ng/mL" }
date = "day"
"""


def test_a_reading_taken_out_of_the_middle_leaves_the_others_alone(
    app: Flask, tmp_path: Path
) -> None:
    by = importer()
    rows = ["1,C25.2,100,2024-01", "1,,110,2024-02", "1,,120,2024-03"]
    brought_in(tmp_path, by, READINGS, "id,site,cga,day", *rows, head=SEVERAL)
    again = brought_in(
        tmp_path, by, READINGS, "id,site,cga,day", rows[0], rows[2], "1,,130,2024-04", head=SEVERAL
    )
    assert {(c.kind, c.entity) for c in again.changes} == {
        ("value", "biomarker"),
    } or {c.kind for c in again.changes} == {"added", "gone"}
    found = db.session.scalars(sa.select(Biomarker).where(Biomarker.error_at.is_(None))).all()
    assert sorted(str(b.value) for b in found) == ["100", "120", "130"]


def test_an_entry_the_file_no_longer_has_is_marked_and_not_deleted(
    app: Flask, tmp_path: Path
) -> None:
    by = importer()
    rows = ["1,C25.2,100,2024-01", "1,,110,2024-02"]
    brought_in(tmp_path, by, READINGS, "id,site,cga,day", *rows, head=SEVERAL)
    again = brought_in(tmp_path, by, READINGS, "id,site,cga,day", rows[0], head=SEVERAL)
    assert [c.kind for c in again.changes] == ["gone"]
    marked = db.session.scalars(sa.select(Biomarker).where(Biomarker.error_at.is_not(None))).one()
    assert marked.error_because == "No longer in the source's file."


# -- undoing ------------------------------------------------------------------------------------


def manager() -> Viewer:
    place = make.centre()
    return make.viewer(make.person(place, Role.DATA_MANAGER, name="Mona Maat"))


def undone(by: Viewer) -> Import:
    db.session.commit()
    imported = db.session.scalars(sa.select(Import).order_by(Import.at.desc(), Import.id)).first()
    assert imported is not None
    undo.ask_undo(imported, by=by)
    db.session.commit()
    import_id = imported.id
    working.undo_import(import_id)
    db.session.expire_all()
    return db.session.get_one(Import, import_id)


def test_an_undone_import_leaves_nothing_but_its_row(app: Flask, tmp_path: Path) -> None:
    by = manager()
    brought_in(tmp_path, by, BODY, COLUMNS, ALICE, BOB)
    found = undone(by)
    assert (found.state, found.undone_by) == (rules.UNDONE, by.person_id)
    assert found.undo is not None
    assert found.undo["removed"]["patient"] == 2
    models = (Patient, SourceRow, *BY_NAME.values())
    assert {model.__name__: count(model) for model in models} == {m.__name__: 0 for m in models}
    assert brought_in(tmp_path, by, BODY, COLUMNS, ALICE, BOB).created == 2


def test_a_follow_up_plan_that_is_made_at_that_moment_does_not_stop_the_undoing(
    app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker makes plans of new patients each minute: one that comes in between is taken out,
    too, and what is removed is counted once."""
    by = manager()
    brought_in(tmp_path, by, BODY, COLUMNS, ALICE, BOB)
    first, refused = undo.bulk.forget_patients, []

    def forget(connection: Any, ids: Any, order: Any) -> None:
        first(connection, ids, order)
        if not refused:
            refused.append(ids)
            if connection.dialect.name == "sqlite":  # there another writer waits, or is waited for
                raise OperationalError("", {}, Exception("database is locked"))
            with own_transaction() as other:
                plan = {"patient_id": ids[0], "rule_version": "1"}
                other.execute(sa.insert(table_of(FollowUpPlan)), plan)

    monkeypatch.setattr(undo.bulk, "forget_patients", forget)
    found = undone(by)
    assert refused
    assert found.state == rules.UNDONE
    assert found.undo is not None
    assert found.undo["removed"] == {"patient": 2, "tumour": 2, "pathology": 2, "biomarker": 2}
    assert (count(Patient), count(FollowUpPlan)) == (0, 0)


def test_what_was_touched_is_kept_and_listed(app: Flask, tmp_path: Path) -> None:
    by = manager()
    brought_in(tmp_path, by, BODY, COLUMNS, ALICE, BOB)
    touched = edited(by, ki67_percent="4").patient_id
    found = undone(by)
    assert found.undo is not None
    assert found.undo["removed"] == {"patient": 1, "tumour": 1, "pathology": 1, "biomarker": 2}
    assert found.undo["kept"] == [[str(touched), undo.CHANGED]]
    assert [str(one.patient_id) for one in db.session.scalars(sa.select(Tumour))] == [
        str(touched)
    ], "the tumour a kept pathology is about stays"
    assert count(Patient) == 1
    again = brought_in(tmp_path, by, BODY, COLUMNS, ALICE, BOB)
    assert (again.created, again.changed) == (1, 1)
    assert count(Biomarker) == 2


def test_a_patient_somebody_added_to_is_kept(app: Flask, tmp_path: Path) -> None:
    by = manager()
    brought_in(tmp_path, by, BODY, COLUMNS, ALICE)
    patient = one(Patient)
    patient_id = patient.id
    make_course.entry("follow_up", patient, by, date="2025-01-01", vital_status="alive")
    found = undone(by)
    assert found.undo is not None
    assert found.undo["kept"] == [[str(patient_id), undo.ADDED]]


def test_undoing_a_correction_puts_the_values_back(app: Flask, tmp_path: Path) -> None:
    by = manager()
    brought_in(tmp_path, by, BODY, COLUMNS, ALICE)
    db.session.commit()
    brought_in(tmp_path, by, BODY, COLUMNS, ALICE.replace(",2,G1", ",25,G3"))
    assert one(Pathology).derived_grade == "3"
    undone(by)
    pathology = one(Pathology)
    assert (pathology.ki67_percent, pathology.grade_stated) == ("2", "G1")
    assert pathology.derived_grade == "1"
    again = brought_in(tmp_path, by, BODY, COLUMNS, ALICE)
    assert (again.unchanged, again.changed) == (1, 0)


def test_undoing_is_audited_for_every_patient(app: Flask, tmp_path: Path) -> None:
    by = manager()
    brought_in(tmp_path, by, BODY, COLUMNS, ALICE, BOB)
    undone(by)
    done = db.session.scalars(
        sa.select(AuditEntry).where(AuditEntry.action == "undid import").order_by(AuditEntry.id)
    ).all()
    assert [row.subject_kind for row in done] == ["patient", "patient", "import"]
    assert {row.person_name for row in done} == {"Mona Maat"}


@pytest.mark.parametrize("model", [Staging, ImportChange])
def test_nothing_else_was_made(app: Flask, tmp_path: Path, model: Any) -> None:
    brought_in(tmp_path, importer(), BODY, COLUMNS, ALICE)
    assert count(model) == 0
