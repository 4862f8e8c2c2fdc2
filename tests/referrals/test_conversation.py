"""What is asked, answered, said and noted; passing on, reopening, and the mornings of a centre."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa

from registry.access import Role
from registry.db import acting_at, db, now
from registry.errors import Conflict, Forbidden, Invalid, NotFound
from registry.patients import actions as patients
from registry.people.models import Notice
from registry.referrals import actions, queries
from registry.referrals.actions import More, mornings, telling
from registry.referrals.models import ReferralEvent
from tests import make, make_referrals

NOTE = "We should ask Chris, quietly."


def told(person):
    query = sa.select(Notice.why).where(Notice.person_id == person.id).order_by(Notice.at)
    return list(db.session.scalars(query))


def take(referral, name, net, who, **needs):
    return actions.take(referral, name, by=net.viewer(who), version=referral.version, **needs)


def texts(net, who, referral):
    return [one.text for one in queries.thread(net.viewer(who), referral) if one.text]


# -- asking and answering ----------------------------------------------------------------------


def test_a_question_of_items_is_kept_and_its_answer_runs_the_clock_again(app):
    net = make_referrals.network()
    referral = make_referrals.referral(net)
    asked = More(items=("pathology.lab",), by_date=now().date() + timedelta(days=7))
    with pytest.raises(Invalid):
        take(referral, "request_information", net, "carla")
    missing = queries.latest_submission(referral).missing[0]["variable"]
    of = "Pathology in Adorp"
    more = More(items=(missing, "made.up"), asked_of=of, by_date=asked.by_date)
    take(referral, "request_information", net, "carla", more=more)
    found = queries.open_request(referral)
    assert (found.asked_of, found.by_date) == (of, asked.by_date)
    assert found.items == [missing]  # what is no item is not asked
    assert (referral.clock, found.stops_clock) == ("stopped", True)
    event = take(referral, "answer", net, "bob", text="It was never measured.")
    assert (referral.clock, referral.state) == ("running", "submitted")
    assert queries.open_request(referral) is None
    assert event.text == "It was never measured."
    assert told(net.carla)[-1] == "information_given"


def test_who_comes_while_the_form_is_being_filled_in_is_told_that_and_not_of_the_step_before(app):
    net = make_referrals.network()
    referral = make_referrals.referral(net, "information_requested")
    seen, bob = referral.version, net.viewer("bob")
    actions.save_draft(referral, {"question": ["trial"]}, by=bob, version=seen)
    with pytest.raises(Conflict, match="Bob Bakker has typed in the form"):
        actions.take(referral, "answer", by=net.viewer("alice"), version=seen, text="2 %.")


def test_in_the_urgent_lane_a_question_stops_nothing(app):
    net = make_referrals.network()
    referral = make_referrals.referral(net, case_=make_referrals.case(urgency="urgent"))
    take(referral, "request_information", net, "carla", text="Which Ki-67?")
    assert referral.clock == "running"
    assert not queries.open_request(referral).stops_clock
    assert told(net.carla) == ["urgent_referral_received"]
    assert told(net.alice) == ["urgent_information_requested"]


def test_a_question_asked_by_mistake_is_taken_back(app):
    net = make_referrals.network()
    referral = make_referrals.referral(net, "information_requested")
    take(referral, "take_back_request", net, "carla")
    assert (referral.state, referral.clock) == ("submitted", "running")
    assert queries.open_request(referral) is None


# -- messages and notes ------------------------------------------------------------------------


def test_a_message_is_read_by_both_sides_and_new_until_read(app):
    net = make_referrals.network()
    referral = make_referrals.referral(net)
    alice, carla = net.viewer("alice"), net.viewer("carla")
    actions.say(referral, "Slides are on their way.", by=alice)
    assert texts(net, "carla", referral) == ["Slides are on their way."]
    assert queries.unread_of(carla, [referral.id]) == {referral.id}
    assert queries.unread_of(alice, [referral.id]) == set()
    actions.read(referral, by=carla)
    assert queries.unread_of(carla, [referral.id]) == set()
    assert not any(one.new for one in queries.thread(carla, referral))
    assert told(net.carla) == ["referral_received", "message_received"]


def test_the_same_message_sent_twice_is_one(app):
    net = make_referrals.network()
    referral = make_referrals.referral(net)
    key = referral.form_key
    for _time in range(2):
        actions.say(referral, "Hello.", by=net.viewer("alice"), form_key=key)
    assert texts(net, "alice", referral) == ["Hello."]


def test_a_note_is_never_seen_by_the_hospital_nor_by_the_next_centre(client):
    net = make_referrals.network()
    referral = make_referrals.referral(net)
    actions.say(referral, NOTE, by=net.viewer("carla"), note=True)
    take(referral, "assign", net, "carla", assignee_id=net.chris.id)
    assert texts(net, "chris", referral) == [NOTE]
    assert NOTE not in texts(net, "bob", referral)
    assert told(net.alice) == []
    take(
        referral, "redirect", net, "carla", text="They treat this.",
        more=More(centre_id=net.other_centre.id),
    )  # fmt: skip
    db.session.commit()
    steps = [one.what for one in queries.thread(net.viewer("dora"), referral) if one.what]
    assert "assign" not in steps
    for person, sees in ((net.alice, False), (net.dora, False), (net.carla, True)):
        make.sign_in(client, person)
        page = client.get(f"/referrals/{referral.id}").text
        assert (NOTE in page) is sees, person.name


def test_who_may_only_read_says_nothing(app):
    net = make_referrals.network()
    referral = make_referrals.referral(net)
    with pytest.raises(Forbidden):
        actions.say(referral, "Hello.", by=net.viewer("olga"))
    with pytest.raises(Forbidden):
        actions.say(referral, NOTE, by=net.viewer("bob"), note=True)
    with pytest.raises(Invalid):
        actions.say(referral, "  ", by=net.viewer("bob"))


def test_the_first_look_is_told_and_leaves_open_pages_as_they_are(app):
    net = make_referrals.network()
    referral = make_referrals.referral(net)
    version, seen = referral.version, referral.look_due
    actions.read(referral, by=net.viewer("bob"))
    db.session.refresh(referral)
    assert referral.look_due == seen  # the hospital's own look is none of the centre's
    for who in ("carla", "chris"):
        actions.read(referral, by=net.viewer(who))
        db.session.refresh(referral)
    assert (referral.look_due, referral.version) == (None, version)
    steps = [one.what for one in queries.thread(net.viewer("alice"), referral)]
    assert steps == ["first_opened", "submit"]


def test_a_letter_to_the_family_doctor_is_recorded_by_hand(app):
    net = make_referrals.network()
    referral = make_referrals.referral(net)
    carla = net.viewer("carla")
    with pytest.raises(Invalid):
        actions.letter_sent(
            referral, by=carla, to_whom="family_doctor", how="pigeon", on=now().date()
        )
    actions.letter_sent(referral, by=carla, to_whom="family_doctor", how="post", on=now().date())
    last = queries.thread(net.viewer("alice"), referral)[0]
    assert (last.what, last.details["to_whom"]) == ("letter_sent", "family_doctor")


# -- to another centre -------------------------------------------------------------------------


def passed_on(net, at):
    """Sent on Mon 16 March 2026, passed on a week later."""
    with acting_at(at):
        referral = make_referrals.referral(net, at=at)
    with acting_at(at + timedelta(days=7)):
        take(
            referral, "redirect", net, "carla", text="They treat this.",
            more=More(centre_id=net.other_centre.id),
        )  # fmt: skip
    return referral


MONDAY = datetime(2026, 3, 16, 9, 0, tzinfo=UTC)


def test_passed_on_the_patients_clock_goes_on_and_the_new_centres_begins(app):
    net = make_referrals.network()
    referral = passed_on(net, MONDAY)
    assert referral.submitted_at == MONDAY
    # Routine at a German centre, from Mon 23 March: decision 24–27 (4), 30–2 April (8), Good
    # Friday and Easter Monday rest, 7, 8 (10). Advice 23 March + 28 days.
    assert (referral.look_due, referral.deadline) == (date(2026, 3, 26), date(2026, 4, 8))
    assert referral.answer_due == date(2026, 4, 20)
    assert (referral.state, referral.assignee_id) == ("submitted", None)
    assert told(net.dora) == ["referral_received"]
    assert told(net.alice) == ["referral_redirected"]
    [happened] = [o for o in queries.thread(net.viewer("dora"), referral) if o.what == "redirect"]
    assert happened.details["to"] == "Centre 2"


def test_the_old_centre_reads_thirty_days_and_then_only_what_it_did(client):
    net = make_referrals.network()
    referral = passed_on(net, MONDAY)
    carla, later = net.viewer("carla"), MONDAY + timedelta(days=8)
    with acting_at(later):
        actions.say(referral, "For Centre 2 alone.", by=net.viewer("alice"))
        assert queries.referral(carla, referral.id)
        assert queries.sides(carla, referral) == frozenset()
        assert "For Centre 2 alone." not in texts(net, "carla", referral)
        with pytest.raises(Forbidden):
            actions.say(referral, "Still there?", by=carla)
    with acting_at(MONDAY + timedelta(days=7 + 31)):
        with pytest.raises(NotFound):
            queries.referral(carla, referral.id)
        part = queries.own_part(carla, referral.id)
        assert [one.step for one in part.events] == ["redirect"]
        assert queries.own_part(net.viewer("olga"), referral.id) is None
    db.session.commit()
    make.sign_in(client, net.carla)  # today, long after
    page = client.get(f"/referrals/{referral.id}")
    assert page.status_code == 200
    assert "They treat this." in page.text
    assert "Zonneveld" not in page.text
    assert referral.patient.pseudonym not in page.text


def test_it_is_not_passed_on_without_consent_nor_to_where_it_is(app):
    net = make_referrals.network()
    referral = make_referrals.referral(net)
    with pytest.raises(Invalid):
        take(referral, "redirect", net, "carla", text="?", more=More(centre_id=net.centre.id))
    with pytest.raises(Invalid):
        take(referral, "redirect", net, "carla", text="?", more=More(centre_id=net.hospital.id))
    patients.answer_consent(referral.patient_id, "care", "no", by=net.viewer("alice"))
    with pytest.raises(Invalid, match="consent"):
        take(referral, "redirect", net, "carla", text="?", more=More(centre_id=net.other_centre.id))


# -- it was not the end ------------------------------------------------------------------------


def test_declined_by_mistake_the_centres_time_goes_on(app):
    net = make_referrals.network()
    with acting_at(MONDAY):
        referral = make_referrals.referral(net, at=MONDAY)
        due = referral.deadline
    with acting_at(MONDAY + timedelta(days=1)):
        take(referral, "decline", net, "carla", text="No.", more=More(advice="Ask Centre 2."))
    with acting_at(MONDAY + timedelta(days=3)):
        take(referral, "reopen", net, "carla", text="It was the wrong case.")
    assert (referral.state, referral.clock, referral.deadline) == ("submitted", "running", due)
    declined = [o for o in queries.thread(net.viewer("bob"), referral) if o.what == "decline"]
    assert declined[0].details["advice"] == "Ask Centre 2."


def test_withdrawn_and_reopened_the_time_between_is_not_the_centres(app):
    net = make_referrals.network()
    with acting_at(MONDAY):
        referral = make_referrals.referral(net, at=MONDAY)
    with acting_at(MONDAY + timedelta(days=1)):
        take(referral, "withdraw", net, "alice", text="Improved.")
    with acting_at(MONDAY + timedelta(days=3)):
        take(referral, "reopen", net, "alice", text="Worse again.")
    # Withdrawn Tue 17, reopened Thu 19: 18 and 19 stood still, so 12 working days after the 16th.
    assert referral.pause.working_days == 2
    assert referral.deadline == date(2026, 4, 1)


def test_listed_for_board_and_deferred(app):
    net = make_referrals.network()
    referral = make_referrals.referral(net, "accepted")
    carla, wished = net.viewer("carla"), now().date() + timedelta(days=4)
    actions.list_for_board(carla, referral.id, on=wished)
    [listed] = queries.listed_for_board(carla)
    assert (listed.id, listed.board_on) == (referral.id, wished)
    assert queries.listed_for_board(net.viewer("dora")) == []
    with pytest.raises(NotFound):
        actions.list_for_board(net.viewer("dora"), referral.id)
    take(referral, "defer", net, "carla", text="The slides are missing.")
    assert referral.state == "accepted"
    assert queries.listed_for_board(carla) == []


# -- nothing is overdue unseen -----------------------------------------------------------------


def test_every_working_morning_the_centre_is_told_what_is_late_and_then_its_lead(app):
    net = make_referrals.network()
    lead = make.person(net.centre, Role.LEAD, name="Lena Lead")
    with acting_at(MONDAY):
        make_referrals.referral(net, at=MONDAY)  # look Thu 19 March, decision Mon 30 March
    # Tue 17 March 05:00 UTC is 06:00 in Amsterdam: too early.
    net.centre.time_zone = "Europe/Amsterdam"
    db.session.flush()
    with acting_at(datetime(2026, 3, 17, 5, 0, tzinfo=UTC)):
        assert net.centre.id not in mornings.due()
    tuesday = datetime(2026, 3, 17, 6, 30, tzinfo=UTC)
    with acting_at(tuesday):
        assert net.centre.id in mornings.due()
        mornings.look(net.centre.id)
        mornings.look(net.centre.id)  # twice is once
        assert net.centre.id not in mornings.due()
    assert told(net.carla) == ["referral_received", "cases_late"]
    with acting_at(datetime(2026, 3, 21, 9, 0, tzinfo=UTC)):  # a Saturday
        assert net.centre.id not in mornings.due()
    assert told(lead) == []
    monday = datetime(2026, 3, 23, 9, 0, tzinfo=UTC)  # Fri 20 and Mon 23: late for two
    with acting_at(monday):
        mornings.look(net.centre.id)
    assert told(lead) == ["cases_escalated"]
    notice = db.session.scalars(sa.select(Notice).where(Notice.person_id == lead.id)).one()
    assert notice.numbers == {"escalated": 1}
    with acting_at(monday + timedelta(days=1)):
        mornings.look(net.centre.id)
        [row] = queries.late(net.viewer("carla"))
        assert (row.what, row.lateness, row.escalated) == ("look", "late", True)
        [seen] = queries.late(make.viewer(lead))
        assert seen.name == ""  # a lead who does not triage sees no names
    assert told(lead) == ["cases_escalated"]  # once a case


def test_the_lead_is_told_anew_when_after_a_late_look_the_decision_is_late_too(app):
    net = make_referrals.network()
    lead = make.person(net.centre, Role.LEAD, name="Lena Lead")
    referral = make_referrals.referral(net, at=MONDAY)  # look Thu 19 March, decision Mon 30 March
    with acting_at(datetime(2026, 3, 23, 9, 0, tzinfo=UTC)):
        mornings.look(net.centre.id)
    assert told(lead) == ["cases_escalated"]
    with acting_at(datetime(2026, 3, 24, 9, 0, tzinfo=UTC)):
        actions.read(referral, by=net.viewer("carla"))  # looked at; no step is taken
    with acting_at(datetime(2026, 4, 1, 9, 0, tzinfo=UTC)):  # Tue 31 and Wed 1: late for two
        mornings.look(net.centre.id)
    assert told(lead) == ["cases_escalated", "cases_escalated"]
    take(referral, "assign", net, "carla", assignee_id=net.chris.id)  # changes nothing owed
    with acting_at(datetime(2026, 4, 2, 9, 0, tzinfo=UTC)):
        mornings.look(net.centre.id)
    assert told(lead) == ["cases_escalated", "cases_escalated"]


def test_what_a_doctor_who_left_would_be_told_the_colleagues_are(app):
    net = make_referrals.network()
    referral = make_referrals.referral(net)
    net.alice.active = False
    db.session.flush()
    take(referral, "request_information", net, "carla", text="Which Ki-67?")
    assert (told(net.alice), told(net.bob)) == ([], ["information_requested"])
    take(referral, "answer", net, "bob", text="2 %.")
    take(referral, "assign", net, "carla", assignee_id=net.chris.id)
    net.chris.active = False
    db.session.flush()
    actions.say(referral, "Is there any news?", by=net.viewer("bob"))
    assert told(net.carla)[-1] == "message_received"
    loads = {one.name: one for one in queries.team(net.viewer("carla"))}
    assert (loads["Chris Chen"].open, loads["Chris Chen"].gone) == (1, True)
    actions.hand_over(net.chris.id, net.carla.id, by=net.viewer("carla"))
    assert referral.assignee_id == net.carla.id


def test_a_late_look_is_overdue_for_the_team_and_counted_on_the_worklist(app):
    net = make_referrals.network()
    with acting_at(MONDAY):
        make_referrals.referral(net, at=MONDAY)  # look Thu 19 March, decision Mon 30 March
    carla = net.viewer("carla")
    for day, late in ((19, 0), (20, 1)):
        with acting_at(datetime(2026, 3, day, 9, 0, tzinfo=UTC)):
            nobody = queries.team(carla)[0]
            assert (nobody.late, nobody.next_due) == (late, date(2026, 3, 19))
            assert queries.counts(carla, now(), ()).get("unseen", "1") == late


def test_a_late_answer_is_told_to_the_hospital_once(app):
    net = make_referrals.network()
    with acting_at(MONDAY):
        referral = make_referrals.referral(net, at=MONDAY)
        take(
            referral, "request_information", net, "carla", text="Which Ki-67?",
            more=More(by_date=date(2026, 3, 18)),
        )  # fmt: skip
    for day in (19, 20):
        with acting_at(datetime(2026, 3, day, 9, 0, tzinfo=UTC)):
            mornings.look(net.centre.id)
            [waiting] = queries.late_information(net.centre.id, now().date())
            assert waiting.by_date == date(2026, 3, 18)
    assert told(net.alice) == ["information_requested", "information_late"]


def test_the_hospitals_of_many_late_answers_are_looked_up_at_once(app):
    """One query for all; who is told is the same as one by one: the sender, else a colleague, else
    the lead."""
    net = make_referrals.network()

    lead = make.person(net.hospital, Role.LEAD, name="Lena Lind")
    sent = [make_referrals.referral(net) for _ in range(3)]
    db.session.commit()
    with make.counted() as asked:
        assert telling.referring_each(sent) == [[net.alice.id]] * 3
    assert sum("membership" in one for one in asked) == 1
    for gone, left in ((net.alice, [net.bob.id]), (net.bob, [lead.id]), (lead, [])):
        gone.active = False
        db.session.flush()
        assert telling.referring_each(sent) == [left] * 3
        assert [telling.referring(one) for one in sent] == [left] * 3
    assert telling.referring_each([]) == []


def test_a_closed_day_moves_the_deadlines_of_open_cases(app):
    net = make_referrals.network()
    referral = make_referrals.referral(net)
    before, version = referral.deadline, referral.version
    carla = net.viewer("carla")
    with pytest.raises(Forbidden):
        actions.close_on(before, "Move", by=net.viewer("chris"))
    actions.close_on(before, "Move", by=carla)
    assert mornings.set_deadlines(net.centre.id) == 1
    db.session.refresh(referral)
    assert referral.deadline > before
    assert referral.version == version
    actions.open_again_on(before, by=carla)
    place = mornings.working_days(net.centre.id)
    wanted = mornings.deadlines_to_set(net.centre.id, *place, db.session.connection())
    assert [one["due"] for one in wanted] == [before]
    # Meanwhile a step was taken, which sets the deadlines itself: what was read is out of date.
    mornings.set_some([{**one, "stands": one["stands"] - 1} for one in wanted])
    db.session.refresh(referral)
    assert referral.deadline > before
    mornings.set_deadlines(net.centre.id)
    db.session.refresh(referral)
    assert referral.deadline == before


def test_where_nobody_coordinates_somebody_is_told_all_the_same(app):
    hospital, centre = make.hospital(), make.centre()
    clara = make.person(centre, Role.CLINICIAN, name="Clara Centre")
    lead = make.person(centre, Role.LEAD, name="Lena Lead")
    alice = make.viewer(make.person(hospital, Role.REFERRER, name="Alice Adler"))
    referral = actions.start_draft(
        by=alice, form_key=centre.id, to=centre,
        new=actions.NewPatient(make_referrals.identity(), {}, ""),
        consents=make_referrals.CONSENTS,
    )  # fmt: skip
    actions.submit(referral, make_referrals.case(), by=alice, version=referral.version)
    assert (told(lead), told(clara)) == (["referral_received"], [])
    assert db.session.scalar(sa.select(sa.func.count()).select_from(ReferralEvent)) == 1
