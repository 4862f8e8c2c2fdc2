"""The densest pages of the course by the keyboard alone: lesions in a table, and an agent."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser import tours
from tests.browser.conftest import OpenPage

_HERE = """() => {
  const one = document.activeElement, box = one.getBoundingClientRect();
  return [one.id || one.name || one.tagName, box.width > 0 && box.height > 0];
}"""
#: What is asked of each lesion, from left to right (issue C: lesions entered once).
ROW = ("label", "organ", "is_node", "role", "size_mm", "state", "treated_before")


def test_lesions_in_the_order_of_the_table_and_an_agent_before_its_kind(
    open_page: OpenPage,
) -> None:
    page = open_page()
    tours.sign_in(page, "clinician")
    chart = tours.links(page, "/patients", "/chart")[-1]
    page.goto(chart.replace("/chart", "/course/assessment/new?new=1"))
    page.locator("#s0-label").focus()
    stops = [f"s{row}-{name}" for row in range(5) for name in ROW]
    for stop in stops:
        assert page.evaluate(_HERE) == [stop, True]
        page.keyboard.press("Tab")
    page.keyboard.press("Tab")  # past Save
    assert page.evaluate(_HERE) == ["more", True]
    page.keyboard.press("Enter")
    expect(page.locator("#s5-label")).to_be_focused()  # where one goes on

    page.goto(chart.replace("/chart", "/course/therapy/new"))
    agent = page.locator("#agent")
    agent.focus()
    page.keyboard.press("Control+A")  # whatever was typed there before
    page.keyboard.type("lanreo")
    page.locator("[role=option]:visible").first.wait_for()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(agent).to_have_value("Lanreotide autogel")
    expect(page.locator("#therapy_class")).to_have_value("SSA")
    why = page.locator(".app-field:has([name=stop_reason])")
    page.locator("#stop-year").focus()
    page.keyboard.press("Delete")
    expect(why).to_be_hidden()  # asked once there is a stop
    page.keyboard.type("2024")
    page.keyboard.press("Tab")
    expect(why).to_be_visible()
