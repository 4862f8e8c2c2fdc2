"""What leaves the house, column by column, made from the dictionary.

Closed by default: a variable leaves only when it is clinical and of a kind that cannot hold
wording, or when this page says how it is coarsened. Everything else is listed as withheld.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import Any

import sqlalchemy as sa

from registry import codes as vocabularies
from registry import dictionary
from registry.clinical.ki67 import parse_ki67
from registry.course.models import ENTITIES, LINKS
from registry.dictionary import Identity, Variable
from registry.language import lazy_gettext as _l
from registry.later import Later
from registry.patients.models import Patient
from registry.research import rules
from registry.research.releases import days as dates
from registry.research.releases.cells import (
    Cases,
    Cell,
    Cells,
    Rows,
    coded,
    ids_of,
    letters,
    reason,
)
from registry.research.releases.days import NONE, Dates
from registry.research.releases.reading import held

np: Any = Later("numpy")
pa: Any = Later("pyarrow")

#: The file of an entity. One that is not named here has its own name.
FILE_NAMES = {
    "tumour": "tumours",
    "biomarker": "biomarkers",
    "therapy": "therapies",
    "response": "responses",
    "progression": "progressions",
    "stated_endpoint": "stated_endpoints",
}

#: Quasi-identifying variables that leave as they are: few values, needed by nearly every study.
KEPT = {("patient", "sex_at_birth"), ("patient", "country")}
#: Ages, which leave in completed years with the oldest together.
AGES = {("tumour", "age_at_diagnosis")}
#: Age groups in a source's words, which leave in one spelling with the oldest together.
AGE_GROUPS = {("tumour", "age_group_stated")}
#: Texts of which a closed list leaves, with the test for it.
LISTED_TEXTS: dict[tuple[str, str], Callable[[str], bool]] = {
    ("biomarker", "unit"): rules.is_unit,
}
#: Variables held back in this first kind of release although their class would let them leave.
HELD_BACK = {
    ("patient", "region"): _l("Region and country together single out too few people."),
    ("patient", "birth_date"): _l("Only the age at diagnosis leaves."),
    ("history", "race_stated"): _l(
        "Kept in a source's wording, and rare groups single people out."
    ),
}
_CLASS_REASONS = {
    Identity.IDENTIFYING: _l("Says who the patient is."),
    Identity.FREE_TEXT: _l("Free text: nobody can promise what was typed."),
    Identity.WITHHELD: _l("Not a variable of research."),
}
_NO_RULE = _l("Nothing says yet how it would be coarsened.")
_LINKS = {f"{name}_id": model.entity for name, model in LINKS.items()}
#: Derived values that are numbers, and tables of numbers by scale or item.
DERIVED_NUMBERS = {("response", "derived_sum_mm"), ("response", "derived_nadir_mm")}
NUMBERS_BY_NAME = {("questionnaire", "answers"), ("questionnaire", "scores")}


#: How the cells of a column are made for the rows of some patients.
Reader = Callable[[Rows, Cases], Cells]
#: How a column of a date counts from the diagnosis (`Column.when`).
DAYS, MONTHS = "days", "months"


@dataclass(frozen=True)
class Column:
    """A column of a file: what it is and how its cells are made.

    `variable` is the column of the dictionary it comes from; empty where the release makes it.
    Of the two columns of a date the one of the days says why there is nothing.
    """

    name: str
    label: Any
    kind: str
    read: Reader
    how: Any = ""
    help: Any = ""
    unit: Any = ""
    codes: str = ""
    variable: str = ""
    about: Variable | None = None
    explained: bool = True  # does `absent` say why a cell of it is empty?
    more_codes: Mapping[str, str] = field(default_factory=dict)  # of this release, with labels
    when: str = ""  # of a date: DAYS or MONTHS since the diagnosis


@dataclass(frozen=True)
class File:
    """A file of the release: one row a patient, or one a dated entry."""

    name: str
    entity: str
    label: Any
    model: Any
    columns: tuple[Column, ...] = field(repr=False)

    @property
    def sheet(self) -> str:
        """Its name without the ending: of a sheet, and of the same in other formats."""
        return self.name.partition(".")[0]

    @property
    def header(self) -> list[str]:
        """Names of the columns; the last says why cells are empty."""
        return [*(column.name for column in self.columns), "absent"]

    @cached_property
    def names(self) -> Mapping[str, int]:
        """The place of each column."""
        return {name: place for place, name in enumerate(self.header)}


@dataclass(frozen=True)
class Withheld:
    """A variable that does not leave, and why."""

    file: str
    variable: str
    label: Any
    reason: Any


# -- how a value of each kind is read ----------------------------------------------------------


def _each(name: str, read: Callable[[Any], Cell]) -> Reader:
    """Cells that depend on the row's own value alone: worked out once for every value."""

    return lambda rows, cases: rows.cells(name, read)


