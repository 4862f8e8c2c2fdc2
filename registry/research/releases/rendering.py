"""The cells of many rows at once, column by column, as they leave."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

from registry.dates import PartialDate
from registry.research.releases.columns import DAYS, Case, Cell, Column, File, stated_reason
from registry.research.releases.pseudonyms import Pseudonyms
from registry.research.releases.reading import Batch, Raw, Remembered
from registry.research.releases.recoding import QUASI, SENSITIVE, Known, Plan

_NOTHING = Cell()
_DAYS = Remembered(lambda days: Cell(str(days)))


def cases_of(batch: Batch, names: Pseudonyms, coarse: Plan, start: int) -> list[Case]:
    """The patients of a batch; `start` is the place of the first among all."""
    empty: list[Raw] = []
    found = []
    for at, patient_id in enumerate(batch.ids):
        of_patient = {entity: rows[at] or empty for entity, rows in batch.rows.items()}
        [patient] = of_patient.pop("patient")
        name = patient.name
        level = coarse.level(start + at)
        found.append(Case.of(patient, of_patient, names, name, patient_id, level))
    return found


@dataclass
class Block:
    """The rows of some patients in one file: a list of texts for every column, the last saying why
    cells are empty; `starts` has where the rows of each patient begin, and the end of all."""

    file: File
    texts: list[list[str]]
    starts: list[int]
    why: dict[int, list[tuple[str, str]]] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return self.starts[-1]

    def lines(self) -> Iterator[tuple[str, ...]]:
        """Row after row."""
        return zip(*self.texts, strict=True)

    def column(self, name: str) -> list[str] | None:
        """The texts of a column; None where it does not leave."""
        header = self.file.names
        return self.texts[header[name]] if name in header else None

    def explain(self) -> None:
        """Write the last column from the reasons."""
        absent = [""] * self.rows
        for at, found in self.why.items():
            absent[at] = ";".join(f"{name}={reason}" for name, reason in found)
        self.texts.append(absent)


class Renderer:
    """Makes the cells of a file. What depends on a value alone is worked out once for each."""

    def __init__(self, file: File, coarse: Plan) -> None:
        self.file = file
        self._coarse = None if coarse.is_exact else coarse
        self._known: dict[str, Remembered] = {}
        self._ordinals = Remembered(_ordinal)

    def block(self, rows: Sequence[Sequence[Raw]], cases: Sequence[Case]) -> Block:
        """The rows of these patients."""
        flat = [row for some in rows for row in some]
        whose = [case for case, some in zip(cases, rows, strict=True) for _row in some]
        starts = [0, *accumulate(len(some) for some in rows)]
        made = Block(self.file, [], starts)
        stated = [(at, found) for at, row in enumerate(flat) if (found := row["absent"])]
        for column in self.file.columns:
            cells = self._cells(column, flat, whose)
            made.texts.append([cell.text for cell in cells])
            if column.explained:
                _reasons(made, column, cells, stated)
        made.explain()
        return made

    def _cells(self, column: Column, rows: Sequence[Raw], cases: Sequence[Case]) -> list[Cell]:
        if not rows:
            return []
        if column.alone:
            cells = self._alone(column, rows)
        elif column.when:
            cells = self._dated(column, rows, cases)
        else:
            cells = [column.read(row, case) for row, case in zip(rows, cases, strict=True)]
        place = (self.file.entity, column.name)
        if self._coarse is None or not self._coarse.touches(place):
            return cells
        coarser = self._coarse.cell
        return [coarser(place, one, case.level) for one, case in zip(cells, cases, strict=True)]

    def _alone(self, column: Column, rows: Sequence[Raw]) -> list[Cell]:
        table = rows[0].table
        known = self._known.get(column.name)
        if known is None:
            meaning, name, read = table.meaning[column.variable], column.variable, column.read
            known = Remembered(
                lambda raw: read({name: None if raw is None else meaning[raw]}, None)  # type: ignore[arg-type]
            )
            self._known[column.name] = known
        place = table.places[column.variable]
        return [known[row.values_[place]] for row in rows]

    def _dated(self, column: Column, rows: Sequence[Raw], cases: Sequence[Case]) -> list[Cell]:
        place, ordinals = rows[0].table.places[column.variable], self._ordinals
        read, days, in_days = column.read, _DAYS, column.when == DAYS
        found = []
        for row, case in zip(rows, cases, strict=True):
            raw = row.values_[place]
            if raw is None:
                found.append(_NOTHING)
                continue
            day, origin = ordinals[raw], case.day
            if day is None or origin is None:
                found.append(read(row, case))
            else:
                found.append(days[day - origin] if in_days else _NOTHING)
        return found


def _ordinal(raw: str) -> int | None:
    """The number of a day; None of a month or year."""
    return PartialDate(raw).earliest.toordinal() if len(raw) == 10 else None


def _reasons(
    made: Block, column: Column, cells: Sequence[Cell], stated: Sequence[tuple[int, Any]]
) -> None:
    """Note why cells of a column are empty, or not all there."""
    for at, cell in enumerate(cells):
        if cell.why:
            made.why.setdefault(at, []).append((column.name, cell.why))
    for at, found in stated:
        cell = cells[at]
        if not cell.text and not cell.why and (reason := stated_reason(found, column.variable)):
            made.why.setdefault(at, []).append((column.name, reason))


# -- what leaves of what somebody may know -----------------------------------------------------


def known(blocks: Mapping[str, Block], patients: int) -> list[Known]:
    """What leaves of the quasi-identifiers of every patient of a batch."""
    sex, country, age = (
        _of_patients(blocks, name, patients) for (entity, name) in QUASI if entity == "patient"
    )
    sites: Sequence[tuple[str, ...]] = [()] * patients
    tumours = blocks.get("tumour")
    cells = tumours.column("primary_site") if tumours else None
    if tumours and cells is not None:
        starts = tumours.starts
        sites = [tuple(sorted(cells[starts[at] : starts[at + 1]])) for at in range(patients)]
    return [Known(*four) for four in zip(sex, country, age, sites, strict=True)]


def _of_patients(blocks: Mapping[str, Block], name: str, patients: int) -> list[str]:
    return blocks["patient"].column(name) or [""] * patients


def sensitive(blocks: Mapping[str, Block], at: int) -> dict[tuple[str, str], set[str]]:
    """What leaves of the sensitive variables of a patient."""
    found = {}
    for entity, name in SENSITIVE:
        block = blocks.get(entity)
        cells = block.column(name) if block else None
        if block and cells is not None:
            found[entity, name] = set(cells[block.starts[at] : block.starts[at + 1]])
    return found
