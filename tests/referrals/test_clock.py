"""The centre's clock against a calendar worked out by hand.

Centre in the Netherlands (zone Europe/Amsterdam); 2026: Good Friday 3 April and Easter Monday
6 April are public holidays (Goede Vrijdag is one in the package's table for the Netherlands),
King's Day is Monday 27 April. Summer time begins on Sunday 29 March at 02:00 local (01:00 UTC) and
ends on Sunday 25 October at 03:00 local (01:00 UTC).

    March 2026                      April 2026
    Mo Tu We Th Fr Sa Su            Mo Tu We Th Fr Sa Su
    16 17 18 19 20 21 22                   1  2 (3) 4  5
    23 24 25 26 27 28 29            (6) 7  8  9 10 11 12
    30 31                           13 14 15 16 17 18 19
                                    20 21 22 23 24 25 26
                                   (27)28 29 30

Targets (standards §4), working days for first look and decision, calendar days for advice:
urgent 1 / 2 / 7, soon 2 / 5 / 14, routine 3 / 10 / 28.
"""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from registry.clinical import urgency
from registry.referrals import rules, targets
from registry.referrals.rules import Calendar, Pause

NL = Calendar("NL")
AMSTERDAM = "Europe/Amsterdam"


def d(text: str) -> date:
    return date.fromisoformat(f"2026-{text}")


@pytest.mark.parametrize(
    ("sent", "answer", "look", "decision", "advice"),
    [
        # Mon 16 March. look: 17, 18, 19. decision: 17–20 (4), 23–27 (9), 30 (10). advice: 16 + 28.
        ("03-16", "routine", "03-19", "03-30", "04-13"),
        # Fri 20 March, over a weekend. look: 23. decision: 23, 24. advice: 20 + 7.
        ("03-20", "urgent", "03-23", "03-24", "03-27"),
        # Sat 21 March: Monday is the first day. soon: 23, 24; 23–27; 21 + 14.
        ("03-21", "soon", "03-24", "03-27", "04-04"),
        # Thu 2 April, before Easter: 3 (Fri), 6 (Mon) are holidays. look: 7. decision: 7, 8.
        ("04-02", "urgent", "04-07", "04-08", "04-09"),
        # Mon 30 March, routine. 31, 1, 2 (3) | 7, 8, 9, 10 (7) | 13, 14, 15 (10).
        ("03-30", "routine", "04-02", "04-15", "04-27"),
        # Fri 24 April, soon: King's Day 27 is none. look: 28, 29. decision: 28, 29, 30, 1, 4 May.
        ("04-24", "soon", "04-29", "05-04", "05-08"),
    ],
)
def test_deadlines_by_hand(sent, answer, look, decision, advice):
    assert rules.look_due(d(sent), answer, NL) == d(look)
    assert rules.decision_due(d(sent), answer, Pause(), NL) == d(decision)
    assert rules.advice_due(d(sent), answer, Pause()) == d(advice)


def test_own_closed_days_are_no_working_days():
    # Fri 20 March, urgent; the centre is closed on Mon 23 (move): look 24, decision 24, 25.
    closed = Calendar("NL", {d("03-23"): "Move"})
    assert rules.look_due(d("03-20"), "urgent", closed) == d("03-24")
    assert rules.decision_due(d("03-20"), "urgent", Pause(), closed) == d("03-25")
    assert closed.rests(d("03-23")) == "Move"


def test_the_clock_stops_and_runs_several_times():
    # Routine, sent Mon 16 March: due Mon 30 March.
    # Stopped Wed 18 → runs Mon 23: 19, 20, (21, 22), 23 = 5 days, of which 3 working.
    # Stopped Tue 24 → runs the same day: nothing.
    # Stopped Thu 2 April → runs Wed 8: 3 holiday, 4, 5, 6 holiday, 7, 8 = 6 days, 2 working.
    pause = Pause().longer(d("03-18"), d("03-23"), NL)
    assert pause == Pause(5, 3)
    pause = pause.longer(d("03-24"), d("03-24"), NL)
    assert pause == Pause(5, 3)
    pause = pause.longer(d("04-02"), d("04-08"), NL)
    assert pause == Pause(11, 5)
    # decision: 10 + 5 working days: 17–20 (4), 23–27 (9), 30, 31, 1, 2 (13), 7, 8 (15).
    assert rules.decision_due(d("03-16"), "routine", pause, NL) == d("04-08")
    # advice: 28 + 11 days after 16 March: 24 April.
    assert rules.advice_due(d("03-16"), "routine", pause) == d("04-24")


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        # Winter time, UTC+1: Sat 28 March 22:59 UTC is 23:59 there, a minute later it is Sunday.
        ("2026-03-28T22:59", "03-28"),
        ("2026-03-28T23:00", "03-29"),
        # Summer time, UTC+2: on Sun 29 March the next day begins an hour earlier, in UTC.
        ("2026-03-29T21:59", "03-29"),
        ("2026-03-29T22:00", "03-30"),
        # Back to winter time on Sun 25 October.
        ("2026-10-24T22:00", "10-25"),
        ("2026-10-25T22:59", "10-25"),
        ("2026-10-25T23:00", "10-26"),
    ],
)
def test_a_day_is_the_centres_day_over_the_change_of_time(moment, day):
    at = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    assert rules.local_day(at, AMSTERDAM) == d(day)


