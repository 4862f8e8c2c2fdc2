"""The making: by the worker, one at a time, whole or not at all, on both databases the same."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path

import pytest
import sqlalchemy as sa

from config import Settings
from registry import create_app, storage
from registry.dates import today
from registry.db import db
from registry.errors import NotFound
from registry.jobs import _handlers
from registry.patients import actions as patients
from registry.people.models import Notice
from registry.research import jobs, rules
from registry.research.models import Release, ReleaseFile
from registry.research.releases import actions, columns, documents, formats, making
from tests import make, make_research

ROOT = Path(__file__).resolve().parents[2]
#: The codebook twice, the code lists, the README, two scripts, how it was de-identified, how it is
#: cited (twice), and the manifest.
WITH_THE_DATA = 10
sweep = _handlers["research.make_release"]


def state_of(release_id):
    """The release as it is stored, and then nothing held open."""
    found = db.session.get_one(Release, release_id, populate_existing=True)
    facts = (found.state, found.error, found.attempts, len(found.files), list(found.drafts))
    db.session.commit()
    return facts


def files_on_disk(app):
    """Every file the product keeps."""
    folder = app.extensions["netreg_settings"].instance / "files"
    return [path for path in folder.rglob("*") if path.is_file()]


def asked():
    """The id of a release that waits, and nothing held open."""
    release_id = make_research.asked(make_research.grant(make_research.office())).id
    db.session.commit()
    return release_id


def notices():
    """What people were told, in order."""
    told = list(db.session.scalars(sa.select(Notice.why).order_by(Notice.id)))
    db.session.commit()
    return told


def test_the_sweep_makes_what_was_asked_for_and_tells_the_researcher(app):
    make.patient(make_research.clinic())
    release_id = make_research.asked(make_research.grant(make_research.office())).id
    sweep()
    assert state_of(release_id)[0] == "made"
    assert notices() == ["grant_given", "release_made"]


def test_the_job_makes_its_release_alone_and_twice_is_no_harm(app):
    office = make_research.office()
    one = make_research.asked(make_research.grant(office)).id
    jobs.make_release(str(one))
    made = state_of(one)
    jobs.make_release(str(one))
    sweep()
    assert state_of(one) == made
    assert made[2] == 1


def test_an_unknown_release_cannot_be_made(app):
    with pytest.raises(NotFound):
        making.make(make_research.fixed(1))


def test_a_release_another_process_is_at_is_left_to_it(app):
    release_id = asked()
    assert making.Claim(release_id).take()
    assert making.make(release_id).state == "making"
    db.session.commit()
    sweep()
    assert state_of(release_id)[:3] == ("making", None, 1)


def test_what_fails_is_said_in_plain_words_and_leaves_nothing(app, monkeypatch, caplog):
    release_id = make_research.asked(make_research.grant(make_research.office())).id

    def broken(*_arguments, **_named):
        raise ValueError("Zonneveld, Anna Maria")

    monkeypatch.setattr(documents, "codebook_html", broken)
    sweep()
    assert state_of(release_id) == ("failed", "failed", 1, 0, [])
    assert files_on_disk(app) == []
    assert notices() == ["grant_given", "release_failed"]
    assert "ValueError at broken" in caplog.text
    assert "Zonneveld" not in caplog.text
    assert "Zonneveld" not in str(rules.FAILURES["failed"])


def test_one_that_fails_does_not_keep_the_others_from_being_made(app, monkeypatch):
    office = make_research.office()
    bad = make_research.asked(make_research.grant(office, project="NET-BAD")).id
    rosa = make.person(office, make.Role.RESEARCHER, name="Rita Rossi")
    good = make_research.asked(make_research.grant(office, rosa, project="NET-GOOD")).id
    write = making._write_data

    def picky(claim, *more):
        if claim.release_id == bad:
            raise ValueError
        return write(claim, *more)

    monkeypatch.setattr(making, "_write_data", picky)
    sweep()
    assert (state_of(bad)[0], state_of(good)[0]) == ("failed", "made")


def test_nothing_is_made_under_a_grant_that_ended_meanwhile(app):
    office = make_research.office()
    grant = make_research.grant(office)
    release_id = make_research.asked(grant).id
    actions.end_grant(grant, by=make.viewer(db.session.get_one(make.Person, grant.granted_by)),
                      reason="Withdrawn.")  # fmt: skip
    db.session.commit()
    sweep()
    assert state_of(release_id)[:2] == ("failed", "grant_ended")


def test_nothing_is_made_under_a_grant_that_expired_meanwhile(app, monkeypatch):
    release_id = make_research.asked(make_research.grant(make_research.office())).id
    monkeypatch.setattr(making, "today", lambda: today() + timedelta(days=31))
    sweep()
    assert state_of(release_id)[:2] == ("failed", "grant_ended")


def test_a_cancelled_release_leaves_nothing_and_is_not_made(app, monkeypatch):
    carla = make_research.clinic()
    make.patient(carla)
    grant = make_research.grant(make_research.office())
    release_id = make_research.asked(grant).id
    rosa = make.viewer(grant.researcher)
    db.session.commit()
    write = making._write_documents

    def cancelled_meanwhile(*arguments):
        actions.cancel_release(db.session.get_one(Release, release_id), by=rosa)
        db.session.commit()
        write(*arguments)

    monkeypatch.setattr(making, "_write_documents", cancelled_meanwhile)
    assert making.make(release_id).state == "cancelled"
    db.session.commit()
    assert files_on_disk(app) == []
    sweep()
    assert state_of(release_id)[0] == "cancelled"


def test_what_kills_its_maker_again_and_again_is_given_up(app, monkeypatch):
    release_id = asked()
    monkeypatch.setattr(rules, "SILENT", timedelta(0))
    for _one in range(rules.ATTEMPTS):
        assert making.Claim(release_id).take()
        time.sleep(0.01)
    sweep()
    assert state_of(release_id)[:2] == ("failed", "given_up")


SLOW_MAKER = """
import sys, time
from uuid import UUID
from registry import create_app
from registry.research.releases import making
making.BATCH, making._SECONDS = 1, 0
tell = making.Claim.tell
def slowly(claim, **values):
    tell(claim, **values)
    if values.get("done"):
        print(values["done"], flush=True)
        time.sleep(0.5)
