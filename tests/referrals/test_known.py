"""What a new referral begins with: who is known, what is under way, and one's own last one."""

from __future__ import annotations

import pytest

from registry.db import db
from registry.referrals import queries
from registry.referrals.models import Referral, TextBlock
from tests import make, make_course, make_referrals


@pytest.fixture
def net(client):
    return make_referrals.network()


def newest():
    return db.session.query(Referral).order_by(Referral.id.desc()).first()


def test_a_known_patient_is_not_asked_for_again(client, net):
    sent = make_referrals.referral(net, "accepted")
    make.sign_in(client, net.alice)
    url = f"/referrals/new?patient={sent.patient_id}"
    page = client.get(url).text
    assert "Zonneveld" in page
    assert "There is a referral of this patient already" in page
    assert 'name="family_name"' not in page
    answers = {"patient": str(sent.patient_id), "centre": str(net.other_centre.id),
               "consent_care": "yes", "consent_registry": "yes",
               "consent_research_use": "not_asked", "consent_research_contact": "no"}  # fmt: skip
    made = make.post(client, "/referrals/new", answers, page=page)
    assert made.status_code == 303
    draft = newest()
    assert (draft.patient_id, draft.to_organisation_id) == (sent.patient_id, net.other_centre.id)
    # The record was opened with what was sent, and fills the form in.
    assert draft.draft["tumour__primary_site"] == ["C17.2"]
    assert draft.draft["pathology__ki67_percent"] == ["2"]
    assert draft.draft["therapy__0__agent"] == ["SSA_LAN"]
    assert draft.draft["pathology__necrosis-absent"] == ["not_known"]
    page = client.get(made.location).text
    assert "Filled in from what is known of the patient" in page
    assert "This patient has another referral under way" in page
    assert make.post(client, "/referrals/new", {**answers, "consent_care": ""}).status_code == 422


def test_the_newest_report_and_stage_fill_the_form(client, net):
    alice = net.viewer("alice")
    patient = make.patient(alice, "referring")
    tumour = make_course.tumour(patient, alice)
    for year, ki67 in (("2024", "4"), ("2025", "18")):
        make_course.entry("pathology", patient, alice, tumour=tumour, date=year, ki67_percent=ki67)
    found = queries.facts_of_patient(alice, patient)
    assert [row["ki67_percent"] for row in found["pathology"]] == ["18"]


def test_a_stranger_begins_nothing_for_a_patient(client, net):
    sent = make_referrals.referral(net)
    make.sign_in(client, net.olga)
    assert client.get(f"/referrals/new?patient={sent.patient_id}").status_code == 404


def test_live_referrals_are_shown_before_a_second_one_is_made(client, net):
    sent = make_referrals.referral(net)
    make_referrals.referral(net, "closed", family_name="Bakker")
    make.sign_in(client, net.bob)
    answer = make.post(client, "/referrals/new", make_referrals.first_page(net))
    assert answer.status_code == 422
    assert f"/referrals/{sent.id}" in answer.text
    assert "Submitted" in answer.text
    olga = net.viewer("olga")
    assert queries.live_of_patients(olga, [sent.patient_id]) == {}
    assert queries.live_of_patients(net.viewer("dora"), [sent.patient_id]) == {}
    [seen] = queries.live_of_patients(net.viewer("carla"), [sent.patient_id])[sent.patient_id]
    assert seen.id == sent.id


def test_ones_own_last_referral_says_who_answers_and_which_centre(client, net):
    sent = make_referrals.referral(net, to=net.other_centre)
    sent.contact_telephone = "+31 20 555 7777"
    make.sign_in(client, net.alice)
    page = client.get("/referrals/new").text
    chosen = page.split('type="radio" value="' + str(net.other_centre.id))[1].split(">")[0]
    assert "checked" in chosen
    first = make_referrals.first_page(net, family_name="Bakker", **{"birth_date-day": "3"})
    make.post(client, "/referrals/new", first)
    assert newest().draft["contact_telephone"] == ["+31 20 555 7777"]


def test_texts_are_ones_own(app, client, net):
    make.sign_in(client, net.alice)
    assert make.post(client, "/referrals/texts", {"label": "PRRT", "text": ""}).status_code == 422
    for text in ("Is PRRT suitable?", "Is PRRT possible?"):
        make.post(client, "/referrals/texts", {"label": "PRRT", "text": text})
    [kept] = db.session.query(TextBlock).all()
    assert kept.text == "Is PRRT possible?"
    draft = make_referrals.draft(net)
    assert "Is PRRT possible?" in client.get(f"/referrals/{draft.id}/edit").text
    other = app.test_client()
    make.sign_in(other, net.bob)
    assert "PRRT" not in other.get("/referrals/texts").text
    assert make.post(other, f"/referrals/texts/{kept.id}/remove").status_code == 404
    assert make.post(client, f"/referrals/texts/{kept.id}/remove").status_code == 303
    assert db.session.query(TextBlock).count() == 0
