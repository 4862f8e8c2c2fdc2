"""A page over several entries of one patient: its slots, what is typed into them, what that says.

A *slot* is a place on the page for entries of one kind (the pathology, the PRRTs). Its *parts* are
the rows; each is one entry, stored or new. Fields are named `slot__row__variable`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from uuid import UUID

from werkzeug.datastructures import MultiDict

from registry.course import facts as facts_
from registry.course import wording
from registry.course.actions.sheet import Row
from registry.course.fast import QuickDate, Suggestion, quick_choice, quick_field
from registry.course.forms.layout import KEY_QUESTION
from registry.course.models import BY_NAME
from registry.course.wording import pretty
from registry.forms import Facts, HouseForm, Option
from registry.language import gettext as _
from registry.web import as_id

MOST_ROWS = 30  # of one kind on a page
ROW_TO_COME = 99
#: In a condition: whatever was answered, as long as something was.
ANYTHING = "*"


@dataclass(frozen=True, eq=False)
class Slot:
    """A place on the page for entries of one kind.

    `fixed` is said by standing in this slot. `decides` names the question without whose answer a
    row says nothing (units and limits may be filled in beforehand). `measures` are the (analyte,
    unit) pairs a marker may be given in. `with_it` is what goes with an answer: the unit that
    stands beside the box, as (column, value). `asked_if` (field, answer): it arises only then.
    `dated_from` names the field that dates rows without a date of their own. `extra` are questions
    of the page that are no variables.
    """

    key: str
    entity: str
    names: tuple[str, ...]
    title: Any = ""
    fixed: Mapping[str, Any] = field(default_factory=dict)
    many: bool = False
    decides: str = ""
    changes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    leads: Mapping[str, Any] = field(default_factory=dict)
    measures: tuple[tuple[str, str], ...] = ()
    with_it: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    asked_if: tuple[str, str] | None = None
    dated_from: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def model(self) -> Any:
        """The mapped class of its entries."""
        return BY_NAME[self.entity]


class Part(HouseForm):
    """One row of a slot."""

    slot: Slot
    number = 0
    entry: Any = None  # the stored entry, if there is one
    entry_id: UUID | None = None
    version: int | None = None  # the copy that was opened
    locked = False  # entered by another hospital: shown, not changed here

    @property
    def key(self) -> str:
        """Slot and row, as they stand in the fields' names."""
        return f"{self.slot.key}__{self.number}"

    @property
    def called(self) -> str:
        """What the row is called."""
        return str(self.slot.title or self.slot.model.entity_label)

    def arises(self, name: str) -> bool:
        """Is the question asked, given the answer it depends on?"""
        condition = self[name].show_if
        if condition is None or condition[0] not in self:
            return True
        if not self.arises(condition[0]):
            return False
        on = self[condition[0]]
        return bool(on.data in condition[1] or (ANYTHING in condition[1] and not on.is_empty))

    def stated(self) -> Facts:
        """What the row says, by column, without what is fixed."""
        said = self.facts(self.slot.names)
        values = {name: None if value == [] else value for name, value in said.values.items()}
        absent = dict(said.absent)
        for name in self.slot.names:
            if not self.arises(name):
                values[name] = None
                absent.pop(name, None)
        if self.slot.measures:
            values["analyte"], values["unit"] = self._measure()
        return Facts(values, absent)

    def _measure(self) -> tuple[str | None, str | None]:
        if len(self.slot.measures) == 1:
            return self.slot.measures[0]
        analyte, _bar, unit = (self["measure"].data or "").partition("|")
        return analyte or None, unit or None

    @property
    def is_empty(self) -> bool:
        """Does it say nothing?"""
        if self.slot.decides:
            return bool(self[self.slot.decides].is_empty)
        return all(self[name].is_empty for name in (*self.slot.extra, *self.slot.names))

    def check(self) -> bool:
        """Every field, and what an entry is nothing without."""
        fine = bool(self.validate())
        if not fine or self.is_empty or self.locked:
            return fine
        if "measure" in self and self["measure"].is_empty:
            self["measure"].errors.append(_("Choose the unit."))
            return False
        name, message = KEY_QUESTION.get(self.slot.entity, ("", ""))
        if name and name in self and self[name].is_empty and not self._dates_itself(name):
            self[name].errors.append(str(message))
            return False
        return fine

    def _dates_itself(self, name: str) -> bool:
        return bool(self.slot.dated_from) and name == self.slot.model.dated_by

    def place(self, name: str) -> Any:
        """The field of a column; the first one where it has none."""
        name = name.removesuffix("_id")
        name = "measure" if name in ("analyte", "unit") and "measure" in self else name
        return self[name] if name in self else next(iter(self))


