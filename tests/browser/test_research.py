"""Research from the question to the next release, each person in a browser of their own.

A cohort is counted, its data are asked for, the committee asks and approves, a release is made and
downloaded, one consent is withdrawn, and the next release is without that patient and says so. A
researcher to whom nothing was approved finds nothing, on any page and by the command.
"""

from __future__ import annotations

import csv
import io
import re
import sqlite3
import subprocess
import sys
import zipfile
from datetime import date
from pathlib import Path
from uuid import UUID

from playwright.sync_api import Page, expect

from tests import make
from tests.browser.conftest import OpenPage
from tests.browser.tours import sign_in
from tests.live import ROOT, Live

PROJECT = "WOMEN-01"
VARIABLES = """patient.sex_at_birth: to describe them
tumour.diagnosis_date: where time begins
follow_up.vital_status: the event
follow_up.date: the time
questionnaire.date: curiosity"""
#: Opens an account of the office, tries the command with it, and prints both.
OTHER = f"""
from click.testing import CliRunner
import sqlalchemy as sa
from registry import create_app
from registry.access import Role
from registry.cli import main
from registry.db import db
from registry.people.models import Organisation
from tests import make
with create_app().app_context():
    office = db.session.scalar(sa.select(Organisation).where(Organisation.code == "NETWORK"))
    email = make.person(office, Role.RESEARCHER, name="Rosa Ruiz").email
    db.session.commit()
done = CliRunner().invoke(main, ["release", "make", "{PROJECT}", "--as", email])
print(email, done.exit_code, done.output)
"""


def count(page: Page) -> str:
    """A cohort of women, counted and saved. Gives its address."""
    sign_in(page, "researcher")
    page.goto("/research/cohorts")
    page.get_by_label("Name").fill("Women")
    page.get_by_role("button", name="Begin the cohort").click()
    page.get_by_role("combobox", name="Variable").fill("patient sex")  # found by typing a part
    page.get_by_role("button", name="Next").first.click()
    page.get_by_label("Female", exact=True).check()
    page.get_by_role("button", name="Add and count").click()
    told = page.get_by_role("status").filter(has_text="Patients:")
    expect(told).to_have_text(re.compile(r"about \d+0"))  # never an exact number
    page.get_by_role("button", name="Save as a version").click()
    expect(page.get_by_role("main")).to_contain_text("Version 1")
    return page.url


def ask_for_the_data(page: Page) -> str:
    """A request for the cohort, sent to the committee. Gives its address."""
    page.goto("/research/requests/new")
    page.get_by_label("Project code").fill(PROJECT)
    for label, text in (("Title", "Women"), ("Purpose", "How women fare"), ("Team", "Finch"),
                        ("Funding", "none"), ("What will be published", "An article"),
                        ("Variables, and why each is needed", VARIABLES)):  # fmt: skip
        page.get_by_label(label, exact=True).fill(text)
    page.get_by_label("Consent of the patients").check()
    page.get_by_label("Women (1)").check()
    page.get_by_label("Survival", exact=True).check()
    for part, number in (("day", 31), ("month", 12), ("year", date.today().year + 1)):
        page.locator(f"[name=until_date-{part}]").fill(str(number))
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("main")).to_contain_text("Not all seem to be needed")
    page.get_by_role("button", name="Send to the committee").click()
    expect(page.get_by_role("main")).to_contain_text("With the committee")
    return page.url


def step(page: Page, button: str, text: str = "") -> None:
    """Take a step of a request, with the words it needs."""
    form = page.locator("form.app-step-form").filter(has=page.get_by_role("button", name=button))
    if text:
        form.locator("textarea").fill(text)
    form.get_by_role("button", name=button, exact=True).click()
    page.wait_for_load_state()


