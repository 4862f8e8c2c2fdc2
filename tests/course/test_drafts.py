"""What is typed into an entry, a table or an assessment and not saved is there again."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from werkzeug.datastructures import MultiDict

from registry.course.actions import plans
from registry.course.models import SheetDraft
from registry.db import db, now
from tests import make
from tests import make_course as course
from tests.course.test_pages import _sent, client_of, entries, ward

__all__ = ["ward"]

AGAIN = "This is what you typed until"


def boxes(page: str) -> MultiDict[str, str]:
    """Everything the page's own form would send."""
    return MultiDict(_sent(page[page.index("<main") :]))


def typing(client: Any, url: str, page: str = "", **typed: str) -> Any:
    """Type into a page and leave it: it sends itself."""
    page = page or client.get(url).text
    data = boxes(page)
    for name, text in typed.items():
        data.setlist(name, [text])
    data["csrf_token"] = make.token(page)
    [address] = set(re.findall(r'data-autosave="([^"]+)"', page))
    return client.post(address, data=data)


def save(client: Any, url: str, **typed: str) -> Any:
    page = client.get(url).text
    data = boxes(page)
    for name, text in typed.items():
        data.setlist(name, [text])
    data["csrf_token"] = make.token(page)
    return client.post(url, data=data)


def drafts() -> list[SheetDraft]:
    db.session.expire_all()
    return list(db.session.scalars(sa.select(SheetDraft)))


def test_a_new_entry_is_gone_on_with(ward: Any) -> None:
    client, url = client_of(ward, ward.carol), course.new_url("biomarker", ward.patient)
    answer = typing(client, url, analyte="CGA_MASS", value="12,x", note="seen by Dr Winter")
    assert answer.status_code == 200, answer.text
    page = client.get(url).text
    assert AGAIN in page
    assert 'value="12,x"' in page
    chart = client.get(f"/patients/{ward.patient.id}/chart").text
    assert "Typed and not saved" in chart
    assert "New: " in chart
    assert AGAIN not in client_of(ward, ward.bob).get(url).text
    assert save(client, url, value="12", unit="ng/mL").status_code == 303
    assert (drafts(), len(entries(ward, "biomarker"))) == ([], 1)
    assert AGAIN not in client.get(url).text


def test_only_the_page_s_own_boxes_are_kept(ward: Any) -> None:
    client, url = client_of(ward, ward.carol), course.new_url("biomarker", ward.patient)
    typing(client, url, value="12", family_name="Zonneveld", given_names="Alice")
    [draft] = drafts()
    assert "Zonneveld" not in str(draft.typed)
    assert draft.typed["value"] == ["12"]
    assert client.post(
        f"/patients/{ward.patient.id}/course/draft",
        data={"draft_page": "visit", "csrf_token": make.token(client.get(url).text)},
    ).status_code == 422  # fmt: skip


def test_a_draft_is_thrown_away(ward: Any) -> None:
    client, url = client_of(ward, ward.carol), course.new_url("therapy", ward.patient)
    typing(client, url, therapy_class="SSA", dose="60 mg")
    answer = make.post(client, url, {"do": "discard"}, client.get(url).text)
    assert (answer.status_code, drafts()) == (303, [])
    assert "60 mg" not in client.get(url).text


def test_of_a_therapy_s_cycles_each_has_its_own_draft(ward: Any) -> None:
    first, second = (
        course.entry("therapy", ward.patient, ward.by, therapy_class="PRRT", start=f"20{n}-05")
        for n in (19, 22)
    )
    client, url = client_of(ward, ward.carol), course.new_url("cycle", ward.patient)
    typing(client, f"{url}?therapy={first.id}", activity_gbq="7.4")
    assert AGAIN in client.get(f"{url}?therapy={first.id}").text
    assert AGAIN not in client.get(f"{url}?therapy={second.id}").text
    chart = client.get(f"/patients/{ward.patient.id}/chart").text
    assert f"/course/cycle/new?therapy={first.id}" in chart


def test_an_edit_is_gone_on_with_beside_what_somebody_else_saved(ward: Any) -> None:
    found = course.entry("therapy", ward.patient, ward.by, therapy_class="SSA", dose="60 mg")
    client, url = client_of(ward, ward.carol), course.edit_url(found)
    typing(client, url, dose="60 mg")
    assert AGAIN not in client.get(url).text  # nothing in it is new
    assert typing(client, url, dose="120 mg").status_code == 409  # that was another window
    [draft] = drafts()
    page = client.get(url).text
    sent = {"dose": "120 mg", "draft_version": str(draft.version)}
    assert typing(client, url, page, **sent).status_code == 200
    assert "120 mg" in client.get(url).text
    course.keep(client_of(ward, ward.bob), url, {"therapy_class": "SSA", "dose": "90 mg"})
    page = client.get(url).text
    for text in (AGAIN, "Bob Bakker", "120 mg", "90 mg", "Keep mine"):
        assert text in page
    assert save(client, url).status_code == 303
    assert (entries(ward, "therapy")[0].dose, drafts()) == ("120 mg", [])


def test_a_form_that_was_saved_and_is_sent_again_changed_shows_both(ward: Any) -> None:
    """Back after saving, one box changed, saved again: neither lost nor a second entry."""
    client, url = client_of(ward, ward.carol), course.new_url("therapy", ward.patient)
    page = client.get(url).text
    data = boxes(page)
    data.setlist("therapy_class", ["SSA"])
    data.setlist("dose", ["60 mg"])
    data["csrf_token"] = make.token(page)
    assert client.post(url, data=data).status_code == 303
    assert client.post(url, data=data).status_code == 303
    data.setlist("dose", ["90 mg"])
    answer = client.post(url, data=data)
    assert answer.status_code == 409
    assert "60 mg" in answer.text
    [found] = entries(ward, "therapy")
    again = boxes(answer.text)
    again["csrf_token"] = make.token(answer.text)
    assert f'action="{course.edit_url(found)}"' in answer.text
    assert client.post(course.edit_url(found), data=again).status_code == 303
    assert [one.dose for one in entries(ward, "therapy")] == ["90 mg"]
    assert typing(client, url, page, dose="1 mg", entry_id=str(found.id)).status_code == 422


