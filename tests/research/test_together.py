"""Two releases of one project side by side: whoever has both finds nobody alone either."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date

import numpy as np
import pytest

from registry.db import db
from registry.research import rules
from registry.research.releases import columns, recoding
from registry.research.releases.cells import Cell
from registry.research.releases.earlier import Earlier, planned
from registry.research.releases.recoding import (
    NO_AGE,
    NO_COUNTRY,
    NO_SITE,
    SITE_GROUP,
    SITE_SYSTEM,
    Known,
    Plan,
)
from tests import make_research
from tests.research.test_recoding import made_up

#: What leaves where ages were not asked for, or sites and countries were not.
NO_AGES, NO_SITES = (0, 0, 5, 0), (0, 2, 0, 4)
Release = tuple[Sequence[int], Plan]  # who is in it, and how much less is told of each


def _fits(told: Known, true: Known, merged: frozenset[str]) -> bool:
    """May this row be of somebody of whom that is true?"""
    countries = ("", true.country, *(["other"] if true.country in merged else []))
    low, _dash, high = told.age.replace("+", "-200").partition("-")
    of_age = not true.age or not told.age or int(low) <= int(true.age) <= int(high or low)
    sites = [{site, site[:3], recoding.site_system(site)} for site in true.sites]
    there = not told.sites or all(some.intersection(told.sites) for some in sites)
    return told.sex in ("", true.sex) and told.country in countries and of_age and there


def _fewest(people: Sequence[Known], releases: Sequence[Release]) -> int:
    """How many fit whom somebody looks for at least: they know what is true of them, and from the
    day of diagnosis after which release they came. Of all rows they have with one pseudonym, all
    have to fit."""
    rows: dict[int, list[tuple[Known, frozenset[str]]]] = {}
    came: dict[int, int] = {}
    for number, (there, plan) in enumerate(releases):
        for at, one in enumerate(there):
            told = plan.known(people[one], plan.level(at))
            rows.setdefault(one, []).append((told, plan.merged))
            came.setdefault(one, number)
    return min(
        sum(
            came[other] == came[one]
            and all(_fits(told, people[one], merged) for told, merged in own)
            for other, own in rows.items()
        )
        for one in rows
    )


def _planned(
    people: Sequence[Known], there: Sequence[int], earlier: Sequence[Release], **how: object
) -> Plan:
    """The plan of a release of a project that has these others."""
    names = {one: f"{one:016}".encode() for one in range(len(people))}
    before = [
        Earlier(number, plan, np.array([names[one] for one in patients]))
        for number, (patients, plan) in enumerate(earlier)
    ]
    asked = Plan(**{"k": 5, "years": 5, **how})  # type: ignore[arg-type]
    known = [people[one] for one in there]
    if not before:
        return recoding.plan(known, asked.k, asked.years, asked.least)
    letters = np.array([list(names[one]) for one in there], np.uint8)
    return planned(known, asked, before, letters)[0]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({}, {}),
        ({"least": NO_AGES}, {"least": NO_SITES}),
        ({"least": NO_SITES}, {}),
        ({"years": 10}, {"years": 1}),
        ({"k": 10}, {"k": 5}),
    ],
)
def test_who_has_all_releases_of_a_project_finds_nobody_alone(first, second):
    """180 at first; then 30 have left and 40 have come, some of them rare in every way."""
    people = made_up(220, seed=3)
    one = list(range(180)), _planned(people, range(180), (), **first)
    there = list(range(30, 220))
    two = there, _planned(people, there, [one], **second)
    assert _fewest(people, [one, two]) >= 5
    again = [*range(20), *there[10:]]  # some have left, and some are back
    three = again, _planned(people, again, [one, two], **first)
    assert _fewest(people, [one, two, three]) >= 5
    # what this is about: each as if there were no other
    alone = there, _planned(people, there, (), **second)
    assert _fewest(people, [one, alone]) < 5


def test_who_left_does_not_stay_behind_alone():
    """Of ten women of whom a release told nothing more, one leaves: would all others be told more
    of, the tenth would be the only one of whom it was never said."""
    people = [Known("female", "NL", "60", ("C17.2",))] * 10 + [Known("male", "NL", "60", ())] * 10
    one = list(range(20)), _planned(people, range(20), (), least=(0, 2, 5, 4))
    there = list(range(1, 20))
    two = there, _planned(people, there, [one])
    assert _fewest(people, [one, two]) >= 5
    assert [set(two[1].levels[:9]), set(two[1].levels[9:])] != [{0}, {0}]


def test_the_same_patients_are_told_the_same_again():
    """The third release has what the second had, newcomers and all: the files are the same."""
    people = made_up(220, seed=23)
    one = list(range(180)), _planned(people, range(180), (), least=NO_SITES)
    there = list(range(20, 220))
    two = there, _planned(people, there, [one])
    three = there, _planned(people, there, [one, two])
    assert (three[1].levels, three[1].years) == (two[1].levels, two[1].years)
    kept = Plan.of(json.loads(json.dumps(two[1].as_json())))
    assert _planned(people, there, [one, (there, kept)]).levels == two[1].levels


def test_what_tells_the_site_is_measured_with_it():
    """A release without the site, but with what tells it, is as coarse as one that has it."""
    whole = columns.files()

    def least(*names: str) -> tuple[int, ...]:
        return recoding.least_of(columns.only(whole, names))

    assert least("patient.sex_at_birth") == (0, NO_COUNTRY, NO_AGE, NO_SITE)
    assert least("pathology.specimen_site")[-1] == 0
    assert least("therapy.agent")[-1] == SITE_GROUP  # an appendicectomy
    assert least("pathology.derived_category")[-1] == SITE_SYSTEM  # a carcinoid of the lung
    assert least("tumour.primary_site", "tumour.age_at_diagnosis")[2:] == (0, 0)
    people = [Known("male", "", "", ("C18.1",))] * 3 + [Known("male", "", "", ("C17.2",))] * 9
    told = recoding.plan(people, 5, 5, (0, NO_COUNTRY, NO_AGE, SITE_GROUP))
    cell = Cell("SURG_APPX")
    assert told.cell(("therapy", "agent"), cell, told.level(0)).why == rules.SMALL_GROUP
    assert told.cell(("therapy", "agent"), Cell("EVE"), told.level(0)).text == "EVE"


def test_fewer_than_k_who_are_new_wait_for_the_next_release(app):
    """Who knows that somebody was diagnosed since knows that they are among the new."""
    clinic, office = make_research.clinic(), make_research.office()
    given = make_research.grant(office, coarse=rules.USUAL)

    def come(number: int, first: int) -> None:
        alike = ("female", 1950, "C17.2", date(2020, 1, 1), "NL")
        make_research.many([(*alike, first + one) for one in range(number)], clinic)

    come(20, 0)
    one = make_research.made(given)
    assert one.manifest["made"]["with_earlier_releases"] is None
    come(4, 100)
    two = make_research.made(given)
    assert two.manifest["counts"]["patients"] == 20
    assert two.manifest["made"]["with_earlier_releases"] == {
        "releases": [1],
        "k_of_all": 20,
        "patients_in_smaller_groups": 0,
        "patients_who_left": 0,
        "few_new_held_back": True,
    }
    sums = [{file.name: file.sha256 for file in made.files} for made in (one, two)]
    assert {name for name in sums[0] if sums[0][name] == sums[1][name]} >= {
        "patients.csv", "tumours.csv", "codebook.csv", "README.txt", "disclosure.html",
    }  # fmt: skip
    come(1, 200)
    three = make_research.made(given)
    assert three.manifest["counts"]["patients"] == 25
    assert three.manifest["made"]["with_earlier_releases"]["k_of_all"] == 5
    db.session.commit()
