"""The cells of many rows at once, column by column, as they leave."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

from registry.dates import PartialDate
from registry.research.releases.columns import DAYS, Case, Cell, Column, File, stated_reason
from registry.research.releases.pseudonyms import Pseudonyms
from registry.research.releases.reading import Batch, Raw, Remembered, Table
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


class _Alone:
    """The cells of a column that depend on a value alone: worked out once for each value."""

    def __init__(self, column: Column, table: Table) -> None:
        self._column, self._meaning = column, table.meaning[column.variable]
        self.texts = Remembered(self._text)
        self.why: dict[Any, str] = {}

    def _text(self, raw: Any) -> str:
        meant = None if raw is None else self._meaning[raw]
        cell = self._column.read({self._column.variable: meant}, None)  # type: ignore[arg-type]
        if cell.why:
            self.why[raw] = cell.why
        return cell.text


class Renderer:
    """Makes the cells of a file. What depends on a value alone is worked out once for each."""

    def __init__(self, file: File, coarse: Plan) -> None:
        self.file = file
        self._coarse = None if coarse.is_exact else coarse
        self._known: dict[str, _Alone] = {}
        self._ordinals = Remembered(_ordinal)

    def block(self, rows: Sequence[Sequence[Raw]], cases: Sequence[Case]) -> Block:
        """The rows of these patients."""
        flat = [row for some in rows for row in some]
        whose = [case for case, some in zip(cases, rows, strict=True) for _row in some]
        made = Block(self.file, [], [0, *accumulate(len(some) for some in rows)])
        values = list(zip(*(row.values_ for row in flat), strict=True))
        stated = _stated(flat, values)
        for column in self.file.columns:
            texts, why = self._cells(column, flat, whose, values) if flat else ([], [])
            made.texts.append(texts)
            if column.explained:
                _reasons(made, column, texts, why, stated)
        made.explain()
        return made

    def _cells(
        self,
        column: Column,
        rows: Sequence[Raw],
        cases: Sequence[Case],
        values: Sequence[Sequence[Any]],
    ) -> tuple[list[str], list[tuple[int, str]]]:
        """The texts of a column, and (row, reason) of those that say why."""
        if column.name == "patient_id":
            return [case.name for case in cases], []
        if column.name == f"{self.file.entity}_id":
            return [row.name for row in rows], []
        place = (self.file.entity, column.name)
        coarser = self._coarse if self._coarse and self._coarse.touches(place) else None
        if column.alone and coarser is None:
            return self._alone(column, rows[0].table, values)
        if column.when and coarser is None:
            cells = self._dated(column, rows, cases, values)
        else:
            cells = [column.read(row, case) for row, case in zip(rows, cases, strict=True)]
        if coarser is not None:
            cells = [
                coarser.cell(place, one, case.level) for one, case in zip(cells, cases, strict=True)
            ]
        return [one.text for one in cells], [(at, c.why) for at, c in enumerate(cells) if c.why]

    def _alone(
        self, column: Column, table: Table, values: Sequence[Sequence[Any]]
    ) -> tuple[list[str], list[tuple[int, str]]]:
        if column.name not in self._known:
            self._known[column.name] = _Alone(column, table)
        known = self._known[column.name]
        own = values[table.places[column.variable]]
        texts = list(map(known.texts.__getitem__, own))
        reasons = known.why
        if not reasons:
            return texts, []
        return texts, [(at, reasons[raw]) for at, raw in enumerate(own) if raw in reasons]

    def _dated(
        self,
        column: Column,
        rows: Sequence[Raw],
        cases: Sequence[Case],
        values: Sequence[Sequence[Any]],
    ) -> list[Cell]:
        own = values[rows[0].table.places[column.variable]]
        read, in_days, found = column.read, column.when == DAYS, []
        for at, (raw, day) in enumerate(
            zip(own, map(self._ordinals.__getitem__, own), strict=True)
        ):
            origin = cases[at].day
            if raw is None:
                found.append(_NOTHING)
            elif day is None or origin is None:
                found.append(read(rows[at], cases[at]))
            else:
                found.append(_DAYS[day - origin] if in_days else _NOTHING)
        return found


def _stated(rows: Sequence[Raw], values: Sequence[Sequence[Any]]) -> list[tuple[int, Any]]:
    """(row, what the record says of its missing values), of the rows that say something."""
    if not rows:
        return []
    absent = values[rows[0].table.places["absent"]]
    return [
        (at, found)
        for at, raw in enumerate(absent)
        if raw is not None and (found := rows[at]["absent"])
    ]


def _ordinal(raw: str | None) -> int | None:
    """The number of a day; None of a month, a year or nothing."""
    if raw is None or len(raw) != 10:
        return None
    return PartialDate(raw).earliest.toordinal()


def _reasons(
    made: Block,
    column: Column,
    texts: Sequence[str],
    why: Sequence[tuple[int, str]],
    stated: Sequence[tuple[int, Any]],
) -> None:
    """Note why cells of a column are empty, or not all there."""
    for at, reason in why:
        made.why.setdefault(at, []).append((column.name, reason))
    told = {at for at, _reason in why} if stated else ()
    for at, found in stated:
        if texts[at] or at in told:
            continue
        if reason := stated_reason(found, column.variable):
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
        sites = [
            tuple(sorted(filter(None, cells[starts[at] : starts[at + 1]])))
            for at in range(patients)
        ]
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
