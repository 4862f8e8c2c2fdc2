"""`netreg analyse` and `netreg cohort`: parse, call, print."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import click
from flask import Flask

from registry.research.statistics import tables
from registry.research.statistics.survival import CONFIDENCES, Times, kaplan_meier

#: Exit status when the file or the question does not fit.
UNFIT = 2


@click.group()
def analyse() -> None:
    """Statistics of the product on a file of a release, or any CSV file."""


def _names(ctx: Any, param: Any, given: str | None) -> tuple[str, ...]:
    """Names with commas between them; one with a comma in it stands in quotation marks."""
    cells = next(csv.reader([given or ""], skipinitialspace=True), [])
    return tuple(dict.fromkeys(one.strip() for one in cells if one.strip()))


def _moments(ctx: Any, param: Any, given: str | None) -> tuple[float, ...]:
    try:
        found = tuple(float(one) for one in _names(ctx, param, given))
    except ValueError:
        raise click.BadParameter(
            "give numbers with commas between them, such as 12,24,60"
        ) from None
    if any(not 0 <= one < float("inf") for one in found):
        raise click.BadParameter("a time cannot be below 0")
    return found


@analyse.command("survival")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--time", required=True, help="The column of the time to event or last contact.")
@click.option("--event", required=True, help="The column that says whether the event happened.")
@click.option("--event-value", default="", help="What it says where it did; otherwise 1.")
@click.option("--group", default="", help="The column of the group.")
@click.option("--covariates", callback=_names, help="Columns of a Cox model, with commas.")
@click.option("--at", callback=_moments, help="Times to report; otherwise every time of an event.")
@click.option("--competing", default="", help="The column that says a competing event happened.")
@click.option("--competing-value", default="", help="What it says where it did; otherwise 1.")
@click.option("--conf", type=click.Choice(CONFIDENCES), default="log", show_default=True)
@click.option("--landmark", type=click.FloatRange(min=0), help="Count from this time onwards.")
@click.option(
    "--figure",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Draw the curves too, into this file: .svg or .png.",
)
def survival(
    file: Path,
    at: tuple[float, ...],
    conf: str,
    landmark: float | None,
    figure: Path | None,
    **named: Any,
) -> None:
    """Kaplan–Meier, log-rank, Cox and cumulative incidence of FILE, as JSON.

    Rows without time, event or group are left out; their number is `left_out`. A row that has the
    event and the competing one counts for the event.
    """
    from registry.research.statistics import analyses

    try:
        found = tables.followed(tables.read(file), tables.Named(**named))
        result = analyses.survival(
            found.times,
            modelled=found.modelled,
            covariates=found.covariates,
            at=at,
            conf=conf,
            landmark=landmark,
            competing=bool(named["competing"]),
        )
        if figure is not None:
            times = found.times if landmark is None else found.times.from_landmark(landmark)
            figure.write_bytes(_drawn(times, conf, figure.suffix.lower(), str(named["time"])))
    except ValueError as refused:
        _refuse(str(refused))
    except OSError as refused:
        _refuse(f"{refused.filename or file} cannot be read or written: {refused.strerror}.")
    result["left_out"] = found.left_out
    click.echo(json.dumps(result, ensure_ascii=False, allow_nan=False))


def _drawn(times: Times, conf: str, ending: str, label: str) -> bytes:
    from registry.research.statistics import figures

    if ending not in (".svg", ".png"):
        raise ValueError("A figure ends in .svg or .png.")
    named: list[str | None] = list(times.names()) or [None]
    curves = [(name or "", kaplan_meier(times.of(name), conf)) for name in named]
    moments = figures.moments(figures.longest([curve for _name, curve in curves]))
    return figures.survival(
        [
            figures.Drawn(name, curve, tuple(str(curve.risk(one)) for one in moments))
            for name, curve in curves
        ],
        times=moments,
        x_label=label,
        y_label="Free of the event",
        at_risk_label="Number at risk",
        form=ending[1:],
    )


def _refuse(text: str) -> NoReturn:
    click.echo(text, err=True)
    sys.exit(UNFIT)


@click.group()
def cohort() -> None:
    """Cohorts: about how many patients meet criteria."""


@cohort.command("count")
@click.argument("file", type=click.File(encoding="utf-8", lazy=True))
@click.option("--as", "email", required=True, help="The e-mail address of the researcher.")
@click.pass_obj
def count(application: Callable[[], Flask], file: Any, email: str) -> None:
    """About how many meet the criteria of FILE (JSON, as a cohort's page or the manifest of a
    release gives it), after each step. Told as on the page: rounded, not below ten, and compared
    with what was told before."""
    from registry import audit
    from registry.access import Right
    from registry.db import db, new_id
    from registry.people.acting import acting_as
    from registry.research.cohorts import actions as actions_cohorts
    from registry.research.cohorts import criteria, evaluating

    with acting_as(application, email, Right.COUNT) as viewer:
        try:
            asked = criteria.Criteria.of(evaluating.written(file.read()))
        except criteria.Unclear as refused:
            _refuse(str(refused))
        except UnicodeDecodeError:
            _refuse("This is no cohort.")
        told = actions_cohorts.count(asked, by=viewer)
        audit.record("counted cohort", by=viewer, subject=("cohort", new_id()))
        db.session.commit()
        spoken = evaluating.spoken(asked, evaluating.subjects())
        answer = {"cohort": criteria.sentence(asked, spoken), "steps": told, "patients": told[-1]}
        click.echo(json.dumps(answer, ensure_ascii=False))
