"""Courses of therapy from rows: the lines of each patient, with their responses and times.

Rows are those of a release, whose dates are days or months from the diagnosis, or those of the
record, whose dates are dates: `Dated` reads either as the rules want them. Nothing is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from registry.clinical import therapy_lines
from registry.clinical.endpoints import Endpoint
from registry.clinical.line_outcomes import Assessed, Seen, best_response, time_of
from registry.clinical.partial_dates import surely_before
from registry.course.rules import lines as course_lines
from registry.language import gettext as _
from registry.research.statistics.shown import Files, lacking

Row = Mapping[str, Any]
#: How the date of a row is read: the row and the name of the variable, to ISO text or "".
Dated = Callable[[Row, str], str]

#: Days of a release are counted from here: an arbitrary day, the 15th so that months fall there.
ORIGIN = date(2000, 1, 15)
_LATEST = 90 * 366


def released(row: Row, name: str) -> str:
    """A date of a released row: its days or months after an arbitrary day, or as it stands."""
    if days := row.get(f"{name}_days"):
        far = max(-_LATEST, min(int(days), _LATEST))
        return (ORIGIN + timedelta(days=far)).isoformat()
    if months := row.get(f"{name}_months"):
        years, month = divmod(ORIGIN.month - 1 + int(months), 12)
        return f"{ORIGIN.year + years:04d}-{month + 1:02d}"
    return str(row.get(name) or "")


def unshifted(rows: Iterable[Row], anchors: Mapping[str, str]) -> list[dict[str, str]]:
    """Rows of a release with shifted dates, with days from the diagnosis as others have them.

    `anchors` are the shifted days of diagnosis by patient; who has none is counted from any day.
    """
    found = []
    for row in rows:
        anchor = date.fromisoformat(anchors.get(row["patient_id"]) or ORIGIN.isoformat())
        days = {
            f"{name.removesuffix('_shifted')}_days": str((date.fromisoformat(day) - anchor).days)
            for name, day in row.items()
            if name.endswith("_shifted") and day
        }
        found.append({**row, **days})
    return found


def recorded(row: Row, name: str) -> str:
    """A date of a row of the record."""
    found = row.get(name)
    return "" if found is None else str(getattr(found, "iso", found))


@dataclass(frozen=True)
class Course:
    """The rows of one patient that lines are made of."""

    therapies: Sequence[Row] = ()
    progressions: Sequence[Row] = ()
    responses: Sequence[Row] = ()
    follow_ups: Sequence[Row] = ()


@dataclass(frozen=True)
class Line:
    """One systemic line of palliative intent: what was given, and what came of it.

    `best` is a code of responses, "" where none is known. `classes` are those of its therapies,
    in order. `following` is the start of the next line.
    """

    patient: str
    tumour: str
    number: int
    start: str
    stop: str
    following: str
    classes: tuple[str, ...]
    agents: tuple[str, ...]
    best: str
    pfs: Endpoint
    ttp: Endpoint
    ttnt: Endpoint


def seen(course: Course, dated: Dated) -> Seen:
    """What the lines are measured by."""
    contacts = [dated(row, "date") for row in course.follow_ups]
    deaths = [
        dated(row, "death_date") or dated(row, "date")
        for row in course.follow_ups
        if row.get("vital_status") == "dead" or dated(row, "death_date")
    ]
    died = min(filter(None, deaths), default="")
    # The news of a death is no contact: it may come long after it.
    alive = [day for day in contacts if day and not (died and surely_before(died, day))]
    return Seen(
        [
            (dated(row, "date"), str(row.get("tumour_id") or ""))
            for row in course.progressions
            if dated(row, "date") and row.get("basis") != "biochemical"
        ],
        [
            Assessed(
                dated(row, "date"),
                str(row["therapy_id"]),
                row.get("response_stated") or row.get("derived_response") or "",
                row.get("timepoint") == "baseline",
            )
            for row in course.responses
            if dated(row, "date") and row.get("therapy_id")
        ],
        max(alive, default=""),
        died,
    )


def lines(patient: str, course: Course, dated: Dated, key: str = "therapy_id") -> list[Line]:
    """The palliative systemic lines of a patient, by start. `key` names the id of a therapy."""
    facts = seen(course, dated)
    rows = {
        str(row[key]): {**row, "start": dated(row, "start"), "stop": dated(row, "stop")}
        for row in course.therapies
    }
    given = [
        course_lines.Given(one, str(row.get("tumour_id") or ""), _numbers(row))
        for one, row in rows.items()
    ]
    placed = course_lines.lines(given, [(tumour, day) for day, tumour in facts.progressions])
    members: dict[tuple[str, int], list[str]] = {}
    for one, row in rows.items():
        number = placed[one].number
        intent = row.get("intent") or therapy_lines.PALLIATIVE
        local = row.get("therapy_class") in therapy_lines.LOCAL_CLASSES
        if number and intent == therapy_lines.PALLIATIVE and (not local or placed[one].overruled):
            members.setdefault((str(row.get("tumour_id") or ""), number), []).append(one)
    found = [
        _line(patient, place, [(one, rows[one]) for one in some if rows[one]["start"]], facts)
        for place, some in members.items()
        if any(rows[one]["start"] for one in some)
    ]
    found.sort(key=lambda line: (line.start, line.tumour, line.number))
    return [_timed(line, found, members, facts) for line in found]


def _numbers(row: Row) -> Row:
    """A number of a file is a text; none is none."""
    stated = row.get("line_override")
    return {**row, "line_override": None if stated in (None, "") else int(float(stated))}


def _line(
    patient: str, place: tuple[str, int], own: Sequence[tuple[str, Row]], facts: Seen
) -> Line:
    ordered = sorted(own, key=lambda one: one[1]["start"])
    rows = [row for _id, row in ordered]
    start, stops = rows[0]["start"], [row["stop"] for row in rows]
    stated = [row.get("best_response") or "" for row in rows]
    best, _why = best_response(start, [one for one, _row in own], facts, stated)
    nothing = time_of("PFS", start, place[0], (), Seen())
    return Line(
        patient,
        *place,
        start,
        max(stops) if all(stops) else "",
        "",
        tuple(dict.fromkeys(row["therapy_class"] for row in rows if row.get("therapy_class"))),
        tuple(dict.fromkeys(row["agent"] for row in rows if row.get("agent"))),
        best,
        nothing,
        nothing,
        nothing,
    )


def _timed(
    line: Line,
    all_lines: Iterable[Line],
    members: Mapping[tuple[str, int], Sequence[str]],
    facts: Seen,
) -> Line:
    later = (one for one in all_lines if one.tumour == line.tumour and one.number > line.number)
    following = min((one.start for one in later), default="")
    own = members[line.tumour, line.number]
    times = {
        name: time_of(name, line.start, line.tumour, own, facts, following=following)
        for name in ("PFS", "TTP", "TTNT")
    }
    return replace(
        line, following=following, pfs=times["PFS"], ttp=times["TTP"], ttnt=times["TTNT"]
    )


def caution(files: Files) -> list[str]:
    """What is to be said where the release does not have all that lines are made of."""
    if not lacking(files, [("progressions.csv", "date")]):
        return []
    return [
        str(_("Progressions are not in this release: lines are told apart by their drugs alone."))
    ]


def of_files(files: Mapping[str, Sequence[Row]]) -> list[Line]:
    """The lines of every patient of a release, from its files (name → rows)."""
    found: dict[str, dict[str, list[Row]]] = {}
    for name in ("therapies", "progressions", "responses", "follow_up"):
        for row in files.get(f"{name}.csv", ()):
            found.setdefault(row["patient_id"], {}).setdefault(name, []).append(row)
    return [
        line
        for patient, rows in sorted(found.items())
        if "therapies" in rows
        for line in lines(
            patient,
            Course(
                rows["therapies"],
                rows.get("progressions", ()),
                rows.get("responses", ()),
                rows.get("follow_up", ()),
            ),
            released,
        )
    ]
