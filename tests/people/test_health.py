"""How the house is: every check, and what makes it worse."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
import sqlalchemy as sa

from registry import audit, health, jobs
from registry.db import acting_at, db, now
from tests import make, make_people


def row(name):
    [found] = health.rows((name,))
    return found


def test_the_page_says_each_thing_in_words(client):
    make.sign_in(client, make_people.administrator())
    page = client.get("/administration/health")
    assert page.status_code == 200
    for label in (
        "Database", "Background worker", "Storage of files", "Mail", "Last backup",
        "Seal of the audit", "Version",
    ):  # fmt: skip
        assert label in page.text
    assert "No worker has ever run" in page.text
    assert "Never: run" in page.text


def test_the_database_is_named_and_an_unmigrated_one_is_told(app, monkeypatch):
    found = row("database")
    kind = "PostgreSQL" if db.engine.dialect.name == "postgresql" else "SQLite"
    assert found.state == health.GOOD
    assert str(found.facts[0][1]).startswith(kind)
    monkeypatch.setattr(health, "newest_revision", lambda: "9999")
    assert row("database").state == health.BAD
    assert "netreg db upgrade" in str(row("database").text)


def test_a_worker_that_falls_silent_is_told(app):
    assert row("worker").state == health.BAD
    health.beat()
    db.session.rollback()
    assert row("worker").state == health.GOOD
    with acting_at(now() + timedelta(minutes=10)):
        found = row("worker")
    assert (found.state, "10 minutes" in str(found.text)) == (health.BAD, True)
    health.beat()  # once more: the same worker is not a second one
    assert db.session.scalar(sa.select(sa.func.count()).select_from(health.Heartbeat)) == 1


def test_a_job_that_failed_is_counted_by_its_kind_and_never_quoted(app):
    def broken():
        raise ValueError("Zonneveld")

    jobs._handlers["tests.broken"] = broken
    health.beat()
    with pytest.raises(ValueError, match="Zonneveld"):
        jobs._Runner(app).run("tests.broken")
    del jobs._handlers["tests.broken"]
    found = row("worker")
    assert found.state == health.WARNING
    assert "tests.broken: ValueError × 1" in str(found.facts)
    assert "Zonneveld" not in str(found)
    with acting_at(now() + health.FAILURES_KEPT + timedelta(days=1)):
        health.beat()
    assert db.session.scalar(sa.select(sa.func.count()).select_from(health.JobFailure)) == 0


def test_storage_that_cannot_be_written_or_is_full_is_told(app, monkeypatch):
    assert row("storage").state == health.GOOD
    monkeypatch.setattr(health.shutil, "disk_usage", lambda _p: type("U", (), {"free": 10}))
    assert row("storage").state == health.BAD
    monkeypatch.setattr(health, "_writable", lambda _p: False)
    assert "cannot be written" in str(row("storage").text)


def test_the_last_backup_is_read_from_its_mark(app):
    instance = app.extensions["netreg_settings"].instance
    assert row("backup").state == health.WARNING
    mark = instance / "backups" / "last.json"
    mark.parent.mkdir()
    mark.write_text(json.dumps({"at": now().isoformat()}))
    assert row("backup").state == health.GOOD
    with acting_at(now() + timedelta(days=2)):
        assert row("backup").state == health.WARNING
    mark.write_text("{")
    assert health.last_backup(instance) is None


def test_entries_that_are_not_sealed_in_time_are_told(app):
    audit.record("signed in", by=make.HOUSE, subject=("person", 1))
    assert row("audit").state == health.GOOD
    with acting_at(now() + timedelta(hours=1)):
        assert row("audit").state == health.WARNING
    db.session.commit()
    audit.seal()
    with acting_at(now() + timedelta(hours=1)):
        assert row("audit").state == health.GOOD


def test_a_check_that_breaks_is_an_answer_and_not_an_error(app, monkeypatch):
    def broken():
        raise RuntimeError("secret")

    monkeypatch.setattr(health, "_checks", [("odd", "Odd", broken)])
    [found] = health.rows()
    assert (found.state, "secret" in str(found)) == (health.BAD, False)
    assert health.worst([found]) == health.BAD
    assert health.worst([]) == health.GOOD


def test_the_overview_leads_to_what_needs_a_look(client):
    make.sign_in(client, make_people.administrator())
    page = client.get("/administration").text
    assert "You are the only administrator" in page
    assert "No worker has ever run" in page
