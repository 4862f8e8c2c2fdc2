"""Reading patients: every query takes the viewer, and the care relation decides."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from registry import audit
from registry.access import Right, Viewer
from registry.dates import PartialDate
from registry.db import Moment, db, now, table_of
from registry.errors import Forbidden, NotFound
from registry.keys import ring
from registry.language import gettext as _
from registry.patients import rules
from registry.patients.matching import names
from registry.patients.matching.models import IdentityChange, Merge
from registry.patients.models import CareRelation, Consent, LocalIdentifier, Patient, Restriction


def related_to(viewer: Viewer, kinds: Iterable[str] = rules.RELATIONS) -> sa.Select[Any]:
    """The ids of patients the viewer's organisation has a care relation with, for `in_`."""
    return related(viewer.organisation_id, now(), kinds)


def related(here: Any, moment: Any, kinds: Iterable[str] = rules.RELATIONS) -> sa.Select[Any]:
    """The same of an organisation at a moment, or where these are put in later: for a statement
    that is put together once."""
    return sa.select(CareRelation.patient_id).where(
        CareRelation.organisation_id == here,
        CareRelation.kind.in_(list(kinds)),
        sa.or_(CareRelation.until_at.is_(None), CareRelation.until_at > moment),
    )


@cache
def _relation() -> sa.Select[Any]:
    """Asked for every page about a patient, so it is put together once; so are those below."""
    return sa.select(CareRelation.kind).where(
        CareRelation.patient_id == sa.bindparam("patient"),
        CareRelation.organisation_id == sa.bindparam("here"),
        sa.or_(CareRelation.until_at.is_(None), CareRelation.until_at > sa.bindparam("now")),
    )


def relation(viewer: Viewer, patient_id: UUID) -> frozenset[str]:
    """The kinds of care relation the viewer's organisation has with a patient now."""
    given = {"patient": patient_id, "here": viewer.organisation_id, "now": now()}
    return frozenset(db.session.connection().execute(_relation(), given).scalars())


@cache
def _patient() -> sa.Select[Any]:
    known = related(sa.bindparam("here"), sa.bindparam("now"))
    return sa.select(Patient).where(Patient.id == sa.bindparam("patient"), Patient.id.in_(known))


def patient(viewer: Viewer, patient_id: UUID | None) -> Patient:
    """A patient to read. Raises NotFound to a stranger."""
    if patient_id is None or not viewer.may(Right.READ_RECORD):
        raise NotFound()
    given = {"patient": patient_id, "here": viewer.organisation_id, "now": now()}
    found: Patient | None = db.session.scalar(_patient(), given)
    if found is None:
        raise NotFound()
    return found


def patient_to_write(viewer: Viewer, patient_id: UUID | None) -> Patient:
    """A patient whose course the viewer may add to. NotFound to a stranger, Forbidden to others."""
    found = patient(viewer, patient_id)
    if not may_write(viewer, relation(viewer, found.id)):
        raise Forbidden()
    return found


def may_write(viewer: Viewer, kinds: frozenset[str]) -> bool:
    """May the viewer add to the course of a patient with these relations?"""
    return viewer.may(Right.WRITE_COURSE) and bool(kinds & rules.WRITING)


def treated_here(viewer: Viewer, patient_id: UUID | None) -> Patient:
    """A patient of the viewer's own centre. NotFound to a stranger, Forbidden to another."""
    found = patient(viewer, patient_id)
    if rules.TREATING not in relation(viewer, found.id):
        raise Forbidden()
    return found


@dataclass(frozen=True)
class Identity:
    """Who a patient is, opened for somebody with a care relation."""

    id: UUID
    pseudonym: str
    name: str
    birth_date: PartialDate | None
    sex: str | None


def identities(viewer: Viewer, ids: Iterable[UUID]) -> dict[UUID, Identity]:
    """The identities of related patients, in one query; strangers are simply not there."""
    wanted = list(dict.fromkeys(ids))
    if not wanted or not viewer.may(Right.READ_RECORD):
        return {}
    query = sa.select(Patient).where(Patient.id.in_(wanted), Patient.id.in_(related_to(viewer)))
    return {p.id: identity(p) for p in db.session.scalars(query)}


