"""Who did or opened what: kept with the change, kept before a page is read, and sealed."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DatabaseError

from registry import audit, audit_jobs
from registry.access import Role
from registry.audit import AuditEntry, AuditSeal
from registry.db import db, own_transaction
from registry.patients import actions as patients
from registry.patients.models import Patient
from tests import make


def entries(**where):
    query = sa.select(AuditEntry).filter_by(**where).order_by(AuditEntry.id)
    return db.session.scalars(query).all()


def record_some(count=5):
    for number in range(count):
        audit.record("signed in", by=make.HOUSE, subject=("person", number))
    db.session.commit()


def forbid_nothing():
    """Take the triggers away, as somebody with the database in hand can."""
    if db.engine.dialect.name == "sqlite":
        for event in ("update", "delete"):
            db.session.execute(sa.text(f"DROP TRIGGER audit_entry_keep_{event}"))
    else:
        db.session.execute(sa.text("ALTER TABLE audit_entry DISABLE TRIGGER audit_entry_keep"))


def test_a_row_cannot_be_changed_or_removed(app):
    record_some()
    for statement in (sa.update(AuditEntry).values(action="x"), sa.delete(AuditEntry)):
        with pytest.raises(DatabaseError, match="append-only"):
            db.session.execute(statement)
        db.session.rollback()


def test_a_sealed_book_is_intact(app):
    record_some()
    assert audit.seal() == 5
    record_some(3)
    assert audit.seal() == 3
    verdict = audit.verify()
    assert (verdict.intact, verdict.seals, verdict.entries, verdict.unsealed) == (True, 2, 8, 0)


def test_nobody_who_writes_waits_while_a_batch_is_sealed(app, monkeypatch):
    record_some()
    work_out = audit._mac

    def meanwhile(*about):
        with own_transaction() as other:
            other.execute(sa.update(Patient).values(version=Patient.version + 1))
        return work_out(*about)

    monkeypatch.setattr(audit, "_mac", meanwhile)
    audit_jobs.seal()
    assert db.session.scalars(sa.select(AuditSeal.last)).all() == [entries()[-1].id]


def test_what_is_not_sealed_yet_is_said(app):
    record_some()
    assert audit.verify().unsealed == 5


def test_an_altered_row_is_found(app):
    record_some()
    audit.seal()
    forbid_nothing()
    db.session.execute(
        sa.update(AuditEntry).where(AuditEntry.id == 3).values(person_name="Mallory")
    )
    assert not audit.verify().intact


def test_a_removed_row_is_found(app):
    record_some()
    audit.seal()
    forbid_nothing()
    db.session.execute(sa.delete(AuditEntry).where(AuditEntry.id == 3))
    assert not audit.verify().intact


def test_a_resealed_forgery_is_found_without_the_key(app):
    record_some()
    audit.seal()
    record_some(2)
    audit.seal()
    first = db.session.get(AuditSeal, 1)
    first.mac = "0" * 64
    db.session.flush()
    assert len(audit.verify().problems) == 2  # the forged batch, and the one that follows it


def test_a_late_number_is_sealed_by_name(app):
    """A transaction that took a lower number may commit after a higher one was sealed."""
    record_some(2)
    late = {
        "id": 3,
        "at": make.viewer_time(),
        "person_name": "Late",
        "action": "signed in",
        "subject_kind": "person",
        "subject_id": "1",
        "changes": {},
    }
    db.session.execute(sa.insert(AuditEntry).values(**{**late, "id": 4, "person_name": "Four"}))
    db.session.commit()
    audit.seal()
    assert db.session.get(AuditSeal, 1).gaps == [[3, 3]]
    db.session.execute(sa.insert(AuditEntry).values(**late))
    db.session.commit()
    assert audit.verify().unsealed == 1
    db.session.commit()
    audit.seal()
    assert db.session.get(AuditSeal, 2).late == [3]
    assert audit.verify().intact
    forbid_nothing()
    db.session.execute(sa.update(AuditEntry).where(AuditEntry.id == 3).values(person_name="M"))
    assert not audit.verify().intact


def test_what_is_not_kept_yet_is_neither_sealed_nor_lost(app):
    audit.record("signed in", by=make.HOUSE, subject=("person", 1))
    with pytest.raises(RuntimeError, match="open transaction"):
        audit.seal()
    db.session.commit()
    assert audit.seal() == 1


def test_a_large_change_that_was_undone_does_not_stop_the_sealing(app):
    """On PostgreSQL a refused import of thousands of rows leaves a gap of thousands of numbers."""
    record_some(2)
    after = {
        "id": 20_000,
        "at": make.viewer_time(),
        "person_name": "Later",
        "action": "signed in",
        "subject_kind": "person",
        "subject_id": "1",
        "changes": {},
    }
    db.session.execute(sa.insert(AuditEntry).values(**after))
    db.session.commit()
    while audit.seal(limit=2):
        db.session.commit()
    verdict = audit.verify()
    assert (verdict.intact, verdict.entries, verdict.unsealed) == (True, 3, 0)
    assert db.session.get(AuditSeal, 2).gaps == [[3, 19_999]]


def test_if_the_audit_fails_the_change_is_undone(app, monkeypatch):
    alice = make.viewer(make.person(make.centre(), Role.CLINICIAN))
    db.session.commit()

    def broken(*args, **kwargs):
        raise RuntimeError("no audit")

    monkeypatch.setattr(audit, "record", broken)
    with pytest.raises(RuntimeError):
        patients.register(by=alice, facts={"family_name": "Zonneveld"}, relation="treating")
    db.session.rollback()
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Patient)) == 0


def test_reading_a_record_is_kept(client):
    alice = make.person(make.centre(), Role.CLINICIAN)
    zonneveld = make.patient(make.viewer(alice))
    make.sign_in(client, alice)
    assert client.get(f"/patients/{zonneveld.id}/opened").status_code == 200
    found = entries(action="opened access list")
    assert [(e.patient_id, e.person_name) for e in found] == [(zonneveld.id, "Alice Adler")]


def test_if_a_reading_cannot_be_kept_there_is_no_page(client, monkeypatch):
    alice = make.person(make.centre(), Role.CLINICIAN)
    zonneveld = make.patient(make.viewer(alice))
    make.sign_in(client, alice)

    def broken(connection):
        raise RuntimeError("no audit")

    monkeypatch.setattr(audit, "write_reads", broken)
    with pytest.raises(RuntimeError, match="no audit"):
        client.get(f"/patients/{zonneveld.id}/opened")


def test_identifying_values_never_stand_in_the_book(app):
    alice = make.viewer(make.person(make.centre(), Role.CLINICIAN))
    found = make.patient(alice, family_name="Zonneveld", national_number="123456782")
    patients.change(found, by=alice, facts={"family_name": "Maanlicht"})
    text = " ".join(str(e.changes) + e.subject_id for e in entries())
    for secret in ("Zonneveld", "Maanlicht", "123456782", "1961-03-27"):
        assert secret not in text
