"""Files of rows for the analyses: a CSV file read as texts, and what is missing in it."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from registry.research.statistics.hazards import number
from registry.research.statistics.survival import CENSORED, COMPETING, EVENT, Times

#: What stands for a missing value in files of statistics programs.
MISSING = frozenset({"", "NA", "NaN", "nan", "."})


_TRUTH = {"1": True, "true": True, "0": False, "false": False}


class Unfit(ValueError):
    """The file does not hold what was asked for; the text says what to do."""


@dataclass(frozen=True)
class Named:
    """Which columns of a table hold what. Rows where the event column has `event_value` had the
    event; else those with `competing_value` in the competing column had the other one. Without a
    value it is 1, and a column that looks coded in another way is refused."""

    time: str
    event: str
    group: str = ""
    covariates: tuple[str, ...] = ()
    competing: str = ""
    event_value: str = ""
    competing_value: str = ""

    def columns(self) -> list[str]:
        """Every column that is needed."""
        given = (self.time, self.event, self.group, self.competing, *self.covariates)
        return [name for name in given if name]


@dataclass(frozen=True)
class Followed:
    """The subjects of a table whose time, event and group are known; and how many are not.

    A model on covariates asks for no group: it is of `modelled`, to whom `covariates` belong.
    """

    times: Times
    modelled: Times
    covariates: Mapping[str, Sequence[str]]
    left_out: int


#: What may stand between the cells of a heading: the first that divides it most.
_BETWEEN = ",;\t"
_DECIMAL_COMMA = re.compile(r"\s*[+-]?\d*,\d+\s*")


def read(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file with a heading line (UTF-8). Semicolons and tabs are taken too, with
    decimal commas, as spreadsheets write them in many countries. Raises Unfit."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            first = [lines.readline()]
            cells = {one: next(csv.reader(first, delimiter=one), []) for one in _BETWEEN}
            between = max(_BETWEEN, key=lambda one: len(cells[one]))
            lines.seek(0)
            heading, *rows = [row for row in csv.reader(lines, delimiter=between) if row] or [[]]
    except (UnicodeDecodeError, csv.Error) as error:
        raise Unfit(f"{path.name} is no CSV file in UTF-8.") from error
    names = _once(heading)
    if not rows:
        raise Unfit(f"{path.name} has no rows below its heading.")
    if between != ",":
        rows = [[_with_point(cell) for cell in row] for row in rows]
    blank = dict.fromkeys(names, "")
    return [blank | dict(zip(names, row, strict=False)) for row in rows]


def _once(heading: Sequence[str]) -> list[str]:
    """The names of a heading; one that was there before gets a number, as R and pandas have it."""
    seen: Counter[str] = Counter()
    found = []
    for name in map(str.strip, heading):
        found.append(f"{name}.{seen[name]}" if seen[name] else name)
        seen[name] += 1
    return found


def _with_point(cell: str) -> str:
    return cell.replace(",", ".") if _DECIMAL_COMMA.fullmatch(cell) else cell


def followed(rows: Sequence[Mapping[str, str]], named: Named) -> Followed:
    """Time, event, group and covariates of every row that has the first three. Raises Unfit for
    a column that is not there, a time that is no number, or a value of events never found."""
    lacking = [name for name in named.columns() if name not in rows[0]]
    if lacking:
        there = ", ".join(rows[0])
        raise Unfit(f"There is no column {', '.join(lacking)}. The columns are: {there}.")
    whole = [row for row in rows if _is_known(row, named)]
    if not whole:
        raise Unfit("No row has a time and an event.")
    kinds = [_kind(row, named) for row in whole]
    _check_coding(whole, kinds, named)
    modelled = Times(
        tuple(_time(_text(row[named.time]), named.time) for row in whole), tuple(kinds)
    )
    times = modelled
    if named.group:
        groups = tuple(_text(row[named.group]) for row in whole)
        times = replace(modelled, groups=groups).only([group != "" for group in groups])
    if not times.durations:
        raise Unfit("No row has a time, an event and a group.")
    return Followed(
        times,
        modelled,
        {name: tuple(_text(row[name]) for row in whole) for name in named.covariates},
        len(rows) - len(times.durations),
    )


def _is_known(row: Mapping[str, str], named: Named) -> bool:
    """Has it a time, and is it known whether the event happened, or else the competing one?"""
    if not _text(row[named.time]) or not _text(row[named.event]):
        return False
    return not named.competing or _kind(row, named) == EVENT or bool(_text(row[named.competing]))


def _text(cell: str | None) -> str:
    text = (cell or "").strip()
    return "" if text in MISSING else text


def _time(cell: str, column: str) -> float:
    found = number(cell)
    if found is None:
        raise Unfit(f"{column} holds what is no number ({cell[:20]}): name another with --time.")
    if found < 0:
        raise Unfit(f"{column} holds a time below 0 ({cell[:20]}): no time to an event.")
    return found


def _same(cell: str, value: str) -> bool:
    """1, 1.0 and TRUE are the same code."""
    if cell.lower() in _TRUTH and value.lower() in _TRUTH:
        return _TRUTH[cell.lower()] == _TRUTH[value.lower()]
    if cell == value:
        return True
    one, other = number(cell), number(value)
    return one is not None and one == other


def _kind(row: Mapping[str, str], named: Named) -> int:
    if _same(_text(row[named.event]), named.event_value or "1"):
        return EVENT
    if named.competing and _same(_text(row[named.competing]), named.competing_value or "1"):
        return COMPETING
    return CENSORED


def _check_coding(rows: Sequence[Mapping[str, str]], kinds: Sequence[int], named: Named) -> None:
    """A column coded 1 and 2 read as 0 and 1 would count the dead as alive: refuse to guess."""
    found = {_text(row[named.event]) for row in rows}
    values = ", ".join(sorted(found)[:6])
    if len(found) > 2 and not named.event_value and not named.competing:
        raise Unfit(
            f"{named.event} has more than two values ({values}). Say which of them is the event "
            "with --event-value, and the competing one with --competing."
        )
    coded = {one.removesuffix(".0") for one in found}
    if "2" in coded <= {"1", "2"} and not named.event_value:
        raise Unfit(f"{named.event} is coded 1 and 2. Say which is the event: --event-value 2.")
    if EVENT not in kinds and len(found) > 1:
        raise Unfit(
            f"{named.event} is never {named.event_value or 1}, but {values}. Say which of them is "
            "the event with --event-value."
        )
    if named.competing:
        _check_competing(rows, kinds, named)


def _check_competing(rows: Sequence[Mapping[str, str]], kinds: Sequence[int], named: Named) -> None:
    """The same of the competing event: one that is never found would be censoring."""
    found = {_text(row[named.competing]) for row in rows} - {""}
    if named.competing == named.event and not named.competing_value:
        raise Unfit(f"Say what {named.competing} is for the competing event: --competing-value.")
    if not named.competing_value and (
        len(found) > 2
        or {"1", "2"} == found
        or (len(found) > 1 and not any(_same(one, "1") for one in found))
    ):
        values = ", ".join(sorted(found)[:6])
        raise Unfit(
            f"{named.competing} holds {values}. Say which of them is the competing event with "
            "--competing-value."
        )
