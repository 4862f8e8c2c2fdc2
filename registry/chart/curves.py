"""The curves beneath the timeline: markers, tumour sum, quality of life, diary, weight.

Markers are drawn as multiples of the upper limit their laboratory stated, so that assays share an
axis; a value without a limit is not drawn and stands in the table. A value below what the assay
detects is drawn at its limit, hollow. Every curve has a table with the values as stated.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from registry.chart import drawing
from registry.chart.timeline import Period
from registry.chart.words import Words, number
from registry.clinical import prrt, quality_of_life, tables
from registry.course.queries.reading import Record
from registry.language import gettext as _

MOST_SERIES = 4
EGFR = "EGFR"
#: Height in pixels of a curve that has its axis for itself.
ALONE = 58
#: Scales shown unless others are chosen: how the patient is, and what a board asks most.
SCALES = ("QL2", "FA", "DI")
DIARY = ("flushing_per_day", "stools_per_day", "pain", "wellbeing")


class Value(NamedTuple):
    """One value: the day, what is drawn, what is said, and where it stands in the record."""

    day: date
    when: str
    height: float | None  # in the unit of the axis; None: not drawn
    text: str
    limit: bool = False
    more: str = ""
    run: str = ""  # values of one run are joined


@dataclass(frozen=True)
class Series:
    """Values of one kind over time, oldest first."""

    code: str
    name: str
    values: Sequence[Value]


@dataclass(frozen=True)
class Curve:
    """One picture with its axis."""

    key: str
    entity: str
    title: str
    unit: str
    series: Sequence[Series]
    more_label: str = ""
    logarithmic: bool = False
    normal: float | None = None  # a height worth a line of its own
    least: tuple[float, float] | None = None  # the axis reaches at least so far
    choices: Sequence[tuple[str, str, bool]] = ()  # what could be shown: code, name, is it?
    note: str = ""
    nadirs: Sequence[tuple[date, float, str]] = field(default=())

    def days(self) -> list[date]:
        """Every day it needs."""
        return [value.day for one in self.series for value in one.values]


def curves(record: Record, words: Words, chosen: Mapping[str, Sequence[str]]) -> list[Curve]:
    """The curves there are values for; `chosen` names markers (`m`) and scales (`q`) to show."""
    found = (
        _markers(record.of("biomarker"), words, chosen.get("m") or ()),
        _kidney(record, words),
        _sums(record, words),
        _scales(record.of("questionnaire"), words, chosen.get("q") or ()),
        _diary(record.of("symptom_diary"), words),
        _weight(record.of("follow_up"), words),
    )
    return [one for one in found if one is not None]


# -- markers -------------------------------------------------------------------------------------


def _markers(rows: Iterable[Any], words: Words, chosen: Sequence[str]) -> Curve | None:
    by_analyte: dict[str, list[Any]] = {}
    for row in rows:
        if row.date is not None and row.value is not None and row.analyte:
            by_analyte.setdefault(row.analyte, []).append(row)
    if not by_analyte:
        return None
    known = {code: place for place, code in enumerate(tables.codes("biomarker"))}
    ranked = sorted(
        by_analyte,
        key=lambda code: (
            not any(row.upper_limit for row in by_analyte[code]),
            len(by_analyte[code]) < 2,
            known.get(code, len(known)),
        ),
    )
    drawn = [code for code in ranked if any(row.upper_limit for row in by_analyte[code])]
    shown = ([code for code in ranked if code in chosen] or drawn or ranked)[:MOST_SERIES]
    marker = _Marker(words)
    series = [
        Series(code, words.code("biomarker", code), list(map(marker, *_by_assay(by_analyte[code]))))
        for code in shown
    ]
    unlimited = sum(value.height is None for one in series for value in one.values)
    note = ""
    if unlimited:
        note = str(_("%(n)s values have no upper limit: they are in the table.", n=unlimited))
    return Curve(
        "markers", "biomarker", str(_("Markers")), str(_("× upper limit")), series,
        more_label=str(_("× upper limit")), logarithmic=True, normal=1.0,
        choices=[(code, words.code("biomarker", code), code in shown) for code in ranked],
        note=note,
    )  # fmt: skip


def _by_assay(rows: list[Any]) -> tuple[list[Any], list[str]]:
    """The values, and the run each belongs to: another assay begins another, for its values go on
    from no other's. A value whose assay is not named goes on with the one before."""
    runs, now = [], ""
    for row in rows:
        if row.assay:
            now = " ".join(row.assay.lower().split())
        runs.append(now)
    first = next((run for run in runs if run), "")
    return rows, [run or first for run in runs]


