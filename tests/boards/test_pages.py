"""The pages of the boards, opened and sent as people do."""

from __future__ import annotations

import io
from datetime import timedelta

import sqlalchemy as sa
from icalendar import Calendar
from pypdf import PdfReader

from registry.access import Role
from registry.audit import AuditEntry
from registry.boards.actions import agenda
from registry.boards.actions import meetings as actions
from registry.boards.models import Meeting, Recommendation, Trial
from registry.boards.queries import advice as queries
from registry.boards.queries import agenda as agendas
from registry.boards.views import calendar
from registry.db import db, now
from tests import make, make_boards, make_course, make_documents, make_referrals


def a_meeting(*, begun=True, quorum=("physician", "surgery")):
    """A referral on the agenda of a meeting under way, its chair and the hospital's doctor."""
    network = make_referrals.network()
    chair = make_boards.chair(network.centre)
    by = make.viewer(chair)
    sent = make_referrals.referral(network, "accepted")
    found = make_boards.meeting(by, make_boards.board(by, quorum=list(quorum)))
    if begun:
        actions.begin(found, by=by)
    item = make_boards.case(by, found, sent.patient)
    return network, chair, found, item


def said(**more):
    facts = {
        "summary": "Slow.", "answer": "An SSA.", "o1-kind": "start_systemic",
        "o1-agent": "SSA_LAN", "responsible": "Dr Adler", "plain": "An injection.",
        "against_because": "Known to work.", "seen": "0",
    }  # fmt: skip
    return {**facts, **more}


def test_a_chair_writes_and_signs_and_the_referrer_gets_letters(app, client):
    network, chair, _found, item = a_meeting()
    make.sign_in(client, chair)
    page = client.get(f"/agenda/{item.id}")
    assert page.status_code == 200
    assert "Zonneveld" in page.text
    url = f"/agenda/{item.id}/recommendation"
    missing = make.post(client, url, said(plain="", do="sign"), page.text)
    assert missing.status_code == 422
    assert "Write it in words for the patient." in missing.text
    assert queries.draft(item) is None
    answer = make.post(client, url, said(do="sign"))
    assert answer.status_code == 303
    address = answer.headers["Location"]
    signed = client.get(address)
    assert "Not yet sent" in signed.text
    for recipient in ("referrer", "family_doctor", "patient"):
        letter = client.get(f"{address}/letters/{recipient}")
        assert "Zonneveld" in letter.text
        made = client.get(f"{address}/letters/{recipient}.pdf")
        text = PdfReader(io.BytesIO(made.data)).pages[0].extract_text()
        assert ("An injection." in text) == (recipient == "patient")
        assert ("Start systemic therapy" in text) == (recipient != "patient")
    alice = app.test_client()
    make.sign_in(alice, network.alice)
    assert alice.get(f"/agenda/{item.id}").status_code == 403
    assert "Please acknowledge" in alice.get(address).text
    assert make.post(alice, f"{address}/open").status_code == 303
    assert make.post(alice, f"{address}/acknowledge").status_code == 303
    refused = make.post(alice, f"{address}/followed", {"outcome": "not_done"})
    assert refused.status_code == 422
    assert "Choose the reason." in refused.text
    told = {"outcome": "not_done", "reason": "patient_wish"}
    assert make.post(alice, f"{address}/followed", told).status_code == 303
    page = client.get(address).text
    assert "Acknowledged" in page
    assert "The patient&#39;s wish" in page


def test_a_save_on_an_old_copy_shows_both_and_a_script_is_told(app, client):
    _network, chair, _found, item = a_meeting()
    make.sign_in(client, chair)
    url = f"/agenda/{item.id}/recommendation"
    assert make.post(client, url, said(do="save")).status_code == 303
    ours = make.post(client, url, said(summary="Fast.", seen="0", do="save"))
    assert ours.status_code == 409
    assert "Fast." in ours.text
    assert "Slow." in ours.text
    script = {"X-Requested-With": "fetch"}
    answer = make.post(client, url, said(responsible="Dr Bob", seen="1"), headers=script)
    assert answer.json == {"seen": 2, "taken": {}}
    late = make.post(
        client, url, said(summary="Fast.", responsible="Dr Bob", seen="0"), headers=script
    )
    assert late.status_code == 409
    assert late.json["clashes"] == {"summary": ["Slow."]}