def _code(name: str, vocabulary: str) -> Reader:
    def read(value: Any) -> Cell:
        if not value:
            return Cell()
        if vocabularies.acceptable(vocabulary, value):
            return Cell(rules.safe(value))
        return Cell(why=rules.NOT_IN_LIST)

    return _each(name, read)


def _codes(name: str, vocabulary: str) -> Reader:
    def read(values: Any) -> Cell:
        values = values or []
        good = [v for v in values if isinstance(v, str) and vocabularies.acceptable(vocabulary, v)]
        why = rules.NOT_IN_LIST if len(good) < len(values) else ""
        return Cell(rules.safe(";".join(good)), why)

    return _each(name, read)


def _accepted(name: str, test: Callable[[str], bool], otherwise: str) -> Reader:
    """A short text that leaves when it passes the test, and not at all otherwise."""

    def read(value: str) -> Cell:
        if not value:
            return Cell()
        return Cell(rules.safe(value.strip())) if test(value) else Cell(why=otherwise)

    return _each(name, read)


def _number(name: str) -> Reader:
    return _each(name, lambda value: Cell(number(value)))


def number(value: Decimal | int) -> str:
    """A number digit for digit, without exponent."""
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def _table(name: str) -> Reader:
    """Numbers by item or scale, as `1=2;2=1`; what is no number does not leave."""

    def read(found: Any) -> Cell:
        found = found or {}
        good = {k: v for k, v in found.items() if rules.is_token(str(k)) and _is_number(v)}
        why = rules.WITHHELD if len(good) < len(found) else ""
        in_order = sorted(good, key=lambda key: (len(key), key))  # as one of the databases keeps it
        return Cell(rules.safe(";".join(f"{key}={good[key]}" for key in in_order)), why)

    return _each(name, read)


def _is_number(value: Any) -> bool:
    try:
        return Decimal(str(value)).is_finite()
    except InvalidOperation:
        return False


def _is_ki67(text: str) -> bool:
    try:
        parse_ki67(text)
    except ValueError:
        return False
    return True


def is_derived(text: str) -> bool:
    """Words our own rules write: codes and versions, several with a semicolon between them."""
    words = text.replace(";", " ").split(" ")
    return all(rules.is_token(word) for word in words if word)


_stated_age = _each("age_at_diagnosis", lambda years: Cell(rules.age_text(years)))


def _read_age_group(stated: str) -> Cell:
    group = rules.age_group(stated)
    return Cell(group, rules.WITHHELD if stated and not group else "")


def _years_cells(born: Dates, diagnosed: Dates) -> Cells:
    """Completed years from birth to diagnosis, where both dates are precise enough."""
    found = dates.years(born, diagnosed)
    ages = [rules.age_text(years) for years in range(rules.OLDEST + 1)]
    at = np.where(found.known, np.minimum(found.years, rules.OLDEST), NONE)
    why = np.where(found.contradictory, reason(rules.CONTRADICTORY), NONE)
    why = np.where(found.partial, reason(rules.PARTIAL_DATE), why)
    return Cells(coded(at, pa.array(ages, pa.string())), why)


def _derived_age(rows: Rows, cases: Cases) -> Cells:
    born = cases.patients.dates("birth_date").take(rows.whose)
    return _years_cells(born, rows.dates("diagnosis_date"))


def _own_id(entity: str) -> Column:
    return Column(
        name=f"{entity}_id",
        label=_l("Row"),
        kind="pseudonym",
        read=lambda rows, cases: Cells(rows.names),
        how=_l("Keyed pseudonym of the row, of this project alone."),
    )


def _link(name: str, entity: str) -> Column:
    def read(rows: Rows, cases: Cases) -> Cells:
        at, linked = rows.each(name, str)
        ids = ids_of(held("id", pa.array(linked, pa.string())))
        names = letters(cases.names.many(entity, *ids))
        return Cells(names.take(pa.array(at, mask=at == NONE)))

    return Column(
        name=name,
        label=_l("Belongs to this row of %(file)s", file=f"{FILE_NAMES.get(entity, entity)}.csv"),
        kind="pseudonym",
        read=read,
        how=_l("Keyed pseudonym of the row, of this project alone."),
    )


