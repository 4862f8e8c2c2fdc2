"""`netreg release`: who may, what is printed, and what is noticed of a copy that was altered."""

from __future__ import annotations

import zipfile
from hashlib import sha256

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from registry import storage
from registry.access import Role
from registry.db import db
from registry.people.models import NETWORK_OFFICE, Organisation
from registry.research import rules
from registry.research.releases import actions, packing
from registry.research.releases.commands import release
from tests import make, make_research


@pytest.fixture
def run(app):
    """Run the command, and see its exit status and words."""

    def command(*words):
        db.session.commit()
        done = CliRunner().invoke(release, words, obj=lambda: app)
        return done.exit_code, done.output

    return command


def _rosa():
    make.patient(make_research.clinic())
    office = make_research.office()
    rosa = make.person(office, Role.RESEARCHER, name="Rosa Ruiz")
    return rosa, make_research.grant(office, rosa)


def test_a_release_is_made_listed_and_verified_from_a_shell(run, tmp_path):
    rosa, _grant = _rosa()
    email = rosa.email
    status, said = run("make", "net-one", "--as", email, "--format", "parquet")
    assert status == 0, said
    first, *files = said.splitlines()
    assert first.startswith("NET-ONE/1\t")
    sums = {line.split("  ")[1]: line.split("  ")[0] for line in files}
    assert {"patients.csv", "patients.parquet", "manifest.json"} < sums.keys()
    listed = run("list", "--as", email)[1]
    assert listed.startswith("NET-ONE/1\tmade\t1\t")
    status, said = run("verify", "NET-ONE/1", "--as", email)
    assert (status, said.splitlines()[-1]) == (0, "intact")
    assert f"intact\t{sums['patients.csv']}\tpatients.csv" in said


@pytest.mark.parametrize("role", [Role.CLINICIAN, Role.ACCESS_COMMITTEE, Role.RESEARCHER])
def test_who_was_not_approved_is_refused(role, run):
    rosa, grant = _rosa()
    release_id = make_research.made(grant).id
    place = db.session.scalar(sa.select(Organisation).where(Organisation.kind == NETWORK_OFFICE))
    place = make.centre("2") if role is Role.CLINICIAN else place
    other = make.person(place, role, name="Otto Other")
    for words in (("make", "NET-ONE"), ("verify", "NET-ONE/1")):
        status, said = run(*words, "--as", other.email)
        assert status == 1
        assert str(release_id) not in said
        assert "patients.csv" not in said
    assert "NET-ONE" not in run("list", "--as", other.email)[1]
    assert run("list", "--as", "nobody@example.org")[0] == 1
    assert rosa.email != other.email


def test_nothing_is_made_once_the_grant_has_ended(run):
    rosa, grant = _rosa()
    committee = make.viewer(db.session.get_one(make.Person, grant.granted_by))
    actions.end_grant(grant, by=committee, reason="Withdrawn.")
    status, said = run("make", "NET-ONE", "--as", rosa.email)
    assert (status, "ended this grant" in said) == (1, True)


def test_too_few_patients_are_told_of_in_words(run):
    make.patient(make_research.clinic())
    office = make_research.office()
    rosa = make.person(office, Role.RESEARCHER, name="Rosa Ruiz")
    make_research.grant(office, rosa, coarse=rules.USUAL)
    status, said = run("make", "NET-ONE", "--as", rosa.email)
    assert (status, "fewer patients than have to share" in said) == (1, True)


def test_a_copy_is_compared_with_its_manifest(run, tmp_path):
    grant = _rosa()[1]
    made = make_research.made(grant)
    archive = tmp_path / "whole.zip"
    archive.write_bytes(b"".join(packing.pieces(made)))
    manifest = sha256(make_research.content(made)["manifest.json"]).hexdigest()
    status, said = run("verify", str(archive))
    assert (status, said.splitlines()[-1]) == (0, "intact")
    assert f"intact\t{manifest}\tmanifest.json" in said
    with zipfile.ZipFile(archive) as whole:
        whole.extractall(tmp_path)
    folder = tmp_path / "NET-ONE-release-1"
    assert run("verify", str(folder))[0] == 0
    (folder / "patients.csv").write_text("patient_id\n")
    (folder / "wide.csv").unlink()
    (folder / "more.csv").write_text("x")
    status, said = run("verify", str(folder))
    assert status == 1
    assert {line[:7] for line in said.splitlines() if line.endswith("\tpatients.csv")} == {
        "altered"
    }
    assert "missing\t-\twide.csv" in said
    assert "not in the manifest\t-\tmore.csv" in said
    (folder / "manifest.json").unlink()
    assert run("verify", str(folder))[0] == 1


def test_a_stored_file_that_was_altered_is_found(run):
    rosa, grant = _rosa()
    made = make_research.made(grant)
    place = storage.place(made.files[0].file_id)
    place.chmod(0o600)
    place.write_bytes(b"other")
    status, said = run("verify", "NET-ONE/1", "--as", rosa.email)
    assert status == 1
    assert "altered" in said
