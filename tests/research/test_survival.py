"""Survival statistics against what R's `survival` and the papers print, and exact fractions."""

from __future__ import annotations

import json
from fractions import Fraction
from math import exp, log, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.cli import main
from registry.research.statistics import analyses, tables
from registry.research.statistics.hazards import NoModel, cox
from registry.research.statistics.survival import (
    CENSORED,
    COMPETING,
    EVENT,
    Times,
    cumulative_incidence,
    interval,
    kaplan_meier,
    log_rank,
)

DATA = Path(__file__).parents[1] / "data" / "survival"


def textbook(name: str, **named: object) -> tables.Followed:
    return tables.followed(tables.read(DATA / f"{name}.csv"), tables.Named(**named))  # type: ignore[arg-type]


def lung(**named: object) -> tables.Followed:
    return textbook("lung", time="time", event="status", event_value="2", **named)


def test_kaplan_meier_of_lung_is_that_of_r() -> None:
    """print(survfit(Surv(time, status) ~ 1, lung)): 228, 165 events, median 310 (285, 363)."""
    curve = kaplan_meier(lung().times)
    assert (curve.n, curve.total, curve.median()) == (228, 165, 310)
    assert curve.median_interval() == (285, 363)


@pytest.mark.parametrize(
    ("time", "risk", "estimate", "error", "low", "high"),
    [  # summary(survfit(Surv(time, status) ~ 1, lung), times = …)
        (5, 228, 0.9956, 0.00438, 0.9871, 1.000),
        (11, 227, 0.9825, 0.00869, 0.9656, 1.000),
        (90, 201, 0.8816, 0.0214, 0.8406, 0.925),
        (883, 4, 0.0503, 0.0228, 0.0207, 0.123),
    ],
)  # fmt: skip
def test_points_of_lung_are_those_of_r(
    time: int, risk: int, estimate: float, error: float, low: float, high: float
) -> None:
    point = kaplan_meier(lung().times).at(time)
    assert point.at_risk == risk
    assert point.estimate == pytest.approx(estimate, abs=5e-5)
    assert point.std_error == pytest.approx(error, abs=5e-5)
    assert point.ci_low == pytest.approx(low, abs=5e-4)
    assert point.ci_high == pytest.approx(high, abs=5e-4)


def exact(times: Times) -> dict[float, tuple[Fraction, Fraction]]:
    """Survival and Greenwood's sum at each time, from the definition, in fractions."""
    left, total, found = Fraction(1), Fraction(0), {}
    for time in sorted(set(times.durations)):
        here = [k for t, k in zip(times.durations, times.kinds, strict=True) if t == time]
        risk, died = sum(t >= time for t in times.durations), here.count(EVENT)
        left *= 1 - Fraction(died, risk)
        total += Fraction(died, risk * (risk - died)) if died < risk else 0
        found[time] = left, total
    return found


@pytest.mark.parametrize("name", ["lung", "veteran", "mgus2", "gehan_6mp"])
def test_estimate_and_greenwood_are_exact(name: str) -> None:
    times = {
        "lung": lung,
        "veteran": lambda: textbook("veteran", time="time", event="status"),
        "mgus2": lambda: textbook("mgus2", time="futime", event="death"),
        "gehan_6mp": lambda: textbook("gehan_6mp", time="t", event="e"),
    }[name]().times
    curve = kaplan_meier(times)
    for time, (left, total) in exact(times).items():
        point = curve.at(time)
        assert point.estimate == pytest.approx(float(left), abs=1e-9)
        if left:
            assert point.std_error == pytest.approx(float(left) * sqrt(total), abs=1e-9)


def test_six_mp_of_freireich() -> None:
    """Kaplan–Meier and log-rank as published: 0.857 … 0.448, and 16.79."""
    found = textbook("gehan_6mp", time="t", event="e", group="g").times
    curve = kaplan_meier(found.of("6-MP"))
    published = [0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448]
    assert [round(p.estimate or 0, 3) for p in curve.points()] == published
    tested = log_rank(found)
    assert tested is not None
    assert tested.chi2 == pytest.approx(16.79, abs=0.005)
    assert kaplan_meier(found.of("placebo")).at(23).estimate == 0


