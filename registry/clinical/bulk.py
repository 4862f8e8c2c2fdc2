"""Derivation in bulk: CSV in, the same CSV with the derived columns out, row by row.

`derive_rows(kind, lines, out)` streams: it keeps one row in memory, keeps the order, answers a row
it cannot read in that row's `error` column and goes on. All input columns are written; where an
added name exists among them, the input's column is kept as `input_NAME`. Numbers are not rounded.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from io import TextIOWrapper
from operator import itemgetter
from typing import Any, BinaryIO, TextIO

from registry.clinical import (
    decision_flags,
    doses,
    endpoints,
    grading,
    missing_for_advice,
    pathways,
    quality_of_life,
    response,
    sites,
    staging,
    tables,
    therapy_lines,
    tnm,
    units,
    urgency,
)
from registry.clinical.grade_rows import grade_row
from registry.clinical.ki67 import Ki67, parse_ki67
from registry.clinical.numbers import number, plain
from registry.clinical.results import N_

ERROR = "error"
# What a derivation may answer to text it cannot read.
REFUSALS = (ValueError, ArithmeticError, RecursionError)
LONGEST_FIELD = 10_000_000  # characters
# Rows that repeat are answered from memory; bounded, so that memory stays small.
REMEMBERED_ROWS = 20_000

Answers = Sequence[str]
Derive = Callable[..., Answers]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of derivation: the columns it reads, the columns it adds, and how.

    `optional` columns are read when they are there. `derive` takes the text of the columns in
    order and answers the text of the added ones; it raises ValueError for what cannot be read.
    `remember`: answer rows that repeat from memory.
    """

    reads: tuple[str, ...]
    adds: tuple[str, ...]
    derive: Derive
    optional: tuple[str, ...] = ()
    remember: bool = True


def kinds() -> tuple[str, ...]:
    """The names of the kinds."""
    return tuple(KINDS)


def derive_rows(kind: str, lines: Iterable[str], out: TextIO) -> bool:
    """Read CSV lines, write them to `out` with the derived columns; True if any row had an error.

    Raises KeyError for an unknown kind.
    """
    chosen = KINDS[kind]
    csv.field_size_limit(LONGEST_FIELD)
    reader = csv.reader(lines)
    write = csv.writer(_UnixLines(out)).writerow
    header = _header(reader)
    if header is None:
        write([*chosen.adds, ERROR])
        return True
    adds = (*chosen.adds, ERROR)
    write([*_kept_names(header, adds), *adds])
    width, blank = len(header), [""] * len(chosen.adds)
    missing = [name for name in chosen.reads if name not in header]
    if missing:
        template = N_("missing column: %(names)s") % {"names": ", ".join(missing)}
        derive = _always_failing(template)
        places: list[int] = []
    else:
        derive = lru_cache(REMEMBERED_ROWS)(chosen.derive) if chosen.remember else chosen.derive
        wanted = (*chosen.reads, *chosen.optional)
        places = [header.index(name) if name in header else -1 for name in wanted]
    pick = _picker(places)
    had_error = False
    for row, unreadable in _rows(reader):
        if len(row) == width:
            try:
                write([*row, *derive(*pick(row)), ""])
            except REFUSALS as refused:
                had_error = True
                write([*row, *blank, str(refused) or type(refused).__name__])
        elif row or unreadable:
            had_error = True
            padding = [""] * (width - len(row))
            write([*row[:width], *padding, *blank, unreadable or _wrong_width(row, width)])
    return had_error


class _UnixLines:
    """Ends every row with a line feed alone.

    The writer itself must end rows with CR LF, or it leaves a lone CR in a field unquoted.
    """

    __slots__ = ("_write",)

    def __init__(self, out: TextIO) -> None:
        self._write = out.write

    def write(self, row: str) -> int:
        return self._write(row[:-2] + "\n")


def _picker(places: Sequence[int]) -> Callable[[Sequence[str]], Sequence[str]]:
    """What takes the columns at these places out of a row; -1 is a column that is not there."""
    if len(places) > 1 and -1 not in places:
        return itemgetter(*places)
    return lambda row: [row[place] if place >= 0 else "" for place in places]


