"""Every page of every role, on a desk and on a telephone: nothing breaks, nothing sticks out, and
nothing stands in the way of people who cannot see well or use no mouse."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser import tours
from tests.browser.conftest import OpenPage

AXE = next((Path(__file__).parents[1] / "vendor").glob("axe-core-*/axe.min.js"))
# What the width of a window changes: the size of what is pressed, what scrolls, and what is hidden
# and then has no name any more. The other rules see the same page at any width; they are tried on a
# telephone for one page, with its menus open.
NARROW = ("target-size", "scrollable-region-focusable", "link-name", "button-name", "label",
          "aria-hidden-focus", "bypass", "link-in-text-block")  # fmt: skip
ALL = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
WIDTHS = {(1440, 900): ALL, (390, 844): NARROW}
# One call a width: the way to the browser and back takes longer than most of what is asked.
_FAULTS = """async ({ width, runOnly }) => {
  const wide = document.scrollingElement.scrollWidth;
  const found = wide > width ? [`the page is ${wide} px wide`] : [];
  const named = document.querySelectorAll("h1").length;
  if (named !== 1) found.push(`${named} first headings`);
  for (const frame of document.querySelectorAll(".app-scroll")) {
    const { right } = frame.getBoundingClientRect();
    for (const one of frame.querySelectorAll(".app-table :is(a, button, .app-tag)")) {
      const shown = one.getBoundingClientRect().right > right + 1 && one.checkVisibility();
      if (shown && !one.closest(".nhsuk-u-visually-hidden")) {
        found.push(`cut off: ${one.textContent.trim()}`);
      }
    }
  }
  const quick = { resultTypes: ["violations"], preload: false, iframes: false };
  const { violations } = await axe.run(document, { ...quick, runOnly });
  for (const { id, nodes } of violations.filter((one) => /serious|critical/.test(one.impact))) {
    found.push(...nodes.map((node) => `${id}: ${node.html.slice(0, 200)}`));
  }
  return found;
}"""
_AXE_IS_THERE = "typeof axe === 'object'"


def faults(page: Page, widths: Mapping[tuple[int, int], Sequence[str]] = WIDTHS) -> list[str]:
    """What is wrong with the page that is open, at each width; the width it has comes first."""
    if not page.evaluate(_AXE_IS_THERE):
        page.evaluate(AXE.read_text())
    found = []
    for size, rules in sorted(widths.items(), key=lambda one: _size_of(page) != one[0]):
        if _size_of(page) != size:
            page.set_viewport_size({"width": size[0], "height": size[1]})
        told = page.evaluate(_FAULTS, {"width": size[0], "runOnly": rules})
        found += [f"{size[0]} px: {text}" for text in told]
    return found


def _size_of(page: Page) -> tuple[int, int]:
    now = page.viewport_size
    assert now
    return now["width"], now["height"]


def look_at(page: Page, pages: tours.Found) -> None:
    """Open each of these pages and collect what is wrong with any of them."""
    page.context.add_init_script(path=AXE)
    found = []
    for name, address in pages.items():
        answer = page.goto(address)
        expected = int(name) if name.isdigit() else 200
        assert answer is not None
        assert answer.status == expected, name
        found += [f"{name}, {fault}" for fault in faults(page)]
    assert not found, "\n".join(found)


def test_the_first_page(page: Page) -> None:
    look_at(page, tours.anybody(page))


@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    ("role", "tour"), [pytest.param(role, tour, id=role) for role, tour in tours.TOURS.items()]
)
def test_every_page_of(page: Page, role: str, tour: Callable[[Page], tours.Found]) -> None:
    tours.sign_in(page, role)
    look_at(page, tour(page))


def test_menus_are_open_on_a_telephone(open_page: OpenPage) -> None:
    page = open_page(width=390, height=844)
    tours.sign_in(page, "coordinator")
    menus = page.locator("header details > summary")
    for number in range(menus.count()):
        menus.nth(number).click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    assert not faults(page, {(390, 844): ALL})


def test_a_refused_form_is_as_good_a_page(page: Page) -> None:
    tours.sign_in(page, "referrer")
    page.goto("/referrals/new")
    page.get_by_label("Day").fill("32")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("alert")).to_contain_text("There is a problem")
    assert not faults(page)


def test_the_check_before_sending(page: Page) -> None:
    tours.sign_in(page, "referrer")
    page.goto(tours.referrer(page)["referral form"])
    page.get_by_role("radio", name="Yes").first.check()
    page.get_by_role("button", name="Check and send").click()
    page.wait_for_url("**/check")
    assert not faults(page)


def test_what_waits_for_the_hospital_stands_first(page: Page) -> None:
    tours.sign_in(page, "referrer")
    to_do = page.locator("[data-label='To do now']").all_inner_texts()
    waits = [text != "Nothing" for text in to_do]
    assert waits == sorted(waits, reverse=True)
    assert any(waits)
    assert not all(waits)


def test_the_checker_sees_what_it_is_for(page: Page) -> None:
    page.goto("/sign-in")
    page.evaluate(
        """document.querySelector("main").insertAdjacentHTML("beforeend",
          '<h1></h1><img src="data:,"><button type="button"></button>'
          + '<div class="app-scroll"><table class="app-table"><tr><td>'
          + '<a href="/">' + "wide".repeat(400) + '</a></td></tr></table></div>')"""
    )
    found = "\n".join(faults(page))
    assert "1440 px: 2 first headings" in found
    assert "1440 px: image-alt" in found
    assert "390 px: button-name" in found
    assert "cut off" in found
    page.evaluate("document.querySelector('main').style.width = '1500px'")
    assert "the page is" in "\n".join(faults(page))


# -- without scripts ---------------------------------------------------------------------------


def test_a_referral_is_sent_and_accepted_without_scripts(open_page: OpenPage) -> None:
    page = open_page(java_script_enabled=False)
    tours.sign_in(page, "referrer")
    page.get_by_role("link", name="New referral").click()
    page.get_by_label("Family name").fill("Ohneskript")
    page.get_by_label("Given names").fill("Ada")
    born = page.get_by_role("group", name="Date of birth")
    for part, number in (("Day", "5"), ("Month", "6"), ("Year", "1970")):
        born.get_by_label(part).fill(number)
    page.get_by_role("radio", name="Female").check()
    page.locator("#consent_care").check()
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url("**/edit")
    # not the centre of this hospital's last referral, whatever was sent before
    asked = page.get_by_label("Centre you ask")
    tulip = asked.locator("option", has_text="Tulip NET Centre").first
    asked.select_option(value=tulip.get_attribute("value"))
    page.get_by_label("Question to the centre").select_option(label="Treatment options")
    page.get_by_label("The question in your words").fill("Which treatment should come first?")
    page.get_by_label("Primary site", exact=True).fill("C17.2 Ileum")
    page.get_by_label("Ki-67 (%)", exact=True).fill("4")
    page.get_by_role("button", name="Check and send").click()
    page.wait_for_url("**/check")
    expect(page.get_by_role("main")).to_contain_text("Ileum")
    page.get_by_role("button", name="Send to").click()
    expect(page.get_by_role("main")).to_contain_text("Sent to Tulip NET Centre")

    centre = open_page(java_script_enabled=False)
    tours.sign_in(centre, "coordinator")
    row = centre.locator("#worklist tbody tr").filter(has_text="Ohneskript")
    while not row.count():
        centre.get_by_role("link", name="Next").click()
    row.get_by_role("button", name="Accept").click()
    expect(row).to_contain_text("Accepted")