making.Claim.tell = slowly
with create_app().app_context():
    making.make(UUID(sys.argv[1]))
"""


def test_a_maker_killed_half_way_leaves_nothing_to_see_and_the_sweep_makes_it_whole(
    app, database, monkeypatch
):
    carla = make_research.clinic()
    for _one in range(6):
        make_research.entry(make.patient(carla), "tumour", primary_site="C17.2")
    grant = make_research.grant(make_research.office())
    release_id = make_research.asked(grant).id
    db.session.commit()
    environment = {
        **os.environ,
        "DATABASE_URL": database,
        "NETREG_INSTANCE": str(app.extensions["netreg_settings"].instance),
        "NETREG_ENV": "testing",
        "SECRET_KEY": "only for tests",
    }
    with subprocess.Popen(
        [sys.executable, "-c", SLOW_MAKER, str(release_id)],
        env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True,
    ) as maker:  # fmt: skip
        assert maker.stdout is not None
        assert maker.stdout.readline() == "1\n"
        assert maker.stdout.readline() == "2\n"
        maker.send_signal(signal.SIGKILL)
    state, _error, attempts, files, drafts = state_of(release_id)
    assert (state, attempts, files) == ("making", 1, 0)
    data = len(columns.files()) + 1  # and one row a patient
    assert len(drafts) == data
    left = files_on_disk(app)
    assert len(left) == data
    assert {path.suffix for path in left} == {".part"}
    assert db.session.scalar(sa.select(sa.func.count()).select_from(ReleaseFile)) == 0
    db.session.commit()
    sweep()
    assert state_of(release_id)[0] == "making"  # the maker may still be alive
    monkeypatch.setattr(rules, "SILENT", timedelta(0))
    sweep()
    state, _error, attempts, files, drafts = state_of(release_id)
    assert (state, attempts, drafts) == ("made", 2, [])
    assert len(files_on_disk(app)) == files == data + WITH_THE_DATA
    release = db.session.get_one(Release, release_id)
    assert len(make_research.rows(release, "tumours.csv")) == 6
    assert not any(path in files_on_disk(app) for path in left)


def test_what_a_dead_maker_of_a_cancelled_release_left_is_removed(app):
    grant = make_research.grant(make_research.office())
    release_id = make_research.asked(grant).id
    db.session.commit()
    claim = making.Claim(release_id)
    claim.take()
    [file_id] = making.Files(claim.tell).note(1)
    with storage.writing(file_id) as out:
        out.write(b"half")
    rosa = make.viewer(grant.researcher)
    actions.cancel_release(db.session.get_one(Release, release_id), by=rosa)
    db.session.commit()
    sweep()
    assert files_on_disk(app) == []
    assert state_of(release_id)[4] == []


def test_others_can_write_while_a_release_is_made(app, monkeypatch):
    """The maker reads without the database's write lock, and does not see what comes later."""
    carla = make_research.clinic()
    anna = make.patient(carla)
    release_id = make_research.asked(make_research.grant(make_research.office())).id
    read = making.Gathered.read

    def meanwhile(*arguments):
        make.patient(carla)
        make_research.entry(anna, "tumour", primary_site="C17.2")
        db.session.commit()
        read(*arguments)

    monkeypatch.setattr(making.Gathered, "read", meanwhile)
    release = making.make(release_id)
    assert len(make_research.rows(release, "patients.csv")) == 1
    assert make_research.rows(release, "tumours.csv") == []