def test_log_rank_of_veterans_by_cell_type() -> None:
    """survdiff(Surv(time, status) ~ celltype, veteran): 25.4 on 3 degrees of freedom, 1e-05."""
    tested = log_rank(textbook("veteran", time="time", event="status", group="celltype").times)
    assert tested is not None
    assert (round(tested.chi2, 1), tested.df) == (25.4, 3)
    assert tested.p == pytest.approx(1.271e-05, rel=1e-3)


@pytest.mark.parametrize(
    ("file", "term", "beta", "error"),
    [  # coxph of the documentation; ties by Efron
        ("lung", "age", 0.011067, 0.009267),
        ("lung", "sex", -0.552612, 0.167739),
        ("lung", "ph.ecog", 0.463728, 0.113577),
        ("veteran", "trt", 0.2946, 0.2075),
        ("veteran", "karno", -0.03282, 0.005508),
        ("veteran", "celltypesquamous", -1.1961, 0.3009),
        ("veteran", "prior", 0.007159, 0.02323),
    ],
)
def test_cox_is_that_of_r(file: str, term: str, beta: float, error: float) -> None:
    names = {
        "lung": ("age", "sex", "ph.ecog"),
        "veteran": ("trt", "celltype", "karno", "diagtime", "age", "prior"),
    }[file]
    value = {"lung": "2", "veteran": "1"}[file]
    found = textbook(file, time="time", event="status", event_value=value, covariates=names)
    fitted = {one.term: one for one in cox(found.times, found.covariates).terms}
    assert fitted[term].coefficient == pytest.approx(beta, abs=1e-4)
    assert fitted[term].std_error == pytest.approx(error, abs=1e-4)


def efron(frame: list[tuple[float, int, list[float]]], beta: list[float]) -> tuple[Any, Any]:
    """Score and information of Cox's partial likelihood with Efron's ties, from the definition."""
    x = np.array([row for _t, _d, row in frame])
    times, died = np.array([t for t, _d, _x in frame]), np.array([d for _t, d, _x in frame])
    weight = np.exp(x @ beta)
    score, information = np.zeros(len(beta)), np.zeros((len(beta), len(beta)))
    for time in np.unique(times[died == 1]):
        here, risk = (times == time) & (died == 1), times >= time
        for place in range(here.sum()):
            w = np.where(risk, weight, 0) - np.where(here, weight, 0) * place / here.sum()
            mean = (w @ x) / w.sum()
            information += (x * w[:, None]).T @ x / w.sum() - np.outer(mean, mean)
            score -= mean
        score += x[here].sum(axis=0)
    return score, information


@pytest.mark.parametrize(
    ("file", "named", "numbers", "levels"),
    [
        ("lung", {"time": "time", "event": "status", "event_value": "2"}, ["age", "wt.loss"], {}),
        ("veteran", {"time": "time", "event": "status"}, ["karno"],
         {"celltype": ["large", "smallcell", "squamous"]}),
        ("mgus2", {"time": "futime", "event": "death"}, ["age", "mspike"], {"sex": ["M"]}),
        ("gehan_6mp", {"time": "t", "event": "e"}, [], {"g": ["placebo"]}),
    ],
)  # fmt: skip
def test_cox_is_where_the_likelihood_of_efron_is_highest(
    file: str, named: dict[str, str], numbers: list[str], levels: dict[str, list[str]]
) -> None:
    """On every set: the score is nothing there, and the errors are those of the information."""
    found = textbook(file, **named, covariates=(*numbers, *levels))
    model = cox(found.times, found.covariates)
    terms = [(name, "") for name in numbers] + [
        (n, one) for n, some in levels.items() for one in some
    ]
    assert [one.term for one in model.terms] == [name + level for name, level in terms]
    frame = []
    for i, (time, kind) in enumerate(zip(found.times.durations, found.times.kinds, strict=True)):
        texts = [(found.covariates[name][i], level) for name, level in terms]
        if all(text for text, _level in texts):
            row = [float(text == level) if level else float(text) for text, level in texts]
            frame.append((time, int(kind == EVENT), row))
    score, information = efron(frame, [one.coefficient for one in model.terms])
    errors = np.sqrt(np.diag(np.linalg.inv(information)))
    assert np.abs(score * errors).max() < 1e-5  # in errors, from the top of the likelihood
    assert [one.std_error for one in model.terms] == pytest.approx(list(errors), rel=1e-6)