def identity(found: Patient) -> Identity:
    """Open the identity of a patient that was fetched for a viewer."""
    return Identity(
        found.id, found.pseudonym, found.full_name, found.birth_date, found.sex_at_birth
    )


def identity_of(
    patient_id: UUID,
    pseudonym: str,
    sealed: tuple[str | None, str | None],
    birth_date: PartialDate | None,
    sex: str | None,
) -> Identity:
    """The same from the columns of a list that was fetched for a viewer; `sealed` are family name
    and given names."""
    names = zip(("family_name", "given_names"), sealed, strict=True)
    keys = ring()
    opened = [keys.open(text, "patient", name, patient_id) for name, text in names if text]
    return Identity(patient_id, pseudonym, ", ".join(n for n in opened if n), birth_date, sex)


def hospital_number(viewer: Viewer, patient_id: UUID) -> str:
    """The number the viewer's own organisation knows the patient by; empty where none."""
    given = {"patient": patient_id, "here": viewer.organisation_id}
    found: LocalIdentifier | None = db.session.scalars(_number(), given).first()
    return found.reveal() if found else ""


@cache
def _number() -> sa.Select[Any]:
    return sa.select(LocalIdentifier).where(
        LocalIdentifier.patient_id == sa.bindparam("patient"),
        LocalIdentifier.organisation_id == sa.bindparam("here"),
    )


def number_is_taken(viewer: Viewer, number: str) -> bool:
    """Does the viewer's own organisation know some patient by this number?"""
    query = sa.select(LocalIdentifier.id).where(
        LocalIdentifier.organisation_id == viewer.organisation_id,
        LocalIdentifier.number_index.in_(number_indexes(viewer, number)),
    )
    return db.session.scalar(query) is not None


def number_index(organisation_id: UUID | None, number: str, key_id: str = "") -> str:
    """The fingerprint of an organisation's own number, to be stored."""
    return ring().find(f"hospital number {organisation_id}", rules.plain_number(number), key_id)


def number_indexes(viewer: Viewer, number: str) -> list[str]:
    """The fingerprints under which a number of the viewer's own organisation may stand."""
    return ring().finds(f"hospital number {viewer.organisation_id}", rules.plain_number(number))


# -- finding -----------------------------------------------------------------------------------


#: What the worker finds pairs by, among all patients. No page asks for these.
_OF_ALL = frozenset({"family", "given", "person", "national", "names_year", "names_day"})
#: What people find their patients by. These are of one organisation, so that a search touches
#: nothing of another one's patients: what it costs cannot tell who is known elsewhere.
_OF_ONE = frozenset(
    {"word", "sound", "near", "born", "person", "national", "names_year", "names_day"}
)
#: Of these, what an earlier name is found by too.
_OF_NAMES = frozenset({"word", "sound", "near"})


def fingerprints(
    *,
    family_name: str,
    given_names: str,
    birth_date: PartialDate | None,
    national_number: str,
    organisations: Iterable[UUID],
    before: Iterable[Names] = (),
    key_id: str = "",
) -> set[tuple[str, str]]:
    """(kind, fingerprint) under which a patient with these facts is found, to be stored; under
    the current key or another one of the ring. `organisations`: those that have or had a care
    relation with the patient. `before`: names the patient had, by which people search and no
    record is compared."""
    words = findable(
        family_name=family_name,
        given_names=given_names,
        birth_date=birth_date,
        national_number=national_number,
    )
    earlier = by_earlier_names(before)
    found = {
        (kind, ring().find(f"name index {kind}", text, key_id))
        for kind, text in words
        if kind in _OF_ALL
    }
    return found.union(*(fingerprints_for(one, words | earlier, key_id) for one in organisations))


def fingerprints_for(
    organisation_id: UUID, words: Iterable[tuple[str, str]], key_id: str = ""
) -> set[tuple[str, str]]:
    """(kind, fingerprint) of what is `findable`, as the people of one organisation find by it."""
    return {
        (kind, ring().find(f"name index {kind} {organisation_id}", text, key_id))
        for kind, text in words
        if kind in _OF_ONE
    }


#: A family name and given names; either may be empty.
Names = tuple[str, str]


def by_earlier_names(before: Iterable[Names]) -> set[tuple[str, str]]:
    """(kind, text) of what a patient who had these names is found by besides."""
    return {
        (kind, text)
        for family, given in before
        for kind, text in findable(
            family_name=family, given_names=given, birth_date=None, national_number=""
        )
        if kind in _OF_NAMES
    }


