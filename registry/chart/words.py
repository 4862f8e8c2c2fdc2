"""The words of one page: what the course says of a value, each told once.

The same code, date or label stands on a chart hundreds of times. `Words` asks
`course.wording` and the code lists once for each and is thrown away with the page.
"""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from typing import Any

from registry import codes, dictionary
from registry.clinical.results import Reason
from registry.course import wording
from registry.course.models import BY_NAME
from registry.dates import PartialDate
from registry.dictionary import Variable
from registry.language import gettext as _


@cache
def variable(entity: str, name: str) -> Variable:
    """What the dictionary declares of a column."""
    return dictionary.of(BY_NAME[entity], name)


class Words:
    """Values, codes, dates and labels in the reader's language, for one page."""

    def __init__(self) -> None:
        self._codes: dict[tuple[str, str], str] = {}
        self._dates: dict[str, str] = {}
        self._values: dict[tuple[str, str, Any], str] = {}
        self._labels: dict[tuple[str, str], str] = {}
        self._units: dict[str, str] = {}
        self._beside: dict[Any, wording.Beside | None] = {}

    def code(self, name: str, code: str | None) -> str:
        """A code of a list; empty for none."""
        if not code:
            return ""
        found = self._codes.get((name, code))
        if found is None:
            found = self._codes[name, code] = codes.label(name, code)
        return found

    def date(self, value: PartialDate | None) -> str:
        """A date as precise as it was stated."""
        if value is None:
            return ""
        found = self._dates.get(value.iso)
        if found is None:
            found = self._dates[value.iso] = wording.date(value)
        return found

    def iso(self, text: str) -> str:
        """A date that is given as text."""
        return self.date(PartialDate(text))

    def label(self, entity: str, name: str) -> str:
        """What a variable is called."""
        found = self._labels.get((entity, name))
        if found is None:
            found = self._labels[entity, name] = str(variable(entity, name).label)
        return found

    def value(self, entity: str, name: str, stored: Any) -> str:
        """A stored value with its unit; empty where there is none."""
        if stored is None or stored == "":
            return ""
        if isinstance(stored, PartialDate):
            return self.date(stored)
        if isinstance(stored, list | dict):
            return self._several(entity, name, stored)
        found = self._values.get((entity, name, stored))
        if found is None:
            found = self._values[entity, name, stored] = wording.value(entity, name, stored)
        return found

    def _several(self, entity: str, name: str, stored: Any) -> str:
        declared = variable(entity, name)
        if isinstance(stored, list) and declared.codes:
            return ", ".join(self.code(declared.codes, one) for one in stored)
        return wording.value(entity, name, stored)

    def said(self, row: Any, name: str) -> str:
        """A value of an entry, else why there is none."""
        found = self.value(row.entity, name, getattr(row, name))
        if found or not row.absent:
            return found
        return wording.absence(row.absent.get(name))

    def when(self, row: Any) -> str:
        """When an entry is about: its date, else the interval, else why there is no date."""
        dated = getattr(row, row.dated_by, None)
        if isinstance(dated, PartialDate):
            return self.date(dated)
        return wording.interval(row) or wording.absence((row.absent or {}).get(row.dated_by))

    def unit(self, stated: str | None) -> str:
        """A unit as it is printed."""
        if not stated:
            return ""
        found = self._units.get(stated)
        if found is None:
            found = self._units[stated] = wording.pretty(stated)
        return found

    def therapy(self, row: Any) -> str:
        """A therapy by its agent, else by the source's words, else by its kind."""
        return (
            self.code("therapy", row.agent)
            or row.agent_stated
            or self.code("therapy_class", row.therapy_class)
            or str(row.entity_label)
        )

    def tumour(self, row: Any) -> str:
        """A tumour by its place."""
        return self.code("topography", row.primary_site) or str(_("Primary site not stated"))

    def beside(self, row: Any) -> wording.Beside | None:
        """What was derived of a pathology or staging, beside what was stated."""
        if row.id not in self._beside:
            self._beside[row.id] = wording.beside_of(row)
        return self._beside[row.id]

    def reason(self, found: Reason) -> str:
        """A reason of a rule."""
        return wording.reason(found)


def number(value: Decimal) -> str:
    """A number without the zeros behind it that say nothing here."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def period(words: Words, start: PartialDate | None, stop: PartialDate | None, on: bool) -> str:
    """From when to when; `on`: it goes on."""
    if start is None and stop is None:
        return ""
    if on:
        return str(_("since %(date)s", date=words.date(start)))
    if start is None:
        return str(_("until %(date)s", date=words.date(stop)))
    if stop is None or stop == start:
        return words.date(start)
    return f"{words.date(start)} – {words.date(stop)}"