def released(page: Page, folder: Path) -> tuple[str, list[str]]:
    """Make a release of the project and download it. Gives its address and its patients."""
    page.goto("/research")
    row = page.locator("#grants tbody tr").filter(has_text=PROJECT)
    row.get_by_role("button", name="Make a release").click()
    page.wait_for_url("**/research/releases/*")
    ready = page.get_by_role("link", name="Download all (ZIP)")
    ready.wait_for(timeout=60_000)
    with page.expect_download() as started:
        ready.click()
    path = folder / "release.zip"
    started.value.save_as(path)
    with zipfile.ZipFile(path) as archive:
        [name] = [one for one in archive.namelist() if one.endswith("/patients.csv")]
        rows = list(csv.DictReader(io.StringIO(archive.read(name).decode("utf-8-sig"))))
    assert {row["sex_at_birth"] for row in rows} == {"female"}
    return page.url, [row["patient_id"] for row in rows]


def a_woman(live: Live) -> str:
    """The id of a woman of the clinician's centre who agreed to research."""
    path = live.database_url.removeprefix("sqlite:///")
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
        [found] = database.execute(
            "select patient.id from patient"
            " join care_relation on care_relation.patient_id = patient.id"
            " join organisation on organisation.id = care_relation.organisation_id"
            " where organisation.code = 'NL-TULP' and care_relation.kind = 'treating'"
            " and care_relation.until_at is null"
            " and patient.sex_at_birth = 'female' and not patient.provisional"
            " and (select count(*) from consent where consent.patient_id = patient.id"
            "  and answer = 'yes' and ended_at is null"
            "  and purpose in ('registry', 'research_use')) = 2"
            " order by patient.id limit 1"
        ).fetchone()
    database.close()
    return str(UUID(str(found)))


def withdraw(page: Page, patient: str) -> None:
    """The patient's answer to research use is no from now on."""
    sign_in(page, "clinician")
    page.goto(f"/patients/{patient}/consent")
    page.locator("input[name=consent_research_use][value=no]").check()
    page.locator("main form[method=post]").get_by_role("button").last.click()
    page.wait_for_url(lambda url: "/consent" not in url)


def refuse_everything(page: Page, live: Live, addresses: list[str]) -> None:
    """A researcher to whom nothing was approved: refused at every address, and by the command."""
    tried = subprocess.run([sys.executable, "-c", OTHER], env=live.environment, cwd=ROOT,
                           capture_output=True, text=True, check=True)  # fmt: skip
    other, status, said = tried.stdout.split(maxsplit=2)
    assert int(status) != 0, said
    assert "grant" in said
    page.goto("/sign-in")
    page.get_by_label("E-mail").fill(other)
    page.get_by_label("Password").fill(make.PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(lambda url: "sign-in" not in url)
    for address in addresses:
        answer = page.request.get(address)
        assert answer.status == 404, address
        assert PROJECT not in answer.text()


def test_from_a_question_to_the_next_release(
    open_page: OpenPage, live_server: Live, tmp_path: Path
) -> None:
    researcher, committee, clinician, stranger = (open_page() for _ in range(4))
    cohort = count(researcher)
    asked = ask_for_the_data(researcher)

    sign_in(committee, "committee")
    committee.goto(asked)
    step(committee, "Ask a question", "Why the questionnaires?")
    researcher.reload()
    expect(researcher.get_by_role("main")).to_contain_text("Why the questionnaires?")
    step(researcher, "Answer", "They are not needed.")
    committee.reload()
    step(committee, "Vote for it")
    step(committee, "Approve", "For survival alone.")
    expect(committee.get_by_role("main")).to_contain_text("Approved")

    first, before = released(researcher, tmp_path)
    woman = a_woman(live_server)
    withdraw(clinician, woman)
    second, after = released(researcher, tmp_path)
    assert len(before) - len(after) == 1
    assert set(after) < set(before)
    diff = researcher.locator("#changes")
    expect(diff).to_contain_text(re.compile(r"used for care alone\s*1"))

    files = [f"{one}{part}" for one in (first, second) for part in
             ("", "/codebook", "/progress", "/files/patients.csv", "/files/manifest.json",
              "/analyses/survival", "/analyses/pfs.data", "/analyses/lanes.svg")]  # fmt: skip
    refuse_everything(
        stranger, live_server,
        [cohort, f"{cohort}/cohort.json", asked, f"{asked}/edit", *files],
    )  # fmt: skip
