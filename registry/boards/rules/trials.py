"""Trials: their criteria as data, and each criterion held against a case.

A criterion is met, not met, or unknown, with the value that was used. Unknown is never taken for
met or for not met. Form of the data: docs/trials.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from registry.clinical.ki67 import EXACTLY, Ki67
from registry.language import lazy_gettext as _l

STATUSES = {
    "open": _l("Open"),
    "soon": _l("Opens soon"),
    "paused": _l("Paused"),
    "closed": _l("Closed"),
}

MET, NOT_MET, UNKNOWN = "met", "not_met", "unknown"
VERDICTS = {MET: _l("Met"), NOT_MET: _l("Not met"), UNKNOWN: _l("Not known")}

FITS, OPEN, DOES_NOT_FIT = "fits", "open", "does_not_fit"
ANSWERS = {
    FITS: _l("Every criterion met"),
    OPEN: _l("Something is not known"),
    DOES_NOT_FIT: _l("Does not fit"),
}

#: Words for the grade in a criterion.
GRADES = ("G1", "G2", "G3", "NEC")
#: Cases for which trials are always looked at.
ALWAYS = frozenset({"G3", "NEC"})

#: Criterion → (label, form of its value).
CRITERIA: dict[str, tuple[Any, str]] = {
    "site": (_l("Primary site"), "any_of"),
    "grade": (_l("Grade"), "any_of"),
    "differentiation": (_l("Differentiation"), "any_of"),
    "ki67": (_l("Ki-67 (%)"), "range"),
    "sstr": (_l("SSTR imaging"), "any_of"),
    "functioning": (_l("Functioning"), "any_of"),
    "metastatic": (_l("Metastatic"), "any_of"),
    "prior_lines": (_l("Lines of systemic therapy so far"), "range"),
    "prior_any": (_l("Has had any of"), "had_any"),
    "prior_none": (_l("Has had none of"), "had_none"),
    "age": (_l("Age"), "range"),
    "ecog": (_l("ECOG"), "range"),
    "country": (_l("Country"), "any_of"),
}


@dataclass(frozen=True)
class Case:
    """What is known of a patient; None or empty is not known."""

    site: str = ""  # group of sites
    grade: str = ""
    differentiation: str = ""
    ki67: Ki67 | None = None
    sstr: str = ""  # positive, negative, mixed
    functioning: str = ""  # yes, no
    metastatic: str = ""  # yes, no
    prior_lines: int | None = None
    had: frozenset[str] = frozenset()  # classes and agents of therapies
    therapies_known: bool = False  # is what was given all that was given?
    age: tuple[int, int] | None = None  # two where the birth date leaves both open
    ecog: int | None = None
    country: str = ""

    @property
    def always(self) -> bool:
        """Is this a case for which trials are always looked at?"""
        return self.grade in ALWAYS


@dataclass(frozen=True)
class Held:
    """One criterion held against a case: what it wants, what was used, and the verdict."""

    name: str
    wanted: str
    used: str
    verdict: str

    @property
    def label(self) -> Any:
        """What the criterion is called."""
        return CRITERIA[self.name][0]


@dataclass(frozen=True)
class Match:
    """A trial held against a case."""

    code: str
    title: str
    held: tuple[Held, ...]
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def answer(self) -> str:
        """It fits when all is met; one criterion not met is enough that it does not."""
        found = {one.verdict for one in self.held}
        if NOT_MET in found:
            return DOES_NOT_FIT
        return OPEN if UNKNOWN in found else FITS


def match(code: str, title: str, criteria: Mapping[str, Any], case: Case) -> Match:
    """Hold every criterion of a trial against a case, in the order of the table."""
    held = [_hold(name, criteria[name], case) for name in CRITERIA if name in criteria]
    return Match(code, title, tuple(held))


def problem(criteria: Mapping[str, Any]) -> str:
    """What is wrong with criteria that come from outside; empty where nothing is."""
    for name, wanted in criteria.items():
        if name not in CRITERIA:
            return name
        form = CRITERIA[name][1]
        if form == "range":
            if not _is_range(wanted):
                return name
        elif (
            not isinstance(wanted, list)
            or not wanted
            or not all(isinstance(one, str) and one for one in wanted)
        ):
            return name
        if name == "grade" and set(wanted) - set(GRADES):
            return name
    return ""


def _is_range(wanted: Any) -> bool:
    if not isinstance(wanted, list) or len(wanted) != 2 or wanted == [None, None]:
        return False
    if not all(one is None or (isinstance(one, int | float) and one >= 0) for one in wanted):
        return False
    return None in wanted or bool(wanted[0] <= wanted[1])


def _hold(name: str, wanted: Any, case: Case) -> Held:
    used, verdict = _FORMS[CRITERIA[name][1]](name, wanted, case)
    return Held(name, told(name, wanted), used, verdict)


def told(name: str, wanted: Any) -> str:
    """What a criterion wants, as it is written: one of, or from–to."""
    if CRITERIA[name][1] != "range":
        return ", ".join(wanted)
    low, high = wanted
    if low is None:
        return f"≤ {high:g}"
    return f"≥ {low:g}" if high is None else f"{low:g}–{high:g}"


def _any_of(name: str, wanted: Sequence[str], case: Case) -> tuple[str, str]:
    used = str(getattr(case, name))
    if not used or used in ("unknown", "not_known", "mixed"):
        return used, UNKNOWN
    return used, MET if used in wanted else NOT_MET


def _range(name: str, wanted: Sequence[Any], case: Case) -> tuple[str, str]:
    value = getattr(case, name)
    if value is None:
        return "", UNKNOWN
    if isinstance(value, Ki67):
        return value.text(), _between(value.lowest(), value.highest(), wanted)
    low, high = value if isinstance(value, tuple) else (value, value)
    used = str(low) if low == high else f"{low}–{high}"
    return used, _between((Decimal(low), EXACTLY), (Decimal(high), EXACTLY), wanted)


def _between(low: Any, high: Any, wanted: Sequence[Any]) -> str:
    """Wholly within is met, wholly without is not; what only overlaps decides nothing."""
    least = (Decimal(-1 if wanted[0] is None else str(wanted[0])), EXACTLY)
    most = (Decimal(10**6 if wanted[1] is None else str(wanted[1])), EXACTLY)
    if low >= least and high <= most:
        return MET
    return NOT_MET if high < least or low > most else UNKNOWN


def _had_any(name: str, wanted: Sequence[str], case: Case) -> tuple[str, str]:
    found = sorted(case.had & set(wanted))
    if found:
        return ", ".join(found), MET
    return "", NOT_MET if case.therapies_known else UNKNOWN


def _had_none(name: str, wanted: Sequence[str], case: Case) -> tuple[str, str]:
    used, verdict = _had_any(name, wanted, case)
    return used, {MET: NOT_MET, NOT_MET: MET, UNKNOWN: UNKNOWN}[verdict]


_FORMS: dict[str, Callable[[str, Any, Case], tuple[str, str]]] = {
    "any_of": _any_of,
    "range": _range,
    "had_any": _had_any,
    "had_none": _had_none,
}
