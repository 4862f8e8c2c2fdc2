"""Cohorts on the pages and from a shell: who is counted, what is told, and to whom."""

from __future__ import annotations

import json
from itertools import combinations
from random import Random
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from registry import audit
from registry.access import Role, the_house
from registry.dates import PartialDate
from registry.db import db, now
from registry.people import actions as people_actions
from registry.people.models import Person
from registry.research.cohorts import actions as actions_cohorts
from registry.research.cohorts import evaluating
from registry.research.cohorts.criteria import Criteria, Criterion
from registry.research.commands import cohort
from registry.research.models import Cohort, ToldCount
from tests import make, make_research

FEMALE = Criterion("patient.sex_at_birth", "one_of", ("female",))
G2 = Criterion("pathology.derived_category", "one_of", ("NET_G2",), "latest")


def who(*steps: tuple[str, tuple[Criterion, ...]]) -> list[int]:
    asked = Criteria.of({"steps": [
        {"match": match, "criteria": [one.as_json() for one in some]} for match, some in steps
    ]})  # fmt: skip
    return [len(one) for one in evaluating.people(db.session.execute, asked)]


def test_steps_narrow_and_consent_always_applies(client) -> None:
    clara = make_research.clinic()
    anna, bea, cora, *_rest = make_research.patients(5, by=clara)
    refused = make.patient(clara, consents={"registry": "yes"})
    for patient, grade, date in (
        (anna, "NET_G1", "2020"), (anna, "NET_G2", "2021"), (bea, "NET_G2", "2020"),
        (bea, "NET_G3", "2022"), (cora, "NET_G2", "2019-03-01"), (refused, "NET_G2", "2020"),
    ):  # fmt: skip
        make_research.entry(patient, "pathology", derived_category=grade, date=date)
    make_research.entry(cora, "therapy", start="2019-03-02", therapy_class="surgery")
    before = Criterion(G2.variable, "one_of", G2.values, "before", "first_therapy")
    known = Criterion("therapy.start", "known")
    assert who(("all", (G2,))) == [5, 2]  # Anna and Cora; Bea's latest is G3
    assert who(("all", (Criterion(G2.variable, "one_of", G2.values),))) == [5, 3]
    assert who(("all", (before,))) == [5, 1]
    assert who(("none", (known,)), ("all", (G2,))) == [5, 4, 1]
    assert who(("any", (known, G2)), ("all", (G2, known))) == [5, 2, 1]


def test_lines_are_variables_and_a_time_cut_short_is_at_least_as_long(client) -> None:
    """Anna progresses after 12 months and has a second line; Bea is followed 6 months so far."""
    anna, bea, _cora = make_research.patients(3)
    made = make_research.entry
    made(anna, "therapy", start="2020-01-10", therapy_class="SSA", agent="lanreotide_autogel",
         best_response="SD")  # fmt: skip
    made(anna, "progression", date="2021-01-10", basis="radiological")
    made(anna, "therapy", start="2021-02-10", therapy_class="targeted", agent="everolimus")
    given = made(bea, "therapy", start="2020-01-10", therapy_class="targeted", agent="everolimus")
    made(bea, "response", date="2020-07-10", therapy_id=given.id, response_stated="PR")
    made(bea, "follow_up", date="2020-07-10", vital_status="alive")

    def met(variable: str, operator: str, *values: str, **when: str) -> int:
        return who(("all", (Criterion(variable, operator, values, **when),)))[-1]

    assert met("lines.number", "at_least", "1") == 2
    assert met("lines.number", "at_least", "2") == 1
    assert met("line_1.pfs_months", "at_least", "5") == 2
    assert met("line_1.pfs_months", "at_least", "7") == 1
    assert met("line_1.pfs_months", "at_most", "13") == 1  # Bea's may become longer
    assert met("line_1.best_response", "one_of", "PR") == 1
    assert met("line_2.class", "one_of", "targeted") == 1
    assert met("line_2.ttnt_months", "known") == 1
    assert met("line_1.class", "one_of", "targeted", when="before", event="first_progression") == 0


