"""In the background: nobody sees half of it, and what is stopped or killed leaves nothing."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from registry import audit
from registry.access import Role, Viewer
from registry.course import actions as course
from registry.course.models import BY_NAME, Biomarker
from registry.db import db, metadata, now
from registry.errors import NotFound
from registry.interop import actions, claims, queries, rules, running, working
from registry.interop.models import Import, Upload
from registry.interop.planning import Shape
from registry.interop.spool import Spool, spool_folder
from registry.patients import actions as patients
from registry.patients import queries as patient_queries
from registry.patients.matching import finding
from registry.patients.models import Patient
from tests import make
from tests.make_interop import HEAD, file_of, map_of, waiting

BODY = """
[patient]
hospital_number = "id"
family_name = "name"
[[tumour]]
primary_site = "site"
[[pathology]]
differentiation = { constant = "well" }
ki67_percent = "ki67"
grade_stated = "grade"
[[staging]]
t = "t"
[[biomarker]]
analyte = { constant = "CGA_MASS" }
value = "cga"
unit = { constant = "ng/mL" }
"""
COLUMNS = "id,name,site,ki67,grade,t,cga"


def lines(number: int) -> list[str]:
    return [f"{n},Zonneveld {n},C25.2,{n % 30 + 1},G1,T2,{n}" for n in range(number)]


def rows() -> dict[str, int]:
    db.session.rollback()
    found = {
        name: db.session.scalar(sa.select(sa.func.count()).select_from(table)) or 0
        for name, table in metadata.tables.items()
    }
    db.session.rollback()
    return found


def importer() -> Viewer:
    make.centre()
    db.session.commit()
    return queries.importer("CENTRE-1")


def run(folder: Path, by: Viewer, number: int = 12, tell: Any = running.no_telling) -> Any:
    path = file_of(folder, COLUMNS, *lines(number))
    by_map = map_of(folder, BODY)
    with Spool(spool_folder()) as spool:
        one = running.Run(by=by, tell=tell)
        report = one.plan(by_map, {"": path}, {"": Shape()}, spool)
        return one.write(path, report, spool)


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "BATCH", 5)


def test_nobody_sees_a_patient_before_all_are_there(app: Flask, tmp_path: Path) -> None:
    clinician = make.viewer(make.person(make.centre(), Role.CLINICIAN, name="Clara"))
    db.session.commit()
    by = queries.importer("CENTRE-1")
    seen: list[int] = []
    written: list[int] = []

    def tell(phase: str, _done: int, _total: int) -> None:
        if phase == "writing":
            written.append(rows()["patient"])
            seen.append(len(patient_queries.patients(clinician)))
            found = db.session.scalars(sa.select(Patient.id)).first()
            with pytest.raises(NotFound):
                patient_queries.patient(clinician, found)
            db.session.rollback()

    run(tmp_path, by, tell=tell)
    assert written == [5, 10, 12]
    assert seen == [0, 0, 0]
    assert len(patient_queries.patients(clinician)) == 12
    assert finding.search(clinician, "Zonneveld")


def test_stopping_leaves_no_row(app: Flask, tmp_path: Path) -> None:
    by = importer()
    before = rows()

    def tell(phase: str, done: int, _total: int) -> None:
        if phase == "writing" and done >= 10:
            raise running.Lost

    with pytest.raises(running.Lost):
        run(tmp_path, by, tell=tell)
    assert rows() == before
    assert run(tmp_path, by).created == 12


def killed(folder: Path, by: Viewer) -> None:
    """A worker dies while it writes: nothing is tidied up by it."""

    class Killed(BaseException):
        pass

    def tell(phase: str, done: int, _total: int) -> None:
        if phase == "writing" and done >= 5:
            raise Killed

    original = running.take_back
    running.take_back = lambda _id: None
    try:
        with pytest.raises(Killed):
            run(folder, by, tell=tell)
    finally:
        running.take_back = original


def test_what_a_killed_worker_left_is_taken_back_when_it_is_silent(
    app: Flask, tmp_path: Path
) -> None:
    by = importer()
    before = rows()
    killed(tmp_path, by)
    working.clear_up()
    assert rows()["patient"] == 5, "it may be alive still"
    db.session.execute(sa.update(Import).values(heartbeat_at=now() - timedelta(minutes=5)))
    db.session.commit()
    working.clear_up()
    assert rows() == before


def test_two_imports_of_a_centre_do_not_write_at_once(app: Flask, tmp_path: Path) -> None:
    by = importer()
    killed(tmp_path, by)
    with pytest.raises(running.Busy):
        run(tmp_path, by)


def manager() -> Viewer:
    who = make.viewer(make.person(make.centre(), Role.DATA_MANAGER, name="Mona Maat"))
    db.session.commit()
    return who


def sent(by: Viewer) -> Upload:
    upload = waiting(by, COLUMNS, *lines(12))
    actions.redraft(upload, (HEAD + BODY), by=by)
    actions.ask_check(upload, by=by)
    db.session.commit()
    return upload


def test_a_worker_that_was_killed_is_followed_by_another(app: Flask) -> None:
    by = manager()
    upload = sent(by)
    upload_id = upload.id
    db.session.execute(
        sa.update(Upload).values(state=rules.CHECKING, heartbeat_at=now(), attempts=1)
    )
    db.session.commit()
    working.work(upload_id)
    assert db.session.get_one(Upload, upload_id).state == rules.CHECKING, "somebody is at it"
    db.session.execute(sa.update(Upload).values(heartbeat_at=now() - timedelta(minutes=5)))
    db.session.commit()
    working.work(upload_id)
    db.session.expire_all()
    assert db.session.get_one(Upload, upload_id).state == rules.CHECKED


def test_what_kills_its_worker_again_and_again_is_given_up(app: Flask) -> None:
    by = manager()
    upload_id = sent(by).id
    db.session.execute(sa.update(Upload).values(attempts=rules.ATTEMPTS))
    db.session.commit()
    working.work(upload_id)
    db.session.expire_all()
    found = db.session.get_one(Upload, upload_id)
    assert found.state == rules.FAILED
    assert "broken off several times" in (found.error or "")


def test_a_cancelled_check_is_stopped_and_keeps_nothing(app: Flask) -> None:
    by = manager()
    upload = sent(by)
    actions.cancel(upload, by=by)
    db.session.commit()
    working.work(upload.id)
    db.session.expire_all()
    assert db.session.get_one(Upload, upload.id).state == rules.UPLOADED


def test_what_is_cancelled_while_it_is_written_is_not_shown(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However late: until the moment of showing, and without the worker being told before."""
    by = manager()
    upload_id = sent(by).id
    working.work(upload_id)
    upload = db.session.get_one(Upload, upload_id)
    actions.ask_import(upload, by=by, keep_valid=False)
    db.session.commit()
    before = rows()
    monkeypatch.setattr(claims, "_SECONDS", 1000)
    written = running.Run._write_new

    def cancelled(self: Any, *arguments: Any) -> None:
        written(self, *arguments)
        actions.cancel(db.session.get_one(Upload, upload_id), by=by)
        db.session.commit()

    monkeypatch.setattr(running.Run, "_write_new", cancelled)
    working.work(upload_id)
    db.session.expire_all()
    assert db.session.get_one(Upload, upload_id).state == rules.CHECKED
    assert rows() == {**before, "audit_entry": before["audit_entry"] + 1}


