"""Overall survival of a release: on the page, in the figure and in the table the same."""

from __future__ import annotations

import csv
import io

from registry.access import Role
from registry.db import db
from registry.people.models import Person
from registry.research.statistics import overall
from tests import make, make_research


def test_time_comes_from_days_then_months_then_as_stated() -> None:
    assert overall.months({"follow_up_days": "3044"}) == 3044 / 30.4375
    assert overall.months({"follow_up_days": "", "follow_up_months": "7"}) == 7
    stated = {"follow_up_days": "", "follow_up_interval": "2.5", "follow_up_unit": "years"}
    assert overall.months(stated) == 30
    assert overall.months({"follow_up_days": ""}) is None


def test_the_latest_grade_makes_the_group(app: object) -> None:
    rows = [
        {"patient_id": "A", "date_days": "0", "derived_category": "NET_G1"},
        {"patient_id": "A", "date_days": "90", "derived_category": "NET_G2"},
        {"patient_id": "A", "date_days": "95", "derived_category": ""},
    ]
    assert overall.groups_of("grade", [], rows) == {"A": "NET, grade 2"}
    ages = [
        {"patient_id": "A", "age_at_diagnosis": "90+"},
        {"patient_id": "B", "age_at_diagnosis": ""},
    ]
    assert overall.groups_of("age", ages, []) == {"A": "75+"}


def test_the_page_shows_the_numbers_of_the_figure(client) -> None:
    place, clara = make_research.office(), make_research.clinic()
    given = make_research.grant(place)
    for number, patient in enumerate(make_research.patients(6, by=clara)):
        make_research.entry(patient, "tumour", primary_site="C25.2", diagnosis_date="2020-01-01")
        make_research.entry(
            patient, "follow_up", date=f"202{number % 3}-07-01",
            vital_status="dead" if number < 3 else "alive",
        )  # fmt: skip
    release = make_research.made(given)
    make.sign_in(client, db.session.get_one(Person, given.researcher_id))
    url = f"/research/releases/{release.id}/analyses/survival"
    page = client.get(f"{url}?group=sex").text
    assert "6 patients, 3 events" in page
    figure = client.get(f"{url}.svg?group=sex")
    assert (figure.status_code, figure.mimetype) == (200, "image/svg+xml")
    table = list(csv.DictReader(io.StringIO(client.get(f"{url}.csv").text)))
    assert table[0]["at_risk"] == "6"
    assert table[0]["estimate"] == "1.000000"
    make_research.signed_in(client, place, Role.RESEARCHER, "Paul Pohl")
    for other in (url, f"{url}.svg", f"{url}.csv"):
        assert client.get(other).status_code == 404