def log_rank_from_the_definition(times: Times) -> float:
    """Chi² of observed less expected, with the hypergeometric variance."""
    names = times.names()[:-1]
    rows = list(zip(times.durations, times.kinds, times.groups or (), strict=True))
    apart, variance = np.zeros(len(names)), np.zeros((len(names), len(names)))
    for time in sorted({t for t, k, _g in rows if k == EVENT}):
        risk = [(t, k, g) for t, k, g in rows if t >= time]
        n, d = len(risk), sum(t == time and k == EVENT for t, k, _g in risk)
        of = np.array([sum(g == name for _t, _k, g in risk) for name in names]) / n
        apart += [sum(t == time and k == EVENT and g == name for t, k, g in risk) for name in names]
        apart -= of * d
        if n > 1:
            variance += (np.diag(of) - np.outer(of, of)) * d * (n - d) / (n - 1)
    return float(apart @ np.linalg.solve(variance, apart))


@pytest.mark.parametrize(
    ("file", "named"),
    [
        ("lung", {"time": "time", "event": "status", "event_value": "2", "group": "ph.ecog"}),
        ("veteran", {"time": "time", "event": "status", "group": "celltype"}),
        ("mgus2", {"time": "futime", "event": "death", "group": "sex"}),
        ("gehan_6mp", {"time": "t", "event": "e", "group": "g"}),
    ],
)
def test_log_rank_is_exact_on_every_set(file: str, named: dict[str, str]) -> None:
    times = textbook(file, **named).times
    tested = log_rank(times)
    assert tested is not None
    assert tested.chi2 == pytest.approx(log_rank_from_the_definition(times), abs=1e-6)
    assert tested.df == len(times.names()) - 1


def test_a_group_that_left_before_the_first_event_is_no_degree_of_freedom() -> None:
    """R's survdiff: degrees of freedom count groups in which an event was to be expected."""
    gone = Times((1.0, 1.0, 3.0, 4.0, 5.0, 6.0), (CENSORED, CENSORED, EVENT, EVENT, EVENT, EVENT),
                 ("c", "c", "a", "b", "a", "b"))  # fmt: skip
    tested = log_rank(gone)
    assert tested is not None
    assert tested.df == 1
    kept = log_rank(gone.only([False, False, True, True, True, True]))
    assert kept is not None
    assert tested.chi2 == pytest.approx(kept.chi2)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.sampled_from([CENSORED, EVENT])), min_size=1))
def test_any_data_with_ties_and_times_of_zero(data: list[tuple[int, int]]) -> None:
    """Whatever is followed, all censored and all gone on the first day too: exact fractions."""
    times = Times(tuple(float(t) for t, _k in data), tuple(k for _t, k in data))
    curve = kaplan_meier(times)
    for time, (left, total) in exact(times).items():
        point = curve.at(time)
        assert point.at_risk == sum(t >= time for t, _k in data)
        assert point.estimate == pytest.approx(float(left), abs=1e-9)
        if left:
            assert point.std_error == pytest.approx(float(left) * sqrt(total), abs=1e-9)
    beyond = curve.at(10)
    assert beyond.estimate == (0 if exact(times)[max(times.durations)][0] == 0 else None)


def test_who_lacks_a_covariate_is_left_out_of_the_model_alone() -> None:
    """summary(coxph(…, lung)): n = 227, 164 events; one ECOG is missing."""
    found = lung(covariates=("ph.ecog",))
    model = cox(found.times, found.covariates)
    assert (model.n, model.events, len(found.times.kinds)) == (227, 164, 228)


def test_a_model_of_nothing_is_refused() -> None:
    alike = Times((1.0, 2.0, 3.0), (EVENT, EVENT, EVENT))
    with pytest.raises(NoModel, match="same for everybody"):
        cox(alike, {"sex": ["1", "1", "1"]})


