"""Requests for access: who may take which step, and what a release under one holds."""

from __future__ import annotations

from datetime import timedelta
from mmap import ACCESS_READ, mmap

import pytest

from registry.access import Role
from registry.dates import PartialDate, today
from registry.db import db
from registry.errors import Conflict, Forbidden, Invalid, NotFound
from registry.patients import actions as patients
from registry.people.models import Organisation, Person
from registry.research import rules
from registry.research.cohorts.criteria import Criterion
from registry.research.models import AccessRequest, Grant
from registry.research.releases import actions as releases
from registry.research.releases import making, queries
from registry.research.requests import actions as actions_requests
from registry.research.requests import needs
from registry.research.requests import queries as queries_requests
from registry.research.subjects import queries as subjects
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
    assert "Sex at birth is Female" in release.manifest["criteria"]["sentence"]
    files = make_research.content(release)
    assert [name for name in files if name.endswith(".csv")] == [
        "patients.csv", "follow_up.csv", "codebook.csv", "code_lists.csv",
    ]  # fmt: skip
    head = files["patients.csv"].split(b"\r\n")[0].decode()
    assert "sex_at_birth" in head
    assert "vital_status" in head
    assert "country" not in head
    assert release.manifest["terms"][-1] == "Conditions of the approval: Because."
    assert b"  - Conditions of the approval: Because.\r\n" in files["README.txt"]
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


def test_a_draft_is_kept_before_all_is_written_but_not_sent(client) -> None:
    rosa, _greta, _gustav = office()
    asked = make_research.request(
        rosa, send=False, purpose="", legal_basis="", variables="patient.sex_at_birth:"
    )
    with pytest.raises(
        Invalid,
        match=r"Purpose; Legal basis; Why each is needed: patient\.sex_at_birth",
    ):
        step(asked, "send", by=rosa)
    actions_requests.change(asked, make_research.wish(), asked.cohort, by=rosa)
    step(asked, "send", by=rosa)
    assert asked.state == rules.SUBMITTED


@pytest.mark.parametrize(
    ("team", "expected"),
    [
        ("Rosa Ruiz, Greta Gross (statistics)", True),
        ("greta.gross@example.org", True),
        ("Gretas Grossmutter", False),
        ("Greta", False),
        ("", False),
    ],
)
def test_who_is_named_in_the_team_is_found(team: str, expected: bool) -> None:
    assert rules.names(team, "Dr. Greta Gross", "greta.gross@example.org") is expected


def test_what_is_finer_than_usual_is_pointed_out() -> None:
    assert rules.Coarse().finer == []
    assert rules.Coarse(10, 10).finer == []
    few, years = rules.Coarse(3, 1).finer
    assert (few, years) == (
        "3 patients in the smallest group, and not 5",
        "Ages in completed years, and not in groups",
    )


def test_an_analysis_needs_its_own_variables_and_no_more() -> None:
    """Survival: the status and its time, not the weight; response: neither marker nor diary."""
    for variable, analyses, expected in (
        ("follow_up.vital_status", ["survival", "markers"], ["survival"]),
        ("follow_up.weight_kg", list(rules.ANALYSES), []),
        ("patient.sex_at_birth", ["markers", "response"], ["markers", "response"]),
        ("response.derived_response", ["survival"], []),
        ("biomarker.value", ["response", "markers"], ["markers"]),
    ):
        assert needs.needed_by(variable, analyses) == expected
    assert needs.lacking({"follow_up.vital_status", "follow_up.date"}, ["survival", "markers"]) == {
        "survival": [["follow_up.interval", "tumour.diagnosis_date"]],
        "markers": [["biomarker.analyte"], ["biomarker.value"], ["biomarker.date"]],
    }
    known = actions_requests.known_variables()
    for one in rules.ANALYSES:
        assert set(needs.needed(one)) <= known
        assert not needs.lacking(needs.needed(one), [one])