def test_a_table_is_gone_on_with(ward: Any) -> None:
    marker = {"date": "2024-01", "analyte": "CGA_MASS", "unit": "ng/mL"}
    kept, other = (
        course.entry("biomarker", ward.patient, ward.by, value=v, **marker) for v in ("120", "180")
    )
    client = client_of(ward, ward.carol)
    url = f"/patients/{ward.patient.id}/course/biomarker/table"
    page = client.get(url).text
    places = {m[2]: m[1] for m in re.findall(r'((r\d+)-id)" value="([^"]+)', page)}
    new = next(n for n in re.findall(r'name="(r1\d{3})-id"', page))
    mine = places[str(kept.id)]
    answer = typing(client, url, page, **{f"{mine}-value": "125", f"{new}-value": "1?"})
    assert answer.status_code == 200
    assert save(client_of(ward, ward.bob), course.edit_url(other), value="185").status_code == 303
    page = client.get(url).text
    assert AGAIN in page
    for text in ('value="125"', 'value="185"', 'value="1?"'):
        assert text in page
    filled = {f"{new}-value": "130", f"{new}-analyte": "CGA_MASS", f"{new}-unit": "ng/mL"}
    assert save(client, url, **filled).status_code == 303
    assert sorted(int(one.value) for one in entries(ward, "biomarker")) == [125, 130, 185]
    assert drafts() == []


def test_an_assessment_is_gone_on_with(ward: Any) -> None:
    client = client_of(ward, ward.carol)
    url = f"/patients/{ward.patient.id}/course/assessment/new"
    assert typing(client, url, **{"s0-organ": "liver", "s0-size_mm": "41"}).status_code == 200
    page = client.get(url).text
    assert AGAIN in page
    assert 'value="41"' in page
    assert save(client, url, **{"date-year": "2024"}).status_code == 303
    [baseline] = entries(ward, "response")
    assert drafts() == []
    url = f"/course/assessment/{baseline.id}"
    assert typing(client, url, **{"s0-size_mm": "44"}).status_code == 200
    assert 'value="44"' in client.get(url).text


def test_a_lesion_taken_out_meanwhile_gives_its_size_to_no_other(ward: Any) -> None:
    client = client_of(ward, ward.carol)
    url = f"/patients/{ward.patient.id}/course/assessment/new"
    two = {"s0-organ": "liver", "s0-size_mm": "41", "s1-organ": "lung", "s1-size_mm": "20"}
    assert save(client, url, **{"date-year": "2024"}, **two).status_code == 303
    [baseline] = entries(ward, "response")
    liver = next(one for one in entries(ward, "lesion") if one.organ == "liver")
    page = client.get(f"{url}?baseline={baseline.id}").text
    data = boxes(page)
    place = re.search(rf'name="(s\d)-known" value="{liver.id}"', page)
    assert place is not None
    liver.error_at, liver.error_by, liver.error_because = now(), ward.carol.id, "no lesion"
    db.session.commit()
    other = "s1" if place[1] == "s0" else "s0"
    for name, text in {f"{place[1]}-size_mm": "60", f"{other}-size_mm": "10"}.items():
        data.setlist(name, [text])
    data.setlist("date-year", ["2025"])
    data["csrf_token"] = make.token(page)
    assert client.post(f"{url}?baseline={baseline.id}", data=data).status_code in (303, 422)
    sizes = [one.size_mm for one in entries(ward, "measurement") if one.lesion_id != liver.id]
    assert 60 not in sizes


def test_drafts_nobody_came_back_to_are_forgotten(ward: Any) -> None:
    client, url = client_of(ward, ward.carol), course.new_url("therapy", ward.patient)
    typing(client, url, dose="60 mg")
    [draft] = drafts()
    draft.saved_at = now() - timedelta(days=plans.DRAFT_DAYS + 1)
    db.session.commit()
    plans.drop_old_drafts()
    assert drafts() == []


# -- what a page of one entry asks the database --------------------------------------------------


def asked_by(call: Any) -> int:
    seen: list[str] = []

    def listen(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)

    db.session.expire_all()
    sa.event.listen(db.engine, "before_cursor_execute", listen)
    try:
        assert call().status_code == 200
    finally:
        sa.event.remove(db.engine, "before_cursor_execute", listen)
    return len(seen)


def test_what_a_page_of_one_entry_asks_does_not_grow_with_the_record(ward: Any) -> None:
    made = course.a_course(ward.patient, ward.by)
    found = made["therapy"]
    client, url = client_of(ward, ward.carol), course.edit_url(found)
    data = boxes(client.get(url).text)
    data["csrf_token"] = make.token(client.get(url).text)

    def counts() -> tuple[int, ...]:
        return tuple(
            asked_by(call)
            for call in (
                lambda: client.get(url),
                lambda: client.post("/course/derive", data=data),
                lambda: client.get(course.new_url("biomarker", ward.patient)),
            )
        )

    few = counts()
    for n in range(12):
        course.entry("biomarker", ward.patient, ward.by, analyte="NSE", value=str(n), date="2023")
        course.entry("cycle", ward.patient, ward.by, therapy=found, number=n + 2, date="2023")
    db.session.commit()
    assert counts() == few
    assert few[0] <= 48  # one an entity of the record, the rest whoever it is and who may
    assert few[1] <= 40
    assert few[2] <= 14
