"""Whole analyses as plain values: what the command prints, pages show and figures draw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from registry.research.statistics.hazards import NoModel, cox
from registry.research.statistics.survival import (
    COMPETING,
    EVENT,
    Curve,
    Times,
    cumulative_incidence,
    follow_up,
    kaplan_meier,
    log_rank,
)

VERSION = "1"


def survival(
    times: Times,
    *,
    modelled: Times | None = None,
    covariates: Mapping[str, Sequence[str]] | None = None,
    at: Sequence[float] = (),
    conf: str = "log",
    landmark: float | None = None,
    competing: bool = False,
) -> dict[str, Any]:
    """Kaplan–Meier of each group, log-rank between them, and a Cox model on the covariates.

    At the times `at`, else whenever an event happened; times are in the unit of the data, and
    with a landmark counted from it. `covariates` are those of `modelled`, by default of `times`.
    Cumulative incidence is added where competing events are asked for or there. A model that
    cannot be fitted is None, and `cox_refused` says why. Raises ValueError when nobody is left.
    """
    modelled, covariates = modelled or times, dict(covariates or {})
    if landmark is not None:
        after = [one > landmark for one in modelled.durations]
        covariates = {
            name: [text for text, keep in zip(texts, after, strict=True) if keep]
            for name, texts in covariates.items()
        }
        modelled, times = modelled.from_landmark(landmark), times.from_landmark(landmark)
    if not times.durations:
        raise ValueError("Nobody is followed beyond the landmark.")
    names: list[str | None] = list(times.names()) or [None]
    competing = competing or COMPETING in times.kinds
    result: dict[str, Any] = {
        "n": len(times.durations),
        "events": times.kinds.count(EVENT),
        "conf": conf,
        "landmark": landmark,
        "groups": [_group(times.of(one), one, at, conf, competing) for one in names],
        "log_rank": _plain(log_rank(times)),
        "cox": None,
    }
    if covariates:
        try:
            result["cox"] = _plain(cox(modelled, covariates))
        except NoModel as refused:
            result["cox_refused"] = str(refused)
    return result


def _plain(found: Any) -> dict[str, Any] | None:
    if found is None:
        return None
    facts = asdict(found)
    return {name: list(value) if isinstance(value, tuple) else value for name, value in
            facts.items()}  # fmt: skip


def _group(
    times: Times, name: str | None, at: Sequence[float], conf: str, competing: bool
) -> dict[str, Any]:
    curve = kaplan_meier(times, conf)
    low, high = curve.median_interval()
    facts: dict[str, Any] = {
        "group": name,
        "n": curve.n,
        "events": curve.total,
        "median": curve.median(),
        "median_ci_low": low,
        "median_ci_high": high,
        "median_follow_up": follow_up(times).median(),
        "survival": _points(curve, at),
    }
    if competing:
        facts["competing_events"] = times.kinds.count(COMPETING)
        facts["cumulative_incidence"] = _points(cumulative_incidence(times, EVENT, conf), at)
        facts["cumulative_incidence_competing"] = _points(
            cumulative_incidence(times, COMPETING, conf), at
        )
    return facts


def _points(curve: Curve, at: Sequence[float]) -> list[dict[str, Any]]:
    points = [curve.at(time) for time in at] if at else curve.points()
    return [asdict(replace(one, time=_whole(one.time))) for one in points]


def _whole(time: float) -> float:
    """90.0 as 90, as far as every program reads whole numbers."""
    return int(time) if float(time).is_integer() and abs(time) < 2**53 else time
