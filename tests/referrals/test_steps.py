"""Every cell of the table of steps: who may, what it needs, what follows, and every refusal."""

from __future__ import annotations

import contextlib
from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa

from registry.access import Role
from registry.audit import AuditEntry
from registry.course import queries as course
from registry.db import acting_at, db, table_of
from registry.errors import Conflict, Forbidden, Invalid, NotFound
from registry.patients import queries as patients
from registry.patients import rules as relations
from registry.people import queries as people
from registry.people.models import Notice
from registry.referrals import actions, queries, rules
from registry.referrals.models import ReferralEvent
from registry.referrals.rules import STEPS, Side
from tests import make, make_referrals

#: The colleague who acts from a side with a role.
ACTOR = {
    (Side.REFERRING, Role.REFERRER): "bob",
    (Side.CENTRE, Role.TRIAGE_COORDINATOR): "carla",
    (Side.CENTRE, Role.CLINICIAN): "chris",
}
NEEDS = {
    "reason": {"text": "A reason."},
    "request": {"text": "Which Ki-67?"},
    "answer": {"text": "It is 2 %."},
    "text": {"text": "Start PRRT."},
    "kinds": {"kinds": ["prrt_workup"]},
}


def needed(net, step):
    found = {}
    for name in step.needs:
        if name == "facts":
            found["case"] = make_referrals.case()
        elif name == "assignee":
            found["assignee_id"] = net.chris.id
        elif name == "centre":
            found["more"] = actions.More(centre_id=net.other_centre.id)
        else:
            found |= NEEDS[name]
    return found


@contextlib.contextmanager
def undone():
    """What is written meanwhile is taken back: the referral stands in its state again."""
    with db.session.begin_nested() as point:
        yield
        point.rollback()


@pytest.mark.parametrize("state", list(dict.fromkeys(step.state for step in STEPS)))
def test_who_may_takes_each_step_of_a_state_and_nobody_else(app, state):
    """And not without what it needs; it leaves an event and a row of the audit."""
    net = make_referrals.network()
    referral = make_referrals.referral(net, state)
    for step in [one for one in STEPS if one.state == state]:
        for (side, role), who in ACTOR.items():
            viewer, version = net.viewer(who), referral.version
            if role not in step.who.get(side, frozenset()):
                with pytest.raises((Forbidden, NotFound)):
                    find_and_take(referral.id, step, viewer, version, needed(net, step))
                continue
            if step.needs:
                with pytest.raises(Invalid):
                    actions.take(referral, step.name, by=viewer, version=version)
            assert referral.state == state, step
            with undone():
                actions.take(referral, step.name, by=viewer, version=version, **needed(net, step))
                assert (referral.state, referral.phase) == (step.to, rules.PHASE[step.to])
                assert referral.version > version
                left_behind(referral, step, getattr(net, who))
            assert (referral.state, referral.version) == (state, version)


def find_and_take(referral_id, step, viewer, version, needs):
    found = queries.referral(viewer, referral_id)  # a draft is not even there for the centre
    actions.take(found, step.name, by=viewer, version=version, **needs)


def left_behind(referral, step, person):
    """The event and the row of the audit that a step leaves."""
    last = db.session.scalars(
        sa.select(ReferralEvent).order_by(ReferralEvent.at.desc(), ReferralEvent.id.desc())
    ).first()
    assert (last.step, last.from_state, last.to_state) == (step.name, step.state, step.to)
    assert last.person_id == person.id
    kept = db.session.scalars(
        sa.select(AuditEntry).where(AuditEntry.subject_kind == "referral").order_by(AuditEntry.id)
    ).all()[-1]
    assert kept.changes["state"] == [step.state, step.to]
    assert kept.patient_id == referral.patient_id


def absent_cells():
    there = {(step.state, step.name) for step in STEPS}
    return [
        (state, name)
        for state in rules.STATES
        for name in rules.STEP_NAMES
        if (state, name) not in there
    ]


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)  # refused before anything is written
@pytest.mark.parametrize("state", list(rules.STATES))
def test_a_step_that_is_not_in_the_table_does_not_exist(app, state):
    net = make_referrals.network()
    referral = make_referrals.referral(net, state)
    for name in [name for of, name in absent_cells() if of == state]:
        for who in ("bob", "carla", "chris"):
            with pytest.raises(Conflict):
                actions.take(referral, name, by=net.viewer(who), version=referral.version)
    assert referral.state == state


def test_the_buttons_are_the_table(app):
    net = make_referrals.network()
    referral = make_referrals.referral(net, "submitted")

    def names(who):
        return [step.name for step in queries.steps(net.viewer(who), referral)]

    assert names("carla") == ["accept", "request_information", "assign", "redirect", "decline"]
    assert names("chris") == names("carla")
    assert names("bob") == ["withdraw"]
    assert names("olga") == []


