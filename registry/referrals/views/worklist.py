"""The centre's worklist: its pages, its search, and whether anything is new."""

from __future__ import annotations

from collections.abc import Container, Mapping
from datetime import UTC, date, datetime
from typing import Any

from flask import Response, jsonify, render_template, request

from registry import codes, web
from registry.access import Right
from registry.language import gettext as _
from registry.patients.matching import finding
from registry.referrals import queries, rules
from registry.referrals.forms import SearchForm
from registry.referrals.queries import Counts, Filters, Frame, Mark, WorkRow
from registry.referrals.rules import worklist as known
from registry.referrals.views.lists import listed
from registry.referrals.views.room import room
from registry.referrals.views.work_looks import Words as PageWords
from registry.referrals.views.work_looks import drawn, words
from registry.referrals.views.work_rows import Words


def filters_of(asked: Mapping[str, Any]) -> Filters:
    """What is asked for; a word that is none of ours is no filter."""

    def one_of(name: str, words: Container[str]) -> str:
        said = str(asked.get(name) or "")
        return said if said in words else ""

    assignee = one_of("assignee", ("me", "none")) or web.as_id(asked.get("assignee"))
    return Filters(
        state=one_of("state", {**rules.STATES, **rules.PHASES}),
        site_group=one_of("site", {*codes.codes("triage_group"), "none"}),
        grade_group=one_of("grade", rules.GRADE_GROUPS),
        assignee=str(assignee or ""),
        overdue=asked.get("overdue") == "1",
    )


def _mark(name: str) -> Mark | None:
    """The place to read on from, as it stands in the address."""
    parts = request.args.get(name, "").split("_")
    last = web.as_id(parts[-1])
    try:
        due = date.fromisoformat(parts[1])
    except (ValueError, IndexError):
        return None
    rank = web.as_number(parts[0])
    return (rank, due, last) if last and rank is not None else None


def _said(row: WorkRow) -> str:
    rank, due, last = row.mark
    return f"{rank}_{due}_{last}"


@room.page("/worklist", right=Right.TRIAGE)
def worklist() -> Any:
    """What was sent to one's centre, by urgency and deadline."""
    after, before = _mark("after"), _mark("before")
    number = (web.as_number(request.args.get("page"), digits=5) or 1) if after or before else 1
    rows = queries.worklist(
        web.viewer(),
        filters_of(request.args),
        after=after,
        before=None if after else before,
        limit=known.PAGE,
    )
    goes_back = before is not None and after is None
    if goes_back and len(rows) <= known.PAGE and number > 1:
        number, rows = 1, queries.worklist(web.viewer(), filters_of(request.args), limit=known.PAGE)
        goes_back = False
    more = len(rows) > known.PAGE
    shown = rows[-known.PAGE :] if goes_back else rows[: known.PAGE]
    kept = known.filters(request.args)
    number = 1 if goes_back and not more else max(number, 1)
    return _page(
        shown,
        kept,
        number=number,
        earlier=_address(kept, before=_said(shown[0]), page=number - 1)
        if number > 1 and shown
        else "",
        later=_address(kept, after=_said(shown[-1]), page=number + 1)
        if shown and (more or goes_back)
        else "",
    )


@room.page("/worklist/search", right=Right.TRIAGE, methods=("POST",))
def search() -> Any:
    """Find a case by name or number. Sent in the body: a name never stands in an address."""
    viewer, form = web.viewer(), SearchForm(request.form)
    text = (form.text.data or "")[:200]
    found = finding.search(viewer, text)
    return _page(queries.worklist(viewer, only=found, limit=200), {}, searched=text)


