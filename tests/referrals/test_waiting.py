"""Waiting times: where a case stands, quantiles worked by hand, and what small numbers hide."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, timedelta
from itertools import product

import pytest

from registry.access import Role
from registry.audit import AuditEntry
from registry.db import acting_at, db, now
from registry.referrals import actions, queries
from registry.referrals.actions import More
from registry.referrals.rules import waiting
from registry.referrals.rules.waiting import REACHED, UNCLEAR, WAITING, WITHOUT, Way, hidden
from tests import make, make_referrals

SENT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def way(over=False, due=None, stopped=0, **reached):
    at = {name: SENT + timedelta(days=days) for name, days in reached.items()}
    return Way(
        {"centre": "C"}, SENT, at, over, due or {}, {n: m.date() for n, m in at.items()}, stopped
    )


def told(ways, step="advice", *, after=30, minimum=1):
    moment = SENT + timedelta(days=after)
    return waiting.line(ways, step, now=moment, today=moment.date(), minimum=minimum)


@pytest.mark.parametrize(
    ("case", "step", "where"),
    [
        (way(look=1), "look", REACHED),
        (way(look=1), "accepted", WAITING),
        (way(look=1, accepted=3), "board", WAITING),
        (way(look=1, accepted=3, advice=9), "board", WITHOUT),  # advised without a board
        (way(look=1, over=True), "accepted", WITHOUT),  # declined
        (way(advice=-2), "advice", UNCLEAR),  # advised before it was sent
    ],
)
def test_every_case_stands_in_one_place(case, step, where):
    assert waiting.place(case, step) == where
    assert sum(told([case], step).parts.values()) == 1


def test_quantiles_are_those_of_r():
    # R: quantile(c(1, 2, 4, 8, 16), c(.5, .9)) gives 4.0 and 12.8
    values = [16.0, 1.0, 8.0, 2.0, 4.0]
    assert waiting.quantile(values, 0.5) == 4.0
    assert waiting.quantile(values, 0.9) == pytest.approx(12.8)


def test_those_who_still_wait_are_counted_and_told_apart():
    ways = [way(advice=days) for days in (7, 14, 21)] + [way(), way()]
    found = told(ways, after=40)
    assert found.parts == {REACHED: 3, WAITING: 2, WITHOUT: 0, UNCLEAR: 0}
    assert (found.median, found.so_far) == (14.0, 40.0)


def test_who_waits_past_the_target_is_not_within_it():
    due = {"advice": (SENT + timedelta(days=28)).date()}
    ways = [way(due=due, advice=20), way(due=due, advice=28), way(due=due, advice=29), way(due=due)]
    assert told(ways, after=28).within == pytest.approx(2 / 3)  # the last one may still be in time
    assert told(ways, after=29).within == 0.5


def test_time_between_steps_and_time_stopped_are_apart():
    found = told([way(accepted=4, advice=10, stopped=3), way(accepted=6, advice=8)])
    assert (found.median, found.since_last) == (9.0, 4.0)
    assert (found.stopped, found.stopped_median) == (1, 3.0)


# -- small numbers -----------------------------------------------------------------------------


def test_a_group_that_would_follow_from_the_sum_is_hidden_too():
    assert waiting.small_groups({"a": 20, "b": 3, "c": 9}, 5) == {"b", "c"}
    assert waiting.small_groups({"a": 20, "b": 3, "c": 4}, 5) == {"b", "c"}  # 7 together
    assert waiting.small_groups({"a": 20, "b": 9}, 5) == set()
    assert waiting.small_groups({"a": 20, "b": 0, "c": 9}, 5) == set()


def possible(rows, gone):
    """What each hidden cell could be, given all sums, small tables only: every way to share out
    what is hidden of each row, of which those stand that keep the sums of the columns."""
    could = {cell: set() for cell in gone}
    downs = [sum(column) for column in zip(*rows, strict=True)]
    for tried in product(*(_ways(r, row, gone) for r, row in enumerate(rows))):
        if [sum(column) for column in zip(*tried, strict=True)] == downs:
            for r, c in gone:
                could[r, c].add(tried[r][c])
    return could


def _ways(number, row, gone):
    hidden_here = [c for c in range(len(row)) if (number, c) in gone]
    rest = sum(row[c] for c in hidden_here)
    for values in product(range(rest + 1), repeat=len(hidden_here)):
        if sum(values) == rest:
            here = dict(zip(hidden_here, values, strict=True))
            yield [here.get(c, value) for c, value in enumerate(row)]


@pytest.mark.parametrize(
    "rows",
    [
        [[9, 1], [8, 7]],
        [[6, 2], [7, 1], [5, 6]],
        [[9, 0], [1, 8]],
        [[3, 9], [9, 3]],
    ],
)
def test_no_hidden_number_can_be_worked_out_from_the_sums(rows):
    gone = hidden(rows, 5)
    assert {(r, c) for r, row in enumerate(rows) for c, v in enumerate(row) if 0 < v < 5} <= gone
    for cell, values in possible(rows, gone).items():
        assert len(values) > 1, (cell, rows, gone)


def test_nothing_is_hidden_where_nothing_is_small():
    assert hidden([[9, 0], [12, 7]], 5) == set()
    assert hidden([[1, 2]], 1) == set()


# -- the page ----------------------------------------------------------------------------------


def coordinator(net):
    office = make.office()
    return make.person(office, Role.NETWORK_COORDINATOR, name="Nora Network")


def test_the_way_of_a_case_is_read_from_what_happened(app):
    net = make_referrals.network()
    with acting_at(SENT):
        asked = make_referrals.referral(net, "submitted")
    with acting_at(SENT + timedelta(days=1)):
        actions.take(
            asked, "request_information", by=net.viewer("carla"), version=asked.version,
            text="Which Ki-67?",
        )  # fmt: skip
    with acting_at(SENT + timedelta(days=4)):
        actions.submit(
            asked, make_referrals.case(ki67="9"), by=net.viewer("alice"), version=asked.version
        )
    with acting_at(SENT + timedelta(days=6)):
        actions.take(asked, "accept", by=net.viewer("chris"), version=asked.version)
    with acting_at(SENT + timedelta(days=7)):
        actions.take(asked, "list_for_board", by=net.viewer("carla"), version=asked.version)
    day = SENT + timedelta(days=13)
    actions.was_discussed(asked, by=net.viewer("chris"), at=day)
    db.session.flush()
    viewer = make.viewer(coordinator(net))
    [found] = queries.waiting_times(viewer, date(2026, 1, 1), date(2026, 12, 31)).ways
    taken = {name: round((at - SENT).total_seconds() / 86400) for name, at in found.reached.items()}
    assert taken == {"look": 1, "complete": 4, "accepted": 6, "listed": 7, "board": 13}
    assert found.stopped_days == 3
    assert found.groups["site"] == "small_bowel"


def test_the_first_look_at_a_case_that_was_passed_on_is_that_of_the_centre_that_has_it(app):
    """Centre 1 looks on the first day and passes it on on the second; centre 2 looks on the ninth,
    which is late: two working days are its target."""
    net = make_referrals.network()
    with acting_at(SENT):
        asked = make_referrals.referral(net, "submitted")
    with acting_at(SENT + timedelta(days=1)):
        actions.read(asked, by=net.viewer("carla"))
    with acting_at(SENT + timedelta(days=2)):
        db.session.refresh(asked)
        more = More(centre_id=net.other_centre.id)
        actions.take(asked, "redirect", by=net.viewer("carla"), version=asked.version,
                     text="They treat this.", more=more)  # fmt: skip
    viewer = make.viewer(coordinator(net))
    [found] = queries.waiting_times(viewer, date(2026, 1, 1), date(2026, 12, 31)).ways
    assert "look" not in found.reached  # nobody of centre 2 has looked
    with acting_at(SENT + timedelta(days=9)):
        actions.read(asked, by=net.viewer("dora"))
    [found] = queries.waiting_times(viewer, date(2026, 1, 1), date(2026, 12, 31)).ways
    assert found.reached["look"] == SENT + timedelta(days=9)
    assert found.days["look"] > found.due["look"]


def test_others_than_the_network_see_their_own_organisation_only(app):
    net = make_referrals.network()
    make_referrals.referral(net)
    make_referrals.referral(net, to=net.other_centre)
    this_year = (date(now().year, 1, 1), date(now().year, 12, 31))
    seen = lambda who: len(queries.waiting_times(who, *this_year).ways)  # noqa: E731
    assert seen(make.viewer(coordinator(net))) == 2
    assert seen(net.viewer("carla")) == seen(net.viewer("dora")) == 1


def test_the_page_and_the_file_tell_no_small_number(client):
    net = make_referrals.network()
    for number in range(6):
        make_referrals.referral(net, "advised", family_name=f"Here{number}")
    for number in range(2):
        make_referrals.referral(net, to=net.other_centre, family_name=f"There{number}")
    make.sign_in(client, coordinator(net))
    page = client.get("/waiting-times")
    assert page.status_code == 200
    assert "Here1" not in page.text
    lines = list(
        csv.DictReader(io.StringIO(client.get("/waiting-times.csv").get_data().decode("utf-8-sig")))
    )
    groups = {line["Group"]: line for line in lines}
    # Centre 2 has two: from the sum of eight, centre 1 must not be told either.
    assert groups["Centre 2"]["Cases"] == groups["Centre 1"]["Cases"] == "*"
    [advice] = [one for one in lines if one["Group"] == "All" and one["Step"] == "Advice"]
    assert (advice["Cases"], advice["Reached"]) == ("8", "*")
    kept = db.session.query(AuditEntry.action).filter(AuditEntry.subject_kind == "waiting times")
    assert {row[0] for row in kept} == {"opened waiting times", "downloaded waiting times"}


def test_a_figure_needs_enough_cases(client):
    net = make_referrals.network()
    make_referrals.referral(net, "advised")
    make.sign_in(client, coordinator(net))
    assert "Too few to tell" in client.get("/waiting-times").text
