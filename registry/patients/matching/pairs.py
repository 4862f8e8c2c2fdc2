"""Finding pairs in the background: whoever was registered, brought in or corrected is compared with
everybody who is found by a fingerprint or was born that day, and what is alike is kept for people
to decide. Nothing is shown here to anybody, and nothing is joined.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from registry import audit
from registry.access import Role, the_house
from registry.db import db, new_id, now
from registry.keys import ring
from registry.patients import actions as patients
from registry.patients.matching import finding, names, rules, states
from registry.patients.matching.models import Match, MatchAnswer, MatchDue, Merge
from registry.patients.models import CareRelation, NameIndex, Patient
from registry.people import actions as people
from registry.people.models import Membership, Notice, Person

BATCH = 100
#: More candidates of one patient are not opened: a fingerprint so common says nothing.
MOST = 400
WORKER = the_house("matching")


def known(connection: sa.Connection) -> int:
    """How many patients there are, against whom a name is rare or common."""
    return connection.scalar(sa.select(sa.func.count()).select_from(Patient)) or 1


def compare_due(limit: int = BATCH, *, total: int | None = None) -> int:
    """Compare the next patients who are due; returns how many. The caller commits, and may say how
    many patients there are, as counted a moment ago."""
    due = list(
        db.session.scalars(
            sa.select(MatchDue.patient_id).order_by(MatchDue.at, MatchDue.patient_id).limit(limit)
        )
    )
    if not due:
        return 0
    chosen = sa.select(Patient).where(Patient.id.in_(due), Patient.provisional.is_(False))
    found = [one for one in db.session.scalars(chosen) if one.id not in _joined(due)]
    for patient in found:
        patients.index(patient)
    total = total or known(db.session.connection())
    opened = _Opened()
    fresh: list[Match] = []
    for patient in found:
        fresh += _compare(patient, opened, total)
    db.session.execute(sa.delete(MatchDue).where(MatchDue.patient_id.in_(due)))
    db.session.flush()
    _tell(fresh)
    return len(due)


def _joined(ids: Sequence[UUID]) -> set[UUID]:
    query = sa.select(Merge.moved_id).where(Merge.moved_id.in_(ids), Merge.undone_at.is_(None))
    return set(db.session.scalars(query))


class _Opened:
    """Who patients are, each opened once a batch."""

    def __init__(self) -> None:
        self._of: dict[UUID, rules.Person] = {}

    def of(self, patient: Patient) -> rules.Person:
        if patient.id not in self._of:
            self._of[patient.id] = finding.person_of(patient)
        return self._of[patient.id]


def _compare(patient: Patient, opened: _Opened, total: int) -> list[Match]:
    """Bring the pairs of a patient up to who they are; returns those nobody knew of."""
    me = opened.of(patient)
    shares = _shares(me, total)
    known = _known(patient.id)
    alike: dict[UUID, rules.Compared] = {}
    fresh = []
    for other in _others(patient, me):
        compared = rules.compare(me, opened.of(other), **shares)
        if compared.alike:
            alike[other.id] = compared
            if other.id not in known:
                fresh.append(pair_of(patient, other, compared))
    for other_id, match in known.items():
        _bring_up(match, alike.get(other_id))
    db.session.add_all(fresh)
    db.session.flush()
    return fresh


def _others(patient: Patient, me: rules.Person) -> Sequence[Patient]:
    """Everybody who may be the same: of the registry, not joined away, and not a mere draft."""
    by_index = finding.of_all(me).where(NameIndex.patient_id != patient.id).limit(MOST)
    ids = set(db.session.scalars(by_index))
    born = finding.birth_dates(me.birth_date)
    if born:
        same_day = sa.select(Patient.id).where(Patient.birth_date.in_(born)).limit(MOST)
        ids |= set(db.session.scalars(same_day))
    ids.discard(patient.id)
    if not ids:
        return []
    query = sa.select(Patient).where(
        Patient.id.in_(ids),
        Patient.provisional.is_(False),
        ~sa.exists().where(Merge.moved_id == Patient.id, Merge.undone_at.is_(None)),
    )
    return db.session.scalars(query.order_by(Patient.id)).all()


def _shares(me: rules.Person, total: int) -> dict[str, float]:
    """How common the names are, counted by their fingerprints."""
    return {
        "family_share": _share("family", me.family_name, total, rules.USUAL_SHARE),
        "given_share": _share("given", me.given_names, total, rules.USUAL_GIVEN_SHARE),
    }


def _share(kind: str, name: str, total: int, usual: float) -> float:
    values = ring().finds(f"name index {kind}", names.joined(name))
    query = sa.select(sa.func.count()).select_from(NameIndex)
    count = db.session.scalar(query.where(NameIndex.kind == kind, NameIndex.value.in_(values)))
    return rules.share(int(count or 0), total, usual)


def _known(patient_id: UUID) -> dict[UUID, Match]:
    query = sa.select(Match).where(
        sa.or_(Match.first_id == patient_id, Match.second_id == patient_id)
    )
    return {
        one.second_id if one.first_id == patient_id else one.first_id: one
        for one in db.session.scalars(query)
    }


def pair_of(one: Patient, other: Patient, compared: rules.Compared) -> Match:
    """A pair nobody knew of, the record that was known longer first."""
    first, second = sorted((one, other), key=lambda patient: (patient.created_at, patient.id))
    return Match(
        id=new_id(), first_id=first.id, second_id=second.id, score=round(compared.score, 1),
        agreement=dict(compared.agreement), rule_version=rules.RULE_VERSION,
        state=states.OPEN, asked=asked_of(first.id, second.id),
    )  # fmt: skip


def _bring_up(match: Match, compared: rules.Compared | None) -> None:
    """What is decided stays decided; what is open follows who the patients are now."""
    if match.state == states.OPEN and compared is None:
        match.state, match.decided_at = states.LAPSED, now()
    elif compared is not None and match.state in (states.OPEN, states.LAPSED, states.SAME):
        if match.state == states.LAPSED:
            match.state, match.decided_at = states.OPEN, None
        match.score, match.agreement = round(compared.score, 1), dict(compared.agreement)
        match.rule_version = rules.RULE_VERSION


# -- who is asked ------------------------------------------------------------------------------


def places_of(patient_ids: Iterable[UUID]) -> dict[UUID, set[UUID]]:
    """The organisations that may see each patient now."""
    wanted = list(patient_ids)
    found: dict[UUID, set[UUID]] = {one: set() for one in wanted}
    query = sa.select(CareRelation.patient_id, CareRelation.organisation_id).where(
        CareRelation.patient_id.in_(wanted),
        sa.or_(CareRelation.until_at.is_(None), CareRelation.until_at > now()),
    )
    for patient_id, organisation_id in db.session.execute(query):
        found[patient_id].add(organisation_id)
    return found


def who_answer(places: Iterable[UUID]) -> dict[UUID, list[UUID]]:
    """Who answers for each of these organisations, by organisation: its data managers, or its
    leads where it has none."""
    today = now().date()
    query = (
        sa.select(Membership.organisation_id, Membership.person_id, Membership.role)
        .join(Person, Person.id == Membership.person_id)
        .where(
            Membership.organisation_id.in_(list(places)),
            Membership.role.in_([role.value for role in ANSWERING]),
            Membership.from_date <= today,
            sa.or_(Membership.until_date.is_(None), Membership.until_date >= today),
            Person.active,
        )
    )
    found: dict[UUID, dict[str, list[UUID]]] = {}
    for organisation_id, person_id, role in db.session.execute(query):
        found.setdefault(organisation_id, {}).setdefault(role, []).append(person_id)
    return {
        place: next(held[role.value] for role in ANSWERING if role.value in held)
        for place, held in found.items()
    }


#: Who answers for an organisation: the first of these that somebody there is.
ANSWERING = (Role.DATA_MANAGER, Role.LEAD)


def asked_of(first_id: UUID, second_id: UUID) -> str:
    """Those entitled to both records, if somebody answers for them; else the side that knew its
    patient longer is asked first. Where nobody answers for that side, both: so that somebody
    looks."""
    places = places_of((first_id, second_id))
    if who_answer(places[first_id] & places[second_id]):
        return states.TOGETHER
    return states.ONE_SIDE if who_answer(places[first_id]) else states.EACH_SIDE


def asked_people(match: Match) -> list[UUID]:
    """The people who are asked now."""
    places = places_of((match.first_id, match.second_id))
    first, second = places[match.first_id], places[match.second_id]
    chosen = {
        states.TOGETHER: first & second,
        states.ONE_SIDE: first,
        states.EACH_SIDE: first | second,
    }[match.asked]
    return sorted({one for some in who_answer(chosen).values() for one in some})


def _tell(fresh: Sequence[Match]) -> None:
    """Tell who is asked that there is something to look at; once, until they have looked."""
    told: dict[UUID, UUID] = {}
    for match in fresh:
        for person_id in asked_people(match):
            told.setdefault(person_id, match.id)
        # Of no patient: who may read the one's list of openings need not know of the other.
        audit.record("found a pair", by=WORKER, subject=("match", match.id))
    tell_once(told)


def tell_once(told: Mapping[UUID, UUID]) -> None:
    """Tell people (by id, with the pair) of pairs to look at, who have no such notice unread."""
    if not told:
        return
    unread = set(
        db.session.scalars(
            sa.select(Notice.person_id).where(
                Notice.person_id.in_(list(told)),
                Notice.why == "pair_to_look_at",
                Notice.seen_at.is_(None),
            )
        )
    )
    for person_id, match_id in told.items():
        if person_id not in unread:
            people.tell([person_id], "pair_to_look_at", subject=("match", match_id))


def answers(match_id: UUID) -> list[Any]:
    """What was said of a pair, oldest first."""
    query = sa.select(MatchAnswer).where(MatchAnswer.match_id == match_id)
    return list(db.session.scalars(query.order_by(MatchAnswer.at, MatchAnswer.id)))
