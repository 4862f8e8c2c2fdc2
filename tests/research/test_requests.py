"""Requests for access: who may take which step, and what a release under one holds."""

from __future__ import annotations

from datetime import timedelta

import pytest

from registry.access import Role
from registry.dates import today
from registry.db import db
from registry.errors import Conflict, Forbidden, Invalid, NotFound
from registry.research import rules
from registry.research.cohorts.criteria import Criterion
from registry.research.models import AccessRequest, Grant
from registry.research.releases import actions as releases
from registry.research.releases import making, queries
from registry.research.requests import actions as actions_requests
from registry.research.requests import queries as queries_requests
from tests import make, make_research

FEMALE = Criterion("patient.sex_at_birth", "one_of", ("female",))
LATER = today() + timedelta(days=60)


def office():
    """Rosa asks; Greta and Gustav decide."""
    place = make_research.office()
    rosa = make.viewer(make.person(place, Role.RESEARCHER, name="Rosa Ruiz"))
    greta = make.viewer(make.person(place, Role.ACCESS_COMMITTEE, name="Greta Gross"))
    gustav = make.viewer(make.person(place, Role.ACCESS_COMMITTEE, name="Gustav Graf"))
    return rosa, greta, gustav


def step(request: AccessRequest, *names: str, by, text: str = "Because.") -> None:
    for name in names:
        actions_requests.take(request, name, by=by, text=text, until=LATER)


def test_every_step_leads_somewhere_and_belongs_to_one_side() -> None:
    for one in rules.REQUEST_STEPS.values():
        assert one.by in (rules.RESEARCHER, rules.COMMITTEE)
        assert one.sources <= set(rules.REQUEST_STATES)
        assert not one.target or one.target in rules.REQUEST_STATES
    assert rules.steps_open(rules.REFUSED, rules.COMMITTEE) == []
    assert rules.steps_open(rules.DRAFT, rules.COMMITTEE) == []


@pytest.mark.parametrize(
    ("votes", "expected"),
    [
        ([], False),
        (["vote_yes"], True),
        (["vote_yes", "vote_no"], False),
        (["vote_yes", "conflict"], True),
        (["conflict"], False),
    ],
)
def test_more_for_than_against_without_those_in_conflict(votes, expected) -> None:
    assert rules.carried(dict(enumerate(votes))) is expected


def test_from_sending_to_the_release(client) -> None:
    rosa, greta, gustav = office()
    clara = make_research.clinic()
    make_research.patients(3, by=clara)
    make_research.patients(2, "male", by=clara)
    asked = make_research.request(rosa, FEMALE)
    step(asked, "ask", by=greta, text="Why?")
    with pytest.raises(Forbidden):
        step(asked, "answer", by=greta)
    step(asked, "answer", by=rosa)
    with pytest.raises(Conflict, match="voted"):
        step(asked, "approve", by=greta)
    step(asked, "conflict", by=gustav)
    with pytest.raises(Forbidden, match="conflict of interest"):
        step(asked, "vote_yes", by=gustav)
    step(asked, "vote_yes", "approve", by=greta)
    assert asked.state == rules.APPROVED
    grant = db.session.get_one(Grant, asked.grant_id)
    assert (grant.researcher_id, grant.until_date) == (rosa.person_id, LATER)
    wanted = releases.request_release(grant, by=rosa)
    db.session.commit()
    release = making.make(wanted.id)
    assert release.manifest["counts"]["patients"] == 3
    assert "Sex at birth is one of Female" in release.manifest["criteria"]["sentence"]
    files = make_research.content(release)
    assert [name for name in files if name.endswith(".csv")] == [
        "patients.csv", "follow_up.csv", "codebook.csv", "code_lists.csv",
    ]  # fmt: skip
    head = files["patients.csv"].split(b"\r\n")[0].decode()
    assert "sex_at_birth" in head
    assert "vital_status" in head
    assert "country" not in head
    step(asked, "revoke", by=greta)
    with pytest.raises(Forbidden, match="ended"):
        queries.file_to_take(rosa, release.id, "patients.csv")


def test_what_is_refused(client) -> None:
    rosa, greta, _gustav = office()
    asked = make_research.request(rosa)
    with pytest.raises(Invalid, match="Reason"):
        step(asked, "refuse", by=greta, text=" ")
    with pytest.raises(Conflict):
        step(asked, "renew", by=greta)
    step(asked, "refuse", by=greta)
    with pytest.raises(Conflict):
        step(asked, "withdraw", by=rosa)
    for lines in ("tumour.note: x", "patient.family_name: x", "patient.sex_at_birth:", " \n"):
        with pytest.raises(Invalid):
            make_research.request(rosa, variables=lines)


def test_votes_before_a_change_do_not_count_after_it(client) -> None:
    rosa, greta, gustav = office()
    asked = make_research.request(rosa)
    step(asked, "vote_yes", by=greta)
    step(asked, "conflict", by=gustav)
    step(asked, "change", "send", by=rosa)
    assert list(actions_requests.votes(asked).values()) == ["conflict"]


def test_renewal_moves_the_last_day(client) -> None:
    rosa, greta, _gustav = office()
    asked = make_research.request(rosa)
    step(asked, "vote_yes", "approve", by=greta)
    actions_requests.take(asked, "renew", by=greta, text="Yes.", until=LATER + timedelta(days=9))
    assert db.session.get_one(Grant, asked.grant_id).until_date == LATER + timedelta(days=9)


def test_the_pages_ask_and_point_out_what_is_not_needed(client) -> None:
    place = make_research.office()
    rosa = make_research.signed_in(client, place, Role.RESEARCHER, "Rosa Ruiz")
    version = make_research.cohort(make.viewer(rosa)).versions[0].id
    db.session.commit()
    typed = {
        "project": "net-three", "title": "Survival", "purpose": "P", "team": "T", "funding": "none",
        "legal_basis": "consent", "cohort": str(version), "analyses": "survival", "outputs": "O",
        "variables": "follow_up.vital_status: the event\nquestionnaire.date: curiosity",
        "until_date-day": "1", "until_date-month": "2", "until_date-year": str(today().year + 1),
    }  # fmt: skip
    wrong = make.post(client, "/research/requests/new", {**typed, "variables": "tumour.note: x"})
    assert wrong.status_code == 422
    assert "never leave: tumour.note" in wrong.text
    url = make.post(client, "/research/requests/new", typed).headers["Location"]
    page = client.get(url).text
    assert "Not all seem to be needed" in page
    assert "NET-THREE" in page
    assert make.post(client, f"{url}/step", {"step": "send"}).status_code == 303
    assert make.post(client, f"{url}/edit", typed).status_code == 409
    make_research.signed_in(client, place, Role.ACCESS_COMMITTEE, "Greta Gross")
    assert "With the committee" in client.get("/data-access").text
    assert make.post(client, f"{url}/step", {"step": "ask"}).status_code == 422
    assert make.post(client, f"{url}/step", {"step": "ask", "text": "Why?"}).status_code == 303
    assert "Why?" in client.get(url).text
    make_research.signed_in(client, place, Role.RESEARCHER, "Paul Pohl")
    assert client.get(url).status_code == 404


def test_a_draft_is_its_authors_alone(client) -> None:
    rosa, greta, _gustav = office()
    asked = make_research.request(rosa, send=False)
    assert queries_requests.sent(greta) == []
    with pytest.raises(NotFound):
        queries_requests.request(greta, asked.id)