#: In one level nobody has the event, so that its coefficient has no end.
BY_KI67 = """days,dead,ki67,age
5,1,<5,61\n8,0,5-20,50\n9,1,5-20,70\n12,1,>20,66\n14,0,<5,44\n15,1,5-20,58\n18,0,none,49
21,1,<5,73\n22,0,>20,52\n25,1,>20,80\n30,0,none,60\n31,0,<5,47\n33,1,5-20,55\n40,0,none,62
"""


def test_a_level_without_events_leaves_the_other_coefficients_as_they_are(tmp_path: Path) -> None:
    """R 4.2.2: coxph(Surv(days, dead) ~ ki67 + age) prints these, warns that the third may be
    infinite, and sorts the levels as <5, >20, 5-20, none."""
    file = written(tmp_path, BY_KI67)
    named = tables.Named(time="days", event="dead", covariates=("ki67", "age"))
    found = tables.followed(tables.read(Path(file)), named)
    model = cox(found.modelled, found.covariates)
    assert [(one.term, one.infinite) for one in model.terms] == [
        ("ki67>20", False), ("ki675-20", False), ("ki67none", True), ("age", False),
    ]  # fmt: skip
    assert model.references == {"ki67": "<5"}
    for term, beta, error in zip(
        model.terms, (-0.87209909, 0.43877101, -20.768090, 0.07808408),
        (1.15245776, 1.10005228, 18285.682, 0.04946392), strict=True,
    ):  # fmt: skip
        assert (term.coefficient, term.std_error) == (
            pytest.approx(beta, rel=1e-6), pytest.approx(error, rel=1e-4),
        )  # fmt: skip
    assert model.terms[2].hazard_ratio is model.terms[2].proportional_p is None
    assert model.terms[3].proportional_p == pytest.approx(0.38359298, abs=1e-6)
    assert model.log_likelihood == pytest.approx(-9.51877971881, abs=1e-8)


def test_a_model_in_which_nothing_ends_is_refused(tmp_path: Path) -> None:
    """Who is older dies first, whoever is compared: R runs out of iterations."""
    times = Times((1.0, 2.0, 3.0, 4.0), (EVENT,) * 4)
    with pytest.raises(NoModel, match="converge"):
        cox(times, {"age": ["80", "70", "60", "50"]})


def test_what_differs_only_before_the_first_event_is_left_out() -> None:
    """R 4.2.2: coxph(Surv(t, e) ~ sex + x) gives sexM none, x -0.6931472 and 1.2247449."""
    times = Times((1.0, 2.0, 3.0, 4.0, 5.0, 6.0), (0, 0, 1, 0, 1, 0))
    model = cox(times, {"sex": ["F", "F", "M", "M", "M", "M"], "x": ["9", "2", "1", "2", "3", "2"]})
    assert (model.n, model.left_out, [one.term for one in model.terms]) == (6, ("sexM",), ["x"])
    assert model.terms[0].coefficient == pytest.approx(-0.6931471806, abs=1e-6)
    assert model.terms[0].std_error == pytest.approx(1.224744871, abs=1e-6)


@pytest.mark.parametrize(
    ("text", "arguments", "said"),
    [
        ("days;dead\n1,5;1\n2,5;0\n", (), '"time": 1.5'),
        ("\ufeffdays\tdead \n1.5\t1\n2.5\t0\n", (), '"time": 1.5'),
        ("days,dead,days\n1.5,1,9\n2.5,0,9\n", (), '"time": 1.5'),  # the first, as in R
        ('days,dead,"a,b"\n3,1,1\n4,1,3\n5,0,2\n6,1,1\n', ("--covariates", '"a,b"'), '"a,b"'),
        ("days,dead,__time\n3,1,1\n4,1,3\n5,0,2\n6,1,2\n", ("--covariates", "__time"), '"n": 4'),
        ("days,dead,c\n1,1,no\n2,0,yes\n", ("--competing", "c"), "--competing-value"),
        ("days,dead\n1,1\n2,2\n3,0\n", ("--competing", "dead"), "--competing-value"),
        ("days,dead\n1,2\n2,2\n", (), "--event-value 2"),
        ("days,dead\n1,yes\n2,no\n", (), "no, yes"),
        ("days,dead\n1_0,1\n2,0\n", (), "no number (1_0)"),
        ("days,dead\n2020-01-01,1\n2,0\n", (), "no number (2020-01-01)"),
        ("days,dead\n-1,1\n2,0\n", (), "below 0 (-1)"),
        ("days,dead\n1,1\n2,0\n", ("--figure", "/nowhere/a.svg"), "No such file"),
    ],
)  # fmt: skip
def test_files_as_they_come(tmp_path: Path, text: str, arguments: tuple[str, ...], said) -> None:
    """Of spreadsheets and with odd columns they are read; else one line says what to do."""
    code, printed = run(written(tmp_path, text), *BASE, *arguments)
    assert said in printed
    assert code == (0 if printed.startswith("{") else 2)
    assert printed.count("\n") == 1