def test_the_progress_can_be_seen_while_it_is_made(app, monkeypatch):
    carla = make_research.clinic()
    for _one in range(3):
        make.patient(carla)
    release_id = make_research.asked(make_research.grant(make_research.office())).id
    seen = []
    tell = making.Claim.tell

    def watched(claim, **values):
        tell(claim, **values)
        found = db.session.get_one(Release, release_id, populate_existing=True)
        seen.append((found.phase, found.done, found.total))
        db.session.commit()

    monkeypatch.setattr(making.Claim, "tell", watched)
    monkeypatch.setattr(making, "_SECONDS", 0)
    monkeypatch.setattr(making, "BATCH", 1)
    making.make(release_id)
    assert [found for found in dict.fromkeys(seen) if found[0]] == [
        ("reading", 0, 0), ("data", 0, 3), ("data", 1, 3), ("data", 2, 3), ("data", 3, 3),
        ("documents", 3, 3),
    ]  # fmt: skip


def test_the_memory_does_not_grow_with_the_number_of_patients(app, monkeypatch):
    """Never more than a batch of patients is worked on at once."""
    carla = make_research.clinic()
    for _one in range(7):
        make.patient(carla)
    monkeypatch.setattr(making, "BATCH", 3)
    batches, sizes = making.Gathered.batches, []

    def counted(*arguments, **named):
        for cases in batches(*arguments, **named):
            sizes.append(cases.patients.size)
            yield cases

    monkeypatch.setattr(making.Gathered, "batches", counted)
    make_research.made(make_research.grant(make_research.office()))
    assert sizes == [3, 3, 1]


RING = json.dumps({"current": "k1", "sealing": {"k1": "A" * 43}, "root": "B" * 43})


def _same_state(monkeypatch):
    """The same patients with the same ids, whatever the database."""
    ids = count(1)
    monkeypatch.setattr(patients, "new_id", lambda: make_research.fixed(next(ids)))
    carla, office = make_research.clinic(), make_research.office()
    for one in range(25):
        anna = make.patient(carla, birth_date=f"19{30 + one}-03-27")
        for entity, values in (
            ("tumour", {"primary_site": "C17.2", "diagnosis_date": "2019-05-06",
                        "primary_size_mm": Decimal("12.50"), "metastatic_sites": ["bone", "liver"],
                        "absent": {"functioning": {"why": "not_known"},
                                   "flushing": {"why": "not_done", "because": "x"}}}),
            ("pathology", {"date": "2019-05", "ki67_percent": "3-20", "grade_stated": "G2"}),
            ("staging", {"t": "T2", "n": "N1", "m": "M0", "stage_stated": "III"}),
            ("biomarker", {"analyte": "CGA_MASS", "value": Decimal("1E+3"), "unit": "µg/L"}),
            ("therapy", {"therapy_class": "surgery", "start": "2019-06-01"}),
            ("follow_up", {"date": f"2021-02-{one % 28 + 1:02}", "vital_status": "alive",
                           "interval": Decimal("-0.10"), "interval_unit": "months"}),
            ("questionnaire", {"instrument": "QLQ-C30", "scores": {"QL2": 50.0, "EF": 25.0}}),
            ("follow_up", {"vital_status": "lost", "interval": Decimal("19.70"),
                           "interval_unit": "months"}),
        ):  # fmt: skip
            make_research.entry(anna, entity, id=make_research.fixed(next(ids)), **values)
    return make_research.grant(office)


@pytest.mark.postgres
def test_the_same_state_gives_the_same_bytes_on_both_databases(request, tmp_path, monkeypatch):
    kept, made = request.getfixturevalue("_kept"), []
    for kind in ("sqlite", "postgres"):
        instance = tmp_path / kind
        instance.mkdir()
        settings = Settings(
            database_url=kept.place(kind).another("bytes"),
            instance=instance,
            keys=RING,
            secret_key="only for tests",
            environment="testing",
        )
        app = create_app(settings)
        with app.app_context():
            release = make_research.made(_same_state(monkeypatch), formats.CHOICES)
            made.append(make_research.content(release))
            db.session.remove()
            db.engine.dispose()
    for files in made:
        manifest = json.loads(files.pop("manifest.json"))
        manifest.pop("made")
        files["manifest"] = json.dumps(manifest, sort_keys=True).encode()
        for name in ("CITATION.txt", "datacite.json"):
            files.pop(name)
    assert made[0].keys() == made[1].keys()
    for name in made[0]:
        assert made[0][name] == made[1][name], name
    data = {name for name in made[0] if name.endswith(".csv")} - {"codebook.csv", "code_lists.csv"}
    for ending in ("parquet", "sav", "dta"):
        assert {f"{name[:-4]}.{ending}" for name in data} < made[0].keys()
    assert {"NET-ONE.xlsx", "wide.csv", "wide.dta"} < made[0].keys()
    assert b"1000" in made[0]["biomarkers.csv"]
    assert b"-0.10" in made[0]["follow_up.csv"]
    assert b"EF=25.0;QL2=50.0" in made[0]["questionnaire.csv"]
