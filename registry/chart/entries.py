"""All entries of one kind, page by page, and the full history of one entry's values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from registry.access import Viewer
from registry.chart import tables
from registry.chart.queries import may_change, relation
from registry.chart.tables import Table
from registry.chart.words import Words
from registry.course import facts, wording
from registry.course import queries as course
from registry.course.models import BY_NAME, LINKS, EntryChange, links_of
from registry.course.models.entry import Entry
from registry.course.queries import reading
from registry.db import db
from registry.dictionary import described
from registry.errors import NotFound
from registry.language import gettext as _
from registry.patients import queries as patients
from registry.patients.models import Patient
from registry.patients.queries import Identity
from registry.people import queries as people

PAGE = 50
#: By what the entries of a kind can be narrowed; those about a therapy by the therapy.
_BY = {
    "biomarker": "analyte",
    "imaging": "modality",
    "questionnaire": "instrument",
    "adverse_event": "term",
    "pathology": "report_kind",
    "metastasis": "site",
    "therapy": "therapy_class",
}


@dataclass(frozen=True)
class Choice:
    """A value the list can be narrowed to."""

    value: str
    label: str
    count: int


@dataclass(frozen=True)
class Listed:
    """One page of the entries of a kind."""

    patient: Patient
    identity: Identity
    relation: str
    table: Table
    entered: dict[str, tuple[str, datetime]]  # by entry: who, when
    choices: Sequence[Choice]
    chosen: str
    chosen_label: str
    page: int
    pages: int
    may_write: bool


def listed(viewer: Viewer, patient_id: UUID, entity: str, *, only: str, page: int) -> Listed:
    """Entries of a kind, newest first, also those entered in error. Raises NotFound to a stranger,
    and for a kind there is none of."""
    model = BY_NAME.get(entity)
    patient = patients.patient(viewer, patient_id)
    if model is None:
        raise NotFound()
    kinds, words = patients.relation(viewer, patient_id), Words()
    therapies, tumours = course.therapies(patient_id), course.tumours(patient_id)
    column = "therapy_id" if hasattr(model, "therapy_id") and entity not in _BY else _BY.get(entity)
    named = {str(one.id): words.therapy(one) for one in therapies}
    choices = _choices(patient, model, column, named, words) if column else []
    chosen = next((one for one in choices if one.value == only), None)
    where = {column: UUID(only) if column == "therapy_id" else only} if column and chosen else {}
    count = reading.count(patient, model, where)
    pages = max(-(-count // PAGE), 1)
    page = min(max(page, 1), pages)
    found = reading.entries(patient, model, where=where, limit=PAGE, offset=PAGE * (page - 1))
    names = people.person_names({one.entered_by for one in found})
    at = tables.desk(
        therapies,
        tumours,
        words,
        places=people.organisation_names({one.organisation_id for one in found}),
        here=viewer.organisation_id,
        may_change=may_change(viewer, kinds),
    )
    return Listed(
        patient=patient,
        identity=patients.identity(patient),
        relation=relation(kinds),
        table=tables.table(entity, found, count, at),
        entered={str(one.id): (names.get(one.entered_by, ""), one.entered_at) for one in found},
        choices=choices,
        chosen=chosen.value if chosen else "",
        chosen_label=chosen.label if chosen else "",
        page=page,
        pages=pages,
        may_write=patients.may_write(viewer, kinds),
    )


def _choices(
    patient: Patient, model: type[Any], column: str, therapies: Mapping[str, str], words: Words
) -> list[Choice]:
    return [
        Choice(
            str(value),
            therapies.get(str(value)) or words.value(model.entity, column, value)
            if column == "therapy_id"
            else words.value(model.entity, column, value),
            count,
        )
        for value, count in reading.kinds_there(patient, model, column)
    ]


# -- history -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Change:
    """One value before and after."""

    name: str
    label: str
    before: str
    after: str


@dataclass(frozen=True)
class Event:
    """What was done to an entry: by whom, when, and the values it changed."""

    what: str
    who: str
    place: str
    at: datetime
    changes: tuple[Change, ...]
    note: str = ""


@dataclass(frozen=True)
class History:
    """Everything that was ever said in an entry, oldest first."""

    entry: Any
    identity: Identity
    named: str
    events: tuple[Event, ...]
    variables: tuple[tuple[str, str], ...]  # those that changed: name, label
    now: tuple[wording.Said, ...]


def history(viewer: Viewer, entity: str, entry_id: UUID, *, only: str) -> History:
    """The full history of an entry; `only` narrows it to one variable. NotFound to a stranger."""
    entry: Any = course.entry(viewer, entity, entry_id)
    patient = patients.patient(viewer, entry.patient_id)
    changes = course.changes_of(entry)
    names = people.person_names({entry.entered_by, *(one.by for one in changes)})
    places = people.organisation_names(
        {entry.organisation_id, *(one.organisation_id for one in changes)}
    )
    source = {"referral": _("from the referral"), "import": _("imported")}.get(entry.source_kind)
    first = Event(
        str(_("Entered")),
        names.get(entry.entered_by, str(_("The registry"))),
        places.get(entry.organisation_id, ""),
        entry.entered_at,
        tuple(_first(entry, changes)),
        str(source or ""),
    )
    events = [first, *(_event(entity, one, names, places) for one in changes)]
    variables = {c.name: c.label for event in events[1:] for c in event.changes}
    if only in variables:
        events = [
            Event(
                e.what, e.who, e.place, e.at, tuple(c for c in e.changes if c.name == only), e.note
            )
            for e in events
            if any(c.name == only for c in e.changes)
        ]
    return History(
        entry,
        patients.identity(patient),
        wording.named(entry),
        tuple(events),
        tuple(variables.items()),
        tuple(wording.said(entry)),
    )


def _kind(code: str) -> str:
    words = {
        "changed": _("Changed"),
        "linked": _("Linked"),
        "derived": _("Derived anew"),
        "error": _("Marked as entered in error"),
        "restored": _("Restored"),
        "accepted": _("A warning was accepted"),
    }
    return str(words.get(code, code))


def _event(
    entity: str, one: EntryChange, names: Mapping[Any, str], places: Mapping[Any, str]
) -> Event:
    note = ""
    told: list[Change] = []
    for name, pair in one.changes.items():
        before, after = pair if isinstance(pair, list) and len(pair) == 2 else (None, pair)
        if one.kind in ("error", "restored", "accepted"):
            note = " ".join(part for part in (note, str(after or before or "")) if part)
        elif name == "absent":
            told += _absences(entity, before or {}, after or {})
        else:
            told.append(_change(entity, name, before, after))
    return Event(
        _kind(one.kind),
        names.get(one.by, str(_("The registry"))),
        places.get(one.organisation_id, ""),
        one.at,
        tuple(told),
        note,
    )


def _absences(entity: str, before: Any, after: Any) -> Iterable[Change]:
    """Why there is no value, as it was and as it became."""
    for name in sorted({*before, *after}):
        was, became = before.get(name), after.get(name)
        if was != became:
            yield Change(name, wording.label(entity, name), _absence(was), _absence(became))


def _absence(why: Any) -> str:
    if not why:
        return ""
    return wording.absence(why if isinstance(why, dict) else {"why": why})


def _change(entity: str, name: str, before: Any, after: Any) -> Change:
    if name.endswith("_id"):
        link = name.removesuffix("_id")
        model = LINKS.get(link)
        label = str(model.entity_label) if model else name
        return Change(name, label, _linked(model, before), _linked(model, after))
    if isinstance(before, dict) and isinstance(after, dict):  # thirty answers, one of them changed
        before, after = _without(before, after), _without(after, before)
    return Change(
        name, _label(entity, name), _told(entity, name, before), _told(entity, name, after)
    )


def _without(told: Mapping[str, Any], also: Mapping[str, Any]) -> dict[str, Any]:
    """What one says and the other does not say as well."""
    return {item: value for item, value in told.items() if also.get(item) != value}


def _label(entity: str, name: str) -> str:
    declared = described(BY_NAME[entity]).get(name)
    return str(declared.label) if declared else name


def _linked(model: Any, entry_id: Any) -> str:
    if not entry_id or model is None:
        return ""
    found = db.session.get(model, UUID(str(entry_id)))
    return wording.named(found) if found else str(entry_id)


def _told(entity: str, name: str, plain: Any) -> str:
    """A value as the history keeps it, in words."""
    if plain in (None, "", [], {}):
        return ""
    if name not in described(BY_NAME[entity]):
        return str(plain)
    try:
        values, _absent = facts.from_json(entity, {name: plain})
    except ValueError:  # what was derived is no fact, and is kept as it was
        values = {name: plain}
    return wording.value(entity, name, values[name]) or str(plain)


def _first(entry: Entry, changes: Sequence[EntryChange]) -> Iterable[Change]:
    """What was entered at first: the values of today, back before every change."""
    found: dict[str, Any] = {
        name: facts.plain(value) for name, value in facts.stated(entry).items()
    }
    found |= {f"{link}_id": getattr(entry, f"{link}_id") for link in links_of(type(entry))}
    for one in reversed(changes):
        if one.kind not in ("changed", "linked"):
            continue
        for name, pair in one.changes.items():
            if name in found and isinstance(pair, list) and len(pair) == 2:
                found[name] = pair[0]
    for name, value in found.items():
        change = _change(entry.entity, name, None, value)
        if change.after:
            yield change