def earlier_names(ids: Iterable[UUID]) -> dict[UUID, set[Names]]:
    """The names that patients had before a correction, and those of records that are joined to
    theirs; of the patients who have any. One query where there is nothing earlier."""
    wanted = list(ids)
    found: dict[UUID, set[Names]] = {}
    known = {one: one for one in wanted}  # a record → the patient it belongs to now
    after = wanted if wanted and _have_history(wanted) else []
    while after:
        query = sa.select(Merge.moved_id, Merge.kept_id).where(
            Merge.kept_id.in_(after), Merge.undone_at.is_(None)
        )
        joined = {row.moved_id: known[row.kept_id] for row in db.session.execute(query)}
        after = [one for one in joined if one not in known]
        known |= joined
        if not after:
            _add_earlier(found, known)
    return found


def _have_history(ids: Sequence[UUID]) -> bool:
    """Was anything corrected, or joined, of these patients? Most have none."""
    return db.session.connection().execute(_history(), {"ids": ids}).first() is not None


@cache
def _history() -> sa.CompoundSelect[Any]:
    ids = sa.bindparam("ids", expanding=True, type_=sa.Uuid())
    changed, joined = table_of(IdentityChange), table_of(Merge)
    return sa.union_all(
        sa.select(changed.c.id).where(changed.c.patient_id.in_(ids)),
        sa.select(joined.c.id).where(joined.c.kept_id.in_(ids)),
    ).limit(1)


def _add_earlier(found: dict[UUID, set[Names]], known: dict[UUID, UUID]) -> None:
    others = [one for one in known if known[one] != one]
    if others:
        for one in db.session.scalars(sa.select(Patient).where(Patient.id.in_(others))):
            names_of = (one.reveal("family_name"), one.reveal("given_names"))
            found.setdefault(known[one.id], set()).add(names_of)
    # What a record took apart again had for a while is the other person's.
    changes = sa.select(IdentityChange).where(
        IdentityChange.patient_id.in_(list(known)), IdentityChange.kind != "taken apart"
    )
    for change in db.session.scalars(changes):
        if not {"family_name", "given_names"} & set(change.names):
            continue
        was = change.reveal()
        had = (was.get("family_name") or "", was.get("given_names") or "")
        found.setdefault(known[change.patient_id], set()).add(had)


def prints_to_find(kind: str, texts: Iterable[str], organisation_id: UUID | None) -> list[str]:
    """The fingerprints, under every key, of texts that patients of an organisation are found by."""
    purpose = f"name index {kind} {organisation_id}"
    return [one for text in sorted(texts) for one in ring().finds(purpose, text)]


def _either_way(birth: str) -> str:
    """The day and month of a whole birth date, whichever was written first."""
    return "|".join(sorted((birth[5:7], birth[8:]))) if len(birth) == 10 else ""


def findable(
    *, family_name: str, given_names: str, birth_date: PartialDate | None, national_number: str
) -> set[tuple[str, str]]:
    """(kind, text) of what a patient with these facts is found by.

    `family` and `given` are whole names, and also say how common they are; `word` is one of their
    words, `sound` how one sounds, `near` a sound with a letter left out. `names_year` and
    `names_day` are two sounds with the year, or the day and month in either order, of the birth.
    """
    birth = birth_date.iso if birth_date else ""
    found: set[tuple[str, str]] = set()

    def add(kind: str, *parts: str) -> None:
        if all(parts):
            found.add((kind, "|".join(parts)))

    add("family", names.joined(family_name))
    add("given", names.joined(given_names))
    add("word", names.joined(family_name))
    for name in (family_name, given_names):
        for word in names.parts(name):
            add("word", word)
        for sound in names.sounds(name):
            add("sound", sound)
    for sound in names.sounds(family_name):
        for shorter in names.shorter(sound):
            add("near", shorter)
    for pair in names.pairs(family_name, given_names):
        add("names_year", pair, birth[:4])
        add("names_day", pair, _either_way(birth))
    add("born", birth[:4], _either_way(birth))
    add("person", rules.plain(family_name), rules.plain(given_names), birth)
    add("national", rules.plain_number(national_number))
    return found