def test_who_looks_on_is_told_only_of_changes(app, client):
    _network, chair, found, item = a_meeting()
    make.sign_in(client, chair)
    url = f"/agenda/{item.id}/live"
    first = client.get(url)
    assert "No quorum" in first.text
    same = {"If-None-Match": first.headers["ETag"]}
    db.session.commit()
    with make.counted() as asked:
        assert client.get(url, headers=same).status_code == 304
    # everybody who looks on asks twice a second: who it is, the case with its meeting, the relation
    assert len([one for one in asked if one.startswith("SELECT")]) == 3, "\n".join(asked)
    surgeon = make.person(found.organisation, Role.CLINICIAN, name="Sam Surgeon")
    db.session.commit()
    sent = {"person": str(surgeon.id), "discipline": "surgery", "do": "there"}
    assert make.post(client, f"/meetings/{found.id}/attendance", sent).status_code == 303
    sent = {"person": str(chair.id), "discipline": "oncology", "do": "there"}
    assert make.post(client, f"/meetings/{found.id}/attendance", sent).status_code == 303
    changed = client.get(url, headers=same)
    assert changed.status_code == 200
    assert "Quorum" in changed.text
    assert "No quorum" not in changed.text


def test_who_looks_on_is_at_work_while_the_meeting_is_under_way_and_not_after_it(app, client):
    _network, chair, found, item = a_meeting()
    make.sign_in(client, chair)
    url, by = f"/agenda/{item.id}/live", make.viewer(chair)

    def noted():
        """Is the session, last used two minutes ago, used anew by the page's own asking?"""
        with client.session_transaction() as session:
            session["seen"] = before = session["seen"] - 120
        client.get(url)
        with client.session_transaction() as session:
            return session["seen"] > before

    assert noted()
    actions.close(found, by=by)
    assert not noted()


def test_the_agenda_and_its_pack(app, client):
    _network, chair, found, item = a_meeting(begun=False)
    make_course.a_course(item.patient, make.viewer(chair))
    make.sign_in(client, chair)
    page = client.get(f"/meetings/{found.id}")
    assert "Zonneveld" in page.text
    pack = client.get(f"/meetings/{found.id}/pack.pdf")
    text = "".join(one.extract_text() for one in PdfReader(io.BytesIO(pack.data)).pages)
    assert item.patient.pseudonym in text
    assert "Options to discuss" in text
    assert client.get("/boards").status_code == 200
    assert client.get("/recommendations").status_code == 200


def test_a_board_and_its_dates_are_set_up_by_form(app, client):
    centre = make.centre()
    make.sign_in(client, make_boards.chair(centre))
    form = {
        "name": "NET board", "cross_centre": "no", "active": "yes", "every_weeks": "1",
        "weekday": "1", "starts": "08:30", "minutes": "60", "time_zone": "Europe/Amsterdam",
        "capacity": "10", "cutoff_hours": "24", "two_signatures": "no", "quorum": "surgery",
    }  # fmt: skip
    answer = make.post(client, "/boards/new", form)
    assert answer.status_code == 303
    dates = db.session.scalars(sa.select(Meeting.starts_at).order_by(Meeting.starts_at)).all()
    assert len(dates) in (13, 14)
    assert {one.weekday() for one in dates} == {1}
    assert client.get(answer.headers["Location"]).status_code == 200
    wrong = make.post(client, "/boards/new", {**form, "starts": "25:00"})
    assert "Enter a time such as 08:30." in wrong.text
    board = answer.headers["Location"]
    single = {"starts": "08:30", "minutes": "60", "capacity": "9"}
    for day, message in (
        ("2020-01-06", "This day is over."),
        ("9999-12-31", "Enter a day of the next two years."),
        ("2026-02-30", "Enter a real date"),
    ):
        for kind in ("meetings", "written"):
            refused = make.post(client, f"{board}/{kind}", {**single, "day": day})
            assert (refused.status_code, message in refused.text) == (422, True)


def test_the_calendar_is_open_to_who_knows_its_address_until_there_is_a_new_one(app, client):
    _network, chair, found, _item = a_meeting(begun=False)
    by = make.viewer(chair)
    feed = actions.new_calendar_address(by=by)
    db.session.commit()
    first = f"/calendar/{calendar.secret_of(feed)}.ics"
    [event] = Calendar.from_ical(client.get(first).data).walk("VEVENT")
    assert event["SUMMARY"] == found.board.name
    assert event["DTSTART"].dt == found.starts_at.replace(microsecond=0)
    assert b"Zonneveld" not in client.get(first).data
    actions.new_calendar_address(by=by)
    db.session.commit()
    assert client.get(first).status_code == 404
    assert client.get("/calendar/nonsense.ics").status_code == 404


