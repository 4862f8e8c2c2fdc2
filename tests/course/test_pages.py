"""The pages to add and edit entries: who may, what is refused where, and that nothing is lost."""

from __future__ import annotations

import html
import re
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask
from werkzeug.datastructures import MultiDict

from registry import dictionary
from registry.access import Role
from registry.course import facts, forms, queries
from registry.course.models import BY_NAME, ENTITIES
from registry.db import db, new_id
from registry.patients import actions as patients
from registry.patients import rules as relations
from tests import make
from tests import make_course as course

NAMES = [model.entity for model in ENTITIES]


@pytest.fixture
def ward(app: Flask) -> Any:
    """Two centres and a hospital, with somebody in each, and noise: another patient's entry."""
    place, hospital = make.centre(), make.hospital()
    carol = make.person(place, Role.CLINICIAN, name="Carol Cohen")
    found = SimpleNamespace(
        app=app,
        place=place,
        carol=carol,
        by=make.viewer(carol),
        bob=make.person(place, Role.CLINICIAN, name="Bob Bakker"),
        tina=make.person(place, Role.TRIAGE_COORDINATOR, name="Tina Timmer"),
        rosa=make.person(hospital, Role.REFERRER, name="Rosa Ritter"),
        stranger=make.person(make.centre("CENTRE-2"), Role.CLINICIAN, name="Ulla Unger"),
    )
    found.patient = make.patient(found.by)
    found.other = make.patient(found.by, family_name="Yilmaz")
    course.a_course(found.other, found.by, "therapy")
    return found


def client_of(ward: Any, who: Any) -> Any:
    client = ward.app.test_client()
    make.sign_in(client, who)
    return client


def entries(ward: Any, entity: str) -> list[Any]:
    db.session.expire_all()
    return queries.record_of(ward.patient).of(entity)


# -- who may -----------------------------------------------------------------------------------


def test_adding_works(ward: Any) -> None:
    course.a_course(ward.other, ward.by)
    client = client_of(ward, ward.carol)
    for entity in NAMES:
        answer = course.keep(client, course.new_url(entity, ward.patient), course.FILLED[entity])
        assert answer.status_code == 303, entity
        assert f"/patients/{ward.patient.id}/chart" in answer.headers["Location"]
        [found] = entries(ward, entity)
        assert (found.entered_by, found.organisation_id) == (ward.carol.id, ward.place.id)


def test_a_colleague_may_edit(ward: Any) -> None:
    course.a_course(ward.other, ward.by)
    made = course.a_course(ward.patient, ward.by)
    client = client_of(ward, ward.bob)
    for entity in NAMES:
        found = made[entity]
        answer = course.keep(client, course.edit_url(found), course.FILLED[entity])
        assert answer.status_code == 303, entity
        [kept] = entries(ward, entity)
        assert (kept.entered_by, kept.changed_by) == (ward.carol.id, ward.bob.id)


def test_who_may_not(ward: Any) -> None:
    made = course.a_course(ward.patient, ward.by)
    for who, status in ((ward.stranger, 404), (ward.rosa, 404), (ward.tina, 403)):
        client = client_of(ward, who)
        account = client.get("/account").text  # has the token of every form of this session
        for entity, found in made.items():
            for url in (course.new_url(entity, ward.patient), course.edit_url(found)):
                assert client.get(url).status_code == status, url
                sent = make.post(client, url, course.FILLED[entity], page=account)
                assert sent.status_code == status, url
    assert {len(entries(ward, entity)) for entity in NAMES} == {1}


def test_a_bad_address(ward: Any) -> None:
    client = client_of(ward, ward.carol)
    for entity in NAMES:
        assert client.get(f"/course/{entity}/{new_id()}").status_code == 404
        assert client.get(f"/patients/{new_id()}/course/{entity}/new").status_code == 404
        assert client.get(f"/course/{entity}/seven").status_code == 404


def test_an_entity_there_is_none_of(ward: Any) -> None:
    client = client_of(ward, ward.carol)
    assert client.get(f"/patients/{ward.patient.id}/course/horoscope/new").status_code == 404
    assert client.get(f"/course/horoscope/{new_id()}").status_code == 404