_PATIENT_ID = Column(
    name="patient_id",
    label=_l("Patient"),
    kind="pseudonym",
    read=lambda rows, cases: Cells(cases.patients.names.take(pa.array(rows.whose))),
    how=_l("Keyed pseudonym of the patient, of this project alone."),
)


# -- columns from the dictionary ---------------------------------------------------------------


def why_withheld(entity: str, name: str, declared: Variable, kind: str) -> Any:
    """Why a variable does not leave; empty when it does."""
    place = (entity, name)
    if place in HELD_BACK:
        return HELD_BACK[place]
    if declared.identity in _CLASS_REASONS:
        return _CLASS_REASONS[declared.identity]
    if declared.identity is Identity.QUASI and place not in KEPT | AGES | AGE_GROUPS:
        return _NO_RULE
    if kind == "long_text" or (kind == "text" and place not in AGE_GROUPS | {*LISTED_TEXTS}):
        return _CLASS_REASONS[Identity.FREE_TEXT]
    return ""


def _days_cells(origins: Dates, when: Dates) -> Cells:
    """Days from the diagnosis, or why there are none."""
    found = dates.since(origins, when)
    why = np.where(found.partial, reason(rules.PARTIAL_DATE), NONE)
    why = np.where(found.no_origin, reason(rules.NO_DIAGNOSIS_DATE), why)
    return Cells(pa.array(found.days, mask=~found.in_days), why)


def _months_cells(origins: Dates, when: Dates) -> Cells:
    found = dates.since(origins, when)
    return Cells(pa.array(found.months, mask=~found.in_months))


def _dates(name: str, declared: Variable) -> Iterator[Column]:
    shared: dict[str, Any] = {"variable": name, "about": declared, "kind": "whole number"}

    def days(rows: Rows, cases: Cases) -> Cells:
        return _days_cells(cases.origins.take(rows.whose), rows.dates(name))

    def months(rows: Rows, cases: Cases) -> Cells:
        return _months_cells(cases.origins.take(rows.whose), rows.dates(name))

    yield Column(
        name=f"{name}_days",
        label=_l("%(label)s, days from diagnosis", label=declared.label),
        read=days,
        unit=_l("days"),
        how=_l("Days from the first diagnosis of the patient, only where both days are known."),
        when=DAYS,
        **shared,
    )
    yield Column(
        name=f"{name}_months",
        label=_l("%(label)s, months from diagnosis", label=declared.label),
        read=months,
        unit=_l("months"),
        how=_l(
            "Calendar months from the first diagnosis, only where a day is not known and the "
            "months are."
        ),
        explained=False,
        when=MONTHS,
        **shared,
    )


def _coded(name: str, listed: str, kind: str) -> tuple[str, Reader, Any]:
    """The same, of codes of a list."""
    if kind == "codes":
        return "codes", _codes(name, listed), _l("As stated.")
    how = _l("Derived by a rule of the registry.") if kind == "derived" else _l("As stated.")
    return "code", _code(name, listed), how


def _reader(entity: str, name: str, declared: Variable, kind: str) -> tuple[str, Reader, Any]:
    """(type, how it is read, how it was coarsened) of a variable that leaves."""
    as_stated = _l("As stated.")
    if (entity, name) in AGES:
        return "age", _stated_age, _l("Completed years; 90 and above together as 90+.")
    if (entity, name) in AGE_GROUPS:
        how = _l("The group as stated, in one spelling; 90 and above together as 90+.")
        return "age group", _each(name, _read_age_group), how
    if (entity, name) in NUMBERS_BY_NAME:
        how = _l("Number by item or scale, as 1=2;2=1.")
        return "numbers by name", _table(name), how
    if (entity, name) in DERIVED_NUMBERS:
        return "number", _number(name), _l("Derived by a rule of the registry.")
    if declared.codes or kind == "yes_no":
        return _coded(name, declared.codes or "yes_no", kind)
    if kind == "number":
        return "number", _number(name), _l("As stated, digit for digit.")
    if kind == "ki67":
        test = _accepted(name, _is_ki67, rules.WITHHELD)
        return "value, range or limit", test, as_stated
    if kind == "derived":
        test = _accepted(name, is_derived, rules.WITHHELD)
        return "words", test, _l("Derived by a rule of the registry.")
    test = _accepted(name, LISTED_TEXTS[entity, name], rules.WITHHELD)
    return "words", test, _l("As stated where it is in the registry's list, else withheld.")


