"""The hospital's referrals, and the centre's worklist."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from flask import render_template, request, url_for

from registry import audit, codes, web
from registry.access import Right
from registry.clinical import sites
from registry.patients import queries as patients
from registry.referrals import queries
from registry.referrals.forms import SearchForm
from registry.referrals.queries import Filters, Mark, MineRow, WorkRow
from registry.referrals.views.room import room

PAGE = 50


def _listed(rows: Sequence[MineRow] | Sequence[WorkRow]) -> None:
    """Names stand in the list: each is a read of a patient's record."""
    for row in rows:
        audit.opened(
            "listed referral",
            by=web.viewer(),
            subject=("referral", row.id),
            patient_id=row.identity.id,
        )


@room.page("/referrals", right=Right.FOLLOW_REFERRALS)
def mine() -> Any:
    """The referrals of one's hospital: where each stands, and what must be done now."""
    viewer, show = web.viewer(), request.args.get("show", "")
    only_own = request.args.get("own") == "1"
    before = web.as_id(request.args.get("before"))
    rows = queries.mine(viewer, only_own=only_own, ended=show == "ended", before=before, limit=PAGE)
    drafts = queries.mine(viewer, only_own=only_own, drafts=True) if not show else []
    shown = rows[:PAGE]
    _listed([*shown, *drafts])
    older = ""
    if len(rows) > PAGE:
        older = url_for(
            "referrals.mine", show=show or None, own="1" if only_own else None, before=shown[-1].id
        )
    return render_template(
        "referrals/mine.html",
        rows=shown,
        drafts=drafts,
        show=show,
        only_own=only_own,
        older=older,
        today=queries.today_here(viewer),
    )


# -- the worklist ------------------------------------------------------------------------------


def _filters() -> Filters:
    asked = request.args
    assignee = asked.get("assignee", "")
    if assignee not in ("", "me", "none") and web.as_id(assignee) is None:
        assignee = ""
    return Filters(
        state=asked.get("state", ""),
        site_group=asked.get("site", ""),
        grade_group=asked.get("grade", ""),
        assignee=assignee,
        overdue=asked.get("overdue") == "1",
    )


def _mark() -> Mark | None:
    """The place to read on from, as it stands in the address."""
    parts = request.args.get("after", "").split("_")
    last = web.as_id(parts[-1])
    try:
        return (int(parts[0]), date.fromisoformat(parts[1]), last) if last else None
    except (ValueError, IndexError):
        return None


def _worklist_page(rows: list[WorkRow], *, searched: str | None = None) -> str:
    viewer, shown = web.viewer(), rows[:PAGE]
    _listed(shown)
    more = ""
    if len(rows) > PAGE and searched is None:
        rank, due, last = shown[-1].mark
        kept = {key: text for key, text in request.args.items() if key != "after" and text}
        more = _address(kept | {"after": f"{rank}_{due}_{last}"})
    return render_template(
        "referrals/worklist.html",
        rows=shown,
        more=more,
        first=not request.args.get("after"),
        filters=_filters(),
        filtered=any(request.args.get(name) for name in ("state", "site", "grade", "assignee"))
        or request.args.get("overdue") == "1",
        searched=searched,
        counts=queries.counts(viewer),
        colleagues=queries.colleagues(viewer),
        site_groups=[(one.code, one.shown()) for one in codes.codes("triage_group").values()],
        today=queries.today_here(viewer),
        site_name=_site_name,
    )


def _address(asked: dict[str, Any]) -> str:
    return url_for("referrals.worklist", **asked)


def _site_name(topography: str) -> str:
    """A primary site in words; a code outside the list as stated."""
    place = sites.site(topography) if topography else None
    return codes.label("topography", place.topography if place else topography)


@room.page("/worklist", right=Right.TRIAGE)
def worklist() -> Any:
    """What was sent to one's centre, by urgency and deadline."""
    rows = queries.worklist(web.viewer(), _filters(), after=_mark(), limit=PAGE)
    return _worklist_page(rows)


@room.page("/worklist/search", right=Right.TRIAGE, methods=("POST",))
def search() -> Any:
    """Find a case by name or number. Sent in the body: a name never stands in an address."""
    viewer, form = web.viewer(), SearchForm(request.form)
    text = (form.text.data or "")[:200]
    found = patients.search(viewer, text)
    rows = queries.worklist(viewer, only=found, limit=200)
    return _worklist_page(rows, searched=text)
