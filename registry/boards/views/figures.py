"""What boards add up to: those of one's centre, or of the network without its small numbers."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from flask import current_app, render_template, request

from registry import audit, codes, web
from registry.access import Right
from registry.boards.queries import figures as queries
from registry.boards.rules import advice as advice_rules
from registry.boards.rules import agenda as agenda_rules
from registry.boards.rules import delivery as rules
from registry.boards.rules import figures as adding
from registry.boards.views.room import room
from registry.dates import PartialDate, today
from registry.language import gettext as _


@room.page("/boards/figures", right=Right.BOARD_FIGURES)
def figures() -> Any:
    """Figures of a period, the last year unless said; by centre, site and grade."""
    until = _day("until") or today()
    since = _day("since") or until - timedelta(days=365)
    problem = _("The first day must not be after the last one.") if since > until else ""
    viewer = web.viewer()
    everywhere = queries.is_everywhere(viewer)
    least = current_app.extensions["netreg_settings"].smallest_number if everywhere else 1
    found = queries.period(viewer, since, until)
    audit.opened(
        "opened figures of boards", by=viewer, subject=("boards", "figures"), patient_id=None
    )
    by = {
        "centre": lambda one: one.centre,
        "site": lambda one: codes.label("triage_group", one.site),
        "grade": _grade,
    }
    shown = [name for name in adding.GROUPS if everywhere or name != "centre"]
    return render_template(
        "boards/figures.html",
        since=since,
        until=until,
        problem=problem,
        everywhere=everywhere,
        least=least,
        enough=len(found.rows) >= max(least, 1),
        most=queries.MOST if found.more else 0,
        whole=adding.figures(found.rows, least),
        groups=[(name, adding.grouped(found.rows, by[name], least)) for name in shown],
        group_words=adding.GROUPS,
        deferrals=agenda_rules.DEFERRALS,
        changes=advice_rules.CHANGES,
        outcomes=rules.OUTCOMES,
        reasons=rules.REASONS,
        smallest=max(rules.SMALLEST, least),
    )


def _grade(one: adding.Row) -> str:
    known = codes.known("grade_category", one.grade)
    return codes.label("grade_category" if known else "grade_stated", one.grade)


def _day(name: str) -> date | None:
    """A day of the address; whatever is no date is taken for none."""
    try:
        found = PartialDate(request.args.get(name, ""))
    except ValueError:
        return None
    if not 1900 <= found.earliest.year <= 2200:
        return None
    return found.earliest if name == "since" else found.latest
