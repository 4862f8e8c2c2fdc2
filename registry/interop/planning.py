"""From files to what is to be written: read, join, check, derive. Writes nothing.

The rows go to a spool first, so that a patient's rows are found together wherever they stand and
in whichever file; then patient after patient is made, compared with what the centre has, checked
as the record would check it, and kept as a plan. Memory does not grow with the file.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from registry.access import Viewer
from registry.course import bulk as course
from registry.course import facts
from registry.course.bulk import NewEntry
from registry.course.licence import may_derive_stages
from registry.interop import changes, joining, rows, tables
from registry.interop.links import links_of
from registry.interop.map_files import WHY_REFUSED
from registry.interop.mapping import Ignored, Map, MapError
from registry.interop.models import SourceRow
from registry.interop.patterns import TooLong
from registry.interop.reports import Change, Report
from registry.interop.rows import Made, Refusal, Row
from registry.interop.spool import Raw, Spool
from registry.interop.tables import Source
from registry.keys import ring
from registry.language import gettext as _
from registry.patients import bulk as people
from registry.patients import rules as patient_rules

#: Patients looked up at once.
BATCH = 500
NOT_IN_FIRST = "names a patient whom the first file does not have"
TOGETHER = "not taken: another row of the same patient is refused"
NUMBER_TAKEN = "hospital_number"

Connect = Callable[[], AbstractContextManager[Any]]
#: Shows progress over an iterable; the second argument is its length, the third what is done.
Progress = Callable[[Iterable[Any], int, str], Any]
#: Told of each row that is not taken: the file, its columns, the row's number, cells and why.
OnRefused = Callable[[str, Sequence[str], int, Sequence[str], str], None]


@dataclass(frozen=True)
class Shape:
    """What is said of the file beside its map, which it overrules; empty: as the map says."""

    encoding: str = ""
    sheet: str = ""
    delimiter: str = ""
    comment: str | None = None
    header_row: int | None = None
    merged: str = ""


def no_progress(items: Iterable[Any], length: int, label: str) -> Any:
    """Shows nothing."""
    return items


def source_id_index(source: str, organisation_id: UUID | None, source_id: str) -> str:
    """The fingerprint under which a record of a source is found again."""
    return ring().blind(f"source id {organisation_id} {source}", source_id)


def content_index(row: Row) -> str:
    """The fingerprint of what a record says, by the map."""

    def plain(made: Made) -> list[Any]:
        links = [made.name, made.links.get("tumour", ""), made.links.get("therapy", "")]
        others = {n: to for n, to in made.links.items() if n not in ("tumour", "therapy")}
        more: list[Any] = [others] if others else []
        return [made.entity, facts.to_json(made.values, made.absent), links, *more]

    content = [plain(row.patient), row.hospital_number, [plain(e) for e in row.entries], row.kept]
    return ring().blind("source row", json.dumps(content, sort_keys=True, ensure_ascii=False))


@dataclass
class Candidate:
    """A patient of the file on the way to a plan."""

    row: Row
    raw: list[Raw]
    entries: list[NewEntry] = field(default_factory=list)
    made: list[Made] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    sid: str = ""
    content: str = ""


class Planner:
    """One reading of one or several files by a map, for the viewer's organisation."""

    def __init__(
        self,
        by_map: Map,
        *,
        by: Viewer,
        spool: Spool,
        connect: Connect,
        progress: Progress = no_progress,
        on_refused: OnRefused | None = None,
    ) -> None:
        self.report = Report(by_map)
        self._by, self._spool, self._connect = by, spool, connect
        self._progress, self._on_refused = progress, on_refused
        self._licensed = may_derive_stages()
        self._parts: list[tuple[str, Map]] = []

    def plan(self, sources: Mapping[str, Source], shapes: Mapping[str, Shape]) -> Report:
        """Read everything and plan it. Raises MapError where map and files do not fit, FileError
        where one cannot be read."""
        whole = self.report.map
        unknown = sorted(set(sources) - set(whole.parts))
        if unknown:
            raise MapError([f"The map has no [[file]] with name = {name!r}" for name in unknown])
        for number, (name, part) in enumerate(whole.parts.items()):
            source = sources.get(name)
            if source is None and part.sheet and part.sheet != whole.sheet:
                source = sources[""]  # another sheet of the same workbook
            if source is None:
                raise MapError([f"The map names a further file {name!r}: give it too"])
            self._read(number, name, part, source, shapes.get(name, Shape()))
        try:
            self._make()
        except TooLong as error:
            raise MapError([str(error)]) from error
        return self.report

    # -- reading ---------------------------------------------------------------------------------

    def _read(self, number: int, name: str, part: Map, source: Source, shape: Shape) -> None:
        report = self.report
        with tables.opened(source, **_how(part, shape)) as table:
            report.files[name] = table.columns
            report.encodings[name or source.name] = table.encoding
            fitted = part.fitted(table.columns)
            if WHY_REFUSED in table.columns:
                said = Ignored("why the row was refused before")
                fitted = replace(fitted, ignored={**fitted.ignored, WHY_REFUSED: said})
            _check_columns(table.columns, fitted, name)
            if not name:
                report.columns = table.columns
                report.map = _with_first(fitted, report.map)
            else:
                report.map = _with_file(report.map, name, fitted)
            self._parts.append((name, fitted))
            for found in self._progress(table.rows(), 0, "Reading"):
                report.read += 1
                if isinstance(found, tables.BadRow):
                    self._bad(found, name, table.columns)
                    continue
                row_number, cells = found
                source_id = cells[fitted.id_column]
                if not self._spool.add_row(source_id, number, row_number, list(cells.values())):
                    hidden = fitted.id_column in report.map.hidden_columns
                    shown = rows.HIDDEN if hidden else source_id[:200]
                    refusal = Refusal(row_number, fitted.id_column, shown, NOT_IN_FIRST, name)
                    report.refuse([refusal])
                    self._tell(name, table.columns, row_number, list(cells.values()), NOT_IN_FIRST)

    def _bad(self, found: tables.BadRow, name: str, columns: Sequence[str]) -> None:
        self.report.refuse([Refusal(found.number, "", "", found.reason, name)])
        self._tell(name, columns, found.number, found.cells, found.reason)

    def _tell(
        self, name: str, columns: Sequence[str], number: int, cells: Sequence[str], why: str
    ) -> None:
        if self._on_refused is not None:
            self._on_refused(name, columns, number, cells, why)

    # -- patient after patient -------------------------------------------------------------------

    def _make(self) -> None:
        waiting: list[Candidate] = []
        count = self._spool.patients
        for raw in self._progress(self._spool.by_patient(), count, "Checking"):
            self.report.patients += 1
            waiting.append(self._candidate(raw))
            if len(waiting) >= BATCH:
                self._settle(waiting)
                waiting = []
        self._settle(waiting)

    def _candidate(self, raw: list[Raw]) -> Candidate:
        made = []
        for order, (part, number, cells) in enumerate(raw):
            name, by_map = self._parts[part]
            cell = dict(zip(self.report.files[name], cells, strict=True))
            made.append(rows.make(number, cell, by_map, file=name, order=order))
        first = made[0]
        for later in made[1:]:
            by_map = self.report.map.parts[later.file]
            if not later.file and not by_map.several_rows:
                hidden = by_map.id_column in by_map.hidden_columns
                said = f"stands in row {first.number} as well"
                later.refuse(by_map.id_column, said, hidden=hidden)
            else:
                joining.join(first, later, by_map.id_column)
        for row in made:
            self.report.account.close(row)
        refusals = [refusal for row in made for refusal in row.refusals]
        return Candidate(first, raw, refusals=refusals)

    def _settle(self, waiting: list[Candidate]) -> None:
        """Compare with what the centre has, check, and keep what is to be done."""
        good = [one for one in waiting if not one.refusals]
        for one in good:
            one.sid = source_id_index(
                self.report.map.name, self._by.organisation_id, one.row.source_id
            )
            one.content = content_index(one.row)
        with self._connect() as connection:
            held = self._held(connection, good)
            fresh = [one for one in good if one.sid not in held]
            self._check_numbers(connection, fresh)
            self._look_for_people(connection, fresh)
        for one in fresh:
            self._check(one)
        for one in waiting:
            if one.refusals:
                self._refuse(one)
            elif one.sid not in held:
                self._plan(one)
            elif held[one.sid] == one.content:
                self.report.unchanged += 1
            else:
                self._changed(one)

    def _held(self, connection: Any, good: Sequence[Candidate]) -> dict[str, str]:
        query = sa.select(SourceRow.source_id_index, SourceRow.content_index).where(
            SourceRow.organisation_id == self._by.organisation_id,
            SourceRow.source == self.report.map.name,
            SourceRow.source_id_index.in_([one.sid for one in good]),
        )
        return {row[0]: row[1] for row in connection.execute(query)} if good else {}

    def _check_numbers(self, connection: Any, fresh: Sequence[Candidate]) -> None:
        numbers = [one.row.hospital_number for one in fresh]
        taken = people.taken_numbers(connection, self._by, numbers)
        for one in fresh:
            number = one.row.hospital_number
            plain = patient_rules.plain_number(number)
            if number in taken:
                text = _("Another patient of your hospital has this number.")
                one.refusals.append(self._refusal(one, one.row.patient, NUMBER_TAKEN, text))
            elif plain:
                before = self._spool.first_seen("number", plain, one.row.number)
                if before is not None:
                    text = (
                        f"{_('Another patient of your hospital has this number.')} (row {before})"
                    )
                    one.refusals.append(self._refusal(one, one.row.patient, NUMBER_TAKEN, text))

    def _look_for_people(self, connection: Any, fresh: Sequence[Candidate]) -> None:
        known = people.known_people(
            connection, self._by, {n: one.row.patient.values for n, one in enumerate(fresh)}
        )
        self.report.known_count += len(known)
        for place in sorted(known):
            if len(self.report.known) < rows.LISTED:
                row = fresh[place].row
                said = "may be a patient the centre knows already: same name and birth date"
                self.report.known.append(Refusal(row.number, "", "", said, row.file))

    def _check(self, one: Candidate) -> None:
        """What the record would refuse; then what follows from it."""
        one.made = joining.in_order(one.row.entries)
        one.entries = linked(one.made)
        birth = one.row.patient.values.get("birth_date")
        for problem in course.impossible_dates(one.entries, birth):
            text = _(problem.reason.template, **problem.reason.values)
            made = one.made[problem.place]
            one.refusals.append(self._refusal(one, made, problem.variable, text))
        if not one.refusals:
            course.derive(one.entries, licensed=self._licensed)

    def _refusal(self, one: Candidate, made: Made, variable: str, reason: str) -> Refusal:
        """A refusal of the record, at the cell that gave the value."""
        row, column = one.row, self.report.map.id_column
        if variable not in made.told:
            return Refusal(row.number, column, row.shown(column), reason, row.file)
        column, shown = made.told[variable]
        said = f"{reason} ({made.entity}.{variable})"
        return Refusal(made.row or row.number, column, shown, said, made.file)

    def _refuse(self, one: Candidate) -> None:
        self.report.left_out += 1
        self.report.refuse(one.refusals)
        if self._on_refused is None:
            return
        why: dict[tuple[str, int], list[str]] = {}
        for refusal in one.refusals:
            said = f"{refusal.column}: {refusal.reason}" if refusal.column else refusal.reason
            why.setdefault((refusal.file, refusal.row), []).append(said)
        for part, number, cells in one.raw:
            name = self._parts[part][0]
            reasons = "; ".join(why.get((name, number), [TOGETHER]))
            self._tell(name, self.report.files[name], number, cells, reasons)

    def _plan(self, one: Candidate) -> None:
        report, row = self.report, one.row
        report.created += 1
        contradicting = []
        for entry in one.entries:
            report.entries[entry.entity] += 1
            for finding in entry.derived.get("findings") or []:
                text = finding["reason"]["template"] % finding["reason"]["values"]
                contradicting.append(Refusal(row.number, entry.entity, "", text))
        report.contradict(contradicting)
        self._spool.add_plan(
            {
                "n": row.number,
                "sid": one.sid,
                "content": one.content,
                "patient": facts.to_json(row.patient.values),
                "absent": row.patient.absent,
                "number": row.hospital_number,
                "kept": row.kept,
                "entries": [
                    {
                        "entity": entry.entity,
                        "place": made.place,
                        "values": facts.to_json(entry.values),
                        "absent": entry.absent,
                        "links": entry.links,
                        "derived": {n: facts.plain(v) for n, v in entry.derived.items()},
                    }
                    for entry, made in zip(one.entries, one.made, strict=True)
                ],
            }
        )

    def _changed(self, one: Candidate) -> None:
        """A record that says otherwise than before: what would change, and what stands against
        it."""
        row = one.row
        one.made = joining.in_order(row.entries)
        with self._connect() as connection:
            found, problem = changes.compare(
                connection,
                by=self._by,
                source=self.report.map.name,
                sid=one.sid,
                row=row,
                made=one.made,
            )
        if problem:
            column = self.report.map.id_column
            refusal = Refusal(row.number, column, row.shown(column), problem, row.file)
            one.refusals.append(refusal)
            self._refuse(one)
            return
        self.report.changed += 1
        self.report.change(found)
        self._spool.add_plan(
            {"n": row.number, "sid": one.sid, "content": one.content}
            | changes.plan_of(row, one.made, linked(one.made))
        )


