"""One row a patient: the patient, the first tumour, and the first or latest of what was repeated.

Its cells are those of the other files, as they leave there; nothing is read anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from registry.language import lazy_gettext as _l
from registry.later import Later
from registry.research.releases.cells import Cases, Cells, Rows, first_of_each
from registry.research.releases.columns import Column, File
from registry.research.releases.days import Numbers
from registry.research.releases.rendering import Block

np: Any = Later("numpy")
pa: Any = Later("pyarrow")

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
        numbers = [np.diff(blocks[entity].starts) for entity in self._counted]
        cells = [*patients.cells, *(Cells(pa.array(one)) for one in numbers)]
        chosen: dict[tuple[str, str], Numbers] = {}
        for one in self._cells:
            key = (one.entity, one.which)
            if key not in chosen:
                chosen[key] = self._chosen(*key, blocks[one.entity])
            cells.append(blocks[one.entity].cells[one.place].take(chosen[key]))
        return Block(self.file, cells, patients.starts)

    def _chosen(self, entity: str, which: str, block: Block) -> Numbers:
        """The first or latest row of each patient; those without a time count only where there is
        no other."""
        rows, times = np.arange(block.rows), self._when(entity, block)
        if which == LATEST:
            times = -times
        timed = ~np.isnan(times)
        last_resort = rows if which == FIRST else -rows
        keys = (~timed, np.where(timed, times, 0), np.where(timed, rows, last_resort))
        return first_of_each(block.starts, *keys)

    def _when(self, entity: str, block: Block) -> Numbers:
        """When each row was, in days; not a number where no column tells it."""
        found = np.full(block.rows, np.nan)
        for place, days in self._times[entity]:
            texts = block.cells[place].texts
            number = texts.cast(pa.int32()) if pa.types.is_date32(texts.type) else texts
            number = number.cast(pa.float64()).to_numpy(zero_copy_only=False) * days
            found = np.where(np.isnan(found), number, found)
        return found


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


def _elsewhere(rows: Rows, cases: Cases) -> Cells:
    """Never asked for."""
    raise AssertionError("the cells of this file are taken from the others")


def _count(entity: str, file: File) -> Column:
    return Column(
        name=COUNTED[entity],
        label=_l("Number of rows in %(file)s", file=file.name),
        kind="whole number",
        read=_elsewhere,
        how=_l("Rows of %(file)s.", file=file.name),
    )