def _page(
    rows: list[WorkRow],
    kept: dict[str, str],
    *,
    searched: str | None = None,
    number: int = 1,
    earlier: str = "",
    later: str = "",
) -> str:
    viewer = web.viewer()
    listed(rows)
    frame = queries.frame(viewer)
    sites = codes.codes("triage_group")
    counts = queries.counts(viewer, frame.moved, sites)
    today = queries.today_here(viewer)
    asked = request.args.get("columns")
    columns = known.columns(asked.split(",") if asked else frame.columns)
    choosing = searched is None and bool(known.BULK)
    said = words()
    return render_template(
        "referrals/worklist.html",
        rows=drawn(Words(today).shown(rows), columns, choosing=choosing) if rows else "",
        found=len(rows),
        choosing=choosing,
        number=number,
        earlier=earlier,
        later=later,
        first_url=_address(kept),
        chosen=filters_of(kept),
        kept=kept,
        searched=searched,
        columns=columns,
        words=said,
        asked_columns=asked or "",
        counts=counts,
        upto=upto,
        frame=frame,
        views=[(one, _address(one.filters, columns=",".join(one.columns))) for one in frame.views],
        team=counts.colleagues,
        choices=_choices(counts, {code: one.shown() for code, one in sites.items()}, viewer, said),
        bulk=known.BULK,
        changes_url=_changes(frame, kept) if searched is None else "",
    )


def _changes(frame: Frame, kept: Mapping[str, Any]) -> str:
    values: dict[str, Any] = {**kept, "since": _stamp(frame)}
    return web.address("referrals.changes", **values)


def _address(kept: Mapping[str, Any], **more: Any) -> str:
    """The address of the list with these filters."""
    columns = more.pop("columns", None) or request.args.get("columns")
    values: dict[str, Any] = {**kept, **more, "columns": columns or None}
    return web.address("referrals.worklist", **values)


def upto(number: int) -> str:
    """A count as it is shown: no further than a thousand."""
    return "1,000+" if number > queries.MOST else str(number)


Choice = tuple[str, Any]


def _choices(
    counts: Counts, sites: Mapping[str, Any], viewer: Any, said: PageWords
) -> dict[str, list[Choice]]:
    """What each filter offers, with how many open cases stand behind it."""

    def counted(name: str, value: str, label: Any, key: str | None = None) -> Choice:
        number = counts.get(name, value if key is None else key)
        return value, f"{label} ({upto(number)})"

    found: dict[str, list[Choice]] = {
        "state": [(phase, said.phases[phase]) for phase in (rules.ANSWERED, rules.ENDED)],
        "grade": [counted("grade", *one) for one in said.grades.items()],
        "site": [counted("site", *one) for one in sites.items()],
        "assignee": [
            counted("assignee", "me", _("Me"), str(viewer.person_id)),
            counted("assignee", "none", _("Nobody")),
        ],
    }
    found["site"].append(counted("site", "none", _("Not stated"), ""))
    found["assignee"] += [counted("assignee", *one) for one in counts.colleagues]
    for state, word in said.states.items():
        if state == rules.DRAFT:
            continue
        ended = rules.PHASE[state] == rules.ENDED
        found["state"].append((state, word) if ended else counted("state", state, word))
    return found


# -- what is new -------------------------------------------------------------------------------


def _stamp(frame: Frame) -> str:
    return str(int(frame.moved.timestamp() * 1_000_000)) if frame.moved else "0"


@room.page("/worklist/changes", right=Right.TRIAGE)
def changes() -> Any:
    """How many cases of the list moved since it was shown. Says nothing of any of them."""
    viewer = web.viewer()
    moved = queries.moved(viewer)
    tag = f'"{int(moved.timestamp() * 1_000_000)}"' if moved else '"0"'
    if request.headers.get("If-None-Match") == tag:
        answer = Response(status=304)
    else:
        since = web.as_number(request.args.get("since"), digits=18) or 0
        at = datetime.fromtimestamp(min(since / 1_000_000, 32_503_680_000), UTC)
        answer = jsonify(new=upto(queries.moved_since(viewer, at, filters_of(request.args))))
    answer.headers["ETag"] = tag
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer
