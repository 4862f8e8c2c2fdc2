"""The worklist of a large centre: counts, views, several cases at once, the team, files, news."""

from __future__ import annotations

import csv
import io

import openpyxl
import pytest
import sqlalchemy as sa

from registry import codes
from registry.audit import AuditEntry
from registry.db import db
from registry.errors import Invalid, NotFound
from registry.referrals import actions, queries
from registry.referrals.models import Referral
from registry.referrals.queries import Filters, centre_counts
from registry.referrals.rules import worklist as known
from registry.referrals.views import work_out
from registry.referrals.views.work_out import cell
from tests import make, make_referrals


def counted(viewer):
    frame = queries.frame(viewer)
    return queries.counts(viewer, frame.moved, codes.codes("triage_group"))


def test_each_filter_says_how_many_open_cases_stand_behind_it(app):
    net = make_referrals.network()
    make_referrals.referral(net, family_name="One")
    taken = make_referrals.referral(
        net, family_name="Two", case_=make_referrals.case(site="C25.0", ki67="12")
    )
    make_referrals.referral(net, "declined", family_name="Gone")
    make_referrals.referral(net, to=net.other_centre, family_name="Elsewhere")
    carla = net.viewer("carla")
    assert counted(carla).get("state", "submitted") == 2
    actions.take(taken, "assign", by=carla, version=taken.version, assignee_id=net.carla.id)
    found = counted(carla)  # a step was taken: they are counted again
    assert found.get("site", "pancreas") == found.get("site", "small_bowel") == 1
    assert found.get("grade", "2") == found.get("grade", "1") == 1
    assert found.get("assignee", "none") == found.get("assignee", str(net.carla.id)) == 1
    assert [name for _id, name in found.colleagues] == ["Carla Cohen", "Chris Chen"]
    assert counted(net.viewer("dora")).get("state", "submitted") == 1


def test_a_count_goes_no_further_than_its_bound(app, monkeypatch):
    monkeypatch.setattr(centre_counts, "MOST", 2)
    centre_counts._count_statement.cache_clear()
    net = make_referrals.network()
    for number in range(4):
        make_referrals.referral(net, family_name=f"P{number}")
    assert counted(net.viewer("carla")).get("state", "submitted") == 3
    centre_counts._count_statement.cache_clear()


def test_overdue_cases_are_read_page_by_page_in_the_order_of_the_list(app):
    net = make_referrals.network()
    for number in range(7):
        at = make.viewer_time().replace(year=2026, month=3, day=2 + number % 3)
        urgency = ("urgent", "soon", "routine")[number % 3]
        make_referrals.referral(
            net, family_name=f"P{number}", case_=make_referrals.case(urgency=urgency), at=at
        )
    carla, late = net.viewer("carla"), Filters(overdue=True)
    whole = [row.id for row in queries.worklist(carla, late)]
    assert whole == [row.id for row in queries.worklist(carla)]
    read, after = [], None
    while len(read) < 7:
        rows = queries.worklist(carla, late, after=after, limit=2)
        read += [row.id for row in rows[:2]]
        after = rows[:2][-1].mark
    assert read == whole
    back = queries.worklist(carla, late, before=after, limit=2)
    assert [row.id for row in back] == whole[3:6]


def test_the_number_of_a_page_is_the_same_there_and_back(client):
    net = make_referrals.network()
    for number in range(2 * known.PAGE + 1):
        make_referrals.referral(net, family_name=f"P{number:02}")
    make.sign_in(client, net.carla)

    def follow(page, rel):
        return client.get(page.split(f'rel="{rel}" href="')[1].split('"')[0].replace("&amp;", "&"))

    first = client.get("/worklist").text
    second = follow(first, "next").text
    third = follow(second, "next").text
    assert "Page 2" in second
    assert "Page 3" in third
    assert 'rel="next"' not in third
    again = follow(third, "prev").text
    assert "Page 2" in again
    assert again.split("<tbody")[1].split("</tbody")[0].count("<tr") == known.PAGE
    assert "Page 1" in follow(again, "prev").text


# -- views -------------------------------------------------------------------------------------


def test_a_view_is_ones_own_until_it_is_shared_and_never_leaves_the_centre(app):
    net = make_referrals.network()
    carla = net.viewer("carla")
    kept = actions.save_view("Pancreas", {"site": "pancreas"}, ["grade"], shared=False, by=carla)
    names = lambda who: [one.name for one in queries.frame(net.viewer(who)).views]  # noqa: E731
    assert names("carla") == ["Pancreas"]
    assert names("chris") == names("dora") == []
    actions.save_view(
        "Pancreas", {"site": "pancreas", "nonsense": "x"}, ["grade", "none"], shared=True, by=carla
    )
    [view] = queries.frame(net.viewer("chris")).views
    assert (view.filters, view.columns, view.own) == ({"site": "pancreas"}, ("grade",), False)
    assert names("dora") == []
    with pytest.raises(NotFound):
        actions.remove_view(kept.id, by=net.viewer("chris"))
    actions.remove_view(kept.id, by=carla)
    assert names("carla") == []


def test_mine_in_a_shared_view_stays_the_one_who_shared_it(app):
    net = make_referrals.network()
    kept = actions.save_view("Mine", {"assignee": "me"}, [], shared=True, by=net.viewer("carla"))
    assert kept.filters == {"assignee": str(net.carla.id)}


def test_columns_and_keys_are_kept_for_the_person(client):
    net = make_referrals.network()
    make_referrals.referral(net)
    make.sign_in(client, net.carla)
    assert "data-keys-off" not in client.get("/worklist").text
    make.post(client, "/worklist/setting", {"column": ["grade", "question"]})
    page = client.get("/worklist").text
    assert "data-keys-off" in page
    head = page.split("<thead")[1].split("</thead")[0]
    assert "Question" in head
    assert "Referring hospital" not in head
    make.post(client, "/worklist/views", {"name": "Late", "overdue": "1", "shared": "1"})
    page = client.get("/worklist").text
    assert '<bdi dir="auto">Late</bdi>' in page
    assert "/worklist?overdue=1" in page


# -- several cases -----------------------------------------------------------------------------


def test_several_cases_are_assigned_and_each_says_what_became_of_it(client):
    net = make_referrals.network()
    good = make_referrals.referral(net, family_name="Good")
    old = make_referrals.referral(net, family_name="Moved")
    seen = old.version
    actions.take(
        old, "assign", by=net.viewer("chris"), version=old.version, assignee_id=net.chris.id
    )
    other = make_referrals.referral(net, to=net.other_centre, family_name="Elsewhere")
    make.sign_in(client, net.carla)
    answer = make.post(
        client,
        "/worklist/several",
        {
            "step": "assign",
            "assignee": str(net.carla.id),
            "case": [f"{good.id}_{good.version}", f"{old.id}_{seen}", f"{other.id}_1", "nonsense"],
        },
    )
    assert answer.status_code == 200
    assert "1 of 3 done." in answer.text
    assert "Chris Chen was first" in answer.text
    assert "no longer with your centre" in answer.text
    assert other.patient.pseudonym not in answer.text
    db.session.expire_all()
    assert (good.assignee_id, old.assignee_id) == (net.carla.id, net.chris.id)


def test_several_are_asked_the_same_and_listed_for_board_where_the_table_allows_it(app):
    net = make_referrals.network()
    new, accepted = make_referrals.referral(net), make_referrals.referral(net, "accepted")
    both = [(one.id, one.version) for one in (new, accepted)]
    carla = net.viewer("carla")
    asked = actions.take_many("request_information", both, by=carla, text="Which Ki-67?")
    assert [one.done for one in asked] == [True, False]
    assert new.state == "information_requested"
    both = [(one.id, one.version) for one in (new, accepted)]
    listed = actions.take_many("list_for_board", both, by=carla)
    assert [one.done for one in listed] == [False, True]
    assert accepted.state == "listed_for_board"


def test_nothing_is_done_without_a_case_a_step_or_a_colleague(app):
    net = make_referrals.network()
    case, carla = make_referrals.referral(net), net.viewer("carla")
    for step, cases, needs in (
        ("close", [(case.id, case.version)], {}),
        ("assign", [], {"assignee_id": net.carla.id}),
        ("assign", [(case.id, case.version)], {"assignee_id": net.dora.id}),
    ):
        with pytest.raises(Invalid):
            actions.take_many(step, cases, by=carla, **needs)


def test_the_team_shows_who_has_what_and_cases_are_handed_over(client):
    net = make_referrals.network()
    carla = net.viewer("carla")
    for number in range(3):
        one = make_referrals.referral(net, family_name=f"P{number}")
        actions.take(one, "assign", by=carla, version=one.version, assignee_id=net.carla.id)
    make_referrals.referral(net, family_name="Nobody's")
    assert [(one.name, one.open) for one in queries.team(carla)] == [
        ("", 1), ("Carla Cohen", 3), ("Chris Chen", 0),
    ]  # fmt: skip
    make.sign_in(client, net.chris)
    assert "Carla Cohen" in client.get("/worklist/team").text
    same = {"giver": str(net.carla.id), "taker": str(net.carla.id)}
    assert make.post(client, "/worklist/team/hand-over", same).status_code == 422
    answer = make.post(
        client,
        "/worklist/team/hand-over",
        {"giver": str(net.carla.id), "taker": str(net.chris.id)},
    )
    assert "3 of 3 done." in answer.text
    assert [(one.name, one.open) for one in queries.team(carla)][1:] == [
        ("Carla Cohen", 0), ("Chris Chen", 3),
    ]  # fmt: skip