def by_number(viewer: Viewer, number: str) -> Sequence[UUID]:
    """Related patients the viewer's own organisation knows by this number."""
    query = sa.select(LocalIdentifier.patient_id).where(
        LocalIdentifier.organisation_id == viewer.organisation_id,
        LocalIdentifier.number_index.in_(number_indexes(viewer, number)),
        LocalIdentifier.patient_id.in_(related_to(viewer)),
    )
    return db.session.scalars(query).all()


@dataclass(frozen=True)
class PatientRow:
    """A patient as listed."""

    id: UUID
    pseudonym: str
    name: str
    birth_date: PartialDate | None
    sex: str | None
    relation: str
    since: datetime


def patients(
    viewer: Viewer,
    *,
    only: Sequence[UUID] | None = None,
    after: tuple[datetime, UUID] | None = None,
    limit: int = 50,
) -> list[PatientRow]:
    """Related patients, each once with the closest relation, newest first.

    `only` narrows to a search's answer; `after` is the place of the last row read before.
    """
    viewer.need(Right.READ_RECORD)
    closest = {kind: number for number, kind in enumerate(rules.CLOSEST)}
    ours = (
        sa.select(
            CareRelation.patient_id,
            sa.func.min(sa.case(closest, value=CareRelation.kind)).label("closest"),
            sa.func.max(CareRelation.from_at).label("since"),
        )
        .where(
            CareRelation.organisation_id == viewer.organisation_id,
            sa.or_(CareRelation.until_at.is_(None), CareRelation.until_at > now()),
        )
        .group_by(CareRelation.patient_id)
        .subquery()
    )
    since = sa.type_coerce(ours.c.since, Moment())
    query = (
        sa.select(Patient, ours.c.closest, since)
        .join(ours, ours.c.patient_id == Patient.id)
        .where(Patient.provisional.is_(False))
        .order_by(since.desc(), Patient.id.desc())
        .limit(limit + 1)
    )
    if only is not None:
        query = query.where(Patient.id.in_(list(only)))
    if after is not None:
        moment, last = after
        query = query.where(
            sa.or_(since < moment, sa.and_(since == moment, Patient.id < last)),
        )
    return [
        PatientRow(
            p.id,
            p.pseudonym,
            p.full_name,
            p.birth_date,
            p.sex_at_birth,
            rules.CLOSEST[place],
            from_at,
        )
        for p, place, from_at in db.session.execute(query)
    ]


# -- consent -----------------------------------------------------------------------------------


def consents(viewer: Viewer, patient_id: UUID) -> dict[str, Consent]:
    """The answers in force, by purpose. The patient must have been fetched for the viewer."""
    given = {"patient": patient_id}
    return {found.purpose: found for found in db.session.scalars(_consents(), given)}


@cache
def _consents() -> sa.Select[Any]:
    return sa.select(Consent).where(
        Consent.patient_id == sa.bindparam("patient"), Consent.ended_at.is_(None)
    )


def consent_history(viewer: Viewer, patient_id: UUID) -> Sequence[Consent]:
    """Every answer ever given, newest first."""
    return db.session.scalars(
        sa.select(Consent)
        .where(Consent.patient_id == patient_id)
        .order_by(Consent.recorded_at.desc(), Consent.purpose)
    ).all()


def consenting(*purposes: str) -> sa.Select[Any]:
    """The ids of patients who said yes to every one of these purposes, for `in_`. Those whose data
    may be used for their care alone are not among them, whatever they agreed to before."""
    first, *others = purposes
    agreed = sa.select(Consent.patient_id).where(
        *_says_yes(Consent, first), Consent.patient_id.not_in(restricted())
    )
    for purpose in others:  # a join each: counting the answers takes a database twice as long
        other = aliased(Consent)
        agreed = agreed.where(
            Consent.patient_id.in_(sa.select(other.patient_id).where(*_says_yes(other, purpose)))
        )
    return agreed


def _says_yes(consent: Any, purpose: str) -> list[sa.ColumnElement[bool]]:
    return [consent.purpose == purpose, consent.answer == "yes", consent.ended_at.is_(None)]


def restricted() -> sa.Select[Any]:
    """The ids of patients whose data are used for nothing but their care, for `in_`."""
    return sa.select(Restriction.patient_id).where(Restriction.ended_at.is_(None))