def test_cumulative_incidence_adds_up_from_the_definition() -> None:
    """Progression and death without it in mgus2, exactly; 1 − Kaplan–Meier would be more."""
    times = textbook("mgus2", time="ptime", event="pstat", competing="death").times
    curve = cumulative_incidence(times)
    free, reached, expected = Fraction(1), Fraction(0), {}
    for time in sorted(set(times.durations)):
        here = [k for t, k in zip(times.durations, times.kinds, strict=True) if t == time]
        risk = sum(t >= time for t in times.durations)
        reached += free * Fraction(here.count(EVENT), risk)
        free *= 1 - Fraction(here.count(EVENT) + here.count(COMPETING), risk)
        expected[time] = float(reached)
    assert (curve.n, curve.total, times.kinds.count(COMPETING)) == (1384, 115, 860)
    for time, value in expected.items():
        assert curve.at(time).estimate == pytest.approx(value, abs=1e-9)


def test_with_one_kind_of_event_the_jackknife_is_greenwood() -> None:
    times = lung().times
    survival, incidence = kaplan_meier(times), cumulative_incidence(times)
    for time in (90, 310, 883):
        one, other = survival.at(time), incidence.at(time)
        assert other.estimate == pytest.approx(1 - (one.estimate or 0), abs=1e-9)
        assert other.std_error == pytest.approx(one.std_error, abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 6), st.sampled_from([CENSORED, EVENT, COMPETING])),
                min_size=1))  # fmt: skip
def test_the_jackknife_is_that_of_the_definition(data: list[tuple[int, int]]) -> None:
    """The influence of each subject is how the incidence changes with its weight."""
    times = Times(tuple(float(t) for t, _k in data), tuple(k for _t, k in data))
    found, step = cumulative_incidence(times), 1e-6

    def incidence(time: float, heavier: int) -> float:
        weights = [1.0 + step * (i == heavier) for i in range(len(data))]
        free, reached = 1.0, 0.0
        for moment in sorted({t for t, _k in data if t <= time}):
            risk = sum(w for (t, _k), w in zip(data, weights, strict=True) if t >= moment)
            now = [(k, w) for (t, k), w in zip(data, weights, strict=True) if t == moment]
            of = [sum(w for k, w in now if k == kind) for kind in (EVENT, COMPETING)]
            reached += free * of[0] / risk
            free *= 1 - sum(of) / risk
        return reached

    for time in {t for t, _k in data}:
        moved = [(incidence(time, i) - incidence(time, -1)) / step for i in range(len(data))]
        error = found.at(time).std_error
        assert error == pytest.approx(sqrt(sum(one * one for one in moved)), abs=1e-4)


def test_half_left_for_a_while_is_the_middle_of_it() -> None:
    """R's rule: four people, events at 1, 2, 4 and 5: half are left from 2 until 4."""
    curve = kaplan_meier(Times((1.0, 2.0, 4.0, 5.0), (EVENT,) * 4))
    assert curve.median() == 3


def test_a_landmark_leaves_out_who_had_the_event_before() -> None:
    result = analyses.survival(lung().times, at=[0, 100], landmark=90)
    assert result["n"] == 201  # at risk just before day 90, and nobody has it as the last day
    assert result["groups"][0]["survival"][0]["estimate"] == 1


# -- the command -------------------------------------------------------------------------------


def run(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["analyse", "survival", *arguments])
    return done.exit_code, done.output


