"""A whole meeting with three accounts at once, each in a browser of their own.

The chair opens it, the surgeon looks on and writes in another place, the referring doctor gets the
letter, acknowledges it and says that it was not followed.
"""

from __future__ import annotations

import time
from datetime import date, timedelta

import pytest
from playwright.sync_api import Page, expect

from registry.demo.network import STAFF
from tests.browser.conftest import OpenPage
from tests.browser.tours import sign_in

#: Who has to be there for the quorum of the demonstration's board.
QUORUM = ("Dr Heron", "Dr Kestrel", "Dr Merlin", "Dr Ibis", "Dr Stork")
PLAIN = "You get an injection every four weeks."


def come(chair: Page, name: str) -> None:
    """Somebody is there."""
    chair.locator("#people li", has_text=name).get_by_role("button", name="Is there").click()


def open_option(page: Page) -> None:
    """The first option is open; fill in its kind and agent."""
    page.locator("[name=o1-kind]").fill("Pathology review")
    page.locator("[name=o1-kind]").press("Tab")


@pytest.mark.timeout(300)
def test_a_meeting_from_the_first_arrival_to_not_followed(open_page: OpenPage) -> None:
    chair, surgeon, doctor = open_page(), open_page(), open_page()
    sign_in(chair, "chair")
    sign_in(surgeon, "surgeon")
    chair.goto("/boards")
    chair.locator("#coming th a").first.click()
    chair.get_by_role("button", name="Open the meeting").click()
    agenda = chair.url
    expect(chair.locator("[data-agenda] li")).to_have_count(8)

    # the quorum is reached with the last to come
    for name in QUORUM[:-1]:
        come(chair, name)
    expect(chair.locator("#people")).to_contain_text("No quorum")
    come(chair, QUORUM[-1])
    expect(chair.locator("#people .brd-quorum")).not_to_contain_text("No quorum")

    # what one types the other sees within two seconds, and neither writes over the other
    case = chair.locator(".brd-case__who a").first
    case.click()
    surgeon.goto(chair.url)
    chair.get_by_label("Discussion").fill("Slides and Ki-67 do not fit together.")
    began = time.monotonic()
    expect(surgeon.locator("#live")).to_contain_text("do not fit together", timeout=5000)
    assert time.monotonic() - began < 0.7 + 2  # the pause after the last key, then two seconds
    surgeon.get_by_label("Answer to the question").fill("Review first.")
    expect(chair.locator("#live")).to_contain_text("Review first.", timeout=5000)
    chair.get_by_label("Who sees to it").fill("The referring doctor")
    expect(chair.get_by_label("Answer to the question")).to_have_value("Review first.")

    # dissent, a changed grade, and the signature
    surgeon.locator("#dissent summary").click()
    surgeon.locator("#dissent [name=text]").fill("I would operate now.")
    surgeon.get_by_role("button", name="Record").click()
    expect(chair.locator("#live")).to_contain_text("I would operate now.", timeout=5000)
    open_option(chair)
    chair.get_by_text("The board sees grade, stage or diagnosis otherwise").click()
    chair.locator("[name=grade_to]").fill("G3")
    chair.locator("[name=grade_kind][value=correction]").check()
    chair.locator("[name=grade_why]").fill("Recounted in the meeting")
    chair.get_by_label("For the patient, in plain words").fill(PLAIN)
    against = chair.locator("[name=against_because]")
    against.fill("Nothing is begun before the review.")
    expect(chair.locator("[data-write-status]")).to_have_text("Saved", timeout=8000)
    chair.get_by_role("button", name="Sign: nothing can be changed").click()
    chair.wait_for_url("**/recommendations/*")
    recommendation = chair.url
    expect(chair.locator("#said")).to_contain_text("Dr Kestrel")
    expect(chair.locator("#said")).to_contain_text("Recounted in the meeting")
    expect(chair.locator("#letters")).to_contain_text("Dr ")

    # the next case is deferred, and the meeting ends
    chair.goto(agenda)
    chair.locator(".brd-case__who a").nth(1).click()
    chair.get_by_text("Defer the case").click()
    chair.locator("#defer-reason").select_option("images_missing")
    chair.get_by_role("button", name="Defer", exact=True).click()
    expect(chair.locator("#live")).to_contain_text("Images are missing")
    chair.goto(agenda)
    chair.get_by_role("button", name="Close the meeting").click()

    # the referring doctor acknowledges, and later says that it was not done
    sign_in(doctor, _account_of(chair, recommendation))
    doctor.goto(recommendation)
    doctor.get_by_role("button", name="Acknowledge the advice").click()
    expect(doctor.locator("#letters")).to_contain_text("Acknowledged")
    doctor.get_by_label("Not done").check()
    doctor.locator("[name=reason]").select_option("patient_wish")
    doctor.locator("#followed").get_by_role("button", name="Save").click()
    expect(doctor.locator("#followed")).to_contain_text("Not done")

    # figures: the meeting of the demonstration (2 of 2 signed) and this one (1 of 8, 1 deferred)
    until = date.today() + timedelta(days=8)  # the meeting to come was held before its day
    chair.goto(f"/boards/figures?until={until.isoformat()}")
    told = chair.locator("main").inner_text()
    assert "Meetings held\n2" in told
    assert "Cases\n10" in told
    assert "Images are missing (1)" in told
    assert "Grade (1)" in told


def _account_of(chair: Page, recommendation: str) -> str:
    """The account of the doctor the letter went to."""
    chair.goto(recommendation)
    row = chair.locator("#letters tr", has_text="Referring doctor").inner_text()
    found = next(one for one in STAFF if one.name in row)
    return found.email.removesuffix("@demo.example")