def _kidney(record: Record, words: Words) -> Curve | None:
    """Kidney function of who had radionuclide therapy: by itself, and before the cycles."""
    if not any(one.therapy_class == prrt.PRRT for one in record.therapies):
        return None
    found = [
        (row.date, row.value, row.comparator or "")
        for row in record.of("biomarker")
        if row.analyte == EGFR and row.value is not None and row.date is not None
    ]
    found += [
        (row.date, row.egfr, "")
        for row in record.of("cycle")
        if row.egfr is not None and row.date is not None
    ]
    if not found:
        return None
    unit = words.unit(tables.by_key("codes/biomarker", "code")[EGFR]["unit"])
    values = [
        Value(day.earliest, words.date(day), float(value), f"{sign}{number(value)} {unit}",
              bool(sign))
        for day, value, sign in sorted(dict.fromkeys(found), key=lambda one: one[0].earliest)
    ]  # fmt: skip
    series = [Series(EGFR, words.code("biomarker", EGFR), values)]
    return Curve("kidney", "biomarker", str(_("Kidney")), unit, series, least=(0, 90))


class _Marker:
    """Says a value of a marker; what is the same for all of them is put into words once."""

    def __init__(self, words: Words) -> None:
        self._words = words
        self._on_ppi, self._not_fasting = f", {_('on a PPI')}", f", {_('not fasting')}"
        self._no_limit = _("no limit")

    def __call__(self, row: Any, run: str) -> Value:
        """A value with its unit, and how often above the upper limit it is."""
        comparator = row.comparator or ""
        text = f"{comparator}{number(row.value)} {self._words.unit(row.unit)}".strip()
        if row.ppi == "yes":
            text += self._on_ppi
        if row.fasting == "no":
            text += self._not_fasting
        height: float | None = None
        more = self._no_limit
        if row.upper_limit and row.value > 0:
            height = float(row.value) / float(row.upper_limit)
            more = f"{comparator}{height:.2g} ×" if height < 10 else f"{height:.0f} ×"
        when = self._words.date(row.date)
        return Value(row.date.earliest, when, height, text, bool(comparator), more, run)


# -- tumour sum ----------------------------------------------------------------------------------


def sums(record: Record) -> dict[str, Decimal]:
    """The sum of the target lesions in mm at each assessment that has one."""
    targets: dict[str, str] = {}
    wanted: dict[str, int] = {}
    for lesion in record.of("lesion"):
        if lesion.role == "target" and lesion.baseline_id:
            targets[lesion.id] = lesion.baseline_id
            wanted[lesion.baseline_id] = wanted.get(lesion.baseline_id, 0) + 1
    measured: dict[str, list[Decimal]] = {}
    for one in record.of("measurement"):
        if one.response_id and one.lesion_id in targets and one.size_mm is not None:
            measured.setdefault(one.response_id, []).append(one.size_mm)
    found = {}
    for one in record.of("response"):
        if one.derived_sum_mm is not None:
            found[one.id] = one.derived_sum_mm
        elif one.id in measured and len(measured[one.id]) == wanted.get(one.baseline_id or one.id):
            found[one.id] = sum(measured[one.id], Decimal(0))
    return found


def _sums(record: Record, words: Words) -> Curve | None:
    known = sums(record)
    if not known:
        return None
    values, nadirs = [], []
    lowest: dict[str, tuple[Decimal, date]] = {}
    counted: dict[str, int] = {}
    for row in record.of("response"):
        if row.id not in known or row.date is None:
            continue
        run, total = row.baseline_id or row.id, known[row.id]
        counted[run] = counted.get(run, 0) + 1
        before = lowest.get(run)
        more = ""
        if before is not None and before[0]:
            change = 100 * (total - before[0]) / before[0]
            more = str(_("%(change)s %% from the smallest before", change=f"{change:+.0f}"))
        if before is None or total < before[0]:
            lowest[run] = (total, row.date.earliest)
        values.append(
            Value(row.date.earliest, words.date(row.date), float(total), f"{number(total)} mm",
                  more=more, run=run)
        )  # fmt: skip
    for run, (total, day) in lowest.items():
        if counted[run] > 1:
            nadirs.append((day, float(total), str(_("nadir %(sum)s", sum=number(total)))))
    if not values:
        return None
    series = [Series("sum", str(_("Sum of target lesions")), values)]
    return Curve(
        "sum", "response", str(_("Tumour sum")), "mm", series,
        more_label=str(_("Change")), least=(0, 20), nadirs=nadirs,
    )  # fmt: skip


