"""The hospital's referrals, and the centre's worklist."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import render_template, request, url_for

from registry import audit, codes, web
from registry.access import Right
from registry.clinical import sites, urgency
from registry.clinical.urgency import Urgency
from registry.course import wording
from registry.dates import PartialDate
from registry.patients import queries as patients
from registry.referrals import queries, rules
from registry.referrals.forms import SearchForm
from registry.referrals.queries import Filters, Mark, MineRow, WorkRow
from registry.referrals.views.room import room

PAGE = 50
#: What the worklist can be narrowed by, as it stands in the address.
FILTERS = ("state", "site", "grade", "assignee", "overdue")


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
        rows=sorted(shown, key=lambda one: one.state not in rules.TO_DO),  # what waits for us first
        drafts=drafts,
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
    _listed(found)
    return render_template("referrals/drafts.html", drafts=found, partial=wording.date)


# -- the worklist ------------------------------------------------------------------------------


def _filters() -> Filters:
    """What the address asks for; a word that is none of ours is no filter."""
    asked = request.args

    def one_of(name: str, words: Container[str]) -> str:
        said = asked.get(name, "")
        return said if said in words else ""

    assignee = one_of("assignee", ("me", "none")) or web.as_id(asked.get("assignee"))
    return Filters(
        state=one_of("state", {**rules.STATES, **rules.PHASES}),
        site_group=one_of("site", {*codes.codes("triage_group"), "none"}),
        grade_group=one_of("grade", rules.GRADE_GROUPS),
        assignee=str(assignee or ""),
        overdue=asked.get("overdue") == "1",
    )


def _mark() -> Mark | None:
    """The place to read on from, as it stands in the address."""
    parts = request.args.get("after", "").split("_")
    last = web.as_id(parts[-1])
    try:
        due = date.fromisoformat(parts[1])
    except (ValueError, IndexError):
        return None
    rank = web.as_number(parts[0])
    return (rank, due, last) if last and rank is not None else None


@dataclass(frozen=True)
class Shown:
    """A row of the worklist in words."""

    row: WorkRow
    why: tuple[str, ...]
    site: str
    grade: str
    stage: str
    syndrome: str
    age: str


def _shown(row: WorkRow, today: date) -> Shown:
    syndrome = "" if row.syndrome in ("", "none") else row.syndrome
    return Shown(
        row=row,
        why=_why(row),
        site=site_name(row.primary_site),
        grade=codes.label("grade_category", row.grade_category),
        stage=codes.label("stage_group", row.stage),
        syndrome=codes.label("functioning_syndrome", syndrome),
        age=row.age(today),
    )


def _why(row: WorkRow) -> tuple[str, ...]:
    """Why a case is urgent or soon; of a routine one the grade says enough."""
    if not row.urgency_derived or row.urgency == urgency.ROUTINE:
        return ()
    found = Urgency.from_json(row.urgency_derived)
    stated_decides = urgency.RANK[found.answer] > row.urgency_rank
    deciding = found.reasons[-1] if stated_decides else found.reasons[0]
    return (wording.reason(deciding),)


def _worklist_page(rows: list[WorkRow], *, searched: str | None = None) -> str:
    viewer, shown = web.viewer(), rows[:PAGE] if searched is None else rows
    _listed(shown)
    kept = {key: text for key, text in request.args.items() if key in FILTERS and text}
    more = ""
    if len(rows) > PAGE and searched is None:
        rank, due, last = shown[-1].mark
        more = _address(kept | {"after": f"{rank}_{due}_{last}"})
    today = queries.today_here(viewer)
    return render_template(
        "referrals/worklist.html",
        rows=[_shown(row, today) for row in shown],
        more=more,
        first=not request.args.get("after"),
        first_url=_address(kept),
        chosen=_filters(),
        filtered=bool(kept),
        searched=searched,
        counts=queries.counts(viewer),
        people_filters=[(one.id, one.name) for one in queries.colleagues(viewer)],
        site_groups=[(one.code, one.shown()) for one in codes.codes("triage_group").values()],
        grade_filters=list(rules.GRADE_GROUPS.items()),
        state_filters=_state_filters(),
        state_words=rules.STATES,
        step_words=rules.SHORT_LABELS,
        today=today,
        day=day,
    )


def _state_filters() -> list[tuple[str, Any]]:
    """The phases beside the open one, then every single state."""
    phases = [(phase, rules.PHASES[phase]) for phase in (rules.ANSWERED, rules.ENDED)]
    return [*phases, *((s, word) for s, word in rules.STATES.items() if s != rules.DRAFT)]


def _address(asked: dict[str, Any]) -> str:
    return url_for("referrals.worklist", **asked)


def site_name(topography: str) -> str:
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