def test_the_command_prints_the_example() -> None:
    code, text = run(
        str(DATA / "lung.csv"), "--time", "time", "--event", "status", "--event-value", "2",
        "--at", "90",
    )  # fmt: skip
    assert code == 0
    found = json.loads(text)
    assert (found["n"], found["events"], found["groups"][0]["median"]) == (228, 165, 310)
    [point] = found["groups"][0]["survival"]
    assert (point["time"], point["at_risk"]) == (90, 201)
    assert point["estimate"] == pytest.approx(0.8815, abs=1e-4)
    assert found["log_rank"] is None
    assert found["cox"] is None


def test_nobody_left_is_no_number() -> None:
    _code, text = run(
        str(DATA / "lung.csv"), "--time", "time", "--event", "status", "--event-value", "2",
        "--at", "5000",
    )  # fmt: skip
    [point] = json.loads(text)["groups"][0]["survival"]
    assert (point["at_risk"], point["estimate"], point["ci_low"]) == (0, None, None)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--time", "time", "--event", "status"), "--event-value 2"),
        (("--time", "days", "--event", "status"), "There is no column days"),
        (("--time", "time", "--event", "age"), "more than two values"),
    ],
)
def test_the_command_says_what_does_not_fit(arguments: tuple[str, ...], said: str) -> None:
    code, text = run(str(DATA / "lung.csv"), *arguments)
    assert code == 2
    assert said in text


def written(folder: Path, text: str) -> str:
    (folder / "cohort.csv").write_text(text, encoding="utf-8")
    return str(folder / "cohort.csv")


#: A made-up cohort: 0 days, ties, an empty group, a missing covariate and a constant one.
SMALL = """days,dead,relapse,arm,age,sex,same,double
0,1,0,B,50,f,1,100
5,1,0,a,61,m,1,122
5,0,1,a,,f,1,
7,0,0,,70,f,1,140
9,1,0,B,44,m,1,88
9,0,1,B,58,m,1,116
12,NA,0,a,58,m,1,116
"""
BASE = ("--time", "days", "--event", "dead")


def test_what_is_missing_is_missing_where_it_is_asked_for(tmp_path: Path) -> None:
    """A model on age asks for no arm, as coxph does; a row without event is in nothing."""
    file = written(tmp_path, SMALL)
    _code, text = run(file, *BASE, "--group", "arm", "--covariates", "age,same,double", "--at", "0")
    found = json.loads(text)
    assert (found["n"], found["left_out"]) == (5, 2)
    assert [one["group"] for one in found["groups"]] == ["a", "B"]  # by alphabet, as R sorts words
    assert found["cox"]["n"] == 5
    assert [one["term"] for one in found["cox"]["terms"]] == ["age"]
    assert found["cox"]["left_out"] == ["same", "double"]
    assert found["groups"][1]["survival"][0] == {
        "time": 0, "at_risk": 3, "estimate": pytest.approx(2 / 3),
        "std_error": pytest.approx(2 / 3 * sqrt(1 / 6)),
        "ci_low": pytest.approx(2 / 3 * exp(-1.959964 * sqrt(1 / 6)), abs=1e-6), "ci_high": 1.0,
    }  # fmt: skip


def test_no_event_at_all_is_an_answer_and_no_model(tmp_path: Path) -> None:
    file = written(tmp_path, "days,dead,arm,age\n3,0,a,1\n4,0,b,2\n")
    code, text = run(file, *BASE, "--group", "arm", "--covariates", "age", "--at", "3,5")
    found = json.loads(text)
    assert (code, found["events"], found["log_rank"], found["cox"]) == (0, 0, None, None)
    assert "nothing to fit" in found["cox_refused"]
    assert [one["median"] for one in found["groups"]] == [None, None]
    assert [p["estimate"] for p in found["groups"][0]["survival"]] == [1.0, None]


def test_a_competing_event_that_never_happened_has_an_incidence(tmp_path: Path) -> None:
    file = written(tmp_path, SMALL.replace(",0,1,", ",0,0,"))
    _code, text = run(file, *BASE, "--competing", "relapse", "--at", "9")
    [one] = json.loads(text)["groups"]
    assert one["competing_events"] == 0
    assert one["cumulative_incidence"][0]["estimate"] == pytest.approx(
        1 - one["survival"][0]["estimate"]
    )
    assert one["cumulative_incidence_competing"][0]["estimate"] == 0


