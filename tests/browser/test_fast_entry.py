"""Level 1 and a follow-up visit from the keyboard alone, with the presses counted.

What is counted: an *interaction* is every press of a key that is no letter, digit or sign of a
typed value: Tab, arrows, Enter, combinations, and the one key that chooses an answer. Choosing
from a list by typing how it begins counts as one interaction besides, its letters as letters.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser import tours
from tests.browser.conftest import OpenPage
from tests.browser.keyboard import Keyboard

KEY, TYPE, PICK, CODE, REST = "key", "type", "pick", "code", "rest"
MOST_LEVEL_1, MOST_VISIT = 220, 25  # issue C

_HERE = """() => {
  const one = document.activeElement;
  const words = (node) => (node ? node.innerText.replace(/\\s+/g, " ").trim() : "");
  const group = one.closest("fieldset.fast-keys, fieldset.fast-several")?.querySelector("legend");
  return {
    question:
      words(group) || words(one.labels?.[0]) || one.getAttribute("aria-label") || words(one),
    row: words(one.closest("fieldset.fast-row")?.querySelector("legend")),
    id: one.id,
  };
}"""


class Fast(Keyboard):
    """Somebody who knows the page."""

    def reach(self, question: str, row: str = "") -> None:
        """Tab on to a question; after an answer by key one is there already."""
        for _ in range(60):
            here = self.page.evaluate(_HERE)
            if here["question"].startswith(question) and here["row"].startswith(row):
                return
            self.press("Tab")
        raise AssertionError(f"Tab does not lead to {row} {question}, but to {here}")

    def answer(self, kind: str, question: str, value: str, row: str = "") -> None:
        """One question."""
        self.reach(question, row)
        if kind in (KEY, REST):
            self.press(value)
        elif kind == PICK:
            self.write(value)
            self.keys += 1  # the choice
            chosen = self.page.evaluate("document.activeElement.selectedOptions[0].text")
            assert chosen.startswith(value), (question, chosen)
        else:
            self.write(value)
        self.answers += 1

    def interactions_of(self, steps: list[tuple[str, ...]]) -> int:
        """Answer these questions and save. Gives how many interactions it took."""
        before = self.keys
        for step in steps:
            self.answer(*step)
        self.press("Control+Enter")
        return self.keys - before


#: A woman with a metastatic tumour of the ileum on an analogue, as in tests/make_sheet.py.
LEVEL_1: list[tuple[str, ...]] = [
    (TYPE, "Region", "Gelderland"),
    (TYPE, "As of", "12.3.2026"),
    (KEY, "ECOG", "1"),
    (TYPE, "Weight", "71.5"),
    (TYPE, "Height", "168"),
    (KEY, "Smoking", "f"),
    (KEY, "Heart disease", "y"),
    (REST, "Kidney disease", "Shift+N"),
    (PICK, "Hereditary", "None"),
    (CODE, "Primary site", "C17.2"),
    (TYPE, "Date of diagnosis", "3/2025"),
    (KEY, "Basis of diagnosis", "h"),
    (TYPE, "First symptom", "2024"),
    (KEY, "How it was found", "s"),
    (KEY, "Several primaries", "n"),
    (TYPE, "Largest size", "18"),
    (KEY, "Flushing", "y"),
    (KEY, "Diarrhoea", "y"),
    (KEY, "Functioning tumour", "y"),
    (PICK, "Functioning syndrome", "Carc"),
    (KEY, "Carcinoid heart", "n"),
    (TYPE, "Date of echo", "2.4.2025"),
    (TYPE, "Date of specimen", "10.3.2025"),
    (PICK, "Specimen taken", "Liver"),
    (KEY, "Kind of specimen", "b"),
    (KEY, "Differentiation", "w"),
    (CODE, "Morphology", "8240/3"),
    (TYPE, "Ki-67", "6"),
    (TYPE, "Mitoses", "-"),
    (KEY, "Necrosis", "n"),
    (PICK, "Grade as reported", "Grade 2"),
    (PICK, "Grading edition", "WHO 2022"),
    (KEY, "Chromogranin A staining", "p"),
    (KEY, "Synaptophysin", "p"),
    (KEY, "SSTR2", "o"),
    (KEY, "Reviewed by", "y"),
    (KEY, "Structured", "n"),
    (PICK, "System and edition", "AJCC 8"),
    (KEY, "Clinical or pathological", "c"),
    (PICK, "T", "T3"),
    (PICK, "N", "N1"),
    (PICK, "M", "M1a"),
    (PICK, "Stage as reported", "Stage IV"),
    (TYPE, "Date of staging", "20.3.2025"),
    (KEY, "Liver metastases", "y"),
    (KEY, "Share of liver", "1"),
    (REST, "Distant lymph nodes", "Shift+N"),
    (PICK, "Metastases elsewhere", "Not app"),
    (KEY, "CT or MRI done", "y"),
    (KEY, "Which", "m", "CT or MRI"),
    (TYPE, "Date of examination", "1.3.2025", "CT or MRI"),
    (KEY, "SSTR imaging done", "y"),
    (KEY, "Tracer", "6", "SSTR"),
    (TYPE, "Date of examination", "25.3.2025", "SSTR"),
    (KEY, "Krenning score", "4"),
    (KEY, "Which Krenning", "m"),
    (KEY, "FDG PET done", "n"),
    (TYPE, "Date of samples", "12.3.2026"),
    (TYPE, "Chromogranin A", "310"),
    (KEY, "Unit", "n"),
    (TYPE, "Upper limit", "100"),
    (KEY, "On a proton-pump", "n"),
    (TYPE, "5-HIAA", "88"),
    (KEY, "Unit", "m"),
    (TYPE, "eGFR", "74"),
    (TYPE, "Haemoglobin", "131"),
    (TYPE, "Platelets", "240"),
    (KEY, "Primary tumour resected", "y"),
    (KEY, "Liver-directed", "n"),
    (KEY, "Somatostatin analogue given", "y"),
    (REST, "PRRT given", "Shift+N"),
    (TYPE, "Date of surgery", "14.5.2025"),
    (KEY, "Residual", "r"),
    (KEY, "Agent", "l", "Somatostatin"),
    (TYPE, "Dose", "120"),
    (TYPE, "Given every", "28"),
    (TYPE, "Start", "1.6.2025"),
    (KEY, "Best response", "s"),
    (KEY, "Discussed", "y"),
    (TYPE, "Date of tumour board", "2.4.2025"),
    (PICK, "Recommendation", "Start systemic"),
    (KEY, "Vital status", "a"),
    (KEY, "Disease status", "s"),
    (KEY, "Progression so far", "n"),
]


def register(keys: Keyboard, family: str = "Tastatur", born: str = "1958-04-17") -> None:
    """The centre's own patient, of whom nothing is known yet."""
    keys.page.goto("/patients/new")
    keys.skip_to_content()
    keys.fill("Family name", family)
    keys.fill("Given names", "Wilma")
    keys.date("Date of birth", born)
    keys.choose("Sex at birth", "Female")
    keys.find("Country", "NL Neth", "NL Netherlands")
    for consent in ("Sharing for care", "Registry", "Research use", "Contact for research"):
        keys.choose(consent, "Yes")
    keys.press("Control+Enter")
    keys.page.wait_for_url("**/chart")


