"""Level 1 on one page: what is typed becomes entries, once; nothing is lost; gaps are told."""

from __future__ import annotations

import json
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from registry.access import Role
from registry.course import actions, completeness, fast, queries
from registry.course.models import BY_NAME, SheetDraft
from registry.dates import PartialDate
from registry.db import db, new_id
from registry.forms import Option
from tests import make
from tests import make_course as course
from tests import make_sheet as sheets


@pytest.fixture
def ward(app: Flask) -> Any:
    """A centre with two clinicians and a patient nothing is known of yet."""
    place = make.centre()
    carol = make.person(place, Role.CLINICIAN, name="Carol Cohen")
    by = make.viewer(carol)
    noise = make.patient(by, family_name="Yilmaz")
    course.a_course(noise, by, "pathology", "staging", "therapy", "follow_up")
    return SimpleNamespace(
        app=app,
        carol=carol,
        by=by,
        bob=make.person(place, Role.CLINICIAN, name="Bob Bakker"),
        patient=make.patient(by),
    )


def client_of(ward: Any, who: Any = None) -> Any:
    client = ward.app.test_client()
    make.sign_in(client, who or ward.carol)
    return client


def url(ward: Any) -> str:
    return f"/patients/{ward.patient.id}/level-1"


def record(ward: Any) -> queries.Record:
    db.session.expire_all()
    return queries.record_of(ward.patient)


def counts(ward: Any) -> dict[str, int]:
    return {name: len(found) for name, found in record(ward).entries.items() if found}


ENTRIES = {
    "tumour": 1, "pathology": 1, "staging": 1, "imaging": 2, "biomarker": 5, "history": 1,
    "overview": 1, "therapy": 2, "board_opinion": 1, "follow_up": 1,
}  # fmt: skip


# -- fields ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "iso"),
    [
        ("12.3.2024", "2024-03-12"),
        ("12/3/2024", "2024-03-12"),  # the day first, whatever the language
        ("2024-03-12", "2024-03-12"),
        ("12 Mar 2024", "2024-03-12"),
        ("12 march 2024", "2024-03-12"),
        (" 3/2024 ", "2024-03"),
        ("2024-03", "2024-03"),
        ("03.2024", "2024-03"),
        ("2024", "2024"),
    ],
)
def test_a_date_in_one_box(typed: str, iso: str) -> None:
    assert fast.read_date(typed) == PartialDate(iso)


