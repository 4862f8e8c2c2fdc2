"""A backup made while people write, restored elsewhere: row for row and file for file."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import shutil
import threading
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from config import Settings
from registry import audit, create_app, health, keys, storage
from registry.audit import AuditEntry, AuditSeal
from registry.audit_jobs import seal
from registry.db import db, new_id, snapshot
from registry.operations import backup, restore, tables
from registry.operations.manifest import MAC, NAME, Damaged, Manifest
from registry.patients.matching import finding
from registry.patients.models import Document, Patient
from tests import make, make_referrals

#: `make drill` does everything so many times as often.
TIMES = int(os.environ.get("NETREG_DRILL", "1"))


@contextlib.contextmanager
def elsewhere(url: str, folder: Path, ring: keys.KeyRing):
    """Another machine: its own database and folder, with a copy of the keys."""
    folder.mkdir(mode=0o700)
    settings = Settings(
        database_url=url, instance=folder, secret_key="x", environment="testing",
        keys=keys.to_json(ring),
    )  # fmt: skip
    app = create_app(settings)
    with app.app_context():
        try:
            yield app
        finally:
            db.session.remove()
            db.engine.dispose()
            app.extensions["netreg_huey"].storage.close()


def everything() -> dict[str, tables.Table]:
    """All tables as they are now."""
    if db.engine.dialect.name == "sqlite":
        with tables.opened(Path(str(db.engine.url.database))) as connection:
            return {
                name: tables.look_at_sqlite(connection, name)
                for name in tables.sqlite_names(connection)
            }
    with snapshot() as connection:
        tables.begin_writing_text(connection)
        return {name: tables.look_at(connection, name) for name in tables.names(connection)}


def stored() -> dict[str, bytes]:
    """All files of the storage."""
    root = storage.place(new_id()).parent.parent
    return {
        path.relative_to(root).as_posix(): path.read_bytes() for path in backup.stored_files(root)
    }


def document(patient: Patient, content: bytes) -> Document:
    """A sealed file with its row."""
    made = Document(
        id=new_id(), patient_id=patient.id, kind="report", media_type="text/plain",
        size=len(content), sha256="0" * 64, key_id=keys.ring().current,
    )  # fmt: skip
    made.hide("Report of somebody.txt")
    with storage.sealing(made.id) as writer:
        writer.write(content)
    db.session.add(made)
    db.session.flush()
    return made


def network():
    """A centre with referrals, patients and documents, sealed."""
    net = make_referrals.network()
    make_referrals.referral(net, "accepted", hospital_number="H-1")
    patient = make.patient(net.viewer("chris"), family_name="Back\tslash\\ O'Neill\nNewline")
    document(patient, b"what the pathologist wrote " * 9000)
    db.session.commit()
    seal()
    return net


def test_a_backup_restored_elsewhere_is_the_same_row_for_row_and_file_for_file(
    app, place, tmp_path
):
    net = network()
    folder, made = backup.make(tmp_path / "backups", keep=3)
    before, files = everything(), stored()
    assert made.tables == before
    assert made.tables["patient"].rows == 2
    assert made.missing == []
    assert len(files) == 1
    chris = net.viewer("chris")
    ring = keys.ring()
    with elsewhere(place.blank("restored"), tmp_path / "elsewhere", ring):
        found = restore.restore(folder)
        assert everything() == before == found.tables
        assert stored() == files
        assert audit.verify().intact
        [patient_id] = finding.search(chris, "Backslash") or finding.search(chris, "O'Neill")
        assert "Newline" in db.session.get(Patient, patient_id).full_name
        [kept] = db.session.scalars(sa.select(Document)).all()
        assert b"".join(storage.unsealed(kept.id)).startswith(b"what the pathologist")
        assert health.revision() == health.newest_revision()
        # it goes on: new rows get new numbers, and what may not be changed still may not
        db.session.rollback()
        make.patient(chris, family_name="Newcomer")
        db.session.commit()
        seal()
        assert audit.verify().intact
        with pytest.raises(sa.exc.DBAPIError, match="append-only"):
            db.session.execute(sa.delete(AuditEntry))
        db.session.rollback()
        with pytest.raises(sa.exc.IntegrityError):
            db.session.execute(sa.update(Document).values(patient_id=new_id()))
        db.session.rollback()


def test_a_place_that_is_in_use_is_left_as_it_is(app, place, tmp_path):
    network()
    folder, _made = backup.make(tmp_path / "backups", keep=3)
    before, files = everything(), stored()
    with pytest.raises(restore.NotEmpty, match="files"):
        restore.restore(folder)
    assert (everything(), stored()) == (before, files)
    with elsewhere(place.another("used"), tmp_path / "used", keys.ring()):
        make.office()
        db.session.commit()
        db.session.remove()
        kept = everything()
        with pytest.raises(restore.NotEmpty, match="is not empty"):
            restore.restore(folder)
        assert everything() == kept


def test_a_migrated_database_without_rows_is_an_empty_place(app, place, tmp_path):
    network()
    folder, made = backup.make(tmp_path / "backups", keep=3)
    with elsewhere(place.another("fresh"), tmp_path / "fresh", keys.ring()):
        restore.restore(folder)
        assert everything() == made.tables


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


def test_a_backup_that_was_touched_is_refused_and_nothing_is_written(app, place, tmp_path):
    network()
    folder, made = backup.make(tmp_path / "backups", keep=3)
    ring = keys.ring()
    hurts = {
        "altered": lambda f: flip(f / made.files[0]),
        "is missing": lambda f: (f / min(made.parts)).unlink(),
        "was altered after": lambda f: (f / NAME).write_text(
            (f / NAME).read_text().replace('"product": "', '"product": "9')
        ),
        "no backup": lambda f: (f / NAME).unlink(),
        "manifest of a backup": lambda f: (f / NAME).write_text("[]"),
    }
    hurts["after the backup"] = lambda f: (f / MAC).unlink()
    with elsewhere(place.blank("never"), tmp_path / "never", ring):
        for number, (said, hurt) in enumerate(hurts.items()):
            copy = Path(shutil.copytree(folder, tmp_path / f"copy{number}"))
            hurt(copy)
            with pytest.raises(Damaged, match=said):
                restore.restore(copy)
        assert stored() == {}
        with contextlib.suppress(sa.exc.OperationalError, sqlite_away()):
            assert everything() == {}


def sqlite_away():
    import sqlite3

    return sqlite3.OperationalError


def test_without_its_keys_a_backup_is_refused_by_their_names(app, place, tmp_path):
    network()
    folder, _made = backup.make(tmp_path / "backups", keep=3)
    with (
        elsewhere(place.blank("keyless"), tmp_path / "keyless", keys.fresh()),
        pytest.raises(Damaged, match="lacks root, sealing k1"),
    ):
        restore.restore(folder)


def test_a_damaged_row_is_found_before_anything_is_visible(app, place, tmp_path):
    """A table whose text was exchanged together with its checksum in the manifest."""
    network()
    folder, made = backup.make(tmp_path / "backups", keep=3)
    if made.database == "sqlite":
        with contextlib.closing(__import__("sqlite3").connect(folder / "database.sqlite3")) as raw:
            raw.execute("UPDATE organisation SET name = 'Elsewhere'")
            raw.commit()
        made.note(folder, folder / "database.sqlite3")
    else:
        path = folder / "tables/organisation.copy.gz"
        text = gzip.decompress(path.read_bytes()).replace(b"Hospital A", b"Elsewhere")
        path.write_bytes(gzip.compress(text))
        made.note(folder, path)
    made.write(folder)
    with elsewhere(place.blank("differs"), tmp_path / "differs", keys.ring()):
        with pytest.raises(Damaged, match="table organisation differs"):
            restore.restore(folder)
        if made.database == "postgresql":
            assert {table.rows for table in everything().values()} == {0}
        else:
            assert not Path(str(db.engine.url.database)).exists()


# -- under load --------------------------------------------------------------------------------


def write_until(app, done, chris, told: list[str]) -> None:
    """Register patients with documents, and throw some away, as fast as it goes."""
    with app.app_context():
        number = 0
        while not done.is_set():
            number += 1
            patient = make.patient(chris, family_name=f"Busy{number}")
            kept = document(patient, f"report {number}".encode() * 100)
            db.session.commit()
            told.append(str(kept.id))
            if number % 5 == 0:
                db.session.delete(kept)
                db.session.commit()
                storage.remove(kept.id)
            db.session.remove()
            time.sleep(0.01)


def test_a_backup_under_load_holds_together(app, place, tmp_path):
    net = network()
    chris, ring = net.viewer("chris"), keys.ring()
    db.session.remove()  # on SQLite one's own transaction would keep the writer waiting
    done, told = threading.Event(), []
    writer = threading.Thread(target=write_until, args=(app, done, chris, told))
    writer.start()
    try:
        while len(told) < 10 * TIMES:
            time.sleep(0.01)
        folder, made = backup.make(tmp_path / "backups", keep=3)
        during = len(told)
        while len(told) < during + 5:
            time.sleep(0.01)
    finally:
        done.set()
        writer.join(20)
    assert 8 * TIMES <= made.tables["document"].rows < len(told)
    assert made.missing == []
    with elsewhere(place.blank("busy"), tmp_path / "busy", ring):
        restore.restore(folder)
        assert everything() == made.tables
        for kept in db.session.scalars(sa.select(Document)):
            assert len(b"".join(storage.unsealed(kept.id))) == kept.size
        verdict = audit.verify()
        assert verdict.intact


# -- keeping, and the health page --------------------------------------------------------------


def test_old_backups_go_and_a_killed_ones_draft_too(app, tmp_path):
    network()
    to = tmp_path / "backups"
    (to / f"{backup.PREFIX}20260101T000000000000Z.partial").mkdir(parents=True)
    (to / "something else").mkdir()
    made = [backup.make(to, keep=2)[0] for _ in range(3)]
    assert backup.backups(to) == made[1:]
    assert sorted(path.name for path in to.iterdir()) == sorted(
        ["something else", *(path.name for path in made[1:])]
    )
    assert made[-1].stat().st_mode & 0o777 == 0o700
    instance = app.extensions["netreg_settings"].instance
    said = json.loads((instance / "backups/last.json").read_text())
    assert said["path"] == str(made[-1])
    assert health.last_backup(instance) is not None
    [row] = health.rows(("backup",))
    assert row.state == health.GOOD


def test_a_lost_file_is_named_and_older_backups_are_kept(app, tmp_path):
    network()
    to = tmp_path / "backups"
    first, _made = backup.make(to, keep=1)
    [lost] = db.session.scalars(sa.select(Document.id))
    storage.remove(lost)
    folder, made = backup.make(to, keep=1)
    assert made.missing == [lost.hex]
    assert backup.backups(to) == [first, folder]


def test_every_column_that_names_a_file_is_known():
    from registry.db import Base

    named = {
        (table.name, column.name)
        for table in Base.metadata.tables.values()
        for column in table.columns
        if column.name.endswith("file_id")
    }
    assert named <= set(backup.FILES)


# -- the newest entries, cut off ---------------------------------------------------------------


def cut_off(last: int) -> None:
    """What somebody with the database's own password does: entries and seals are gone."""
    with db.engine.connect() as connection:
        if db.engine.dialect.name == "sqlite":
            connection.execute(sa.text("DROP TRIGGER audit_entry_keep_delete"))
        else:
            connection.execute(sa.text("ALTER TABLE audit_entry DISABLE TRIGGER USER"))
        connection.execute(sa.delete(AuditSeal).where(AuditSeal.last > last))
        connection.execute(sa.delete(AuditEntry).where(AuditEntry.id > last))
        if db.engine.dialect.name == "postgresql":
            connection.execute(sa.text("ALTER TABLE audit_entry ENABLE TRIGGER USER"))
        else:
            connection.execute(
                sa.text(
                    "CREATE TRIGGER audit_entry_keep_delete BEFORE DELETE ON audit_entry "
                    "BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END"
                )
            )
        connection.commit()


