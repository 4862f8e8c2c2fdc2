"""A referring doctor who has never seen the product: from sign-in to a referral that was sent.

What a hand takes is counted with the keystroke-level model (Card, Moran and Newell, Communications
of the ACM 23, 1980: a key of an average typist 0.28 s, pointing 1.10 s, a click 0.20 s, moving the
hand 0.40 s, thinking before each 1.35 s), what the product takes is measured, and a page that is
seen for the first time is looked at for ten seconds. The limits are those of the product's plan:
five minutes and sixty fields.
"""

from __future__ import annotations

import re
import time
from pathlib import Path

from playwright.sync_api import Page, expect

from registry.demo import network
from tests import make_documents
from tests.browser.conftest import OpenPage
from tests.live import Live

KEY, POINT, CLICK, HAND, THINK, NEW_PAGE = 0.28, 1.10, 0.20, 0.40, 1.35, 10.0
FAMILY, GIVEN = "Vesterlund-Åkerblom", "Kerstin Margareta"
NUMBER, YEAR = "TV-5528190", "1957"
MOST_SECONDS, MOST_FIELDS = 300.0, 60


class Doctor:
    """Hands and eyes, counted."""

    def __init__(self, page: Page) -> None:
        self.page, self.fields, self.hand_seconds = page, 0, 0.0
        self.machine_seconds = 0.0

    def _did(self, keys: int = 0, *, pointed: bool = True) -> None:
        self.fields += 1
        self.hand_seconds += THINK + keys * KEY
        self.hand_seconds += POINT + CLICK + (2 * HAND if keys else 0) if pointed else 0.0

    def sees(self, address: str) -> None:
        """Wait for a page and look at it."""
        begun = time.perf_counter()
        self.page.wait_for_url(re.compile(address))
        self.page.wait_for_load_state()
        self.machine_seconds += time.perf_counter() - begun
        self.hand_seconds += NEW_PAGE

    def types(self, field: str, text: str) -> None:
        """Point at a box and type."""
        self.page.fill(f"#{field}", text)
        self._did(len(text))

    def dates(self, field: str, day: str, month: str, year: str) -> None:
        """Three boxes, from one to the next with Tab."""
        for part, text in (("day", day), ("month", month), ("year", year)):
            self.page.fill(f"#{field}-{part}", text)
            self._did(len(text) + 1, pointed=part == "day")

    def chooses(self, field: str, value: str) -> None:
        """One of a list, or one of a few circles."""
        box = self.page.locator(f"select#{field}")
        if box.count():
            box.select_option(value)
            self.hand_seconds += POINT + CLICK  # the list is opened first
        else:
            circle = self.page.locator(f'input[name="{field}"][value="{value}"]')
            self.page.locator(f'label[for="{circle.get_attribute("id")}"]').click()
        self._did()

    def finds(self, field: str, typed: str, value: str) -> None:
        """Type the beginning in a box that suggests, and take the suggestion."""
        self.page.fill(f"#{field}", typed)
        self.page.locator("[role=option]:visible", has_text=value).first.click()
        self._did(len(typed) + 1)

    def presses(self, name: str) -> None:
        """A button or link."""
        button = self.page.get_by_role("button", name=name, exact=True)
        button.or_(self.page.get_by_role("link", name=name, exact=True)).first.click()
        self._did()


def test_from_sign_in_to_sent(open_page: OpenPage, live_server: Live, tmp_path: Path) -> None:
    report = tmp_path / "Pathology report.pdf"
    report.write_bytes(make_documents.pdf(2))
    page = open_page()
    doctor = Doctor(page)
    begun = time.perf_counter()
    page.goto("/sign-in")
    doctor.hand_seconds += NEW_PAGE
    doctor.types("email", "referrer.heath@demo.example")
    doctor.types("password", network.PASSWORD)
    doctor.presses("Sign in")
    doctor.sees("/referrals$")
    doctor.presses("New referral")
    doctor.sees("/referrals/new$")
    doctor.types("family_name", FAMILY)
    doctor.types("given_names", GIVEN)
    doctor.dates("birth_date", "14", "9", YEAR)
    doctor.chooses("sex_at_birth", "female")
    doctor.types("hospital_number", NUMBER)
    for consent in ("care", "registry", "research_use"):
        doctor.chooses(f"consent_{consent}", "yes")
    doctor.presses("Continue")
    doctor.sees("/edit$")
    doctor.chooses("question", "treatment_options")
    doctor.chooses("urgency_stated", "soon")
    doctor.types("question_text", "Ileal NET with liver metastases, diarrhoea. What comes first?")
    doctor.chooses("follow_up__ecog", "1")
    doctor.finds("tumour__primary_site", "ileum", "C17.2")
    doctor.dates("tumour__diagnosis_date", "2", "10", "2026")
    doctor.chooses("pathology__differentiation", "well")
    doctor.types("pathology__ki67_percent", "4")
    doctor.types("pathology__mitoses_per_2mm2", "2")
    doctor.chooses("pathology__grade_stated", "G2")
    doctor.chooses("staging__t", "T3")
    doctor.chooses("staging__n", "N1")
    doctor.chooses("staging__m", "M1")
    doctor.chooses("staging__mets_liver", "yes")
    doctor.chooses("imaging__0__modality", "PET_68GA_DOTATOC")
    doctor.dates("imaging__0__date", "20", "10", "2026")
    doctor.chooses("imaging__0__krenning", "4")
    doctor.chooses("tumour__functioning", "yes")
    doctor.chooses("tumour__syndrome", "carcinoid")
    doctor.chooses("biomarker__0__analyte", "HIAA_U24_MOL")
    doctor.types("biomarker__0__value", "310")
    doctor.chooses("treated", "no")
    page.set_input_files("#upload", str(report))
    doctor._did(0)
    expect(page.locator("[data-files]")).to_contain_text("Pathology report.pdf", timeout=20_000)
    doctor.presses("Check and send")
    doctor.sees("/check$")
    doctor.presses("Send to Tulip NET Centre (synthetic)")
    doctor.sees("/referrals/[0-9a-f-]+$")
    expect(page.locator("main")).to_contain_text("Pathology report.pdf")
    machine = time.perf_counter() - begun
    seconds = doctor.hand_seconds + machine
    print(f"{doctor.fields} fields, {seconds:.0f} s, of which the machine {machine:.0f} s")
    assert doctor.fields < MOST_FIELDS
    assert seconds < MOST_SECONDS
