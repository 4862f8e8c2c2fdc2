"""Cells of many rows at once, as Arrow columns, and the rows and patients they are made from."""

from __future__ import annotations

from binascii import hexlify, unhexlify
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

from registry import dictionary
from registry.later import Later
from registry.research import rules
from registry.research.releases.days import NONE, Dates, Numbers
from registry.research.releases.dictionaries import placed
from registry.research.releases.pseudonyms import Pseudonyms
from registry.research.releases.reading import Parse, Table

np: Any = Later("numpy")
pa: Any = Later("pyarrow")
pc: Any = Later("pyarrow.compute")

#: Every reason a cell can be empty for; cells hold the place in it.
REASONS = (*rules.RELEASE_REASONS, *dictionary.ABSENT)
_PLACES = {reason: place for place, reason in enumerate(REASONS)}
#: A column as it is read: the places of its texts (NONE where there is nothing), and those.
Column = tuple[Numbers, Sequence[str]]
#: Dates are moved so that the diagnosis falls on one of these days, near no real one.
_FIRST_DAY, _SPAN = date(2100, 1, 1), 36_524


def reason(why: str) -> int:
    """The place of a reason; NONE of no reason."""
    return _PLACES.get(why, NONE)


@dataclass(frozen=True)
class Cell:
    """What stands in a cell, and why nothing (or not everything) does."""

    text: str = ""
    why: str = ""


@dataclass(frozen=True)
class Cells:
    """The cells of a column: an Arrow array of what stands in them (nothing where they are empty),
    and the places of the reasons, or None where no cell has one."""

    texts: Any
    why: Numbers | None = None

    @property
    def empty(self) -> Numbers:
        """Is there nothing in it?"""
        return self.texts.is_null().to_numpy(zero_copy_only=False)

    def take(self, at: Numbers) -> Cells:
        """Those of other rows; NONE is an empty one."""
        texts = self.texts.take(placed(at))
        return Cells(texts, None if self.why is None else np.append(self.why, NONE)[at])

    def otherwise(self, other: Cells) -> Cells:
        """These, and where nothing stands in one, those."""
        texts = pc.coalesce(self.texts.cast(pa.string()), other.texts.cast(pa.string()))
        why = np.where(self.empty, other.reasons, self.reasons)
        return Cells(texts.dictionary_encode(), why)

    @property
    def reasons(self) -> Numbers:
        """The places of the reasons, NONE where there is none."""
        return np.full(len(self.texts), NONE, np.int8) if self.why is None else self.why

    def explained(self, why: Numbers | None) -> Cells:
        """With these reasons, if there are any, where a cell is empty and has none."""
        if why is None:
            return self
        added = self.empty & (self.reasons == NONE) & (why != NONE)
        return Cells(self.texts, np.where(added, why, self.reasons)) if added.any() else self


class Listed:
    """A list of cells, of which those at some places are asked for again and again."""

    def __init__(self, cells: Sequence[Cell]) -> None:
        places: dict[str, int] = {}
        codes = [places.setdefault(one.text, len(places)) if one.text else NONE for one in cells]
        self._codes = np.array([*codes, NONE], np.int32)
        self._texts = pa.array(list(places), pa.string())
        self._why = None
        if any(one.why for one in cells):
            self._why = np.array([*(reason(one.why) for one in cells), NONE], np.int8)

    def at(self, places: Numbers) -> Cells:
        """The cells at these places; NONE is an empty one."""
        why = None if self._why is None else self._why[places]
        return Cells(coded(self._codes[places], self._texts), why)


def spread(cells: Sequence[Cell], at: Numbers) -> Cells:
    """The cells at these places in a list; NONE is an empty one."""
    return Listed(cells).at(at)


def coded(at: Numbers, texts: Any) -> Any:
    """The texts at these places in an Arrow array, as a dictionary of Arrow; NONE is nothing."""
    return pa.DictionaryArray.from_arrays(placed(at), texts, safe=False)


def first_of_each(starts: Numbers, *keys: Numbers) -> Numbers:
    """Of rows that stand together by patients, each beginning where `starts` says: the row of each
    patient that comes first by these keys (the first decides first), then in their order; NONE
    where a patient has no row."""
    number = np.diff(starts)
    found = np.where(number > 0, starts[:-1], NONE)
    several = np.flatnonzero(number > 1)
    if several.size:
        whose = np.repeat(np.arange(len(number)), number)
        rows = np.flatnonzero(number[whose] > 1)
        order = rows[np.lexsort((*(key[rows] for key in reversed(keys)), whose[rows]))]
        ends = np.cumsum(number[several])
        found[several] = order[ends - number[several]]
    return found


