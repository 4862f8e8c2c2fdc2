"""The network in figures: nothing of fewer than ten, and nothing told again for nearly the same."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa

from registry.access import Role
from registry.db import db, now
from registry.research import rules
from registry.research.cohorts.disclosure import Answer
from registry.research.models import NetworkFigures
from registry.research.statistics import network
from tests import make, make_research

PEOPLE = [UUID(int=number) for number in range(60)]


def tell(sets: list[set[UUID]]) -> list[Answer]:
    return [Answer(rules.rounded(len(one))) for one in sets]


def test_shares_are_in_steps_and_only_where_ten_are_followed() -> None:
    """Forty live ten years; twenty die in the second month. Of sixty two thirds are 70 of 100, as
    5 of 100 would be three people."""
    alive = dict.fromkeys(PEOPLE[:40], (3700, False))
    followed = alive | dict.fromkeys(PEOPLE[40:], (45, True))
    found = network.points(set(PEOPLE), followed, tell)
    assert [one["share"] for one in found] == [70] * 5
    assert {one["at_risk"] for one in found} == {40}
    few = {one: (800 if one.int < 9 else 300, False) for one in PEOPLE[:30]}
    assert network.points(set(PEOPLE), few, tell) == []  # nine are followed a year
    assert network.points(set(), few, tell) == []


def test_no_step_is_fewer_than_five_people() -> None:
    """About 110 may be 105, of whom 5 of 100 are five; about ten may be five: half are fewer."""
    assert [network.step(told) for told in (10, 20, 30, 40, 60, 100, 110)] == [
        None, 50, 20, 20, 10, 10, 5,
    ]  # fmt: skip
    for told in range(10, 2000, 10):
        chosen = network.step(told)
        assert chosen is None or (told - 5) * chosen / 100 >= 5
    ten = dict.fromkeys(PEOPLE[:14], (3700, False)) | {PEOPLE[0]: (45, True)}
    assert network.points(set(PEOPLE), ten, tell) == []  # one of fourteen would be told


def test_a_small_group_is_not_given_away_by_the_others() -> None:
    """Sixty in all, of whom five are of one group: the smallest other goes with it, of two told
    as equal the first."""
    groups = {"a": set(PEOPLE[:30]), "b": set(PEOPLE[30:55]), "c": set(PEOPLE[55:])}
    kept = network.counts(set(PEOPLE), groups, tell)
    assert [one["code"] for one in kept] == ["b"]
    with_unknown = {"a": set(PEOPLE[:30]), "b": set(PEOPLE[30:45]), "c": set(PEOPLE[45:50])}
    kept = network.counts(set(PEOPLE), with_unknown, tell)  # ten of no group are told of too
    assert [one["code"] for one in kept] == ["a", "b"]


def test_figures_are_made_once_and_not_again_for_one_more(client) -> None:
    place, clara = make_research.office(), make_research.clinic()
    assert network.make_when_due() is False  # nobody yet
    for number, patient in enumerate(make_research.patients(16, by=clara)):
        make_research.entry(patient, "tumour", diagnosis_date="2020-01-01", primary_site="C25.2")
        make_research.entry(patient, "therapy", start="2020-01-10", therapy_class="SSA",
                            agent="lanreotide_autogel", best_response="SD")  # fmt: skip
        make_research.entry(patient, "follow_up", date="2022-06-01",
                            vital_status="dead" if number < 2 else "alive")  # fmt: skip
    make_research.entry(patient, "tumour", laterality="left", error_at=now(), error_because="x",
                        error_by=clara.person_id)  # fmt: skip
    assert network.make_when_due() is True
    assert network.make_when_due() is False
    make_research.patients(1, "male", by=clara)
    kept = network.newest()
    assert kept is not None
    kept.looked_at -= timedelta(days=2)
    assert network.make_when_due() is False  # one more
    assert db.session.scalar(sa.select(sa.func.count()).select_from(NetworkFigures)) == 1
    assert [one["number"] for one in kept.content["tables"]["first_line"]] == [20]
    assert kept.content["tables"]["response"] == [{"code": "SD", "number": 20}]
    assert network.complete()["tumour.primary_site"] == 90  # of about 20
    assert "tumour.laterality" not in network.complete()  # entered in error
    make_research.signed_in(client, place, Role.REFERRER, "Alice Adler")
    page = client.get("/network/research-figures").text
    assert "about 20" in page
    assert "100 % at 24 months" in page
    assert len(make.selects(client, "/network/research-figures?group=sex")) == 2
    assert client.get("/network/research-figures.svg").data.startswith(b"<?xml")
    assert client.get("/network/research-figures.csv?group=sex").text.count("\n") == 3
    assert "Without next treatment" in client.get("/network/research-figures?what=ttnt").text
    assert client.get("/network/research-figures.exe").status_code == 404
    make.sign_in(client, make.person(place, Role.RESEARCHER, name="Rosa"))
    assert "The network in figures" in client.get("/research").text
    assert "90 % or more" in client.get("/variables").text