# -- what a step does --------------------------------------------------------------------------


def test_sending_freezes_a_submission_and_lets_the_centre_in(app):
    net = make_referrals.network()
    referral = make_referrals.referral(net, "submitted")
    [sent] = queries.submissions(referral)
    assert sent.number == 1
    assert sent.facts["pathology"][0]["ki67_percent"] == "2"
    assert sent.derived["grade"]["answer"] == "NET_G1"
    assert sent.derived["stage"]["answer"] == "IV"  # AJCC 9, small bowel: any M1
    assert (referral.site_group, referral.grade_group, referral.stage) == ("small_bowel", "1", "IV")
    assert not referral.patient.provisional
    assert patients.relation(net.viewer("carla"), referral.patient_id) == {relations.ADDRESSED}
    answers = patients.consents(net.viewer("alice"), referral.patient_id)
    assert {p: c.answer for p, c in answers.items()} == make_referrals.CONSENTS


def test_an_answer_of_the_patient_has_its_day_and_form_and_what_was_not_asked_has_none(app):
    net = make_referrals.network()
    answers = {"care": "yes", "registry": "no", "research_use": "not_asked"}
    with acting_at(datetime(2026, 3, 9, 12, tzinfo=UTC)):
        made = make_referrals.draft(net)
        sent = make_referrals.case(consents=answers)
        actions.submit(made, sent, by=net.viewer("alice"), version=made.version)
    held = patients.consents(net.viewer("alice"), made.patient_id)
    days = {purpose: str(one.given_on or "") for purpose, one in held.items()}
    assert days == {"care": "2026-03-09", "registry": "2026-03-09", "research_use": ""}
    assert {one.form_version for one in held.values()} == {relations.CONSENT_VERSION}


def test_the_database_refuses_to_change_what_was_sent(app):
    net = make_referrals.network()
    make_referrals.referral(net, "submitted")
    for change in ("UPDATE submission SET number = 2", "DELETE FROM submission"):
        with pytest.raises(sa.exc.DatabaseError, match="never changed"), db.session.begin_nested():
            db.session.execute(sa.text(change))


def test_what_was_not_asked_does_not_take_back_a_consent(app):
    net = make_referrals.network()
    made = make_referrals.referral(net, "submitted")
    again = actions.start_draft(
        by=net.viewer("alice"),
        form_key=make_referrals.new_id(),
        to=net.centre,
        patient=made.patient,
    )
    sent = make_referrals.case(consents={"care": "yes", "registry": "not_asked"})
    actions.submit(again, sent, by=net.viewer("alice"), version=again.version)
    answers = patients.consents(net.viewer("alice"), made.patient_id)
    assert answers["registry"].answer == "yes"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"consents": {"care": "no"}}, "consent_care"),
        ({"consents": {"care": "not_asked"}}, "consent_care"),
        ({"question": ""}, "question"),
    ],
)
def test_only_these_block_sending(app, change, field):
    net = make_referrals.network()
    made = make_referrals.draft(net)
    with pytest.raises(Invalid) as refused:
        actions.submit(
            made, make_referrals.case(**change), by=net.viewer("alice"), version=made.version
        )
    assert refused.value.field == field


def test_a_case_with_nothing_but_a_question_can_be_sent(app):
    net = make_referrals.network()
    made = make_referrals.draft(net)
    bare = make_referrals.Case(
        {"question": "other", "question_text": "What is it?"},
        {},
        {"care": "yes"},
        make_referrals.CONTACT,
    )
    actions.submit(made, bare, by=net.viewer("alice"), version=made.version)
    assert made.state == "submitted"
    assert made.missing_count > 10


def test_accepting_opens_the_record_and_full_access(app):
    net = make_referrals.network()
    referral = make_referrals.referral(net, "accepted")
    chris = net.viewer("chris")
    assert patients.relation(chris, referral.patient_id) == {relations.TREATING}
    record = course.record(chris, referral.patient_id)
    assert [one.primary_site for one in record.tumours] == ["C17.2"]
    assert record.of("pathology")[0].derived_category == "NET_G1"
    assert record.therapies[0].agent == "SSA_LAN"
    assert record.tumours[0].source_id == str(referral.id)
    assert referral.assignee_id == net.chris.id


def test_declining_lets_the_centre_read_for_thirty_days(app):
    net = make_referrals.network()
    referral = make_referrals.referral(net, "declined")
    carla = net.viewer("carla")
    assert queries.referral(carla, referral.id)
    db.session.execute(
        sa.text("UPDATE care_relation SET until_at = :then WHERE kind = 'addressed'"),
        {"then": datetime.now(UTC) - timedelta(minutes=1)},
    )
    with pytest.raises(NotFound):
        queries.referral(carla, referral.id)
    assert queries.worklist(carla, queries.Filters(state="ended")) == []


