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
from registry.research.statistics import network, partwise, told
from tests import make, make_research

PEOPLE = [UUID(int=number) for number in range(60)]


def tell(sets: list[set[UUID]]) -> list[Answer]:
    return [Answer(rules.rounded(len(one))) for one in sets]


def test_shares_are_in_steps_and_only_where_ten_are_followed() -> None:
    """Forty live ten years; twenty die in the second month. Of sixty two thirds are 70 of 100, as
    5 of 100 would be three people."""
    alive = dict.fromkeys(PEOPLE[:40], (3700, False))
    followed = alive | dict.fromkeys(PEOPLE[40:], (45, True))
    series = told.curve("", set(PEOPLE), followed, tell)
    assert [one["share"] for one in series["points"]] == [70] * 5
    assert {one["of"] for one in series["points"]} == {40}
    assert series["of"] == 60
    few = {one: (800 if one.int < 9 else 300, False) for one in PEOPLE[:30]}
    assert told.curve("", set(PEOPLE), few, tell)["points"] == []  # nine are followed a year
    assert told.curve("", set(), few, tell)["points"] == []


def test_no_step_is_fewer_than_five_people() -> None:
    """About 110 may be 105, of whom 5 of 100 are five; about ten may be five: half are fewer."""
    assert [told.step(number) for number in (10, 20, 30, 40, 60, 100, 110)] == [
        None, 50, 20, 20, 10, 10, 5,
    ]  # fmt: skip
    for number in range(10, 2000, 10):
        chosen = told.step(number)
        assert chosen is None or (number - 5) * chosen / 100 >= 5
    ten = dict.fromkeys(PEOPLE[:14], (3700, False)) | {PEOPLE[0]: (45, True)}
    assert told.curve("", set(PEOPLE), ten, tell)["points"] == []  # one of fourteen would be told


def test_a_small_group_is_not_given_away_by_the_others() -> None:
    """Sixty in all, of whom five are of one group: the smallest other goes with it, of two told
    as equal the first."""
    groups = {"a": set(PEOPLE[:30]), "b": set(PEOPLE[30:55]), "c": set(PEOPLE[55:])}
    kept = told.counts(set(PEOPLE), groups, tell)
    assert [one["code"] for one in kept] == ["b"]
    with_unknown = {"a": set(PEOPLE[:30]), "b": set(PEOPLE[30:45]), "c": set(PEOPLE[45:50])}
    kept = told.counts(set(PEOPLE), with_unknown, tell)  # ten of no group are told of too
    assert [one["code"] for one in kept] == ["a", "b"]


def test_who_went_on_to_what_gives_no_cell_away() -> None:
    """Of sixty, thirty of a go on to b and thirty have nothing else; of a second line of b ten go
    to a, three to c and seventeen to nothing. Three are not told, and one more of their row with
    them, else row and column would give them away."""
    own = {one: {1: "a", 2: "b"} for one in PEOPLE[:30]} | {one: {1: "a"} for one in PEOPLE[30:]}
    assert told.flow(1, own, tell) == [
        {"line": 1, "source": "a", "target": "b", "number": 30},
        {"line": 1, "source": "a", "target": "", "number": 30},
    ]
    own |= {one: {1: "a", 2: "b", 3: "a"} for one in PEOPLE[:10]}
    own |= {one: {1: "a", 2: "b", 3: "c"} for one in PEOPLE[10:13]}
    cells = told.flow(2, own, tell)
    assert [(one["target"], one["number"]) for one in cells] == [("", 20)]
    assert told.flow(3, own, tell) == []


def test_responses_markers_and_scales_are_told_like_shares() -> None:
    """Fifteen of sixty partial: 25 %, of which the step is ten (55 people, 5.5): 20, as Python
    rounds 2.5. Ten patients measured have no step that is five people."""
    best = dict.fromkeys(PEOPLE[:15], "PR") | dict.fromkeys(PEOPLE[15:], "SD")
    orr, dcr = told.rates("", set(PEOPLE), best, tell)["points"]
    assert (orr["at"], orr["of"], orr["share"], orr["step"]) == ("ORR", 60, 20, 10)
    assert (dcr["at"], dcr["share"], dcr["low"]) == ("DCR", 100, 90)  # exact: 94.04 from below
    measured = {0: dict.fromkeys(PEOPLE[:36], 1.5) | dict.fromkeys(PEOPLE[36:], 1.0),
                6: dict.fromkeys(PEOPLE[:10], 9.0)}  # fmt: skip
    above = {one["code"]: [(p["at"], p["share"]) for p in one["points"]]
             for one in told.above(measured, tell)}  # fmt: skip
    assert above == {"1": [("0", 60)], "2": [("0", 0)], "5": [("0", 0)], "10": [("0", 0)]}
    [scale] = told.means({0: {one: 40.0 + one.int % 2 * 12 for one in PEOPLE}}, tell)
    assert [(p["share"], p["low"], p["high"]) for p in scale["points"]] == [(50, 40, 50)]


def test_the_latest_of_each_window_is_kept() -> None:
    latest = partwise.Latest()
    latest.add(1, [(0.5, 3.0), (5.9, 2.0), (6.0, 9.0), (60.0, 7.0)])
    latest.add(0, [(2.0, 4.0)])
    found = latest.of(PEOPLE)
    assert found[0] == {PEOPLE[1]: 2.0, PEOPLE[0]: 4.0}
    assert (found[6], found[36]) == ({PEOPLE[1]: 9.0}, {})


def test_figures_are_made_once_and_not_again_for_one_more(client) -> None:
    place, clara = make_research.office(), make_research.clinic()
    assert network.make_when_due() is False  # nobody yet
    for number, patient in enumerate(make_research.patients(16, by=clara)):
        make_research.entry(patient, "tumour", diagnosis_date="2020-01-01", primary_site="C25.2")
        make_research.entry(patient, "therapy", start="2020-01-10", therapy_class="SSA",
                            agent="lanreotide_autogel", best_response="SD")  # fmt: skip
        make_research.entry(patient, "questionnaire", instrument="QLQ-C30", date="2020-08-01",
                            scores={"QL2": 50})  # fmt: skip
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
    assert "Patients with what the figure needs, about" in page
    assert "100 % at 24 months" in page
    assert len(make.selects(client, "/network/research-figures?group=sex")) == 2
    assert client.get("/network/research-figures.svg").data.startswith(b"<?xml")
    assert client.get("/network/research-figures.csv?group=sex").text.count("\n") == 3
    for what, said in (
        ("response", "DCR: 100 %"),
        ("flow", "No further line"),
        ("markers", "Nothing is told of"),
        ("quality_of_life", "50 at 6–12"),
    ):
        assert said in client.get(f"/network/research-figures?what={what}").text
    for what, status in (("flow", 200), ("markers", 404), ("quality_of_life", 200)):
        drawn = client.get(f"/network/research-figures.svg?what={what}")
        assert drawn.status_code == status, what
    assert "none,20" in client.get("/network/research-figures.csv?what=flow").text
    assert "Without next treatment" in client.get("/network/research-figures?what=ttnt").text
    assert client.get("/network/research-figures.exe").status_code == 404
    make.sign_in(client, make.person(place, Role.RESEARCHER, name="Rosa"))
    assert "The network in figures" in client.get("/research").text
    assert "90 % or more" in client.get("/variables").text
