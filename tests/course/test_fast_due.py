"""Follow-up due: plans follow the record, the list is the centre's own and is bounded."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from registry.access import Role
from registry.clinical import follow_up
from registry.course import actions, intervals, jobs
from registry.course.actions import plans
from registry.course.models import FollowUpDue, FollowUpPlan
from registry.course.queries import due
from registry.course.queries.due import Filters
from registry.dates import today
from registry.db import db
from tests import make
from tests import make_course as course


@pytest.fixture
def ward(app: Flask) -> Any:
    """A centre with a patient on an analogue since March 2025, and another centre's patient."""
    place = make.centre(name="Βήτα")
    carol = make.person(place, Role.CLINICIAN, name="Carol Cohen")
    ulla = make.person(make.centre("CENTRE-2"), Role.CLINICIAN, name="Ulla Unger")
    by, other = make.viewer(carol), make.viewer(ulla)
    found = SimpleNamespace(app=app, carol=carol, by=by, ulla=ulla, patient=make.patient(by))
    on_analogue(found.patient, by)
    on_analogue(make.patient(other, family_name="Yilmaz"), other)  # noise
    db.session.commit()
    return found


def on_analogue(patient: Any, by: Any) -> None:
    """G2 of the ileum, on lanreotide; CT and visit a year ago."""
    primary = course.tumour(patient, by, "C17.2", diagnosis_date="2024-01-10")
    course.entry("pathology", patient, by, tumour=primary, date="2024-01-10",
                 differentiation="well", ki67_percent="8", mitoses_per_2mm2="3")  # fmt: skip
    course.entry("therapy", patient, by, tumour=primary, therapy_class="SSA", agent="SSA_LAN",
                 start="2024-03-01")  # fmt: skip
    ago = (today() - timedelta(days=365)).isoformat()
    course.entry("imaging", patient, by, tumour=primary, modality="CT_MULTIPHASE", date=ago)
    course.entry("follow_up", patient, by, date=ago, vital_status="alive")


def plan(ward: Any) -> FollowUpPlan:
    db.session.expire_all()
    return db.session.get_one(FollowUpPlan, ward.patient.id)


def by_test(ward: Any) -> dict[str, Any]:
    return {one["test"]: one for one in plan(ward).items if one["kind"] == "due"}


def test_a_scan_that_comes_too_early_is_pointed_out_as_it_is_entered(ward: Any) -> None:
    # CT a year ago, every 6 to 12 months: due from six months after it, two weeks before are fine.
    client = ward.app.test_client()
    make.sign_in(client, ward.carol)
    last = today() - timedelta(days=365)
    due_from = follow_up.add_months(last, 6)

    def said(day: Any, modality: str = "CT_MULTIPHASE") -> str:
        parts = {"date-year": day.year, "date-month": day.month, "date-day": day.day}
        data = {name: str(part) for name, part in parts.items()} | {"modality": modality}
        data |= {"patient_id": str(ward.patient.id), "entity": "imaging"}
        return str(make.post(client, "/course/derive", data).text)

    early = "Sooner than the follow-up plan has it"
    assert early in said(due_from - timedelta(days=15))
    assert early not in said(due_from - timedelta(days=14))
    assert early not in said(last - timedelta(days=30))  # an older scan, entered afterwards
    assert early not in said(due_from - timedelta(days=15), "PET_18F_FDG")


def test_the_plan_is_made_with_the_change(ward: Any) -> None:
    # Row FU25: on an analogue, later than a year, G1 and G2: CT or MRI every 6 to 12 months.
    found = by_test(ward)["ct_mri"]
    last = today() - timedelta(days=365)
    assert (found["row"], found["last"]) == ("FU25", last.isoformat())
    assert found["by"] == follow_up.add_months(last, 12).isoformat()
    assert (plan(ward).grade, plan(ward).clinician_id) == ("2", ward.carol.id)
    course.entry("imaging", ward.patient, ward.by, modality="CT_MULTIPHASE",
                 date=today().isoformat())  # fmt: skip
    db.session.commit()
    assert by_test(ward)["ct_mri"]["by"] == follow_up.add_months(today(), 12).isoformat()


def test_an_entry_in_error_changes_it_back(ward: Any) -> None:
    before = by_test(ward)["ct_mri"]["by"]
    scan = course.entry("imaging", ward.patient, ward.by, modality="CT_MULTIPHASE",
                        date=today().isoformat())  # fmt: skip
    db.session.commit()
    actions.mark_error(scan, by=ward.by, version=scan.version, because="another patient's")
    db.session.commit()
    assert by_test(ward)["ct_mri"]["by"] == before


def test_what_is_rolled_back_leaves_no_plan(ward: Any) -> None:
    before = plan(ward).made_at
    course.entry("follow_up", ward.patient, ward.by, date=today().isoformat(), vital_status="dead",
                 death_date=today().isoformat())  # fmt: skip
    db.session.rollback()
    db.session.commit()
    assert plan(ward).made_at == before


