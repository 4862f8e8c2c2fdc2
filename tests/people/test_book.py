"""The audit as administrators and privacy officers read it."""

from __future__ import annotations

import ast
import csv
import io
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from registry import audit
from registry.access import Role
from registry.audit import AuditEntry
from registry.dates import today
from registry.db import acting_at, db, new_id, now
from registry.patients import actions as patients
from registry.people.queries import book
from registry.people.views.book import cell
from tests import make, make_people

ROOT = Path(__file__).resolve().parents[2]


def officer():
    return make.person(make.office(), Role.PRIVACY_OFFICER, name="Petra Privacy")


def world():
    clara = make.viewer(make.person(make.centre(), Role.CLINICIAN, name="Clara Centre"))
    alice = make.viewer(make.person(make.hospital(), Role.REFERRER, name="Alice Adler"))
    first = make.patient(clara, family_name="Zonneveld")
    second = make.patient(alice, family_name="Maanlicht")
    patients.change(first, by=clara, facts={"country": "BE"})
    return clara, alice, first, second


def rows(page):
    return page.text.count("data-label=") // 6


def test_each_filter_narrows_the_list(client):
    clara, alice, first, second = world()
    with acting_at(now() - timedelta(days=40)):
        audit.record("signed in", by=alice, subject=("person", alice.person_id))
    petra = officer()
    make.sign_in(client, petra)

    def found(**asked):
        entries = book.entries(make.viewer(petra), book.Filters(**asked))
        return {(e.who, e.action) for e in entries}

    assert found(who="clara") == {
        (name, action) for name, action in found() if name == "Clara Centre"
    }
    assert found(action="changed patient") == {("Clara Centre", "changed patient")}
    assert ("Alice Adler", "registered patient") in found(kind="patient")
    assert not {a for _w, a in found(kind="patient")} & {"signed in", "opened account"}
    assert {w for w, _a in found(patient_id=second.id)} == {"Alice Adler"}
    assert {w for w, _a in found(organisation_id=clara.organisation_id)} == {"Clara Centre"}
    old = {"until": today() - timedelta(days=30)}
    assert found(**old) == {("Alice Adler", "signed in")}
    assert ("Alice Adler", "signed in") not in found(since=today() - timedelta(days=1))
    page = client.get(f"/administration/audit?pseudonym={first.pseudonym}").text
    assert first.pseudonym in page
    assert second.pseudonym not in page
    nobody = client.get("/administration/audit?pseudonym=AAAA-2222").text
    assert "There is no patient with this pseudonym." in nobody


def test_it_says_words_and_never_what_stands_in_a_record(client):
    _clara, _alice, first, _second = world()
    make.sign_in(client, officer())
    page = client.get("/administration/audit").text
    download = client.get("/administration/audit.csv").text
    for text in (page, download):
        assert "Changed: Patient" in text
        assert "Registered the patient" in text
        for secret in ("Zonneveld", "Maanlicht", "1961", ">BE<", ": BE", "→ BE", str(first.id)):
            assert secret not in text
    assert "changed patient<" not in page


def test_reading_it_is_kept_in_it(client):
    *_rest, first, _second = world()
    make.sign_in(client, officer())
    client.get(f"/administration/audit?pseudonym={first.pseudonym}")
    client.get("/administration/audit.csv")
    query = sa.select(AuditEntry).where(AuditEntry.subject_kind == "audit").order_by(AuditEntry.id)
    kept = [(e.action, e.person_name, e.patient_id) for e in db.session.scalars(query)]
    assert kept == [
        ("opened audit", "Petra Privacy", first.id),
        ("downloaded audit", "Petra Privacy", None),
    ]


def test_leafing_reads_every_entry_once(client, app):
    petra = officer()
    house = make.HOUSE
    for number in range(230):
        audit.record("signed in", by=house, subject=("person", number))
    viewer = make.viewer(petra)
    seen, before = [], None
    while True:
        found = book.entries(viewer, book.Filters(who="tests"), before=before)
        shown = found[: book.SHOWN]
        seen += [e.number for e in shown]
        if len(found) == len(shown):
            break
        before = shown[-1].number
    everything = [e.number for e in book.all_entries(viewer, book.Filters(who="tests"))]
    assert seen == sorted(set(seen), reverse=True) == everything
    assert len(seen) >= 230
    make.sign_in(client, db.session.merge(petra))
    page = client.get("/administration/audit?who=tests")
    assert "Older" in page.text


def test_a_cell_is_no_formula(client):
    make.person(make.office(), Role.ADMINISTRATOR, name="=HYPERLINK(1)", email="e@example.org")
    evil = make.queries.person_by_email("e@example.org")
    make.sign_in(client, evil)
    text = client.get("/administration/audit.csv").text.lstrip("\ufeff")
    read = list(csv.reader(io.StringIO(text)))
    assert read[0][:3] == ["When (UTC)", "Who", "For"]
    assert {row[1] for row in read[1:]} >= {"'=HYPERLINK(1)"}
    assert not [one for row in read for one in row if one[:1] in ("=", "+", "-", "@")]
    assert cell("plain") == "plain"


def test_a_role_is_said_in_words(client):
    boss = make_people.administrator()
    make.person(make.hospital(), Role.REFERRER)
    make.sign_in(client, boss)
    assert (
        "role: Referring doctor; organisation: HOSP-A" in client.get("/administration/audit").text
    )


def test_what_was_done_with_a_file_is_said_in_words_and_found_by_them(client):
    petra = officer()
    rita = make.viewer(make.person(make.hospital(), Role.RESEARCHER, name="Rita Research"))
    for action in ("downloaded codebook.html", "analysed patients.csv", "made release"):
        audit.record(action, by=rita, subject=("release", new_id()))
    make.sign_in(client, petra)
    page = client.get("/administration/audit", query_string={"action": "downloaded …"})
    assert "Downloaded a file of a release: codebook.html" in page.text
    assert "patients.csv" not in page.text
    assert "selected>Downloaded a file of a release<" in page.text
    every = client.get("/administration/audit").text
    assert "Analysed a file of a release: patients.csv" in every
    assert "analysed patients.csv" not in every


def test_what_has_words_of_its_own_is_no_file_of_a_release(app):
    rita = make.viewer(make.person(make.hospital(), Role.RESEARCHER, name="Rita Research"))
    for action in ("downloaded patients.csv", "downloaded worklist", "downloaded audit"):
        audit.record(action, by=rita, subject=("release", new_id()))
    entries = book.entries(make.viewer(officer()), book.Filters(action="downloaded …"))
    assert [one.action for one in entries] == ["downloaded patients.csv"]


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)  # it reads sources, not rows
def test_every_action_has_words(app):
    """A literal given to a function of audit that no room says in words."""
    silent = set()
    for path in (ROOT / "registry").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in {"record", "record_many", "opened", "listed"}
                and getattr(node.func.value, "id", "") == "audit"
                and node.args
                and isinstance(node.args[0], ast.Constant)
            ):
                silent |= {node.args[0].value} - set(audit.words())
    assert not silent
