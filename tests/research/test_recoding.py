"""Nobody stands alone in what leaves: rules, and somebody who knows who they look for."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from datetime import date

import numpy as np
import pyarrow as pa
import pytest
import sqlalchemy as sa

from registry.db import db, metadata, new_id
from registry.research import rules
from registry.research.models import Release
from registry.research.releases import columns, making, recoding, rendering
from registry.research.releases.cells import Cell, Cells
from registry.research.releases.measuring import Leaving, Measured
from registry.research.releases.recoding import AGE, COUNTRY, SEX, SITE, Known
from tests import make, make_research

#: Operations that are done on one organ alone.
ORGANS = {"SURG_SB": "C17", "SURG_PANC": "C25", "SURG_LUNG": "C34", "SURG_APPX": "C18"}
WEIGHTS = (40, 8, 20, 10, 12, 4, 5, 1)
SITES = ("C17.2", "C17.0", "C25.0", "C25.2", "C34.1", "C18.1", "C20.9", "C37.9")


def made_up(number: int, seed: int = 5) -> list[Known]:
    """Made-up patients; a few of them are rare in every way."""
    draw = random.Random(seed)
    return [
        Known(
            draw.choice(("female", "male")),
            draw.choices(("NL", "DE", "MT", ""), (60, 37, 1, 2))[0],
            str(min(90, int(draw.gauss(62, 13)))) if draw.random() > 0.03 else "",
            tuple(sorted(draw.choices(SITES, WEIGHTS, k=draw.choices((1, 2), (97, 3))[0]))),
        )
        for _one in range(number)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("age", "years", "group"),
    [("58", 5, "55-59"), ("55", 10, "50-59"), ("89", 5, "85-89"), ("90+", 5, "90+"),
     ("85", 20, "80+"), ("89", 10, "80-89"), ("58", 1, "58"), ("", 5, ""), ("4", 5, "0-4")],
)  # fmt: skip
def test_ages_are_grouped(age, years, group):
    assert recoding.band(age, years) == group


@pytest.mark.parametrize(
    ("site", "system"),
    [("C15.9", "C15-C26"), ("C26.9", "C15-C26"), ("C34.1", "C30-C39"), ("C37.9", "C30-C39"),
     ("C73.9", "C00-C80"), ("C80.9", "C00-C80"), ("C27.9", "C00-C80")],
)  # fmt: skip
def test_sites_have_an_organ_system(site, system):
    assert recoding.site_system(site) == system


@pytest.mark.parametrize(("number", "k"), [(5, 5), (23, 5), (400, 5), (400, 3), (3000, 10)])
def test_every_combination_that_leaves_is_shared_by_k(number, k):
    known = made_up(number)
    plan = recoding.plan(known, k, 1)
    told = Counter(plan.known(one, plan.level(at)) for at, one in enumerate(known))
    assert min(told.values()) >= k
    assert sum(told.values()) == number


def test_ages_are_grouped_no_wider_than_pays():
    common = [Known("female", "NL", str(age), ("C17.2",)) for age in range(40, 80)] * 5
    plan = recoding.plan(common, 5, 1)
    assert (plan.years, set(plan.levels)) == (1, {0})
    rare = [*common, *(Known("female", "NL", str(30 + one), ("C37.9",)) for one in range(40))]
    plan = recoding.plan(rare, 5, 1)
    # 40 of 240 have a site that 5 share at 5 years of age together: with single years all lose it
    assert plan.years == 5
    assert set(plan.levels) == {0}


def test_countries_of_few_become_one():
    known = [Known("male", "NL", "60", ("C17.2",))] * 20
    known += [Known("male", name, "60", ("C17.2",)) for name in ("MT", "MT", "LU", "IS", "LI")]
    plan = recoding.plan(known, 5, 5)
    assert plan.merged == {"MT", "LU", "IS", "LI"}
    assert plan.known(known[-1], plan.level(24)) == Known("male", "other", "60-64", ("C17.2",))


def test_the_same_patients_in_another_order_are_told_the_same():
    known = made_up(500)
    turned = list(reversed(known))
    one, other = recoding.plan(known, 5, 5), recoding.plan(turned, 5, 5)
    assert (one.years, one.merged) == (other.years, other.merged)
    assert list(one.levels) == list(reversed(other.levels))


def test_fewer_than_k_cannot_leave():
    with pytest.raises(recoding.TooFew):
        recoding.plan(made_up(4), 5, 5)
    assert recoding.plan(made_up(4), 1, 1).is_exact


def test_what_is_told_is_what_stands_in_the_cells():
    """The plan's combination of a patient and its cells are two ways to the same."""
    known = made_up(300)
    plan = recoding.plan(known, 5, 5)
    for at, one in enumerate(known):
        level = plan.level(at)
        told = plan.known(one, level)
        for place, before, after in (
            (SEX, one.sex, told.sex), (COUNTRY, one.country, told.country),
            (AGE, one.age, told.age),
        ):  # fmt: skip
            assert plan.cell(place, Cell(before), level).text == after
        cells = [plan.cell(SITE, Cell(site), level).text for site in one.sites]
        assert tuple(sorted(filter(None, cells))) == told.sites


