"""What the boards of one's centre add up to."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import render_template, request

from registry import codes, web
from registry.access import Right
from registry.boards.queries import figures as queries
from registry.boards.rules import advice as advice_rules
from registry.boards.rules import agenda as agenda_rules
from registry.boards.rules import delivery as rules
from registry.boards.views.room import room
from registry.dates import PartialDate, today


@room.page("/boards/figures", right=Right.PREPARE_BOARD)
def figures() -> Any:
    """Figures of a period, the last year unless said; by site and by grade."""
    until = _day("until") or today()
    since = _day("since") or until - timedelta(days=365)
    rows = queries.rows(web.viewer(), since, until)
    return render_template(
        "boards/figures.html",
        since=since,
        until=until,
        whole=queries.figures(rows),
        by_site=queries.grouped(rows, lambda one: codes.label("triage_group", one.site)),
        by_grade=queries.grouped(rows, _grade),
        deferrals=agenda_rules.DEFERRALS,
        changes=advice_rules.CHANGES,
        outcomes=rules.OUTCOMES,
        reasons=rules.REASONS,
        smallest=rules.SMALLEST,
    )


def _grade(one: queries.Row) -> str:
    known = codes.known("grade_category", one.grade)
    return codes.label("grade_category" if known else "grade_stated", one.grade)


def _day(name: str) -> Any:
    try:
        found = PartialDate(request.args.get(name, ""))
    except ValueError:
        return None
    return found.earliest if name == "since" else found.latest
