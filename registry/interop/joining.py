"""Several rows of one patient: what is said once must agree, the rest is added row by row."""

from __future__ import annotations

from collections.abc import Iterator

from registry.interop.links import ranks
from registry.interop.rows import HIDDEN, Made, Row


def join(first: Row, later: Row, id_column: str) -> None:
    """Add what a later row says to the patient's first; refuse the row where it disagrees.

    The patient and the entries made *once* may be stated in any of the rows: a blank is filled,
    a different value is refused.
    """
    for name in _agree(first.patient, later.patient):
        _refuse(later, later.patient, name, "in an earlier row of the patient", id_column)
    if later.hospital_number and later.hospital_number != first.hospital_number:
        first.hospital_number = first.hospital_number or later.hospital_number
        if later.hospital_number != first.hospital_number:
            later.refuse(id_column, "patient.hospital_number is another", hidden=True)
    told = {one.place: one for one in first.entries if one.once}
    for entry in later.entries:
        if not entry.once or entry.place not in told:
            first.entries.append(entry)
            continue
        for name in _agree(told[entry.place], entry):
            _refuse(later, entry, name, f"in row {told[entry.place].row}", id_column)
    for column, text in ((_of(later, name), text) for name, text in later.kept.items()):
        first.kept.setdefault(column, [])
        first.kept[column] += text


def _of(row: Row, column: str) -> str:
    """A column's name, with its file where there are several."""
    return f"{row.file}: {column}" if row.file else column


def _refuse(later: Row, entry: Made, name: str, where: str, id_column: str) -> None:
    """Refuse the cell that says otherwise; without one, the record at its id."""
    column, shown = entry.told.get(name, (id_column, HIDDEN))
    reason = f"{entry.entity}.{name} is another than {where}"
    later.refuse(column, reason, hidden=shown == HIDDEN)


def _agree(first: Made, later: Made) -> Iterator[str]:
    """Fill what the first leaves open; name the variables of which the later says otherwise."""
    for name, value in later.values.items():
        if name in first.values and first.values[name] != value:
            yield name
        first.values.setdefault(name, value)
        first.absent.pop(name, None)
    for name, reason in later.absent.items():
        if name not in first.values:
            first.absent.setdefault(name, reason)


def in_order(entries: list[Made]) -> list[Made]:
    """Entries with those others point to first, else as the rows have them."""
    rank = ranks()
    return sorted(entries, key=lambda one: rank[one.entity])
