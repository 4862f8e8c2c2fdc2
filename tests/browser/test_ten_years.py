"""A course of ten years, entered through the pages and then charted, printed and written up.

The patient is the one of tests/course/ten_years.py: two primaries, four lines, seven cycles with
a re-treatment, a grade that changes, two liver procedures, progressions, death.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from playwright.sync_api import Page, expect

from registry import codes, dictionary
from registry.course.models import BY_NAME
from tests.browser.tours import sign_in
from tests.course import ten_years

OpenPage = Callable[..., Page]
RESULTS = Path(__file__).resolve().parents[2] / "test-results"
NAME = "O'Brien-Šimková, Ana María"
#: Entered on the page of a series or in the table of a therapy, not one by one.
_TOGETHER = {"cycle", "response", "lesion", "measurement"}


# -- filling in a form as it stands ------------------------------------------------------------


def _date(page: Page, name: str, iso: str) -> None:
    for part, text in zip(("year", "month", "day"), iso.split("-"), strict=False):
        page.locator(f"[name='{name}-{part}']").fill(str(int(text)))


def _answer(page: Page, name: str, value: Any, words: str = "") -> None:
    """Answer one question, whatever the page asks it with; `words` is how a code is searched."""
    boxes = page.locator(f"#entry [name='{name}']")
    first = boxes.first
    kind = first.evaluate("one => one.type")
    if kind in ("radio", "checkbox"):
        for one in value if isinstance(value, list) else [value]:
            page.locator(f"#entry [name='{name}'][value='{one}']").check()
    elif kind == "select-one":
        first.select_option(value=value)
    elif first.get_attribute("role") == "combobox":
        first.fill(words or value)
        page.locator("[role=option]:visible").first.wait_for()
        first.press("ArrowDown")
        first.press("Enter")
    else:
        first.fill(value)


def _fill(page: Page, entity: str, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        kind = dictionary.kind_of(BY_NAME[entity], name)
        listed = dictionary.of(BY_NAME[entity], name).codes
        if kind == "partial_date":
            _date(page, name, value)
        elif kind == "items":
            for item, answer in value.items():
                page.locator(f"[name='{name}-{item}']").fill(str(answer))
        else:
            words = codes.label(listed, value) if listed and isinstance(value, str) else ""
            _answer(page, name, value, words)


def _save(page: Page) -> None:
    """Save; what is unusual is looked at, its reason given, and saved as it is. The chart that
    follows is looked at once, at the end: here it is enough that it comes."""
    with page.expect_navigation(wait_until="commit"):
        page.get_by_role("button", name=re.compile(r"^Save( all)?$")).click()
    if "/chart" not in page.url:
        for box in page.locator("main [name='because']").all():
            if box.is_visible():
                box.fill("As the report says")
        with page.expect_navigation(wait_until="commit"):
            page.get_by_role("button", name="Save as it is").first.click()
    assert "/chart" in page.url


class Writing:
    """One person entering the story; remembers which entry became which id."""

    def __init__(self, page: Page, chart: str) -> None:
        self.page = page
        self.patient = chart.rstrip("/").split("/")[-2]
        self.ids: dict[str, str] = {}

    def open(self, path: str) -> None:
        self.page.goto(f"/patients/{self.patient}/course/{path}")

    def enter(self, one: ten_years.Entered) -> None:
        """One entry in its own form."""
        self.open(f"{one.entity}/new")
        self.ids[one.name] = self.page.locator("#entry [name='entry_id']").input_value()
        for link, name in one.links.items():
            if self.page.locator(f"#entry [name='{link}']:not([type=hidden])").count():
                _answer(self.page, link, self.ids[name])
        _fill(self.page, one.entity, one.values)
        _save(self.page)

    def cycles(self, therapy: str) -> None:
        """The cycles of a therapy in its table."""
        self.open(f"cycle/table?therapy={self.ids[therapy]}")
        wanted = [one.values for one in ten_years.CYCLES if one.links["therapy"] == therapy]
        rows = self.page.locator("tr:has([name$='-number'])")
        for place, values in enumerate(wanted):
            while rows.count() <= place:
                self.page.locator("[name='more']").click()
            for name, text in values.items():
                box = rows.nth(place).locator(f"[name$='-{name}']")
                box.fill(text)
        _save(self.page)

    def assess(self, one: ten_years.Entered) -> None:
        """A baseline with its lesions, or a later assessment of them."""
        first = one.values["timepoint"] == "baseline"
        where = "new=1" if first else f"baseline={self.ids[one.links['baseline']]}"
        self.open(f"assessment/new?{where}")
        self.ids[one.name] = self.page.locator("#entry [name='entry_id']").input_value()
        if first:
            _answer(self.page, "therapy", self.ids[one.links["therapy"]])
        asked = {n: v for n, v in one.values.items() if n != "timepoint"}
        _fill(self.page, "response", asked)
        boxes = self.page.locator("#entry [name$='-size_mm']")
        for place, size in enumerate(ten_years.SIZES[one.name]):
            boxes.nth(place).fill(size)
            if first:
                row = self.page.locator("tr:has([name$='-size_mm'])").nth(place)
                row.locator("[name$='-label']").fill(("Segment VII", "Segment II")[place])
                row.locator("[name$='-organ']").select_option(label="Liver")
        _save(self.page)


def register(page: Page) -> str:
    """A patient of the centre itself. Returns the address of the chart."""
    page.goto("/patients/new")
    family, given = NAME.split(", ")
    page.locator("[name='family_name']").fill(family)
    page.locator("[name='given_names']").fill(given)
    page.locator("[name='sex_at_birth'][value='female']").check()
    _date(page, "birth_date", "1957-04-12")
    for purpose in ("care", "registry"):
        page.locator(f"[name='consent_{purpose}'][value='yes']").check()
    page.get_by_role("button", name="Register", exact=True).click()
    page.wait_for_url(re.compile(r"/patients/[0-9a-f-]{36}/"))
    return f"/patients/{page.url.partition('/patients/')[2][:36]}/chart"


# -- the story ---------------------------------------------------------------------------------


@pytest.mark.timeout(900)
def test_ten_years_through_the_pages(open_page: OpenPage) -> None:
    page = open_page()
    page.set_default_timeout(60_000)  # many pages, one after the other, on whatever machine
    sign_in(page, "clinician")
    chart = register(page)
    writing = Writing(page, chart)
    told = [one for one in ten_years.STORY if one.entity not in _TOGETHER]
    [death] = [one for one in told if one.values.get("vital_status") == "dead"]
    for one in told:
        if one is not death:
            writing.enter(one)
    for therapy in ("prrt", "prrt_again"):
        writing.cycles(therapy)
    for one in ten_years.RESPONSES:
        writing.assess(one)
    write_a_letter(page, chart, "patient")  # while she lives
    writing.enter(death)
    page.goto(chart)
    read_the_chart(page)
    print_it(page)
    write_a_letter(page, chart, "referring-doctor")


def read_the_chart(page: Page) -> None:
    """What was worked out by hand stands on the chart."""
    expect(page.get_by_role("heading", level=1)).to_have_text(NAME)
    text = page.locator("main").inner_text()
    for grade in set(ten_years.GRADES.values()):
        assert codes.label("grade_category", grade) in text, grade
    for stage in ten_years.STAGES.values():
        assert codes.label("stage_group", stage) in text, stage
    for line in filter(None, ten_years.LINES.values()):
        assert re.search(rf"line {line}\b", text, re.IGNORECASE), line
    for activity in ten_years.ACTIVITY.values():
        assert f"{activity} GBq" in text, activity
    page.screenshot(path=RESULTS / "ten-years-chart.png", full_page=True)


def print_it(page: Page) -> None:
    """A board gets two A4 pages."""
    pdf = page.pdf(format="A4", print_background=True)
    (RESULTS / "ten-years-print.pdf").write_bytes(pdf)
    assert len(pikepdf.open(io.BytesIO(pdf)).pages) <= 2


def write_a_letter(page: Page, chart: str, to: str) -> None:
    """It names the patient, and fits the screen."""
    page.goto(chart.replace("/chart", f"/letters/{to}"))
    page.screenshot(path=RESULTS / f"ten-years-letter-{to}.png", full_page=True)
    expect(page.locator("main")).to_contain_text("Brien")