@pytest.mark.parametrize("typed", ["13", "31.2.2024", "1.13.2024", "12.3.24", "1.2.3.2024", "soon"])
def test_no_date(typed: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        fast.read_date(typed)


def test_every_answer_has_its_own_key() -> None:
    words = {"a": "Stable", "b": "Started", "c": "0: none", "absent:not_known": "Not known"}
    options = [Option(value, label) for value, label in words.items()]
    assert [key for _option, key in fast.keys_for(options)] == ["s", "t", "0", "?"]


# -- the page ----------------------------------------------------------------------------------


def test_the_whole_set_becomes_entries(ward: Any) -> None:
    answer = sheets.fill(client_of(ward), url(ward), sheets.LEVEL1)
    assert answer.status_code == 303
    assert counts(ward) == ENTRIES
    there = record(ward)
    [tumour], [pathology] = there.of("tumour"), there.of("pathology")
    assert (tumour.primary_site, tumour.diagnosis_date) == ("C17.2", PartialDate("2025-03"))
    assert tumour.absent == {"metastatic_sites": {"why": "not_applicable"}}
    assert pathology.tumour_id == tumour.id
    assert pathology.absent["mitoses_per_2mm2"] == {"why": "not_done"}
    assert pathology.derived_grade == "2"  # Ki-67 6 %: 3 to 20 % is G2 (WHO 2022)
    chromogranin = next(one for one in there.of("biomarker") if one.analyte == "CGA_MASS")
    assert (chromogranin.value, chromogranin.unit) == (Decimal(310), "ng/mL")
    assert chromogranin.date == PartialDate("2026-03-12")  # of the samples
    surgery, analogue = there.of("therapy")
    assert (surgery.therapy_class, surgery.treated_sites) == ("surgery", ["primary"])
    assert (analogue.agent, analogue.dose_value, analogue.dose_unit) == (
        "SSA_LAN", Decimal(120), "mg",
    )  # fmt: skip
    [overview] = there.of("overview")
    assert (overview.prrt, overview.fdg_done) == ("no", "no")
    assert overview.date == PartialDate("2026-03-12")
    [opinion] = there.of("board_opinion")
    assert set(opinion.recommendation) == {"evaluate_surgery", "start_systemic"}


def test_level_1_is_complete_then(ward: Any) -> None:
    sheets.fill(client_of(ward), url(ward), sheets.LEVEL1)
    consents = dict.fromkeys(("care", "registry", "research_use", "research_contact"), "yes")
    found = completeness.of(record(ward), consents=consents)
    assert [
        item.name for part in found.level1 for item in part.items if item.state == "missing"
    ] == []
    assert (found.share(1), found.gap) == (100, None)
    therapy = next(part for part in found.level1 if part.key == "therapy")
    # Stopping is not asked of an analogue that goes on.
    assert {item.name: item.state for item in therapy.items}["therapy.stop_reason"] == "not_asked"
    pathology = next(part for part in found.level1 if part.key == "pathology")
    assert (pathology.done, pathology.asked, pathology.absent) == (15, 15, 1)


def test_sent_twice_it_is_kept_once(ward: Any) -> None:
    client = client_of(ward)
    page = client.get(url(ward))
    data = {**sheets.sent(page.text), **sheets.LEVEL1}
    for _again in range(2):
        assert make.post(client, url(ward), data, page.text).status_code == 303
    assert counts(ward) == ENTRIES
    assert {one.version for found in record(ward).entries.values() for one in found} == {1}


def test_sent_again_with_something_else_it_shows_both(ward: Any) -> None:
    client = client_of(ward)
    page = client.get(url(ward))
    data = {**sheets.sent(page.text), **sheets.LEVEL1}
    make.post(client, url(ward), data, page.text)
    answer = make.post(client, url(ward), {**data, "pathology__0__ki67_percent": "19"}, page.text)
    assert answer.status_code == 409
    assert "19 %" in answer.text
    assert "6 %" in answer.text
    assert record(ward).of("pathology")[0].ki67_percent == "6"
    kept = make.post(client, url(ward), sheets.sent(answer.text), answer.text)
    assert kept.status_code == 303
    assert record(ward).of("pathology")[0].ki67_percent == "19"


def test_saved_as_it_is_nothing_changes(ward: Any) -> None:
    client = client_of(ward)
    sheets.fill(client, url(ward), sheets.LEVEL1)
    assert sheets.fill(client, url(ward), {}).status_code == 303
    assert counts(ward) == ENTRIES
    assert {one.version for found in record(ward).entries.values() for one in found} == {1}


def test_editing_changes_those_entries(ward: Any) -> None:
    client = client_of(ward)
    sheets.fill(client, url(ward), sheets.LEVEL1)
    answer = sheets.fill(
        client, url(ward), {"pathology__0__ki67_percent": "22", "ssa__0__stop": "1.2.2026",
                            "ssa__0__stop_reason": "progression"},
    )  # fmt: skip
    assert answer.status_code == 303
    assert counts(ward) == ENTRIES
    there = record(ward)
    assert there.of("pathology")[0].ki67_percent == "22"
    assert there.of("therapy")[1].stop_reason == "progression"
    changed = {e for e, found in there.entries.items() for one in found if one.version > 1}
    assert changed == {"pathology", "therapy"}


def test_an_answer_is_taken_back(ward: Any) -> None:
    client = client_of(ward)
    sheets.fill(client, url(ward), sheets.LEVEL1)
    page = client.get(url(ward))
    data = sheets.sent(page.text)
    del data["tumour__0__flushing"]  # a radio that is not chosen is not sent
    assert make.post(client, url(ward), data, page.text).status_code == 303
    assert record(ward).of("tumour")[0].flushing is None


def test_part_of_it_is_kept_too(ward: Any) -> None:
    client = client_of(ward)
    answer = sheets.fill(client, url(ward), {"history__0__diabetes": "yes", "do": "stay"})
    assert answer.headers["Location"].endswith("/level-1")
    assert counts(ward) == {"history": 1}
    page = client.get(url(ward)).text
    assert "state__0__date" in page  # the first gap


def test_what_another_changed_meanwhile_is_shown_beside(ward: Any) -> None:
    client = client_of(ward)
    sheets.fill(client, url(ward), sheets.LEVEL1)
    page = client.get(url(ward))
    data = {**sheets.sent(page.text), "pathology__0__ki67_percent": "4"}
    bob = make.viewer(ward.bob)
    stored: Any = record(ward).of("pathology")[0]
    actions.change(stored, by=bob, version=stored.version, values={"ki67_percent": "15"})
    db.session.commit()
    answer = make.post(client, url(ward), data, page.text)
    assert answer.status_code == 409
    for text in ("4 %", "15 %", "Somebody else changed this"):
        assert text in answer.text
    assert record(ward).of("pathology")[0].ki67_percent == "15"


def test_wrong_answers_are_told_where_they_stand_and_the_rest_is_kept(ward: Any) -> None:
    wrong = {
        "state__0__date": "31.2.2026",
        "state__0__weight_kg": "heavy",
        "tumour__0__primary_size_mm": "900",
        "pathology__0__ki67_percent": "many",
        "tumour__0__primary_site": "Atlantis",
        "staging__0__t": "T99",
        "cga__0__measure": "",
    }
    answer = sheets.fill(client_of(ward), url(ward), {**sheets.LEVEL1, **wrong})
    assert answer.status_code == 422
    for name in wrong:
        assert f'id="{name}-error"' in answer.text, name
        assert f'href="#{name}"' in answer.text, name
    assert counts(ward) == {}
    again = sheets.sent(answer.text)
    for name, text in {**sheets.LEVEL1, **wrong}.items():
        if name not in ("staging__0__t", "cga__0__measure", "board__0__recommendation"):
            shown = again.get(name, "")
            assert shown == text or str(shown).startswith(str(text)), name


def test_what_cannot_be_is_refused_and_what_is_unusual_is_asked_once(ward: Any) -> None:
    client = client_of(ward)
    before_birth = {**sheets.LEVEL1, "pathology__0__date": "1.1.1950"}
    answer = sheets.fill(client, url(ward), before_birth)
    assert answer.status_code == 422
    assert 'id="pathology__0__date-error"' in answer.text
    unusual = {**sheets.LEVEL1, "state__0__weight_kg": "210"}
    page = client.get(url(ward))
    first = make.post(client, url(ward), {**sheets.sent(page.text), **unusual}, page.text)
    assert first.status_code == 422
    assert "Unusual" in first.text
    assert make.post(client, url(ward), sheets.sent(first.text), first.text).status_code == 303


def test_an_entry_is_not_emptied_here(ward: Any) -> None:
    client = client_of(ward)
    sheets.fill(client, url(ward), sheets.LEVEL1)
    empty = {name: "" for name in sheets.LEVEL1 if name.startswith("ct__")}
    answer = sheets.fill(client, url(ward), empty)
    assert answer.status_code == 422
    assert "entered in error" in answer.text


# -- drafts, rows, the rest --------------------------------------------------------------------


def test_the_page_keeps_itself_without_who_the_patient_is(ward: Any) -> None:
    client = client_of(ward)
    page = client.get(url(ward))
    typed = {**sheets.sent(page.text), "history__0__diabetes": "yes", "state__0__weight_kg": "7x"}
    answer = make.post(client, f"{url(ward)}/draft", typed, page.text)
    told = json.loads(answer.text)
    draft: Any = db.session.scalar(sa.select(SheetDraft))
    assert (told["version"], draft.person_id) == (draft.version, ward.carol.id)
    assert "1961" not in json.dumps(draft.typed)
    assert not [name for name in draft.typed if name.startswith("patient")]
    again = client.get(url(ward)).text
    assert "Not saved yet" in again
    assert sheets.sent(again)["state__0__weight_kg"] == "7x"
    assert counts(ward) == {}
    assert "Not saved yet" not in client_of(ward, ward.bob).get(url(ward)).text
    later = make.post(client, f"{url(ward)}/draft", {**typed, "version": "0"}, page.text)
    assert later.status_code == 409
    sheets.fill(client, url(ward), {"state__0__weight_kg": ""})
    assert counts(ward) == {"history": 1}
    assert db.session.scalar(sa.select(sa.func.count(SheetDraft.id))) == 0


def test_a_draft_is_thrown_away(ward: Any) -> None:
    client = client_of(ward)
    page = client.get(url(ward))
    data = {**sheets.sent(page.text), "history__0__diabetes": "yes"}
    make.post(client, f"{url(ward)}/draft", data, page.text)
    answer = make.post(client, f"{url(ward)}/draft", {"do": "discard"}, page.text)
    assert answer.status_code == 303
    assert "Not saved yet" not in client.get(url(ward)).text


def test_a_row_more_and_the_rest_of_a_group_without_scripts(ward: Any) -> None:
    client = client_of(ward)
    asked = {"overview__0__ssa": "yes", "history__0__diabetes": "yes"}
    assert sheets.fill(client, url(ward), {**asked, "add": "ssa"}).status_code == 303
    page = client.get(url(ward)).text
    assert 'name="ssa__1__agent"' in page
    assert sheets.fill(client, url(ward), {"rest": "illnesses=no"}).status_code == 303
    shown = sheets.sent(client.get(url(ward)).text)
    assert shown["history__0__diabetes"] == "yes"  # what was answered stays
    assert shown["history__0__renal_comorbidity"] == "no"
    answer = sheets.fill(
        client, url(ward),
        {"state__0__date": "2026", "ssa__0__agent": "SSA_LAN", "ssa__0__start": "2024",
         "ssa__1__agent": "SSA_OCT_LAR", "ssa__1__start": "2025"},
    )  # fmt: skip
    assert answer.status_code == 303
    assert [one.agent for one in record(ward).therapies] == ["SSA_LAN", "SSA_OCT_LAR"]


def test_a_second_primary_has_a_page_of_its_own(ward: Any) -> None:
    one = course.tumour(ward.patient, ward.by)
    other = course.tumour(ward.patient, ward.by, "C34.1")
    client = client_of(ward)
    page = f"{url(ward)}?tumour_id={other.id}"
    answer = sheets.fill(
        client, page, {"pathology__0__date": "2024", "pathology__0__differentiation": "well"}
    )
    assert answer.status_code == 303
    [found] = record(ward).of("pathology")
    assert (found.tumour_id, one.version) == (other.id, 1)
    assert client.get(f"{url(ward)}?tumour_id={new_id()}").status_code == 404


def test_another_hospitals_entries_are_shown_and_not_changed(ward: Any, app: Flask) -> None:
    course.tumour(ward.patient, ward.by, note="")
    hospital = make.hospital()
    rosa = make.person(hospital, Role.REFERRER, name="Rosa Ritter")
    from registry.patients import actions as patients
    from registry.patients import rules

    patients.relate(ward.patient.id, hospital.id, rules.REFERRING, by=ward.by)
    answer = sheets.fill(
        client_of(ward, rosa), url(ward),
        {"tumour__0__primary_site": "C34.1", "history__0__diabetes": "no"},
    )  # fmt: skip
    assert answer.status_code == 303
    there = record(ward)
    assert there.of("tumour")[0].primary_site == "C25.2"
    assert there.of("history")[0].organisation_id == hospital.id


# -- completeness ------------------------------------------------------------------------------


def test_every_item_has_a_place_on_the_page(ward: Any) -> None:
    page = client_of(ward).get(url(ward)).text
    empty = completeness.of(record(ward))
    for part in empty.level1:
        for item in part.items:
            assert f'id="{item.anchor}"' in page, item.name
    assert sum(len(part.items) for part in empty.level1) == 101  # clinical/level1_items.csv


def test_an_empty_record_has_only_gaps(ward: Any) -> None:
    found = completeness.of(record(ward))
    pathology = next(part for part in found.level1 if part.key == "pathology")
    # Cell type is asked of carcinomas only.
    assert (pathology.done, pathology.asked) == (0, 15)
    assert found.level2 == ()
    assert found.gap is not None


def test_an_examination_that_was_not_done_is_answered(ward: Any) -> None:
    course.entry(
        "overview", ward.patient, ward.by, sstr_done="no",
        absent={"fdg_done": {"why": "not_known"}}, date="2026",
    )  # fmt: skip
    states = {
        item.name: item.state
        for part in completeness.of(record(ward)).level1
        for item in part.items
    }
    assert states["imaging.sstr_done"] == "answered"
    assert states["imaging.sstr_date"] == "not_asked"
    assert states["imaging.fdg_done"] == "absent"


def test_level_2_counts_what_the_record_has(ward: Any) -> None:
    course.entry("symptom_diary", ward.patient, ward.by, date="2026", pain="2", stools_per_day="1",
                 absent={"wellbeing": {"why": "not_known"}})  # fmt: skip
    [diary] = completeness.of(record(ward)).level2
    # Flushing, stools, pain, wellbeing and the day; notes are no gap.
    assert (diary.done, diary.asked, diary.absent) == (4, 5, 1)


def test_the_page_of_completeness(ward: Any) -> None:
    sheets.fill(client_of(ward), url(ward), {"history__0__diabetes": "yes"})
    answer = client_of(ward).get(f"/patients/{ward.patient.id}/completeness")
    assert answer.status_code == 200
    assert "level-1?from=" in answer.text


def test_what_is_open_of_level_2_leads_to_the_latest_entry_without_it(ward: Any) -> None:
    made = {
        day: course.entry("symptom_diary", ward.patient, ward.by, date=day, pain="2")
        for day in ("2024", "2026", "2025")
    }
    page = client_of(ward).get(f"/patients/{ward.patient.id}/completeness").text
    assert f'href="/course/symptom_diary/{made["2026"].id}#stools_per_day"' in page
    assert "#pain" not in page


def test_queries_do_not_grow_with_the_record(ward: Any) -> None:
    client = client_of(ward)

    def asked() -> int:
        seen: list[str] = []
        listen = lambda *args: seen.append(args[2])  # noqa: E731
        db.session.expire_all()
        sa.event.listen(db.engine, "before_cursor_execute", listen)
        client.get(url(ward))
        sa.event.remove(db.engine, "before_cursor_execute", listen)
        return len(seen)

    few = asked()
    for year in range(1996, 2026):
        course.entry("follow_up", ward.patient, ward.by, date=str(year), vital_status="alive")
        course.entry("biomarker", ward.patient, ward.by, date=str(year), analyte="NSE", value="9",
                     unit="ng/mL")  # fmt: skip
    db.session.commit()
    assert asked() == few
    assert few < len(BY_NAME) + 25
