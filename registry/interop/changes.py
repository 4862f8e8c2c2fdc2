"""What a corrected file says otherwise than before, beside what people changed by hand.

Three things are compared, value by value: what the source said when it was brought in, what it
says now, and what the record says. What only the source changed is applied; what only people
changed stays; where both did it is a conflict, and the record's value stays unless the data
manager takes the file's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from registry import dictionary
from registry.access import Viewer
from registry.course import actions as course
from registry.course import facts
from registry.course.bulk import NewEntry
from registry.course.models import BY_NAME
from registry.db import db, table_of
from registry.dictionary import Identity
from registry.interop.mapping import HOSPITAL_NUMBER
from registry.interop.models import Import, ImportChange, SourceRow
from registry.interop.reports import Change
from registry.interop.rows import Made, Row
from registry.keys import ring
from registry.patients import actions as patients
from registry.patients import queries as patient_queries
from registry.patients.bulk import PLAIN, SEALED
from registry.patients.models import LocalIdentifier, Patient

VALUE, ADDED, GONE, RECORD = "value", "added", "gone", "record"
#: Among the changes to take: all of them.
EVERY = "*"
TOO_OLD = (
    "differs from what was imported, by a version of the registry that did not note what the"
    " source said"
)

State = Any  # a plain value, or {"why": …} where there is none; None: blank


# -- what the source said ------------------------------------------------------------------------


def _hidden(name: str) -> bool:
    """Is it a variable that tells who the patient is?"""
    return name == HOSPITAL_NUMBER or dictionary.of(Patient, name).identity is Identity.IDENTIFYING


def _mark(name: str, text: str) -> str:
    return "#" + ring().blind(f"source value {name}", text)[:20]


def snapshot_of_patient(
    values: Mapping[str, Any], absent: Mapping[str, Any], number: str
) -> dict[str, Any]:
    """What the source says of the patient; who it is as fingerprints."""
    stated = {**facts.to_json(values), **({HOSPITAL_NUMBER: number} if number else {})}
    plain = {n: _mark(n, str(v)) if _hidden(n) else v for n, v in stated.items()}
    return {**plain, **({"absent": dict(absent)} if absent else {})}


def snapshot_of_entry(
    entity: str, entry_id: UUID, place: str, row: Mapping[str, Any], version: int = 1
) -> dict[str, Any]:
    """What the source says of an entry; `row` as `facts.to_json` gives it."""
    found = {"e": entity, "i": str(entry_id), "p": place, "v": dict(row)}
    return found if version == 1 else {**found, "n": version}


def states(row: Mapping[str, Any]) -> dict[str, State]:
    """A row as a state for each variable."""
    found = {name: value for name, value in row.items() if name != "absent"}
    return found | {name: dict(why) for name, why in (row.get("absent") or {}).items()}


# -- pairing -------------------------------------------------------------------------------------


@dataclass
class Pair:
    """An entry as the source had it and as it has it now; one of the two may be missing."""

    old: dict[str, Any] | None
    new: int | None  # its place among the new ones


def pair(
    old: Sequence[dict[str, Any]], new: Sequence[tuple[str, str, Mapping[str, Any]]]
) -> list[Pair]:
    """Which entry of before is which of now: within the same place of the map by equal content,
    then by the same date, then, where their number is the same, in order."""
    found: list[Pair] = []
    places = list(dict.fromkeys([*((o["e"], o["p"]) for o in old), *((n[0], n[1]) for n in new)]))
    for entity, place in places:
        had = [one for one in old if (one["e"], one["p"]) == (entity, place)]
        has = [n for n, one in enumerate(new) if (one[0], one[1]) == (entity, place)]
        dated = BY_NAME[entity].dated_by if entity in BY_NAME else "date"

        def same(one: dict[str, Any], n: int) -> bool:
            return bool(one["v"] == new[n][2])

        def same_day(one: dict[str, Any], n: int, dated: str = dated) -> bool:
            day = one["v"].get(dated)
            return day is not None and day == new[n][2].get(dated)

        for alike in (same, same_day):
            for one in list(had):
                match = next((n for n in has if alike(one, n)), None)
                if match is not None:
                    found.append(Pair(one, match))
                    had.remove(one)
                    has.remove(match)
        if len(had) == len(has):
            found += [Pair(one, n) for one, n in zip(had, has, strict=True)]
            had, has = [], []
        found += [Pair(one, None) for one in had]
        found += [Pair(None, n) for n in has]
    return found


# -- comparing -----------------------------------------------------------------------------------


@dataclass
class Held:
    """What the centre has of a record: what the source said, and what the record says now."""

    row: Mapping[str, Any]
    patient: Mapping[str, Any]
    number: str
    entries: dict[str, Mapping[str, Any]] = field(default_factory=dict)


def _held(connection: Any, by: Viewer, source: str, sid: str) -> Held:
    query = sa.select(table_of(SourceRow)).where(
        SourceRow.organisation_id == by.organisation_id,
        SourceRow.source == source,
        SourceRow.source_id_index == sid,
    )
    row = connection.execute(query).mappings().one()
    table = table_of(Patient)
    patient = connection.execute(
        sa.select(table).where(table.c.id == row["patient_id"])
    ).mappings().one()  # fmt: skip
    numbers = connection.execute(
        sa.select(LocalIdentifier.id, LocalIdentifier.number).where(
            LocalIdentifier.patient_id == row["patient_id"],
            LocalIdentifier.organisation_id == by.organisation_id,
        )
    ).all()
    number = (
        ring().open(numbers[0][1], "local_identifier", "number", numbers[0][0]) if numbers else ""
    )
    held = Held(row, patient, number)
    for entity in dict.fromkeys(one["e"] for one in (row["made"] or {}).get("entries", [])):
        entries = table_of(BY_NAME[entity])
        found = connection.execute(
            sa.select(entries).where(entries.c.patient_id == row["patient_id"])
        ).mappings()
        held.entries |= {str(one["id"]): one for one in found}
    return held


def _patient_now(held: Held) -> dict[str, State]:
    plain = {name: facts.plain(held.patient[name]) for name in PLAIN}
    for name in SEALED:
        sealed = held.patient[name]
        plain[name] = ring().open(sealed, "patient", name, held.patient["id"]) if sealed else None
    plain[HOSPITAL_NUMBER] = held.number or None
    marked = {n: _mark(n, str(v)) if v and _hidden(n) else v for n, v in plain.items()}
    return {**marked, **(held.patient["absent"] or {})}


def _entry_now(entity: str, entry: Mapping[str, Any]) -> dict[str, State]:
    values = {name: entry[name] for name in facts.names(entity)}
    return states(facts.to_json(values, entry["absent"]))


def compare(
    connection: Any, *, by: Viewer, source: str, sid: str, row: Row, made: Sequence[Made]
) -> tuple[list[Change], str]:
    """What a record of a file says otherwise than before, and why that cannot be told, if so."""
    held = _held(connection, by, source, sid)
    if held.row["made"] is None:
        return [], TOO_OLD
    patient = snapshot_of_patient(row.patient.values, row.patient.absent, row.hospital_number)
    new = [(one.entity, one.place, facts.to_json(one.values, one.absent)) for one in made]
    return list(_changes(held, row.number, patient, new)), ""


def _changes(
    held: Held, row: int, patient: Mapping[str, Any], new: Sequence[Any]
) -> Iterator[Change]:
    patient_id = str(held.row["patient_id"])
    made = held.row["made"]
    start = Change(row, patient_id, VALUE, "patient")
    for name, said, now, then in _values(made["patient"], patient, _patient_now(held)):
        hidden = name == HOSPITAL_NUMBER or _hidden(name)
        shown = (None, None, None) if hidden else (now, then, said)
        yield replace(
            start, variable=name, before=shown[0], after=shown[1], said=shown[2], hidden=hidden,
            conflict=now != said, taken=now == said,
        )  # fmt: skip
    for one in pair(made["entries"], new):
        if one.old is None and one.new is not None:
            entity, _place, values = new[one.new]
            yield Change(row, patient_id, ADDED, entity, after=values)
        elif one.old is not None:
            yield from _of_pair(held, row, patient_id, one, new)


def _of_pair(
    held: Held, row: int, patient_id: str, one: Pair, new: Sequence[Any]
) -> Iterator[Change]:
    old = one.old or {}
    entity, entry_id = old["e"], old["i"]
    entry = held.entries.get(entry_id)
    touched = entry is None or entry["version"] != old.get("n", 1)
    if one.new is None:
        yield Change(
            row, patient_id, GONE, entity, entry_id, before=old["v"], conflict=touched,
            taken=not touched,
        )  # fmt: skip
        return
    now = _entry_now(entity, entry) if entry is not None else {}
    for name, said, there, then in _values(old["v"], new[one.new][2], now):
        conflict = entry is None or there != said
        yield Change(
            row, patient_id, VALUE, entity, entry_id, name, there, then, said, conflict,
            taken=not conflict,
        )  # fmt: skip


def _values(
    old: Mapping[str, Any], new: Mapping[str, Any], now: Mapping[str, State]
) -> Iterator[tuple[str, State, State, State]]:
    """The variables of which the source says something else than before, and the record does not
    say it yet: name, what it said, what the record says, what it says now."""
    before, after = states(old), states(new)
    for name in dict.fromkeys([*before, *after]):
        said, then = before.get(name), after.get(name)
        if said != then and now.get(name) != then:
            yield name, said, now.get(name), then


# -- applying ------------------------------------------------------------------------------------


def plan_of(row: Row, made: Sequence[Made], entries: Sequence[NewEntry]) -> dict[str, Any]:
    """What the spool keeps of a changed record."""
    return {
        "changed": True,
        "patient": facts.to_json(row.patient.values),
        "absent": row.patient.absent,
        "number": row.hospital_number,
        "kept": row.kept,
        "entries": [
            {
                "entity": one.entity,
                "place": one.place,
                "row": facts.to_json(one.values, one.absent),
                "links": entry.links,
            }
            for one, entry in zip(made, entries, strict=True)
        ],
    }


class Applying:
    """Applies one corrected record through the actions of the rooms, so that every change is
    checked, derived from and audited as if a person had made it. The caller commits."""

    def __init__(
        self, imported: Import, *, by: Viewer, take: frozenset[str], position: int
    ) -> None:
        self._import, self._by, self._take = imported, by, take
        self.position = position

    def apply(self, plan: Mapping[str, Any]) -> list[Change]:
        """Apply; returns what was found, each with whether it was taken."""
        held = _held(db.session.connection(), self._by, self._import.source, plan["sid"])
        self._now = dict(held.row["made"])
        patient_row = plan["patient"]
        typed = _patient_values(patient_row)
        patient = snapshot_of_patient(typed, plan["absent"], plan["number"])
        new = [(one["entity"], one["place"], one["row"]) for one in plan["entries"]]
        found = [
            replace(one, taken=one.taken or bool(self._take & {one.key, EVERY}))
            for one in _changes(held, plan["n"], patient, new)
        ]
        kept = held.row
        self._note(RECORD, kept, Change(plan["n"], str(kept["patient_id"]), RECORD, "patient"),
                   before={"made": kept["made"], "content": kept["content_index"],
                           "kept": kept["kept"]})  # fmt: skip
        self._patient(held, found, typed, plan)
        pairs = pair(held.row["made"]["entries"], new)
        ids = self._entries(held, found, pairs, plan)
        for one in found:
            if one.kind != ADDED:
                self._note(one.kind, kept, one, before=one.before)
        self._remember(held, plan, patient, pairs, ids)
        return found

    def _note(self, kind: str, kept: Mapping[str, Any], one: Change, *, before: Any) -> None:
        db.session.add(
            ImportChange(
                import_id=self._import.id,
                position=self.position,
                patient_id=kept["patient_id"],
                row=one.row,
                kind=kind,
                what=one.entity,
                entry_id=UUID(one.entry_id) if one.entry_id else None,
                variable=one.variable,
                before=before,
                after=one.after,
                conflict=one.conflict,
                taken=one.taken,
            )
        )
        self.position += 1

    def _patient(
        self, held: Held, found: Sequence[Change], typed: Mapping[str, Any], plan: Mapping[str, Any]
    ) -> None:
        taken = {one.variable for one in found if one.entity == "patient" and one.taken}
        if not taken:
            return
        patient = db.session.get_one(Patient, held.row["patient_id"])
        absent = {n: why for n, why in (patient.absent or {}).items() if n not in taken}
        absent |= {n: why for n, why in plan["absent"].items() if n in taken}
        values = {name: typed.get(name) for name in taken if name != HOSPITAL_NUMBER}
        patients.change(patient, by=self._by, facts=values, absent=absent)
        if HOSPITAL_NUMBER in taken and plan["number"]:
            patients.set_hospital_number(patient, plan["number"], by=self._by)

    def _entries(
        self, held: Held, found: Sequence[Change], pairs: Sequence[Pair], plan: Mapping[str, Any]
    ) -> dict[int, UUID]:
        """Change, add and take out entries; returns the id of each entry of the file."""
        ids: dict[int, UUID] = {
            one.new: UUID(one.old["i"])
            for one in pairs
            if one.old is not None and one.new is not None
        }
        patient = db.session.get_one(Patient, held.row["patient_id"])
        for place in sorted(one.new for one in pairs if one.old is None and one.new is not None):
            ids[place] = self._add(patient, plan["entries"][place], ids, plan["n"])
        for one in pairs:
            if one.old is None:
                continue
            taken = [c for c in found if c.entry_id == one.old["i"] and c.taken]
            if one.new is None and taken:
                self._take_out(one.old)
            elif one.new is not None and taken:
                names = {change.variable for change in taken}
                change_entry(one.old["e"], ids[one.new], names, plan["entries"][one.new]["row"],
                             by=self._by)  # fmt: skip
        return ids

    def _add(
        self, patient: Patient, entry: Mapping[str, Any], ids: Mapping[int, UUID], row: int
    ) -> UUID:
        values, absent = facts.from_json(entry["entity"], entry["row"])
        made = course.add(
            entry["entity"],
            patient,
            by=self._by,
            values=values,
            absent=absent,
            source=("import", self._import.source),
            **links_for_add(entry["links"], ids),
        )
        db.session.flush()
        start = Change(row, str(patient.id), ADDED, entry["entity"], str(made.id))
        self._note(ADDED, {"patient_id": patient.id}, replace(start, after=entry["row"]),
                   before=None)  # fmt: skip
        return made.id

    def _take_out(self, old: Mapping[str, Any]) -> None:
        """An entry the file no longer has was entered in error; it is kept and counts nowhere."""
        entry: Any = db.session.get(BY_NAME[old["e"]], UUID(old["i"]))
        if entry is not None and entry.error_at is None:
            course.mark_error(
                entry, by=self._by, version=entry.version,
                because="No longer in the source's file.",
            )  # fmt: skip

    def _remember(
        self,
        held: Held,
        plan: Mapping[str, Any],
        patient: Mapping[str, Any],
        pairs: Sequence[Pair],
        ids: Mapping[int, UUID],
    ) -> None:
        """What the source says from now on. A conflict that was kept is remembered as said: it is
        told once, and the same file again changes nothing."""
        db.session.flush()
        entries = []
        old = {one.new: one.old for one in pairs if one.old is not None and one.new is not None}
        for place, one in enumerate(plan["entries"]):
            entry: Any = db.session.get(BY_NAME[one["entity"]], ids[place])
            before = old.get(place)
            version = entry.version if entry is not None else 1
            if before is not None and held.entries.get(before["i"], {}).get(
                "version"
            ) != before.get("n", 1):
                version = before.get("n", 1)  # touched by people before, and so it stays
            entries.append(
                snapshot_of_entry(one["entity"], ids[place], one["place"], one["row"], version)
            )
        db.session.execute(
            sa.update(SourceRow)
            .where(SourceRow.id == held.row["id"])
            .values(
                made={"patient": dict(patient), "entries": entries},
                content_index=plan["content"],
                kept=plan["kept"],
            )
            .execution_options(synchronize_session=False)
        )


def links_for_add(links: Mapping[str, int], ids: Mapping[int, UUID]) -> dict[str, UUID]:
    """The links of an entry as `course.add` takes them."""
    return {f"{name}_id": ids[place] for name, place in links.items() if place in ids}


def change_entry(
    entity: str, entry_id: UUID, names: set[str], row: Mapping[str, Any], *, by: Viewer
) -> None:
    """Set some variables of an entry to what a row says: a value, a reason, or blank."""
    entry: Any = db.session.get(BY_NAME[entity], entry_id)
    if entry is None:
        return
    values, absent = facts.from_json(entity, row)
    merged = {n: why for n, why in (entry.absent or {}).items() if n not in names}
    merged |= {n: why for n, why in absent.items() if n in names}
    course.change(
        entry,
        by=by,
        version=entry.version,
        values={name: values.get(name) for name in names},
        absent=merged,
    )


def _patient_values(row: Mapping[str, Any]) -> dict[str, Any]:
    from registry.dates import PartialDate

    return {n: PartialDate(v) if n == "birth_date" and v else v for n, v in row.items()}


__all__ = ["Applying", "Change", "compare", "patient_queries", "plan_of"]