def test_without_signing_in(ward: Any) -> None:
    made = course.a_course(ward.patient, ward.by)
    client = ward.app.test_client()
    for entity, found in made.items():
        for url in (course.new_url(entity, ward.patient), course.edit_url(found)):
            assert "/sign-in" in client.get(url).headers["Location"]
            assert client.post(url, data=course.FILLED[entity]).status_code == 401
    assert {len(entries(ward, entity)) for entity in NAMES} == {1}


def test_a_centre_that_was_only_asked_may_not_write(ward: Any) -> None:
    asked = make.patient(ward.by, relations.ADDRESSED, family_name="Xu")
    client = client_of(ward, ward.carol)
    assert client.get(course.new_url("therapy", asked)).status_code == 403


def test_a_referring_hospital_adds_its_own_and_leaves_the_centre_s_alone(ward: Any) -> None:
    rosa = make.viewer(ward.rosa)
    patient = make.patient(rosa, relations.REFERRING, family_name="Wolff")
    patients.relate(patient.id, ward.by.organisation_id, relations.TREATING, by=ward.by)
    ours = course.entry("therapy", patient, ward.by, therapy_class="PRRT")
    client = client_of(ward, ward.rosa)
    assert client.get(course.edit_url(ours)).status_code == 403
    sent = course.fill(client, course.new_url("therapy", patient), {"therapy_class": "SSA"})
    assert sent.status_code == 303
    chart = client_of(ward, ward.carol).get(f"/patients/{patient.id}/chart").text
    assert "Hospital A" in chart


# -- what is refused, and where ----------------------------------------------------------------


def wrong(entity: str) -> dict[str, str]:
    """Something no field of the entity can take."""
    found: dict[str, str] = {}
    for name in facts.names(entity):
        kind = dictionary.kind_of(BY_NAME[entity], name)
        if kind == "partial_date":
            found |= {f"{name}-year": "19x5", f"{name}-day": "44"}
        elif kind == "items":
            found[f"{name}-1"] = "x"
        else:
            found[name] = "x" * 10_001 if kind in ("text", "long_text") else "no such answer"
    return found


def test_wrong_input_at_every_field_is_answered_there_and_kept(ward: Any) -> None:
    client = client_of(ward, ward.carol)
    for entity in NAMES:
        typed = wrong(entity)
        answer = course.fill(client, course.new_url(entity, ward.patient), typed)
        assert answer.status_code == 422, entity
        assert "There is a problem" in answer.text
        for name in facts.names(entity):
            assert f'id="{name}-error"' in answer.text, (entity, name)
            assert re.search(rf'href="#{name}(-\w+)?"', answer.text), (entity, name)
        for name, text in typed.items():
            kind = dictionary.kind_of(BY_NAME[entity], name.rsplit("-", 1)[0].split("-")[0])
            if kind in ("number", "ki67", "text", "long_text", "partial_date"):
                assert text in answer.text, (entity, name)
        assert entries(ward, entity) == []


def test_one_wrong_answer_keeps_the_right_ones(ward: Any) -> None:
    client = client_of(ward, ward.carol)
    for entity in NAMES:
        right = course.FILLED[entity]
        checked = [
            n
            for n in facts.names(entity)
            if dictionary.kind_of(BY_NAME[entity], n) in ("number", "code", "yes_no")
        ]
        spoiled = next((n for n in checked if n not in right), checked[0])
        right = {name: text for name, text in right.items() if name != spoiled}
        url = course.new_url(entity, ward.patient)
        answer = course.fill(client, url, {**right, spoiled: "no such answer"})
        assert answer.status_code == 422, entity
        again = MultiDict(_sent(answer.text))
        for name, text in right.items():
            assert again.get(name, "").split(" ")[0] == text.split(" ")[0], (entity, name)


def _sent(page: str) -> list[tuple[str, str]]:
    """What a browser would send if the page were sent as it is."""
    found = []
    for tag in re.findall(r"<input[^>]*>", page):
        own = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        if own.get("type") in ("radio", "checkbox") and " checked" not in tag:
            continue
        if "name" in own:
            found.append((own["name"], own.get("value", "")))
    for name, inside in re.findall(
        r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', page, re.DOTALL
    ):
        chosen = re.search(r'<option value="([^"]*)" selected', inside)
        found.append((name, chosen[1] if chosen else ""))
    for name, text in re.findall(
        r'<textarea[^>]*name="([^"]+)"[^>]*>(.*?)</textarea>', page, re.DOTALL
    ):
        found.append((name, text.strip()))
    return [(name, html.unescape(text)) for name, text in found]


