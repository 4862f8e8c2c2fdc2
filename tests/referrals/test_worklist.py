"""The centre's worklist: its order, filters, search and pages, and how many queries it takes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa

from registry.dates import PartialDate
from registry.db import acting_at, db, now
from registry.referrals import actions, queries
from registry.referrals.models import Referral
from registry.referrals.queries import Filters
from tests import make, make_referrals

MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def sent(net, name, *, days=0, state="submitted", **shape):
    """A case of this family name, sent some days after a Monday."""
    at = MONDAY + timedelta(days=days)
    case = make_referrals.case(**shape)
    return make_referrals.referral(net, state, family_name=name, case_=case, at=at)


def names(rows):
    return [row.identity.name.split(",")[0] for row in rows]


def shown(net, **filters):
    return names(queries.worklist(net.viewer("carla"), Filters(**filters)))


def test_urgent_first_then_by_deadline_then_by_id(app):
    net = make_referrals.network()
    sent(net, "Later", days=1)
    sent(net, "Routine")
    sent(net, "Also")
    sent(net, "Soon", days=2, urgency="soon")
    sent(net, "Carcinoma", days=3, ki67="60", differentiation="poor")
    assert shown(net) == ["Carcinoma", "Soon", "Routine", "Also", "Later"]


def test_only_what_is_open_and_was_sent_here(app):
    net = make_referrals.network()
    for state in ("draft", "declined", "advised", "closed", "withdrawn"):
        make_referrals.referral(net, state, family_name=state)
    make_referrals.referral(net, to=net.other_centre, family_name="Elsewhere")
    sent(net, "Here")
    assert shown(net) == ["Here"]
    assert shown(net, state="answered") == ["advised"]
    assert sorted(shown(net, state="ended")) == ["closed", "declined", "withdrawn"]
    assert shown(net, state="declined") == ["declined"]
    assert names(queries.worklist(net.viewer("dora"))) == ["Elsewhere"]


def test_filters(app):
    net = make_referrals.network()
    sent(net, "Ileum")
    sent(net, "Pancreas", site="C25.0", ki67="12")
    sent(net, "Nowhere", site="C80.9", differentiation="poor", ki67="60")
    taken = sent(net, "Taken")
    carla = net.viewer("carla")
    actions.take(taken, "assign", by=carla, version=taken.version, assignee_id=net.carla.id)
    assert shown(net, site_group="pancreas") == ["Pancreas"]
    assert shown(net, grade_group="carcinoma") == ["Nowhere"]
    assert shown(net, grade_group="1") == ["Ileum", "Taken"]
    assert shown(net, assignee="me") == ["Taken"]
    assert shown(net, assignee=str(net.chris.id)) == []
    assert shown(net, assignee="none") == ["Nowhere", "Ileum", "Pancreas"]


def test_overdue_is_past_the_deadline_while_the_clock_runs(app):
    net = make_referrals.network()
    old = sent(net, "Old")  # of March 2026, long ago
    asked = sent(net, "Asked", state="information_requested")
    new = make_referrals.referral(net, family_name="New")
    assert asked.clock == "stopped"
    assert shown(net, overdue=True) == ["Old"]
    carla = net.viewer("carla")
    rows = {row.id: row for row in queries.worklist(carla)}
    today = old.deadline + timedelta(days=3)
    assert rows[old.id].days_left(today) == -3
    assert rows[asked.id].days_left(today) is None
    assert rows[new.id].waiting_days == 0


def test_the_pages_are_one_list_without_gap_or_repeat(app):
    net = make_referrals.network()
    for number in range(7):
        sent(net, f"P{number}", days=number % 3, urgency=("urgent", "routine")[number % 2])
    carla = net.viewer("carla")
    whole = names(queries.worklist(carla))
    read, after = [], None
    while True:
        rows = queries.worklist(carla, after=after, limit=2)
        read += names(rows[:2])
        if len(rows) <= 2:
            break
        after = rows[1].mark
    assert read == whole
    assert len(whole) == 7


@pytest.mark.parametrize(
    ("born", "age"), [("1961-03-27", "64"), ("1961", "64–65"), ("1961-03", "64–65"), (None, "")]
)
def test_age_is_as_precise_as_the_birth_date(born, age):
    on = date(2026, 3, 26)
    assert queries.age_text(PartialDate(born) if born else None, on) == age


def test_the_worklist_takes_four_queries_for_one_row_and_for_thirty(client):
    net = make_referrals.network()
    sent(net, "First")
    make.sign_in(client, net.carla)
    one = make.selects(client, "/worklist")
    for number in range(29):
        sent(net, f"More{number}")
    thirty = make.selects(client, "/worklist")
    assert len(thirty) == len(one) <= 4


def test_the_case_takes_as_many_queries_for_two_versions_as_for_one(client):
    net = make_referrals.network()
    first = make_referrals.referral(net, "information_requested")
    make.sign_in(client, net.carla)
    one = make.selects(client, f"/referrals/{first.id}")
    actions.submit(
        first, make_referrals.case(ki67="9"), by=net.viewer("bob"), version=first.version
    )
    two = make.selects(client, f"/referrals/{first.id}")
    assert len(two) <= len(one) + 1  # the colleagues to assign to


def test_what_is_late_takes_as_many_queries_for_thirty_cases_as_for_one(client):
    net = make_referrals.network()
    week = timedelta(days=7)
    with acting_at(now() - 5 * week):
        sent(net, "First")
    make.sign_in(client, net.carla)
    assert "first look" in client.get("/worklist").text  # it is late, and the list says so
    one = make.selects(client, "/late")
    with acting_at(now() - 5 * week):
        for number in range(29):
            sent(net, f"More{number}")
    thirty = make.selects(client, "/late")
    # The centre, its closed days, its cases, the answers that are late, and the notices unread.
    assert len(thirty) == len(one) <= 5


def test_a_thread_takes_as_many_queries_for_thirty_messages_as_for_one(client):
    net = make_referrals.network()
    case = make_referrals.referral(net)
    make.sign_in(client, net.carla)

    def said(number):
        for one in range(number):
            actions.say(case, f"Message {one}", by=net.viewer("alice"))
            actions.say(case, f"Note {one}", by=net.viewer("carla"), note=True)

    said(1)
    one = make.selects(client, f"/referrals/{case.id}")
    said(14)
    assert len(make.selects(client, f"/referrals/{case.id}")) == len(one)


# -- the page ----------------------------------------------------------------------------------


def test_the_page_shows_why_a_case_is_urgent_and_takes_a_step_in_one_click(client):
    net = make_referrals.network()
    sent(net, "Carcinoma", ki67="60", differentiation="poor")
    make.sign_in(client, net.carla)
    page = client.get("/worklist")
    assert "Neuroendocrine carcinoma: urgent oncology lane beside the board." in page.text
    assert "Hospital A" in page.text
    [referral] = db.session.scalars(sa.select(Referral))
    answer = make.post(
        client,
        f"/referrals/{referral.id}/step",
        {"step": "accept", "version": referral.version, "back": "worklist"},
    )
    assert answer.location == "/worklist"
    assert "Accepted" in client.get("/worklist").text


def test_filters_stand_in_the_address_and_nonsense_is_ignored(client):
    net = make_referrals.network()
    sent(net, "Ileum")
    sent(net, "Pancreas", site="C25.0")
    make.sign_in(client, net.carla)
    page = client.get("/worklist?site=pancreas&overdue=1").text
    assert "Pancreas," in page
    assert "Ileum," not in page
    for odd in ("state=nonsense", "assignee=nobody-at-all", "after=1_2_3", "after=x", "site=%00"):
        assert client.get(f"/worklist?{odd}").status_code == 200


def test_the_list_goes_on_with_the_filters_kept(client):
    net = make_referrals.network()
    for number in range(27):
        sent(net, f"P{number:02}", days=number)
    make.sign_in(client, net.carla)
    page = client.get("/worklist?grade=1").text
    assert "P24" in page
    assert "P25" not in page
    more = page.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&")
    assert "grade=1" in more
    rest = client.get(more).text
    assert "P25" in rest
    assert "P26" in rest
    assert "P24" not in rest


def test_a_name_is_searched_by_post_and_found_in_any_state(client):
    net = make_referrals.network()
    make_referrals.referral(net, "declined", family_name="Dekker")
    make_referrals.referral(net, family_name="Jansen")
    make.sign_in(client, net.carla)
    found = make.post(client, "/worklist/search", {"text": "dekker"})
    assert found.status_code == 200
    assert "Dekker" in found.text
    assert "Jansen" not in found.text
    assert client.get("/worklist/search?text=dekker").status_code == 405


def test_a_case_of_another_centre_is_not_found(client):
    net = make_referrals.network()
    make_referrals.referral(net, family_name="Dekker")
    make.sign_in(client, net.dora)
    found = make.post(client, "/worklist/search", {"text": "Dekker"})
    assert "Nobody found" in found.text
