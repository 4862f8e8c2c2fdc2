"""Cohorts on the pages and from a shell: who is counted, what is told, and to whom."""

from __future__ import annotations

import json
import re
from itertools import combinations
from pathlib import Path
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
from registry.research.cohorts import completeness, criteria, evaluating
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
    made(anna, "imaging", modality="ga68_dotatate", krenning="3", date="2020-07-01")
    made(anna, "imaging", modality="ga68_dotatate", krenning="1", date="2021-07-01")
    made(bea, "imaging", modality="ga68_dotatate", krenning="2", date="2020-07-01")
    made(bea, "imaging", modality="ct", date="2021-07-01")
    assert met("sstr_positive", "one_of", "yes") == 2  # from 2 on
    last = Criterion("derived.sstr_positive", "one_of", ("yes",), "latest")
    assert who(("all", (last,)))[-1] == 1  # Bea: what has no score is no examination of it
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
    assert "Sex at birth is Male" in text
    assert make.post(client, f"{url}/save").status_code == 303
    assert make.post(client, f"{url}/save").status_code == 409  # nothing changed since
    kept = client.get(f"{url}/cohort.json?version=1").json
    assert kept["steps"][0]["criteria"][0]["values"] == ["male"]
    assert make.post(client, f"{url}/drop", {"at": "0.0"}).status_code == 303
    assert client.get(f"{url}/cohort.json").json["steps"] == []
    seen = re.search(r'name="as_of" value="(\d+)"', client.get(url).text)[1]
    assert make.post(client, f"{url}/undo", {"as_of": seen}).status_code == 303
    again = make.post(client, f"{url}/drop", {"as_of": seen, "at": "0.0"})  # of another tab
    assert (again.status_code, "was changed since" in again.text) == (409, True)
    assert client.get(f"{url}/cohort.json").json == kept
    wrong = make.post(client, f"{url}/criterion", asked)
    assert wrong.status_code == 422
    assert "Enter or choose a value" in wrong.text


def test_criteria_are_changed_grouped_taken_back_and_written_elsewhere(client) -> None:
    place = make_research.office()
    make_research.signed_in(client, place, Role.RESEARCHER, "Rosa Ruiz")
    url = make.post(client, "/research/cohorts", {"name": "Women"}).headers["Location"]
    sex = {"variable": "patient.sex_at_birth", "operator": "one_of"}
    grade = {"variable": "pathology.derived_grade", "operator": "one_of", "values": "3",
             "when": "after", "event": "line_2", "months": "12"}  # fmt: skip

    def kept() -> dict[str, object]:
        return client.get(f"{url}/cohort.json").json

    make.post(client, f"{url}/criterion", {**sex, "values": "female"})
    make.post(client, f"{url}/save")
    make.post(client, f"{url}/match", {"at": "0", "match": "any"})
    make.post(client, f"{url}/criterion", {**grade, "at": "0-new"})
    make.post(client, f"{url}/match", {"at": "0.1", "match": "none"})
    step = {
        "match": "any",
        "criteria": [
            {"variable": "patient.sex_at_birth", "operator": "one_of", "values": ["female"],
             "when": "ever"},
            {"match": "none", "criteria": [
                {"variable": "pathology.derived_grade", "operator": "one_of", "values": ["3"],
                 "when": "after", "event": "line_2", "months": 12}]},
        ],
    }  # fmt: skip
    assert kept()["steps"] == [step]
    make.post(client, f"{url}/save")
    text = client.get(url).text
    assert "New since version 1: any of: Patient: Sex at birth is Female; none of: " in text
    assert 'value="12"' in client.get(f"{url}/criterion?change=0.1.0").text
    make.post(client, f"{url}/criterion", {**sex, "values": "male", "change": "0.0"})
    assert kept()["steps"][0]["criteria"][0]["values"] == ["male"]
    refused = make.post(client, f"{url}/match", {"at": "0", "match": "same"})
    assert "is asked of criteria, not of groups" in client.get(refused.headers["Location"]).text
    assert make.post(client, f"{url}/take", {"version": "1"}).status_code == 303
    assert len(kept()["steps"][0]["criteria"]) == 1
    assert make.post(client, f"{url}/discard").status_code == 409  # a request may name a version
    assert make.post(client, f"{url}/name", {"name": " "}).status_code == 422
    make.post(client, f"{url}/name", {"name": "O'Brien's نساء"})
    written = json.dumps({"criteria": {"json": {"cohort": {"steps": [step]}}}})
    page = make.post(client, "/research/cohorts", {"name": "Mine", "written": written})
    url = page.headers["Location"]
    assert kept()["steps"] == [step]
    assert make.post(client, f"{url}/discard").status_code == 303
    assert client.get(url).status_code == 404
    for wrong, why in (("{", "This is no JSON."), ("[]", "it has no list of steps"),
                       ('{"steps": [{"match": [], "criteria": [1]}]}', "how its criteria hold"),
                       ("[" * 90_000, "This is no JSON."),
                       (written.replace("line_2", "line_9"), "Choose the event.")):  # fmt: skip
        page = make.post(client, "/research/cohorts", {"name": "Mine", "written": wrong})
        assert (page.status_code, why in page.text) == (422, True)


