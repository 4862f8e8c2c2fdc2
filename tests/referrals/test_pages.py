"""The pages of referrals, as people use them: writing, sending, reading, deciding."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
import sqlalchemy as sa

from registry.access import Role
from registry.audit import AuditEntry
from registry.db import db, new_id, now
from registry.patients.models import Patient
from registry.referrals import actions, queries
from registry.referrals.actions import More
from registry.referrals.models import Referral, Submission
from tests import make, make_referrals

SECRETS = ("Zonneveld", "Anna Maria", "1961-03-27", "S-4711", "900100200")


def referrals():
    return list(db.session.scalars(sa.select(Referral).order_by(Referral.id)))


def begun(client, net, **more):
    """Alice fills in the first page; gives the address of the second."""
    make.sign_in(client, net.alice)
    answer = make.post(client, "/referrals/new", make_referrals.first_page(net, **more))
    assert answer.status_code == 303, answer.text
    return answer.location


def saved(client, url, **more):
    """What was typed on the second page, saved as its script does."""
    version = more.pop("version", None) or referrals()[-1].version
    headers = {"X-Requested-With": "fetch"}
    data = make_referrals.typed(**more) | {"version": version}
    return make.post(client, url.replace("/edit", "/draft"), data, headers=headers)


# -- the first page ----------------------------------------------------------------------------


def test_the_first_page_makes_a_draft_and_a_provisional_patient(client):
    net = make_referrals.network()
    url = begun(client, net, hospital_number="S-4711")
    [made] = referrals()
    assert url == f"/referrals/{made.id}/edit"
    assert (made.state, made.to_organisation_id) == ("draft", net.centre.id)
    assert made.patient.provisional
    assert made.patient.full_name == "Zonneveld, Anna Maria"


def test_the_first_page_sent_twice_makes_one_referral(client):
    net = make_referrals.network()
    key = str(new_id())
    first = begun(client, net, form_key=key, hospital_number="S-4711")
    again = make.post(
        client,
        "/referrals/new",
        make_referrals.first_page(net, form_key=key, hospital_number="S-4711"),
    )
    assert again.status_code == 303
    assert again.location == first
    assert len(referrals()) == db.session.scalar(sa.select(sa.func.count(Patient.id))) == 1


def test_a_first_page_that_is_not_complete_shows_every_value_again(client):
    net = make_referrals.network()
    make.sign_in(client, net.alice)
    typed = make_referrals.first_page(net, family_name="", national_number="900100200")
    answer = make.post(client, "/referrals/new", typed)
    assert answer.status_code == 422
    assert "There is a problem" in answer.text
    assert 'href="#family_name"' in answer.text
    for text in ("Anna Maria", "900100200", 'value="1961"'):
        assert text in answer.text


def test_the_same_person_is_shown_before_a_second_patient_is_made(client):
    net = make_referrals.network()
    known = make_referrals.referral(net).patient_id
    make.sign_in(client, net.bob)
    typed = make_referrals.first_page(net)
    asked = make.post(client, "/referrals/new", typed)
    assert asked.status_code == 422
    assert "same name and date of birth" in asked.text
    same = make.post(client, "/referrals/new", typed | {"same": str(known)})
    assert same.status_code == 303
    assert [one.patient_id for one in referrals()] == [known, known]
    another = make.post(client, "/referrals/new", typed | {"another": "yes"})
    assert another.status_code == 303
    assert referrals()[-1].patient_id != known


def test_a_patient_of_another_hospital_is_not_shown(client):
    net = make_referrals.network()
    make_referrals.referral(net)
    make.sign_in(client, net.olga)
    answer = make.post(client, "/referrals/new", make_referrals.first_page(net))
    assert answer.status_code == 303


def test_a_patient_one_may_not_know_of_cannot_be_chosen(client):
    net = make_referrals.network()
    known = make_referrals.referral(net).patient_id
    make.sign_in(client, net.olga)
    typed = make_referrals.first_page(net, same=str(known))
    assert make.post(client, "/referrals/new", typed).status_code == 404


def test_the_centre_of_ones_own_country_is_suggested(client):
    net = make_referrals.network()
    make.sign_in(client, net.olga)  # in Germany, as is centre 2
    page = client.get("/referrals/new").text
    assert f'value="{net.other_centre.id}" checked' in page


def test_a_coordinator_names_the_hospital_and_the_doctor(client):
    net = make_referrals.network()
    make.sign_in(client, net.carla)
    typed = make_referrals.first_page(
        net, hospital=str(net.hospital.id), on_behalf_of="Dr Adler", hospital_number="S-4711"
    )
    answer = make.post(client, "/referrals/new", typed)
    assert answer.status_code == 303, answer.text
    [made] = referrals()
    assert made.from_organisation_id == net.hospital.id
    assert made.to_organisation_id == net.centre.id
    assert client.get(answer.location).status_code == 200
    assert "Zonneveld" in client.get("/referrals/drafts").text
    make.sign_in(client, net.dora)
    assert "Zonneveld" not in client.get("/referrals/drafts").text


# -- drafts ------------------------------------------------------------------------------------


def test_a_draft_saves_itself_and_comes_back_as_typed(client):
    net = make_referrals.network()
    url = begun(client, net)
    answer = saved(client, url, pathology__ki67_percent="about twelve", therapy__2__agent="lanr")
    assert answer.status_code == 200
    assert set(answer.json) == {"version", "saved_at"}
    page = client.get(url).text
    assert 'value="about twelve"' in page
    assert 'id="therapy-3"' in page
    assert "Progression under lanreotide" in page


def test_a_colleague_goes_on_with_the_draft(client):
    net = make_referrals.network()
    url = begun(client, net)
    saved(client, url)
    make.sign_in(client, net.bob)
    assert "Saved" in client.get(url).text
    assert saved(client, url, question_text="Bob asks.").status_code == 200


def test_an_old_copy_is_refused_and_names_who_saved(client):
    net = make_referrals.network()
    url = begun(client, net)
    old = referrals()[-1].version
    bob = client.application.test_client()
    make.sign_in(bob, net.bob)
    saved(bob, url, question_text="Bob asks.")
    make.sign_in(client, net.alice)
    answer = saved(client, url, version=old, question_text="Alice asks.")
    assert answer.status_code == 409
    assert answer.json["saved_by"] == "Bob Bakker"
    page = make.post(
        client, url, make_referrals.typed(question_text="Alice asks.") | {"version": old}
    )
    assert page.status_code == 409
    assert "Alice asks." in page.text  # in the form, and beside
    assert "Bob asks." in page.text
    assert referrals()[-1].draft["question_text"] == ["Bob asks."]


def test_the_same_save_sent_twice_is_no_conflict(client):
    net = make_referrals.network()
    url = begun(client, net)
    version = referrals()[-1].version
    assert saved(client, url, version=version).status_code == 200
    assert saved(client, url, version=version).status_code == 200


def test_one_more_row_keeps_everything(client):
    net = make_referrals.network()
    url = begun(client, net)
    typed = make_referrals.typed(add="therapy", therapy__rows="1", therapy__0__agent="SSA_LAN")
    answer = make.post(client, url, typed | {"version": referrals()[-1].version})
    assert answer.status_code == 303
    assert answer.location.endswith("#therapy-2")
    page = client.get(url).text
    assert 'id="therapy-2"' in page
    assert 'value="Lanreotide autogel"' in page


def test_a_draft_can_be_thrown_away(client):
    net = make_referrals.network()
    url = begun(client, net)
    answer = make.post(
        client,
        url.replace("/edit", "/step"),
        {"step": "withdraw", "version": referrals()[-1].version},
    )
    assert answer.location == "/referrals"
    assert client.get(url).status_code == 404
    assert "Zonneveld" not in client.get("/referrals").text


def test_the_grade_follows_as_it_is_typed(client):
    net = make_referrals.network()
    url = begun(client, net)
    typed = make_referrals.typed(pathology__ki67_percent="25", tumour__primary_site="C25.0 Head")
    panel = make.post(client, url.replace("/edit", "/derive"), typed).text
    assert "NET, grade 3" in panel
    assert "Missing for advice" in panel
    assert "<html" not in panel


def test_a_red_flag_shows_the_emergency_telephone_of_the_chosen_centre(client):
    net = make_referrals.network()
    url = begun(client, net)
    assert net.centre.emergency_telephone in client.get(url).text
    typed = make_referrals.typed(red_flags="obstruction", centre=str(net.centre.id))
    panel = make.post(client, url.replace("/edit", "/derive"), typed).text
    assert "Red flag: ring the centre now" in panel
    assert "tel:+31205550100" in panel


# -- sending -----------------------------------------------------------------------------------


def send(client, net, **more):
    url = begun(client, net)
    saved(client, url, **more)
    checked = make.post(
        client, url, make_referrals.typed(do="check", **more) | {"version": referrals()[-1].version}
    )
    assert checked.status_code == 303, checked.text
    return url, checked.location


def test_from_the_form_to_the_centre(client):
    net = make_referrals.network()
    url, check = send(client, net, therapy__0__therapy_class="SSA", treated="yes")
    page = client.get(check).text
    assert "Missing for advice" in page
    assert "Send to Centre 1" in page
    sent = make.post(client, check.replace("/check", "/send"), {"version": referrals()[-1].version})
    assert sent.location == url.removesuffix("/edit")
    [made] = referrals()
    assert (made.state, made.urgency, made.grade_group) == ("submitted", "soon", "2")
    assert made.contact_email == "alice.adler@example.org"
    [frozen] = queries.submissions(made)
    assert frozen.facts["therapy"] == [{"therapy_class": "SSA"}]
    reason = frozen.facts["pathology"][0]["absent"]["mitoses_per_2mm2"]
    assert reason == {"why": "not_done"}


def test_sending_twice_sends_once(client):
    net = make_referrals.network()
    _url, check = send(client, net)
    version = referrals()[-1].version
    for _ in range(2):
        answer = make.post(client, check.replace("/check", "/send"), {"version": version})
        assert answer.status_code == 303
    assert len(queries.submissions(referrals()[-1])) == 1


def test_a_draft_that_cannot_be_sent_is_shown_again_and_who_read_it_is_kept(client):
    net = make_referrals.network()
    url = begun(client, net)
    version = referrals()[-1].version
    answer = make.post(client, url.replace("/edit", "/send"), {"version": version})
    assert answer.status_code == 422
    assert "Write the question in your words." in answer.text
    said = sa.select(AuditEntry.action).order_by(AuditEntry.id.desc()).limit(1)
    assert db.session.scalar(said) == "opened referral form"
    assert referrals()[-1].state == "draft"


@pytest.mark.parametrize(
    ("change", "target"),
    [
        ({"consent_care": "no"}, "consent_care"),
        ({"consent_care": "not_asked"}, "consent_care"),
        ({"question": ""}, "question"),
        ({"question_text": " "}, "question_text"),
        ({"contact_name": ""}, "contact_name"),
        ({"contact_email": ""}, "contact_telephone"),
        ({"pathology__ki67_percent": "lots"}, "pathology__ki67_percent"),
        ({"tumour__diagnosis_date-year": "26"}, "tumour__diagnosis_date-year"),
    ],
)
def test_a_check_that_fails_shows_every_value_and_leads_to_the_field(client, change, target):
    net = make_referrals.network()
    url = begun(client, net)
    typed = make_referrals.typed(do="check", biomarker__0__value="88", **change)
    answer = make.post(client, url, typed | {"version": referrals()[-1].version})
    assert answer.status_code == 422
    assert f'href="#{target}"' in answer.text
    assert f'id="{target}"' in answer.text
    assert 'value="88"' in answer.text
    assert referrals()[-1].state == "draft"


def test_answers_to_questions_that_do_not_arise_are_not_sent(client):
    net = make_referrals.network()
    more = {
        "tumour__functioning": "no",
        "tumour__syndrome": "carcinoid",
        "treated": "no",
        "therapy__0__therapy_class": "SSA",
    }
    _url, check = send(client, net, **more)
    make.post(client, check.replace("/check", "/send"), {"version": referrals()[-1].version})
    [frozen] = queries.submissions(referrals()[-1])
    assert "syndrome" not in frozen.facts["tumour"][0]
    assert "therapy" not in frozen.facts


def test_identity_stands_nowhere_but_in_the_patients_room(client):
    net = make_referrals.network()
    make.sign_in(client, net.alice)
    first = make_referrals.first_page(
        net, hospital_number="S-4711", national_number="900100200", telephone="+31 6 12345678"
    )
    url = make.post(client, "/referrals/new", first).location
    # A form that was tampered with cannot put a name into the draft either.
    saved(client, url, family_name="Zonneveld", given_names="Anna Maria")
    check = url.replace("/edit", "/send")
    make.post(client, check, {"version": referrals()[-1].version})
    [made] = referrals()
    assert made.state == "submitted"
    kept = json.dumps(
        [made.draft, *([s.asked, s.facts, s.derived] for s in queries.submissions(made))]
    )
    audited = json.dumps([row.changes for row in db.session.scalars(sa.select(AuditEntry))])
    for secret in (*SECRETS, "12345678"):
        assert secret not in kept
        assert secret not in audited
        assert secret not in url


# -- the case ----------------------------------------------------------------------------------


def test_the_case_tells_what_was_sent_and_what_follows(client):
    net = make_referrals.network()
    referral = make_referrals.referral(net)
    make.sign_in(client, net.carla)
    page = client.get(f"/referrals/{referral.id}").text
    for text in ("Zonneveld, Anna Maria", "Ileum", "NET, grade 1", "Progression under lanreotide"):
        assert text in page
    opened = db.session.scalars(
        sa.select(AuditEntry).where(AuditEntry.action == "opened referral")
    ).all()
    assert [row.patient_id for row in opened] == [referral.patient_id]


def test_why_nothing_was_stated_is_said_in_words(client):
    net = make_referrals.network()
    sent = make_referrals.case()
    sent.facts["staging"][0]["absent"] = {"stage_stated": {"why": "not_known"}}
    referral = make_referrals.referral(net, case_=sent)
    make.sign_in(client, net.carla)
    page = client.get(f"/referrals/{referral.id}").text
    assert "Not known" in page
    assert "not_known" not in page


def test_a_step_is_taken_from_the_case(client):
    net = make_referrals.network()
    referral = make_referrals.referral(net, "accepted")
    make.sign_in(client, net.chris)
    answer = make.post(
        client,
        f"/referrals/{referral.id}/step",
        {
            "step": "advise",
            "version": referral.version,
            "advise_kinds": ["sstr_pet", "echocardiogram"],
            "advise_text": "First an SSTR PET.",
        },
    )
    assert answer.status_code == 303
    make.sign_in(client, net.alice)
    page = client.get(answer.location).text
    assert "First an SSTR PET." in page
    assert "Echocardiogram" in page


def test_a_step_that_lacks_something_keeps_what_was_typed(client):
    net = make_referrals.network()
    referral = make_referrals.referral(net, "accepted")
    make.sign_in(client, net.chris)
    data = {"step": "advise", "version": referral.version, "advise_text": "First an SSTR PET."}
    answer = make.post(client, f"/referrals/{referral.id}/step", data)
    assert answer.status_code == 422
    assert "First an SSTR PET." in answer.text
    assert 'href="#advise_kinds"' in answer.text


def test_who_comes_second_is_told_who_was_first_and_loses_no_text(client):
    net = make_referrals.network()
    referral = make_referrals.referral(net)
    old = referral.version
    actions.take(referral, "accept", by=net.viewer("chris"), version=old)
    make.sign_in(client, net.carla)
    data = {"step": "decline", "version": old, "decline_reason": "No capacity this month."}
    answer = make.post(client, f"/referrals/{referral.id}/step", data)
    assert answer.status_code == 409
    assert "Chris Chen was first: Accepted." in answer.text
    assert "No capacity this month." in answer.text
    assert referrals()[-1].state == "accepted"


def test_the_advice_that_came_second_is_kept_on_the_page(client):
    net = make_referrals.network()
    referral = make_referrals.referral(net, "accepted")
    old = referral.version
    chris = net.viewer("chris")
    actions.take(referral, "advise", by=chris, version=old, kinds=["sstr_pet"], text="First.")
    make.sign_in(client, net.chris)
    data = {
        "step": "advise",
        "version": old,
        "advise_text": "A long second advice.",
        "advise_kinds": "echocardiogram",
    }
    answer = make.post(client, f"/referrals/{referral.id}/step", data)
    assert answer.status_code == 409
    assert "A long second advice." in answer.text
    assert len(queries.advice(referrals()[-1])) == 1


def test_who_answers_sees_what_was_ticked_by_when_and_where_it_is_asked(client):
    net = make_referrals.network()
    referral = make_referrals.referral(net)
    by_date = now().date() + timedelta(days=9)
    wanted = More(items=("state.ecog", "staging.n"), asked_of="Dr Öz", by_date=by_date)
    by = net.viewer("carla")
    actions.take(referral, "request_information", by=by, version=referral.version, more=wanted)
    db.session.commit()
    make.sign_in(client, net.alice)
    page = client.get(f"/referrals/{referral.id}/edit").text
    asks = page[page.index("Centre 1 asks") : page.index('id="referral"')]
    for place, label in (("follow_up__ecog", "ECOG"), ("staging__n", "N")):
        assert f'<a href="#{place}">{label}' in asks
        assert f'id="{place}"' in page  # the link leads to the question
    assert "Asked of: Dr Öz." in asks
    assert f"Asked for by {by_date.day} {by_date:%b %Y}." in asks


def test_information_is_given_with_changed_facts_and_the_change_is_shown(client):
    net = make_referrals.network()
    referral = make_referrals.referral(net, "information_requested")
    make.sign_in(client, net.alice)
    url = f"/referrals/{referral.id}/edit"
    page = client.get(url).text
    assert "Which Ki-67?" in page  # what the centre asks
    assert 'value="2"' in page  # what was sent
    more = {"pathology__ki67_percent": "25", "do": "check"}
    typed = make_referrals.typed(**more) | {"version": referrals()[-1].version}
    check = make.post(client, url, typed).location
    make.post(client, check.replace("/check", "/send"), {"version": referrals()[-1].version})
    make.sign_in(client, net.carla)
    case = client.get(f"/referrals/{referral.id}").text
    assert "version 2" in case
    assert '<mark class="app-differs">25 %</mark>' in case
    assert "before: 2 %" in case


def test_without_consent_to_the_registry_the_centre_is_told(client):
    net = make_referrals.network()
    sent = make_referrals.case(consents={"care": "yes", "registry": "no"})
    referral = make_referrals.referral(net, "accepted", case_=sent)
    make.sign_in(client, net.chris)
    page = client.get(f"/referrals/{referral.id}").text
    assert "No consent to the registry" in page
    assert "kept for care alone" in page


# -- the hospital's list -----------------------------------------------------------------------


def test_the_hospital_sees_its_referrals_and_what_to_do(client):
    net = make_referrals.network()
    for number, state in enumerate(("draft", "advised", "information_requested", "closed")):
        make_referrals.referral(net, state, family_name=f"Patient{number}")
    make.sign_in(client, net.bob)
    page = client.get("/referrals").text
    for text in ("Patient0", "Patient1", "Patient2", "Read and acknowledge the advice"):
        assert text in page
    assert "Answer the centre" in page
    assert "Patient3" not in page
    assert "Patient3" in client.get("/referrals?show=ended").text
    assert "Patient1" not in client.get("/referrals?own=1").text  # Bob sent none himself
    make.sign_in(client, net.olga)
    assert "Patient" not in client.get("/referrals").text.split("<main")[1].split("</main")[0]


# -- named people, and the fixed list ----------------------------------------------------------

READ = "/referrals/{}"
CASES = [
    ("alice", "submitted", READ, 200),
    ("bob", "submitted", READ, 200),
    ("carla", "submitted", READ, 200),
    ("olga", "submitted", READ, 404),
    ("dora", "submitted", READ, 404),
    ("alice", "draft", READ + "/edit", 200),
    ("bob", "draft", READ + "/edit", 200),
    ("carla", "draft", READ + "/edit", 404),
    ("olga", "draft", READ + "/edit", 404),
    ("carla", "submitted", READ + "/edit", 403),
    ("bob", "submitted", READ + "/edit", 303),
    ("alice", "draft", READ + "/check", 303),
    ("olga", "draft", READ + "/check", 404),
    ("carla", "submitted", "/worklist", 200),
    ("alice", "submitted", "/worklist", 403),
    ("carla", "submitted", "/referrals", 403),
    ("chris", "submitted", "/referrals/new", 403),
]


@pytest.mark.parametrize(("who", "state", "address", "status"), CASES)
def test_who_may_open_what(client, who, state, address, status):
    net = make_referrals.network()
    referral = make_referrals.referral(net, state)
    make.sign_in(client, getattr(net, who))
    assert client.get(address.format(referral.id)).status_code == status


@pytest.mark.parametrize("page", ["", "/edit", "/check"])
def test_an_id_that_is_none_is_not_found(client, page):
    net = make_referrals.network()
    make.sign_in(client, net.alice)
    assert client.get(f"/referrals/{new_id()}{page}").status_code == 404
    assert client.get(f"/referrals/nonsense{page}").status_code == 404


def test_a_reader_may_not_take_a_step(client):
    net = make_referrals.network()
    referral = make_referrals.referral(net)
    make.sign_in(client, net.alice)
    data = {"step": "accept", "version": referral.version}
    assert make.post(client, f"/referrals/{referral.id}/step", data).status_code == 403


def test_what_is_late_stands_in_the_menu_of_a_centre_and_of_no_hospital(client):
    net = make_referrals.network()
    lead = make.person(net.centre, Role.LEAD, name="Lena Lead")
    theirs = make.person(net.hospital, Role.LEAD, name="Lars Leader")
    for who, place in ((net.carla, True), (net.chris, True), (lead, True), (theirs, False)):
        make.sign_in(client, who)
        assert ('href="/late"' in client.get("/account").text) is place
        client.get("/sign-out")
    make.sign_in(client, lead)
    assert client.get("/").headers["Location"] == "/late"


def test_who_is_not_signed_in_is_asked_to(client):
    net = make_referrals.network()
    referral = make_referrals.referral(net)
    for address in ("/referrals", "/referrals/new", f"/referrals/{referral.id}", "/worklist"):
        answer = client.get(address)
        assert answer.status_code == 303
        assert answer.location.startswith("/sign-in")


def test_a_clinician_who_also_refers_does_both(client):
    net = make_referrals.network()
    made = make.person(net.centre, Role.REFERRER, Role.CLINICIAN, name="Eva Ek")
    make.sign_in(client, made)
    page = client.get("/referrals/new").text
    assert str(net.other_centre.id) in page
    assert str(net.centre.id) not in page  # a centre does not ask itself
    assert db.session.scalar(sa.select(sa.func.count(Submission.id))) == 0
