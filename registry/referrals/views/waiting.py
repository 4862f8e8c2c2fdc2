"""How long patients wait: a page of figures and its tables, and the same as a file."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import Response, current_app, render_template, request, url_for
from flask_babel import format_decimal, format_percent

from registry import audit, codes, web
from registry.access import Right
from registry.db import now
from registry.language import gettext as _
from registry.referrals import queries, rules
from registry.referrals.rules import waiting
from registry.referrals.rules.waiting import GROUPS, WAY, Line, Shown
from registry.referrals.views.room import room
from registry.referrals.views.work_out import cell
from registry.referrals.waiting_picture import Bar, picture


@dataclass(frozen=True)
class Asked:
    """What the page is asked for. Year 0: the last twelve months."""

    year: int
    by: str
    step: str

    @property
    def days(self) -> tuple[date, date]:
        """The first and the last day of the period; whole months, and the present one so far."""
        if self.year:
            return date(self.year, 1, 1), date(self.year, 12, 31)
        today = now().date()
        return date(today.year - 1, today.month, 1), today

    @property
    def period(self) -> str:
        """The period in words."""
        return str(self.year) if self.year else _("the last twelve months")


def _asked(years: list[int]) -> Asked:
    year = web.as_number(request.args.get("year"), digits=4)
    by, step = request.args.get("by", ""), request.args.get("step", "")
    return Asked(
        year if year in years else 0,
        by if by in GROUPS else "centre",
        step if step in WAY else "advice",
    )


@dataclass(frozen=True)
class Figures:
    """The whole way of all cases, and one step by group."""

    asked: Asked
    years: list[int]
    minimum: int
    n: int | None  # None: fewer than the minimum
    more: bool
    steps: list[Shown]
    groups: list[Shown]
    stopped: Line | None


def minimum() -> int:
    """The smallest number that is told."""
    found: int = current_app.extensions["netreg_settings"].smallest_number
    return found


def _figures() -> Figures:
    viewer = web.viewer()
    years = queries.years(viewer)
    asked, least = _asked(years), minimum()
    period = queries.waiting_times(viewer, *asked.days)
    moment = now()
    today = moment.date()

    def line(ways: Any, step: str) -> Line:
        return waiting.line(ways, step, now=moment, today=today, minimum=least)

    number = len(period.ways)
    enough = number >= least
    by_group: dict[str, list[Any]] = {}
    for way in period.ways:
        by_group.setdefault(way.groups[asked.by], []).append(way)
    steps = [waiting.table({step: line(period.ways, step)}, least)[0] for step in WAY]
    groups = waiting.table(
        {name: line(ways, asked.step) for name, ways in sorted(by_group.items())}, least
    )
    return Figures(
        asked=asked,
        years=years,
        minimum=least,
        n=number if enough else None,
        more=period.more,
        steps=steps if enough else [],
        groups=groups if enough else [],
        stopped=line(period.ways, "advice") if enough else None,
    )


def _group_name(by: str) -> Callable[[str], str]:
    if by == "grade":
        return lambda name: str(rules.GRADE_GROUPS.get(name, name))
    if by == "site":
        return lambda name: codes.label("triage_group", name) if name else _("Not stated")
    return lambda name: name or _("Not stated")


def number(value: float | None) -> str:
    """Days as they are told."""
    return format_decimal(round(value, 1)) if value is not None else ""


def share(value: float | None) -> str:
    """A share as it is told."""
    return format_percent(round(value, 2)) if value is not None else ""


#: Stands for a number that is not told: small itself, or one that would tell a small one.
NOT_TOLD = "*"


def told(count: int | None) -> str:
    """A number of cases as it is told."""
    return str(count) if count is not None else NOT_TOLD


def _bars(rows: list[Shown], name: Callable[[str], str]) -> list[Bar]:
    bars = []
    for one in rows:
        middle, high = one.figure("median"), one.figure("p90")
        said = (
            _("median %(median)s, 90th percentile %(p90)s", median=number(middle), p90=number(high))
            if middle is not None
            else _("too few to tell")
        )
        bars.append(Bar(name(one.name), middle, high, said))
    return bars


@room.page("/waiting-times", right=Right.WAITING_TIMES)
def waiting_times() -> Any:
    """From sent to first look, complete, accepted, board, advice and acknowledged."""
    found = _figures()
    audit.opened(
        "opened waiting times",
        by=web.viewer(),
        subject=("waiting times", found.asked.year or "last"),
        patient_id=None,
    )
    named = _group_name(found.asked.by)
    way = _("Days from sent to each step, sent in %(period)s", period=found.asked.period)
    by = _("Days from sent to: %(step)s", step=WAY[found.asked.step])
    return render_template(
        "referrals/waiting_times.html",
        found=found,
        way=WAY,
        group_words=GROUPS,
        named=named,
        number=number,
        share=share,
        told=told,
        way_title=way,
        by_title=by,
        way_picture=picture(
            _bars(found.steps, lambda step: str(WAY[step])), title=way, unit=_("days")
        ),
        by_picture=picture(_bars(found.groups, named), title=by, unit=_("days")),
        everywhere=web.viewer().may(Right.WAITING_TIMES_OF_ALL),
        csv_url=url_for(
            "referrals.waiting_times_csv",
            year=found.asked.year or None,
            by=found.asked.by,
            step=found.asked.step,
        ),
    )


@room.page("/waiting-times.csv", right=Right.WAITING_TIMES)
def waiting_times_csv() -> Any:
    """The tables of the page as a file; what is hidden there is hidden here."""
    found = _figures()
    audit.opened(
        "downloaded waiting times",
        by=web.viewer(),
        subject=("waiting times", found.asked.year or "last"),
        patient_id=None,
    )
    named = _group_name(found.asked.by)
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(
        [
            _("Sent in"), _("Group"), _("Step"), _("Cases"), _("Reached"), _("Still waiting"),
            _("Went on without"), _("Not calculable"), _("Median days"), _("90th percentile"),
            _("Median since the step before"), _("Median of those waiting, so far"),
            _("Within target"),
        ]
    )  # fmt: skip
    rows = [(_("All"), str(WAY[one.name]), one) for one in found.steps]
    rows += [(named(one.name), str(WAY[found.asked.step]), one) for one in found.groups]
    for group, step, one in rows:
        parts = [told(one.parts[place]) for place in waiting.PLACES]
        figures = [one.figure(name) for name in ("median", "p90", "since_last", "so_far", "within")]
        line = [
            found.asked.period, group, step, told(one.n), *parts,
            *("" if value is None else f"{value:.3g}" for value in figures),
        ]  # fmt: skip
        writer.writerow([cell(text) for text in line])
    return Response(
        "\ufeff" + out.getvalue(),
        mimetype="text/csv",
        headers={"Content-Disposition": "attachment; filename=waiting-times.csv"},
    )