def test_a_question_of_the_clinic_can_be_asked(client) -> None:
    """G3 at diagnosis, PRRT as second line, progression within 12 months of its start, and no
    chemotherapy before it. Anna meets all of it; Bea had chemotherapy before; Cora had it after,
    and progressed too late; Dora had it nobody knows when."""
    people = make_research.patients(4)
    made = make_research.entry
    for patient, between, progressed in zip(
        people,
        ("targeted", "chemotherapy", "targeted", "targeted"),
        ("2021-12", "2021-12", "2022-03", "2021-12"),
        strict=True,
    ):  # fmt: skip
        made(patient, "tumour", diagnosis_date="2020-01")
        made(patient, "pathology", derived_category="NET_G3", date="2020-02")
        agents = {"targeted": "everolimus", "chemotherapy": "CAPTEM"}
        made(patient, "therapy", start="2020-03-01", therapy_class=between, agent=agents[between])
        made(patient, "progression", date="2021-01-10", basis="radiological")
        made(patient, "therapy", start="2021-02-01", therapy_class="PRRT", agent="177Lu_DOTATATE")
        made(patient, "progression", date=progressed, basis="radiological")
    made(people[2], "therapy", start="2022-05-01", therapy_class="chemotherapy", agent="CAPTEM")
    made(people[3], "therapy", therapy_class="chemotherapy", agent="CAPTEM")

    g3 = Criterion(G2.variable, "one_of", ("NET_G3",), "at_diagnosis")
    second = Criterion("line_2.class", "one_of", ("PRRT",))
    soon = Criterion("progression.date", "known", (), "after", "line_2", 12)
    before = Criterion("therapy.therapy_class", "one_of", ("chemotherapy",), "before",
                       "therapy:PRRT")  # fmt: skip
    assert who(("all", (g3, second)), ("none", (before,)), ("all", (soon,))) == [4, 4, 2, 1]
    of_line = (Criterion("line.class", "one_of", ("PRRT",)),
               Criterion("line.pfs_months", "at_most", ("11",)))  # fmt: skip
    assert who(("same", of_line)) == [4, 3]


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


def test_the_example_of_the_handbook_is_a_cohort(app) -> None:
    page = (Path(__file__).parents[2] / "docs" / "cohorts.md").read_text(encoding="utf-8")
    asked = Criteria.of(evaluating.written(page.partition("```json")[2].partition("```")[0]))
    assert [step.match for step in asked.steps] == ["all", "same", "none", "any"]
    said = criteria.sentence(asked, evaluating.spoken(asked, evaluating.subjects()))
    assert "at most 12 months after the start of line 2" in said
    named = {name for name in re.findall(r"`([a-z_]+\.[a-z_]+)`", page) if "." in name}
    assert named - evaluating.subjects().keys() == {
        "entity.variable",
        "manifest.json",
        "patients.csv",
    }
    assert set(criteria.EVENTS) - {"line_2"} <= set(re.findall(r"`([a-z_0-9]+)`", page))


def test_the_catalogue_tells_no_patient_apart_from_a_cohort(app) -> None:
    """Of fifteen the age is known; of fourteen of them a cohort was told as ten. Counted alone the
    catalogue would make it 20 of 30, and so tell that there is a fifteenth."""
    people = make_research.patients(30)
    for one in people[:15]:
        make_research.entry(one, "tumour", age_at_diagnosis=50)
    [told] = actions_cohorts.tell([{one.id for one in people[:14]}])
    assert told.number == 10
    shares = completeness.shares(db.session.execute, 30)
    assert (shares["tumour.age_at_diagnosis"], shares["patient.sex_at_birth"]) == (30, 90)


def test_the_catalogue_is_public_and_names_nobody(client) -> None:
    text = client.get("/variables").text
    assert "tumour.primary_site" in text
    assert "patient.family_name" not in text
    assert "not told" in text


@pytest.mark.parametrize("entity", ["patient.family_name", "patient.birth_date", "tumour.note"])
def test_what_never_leaves_cannot_be_asked(app, entity) -> None:
    assert entity not in evaluating.subjects()
