"""Joining two records of one person, and taking them apart again.

One record is kept and everything of the other moves to it; what stood where is remembered by id.
Taken apart, each has again what was its own, with every edit made meanwhile; what was added
meanwhile stays with the kept record unless it hangs on something of the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from registry import audit
from registry.access import Viewer
from registry.dates import PartialDate
from registry.db import db, new_id, now
from registry.errors import Conflict, Invalid
from registry.language import gettext as _
from registry.patients import actions as patients
from registry.patients import rules as relations
from registry.patients.matching import asking, moving, states
from registry.patients.matching.models import IdentityChange, Match, Merge
from registry.patients.models import CareRelation, Consent, Patient

#: What each side may say otherwise, so that somebody chooses.
IDENTITY = (
    "family_name", "given_names", "birth_date", "sex_at_birth", "national_number", "telephone",
    "address", "country", "region",
)  # fmt: skip
SEALED = frozenset({"family_name", "given_names", "national_number", "telephone", "address"})
#: The stricter answer first: of two, the one that stands first here holds.
STRICTNESS = ("no", "yes", "not_asked")


def value_of(patient: Patient, name: str) -> Any:
    """A column of who a patient is, opened; None or empty where nothing is known."""
    return patient.reveal(name) if name in SEALED else getattr(patient, name)


# -- joining -----------------------------------------------------------------------------------


def join(
    kept: Patient, moved: Patient, *, by: Viewer, because: str, take: Sequence[str],
    chosen: Mapping[str, str] | None = None, match: Match | None = None,
) -> Merge:  # fmt: skip
    """Join `moved` to `kept`. `take` names the columns of identity that the moved record has right;
    what only the moved one knows is taken in any case. `chosen` answers `asking.questions`.

    Raises Invalid without a reason, or where a patient does not want to share; Conflict where one
    of the two is joined already or a step came between.
    """
    if not because.strip():
        raise Invalid(_("Say why they are one person."), field="because")
    _lock(kept.id, moved.id)
    _refuse_joined(kept.id, moved.id)
    refuse_unwanted(kept.id, moved.id)
    db.session.flush()
    settled = asking.settle(kept.id, moved.id, dict(chosen or {}), by=by)
    at = now()
    before = {
        "settled": settled,
        "kept": moving.rows_of(kept.id).as_json(),
        "moved": moving.rows_of(moved.id).as_json(),
        "consent": {"kept": _consents(kept.id), "moved": _consents(moved.id)},
        "relation": {"kept": _relations(kept.id), "moved": _relations(moved.id)},
    }
    made = Merge(
        id=new_id(), kept_id=kept.id, moved_id=moved.id, because=because.strip(), at=at,
        by=by.person_id, organisation_id=by.organisation_id, before=before,
        match_id=match.id if match else None,
    )  # fmt: skip
    moving.drop_derived(kept.id, moved.id)
    moving.move(moving.rows_of(moved.id).of, to=kept.id)
    _join_consents(kept.id, moved.id, at)
    _join_relations(kept.id, moved.id, at)
    made.taken = _take(kept, moved, take, by=by)
    db.session.add(made)
    db.session.flush()
    for one in (kept, moved):  # who may see it finds it, by the names of both
        patients.index(one)
    if match is not None:
        match.state, match.decided_at = states.JOINED, at
        match.decided_by, match.decided_organisation_id = by.person_id, by.organisation_id
    db.session.flush()
    moving.make_derived(kept.id)
    for one in (kept, moved):
        audit.record(
            "joined records", by=by, subject=("patient_merge", made.id), patient_id=one.id,
            changes={"taken": [None, made.taken], "because": [None, made.because]},
        )  # fmt: skip
    return made


def _lock(*ids: UUID) -> None:
    """Nobody changes, or adds to, either record meanwhile; always in the same order."""
    query = sa.select(Patient.id).where(Patient.id.in_(ids)).order_by(Patient.id)
    db.session.execute(query.with_for_update())


def _refuse_joined(*ids: UUID) -> None:
    query = sa.select(Merge.id).where(Merge.moved_id.in_(ids), Merge.undone_at.is_(None))
    if db.session.scalar(query.limit(1)) is not None:
        raise Conflict(_("One of the two was joined to another record meanwhile."))


def refuse_unwanted(one: UUID, other: UUID) -> None:
    """A patient who said no to sharing for care is not shown to more centres by joining records.
    Raises Invalid."""
    query = sa.select(CareRelation.patient_id, CareRelation.organisation_id).where(
        CareRelation.patient_id.in_((one, other)),
        sa.or_(CareRelation.until_at.is_(None), CareRelation.until_at > now()),
    )
    places: dict[UUID, set[UUID]] = {one: set(), other: set()}
    for patient_id, organisation_id in db.session.execute(query):
        places[patient_id].add(organisation_id)
    for mine, theirs in ((one, other), (other, one)):
        new = places[theirs] - places[mine]
        if new and _answers(mine).get("care") == "no":
            raise Invalid(
                _("The patient said no to sharing for care, so another centre cannot be given it.")
            )


# -- who the patient is ------------------------------------------------------------------------


def contradictions(kept: Patient, moved: Patient) -> list[str]:
    """The columns of identity on which two records differ, so that somebody has to choose."""
    return [
        name
        for name in IDENTITY
        if value_of(kept, name)
        and value_of(moved, name)
        and value_of(kept, name) != value_of(moved, name)
    ]


def _take(kept: Patient, moved: Patient, take: Sequence[str], *, by: Viewer) -> list[str]:
    chosen = [
        name
        for name in IDENTITY
        if value_of(moved, name)
        and value_of(moved, name) != value_of(kept, name)
        and (name in take or not value_of(kept, name))
    ]
    facts = {name: value_of(moved, name) for name in chosen}
    patients.change(kept, by=by, facts=facts, kind="joined")
    return chosen


# -- consent -----------------------------------------------------------------------------------


def _consents(patient_id: UUID) -> dict[str, dict[str, str | None]]:
    query = sa.select(Consent).where(Consent.patient_id == patient_id)
    return {
        str(one.id): {"ended_at": one.ended_at.isoformat() if one.ended_at else None}
        for one in db.session.scalars(query)
    }


def _in_force(patient_id: UUID) -> dict[str, Consent]:
    query = sa.select(Consent).where(Consent.patient_id == patient_id, Consent.ended_at.is_(None))
    return {one.purpose: one for one in db.session.scalars(query)}


def _answers(patient_id: UUID) -> dict[str, str]:
    return {purpose: one.answer for purpose, one in _in_force(patient_id).items()}


def stricter(one: str, other: str) -> str:
    """Of two answers, the one that holds: a no before a yes; *not asked* is no answer."""
    return min(one, other, key=STRICTNESS.index)


def consents_of_both(kept_id: UUID, moved_id: UUID) -> list[tuple[Any, str, str, str]]:
    """(purpose, answer of the kept, of the other, what holds) for each purpose anybody asked."""
    mine, theirs = _answers(kept_id), _answers(moved_id)
    return [
        (label, mine.get(one, ""), theirs.get(one, ""),
         stricter(mine.get(one, "not_asked"), theirs.get(one, "not_asked")))
        for one, label in relations.PURPOSES.items()
        if one in mine or one in theirs
    ]  # fmt: skip


def _join_consents(kept_id: UUID, moved_id: UUID, at: datetime) -> None:
    ours, theirs = _in_force(kept_id), _in_force(moved_id)
    for purpose in set(ours) & set(theirs):
        mine, other = ours[purpose], theirs[purpose]
        holds = stricter(mine.answer, other.answer)
        loser = other if mine.answer == holds else mine
        loser.ended_at = at
    db.session.flush()
    db.session.execute(
        sa.update(Consent).where(Consent.patient_id == moved_id).values(patient_id=kept_id)
    )
    db.session.expire_all()


def _part_consents(merge: Merge) -> None:
    """Each has its own answers again. A no that was said while they were one holds for both."""
    before = merge.before["consent"]
    meanwhile = {
        purpose: one
        for purpose, one in _in_force(merge.kept_id).items()
        if str(one.id) not in {*before["kept"], *before["moved"]}
    }
    every = {
        str(one.id): one
        for one in db.session.scalars(sa.select(Consent).where(Consent.patient_id == merge.kept_id))
    }
    for one in every.values():  # nothing is in force twice while rows move
        if one.ended_at is None and str(one.id) not in {str(m.id) for m in meanwhile.values()}:
            one.ended_at = merge.at
    db.session.flush()
    for side, patient_id in (("moved", merge.moved_id), ("kept", merge.kept_id)):
        for consent_id, was in before[side].items():
            one = every[consent_id]
            one.patient_id = patient_id
            answered = side == "kept" and one.purpose in meanwhile
            if was["ended_at"] is None:
                one.ended_at = meanwhile[one.purpose].recorded_at if answered else None
        db.session.flush()
    theirs = _in_force(merge.moved_id)
    for purpose, said in meanwhile.items():
        if said.answer == "no" and (purpose not in theirs or theirs[purpose].answer != "no"):
            if purpose in theirs:
                theirs[purpose].ended_at = said.recorded_at
                db.session.flush()
            db.session.add(
                Consent(
                    id=new_id(), patient_id=merge.moved_id, purpose=purpose, answer="no",
                    form_version=said.form_version, given_on=said.given_on,
                    recorded_at=said.recorded_at, recorded_by=said.recorded_by,
                )
            )  # fmt: skip
    db.session.flush()


# -- care relations ----------------------------------------------------------------------------


def _relations(patient_id: UUID) -> dict[str, dict[str, str | None]]:
    query = sa.select(CareRelation).where(CareRelation.patient_id == patient_id)
    return {str(one.id): _relation(one) for one in db.session.scalars(query)}


def _relation(one: CareRelation) -> dict[str, str | None]:
    return {
        "organisation": str(one.organisation_id),
        "kind": one.kind,
        "from": one.from_at.isoformat(),
        "until": one.until_at.isoformat() if one.until_at else None,
    }


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    """The later of two ends; None is no end."""
    return None if one is None or other is None else max(one, other)


def _join_relations(kept_id: UUID, moved_id: UUID, at: datetime) -> None:
    """Who could see one of the two sees the joined record. Of two of one kind the kept one lasts
    as long as either; the other stays behind, ended."""
    query = sa.select(CareRelation).where(CareRelation.patient_id.in_((kept_id, moved_id)))
    rows = list(db.session.scalars(query.order_by(CareRelation.id)))
    ours = {(one.organisation_id, one.kind): one for one in rows if one.patient_id == kept_id}
    for one in rows:
        if one.patient_id == kept_id:
            continue
        same = ours.get((one.organisation_id, one.kind))
        if same is None:
            one.patient_id = kept_id
            continue
        same.until_at = _later(same.until_at, one.until_at)
        same.from_at = min(same.from_at, one.from_at)
        if one.until_at is None or one.until_at > at:
            one.until_at = at
    db.session.flush()


def _part_relations(merge: Merge) -> None:
    before = merge.before["relation"]
    query = sa.select(CareRelation).where(
        CareRelation.patient_id.in_((merge.kept_id, merge.moved_id))
    )
    rows = {str(one.id): one for one in db.session.scalars(query)}
    of_kept = {(was["organisation"], was["kind"]): key for key, was in before["kept"].items()}
    for key, was in before["moved"].items():
        row, twin = rows[key], of_kept.get((was["organisation"], was["kind"]))
        if twin is None:
            row.patient_id = merge.moved_id  # as it is now: it was the same row all along
            continue
        mine = before["kept"][twin]
        joined = _later(_moment(mine["until"]), _moment(was["until"]))
        kept = rows[twin]
        changed = kept.until_at != joined
        row.until_at = kept.until_at if changed else _moment(was["until"])
        kept.from_at = _required(mine["from"])
        if not changed:
            kept.until_at = _moment(mine["until"])
    db.session.flush()
    _part_new_relations(merge, rows, before)


def _part_new_relations(
    merge: Merge, rows: Mapping[str, CareRelation], before: Mapping[str, Mapping[str, Any]]
) -> None:
    """A relation begun meanwhile: of the record whose organisation it was already; of both, where
    it was of both; else of the kept one."""
    had = {
        side: {was["organisation"] for was in before[side].values()} for side in ("kept", "moved")
    }
    for key, row in rows.items():
        if key in before["kept"] or key in before["moved"]:
            continue
        place = str(row.organisation_id)
        if place in had["moved"] and place not in had["kept"]:
            row.patient_id = merge.moved_id
        elif place in had["moved"]:
            db.session.add(
                CareRelation(
                    patient_id=merge.moved_id, organisation_id=row.organisation_id, kind=row.kind,
                    why=row.why, from_at=row.from_at, until_at=row.until_at,
                )
            )  # fmt: skip
    db.session.flush()


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _required(text: str | None) -> datetime:
    return datetime.fromisoformat(text or "")


# -- what came too late ------------------------------------------------------------------------


def gather(merge: Merge) -> int:
    """Move what somebody wrote to the joined record in the very moment it was joined; returns how
    many rows. They count as that record's own when it is taken apart."""
    late = moving.rows_of(merge.moved_id)
    if not late.ids():
        return 0
    known = moving.from_json(merge.before["moved"])
    for table, rows in late.of.items():
        known.of.setdefault(table, {}).update(rows)
    moving.drop_derived(merge.kept_id, merge.moved_id)
    moving.move(late.of, to=merge.kept_id)
    merge.before = {**merge.before, "moved": known.as_json()}
    db.session.flush()
    moving.make_derived(merge.kept_id)
    return len(late.ids())