def test_cutting_off_the_newest_entries_with_their_seals_is_found(app, tmp_path, monkeypatch):
    written = tmp_path / "seals.log"
    settings = app.extensions["netreg_settings"]
    app.extensions["netreg_settings"] = settings.__class__(
        **{**settings.__dict__, "seal_log": str(written)}
    )
    try:
        network()
        first = db.session.scalar(sa.select(sa.func.max(AuditSeal.last)))
        audit.record("signed in", by=make.HOUSE, subject=("person", 1))
        db.session.commit()
        seal()
        folder, _made = backup.make(tmp_path / "backups", keep=3)
    finally:
        app.extensions["netreg_settings"] = settings
    noted = list(audit.written_down(written.read_text()))
    assert len(noted) == 2
    in_manifest = list(audit.written_down((folder / NAME).read_text()))
    assert in_manifest == noted[-1:]
    syslog = f"Nov 23 08:00:00 host netreg-audit[7]: {json.dumps(noted[0])}\nother line\n"
    assert list(audit.written_down(syslog)) == noted[:1]
    assert audit.absent(noted) == []
    db.session.remove()
    cut_off(first)
    assert audit.verify().intact, "the chain alone cannot tell"
    assert len(audit.absent(noted)) == 1
    assert "cut off" in audit.absent(in_manifest)[0]
    audit.record("signed out", by=make.HOUSE, subject=("person", 1))
    db.session.commit()
    seal()
    assert audit.absent(noted), "nor can another seal take its place"


def test_a_backup_is_written_to_a_disk_that_is_not_full(app, tmp_path, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    network()
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            backup.make(tmp_path / "backups", keep=3)
    assert backup.backups(tmp_path / "backups") == []
    assert Manifest.read(backup.make(tmp_path / "backups", keep=3)[0]).parts
    assert len(list((tmp_path / "backups").iterdir())) == 1
