"""The hospital's referrals."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from flask import render_template, request, url_for

from registry import audit, web
from registry.access import Right
from registry.course import wording
from registry.dates import PartialDate
from registry.referrals import queries, rules
from registry.referrals.queries import MineRow, WorkRow
from registry.referrals.views.room import room

PAGE = 50


def listed(rows: Sequence[MineRow] | Sequence[WorkRow]) -> None:
    """Names stand in the list: each is a read of a patient's record."""
    about = [(row.id, row.identity.id) for row in rows]
    audit.listed("listed referral", "referral", about, by=web.viewer())


@room.page("/referrals", right=Right.FOLLOW_REFERRALS)
def mine() -> Any:
    """The referrals of one's hospital: where each stands, and what must be done now."""
    viewer, show = web.viewer(), request.args.get("show", "")
    only_own = request.args.get("own") == "1"
    before = web.as_id(request.args.get("before"))
    rows = queries.mine(viewer, only_own=only_own, ended=show == "ended", before=before, limit=PAGE)
    drafts = queries.mine(viewer, only_own=only_own, drafts=True) if not show else []
    shown = rows[:PAGE]
    listed([*shown, *drafts])
    older = ""
    if len(rows) > PAGE:
        older = url_for(
            "referrals.mine", show=show or None, own="1" if only_own else None, before=shown[-1].id
        )
    return render_template(
        "referrals/mine.html",
        rows=sorted(shown, key=lambda one: one.state not in rules.TO_DO),  # what waits for us first
        drafts=drafts,
        news=queries.unread_of(viewer, [one.id for one in shown]),
        show=show,
        only_own=only_own,
        older=older,
        today=queries.today_here(viewer),
        day=day,
        partial=wording.date,
        state_words=rules.STATES,
        to_do=rules.TO_DO,
    )


def day(value: date | None) -> str:
    """A day in words."""
    return wording.date(PartialDate.of(value)) if value else ""


@room.page("/referrals/drafts", right=Right.REFER)
def drafts() -> Any:
    """The drafts of one's organisation, also those a coordinator entered for a doctor."""
    found = queries.mine(web.viewer(), drafts=True)
    listed(found)
    return render_template("referrals/drafts.html", drafts=found, partial=wording.date)
