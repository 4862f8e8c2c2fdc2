"""Pages over an entry as a whole or over several: mistakes, tables, pasted values, lesions."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest
from werkzeug.datastructures import MultiDict

from registry.course import pasting, queries
from registry.db import db, new_id
from tests import make
from tests import make_course as course
from tests.course.test_pages import _sent, client_of, entries, ward

__all__ = ["ward"]


def send(client: Any, url: str, **changes: str) -> Any:
    """Open a page, change some boxes and send all of it."""
    return again(client, url, client.get(url).text, **changes)


def again(client: Any, url: str, page: str, **changes: str) -> Any:
    """Send a page that is open."""
    start = page.index("<main")
    data = MultiDict(_sent(page[start:]))
    for name, text in changes.items():
        data.setlist(name, [text])
    data["csrf_token"] = make.token(page)
    return client.post(url, data=data)


def kept(client: Any, url: str, answer: Any) -> Any:
    """Save what was asked about as it is."""
    return again(client, url, answer.text) if "Save as it is" in answer.text else answer


def rows_in(page: str) -> list[int]:
    return [int(n) for n in re.findall(r'name="r(\d+)-id"', page)]


# -- entered in error --------------------------------------------------------------------------


def test_an_entry_made_in_error_counts_no_more_and_is_restored(ward: Any) -> None:
    found = course.entry("biomarker", ward.patient, ward.by, analyte="NSE", value="12")
    client = client_of(ward, ward.bob)
    url = f"{course.edit_url(found)}/error"
    assert "Say why" in send(client, url).text
    marked = send(client, url, because="of another patient")
    assert marked.status_code == 303
    assert entries(ward, "biomarker") == []
    listed = client.get(f"/patients/{ward.patient.id}/course/errors").text
    for text in ("of another patient", "Bob Bakker", "Neuron-specific enolase", "Restore"):
        assert text in listed
    assert "Marked as entered in error: Neuron-specific enolase." in listed
    assert "Saved:" not in listed
    version = str(db.session.get_one(type(found), found.id).version)
    assert (
        make.post(client, f"{course.edit_url(found)}/restore", {"version": version}).status_code
        == 303
    )
    assert len(entries(ward, "biomarker")) == 1


def test_what_others_rest_on_is_not_marked(ward: Any) -> None:
    made = course.a_course(ward.patient, ward.by)
    answer = send(
        client_of(ward, ward.carol), f"{course.edit_url(made['therapy'])}/error", because="x"
    )
    assert answer.status_code == 422
    assert "Cycle 1" in answer.text


def test_two_at_once_when_marking(ward: Any) -> None:
    found = course.entry("therapy", ward.patient, ward.by, therapy_class="SSA", dose="60 mg")
    client = client_of(ward, ward.carol)
    url = f"{course.edit_url(found)}/error"
    page = client.get(url).text
    course.keep(
        client_of(ward, ward.bob), course.edit_url(found), {"therapy_class": "SSA", "dose": "90 mg"}
    )
    answer = again(client, url, page, because="given to her sister")
    assert answer.status_code == 409
    for text in ("Bob Bakker", "90 mg", "given to her sister"):
        assert text in answer.text


# -- taking back -------------------------------------------------------------------------------


def undo(client: Any, patient: Any) -> Any:
    chart = client.get(f"/patients/{patient.id}/chart").text
    items = re.findall(r'name="item" value="([^"]+)"', chart)
    assert items
    data = MultiDict([("item", item) for item in items])
    data["csrf_token"] = make.token(chart)
    return client.post("/course/undo", data=data)


def test_a_change_is_taken_back(ward: Any) -> None:
    why = {"stop": {"why": "not_available", "because": "letter is lost"}}
    found = course.entry(
        "therapy", ward.patient, ward.by, therapy_class="SSA", dose="60 mg", absent=why
    )
    client = client_of(ward, ward.carol)
    course.keep(client, course.edit_url(found), {"therapy_class": "SSA", "dose": "90 mg"})
    assert undo(client, ward.patient).status_code == 303
    [kept] = entries(ward, "therapy")
    assert (kept.dose, kept.absent, kept.version) == ("60 mg", why, 3)


def test_a_new_entry_is_taken_back(ward: Any) -> None:
    client = client_of(ward, ward.carol)
    course.fill(client, course.new_url("biomarker", ward.patient), course.FILLED["biomarker"])
    assert undo(client, ward.patient).status_code == 303
    assert entries(ward, "biomarker") == []
    assert [one.entity for one in queries.in_error(ward.patient)] == ["biomarker"]


def test_nothing_is_taken_back_that_somebody_changed_since(ward: Any) -> None:
    client = client_of(ward, ward.carol)
    course.fill(client, course.new_url("biomarker", ward.patient), course.FILLED["biomarker"])
    chart = client.get(f"/patients/{ward.patient.id}/chart").text
    [item] = re.findall(r'name="item" value="([^"]+)"', chart)
    [found] = entries(ward, "biomarker")
    course.keep(
        client_of(ward, ward.bob),
        course.edit_url(found),
        {"analyte": "NSE", "value": "9", "unit": "ng/mL"},
    )
    assert make.post(client, "/course/undo", {"item": item}, chart).status_code == 409
    assert len(entries(ward, "biomarker")) == 1


# -- accepting and moving ----------------------------------------------------------------------


def test_a_warning_is_accepted_with_a_reason_until_a_value_changes(ward: Any) -> None:
    found = course.entry("follow_up", ward.patient, ward.by, date="2024", weight_kg="200")
    client = client_of(ward, ward.carol)
    page = client.get(course.edit_url(found)).text
    assert "Open questions" in page
    [key] = re.findall(r'name="key" value="([^"]+)"', page)
    sent = {"key": key, "version": "1", "because": "measured twice"}
    assert make.post(client, f"{course.edit_url(found)}/accept", sent, page).status_code == 303
    [shown] = [one for one in queries.findings(queries.record_of(ward.patient)) if one.key == key]
    assert shown.accepted is not None
    assert shown.accepted["because"] == "measured twice"
    assert "measured twice" in client.get(course.edit_url(found)).text
    answers = {"date-year": "2024", "weight_kg": "210"}
    assert course.keep(client, course.edit_url(found), answers).status_code == 303
    db.session.expire_all()
    [shown] = [one for one in queries.findings(queries.record_of(ward.patient)) if one.key == key]
    assert shown.accepted is None


def test_a_reason_given_on_saving_is_kept(ward: Any) -> None:
    client = client_of(ward, ward.carol)
    url = course.new_url("therapy", ward.patient)
    said = {"therapy_class": "PRRT", "start-year": "2023", "because": "scan done elsewhere"}
    assert course.keep(client, url, said).status_code == 303
    [found] = entries(ward, "therapy")
    assert [one["because"] for one in found.accepted.values()] == ["scan done elsewhere"]


def test_an_entry_moves_to_another_tumour(ward: Any) -> None:
    made = course.a_course(ward.patient, ward.by)
    lung = course.tumour(ward.patient, ward.by, "C34.1")
    client = client_of(ward, ward.carol)
    page = client.get(course.edit_url(made["pathology"])).text
    assert "Move to another tumour" in page
    url = f"{course.edit_url(made['pathology'])}/move"
    sent = {"tumour": str(lung.id), "version": str(made["pathology"].version)}
    assert make.post(client, url, sent, page).status_code == 303
    [moved] = entries(ward, "pathology")
    assert (moved.tumour_id, moved.derived_category) == (lung.id, "ATYPICAL_CARCINOID")


# -- beginning with another entry --------------------------------------------------------------


def test_a_central_review_begins_with_the_specimen_of_its_report(ward: Any) -> None:
    local = course.a_course(ward.patient, ward.by)["pathology"]
    client = client_of(ward, ward.carol)
    url = f"{course.new_url('pathology', ward.patient)}?review_of={local.id}"
    page = client.get(url).text
    assert "Local report and central review" in page
    answer = send(client, url, differentiation="well", ki67_percent="25", change_kind="correction")
    assert answer.status_code in (303, 422)
    if answer.status_code == 422:
        answer = again(client, url, answer.text)
    assert answer.status_code == 303
    review = entries(ward, "pathology")[-1]
    assert (review.review_of_id, review.specimen_kind) == (local.id, "resection")
    assert (review.report_kind, review.derived_category) == ("central_review", "NET_G3")


def test_a_copy_must_be_confirmed_and_its_date_is_asked(ward: Any) -> None:
    last = course.a_course(ward.patient, ward.by)["imaging"]
    client = client_of(ward, ward.carol)
    url = f"{course.new_url('imaging', ward.patient)}?from={last.id}"
    page = client.get(url).text
    assert "Begun as a copy" in page
    dated = {"date-year": "2025", "krenning_scale": "modified_pet"}
    refused = again(client, url, page, **dated)
    assert refused.status_code == 422
    assert "Say that you checked" in refused.text
    assert again(client, url, refused.text, checked="yes").status_code == 303
    assert [one.krenning for one in entries(ward, "imaging")] == ["3", "3"]


# -- tables ------------------------------------------------------------------------------------


def table_url(entity: str, patient: Any, **asked: Any) -> str:
    more = "&".join(f"{name}={value}" for name, value in asked.items())
    return f"/patients/{patient.id}/course/{entity}/table" + (f"?{more}" if more else "")


def test_a_table_corrects_in_place_and_adds(ward: Any) -> None:
    course.entry(
        "biomarker",
        ward.patient,
        ward.by,
        analyte="NSE",
        value="12",
        unit="ng/mL",
        date="2024-01-02",
    )
    client = client_of(ward, ward.carol)
    url = table_url("biomarker", ward.patient)
    page = client.get(url).text
    first, blank = rows_in(page)[:2]
    answer = again(client, url, page, **{
        f"r{first}-value": "14", f"r{blank}-date": "3.2.2024", f"r{blank}-analyte": "CGA_MASS",
        f"r{blank}-value": "120", f"r{blank}-unit": "ng/mL", f"r{blank}-upper_limit": "100",
    })  # fmt: skip
    assert answer.status_code == 303
    kept = entries(ward, "biomarker")
    assert [(one.analyte, one.value) for one in kept] == [("NSE", 14), ("CGA_MASS", 120)]
    assert kept[1].date.iso == "2024-02-03"
    shown = client.get(url).text
    assert "Times the upper limit: 1.2" in shown


def test_wrong_rows_stay_in_the_page_and_the_right_ones_are_kept(ward: Any) -> None:
    client = client_of(ward, ward.carol)
    url = table_url("symptom_diary", ward.patient)
    page = client.get(url).text
    one, other = rows_in(page)[:2]
    answer = again(client, url, page, **{
        f"r{one}-date": "2024-02-03", f"r{one}-pain": "3",
        f"r{other}-date": "soon", f"r{other}-pain": "11",
    })  # fmt: skip
    assert answer.status_code == 200
    assert [found.pain for found in entries(ward, "symptom_diary")] == [3]
    assert "soon" in answer.text
    assert "11" in answer.text
    assert "Must be from 0 to 10" in answer.text
    assert rows_in(answer.text) == [other]
    right = again(client, url, answer.text, **{f"r{other}-date": "4.2.2024", f"r{other}-pain": "4"})
    assert right.status_code == 303
    assert [found.pain for found in entries(ward, "symptom_diary")] == [3, 4]


def test_a_row_that_somebody_changed_is_not_overwritten_unseen(ward: Any) -> None:
    found = course.entry(
        "biomarker",
        ward.patient,
        ward.by,
        analyte="NSE",
        value="12",
        unit="ng/mL",
        date="2024-01-02",
    )
    client = client_of(ward, ward.carol)
    url = table_url("biomarker", ward.patient)
    page = client.get(url).text
    [row] = rows_in(page)[:1]
    course.keep(
        client_of(ward, ward.bob),
        course.edit_url(found),
        {"analyte": "NSE", "value": "13", "unit": "ng/mL", "date-year": "2024"},
    )
    answer = again(client, url, page, **{f"r{row}-value": "15"})
    assert answer.status_code == 422
    assert "Somebody else changed this row" in answer.text
    assert "Value: 13" in answer.text
    assert again(client, url, answer.text).status_code == 303
    assert entries(ward, "biomarker")[0].value == 15


def test_cycles_belong_to_their_therapy_and_are_numbered(ward: Any) -> None:
    therapy = course.entry(
        "therapy",
        ward.patient,
        ward.by,
        therapy_class="PRRT",
        agent="PRRT_LU_DOTATATE",
        start="2023-01-10",
    )
    course.entry(
        "cycle",
        ward.patient,
        ward.by,
        therapy=therapy,
        number="1",
        date="2023-01-10",
        activity_gbq="7.4",
        egfr="90",
    )
    client = client_of(ward, ward.carol)
    url = table_url("cycle", ward.patient, therapy=therapy.id, copy=1)
    page = client.get(url).text
    assert "7.4 GBq in 1 cycle" in page
    assert "Cycle 2: 7 Mar 2023" in page
    blank = rows_in(page)[1]
    answer = again(client, url, page, **{f"r{blank}-date": "7.3.2023", f"r{blank}-egfr": "81"})
    assert answer.status_code == 303
    second = entries(ward, "cycle")[1]
    assert (second.number, second.activity_gbq, second.therapy_id) == (
        2,
        Decimal("7.4"),
        therapy.id,
    )
    assert (
        "Since the first cycle: eGFR -10 %"
        in client.get(table_url("cycle", ward.patient, therapy=therapy.id)).text
    )


def test_side_effects_of_a_visit_share_its_day(ward: Any) -> None:
    therapy = course.a_course(ward.patient, ward.by)["therapy"]
    client = client_of(ward, ward.carol)
    url = table_url("adverse_event", ward.patient, therapy=therapy.id)
    page = client.get(url).text
    one, other = rows_in(page)[:2]
    answer = again(client, url, page, **{
        "start": "5.9.2022", f"r{one}-term": "Nausea", f"r{one}-grade": "1",
        f"r{other}-term": "Fatigue", f"r{other}-grade": "2",
    })  # fmt: skip
    assert answer.status_code == 303
    kept = {
        found.term: (found.start.iso, found.therapy_id) for found in entries(ward, "adverse_event")
    }
    assert kept["nausea"] == kept["fatigue"] == ("2022-09-05", therapy.id)


def test_a_grade_the_side_effect_does_not_have_is_pointed_out(ward: Any) -> None:
    client = client_of(ward, ward.carol)
    said = {"term": "diarrhoea", "grade": "2", "start-year": "2023"}
    assert (
        course.fill(client, course.new_url("adverse_event", ward.patient), said).status_code == 303
    )
    assert entries(ward, "adverse_event")[0].term == "diarrhea"
    said = {"term": "Alopecia", "grade": "4", "start-year": "2023"}
    answer = course.fill(client, course.new_url("adverse_event", ward.patient), said)
    assert answer.status_code == 422
    assert "Grade 4 does not exist for Alopecia" in answer.text


# -- pasting -----------------------------------------------------------------------------------

LONG = """Date|Test|Result|Unit|Reference
03/02/2024|Chromogranin A|1,234.5 H|ng/mL|0-100
17.4.2024|NSE|<12,5|ng/mL|<16
next week|CgA|lots|ng/mL|""".replace("|", "\t")
WIDE = "Date;CgA (ng/mL);NSE (ng/mL)\n2024-02-03;120;12\n2024-05-06;140;"
ACROSS = """Test|Unit|03.02.2024|06.05.2024
Chromogranin A|ng/mL|120|140
5-HIAA (24h urine)|umol/24h|55|""".replace("|", "\t")


BESIDE = """Datum|CgA|Unit|ULN|5-HIAA (24h urine)|Einheit
12.3.2021|1.250,5|ng/mL|100|55|umol/24h
2021-06-12|<20|ng/mL|100||""".replace("|", "\t")


def cells(text: str, *names: str, **given: Any) -> list[tuple[str, ...]]:
    return [tuple(row.cells.get(n, "") for n in names) for row in pasting.read(text, **given).rows]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (LONG, ["2024-02-03 CGA_MASS  1234.5 100", "2024-04-17 NSE < 12.5 16",
                "next week CGA_MASS  lots "]),
        (WIDE, ["2024-02-03 CGA_MASS  120 ", "2024-02-03 NSE  12 ", "2024-05-06 CGA_MASS  140 "]),
        (ACROSS, ["2024-02-03 CGA_MASS  120 ", "2024-05-06 CGA_MASS  140 ",
                  "2024-02-03 HIAA_U24_MOL  55 "]),
    ],
)  # fmt: skip
def test_three_shapes_of_tables_are_read(app: Any, text: str, expected: Any) -> None:
    found = cells(text, "date", "analyte", "comparator", "value", "upper_limit")
    assert [" ".join(one) for one in found] == expected


def test_unit_and_limit_in_columns_of_their_own_belong_to_the_test_before_them(app: Any) -> None:
    found = cells(BESIDE, "date", "analyte", "value", "unit", "upper_limit")
    assert found == [
        ("2021-03-12", "CGA_MASS", "1250.5", "ng/mL", "100"),
        ("2021-03-12", "HIAA_U24_MOL", "55", "umol/24h", ""),
        ("2021-06-12", "CGA_MASS", "20", "ng/mL", "100"),
    ]


def test_a_month_that_comes_first_and_what_nobody_can_tell(app: Any) -> None:
    text = "date;test;value;unit\n03/02/2024;NSE;1,234;ng/mL"
    assert cells(text, "date", "value", month_first=True) == [("2024-03-02", "1,234?")]


def test_pasted_values_are_corrected_in_place_and_kept_once(ward: Any) -> None:
    client = client_of(ward, ward.carol)
    url = f"/patients/{ward.patient.id}/course/biomarker/paste"
    read = send(client, url, text=LONG, order="day")
    assert read.status_code == 200
    assert entries(ward, "biomarker") == []
    saved = again(client, url, read.text)
    if "Save as it is" in saved.text:
        saved = again(client, url, saved.text)
    assert "next week" in saved.text
    assert "lots" in saved.text
    assert [str(one.value) for one in entries(ward, "biomarker")] == ["1234.5", "12.5"]
    [row] = rows_in(saved.text)
    right = again(client, url, saved.text, **{f"r{row}-date": "1.6.2024", f"r{row}-value": "90"})
    assert right.status_code == 303
    assert len(entries(ward, "biomarker")) == 3
    twice = send(client, url, text=LONG, order="day")
    assert rows_in(twice.text)
    assert len(rows_in(twice.text)) == 1
    assert "2 values stand in the record" in twice.text


# -- measured lesions --------------------------------------------------------------------------


def test_lesions_are_entered_once_and_measured_again(ward: Any) -> None:
    """50 + 22 = 72 mm at the baseline; 30 + 15 = 45 is a fall of 37.5 per cent: a response."""
    therapy = course.a_course(ward.patient, ward.by)["therapy"]
    client = client_of(ward, ward.carol)
    url = f"/patients/{ward.patient.id}/course/assessment/new?therapy={therapy.id}&new=1"
    first = send(client, url, **{
        "date-year": "2024", "s0-label": "segment VII", "s0-organ": "liver", "s0-size_mm": "50",
        "s1-label": "mesenteric", "s1-organ": "nodes", "s1-is_node": "yes", "s1-size_mm": "22",
    })  # fmt: skip
    assert first.status_code == 422
    assert "The baseline (2024) is after the start of the therapy" in first.text
    assert again(client, url, first.text, because="sent late").status_code == 303
    baseline = entries(ward, "response")[-1]
    assert (baseline.timepoint, baseline.derived_sum_mm) == ("baseline", 72)
    [accepted] = baseline.accepted.values()
    assert (accepted["because"], accepted["by"]) == ("sent late", str(ward.carol.id))
    url = f"/patients/{ward.patient.id}/course/assessment/new?baseline={baseline.id}"
    page = client.get(url).text
    assert "segment VII" in page
    assert "50 mm" in page
    typed = {
        "date-year": "2025",
        "s0-size_mm": "30",
        "s1-size_mm": "15",
        "new_lesion": "no",
        "response_stated": "SD",
    }
    derived = again(client, "/course/assessment/derive", page, **typed)
    for text in ("45 mm", "-37.5 %", "Partial response", "Differs"):
        assert text in derived.text
    assert 'data-warning-for="response_stated"' in derived.text
    asked = again(client, url, page, **typed)
    assert (asked.status_code, "Save as it is" in asked.text) == (422, True)
    assert again(client, url, asked.text).status_code == 303
    later = entries(ward, "response")[-1]
    assert (later.derived_sum_mm, later.derived_response, later.baseline_id) == (
        45,
        "PR",
        baseline.id,
    )
    assert later.contradictions == "response_contradiction"
    answer = send(
        client, f"/course/assessment/{later.id}", **{"s0-size_mm": "", "s0-state": "disappeared"}
    )
    assert kept(client, f"/course/assessment/{later.id}", answer).status_code == 303
    assert entries(ward, "response")[-1].derived_sum_mm == 15
    # The next series begins with what is still there, to be measured anew.
    new = f"/patients/{ward.patient.id}/course/assessment/new?new=1"
    assert f"from={baseline.id}" in client.get(new).text
    begun = dict(_sent(client.get(f"{new}&from={baseline.id}").text))
    rows = [(begun[f"s{n}-label"], begun[f"s{n}-organ"], begun[f"s{n}-size_mm"]) for n in (0, 1)]
    assert rows == [("mesenteric", "nodes", ""), ("", "", "")]
    assert client.get(f"{new}&from={later.id}").status_code == 404


def test_sizes_two_people_enter_at_once_are_both_shown(ward: Any) -> None:
    made = course.a_course(ward.patient, ward.by)
    carol, bob = client_of(ward, ward.carol), client_of(ward, ward.bob)
    url = f"/course/assessment/{made['response'].id}"
    page = carol.get(url).text
    assert kept(bob, url, send(bob, url, **{"s0-size_mm": "25"})).status_code == 303
    refused = again(carol, url, page, **{"s0-size_mm": "28"})
    assert refused.status_code == 409
    assert "28 mm" in refused.text
    assert "25 mm" in refused.text
    assert kept(carol, url, again(carol, url, refused.text)).status_code == 303
    assert entries(ward, "measurement")[0].size_mm == 28


def test_a_size_only_the_other_changed_is_taken_over(ward: Any) -> None:
    made = course.a_course(ward.patient, ward.by)
    carol, bob = client_of(ward, ward.carol), client_of(ward, ward.bob)
    url = f"/course/assessment/{made['response'].id}"
    page = carol.get(url).text
    theirs = {"s0-size_mm": "25", "note": "of Bob"}
    assert kept(bob, url, send(bob, url, **theirs)).status_code == 303
    refused = again(carol, url, page, note="of Carol")
    assert refused.status_code == 409
    assert kept(carol, url, again(carol, url, refused.text)).status_code == 303
    assert entries(ward, "measurement")[0].size_mm == 25
    assert made["response"].note == "of Carol"


# -- questionnaires ----------------------------------------------------------------------------


def test_answers_the_instrument_does_not_offer_are_refused_at_the_item(ward: Any) -> None:
    client = client_of(ward, ward.carol)
    url = course.new_url("questionnaire", ward.patient)
    answer = course.fill(
        client, url, {"instrument": "QLQ-C30", "date-year": "2023", "answers-1": "5"}
    )
    assert answer.status_code == 422
    assert 'href="#answers-1"' in answer.text
    answer = course.fill(
        client, url, {"instrument": "QLQ-C30", "date-year": "2023", "answers-40": "1"}
    )
    assert "The instrument has no item 40" in answer.text
    said = {"instrument": "QLQ-C30", "date-year": "2023", "answers-29": "7", "answers-30": "7"}
    assert course.fill(client, url, said).status_code == 303
    assert entries(ward, "questionnaire")[0].scores == {"QL2": 100.0}


# -- as it is typed ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entity", "typed", "expected"),
    [
        ("biomarker", {"analyte": "CGA_MASS", "value": "250", "unit": "ug/L", "upper_limit": "100"},
         ("250 ng/mL", "2.5", "ug/L x 1")),
        ("therapy", {"therapy_class": "chemotherapy", "agent": "SSA_LAN", "start-year": "2023",
                     "dose_value": "120"},
         ("The agent belongs to: Somatostatin analogue.", "Line 1", "120 mg every 28 d",
          '<p data-fills="dose_unit">mg</p>')),
        ("therapy", {"therapy_class": "chemotherapy", "agent": "TEM", "start-year": "2023",
                     "dose_value": "350", "dose_unit": "mg"},
         ("Not checked", "350 mg was not checked: the usual range is known in mg/m2.")),
        ("adverse_event", {"term": "Alopecia"}, ("Grades of this side effect: 1, 2",)),
        ("questionnaire", {"instrument": "QLQ-C30", "answers-29": "7", "answers-30": "7"},
         ("100.0", "Global health")),
        ("imaging", {"modality": "PET_68GA_DOTATATE", "krenning": "3", "krenning_scale": "planar"},
         ("data-offers", "modified_pet", "data-warning-for=\"krenning_scale\"")),
    ],
)  # fmt: skip
def test_what_follows_is_shown_as_it_is_typed(
    ward: Any, entity: str, typed: dict[str, str], expected: tuple[str, ...]
) -> None:
    client = client_of(ward, ward.carol)
    data = {"patient_id": str(ward.patient.id), "entity": entity, **typed}
    answer = make.post(client, "/course/derive", data, headers={"X-Requested-With": "fetch"})
    assert answer.status_code == 200
    for text in expected:
        assert text in answer.text, text


def typed_rows(*rows: dict[str, str]) -> dict[str, str]:
    """New rows of a table as its page sends them."""
    sent = {}
    for number, row in enumerate(rows, start=1000):
        sent |= {f"r{number}-id": str(new_id()), f"r{number}-version": "0"}
        sent |= {f"r{number}-{name}": text for name, text in row.items()}
    return sent


def test_beside_each_row_of_a_table_stands_what_follows_from_it(ward: Any) -> None:
    """250 ug/L is 250 ng/mL and 2.5 times 100; 125 after 250 is half; 7.4 + 7.2 GBq are 14.6."""
    client = client_of(ward, ward.carol)
    url = f"/patients/{ward.patient.id}/course/biomarker/table"
    marker = {"analyte": "CGA_MASS", "upper_limit": "100"}
    page = client.get(url).text
    assert f'data-derive="{url}/derive"' in page
    data = typed_rows(
        {**marker, "date": "2024", "value": "250", "unit": "ng/mL"},
        {**marker, "date": "2025", "value": "125", "unit": "ng/mL"},
        {**marker, "date": "2023", "value": "99", "unit": "ug/L"},
    )
    said = make.post(client, f"{url}/derive", data, page).text
    for text in ("Times the upper limit: 2.5", "-50 %", "In the usual unit: 99 ng/mL"):
        assert text in said
    assert entries(ward, "biomarker") == []
    therapy = course.entry("therapy", ward.patient, ward.by, therapy_class="PRRT", start="2024-01")
    url = f"/patients/{ward.patient.id}/course/cycle/table"
    given = [{"number": str(n), "date": f"{n}.2024", "activity_gbq": g}
             for n, g in ((2, "7.4"), (4, "7.2"))]  # fmt: skip
    page = client.get(f"{url}?therapy={therapy.id}").text
    given[0]["egfr"], given[1]["egfr"] = "80", "60"  # a quarter less
    data = {"therapy": str(therapy.id), **typed_rows(*given)}
    said = make.post(client, f"{url}/derive", data, page).text
    assert "14.6 GBq in 2 cycles" in said
    assert "Since the first cycle: eGFR -25 %" in said
    url = f"/patients/{ward.patient.id}/course/symptom_diary/table"
    diary = typed_rows({"date": "2024", "pain": "6"}, {"date": "2025", "pain": "2"})
    assert "-4" in make.post(client, f"{url}/derive", diary, client.get(url).text).text
