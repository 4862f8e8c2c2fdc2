"""Many new patients at once: their rows as they are inserted, made by the room that owns them.

What `actions.register` does for one, without a query a patient: who they are is sealed and
indexed, the hospital's number kept, consent answered, and the care relation given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from registry.access import Viewer
from registry.dates import PartialDate
from registry.db import Moment, new_id, table_of
from registry.keys import ring
from registry.patients import queries, rules
from registry.patients.matching.models import Match, MatchAnswer, MatchDue
from registry.patients.models import CareRelation, Consent, LocalIdentifier, NameIndex, Patient

SEALED = ("family_name", "given_names", "national_number", "telephone", "address")
PLAIN = ("sex_at_birth", "birth_date", "country", "region")
#: In the order they are inserted: what is pointed to comes first.
TABLES = (Patient, NameIndex, LocalIdentifier, Consent, CareRelation)
#: Made of patients in the background; they go with them.
COMPARED = (MatchAnswer, Match, MatchDue)

Rows = dict[type[Any], list[dict[str, Any]]]


class Registering:
    """Collects the rows of new patients of the viewer's organisation.

    `hidden`: nobody sees them yet. They are provisional and their relation has ended, until
    `show` is called with them.
    """

    def __init__(
        self,
        by: Viewer,
        *,
        at: datetime,
        source: str,
        why: str,
        purposes: Sequence[str],
        basis: str,
        hidden: bool,
    ) -> None:
        self._by, self._at, self._source, self._why = by, at, source, why
        self._purposes, self._basis, self._hidden = purposes, basis, hidden
        self.rows: Rows = {model: [] for model in TABLES}

    def add(
        self, patient_id: UUID, facts: Mapping[str, Any], absent: Mapping[str, Any], number: str
    ) -> None:
        """Take in one patient; facts are checked before."""
        stated = {name: str(facts.get(name) or "").strip() for name in SEALED}
        sealed = {
            name: ring().seal(text, "patient", name, patient_id) if text else None
            for name, text in stated.items()
        }
        self.rows[Patient].append(
            {
                "id": patient_id,
                "version": 1,
                "pseudonym": rules.new_pseudonym(),
                "provisional": self._hidden,
                "created_at": self._at,
                "created_by": self._by.person_id,
                "created_at_organisation": self._by.organisation_id,
                "source": self._source,
                "absent": dict(absent),
                **sealed,
                **{name: facts.get(name) for name in PLAIN},
            }
        )
        self._index(patient_id, stated, facts.get("birth_date"))
        if number:
            self._number(patient_id, number)
        for purpose in self._purposes:
            self._consent(patient_id, purpose)
        self.rows[CareRelation].append(
            {
                "id": new_id(),
                "patient_id": patient_id,
                "organisation_id": self._by.organisation_id,
                "kind": rules.TREATING,
                "why": self._why,
                "from_at": self._at,
                "until_at": self._at if self._hidden else None,
            }
        )

    def _index(self, patient_id: UUID, stated: Mapping[str, str], born: Any) -> None:
        birth = PartialDate(str(born)) if born else None
        if not (stated["family_name"] or stated["given_names"] or stated["national_number"]):
            return
        found = queries.fingerprints(
            family_name=stated["family_name"],
            given_names=stated["given_names"],
            birth_date=birth,
            national_number=stated["national_number"],
            organisations=[self._by.organisation_id] if self._by.organisation_id else [],
        )
        self.rows[NameIndex] += [
            {"id": new_id(), "patient_id": patient_id, "kind": kind, "value": value}
            for kind, value in sorted(found)
        ]

    def _number(self, patient_id: UUID, number: str) -> None:
        row_id = new_id()
        self.rows[LocalIdentifier].append(
            {
                "id": row_id,
                "patient_id": patient_id,
                "organisation_id": self._by.organisation_id,
                "number": ring().seal(number, "local_identifier", "number", row_id),
                "number_index": queries.number_index(self._by.organisation_id, number),
            }
        )

    def _consent(self, patient_id: UUID, purpose: str) -> None:
        self.rows[Consent].append(
            {
                "id": new_id(),
                "patient_id": patient_id,
                "purpose": purpose,
                "answer": "yes",
                "form_version": self._basis,
                "given_on": None,
                "recorded_at": self._at,
                "recorded_by": self._by.person_id,
                "ended_at": None,
            }
        )

    def insert(self, connection: Any) -> None:
        """Write what was collected. Pseudonyms that are taken are drawn anew."""
        self._draw_pseudonyms(connection)
        for model in TABLES:
            if self.rows[model]:
                connection.execute(sa.insert(table_of(model)), self.rows[model])
                if model is Patient and not self._hidden:
                    due = [{"patient_id": row["id"], "at": self._at} for row in self.rows[model]]
                    connection.execute(sa.insert(table_of(MatchDue)), due)
                self.rows[model] = []

    def _draw_pseudonyms(self, connection: Any) -> None:
        mine: set[str] = set()
        fresh = self.rows[Patient]
        while fresh:
            query = sa.select(Patient.pseudonym).where(
                Patient.pseudonym.in_([row["pseudonym"] for row in fresh])
            )
            taken = set(connection.execute(query).scalars()) | mine
            again = []
            for row in fresh:
                if row["pseudonym"] in taken:
                    row["pseudonym"] = rules.new_pseudonym()
                    again.append(row)
                else:
                    taken.add(row["pseudonym"])
                    mine.add(row["pseudonym"])
            fresh = again


def show(connection: Any, ids: Any, organisation_id: UUID | None, *, at: datetime) -> None:
    """Let hidden patients be seen, all at once; `ids` is a query of their ids."""
    connection.execute(
        sa.update(Patient)
        .where(Patient.id.in_(ids))
        .values(provisional=False)
        .execution_options(synchronize_session=False)
    )
    to_be_compared(connection, ids, at=at)
    connection.execute(
        sa.update(CareRelation)
        .where(
            CareRelation.patient_id.in_(ids),
            CareRelation.organisation_id == organisation_id,
            CareRelation.kind == rules.TREATING,
        )
        .values(until_at=None, from_at=at)
        .execution_options(synchronize_session=False)
    )


def to_be_compared(connection: Any, ids: Any, *, at: datetime) -> None:
    """Have the worker look for others who may be the same persons; `ids` is a query of ids."""
    chosen = sa.select(Patient.id, sa.literal(at, Moment())).where(
        Patient.id.in_(ids), ~sa.exists().where(MatchDue.patient_id == Patient.id)
    )
    connection.execute(sa.insert(MatchDue).from_select(["patient_id", "at"], chosen))


def taken_numbers(connection: Any, by: Viewer, numbers: Sequence[str]) -> set[str]:
    """Of these hospital numbers, those that a patient of the viewer's organisation has."""
    wanted = {
        index: number
        for number in numbers
        if number
        for index in queries.number_indexes(by, number)
    }
    if not wanted:
        return set()
    query = sa.select(LocalIdentifier.number_index).where(
        LocalIdentifier.organisation_id == by.organisation_id,
        LocalIdentifier.number_index.in_(list(wanted)),
    )
    return {wanted[index] for index in connection.execute(query).scalars()}


