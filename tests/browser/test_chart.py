"""The chart in a real browser: another period by keys and without scripts; two pages of paper."""

from __future__ import annotations

import io

from playwright.sync_api import Page
from pypdf import PdfReader

from config import Settings
from registry import create_app
from registry.db import db
from registry.people import queries as people
from tests import make
from tests.bench.ten_years import ten_years
from tests.browser import tours
from tests.browser.conftest import OpenPage
from tests.live import Live


def ten_years_at(live_server: Live) -> str:
    """The chart of a course of ten years at the demo clinician's centre."""
    app = create_app(
        Settings(
            database_url=live_server.database_url, instance=live_server.instance, secret_key="x"
        )
    )
    with app.app_context():
        doctor = people.person_by_email("clinician@demo.example")
        assert doctor is not None
        by = make.viewer(doctor)
        patient = make.patient(by, family_name="Tenyears")
        ten_years(patient, by)
        db.session.commit()
        address = f"/patients/{patient.id}/chart"
        db.engine.dispose()
    return address


def pages_of(page: Page) -> int:
    return len(PdfReader(io.BytesIO(page.pdf(prefer_css_page_size=True))).pages)


def test_ten_years_and_a_patient_of_the_demo_print_on_two_pages(
    open_page: OpenPage, live_server: Live
) -> None:
    page = open_page()
    tours.sign_in(page, "clinician")
    chart = tours.fullest(page, tours.links(page, "/patients", "/chart"))
    page.goto(chart)
    assert pages_of(page) <= 2
    page.goto(ten_years_at(live_server))
    assert pages_of(page) <= 2
    shown = page.locator(".app-timeline__period")
    whole = shown.inner_text()
    page.locator(".app-timeline__scroll").focus()
    page.keyboard.press("+")
    page.wait_for_url("**/chart?from=*")
    assert shown.inner_text() != whole
    page.keyboard.press("Home")
    page.wait_for_url(lambda url: "from=" not in url)
    assert shown.inner_text() == whole


def test_another_period_without_scripts(open_page: OpenPage) -> None:
    page = open_page(java_script_enabled=False)
    tours.sign_in(page, "clinician")
    page.goto(tours.fullest(page, tours.links(page, "/patients", "/chart")))
    whole = page.locator(".app-timeline__period").inner_text()
    page.get_by_role("link", name="Closer").click()
    assert "from=" in page.url
    assert page.locator(".app-timeline__period").inner_text() != whole