def test_the_agenda_asks_as_often_for_one_case_as_for_eight(app, client):
    chair = make_boards.chair(make.centre())
    by = make.viewer(chair)
    found = make_boards.meeting(by, starts=now() + timedelta(days=2))
    make.sign_in(client, chair)
    numbers = []
    for cases in (1, 7):
        for number in range(cases):
            make_boards.case(by, found, make.patient(by, family_name=f"Name{number}"))
        client.get(f"/meetings/{found.id}")
        db.session.expire_all()
        with make.counted() as asked:
            client.get(f"/meetings/{found.id}")
        numbers.append(len(asked))
    assert numbers[0] == numbers[1]
    assert numbers[0] <= 32


def test_nothing_of_a_draft_is_a_recommendation_yet(app, client):
    _network, chair, _found, item = a_meeting()
    make.sign_in(client, chair)
    make.post(client, f"/agenda/{item.id}/recommendation", said(do="save"))
    draft = db.session.scalars(sa.select(Recommendation)).one()
    assert client.get(f"/recommendations/{draft.id}").status_code == 404


def test_a_written_consultation_asks_invited_experts_and_keeps_their_answers(app, client):
    centre = make.centre()
    chair = make_boards.chair(centre)
    by = make.viewer(chair)
    board = make_boards.board(by)
    gus = make.person(make.centre("CENTRE-2"), Role.GUEST_EXPERT, name="Gus Guest")
    make.sign_in(client, chair)
    day = (now() + timedelta(days=5)).date()
    until = {"day-year": str(day.year), "day-month": str(day.month), "day-day": str(day.day)}
    answer = make.post(client, f"/boards/{board.id}/written", until)
    assert answer.status_code == 303
    found = db.session.scalars(sa.select(Meeting).where(Meeting.kind == "written")).one()
    item = make_boards.case(by, found)
    db.session.commit()
    asked = {"person": str(gus.id), "discipline": "surgery"}
    assert make.post(client, f"/meetings/{found.id}/guests", asked).status_code == 303
    guest = app.test_client()
    make.sign_in(guest, gus)
    assert "Your opinion" in guest.get(f"/agenda/{item.id}").text
    silent = make.post(guest, f"/agenda/{item.id}/vote", {"choice": "disagree"})
    assert "Say it in words." in guest.get(silent.headers["Location"]).text
    assert "No answer yet:" in client.get(f"/agenda/{item.id}/live").text
    said = {"choice": "disagree", "text": "I would operate."}
    assert make.post(guest, f"/agenda/{item.id}/vote", said).status_code == 303
    live = client.get(f"/agenda/{item.id}/live").text
    assert "I would operate." in live
    assert "No answer yet:" not in live
    signed = make_boards.signed(item, by)
    assert signed.content["votes"] == [
        {"who": "Gus Guest", "choice": "disagree", "text": "I would operate."}
    ]


def test_the_screen_of_a_case_asks_a_bounded_number_of_times(app, client):
    _network, chair, _found, item = a_meeting()
    make_course.a_course(item.patient, make.viewer(chair))
    make.sign_in(client, chair)
    client.get(f"/agenda/{item.id}")
    db.session.expire_all()
    with make.counted() as asked:
        client.get(f"/agenda/{item.id}")
    assert len(asked) <= 75, "\n".join(asked)  # 25 of them are the record, one an entity


def test_a_guest_opens_the_documents_of_a_case_while_the_meeting_lasts(app, client):
    chair = make_boards.chair(make.centre())
    by = make.viewer(chair)
    gus = make.person(make.centre("CENTRE-2"), Role.GUEST_EXPERT, name="Gus Guest")
    found = make_boards.meeting(by, starts=now() - timedelta(minutes=5))
    item, other = make_boards.case(by, found), make.patient(by, family_name="Otter")
    picture = make_documents.picture()
    report = make_documents.kept(item.patient, by, picture, name="Zonneveld biopsy.png")
    letter = make_documents.kept(item.patient, by, picture, kind="summary_letter")
    foreign = make_documents.kept(other, by, picture)
    actions.invite(found, gus, "surgery", by=by)
    make.sign_in(client, gus)
    page = client.get(f"/agenda/{item.id}").text
    assert "Pathology report" in page
    assert "Zonneveld" not in page
    got = client.get(f"/agenda/{item.id}/documents/{report.id}")
    assert got.data == picture
    assert "Zonneveld" not in got.headers["Content-Disposition"]
    assert client.get(f"/documents/{report.id}/file").status_code == 403
    for hidden in (letter, foreign):
        assert client.get(f"/agenda/{item.id}/documents/{hidden.id}").status_code == 404
    entry = sa.select(AuditEntry.subject_id).where(
        AuditEntry.action == "downloaded document", AuditEntry.person_id == gus.id
    )
    assert db.session.scalars(entry).all() == [str(report.id)]
    db.session.refresh(found)
    actions.begin(found, by=by)
    actions.close(found, by=by)
    db.session.commit()
    assert client.get(f"/agenda/{item.id}/documents/{report.id}").status_code == 404


