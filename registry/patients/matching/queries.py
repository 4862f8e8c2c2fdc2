"""Reading pairs and joined records: a data manager sees what their organisation is asked about.

A pair that is asked of another side does not exist for the viewer: neither on a page nor counted.
Of a record the viewer may not see, a pair gives the agreement and nothing else, until both sides
have said that it is one person.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from registry.access import Right, Role, Viewer
from registry.db import db
from registry.errors import NotFound
from registry.patients import queries as patients
from registry.patients.matching import finding, merging, moving, pairs, rules, states
from registry.patients.matching.models import IdentityChange, Match, MatchAnswer, Merge
from registry.patients.models import Patient
from registry.people import queries as people


@dataclass(frozen=True)
class Side:
    """One record of a pair. `person` is opened only for who may see it."""

    which: str
    patient: Patient | None
    person: rules.Person | None
    number: str = ""

    @property
    def name(self) -> str:
        """Who it is, or nothing."""
        return self.patient.full_name if self.patient else ""


@dataclass(frozen=True)
class Pair:
    """A pair as its viewer may see it."""

    id: UUID
    version: int
    state: str
    asked: str
    found_at: datetime
    first: Side
    second: Side
    agreement: list[tuple[Any, Any]]
    levels: dict[str, str]
    #: Whose answer the viewer gives: first, second, or both.
    mine: str
    said: dict[str, MatchAnswer]
    decided_at: datetime | None
    may_join: bool

    @property
    def shown(self) -> list[Side]:
        """The sides the viewer may see."""
        return [one for one in (self.first, self.second) if one.patient is not None]


def _seen(viewer: Viewer) -> sa.ColumnElement[bool]:
    """Is the viewer's organisation asked about a pair, or was it?"""
    first, second = (finding.known_to(viewer, c) for c in (Match.first_id, Match.second_id))
    each = sa.or_(Match.asked == states.EACH_SIDE, Match.state == states.JOINED)
    return sa.or_(
        sa.and_(first, second),
        sa.and_(first, Match.asked == states.ONE_SIDE),
        sa.and_(sa.or_(first, second), each),
    )


def answers(viewer: Viewer) -> bool:
    """Does the viewer answer for the organisation? A lead does where it has no data manager."""
    viewer.need(Right.MATCH)
    if Role.DATA_MANAGER in viewer.roles or viewer.organisation_id is None:
        return True
    asked = pairs.who_answer([viewer.organisation_id]).get(viewer.organisation_id, [])
    return viewer.person_id in asked or (viewer.seat is not None and viewer.seat.for_id in asked)


def _need(viewer: Viewer) -> None:
    """To whoever does not answer for the organisation there are no pairs."""
    if not answers(viewer):
        raise NotFound()


def listed(viewer: Viewer, *, show: str = "open", limit: int = 100) -> list[Pair]:
    """The pairs the viewer's organisation is asked about, the likeliest first; or those decided,
    the newest first."""
    _need(viewer)
    query = sa.select(Match).where(_seen(viewer))
    if show == "open":
        query = query.where(Match.state.in_((states.OPEN, states.SAME)))
        query = query.order_by(Match.state.desc(), Match.score.desc(), Match.id)
    else:
        query = query.where(Match.state.in_((states.APART, states.JOINED)))
        query = query.order_by(Match.decided_at.desc(), Match.id)
    found = list(db.session.scalars(query.limit(limit)))
    return _shown(viewer, found)


def match(viewer: Viewer, match_id: UUID) -> Match:
    """A pair to answer. Raises NotFound to whoever is not asked about it."""
    _need(viewer)
    found = db.session.scalar(sa.select(Match).where(Match.id == match_id, _seen(viewer)))
    if found is None:
        raise NotFound()
    return found


def pair(viewer: Viewer, match_id: UUID) -> Pair:
    """A pair as the viewer may see it. Raises NotFound."""
    [found] = _shown(viewer, [match(viewer, match_id)])
    if found.first.patient and found.second.patient:
        return found
    number = {one.which: patients.hospital_number(viewer, one.patient.id)
              for one in found.shown if one.patient}  # fmt: skip
    return replace(
        found,
        first=replace(found.first, number=number.get(states.FIRST, "")),
        second=replace(found.second, number=number.get(states.SECOND, "")),
    )


def _shown(viewer: Viewer, found: Sequence[Match]) -> list[Pair]:
    ids = {one for m in found for one in (m.first_id, m.second_id)}
    mine = set(
        db.session.scalars(
            sa.select(Patient.id).where(Patient.id.in_(ids), finding.known_to(viewer, Patient.id))
        )
    )
    # Once both sides have said that it is one person, who joins them has to see both.
    agreed = {one for m in found if m.state == states.SAME for one in (m.first_id, m.second_id)}
    opened = {
        one.id: one
        for one in db.session.scalars(sa.select(Patient).where(Patient.id.in_(mine | agreed)))
    }
    said = _said([one.id for one in found])
    return [_pair(m, mine, opened, said.get(m.id, {})) for m in found]


def _said(ids: Sequence[UUID]) -> dict[UUID, dict[str, MatchAnswer]]:
    """The newest answer of each side, by pair."""
    query = sa.select(MatchAnswer).where(MatchAnswer.match_id.in_(list(ids)))
    found: dict[UUID, dict[str, MatchAnswer]] = {}
    for one in db.session.scalars(query.order_by(MatchAnswer.at, MatchAnswer.id)):
        found.setdefault(one.match_id, {})[one.side] = one
    return found


