"""A meeting from its agenda to what became of it: who sees what, and nothing is lost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from registry import audit
from registry.access import Role
from registry.boards import jobs
from registry.boards.actions import advice, agenda, delivery
from registry.boards.actions import meetings as actions
from registry.boards.queries import advice as queries
from registry.boards.queries import agenda as agendas
from registry.boards.queries import delivery as deliveries
from registry.boards.queries import meetings
from registry.boards.rules import advice as rules
from registry.boards.rules import meetings as meeting_rules
from registry.course import queries as course
from registry.dates import PartialDate
from registry.db import acting_at, db, now
from registry.errors import Conflict, Forbidden, Invalid, NotFound
from registry.people.models import Notice
from registry.referrals import actions as referrals
from registry.referrals import queries as referral_queries
from tests import make, make_boards, make_course, make_referrals


def centre_with_chair():
    centre = make.centre()
    chara = make.viewer(make_boards.chair(centre))
    return centre, chara


def open_meeting(by, **facts):
    found = make_boards.meeting(by, make_boards.board(by, **facts))
    actions.begin(found, by=by)
    return found


def test_a_guest_sees_the_cases_while_the_meeting_lasts_and_nothing_else(app):
    _centre, chara = centre_with_chair()
    elsewhere = make.centre("CENTRE-2", "Centre 2")
    gus = make.viewer(make.person(elsewhere, Role.CLINICIAN, name="Gus Guest"))
    eve = make.viewer(make.person(elsewhere, Role.CLINICIAN, name="Eve Elsewhere"))
    found = make_boards.meeting(chara)
    other = make_boards.meeting(chara, found.board, starts=found.starts_at + timedelta(days=7))
    item, hidden = make_boards.case(chara, found), make_boards.case(chara, other)
    person = meetings.person(gus.person_id)
    actions.invite(found, person, "surgery", by=chara)
    during = found.starts_at + timedelta(minutes=10)
    for moment in (found.starts_at - timedelta(seconds=1), found.ends_at):
        with acting_at(moment), pytest.raises(NotFound):
            agendas.item(gus, item.id)
    with acting_at(during):
        assert agendas.item(gus, item.id).id == item.id
        assert [one.id for one in agendas.items(gus, found)] == [item.id]
        for stranger, case in ((gus, hidden), (eve, item)):
            with pytest.raises(NotFound):
                agendas.item(stranger, case.id)
        with pytest.raises(Forbidden):
            agendas.item_to_write(gus, item.id)
        actions.begin(found, by=chara)
        actions.close(found, by=chara)
        with pytest.raises(NotFound):
            agendas.item(gus, item.id)


def test_the_page_a_guest_sees_has_no_name_and_no_way_out(app, client):
    _centre, chara = centre_with_chair()
    gus = make.person(make.centre("CENTRE-2"), Role.GUEST_EXPERT, name="Gus Guest")
    found = make_boards.meeting(chara, starts=now() - timedelta(minutes=5))
    item = make_boards.case(chara, found)
    make_course.a_course(item.patient, chara)
    actions.invite(found, gus, "surgery", by=chara)
    make.sign_in(client, gus)
    page = client.get(f"/agenda/{item.id}")
    assert page.status_code == 200
    assert item.patient.pseudonym in page.text
    assert "Zonneveld" not in page.text
    assert "1961" not in page.text
    assert client.get(f"/meetings/{found.id}").status_code == 200
    assert client.get(f"/patients/{item.patient_id}/chart").status_code == 403
    assert client.get(f"/meetings/{found.id}/pack.pdf").status_code == 403


def test_two_write_at_once_and_neither_loses_text(app):
    _centre, chara = centre_with_chair()
    item = make_boards.case(chara, open_meeting(chara))
    base = {"summary": ["Slow disease."], "answer": ["Wait."]}
    first = advice.save(item, base, by=chara, seen=0)
    assert first.recommendation.revision == 1
    # Bob and Clara both began with copy 1: they changed different places
    advice.save(item, {**base, "summary": ["Slow disease, liver only."]}, by=chara, seen=1)
    both = advice.save(item, {**base, "responsible": ["Dr Bob"]}, by=chara, seen=1)
    assert both.typed == {
        "summary": ["Slow disease, liver only."], "answer": ["Wait."], "responsible": ["Dr Bob"],
    }  # fmt: skip
    assert not both.clashes
    # and the same place: the second is shown both, nothing is written over
    late = advice.save(item, {**base, "summary": ["Fast disease."]}, by=chara, seen=1)
    assert late.clashes == {"summary": ["Slow disease, liver only."]}
    assert late.typed["summary"] == ["Fast disease."]
    kept = queries.draft(item)
    assert kept.draft["summary"] == ["Slow disease, liver only."]
    assert queries.edits(kept)[0].typed["summary"] == ["Slow disease."]


def referred(network, chara_name="Chara Chair"):
    """A referral that was accepted, and the chair of the centre."""
    chara = make.viewer(make_boards.chair(network.centre, chara_name))
    found = make_referrals.referral(network, "accepted")
    return found, chara


def test_signed_text_is_advice_and_cannot_change(app):
    network = make_referrals.network()
    sent, chara = referred(network)
    meeting = open_meeting(chara)
    item = make_boards.case(chara, meeting, sent.patient)
    assert item.referral_id == sent.id
    twice = ["I would operate.", "I would operate."]
    found = make_boards.signed(item, chara, dissents=twice)
    assert found.content["dissents"] == [{"who": "Chara Chair", "text": "I would operate."}]
    db.session.refresh(sent)
    assert sent.state == "advised"
    # Whoever referred sees that the board spoke about it: this meeting was begun before its hour.
    seen = referral_queries.thread(network.viewer("alice"), sent)
    [spoken] = [one for one in seen if one.what == "discussed"]
    assert spoken.at == item.discussed_at < meeting.starts_at
    db.session.commit()
    for change in (
        "UPDATE recommendation SET review_date = '2030-01-01'",
        "DELETE FROM recommendation",
        "UPDATE dissent SET text = 'I agree.'",
        "DELETE FROM dissent",
    ):
        with pytest.raises(sa.exc.DBAPIError, match="signed"):
            db.session.execute(sa.text(change))
        db.session.rollback()
    with pytest.raises(Conflict):
        advice.save(item, make_boards.TYPED, by=chara, seen=1)
    with pytest.raises(Conflict):
        advice.dissent(item, "Late.", by=chara)


def test_an_edit_behind_the_triggers_is_found_by_the_audit(app):
    network = make_referrals.network()
    sent, chara = referred(network)
    item = make_boards.case(chara, open_meeting(chara), sent.patient)
    found = make_boards.signed(item, chara)
    db.session.commit()
    audit.seal()
    db.session.commit()
    assert audit.verify().intact
    without_triggers()
    content = dict(found.content, summary="Something else.")
    db.session.execute(
        sa.update(type(found)).where(type(found).id == found.id).values(content=content)
    )
    db.session.commit()
    assert audit.verify().problems == (
        f"recommendation {found.id} is not the text that was signed",
    )


def without_triggers():
    """What somebody who owns the database can do."""
    if db.engine.dialect.name == "sqlite":
        db.session.execute(sa.text("DROP TRIGGER recommendation_keep_update"))
    else:
        db.session.execute(sa.text("DROP TRIGGER recommendation_keep ON recommendation"))


def test_only_a_chair_signs_and_only_what_is_whole(app):
    network = make_referrals.network()
    sent, chara = referred(network)
    item = make_boards.case(chara, open_meeting(chara), sent.patient)
    begun = {"o1-agent": ["SSA_LAN"], "review_date": [now().date().isoformat()]}
    saved = advice.save(item, begun, by=chara, seen=0)
    with pytest.raises(advice.Unfinished) as refused:
        make_boards.sign(item, chara, seen=saved.recommendation.revision)
    assert set(refused.value.problems) == {
        "summary", "responsible", "plain", "o1-kind", "review_date",
    }  # fmt: skip
    with pytest.raises(Forbidden):
        make_boards.sign(item, network.viewer("chris"), seen=1)
    with pytest.raises(Conflict):
        make_boards.sign(item, chara, seen=0)


def test_an_amendment_is_a_new_version_and_both_remain(app):
    network = make_referrals.network()
    sent, chara = referred(network)
    item = make_boards.case(chara, open_meeting(chara), sent.patient)
    first = make_boards.signed(item, chara)
    with pytest.raises(Invalid):
        advice.amend(first, by=chara, because=" ")
    second = advice.amend(first, by=chara, because="The PET was negative.")
    typed = {**second.draft, "answer": ["Everolimus."]}
    advice.save(item, typed, by=chara, seen=second.revision)
    make_boards.sign(item, chara, seen=second.revision)
    newest, oldest = queries.versions(item)
    assert (newest.number, newest.content["answer"]) == (2, "Everolimus.")
    assert newest.amended_because == "The PET was negative."
    assert oldest.content["answer"] == "A somatostatin analogue first."
    # the older letters are no longer waited for
    waiting = {one.recommendation_id for one in deliveries.open_letters(chara)}
    assert waiting == {newest.id}


def test_a_second_signature_is_somebody_else_s(app):
    network = make_referrals.network()
    sent, chara = referred(network)
    item = make_boards.case(chara, open_meeting(chara, two_signatures=True), sent.patient)
    found = make_boards.signed(item, chara)
    assert deliveries.deliveries(found) == []
    with pytest.raises(Conflict):
        advice.sign_too(found, by=chara)
    advice.sign_too(found, by=network.viewer("chris"))
    assert len(deliveries.deliveries(found)) == 3


def test_what_the_board_finds_otherwise_is_a_dated_assessment_of_its_own(app):
    _centre, chara = centre_with_chair()
    patient = make.patient(chara)
    entries = make_course.a_course(patient, chara)
    item = make_boards.case(chara, open_meeting(chara), patient)
    typed = {
        **make_boards.TYPED,
        "grade_to": ["G3"], "grade_kind": ["correction"], "grade_why": ["Ki-67 recounted: 25 %"],
    }  # fmt: skip
    found = make_boards.signed(item, chara, typed=typed)
    before, after = course.record_of(patient).of("pathology")
    assert before.id == entries["pathology"].id
    assert before.grade_stated == "G2"
    assert (after.grade_stated, after.change_kind) == ("G3", "correction")
    assert (after.source_kind, after.source_id) == ("board", str(found.id))
    assert found.content["changes"][0]["entry"] == str(after.id)


def test_delivery_from_sent_to_told_and_followed(app):
    network = make_referrals.network()
    sent, chara = referred(network)
    alice = network.viewer("alice")
    item = make_boards.case(chara, open_meeting(chara), sent.patient)
    found = make_boards.signed(item, chara)

    def states():
        return {one.recipient: one.state for one in deliveries.deliveries(found)}

    assert states() == {"referrer": "sent", "family_doctor": "to_send", "patient": "to_send"}
    delivery.open_letter(deliveries.delivery(found, "referrer"), by=chara)
    assert states()["referrer"] == "sent"  # the centre's own reading does not count
    delivery.open_letter(deliveries.delivery(found, "referrer"), by=alice)
    assert states()["referrer"] == "opened"
    db.session.refresh(sent)
    referrals.take(sent, "acknowledge", by=alice, version=sent.version)
    assert states()["referrer"] == "acknowledged"
    later = now() + timedelta(days=29)
    with acting_at(later - timedelta(days=2)):
        assert deliveries.unanswered(alice) == []
    with acting_at(later):  # four weeks after the signature it is asked for
        assert [o.recommendation_id for o in deliveries.unanswered(alice)] == [found.id]
        assert [o.recommendation_id for o in deliveries.unanswered(chara)] == [found.id]
        assert deliveries.unanswered(network.viewer("olga")) == []
    with pytest.raises(Invalid):
        delivery.follow(found, by=alice, outcome="not_done")
    delivery.follow(found, by=alice, outcome="not_done", reason="patient_wish")
    assert [one.reason for one in deliveries.followed(found)] == ["patient_wish"]
    with acting_at(later):
        assert deliveries.unanswered(alice) == []
    told = deliveries.delivery(found, "patient")
    before = PartialDate.of(now().date() - timedelta(days=1))
    with pytest.raises(Invalid):  # it was signed today
        delivery.tell_patient(told, by=alice, on=before, who="Dr Adler")


def test_reminders_come_when_the_time_is_over_and_once_a_week(app):
    network = make_referrals.network()
    sent, chara = referred(network)
    item = make_boards.case(chara, open_meeting(chara), sent.patient)
    make_boards.signed(item, chara)
    assert deliveries.to_remind(now() + timedelta(days=6)) == []
    late = now() + timedelta(days=8)
    [one] = deliveries.to_remind(late)
    with acting_at(late):
        delivery.remind(one, by=chara)
    assert deliveries.to_remind(late + timedelta(days=6)) == []
    assert len(deliveries.to_remind(late + timedelta(days=8))) == 1


def test_who_has_not_answered_a_written_consultation_is_reminded_once_a_day_before_its_end(app):
    _centre, chara = centre_with_chair()
    elsewhere = make.centre("CENTRE-2")
    gus, eve, carl = (
        make.person(elsewhere, Role.GUEST_EXPERT, name=name)
        for name in ("Gus Guest", "Eve Expert", "Carl Coordinator")
    )
    start = now()
    end = start + timedelta(days=5)
    found = actions.plan(
        make_boards.board(chara), by=chara, starts_at=start, kind=meeting_rules.WRITTEN, ends_at=end
    )
    item = make_boards.case(chara, found)
    disciplines = {gus.id: "surgery", eve.id: "radiology", carl.id: "coordination"}
    for person in (gus, eve, carl):
        actions.invite(found, person, disciplines[person.id], by=chara)
    with acting_at(start + timedelta(hours=1)):
        advice.vote(item, "agree", "", by=make.viewer(gus))
    assert meetings.to_remind(end - timedelta(hours=25)) == []
    assert meetings.to_remind(end) == []  # too late to help
    db.session.commit()
    with acting_at(end - timedelta(hours=23)):
        jobs.remind()
        jobs.remind()
    told = sa.select(Notice.person_id).where(Notice.why == "board_opinion_due")
    assert db.session.scalars(told).all() == [eve.id]


def test_a_short_consultation_reminds_half_way():
    start = datetime(2026, 3, 2, 8, tzinfo=UTC)
    for days, hours in ((5, 96), (2, 24), (1, 12)):
        end = start + timedelta(days=days)
        assert meeting_rules.remind_at(start, end) == start + timedelta(hours=hours)


def test_a_case_that_was_put_off_is_carried_over_in_order_and_within_capacity(app):
    _centre, chara = centre_with_chair()
    board = make_boards.board(chara, capacity=2)
    first = make_boards.meeting(chara, board)
    items = [make_boards.case(chara, first, make.patient(chara, family_name=n)) for n in "AB"]
    with pytest.raises(Conflict):
        make_boards.case(chara, first, make.patient(chara, family_name="C"))
    agenda.place(items[1], 0, by=chara)
    assert [one.id for one in agendas.items(chara, first)] == [items[1].id, items[0].id]
    actions.begin(first, by=chara)
    agenda.defer(items[0], by=chara, reason="images_missing")
    actions.close(first, by=chara)
    later = make_boards.meeting(chara, board, starts=first.starts_at + timedelta(days=7))
    carried = agenda.carry_over(later, by=chara)
    assert {one.carried_from_id for one in carried} == {one.id for one in items}
    assert agenda.carry_over(later, by=chara) == []


def test_after_the_cut_off_a_case_needs_a_reason(app):
    _centre, chara = centre_with_chair()
    found = make_boards.meeting(chara, starts=now() + timedelta(hours=3))
    patient = make.patient(chara)
    with pytest.raises(Invalid):
        agenda.put_on(found, patient, by=chara)
    agenda.put_on(found, patient, by=chara, late_because="Obstruction")


@pytest.mark.parametrize(
    ("option", "listed", "other_way"),
    [
        ({"kind": "start_systemic", "agent": "EVE"}, ["SSA_LAN", "EVE"], []),
        ({"kind": "start_systemic", "agent": "EVE"}, ["SSA_LAN"], ["EVE"]),
        ({"kind": "stop_systemic", "agent": "EVE"}, ["SSA_LAN"], []),  # ends, goes no way
        ({"kind": "evaluate_surgery"}, ["SSA_LAN"], ["evaluate_surgery"]),
        ({"kind": "evaluate_surgery"}, ["SSA_LAN", "SURG_PRIM"], []),
        ({"kind": "evaluate_surgery", "agent": "SURG_SB"}, ["SURG_PRIM"], ["SURG_SB"]),
        ({"kind": "watchful_waiting"}, ["SSA_LAN"], ["watchful_waiting"]),
        ({"kind": "watchful_waiting"}, ["SURV_ACTIVE"], []),
        ({"kind": "pathology_review"}, ["SSA_LAN"], []),
        ({"kind": "start_systemic", "agent": "EVE"}, [], []),  # nothing listed, nothing against
    ],
)
def test_what_goes_another_way_than_the_listed_options(option, listed, other_way):
    assert rules.against([option], listed) == other_way


def test_who_comes_while_a_case_is_spoken_about_was_there(app):
    """Quorum of a surgeon and an oncologist. The surgeon comes in the middle of the first case,
    leaves after it, and is not there for the second, which the oncologist joins late."""
    centre, chara = centre_with_chair()
    start = now() - timedelta(hours=2)
    found = make_boards.meeting(
        chara, make_boards.board(chara, quorum=["oncology", "surgery"]), starts=start
    )
    first = make_boards.case(chara, found)
    second = make_boards.case(chara, found, make.patient(chara, family_name="B"))

    def at(minutes):
        return acting_at(start + timedelta(minutes=minutes))

    sam = make.person(centre, Role.CLINICIAN, name="Sam Surgeon")
    with at(0):
        actions.begin(found, by=chara)
        actions.arrive(found, meetings.person(chara.person_id), "oncology", by=chara)
    with at(5):
        advice.save(first, {"summary": ["Slow."]}, by=chara, seen=0)
    with at(8):
        actions.arrive(found, sam, "surgery", by=chara)
    with at(10):
        advice.save(first, make_boards.TYPED, by=chara, seen=1)
    with at(12):
        actions.leave(found, sam.id, by=chara)
    with at(15):
        advice.save(second, make_boards.TYPED, by=chara, seen=0)
    with at(40):  # put right later: it was spoken about until the next case began
        typed = {**make_boards.TYPED, "answer": ["As was said."]}
        advice.save(first, typed, by=chara, seen=2)
        one = make_boards.sign(first, chara, seen=3)
        two = make_boards.sign(second, chara, seen=1)
    assert [p["who"] for p in one.content["present"]] == ["Chara Chair", "Sam Surgeon"]
    assert one.content["not_present"] == []
    assert [p["who"] for p in two.content["present"]] == ["Chara Chair"]
    assert two.content["not_present"] == ["surgery"]
    with at(90):
        actions.close(found, by=chara)
        amended = advice.amend(one, by=chara, because="A slip.")
        advice.save(first, typed | {"answer": ["So."]}, by=chara, seen=amended.revision)
        again = make_boards.sign(first, chara, seen=amended.revision)
    assert again.content["present"] == one.content["present"]


def test_people_sit_together_until_some_time_after_the_end():
    """A meeting under way to the end and two hours more; a written consultation never."""
    end = now()
    for kind, state, hours, wanted in (
        ("meeting", "under_way", -1, True),
        ("meeting", "under_way", 1.9, True),
        ("meeting", "under_way", 2.1, False),
        ("meeting", "planned", -1, False),
        ("meeting", "held", -1, False),
        ("written", "under_way", -1, False),
    ):
        moment = end + timedelta(hours=hours)
        assert meeting_rules.is_in_session(kind, state, end, moment) == wanted