def _header(reader: Iterator[list[str]]) -> list[str] | None:
    for row, _unreadable in _rows(reader):
        if row:
            return [row[0].removeprefix("\ufeff"), *row[1:]]
    return None


def _rows(reader: Iterator[list[str]]) -> Iterator[tuple[list[str], str]]:
    """Every row, or an empty one with the reason why it cannot be read."""
    while True:
        try:
            for row in reader:
                yield row, ""
        except csv.Error as broken:
            yield [], N_("not CSV: %(why)s") % {"why": broken}
        else:
            return


def _wrong_width(row: Sequence[str], width: int) -> str:
    return N_("%(found)s fields instead of %(wanted)s") % {"found": len(row), "wanted": width}


def _kept_names(header: Sequence[str], adds: Sequence[str]) -> list[str]:
    """The input's column names, with `input_` before those that are added."""
    taken = {*header, *adds}
    kept = []
    for name in header:
        new = name
        while new in adds or (new != name and new in taken):
            new = f"input_{new}"
        taken.add(new)
        kept.append(new)
    return kept


def _always_failing(message: str) -> Derive:
    def fail(*_values: str) -> Answers:
        raise ValueError(message)

    return fail


# --- reading fields


def _code(name: str, value: str, allowed: Iterable[str]) -> str:
    stripped = value.strip()
    if stripped not in allowed:
        raise ValueError(
            N_("%(name)s: unknown code %(value)s") % {"name": name, "value": stripped[:40]}
        )
    return stripped


def _number(name: str, text: str) -> Decimal:
    try:
        return number(text)
    except ValueError as wrong:
        raise ValueError(f"{name}: {wrong}") from None


def _number_or_none(name: str, text: str) -> Decimal | None:
    return _number(name, text) if text.strip() else None


@lru_cache(8192)
def _ki67(text: str) -> Ki67 | None:
    return parse_ki67(text) if text.strip() else None


def _yes_no(name: str, text: str, *, blank: bool | None = None) -> bool:
    word = text.strip().lower()
    if word in ("yes", "true", "1"):
        return True
    if word in ("no", "false", "0"):
        return False
    if not word and blank is not None:
        return blank
    raise ValueError(N_("%(name)s: not yes or no: %(value)s") % {"name": name, "value": word[:40]})


def _no_constant(text: str) -> Any:
    raise ValueError(N_("not a number: %(text)s") % {"text": text})


def _json(name: str, text: str, kind: type) -> Any:
    """The JSON of a column, numbers exact, which must be a list or a dictionary."""
    try:
        found = json.loads(text, parse_float=number, parse_int=number, parse_constant=_no_constant)
    except (ValueError, RecursionError) as wrong:
        raise ValueError(N_("%(name)s: not JSON: %(why)s") % {"name": name, "why": wrong}) from None
    if not isinstance(found, kind):
        raise ValueError(N_("%(name)s: not JSON of the right shape") % {"name": name})
    return found


# --- grade, stage, categories


def _grade_result(
    site: str,
    differentiation: str,
    cell_type: str,
    mitoses: str,
    ki67: str,
    necrosis: str = "",
    specimen: str = "",
    share: str = "",
) -> grading.GradeResult:
    return grading.derive_grade(
        site=site.strip(),
        differentiation=differentiation.strip(),
        cell_type=cell_type.strip(),
        mitoses_per_2mm2=_number_or_none("mitoses_per_2mm2", mitoses),
        ki67=_ki67(ki67),
        necrosis=necrosis.strip(),
        specimen=specimen.strip(),
        mixed_component_pct=_number_or_none("mixed_component_pct", share),
    )


def _stage(site: str, kind: str, system: str, t: str, n: str, m: str) -> Answers:
    found = staging.stage_group(
        site=_staging_site(site),
        histology_class=_code("histology_class", kind, staging.HISTOLOGY_CLASSES),
        system=_code("system", system, (*staging.SYSTEMS, "UICC8", "UICC9")),
        t=_category("T", t),
        n=_category("N", n),
        m=_category("M", m),
    )
    return found.answer, found.reason_text()


def _category(letter: str, text: str) -> str:
    return tnm.read_category(letter, text)


