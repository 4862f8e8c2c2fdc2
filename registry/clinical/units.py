"""Units of laboratory values: converted with the factor shown, or refused with the reason.

Table: `data/units.csv` (one `unit` is `factor` times `other_unit`; S31, S47-S49, S52, S53, else
general knowledge with its confidence). An assay is never converted into another one; the reading
that does not depend on the assay is the multiple of the upper limit of normal.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction
from functools import lru_cache

from registry.clinical import tables
from registry.clinical.numbers import plain
from registry.clinical.results import (
    COMPLETE,
    INVALID_INPUT,
    N_,
    NOT_DERIVABLE,
    Derived,
    Reason,
)

RULE, VERSION = "UNITS", "2"  # 2: G/L of a cell count is giga, not grams
CANNOT = "CANNOT"
EXACT, ROUNDED = "exact", "rounded"

# Only for display; the value itself carries every digit.
SHOWN_DIGITS = 4
KEPT_DIGITS = 28

_SPELLINGS = {
    "mcg": "ug", "mcmol": "umol", "miu/l": "mU/L", "mu/l": "mU/L", "uiu/ml": "uU/mL",
    "uu/ml": "uU/mL", "iu/l": "U/L", "u/l": "U/L", "g/l": "g/L", "g/dl": "g/dL",
    "10^9/l": "10*9/L", "x10^9/l": "10*9/L", "10e9/l": "10*9/L", "10*9/l": "10*9/L",
    "10^3/ul": "10*3/uL", "10*3/ul": "10*3/uL", "k/ul": "10*3/uL", "ukat/l": "ukat/L",
    "/2mm2": "/[2.mm2]", "/[2.mm2](text)": "/[2.mm2]", "/10hpf": "/10.HPF",
    "per10hpf": "/10.HPF", "/nl": "10*9/L", "gpt/l": "10*9/L",
    "ml/min/1.73m2": "mL/min/{1.73_m2}", "ml/min/1.73m²": "mL/min/{1.73_m2}",
    "ml/min/1.73m^2": "mL/min/{1.73_m2}", "ml/min/1,73m2": "mL/min/{1.73_m2}",
    "ml/min/1,73m²": "mL/min/{1.73_m2}", "ml/min/{1.73_m2}": "mL/min/{1.73_m2}",
}  # fmt: skip
_COUNT = "10*9/L"
_PER_DAY = re.compile(r"/\(?(?:24\.?h|d|day|24hours)\)?$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Converted(Derived):
    """`value` is the converted value, not rounded, None where it cannot be converted.

    `factor` is what the stated value was multiplied by; `unit` is the unit asked for.
    """

    value: Decimal | None = None
    factor: Decimal | None = None
    unit: str = ""

    @property
    def shown(self) -> str:
        """The value with four significant digits, for the page; "" where there is none."""
        return "" if self.value is None else significant(self.value)

    def as_json(self) -> dict[str, object]:
        """As `Derived.as_json`, value and factor as text so that they stay exact."""
        found = Derived.as_json(self)
        for name in ("value", "factor"):
            number = getattr(self, name)
            found[name] = None if number is None else plain(number)
        return found


@lru_cache(512)
def canonical(unit: str, analyte: str = "") -> str:
    """One spelling of a unit: `µg/l` is `ug/L`, `mg/24 h` is `mg/(24.h)`. Unknown ones stay.
    Of a cell count `G/L` is 10*9/L: giga, for cells are not weighed."""
    found = _spelled(unit)
    return _COUNT if found == "g/L" and _own(analyte) == _COUNT else found


def _own(analyte: str) -> str:
    row = tables.by_key("codes/biomarker", "code").get(analyte)
    return row["unit"] if row else ""


def _spelled(unit: str) -> str:
    text = unit.strip().replace("µ", "u").replace("μ", "u").replace(" ", "")
    text = _PER_DAY.sub("/(24.h)", text)
    text = re.sub(r"^(mcg|mcmol)(?=/)", lambda found: _SPELLINGS[found[1]], text)
    known = _SPELLINGS.get(text.lower())
    if known:
        return known
    return re.sub(r"/([md]?)l$", r"/\1L", text)


def significant(value: Decimal, digits: int = SHOWN_DIGITS) -> str:
    """`value` with that many significant digits, a large one as a whole number, for display."""
    if not value:
        return "0"
    step = Decimal(1).scaleb(value.adjusted() - digits + 1)
    shown = value.quantize(min(step, Decimal(1)))
    return plain(Decimal(f"{shown:f}"))


def units(analyte: str) -> tuple[str, ...]:
    """The units a value of this analyte can be read in, its own first; () for an unknown one."""
    own = _own(analyte)
    found = [canonical(own)] if own else []
    for row in _rows(analyte):
        if row["factor"]:
            found += [row["unit"], row["other_unit"]]
    return tuple(dict.fromkeys(found))


def convert(analyte: str, value: Decimal, unit: str, wanted: str) -> Converted:
    """A value of an analyte (code of the list biomarker, or CREATININE) in another unit.

    Answers the value with the factor and where it comes from, or CANNOT with the reason: no
    factor with a source, or an assay whose units hold for itself alone. Never raises for a unit.
    """
    before, after = canonical(unit, analyte), canonical(wanted, analyte)
    inputs = {"analyte": analyte, "value": plain(value), "unit": unit, "wanted": wanted}
    if value < 0:
        why = Reason(N_("A value of %(value)s is not possible."), {"value": plain(value)})
        return _cannot(why, inputs, INVALID_INPUT)
    if before == after:
        reason = Reason(N_("Already in %(unit)s."), {"unit": wanted})
        return _answer(value, Fraction(1), (reason,), inputs, after, ())
    way = _way(analyte, before, after)
    if way is None:
        return _cannot(_why_not(analyte, before, after), inputs)
    factor = Fraction(1)
    for row, forward in way:
        step = Fraction(Decimal(row["factor"]))
        factor = factor * step if forward else factor / step
    return _converted(value, factor, inputs, after, tuple(row for row, _ in way))


def times_upper_limit(value: Decimal, upper_limit: Decimal | None, comparator: str = "") -> Derived:
    """How many times the upper limit of normal a value is: the reading that assays share.

    Both in the same unit and of the same assay. A comparator ("<" below the limit of detection)
    is kept in front of the answer. CANNOT without a limit above zero.
    """
    inputs = {"value": plain(value), "comparator": comparator,
              "upper_limit": "" if upper_limit is None else plain(upper_limit)}  # fmt: skip
    rule = "TIMES-UPPER-LIMIT"
    if upper_limit is None or upper_limit <= 0:
        reason = Reason(N_("The upper limit of normal of this assay is not stated."))
        return _plain_derived(CANNOT, NOT_DERIVABLE, reason, inputs, rule)
    if value < 0:
        why = Reason(N_("A value of %(value)s is not possible."), {"value": plain(value)})
        return _plain_derived(CANNOT, INVALID_INPUT, why, inputs, rule)
    times = comparator + significant(_decimal(Fraction(value) / Fraction(upper_limit)))
    reason = Reason(
        N_("%(times)s times the upper limit of normal (%(value)s of %(limit)s)."),
        {"times": times, "value": comparator + plain(value), "limit": plain(upper_limit)},
    )
    return _plain_derived(times, COMPLETE, reason, inputs, rule)


def not_comparable(
    analyte: str, one: tuple[str, str], other: tuple[str, str]
) -> Reason | None:  # fmt: skip
    """Why two values, each (unit, assay), do not belong on one curve; None where they do.

    Another assay breaks the curve where both are named and differ; a unit breaks it where it
    cannot be converted. A missing assay is not held against a value.
    """
    units_of = (one[0], other[0])
    if one[1] and other[1] and _same(one[1]) != _same(other[1]):
        template = N_("Another assay (%(one)s, %(other)s): the values cannot be compared.")
        return Reason(template, {"one": one[1], "other": other[1]})
    found = convert(analyte, Decimal(1), *units_of)
    return None if found.value is not None else found.reasons[-1]


def _same(assay: str) -> str:
    return " ".join(assay.lower().split())


def _rows(analyte: str) -> tuple[Mapping[str, str], ...]:
    return tuple(r for r in tables.rows("units") if analyte in r["analytes"].split(";"))


Step = tuple[Mapping[str, str], bool]


def _way(analyte: str, before: str, after: str) -> list[Step] | None:
    """The rows that lead from one unit to the other; True where a row is read forwards."""
    ways: dict[str, list[Step]] = {before: []}
    waiting = [before]
    while waiting:
        here = waiting.pop(0)
        for row in _rows(analyte):
            if not row["factor"]:
                continue
            for start, end, forward in (
                (row["unit"], row["other_unit"], True),
                (row["other_unit"], row["unit"], False),
            ):
                if start == here and end not in ways:
                    ways[end] = [*ways[here], (row, forward)]
                    waiting.append(end)
    return ways.get(after)


def _why_not(analyte: str, before: str, after: str) -> Reason:
    for row in _rows(analyte):
        named = {row["unit"], row["other_unit"]}
        if not row["factor"] and (after in named or before in named):
            return Reason(row["why"])
    template = N_("%(before)s cannot be turned into %(after)s: no factor is known for this test.")
    return Reason(template, {"before": before, "after": after})


def _converted(
    value: Decimal,
    factor: Fraction,
    inputs: Mapping[str, str],
    unit: str,
    used: tuple[Mapping[str, str], ...],
) -> Converted:
    template = N_("%(value)s %(unit)s x %(factor)s = %(converted)s %(wanted)s.")
    values = {
        "value": inputs["value"],
        "unit": inputs["unit"],
        "factor": significant(_decimal(factor), 6),
        "converted": significant(_decimal(Fraction(value) * factor)),
        "wanted": inputs["wanted"],
    }
    notes = tuple(Reason(row["why"]) for row in used if row["why"])
    return _answer(value, factor, (Reason(template, values), *notes), inputs, unit, used)


def _answer(
    value: Decimal,
    factor: Fraction,
    reasons: tuple[Reason, ...],
    inputs: Mapping[str, str],
    unit: str,
    used: tuple[Mapping[str, str], ...],
) -> Converted:
    product = Fraction(value) * factor
    converted = value if factor == 1 else _decimal(product)
    standing = [row["confidence"] for row in used]
    return Converted(
        answer=plain(converted),
        status=COMPLETE,
        reasons=reasons,
        flags=(EXACT if Fraction(converted) == product else ROUNDED,),
        inputs=inputs,
        rule=RULE,
        version=VERSION,
        source=";".join(dict.fromkeys(row["source"] for row in used)),
        confidence=next((c for c in ("low", "medium") if c in standing), "high"),
        value=converted,
        factor=_decimal(factor),
        unit=unit,
    )


def _decimal(exact: Fraction) -> Decimal:
    """The fraction as a decimal of 28 digits."""
    with localcontext() as context:
        context.prec = KEPT_DIGITS
        return Decimal(exact.numerator) / Decimal(exact.denominator)


def _cannot(
    reason: Reason, inputs: Mapping[str, str], status: str = NOT_DERIVABLE
) -> Converted:  # fmt: skip
    return Converted(CANNOT, status, (reason,), (), inputs, RULE, VERSION, "project")


def _plain_derived(
    answer: str, status: str, reason: Reason, inputs: Mapping[str, str], rule: str
) -> Derived:
    return Derived(answer, status, (reason,), (), inputs, rule, VERSION, "project")
