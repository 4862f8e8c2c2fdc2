"""Figures of one meeting against a count by hand."""

from __future__ import annotations

from datetime import timedelta

from registry.boards.actions import agenda, delivery
from registry.boards.actions import meetings as actions
from registry.boards.queries import figures
from registry.boards.queries.figures import spread
from registry.boards.rules import delivery as rules
from registry.db import acting_at, db, now
from registry.referrals import actions as referrals
from tests import make, make_boards, make_course, make_referrals


def test_a_meeting_of_eight_cases_as_counted_by_hand(app):
    """Eight cases: six signed, one deferred for its images, one listed and not reached. Of the
    six one is a referral (sent, acknowledged, not done for the patient's wish), one has a changed
    grade, one went against the listed options, and five say whether it was followed: three done."""
    network = make_referrals.network()
    chara = make.viewer(make_boards.chair(network.centre))
    alice = network.viewer("alice")
    start = now() - timedelta(hours=5)
    with acting_at(start - timedelta(days=10)):
        sent = make_referrals.referral(network, "accepted", at=start - timedelta(days=10))
    found = make_boards.meeting(chara, starts=start)
    names = ("B", "C", "D", "E", "F", "G", "H")
    own = [make.patient(chara, family_name=name) for name in names]
    make_course.tumour(
        own[0], chara, diagnosis_date=(start - timedelta(days=40)).date().isoformat()
    )
    make_course.entry("pathology", own[0], chara, differentiation="well", grade_stated="G2")
    items = [make_boards.case(chara, found, one) for one in (sent.patient, *own)]
    agenda.ask(items[6], "Images", by=chara, asked_of="Radiology")
    with acting_at(start):
        actions.begin(found, by=chara)
    agenda.defer(items[6], by=chara, reason="images_missing")
    otherwise = {
        **make_boards.TYPED,
        "grade_to": ["G3"], "grade_kind": ["correction"], "grade_why": ["Recounted"],
    }  # fmt: skip
    with acting_at(start + timedelta(hours=2)):
        signed = [
            make_boards.signed(one, chara, typed=otherwise if n == 1 else None)
            for n, one in enumerate(items[:6])
        ]
    with acting_at(start + timedelta(hours=3)):
        actions.close(found, by=chara)
    db.session.refresh(sent)
    referrals.take(sent, "acknowledge", by=alice, version=sent.version)
    delivery.follow(signed[0], by=alice, outcome="not_done", reason="patient_wish")
    for one in signed[1:4]:
        delivery.follow(one, by=chara, outcome="done")
    delivery.follow(signed[4], by=chara, outcome="changed", reason="condition")
    day = start.date()
    told = figures.figures(figures.rows(chara, day, day))
    assert (told.meetings, told.cases, told.discussed, told.deferred) == (1, 8, 6, 1)
    assert told.per_meeting == 8.0
    assert told.deferrals == [("images_missing", 1)]
    assert told.not_ready == 1
    assert told.changes == [("grade", 1)]
    assert (told.signed, told.sent, told.to_acknowledge, told.acknowledged) == (6, 1, 1, 1)
    assert told.told == 0
    assert (told.from_referral.middle, told.from_referral.known) == (10.0, 1)
    assert (told.from_diagnosis.middle, told.from_diagnosis.known) == (40.0, 1)
    assert told.to_sign.middle == 2.0
    assert told.concordance.percent == 60  # three of five
    assert told.concordance.outcomes == {"done": 3, "changed": 1, "not_done": 1}
    assert told.concordance.reasons == {"patient_wish": 1, "condition": 1}


def test_concordance_of_four_is_not_shown():
    few = rules.concordance([("done", "")] * 3 + [("not_done", "condition")])
    assert (few.answered, few.enough, few.percent) == (4, False, None)
    assert set(few.outcomes.values()) == {None}
    assert rules.concordance([("done", "")] * 5).percent == 100


def test_the_middle_and_the_90th_centile_by_nearest_rank():
    told = spread([5, None, 1, 2, 3, 4, 6, 7, 8, 9, 10])
    assert (told.known, told.unknown, told.middle, told.ninety) == (10, 1, 5.5, 9.0)
    assert spread([]).middle is None
