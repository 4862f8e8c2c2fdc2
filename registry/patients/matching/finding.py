"""Finding patients by what is known of them, written in another way.

Fingerprints give the candidates, and those that people ask for are of their own organisation: a
search does not touch what patients of others are found by, whatever it is for.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from registry.access import Right, Viewer
from registry.dates import PartialDate
from registry.db import db, now
from registry.keys import ring
from registry.patients import queries
from registry.patients import rules as relations
from registry.patients.matching import names, rules
from registry.patients.models import CareRelation, NameIndex, Patient

#: From so much agreement on, somebody who registers a patient is asked whether it is this one:
#: less than for a pair, because the person who asks knows the patient.
WORTH_ASKING = 8.0
MOST = 200  # found by a search; more are not looked through
ENOUGH = 20  # as written or as it sounds: then no slip is looked for
OPENED = 300  # of those that sound alike


def person_of(patient: Patient) -> rules.Person:
    """Who a patient is, opened. Only for who may know it."""
    return rules.Person(
        family_name=patient.reveal("family_name"),
        given_names=patient.reveal("given_names"),
        birth_date=patient.birth_date,
        sex=patient.sex_at_birth,
        national_number=patient.reveal("national_number"),
        telephone=patient.reveal("telephone"),
        country=patient.country,
    )


def known_to(viewer: Viewer, patient_id: Any) -> sa.ColumnElement[bool]:
    """Does the viewer's organisation have a care relation with this patient? Asked of each one
    found, so that what a search costs does not grow with the patients of an organisation."""
    return sa.exists().where(
        CareRelation.patient_id == patient_id,
        CareRelation.organisation_id == viewer.organisation_id,
        sa.or_(CareRelation.until_at.is_(None), CareRelation.until_at > now()),
    )


def _of_kind(viewer: Viewer, kind: str, texts: Iterable[str]) -> sa.ColumnElement[bool]:
    prints = queries.prints_to_find(kind, texts, viewer.organisation_id)
    return sa.and_(NameIndex.kind == kind, NameIndex.value.in_(prints))


# -- who may be this person --------------------------------------------------------------------


@dataclass(frozen=True)
class Candidate:
    """A patient who may be the same person, how the two agree, and whether it is beyond doubt."""

    identity: queries.Identity
    exact: bool
    because: tuple[str, ...]
    agreement: Mapping[str, str]
    score: float

    @property
    def words(self) -> list[tuple[Any, Any]]:
        """What agrees, as (field, how), in words."""
        return rules.in_words(self.agreement)


def likely_same(viewer: Viewer, identity: Mapping[str, Any]) -> list[Candidate]:
    """Patients of the viewer's organisation who may be this person, the likeliest first.

    `identity` has any of family_name, given_names, birth_date, sex_at_birth, national_number,
    telephone, country and hospital_number. Patients of others are never in it.
    """
    if not viewer.may(Right.READ_RECORD):
        return []
    wanted = rules.Person(
        **{name: str(identity.get(name) or "") for name in
           ("family_name", "given_names", "national_number", "telephone")},
        birth_date=identity.get("birth_date"),
        sex=identity.get("sex_at_birth"),
        country=identity.get("country"),
    )  # fmt: skip
    number = str(identity.get("hospital_number") or "")
    by_number = set(queries.by_number(viewer, number)) if number else set()
    found = _opened(viewer, set(_near(viewer, wanted)) | by_number)
    candidates = [_candidate(wanted, one, one.id in by_number) for one in found]
    return sorted(
        (one for one in candidates if one is not None),
        key=lambda one: (not one.exact, -one.score, str(one.identity.id)),
    )


def same_person(viewer: Viewer, **identity: Any) -> list[Candidate]:
    """`likely_same`, by name."""
    return likely_same(viewer, identity)


def _near(viewer: Viewer, wanted: rules.Person) -> Sequence[UUID]:
    """The ids of the viewer's patients who were born on that day or one like it, or whose names
    and birth date together are found by their fingerprints."""
    texts = _texts(wanted, {"born", "person", "national", "names_year", "names_day"})
    if wanted.birth_date is None:  # nothing else narrows it
        texts["word"] = {names.joined(wanted.family_name)}
    where = [_of_kind(viewer, kind, some) for kind, some in sorted(texts.items())]
    query = sa.select(NameIndex.patient_id).where(sa.or_(sa.false(), *where)).distinct()
    return db.session.scalars(query).all()


def _texts(wanted: rules.Person, kinds: Collection[str]) -> dict[str, set[str]]:
    texts: dict[str, set[str]] = {}
    for kind, text in queries.findable(
        family_name=wanted.family_name,
        given_names=wanted.given_names,
        birth_date=wanted.birth_date,
        national_number=wanted.national_number,
    ):
        if kind in kinds:
            texts.setdefault(kind, set()).add(text)
    return texts


def of_all(wanted: rules.Person) -> sa.Select[Any]:
    """The ids of any patients who agree in what is found by fingerprints. For the worker alone: no
    page may ask this."""
    texts = _texts(wanted, {"person", "national", "names_year", "names_day"})
    where = [
        sa.and_(
            NameIndex.kind == kind,
            NameIndex.value.in_(
                [one for text in sorted(some) for one in ring().finds(f"name index {kind}", text)]
            ),
        )
        for kind, some in sorted(texts.items())
    ]
    return sa.select(NameIndex.patient_id).where(sa.or_(sa.false(), *where)).distinct()


def birth_dates(born: PartialDate | None) -> list[PartialDate]:
    """A birth date to the day, and the same with day and month exchanged; else nothing."""
    if born is None or born.precision != "day":
        return []
    year, month, day = born.iso.split("-")
    swapped = [PartialDate(f"{year}-{day}-{month}")] if int(day) <= 12 and day != month else []
    return [born, *swapped]


def _opened(viewer: Viewer, ids: Iterable[UUID]) -> Sequence[Patient]:
    wanted = sorted(set(ids))[:OPENED]
    if not wanted:
        return []
    query = sa.select(Patient).where(Patient.id.in_(wanted), known_to(viewer, Patient.id))
    return db.session.scalars(query.order_by(Patient.id)).all()


def _candidate(wanted: rules.Person, patient: Patient, by_number: bool) -> Candidate | None:
    compared = rules.compare(wanted, person_of(patient))
    agreed = compared.agreement
    because = tuple(
        name
        for name, holds in (
            ("person", all(agreed[field] == rules.SAME for field in rules.WHO)),
            ("national", agreed["national_number"] == rules.SAME),
            ("number", by_number),
        )
        if holds
    )
    if not because and not rules.worth_asking(compared, WORTH_ASKING):
        return None
    why = tuple(f"{field}:{agreed[field]}" for field in rules.WHO if agreed[field])
    return Candidate(
        queries.identity(patient), bool(because), because + why, agreed, compared.score
    )


# -- the search box ----------------------------------------------------------------------------

_DATE = re.compile(r"\b(?:(\d{4})-(\d{1,2})-(\d{1,2})|(\d{1,2})[./-](\d{1,2})[./-](\d{4}))\b")


def search(viewer: Viewer, text: str, limit: int = MOST) -> list[UUID]:
    """Ids of the viewer's patients, the likeliest first: by names in any spelling, a birth date,
    hospital or national number, or pseudonym; a date beside a name narrows."""
    text = text.strip()
    if not text or not viewer.may(Right.READ_RECORD):
        return []
    numbered = [*queries.by_number(viewer, text), *_by_national(viewer, text)]
    numbered += _by_pseudonym(viewer, text)
    if numbered:  # beyond doubt: nothing that only resembles it is shown beside
        return list(dict.fromkeys(numbered))
    born, rest = _date_in(text)
    words = names.parts(rest)
    found = _by_words(viewer, rest, words, limit) if words else []
    if born is not None:
        same_day = set(_born(viewer, born, limit))
        # A name that nobody of that day has may have been changed since.
        found = [one for one in found if one in same_day] or sorted(same_day)
    return found[:limit]


def _date_in(text: str) -> tuple[PartialDate | None, str]:
    """A whole date in what was typed, and the rest."""
    found = _DATE.search(text)
    if found is None:
        return None, text
    year, month, day = found.group(1, 2, 3) if found.group(1) else found.group(6, 5, 4)
    try:
        born = PartialDate.from_parts(year, month, day)
    except ValueError:
        return None, text
    return born, text[: found.start()] + " " + text[found.end() :]


def _born(viewer: Viewer, born: PartialDate, limit: int) -> Sequence[UUID]:
    texts = _texts(rules.Person(birth_date=born), {"born"})["born"]
    query = sa.select(NameIndex.patient_id).where(
        _of_kind(viewer, "born", texts), known_to(viewer, NameIndex.patient_id)
    )
    return db.session.scalars(query.order_by(NameIndex.patient_id).limit(limit)).all()


def _by_words(viewer: Viewer, text: str, words: Sequence[str], limit: int) -> list[UUID]:
    """As it is written; then, where there is room, as it sounds or with a slip."""
    exact = [{("word", word)} for word in words]
    whole = [{("word", names.joined(text))}] if len(words) > 1 else []
    found = _with_all(viewer, exact, limit)
    if whole:
        found += [one for one in _with_all(viewer, whole, limit) if one not in set(found)]
    sounds = [{("word", word), ("sound", names.sound(word))} for word in words]
    slips = [
        group | {("near", one) for one in {names.sound(word), *names.shorter(names.sound(word))}}
        for group, word in zip(sounds, words, strict=True)
    ]
    for groups in (sounds, slips):
        if len(found) >= ENOUGH:
            break
        # Words that sound alike are many: those that are alike when opened are kept.
        more = [one for one in _with_all(viewer, groups, OPENED) if one not in set(found)]
        found += _really_alike(viewer, more, words)
    return found[:limit]


def _one_of(viewer: Viewer, group: set[tuple[str, str]], index: Any) -> sa.ColumnElement[bool]:
    found = [
        sa.and_(
            index.kind == kind,
            index.value.in_(queries.prints_to_find(kind, [text], viewer.organisation_id)),
        )
        for kind, text in sorted(group)
        if text
    ]
    return sa.or_(*found) if found else sa.false()


def _with_all(viewer: Viewer, groups: Sequence[set[tuple[str, str]]], limit: int) -> list[UUID]:
    """The viewer's patients who have one of each group's (kind, text); the first group, of the
    longest word, narrows most and is looked up, the others are asked of each one found."""
    [first, *more] = sorted(groups, key=lambda group: -max(len(text) for _kind, text in group))
    query = sa.select(NameIndex.patient_id).where(
        _one_of(viewer, first, NameIndex), known_to(viewer, NameIndex.patient_id)
    )
    for group in more:
        other = aliased(NameIndex)
        has = sa.exists().where(
            other.patient_id == NameIndex.patient_id, _one_of(viewer, group, other)
        )
        query = query.where(has)
    # Put in order here: asked for an order, SQLite walks the whole index in it instead.
    return sorted(set(db.session.scalars(query.limit(4 * limit))))[:limit]


def _really_alike(viewer: Viewer, ids: Sequence[UUID], words: Sequence[str]) -> list[UUID]:
    """Of these, those who have or had a name like each word, the likest first."""
    found = []
    opened = _opened(viewer, ids)
    before = queries.earlier_names([one.id for one in opened]) if opened else {}
    for one in opened:
        now_named = (one.reveal("family_name"), one.reveal("given_names"))
        theirs = []
        for family, given in (now_named, *before.get(one.id, ())):
            theirs += [*names.parts(family), *names.parts(given), names.joined(family)]
        best = [
            max((names.closeness(word, other) for other in theirs), default=0) for word in words
        ]
        if min(best) > 0:
            found.append((-sum(best), one.id))
    return [patient_id for _closeness, patient_id in sorted(found)]


def _by_national(viewer: Viewer, text: str) -> Sequence[UUID]:
    query = sa.select(NameIndex.patient_id).where(
        _of_kind(viewer, "national", [relations.plain_number(text)]),
        known_to(viewer, NameIndex.patient_id),
    )
    return db.session.scalars(query).all()


def _by_pseudonym(viewer: Viewer, text: str) -> Sequence[UUID]:
    plain = relations.plain_number(text).upper()
    if len(plain) != 8:
        return []
    query = sa.select(Patient.id).where(
        Patient.pseudonym == f"{plain[:4]}-{plain[4:]}", known_to(viewer, Patient.id)
    )
    return db.session.scalars(query).all()