@pytest.mark.parametrize(
    ("coding", "arguments", "events"),
    [
        (("1", "2"), ("--event-value", "1"), 2),  # said, so not refused
        (("1", "2"), ("--event-value", "2.0"), 1),
        (("TRUE", "FALSE"), (), 2),
        (("True", "False"), ("--event-value", "FALSE"), 1),
        (("dead", "alive"), ("--event-value", "dead"), 2),
    ],
)
def test_an_event_is_what_was_said(tmp_path, coding, arguments, events) -> None:
    yes, no = coding
    file = written(tmp_path, f"days,dead\n1,{yes}\n2,{no}\n3,{yes}\n")
    code, text = run(file, *BASE, *arguments)
    assert (code, json.loads(text)["events"]) == (0, events)


@pytest.mark.parametrize("conf", ["log", "log-log", "plain"])
def test_intervals_are_those_of_the_scale(conf: str) -> None:
    """Klein and Moeschberger, 4.3: the interval at day 90 of lung on each scale."""
    _code, text = run(
        str(DATA / "lung.csv"), "--time", "time", "--event", "status", "--event-value", "2",
        "--at", "0,90", "--conf", conf,
    )  # fmt: skip
    start, point = json.loads(text)["groups"][0]["survival"]
    s, se = point["estimate"], point["std_error"]
    z = 1.959963984540054
    expected = {
        "plain": (s - z * se, s + z * se),
        "log": (s * exp(-z * se / s), s * exp(z * se / s)),
        "log-log": (s ** exp(-z * se / (s * log(s))), s ** exp(z * se / (s * log(s)))),
    }[conf]
    assert (point["ci_low"], point["ci_high"]) == pytest.approx(expected, abs=1e-9)
    assert (start["ci_low"], start["ci_high"]) == (1, 1)


def test_a_curve_that_is_nearly_nothing_has_an_interval() -> None:
    """As R has it: from 0 to 1 where the scale runs over; no error where all had the event."""
    assert interval(1e-17, 1e-14, "log-log") == (0, 1)
    assert interval(1e-300, 1e-295, "log") == (0, 1)
    all_had = cumulative_incidence(
        Times((1.0, 2.0, 2.0, 3.0, 3.0, 3.0, 3.0), (EVENT,) * 7), conf="plain"
    )
    assert (all_had.at(3).estimate, all_had.at(3).std_error) == (pytest.approx(1), 0)


@pytest.mark.parametrize("conf", ["log", "log-log", "plain"])
def test_before_anything_happened_it_is_known_exactly(conf: str) -> None:
    """R 4.2.2: summary(survfit(Surv(t, k) ~ 1, conf.type = …), times = c(0, 1, 2)) of one who is
    censored on day 1 and one with the other event on day 2. NA where a logarithm has no value."""
    times = Times((1.0, 2.0, 3.0), (CENSORED, COMPETING, EVENT))
    alive, had = kaplan_meier(times, conf), cumulative_incidence(times, conf=conf)
    assert (alive.at(0.5).ci_low, alive.at(0.5).ci_high) == (1, 1)
    assert (had.at(0.5).ci_low, had.at(0.5).ci_high) == (0, 0)
    after = (None, None) if conf == "log-log" else (1, 1)
    assert (alive.at(1).ci_low, alive.at(1).ci_high) == after
    after = (0, 0) if conf == "plain" else (None, None)
    assert (had.at(2).ci_low, had.at(2).ci_high) == after


def test_a_figure_has_the_same_bytes_each_time(tmp_path: Path) -> None:
    made = []
    for name in ("one.svg", "two.svg"):
        code, text = run(
            str(DATA / "veteran.csv"), "--time", "time", "--event", "status",
            "--group", "celltype", "--figure", str(tmp_path / name),
        )  # fmt: skip
        assert code == 0, text
        made.append((tmp_path / name).read_bytes())
    assert made[0] == made[1]
    assert made[0].startswith(b"<?xml")