def test_the_change_of_time_costs_no_working_day():
    # Sent Sun 29 March 22:30 UTC = Mon 30 March 00:30 there: urgent, look Tue 31, decision Wed 1.
    start = rules.local_day(datetime(2026, 3, 29, 22, 30, tzinfo=UTC), AMSTERDAM)
    assert rules.look_due(start, "urgent", NL) == d("03-31")
    assert rules.decision_due(start, "urgent", Pause(), NL) == d("04-01")
    # The same moment at a centre in Lisbon is still Sunday: look Mon 30, decision Tue 31.
    start = rules.local_day(datetime(2026, 3, 29, 22, 30, tzinfo=UTC), "Europe/Lisbon")
    assert rules.look_due(start, "urgent", Calendar("PT")) == d("03-30")
    assert rules.decision_due(start, "urgent", Pause(), Calendar("PT")) == d("03-31")


def test_in_the_urgent_lane_nothing_stops():
    assert rules.clock_after("stop", rules.RUNNING, urgency.URGENT) == rules.RUNNING
    assert rules.clock_after("stop", rules.RUNNING, urgency.SOON) == rules.STOPPED


@pytest.mark.parametrize(
    ("due", "found"),
    [("03-31", "late"), ("04-01", "today"), ("04-02", "soon"), ("04-07", "soon"), ("04-08", "")],
)
def test_about_to_be_late_looks_over_easter(due, found):
    # Wed 1 April: the next two working days are Thu 2 and, after Easter, Tue 7.
    assert rules.lateness(d(due), d("04-01"), NL) == found


def test_when_the_lead_is_told():
    # Due Thu 2 April. Fri to Mon nobody works; on Tue 7 it is the first working day late.
    assert not rules.to_escalate(d("04-02"), d("04-07"), "routine", NL)
    assert rules.to_escalate(d("04-02"), d("04-08"), "routine", NL)
    assert rules.to_escalate(d("04-02"), d("04-07"), "urgent", NL)
    assert not rules.to_escalate(d("04-02"), d("04-02"), "urgent", NL)


def test_weekends_are_those_of_the_country():
    # Israel rests on Friday and Saturday; Sunday 22 March 2026 is a working day.
    assert Calendar("IL").rests(d("03-20")) == ""
    assert Calendar("IL").is_working(d("03-22"))
    assert not NL.is_working(d("03-22"))


def test_a_country_that_is_not_known_has_weekends_alone():
    assert Calendar("XX").add(d("03-20"), 1) == d("03-23")


def test_a_calendar_without_working_days_is_refused():
    days = {date.fromordinal(n): "" for n in range(d("01-01").toordinal(), 745_000)}
    with pytest.raises(ValueError, match="no working days"):
        Calendar("NL", days).add(d("03-20"), 1)


HEAD = "urgency,rank,first_look_working_days,decision_working_days,advice_calendar_days\n"


def test_a_network_has_its_own_targets(tmp_path):
    own = tmp_path / "targets.csv"
    own.write_text(HEAD + "urgent,1,1,1,5\nsoon,2,2,4,10\nroutine,3,5,15,42\n")
    found = targets.read(str(own))
    # Mon 16 March, routine: look 17, 18, 19, 20, 23; advice 16 March + 42 days = 27 April.
    assert rules.look_due(d("03-16"), "routine", NL, found) == d("03-23")
    assert rules.advice_due(d("03-16"), "routine", Pause(), found) == d("04-27")


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ("urgent,1,1,2,7\nsoon,2,2,5,14\n", "routine: no row"),
        ("urgent,1,3,2,7\nsoon,2,2,5,14\nroutine,3,3,10,28\n", "not in order"),
        ("urgent,1,0,2,7\nsoon,2,2,5,14\nroutine,3,3,10,28\n", "from 1 to 366"),
        ("urgent,1,one,2,7\n", "no number"),
    ],
)
def test_a_table_of_targets_with_a_mistake_is_refused(tmp_path, rows, says):
    own = tmp_path / "targets.csv"
    own.write_text(HEAD + rows)
    with pytest.raises(ValueError, match=says):
        targets.read(str(own))
