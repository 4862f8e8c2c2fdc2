"""One row of a file to a patient and entries, with an account of what became of every cell."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from registry.interop import cells
from registry.interop.cells import LEFT_BLANK, Absent, Refused, Target
from registry.interop.mapping import HOSPITAL_NUMBER, UNITS, Block, Filling, Map, Rule

HIDDEN = "(not shown)"
#: What is no text: the mark of a wrong encoding.
_NO_TEXT = re.compile("[\x00\ud800-\udfff]")
_SHORT = 1_000
#: Texts remembered for each rule, and how long they may be.
_REMEMBERED, _LONGEST_REMEMBERED = 5_000, 100
#: Different words, unusual values and contradictions listed in an account; more are counted.
LISTED = 1_000


class Fate(IntEnum):
    """What became of a cell. Where it has several uses, the highest counts."""

    BLANK = 0
    IGNORED = 1  # the map says so, with a reason
    ASIDE = 2  # a condition or an earlier rule of the map passed it over
    READ = 3  # decided a condition and is not stored itself
    KEPT = 4  # kept as stated with the source's row
    MISSING = 5  # a marker: stored as the reason why there is no value
    USED = 6
    REFUSED = 7


@dataclass(frozen=True)
class Refusal:
    """Why a row cannot be taken over."""

    row: int
    column: str
    value: str
    reason: str
    file: str = ""  # of several files: which


@dataclass(frozen=True)
class ReadAs:
    """A text of the file and what the map made of it."""

    column: str
    path: str
    text: str
    given: str


@dataclass
class Account:
    """What became of the cells of every column; each column's numbers add up to the rows."""

    fates: dict[str, Counter[Fate]] = field(default_factory=dict)
    passed: dict[str, Counter[str]] = field(default_factory=dict)
    unusual: list[Refusal] = field(default_factory=list)
    outside: Counter[tuple[str, str]] = field(default_factory=Counter)
    read_as: Counter[ReadAs] = field(default_factory=Counter)
    more_unusual: int = 0

    def close(self, row: Row) -> None:
        """Add a row's cells."""
        for column, fate in row.fates.items():
            name = f"{row.file}: {column}" if row.file else column
            self.fates.setdefault(name, Counter())[fate] += 1
            if fate in (Fate.ASIDE, Fate.READ):
                _count(self.passed.setdefault(name, Counter()), row.cells[column][:40])
        room = LISTED - len(self.unusual)
        self.unusual += row.unusual[:room]
        self.more_unusual += max(0, len(row.unusual) - room)
        for outside in row.outside:
            _count(self.outside, outside)
        for read_as in row.read_as:
            _count(self.read_as, read_as)


def _count(counter: Counter[Any], one: Any) -> None:
    """Count, as long as there are not too many different ones to be told."""
    if one in counter or len(counter) < 20 * LISTED:
        counter[one] += 1


@dataclass(frozen=True)
class Made:
    """An entry to be made of a row."""

    entity: str
    values: dict[str, Any]
    absent: dict[str, dict[str, str]]
    name: str = ""
    links: Mapping[str, str] = field(default_factory=dict)
    place: str = ""
    once: bool = False
    row: int = 0
    order: int = 0  # of the row among all rows of the patient, in all files
    file: str = ""
    #: The column that gave each variable, and its cell as a report may show it.
    told: dict[str, tuple[str, str]] = field(default_factory=dict)


@dataclass
class Row:
    """A row on its way: its cells, what is made of them, and what cannot be."""

    number: int
    cells: Mapping[str, str]
    file: str = ""
    order: int = 0
    hidden: Collection[str] = ()  # columns whose cells are never shown
    source_id: str = ""
    patient: Made = field(default_factory=lambda: Made("patient", {}, {}))
    hospital_number: str = ""
    entries: list[Made] = field(default_factory=list)
    kept: dict[str, list[str]] = field(default_factory=dict)
    fates: dict[str, Fate] = field(default_factory=dict)
    refusals: list[Refusal] = field(default_factory=list)
    unusual: list[Refusal] = field(default_factory=list)
    outside: list[tuple[str, str]] = field(default_factory=list)
    read_as: list[ReadAs] = field(default_factory=list)
    unmet: list[tuple[str, Target]] = field(default_factory=list)  # markers a variable takes not
    took: list[tuple[str, str]] = field(default_factory=list)  # cells, while a variable is filled

    def became(self, column: str, fate: Fate) -> None:
        """Note what became of a cell; the highest fate counts."""
        self.fates[column] = max(fate, self.fates.get(column, Fate.BLANK))

    def shown(self, column: str) -> str:
        """A cell as a report may show it: not who the patient is."""
        return HIDDEN if column in self.hidden else self.cells.get(column, "")

    def refuse(self, column: str, reason: str, *, hidden: bool = False) -> None:
        """Note why the row cannot be taken over."""
        shown = HIDDEN if hidden else self.shown(column)
        self.refusals.append(Refusal(self.number, column, _short(shown), reason, self.file))
        if column in self.cells:
            self.became(column, Fate.REFUSED)