def test_age_and_standing_are_derived_as_in_a_release(client) -> None:
    """Anna is diagnosed the day before she is 65, and dies after two years of 365 days; of Bea's
    birth the year alone is known, so that she is 64 or 65; Cora's age is stated."""
    anna, bea, cora, _dora = make_research.patients(4)
    made = make_research.entry
    anna.birth_date, bea.birth_date = PartialDate("1955-06-15"), PartialDate("1955")
    for patient, when in ((anna, "2020-06-14"), (bea, "2020-06-14")):
        made(patient, "tumour", diagnosis_date=when)
    made(anna, "tumour", diagnosis_date="2021", age_at_diagnosis=80)  # not the first
    made(cora, "tumour", age_at_diagnosis=70)
    made(anna, "follow_up", date="2022-06-14", vital_status="dead")
    made(anna, "follow_up", date="2023-06-14", vital_status="alive")
    made(cora, "follow_up", interval=36, interval_unit="months", vital_status="alive")

    def met(variable: str, operator: str, *values: str) -> int:
        return who(("all", (Criterion(f"derived.{variable}", operator, values),)))[-1]

    assert met("age_at_diagnosis", "known") == 3
    assert met("age_at_diagnosis", "at_most", "64") == 1  # Anna
    assert met("age_at_diagnosis", "at_least", "65") == 1  # Cora; nothing decides Bea's
    assert met("age_at_diagnosis", "at_least", "64") == 3
    assert met("age_at_diagnosis", "at_most", "65") == 2
    assert met("vital_status", "one_of", "dead") == 1
    assert met("months_followed", "at_least", "23.98") == 2  # 730 days are 23.9836 months
    assert met("months_followed", "at_least", "23.99") == 1
    assert met("months_followed", "at_most", "36") == 2


def test_what_was_entered_in_error_does_not_count(client) -> None:
    [anna] = make_research.patients(1)
    wrong = make_research.entry(anna, "pathology", derived_category="NET_G2", date="2020")
    assert who(("all", (G2,))) == [1, 1]
    wrong.error_at, wrong.error_because = now(), "another patient"
    wrong.error_by = wrong.entered_by or db.session.scalar(sa.select(Person.id).limit(1))
    db.session.flush()
    assert who(("all", (G2,))) == [1, 0]


def test_a_cohort_is_made_on_the_pages(client) -> None:
    place = make_research.office()
    make_research.patients(14)
    make_research.signed_in(client, place, Role.RESEARCHER, "Rosa Ruiz")
    asked = {"variable": "patient.sex_at_birth", "operator": "one_of", "match": "all"}
    page = make.post(client, "/research/cohorts", {"name": "Women"})
    url = page.headers["Location"]
    assert "about 10" in client.get(url).text
    text = client.get(f"{url}/criterion?variable=patient.sex_at_birth").text
    assert "What must hold" in text
    answer = make.post(client, f"{url}/criterion", {**asked, "values": "male"})
    assert answer.status_code == 303
    text = client.get(url).text
    assert "fewer than 10" in text
    assert "Sex at birth is one of Male" in text
    assert make.post(client, f"{url}/save").status_code == 303
    assert make.post(client, f"{url}/save").status_code == 409  # nothing changed since
    kept = client.get(f"{url}/cohort.json?version=1").json
    assert kept["steps"][0]["criteria"][0]["values"] == ["male"]
    assert make.post(client, f"{url}/drop", {"step": "0", "place": "0"}).status_code == 303
    assert client.get(f"{url}/cohort.json").json["steps"] == []
    wrong = make.post(client, f"{url}/criterion", asked)
    assert wrong.status_code == 422
    assert "Enter or choose a value" in wrong.text


def test_another_account_is_told_the_same_number(client) -> None:
    """Nine or ten, fourteen or fifteen: who asks second is told what the first was told."""
    place = make_research.office()
    rosa = make.viewer(make.person(place, Role.RESEARCHER, name="Rosa Ruiz"))
    paul = make.viewer(make.person(place, Role.RESEARCHER, name="Paul Pohl"))
    clara = make_research.clinic()
    make_research.patients(14, by=clara)
    first = make_research.cohort(rosa, name="Everybody")
    assert first.told[-1]["number"] == 10
    make_research.patients(1, by=clara)  # the fifteenth
    again = make_research.cohort(paul, FEMALE, name="In other words")
    assert [one["number"] for one in again.told] == [10, 10]
    actions_cohorts.count_again(first, by=rosa)
    assert first.told[-1]["number"] == 10


def cohorts_that_nearly_agree() -> list[Criteria]:
    """Of people a year apart: from each age up and down, of one sex and of both, and the
    same people in other words, split into steps, turned round, and joined from parts."""
    age, found = "tumour.age_at_diagnosis", []
    for years in range(46, 64):
        up = Criterion(age, "at_least", (str(years),))
        down = Criterion(age, "at_most", (str(years - 1),))
        known = Criterion(age, "known")
        for steps in (
            [("all", [up])],
            [("none", [down])],
            [("all", [known]), ("none", [down])],  # the same people again
            [("all", [down])],
            [("all", [FEMALE, up])],
            [("all", [FEMALE]), ("none", [up])],
            [("any", [up, FEMALE])],
        ):
            kept = [{"match": how, "criteria": [c.as_json() for c in some]} for how, some in steps]
            found.append(Criteria.of({"steps": kept}))
    return found