def test_how_many_rows_have_no_site_tells_nobody_apart():
    """One tumour or two of which no site leaves: measured as the plan has it."""

    file = next(one for one in columns.files() if one.entity == "tumour")
    file = columns.only([file], ["tumour.primary_site"])[0]
    file = replace(file, columns=tuple(one for one in file.columns if one.variable))
    site = pa.array([None, None, None, "C25"]).dictionary_encode()
    tumours = rendering.Block(file, [Cells(site)], np.array([0, 1, 3, 4]))
    patients = rendering.Block(replace(file, columns=()), [], np.arange(4))
    found = rendering.told({"patient": patients, "tumour": tumours}, 3)
    assert [one.sites for one in found.known({})] == [(), (), ("C25",)]


def test_groups_and_the_different_values_in_each_are_counted_over_all_that_was_added():
    """Women with one value, men with two, of which one comes with the second batch."""
    place, rest = ("tumour", "functioning"), [(np.zeros(3, int), [""]), (np.zeros(3, int), [""])]
    sites = (np.array([0, 1, 1]), [("C25",), ("C17",)])
    measured = Measured()
    sexes = (np.array([0, 1, 0]), ["male", "female"])
    measured.add(
        Leaving([sexes, *rest, sites]), None, {place: (np.array([0, 0, 0]), ["no", "yes"])}
    )
    sexes = (np.array([0, 1, 1]), ["female", "male"])
    measured.add(
        Leaving([sexes, *rest, (np.array([0, 1, 0]), sites[1])]), None,
        {place: (np.array([1, 0, 1]), ["yes", "no"])},
    )  # fmt: skip
    # male C25: no, no; female C17: no; male C17: no, yes; female C25: no
    report = measured.report(recoding.Plan())
    assert (measured.k, report["groups"]) == (1, 4)
    told = report["l_diversity"]["tumour.functioning"]
    assert told == {"l_reached": 1, "groups_with_one_value": 3}
    assert Measured().k == 0


def _thousand(clinic):
    """1,000 patients with what somebody may know of them: (sex, born, site, month, country)."""
    draw, found = random.Random(11), []
    for one in range(1000):
        born, years = draw.randint(1925, 1990), draw.randint(20, 85)
        when = date(min(2023, born + years), draw.randint(1, 12), draw.randint(1, 28))
        sex = draw.choice(("female", "male"))
        site = draw.choices(SITES, WEIGHTS)[0]
        country = draw.choices(("NL", "DE", "MT"), (70, 29, 1))[0]
        found.append((sex, born, site, when, country, one))
    return found


def _operated(sources, people):
    """An operation on the organ of each patient who has one that is only done there."""
    of_site = {site: agent for agent, site in ORGANS.items()}
    rows = [
        {"id": new_id(), "patient_id": one, "therapy_class": "surgery",
         "agent": of_site.get(person[2][:3], "SURG_PRIM")}
        for one, person in zip(sources, people, strict=True)
    ]  # fmt: skip
    db.session.execute(sa.insert(metadata.tables["therapy"]), rows)


def _fits(row, sites, person):
    """May this row of the release be the person, for all somebody knows?"""
    sex, born, site, when, country, _one = person
    if row["sex_at_birth"] not in ("", sex) or row["country"] not in ("", country, "other"):
        return False
    system = "C15-C26" if "C15" <= site < "C27" else "C30-C39"  # the sites of these people
    if not {site, site[:3], system} & sites and any(sites):
        return False
    ages = (when.year - born - 1, when.year - born)
    low, _dash, high = row["age_at_diagnosis"].replace("+", "-200").partition("-")
    return not low or any(int(low) <= age <= int(high or low) for age in ages)


