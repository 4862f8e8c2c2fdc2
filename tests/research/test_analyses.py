"""Analyses of a release beside overall survival: lines, their times and responses, sequences."""

from __future__ import annotations

import contextlib
import csv
import io
import re
import warnings
from collections.abc import Collection
from pathlib import Path

import pytest
import sqlalchemy as sa

from registry.access import Role
from registry.audit import AuditEntry
from registry.db import db
from registry.people.models import Person
from registry.research.statistics import (
    answers,
    courses,
    modelled,
    overall,
    scripts,
    sequences,
    shown,
    timed,
    trajectories,
)
from registry.research.statistics.hazards import cox
from registry.research.statistics.survival import EVENT, Times
from registry.research.statistics.trajectories import Value
from tests import make, make_research


def therapy(name: str, start: int, agent: str, patient: str = "A", **other: str) -> dict[str, str]:
    return {"patient_id": patient, "therapy_id": name, "start_days": str(start), "agent": agent,
            "therapy_class": other.pop("kind", ""), **other}  # fmt: skip


def day(row: dict[str, str], days: int, patient: str = "A") -> dict[str, str]:
    return {"patient_id": patient, "date_days": str(days), **row}


#: Lanreotide from day 10, progression on day 400, everolimus from day 420, dead on day 900.
FILES = {
    "therapies.csv": [
        therapy("t1", 10, "lanreotide_autogel", kind="SSA", best_response="SD"),
        therapy("t2", 420, "everolimus", kind="targeted"),
    ],
    "progressions.csv": [
        day({"basis": "radiological"}, 400),
        day({"basis": "biochemical"}, 50),  # a marker alone is no progression
    ],
    "responses.csv": [
        day({"therapy_id": "t2", "response_stated": "PR"}, 500),
        day({"therapy_id": "t2", "derived_response": "SD"}, 600),
    ],
    "follow_up.csv": [
        day({"vital_status": "alive"}, 800),
        {**day({"vital_status": "dead"}, 900), "death_date_days": "900"},
    ],
}


def test_lines_have_the_times_the_endpoints_say() -> None:
    """outcomes.md, 2: PFS to progression or death, TTNT to the next line, counted in days."""
    first, second = courses.of_files(FILES)
    assert (first.number, first.classes, first.best) == (1, ("SSA",), "SD")
    assert (first.pfs.days, first.pfs.event) == (390, 1)
    assert (first.ttnt.days, first.ttnt.event) == (410, 1)
    assert (second.number, second.best) == (2, "PR")  # the best of the visits, not the last
    assert (second.pfs.days, second.pfs.event) == (480, 1)  # death
    assert second.ttp.event == 0  # death is no progression
    assert (second.ttnt.days, second.ttnt.event) == (480, 0)


def test_what_was_not_asked_for_is_not_what_did_not_happen() -> None:
    """Without the file of progressions nobody would ever progress: nothing is drawn then."""

    class Files:
        def columns(self, name: str) -> list[str]:
            return {"therapies.csv": ["start_days"], "follow_up.csv": ["date_shifted"]}.get(
                name, []
            )

        def rows(self, name: str) -> list[dict[str, str]]:
            return []

    assert shown.lacking(Files(), timed.NEEDS["pfs"]) == [
        "follow_up.csv: vital_status", "progressions.csv: date",
    ]  # fmt: skip
    assert "drugs alone" in courses.caution(Files())[0]


def test_shifted_dates_count_like_days() -> None:
    """The same course, its dates moved: the diagnosis on 2011-05-03, the line ten days later."""
    row = {"patient_id": "A", "start_shifted": "2011-05-13", "stop_shifted": "", "other": "x"}
    [found] = courses.unshifted([row], {"A": "2011-05-03"})
    assert (found["start_days"], "stop_days" in found) == ("10", False)
    [alone] = courses.unshifted([row], {})
    assert alone["start_days"].isdecimal()


@pytest.mark.parametrize(
    ("text", "group", "number"),
    [("49", "18-49", "49"), ("60-64", "50-64", "62"), ("60-69", "60-69", "65"),
     ("90+", "75+", "90"), ("70-79", "70-79", "75"), ("75-79", "75+", "77")],
)  # fmt: skip
def test_ages_come_as_years_or_as_bands(text: str, group: str, number: str) -> None:
    rows = [{"patient_id": "A", "age_at_diagnosis": text}]
    assert overall.groups_of("age", rows, []) == {"A": group}
    assert overall.age_as_number(text) == number