def _short(text: str) -> str:
    """A cell as far as a report shows it: nobody reads ten megabytes."""
    return text if len(text) <= 200 else f"{text[:200]}…"


def make(number: int, cell: Mapping[str, str], by: Map, *, file: str = "", order: int = 0) -> Row:
    """A row by the map. Its `refusals` say what is wrong; then nothing of it may be written.

    Raises TooLong for a pattern of the map that does not end.
    """
    row = Row(number, cell, file, order, by.hidden_columns)
    _start(row, by)
    if cell[by.id_column]:
        row.source_id = cell[by.id_column]
        row.became(by.id_column, Fate.USED)
    else:
        row.refuse(by.id_column, "the source's id is missing")
    row.patient = _filled(row, by.patient)
    row.hospital_number = row.patient.values.pop(HOSPITAL_NUMBER, "")
    for block in by.blocks:
        made = _entry(row, block, by)
        if made is not None:
            row.entries.append(made)
    for column in by.kept:
        if cell[column]:
            row.kept[column] = [cell[column]]
            row.became(column, Fate.KEPT)
    _check_ignored(row, by)
    return row


def _start(row: Row, by: Map) -> None:
    """Every filled cell begins as passed over, or as ignored."""
    plain = not _NO_TEXT.search("\n".join(row.cells.values()))
    for column, text in row.cells.items():
        if plain and len(text) <= _SHORT and "\n" not in text:
            row.fates[column] = Fate.BLANK if not text else Fate.ASIDE
            if text and column in by.ignored:
                row.fates[column] = Fate.IGNORED
            continue
        row.fates[column] = Fate.BLANK if not text else Fate.ASIDE
        if text and column in by.ignored:
            row.fates[column] = Fate.IGNORED
        if _NO_TEXT.search(text):
            row.refuse(column, "has characters that are no text: state the file's encoding")
        elif len(text) > cells.LONGEST:
            row.refuse(column, f"has {len(text)} characters; at most {cells.LONGEST} are taken")
        elif "\n" in text:
            # Two stray quotes can make one cell of several rows: let somebody look.
            said = "has line breaks; is it one cell?"
            shown = _short(row.shown(column))
            row.unusual.append(Refusal(row.number, column, shown, said, row.file))


def _entry(row: Row, block: Block, by: Map) -> Made | None:
    if block.quiet is not None and not any(row.cells[column] for column in block.quiet):
        return None
    if block.when is not None:
        for condition in block.when:
            for column in condition.columns():
                if row.cells[column]:
                    row.became(column, Fate.READ)
        if not all(one.holds(row.cells, by.missing) for one in block.when):
            return None
    made = _filled(row, block)
    if block.when is None and not _from_columns(block, made, row):
        return None
    return made


def _from_columns(block: Block, made: Made, row: Row) -> bool:
    """Did a column give anything, so that the entry says something of this row?"""
    for filling in block.fillings:
        name = filling.target.name
        if (name in made.values or name in made.absent) and any(
            row.cells[column] for rule in filling.rules for column in rule.columns
        ):
            return True
    return False


def _filled(row: Row, block: Block) -> Made:
    values: dict[str, Any] = {}
    absent: dict[str, dict[str, str]] = {}
    told: dict[str, tuple[str, str]] = {}
    for filling in block.fillings:
        row.took.clear()
        found = _value(row, filling)
        if row.took:
            told[filling.target.name] = row.took[-1]
        if isinstance(found, Absent):
            absent[filling.target.name] = found.as_json()
        elif found is not None:
            values[filling.target.name] = found
    _meet(row, block, absent)
    for number, unit in UNITS.items():
        if unit in values and number not in values:
            del values[unit]  # a unit of nothing says nothing
    return Made(
        block.entity,
        values,
        absent,
        block.name,
        block.links,
        block.place,
        block.once,
        row.number,
        row.order,
        row.file,
        told,
    )


def _meet(row: Row, block: Block, absent: Mapping[str, Any]) -> None:
    """Refuse the markers whose reason is stored nowhere in the block.

    A cell may fill several variables, as `<25` fills a value and its comparator: then it is
    enough that one of them keeps the reason.
    """
    stored = {
        column
        for filling in block.fillings
        if filling.target.name in absent
        for rule in filling.rules
        for column in rule.columns
    }
    for column, target in row.unmet:
        if column not in stored:
            row.refuse(
                column,
                f"is a missing marker whose reason {target.path} does not take:"
                " state missing or values for it",
            )
    row.unmet.clear()


def _value(row: Row, filling: Filling) -> Any:
    """The value of a variable by its first rule that gives one; an absence if none does."""
    absent: Absent | None = None
    for rule in filling.rules:
        if not _applies(row, rule):
            continue
        found = _by_rule(row, rule, filling.target)
        if isinstance(found, Absent):
            absent = absent or found
        elif found is not None:
            return found
    return absent