def _staging_site(site: str) -> str:
    word = site.strip()
    known = word in sites.staging_sites() or word in sites.grading_sites()
    if not known and sites.by_word(word) is None and not sites.is_wellformed(word):
        raise ValueError(N_("site: unknown code %(value)s") % {"value": word[:40]})
    return word


def _t_category(site: str, system: str, size: str, extent: str) -> Answers:
    found = tnm.t_category(
        site=_staging_site(site),
        system=_code("system", system, tnm.systems()),
        size_mm=_number_or_none("size_mm", size),
        extent=_code("extent", extent, ("", *tnm.extents())),
    )
    return found.answer, found.reason_text()


def _nm_category(site: str, system: str, finding: str) -> Answers:
    found = tnm.nm_category(
        site=_staging_site(site),
        system=_code("system", system, tnm.systems()),
        finding=finding,
    )
    return found.answer, found.reason_text()


# --- response, endpoints


def _size(value: Any) -> Decimal | None:
    if value is None or isinstance(value, Decimal):
        return value
    raise ValueError(N_("target_series_json: a size is not a number"))


def _response(kinds_text: str, series_text: str, non_target: str, new_lesion: str) -> Answers:
    visits = _json("target_series_json", series_text, list)
    if any(not isinstance(visit, list) for visit in visits):
        raise ValueError(N_("target_series_json: a visit is not a list"))
    found = response.derive_response(
        target_kinds=kinds_text.strip(),
        series=[[_size(value) for value in visit] for visit in visits],
        non_target=non_target.strip(),
        new_lesion=new_lesion.strip(),
    )
    sums = (found.baseline_sum, found.nadir_sum, found.current_sum)
    texts = ["" if total is None else plain(total) for total in sums]
    return *texts, found.target_response, found.answer, found.reason_text()


def _best_response(visits_text: str, confirmation: str, min_sd: str, min_confirm: str) -> Answers:
    visits = []
    for visit in _json("visits_week_response_json", visits_text, list):
        if not isinstance(visit, list) or len(visit) != 2:
            raise ValueError(N_("visits_week_response_json: a visit is [weeks, response]"))
        weeks, answer = visit
        if not isinstance(weeks, Decimal) or not isinstance(answer, str):
            raise ValueError(N_("visits_week_response_json: a visit is [weeks, response]"))
        visits.append((weeks, answer))
    found = response.best_response(
        visits,
        confirmation_required=_yes_no("confirmation_required", confirmation),
        min_sd_weeks=_number("min_sd_weeks", min_sd),
        min_confirm_weeks=_number("min_confirm_weeks", min_confirm),
    )
    return found.answer, found.reason_text()


def _growth_rate(sum1: str, sum2: str, days: str) -> Answers:
    found = response.growth_rate(
        _number("sum1_mm", sum1), _number("sum2_mm", sum2), _number("days_between", days)
    )
    return (response.INVALID if found is None else repr(found),)


def _endpoint(
    endpoint: str,
    start: str,
    progression: str,
    death: str,
    assessment: str,
    contact: str,
    new_therapy: str,
    death_is_event: str,
    stop: str = "",
) -> Answers:
    found = endpoints.derive_endpoint(
        endpoint=endpoint.strip(),
        start=start,
        progression_date=progression,
        death_date=death,
        last_assessment=assessment,
        last_contact=contact,
        new_therapy_date=new_therapy,
        stop_date=stop,
        death_is_event=_yes_no("death_is_event", death_is_event, blank=False),
        today=date.today(),  # noqa: DTZ011 - a partial date is never assumed to lie after today
    )
    if found.days is None:
        return found.answer, found.answer, found.answer, found.reason_text()
    return str(found.days), repr(found.months), str(found.event), found.reason_text()


# --- lines, questionnaires, doses

_THERAPY_KEYS = {"start", "drugs", "class", "intent", "stop", "background", "adjunctive", "end"}