def test_surgery_opens_no_line_and_a_month_counts_as_its_middle() -> None:
    rows = [
        therapy("t1", 0, "surgery_primary", kind="surgery"),
        {"patient_id": "A", "therapy_id": "t2", "start_months": "2", "agent": "everolimus",
         "therapy_class": "targeted"},
    ]  # fmt: skip
    [line] = courses.of_files({"therapies.csv": rows})
    assert (line.number, line.start) == (1, "2000-03")
    assert line.pfs.event == 0
    assert courses.of_files({}) == []


@pytest.mark.parametrize(
    ("having", "of", "low", "high"),
    [  # Clopper and Pearson 1934, as R's binom.test prints them
        (5, 10, 0.1870860, 0.8129140),
        (0, 10, 0.0, 0.3084971),
        (10, 10, 0.6915029, 1.0),
        (1, 1, 0.025, 1.0),
    ],
)
def test_rates_are_exact(having: int, of: int, low: float, high: float) -> None:
    best = ["PR"] * having + ["PD"] * (of - having) + ["NE", ""]  # neither can be evaluated
    found = answers.rate(best, answers.OBJECTIVE)
    assert (found.having, found.of) == (having, of)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-7)
    assert answers.rate(["NE", ""], answers.OBJECTIVE).share is None
    assert answers.rate(["SD", "NON_CR_NON_PD", "PD"], answers.CONTROL).having == 2


def test_who_went_on_to_what_adds_up() -> None:
    lines = courses.of_files(
        {"therapies.csv": [
            *FILES["therapies.csv"],
            therapy("t3", 5, "everolimus", "B", kind="targeted"),
        ]}
    )  # fmt: skip
    went = sequences.steps(sequences.of_classes(lines))
    assert went == {
        (1, "SSA", "targeted"): 1, (2, "targeted", ""): 1, (1, "targeted", ""): 1,
    }  # fmt: skip


def test_a_window_has_the_latest_value_of_each_patient() -> None:
    values = [Value("A", 1, 4), Value("A", 5, 2), Value("B", 0, 1), Value("C", 5.9, 3),
              Value("A", 7, 9), Value("B", -1, 99)]  # fmt: skip
    assert trajectories.latest_in_windows(values) == [(0, [2, 1, 3])]  # one alone has no middle
    window = trajectories.middle(0, [2, 1, 3])
    assert (window.of, window.low, window.middle, window.high) == (3, 1.5, 2, 2.5)
    mean = trajectories.average(0, [40, 50, 60])  # t of 2 degrees of freedom: 4.303
    assert (mean.low, mean.high) == pytest.approx((50 - 24.84, 50 + 24.84), abs=0.01)


def test_a_landmark_counts_from_it() -> None:
    found = overall.curves(
        [overall.Subject("A", 2, EVENT), overall.Subject("B", 9, EVENT)], None, 3
    )
    assert found is not None
    assert [(one.key, one.months) for one in found.kept] == [("B", 6)]


def test_a_model_keeps_what_has_enough_events() -> None:
    """Six events of a and seven of b stay, c and d are one with theirs; where nearly all of those
    who have both are x, x says nothing and leaves the model; the most common is compared with."""
    group = ["a"] * 6 + ["b"] * 9 + ["c"] * 3 + ["d"] * 4
    events = [True] * 6 + [True] * 7 + [False] * 2 + [True] * 3 + [True] * 2 + [False] * 2
    whole = [True] * len(group)
    kept = modelled._without_rare(group, events, whole)
    assert kept == ["a"] * 6 + ["b"] * 9 + ["others"] * 7
    assert modelled._without_rare(["x"] * 21 + ["y"], events, whole) is None
    assert modelled._without_rare(["50", "", "61"], [True] * 3, [True, False, True]) is not None
    both = {"g": group, "h": ["x"] * 21 + ["y"], "age": [str(40 + i) for i in range(22)]}
    assert list(modelled._with_enough(both, events)) == ["g", "age"]
    model = cox(Times(tuple(float(i) for i in range(22)), tuple(map(int, events))), {"g": kept},
                {"g": "b"})  # fmt: skip
    rows = modelled.table(model).rows
    assert [(row[0], row[1]) for row in rows[:1]] == [("gb", "1 (reference)")]
    assert [row[0] for row in rows] == ["gb", "ga", "gothers"]
    assert [shown.p_value(one) for one in (0.2, 0.0123, 0.0004)] == ["0.2", "0.012", "< 0.001"]


def _redone(client, url: str, folder: Path, capsys, without: Collection[str]) -> None:
    """The script prints every number of the figure from its data, but for these columns."""
    name = url.rpartition("/")[2]
    (folder / f"{name}-data.csv").write_text(client.get(f"{url}.data").text, encoding="utf-8")
    with warnings.catch_warnings(), contextlib.chdir(folder):
        warnings.simplefilter("ignore")
        exec(compile(client.get(f"{url}.py").text, name, "exec"), {})
    printed = [float(one) for one in re.findall(r"-?\d+\.?\d*", capsys.readouterr().out)]
    for row in csv.DictReader(io.StringIO(client.get(f"{url}.csv").text)):
        for column, text in row.items():
            if column not in without and re.fullmatch(r"-?[0-9.]+", text):
                assert any(abs(one - float(text)) < 1e-4 for one in printed), (name, column, row)