def test_declining_one_of_two_leaves_the_other_readable(app):
    net = make_referrals.network()
    first = make_referrals.referral(net, "submitted")
    second = actions.start_draft(
        by=net.viewer("alice"),
        form_key=make_referrals.new_id(),
        to=net.centre,
        patient=first.patient,
    )
    alice, carla = net.viewer("alice"), net.viewer("carla")
    actions.submit(second, make_referrals.case(), by=alice, version=second.version)
    actions.take(first, "decline", by=carla, version=first.version, text="Asked twice.")
    relation = db.session.execute(
        sa.text("SELECT until_at FROM care_relation WHERE kind = 'addressed'")
    ).scalars()
    assert list(relation) == [None]


def test_a_draft_thrown_away_leaves_no_patient_to_see(app):
    net = make_referrals.network()
    made = make_referrals.draft(net)
    actions.take(made, "withdraw", by=net.viewer("bob"), version=made.version)
    assert made.draft is None
    assert patients.relation(net.viewer("alice"), made.patient_id) == frozenset()
    with pytest.raises(NotFound):
        queries.referral(net.viewer("alice"), made.id)


def test_acknowledging_marks_every_advice_and_tells_its_author(app):
    net = make_referrals.network()
    referral = make_referrals.referral(net, "advised")
    chris = net.viewer("chris")
    more = {"text": "And an echocardiogram.", "kinds": ["echocardiogram"]}
    actions.take(referral, "advise", by=chris, version=referral.version, **more)
    actions.take(referral, "acknowledge", by=net.viewer("bob"), version=referral.version)
    given = queries.advice(referral)
    assert [one.acknowledged_by for one in given] == ["Bob Bakker", "Bob Bakker"]
    assert told(net.chris)[-1] == "advice_acknowledged"


def told(person):
    query = sa.select(Notice.why).where(Notice.person_id == person.id).order_by(Notice.id)
    return list(db.session.scalars(query))


def test_who_must_know_is_told(app):
    net = make_referrals.network()
    referral = make_referrals.referral(net, "submitted")
    carla = net.viewer("carla")
    actions.take(referral, "assign", by=carla, version=referral.version, assignee_id=net.chris.id)
    actions.take(referral, "request_information", by=carla, version=referral.version, text="Ki-67?")
    actions.submit(referral, make_referrals.case(), by=net.viewer("bob"), version=referral.version)
    actions.take(referral, "accept", by=carla, version=referral.version)
    assert told(net.alice) == ["information_requested", "referral_accepted"]
    assert told(net.carla) == ["referral_received", "information_given"]
    assert told(net.chris) == ["referral_assigned", "information_given"]
    assert told(net.dora) == []


def test_an_assignment_is_seen_by_the_centre_alone(app):
    net = make_referrals.network()
    referral = make_referrals.referral(net, "submitted")
    carla = net.viewer("carla")
    actions.take(referral, "assign", by=carla, version=referral.version, assignee_id=net.chris.id)
    assert [e.step for e in queries.events(carla, referral)] == ["submit", "assign"]
    assert [e.step for e in queries.events(net.viewer("alice"), referral)] == ["submit"]


def test_nobody_of_another_centre_can_be_assigned(app):
    net = make_referrals.network()
    referral = make_referrals.referral(net, "submitted")
    with pytest.raises(Invalid):
        actions.take(
            referral,
            "assign",
            by=net.viewer("carla"),
            version=referral.version,
            assignee_id=net.dora.id,
        )


# -- clocks ------------------------------------------------------------------------------------

#: A Thursday. Decision within 10 working days of a routine case: Thursday the 19th.
THURSDAY = datetime(2026, 3, 5, 9, 0, tzinfo=UTC)


def test_deadlines_follow_the_urgency(app):
    net = make_referrals.network()
    routine = make_referrals.referral(net, at=THURSDAY)
    assert (routine.urgency, routine.deadline) == ("routine", date(2026, 3, 19))
    assert routine.answer_due == date(2026, 4, 2)  # 28 calendar days
    urgent = make_referrals.referral(
        net, family_name="Maan", at=THURSDAY, case_=make_referrals.case(red_flags=("obstruction",))
    )
    assert (urgent.urgency, urgent.deadline) == ("urgent", date(2026, 3, 9))  # 2 working days
    assert urgent.answer_due == date(2026, 3, 12)