# -- quality of life -----------------------------------------------------------------------------


def _scales(rows: Sequence[Any], words: Words, chosen: Sequence[str]) -> Curve | None:
    dated = [row for row in rows if row.date is not None and row.answers]
    if not dated:
        return None
    instruments = {row.instrument for row in dated}
    offered = [
        row
        for row in tables.rows("qlq_scales")
        if row["instrument"].removesuffix(" v3") in instruments
    ]
    wanted = [row for row in offered if row["scale"] in (chosen or SCALES)][:MOST_SERIES]
    series, sizes = [], _sizes()
    for scale in wanted or offered[:1]:
        values = _scored(dated, scale, sizes, words)
        if values:
            series.append(Series(scale["scale"], _scale_name(scale), values))
    if not series:
        return None
    shown = {one.code for one in series}
    return Curve(
        "quality", "questionnaire", str(_("Quality of life")), str(_("score")), series,
        more_label=str(_("Change")), least=(0, 100),
        choices=[(row["scale"], _scale_name(row), row["scale"] in shown) for row in offered],
    )  # fmt: skip


def _scale_name(scale: Mapping[str, str]) -> str:
    name = str(_(scale["name"])).capitalize()
    if scale["direction"] == "higher=worse":
        return str(_("%(scale)s (higher is worse)", scale=name))
    return name


def _scored(
    rows: Sequence[Any],
    scale: Mapping[str, str],
    sizes: Mapping[tuple[str, str], str],
    words: Words,
) -> list[Value]:
    instrument = scale["instrument"].removesuffix(" v3")
    values: list[Value] = []
    before: float | None = None
    for row in rows:
        if row.instrument != instrument:
            continue
        score = _score(row, instrument, scale["scale"])
        if score is None:
            continue
        more = ""
        if before is not None:
            more = sizes[quality_of_life.size_of_change(instrument, scale["scale"], before, score)]
        before = score
        values.append(
            Value(row.date.earliest, words.date(row.date), score, f"{score:.0f}", more=more)
        )
    return values


def _score(row: Any, instrument: str, scale: str) -> float | None:
    """The score kept with the answers, else what follows from them."""
    kept = (row.scores or {}).get(scale)
    if isinstance(kept, Mapping):
        kept = kept.get("answer")
    if kept is None:
        answers = {int(item): given for item, given in (row.answers or {}).items()}
        kept = quality_of_life.score(instrument, scale, answers).answer
    try:
        return float(kept)
    except ValueError:  # MISSING or INVALID
        return None


def _sizes() -> dict[tuple[str, str], str]:
    """The sizes of a change with its direction, in words."""
    sizes = {"small": _("small"), "moderate": _("moderate"), "large": _("large")}
    ways = {"better": _("%(size)s, better"), "worse": _("%(size)s, worse")}
    found = {
        (size, way): str(text % {"size": name})
        for size, name in sizes.items()
        for way, text in ways.items()
    }
    return {**found, ("none", "same"): str(_("no change"))}


# -- diary and weight ----------------------------------------------------------------------------


def _diary(rows: Sequence[Any], words: Words) -> Curve | None:
    series = _columns("symptom_diary", DIARY, rows, words)
    if not series:
        return None
    return Curve(
        "diary", "symptom_diary", str(_("Symptom diary")), str(_("a day, or 0 to 10")), series,
        least=(0, 10),
    )  # fmt: skip


def _weight(rows: Sequence[Any], words: Words) -> Curve | None:
    series = _columns("follow_up", ("weight_kg",), rows, words)
    if not series:
        return None
    heights = [value.height for value in series[0].values if value.height is not None]
    middle = sum(heights) / len(heights)
    return Curve(
        "weight", "follow_up", str(_("Weight")), "kg", series, least=(middle - 5, middle + 5)
    )


def _columns(entity: str, names: Sequence[str], rows: Sequence[Any], words: Words) -> list[Series]:
    found = []
    for name in names:
        values = [
            Value(row.date.earliest, words.date(row.date), float(getattr(row, name)),
                  words.value(entity, name, getattr(row, name)))
            for row in rows
            if row.date is not None and getattr(row, name) is not None
        ]  # fmt: skip
        if values:
            found.append(Series(name, words.label(entity, name), values))
    return found


