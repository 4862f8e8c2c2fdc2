"""The way in and out."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from registry.access import Role
from registry.db import db, now
from registry.people import rules
from registry.people.models import SignIn, SignInFailure
from tests import make

WRONG = "The e-mail address or password is not right"


def alice():
    return make.person(make.hospital(), Role.REFERRER, name="Alice Adler")


def attempt(client, email, password):
    page = client.get("/sign-in")
    return client.post(
        "/sign-in", data={"email": email, "password": password, "csrf_token": make.token(page.text)}
    )


def test_the_right_password_opens_the_door(client):
    answer = make.sign_in(client, alice())
    assert answer.status_code == 303
    assert "Alice Adler" in client.get("/account").text


def test_wrong_password_and_unknown_address_look_alike(client):
    who = alice()
    db.session.commit()
    first = attempt(client, who.email, "not the password")
    second = attempt(client, "nobody@example.org", "not the password")
    assert first.status_code == second.status_code == 422
    assert WRONG in first.text
    assert WRONG in second.text


def test_too_many_tries_close_the_account_even_to_the_right_password(client):
    who = alice()
    db.session.commit()
    for _ in range(rules.ACCOUNT_TRIES):
        attempt(client, who.email, "not the password")
    assert attempt(client, who.email, make.PASSWORD).status_code == 422


def test_after_the_waiting_time_it_opens_again(client):
    who = alice()
    db.session.commit()
    for _ in range(rules.ACCOUNT_TRIES):
        attempt(client, who.email, "not the password")
    earlier = now() - rules.WINDOW - timedelta(seconds=1)
    db.session.execute(sa.update(SignInFailure).values(at=earlier))
    assert attempt(client, who.email, make.PASSWORD).status_code == 303


def test_failures_are_counted_though_the_answer_is_a_refusal(client):
    who = alice()
    db.session.commit()
    attempt(client, who.email, "not the password")
    assert db.session.scalar(sa.select(sa.func.count()).select_from(SignInFailure)) == 1


def test_neither_address_nor_password_is_kept_of_a_failure(client):
    who = alice()
    db.session.commit()
    attempt(client, who.email, "not the password")
    row = db.session.scalars(sa.select(SignInFailure)).one()
    assert who.email not in row.account
    assert "127.0.0.1" not in row.address


def test_signing_out_ends_the_session_on_the_server(client):
    make.sign_in(client, alice())
    with client.session_transaction() as kept:
        stolen = dict(kept)
    make.post(client, "/sign-out")
    with client.session_transaction() as kept:
        kept.update(stolen)
    assert client.get("/account").status_code == 303


def test_the_session_is_another_after_signing_in(client):
    who = alice()
    make.sign_in(client, who)
    make.sign_in(client, who)
    assert db.session.scalar(sa.select(sa.func.count()).select_from(SignIn)) == 2


def test_an_idle_session_ends(client, app):
    make.sign_in(client, alice())
    with client.session_transaction() as kept:
        kept["seen"] -= app.extensions["netreg_settings"].idle_minutes * 60 + 1
    assert client.get("/account").status_code == 303


def test_a_session_ends_absolutely(client):
    make.sign_in(client, alice())
    db.session.execute(sa.update(SignIn).values(expires_at=now() - timedelta(seconds=1)))
    assert client.get("/account").status_code == 303


def test_a_closed_account_is_out_at_once(client):
    who = alice()
    make.sign_in(client, who)
    who.active = False
    assert client.get("/account").status_code == 303


def test_it_returns_to_the_page_that_was_asked_for(client):
    who = alice()
    db.session.commit()
    refused = client.get("/notices")
    assert refused.headers["Location"] == "/sign-in?next=/notices"
    page = client.get(refused.headers["Location"])
    answer = client.post(
        "/sign-in",
        data={
            "email": who.email,
            "password": make.PASSWORD,
            "next": "/notices",
            "csrf_token": make.token(page.text),
        },
    )
    assert answer.headers["Location"] == "/notices"


def test_it_never_leads_to_another_host(client):
    who = alice()
    db.session.commit()
    for target in ("https://evil.example", "//evil.example", "/\\evil.example", "javascript:x"):
        page = client.get("/sign-in")
        answer = client.post(
            "/sign-in",
            data={
                "email": who.email,
                "password": make.PASSWORD,
                "next": target,
                "csrf_token": make.token(page.text),
            },
        )
        assert answer.headers["Location"] == "/"


def test_a_form_sent_after_the_session_ended_comes_back_whole(client, app):
    who = alice()
    make.sign_in(client, who)
    with client.session_transaction() as kept:
        kept["seen"] = 0
    refused = client.post("/account/password", data={"note": "O'Brien <b> & long text"})
    assert refused.status_code == 401
    assert "O&#39;Brien &lt;b&gt; &amp; long text" in refused.text
    again = client.post(
        "/sign-in/resume",
        data={
            "email": who.email,
            "password": make.PASSWORD,
            "target": "/account/password",
            "typed-note": "O'Brien <b> & long text",
            "csrf_token": make.token(refused.text),
        },
    )
    assert again.status_code == 200
    assert 'action="/account/password"' in again.text
    assert 'name="note" value="O&#39;Brien &lt;b&gt; &amp; long text"' in again.text


def test_a_script_is_told_to_sign_in_and_gets_a_new_token(client):
    who = alice()
    db.session.commit()
    told = client.get("/notices", headers={"X-Requested-With": "fetch"})
    assert told.status_code == 401
    assert told.json == {"sign_in": "/sign-in/again"}
    dialog = client.get("/sign-in/again", headers={"X-Requested-With": "fetch"})
    answer = client.post(
        "/sign-in/again",
        data={
            "email": who.email,
            "password": make.PASSWORD,
            "csrf_token": make.token(dialog.text),
        },
    )
    assert answer.json["csrf_token"]


def test_a_form_without_its_token_is_refused(client):
    make.sign_in(client, alice())
    assert client.post("/sign-out").status_code == 400


def test_changing_the_password_ends_other_sessions(client, app):
    who = alice()
    make.sign_in(client, who)
    other = app.test_client()
    make.sign_in(other, who)
    answer = make.post(
        client,
        "/account/password",
        {
            "current": make.PASSWORD,
            "password": "a brand new sentence",
            "again": "a brand new sentence",
        },
    )
    assert answer.status_code == 303
    assert client.get("/account").status_code == 200
    assert other.get("/account").status_code == 303


def test_a_short_password_is_refused_with_a_message(client):
    make.sign_in(client, alice())
    answer = make.post(
        client,
        "/account/password",
        {"current": make.PASSWORD, "password": "short", "again": "short"},
    )
    assert answer.status_code == 422
    assert "Use at least 12 characters." in answer.text


def test_a_one_time_password_must_be_changed_first(client):
    who = alice()
    who.must_change_password = True
    make.sign_in(client, who)
    assert client.get("/notices").headers["Location"] == "/account"
    assert "Choose your own password" in client.get("/account").text


def test_one_person_may_work_for_two_places(client):
    who = alice()
    make.people.join(who, make.centre(), Role.CLINICIAN, by=make.HOUSE)
    make.sign_in(client, who)
    page = client.get("/account")
    centre = make.queries.organisation("CENTRE-1")
    make.post(client, "/organisation", {"organisation_id": str(centre.id)})
    after = client.get("/account")
    assert "Hospital A" in page.text
    assert "Worklist" in after.text or "Centre 1" in after.text


def test_nobody_can_work_for_a_place_that_is_not_theirs(client):
    make.sign_in(client, alice())
    centre = make.centre()
    answer = make.post(client, "/organisation", {"organisation_id": str(centre.id)})
    assert answer.status_code == 404


def test_a_notice_says_which_case_to_those_who_may_know(client):
    """The pseudonym of the patient, and nothing clinical or identifying."""
    from registry.referrals.models import Referral
    from tests import test_walk

    world = test_walk.build()
    make.sign_in(client, world.walkers[Role.REFERRER, test_walk.RELATED])
    page = client.get("/notices").text
    pseudonym = db.session.get(Referral, world.ids["referral_id"]).patient.pseudonym
    assert "A referral was accepted." in page
    assert pseudonym in page
    assert "Zonneveld" not in page
