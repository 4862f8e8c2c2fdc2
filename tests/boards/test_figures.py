"""Figures of one meeting against a count by hand."""

from __future__ import annotations

from datetime import timedelta

import pytest

from registry.access import Role
from registry.boards.actions import agenda, delivery
from registry.boards.actions import meetings as actions
from registry.boards.queries import figures
from registry.boards.rules import delivery as rules
from registry.boards.rules import figures as adding
from registry.boards.rules.figures import Row, Share, spread
from registry.db import acting_at, db, now
from registry.errors import Forbidden
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
        "plan": ["changed"],
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
    rows = figures.period(chara, day, day).rows
    told = adding.figures(rows)
    assert (told.meetings, told.cases, told.per_meeting) == (1, 8, 8.0)
    assert (told.discussed, told.deferred, told.not_reached) == (of(6, 8), of(1, 8), of(1, 8))
    assert told.deferrals == [("images_missing", 1)]
    assert told.not_ready == of(1, 8)
    assert told.changes == [("grade", of(1, 6))]
    assert told.plan_changed == of(1, 1)  # said of one
    assert (told.signed, told.sent, told.acknowledged) == (of(6, 6), of(1, 1), of(1, 1))
    assert told.told == of(0, 6)
    assert (told.from_referral.middle, told.from_referral.known) == (10.0, 1)
    assert (told.from_diagnosis.middle, told.from_diagnosis.known) == (40.0, 1)
    assert told.to_sign.middle == 2.0
    assert told.concordance.percent == 60  # three of five
    assert told.concordance.outcomes == {"done": 3, "changed": 1, "not_done": 1}
    assert told.concordance.reasons == {"patient_wish": 1, "condition": 1}
    # who coordinates the network sees the same cases, and of numbers below five only that
    nora = make.viewer(make.person(make.office(), Role.NETWORK_COORDINATOR, name="Nora Network"))
    assert len(figures.period(nora, day, day).rows) == 8
    with pytest.raises(Forbidden):
        figures.period(alice, day, day)


def of(n, whole):
    return Share(n, whole)


def a_row(**facts):
    facts = {"signed": True, "is_referred": True, **facts}
    return Row(
        **{
            "meeting_id": 1, "centre": "A", "state": "discussed", "deferred_for": "", "defects": 0,
            "site": "pancreas", "grade": "G2", "from_referral": 9, "from_diagnosis": None,
            "hours_to_sign": 1.0, "changes": (), "plan": "", "against": False, "sent": True,
            "acknowledged": True, "told": False, "outcome": "done", "reason": "", **facts,
        }
    )  # fmt: skip


def test_to_the_network_no_number_below_five_is_told_and_none_that_tells_one():
    """Centre A has 12 cases, B 7 and C 3: C is not told, and B, whose number would tell C's from
    the sum, neither."""
    rows = [a_row()] * 9 + [a_row(state="deferred", deferred_for="no_time", signed=False)] * 3
    rows += [a_row(centre="B")] * 7 + [a_row(centre="C")] * 3
    first, second, third = adding.grouped(rows, lambda one: one.centre, 5)
    assert (first.name, first.figures.cases) == ("A", 12)
    assert (second.figures, third.figures) == (None, None)
    assert first.figures.deferred == of(None, 12)
    assert first.figures.discussed == of(None, 12)  # else 12 - 9 would tell the three
    whole = adding.figures(rows, 5)
    assert whole.deferrals == [("no_time", None)]
    assert (whole.discussed, whole.deferred) == (of(None, 22), of(None, 22))
    assert whole.acknowledged == of(19, 19)
    # to the centre itself everything
    assert adding.figures(rows).deferred == of(3, 22)


def test_where_one_group_s_number_is_missing_another_s_is_too():
    """Of 20 and 10 cases 10 and 3 were not ready: with 10 and the sum of 13 the 3 were told."""
    rows = [a_row(defects=1)] * 10 + [a_row()] * 10
    rows += [a_row(centre="B", defects=1)] * 3 + [a_row(centre="B")] * 7
    first, second = adding.grouped(rows, lambda one: one.centre, 5)
    assert (first.figures.not_ready, second.figures.not_ready) == (of(None, 20), of(None, 10))


def test_the_page_of_the_network_has_every_centre_and_asks_a_bounded_number_of_times(app, client):
    nora = make.person(make.office(), Role.NETWORK_COORDINATOR, name="Nora Network")
    for number in (1, 2):
        centre = make.centre(f"C-{number}", f"Centre {number}")
        chara = make.viewer(make_boards.chair(centre, f"Chara {number}"))
        found = make_boards.meeting(chara, starts=now() - timedelta(hours=5))
        for name in "ABCDE":
            make_boards.case(chara, found, make.patient(chara, family_name=name))
        actions.begin(found, by=chara)
        actions.close(found, by=chara)
    make.sign_in(client, nora)
    client.get("/boards/figures")
    with make.counted() as asked:
        page = client.get("/boards/figures").text
    assert len(asked) <= 14, "\n".join(asked)
    assert "Centre 1" in page
    assert "Centre 2" in page
    assert "Zonneveld" not in page
    for wrong in ("since=2026-13-45&until=x", "since=0001&until=9999-12-31"):
        assert "Centre 1" in client.get(f"/boards/figures?{wrong}").text
    turned = client.get("/boards/figures?since=2026-02-01&until=2026-01-01").text
    assert "The first day must not be after the last one." in turned


def test_concordance_of_four_is_not_shown():
    few = rules.concordance([("done", "")] * 3 + [("not_done", "condition")])
    assert (few.answered, few.enough, few.percent) == (4, False, None)
    assert set(few.outcomes.values()) == {None}
    assert rules.concordance([("done", "")] * 5).percent == 100


def test_the_middle_and_the_90th_centile_by_nearest_rank():
    told = spread([5, None, 1, 2, 3, 4, 6, 7, 8, 9, 10])
    assert (told.known, told.unknown, told.middle, told.ninety) == (10, 1, 5.5, 9.0)
    assert spread([]).middle is None
