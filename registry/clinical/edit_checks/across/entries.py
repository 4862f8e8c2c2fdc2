"""The entries of one patient as the checks read them: text, numbers, codes and dates by column."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

from registry.clinical import tables
from registry.clinical.edit_checks.finding import ABSENT, Finding
from registry.clinical.numbers import number
from registry.clinical.partial_dates import assumed, bounds, surely_before
from registry.clinical.results import Reason

Rows = Mapping[str, Sequence[Mapping[str, Any]]]


_NO_VALUE = frozenset(ABSENT) - {"unknown"}


@dataclass(slots=True, eq=False)
class Entry:
    """One entry: its entity, its id, and its columns as they came. Nobody changes it; it is not
    frozen because a record has hundreds, and a frozen one takes three times as long to make."""

    entity: str
    id: str
    values: Mapping[str, Any]

    def text(self, name: str) -> str:
        """A value as text; "" for blank and for the words of an absent value."""
        value = self.values.get(name)
        if value is None:
            return ""
        text = (value if type(value) is str else str(getattr(value, "iso", value))).strip()
        return "" if text in _NO_VALUE else text

    def number(self, name: str) -> Decimal | None:
        """A value as an exact number, None where there is none or it is no number."""
        value = self.values.get(name)
        if isinstance(value, Decimal):  # it was read when it was kept
            return value
        text = self.text(name)
        try:
            return number(text) if text else None
        except ValueError:
            return None

    def codes(self, name: str) -> tuple[str, ...]:
        """Several codes."""
        value = self.values.get(name) or ()
        return tuple(str(one) for one in value) if isinstance(value, list | tuple) else ()

    def date(self, name: str) -> str:
        """A date as ISO text of any precision, "" where there is none that can be read."""
        value = self.values.get(name)
        if value is None:
            return ""
        iso = getattr(value, "iso", None)
        if iso is not None:  # it was read when it was kept
            return str(iso)
        text = self.text(name)
        try:
            bounds(text)
        except ValueError:
            return ""
        return text

    def is_answered(self, name: str) -> bool:
        """Whether a value stands there, or why there is none."""
        return bool(self.text(name)) or name in (self.values.get("absent") or {})


class Record:
    """All entries of one patient that stand; what was entered in error is left out."""

    def __init__(self, rows: Rows) -> None:
        self._entries = {
            entity: tuple(
                Entry(entity, str(row.get("id") or ""), row)
                for row in found
                if not row.get("error_at")
            )
            for entity, found in rows.items()
        }
        self._named: dict[str, Mapping[str, Entry]] = {}
        self._groups: dict[tuple[str, str], Mapping[str, tuple[Entry, ...]]] = {}

    def all(self, entity: str) -> tuple[Entry, ...]:
        """The entries of a kind, as given."""
        return self._entries.get(entity, ())

    def linked(self, entry: Entry, name: str, entity: str) -> Entry | None:
        """The entry that a link column (`therapy_id`) names."""
        return self._by_id(entity).get(entry.text(name))

    def _by_id(self, entity: str) -> Mapping[str, Entry]:
        """The entries of a kind by their id, of the few kinds that others are linked to."""
        found = self._named.get(entity)
        if found is None:
            found = self._named[entity] = {one.id: one for one in self.all(entity)}
        return found

    def tumour_of(self, entry: Entry) -> Entry | None:
        """The tumour an entry belongs to; the only one where it names none."""
        tumours = self.all("tumour")
        named = self.linked(entry, "tumour_id", "tumour")
        return named or (tumours[0] if len(tumours) == 1 and not entry.text("tumour_id") else None)

    def of_tumour(self, entity: str, entry: Entry) -> tuple[Entry, ...]:
        """The entries of a kind about the same tumour as `entry`; those that name none as well."""
        tumour = entry if entry.entity == "tumour" else self.tumour_of(entry)
        if tumour is None:
            return self.all(entity)
        return tuple(e for e in self.all(entity) if e.text("tumour_id") in ("", tumour.id))

    def grouped(self, entity: str, name: str) -> Mapping[str, tuple[Entry, ...]]:
        """The entries of a kind by the id that a link column names; those without it left out."""
        found = self._groups.get((entity, name))
        if found is None:
            groups: dict[str, list[Entry]] = {}
            for entry in self.all(entity):
                if linked := entry.text(name):
                    groups.setdefault(linked, []).append(entry)
            found = {key: tuple(group) for key, group in groups.items()}
            self._groups[entity, name] = found
        return found

    def deaths(self) -> tuple[Entry, ...]:
        """Contacts that state the death."""
        return self._deaths

    @cached_property
    def _deaths(self) -> tuple[Entry, ...]:
        return tuple(
            e
            for e in self.all("follow_up")
            if e.text("vital_status") == "dead" or e.date("death_date")
        )

    def death_date(self) -> str:
        """The date of death, of the first contact that states one; "" for none."""
        dates = [entry.date("death_date") for entry in self.deaths()]
        return next((day for day in dates if day), "")


def finding(
    code: str,
    reason: Reason,
    *entries: Entry,
    variables: Iterable[str] = (),
    because: tuple[Reason, ...] = (),
) -> Finding:
    """A finding with the severity and source of `data/record_checks.csv`.

    The first entry is the one it is shown at. `variables` without an entity are of that entry.
    """
    row = tables.by_key("record_checks", "code")[code]
    shown = entries[0].entity
    named = tuple(name if "." in name else f"{shown}.{name}" for name in variables)
    return Finding(
        code=code,
        severity=row["severity"],
        reason=reason,
        variables=named,
        because=because,
        entries=tuple((entry.entity, entry.id) for entry in entries),
        source=row["source"],
    )


def is_before(earlier: str, later: str) -> bool:
    """Whether both dates are there and the first is certainly before the second."""
    return bool(earlier and later) and surely_before(earlier, later)


def may_be_by(day: str, limit: str) -> bool:
    """Whether a date may lie on or before a limit; also where one of the two is not known."""
    return not is_before(limit, day)


def in_order(entries: Iterable[Entry], name: str) -> list[Entry]:
    """The entries that have the date, in its order; on one day as given."""
    dated = [entry for entry in entries if entry.date(name)]
    return sorted(dated, key=lambda entry: assumed(entry.date(name)))


def days_apart(earlier: str, later: str) -> int | None:
    """Days between two dates known to the day; None where one is not."""
    if not earlier or not later or earlier.count("-") != 2 or later.count("-") != 2:
        return None
    return (bounds(later)[0] - bounds(earlier)[0]).days


def may_be_near(one: str, other: str, days: int) -> bool:
    """Whether two dates may lie within so many days of each other; where one is not known, yes."""
    if not one or not other:
        return True
    first, second = bounds(one), bounds(other)
    return (first[0] - second[1]).days <= days and (second[0] - first[1]).days <= days