def test_more_time_is_asked_for_and_given_but_not_once_it_was_ended(client) -> None:
    place = make_research.office()
    rosa = make_research.signed_in(client, place, Role.RESEARCHER, "Rosa Ruiz")
    greta = make.viewer(make.person(place, Role.ACCESS_COMMITTEE, name="Greta Gross"))
    asked = make_research.request(make.viewer(rosa))
    step(asked, "vote_yes", by=greta)
    step(asked, "approve", by=greta, text="Nobody else sees them.")
    grant = db.session.get_one(Grant, asked.grant_id)
    grant.from_date, grant.until_date = today() - timedelta(days=9), today() - timedelta(days=1)
    db.session.commit()
    url = f"/research/requests/{asked.id}"
    text = client.get(url).text
    assert "The time is over" in text
    assert "Nobody else sees them." in text
    assert ">Make a release<" not in text
    more = {"step": "ask_renewal", "text": "The follow-up is not in."}
    assert make.post(client, f"{url}/step", more).status_code == 303
    step(asked, "renew", by=greta)
    db.session.commit()
    assert ">Make a release<" in client.get(url).text
    releases.end_grant(grant, by=greta, reason="The funding ended.")
    db.session.commit()
    assert "The funding ended." in client.get(url).text
    for what in ("amend", "ask_renewal"):
        more = {"step": what, "text": "More"}
        assert make.post(client, f"{url}/step", more).status_code == 409


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
        "project": "net-three", "title": "Survival", "purpose": "P",
        "team": "Rosa Ruiz and\r\nGreta  GROSS", "funding": "none",
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
    assert "Survival: Time since diagnosis, as stated or Date of diagnosis" in page
    assert "NET-THREE" in page
    assert make.post(client, f"{url}/step", {"step": "send"}).status_code == 303
    assert make.post(client, f"{url}/edit", typed).status_code == 409
    filling = make.post(client, "/research/requests/new", {**typed, "fill": "yes"}).text
    assert "follow_up.vital_status: the event\nquestionnaire.date: curiosity\r\n" in filling
    assert "\r\nfollow_up.death_date: Survival\r\n" in filling
    assert "biomarker.value" not in filling
    less = make.post(client, "/research/requests/new", {**typed, "trim": "yes"}).text
    assert "questionnaire.date" not in less
    assert "follow_up.vital_status: the event" in less
    make_research.signed_in(client, place, Role.ACCESS_COMMITTEE, "Greta Gross")
    assert "With the committee" in client.get("/data-access").text
    assert "You seem to be named in the team" in client.get(url).text
    assert make.post(client, f"{url}/step", {"step": "ask"}).status_code == 422
    assert make.post(client, f"{url}/step", {"step": "ask", "text": "Why?"}).status_code == 303
    assert "Why?" in client.get(url).text
    make_research.signed_in(client, place, Role.RESEARCHER, "Paul Pohl")
    assert client.get(url).status_code == 404


def test_nothing_is_approved_for_an_account_that_was_closed(client) -> None:
    rosa, greta, _gustav = office()
    asked = make_research.request(rosa)
    step(asked, "vote_yes", by=greta)
    db.session.get_one(Person, rosa.person_id).active = False
    db.session.flush()
    with pytest.raises(Conflict, match="no account"):
        step(asked, "approve", by=greta)
    assert asked.grant_id is None


def test_a_draft_is_its_authors_alone(client) -> None:
    rosa, greta, _gustav = office()
    asked = make_research.request(rosa, send=False)
    assert queries_requests.sent(greta) == []
    with pytest.raises(NotFound):
        queries_requests.request(greta, asked.id)


