"""Setting up hospitals and centres."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa

from registry.access import Role
from registry.audit import AuditEntry
from registry.db import db
from registry.errors import Conflict, Invalid
from registry.people import actions, queries
from registry.people.models import Organisation
from registry.referrals import actions as referrals
from registry.referrals.models import Referral
from tests import make, make_people, make_referrals

FORM = {
    "kind": "reference_centre",
    "name": "Heather NET Centre",
    "code": "NL-HEATHER",
    "country": "NL",
    "city": "Heatherdale",
    "time_zone": "Europe/Amsterdam",
    "languages": ["en", "nl"],
    "emergency_telephone": "+31 20 555 0199",
    "sites": ["pancreas", "small_bowel"],
    "services": ["prrt"],
    "weekly_capacity": "8",
    "board_weekday": "2",
    "board_cutoff": "12:00 the day before",
}


def boss(client):
    ada = make_people.administrator()
    make.sign_in(client, ada)
    return ada


def place(code="NL-HEATHER"):
    return queries.organisation(code)


def send(client, url, data):
    return make.post(client, url, data)


def test_a_centre_is_set_up(client):
    boss(client)
    answer = send(client, "/administration/organisations/new", FORM)
    assert answer.status_code == 303
    made = place()
    assert (made.sites, made.services) == (["pancreas", "small_bowel"], ["prrt"])
    assert (made.weekly_capacity, made.board_weekday, made.languages) == (8, 2, ["en", "nl"])
    page = client.get(answer.headers["Location"]).text
    for shown in ("+31 20 555 0199", "Wednesday", "Peptide receptor radionuclide", "Netherlands"):
        assert shown in page


def test_what_is_wrong_is_said_at_the_field(client):
    boss(client)
    wrong = (
        ({"emergency_telephone": ""}, "Enter the number for emergencies."),
        ({"emergency_telephone": "ask me"}, "Enter a telephone number"),
        ({"sites": []}, "Choose the primary sites the centre takes."),
        ({"code": "lower"}, "Use 2 to 20 capital letters"),
        ({"latitude": "52.1"}, "Enter both latitude and longitude"),
        ({"latitude": "97", "longitude": "5"}, "Must be from -90 to 90"),
        ({"time_zone": "Europe/Nowhere"}, "Choose one of the options."),
        ({"country": "Atlantis"}, "Choose from the list"),
    )
    for changed, message in wrong:
        answer = send(client, "/administration/organisations/new", {**FORM, **changed})
        assert answer.status_code == 422
        assert message in answer.text
        assert "Heather NET Centre" in answer.text


def test_a_hospital_has_no_board(client):
    boss(client)
    send(client, "/administration/organisations/new", {**FORM, "kind": "referring_hospital"})
    made = place()
    assert (made.sites, made.weekly_capacity, made.emergency_telephone) == ([], None, "")


def test_two_places_cannot_have_one_code(client):
    boss(client)
    make.centre("NL-HEATHER")
    answer = send(client, "/administration/organisations/new", FORM)
    assert "Another organisation has this code." in answer.text


def test_a_change_is_kept_with_before_and_after(client):
    boss(client)
    made = make.centre("NL-HEATHER", sites=["pancreas"])
    url = f"/administration/organisations/{made.id}/edit"
    answer = send(client, url, {**FORM, "version": made.version})
    assert answer.status_code == 303
    entry = db.session.scalars(
        sa.select(AuditEntry).where(AuditEntry.action == "changed organisation")
    ).one()
    assert entry.changes["sites"] == [["pancreas"], ["pancreas", "small_bowel"]]


def test_an_edit_on_an_old_copy_shows_what_was_saved(client):
    ada = boss(client)
    made = make.centre("NL-HEATHER", sites=["pancreas"])
    old = made.version
    actions.change_organisation(made, by=make.viewer(ada), version=old, city="Elsewhere")
    answer = send(client, f"/administration/organisations/{made.id}/edit", {**FORM, "version": old})
    assert answer.status_code == 422
    assert "Somebody saved this meanwhile" in answer.text
    assert "Elsewhere" in answer.text
    assert 'value="Heatherdale"' in answer.text
    assert f'name="version" value="{made.version}"' in answer.text


def test_a_deactivated_centre_keeps_its_history_and_gets_no_case(client):
    boss(client)
    made = make.centre()
    clara = make.person(made, Role.CLINICIAN, name="Clara Centre")
    url = f"/administration/organisations/{made.id}/active"
    answer = send(client, url, {"active": "no", "version": made.version})
    assert answer.status_code == 303
    assert made not in queries.centres(make.viewer(clara))
    assert make.viewer(clara).seat is None
    assert "Deactivated" in client.get(f"/administration/organisations/{made.id}").text
    db.session.refresh(made)
    send(client, url, {"active": "yes", "version": made.version})
    assert make.viewer(clara).seat is not None


def test_a_centre_with_an_open_case_is_not_closed_as_nobody_would_see_it_become_late(client):
    boss(client)
    net = make_referrals.network()
    make_referrals.referral(net)
    accepted = make_referrals.referral(net, "accepted")
    db.session.commit()
    url = f"/administration/organisations/{net.centre.id}/active"
    answer = send(client, url, {"active": "no", "version": net.centre.version})
    assert answer.status_code == 422
    assert "It has 2 open cases." in answer.text
    assert queries.organisation_by_id(net.centre.id).active
    by = net.viewer("carla")
    referrals.take(accepted, "close", by=by, version=accepted.version, text="Cared for at home.")
    [other] = db.session.scalars(sa.select(Referral).where(Referral.phase == "live"))
    referrals.take(other, "decline", by=by, version=other.version, text="No NET.")
    db.session.commit()
    answer = send(client, url, {"active": "no", "version": net.centre.version})
    assert answer.status_code == 303


def test_the_office_of_the_last_administrator_stays(app):
    ada = make.viewer(make_people.administrator())
    bert = make.viewer(make.person(make.centre(), Role.ADMINISTRATOR, name="Bert Boss"))
    office = queries.organisation("NETWORK")
    actions.set_organisation_active(office, False, by=bert, version=office.version)
    with pytest.raises(Invalid, match="last administrator"):
        _close_own_place(ada, bert)


def _close_own_place(ada, bert):
    centre = queries.organisation("CENTRE-1")
    actions.set_organisation_active(centre, False, by=ada, version=centre.version)


def test_the_place_one_works_for_cannot_be_closed(app):
    ada = make.viewer(make_people.administrator())
    office = queries.organisation("NETWORK")
    with pytest.raises(Invalid, match="working for this organisation"):
        actions.set_organisation_active(office, False, by=ada, version=office.version)


def test_an_old_copy_cannot_be_closed(app):
    ada = make.viewer(make_people.administrator())
    made = make.centre()
    with pytest.raises(Conflict):
        actions.set_organisation_active(made, False, by=ada, version=made.version + 1)


def test_they_are_found_by_name_code_and_city_and_paged(client):
    boss(client)
    for number in range(60):
        make.hospital(f"H-{number:02}", f"Hospital {number:02}", city="Ümlautstadt")
    make.hospital("X-1", "Ångström Clinic")
    page = client.get("/administration/organisations").text
    assert "62 organisations" in page
    assert page.count("data-label=") < 51 * 6
    assert "page=2" in page
    assert "Ångström" in client.get("/administration/organisations?q=Ångström").text
    assert "1 organisation<" in client.get("/administration/organisations?q=h-07 hospital").text
    assert "60 organisations" in client.get("/administration/organisations?q=Ümlautstadt").text
    assert "Nothing found" in client.get("/administration/organisations?q=%25").text


def _queries(client, url):
    seen = []

    def note(connection, cursor, statement, *rest):
        seen.append(statement)

    db.session.commit()
    db.session.expire_all()
    sa.event.listen(db.engine, "before_cursor_execute", note)
    try:
        assert client.get(url).status_code == 200
    finally:
        sa.event.remove(db.engine, "before_cursor_execute", note)
    return len([one for one in seen if re.match(r"\s*SELECT", one)])


PAGES = (
    "/administration/organisations",
    "/administration/people",
    "/administration/audit",
    "/administration/requests",
)


def test_the_number_of_queries_does_not_grow(app, client):
    boss(client)
    one = make.hospital("H-1", "Hospital 1")
    make.person(one, Role.REFERRER, name="First Doctor")
    make_people.account_request(one, email="first@example.org")
    few = {url: _queries(client, url) for url in PAGES}
    for number in range(2, 30):
        more = make.hospital(f"H-{number}", f"Hospital {number}")
        make.person(more, Role.REFERRER, Role.LEAD, name=f"Doctor {number}")
        if number < 8:
            make_people.account_request(more, email=f"r{number}@example.org")
    assert {url: _queries(client, url) for url in PAGES} == few
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Organisation)) == 30