def test_no_pair_of_cohorts_tells_of_one_patient(client) -> None:
    """Of every two cohorts that differ by one patient, both are told as the same number or one is
    not told: in any order, by two accounts, and however often they are asked again."""
    clara, asked = make_research.clinic(), cohorts_that_nearly_agree()
    people = make_research.patients(8, by=clara) + make_research.patients(8, "male", by=clara)
    for years, patient in enumerate(people, 47):
        make_research.entry(patient, "tumour", age_at_diagnosis=years)
    sets = [evaluating.people(db.session.execute, one)[-1] for one in asked]
    pairs = [
        (one, other)
        for one, other in combinations(range(len(sets)), 2)
        if len(sets[one] ^ sets[other]) == 1
    ]
    assert len(pairs) > 200
    order = list(range(len(sets)))
    for shuffled in (order, order[::-1], Random(8).sample(order, len(order))):
        db.session.execute(sa.delete(ToldCount))
        first = dict(zip(shuffled, actions_cohorts.tell([sets[i] for i in shuffled]), strict=True))
        assert all(one.number is None or one.number >= 10 for one in first.values())
        for one, other in pairs:
            told = first[one], first[other]
            assert any(each.withheld for each in told) or told[0].number == told[1].number
    for one, again in enumerate(actions_cohorts.tell(sets)):  # nothing that was not told before
        assert again.withheld or again.number == first[one].number
    place = make_research.office()
    for name, (one, other) in (("Rosa Ruiz", pairs[0]), ("Paul Pohl", pairs[-1])):
        by = make.viewer(make.person(place, Role.RESEARCHER, name=name))
        told = [
            actions_cohorts.make_cohort(by=by, name="One of two", like=asked[i].as_json()).told[-1]
            for i in (one, other)
        ]
        assert told[0] == told[1] or "near_another" in {each["why"] for each in told}


def test_who_may_read_and_change(client) -> None:
    place = make_research.office()
    rosa = make.viewer(make.person(place, Role.RESEARCHER, name="Rosa Ruiz"))
    made = make_research.cohort(rosa, name="Mine")
    make_research.signed_in(client, place, Role.RESEARCHER, "Paul Pohl")
    url = f"/research/cohorts/{made.id}"
    assert client.get(url).status_code == 404
    actions_cohorts.share(db.session.get_one(Cohort, made.id), by=rosa, shared=True)
    db.session.commit()
    assert client.get(url).status_code == 200
    assert make.post(client, f"{url}/count").status_code == 403
    copied = make.post(client, f"{url}/copy").headers["Location"]
    assert "Copy of Mine" in client.get(copied).text


def test_the_command_counts_as_the_page_does_for_who_may(app, tmp_path) -> None:
    clara, office = make_research.clinic(), make_research.office()
    make_research.patients(14, by=clara)
    rosa = make.person(office, Role.RESEARCHER, name="Rosa Ruiz")
    elsewhere = make.centre("CENTRE-0", "A centre that comes first")
    people_actions.join(rosa, elsewhere, Role.CLINICIAN, by=the_house("tests"))
    greta = make.person(office, Role.ACCESS_COMMITTEE, name="Greta Gill")
    told = make_research.cohort(make.viewer(rosa, "NETWORK"), FEMALE).told
    make_research.patients(1, by=clara)  # the fifteenth: in another way the same number
    own, hers, rosa_id = rosa.email, greta.email, rosa.id
    db.session.commit()
    file = tmp_path / "women.json"
    steps = [{"match": "all", "criteria": [FEMALE.as_json()]}]
    file.write_text(json.dumps({"steps": steps}))

    def count(*words: str) -> Any:
        return CliRunner().invoke(cohort, ["count", str(file), *words], obj=lambda: app)

    assert json.loads(count("--as", own).output)["steps"] == told
    entry = db.session.scalars(sa.select(audit.AuditEntry).order_by(audit.AuditEntry.id)).all()[-1]
    assert (entry.action, entry.person_id) == ("counted cohort", rosa_id)
    before = len(db.session.scalars(sa.select(ToldCount)).all())
    db.session.commit()
    for words, why in (
        ((), "Missing option '--as'"),
        (("--as", hers), "This account may not do that."),
        (("--as", "nobody@elsewhere.example"), "There is no open account"),
    ):
        refused = count(*words)
        assert refused.exit_code != 0
        assert why in refused.output
        assert "number" not in refused.output
    assert len(db.session.scalars(sa.select(ToldCount)).all()) == before
    db.session.commit()
    file.write_text('{"steps": [{"match": "all", "criteria": [{"variable": "patient.name"}]}]}')
    unclear = count("--as", own)
    assert unclear.exit_code == 2
    assert "There is no variable patient.name" in unclear.output


def test_the_catalogue_is_public_and_names_nobody(client) -> None:
    text = client.get("/variables").text
    assert "tumour.primary_site" in text
    assert "patient.family_name" not in text
    assert "not told" in text


@pytest.mark.parametrize("entity", ["patient.family_name", "patient.birth_date", "tumour.note"])
def test_what_never_leaves_cannot_be_asked(app, entity) -> None:
    assert entity not in evaluating.subjects()