def linked(made: Sequence[Made]) -> list[NewEntry]:
    """Entries to be made, each pointing to those it names: of the same row, else of the latest
    before it, else to the first of that name. Every entry belongs to a tumour if there is one."""
    found: list[NewEntry] = []
    named: dict[str, list[tuple[str, int, int]]] = {}
    for place, one in enumerate(made):
        links: dict[str, int] = {}
        for link, entity in links_of(one.entity).items():
            wanted = one.links.get(link, "")
            if wanted or link == "tumour":
                target = _find(named.get(entity, []), wanted, one.order)
                if target is not None and target != place:
                    links[link] = target
        if not one.links.get("tumour") and "therapy" in links and "tumour" in links:
            links["tumour"] = found[links["therapy"]].links.get("tumour", links["tumour"])
        found.append(NewEntry(one.entity, dict(one.values), dict(one.absent), links))
        named.setdefault(one.entity, []).append((one.name, one.order, place))
    return found


def _find(known: Sequence[tuple[str, int, int]], name: str, order: int) -> int | None:
    called = [(made, place) for known_name, made, place in known if not name or known_name == name]
    if not name:
        same = [place for made, place in called if made == order]
        return same[0] if same else next((place for _made, place in called), None)
    before = [place for made, place in called if made <= order]
    return before[-1] if before else next((place for _made, place in called), None)