# -- files and paper ---------------------------------------------------------------------------


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_is_a_formula(start):
    assert cell(f"{start}1+1") == f"'{start}1+1"
    assert cell("Hospital A") == "Hospital A"


def test_the_view_as_a_file_names_nobody_and_is_audited(client):
    net = make_referrals.network()
    net.hospital.name = "=cmd|calc"
    sent = make_referrals.referral(net, family_name="Dekker")
    make_referrals.referral(
        net, family_name="Jansen", case_=make_referrals.case(site="C25.0", ki67="12")
    )
    make.sign_in(client, net.carla)
    text = client.get("/worklist/list.csv?grade=1").get_data().decode("utf-8-sig")
    lines = list(csv.reader(io.StringIO(text)))
    assert [line[0] for line in lines] == ["Pseudonym", sent.patient.pseudonym]
    assert "'=cmd|calc" in lines[1]
    assert "Dekker" not in text
    book = openpyxl.load_workbook(io.BytesIO(client.get("/worklist/list.xlsx").get_data()))
    cells = [str(one.value) for row in book.active.iter_rows() for one in row]
    assert "'=cmd|calc" in cells
    assert not [one for one in cells if "Dekker" in one or "Jansen" in one]
    assert "Only the first" not in client.get("/worklist/list.csv").text
    kept = db.session.scalars(
        sa.select(AuditEntry.subject_id).where(AuditEntry.action == "downloaded worklist")
    )
    assert sorted(kept) == ["csv", "csv", "xlsx"]


def test_a_file_that_is_not_the_whole_view_says_so(client, monkeypatch):
    net = make_referrals.network()
    for _ in range(3):
        make_referrals.referral(net)
    make.sign_in(client, net.carla)
    monkeypatch.setattr(work_out, "MOST_LINES", 2)
    text = client.get("/worklist/list.csv").get_data().decode("utf-8-sig")
    heads, said, *rows = csv.reader(io.StringIO(text))
    assert said[0] == "Only the first 2 cases: narrow the list to get the others."
    assert {len(line) for line in (heads, said, *rows)} == {15}
    assert len(rows) == 2
    book = openpyxl.load_workbook(io.BytesIO(client.get("/worklist/list.xlsx").get_data()))
    assert (book.active["A2"].value, book.active.max_row) == (said[0], 4)


def test_paper_shows_names_to_the_centre_and_is_audited(client):
    net = make_referrals.network()
    sent = make_referrals.referral(net, family_name="Dekker")
    make.sign_in(client, net.carla)
    assert "Dekker" in client.get("/worklist/print").text
    assert "Progression under lanreotide" in client.get(f"/referrals/{sent.id}/print").text
    seen = db.session.scalars(
        sa.select(AuditEntry.action).where(AuditEntry.patient_id == sent.patient_id)
    )
    assert {"listed referral", "opened referral"} <= set(seen)


# -- what is new -------------------------------------------------------------------------------


def test_the_page_hears_of_what_moved_and_of_nothing_else(client):
    net = make_referrals.network()
    make_referrals.referral(net, family_name="First")
    make.sign_in(client, net.carla)
    page = client.get("/worklist?grade=1").text
    address = page.split('data-changes="')[1].split('"')[0].replace("&amp;", "&")
    quiet = client.get(address)
    assert quiet.json == {"new": "0"}
    tag = {"If-None-Match": quiet.headers["ETag"]}
    assert client.get(address, headers=tag).status_code == 304
    make_referrals.referral(net, family_name="Second")
    make_referrals.referral(
        net, family_name="Other grade", case_=make_referrals.case(site="C25.0", ki67="12")
    )
    assert client.get(address, headers=tag).json == {"new": "1"}
    before = db.session.scalar(sa.select(sa.func.count()).select_from(AuditEntry))
    client.get(address)
    assert db.session.scalar(sa.select(sa.func.count()).select_from(AuditEntry)) == before


def test_asking_for_news_keeps_nobody_signed_in(client):
    net = make_referrals.network()
    make.sign_in(client, net.carla)
    with client.session_transaction() as session:
        session["seen"] -= 300
        seen = session["seen"]
    client.get("/worklist/changes")
    with client.session_transaction() as session:
        assert session["seen"] == seen
    client.get("/worklist")
    with client.session_transaction() as session:
        assert session["seen"] > seen


def test_a_list_names_only_those_it_shows(client):
    net = make_referrals.network()
    for number in range(known.PAGE + 2):
        make_referrals.referral(net, family_name=f"P{number:02}")
    make.sign_in(client, net.carla)
    client.get("/worklist")
    listed = db.session.scalars(
        sa.select(AuditEntry.patient_id).where(AuditEntry.action == "listed referral")
    ).all()
    assert len(listed) == known.PAGE
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Referral)) == known.PAGE + 2
