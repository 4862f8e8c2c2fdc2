"""Roles, cover for absence, closing, and what needs a second administrator."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from registry.access import Right, Role
from registry.audit import AuditEntry
from registry.dates import today
from registry.db import db
from registry.errors import Conflict, Forbidden, Invalid
from registry.people import actions, queries
from registry.people.models import Confirmation, Membership, Notice, SignIn
from tests import make, make_people


def membership(person):
    return db.session.scalars(sa.select(Membership).where(Membership.person_id == person.id)).one()


def entries(action):
    return db.session.scalars(sa.select(AuditEntry).where(AuditEntry.action == action)).all()


# -- roles -------------------------------------------------------------------------------------


def test_a_role_holds_from_its_first_to_its_last_day(app):
    ada, alice = make.viewer(make_people.administrator()), make.person(None)
    tomorrow = today() + timedelta(days=1)
    actions.give_role(alice, make.hospital(), Role.REFERRER, by=ada, since=tomorrow)
    assert not make.viewer(alice).may(Right.REFER)
    actions.give_role(alice, make.centre(), Role.CLINICIAN, by=ada, since=today(), until=today())
    assert make.viewer(alice).may(Right.WRITE_COURSE)


def test_a_role_is_given_changed_and_ended_on_the_page(client):
    make.sign_in(client, make_people.administrator())
    alice, place = make.person(None), make.hospital()
    url = f"/administration/people/{alice.id}"
    make.post(client, f"{url}/roles", {"organisation": str(place.id), "role": "referrer"})
    assert make.viewer(alice).may(Right.REFER)
    held = membership(alice)
    day = today() + timedelta(days=30)
    name = f"m{held.id.hex}-until_date"
    parts = {f"{name}-day": day.day, f"{name}-month": day.month, f"{name}-year": day.year}
    make.post(client, f"{url}/roles/until", {"membership": str(held.id), **parts})
    db.session.refresh(held)
    assert held.until_date == day
    make.post(client, f"{url}/roles/end", {"membership": str(held.id)})
    assert not make.viewer(alice).may(Right.REFER)
    assert [e.action for e in entries("ended role")] == ["ended role"]


def test_a_last_day_in_the_past_is_refused_at_the_field(client):
    make.sign_in(client, make_people.administrator())
    alice = make.person(make.hospital(), Role.REFERRER)
    held = membership(alice)
    name = f"m{held.id.hex}-until_date"
    answer = make.post(
        client,
        f"/administration/people/{alice.id}/roles/until",
        {
            "membership": str(held.id),
            f"{name}-day": "1",
            f"{name}-month": "1",
            f"{name}-year": "2020",
        },
    )
    assert answer.status_code == 422
    assert "Choose a day from today on" in answer.text


# -- there is always an administrator ----------------------------------------------------------


def test_the_last_administrator_cannot_be_removed(app):
    """Who is closed, or has a last day, does not count as one who remains."""
    ada = make_people.administrator()
    bert = make_people.administrator("Bert Boss", "bert@example.org")
    cora = make_people.administrator("Cora Closed", "cora@example.org")
    by, acting = make.viewer(ada), make.viewer(bert)
    actions.set_active(cora, False, by=by)
    actions.change_until(membership(bert), today() + timedelta(days=1), by=by)
    for remove in (
        lambda: actions.leave(membership(ada), by=acting),
        lambda: actions.change_until(membership(ada), today() + timedelta(days=9), by=acting),
        lambda: actions.set_active(ada, False, by=acting),
    ):
        db.session.commit()
        with pytest.raises(Invalid, match="last administrator"):
            remove()
        db.session.rollback()
    actions.change_until(membership(bert), None, by=by)
    actions.leave(membership(ada), by=acting)


def test_one_s_own_account_cannot_be_closed(client):
    ada = make_people.administrator()
    make.sign_in(client, ada)
    answer = make.post(client, f"/administration/people/{ada.id}/active", {"active": "no"})
    assert answer.status_code == 422
    assert "You cannot close your own account." in answer.text


# -- nobody gives a right to themself ----------------------------------------------------------


def test_a_role_for_oneself_waits_for_a_second_administrator(client, app):
    ada = make_people.administrator()
    bert = make_people.administrator("Bert Boss", "bert@example.org")
    centre = make.centre()
    make.sign_in(client, ada)
    answer = make.post(
        client,
        f"/administration/people/{ada.id}/roles",
        {"organisation": str(centre.id), "role": "clinician"},
    )
    assert answer.headers["Location"].startswith("/administration/requests")
    assert not [seat for seat in make.viewer(ada).seats if Role.CLINICIAN in seat.roles]
    asked = db.session.scalars(sa.select(Confirmation)).one()
    url = f"/administration/confirmations/{asked.id}"
    assert make.post(client, url, {"decision": "confirm"}).status_code == 403
    second = app.test_client()
    make.sign_in(second, bert)
    assert "Ada Admin" in second.get("/administration/requests").text
    assert make.post(second, url, {"decision": "confirm"}).status_code == 303
    assert [seat for seat in make.viewer(ada).seats if Role.CLINICIAN in seat.roles]
    assert make.post(second, url, {"decision": "refuse"}).status_code == 409
    whys = db.session.scalars(sa.select(Notice.why)).all()
    assert sorted(whys) == ["confirmation_asked", "confirmation_decided"]


def test_a_refused_role_is_not_given_and_one_s_own_request_can_be_taken_back(app):
    ada = make_people.administrator()
    bert = make.viewer(make_people.administrator("Bert Boss", "bert@example.org"))
    first = make_people.confirmation(ada, make.centre())
    actions.decide(first, False, by=bert)
    second = make_people.confirmation(ada, make.hospital(), Role.REFERRER)
    with pytest.raises(Forbidden):
        actions.take_back(second, by=bert)
    actions.take_back(second, by=make.viewer(ada))
    assert make.viewer(ada).seats == make.viewer(ada).seats[:1]
    with pytest.raises(Conflict):
        actions.decide(second, True, by=bert)


def test_asking_twice_asks_once(app):
    ada, centre = make_people.administrator(), make.centre()
    assert make_people.confirmation(ada, centre) is make_people.confirmation(ada, centre)


def test_a_longer_role_of_one_s_own_needs_somebody_else(app):
    ada = make_people.administrator()
    make_people.administrator("Bert Boss", "bert@example.org")
    membership(ada).until_date = today() + timedelta(days=3)
    with pytest.raises(Invalid, match="Another administrator"):
        actions.change_until(membership(ada), None, by=make.viewer(ada))


def test_a_role_is_never_written_for_oneself(app):
    ada = make_people.administrator()
    with pytest.raises(Forbidden):
        actions.join(ada, make.centre(), Role.CLINICIAN, by=make.viewer(ada))


def test_whoever_covers_for_an_administrator_cannot_confirm_what_that_one_asked(app):
    ada = make_people.administrator()
    asked = make_people.confirmation(ada, make.centre())
    office = queries.organisation("NETWORK")
    carl = make.person(office, Role.RESEARCHER, name="Carl Cover")
    make_people.cover(ada, carl, office)
    acting = make.viewer(carl)
    sitting = next(seat for seat in acting.seats if seat.for_id == ada.id)
    with pytest.raises(Forbidden):
        actions.decide(asked, True, by=replace(acting, seat=sitting))


def test_the_only_administrator_is_told_how_it_is_resolved(client):
    ada = make_people.administrator()
    make_people.confirmation(ada, make.centre())
    make.sign_in(client, ada)
    page = client.get("/administration/requests").text
    assert "There is no second administrator" in page
    assert "netreg people confirm" in page


def test_the_operator_s_command_confirms_and_is_kept(app):
    from registry.people.commands import people

    ada = make_people.administrator()
    asked = make_people.confirmation(ada, make.centre())
    number = str(asked.id)
    db.session.commit()

    def run(*words):
        return CliRunner().invoke(people, list(words), obj=lambda: app)

    assert number in run("confirm").output
    assert "Confirmed." in run("confirm", number).output
    assert "Nothing waits" in run("confirm").output
    assert run("confirm", number).exit_code == 1
    assert [seat for seat in make.viewer(ada).seats if Role.CLINICIAN in seat.roles]
    [kept] = entries("confirmed for administrator")
    assert (kept.person_id, kept.person_name) == (None, "netreg people confirm")


# -- cover for absence -------------------------------------------------------------------------


def test_the_cover_sits_in_the_seat_and_acts_for_the_absent(client, app):
    centre = make.centre()
    alice = make.person(centre, Role.TRIAGE_COORDINATOR, name="Alice Adler")
    bob = make.person(centre, Role.RESEARCHER, name="Bob Baker")
    ada = make_people.administrator()
    make.sign_in(client, ada)
    day, last = today(), today() + timedelta(days=7)
    answer = make.post(
        client,
        f"/administration/people/{alice.id}/cover",
        {
            "cover": str(bob.id),
            "organisation": str(centre.id),
            "from_date": day.isoformat(),
            "until_date": last.isoformat(),
        },
    )
    assert answer.status_code == 303
    stands_in = app.test_client()
    make.sign_in(stands_in, bob)
    assert stands_in.get("/worklist").status_code == 403  # in one's own seat nothing changes
    [seat] = [seat for seat in make.viewer(bob).seats if seat.for_id == alice.id]
    make.post(stands_in, "/organisation", {"organisation_id": seat.key})
    page = stands_in.get("/worklist")
    assert page.status_code == 200
    assert "for Alice Adler" in page.text
    [kept] = entries("took a seat")
    assert (kept.person_name, kept.for_name, kept.for_id) == ("Bob Baker", "Alice Adler", alice.id)
    assert "for Alice Adler" in client.get("/administration/audit").text
    whys = {(n.person_id, n.why) for n in db.session.scalars(sa.select(Notice))}
    assert whys == {(bob.id, "cover_arranged"), (alice.id, "covered")}


def test_a_cover_ends_with_its_last_day_and_at_once_when_it_is_ended(app):
    centre = make.centre()
    alice = make.person(centre, Role.TRIAGE_COORDINATOR, name="Alice Adler")
    bob = make.person(centre, Role.CLINICIAN, name="Bob Baker")
    made = make_people.cover(alice, bob, centre)
    ada = make.viewer(queries.person_by_email("hannah@example.org"))
    assert len(make.viewer(bob).seats) == 2
    made.from_date = made.until_date = today() - timedelta(days=1)
    db.session.flush()
    assert len(make.viewer(bob).seats) == 1
    made.until_date = today()
    db.session.flush()
    assert len(make.viewer(bob).seats) == 2
    actions.end_cover(made, by=ada)
    assert len(make.viewer(bob).seats) == 1


def test_the_cover_has_no_more_than_the_absent(app):
    centre = make.centre()
    alice = make.person(centre, Role.TRIAGE_COORDINATOR, name="Alice Adler")
    bob = make.person(centre, Role.CLINICIAN, name="Bob Baker")
    make_people.cover(alice, bob, centre)
    held = membership(alice)
    held.from_date = held.until_date = today() - timedelta(days=1)
    db.session.flush()
    assert len(make.viewer(bob).seats) == 1


def test_whoever_covers_is_told_what_the_absent_is_told(app):
    centre = make.centre()
    alice = make.person(centre, Role.TRIAGE_COORDINATOR, name="Alice Adler")
    bob = make.person(centre, Role.CLINICIAN, name="Bob Baker")
    make_people.cover(alice, bob, centre)
    actions.tell([alice.id], "referral_received", subject=("referral", alice.id))
    told = db.session.scalars(sa.select(Notice).where(Notice.why == "referral_received"))
    assert {one.person_id for one in told} == {alice.id, bob.id}


def _cover(absent, by_whom, place, *, since=0, until=7):
    ada = queries.person_by_email("ada@example.org") or make_people.administrator()
    return actions.arrange_cover(
        absent,
        by_whom,
        place,
        by=make.viewer(ada),
        since=today() + timedelta(days=since),
        until=today() + timedelta(days=until),
    )


def test_a_cover_that_makes_no_sense_is_refused(app):
    centre, hospital = make.centre(), make.hospital()
    alice = make.person(centre, Role.TRIAGE_COORDINATOR, name="Alice Adler")
    bob = make.person(centre, Role.CLINICIAN, name="Bob Baker")
    for field, arguments in {
        "cover": (alice, alice, centre, {}),
        "organisation": (alice, bob, hospital, {}),
        "until_date": (alice, bob, centre, {"since": 3, "until": 1}),
    }.items():
        absent, by_whom, place, days = arguments
        with pytest.raises(Invalid) as refused:
            _cover(absent, by_whom, place, **days)
        assert refused.value.field == field
    with pytest.raises(Invalid, match="past"):
        _cover(alice, bob, centre, since=-3, until=-1)
    with pytest.raises(Invalid, match="a year"):
        _cover(alice, bob, centre, until=400)
    _cover(alice, bob, centre)
    with pytest.raises(Invalid, match="already"):
        _cover(alice, bob, centre, since=5, until=9)


def _lead(place, name="Lena Lead"):
    return make.person(place, Role.LEAD, name=name)


def _days(until=7):
    return {
        "from_date": today().isoformat(),
        "until_date": (today() + timedelta(days=until)).isoformat(),
    }


def test_a_lead_arranges_cover_in_the_own_house_and_ends_it(client, app):
    hospital = make.hospital()
    lena = _lead(hospital)
    alice = make.person(hospital, Role.REFERRER, name="Alice Adler")
    bob = make.person(hospital, Role.REFERRER, name="Bob Baker")
    make.sign_in(client, lena)
    chosen = {"absent": str(alice.id), "cover": str(bob.id), **_days()}
    page = make.post(client, "/administration/cover", chosen, follow_redirects=True)
    assert "The cover was arranged." in page.text
    [seat] = [seat for seat in make.viewer(bob).seats if seat.for_id == alice.id]
    [kept] = entries("arranged cover")
    assert (kept.person_id, kept.subject_id) == (lena.id, str(alice.id))
    make.post(client, "/administration/cover/end", {"cover": str(seat.cover_id)})
    assert len(make.viewer(bob).seats) == 1
    assert "ended" in client.get("/administration/cover").text


def test_a_lead_arranges_nothing_elsewhere(client, app):
    hospital, elsewhere = make.hospital(), make.hospital("HOSP-9", "Elsewhere")
    lena = _lead(hospital)
    alice = make.person(elsewhere, Role.REFERRER, name="Alice Adler")
    bob = make.person(elsewhere, Role.REFERRER, name="Bob Baker")
    theirs = make_people.cover(alice, bob, elsewhere)
    by, days = make.viewer(lena), {"since": today(), "until": today()}
    with pytest.raises(Forbidden):
        actions.arrange_cover(bob, alice, elsewhere, by=by, **days)
    with pytest.raises(Forbidden):
        actions.end_cover(theirs, by=by)
    make.sign_in(client, lena)
    page = client.get("/administration/cover").text
    assert "Alice Adler" not in page
    sent = {"absent": str(bob.id), "cover": str(lena.id), **_days()}
    assert make.post(client, "/administration/cover", sent).status_code == 422
    ended = make.post(client, "/administration/cover/end", {"cover": str(theirs.id)})
    assert (ended.status_code, theirs.ended_at) == (422, None)
    referrer = app.test_client()
    make.sign_in(referrer, alice)
    assert referrer.get("/administration/cover").status_code == 403


def test_a_lead_hands_on_no_right_that_a_lead_could_not_give(app):
    hospital = make.hospital()
    lena, bob = _lead(hospital), make.person(hospital, Role.REFERRER, name="Bob Baker")
    stranger = make.person(make.hospital("HOSP-9", "Elsewhere"), Role.REFERRER, name="Sam Strange")
    dora = make.person(hospital, Role.CLINICIAN, Role.DATA_MANAGER, name="Dora Data")
    later = make.person(hospital, Role.CLINICIAN, name="Lou Later")
    boss = make.viewer(make_people.administrator())
    actions.give_role(
        later, hospital, Role.ADMINISTRATOR, by=boss, since=today() + timedelta(days=5)
    )
    by = make.viewer(lena)
    week = {"since": today(), "until": today() + timedelta(days=7)}
    for absent, by_whom, field in (
        (dora, bob, "absent"),
        (later, bob, "absent"),
        (bob, stranger, "cover"),
    ):
        with pytest.raises(Invalid) as refused:
            actions.arrange_cover(absent, by_whom, hospital, by=by, **week)
        assert refused.value.field == field
    actions.arrange_cover(lena, bob, hospital, by=by, **week)  # a lead goes away as well


def test_a_lead_who_would_cover_waits_for_an_administrator(client, app):
    hospital = make.hospital()
    lena, alice = _lead(hospital), make.person(hospital, Role.REFERRER, name="Alice Adler")
    ada = make_people.administrator()
    make.sign_in(client, lena)
    sent = {"absent": str(alice.id), "cover": str(lena.id), **_days()}
    page = make.post(client, "/administration/cover", sent, follow_redirects=True)
    assert "You asked to cover for Alice Adler" in page.text
    assert len(make.viewer(lena).seats) == 1
    [asked] = queries.waiting_confirmations()
    actions.decide(asked, True, by=make.viewer(ada))
    assert len(make.viewer(lena).seats) == 2


def test_an_administrator_who_would_cover_waits_for_a_second_one(app):
    centre = make.centre()
    ada = make.person(centre, Role.ADMINISTRATOR, name="Ada Admin", email="ada@example.org")
    alice = make.person(centre, Role.TRIAGE_COORDINATOR, name="Alice Adler")
    asked = _cover(alice, ada, centre)
    assert isinstance(asked, Confirmation)
    assert len(make.viewer(ada).seats) == 1
    actions.decide(asked, True, by=make.viewer(make_people.administrator("Bert", "b@example.org")))
    assert len(make.viewer(ada).seats) == 2


# -- accounts ----------------------------------------------------------------------------------


def test_people_are_found_by_name_address_role_place_and_state(client):
    make.sign_in(client, make_people.administrator())
    place = make.hospital()
    make.person(place, Role.REFERRER, name="Alice Adler")
    gone = make.person(place, Role.REFERRER, name="Gerda Gone")
    gone.active = False

    def found(query):
        return client.get(f"/administration/people?{query}").text

    assert "Gerda Gone" not in found("q=alice")
    assert "Alice Adler" in found("q=adler@EXAMPLE")
    assert "Alice Adler" not in found("state=closed")
    assert "Alice Adler" in found(f"role=referrer&organisation={place.id}")
    assert "Nobody found" in found("role=researcher")


def test_a_closed_account_is_signed_out_and_its_history_stays(client, app):
    alice = make.person(make.hospital(), Role.REFERRER)
    doctor = app.test_client()
    make.sign_in(doctor, alice)
    make.sign_in(client, make_people.administrator())
    make.post(client, f"/administration/people/{alice.id}/active", {"active": "no"})
    assert doctor.get("/account").status_code == 303
    assert make.sign_in(doctor, alice).status_code == 422
    assert "Alice Adler" in client.get("/administration/audit?who=alice").text
    make.post(client, f"/administration/people/{alice.id}/active", {"active": "yes"})
    assert make.sign_in(doctor, alice).status_code == 303


def test_signing_out_everywhere_ends_every_session(client, app):
    alice = make.person(make.hospital(), Role.REFERRER)
    one, two = app.test_client(), app.test_client()
    make.sign_in(one, alice)
    make.sign_in(two, alice)
    make.sign_in(client, make_people.administrator())
    make.post(client, f"/administration/people/{alice.id}/sign-out")
    assert [c.get("/account").status_code for c in (one, two)] == [303, 303]
    left = sa.select(sa.func.count()).select_from(SignIn).where(SignIn.ended_at.is_(None))
    assert db.session.scalar(left) == 1  # the administrator's own


def test_one_signs_oneself_out_elsewhere(client, app):
    alice = make.person(make.hospital(), Role.REFERRER)
    make.sign_in(client, alice)
    other = app.test_client()
    make.sign_in(other, alice)
    make.post(client, "/account/sign-out-everywhere")
    assert client.get("/account").status_code == 200
    assert other.get("/account").status_code == 303


def test_name_and_address_change_with_what_changed_named_and_not_repeated(client):
    make.sign_in(client, make_people.administrator())
    alice = make.person(make.hospital(), Role.REFERRER)
    url = f"/administration/people/{alice.id}/edit"
    data = {"name": "Alice Adler-Baum", "email": "alice@new.example", "version": alice.version}
    assert make.post(client, url, data).status_code == 303
    db.session.refresh(alice)
    assert alice.email == "alice@new.example"
    [kept] = entries("changed account")
    assert set(kept.changes) == {"name", "email"}
    assert "alice" not in str(kept.changes).lower()
    again = make.post(client, url, data)
    assert again.status_code == 422
    assert "changed by somebody else" in again.text


def test_an_address_that_is_taken_or_none_is_refused(client):
    make.sign_in(client, make_people.administrator())
    alice = make.person(make.hospital(), Role.REFERRER)
    url = f"/administration/people/{alice.id}/edit"
    for email, message in {
        "ada@example.org": "There is an account with this address.",
        "a b@example.org": "Enter an e-mail address",
    }.items():
        data = {"name": "Alice", "email": email, "version": alice.version}
        assert message in make.post(client, url, data).text
