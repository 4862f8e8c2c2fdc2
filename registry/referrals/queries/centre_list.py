"""The centre's worklist."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from registry.access import Right, Viewer
from registry.dates import PartialDate
from registry.db import Moment, db, now, table_of
from registry.driver import answer
from registry.patients import queries as patients
from registry.patients.models import CareRelation, Patient
from registry.people import queries as people
from registry.people.models import Organisation, Person
from registry.referrals import rules
from registry.referrals.models import Referral
from registry.referrals.queries.hospital_list import waited
from registry.referrals.rules import Side, Step


@dataclass(frozen=True)
class Filters:
    """What the worklist is narrowed to; empty is everything that is open."""

    state: str = ""
    site_group: str = ""
    grade_group: str = ""
    assignee: str = ""  # an id, "none" or "me"
    overdue: bool = False


Mark = tuple[int, date, UUID]  # urgency rank, deadline and id: the place of a row in the order


class WorkRow(NamedTuple):
    """A referral as the centre's worklist shows it."""

    id: UUID
    version: int
    state: str
    identity: patients.Identity
    hospital: str
    assignee: str
    question: str
    urgency: str
    urgency_derived: Mapping[str, Any]
    red_flags: tuple[str, ...]
    primary_site: str
    site_group: str
    grade_category: str
    grade_status: str
    stage: str
    stage_derived: bool
    syndrome: str
    missing_count: int
    deadline: date
    look_due: date | None  # until somebody has looked
    clock: str
    submitted_at: datetime
    advised_at: datetime | None
    ended_at: datetime | None
    urgency_rank: int
    steps: tuple[Step, ...]

    @property
    def mark(self) -> Mark:
        """The place in the order, to read on from."""
        return self.urgency_rank, self.deadline, self.id

    @property
    def waiting_days(self) -> int:
        """Days since it was sent, until the advice or the end."""
        return waited(self.submitted_at, self.advised_at or self.ended_at)

    @property
    def is_answered(self) -> bool:
        """Does the centre owe nothing any more?"""
        return self.advised_at is not None or self.ended_at is not None

    def days_left(self, today: date) -> int | None:
        """Days to the deadline, negative when overdue; None while the clock does not run."""
        return (self.deadline - today).days if self.clock == rules.RUNNING else None

    def age(self, today: date) -> str:
        """Age in years; two where the birth date leaves both open."""
        return age_text(self.identity.birth_date, today)


def age_text(born: PartialDate | None, today: date) -> str:
    """Age in whole years on a day, as 63, or 62–63 where the birth date is partial."""
    if born is None:
        return ""
    low, high = (_years(day, today) for day in (born.latest, born.earliest))
    return str(low) if low == high else f"{max(low, 0)}–{high}"


def _years(born: date, today: date) -> int:
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


def today_here(viewer: Viewer) -> date:
    """The day it is at the viewer's organisation."""
    return rules.local_day(now(), viewer.seat.time_zone if viewer.seat else "UTC")


def worklist(
    viewer: Viewer,
    filters: Filters = Filters(),
    *,
    after: Mark | None = None,
    before: Mark | None = None,
    only: Sequence[UUID] | None = None,
    limit: int = 50,
    named: bool = True,
) -> list[WorkRow]:
    """What was sent to the viewer's centre, by urgency, deadline and id, in one query.

    `only` narrows to the patients a search found, in every state. One row more than `limit` tells
    that the list goes on; read on with the `mark` of the last row shown, or back with `before` and
    that of the first: then the row more is the first one. Not `named`: nobody's name is opened.
    """
    viewer.need(Right.TRIAGE)
    mark = after or before
    shape = Shape.of(filters, after, before, searched=only is not None)
    values = {
        **given(viewer, filters),
        "moment": now(),
        "rows": limit + 1,
        **({"only": list(only)} if only is not None else {}),
        **(dict(zip(("rank", "due", "last"), mark, strict=True)) if mark else {}),
    }
    if only is None:
        rows: Any = answer(_statement(shape), values)
    else:
        rows = db.session.connection().execute(_statement(shape), values).all()
    known: dict[tuple[str, bool, bool], tuple[Step, ...]] = {}
    return [_work_row(viewer, row, known, named) for row in (reversed(rows) if before else rows)]