def _applies(row: Row, rule: Rule) -> bool:
    for condition in rule.when:
        for column in condition.columns():
            if row.cells[column]:
                row.became(column, Fate.READ)
    return all(one.holds(row.cells, rule.reading.missing) for one in rule.when)


def _by_rule(row: Row, rule: Rule, target: Target) -> Any:
    """A typed value, Absent, or None where the rule gives nothing."""
    if not rule.columns:
        return rule.absent if rule.absent is not None else rule.constant
    if rule.items:
        return _answers(row, rule)
    column = rule.columns[0]
    if not row.cells[column]:
        return None
    if rule.reading.is_marker(row.cells[column]):
        return _marker(row, rule, target)
    told = _told(row, rule)
    text = rule.join.join(row.cells[one] for one in told)
    try:
        taken = _taken(text, rule, target)
    except Refused as problem:
        hidden = target.hidden or any(one in row.hidden for one in told)
        row.refuse(column, _why(problem, told, text, target, hidden), hidden=hidden)
        return None
    return _note(row, told, text, target, taken)


def _answers(row: Row, rule: Rule) -> dict[str, str] | None:
    """The answers to a questionnaire by item; what was not answered is left out."""
    found: dict[str, str] = {}
    for number, column in rule.items.items():
        text = row.cells[column]
        if not text:
            continue
        if rule.reading.is_marker(text):
            row.became(column, Fate.MISSING)
            continue
        try:
            found[number] = cells.item(text)
            row.became(column, Fate.USED)
        except Refused as problem:
            row.refuse(column, f"{problem} (item {number})")
    return found or None


def _taken(text: str, rule: Rule, target: Target) -> cells.Taken:
    """What a text is taken as, remembered with the rule. Raises Refused."""
    found = rule.seen.get(text)
    if found is None:
        try:
            found = cells.take(text, target, rule.reading)
        except Refused as problem:
            found = problem
        if len(rule.seen) >= _REMEMBERED:
            rule.seen.clear()
        if len(text) <= _LONGEST_REMEMBERED:
            rule.seen[text] = found
    if isinstance(found, Refused):
        raise found
    return found


def _told(row: Row, rule: Rule) -> list[str]:
    """The columns to join: up to the first that is blank or a missing marker, so that of a date
    without its month no day is taken."""
    found = []
    for column in rule.columns:
        if not row.cells[column] or rule.reading.is_marker(row.cells[column]):
            break
        found.append(column)
    return found


def _why(problem: Refused, told: list[str], text: str, target: Target, hidden: bool) -> str:
    """Why a cell is refused, with what it was joined with and read as."""
    said = f"{problem} ({target.path})"
    if problem.given and not hidden:
        said = f"is read as {problem.given!r}, which {said}"
    if len(told) > 1:
        joined = "" if hidden else f" as {text!r}"
        said = f"joined with {', '.join(map(repr, told[1:]))}{joined}: {said}"
    return said


def _marker(row: Row, rule: Rule, target: Target) -> Any:
    column = rule.columns[0]
    meant = rule.reading.missing[row.cells[column]]
    if meant is None:
        row.unmet.append((column, target))
        return None
    row.became(column, Fate.MISSING)
    return None if meant is LEFT_BLANK else meant


def _note(row: Row, told: list[str], text: str, target: Target, taken: cells.Taken) -> Any:
    hidden = target.hidden or any(one in row.hidden for one in told)
    if taken.given and not hidden:
        row.read_as.append(ReadAs(told[0], target.path, text, taken.given))
    row.took.append((told[0], HIDDEN if hidden else text))
    for column in told:
        if taken.value is LEFT_BLANK:
            row.became(column, Fate.ASIDE)
        else:
            missing = isinstance(taken.value, Absent)
            row.became(column, Fate.MISSING if missing else Fate.USED)
    if taken.value is LEFT_BLANK:
        return None
    if taken.unusual:
        shown = HIDDEN if hidden else text
        said = f"{taken.unusual} ({target.path})"
        row.unusual.append(Refusal(row.number, told[0], _short(shown), said, row.file))
    if taken.outside_list:
        row.outside.append((target.path, taken.outside_list))
    return taken.value


def _check_ignored(row: Row, by: Map) -> None:
    """Does what the map says about an ignored column hold in this row?"""
    for column, ignored in by.ignored.items():
        text = row.cells[column]
        if not text:
            continue
        if ignored.same_as and text != row.cells[ignored.same_as]:
            other = row.shown(ignored.same_as)
            row.refuse(column, f"is ignored as the same as {ignored.same_as!r}, which is {other!r}")
        if ignored.always is not None and text != ignored.always:
            row.refuse(column, f"is ignored as always {ignored.always!r}")
