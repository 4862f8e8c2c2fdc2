"""A referral from both sides, each person in a browser of their own: sent incomplete, asked about,
answered with two files, passed on, accepted by the other centre, listed for its board."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests import make_documents
from tests.browser.conftest import OpenPage
from tests.browser.tours import sign_in

FAMILY, GIVEN = "Papaverhof", "Willemien"
NAME = f"{FAMILY}, {GIVEN}"
QUESTION = "Liver lesions after resection of the ileum. Is PRRT an option?"
ASKED = "The pathology report and the last CT, please."
ANSWER = "Both are attached. The Ki-67 was counted by hand."
NOTE = "No beds before Christmas: better in Linde."
HERE = "Tulip NET Centre (synthetic)"
THERE = "Linden NET Centre (synthetic)"


def _date(page: Page, legend: str, day: date) -> None:
    group = page.get_by_role("group", name=legend).first
    for part, number in (("Day", day.day), ("Month", day.month), ("Year", day.year)):
        group.get_by_label(part).fill(str(number))


def _choose(page: Page, legend: str, option: str) -> None:
    page.get_by_role("group", name=legend).first.get_by_label(option, exact=True).check()


def send_incomplete(page: Page) -> str:
    """Who, and the question: no tumour, no pathology. Gives the address of the case."""
    sign_in(page, "referrer")
    page.goto("/referrals/new")
    page.get_by_label("Family name").fill(FAMILY)
    page.get_by_label("Given names").fill(GIVEN)
    _date(page, "Date of birth", date(1958, 5, 4))
    _choose(page, "Sex at birth", "Female")
    for consent in ("Sharing for care", "Registry"):
        _choose(page, consent, "Yes")
    page.get_by_role("radio", name=HERE).check()
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url("**/edit")
    page.get_by_label("Question to the centre").select_option(value="prrt_suitability")
    page.get_by_label("The question in your words").fill(QUESTION)
    page.locator("[name=do][value=check]").click()
    page.wait_for_url("**/check")
    page.get_by_role("button", name="Send to").click()
    page.wait_for_url(lambda url: url.rstrip("/").count("/") == 4)
    expect(page.get_by_role("main")).to_contain_text("Submitted")
    return page.url


def ask(page: Page, case: str) -> None:
    """The coordinator looks, sees what is missing and asks for it; notes something apart."""
    sign_in(page, "coordinator")
    page.goto(case)
    fold = page.locator("details[data-open-for=step-request_information]")
    fold.locator("summary").click()
    fold.get_by_label("Ki-67").first.check()
    fold.get_by_label("What do you need to know?").fill(ASKED)
    fold.get_by_role("button", name="Ask for information").click()
    expect(page.get_by_role("main")).to_contain_text("clock stopped")
    page.locator(".ref-say textarea").fill(NOTE)
    page.get_by_role("button", name="Keep as internal note").click()
    expect(page.locator(".ref-thread")).to_contain_text(NOTE)


def answer(page: Page, case: str, files: list[Path]) -> None:
    """The hospital sees the question, not the note; answers in words with a report and an image."""
    page.goto(case)
    expect(page.get_by_role("main")).to_contain_text(ASKED)
    assert NOTE not in page.content()
    fold = page.locator("details[data-open-for=step-answer]")
    fold.locator("summary").click()
    fold.locator("input[type=file]").set_input_files(files)
    expect(fold.locator("[data-progress] li").filter(has_text="added")).to_have_count(
        2, timeout=60_000
    )
    fold.get_by_label("Your answer").fill(ANSWER)
    fold.get_by_role("button", name="Answer in words").click()
    answered = page.locator(".ref-entry").filter(has_text=ANSWER)
    expect(answered.locator(".app-document")).to_have_count(2)


def pass_on(page: Page, case: str) -> None:
    """The centre reads the answer, which is new, and passes the case on."""
    page.goto(case)
    answered = page.locator(".ref-entry").filter(has_text=ANSWER)
    expect(answered).to_contain_text("New")
    expect(answered).to_contain_text("CT.dcm")
    fold = page.locator("details[data-open-for=step-redirect]")
    fold.locator("summary").click()
    fold.get_by_role("radio", name=THERE).check()
    fold.get_by_label("Reason").fill("No beds this year.")
    fold.get_by_role("button", name="Pass on to another centre").click()
    expect(page.get_by_role("main")).to_contain_text("Your centre passed this case on")
    expect(page.locator("#steps")).to_have_count(0)


def take_over(page: Page, case: str) -> None:
    """The other centre has the case with all that was said but the note; accepts, and lists it."""
    sign_in(page, "coordinator.linden")
    page.goto(case)
    expect(page.locator(".ref-thread")).to_contain_text(ANSWER)
    expect(page.locator(".ref-thread")).to_contain_text("No beds this year.")
    assert NOTE not in page.content()
    page.locator("#step-accept").get_by_role("button", name="Accept").click()
    expect(page.get_by_role("main")).to_contain_text("Accepted")
    fold = page.locator("details[data-open-for=step-list_for_board]")
    fold.locator("summary").click()
    _date(page, "For the board of, if you wish a day", date.today() + timedelta(days=6))
    fold.get_by_role("button", name="List for board").click()
    expect(page.locator(".app-facts")).to_contain_text("Listed for board")


@pytest.mark.browser
@pytest.mark.timeout(240)
def test_asked_answered_passed_on_accepted_and_listed(open_page: OpenPage, tmp_path: Path) -> None:
    report, image = tmp_path / "Report.pdf", tmp_path / "CT.dcm"
    report.write_bytes(make_documents.pdf())
    image.write_bytes(make_documents.dicom(f"{FAMILY}^{GIVEN}", "19580504"))
    doctor, coordinator, other = open_page(), open_page(), open_page()
    case = send_incomplete(doctor)
    ask(coordinator, case)
    answer(doctor, case, [report, image])
    pass_on(coordinator, case)
    take_over(other, case)
    doctor.goto(case)
    thread = doctor.locator(".ref-thread")
    for happened in ("Listed for board", "Accepted", "Passed on to another centre", ANSWER):
        expect(thread).to_contain_text(happened)
    assert NOTE not in doctor.content()