def is_restricted(viewer: Viewer, patient_id: UUID) -> bool:
    """May the patient's data be used for nothing but care? Of a patient fetched for the viewer."""
    given = {"patient": patient_id}
    return bool(db.session.connection().execute(_is_restricted(), given).scalar())


@cache
def _is_restricted() -> sa.Select[Any]:
    in_force = restricted().where(Restriction.patient_id == sa.bindparam("patient"))
    return sa.select(in_force.exists())


def restrictions(viewer: Viewer, patient_id: UUID) -> Sequence[Restriction]:
    """Every restriction of a patient, newest first; one is in force at most, and it stands first.
    The patient must have been fetched for the viewer."""
    return db.session.scalars(
        sa.select(Restriction)
        .where(Restriction.patient_id == patient_id)
        .order_by(Restriction.ended_at.is_(None).desc(), Restriction.recorded_at.desc())
    ).all()


# -- joined records ----------------------------------------------------------------------------


def joined_into(patient_id: UUID) -> list[UUID]:
    """The records that were joined to a patient's, and to those in turn."""
    found: list[UUID] = []
    ask = [patient_id]
    while ask:
        query = sa.select(Merge.moved_id).where(Merge.kept_id.in_(ask), Merge.undone_at.is_(None))
        ask = [one for one in db.session.scalars(query) if one not in found]
        found += ask
    return found


@cache
def _joined() -> sa.Select[Any]:
    return sa.select(Merge.kept_id).where(
        Merge.moved_id == sa.bindparam("moved"), Merge.undone_at.is_(None)
    )


def now_known_as(viewer: Viewer, patient_id: UUID) -> UUID | None:
    """The record that this one was joined to, where the viewer may see it; else nothing."""
    known, connection = patient_id, db.session.connection()
    while further := connection.execute(_joined(), {"moved": known}).scalar():
        known = further
    return known if known != patient_id and relation(viewer, known) else None


# -- who opened --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Opening:
    """Somebody did or opened something of a patient."""

    at: datetime
    who: str
    organisation_id: UUID | None
    action: str
    subject_kind: str
    changes: dict[str, Any]


def who_opened(
    viewer: Viewer, patient_id: UUID, *, before: int | None = None, limit: int = 100
) -> tuple[list[Opening], int | None]:
    """What the audit has of a patient, newest first, for the patient's own centre; and the mark
    from which to read on."""
    viewer.need(Right.WHO_OPENED)
    treated_here(viewer, patient_id)
    entry = audit.AuditEntry
    query = sa.select(entry).where(entry.patient_id.in_([patient_id, *joined_into(patient_id)]))
    if before is not None:
        query = query.where(entry.id < before)
    rows = list(db.session.scalars(query.order_by(entry.id.desc()).limit(limit + 1)))
    more = rows[limit - 1].id if len(rows) > limit else None
    return [
        Opening(r.at, _who(r), r.organisation_id, r.action, r.subject_kind, r.changes)
        for r in rows[:limit]
    ], more


def _who(entry: audit.AuditEntry) -> str:
    """Who it was, and for whom, where it was done in the seat of somebody who is away."""
    if not entry.for_name:
        return entry.person_name
    return str(_("%(who)s, for %(whom)s", who=entry.person_name, whom=entry.for_name))


# -- for who reads the audit and has no patient page -------------------------------------------


def id_of_pseudonym(viewer: Viewer, text: str) -> UUID | None:
    """The patient a pseudonym stands for, to look for in the audit; None when there is none."""
    viewer.need(Right.READ_AUDIT)
    plain = rules.plain_number(text).upper()
    if len(plain) != 8:
        return None
    written = f"{plain[:4]}-{plain[4:]}"
    return db.session.scalar(sa.select(Patient.id).where(Patient.pseudonym == written))


def pseudonyms_of(viewer: Viewer, ids: Iterable[UUID]) -> dict[UUID, str]:
    """The pseudonyms of the patients an audit speaks of; nothing else of them."""
    viewer.need(Right.READ_AUDIT)
    wanted = set(ids)
    if not wanted:
        return {}
    rows = db.session.execute(
        sa.select(Patient.id, Patient.pseudonym).where(Patient.id.in_(wanted))
    )
    return {row[0]: row[1] for row in rows}