def test_the_audit_can_be_sealed_and_verified_after_an_import(app: Flask, tmp_path: Path) -> None:
    by = importer()
    run(tmp_path, by)
    audit.seal()
    db.session.commit()
    verdict = audit.verify()
    assert verdict.intact, verdict.problems
    assert verdict.unsealed == 0


DERIVED = ("derived_grade", "derived_category", "derived_status", "derived_stage", "contradictions",
           "findings", "derivation", "derived_version", "scores")  # fmt: skip


def derived(entity: str, patient_id: Any) -> list[dict[str, Any]]:
    found = db.session.scalars(
        sa.select(BY_NAME[entity]).where(BY_NAME[entity].patient_id == patient_id)  # type: ignore[attr-defined]
    )
    return [{n: getattr(one, n) for n in DERIVED if hasattr(one, n)} for one in found]


def test_what_is_derived_in_bulk_is_what_an_entry_derives(app: Flask, tmp_path: Path) -> None:
    by = importer()
    run(tmp_path, by, 4)
    for place, patient in enumerate(
        db.session.scalars(sa.select(Patient).order_by(Patient.id)).all()
    ):
        by_hand = patients.register(by=by, facts={}, relation="treating")
        tumour = course.add("tumour", by_hand, by=by, values={"primary_site": "C25.2"})
        course.add(
            "pathology",
            by_hand,
            by=by,
            values={
                "differentiation": "well",
                "ki67_percent": str(place + 1),
                "grade_stated": "G1",
            },
            tumour_id=tumour.id,
        )
        course.add("staging", by_hand, by=by, values={"t": "T2"}, tumour_id=tumour.id)
        db.session.flush()
        for entity in ("pathology", "staging"):
            assert derived(entity, patient.id) == derived(entity, by_hand.id)
    assert {b.value for b in db.session.scalars(sa.select(Biomarker))} == {0, 1, 2, 3}


def test_what_points_to_a_patient_or_an_entry_is_found_by_an_index() -> None:
    """Or each row that is taken back is looked for in every row of another table."""
    wanted = {"patient", *(model.__tablename__ for model in BY_NAME.values())}
    without = []
    for table in metadata.sorted_tables:
        firsts = {next(iter(index.columns)).name for index in table.indexes}
        firsts |= {
            next(iter(rule.columns)).name
            for rule in table.constraints
            if isinstance(rule, sa.UniqueConstraint | sa.PrimaryKeyConstraint) and rule.columns
        }
        without += [
            f"{table.name}.{column.name}"
            for column in table.columns
            if column.name not in firsts
            and any(key.column.table.name in wanted for key in column.foreign_keys)
        ]
    assert without == []