def test_an_amended_request_is_voted_on_again_and_takes_over_the_grant(client) -> None:
    rosa, greta, gustav = office()
    make_research.patients(2)
    asked = make_research.request(rosa)
    step(asked, "conflict", by=gustav)
    step(asked, "vote_yes", "approve", by=greta)
    step(asked, "amend", by=rosa, text="Ages are needed.")
    with pytest.raises(Conflict, match="not decided"):
        step(asked, "amend", by=rosa)
    _earlier, later = queries_requests.earlier_and_later(asked)
    assert later is not None
    assert (later.state, later.variables) == (rules.DRAFT, asked.variables)
    wish = make_research.wish(
        variables="patient.sex_at_birth: x\ntumour.age_at_diagnosis: to adjust", purpose="More",
    )  # fmt: skip
    with pytest.raises(Invalid, match="keeps its project code"):
        actions_requests.change(later, make_research.wish(project="NET-X"), asked.cohort, by=rosa)
    actions_requests.change(later, wish, asked.cohort, by=rosa)
    step(later, "send", by=rosa)
    with pytest.raises(Conflict, match="voted"):  # what was voted before does not count
        step(later, "approve", by=greta)
    with pytest.raises(Forbidden, match="conflict of interest"):  # what is one stays one
        step(later, "vote_yes", by=gustav)
    assert asked.state == rules.APPROVED  # what was approved holds until then
    step(later, "vote_yes", "approve", by=greta)
    assert (asked.state, later.state) == (rules.REPLACED, rules.APPROVED)
    assert later.grant_id == asked.grant_id
    grant = db.session.get_one(Grant, later.grant_id)
    assert grant.purpose == "More"
    assert [e.text for e in asked.events if e.step == "amend"] == ["Ages are needed."]
    wanted = releases.request_release(grant, by=rosa)
    assert "tumour.age_at_diagnosis" in wanted.criteria["variables"]
    step(later, "revoke", by=greta)
    assert grant.ended_at is not None


def test_what_came_of_a_request_stands_with_it_and_its_release(client) -> None:
    place = make_research.office()
    rosa = make_research.signed_in(client, place, Role.RESEARCHER, "Rosa Ruiz")
    greta = make.viewer(make.person(place, Role.ACCESS_COMMITTEE, name="Greta Gross"))
    make_research.patients(2)
    asked = make_research.request(make.viewer(rosa))
    url = f"/research/requests/{asked.id}"
    typed = {"kind": "article", "title": "Who lives long", "reference": "Ruiz R, 2026.",
             "doi": "https://doi.org/10.1000/182"}  # fmt: skip
    assert make.post(client, f"{url}/outputs", typed).status_code == 409  # nothing was approved
    step(asked, "vote_yes", "approve", by=greta)
    release = make_research.made(db.session.get_one(Grant, asked.grant_id))
    typed["release"] = str(release.id)
    wrong = make.post(client, f"{url}/outputs", {**typed, "doi": "doi of mine"})
    assert (wrong.status_code, "A DOI begins with 10." in wrong.text) == (422, True)
    assert make.post(client, f"{url}/outputs", typed).status_code == 303
    for page in (url, f"/research/releases/{release.id}"):
        text = client.get(page).text
        assert "Who lives long" in text
        assert "https://doi.org/10.1000/182" in text
    again = make.post(client, f"{url}/outputs", {**typed, "doi": "DOI: 10.1000/182", "title": "B"})
    assert (again.status_code, "This is there already." in again.text) == (422, True)
    one = len(make.selects(client, url))
    more = {**typed, "title": "More", "doi": "http://dx.doi.org/10.1000/183"}
    assert make.post(client, f"{url}/outputs", more).status_code == 303
    assert 'href="https://doi.org/10.1000/183"' in client.get(url).text
    assert len(make.selects(client, url)) == one  # for two outputs as for one
    output = next(one for one in queries_requests.outputs(asked) if one.doi == "10.1000/182")
    make_research.signed_in(client, place, Role.RESEARCHER, "Paul Pohl")
    assert make.post(client, f"{url}/outputs", typed).status_code == 404
    make.sign_in(client, rosa)
    assert make.post(client, f"{url}/outputs/drop", {"output": str(output.id)}).status_code == 303
    assert "Who lives long" not in client.get(url).text


