"""Identity apart and sealed, consents, care relations, and who may be the same person."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from registry.access import Role
from registry.dates import PartialDate
from registry.db import db
from registry.errors import Forbidden, Invalid, NotFound, Unreadable
from registry.patients import actions, queries, rules
from registry.patients.matching import finding
from registry.patients.models import CareRelation, Consent, LocalIdentifier, NameIndex, Patient
from tests import make

SECRETS = ("Zonneveld", "Anna Maria", "123456782", "0612345678", "Dorpsstraat")


def clinician(code="CENTRE-1", name="Alice Adler"):
    return make.viewer(make.person(make.centre(code), Role.CLINICIAN, name=name))


def everything_in(*models):
    return " ".join(
        str(value)
        for model in models
        for row in db.session.execute(sa.select(model.__table__))
        for value in row
    )


def test_names_and_numbers_are_sealed_at_rest(app):
    alice = clinician()
    made = make.patient(
        alice, national_number="123456782", telephone="0612345678", address="Dorpsstraat 1"
    )
    actions.set_hospital_number(made, "H-778899", by=alice)
    stored = everything_in(Patient, LocalIdentifier, NameIndex)
    for secret in (*SECRETS, "H-778899", "H778899"):
        assert secret not in stored
    assert made.full_name == "Zonneveld, Anna Maria"
    assert made.reveal("address") == "Dorpsstraat 1"
    assert queries.hospital_number(alice, made.id) == "H-778899"


def test_a_sealed_name_cannot_be_moved_to_another_row(app):
    alice = clinician()
    one, other = make.patient(alice), make.patient(alice, family_name="Maanlicht")
    other.family_name = one.family_name
    with pytest.raises(Unreadable):
        other.reveal("family_name")


def test_a_stranger_finds_nobody(app):
    alice, mallory = clinician(), clinician("CENTRE-2", "Mallory Moor")
    made = make.patient(alice)
    for question in (
        lambda: queries.patient(mallory, made.id),
        lambda: queries.patient_to_write(mallory, made.id),
        lambda: queries.treated_here(mallory, made.id),
    ):
        with pytest.raises(NotFound):
            question()
    assert queries.identities(mallory, [made.id]) == {}
    assert finding.search(mallory, "Zonneveld") == []
    assert queries.patients(mallory) == []


def test_a_relation_that_ended_shows_nothing(app):
    alice = clinician()
    made = make.patient(alice)
    actions.end_relation(made.id, alice.organisation_id, rules.TREATING, by=alice)
    with pytest.raises(NotFound):
        queries.patient(alice, made.id)


def test_a_centre_that_declined_reads_for_thirty_days(app):
    alice = clinician()
    made = make.patient(alice, relation=rules.ADDRESSED)
    actions.end_relation(
        made.id, alice.organisation_id, rules.ADDRESSED, by=alice, after=rules.AFTER_DECLINING
    )
    assert queries.patient(alice, made.id).id == made.id
    until = db.session.scalar(sa.select(CareRelation.until_at))
    db.session.execute(sa.update(CareRelation).values(until_at=until - timedelta(days=30)))
    with pytest.raises(NotFound):
        queries.patient(alice, made.id)


def test_a_coordinator_reads_and_does_not_write(app):
    centre = make.centre()
    alice = make.viewer(make.person(centre, Role.CLINICIAN))
    carol = make.viewer(make.person(centre, Role.TRIAGE_COORDINATOR, name="Carol Cobb"))
    made = make.patient(alice)
    assert queries.patient(carol, made.id)
    with pytest.raises(Forbidden):
        queries.patient_to_write(carol, made.id)


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ({}, "person"),
        ({"family_name": "ZONNEVELD "}, "person"),
        ({"family_name": "Zónneveld"}, "person"),
        ({"given_names": "Anna"}, "family_name:same"),
        ({"family_name": "Sonnefeld", "given_names": "A."}, "family_name:near"),
        ({"family_name": "Jansen"}, "given_names:same"),
        ({"birth_date": "1961-07-03"}, "birth_date:swapped"),
        ({"birth_date": "1950-01-01", "national_number": "1234 56782"}, "national"),
    ],
)
def test_who_may_be_the_same_person(app, typed, why):
    alice = clinician()
    make.patient(
        alice,
        birth_date="1961-03-07" if why == "birth_date:swapped" else "1961-03-27",
        national_number="123456782",
    )
    asked = {
        "family_name": "Zonneveld",
        "given_names": "Anna Maria",
        "birth_date": "1961-03-27",
        "national_number": "",
        **typed,
    }
    asked["birth_date"] = PartialDate(asked["birth_date"])
    (found,) = finding.same_person(alice, hospital_number="", **asked)
    assert why in found.because
    assert found.exact == (why in {"person", "national"})


def test_another_person_is_not_suggested(app):
    alice = clinician()
    make.patient(alice)
    assert not finding.same_person(
        alice,
        family_name="Bakker",
        given_names="Piet",
        birth_date=PartialDate("1961-03-27"),
        national_number="",
        hospital_number="",
    )


@pytest.mark.parametrize(
    "name", ["O'Brien", "محمد عبد الله", "王小明", "Žižek-Łukaszewska", "=cmd()|' /C calc'!A0"]
)
def test_names_of_any_script_are_found_and_shown_as_typed(app, name):
    alice = clinician()
    made = make.patient(alice, family_name=name)
    assert made.reveal("family_name") == name
    assert finding.search(alice, name) == [made.id]


def test_found_by_number_and_pseudonym(app):
    alice = clinician()
    made = make.patient(alice, national_number="123456782")
    actions.set_hospital_number(made, "H-77 88", by=alice)
    for text in ("h7788", "123456782", made.pseudonym, made.pseudonym.lower().replace("-", "")):
        assert finding.search(alice, text) == [made.id]


def test_a_hospital_number_belongs_to_one_patient(app):
    alice = clinician()
    one, other = make.patient(alice), make.patient(alice, family_name="Maanlicht")
    actions.set_hospital_number(one, "77", by=alice)
    with pytest.raises(Invalid):
        actions.set_hospital_number(other, " 7-7 ", by=alice)


def test_a_new_answer_ends_the_one_before_and_both_stay(app):
    alice = clinician()
    made = make.patient(alice)
    actions.answer_consent(made.id, "research_use", "no", by=alice)
    rows = db.session.scalars(
        sa.select(Consent).where(Consent.purpose == "research_use").order_by(Consent.recorded_at)
    ).all()
    assert [(row.answer, row.ended_at is None) for row in rows] == [("yes", False), ("no", True)]


@pytest.mark.parametrize(
    ("registry", "research_use", "counts"),
    [
        ("yes", "yes", True),
        ("yes", "no", False),
        ("no", "yes", False),
        ("yes", "not_asked", False),
        ("not_asked", "yes", False),
    ],
)
def test_research_needs_both_consents(app, registry, research_use, counts):
    alice = clinician()
    made = make.patient(alice, consents={"registry": registry, "research_use": research_use})
    ids = set(db.session.scalars(queries.consenting("registry", "research_use")))
    assert ids == ({made.id} if counts else set())


def _in_research():
    return set(db.session.scalars(queries.consenting("registry", "research_use")))


def test_who_restricts_the_use_leaves_research_until_it_ends(client):
    alice = make.person(make.centre(), Role.CLINICIAN)
    made, other = make.patient(make.viewer(alice)), make.patient(make.viewer(alice))
    make.sign_in(client, alice)
    url = f"/patients/{made.id}/restriction"
    refused = make.post(client, url, {"note": "=cmd()"})
    assert refused.status_code == 422
    assert "Choose why." in refused.text
    assert "=cmd()" in refused.text
    assert _in_research() == {made.id, other.id}
    done = make.post(client, url, {"ground": "objection", "note": "By letter, O'Brien"})
    assert done.status_code == 303
    assert _in_research() == {other.id}
    assert "For care alone" in client.get(f"/patients/{made.id}/chart").text
    assert "For care alone" not in client.get(f"/patients/{other.id}/chart").text
    shown = client.get(url).text
    assert "The data are used for care alone" in shown
    assert "By letter, O&#39;Brien" in shown
    again = make.post(client, url, {"ground": "accuracy"})  # from a second window
    assert again.status_code == 409
    assert make.post(client, url, {"step": "lift"}).status_code == 422
    assert _in_research() == {other.id}
    lifted = make.post(client, url, {"step": "lift", "because": "The objection was taken back"})
    assert lifted.status_code == 303
    assert _in_research() == {made.id, other.id}
    assert make.post(client, url, {"step": "lift", "because": "Twice"}).status_code == 409
    assert "The objection was taken back" in client.get(url).text


def test_the_page_warns_of_the_same_person_and_registers_another_when_told(client):
    alice = make.person(make.centre(), Role.CLINICIAN)
    make.patient(make.viewer(alice))
    make.sign_in(client, alice)
    typed = {
        "family_name": "Zonneveld",
        "given_names": "Anna Maria",
        "birth_date-day": "27",
        "birth_date-month": "3",
        "birth_date-year": "1961",
        "sex_at_birth": "female",
        **{f"consent_{purpose}": "yes" for purpose in rules.PURPOSES},
    }
    warned = make.post(client, "/patients/new", typed)
    assert warned.status_code == 422
    assert "same name and date of birth" in warned.text
    done = make.post(client, "/patients/new", {**typed, "another": "yes"})
    assert done.status_code == 303
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Patient)) == 2


def test_a_refused_form_keeps_what_was_typed(client):
    alice = make.person(make.centre(), Role.CLINICIAN)
    make.sign_in(client, alice)
    answer = make.post(
        client,
        "/patients/new",
        {"family_name": "O'Brien", "birth_date-day": "31", "birth_date-month": "2",
         "birth_date-year": "1961"},
    )  # fmt: skip
    assert answer.status_code == 422
    assert 'value="O&#39;Brien"' in answer.text
    assert "Enter a real date" in answer.text
    assert "Enter the given names." in answer.text


def test_an_edit_on_an_old_copy_is_refused_and_keeps_what_was_typed(client):
    alice = make.person(make.centre(), Role.CLINICIAN)
    made = make.patient(make.viewer(alice))
    make.sign_in(client, alice)
    url = f"/patients/{made.id}/identity"
    typed = {
        "version": str(made.version),
        "family_name": "Maanlicht",
        "given_names": "Anna",
        "birth_date-year": "1961",
        "sex_at_birth": "female",
    }
    actions.change(made, by=make.viewer(alice), facts={"region": "Utrecht"})
    answer = make.post(client, url, typed)
    assert answer.status_code == 409
    assert "Maanlicht" in answer.text
    assert db.session.get(Patient, made.id).reveal("family_name") == "Zonneveld"


def test_the_same_page_sent_twice_registers_one_patient(client):
    alice = make.person(make.centre(), Role.CLINICIAN)
    make.sign_in(client, alice)
    typed = {
        "form_key": "01a20000-0000-7000-8000-000000000001",
        "family_name": "Zonneveld",
        "given_names": "Anna",
        "birth_date-year": "1961",
        "sex_at_birth": "female",
        "another": "yes",
        **{f"consent_{purpose}": "yes" for purpose in rules.PURPOSES},
    }
    first = make.post(client, "/patients/new", typed)
    second = make.post(client, "/patients/new", typed)
    assert (first.status_code, second.status_code) == (303, 303)
    assert first.headers["Location"] == second.headers["Location"]
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Patient)) == 1