def test_a_trial_is_added_and_changed_by_form(app, client):
    make.sign_in(client, make_boards.chair(make.centre()))
    form = {
        "code": "NCT-1", "title": "A trial", "status": "open", "countries": "nl; DE",
        "grade": ["G2", "G3"], "ki67_from": "10", "ki67_to": "55", "prior_none": "PRRT",
        "prior_none_agent": "EVE", "functioning": "no",
    }  # fmt: skip
    assert make.post(client, "/trials/new", form).status_code == 303
    found = db.session.scalars(sa.select(Trial)).one()
    assert found.countries == ["NL", "DE"]
    assert found.criteria == {
        "grade": ["G2", "G3"], "ki67": [10, 55], "functioning": ["no"],
        "prior_none": ["PRRT", "EVE"],
    }  # fmt: skip
    url = f"/trials/{found.id}"
    page = client.get(url).text
    assert "Everolimus" in page or "everolimus" in page
    again = make.post(client, "/trials/new", form)
    assert again.status_code == 422
    assert "A trial with this number is there already." in again.text
    wrong = make.post(client, url, {**form, "version": "1", "ki67_to": "5", "countries": "XX"})
    assert "No such country: XX" in wrong.text
    turned = make.post(client, url, {**form, "version": "1", "ki67_to": "5"})
    assert "This cannot be: look at it again." in turned.text
    closed = {**form, "version": "1", "status": "closed", "prior_none": ["PRRT", "EVE"]}
    assert make.post(client, url, closed).status_code == 303
    db.session.refresh(found)
    assert (found.status, found.criteria["prior_none"]) == ("closed", ["PRRT", "EVE"])
    late = make.post(client, url, {**closed, "title": "Another"})
    assert late.status_code == 409
    assert "Another" in late.text  # what was typed is not lost


def test_who_is_listed_for_the_board_stands_before_who_is_only_accepted(app):
    network = make_referrals.network()
    by = make.viewer(make_boards.chair(network.centre))
    accepted = make_referrals.referral(network, "accepted")
    listed = make_referrals.referral(network, "listed_for_board")
    found = make_boards.meeting(by)
    rows = agendas.candidates(by, found)
    assert [(one.referral_id, one.is_listed) for one in rows] == [
        (listed.id, True), (accepted.id, False),
    ]  # fmt: skip


def test_before_and_after_the_meeting_no_address_opens_anything_to_a_guest(app, client):
    """Every address about a board, a meeting or a case, to look at and to write; during the
    meeting the agenda and the case are there."""
    by = make.viewer(make_boards.chair(make.centre()))
    gus = make.person(make.centre("CENTRE-2"), Role.GUEST_EXPERT, name="Gus Guest")
    found = make_boards.meeting(by, starts=now() + timedelta(minutes=5))
    item = make_boards.case(by, found)
    need = agenda.ask(item, "Images", by=by, asked_of="Radiology")
    report = make_documents.kept(item.patient, by)
    actions.invite(found, gus, "surgery", by=by)
    ids = {
        "board_id": found.board_id, "meeting_id": found.id, "item_id": item.id,
        "need_id": need.id, "document_id": report.id, "patient_id": item.patient_id,
    }  # fmt: skip
    make.sign_in(client, gus)
    token = make.token(client.get("/account").text)
    with app.test_request_context():
        rules = [one for one in app.url_map.iter_rules() if one.endpoint.startswith("boards.")]
        addresses = [
            (method, one.build({name: ids[name] for name in one.arguments})[1])
            for one in rules
            if one.arguments and one.arguments <= set(ids)
            for method in ("GET", "POST")
            if method in one.methods
        ]

    def opened():
        return {
            (method, address)
            for method, address in addresses
            if client.open(
                address, method=method, data={"csrf_token": token} if method == "POST" else None
            ).status_code
            not in (403, 404)
        }

    assert len(addresses) > 20
    assert opened() == set()
    meeting, case = f"/meetings/{ids['meeting_id']}", f"/agenda/{ids['item_id']}"
    during = {
        ("GET", meeting), ("GET", case), ("GET", f"{case}/live"),
        ("GET", f"{case}/documents/{ids['document_id']}"),
        ("POST", f"{meeting}/attendance"), ("POST", f"{case}/dissent"), ("POST", f"{case}/vote"),
    }  # fmt: skip
    for minutes, wanted in ((-5, during), (-90, set())):  # it lasts an hour
        found.starts_at = now() + timedelta(minutes=minutes)
        found.ends_at = found.starts_at + timedelta(hours=1)
        db.session.commit()
        assert opened() == wanted
