"""Several entries of a kind as rows of one table, each cell one box."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from uuid import UUID

from werkzeug.datastructures import MultiDict

from registry.course import facts as facts_
from registry.course.fast import quick_field
from registry.course.forms.layout import KEY_QUESTION
from registry.course.models import BY_NAME
from registry.db import new_id
from registry.forms import Facts, HouseForm
from registry.language import lazy_gettext as _l

#: Rows that one page sends at most; so many of them are entries that stand already.
MOST_ROWS = 300
MOST_STORED = 30


@dataclass(frozen=True)
class Columns:
    """What a table of an entity asks: its columns, and how many empty rows it offers.

    `existing`: the entries there are stand in it, too. `shared` is asked once above the rows and
    holds for each that leaves it empty.
    """

    title: Any
    names: tuple[str, ...]
    blank: int = 3
    existing: bool = True
    parent: str = ""  # the link without which there is no such table
    shared: str = ""


TABLES: dict[str, Columns] = {
    "biomarker": Columns(
        _l("Markers and blood values"),
        ("date", "analyte", "comparator", "value", "unit", "upper_limit", "fasting", "ppi",
         "assay"),
    ),
    "cycle": Columns(
        _l("Cycles"),
        ("number", "date", "activity_gbq", "dose_value", "dose_unit", "egfr", "creatinine",
         "haemoglobin", "platelets", "delayed"),
        parent="therapy",
    ),
    "adverse_event": Columns(
        _l("Side effects of one visit"),
        ("term", "grade", "start", "stop", "attribution", "action_taken", "serious"),
        blank=6,
        existing=False,
        shared="start",
    ),
    "symptom_diary": Columns(
        _l("Symptom diary"),
        ("date", "flushing_per_day", "stools_per_day", "pain", "wellbeing"),
        blank=7,
    ),
    "metastasis": Columns(
        _l("Metastases"), ("site", "date", "basis", "resolved_date"), blank=3
    ),
}  # fmt: skip


class RowForm(HouseForm):
    """One row."""

    entity: str

    @property
    def names(self) -> list[str]:
        """The columns."""
        return [f.short_name for f in self]

    @property
    def is_blank(self) -> bool:
        """Nothing stands in it."""
        return all(f.is_empty and not any(t.strip() for t in f.typed) for f in self)

    def validate(self, extra_validators: Any = None) -> bool:
        """Check every cell; a row must say what it is about."""
        fine = bool(super().validate(extra_validators))
        name, message = KEY_QUESTION.get(self.entity, ("", ""))
        if name in self and self[name].is_empty and not self[name].errors:
            self[name].errors.append(str(message))
            return False
        return fine

    def stated(self) -> Facts:
        """What the row says."""
        return self.facts(self.names)

    def say(self, name: str, message: str, *, wrong: bool) -> None:
        """Put a message at a cell; where there is no such column, at the first."""
        place = self[name] if name in self else self[self.names[0]]
        listed = place.errors if wrong else place.warnings
        if message not in listed:
            listed.append(message)


@cache
def _row_class(entity: str) -> type[RowForm]:
    model = BY_NAME[entity]
    fields = {name: quick_field(model, name, show_if=None) for name in TABLES[entity].names}
    return type("Row", (RowForm,), {**fields, "entity": entity})


@dataclass
class Row:
    """One row of a table: the entry it stands for (new where there is none yet), and its form."""

    number: int
    entry_id: UUID
    version: int  # 0: not kept yet
    form: RowForm
    entry: Any = None
    note: str = ""  # what is to be said about the row as a whole
    source: str = ""  # the line it was read from
    derived: list[str] = field(default_factory=list)  # what follows from it
    stands: list[str] = field(default_factory=list)  # after a conflict: what the record says

    @property
    def prefix(self) -> str:
        """What the names of its boxes begin with."""
        return f"r{self.number}-"

    @property
    def is_new(self) -> bool:
        """Not kept yet."""
        return self.version == 0


def blank_row(entity: str, number: int, typed: Mapping[str, str] | None = None) -> Row:
    """An empty row, or one with what was typed elsewhere."""
    sent = MultiDict({f"r{number}-{name}": text for name, text in (typed or {}).items()})
    form = _row_class(entity)(sent if typed else None, prefix=f"r{number}-")
    return Row(number, new_id(), 0, form)


def stored_row(entity: str, number: int, entry: Any) -> Row:
    """The row of an entry."""
    stated = {name: getattr(entry, name) for name in TABLES[entity].names}
    absent = {name: why for name, why in (entry.absent or {}).items() if name in stated}
    form = _row_class(entity)(None, stored=stated, absent=absent, prefix=f"r{number}-")
    return Row(number, entry.id, entry.version, form, entry)


def sent_rows(entity: str, sent: MultiDict[str, str]) -> Iterator[Row]:
    """The rows of a page that was sent, in their order."""
    for number in _numbers(sent):
        prefix = f"r{number}-"
        try:
            entry_id = UUID(sent.get(f"{prefix}id", ""))
        except ValueError:
            continue
        version = sent.get(f"{prefix}version", "")
        kept = int(version) if version.isascii() and version.isdigit() and len(version) < 10 else 0
        form = _row_class(entity)(sent, prefix=prefix)
        yield Row(number, entry_id, kept, form, source=sent.get(f"{prefix}source", ""))


def moved(row: Row, to: Row, sent: MultiDict[str, str]) -> RowForm:
    """What was typed into one row, as the form of another."""
    typed = [
        (to.prefix + name.removeprefix(row.prefix), text)
        for name, text in sent.items(multi=True)
        if name.startswith(row.prefix)
    ]
    return _row_class(row.form.entity)(MultiDict(typed), prefix=to.prefix)


def _numbers(sent: MultiDict[str, str]) -> Sequence[int]:
    found = []
    for name in sent:
        number = name[1:].removesuffix("-id")
        if name[:1] == "r" and name.endswith("-id") and number.isascii() and number.isdigit():
            found.append(int(number[:6]))
    return sorted(set(found))[:MOST_ROWS]


def same(entity: str, row: Row, entry: Any) -> bool:
    """Does an entry already say everything the row says?"""
    said = row.form.stated()
    return all(
        facts_.plain(getattr(entry, name)) == facts_.plain(value)
        for name, value in said.values.items()
        if value not in (None, "", [])
    )
