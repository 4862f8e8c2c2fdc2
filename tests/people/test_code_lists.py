"""Codes that a network adds without a release."""

from __future__ import annotations

import pytest

from registry import codes
from registry.access import Role
from registry.course import actions as course
from registry.dates import PartialDate
from registry.db import db
from registry.errors import Invalid
from registry.people import actions
from registry.people.models import LocalCode
from registry.people.queries import code_lists as queries
from registry.people.rules.lists import OPEN_LISTS
from registry.research.releases import documents
from tests import make, make_course, make_people, test_walk


def boss():
    return make.viewer(make_people.administrator())


def drug(by=None, **facts):
    """A local code that every process can see: it is on disk, and this one looks again."""
    made = make_people.local_code(by or boss(), **facts)
    db.session.commit()
    queries.look_again()
    return made


def test_the_open_lists_exist():
    assert set(OPEN_LISTS) <= set(codes.names())


def test_a_new_drug_is_added_on_the_page_and_marked_wherever_it_is_shown(client):
    make.sign_in(client, make_people.administrator())
    answer = make.post(
        client,
        "/administration/code-lists/add",
        {"list": "therapy", "label": "Examplinib", "code": "TRIAL_X12", "source": "NCT0"},
    )
    assert answer.status_code == 303
    queries.look_again()
    assert codes.known("therapy", "TRIAL_X12")
    assert codes.label("therapy", "TRIAL_X12") == "Examplinib (local)"
    assert list(codes.codes("therapy"))[-1] == "TRIAL_X12"
    assert "Examplinib" in client.get("/administration/code-lists").text


def test_it_can_be_chosen_in_a_form_and_stands_on_the_chart(client):
    drug()
    clara = make.person(make.centre(), Role.CLINICIAN, name="Clara Centre")
    viewer = make.viewer(clara)
    patient = make.patient(viewer)
    make_course.tumour(patient, viewer)
    make.sign_in(client, clara)
    form = client.get(f"/patients/{patient.id}/course/therapy/new").text
    assert "Examplinib (local)" in form
    course.add(
        "therapy",
        patient,
        by=viewer,
        values={
            "therapy_class": "targeted", "agent": "TRIAL_X12", "start": PartialDate("2025-03"),
        },
    )  # fmt: skip
    chart = client.get(f"/patients/{patient.id}/chart")
    assert chart.status_code == 200
    assert "Examplinib (local)" in chart.text


def test_other_processes_see_it_with_their_next_request(app, client):
    """Each request looks once whether anything changed; here another application on the same
    database stands for another process."""
    from registry import create_app

    settings = app.extensions["netreg_settings"]
    other = create_app(settings)
    with other.app_context():
        assert not codes.known("therapy", "TRIAL_X12")
        db.session.rollback()
    one = drug()
    with other.app_context():
        assert codes.known("therapy", "TRIAL_X12")
        db.session.rollback()
    actions.retire_code(one, by=make.viewer(make_people.administrator("B", "b@example.org")))
    db.session.commit()
    with other.app_context():
        assert codes.codes("therapy")["TRIAL_X12"].retired
        db.session.rollback()
        db.engine.dispose()


def test_the_codebook_says_that_it_is_local(app):
    drug()

    class Column:
        codes = "therapy"
        more_codes = {}

    class File:
        columns = (Column,)

    rows = {row[1]: row for row in documents.code_lists([File])}
    assert rows["TRIAL_X12"][2:5] == ("Examplinib (local)", "local", "made up for a test")
    assert rows["SSA_OCT_LAR"][2] == "Octreotide long-acting"


def test_a_retired_one_is_offered_no_more_and_still_read(client):
    by = boss()
    one = drug(by, name="service", code="PROTONS", label="Proton therapy")
    place = make.centre(services=["PROTONS"])
    make.sign_in(client, make_people.administrator("Bert", "bert@example.org"))
    make.post(client, f"/administration/code-lists/{one.id}", {"step": "retire"})
    queries.look_again()
    assert codes.label("service", "PROTONS") == "Proton therapy (local)"
    assert "Proton therapy" not in client.get("/administration/organisations/new").text
    edit = client.get(f"/administration/organisations/{place.id}/edit").text
    assert "Proton therapy (local)" in edit  # who has it keeps it
    make.post(client, f"/administration/code-lists/{one.id}", {"step": "again"})
    assert "Proton therapy" in client.get("/administration/organisations/new").text


def test_a_code_in_use_cannot_be_removed(client):
    """In a column of the record, in a list of an organisation, in what was typed into a draft."""
    by = boss()
    centre = make.centre(services=["PROTONS"])
    clara = make.viewer(make.person(centre, Role.CLINICIAN, name="Clara Centre"))
    alice = make.viewer(make.person(make.hospital(), Role.REFERRER, name="Alice Adler"))
    held = [
        drug(by),
        drug(by, name="service", code="PROTONS", label="Proton therapy"),
        drug(by, code="TRIAL_X14", label="Draftinib"),
    ]
    patient = make.patient(clara)
    course.add("therapy", patient, by=clara, values={"agent": "TRIAL_X12"})
    draft = test_walk._draft(alice, make.queries.organisation("CENTRE-1"), "Zonneveld")
    draft.draft = {"therapy-agent": ["TRIAL_X14"]}
    make.sign_in(client, make_people.administrator("Bert", "bert@example.org"))
    for one in held:
        answer = make.post(
            client,
            f"/administration/code-lists/{one.id}",
            {"step": "remove"},
            follow_redirects=True,
        )
        assert "This code is in use. Retire it instead" in answer.text
    queries.look_again()
    assert codes.known("therapy", "TRIAL_X14")


def test_one_that_nothing_holds_can_be_removed(client):
    one = drug()
    make.sign_in(client, make_people.administrator("Bert", "bert@example.org"))
    make.post(client, f"/administration/code-lists/{one.id}", {"step": "remove"})
    queries.look_again()
    assert not codes.known("therapy", "TRIAL_X12")
    assert "Nothing added yet" in client.get("/administration/code-lists").text


def test_what_cannot_be_added_is_said_at_the_field(app):
    by = boss()
    drug(by)
    for changed, field in (
        ({"name": "stage_group"}, "list"),
        ({"code": "x y"}, "code"),
        ({"code": "ssa_oct_lar"}, "code"),  # shipped, in other letters
        ({"code": "trial_x12"}, "code"),
        ({"code": "TRIAL_X13"}, "label"),  # the same name under another code
    ):
        with pytest.raises(Invalid) as refused:
            drug(by, **changed)
        assert refused.value.field == field


def test_a_code_that_is_shipped_later_is_the_shipped_one(app):
    db.session.add(LocalCode(list="therapy", code="SSA_OCT_LAR", label="Ours", source="x"))
    db.session.commit()
    queries.look_again()
    assert codes.label("therapy", "SSA_OCT_LAR") == "Octreotide long-acting"


def test_without_an_application_there_are_only_the_shipped_ones():
    assert queries.local_codes() == {}
