"""A person without a mouse: Tab, arrows, Space, Enter and typing. Nothing is clicked or filled."""

from __future__ import annotations

from dataclasses import dataclass

from playwright.sync_api import Page

_MOST_TABS = 260
_FOCUSED = """() => {
  const one = document.activeElement;
  const words = (node) => (node ? node.innerText.replace(/\\s+/g, " ").trim() : "");
  const label = words(one.labels?.[0]) || one.getAttribute("aria-label") || words(one);
  return {
    label,
    group: words(one.closest("fieldset")?.querySelector("legend")),
    role: one.getAttribute("role") || one.type || one.localName,
    chosen: one.localName === "select" ? words(one.selectedOptions[0]) : "",
    checked: one.checked === true,
  };
}"""


@dataclass
class Keyboard:
    """The keyboard of one window. Counts what was pressed and typed, and how often one chose."""

    page: Page
    keys: int = 0  # Tab, arrows, Space, Enter
    letters: int = 0
    answers: int = 0  # boxes filled and choices made

    def press(self, key: str) -> None:
        """Press one key or combination."""
        self.page.keyboard.press(key)
        self.keys += 1

    def write(self, text: str) -> None:
        """Type into what has the focus."""
        self.page.keyboard.type(text)
        self.letters += len(text)

    def to(self, label: str, group: str = "") -> None:
        """Tab to the control that begins with this label, within a group of that legend."""
        for _ in range(_MOST_TABS):
            here = self.page.evaluate(_FOCUSED)
            if here["label"].startswith(label) and here["group"].startswith(group):
                return
            self.press("Tab")
        raise AssertionError(f"Tab does not lead to {group} {label}")

    def skip_to_content(self) -> None:
        """The first link of every page."""
        self.press("Tab")
        self.to("Skip to main content")
        self.press("Enter")

    def fill(self, label: str, text: str, group: str = "") -> None:
        """Type into a box."""
        self.to(label, group)
        self.write(text)
        self.answers += 1

    def date(self, label: str, iso: str) -> None:
        """Type a date into its three boxes."""
        year, month, day = iso.split("-")
        for part, text in (("Day", day), ("Month", month), ("Year", year)):
            self.to(part, label)
            self.write(text)
            self.press("Tab")
        self.answers += 1

    def choose(self, group: str, option: str) -> None:
        """Choose a radio button: Tab leads to the group, arrows go through it."""
        for _ in range(_MOST_TABS):
            here = self.page.evaluate(_FOCUSED)
            if here["role"] == "radio" and here["group"].startswith(group):
                break
            self.press("Tab")
        for _ in range(12):
            here = self.page.evaluate(_FOCUSED)
            if here["label"].startswith(option):
                break
            self.press("ArrowDown")
        if not self.page.evaluate(_FOCUSED)["checked"]:
            self.press("Space")
        here = self.page.evaluate(_FOCUSED)
        assert here["checked"], f"{group}: {option} could not be chosen, but {here}"
        assert here["label"].startswith(option), here
        self.answers += 1

    def select(self, label: str, option: str) -> None:
        """Choose from a list by typing how the option begins."""
        self.to(label)
        self.write(option)
        here = self.page.evaluate(_FOCUSED)
        assert here["chosen"].startswith(option), here
        self.answers += 1

    def find(self, label: str, typed: str, option: str) -> None:
        """Type part of a name into a box that suggests, and take the first suggestion."""
        self.to(label)
        self.write(typed)
        self.press("ArrowDown")
        self.press("Enter")
        value = self.page.evaluate("document.activeElement.value")
        assert value == option, value
        self.answers += 1