# -- taking apart ------------------------------------------------------------------------------


def take_apart(merge: Merge, *, by: Viewer, because: str) -> None:
    """Take two joined records apart: both are as they would have been. Raises Invalid without a
    reason; Conflict where it was done already, or where the kept record was itself joined to a
    third one since: that is taken apart first."""
    if not because.strip():
        raise Invalid(_("Say why they are two people."), field="because")
    _lock(merge.kept_id, merge.moved_id)
    db.session.refresh(merge)
    if merge.undone_at is not None:
        raise Conflict(_("They were taken apart already."))
    _refuse_later(merge)
    db.session.flush()
    kept_before = moving.from_json(merge.before["kept"])
    moved_before = moving.from_json(merge.before["moved"])
    present = moving.rows_of(merge.kept_id)
    gone = moving.follow(present, moved_before.ids(), kept_before.ids())
    every = {one for rows in gone.values() for one in rows}
    both = moving.Rows(
        {
            table: {**kept_before.of.get(table, {}), **moved_before.of.get(table, {})}
            for table in {*kept_before.of, *moved_before.of}
        }
    )
    moving.drop_derived(merge.kept_id, merge.moved_id)
    untied = moving.untie(present, every, both)
    moving.move(gone, to=merge.moved_id)
    _part_consents(merge)
    _part_relations(merge)
    kept = db.session.get_one(Patient, merge.kept_id)
    _give_back(merge, kept, by=by)
    asking.take_back(merge.before["settled"], by=by)
    merge.undone_at, merge.undone_by, merge.undone_because = now(), by.person_id, because.strip()
    _remember_apart(merge, by)
    db.session.flush()
    for one in (kept, db.session.get_one(Patient, merge.moved_id)):
        patients.index(one)
    moving.make_derived(merge.kept_id, merge.moved_id)
    for patient_id in (merge.kept_id, merge.moved_id):
        audit.record(
            "took records apart", by=by, subject=("patient_merge", merge.id),
            patient_id=patient_id,
            changes={"because": [None, because.strip()], "untied": [None, untied]},
        )  # fmt: skip