def test_waiting_for_information_stops_the_centres_clock_and_not_the_patients(app):
    net = make_referrals.network()
    referral = make_referrals.referral(net, at=THURSDAY)
    carla, alice = net.viewer("carla"), net.viewer("alice")
    actions.take(
        referral,
        "request_information",
        by=carla,
        version=referral.version,
        text="Ki-67?",
        at=THURSDAY + timedelta(days=1),  # Friday
    )
    assert referral.clock == rules.STOPPED
    back = THURSDAY + timedelta(days=6)  # Wednesday: 5 days, of which 3 working days
    actions.submit(referral, make_referrals.case(), by=alice, version=referral.version, at=back)
    assert referral.clock == rules.RUNNING
    assert referral.deadline == date(2026, 3, 24)  # 3 working days after the 19th
    assert referral.answer_due == date(2026, 4, 7)  # 5 days after the 2nd
    assert queries.waited(referral.submitted_at, THURSDAY + timedelta(days=10)) == 10


def test_nothing_stops_the_clock_of_an_urgent_case(app):
    net = make_referrals.network()
    sent = make_referrals.case(ki67="60", differentiation="poor")
    referral = make_referrals.referral(net, "information_requested", case_=sent, at=THURSDAY)
    assert referral.urgency == "urgent"
    assert referral.clock == rules.RUNNING
    assert referral.stopped_since is None


def test_information_that_shows_a_carcinoma_makes_the_case_urgent(app):
    net = make_referrals.network()
    referral = make_referrals.referral(net, "information_requested", at=THURSDAY)
    sent = make_referrals.case(ki67="60", differentiation="poor")
    actions.submit(referral, sent, by=net.viewer("alice"), version=referral.version)
    assert (referral.urgency, referral.grade_group) == ("urgent", "carcinoma")
    assert [one.number for one in queries.submissions(referral)] == [2, 1]
    assert queries.open_request(referral) is None


def test_accepting_runs_on_to_the_advice_and_advice_ends_the_clock(app):
    net = make_referrals.network()
    referral = make_referrals.referral(net, at=THURSDAY)
    chris = net.viewer("chris")
    actions.take(referral, "accept", by=chris, version=referral.version, at=THURSDAY)
    assert (referral.clock, referral.deadline) == (rules.RUNNING, referral.answer_due)
    actions.take(
        referral, "advise", by=chris, version=referral.version, text="Wait.", kinds=["sstr_pet"]
    )
    assert referral.clock == rules.OVER


# -- entered on a doctor's behalf --------------------------------------------------------------


def test_a_coordinator_enters_a_referral_for_a_doctor(app):
    net = make_referrals.network()
    carla = net.viewer("carla")
    made = make_referrals.draft(
        net, by="carla", hospital=net.hospital, on_behalf_of="Dr Adler", hospital_number="77"
    )
    assert made.from_organisation_id == net.hospital.id
    assert made.entered_by == net.carla.id
    assert {s.name for s in queries.steps(carla, made)} == {"submit", "withdraw"}
    actions.submit(made, make_referrals.case(), by=carla, version=made.version)
    assert patients.relation(net.viewer("alice"), made.patient_id) == {relations.REFERRING}
    assert patients.hospital_number(net.viewer("alice"), made.patient_id) == "77"
    assert "accept" in {s.name for s in queries.steps(carla, made)}
    assert people.person_names([made.entered_by]) == {net.carla.id: "Carla Cohen"}


def test_only_a_coordinator_enters_for_another_hospital(app):
    net = make_referrals.network()
    with pytest.raises(Forbidden):
        make_referrals.draft(net, by="alice", hospital=net.other_hospital, on_behalf_of="Dr Oster")


def test_a_case_goes_to_a_reference_centre_only(app):
    net = make_referrals.network()
    with pytest.raises(Invalid):
        make_referrals.draft(net, to=net.other_hospital)


def test_a_stranger_knows_of_nothing(app):
    net = make_referrals.network()
    for state in rules.STATES:
        referral = make_referrals.referral(net, state)
        for who in ("olga", "dora"):
            with pytest.raises(NotFound):
                queries.referral(net.viewer(who), referral.id)


def test_a_draft_is_not_there_for_the_centre(app):
    net = make_referrals.network()
    made = make_referrals.draft(net)
    with pytest.raises(NotFound):
        queries.referral(net.viewer("carla"), made.id)
    assert queries.referral(net.viewer("bob"), made.id) is made
    assert make.viewer(net.carla) == net.viewer("carla")


def test_who_decides_sees_what_was_written_without_a_new_version(app):
    """Joining two records moves a case to another patient."""
    net = make_referrals.network()
    referral = make_referrals.referral(net, "submitted")
    other = make.patient(net.viewer("chris"))
    table = table_of(type(referral))
    db.session.connection().execute(
        sa.update(table).where(table.c.id == referral.id).values(patient_id=other.id)
    )
    assert referral.patient_id != other.id
    queries.fresh(referral)
    assert referral.patient_id == other.id