def _therapy(given: Any) -> therapy_lines.Therapy:
    if not isinstance(given, dict) or set(given) - _THERAPY_KEYS:
        raise ValueError(N_("therapies_json: a therapy has a key nobody knows or is no object"))
    drugs = given.get("drugs", [])
    flags = [given.get(name, False) for name in ("background", "adjunctive")]
    texts = [given.get(name) or "" for name in ("start", "class", "intent", "stop", "end")]
    readable = (
        isinstance(drugs, list)
        and all(isinstance(drug, str) for drug in drugs)
        and all(flag is None or isinstance(flag, bool) for flag in flags)
        and all(isinstance(text, str) for text in texts)
    )
    if not readable:
        raise ValueError(N_("therapies_json: a value of a therapy has the wrong type"))
    start, kind, intent, stop, end = texts
    return therapy_lines.Therapy(
        start=start,
        drugs=tuple(drugs),
        kind=kind,
        intent=intent or therapy_lines.PALLIATIVE,
        end=end,
        stop_reason=stop,
        background=bool(flags[0]),
        adjunctive=bool(flags[1]),
    )


def _lines(therapies_text: str, progressions_text: str) -> Answers:
    therapies = [_therapy(given) for given in _json("therapies_json", therapies_text, list)]
    progressions = _json("pd_dates_json", progressions_text or "[]", list)
    if any(not isinstance(day, str) for day in progressions):
        raise ValueError(N_("pd_dates_json: a date is not text"))
    lines = therapy_lines.therapy_lines(therapies, progressions)
    reason = " ".join(f"{n}. {line.reason.text()}" for n, line in enumerate(lines, start=1))
    return json.dumps([line.number for line in lines]), reason


def _quality_of_life(instrument: str, scale: str, answers_text: str) -> Answers:
    answers = _json("answers_json", answers_text, dict)
    items: dict[int, object] = {}
    for item, answer in answers.items():
        if not item.isascii() or not item.isdigit() or len(item) > 3:
            raise ValueError(N_("answers_json: no item number: %(item)s") % {"item": item[:40]})
        items[int(item)] = answer
    name = instrument.strip().removesuffix(" v3")
    return (quality_of_life.score(name, scale.strip(), items).answer,)


def _dose(therapy_id: str, ingredient: str, dose: str) -> Answers:
    found = doses.check_dose(therapy_id.strip(), ingredient.strip(), _number("dose_value", dose))
    return found.answer, found.reason_text()


def _units(analyte: str, value: str, unit: str, wanted: str) -> Answers:
    if not wanted.strip():
        raise ValueError(N_("wanted: a unit is needed"))
    found = units.convert(analyte.strip(), _number("value", value), unit.strip(), wanted.strip())
    factor = "" if found.factor is None else plain(found.factor)
    return found.answer, factor, found.reason_text()


# --- flags, urgency, missing, options


def _flags(items: str) -> Answers:
    found = decision_flags.therapy_flags(decision_flags.read_items(items))
    return found.answer, found.reason_text()


def _syndrome(text: str) -> str:
    """A syndrome as people write it, as a code: "Carcinoid syndrome" is carcinoid."""
    word = text.strip().lower().replace(" ", "_").replace("-", "_").removesuffix("_syndrome")
    return {"acth": "ectopic_acth", "no": "none", "pth_rp": "pthrp"}.get(word, word)


def _urgency(
    site: str,
    differentiation: str,
    cell_type: str,
    mitoses: str,
    ki67: str,
    syndrome: str,
    red_flags: str,
) -> Answers:
    found = urgency.derive_urgency(
        grade=_grade_result(site, differentiation, cell_type, mitoses, ki67),
        syndrome=_syndrome(syndrome),
        red_flags=[flag.strip() for flag in red_flags.split(";") if flag.strip()],
    )
    return found.answer, found.reason_text()


LEVEL_1 = tuple(
    (row["variable"], f"{row['group']}.{row['variable']}") for row in tables.rows("level1_items")
)


def _missing(asked: str, *values: str) -> Answers:
    """`values` are those of the level-1 variables, `question` among them taken out."""
    facts = {
        name: value
        for (_, name), value in zip(_LEVEL_1_BUT_QUESTION, values, strict=True)
        if value.strip()
    }
    found = missing_for_advice.missing(asked.strip(), facts)
    names = ";".join(item.variable.split(".", 1)[1] for item in found)
    reason = " ".join(
        f"{missing_for_advice.label(item.variable)}: {item.reason.text()}" for item in found
    )
    return names, reason


