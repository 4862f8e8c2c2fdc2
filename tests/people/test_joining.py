"""Invitations, requests for an account, and forgotten passwords."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import sqlalchemy as sa

from registry.access import Role
from registry.audit import AuditEntry
from registry.db import acting_at, db, now
from registry.errors import Forbidden
from registry.people import actions, queries
from registry.people.models import AccountRequest, Invitation, Notice, PasswordLink
from registry.people.rules import joining
from tests import make, make_people

NEW = "a brand new sentence"


def link_on(page: str) -> str:
    """The link that is shown once, as its path and query."""
    found = re.search(r'id="link">https?://[^/]+(/[^<]+)<', page)
    assert found
    return found[1]


def use(client, url, **data):
    page = client.get(url)
    link = url.partition("link=")[2].replace("%3D", "=")
    data = {"link": link, "password": NEW, "again": NEW, **data}
    return client.post(url.partition("?")[0], data={**data, "csrf_token": make.token(page.text)})


# -- invitations -------------------------------------------------------------------------------


def test_without_mail_the_link_is_shown_once_and_opens_the_account(client, app):
    place = make.centre()
    make.sign_in(client, make_people.administrator())
    shown = make.post(
        client,
        "/administration/people/invite",
        {
            "name": "Clara Centre",
            "email": "Clara@Example.org",
            "organisation": str(place.id),
            "role": "triage_coordinator",
        },
    )
    assert "This link is shown only now" in shown.text
    url = link_on(shown.text)
    clara = app.test_client()
    assert use(clara, url, name="Clara Centre").status_code == 303
    assert clara.get("/worklist").status_code == 200
    assert clara.get(url).status_code == 422  # once
    made = queries.person_by_email("clara@example.org")
    done = db.session.scalars(sa.select(AuditEntry.action).order_by(AuditEntry.id)).all()
    assert [one for one in done if "account" in one or "role" in one][-2:] == [
        "opened account",
        "gave role",
    ]
    assert made.must_change_password is False
    assert make.sign_in(app.test_client(), made, NEW).status_code == 303


def test_a_weak_password_is_said_at_its_field_and_the_link_still_works(client):
    one = make_people.invitation(make.viewer(make_people.administrator()), make.centre())
    url = f"/join?link={actions.link_of_invitation(one)}"
    weak = use(client, url, name="Clara", password="short", again="short")
    assert weak.status_code == 422
    assert "Use at least 12 characters." in weak.text
    different = use(client, url, name="Clara", again="another sentence")
    assert "This is not the same" in different.text
    assert use(client, url, name="Clara").status_code == 303


def test_a_link_ends_with_its_time_when_it_is_replaced_and_when_it_is_withdrawn(client):
    ada = make.viewer(make_people.administrator())
    one = make_people.invitation(ada, make.centre())
    first = actions.link_of_invitation(one)

    def works(link):
        return client.get(f"/join?link={link}").status_code == 200

    assert works(first)
    assert not works(first[:-4] + "AAAA")
    with acting_at(now() + joining.INVITATION_HOLDS + timedelta(seconds=1)):
        assert queries.invitation_of_link(first) is None
    actions.invite_again(one, by=ada)
    second = actions.link_of_invitation(one)
    assert not works(first)
    assert works(second)
    actions.withdraw_invitation(one, by=ada)
    assert not works(second)


def test_the_secret_of_a_link_is_kept_nowhere(app):
    one = make_people.invitation(make.viewer(make_people.administrator()), make.centre())
    proof = actions.link_of_invitation(one)[24:-4]
    columns = [str(getattr(one, c.key)) for c in sa.inspect(Invitation).columns]
    assert not [text for text in columns if proof in text]


def test_a_link_of_one_kind_opens_nothing_of_another(app):
    """The proof names what the link is for."""
    key, number = (
        b"k" * 32,
        make_people.invitation(make.viewer(make_people.administrator()), make.centre()).id,
    )
    link = joining.secret(key, "invitation", number, 1)
    assert joining.is_proven(link, key, "invitation", number, 1)
    assert not joining.is_proven(link, key, "password", number, 1)
    assert not joining.is_proven(link, key, "invitation", number, 2)
    assert not joining.is_proven(link, b"x" * 32, "invitation", number, 1)
    assert joining.record_of("no link") is None


def test_nobody_is_invited_twice_or_with_an_account(client):
    ada = make_people.administrator()
    place = make.centre()
    make_people.invitation(make.viewer(ada), place)
    make.sign_in(client, ada)
    data = {"name": "X", "organisation": str(place.id), "role": "clinician"}
    for email, message in {
        "clara@example.org": "There is an invitation to this address already.",
        "ada@example.org": "There is an account with this address.",
        "nowhere": "Enter an e-mail address",
    }.items():
        answer = make.post(client, "/administration/people/invite", {**data, "email": email})
        assert answer.status_code == 422
        assert message in answer.text


def test_an_invitation_to_a_place_that_was_closed_works_no_more(client):
    ada = make.viewer(make_people.administrator())
    place = make.centre()
    one = make_people.invitation(ada, place)
    actions.set_organisation_active(place, False, by=ada, version=place.version)
    link = actions.link_of_invitation(one)
    assert client.get(f"/join?link={link}").status_code == 422


# -- requests ----------------------------------------------------------------------------------


def ask(client, place, email="rita@example.org", **more):
    page = client.get("/request-account")
    data = {
        "name": "Rita Request",
        "email": email,
        "organisation": str(place.id) if place else "",
        "role": "referrer",
        **more,
    }
    return client.post("/request-account", data={**data, "csrf_token": make.token(page.text)})


def test_the_answer_is_the_same_whether_or_not_there_is_an_account(client):
    place = make.hospital()
    make.person(place, Role.REFERRER, name="Alice Adler")
    make_people.administrator()
    answers = set()
    for email in ("alice.adler@example.org", "rita@example.org", "rita@example.org"):
        page = ask(client, place, email).text
        # the page's token holds the second it was made in
        answers.add(re.sub(r'"X-CSRFToken": "[^"]+"', "", page))
    assert len(answers) == 1
    assert db.session.scalars(sa.select(AccountRequest.email)).all() == ["rita@example.org"]


def test_the_lead_is_told_and_lets_them_in(client, app):
    place = make.hospital()
    lena = make.person(place, Role.LEAD, name="Lena Lead")
    ada = make_people.administrator()
    ask(client, place)
    [told] = db.session.scalars(sa.select(Notice.person_id)).all()
    assert told == lena.id
    make.sign_in(client, lena)
    assert client.get("/administration").headers["Location"] == "/administration/requests"
    page = client.get("/administration/requests").text
    assert "Rita Request" in page
    assert "Administrator</label>" not in page  # no role that a lead may not give
    one = db.session.scalars(sa.select(AccountRequest)).one()
    prefix = f"a{one.id.hex}-"
    answer = make.post(
        client,
        f"/administration/requests/{one.id}/approve",
        {f"{prefix}organisation": str(place.id), f"{prefix}role": "referrer"},
    )
    rita = app.test_client()
    assert use(rita, link_on(answer.text), name="Rita Request").status_code == 303
    assert rita.get("/referrals").status_code == 200
    again = make.post(
        client,
        f"/administration/requests/{one.id}/approve",
        {f"{prefix}organisation": str(place.id), f"{prefix}role": "referrer"},
    )
    assert again.status_code == 422  # there is an account now
    assert ada


def test_a_lead_decides_only_at_home_and_only_what_leads_may_give(client):
    place, other = make.hospital(), make.hospital("HOSP-B", "Hospital B")
    lena = make.person(place, Role.LEAD, name="Lena Lead")
    theirs = make_people.account_request(other, email="olga@example.org")
    ours = make_people.account_request(place)
    make.sign_in(client, lena)
    page = client.get("/administration/requests").text
    assert "olga@example.org" not in page
    url = f"/administration/requests/{theirs.id}/refuse"
    assert make.post(client, url, {"reason": "no_need"}).status_code == 404
    prefix = f"a{ours.id.hex}-"
    refused = make.post(
        client,
        f"/administration/requests/{ours.id}/approve",
        {f"{prefix}organisation": str(place.id), f"{prefix}role": "administrator"},
    )
    assert refused.status_code == 422
    with pytest.raises(Forbidden):
        actions.accept_request(ours, by=make.viewer(lena), organisation=other, role=Role.REFERRER)


def test_without_a_lead_the_administrators_decide_and_say_why_not(client):
    ada = make_people.administrator()
    one = make_people.account_request(None, organisation_stated="Small Clinic, Smallville")
    assert db.session.scalars(sa.select(Notice.person_id)).all() == [ada.id]
    make.sign_in(client, ada)
    assert "Small Clinic, Smallville" in client.get("/administration/requests").text
    url = f"/administration/requests/{one.id}/refuse"
    assert "Choose the reason." in make.post(client, url).text
    name = f"r{one.id.hex}-reason"
    assert make.post(client, url, {name: "unknown_here"}).status_code == 303
    assert "does not know who this is" in client.get("/administration/requests").text
    assert make.post(client, url, {name: "no_need"}).status_code == 409


def test_a_public_form_cannot_be_flooded(client):
    place = make.hospital()
    make_people.administrator()
    for number in range(joining.FROM_ADDRESS):
        assert ask(client, place, f"r{number}@example.org").status_code == 200
    flooded = ask(client, place, "one.more@example.org")
    assert flooded.status_code == 422
    assert "Too many requests came from here." in flooded.text
    kept = db.session.scalar(sa.select(sa.func.count()).select_from(AccountRequest))
    assert kept == joining.FROM_ADDRESS


def test_what_is_missing_is_said_at_the_field(client):
    make.hospital()
    answer = ask(client, None, "nothing")
    assert "Choose your organisation, or name it below" in answer.text
    answer = ask(client, None, "nothing", organisation_stated="Clinic")
    assert "Enter an e-mail address, such as" in answer.text


# -- a new password ----------------------------------------------------------------------------


def test_an_administrator_hands_over_a_link_to_a_new_password(client, app):
    alice = make.person(make.hospital(), Role.REFERRER)
    doctor = app.test_client()
    make.sign_in(doctor, alice)
    make.sign_in(client, make_people.administrator())
    shown = make.post(client, f"/administration/people/{alice.id}/password")
    assert doctor.get("/account").status_code == 303
    url = link_on(shown.text)
    stranger = app.test_client()
    weak = use(stranger, url, password="short", again="short")
    assert "Use at least 12 characters." in weak.text
    assert use(stranger, url).headers["Location"] == "/sign-in"
    assert make.sign_in(stranger, alice, make.PASSWORD).status_code == 422
    assert make.sign_in(stranger, alice, NEW).status_code == 303
    assert stranger.get(url).status_code == 422


def test_a_newer_link_and_time_end_the_earlier_one(app):
    ada = make.viewer(make_people.administrator())
    alice = make.person(make.hospital(), Role.REFERRER)
    first = actions.link_of_password(actions.make_password_link(alice, by=ada))
    second = actions.link_of_password(actions.make_password_link(alice, by=ada))
    assert queries.password_link(first) is None
    assert queries.password_link(second) is not None
    with acting_at(now() + joining.PASSWORD_LINK_HOLDS + timedelta(seconds=1)):
        assert queries.password_link(second) is None
    alice.active = False
    assert queries.password_link(second) is None


def test_without_mail_a_forgotten_password_goes_to_the_administrator(client):
    assert "Ask your administrator" in client.get("/forgot-password").text
    assert db.session.scalar(sa.select(sa.func.count()).select_from(PasswordLink)) == 0


def test_the_operator_makes_a_link_when_nobody_can_sign_in(client, app):
    from click.testing import CliRunner

    from registry.people.commands import people

    make_people.administrator()
    db.session.commit()
    done = CliRunner().invoke(people, ["password-link", "ada@example.org"], obj=lambda: app)
    url = done.output.strip().partition("8000")[2]
    assert use(client, url).status_code == 303
    unknown = CliRunner().invoke(people, ["password-link", "x@example.org"], obj=lambda: app)
    assert unknown.exit_code == 1
