"""Sequences of therapies of a release: every patient a lane, and who went on to what next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from registry import codes as vocabularies
from registry.clinical import therapy_lines
from registry.clinical.endpoints import DAYS_PER_MONTH
from registry.clinical.partial_dates import assumed
from registry.language import gettext as _
from registry.language import lazy_gettext as _l
from registry.research.statistics import courses, pictures, scripts, timed
from registry.research.statistics.courses import Line, released
from registry.research.statistics.figures import COLOURS
from registry.research.statistics.shown import FEW, Choice, Files, Row, Shown, Table, chosen

TITLES = {
    "lanes": _l("Therapies of each patient"),
    "flow": _l("From line to line"),
}
_DEFINITIONS = {
    "lanes": _l(
        "Each row is a patient, from the first therapy on: what was given from when to when, "
        "progressions and deaths. A therapy without an end is drawn until the last contact."
    ),
    "flow": _l(
        "The first class of therapy in each systemic line of palliative intent, and in the line "
        "that followed it. Who has no further line in the data is shown as such: it is not known "
        "whether one will follow."
    ),
}
#: More lanes than this cannot be read; the rest are in the data.
MOST_LANES = 40
MOST_LINES = 4
NO_LINE, UNKNOWN, OTHER = "", "unknown", "other"


def of_classes(lines: Sequence[Line]) -> list[dict[int, str]]:
    """Of each patient the first class of each line, by number: of the tumour with most lines. A
    class that nobody stated is UNKNOWN."""
    return [own for _tumour, own in _of_one_tumour(lines).values()]


def _of_one_tumour(lines: Sequence[Line]) -> dict[str, tuple[str, dict[int, str]]]:
    """By patient the tumour with most lines, and their first classes."""
    found: dict[str, dict[str, dict[int, str]]] = {}
    for line in lines:
        classes = line.classes[:1] or (UNKNOWN,)
        found.setdefault(line.patient, {}).setdefault(line.tumour, {})[line.number] = classes[0]
    return {
        patient: max(by_tumour.items(), key=lambda one: (len(one[1]), sorted(one[1].items())))
        for patient, by_tumour in sorted(found.items())
    }


def steps(own: Sequence[Mapping[int, str]]) -> Counter[tuple[int, str, str]]:
    """How many went from a class in a line to a class in the next; "" where there is none."""
    found: Counter[tuple[int, str, str]] = Counter()
    for numbers in own:
        for number in range(1, MOST_LINES):
            if number in numbers:
                found[number, numbers[number], numbers.get(number + 1, NO_LINE)] += 1
    return found


def flow(files: Files, asked: Mapping[str, str]) -> Shown:
    """Line-to-line flow as it is shown."""
    base = Shown("flow", TITLES["flow"], _DEFINITIONS["flow"])
    lines = courses.of_files(timed.course_files(files))
    own = of_classes(lines)
    if not own:
        return replace(base, empty=_l("The release has no systemic line of palliative intent."))
    went = steps(own)
    classes = Counter(one for numbers in own for one in numbers.values() if one != UNKNOWN)
    coloured = [one for one, _n in sorted(classes.items(), key=lambda x: (-x[1], x[0]))]
    coloured = coloured[: len(COLOURS) - 1]
    words = {one: vocabularies.label("therapy_class", one) for one in classes}
    words |= {NO_LINE: str(_("No further line")), OTHER: str(_("Other"))}
    words[UNKNOWN] = str(_("Class not known"))
    columns, links = _laid_out(went, own, coloured, words)
    ordered = sorted(went.items(), key=lambda one: (one[0][0], -one[1], one[0]))
    rows = [
        [str(_("Line %(n)s", n=number)), words.get(source, source), words[target], str(n)]
        for (number, source, target), n in ordered
    ]
    patients = files.rows("patients.csv")

    def draw(form: str) -> bytes:
        return pictures.flows(
            columns, links, colours=coloured, title=str(TITLES["flow"]), form=form
        )

    return replace(
        base,
        alternative=_(
            "Bands from each line to the next, as wide as the number of patients: %(n)s with a "
            "first line, %(second)s with a second. The table below has the numbers.",
            n=sum(1 in one for one in own),
            second=sum(2 in one for one in own),
        ),
        draw=draw,
        tables=[
            Table(_("Who went on to what"), [_("From"), _("Class"), _("Next line"), _("Patients")],
                  rows, numbers=3)
        ],
        numbers=(("line", "class", "next_class", "patients"),
                 [[str(k[0]), k[1], k[2] or "none", str(n)] for k, n in sorted(went.items())]),
        data=_data(lines),
        said=courses.caution(files),
        code=scripts.lines("flow", str(TITLES["flow"])),
        complete=[(_("With a systemic line of palliative intent"), len(own), len(patients))],
        how=[_("Lines are derived by the rules of the registry from therapies, progressions and "
               "reasons to stop; what somebody stated instead counts."),
             FEW],
    )  # fmt: skip


def _laid_out(
    went: Mapping[tuple[int, str, str], int],
    own: Sequence[Mapping[int, str]],
    coloured: Sequence[str],
    words: Mapping[str, str],
) -> tuple[list[Any], list[Any]]:
    """Blocks and bands of the figure; rare classes are one block."""

    def place(one: str) -> str:
        return one if one in coloured or one == NO_LINE else OTHER

    links: Counter[tuple[int, str, str]] = Counter()
    for (number, source, target), n in went.items():
        links[number, place(source), place(target)] += n
    blocks: list[Counter[str]] = [Counter(place(one[1]) for one in own if 1 in one)]
    last = max((number for number, _s, target in links if target), default=0) + 1
    for number in range(1, last):
        into: Counter[str] = Counter()
        for (line, _source, target), n in links.items():
            if line == number:
                into[target] += n
        blocks.append(into)
    order = [*coloured, OTHER, NO_LINE]
    columns = [
        (
            str(_("Line %(n)s", n=at + 1)),
            [(key, words[key], found[key]) for key in order if found[key]],
        )
        for at, found in enumerate(blocks)
    ]
    bands = [
        (number - 1, source, target, n)
        for (number, source, target), n in sorted(
            links.items(), key=lambda x: (x[0][0], order.index(x[0][1]), order.index(x[0][2]))
        )
        if number < last
    ]
    return columns, bands


def _data(lines: Sequence[Line]) -> Any:
    header = ("patient_id", "line", "class", "next_class", "classes", "agents", "start", "best",
              "pfs_months", "pfs_event", "ttnt_months", "ttnt_event")  # fmt: skip
    rows, drawn = [], _of_one_tumour(lines)
    for line in lines:
        tumour, own = drawn[line.patient]
        step = ["", ""]
        if line.tumour == tumour and line.number < MOST_LINES:
            step = [own[line.number], own.get(line.number + 1) or "none"]
        times = []
        for one in (line.pfs, line.ttnt):
            months = "" if one.months is None else f"{one.months:.6f}"
            times += [months, "" if one.event is None else str(one.event)]
        start = _months(assumed(line.start), courses.ORIGIN)
        rows.append([line.patient, str(line.number), *step, ";".join(line.classes),
                     ";".join(line.agents), f"{start:.2f}", line.best, *times])  # fmt: skip
    return header, rows


def _months(day: date, origin: date) -> float:
    return (day - origin).days / DAYS_PER_MONTH


# -- lanes -------------------------------------------------------------------------------------


def lanes(files: Files, asked: Mapping[str, str]) -> Shown:
    """The swimlane as it is shown."""
    orders = {"length": _l("The longest followed first"), "line": _l("By the first class")}
    order = chosen(asked, "order", ["line"])
    choice = Choice("order", _l("Order"), [("line", orders["line"])], order, orders["length"])
    base = Shown("lanes", TITLES["lanes"], _DEFINITIONS["lanes"], [choice])
    by_patient = _by_patient(files)
    found = [(patient, one) for patient, rows in by_patient.items() if (one := _lane(rows))]
    if not found:
        return replace(base, empty=_l("The release has no therapy with a start."))
    counted = Counter(kind for _p, lane in found for _s, _e, kind in lane.given)
    kinds = [kind for kind, _n in sorted(counted.items(), key=lambda x: (-x[1], x[0])) if kind]
    kinds = kinds[: len(COLOURS)]
    if order == "line":
        found.sort(key=lambda one: (_place(kinds, one[1]), -one[1].end, one[0]))
    else:
        found.sort(key=lambda one: (-one[1].end, one[0]))
    drawn = [lane for _patient, lane in found[:MOST_LANES]]
    words = {kind: vocabularies.label("therapy_class", kind) for kind in kinds}
    marks = {
        "progression": ("v", str(_("Progression"))),
        "death": ("X", str(_("Death"))),
    }

    def draw(form: str) -> bytes:
        return pictures.lanes(drawn, kinds=words, marks=marks, other=_("Other or no class"),
                              title=str(TITLES["lanes"]), form=form,
                              x_label=_("Months from the first therapy"))  # fmt: skip

    rows = [
        [vocabularies.label("therapy_class", kind) if kind else str(_("No class")),
         str(sum(any(k == kind for _s, _e, k in lane.given) for _p, lane in found)), str(n)]
        for kind, n in sorted(counted.items(), key=lambda x: (-x[1], x[0]))
    ]  # fmt: skip
    header = ("patient_id", "what", "from_months", "to_months")
    data = [
        [patient, kind, f"{start:.2f}", f"{end:.2f}"]
        for patient, lane in found
        for start, end, kind in lane.given
    ] + [
        [patient, mark, f"{month:.2f}", ""] for patient, lane in found for month, mark in lane.marks
    ]
    notes = []
    if len(found) > len(drawn):
        notes.append(_("The figure has the first %(n)s of %(all)s patients; the data have all.",
                       n=len(drawn), all=len(found)))  # fmt: skip
    return replace(
        base,
        alternative=_(
            "Therapies of %(n)s patients over time, a row each, with progressions and deaths. The "
            "table below counts them by class.", n=len(drawn)),
        draw=draw,
        tables=[Table(_("Therapies by class"), [_("Class"), _("Patients"), _("Therapies")], rows)],
        said=notes,
        numbers=(header, data),
        data=(header, data),
        code=scripts.lanes("lanes", str(TITLES["lanes"])),
        complete=[(_("With a therapy that has a start"), len(found),
                   len(files.rows("patients.csv")))],
        how=[_("Where only the month of a date is known its middle is drawn."),
             _("A picture of single patients: do not publish it without leave of the committee.")],
    )  # fmt: skip


def _place(kinds: Sequence[str], lane: pictures.Lane) -> int:
    first = min(lane.given)[2]
    return kinds.index(first) if first in kinds else len(kinds)


def _by_patient(files: Files) -> dict[str, dict[str, list[Row]]]:
    found: dict[str, dict[str, list[Row]]] = {}
    for name in ("therapies", "progressions", "follow_up"):
        for row in files.rows(f"{name}.csv"):
            found.setdefault(row["patient_id"], {}).setdefault(name, []).append(row)
    return found


def _lane(rows: Mapping[str, Sequence[Row]]) -> pictures.Lane | None:
    """The lane of a patient; None without a therapy that has a start."""
    therapies = [row for row in rows.get("therapies", ()) if released(row, "start")]
    if not therapies:
        return None
    facts = courses.seen(
        courses.Course(therapies, rows.get("progressions", ()), (), rows.get("follow_up", ())),
        released,
    )
    origin = min(assumed(released(row, "start")) for row in therapies)
    known = [one for one in (facts.contact, facts.death) if one]
    known += [released(row, name) for row in therapies for name in ("start", "stop")]
    end = max(_months(assumed(one), origin) for one in known if one)
    given = []
    for row in therapies:
        start = _months(assumed(released(row, "start")), origin)
        stop = released(row, "stop")
        on_a_day = row.get("therapy_class") in therapy_lines.LOCAL_CLASSES
        last = _months(assumed(stop), origin) if stop else (start if on_a_day else end)
        given.append((start, max(last, start), row.get("therapy_class") or ""))
    marks = [(_months(assumed(day), origin), "progression") for day, _t in facts.progressions]
    if facts.death:
        marks.append((_months(assumed(facts.death), origin), "death"))
    return pictures.Lane(given, [(m, kind) for m, kind in marks if m >= 0], end)
