"""Keys are rotated while people work: at every moment everybody is found and readable."""

from __future__ import annotations

import json
import os
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import sqlalchemy as sa

from registry import audit, keys, rekeying, storage
from registry.audit import AuditEntry
from registry.db import Base, db, new_id
from registry.errors import Invalid, Unreadable
from registry.patients import actions
from registry.patients.matching import finding
from registry.patients.models import LocalIdentifier, NameIndex, Patient
from tests import make

#: `make drill` does everything so many times as often.
TIMES = int(os.environ.get("NETREG_DRILL", "1"))


@pytest.fixture
def own_ring(app, tmp_path, monkeypatch):
    """A ring of the test's own, in a file, and quick to settle."""
    monkeypatch.setattr(keys, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(rekeying, "SETTLE_SECONDS", 0.06)
    before = app.extensions["netreg_keys"]
    app.extensions["netreg_keys"] = keys.Holder("", tmp_path / "keys.json")
    yield app.extensions["netreg_keys"]
    app.extensions["netreg_keys"] = before


def rotate() -> str:
    """A whole rotation. Returns the id of the new key."""
    key_id = rekeying.begin(by=make.HOUSE, settle=0.06).key_id
    db.session.commit()
    assert rekeying.go_on()
    return key_id


# -- the ring ----------------------------------------------------------------------------------


def test_a_ring_is_stored_and_read_as_it_was():
    ring = keys.fresh().with_generation("k2")
    assert keys.from_json(keys.to_json(ring)) == ring


def test_a_ring_from_before_there_were_generations_finds_what_it_found():
    old = keys.from_json(keys.to_json(keys.fresh()))
    assert old.find("name", "x") == old.blind("name", "x")
    newer = old.with_generation("k2")
    assert newer.finds("name", "x") == [old.find("name", "x"), newer.find("name", "x", "k2")]
    assert len(set(newer.finds("name", "x"))) == 2


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"current": "k1"}',
        json.dumps({"current": "k2", "sealing": {"k1": "A" * 43}, "root": "A" * 43}),
        json.dumps({"current": "k1", "sealing": {"k1": "QUJD"}, "root": "A" * 43}),
        json.dumps(
            {"current": "k1", "sealing": {"k1": "A" * 43}, "root": "A" * 43,
             "finding": {"k7": "A" * 43}}
        ),
    ],
)  # fmt: skip
def test_a_ring_that_cannot_be_is_refused_without_repeating_it(text):
    with pytest.raises(ValueError, match=r"key ring|each key") as refused:
        keys.from_json(text)
    assert "QUJD" not in str(refused.value)


def test_a_changed_ring_is_read_again_and_a_broken_one_is_not(tmp_path, monkeypatch):
    monkeypatch.setattr(keys, "LOOK_SECONDS", 0)
    holder = keys.Holder("", tmp_path / "keys.json")
    assert holder.path.stat().st_mode & 0o777 == 0o600
    other = keys.Holder("", tmp_path / "keys.json")
    newer = holder.ring().with_generation("k2")
    other.put(newer)
    assert holder.ring() == newer
    assert holder.path.stat().st_mode & 0o777 == 0o600
    holder.path.write_text("broken")
    assert holder.ring() == newer


def test_typed_keys_are_told_from_drawn_ones():
    assert not keys.weak(keys.fresh())
    assert keys.weak(keys.KeyRing("k1", {"k1": b"a" * 32}, bytes(range(32))))
    same = keys.fresh().root
    assert keys.weak(keys.KeyRing("k1", {"k1": same}, same))


# -- rotation ----------------------------------------------------------------------------------


def sealed_file(content: bytes):
    file_id = new_id()
    with storage.sealing(file_id) as writer:
        writer.write(content)
    return file_id