@cache
def _part_class(slot: Slot) -> type[Part]:
    fields: dict[str, Any] = {}
    if len(slot.measures) > 1:
        fields["measure"] = quick_choice(_UNIT, lambda: _measures(slot.measures))
    for name in slot.names:
        fields[name] = quick_field(slot.model, name, **slot.changes.get(name, {}))
    fields.update(slot.extra)
    return type(f"{slot.key.title().replace('_', '')}Part", (Part,), {**fields, "slot": slot})


class _Unit:
    """The word is asked for when it is shown, so that it follows the language."""

    def __str__(self) -> str:
        return str(_("Unit"))


_UNIT: Any = _Unit()


def _measures(pairs: Sequence[tuple[str, str]]) -> list[Option]:
    several = len({unit for _analyte, unit in pairs}) < len(pairs)
    return [
        Option(
            f"{analyte}|{unit}",
            f"{pretty(unit)} ({wording.value('biomarker', 'analyte', analyte)})"
            if several
            else pretty(unit),
        )
        for analyte, unit in pairs
    ]


def id_of(form_key: UUID, key: str) -> UUID:
    """The id of the new entry in a row of a form: the same form sent twice makes one entry.

    Time-ordered like every id (version 7): the time is the form's, the rest follows from the row.
    """
    rest = hashlib.sha256(form_key.bytes + key.encode()).digest()
    made = bytearray(form_key.bytes[:6] + rest[:10])
    made[6] = made[6] & 0x0F | 0x70
    made[8] = made[8] & 0x3F | 0x80
    return UUID(bytes=bytes(made))


