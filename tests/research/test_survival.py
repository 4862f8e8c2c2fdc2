"""Survival statistics against what R's `survival` and the papers print, and exact fractions."""

from __future__ import annotations

import json
from fractions import Fraction
from math import sqrt
from pathlib import Path

import pytest
from click.testing import CliRunner

from registry.cli import main
from registry.research.statistics import analyses, tables
from registry.research.statistics.survival import (
    COMPETING,
    EVENT,
    NoModel,
    Times,
    cox,
    cumulative_incidence,
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


def test_who_lacks_a_covariate_is_left_out_of_the_model_alone() -> None:
    """summary(coxph(…, lung)): n = 227, 164 events; one ECOG is missing."""
    found = lung(covariates=("ph.ecog",))
    model = cox(found.times, found.covariates)
    assert (model.n, model.events, len(found.times.kinds)) == (227, 164, 228)


def test_a_model_of_nothing_is_refused() -> None:
    alike = Times((1.0, 2.0, 3.0), (EVENT, EVENT, EVENT))
    with pytest.raises(NoModel, match="same for everybody"):
        cox(alike, {"sex": ["1", "1", "1"]})


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