def test_after_a_rotation_everything_is_under_the_new_key(app, own_ring):
    clara = make.viewer(make.person(make.centre(), make.Role.CLINICIAN))
    anna = make.patient(clara)
    actions.set_hospital_number(anna, "H-1", by=clara)
    report = sealed_file(b"report")
    db.session.commit()
    version = anna.version
    indexes = set(db.session.scalars(sa.select(NameIndex.value)))
    assert rotate() == "k2"
    db.session.expire_all()
    assert anna.family_name.startswith("k2.")
    assert anna.full_name == "Zonneveld, Anna Maria"
    assert anna.version == version, "nobody's edit is refused because keys were exchanged"
    assert storage.sealed_under(report) == "k2"
    assert b"".join(storage.unsealed(report)) == b"report"
    assert indexes.isdisjoint(db.session.scalars(sa.select(NameIndex.value)))
    assert finding.search(clara, "Zonneveld") == finding.search(clara, "h-1") == [anna.id]
    assert sum(rekeying.counts("k1").values()) == 0
    assert rekeying.latest().finished_at


def test_a_rotation_and_a_retired_key_stand_in_the_audit_without_the_key(app, own_ring):
    rotate()
    rekeying.retire("k1", by=make.HOUSE, settle=0)
    db.session.commit()
    entries = db.session.execute(
        sa.select(AuditEntry.action, AuditEntry.subject_id)
        .where(AuditEntry.subject_kind == "key")
        .order_by(AuditEntry.id)
    ).all()
    assert [tuple(entry) for entry in entries] == [
        ("rotation of keys begun", "k2"),
        ("rotation of keys finished", "k2"),
        ("key retired", "k1"),
    ]  # fmt: skip
    assert {str(audit.word(entry.action)) for entry in entries} == {
        "Began to exchange the keys", "Finished exchanging the keys", "Retired a key",
    }  # fmt: skip


def test_a_key_in_use_or_current_cannot_be_retired(app, own_ring):
    clara = make.viewer(make.person(make.centre(), make.Role.CLINICIAN))
    make.patient(clara)
    db.session.commit()
    with pytest.raises(Invalid, match="current"):
        rekeying.retire("k1", by=make.HOUSE)
    rekeying.begin(by=make.HOUSE, settle=0.06)
    db.session.commit()
    with pytest.raises(Invalid, match="under way"):
        rekeying.retire("k1", by=make.HOUSE)
    assert rekeying.go_on()
    patient = db.session.scalars(sa.select(Patient)).one()
    old = keys.replace(own_ring.look(), current="k1")
    patient.family_name = old.seal("Zonneveld", "patient", "family_name", patient.id)
    db.session.commit()
    with pytest.raises(Invalid, match=r"patient\.family_name: 1"):
        rekeying.retire("k1", by=make.HOUSE)
    # the same command finishes it, and makes no further key
    assert rotate() == "k2"
    _before, kept = rekeying.retire("k1", by=make.HOUSE)
    db.session.commit()
    assert list(own_ring.look().sealing) == ["k2"]
    assert list(keys.from_json(kept.read_text()).sealing) == ["k1"]
    db.session.expire_all()
    assert patient.full_name == "Zonneveld, Anna Maria"


def test_a_rotation_that_was_killed_is_gone_on_with(app, own_ring, monkeypatch):
    monkeypatch.setattr(rekeying, "BATCH", 2)
    clara = make.viewer(make.person(make.centre(), make.Role.CLINICIAN))
    for number in range(7):
        make.patient(clara, family_name=f"Patient {number}")
    db.session.commit()
    rekeying.begin(by=make.HOUSE, settle=0.06)
    db.session.commit()
    told: list[str] = []

    def die(name: str, done: int) -> None:
        told.append(name)
        if len(told) == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rekeying.go_on(told=die)
    left = sum(rekeying.counts("k1").values())
    assert left > 0
    rekeying.rotate()  # the worker's sweep
    assert sum(rekeying.counts("k1").values()) == 0
    assert len(finding.search(clara, "Patient")) == 7


def test_another_ring_in_place_changes_nothing(app, own_ring, tmp_path):
    clara = make.viewer(make.person(make.centre(), make.Role.CLINICIAN))
    make.patient(clara)
    db.session.commit()
    rekeying.begin(by=make.HOUSE, settle=0.06)
    db.session.commit()
    app.extensions["netreg_keys"] = keys.Holder("", tmp_path / "another.json")
    assert not rekeying.go_on()
    with pytest.raises(Unreadable):
        _name = db.session.scalars(sa.select(Patient)).one().full_name
    db.session.rollback()