@dataclass(frozen=True)
class Shape:
    """What a question to the worklist is made of, whatever its values: the same shape is the same
    statement, put together once."""

    state: str = "phase"  # phase, state; all where patients were searched for
    site: bool = False
    grade: bool = False
    assignee: str = ""  # "", one, none
    overdue: bool = False
    way: str = ""  # "", after, before
    rank: int = 0  # of the mark, where only those overdue are read

    @classmethod
    def of(
        cls, filters: Filters, after: Mark | None, before: Mark | None, *, searched: bool
    ) -> Shape:
        """The shape of a question."""
        if searched:
            return cls(state="all")
        mark = after or before
        return cls(
            state="state" if filters.state in rules.STATES else "phase",
            site=bool(filters.site_group),
            grade=bool(filters.grade_group),
            assignee="none" if filters.assignee == "none" else "one" if filters.assignee else "",
            overdue=filters.overdue,
            way="after" if after else "before" if before else "",
            rank=mark[0] if mark and filters.overdue else 0,
        )


_R, _P = table_of(Referral), table_of(Patient)
_PLACE = (_R.c.urgency_rank, _R.c.deadline, _R.c.id)
_HOSPITAL, _ASSIGNEE = table_of(Organisation).alias(), table_of(Person).alias()
_SHOWN = (
    "id", "version", "state", "question", "urgency_derived", "red_flags", "primary_site",
    "site_group", "grade_category", "grade_status", "stage", "stage_derived", "syndrome",
    "missing_count", "deadline", "look_due", "clock", "submitted_at", "advised_at", "ended_at",
    "urgency_rank", "from_organisation_id", "entered_at_organisation_id",
)  # fmt: skip
_NAMED = (
    _P.c.id.label("patient_id"), _P.c.pseudonym, _P.c.family_name, _P.c.given_names,
    _P.c.birth_date, _P.c.sex_at_birth,
    _HOSPITAL.c.name.label("hospital"), _ASSIGNEE.c.name.label("assignee"),
)  # fmt: skip


def _known() -> sa.ColumnElement[bool]:
    """Has the centre a care relation with the patient now? Asked row by row, so that a page costs
    the same however many patients a centre has."""
    relation = table_of(CareRelation)
    asked = sa.select(relation.c.id).where(
        relation.c.patient_id == _R.c.patient_id,
        relation.c.organisation_id == sa.bindparam("centre", type_=sa.Uuid()),
        sa.or_(
            relation.c.until_at.is_(None),
            relation.c.until_at > sa.bindparam("moment", type_=Moment()),
        ),
    )
    return asked.limit(1).correlate(_R).scalar_subquery().is_not(None)


def narrowed(shape: Shape) -> list[sa.ColumnElement[bool]]:
    """What a row of the list must be, for values put in later (`given`)."""
    wanted: list[sa.ColumnElement[bool]] = [
        _R.c.to_organisation_id == sa.bindparam("centre", type_=sa.Uuid()),
        _R.c.submitted_at.is_not(None),
    ]
    if shape.state == "state":
        wanted.append(_R.c.state == sa.bindparam("state"))
    elif shape.state == "phase":
        wanted.append(_R.c.phase == sa.bindparam("phase"))
    else:
        wanted.append(_R.c.patient_id.in_(sa.bindparam("only", expanding=True, type_=sa.Uuid())))
    if shape.site:
        wanted.append(_R.c.site_group == sa.bindparam("site"))
    if shape.grade:
        wanted.append(_R.c.grade_group == sa.bindparam("grade"))
    if shape.assignee == "one":
        wanted.append(_R.c.assignee_id == sa.bindparam("assignee", type_=sa.Uuid()))
    elif shape.assignee == "none":
        wanted.append(_R.c.assignee_id.is_(None))
    if shape.overdue:
        wanted += [
            _R.c.deadline < sa.bindparam("today", type_=sa.Date()),
            _R.c.clock == rules.RUNNING,
        ]
    return wanted


def given(viewer: Viewer, filters: Filters) -> dict[str, Any]:
    """The values of a question; those its statement does not ask for are passed over."""
    who = filters.assignee
    return {
        "centre": viewer.organisation_id,
        "state": filters.state,
        "phase": filters.state if filters.state in rules.PHASES else rules.LIVE,
        "site": "" if filters.site_group == "none" else filters.site_group,
        "grade": filters.grade_group,
        "assignee": viewer.person_id if who == "me" else UUID(who) if len(who) > 4 else None,
        "today": today_here(viewer),
    }


def _place_of_mark(names: tuple[str, ...], columns: tuple[Any, ...], way: str) -> Any:
    types: dict[str, Any] = {"rank": sa.Integer(), "due": sa.Date(), "last": sa.Uuid()}
    mark = sa.tuple_(*(sa.bindparam(name, type_=types[name]) for name in names))
    return sa.tuple_(*columns) > mark if way == "after" else sa.tuple_(*columns) < mark