def _how(part: Map, shape: Shape) -> dict[str, Any]:
    return {
        "delimiter": shape.delimiter or part.delimiter,
        "encoding": shape.encoding or part.encoding,
        "comment": part.comment_lines if shape.comment is None else shape.comment,
        "sheet": shape.sheet or part.sheet,
        "header_row": part.header_row if shape.header_row is None else shape.header_row,
        "merged": shape.merged or part.merged,
    }


def _with_first(fitted: Map, whole: Map) -> Map:
    return replace(fitted, files=whole.files)


def _with_file(whole: Map, name: str, fitted: Map) -> Map:
    return replace(whole, files={**whole.files, name: fitted})


def _check_columns(columns: list[str], by_map: Map, file: str) -> None:
    """Every column of the file must be named by the map, and the other way round."""
    named, needed = set(by_map.uses()), by_map.needed()
    unnamed = [repr(name) for name in columns if name not in named]
    lacking = [repr(name) for name in sorted(needed - set(columns))]
    which = f"The file {file!r}" if file else "The file"
    problems = []
    if unnamed:
        problems.append(
            f"{which} has columns that the map does not name. Map them, or name them under"
            f" [keep] or [ignore] with a reason: {', '.join(unnamed)}"
        )
    if lacking:
        what = f" {file!r}" if file else ""
        problems.append(
            f"The map names columns that the file{what} does not have: {', '.join(lacking)}"
        )
    if problems:
        raise MapError(problems)


def plans(spool: Spool, size: int = BATCH) -> Iterator[list[dict[str, Any]]]:
    """What is planned, a batch at a time."""
    batch: list[dict[str, Any]] = []
    for one in spool.planned():
        batch.append(one)
        if len(batch) >= size:
            yield batch
            batch = []
    if batch:
        yield batch


__all__ = ["Change", "Planner", "Shape", "content_index", "plans", "source_id_index"]