def known_people(
    connection: Any, by: Viewer, people: Mapping[int, Mapping[str, Any]]
) -> dict[int, UUID]:
    """Of these people, by a number of the caller's, those who are patients of the viewer's
    organisation by name and birth date or by national number."""
    wanted: dict[str, dict[str, int]] = {"person": {}, "national": {}}
    for place, facts in people.items():
        born = facts.get("birth_date")
        for kind, text in queries.findable(
            family_name=str(facts.get("family_name") or ""),
            given_names=str(facts.get("given_names") or ""),
            birth_date=PartialDate(str(born)) if born else None,
            national_number=str(facts.get("national_number") or ""),
        ):
            if kind in wanted:
                found = queries.prints_to_find(kind, [text], by.organisation_id)
                wanted[kind] |= dict.fromkeys(found, place)
    every = {value: place for values in wanted.values() for value, place in values.items()}
    if not every:
        return {}
    query = sa.select(NameIndex.value, NameIndex.patient_id).where(
        sa.or_(
            *(
                sa.and_(NameIndex.kind == kind, NameIndex.value.in_(list(values)))
                for kind, values in wanted.items()
                if values
            )
        ),
        NameIndex.patient_id.in_(queries.related_to(by)),
    )
    return {every[value]: patient_id for value, patient_id in connection.execute(query)}


def forget(connection: Any, ids: Sequence[UUID]) -> None:
    """Take out patients of whom nothing else is left: for an import that is undone."""
    pairs = sa.select(Match.id).where(sa.or_(Match.first_id.in_(ids), Match.second_id.in_(ids)))
    connection.execute(sa.delete(MatchAnswer).where(MatchAnswer.match_id.in_(pairs)))
    connection.execute(sa.delete(Match).where(Match.id.in_(pairs)))
    connection.execute(sa.delete(MatchDue).where(MatchDue.patient_id.in_(ids)))
    for model in reversed(TABLES):
        table = table_of(model)
        key = table.c.id if model is Patient else table.c.patient_id
        connection.execute(sa.delete(table).where(key.in_(ids)))
