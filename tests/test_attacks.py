"""What somebody who means harm, or a slip of the hand, would try: each was possible once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import request
from sqlalchemy.exc import IntegrityError

from config import Settings
from registry import audit, create_app, demo, refused_passwords
from registry.access import Role
from registry.audit import AuditEntry, AuditSeal
from registry.audit_jobs import seal
from registry.course import queries as course
from registry.db import acting_at, db, new_id, now
from registry.errors import NotFound
from registry.patients import actions as patients
from registry.patients import queries as patient_queries
from registry.patients import rules
from registry.patients.models import NameIndex
from registry.people import actions as people
from registry.people import rules as password_rules
from registry.people.models import Organisation, SignIn
from registry.referrals import actions as referrals
from registry.referrals import queries
from tests import make, make_course, make_referrals


def read_rows(action: str, patient_id: UUID) -> int:
    """How often the audit says this of a patient."""
    query = sa.select(sa.func.count()).select_from(AuditEntry)
    return db.session.scalar(
        query.where(AuditEntry.action == action, AuditEntry.patient_id == patient_id)
    )


# -- addresses and digits that mean nothing ----------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        "/patients?at=2026-01-01&after={id}",
        "/patients?at=0001-01-01T00:00:00%2B23:00&after={id}",
        "/patients?at=9999-12-31T23:59:59-23:00&after={id}",
        "/patients?at=x&after=x",
        "/patients/{patient}/opened?before=%C2%B2",
        "/patients/{patient}/opened?before=99999999999999999999",
        "/worklist?after=99999999999999999999_2026-01-01_{id}",
        "/worklist?after=%C2%B2_2026-01-01_{id}",
        "/worklist?endpoint=x&_method=POST&_scheme=javascript&_external=1",
        "/worklist?site=%00&grade=%00&state=%00&assignee=%00",
    ],
)
def test_an_address_that_means_nothing_shows_the_list(client, address):
    net = make_referrals.network()
    patient_id = make_referrals.referral(net, "accepted").patient_id
    make.sign_in(client, net.chris)
    assert client.get(address.format(id=new_id(), patient=patient_id)).status_code == 200


@pytest.mark.parametrize("digits", ["²", "٣", "1\x00", "1e3"])
def test_digits_of_other_scripts_are_no_date_and_nothing_is_lost(client, digits):
    net = make_referrals.network()
    patient = make.patient(net.viewer("chris"))
    make.sign_in(client, net.chris)
    answer = make.post(
        client,
        f"/patients/{patient.id}/course/pathology/new",
        {"date-day": digits, "date-month": digits, "date-year": "٢٠٢٦", "laboratory": "Kept"},
    )
    assert answer.status_code == 422
    assert "Enter a real date" in answer.text
    assert "٢٠٢٦" in answer.text
    assert "Kept" in answer.text


def test_a_reason_with_a_nul_byte_is_kept_without_it(client):
    net = make_referrals.network()
    patient = make.patient(net.viewer("chris"))
    make.sign_in(client, net.chris)
    answer = make.post(
        client,
        f"/patients/{patient.id}/course/pathology/new",
        {
            "laboratory": "L",
            "ki67_percent-absent": "not_available",
            "ki67_percent-because": "lo\x00st",
        },
    )
    assert answer.status_code == 303
    [entry] = course.record(net.viewer("chris"), patient.id).of("pathology")
    assert entry.absent["ki67_percent"]["because"] == "lost"


def test_rows_are_counted_in_plain_digits(client):
    net = make_referrals.network()
    draft = make_referrals.draft(net)
    make.sign_in(client, net.alice)
    page = client.get(f"/referrals/{draft.id}/edit").text
    for rows in ("²", "٣", "9" * 50):
        sent = {"therapy__rows": rows, "therapy__9999__agent": "x"}
        answer = make.post(client, f"/referrals/{draft.id}/derive", sent, page)
        assert answer.status_code == 200


# -- what was shown was read -------------------------------------------------------------------


def test_a_refused_edit_that_shows_the_record_is_a_read_of_it(client):
    net = make_referrals.network()
    chris = net.viewer("chris")
    patient = make.patient(chris)
    tumour = make_course.tumour(patient, chris)
    make.sign_in(client, net.chris)
    answer = make.post(
        client, f"/course/tumour/{tumour.id}", {"primary_site": "C25.0", "version": "999"}
    )
    assert answer.status_code == 409
    assert read_rows("opened tumour", patient.id) == 1


def test_a_step_that_is_refused_shows_the_case_and_says_so_in_the_audit(client):
    net = make_referrals.network()
    referral = make_referrals.referral(net)
    make.sign_in(client, net.carla)
    answer = make.post(client, f"/referrals/{referral.id}/step", {"step": "decline"})
    assert answer.status_code == 422
    assert "Zonneveld" in answer.text
    assert read_rows("opened referral", referral.patient_id) == 1


def test_a_step_that_nobody_may_take_shows_nothing_and_is_no_read(client):
    net = make_referrals.network()
    referral = make_referrals.referral(net)
    make.sign_in(client, net.alice)
    answer = make.post(client, f"/referrals/{referral.id}/step", {"step": "accept"})
    assert answer.status_code == 403
    assert "Zonneveld" not in answer.text
    assert read_rows("opened referral", referral.patient_id) == 0


def test_who_may_be_the_same_person_was_seen(client):
    net = make_referrals.network()
    referral = make_referrals.referral(net)
    make.sign_in(client, net.alice)
    answer = make.post(client, "/referrals/new", make_referrals.first_page(net))
    assert referral.patient.pseudonym in answer.text
    assert read_rows("listed patient", referral.patient_id) == 1


def test_a_changed_hospital_number_is_in_the_audit_without_the_number(app):
    net = make_referrals.network()
    alice = net.viewer("alice")
    patient = make.patient(alice, rules.REFERRING)
    before = read_rows("changed patient", patient.id)
    patients.set_hospital_number(patient, "H-4711", by=alice)
    assert read_rows("changed patient", patient.id) == before + 1
    kept = db.session.scalars(sa.select(AuditEntry.changes)).all()
    assert "4711" not in str(kept)


# -- each patient once -------------------------------------------------------------------------


def test_a_patient_with_two_relations_is_listed_once_with_the_closest(app):
    net = make_referrals.network()
    chris = net.viewer("chris")
    patient = make.patient(chris)
    patients.relate(patient.id, net.centre.id, rules.ADDRESSED, by=chris)
    [row] = patient_queries.patients(chris)
    assert row.relation == rules.TREATING
    assert patient_queries.patients(chris, after=(row.since, row.id)) == []


# -- drafts that are thrown away ---------------------------------------------------------------


def throw_away(net, draft, who="alice"):
    referrals.take(draft, "withdraw", by=net.viewer(who), version=draft.version)


def on_behalf(net, **more):
    """Carla of centre 1 enters a referral for a doctor of hospital B."""
    return make_referrals.draft(
        net, by="carla", hospital=net.other_hospital, on_behalf_of="Dr Oster", **more
    )


def test_a_number_is_free_again_when_its_draft_is_thrown_away(app):
    net = make_referrals.network()
    throw_away(net, make_referrals.draft(net, hospital_number="H-1"))
    again = make_referrals.draft(net, hospital_number="H-1")
    assert patient_queries.hospital_number(net.viewer("alice"), again.patient_id) == "H-1"


def test_who_was_known_from_a_thrown_away_draft_alone_is_forgotten(app):
    net = make_referrals.network()
    draft = make_referrals.draft(net, hospital_number="H-1")
    throw_away(net, draft)
    patient = draft.patient
    assert (patient.full_name, patient.birth_date, patient.sex_at_birth) == ("", None, None)
    assert db.session.scalars(sa.select(NameIndex)).all() == []
    assert read_rows("forgot patient", patient.id) == 1


def test_of_two_drafts_of_one_new_patient_the_other_stays(app):
    net = make_referrals.network()
    first = make_referrals.draft(net)
    second = make_referrals.draft(net, patient=first.patient, to=net.other_centre)
    throw_away(net, second)
    kept = queries.referral_to_write(net.viewer("alice"), first.id)
    assert kept.patient.full_name == "Zonneveld, Anna Maria"


def test_a_draft_for_another_hospital_that_is_thrown_away_leaves_it_no_access(app):
    net = make_referrals.network()
    patient = make.patient(net.viewer("chris"))
    draft = on_behalf(net, patient=patient)
    assert patient_queries.patient(net.viewer("olga"), patient.id)
    throw_away(net, draft, "carla")
    with pytest.raises(NotFound):
        patient_queries.patient(net.viewer("olga"), patient.id)
    assert patient_queries.relation(net.viewer("chris"), patient.id) == {rules.TREATING}
    assert patient.full_name == "Zonneveld, Anna Maria"


def test_the_page_of_a_thrown_away_draft_sent_again_makes_a_new_one(app):
    net = make_referrals.network()
    key = new_id()
    first = make_referrals.draft(net, form_key=key)
    throw_away(net, first)
    again = make_referrals.draft(net, form_key=key)
    assert (again.id == first.id, again.state) == (False, "draft")


def test_a_coordinator_does_not_learn_which_numbers_another_hospital_has(app):
    net = make_referrals.network()
    olga = net.viewer("olga")
    patient = make.patient(olga, rules.REFERRING)
    patients.set_hospital_number(patient, "B-77", by=olga)
    taken = on_behalf(net, hospital_number="B-77", family_name="Maanlicht")
    free = on_behalf(net, hospital_number="B-78", family_name="Maanlicht")
    assert taken.state == free.state == "draft"
    assert patient_queries.hospital_number(olga, taken.patient_id) == ""
    assert patient_queries.hospital_number(olga, free.patient_id) == "B-78"


# -- forms of strangers ------------------------------------------------------------------------

STRANGER = [
    {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
    {"Sec-Fetch-Site": "same-site"},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
]


@pytest.mark.parametrize("said", STRANGER)
def test_a_strangers_form_is_not_shown_to_be_sent_in_ones_name(client, said):
    make.office()
    db.session.commit()
    answer = client.post("/patients/new", data={"family_name": "Forged"}, headers=said)
    assert answer.status_code == 400
    assert "Forged" not in answer.text


@pytest.mark.parametrize("said", STRANGER)
def test_nor_to_somebody_who_is_signed_in(client, said):
    net = make_referrals.network()
    make.sign_in(client, net.chris)
    sent = {"family_name": "Forged", "csrf_token": "guessed"}
    answer = client.post("/patients/new", data=sent, headers=said)
    assert answer.status_code == 400
    assert "Forged" not in answer.text


def test_ones_own_form_comes_back_after_the_session_expired(client):
    make.office()
    db.session.commit()
    said = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}
    answer = client.post("/patients/new", data={"family_name": "Kept"}, headers=said)
    assert answer.status_code == 401
    assert "Kept" in answer.text


# -- sessions and passwords --------------------------------------------------------------------


def test_who_signs_in_again_leaves_no_session_behind(client):
    alice = make.person(make.hospital(), Role.REFERRER)
    make.sign_in(client, alice)
    make.sign_in(client, alice)
    ended = db.session.scalars(sa.select(SignIn.ended_at).order_by(SignIn.id)).all()
    assert [moment is None for moment in ended] == [False, True]


def test_a_one_time_password_cannot_be_kept(client):
    alice = make.person(make.hospital(), Role.REFERRER)
    alice.must_change_password = True
    make.sign_in(client, alice)
    same = {"current": make.PASSWORD, "password": make.PASSWORD, "again": make.PASSWORD}
    answer = make.post(client, "/account/password", same)
    assert answer.status_code == 422
    assert client.get("/referrals").status_code == 303


def test_the_demonstrations_password_opens_nothing_in_production(client, app):
    alice = make.person(make.hospital(), Role.REFERRER)
    alice.password_hash = password_rules.hash_password(demo.PASSWORD)
    production = replace(app.extensions["netreg_settings"], environment="production")
    assert refused_passwords(app.extensions["netreg_settings"]) == frozenset()
    before = app.extensions["netreg_refused_passwords"]
    app.extensions["netreg_refused_passwords"] = refused_passwords(production)
    try:
        assert make.sign_in(client, alice, demo.PASSWORD).status_code == 422
    finally:
        app.extensions["netreg_refused_passwords"] = before
    assert make.sign_in(client, alice, demo.PASSWORD).status_code == 303


def test_a_misspelt_environment_does_not_start(monkeypatch, tmp_path):
    monkeypatch.setenv("NETREG_INSTANCE", str(tmp_path / "instance"))
    monkeypatch.setenv("NETREG_ENV", "Production")
    with pytest.raises(ValueError, match="NETREG_ENV"):
        Settings.load()


# -- what an error says ------------------------------------------------------------------------


def test_an_error_on_commit_is_logged_without_its_text(client, app, caplog, monkeypatch):
    net = make_referrals.network()
    make.sign_in(client, net.chris)
    token = make.token(client.get("/account").text)

    def fail() -> None:
        raise RuntimeError("Failing row contains (Zonneveld, 1961-03-27)")

    app.config["PROPAGATE_EXCEPTIONS"] = False
    with monkeypatch.context() as patch:
        patch.setattr("registry.web.jobs.tell_worker", fail)
        answer = client.post("/notices/seen", data={"csrf_token": token})
    assert answer.status_code == 500
    assert "RuntimeError at" in caplog.text
    assert "Zonneveld" not in caplog.text + answer.text


def test_the_text_of_a_database_error_holds_no_values(app):
    one = make.hospital("HOSP-A")
    same = {"code": "HOSP-A", "kind": one.kind, "country": "NL", "time_zone": one.time_zone}
    db.session.add(Organisation(name="Zonneveld hospital", **same))
    with pytest.raises(IntegrityError) as refused:
        db.session.flush()
    db.session.rollback()
    assert "Zonneveld" not in str(refused.value)


# -- ids of others, put into one's own forms ---------------------------------------------------


def test_another_hospital_learns_nothing_from_the_first_page(client):
    net = make_referrals.network()
    key = new_id()
    known = make_referrals.referral(net, hospital_number="H-1")
    draft = make_referrals.draft(net, form_key=key, family_name="Maanlicht")
    make.sign_in(client, net.olga)
    same = make_referrals.first_page(net, hospital_number="H-1", form_key=str(new_id()))
    answer = make.post(client, "/referrals/new", same)
    assert answer.status_code == 303  # neither a candidate nor a number that is taken
    chosen = make.post(client, "/referrals/new", {**same, "same": str(known.patient_id)})
    assert chosen.status_code == 404
    stolen = make.post(client, "/referrals/new", {**same, "another": "yes", "form_key": str(key)})
    assert str(draft.id) not in stolen.text + stolen.headers.get("Location", "")


def test_links_of_other_patients_are_not_taken(client):
    net = make_referrals.network()
    chris = net.viewer("chris")
    mine = make.patient(chris)
    theirs = make.patient(net.viewer("olga"), rules.REFERRING, family_name="Maanlicht")
    tumour = make_course.tumour(theirs, net.viewer("olga"))
    make.sign_in(client, net.chris)
    sent = {**make_course.FILLED["response"], "tumour": str(tumour.id), "therapy": str(tumour.id)}
    assert make.post(client, f"/patients/{mine.id}/course/response/new", sent).status_code == 303
    [entry] = course.record(chris, mine.id).of("response")
    assert (entry.tumour_id, entry.therapy_id) == (None, None)
    smuggled = {"patient_id": str(theirs.id), "entity": "staging", "t": "T1"}
    assert make.post(client, "/course/derive", smuggled).status_code == 404
    for entity in ("tumour", "pathology"):
        assert client.get(f"/course/{entity}/{tumour.id}").status_code == 404


def test_nobody_of_another_centre_is_given_a_case(client):
    net = make_referrals.network()
    referral = make_referrals.referral(net)
    make.sign_in(client, net.carla)
    sent = {"step": "assign", "version": str(referral.version), "assignee": str(net.dora.id)}
    sent["assign_assignee"] = sent["assign-assignee"] = sent["assignee"]
    assert make.post(client, f"/referrals/{referral.id}/step", sent).status_code == 422
    db.session.refresh(referral)
    assert referral.assignee_id is None


def test_an_entry_id_of_another_patient_shows_nothing_of_it(client):
    net = make_referrals.network()
    chris = net.viewer("chris")
    mine = make.patient(chris)
    theirs = make.patient(net.viewer("olga"), rules.REFERRING, family_name="Maanlicht")
    tumour = make_course.tumour(theirs, net.viewer("olga"))
    make.sign_in(client, net.chris)
    sent = {**make_course.FILLED["tumour"], "entry_id": str(tumour.id)}
    answer = make.post(client, f"/patients/{mine.id}/course/tumour/new", sent)
    assert answer.status_code == 404
    assert "Maanlicht" not in answer.text


def test_rights_of_one_place_do_not_open_records_of_another(client):
    """Maria coordinates centre 2 and is a researcher at centre 1, where she sees no patient."""
    net = make_referrals.network()
    referral = make_referrals.referral(net, "accepted")
    maria = make.person(net.other_centre, Role.TRIAGE_COORDINATOR, name="Maria Muster")
    people.join(maria, net.centre, Role.RESEARCHER, by=make.HOUSE)
    make.sign_in(client, maria)
    for place, status in ((net.centre, 403), (net.other_centre, 404)):
        make.post(client, "/organisation", {"organisation_id": str(place.id)})
        for address in (f"/referrals/{referral.id}", f"/patients/{referral.patient_id}/chart"):
            assert client.get(address).status_code == status


def test_a_role_that_ends_ends_at_once(client):
    net = make_referrals.network()
    referral = make_referrals.referral(net, "accepted")
    make.sign_in(client, net.chris)
    assert client.get(f"/referrals/{referral.id}").status_code == 200
    for membership in net.chris.memberships:
        people.leave(membership, by=administrator())
    assert client.get(f"/referrals/{referral.id}").status_code == 403


def test_a_closed_account_is_out_at_once(client):
    net = make_referrals.network()
    make.sign_in(client, net.chris)
    people.set_active(net.chris, False, by=administrator())
    assert client.get("/patients").status_code == 303


def administrator():
    return make.viewer(make.person(make.office(), Role.ADMINISTRATOR, name="Ada Admin"))


def test_a_centre_that_declined_reads_for_thirty_days_and_no_longer(client):
    net = make_referrals.network()
    with acting_at(now() - timedelta(days=31)):
        old = make_referrals.referral(net, "declined")
    recent = make_referrals.referral(net, "declined", family_name="Maanlicht")
    make.sign_in(client, net.carla)
    assert client.get(f"/referrals/{recent.id}").status_code == 200
    assert client.get(f"/patients/{old.patient_id}/chart").status_code == 404
    page = client.get(f"/referrals/{old.id}")  # what it did itself, and nothing of the patient
    assert page.status_code == 200
    for secret in ("Zonneveld", old.patient.pseudonym, str(old.patient_id)):
        assert secret not in page.text
    found = make.post(client, "/worklist/search", {"text": "Zonneveld"})
    assert old.patient.pseudonym not in found.text


# -- the edges of HTTP -------------------------------------------------------------------------


def test_head_is_a_get_without_its_body_and_never_a_form(client):
    net = make_referrals.network()
    make.sign_in(client, net.chris)
    answer = client.head("/patients/new", data={"family_name": "Forged"})
    assert (answer.status_code, answer.data) == (200, b"")
    patient = make.patient(net.viewer("chris"))
    forged = {"consent_registry": "no", "consent_care": "no"}
    assert client.head(f"/patients/{patient.id}/consent", data=forged).status_code == 200
    given = patient_queries.consents(net.viewer("chris"), patient.id)
    assert given["registry"].answer == "yes"


@pytest.mark.parametrize(("proxies", "address"), [(0, "127.0.0.1"), (1, "203.0.113.9")])
def test_the_callers_address_is_the_proxys_word_only_where_there_is_one(tmp_path, proxies, address):
    settings = Settings(
        database_url=f"sqlite:///{tmp_path / 'x.sqlite3'}",
        instance=tmp_path,
        secret_key="only for tests",
        environment="testing",
        proxies=proxies,
    )
    seen = []
    app = create_app(settings)
    app.before_request_funcs[None].insert(0, lambda: seen.append(request.remote_addr))
    app.test_client().get("/no-such-page", headers={"X-Forwarded-For": "1.2.3.4, 203.0.113.9"})
    assert seen == [address]


# -- two at once -------------------------------------------------------------------------------


def test_a_number_given_to_another_at_the_same_moment_is_said_in_the_form(client, monkeypatch):
    net = make_referrals.network()
    alice = net.viewer("alice")
    other = make.patient(alice, rules.REFERRING)
    patients.set_hospital_number(other, "H-1", by=alice)
    mine = make.patient(alice, rules.REFERRING, family_name="Maanlicht")
    patients.set_hospital_number(mine, "H-2", by=alice)
    make.sign_in(client, net.alice)
    monkeypatch.setattr(patient_queries, "number_is_taken", lambda viewer, number: False)
    sent = {**make_referrals.first_page(net, hospital_number="H-1"), "version": str(mine.version)}
    answer = make.post(client, f"/patients/{mine.id}/identity", sent)
    assert answer.status_code == 422
    assert "Another patient of your hospital has this number." in answer.text
    db.session.expire_all()
    assert patient_queries.hospital_number(alice, mine.id) == "H-2"


def test_a_second_sealer_leaves_it_to_the_first(app, monkeypatch):
    make_referrals.network()
    db.session.commit()
    assert audit.seal() > 0
    db.session.commit()
    audit.record("signed in", by=make.HOUSE, subject=("person", 1))
    db.session.commit()

    def beaten(limit):
        first = AuditSeal(follows=0, at=now(), first=1, last=1, gaps=[], late=[], mac="")
        return audit._Sealed(first, 1)

    with monkeypatch.context() as patch:
        patch.setattr(audit, "_next_seal", beaten)
        seal()
    assert db.session.scalar(sa.select(sa.func.count(AuditSeal.id))) == 1
    assert audit.verify().intact


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example",
        "/\\evil.example",
        "/\t/evil.example",
        "https://evil.example",
        "javascript:alert(1)",
        "/\r\nSet-Cookie: x=1",
        "http://[",
    ],
)
def test_after_signing_in_one_is_never_led_elsewhere(client, target):
    alice = make.person(make.hospital(), Role.REFERRER)
    page = make.token(client.get("/sign-in").text)
    sent = {"email": alice.email, "password": make.PASSWORD, "next": target, "csrf_token": page}
    answer = client.post("/sign-in", data=sent)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