def _pair(
    found: Match, mine: set[UUID], opened: dict[UUID, Patient], said: dict[str, MatchAnswer]
) -> Pair:
    def side(which: str, patient_id: UUID) -> Side:
        visible = patient_id in mine or (found.state == states.SAME and bool(mine))
        patient = opened.get(patient_id) if visible else None
        return Side(which, patient, finding.person_of(patient) if patient else None)

    return Pair(
        id=found.id, version=found.version, state=found.state, asked=found.asked,
        found_at=found.found_at,
        first=side(states.FIRST, found.first_id), second=side(states.SECOND, found.second_id),
        agreement=rules.in_words(found.agreement), levels=dict(found.agreement),
        mine=_mine(found, mine), said=said, decided_at=found.decided_at,
        may_join=found.state == states.SAME,
    )  # fmt: skip


def _mine(found: Match, mine: set[UUID]) -> str:
    if found.first_id in mine and found.second_id in mine:
        return states.BOTH
    return states.FIRST if found.first_id in mine else states.SECOND


def side_of(viewer: Viewer, found: Match) -> str:
    """Whose answer the viewer gives of a pair fetched for them."""
    ids = (found.first_id, found.second_id)
    query = sa.select(Patient.id).where(Patient.id.in_(ids), finding.known_to(viewer, Patient.id))
    return _mine(found, set(db.session.scalars(query)))


def to_join(viewer: Viewer, match_id: UUID) -> tuple[Match, Patient, Patient]:
    """A pair both sides hold for one person, with both records, of which the viewer's organisation
    has at least one. Raises NotFound."""
    found = match(viewer, match_id)
    if found.state != states.SAME:
        raise NotFound()
    both = {
        one.id: one
        for one in db.session.scalars(
            sa.select(Patient).where(Patient.id.in_((found.first_id, found.second_id)))
        )
    }
    return found, both[found.first_id], both[found.second_id]


def _word(words: Mapping[UUID, str], one: UUID | None) -> str:
    return words.get(one, "") if one else ""


# -- joined records ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Joined:
    """Two records that were joined, as listed; `own` is the one the viewer may see."""

    merge: Merge
    own: Patient
    by: str
    place: str
    undone_by: str


def merges(viewer: Viewer, limit: int = 100) -> list[Joined]:
    """What was joined of the viewer's patients, and taken apart again, newest first."""
    _need(viewer)
    kept, moved = (finding.known_to(viewer, one) for one in (Merge.kept_id, Merge.moved_id))
    # Taken apart, each side sees its own again, and only that.
    query = (
        sa.select(Merge, Patient)
        .join(Patient, Patient.id == sa.case((kept, Merge.kept_id), else_=Merge.moved_id))
        .where(sa.or_(kept, moved))
        .order_by(Merge.at.desc(), Merge.id.desc())
        .limit(limit)
    )
    rows = list(db.session.execute(query))
    names = people.person_names(one for merge, _own in rows for one in (merge.by, merge.undone_by))
    places = people.organisation_names(merge.organisation_id for merge, _own in rows)
    return [
        Joined(
            merge,
            own,
            _word(names, merge.by),
            _word(places, merge.organisation_id),
            _word(names, merge.undone_by),
        )
        for merge, own in rows
    ]


def merge(viewer: Viewer, merge_id: UUID) -> Joined:
    """Two joined records. Raises NotFound to who may see neither."""
    found = next((one for one in merges(viewer, 1000) if one.merge.id == merge_id), None)
    if found is None:
        raise NotFound()
    return found


def goes_back(found: Merge) -> dict[str, int]:
    """How many rows of each table the other record would have again."""
    gone = moving.follow(
        moving.rows_of(found.kept_id),
        moving.from_json(found.before["moved"]).ids(),
        moving.from_json(found.before["kept"]).ids(),
    )
    return {table: len(rows) for table, rows in gone.items() if rows}


# -- who a patient was -------------------------------------------------------------------------


@dataclass(frozen=True)
class Earlier:
    """What a patient's record said before a change."""

    change: IdentityChange
    values: list[tuple[Any, str, str]]  # label, before, now
    by: str


def identity_history(viewer: Viewer, patient: Patient, limit: int = 50) -> list[Earlier]:
    """Earlier values of who a patient is, newest first. The patient was fetched to be written."""
    query = (
        sa.select(IdentityChange)
        .where(IdentityChange.patient_id == patient.id)
        .order_by(IdentityChange.at.desc(), IdentityChange.id.desc())
        .limit(limit)
    )
    rows = list(db.session.scalars(query))
    names = people.person_names(one.by for one in rows)
    return [Earlier(one, _earlier(patient, one), _word(names, one.by)) for one in rows]


def _earlier(patient: Patient, change: IdentityChange) -> list[tuple[Any, str, str]]:
    was = change.reveal()
    return [
        (label_of(name), was[name] or "", str(merging.value_of(patient, name) or ""))
        for name in change.names
        if name in was
    ]


def earlier(patient: Patient, change_id: UUID) -> IdentityChange:
    """One earlier state of a patient that was fetched to be written. Raises NotFound."""
    found = db.session.get(IdentityChange, change_id)
    if found is None or found.patient_id != patient.id:
        raise NotFound()
    return found


def label_of(name: str) -> Any:
    """A column of who a patient is, in words."""
    return Patient.__table__.c[name].info["variable"].label