def test_privacy_sees_which_releases_held_who_withdrew(client, monkeypatch) -> None:
    """By pseudonym alone; of who never was in a release nothing is listed."""
    place, clara = make_research.office(), make_research.clinic()
    anna, bea = make_research.patients(2, by=clara)
    given = make_research.grant(place)
    release = make_research.made(given)
    late = make_research.patients(1, "male", by=clara)[0]
    for patient in (anna, late):
        patients.answer_consent(patient.id, "research_use", "no", by=clara)
    make_research.signed_in(client, place, Role.PRIVACY_OFFICER, "Petra Privacy")
    page = client.get("/administration/released").text
    assert anna.pseudonym in page
    assert f"NET-ONE, release {release.number}" in page
    assert bea.pseudonym not in page
    assert late.pseudonym not in page
    assert "female0" not in page
    alone = len(make.selects(client, "/administration/released"))
    patients.restrict(bea.id, "objection", "", by=clara, asked_on=PartialDate.of(today()))
    assert len(make.selects(client, "/administration/released")) == alone  # for two as for one
    db.session.expire_all()
    rosa = db.session.get_one(Person, given.researcher_id)
    make_research.made(make_research.grant(place, rosa, project="NET-TWO"))
    assert len(make.selects(client, "/administration/released")) == alone  # of two projects too
    db.session.expire_all()
    monkeypatch.setattr(subjects, "ON_A_PAGE", 1)
    monkeypatch.setattr(subjects, "AT_ONCE", 1)
    second = make_research.made(given)  # without Anna and Bea, of whom the first is out still
    pages = [client.get(f"/administration/released?page={one}").text for one in (1, 2, 3)]
    assert ["page=2" in pages[0], "page=3" in pages[1], "page=4" in pages[2]] == [True, True, False]
    for patient, times in ((anna, 1), (bea, 1), (late, 0)):  # the latter was in none
        assert sum(patient.pseudonym in text for text in pages) == times
    text = "".join(pages)  # also where there are more releases than are read at once
    assert text.count(f"NET-ONE, release {release.number}") == 2
    assert f"NET-ONE, release {second.number}" not in text
    asked = client.get(f"/administration/released?pseudonym={bea.pseudonym}").text
    assert f"NET-ONE, release {release.number}" in asked
    assert "There is no patient" in client.get("/administration/released?pseudonym=AAAA-2222").text
    make_research.signed_in(client, place, Role.RESEARCHER, "Paul Pohl")
    assert client.get("/administration/released").status_code in (403, 404)


def test_a_pseudonym_is_found_by_halving(tmp_path) -> None:
    names = sorted(f"{one * 7919 % 10007:05}" for one in range(500))
    for number in (0, 1, 2, 3, 500):
        file = tmp_path / f"{number}.csv"
        file.write_bytes(
            b"patient_id,sex\r\n" + "".join(f"{n},x\r\n" for n in names[:number]).encode()
        )
        with file.open("rb") as one, mmap(one.fileno(), 0, access=ACCESS_READ) as lines:
            there = [name for name in names if subjects._stands(lines, f"{name},".encode())]
        assert there == names[:number]


def test_nobody_comes_to_a_project_of_others_unsaid(client) -> None:
    """Rows of the same patient have the same pseudonym: the committee sees who else has them."""
    rosa, greta, gustav = office()
    place = db.session.get_one(Organisation, rosa.organisation_id)
    paul = make.viewer(make.person(place, Role.RESEARCHER, name="Paul Pohl"))
    unsaid = make_research.request(paul, project="NET-ONE")
    step(unsaid, "vote_yes", by=greta)
    first = make_research.request(rosa, project="NET-ONE")
    step(first, "vote_yes", by=greta)
    step(first, "approve", by=gustav)
    with pytest.raises(Invalid, match="project of Rosa Ruiz"):  # somebody was there first
        step(unsaid, "approve", by=gustav)
    with pytest.raises(Invalid, match="project of Rosa Ruiz"):
        make_research.request(paul, project="net-one")
    with pytest.raises(Invalid, match="project of Rosa Ruiz"):
        releases.give_grant(
            by=greta, project="NET-ONE", title="T", purpose="P", researcher_id=paul.person_id,
            from_date=today(), until_date=LATER,
        )  # fmt: skip
    make_research.request(rosa, project="NET-ONE")  # her own
    joining = make_research.request(paul, project="NET-ONE", joins=True)
    make.sign_in(client, db.session.get_one(Person, greta.person_id))
    page = client.get(f"/research/requests/{joining.id}").text
    assert "Others have this project" in page
    assert "Rosa Ruiz" in page
    assert "In force; 0 releases" in page
    assert "Others have this project" not in client.get(f"/research/requests/{first.id}").text
    step(joining, "vote_yes", by=greta)
    step(joining, "approve", by=gustav)
    assert joining.state == rules.APPROVED
