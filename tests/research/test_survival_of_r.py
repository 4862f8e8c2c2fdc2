"""Every statistic of the published sets is that of R's `survival`, to 1e-6; a Cox model to 1e-4.

What R says is in tests/data/survival/r_values.json; r_values.R beside it made it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from registry.research.statistics import tables
from registry.research.statistics.hazards import cox
from registry.research.statistics.survival import (
    Curve,
    cumulative_incidence,
    kaplan_meier,
    log_rank,
)

DATA = Path(__file__).parents[1] / "data" / "survival"
SETS = json.loads((DATA / "r_values.json").read_text(encoding="utf-8"))["sets"]


def of_r(key: str) -> Any:
    """Each set for which R said this."""
    return pytest.mark.parametrize(
        "said",
        [
            pytest.param(one, id=f"{one['file']}-{one['time']}-{one['group'] or 'all'}")
            for one in SETS
            if one.get(key)
        ],
    )


def followed(said: dict[str, Any]) -> tables.Followed:
    names = ("time", "event", "event_value", "group", "competing")
    named = {name: said[name] for name in names if said[name]}
    return tables.followed(
        tables.read(DATA / said["file"]),
        tables.Named(**named, covariates=tuple(said["covariates"] or ())),
    )


def equal(curve: Curve, said: dict[str, list[float]], names: tuple[str, ...]) -> None:
    assert len(said["time"]) > 2
    for place, time in enumerate(said["time"]):
        point = curve.at(time)
        for name in names:
            expected = said[name][place]
            close = None if expected is None else pytest.approx(expected, abs=1e-6)
            assert getattr(point, name) == close, (name, time)


POINT = ("at_risk", "estimate", "std_error", "ci_low", "ci_high")


@of_r("curves")
def test_kaplan_meier_with_each_kind_of_interval(said: dict[str, Any]) -> None:
    times = followed(said).modelled if not said["group"] else followed(said).times
    for conf, curve in said["curves"].items():
        equal(kaplan_meier(times, conf), curve, POINT)
    curve = kaplan_meier(times)
    assert [curve.median(), *curve.median_interval()] == said["median"]


@of_r("groups")
def test_kaplan_meier_of_each_group(said: dict[str, Any]) -> None:
    times = followed(said).times
    assert times.names() == sorted(said["groups"])
    for group, curve in said["groups"].items():
        if len(curve["time"]) > 2:  # one patient has ECOG 3
            equal(kaplan_meier(times.of(group)), curve, POINT)


@of_r("log_rank")
def test_log_rank(said: dict[str, Any]) -> None:
    tested, expected = log_rank(followed(said).times), said["log_rank"]
    assert tested is not None
    assert (tested.df, tested.chi2) == (expected["df"], pytest.approx(expected["chi2"], abs=1e-6))
    assert tested.p == pytest.approx(expected["p"], abs=1e-6)


@of_r("cox")
def test_cox_and_whether_its_hazards_are_proportional(said: dict[str, Any]) -> None:
    found = followed(said)
    model = cox(found.modelled, found.covariates)
    assert (model.n, model.events) == (said["cox"]["n"], said["cox"]["events"])
    for ours, theirs, zph in zip(
        model.terms, said["cox"]["terms"], said["proportional"][:-1], strict=True
    ):
        assert ours.term == theirs["term"] == zph["term"]
        for name in ("coefficient", "std_error", "p"):
            assert getattr(ours, name) == pytest.approx(theirs[name], abs=1e-4), name
        assert ours.proportional_chi2 == pytest.approx(zph["chi2"], abs=1e-4)
        assert ours.proportional_p == pytest.approx(zph["p"], abs=1e-4)


@of_r("incidence")
def test_cumulative_incidence_beside_a_competing_event(said: dict[str, Any]) -> None:
    curve = cumulative_incidence(followed(said).times)
    equal(curve, said["incidence"], ("estimate", "std_error"))