def _of_variable(entity: str, name: str, declared: Variable, kind: str) -> Iterator[Column]:
    if kind == "partial_date":
        yield from _dates(name, declared)
        return
    type_, read, how = _reader(entity, name, declared, kind)
    yield Column(
        name=name,
        label=declared.label,
        kind=type_,
        read=read,
        how=how,
        help=declared.help,
        unit=declared.unit,
        codes=declared.codes or ("yes_no" if kind == "yes_no" else ""),
        variable=name,
        about=declared,
    )


def _released(model: type[Any]) -> Iterator[Column]:
    for name, declared in dictionary.described(model).items():
        kind = dictionary.kind_of(model, name)
        if not why_withheld(model.entity, name, declared, kind):
            yield from _of_variable(model.entity, name, declared, kind)


def _entry_columns(model: type[Any]) -> tuple[Column, ...]:
    there = sa.inspect(model).columns
    links = [_link(name, entity) for name, entity in _LINKS.items() if name in there]
    columns = [_PATIENT_ID, _own_id(model.entity), *links, *_released(model)]
    if model.entity == "tumour":
        at = next(i for i, one in enumerate(columns) if one.name == "age_at_diagnosis") + 1
        columns.insert(at, _DERIVED_AGE)
    return tuple(columns)


_DERIVED_AGE = Column(
    name="derived_age_at_diagnosis",
    label=_l("Age at diagnosis, derived"),
    kind="age",
    read=_derived_age,
    unit=_l("years"),
    how=_l("Completed years from birth to diagnosis; 90 and above together as 90+."),
)


# -- the patients ------------------------------------------------------------------------------


def _best_age(rows: Rows, cases: Cases) -> Cells:
    tumours, first = cases.rows["tumour"], cases.first_tumours
    diagnosed = tumours.dates("diagnosis_date").take(first)
    derived = _years_cells(rows.dates("birth_date"), diagnosed)
    found = _stated_age(tumours, cases).take(first).otherwise(derived)
    unborn, undated = rows.stated("birth_date"), tumours.stated("diagnosis_date")
    if unborn is not None:
        found = found.explained(np.where(first == NONE, NONE, unborn))
    return found if undated is None else found.explained(np.append(undated, NONE)[first])


def _count(entity: str) -> Reader:
    return lambda rows, cases: Cells(pa.array(np.diff(cases.rows[entity].starts)))


def _of_last(read: Reader) -> Reader:
    def of_last(rows: Rows, cases: Cases) -> Cells:
        return read(cases.rows["follow_up"], cases).take(cases.last_follow_ups)

    return of_last


def _last_status(seen: Rows, cases: Cases) -> Cells:
    found = _code("vital_status", "vital_status")(seen, cases)
    return found.explained(seen.stated("vital_status"))


def _last_date(seen: Rows) -> Dates:
    return seen.dates("death_date").otherwise(seen.dates("date"))


def _last_days(seen: Rows, cases: Cases) -> Cells:
    return _days_cells(cases.origins.take(seen.whose), _last_date(seen))


def _last_months(seen: Rows, cases: Cases) -> Cells:
    return _months_cells(cases.origins.take(seen.whose), _last_date(seen))


def _patient_columns() -> tuple[Column, ...]:
    to_last = _l("From the follow-up that tells the vital status: a death, else the latest one.")
    return (
        _PATIENT_ID,
        *_released(Patient),
        Column(
            name="age_at_diagnosis",
            label=_l("Age at first diagnosis"),
            kind="age",
            read=_best_age,
            unit=_l("years"),
            how=_l(
                "Of the first tumour: the age as stated, else derived from the dates. Completed "
                "years; 90 and above together as 90+."
            ),
        ),
        Column(
            name="tumours",
            label=_l("Number of primary tumours"),
            kind="whole number",
            read=_count("tumour"),
            how=_l("Rows of tumours.csv."),
        ),
        Column(
            name="vital_status",
            label=_l("Vital status at last contact"),
            kind="code",
            read=_of_last(_last_status),
            codes="vital_status",
            how=to_last,
        ),
        Column(
            name="follow_up_days",
            label=_l("Days from first diagnosis to death or last contact"),
            kind="whole number",
            read=_of_last(_last_days),
            unit=_l("days"),
            how=_l("Only where both days are known."),
        ),
        Column(
            name="follow_up_months",
            label=_l("Calendar months from first diagnosis to death or last contact"),
            kind="whole number",
            read=_of_last(_last_months),
            unit=_l("months"),
            how=_l("Only where a day is not known and the months are."),
            explained=False,
        ),
        Column(
            name="follow_up_interval",
            label=_l("Time from diagnosis to death or last contact, as stated"),
            kind="number",
            read=_of_last(_number("interval")),
            how=_l("As stated, digit for digit, where the source gives a time and no date."),
        ),
        Column(
            name="follow_up_unit",
            label=_l("Unit of that time"),
            kind="code",
            read=_of_last(_code("interval_unit", "interval_unit")),
            codes="interval_unit",
            how=_l("As stated."),
        ),
    )