# -- drawn -----------------------------------------------------------------------------------------


def picture(
    curve: Curve, shown: Period, axis: Sequence[tuple[str, float]], death: float | None
) -> str:
    """A curve as a row of the picture; empty where no value lies in the period."""
    first, last = shown.edges
    visible = [
        value.height
        for one in curve.series
        for value in one.values
        if value.height is not None and first <= value.day.toordinal() <= last
    ]
    if not visible:
        return ""
    place, levels = _axis(curve, min(visible), max(visible))
    tall = ALONE if len(curve.series) == 1 else 84 + 16 * max(len(curve.series) - 2, 0)
    height = tall + 2 * drawing.SPACE
    inner = [drawing.grid(axis, height, death)]
    inner += [
        drawing.level(place(at), text, tall, strong=at == curve.normal) for at, text in levels
    ]
    inner.append(drawing.stretched(shown.start, shown.span, tall, "".join(_lines(curve, place))))
    inner += [
        drawing.note(shown.percent(day), place(at), text, tall)
        for day, at, text in curve.nadirs
        if shown.shows(day)
    ]
    names = "".join(
        drawing.legend(number_, one.name, one.values[-1].more if curve.key == "markers"
                       else one.values[-1].text)
        for number_, one in enumerate(curve.series)
    )  # fmt: skip
    unit = f'<span class="app-timeline__unit">{drawing.escape(curve.unit)}</span>'
    return drawing.lane(
        curve.title, height, "".join(inner), f'{unit}<ul class="app-legends">{names}</ul>'
    )


def _lines(curve: Curve, place: Callable[[float], float]) -> Iterable[str]:
    for number_, one in enumerate(curve.series):
        runs: dict[str, list[drawing.Point]] = {}
        for value in one.values:
            if value.height is not None:
                point = (value.day.toordinal(), place(value.height), value.limit)
                runs.setdefault(value.run, []).append(point)
        yield drawing.curve(number_, list(runs.values()))


def _axis(
    curve: Curve, low: float, high: float
) -> tuple[Callable[[float], float], list[tuple[float, str]]]:
    """How high a value stands, from 0 to 1, and which heights are named."""
    if curve.least:
        low, high = min(low, curve.least[0]), max(high, curve.least[1])
    if curve.logarithmic:
        return _logarithmic(min(low, 0.7), max(high, 2.0))
    step = _step(high - low)
    bottom = math.floor(low / step) * step
    top = max(math.ceil(high / step) * step, bottom + step)
    count = round((top - bottom) / step)
    levels = [(bottom + n * step, f"{bottom + n * step:g}") for n in range(count + 1)]

    def place(value: float) -> float:
        return min(max((value - bottom) / (top - bottom), 0.0), 1.0)

    return place, levels


def _logarithmic(
    low: float, high: float
) -> tuple[Callable[[float], float], list[tuple[float, str]]]:
    bottom, top = math.log10(low / 1.15), math.log10(high * 1.15)

    def place(value: float) -> float:
        return min(max((math.log10(value) - bottom) / (top - bottom), 0.0), 1.0)

    every = [factor * 10.0**power for power in range(-3, 6) for factor in (1, 3)]
    if top - bottom > 2:
        every = [10.0**power for power in range(-3, 6)]
    return place, [(at, f"{at:g} ×") for at in every if bottom <= math.log10(at) <= top]


def _step(span: float) -> float:
    """A round step that makes two to four of a span."""
    raw = max(span, 1e-6) / 3
    power = 10.0 ** math.floor(math.log10(raw))
    return next((power * factor for factor in (1, 2, 5, 10) if power * factor >= raw), power * 10)


# -- in a table ------------------------------------------------------------------------------------


def rows(curve: Curve, shown: Period) -> str:
    """The values in the period as rows of a table, newest first. The day and the series are
    attributes, for whoever points at the curve."""
    first, last = shown.edges
    found = [
        (day, number_, value)
        for number_, one in enumerate(curve.series)
        for value in one.values
        if first <= (day := value.day.toordinal()) <= last
    ]
    found.sort(key=lambda item: (-item[0], item[1]))
    names = [drawing.escape(one.name) for one in curve.series]
    escape = drawing.escape
    return "".join(
        f'<tr data-day="{day}" data-series="{number_}"><td>{escape(value.when)}</td>'
        f"<td>{names[number_]}</td><td>{escape(value.text)}</td><td>{escape(value.more)}</td></tr>"
        for day, number_, value in found
    )