def letters(rows: Numbers) -> Any:
    """Texts of one length, each a row of letters, as an Arrow array."""
    number, length = rows.shape
    ends = np.arange(number + 1, dtype=np.int32) * np.int32(length)
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(np.ascontiguousarray(rows))]
    return pa.Array.from_buffers(pa.string(), number, buffers)


def bytes_of(ids: Any) -> Numbers:
    """Ids as they are read (`reading.held`), as bytes."""
    length = ids.type.byte_width
    return np.frombuffer(ids.buffers()[1], f"S{length}", len(ids), ids.offset * length)


def ids_of(ids: Any) -> tuple[Numbers, Numbers]:
    """Ids as they are read (`reading.held`) as two numbers each, which sort as the texts do."""
    digits = bytes_of(ids).tobytes().replace(b"-", b"")
    halves = np.frombuffer(unhexlify(digits), ">u8").astype(np.uint64).reshape(-1, 2)
    return halves[:, 0], halves[:, 1]


def different_pairs(one: Numbers, other: Numbers) -> tuple[list[tuple[int, int]], Numbers]:
    """The different pairs of two columns of places (or NONE) in their order, and which is each
    row's."""
    width = int(other.max(initial=NONE)) + 2
    both = (one.astype(np.int64) + 1) * width + other + 1
    pairs, which = np.unique(both, return_inverse=True)
    return [(pair // width - 1, pair % width - 1) for pair in pairs.tolist()], which


def _as_they_come(at: Numbers, texts: Sequence[str]) -> Column:
    """A column with those texts alone that stand in it, in the order in which they come."""
    first = np.full(len(texts) + 1, len(at))
    first[at[::-1]] = np.arange(len(at) - 1, -1, -1)
    used = np.flatnonzero(first[:-1] < len(at))
    used = used[np.argsort(first[used])]
    places = np.full(len(texts) + 1, NONE)
    places[used] = np.arange(len(used))
    return places[at], [texts[one] for one in used.tolist()]


def written_ids(high: Numbers, low: Numbers) -> Numbers:
    """Ids of two numbers each as `str` writes them, in bytes."""
    numbers = np.ascontiguousarray(np.stack((high, low), 1).astype(">u8"))
    digits = np.frombuffer(hexlify(numbers), np.uint8).reshape(-1, 32)
    parts = np.split(digits, (8, 12, 16, 20), axis=1)
    dash = np.full((len(digits), 1), ord("-"), np.uint8)
    dashed = [piece for part in parts for piece in (part, dash)][:-1]
    return np.concatenate(dashed, axis=1).view("S36")[:, 0]


class Rows:
    """The rows of some patients in one table, in the order of the patients and of their names."""

    def __init__(
        self, table: Table, whose: Numbers, names: Any, ids: Numbers,
        columns: Mapping[str, Column], patients: int,
    ) -> None:  # fmt: skip
        self.table, self.whose, self.names, self._ids = table, whose, names, ids
        self._columns = columns
        self.size = len(whose)
        self.starts: Numbers = np.searchsorted(self.whose, np.arange(patients + 1))
        self._distinct: dict[str, Column] = {}
        self._dates: dict[str, Dates] = {}

    @property
    def ids(self) -> tuple[Numbers, Numbers]:
        """The ids of the rows as two numbers each, which sort as the texts do."""
        return self._ids[:, 0], self._ids[:, 1]

    def each(self, name: str, work: Parse) -> tuple[Numbers, list[Any]]:
        """What a function gives for every different value of a column, in the order in which they
        come, and the place of each row's among them; NONE where there is nothing."""
        if name not in self._distinct:
            self._distinct[name] = _as_they_come(*self._columns[name])
        at, texts = self._distinct[name]
        known = self.table.known(name, work)
        return at, [known[text] for text in texts]

    def cells(self, name: str, read: Parse) -> Cells:
        """The cells that a function makes of the values of a column: of every text of the table
        once, or of those of these rows, where there are too many to be numbered."""
        at, texts = self._columns[name]
        held = self.table.cells.get((name, read))
        if held is None:
            known = self.table.known(name, read)
            held = self.table.cells[name, read] = (texts, Listed([known[one] for one in texts]))
        if held[0] is texts:
            return held[1].at(at)
        at, found = self.each(name, read)
        return spread(found, at)

    def dates(self, name: str) -> Dates:
        """The dates of a column."""
        if name not in self._dates:
            at, texts = self._columns[name]
            self._dates[name] = Dates.of(self.table.dates(name, texts), at)
        return self._dates[name]

    def stated(self, variable: str) -> Numbers | None:
        """The places of the reasons for which the record says a value is missing; None where it
        says so in no row."""
        at, found = self.each("absent", _reasons_stated)
        if not any(variable in one for one in found):
            return None
        return np.array([*(reason(one.get(variable, "")) for one in found), NONE], np.int8)[at]

    def first_of_each(self, *keys: Numbers) -> Numbers:
        """The row of each patient that comes first by these keys (`first_of_each`)."""
        return first_of_each(self.starts, *keys)


def _reasons_stated(found: Any) -> dict[str, str]:
    """Why the record says values are missing: the codes alone, never the words with them."""
    if not isinstance(found, Mapping):
        return {}
    said = {name: one.get("why") for name, one in found.items() if isinstance(one, Mapping)}
    return {name: why for name, why in said.items() if why in dictionary.ABSENT}


@dataclass(frozen=True)
class Cases:
    """Some patients with all their rows: how to name them and from when to count."""

    names: Pseudonyms
    rows: Mapping[str, Rows]
    levels: Numbers | None = None  # how much less is told of each, so that nobody stands alone

    @property
    def patients(self) -> Rows:
        """A row for each."""
        return self.rows["patient"]

    @cached_property
    def origins(self) -> Dates:
        """The days everything is counted from: of each patient the earliest stated date of
        diagnosis, as stated."""
        dates = self.rows["tumour"].dates("diagnosis_date")
        return dates.take(self.rows["tumour"].first_of_each(~dates.there, dates.key))

    @cached_property
    def first_tumours(self) -> Numbers:
        """Of each patient the tumour diagnosed first; without any date the one entered first."""
        tumours = self.rows["tumour"]
        dates, origins = tumours.dates("diagnosis_date"), self.origins.take(tumours.whose)
        return tumours.first_of_each(dates.key != origins.key, *tumours.ids)

    @cached_property
    def last_follow_ups(self) -> Numbers:
        """Of each patient the follow-up that tells the standing: a death, else the latest; where
        none has a time, or several the same, the one entered last (see rules.last_standing)."""
        seen = self.rows["follow_up"]
        at, dead = seen.each("vital_status", _is_dead)
        is_dead = np.array([*dead, False])[at]
        high, low = seen.ids
        timed, time = self._times(seen)
        return seen.first_of_each(~is_dead, ~timed, -time, ~high, ~low)

    def _times(self, seen: Rows) -> tuple[Numbers, Numbers]:
        """Which follow-ups have a time, and how many days after the diagnosis."""
        dates = seen.dates("death_date").otherwise(seen.dates("date"))
        origins = self.origins.take(seen.whose)
        start = np.where(origins.there, origins.start, date(1900, 1, 1).toordinal())
        at, intervals = seen.each("interval", _itself)
        unit_at, units = seen.each("interval_unit", _itself)
        pairs, which = different_pairs(at, unit_at)
        lasted = [
            rules.interval_days(intervals[one], units[unit]) if NONE not in (one, unit) else None
            for one, unit in pairs
        ]
        interval = np.array([np.nan if one is None else float(one) for one in lasted])[which]
        days_after = np.where(dates.there, dates.start - start, interval)
        timed = ~np.isnan(days_after)
        return timed, np.where(timed, days_after, 0)

    @cached_property
    def anchors(self) -> Numbers:
        """The day that stands for the diagnosis of each patient where dates are moved: secret."""
        moved = self.names.numbers("shift", *self.patients.ids, _SPAN)
        return moved + _FIRST_DAY.toordinal()


def _itself(value: Any) -> Any:
    return value


def _is_dead(status: Any) -> bool:
    """Does a vital status say dead?"""
    return bool(status == "dead")