def _ids(shape: Shape) -> Any:
    """The ids of one page: a range of an index, from the mark on."""
    rows = sa.bindparam("rows", type_=sa.Integer())
    wanted = [*narrowed(shape), _known()]
    back = shape.way == "before"
    if not shape.overdue:
        if shape.way:
            wanted.append(_place_of_mark(("rank", "due", "last"), _PLACE, shape.way))
        order = [one.desc() if back else one for one in _PLACE]
        return sa.select(_R.c.id).where(*wanted).order_by(*order).limit(rows).subquery()
    # Those overdue are one range within each urgency.
    parts = []
    for rank in range(1, len(rules.URGENCIES) + 1):
        if (shape.way == "after" and rank < shape.rank) or (back and rank > shape.rank):
            continue
        here = [*wanted, _R.c.urgency_rank == rank]
        if shape.way and rank == shape.rank:
            here.append(_place_of_mark(("due", "last"), _PLACE[1:], shape.way))
        order = [one.desc() if back else one for one in _PLACE[1:]]
        part = sa.select(_R.c.id).where(*here).order_by(*order).limit(rows).subquery()
        parts.append(sa.select(part.c.id))
    return sa.union_all(*parts).subquery()


@cache
def _statement(shape: Shape) -> sa.Select[Any]:
    ids = _ids(shape)
    order = [one.desc() if shape.way == "before" else one for one in _PLACE]
    return (
        sa.select(*(_R.c[name] for name in _SHOWN), *_NAMED)
        .select_from(ids)
        .join(_R, _R.c.id == ids.c.id)
        .join(_P, _P.c.id == _R.c.patient_id)
        .join(_HOSPITAL, _HOSPITAL.c.id == _R.c.from_organisation_id)
        .outerjoin(_ASSIGNEE, _ASSIGNEE.c.id == _R.c.assignee_id)
        .order_by(*order)
        .limit(sa.bindparam("rows", type_=sa.Integer()))
    )


def _work_row(
    viewer: Viewer,
    found: Any,
    known: dict[tuple[str, bool, bool], tuple[Step, ...]],
    named: bool,
) -> WorkRow:
    here = viewer.organisation_id
    stands = (
        found.state,
        found.from_organisation_id == here,
        found.entered_at_organisation_id == here,
    )
    if stands not in known:
        known[stands] = _steps(viewer, *stands, other=not stands[1])
    return WorkRow(
        id=found.id,
        version=found.version,
        state=found.state,
        identity=patients.identity_of(
            found.patient_id,
            found.pseudonym,
            (found.family_name, found.given_names) if named else (None, None),
            found.birth_date,
            found.sex_at_birth,
        ),
        hospital=found.hospital,
        assignee=found.assignee or "",
        question=found.question or "",
        urgency=rules.urgency_of(found.urgency_rank),
        urgency_derived=found.urgency_derived or {},
        red_flags=tuple(found.red_flags or ()),
        primary_site=found.primary_site,
        site_group=found.site_group,
        grade_category=found.grade_category,
        grade_status=found.grade_status,
        stage=found.stage,
        stage_derived=found.stage_derived,
        syndrome=found.syndrome,
        missing_count=found.missing_count,
        deadline=found.deadline,
        look_due=found.look_due,
        clock=found.clock,
        submitted_at=found.submitted_at,
        advised_at=found.advised_at,
        ended_at=found.ended_at,
        urgency_rank=found.urgency_rank,
        steps=known[stands],
    )


def _steps(
    viewer: Viewer, state: str, from_here: bool, entered_here: bool, *, other: bool
) -> tuple[Step, ...]:
    """The steps the viewer may take on a case of the own centre, by where it comes from."""
    if not viewer.may(Right.STEP):
        return ()
    acting = {Side.CENTRE}
    if from_here:
        acting.add(Side.REFERRING)
    if entered_here and other:
        acting.add(Side.ON_BEHALF)
    return tuple(rules.steps_for(state, acting, viewer.roles))


def colleagues(viewer: Viewer) -> Sequence[Person]:
    """Who at the viewer's centre can take a case."""
    if viewer.organisation_id is None:
        return ()
    return people.members(viewer.organisation_id, takers())


def takers() -> frozenset[Any]:
    """The roles of those who can take a case."""
    assign = rules.step_of(rules.SUBMITTED, "assign")
    return assign.who[Side.CENTRE] if assign else frozenset()