# -- all files ---------------------------------------------------------------------------------


def files() -> tuple[File, ...]:
    """Every file of a release, in the order of a case. The patients come first."""
    patients = File("patients.csv", "patient", Patient.entity_label, Patient, _patient_columns())
    return (patients, *(_file(model) for model in ENTITIES))


def shifted(whole: Sequence[File]) -> tuple[File, ...]:
    """The files with dates, moved for each patient, instead of days from the diagnosis."""
    return tuple(
        replace(
            file, columns=tuple(_moved(one) if one.when == DAYS else one for one in file.columns)
        )
        for file in whole
    )


def _moved(column: Column) -> Column:
    if column.when != DAYS:
        return column

    def read(rows: Rows, cases: Cases) -> Cells:
        found, whose = column.read(rows, cases), cases.anchors[rows.whose]
        moved = found.texts.fill_null(0).to_numpy() + whose - _ARROW_DAY
        return Cells(pa.array(moved.astype(np.int32), pa.date32(), mask=found.empty), found.why)

    return replace(
        column,
        name=column.name.removesuffix("_days") + "_shifted",
        label=column.about.label if column.about else column.label,
        kind="date",
        unit="",
        when="",
        read=read,
        how=_l(
            "Moved for each patient by a secret number of days, the same for all dates of the "
            "patient: days between them are true, years are not."
        ),
    )


#: The number of the day from which Arrow counts.
_ARROW_DAY = date(1970, 1, 1).toordinal()

#: What the columns that the release makes itself need to have been asked for (any of these).
_MADE_FROM = {
    "age_at_diagnosis": {"tumour.age_at_diagnosis"},
    "derived_age_at_diagnosis": {"tumour.age_at_diagnosis"},
    "vital_status": {"follow_up.vital_status"},
    "follow_up_days": {"follow_up.vital_status", "follow_up.date"},
    "follow_up_months": {"follow_up.vital_status", "follow_up.date"},
    "follow_up_interval": {"follow_up.vital_status", "follow_up.interval"},
    "follow_up_unit": {"follow_up.vital_status", "follow_up.interval"},
}


def only(whole: Sequence[File], variables: Collection[str]) -> tuple[File, ...]:
    """The files with no more than these variables (entity.name), the keys that join them, and
    what the release works out of them. A file of which nothing was asked for is left out; that
    of the patients is always there."""
    chosen = []
    for file in whole:
        kept = tuple(one for one in file.columns if _is_wanted(file.entity, one, variables))
        asked = any(one.partition(".")[0] == file.entity for one in variables)
        if asked or file.entity == "patient":
            chosen.append(replace(file, columns=kept))
    return tuple(chosen)


def _is_wanted(entity: str, column: Column, variables: Collection[str]) -> bool:
    if column.name in _MADE_FROM and not (entity == "tumour" and column.variable):
        return not _MADE_FROM[column.name].isdisjoint(variables)
    if column.variable:
        return f"{entity}.{column.variable}" in variables
    return True  # pseudonyms that join the files, and the number of tumours


def _file(model: type[Any]) -> File:
    name = FILE_NAMES.get(model.entity, model.entity)
    return File(f"{name}.csv", model.entity, model.entity_label, model, _entry_columns(model))


def withheld() -> list[Withheld]:
    """Every variable that stays in the house, with the reason."""
    found = []
    for file in files():
        for name, declared in dictionary.described(file.model).items():
            kind = dictionary.kind_of(file.model, name)
            reason = why_withheld(file.entity, name, declared, kind)
            if reason:
                found.append(Withheld(file.name, name, declared.label, reason))
    return found