@dataclass
class Seen:
    """What readers and writers met while keys were rotated."""

    reads: int = 0
    writes: int = 0
    problems: list[str] = field(default_factory=list)


def read_until(app, done, clara, ids, files, seen: Seen) -> None:
    """Find and open every patient and file, again and again."""
    with app.test_request_context("/"):  # a reader, as a GET is
        while not done.is_set():
            for name, patient_id in ids.items():
                if patient_id not in finding.search(clara, name):
                    seen.problems.append(f"{name} was not found")
                if finding.search(clara, f"H-{name}") != [patient_id]:
                    seen.problems.append(f"the number of {name} was not found")
                try:
                    if name not in db.session.get(Patient, patient_id).full_name:
                        seen.problems.append(f"{name} has another name")
                    if b"".join(storage.unsealed(files[name])) != name.encode():
                        seen.problems.append(f"the file of {name} is another")
                except Unreadable:
                    seen.problems.append(f"{name} could not be read")
                seen.reads += 1
                db.session.rollback()
                db.session.expunge_all()
        db.session.remove()


def write_until(app, done, clara, ids, seen: Seen) -> None:
    """Change given names and register patients, again and again."""
    with app.app_context():
        for number in range(10_000):
            if done.is_set():
                break
            name = list(ids)[number % len(ids)]
            try:
                found = db.session.get(Patient, ids[name])
                actions.change(found, by=clara, facts={"given_names": f"Given{number}"})
                db.session.commit()
                made = make.patient(clara, family_name=f"Newcomer{number}x")
                actions.set_hospital_number(made, f"NEW-{number}", by=clara)
                db.session.commit()
                if finding.search(clara, f"NEW-{number}") != [made.id]:
                    seen.problems.append(f"newcomer {number} was not found")
                seen.writes += 1
            except Exception as problem:
                seen.problems.append(f"write {number}: {type(problem).__name__} {problem}")
            db.session.rollback()
            db.session.expunge_all()
            time.sleep(0.05)
        db.session.remove()


def test_nothing_is_unreadable_at_any_moment(app, own_ring, monkeypatch):
    monkeypatch.setattr(rekeying, "BATCH", 20)
    clara = make.viewer(make.person(make.centre(), make.Role.CLINICIAN))
    ids, files = {}, {}
    for number in range(20 * TIMES):
        name = "Sonne" + "abcdefghijklmnopqrst"[number % 20] * 3 + str(number // 20 or "")
        patient = make.patient(clara, family_name=name)
        actions.set_hospital_number(patient, f"H-{name}", by=clara)
        ids[name], files[name] = patient.id, sealed_file(name.encode())
    db.session.commit()
    done, seen = threading.Event(), Seen()
    threads = [
        threading.Thread(target=read_until, args=(app, done, clara, ids, files, seen)),
        threading.Thread(target=write_until, args=(app, done, clara, ids, seen)),
    ]
    for thread in threads:
        thread.start()
    try:
        for _ in range(2):
            rotate()
    finally:
        done.set()
        for thread in threads:
            thread.join(30)
    assert not seen.problems, seen.problems[:5]
    assert seen.reads > 20
    assert seen.writes > 3
    left = {key: count for key, count in rekeying.counts("k1").items() if count}
    assert left == {}
    numbers = db.session.scalars(sa.select(LocalIdentifier.number_index)).all()
    assert len(set(numbers)) == len(numbers) == 20 * TIMES + seen.writes


def test_every_sealed_column_takes_part(client):
    """Whatever holds sealed text somewhere is known to the rotation."""
    from tests import make_referrals

    net = make_referrals.network()
    make_referrals.referral(net, "accepted", hospital_number="H-1")
    db.session.commit()
    known = rekeying.sealed_columns()
    assert {"patient.family_name", "local_identifier.number", "document.name"} <= known
    for table in Base.metadata.tables.values():
        for column in table.columns:
            if isinstance(column.type, sa.String) and f"{table.name}.{column.name}" not in known:
                found = db.session.scalar(sa.select(column).where(column.like("k1.%")).limit(1))
                assert found is None, f"{table.name}.{column.name} is sealed"


def test_the_file_of_the_ring_is_where_it_was_said(app, own_ring):
    assert isinstance(own_ring.path, Path)