class Sheet:
    """The whole page: every part of every slot, from what is stored or from what was typed."""

    def __init__(
        self,
        slots: Sequence[Slot],
        stored: Mapping[str, Sequence[Any]],
        *,
        form_key: UUID,
        typed: MultiDict[str, str] | None = None,
        begun: Mapping[str, Mapping[str, Any]] | None = None,
        may_change: Any = None,
    ) -> None:
        """`stored` are the entries of each slot, in order. `begun` is what new parts begin with,
        by part key, visibly. `may_change` says of an entry whether this person may change it."""
        self.slots = {slot.key: slot for slot in slots}
        self.form_key = form_key
        self.typed = typed
        self.shared: dict[str, Any] = {}
        self._stored = stored
        self._begun = begun or {}
        self._may_change = may_change or (lambda entry: True)
        self.parts: dict[str, list[Part]] = {slot.key: self._parts(slot) for slot in slots}

    def _parts(self, slot: Slot) -> list[Part]:
        there = list(self._stored.get(slot.key, ()))
        count = max(len(there), 0 if slot.many and there else 1)
        if self.typed is not None:
            count = max(count, row_count(self.typed, slot.key))
        return [self._part(slot, n, there) for n in range(min(count, MOST_ROWS))]

    def _part(self, slot: Slot, number: int, there: Sequence[Any]) -> Part:
        key = f"{slot.key}__{number}"
        entry = self._entry(key, number, there)
        locked = entry is not None and not self._may_change(entry)
        sent = self.typed if self._was_shown(key) and not locked else None
        stored: Mapping[str, Any] = self._begun.get(key, {}) if self.typed is None else {}
        absent: Mapping[str, Any] = {}
        if entry is not None:
            stored = _stored_values(slot, entry)
            absent = {name: why for name, why in entry.absent.items() if name in slot.names}
        if sent is not None:  # an answer that was taken back is not sent at all
            stored, absent = {}, {}
        part: Any = _part_class(slot)(sent, stored=stored, absent=absent, prefix=f"{key}__")
        part.number, part.entry, part.locked = number, entry, locked
        part.entry_id = entry.id if entry is not None else id_of(self.form_key, key)
        part.version = self._version(key, entry)
        if len(slot.measures) == 1:
            part.value.unit = pretty(slot.measures[0][1])
        for name, (column, unit) in slot.with_it.items():
            unit = getattr(entry, column, None) or unit
            part[name].unit = wording.value(slot.entity, column, unit)
        for name, words in slot.leads.items():
            part[name].lead = words
        return part  # type: ignore[no-any-return]

    def _was_shown(self, key: str) -> bool:
        """Was the row on the page that was sent?"""
        there = (f"{key}__entry", f"{key}__new")
        return self.typed is not None and any(name in self.typed for name in there)

    def _entry(self, key: str, number: int, there: Sequence[Any]) -> Any:
        """The stored entry of a row: the one the form says, as long as it is one of this slot."""
        said = as_id(self.typed.get(f"{key}__entry")) if self.typed is not None else None
        if said is not None:
            return next((one for one in there if one.id == said), None)
        made = id_of(self.form_key, key)
        own = next((one for one in there if one.id == made), None)
        if own is not None or (self.typed is not None and f"{key}__new" in self.typed):
            return own
        return there[number] if number < len(there) else None

    def _version(self, key: str, entry: Any) -> int | None:
        if entry is None:
            return None
        sent = self.typed.get(f"{key}__version", "") if self.typed is not None else ""
        if not self._was_shown(key):
            return int(entry.version)
        return int(sent) if sent.isascii() and sent.isdigit() and len(sent) < 10 else None

    # -- reading ---------------------------------------------------------------------------------

    def one(self, key: str) -> Part:
        """The first part of a slot."""
        return self.parts[key][0]

    def __iter__(self) -> Iterator[Part]:
        for parts in self.parts.values():
            yield from parts

    def arises(self, slot: Slot) -> bool:
        """Is the slot asked, given the answer it depends on?"""
        if slot.asked_if is None:
            return True
        name, wanted = slot.asked_if
        owner, _row, variable = name.split("__", 2)
        return bool(self.one(owner)[variable].data == wanted)

    def dated(self, slot: Slot) -> Any:
        """The date for rows that have none of their own."""
        if slot.dated_from in self.shared:
            return self.shared[slot.dated_from].data
        owner, _row, variable = slot.dated_from.split("__", 2)
        return self.one(owner)[variable].data

    def add_shared(self, name: str, label: Any, lead: Any = "") -> None:
        """A date box of the page for rows without a date of their own."""
        form: Any = type("Shared", (HouseForm,), {name: QuickDate(label)})(self.typed)
        self.shared[name] = form[name]
        form[name].lead = lead

    @property
    def forms(self) -> list[Any]:
        """Every part, for the list of messages."""
        return list(self)

    @property
    def errors(self) -> dict[str, Any]:
        """All messages by field."""
        found = {f.name: f.errors for part in self for f in part if f.errors}
        return found | {name: f.errors for name, f in self.shared.items() if f.errors}

    @property
    def warnings(self) -> list[Any]:
        """The fields with something unusual."""
        return [f for part in self for f in part if f.warnings]

    @property
    def mark(self) -> str:
        """A mark of the warnings now shown; sent back with the form it says they were seen."""
        said = {f.name: [f.warnings, str(f.data)] for f in self.warnings}
        if not said:
            return ""
        text = json.dumps(said, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    # -- what it says ----------------------------------------------------------------------------

    def check(self) -> bool:
        """Check everything that arises; every message is collected."""
        found = [f.validate(None) for f in self.shared.values()]
        for part in self:
            if self.arises(part.slot) and not part.locked:
                found += [part.check(), self._is_still_there(part), _still_says_something(part)]
        return all(found)

    def _is_still_there(self, part: Part) -> bool:
        """An entry that was on the page and is gone must not come back as a new one."""
        said = self.typed is not None and self.typed.get(f"{part.key}__entry")
        if not said or part.entry is not None:
            return True
        part.place(part.slot.names[0]).errors.append(
            _("This entry was marked as entered in error meanwhile. Open the page again.")
        )
        return False

    def rows(self, links: Mapping[str, UUID | None]) -> list[Row]:
        """What is to be kept: of every part that says something, its entry. `links` by column."""
        return [
            self._row(part, links)
            for part in self
            if self.arises(part.slot) and not part.is_empty and not part.locked
        ]

    def _row(self, part: Part, links: Mapping[str, UUID | None]) -> Row:
        slot, said = part.slot, part.stated()
        values, absent = dict(said.values), dict(said.absent)
        if part.entry is None:
            values |= {name: value for name, value in slot.fixed.items() if not values.get(name)}
        for name, (column, unit) in slot.with_it.items():
            if values.get(name) is not None:
                values[column] = getattr(part.entry, column, None) or unit
        dated = slot.model.dated_by
        if slot.dated_from and values.get(dated) is None and dated not in absent:
            stands = part.entry is not None and dated not in slot.names
            values[dated] = getattr(part.entry, dated) if stands else self.dated(slot)
        return Row(
            key=part.key,
            entity=slot.entity,
            entry_id=part.entry_id or id_of(self.form_key, part.key),
            version=part.version,
            values=values,
            absent=absent,
            links={name: to for name, to in links.items() if hasattr(slot.model, name)}
            if part.entry is None
            else {},
        )

    def suggest(self, key: str, names: Sequence[str], entry: Any) -> None:
        """Show beside the questions of a part what an earlier entry says."""
        part = self.one(key)
        for name in names:
            stored = getattr(entry, name)
            if stored in (None, "", []):
                continue
            words = wording.value(part.slot.entity, name, stored)
            part[name].suggestion = Suggestion(facts_.plain(stored), words, wording.when(entry))

    def kept(self) -> dict[str, list[str]]:
        """What was typed into the page's own fields, to be kept as a draft. No identity."""
        assert self.typed is not None  # a draft is made from what was sent
        own = {f.name for part in self for f in part} | set(self.shared)
        own |= {f"{part.key}__{what}" for part in self for what in ("entry", "version", "new")}
        own |= {f"{slot}__rows" for slot in self.slots}
        return {
            name: [text.replace("\x00", "") for text in self.typed.getlist(name)]
            for name in self.typed
            if name in own
        } | {"form_key": [str(self.form_key)]}


def _still_says_something(part: Part) -> bool:
    entry = part.entry
    if entry is None or not part.is_empty:
        return True
    if all(getattr(entry, n) in (None, "", []) and n not in entry.absent for n in part.slot.names):
        return True
    part.place(part.slot.decides or part.slot.names[0]).errors.append(
        _("An entry cannot be emptied here: mark it as entered in error on the chart.")
    )
    return False


def blank(slot: Slot, form_key: UUID) -> Part:
    """An empty row that stands for the next one, for the script that adds rows; its number is
    `ROW_TO_COME`."""
    part: Any = _part_class(slot)(None, prefix=f"{slot.key}__{ROW_TO_COME}__")
    part.number, part.entry_id = ROW_TO_COME, id_of(form_key, f"{slot.key}__{ROW_TO_COME}")
    for name, words in slot.leads.items():
        part[name].lead = words
    for name, (column, unit) in slot.with_it.items():
        part[name].unit = wording.value(slot.entity, column, unit)
    return part  # type: ignore[no-any-return]


def _stored_values(slot: Slot, entry: Any) -> dict[str, Any]:
    values = {name: getattr(entry, name) for name in slot.names}
    if slot.measures:
        values["measure"] = f"{entry.analyte}|{_canonical(entry)}" if entry.unit else None
    return values


def _canonical(entry: Any) -> str:
    from registry.clinical import units

    return units.canonical(entry.unit, entry.analyte or "")


def row_count(typed: Mapping[str, Any], key: str) -> int:
    """How many rows of a slot were sent: one more than the highest, or as asked."""
    shape = re.compile(rf"{re.escape(key)}__([0-9]{{1,2}})__")
    numbers = [int(found[1]) + 1 for name in typed if (found := shape.match(name))]
    said = str(typed.get(f"{key}__rows", "0"))
    asked = int(said) if said.isascii() and said.isdigit() and len(said) < 3 else 0
    return min(max(asked, *numbers, 0), MOST_ROWS)