def of(page: Page) -> str:
    """The address of the patient whose chart is open."""
    return page.url.split("#")[0].removesuffix("/chart")


def visit_of(level: dict[str, Any]) -> list[tuple[str, ...]]:
    """A visit four months on: stable, everything goes on, three markers, the diary."""
    next_visit = date.today() + timedelta(days=120)
    return [
        (KEY, "Vital status", "a"),
        (KEY, "Disease status", "s"),
        (KEY, "ECOG", "="),  # as last time
        (TYPE, "Weight", level["weight"]),
        (KEY, "Progression", "n"),
        (KEY, "This therapy", "g"),
        (TYPE, "Chromogranin A", "280"),
        (TYPE, "5-HIAA", "80"),
        (TYPE, "eGFR", "72"),
        (KEY, "Imaging since", "n"),
        (TYPE, "Next visit", f"{next_visit.day}.{next_visit.month}.{next_visit.year}"),
    ]


def test_level_1_and_a_visit_from_the_keyboard(
    open_page: OpenPage, capsys: pytest.CaptureFixture[str]
) -> None:
    page = open_page()
    tours.sign_in(page, "clinician")
    registering = Keyboard(page)
    register(registering)
    patient = of(page)

    keys = Fast(page)
    page.goto(f"{patient}/level-1")
    level_1 = keys.interactions_of(LEVEL_1)
    page.wait_for_url("**/chart*")
    page.goto(f"{patient}/completeness")
    expect(page.locator("#level-1")).to_contain_text("100 %")

    visiting = Fast(page)
    page.goto(f"{patient}/visit")
    expect(page.locator("#contact__0__date")).to_be_focused()
    visit = visiting.interactions_of(visit_of({"weight": "70.8"}))
    page.wait_for_url("**/chart*")
    expect(page.get_by_role("main")).to_contain_text("The visit was saved")
    assert level_1 + registering.keys <= MOST_LEVEL_1
    assert visit <= MOST_VISIT
    with capsys.disabled():
        print(
            f"\n    level 1 from the keyboard: {level_1} interactions, {keys.letters} letters,"
            f" {keys.answers} answers (registering the patient before: {registering.keys}, "
            f"{registering.letters}, {registering.answers});"
            f" a visit: {visit} interactions, {visiting.letters} letters,"
            f" {visiting.answers} answers"
        )


def test_what_was_typed_survives_leaving_the_page(page: Page) -> None:
    tours.sign_in(page, "clinician")
    chart = tours.links(page, "/patients", "/chart")[-1]
    page.goto(chart.removesuffix("chart") + "visit")
    page.get_by_label("Weight").fill("66,5")
    expect(page.locator("[data-autosave-status]")).to_have_attribute("data-state", "saved")
    page.goto(page.url)
    expect(page.get_by_label("Weight")).to_have_value("66,5")
    page.get_by_role("button", name="Throw it away").click()
    expect(page.get_by_label("Weight")).to_have_value("")


def test_rows_are_added_in_place(page: Page) -> None:
    tours.sign_in(page, "clinician")
    chart = tours.links(page, "/patients", "/chart")[-1]
    page.goto(chart.removesuffix("chart") + "visit")
    page.get_by_role("button", name="One more side effect").click()
    second = page.locator("#event__1")
    expect(second.get_by_label("Side effect (CTCAE term)")).to_be_focused()
    expect(page.locator("input[name=event__rows]")).to_have_value("2")