def test_who_knows_birth_year_sex_site_centre_and_month_finds_nobody_alone(app):
    clinic = make_research.clinic()
    people = _thousand(clinic)
    sources = make_research.many(people, clinic)
    _operated(sources, people)
    given = make_research.grant(make_research.office(), coarse=rules.USUAL)
    release = make_research.made(given)
    patients = make_research.rows(release, "patients.csv")
    tumours = make_research.rows(release, "tumours.csv")
    sites: dict[str, set[str]] = {row["patient_id"]: set() for row in patients}
    for row in tumours:
        sites[row["patient_id"]].add(row["primary_site"])
    for name, column in (("therapies.csv", "agent"), ("wide.csv", "first_agent")):
        for row in make_research.rows(release, name):  # what was operated on is a site
            organ, told = ORGANS.get(row[column], ""), sites[row["patient_id"]]
            if organ and not any(one.startswith(organ) for one in told):
                sites[row["patient_id"]] = {organ}
    assert len(patients) == len(sources) == 1000
    fewest = min(
        sum(_fits(row, sites[row["patient_id"]], person) for row in patients) for person in people
    )
    assert fewest >= 5
    report = release.manifest["disclosure"]
    assert report["k_approved"] == 5
    groups = Counter(
        (r["sex_at_birth"], r["country"], r["age_at_diagnosis"], *sorted(sites[r["patient_id"]]))
        for r in patients
    )
    assert report["k_reached"] == min(groups.values()) >= 5
    assert report["groups"] == len(groups)
    assert not {"age_at_diagnosis", "derived_age_at_diagnosis"} & tumours[0].keys()
    db.session.commit()


def test_the_rarest_share_what_is_told_whatever_the_number_of_their_tumours(app):
    """Five of whom nothing can be told: three have one tumour and two have two."""
    clinic = make_research.clinic()
    for number in range(5):
        rare = make.patient(
            clinic, sex_at_birth=("male", "female")[number % 2], birth_date=str(1930 + 15 * number),
            country=("MT", "LU", "IS", "LI", "AD")[number],
        )  # fmt: skip
        for site in SITES[number : number + 1 + number % 2]:
            make_research.entry(rare, "tumour", primary_site=site, diagnosis_date="2020-02-03")
    release = make_research.made(make_research.grant(make_research.office(), coarse=rules.USUAL))
    assert release.manifest["disclosure"]["k_reached"] == 5
    assert {row["primary_site"] for row in make_research.rows(release, "tumours.csv")} == {""}
    db.session.commit()


def test_too_few_patients_make_no_release_and_the_reason_is_said(app):
    make_research.patients(4)
    given = make_research.grant(make_research.office(), coarse=rules.USUAL)
    waiting = make_research.asked(given).id
    assert making.make(waiting).state == "failed"
    assert db.session.get_one(Release, waiting).error == "too_few"
    db.session.commit()


def test_shifted_dates_keep_the_days_between_and_hide_the_years(app):
    clinic = make_research.clinic()
    anna, bert = make.patient(clinic), make.patient(clinic)
    for patient in (anna, bert):
        make_research.entry(patient, "tumour", diagnosis_date="2019-05-06")
        make_research.entry(patient, "follow_up", date="2020-05-05", vital_status="alive")
    moved = rules.Coarse(smallest_group=1, age_band=1, times=rules.SHIFTED)
    office = make_research.office()
    release = make_research.made(make_research.grant(office, coarse=moved), ("parquet",))
    tumours = make_research.rows(release, "tumours.csv")
    seen = {row["patient_id"]: row for row in make_research.rows(release, "follow_up.csv")}
    starts = [date.fromisoformat(row["diagnosis_date_shifted"]) for row in tumours]
    for row, start in zip(tumours, starts, strict=True):
        end = date.fromisoformat(seen[row["patient_id"]]["date_shifted"])
        assert (end - start).days == 365  # 6 May 2019 to 5 May 2020
        assert 2100 <= start.year <= 2199
        assert "diagnosis_date_days" not in row
    assert starts[0] != starts[1]
    assert make_research.rows(release, "patients.csv")[0]["follow_up_days"] == "365"
    db.session.commit()
