"""Which referrals a viewer may know of, and from which side they act on one.

A draft is seen by the hospital it comes from (and by the centre whose coordinator entered it),
never by the centre it is addressed to.
"""

from __future__ import annotations

from functools import cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from registry.access import Right, Viewer
from registry.db import Moment, begin_writing, db, now, table_of
from registry.errors import Forbidden, NotFound
from registry.patients import queries as patients
from registry.patients import rules as relations
from registry.patients.models import CareRelation
from registry.referrals import rules
from registry.referrals.models import (
    FormerCentre,
    Referral,
)
from registry.referrals.rules import Side, Step


def knows_patient(viewer: Viewer) -> sa.ColumnElement[bool]:
    """Does the viewer's organisation have a care relation with the referral's patient now?"""
    return _of_a_patient(patients.related_to(viewer))


def knows_at(here: Any, moment: Any) -> sa.ColumnElement[bool]:
    """The same of an organisation at a moment, or where these are put in later."""
    return _of_a_patient(patients.related(here, moment))


def _of_a_patient(related: sa.Select[Any]) -> sa.ColumnElement[bool]:
    own = related.where(CareRelation.patient_id == Referral.patient_id)
    return own.correlate(Referral).exists()


def from_here(viewer: Viewer) -> sa.ColumnElement[bool]:
    """Referrals of the viewer's own hospital, or entered here for another."""
    return sent_from(viewer.organisation_id)


def sent_from(here: Any) -> sa.ColumnElement[bool]:
    """The same of an organisation, or of what will stand for it."""
    return sa.or_(
        Referral.from_organisation_id == here, Referral.entered_at_organisation_id == here
    )


def referral(viewer: Viewer, referral_id: UUID | None) -> Referral:
    """A referral to read. Raises NotFound to a stranger."""
    if referral_id is None or not viewer.may(Right.READ_REFERRAL):
        raise NotFound()
    moment = now()
    given = {"id": referral_id, "here": viewer.organisation_id, "moment": moment}
    given["left_after"] = moment - relations.AFTER_DECLINING
    found = db.session.scalar(_to_read(), given)
    if found is None:
        raise NotFound()
    return found


@cache
def _to_read() -> sa.Select[Referral]:
    here: sa.BindParameter[Any] = sa.bindparam("here", type_=sa.Uuid())
    sent = Referral.submitted_at.is_not(None)
    return (
        sa.select(Referral)
        .options(
            joinedload(Referral.patient),
            joinedload(Referral.from_organisation),
            joinedload(Referral.to_organisation),
        )
        .where(
            Referral.id == sa.bindparam("id", type_=sa.Uuid()),
            sa.or_(sent, Referral.state == rules.DRAFT),
            sa.or_(
                sent_from(here),
                sa.and_(Referral.to_organisation_id == here, sent),
                _passed_on(here),
            ),
            knows_at(here, sa.bindparam("moment", type_=Moment())),
        )
    )


def _passed_on(here: Any) -> sa.ColumnElement[bool]:
    """Referrals a centre passed on not long ago: it may read them for a while."""
    had = sa.select(FormerCentre.id).where(
        FormerCentre.referral_id == Referral.id,
        FormerCentre.organisation_id == here,
        FormerCentre.left_at > sa.bindparam("left_after", type_=Moment()),
    )
    return had.correlate(Referral).exists()


def sides(viewer: Viewer, found: Referral) -> frozenset[Side]:
    """From where the viewer acts on a referral they were given."""
    here, acting = viewer.organisation_id, set()
    if here == found.from_organisation_id:
        acting.add(Side.REFERRING)
    if here == found.entered_at_organisation_id and found.entered_for_another:
        acting.add(Side.ON_BEHALF)
    if here == found.to_organisation_id and found.state != rules.DRAFT:
        acting.add(Side.CENTRE)
    return frozenset(acting)


def steps(viewer: Viewer, found: Referral) -> list[Step]:
    """The steps the viewer may take now."""
    if not viewer.may(Right.STEP):
        return []
    return rules.steps_for(found.state, sides(viewer, found), viewer.roles)


def step(viewer: Viewer, found: Referral, name: str) -> Step | None:
    """A step the viewer may take, or None where it is not one of this state.

    Raises Forbidden where the state has the step and the viewer may not take it.
    """
    known = rules.step_of(found.state, name)
    if known is None:
        return None
    if not viewer.may(Right.STEP) or not rules.may_take(known, sides(viewer, found), viewer.roles):
        raise Forbidden()
    return known


def referral_to_write(viewer: Viewer, referral_id: UUID | None) -> Referral:
    """A referral whose form the viewer may change now: a draft, or one that awaits information.

    NotFound to a stranger, Forbidden to a reader and once it is with the centre.
    """
    return to_write(viewer, referral(viewer, referral_id))


def to_write(viewer: Viewer, found: Referral) -> Referral:
    """The same of one that was fetched for the viewer. Raises Forbidden."""
    names = {step.name for step in steps(viewer, found)}
    if not names & {"submit", "give_information"}:
        raise Forbidden()
    return found


def by_form_key(viewer: Viewer, key: UUID) -> Referral | None:
    """The draft that the same first page already made, if it did."""
    return db.session.scalar(sa.select(Referral).where(Referral.form_key == key, from_here(viewer)))


def fresh(found: Referral) -> Referral:
    """The same referral as it is now, held until the end of the transaction: of two who decide
    at once the second waits here and then sees what the first did."""
    begin_writing()
    stands = db.session.connection().execute(_held(), {"id": found.id}).one()
    # Whatever was written, also without a new version: deadlines, looks, whose patient it is.
    if any(getattr(found, name) != value for name, value in stands._mapping.items()):
        db.session.refresh(found)
    return found


@cache
def _held() -> sa.Select[Any]:
    table = table_of(Referral)
    return sa.select(table).where(table.c.id == sa.bindparam("id")).with_for_update()
