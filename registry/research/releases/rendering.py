"""The cells of many rows at once, column by column, as they leave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from registry.later import Later
from registry.research.releases.cells import (
    REASONS,
    Cases,
    Cell,
    Cells,
    Rows,
    different_pairs,
    spread,
)
from registry.research.releases.columns import Column, File
from registry.research.releases.days import NONE, Numbers
from registry.research.releases.dictionaries import at_of
from registry.research.releases.measuring import Leaving
from registry.research.releases.recoding import QUASI, SENSITIVE, Plan, Words

np: Any = Later("numpy")
pa: Any = Later("pyarrow")
pc: Any = Later("pyarrow.compute")


@dataclass(frozen=True)
class Block:
    """The rows of some patients in one file: the cells of every column, and where the rows of each
    patient begin, with the end of all."""

    file: File
    cells: Sequence[Cells]
    starts: Numbers

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return int(self.starts[-1])

    @property
    def texts(self) -> list[Any]:
        """The columns, the last saying why cells are empty."""
        return [*(one.texts for one in self.cells), self._absent()]

    def column(self, name: str) -> Cells | None:
        """The cells of a column; None where it does not leave."""
        header = self.file.names
        return self.cells[header[name]] if name in header else None

    def reasons(self) -> list[tuple[str, str, int]]:
        """(column, reason, how many cells) of all that say why they are empty."""
        found = []
        for column, one in zip(self.file.columns, self.cells, strict=True):
            if one.why is not None:
                numbers = np.bincount(one.why + 1, minlength=len(REASONS) + 1)[1:]
                pairs = zip(REASONS, numbers.tolist(), strict=True)
                found += [(column.name, reason, number) for reason, number in pairs if number]
        return found

    def _absent(self) -> Any:
        """Pairs of column and reason for every row, nothing where there is none."""
        pairs = [
            pa.DictionaryArray.from_arrays(
                pa.array(one.why, pa.int8(), mask=one.why == NONE),
                [f"{column.name}={reason};" for reason in REASONS],
            ).cast(pa.string())
            for column, one in zip(self.file.columns, self.cells, strict=True)
            if one.why is not None and (one.why != NONE).any()
        ]
        if not pairs:
            return pa.nulls(self.rows, pa.string())
        # Not null_handling="skip": it loses the rows in which there is nothing to join.
        joined = pc.binary_join_element_wise(*pairs, "", null_handling="replace")
        joined = pc.ascii_rtrim(joined, ";")
        return pc.if_else(pc.equal(joined, ""), None, joined)


class Renderer:
    """Makes the cells of a file."""

    def __init__(self, file: File, coarse: Plan) -> None:
        self.file, self._coarse = file, coarse

    def block(self, cases: Cases) -> Block:
        """The rows of these patients."""
        rows = cases.rows[self.file.entity]
        cells = [self._cells(column, rows, cases) for column in self.file.columns]
        return Block(self.file, cells, rows.starts)

    def _cells(self, column: Column, rows: Rows, cases: Cases) -> Cells:
        made = column.read(rows, cases)
        place = (self.file.entity, column.name)
        if not self._coarse.is_exact and self._coarse.touches(place):
            made = coarser(made, place, self._levels(cases)[rows.whose], self._coarse)
        if not column.explained:
            return Cells(made.texts)
        return made.explained(rows.stated(column.variable)) if column.variable else made

    @staticmethod
    def _levels(cases: Cases) -> Numbers:
        none = np.zeros(cases.patients.size, np.uint8)
        return none if cases.levels is None else cases.levels


def coarser(made: Cells, place: tuple[str, str], levels: Numbers, coarse: Plan) -> Cells:
    """Cells of a column as they may leave of patients of whom so much less is told."""
    words = made.texts.cast(pa.string()).dictionary_encode()
    at, texts = at_of(words.indices), words.dictionary.to_pylist()
    pairs, which = different_pairs(levels, at)
    told = [
        coarse.cell(place, Cell(texts[one]), level) if one != NONE else Cell()
        for level, one in pairs
    ]
    changed = spread(told, which)
    return Cells(
        changed.texts.cast(pa.string()).dictionary_encode(),
        np.where(changed.reasons != NONE, changed.reasons, made.reasons),
    )


# -- what leaves of what somebody may know -----------------------------------------------------


def told(blocks: Mapping[str, Block], patients: int) -> Leaving:
    """What leaves of the quasi-identifiers of every patient of these blocks."""
    parts = [
        _words(blocks["patient"].column(name), patients)
        for entity, name in QUASI
        if entity == "patient"
    ]
    parts.append(_sites(blocks.get("tumour"), patients))
    return Leaving(parts)


def _words(cells: Cells | None, rows: int) -> tuple[Numbers, list[Any]]:
    """The texts of some cells, and the place of each row's among them; empty is a text."""
    if cells is None:
        return np.zeros(rows, np.int64), [""]
    found = cells.texts.cast(pa.string()).fill_null("").dictionary_encode()
    return found.indices.to_numpy(), found.dictionary.to_pylist()


def _sites(tumours: Block | None, patients: int) -> tuple[Numbers, list[tuple[str, ...]]]:
    """The sites that are told of each patient."""
    cells = tumours.column("primary_site") if tumours else None
    if tumours is None or cells is None:
        return np.zeros(patients, np.int64), [()]
    at, sites, of_patient = _sets(_words(cells, tumours.rows), tumours.starts)
    return at, [tuple(sorted(filter(None, (sites[one] for one in some)))) for some in of_patient]


def _sets(
    words: tuple[Numbers, list[str]], starts: Numbers
) -> tuple[Numbers, list[str], list[tuple[int, ...]]]:
    """The place of each patient's words among all different ones, the words, and what each is
    made of."""
    at, texts = words
    number = np.diff(starts)
    places: dict[tuple[int, ...], int] = {(): 0, **{(one,): one + 1 for one in range(len(texts))}}
    found = np.append(at, 0)[np.minimum(starts[:-1], len(at))] + 1
    found = np.where(number == 0, 0, found)
    for patient in np.flatnonzero(number > 1).tolist():
        some = tuple(sorted(at[starts[patient] : starts[patient + 1]].tolist()))
        found[patient] = places.setdefault(some, len(places))
    return found, texts, list(places)


def sensitive(blocks: Mapping[str, Block]) -> dict[tuple[str, str], Words]:
    """What leaves of the sensitive variables: every different set of values, as one text, and the
    place of each patient's among them."""
    found: dict[tuple[str, str], Words] = {}
    for entity, name in SENSITIVE:
        block = blocks.get(entity)
        cells = block.column(name) if block else None
        if block and cells is not None:
            at, texts, of_patient = _sets(_words(cells, block.rows), block.starts)
            said = [";".join(sorted({texts[one] for one in some})) for some in of_patient]
            found[entity, name] = (at, said)
    return found