def test_an_edit_page_shows_what_is_stored_and_saving_it_changes_nothing(ward: Any) -> None:
    made = course.a_course(ward.patient, ward.by)
    client = client_of(ward, ward.carol)
    for entity in NAMES:
        found = made[entity]
        page = client.get(course.edit_url(found)).text
        assert f"NET Registry {ward.app.extensions['netreg_version']}" in page, "at its foot"
        answer = client.post(course.edit_url(found), data=MultiDict(_sent(page)))
        assert answer.status_code == 303, entity
        [kept] = entries(ward, entity)
        assert kept.version == 1


def test_an_empty_form_is_no_entry(ward: Any) -> None:
    client = client_of(ward, ward.carol)
    for entity in NAMES:
        answer = course.fill(client, course.new_url(entity, ward.patient), {})
        assert answer.status_code == 422, entity
        assert entries(ward, entity) == []


def test_that_it_is_not_known_is_an_answer(ward: Any) -> None:
    client = client_of(ward, ward.carol)
    said = {"primary_site-absent": "not_available", "primary_site-because": "report is lost"}
    answer = course.fill(client, course.new_url("tumour", ward.patient), said)
    assert answer.status_code == 303
    [found] = entries(ward, "tumour")
    assert found.absent["primary_site"] == {"why": "not_available", "because": "report is lost"}


def test_the_impossible_is_refused_and_the_unusual_asked_about_once(ward: Any) -> None:
    client = client_of(ward, ward.carol)
    url = course.new_url("follow_up", ward.patient)
    said = {"date-year": "2024", "weight_kg": "500"}
    assert "Must be from 2 to 400 kg" in course.fill(client, url, said).text
    said["weight_kg"] = "200"
    asked = course.fill(client, url, said)
    assert asked.status_code == 422
    assert "Unusual" in asked.text
    assert "Save as it is" in asked.text
    assert entries(ward, "follow_up") == []
    seen = make.post(client, url, {**course.hidden(asked.text), **said}, asked.text)
    assert seen.status_code == 303


def test_another_unusual_value_is_asked_about_again(ward: Any) -> None:
    client = client_of(ward, ward.carol)
    url = course.new_url("follow_up", ward.patient)
    asked = course.fill(client, url, {"date-year": "2024", "weight_kg": "200"})
    other = {**course.hidden(asked.text), "date-year": "2024", "weight_kg": "300"}
    assert make.post(client, url, other, asked.text).status_code == 422


def test_a_stop_before_its_start_is_refused_at_the_stop(ward: Any) -> None:
    client = client_of(ward, ward.carol)
    said = {"therapy_class": "SSA", "start-year": "2023", "stop-year": "2022"}
    answer = course.fill(client, course.new_url("therapy", ward.patient), said)
    assert answer.status_code == 422
    assert 'id="stop-error"' in answer.text
    assert "Stop (2022) is before Start (2023)." in answer.text  # as the form calls the two


def test_an_answer_to_a_question_that_does_not_arise_is_not_kept(ward: Any) -> None:
    client = client_of(ward, ward.carol)
    said = {"primary_site": "C17.2", "functioning": "no", "syndrome": "carcinoid"}
    course.fill(client, course.new_url("tumour", ward.patient), said)
    [found] = entries(ward, "tumour")
    assert (found.functioning, found.syndrome) == ("no", None)


def test_the_same_form_sent_twice_makes_one_entry(ward: Any) -> None:
    client = client_of(ward, ward.carol)
    url = course.new_url("therapy", ward.patient)
    page = client.get(url).text
    data = {**course.hidden(page), "therapy_class": "SSA"}
    for _again in range(2):
        assert make.post(client, url, data, page).status_code == 303
    assert len(entries(ward, "therapy")) == 1


# -- links -------------------------------------------------------------------------------------


def test_an_entry_belongs_to_the_only_tumour(ward: Any) -> None:
    tumour = course.tumour(ward.patient, ward.by)
    client = client_of(ward, ward.carol)
    course.fill(client, course.new_url("pathology", ward.patient), course.FILLED["pathology"])
    [found] = entries(ward, "pathology")
    assert found.tumour_id == tumour.id


