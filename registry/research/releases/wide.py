"""One row a patient: the patient, the first tumour, and the first or latest of what was repeated.

Its cells are those of the other files, as they leave there; nothing is read anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise

from flask_babel import lazy_gettext as _l

from registry.research.releases.columns import Case, Cell, Column, File, Row
from registry.research.releases.rendering import Block

FIRST, LATEST = "first", "latest"
#: (entity, which row, how its columns begin, variables). A column keeps its name behind that; one
#: that says too little alone gets the entity before it.
TAKEN = (
    ("tumour", FIRST, "", ("primary_site", "primary_size_mm", "diagnosis_basis", "presentation",
                           "functioning", "syndrome", "hereditary_syndrome", "metastatic_sites")),
    ("pathology", FIRST, "first_", ("date", "derived_category", "ki67_percent", "grade_stated",
                                    "differentiation", "morphology")),
    ("pathology", LATEST, "latest_", ("date", "derived_category", "ki67_percent", "grade_stated")),
    ("staging", FIRST, "first_", ("date", "t", "n", "m", "derived_stage", "stage_stated")),
    ("therapy", FIRST, "first_", ("start", "therapy_class", "agent", "intent")),
    ("response", LATEST, "latest_", ("date", "response_stated", "derived_response")),
    ("progression", FIRST, "first_", ("date", "kind")),
    ("follow_up", LATEST, "latest_", ("date", "disease_status", "ecog", "weight_kg")),
)  # fmt: skip
_SAYS_LITTLE = {"date", "start", "kind"}
#: Entities of which the number of rows is given, with the name of the column.
COUNTED = {"therapy": "therapies", "progression": "progressions"}
#: The variables that tell when a row was.
_WHEN = ("date", "start", "diagnosis_date")


@dataclass(frozen=True)
class _Cell:
    """Where a column of the wide file comes from."""

    entity: str
    which: str
    place: int
    old: str
    column: Column


@dataclass(frozen=True)
class Wide:
    """The wide file: its columns, and how a row of it is put together."""

    file: File
    _cells: tuple[_Cell, ...]
    _times: Mapping[str, tuple[tuple[int, float], ...]]
    _counted: tuple[str, ...]

    def block(self, blocks: Mapping[str, Block]) -> Block:
        """One row for each patient of these blocks."""
        patients = blocks["patient"]
        number = patients.rows
        made = Block(self.file, patients.texts[:-1], patients.starts)
        made.why = {at: [*found] for at, found in patients.why.items()}
        for entity in self._counted:
            starts = blocks[entity].starts
            made.texts.append([str(starts[at + 1] - starts[at]) for at in range(number)])
        for key in dict.fromkeys((one.entity, one.which) for one in self._cells):
            block, chosen = blocks[key[0]], self._chosen(*key, blocks[key[0]])
            taken = [one for one in self._cells if (one.entity, one.which) == key]
            for one in taken:
                texts = block.texts[one.place]
                made.texts.append(["" if row is None else texts[row] for row in chosen])
            _explain(made, block, chosen, {one.old: one.column.name for one in taken})
        made.explain()
        return made

    def _chosen(self, entity: str, which: str, block: Block) -> list[int | None]:
        """The first or latest row of each patient; those without a time count only where there is
        no other."""
        found: list[int | None] = []
        for start, end in pairwise(block.starts):
            if end - start < 2:
                found.append(start if end > start else None)
                continue
            timed = [
                (when, row)
                for row in range(start, end)
                if (when := self._when(entity, block, row)) is not None
            ]
            pick = min if which == FIRST else max
            if timed:
                found.append(pick(timed, key=lambda one: one[0])[1])
            else:
                found.append(start if which == FIRST else end - 1)
        return found

    def _when(self, entity: str, block: Block, row: int) -> float | None:
        for place, days in self._times[entity]:
            if text := block.texts[place][row]:
                return _number(text) * days
        return None


def _explain(
    made: Block, block: Block, chosen: Sequence[int | None], renamed: Mapping[str, str]
) -> None:
    """Take over why cells of the chosen rows are empty."""
    for at, row in enumerate(chosen):
        if row in block.why:
            for name, reason in block.why[row]:
                if name in renamed:
                    made.why.setdefault(at, []).append((renamed[name], reason))


def of(files: Sequence[File]) -> Wide | None:
    """The wide file of these files; the first of them is that of the patients. None where it
    would say no more than that one."""
    by_entity = {file.entity: file for file in files}
    patients = files[0]
    cells, times = [], {}
    for entity, which, prefix, variables in TAKEN:
        if entity in by_entity:
            times[entity] = _times(by_entity[entity])
            cells += list(_taken(by_entity[entity], which, prefix, variables))
    counted = tuple(entity for entity in COUNTED if entity in by_entity)
    if not cells:
        return None
    columns = (
        *patients.columns,
        *(_count(entity, by_entity[entity]) for entity in counted),
        *(one.column for one in cells),
    )
    file = File("wide.csv", "wide", _l("One row a patient"), None, columns)
    return Wide(file, tuple(cells), times, counted)


def _taken(file: File, which: str, prefix: str, variables: Sequence[str]) -> list[_Cell]:
    found = []
    note = _l("The first of %(file)s.") if which == FIRST else _l("The latest of %(file)s.")
    for variable in variables:
        for place, column in enumerate(file.columns):
            if column.variable == variable:
                before = f"{prefix}{file.entity}_" if variable in _SAYS_LITTLE else prefix
                made = replace(
                    column,
                    name=f"{before}{column.name}",
                    how=f"{note % {'file': file.name}} {column.how}",
                )
                found.append(_Cell(file.entity, which, place, column.name, made))
    return found


def _times(file: File) -> tuple[tuple[int, float], ...]:
    """Places of the columns that tell when a row was, each with its unit in days."""
    units = {"_days": 1.0, "_shifted": 1.0, "_months": 30.4375}
    return tuple(
        (place, units[ending])
        for place, column in enumerate(file.columns)
        for ending in units
        if column.variable in _WHEN and column.name.endswith(ending)
    )


def _number(text: str) -> float:
    """Days or months as they stand, or a shifted date as a number of days."""
    return float(date.fromisoformat(text).toordinal() if text[4:5] == "-" else int(text))


def _elsewhere(row: Row, case: Case) -> Cell:
    """Cells of this file are taken from the others."""
    return Cell()


def _count(entity: str, file: File) -> Column:
    return Column(
        name=COUNTED[entity],
        label=_l("Number of rows in %(file)s", file=file.name),
        kind="whole number",
        read=_elsewhere,
        how=_l("Rows of %(file)s.", file=file.name),
    )