def test_the_code_of_a_model_names_what_it_compares_with() -> None:
    code = scripts.survival("pfs", "PFS", grouped=False, times="0, 12", covariates=("age", "sex"),
                            references={"sex": 'a "b"'})  # fmt: skip
    assert 'relevel(factor(d$sex), ref = "a \\"b\\"")' in code["R"]
    assert "coxph(Surv(months, event == 1) ~ age + sex, data = d)" in code["R"]
    assert """levels = {'sex': 'a "b"'}""" in code["py"]
    compile(code["py"], "pfs.py", "exec")


def test_every_analysis_has_figure_table_data_and_code(
    client, tmp_path, capsys, monkeypatch
) -> None:
    monkeypatch.setenv("MPLBACKEND", "Agg")
    monkeypatch.setattr("matplotlib.pyplot.savefig", lambda *_given, **_more: None)
    place, clara = make_research.office(), make_research.clinic()
    given = make_research.grant(place)
    for number, patient in enumerate(make_research.patients(4, by=clara)):
        make_research.entry(patient, "tumour", primary_site="C25.2", diagnosis_date="2020-01-01")
        first = make_research.entry(patient, "therapy", therapy_class="SSA", start="2020-02-01",
                                    agent="lanreotide_autogel", best_response="PR")  # fmt: skip
        make_research.entry(patient, "therapy", therapy_class="targeted", start="2021-02-01",
                            agent="everolimus")  # fmt: skip
        make_research.entry(patient, "progression", date="2021-01-15", basis="radiological")
        make_research.entry(patient, "response", date=f"2020-0{5 + number}-01",
                            therapy_id=first.id, response_stated="PR")  # fmt: skip
        make_research.entry(patient, "follow_up", date="2022-01-01", vital_status="alive")
        make_research.entry(patient, "biomarker", analyte="CGB", value=30 + 2 * number,
                            upper_limit=10, date="2020-03-01")  # fmt: skip
        make_research.entry(patient, "questionnaire", instrument="QLQ-C30", date="2020-04-01",
                            scores={"QL2": 50 + number})  # fmt: skip
    release = make_research.made(given)
    make.sign_in(client, db.session.get_one(Person, given.researcher_id))
    url = f"/research/releases/{release.id}/analyses"
    for name, said, drawn in (
        ("survival", "4 patients, 0 events", False),
        ("pfs?line=1", "4 patients, 4 events, median 11.5 months", False),
        ("ttnt", "4 patients, 4 events, median 12.0 months", True),
        ("progression", "Progression: 4 patients, 4 events", False),
        ("response?group=line", "ORR, Line 1: 100 % (4/4)", True),
        ("flow", "4 with a first line, 4 with a second", True),
        ("lanes", "Therapies of 4 patients over time", True),
        ("markers", "Chromogranin B over time, from 3.3 at first", True),
        ("quality_of_life", "from 51.5 at first", False),
    ):
        page = client.get(f"{url}/{name}")
        assert page.status_code == 200
        assert said in page.text, name
        name, _mark, query = name.partition("?")
        if drawn:
            assert client.get(f"{url}/{name}.svg?{query}").data.startswith(b"<?xml")
        data = client.get(f"{url}/{name}.data?{query}").text
        assert len(list(csv.reader(io.StringIO(data)))) > 1
    assert len(make.selects(client, f"{url}/pfs?group=grade")) == 3
    for name, exactly in (
        ("ttnt", {}),
        ("progression", {"std_error", "ci_low", "ci_high"}),
        ("response", {"rate"}),
        ("flow", {}),
        ("quality_of_life", {"to_months"}),
    ):
        _redone(client, f"{url}/{name}", tmp_path, capsys, exactly)
    actions = set(db.session.scalars(sa.select(AuditEntry.action)))
    assert "analysed patients.csv" in actions
    assert not any(one.startswith("downloaded ") for one in actions)
    assert b"survfit" in client.get(f"{url}/pfs.R").data
    assert b"segments" in client.get(f"{url}/lanes.R").data
    for missing in ("pfs.exe", "other"):
        assert client.get(f"{url}/{missing}").status_code == 404
    make_research.signed_in(client, place, Role.RESEARCHER, "Paul Pohl")
    for other in ("pfs", "pfs.svg", "pfs.data"):
        assert client.get(f"{url}/{other}").status_code == 404