def test_with_several_tumours_it_is_asked_which(ward: Any) -> None:
    course.tumour(ward.patient, ward.by)
    lung = course.tumour(ward.patient, ward.by, "C34.1")
    client = client_of(ward, ward.carol)
    url = course.new_url("pathology", ward.patient)
    assert "About which tumour" in client.get(url).text
    course.fill(client, url, {**course.FILLED["pathology"], "tumour": str(lung.id)})
    [found] = entries(ward, "pathology")
    assert (found.tumour_id, found.derived_category) == (lung.id, "ATYPICAL_CARCINOID")


def test_a_tumour_of_somebody_else_is_no_choice(ward: Any) -> None:
    for site in ("C25.2", "C34.1"):
        course.tumour(ward.patient, ward.by, site)
    other = course.tumour(make.patient(ward.by, family_name="Vos"), ward.by)
    client = client_of(ward, ward.carol)
    said = {**course.FILLED["pathology"], "tumour": str(other.id)}
    answer = course.fill(client, course.new_url("pathology", ward.patient), said)
    assert answer.status_code == 422
    assert "Choose one of the options." in answer.text


def test_a_response_is_to_a_therapy(ward: Any) -> None:
    made = course.a_course(ward.patient, ward.by, "response")
    client = client_of(ward, ward.carol)
    url = f"{course.new_url('response', ward.patient)}?therapy={made['therapy'].id}"
    said = {"response_stated": "PD", "date-year": "2025", "therapy": str(made["therapy"].id)}
    assert course.keep(client, url, said).status_code == 303
    assert [one.therapy_id for one in entries(ward, "response")] == [made["therapy"].id] * 2


# -- derived beside stated, as it is typed -----------------------------------------------------


def derive(ward: Any, who: Any, **values: str) -> Any:
    client = client_of(ward, who)
    data = {"patient_id": str(ward.patient.id), **values}
    return make.post(client, "/course/derive", data, headers={"X-Requested-With": "fetch"})


def test_a_grade_is_derived_as_the_numbers_are_typed(ward: Any) -> None:
    course.tumour(ward.patient, ward.by)
    said = {"entity": "pathology", "differentiation": "well", "ki67_percent": "25"}
    answer = derive(ward, ward.carol, **said, grade_stated="G1")
    assert answer.status_code == 200
    assert "NET, grade 3" in answer.text
    assert "Differs" in answer.text
    assert "<html" not in answer.text


def test_a_stage_is_derived_with_the_tumour_s_own_grade(ward: Any) -> None:
    course.a_course(ward.patient, ward.by)
    said = {"entity": "staging", "staging_system": "AJCC8", "t": "T2", "n": "N0", "m": "M1a"}
    answer = derive(ward, ward.carol, **said, stage_stated="II")
    assert "Stage IV" in answer.text
    assert "Differs" in answer.text


def test_deriving_is_for_those_who_may_write(ward: Any) -> None:
    assert derive(ward, ward.stranger, entity="pathology").status_code == 404
    assert derive(ward, ward.tina, entity="pathology").status_code == 403
    assert derive(ward, ward.carol, entity="horoscope").status_code == 404
    client = client_of(ward, ward.carol)
    assert make.post(client, "/course/derive", {"entity": "pathology"}).status_code == 404


def test_a_contradiction_is_told_on_saving_and_stays_on_the_record(ward: Any) -> None:
    course.tumour(ward.patient, ward.by)
    client = client_of(ward, ward.carol)
    said = {**course.FILLED["pathology"], "ki67_percent": "25", "grade_stated": "G1"}
    course.fill(client, course.new_url("pathology", ward.patient), said)
    said = {**course.FILLED["staging"], "stage_stated": "IV"}
    course.keep(client, course.new_url("staging", ward.patient), said)
    [pathology], [staging] = entries(ward, "pathology"), entries(ward, "staging")
    assert (pathology.grade_stated, pathology.derived_grade) == ("G1", "3")
    assert "grade_contradiction" in pathology.contradictions
    assert staging.contradictions == "stage_contradiction;stage_iv_without_metastasis"
    shown = queries.findings(queries.record_of(ward.patient))
    assert {"grade_contradiction", "stage_contradiction"} <= {one.finding.code for one in shown}
    page = client.get(course.edit_url(pathology)).text
    assert "Stated: Grade 1. Derived: NET, grade 3" in page