_LEVEL_1_BUT_QUESTION = tuple(pair for pair in LEVEL_1 if pair[0] != "question")


def _options(
    site: str,
    differentiation: str,
    grade: str,
    ki67: str,
    sstr: str,
    functioning: str,
    setting: str,
    earlier_lines: str,
) -> Answers:
    found = pathways.pathway_options(
        site=site.strip(),
        differentiation=differentiation.strip(),
        grade=grade.strip(),
        ki67=_ki67(ki67),
        sstr=sstr.strip(),
        functioning=functioning.strip(),
        setting=setting.strip(),
        earlier_lines=pathways.read_earlier_lines(earlier_lines),
    )
    return found.answer, found.reason_text()


_GRADE_READS = ("site", "differentiation", "cell_type", "mitoses_per_2mm2", "ki67_percent")

KINDS: dict[str, Kind] = {
    "grade": Kind(
        (*_GRADE_READS, "necrosis", "specimen", "mixed_component_pct"),
        ("category", "grade", "status", "flags", "reason"),
        grade_row,
        remember=False,
    ),
    "t-category": Kind(
        ("site", "system", "size_mm", "extent"), ("category", "reason"), _t_category
    ),
    "nm-category": Kind(("site", "system", "finding"), ("category", "reason"), _nm_category),
    "stage": Kind(
        ("site", "histology_class", "system", "t", "n", "m"), ("stage", "reason"), _stage
    ),
    "response": Kind(
        ("target_kinds", "target_series_json", "non_target", "new_lesion"),
        ("baseline_sum_mm", "nadir_sum_mm", "current_sum_mm", "target_response",
         "overall_response", "reason"),
        _response,
    ),
    "best-response": Kind(
        ("visits_week_response_json", "confirmation_required", "min_sd_weeks",
         "min_confirm_weeks"),
        ("best_response", "reason"),
        _best_response,
    ),
    "endpoint": Kind(
        ("endpoint", "start", "progression_date", "death_date", "last_assessment",
         "last_contact", "new_therapy_date", "death_is_event"),
        ("days", "months", "event", "reason"),
        _endpoint,
        optional=("stop_date",),
    ),
    "growth-rate": Kind(
        ("sum1_mm", "sum2_mm", "days_between"), ("percent_per_month",), _growth_rate
    ),
    "lines": Kind(
        ("therapies_json", "pd_dates_json"), ("line_numbers_json", "reason"), _lines
    ),
    "quality-of-life": Kind(
        ("instrument", "scale", "answers_json"), ("score",), _quality_of_life
    ),
    "dose": Kind(("therapy_id", "ingredient", "dose_value"), ("result", "reason"), _dose),
    "units": Kind(
        ("analyte", "value", "unit", "wanted"), ("converted", "factor", "reason"), _units
    ),
    "flags": Kind(("input",), ("flag", "reason"), _flags),
    "urgency": Kind(
        (*_GRADE_READS, "syndrome", "red_flags"), ("urgency", "reason"), _urgency
    ),
    "missing": Kind(
        ("question",),
        ("missing", "reason"),
        _missing,
        optional=tuple(name for name, _ in _LEVEL_1_BUT_QUESTION),
    ),
    "options": Kind(
        ("site", "differentiation", "grade", "ki67_percent", "sstr", "functioning", "setting",
         "earlier_lines"),
        ("options", "reason"),
        _options,
    ),
}  # fmt: skip


def derive_stream(kind: str, source: BinaryIO, target: BinaryIO) -> bool:
    """As `derive_rows` for open binary files or pipes, UTF-8 with or without a byte-order mark.

    Bytes that are no UTF-8 are written back as they came. Returns True if any row had an error.
    """
    lines = TextIOWrapper(source, encoding="utf-8", errors="surrogateescape", newline="")
    out = TextIOWrapper(target, encoding="utf-8", errors="surrogateescape", newline="")
    try:
        return derive_rows(kind, lines, out)
    finally:
        out.flush()
        out.detach()
        lines.detach()
