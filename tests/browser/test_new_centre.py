"""A new centre, from its first entry to its coordinator's first case: both sides, in a browser."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browser import tours
from tests.browser.conftest import OpenPage

PASSWORD = "heather on the moor"


def _set_up(page: Page) -> None:
    """The administrator enters the centre; what is missing is said where it is missing."""
    page.goto("/administration")
    page.get_by_role("link", name="Set up a hospital or centre").click()
    expect(page.get_by_label("Emergency telephone")).to_be_hidden()
    page.get_by_role("radio", name="Reference centre").check()
    page.get_by_label("Name", exact=True).fill("Heather NET Centre")
    page.get_by_label("Short code").fill("NL-HEATHER")
    page.get_by_label("City").fill("Heatherdale")
    for label, text in (("Country", "Netherlands"), ("Time zone", "Europe/Amsterdam")):
        page.get_by_role("combobox", name=label).fill(text)
        page.get_by_role("option", name=text).first.click()
    page.get_by_role("checkbox", name="Dutch").check()
    page.get_by_role("checkbox", name="Pancreas", exact=True).check()
    page.get_by_role("checkbox", name="Small bowel").check()
    page.get_by_role("checkbox", name="(PRRT)").check()
    page.get_by_label("Cases the board can discuss in a week").fill("8")
    page.get_by_label("Day of the tumour board").select_option(label="Wednesday")
    page.get_by_label("Last day to list a case").select_option(label="Tuesday")
    page.get_by_label("Last time on that day").fill("12:00")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("Enter the number for emergencies.")
    page.get_by_label("Emergency telephone").fill("+31 20 555 0199")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Heather NET Centre")
    expect(page.get_by_role("main")).to_contain_text("Wednesday")
    expect(page.get_by_role("main")).to_contain_text("Heatherdale, Netherlands")


def _invite(page: Page) -> str:
    """Invite its coordinator. No mail is sent here, so that the link is shown, once."""
    page.get_by_role("link", name="Invite a person").click()
    page.get_by_label("Name", exact=True).fill("Clara Heather")
    page.get_by_label("E-mail address").fill("clara@heather.example")
    page.get_by_label("Role", exact=True).select_option(label="Triage coordinator")
    page.get_by_role("button", name="Invite", exact=True).click()
    expect(page.get_by_role("main")).to_contain_text("This link is shown only now")
    return page.locator("#link").inner_text()


def _accept(page: Page, link: str) -> None:
    page.goto(re.sub(r"^https?://[^/]+", "", link))
    expect(page.get_by_role("main")).to_contain_text("Heather NET Centre")
    page.get_by_label("New password", exact=True).fill(PASSWORD)
    page.get_by_label("New password again").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/worklist")
    expect(page.get_by_role("main")).to_contain_text("Your account is open")
    expect(page.get_by_role("main")).to_contain_text("Nothing here")


def _refer(page: Page) -> None:
    """A doctor finds the new centre and sends it a case."""
    page.get_by_role("link", name="New referral").click()
    page.get_by_label("Family name").fill("Heidestein")
    page.get_by_label("Given names").fill("Berta")
    born = page.get_by_role("group", name="Date of birth")
    for part, number in (("Day", "5"), ("Month", "6"), ("Year", "1958")):
        born.get_by_label(part).fill(number)
    page.get_by_role("radio", name="Female").check()
    page.locator("#consent_care").check()
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url("**/edit")
    page.get_by_label("Centre you ask").select_option(label=_label(page, "Heather"))
    page.get_by_label("Question to the centre").select_option(label="Treatment options")
    page.get_by_label("The question in your words").fill("Which treatment should come first?")
    page.get_by_role("button", name="Check and send").click()
    page.wait_for_url("**/check")
    page.get_by_role("button", name="Send to").click()
    expect(page.get_by_role("main")).to_contain_text("Sent to Heather NET Centre")


def _label(page: Page, text: str) -> str:
    return page.locator("option", has_text=text).first.inner_text().strip()


def test_a_new_centre_and_its_coordinator_who_starts_working(open_page: OpenPage) -> None:
    boss, clara, doctor = open_page(), open_page(), open_page()
    tours.sign_in(boss, "administrator")
    _set_up(boss)
    link = _invite(boss)
    _accept(clara, link)
    tours.sign_in(doctor, "referrer")
    _refer(doctor)
    clara.goto("/worklist")
    row = clara.locator("#worklist tbody tr").filter(has_text="Heidestein")
    row.get_by_role("button", name="Accept").click()
    expect(row).to_contain_text("Accepted")
    boss.goto("/administration/audit?who=clara@heather.example")
    book = boss.get_by_role("table")
    expect(book).to_contain_text("Accepted an invitation")
    expect(book).not_to_contain_text("Heidestein")
    clara.goto(re.sub(r"^https?://[^/]+", "", link))
    expect(clara.get_by_role("heading", level=1)).to_have_text("This link does not work any more")


def test_a_step_that_cannot_be_taken_lightly_is_explained_first(page: Page) -> None:
    """With the keyboard alone: open what it does, read, confirm; and take it back."""
    tours.sign_in(page, "administrator")
    page.goto("/administration/people?q=referrer.tall")
    page.get_by_role("link", name="Dr Crane Tallvik").click()
    opener = page.get_by_text("Close the account").first
    expect(page.get_by_role("button", name="Close the account")).to_be_hidden()
    opener.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Roles and history stay")).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_contain_text("This account is closed")
    page.get_by_role("button", name="Reopen the account").click()
    expect(page.get_by_role("main")).not_to_contain_text("This account is closed")