def test_where_stages_are_not_licensed_none_is_derived(
    ward: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("registry.course.licence.may_derive_stages", lambda: False)
    made = course.a_course(ward.patient, ward.by)
    assert made["staging"].derived_stage is None
    page = client_of(ward, ward.carol).get(course.edit_url(made["staging"])).text
    assert "not derived at this installation" in page


# -- two at once -------------------------------------------------------------------------------


def test_the_second_of_two_editors_is_shown_both_versions_and_loses_nothing(ward: Any) -> None:
    found = course.entry("therapy", ward.patient, ward.by, therapy_class="SSA", dose="60 mg")
    carol, bob = client_of(ward, ward.carol), client_of(ward, ward.bob)
    url = course.edit_url(found)
    opened = {who: client.get(url).text for who, client in (("carol", carol), ("bob", bob))}
    first = {**course.hidden(opened["bob"]), "therapy_class": "SSA", "dose": "90 mg"}
    assert make.post(bob, url, first, opened["bob"]).status_code == 303
    second = {
        **course.hidden(opened["carol"]),
        "therapy_class": "SSA",
        "dose": "120 mg",
        "note": "every four weeks",
    }
    refused = make.post(carol, url, second, opened["carol"])
    assert refused.status_code == 409
    assert "Bob Bakker" in refused.text
    for text in ("120 mg", "90 mg", "every four weeks", "Keep mine", "Take theirs"):
        assert text in refused.text
    assert entries(ward, "therapy")[0].dose == "90 mg"
    again = MultiDict(_sent(refused.text))
    assert (again["dose"], again["note"]) == ("120 mg", "every four weeks")
    assert carol.post(url, data=again).status_code == 303
    [kept] = entries(ward, "therapy")
    assert (kept.dose, kept.note, kept.version) == ("120 mg", "every four weeks", 3)


def test_keeping_mine_takes_over_what_only_the_other_changed(ward: Any) -> None:
    """Bob changes the dose in words, the note and the start; Carol, who opened it before, the note
    and the dose. The note was changed by both: hers stands."""
    found = course.entry("therapy", ward.patient, ward.by, therapy_class="SSA", dose="60 mg",
                         note="first", start="2023-01", dose_value="60")  # fmt: skip
    carol, bob = client_of(ward, ward.carol), client_of(ward, ward.bob)
    url = course.edit_url(found)
    opened, of_bob = carol.get(url).text, bob.get(url).text

    def send(client: Any, page: str, **typed: str) -> Any:
        return client.post(url, data=MultiDict({**dict(_sent(page)), **typed}))

    theirs = {"dose": "90 mg", "note": "of Bob", "start-year": "2024", "stop": "",
              "stop-absent": "not_known"}  # fmt: skip
    assert send(bob, of_bob, **theirs).status_code == 303
    refused = send(carol, opened, note="of Carol", dose_value="120")
    assert refused.status_code == 409
    assert send(carol, refused.text).status_code == 303
    [kept] = entries(ward, "therapy")
    assert (kept.dose, kept.start.iso, kept.absent["stop"]["why"]) == (
        "90 mg", "2024-01", "not_known",
    )  # fmt: skip
    assert (kept.note, kept.dose_value) == ("of Carol", 120)


@pytest.mark.parametrize("version", ["", "0", "-1", "one", "9" * 40])
def test_an_edit_that_does_not_say_which_copy_is_refused(ward: Any, version: str) -> None:
    found = course.entry("therapy", ward.patient, ward.by, therapy_class="SSA")
    client = client_of(ward, ward.carol)
    data = {"therapy_class": "PRRT", "version": version}
    assert make.post(client, course.edit_url(found), data).status_code == 409
    assert entries(ward, "therapy")[0].therapy_class == "SSA"


# -- the form itself ---------------------------------------------------------------------------


@pytest.mark.parametrize("entity", NAMES)
def test_every_variable_stands_in_the_form_once(entity: str) -> None:
    assert sorted(forms.laid_out(entity)) == sorted(facts.names(entity))