def _refuse_later(merge: Merge) -> None:
    """The last that was joined to, or with, the kept record is taken apart first."""
    query = sa.select(Merge.id).where(
        Merge.undone_at.is_(None),
        Merge.id != merge.id,
        sa.or_(
            Merge.moved_id == merge.kept_id,
            sa.and_(Merge.kept_id == merge.kept_id, Merge.at > merge.at),
        ),
    )
    if db.session.scalar(query.limit(1)) is not None:
        raise Conflict(_("Another record was joined later: take that one apart first."))


def _give_back(merge: Merge, kept: Patient, *, by: Viewer) -> None:
    """Who the kept patient was, where it was taken from the other and nobody changed it since."""
    if not merge.taken:
        return
    was = db.session.scalar(
        sa.select(IdentityChange)
        .where(IdentityChange.patient_id == kept.id, IdentityChange.kind == "joined",
               IdentityChange.at >= merge.at)
        .order_by(IdentityChange.at, IdentityChange.id)
        .limit(1)
    )  # fmt: skip
    moved = db.session.get_one(Patient, merge.moved_id)
    if was is None:
        return
    before = was.reveal()
    facts = {
        name: _typed(name, before[name])
        for name in merge.taken
        if name in before and value_of(kept, name) == value_of(moved, name)
    }
    patients.change(kept, by=by, facts=facts, kind="taken apart")


def _typed(name: str, text: str | None) -> Any:
    if name == "birth_date":
        return PartialDate(text) if text else None
    return text or (None if name not in SEALED else "")


def _remember_apart(merge: Merge, by: Viewer) -> None:
    """Nobody is asked again whether these two are one."""
    match = db.session.get(Match, merge.match_id) if merge.match_id else None
    if match is None:
        match = db.session.scalar(
            sa.select(Match).where(
                sa.or_(
                    sa.and_(Match.first_id == merge.kept_id, Match.second_id == merge.moved_id),
                    sa.and_(Match.first_id == merge.moved_id, Match.second_id == merge.kept_id),
                )
            )
        )
    if match is not None:
        match.state, match.decided_at = states.APART, now()
        match.decided_by, match.decided_organisation_id = by.person_id, by.organisation_id