def test_nothing_is_due_after_a_death(ward: Any) -> None:
    course.entry("follow_up", ward.patient, ward.by, date=today().isoformat(), vital_status="dead",
                 death_date=today().isoformat())  # fmt: skip
    db.session.commit()
    assert plan(ward).items == []
    assert due.due(ward.by, Filters(), today()) == []


def test_a_test_before_its_time_is_pointed_out(ward: Any) -> None:
    for days in (50, 10):  # SSTR imaging: not before 12 months (row FU27)
        course.entry("imaging", ward.patient, ward.by, modality="PET_68GA_DOTATATE",
                     date=(today() - timedelta(days=days)).isoformat())  # fmt: skip
    db.session.commit()
    [early] = [one for one in plan(ward).items if one["kind"] == "early"]
    assert (early["test"], early["on"]) == ("sstr", (today() - timedelta(days=10)).isoformat())
    [row] = due.due(ward.by, Filters(when="early"), today())
    assert (row.test, row.patient_id) == ("sstr", ward.patient.id)


def test_the_sweep_makes_what_an_import_left_and_what_is_old(ward: Any) -> None:
    course.entry("follow_up", ward.patient, ward.by, date=today().isoformat(),
                 source=("import", "cohort"), vital_status="alive")  # fmt: skip
    db.session.commit()
    assert db.session.get(FollowUpPlan, ward.patient.id) is None
    db.session.execute(sa.update(FollowUpPlan).values(rule_version="of yesterday"))
    db.session.commit()
    jobs.make_plans()
    assert plan(ward).rule_version == intervals.in_force().version
    assert plans.outdated(10) == []


def test_only_the_centres_own(ward: Any) -> None:
    found = due.due(ward.by, Filters(when="12"), today() + timedelta(days=400))
    assert {row.patient_id for row in found} == {ward.patient.id}
    assert [row.on for row in found] == sorted(row.on for row in found)
    later = today() + timedelta(days=400)
    for narrowed, some in (
        (Filters(test="ct_mri"), True),
        (Filters(grade="2"), True),
        (Filters(grade="1"), False),
        (Filters(clinician=ward.carol.id), True),
        (Filters(clinician=ward.ulla.id), False),
        (Filters(site="lung"), False),
    ):
        assert bool(due.due(ward.by, narrowed, later)) is some, narrowed
    total = len(due.due(ward.by, Filters(), later))
    first = due.due(ward.by, Filters(), later, limit=1)
    last = first[0]
    rest = due.due(ward.by, Filters(), later, after=(last.on, last.patient_id, last.test))
    assert len(rest) == total - 1


def test_the_page_the_file_and_the_intervals(ward: Any) -> None:
    client = ward.app.test_client()
    make.sign_in(client, ward.carol)
    page = client.get("/follow-up")
    assert page.status_code == 200
    assert f"/patients/{ward.patient.id}/visit" in page.text
    assert "FU25" in page.text
    told = client.get("/follow-up.csv")
    rows = list(csv.DictReader(io.StringIO(told.text.lstrip("\ufeff"))))
    assert {row["pseudonym"] for row in rows} == {ward.patient.pseudonym}
    assert "Zonneveld" not in told.text
    assert client.get("/follow-up/intervals").status_code == 200
    assert client.get("/follow-up?when=x&grade=9&after=1&after_on=2").status_code == 200


def test_a_networks_own_table(tmp_path: Any) -> None:
    rows = [dict(row) for row in follow_up.default_rows()]
    path = tmp_path / "own.csv"

    def write(changed: list[dict[str, str]]) -> str:
        with path.open("w", newline="") as out:
            writer = csv.DictWriter(out, rows[0])
            writer.writeheader()
            writer.writerows(changed)
        return str(path)

    first = intervals.read(write(rows))
    assert (first.own, first.version) == (True, intervals.read("").version)
    intervals.read.cache_clear()
    with pytest.raises(ValueError, match="FU03"):
        intervals.read(write([{**row, "months_max": "1"} if row["code"] == "FU03" else row
                              for row in rows]))  # fmt: skip
    intervals.read.cache_clear()


def test_the_list_is_one_range_of_an_index(ward: Any) -> None:
    """Read in the order of the index: no sorting of the whole table."""
    seen: list[Any] = []
    listen = lambda *args: seen.append((args[2], args[3]))  # noqa: E731
    sa.event.listen(db.engine, "before_cursor_execute", listen)
    due.due(ward.by, Filters(), today())
    sa.event.remove(db.engine, "before_cursor_execute", listen)
    [(statement, parameters)] = [one for one in seen if "follow_up_due" in one[0]]
    if db.engine.dialect.name == "sqlite":
        told = db.session.connection().exec_driver_sql(
            "EXPLAIN QUERY PLAN " + statement, parameters
        )
        words = " ".join(str(row) for row in told)
        assert "ix_follow_up_due_on" in words
        assert "TEMP B-TREE" not in words
    assert db.session.scalar(sa.select(sa.func.count()).select_from(FollowUpDue)) > 1
